/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What BBR's model of the path is for, in virtual time, opposite NewReno and CUBIC on the same line of 48 Mbit/s and 40 ms:
 * random loss that is no congestion costs it little, and a deep buffer stays nearly empty.
 *
 * The other two are held against what is known of them: at random loss p the mean window of Reno is sqrt(3 / 2p) segments
 * (Mathis et al., 1997), and CUBIC's the same where that is the larger (RFC 9438 4.3); both fill any buffer.
 */
#include "rig/sim.h"

#include <math.h>
#include <stdio.h>

#define RTT_NS (40 * RIG_MS)
#define WARM_NS (5 * RIG_S)
#define LOOK_NS (30 * RIG_S)

static struct rig_sim sim;
static struct rig_sim_flow flow;

static void
begin(const char *cc, uint32_t loss_ppm, double buffer, uint64_t seed)
{
	struct rig_sim_line line = {.rate_bps = 48000000, .rtt_ns = RTT_NS, .loss_ppm = loss_ppm, .seed = seed};

	line.buffer_bytes = (uint64_t)(buffer * rig_sim_bdp(&line));
	flow = (struct rig_sim_flow){.cc = cc};
	rig_sim_init(&sim, &line, &flow, 1);
}

static struct mr_tcp_info
info(void)
{
	struct mr_tcp_info in;

	ck_assert_int_eq(mr_tcp_info(flow.ep[0], &in), 0);
	return in;
}

/* Use of the line from one time to another. */
static double
use(uint64_t from_ns, uint64_t to_ns)
{
	uint64_t before;

	rig_sim_run(&sim, from_ns);
	before = flow.got;
	rig_sim_run(&sim, to_ns);
	return rig_sim_share(&sim, flow.got - before, to_ns - from_ns);
}

static const struct {
	const char *cc;
	uint32_t loss_ppm;
	double least, most; /* use of the line; of NewReno and CUBIC, in what Mathis gives them */
} lossy[] = {
	{"bbr", 1000, 0.93, 1.0}, {"bbr", 10000, 0.85, 1.0}, {"newreno", 10000, 0.5, 1.3}, {"cubic", 10000, 0.5, 1.5},
};

START_TEST(random_loss)
{
	double p = lossy[_i].loss_ppm / 1e6, mathis, share;

	if (RIG_SIM_SKIP(_i, 2))
		return;
	begin(lossy[_i].cc, lossy[_i].loss_ppm, 1, 1);
	mathis = sqrt(1.5 / p) * 1514 / rig_sim_bdp(&sim.line);
	share = use(WARM_NS, WARM_NS + LOOK_NS);
	printf("random loss of %4.1f %%: %-8s %.3f of the line (Mathis: %.3f)\n", 100 * p, lossy[_i].cc, share, mathis);
	if (lossy[_i].cc[0] != 'b')
		share /= mathis;
	ck_assert_double_ge(share, lossy[_i].least);
	ck_assert_double_le(share, lossy[_i].most);
	rig_sim_fini(&sim);
}
END_TEST

static const struct {
	const char *cc;
	double buffer;           /* bandwidth-delay products */
	double use;              /* at least */
	double mean, most;       /* queue, in round trips: at most, or for those that fill it, at least */
} deep[] = {
	{"bbr", 8, 0.96, 0.15, 1.1}, {"bbr", 2, 0.96, 0.15, 1.1}, {"cubic", 8, 0.99, 3, 5}, {"newreno", 8, 0.99, 3, 5},
};

/* The queue is what the smoothed round trip has more than the path's. */
START_TEST(deep_buffer)
{
	double mean = 0, most = 0, share;
	unsigned n = 0;
	uint64_t before;

	if (RIG_SIM_SKIP(_i, 4))
		return;
	begin(deep[_i].cc, 0, deep[_i].buffer, 1);
	rig_sim_run(&sim, WARM_NS);
	before = flow.got;
	for (uint64_t t = WARM_NS; t < WARM_NS + LOOK_NS; t += 10 * RIG_MS, n++) {
		double queue;

		rig_sim_run(&sim, t);
		queue = (double)info().srtt_ns / RTT_NS - 1;
		mean += queue;
		most = queue > most ? queue : most;
	}
	mean /= n;
	share = rig_sim_share(&sim, flow.got - before, LOOK_NS);
	printf("buffer of %.0f products: %-8s %.3f of the line, queue %.2f round trips (most %.2f), %u resent\n", deep[_i].buffer,
	       deep[_i].cc, share, mean, most, info().retransmitted_segs);
	ck_assert_double_ge(share, deep[_i].use);
	if (deep[_i].cc[0] == 'b') {
		ck_assert_double_le(mean, deep[_i].mean);
		ck_assert_double_le(most, deep[_i].most);
		ck_assert_uint_eq(info().retransmitted_segs, 0);
	} else {
		ck_assert_double_ge(mean, deep[_i].mean);
		ck_assert_double_ge(most, deep[_i].most);
	}
	rig_sim_fini(&sim);
}
END_TEST

/* A buffer of a 25th of the product, six frames: the line is used, and not paid for with loss. */
START_TEST(tiny_buffer)
{
	double share, resent;

	begin("bbr", 0, 0.04, 1);
	share = use(WARM_NS, WARM_NS + LOOK_NS);
	resent = info().retransmitted_segs / (flow.got / 1448.0);
	printf("buffer of 0.04 products: bbr %.3f of the line, %.2f %% resent\n", share, 100 * resent);
	ck_assert_double_ge(share, 0.85);
	ck_assert_double_le(resent, 0.03);
	rig_sim_fini(&sim);
}
END_TEST

static Suite *
suite(void)
{
	Suite *s = suite_create("sim_bbr");
	TCase *tc = rig_case(s, "bbr", NULL, NULL);

	tcase_set_timeout(tc, 100);
	tcase_add_loop_test(tc, random_loss, 0, sizeof(lossy) / sizeof(lossy[0]));
	tcase_add_loop_test(tc, deep_buffer, 0, sizeof(deep) / sizeof(deep[0]));
	tcase_add_test(tc, tiny_buffer);
	return s;
}

RIG_MAIN(suite)
