/* SPDX-License-Identifier: Apache-2.0 */
/*
 * How much is sent in fast recovery (RFC 9937), and by how much the window is reduced for it.
 *
 * Requirements by number: PR-n of RFC 9937, CC-n of RFC 5681, SK-n of RFC 6675.
 */
#include "flight.h"

/* PR-01: ten in flight, one lost: what is in flight is ssthresh in the end, and one goes out for two that come in. */
START_TEST(proportional)
{
	uint32_t out = 0;

	connect_100ms();
	tcp_conn(t.ep)->cc.cwnd = 20 * MSS;
	send_segs(20);
	rig_advance(&rig, RTT);
	sack_segs(0, 1, 4);
	expect_seg(0);
	rig_ep_send(t.ep, (uint64_t)sent * MSS, 20 * MSS);
	rig_discard(&rig);
	for (uint32_t i = 5; i <= 20; i++) {
		sack_segs(0, 1, i);
		out += rig_pending(&rig);
		rig_discard(&rig);
	}
	ck_assert_uint_ge(out, 7);
	ck_assert_uint_le(out, 10);
	ck_assert_uint_eq(tcp_conn(t.ep)->cc.ssthresh, 10 * MSS);
	ck_assert_uint_le(tcp_conn(t.ep)->sendq->in_flight, 10 * MSS);
}
END_TEST

/* PR-01, SK-11: what is lost goes out segment for segment delivered; also for news in an ACK that comes late, below SND.UNA. */
START_TEST(partial_and_late_acks)
{
	connect_100ms();
	send_segs(10);
	rig_advance(&rig, RTT);
	sack_segs(0, 1, 2);
	sack_segs(0, 1, 3);
	rig_tcp_push(&t, RIG_ACK, 1, 1, 0, .n_sack = 2, .sack = {{1 + 8 * MSS, 1 + 9 * MSS}, {1 + MSS, 1 + 3 * MSS}});
	expect_seg(0);
	rig_expect_none(&rig);
	rig_advance(&rig, RTT + RTT / 5);
	sack_segs(4, 8, 9); /* the last of the flight was sent before what has arrived: it is lost, too */
	expect_seg(4);
	expect_seg(5);
	rig_expect_none(&rig);
	rig_ep_send(t.ep, (uint64_t)sent * MSS, 10 * MSS);
	rig_expect_none(&rig);
	rig_advance(&rig, 2 * RIG_MS);
	sack_segs(3, 5, 7);
	expect_seg(7);
	expect_seg(9);
	rig_expect_none(&rig);
}
END_TEST

/* PR-01: no more in flight than ssthresh already: only what is lost goes out, and the first of it in any case. */
START_TEST(pipe_at_ssthresh)
{
	connect_100ms();
	tcp_conn(t.ep)->cc.cwnd = 20 * MSS;
	send_segs(20);
	rig_advance(&rig, RTT);
	sack_segs(0, 6, 10); /* six are lost by these four: ten are left */
	expect_seg(0);
	rig_expect_none(&rig);
	ck_assert_uint_eq(tcp_conn(t.ep)->cc.ssthresh, 10 * MSS);
	ck_assert_uint_eq(tcp_conn(t.ep)->sendq->in_flight, 11 * MSS);
}
END_TEST

/* PR-01: the part that may go out is rounded up, to bytes. */
START_TEST(part_is_rounded_up)
{
	const struct tcp_conn *c;

	connect_100ms();
	ck_assert_int_eq(mr_ep_setopt(t.ep, MR_OPT_TCP_NODELAY, 1), 0);
	tcp_conn(t.ep)->cc.cwnd = 20 * MSS;
	send_segs(19);
	ck_assert_int_eq(rig_ep_send(t.ep, 19 * MSS, 101), 101);
	rig_tcp_expect(&t, RIG_ACK, 1 + 19 * MSS, 1, 101);
	rig_advance(&rig, RTT);
	sack_segs(0, 1, 4);
	expect_seg(0);
	c = tcp_conn(t.ep);
	ck_assert_uint_eq(c->sendq->repair.recover_fs, 19 * MSS + 101);
	ck_assert_uint_eq(c->cc.ssthresh, (19 * MSS + 101) / 2);
	/* 3 segments of 27,841 bytes, of which half (13,920) may stay: 2189.96 */
	ck_assert_uint_eq(c->cc.cwnd, 15 * MSS + 101 + 2190);
}
END_TEST

/* CC-09: half of what is in flight, and of no more than the window lets be. */
START_TEST(reduction)
{
	connect_100ms();
	send_segs(_i ? 10 : 8);
	if (_i)
		tcp_conn(t.ep)->cc.cwnd = 8 * MSS;
	rig_advance(&rig, RTT);
	sack_segs(0, 1, 4);
	expect_seg(0);
	ck_assert_uint_eq(tcp_conn(t.ep)->cc.ssthresh, 4 * MSS);
	rig_discard(&rig);
}
END_TEST

static Suite *
suite(void)
{
	Suite *s = suite_create("tcp_prr");
	TCase *tc = rig_case(s, "prr", flight_setup, rig_teardown);

	tcase_add_test(tc, proportional);
	tcase_add_test(tc, pipe_at_ssthresh);
	tcase_add_test(tc, part_is_rounded_up);
	tcase_add_test(tc, partial_and_late_acks);
	tcase_add_loop_test(tc, reduction, 0, 2);
	return s;
}

RIG_MAIN(suite)
