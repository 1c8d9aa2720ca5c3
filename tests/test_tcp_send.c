/* SPDX-License-Identifier: Apache-2.0 */
/*
 * TCP data that is sent: the peer's window, probes of a closed one, silly windows, Nagle, segment sizes. Received data:
 * test_tcp_data.c.
 *
 * Requirements by number: MUST-n, SHLD-n of RFC 9293 and its companions, B-n of the behaviour list.
 */
#include "rig/fixture.h"

#include <rte_common.h>
#include <rte_mbuf.h>

#include "stack/stack.h"

/* ---- the peer's window */

/* MUST-36, MUST-37, SHLD-29, SHLD-30, B-60: probes with doubling intervals, no end while they are answered. */
START_TEST(persist_probes)
{
	uint64_t last, gap, before = 0;

	rig_tcp_establish_passive(&t);
	rig_tcp_push(&t, RIG_ACK, 1, 1, 0, .zero_wnd = true);
	rig_ep_send(t.ep, 0, 100);
	rig_expect_none(&rig);
	last = rig.now;
	for (unsigned i = 0; i < 25; i++) {
		ck_assert(rig_advance_until_frame(&rig, 130 * RIG_S));
		gap = rig.now - last;
		last = rig.now;
		rig_tcp_expect(&t, RIG_ACK, 0, 1, 0);
		ck_assert_uint_le(gap, 121 * RIG_S);
		if (i == 0)
			ck_assert(gap >= 200 * RIG_MS && gap <= 210 * RIG_MS);
		else if (gap < 119 * RIG_S)
			ck_assert_msg(gap + 5 * RIG_MS >= 2 * before && gap <= 2 * before + 5 * RIG_MS, "probe %u", i);
		before = gap;
		rig_tcp_push(&t, RIG_ACK, 1, 1, 0, .zero_wnd = true);
	}
	ck_assert_uint_eq(rig_moved(&rig, MR_CNT_TCP_ZERO_WINDOW_PROBES), 25);
	rig_tcp_push(&t, RIG_ACK, 1, 1, 0);
	rig_tcp_expect(&t, RIG_ACK, 1, 1, 100, .pattern = true);
	rig_tcp_push(&t, RIG_ACK, 1, 101, 0);
	rig_expect_none_for(&rig, 300 * RIG_S);
}
END_TEST

/* CC-01: never more than the window; T93-08: an old segment does not set it. */
START_TEST(peer_window_is_kept)
{
	t.ws = -1;
	rig_tcp_establish_passive(&t);
	rig_tcp_push(&t, RIG_ACK, 1, 1, 10, .wnd = 3000);
	rig_poll(&rig);
	rig_ep_send(t.ep, 0, 10000);
	rig_tcp_expect(&t, RIG_ACK, 1, 11, 1460, .pattern = true);
	rig_tcp_expect(&t, RIG_ACK, 1461, 11, 1460, .pattern = true);
	rig_expect_none(&rig);
	rig_tcp_push(&t, RIG_ACK, 1, 1, 10, .wnd = 60000); /* older */
	rig_tcp_expect(&t, RIG_ACK, 2921, 11, 0);
	rig_expect_none(&rig);
	rig_tcp_push(&t, RIG_ACK, 11, 2921, 0, .wnd = 1460);
	rig_tcp_expect(&t, RIG_ACK, 2921, 11, 1460, .pattern = true);
	rig_expect_none(&rig);
}
END_TEST

/* MUST-34, B-60: the peer takes its window back: nothing new, and the connection lives. */
START_TEST(peer_shrinks_window)
{
	t.ws = -1;
	rig_tcp_establish_passive(&t);
	rig_ep_send(t.ep, 0, 8760);
	rig_poll(&rig);
	rig_discard(&rig);
	rig_tcp_push(&t, RIG_ACK, 1, 1461, 0, .wnd = 100);
	rig_expect_none(&rig);
	rig_tcp_push(&t, RIG_ACK, 1, 8761, 0, .wnd = 100);
	rig_expect_none(&rig);
	rig_ep_send(t.ep, 8760, 50);
	rig_tcp_expect(&t, RIG_ACK, 8761, 1, 50, .pattern = true);
}
END_TEST

/* MUST-35, SHLD-15 to SHLD-17, MAY-7: the window is taken back behind what is in flight, all of it or but for a segment.
 * Nothing new goes out; the first segment goes again by the timer, for ever, as long as the peer answers. */
START_TEST(peer_shrinks_window_below_the_flight)
{
	uint16_t wnd = _i ? 1460 : 0;
	uint32_t una = 1461;

	t.ws = -1;
	rig_tcp_establish_passive(&t);
	rig_ep_send(t.ep, 0, 8760);
	rig_poll(&rig);
	rig_discard(&rig);
	rig_tcp_push(&t, RIG_ACK, 1, una, 0, .wnd = wnd, .zero_wnd = !wnd);
	rig_ep_send(t.ep, 8760, 1460);
	rig_expect_none(&rig);
	for (unsigned i = 0; i < (wnd ? 5 : 30); i++) {
		const struct rig_frame *f;

		ck_assert(rig_advance_until_frame(&rig, 121 * RIG_S));
		while ((f = rig_next(&rig)))
			ck_assert_uint_lt(rig_tcp_seq(&t, f), 8761);
		una += wnd;
		rig_tcp_push(&t, RIG_ACK, 1, una, 0, .wnd = wnd, .zero_wnd = !wnd);
	}
	ck_assert_int_eq(rig_tcp_state(t.ep), MR_TCP_ESTABLISHED);
	if (!wnd)
		rig_tcp_push(&t, RIG_ACK, 1, 8761, 0);
	rig_tcp_expect(&t, RIG_ACK, 8761, 1, 1460, .pattern = true);
}
END_TEST

/* MUST-38: silly windows are not filled, until the probe forces what fits. */
START_TEST(sender_avoids_silly_windows)
{
	t.ws = -1;
	rig_tcp_establish_passive(&t);
	rig_tcp_push(&t, RIG_ACK, 1, 1, 0, .wnd = 300);
	rig_ep_send(t.ep, 0, 1000);
	rig_expect_none(&rig);
	ck_assert(rig_advance_until_frame(&rig, 3 * RIG_S));
	rig_tcp_expect(&t, RIG_ACK, 1, 1, 300, .pattern = true);
}
END_TEST

/* ---- sending */

/* SHLD-7, MUST-17, MUST-60, MUST-61, B-63. */
START_TEST(nagle)
{
	rig_tcp_establish_passive(&t);
	rig_ep_send(t.ep, 0, 10);
	rig_tcp_expect(&t, RIG_ACK | RIG_PSH, 1, 1, 10, .exact = true, .pattern = true);
	rig_ep_send(t.ep, 10, 10);
	rig_expect_none(&rig);
	rig_ep_send(t.ep, 20, 10);
	rig_expect_none(&rig);
	rig_ep_send(t.ep, 30, 1440);
	rig_tcp_expect(&t, RIG_ACK, 11, 1, 1460, .pattern = true); /* a full one waits for nothing */
	rig_expect_none(&rig);
	rig_ep_send(t.ep, 1470, 5);
	rig_expect_none(&rig);
	rig_tcp_push(&t, RIG_ACK, 1, 1471, 0);
	rig_tcp_expect(&t, RIG_ACK | RIG_PSH, 1471, 1, 5, .exact = true, .pattern = true);
}
END_TEST

/* RFC 9293 A.3: full segments in flight delay nothing, so the end of a long write goes with it. */
START_TEST(nagle_end_of_a_long_write)
{
	rig_tcp_establish_passive(&t);
	rig_ep_send(t.ep, 0, 1500);
	rig_tcp_expect(&t, RIG_ACK, 1, 1, 1460, .pattern = true);
	rig_tcp_expect(&t, RIG_ACK, 1461, 1, 40, .pattern = true);
	rig_ep_send(t.ep, 1500, 10);
	rig_expect_none(&rig);
	rig_tcp_push(&t, RIG_ACK, 1, 1461, 0);
	rig_expect_none(&rig);
	rig_tcp_push(&t, RIG_ACK, 1, 1501, 0);
	rig_tcp_expect(&t, RIG_ACK, 1501, 1, 10, .pattern = true);
}
END_TEST

START_TEST(nodelay)
{
	rig_tcp_establish_passive(&t);
	rig_ep_send(t.ep, 0, 10);
	rig_tcp_expect(&t, RIG_ACK, 1, 1, 10);
	rig_ep_send(t.ep, 10, 10);
	rig_expect_none(&rig);
	ck_assert_int_eq(mr_ep_setopt(t.ep, MR_OPT_TCP_NODELAY, 1), 0);
	rig_tcp_expect(&t, RIG_ACK, 11, 1, 10, .pattern = true);
	rig_ep_send(t.ep, 20, 10);
	rig_tcp_expect(&t, RIG_ACK, 21, 1, 10, .pattern = true);
}
END_TEST

/* B-63: corked, only full segments go; uncorking and closing flush. */
START_TEST(cork)
{
	rig_tcp_establish_passive(&t);
	ck_assert_int_eq(mr_ep_setopt(t.ep, MR_OPT_TCP_CORK, 1), 0);
	rig_ep_send(t.ep, 0, 1500);
	rig_tcp_expect(&t, RIG_ACK, 1, 1, 1460, .pattern = true);
	rig_expect_none(&rig);
	rig_tcp_push(&t, RIG_ACK, 1, 1461, 0);
	rig_expect_none(&rig);
	if (_i) {
		mr_ep_close(t.ep);
		rig_tcp_expect(&t, RIG_ACK | RIG_FIN, 1461, 1, 40, .pattern = true);
		return;
	}
	ck_assert_int_eq(mr_ep_setopt(t.ep, MR_OPT_TCP_CORK, 0), 0);
	rig_tcp_expect(&t, RIG_ACK, 1461, 1, 40, .pattern = true);
}
END_TEST

/* MUST-16, SHLD-28, B-61: segments of the peer's MSS less the options; a tiny offer is raised. */
START_TEST(segment_size)
{
	static const struct {
		uint16_t mss;
		bool ts;
		uint32_t len;
	} c[] = {{1000, false, 1000}, {1000, true, 988}, {9000, false, 1460}, {9000, true, 1448}, {1, false, 48}};

	t.mss = c[_i].mss;
	t.ts = c[_i].ts;
	rig_tcp_establish_passive(&t);
	rig_ep_send(t.ep, 0, 3 * c[_i].len);
	for (uint32_t i = 0; i < 3; i++)
		rig_tcp_expect(&t, RIG_ACK, 1 + i * c[_i].len, 1, c[_i].len, .pattern = true);
	rig_expect_none(&rig);
}
END_TEST

START_TEST(user_mss)
{
	int64_t mss;

	rig_tcp_listen(&t, 4);
	ck_assert_int_eq(mr_ep_setopt(t.listener, MR_OPT_TCP_MAXSEG, 700), 0);
	rig_tcp_establish_passive(&t);
	ck_assert_uint_eq(t.stack_mss, 700);
	ck_assert_int_eq(mr_ep_getopt(t.ep, MR_OPT_TCP_MAXSEG, &mss), 0);
	ck_assert_int_eq(mss, 700);
	rig_ep_send(t.ep, 0, 1400);
	rig_tcp_expect(&t, RIG_ACK, 1, 1, 700);
	rig_tcp_expect(&t, RIG_ACK, 701, 1, 700);
}
END_TEST

static Suite *
suite(void)
{
	Suite *s = suite_create("tcp_send");
	TCase *tc = rig_case(s, "sending", tcp_setup, rig_teardown);

	tcase_add_test(tc, persist_probes);
	tcase_add_test(tc, peer_window_is_kept);
	tcase_add_test(tc, peer_shrinks_window);
	tcase_add_loop_test(tc, peer_shrinks_window_below_the_flight, 0, 2);
	tcase_add_test(tc, sender_avoids_silly_windows);
	tcase_add_test(tc, nagle);
	tcase_add_test(tc, nagle_end_of_a_long_write);
	tcase_add_test(tc, nodelay);
	tcase_add_loop_test(tc, cork, 0, 2);
	tcase_add_loop_test(tc, segment_size, 0, 5);
	tcase_add_test(tc, user_mss);
	return s;
}

RIG_MAIN(suite)
