/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Reading histograms. Bucket i of the first 2 * HIST_SUB is the value i; after that, each HIST_SUB buckets are twice as
 * wide as those before.
 */
#include "app/bench/hist.h"

#include <string.h>

void
hist_reset(struct hist *h)
{
	memset(h, 0, sizeof(*h));
}

void
hist_merge(struct hist *to, const struct hist *from)
{
	to->n += from->n;
	if (from->max > to->max)
		to->max = from->max;
	for (unsigned i = 0; i < HIST_BUCKETS; i++)
		to->bucket[i] += from->bucket[i];
}

/* Largest value that falls into a bucket. */
static uint64_t
bucket_end(unsigned i)
{
	unsigned shift = i < 2 * HIST_SUB ? 0 : (i >> HIST_SUB_BITS) - 1;
	uint64_t first = (uint64_t)(i - (shift << HIST_SUB_BITS)) << shift;

	return first + (UINT64_C(1) << shift) - 1;
}

uint64_t
hist_quantile(const struct hist *h, double share)
{
	uint64_t seen = 0;

	if (h->n == 0)
		return 0;
	for (unsigned i = 0; i < HIST_BUCKETS - 1; i++) {
		seen += h->bucket[i];
		if ((double)seen >= share * (double)h->n)
			return bucket_end(i) < h->max ? bucket_end(i) : h->max;
	}
	return h->max;
}
