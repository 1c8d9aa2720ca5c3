/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The highest rate without loss: a binary search between nothing and what goes when nobody holds back.
 */
#ifndef BENCH_SEARCH_H
#define BENCH_SEARCH_H

#include <stdbool.h>
#include <stdint.h>

struct search {
	/* Run at a rate, 0: as fast as it goes. @return what was reached, a second; *lost: how much of it was lost */
	double (*trial)(void *arg, double rate, uint64_t *lost);
	bool (*stopped)(void *arg); /* a signal came */
	void *arg;
	bool quiet;
};

/* @return the rate; 0, told: there was loss at every one, or the search was stopped */
double search_max(const struct search *s);

#endif
