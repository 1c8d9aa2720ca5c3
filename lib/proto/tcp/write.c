/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the application writes becomes segments at the end of the send queue: copied into a packet of each segment, or into the
 * queue's own record if it is short and nothing else is queued, or in one piece into large packets that segments refer to
 * (stack/large.h), or left where it lies.
 */
#include "proto/tcp/tcp_seg.h"

#include <rte_memcpy.h>

#include "proto/cksum.h"

#define SUM_BYTES 512 /* a write of less is still at hand when it is sent */
#define LONG_BYTES 512 /* more is copied as the C library does for this processor, less in line */
#define LARGE_SEGS 2 /* full segments of a write for which a large packet is worth it */

/* Is the checksum ours to make? Then payload is summed while it is at hand. */
static inline bool
we_sum(const struct tcp_conn *c)
{
	return !(c->route.flags & MR_ROUTE_F_LOCAL) && !(mr_route_caps(&c->route) & MR_LINK_CAP_TX_TCP_CKSUM);
}

/* Put bytes behind the last segment, which has room for them. */
static inline void
tail_fill(struct tcp_sendq *q, const void *buf, uint32_t len)
{
	struct rte_mbuf *m = q->tail;
	struct tcp_seg *s = tcp_seg(m);
	char *to = (char *)m->buf_addr + s->data_off + s->len;

	if (len >= LONG_BYTES)
		memcpy(to, buf, len);
	else
		rte_memcpy(to, buf, len);
	if (s->flags & TCP_SEG_SUM)
		s->sum = mr_cksum_concat(s->sum, s->len, mr_cksum_fold(mr_cksum_add(0, buf, len)));
	s->len += (uint16_t)len;
	q->bytes += len;
	q->end_seq += len;
}

/* A segment behind the others, for the first of `len` bytes. @return its room; 0: no mbuf */
static inline uint32_t
tail_new(struct tcp_conn *c, size_t len)
{
	struct rte_mbuf *m = tcp_seg_new(c);
	uint32_t room;

	if (unlikely(!m))
		return 0;
	tcp_seg_link_tail(c, m);
	tcp_seg(m)->flags = len >= SUM_BYTES && we_sum(c) ? TCP_SEG_SUM : 0;
	room = RTE_MIN((uint32_t)m->buf_len - m->data_off, (uint32_t)c->mss);
	if (len > room)
		mr_stash_expect(&c->ep.stack->tx_stash, (uint32_t)RTE_MIN(len - room, (size_t)c->mss));
	return room;
}

/* A full segment whose payload stays where it is: `off` bytes behind the data of an mbuf that is shared with others. */
static bool
tail_attach(struct tcp_conn *c, struct rte_mbuf *from, uint32_t off)
{
	struct rte_mbuf *m = tcp_seg_new(c);
	struct tcp_seg *s;

	if (!m)
		return false;
	rte_pktmbuf_attach(m, from);
	s = tcp_seg(m);
	s->data_off = (uint16_t)(from->data_off + off);
	tcp_seg_link_tail(c, m);
	s->len = c->mss;
	c->sendq->bytes += c->mss;
	c->sendq->end_seq += c->mss;
	return true;
}

/* Will the link cut what is written now? The MSS is known by then. */
static inline bool
is_cut(const struct tcp_conn *c)
{
	return c->state >= MR_TCP_ESTABLISHED && c->route.local && c->route.local->nic->tso_segs > 0;
}

/* Full segments, in a large packet (stack/large.h). @return bytes taken; 0: as if there were no such packets */
static __rte_noinline uint32_t
append_large(struct tcp_conn *c, const char *buf, size_t len)
{
	struct mr_large *l = &c->ep.stack->large;
	uint32_t off, done = 0, n = mr_large_copy(l, buf, len, c->mss, &off);

	while (done < n && tail_attach(c, l->m, off + done))
		done += c->mss;
	return done;
}

/* In packets of a segment each. */
static __rte_noinline size_t
append_short(struct tcp_conn *c, const char *p, size_t len)
{
	struct rte_mbuf *tail = c->sendq->tail;
	uint32_t room = tail ? tcp_seg_room(c, tail) : 0;
	size_t left = len;

	if (len == 0)
		return 0;
	if (room > 0)
		tcp_seg(tail)->flags &= (uint8_t)~TCP_SEG_PSH; /* not the end any more */
	while (left > 0) {
		uint32_t n;

		if (room == 0 && (room = tail_new(c, left)) == 0)
			break;
		n = (uint32_t)RTE_MIN(left, (size_t)room);
		tail_fill(c->sendq, p, n);
		room -= n;
		p += n;
		left -= n;
	}
	if (likely(len != left))
		tcp_seg(c->sendq->tail)->flags |= TCP_SEG_PSH;
	return len - left;
}

/* The last segment is filled up, then full ones are in large packets as far as there are some. Not in line, as the short way:
 * that is how neither saves registers for the other. */
static __rte_noinline size_t
append_long(struct tcp_conn *c, const char *p, size_t len)
{
	struct rte_mbuf *tail = c->sendq->tail;
	size_t done = tail ? append_short(c, p, tcp_seg_room(c, tail)) : 0;
	uint32_t n;

	if (done > 0)
		tcp_seg(tail)->flags &= (uint8_t)~TCP_SEG_PSH;
	while (len - done >= LARGE_SEGS * c->mss && (n = append_large(c, p + done, len - done)) > 0)
		done += n;
	done += append_short(c, p + done, len - done);
	if (done > 0)
		tcp_seg(c->sendq->tail)->flags |= TCP_SEG_PSH;
	return done;
}

/* All that is queued, in the record. */
static size_t
append_small(struct tcp_conn *c, const void *buf, uint32_t len)
{
	struct tcp_small *small = tcp_small_new(c);
	struct tcp_sendq *q = c->sendq;

	rte_memcpy(small->payload, buf, len);
	small->seg.flags = TCP_SEG_PSH;
	small->seg.len = (uint16_t)len;
	q->bytes = len;
	q->end_seq += len;
	return len;
}

/* What is queued is short and was not sent; it gets an mbuf if more is to follow it in its segment than it has room for.
 * @return false: no mbuf */
static bool
small_grow(struct tcp_conn *c, size_t len)
{
	struct tcp_sendq *q = c->sendq;
	struct tcp_small *from = &q->small;
	struct rte_mbuf *m;
	struct tcp_seg *s;

	if (from->seg.flags & TCP_SEG_SENT || len <= tcp_seg_room(c, &from->m))
		return true;
	m = tcp_seg_new(c);
	if (!m)
		return false;
	s = tcp_seg(m);
	s->seq = from->seg.seq;
	s->len = from->seg.len;
	s->flags = from->seg.flags;
	memcpy((char *)m->buf_addr + s->data_off, from->payload, s->len);
	q->head = q->tail = q->unsent = m;
	return true;
}

size_t
tcp_sendq_append(struct tcp_conn *c, const void *buf, size_t len)
{
	const struct rte_mbuf *tail = c->sendq->tail;

	if (!tail && len <= TCP_SMALL_BYTES)
		return len > 0 ? append_small(c, buf, (uint32_t)len) : 0;
	if (tcp_is_small(c->sendq, tail) && !small_grow(c, len))
		return 0;
	if (unlikely(len >= LARGE_SEGS * c->mss) && is_cut(c))
		return append_long(c, buf, len);
	return append_short(c, buf, len);
}

void
tcp_sendq_append_mbuf(struct tcp_conn *c, struct rte_mbuf *m)
{
	struct tcp_seg *s = tcp_seg(m);
	uint32_t len = m->pkt_len;

	memset(s, 0, sizeof(*s));
	s->data_off = m->data_off;
	tcp_seg_link_tail(c, m);
	s->len = len;
	s->flags = TCP_SEG_PSH;
	c->sendq->bytes += len;
	c->sendq->end_seq += len;
	c->ep.stack->tx_held++;
}

size_t
tcp_sendq_append_external(struct tcp_conn *c, struct rte_mbuf *from, size_t len)
{
	const char *data = rte_pktmbuf_mtod(from, const char *);
	size_t done = 0, n;

	if (tcp_is_small(c->sendq, c->sendq->tail) && !small_grow(c, len))
		return 0;
	while (done < len) {
		struct rte_mbuf *tail = c->sendq->tail;
		size_t room = tail ? tcp_seg_room(c, tail) : 0, left = len - done;

		if (room == 0 && left >= c->mss)
			n = tail_attach(c, from, (uint32_t)done) ? c->mss : 0;
		else
			n = append_short(c, data + done, RTE_MIN(left, room ? room : left));
		if (n == 0)
			break;
		if (done > 0)
			tcp_seg(tail)->flags &= (uint8_t)~TCP_SEG_PSH; /* not the end any more */
		done += n;
	}
	if (done > 0)
		tcp_seg(c->sendq->tail)->flags |= TCP_SEG_PSH;
	return done;
}
