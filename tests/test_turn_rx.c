/* SPDX-License-Identifier: Apache-2.0 */
/*
 * How much a turn takes from a NIC: some bursts of frames as they come from a wire; of large ones, which the other end has left
 * to be cut, little, so that their sender has an answer before all of them are read.
 */
#include "rig/fixture.h"

#include "stack/nic.h"

#define LARGE 60000
#define SMALL 100

static void
push(unsigned n, uint32_t len)
{
	while (n-- > 0)
		rig_push_udp(&rig, .dport = 9, .len = len);
}

/* Frames that the next turn takes. */
static uint64_t
taken(void)
{
	uint64_t before = mr_stack_counter(rig.stack, MR_CNT_NIC_RX_PACKETS);

	rig_turn(&rig);
	return mr_stack_counter(rig.stack, MR_CNT_NIC_RX_PACKETS) - before;
}

static void
setup(void)
{
	rig_init(&rig, NULL);
	rig.rx_seg_bytes = 2000;
}

START_TEST(small_frames)
{
	push(200, SMALL);
	ck_assert_uint_eq(taken(), 4 * MR_BURST);
	ck_assert_uint_eq(taken(), 200 - 4 * MR_BURST);
}
END_TEST

START_TEST(full_frames)
{
	push(200, 1472);
	ck_assert_uint_eq(taken(), 4 * MR_BURST);
	ck_assert_uint_eq(taken(), 200 - 4 * MR_BURST);
}
END_TEST

/* That they are large is known when a burst has come. A small one between them, the rest of what was sent, changes little; when
 * no large ones have come for a while it is forgotten. */
START_TEST(large_frames)
{
	push(MR_BURST + 3, LARGE);
	push(1, SMALL);
	push(4, LARGE);
	ck_assert_uint_eq(taken(), MR_BURST + 1);
	for (unsigned i = 0; i < 3; i++)
		ck_assert_uint_eq(taken(), 1); /* the last is the small one */
	ck_assert_uint_eq(taken(), 2);
	ck_assert_uint_eq(taken(), 1);
	ck_assert_uint_eq(taken(), 1);
	for (unsigned i = 0; i < MR_BURST; i++) {
		push(1, SMALL);
		ck_assert_uint_eq(taken(), 1);
	}
	push(200, SMALL);
	ck_assert_uint_eq(taken(), 4 * MR_BURST);
	rig_poll(&rig);
}
END_TEST

/* A fraction of a burst where that is 64 KiB. */
START_TEST(jumbo_frames)
{
	push(MR_BURST + 20, 8000);
	ck_assert_uint_eq(taken(), MR_BURST + MR_BURST / 4);
	ck_assert_uint_eq(taken(), MR_BURST / 4);
	rig_poll(&rig);
}
END_TEST

static Suite *
suite(void)
{
	Suite *s = suite_create("turn_rx");
	TCase *tc = rig_case(s, "frames", setup, rig_teardown);

	tcase_add_test(tc, small_frames);
	tcase_add_test(tc, full_frames);
	tcase_add_test(tc, large_frames);
	tcase_add_test(tc, jumbo_frames);
	return s;
}

RIG_MAIN(suite)
