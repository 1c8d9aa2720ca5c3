/* SPDX-License-Identifier: Apache-2.0 */
/*
 * How connections begin: what both ends agree on in the handshake, SYN-SENT (RFC 9293 3.10.7.3) with simultaneous open,
 * and passive opens without a listener. Those of listeners are in listen.c.
 */
#include "proto/tcp/tcp_out.h"

#include <errno.h>

#include <rte_common.h>

#define RTO_AFTER_SYN_LOSS_NS 3000000000ull /* RFC 6298 5.7 */

uint16_t
tcp_mss_offer(const struct mr_route *r, uint16_t user_mss)
{
	uint16_t mss = mr_route_payload_mtu(r) - TCP_HDR_BYTES;

	return user_mss ? RTE_MIN(mss, user_mss) : mss;
}

void
tcp_mss_update(struct tcp_conn *c)
{
	uint16_t mss = RTE_MIN(tcp_mss_offer(&c->route, (uint16_t)c->rare->user_mss), c->peer_mss);
	uint16_t hdr = c->route.local->np->ops->hdr_bytes + TCP_HDR_BYTES;

	if (c->pmtu && c->pmtu - hdr < mss)
		mss = c->pmtu - hdr;
	if (c->flags & TCP_F_TS)
		mss = RTE_MAX(mss, TCP_MIN_MSS + TCP_TS_OPT_BYTES) - TCP_TS_OPT_BYTES;
	c->mss = mss;
	tcp_cc_mss_set(&c->cc, mss);
}

uint32_t
tcp_offer_flags(uint8_t offers)
{
	return (offers & TCP_OPT_TS ? TCP_F_TS : 0) | (offers & TCP_OPT_WS ? TCP_F_WS : 0) |
	       (offers & TCP_OPT_SACK_PERM ? TCP_F_SACK : 0);
}

/* WS-01, TS-01, MUST-15. */
void
tcp_options_agree(struct tcp_conn *c, const struct tcp_rx *rx)
{
	if (!(rx->opts & TCP_OPT_WS))
		c->flags &= ~TCP_F_WS;
	if (!(rx->opts & TCP_OPT_TS))
		c->flags &= ~TCP_F_TS;
	if (!(rx->opts & TCP_OPT_SACK_PERM))
		c->flags &= ~TCP_F_SACK;
	if (c->flags & TCP_F_WS)
		c->snd_wscale = rx->wscale;
	else
		c->snd_wscale = c->rcv_wscale = 0;
	c->rcv_most = RTE_MIN(c->rcv_most, tcp_window_most(c));
	if (c->flags & TCP_F_TS)
		c->ts_recent = rx->tsval;
	if (rx->opts & TCP_OPT_MSS)
		c->peer_mss = RTE_MAX(rx->mss, TCP_MIN_MSS);
	else
		c->peer_mss = mr_addr_is_v4(&c->ep.flow.raddr) ? TCP_DEFAULT_MSS_V4 : TCP_DEFAULT_MSS_V6;
	tcp_path_ask(c);
	tcp_mss_update(c);
}

/* The congestion window a connection starts with (RFC 6928; one segment if SYNs were lost, RFC 5681 3.1). */
static void
cwnd_start(struct tcp_conn *c)
{
	if (c->cc.cwnd == 0)
		tcp_cc_start(c, c->retries > 1);
	if (c->retries > 0 && c->rtt.srtt_ns == 0)
		c->rtt.rto_ns = RTO_AFTER_SYN_LOSS_NS;
	c->retries = c->backoff = 0;
}

/* Data may have followed it. */
static uint64_t
syn_sent_ns(const struct tcp_conn *c)
{
	return c->rare->fo_since_ns ? c->rare->fo_since_ns : c->last_tx_ns;
}

void
tcp_established(struct tcp_conn *c, const struct tcp_rx *rx)
{
	/* The SYN is acknowledged; it does not count as data for the windows (CC-04). */
	c->snd_una = c->iss + 1;
	c->snd_wnd = rx->flags & TCP_SYN ? rx->wnd : rx->wnd << c->snd_wscale;
	c->max_snd_wnd = c->snd_wnd;
	c->snd_wl1 = rx->seq;
	c->snd_wl2 = rx->ack;
	c->last_rx_ns = c->ep.stack->now_ns;
	if (c->retries == 0 && c->last_tx_ns)
		tcp_rtt_measured(c, RTE_MAX(c->last_rx_ns - syn_sent_ns(c), 1u));
	if (unlikely(c->rare->fo))
		tcp_fastopen_established(c, rx);
	cwnd_start(c);
	tcp_state_set(c, MR_TCP_ESTABLISHED);
	/* The application has ended its stream before. */
	if (unlikely(c->flags & TCP_F_SHUT_WR))
		tcp_state_set(c, MR_TCP_FIN_WAIT_1);
	tcp_rexmt_restart(c);
	if ((c->flags & TCP_F_KEEPALIVE) && !(c->ep.flags & MR_EP_F_CLOSED)) {
		c->idle_ns = c->last_rx_ns + (uint64_t)c->rare->keepidle_ms * 1000000;
		tcp_timer_update(c);
	}
	mr_ep_event(&c->ep, MR_EV_OUT);
}

/* Our half of an open, and what our SYN will offer. */
static void
open_init(struct tcp_conn *c, const uint32_t *iss_floor)
{
	struct tcp *t = tcp_of(c->ep.stack);

	c->iss = tcp_isn(t, &c->ep.flow, &c->route.local->addr);
	if (iss_floor && !seq_gt(c->iss, *iss_floor))
		c->iss = *iss_floor;
	c->ts_offset = tcp_ts_offset(t, &c->ep.flow, &c->route.local->addr);
	c->recover = c->snd_una = c->iss;
	c->snd_nxt = c->iss + 1;
	c->rcv_wscale = tcp_rcv_wscale(c);
	c->rcv_mss = TCP_RCV_MSS_START;
	c->mss = c->cc.mss = TCP_DEFAULT_MSS_V4;
	c->flags |= tcp_offer_flags(t->offers & c->rare->offers);
}

/* The peer's SYN: its half, and what both have offered. */
static void
open_syn(struct tcp_conn *c, const struct tcp_rx *rx)
{
	c->irs = rx->seq;
	c->rcv_nxt = c->last_ack_sent = rx->seq + 1;
	c->rcv_adv = c->rcv_nxt + tcp_syn_window(c);
	tcp_options_agree(c, rx);
}

void
tcp_open_send(struct tcp_conn *c, enum mr_tcp_state state)
{
	c->why |= TCP_WHY_SYN;
	tcp_state_set(c, state);
	mr_ep_mark_dirty(&c->ep);
}

void
tcp_open_active(struct tcp_conn *c)
{
	open_init(c, NULL);
	tcp_open_send(c, MR_TCP_SYN_SENT);
}

void
tcp_open_passive(struct tcp_conn *c, struct rte_mbuf *syn, const uint32_t *iss_floor)
{
	struct tcp_rx rx;

	tcp_hdr_pull(syn, &rx);
	open_init(c, iss_floor);
	open_syn(c, &rx);
	if (tcp_ecn_accepts(c, rx.flags))
		c->ecn |= TCP_ECN_ON;
	c->flags |= TCP_F_PASSIVE;
	mr_count(c->ep.stack, MR_CNT_TCP_PASSIVE_OPENS);
	tcp_open_send(c, MR_TCP_SYN_RECEIVED);
	rte_pktmbuf_free(syn);
}

static void
syn_sent_syn(struct tcp_conn *c, struct tcp_rx *rx)
{
	open_syn(c, rx);
	tcp_ecn_answered(c, rx->flags);
	if (rx->flags & TCP_ACK) {
		tcp_established(c, rx);
		tcp_ack_now(c);
	} else {
		/* Both have called at once (MUST-10). */
		tcp_open_send(c, MR_TCP_SYN_RECEIVED);
	}
	/* Payload and FIN of a SYN are not taken: the peer sends them again after the handshake (T93-12). */
	rte_pktmbuf_free(rx->m);
}

void
tcp_syn_sent_input(struct tcp_conn *c, struct tcp_rx *rx)
{
	struct mr_stack *s = c->ep.stack;
	bool ack = rx->flags & TCP_ACK;

	if (ack && (seq_leq(rx->ack, c->iss) || seq_gt(rx->ack, c->snd_nxt + c->rare->fo_bytes))) {
		tcp_reset_reply(tcp_of(s), rx->m, MR_DROP_TCP_BAD_ACK);
		return;
	}
	if (rx->flags & TCP_RST) {
		if (ack) {
			mr_count(s, MR_CNT_TCP_RESETS_RX);
			rte_pktmbuf_free(rx->m);
			tcp_conn_end(c, -ECONNREFUSED);
		} else {
			mr_drop(s, rx->m, MR_DROP_TCP_SYN_SENT_IGNORED);
		}
		return;
	}
	if (!(rx->flags & TCP_SYN)) {
		mr_drop(s, rx->m, MR_DROP_TCP_SYN_SENT_IGNORED);
		return;
	}
	syn_sent_syn(c, rx);
}

void
tcp_send_syn(struct tcp_out *o)
{
	struct tcp_conn *c = o->c;
	struct tcp *t = tcp_of(c->ep.stack);
	struct rte_mbuf *m = mr_stack_tx_alloc(c->ep.stack);
	uint64_t cookie;
	bool reply = c->state == MR_TCP_SYN_RECEIVED;
	struct tcp_tx tx = {
		.sport_be = c->ep.flow.lport_be,
		.dport_be = c->ep.flow.rport_be,
		.seq = c->iss,
		.ack = reply ? c->rcv_nxt : 0,
		.flags = reply ? TCP_SYN | TCP_ACK : TCP_SYN,
		.wnd = (uint16_t)tcp_syn_window(c),
		.opts = TCP_OPT_MSS,
		.mss = tcp_mss_offer(&c->route, (uint16_t)c->rare->user_mss),
		.wscale = c->rcv_wscale,
		.tsval = tcp_ts_now(t, c->ts_offset),
		.tsecr = reply ? c->ts_recent : 0,
	};

	if (!m) {
		mr_count(c->ep.stack, MR_DROP_NO_TX_MBUF);
		return;
	}
	if (c->flags & TCP_F_TS)
		tx.opts |= TCP_OPT_TS;
	if (c->flags & TCP_F_WS)
		tx.opts |= TCP_OPT_WS;
	if (c->flags & TCP_F_SACK)
		tx.opts |= TCP_OPT_SACK_PERM;
	tx.flags |= tcp_ecn_syn_flags(c);
	if (unlikely(c->rare->fo))
		tcp_fastopen_syn(c, &tx, m, &cookie);
	tcp_hdr_push(m, &tx, &c->route);
	c->last_tx_ns = c->ep.stack->now_ns;
	tcp_out_add(o, m, 0);
	c->why &= (uint8_t)~TCP_WHY_SYN;
	if (!c->rexmt_ns)
		tcp_rexmt_restart(c);
}
