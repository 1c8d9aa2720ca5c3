/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Medians. The lower of the two middle values is taken when their number is even, so a median is always a value that was
 * measured.
 */
#include "app/bench/result.h"

#include <stdlib.h>
#include <string.h>

#define SATURATED 0.95 /* a core that is busy for so much of the time has nothing to give */

static int
compare(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

static double
ratio(double a, double b)
{
	return b > 0 ? a / b : 0;
}

enum rate { RATE_OPS, RATE_GBIT, RATE_PPS, RATE_PER_OP, RATE_PER_PACKET, RATE_BUSY };

static double
interval_rate(const struct interval *v, enum rate what)
{
	switch (what) {
	case RATE_OPS:
		return ratio((double)v->ops, v->seconds);
	case RATE_GBIT:
		return ratio((double)v->bytes * 8e-9, v->seconds);
	case RATE_PPS:
		return ratio((double)v->packets, v->seconds);
	case RATE_PER_OP:
		return ratio((double)v->busy_tsc, (double)v->ops);
	case RATE_PER_PACKET:
		return ratio((double)v->busy_tsc, (double)v->packets);
	default:
		return ratio((double)v->busy_tsc, (double)(v->busy_tsc + v->idle_tsc));
	}
}

static double
median(const struct intervals *all, enum rate what)
{
	double *values = calloc(all->n + 1, sizeof(*values)), m;

	if (!values)
		return 0;
	for (unsigned i = 0; i < all->n; i++)
		values[i] = interval_rate(&all->v[i], what);
	qsort(values, all->n, sizeof(*values), compare);
	m = all->n ? values[(all->n - 1) / 2] : 0;
	free(values);
	return m;
}

bool
intervals_room(struct intervals *all)
{
	unsigned room = all->room ? 2 * all->room : 64;
	struct interval *more;

	if (all->n < all->room)
		return true;
	more = realloc(all->v, room * sizeof(*more));
	if (!more)
		return false;
	all->v = more;
	all->room = room;
	return true;
}

void
result_rates(struct result *r, const struct intervals *all)
{
	r->ops_per_s = median(all, RATE_OPS);
	r->gbit_per_s = median(all, RATE_GBIT);
	r->pps = median(all, RATE_PPS);
	r->cycles_per_op = median(all, RATE_PER_OP);
	r->cycles_per_packet = median(all, RATE_PER_PACKET);
	r->busy = median(all, RATE_BUSY);
}

const char *
result_limit(const struct result *own, const struct result *peer)
{
	double other = peer ? peer->busy : 0;

	if (own->busy >= SATURATED || other >= SATURATED)
		return own->busy >= other ? own->role : peer->role;
	if (peer)
		return "wire";
	return strcmp(own->role, "client") == 0 ? "server" : "client";
}

void
result_drop_add(struct result *r, const char *name, const char *help, uint64_t n)
{
	if (n > 0 && r->n_drops < MR_CNT_MAX)
		r->drops[r->n_drops++] = (struct drop){.name = name, .help = help, .n = n};
}

uint64_t
result_drops(const struct result *r)
{
	uint64_t sum = 0;

	for (unsigned i = 0; i < r->n_drops; i++)
		sum += r->drops[i].n;
	return sum;
}
