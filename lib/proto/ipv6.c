/* SPDX-License-Identifier: Apache-2.0 */
/*
 * IPv6 (RFC 8200): headers in, headers out, and what an address brings with it: its solicited-node group, and for the
 * first one of a NIC a link-local address.
 *
 * Not here: reassembly, forwarding, autoconfiguration, duplicate detection. Extension headers are in ipv6_ext.c, ICMPv6
 * is in icmpv6.c, neighbour discovery in ndp.c, what IPv4 shares in ip.c.
 * Invariant: a packet that parse lets pass has its headers in one piece and no byte beyond its payload length, and
 * neither address is v4-mapped: inside, those mean IPv4 (B-34).
 */
#include "proto/ipv6.h"

#include <errno.h>
#include <string.h>

#include <rte_common.h>
#include <rte_ip.h>

#include "proto/cksum.h"
#include "proto/group_report.h"
#include "proto/icmp.h"
#include "proto/ip.h"
#include "proto/ipv6_ext.h"
#include "proto/mbuf.h"
#include "proto/mld.h"
#include "proto/ndp.h"

#define HDR_BYTES MR_IPV6_HDR_BYTES
#define SCOPE_INTERFACE 1

const struct mr_addr mr_ipv6_all_nodes = {.b = {0xff, 0x02, [15] = 1}};

struct mr_addr
mr_ipv6_solicited_node(const struct mr_addr *a)
{
	return (struct mr_addr){.b = {0xff, 0x02, [11] = 1, 0xff, a->b[13], a->b[14], a->b[15]}};
}

/* May it be a source, coming from a wire or not? The unspecified one only asks and reports (RFC 4291 2.5.2). */
static inline bool
src_is_bad(struct mr_nic *nic, const struct mr_addr *src, uint8_t nh, bool local)
{
	if (mr_addr_is_multicast(src) || mr_addr_is_v4(src))
		return true;
	if (mr_addr_is_any(src))
		return nh != MR_TRANS_ICMPV6;
	return !local && (mr_addr_is_loopback(src) || mr_stack_netep_find(nic->stack, nic, src));
}

/* Classify the destination: writes the NET flag. @return MR_CNT_MAX, or why the packet is dropped */
static inline enum mr_counter
dst_check(struct mr_pkt *p, const struct mr_addr *dst, bool local)
{
	if (dst->b[0] == 0xff) {
		uint8_t scope = dst->b[1] & 0xf;

		if (scope == 0 || (scope == SCOPE_INTERFACE && !local))
			return MR_DROP_IP_BAD_DST;
		p->flags |= MR_PKT_F_NET_MULTICAST;
		return MR_CNT_MAX;
	}
	if (mr_addr_is_any(dst) || mr_addr_is_v4(dst) || (mr_addr_is_loopback(dst) && !local))
		return MR_DROP_IP_BAD_DST;
	if (p->flags & (MR_PKT_F_LINK_BROADCAST | MR_PKT_F_LINK_MULTICAST))
		return MR_DROP_IP_LINK_BCAST;
	return MR_CNT_MAX;
}

/* An address of no special range: ::, ::1 and what stands for IPv4 begin with 0, multicast with ff. */
static inline bool
is_plain(const struct mr_addr *a)
{
	return (uint8_t)(a->b[0] - 1) < 0xfe;
}

/* Both addresses. @return MR_CNT_MAX, or why the packet is dropped */
static inline enum mr_counter
addrs_check(struct mr_nic *nic, struct rte_mbuf *m, const struct mr_addr *dst, uint8_t nh)
{
	struct mr_pkt *p = mr_pkt(m);
	bool local;

	if (likely(is_plain(&p->src) && is_plain(dst) &&
	           !(p->flags & (MR_PKT_F_LINK_BROADCAST | MR_PKT_F_LINK_MULTICAST)) &&
	           !mr_addr_filter_may_have(&nic->stack->local_filter, &p->src)))
		return MR_CNT_MAX;
	local = mr_ip_is_local(nic, m);
	return src_is_bad(nic, &p->src, nh, local) ? MR_DROP_IP_BAD_SRC : dst_check(p, dst, local);
}

/* Facts of a packet whose length is right; `off` bytes from its data on follows what is of type `nh`. @return MR_CNT_MAX, or
 * why it is dropped */
static __rte_always_inline enum mr_counter
headers_parse(struct mr_nic *nic, struct rte_mbuf *m, struct mr_addr *dst, uint8_t nh, uint32_t off)
{
	const struct rte_ipv6_hdr *h = rte_pktmbuf_mtod(m, const struct rte_ipv6_hdr *);
	struct mr_pkt *p = mr_pkt(m);
	enum mr_counter why;

	memcpy(&p->src, h->src_addr, sizeof(p->src));
	memcpy(dst, h->dst_addr, sizeof(*dst));
	why = addrs_check(nic, m, dst, nh);
	if (unlikely(why != MR_CNT_MAX))
		return why;
	p->trans_proto = nh;
	p->ttl = h->hop_limits;
	p->tos = (uint8_t)(rte_be_to_cpu_32(h->vtc_flow) >> 20);
	p->trans_off = m->data_off + off;
	p->trans_len = (uint16_t)(m->pkt_len - off);
	p->phdr_sum = mr_cksum_phdr_sum(&p->src, dst, p->trans_proto, p->trans_len);
	return MR_CNT_MAX;
}

/* A packet with extension headers. */
static __rte_noinline enum mr_counter
ext_headers_parse(struct mr_nic *nic, struct rte_mbuf *m, struct mr_addr *dst, uint8_t nh)
{
	uint32_t off = HDR_BYTES;
	enum mr_counter why = mr_ipv6_ext_parse(m, &nh, &off);

	return why == MR_CNT_MAX ? headers_parse(nic, m, dst, nh, off) : why;
}

static inline enum mr_counter
ipv6_parse_one(struct mr_nic *nic, struct rte_mbuf *m, struct mr_addr *dst, uint64_t *known)
{
	const struct rte_ipv6_hdr *h;
	uint32_t len;

	(void)known;
	if (unlikely(!mr_pkt_linear(m, HDR_BYTES)))
		return MR_DROP_NET_SHORT;
	h = rte_pktmbuf_mtod(m, const struct rte_ipv6_hdr *);
	if (*(const uint8_t *)h >> 4 != 6)
		return MR_DROP_IP_BAD_VERSION;
	len = HDR_BYTES + rte_be_to_cpu_16(h->payload_len);
	if (len > m->pkt_len)
		return MR_DROP_IP_BAD_LENGTH;
	mr_mbuf_trim(m, len);
	if (unlikely(mr_ipv6_is_ext(h->proto)))
		return ext_headers_parse(nic, m, dst, h->proto);
	return headers_parse(nic, m, dst, h->proto, HDR_BYTES);
}

static uint16_t
ipv6_parse(struct mr_netproto *np, struct mr_nic *nic, struct rte_mbuf **pkts, struct mr_addr *dst, uint16_t n)
{
	(void)np;
	return mr_ip_parse_burst(nic, pkts, dst, n, ipv6_parse_one);
}

static bool
ipv6_tuple(struct mr_netproto *np, struct rte_mbuf *m, struct mr_tuple *out)
{
	const struct mr_pkt *p = mr_pkt(m);
	const struct rte_ipv6_hdr *h = mr_pkt_net_hdr(m);

	(void)np;
	/* It will be answered, once. */
	if (mr_ipv6_is_ext(p->trans_proto))
		return false;
	out->src = p->src;
	memcpy(&out->dst, h->dst_addr, sizeof(out->dst));
	if (p->trans_proto == MR_TRANS_ICMPV6)
		return mr_mld_tuple(m, out) || mr_icmp_tuple(m, true, out);
	mr_ip_tuple_ports(m, out);
	return true;
}

/* An address that means something on its own link only (RFC 4291 2.5.2, 2.5.6). */
static inline bool
stays_on_link(const uint8_t *a)
{
	static const uint8_t any[16];

	return (a[0] == 0xfe && (a[1] & 0xc0) == 0x80) || memcmp(a, any, sizeof(any)) == 0;
}

static inline enum mr_counter
ipv6_pass(struct rte_mbuf *m, uint16_t mtu)
{
	struct rte_ipv6_hdr *h = rte_pktmbuf_mtod(m, struct rte_ipv6_hdr *);

	if (unlikely(stays_on_link(h->src_addr)))
		return MR_DROP_IP_FWD_SCOPE;
	if (unlikely(h->hop_limits <= 1))
		return MR_DROP_IP_FWD_TTL;
	if (unlikely(m->pkt_len > mtu))
		return MR_DROP_IP_FWD_TOO_BIG;
	h->hop_limits--;
	return MR_CNT_MAX;
}

static uint16_t
ipv6_forward(struct mr_netproto *np, struct rte_mbuf **pkts, struct mr_hop *hops, uint16_t n)
{
	return mr_ip_forward_burst(np, pkts, hops, n, ipv6_pass);
}

static inline uint64_t
mix(uint64_t a, uint64_t b)
{
	unsigned __int128 p = (unsigned __int128)a * b;

	return (uint64_t)p ^ (uint64_t)(p >> 64);
}

/* The same for all packets of a flow, not to be guessed for others (RFC 6437 2 and 3); never 0, which means none. */
static inline uint32_t
flow_label(const struct mr_ip *ip, const struct mr_route *r, const struct rte_mbuf *m, uint8_t trans_proto)
{
	const struct mr_addr *src = &r->local->addr, *dst = &r->remote;
	uint32_t ports = 0, label;
	uint64_t h;

	if ((trans_proto == MR_TRANS_TCP || trans_proto == MR_TRANS_UDP) && m->data_len >= sizeof(ports))
		memcpy(&ports, rte_pktmbuf_mtod(m, const char *), sizeof(ports));
	/* The label need not tell other addresses apart: it stands beside them. */
	h = mix(src->d[0] ^ ip->label_key[0], src->d[1] ^ ip->label_key[1]);
	h = mix(h ^ dst->d[0] ^ (uint64_t)ports << 8 ^ trans_proto, dst->d[1] ^ ip->label_key[2]);
	label = (uint32_t)(h ^ h >> 32) & 0xfffff;
	return label ? label : 1;
}

static inline void
push(struct rte_mbuf *m, const struct mr_addr *src, const struct mr_addr *dst, uint8_t trans_proto, uint8_t hop_limit,
     uint32_t tc_label)
{
	uint32_t len = m->pkt_len;
	struct rte_ipv6_hdr *h = mr_mbuf_prepend(m, HDR_BYTES);

	h->vtc_flow = rte_cpu_to_be_32(6u << 28 | tc_label);
	h->payload_len = rte_cpu_to_be_16((uint16_t)len);
	h->proto = trans_proto;
	h->hop_limits = hop_limit;
	memcpy(h->src_addr, src, sizeof(h->src_addr));
	memcpy(h->dst_addr, dst, sizeof(h->dst_addr));
	if (unlikely(m->ol_flags)) /* else nobody asks */
		m->l3_len = HDR_BYTES;
}

void
mr_ipv6_push_plain(struct rte_mbuf *m, const struct mr_addr *src, const struct mr_addr *dst, uint8_t trans_proto,
                   uint8_t hop_limit)
{
	push(m, src, dst, trans_proto, hop_limit, 0);
}

/* What the headers of a burst have in common. */
struct ipv6_head {
	const struct mr_ip *ip;
	const struct mr_route *route;
	uint8_t trans_proto, hop_limit, tos;
};

static inline void
ipv6_push(void *burst, struct rte_mbuf *m)
{
	const struct ipv6_head *head = burst;
	const struct mr_route *r = head->route;
	uint32_t tc_label = (uint32_t)head->tos << 20 | flow_label(head->ip, r, m, head->trans_proto);

	push(m, &r->local->addr, &r->remote, head->trans_proto, head->hop_limit, tc_label);
}

static __rte_always_inline int
output_burst(struct mr_netproto *np, struct mr_route *r, struct rte_mbuf **pkts, uint16_t n, const struct mr_ip_params *p)
{
	const struct mr_ip *ip = (const struct mr_ip *)np;
	struct ipv6_head head = {ip, r, p->trans_proto, mr_ip_ttl(ip, p), p->tos};

	return mr_ip_output_burst(np, r, pkts, n, p, HDR_BYTES, ipv6_push, &head);
}

static __rte_noinline int
output_any(struct mr_netproto *np, struct mr_route *r, struct rte_mbuf **pkts, uint16_t n, const struct mr_ip_params *p)
{
	return output_burst(np, r, pkts, n, p);
}

/* A packet alone goes without the loop and what it takes to set it up. */
static int
ipv6_output(struct mr_netproto *np, struct mr_route *r, struct rte_mbuf **pkts, uint16_t n, const struct mr_ip_params *p)
{
	return likely(n == 1) ? output_burst(np, r, pkts, 1, p) : output_any(np, r, pkts, n, p);
}

const struct mr_netep *
mr_ipv6_linklocal(const struct mr_nic *nic)
{
	const struct mr_netep *ep;

	TAILQ_FOREACH(ep, &nic->configured, configured) {
		if (mr_addr_is_linklocal(&ep->addr))
			return ep;
	}
	return NULL;
}

/* fe80:: and the modified EUI-64 of the link address (RFC 4291 app. A, RFC 2464 5). */
static int
add_linklocal(struct mr_nic *nic)
{
	const uint8_t *ll = nic->lladdr.b;
	struct mr_subnet a = {
		.addr = {.b = {0xfe, 0x80, [8] = ll[0] ^ 2, ll[1], ll[2], 0xff, 0xfe, ll[3], ll[4], ll[5]}},
		.plen = 64,
	};

	return mr_addr_add(nic->stack, nic->id, &a, MR_PEB_CAN_BE_PRIMARY);
}

/* All nodes, and the solicited-node group (RFC 4291 2.8). @return 0 or -errno: neither is joined */
static int
join_groups(struct mr_netproto *np, struct mr_netep *ep)
{
	struct mr_addr group = mr_ipv6_solicited_node(&ep->addr);
	uint16_t nic = ep->nic->id;
	int rc;

	rc = mr_group_join(np->stack, nic, &mr_ipv6_all_nodes);
	if (rc < 0)
		return rc;
	rc = mr_group_join(np->stack, nic, &group);
	if (rc < 0)
		mr_group_leave(np->stack, nic, &mr_ipv6_all_nodes);
	return rc;
}

static int
ipv6_netep_open(struct mr_netproto *np, struct mr_netep *ep)
{
	struct mr_nic *nic = ep->nic;
	bool made = false;
	int rc = 0;

	/* The link-local address that is added below may be met again by whoever opens all addresses of a NIC. */
	if (ep->opened)
		return 0;
	/* Every interface has one (RFC 4291 2.8); without link addresses there is nothing to make it from. It comes first,
	 * for groups are reported from it. */
	if (mr_addr_is_linklocal(&ep->addr)) {
		mr_mld_linklocal_up(nic);
	} else if (nic->lladdr.len == 6 && !mr_ipv6_linklocal(nic)) {
		rc = add_linklocal(nic);
		made = rc == 0;
	}
	if (rc == 0)
		rc = join_groups(np, ep);
	if (rc < 0) {
		if (made)
			mr_addr_remove(np->stack, nic->id, &mr_ipv6_linklocal(nic)->addr);
		return rc;
	}
	ep->opened = true;
	mr_ndp_announce(ep);
	return 0;
}

static void
ipv6_netep_close(struct mr_netproto *np, struct mr_netep *ep)
{
	struct mr_addr group = mr_ipv6_solicited_node(&ep->addr);

	if (!ep->opened)
		return;
	ep->opened = false;
	mr_group_leave(np->stack, ep->nic->id, &group);
	mr_group_leave(np->stack, ep->nic->id, &mr_ipv6_all_nodes);
}

static const struct mr_netproto_ops ipv6_ops = {
	.name = "ipv6",
	.number = MR_NET_IPV6,
	.min_bytes = HDR_BYTES,
	.hdr_bytes = HDR_BYTES,
	.parse = ipv6_parse,
	.tuple = ipv6_tuple,
	.input = mr_ip_input,
	.output = ipv6_output,
	.forward = ipv6_forward,
	.error = mr_icmpv6_error,
	.undeliverable = mr_ip_undeliverable,
	.netep_open = ipv6_netep_open,
	.netep_close = ipv6_netep_close,
	.group_join = mr_group_joined,
	.group_leave = mr_group_left,
	.setopt = mr_ip_setopt,
	.getopt = mr_ip_getopt,
	.destroy = mr_ip_destroy,
	.resolver = &mr_ndp_resolver,
};

static int
ipv6_create(struct mr_stack *s, struct mr_netproto **out)
{
	int rc = mr_ip_create(s, &ipv6_ops, out);
	struct mr_ip *ip;

	if (rc < 0)
		return rc;
	ip = (struct mr_ip *)*out;
	ip->own[MR_TRANS_ICMPV6] = mr_icmpv6_input;
	for (unsigned nh = 0; nh < RTE_DIM(ip->own); nh++) {
		if (mr_ipv6_is_ext((uint8_t)nh))
			ip->own[nh] = mr_ipv6_ext_input;
	}
	return 0;
}

RTE_INIT(ipv6_register)
{
	mr_netproto_register("ipv6", ipv6_create);
}
