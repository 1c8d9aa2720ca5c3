/* SPDX-License-Identifier: Apache-2.0 */
/*
 * For the tests of TCP's send queue alone: a connection record and a packet pool, no stack around them. Sequence numbers start
 * just below the wrap. check_queue states what must hold after any operation.
 */
#ifndef TESTS_SENDQ_H
#define TESTS_SENDQ_H

#include "rig/rig.h"

#include <stdlib.h>

#include <arpa/inet.h>

#include "proto/tcp/tcp.h"
#include "stack/rng.h"

/* ck_assert writes a note to a file each time; in loops only failures may. */
#define MUST(cond) do { if (!(cond)) ck_abort_msg("%s", #cond); } while (0)
#define POOL 512
#define DATA_BYTES 2048
#define MSS 1000
#define FIRST 0xfffff000u /* of the stream: 4096 below the wrap */

static struct mr_stack *stack;
static struct tcp *tcp;

static struct tcp_conn *c;
static uint64_t clock_ns;

static inline void
setup(void)
{
	stack = calloc(1, sizeof(*stack));
	tcp = calloc(1, sizeof(*tcp));
	c = calloc(1, sizeof(*c));
	ck_assert(stack && tcp && c);
	stack->transprotos[MR_TRANS_TCP] = &tcp->tp;
	ck_assert_int_eq(mr_arena_init(&stack->arena, 4096), 0);
	ck_assert_int_eq(mr_pool_init(&tcp->sendqs, &stack->arena, "sendqs", sizeof(struct tcp_sendq), 1), 0);
	tcp_sendq_init(c);
	stack->tx_pool = mr_pktpool_create("sendq", POOL, DATA_BYTES, 0);
	ck_assert_ptr_nonnull(stack->tx_pool);
	mr_stash_init(&stack->tx_stash, stack->tx_pool);
	stack->tx_held_max = POOL * 3 / 4;
	c->ep.stack = stack;
	c->mss = MSS;
	c->rack.ack_delay_log2 = TCP_ACK_DELAY_LOG2;
	c->snd_una = c->snd_nxt = FIRST;
	clock_ns = 1000;
}

static inline void
teardown(void)
{
	tcp_sendq_free(c);
	ck_assert_ptr_eq(c->sendq, &tcp_sendq_none);
	ck_assert_uint_eq(tcp->sendqs.used, 0);
	ck_assert_uint_eq(stack->tx_held, 0);
	ck_assert_uint_eq(mr_stash_avail(&stack->tx_stash), POOL);
	mr_stash_flush(&stack->tx_stash);
	rte_mempool_free(stack->tx_pool);
	ck_assert_uint_eq(rig_leaks(), 0);
	mr_arena_fini(&stack->arena);
	free(c);
	free(tcp);
	free(stack);
}

#define STATE (TCP_SEG_SENT | TCP_SEG_LOST | TCP_SEG_SACKED)
#define LOST (TCP_SEG_SENT | TCP_SEG_LOST)
#define SACKED (TCP_SEG_SENT | TCP_SEG_SACKED)

/* Segments of a state, by the queue itself. */
static inline unsigned
count_state(unsigned state)
{
	unsigned n = 0;

	for (struct rte_mbuf *m = c->sendq->head; m; m = tcp_seg(m)->next)
		n += (tcp_seg(m)->flags & STATE) == state;
	return n;
}

/* In flight: all in the order of transmission. */
static inline void
check_time_order(void)
{
	const struct tcp_sendq *q = c->sendq;
	const struct rte_mbuf *prev = NULL;
	unsigned listed = 0;

	for (struct rte_mbuf *m = q->thead; m; prev = m, m = tcp_seg(m)->tnext) {
		const struct tcp_seg *s = tcp_seg(m);

		MUST((s->flags & STATE) == TCP_SEG_SENT);
		MUST(s->tprev == prev);
		MUST(!prev || tcp_seg(prev)->sent_ns <= s->sent_ns);
		MUST(++listed <= POOL);
	}
	MUST(q->ttail == prev);
	MUST(listed == count_state(TCP_SEG_SENT));
}

/* LOST: all in the order of the sequence. */
static inline void
check_lost(void)
{
	const struct tcp_sendq *q = c->sendq;
	const struct rte_mbuf *prev = NULL;
	unsigned listed = 0;

	for (struct rte_mbuf *m = q->lost_head; m; prev = m, m = tcp_seg(m)->tnext) {
		MUST((tcp_seg(m)->flags & STATE) == LOST);
		MUST(tcp_seg(m)->tprev == prev);
		MUST(!prev || seq_lt(tcp_seg(prev)->seq, tcp_seg(m)->seq));
		MUST(++listed <= POOL);
	}
	MUST(q->lost_tail == prev);
	MUST(q->lost == listed && listed == count_state(LOST));
}

/* SACKED: in runs that cannot be longer, each known from both its ends, each listed once. */
static inline void
check_runs(void)
{
	const struct tcp_sendq *q = c->sendq;
	const struct rte_mbuf *prev = NULL;
	unsigned listed = 0;

	for (struct rte_mbuf *run = q->newest_run; run; prev = run, run = tcp_seg(run)->tnext) {
		const struct tcp_seg *first = tcp_seg(run), *last = tcp_seg(first->run_last);

		MUST(first->tprev == prev);
		MUST(!first->prev || (tcp_seg(first->prev)->flags & STATE) != SACKED);
		MUST(!last->next || (tcp_seg(last->next)->flags & STATE) != SACKED);
		MUST(first == last || last->tprev == run);
		for (const struct tcp_seg *s = first;; s = tcp_seg(s->next)) {
			MUST((s->flags & STATE) == SACKED);
			MUST(++listed <= POOL);
			if (s == last)
				break;
		}
	}
	MUST(q->sacked == listed && listed == count_state(SACKED));
}

/* Everything that holds at any time. The payload of sequence number n is rig_pattern(n - FIRST). */
static inline void
check_queue(void)
{
	const struct tcp_sendq *q = c->sendq;
	const struct rte_mbuf *prev = NULL, *unsent = NULL;
	uint32_t seq = c->snd_una, bytes = 0, in_flight = 0, mbufs = 0;

	for (struct rte_mbuf *m = q->head; m; prev = m, m = tcp_seg(m)->next) {
		const struct tcp_seg *s = tcp_seg(m);

		MUST(s->prev == prev);
		MUST(s->seq == seq);
		MUST(tcp_seg_span(s) > 0);
		MUST(s->data_off + s->len <= m->buf_len);
		MUST(tcp_is_small(q, m) ? !s->prev && rte_mbuf_refcnt_read(m) > 1 : s->data_off >= MR_HEADROOM);
		MUST(rig_pattern_check((char *)m->buf_addr + s->data_off, seq - FIRST, s->len) == s->len);
		MUST(!(s->flags & TCP_SEG_SUM) ||
		     (uint16_t)(ntohs(s->sum) + rig_cksum((char *)m->buf_addr + s->data_off, s->len, 0)) == 0xffff);
		MUST(!(s->flags & TCP_SEG_FIN) || !s->next);
		if (s->flags & TCP_SEG_SENT) {
			MUST(!unsent);
			MUST(s->times > 0 && (s->flags & STATE) != STATE);
			MUST(!(s->flags & TCP_SEG_RETRANS) == (s->times == 1));
			if ((s->flags & STATE) == TCP_SEG_SENT)
				in_flight += tcp_seg_span(s);
		} else {
			MUST(s->times == 0 && !(s->flags & (STATE | TCP_SEG_RETRANS)));
			unsent = unsent ? unsent : m;
		}
		seq += tcp_seg_span(s);
		bytes += s->len;
		mbufs += !tcp_is_small(q, m);
	}
	MUST(q->tail == prev);
	MUST(q->unsent == unsent);
	MUST(q == &tcp_sendq_none || q->end_seq == seq);
	MUST(q->bytes == bytes);
	MUST(q->in_flight == in_flight);
	MUST(!q->tail || (tcp_seg(q->tail)->flags & TCP_SEG_PSH)); /* MUST-61 */
	MUST(stack->tx_held == mbufs);
	check_time_order();
	check_lost();
	check_runs();
}

/* ---- verbs */

/* Of what was written so far. */
static inline uint32_t
end_seq(void)
{
	return c->sendq == &tcp_sendq_none ? c->snd_nxt : c->sendq->end_seq;
}

/* What the application writes next. */
static inline size_t
append(size_t len)
{
	char *buf = malloc(len + 1);
	size_t n;

	rig_pattern_fill(buf, end_seq() - FIRST, len);
	n = tcp_sendq_append(c, buf, len);
	free(buf);
	check_queue();
	return n;
}

/* Transmit the next unsent segment, or one again. */
static inline struct rte_mbuf *
transmit(struct rte_mbuf *m)
{
	if (m == c->sendq->unsent)
		c->snd_nxt += tcp_seg_span(tcp_seg(m));
	tcp_sendq_sent(c, m, clock_ns++);
	check_queue();
	return m;
}

static inline struct rte_mbuf *
transmit_next(void)
{
	ck_assert_ptr_nonnull(c->sendq->unsent);
	return transmit(c->sendq->unsent);
}

static inline void
transmit_all(void)
{
	while (c->sendq->unsent)
		transmit_next();
}

/* What is SACKED of the sequence numbers before this one. */
static inline uint32_t
sacked_below(uint32_t upto)
{
	uint32_t n = 0;

	for (struct rte_mbuf *m = c->sendq->head; m && seq_lt(tcp_seg(m)->seq, upto); m = tcp_seg(m)->next)
		if (tcp_seg(m)->flags & TCP_SEG_SACKED)
			n += seq_min(tcp_seg_end(tcp_seg(m)), upto) - tcp_seg(m)->seq;
	return n;
}

static uint64_t newest_ns;
static bool resent;

static inline uint32_t
ack(uint32_t upto)
{
	struct tcp_acked a = {.rx = &(struct tcp_rx){.ack = upto}};
	uint32_t una = c->snd_una, sacked = sacked_below(upto), freed = tcp_sendq_ack(c, upto, &a);

	newest_ns = a.newest.sent_ns;
	resent = a.resent;
	MUST(a.bytes == (seq_gt(upto, una) ? upto - una : 0) - sacked);
	c->snd_una = seq_max(c->snd_una, upto);
	check_queue();
	return freed;
}

static inline void
lose(struct rte_mbuf *m)
{
	tcp_sendq_mark_lost(c, m, NULL);
	check_queue();
}

static inline struct rte_mbuf *
seg(unsigned i)
{
	struct rte_mbuf *m = c->sendq->head;

	while (i-- > 0 && m)
		m = tcp_seg(m)->next;
	ck_assert_ptr_nonnull(m);
	return m;
}

static inline unsigned
count(void)
{
	unsigned n = 0;

	for (struct rte_mbuf *m = c->sendq->head; m; m = tcp_seg(m)->next)
		n++;
	return n;
}

#endif
