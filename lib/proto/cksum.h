/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Internet checksums (RFC 1071) over memory and mbuf chains, and who computes them: nobody, the NIC, or we.
 *
 * Packets that never leave this host are not summed at all: the loop marks them as verified, and their field holds the
 * pseudo-header sum, as a NIC would want it. Not here: who sets l2_len and l3_len, which an offload also needs; that is
 * the network protocol's output and the framing's push.
 *
 * Sums are kept in memory order (a folded sum is stored and compared as it is, on either endianness), not yet
 * complemented unless a function says so. rte_raw_cksum_mbuf is not used: it truncates the sum of a segment that begins
 * at an odd offset (DPDK 22.11), so chains with odd segments come out wrong.
 */
#ifndef MR_PROTO_CKSUM_H
#define MR_PROTO_CKSUM_H

#include <stdbool.h>
#include <stdint.h>
#include <string.h>

#include <rte_byteorder.h>
#include <rte_mbuf.h>

#include "stack/millrace.h"
#include "stack/pkt.h"
#include "stack/route.h"

/* Sum of two sums, the carry added at the other end. */
static inline uint64_t
mr_cksum_join(uint64_t a, uint64_t b)
{
	uint64_t r;

	return __builtin_add_overflow(a, b, &r) ? r + 1 : r;
}

static inline uint64_t
mr_cksum_word(uint64_t sum, const void *p)
{
	uint64_t w;

	memcpy(&w, p, sizeof(w));
	return mr_cksum_join(sum, w);
}

/* Add `len` bytes that begin at an even offset. The result is for mr_cksum_join and mr_cksum_fold, not for plus. */
static inline uint64_t
mr_cksum_add(uint64_t sum, const void *buf, size_t len)
{
	/* Two sums, which the processor adds to side by side, and one of so little that nothing is carried. */
	uint64_t other = 0, rest = 0;
	const char *p = buf;

	for (; len >= 32; len -= 32, p += 32) {
		sum = mr_cksum_word(sum, p);
		other = mr_cksum_word(other, p + 8);
		sum = mr_cksum_word(sum, p + 16);
		other = mr_cksum_word(other, p + 24);
	}
	if (len & 16) {
		sum = mr_cksum_word(sum, p);
		other = mr_cksum_word(other, p + 8);
		p += 16;
	}
	if (len & 8) {
		sum = mr_cksum_word(sum, p);
		p += 8;
	}
	/* The last bytes are added as they are loaded: put together in memory first, they would be waited for. */
	if (len & 4) {
		uint32_t w;

		memcpy(&w, p, sizeof(w));
		rest += w;
	}
	if (len & 2) {
		uint16_t w;

		memcpy(&w, p + (len & 4), sizeof(w));
		rest += w;
	}
	if (len & 1)
		rest += rte_cpu_to_le_16((uint8_t)p[len & 6]);
	return mr_cksum_join(mr_cksum_join(sum, other), rest);
}

/* A number plus itself turned round has the folded sum in its upper half. */
static inline uint16_t
mr_cksum_fold32(uint32_t sum)
{
	sum += sum >> 16 | sum << 16;
	return (uint16_t)(sum >> 16);
}

static inline uint16_t
mr_cksum_fold(uint64_t sum)
{
	sum += sum >> 32 | sum << 32;
	return mr_cksum_fold32((uint32_t)(sum >> 32));
}

/* Does a sum, which is not 0, fold to all ones? Then what was summed is as it was sent. Such sums are the multiples of
 * 0xffff. Multiplied by its inverse modulo 2^64 these are divided by it; everything else comes out larger. */
static inline bool
mr_cksum_is_good(uint64_t sum)
{
	return sum * UINT64_C(0xfffefffefffeffff) <= UINT64_MAX / 0xffff;
}

/* Of some bytes and of those behind them, both folded. @param at how many the first are */
static inline uint16_t
mr_cksum_concat(uint16_t first, uint32_t at, uint16_t second)
{
	return mr_cksum_fold((uint64_t)first + (at & 1 ? rte_bswap16(second) : second));
}

/* Pseudo-header sum, RFC 768, 9293 3.1 and 8200 8.1, of less than 40 bits. The two ::ffff of v4-mapped addresses are
 * all ones, which is zero in this arithmetic, so that both families are one case. */
static inline uint64_t
mr_cksum_phdr_sum(const struct mr_addr *src, const struct mr_addr *dst, uint8_t proto, uint32_t len)
{
	uint64_t sum = mr_cksum_word(mr_cksum_word(src->d[0], &src->d[1]), &dst->d[0]);

	sum = mr_cksum_word(sum, &dst->d[1]);
	return (sum >> 32) + (uint32_t)sum + rte_cpu_to_be_16(proto) + rte_cpu_to_be_32(len);
}

/* The same folded. `len` 0 for TSO. */
static inline uint16_t
mr_cksum_phdr(const struct mr_addr *src, const struct mr_addr *dst, uint8_t proto, uint32_t len)
{
	return mr_cksum_fold(mr_cksum_phdr_sum(src, dst, proto, len));
}

uint16_t mr_cksum_segments(const struct rte_mbuf *m, uint32_t off, uint32_t len);

/* Add `len` bytes of a chain, `off` bytes behind its data; the chain has them. The result is as of mr_cksum_add. */
static inline uint64_t
mr_cksum_chain(uint64_t sum, const struct rte_mbuf *m, uint32_t off, uint32_t len)
{
	if (likely(off + len <= m->data_len))
		return mr_cksum_add(sum, rte_pktmbuf_mtod_offset(m, const char *, off), len);
	return mr_cksum_join(sum, mr_cksum_segments(m, off, len));
}

/* Does somebody else do it: the NIC, or nobody, since what goes there never leaves this host? */
static inline bool
mr_cksum_is_offloaded(const struct mr_route *r, uint8_t trans_proto)
{
	uint32_t cap = trans_proto == MR_TRANS_TCP ? MR_LINK_CAP_TX_TCP_CKSUM : MR_LINK_CAP_TX_UDP_CKSUM;

	return r->flags & MR_ROUTE_F_LOCAL || mr_route_link_caps(r) & cap;
}

/* Leave it to who does it: the field of an outgoing packet, whose data starts at the transport header, gets what a NIC wants,
 * also with RTE_MBUF_F_TX_TCP_SEG, and a NIC is told. */
static inline void
mr_cksum_tx_leave(struct rte_mbuf *m, uint16_t hdr_len, uint16_t cksum_off, const struct mr_route *r, uint8_t trans_proto)
{
	uint32_t told = m->ol_flags & RTE_MBUF_F_TX_TCP_SEG ? 0 : m->pkt_len;
	uint16_t sum = mr_cksum_fold((uint64_t)r->addr_sum + rte_cpu_to_be_16(trans_proto) + rte_cpu_to_be_32(told));

	memcpy(rte_pktmbuf_mtod_offset(m, char *, cksum_off), &sum, sizeof(sum));
	if (r->flags & MR_ROUTE_F_LOCAL)
		return;
	m->ol_flags |= mr_addr_is_v4(&r->remote) ? RTE_MBUF_F_TX_IPV4 : RTE_MBUF_F_TX_IPV6;
	m->ol_flags |= trans_proto == MR_TRANS_TCP ? RTE_MBUF_F_TX_TCP_CKSUM : RTE_MBUF_F_TX_UDP_CKSUM;
	m->l4_len = hdr_len;
}

/* Finish the checksum of an outgoing packet whose data starts at the transport header; the field is at `cksum_off` and
 * holds 0. Of the packet `len` bytes are summed, what is behind them is in `rest`, a folded sum. Not for UDP, whose 0 is not
 * sent (udp.c). */
static inline void
mr_cksum_tx_part(struct rte_mbuf *m, uint16_t hdr_len, uint16_t cksum_off, const struct mr_route *r, uint8_t trans_proto,
                 uint32_t len, uint16_t rest)
{
	uint64_t phdr = (uint64_t)r->addr_sum + rte_cpu_to_be_16(trans_proto) + rte_cpu_to_be_32(m->pkt_len);
	uint16_t sum;

	if (mr_cksum_is_offloaded(r, trans_proto)) {
		mr_cksum_tx_leave(m, hdr_len, cksum_off, r, trans_proto);
		return;
	}
	sum = ~mr_cksum_fold(mr_cksum_chain(phdr + rest, m, 0, len));
	memcpy(rte_pktmbuf_mtod_offset(m, char *, cksum_off), &sum, sizeof(sum));
}

static inline void
mr_cksum_tx(struct rte_mbuf *m, uint16_t hdr_len, uint16_t cksum_off, const struct mr_route *r, uint8_t trans_proto)
{
	mr_cksum_tx_part(m, hdr_len, cksum_off, r, trans_proto, m->pkt_len, 0);
}

/* The checksum of a received packet by software: ICMP, about which NICs don't agree. `init` 0, or the pseudo-header sum.
 * Facts must be set. */
static inline bool
mr_cksum_rx_soft_ok(const struct rte_mbuf *m, uint64_t init)
{
	const struct mr_pkt *p = mr_pkt(m);

	if (p->flags & MR_PKT_F_L4_CKSUM_OK)
		return true;
	return mr_cksum_fold(mr_cksum_chain(init, m, (uint32_t)p->trans_off - m->data_off, p->trans_len)) == 0xffff;
}

/* TCP or UDP checksum of a received packet, data at its transport header: by the NIC's word if it gave one, else by
 * software. */
static inline bool
mr_cksum_rx_ok(const struct rte_mbuf *m)
{
	const struct mr_pkt *p = mr_pkt(m);
	uint64_t nic = m->ol_flags & RTE_MBUF_F_RX_L4_CKSUM_MASK;

	if (nic == RTE_MBUF_F_RX_L4_CKSUM_UNKNOWN && likely(!(p->flags & MR_PKT_F_L4_CKSUM_OK)))
		return mr_cksum_is_good(mr_cksum_chain(p->phdr_sum, m, 0, p->trans_len));
	/* The bit of GOOD is also in NONE: not filled in by a sender on the same machine, but vouched for. */
	return nic & RTE_MBUF_F_RX_L4_CKSUM_GOOD || p->flags & MR_PKT_F_L4_CKSUM_OK;
}

static inline uint32_t
mr_cksum_load32(const void *p)
{
	uint32_t w;

	memcpy(&w, p, sizeof(w));
	return w;
}

static inline bool
mr_cksum_ipv4_soft_ok(const void *hdr, size_t len)
{
	const char *h = hdr;
	uint64_t sum;

	/* The twenty bytes that nearly every header has, in pieces of which the addresses are needed anyway; then options. */
	sum = (uint64_t)mr_cksum_load32(h + 12) + mr_cksum_load32(h + 16);
	sum += (uint64_t)mr_cksum_load32(h) + mr_cksum_load32(h + 4) + mr_cksum_load32(h + 8);
	if (unlikely(len > 20))
		sum = mr_cksum_add(sum, h + 20, len - 20);
	return mr_cksum_is_good(sum);
}

/* IPv4 header of `len` bytes (a multiple of 4) at the packet's data. */
static inline bool
mr_cksum_rx_ipv4_ok(const struct rte_mbuf *m, const void *hdr, size_t len)
{
	uint64_t nic = m->ol_flags & RTE_MBUF_F_RX_IP_CKSUM_MASK;

	if (nic == RTE_MBUF_F_RX_IP_CKSUM_UNKNOWN && likely(mr_cksum_ipv4_soft_ok(hdr, len)))
		return true;
	/* What never left this host may have no sum at all. */
	return nic == RTE_MBUF_F_RX_IP_CKSUM_GOOD || mr_pkt(m)->flags & MR_PKT_F_L4_CKSUM_OK;
}

#endif
