/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A long fat path that reorders, in virtual time: 100 Mbit/s, a round trip of 50 ms, a share of the frames late by half of
 * that. The first slow start overfills the buffer, so a lot is sent again, with newer timestamps than what is late; if
 * those made the receiver refuse it (PAWS), each would be one more loss, and the next recovery the cause of the one after it:
 * a twentieth of the line was left.
 */
#include "rig/sim.h"

#include <stdio.h>

#define RATE 100000000ull
#define LOOK_NS (3 * RIG_S)

static const uint32_t shares[] = {0, 50000, 250000};

START_TEST(no_collapse)
{
	struct rig_sim_line line = {.rate_bps = RATE, .rtt_ns = 50 * RIG_MS, .buffer_bytes = RATE / 8 / 20,
	                            .reorder_ppm = shares[_i % 3], .window_bytes = 8 << 20, .seed = 7u + (uint64_t)_i};
	struct rig_sim_flow f = {.cc = "cubic"};
	struct rig_sim sim;
	uint64_t before;
	double share;

	if (RIG_SIM_SKIP(_i, 3))
		return;
	rig_sim_init(&sim, &line, &f, 1);
	rig_sim_run(&sim, LOOK_NS);
	before = f.got;
	rig_sim_run(&sim, 2 * LOOK_NS);
	share = rig_sim_share(&sim, f.got - before, LOOK_NS);
	printf("%2u %% late by 25 ms: %.3f of the line, %llu refused for their timestamps, %llu recoveries\n", line.reorder_ppm / 10000, share,
	       (unsigned long long)mr_stack_counter(sim.duo.end[1].stack, MR_DROP_TCP_PAWS),
	       (unsigned long long)mr_stack_counter(sim.duo.end[0].stack, MR_CNT_TCP_FAST_RETRANSMITS));
	ck_assert_double_ge(share, 0.95);
	rig_sim_fini(&sim);
}
END_TEST

/* What is late lets nothing be read in order for long, and brings no new timestamps in order: the receive buffer must grow all
 * the same, with the round trips that there are. */
START_TEST(buffer_grows)
{
	struct rig_sim_line line = {.rate_bps = RATE, .rtt_ns = 200 * RIG_MS, .buffer_bytes = RATE / 8 / 5, .reorder_ppm = 250000,
	                            .window_bytes = 8 << 20, .rcvbuf_grows = true, .seed = 7u + (uint64_t)_i};
	struct rig_sim_flow f = {.cc = "cubic"};
	struct rig_sim sim;
	double share;

	if (RIG_SIM_SKIP(_i, 3))
		return;
	rig_sim_init(&sim, &line, &f, 1);
	rig_sim_run(&sim, 4 * RIG_S);
	share = rig_sim_share(&sim, f.got, 4 * RIG_S);
	printf("25 %% late by 100 ms: %.3f of the line in the first 20 round trips\n", share);
	ck_assert_double_ge(share, 0.25);
	rig_sim_fini(&sim);
}
END_TEST

/* With a window of ten segments one recovery may begin before the peer has told that the one before it was not needed. If
 * that were forgotten, slow start would be over for good at a hundredth of the line, as it was with these seeds. */
START_TEST(slow_start_goes_on)
{
	static const uint64_t rtt_ms[] = {50, 200};
	uint64_t rtt_ns = rtt_ms[_i] * RIG_MS, before;
	struct rig_sim_line line = {.rate_bps = RATE, .rtt_ns = rtt_ns, .buffer_bytes = RATE / 8 * rtt_ms[_i] / 1000,
	                            .reorder_ppm = 250000, .window_bytes = 8 << 20, .rcvbuf_grows = true, .seed = 1100};
	struct rig_sim_flow f = {.cc = "cubic"};
	struct rig_sim sim;
	double share;

	rig_sim_init(&sim, &line, &f, 1);
	rig_sim_run(&sim, 20 * rtt_ns);
	before = f.got;
	rig_sim_run(&sim, 60 * rtt_ns);
	share = rig_sim_share(&sim, f.got - before, 40 * rtt_ns);
	printf("25 %% late by %llu ms: %.3f of the line after 20 round trips\n", (unsigned long long)rtt_ms[_i] / 2, share);
	ck_assert_double_ge(share, 0.8);
	rig_sim_fini(&sim);
}
END_TEST

static Suite *
suite(void)
{
	Suite *s = suite_create("sim_reorder");
	TCase *tc = rig_case(s, "reorder", NULL, NULL);

	tcase_set_timeout(tc, 100);
	tcase_add_loop_test(tc, no_collapse, 0, 12);
	tcase_add_loop_test(tc, buffer_grows, 0, 4);
	tcase_add_loop_test(tc, slow_start_goes_on, 0, 2);
	return s;
}

RIG_MAIN(suite)
