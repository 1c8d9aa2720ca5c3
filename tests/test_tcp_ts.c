/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Timestamps of what comes in: which is echoed, and what is refused for an old one (PAWS). The scripted peer starts 16 below
 * their wrap.
 *
 * Requirements by number: TS-n, PW-n of RFC 7323, B-n of the behaviour list.
 */
#include "rig/fixture.h"

/* TS-05, TS-06, B-64: the echo is the timestamp of the segment that the last ACK expected. */
START_TEST(timestamp_echo)
{
	t.ts = true;
	rig_tcp_establish_passive(&t);
	rig_tcp_push(&t, RIG_ACK, 1, 1, 100, .tsval = t.tsval + 100);
	rig_tcp_push(&t, RIG_ACK, 101, 1, 100, .tsval = t.tsval + 101);
	rig_advance(&rig, 50 * RIG_MS);
	ck_assert_uint_eq(rig_tcp_expect(&t, RIG_ACK, 1, 201, 0)->tsecr, t.tsval + 100);
	rig_tcp_push(&t, RIG_ACK, 301, 1, 100, .tsval = t.tsval + 200); /* after a hole: not echoed */
	ck_assert_uint_eq(rig_tcp_expect(&t, RIG_ACK, 1, 201, 0)->tsecr, t.tsval + 100);
	rig_tcp_push(&t, RIG_ACK, 201, 1, 100, .tsval = t.tsval + 201);
	ck_assert_uint_eq(rig_tcp_expect(&t, RIG_ACK, 1, 401, 0)->tsecr, t.tsval + 201);
}
END_TEST

/* B-64: a timestamp that goes back is refused with an ACK, resets excepted; one of two bare ACKs is, too. What came twice is
 * told (RFC 2883 4): the sender of what was only late learns that it sent again for nothing. */
START_TEST(paws)
{
	struct mr_tcp_info in;
	uint32_t old_ms;

	t.ts = t.sack = true;
	ck_assert_int_eq(mr_tcp_info(rig_tcp_establish_passive(&t), &in), 0);
	old_ms = (uint32_t)(in.rto_ns / RIG_MS) + 1;
	rig_tcp_push(&t, RIG_ACK, 1, 1, 100, .tsval = t.tsval + 100);
	rig_advance(&rig, 50 * RIG_MS);
	rig_tcp_expect(&t, RIG_ACK, 1, 101, 0);
	rig_mark(&rig);
	rig_tcp_push(&t, RIG_ACK, 101, 1, 100, .tsval = t.tsval + 99);
	rig_tcp_expect(&t, RIG_ACK, 1, 101, 0);
	rig_expect_drop(&rig, MR_DROP_TCP_PAWS);
	rig_tcp_push(&t, RIG_ACK, 1, 1, 100, .tsval = t.tsval + 99);
	rig_tcp_expect(&t, RIG_ACK, 1, 101, 0, .n_sack = 1, .sack = {{1, 101}});
	rig_tcp_push(&t, RIG_ACK, 101, 1, 0, .tsval = t.tsval + 100 - old_ms);
	rig_tcp_expect(&t, RIG_ACK, 1, 101, 0);
	rig_tcp_push(&t, RIG_ACK, 101, 1, 0, .tsval = t.tsval + 100 - old_ms);
	rig_expect_none(&rig);
	rig_expect_drops(&rig, MR_DROP_TCP_PAWS, 4);
	/* Others have overtaken it: no more than that. */
	rig_tcp_push(&t, RIG_ACK, 101, 1, 0, .tsval = t.tsval + 100 - old_ms + 1);
	rig_expect_none(&rig);
	rig_expect_drops(&rig, MR_DROP_TCP_PAWS, 4);
	rig_tcp_push(&t, RIG_RST, 101, 0, 0, .tsval = t.tsval + 98);
	rig_expect_none(&rig);
	ck_assert_int_eq(rig_tcp_state(t.ep), MR_TCP_CLOSED);
}
END_TEST

/* What is sent again has a newer timestamp than what the network has held up meanwhile. That is taken all the same as long as
 * something is missing; not what is older still, nor anything when nothing is. */
START_TEST(paws_and_what_is_late)
{
	t.ts = t.sack = true;
	rig_tcp_establish_passive(&t);
	rig_mark(&rig);
	rig_tcp_push(&t, RIG_ACK, 201, 1, 100, .tsval = t.tsval + 50);
	rig_tcp_push(&t, RIG_ACK, 401, 1, 100, .tsval = t.tsval + 50);
	rig_tcp_push(&t, RIG_ACK, 1, 1, 100, .tsval = t.tsval + 150);
	rig_poll(&rig);
	rig_discard(&rig);
	rig_tcp_push(&t, RIG_ACK, 101, 1, 100, .tsval = t.tsval + 49);
	rig_tcp_expect(&t, RIG_ACK, 1, 101, 0);
	rig_expect_drop(&rig, MR_DROP_TCP_PAWS);
	rig_tcp_push(&t, RIG_ACK, 101, 1, 100, .tsval = t.tsval + 50);
	/* Echoed is the newest. */
	ck_assert_uint_eq(rig_tcp_expect(&t, RIG_ACK, 1, 301, 0)->tsecr, t.tsval + 150);
	rig_tcp_push(&t, RIG_ACK, 301, 1, 100, .tsval = t.tsval + 149);
	rig_tcp_expect(&t, RIG_ACK, 1, 501, 0);
	rig_tcp_push(&t, RIG_ACK, 501, 1, 100, .tsval = t.tsval + 149);
	rig_tcp_expect(&t, RIG_ACK, 1, 501, 0);
	rig_expect_drops(&rig, MR_DROP_TCP_PAWS, 2);
}
END_TEST

/* PW-02: after 24 silent days the clock of timestamps may have gone round: an older one is no old one any more. */
START_TEST(paws_after_a_long_silence)
{
	static const uint64_t days[] = {23, 25};

	t.ts = true;
	rig_tcp_establish_passive(&t);
	rig_advance(&rig, days[_i] * 86400 * RIG_S);
	rig_mark(&rig);
	rig_tcp_push(&t, RIG_ACK, 1, 1, 100, .tsval = t.tsval - 1000);
	rig_advance(&rig, 50 * RIG_MS);
	rig_tcp_expect(&t, RIG_ACK, 1, _i ? 101 : 1, 0);
	ck_assert_uint_eq(rig_moved(&rig, MR_DROP_TCP_PAWS), !_i);
}
END_TEST

/* B-64, TS-02: a segment without the agreed timestamp is taken all the same. */
START_TEST(missing_timestamp)
{
	t.ts = true;
	rig_tcp_establish_passive(&t);
	rig_tcp_push(&t, RIG_ACK, 1, 1, 100, .no_ts = true);
	rig_advance(&rig, 50 * RIG_MS);
	rig_tcp_expect(&t, RIG_ACK, 1, 101, 0);
	rig_ep_recv(t.ep, 0, 100);
}
END_TEST

/* TS-04: one that was not agreed is ignored. */
START_TEST(unwanted_timestamp)
{
	static const uint8_t opt[] = {1, 1, 8, 10, 0, 0, 0, 1, 0, 0, 0, 2};

	rig_tcp_establish_passive(&t);
	rig_tcp_push(&t, RIG_ACK, 1, 1, 100, .opts = opt, .opts_len = sizeof(opt));
	rig_advance(&rig, 50 * RIG_MS);
	rig_tcp_expect(&t, RIG_ACK, 1, 101, 0);
	rig_ep_recv(t.ep, 0, 100);
}
END_TEST

static Suite *
suite(void)
{
	Suite *s = suite_create("tcp_ts");
	TCase *tc = rig_case(s, "timestamps", tcp_setup, rig_teardown);

	tcase_add_test(tc, timestamp_echo);
	tcase_add_test(tc, paws);
	tcase_add_test(tc, paws_and_what_is_late);
	tcase_add_loop_test(tc, paws_after_a_long_silence, 0, 2);
	tcase_add_test(tc, missing_timestamp);
	tcase_add_test(tc, unwanted_timestamp);
	return s;
}

RIG_MAIN(suite)
