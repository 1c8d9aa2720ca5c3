/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Recoveries that were not needed: segments were late, not lost. It shows by a timestamp that is older than the
 * retransmission it seems to answer (Eifel, RFC 3522), by DSACKs for all that was sent again (RFC 3708), or, after a
 * timeout, by news of segments that were not sent again (F-RTO, RFC 5682). Then the window is again what it was (RFC 4015,
 * RFC 9438 4.9), and what was taken for lost is in flight.
 */
#include "proto/tcp/tcp.h"

#include <rte_common.h>

/* Is there a reduction already of which the peer may still tell that it was not needed? DSACKs take a round trip. */
static bool
is_open(const struct tcp_conn *c)
{
	const struct tcp_repair *r = &c->sendq->repair;

	return (c->rack.flags & TCP_REC_UNDO) && r->undo_retrans > 0 && seq_lt(c->snd_una, r->undo_end);
}

void
tcp_undo_arm(struct tcp_conn *c)
{
	struct tcp_repair *r = &c->sendq->repair;
	bool open = is_open(c);

	r->cwnd = RTE_MAX(c->cc.cwnd, c->flags & TCP_F_RECOVERY ? c->cc.ssthresh : 0);
	r->ssthresh = c->cc.ssthresh;
	r->undo_una = c->snd_una;
	r->undo_end = c->snd_nxt;
	c->rack.flags |= TCP_REC_UNDO;
	if (open)
		return;
	r->all_cwnd = r->cwnd;
	r->all_ssthresh = r->ssthresh;
	r->all_una = c->snd_una;
	r->undo_retrans = 0;
}

void
tcp_undo_recovered(struct tcp_conn *c)
{
	c->sendq->repair.undo_end = c->snd_nxt;
}

bool
tcp_undo_dsack(struct tcp_conn *c, uint32_t from, uint32_t to)
{
	struct tcp_repair *r = &c->sendq->repair;
	uint32_t segs = (to - from + c->mss - 1) / c->mss;

	/* Of these recoveries: what the network has doubled later says nothing about them. */
	if (!(c->rack.flags & TCP_REC_UNDO) || r->undo_retrans == 0 || seq_lt(from, r->all_una) || seq_gt(to, c->recover))
		return false;
	r->undo_retrans -= (uint16_t)RTE_MIN(segs, (uint32_t)r->undo_retrans);
	return r->undo_retrans == 0;
}

/* The window is what it was. @param all before all reductions that may be taken back, not the last one alone */
static void
undo(struct tcp_conn *c, bool all)
{
	const struct tcp_repair *r = &c->sendq->repair;
	struct tcp_cc *cc = &c->cc;

	mr_count(c->ep.stack, MR_CNT_TCP_RECOVERIES_UNDONE);
	if (!cc->ops->control)
		cc->cwnd = RTE_MAX(cc->cwnd, all ? r->all_cwnd : r->cwnd);
	cc->ssthresh = all ? r->all_ssthresh : r->ssthresh;
	if (cc->ops->undo)
		cc->ops->undo(cc, c->ep.stack->now_ns);
	/* What overtook the late ones was reordering; after a timeout all were late. */
	if (c->flags & TCP_F_RECOVERY)
		tcp_rack_reordered(c);
	if (all || r->all_una == r->undo_una || !is_open(c))
		c->rack.flags &= (uint8_t)~TCP_REC_UNDO;
	c->rack.flags &= (uint8_t)~(TCP_REC_FRTO | TCP_REC_FRTO_NEW);
	c->flags &= ~(TCP_F_RECOVERY | TCP_F_RTO_RECOVERY);
	c->why &= (uint8_t)~TCP_WHY_RTX;
	c->dupacks = 0;
	tcp_sendq_unmark_lost(c);
}

bool
tcp_undo_ack(struct tcp_conn *c, const struct tcp_acked *a)
{
	bool recovering = c->flags & (TCP_F_RECOVERY | TCP_F_RTO_RECOVERY);

	if (!(c->rack.flags & TCP_REC_UNDO))
		return false;
	if (!(recovering && a->spurious) && !a->all_dsacked)
		return false;
	undo(c, a->all_dsacked);
	return true;
}

/* The timeout was right after all: slow start over what was lost. */
static void
frto_over(struct tcp_conn *c)
{
	if ((c->rack.flags & TCP_REC_FRTO_NEW) && !c->cc.ops->control)
		c->cc.cwnd = 3u * c->mss;
	c->rack.flags &= (uint8_t)~(TCP_REC_FRTO | TCP_REC_FRTO_NEW);
}

/* A full segment, so that neither Nagle nor the peer's window holds it back. */
static bool
may_send_new(const struct tcp_conn *c)
{
	const struct rte_mbuf *m = c->sendq->unsent;

	return m && tcp_seg(m)->len >= c->mss && seq_geq(c->snd_una + c->snd_wnd, c->snd_nxt + c->mss);
}

bool
tcp_frto_ack(struct tcp_conn *c, const struct tcp_acked *a, bool una_moved)
{
	struct tcp_rack *r = &c->rack;

	if (!(r->flags & TCP_REC_FRTO))
		return false;
	if (r->flags & TCP_REC_FRTO_NEW) {
		if (a->original) {
			undo(c, false);
			return true;
		}
		frto_over(c);
	} else if (una_moved) {
		if (seq_geq(c->snd_una, c->recover) || !may_send_new(c)) {
			frto_over(c);
			return false;
		}
		/* Two new segments, and what comes back to them decides. */
		r->flags |= TCP_REC_FRTO_NEW;
		if (!c->cc.ops->control)
			c->cc.cwnd = c->sendq->in_flight + 2u * c->mss;
	} else if (!(c->flags & TCP_F_SACK)) {
		frto_over(c);
	}
	return false;
}
