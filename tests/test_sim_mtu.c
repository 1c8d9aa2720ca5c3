/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Whole transfers over ways whose routers drop what is too big without a word, and become narrower and wider meanwhile
 * (RFC 4821); and over ways that lose by chance, where segments must stay as large as they are.
 */
#include "rig/duo.h"

#include <string.h>

#include "proto/tcp/tcp.h"

/* The way from a to b takes packets of so many bytes, one after the other, until these times. */
struct way {
	struct {
		uint64_t until_ns;
		uint32_t mtu;
	} part[3];
	uint64_t start_ns;
	uint32_t largest[3]; /* that have arrived in the second half of each */
	uint32_t too_big[3];
};

static unsigned
part_at(const struct way *w, uint64_t ns)
{
	unsigned k = 0;

	while (k < 2 && w->part[k].until_ns <= ns)
		k++;
	return k;
}

static bool
loses(struct rig_duo *d, unsigned i, const struct rig_frame *f, void *arg)
{
	struct way *w = arg;
	uint64_t ns = d->now - w->start_ns;
	unsigned k = part_at(w, ns);
	uint64_t from = k ? w->part[k - 1].until_ns : 0;
	uint32_t mtu = f->len - 14;

	if (i != 0 || f->kind != RIG_TCP)
		return false;
	if (mtu > w->part[k].mtu) {
		w->too_big[k]++;
		return true;
	}
	if (ns > from + (w->part[k].until_ns - from) / 2)
		w->largest[k] = RTE_MAX(w->largest[k], mtu);
	return false;
}

static struct rig_bulk_result
transfer(struct rig_duo *d, struct way *w, enum mr_tcp_mtu_probing how, struct mr_impair_cfg line, bool v6, uint64_t bytes)
{
	struct rig_bulk_result r;

	line.delay_ns = 10 * RIG_MS;
	rig_duo_init(d, &(struct rig_duo_opts){.impair = {&line, &line}, .neigh = true});
	for (unsigned i = 0; i < 2; i++)
		ck_assert_int_eq(mr_transproto_setopt(d->end[i].stack, MR_TRANS_TCP, MR_OPT_TCP_MTU_PROBING, how), 0);
	w->start_ns = d->now;
	d->loses = loses;
	d->arg = w;
	r = rig_duo_bulk(d, &(struct rig_bulk_opts){.v6 = v6, .bytes = {bytes, 0}, .deadline_ns = 20000 * RIG_S});
	ck_assert(r.done);
	ck_assert_int_eq(r.err, 0);
	return r;
}

static uint64_t
counted(const struct rig_duo *d, enum mr_counter c)
{
	return mr_stack_counter(d->end[0].stack, c);
}

/* A hole from the beginning: found after two timeouts, and what the way takes within seconds. */
START_TEST(hole)
{
	static const uint32_t mtus[] = {1492, 1400, 1300};
	struct way w = {.part = {{4 * RIG_S, mtus[_i >> 1]}, {UINT64_MAX, mtus[_i >> 1]}}};
	bool v6 = _i & 1;
	struct rig_duo d;

	transfer(&d, &w, MR_TCP_MTU_PROBING_BLACK_HOLES, (struct mr_impair_cfg){.seed = 3, .rate_bps = 20000000}, v6, 20 << 20);
	ck_assert_uint_ge(w.largest[0] + 8, mtus[_i >> 1]);
	ck_assert_uint_eq(counted(&d, MR_CNT_TCP_BLACK_HOLES), 1);
	ck_assert_uint_eq(w.too_big[1], 0);
	ck_assert_uint_le(counted(&d, MR_CNT_TCP_RTO), 3);
	rig_duo_fini(&d);
}
END_TEST

/* The way gets narrower in the midst of a transfer, and wide again: all is used of it, at last. */
START_TEST(narrow_for_a_while)
{
	struct way w = {.part = {{5 * RIG_S, 1500}, {100 * RIG_S, 1300}, {1500 * RIG_S, 1500}}};
	bool v6 = _i;
	struct rig_duo d;

	transfer(&d, &w, MR_TCP_MTU_PROBING_BLACK_HOLES, (struct mr_impair_cfg){.seed = 3, .rate_bps = 400000, .buffer_bytes = 20000}, v6, 50 << 20);
	ck_assert_uint_gt(d.now - w.start_ns, 800 * RIG_S);
	ck_assert_uint_eq(w.largest[0], 1500);
	ck_assert_uint_ge(w.largest[1], 1292);
	ck_assert_uint_eq(w.largest[2], 1500);
	ck_assert_uint_eq(counted(&d, MR_CNT_TCP_BLACK_HOLES), 1);
	rig_duo_fini(&d);
}
END_TEST

/* Chance makes nothing smaller, and keeps nobody who begins small from getting as large as the way allows. */
START_TEST(loss_by_chance)
{
	static const uint32_t losses[] = {10000, 50000};
	bool always = _i & 1;
	struct way w = {.part = {{2 * RIG_S, 1500}, {UINT64_MAX, 1500}}};
	struct rig_duo d;

	transfer(&d, &w, always ? MR_TCP_MTU_PROBING_ALWAYS : MR_TCP_MTU_PROBING_BLACK_HOLES,
	         (struct mr_impair_cfg){.seed = 5 + _i, .loss_ppm = losses[_i >> 1], .rate_bps = 20000000}, false, 10 << 20);
	ck_assert_uint_eq(counted(&d, MR_CNT_TCP_BLACK_HOLES), 0);
	if (always)
		ck_assert_uint_ge(counted(&d, MR_CNT_TCP_MTU_PROBES), 1);
	else
		ck_assert_uint_eq(counted(&d, MR_CNT_TCP_MTU_PROBES), 0);
	ck_assert_uint_eq(w.largest[0], 1500);
	rig_duo_fini(&d);
}
END_TEST

static Suite *
suite(void)
{
	Suite *s = suite_create("sim_mtu");
	TCase *c = tcase_create("sim");

	tcase_set_timeout(c, 60);
	tcase_add_loop_test(c, hole, 0, 6);
	tcase_add_loop_test(c, narrow_for_a_while, 0, 2);
	tcase_add_loop_test(c, loss_by_chance, 0, 4);
	suite_add_tcase(s, c);
	return s;
}

int
main(int argc, char **argv)
{
	return rig_main(argc, argv, suite);
}
