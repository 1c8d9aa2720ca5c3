/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A short path that loses: 10 Gbit/s, a round trip of 10 us, 1 percent of loss, in virtual time. Eight frames fit into
 * the path, and a retransmission timeout of at least 200 ms is 20,000 round trips: one for a hundred losses would leave
 * nothing of the throughput.
 *
 * The longest silence that b's application sees follows from two timers: the probe's least time, and the peer's delayed ACK
 * (what a probe repairs may be the first of two segments there). A timeout needs a tail lost, and its probe or the answer to
 * that: one case in 10,000 with a window of two or three segments.
 */
#include "rig/sim.h"

#include <stdio.h>

#include "proto/tcp/tcp.h"

#define LOOK_NS (RIG_S / 4)
#define DELACK_NS (40 * RIG_MS)
#define MIN_RTO_NS (200 * RIG_MS)

static const struct {
	const char *cc;
	uint32_t ack_loss_ppm;
	double use; /* of the line, at least */
} flows[] = {
	{"cubic", 0, 0.75}, {"cubic", 10000, 0.75}, {"newreno", 0, 0.5}, {"newreno", 10000, 0.5}, {"bbr", 0, 0.97}, {"bbr", 10000, 0.97},
};

START_TEST(never_stalls)
{
	struct rig_sim_line line = {.rate_bps = 10000000000, .rtt_ns = 10000, .loss_ppm = 10000, .ack_loss_ppm = flows[_i].ack_loss_ppm,
	                            .window_bytes = 1 << 20, .seed = 5};
	struct rig_sim_flow f = {.cc = flows[_i].cc};
	uint64_t rto, gap, longest = DELACK_NS + TCP_PTO_MIN_NS + RIG_MS;
	struct rig_sim sim;
	struct mr_tcp_info in;
	double share;

	if (RIG_SIM_SKIP(_i, 3))
		return;
	rig_sim_init(&sim, &line, &f, 1);
	rig_sim_run(&sim, LOOK_NS);
	ck_assert_int_eq(mr_tcp_info(f.ep[0], &in), 0);
	rto = mr_stack_counter(sim.duo.end[0].stack, MR_CNT_TCP_RTO);
	share = rig_sim_share(&sim, f.got, LOOK_NS);
	gap = rig_sim_gap(&f);
	printf("10 us, 1 %% loss%s: %-8s %.3f of the line, longest gap %5.0f us, %llu timeouts, %llu probes, %u resent\n",
	       line.ack_loss_ppm ? " both ways" : "", f.cc, share, gap / 1e3, (unsigned long long)rto,
	       (unsigned long long)mr_stack_counter(sim.duo.end[0].stack, MR_CNT_TCP_TAIL_PROBES), in.retransmitted_segs);
	if (rto > 0)
		longest += MIN_RTO_NS;
	ck_assert_uint_le(gap, longest);
	ck_assert_uint_le(rto, 1);
	ck_assert_double_ge(share, flows[_i].use);
	rig_sim_fini(&sim);
}
END_TEST

static Suite *
suite(void)
{
	Suite *s = suite_create("sim_lan");
	TCase *tc = rig_case(s, "lan", NULL, NULL);

	tcase_set_timeout(tc, 100);
	tcase_add_loop_test(tc, never_stalls, 0, sizeof(flows) / sizeof(flows[0]));
	return s;
}

RIG_MAIN(suite)
