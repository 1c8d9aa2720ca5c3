/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Ping endpoints: ICMP and ICMPv6 echo (RFC 792, RFC 4443 4.1 and 4.2) as two transports of the datagram kind.
 *
 * The identifier is the port: reserved by the port manager, it names the endpoint that replies and errors are for. The
 * application reads and writes whole messages, header included; it chooses the sequence number and the data.
 *
 * Not here: validating messages and answering requests, which is ICMP's own and needs no endpoint (icmp.c, icmpv6.c).
 * Invariant: nothing but echo requests of the endpoint's own identifier is sent.
 */
#include "proto/dgram.h"

#include <errno.h>
#include <string.h>

#include "proto/icmp.h"

#define ID_OFF 4

/* ---- what comes in */

/* All are echo replies that ICMP has found good. */
static uint16_t
ping_parse(struct mr_transproto *tp, struct rte_mbuf **pkts, uint16_t n)
{
	(void)tp;
	for (uint16_t i = 0; i < n; i++) {
		struct mr_pkt *p = mr_pkt(pkts[i]);

		p->sport_be = 0;
		memcpy(&p->dport_be, rte_pktmbuf_mtod_offset(pkts[i], const char *, ID_OFF), sizeof(p->dport_be));
		p->trans_hdr_len = 0;
	}
	return n;
}

static void
ping_input(struct mr_transproto *tp, struct mr_flow **flows, struct rte_mbuf **pkts, uint16_t n)
{
	(void)tp;
	for (uint16_t i = 0; i < n; i++) {
		struct mr_dgram *d = (struct mr_dgram *)flows[i];

		mr_rxq_put(&d->rxq, &d->ep, &pkts[i], 1, mr_pkt(pkts[i])->netep->nic->id);
	}
}

static void
ping_unknown_dst(struct mr_transproto *tp, struct rte_mbuf *m)
{
	mr_drop(tp->stack, m, MR_DROP_ICMP_IGNORED);
}

static bool
ping_quoted(const void *quoted, uint16_t *local_be, uint16_t *remote_be)
{
	*remote_be = 0;
	return mr_icmp_is_echo(quoted, false, local_be);
}

static bool
ping6_quoted(const void *quoted, uint16_t *local_be, uint16_t *remote_be)
{
	*remote_be = 0;
	return mr_icmp_is_echo(quoted, true, local_be);
}

/* Errors are what one pings for: connected or not, and those too that other endpoints shrug off. */
static void
ping_control(struct mr_transproto *tp, struct mr_flow *f, enum mr_ctrl_type type, uint32_t extra, const void *quoted,
             uint16_t quoted_bytes)
{
	int err = mr_dgram_control_errno(type);

	(void)tp;
	(void)quoted;
	(void)quoted_bytes;
	if (type == MR_CTRL_TIME_EXCEEDED)
		err = -EHOSTUNREACH;
	else if (type == MR_CTRL_PARAM_PROBLEM)
		err = -EPROTO;
	mr_dgram_control((struct mr_dgram *)f, type, extra, err);
}

/* ---- what goes out */

static int
ping_push_one(struct mr_dgram *d, struct rte_mbuf *m, const struct mr_route *r)
{
	uint16_t id;
	int rc;

	if (!mr_pkt_linear(m, MR_ICMP_HDR_BYTES) ||
	    !mr_icmp_is_echo(rte_pktmbuf_mtod(m, const void *), d->net == MR_NET_IPV6, &id))
		return -EINVAL;
	rc = mr_dgram_autobind(d, r, 0);
	if (rc < 0)
		return rc;
	id = rte_cpu_to_be_16(d->local.port);
	memcpy(rte_pktmbuf_mtod_offset(m, char *, ID_OFF), &id, sizeof(id));
	mr_icmp_cksum_set(m, &r->local->addr, &r->remote);
	return 0;
}

static int
ping_push(struct mr_dgram *d, struct rte_mbuf **pkts, uint16_t n, const struct mr_route *r, const struct mr_sockaddr *to)
{
	(void)to;
	return mr_dgram_push_each(d, pkts, n, r, ping_push_one);
}

static const struct mr_dgram_kind ping_kind = {
	.rx = {MR_CNT_PING_RX_REPLIES, MR_DROP_PING_QUEUE_FULL, MR_DROP_PING_NO_MEMORY},
	.sent = MR_CNT_PING_TX_REQUESTS,
	.hdr_bytes = 0, /* it is part of the message */
	.ports = false,
	.push = ping_push,
};

static const struct mr_ep_ops ping_ep_ops = {
	MR_DGRAM_EP_OPS,
	.bind = mr_dgram_bind,
	.connect = mr_dgram_connect,
	.close = mr_dgram_close,
};

/* ---- the two protocols */

static int
ping_ep_create(struct mr_transproto *tp, uint16_t net, struct mr_ep **out)
{
	struct mr_dgram *d;
	int rc;

	if (net != (tp->ops->number == MR_TRANS_ICMP ? MR_NET_IPV4 : MR_NET_IPV6))
		return -EPROTONOSUPPORT;
	rc = mr_dgram_create(tp, net, &ping_ep_ops, &ping_kind, &d);
	if (rc < 0)
		return rc;
	d->v6only = true; /* no echo crosses families */
	*out = &d->ep;
	return 0;
}

static const struct mr_transproto_ops ping_ops = {
	.name = "icmp",
	.number = MR_TRANS_ICMP,
	.min_bytes = MR_ICMP_HDR_BYTES,
	.parse = ping_parse,
	.input = ping_input,
	.unknown_dst = ping_unknown_dst,
	.control = ping_control,
	.quoted_ports = ping_quoted,
	.output = mr_dgram_output,
	.ep_create = ping_ep_create,
	.setopt = mr_dgram_proto_setopt,
	.getopt = mr_dgram_proto_getopt,
	.destroy = mr_dgram_proto_destroy,
};

static const struct mr_transproto_ops ping6_ops = {
	.name = "icmpv6",
	.number = MR_TRANS_ICMPV6,
	.min_bytes = MR_ICMP_HDR_BYTES,
	.parse = ping_parse,
	.input = ping_input,
	.unknown_dst = ping_unknown_dst,
	.control = ping_control,
	.quoted_ports = ping6_quoted,
	.output = mr_dgram_output,
	.ep_create = ping_ep_create,
	.setopt = mr_dgram_proto_setopt,
	.getopt = mr_dgram_proto_getopt,
	.destroy = mr_dgram_proto_destroy,
};

static int
ping_create(struct mr_stack *s, struct mr_transproto **out)
{
	return mr_dgram_proto_create(s, &ping_ops, sizeof(struct mr_dgram), out);
}

static int
ping6_create(struct mr_stack *s, struct mr_transproto **out)
{
	return mr_dgram_proto_create(s, &ping6_ops, sizeof(struct mr_dgram), out);
}

RTE_INIT(ping_register)
{
	mr_transproto_register("icmp", ping_create);
	mr_transproto_register("icmpv6", ping6_create);
}
