/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The receive queue: payload in order for the application, and pieces that arrived out of order, sorted and without
 * overlap. Both are bounded: in bytes by the window, in mbufs by the stack's budget, and the out-of-order list also in
 * pieces. Small in-order segments are copied into the tail room of the one before, so that a sender of single bytes
 * cannot pin an mbuf for each.
 *
 * Out-of-order data may use at most half of the stack's receive budget: the segment that fills the hole must always find
 * a place (peers have died of that). Data refused here is not acknowledged; the peer sends it again.
 */
#include "proto/tcp/tcp.h"

#include <string.h>

#include <rte_common.h>

#define COALESCE_MAX 512 /* larger segments are not worth the copy */

static void
held_free(struct tcp_conn *c, struct rte_mbuf *m)
{
	c->ep.stack->rx_held--;
	mr_stack_free(c->ep.stack, m);
}

/* Copy a small packet behind the last one of the queue. */
static bool
coalesce(struct tcp_rcvq *q, struct rte_mbuf *m)
{
	struct rte_mbuf *tail = q->in_order.tail, *last;

	if (!tail || m->pkt_len > COALESCE_MAX || m->nb_segs > 1)
		return false;
	last = rte_pktmbuf_lastseg(tail);
	if (!RTE_MBUF_DIRECT(last) || rte_mbuf_refcnt_read(last) != 1 || rte_pktmbuf_tailroom(last) < m->pkt_len)
		return false;
	memcpy(rte_pktmbuf_append(tail, (uint16_t)m->pkt_len), rte_pktmbuf_mtod(m, void *), m->pkt_len);
	return true;
}

bool
tcp_rcvq_append(struct tcp_conn *c, struct rte_mbuf *m)
{
	struct mr_stack *s = c->ep.stack;
	uint32_t len = m->pkt_len;

	if (coalesce(&c->rcvq, m)) {
		mr_stack_free(s, m);
	} else if (mr_stack_rx_room(s)) {
		s->rx_held++;
		mr_pktq_push(&c->rcvq.in_order, m);
	} else {
		mr_drop(s, m, MR_DROP_TCP_NO_MEMORY);
		return false;
	}
	c->rcvq.bytes += len;
	return true;
}

static uint32_t
piece_end(const struct rte_mbuf *m)
{
	return mr_pkt(m)->seq + m->pkt_len;
}

/* Remove the piece after prev (NULL: the first). */
static void
ooo_remove(struct tcp_conn *c, struct rte_mbuf *prev)
{
	struct tcp_rcvq *q = &c->rcvq;
	struct rte_mbuf *m = prev ? mr_pkt(prev)->next : q->ooo;

	if (prev)
		mr_pkt(prev)->next = mr_pkt(m)->next;
	else
		q->ooo = mr_pkt(m)->next;
	if (q->ooo_tail == m)
		q->ooo_tail = prev;
	q->ooo_segs--;
	q->ooo_bytes -= m->pkt_len;
	held_free(c, m);
}

void
tcp_payload_trim_front(struct rte_mbuf *m, uint32_t n)
{
	/* rte_pktmbuf_adj stays within the first segment; here emptied segments stay in the chain. */
	m->pkt_len -= n;
	for (; n > 0; m = m->next) {
		uint16_t k = (uint16_t)RTE_MIN(n, (uint32_t)m->data_len);

		m->data_off += k;
		m->data_len -= k;
		n -= k;
	}
}

void
tcp_payload_trim_back(struct rte_mbuf *m, uint32_t n)
{
	uint32_t left = m->pkt_len - n;

	m->pkt_len = left;
	for (; m; m = m->next) {
		m->data_len = (uint16_t)RTE_MIN(left, (uint32_t)m->data_len);
		left -= m->data_len;
	}
}

/* Drop what the pieces after prev share with a new piece that ends at `end`; the last may be cut at its front. */
static void
ooo_trim_after(struct tcp_conn *c, struct rte_mbuf *prev, uint32_t end)
{
	struct tcp_rcvq *q = &c->rcvq;
	struct rte_mbuf *m;

	while ((m = prev ? mr_pkt(prev)->next : q->ooo) && seq_leq(piece_end(m), end))
		ooo_remove(c, prev);
	if (m && seq_lt(mr_pkt(m)->seq, end)) {
		uint32_t cut = end - mr_pkt(m)->seq;

		tcp_payload_trim_front(m, cut);
		mr_pkt(m)->seq += cut;
		q->ooo_bytes -= cut;
	}
}

void
tcp_rcvq_insert(struct tcp_conn *c, struct rte_mbuf *m, uint32_t seq)
{
	struct mr_stack *s = c->ep.stack;
	struct tcp_rcvq *q = &c->rcvq;
	struct rte_mbuf *prev = NULL;
	uint32_t end = seq + m->pkt_len;

	/* Most arrive behind all that is there. */
	if (q->ooo_tail && seq_leq(mr_pkt(q->ooo_tail)->seq, seq))
		prev = q->ooo_tail;
	else
		for (struct rte_mbuf *x = q->ooo; x && seq_leq(mr_pkt(x)->seq, seq); x = mr_pkt(x)->next)
			prev = x;
	if (prev && seq_gt(piece_end(prev), seq)) {
		if (seq_geq(piece_end(prev), end)) {
			mr_drop(s, m, MR_DROP_TCP_DUPLICATE);
			return;
		}
		tcp_payload_trim_front(m, piece_end(prev) - seq);
		seq = piece_end(prev);
	}
	if (q->ooo_segs >= TCP_OOO_MAX_SEGS || s->rx_held >= s->rx_held_max / 2) {
		mr_drop(s, m, MR_DROP_TCP_OOO_FULL);
		return;
	}
	ooo_trim_after(c, prev, end);
	mr_pkt(m)->seq = seq;
	mr_pkt(m)->next = prev ? mr_pkt(prev)->next : q->ooo;
	if (prev)
		mr_pkt(prev)->next = m;
	else
		q->ooo = m;
	if (q->ooo_tail == prev)
		q->ooo_tail = m;
	s->rx_held++;
	q->ooo_segs++;
	q->ooo_bytes += m->pkt_len;
	mr_count(s, MR_CNT_TCP_OOO_SEGMENTS);
}

uint32_t
tcp_rcvq_advance(struct tcp_conn *c)
{
	struct tcp_rcvq *q = &c->rcvq;
	uint32_t moved = 0;

	while (q->ooo && seq_leq(mr_pkt(q->ooo)->seq, c->rcv_nxt)) {
		struct rte_mbuf *m = q->ooo;
		uint32_t dup = c->rcv_nxt - mr_pkt(m)->seq;

		if (dup >= m->pkt_len) {
			ooo_remove(c, NULL);
			continue;
		}
		q->ooo = mr_pkt(m)->next;
		if (!q->ooo)
			q->ooo_tail = NULL;
		q->ooo_segs--;
		q->ooo_bytes -= m->pkt_len;
		if (dup)
			tcp_payload_trim_front(m, dup);
		c->rcv_nxt += m->pkt_len;
		q->bytes += m->pkt_len;
		moved += m->pkt_len;
		if (coalesce(q, m))
			held_free(c, m);
		else
			mr_pktq_push(&q->in_order, m);
	}
	return moved;
}

size_t
tcp_rcvq_read(struct tcp_conn *c, void *buf, size_t len, bool peek)
{
	struct tcp_rcvq *q = &c->rcvq;
	size_t done = 0;

	for (struct rte_mbuf *m = q->in_order.head; m && done < len;) {
		struct rte_mbuf *next = mr_pkt(m)->next;
		uint32_t n = RTE_MIN((size_t)m->pkt_len, len - done);
		const void *p = rte_pktmbuf_read(m, 0, n, (char *)buf + done);

		if (p != (char *)buf + done)
			memcpy((char *)buf + done, p, n);
		done += n;
		if (!peek) {
			if (n == m->pkt_len)
				held_free(c, mr_pktq_pop(&q->in_order));
			else
				tcp_payload_trim_front(m, n);
			q->bytes -= n;
		}
		m = next;
	}
	return done;
}

struct rte_mbuf *
tcp_rcvq_pop(struct tcp_conn *c)
{
	struct rte_mbuf *m = mr_pktq_pop(&c->rcvq.in_order);

	if (m) {
		c->ep.stack->rx_held--;
		c->rcvq.bytes -= m->pkt_len;
	}
	return m;
}

void
tcp_rcvq_free(struct tcp_conn *c)
{
	struct rte_mbuf *m;

	while ((m = mr_pktq_pop(&c->rcvq.in_order)))
		held_free(c, m);
	while (c->rcvq.ooo)
		ooo_remove(c, NULL);
	c->rcvq.bytes = 0;
	c->rcvq.has_fin = false;
}
