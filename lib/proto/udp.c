/* SPDX-License-Identifier: Apache-2.0 */
/*
 * UDP (RFC 768, RFC 1122 4.1, RFC 8200 8.1): datagrams from the network to endpoints, and what ICMP tells about ours.
 *
 * Not here: the application's calls and sending (udp_ep.c), UDP-Lite, zero checksums over IPv6 (RFC 6936).
 * Invariants: what parse lets pass is as long as its UDP length says; a receive queue never holds more than its bytes,
 * nor all endpoints together more packets than the stack's budget.
 */
#include "proto/udp.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <rte_common.h>
#include <rte_udp.h>

#include "proto/cksum.h"
#include "proto/mbuf.h"

#define RCVBUF_MAX (1 << 30)

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
	if (len < UDP_HDR_BYTES || len > p->trans_len)
		return MR_DROP_UDP_MALFORMED;
	if (unlikely(len != p->trans_len)) {
		/* The rest is no part of the datagram, and its own length is what the checksum covers. */
		p->phdr_sum = mr_cksum_fold((uint32_t)p->phdr_sum + (uint16_t)~rte_cpu_to_be_16(p->trans_len) + h.dgram_len);
		p->trans_len = len;
		mr_mbuf_trim(m, len);
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
udp_receive(struct udp_ep *u, struct rte_mbuf *m)
{
	struct mr_stack *s = u->ep.stack;
	struct mr_pkt *p = mr_pkt(m);
	uint32_t charge;

	rte_pktmbuf_adj(m, UDP_HDR_BYTES);
	charge = m->pkt_len + UDP_PKT_OVERHEAD;
	if (u->ep.flags & UDP_F_SHUT_RD || u->rx_bytes + charge > u->rx_max) {
		mr_drop(s, m, MR_DROP_UDP_QUEUE_FULL);
		return;
	}
	if (!mr_stack_rx_room(s)) {
		mr_drop(s, m, MR_DROP_UDP_NO_MEMORY);
		return;
	}
	p->seq = p->netep->nic->id;
	p->netep = NULL;
	u->rx_bytes += charge;
	s->rx_held += m->nb_segs;
	mr_pktq_push(&u->rxq, m);
	mr_count(s, MR_CNT_UDP_RX_DATAGRAMS);
	mr_ep_event(&u->ep, MR_EV_IN);
}

static void
udp_input(struct mr_transproto *tp, struct mr_flow **flows, struct rte_mbuf **pkts, uint16_t n)
{
	(void)tp;
	for (uint16_t i = 0; i < n; i++)
		udp_receive((struct udp_ep *)flows[i], pkts[i]);
}

static void
udp_unknown_dst(struct mr_transproto *tp, struct rte_mbuf *m)
{
	struct mr_netproto *np = mr_pkt(m)->netep->np;

	mr_count(tp->stack, MR_DROP_UDP_NO_PORT);
	np->ops->error(np, m, MR_NET_ERR_PORT_UNREACH);
}

/* What an application is told; 0: nothing. Hints all of them, the endpoint goes on (IC-07). */
static int
control_errno(enum mr_ctrl_type type)
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

static void
udp_control(struct mr_transproto *tp, struct mr_flow *f, enum mr_ctrl_type type, uint32_t extra, const void *quoted,
            uint16_t quoted_bytes)
{
	struct udp_ep *u = (struct udp_ep *)f;
	int err = control_errno(type);

	(void)tp;
	(void)quoted;
	(void)quoted_bytes;
	/* Without a peer there is nobody to whom a later error could be traced. */
	if (!(u->ep.flags & UDP_F_CONNECTED) || !err)
		return;
	if (type == MR_CTRL_PKT_TOO_BIG) {
		/* Only IPv6 learns: over IPv4 our datagrams may be fragmented on the way. Never upwards. */
		if (mr_addr_is_v4(&u->route.remote) || extra >= u->route.mtu || (u->peer_mtu && extra >= u->peer_mtu))
			return;
		u->peer_mtu = (uint16_t)extra;
	}
	u->ep.err = (int16_t)err;
	mr_ep_event(&u->ep, MR_EV_ERR);
}

static int
udp_setopt(struct mr_transproto *tp, int opt, int64_t value)
{
	if (opt != MR_OPT_RCVBUF)
		return -ENOPROTOOPT;
	if (value <= 0 || value > RCVBUF_MAX)
		return -EINVAL;
	((struct udp *)tp)->rx_max = (uint32_t)value;
	return 0;
}

static int
udp_getopt(struct mr_transproto *tp, int opt, int64_t *value)
{
	if (opt != MR_OPT_RCVBUF)
		return -ENOPROTOOPT;
	*value = ((struct udp *)tp)->rx_max;
	return 0;
}

static void
udp_destroy(struct mr_transproto *tp)
{
	struct udp *udp = (struct udp *)tp;

	while (!LIST_EMPTY(&udp->eps))
		udp_ep_destroy(LIST_FIRST(&udp->eps));
	free(udp);
}

static const struct mr_transproto_ops udp_ops = {
	.name = "udp",
	.number = MR_TRANS_UDP,
	.min_bytes = 0, /* parse counts short ones as what they are */
	.parse = udp_parse,
	.input = udp_input,
	.unknown_dst = udp_unknown_dst,
	.control = udp_control,
	.output = udp_ep_output,
	.ep_create = udp_ep_create,
	.setopt = udp_setopt,
	.getopt = udp_getopt,
	.destroy = udp_destroy,
};

static int
udp_create(struct mr_stack *s, struct mr_transproto **out)
{
	struct udp *udp = calloc(1, sizeof(*udp));
	int rc;

	if (!udp)
		return -ENOMEM;
	udp->tp.ops = &udp_ops;
	udp->tp.stack = s;
	udp->rx_max = UDP_RCVBUF_DEFAULT;
	LIST_INIT(&udp->eps);
	rc = mr_pool_init(&udp->pool, &s->arena, "udp", sizeof(struct udp_ep), s->opts.max_endpoints);
	if (rc < 0) {
		free(udp);
		return rc;
	}
	*out = &udp->tp;
	return 0;
}

RTE_INIT(udp_register)
{
	mr_transproto_register("udp", udp_create);
}
