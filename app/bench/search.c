/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A trial succeeds if the rate was reached and nothing was lost. The first one is at the rate that went with losses.
 */
#include "app/bench/search.h"

#include <inttypes.h>
#include <stdio.h>

#define REACHED 0.98
#define PRECISION 0.01
#define TRIALS 12

static bool
trial_succeeds(const struct search *s, double rate)
{
	uint64_t lost;
	double reached = s->trial(s->arg, rate, &lost);
	bool good = lost == 0 && reached >= REACHED * rate;

	if (!s->quiet)
		printf("  trial at %.0f a second: %.0f, %" PRIu64 " lost%s\n", rate, reached, lost, good ? "" : ": too fast");
	fflush(stdout);
	return good;
}

double
search_max(const struct search *s)
{
	uint64_t lost;
	double low = 0, high = s->trial(s->arg, 0, &lost);

	for (unsigned i = 0; i < TRIALS && high - low > PRECISION * high && !s->stopped(s->arg); i++) {
		double rate = i ? (low + high) / 2 : high;

		if (!trial_succeeds(s, rate))
			high = rate;
		else if (i)
			low = rate;
		else
			low = high;
	}
	if (low == 0 && !s->stopped(s->arg))
		fprintf(stderr, "millrace-bench: --find-max: there was loss at every rate down to %.0f a second: look at the drops of a "
		        "run with --rate\n", high);
	return low;
}
