/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The phases of loss recovery. Open: nothing is wrong. Fast recovery (TCP_F_RECOVERY): a loss was seen; the window is reduced
 * once, and until SND.UNA has passed what was sent by then, lost segments are sent again at the pace of PRR. Recovery of a
 * timeout (TCP_F_RTO_RECOVERY): the same point, but slow start from one segment.
 *
 * Peers with SACK: RACK says what is lost (RFC 8985). Peers without: three duplicate ACKs do, and NewReno finds one hole per
 * round trip (RFC 5681 3.2, RFC 6582).
 */
#include "proto/tcp/tcp.h"

#include <rte_common.h>

/* The segment at SND.UNA is lost: it goes out again whatever cwnd says. */
static void
retransmit_first(struct tcp_conn *c)
{
	if (!c->sendq->head)
		return;
	tcp_sendq_mark_lost(c, c->sendq->head, NULL);
	c->why |= TCP_WHY_RTX;
}

/* The window is reduced, from what is in flight (RFC 5681: not acknowledged) or what it allows to be, unless a congestion mark in the same window of data has done it. */
static void
reduce(struct tcp_conn *c, uint32_t flight)
{
	if (!tcp_ecn_is_reduced(c))
		c->cc.ops->loss(&c->cc, RTE_MIN(flight, RTE_MAX(c->cc.cwnd, 2u * c->mss)), c->ep.stack->now_ns);
	tcp_ecn_reduced(c);
}

static void
enter(struct tcp_conn *c, const struct tcp_acked *a)
{
	bool sack = c->flags & TCP_F_SACK;

	mr_count(c->ep.stack, MR_CNT_TCP_FAST_RETRANSMITS);
	tcp_undo_arm(c);
	reduce(c, c->snd_nxt - c->snd_una);
	c->recover = c->snd_nxt;
	c->rack.flags &= (uint8_t)~(TCP_REC_TLP | TCP_REC_TLP_RETRANS);
	c->flags |= TCP_F_RECOVERY;
	tcp_prr_enter(c, a);
	if (sack) {
		c->why |= TCP_WHY_RTX;
		tcp_prr_ack(c, a, false);
		return;
	}
	if (!c->cc.ops->control)
		c->cc.cwnd = c->cc.ssthresh + TCP_DUPTHRESH * c->mss;
	retransmit_first(c);
}

/* A retransmission was lost: a second sign of congestion, and a new point to reach (RFC 5681 4.3). */
static void
enter_again(struct tcp_conn *c, const struct tcp_acked *a)
{
	c->cc.ops->loss(&c->cc, RTE_MIN(c->snd_nxt - c->snd_una, c->cc.ssthresh), c->ep.stack->now_ns);
	tcp_ecn_reduced(c);
	c->recover = c->snd_nxt;
	tcp_prr_enter(c, a);
}

static void
leave(struct tcp_conn *c)
{
	c->flags &= ~(TCP_F_RECOVERY | TCP_F_RTO_RECOVERY);
	c->rack.flags &= (uint8_t)~(TCP_REC_FRTO | TCP_REC_FRTO_NEW);
	tcp_rack_recovered(c);
	tcp_undo_recovered(c);
	if (c->cc.ops->recovered)
		c->cc.ops->recovered(&c->cc, c->ep.stack->now_ns);
}

/* An ACK of new data in NewReno's recovery: one more hole, or the end (RFC 6582 3.2 step 3). */
static void
newreno_ack(struct tcp_conn *c, const struct tcp_acked *a, bool over)
{
	struct tcp_cc *cc = &c->cc;

	if (over) {
		if (!cc->ops->control)
			cc->cwnd = RTE_MIN(cc->ssthresh, RTE_MAX(c->sendq->in_flight, c->mss) + c->mss);
		leave(c);
		return;
	}
	if (!cc->ops->control)
		cc->cwnd = cc->cwnd - RTE_MIN(cc->cwnd, a->bytes) + c->mss;
	retransmit_first(c);
}

static void
fast_recovery_ack(struct tcp_conn *c, const struct tcp_acked *a, bool una_moved, bool again)
{
	bool over = una_moved && seq_geq(c->snd_una, c->recover);

	if (!(c->flags & TCP_F_SACK)) {
		if (una_moved)
			newreno_ack(c, a, over);
		return;
	}
	if (over) {
		if (!c->cc.ops->control)
			c->cc.cwnd = c->cc.ssthresh;
		leave(c);
		if (c->sendq->lost_head)
			enter(c, a);
		return;
	}
	if (again)
		enter_again(c, a);
	if (a->bytes > 0 || a->lost > 0)
		tcp_prr_ack(c, a, una_moved && a->lost == 0);
}

static void
timeout_recovery_ack(struct tcp_conn *c, const struct tcp_acked *a, bool una_moved)
{
	if (una_moved && c->rare->mtu_guess)
		tcp_path_guess_acked(c);
	if (tcp_frto_ack(c, a, una_moved))
		return;
	if (una_moved && seq_geq(c->snd_una, c->recover)) {
		leave(c);
		if (c->sendq->lost_head && (c->flags & TCP_F_SACK))
			enter(c, a);
	}
}

uint64_t
tcp_recovery_ack(struct tcp_conn *c, const struct tcp_rx *rx, struct tcp_acked *a, bool una_moved)
{
	bool again = false;
	uint64_t look_ns = 0;

	tcp_rack_update(c, a);
	if (c->rack.flags & TCP_REC_TLP)
		tcp_tlp_ack(c, rx, a);
	tcp_undo_ack(c, a);
	if (c->flags & TCP_F_SACK)
		look_ns = tcp_rack_detect(c, &a->lost, &again);
	if (a->lost > 0 && unlikely(c->rare->mtu_probe))
		a->lost -= tcp_mtu_probe_lost(c, a->lost);
	if (c->flags & TCP_F_RECOVERY)
		fast_recovery_ack(c, a, una_moved, again);
	else if (c->flags & TCP_F_RTO_RECOVERY)
		timeout_recovery_ack(c, a, una_moved);
	else if (a->lost > 0)
		enter(c, a);
	return look_ns;
}

void
tcp_recovery_dupack(struct tcp_conn *c)
{
	struct tcp_acked a = {.prior_in_flight = c->sendq->in_flight};

	if (c->dupacks < UINT8_MAX)
		c->dupacks++;
	if (c->flags & TCP_F_RECOVERY) {
		/* Each duplicate is a segment that has left the network; no more of them than there were (B-68). */
		uint32_t most = c->cc.ssthresh + (c->recover - c->snd_una) + TCP_DUPTHRESH * c->mss;

		if (!c->cc.ops->control)
			c->cc.cwnd = RTE_MIN(c->cc.cwnd + c->mss, most);
	} else if (c->flags & TCP_F_RTO_RECOVERY) {
		tcp_frto_ack(c, &a, false);
	} else if (c->dupacks == TCP_DUPTHRESH && seq_gt(c->snd_una, c->recover)) {
		if (unlikely(c->rare->mtu_probe) && tcp_mtu_probe_is_first(c)) {
			retransmit_first(c);
			tcp_mtu_probe_lost(c, c->rare->mtu_probe_end - c->rare->mtu_probe_seq);
		} else {
			enter(c, &a);
		}
		tcp_rexmt_restart(c);
	}
	mr_ep_mark_dirty(&c->ep);
}

void
tcp_recovery_reorder_timer(struct tcp_conn *c)
{
	struct tcp_acked a = {.prior_in_flight = c->sendq->in_flight};
	bool again = false;
	uint64_t look_ns = tcp_rack_detect(c, &a.lost, &again);

	if (a.lost > 0) {
		mr_ep_mark_dirty(&c->ep);
		if (unlikely(c->rare->mtu_probe))
			a.lost -= tcp_mtu_probe_lost(c, a.lost);
	}
	if (a.lost > 0) {
		c->sendq->repair.lost += a.lost;
		if (c->flags & TCP_F_RECOVERY)
			fast_recovery_ack(c, &a, false, again);
		else if (!(c->flags & TCP_F_RTO_RECOVERY))
			enter(c, &a);
	}
	tcp_rexmt_restart_at(c, look_ns);
}

void
tcp_recovery_timeout(struct tcp_conn *c)
{
	struct tcp_sendq *q = c->sendq;
	bool first = c->retries == 1, more = q->head && tcp_seg(q->head)->next != q->unsent;

	/* What SND.UNA has come to cannot be SACKED, unless the peer has dropped it (RFC 2018 8). */
	if (q->head && (tcp_seg(q->head)->flags & TCP_SEG_SACKED))
		tcp_sendq_forget_sacked(c);
	if (first)
		tcp_undo_arm(c);
	c->rack.flags &= (uint8_t)~(TCP_REC_FRTO | TCP_REC_FRTO_NEW | TCP_REC_TLP | TCP_REC_TLP_RETRANS);
	if (first && more && !(c->flags & TCP_F_RTO_RECOVERY))
		c->rack.flags |= TCP_REC_FRTO;
	c->cc.ops->rto(&c->cc, c->snd_nxt - c->snd_una, first, c->ep.stack->now_ns);
	if (c->flags & TCP_F_SACK)
		tcp_rack_mark_timeout(c);
	else
		tcp_sendq_mark_all_lost(c);
	tcp_ecn_reduced(c);
	c->recover = c->snd_nxt;
	c->dupacks = 0;
	c->flags = (c->flags & ~TCP_F_RECOVERY) | TCP_F_RTO_RECOVERY;
	c->why |= TCP_WHY_RTX;
}

void
tcp_recovery_reduce(struct tcp_conn *c, uint32_t flight)
{
	tcp_undo_arm(c);
	c->rack.flags &= (uint8_t)~TCP_REC_UNDO; /* there is no retransmission whose fate could tell */
	reduce(c, flight);
	if (!c->cc.ops->control)
		c->cc.cwnd = c->cc.ssthresh;
	if (c->cc.ops->recovered)
		c->cc.ops->recovered(&c->cc, c->ep.stack->now_ns);
}
