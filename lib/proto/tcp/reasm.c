/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Reassembly: pieces that arrived out of order, sorted and without overlap, until what is missing comes; and what a SACK
 * option tells of them (RFC 2018), and of what came twice (RFC 2883).
 *
 * Pieces that touch form a block. A block is found by the few that grew last, or else by a walk over the blocks, which is
 * bounded: so is the number of pieces, and the mbufs they take. At most half of the stack's receive budget may be used:
 * the segment that fills the hole must always find a place (peers have died of that). What is refused is not told of, and
 * what has been told of is never dropped.
 */
#include "proto/tcp/tcp.h"

#include <rte_common.h>

#define LOOK_FIRST 4       /* blocks that grew last */
#define WALK_MAX 1024      /* blocks */
#define PIECE_BYTES_MIN 512 /* a queue of larger pieces than this may fill the receive buffer */

static uint32_t
piece_end(const struct rte_mbuf *m)
{
	return mr_pkt(m)->seq + m->pkt_len;
}

static uint32_t
block_end(const struct rte_mbuf *b)
{
	return piece_end(tcp_piece(b)->last);
}

static struct rte_mbuf *
block_next(const struct rte_mbuf *b)
{
	return mr_pkt(tcp_piece(b)->last)->next;
}

/* ---- blocks by the time they grew ---------------------------------------------------------------------------- */

static void
block_unlink(struct tcp_rcvq *q, struct rte_mbuf *b)
{
	struct tcp_piece *p = tcp_piece(b);

	if (p->newer)
		tcp_piece(p->newer)->older = p->older;
	else
		q->newest = p->older;
	if (p->older)
		tcp_piece(p->older)->newer = p->newer;
}

static void
block_link_newest(struct tcp_rcvq *q, struct rte_mbuf *b)
{
	struct tcp_piece *p = tcp_piece(b);

	p->newer = NULL;
	p->older = q->newest;
	p->fresh = true;
	if (q->newest)
		tcp_piece(q->newest)->newer = b;
	q->newest = b;
}

static void
block_touch(struct tcp_rcvq *q, struct rte_mbuf *b)
{
	block_unlink(q, b);
	block_link_newest(q, b);
}

/* The block has lost its first piece; the next one stands for it from now on. */
static void
block_move_head(struct tcp_rcvq *q, struct rte_mbuf *from, struct rte_mbuf *to)
{
	struct tcp_piece *p = tcp_piece(to);

	*p = *tcp_piece(from);
	if (p->newer)
		tcp_piece(p->newer)->older = to;
	else
		q->newest = to;
	if (p->older)
		tcp_piece(p->older)->newer = to;
}

/* ---- pieces --------------------------------------------------------------------------------------------------- */

/* Take the first piece off, or the one after prev. */
static struct rte_mbuf *
piece_unlink(struct tcp_rcvq *q, struct rte_mbuf *prev)
{
	struct rte_mbuf **link = prev ? &mr_pkt(prev)->next : &q->ooo, *m = *link;

	*link = mr_pkt(m)->next;
	q->ooo_segs--;
	q->ooo_bytes -= m->pkt_len;
	return m;
}

static void
piece_free(struct tcp_conn *c, struct rte_mbuf *m)
{
	c->ep.stack->rx_held -= m->nb_segs;
	mr_stack_free(c->ep.stack, m);
}

static bool
lies_before(const struct rte_mbuf *b, uint32_t seq)
{
	const struct rte_mbuf *next;

	if (seq_gt(mr_pkt(b)->seq, seq))
		return false;
	next = block_next(b);
	return !next || seq_gt(mr_pkt(next)->seq, seq);
}

/* The last block that starts at or before seq, or NULL. @return false: the search would take too long. */
static bool
block_find(const struct tcp_rcvq *q, uint32_t seq, struct rte_mbuf **out)
{
	struct rte_mbuf *b = q->newest;

	*out = NULL;
	if (!q->ooo || seq_gt(mr_pkt(q->ooo)->seq, seq))
		return true;
	for (unsigned i = 0; i < LOOK_FIRST && b; i++, b = tcp_piece(b)->older)
		if (lies_before(b, seq)) {
			*out = b;
			return true;
		}
	b = q->ooo;
	for (unsigned i = 0; i < WALK_MAX; i++, b = block_next(b))
		if (lies_before(b, seq)) {
			*out = b;
			return true;
		}
	return false;
}

/* Drop what the blocks after b share with a new piece that ends at `end`; the last may be cut at its front. */
static void
give_way(struct tcp_conn *c, struct rte_mbuf *b, uint32_t end)
{
	struct tcp_rcvq *q = &c->rcvq;
	struct rte_mbuf *prev = b ? tcp_piece(b)->last : NULL, *n;

	while ((n = prev ? mr_pkt(prev)->next : q->ooo) && seq_lt(mr_pkt(n)->seq, end)) {
		struct rte_mbuf *last = tcp_piece(n)->last;
		uint32_t cut;

		tcp_reasm_duplicate(c, mr_pkt(n)->seq, seq_min(end, piece_end(last)));
		while (n != last && seq_leq(piece_end(n), end)) {
			struct rte_mbuf *next = mr_pkt(n)->next;

			block_move_head(q, n, next);
			piece_free(c, piece_unlink(q, prev));
			n = next;
		}
		if (seq_leq(piece_end(n), end)) {
			block_unlink(q, n);
			piece_free(c, piece_unlink(q, prev));
			continue;
		}
		cut = end - mr_pkt(n)->seq;
		tcp_payload_trim_front(n, cut);
		mr_pkt(n)->seq = end;
		q->ooo_bytes -= cut;
	}
}

/* Put the piece behind block b (NULL: in front of all), as part of it if they touch. @return its block. */
static struct rte_mbuf *
place(struct tcp_conn *c, struct rte_mbuf *b, struct rte_mbuf *m)
{
	struct tcp_rcvq *q = &c->rcvq;
	struct rte_mbuf *prev = b ? tcp_piece(b)->last : NULL, **link = prev ? &mr_pkt(prev)->next : &q->ooo;
	bool touch = prev && piece_end(prev) == mr_pkt(m)->seq;

	q->ooo_bytes += m->pkt_len;
	if (touch && tcp_payload_join(prev, m)) {
		mr_stack_free(c->ep.stack, m);
		return b;
	}
	c->ep.stack->rx_held += m->nb_segs;
	q->ooo_segs++;
	mr_pkt(m)->next = *link;
	*link = m;
	if (touch) {
		tcp_piece(b)->last = m;
		return b;
	}
	tcp_piece(m)->last = m;
	block_link_newest(q, m);
	return m;
}

static uint32_t
pieces_max(const struct tcp_conn *c)
{
	return RTE_MIN(RTE_MAX(c->rcv_buf / PIECE_BYTES_MIN, (uint32_t)TCP_OOO_MAX_SEGS), (uint32_t)UINT16_MAX);
}

void
tcp_reasm_insert(struct tcp_conn *c, struct rte_mbuf *m, uint32_t seq)
{
	struct mr_stack *s = c->ep.stack;
	struct tcp_rcvq *q = &c->rcvq;
	uint32_t end = seq + m->pkt_len;
	struct rte_mbuf *b, *next;

	if (!block_find(q, seq, &b)) {
		mr_drop(s, m, MR_DROP_TCP_OOO_FULL);
		return;
	}
	if (b && seq_gt(block_end(b), seq)) {
		uint32_t have = block_end(b);

		tcp_reasm_duplicate(c, seq, seq_min(end, have));
		if (seq_geq(have, end)) {
			block_touch(q, b);
			mr_drop(s, m, MR_DROP_TCP_DUPLICATE);
			return;
		}
		tcp_payload_trim_front(m, have - seq);
		seq = have;
	}
	if (q->ooo_segs >= pieces_max(c) || s->rx_held + m->nb_segs > s->rx_held_max / 2) {
		mr_drop(s, m, MR_DROP_TCP_OOO_FULL);
		return;
	}
	give_way(c, b, end);
	mr_pkt(m)->seq = seq;
	b = place(c, b, m);
	next = block_next(b);
	if (next && mr_pkt(next)->seq == end) {
		tcp_piece(b)->last = tcp_piece(next)->last;
		block_unlink(q, next);
	}
	block_touch(q, b);
	mr_count(s, MR_CNT_TCP_OOO_SEGMENTS);
}

/* The first block has become contiguous: its pieces go where they belong, without what rcv_nxt has passed. */
static void
block_take(struct tcp_conn *c)
{
	struct tcp_rcvq *q = &c->rcvq;
	struct rte_mbuf *m, *last = tcp_piece(q->ooo)->last;

	if (seq_lt(mr_pkt(q->ooo)->seq, c->rcv_nxt))
		tcp_reasm_duplicate(c, mr_pkt(q->ooo)->seq, seq_min(c->rcv_nxt, piece_end(last)));
	block_unlink(q, q->ooo);
	do {
		uint32_t dup;

		m = piece_unlink(q, NULL);
		dup = c->rcv_nxt - mr_pkt(m)->seq;
		if (dup >= m->pkt_len) {
			piece_free(c, m);
			continue;
		}
		if (dup)
			tcp_payload_trim_front(m, dup);
		c->rcv_nxt += m->pkt_len;
		q->bytes += m->pkt_len;
		if (tcp_payload_join(q->in_order.tail, m))
			piece_free(c, m);
		else
			mr_pktq_push(&q->in_order, m);
	} while (m != last);
}

uint32_t
tcp_reasm_advance(struct tcp_conn *c)
{
	struct tcp_rcvq *q = &c->rcvq;
	uint32_t from = c->rcv_nxt;

	while (q->ooo && seq_leq(mr_pkt(q->ooo)->seq, c->rcv_nxt))
		block_take(c);
	return c->rcv_nxt - from;
}

void
tcp_reasm_free(struct tcp_conn *c)
{
	while (c->rcvq.ooo)
		piece_free(c, piece_unlink(&c->rcvq, NULL));
	c->rcvq.newest = NULL;
	c->rcvq.dsack_from = c->rcvq.dsack_to = 0;
}

/* ---- what is told --------------------------------------------------------------------------------------------- */

void
tcp_reasm_duplicate(struct tcp_conn *c, uint32_t from, uint32_t to)
{
	struct tcp_rcvq *q = &c->rcvq;

	tcp_quick_acks(c);
	if (!(c->flags & TCP_F_SACK))
		return;
	if (q->dsack_from == q->dsack_to) {
		q->dsack_from = from;
		q->dsack_to = to;
	} else if (seq_leq(from, q->dsack_to) && seq_geq(to, q->dsack_from)) {
		/* One option tells of one range; more of the same burst counts if it touches. */
		q->dsack_from = seq_min(from, q->dsack_from);
		q->dsack_to = seq_max(to, q->dsack_to);
	}
}

unsigned
tcp_reasm_fresh(const struct tcp_conn *c)
{
	unsigned n = 0;

	for (const struct rte_mbuf *b = c->rcvq.newest; b && tcp_piece(b)->fresh; b = tcp_piece(b)->older)
		n++;
	return n;
}

unsigned
tcp_reasm_blocks(const struct tcp_conn *c, unsigned skip, uint32_t (*blocks)[2], unsigned max)
{
	const struct rte_mbuf *b = c->rcvq.newest;
	unsigned n = 0;

	for (; b && skip > 0; skip--)
		b = tcp_piece(b)->older;
	for (; b && n < max; b = tcp_piece(b)->older, n++) {
		blocks[n][0] = mr_pkt(b)->seq;
		blocks[n][1] = block_end(b);
	}
	return n;
}

void
tcp_reasm_told(struct tcp_conn *c)
{
	for (struct rte_mbuf *b = c->rcvq.newest; b && tcp_piece(b)->fresh; b = tcp_piece(b)->older)
		tcp_piece(b)->fresh = false;
	c->rcvq.dsack_from = c->rcvq.dsack_to = 0;
}
