/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Datagram endpoints: their protocol objects, receiving, options, and the end.
 *
 * Not here: binding and connecting by port (dgram_port.c), sending (dgram_send.c), what a kind's packets look like
 * (udp.c, ping.c, raw.c), group membership (it is the NIC's).
 * Invariant: an endpoint is in its protocol's list from its creation to its close.
 */
#include "proto/dgram.h"

#include <errno.h>
#include <stdlib.h>

#include <rte_common.h>

/* ---- protocol objects */

int
mr_dgram_proto_create(struct mr_stack *s, const struct mr_transproto_ops *ops, size_t ep_bytes,
                      struct mr_transproto **out)
{
	struct mr_dgram_proto *dp = calloc(1, sizeof(*dp));
	int rc;

	if (!dp)
		return -ENOMEM;
	dp->tp.ops = ops;
	dp->tp.stack = s;
	dp->rx_max = MR_RXQ_DEFAULT_BYTES;
	LIST_INIT(&dp->eps);
	rc = mr_pool_init(&dp->pool, &s->arena, ops->name, ep_bytes, s->opts.max_endpoints);
	if (rc < 0) {
		free(dp);
		return rc;
	}
	*out = &dp->tp;
	return 0;
}

int
mr_dgram_proto_setopt(struct mr_transproto *tp, int opt, int64_t value)
{
	if (opt != MR_OPT_RCVBUF)
		return -ENOPROTOOPT;
	if (value <= 0 || value > MR_RXQ_MAX_BYTES)
		return -EINVAL;
	((struct mr_dgram_proto *)tp)->rx_max = (uint32_t)value;
	return 0;
}

int
mr_dgram_proto_getopt(struct mr_transproto *tp, int opt, int64_t *value)
{
	if (opt != MR_OPT_RCVBUF)
		return -ENOPROTOOPT;
	*value = ((struct mr_dgram_proto *)tp)->rx_max;
	return 0;
}

void
mr_dgram_proto_destroy(struct mr_transproto *tp)
{
	struct mr_dgram_proto *dp = (struct mr_dgram_proto *)tp;
	struct mr_dgram *d;

	while ((d = LIST_FIRST(&dp->eps)))
		d->ep.ops->close(&d->ep, true);
	free(dp);
}

/* ---- making and ending */

int
mr_dgram_create(struct mr_transproto *tp, uint16_t net, const struct mr_ep_ops *ops, const struct mr_dgram_kind *kind,
                struct mr_dgram **out)
{
	struct mr_dgram_proto *dp = (struct mr_dgram_proto *)tp;
	struct mr_dgram *d;

	if ((net != MR_NET_IPV4 && net != MR_NET_IPV6) || !mr_stack_has_netproto(tp->stack, net))
		return -EPROTONOSUPPORT;
	d = mr_pool_get(&dp->pool);
	if (!d)
		return -ENOBUFS;
	mr_ep_init(&d->ep, tp->stack, tp->ops->number, ops);
	d->rxq.max = dp->rx_max;
	d->rxq.counters = &kind->rx;
	d->kind = kind;
	d->net = net;
	d->wire_proto = tp->ops->number;
	d->mcast_ttl = 1;
	d->mcast_loop = true;
	LIST_INSERT_HEAD(&dp->eps, d, link);
	*out = d;
	return 0;
}

void
mr_dgram_forget_peer(struct mr_dgram *d)
{
	if (!(d->ep.flags & MR_DGRAM_F_CONNECTED))
		return;
	mr_dgram_send_pending(d);
	mr_route_release(&d->route);
	d->ep.flags &= ~MR_DGRAM_F_CONNECTED;
	d->peer_mtu = 0;
}

void
mr_dgram_close(struct mr_ep *ep, bool abort)
{
	struct mr_dgram *d = mr_dgram_of(ep);
	struct mr_stack *s = ep->stack;

	if (!abort)
		mr_dgram_send_pending(d);
	mr_ep_fini(ep);
	rte_pktmbuf_free_bulk(d->pending, d->n_pending);
	mr_rxq_drain(&d->rxq, s);
	mr_demux_unbind(s, &d->bound);
	if (ep->flow.flags & MR_FLOW_F_INSERTED)
		mr_flow_remove(&s->flows, &ep->flow);
	if (ep->flags & MR_DGRAM_F_CONNECTED)
		mr_route_release(&d->route);
	mr_dgram_forget_other(d);
	if (d->port_req.port)
		mr_port_release(s, &d->port_req);
	LIST_REMOVE(d, link);
	mr_pool_put(&((struct mr_dgram_proto *)mr_stack_transproto(s, ep->flow.proto))->pool, d);
}

/* ---- receiving */

ssize_t
mr_dgram_recv(struct mr_ep *ep, void *buf, size_t len, struct mr_sockaddr *from, bool peek)
{
	return mr_rxq_recv(&mr_dgram_of(ep)->rxq, ep, buf, len, from, peek);
}

ssize_t
mr_dgram_recv_mbuf(struct mr_ep *ep, struct rte_mbuf **out, struct mr_sockaddr *from)
{
	return mr_rxq_recv_mbuf(&mr_dgram_of(ep)->rxq, ep, out, from);
}

int
mr_dgram_recv_burst(struct mr_ep *ep, struct rte_mbuf **pkts, struct mr_sockaddr *from, uint16_t n)
{
	return mr_rxq_recv_burst(&mr_dgram_of(ep)->rxq, ep, pkts, from, n);
}

int
mr_dgram_control_errno(enum mr_ctrl_type type)
{
	switch (type) {
	case MR_CTRL_PORT_UNREACH:
	case MR_CTRL_PROTO_UNREACH:
		return -ECONNREFUSED;
	case MR_CTRL_NET_UNREACH:
		return -ENETUNREACH;
	case MR_CTRL_HOST_UNREACH:
	case MR_CTRL_ADMIN_PROHIBITED:
		return -EHOSTUNREACH;
	case MR_CTRL_PKT_TOO_BIG:
		return -EMSGSIZE;
	default:
		return 0;
	}
}

void
mr_dgram_control(struct mr_dgram *d, enum mr_ctrl_type type, uint32_t extra, int err)
{
	if (!err)
		return;
	if (type == MR_CTRL_PKT_TOO_BIG) {
		/* Only IPv6 learns: over IPv4 our datagrams may be fragmented on the way. Never upwards. */
		if (!(d->ep.flags & MR_DGRAM_F_CONNECTED) || mr_addr_is_v4(&d->route.remote) || extra >= d->route.mtu ||
		    (d->peer_mtu && extra >= d->peer_mtu))
			return;
		d->peer_mtu = (uint16_t)extra;
	}
	d->ep.err = (int16_t)err;
	mr_ep_event(&d->ep, MR_EV_ERR);
}

/* ---- the rest of the handle */

int
mr_dgram_shutdown(struct mr_ep *ep, unsigned how)
{
	struct mr_dgram *d = mr_dgram_of(ep);

	if (!(ep->flags & MR_DGRAM_F_CONNECTED))
		return -ENOTCONN;
	if (how & MR_SHUT_RD) {
		d->rxq.shut = true;
		mr_ep_event(ep, MR_EV_IN);
	}
	if (how & MR_SHUT_WR)
		ep->flags |= MR_DGRAM_F_SHUT_WR;
	return 0;
}

int
mr_dgram_name(struct mr_ep *ep, struct mr_sockaddr *out, bool remote)
{
	const struct mr_dgram *d = mr_dgram_of(ep);

	if (!(ep->flags & (remote ? MR_DGRAM_F_CONNECTED : MR_DGRAM_F_BOUND)))
		return -ENOTCONN;
	*out = d->local;
	if (remote)
		*out = (struct mr_sockaddr){.addr = d->route.remote, .port = mr_dgram_peer_port(d), .nic = d->route.nic};
	else if (ep->flags & MR_DGRAM_F_CONNECTED)
		out->addr = d->route.local->addr;
	return 0;
}

uint32_t
mr_dgram_readiness(struct mr_ep *ep)
{
	const struct mr_dgram *d = mr_dgram_of(ep);
	uint32_t ev = 0;

	if (d->rxq.pkts.n || d->rxq.shut)
		ev |= MR_EV_IN;
	if (!(ep->flags & MR_DGRAM_F_SHUT_WR))
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
	uint8_t only; /* transport that has it; 0: all */
};

static const struct opt_field opt_fields[] = {
	{MR_OPT_TTL, offsetof(struct mr_dgram, ttl), false, false, 1, 255, 0},
	{MR_OPT_TOS, offsetof(struct mr_dgram, tos), false, false, 0, 255, 0},
	{MR_OPT_MULTICAST_TTL, offsetof(struct mr_dgram, mcast_ttl), false, false, 0, 255, 0},
	{MR_OPT_MULTICAST_LOOP, offsetof(struct mr_dgram, mcast_loop), true, false, 0, 1, 0},
	{MR_OPT_BROADCAST, offsetof(struct mr_dgram, broadcast), true, false, 0, 1, 0},
	{MR_OPT_REUSEADDR, offsetof(struct mr_dgram, reuse_addr), true, true, 0, 1, 0},
	{MR_OPT_REUSEPORT, offsetof(struct mr_dgram, reuse_port), true, true, 0, 1, 0},
	{MR_OPT_UDP_NO_CHECKSUM, offsetof(struct mr_dgram, no_cksum), true, false, 0, 1, MR_TRANS_UDP},
	{MR_OPT_V6ONLY, offsetof(struct mr_dgram, v6only), true, true, 0, 1, MR_TRANS_UDP},
	{MR_OPT_HDRINCL, offsetof(struct mr_dgram, own_header), true, false, 0, 1, MR_TRANS_RAW},
};
_Static_assert(sizeof(bool) == 1, "options are bytes");

static const struct opt_field *
opt_field(const struct mr_dgram *d, int opt)
{
	for (unsigned i = 0; i < RTE_DIM(opt_fields); i++) {
		const struct opt_field *f = &opt_fields[i];

		if (f->opt == opt && (!f->only || f->only == d->ep.flow.proto))
			return f;
	}
	return NULL;
}

static int
set_nic(struct mr_dgram *d, int64_t value)
{
	if (d->ep.flags & MR_DGRAM_F_BOUND || value < 0 || value > UINT16_MAX ||
	    (value && !mr_nic_find(d->ep.stack, (uint16_t)value)))
		return -EINVAL;
	d->nic = (uint16_t)value;
	mr_dgram_forget_other(d);
	return 0;
}

int
mr_dgram_setopt(struct mr_ep *ep, int opt, int64_t value)
{
	struct mr_dgram *d = mr_dgram_of(ep);
	const struct opt_field *f = opt_field(d, opt);

	if (opt == MR_OPT_BINDNIC)
		return set_nic(d, value);
	if (opt == MR_OPT_RCVBUF)
		return mr_rxq_set_max(&d->rxq, value);
	if (!f)
		return -ENOPROTOOPT;
	if (f->is_bool)
		value = value != 0;
	if (value < f->min || value > f->max || (f->before_bind && ep->flags & MR_DGRAM_F_BOUND) ||
	    (opt == MR_OPT_V6ONLY && d->net != MR_NET_IPV6) || (opt == MR_OPT_HDRINCL && d->net != MR_NET_IPV4))
		return -EINVAL;
	mr_dgram_send_pending(d);
	*((uint8_t *)d + f->off) = (uint8_t)value;
	return 0;
}

int
mr_dgram_getopt(struct mr_ep *ep, int opt, int64_t *value)
{
	struct mr_dgram *d = mr_dgram_of(ep);
	const struct opt_field *f = opt_field(d, opt);

	if (opt == MR_OPT_BINDNIC)
		*value = d->nic;
	else if (opt == MR_OPT_RCVBUF)
		*value = d->rxq.max;
	else if (f)
		*value = *((const uint8_t *)d + f->off);
	else
		return -ENOPROTOOPT;
	return 0;
}
