/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Step five of RFC 9293 3.10.7.4: what an ACK field does. SND.UNA and the window move, the send queue shrinks, the
 * round-trip time is sampled, and loss is seen by duplicate ACKs (RFC 5681, NewReno of RFC 6582) or by the timer.
 * Nothing is sent from here.
 */
#include "proto/tcp/tcp.h"

#include <string.h>

#include <rte_common.h>

#include "stack/neigh.h"

bool
tcp_fin_acked(const struct tcp_conn *c)
{
	return (c->flags & TCP_F_FIN_QUEUED) && !c->sendq.head;
}

/* @return true if the window changed (T93-08). */
static bool
window_update(struct tcp_conn *c, const struct tcp_rx *rx)
{
	uint32_t wnd = rx->wnd << c->snd_wscale, old = c->snd_wnd;

	if (!(seq_lt(c->snd_wl1, rx->seq) || (c->snd_wl1 == rx->seq && seq_leq(c->snd_wl2, rx->ack))))
		return false;
	c->snd_wnd = wnd;
	c->snd_wl1 = rx->seq;
	c->snd_wl2 = rx->ack;
	c->max_snd_wnd = RTE_MAX(c->max_snd_wnd, wnd);
	return wnd != old;
}

/* Was the last transmission echoed? An older timestamp means that an earlier copy had arrived and its ACK was lost. */
static bool
echoes_last(const struct tcp_conn *c, const struct tcp_rx *rx, uint64_t sent_ns)
{
	uint32_t sent_ts = (uint32_t)(sent_ns / 1000000) + c->ts_offset;

	return (c->flags & TCP_F_TS) && (rx->opts & TCP_OPT_TS) && seq_geq(rx->tsecr, sent_ts);
}

/* Round-trip time of the newest covered transmission: certain when nothing was sent twice (Karn), or when its timestamp
 * comes back. */
static uint64_t
rtt_sample(struct tcp_conn *c, const struct tcp_rx *rx, const struct tcp_acked *a)
{
	struct mr_stack *s = c->ep.stack;
	uint64_t rtt;

	if (a->bytes == 0 || (a->resent && !echoes_last(c, rx, a->newest.sent_ns)))
		return 0;
	rtt = RTE_MAX(s->now_ns - a->newest.sent_ns, 1u);
	tcp_rtt_sample(&c->rtt, rtt, tcp_of(s)->min_rto_ns);
	c->backoff = 0;
	return rtt;
}

/* Before a reduction of the window, which may turn out to be wrong. */
static void
cc_save(struct tcp_cc *cc)
{
	cc->prior_cwnd = cc->cwnd;
	cc->prior_ssthresh = cc->ssthresh;
}

static void
cc_recovered(struct tcp_conn *c)
{
	if (c->cc.ops->recovered)
		c->cc.ops->recovered(&c->cc, c->ep.stack->now_ns);
}

/* The segment at SND.UNA is lost: it goes out again whatever cwnd says. */
static void
retransmit_first(struct tcp_conn *c)
{
	if (!c->sendq.head)
		return;
	tcp_sendq_mark_lost(c, c->sendq.head);
	c->why |= TCP_WHY_RTX;
}

static void
recovery_enter(struct tcp_conn *c)
{
	struct mr_stack *s = c->ep.stack;

	mr_count(s, MR_CNT_TCP_FAST_RETRANSMITS);
	cc_save(&c->cc);
	if (!tcp_ecn_is_reduced(c))
		c->cc.ops->loss(&c->cc, c->snd_nxt - c->snd_una, s->now_ns);
	tcp_ecn_reduced(c);
	if (!c->cc.ops->control)
		c->cc.cwnd = c->cc.ssthresh + TCP_DUPTHRESH * c->mss;
	c->recover = c->snd_nxt;
	c->flags |= TCP_F_RECOVERY;
	retransmit_first(c);
	tcp_rexmt_restart(c);
}

static void
duplicate_ack(struct tcp_conn *c)
{
	if (c->dupacks < UINT8_MAX)
		c->dupacks++;
	if (c->flags & TCP_F_RECOVERY) {
		/* Each duplicate is a segment that has left the network; no more of them than there were (B-68). */
		uint32_t most = c->cc.ssthresh + (c->recover - c->snd_una) + TCP_DUPTHRESH * c->mss;

		if (!c->cc.ops->control)
			c->cc.cwnd = RTE_MIN(c->cc.cwnd + c->mss, most);
	} else if (c->dupacks == TCP_DUPTHRESH && seq_gt(c->snd_una, c->recover)) {
		recovery_enter(c);
	}
	mr_ep_mark_dirty(&c->ep);
}

/* An ACK in fast recovery: the end of it, or one more hole (RFC 6582 3.2 step 3). */
static void
recovery_ack(struct tcp_conn *c, uint32_t acked)
{
	if (seq_geq(c->snd_una, c->recover)) {
		if (!c->cc.ops->control)
			c->cc.cwnd = RTE_MIN(c->cc.ssthresh, RTE_MAX(c->sendq.in_flight, c->mss) + c->mss);
		c->flags &= ~TCP_F_RECOVERY;
		cc_recovered(c);
		return;
	}
	if (!c->cc.ops->control)
		c->cc.cwnd = c->cc.cwnd - RTE_MIN(c->cc.cwnd, acked) + c->mss;
	retransmit_first(c);
}

static void
congestion_ack(struct tcp_conn *c, const struct tcp_acked *acked, struct tcp_cc_ack *a, bool echo)
{
	a->now_ns = c->ep.stack->now_ns;
	a->srtt_ns = c->rtt.srtt_ns;
	a->acked = acked->bytes;
	a->in_flight = c->sendq.in_flight;
	a->recovery = c->flags & TCP_F_RECOVERY;
	a->cwnd_limited = c->flags & (TCP_F_CWND_LIMITED | TCP_F_RTO_RECOVERY);
	tcp_rate_delivered(c, acked, a);
	c->dupacks = 0;
	if ((c->flags & TCP_F_RTO_RECOVERY) && seq_geq(c->snd_una, c->recover)) {
		c->flags &= ~TCP_F_RTO_RECOVERY;
		cc_recovered(c);
	}
	if (c->flags & TCP_F_RECOVERY)
		recovery_ack(c, acked->bytes);
	else if (!c->cc.ops->control && !echo)
		c->cc.ops->ack(&c->cc, a);
	if (c->cc.ops->control)
		c->cc.ops->control(&c->cc, a);
}

/* SND.UNA advances. */
static void
new_ack(struct tcp_conn *c, const struct tcp_rx *rx)
{
	struct mr_stack *s = c->ep.stack;
	struct tcp_cc_ack cc_ack = {.prior_in_flight = c->sendq.in_flight};
	struct tcp_acked a = {0};
	bool echo = unlikely(c->ecn & TCP_ECN_ON) && tcp_ecn_ack(c, rx, &cc_ack);

	c->bytes_acked += tcp_sendq_ack(c, rx->ack, &a);
	c->snd_una = rx->ack;
	cc_ack.rtt_ns = rtt_sample(c, rx, &a);
	c->retries = 0;
	congestion_ack(c, &a, &cc_ack, echo);
	c->unacked_since_ns = c->snd_una == c->snd_nxt ? 0 : s->now_ns;
	tcp_rexmt_restart(c);
	if (c->route.neigh && c->route.gen == s->route_gen)
		mr_neigh_confirm(c->route.neigh, s->now_ns);
	tcp_tell_writable(c);
}

static bool
is_duplicate_ack(const struct tcp_conn *c, const struct tcp_rx *rx, bool wnd_changed)
{
	return rx->ack == c->snd_una && rx->len == 0 && !(rx->flags & (TCP_SYN | TCP_FIN)) && !wnd_changed &&
	       c->sendq.in_flight + c->sendq.lost > 0;
}

bool
tcp_ack_process(struct tcp_conn *c, struct tcp_rx *rx)
{
	struct mr_stack *s = c->ep.stack;
	bool changed;

	if (seq_gt(rx->ack, c->snd_nxt) || seq_lt(rx->ack, c->snd_una - c->max_snd_wnd)) {
		/* Of the future, or so old that it can only be a guess (RFC 5961 5). */
		tcp_challenge_ack(c);
		mr_drop(s, rx->m, MR_DROP_TCP_BAD_ACK);
		rx->m = NULL;
		return false;
	}
	changed = window_update(c, rx);
	if (seq_gt(rx->ack, c->snd_una))
		new_ack(c, rx);
	else if (is_duplicate_ack(c, rx, changed))
		duplicate_ack(c);
	/* A peer that answers is alive, however long its window stays closed (MUST-37); an orphan's patience is bounded. */
	if (c->snd_wnd == 0 && !(c->ep.flags & MR_EP_F_CLOSED))
		c->retries = 0;
	if (changed && (c->flags & TCP_F_PERSIST) && c->snd_wnd > 0) {
		c->backoff = c->retries = 0;
		tcp_rexmt_restart(c);
	}
	if (c->sendq.unsent || c->sendq.lost || (c->flags & (TCP_F_SHUT_WR | TCP_F_FIN_QUEUED)) == TCP_F_SHUT_WR)
		mr_ep_mark_dirty(&c->ep);
	return true;
}

void
tcp_rtx_enter_rto(struct tcp_conn *c)
{
	if (c->retries == 1)
		cc_save(&c->cc);
	c->cc.ops->rto(&c->cc, c->snd_nxt - c->snd_una, c->retries == 1, c->ep.stack->now_ns);
	tcp_sendq_mark_all_lost(c);
	tcp_ecn_reduced(c);
	c->recover = c->snd_nxt;
	c->dupacks = 0;
	c->flags = (c->flags & ~TCP_F_RECOVERY) | TCP_F_RTO_RECOVERY;
}
