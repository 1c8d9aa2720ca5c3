/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The plain forward modes: io, mac, macswap, 5tswap, rxonly.
 */
#include "app/bench/fwd.h"

#include <rte_ethdev.h>
#include <rte_ip.h>
#include <rte_udp.h>

#define AHEAD 4 /* packets whose headers are fetched while one is worked on */

void
fwd_send(struct fwd_stream *s, struct rte_mbuf **pkts, uint16_t n)
{
	uint64_t bytes = 0;
	uint16_t sent;

	for (uint16_t i = 0; i < n; i++)
		bytes += pkts[i]->pkt_len;
	sent = rte_eth_tx_burst(s->tx_port, s->queue, pkts, n);
	/* What was taken may be gone by now; what was not is ours. */
	for (uint16_t i = sent; i < n; i++)
		bytes -= pkts[i]->pkt_len;
	s->count.tx_packets += sent;
	s->count.tx_bytes += bytes;
	s->count.tx_full += n - sent;
	if (sent < n)
		rte_pktmbuf_free_bulk(pkts + sent, n - sent);
}

unsigned
fwd_turn(struct fwd_stream *s)
{
	struct rte_mbuf *pkts[FWD_BURST_MOST];
	uint16_t n = rte_eth_rx_burst(s->rx_port, s->queue, pkts, s->burst), kept = n;

	if (n == 0)
		return 0;
	s->count.rx_packets += n;
	for (uint16_t i = 0; i < n; i++)
		s->count.rx_bytes += pkts[i]->pkt_len;
	if (s->mode->change) {
		kept = s->mode->change(s, pkts, n);
		s->count.unwanted += n - kept;
	}
	if (kept > 0)
		fwd_send(s, pkts, kept);
	return n;
}

/* ---- what is changed */

/* The headers of the packets that come first; the loops go on from there. */
static void
prefetch_first(struct rte_mbuf **pkts, uint16_t n)
{
	for (uint16_t i = 0; i < RTE_MIN(n, AHEAD); i++)
		rte_prefetch0(rte_pktmbuf_mtod(pkts[i], void *));
}

static void
prefetch_next(struct rte_mbuf **pkts, uint16_t i, uint16_t n)
{
	if (i + AHEAD < n)
		rte_prefetch0(rte_pktmbuf_mtod(pkts[i + AHEAD], void *));
}

static uint16_t
change_mac(struct fwd_stream *s, struct rte_mbuf **pkts, uint16_t n)
{
	prefetch_first(pkts, n);
	for (uint16_t i = 0; i < n; i++) {
		struct rte_ether_hdr *eth = rte_pktmbuf_mtod(pkts[i], struct rte_ether_hdr *);

		prefetch_next(pkts, i, n);
		eth->src_addr = s->own;
		eth->dst_addr = s->peer;
	}
	return n;
}

static void
ether_swap(struct rte_mbuf *m)
{
	struct rte_ether_hdr *eth = rte_pktmbuf_mtod(m, struct rte_ether_hdr *);
	struct rte_ether_addr a = eth->src_addr;

	eth->src_addr = eth->dst_addr;
	eth->dst_addr = a;
}

static uint16_t
change_macswap(struct fwd_stream *s, struct rte_mbuf **pkts, uint16_t n)
{
	(void)s;
	prefetch_first(pkts, n);
	for (uint16_t i = 0; i < n; i++) {
		prefetch_next(pkts, i, n);
		ether_swap(pkts[i]);
	}
	return n;
}

/* Swapped addresses and ports leave every checksum as it was. */
static void
tuple_swap(struct rte_mbuf *m)
{
	struct fwd_headers h;

	if (!fwd_parse(m, &h))
		return;
	if (h.ether_type_be == RTE_BE16(RTE_ETHER_TYPE_IPV4)) {
		struct rte_ipv4_hdr *ip = rte_pktmbuf_mtod_offset(m, struct rte_ipv4_hdr *, h.l3);
		rte_be32_t a = ip->src_addr;

		ip->src_addr = ip->dst_addr;
		ip->dst_addr = a;
	} else {
		struct rte_ipv6_hdr *ip = rte_pktmbuf_mtod_offset(m, struct rte_ipv6_hdr *, h.l3);
		uint8_t a[16];

		memcpy(a, ip->src_addr, sizeof(a));
		memcpy(ip->src_addr, ip->dst_addr, sizeof(a));
		memcpy(ip->dst_addr, a, sizeof(a));
	}
	if (h.l4_proto == IPPROTO_TCP || h.l4_proto == IPPROTO_UDP) {
		struct rte_udp_hdr *ports = rte_pktmbuf_mtod_offset(m, struct rte_udp_hdr *, h.l4);
		rte_be16_t p = ports->src_port;

		ports->src_port = ports->dst_port;
		ports->dst_port = p;
	}
}

static uint16_t
change_5tswap(struct fwd_stream *s, struct rte_mbuf **pkts, uint16_t n)
{
	(void)s;
	prefetch_first(pkts, n);
	for (uint16_t i = 0; i < n; i++) {
		prefetch_next(pkts, i, n);
		ether_swap(pkts[i]);
		tuple_swap(pkts[i]);
	}
	return n;
}

/* ---- modes */

static unsigned
turn_rxonly(struct fwd_stream *s)
{
	struct rte_mbuf *pkts[FWD_BURST_MOST];
	uint16_t n = rte_eth_rx_burst(s->rx_port, s->queue, pkts, s->burst);

	if (n == 0)
		return 0;
	s->count.rx_packets += n;
	for (uint16_t i = 0; i < n; i++)
		s->count.rx_bytes += pkts[i]->pkt_len;
	rte_pktmbuf_free_bulk(pkts, n);
	return n;
}

const struct fwd_mode fwd_io = {.name = "io", .help = "forward packets as they are", .turn = fwd_turn};
const struct fwd_mode fwd_mac = {
	.name = "mac",
	.help = "forward with our link address as the source and --peer-mac as the destination",
	.change = change_mac,
	.turn = fwd_turn,
};
const struct fwd_mode fwd_macswap = {
	.name = "macswap",
	.help = "forward with link addresses swapped",
	.change = change_macswap,
	.turn = fwd_turn,
};
const struct fwd_mode fwd_5tswap = {
	.name = "5tswap",
	.help = "the same with IP addresses and ports swapped too",
	.change = change_5tswap,
	.turn = fwd_turn,
};
const struct fwd_mode fwd_rxonly = {.name = "rxonly", .help = "receive and free", .turn = turn_rxonly};

const struct fwd_mode *const fwd_modes[] = {
	&fwd_io, &fwd_mac, &fwd_macswap, &fwd_5tswap, &fwd_csum, &fwd_icmpecho, &fwd_rxonly, &fwd_txonly, &fwd_flowgen, NULL,
};
