/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The names of TCP endpoints: binding, listening and connecting, and what reserves and gives back ports.
 *
 * A bound endpoint has a struct tcp_bind with its port; one that connects without having been bound, or bound to an address
 * alone (port 0 in its tcp_bind until then), has only its tuple in the flow table. Not here: what happens on the wire (open.c).
 */
#include "proto/tcp/tcp.h"

#include <errno.h>
#include <string.h>

#include <rte_byteorder.h>
#include <rte_common.h>

#include "stack/port.h"
#include "stack/steer.h"

static bool
is_v6_endpoint(const struct tcp_conn *c)
{
	return c->v6;
}

static void
port_request(const struct tcp_conn *c, const struct mr_addr *addr, uint16_t port, struct mr_port_req *r)
{
	bool any = mr_addr_is_any(addr), v4 = mr_addr_is_v4(addr);

	*r = (struct mr_port_req){
		.proto = MR_TRANS_TCP,
		.v4 = is_v6_endpoint(c) ? v4 || (any && !(c->flags & TCP_F_V6ONLY)) : true,
		.v6 = is_v6_endpoint(c) && !v4,
		.port = port,
		.nic = c->rare->bind_nic,
		.reuse = c->flags & TCP_F_REUSEPORT,
	};
	if (!any)
		r->addr = *addr;
}

static bool
family_fits(const struct tcp_conn *c, const struct mr_addr *addr)
{
	struct mr_addr none = {0};

	if (mr_addr_equal(addr, &none))
		return true;
	return is_v6_endpoint(c) ? !(mr_addr_is_v4(addr) && (c->flags & TCP_F_V6ONLY)) : mr_addr_is_v4(addr);
}

/* An address of ours, or any that a NIC lets us send from: there is a route to it (SS-9, B-6). */
static bool
is_ours(struct mr_stack *s, const struct mr_sockaddr *local)
{
	struct mr_route r;

	if (mr_addr_is_any(&local->addr))
		return true;
	if (mr_route_find(s, local->nic, &local->addr, NULL, 0, &r) < 0)
		return false;
	mr_route_release(&r);
	return true;
}

/* Make a reservation, of a port that is picked now if none is named. */
static int
port_take(struct mr_stack *s, struct mr_port_req *req)
{
	int rc = req->port ? 0 : mr_port_pick_ephemeral(s, req, NULL, NULL);

	return rc < 0 ? rc : mr_port_reserve(s, req);
}

int
tcp_bind(struct mr_ep *ep, const struct mr_sockaddr *local)
{
	struct tcp_conn *c = tcp_conn(ep);
	struct tcp *t = tcp_of(ep->stack);
	struct mr_port_req req;
	struct tcp_bind *b;
	int rc;

	if (c->state != MR_TCP_CLOSED || c->bind || (c->flags & TCP_F_DETACHED))
		return -EINVAL;
	if (!family_fits(c, &local->addr) || !is_ours(ep->stack, local))
		return -EADDRNOTAVAIL;
	if (local->nic)
		tcp_rare_own(c)->bind_nic = local->nic;
	port_request(c, &local->addr, local->port, &req);
	b = mr_pool_get(&t->binds);
	if (!b)
		return -ENOBUFS;
	rc = !local->port && (c->flags & TCP_F_BIND_NO_PORT) ? 0 : port_take(ep->stack, &req);
	if (rc < 0) {
		mr_pool_put(&t->binds, b);
		return rc;
	}
	b->req = req;
	b->bound.ep = ep;
	c->bind = b;
	return 0;
}

void
tcp_bind_free(struct tcp_conn *c)
{
	struct tcp_bind *b = c->bind;

	if (!b)
		return;
	mr_demux_unbind(c->ep.stack, &b->bound);
	if (b->req.port)
		mr_port_release(c->ep.stack, &b->req);
	mr_pool_put(&tcp_of(c->ep.stack)->binds, b);
	c->bind = NULL;
}

int
tcp_listen(struct mr_ep *ep, int backlog)
{
	struct tcp_conn *c = tcp_conn(ep);
	struct tcp_bind *b;
	int rc;

	if (c->state == MR_TCP_LISTEN) {
		c->bind->backlog = RTE_MAX(backlog, 1);
		return 0;
	}
	if (c->state != MR_TCP_CLOSED || (c->flags & TCP_F_DETACHED))
		return -EINVAL;
	if (!c->bind) {
		struct mr_sockaddr any = {0};

		rc = tcp_bind(ep, &any);
		if (rc < 0)
			return rc;
	}
	b = c->bind;
	if (!b->req.port) {
		rc = port_take(ep->stack, &b->req);
		if (rc < 0)
			return rc;
	}
	b->bound.laddr = b->req.addr;
	b->bound.lport_be = rte_cpu_to_be_16(b->req.port);
	b->bound.nic = b->req.nic;
	b->bound.proto = MR_TRANS_TCP;
	b->bound.v4 = b->req.v4;
	b->bound.v6 = b->req.v6;
	b->bound.reuse_port = b->req.reuse;
	rc = mr_demux_bind(ep->stack, &b->bound);
	if (rc < 0)
		return rc;
	b->backlog = RTE_MAX(backlog, 1);
	b->listening = true;
	tcp_state_set(c, MR_TCP_LISTEN);
	return 0;
}

int
tcp_name(struct mr_ep *ep, struct mr_sockaddr *out, bool remote)
{
	const struct tcp_conn *c = tcp_conn(ep);

	memset(out, 0, sizeof(*out));
	if (c->route.local) {
		out->addr = remote ? ep->flow.raddr : c->route.local->addr;
		out->port = rte_be_to_cpu_16(remote ? ep->flow.rport_be : ep->flow.lport_be);
		out->nic = c->route.local->nic->id;
		return 0;
	}
	if (remote || !c->bind)
		return -ENOTCONN;
	out->addr = c->bind->req.addr;
	out->port = c->bind->req.port;
	out->nic = c->bind->req.nic;
	return 0;
}

/* ---- connect ------------------------------------------------------------------------------------------------- */

/* A local port will do if the tuple is free and its answers come to this core. */
static bool
port_fits(uint16_t port, void *arg)
{
	struct tcp_conn *c = arg;
	struct mr_stack *s = c->ep.stack;
	struct mr_flow key = c->ep.flow;

	key.lport_be = rte_cpu_to_be_16(port);
	key.hash = mr_flow_hash(&s->flows, &key.raddr, key.rport_be, key.lport_be, key.local_id, key.proto);
	if (mr_flow_lookup(&s->flows, &key))
		return false;
	if (s->steer) {
		struct mr_tuple tuple = {.src = key.raddr, .dst = c->route.local->addr, .sport_be = key.rport_be,
		                         .dport_be = key.lport_be};

		return mr_steer_owner(s->steer, &tuple) == s->steer->core;
	}
	return true;
}

static int
connect_port(struct tcp_conn *c)
{
	struct mr_port_req req;
	int rc;

	if (c->bind && c->bind->req.port) {
		c->ep.flow.lport_be = rte_cpu_to_be_16(c->bind->req.port);
		return 0;
	}
	port_request(c, &c->route.local->addr, 0, &req);
	rc = mr_port_pick_ephemeral(c->ep.stack, &req, port_fits, c);
	if (rc == 0)
		c->ep.flow.lport_be = rte_cpu_to_be_16(req.port);
	return rc;
}

static int
connect_check(const struct tcp_conn *c, const struct mr_sockaddr *remote)
{
	if (c->state == MR_TCP_SYN_SENT || c->state == MR_TCP_SYN_RECEIVED)
		return -EALREADY;
	if (c->state == MR_TCP_LISTEN)
		return -EINVAL;
	if (c->state != MR_TCP_CLOSED || (c->flags & TCP_F_DETACHED))
		return -EISCONN;
	if (remote->port == 0 || mr_addr_is_any(&remote->addr) || mr_addr_is_multicast(&remote->addr) ||
	    !family_fits(c, &remote->addr))
		return -EADDRNOTAVAIL;
	return 0;
}

int
tcp_connect(struct mr_ep *ep, const struct mr_sockaddr *remote)
{
	struct tcp_conn *c = tcp_conn(ep);
	const struct mr_addr *laddr = c->bind && !mr_addr_is_any(&c->bind->req.addr) ? &c->bind->req.addr : NULL;
	int rc = connect_check(c, remote);

	if (rc < 0)
		return rc;
	rc = mr_route_find(ep->stack, remote->nic ? remote->nic : c->rare->bind_nic, laddr, &remote->addr, 0, &c->route);
	if (rc < 0)
		return rc;
	if (c->route.flags & (MR_ROUTE_F_BROADCAST | MR_ROUTE_F_MULTICAST)) {
		mr_route_release(&c->route);
		return -EADDRNOTAVAIL; /* MUST-46 */
	}
	ep->flow.raddr = remote->addr;
	ep->flow.rport_be = rte_cpu_to_be_16(remote->port);
	ep->flow.local_id = c->route.local->id;
	rc = connect_port(c);
	if (rc == 0) {
		ep->flow.flags |= c->rare->bind_nic ? MR_FLOW_F_NIC : 0;
		rc = mr_flow_insert(&ep->stack->flows, &ep->flow);
		if (rc == -EEXIST)
			rc = -EADDRINUSE;
	}
	if (rc < 0) {
		mr_route_release(&c->route);
		return rc;
	}
	if (c->bind && !c->bind->req.port)
		tcp_bind_free(c);
	tcp_open_active(c);
	if (c->rare->fastopen)
		tcp_fastopen_connect(c);
	return -EINPROGRESS;
}
