/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What goes into the segments of an open connection, and their way to its route: for those who build some (output.c data,
 * open.c SYNs, acks.c ACKs, reset.c resets).
 */
#ifndef MR_PROTO_TCP_OUT_H
#define MR_PROTO_TCP_OUT_H

#include <string.h>

#include <rte_common.h>

#include "proto/tcp/tcp.h"

#define TCP_OUT_BURST 32

#define TCP_ECT_0 2 /* of the type of service: may be marked instead of lost */

/* The packets of one visit, on their way to the route. */
struct tcp_out {
	struct tcp_conn *c;
	struct rte_mbuf *pkts[TCP_OUT_BURST];
	uint16_t n;
	bool acked; /* something that carries the ACK went out */
	bool no_mbuf; /* something new did not, for want of one */
	uint8_t ect; /* ECN bits of all of them */
	/* The frame that grows (super.c); NULL: none does. */
	struct rte_mbuf *super, *super_last; /* its headers-to-be; the last payload chained to them */
	uint32_t super_seq;
	uint16_t super_segs; /* segments in it */
	uint8_t super_flags; /* TCP_PSH, TCP_FIN */
};

/* The array stays as it is: most visits send one packet. */
static inline void
tcp_out_init(struct tcp_out *o, struct tcp_conn *c)
{
	o->c = c;
	o->n = 0;
	o->acked = o->no_mbuf = false;
	o->ect = 0;
	o->super = NULL;
}

static inline void
tcp_out_flush(struct tcp_out *o)
{
	struct tcp_conn *c = o->c;
	struct mr_ip_params ip = {.trans_proto = MR_TRANS_TCP, .ttl = c->ttl, .tos = c->tos | o->ect, .df = true};

	if (o->n == 0)
		return;
	mr_count_n(c->ep.stack, MR_CNT_TCP_TX_SEGMENTS, o->n);
	mr_route_output(&c->route, o->pkts, o->n, &ip);
	o->n = 0;
}

static inline void
tcp_out_add(struct tcp_out *o, struct rte_mbuf *m, uint8_t ect)
{
	if (o->ect != ect) {
		tcp_out_flush(o);
		o->ect = ect;
	}
	o->pkts[o->n++] = m;
	o->acked = true;
	if (o->n == TCP_OUT_BURST)
		tcp_out_flush(o);
}

/* There was no mbuf: try again soon, with the ACK or data that carries it. */
static inline void
tcp_out_again(struct tcp_conn *c)
{
	c->why |= TCP_WHY_ACK_DELAYED;
	c->delack_ns = c->ep.stack->now_ns + 1000000;
}

/* A link that does not keep up is no loss: the next turn goes on. `max` as in mr_nic_tx_room. */
static inline bool
tcp_out_has_room(struct tcp_out *o, uint16_t max)
{
	struct mr_nic *nic = o->c->route.local->nic;

	if (likely(mr_nic_tx_room(nic, o->n + 1, max)))
		return true;
	mr_ep_await_room(&o->c->ep, nic);
	return false;
}

/* Header fields of a segment of an open connection; the ACK it carries is noted as sent. */
static __rte_always_inline void
tcp_tx_fill(struct tcp_conn *c, struct tcp_tx *tx, uint8_t flags, uint32_t seq)
{
	memset(tx, 0, sizeof(*tx));
	tx->sport_be = c->ep.flow.lport_be;
	tx->dport_be = c->ep.flow.rport_be;
	tx->seq = seq;
	tx->ack = c->rcv_nxt;
	tx->flags = flags | (c->ecn & TCP_ECN_ECHO);
	tx->wnd = (uint16_t)(tcp_window(c) >> c->rcv_wscale);
	if (c->flags & TCP_F_TS) {
		tx->opts = TCP_OPT_TS;
		tx->tsval = tcp_ts_now(tcp_of(c->ep.stack), c->ts_offset);
		tx->tsecr = c->ts_recent;
	}
	c->last_ack_sent = c->rcv_nxt;
	if (unlikely(c->flags & TCP_F_URG_SENT) && (tx->urp_be = tcp_urgent_pointer(c, seq, flags)) != 0)
		tx->flags |= TCP_URG;
}

/* open.c: the SYN, or SYN-ACK, of who opens without a listener */
void tcp_send_syn(struct tcp_out *o);

/* super.c */
/* Take a segment, sent for the first time and within all windows, into a frame of several that the link cuts again.
 * @return false: it cannot be in one; what was begun is ended, and it must go alone. */
bool tcp_super_take(struct tcp_out *o, struct rte_mbuf *m);
/* End the frame that was begun, if there is one. */
void tcp_super_end(struct tcp_out *o);

/* acks.c */
/* A segment without payload. @return false: no mbuf */
bool tcp_send_bare(struct tcp_out *o, uint8_t flags, uint32_t seq);
/* Is there what a SACK block could tell? */
static inline bool
tcp_sack_waits(const struct tcp_conn *c)
{
	return c->rcvq.ooo || c->rcvq.dsack_from != c->rcvq.dsack_to;
}
/* The ACK that no data carried, and what is told by SACK. @return false: it waits for room in the link's queue */
bool tcp_send_acks(struct tcp_out *o);

#endif
