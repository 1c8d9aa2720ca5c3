/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Placing the sides on lcores, making them with what is between them, and taking everything down.
 */
#include "app/bench/run.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include <rte_lcore.h>

#include "app/bench/flood.h"
#include "app/bench/wire.h"

#define LAST_WORDS_NS (SEC_NS / 50)
#define RING_LEAST 256u
#define RING_MOST 16384u

/* Which lcores a side gets, of those that EAL has: as many as asked for, or its share. */
static int
side_place(struct run *r, struct side *s, unsigned first, unsigned n)
{
	unsigned lcores[SIDE_MAX_CORES], all = 0, lcore;

	lcores[all++] = rte_get_main_lcore();
	RTE_LCORE_FOREACH_WORKER(lcore) {
		if (all < SIDE_MAX_CORES)
			lcores[all++] = lcore;
	}
	if (first + n > all) {
		fprintf(stderr, "millrace-bench: --workers %u: EAL has %u lcores for them: give it more (-l), or lower the workers\n",
		        r->args->workers, all);
		return -EINVAL;
	}
	s->n = n;
	memcpy(s->lcores, lcores + first, n * sizeof(lcores[0]));
	return 0;
}

/* The client in front, with the main lcore; one lcore alone is shared. */
static int
place_self(struct run *r)
{
	unsigned all = rte_lcore_count(), n = r->args->workers ? r->args->workers : RTE_MAX(all / 2, 1u);
	int rc;

	r->n = 2;
	r->sides[0].role = ROLE_CLIENT;
	r->sides[1].role = ROLE_SERVER;
	rc = side_place(r, &r->sides[0], 0, n);
	return rc == 0 ? side_place(r, &r->sides[1], all == 1 ? 0 : n, n) : rc;
}

/* All lcores work, or with fewer workers than lcores the main one controls. */
static int
place_alone(struct run *r)
{
	unsigned all = rte_lcore_count(), n = r->args->workers ? r->args->workers : all;

	r->n = 1;
	r->sides[0].role = r->args->role;
	return side_place(r, &r->sides[0], n < all ? 1 : 0, n);
}

static unsigned
ring_depth(const struct args *a)
{
	uint64_t want = 2 * (uint64_t)a->inflight + flood_wire_frames(a);

	if (a->rxd)
		return a->rxd;
	return (unsigned)RTE_MIN(RTE_MAX(want, (uint64_t)RING_LEAST), (uint64_t)RING_MOST);
}

int
run_sides_create(struct run *r)
{
	const char *devices[2] = {r->args->port, NULL};
	char names[2][WIRE_NAME];
	int rc = r->args->role == ROLE_SELF ? place_self(r) : place_alone(r);

	if (rc == 0 && r->n == 2) {
		rc = wire_join(r->sides[0].n, ring_depth(r->args), names);
		devices[0] = names[0];
		devices[1] = names[1];
	}
	r->wire = r->n == 2 ? "self" : wire_driver(devices[0]);
	for (unsigned i = 0; i < r->n && rc == 0; i++) {
		rc = side_create(&r->sides[i], r->args, devices[i]);
		r->main_works |= side_has_main(&r->sides[i]);
	}
	return rc;
}

/* The server is there before the client asks. */
int
run_sides_start(struct run *r)
{
	int rc = 0;

	for (unsigned i = 0; i < r->n; i++)
		r->memory[i] = side_memory(&r->sides[i]);
	for (unsigned i = r->n; i-- > 0 && rc == 0;) {
		rc = mr_host_start(r->sides[i].host);
		if (rc == 0)
			rc = side_open(&r->sides[i]);
	}
	return rc;
}

/* Both ends close, and say so; then nothing is left that holds a packet of the other end's. */
void
run_sides_end(struct run *r)
{
	uint64_t end_ns;

	for (unsigned i = 0; i < r->n; i++)
		side_close(&r->sides[i]);
	for (end_ns = run_clock_ns() + LAST_WORDS_NS; r->n > 0 && run_clock_ns() < end_ns;)
		run_turns(r);
	for (unsigned i = 0; i < r->n; i++)
		side_stop(&r->sides[i]);
	wire_drain();
	for (unsigned i = 0; i < r->n; i++)
		side_destroy(&r->sides[i]);
}
