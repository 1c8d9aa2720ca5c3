/* SPDX-License-Identifier: Apache-2.0 */
/*
 * BBR and its windowed maximum without a connection. The path is a bottleneck with a FIFO in front and a delay behind;
 * the sender here does what output and the ACK processing do: paces, keeps the window, takes the rate samples. Nothing
 * is sent again: what is lost has left the network.
 */
#include "rig/rig.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "proto/tcp/bbr.h"
#include "proto/tcp/winmax.h"
#include "stack/rng.h"

#define MSS 1460u
#define MS 1000000ull
#define S 1000000000ull

/* ---- windowed maximum */

/* Never less than the maximum of the last half window, never more than that of a window. */
START_TEST(winmax_against_all_values)
{
	enum { N = 4000 };
	static uint64_t value[N];
	static uint32_t time[N];
	static const uint32_t halves[] = {1, 2, 5, 100};
	struct tcp_winmax w = {.half = halves[_i], .begin = 0xfffffff0u};
	struct mr_rng rng;
	uint32_t t = w.begin;

	mr_rng_seed(&rng, 7);
	for (unsigned i = 0; i < N; i++) {
		uint64_t half_max = 0, max = 0;

		t += mr_rng_below(&rng, 10) == 0 ? mr_rng_below(&rng, 3 * halves[_i]) : mr_rng_below(&rng, 2);
		time[i] = t;
		value[i] = mr_rng_below(&rng, 1000) >> mr_rng_below(&rng, 8);
		tcp_winmax_add(&w, t, value[i]);
		for (unsigned k = 0; k <= i; k++) {
			if (t - time[k] < 2 * w.half)
				max = RTE_MAX(max, value[k]);
			if (t - time[k] < w.half)
				half_max = RTE_MAX(half_max, value[k]);
		}
		ck_assert_uint_ge(tcp_winmax(&w), half_max);
		ck_assert_uint_le(tcp_winmax(&w), max);
	}
}
END_TEST

/* With a half window of one step the maximum is exactly that of this step and the one before. */
START_TEST(winmax_of_two_steps)
{
	struct tcp_winmax w = {.half = 1};

	tcp_winmax_add(&w, 0, 100);
	tcp_winmax_add(&w, 0, 50);
	tcp_winmax_add(&w, 1, 80);
	ck_assert_uint_eq(tcp_winmax(&w), 100);
	tcp_winmax_add(&w, 2, 10);
	ck_assert_uint_eq(tcp_winmax(&w), 80);
	tcp_winmax_add(&w, 4, 5);
	ck_assert_uint_eq(tcp_winmax(&w), 5);
}
END_TEST

/* ---- a path and a sender */

struct seg {
	uint64_t sent_ns, ack_ns; /* ack_ns 0: lost on the way */
	uint32_t delivered, since_delivered_ns, since_first_ns;
	bool app_limited;
};

#define SEGS (1u << 16)

static struct sim {
	struct tcp_cc cc;
	struct bbr bbr;
	/* path */
	uint64_t rate, delay_ns;   /* bytes a second; both ways */
	uint32_t queue;            /* bytes; 0: no bound */
	uint32_t loss_ppm;
	uint64_t line_free_ns;
	struct mr_rng rng;
	/* sender */
	uint64_t now, pace_ns;
	uint32_t in_flight, delivered;
	uint64_t delivered_ns, first_sent_ns, srtt_ns;
	struct seg seg[SEGS];
	uint32_t next, una;        /* indices, modulo SEGS */
	bool cwnd_limited, recovery, app_idle, mark;
	uint32_t recover;
	/* what came of it */
	uint64_t sent, lost, got;  /* segments */
	uint64_t queue_ns_max;
	uint32_t cwnd_min;
	bool seen[BBR_PROBE_RTT + 1];
	double paced[BBR_PROBE_RTT + 1]; /* the pacing rate last set in a state, in the rate then known */
} *sim;

static void
sim_setup(void)
{
	sim = calloc(1, sizeof(*sim));
	ck_assert_ptr_nonnull(sim);
	mr_rng_seed(&sim->rng, 1);
	sim->now = RIG_START_NS;
	sim->rate = 12500000; /* 100 Mbit/s */
	sim->delay_ns = 20 * MS;
	sim->bbr.rng = 12345;
	sim->cc = (struct tcp_cc){.ops = &tcp_bbr, .cwnd = 10 * MSS, .mss = MSS, .block = &sim->bbr};
	sim->cc.ops->init(&sim->cc);
}

static void
sim_teardown(void)
{
	free(sim);
}

static uint32_t
bdp(void)
{
	return (uint32_t)(sim->rate * sim->delay_ns / S);
}

static void
put_on_line(struct seg *s)
{
	uint64_t start = RTE_MAX(sim->line_free_ns, sim->now), wait = start - sim->now;

	s->ack_ns = 0;
	if (sim->loss_ppm && mr_rng_below(&sim->rng, 1000000) < sim->loss_ppm)
		return;
	if (sim->queue && wait * sim->rate / S + MSS > sim->queue)
		return;
	sim->queue_ns_max = RTE_MAX(sim->queue_ns_max, wait);
	sim->line_free_ns = start + MSS * S / sim->rate;
	s->ack_ns = sim->line_free_ns + sim->delay_ns;
}

static bool
may_send(void)
{
	uint64_t quantum_ns = tcp_pace_quantum(&sim->cc) * S / sim->cc.pacing_rate;

	sim->cwnd_limited = sim->in_flight + MSS > sim->cc.cwnd;
	return !sim->app_idle && !sim->cwnd_limited && sim->pace_ns <= sim->now + quantum_ns;
}

static void
send_all(void)
{
	while (may_send()) {
		struct seg *s = &sim->seg[sim->next++ % SEGS];

		if (sim->in_flight == 0)
			sim->first_sent_ns = sim->delivered_ns = sim->now;
		*s = (struct seg){.sent_ns = sim->now, .delivered = sim->delivered,
		                  .since_delivered_ns = (uint32_t)(sim->now - sim->delivered_ns),
		                  .since_first_ns = (uint32_t)(sim->now - sim->first_sent_ns)};
		put_on_line(s);
		sim->in_flight += MSS;
		sim->sent++;
		sim->pace_ns = RTE_MAX(sim->pace_ns, sim->now) + MSS * S / sim->cc.pacing_rate;
	}
}

/* The next segment that arrives; those lost before it are missed now. NULL: none is on the way. */
static struct seg *
next_arrival(uint32_t *lost)
{
	*lost = 0;
	for (uint32_t i = sim->una; i != sim->next; i++) {
		if (sim->seg[i % SEGS].ack_ns)
			return &sim->seg[i % SEGS];
		*lost += 1;
	}
	return NULL;
}

static void
take_ack(struct seg *s, uint32_t lost)
{
	struct tcp_cc_ack a = {.now_ns = sim->now, .rtt_ns = sim->now - s->sent_ns, .acked = MSS, .lost = lost * MSS,
	                       .prior_in_flight = sim->in_flight, .prior_delivered = s->delivered, .ece = sim->mark};

	sim->srtt_ns = sim->srtt_ns ? (7 * sim->srtt_ns + a.rtt_ns) / 8 : a.rtt_ns;
	a.srtt_ns = sim->srtt_ns;
	sim->delivered += MSS;
	sim->got++;
	sim->delivered_ns = sim->now;
	sim->first_sent_ns = s->sent_ns;
	a.delivered = sim->delivered;
	a.interval_ns = RTE_MAX(sim->now - s->sent_ns + s->since_delivered_ns, (uint64_t)s->since_first_ns);
	sim->una += lost + 1;
	sim->in_flight -= (lost + 1) * MSS;
	sim->lost += lost;
	a.in_flight = sim->in_flight;
	a.cwnd_limited = sim->cwnd_limited;
	if (lost && !sim->recovery) {
		sim->recovery = true;
		sim->recover = sim->next;
		sim->cc.ops->loss(&sim->cc, sim->in_flight, sim->now);
	} else if (sim->recovery && (int32_t)(sim->una - sim->recover) >= 0) {
		sim->recovery = false;
		sim->cc.ops->recovered(&sim->cc, sim->now);
	}
	a.recovery = sim->recovery;
	sim->mark = false;
	sim->cc.ops->control(&sim->cc, &a);
	/* An assertion for each of a million ACKs would take longer than they do. */
	if (sim->cc.cwnd < 4 * MSS || sim->cc.pacing_rate == 0)
		ck_abort_msg("cwnd %u, pacing rate %lu", sim->cc.cwnd, (unsigned long)sim->cc.pacing_rate);
	sim->seen[sim->bbr.state] = true;
	sim->paced[sim->bbr.state] = (double)sim->cc.pacing_rate / tcp_bbr_bw(&sim->bbr);
	sim->cwnd_min = RTE_MIN(sim->cwnd_min, sim->cc.cwnd);
}

/* @return share of the link's rate that got through */
static double
run(uint64_t ns)
{
	uint64_t end = sim->now + ns;
	uint64_t before = sim->got;

	sim->cwnd_min = UINT32_MAX;
	sim->queue_ns_max = 0;
	memset(sim->seen, 0, sizeof(sim->seen));
	while (sim->now < end) {
		uint64_t quantum_ns, next = end;
		uint32_t lost;
		struct seg *s;

		send_all();
		s = next_arrival(&lost);
		if (s)
			next = RTE_MIN(next, s->ack_ns);
		else if (sim->una != sim->next) /* all in flight is lost: a timeout would find out */
			sim->una = sim->next, sim->in_flight = 0;
		quantum_ns = tcp_pace_quantum(&sim->cc) * S / sim->cc.pacing_rate;
		if (!sim->app_idle && !sim->cwnd_limited)
			next = RTE_MIN(next, RTE_MAX(sim->pace_ns - RTE_MIN(quantum_ns, sim->pace_ns), sim->now + 1));
		sim->now = next;
		if (s && s->ack_ns <= sim->now)
			take_ack(s, lost);
	}
	return (double)(sim->got - before) * MSS * S / ((double)sim->rate * ns);
}

static void
near(double got, double want, double share)
{
	ck_assert_msg(got >= want * (1 - share) && got <= want * (1 + share), "%.4g is not %.4g within %.0f percent", got,
	              want, 100 * share);
}

/* ---- the states */

/* STARTUP doubles, finds the rate, drains its queue, and probing begins; the model is right. */
START_TEST(finds_the_path)
{
	static const struct {
		uint64_t rate, delay_ns;
	} c[] = {{12500000, 20 * MS}, {125000, 50 * MS}, {1250000000, 100000}, {125000000, 100 * MS}};

	sim->rate = c[_i].rate;
	sim->delay_ns = c[_i].delay_ns;
	run(35 * (sim->delay_ns + MSS * S / sim->rate));
	ck_assert(sim->bbr.full);
	ck_assert(sim->seen[BBR_STARTUP] && sim->seen[BBR_DRAIN]);
	run(S);
	ck_assert(tcp_bbr_in_probe_bw(&sim->bbr));
	near(tcp_bbr_bw(&sim->bbr), sim->rate, 0.03);
	near(sim->bbr.min_rtt_ns, sim->delay_ns + MSS * S / sim->rate, 0.03);
	ck_assert(run(5 * S) > 0.95);
	ck_assert_uint_eq(sim->lost, 0);
}
END_TEST

/* The initial window goes out at the rate that a guessed round trip of 1 ms needs; the first sample corrects it. */
START_TEST(pacing_before_samples)
{
	near(sim->cc.pacing_rate, 10 * MSS * 1000 * 2.77, 0.01);
	run(21 * MS);
	near(sim->cc.pacing_rate, 10 * MSS / 0.02 * 2.77, 0.2);
}
END_TEST

/* A queue stays small while the path is full: UP adds a quarter of the BDP for a few round trips, DOWN takes it away.
 * */
START_TEST(small_queue)
{
	run(3 * S);
	ck_assert(run(10 * S) > 0.97);
	ck_assert(sim->seen[BBR_DOWN] && sim->seen[BBR_CRUISE] && sim->seen[BBR_REFILL] && sim->seen[BBR_UP]);
	ck_assert_uint_lt(sim->queue_ns_max, sim->delay_ns * 3 / 2);
	ck_assert_uint_gt(sim->queue_ns_max, sim->delay_ns / 10);
}
END_TEST

/* 5.6.1: the pace of each state of the cycle, a percent below the rate that is known: nine tenths where a queue is taken away,
 * a quarter more where the path is asked for more. */
START_TEST(pace_of_the_states)
{
	static const struct {
		int state;
		double gain;
	} want[] = {{BBR_DOWN, 0.9}, {BBR_CRUISE, 1}, {BBR_REFILL, 1}, {BBR_UP, 1.25}, {BBR_PROBE_RTT, 1}};

	run(3 * S);
	run(15 * S);
	sim->delay_ns = 30 * MS; /* no sample matches the least round trip any more */
	run(15 * S);
	for (unsigned i = 0; i < RTE_DIM(want); i++)
		near(sim->paced[want[i].state], 0.99 * want[i].gain, 0.005);
	near(sim->cwnd_min, sim->rate * 0.01, 0.05); /* PROBE_RTT: half of what the path held */
}
END_TEST

/* 4.6.4.3: others find 15 percent of what fits unused, a segment at least; four may always be in flight. */
START_TEST(headroom)
{
	static const struct {
		uint32_t fits, most;
	} c[] = {{100, 85}, {20, 17}, {6, 5}, {4, 4}, {2, 4}};

	ck_assert_uint_eq(tcp_bbr_inflight_with_headroom(&sim->cc, &sim->bbr), BBR_NONE);
	for (unsigned i = 0; i < RTE_DIM(c); i++) {
		sim->bbr.inflight_hi = c[i].fits * MSS;
		ck_assert_uint_eq(tcp_bbr_inflight_with_headroom(&sim->cc, &sim->bbr), c[i].most * MSS);
	}
}
END_TEST

/* PROBE_RTT comes when no sample matches the least round trip for 5 s: a longer path is known after 10 s, and full. */
START_TEST(longer_path)
{
	run(5 * S);
	sim->delay_ns = 60 * MS;
	run(6 * S);
	ck_assert(sim->seen[BBR_PROBE_RTT]);
	ck_assert_uint_le(sim->cwnd_min, bdp() / 2);
	run(6 * S);
	near(sim->bbr.min_rtt_ns, 60 * MS, 0.03);
	ck_assert(run(5 * S) > 0.95);
}
END_TEST

/* On a path of which others have taken half, or given it back, the rate is found again. */
START_TEST(rate_changes)
{
	static const double factor[] = {0.5, 4};

	run(5 * S);
	sim->rate = (uint64_t)(sim->rate * factor[_i]);
	run(15 * S);
	near(tcp_bbr_bw(&sim->bbr), sim->rate, 0.05);
	ck_assert(run(5 * S) > 0.93);
	ck_assert_uint_lt(sim->queue_ns_max, 2 * sim->delay_ns);
}
END_TEST

/* ---- loss and marks */

/* Loss below 2 percent of a round is not taken for a full path. */
START_TEST(random_loss)
{
	static const uint32_t ppm[] = {1000, 10000};

	sim->loss_ppm = ppm[_i];
	run(2 * S);
	ck_assert(run(20 * S) > 0.9);
}
END_TEST

/* A queue of a tenth of the BDP: the bounds learn how much fits. */
START_TEST(shallow_queue)
{
	uint64_t lost, sent;

	sim->queue = bdp() / 10;
	run(5 * S);
	lost = sim->lost;
	sent = sim->sent;
	ck_assert(run(20 * S) > 0.8);
	ck_assert_uint_ne(sim->bbr.inflight_hi, BBR_NONE);
	ck_assert_uint_lt(sim->bbr.inflight_hi, bdp() * 5 / 4);
	ck_assert_msg((sim->lost - lost) * 100 <= 2 * (sim->sent - sent), "%llu of %llu lost",
	              (unsigned long long)(sim->lost - lost), (unsigned long long)(sim->sent - sent));
}
END_TEST

/* STARTUP ends where the queue overflows, and not three round trips later. */
START_TEST(startup_ends_by_loss)
{
	sim->queue = bdp() / 4;
	run(S);
	ck_assert(sim->bbr.full);
	ck_assert_msg(sim->lost * MSS < 2 * bdp(), "%llu lost", (unsigned long long)sim->lost);
	ck_assert(run(5 * S) > 0.85);
}
END_TEST

/* Let the machine come to a phase. */
static void
reach(enum bbr_state state)
{
	for (int i = 0; i < 100000 && sim->bbr.state != state; i++)
		run(MS / 10);
	ck_assert_uint_eq(sim->bbr.state, state);
}

/* EC-05: a mark in CRUISE shrinks the short-term bounds to what was delivered in its round, 0.7 at the least, until the
 * next probe; one in UP ends the probe. */
START_TEST(marks)
{
	uint32_t cwnd;

	run(3 * S);
	reach(BBR_CRUISE);
	run(40 * MS);
	ck_assert_uint_eq(sim->bbr.inflight_lo, BBR_NONE);
	cwnd = sim->cc.cwnd;
	sim->mark = true;
	run(45 * MS);
	ck_assert_uint_le(sim->bbr.inflight_lo, cwnd * 71 / 100);
	ck_assert_uint_ge(sim->bbr.inflight_lo, cwnd * 2 / 5);
	ck_assert_uint_le(sim->cc.cwnd, sim->bbr.inflight_lo);
	reach(BBR_REFILL);
	ck_assert_uint_eq(sim->bbr.inflight_lo, BBR_NONE);
	reach(BBR_UP);
	ck_assert_uint_eq(sim->bbr.inflight_hi, BBR_NONE);
	sim->mark = true;
	run(2 * MS);
	ck_assert_uint_eq(sim->bbr.state, BBR_DOWN);
	ck_assert_uint_le(sim->bbr.inflight_hi, bdp() * 3 / 2);
}
END_TEST

/* ---- events */

/* CC-10: a timeout takes cwnd to one segment; when it is recovered the window is what it was. */
START_TEST(timeout)
{
	uint32_t cwnd;

	run(3 * S);
	cwnd = sim->cc.cwnd;
	sim->cc.ops->rto(&sim->cc, cwnd, true, sim->now);
	ck_assert_uint_eq(sim->cc.cwnd, MSS);
	sim->cc.ops->rto(&sim->cc, MSS, false, sim->now);
	ck_assert_uint_eq(sim->cc.cwnd, MSS);
	sim->cc.ops->recovered(&sim->cc, sim->now);
	ck_assert_uint_eq(sim->cc.cwnd, cwnd);
}
END_TEST

/* After an idle time it goes on at the rate of the path, at once. */
START_TEST(idle)
{
	run(3 * S);
	sim->app_idle = true;
	run(20 * S);
	ck_assert_uint_eq(sim->in_flight, 0);
	sim->app_idle = false;
	sim->cc.ops->restart(&sim->cc, sim->now);
	near(sim->cc.pacing_rate, sim->rate, 0.03);
	run(100 * MS);
	ck_assert_uint_eq(sim->seen[BBR_PROBE_RTT], false);
	ck_assert(run(S) > 0.95);
}
END_TEST

static Suite *
suite(void)
{
	Suite *s = suite_create("tcp_bbr");
	TCase *t = rig_case(s, "winmax", NULL, NULL);

	tcase_add_loop_test(t, winmax_against_all_values, 0, 4);
	tcase_add_test(t, winmax_of_two_steps);
	t = rig_case(s, "bbr", sim_setup, sim_teardown);
	tcase_add_loop_test(t, finds_the_path, 0, 4);
	tcase_add_test(t, pacing_before_samples);
	tcase_add_test(t, small_queue);
	tcase_add_test(t, pace_of_the_states);
	tcase_add_test(t, headroom);
	tcase_add_test(t, longer_path);
	tcase_add_loop_test(t, rate_changes, 0, 2);
	tcase_add_loop_test(t, random_loss, 0, 2);
	tcase_add_test(t, shallow_queue);
	tcase_add_test(t, startup_ends_by_loss);
	tcase_add_test(t, marks);
	tcase_add_test(t, timeout);
	tcase_add_test(t, idle);
	return s;
}

RIG_MAIN(suite)
