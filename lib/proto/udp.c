/* SPDX-License-Identifier: Apache-2.0 */
/*
 * UDP (RFC 768, RFC 1122 4.1, RFC 8200 8.1): its header, in and out, and what ICMP tells about our datagrams.
 *
 * Not here: the application's calls, which are those of all datagram endpoints (dgram.h); UDP-Lite, zero checksums over
 * IPv6 (RFC 6936).
 * Invariant: what parse lets pass is as long as its UDP length says.
 */
#include "proto/dgram.h"

#include <string.h>

#include <rte_common.h>
#include <rte_udp.h>

#include "proto/cksum.h"
#include "proto/mbuf.h"

#define UDP_HDR_BYTES 8
#define UDP_FORWARD_HOLD 16 /* datagrams that wait with a request: what a client may send before it hears anything */

/* @return MR_CNT_MAX, or why the datagram is dropped */
static inline enum mr_counter
udp_parse_one(struct rte_mbuf *m)
{
	struct mr_pkt *p = mr_pkt(m);
	struct rte_udp_hdr h;
	uint16_t len;

	if (p->trans_len < UDP_HDR_BYTES || !mr_pkt_linear(m, UDP_HDR_BYTES))
		return MR_DROP_UDP_MALFORMED;
	memcpy(&h, rte_pktmbuf_mtod(m, const void *), sizeof(h));
	len = rte_be_to_cpu_16(h.dgram_len);
	if (unlikely(len != p->trans_len)) {
		if (len < UDP_HDR_BYTES || len > p->trans_len)
			return MR_DROP_UDP_MALFORMED;
		/* The rest is no part of the datagram, and its own length is what the checksum covers. */
		p->phdr_sum += (uint16_t)~rte_cpu_to_be_16(p->trans_len) + h.dgram_len;
		p->trans_len = len;
		mr_mbuf_cut(m, len);
	}
	if (h.dgram_cksum == 0 ? !mr_addr_is_v4(&p->src) : !mr_cksum_rx_ok(m))
		return MR_DROP_UDP_BAD_CKSUM;
	p->sport_be = h.src_port;
	p->dport_be = h.dst_port;
	p->trans_hdr_len = UDP_HDR_BYTES;
	return MR_CNT_MAX;
}

static uint16_t
udp_parse(struct mr_transproto *tp, struct rte_mbuf **pkts, uint16_t n)
{
	uint16_t kept = 0;

	for (uint16_t i = 0; i < n; i++) {
		enum mr_counter why = udp_parse_one(pkts[i]);

		if (likely(why == MR_CNT_MAX))
			pkts[kept++] = pkts[i];
		else
			mr_drop(tp->stack, pkts[i], why);
	}
	return kept;
}

static void
udp_input(struct mr_transproto *tp, struct mr_flow **flows, struct rte_mbuf **pkts, uint16_t n)
{
	(void)tp;
	for (uint16_t i = 0, k; i < n; i = k) {
		struct mr_dgram *d = (struct mr_dgram *)flows[i];
		const struct mr_netep *netep = mr_pkt(pkts[i])->netep;

		for (k = i; k < n && flows[k] == flows[i] && mr_pkt(pkts[k])->netep == netep; k++)
			mr_mbuf_strip(pkts[k], UDP_HDR_BYTES);
		mr_rxq_put(&d->rxq, &d->ep, &pkts[i], k - i, netep->nic->id);
	}
}

static void
udp_unknown_dst(struct mr_transproto *tp, struct rte_mbuf *m)
{
	struct mr_netproto *np = mr_pkt(m)->netep->np;

	mr_count(tp->stack, MR_DROP_UDP_NO_PORT);
	np->ops->error(np, m, MR_NET_ERR_PORT_UNREACH);
}

static void
udp_control(struct mr_transproto *tp, struct mr_flow *f, enum mr_ctrl_type type, uint32_t extra, const void *quoted,
            uint16_t quoted_bytes)
{
	struct mr_dgram *d = (struct mr_dgram *)f;

	(void)tp;
	(void)quoted;
	(void)quoted_bytes;
	/* Without a peer there is nobody to whom a later error could be traced. */
	if (d->ep.flags & MR_DGRAM_F_CONNECTED)
		mr_dgram_control(d, type, extra, mr_dgram_control_errno(type));
}

/* Checksum of a datagram without its header. @param sum of all that is not payload, not folded */
static inline uint16_t
udp_cksum(const struct rte_mbuf *payload, uint64_t sum)
{
	uint16_t cksum = ~mr_cksum_fold(mr_cksum_chain(sum, payload, 0, payload->pkt_len));

	return unlikely(cksum == 0) ? 0xffff : cksum; /* 0 is "none" (RFC 768) */
}

static int
udp_push(struct mr_dgram *d, struct rte_mbuf **pkts, uint16_t n, const struct mr_route *r, const struct mr_sockaddr *to)
{
	const bool summed = !(d->no_cksum && mr_addr_is_v4(&r->remote)), offload = mr_cksum_is_offloaded(r, MR_TRANS_UDP);
	const bool soft = summed && !offload;
	const rte_be16_t peer_be = d->ep.flow.rport_be;
	rte_be16_t sport_be;
	uint32_t same_sum;

	if (unlikely(!(d->ep.flags & MR_DGRAM_F_BOUND))) {
		int rc = mr_dgram_autobind(d, r, to ? to->port : rte_be_to_cpu_16(peer_be));

		if (rc < 0)
			return rc;
	}
	sport_be = rte_cpu_to_be_16(d->local.port);
	same_sum = r->addr_sum + rte_cpu_to_be_16(MR_TRANS_UDP) + sport_be;
	for (uint16_t i = 0; i < n; i++) {
		rte_be16_t len_be = rte_cpu_to_be_16((uint16_t)(pkts[i]->pkt_len + UDP_HDR_BYTES));
		rte_be16_t dport_be = to ? rte_cpu_to_be_16(to[i].port) : peer_be;
		/* The length is in the pseudo-header, too. */
		rte_be16_t cksum = soft ? udp_cksum(pkts[i], (uint64_t)same_sum + dport_be + 2u * len_be) : 0;
		struct rte_udp_hdr *h = mr_mbuf_prepend(pkts[i], UDP_HDR_BYTES);

		h->src_port = sport_be;
		h->dst_port = dport_be;
		h->dgram_len = len_be;
		h->dgram_cksum = cksum;
	}
	for (uint16_t i = 0; summed && offload && i < n; i++)
		mr_cksum_tx_leave(pkts[i], UDP_HDR_BYTES, offsetof(struct rte_udp_hdr, dgram_cksum), r, MR_TRANS_UDP);
	return n;
}

static const struct mr_dgram_kind udp_kind = {
	.rx = {MR_CNT_UDP_RX_DATAGRAMS, MR_DROP_UDP_QUEUE_FULL, MR_DROP_UDP_NO_MEMORY},
	.sent = MR_CNT_UDP_TX_DATAGRAMS,
	.hdr_bytes = UDP_HDR_BYTES,
	.ports = true,
	.push = udp_push,
};

static const struct mr_ep_ops udp_ep_ops = {
	MR_DGRAM_EP_OPS,
	.bind = mr_dgram_bind,
	.connect = mr_dgram_connect,
	.close = mr_dgram_close,
};

static int
udp_ep_create(struct mr_transproto *tp, uint16_t net, struct mr_ep **out)
{
	struct mr_dgram *d;
	int rc = mr_dgram_create(tp, net, &udp_ep_ops, &udp_kind, &d);

	if (rc == 0)
		*out = &d->ep;
	return rc;
}

/* ---- forwarding */

/* A request is between two ends that can talk to each other: no groups, and a port to answer to. */
static bool
udp_forward_wants(const struct rte_mbuf *m)
{
	const struct mr_pkt *p = mr_pkt(m);

	return p->sport_be != 0 && !(p->flags & (MR_PKT_F_NET_MULTICAST | MR_PKT_F_NET_BROADCAST));
}

static bool
udp_forward_rcvbuf_ok(const struct mr_transproto *tp, uint32_t bytes)
{
	(void)tp;
	return bytes <= MR_RXQ_MAX_BYTES;
}

static int
udp_forward_accept(struct mr_transproto *tp, struct mr_pktq *pkts, uint32_t rcvbuf, uint32_t note, struct mr_ep **out)
{
	const struct mr_pkt *p = mr_pkt(pkts->head);
	struct mr_dgram *d;
	struct rte_mbuf *m;
	int rc = mr_dgram_create(tp, mr_addr_net(&p->src), &udp_ep_ops, &udp_kind, &d);

	(void)note;
	if (rc < 0)
		return rc;
	rc = mr_dgram_connect_back(d, p);
	if (rc < 0) {
		mr_ep_abort(&d->ep);
		return rc;
	}
	if (rcvbuf)
		d->rxq.max = rcvbuf;
	while ((m = mr_pktq_pop(pkts))) {
		struct mr_flow *f = &d->ep.flow;

		udp_input(tp, &f, &m, 1);
	}
	*out = &d->ep;
	return 0;
}

static const struct mr_forward_ops udp_forward_ops = {
	.hold = UDP_FORWARD_HOLD,
	.wants = udp_forward_wants,
	.rcvbuf_ok = udp_forward_rcvbuf_ok,
	.accept = udp_forward_accept,
};

static const struct mr_transproto_ops udp_ops = {
	.name = "udp",
	.number = MR_TRANS_UDP,
	.min_bytes = 0, /* parse counts short ones as what they are */
	.parse = udp_parse,
	.input = udp_input,
	.unknown_dst = udp_unknown_dst,
	.control = udp_control,
	.output = mr_dgram_output,
	.ep_create = udp_ep_create,
	.forward = &udp_forward_ops,
	.setopt = mr_dgram_proto_setopt,
	.getopt = mr_dgram_proto_getopt,
	.destroy = mr_dgram_proto_destroy,
};

static int
udp_create(struct mr_stack *s, struct mr_transproto **out)
{
	return mr_dgram_proto_create(s, &udp_ops, sizeof(struct mr_dgram), out);
}

RTE_INIT(udp_register)
{
	mr_transproto_register("udp", udp_create);
}
