/* SPDX-License-Identifier: Apache-2.0 */
/*
 * UDP endpoints: sending.
 *
 * Datagrams gather up to a burst with one route and leave in the output stage of the turn, or when the route or an
 * option changes. The route to the peer, or to the last destination that was named, is kept.
 *
 * Not here: fragmentation; a datagram fits or is refused.
 * Invariant: all that waits in `pending` goes by `pending_route` and with the options as they are now.
 */
#include "proto/udp.h"

#include <errno.h>
#include <string.h>

#include <rte_common.h>
#include <rte_udp.h>

#include "proto/cksum.h"
#include "proto/mbuf.h"

#define UDP_MAX_BYTES 65535

static struct mr_ip_params
send_params(const struct udp_ep *u, const struct mr_route *r)
{
	struct mr_ip_params p = {.trans_proto = MR_TRANS_UDP, .ttl = u->ttl, .tos = u->tos};

	if (r->flags & MR_ROUTE_F_MULTICAST) {
		p.ttl = u->mcast_ttl;
		p.group_loop = u->mcast_loop;
		p.group_no_wire = u->mcast_ttl == 0;
	}
	return p;
}

void
udp_send_pending(struct udp_ep *u)
{
	struct mr_stack *s = u->ep.stack;
	struct mr_route *r = u->pending_route;
	uint16_t n = u->n_pending;
	struct mr_ip_params p;

	if (n == 0)
		return;
	u->n_pending = 0;
	if (mr_route_check(s, r) < 0) {
		for (uint16_t i = 0; i < n; i++)
			mr_drop(s, u->pending[i], MR_DROP_IP_NO_ROUTE);
		return;
	}
	p = send_params(u, r);
	mr_count_n(s, MR_CNT_UDP_TX_DATAGRAMS, n);
	mr_route_output(r, u->pending, n, &p);
}

void
udp_ep_output(struct mr_transproto *tp, struct mr_ep *ep)
{
	(void)tp;
	udp_send_pending((struct udp_ep *)ep);
}

bool
udp_family_fits(const struct udp_ep *u, const struct mr_addr *a)
{
	bool v4 = mr_addr_is_v4(a);

	if ((a->d[0] | a->d[1]) == 0)
		return true;
	if (v4 ? u->net == MR_NET_IPV6 && u->v6only : u->net == MR_NET_IPV4)
		return false;
	return mr_addr_is_any(&u->local.addr) || mr_addr_is_v4(&u->local.addr) == v4;
}

/* The address to send from, NULL: the route chooses. A group that one listens to is no source. */
static const struct mr_addr *
source_addr(const struct udp_ep *u)
{
	return mr_addr_is_any(&u->local.addr) || mr_addr_is_multicast(&u->local.addr) ? NULL : &u->local.addr;
}

int
udp_find_route(struct udp_ep *u, const struct mr_sockaddr *to, struct mr_route *out)
{
	uint16_t net = mr_addr_is_v4(&to->addr) ? MR_NET_IPV4 : u->net;
	int rc;

	if (to->port == 0 || !udp_family_fits(u, &to->addr))
		return -EINVAL;
	rc = mr_route_find(u->ep.stack, u->nic ? u->nic : to->nic, source_addr(u), &to->addr, net, out);
	if (rc == 0 && out->flags & MR_ROUTE_F_BROADCAST && !u->broadcast) {
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

/* Route to a named destination, that of the last send if it is the same. @return 0 or -errno; u->other is it */
static int
route_to(struct udp_ep *u, const struct mr_sockaddr *to)
{
	struct mr_route r;
	int rc;

	/* After any change of routes or addresses the source is chosen anew: nobody holds an unbound one to its first. */
	if (u->other_known && same_dest(&u->other_to, to) && u->other.gen == u->ep.stack->route_gen)
		return to->port == 0 ? -EINVAL : 0;
	rc = udp_find_route(u, to, &r);
	if (rc < 0)
		return rc;
	if (u->pending_route == &u->other)
		udp_send_pending(u);
	if (u->other_known)
		mr_route_release(&u->other);
	u->other = r;
	u->other_to = *to;
	u->other_known = true;
	return 0;
}

void
udp_forget_other(struct udp_ep *u)
{
	if (!u->other_known)
		return;
	mr_route_release(&u->other);
	u->other_known = false;
}

/* Bytes of payload that one datagram may have. */
static uint32_t
payload_max(const struct udp_ep *u, const struct mr_route *r)
{
	uint16_t net_hdr = mr_route_netproto(r)->ops->hdr_bytes, mtu = r->mtu;

	if (r == &u->route && u->peer_mtu && u->peer_mtu < mtu)
		mtu = u->peer_mtu;
	return mtu - net_hdr - UDP_HDR_BYTES;
}

/* The payload in packets of ours. NULL: none left. */
static struct rte_mbuf *
packet_of(struct mr_stack *s, const char *buf, size_t len)
{
	struct rte_mbuf *m = mr_stack_tx_alloc(s), *last = m;

	while (last) {
		uint16_t k = (uint16_t)RTE_MIN(len, (size_t)rte_pktmbuf_tailroom(last));

		if (k)
			memcpy(rte_pktmbuf_mtod(last, char *), buf, k);
		last->data_len = k;
		m->pkt_len += k;
		buf += k;
		len -= k;
		if (len == 0)
			return m;
		last->next = mr_stack_tx_alloc(s);
		m->nb_segs += last->next != NULL;
		last = last->next;
	}
	rte_pktmbuf_free(m);
	return NULL;
}

static void
push_header(const struct udp_ep *u, struct rte_mbuf *m, const struct mr_route *r, uint16_t dport)
{
	struct rte_udp_hdr h = {
		.src_port = rte_cpu_to_be_16(u->local.port),
		.dst_port = rte_cpu_to_be_16(dport),
		.dgram_len = rte_cpu_to_be_16((uint16_t)(m->pkt_len + UDP_HDR_BYTES)),
	};

	memcpy(mr_mbuf_prepend(m, UDP_HDR_BYTES), &h, sizeof(h));
	if (!(u->no_cksum && mr_addr_is_v4(&r->remote)))
		mr_cksum_tx(m, UDP_HDR_BYTES, offsetof(struct rte_udp_hdr, dgram_cksum), r, MR_TRANS_UDP);
}

/* Everything that can be wrong with a send, before there is a packet. @return 0 or -errno; *out the route */
static int
send_prepare(struct udp_ep *u, size_t len, const struct mr_sockaddr *to, struct mr_route **out)
{
	int rc;

	if (u->ep.flags & UDP_F_SHUT_WR)
		return -EPIPE;
	rc = mr_ep_error(&u->ep);
	if (rc < 0)
		return rc;
	if (!to && !(u->ep.flags & UDP_F_CONNECTED))
		return -EDESTADDRREQ;
	if (len > UDP_MAX_BYTES)
		return -EMSGSIZE;
	*out = to ? &u->other : &u->route;
	rc = to ? route_to(u, to) : mr_route_check(u->ep.stack, &u->route);
	if (rc == 0 && (*out)->flags & MR_ROUTE_F_BROADCAST && !u->broadcast)
		rc = -EACCES;
	if (rc == 0 && len > payload_max(u, *out))
		rc = -EMSGSIZE;
	if (rc == 0 && !(u->ep.flags & UDP_F_BOUND))
		rc = udp_autobind(u, to);
	return rc;
}

/* Consumes m. */
static void
send_packet(struct udp_ep *u, struct rte_mbuf *m, struct mr_route *r, uint16_t dport)
{
	push_header(u, m, r, dport);
	if (u->n_pending == UDP_PENDING || u->pending_route != r)
		udp_send_pending(u);
	u->pending_route = r;
	u->pending[u->n_pending++] = m;
	mr_ep_mark_dirty(&u->ep);
}

ssize_t
udp_ep_send(struct mr_ep *ep, const void *buf, size_t len, const struct mr_sockaddr *to)
{
	struct udp_ep *u = (struct udp_ep *)ep;
	struct rte_mbuf *m;
	struct mr_route *r;
	int rc = send_prepare(u, len, to, &r);

	if (rc < 0)
		return rc;
	m = packet_of(ep->stack, buf, len);
	if (!m) {
		mr_ep_starved(ep);
		return -ENOBUFS;
	}
	send_packet(u, m, r, to ? to->port : udp_peer_port(u));
	return (ssize_t)len;
}

ssize_t
udp_ep_send_mbuf(struct mr_ep *ep, struct rte_mbuf *m, const struct mr_sockaddr *to)
{
	struct udp_ep *u = (struct udp_ep *)ep;
	uint32_t len = m->pkt_len;
	struct mr_route *r;
	int rc = send_prepare(u, len, to, &r);

	/* Headers are written in front of the payload, so that must be nobody else's. */
	if (rc == 0 && (rte_pktmbuf_headroom(m) < MR_HEADROOM / 2 || rte_mbuf_refcnt_read(m) > 1 || !RTE_MBUF_DIRECT(m)))
		rc = -EINVAL;
	if (rc < 0) {
		rte_pktmbuf_free(m);
		return rc;
	}
	m->ol_flags = 0;
	m->tx_offload = 0;
	send_packet(u, m, r, to ? to->port : udp_peer_port(u));
	return (ssize_t)len;
}
