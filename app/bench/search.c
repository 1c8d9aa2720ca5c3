/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The highest rate without loss: a binary search between nothing and what goes when nobody holds back. A trial succeeds
 * if the rate was reached, all operations were answered, and nothing was dropped or sent again at the sides we see.
 */
#include "app/bench/run.h"

#include <errno.h>
#include <stdio.h>

#define SETTLE_NS (SEC_NS / 5)
#define REACHED 0.98
#define PRECISION 0.01
#define TRIALS 12

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
		for (unsigned j = 0; j < MR_CNT_MAX; j++)
			sum += mr_counter_is_drop((enum mr_counter)j) ? c[j] : 0;
		side_count(&r->sides[i], &n);
		sum += c[MR_CNT_TCP_RETRANSMITS] + n.lost + n.failed;
	}
	return sum;
}

/* Run at a rate, 0: as fast as it goes. @return operations a second; *lost what was lost meanwhile */
static double
trial(struct run *r, double rate, uint64_t *lost)
{
	struct side_count before, after;
	uint64_t start_ns, at_start;

	r->sides[0].rate = rate;
	run_clients_call(r, core_set_rate);
	run_until(r, run_clock_ns() + SETTLE_NS);
	at_start = losses(r);
	side_count(&r->sides[0], &before);
	start_ns = run_clock_ns();
	run_until(r, start_ns + r->args->interval_ns);
	side_count(&r->sides[0], &after);
	*lost = losses(r) - at_start;
	return (double)(after.ops - before.ops) * SEC_NS / (double)(run_clock_ns() - start_ns);
}

static bool
trial_succeeds(struct run *r, double rate)
{
	uint64_t lost;
	double reached = trial(r, rate, &lost);
	bool good = lost == 0 && reached >= REACHED * rate;

	if (!r->args->quiet)
		printf("  trial at %.0f a second: %.0f, %lu lost%s\n", rate, reached, (unsigned long)lost, good ? "" : ": too fast");
	fflush(stdout);
	return good;
}

int
run_search(struct run *r)
{
	uint64_t lost;
	double low = 0, high = trial(r, 0, &lost);

	for (unsigned i = 0; i < TRIALS && high - low > PRECISION * high && !signals; i++) {
		double rate = i ? (low + high) / 2 : high;

		if (!trial_succeeds(r, rate))
			high = rate;
		else if (i)
			low = rate;
		else
			low = high;
	}
	if (signals)
		return -EINTR;
	if (low == 0) {
		fprintf(stderr, "millrace-bench: --find-max: there was loss at every rate down to %.0f a second: look at the drops of a "
		        "run with --rate\n", high);
		return -ENOENT;
	}
	r->sides[0].rate = low;
	run_clients_call(r, core_set_rate);
	return run_until(r, run_clock_ns() + SETTLE_NS) ? 0 : -EINTR;
}
