/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Raw endpoints: packets of an IP protocol as they are, in and out, beside what the stack itself makes of them.
 *
 * They are endpoints of the datagram kind under a transport whose number is on no wire. Nobody looks them up: each is in
 * its network protocol's list, which is walked, packet by packet, while there are any.
 *
 * Not here: fragments, which are heard when they have become a packet; header options other than those that the
 * application writes itself; IPv6 headers, which are always ours.
 * Invariant: what is heard is a copy, so nothing that others do to a packet is seen here, nor the other way round.
 */
#include "proto/raw.h"

#include <errno.h>
#include <string.h>

#include <rte_ip.h>

#include "proto/cksum.h"
#include "proto/dgram.h"
#include "proto/icmp.h"
#include "proto/ipv4.h"
#include "proto/mbuf.h"

#define IPV4_HDR_BYTES 20
#define ICMP_CKSUM_END 4 /* a message shorter than this has no place for its checksum */

struct mr_raw_ep {
	struct mr_dgram d;
	LIST_ENTRY(mr_raw_ep) link; /* in mr_ip.raws */
};

static struct mr_ip *
ip_of(struct mr_dgram *d)
{
	return (struct mr_ip *)mr_stack_netproto(d->ep.stack, d->net);
}

/* ---- what comes in */

/* Does an endpoint want what is from this peer, for this address, by this NIC? */
static bool
wants(const struct mr_dgram *d, const struct mr_addr *local, const struct mr_addr *remote, uint16_t nic)
{
	uint16_t only = d->nic ? d->nic : d->local.nic;

	if (only && only != nic)
		return false;
	if (d->ep.flags & MR_DGRAM_F_CONNECTED && !mr_addr_equal(&d->route.remote, remote))
		return false;
	return mr_addr_is_any(&d->local.addr) || mr_addr_equal(&d->local.addr, local);
}

/* Queue a copy: over IPv4 with the header, which is in one piece with what follows it. */
static void
hear(struct mr_dgram *d, struct rte_mbuf *m)
{
	uint16_t hdr = d->net == MR_NET_IPV4 ? m->data_off - mr_pkt(m)->net_off : 0;
	struct rte_mbuf *copy;

	mr_mbuf_prepend(m, hdr);
	copy = mr_rxq_copy(&d->rxq, d->ep.stack, m);
	rte_pktmbuf_adj(m, hdr);
	if (!copy)
		return;
	mr_pkt(copy)->sport_be = 0;
	mr_rxq_put(&d->rxq, &d->ep, &copy, 1, mr_pkt(m)->netep->nic->id);
}

uint32_t
mr_raw_hear(struct mr_ip *ip, uint8_t proto, struct rte_mbuf **pkts, uint16_t n)
{
	struct mr_raw_ep *raw;
	uint32_t heard = 0;

	LIST_FOREACH(raw, &ip->raws, link) {
		if (raw->d.wire_proto != proto)
			continue;
		for (uint16_t i = 0; i < n; i++) {
			const struct mr_pkt *p = mr_pkt(pkts[i]);

			if (!wants(&raw->d, &p->netep->addr, &p->src, p->netep->nic->id))
				continue;
			if (proto == MR_TRANS_ICMPV6 && !mr_cksum_rx_soft_ok(pkts[i], p->phdr_sum))
				continue;
			heard |= 1u << i;
			hear(&raw->d, pkts[i]);
		}
	}
	return heard;
}

bool
mr_raw_control(struct mr_ip *ip, const struct mr_addr *local, const struct mr_addr *remote, uint8_t trans,
               enum mr_ctrl_type type, uint32_t extra)
{
	struct mr_raw_ep *raw;
	bool told = false;

	LIST_FOREACH(raw, &ip->raws, link) {
		struct mr_dgram *d = &raw->d;

		/* Without a peer there is nobody to whom a later error could be traced. */
		if (d->wire_proto != trans || !(d->ep.flags & MR_DGRAM_F_CONNECTED) ||
		    !wants(d, local, remote, d->route.local->nic->id))
			continue;
		mr_dgram_control(d, type, extra, mr_dgram_control_errno(type));
		told = true;
	}
	return told;
}

/* ---- what goes out */

/* The application's own header, with what Linux fills in: lengths, checksum, and a source and identification of 0. */
static int
finish_header(struct mr_dgram *d, struct rte_mbuf *m, const struct mr_route *r)
{
	struct rte_ipv4_hdr *h;
	uint8_t ihl;

	if (!mr_pkt_linear(m, IPV4_HDR_BYTES))
		return -EINVAL;
	h = rte_pktmbuf_mtod(m, struct rte_ipv4_hdr *);
	ihl = (h->version_ihl & 0xf) * 4;
	if (h->version_ihl >> 4 != 4 || ihl < IPV4_HDR_BYTES || !mr_pkt_linear(m, ihl))
		return -EINVAL;
	if (h->src_addr == 0)
		h->src_addr = mr_ipv4_be(&r->local->addr);
	if (h->packet_id == 0)
		h->packet_id = rte_cpu_to_be_16(ip_of(d)->next_id++);
	h->total_length = rte_cpu_to_be_16((uint16_t)m->pkt_len);
	h->hdr_checksum = 0;
	h->hdr_checksum = ~mr_cksum_fold(mr_cksum_add(0, h, ihl));
	m->l3_len = ihl;
	return 0;
}

static int
raw_push_one(struct mr_dgram *d, struct rte_mbuf *m, const struct mr_route *r)
{
	if (d->own_header)
		return finish_header(d, m, r);
	if (d->wire_proto != MR_TRANS_ICMPV6 || d->net != MR_NET_IPV6)
		return 0;
	if (!mr_pkt_linear(m, ICMP_CKSUM_END))
		return -EINVAL;
	mr_icmp_cksum_set(m, &r->local->addr, &r->remote);
	return 0;
}

static int
raw_push(struct mr_dgram *d, struct rte_mbuf **pkts, uint16_t n, const struct mr_route *r, const struct mr_sockaddr *to)
{
	(void)to;
	return mr_dgram_push_each(d, pkts, n, r, raw_push_one);
}

static const struct mr_dgram_kind raw_kind = {
	.rx = {MR_CNT_RAW_RX_PACKETS, MR_DROP_RAW_QUEUE_FULL, MR_DROP_RAW_NO_MEMORY},
	.sent = MR_CNT_RAW_TX_PACKETS,
	.hdr_bytes = 0,
	.ports = false,
	.push = raw_push,
};

/* ---- the handle */

static int
raw_bind(struct mr_ep *ep, const struct mr_sockaddr *local)
{
	struct mr_dgram *d = mr_dgram_of(ep);
	uint16_t nic = d->nic ? d->nic : local->nic;
	int rc;

	if (ep->flags & MR_DGRAM_F_BOUND)
		return -EINVAL;
	rc = mr_dgram_check_local(d, &local->addr, nic);
	if (rc < 0)
		return rc;
	mr_dgram_send_pending(d);
	mr_dgram_forget_other(d);
	d->local = (struct mr_sockaddr){.addr = local->addr, .nic = nic};
	ep->flags |= MR_DGRAM_F_BOUND;
	return 0;
}

static int
raw_connect(struct mr_ep *ep, const struct mr_sockaddr *remote)
{
	struct mr_dgram *d = mr_dgram_of(ep);
	struct mr_route r;
	int rc;

	if (mr_addr_is_any(&remote->addr)) {
		mr_dgram_forget_peer(d);
		return 0;
	}
	rc = mr_dgram_find_route(d, remote, &r);
	if (rc < 0)
		return rc;
	mr_dgram_forget_peer(d);
	d->route = r;
	ep->err = 0;
	ep->flags |= MR_DGRAM_F_CONNECTED;
	return 0;
}

static void
raw_close(struct mr_ep *ep, bool abort)
{
	LIST_REMOVE((struct mr_raw_ep *)ep, link);
	mr_dgram_close(ep, abort);
}

static const struct mr_ep_ops raw_ep_ops = {
	MR_DGRAM_EP_OPS,
	.bind = raw_bind,
	.connect = raw_connect,
	.close = raw_close,
};

static int
raw_ep_create(struct mr_transproto *tp, uint8_t trans, uint16_t net, struct mr_ep **out)
{
	struct mr_dgram *d;
	int rc;

	if (trans == 0)
		return -EINVAL;
	rc = mr_dgram_create(tp, net, &raw_ep_ops, &raw_kind, &d);
	if (rc < 0)
		return rc;
	d->wire_proto = trans;
	d->v6only = true;
	LIST_INSERT_HEAD(&ip_of(d)->raws, (struct mr_raw_ep *)d, link);
	*out = &d->ep;
	return 0;
}

/* ---- the protocol, to which no packet belongs */

static const struct mr_transproto_ops raw_ops = {
	.name = "raw",
	.number = MR_TRANS_RAW,
	.output = mr_dgram_output,
	.raw_create = raw_ep_create,
	.setopt = mr_dgram_proto_setopt,
	.getopt = mr_dgram_proto_getopt,
	.destroy = mr_dgram_proto_destroy,
};

static int
raw_create(struct mr_stack *s, struct mr_transproto **out)
{
	return mr_dgram_proto_create(s, &raw_ops, sizeof(struct mr_raw_ep), out);
}

RTE_INIT(raw_register)
{
	mr_transproto_register("raw", raw_create);
}
