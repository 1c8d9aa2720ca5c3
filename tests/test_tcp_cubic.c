/* SPDX-License-Identifier: Apache-2.0 */
/*
 * CUBIC (RFC 9438) and the slow start of HyStart++ (RFC 9406) without a connection: a driver acknowledges a window per
 * round trip, and what becomes of cwnd is compared with the RFCs' formulas, in floating point here.
 */
#include "rig/rig.h"

#include <math.h>
#include <stdio.h>

#include "proto/tcp/hystart.h"
#include "proto/tcp/tcp_cc.h"

#define MSS 1460u
#define MS 1000000ull
#define S 1000000000ull

static struct tcp_cc cc;
static uint32_t prior_cwnd, prior_ssthresh; /* before the last reduction */
static uint64_t now;

static void
setup(uint32_t segs)
{
	now = RIG_START_NS;
	cc = (struct tcp_cc){.ops = &tcp_cubic, .cwnd = segs * MSS, .mss = MSS};
	cc.ops->init(&cc);
	ck_assert_uint_eq(cc.ssthresh, UINT32_MAX); /* CC-06 */
}

static void
ack(uint32_t bytes, uint64_t rtt_ns, bool limited)
{
	struct tcp_cc_ack a = {.now_ns = now, .rtt_ns = rtt_ns, .srtt_ns = rtt_ns, .acked = bytes,
	                       .in_flight = cc.cwnd - RTE_MIN(bytes, cc.cwnd), .cwnd_limited = limited};

	cc.ops->ack(&cc, &a);
}

/* An ACK for two segments each time that two have left the path. */
static void
run(uint64_t for_ns, uint64_t rtt_ns)
{
	uint64_t end = now + for_ns;

	while (now < end) {
		now += rtt_ns * 2 * MSS / cc.cwnd;
		ack(2 * MSS, rtt_ns, true);
	}
}

/* Fast recovery, as the ACK processing does it. */
static void
lose(void)
{
	prior_cwnd = cc.cwnd;
	prior_ssthresh = cc.ssthresh;
	cc.ops->loss(&cc, cc.cwnd, now);
	cc.cwnd = cc.ssthresh;
}

static void
undo(void)
{
	cc.cwnd = prior_cwnd;
	cc.ssthresh = prior_ssthresh;
	cc.ops->undo(&cc, now);
}

static double
segs(void)
{
	return (double)cc.cwnd / MSS;
}

static double
w_cubic(double w_max, double w_begin, double t)
{
	double k = cbrt((w_max - w_begin) / 0.4);

	return 0.4 * (t - k) * (t - k) * (t - k) + w_max;
}

static void
near(double got, double want, double share)
{
	ck_assert_msg(fabs(got - want) <= share * want, "%.3f is not %.3f within %.2f percent", got, want, 100 * share);
}

/* ---- the curve */

/* The curve is followed in whole segments: there, or less than one above. */
static void
on_curve(double want)
{
	ck_assert_msg(segs() >= 0.99 * want && segs() <= 1.01 * want + 1, "%.3f is not %.3f, in whole segments", segs(), want);
}

/* CU-01: ten points of W_cubic after a loss, before and after the plateau, within one percent. Round trips that leave
 * Reno behind. */
START_TEST(follows_the_curve)
{
	static const uint32_t windows[] = {100, 1000, 10000};
	double w = windows[_i], k = cbrt(0.3 * w / 0.4), t = 0;

	setup(windows[_i]);
	lose();
	near(segs(), 0.7 * w, 1e-3);
	ack(2 * MSS, 200 * MS, true); /* the epoch begins with its first ACK */
	for (int i = 1; i <= 10; i++) {
		run((uint64_t)(k / 5 * S), 200 * MS);
		t = (double)(now - RIG_START_NS) / S;
		on_curve(w_cubic(w, 0.7 * w, t));
	}
	near(t, 2 * k, 0.05);
	ck_assert_uint_gt(cc.cwnd, (uint32_t)w * MSS);
}
END_TEST

/* Of a few segments, a window that only comes near its plateau is worth one segment less: it comes all the way. */
START_TEST(small_window_comes_back)
{
	setup(4);
	lose();
	ack(2 * MSS, 200 * MS, true);
	run(400 * MS, 200 * MS);
	ck_assert_uint_ge(cc.cwnd, 4 * MSS);
}
END_TEST

/* A path that has begun to take larger segments than the window. */
START_TEST(window_of_less_than_a_segment)
{
	setup(2);
	lose();
	cc.mss = 9000;
	ack(MSS, 200 * MS, true);
	run(10 * S, 200 * MS);
	ck_assert_uint_ge(cc.cwnd, 2 * 9000);
}
END_TEST

/* The target is at most half a window more than the window (4.2): a factor of e^0.5 in one round trip. */
START_TEST(grows_by_half_at_most)
{
	uint32_t before;

	setup(10);
	cc.ssthresh = cc.cwnd;
	for (int i = 0; i < 12; i++) {
		before = cc.cwnd;
		run(10 * S, 10 * S);
		ck_assert_uint_le(cc.cwnd, (uint32_t)(before * exp(0.5) * 1.001) + 2 * MSS);
	}
	ck_assert_uint_gt(cc.cwnd, 1000 * MSS);
}
END_TEST

/* A lost second changes nothing: the window is bounded, and grows in no step of the clock beyond its bound. */
START_TEST(window_is_bounded)
{
	setup(10);
	cc.ssthresh = cc.cwnd;
	for (int i = 0; i < 2000; i++) {
		now += 100 * S;
		ack(cc.cwnd, 100 * S, true);
		ck_assert_uint_le(cc.cwnd, UINT32_MAX / 2);
	}
	ck_assert_uint_ge(cc.cwnd, 1u << 30);
}
END_TEST

/* CU-03: on short round trips CUBIC is Reno with alpha 9/17, and with alpha 1 beyond the window of before (4.3). */
START_TEST(reno_friendly)
{
	double w = 20, est;

	setup(20);
	lose();
	ack(0, MS, true);
	est = 0.7 * w;
	ack(2 * MSS, MS, true);
	for (int i = 0; i < 200; i++) {
		double before = segs();

		run(MS, MS);
		est += (before < w ? 9.0 / 17 : 1);
		if (i % 10 == 9)
			near(segs(), est, 0.05);
	}
	ck_assert_uint_gt(cc.cwnd, 150 * MSS);
}
END_TEST

/* CU-03: below the window of before Reno's estimate grows by a segment for each 17/9 of a window, no byte sooner (4.3); the
 * window may be one segment more meanwhile, by the curve. */
START_TEST(reno_alpha)
{
	struct tcp_cubic_view v;

	setup(20);
	lose();
	ck_assert_uint_eq(cc.cwnd, 14 * MSS);
	for (unsigned acked = 0; acked < 29; acked++) { /* 26.4 are 14 * 17 / 9, and 28.3 are 15 * 17 / 9 */
		ck_assert(acked == 0 || acked > 26 || (tcp_cubic_view(&cc, &v) && v.w_est == 14 * MSS));
		ack(MSS, MS, true);
	}
	ck_assert(tcp_cubic_view(&cc, &v));
	ck_assert_uint_eq(v.w_est, 15 * MSS);
}
END_TEST

/* ---- reductions */

/* CU-02: beta is 0.7, of what is in flight; two segments at least. */
START_TEST(loss)
{
	setup(100);
	cc.ops->loss(&cc, 80 * MSS, now);
	ck_assert_uint_eq(cc.ssthresh, 56 * MSS);
	cc.ops->loss(&cc, 2 * MSS, now);
	ck_assert_uint_eq(cc.ssthresh, 2 * MSS);
	ck_assert_uint_eq(cc.cwnd, 100 * MSS); /* cwnd in recovery is the ACK processing's */
}
END_TEST

/* CU-04: a second loss below the plateau lowers the next one to 0.85 of where it happened. */
START_TEST(fast_convergence)
{
	setup(1000);
	lose();
	run(S, 100 * MS);
	ck_assert_uint_lt(cc.cwnd, 1000 * MSS);
	for (int i = 0; i < 2; i++) {
		double at = segs(), begin, plateau = 0.85 * at;
		uint64_t t0;

		lose();
		begin = segs();
		t0 = now;
		ack(2 * MSS, 100 * MS, true);
		run((uint64_t)(cbrt((plateau - begin) / 0.4) * 0.8 * S), 100 * MS);
		ck_assert_double_lt(segs(), plateau);
		on_curve(w_cubic(plateau, begin, (double)(now - t0) / S));
	}
}
END_TEST

/* At or above the plateau the new one is where the loss was. */
START_TEST(no_fast_convergence_above_the_plateau)
{
	double at;

	setup(1000);
	lose();
	run((uint64_t)(12 * S), 100 * MS);
	at = segs();
	ck_assert(at > 1000);
	lose();
	run((uint64_t)(cbrt(0.3 * at / 0.4) * S), 100 * MS);
	near(segs(), at, 0.01);
}
END_TEST

/* 4.8: after a timeout one segment, slow start to 0.7, then the curve from its plateau on, K being 0, or Reno's line
 * where that is higher. CC-10: the second timeout of a segment leaves ssthresh. */
START_TEST(timeout)
{
	uint64_t t0;

	setup(1000);
	lose();
	run(S, 100 * MS);
	cc.ops->rto(&cc, 800 * MSS, true, now);
	ck_assert_uint_eq(cc.cwnd, MSS);
	ck_assert_uint_eq(cc.ssthresh, 560 * MSS);
	cc.ops->rto(&cc, MSS, false, now);
	ck_assert_uint_eq(cc.cwnd, MSS);
	ck_assert_uint_eq(cc.ssthresh, 560 * MSS);
	ack(MSS, 100 * MS, true);
	ck_assert_uint_eq(cc.cwnd, 2 * MSS);
	while (cc.cwnd < cc.ssthresh)
		run(1, 100 * MS);
	ck_assert_uint_le(cc.cwnd, 563 * MSS);
	t0 = now;
	for (int i = 0; i < 12; i++) {
		double t;

		run(S, 200 * MS);
		t = (double)(now - t0) / S;
		near(segs(), fmax(w_cubic(560, 560, t), 560 + 9.0 / 17 * t / 0.2), 0.01);
	}
	ck_assert_uint_gt(cc.cwnd, 1100 * MSS);
}
END_TEST

/* ---- what is not time of the epoch */

/* CU-05, CU-06: neither an idle time nor one in which the application did not fill the window moves the curve or cwnd.
 * */
START_TEST(application_limited_time)
{
	struct tcp_cc twin;
	uint64_t t0;

	setup(1000);
	lose();
	ack(2 * MSS, 100 * MS, true);
	run(3 * S, 100 * MS);
	twin = cc;
	t0 = now;
	run(3 * S, 100 * MS);
	RTE_SWAP(twin, cc);
	now = t0;
	for (int i = 0; i < 1000; i++) {
		now += 100 * MS;
		ack(2 * MSS, 100 * MS, false);
	}
	now += 3000 * S;
	cc.ops->restart(&cc, now);
	run(3 * S, 100 * MS);
	near(segs(), (double)twin.cwnd / MSS, 0.002);
	ck_assert_uint_gt(twin.cwnd, 800 * MSS);
}
END_TEST

/* A restart below ssthresh is a slow start; it is no time of the epoch either. */
START_TEST(slow_start_after_idle)
{
	uint32_t before;
	uint64_t t0;

	setup(1000);
	lose();
	ack(2 * MSS, 100 * MS, true);
	run(3 * S, 100 * MS);
	before = cc.cwnd;
	now += 100 * S;
	cc.ops->restart(&cc, now);
	cc.cwnd = 10 * MSS;
	t0 = now;
	while (cc.cwnd < cc.ssthresh)
		run(1, 100 * MS);
	ck_assert_uint_lt(now - t0, 800 * MS);
	run(400 * MS, 100 * MS);
	near(segs(), (double)before / MSS, 0.05);
}
END_TEST

/* ---- undoing */

/* CU-09: after a spurious loss the curve goes on where it was, on either side of the plateau. */
START_TEST(undo_finds_the_curve_again)
{
	static const unsigned seconds[] = {4, 13};
	struct tcp_cc twin;
	uint64_t t0;

	setup(1000);
	lose();
	ack(2 * MSS, 100 * MS, true);
	run(seconds[_i] * S, 100 * MS);
	twin = cc;
	t0 = now;
	run(3 * S, 100 * MS);
	RTE_SWAP(twin, cc);
	ck_assert_uint_gt(twin.cwnd, cc.cwnd + 5 * MSS);
	now = t0;
	lose();
	undo();
	run(3 * S, 100 * MS);
	near(segs(), (double)twin.cwnd / MSS, 0.005);
}
END_TEST

/* In the first slow start: it goes on. */
START_TEST(undo_in_slow_start)
{
	setup(100);
	prior_cwnd = cc.cwnd;
	prior_ssthresh = cc.ssthresh;
	cc.ops->rto(&cc, 100 * MSS, true, now);
	undo();
	ck_assert_uint_eq(cc.ssthresh, UINT32_MAX);
	ack(50 * MSS, MS, true);
	ck_assert_uint_eq(cc.cwnd, 150 * MSS);
}
END_TEST

/* ---- HyStart++ */

static struct tcp_hystart hy;

/* One round trip: `n` ACKs of one segment with this round-trip time. @return bytes that cwnd may grow by */
static uint32_t
hy_round(unsigned n, uint64_t rtt_ns, bool *over)
{
	struct tcp_cc_ack a = {.rtt_ns = rtt_ns, .acked = MSS};
	uint32_t sum = 0, grow;

	*over = false;
	a.in_flight = n * MSS;
	for (unsigned i = 0; i < n; i++) {
		*over |= tcp_hystart_ack(&hy, &a, &grow);
		sum += grow;
	}
	return sum;
}

static void
hy_setup(void)
{
	hy = (struct tcp_hystart){.round_left = 20 * MSS};
}

/* CU-07. A round trip that does not grow is no reason to stop, however long. */
START_TEST(hystart_steady_delay)
{
	bool over;

	for (int i = 0; i < 50; i++) {
		ck_assert_uint_eq(hy_round(20, 50 * MS, &over), 20 * MSS);
		ck_assert(!over);
	}
}
END_TEST

/* RTT_THRESH is an eighth of the last round's least, between 4 and 16 ms; 8 samples are needed (4.2). */
START_TEST(hystart_threshold)
{
	static const struct {
		uint64_t before, thresh;
	} c[] = {{1 * MS, 4 * MS}, {16 * MS, 4 * MS}, {64 * MS, 8 * MS}, {400 * MS, 16 * MS}};
	bool over;

	hy_round(20, c[_i].before, &over);
	hy_round(20, c[_i].before, &over);
	ck_assert_uint_eq(hy_round(20, c[_i].before + c[_i].thresh - 1000, &over), 20 * MSS);
	ck_assert_uint_eq(hy.css_round, 0);
	hy_setup();
	hy_round(20, c[_i].before, &over);
	hy_round(20, c[_i].before, &over);
	/* The eighth sample tells; what the ACKs after it acknowledge counts a quarter. */
	ck_assert_uint_eq(hy_round(20, c[_i].before + c[_i].thresh, &over), 8 * MSS + 12 * (MSS / 4));
	ck_assert(!over);
}
END_TEST

/* Five rounds of conservative slow start, the one in which it began included, and slow start is over. */
START_TEST(hystart_ends)
{
	bool over;

	hy_round(20, 10 * MS, &over);
	hy_round(20, 10 * MS, &over);
	for (int i = 1; i <= 4; i++) {
		hy_round(20, (10 + 5 * i) * MS, &over);
		ck_assert_msg(!over, "round %d", i);
	}
	ck_assert_uint_eq(hy_round(20, 40 * MS, &over), 20 * (MSS / 4));
	ck_assert(over);
}
END_TEST

/* The delay goes down again: the exit was spurious, and slow start goes on at full speed. */
START_TEST(hystart_resumes)
{
	bool over;

	hy_round(20, 10 * MS, &over);
	hy_round(20, 10 * MS, &over);
	hy_round(20, 15 * MS, &over);
	ck_assert_uint_eq(hy_round(20, 15 * MS, &over), 20 * (MSS / 4));
	ck_assert_uint_lt(hy_round(20, 14 * MS, &over), 20 * MSS);
	ck_assert_uint_eq(hy_round(20, 14 * MS, &over), 20 * MSS);
	for (int i = 0; i < 20; i++) {
		ck_assert_uint_eq(hy_round(20, 14 * MS, &over), 20 * MSS);
		ck_assert(!over);
	}
}
END_TEST

START_TEST(hystart_few_samples)
{
	bool over;

	hy.round_left = 7 * MSS;
	hy_round(7, 10 * MS, &over);
	for (int i = 1; i < 20; i++)
		ck_assert_uint_eq(hy_round(7, (10 + 10 * i) * MS, &over), 7 * MSS);
	ck_assert(!over);
}
END_TEST

/* In an algorithm: ssthresh is set to the window, avoidance follows; a slow start after that is the plain one (4.3). */
START_TEST(hystart_in_an_algorithm)
{
	static const struct tcp_cc_ops *const ops[] = {&tcp_newreno, &tcp_cubic};
	uint64_t rtt = 20 * MS;

	setup(10);
	cc.ops = ops[_i];
	cc.ops->init(&cc);
	run(40 * MS, rtt);
	ck_assert_uint_ge(cc.cwnd, 35 * MSS);
	for (int i = 0; i < 10 && cc.ssthresh == UINT32_MAX; i++) {
		rtt += 6 * MS;
		run(rtt, rtt);
	}
	ck_assert_uint_lt(cc.ssthresh, UINT32_MAX);
	ck_assert_uint_lt(cc.cwnd, cc.ssthresh + 5 * MSS);
	cc.ops->rto(&cc, cc.cwnd, true, now);
	rtt = 20 * MS;
	for (uint32_t cwnd = 1; 2 * cwnd * MSS < cc.ssthresh; cwnd *= 2) {
		ck_assert_uint_eq(cc.cwnd, cwnd * MSS);
		for (uint32_t i = 0; i < cwnd; i++)
			ack(MSS, rtt, true);
		rtt += 10 * MS;
	}
}
END_TEST

static Suite *
suite(void)
{
	Suite *s = suite_create("tcp_cubic");
	TCase *t = rig_case(s, "curve", NULL, NULL);

	tcase_add_loop_test(t, follows_the_curve, 0, 3);
	tcase_add_test(t, grows_by_half_at_most);
	tcase_add_test(t, small_window_comes_back);
	tcase_add_test(t, window_of_less_than_a_segment);
	tcase_add_test(t, window_is_bounded);
	tcase_add_test(t, reno_friendly);
	tcase_add_test(t, reno_alpha);
	tcase_add_test(t, loss);
	tcase_add_test(t, fast_convergence);
	tcase_add_test(t, no_fast_convergence_above_the_plateau);
	tcase_add_test(t, timeout);
	tcase_add_test(t, application_limited_time);
	tcase_add_test(t, slow_start_after_idle);
	tcase_add_loop_test(t, undo_finds_the_curve_again, 0, 2);
	tcase_add_test(t, undo_in_slow_start);
	t = rig_case(s, "hystart", hy_setup, NULL);
	tcase_add_test(t, hystart_steady_delay);
	tcase_add_loop_test(t, hystart_threshold, 0, 4);
	tcase_add_test(t, hystart_ends);
	tcase_add_test(t, hystart_resumes);
	tcase_add_test(t, hystart_few_samples);
	tcase_add_loop_test(t, hystart_in_an_algorithm, 0, 2);
	return s;
}

RIG_MAIN(suite)
