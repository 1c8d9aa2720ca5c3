/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The measurement: samples of both sides at the end of each interval, and the results from them.
 */
#include "app/bench/run.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "app/bench/json.h"
#include "app/bench/report.h"

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

void
run_counters_read(const struct run *r, unsigned side, uint64_t *out)
{
	for (unsigned c = 0; c < MR_CNT_MAX; c++)
		out[c] = mr_host_counter(r->sides[side].host, (enum mr_counter)c);
}

static void
measure_begin(struct run *r)
{
	run_clients_call(r, core_measure);
	for (unsigned i = 0; i < r->n; i++) {
		run_counters_read(r, i, r->counters[i]);
		side_count(&r->sides[i], &r->start[i]);
		r->last[i] = r->start[i];
	}
}

/* @return operations of the first side */
static uint64_t
interval_add(struct run *r, double seconds)
{
	for (unsigned i = 0; i < r->n; i++) {
		struct side_count now, *last = &r->last[i];

		side_count(&r->sides[i], &now);
		r->intervals[i].v[r->intervals[i].n++] = (struct interval){
			.seconds = seconds,
			.ops = now.ops - last->ops,
			.bytes = now.bytes - last->bytes,
			.packets = now.rx_packets + now.tx_packets - last->rx_packets - last->tx_packets,
			.busy_tsc = now.busy_tsc - last->busy_tsc,
			.idle_tsc = now.idle_tsc - last->idle_tsc,
		};
		*last = now;
	}
	return r->intervals[0].v[r->intervals[0].n - 1].ops;
}

static void
interval_tell(const struct run *r, uint64_t at_ns)
{
	const char *roles[2];
	struct interval sides[2];

	for (unsigned i = 0; i < r->n; i++) {
		roles[i] = role_name(r->sides[i].role);
		sides[i] = r->intervals[i].v[r->intervals[i].n - 1];
	}
	if (!r->args->quiet)
		report_interval(roles, sides, r->n, at_ns, r->args->duration_ns);
}

/* @return false: a signal came, or all connections that were to be opened are */
static bool
interval_wait(struct run *r, uint64_t end_ns)
{
	if (!(r->args->mode->flags & MODE_F_HOLD) || r->sides[0].role != ROLE_CLIENT)
		return run_until(r, end_ns);
	while (run_clock_ns() < end_ns && !signals) {
		if (side_connections(&r->sides[0]) == r->args->connections)
			return false;
		run_turns(r);
	}
	return !signals;
}

/* One interval, up to `end_ns`. @return false: it was the last */
static bool
interval_run(struct run *r, uint64_t start_ns, uint64_t last_ns, uint64_t end_ns)
{
	bool hold = r->args->mode->flags & MODE_F_HOLD, more = intervals_room(&r->intervals[0]) && intervals_room(&r->intervals[1]) && interval_wait(r, end_ns);
	uint64_t now_ns = run_clock_ns(), ops;

	/* What a signal cut short counts only where nothing else is left to count. */
	if (!more && !hold)
		return false;
	ops = interval_add(r, (double)(now_ns - last_ns) / SEC_NS);
	/* The client has gone: this interval was none. */
	if (ops == 0 && r->args->role == ROLE_SERVER) {
		r->intervals[0].n--;
		return !r->args->duration_ns && !signals;
	}
	interval_tell(r, now_ns - start_ns);
	return more;
}

uint64_t
run_interval_end(const struct args *a, uint64_t now_ns, uint64_t end_ns)
{
	uint64_t interval_ns = a->interval_ns;

	return end_ns - now_ns < interval_ns + interval_ns / 2 ? end_ns : now_ns + interval_ns;
}

void
run_measure(struct run *r)
{
	uint64_t start_ns = run_clock_ns(), now_ns = start_ns, end_ns = UINT64_MAX;

	if (r->args->duration_ns && !(r->args->mode->flags & MODE_F_HOLD))
		end_ns = start_ns + r->args->duration_ns;
	measure_begin(r);
	while (now_ns < end_ns && interval_run(r, start_ns, now_ns, run_interval_end(r->args, now_ns, end_ns)))
		now_ns = run_clock_ns();
	report_interval_end();
	run_clients_call(r, core_measured);
	for (unsigned i = 0; i < r->n; i++) {
		uint64_t now[MR_CNT_MAX];

		run_counters_read(r, i, now);
		for (unsigned c = 0; c < MR_CNT_MAX; c++)
			r->counters[i][c] = now[c] - r->counters[i][c];
	}
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
		.connections = run_counts_connections(r) ? side_connections(s) : r->args->connections,
		.ops = r->last[i].ops - r->start[i].ops,
		.lost = r->last[i].lost - r->start[i].lost,
		.failed = r->last[i].failed - r->start[i].failed,
		.retransmits = r->counters[i][MR_CNT_TCP_RETRANSMITS],
		.syn_cookies = r->counters[i][MR_CNT_TCP_SYNCOOKIES_SENT],
		.honest = r->last[i].honest - r->start[i].honest,
		.floods = r->args->mode->flags & MODE_F_FLOOD,
		.bytes_per_connection = r->per_connection[i],
	};
	result_rates(res, &r->intervals[i]);
	for (enum mr_counter c = 0; c < MR_CNT_MAX; c++) {
		if (mr_counter_is_drop(c))
			result_drop_add(res, mr_counter_name(c), mr_counter_help(c), r->counters[i][c]);
	}
	for (unsigned core = 0; core < s->n && s->role == ROLE_CLIENT; core++)
		hist_merge(&res->latency, s->clients[core]->measured);
}

int
run_results_tell(struct run *r)
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
