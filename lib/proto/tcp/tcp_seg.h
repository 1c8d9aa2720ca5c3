/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Segments as they are made: for those who put some into the send queue (write.c what the application writes, sendq.c what
 * comes of it).
 */
#ifndef MR_PROTO_TCP_SEG_H
#define MR_PROTO_TCP_SEG_H

#include <string.h>

#include <rte_common.h>

#include "proto/tcp/tcp.h"

/* The segment without an mbuf of a new record. */
static __rte_noinline void
tcp_small_make(struct tcp_sendq *q)
{
	struct rte_mbuf *m = &q->small.m;

	m->buf_addr = q->small.payload;
	m->buf_len = TCP_SMALL_BYTES;
	m->nb_segs = 1;
	rte_mbuf_refcnt_set(m, 2);
	q->has_small = true;
}

/* The record of the queue, from now on if there was none. There are as many as connections. */
static inline struct tcp_sendq *
tcp_sendq_own(struct tcp_conn *c)
{
	struct tcp_sendq *q = c->sendq;

	if (q != &tcp_sendq_none)
		return q;
	/* Put back when nothing was queued: so it is a new one, but for what the flight has left behind. */
	q = mr_pool_take(&tcp_of(c->ep.stack)->sendqs);
	q->head = NULL;
	q->app_limited = 0;
	q->soft_err = 0;
	q->repair.lost = 0;
	q->end_seq = c->snd_nxt;
	q->fack = q->snd_sml = q->ecn_high = c->snd_una;
	q->sack_credit = TCP_SACK_CREDIT;
	if (unlikely(!q->has_small))
		tcp_small_make(q);
	c->sendq = q;
	return q;
}

/* An empty segment. @return NULL: no mbuf, and the stack knows that someone waits for one */
static inline struct rte_mbuf *
tcp_seg_new(struct tcp_conn *c)
{
	struct mr_stack *s = c->ep.stack;
	struct rte_mbuf *m;

	if (!mr_stack_tx_room(s) || !(m = mr_stack_tx_alloc(s))) {
		s->tx_starved = true;
		return NULL;
	}
	s->tx_held++;
	memset(tcp_seg(m), 0, sizeof(struct tcp_seg));
	tcp_seg(m)->data_off = m->data_off;
	return m;
}

/* It is behind all others. */
static __rte_always_inline void
tcp_seg_link_tail(struct tcp_conn *c, struct rte_mbuf *m)
{
	struct tcp_sendq *q = tcp_sendq_own(c);
	struct tcp_seg *s = tcp_seg(m);

	s->seq = q->end_seq;
	s->prev = q->tail;
	if (q->tail)
		tcp_seg(q->tail)->next = m;
	else
		q->head = m;
	q->tail = m;
	if (!q->unsent)
		q->unsent = m;
}

/* The segment without an mbuf, empty, in an empty queue. */
static __rte_always_inline struct tcp_small *
tcp_small_new(struct tcp_conn *c)
{
	struct tcp_sendq *q = tcp_sendq_own(c);

	memset(&q->small.seg, 0, sizeof(q->small.seg));
	q->small.seg.seq = q->end_seq;
	q->head = q->tail = q->unsent = &q->small.m;
	return &q->small;
}

/* Room behind the payload of a segment, if it may still grow. */
static uint32_t
tcp_seg_room(const struct tcp_conn *c, const struct rte_mbuf *m)
{
	const struct tcp_seg *s = tcp_seg(m);
	uint32_t tail;

	if ((s->flags & (TCP_SEG_SENT | TCP_SEG_FIN)) || m->nb_segs > 1 || s->len >= c->mss || !RTE_MBUF_DIRECT(m))
		return 0;
	tail = m->buf_len - s->data_off - s->len;
	return RTE_MIN(tail, (uint32_t)(c->mss - s->len));
}

#endif
