/* SPDX-License-Identifier: Apache-2.0 */
/*
 * As much ARP as a port without a stack needs to be found by one, and to find one.
 */
#include "app/bench/fwd.h"

#include <string.h>

#include <rte_arp.h>
#include <rte_byteorder.h>
#include <rte_cycles.h>
#include <rte_ethdev.h>

#define TRIES 40 /* the other end may still be starting */
#define TRY_MS 100

/* The ARP part of a packet that has one, for IPv4 over Ethernet; NULL: it has not. */
static struct rte_arp_hdr *
arp_of(struct rte_mbuf *m)
{
	const struct rte_ether_hdr *eth = rte_pktmbuf_mtod(m, const struct rte_ether_hdr *);
	struct rte_arp_hdr *arp = rte_pktmbuf_mtod_offset(m, struct rte_arp_hdr *, sizeof(*eth));

	if (rte_pktmbuf_data_len(m) < sizeof(*eth) + sizeof(*arp) || eth->ether_type != RTE_BE16(RTE_ETHER_TYPE_ARP) ||
	    arp->arp_hardware != RTE_BE16(RTE_ARP_HRD_ETHER) || arp->arp_protocol != RTE_BE16(RTE_ETHER_TYPE_IPV4))
		return NULL;
	return arp;
}

bool
fwd_arp_answer(const struct fwd_stream *s, struct rte_mbuf *m, uint32_t first, uint32_t n)
{
	struct rte_ether_hdr *eth = rte_pktmbuf_mtod(m, struct rte_ether_hdr *);
	struct rte_arp_hdr *arp = arp_of(m);
	rte_be32_t wanted;

	if (!arp || arp->arp_opcode != RTE_BE16(RTE_ARP_OP_REQUEST))
		return false;
	wanted = arp->arp_data.arp_tip;
	if (n > 0 && rte_be_to_cpu_32(wanted) - first >= n)
		return false;
	eth->dst_addr = arp->arp_data.arp_sha;
	eth->src_addr = s->own;
	arp->arp_opcode = RTE_BE16(RTE_ARP_OP_REPLY);
	arp->arp_data.arp_tha = arp->arp_data.arp_sha;
	arp->arp_data.arp_tip = arp->arp_data.arp_sip;
	arp->arp_data.arp_sha = s->own;
	arp->arp_data.arp_sip = wanted;
	return true;
}

static void
request_send(const struct fwd_stream *s, uint32_t own, uint32_t addr)
{
	struct rte_mbuf *m = rte_pktmbuf_alloc(s->pool);
	struct rte_ether_hdr *eth;
	struct rte_arp_hdr *arp;

	if (!m)
		return;
	eth = (struct rte_ether_hdr *)rte_pktmbuf_append(m, sizeof(*eth) + sizeof(*arp));
	arp = (struct rte_arp_hdr *)(eth + 1);
	memset(&eth->dst_addr, 0xff, sizeof(eth->dst_addr));
	eth->src_addr = s->own;
	eth->ether_type = RTE_BE16(RTE_ETHER_TYPE_ARP);
	*arp = (struct rte_arp_hdr){
		.arp_hardware = RTE_BE16(RTE_ARP_HRD_ETHER),
		.arp_protocol = RTE_BE16(RTE_ETHER_TYPE_IPV4),
		.arp_hlen = RTE_ETHER_ADDR_LEN,
		.arp_plen = 4,
		.arp_opcode = RTE_BE16(RTE_ARP_OP_REQUEST),
		.arp_data = {.arp_sha = s->own, .arp_sip = rte_cpu_to_be_32(own), .arp_tip = rte_cpu_to_be_32(addr)},
	};
	if (rte_eth_tx_burst(s->tx_port, s->queue, &m, 1) == 0)
		rte_pktmbuf_free(m);
}

/* Look through what comes for a while; it is answered, or of no use. */
static bool
reply_wait(const struct fwd_stream *s, uint32_t own, uint32_t addr, struct rte_ether_addr *out)
{
	uint64_t end = rte_rdtsc() + rte_get_tsc_hz() / 1000 * TRY_MS;
	bool found = false;

	while (!found && rte_rdtsc() < end) {
		struct rte_mbuf *m;
		const struct rte_arp_hdr *arp;

		if (rte_eth_rx_burst(s->tx_port, s->queue, &m, 1) == 0)
			continue;
		arp = arp_of(m);
		if (arp && arp->arp_opcode == RTE_BE16(RTE_ARP_OP_REPLY) && arp->arp_data.arp_sip == rte_cpu_to_be_32(addr)) {
			*out = arp->arp_data.arp_sha;
			found = true;
		} else if (fwd_arp_answer(s, m, own, 1) && rte_eth_tx_burst(s->tx_port, s->queue, &m, 1) == 1) {
			continue;
		}
		rte_pktmbuf_free(m);
	}
	return found;
}

bool
fwd_arp_resolve(const struct fwd_stream *s, uint32_t own, uint32_t addr, struct rte_ether_addr *out)
{
	for (unsigned i = 0; i < TRIES; i++) {
		request_send(s, own, addr);
		if (reply_wait(s, own, addr, out))
			return true;
	}
	return false;
}
