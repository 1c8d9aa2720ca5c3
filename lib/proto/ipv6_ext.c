/* SPDX-License-Identifier: Apache-2.0 */
/*
 * IPv6 extension headers (RFC 8200 4): hop-by-hop options are read, behind the IPv6 header and nowhere else.
 *
 * An option that we do not know is passed over, or costs the packet its life, with a word to its sender or without, as
 * its two highest bits say (4.2). That has to wait for `input`, which knows that the packet is for us: those of others
 * are forwarded with whatever headers they have.
 *
 * Not here: any other extension header. Fragments and the rest are dropped by `input`.
 * Invariants: options are walked within their header, which is in one piece; the walk ends after OPTIONS_MAX of them and
 * as many bytes as one header may have (RFC 8504 5.3).
 */
#include "proto/ipv6_ext.h"

#include <string.h>

#include "proto/icmp.h"
#include "proto/ip.h"
#include "proto/ipv6.h"
#include "proto/mbuf.h"

#define UNIT 8               /* lengths of headers are in these, the first one not counted */
#define HEADER_MAX 256       /* bytes of one header */
#define OPTIONS_MAX 8        /* of one header, padding apart */
#define PADDING_MAX 7        /* bytes in a row: more align nothing */
#define NEXT_HEADER_OFF 6    /* in the IPv6 header */
#define OPT_PAD1 0
#define OPT_PADN 1
#define OPT_ROUTER_ALERT 5
#define ALERT_MLD 0
#define ACTION(type) ((type) >> 6)
#define ACTION_SKIP 0
#define ACTION_DROP 1
#define ACTION_TELL 2        /* 3: unless it was sent to a group */

/* What the options of a header come to. */
struct options {
	bool alert_mld;
	uint8_t unknown;      /* type of the first option that we do not know and may not pass over, at unknown_off */
	uint16_t unknown_off; /* from the header on; 0: there is none */
};

/* One option that is no padding; data is its value. @return false: malformed, or the end of the walk: see o->unknown_off */
static bool
option_read(struct options *o, uint8_t type, const uint8_t *data, uint8_t len, uint16_t off)
{
	if (type == OPT_ROUTER_ALERT) {
		if (len != 2)
			return false;
		o->alert_mld = data[0] == 0 && data[1] == ALERT_MLD;
		return true;
	}
	if (ACTION(type) == ACTION_SKIP)
		return true;
	o->unknown = type;
	o->unknown_off = off;
	return false;
}

/* Walk the options of a header of `bytes`. @return false: they are malformed, or too many */
static bool
options_walk(const uint8_t *h, uint32_t bytes, struct options *o)
{
	unsigned n = 0, padding = 0;
	uint32_t off = 2, step;

	*o = (struct options){0};
	for (; off < bytes; off += step) {
		bool pad = h[off] <= OPT_PADN;

		step = h[off] == OPT_PAD1 ? 1 : off + 1 < bytes ? 2u + h[off + 1] : UINT16_MAX;
		if (off + step > bytes)
			return false;
		padding = pad ? padding + step : 0;
		n += !pad;
		if (padding > PADDING_MAX || n > OPTIONS_MAX)
			return false;
		if (!pad && !option_read(o, h[off], h + off + 2, h[off + 1], (uint16_t)off))
			return o->unknown_off != 0;
	}
	return true;
}

static uint32_t
header_bytes(const uint8_t *h)
{
	return (h[1] + 1u) * UNIT;
}

static enum mr_counter
hop_by_hop(struct rte_mbuf *m, uint8_t *nh, uint32_t *off)
{
	const uint8_t *h;
	struct options o;
	uint32_t bytes;

	if (!mr_pkt_linear(m, *off + UNIT))
		return MR_DROP_IP_BAD_LENGTH;
	bytes = header_bytes(rte_pktmbuf_mtod_offset(m, const uint8_t *, *off));
	if (bytes > HEADER_MAX)
		return MR_DROP_IP_BAD_OPTIONS;
	if (!mr_pkt_linear(m, *off + bytes))
		return MR_DROP_IP_BAD_LENGTH;
	h = rte_pktmbuf_mtod_offset(m, const uint8_t *, *off);
	if (!options_walk(h, bytes, &o))
		return MR_DROP_IP_BAD_OPTIONS;
	if (o.unknown_off)
		return MR_CNT_MAX;
	*nh = h[0];
	*off += bytes;
	return MR_CNT_MAX;
}

enum mr_counter
mr_ipv6_ext_parse(struct rte_mbuf *m, uint8_t *nh, uint32_t *off)
{
	return *nh == MR_IPV6_HOP_BY_HOP ? hop_by_hop(m, nh, off) : MR_CNT_MAX;
}

/* Why a header that is not handled costs the packet its life; data at the header. */
static enum mr_counter
refuse(struct rte_mbuf *m, uint8_t nh)
{
	if (nh == MR_IPV6_FRAGMENT)
		return MR_DROP_IP_FRAGMENT;
	if (nh != MR_IPV6_ROUTING)
		return MR_DROP_IP_EXT_HDR;
	if (!mr_pkt_linear(m, UNIT))
		return MR_DROP_IP_BAD_LENGTH;
	return rte_pktmbuf_mtod(m, const uint8_t *)[2] == 0 ? MR_DROP_IP_SOURCE_ROUTE : MR_DROP_IP_EXT_HDR;
}

/* Options of which we do not know one: say which (RFC 4443 3.4), if it asks for that. Consumes m, data at the header. */
static void
unknown_option(struct mr_netproto *np, struct mr_nic *nic, struct rte_mbuf *m)
{
	const uint8_t *h = rte_pktmbuf_mtod(m, const uint8_t *);
	struct mr_pkt *p = mr_pkt(m);
	struct options o;
	uint32_t pointer;

	mr_count(np->stack, MR_DROP_IP_UNKNOWN_OPTION);
	options_walk(h, header_bytes(h), &o);
	if (ACTION(o.unknown) == ACTION_DROP) {
		mr_stack_free(np->stack, m);
		return;
	}
	pointer = (uint32_t)p->trans_off - p->net_off + o.unknown_off;
	/* The one error about options that is due to the sender of a group packet, too (RFC 4443 2.4 e). */
	if (ACTION(o.unknown) == ACTION_TELL && p->flags & MR_PKT_F_NET_MULTICAST) {
		p->netep = mr_nic_netep_primary(nic, &p->src);
		p->flags &= ~(MR_PKT_F_NET_MULTICAST | MR_PKT_F_LINK_MULTICAST | MR_PKT_F_LINK_BROADCAST);
	}
	/* Whether it may be answered at all depends on what is behind: an error may not. */
	p->trans_proto = h[0];
	p->trans_off += header_bytes(h);
	mr_icmpv6_bad_option(np, m, pointer);
}

void
mr_ipv6_ext_input(struct mr_netproto *np, struct mr_nic *nic, struct rte_mbuf **pkts, uint16_t n)
{
	for (uint16_t i = 0; i < n; i++) {
		uint8_t nh = mr_pkt(pkts[i])->trans_proto;

		if (nh != MR_IPV6_HOP_BY_HOP) {
			mr_drop(np->stack, pkts[i], refuse(pkts[i], nh));
		} else if (mr_ipv6_ext_next_off(pkts[i]) == NEXT_HEADER_OFF) {
			unknown_option(np, nic, pkts[i]);
		} else {
			/* Hop-by-hop options in a place where a host knows none (RFC 8200 4). */
			mr_count(np->stack, MR_DROP_IP_EXT_HDR);
			mr_icmpv6_error(np, pkts[i], MR_NET_ERR_PROTO_UNREACH);
		}
	}
}

uint32_t
mr_ipv6_ext_next_off(const struct rte_mbuf *m)
{
	const uint8_t *h = mr_pkt_net_hdr(m);
	uint32_t end = (uint32_t)mr_pkt(m)->trans_off - mr_pkt(m)->net_off, off = NEXT_HEADER_OFF;

	for (uint32_t at = MR_IPV6_HDR_BYTES; at < end; at += header_bytes(h + at))
		off = at;
	return off;
}

bool
mr_ipv6_ext_has_alert(const struct rte_mbuf *m)
{
	const uint8_t *h = mr_pkt_net_hdr(m);
	struct options o;

	if (h[NEXT_HEADER_OFF] != MR_IPV6_HOP_BY_HOP)
		return false;
	h += MR_IPV6_HDR_BYTES;
	return options_walk(h, header_bytes(h), &o) && o.alert_mld;
}

uint8_t
mr_ipv6_ext_push_alert(struct rte_mbuf *m, uint8_t nh)
{
	const uint8_t h[UNIT] = {nh, 0, OPT_ROUTER_ALERT, 2, 0, ALERT_MLD, OPT_PADN, 0};

	memcpy(mr_mbuf_prepend(m, sizeof(h)), h, sizeof(h));
	return MR_IPV6_HOP_BY_HOP;
}
