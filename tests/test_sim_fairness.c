/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Fairness: flows of one algorithm through one bottleneck, in virtual time.
 */
#include "rig/sim.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define N_MAX 10

int dbg;

START_TEST(explore)
{
	static const char *const ccs[] = {"cubic", "newreno", "bbr"};
	double mb = getenv("MBIT") ? atof(getenv("MBIT")) : 24;
	double rtt = getenv("RTT") ? atof(getenv("RTT")) : 40;
	double buf = getenv("BUF") ? atof(getenv("BUF")) : 1;
	unsigned n = getenv("N") ? atoi(getenv("N")) : 2;
	double gap = getenv("GAP") ? atof(getenv("GAP")) : 0.1;
	unsigned secs = getenv("SECS") ? atoi(getenv("SECS")) : 60;
	unsigned loss = getenv("LOSS") ? atoi(getenv("LOSS")) : 0;
	struct rig_sim_line line = {.rate_bps = (uint64_t)(mb * 1e6), .rtt_ns = (uint64_t)(rtt * 1e6), .seed = getenv("SEED") ? atoi(getenv("SEED")) : 1, .loss_ppm = loss};
	struct rig_sim_flow f[N_MAX] = {0};
	struct rig_sim sim;

	line.buffer_bytes = (uint64_t)(buf * rig_sim_bdp(&line));
	for (unsigned i = 0; i < n; i++)
		f[i] = (struct rig_sim_flow){.cc = ccs[_i], .start_ns = (uint64_t)(i * gap * 1e9)};
	rig_sim_init(&sim, &line, f, n);
	uint64_t before[N_MAX] = {0};
	for (unsigned t = 10; t <= secs; t += 10) {
		double x[N_MAX], sum = 0;
		rig_sim_run(&sim, t * RIG_S);
		printf("%s %3u s:", ccs[_i], t);
		double q = 0;
		for (unsigned i = 0; i < n; i++) {
			struct mr_tcp_info in = {0};
			if (f[i].ep[0]) mr_tcp_info(f[i].ep[0], &in);
			x[i] = rig_sim_share(&sim, f[i].got - before[i], 10 * RIG_S);
			sum += x[i];
			before[i] = f[i].got;
			q += in.srtt_ns / 1e6;
			printf(" %.3f", x[i]);
		}
		printf("  sum %.3f jain %.4f srtt %.1f\n", sum, rig_sim_jain(x, n), q / n);
	}
	rig_sim_fini(&sim);
}
END_TEST

static Suite *
suite(void)
{
	Suite *s = suite_create("sim_fairness");
	TCase *tc = tcase_create("fairness");

	tcase_set_timeout(tc, 100);
	tcase_add_loop_test(tc, explore, 0, 3);
	suite_add_tcase(s, tc);
	return s;
}

int
main(int argc, char **argv)
{
	return rig_main(argc, argv, suite);
}
