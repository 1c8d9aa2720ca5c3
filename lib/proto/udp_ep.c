/* SPDX-License-Identifier: Apache-2.0 */
/*
 * UDP endpoints: binding, connecting, receiving, options.
 *
 * An endpoint with a port is found in one of two ways: through a wildcard registration, or, connected, through its
 * entry in the flow table, and then it hears its peer alone.
 *
 * Not here: sending (udp_send.c), what arrives (udp.c), group membership (it is the NIC's).
 * Invariant: a bound endpoint holds its port until it is closed, connected or not.
 */
#include "proto/udp.h"

#include <errno.h>

#include <rte_common.h>

#include "proto/mbuf.h"
#include "stack/steer.h"

static inline struct udp_ep *
udp_of(struct mr_ep *ep)
{
	return (struct udp_ep *)ep;
}

/* ---- binding and connecting */

static struct mr_port_req
port_request(const struct udp_ep *u, const struct mr_addr *addr, uint16_t port, uint16_t nic)
{
	bool any = (addr->d[0] | addr->d[1]) == 0, v4 = mr_addr_is_v4(addr);

	return (struct mr_port_req){
		.proto = MR_TRANS_UDP, .addr = *addr, .port = port, .nic = nic, .reuse = u->reuse_addr || u->reuse_port,
		.v4 = v4 || (any && (u->net == MR_NET_IPV4 || !u->v6only)),
		.v6 = !v4 && u->net == MR_NET_IPV6,
	};
}

/* Register for what the port reservation covers. @return 0, -EADDRINUSE */
static int
register_wildcard(struct udp_ep *u)
{
	const struct mr_port_req *r = &u->port_req;

	u->bound = (struct mr_bound){
		.ep = &u->ep, .laddr = r->addr, .lport_be = rte_cpu_to_be_16(r->port), .nic = r->nic, .proto = MR_TRANS_UDP,
		.v4 = r->v4, .v6 = r->v6, .reuse_port = r->reuse,
	};
	return mr_demux_bind(u->ep.stack, &u->bound);
}

/* A tuple towards a peer whose answers must come home. */
struct home {
	const struct mr_steer *steer;
	struct mr_tuple tuple;
};

static bool
answers_come_home(uint16_t port, void *arg)
{
	struct home *h = arg;

	h->tuple.dport_be = rte_cpu_to_be_16(port);
	return mr_steer_owner(h->steer, &h->tuple) == h->steer->core;
}

/* Reserve the port of `req`, or one whose answers from `to` come home by `r`. @return 0, -EADDRINUSE, -EAGAIN */
static int
take_port(struct udp_ep *u, struct mr_port_req *req, const struct mr_route *r, const struct mr_sockaddr *to)
{
	struct mr_stack *s = u->ep.stack;
	struct home h = {.steer = s->steer};
	int rc = 0;

	if (r)
		h.tuple = (struct mr_tuple){.src = r->remote, .dst = r->local->addr, .sport_be = rte_cpu_to_be_16(to->port)};
	if (req->port == 0)
		rc = mr_port_pick_ephemeral(s, req, s->steer && r ? answers_come_home : NULL, &h);
	return rc < 0 ? rc : mr_port_reserve(s, req);
}

static void
set_bound(struct udp_ep *u, const struct mr_port_req *req)
{
	u->port_req = *req;
	u->local = (struct mr_sockaddr){.addr = req->addr, .port = req->port, .nic = req->nic};
	u->ep.flags |= UDP_F_BOUND;
}

static int
bind_to(struct udp_ep *u, struct mr_port_req *req, const struct mr_route *r, const struct mr_sockaddr *to)
{
	struct mr_port_req old = u->port_req;
	int rc = take_port(u, req, r, to);

	if (rc < 0)
		return rc;
	u->port_req = *req;
	rc = register_wildcard(u);
	if (rc < 0) {
		mr_port_release(u->ep.stack, req);
		u->port_req = old;
		return rc;
	}
	set_bound(u, req);
	return 0;
}

int
udp_autobind(struct udp_ep *u, const struct mr_sockaddr *to)
{
	static const struct mr_addr any;
	struct mr_port_req req = port_request(u, &any, 0, u->nic);

	return bind_to(u, &req, &u->other, to);
}

static int
udp_bind(struct mr_ep *ep, const struct mr_sockaddr *local)
{
	struct udp_ep *u = udp_of(ep);
	uint16_t nic = u->nic ? u->nic : local->nic;
	struct mr_port_req req;
	int rc;

	if (ep->flags & UDP_F_BOUND || !udp_family_fits(u, &local->addr))
		return -EINVAL;
	if (!mr_addr_is_any(&local->addr) && !mr_addr_is_multicast(&local->addr)) {
		struct mr_route r;

		/* A route to the address itself: there is one if it is ours (SS-9). */
		if (mr_route_find(ep->stack, nic, &local->addr, NULL, mr_addr_net(&local->addr), &r) < 0)
			return -EADDRNOTAVAIL;
		mr_route_release(&r);
	}
	req = port_request(u, &local->addr, local->port, nic);
	rc = bind_to(u, &req, NULL, NULL);
	if (rc == 0)
		udp_forget_other(u);
	return rc;
}

/* Enter or leave the flow table. */
static int
flow_enter(struct udp_ep *u, const struct mr_route *r, uint16_t rport, uint16_t lport)
{
	struct mr_flow *f = &u->ep.flow;

	f->raddr = r->remote;
	f->rport_be = rte_cpu_to_be_16(rport);
	f->lport_be = rte_cpu_to_be_16(lport);
	f->local_id = r->local->id;
	f->flags = u->nic ? MR_FLOW_F_NIC : 0;
	return mr_flow_insert(&u->ep.stack->flows, f) < 0 ? -EADDRINUSE : 0;
}

static int
udp_disconnect(struct udp_ep *u)
{
	if (!(u->ep.flags & UDP_F_CONNECTED))
		return 0;
	udp_send_pending(u);
	mr_flow_remove(&u->ep.stack->flows, &u->ep.flow);
	mr_route_release(&u->route);
	u->ep.flags &= ~UDP_F_CONNECTED;
	u->ep.flow.rport_be = 0;
	u->peer_mtu = 0;
	return register_wildcard(u);
}

/* Exchange one way of being found for the other; on failure nothing has changed. */
static int
become_connected(struct udp_ep *u, const struct mr_route *r, uint16_t rport, uint16_t lport)
{
	struct mr_stack *s = u->ep.stack;
	struct mr_flow old = u->ep.flow;
	int rc;

	if (u->ep.flags & UDP_F_CONNECTED)
		mr_flow_remove(&s->flows, &u->ep.flow);
	rc = flow_enter(u, r, rport, lport);
	if (rc < 0) {
		u->ep.flow = old;
		u->ep.flow.flags &= ~MR_FLOW_F_INSERTED;
		if (u->ep.flags & UDP_F_CONNECTED)
			mr_flow_insert(&s->flows, &u->ep.flow);
		return rc;
	}
	if (u->ep.flags & UDP_F_CONNECTED)
		mr_route_release(&u->route);
	else
		mr_demux_unbind(s, &u->bound);
	u->route = *r;
	u->peer_mtu = 0;
	u->ep.err = 0;
	u->ep.flags |= UDP_F_CONNECTED;
	return 0;
}

static int
udp_connect(struct mr_ep *ep, const struct mr_sockaddr *remote)
{
	struct udp_ep *u = udp_of(ep);
	bool fresh = !(ep->flags & UDP_F_BOUND);
	struct mr_port_req req = u->port_req;
	struct mr_route r;
	int rc;

	if (remote->port == 0 && mr_addr_is_any(&remote->addr))
		return udp_disconnect(u);
	rc = udp_find_route(u, remote, &r);
	if (rc < 0)
		return rc;
	udp_send_pending(u);
	if (fresh) {
		req = port_request(u, &r.local->addr, 0, u->nic);
		rc = take_port(u, &req, &r, remote);
		if (rc < 0) {
			mr_route_release(&r);
			return rc;
		}
	}
	rc = become_connected(u, &r, remote->port, req.port);
	if (rc < 0) {
		mr_route_release(&r);
		if (fresh)
			mr_port_release(ep->stack, &req);
		return rc;
	}
	if (fresh)
		set_bound(u, &req);
	return 0;
}

/* ---- receiving */

static void
rx_free(struct udp_ep *u, const struct rte_mbuf *m)
{
	u->rx_bytes -= m->pkt_len + UDP_PKT_OVERHEAD;
	u->ep.stack->rx_held -= m->nb_segs;
}

/* The oldest datagram, still queued. NULL: *rc says why there is none */
static struct rte_mbuf *
rx_head(struct udp_ep *u, struct mr_sockaddr *from, ssize_t *rc)
{
	struct rte_mbuf *m = u->rxq.head;
	const struct mr_pkt *p;

	if (!m) {
		*rc = mr_ep_error(&u->ep);
		if (*rc == 0 && !(u->ep.flags & UDP_F_SHUT_RD))
			*rc = -EAGAIN;
		return NULL;
	}
	p = mr_pkt(m);
	if (from)
		*from = (struct mr_sockaddr){.addr = p->src, .port = rte_be_to_cpu_16(p->sport_be), .nic = (uint16_t)p->seq};
	return m;
}

static ssize_t
udp_recv(struct mr_ep *ep, void *buf, size_t len, struct mr_sockaddr *from, bool peek)
{
	struct udp_ep *u = udp_of(ep);
	ssize_t rc;
	struct rte_mbuf *m = rx_head(u, from, &rc);

	if (!m)
		return rc;
	rc = (ssize_t)RTE_MIN(len, (size_t)m->pkt_len);
	mr_mbuf_copy_out(m, 0, buf, (uint32_t)rc);
	if (!peek) {
		mr_pktq_pop(&u->rxq);
		rx_free(u, m);
		rte_pktmbuf_free(m);
	}
	return rc;
}

static ssize_t
udp_recv_mbuf(struct mr_ep *ep, struct rte_mbuf **out, struct mr_sockaddr *from)
{
	struct udp_ep *u = udp_of(ep);
	ssize_t rc;
	struct rte_mbuf *m = rx_head(u, from, &rc);

	if (!m)
		return rc;
	mr_pktq_pop(&u->rxq);
	rx_free(u, m);
	*out = m;
	return (ssize_t)m->pkt_len;
}

/* ---- the rest of the handle */

static int
udp_shutdown(struct mr_ep *ep, unsigned how)
{
	if (!(ep->flags & UDP_F_CONNECTED))
		return -ENOTCONN;
	if (how & MR_SHUT_RD) {
		ep->flags |= UDP_F_SHUT_RD;
		mr_ep_event(ep, MR_EV_IN);
	}
	if (how & MR_SHUT_WR)
		ep->flags |= UDP_F_SHUT_WR;
	return 0;
}

void
udp_ep_destroy(struct udp_ep *u)
{
	struct mr_stack *s = u->ep.stack;
	struct udp *udp = (struct udp *)mr_stack_transproto(s, MR_TRANS_UDP);
	struct rte_mbuf *m;

	mr_ep_fini(&u->ep);
	rte_pktmbuf_free_bulk(u->pending, u->n_pending);
	while ((m = mr_pktq_pop(&u->rxq))) {
		rx_free(u, m);
		rte_pktmbuf_free(m);
	}
	mr_demux_unbind(s, &u->bound);
	if (u->ep.flags & UDP_F_CONNECTED) {
		mr_flow_remove(&s->flows, &u->ep.flow);
		mr_route_release(&u->route);
	}
	udp_forget_other(u);
	if (u->ep.flags & UDP_F_BOUND)
		mr_port_release(s, &u->port_req);
	LIST_REMOVE(u, link);
	mr_pool_put(&udp->pool, u);
}

static void
udp_close(struct mr_ep *ep, bool abort)
{
	if (!abort)
		udp_send_pending(udp_of(ep));
	udp_ep_destroy(udp_of(ep));
}

static int
udp_name(struct mr_ep *ep, struct mr_sockaddr *out, bool remote)
{
	const struct udp_ep *u = udp_of(ep);

	if (!(ep->flags & (remote ? UDP_F_CONNECTED : UDP_F_BOUND)))
		return -ENOTCONN;
	*out = u->local;
	if (remote)
		*out = (struct mr_sockaddr){.addr = u->route.remote, .port = udp_peer_port(u), .nic = u->route.nic};
	else if (ep->flags & UDP_F_CONNECTED)
		out->addr = u->route.local->addr;
	return 0;
}

static uint32_t
udp_readiness(struct mr_ep *ep)
{
	const struct udp_ep *u = udp_of(ep);
	uint32_t ev = 0;

	if (u->rxq.n || ep->flags & UDP_F_SHUT_RD)
		ev |= MR_EV_IN;
	if (!(ep->flags & UDP_F_SHUT_WR))
		ev |= MR_EV_OUT;
	if (ep->err)
		ev |= MR_EV_ERR;
	return ev;
}

/* ---- options */

/* A plain option: where it is kept, and what it may be. */
struct opt_field {
	int opt;
	uint16_t off;
	bool is_bool, before_bind;
	uint8_t min, max;
};

static const struct opt_field opt_fields[] = {
	{MR_OPT_TTL, offsetof(struct udp_ep, ttl), false, false, 1, 255},
	{MR_OPT_TOS, offsetof(struct udp_ep, tos), false, false, 0, 255},
	{MR_OPT_MULTICAST_TTL, offsetof(struct udp_ep, mcast_ttl), false, false, 0, 255},
	{MR_OPT_MULTICAST_LOOP, offsetof(struct udp_ep, mcast_loop), true, false, 0, 1},
	{MR_OPT_BROADCAST, offsetof(struct udp_ep, broadcast), true, false, 0, 1},
	{MR_OPT_UDP_NO_CHECKSUM, offsetof(struct udp_ep, no_cksum), true, false, 0, 1},
	{MR_OPT_REUSEADDR, offsetof(struct udp_ep, reuse_addr), true, true, 0, 1},
	{MR_OPT_REUSEPORT, offsetof(struct udp_ep, reuse_port), true, true, 0, 1},
	{MR_OPT_V6ONLY, offsetof(struct udp_ep, v6only), true, true, 0, 1},
};
_Static_assert(sizeof(bool) == 1, "options are bytes");

static const struct opt_field *
opt_field(int opt)
{
	for (unsigned i = 0; i < RTE_DIM(opt_fields); i++) {
		if (opt_fields[i].opt == opt)
			return &opt_fields[i];
	}
	return NULL;
}

static int
udp_set_nic(struct udp_ep *u, int64_t value)
{
	if (u->ep.flags & UDP_F_BOUND || value < 0 || value > UINT16_MAX ||
	    (value && !mr_nic_find(u->ep.stack, (uint16_t)value)))
		return -EINVAL;
	u->nic = (uint16_t)value;
	udp_forget_other(u);
	return 0;
}

static int
udp_setopt(struct mr_ep *ep, int opt, int64_t value)
{
	const struct opt_field *f = opt_field(opt);
	struct udp_ep *u = udp_of(ep);

	if (opt == MR_OPT_BINDNIC)
		return udp_set_nic(u, value);
	if (opt == MR_OPT_RCVBUF) {
		if (value <= 0 || value > INT32_MAX)
			return -EINVAL;
		u->rx_max = (uint32_t)value;
		return 0;
	}
	if (!f)
		return -ENOPROTOOPT;
	if (f->is_bool)
		value = value != 0;
	if (value < f->min || value > f->max || (f->before_bind && ep->flags & UDP_F_BOUND) ||
	    (opt == MR_OPT_V6ONLY && u->net != MR_NET_IPV6))
		return -EINVAL;
	udp_send_pending(u);
	*((uint8_t *)u + f->off) = (uint8_t)value;
	return 0;
}

static int
udp_getopt(struct mr_ep *ep, int opt, int64_t *value)
{
	const struct opt_field *f = opt_field(opt);
	struct udp_ep *u = udp_of(ep);

	if (opt == MR_OPT_BINDNIC)
		*value = u->nic;
	else if (opt == MR_OPT_RCVBUF)
		*value = u->rx_max;
	else if (f)
		*value = *((const uint8_t *)u + f->off);
	else
		return -ENOPROTOOPT;
	return 0;
}

static const struct mr_ep_ops udp_ep_ops = {
	.bind = udp_bind,
	.connect = udp_connect,
	.send = udp_ep_send,
	.send_mbuf = udp_ep_send_mbuf,
	.recv = udp_recv,
	.recv_mbuf = udp_recv_mbuf,
	.shutdown = udp_shutdown,
	.close = udp_close,
	.setopt = udp_setopt,
	.getopt = udp_getopt,
	.name = udp_name,
	.readiness = udp_readiness,
};

int
udp_ep_create(struct mr_transproto *tp, uint16_t net, struct mr_ep **out)
{
	struct udp *udp = (struct udp *)tp;
	struct udp_ep *u;

	if ((net != MR_NET_IPV4 && net != MR_NET_IPV6) || !mr_stack_has_netproto(tp->stack, net))
		return -EPROTONOSUPPORT;
	u = mr_pool_get(&udp->pool);
	if (!u)
		return -ENOBUFS;
	mr_ep_init(&u->ep, tp->stack, MR_TRANS_UDP, &udp_ep_ops);
	u->net = net;
	u->rx_max = udp->rx_max;
	u->mcast_ttl = 1;
	u->mcast_loop = true;
	LIST_INSERT_HEAD(&udp->eps, u, link);
	*out = &u->ep;
	return 0;
}
