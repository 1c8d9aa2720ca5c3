/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Rings in plain DPDK memory: an rte_ring without a memzone, so without a name that another host could have taken and
 * without a share of the few memzones there are (64 cores are joined by 4032 rings).
 */
#ifndef MR_STACK_RING_H
#define MR_STACK_RING_H

#include <rte_malloc.h>
#include <rte_mbuf.h>
#include <rte_ring.h>

/* @param slots a power of two; one slot stays empty. @param flags RING_F_*. NULL: no memory. */
static inline struct rte_ring *
mr_ring_create(unsigned slots, unsigned flags)
{
	ssize_t bytes = rte_ring_get_memsize(slots);
	struct rte_ring *r = bytes > 0 ? rte_zmalloc("mr_ring", bytes, RTE_CACHE_LINE_SIZE) : NULL;

	if (r && rte_ring_init(r, "mr_ring", slots, flags) < 0) {
		rte_free(r);
		return NULL;
	}
	return r;
}

static inline void
mr_ring_free(struct rte_ring *r)
{
	rte_free(r);
}

/* Free a ring of packets, and the packets. */
static inline void
mr_ring_free_pkts(struct rte_ring *r)
{
	void *m;

	while (r && rte_ring_dequeue(r, &m) == 0)
		rte_pktmbuf_free(m);
	mr_ring_free(r);
}

#endif
