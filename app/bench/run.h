/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A run of a stack mode, both sides or one, and the rooms of its control: run.c has the phases and the clock, place.c makes
 * the sides, trial.c looks for the highest rate, measure.c takes samples and tells the results.
 */
#ifndef BENCH_RUN_H
#define BENCH_RUN_H

#include <signal.h>

#include "app/bench/args.h"
#include "app/bench/result.h"
#include "app/bench/side.h"

#define SEC_NS UINT64_C(1000000000)

struct run {
	const struct args *args;
	struct side sides[2];      /* the client first */
	unsigned n;
	bool main_works;           /* the main lcore has a worker of a side */
	const char *wire;
	uint64_t memory[2];        /* bytes without connections */
	double per_connection[2];
	/* the measurement */
	struct intervals intervals[2];
	struct side_count start[2], last[2];
	uint64_t counters[2][MR_CNT_MAX]; /* at its beginning, then what came since */
	struct result results[2];
};

/* Signals so far; the first ends the measurement. */
extern volatile sig_atomic_t signals;

/* @return exit code */
int run_stack(const struct args *args);

/* ---- run.c */
uint64_t run_clock_ns(void);
/* Turns of the main lcore's workers, or a nap. */
void run_turns(struct run *r);
/* @return false: a signal came */
bool run_until(struct run *r, uint64_t end_ns);
/* Call on each client core; `arg` is the struct side. */
void run_clients_call(struct run *r, int (*fn)(struct mr_stack *s, unsigned core, void *arg));
/* Does a side know how many there are? Not of those that come and go, nor a server of its datagrams' senders. */
bool run_counts_connections(const struct run *r);

/* ---- place.c */
/* @return 0 or -errno, told; run_sides_end is due either way */
int run_sides_create(struct run *r);
/* The server listens before the client asks. @return 0 or -errno, told */
int run_sides_start(struct run *r);
void run_sides_end(struct run *r);

/* ---- trial.c */
/* Leave the clients at the highest rate without loss. @return 0, -EINTR, or -ENOENT, told: there is none */
int run_search(struct run *r);

/* ---- measure.c */
void run_measure(struct run *r);
/* End of the interval that begins. What is left at the end is none of its own unless it is half of one. */
uint64_t run_interval_end(const struct args *a, uint64_t now_ns, uint64_t end_ns);
/* @return 0 or -errno of the JSON file, told */
int run_results_tell(struct run *r);
void run_counters_read(const struct run *r, unsigned side, uint64_t *out);

#endif
