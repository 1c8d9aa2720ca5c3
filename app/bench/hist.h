/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A histogram of latencies with high dynamic range: log-linear buckets. Each power of two is cut into 128 buckets of equal
 * width, so a value is known to within 1/128 (0.8 percent) from 0 to 2^40 (18 minutes in nanoseconds); what is longer
 * counts as the longest. The maximum is kept exactly. Recording is a shift, an add and two stores.
 */
#ifndef BENCH_HIST_H
#define BENCH_HIST_H

#include <stdint.h>

#define HIST_SUB_BITS 7
#define HIST_SUB (1u << HIST_SUB_BITS)
#define HIST_MAX_BITS 40
#define HIST_BUCKETS ((HIST_MAX_BITS - HIST_SUB_BITS + 1) * HIST_SUB)

struct hist {
	uint64_t n, max;
	uint64_t bucket[HIST_BUCKETS];
};

void hist_reset(struct hist *h);
/* Add all of `from` to `to`. */
void hist_merge(struct hist *to, const struct hist *from);
/* The least value that at least this share of the records does not exceed, rounded up to its bucket's end (never over the
 * maximum). @param share 0 < share <= 1. @return 0 if there are no records */
uint64_t hist_quantile(const struct hist *h, double share);

static inline unsigned
hist_index(uint64_t value)
{
	unsigned shift;

	if (value < HIST_SUB)
		return (unsigned)value;
	if (value >> HIST_MAX_BITS)
		return HIST_BUCKETS - 1;
	shift = 63u - (unsigned)__builtin_clzll(value) - HIST_SUB_BITS;
	return (shift << HIST_SUB_BITS) + (unsigned)(value >> shift);
}

static inline void
hist_add(struct hist *h, uint64_t value)
{
	h->bucket[hist_index(value)]++;
	h->n++;
	if (value > h->max)
		h->max = value;
}

#endif
