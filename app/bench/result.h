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

/* Packets that were dropped for one reason. */
struct drop {
	const char *name, *help;
	uint64_t n;
};

/* Those of one side so far. */
struct intervals {
	struct interval *v;
	unsigned n, room;
};

struct result {
	const char *mode, *role, *wire;
	uint64_t connections;        /* open at the end */
	double ops_per_s, gbit_per_s, pps;
	double cycles_per_op, cycles_per_packet; /* 0: nothing was done */
	double busy;                 /* share of the time */
	uint64_t ops, lost, failed;
	struct hist latency;         /* n 0: not known at this side */
	uint64_t retransmits, syn_cookies;
	uint64_t honest;             /* operations beside a flood */
	bool floods;
	struct drop drops[MR_CNT_MAX]; /* those that occurred */
	unsigned n_drops;
	double bytes_per_connection; /* of stack memory; 0: not known */
	const char *limited_by;      /* "server", "client", "wire" */
};

/* Room for one more. @return false: no memory */
bool intervals_room(struct intervals *all);
/* Fill the rates, costs and `busy`. */
void result_rates(struct result *r, const struct intervals *all);
/* Who is the bottleneck: who has no time left. @param peer the other side, or NULL: a side that has time left then waits
 * for the other one, for all that it knows */
const char *result_limit(const struct result *own, const struct result *peer);
/* Nothing if n is 0. */
void result_drop_add(struct result *r, const char *name, const char *help, uint64_t n);
/* Sum of the drops. */
uint64_t result_drops(const struct result *r);

#endif
