/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The bad line: shares over 100,000 frames (within four standard deviations of the share, and exactly what the seed
 * gives), determinism, and the text form with its errors. Delay, rate and queue: test_impair_line.c.
 */
#include <errno.h>
#include <stdlib.h>

#include "link_frames.h"
#include "impair.h"

#define N_FRAMES 100000

/* What N_FRAMES frames, sent one a microsecond, come out as. */
struct outcome {
	uint32_t received, copies, corrupted, overtaken;
	uint64_t hash; /* of numbers, bits and times in their order */
};

static void
outcome_add(struct outcome *o, struct rte_mbuf *m, uint64_t now_ns, uint8_t *seen, uint32_t *top)
{
	uint32_t nr = lf_nr(m);
	unsigned bits = lf_wrong_bits(m, nr);

	/* Corruption may hit the number itself: then it is one bit away from a frame that fits. */
	for (int i = 0; bits > 1 && i < 32; i++)
		if (lf_wrong_bits(m, nr ^ 1u << i) == 1) {
			nr ^= 1u << i;
			bits = 1;
		}
	ck_assert_uint_le(bits, 1);
	ck_assert_uint_lt(nr, N_FRAMES);
	o->received++;
	o->corrupted += bits;
	o->copies += seen[nr]++ > 0;
	if (nr < *top)
		o->overtaken++;
	else
		*top = nr;
	for (uint64_t v[] = {nr, bits, now_ns}, *p = v; p < v + 3; p++)
		o->hash = (o->hash ^ *p) * 0x100000001b3u;
	rte_pktmbuf_free(m);
}

static struct outcome
run(const struct mr_impair_cfg *cfg)
{
	struct outcome o = {.hash = 0xcbf29ce484222325u};
	uint8_t *seen = calloc(1, N_FRAMES);
	uint64_t now_ns = 1000, end_ns;
	uint32_t top = 0;
	struct rte_mbuf *m;

	make(cfg, 1024);
	for (uint32_t nr = 0; nr < N_FRAMES; nr++, now_ns += 1000) {
		lf_send(a, now_ns, lf_frame(pa, nr, LEN));
		while (lf_rx(b, now_ns, &m, 1))
			outcome_add(&o, m, now_ns, seen, &top);
	}
	end_ns = now_ns + 1000 * MS;
	while (a->ops->next_ns(a) < end_ns) {
		now_ns = a->ops->next_ns(a);
		for (m = arrival(now_ns); m; m = arrival(now_ns))
			outcome_add(&o, m, now_ns, seen, &top);
	}
	done();
	free(seen);
	return o;
}

/* Four standard deviations of a binomial count of N_FRAMES. */
static void
assert_share(uint32_t count, double p)
{
	double mean = N_FRAMES * p, d = count - mean;

	ck_assert_msg(d * d < 16 * mean * (1 - p), "%u of %u is not a share of %f", count, N_FRAMES, p);
}

START_TEST(clean_line)
{
	struct mr_impair_cfg cfg = {.seed = 1};
	struct outcome o = run(&cfg);

	ck_assert_uint_eq(o.received, N_FRAMES);
	ck_assert_uint_eq(o.copies + o.corrupted + o.overtaken, 0);
}
END_TEST

START_TEST(share_of_loss)
{
	struct mr_impair_cfg cfg = {.seed = 1, .loss_ppm = 10000};
	struct outcome o = run(&cfg);

	assert_share(N_FRAMES - o.received, 0.01);
	ck_assert_uint_eq(N_FRAMES - o.received, 1025);
	ck_assert_uint_eq(o.copies + o.corrupted + o.overtaken, 0);
}
END_TEST

START_TEST(share_of_duplicates)
{
	struct mr_impair_cfg cfg = {.seed = 2, .dup_ppm = 50000};
	struct outcome o = run(&cfg);

	assert_share(o.copies, 0.05);
	ck_assert_uint_eq(o.copies, 5004);
	ck_assert_uint_eq(o.received, N_FRAMES + o.copies);
	ck_assert_uint_eq(o.corrupted + o.overtaken, 0);
}
END_TEST

START_TEST(share_of_corruption)
{
	struct mr_impair_cfg cfg = {.seed = 3, .corrupt_ppm = 20000};
	struct outcome o = run(&cfg);

	assert_share(o.corrupted, 0.02);
	ck_assert_uint_eq(o.corrupted, 1938);
	ck_assert_uint_eq(o.received, N_FRAMES);
	ck_assert_uint_eq(o.overtaken + o.copies, 0);
}
END_TEST

START_TEST(share_of_reordering)
{
	/* A late frame comes 1 ms late, into a stream of one a microsecond: each is overtaken. */
	struct mr_impair_cfg cfg = {.seed = 4, .reorder_ppm = 5000};
	struct outcome o = run(&cfg);

	ck_assert_uint_eq(o.received, N_FRAMES);
	assert_share(o.overtaken, 0.005);
	ck_assert_uint_eq(o.overtaken, 482);
	ck_assert_uint_eq(o.corrupted + o.copies, 0);
}
END_TEST

static const struct mr_impair_cfg everything = {
	.seed = 5, .loss_ppm = 30000, .dup_ppm = 10000, .corrupt_ppm = 10000, .reorder_ppm = 20000,
	.delay_ns = 100000, .jitter_ns = 50000, .rate_bps = 600000000, .queue_frames = 300};

START_TEST(same_seed_same_line)
{
	struct mr_impair_cfg other = everything;
	struct outcome x = run(&everything), y = run(&everything), z;

	other.seed++;
	z = run(&other);
	ck_assert_uint_eq(x.received, y.received);
	ck_assert_uint_eq(x.hash, y.hash);
	ck_assert_uint_ne(x.hash, z.hash);
	ck_assert_uint_eq(x.received, 98099);
}
END_TEST

START_TEST(parse_all)
{
	struct mr_impair_cfg c;
	char err[128] = "";

	ck_assert_int_eq(mr_impair_parse("loss=1%,delay=20ms,jitter=2ms,dup=0.1%,reorder=5%,rate=100mbit,queue=100,"
	                                 "seed=7", &c, err, sizeof(err)), 0);
	ck_assert_uint_eq(c.loss_ppm, 10000);
	ck_assert_uint_eq(c.delay_ns, 20 * MS);
	ck_assert_uint_eq(c.jitter_ns, 2 * MS);
	ck_assert_uint_eq(c.dup_ppm, 1000);
	ck_assert_uint_eq(c.reorder_ppm, 50000);
	ck_assert_uint_eq(c.rate_bps, 100000000);
	ck_assert_uint_eq(c.queue_frames, 100);
	ck_assert_uint_eq(c.seed, 7);
	ck_assert_uint_eq(c.corrupt_ppm, 0);
	ck_assert_str_eq(err, "");
	ck_assert_int_eq(mr_impair_parse("corrupt=100%,reorder_delay=1.5us,loss=7ppm,delay=3600s,rate=2.5gbit,"
	                                 "seed=18446744073709551615,buffer=64000", &c, err, sizeof(err)), 0);
	ck_assert_uint_eq(c.corrupt_ppm, 1000000);
	ck_assert_uint_eq(c.reorder_ns, 1500);
	ck_assert_uint_eq(c.loss_ppm, 7);
	ck_assert_uint_eq(c.delay_ns, 3600000 * MS);
	ck_assert_uint_eq(c.rate_bps, 2500000000u);
	ck_assert_uint_eq(c.seed, UINT64_MAX);
	ck_assert_uint_eq(c.jitter_ns, 0);
	ck_assert_uint_eq(c.buffer_bytes, 64000);
	ck_assert_int_eq(mr_impair_parse("", &c, err, sizeof(err)), 0);
	ck_assert_uint_eq(c.delay_ns | c.loss_ppm | c.seed, 0);
}
END_TEST

#define KEYS "there are loss, dup, reorder, corrupt, delay, jitter, reorder_delay, rate, queue, buffer, seed"

static const struct {
	const char *text, *err;
} bad[] = {
	{"loss", "loss: \"\" is not a share of 0% to 100% (like 0.1% or 500ppm)"},
	{"loss=", "loss: \"\" is not a share of 0% to 100% (like 0.1% or 500ppm)"},
	{"loss=1", "loss: \"1\" is not a share of 0% to 100% (like 0.1% or 500ppm)"},
	{"loss=101%", "loss: \"101%\" is not a share of 0% to 100% (like 0.1% or 500ppm)"},
	{"loss=0.00001%", "loss: \"0.00001%\" is not a share of 0% to 100% (like 0.1% or 500ppm)"},
	{"loss=-1%", "loss: \"-1%\" is not a share of 0% to 100% (like 0.1% or 500ppm)"},
	{"loss=.5%", "loss: \".5%\" is not a share of 0% to 100% (like 0.1% or 500ppm)"},
	{"loss=5.%", "loss: \"5.%\" is not a share of 0% to 100% (like 0.1% or 500ppm)"},
	{"loss=1.2.3%", "loss: \"1.2.3%\" is not a share of 0% to 100% (like 0.1% or 500ppm)"},
	{"loss= 1%", "loss: \" 1%\" is not a share of 0% to 100% (like 0.1% or 500ppm)"},
	{"delay=20", "delay: \"20\" is not a time of at most 1 h (like 20ms or 1.5us)"},
	{"delay=20m", "delay: \"20m\" is not a time of at most 1 h (like 20ms or 1.5us)"},
	{"delay=3601s", "delay: \"3601s\" is not a time of at most 1 h (like 20ms or 1.5us)"},
	{"delay=0.5ns", "delay: \"0.5ns\" is not a time of at most 1 h (like 20ms or 1.5us)"},
	{"delay=99999999999999999999ns",
	 "delay: \"99999999999999999999ns\" is not a time of at most 1 h (like 20ms or 1.5us)"},
	{"delay=18446744073709551615s",
	 "delay: \"18446744073709551615s\" is not a time of at most 1 h (like 20ms or 1.5us)"},
	{"rate=100", "rate: \"100\" is not a rate of at most 10000gbit (like 100mbit)"},
	{"queue=4294967297", "queue: \"4294967297\" is not a number of frames, at most 16777216"},
	{"queue=ten", "queue: \"ten\" is not a number of frames, at most 16777216"},
	{"buffer=1099511627777", "buffer: \"1099511627777\" is not a number of bytes, at most 1099511627776"},
	{"seed=18446744073709551616", "seed: \"18446744073709551616\" is not a number"},
	{"los=1%", "unknown key \"los\"; " KEYS},
	{"lossy=1%", "unknown key \"lossy\"; " KEYS},
	{"loss=1%,,dup=1%", "unknown key \"\"; " KEYS},
	{"loss=1%,", "nothing after the last comma"},
	{"loss=1%,delay=1ms,loss=2%", "loss is given twice"},
};

START_TEST(parse_errors)
{
	struct mr_impair_cfg c, untouched;
	char err[160] = "", tiny[8];

	memset(&untouched, 0x5a, sizeof(untouched));
	c = untouched;
	ck_assert_int_eq(mr_impair_parse(bad[_i].text, &c, err, sizeof(err)), -EINVAL);
	ck_assert_str_eq(err, bad[_i].err);
	ck_assert_mem_eq(&c, &untouched, sizeof(c));
	/* A small buffer gets what fits. */
	ck_assert_int_eq(mr_impair_parse(bad[_i].text, &c, tiny, sizeof(tiny)), -EINVAL);
	ck_assert_uint_eq(strlen(tiny), 7);
	ck_assert_int_eq(mr_impair_parse(bad[_i].text, &c, NULL, 0), -EINVAL);
}
END_TEST

static Suite *
suite(void)
{
	Suite *s = suite_create("impair");
	TCase *t = rig_case(s, "shares", NULL, NULL);

	lf_private_memory();
	tcase_add_test(t, clean_line);
	tcase_add_test(t, share_of_loss);
	tcase_add_test(t, share_of_duplicates);
	tcase_add_test(t, share_of_corruption);
	tcase_add_test(t, share_of_reordering);
	tcase_add_test(t, same_seed_same_line);
	t = rig_case(s, "parse", NULL, NULL);
	tcase_add_test(t, parse_all);
	tcase_add_loop_test(t, parse_errors, 0, RTE_DIM(bad));
	return s;
}

RIG_MAIN(suite)
