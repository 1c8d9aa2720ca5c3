/* SPDX-License-Identifier: Apache-2.0 */
/*
 * TCP's send queue alone: a connection record and a packet pool, no stack around them. Sequence numbers start just
 * below the wrap. check_queue states what must hold after any operation; the last test runs random operations against
 * a model that remembers for each sequence number its state, and when and how often it was sent.
 */
#include "rig/rig.h"

#include <stdlib.h>
#include <string.h>

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

static void
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

static void
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
static unsigned
count_state(unsigned state)
{
	unsigned n = 0;

	for (struct rte_mbuf *m = c->sendq->head; m; m = tcp_seg(m)->next)
		n += (tcp_seg(m)->flags & STATE) == state;
	return n;
}

/* In flight: all in the order of transmission. */
static void
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
static void
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
static void
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
static void
check_queue(void)
{
	const struct tcp_sendq *q = c->sendq;
	const struct rte_mbuf *prev = NULL, *unsent = NULL;
	uint32_t seq = c->snd_una, bytes = 0, in_flight = 0, n = 0;

	for (struct rte_mbuf *m = q->head; m; prev = m, m = tcp_seg(m)->next) {
		const struct tcp_seg *s = tcp_seg(m);

		MUST(s->prev == prev);
		MUST(s->seq == seq);
		MUST(tcp_seg_span(s) > 0);
		MUST(s->data_off >= MR_HEADROOM && s->data_off + s->len <= m->buf_len);
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
		n++;
	}
	MUST(q->tail == prev);
	MUST(q->unsent == unsent);
	MUST(q == &tcp_sendq_none || q->end_seq == seq);
	MUST(q->bytes == bytes);
	MUST(q->in_flight == in_flight);
	MUST(!q->tail || (tcp_seg(q->tail)->flags & TCP_SEG_PSH)); /* MUST-61 */
	MUST(stack->tx_held == n);
	check_time_order();
	check_lost();
	check_runs();
}

/* ---- verbs */

/* Of what was written so far. */
static uint32_t
end_seq(void)
{
	return c->sendq == &tcp_sendq_none ? c->snd_nxt : c->sendq->end_seq;
}

/* What the application writes next. */
static size_t
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
static struct rte_mbuf *
transmit(struct rte_mbuf *m)
{
	if (m == c->sendq->unsent)
		c->snd_nxt += tcp_seg_span(tcp_seg(m));
	tcp_sendq_sent(c, m, clock_ns++);
	check_queue();
	return m;
}

static struct rte_mbuf *
transmit_next(void)
{
	ck_assert_ptr_nonnull(c->sendq->unsent);
	return transmit(c->sendq->unsent);
}

static void
transmit_all(void)
{
	while (c->sendq->unsent)
		transmit_next();
}

/* The peer has a segment that was sent. */
static void
sack(struct rte_mbuf *m)
{
	if ((tcp_seg(m)->flags & (TCP_SEG_SENT | TCP_SEG_SACKED)) == TCP_SEG_SENT)
		tcp_sendq_mark_sacked(c, m);
	check_queue();
}

/* What is SACKED of the sequence numbers before this one. */
static uint32_t
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

static uint32_t
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

static void
lose(struct rte_mbuf *m)
{
	tcp_sendq_mark_lost(c, m, NULL);
	check_queue();
}

static struct rte_mbuf *
seg(unsigned i)
{
	struct rte_mbuf *m = c->sendq->head;

	while (i-- > 0 && m)
		m = tcp_seg(m)->next;
	ck_assert_ptr_nonnull(m);
	return m;
}

static unsigned
count(void)
{
	unsigned n = 0;

	for (struct rte_mbuf *m = c->sendq->head; m; m = tcp_seg(m)->next)
		n++;
	return n;
}

/* ---- append and FIN */

START_TEST(bytes_are_cut_at_the_mss)
{
	ck_assert_uint_eq(append(2 * MSS + 300), 2 * MSS + 300);
	ck_assert_uint_eq(count(), 3);
	ck_assert_uint_eq(tcp_seg(seg(0))->len, MSS);
	ck_assert_uint_eq(tcp_seg(seg(1))->len, MSS);
	ck_assert_uint_eq(tcp_seg(seg(2))->len, 300);
	ck_assert_uint_eq(c->sendq->end_seq, FIRST + 2 * MSS + 300);
	ck_assert_ptr_eq(c->sendq->unsent, seg(0));
	ck_assert_uint_eq(append(0), 0);
	ck_assert_uint_eq(count(), 3);
}
END_TEST

START_TEST(only_the_end_of_a_write_is_pushed)
{
	append(2 * MSS + 300);
	ck_assert(!(tcp_seg(seg(0))->flags & TCP_SEG_PSH));
	ck_assert(!(tcp_seg(seg(1))->flags & TCP_SEG_PSH));
	ck_assert(tcp_seg(seg(2))->flags & TCP_SEG_PSH);
}
END_TEST

START_TEST(small_writes_fill_the_last_unsent_segment)
{
	for (int i = 0; i < MSS + 1; i++)
		ck_assert_uint_eq(append(1), 1);
	ck_assert_uint_eq(count(), 2);
	ck_assert_uint_eq(tcp_seg(seg(0))->len, MSS);
	ck_assert_uint_eq(stack->tx_held, 2);
}
END_TEST

/* What a link may be reading is not written to. */
START_TEST(sent_segments_do_not_grow)
{
	append(10);
	transmit_next();
	append(10);
	ck_assert_uint_eq(count(), 2);
	ck_assert_uint_eq(tcp_seg(seg(0))->len, 10);
	ck_assert_ptr_eq(c->sendq->unsent, seg(1));
}
END_TEST

START_TEST(mbuf_smaller_than_the_mss_limits_the_segment)
{
	c->mss = 8000;
	ck_assert_uint_eq(append(5000), 5000);
	ck_assert_uint_eq(count(), 3);
	ck_assert_uint_eq(tcp_seg(seg(0))->len, DATA_BYTES);
	ck_assert_uint_eq(tcp_seg(seg(2))->len, 5000 - 2 * DATA_BYTES);
}
END_TEST

START_TEST(mss_that_shrank_starts_a_new_segment)
{
	append(600);
	c->mss = 500;
	append(600);
	ck_assert_uint_eq(count(), 3);
	ck_assert_uint_eq(tcp_seg(seg(0))->len, 600);
	ck_assert_uint_eq(tcp_seg(seg(1))->len, 500);
	ck_assert_uint_eq(tcp_seg(seg(2))->len, 100);
}
END_TEST

START_TEST(budget_ends_a_write_early)
{
	stack->tx_held_max = 3;
	ck_assert_uint_eq(append(5 * MSS), 3 * MSS);
	ck_assert_uint_eq(append(1), 0);
	ck_assert_uint_eq(stack->tx_held, 3);
	ck_assert(!tcp_sendq_split(c, seg(1), 10));
	check_queue();
	transmit_all();
	ck_assert(!tcp_sendq_fin(c));
	check_queue();
	ack(FIRST + MSS);
	ck_assert_uint_eq(append(1), 1);
}
END_TEST

START_TEST(empty_pool_ends_a_write_early)
{
	struct rte_mbuf *m[POOL];

	ck_assert_int_eq(rte_pktmbuf_alloc_bulk(stack->tx_pool, m, POOL - 2), 0);
	ck_assert_uint_eq(append(5 * MSS), 2 * MSS);
	ck_assert_uint_eq(append(1), 0);
	ck_assert_uint_eq(stack->tx_held, 2);
	ck_assert(!tcp_sendq_split(c, seg(1), 10));
	check_queue();
	rte_pktmbuf_free_bulk(m, POOL - 2);
	ck_assert_uint_eq(append(1), 1);
}
END_TEST

START_TEST(fin_rides_on_unsent_data)
{
	append(MSS + 10);
	transmit_next();
	ck_assert(tcp_sendq_fin(c));
	check_queue();
	ck_assert_uint_eq(count(), 2);
	ck_assert_uint_eq(tcp_seg_span(tcp_seg(seg(1))), 11);
	ck_assert_uint_eq(c->sendq->end_seq, FIRST + MSS + 11);
	ck_assert_uint_eq(c->sendq->bytes, MSS + 10);
	transmit_all();
	ck_assert_uint_eq(c->sendq->in_flight, MSS + 11);
	ck_assert_uint_eq(ack(FIRST + MSS + 11), MSS + 10);
	ck_assert_ptr_null(c->sendq->head);
}
END_TEST

START_TEST(fin_alone)
{
	ck_assert(tcp_sendq_fin(c));
	check_queue();
	ck_assert_uint_eq(c->sendq->bytes, 0);
	transmit_all();
	ck_assert_uint_eq(c->sendq->in_flight, 1);
	ck_assert_uint_eq(ack(FIRST + 1), 0);
	ck_assert_ptr_null(c->sendq->head);
	ck_assert_uint_eq(c->sendq->in_flight, 0);
}
END_TEST

START_TEST(fin_after_all_was_sent)
{
	append(10);
	transmit_all();
	ck_assert(tcp_sendq_fin(c));
	check_queue();
	ck_assert_uint_eq(count(), 2);
	ck_assert_uint_eq(tcp_seg(seg(1))->len, 0);
	ck_assert_ptr_eq(c->sendq->unsent, seg(1));
	transmit_all();
	ck_assert_uint_eq(ack(FIRST + 10), 10);
	ck_assert_uint_eq(count(), 1);
	ack(FIRST + 11);
	ck_assert_uint_eq(count(), 0);
}
END_TEST

START_TEST(fin_is_acknowledged_apart_from_its_data)
{
	append(10);
	tcp_sendq_fin(c);
	transmit_all();
	ck_assert_uint_eq(ack(FIRST + 10), 10);
	ck_assert_uint_eq(count(), 1);
	ck_assert_uint_eq(tcp_seg(seg(0))->len, 0);
	ck_assert(tcp_seg(seg(0))->flags & TCP_SEG_FIN);
	ck_assert_uint_eq(c->sendq->in_flight, 1);
	lose(seg(0));
	ck_assert_uint_eq(c->sendq->in_flight, 0);
	transmit(seg(0));
	ack(FIRST + 11);
	ck_assert_uint_eq(count(), 0);
}
END_TEST

START_TEST(packet_of_the_application_is_a_segment)
{
	struct rte_mbuf *m = rte_pktmbuf_alloc(stack->tx_pool);

	append(10);
	rig_pattern_fill(rte_pktmbuf_append(m, 200), 10, 200);
	tcp_sendq_append_mbuf(c, m);
	check_queue();
	ck_assert_uint_eq(count(), 2);
	ck_assert_ptr_eq(seg(1), m);
	ck_assert_uint_eq(c->sendq->bytes, 210);
	ck_assert_uint_eq(append(5), 5);
	transmit_all();
	ck_assert_uint_eq(ack(FIRST + 215), 215);
}
END_TEST

/* ---- acknowledgement */

START_TEST(ack_frees_whole_segments)
{
	append(3 * MSS);
	transmit_all();
	ck_assert_uint_eq(ack(FIRST + 2 * MSS), 2 * MSS);
	ck_assert_uint_eq(count(), 1);
	ck_assert_uint_eq(c->sendq->in_flight, MSS);
	ck_assert_uint_eq(mr_stash_avail(&stack->tx_stash), POOL - 1);
}
END_TEST

START_TEST(ack_in_the_middle_of_a_segment)
{
	append(2 * MSS);
	transmit_all();
	ck_assert_uint_eq(ack(FIRST + 1), 1);
	ck_assert_uint_eq(ack(FIRST + MSS - 1), MSS - 2);
	ck_assert_uint_eq(count(), 2);
	ck_assert_uint_eq(tcp_seg(seg(0))->len, 1);
	ck_assert_uint_eq(c->sendq->in_flight, MSS + 1);
	ck_assert_ptr_eq(c->sendq->thead, seg(0));
}
END_TEST

START_TEST(ack_in_the_middle_of_a_lost_segment)
{
	append(2 * MSS);
	transmit_all();
	lose(seg(0));
	ck_assert_uint_eq(ack(FIRST + 400), 400);
	ck_assert_uint_eq(c->sendq->in_flight, MSS);
	ck_assert_uint_eq(c->sendq->lost, 1);
	transmit(seg(0));
	ck_assert_uint_eq(c->sendq->in_flight, 2 * MSS - 400);
	ck_assert_uint_eq(ack(FIRST + 2 * MSS), 2 * MSS - 400);
}
END_TEST

START_TEST(old_and_future_acks_free_nothing)
{
	struct tcp_acked a = {0};

	append(3 * MSS);
	transmit_next();
	ck_assert_uint_eq(ack(FIRST), 0);
	ck_assert_uint_eq(ack(FIRST - 100), 0);
	ck_assert_uint_eq(newest_ns, 0);
	ck_assert(!resent);
	/* Callers refuse what acknowledges unsent data; the queue would not free it either. */
	ck_assert_uint_eq(tcp_sendq_ack(c, FIRST + 3 * MSS, &a), MSS);
	c->snd_una = FIRST + MSS;
	check_queue();
	ck_assert_uint_eq(count(), 2);
}
END_TEST

/* Karn: what the caller learns about the transmissions that an ACK covers. */
START_TEST(ack_tells_the_newest_transmission)
{
	uint64_t at[4];

	append(4 * MSS);
	for (int i = 0; i < 4; i++) {
		at[i] = clock_ns += 100;
		transmit_next();
	}
	ack(FIRST + 2 * MSS);
	ck_assert_uint_eq(newest_ns, at[1]);
	ck_assert(!resent);
	at[0] = clock_ns += 100;
	transmit(seg(0));
	ack(FIRST + 4 * MSS);
	ck_assert_uint_eq(newest_ns, at[0]);
	ck_assert(resent);
}
END_TEST

START_TEST(frame_that_the_link_still_reads_outlives_its_segment)
{
	struct rte_mbuf *m;

	append(10);
	m = transmit_next();
	rte_mbuf_refcnt_update(m, 1);
	ack(FIRST + 10);
	ck_assert_uint_eq(stack->tx_held, 0);
	ck_assert_uint_eq(rte_mbuf_refcnt_read(m), 1);
	ck_assert_uint_eq(mr_stash_avail(&stack->tx_stash), POOL - 1);
	rte_pktmbuf_free(m);
}
END_TEST

/* ---- split */

static void
split(struct rte_mbuf *m, uint32_t len)
{
	struct tcp_seg *s = tcp_seg(m);
	uint8_t before = s->flags;
	uint32_t whole = s->len;
	const struct tcp_seg *r;

	ck_assert(tcp_sendq_split(c, m, len));
	check_queue();
	r = tcp_seg(s->next);
	ck_assert_uint_eq(s->len, len);
	ck_assert_uint_eq(r->len, whole - len);
	/* What was known of the whole payload's sum is true of neither. */
	ck_assert_uint_eq(r->flags, before & ~TCP_SEG_SUM);
	ck_assert_uint_eq(s->flags, before & ~(TCP_SEG_FIN | TCP_SEG_PSH | TCP_SEG_SUM));
	ck_assert_uint_eq(r->times, s->times);
	ck_assert_uint_eq(r->sent_ns, s->sent_ns);
}

START_TEST(split_unsent)
{
	append(3 * MSS);
	tcp_sendq_fin(c);
	split(seg(0), 1);
	split(seg(2), MSS - 1);
	split(seg(4), 500);
	ck_assert_uint_eq(count(), 6);
	ck_assert_ptr_eq(c->sendq->unsent, seg(0));
	transmit_next();
	split(seg(1), 10);
	ck_assert_ptr_eq(c->sendq->unsent, seg(1));
	transmit_all();
	ck_assert_uint_eq(ack(c->sendq->end_seq), 3 * MSS);
}
END_TEST

START_TEST(split_in_flight)
{
	append(3 * MSS);
	transmit_all();
	split(seg(1), 300);
	ck_assert_uint_eq(c->sendq->in_flight, 3 * MSS);
	ck_assert_ptr_eq(tcp_seg(seg(1))->tnext, seg(2)); /* sent together: neighbours in the time order as well */
	ck_assert_ptr_eq(c->sendq->ttail, seg(3));
	split(seg(3), 300);
	ck_assert_ptr_eq(c->sendq->ttail, seg(4));
	lose(seg(2));
	ck_assert_uint_eq(c->sendq->in_flight, 3 * MSS - 700);
	ack(c->sendq->end_seq);
}
END_TEST

START_TEST(split_lost)
{
	append(2 * MSS);
	tcp_sendq_fin(c);
	transmit_all();
	lose(seg(1));
	split(seg(1), 600);
	ck_assert_uint_eq(c->sendq->lost, 2);
	ck_assert_uint_eq(c->sendq->in_flight, MSS);
	transmit(tcp_sendq_first_lost(c->sendq));
	ck_assert_uint_eq(c->sendq->in_flight, MSS + 600);
	transmit(tcp_sendq_first_lost(c->sendq));
	ck_assert_uint_eq(c->sendq->in_flight, 2 * MSS + 1);
	ck_assert_uint_eq(c->sendq->lost, 0);
}
END_TEST

START_TEST(split_what_is_left_of_a_segment)
{
	append(MSS);
	transmit_all();
	ack(FIRST + 100);
	split(seg(0), 100);
	split(seg(1), 100);
	ck_assert_uint_eq(count(), 3);
	ck_assert_uint_eq(c->sendq->in_flight, MSS - 100);
	transmit(seg(1));
	ck_assert_ptr_eq(c->sendq->ttail, seg(1));
	split(seg(1), 50);
	ck_assert_ptr_eq(c->sendq->ttail, seg(2));
}
END_TEST

/* ---- loss and time order */

START_TEST(order_of_transmission)
{
	struct rte_mbuf *a, *b, *d;

	append(3 * MSS);
	a = transmit_next();
	b = transmit_next();
	d = transmit_next();
	transmit(a);
	ck_assert_ptr_eq(c->sendq->thead, b);
	ck_assert_ptr_eq(c->sendq->ttail, a);
	ck_assert(tcp_seg(a)->flags & TCP_SEG_RETRANS);
	ck_assert_uint_eq(c->sendq->in_flight, 3 * MSS);
	lose(b);
	ck_assert_ptr_eq(c->sendq->thead, d);
	transmit(b);
	ck_assert_ptr_eq(c->sendq->ttail, b);
	ck_assert_ptr_eq(tcp_seg(d)->tnext, a);
	ack(FIRST + MSS);
	ck_assert_ptr_eq(tcp_seg(d)->tnext, b);
}
END_TEST

START_TEST(loss_is_marked_once)
{
	append(4 * MSS);
	transmit_next();
	transmit_next();
	ck_assert_ptr_null(tcp_sendq_first_lost(c->sendq));
	lose(seg(1));
	lose(seg(1));
	lose(seg(3)); /* never sent: cannot be lost */
	ck_assert_uint_eq(c->sendq->lost, 1);
	ck_assert_uint_eq(c->sendq->in_flight, MSS);
	ck_assert_ptr_eq(tcp_sendq_first_lost(c->sendq), seg(1));
	lose(seg(0));
	ck_assert_ptr_eq(tcp_sendq_first_lost(c->sendq), seg(0));
	transmit(seg(0));
	ck_assert_ptr_eq(tcp_sendq_first_lost(c->sendq), seg(1));
	ack(FIRST + 2 * MSS);
	ck_assert_uint_eq(c->sendq->lost, 0);
	ck_assert_ptr_null(tcp_sendq_first_lost(c->sendq));
}
END_TEST

START_TEST(timeout_loses_all_that_was_sent)
{
	tcp_sendq_mark_all_lost(c);
	check_queue();
	append(4 * MSS);
	transmit_next();
	transmit_next();
	transmit_next();
	lose(seg(1));
	tcp_sendq_mark_all_lost(c);
	check_queue();
	ck_assert_uint_eq(c->sendq->lost, 3);
	ck_assert_uint_eq(c->sendq->in_flight, 0);
	ck_assert_ptr_null(c->sendq->thead);
	ck_assert_ptr_eq(c->sendq->unsent, seg(3));
}
END_TEST

START_TEST(transmissions_are_counted_to_the_limit)
{
	append(1);
	transmit_next();
	for (int i = 0; i < 300; i++)
		tcp_sendq_sent(c, seg(0), clock_ns++);
	check_queue();
	ck_assert_uint_eq(tcp_seg(seg(0))->times, UINT8_MAX);
}
END_TEST

/* ---- SACKED */

START_TEST(runs_grow_together)
{
	append(7 * MSS);
	transmit_all();
	sack(seg(1));
	sack(seg(5));
	sack(seg(3));
	ck_assert_ptr_eq(c->sendq->newest_run, seg(3));
	ck_assert_uint_eq(c->sendq->in_flight, 4 * MSS);
	sack(seg(2));
	ck_assert_ptr_eq(c->sendq->newest_run, seg(1));
	ck_assert_ptr_eq(tcp_seg(seg(1))->run_last, seg(3));
	sack(seg(4));
	ck_assert_ptr_eq(tcp_seg(seg(1))->run_last, seg(5));
	ck_assert_ptr_null(tcp_seg(seg(1))->tnext);
	ack(FIRST + 4 * MSS);
	ck_assert_ptr_eq(c->sendq->newest_run, seg(0));
	ack(FIRST + 7 * MSS);
	ck_assert_ptr_null(c->sendq->newest_run);
}
END_TEST

START_TEST(lost_one_turns_up)
{
	append(3 * MSS);
	transmit_all();
	lose(seg(0));
	lose(seg(1));
	sack(seg(1));
	ck_assert_uint_eq(c->sendq->lost, 1);
	ck_assert_uint_eq(c->sendq->sacked, 1);
	ck_assert_uint_eq(c->sendq->in_flight, MSS);
}
END_TEST

/* RFC 2018 8: the peer may throw away what it has SACKed; then it is lost, sent who knows when. */
START_TEST(reneging)
{
	append(4 * MSS);
	transmit_all();
	for (unsigned i = 0; i < 3; i++)
		sack(seg(i));
	lose(seg(3));
	ack(FIRST + 10); /* in the middle of a SACKED one */
	ck_assert_uint_eq(c->sendq->sacked, 2);
	ck_assert_uint_eq(c->sendq->lost, 2);
	tcp_sendq_forget_sacked(c);
	check_queue();
	ck_assert_uint_eq(c->sendq->sacked, 0);
	ck_assert_uint_eq(c->sendq->lost, 4);
	ck_assert_uint_eq(c->sendq->in_flight, 0);
}
END_TEST

/* What was taken for lost goes back to where it was in the order of transmission. */
START_TEST(losses_taken_back)
{
	struct rte_mbuf *m[6];

	append(6 * MSS);
	for (unsigned i = 0; i < 6; i++)
		m[i] = transmit_next();
	transmit(m[1]); /* 0 2 3 4 5 1 */
	lose(m[1]);
	lose(m[3]);
	lose(m[0]);
	tcp_sendq_unmark_lost(c);
	check_queue();
	ck_assert_ptr_eq(c->sendq->thead, m[0]);
	ck_assert_ptr_eq(tcp_seg(m[2])->tnext, m[3]);
	ck_assert_ptr_eq(c->sendq->ttail, m[1]);
	ck_assert_uint_eq(c->sendq->in_flight, 6 * MSS);
}
END_TEST

/* Segments that went out together, as after a long time without room: taken back, they are in the order of the sequence. */
START_TEST(losses_of_one_moment_taken_back)
{
	struct rte_mbuf *m[4];

	append(4 * MSS);
	for (unsigned i = 0; i < 4; i++) {
		m[i] = transmit_next();
		clock_ns--;
	}
	lose(m[2]);
	lose(m[1]);
	tcp_sendq_unmark_lost(c);
	check_queue();
	for (unsigned i = 0; i < 3; i++)
		ck_assert_ptr_eq(tcp_seg(m[i])->tnext, m[i + 1]);
}
END_TEST

/* A hint from which to look for the place of a lost segment may lie on either side of it. */
START_TEST(lost_before_and_behind_the_hint)
{
	struct rte_mbuf *m[6];

	append(6 * MSS);
	for (unsigned i = 0; i < 6; i++)
		m[i] = transmit_next();
	lose(m[5]);
	tcp_sendq_mark_lost(c, m[3], m[5]);
	check_queue();
	tcp_sendq_mark_lost(c, m[4], m[3]);
	check_queue();
	tcp_sendq_mark_lost(c, m[0], m[4]);
	check_queue();
	ck_assert_ptr_eq(c->sendq->lost_head, m[0]);
}
END_TEST

START_TEST(freed_queue_is_empty)
{
	append(3 * MSS);
	transmit_next();
	transmit_next();
	lose(seg(0));
	tcp_sendq_free(c);
	ck_assert_ptr_null(c->sendq->head);
	ck_assert_ptr_null(c->sendq->unsent);
	ck_assert_ptr_null(c->sendq->thead);
	ck_assert_uint_eq(c->sendq->bytes + c->sendq->in_flight + c->sendq->lost, 0);
	tcp_sendq_free(c);
}
END_TEST

/* ---- random operations against a model */

#define STREAM (1u << 21)
#define OPERATIONS 30000

/* What the model knows of one sequence number. */
struct number {
	uint32_t sent_ns; /* 0: never */
	uint16_t times;
	uint8_t state; /* TCP_SEG_LOST, TCP_SEG_SACKED, 0 */
	bool forgotten; /* when it was sent, because it was SACKED in between */
};

static struct number model[STREAM + 1];

static void
check_model(void)
{
	for (struct rte_mbuf *m = c->sendq->head; m; m = tcp_seg(m)->next) {
		const struct tcp_seg *s = tcp_seg(m);

		for (uint32_t i = 0; i < tcp_seg_span(s); i++) {
			const struct number *n = &model[s->seq - FIRST + i];

			MUST(n->times == s->times);
			MUST(n->state == (s->flags & (TCP_SEG_LOST | TCP_SEG_SACKED)));
			if (n->state != TCP_SEG_SACKED)
				MUST(s->sent_ns == (n->forgotten ? 0 : n->sent_ns));
		}
	}
}

static struct rte_mbuf *
random_seg(struct mr_rng *r)
{
	unsigned n = count();

	return n ? seg(mr_rng_below(r, n)) : NULL;
}

static void
model_transmit(struct rte_mbuf *m)
{
	const struct tcp_seg *s = tcp_seg(m);

	for (uint32_t i = 0; i < tcp_seg_span(s); i++) {
		struct number *n = &model[s->seq - FIRST + i];

		n->sent_ns = (uint32_t)clock_ns;
		n->times++;
		n->state = 0;
		n->forgotten = false;
	}
	transmit(m);
}

static void
model_lose(struct rte_mbuf *m)
{
	const struct tcp_seg *s = tcp_seg(m);

	for (uint32_t i = 0; i < tcp_seg_span(s); i++) {
		struct number *n = &model[s->seq - FIRST + i];

		if (n->times > 0 && n->state == 0)
			n->state = TCP_SEG_LOST;
	}
	lose(m);
}

static void
model_lose_all(void)
{
	for (uint32_t i = c->snd_una - FIRST; i < c->snd_nxt - FIRST; i++)
		if (model[i].state == 0)
			model[i].state = TCP_SEG_LOST;
	tcp_sendq_mark_all_lost(c);
}

static void
model_sack(struct rte_mbuf *m)
{
	const struct tcp_seg *s = tcp_seg(m);

	for (uint32_t i = 0; i < tcp_seg_span(s); i++)
		if (model[s->seq - FIRST + i].times > 0)
			model[s->seq - FIRST + i].state = TCP_SEG_SACKED;
	sack(m);
}

/* The peer has thrown away what it had SACKed. */
static void
model_renege(void)
{
	for (uint32_t i = c->snd_una - FIRST; i < c->snd_nxt - FIRST; i++)
		if (model[i].state == TCP_SEG_SACKED) {
			model[i].state = TCP_SEG_LOST;
			model[i].forgotten = true;
		}
	tcp_sendq_forget_sacked(c);
}

/* What was taken for lost was not. */
static void
model_unlose(void)
{
	for (uint32_t i = c->snd_una - FIRST; i < c->snd_nxt - FIRST; i++)
		if (model[i].state == TCP_SEG_LOST)
			model[i].state = 0;
	tcp_sendq_unmark_lost(c);
}

/* Who acknowledges a part of a segment that he has SACKed does not have the rest any more. */
static void
model_cut(uint32_t upto)
{
	for (struct rte_mbuf *m = c->sendq->head; m && seq_lt(tcp_seg(m)->seq, upto); m = tcp_seg(m)->next)
		if ((tcp_seg(m)->flags & TCP_SEG_SACKED) && seq_gt(tcp_seg_end(tcp_seg(m)), upto))
			for (uint32_t i = upto - FIRST; i < tcp_seg_end(tcp_seg(m)) - FIRST; i++) {
				model[i].state = TCP_SEG_LOST;
				model[i].forgotten = true;
			}
}

/* The newest transmission and whether any was repeated, of the segments that an ACK touches. */
static void
model_ack(uint32_t upto)
{
	uint32_t newest = 0, bytes = c->sendq->bytes;
	bool again = false, forgotten = false;

	/* Of SACKED ones their SACK has told. */
	for (uint32_t i = c->snd_una - FIRST; i < upto - FIRST; i++) {
		if (model[i].state != TCP_SEG_SACKED)
			newest = RTE_MAX(newest, model[i].sent_ns);
		again |= model[i].times > 1;
		forgotten |= model[i].forgotten;
	}
	model_cut(upto);
	MUST(bytes - ack(upto) == c->sendq->bytes);
	MUST((newest_ns == newest || forgotten) && resent == again);
}

static void
random_operation(struct mr_rng *r)
{
	struct rte_mbuf *m = random_seg(r);
	uint32_t outstanding = c->snd_nxt - c->snd_una, written = end_seq() - FIRST;

	clock_ns += mr_rng_below(r, 3);
	switch (mr_rng_below(r, 16)) {
	case 0:
	case 1:
		if (written < STREAM)
			append(RTE_MIN(mr_rng_below(r, 2 * MSS), STREAM - written));
		break;
	case 2:
	case 3:
	case 4:
	case 5:
		if (c->sendq->unsent)
			model_transmit(c->sendq->unsent);
		break;
	case 6:
		if (m && (tcp_seg(m)->flags & SACKED) == TCP_SEG_SENT)
			model_transmit(m);
		break;
	case 7:
		if (m)
			model_lose(m);
		break;
	case 8:
		if (mr_rng_below(r, 8) == 0)
			model_lose_all();
		else if (tcp_sendq_first_lost(c->sendq))
			model_transmit(tcp_sendq_first_lost(c->sendq));
		break;
	case 9:
		if (m && tcp_seg(m)->len > 1 && !(tcp_seg(m)->flags & TCP_SEG_SACKED))
			tcp_sendq_split(c, m, 1 + mr_rng_below(r, tcp_seg(m)->len - 1));
		break;
	case 10:
		if (outstanding)
			model_ack(c->snd_una + 1 + mr_rng_below(r, outstanding));
		break;
	case 11:
	case 12:
	case 13:
		if (m)
			model_sack(m);
		break;
	case 14:
		if (mr_rng_below(r, 16) == 0)
			model_renege();
		else if (mr_rng_below(r, 4) == 0)
			model_unlose();
		break;
	default:
		if (mr_rng_below(r, 10) == 0 && outstanding)
			model_ack(c->snd_nxt);
		break;
	}
}

START_TEST(random_operations)
{
	struct mr_rng r;
	bool fin = false;

	mr_rng_seed(&r, (uint64_t)_i + 1);
	memset(model, 0, sizeof(model));
	stack->tx_held_max = _i & 1 ? 20 : 200;
	for (int i = 0; i < OPERATIONS; i++) {
		random_operation(&r);
		if (!fin && end_seq() - FIRST >= STREAM)
			fin = tcp_sendq_fin(c);
		check_queue();
		check_model();
	}
	ck_assert_uint_lt(c->snd_una, FIRST); /* the numbers have wrapped */
	while (c->sendq->unsent)
		model_transmit(c->sendq->unsent);
	model_ack(c->snd_nxt);
	ck_assert_ptr_null(c->sendq->head);
	ck_assert_uint_eq(c->sendq->in_flight, 0);
}
END_TEST

static Suite *
suite(void)
{
	Suite *s = suite_create("tcp_sendq");
	TCase *t = rig_case(s, "append", setup, teardown);

	tcase_add_test(t, bytes_are_cut_at_the_mss);
	tcase_add_test(t, only_the_end_of_a_write_is_pushed);
	tcase_add_test(t, small_writes_fill_the_last_unsent_segment);
	tcase_add_test(t, sent_segments_do_not_grow);
	tcase_add_test(t, mbuf_smaller_than_the_mss_limits_the_segment);
	tcase_add_test(t, mss_that_shrank_starts_a_new_segment);
	tcase_add_test(t, budget_ends_a_write_early);
	tcase_add_test(t, empty_pool_ends_a_write_early);
	tcase_add_test(t, fin_rides_on_unsent_data);
	tcase_add_test(t, fin_alone);
	tcase_add_test(t, fin_after_all_was_sent);
	tcase_add_test(t, fin_is_acknowledged_apart_from_its_data);
	tcase_add_test(t, packet_of_the_application_is_a_segment);
	t = rig_case(s, "ack", setup, teardown);
	tcase_add_test(t, ack_frees_whole_segments);
	tcase_add_test(t, ack_in_the_middle_of_a_segment);
	tcase_add_test(t, ack_in_the_middle_of_a_lost_segment);
	tcase_add_test(t, old_and_future_acks_free_nothing);
	tcase_add_test(t, ack_tells_the_newest_transmission);
	tcase_add_test(t, frame_that_the_link_still_reads_outlives_its_segment);
	t = rig_case(s, "split and loss", setup, teardown);
	tcase_add_test(t, split_unsent);
	tcase_add_test(t, split_in_flight);
	tcase_add_test(t, split_lost);
	tcase_add_test(t, split_what_is_left_of_a_segment);
	tcase_add_test(t, order_of_transmission);
	tcase_add_test(t, loss_is_marked_once);
	tcase_add_test(t, timeout_loses_all_that_was_sent);
	tcase_add_test(t, transmissions_are_counted_to_the_limit);
	tcase_add_test(t, runs_grow_together);
	tcase_add_test(t, lost_one_turns_up);
	tcase_add_test(t, reneging);
	tcase_add_test(t, losses_taken_back);
	tcase_add_test(t, losses_of_one_moment_taken_back);
	tcase_add_test(t, lost_before_and_behind_the_hint);
	tcase_add_test(t, freed_queue_is_empty);
	t = rig_case(s, "model", setup, teardown);
	tcase_set_timeout(t, 120);
	tcase_add_loop_test(t, random_operations, 0, 6);
	return s;
}

RIG_MAIN(suite)
