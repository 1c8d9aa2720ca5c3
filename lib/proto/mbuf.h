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

/* Cut a packet to `len` bytes, over any number of segments. */
static inline void
mr_mbuf_trim(struct rte_mbuf *m, uint32_t len)
{
	struct rte_mbuf *last = m, *rest;
	uint32_t left = len;
	uint16_t segs = 1;

	if (likely(m->pkt_len <= len))
		return;
	for (; left > last->data_len; last = last->next, segs++)
		left -= last->data_len;
	last->data_len = (uint16_t)left;
	rest = last->next;
	last->next = NULL;
	m->nb_segs = segs;
	m->pkt_len = len;
	while (rest) {
		struct rte_mbuf *next = rest->next;

		rte_pktmbuf_free_seg(rest);
		rest = next;
	}
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
