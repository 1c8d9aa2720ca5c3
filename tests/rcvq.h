/* SPDX-License-Identifier: Apache-2.0 */
/*
 * For the tests of TCP's receive queue alone: a connection record and a packet pool, no stack around them. The stream is the
 * pattern of its offset and starts just below the wrap of the sequence numbers. check_queue states what must hold after any
 * operation.
 */
#ifndef TESTS_RCVQ_H
#define TESTS_RCVQ_H

#include "rig/rig.h"

#include <stdlib.h>

#include "proto/tcp/tcp.h"
#include "stack/rng.h"

/* ck_assert writes a note to a file each time; in loops only failures may. */
#define MUST(cond) do { if (!(cond)) ck_abort_msg("%s", #cond); } while (0)
#define POOL 4096
#define DATA_BYTES 2048
#define FIRST 0xfffffc00u /* of the stream: 1024 below the wrap */

static struct mr_stack *stack;
static struct tcp_conn *c;

static uint32_t n_read; /* of the stream, by the application */

static inline void
setup(void)
{
	stack = calloc(1, sizeof(*stack));
	c = calloc(1, sizeof(*c));
	ck_assert(stack && c);
	stack->rx_pool = mr_pktpool_create("rcvq", POOL, DATA_BYTES, 0);
	ck_assert_ptr_nonnull(stack->rx_pool);
	stack->counters = stack->own_counters;
	stack->rx_held_max = POOL * 3 / 4;
	c->ep.stack = stack;
	tcp_rare_init(c);
	c->rcv_nxt = FIRST;
	n_read = 0;
}

static inline void
teardown(void)
{
	tcp_rcvq_free(c);
	ck_assert_uint_eq(stack->rx_held, 0);
	ck_assert_uint_eq(rte_mempool_avail_count(stack->rx_pool), POOL);
	rte_mempool_free(stack->rx_pool);
	ck_assert_uint_eq(rig_leaks(), 0);
	free(c);
	free(stack);
}

/* A received packet: bytes off.. of the stream, in segments of seg_bytes (0: one), behind some consumed headers. */
static inline struct rte_mbuf *
packet(uint32_t off, uint32_t len, uint32_t seg_bytes)
{
	struct rte_mbuf *m = NULL, *seg;

	if (seg_bytes == 0)
		seg_bytes = len;
	do {
		uint32_t n = RTE_MIN(seg_bytes, len);

		seg = rte_pktmbuf_alloc(stack->rx_pool);
		MUST(seg != NULL);
		mr_pkt_init(seg);
		seg->data_off += 54 * !m;
		rig_pattern_fill(rte_pktmbuf_append(seg, (uint16_t)n), off, n);
		if (m)
			MUST(rte_pktmbuf_chain(m, seg) == 0);
		else
			m = seg;
		off += n;
		len -= n;
	} while (len > 0);
	return m;
}

static inline bool
holds(const struct rte_mbuf *m, uint32_t off)
{
	for (uint32_t len = m->pkt_len; m; m = m->next) {
		MUST(m->data_len <= len);
		if (rig_pattern_check(rte_pktmbuf_mtod(m, void *), off, m->data_len) != m->data_len)
			return false;
		off += m->data_len;
		len -= m->data_len;
		MUST(m->next || len == 0);
	}
	return true;
}

/* Pieces that touch are one block, whose first piece knows the last; and every block is in the order of growth. */
static inline void
check_blocks(void)
{
	const struct tcp_rcvq *q = &c->rcvq;
	const struct rte_mbuf *newer = NULL;
	unsigned blocks = 0, listed = 0;

	for (const struct rte_mbuf *b = q->ooo, *m = b; m; m = mr_pkt(m)->next) {
		const struct rte_mbuf *next = mr_pkt(m)->next;

		if (next && mr_pkt(m)->seq + m->pkt_len == mr_pkt(next)->seq)
			continue;
		MUST(tcp_piece(b)->last == m);
		blocks++;
		b = next;
	}
	for (const struct rte_mbuf *b = q->newest; b; newer = b, b = tcp_piece(b)->older) {
		MUST(tcp_piece(b)->newer == newer);
		MUST(++listed <= blocks);
	}
	MUST(listed == blocks);
}

/* Everything that holds at any time. */
static inline void
check_queue(void)
{
	const struct tcp_rcvq *q = &c->rcvq;
	const struct rte_mbuf *last = NULL;
	uint32_t bytes = 0, n = 0, ooo_bytes = 0, ooo_segs = 0, held = 0;

	for (const struct rte_mbuf *m = q->in_order.head; m; last = m, m = mr_pkt(m)->next) {
		MUST(m->pkt_len > 0 && holds(m, n_read + bytes));
		bytes += m->pkt_len;
		held += m->nb_segs;
		n++;
	}
	MUST(q->in_order.tail == last && q->in_order.n == n);
	MUST(q->bytes == bytes);
	MUST(FIRST + n_read + bytes == c->rcv_nxt);
	last = NULL;
	for (const struct rte_mbuf *m = q->ooo; m; last = m, m = mr_pkt(m)->next) {
		MUST(m->pkt_len > 0 && holds(m, mr_pkt(m)->seq - FIRST));
		MUST(!last || seq_leq(mr_pkt(last)->seq + last->pkt_len, mr_pkt(m)->seq));
		ooo_bytes += m->pkt_len;
		held += m->nb_segs;
		ooo_segs++;
	}
	check_blocks();
	MUST(q->ooo_bytes == ooo_bytes && q->ooo_segs == ooo_segs);
	MUST(ooo_segs <= RTE_MAX(c->rcv_buf / 512, (uint32_t)TCP_OOO_MAX_SEGS));
	MUST(stack->rx_held == held && stack->rx_held <= stack->rx_held_max);
}

/* ---- verbs */

static inline bool
append_chain(uint32_t len, uint32_t seg_bytes)
{
	bool taken = tcp_rcvq_append(c, packet(c->rcv_nxt - FIRST, len, seg_bytes));

	if (taken)
		c->rcv_nxt += len;
	check_queue();
	return taken;
}

static inline bool
append(uint32_t len)
{
	return append_chain(len, 0);
}

static inline void
insert_chain(uint32_t off, uint32_t len, uint32_t seg_bytes)
{
	tcp_reasm_insert(c, packet(off, len, seg_bytes), FIRST + off);
	check_queue();
}

static inline uint32_t
advance(void)
{
	uint32_t moved = tcp_reasm_advance(c);

	check_queue();
	return moved;
}

static inline size_t
read_bytes(size_t len, bool peek)
{
	char *buf = malloc(len + 1);
	size_t n = tcp_rcvq_read(c, buf, len, peek);

	MUST(n <= len && rig_pattern_check(buf, n_read, n) == n);
	free(buf);
	if (!peek)
		n_read += (uint32_t)n;
	check_queue();
	return n;
}

static inline uint64_t
dropped(enum mr_counter reason)
{
	return stack->counters[reason];
}

/* The pieces out of order, as "from-to from-to". */
static const char *
pieces(void)
{
	static char text[512];
	size_t at = 0;

	text[0] = '\0';
	for (const struct rte_mbuf *m = c->rcvq.ooo; m; m = mr_pkt(m)->next)
		at += (size_t)snprintf(text + at, sizeof(text) - at, "%s%u-%u", at ? " " : "", mr_pkt(m)->seq - FIRST,
		                       mr_pkt(m)->seq - FIRST + m->pkt_len);
	return text;
}

#endif
