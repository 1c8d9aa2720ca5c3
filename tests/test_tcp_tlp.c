/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Probes for the tail of a flight (RFC 8985 7): when they are sent, what is sent, and what the answers teach.
 *
 * Requirements by number: RK-n of RFC 8985, B-n of the behaviour list.
 */
#include "flight.h"

/* RK-10, RK-12, RK-13: two round trips after the flight its last segment goes out again; then the timer, not a probe. */
START_TEST(probe_of_the_tail)
{
	connect_100ms();
	send_segs(4);
	rig_expect_after(&rig, rig.now, 2 * RTT);
	expect_seg(3);
	rig_expect_none(&rig);
	ck_assert_uint_eq(rig_moved(&rig, MR_CNT_TCP_TAIL_PROBES), 1);
	/* RK-11: no second probe without a new sample. */
	ck_assert(rig_advance_until_frame(&rig, 10 * RIG_S));
	expect_seg(0);
	ck_assert_uint_eq(rig_moved(&rig, MR_CNT_TCP_TAIL_PROBES), 1);
	ck_assert_uint_eq(rig_moved(&rig, MR_CNT_TCP_RTO), 1);
}
END_TEST

/* RK-08, RK-10, B-70: the answer to the probe starts the recovery of what was lost before it. */
START_TEST(tail_loss)
{
	connect_100ms();
	send_segs(4);
	rig_advance(&rig, RTT);
	ack_segs(1);
	rig_expect_after(&rig, rig.now, 2 * RTT);
	expect_seg(3);
	rig_advance(&rig, RTT);
	sack_segs(1, 3, 4); /* sent two round trips after the others: they are lost */
	expect_seg(1);
	rig_expect_none(&rig);
	rig_advance(&rig, RTT);
	rig_tcp_push(&t, RIG_ACK, 1, 1 + 2 * MSS, 0, .n_sack = 1, .sack = {{1 + 3 * MSS, 1 + 4 * MSS}});
	expect_seg(2);
	ack_segs(4);
	rig_expect_none_for(&rig, RIG_S);
	ck_assert_uint_eq(rig_moved(&rig, MR_CNT_TCP_RTO), 0);
}
END_TEST

/* RK-12: new data, if there is any, whatever the congestion window. */
START_TEST(probe_with_new_data)
{
	connect_100ms();
	send_four_of_ten();
	rig_expect_after(&rig, rig.now, 2 * RTT);
	expect_seg(4);
	rig_expect_none(&rig);
	ck_assert_uint_eq(rig_moved(&rig, MR_CNT_TCP_RETRANSMITS), 0);
}
END_TEST

/* RK-10: two round trips after what was sent last, not after what the timer was set for; but no later than the timeout of what
 * was sent first. */
START_TEST(probe_is_put_off)
{
	connect_100ms();
	send_segs(4);
	rig_advance(&rig, 50 * RIG_MS);
	send_segs(1);
	rig_expect_after(&rig, rig.now, 2 * RTT);
	expect_seg(4);
	rig_expect_none(&rig);
}
END_TEST

/* RK-14: a peer without DSACK says by a duplicate ACK that it has the probe twice: nothing was lost. */
START_TEST(probe_answered_by_a_duplicate)
{
	uint32_t ssthresh;

	connect_100ms();
	send_segs(4);
	rig_expect_after(&rig, rig.now, 2 * RTT);
	expect_seg(3);
	ssthresh = tcp_conn(t.ep)->cc.ssthresh;
	rig_advance(&rig, RTT);
	ack_segs(4);
	ack_segs(4);
	send_segs(4);
	rig_advance(&rig, RTT);
	ack_segs(8);
	ck_assert_uint_eq(tcp_conn(t.ep)->cc.ssthresh, ssthresh);
}
END_TEST

/* Once the peer has answered single segments at once so many times, it is expected to: half the time after each of these. */
START_TEST(quick_acks_are_learned)
{
	connect_100ms();
	for (unsigned i = 0; i < 2 * TCP_ACK_QUICK; i++) {
		ck_assert_uint_eq(tcp_conn(t.ep)->rack.ack_delay_log2, TCP_ACK_DELAY_LOG2 - i / TCP_ACK_QUICK);
		send_segs(1);
		rig_advance(&rig, RTT);
		ack_segs(sent);
	}
	ck_assert_uint_eq(tcp_conn(t.ep)->rack.ack_delay_log2, TCP_ACK_DELAY_LOG2 - 2);
}
END_TEST

/* Where the peer holds back the ACK of a single segment for longer than two round trips, new data would be answered late: the
 * last segment goes out again. */
START_TEST(probe_of_a_short_path)
{
	connect_100ms();
	tcp_conn(t.ep)->rtt.srtt_ns = RIG_MS;
	send_four_of_ten();
	rig_expect_after(&rig, rig.now, 2 * RIG_MS);
	expect_seg(3);
	rig_expect_none(&rig);
	ck_assert_uint_eq(rig_moved(&rig, MR_CNT_TCP_TAIL_PROBES), 1);
}
END_TEST

/* RK-10: a flight of one segment waits for the peer's delayed ACK too; once another is sent, the probe does not wait for that
 * any more, but two round trips from then on. */
START_TEST(probe_does_not_wait_for_what_is_over)
{
	connect_100ms();
	send_segs(1);
	rig_advance(&rig, 10 * RIG_MS);
	if (_i) {
		send_segs(1);
		rig_expect_after(&rig, rig.now, 2 * RTT);
	} else {
		rig_expect_after(&rig, rig.now, 2 * RTT + (1u << TCP_ACK_DELAY_LOG2) - 10 * RIG_MS);
	}
	expect_seg(_i ? 1 : 0);
	rig_expect_none(&rig);
}
END_TEST

/* RK-10: a peer that is known to hold ACKs back for longer than the timeout: a single segment's probe goes out in place of the
 * timeout, and once another segment is sent neither waits any longer. */
START_TEST(probe_comes_before_the_timeout)
{
	uint64_t sent_ns;

	connect_100ms();
	tcp_conn(t.ep)->rack.ack_delay_log2 = 29;
	sent_ns = rig.now;
	send_segs(1);
	if (_i) {
		rig_advance(&rig, 10 * RIG_MS);
		send_segs(1);
		rig_expect_after(&rig, rig.now, 2 * RTT);
	} else {
		rig_expect_after(&rig, sent_ns, tcp_conn(t.ep)->rtt.rto_ns);
	}
	expect_seg(_i ? 1 : 0);
	rig_expect_none(&rig);
	ck_assert_uint_eq(rig_moved(&rig, MR_CNT_TCP_TAIL_PROBES), 1);
	ck_assert_uint_eq(rig_moved(&rig, MR_CNT_TCP_RTO), 0);
}
END_TEST

/* What the peer says to the probe of a single segment teaches how long it holds back ACKs; to that of a larger flight, for
 * which it must not, it teaches nothing: there an ACK was lost. */
START_TEST(late_ack_and_lost_ack)
{
	uint8_t before;

	connect_100ms();
	before = tcp_conn(t.ep)->rack.ack_delay_log2;
	send_segs(_i ? 2 : 1);
	rig_advance_until_frame(&rig, RIG_S);
	expect_seg(sent - 1);
	rig_advance(&rig, RTT);
	rig_tcp_push(&t, RIG_ACK, 1, 1 + sent * MSS, 0, .n_sack = 1, .sack = {{1 + (sent - 1) * MSS, 1 + sent * MSS}});
	rig_poll(&rig);
	if (_i)
		ck_assert_uint_eq(tcp_conn(t.ep)->rack.ack_delay_log2, before);
	else
		ck_assert_uint_gt(tcp_conn(t.ep)->rack.ack_delay_log2, before);
}
END_TEST

/* RK-14: a probe that repaired a loss unseen is answered by one reduction. If the peer tells of a duplicate, by none. */
START_TEST(probe_repairs)
{
	uint32_t ssthresh;

	connect_100ms();
	send_segs(4);
	rig_expect_after(&rig, rig.now, 2 * RTT);
	expect_seg(3);
	rig_advance(&rig, RTT);
	ssthresh = tcp_conn(t.ep)->cc.ssthresh;
	if (_i)
		rig_tcp_push(&t, RIG_ACK, 1, 1 + 4 * MSS, 0, .n_sack = 1, .sack = {{1 + 3 * MSS, 1 + 4 * MSS}});
	else
		ack_segs(4);
	rig_expect_none(&rig);
	send_segs(4);
	rig_advance(&rig, RTT);
	ack_segs(8);
	if (_i)
		ck_assert_uint_eq(tcp_conn(t.ep)->cc.ssthresh, ssthresh);
	else
		ck_assert_uint_lt(tcp_conn(t.ep)->cc.ssthresh, ssthresh);
}
END_TEST

static Suite *
suite(void)
{
	Suite *s = suite_create("tcp_tlp");
	TCase *tc = rig_case(s, "tlp", flight_setup, rig_teardown);

	tcase_add_test(tc, probe_of_the_tail);
	tcase_add_test(tc, tail_loss);
	tcase_add_test(tc, probe_with_new_data);
	tcase_add_test(tc, probe_is_put_off);
	tcase_add_test(tc, probe_answered_by_a_duplicate);
	tcase_add_test(tc, quick_acks_are_learned);
	tcase_add_test(tc, probe_of_a_short_path);
	tcase_add_loop_test(tc, probe_does_not_wait_for_what_is_over, 0, 2);
	tcase_add_loop_test(tc, probe_comes_before_the_timeout, 0, 2);
	tcase_add_loop_test(tc, late_ack_and_lost_ack, 0, 2);
	tcase_add_loop_test(tc, probe_repairs, 0, 2);
	return s;
}

RIG_MAIN(suite)
