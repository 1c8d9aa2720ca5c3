/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The control of a run: phases, the clock, samples. It is the main lcore's, which may have a worker of one side, or of
 * both, to turn in between; otherwise it sleeps.
 *
 * Phases: connections open; operations start; warm-up; the measurement, cut into intervals; a little more, so that a
 * server in another process still sees traffic to the end of its own measurement; the end. A server alone measures from
 * the first operation it sees.
 */
#include "app/bench/run.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <rte_cycles.h>
#include <rte_lcore.h>

#include "app/bench/json.h"
#include "app/bench/report.h"
#include "app/bench/result.h"
#include "app/bench/side.h"
#include "app/bench/wire.h"

#define SEC_NS UINT64_C(1000000000)
#define PATIENCE_NS (10 * SEC_NS)  /* without progress */
#define LINGER_NS (SEC_NS / 2)
#define LAST_WORDS_NS (SEC_NS / 50)
#define NAP_NS 200000
#define TURNS_PER_LOOK 16          /* at the clock */
#define RING_LEAST 256u
#define RING_MOST 16384u

volatile sig_atomic_t signals;

struct run {
	const struct args *args;
	struct side sides[2];      /* the client first */
	unsigned n;
	bool main_works;
	const char *wire;
	/* the measurement */
	struct interval *intervals[2];
	unsigned n_intervals, room;
	struct side_count start[2], last[2];
	uint64_t counters[2][MR_CNT_MAX]; /* at its beginning, then what came since */
	struct result results[2];
};

/* ---- time */

static uint64_t
clock_ns(void)
{
	static uint64_t base;
	uint64_t ticks = rte_rdtsc();

	if (!base)
		base = ticks;
	return (uint64_t)((unsigned __int128)(ticks - base) * SEC_NS / rte_get_tsc_hz());
}

/* Turns of the main lcore's workers, or a nap. */
static void
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

/* @return false: a signal came */
static bool
run_until(struct run *r, uint64_t end_ns)
{
	while (clock_ns() < end_ns && !signals)
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

static int
core_measure(struct mr_stack *s, unsigned core, void *arg)
{
	(void)s;
	client_measure(((struct side *)arg)->clients[core]);
	return 0;
}

static int
core_measured(struct mr_stack *s, unsigned core, void *arg)
{
	(void)s;
	client_measured(((struct side *)arg)->clients[core]);
	return 0;
}

static void
clients_call(struct run *r, int (*fn)(struct mr_stack *s, unsigned core, void *arg))
{
	if (r->sides[0].role == ROLE_CLIENT)
		mr_host_call(r->sides[0].host, fn, &r->sides[0]);
}

/* ---- beginning */

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
	uint64_t want = 2 * (uint64_t)a->inflight;

	if (a->rxd)
		return a->rxd;
	return (unsigned)RTE_MIN(RTE_MAX(want, (uint64_t)RING_LEAST), (uint64_t)RING_MOST);
}

static int
sides_create(struct run *r)
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
static int
sides_start(struct run *r)
{
	int rc = 0;

	for (unsigned i = r->n; i-- > 0 && rc == 0;) {
		rc = mr_host_start(r->sides[i].host);
		if (rc == 0)
			rc = side_open(&r->sides[i]);
	}
	return rc;
}

static void
announce(const struct run *r)
{
	const struct args *a = r->args;
	char addr[MR_ADDR_STRLEN];

	printf("Millrace %s, %s over %s: ", mr_version(), a->mode->name, r->wire);
	for (unsigned i = 0; i < r->n; i++)
		printf("%s on %u core%s%s", role_name(r->sides[i].role), r->sides[i].n, r->sides[i].n == 1 ? "" : "s",
		       i + 1 < r->n ? ", " : "");
	printf("; %u connection%s, request %u, response %u bytes\n", a->connections, a->connections == 1 ? "" : "s", a->request,
	       a->response);
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

/* Until all connections are open. @return 0, -EINTR (a signal), or -ETIMEDOUT, told */
static int
wait_open(struct run *r)
{
	bool each = r->args->mode->flags & MODE_F_EACH;
	uint64_t seen = 0, seen_ns = clock_ns(), n;

	if (r->sides[0].role != ROLE_CLIENT || each)
		return 0;
	while ((n = side_connections(&r->sides[0])) < r->args->connections) {
		if (n > seen) {
			seen = n;
			seen_ns = clock_ns();
		} else if (clock_ns() - seen_ns > PATIENCE_NS) {
			return no_answer(r, "not all connections could be opened");
		}
		if (!run_until(r, clock_ns() + SEC_NS / 1000))
			return -EINTR;
	}
	return 0;
}

/* Until the first operation has ended. A server waits as long as it takes. */
static int
wait_first(struct run *r)
{
	uint64_t since_ns = clock_ns();
	struct side_count c;

	for (;;) {
		side_count(&r->sides[0], &c);
		if (c.ops > 0)
			return 0;
		if (r->sides[0].role == ROLE_CLIENT && clock_ns() - since_ns > PATIENCE_NS)
			return no_answer(r, "no operation succeeded");
		if (!run_until(r, clock_ns() + SEC_NS / 1000))
			return -EINTR;
	}
}

/* ---- the measurement */

static void
counters_read(const struct run *r, unsigned side, uint64_t *out)
{
	for (unsigned c = 0; c < MR_CNT_MAX; c++)
		out[c] = mr_host_counter(r->sides[side].host, (enum mr_counter)c);
}

static void
measure_begin(struct run *r)
{
	clients_call(r, core_measure);
	for (unsigned i = 0; i < r->n; i++) {
		counters_read(r, i, r->counters[i]);
		side_count(&r->sides[i], &r->start[i]);
		r->last[i] = r->start[i];
	}
}

static bool
intervals_room(struct run *r)
{
	unsigned room = r->room ? 2 * r->room : 64;

	if (r->n_intervals < r->room)
		return true;
	for (unsigned i = 0; i < r->n; i++) {
		struct interval *more = realloc(r->intervals[i], room * sizeof(*more));

		if (!more)
			return false;
		r->intervals[i] = more;
	}
	r->room = room;
	return true;
}

/* @return operations of the first side */
static uint64_t
interval_add(struct run *r, double seconds)
{
	for (unsigned i = 0; i < r->n; i++) {
		struct side_count now, *last = &r->last[i];

		side_count(&r->sides[i], &now);
		r->intervals[i][r->n_intervals] = (struct interval){
			.seconds = seconds,
			.ops = now.ops - last->ops,
			.bytes = now.bytes - last->bytes,
			.packets = now.rx_packets + now.tx_packets - last->rx_packets - last->tx_packets,
			.busy_tsc = now.busy_tsc - last->busy_tsc,
			.idle_tsc = now.idle_tsc - last->idle_tsc,
		};
		*last = now;
	}
	return r->intervals[0][r->n_intervals++].ops;
}

static void
interval_tell(const struct run *r, uint64_t at_ns)
{
	const char *roles[2];
	struct interval sides[2];

	for (unsigned i = 0; i < r->n; i++) {
		roles[i] = role_name(r->sides[i].role);
		sides[i] = r->intervals[i][r->n_intervals - 1];
	}
	if (!r->args->quiet)
		report_interval(roles, sides, r->n, at_ns, r->args->duration_ns);
}

static void
measure(struct run *r)
{
	uint64_t start_ns = clock_ns(), last_ns = start_ns, now_ns = start_ns;
	uint64_t end_ns = r->args->duration_ns ? start_ns + r->args->duration_ns : UINT64_MAX;

	measure_begin(r);
	while (now_ns < end_ns && intervals_room(r) && run_until(r, RTE_MIN(end_ns, last_ns + r->args->interval_ns))) {
		uint64_t ops;

		now_ns = clock_ns();
		ops = interval_add(r, (double)(now_ns - last_ns) / SEC_NS);
		last_ns = now_ns;
		/* The client has gone: this interval was none. */
		if (ops == 0 && r->args->role == ROLE_SERVER) {
			r->n_intervals--;
			if (r->args->duration_ns)
				break;
			continue;
		}
		interval_tell(r, now_ns - start_ns);
	}
	report_interval_end();
	clients_call(r, core_measured);
	for (unsigned i = 0; i < r->n; i++) {
		uint64_t now[MR_CNT_MAX];

		counters_read(r, i, now);
		for (unsigned c = 0; c < MR_CNT_MAX; c++)
			r->counters[i][c] = now[c] - r->counters[i][c];
	}
}

/* Does a side know how many there are? Not of those that come and go, nor a server of its datagrams' senders. */
static bool
counts_connections(const struct mode *m)
{
	return !(m->flags & MODE_F_EACH) && m->trans == MR_TRANS_TCP;
}

static void
result_fill(struct run *r, unsigned i)
{
	struct result *res = &r->results[i];
	const struct side *s = &r->sides[i];

	*res = (struct result){
		.mode = r->args->mode->name,
		.role = role_name(s->role),
		.wire = r->wire,
		.connections = counts_connections(r->args->mode) ? side_connections(s) : r->args->connections,
		.ops = r->last[i].ops - r->start[i].ops,
		.lost = r->last[i].lost - r->start[i].lost,
		.failed = r->last[i].failed - r->start[i].failed,
		.retransmits = r->counters[i][MR_CNT_TCP_RETRANSMITS],
	};
	result_rates(res, r->intervals[i], r->n_intervals);
	for (unsigned c = 0; c < MR_CNT_MAX; c++)
		res->drops[c] = mr_counter_is_drop((enum mr_counter)c) ? r->counters[i][c] : 0;
	for (unsigned core = 0; core < s->n && s->role == ROLE_CLIENT; core++)
		hist_merge(&res->latency, s->clients[core]->measured);
}

static int
results_tell(struct run *r)
{
	int rc = 0;

	for (unsigned i = 0; i < r->n; i++)
		result_fill(r, i);
	for (unsigned i = 0; i < r->n; i++) {
		r->results[i].limited_by = result_limit(&r->results[i], r->n == 2 ? &r->results[1 - i] : NULL);
		report_result(&r->results[i]);
	}
	if (r->args->json)
		rc = json_write_file(r->args->json, r->results, r->n);
	if (rc < 0)
		fprintf(stderr, "millrace-bench: --json %s: %s: name a file that can be written\n", r->args->json, strerror(-rc));
	return rc;
}

/* ---- the end */

/* A client goes on a little; a server waits until the client has gone. */
static void
linger(struct run *r)
{
	uint64_t end_ns = clock_ns() + PATIENCE_NS;
	struct side_count before, now;

	if (r->args->role == ROLE_CLIENT)
		run_until(r, clock_ns() + LINGER_NS);
	if (r->args->role != ROLE_SERVER || !r->args->duration_ns)
		return;
	side_count(&r->sides[0], &now);
	do {
		before = now;
		if (!run_until(r, clock_ns() + LINGER_NS / 2))
			return;
		side_count(&r->sides[0], &now);
	} while (now.rx_packets > before.rx_packets && clock_ns() < end_ns);
}

/* Both ends close, and say so; then nothing is left that holds a packet of the other end's. */
static void
run_end(struct run *r)
{
	uint64_t end_ns;

	for (unsigned i = 0; i < r->n; i++)
		side_close(&r->sides[i]);
	for (end_ns = clock_ns() + LAST_WORDS_NS; r->n > 0 && clock_ns() < end_ns;)
		run_turns(r);
	for (unsigned i = 0; i < r->n; i++)
		side_stop(&r->sides[i]);
	wire_drain();
	for (unsigned i = 0; i < r->n; i++)
		side_destroy(&r->sides[i]);
}

static int
run_phases(struct run *r)
{
	int rc = sides_start(r);

	if (rc < 0)
		return rc;
	announce(r);
	rc = wait_open(r);
	if (rc < 0)
		return rc;
	clients_call(r, core_go);
	rc = wait_first(r);
	if (rc < 0)
		return rc;
	if (!run_until(r, clock_ns() + r->args->warmup_ns))
		return -EINTR;
	measure(r);
	if (r->n_intervals == 0) {
		fprintf(stderr, "millrace-bench: ended before the first interval was over: nothing was measured\n");
		return -EINTR;
	}
	rc = results_tell(r);
	linger(r);
	return rc;
}

int
run_stack(const struct args *args)
{
	struct run *r = calloc(1, sizeof(*r));
	int rc;

	if (!r)
		return 1;
	r->args = args;
	rc = sides_create(r);
	if (rc == 0)
		rc = run_phases(r);
	run_end(r);
	for (unsigned i = 0; i < 2; i++)
		free(r->intervals[i]);
	free(r);
	return rc < 0 ? 1 : 0;
}
