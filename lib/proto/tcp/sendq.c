/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The send queue: what the application wrote, cut into segments, in sequence order, until it is acknowledged.
 *
 * A segment is an mbuf with its payload behind MR_HEADROOM and its record in the private area; or, if it is short and the
 * first, a part of the queue's record (tcp_sendq.h). What is known of segments that were sent, and the lists of those, are in
 * board.c.
 *
 * A segment's mbuf is shared with whoever still transmits it: payload is immutable once sent, and the frame around it is
 * only rewritten when nobody else holds a reference. What lies in a large packet or in the application's own memory is never
 * written to: the segment's mbuf is attached to it, and its header gets an mbuf of its own (output.c).
 */
#include "proto/tcp/tcp_seg.h"

#include <string.h>

#include <rte_common.h>
#include <rte_prefetch.h>

#define ACK_BATCH 32  /* segments freed at once */
#define SACK_CREDIT 8 /* steps of reading SACK blocks that an acknowledged segment pays for */

const struct tcp_sendq tcp_sendq_none;

/* Nothing is queued. */
void
tcp_sendq_init(struct tcp_conn *c)
{
	c->sendq = (struct tcp_sendq *)(uintptr_t)&tcp_sendq_none;
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
	if (tcp_is_small(c->sendq, m))
		return;
	c->ep.stack->tx_held--;
	seg_release(c->ep.stack, m);
}

bool
tcp_sendq_fin(struct tcp_conn *c)
{
	struct tcp_sendq *q;

	if (!c->sendq->unsent) {
		struct rte_mbuf *m;

		if (!c->sendq->head)
			tcp_small_new(c);
		else if ((m = tcp_seg_new(c)))
			tcp_seg_link_tail(c, m);
		else
			return false;
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
		if (likely(!tcp_is_small(q, q->head))) {
			/* It is freed when some more are noted. */
			rte_prefetch0(q->head);
			rte_prefetch0(&q->head->next);
			v.segs[v.n++] = q->head;
		}
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
	struct rte_mbuf *rest = tcp_seg_new(c);

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
		n = RTE_MIN(tcp_seg_room(c, m), (uint32_t)tcp_seg(next)->len);
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
	struct rte_mbuf *m = tcp_seg_new(c);

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
