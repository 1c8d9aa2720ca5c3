/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Segments outside the flow of a connection: those for tuples that have none, and resets (RFC 9293 3.5.2, 3.10.7.1).
 */
#include "proto/tcp/tcp_out.h"

void
tcp_send_stateless(struct tcp *t, const struct mr_flow *flow, struct tcp_tx *tx)
{
	struct mr_stack *s = t->tp.stack;
	struct mr_netep *local = mr_netep_by_id(s, flow->local_id);
	struct mr_ip_params ip = {.trans_proto = MR_TRANS_TCP, .ttl = tx->ttl, .tos = tx->tos, .df = true};
	struct mr_route r;
	struct rte_mbuf *m;

	if (!local || mr_route_back(local, &flow->raddr, &r) < 0)
		return;
	m = mr_stack_tx_alloc(s);
	if (m) {
		tx->sport_be = flow->lport_be;
		tx->dport_be = flow->rport_be;
		if (tx->opts & TCP_OPT_MSS)
			tx->mss = tcp_mss_offer(&r, tx->mss);
		tcp_hdr_push(m, tx, &r);
		mr_count(s, MR_CNT_TCP_TX_SEGMENTS);
		mr_route_output(&r, &m, 1, &ip);
	} else {
		mr_count(s, MR_DROP_NO_TX_MBUF);
	}
	mr_route_release(&r);
}

void
tcp_reset_reply(struct tcp *t, struct rte_mbuf *m, enum mr_counter reason)
{
	const struct mr_pkt *p = mr_pkt(m);
	struct mr_flow flow = {.raddr = p->src, .rport_be = p->sport_be, .lport_be = p->dport_be, .local_id = p->netep->id};
	struct tcp_tx tx = {.flags = TCP_RST};

	if (!(p->tcp_flags & TCP_RST)) {
		if (p->tcp_flags & TCP_ACK) {
			tx.seq = p->ack;
		} else {
			tx.flags |= TCP_ACK;
			tx.ack = p->seq + p->trans_len - p->trans_hdr_len + !!(p->tcp_flags & TCP_SYN) +
			         !!(p->tcp_flags & TCP_FIN);
		}
		mr_count(t->tp.stack, MR_CNT_TCP_RESETS_TX);
		tcp_send_stateless(t, &flow, &tx);
	}
	mr_drop(t->tp.stack, m, reason);
}

void
tcp_reset_conn(struct tcp_conn *c)
{
	struct tcp_out o;

	tcp_out_init(&o, c);
	if (c->state < MR_TCP_SYN_RECEIVED || c->state == MR_TCP_TIME_WAIT || mr_route_use(c->ep.stack, &c->route) < 0)
		return;
	mr_count(c->ep.stack, MR_CNT_TCP_RESETS_TX);
	c->ecn = 0;
	tcp_send_bare(&o, TCP_RST | TCP_ACK, c->snd_nxt);
	tcp_out_flush(&o);
}
