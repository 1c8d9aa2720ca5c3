/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Forward mode icmpecho: answers ARP requests and ICMP echo requests, for whatever address they are; nothing else.
 */
#include "app/bench/fwd.h"

#include <rte_icmp.h>
#include <rte_ip.h>

/* The type goes from 8 to 0, and the checksum with it (RFC 1624). */
static void
echo_turn_round(struct rte_mbuf *m, const struct fwd_headers *h)
{
	struct rte_ether_hdr *eth = rte_pktmbuf_mtod(m, struct rte_ether_hdr *);
	struct rte_ipv4_hdr *ip = rte_pktmbuf_mtod_offset(m, struct rte_ipv4_hdr *, h->l3);
	struct rte_icmp_hdr *icmp = rte_pktmbuf_mtod_offset(m, struct rte_icmp_hdr *, h->l4);
	struct rte_ether_addr mac = eth->src_addr;
	rte_be32_t addr = ip->src_addr;
	uint32_t sum = (uint16_t)~icmp->icmp_cksum + (uint32_t)(uint16_t)~RTE_BE16(RTE_IP_ICMP_ECHO_REQUEST << 8);

	eth->src_addr = eth->dst_addr;
	eth->dst_addr = mac;
	ip->src_addr = ip->dst_addr;
	ip->dst_addr = addr;
	icmp->icmp_type = RTE_IP_ICMP_ECHO_REPLY;
	sum = (sum & 0xffff) + (sum >> 16);
	icmp->icmp_cksum = (uint16_t)~((sum & 0xffff) + (sum >> 16));
}

static bool
is_echo_request(const struct rte_mbuf *m, const struct fwd_headers *h)
{
	const struct rte_icmp_hdr *icmp = rte_pktmbuf_mtod_offset(m, const struct rte_icmp_hdr *, h->l4);

	return h->ether_type_be == RTE_BE16(RTE_ETHER_TYPE_IPV4) && h->l4_proto == IPPROTO_ICMP &&
	       icmp->icmp_type == RTE_IP_ICMP_ECHO_REQUEST && icmp->icmp_code == 0;
}

static uint16_t
change_icmpecho(struct fwd_stream *s, struct rte_mbuf **pkts, uint16_t n)
{
	uint16_t kept = 0;

	for (uint16_t i = 0; i < n; i++) {
		struct rte_mbuf *m = pkts[i];
		struct fwd_headers h;

		if (fwd_parse(m, &h) && is_echo_request(m, &h)) {
			echo_turn_round(m, &h);
		} else if (!fwd_arp_answer(s, m, 0, 0)) {
			rte_pktmbuf_free(m);
			continue;
		}
		pkts[kept++] = m;
	}
	return kept;
}

const struct fwd_mode fwd_icmpecho = {
	.name = "icmpecho",
	.help = "answer ARP and ICMP echo requests for any address",
	.change = change_icmpecho,
	.turn = fwd_turn,
};
