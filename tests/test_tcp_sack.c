/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Selective acknowledgement: what the stack tells of data that arrived out of order or twice (RFC 2018, RFC 2883), and
 * what it makes of what a peer tells (RFC 6675).
 *
 * Requirements by number: SK-n of RFC 2018, 2883 and 6675, CC-n, R-n, B-n of the behaviour list.
 */
#include "rig/fixture.h"

#include <errno.h>
#include <string.h>

#include "proto/tcp/tcp.h"

#define MSS 1460u

/* ---- agreeing on it */

/* SK-01, SK-02, B-45: offered and accepted on SYNs, by both sides, unless switched off; never on anything else. */
START_TEST(negotiation)
{
	bool peer = _i & 1, stack = _i & 2, active = _i & 4;
	int64_t v;

	ck_assert_int_eq(mr_transproto_setopt(rig.stack, MR_TRANS_TCP, MR_OPT_TCP_SACK, stack), 0);
	ck_assert_int_eq(mr_transproto_getopt(rig.stack, MR_TRANS_TCP, MR_OPT_TCP_SACK, &v), 0);
	ck_assert_int_eq(v, stack);
	t.sack = peer;
	if (active)
		rig_tcp_establish_active(&t);
	else
		rig_tcp_establish_passive(&t);
	ck_assert(t.sack_on == (stack && peer));
	rig_tcp_push(&t, RIG_ACK, 101, 1, 100);
	if (peer && stack)
		rig_tcp_expect(&t, RIG_ACK, 1, 1, 0, .n_sack = 1, .sack = {{101, 201}});
	else
		rig_tcp_expect(&t, RIG_ACK, 1, 1, 0, .has_sack = -1);
	rig_expect_none(&rig);
}
END_TEST

/* ---- what arrived out of order */

static void
push(uint32_t from, uint32_t to)
{
	rig_tcp_push(&t, RIG_ACK, from, 1, to - from);
}

/* The stack's ACK with these blocks: as many of them as there is room for. */
static void
expect_blocks(uint32_t ack, unsigned n, uint32_t blocks[4][2])
{
	struct rig_seg x = {.n_sack = RTE_MIN(n, t.ts ? 3u : 4u), .has_sack = 1};

	memcpy(x.sack, blocks, sizeof(x.sack));
	rig_tcp_expect_seg(&t, RIG_ACK, 1, ack, 0, &x, __FILE__, __LINE__);
}
#define BLOCKS(...) (uint32_t [4][2]){__VA_ARGS__}

/* SK-02, SK-03, SK-04, B-55: the block that the segment is part of first, then those that grew before it. */
START_TEST(newest_first)
{
	rig_tcp_init(&t, &rig, _i & 2);
	t.ts = _i & 1;
	rig_tcp_establish_passive(&t);
	push(200, 300);
	expect_blocks(1, 1, BLOCKS({200, 300}));
	push(400, 500);
	expect_blocks(1, 2, BLOCKS({400, 500}, {200, 300}));
	push(600, 700);
	expect_blocks(1, 3, BLOCKS({600, 700}, {400, 500}, {200, 300}));
	push(800, 900);
	expect_blocks(1, 4, BLOCKS({800, 900}, {600, 700}, {400, 500}, {200, 300}));
	push(300, 350);
	expect_blocks(1, 4, BLOCKS({200, 350}, {800, 900}, {600, 700}, {400, 500}));
	push(500, 600);
	expect_blocks(1, 3, BLOCKS({400, 700}, {200, 350}, {800, 900}));
	/* One cumulative ACK when the gap fills, without what it covers. */
	push(1, 200);
	expect_blocks(350, 2, BLOCKS({400, 700}, {800, 900}));
	push(350, 400);
	expect_blocks(700, 1, BLOCKS({800, 900}));
	push(700, 800);
	rig_tcp_expect(&t, RIG_ACK, 1, 900, 0, .has_sack = -1);
	rig_expect_none(&rig);
}
END_TEST

/* A FIN takes part in no block, but what comes before it is told of. */
START_TEST(early_fin)
{
	rig_tcp_establish_passive(&t);
	push(17, 33);
	rig_tcp_expect(&t, RIG_ACK, 1, 1, 0, .n_sack = 1, .sack = {{17, 33}});
	rig_tcp_push(&t, RIG_FIN | RIG_ACK, 33, 1, 0);
	rig_tcp_expect(&t, RIG_ACK, 1, 1, 0, .n_sack = 1, .sack = {{17, 33}});
	push(1, 17);
	rig_tcp_expect(&t, RIG_ACK, 1, 34, 0, .has_sack = -1);
}
END_TEST

/* More blocks in one burst than an option holds: as many ACKs as it takes, the newest last, three times; B-55. */
START_TEST(burst_of_holes)
{
	rig_tcp_establish_passive(&t);
	for (uint32_t i = 1; i <= 10; i++)
		push(200 * i, 200 * i + 100);
	rig_tcp_expect(&t, RIG_ACK, 1, 1, 0, .n_sack = 2, .has_sack = 1, .sack = {{400, 500}, {200, 300}});
	rig_tcp_expect(&t, RIG_ACK, 1, 1, 0, .n_sack = 4, .sack = {{1200, 1300}, {1000, 1100}, {800, 900}, {600, 700}});
	for (int i = 0; i < 3; i++)
		rig_tcp_expect(&t, RIG_ACK, 1, 1, 0, .n_sack = 4, .sack = {{2000, 2100}, {1800, 1900}, {1600, 1700}, {1400, 1500}});
	rig_expect_none(&rig);
	/* One that has not grown needs no second telling. */
	push(2200, 2300);
	rig_tcp_expect(&t, RIG_ACK, 1, 1, 0, .n_sack = 4, .sack = {{2200, 2300}, {2000, 2100}, {1800, 1900}, {1600, 1700}});
	rig_expect_none(&rig);
}
END_TEST

/* SK-04, RFC 2883: what came twice takes the place of a block, and what has none goes before; it is told of once. */
START_TEST(holes_and_a_duplicate)
{
	rig_tcp_establish_passive(&t);
	push(1, 101);
	for (uint32_t i = 1; i <= 4; i++)
		push(200 * i, 200 * i + 100);
	push(1, 101);
	rig_tcp_expect(&t, RIG_ACK, 1, 101, 0, .n_sack = 1, .has_sack = 1, .sack = {{200, 300}});
	rig_tcp_expect(&t, RIG_ACK, 1, 101, 0, .n_sack = 4, .sack = {{1, 101}, {800, 900}, {600, 700}, {400, 500}});
	for (int i = 0; i < 2; i++)
		rig_tcp_expect(&t, RIG_ACK, 1, 101, 0, .n_sack = 4, .sack = {{800, 900}, {600, 700}, {400, 500}, {200, 300}});
	rig_expect_none(&rig);
}
END_TEST

/* CC-16, CC-11: an ACK for each out-of-order segment of a burst, three at most, all of them after its last segment. */
START_TEST(duplicate_acks_of_a_burst)
{
	static const struct rig_seg told = {.n_sack = 1, .has_sack = 1, .sack = {{100, 0}}}, bare = {.has_sack = -1};
	unsigned segs = _i >> 1;

	t.sack = _i & 1;
	rig_tcp_establish_passive(&t);
	for (uint32_t i = 1; i <= segs; i++)
		push(100 * i, 100 * i + 100);
	for (unsigned n = RTE_MIN(segs, 3u); n > 0; n--) {
		struct rig_seg x = t.sack ? told : bare;

		x.sack[0][1] = t.sack ? 100 * segs + 100 : 0;
		rig_tcp_expect_seg(&t, RIG_ACK, 1, 1, 0, &x, __FILE__, __LINE__);
	}
	rig_expect_none(&rig);
}
END_TEST

/* CC-16: so does what fills the hole, with the segments after it, but not to a peer without SACK, which would take equal ACKs
 * for a sign of loss. What came twice is told once, with nothing else to tell in no option at all. */
START_TEST(acks_of_a_repair)
{
	unsigned n = _i ? 3 : 1;

	t.sack = _i;
	rig_tcp_establish_passive(&t);
	push(101, 201);
	if (_i)
		rig_tcp_expect(&t, RIG_ACK, 1, 1, 0, .n_sack = 1, .sack = {{101, 201}});
	else
		rig_tcp_expect(&t, RIG_ACK, 1, 1, 0, .has_sack = -1);
	push(1, 101);
	push(201, 301);
	push(301, 401);
	push(401, 501);
	while (n-- > 0)
		rig_tcp_expect(&t, RIG_ACK, 1, 501, 0, .has_sack = -1);
	rig_expect_none(&rig);
	push(501, 601);
	push(1, 101);
	if (_i)
		rig_tcp_expect(&t, RIG_ACK, 1, 601, 0, .n_sack = 1, .sack = {{1, 101}});
	else
		rig_tcp_expect(&t, RIG_ACK, 1, 601, 0, .has_sack = -1);
	rig_expect_none(&rig);
	push(601, 701);
	push(1, 101);
	push(701, 801);
	if (_i)
		rig_tcp_expect(&t, RIG_ACK, 1, 801, 0, .n_sack = 1, .sack = {{1, 101}});
	rig_tcp_expect(&t, RIG_ACK, 1, 801, 0, .has_sack = -1);
	rig_expect_none(&rig);
}
END_TEST

/* Data of our own carries the ACK; the blocks go beside it. */
START_TEST(beside_data)
{
	rig_tcp_establish_passive(&t);
	rig_ep_send(t.ep, 0, MSS);
	push(200, 300);
	rig_tcp_expect(&t, RIG_ACK, 1, 1, MSS, .has_sack = -1);
	rig_tcp_expect(&t, RIG_ACK, 1 + MSS, 1, 0, .n_sack = 1, .sack = {{200, 300}});
	rig_expect_none(&rig);
}
END_TEST

/* R-4, SK-05: what was dropped is not told of, and what was told of stays. */
START_TEST(dropped_data_is_not_told_of)
{
	struct rig_opts o = {.stack = {.rx_mbufs = 512}};
	uint64_t told = 0, ooo;
	const struct rig_frame *f;

	rig_fini(&rig);
	rig_init(&rig, &o);
	rig_tcp_init(&t, &rig, false);
	rig_tcp_establish_passive(&t);
	for (uint32_t i = 0; i < 400; i++) {
		push(601 + 600 * i, 1201 + 600 * i);
		if (i % 16 == 15)
			rig_poll(&rig);
	}
	ck_assert_uint_gt(rig_moved(&rig, MR_DROP_TCP_OOO_FULL), 0);
	ooo = 600 * rig_moved(&rig, MR_CNT_TCP_OOO_SEGMENTS);
	while (rig_pending(&rig) > 0) {
		f = rig_tcp_next(&t);
		ck_assert_uint_eq(f->n_sack, 1);
		told = f->sack[0][1] - f->sack[0][0];
	}
	ck_assert_uint_eq(told, ooo);
	push(1, 601);
	rig_tcp_expect(&t, RIG_ACK, 1, 601 + (uint32_t)told, 0, .has_sack = -1);
}
END_TEST

/* ---- what came twice */

struct overlap {
	uint32_t from, to, ack;
	unsigned n;
	uint32_t sack[4][2];
	uint32_t again;       /* end of the duplicate that 1-800 then reports */
};

/* SK-07, B-57: over 1-100 in order and 200-300, 400-500, 600-700 beyond, one more segment lies in every way; then one over
 * all. The first range that came twice is the first block. */
static const struct overlap overlaps[] = {
	{50, 75, 100, 4, {{50, 75}, {600, 700}, {400, 500}, {200, 300}}, 100},
	{50, 200, 300, 3, {{50, 100}, {600, 700}, {400, 500}}, 300},
	{50, 350, 350, 3, {{50, 100}, {600, 700}, {400, 500}}, 350},
	{50, 400, 500, 2, {{50, 100}, {600, 700}}, 500},
	{100, 150, 150, 3, {{600, 700}, {400, 500}, {200, 300}}, 150},
	{100, 200, 300, 2, {{600, 700}, {400, 500}}, 300},
	{100, 350, 350, 3, {{200, 300}, {600, 700}, {400, 500}}, 350},
	{100, 475, 500, 2, {{200, 300}, {600, 700}}, 500},
	{100, 675, 700, 1, {{200, 300}}, 700},
	{150, 200, 100, 3, {{150, 300}, {600, 700}, {400, 500}}, 100},
	{150, 300, 100, 4, {{200, 300}, {150, 300}, {600, 700}, {400, 500}}, 100},
	{150, 475, 100, 3, {{200, 300}, {150, 500}, {600, 700}}, 100},
	{150, 600, 100, 2, {{200, 300}, {150, 700}}, 100},
	{200, 400, 100, 3, {{200, 300}, {200, 500}, {600, 700}}, 100},
	{200, 675, 100, 2, {{200, 300}, {200, 700}}, 100},
	{250, 275, 100, 4, {{250, 275}, {200, 300}, {600, 700}, {400, 500}}, 100},
	{250, 300, 100, 4, {{250, 300}, {200, 300}, {600, 700}, {400, 500}}, 100},
	{250, 400, 100, 3, {{250, 300}, {200, 500}, {600, 700}}, 100},
	{250, 675, 100, 2, {{250, 300}, {200, 700}}, 100},
	{300, 600, 100, 2, {{400, 500}, {200, 700}}, 100},
	{300, 700, 100, 2, {{400, 500}, {200, 700}}, 100},
	{350, 500, 100, 4, {{400, 500}, {350, 500}, {600, 700}, {200, 300}}, 100},
	{350, 550, 100, 4, {{400, 500}, {350, 550}, {600, 700}, {200, 300}}, 100},
	{350, 675, 100, 3, {{400, 500}, {350, 700}, {200, 300}}, 100},
	{400, 500, 100, 4, {{400, 500}, {400, 500}, {600, 700}, {200, 300}}, 100},
	{400, 675, 100, 3, {{400, 500}, {400, 700}, {200, 300}}, 100},
	{450, 550, 100, 4, {{450, 500}, {400, 550}, {600, 700}, {200, 300}}, 100},
	{500, 675, 100, 3, {{600, 675}, {400, 700}, {200, 300}}, 100},
	{550, 675, 100, 4, {{600, 675}, {550, 700}, {400, 500}, {200, 300}}, 100},
	{600, 675, 100, 4, {{600, 675}, {600, 700}, {400, 500}, {200, 300}}, 100},
};

START_TEST(duplicates)
{
	const struct overlap *o = &overlaps[_i];
	struct rig_seg expected = {.n_sack = o->n, .has_sack = 1};

	rig_tcp_establish_passive(&t);
	push(1, 100);
	push(200, 300);
	push(400, 500);
	push(600, 700);
	rig_poll(&rig);
	rig_discard(&rig);
	memcpy(expected.sack, o->sack, sizeof(o->sack));
	push(o->from, o->to);
	rig_tcp_expect_seg(&t, RIG_ACK, 1, o->ack, 0, &expected, __FILE__, __LINE__);
	push(1, 800);
	rig_tcp_expect(&t, RIG_ACK, 1, 800, 0, .n_sack = 1, .sack = {{1, o->again}});
	rig_ep_recv(t.ep, 0, 799);
	rig_expect_none_for(&rig, RIG_S);
}
END_TEST

/* SK-07: told once, also when all of the data was long acknowledged; nothing of it to a peer without SACK. */
START_TEST(old_duplicate)
{
	t.sack = _i;
	rig_tcp_establish_passive(&t);
	push(1, 1501);
	push(1501, 3001);
	rig_tcp_expect(&t, RIG_ACK, 1, 3001, 0, .has_sack = -1);
	push(1001, 2001);
	if (t.sack)
		rig_tcp_expect(&t, RIG_ACK, 1, 3001, 0, .n_sack = 1, .sack = {{1001, 2001}});
	else
		rig_tcp_expect(&t, RIG_ACK, 1, 3001, 0, .has_sack = -1);
	push(3001, 4501);
	push(4501, 6001);
	rig_tcp_expect(&t, RIG_ACK, 1, 6001, 0, .has_sack = -1);
}
END_TEST

/* Duplicates of one burst that touch are one range. */
START_TEST(duplicates_of_a_burst)
{
	rig_tcp_establish_passive(&t);
	push(1, 1501);
	push(1501, 3001);
	rig_tcp_expect(&t, RIG_ACK, 1, 3001, 0);
	push(1001, 2001);
	push(2001, 3001);
	push(1, 501);
	push(1, 1001);
	rig_tcp_expect(&t, RIG_ACK, 1, 3001, 0, .n_sack = 1, .sack = {{1, 3001}});
	rig_expect_none(&rig);
}
END_TEST

static Suite *
suite(void)
{
	Suite *s = suite_create("tcp_sack");
	TCase *tc = rig_case(s, "receiver", tcp_setup, rig_teardown);

	tcase_add_loop_test(tc, negotiation, 0, 8);
	tcase_add_loop_test(tc, newest_first, 0, 4);
	tcase_add_test(tc, early_fin);
	tcase_add_test(tc, burst_of_holes);
	tcase_add_test(tc, holes_and_a_duplicate);
	tcase_add_loop_test(tc, duplicate_acks_of_a_burst, 2, 12);
	tcase_add_loop_test(tc, acks_of_a_repair, 0, 2);
	tcase_add_test(tc, beside_data);
	tcase_add_test(tc, dropped_data_is_not_told_of);
	tcase_add_loop_test(tc, duplicates, 0, (int)RTE_DIM(overlaps));
	tcase_add_loop_test(tc, old_duplicate, 0, 2);
	tcase_add_test(tc, duplicates_of_a_burst);
	return s;
}

RIG_MAIN(suite)
