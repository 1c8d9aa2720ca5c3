/* SPDX-License-Identifier: Apache-2.0 */
/*
 * For the tests of the bad line: a line between two ends of the test's own, and when what arrives.
 */
#ifndef TESTS_IMPAIR_H
#define TESTS_IMPAIR_H

#include "rig/rig.h"

#include "link_frames.h"

#define MS 1000000ull
#define LEN 64

static struct rte_mempool *pa, *pb;
static struct mr_link *a, *b; /* a is impaired */

static inline void
make(const struct mr_impair_cfg *cfg, uint32_t depth)
{
	struct mr_link *inner;

	pa = lf_pool("impair_a", 2047, 2048);
	pb = lf_pool("impair_b", 2047, 2048);
	ck_assert_int_eq(mr_pair_create(pa, pb, 1500, depth, &inner, &b), 0);
	ck_assert_int_eq(mr_impair_wrap(inner, cfg, &a), 0);
}

static inline void
done(void)
{
	a->ops->close(a);
	b->ops->close(b);
	lf_pool_done(pa);
	lf_pool_done(pb);
}

/* Let the line deliver what is due, and take one frame at the other end. */
static inline struct rte_mbuf *
arrival(uint64_t now_ns)
{
	struct rte_mbuf *m;

	ck_assert_uint_eq(lf_rx(a, now_ns, &m, 1), 0);
	return lf_rx(b, now_ns, &m, 1) ? m : NULL;
}

#endif
