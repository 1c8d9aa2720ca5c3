/* SPDX-License-Identifier: Apache-2.0 */
/* What protocols do with packet memory and rte_mbuf has no function for. Nothing here checks room: callers have. */
#ifndef MR_PROTO_MBUF_H
#define MR_PROTO_MBUF_H

#include <stdint.h>
#include <string.h>

#include <rte_branch_prediction.h>
#include <rte_debug.h>
#include <rte_mbuf.h>

/* Room for a header in front; the headroom is there. */
static inline void *
mr_mbuf_prepend(struct rte_mbuf *m, uint16_t len)
{
	RTE_ASSERT(len <= m->data_off);
	m->data_off -= len;
	m->data_len += len;
	m->pkt_len += len;
	return rte_pktmbuf_mtod(m, void *);
}

/* Move behind a header; the first segment has it. */
static inline void
mr_mbuf_strip(struct rte_mbuf *m, uint16_t len)
{
	RTE_ASSERT(len <= m->data_len);
	m->data_off += len;
	m->data_len -= len;
	m->pkt_len -= len;
}

/* mr_mbuf_trim for packets that are longer. */
void mr_mbuf_cut(struct rte_mbuf *m, uint32_t len);

/* Cut a packet to `len` bytes, over any number of segments. */
static inline void
mr_mbuf_trim(struct rte_mbuf *m, uint32_t len)
{
	if (unlikely(m->pkt_len > len))
		mr_mbuf_cut(m, len);
}

/* Copy bytes out of a chain that has them. */
static inline void
mr_mbuf_copy_out(const struct rte_mbuf *m, uint32_t off, void *dst, uint32_t len)
{
	const void *at = rte_pktmbuf_read(m, off, len, dst);

	if (len > 0 && at && at != dst)
		memcpy(dst, at, len);
}

#endif
