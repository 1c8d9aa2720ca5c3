/* SPDX-License-Identifier: Apache-2.0 */
/* Checksums over the segments of a chain, which may begin at odd offsets. What is done for every packet is in the header. */
#include "proto/cksum.h"

/* The folded sum of bytes of any chain: for mr_cksum_chain when they are not in one piece. */
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
