/* SPDX-License-Identifier: Apache-2.0 */
/*
 * IPv4 (RFC 791, 1122 3.2.1): headers in, headers out.
 *
 * Not here: reassembly and fragmentation (fragments are dropped), forwarding, and acting on options, of which only the
 * form is checked; source routes are refused (RFC 7126). ICMP is in icmp.c, IGMP in igmp.c, what IPv6 shares in ip.c.
 * Invariant: a packet that parse lets pass has its whole header in one piece and no byte beyond its total length.
 */
#include "proto/ipv4.h"

#include <errno.h>
#include <string.h>

#include <rte_common.h>
#include <rte_ip.h>

#include "proto/arp.h"
#include "proto/cksum.h"
#include "proto/group_report.h"
#include "proto/icmp.h"
#include "proto/igmp.h"
#include "proto/ip.h"
#include "proto/mbuf.h"

#define HDR_BYTES 20
#define OPT_END 0
#define OPT_NOP 1
#define OPT_LSRR 131
#define OPT_SSRR 137
#define OPT_ROUTER_ALERT 148
#define OPT_ROUTER_ALERT_BYTES 4
#define TOS_CONTROL 0xc0 /* internetwork control */

const struct mr_addr mr_ipv4_all_hosts = {.b = {[10] = 0xff, 0xff, 224, 0, 0, 1}};

/* The form of the options (RFC 791 3.1). @return MR_CNT_MAX, or why the packet is dropped */
static enum mr_counter
options_check(const uint8_t *opt, unsigned len)
{
	while (len > 0 && opt[0] != OPT_END) {
		unsigned step = 1;

		if (opt[0] != OPT_NOP) {
			if (len < 2 || opt[1] < 2 || opt[1] > len)
				return MR_DROP_IP_BAD_OPTIONS;
			if (opt[0] == OPT_LSRR || opt[0] == OPT_SSRR)
				return MR_DROP_IP_SOURCE_ROUTE;
			step = opt[1];
		}
		opt += step;
		len -= step;
	}
	return MR_CNT_MAX;
}

/* May it be a source, coming from a wire or not? (RFC 1122 3.2.1.3) 0.0.0.0 only asks who is in groups (RFC 4541). */
static inline bool
src_is_bad(struct mr_nic *nic, const struct mr_addr *src, uint8_t proto, bool local)
{
	uint8_t top = src->b[12];

	if (unlikely(src->w[3] == 0))
		return proto != MR_TRANS_IGMP;
	if (top == 0 || (top & 0xf0) == 0xe0 || mr_nic_is_broadcast(nic, src))
		return true;
	return !local && (top == 127 || mr_stack_netep_find(nic->stack, nic, src));
}

/* Classify the destination: writes the NET flags. @return MR_CNT_MAX, or why the packet is dropped */
static inline enum mr_counter
dst_check(struct mr_nic *nic, struct mr_pkt *p, const struct mr_addr *dst, bool local)
{
	uint8_t top = dst->b[12];

	if (top == 0 || (top == 127 && !local))
		return MR_DROP_IP_BAD_DST;
	if ((top & 0xf0) == 0xe0)
		p->flags |= MR_PKT_F_NET_MULTICAST;
	else if (mr_nic_is_broadcast(nic, dst))
		p->flags |= MR_PKT_F_NET_BROADCAST;
	else if (p->flags & (MR_PKT_F_LINK_BROADCAST | MR_PKT_F_LINK_MULTICAST))
		return MR_DROP_IP_LINK_BCAST;
	return MR_CNT_MAX;
}

/* Addresses of which at least one is out of the ordinary. @return MR_CNT_MAX, or why the packet is dropped */
static __rte_noinline enum mr_counter
addrs_judge(struct mr_nic *nic, struct rte_mbuf *m, const struct mr_addr *dst)
{
	const struct rte_ipv4_hdr *h = rte_pktmbuf_mtod(m, const struct rte_ipv4_hdr *);
	struct mr_pkt *p = mr_pkt(m);
	bool local = mr_ip_is_local(nic, m);

	if (src_is_bad(nic, &p->src, h->next_proto_id, local))
		return MR_DROP_IP_BAD_SRC;
	return dst_check(nic, p, dst, local);
}

/* By the first byte of an address: is it of a special range? This network, loopback, groups and beyond. */
static const uint8_t special[256] = {[0] = 1, [127] = 1, [0xe0 ... 0xff] = 1};

/* Are both addresses of no special range, and for certain no broadcast, and the source none of ours? Then there is nothing
 * more to ask about them, and the pair is `known`. */
static inline bool
addrs_are_plain(const struct mr_nic *nic, const struct rte_ipv4_hdr *h, struct mr_addr src, struct mr_addr dst,
                uint64_t *known)
{
	/* Bits, all looked at: one jump is better than five. */
	unsigned odd = mr_addr_filter_may_have(&nic->bcast_filter, &src) | mr_addr_filter_may_have(&nic->bcast_filter, &dst) |
	               mr_addr_filter_may_have(&nic->stack->local_filter, &src);

	odd |= special[*(const uint8_t *)&h->src_addr] | special[*(const uint8_t *)&h->dst_addr];
	if (odd == 0)
		memcpy(known, &h->src_addr, sizeof(*known));
	return odd == 0;
}

/* Bursts tend to be of few senders. */
static inline bool
addrs_are_known(const struct rte_ipv4_hdr *h, uint64_t known)
{
	uint64_t pair;

	memcpy(&pair, &h->src_addr, sizeof(pair));
	return pair == known;
}

/* A header of `ihl` bytes, in one piece. @return MR_CNT_MAX, or why the packet is dropped */
static __rte_always_inline enum mr_counter
header_parse(struct mr_nic *nic, struct rte_mbuf *m, struct mr_addr *dst, uint8_t ihl, uint64_t *known)
{
	const struct rte_ipv4_hdr *h = rte_pktmbuf_mtod(m, const struct rte_ipv4_hdr *);
	const rte_be32_t src_be = h->src_addr, dst_be = h->dst_addr;
	struct mr_addr src = mr_ipv4_addr(src_be), to = mr_ipv4_addr(dst_be);
	struct mr_pkt *p = mr_pkt(m);
	uint32_t total = rte_be_to_cpu_16(h->total_length);
	enum mr_counter why;

	if (unlikely(total != m->pkt_len)) {
		if (total < ihl || total > m->pkt_len)
			return MR_DROP_IP_BAD_LENGTH;
		mr_mbuf_cut(m, total);
	}
	if (unlikely(!mr_cksum_rx_ipv4_ok(m, h, ihl)))
		return MR_DROP_IP_BAD_CKSUM;
	if (ihl > HDR_BYTES && (why = options_check((const uint8_t *)(h + 1), ihl - HDR_BYTES)) != MR_CNT_MAX)
		return why;
	p->src = src;
	*dst = to;
	if (unlikely(p->flags & (MR_PKT_F_LINK_BROADCAST | MR_PKT_F_LINK_MULTICAST) ||
	             (!addrs_are_known(h, *known) && !addrs_are_plain(nic, h, src, to, known))) &&
	    (why = addrs_judge(nic, m, dst)) != MR_CNT_MAX)
		return why;
	if (unlikely(h->fragment_offset & RTE_BE16(RTE_IPV4_HDR_MF_FLAG | RTE_IPV4_HDR_OFFSET_MASK)))
		p->flags |= MR_PKT_F_FRAGMENT;
	p->ttl = h->time_to_live;
	p->trans_proto = h->next_proto_id;
	p->tos = h->type_of_service;
	p->trans_off = m->data_off + ihl;
	p->trans_len = (uint16_t)(total - ihl);
	p->phdr_sum = (uint64_t)src_be + dst_be + rte_cpu_to_be_16(h->next_proto_id) +
	              rte_cpu_to_be_16((uint16_t)(total - ihl));
	return MR_CNT_MAX;
}

/* A header that is not the plain twenty bytes of version 4. */
static __rte_noinline enum mr_counter
long_header_parse(struct mr_nic *nic, struct rte_mbuf *m, struct mr_addr *dst, uint64_t *known)
{
	uint8_t vhl = *rte_pktmbuf_mtod(m, const uint8_t *), ihl = (vhl & 0xf) * 4;

	if (vhl >> 4 != 4)
		return MR_DROP_IP_BAD_VERSION;
	if (ihl < HDR_BYTES || !mr_pkt_linear(m, ihl))
		return MR_DROP_IP_BAD_LENGTH;
	return header_parse(nic, m, dst, ihl, known);
}

static inline enum mr_counter
ipv4_parse_one(struct mr_nic *nic, struct rte_mbuf *m, struct mr_addr *dst, uint64_t *known)
{
	/* The stack has seen to it that the shortest header is in one piece. */
	if (likely(*rte_pktmbuf_mtod(m, const uint8_t *) == RTE_IPV4_VHL_DEF))
		return header_parse(nic, m, dst, HDR_BYTES, known);
	return long_header_parse(nic, m, dst, known);
}

static uint16_t
ipv4_parse(struct mr_netproto *np, struct mr_nic *nic, struct rte_mbuf **pkts, struct mr_addr *dst, uint16_t n)
{
	(void)np;
	return mr_ip_parse_burst(nic, pkts, dst, n, ipv4_parse_one);
}

static bool
ipv4_tuple(struct mr_netproto *np, struct rte_mbuf *m, struct mr_tuple *out)
{
	const struct mr_pkt *p = mr_pkt(m);
	const struct rte_ipv4_hdr *h = mr_pkt_net_hdr(m);

	(void)np;
	if (p->trans_proto == MR_TRANS_IGMP)
		return mr_group_tuple(out);
	out->src = p->src;
	out->dst = mr_ipv4_addr(h->dst_addr);
	if (p->trans_proto == MR_TRANS_ICMP && !(p->flags & MR_PKT_F_FRAGMENT))
		return mr_icmp_tuple(m, false, out);
	mr_ip_tuple_ports(m, out);
	return true;
}

/* RFC 3927 2.7; and 0.0.0.0 is nobody beyond its link. */
static inline bool
stays_on_link(rte_be32_t a)
{
	return (a & RTE_BE32(0xffff0000)) == RTE_BE32(0xa9fe0000) || a == 0;
}

static inline enum mr_counter
ipv4_pass(struct rte_mbuf *m, uint16_t mtu)
{
	struct rte_ipv4_hdr *h = rte_pktmbuf_mtod(m, struct rte_ipv4_hdr *);
	uint32_t sum;

	if (unlikely(stays_on_link(h->src_addr) || stays_on_link(h->dst_addr)))
		return MR_DROP_IP_FWD_SCOPE;
	if (unlikely(h->time_to_live <= 1))
		return MR_DROP_IP_FWD_TTL;
	if (unlikely(m->pkt_len > mtu))
		return MR_DROP_IP_FWD_TOO_BIG;
	h->time_to_live--;
	/* RFC 1624: the header's sum is less by 256, so its complement more by that. */
	sum = (uint32_t)h->hdr_checksum + RTE_BE16(0x0100);
	h->hdr_checksum = (uint16_t)(sum + (sum >= 0xffff));
	return MR_CNT_MAX;
}

static uint16_t
ipv4_forward(struct mr_netproto *np, struct rte_mbuf **pkts, struct mr_hop *hops, uint16_t n)
{
	return mr_ip_forward_burst(np, pkts, hops, n, ipv4_pass);
}

/* What is known of the headers of a burst, whose third word is written before its checksum is known. An identification
 * serves reassembly; a datagram that is never fragmented needs none (RFC 6864 4.1). */
struct ipv4_head {
	const struct mr_route *route;
	uint32_t vhl_tos;     /* first word, without the length, in host order */
	uint32_t id_frag;     /* second word of the next packet, in host order */
	uint32_t id_step;     /* from one to the next */
	rte_be32_t ttl_proto; /* third word, without the checksum */
};

static inline struct ipv4_head
head_of(struct mr_ip *ip, const struct mr_route *r, const struct mr_ip_params *p, uint16_t n)
{
	struct ipv4_head head = {
		.route = r,
		.vhl_tos = (uint32_t)(RTE_IPV4_VHL_DEF << 8 | p->tos) << 16,
		.id_frag = RTE_IPV4_HDR_DF_FLAG,
		.ttl_proto = rte_cpu_to_be_32((uint32_t)(mr_ip_ttl(ip, p) << 8 | p->trans_proto) << 16),
	};

	if (!p->df) {
		head.id_frag = (uint32_t)ip->next_id << 16;
		head.id_step = 1 << 16;
		ip->next_id += n;
	}
	return head;
}

/* Does the NIC do the checksum? Not on the way to ourselves. */
static inline bool
cksum_is_offloaded(const struct mr_route *r)
{
	return mr_route_link_caps(r) & MR_LINK_CAP_TX_IPV4_CKSUM && !(r->flags & MR_ROUTE_F_LOCAL);
}

/* A header may lie anywhere. */
static inline void
word_put(char *to, rte_be32_t word)
{
	memcpy(to, &word, sizeof(word));
}

static inline void
ipv4_push(void *burst, struct rte_mbuf *m)
{
	struct ipv4_head *head = burst;
	const struct mr_route *r = head->route;
	char *h = mr_mbuf_prepend(m, HDR_BYTES);
	rte_be32_t first = rte_cpu_to_be_32(head->vhl_tos | (uint16_t)m->pkt_len);
	rte_be32_t second = rte_cpu_to_be_32(head->id_frag);
	uint64_t sum = (uint64_t)first + second + head->ttl_proto + r->addr_sum;

	word_put(h, first);
	word_put(h + 4, second);
	word_put(h + 8, head->ttl_proto);
	word_put(h + 12, mr_ipv4_be(&r->local->addr));
	word_put(h + 16, mr_ipv4_be(&r->remote));
	head->id_frag += head->id_step;
	if (unlikely(cksum_is_offloaded(r)))
		m->ol_flags |= RTE_MBUF_F_TX_IPV4 | RTE_MBUF_F_TX_IP_CKSUM;
	else
		((struct rte_ipv4_hdr *)h)->hdr_checksum = ~mr_cksum_fold(sum);
	if (unlikely(m->ol_flags)) /* else nobody asks */
		m->l3_len = HDR_BYTES;
}

static __rte_always_inline int
output_burst(struct mr_netproto *np, struct mr_route *r, struct rte_mbuf **pkts, uint16_t n, const struct mr_ip_params *p)
{
	struct ipv4_head head = head_of((struct mr_ip *)np, r, p, n);

	return mr_ip_output_burst(np, r, pkts, n, p, HDR_BYTES, ipv4_push, &head);
}

static __rte_noinline int
output_any(struct mr_netproto *np, struct mr_route *r, struct rte_mbuf **pkts, uint16_t n, const struct mr_ip_params *p)
{
	return output_burst(np, r, pkts, n, p);
}

/* A packet alone goes without the loop and what it takes to set it up. */
static int
ipv4_output(struct mr_netproto *np, struct mr_route *r, struct rte_mbuf **pkts, uint16_t n, const struct mr_ip_params *p)
{
	return likely(n == 1) ? output_burst(np, r, pkts, 1, p) : output_any(np, r, pkts, n, p);
}

void
mr_ipv4_push_alert(struct rte_mbuf *m, rte_be32_t src, rte_be32_t dst, uint8_t proto)
{
	static const uint8_t alert[OPT_ROUTER_ALERT_BYTES] = {OPT_ROUTER_ALERT, OPT_ROUTER_ALERT_BYTES, 0, 0};
	const uint16_t bytes = HDR_BYTES + sizeof(alert);
	struct rte_ipv4_hdr *h = mr_mbuf_prepend(m, bytes);

	*h = (struct rte_ipv4_hdr){
		.version_ihl = 4 << 4 | bytes / 4,
		.type_of_service = TOS_CONTROL,
		.total_length = rte_cpu_to_be_16((uint16_t)m->pkt_len),
		.fragment_offset = RTE_BE16(RTE_IPV4_HDR_DF_FLAG),
		.time_to_live = 1,
		.next_proto_id = proto,
		.src_addr = src,
		.dst_addr = dst,
	};
	memcpy(h + 1, alert, sizeof(alert));
	m->l3_len = bytes;
	h->hdr_checksum = ~mr_cksum_fold(mr_cksum_add(0, h, bytes));
}

bool
mr_ipv4_has_alert(const struct rte_mbuf *m)
{
	const struct rte_ipv4_hdr *h = mr_pkt_net_hdr(m);
	const uint8_t *opt = (const uint8_t *)(h + 1), *end = (const uint8_t *)h + (h->version_ihl & 0xf) * 4;

	/* Their form is right: options_check has seen them. */
	while (opt < end && *opt != OPT_END) {
		if (opt[0] == OPT_ROUTER_ALERT)
			return opt[1] == OPT_ROUTER_ALERT_BYTES;
		opt += opt[0] == OPT_NOP ? 1 : opt[1];
	}
	return false;
}

static int
ipv4_netep_open(struct mr_netproto *np, struct mr_netep *ep)
{
	int rc;

	if (ep->opened)
		return 0;
	rc = mr_group_join(np->stack, ep->nic->id, &mr_ipv4_all_hosts);
	if (rc < 0)
		return rc;
	ep->opened = true;
	mr_arp_announce(ep);
	return 0;
}

static void
ipv4_netep_close(struct mr_netproto *np, struct mr_netep *ep)
{
	if (!ep->opened)
		return;
	ep->opened = false;
	mr_group_leave(np->stack, ep->nic->id, &mr_ipv4_all_hosts);
}

static const struct mr_netproto_ops ipv4_ops = {
	.name = "ipv4",
	.number = MR_NET_IPV4,
	.min_bytes = HDR_BYTES,
	.hdr_bytes = HDR_BYTES,
	.parse = ipv4_parse,
	.tuple = ipv4_tuple,
	.input = mr_ip_input,
	.output = ipv4_output,
	.forward = ipv4_forward,
	.error = mr_icmp_error,
	.undeliverable = mr_ip_undeliverable,
	.netep_open = ipv4_netep_open,
	.netep_close = ipv4_netep_close,
	.group_join = mr_group_joined,
	.group_leave = mr_group_left,
	.setopt = mr_ip_setopt,
	.getopt = mr_ip_getopt,
	.destroy = mr_ip_destroy,
};

static int
ipv4_create(struct mr_stack *s, struct mr_netproto **out)
{
	int rc = mr_ip_create(s, &ipv4_ops, out);
	struct mr_ip *ip;

	if (rc < 0)
		return rc;
	ip = (struct mr_ip *)*out;
	ip->own[MR_TRANS_ICMP] = mr_icmp_input;
	ip->own[MR_TRANS_IGMP] = mr_igmp_input;
	return 0;
}

RTE_INIT(ipv4_register)
{
	mr_netproto_register("ipv4", ipv4_create);
}
