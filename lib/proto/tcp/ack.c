/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Step five of RFC 9293 3.10.7.4: what an ACK field does. SND.UNA and the window move, the send queue shrinks, the
 * round-trip time is sampled; loss detection and recovery (tcp_recovery.h) and congestion control are told. Nothing is sent
 * from here.
 */
#include "proto/tcp/tcp.h"

#include <string.h>

#include <rte_common.h>

#include "stack/neigh.h"

bool
tcp_fin_acked(const struct tcp_conn *c)
{
	return (c->flags & TCP_F_FIN_QUEUED) && !c->sendq->head;
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

/* ---- what an ACK delivers ------------------------------------------------------------------------------------ */

static bool
has_ts(const struct tcp_conn *c, const struct tcp_rx *rx)
{
	return (c->flags & TCP_F_TS) && (rx->opts & TCP_OPT_TS);
}

/* RK-05: which transmission is this the ACK of? A timestamp older than the last one, or a round trip shorter than any: of an
 * earlier. (Of a SACKED segment the timestamp says nothing: it is that of the last in order. For the same reason only the
 * first segment, and the first that the recovery has sent again, can show that all of it was needless.) */
void
tcp_acked_again(const struct tcp_conn *c, const struct tcp_seg *s, struct tcp_acked *a)
{
	/* Its timestamp may be older than itself, but by less than a round trip (tcp_rack_ts_back); that of an earlier one is not. */
	uint32_t back = c->rack.flags & TCP_REC_REORDERED ? c->rack.min_rtt_ns / 1000000 : 0;
	uint32_t sent_ts = (uint32_t)(s->sent_ns / 1000000) + c->ts_offset - back;

	if (seq_lt(s->seq, a->rx->ack) && has_ts(c, a->rx) && seq_lt(a->rx->tsecr, sent_ts)) {
		a->spurious |= s->times == 2 && s->seq == c->snd_una && s->seq == c->sendq->repair.undo_una;
		return;
	}
	if (c->ep.stack->now_ns - s->sent_ns < c->rack.min_rtt_ns)
		return;
	tcp_acked_newest(a, s);
}

void
tcp_rtt_measured(struct tcp_conn *c, uint64_t rtt_ns)
{
	tcp_rack_min_rtt(&c->rack, rtt_ns, c->ep.stack->now_ns);
	tcp_rtt_sample(&c->rtt, rtt_ns, tcp_of(c->ep.stack)->min_rto_ns);
	c->rack.flags |= TCP_REC_SAMPLE;
}

/* How long has the peer waited with the ACK of a small flight? */
static inline void
ack_delay(struct tcp_rack *r, uint64_t delay_ns)
{
	bool quick = delay_ns >> (r->ack_delay_log2 - 1) == 0;

	if (!quick || ++r->ack_quick == TCP_ACK_QUICK)
		tcp_tlp_learn_delay(r, delay_ns);
}

/* All that is acknowledged was sent again, and had arrived before: only the timestamp that is echoed tells when it was sent
 * (RFC 7323 4.1), in whole milliseconds. It is for the timeout, which would for ever be too short without. */
static void
rtt_by_echo(struct tcp_conn *c, const struct tcp_rx *rx)
{
	struct tcp *t = tcp_of(c->ep.stack);
	uint64_t rtt = (tcp_ts_now(t, c->ts_offset) - rx->tsecr) * UINT64_C(1000000);

	if (rtt < c->rack.min_rtt_ns || rtt > TCP_MAX_RTO_NS)
		return;
	tcp_rtt_sample(&c->rtt, rtt, t->min_rto_ns);
	c->backoff = 0;
}

/* A round trip of a flight of so many bytes. */
static inline void
rtt_note(struct tcp_conn *c, uint64_t rtt_ns, uint32_t flight)
{
	tcp_rtt_measured(c, rtt_ns);
	if (flight < 2u * c->mss)
		ack_delay(&c->rack, rtt_ns - c->rack.min_rtt_ns);
	c->backoff = 0;
}

/* Round-trip time of the newest segment that was sent once; with timestamps, of one that was sent again too. Never of what
 * waited behind one that was sent again (Karn). */
static uint64_t
rtt_sample(struct tcp_conn *c, const struct tcp_acked *a)
{
	uint64_t sent_ns = a->once_ns, rtt;

	if (unlikely(a->resent)) {
		sent_ns = has_ts(c, a->rx) ? a->newest.sent_ns : 0;
		if (sent_ns == 0 && has_ts(c, a->rx))
			rtt_by_echo(c, a->rx);
	}
	if (sent_ns == 0)
		return 0;
	rtt = RTE_MAX(c->ep.stack->now_ns - sent_ns, 1u);
	rtt_note(c, rtt, a->prior_in_flight);
	return rtt;
}

/* ---- what follows -------------------------------------------------------------------------------------------- */

/* @param hold the window is not the algorithm's at the moment */
static void
congestion_ack(struct tcp_conn *c, uint32_t acked, uint32_t prior_in_flight, struct tcp_cc_ack *cc, bool hold)
{
	cc->now_ns = c->ep.stack->now_ns;
	cc->srtt_ns = c->rtt.srtt_ns;
	cc->acked = acked;
	cc->in_flight = c->sendq->in_flight;
	cc->prior_in_flight = prior_in_flight;
	cc->cwnd_limited = c->flags & (TCP_F_CWND_LIMITED | TCP_F_RTO_RECOVERY);
	if (c->cc.ops->control)
		c->cc.ops->control(&c->cc, cc);
	else if (!hold)
		c->cc.ops->ack(&c->cc, cc);
}

/* The part of an ACK's work that there is only when something is the matter. @return when RACK wants to look again */
static uint64_t
trouble(struct tcp_conn *c, const struct tcp_rx *rx, struct tcp_acked *a, struct tcp_cc_ack *cc, bool moved)
{
	uint64_t look_ns = tcp_recovery_ack(c, rx, a, moved);

	cc->lost = a->lost + c->sendq->repair.lost;
	cc->recovery = c->flags & TCP_F_RECOVERY;
	if (a->bytes > 0)
		c->sendq->repair.lost = 0;
	return look_ns;
}

/* Is anything the matter? If not, an ACK only moves on. */
static inline bool
troubled(const struct tcp_conn *c, const struct tcp_rx *rx)
{
	return (c->flags & (TCP_F_RECOVERY | TCP_F_RTO_RECOVERY)) | c->sendq->sacked | c->sendq->lost | rx->n_sack |
	       (c->rack.flags & TCP_REC_TLP);
}

/* SND.UNA advances, over so many bytes of payload. */
static inline void
una_moves(struct tcp_conn *c, uint32_t ack, uint32_t bytes)
{
	c->bytes_acked += bytes;
	c->snd_una = ack;
	c->sendq->fack = seq_max(c->sendq->fack, ack);
	c->retries = 0;
	c->sendq->soft_err = 0;
	c->dupacks = 0;
	c->sendq->unacked_since_ns = ack == c->snd_nxt ? 0 : c->ep.stack->now_ns;
}

/* Nothing is in flight, and nothing waits. */
static inline void
rest(struct tcp_conn *c, const struct tcp_rx *rx)
{
	tcp_rexmt_stop(c);
	tcp_sendq_rest(c);
	if (rx->len == 0)
		tcp_timer_rest(c);
}

/* The peer has taken something. */
static inline void
progress(struct tcp_conn *c)
{
	struct mr_stack *s = c->ep.stack;

	if (c->route.neigh && c->route.gen == s->route_gen)
		mr_neigh_confirm(c->route.neigh, s->now_ns);
	tcp_tell_writable(c);
}

/* An ACK with news: it moves SND.UNA, or carries SACK blocks. */
static void
ack_news(struct tcp_conn *c, const struct tcp_rx *rx, bool moved)
{
	struct tcp_cc_ack cc = {0};
	struct tcp_acked a = {.rx = rx, .prior_in_flight = c->sendq->in_flight, .fack = c->sendq->fack};
	bool bad = troubled(c, rx), hold = false;
	uint64_t look_ns = 0;

	if (moved && unlikely(c->ecn & TCP_ECN_ON))
		hold = tcp_ecn_ack(c, rx, &cc);
	if (unlikely(bad)) {
		if (c->flags & TCP_F_SACK)
			tcp_sack_input(c, rx, &a);
		hold |= c->flags & TCP_F_RECOVERY;
	}
	if (moved) {
		una_moves(c, rx->ack, tcp_sendq_ack(c, rx->ack, &a));
		if (unlikely(c->pmtu))
			tcp_mtu_probe_acked(c);
	}
	if (a.bytes > 0) {
		cc.rtt_ns = rtt_sample(c, &a);
		tcp_rate_delivered(c, a.bytes, &a.newest, &cc);
	}
	if (unlikely(bad)) {
		look_ns = trouble(c, rx, &a, &cc, moved);
		hold |= cc.recovery || (c->rack.flags & TCP_REC_FRTO_NEW);
		/* The first signs of a loss leave the window alone (RFC 3042), unless the path is known to reorder. */
		hold |= !moved && !(c->rack.flags & TCP_REC_REORDERED);
	}
	if (a.bytes > 0)
		congestion_ack(c, a.bytes, a.prior_in_flight, &cc, hold);
	if (c->snd_una == c->snd_nxt && !c->sendq->unsent)
		rest(c, rx);
	else if (moved || look_ns || a.lost > 0)
		tcp_rexmt_restart_at(c, look_ns);
	if (moved)
		progress(c);
	else
		mr_ep_mark_dirty(&c->ep);
}

/* The segment that is all the flight, if it was sent once, is not the last of its stream, and this ACK covers it. */
static inline struct rte_mbuf *
whole_flight(const struct tcp_conn *c, const struct tcp_rx *rx)
{
	const struct tcp_sendq *q = c->sendq;
	struct rte_mbuf *m = q->thead;
	const struct tcp_seg *s;

	if (!m || m != q->head || m != q->ttail || (c->ecn & TCP_ECN_ON) || c->pmtu || troubled(c, rx))
		return NULL;
	s = tcp_seg(m);
	return s->flags & (TCP_SEG_RETRANS | TCP_SEG_FIN) || rx->ack != s->seq + s->len ? NULL : m;
}

/* ack_news where that is all there is: what a flight of many tells in parts, of which some may be missing, this one tells at
 * once. */
static void
ack_flight(struct tcp_conn *c, const struct tcp_rx *rx, struct rte_mbuf *m)
{
	const struct tcp_seg *s = tcp_seg(m);
	struct tcp_sent sent = tcp_sent_of(s);
	uint32_t bytes = s->len;
	struct tcp_cc_ack cc = {.rtt_ns = RTE_MAX(c->ep.stack->now_ns - s->sent_ns, 1u)};

	c->proven = RTE_MAX(c->proven, s->len);
	una_moves(c, rx->ack, bytes);
	tcp_sendq_ack_flight(c);
	rtt_note(c, cc.rtt_ns, bytes);
	tcp_rate_delivered(c, bytes, &sent, &cc);
	congestion_ack(c, bytes, bytes, &cc, false);
	if (c->sendq->unsent)
		tcp_rexmt_restart(c);
	else
		rest(c, rx);
	progress(c);
}

static bool
is_duplicate_ack(const struct tcp_conn *c, const struct tcp_rx *rx, bool wnd_changed)
{
	return rx->ack == c->snd_una && rx->len == 0 && !(rx->flags & (TCP_SYN | TCP_FIN)) && !wnd_changed &&
	       c->sendq->in_flight + c->sendq->lost > 0;
}

bool
tcp_ack_process(struct tcp_conn *c, struct tcp_rx *rx)
{
	struct mr_stack *s = c->ep.stack;
	bool moved = seq_gt(rx->ack, c->snd_una), changed;
	struct rte_mbuf *flight;

	if (seq_gt(rx->ack, c->snd_nxt) || seq_lt(rx->ack, c->snd_una - c->max_snd_wnd)) {
		/* Of the future, or so old that it can only be a guess (RFC 5961 5). */
		tcp_challenge_ack(c);
		mr_drop(s, rx->m, MR_DROP_TCP_BAD_ACK);
		rx->m = NULL;
		return false;
	}
	changed = window_update(c, rx);
	if (moved && (flight = whole_flight(c, rx)))
		ack_flight(c, rx, flight);
	else if (moved || ((c->flags & TCP_F_SACK) && (rx->n_sack || (c->rack.flags & TCP_REC_TLP))))
		ack_news(c, rx, moved);
	else if (!(c->flags & TCP_F_SACK) && is_duplicate_ack(c, rx, changed))
		tcp_recovery_dupack(c);
	/* A peer that answers is alive, however long its window stays closed (MUST-37); an orphan's patience is bounded. */
	if (c->snd_wnd == 0 && !(c->ep.flags & MR_EP_F_CLOSED))
		c->retries = 0;
	if (changed && c->rexmt == TCP_REXMT_PERSIST && c->snd_wnd > 0) {
		c->backoff = c->retries = 0;
		tcp_rexmt_restart(c);
	}
	if (c->sendq->unsent || c->sendq->lost || tcp_fin_waits(c))
		mr_ep_mark_dirty(&c->ep);
	return true;
}
