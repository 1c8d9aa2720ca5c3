/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Datagram endpoints: sending.
 *
 * Messages gather up to a burst with one route and leave in the output stage of the turn, or when the route or an
 * option changes. The route to the peer, or to the last destination that was named, is kept.
 *
 * Not here: fragmentation, a message fits or is refused; headers, which are the kind's.
 * Invariant: all that waits in `pending` goes by `pending_route` and with the options as they are now.
 */
#include "proto/dgram.h"

#include <errno.h>
#include <string.h>

#include <rte_common.h>
#include <rte_memcpy.h>

static struct mr_ip_params
send_params(const struct mr_dgram *d, const struct mr_route *r)
{
	struct mr_ip_params p = {.trans_proto = d->wire_proto, .ttl = d->ttl, .tos = d->tos, .own_header = d->own_header};

	if (r->flags & MR_ROUTE_F_MULTICAST) {
		p.ttl = d->mcast_ttl;
		p.group_loop = d->mcast_loop;
		p.group_no_wire = d->mcast_ttl == 0;
	}
	return p;
}

void
mr_dgram_send_pending(struct mr_dgram *d)
{
	struct mr_stack *s = d->ep.stack;
	struct mr_route *r = d->pending_route;
	uint16_t n = d->n_pending;
	struct mr_ip_params p;

	if (n == 0)
		return;
	d->n_pending = 0;
	if (mr_route_use(s, r) < 0) {
		for (uint16_t i = 0; i < n; i++)
			mr_drop(s, d->pending[i], MR_DROP_IP_NO_ROUTE);
		return;
	}
	p = send_params(d, r);
	mr_count_n(s, d->kind->sent, n);
	mr_route_output(r, d->pending, n, &p);
}

void
mr_dgram_output(struct mr_transproto *tp, struct mr_ep *ep)
{
	(void)tp;
	mr_dgram_send_pending(mr_dgram_of(ep));
}

bool
mr_dgram_family_fits(const struct mr_dgram *d, const struct mr_addr *a)
{
	bool v4 = mr_addr_is_v4(a);

	if ((a->d[0] | a->d[1]) == 0)
		return true;
	if (v4 ? d->net == MR_NET_IPV6 && d->v6only : d->net == MR_NET_IPV4)
		return false;
	return mr_addr_is_any(&d->local.addr) || mr_addr_is_v4(&d->local.addr) == v4;
}

/* The address to send from, NULL: the route chooses. A group that one listens to is no source. */
static const struct mr_addr *
source_addr(const struct mr_dgram *d)
{
	return mr_addr_is_any(&d->local.addr) || mr_addr_is_multicast(&d->local.addr) ? NULL : &d->local.addr;
}

int
mr_dgram_find_route(struct mr_dgram *d, const struct mr_sockaddr *to, struct mr_route *out)
{
	uint16_t net = mr_addr_is_v4(&to->addr) ? MR_NET_IPV4 : d->net;
	int rc;

	if ((d->kind->ports && to->port == 0) || !mr_dgram_family_fits(d, &to->addr))
		return -EINVAL;
	rc = mr_route_find(d->ep.stack, d->nic ? d->nic : to->nic, source_addr(d), &to->addr, net, out);
	if (rc == 0 && out->flags & MR_ROUTE_F_BROADCAST && !d->broadcast) {
		mr_route_release(out);
		return -EACCES;
	}
	return rc;
}

static bool
same_dest(const struct mr_sockaddr *a, const struct mr_sockaddr *b)
{
	return a->nic == b->nic && mr_addr_equal(&a->addr, &b->addr);
}

/* Route to a destination other than that of the last send. @return 0 or -errno; d->other is it */
static __rte_noinline int
route_change(struct mr_dgram *d, const struct mr_sockaddr *to)
{
	struct mr_route r;
	int rc = mr_dgram_find_route(d, to, &r);

	if (rc < 0)
		return rc;
	if (d->pending_route == &d->other)
		mr_dgram_send_pending(d);
	if (d->other_known)
		mr_route_release(&d->other);
	d->other = r;
	d->other_to = *to;
	d->other_known = true;
	return 0;
}

/* Route to a named destination, that of the last send if it is the same. @return as of route_change */
static int
route_to(struct mr_dgram *d, const struct mr_sockaddr *to)
{
	/* After any change of routes or addresses the source is chosen anew: nobody holds an unbound one to its first. */
	if (likely(d->other_known && same_dest(&d->other_to, to) && d->other.gen == d->ep.stack->route_gen))
		return unlikely(d->kind->ports && to->port == 0) ? -EINVAL : 0;
	return route_change(d, to);
}

void
mr_dgram_forget_other(struct mr_dgram *d)
{
	if (!d->other_known)
		return;
	mr_route_release(&d->other);
	d->other_known = false;
}

/* Bytes that one message may have. */
static uint32_t
payload_max(const struct mr_dgram *d, const struct mr_route *r)
{
	uint16_t net_hdr = d->own_header ? 0 : mr_route_netproto(r)->ops->hdr_bytes, mtu = r->mtu;

	if (r == &d->route && d->peer_mtu && d->peer_mtu < mtu)
		mtu = d->peer_mtu;
	return mtu - net_hdr - d->kind->hdr_bytes;
}

/* Is anything wrong with the endpoint? Takes a pending error. @return 0 or -errno */
static inline int
send_check(struct mr_dgram *d)
{
	if (unlikely(d->ep.flags & MR_DGRAM_F_SHUT_WR))
		return -EPIPE;
	return unlikely(d->ep.err) ? mr_ep_error(&d->ep) : 0;
}

/* Everything that can be wrong with a destination. @return 0 or -errno; *out the route, *max the longest message */
static inline int
dest_prepare(struct mr_dgram *d, const struct mr_sockaddr *to, struct mr_route **out, uint32_t *max)
{
	struct mr_route *r = to ? &d->other : &d->route;
	int rc;

	if (!to && !(d->ep.flags & MR_DGRAM_F_CONNECTED))
		return -EDESTADDRREQ;
	rc = to ? route_to(d, to) : mr_route_use(d->ep.stack, r);
	if (unlikely(rc < 0))
		return rc;
	if (unlikely(r->flags & MR_ROUTE_F_BROADCAST && !d->broadcast))
		return -EACCES;
	*out = r;
	*max = payload_max(d, r);
	return 0;
}

/* May a message of at most `max` bytes be made of the packet, headers written in front? Then it is made ours. @return 0,
 * -EMSGSIZE, -EINVAL */
static inline int
mbuf_prepare(struct rte_mbuf *m, uint32_t max)
{
	if (unlikely(m->pkt_len > max))
		return -EMSGSIZE;
	if (unlikely(!mr_pkt_is_own(m, MR_HEADROOM / 2)))
		return -EINVAL;
	m->ol_flags = 0;
	m->tx_offload = 0;
	return 0;
}

/* Make them packets of the protocol, and put them to those that wait; at most MR_DGRAM_PENDING, all to one destination.
 * @return how many, or -errno of the first; the others are the caller's */
static inline int
packets_put(struct mr_dgram *d, struct rte_mbuf **pkts, uint16_t n, struct mr_route *r, const struct mr_sockaddr *to)
{
	int rc = d->kind->push(d, pkts, n, r, to);

	if (unlikely(rc < 0))
		return rc;
	if (d->n_pending + rc > MR_DGRAM_PENDING || d->pending_route != r)
		mr_dgram_send_pending(d);
	d->pending_route = r;
	memcpy(&d->pending[d->n_pending], pkts, (size_t)rc * sizeof(*pkts));
	d->n_pending += (uint16_t)rc;
	mr_ep_mark_dirty(&d->ep);
	return rc;
}

ssize_t
mr_dgram_send(struct mr_ep *ep, const void *buf, size_t len, const struct mr_sockaddr *to)
{
	struct mr_dgram *d = mr_dgram_of(ep);
	struct mr_route *r = NULL;
	int rc = send_check(d);
	struct rte_mbuf *m;
	uint32_t max = 0;

	if (rc == 0)
		rc = dest_prepare(d, to, &r, &max);
	if (rc < 0)
		return rc;
	if (len > max)
		return -EMSGSIZE;
	m = mr_stack_tx_copy(ep->stack, buf, len);
	if (!m) {
		mr_ep_starved(ep);
		return -ENOBUFS;
	}
	rc = packets_put(d, &m, 1, r, to);
	return likely(rc == 1) ? (ssize_t)len : mr_ep_refuse_mbuf(m, rc);
}

ssize_t
mr_dgram_send_mbuf(struct mr_ep *ep, struct rte_mbuf *m, const struct mr_sockaddr *to)
{
	uint32_t len = m->pkt_len;
	int rc = mr_dgram_send_burst(ep, &m, to, 1);

	return likely(rc == 1) ? (ssize_t)len : mr_ep_refuse_mbuf(m, rc);
}

/* How many packets, from the first on, have one destination and may be sent there? @param to NULL: the peer
 * @return 1 to n, or -errno of the first */
static inline int
run_prepare(struct rte_mbuf **pkts, const struct mr_sockaddr *to, uint16_t n, uint32_t max)
{
	int rc = mbuf_prepare(pkts[0], max);
	uint16_t k = 1;

	if (unlikely(rc < 0))
		return rc;
	while (k < n && (!to || (same_dest(&to[k], &to[k - 1]) && to[k].port)) && mbuf_prepare(pkts[k], max) == 0)
		k++;
	return k;
}

int
mr_dgram_send_burst(struct mr_ep *ep, struct rte_mbuf **pkts, const struct mr_sockaddr *to, uint16_t n)
{
	struct mr_dgram *d = mr_dgram_of(ep);
	struct mr_route *r = NULL;
	int rc = send_check(d);
	uint32_t max = 0;
	uint16_t sent = 0;

	while (sent < n && rc >= 0) {
		const struct mr_sockaddr *dst = to ? &to[sent] : NULL;

		rc = dest_prepare(d, dst, &r, &max);
		if (likely(rc == 0))
			rc = run_prepare(&pkts[sent], dst, (uint16_t)RTE_MIN(n - sent, MR_DGRAM_PENDING), max);
		if (likely(rc > 0))
			rc = packets_put(d, &pkts[sent], (uint16_t)rc, r, dst);
		if (likely(rc > 0))
			sent += (uint16_t)rc;
	}
	return sent > 0 ? sent : rc;
}
