/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The histogram of latencies: every value falls into a bucket that holds it, within the promised precision, and quantiles
 * are what a sorted list of the values says.
 */
#include "rig/rig.h"

#include <stdlib.h>

#include "app/bench/hist.h"

#define VALUES 100000

static struct hist h, other;

/* Of a histogram with one value, every quantile is that value: buckets have no value twice or none. */
static void
check_alone(uint64_t value)
{
	hist_reset(&h);
	hist_add(&h, value);
	ck_assert_uint_eq(h.n, 1);
	ck_assert(h.max == value);
	ck_assert(hist_quantile(&h, 0.5) == value && hist_quantile(&h, 1) == value);
}

START_TEST(value_alone)
{
	for (uint64_t v = 0; v < 5000; v++)
		check_alone(v);
	for (unsigned bit = 12; bit < 64; bit++) {
		for (int64_t d = -2; d <= 2; d++)
			check_alone((UINT64_C(1) << bit) + (uint64_t)d);
	}
	check_alone(UINT64_MAX);
}
END_TEST

/* Indices grow with values and by one, and a bucket is at most 1/128 of its values wide. */
START_TEST(buckets_in_order)
{
	unsigned last = 0;
	uint64_t first = 0;

	for (uint64_t v = 0; v < 1 << 20; v++) {
		unsigned i = hist_index(v);

		if (i == last) {
			ck_assert_msg(v - first <= first / HIST_SUB, "bucket %u: %lu to %lu", i, first, v);
			continue;
		}
		ck_assert_uint_eq(i, last + 1);
		last = i;
		first = v;
	}
	ck_assert_uint_eq(hist_index((UINT64_C(1) << HIST_MAX_BITS) - 1), HIST_BUCKETS - 1);
	ck_assert_uint_eq(hist_index(UINT64_C(1) << HIST_MAX_BITS), HIST_BUCKETS - 1);
	ck_assert_uint_eq(hist_index(UINT64_MAX), HIST_BUCKETS - 1);
}
END_TEST

static int
compare(const void *a, const void *b)
{
	uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;

	return (x > y) - (x < y);
}

START_TEST(quantiles_of_many)
{
	static const double shares[] = {0.001, 0.25, 0.5, 0.9, 0.99, 0.999, 0.99999, 1};
	static uint64_t v[VALUES];
	uint64_t x = 88172645463325252;

	hist_reset(&h);
	for (unsigned i = 0; i < VALUES; i++) {
		x ^= x << 13;
		x ^= x >> 7;
		x ^= x << 17;
		v[i] = x >> (24 + i % 40);
		hist_add(&h, v[i]);
	}
	qsort(v, VALUES, sizeof(v[0]), compare);
	ck_assert(h.max == v[VALUES - 1]);
	for (unsigned i = 0; i < sizeof(shares) / sizeof(shares[0]); i++) {
		/* The smallest value with at least this share of all at or below it. */
		uint64_t want = v[(unsigned)(shares[i] * VALUES + 0.999999) - 1], got = hist_quantile(&h, shares[i]);

		ck_assert_msg(got >= want && got <= want + want / HIST_SUB, "%g: %lu, not %lu", shares[i], got, want);
	}
}
END_TEST

START_TEST(quantile_of_nothing)
{
	hist_reset(&h);
	ck_assert(hist_quantile(&h, 0.5) == 0 && hist_quantile(&h, 1) == 0);
}
END_TEST

START_TEST(merge_adds)
{
	hist_reset(&h);
	hist_reset(&other);
	for (unsigned i = 0; i < 50; i++) {
		hist_add(&h, 1);
		hist_add(&other, 100);
	}
	hist_add(&other, 1000000);
	hist_merge(&h, &other);
	ck_assert_uint_eq(h.n, 101);
	ck_assert(h.max == 1000000);
	ck_assert(hist_quantile(&h, 0.49) == 1 && hist_quantile(&h, 0.5) == 100 && hist_quantile(&h, 1) == 1000000);
	ck_assert_uint_eq(other.n, 51);
	hist_reset(&other);
	hist_merge(&h, &other);
	ck_assert(h.n == 101 && h.max == 1000000);
}
END_TEST

static Suite *
suite(void)
{
	Suite *s = suite_create("bench_hist");
	TCase *tc = rig_case(s, "hist", NULL, NULL);

	tcase_add_test(tc, value_alone);
	tcase_add_test(tc, buckets_in_order);
	tcase_add_test(tc, quantiles_of_many);
	tcase_add_test(tc, quantile_of_nothing);
	tcase_add_test(tc, merge_adds);
	return s;
}

RIG_MAIN(suite)
