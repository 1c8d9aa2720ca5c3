/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a run found out about one side, and the arithmetic that leads there. Rates and costs are medians over the
 * intervals of the measurement; counts and latencies are of all of it.
 */
#ifndef BENCH_RESULT_H
#define BENCH_RESULT_H

#include <stdint.h>

#include <millrace.h>

#include "app/bench/args.h"
#include "app/bench/hist.h"

/* One interval of one side. */
struct interval {
	double seconds;
	uint64_t ops, bytes, packets; /* packets in and out */
	uint64_t busy_tsc, idle_tsc;
};

struct result {
	const char *mode, *role, *wire;
	uint64_t connections;        /* open at the end */
	double ops_per_s, gbit_per_s, pps;
	double cycles_per_op, cycles_per_packet; /* 0: nothing was done */
	double busy;                 /* share of the time */
	uint64_t ops, lost, failed;
	struct hist latency;         /* n 0: not known at this side */
	uint64_t retransmits;
	uint64_t drops[MR_CNT_MAX];  /* by reason */
	double bytes_per_connection; /* of stack memory; 0: not known */
	const char *limited_by;      /* "server", "client", "wire" */
};

/* Fill the rates, costs and `busy`. */
void result_rates(struct result *r, const struct interval *intervals, unsigned n);
/* Who is the bottleneck: who has no time left. @param peer the other side, or NULL: a side that has time left then waits
 * for the other one, for all that it knows */
const char *result_limit(const struct result *own, const struct result *peer);
/* Sum of the drops. */
uint64_t result_drops(const struct result *r);

#endif
