/* SPDX-License-Identifier: Apache-2.0 */
/*
 * CUBIC in a whole stack, in virtual time: the congestion window of a flow on a long fat path against RFC 9438, from the loss
 * of one chosen segment on. test_tcp_cubic.c holds the algorithm alone to the same curve; here recovery, the limits of the
 * sender, delayed ACKs and all else are in between.
 *
 * Expected values come from the RFC's formulas and the window before the loss, which mr_tcp_info tells; what the stack
 * itself thinks of the curve is not asked.
 */
#include "rig/sim.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#define C 0.4
#define BETA 0.7
#define CURVE_ERROR 0.02 /* of the window; sampled as whole ACKs have left it */

static struct rig_sim sim;
static struct rig_sim_flow flow;
static uint64_t data_frames, lose_every; /* every n-th data segment is lost; 0: none */
static unsigned lose_now;

/* Lose the next data segments of a, or every so many-th. */
static bool
loses(struct rig_duo *d, unsigned i, const struct rig_frame *f, void *arg)
{
	(void)d;
	(void)arg;
	if (i != 0 || f->kind != RIG_TCP || f->payload_len == 0)
		return false;
	data_frames++;
	if (lose_now > 0) {
		lose_now--;
		return true;
	}
	return lose_every && data_frames % lose_every == 0;
}

static void
begin(const char *cc, uint64_t rtt_ns, uint64_t window_segs)
{
	struct rig_sim_line line = {.rate_bps = 2000000000, .rtt_ns = rtt_ns, .window_bytes = window_segs * 1448, .seed = 1};

	flow = (struct rig_sim_flow){.cc = cc};
	data_frames = lose_every = lose_now = 0;
	rig_sim_init(&sim, &line, &flow, 1);
	sim.duo.loses = loses;
	rig_sim_run(&sim, 2 * rtt_ns); /* connected */
}

static uint64_t
now(void)
{
	return sim.duo.now - sim.start_ns;
}

static struct mr_tcp_info
info(void)
{
	struct mr_tcp_info in;

	ck_assert_int_eq(mr_tcp_info(flow.ep[0], &in), 0);
	return in;
}

static double
segs(void)
{
	struct mr_tcp_info in = info();

	return (double)in.snd_cwnd / in.snd_mss;
}

static void
near(const char *what, double got, double want, double share)
{
	if (fabs(got - want) > share * want)
		ck_abort_msg("%s at %.3f s: %.2f is not %.2f within %.1f percent", what, now() / 1e9, got, want, 100 * share);
}

/* One segment is lost as soon as the window is at least this; run until its recovery is over. @return the window before */
static double
lose_at(double window)
{
	double before;
	uint64_t deadline = now() + 60 * RIG_S;

	while (segs() < window) {
		ck_assert_msg(now() < deadline, "the window does not get to %.0f", window);
		rig_sim_run(&sim, now() + RIG_MS / 2);
	}
	lose_now = 1;
	do {
		before = segs();
		rig_sim_run(&sim, now() + RIG_MS / 2);
	} while (!info().recovery);
	while (info().recovery)
		rig_sim_run(&sim, now() + RIG_MS / 2);
	return before;
}

/* The first loss ends slow start, where the window grows too fast to be known exactly; the next comes a little above the
 * plateau that it leaves. */
static double
lose_in_avoidance(double window)
{
	lose_at(window / 2);
	return lose_at(1.02 * info().snd_ssthresh / BETA / info().snd_mss);
}

/* Sample the window from now, the begin of an epoch, until `to` seconds of it. @return the largest error */
static double
follow(double w_max, double w_begin, double to)
{
	double k = cbrt((w_max - w_begin) / C), worst = 0;
	uint64_t from = now();

	for (unsigned i = 1; i <= 40; i++) {
		double t = to * i / 40, want = C * pow(t - k, 3) + w_max, err;

		rig_sim_run(&sim, from + (uint64_t)(t * 1e9));
		err = segs() / want - 1;
		worst = fabs(err) > worst ? fabs(err) : worst;
	}
	ck_assert_double_le(worst, CURVE_ERROR);
	return worst;
}

static const struct {
	unsigned rtt_ms, window;
} paths[] = {{100, 500}, {100, 1500}, {200, 1000}};

/* CU-01: multiplicative decrease, concave up to the plateau at K, convex behind it. */
START_TEST(follows_the_curve)
{
	double w_max, worst;

	if (RIG_SIM_SKIP(_i, 3))
		return;
	begin("cubic", paths[_i].rtt_ms * RIG_MS, 4 * paths[_i].window);
	w_max = lose_in_avoidance(paths[_i].window);
	near("the reduced window", segs(), BETA * w_max, 0.01);
	worst = follow(w_max, segs(), 1.4 * cbrt(w_max * (1 - BETA) / C));
	printf("curve: round trip %u ms, W_max %.0f: error %.2f %%\n", paths[_i].rtt_ms, w_max, 100 * worst);
	rig_sim_fini(&sim);
}
END_TEST

/* CU-04: lost again below the last plateau, the next one is lower still: W_max = W (1 + beta) / 2. */
START_TEST(fast_convergence)
{
	double first, second, plateau, worst;

	begin("cubic", 100 * RIG_MS, 4000);
	first = lose_at(500);
	first = info().snd_ssthresh / BETA / info().snd_mss;
	second = lose_at(0.85 * first);
	ck_assert_double_lt(second, 0.95 * first);
	near("the reduced window", segs(), BETA * second, 0.01);
	plateau = second * (1 + BETA) / 2;
	worst = follow(plateau, segs(), 1.4 * cbrt((plateau - BETA * second) / C));
	printf("fast convergence: plateaus %.0f and %.0f: error %.2f %%\n", first, plateau, 100 * worst);
	rig_sim_fini(&sim);
}
END_TEST

/* CU-03: on a short path the window is Reno's: it grows by 3 (1 - beta) / (1 + beta) of a segment each round trip up to
 * where it was, and by one from there on. */
START_TEST(reno_friendly_region)
{
	double w_max, w_begin, alpha = 3 * (1 - BETA) / (1 + BETA), rounds, worst = 0;
	uint64_t from;

	begin("cubic", 10 * RIG_MS, 1000);
	w_max = lose_in_avoidance(90);
	w_begin = segs();
	near("the reduced window", w_begin, BETA * w_max, 0.03);
	rounds = (w_max - w_begin) / alpha;
	from = now();
	for (unsigned r = 10; r <= 200; r += 10) {
		double want = r < rounds ? w_begin + alpha * r : w_max + (r - rounds), err;

		rig_sim_run(&sim, from + r * 10 * RIG_MS);
		err = segs() / want - 1;
		worst = fabs(err) > worst ? fabs(err) : worst;
	}
	printf("Reno-friendly region: W_max %.0f: error %.2f %%\n", w_max, 100 * worst);
	ck_assert_double_le(worst, 0.03);
	rig_sim_fini(&sim);
}
END_TEST

static const struct {
	const char *cc;
	unsigned rtt_ms, every;
	double less, more; /* than computed */
} losses[] = {
	{"cubic", 100, 10000, 0.20, 0.05}, {"cubic", 100, 3000, 0.20, 0.05},   {"cubic", 10, 1000, 0.08, 0.02},
	{"newreno", 100, 3000, 0.08, 0.02}, {"newreno", 10, 1000, 0.08, 0.02},
};

/* RFC 9438 5.1 and 5.2: the mean window at a loss in every 1/p segments, of CUBIC, of Reno, and of CUBIC in the Reno-friendly
 * region, which is Reno's. The formulas do not count the round trip of recovery, in which nothing grows; CUBIC's is of a
 * window that comes to its plateau exactly each time: what stays a little below it loses 15 percent of the plateau more
 * to fast convergence. */
START_TEST(mean_window_at_regular_loss)
{
	double p = 1.0 / losses[_i].every, rtt = losses[_i].rtt_ms / 1e3, want, got, reno = sqrt(1.5 / p);
	uint64_t before, from;

	if (RIG_SIM_SKIP(_i, 5))
		return;
	want = pow(C * (3 + BETA) / (4 * (1 - BETA)), 0.25) * pow(rtt, 0.75) / pow(p, 0.75);
	if (losses[_i].cc[0] == 'n' || want < reno)
		want = reno;
	begin(losses[_i].cc, losses[_i].rtt_ms * RIG_MS, 4000);
	lose_in_avoidance(want);
	data_frames = 0;
	lose_every = losses[_i].every;
	/* Whole cycles: from a loss to one some cycles later. */
	while (data_frames < 3 * lose_every)
		rig_sim_run(&sim, now() + RIG_MS);
	before = flow.got;
	from = now();
	while (data_frames < 15 * lose_every)
		rig_sim_run(&sim, now() + RIG_MS);
	got = (flow.got - before) / 1448.0 / (now() - from) * losses[_i].rtt_ms * RIG_MS;
	printf("mean window: %-8s round trip %3u ms, loss 1/%-5u: %6.1f segments, RFC 9438 says %6.1f: %+.1f %%\n", losses[_i].cc,
	       losses[_i].rtt_ms, losses[_i].every, got, want, 100 * (got / want - 1));
	ck_assert_double_ge(got, want * (1 - losses[_i].less));
	ck_assert_double_le(got, want * (1 + losses[_i].more));
	rig_sim_fini(&sim);
}
END_TEST

/* Slow start through a queue of 20 frames comes to more than half of what the path holds before it loses any, for it is paced:
 * bursts of ACK clock would fill the queue at a fifth. What the application gets meanwhile follows. */
START_TEST(slow_start_short_queue)
{
	struct rig_sim_line line = {.rate_bps = 100000000, .rtt_ns = 50 * RIG_MS, .buffer_bytes = 20 * 1514, .seed = 1};
	double path = rig_sim_bdp(&line) / 1514.0, window;

	flow = (struct rig_sim_flow){.cc = "cubic"};
	data_frames = lose_every = lose_now = 0;
	line.window_bytes = 4 * rig_sim_bdp(&line);
	rig_sim_init(&sim, &line, &flow, 1);
	rig_sim_run(&sim, 2 * line.rtt_ns);
	do {
		window = segs();
		rig_sim_run(&sim, now() + RIG_MS / 2);
	} while (!info().recovery);
	printf("slow start, queue of 20: window %.0f of %.0f segments of the path\n", window, path);
	ck_assert_double_ge(window, 0.5 * path);
	rig_sim_run(&sim, 3 * RIG_S);
	printf("use of the line in the first 3 s: %.2f\n", rig_sim_share(&sim, flow.got, now()));
	ck_assert_double_ge(rig_sim_share(&sim, flow.got, now()), 0.5);
	rig_sim_fini(&sim);
}
END_TEST

/* A receiver that turns every 3 ms acknowledges what came in it at once: 25 frames, too many for a queue of 20 if what that lets
 * out went out as the ACK comes. */
START_TEST(late_receiver_short_queue)
{
	static const char *const cc[] = {"cubic", "newreno"};
	struct rig_sim_line line = {.rate_bps = 100000000, .rtt_ns = 10 * RIG_MS, .buffer_bytes = 20 * 1514, .seed = 1};
	uint64_t before, from;
	double share;

	flow = (struct rig_sim_flow){.cc = cc[_i]};
	data_frames = lose_every = lose_now = 0;
	rig_sim_init(&sim, &line, &flow, 1);
	sim.duo.turn_ns[1] = 3 * RIG_MS;
	rig_sim_run(&sim, 4 * RIG_S);
	before = flow.got;
	from = now();
	rig_sim_run(&sim, 14 * RIG_S);
	share = rig_sim_share(&sim, flow.got - before, now() - from);
	printf("receiver that turns every 3 ms, queue of 20: %s uses %.2f of the line\n", cc[_i], share);
	ck_assert_double_ge(share, 0.7);
	rig_sim_fini(&sim);
}
END_TEST

static Suite *
suite(void)
{
	Suite *s = suite_create("sim_cubic");
	TCase *tc = rig_case(s, "cubic", NULL, NULL);

	tcase_set_timeout(tc, 100);
	tcase_add_loop_test(tc, follows_the_curve, 0, sizeof(paths) / sizeof(paths[0]));
	tcase_add_test(tc, fast_convergence);
	tcase_add_test(tc, reno_friendly_region);
	tcase_add_test(tc, slow_start_short_queue);
	tcase_add_loop_test(tc, late_receiver_short_queue, 0, 2);
	tcase_add_loop_test(tc, mean_window_at_regular_loss, 0, sizeof(losses) / sizeof(losses[0]));
	return s;
}

RIG_MAIN(suite)
