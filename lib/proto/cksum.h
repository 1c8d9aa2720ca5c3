/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Internet checksums (RFC 1071) over memory and mbuf chains, and who computes them: nobody, the NIC, or we.
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
#include "stack/route.h"

/* Add `len` bytes that begin at an even offset. The carries stay in the high half until mr_cksum_fold. */
static inline uint64_t
mr_cksum_add(uint64_t sum, const void *buf, size_t len)
{
	const uint8_t *p = buf;
	uint32_t w;

	for (; len >= 8; len -= 8, p += 8) {
		uint32_t w2;

		memcpy(&w, p, 4);
		memcpy(&w2, p + 4, 4);
		sum += (uint64_t)w + w2;
	}
	if (len >= 4) {
		memcpy(&w, p, 4);
		sum += w;
		p += 4;
		len -= 4;
	}
	if (len > 0) {
		w = 0;
		memcpy(&w, p, len);
		sum += w;
	}
	return sum;
}

static inline uint16_t
mr_cksum_fold(uint64_t sum)
{
	sum = (sum & 0xffffffffu) + (sum >> 32);
	sum = (sum & 0xffff) + (sum >> 16);
	sum = (sum & 0xffff) + (sum >> 16);
	sum = (sum & 0xffff) + (sum >> 16);
	return (uint16_t)sum;
}

/* Folded pseudo-header sum, RFC 768, 9293 3.1 and 8200 8.1. `len` 0 for TSO. The two ::ffff of v4-mapped addresses are
 * all ones, which is zero in this arithmetic, so that both families are one case. */
static inline uint16_t
mr_cksum_phdr(const struct mr_addr *src, const struct mr_addr *dst, uint8_t proto, uint32_t len)
{
	uint64_t sum = mr_cksum_add(0, src->b, sizeof(src->b));

	sum = mr_cksum_add(sum, dst->b, sizeof(dst->b));
	return mr_cksum_fold(sum + rte_cpu_to_be_16(proto) + rte_cpu_to_be_32(len));
}

/* Folded sum of `len` bytes of a chain, `off` bytes behind its data; the chain has them. */
uint16_t mr_cksum_chain(const struct rte_mbuf *m, uint32_t off, uint32_t len);
/* Finish the checksum of an outgoing packet whose data starts at the transport header; the field is at `cksum_off`.
 * With RTE_MBUF_F_TX_TCP_SEG set already, the field gets what TSO wants. UDP's 0 is sent as all ones (RFC 768). */
void mr_cksum_tx(struct rte_mbuf *m, uint16_t hdr_len, uint16_t cksum_off, const struct mr_route *r,
                 uint8_t trans_proto);
/* TCP or UDP checksum of a received packet, by the NIC's word if it gave one, else by software. Facts must be set. */
bool mr_cksum_rx_ok(const struct rte_mbuf *m);
/* The same without asking the NIC: ICMP, about which NICs don't agree. `init` 0, or the pseudo-header sum. */
bool mr_cksum_rx_soft_ok(const struct rte_mbuf *m, uint16_t init);
/* IPv4 header of `len` bytes at the packet's data. */
bool mr_cksum_rx_ipv4_ok(const struct rte_mbuf *m, const void *hdr, size_t len);

#endif
