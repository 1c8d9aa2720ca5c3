/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The scoreboard: segments that were sent move between "in flight", LOST and SACKED, and the lists of the three
 * (tcp_sendq.h). Sums follow: in_flight is the pipe of RFC 6675, retransmissions included.
 */
#include "proto/tcp/tcp.h"

#include <rte_common.h>

/* ---- in flight: by time; LOST: by sequence -------------------------------------------------------------------- */

static void
list_unlink(struct rte_mbuf **head, struct rte_mbuf **tail, const struct tcp_seg *s)
{
	if (s->tprev)
		tcp_seg(s->tprev)->tnext = s->tnext;
	else
		*head = s->tnext;
	if (s->tnext)
		tcp_seg(s->tnext)->tprev = s->tprev;
	else
		*tail = s->tprev;
}

/* @param prev NULL: in front of all */
static void
list_insert_after(struct rte_mbuf **head, struct rte_mbuf **tail, struct rte_mbuf *prev, struct rte_mbuf *m)
{
	struct rte_mbuf **link = prev ? &tcp_seg(prev)->tnext : head;
	struct tcp_seg *s = tcp_seg(m);

	s->tprev = prev;
	s->tnext = *link;
	if (s->tnext)
		tcp_seg(s->tnext)->tprev = m;
	else
		*tail = m;
	*link = m;
}

static void
time_append(struct tcp_sendq *q, struct rte_mbuf *m)
{
	struct tcp_seg *s = tcp_seg(m);

	s->tprev = q->ttail;
	s->tnext = NULL;
	if (q->ttail)
		tcp_seg(q->ttail)->tnext = m;
	else
		q->thead = m;
	q->ttail = m;
}

static void
time_insert_after(struct tcp_sendq *q, struct rte_mbuf *prev, struct rte_mbuf *m)
{
	list_insert_after(&q->thead, &q->ttail, prev, m);
}

static void
lost_unlink(struct tcp_sendq *q, const struct tcp_seg *s)
{
	list_unlink(&q->lost_head, &q->lost_tail, s);
	q->lost--;
}

static void
lost_insert_after(struct tcp_sendq *q, struct rte_mbuf *prev, struct rte_mbuf *m)
{
	list_insert_after(&q->lost_head, &q->lost_tail, prev, m);
	q->lost++;
}

static void
lost_insert(struct tcp_sendq *q, struct rte_mbuf *m, struct rte_mbuf *after)
{
	uint32_t seq = tcp_seg(m)->seq;
	struct rte_mbuf *next;

	if (q->lost_tail && seq_lt(tcp_seg(q->lost_tail)->seq, seq)) {
		lost_insert_after(q, q->lost_tail, m);
		return;
	}
	if (after && seq_gt(tcp_seg(after)->seq, seq))
		after = NULL;
	while ((next = after ? tcp_seg(after)->tnext : q->lost_head) && seq_lt(tcp_seg(next)->seq, seq))
		after = next;
	lost_insert_after(q, after, m);
}

/* ---- SACKED: runs, by when they grew -------------------------------------------------------------------------- */

static bool
is_sacked(const struct rte_mbuf *m)
{
	return m && (tcp_seg(m)->flags & TCP_SEG_SACKED);
}

static void
run_unlink(struct tcp_sendq *q, const struct tcp_seg *s)
{
	if (s->tprev)
		tcp_seg(s->tprev)->tnext = s->tnext;
	else
		q->newest_run = s->tnext;
	if (s->tnext)
		tcp_seg(s->tnext)->tprev = s->tprev;
}

/* The run from `first` to `last` is the newest. */
static void
run_link(struct tcp_sendq *q, struct rte_mbuf *first, struct rte_mbuf *last)
{
	struct tcp_seg *s = tcp_seg(first);

	if (last != first)
		tcp_seg(last)->tprev = first;
	s->run_last = last;
	s->tprev = NULL;
	s->tnext = q->newest_run;
	if (q->newest_run)
		tcp_seg(q->newest_run)->tprev = first;
	q->newest_run = first;
}

/* First of the run that ends with m. */
static struct rte_mbuf *
run_first(struct rte_mbuf *m)
{
	return is_sacked(tcp_seg(m)->prev) ? tcp_seg(m)->tprev : m;
}

/* The first of its run leaves; what remains of the run is a run. */
static void
run_drop_first(struct tcp_sendq *q, struct rte_mbuf *m)
{
	struct rte_mbuf *next = tcp_seg(m)->next, *last = tcp_seg(m)->run_last;

	run_unlink(q, tcp_seg(m));
	if (last != m)
		run_link(q, next, last);
}

/* ---- transitions ---------------------------------------------------------------------------------------------- */

void
tcp_sendq_unlist(struct tcp_conn *c, struct rte_mbuf *m)
{
	struct tcp_sendq *q = c->sendq;
	const struct tcp_seg *s = tcp_seg(m);

	if (likely(!(s->flags & (TCP_SEG_LOST | TCP_SEG_SACKED)))) {
		list_unlink(&q->thead, &q->ttail, s);
		q->in_flight -= tcp_seg_span(s);
	} else if (s->flags & TCP_SEG_LOST) {
		lost_unlink(q, s);
	} else {
		run_drop_first(q, m);
		q->sacked--;
	}
}

void
tcp_sendq_list_after(struct tcp_conn *c, struct rte_mbuf *m, struct rte_mbuf *part)
{
	if (tcp_seg(part)->flags & TCP_SEG_LOST)
		lost_insert_after(c->sendq, m, part);
	else if (tcp_seg(part)->flags & TCP_SEG_SENT)
		time_insert_after(c->sendq, m, part); /* it was sent when the rest was */
}

void
tcp_sendq_sent(struct tcp_conn *c, struct rte_mbuf *m, uint64_t now_ns)
{
	struct tcp_sendq *q = c->sendq;
	struct tcp_seg *s = tcp_seg(m);

	if (!(s->flags & TCP_SEG_SENT)) {
		q->unsent = s->next;
		s->flags |= TCP_SEG_SENT;
	} else {
		tcp_sendq_unlist(c, m);
		s->flags = (uint8_t)((s->flags & ~TCP_SEG_LOST) | TCP_SEG_RETRANS);
		if (c->sendq->repair.undo_retrans < UINT16_MAX)
			c->sendq->repair.undo_retrans++;
	}
	if (unlikely(c->flags & TCP_F_RECOVERY))
		c->sendq->repair.prr_out += tcp_seg_span(s);
	q->in_flight += tcp_seg_span(s);
	time_append(q, m);
	s->sent_ns = now_ns;
	if (s->times < UINT8_MAX)
		s->times++;
}

void
tcp_sendq_mark_lost(struct tcp_conn *c, struct rte_mbuf *m, struct rte_mbuf *after)
{
	struct tcp_seg *s = tcp_seg(m);

	if ((s->flags & (TCP_SEG_SENT | TCP_SEG_LOST | TCP_SEG_SACKED)) != TCP_SEG_SENT)
		return;
	tcp_sendq_unlist(c, m);
	s->flags |= TCP_SEG_LOST;
	lost_insert(c->sendq, m, after);
}

void
tcp_sendq_mark_all_lost(struct tcp_conn *c)
{
	struct rte_mbuf *last = NULL;

	for (struct rte_mbuf *m = c->sendq->head; m && m != c->sendq->unsent; m = tcp_seg(m)->next) {
		tcp_sendq_mark_lost(c, m, last);
		if (tcp_seg(m)->flags & TCP_SEG_LOST)
			last = m;
	}
}

/* In the order of transmission; together: in that of the sequence. */
static bool
is_before(const struct tcp_seg *a, const struct tcp_seg *b)
{
	return a->sent_ns < b->sent_ns || (a->sent_ns == b->sent_ns && seq_lt(a->seq, b->seq));
}

void
tcp_sendq_unmark_lost(struct tcp_conn *c)
{
	struct tcp_sendq *q = c->sendq;
	struct rte_mbuf *prev = NULL, *next;

	/* Those that were sent one after the other find their place one after the other. What was lost was sent before most. */
	while (q->lost_head) {
		struct rte_mbuf *m = q->lost_head;
		struct tcp_seg *s = tcp_seg(m);

		lost_unlink(q, s);
		while (prev && is_before(s, tcp_seg(prev)))
			prev = tcp_seg(prev)->tprev;
		while ((next = prev ? tcp_seg(prev)->tnext : q->thead) && is_before(tcp_seg(next), s))
			prev = next;
		time_insert_after(q, prev, m);
		prev = m;
		s->flags &= (uint8_t)~TCP_SEG_LOST;
		q->in_flight += tcp_seg_span(s);
	}
}

void
tcp_sendq_mark_sacked(struct tcp_conn *c, struct rte_mbuf *m)
{
	struct tcp_sendq *q = c->sendq;
	struct tcp_seg *s = tcp_seg(m);
	struct rte_mbuf *first = m, *last = m;

	tcp_sendq_unlist(c, m);
	s->flags = (uint8_t)((s->flags & ~TCP_SEG_LOST) | TCP_SEG_SACKED);
	q->sacked++;
	if (is_sacked(s->prev)) {
		first = run_first(s->prev);
		run_unlink(q, tcp_seg(first));
	}
	if (is_sacked(s->next)) {
		last = tcp_seg(s->next)->run_last;
		run_unlink(q, tcp_seg(s->next));
	}
	run_link(q, first, last);
}

void
tcp_sendq_unsack(struct tcp_conn *c, struct rte_mbuf *m)
{
	struct tcp_seg *s = tcp_seg(m);

	tcp_sendq_unlist(c, m);
	s->flags = (uint8_t)((s->flags & ~TCP_SEG_SACKED) | TCP_SEG_LOST);
	s->sent_ns = 0;
	lost_insert(c->sendq, m, NULL);
}

void
tcp_sendq_forget_sacked(struct tcp_conn *c)
{
	struct tcp_sendq *q = c->sendq;

	q->newest_run = NULL;
	for (struct rte_mbuf *m = q->head, *after = NULL; q->sacked > 0; m = tcp_seg(m)->next) {
		struct tcp_seg *s = tcp_seg(m);

		if (s->flags & TCP_SEG_SACKED) {
			s->flags = (uint8_t)((s->flags & ~TCP_SEG_SACKED) | TCP_SEG_LOST);
			s->sent_ns = 0;
			q->sacked--;
			lost_insert(q, m, after);
		}
		if (s->flags & TCP_SEG_LOST)
			after = m;
	}
}
