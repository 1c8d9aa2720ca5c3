/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Checksums of chains, and the choice between the NIC's work and ours.
 *
 * Packets that never leave this host are not summed at all: the loop marks them as verified, and their field holds the
 * pseudo-header sum, as a NIC would want it. Not here: who sets l2_len and l3_len, which an offload also needs; that is
 * the network protocol's output and the framing's push.
 */
#include "proto/cksum.h"

#include "stack/pkt.h"

/* The same for any chain: what mr_cksum_chain does when the bytes are not in one piece. */
uint16_t
mr_cksum_segments(const struct rte_mbuf *m, uint32_t off, uint32_t len)
{
	uint64_t sum = 0;
	uint32_t done = 0;

	for (; m && done < len; m = m->next) {
		uint32_t k = m->data_len, part;

		if (off >= k) {
			off -= k;
			continue;
		}
		k = RTE_MIN(k - off, len - done);
		part = mr_cksum_fold(mr_cksum_add(0, rte_pktmbuf_mtod_offset(m, const char *, off), k));
		sum += done & 1 ? rte_bswap16((uint16_t)part) : part;
		done += k;
		off = 0;
	}
	return mr_cksum_fold(sum);
}

bool
mr_cksum_rx_soft_ok(const struct rte_mbuf *m, uint16_t init)
{
	const struct mr_pkt *p = mr_pkt(m);
	uint32_t off = (uint32_t)p->trans_off - m->data_off;

	if (p->flags & MR_PKT_F_L4_CKSUM_OK)
		return true;
	return mr_cksum_fold((uint32_t)init + mr_cksum_chain(m, off, p->trans_len)) == 0xffff;
}

bool
mr_cksum_rx_ok(const struct rte_mbuf *m)
{
	switch (m->ol_flags & RTE_MBUF_F_RX_L4_CKSUM_MASK) {
	case RTE_MBUF_F_RX_L4_CKSUM_GOOD:
	case RTE_MBUF_F_RX_L4_CKSUM_NONE: /* not filled in by a sender on the same machine, but vouched for */
		return true;
	case RTE_MBUF_F_RX_L4_CKSUM_BAD:
		return mr_pkt(m)->flags & MR_PKT_F_L4_CKSUM_OK;
	default:
		return mr_cksum_rx_soft_ok(m, mr_pkt(m)->phdr_sum);
	}
}

bool
mr_cksum_rx_ipv4_ok(const struct rte_mbuf *m, const void *hdr, size_t len)
{
	if (mr_pkt(m)->flags & MR_PKT_F_L4_CKSUM_OK)
		return true;
	switch (m->ol_flags & RTE_MBUF_F_RX_IP_CKSUM_MASK) {
	case RTE_MBUF_F_RX_IP_CKSUM_GOOD:
		return true;
	case RTE_MBUF_F_RX_IP_CKSUM_BAD:
		return false;
	default:
		return mr_cksum_fold(mr_cksum_add(0, hdr, len)) == 0xffff;
	}
}

/* The route's part of a pseudo-header is arithmetic of this layer (api/route.h). */
uint16_t
mr_route_phdr_sum(const struct mr_route *r, uint8_t trans_proto)
{
	return r->local ? mr_cksum_phdr(&r->local->addr, &r->remote, trans_proto, 0) : 0;
}
