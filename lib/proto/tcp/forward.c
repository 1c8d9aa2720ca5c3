/* SPDX-License-Identifier: Apache-2.0 */
/*
 * TCP for forwarders: a SYN for nobody begins something, and when the application takes it, it is a passive open without a
 * listener: the connection is in SYN-RECEIVED at once, and its handle the application's before the handshake is complete.
 */
#include "proto/tcp/tcp.h"

#include <errno.h>

/* ECN's bits do not make it another kind of SYN (B-51). */
static bool
forward_wants(const struct rte_mbuf *m)
{
	return (mr_pkt(m)->tcp_flags & (TCP_SYN | TCP_ACK | TCP_RST | TCP_FIN)) == TCP_SYN;
}

static bool
forward_rcvbuf_ok(const struct mr_transproto *tp, uint32_t bytes)
{
	const struct tcp_buf_range *r = &((const struct tcp *)tp)->rcv_range;

	return bytes >= r->min && bytes <= r->max;
}

/* The tuple of a SYN becomes the connection's. @return 0 or -errno */
static int
tuple_take(struct tcp_conn *c, const struct mr_pkt *p)
{
	int rc = mr_route_back(p->netep, &p->src, &c->route);

	if (rc < 0)
		return rc;
	c->v6 = !mr_addr_is_v4(&p->src);
	c->ep.flow.raddr = p->src;
	c->ep.flow.rport_be = p->sport_be;
	c->ep.flow.lport_be = p->dport_be;
	c->ep.flow.local_id = p->netep->id;
	rc = mr_flow_insert(&c->ep.stack->flows, &c->ep.flow);
	return rc == -EEXIST ? -EADDRINUSE : rc == -ENOSPC ? -ENOBUFS : rc;
}

/* `floor` not 0: the ISS must be beyond it, the tuple was in TIME-WAIT. */
static int
forward_accept(struct mr_transproto *tp, struct mr_pktq *pkts, uint32_t rcvbuf, uint32_t floor, struct mr_ep **out)
{
	struct tcp_conn *c = tcp_conn_new((struct tcp *)tp);
	int rc;

	if (!c)
		return -ENOBUFS;
	if (rcvbuf) {
		c->rcv_buf = rcvbuf;
		c->flags |= TCP_F_RCVBUF_SET;
	}
	rc = tuple_take(c, mr_pkt(pkts->head));
	if (rc < 0) {
		mr_ep_abort(&c->ep);
		return rc;
	}
	tcp_open_passive(c, mr_pktq_pop(pkts), floor ? &floor : NULL);
	*out = &c->ep;
	return 0;
}

const struct mr_forward_ops tcp_forward_ops = {
	.hold = 1,
	.wants = forward_wants,
	.rcvbuf_ok = forward_rcvbuf_ok,
	.accept = forward_accept,
};
