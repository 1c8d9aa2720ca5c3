/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Trials of stack modes for the search: nothing may be dropped or sent again at the sides we see, and all operations must
 * be answered.
 */
#include "app/bench/run.h"

#include <errno.h>

#include "app/bench/search.h"

#define SETTLE_NS (SEC_NS / 5)

static int
core_set_rate(struct mr_stack *s, unsigned core, void *arg)
{
	struct side *side = arg;

	(void)s;
	client_set_rate(side->clients[core], side->rate / side->n);
	return 0;
}

/* Drops and retransmissions so far. */
static uint64_t
losses(const struct run *r)
{
	uint64_t sum = 0, c[MR_CNT_MAX];

	for (unsigned i = 0; i < r->n; i++) {
		struct side_count n;

		run_counters_read(r, i, c);
		for (enum mr_counter j = 0; j < MR_CNT_MAX; j++)
			sum += mr_counter_is_drop(j) ? c[j] : 0;
		side_count(&r->sides[i], &n);
		sum += c[MR_CNT_TCP_RETRANSMITS] + n.lost + n.failed;
	}
	return sum;
}

static void
rate_set(struct run *r, double rate)
{
	r->sides[0].rate = rate;
	run_clients_call(r, core_set_rate);
	run_until(r, run_clock_ns() + SETTLE_NS);
}

static double
trial(void *arg, double rate, uint64_t *lost)
{
	struct side_count before, after;
	struct run *r = arg;
	uint64_t start_ns, at_start;

	rate_set(r, rate);
	at_start = losses(r);
	side_count(&r->sides[0], &before);
	start_ns = run_clock_ns();
	run_until(r, start_ns + r->args->interval_ns);
	side_count(&r->sides[0], &after);
	*lost = losses(r) - at_start;
	return (double)(after.ops - before.ops) * SEC_NS / (double)(run_clock_ns() - start_ns);
}

static bool
stopped(void *arg)
{
	(void)arg;
	return signals > 0;
}

int
run_search(struct run *r)
{
	const struct search s = {.trial = trial, .stopped = stopped, .arg = r, .quiet = r->args->quiet};
	double rate = search_max(&s);

	if (rate > 0)
		rate_set(r, rate);
	return signals ? -EINTR : rate > 0 ? 0 : -ENOENT;
}
