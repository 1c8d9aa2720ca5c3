/* SPDX-License-Identifier: Apache-2.0 */
/*
 * RACK: which segments are lost, by time (RFC 8985 6). A segment is lost when one that was sent later has been delivered and
 * more than a round trip and a reordering window have passed. The window is nothing until reordering has been seen, then a
 * quarter of the least round trip, and grows with every round in which the peer tells of needless retransmissions.
 *
 * Times are of the bursts in which ACKs arrived and segments left. Of segments sent at the same time the sequence decides.
 */
#include "proto/tcp/tcp.h"

#include <rte_common.h>

#define PERSIST_RECOVERIES 16

static void
window_grow(struct tcp_rack *r)
{
	r->reo_persist = PERSIST_RECOVERIES;
	if (r->reo_mult < UINT8_MAX)
		r->reo_mult++;
}

void
tcp_rack_reordered(struct tcp_conn *c)
{
	c->rack.flags |= TCP_REC_REORDERED;
	window_grow(&c->rack);
}

/* Once per round trip with news of needless retransmissions the reordering window grows (step 4). */
static void
dsack_round(struct tcp_conn *c, const struct tcp_acked *a)
{
	struct tcp_rack *r = &c->rack;

	if ((r->flags & TCP_REC_DSACK_ROUND) && seq_geq(c->snd_una, r->dsack_round))
		r->flags &= (uint8_t)~TCP_REC_DSACK_ROUND;
	if (!a->dsack || a->dsack_tlp || (r->flags & TCP_REC_DSACK_ROUND))
		return;
	r->flags |= TCP_REC_DSACK_ROUND;
	r->dsack_round = c->snd_nxt;
	window_grow(r);
}

void
tcp_rack_recovered(struct tcp_conn *c)
{
	struct tcp_rack *r = &c->rack;

	if (r->reo_persist > 0 && --r->reo_persist == 0)
		r->reo_mult = 0;
}

void
tcp_rack_update(struct tcp_conn *c, const struct tcp_acked *a)
{
	if (a->reordered)
		c->rack.flags |= TCP_REC_REORDERED;
	if (a->dsack || (c->rack.flags & TCP_REC_DSACK_ROUND))
		dsack_round(c, a);
}

static uint64_t
reorder_window(const struct tcp_conn *c)
{
	const struct tcp_rack *r = &c->rack;
	uint64_t wnd;

	if (!(r->flags & TCP_REC_REORDERED) &&
	    ((c->flags & (TCP_F_RECOVERY | TCP_F_RTO_RECOVERY)) || c->sendq->sacked >= TCP_DUPTHRESH))
		return 0;
	wnd = (uint64_t)r->min_rtt_ns * (r->reo_mult + 1u) / 4;
	return RTE_MIN(wnd, c->rtt.srtt_ns);
}

/* Was the segment sent before the newest that was delivered? */
static bool
is_older(const struct tcp_conn *c, const struct tcp_seg *s)
{
	uint64_t xmit_ns = c->sendq->first_sent_ns;

	return s->sent_ns < xmit_ns || (s->sent_ns == xmit_ns && seq_lt(tcp_seg_end(s), c->sendq->newest_end));
}

uint64_t
tcp_rack_detect(struct tcp_conn *c, uint32_t *lost, bool *again)
{
	uint64_t now_ns = c->ep.stack->now_ns, wait = c->rack.rtt_ns;
	struct rte_mbuf *m, *after = NULL;

	if (c->rtt.srtt_ns == 0 || wait == UINT32_MAX)
		return 0;
	wait += reorder_window(c);
	while ((m = c->sendq->thead) && is_older(c, tcp_seg(m))) {
		struct tcp_seg *s = tcp_seg(m);

		if (s->sent_ns + wait > now_ns)
			return s->sent_ns + wait; /* and those sent later, later */
		*lost += tcp_seg_span(s);
		/* Sent again in this recovery, and lost again (RFC 5681 4.3). */
		if ((s->flags & TCP_SEG_RETRANS) && seq_geq(s->delivered, c->sendq->repair.prr_mark))
			*again = true;
		tcp_sendq_mark_lost(c, m, after);
		after = m;
	}
	return 0;
}

void
tcp_rack_mark_timeout(struct tcp_conn *c)
{
	uint64_t now_ns = c->ep.stack->now_ns, wait = c->rack.rtt_ns + reorder_window(c);
	struct rte_mbuf *m, *after = NULL;

	if (c->sendq->head)
		tcp_sendq_mark_lost(c, c->sendq->head, NULL);
	while ((m = c->sendq->thead) && tcp_seg(m)->sent_ns + wait <= now_ns) {
		tcp_sendq_mark_lost(c, m, after);
		after = m;
	}
}
