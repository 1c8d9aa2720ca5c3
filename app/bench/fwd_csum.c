/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Forward mode csum: every IPv4 header, TCP and UDP checksum is computed anew, by the port if it can, and the link
 * addresses are set as in mac. A UDP checksum of zero over IPv4 means none, and stays.
 */
#include "app/bench/fwd.h"

#include <rte_byteorder.h>
#include <rte_ip.h>
#include <rte_tcp.h>
#include <rte_udp.h>

/* Sum from an offset of the first segment on, folded. DPDK's own of a chain loses carries behind an odd segment. */
static uint16_t
payload_sum(const struct rte_mbuf *m, uint16_t off, uint32_t left)
{
	uint32_t sum = 0, done = 0;

	for (; m && left > 0; m = m->next, off = 0) {
		uint32_t n = RTE_MIN((uint32_t)(rte_pktmbuf_data_len(m) - off), left);
		uint16_t part = rte_raw_cksum(rte_pktmbuf_mtod_offset(m, const void *, off), n);

		sum += done & 1 ? rte_bswap16(part) : part;
		done += n;
		left -= n;
	}
	sum = (sum & 0xffff) + (sum >> 16);
	return (uint16_t)((sum & 0xffff) + (sum >> 16));
}

/* Bytes behind the IP header, as it says: frames may be padded. */
static uint32_t
l4_bytes(const void *ip, const struct fwd_headers *h)
{
	if (h->ether_type_be == RTE_BE16(RTE_ETHER_TYPE_IPV4))
		return rte_be_to_cpu_16(((const struct rte_ipv4_hdr *)ip)->total_length) - (h->l4 - h->l3);
	return rte_be_to_cpu_16(((const struct rte_ipv6_hdr *)ip)->payload_len);
}

static void
l4_software(struct rte_mbuf *m, const struct fwd_headers *h, unaligned_uint16_t *field)
{
	const void *ip = rte_pktmbuf_mtod_offset(m, const void *, h->l3);
	bool v4 = h->ether_type_be == RTE_BE16(RTE_ETHER_TYPE_IPV4);
	uint32_t sum = v4 ? rte_ipv4_phdr_cksum(ip, 0) : rte_ipv6_phdr_cksum(ip, 0);
	uint16_t folded;

	*field = 0;
	sum += payload_sum(m, h->l4, RTE_MIN(l4_bytes(ip, h), m->pkt_len - h->l4));
	folded = (uint16_t)~((sum & 0xffff) + (sum >> 16));
	/* Zero would say that there is none. */
	*field = folded == 0 && h->l4_proto == IPPROTO_UDP ? 0xffff : folded;
}

/* The port wants the pseudo header's sum in the field. */
static void
l4_offload(struct rte_mbuf *m, const struct fwd_headers *h, unaligned_uint16_t *field)
{
	const void *ip = rte_pktmbuf_mtod_offset(m, const void *, h->l3);
	bool v4 = h->ether_type_be == RTE_BE16(RTE_ETHER_TYPE_IPV4);

	m->l2_len = h->l3;
	m->l3_len = h->l4 - h->l3;
	m->ol_flags |= (v4 ? RTE_MBUF_F_TX_IPV4 : RTE_MBUF_F_TX_IPV6) |
	               (h->l4_proto == IPPROTO_TCP ? RTE_MBUF_F_TX_TCP_CKSUM : RTE_MBUF_F_TX_UDP_CKSUM);
	*field = v4 ? rte_ipv4_phdr_cksum(ip, m->ol_flags) : rte_ipv6_phdr_cksum(ip, m->ol_flags);
}

/* Where the transport's checksum is; 0: there is none to compute. */
static uint16_t
l4_field(struct rte_mbuf *m, const struct fwd_headers *h)
{
	const struct rte_udp_hdr *udp = rte_pktmbuf_mtod_offset(m, const struct rte_udp_hdr *, h->l4);

	if (h->l4_proto == IPPROTO_TCP)
		return h->l4 + offsetof(struct rte_tcp_hdr, cksum);
	if (h->l4_proto != IPPROTO_UDP || (udp->dgram_cksum == 0 && h->ether_type_be == RTE_BE16(RTE_ETHER_TYPE_IPV4)))
		return 0;
	return h->l4 + offsetof(struct rte_udp_hdr, dgram_cksum);
}

static void
packet_sum(const struct fwd_stream *s, struct rte_mbuf *m)
{
	struct fwd_headers h;
	unaligned_uint16_t *field;
	uint16_t at;

	m->ol_flags &= RTE_MBUF_F_INDIRECT | RTE_MBUF_F_EXTERNAL;
	if (!fwd_parse(m, &h))
		return;
	/* Options may lie in a segment of their own; then the sum stays as it is. */
	if (h.ether_type_be == RTE_BE16(RTE_ETHER_TYPE_IPV4) && h.l4 <= rte_pktmbuf_data_len(m)) {
		struct rte_ipv4_hdr *ip = rte_pktmbuf_mtod_offset(m, struct rte_ipv4_hdr *, h.l3);

		ip->hdr_checksum = 0;
		ip->hdr_checksum = (uint16_t)~rte_raw_cksum(ip, h.l4 - h.l3);
	}
	at = l4_field(m, &h);
	if (!at)
		return;
	field = rte_pktmbuf_mtod_offset(m, unaligned_uint16_t *, at);
	if (s->l4_offload)
		l4_offload(m, &h, field);
	else
		l4_software(m, &h, field);
}

static uint16_t
change_csum(struct fwd_stream *s, struct rte_mbuf **pkts, uint16_t n)
{
	for (uint16_t i = 0; i < n; i++) {
		struct rte_ether_hdr *eth = rte_pktmbuf_mtod(pkts[i], struct rte_ether_hdr *);

		if (i + 1 < n)
			rte_prefetch0(rte_pktmbuf_mtod(pkts[i + 1], void *));
		packet_sum(s, pkts[i]);
		eth->src_addr = s->own;
		eth->dst_addr = s->peer;
	}
	return n;
}

const struct fwd_mode fwd_csum = {
	.name = "csum",
	.help = "forward with all checksums computed anew, and link addresses as in mac",
	.change = change_csum,
	.turn = fwd_turn,
};
