/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Packets that were freed a moment ago, at hand for whoever needs one next: what an ACK has freed carries the next
 * segment, while its lines are still in the cache, and the pool is not asked at all. A few stay there between turns
 * (mr_stash_settle), in proportion to the pool; when there are more, all go back in one piece.
 *
 * Only whole, unshared, single-segment packets of the pool come here, in the state in which a pool keeps them.
 */
#ifndef MR_STACK_STASH_H
#define MR_STACK_STASH_H

#include <stdint.h>

#include <rte_mbuf.h>
#include <rte_mempool.h>
#include <rte_prefetch.h>

#include "stack/pkt.h"

#define MR_STASH_PKTS 64
#define MR_STASH_KEEP 32 /* may stay between turns, of a pool of 2,048 or more */

struct mr_stash {
	struct rte_mempool *pool;
	uint32_t n, keep;
	struct rte_mbuf *pkts[MR_STASH_PKTS];
};

static inline void
mr_stash_init(struct mr_stash *st, struct rte_mempool *pool)
{
	st->pool = pool;
	st->keep = RTE_MIN(pool->size / 64, (uint32_t)MR_STASH_KEEP);
}

static inline void
mr_stash_flush(struct mr_stash *st)
{
	if (st->n > 0)
		rte_mempool_put_bulk(st->pool, (void **)st->pkts, st->n);
	st->n = 0;
}

/* Packets that can be had, here and in the pool. */
static inline unsigned
mr_stash_avail(const struct mr_stash *st)
{
	return rte_mempool_avail_count(st->pool) + st->n;
}

/* The end of a turn. */
static inline void
mr_stash_settle(struct mr_stash *st)
{
	if (unlikely(st->n > st->keep))
		mr_stash_flush(st);
}

/* @return false: it cannot be kept, and nothing was done */
static inline bool
mr_stash_put(struct mr_stash *st, struct rte_mbuf *m)
{
	if (m->pool != st->pool || m->next || rte_mbuf_refcnt_read(m) != 1 || !RTE_MBUF_DIRECT(m))
		return false;
	m->nb_segs = 1;
	if (st->n == MR_STASH_PKTS)
		mr_stash_flush(st);
	st->pkts[st->n++] = m;
	return true;
}

/* @return false: the pool is empty */
static inline bool
mr_stash_fill(struct mr_stash *st)
{
	uint32_t n = st->keep / 2;

	if (n == 0 || unlikely(rte_mempool_get_bulk(st->pool, (void **)st->pkts, n) < 0)) {
		n = 1;
		if (rte_mempool_get(st->pool, (void **)st->pkts) < 0)
			return false;
	}
	st->n = n;
	return true;
}

/* The next packet to be had: its head, its facts, and where headers and the beginning of a payload will be written. When
 * packets wait long for their ACKs, by now none of it is in the cache; or the other end, on another core, has read it: asked
 * for as what is to be read, it would then have to be asked for again. */
static inline void
stash_prefetch(const struct mr_stash *st)
{
	const char *m = (const char *)st->pkts[st->n - 1];

	rte_prefetch0_write(m);
	rte_prefetch0_write(m + RTE_CACHE_LINE_SIZE);
	m += sizeof(struct rte_mbuf);
	for (unsigned at = 0; at < MR_PKT_PRIV_BYTES + RTE_PKTMBUF_HEADROOM + RTE_CACHE_LINE_SIZE; at += RTE_CACHE_LINE_SIZE)
		rte_prefetch0_write(m + at);
}

/* The next packet to be had will be given so many bytes of payload. */
static inline void
mr_stash_expect(const struct mr_stash *st, uint32_t bytes)
{
	const char *payload;

	if (unlikely(st->n == 0))
		return;
	payload = (const char *)st->pkts[st->n - 1] + sizeof(struct rte_mbuf) + MR_PKT_PRIV_BYTES + RTE_PKTMBUF_HEADROOM;
	for (uint32_t at = RTE_CACHE_LINE_SIZE; at < bytes; at += RTE_CACHE_LINE_SIZE)
		rte_prefetch0_write(payload + at);
}

/* An empty packet; NULL when the pool has none. */
static inline struct rte_mbuf *
mr_stash_get(struct mr_stash *st)
{
	struct rte_mbuf *m;

	if (st->n == 0 && !mr_stash_fill(st))
		return NULL;
	m = st->pkts[--st->n];
	if (likely(st->n > 0))
		stash_prefetch(st);
	rte_pktmbuf_reset(m);
	return m;
}

#endif
