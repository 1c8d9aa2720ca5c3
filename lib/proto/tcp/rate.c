/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The delivery rate of a connection, one sample per ACK (draft-cheng-iccrg-delivery-rate-estimation).
 *
 * Each transmission notes how much had been delivered by then. When it is acknowledged, what has been delivered since,
 * over the longer of the time to send it and the time to acknowledge it, is the rate. The longer of the two: ACKs that
 * come in a bunch must not look like a fast path.
 *
 * Bytes that the peer had SACKed count when they were SACKed. The newest segment that was delivered, which also counts as
 * the beginning of the flight, is what RACK (rack.c) compares with.
 */
#include "proto/tcp/tcp.h"

#include <rte_common.h>

static uint32_t
clamp32(uint64_t ns)
{
	return (uint32_t)RTE_MIN(ns, (uint64_t)UINT32_MAX);
}

void
tcp_rate_app_limited(struct tcp_conn *c)
{
	uint32_t mark = c->rate.delivered + c->sendq->in_flight;

	c->sendq->app_limited = mark ? mark : 1;
}

void
tcp_rate_sent(struct tcp_conn *c, struct tcp_seg *s, uint64_t now_ns)
{
	struct tcp_sendq *q = c->sendq;

	if (c->snd_una == c->snd_nxt) {
		/* A new flight; nothing was asked of the path until now. */
		q->first_sent_ns = q->delivered_ns = now_ns;
		q->newest_end = s->seq;
		tcp_rate_app_limited(c);
	}
	s->delivered = c->rate.delivered;
	s->since_delivered_ns = clamp32(now_ns - q->delivered_ns);
	s->since_first_ns = clamp32(now_ns - q->first_sent_ns);
	s->flags &= (uint8_t)~TCP_SEG_APP_LIMITED;
	if (q->app_limited)
		s->flags |= TCP_SEG_APP_LIMITED;
}

/* Where the flight begins now, and what RACK compares with. */
static void
newest_update(struct tcp_conn *c, const struct tcp_sent *s)
{
	struct tcp_sendq *q = c->sendq;

	c->rack.rtt_ns = clamp32(c->ep.stack->now_ns - s->sent_ns);
	if (s->sent_ns > q->first_sent_ns || (s->sent_ns == q->first_sent_ns && seq_gt(s->end_seq, q->newest_end))) {
		q->first_sent_ns = s->sent_ns;
		q->newest_end = s->end_seq;
	}
}

/* For who asks how fast the connection is. */
static void
sample_keep(struct tcp_conn *c, const struct tcp_cc_ack *a)
{
	unsigned halve = 0;

	if (unlikely(a->interval_ns > UINT32_MAX))
		halve = 32 - (unsigned)__builtin_clz((uint32_t)(a->interval_ns >> 32));

	c->rate.sample_ns = (uint32_t)(a->interval_ns >> halve);
	c->rate.sample_bytes = (a->delivered - a->prior_delivered) >> halve;
	c->flags = a->app_limited ? c->flags | TCP_F_APP_LIMITED : c->flags & ~TCP_F_APP_LIMITED;
}

void
tcp_rate_delivered(struct tcp_conn *c, uint32_t bytes, const struct tcp_sent *s, struct tcp_cc_ack *out)
{
	struct tcp_rate *r = &c->rate;
	struct tcp_sendq *q = c->sendq;
	uint64_t now_ns = c->ep.stack->now_ns, to_ack;

	r->delivered += bytes;
	q->delivered_ns = now_ns;
	if (q->app_limited && seq_gt(r->delivered, q->app_limited))
		q->app_limited = 0;
	out->delivered = r->delivered;
	if (s->sent_ns == 0) {
		out->prior_delivered = r->delivered - bytes;
		return;
	}
	to_ack = now_ns - s->sent_ns + s->since_delivered_ns;
	out->prior_delivered = s->delivered;
	out->app_limited = s->app_limited;
	newest_update(c, s);
	/* Times that were cut short tell nothing. */
	if (s->since_delivered_ns == UINT32_MAX || s->since_first_ns == UINT32_MAX)
		return;
	to_ack = RTE_MAX(to_ack, (uint64_t)s->since_first_ns);
	/* Faster than light: the ACK was for an earlier transmission. */
	if (to_ack < c->rack.min_rtt_ns)
		return;
	out->interval_ns = to_ack;
	sample_keep(c, out);
}
