/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Two whole stacks over a bad line: bulk transfer both ways at once, byte-exact, at every loss from none to 20 percent,
 * with reordering, duplication and jitter, over IPv4 and IPv6, for several seeds. Prints throughput in virtual time.
 *
 * The environment sets the size: MR_MATRIX_BYTES each way (default 4 MiB) and MR_MATRIX_SEEDS (default 3); tests/matrix
 * runs the whole table. The line: 1 Gbit/s, 5 ms each way.
 */
#include "rig/rig.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define SEEDS_MAX 100
#define DEADLINE_NS (400000 * RIG_S) /* virtual; at 20 percent the timer doubles often */

static const uint32_t losses_ppm[] = {0, 1000, 10000, 50000, 200000};

static uint64_t
env_number(const char *name, uint64_t by_default)
{
	const char *text = getenv(name);
	uint64_t v = text ? strtoull(text, NULL, 0) : 0;

	return v ? v : by_default;
}

static struct mr_impair_cfg
bad_line(uint64_t seed, uint32_t loss_ppm)
{
	return (struct mr_impair_cfg){
		.seed = seed,
		.loss_ppm = loss_ppm,
		.dup_ppm = 5000,
		.reorder_ppm = 10000,
		.reorder_ns = 2 * RIG_MS,
		.delay_ns = 5 * RIG_MS,
		.jitter_ns = RIG_MS / 10,
		.rate_bps = 1000000000,
	};
}

struct run {
	struct rig_bulk_result r;
	uint64_t retransmits, frames;
	uint64_t hash[2];
};

static struct run
transfer(const struct mr_impair_cfg line[2], uint64_t seed, bool v6, uint64_t bytes, const char *capture)
{
	struct rig_duo_opts o = {
		.impair = {&line[0], &line[1]},
		.capture = {capture, NULL},
		.stack = {{.seed = seed, .rx_mbufs = 4096, .tx_mbufs = 4096}, {.seed = seed + 1, .rx_mbufs = 4096, .tx_mbufs = 4096}},
	};
	struct rig_bulk_opts b = {.v6 = v6, .bytes = {bytes, bytes}, .deadline_ns = DEADLINE_NS};
	struct rig_duo d;
	struct run run;

	rig_duo_init(&d, &o);
	run.r = rig_duo_bulk(&d, &b);
	run.frames = d.end[0].frames + d.end[1].frames;
	run.retransmits = 0;
	for (unsigned i = 0; i < 2; i++) {
		run.retransmits += mr_stack_counter(d.end[i].stack, MR_CNT_TCP_RETRANSMITS);
		run.hash[i] = d.end[i].hash;
	}
	rig_duo_fini(&d);
	return run;
}

static int
by_value(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

START_TEST(every_byte_arrives)
{
	uint32_t loss = losses_ppm[_i / 2];
	bool v6 = _i & 1;
	unsigned seeds = (unsigned)env_number("MR_MATRIX_SEEDS", 3);
	uint64_t bytes = env_number("MR_MATRIX_BYTES", 4 << 20), again = 0, frames = 0;
	double mbits[SEEDS_MAX];

	ck_assert_uint_le(seeds, SEEDS_MAX);
	for (unsigned s = 0; s < seeds; s++) {
		struct mr_impair_cfg line[2] = {bad_line(1000 + 2 * s, loss), bad_line(1001 + 2 * s, loss)};
		struct run run = transfer(line, s + 1, v6, bytes, NULL);

		ck_assert_msg(run.r.done && run.r.err == 0, "seed %u: %llu of %llu bytes in %.1f s, error %d", s,
		              (unsigned long long)run.r.bytes, (unsigned long long)(2 * bytes), run.r.duration_ns / 1e9, run.r.err);
		ck_assert_uint_eq(run.r.bytes, 2 * bytes);
		mbits[s] = run.r.bytes * 8e3 / run.r.duration_ns;
		again += run.retransmits;
		frames += run.frames;
	}
	qsort(mbits, seeds, sizeof(mbits[0]), by_value);
	printf("loss %5.1f %%  IPv%d  %4.0f MiB x 2 x %2u seeds   Mbit/s min %8.3f  median %8.3f  max %8.3f   resent %5.2f %%\n",
	       loss / 1e4, v6 ? 6 : 4, bytes / 1048576.0, seeds, mbits[0], mbits[seeds / 2], mbits[seeds - 1],
	       100.0 * again / frames);
	fflush(stdout);
}
END_TEST

START_TEST(clean_line_resends_nothing)
{
	/* A line without a rate holds what is sent in its delay, and windows grow as far as is read: all at once, in the end, and an
	 * ACK for each two segments that come the other way. */
	const uint32_t bytes = 4 << 20, queue = bytes / 1400 * 3 / 2;
	struct mr_impair_cfg line[2] = {{.seed = 1, .delay_ns = 5 * RIG_MS, .queue_frames = queue},
	                                {.seed = 2, .delay_ns = 5 * RIG_MS, .queue_frames = queue}};
	struct run run = transfer(line, 1, _i, bytes, NULL);

	ck_assert(run.r.done);
	ck_assert_uint_eq(run.retransmits, 0);
	/* Handshake, then slow start from 10 segments on, in round trips of 10 ms; windows grow ahead of it. */
	ck_assert_uint_lt(run.r.duration_ns, 150 * RIG_MS);
}
END_TEST

static void *
slurp(const char *path, size_t *n)
{
	FILE *f = fopen(path, "rb");
	char *p;

	ck_assert_ptr_nonnull(f);
	ck_assert_int_eq(fseek(f, 0, SEEK_END), 0);
	*n = (size_t)ftell(f);
	rewind(f);
	p = malloc(*n);
	ck_assert_uint_eq(fread(p, 1, *n, f), *n);
	fclose(f);
	return p;
}

START_TEST(one_seed_one_capture)
{
	struct mr_impair_cfg line[2] = {bad_line(5, 20000), bad_line(6, 20000)};
	char path[3][64];
	void *file[3];
	size_t n[3];

	for (unsigned i = 0; i < 3; i++) {
		snprintf(path[i], sizeof(path[i]), "matrix-%d-%u.pcapng", (int)getpid(), i);
		if (i == 2)
			line[0].seed++;
		transfer(line, 5, _i, 200000, path[i]);
		file[i] = slurp(path[i], &n[i]);
		unlink(path[i]);
	}
	ck_assert_uint_gt(n[0], 200000);
	ck_assert_uint_eq(n[0], n[1]);
	ck_assert(memcmp(file[0], file[1], n[0]) == 0);
	ck_assert(n[2] != n[0] || memcmp(file[0], file[2], n[0]) != 0);
	for (unsigned i = 0; i < 3; i++)
		free(file[i]);
}
END_TEST

static Suite *
suite(void)
{
	Suite *s = suite_create("matrix");
	TCase *tc = rig_case(s, "matrix", NULL, NULL);

	tcase_set_timeout(tc, env_number("MR_MATRIX_TIMEOUT", 300));
	tcase_add_loop_test(tc, every_byte_arrives, 0, 2 * (int)(sizeof(losses_ppm) / sizeof(losses_ppm[0])));
	tcase_add_loop_test(tc, clean_line_resends_nothing, 0, 2);
	tcase_add_loop_test(tc, one_seed_one_capture, 0, 2);
	return s;
}

RIG_MAIN(suite)
