/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What an application may know of a connection: the record that others call TCP_INFO. The probe (probe.c) shows more, to
 * who looks at the protocol itself.
 */
#include "proto/tcp/tcp.h"

#include <errno.h>

#include <rte_common.h>

#include "stack/context.h"

static uint64_t
age(const struct tcp_conn *c, uint64_t ns)
{
	return ns ? c->ep.stack->now_ns - ns : 0;
}

static void
show_agreed(const struct tcp_conn *c, struct mr_tcp_info *i)
{
	i->timestamps = c->flags & TCP_F_TS;
	i->wscale = c->flags & TCP_F_WS;
	i->sack = c->flags & TCP_F_SACK;
	i->ecn = c->ecn & TCP_ECN_ON;
	i->snd_wscale = c->snd_wscale;
	i->rcv_wscale = c->rcv_wscale;
	i->snd_mss = c->mss;
	i->rcv_mss = c->rcv_mss;
	i->peer_mss = c->peer_mss;
	i->pmtu = c->pmtu ? c->pmtu : c->route.mtu;
}

static void
show_sending(const struct tcp_conn *c, struct mr_tcp_info *i)
{
	i->recovery = c->flags & TCP_F_RECOVERY;
	i->rto_recovery = c->flags & TCP_F_RTO_RECOVERY;
	i->app_limited = c->sendq->app_limited || (c->flags & TCP_F_APP_LIMITED);
	i->retransmits = c->retries;
	i->backoff = c->backoff;
	i->soft_error = (int16_t)c->sendq->soft_err;
	i->rto_ns = tcp_rto_ns(c);
	i->srtt_ns = c->rtt.srtt_ns;
	i->rttvar_ns = c->rtt.rttvar_ns;
	i->min_rtt_ns = c->rack.min_rtt_ns;
	i->reordering = c->rack.flags & TCP_REC_REORDERED;
	i->snd_cwnd = c->cc.cwnd;
	i->snd_ssthresh = c->cc.ssthresh;
	i->snd_wnd = c->snd_wnd;
	i->in_flight = c->sendq->in_flight;
	i->lost_segs = c->sendq->lost;
	i->unsent = tcp_unsent_bytes(c);
	i->since_sent_ns = age(c, c->last_tx_ns);
	if (c->rate.sample_ns)
		i->delivery_rate = (uint64_t)c->rate.sample_bytes * 1000000000 / c->rate.sample_ns;
	i->pacing_rate = c->cc.pacing_rate;
}

int
mr_tcp_info(struct mr_ep *ep, struct mr_tcp_info *i)
{
	const struct tcp_conn *c = tcp_conn(ep);

	MR_OWN_CORE(ep->stack);
	if (ep->ops != &tcp_ep_ops)
		return -EOPNOTSUPP;
	*i = (struct mr_tcp_info){
		.state = c->state,
		.snd_ssthresh = UINT32_MAX,
		.unread = c->rcvq.bytes,
		.bytes_received = c->bytes_received,
		.bytes_acked = c->bytes_acked,
		.retransmitted_segs = c->retransmitted,
		.fastopen = c->rare->fo & TCP_FO_TAKEN,
	};
	if (c->state == MR_TCP_LISTEN) {
		i->accept_queue = c->bind->n_accept;
		i->backlog = (uint32_t)c->bind->backlog;
		i->half_open = c->bind->n_half;
	}
	if (c->state < MR_TCP_ESTABLISHED)
		return 0;
	show_agreed(c, i);
	show_sending(c, i);
	i->rcv_wnd = c->rcv_adv - c->rcv_nxt;
	i->out_of_order = c->rcvq.ooo_bytes;
	i->since_received_ns = age(c, c->last_rx_ns);
	return 0;
}
