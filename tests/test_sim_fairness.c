/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Fairness in virtual time: flows of one algorithm through one bottleneck of 24 Mbit/s, 40 ms round trip (79 frames fit in),
 * with a buffer of one bandwidth-delay product and with a shallow one, drop tail.
 *
 * What is to be expected: additive increase with multiplicative decrease converges to equal shares (Chiu and Jain, 1989),
 * with NewReno nearly all the way. CUBIC's flows of one round trip converge as well (RFC 9438 5.5), but breathe more around
 * it; indices of 0.95 and more over a minute are what is published of both. BBR's flows meet in shallow buffers at once,
 * in deep ones they may need tens of seconds (the round trip that each of them takes for the path's is the other's queue).
 * The bounds are the least of 40 seeds less a margin: MR_SIM_SEEDS says how many are run, default 1.
 *
 * A lone NewReno flow is also held against arithmetic: with a buffer of b products its window goes from (1 + b) / 2 to 1 + b,
 * so below 1 the line is idle for a share that follows from b alone.
 */
#include "rig/sim.h"

#include <stdio.h>
#include <stdlib.h>

#include "stack/rng.h"

#define N_MAX 10
#define WARM_NS (20 * RIG_S)
#define LOOK_NS (60 * RIG_S)

static unsigned
seeds(void)
{
	const char *text = getenv("MR_SIM_SEEDS");
	int n = text ? atoi(text) : 1;

	return n > 0 ? (unsigned)n : 1;
}

struct shares {
	double least, sum, jain;
};

/* What each of n flows gets between the two times. */
static struct shares
measure(struct rig_sim *sim, uint64_t from_ns, uint64_t to_ns)
{
	struct shares s = {.least = 1};
	uint64_t before[N_MAX];
	double x[N_MAX];

	rig_sim_run(sim, from_ns);
	for (unsigned i = 0; i < sim->n; i++)
		before[i] = sim->flow[i].got;
	rig_sim_run(sim, to_ns);
	for (unsigned i = 0; i < sim->n; i++) {
		x[i] = rig_sim_share(sim, sim->flow[i].got - before[i], to_ns - from_ns);
		s.sum += x[i];
		s.least = x[i] < s.least ? x[i] : s.least;
	}
	s.jain = rig_sim_jain(x, sim->n);
	return s;
}

/* Flow i starts at i * every_ns, and a random part of a round trip later. */
static void
begin(struct rig_sim *sim, struct rig_sim_flow *f, unsigned n, const char *cc, double buffer, uint64_t every_ns, uint64_t seed)
{
	struct rig_sim_line line = {.rate_bps = 24000000, .rtt_ns = 40 * RIG_MS, .seed = seed};
	struct mr_rng r;

	line.buffer_bytes = (uint64_t)(buffer * rig_sim_bdp(&line));
	mr_rng_seed(&r, seed);
	for (unsigned i = 0; i < n; i++)
		f[i] = (struct rig_sim_flow){.cc = cc, .start_ns = i * every_ns + mr_rng_below(&r, 40 * RIG_MS)};
	rig_sim_init(sim, &line, f, n);
}

static void
show(const char *what, const char *cc, unsigned n, double buffer, const struct shares *s)
{
	printf("%-14s %-8s %2u flows, buffer %.1f: line %5.3f, Jain %.4f, least %.2f of its part\n", what, cc, n, buffer, s->sum,
	       s->jain, s->least * n / s->sum);
	fflush(stdout);
}

static const struct {
	const char *cc;
	unsigned n;
	double buffer;
	double line, jain, least; /* bounds: use of the line, index, part of the smallest in the fair one */
} together[] = {
	{"cubic", 2, 1, 0.99, 0.90, 0.60},    {"cubic", 2, 0.2, 0.94, 0.90, 0.60},
	{"cubic", 10, 1, 0.99, 0.90, 0.60},   {"cubic", 10, 0.2, 0.98, 0.95, 0.60},
	{"newreno", 2, 1, 0.99, 0.95, 0.75},  {"newreno", 2, 0.2, 0.82, 0.95, 0.75},
	{"newreno", 10, 1, 0.99, 0.95, 0.70}, {"newreno", 10, 0.2, 0.90, 0.95, 0.70},
	{"bbr", 2, 1, 0.96, 0.90, 0.60},      {"bbr", 2, 0.2, 0.96, 0.90, 0.60},
	{"bbr", 10, 1, 0.96, 0.90, 0.60},     {"bbr", 10, 0.2, 0.96, 0.90, 0.60},
};

/* All begin within a second. */
START_TEST(flows_share)
{
	if (RIG_SIM_SKIP(_i, 4))
		return;
	for (unsigned seed = 1; seed <= seeds(); seed++) {
		struct rig_sim_flow f[N_MAX];
		struct rig_sim sim;
		struct shares s;

		begin(&sim, f, together[_i].n, together[_i].cc, together[_i].buffer, RIG_S / together[_i].n, seed);
		s = measure(&sim, WARM_NS, WARM_NS + LOOK_NS);
		show("together", together[_i].cc, together[_i].n, together[_i].buffer, &s);
		ck_assert_double_ge(s.sum, together[_i].line);
		ck_assert_double_ge(s.jain, together[_i].jain);
		ck_assert_double_ge(s.least * together[_i].n / s.sum, together[_i].least);
		rig_sim_fini(&sim);
	}
}
END_TEST

static const struct {
	const char *cc;
	double buffer, jain;
} late[] = {
	{"cubic", 1, 0.85}, {"cubic", 0.2, 0.85}, {"newreno", 1, 0.9}, {"newreno", 0.2, 0.9}, {"bbr", 1, 0.85}, {"bbr", 0.2, 0.85},
};

/* One has had the line for twenty seconds when the second begins; ten seconds later both have their part. */
START_TEST(late_flow_gets_its_share)
{
	if (RIG_SIM_SKIP(_i, 6))
		return;
	for (unsigned seed = 1; seed <= seeds(); seed++) {
		struct rig_sim_flow f[2];
		struct rig_sim sim;
		struct shares s;

		begin(&sim, f, 2, late[_i].cc, late[_i].buffer, WARM_NS, seed);
		s = measure(&sim, WARM_NS + 10 * RIG_S, WARM_NS + 40 * RIG_S);
		show("20 s later", late[_i].cc, 2, late[_i].buffer, &s);
		ck_assert_double_ge(s.jain, late[_i].jain);
		rig_sim_fini(&sim);
	}
}
END_TEST

static const double lone_buffer[] = {0.1, 0.2, 0.5, 1};

/* The sawtooth of RFC 5681: windows w from (1 + b) / 2 to 1 + b, each for a round trip of max(1, w). */
START_TEST(lone_newreno_is_as_computed)
{
	double b = lone_buffer[_i], low = (1 + b) / 2, sent = (1 + b + low) * (1 + b - low) / 2, time;
	struct rig_sim_flow f[1];
	struct rig_sim sim;
	struct shares s;

	if (RIG_SIM_SKIP(_i, 4))
		return;
	time = (1 - low) + ((1 + b) * (1 + b) - 1) / 2;
	begin(&sim, f, 1, "newreno", b, 0, 1);
	s = measure(&sim, WARM_NS, WARM_NS + LOOK_NS);
	printf("lone newreno, buffer %.1f: line %.3f, computed %.3f\n", b, s.sum, sent / time);
	ck_assert_double_le(s.sum, sent / time * 1.02);
	ck_assert_double_ge(s.sum, sent / time * 0.96);
	rig_sim_fini(&sim);
}
END_TEST

static Suite *
suite(void)
{
	Suite *s = suite_create("sim_fairness");
	TCase *tc = rig_case(s, "fairness", NULL, NULL);

	tcase_set_timeout(tc, 100);
	tcase_add_loop_test(tc, flows_share, 0, sizeof(together) / sizeof(together[0]));
	tcase_add_loop_test(tc, late_flow_gets_its_share, 0, sizeof(late) / sizeof(late[0]));
	tcase_add_loop_test(tc, lone_newreno_is_as_computed, 0, sizeof(lone_buffer) / sizeof(lone_buffer[0]));
	return s;
}

RIG_MAIN(suite)
