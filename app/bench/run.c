/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The control of a run: phases and the clock. It is the main lcore's, which may have a worker of one side, or of
 * both, to turn in between; otherwise it sleeps.
 *
 * Phases: connections open; operations start; warm-up; the measurement, cut into intervals; a little more, so that a
 * server in another process still sees traffic to the end of its own measurement; the end. A server alone measures from
 * the first operation it sees. Where opening connections is the operation (MODE_F_HOLD), that is what is measured, and
 * they are held for the duration afterwards.
 */
#include "app/bench/run.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <rte_cycles.h>

#define PATIENCE_NS (10 * SEC_NS)  /* without progress */
#define LINGER_NS (SEC_NS / 2)
#define NAP_NS 200000
#define TURNS_PER_LOOK 16          /* at the clock */

volatile sig_atomic_t signals;

/* ---- time */

uint64_t
run_clock_ns(void)
{
	static uint64_t base;
	uint64_t ticks = rte_rdtsc();

	if (!base)
		base = ticks;
	return (uint64_t)((unsigned __int128)(ticks - base) * SEC_NS / rte_get_tsc_hz());
}

void
run_turns(struct run *r)
{
	for (unsigned i = 0; i < TURNS_PER_LOOK && r->main_works; i++) {
		for (unsigned j = 0; j < r->n && r->sides[j].host; j++)
			mr_host_poll(r->sides[j].host);
	}
	if (!r->main_works) {
		struct timespec ts = {.tv_nsec = NAP_NS};

		nanosleep(&ts, NULL);
	}
}

bool
run_until(struct run *r, uint64_t end_ns)
{
	while (run_clock_ns() < end_ns && !signals)
		run_turns(r);
	return !signals;
}

/* ---- on each client core */

static int
core_go(struct mr_stack *s, unsigned core, void *arg)
{
	(void)s;
	client_go(((struct side *)arg)->clients[core]);
	return 0;
}

void
run_clients_call(struct run *r, int (*fn)(struct mr_stack *s, unsigned core, void *arg))
{
	if (r->sides[0].role == ROLE_CLIENT)
		mr_host_call(r->sides[0].host, fn, &r->sides[0]);
}

/* ---- beginning */

static void
announce(const struct run *r)
{
	const struct args *a = r->args;
	char addr[MR_ADDR_STRLEN];

	printf("Millrace %s, %s over %s: ", mr_version(), a->mode->name, r->wire);
	for (unsigned i = 0; i < r->n; i++)
		printf("%s on %u core%s%s", role_name(r->sides[i].role), r->sides[i].n, r->sides[i].n == 1 ? "" : "s",
		       i + 1 < r->n ? ", " : "");
	if (a->held)
		printf("; %u held", a->held);
	printf("; %u connection%s, request %u, response %u bytes", a->connections, a->connections == 1 ? "" : "s", a->request,
	       a->response);
	if (a->mode->flags & MODE_F_FLOOD)
		printf("; %" PRIu64 " SYNs a second of %u sources", a->flood_rate, a->sources);
	putchar('\n');
	if (a->role == ROLE_SERVER)
		printf("Ready on %s port %u\n", mr_addr_format(&a->server.addr, addr, sizeof(addr)), a->service);
	fflush(stdout);
}

/* ---- waiting for the other side */

static int
no_answer(const struct run *r, const char *what)
{
	char addr[MR_ADDR_STRLEN];
	int err = 0;

	for (unsigned i = 0; i < r->sides[0].n && !err; i++)
		err = r->sides[0].clients[i]->last_error;
	fprintf(stderr, "millrace-bench: %s to %s port %u%s%s: is the server there, with the same options?\n", what,
	        mr_addr_format(&r->args->server.addr, addr, sizeof(addr)), r->args->service, err ? ": " : "",
	        err ? strerror(-err) : "");
	return -ETIMEDOUT;
}

/* What is waited for: a number that grows. A connection is open when both ends, as far as they are here, say so. */
static uint64_t
progress(const struct run *r, bool of_operations)
{
	struct side_count c;

	if (!of_operations && r->n == 2 && run_counts_connections(r))
		return RTE_MIN(side_connections(&r->sides[0]), side_connections(&r->sides[1]));
	if (!of_operations)
		return side_connections(&r->sides[0]);
	side_count(&r->sides[0], &c);
	return c.ops;
}

/* Until it has grown to `goal`. A server waits as long as it takes. @return 0, -EINTR (a signal), or -ETIMEDOUT, told */
static int
wait_for(struct run *r, bool of_operations, uint64_t goal, const char *otherwise)
{
	uint64_t seen = 0, seen_ns = run_clock_ns(), n;

	while ((n = progress(r, of_operations)) < goal) {
		if (n > seen) {
			seen = n;
			seen_ns = run_clock_ns();
		} else if (r->sides[0].role == ROLE_CLIENT && run_clock_ns() - seen_ns > PATIENCE_NS) {
			return no_answer(r, otherwise);
		}
		if (!run_until(r, run_clock_ns() + SEC_NS / 1000))
			return -EINTR;
	}
	return 0;
}

bool
run_counts_connections(const struct run *r)
{
	const struct mode *m = r->args->mode;

	return !(m->flags & MODE_F_EACH) && m->trans == MR_TRANS_TCP;
}

static int
wait_open(struct run *r)
{
	const struct args *a = r->args;
	uint64_t goal = (uint64_t)a->held + (a->mode->flags & MODE_F_EACH ? 0 : a->connections);

	if (r->sides[0].role != ROLE_CLIENT || goal == 0)
		return 0;
	return wait_for(r, false, goal, "not all connections could be opened");
}

static int
wait_first(struct run *r)
{
	return wait_for(r, true, 1, "no operation succeeded");
}

/* All connections are open, and idle. */
static void
memory_weigh(struct run *r)
{
	for (unsigned i = 0; i < r->n; i++) {
		uint64_t n = side_connections(&r->sides[i]), now = side_memory(&r->sides[i]);

		r->per_connection[i] = 0;
		if ((run_counts_connections(r) || r->args->held) && n > 0 && now > r->memory[i])
			r->per_connection[i] = (double)(now - r->memory[i]) / (double)n;
	}
}

/* ---- the end */

/* A client goes on a little; a server waits until the client has gone: no connection is left, or nothing comes. */
static void
linger(struct run *r)
{
	uint64_t seen_ns = run_clock_ns();
	struct side_count before, now;

	if (r->args->role == ROLE_CLIENT)
		run_until(r, run_clock_ns() + LINGER_NS);
	if (r->args->role != ROLE_SERVER || !r->args->duration_ns)
		return;
	side_count(&r->sides[0], &before);
	while (run_until(r, run_clock_ns() + LINGER_NS / 2)) {
		side_count(&r->sides[0], &now);
		if (now.rx_packets > before.rx_packets)
			seen_ns = run_clock_ns();
		else if (side_connections(&r->sides[0]) == 0 || !(r->args->mode->flags & MODE_F_HOLD))
			return;
		if (run_clock_ns() - seen_ns > r->args->duration_ns + PATIENCE_NS)
			return;
		before = now;
	}
}

/* What comes before the measurement. @return 0 or -errno, told unless it is -EINTR */
static int
run_up(struct run *r)
{
	int rc = run_sides_start(r);

	if (rc < 0)
		return rc;
	announce(r);
	if (r->args->mode->flags & MODE_F_HOLD)
		return r->args->role == ROLE_SERVER ? wait_first(r) : 0;
	rc = wait_open(r);
	if (rc < 0)
		return rc;
	if (r->args->role != ROLE_SERVER)
		memory_weigh(r);
	run_clients_call(r, core_go);
	rc = wait_first(r);
	if (rc == 0 && r->args->role == ROLE_SERVER)
		memory_weigh(r);
	if (rc == 0 && !run_until(r, run_clock_ns() + r->args->warmup_ns))
		rc = -EINTR;
	return rc == 0 && r->args->find_max && r->sides[0].role == ROLE_CLIENT ? run_search(r) : rc;
}

/* All are open: hold them. @return 0, -EINTR, or -ECONNRESET, told: not all were there in the end */
static int
hold(struct run *r)
{
	uint64_t left;

	memory_weigh(r);
	if (r->args->role == ROLE_SERVER)
		return 0;
	run_until(r, run_clock_ns() + r->args->duration_ns);
	left = side_connections(&r->sides[0]);
	if (left == r->args->connections)
		return 0;
	fprintf(stderr, "millrace-bench: %" PRIu64 " of %u connections are open in the end\n", left, r->args->connections);
	return signals ? -EINTR : -ECONNRESET;
}

static int
run_phases(struct run *r)
{
	int rc = run_up(r), held = 0;

	if (rc < 0)
		return rc;
	run_measure(r);
	if (r->intervals[0].n == 0) {
		fprintf(stderr, "millrace-bench: ended before the first interval was over: nothing was measured\n");
		return -EINTR;
	}
	if (r->args->mode->flags & MODE_F_HOLD)
		held = hold(r);
	rc = run_results_tell(r);
	linger(r);
	return held < 0 ? held : rc;
}

int
run_stack(const struct args *args)
{
	struct run *r = calloc(1, sizeof(*r));
	int rc;

	if (!r)
		return 1;
	r->args = args;
	rc = run_sides_create(r);
	if (rc == 0)
		rc = run_phases(r);
	run_sides_end(r);
	for (unsigned i = 0; i < 2; i++)
		free(r->intervals[i].v);
	free(r);
	return rc < 0 ? 1 : 0;
}
