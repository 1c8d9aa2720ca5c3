/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The send queue: what the application wrote, cut into segments, in sequence order, until it is acknowledged.
 *
 * A segment is an mbuf with its payload behind MR_HEADROOM and its record in the private area (tcp_sendq.h). What is known
 * of segments that were sent, and the lists of those, are in board.c.
 *
 * A segment's mbuf is shared with whoever still transmits it: payload is immutable once sent, and the frame around it is
 * only rewritten when nobody else holds a reference. What the application gave in an external buffer stays there, and is never
 * written to: the segment's mbuf is attached to it, and its header gets an mbuf of its own (output.c).
 */
#include "proto/tcp/tcp.h"

#include <string.h>

#include <rte_common.h>
#include <rte_memcpy.h>
#include <rte_prefetch.h>

#include "proto/cksum.h"

#define ACK_BATCH 32  /* segments freed at once */
#define SUM_BYTES 512 /* a write of less is still at hand when it is sent */
#define LONG_BYTES 512 /* more is copied as the C library does for this processor, less in line */
#define LARGE_SEGS 2 /* full segments of a write for which a large packet is worth it */
#define SACK_CREDIT 8 /* steps of reading SACK blocks that an acknowledged segment pays for */

const struct tcp_sendq tcp_sendq_none;

/* Nothing is queued. */
void
tcp_sendq_init(struct tcp_conn *c)
{
	c->sendq = (struct tcp_sendq *)(uintptr_t)&tcp_sendq_none;
}

/* The record of the queue, from now on if there was none. There are as many as connections. */
static struct tcp_sendq *
sendq_own(struct tcp_conn *c)
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
	c->sendq = q;
	return q;
}

static void
sendq_disown(struct tcp_conn *c)
{
	mr_pool_put(&tcp_of(c->ep.stack)->sendqs, c->sendq);
	tcp_sendq_init(c);
}

void
tcp_sendq_rest(struct tcp_conn *c)
{
	const struct tcp_sendq *q = c->sendq;
	bool remembered = (c->flags & (TCP_F_RECOVERY | TCP_F_RTO_RECOVERY)) |
	                  (c->rack.flags & (TCP_REC_TLP | TCP_REC_UNDO | TCP_REC_FRTO));

	if (q != &tcp_sendq_none && likely(!remembered) && q->pace_ns <= c->ep.stack->now_ns)
		sendq_disown(c);
}

static inline struct rte_mbuf *
seg_new(struct tcp_conn *c)
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

/* Let go of a segment. A frame that it is in with others stays whole until the link lets that go. */
static __rte_always_inline void
seg_release(struct mr_stack *s, struct rte_mbuf *m)
{
	if (unlikely(m->next)) {
		if (rte_mbuf_refcnt_read(m) > 1) {
			rte_pktmbuf_free_seg(m);
			return;
		}
		m->next = NULL;
	}
	mr_stack_free(s, m);
}

static inline void
seg_free(struct tcp_conn *c, struct rte_mbuf *m)
{
	c->ep.stack->tx_held--;
	seg_release(c->ep.stack, m);
}

static __rte_always_inline void
seg_link_tail(struct tcp_conn *c, struct rte_mbuf *m)
{
	struct tcp_sendq *q = sendq_own(c);
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

/* Room behind the payload of a segment, if it may still grow. */
static uint32_t
seg_room(const struct tcp_conn *c, const struct rte_mbuf *m)
{
	const struct tcp_seg *s = tcp_seg(m);
	uint32_t tail;

	if ((s->flags & (TCP_SEG_SENT | TCP_SEG_FIN)) || m->nb_segs > 1 || s->len >= c->mss || !RTE_MBUF_DIRECT(m))
		return 0;
	tail = m->buf_len - s->data_off - s->len;
	return RTE_MIN(tail, (uint32_t)(c->mss - s->len));
}

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
	struct rte_mbuf *m = seg_new(c);
	uint32_t room;

	if (unlikely(!m))
		return 0;
	seg_link_tail(c, m);
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
	struct rte_mbuf *m = seg_new(c);
	struct tcp_seg *s;

	if (!m)
		return false;
	rte_pktmbuf_attach(m, from);
	s = tcp_seg(m);
	s->data_off = (uint16_t)(from->data_off + off);
	seg_link_tail(c, m);
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

size_t
tcp_sendq_append(struct tcp_conn *c, const void *buf, size_t len)
{
	struct rte_mbuf *tail = c->sendq->tail;
	uint32_t room = tail ? seg_room(c, tail) : 0;
	const char *p = buf;
	size_t left = len, large = len >= LARGE_SEGS * c->mss && is_cut(c) ? LARGE_SEGS * c->mss : SIZE_MAX;

	if (len == 0)
		return 0;
	if (room > 0)
		tcp_seg(tail)->flags &= (uint8_t)~TCP_SEG_PSH; /* not the end any more */
	while (left > 0) {
		uint32_t n = room == 0 && left >= large ? append_large(c, p, left) : 0;

		if (n == 0) {
			if (room == 0 && (room = tail_new(c, left)) == 0)
				break;
			n = (uint32_t)RTE_MIN(left, (size_t)room);
			tail_fill(c->sendq, p, n);
			room -= n;
		}
		p += n;
		left -= n;
	}
	if (likely(len != left))
		tcp_seg(c->sendq->tail)->flags |= TCP_SEG_PSH;
	return len - left;
}

void
tcp_sendq_append_mbuf(struct tcp_conn *c, struct rte_mbuf *m)
{
	struct tcp_seg *s = tcp_seg(m);
	uint32_t len = m->pkt_len;

	memset(s, 0, sizeof(*s));
	s->data_off = m->data_off;
	seg_link_tail(c, m);
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

	while (done < len) {
		struct rte_mbuf *tail = c->sendq->tail;
		size_t room = tail ? seg_room(c, tail) : 0, left = len - done;

		if (room == 0 && left >= c->mss)
			n = tail_attach(c, from, (uint32_t)done) ? c->mss : 0;
		else
			n = tcp_sendq_append(c, data + done, RTE_MIN(left, room ? room : left));
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

bool
tcp_sendq_fin(struct tcp_conn *c)
{
	struct tcp_sendq *q;

	if (!c->sendq->unsent) {
		struct rte_mbuf *m = seg_new(c);

		if (!m)
			return false;
		seg_link_tail(c, m);
	}
	q = c->sendq;
	tcp_seg(q->tail)->flags |= TCP_SEG_FIN | TCP_SEG_PSH;
	q->end_seq++;
	return true;
}

/* Take the first segment, all of it acknowledged, off the queue; the caller frees it. */
static void
seg_pop(struct tcp_conn *c)
{
	struct tcp_sendq *q = c->sendq;
	struct rte_mbuf *m = q->head;
	struct tcp_seg *s = tcp_seg(m);

	tcp_sendq_unlist(c, m);
	q->bytes -= s->len;
	q->head = s->next;
	if (q->head)
		tcp_seg(q->head)->prev = NULL;
	else
		q->tail = NULL;
}

/* The first n bytes of a segment's payload are not its own any more. */
static void
seg_behead(struct tcp_seg *s, uint32_t n)
{
	s->flags &= (uint8_t)~TCP_SEG_SUM;
	s->seq += n;
	s->len -= (uint16_t)n;
	s->data_off += (uint16_t)n;
}

/* Part of the first segment is acknowledged: the rest stays, from where it now begins. */
static void
seg_shorten(struct tcp_conn *c, uint32_t covered)
{
	struct tcp_sendq *q = c->sendq;
	struct tcp_seg *s = tcp_seg(q->head);

	/* Whoever acknowledges only a part of what he has SACKed does not have it any more. */
	if (s->flags & TCP_SEG_SACKED)
		tcp_sendq_unsack(c, q->head);
	seg_behead(s, covered);
	q->bytes -= covered;
	if (!(s->flags & TCP_SEG_LOST))
		q->in_flight -= covered;
}

/* Segments that an ACK covers, to be freed once what they tell is noted. Of those sent once, which follow each other in
 * the order of transmission, the first and the last tell all. */
struct covered {
	struct rte_mbuf *segs[ACK_BATCH];
	const struct tcp_seg *last;
	uint32_t first_end;
	unsigned n;
};

static void
covered_done(struct tcp_conn *c, struct covered *v, struct tcp_acked *a)
{
	struct mr_stack *s = c->ep.stack;

	if (v->last)
		tcp_acked_once(a, v->last, v->first_end, c->recover);
	v->last = NULL;
	c->sendq->sack_credit += v->n * SACK_CREDIT;
	s->tx_held -= v->n;
	while (v->n > 0)
		seg_release(s, v->segs[--v->n]);
}

static void
covered_note(struct tcp_conn *c, struct covered *v, const struct tcp_seg *s, struct tcp_acked *a)
{
	c->proven = RTE_MAX(c->proven, s->len);
	if (unlikely(s->flags & (TCP_SEG_RETRANS | TCP_SEG_SACKED))) {
		a->resent |= s->times > 1;
		if (!(s->flags & TCP_SEG_SACKED))
			tcp_acked_again(c, s, a);
		return;
	}
	if (!v->last)
		v->first_end = tcp_seg_end(s);
	v->last = s;
}

uint32_t
tcp_sendq_ack(struct tcp_conn *c, uint32_t ack, struct tcp_acked *a)
{
	struct tcp_sendq *q = c->sendq;
	uint32_t before = q->bytes;
	struct covered v;

	v.last = NULL;
	v.n = 0;
	while (q->head && q->head != q->unsent) {
		struct tcp_seg *s = tcp_seg(q->head);
		uint32_t covered = ack - s->seq, span = tcp_seg_span(s);

		if ((int32_t)covered <= 0)
			break;
		covered_note(c, &v, s, a);
		if (!(s->flags & TCP_SEG_SACKED))
			a->bytes += RTE_MIN(covered, span);
		if (covered < span) {
			seg_shorten(c, covered);
			break;
		}
		/* It is freed when some more are noted. */
		rte_prefetch0(q->head);
		rte_prefetch0(&q->head->next);
		v.segs[v.n++] = q->head;
		seg_pop(c);
		if (v.n == ACK_BATCH)
			covered_done(c, &v, a);
	}
	covered_done(c, &v, a);
	return before - q->bytes;
}

void
tcp_sendq_ack_flight(struct tcp_conn *c)
{
	struct tcp_sendq *q = c->sendq;
	struct rte_mbuf *m = q->head;

	q->head = tcp_seg(m)->next;
	if (q->head)
		tcp_seg(q->head)->prev = NULL;
	else
		q->tail = NULL;
	q->thead = q->ttail = NULL;
	q->in_flight = 0;
	q->bytes -= tcp_seg(m)->len;
	q->sack_credit += SACK_CREDIT;
	seg_free(c, m);
}

bool
tcp_sendq_split(struct tcp_conn *c, struct rte_mbuf *m, uint32_t len)
{
	struct tcp_sendq *q = c->sendq;
	struct tcp_seg *s = tcp_seg(m), *r;
	struct rte_mbuf *rest = seg_new(c);

	if (!rest)
		return false;
	r = tcp_seg(rest);
	r->len = s->len - len;
	memcpy((char *)rest->buf_addr + r->data_off, (char *)m->buf_addr + s->data_off + len, r->len);
	r->seq = s->seq + len;
	r->flags = s->flags & (TCP_SEG_FIN | TCP_SEG_PSH | TCP_SEG_LOST | TCP_SEG_SENT | TCP_SEG_RETRANS |
	                       TCP_SEG_APP_LIMITED);
	r->times = s->times;
	r->sent_ns = s->sent_ns;
	r->delivered = s->delivered;
	r->since_delivered_ns = s->since_delivered_ns;
	r->since_first_ns = s->since_first_ns;
	s->len = len;
	s->flags &= (uint8_t)~(TCP_SEG_FIN | TCP_SEG_PSH | TCP_SEG_SUM);
	r->next = s->next;
	r->prev = m;
	if (s->next)
		tcp_seg(s->next)->prev = rest;
	else
		q->tail = rest;
	s->next = rest;
	tcp_sendq_list_after(c, m, rest);
	return true;
}

/* Move the first n bytes of a segment to the end of the one before it. */
static void
seg_pull(struct rte_mbuf *m, uint32_t n)
{
	struct tcp_seg *s = tcp_seg(m), *p = tcp_seg(s->prev);

	memcpy((char *)s->prev->buf_addr + p->data_off + p->len, (char *)m->buf_addr + s->data_off, n);
	p->len += (uint16_t)n;
	p->flags &= (uint8_t)~(TCP_SEG_SUM | TCP_SEG_PSH);
	seg_behead(s, n);
}

/* Nothing is left of a segment but that what was in it ended a write. */
static void
seg_absorb(struct tcp_conn *c, struct rte_mbuf *m)
{
	struct tcp_seg *s = tcp_seg(m), *p = tcp_seg(s->prev);

	p->flags |= s->flags & TCP_SEG_PSH;
	p->next = s->next;
	if (s->next)
		tcp_seg(s->next)->prev = s->prev;
	else
		c->sendq->tail = s->prev;
	seg_free(c, m);
}

/* What is left of a segment that was never sent goes back to where its payload began: there it may grow again. */
static void
seg_rewind(struct rte_mbuf *m)
{
	struct tcp_seg *s = tcp_seg(m);

	memmove((char *)m->buf_addr + MR_HEADROOM, (char *)m->buf_addr + s->data_off, s->len);
	s->data_off = MR_HEADROOM;
}

void
tcp_sendq_refill(struct tcp_conn *c)
{
	struct rte_mbuf *m = c->sendq->unsent, *next;

	while (m && (next = tcp_seg(m)->next)) {
		uint32_t n;

		if (tcp_seg(m)->data_off > MR_HEADROOM && RTE_MBUF_DIRECT(m))
			seg_rewind(m);
		/* What is too long is cut; the rest, which has room, takes from what follows. */
		if (tcp_seg(m)->len > c->mss && tcp_sendq_split(c, m, c->mss))
			next = tcp_seg(m)->next;
		n = RTE_MIN(seg_room(c, m), (uint32_t)tcp_seg(next)->len);
		if (n > 0)
			seg_pull(next, n);
		if (tcp_seg(next)->len == 0)
			seg_absorb(c, next);
		else
			m = next;
	}
}

/* A segment before the first unsent one. */
static void
seg_link_unsent(struct tcp_sendq *q, struct rte_mbuf *m)
{
	struct tcp_seg *s = tcp_seg(m), *after = tcp_seg(q->unsent);

	s->seq = after->seq;
	s->next = q->unsent;
	s->prev = after->prev;
	if (s->prev)
		tcp_seg(s->prev)->next = m;
	else
		q->head = m;
	after->prev = q->unsent = m;
}

struct rte_mbuf *
tcp_sendq_join(struct tcp_conn *c, uint32_t len)
{
	struct rte_mbuf *m = seg_new(c);

	if (!m)
		return NULL;
	seg_link_unsent(c->sendq, m);
	while (tcp_seg(m)->len < len) {
		struct rte_mbuf *from = tcp_seg(m)->next;

		seg_pull(from, RTE_MIN((uint32_t)tcp_seg(from)->len, len - tcp_seg(m)->len));
		if (tcp_seg(from)->len == 0)
			seg_absorb(c, from);
	}
	return m;
}

void
tcp_sendq_free(struct tcp_conn *c)
{
	struct tcp_sendq *q = c->sendq;

	if (q == &tcp_sendq_none)
		return;
	while (q->head) {
		struct rte_mbuf *m = q->head;

		q->head = tcp_seg(m)->next;
		seg_free(c, m);
	}
	memset(q, 0, sizeof(*q));
	sendq_disown(c);
}
