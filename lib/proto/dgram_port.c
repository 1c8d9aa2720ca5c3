/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Datagram endpoints: binding and connecting by port numbers. For ping the port is the identifier.
 *
 * An endpoint with a port is found in one of two ways: through a wildcard registration, or, connected, through its
 * entry in the flow table, and then it hears its peer alone.
 *
 * Invariant: a bound endpoint holds its port until it is closed, connected or not; only one that was made by a packet for
 * somebody else (mr_dgram_connect_back) has a port that it did not reserve.
 */
#include "proto/dgram.h"

#include <errno.h>

#include "stack/steer.h"

static struct mr_port_req
port_request(const struct mr_dgram *d, const struct mr_addr *addr, uint16_t port, uint16_t nic)
{
	bool any = (addr->d[0] | addr->d[1]) == 0, v4 = mr_addr_is_v4(addr);

	return (struct mr_port_req){
		.proto = d->ep.flow.proto, .addr = *addr, .port = port, .nic = nic, .reuse = d->reuse_addr || d->reuse_port,
		.v4 = v4 || (any && (d->net == MR_NET_IPV4 || !d->v6only)),
		.v6 = !v4 && d->net == MR_NET_IPV6,
	};
}

/* Register for what the port reservation covers. @return 0, -EADDRINUSE */
static int
register_wildcard(struct mr_dgram *d)
{
	const struct mr_port_req *r = &d->port_req;

	d->bound = (struct mr_bound){
		.ep = &d->ep, .laddr = r->addr, .lport_be = rte_cpu_to_be_16(r->port), .nic = r->nic, .proto = r->proto,
		.v4 = r->v4, .v6 = r->v6, .reuse_port = r->reuse,
	};
	return mr_demux_bind(d->ep.stack, &d->bound);
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

/* Reserve the port of `req`, or one to which answers to what goes by `r` come home. @return 0, -EADDRINUSE, -EAGAIN */
static int
take_port(struct mr_dgram *d, struct mr_port_req *req, const struct mr_route *r, uint16_t rport)
{
	struct mr_stack *s = d->ep.stack;
	struct home h = {.steer = s->steer};
	int rc = 0;

	if (r)
		h.tuple = (struct mr_tuple){.src = r->remote, .dst = r->local->addr, .sport_be = rte_cpu_to_be_16(rport)};
	if (req->port == 0)
		rc = mr_port_pick_ephemeral(s, req, s->steer && r ? answers_come_home : NULL, &h);
	return rc < 0 ? rc : mr_port_reserve(s, req);
}

static void
set_bound(struct mr_dgram *d, const struct mr_port_req *req)
{
	d->port_req = *req;
	d->local = (struct mr_sockaddr){.addr = req->addr, .port = req->port, .nic = req->nic};
	d->ep.flags |= MR_DGRAM_F_BOUND;
}

static int
bind_to(struct mr_dgram *d, struct mr_port_req *req, const struct mr_route *r, uint16_t rport)
{
	struct mr_port_req old = d->port_req;
	int rc = take_port(d, req, r, rport);

	if (rc < 0)
		return rc;
	d->port_req = *req;
	rc = register_wildcard(d);
	if (rc < 0) {
		mr_port_release(d->ep.stack, req);
		d->port_req = old;
		return rc;
	}
	set_bound(d, req);
	return 0;
}

int
mr_dgram_autobind(struct mr_dgram *d, const struct mr_route *r, uint16_t dport)
{
	static const struct mr_addr any;
	struct mr_port_req req;

	if (likely(d->ep.flags & MR_DGRAM_F_BOUND))
		return 0;
	req = port_request(d, &any, 0, d->nic);
	return bind_to(d, &req, r, dport);
}

int
mr_dgram_check_local(const struct mr_dgram *d, const struct mr_addr *a, uint16_t nic)
{
	struct mr_route r;

	if (!mr_dgram_family_fits(d, a))
		return -EINVAL;
	if (mr_addr_is_any(a) || mr_addr_is_multicast(a))
		return 0;
	/* A route to the address itself: there is one if it is ours (SS-9). */
	if (mr_route_find(d->ep.stack, nic, a, NULL, mr_addr_net(a), &r) < 0)
		return -EADDRNOTAVAIL;
	mr_route_release(&r);
	return 0;
}

int
mr_dgram_bind(struct mr_ep *ep, const struct mr_sockaddr *local)
{
	struct mr_dgram *d = mr_dgram_of(ep);
	uint16_t nic = d->nic ? d->nic : local->nic;
	struct mr_port_req req;
	int rc;

	if (ep->flags & MR_DGRAM_F_BOUND)
		return -EINVAL;
	rc = mr_dgram_check_local(d, &local->addr, nic);
	if (rc < 0)
		return rc;
	req = port_request(d, &local->addr, local->port, nic);
	rc = bind_to(d, &req, NULL, 0);
	if (rc == 0)
		mr_dgram_forget_other(d);
	return rc;
}

/* Enter or leave the flow table. */
static int
flow_enter(struct mr_dgram *d, const struct mr_route *r, uint16_t rport, uint16_t lport)
{
	struct mr_flow *f = &d->ep.flow;

	f->raddr = r->remote;
	f->rport_be = rte_cpu_to_be_16(rport);
	f->lport_be = rte_cpu_to_be_16(lport);
	f->local_id = r->local->id;
	f->flags = d->nic ? MR_FLOW_F_NIC : 0;
	return mr_flow_insert(&d->ep.stack->flows, f) < 0 ? -EADDRINUSE : 0;
}

static int
port_disconnect(struct mr_dgram *d)
{
	if (!(d->ep.flags & MR_DGRAM_F_CONNECTED))
		return 0;
	mr_flow_remove(&d->ep.stack->flows, &d->ep.flow);
	mr_dgram_forget_peer(d);
	d->ep.flow.rport_be = 0;
	return register_wildcard(d);
}

/* Exchange one way of being found for the other; on failure nothing has changed. */
static int
become_connected(struct mr_dgram *d, const struct mr_route *r, uint16_t rport, uint16_t lport)
{
	struct mr_stack *s = d->ep.stack;
	struct mr_flow old = d->ep.flow;
	int rc;

	if (d->ep.flags & MR_DGRAM_F_CONNECTED)
		mr_flow_remove(&s->flows, &d->ep.flow);
	rc = flow_enter(d, r, rport, lport);
	if (rc < 0) {
		d->ep.flow = old;
		d->ep.flow.flags &= ~MR_FLOW_F_INSERTED;
		if (d->ep.flags & MR_DGRAM_F_CONNECTED)
			mr_flow_insert(&s->flows, &d->ep.flow);
		return rc;
	}
	if (d->ep.flags & MR_DGRAM_F_CONNECTED)
		mr_route_release(&d->route);
	else
		mr_demux_unbind(s, &d->bound);
	d->route = *r;
	d->peer_mtu = 0;
	d->ep.err = 0;
	d->ep.flags |= MR_DGRAM_F_CONNECTED;
	return 0;
}

int
mr_dgram_connect(struct mr_ep *ep, const struct mr_sockaddr *remote)
{
	struct mr_dgram *d = mr_dgram_of(ep);
	bool fresh = !(ep->flags & MR_DGRAM_F_BOUND);
	uint16_t rport = d->kind->ports ? remote->port : 0;
	struct mr_port_req req = d->port_req;
	struct mr_route r;
	int rc;

	if (!fresh && !req.port)
		return -EISCONN; /* it can only be the tuple that it is */
	if (rport == 0 && mr_addr_is_any(&remote->addr))
		return port_disconnect(d);
	rc = mr_dgram_find_route(d, remote, &r);
	if (rc < 0)
		return rc;
	mr_dgram_send_pending(d);
	if (fresh) {
		req = port_request(d, &r.local->addr, 0, d->nic);
		rc = take_port(d, &req, &r, rport);
		if (rc < 0) {
			mr_route_release(&r);
			return rc;
		}
	}
	rc = become_connected(d, &r, rport, req.port);
	if (rc < 0) {
		mr_route_release(&r);
		if (fresh)
			mr_port_release(ep->stack, &req);
		return rc;
	}
	if (fresh)
		set_bound(d, &req);
	return 0;
}

int
mr_dgram_connect_back(struct mr_dgram *d, const struct mr_pkt *p)
{
	uint16_t lport = rte_be_to_cpu_16(p->dport_be);
	struct mr_route r;
	int rc = mr_route_back(p->netep, &p->src, &r);

	if (rc < 0)
		return rc;
	rc = flow_enter(d, &r, rte_be_to_cpu_16(p->sport_be), lport);
	if (rc < 0) {
		mr_route_release(&r);
		return rc;
	}
	d->route = r;
	d->local = (struct mr_sockaddr){.addr = p->netep->addr, .port = lport, .nic = p->netep->nic->id};
	d->ep.flags |= MR_DGRAM_F_BOUND | MR_DGRAM_F_CONNECTED;
	return 0;
}
