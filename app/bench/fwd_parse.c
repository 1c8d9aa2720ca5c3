/* SPDX-License-Identifier: Apache-2.0 */
/*
 * As much of a packet's structure as forwarding needs. Anything that is short, fragmented or unknown ends the reading, so
 * what is told is there.
 */
#include "app/bench/fwd.h"

#include <rte_ip.h>
#include <rte_tcp.h>
#include <rte_udp.h>

#define VLANS 2

static void
l4_read(const struct rte_mbuf *m, struct fwd_headers *h, uint8_t proto)
{
	uint16_t need = proto == IPPROTO_TCP ? sizeof(struct rte_tcp_hdr) : proto == IPPROTO_UDP ? sizeof(struct rte_udp_hdr) : 8;

	if (h->l4 + need <= rte_pktmbuf_data_len(m))
		h->l4_proto = proto;
}

static void
ipv4_read(const struct rte_mbuf *m, struct fwd_headers *h)
{
	const struct rte_ipv4_hdr *ip = rte_pktmbuf_mtod_offset(m, const struct rte_ipv4_hdr *, h->l3);

	if (h->l3 + sizeof(*ip) > rte_pktmbuf_data_len(m) || rte_ipv4_hdr_len(ip) < sizeof(*ip))
		return;
	h->l4 = h->l3 + rte_ipv4_hdr_len(ip);
	if (!(ip->fragment_offset & RTE_BE16(RTE_IPV4_HDR_MF_FLAG | RTE_IPV4_HDR_OFFSET_MASK)))
		l4_read(m, h, ip->next_proto_id);
}

static void
ipv6_read(const struct rte_mbuf *m, struct fwd_headers *h)
{
	const struct rte_ipv6_hdr *ip = rte_pktmbuf_mtod_offset(m, const struct rte_ipv6_hdr *, h->l3);

	if (h->l3 + sizeof(*ip) > rte_pktmbuf_data_len(m))
		return;
	h->l4 = h->l3 + sizeof(*ip);
	l4_read(m, h, ip->proto);
}

bool
fwd_parse(const struct rte_mbuf *m, struct fwd_headers *h)
{
	const struct rte_ether_hdr *eth = rte_pktmbuf_mtod(m, const struct rte_ether_hdr *);

	*h = (struct fwd_headers){.l3 = sizeof(*eth)};
	if (rte_pktmbuf_data_len(m) < sizeof(*eth))
		return false;
	h->ether_type_be = eth->ether_type;
	for (unsigned i = 0; i < VLANS && (h->ether_type_be == RTE_BE16(RTE_ETHER_TYPE_VLAN) ||
	                                   h->ether_type_be == RTE_BE16(RTE_ETHER_TYPE_QINQ)); i++) {
		const struct rte_vlan_hdr *vlan = rte_pktmbuf_mtod_offset(m, const struct rte_vlan_hdr *, h->l3);

		h->l3 += sizeof(*vlan);
		if (h->l3 > rte_pktmbuf_data_len(m))
			return false;
		h->ether_type_be = vlan->eth_proto;
	}
	if (h->ether_type_be == RTE_BE16(RTE_ETHER_TYPE_IPV4))
		ipv4_read(m, h);
	else if (h->ether_type_be == RTE_BE16(RTE_ETHER_TYPE_IPV6))
		ipv6_read(m, h);
	return h->l4 > 0;
}
