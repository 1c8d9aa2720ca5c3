/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Loss detection by time (RFC 8985 6): scripted, and whole stacks over a line that reorders. The probes for the tail of a
 * flight: test_tcp_tlp; what may be sent in recovery: test_tcp_prr.
 *
 * Requirements by number: RK-n of RFC 8985, SK-n of RFC 6675, CC-n, R-n, B-n of the behaviour list.
 */
#include <stdio.h>

#include "flight.h"

/* RK-06, CC-12: three segments SACKED and no reordering seen: at once. */
START_TEST(three_sacked)
{
	connect_100ms();
	send_segs(4);
	rig_advance(&rig, RTT);
	sack_segs(0, 1, 2);
	sack_segs(0, 1, 3);
	rig_expect_none(&rig);
	sack_segs(0, 1, 4);
	expect_seg(0);
	rig_expect_none(&rig);
	ck_assert_uint_eq(rig_moved(&rig, MR_CNT_TCP_FAST_RETRANSMITS), 1);
	ack_segs(4);
	rig_expect_none_for(&rig, RIG_S);
	ck_assert_uint_eq(rig_moved(&rig, MR_CNT_TCP_RTO), 0);
}
END_TEST

/* RK-06, RK-07: fewer: after a quarter of the least round trip, by the reordering timer. */
START_TEST(reordering_timer)
{
	connect_100ms();
	send_segs(10);
	rig_advance(&rig, RTT);
	sack_segs(0, 7, 8);
	rig_expect_none(&rig);
	rig_expect_after(&rig, rig.now, RTT / 4);
	expect_seg(0); /* PRR: one for a start */
	rig_expect_none(&rig);
	ck_assert_uint_eq(rig_moved(&rig, MR_CNT_TCP_FAST_RETRANSMITS), 1);
	/* Another delivered, another sent; until what is in flight is half of what was. */
	rig_advance(&rig, 2 * RIG_MS);
	for (uint32_t i = 1; i < 3; i++) {
		sack_segs(0, 7 - i, 8 - i);
		expect_seg(i);
		rig_expect_none(&rig);
	}
	ck_assert_uint_eq(tcp_conn(t.ep)->sendq->in_flight, 5 * MSS);
	sack_segs(0, 4, 5);
	rig_expect_none(&rig);
	ck_assert_uint_eq(tcp_conn(t.ep)->cc.ssthresh, 5 * MSS);
}
END_TEST

/* B-70: what is only late within the window starts nothing. */
START_TEST(late_within_the_window)
{
	connect_100ms();
	send_segs(4);
	rig_advance(&rig, RTT);
	sack_segs(0, 1, 2);
	rig_advance(&rig, RTT / 5);
	ack_segs(2);
	rig_expect_none(&rig);
	ack_segs(4);
	rig_expect_none_for(&rig, RIG_S);
	ck_assert_uint_eq(rig_moved(&rig, MR_CNT_TCP_RETRANSMITS), 0);
	ck_assert_uint_eq(rig_moved(&rig, MR_CNT_TCP_FAST_RETRANSMITS), 0);
}
END_TEST

/* RK-06: once reordering is known, three SACKED are no proof any more. */
START_TEST(reordering_is_remembered)
{
	connect_100ms();
	send_segs(4);
	rig_advance(&rig, RTT);
	sack_segs(0, 1, 2);
	ack_segs(4); /* the first came after the second */
	send_segs(6);
	rig_advance(&rig, RTT);
	sack_segs(4, 5, 10);
	rig_expect_none(&rig);
	rig_expect_after(&rig, rig.now, RTT / 4);
	expect_seg(4);
}
END_TEST

/* Where the network reorders, what is sent again must not come with a timestamp that makes the peer refuse what is late (PAWS):
 * it has one of three quarters of a round trip before, and still one that tells it from the first transmission (RFC 3522). */
START_TEST(timestamps_of_what_is_sent_again)
{
	uint32_t first, clock;

	t.ts = true;
	connect_100ms();
	rig_ep_send(t.ep, 0, 6 * mss);
	first = rig_tcp_expect(&t, RIG_ACK, 1, 1, mss)->tsval;
	for (uint32_t i = 1; i < 6; i++)
		expect_seg(i);
	tcp_conn(t.ep)->rack.flags |= _i ? TCP_REC_REORDERED : 0;
	rig_advance(&rig, RTT);
	rig_tcp_push(&t, RIG_ACK, 1, 1, 0, .n_sack = 1, .sack = {{1 + mss, 1 + 6 * mss}});
	ck_assert(rig_advance_until_frame(&rig, RIG_S));
	clock = tcp_ts_now(tcp_of(rig.stack), tcp_conn(t.ep)->ts_offset);
	ck_assert_uint_eq(rig_tcp_expect(&t, RIG_ACK, 1, 1, mss)->tsval, clock - (_i ? RTT / RIG_MS * 3 / 4 : 0));
	ck_assert_uint_eq(tcp_conn(t.ep)->flags & TCP_F_RECOVERY, TCP_F_RECOVERY);
	/* Which of the two has arrived? */
	rig_tcp_push(&t, RIG_ACK, 1, 1 + 6 * mss, 0, .tsecr = _i == 2 ? first : clock - (_i ? RTT / RIG_MS * 3 / 4 : 0));
	rig_poll(&rig);
	ck_assert_uint_eq(rig_moved(&rig, MR_CNT_TCP_RECOVERIES_UNDONE), _i == 2);
}
END_TEST

/* CC-14, RK-02: a retransmission that is lost is seen by the segments sent after it, and is a second sign of congestion. */
START_TEST(lost_retransmission)
{
	uint32_t ssthresh;

	connect_100ms();
	send_segs(10);
	rig_advance(&rig, RTT);
	sack_segs(0, 1, 6);
	expect_seg(0);
	ssthresh = tcp_conn(t.ep)->cc.ssthresh;
	rig_ep_send(t.ep, (uint64_t)sent * MSS, 20 * MSS);
	rig_advance(&rig, 10 * RIG_MS);
	sack_segs(0, 1, 10);
	while (rig_pending(&rig) > 0)
		expect_seg(sent++);
	ck_assert_uint_gt(sent, 10);
	/* New data, sent 10 ms after the retransmission, is there; the retransmission is not. */
	rig_advance(&rig, RTT);
	sack_segs(0, 10, sent);
	expect_seg(0);
	ck_assert_uint_eq(tcp_conn(t.ep)->cc.ssthresh, ssthresh / 2);
	ck_assert_uint_eq(rig_moved(&rig, MR_CNT_TCP_RTO), 0);
	rig_discard(&rig);
}
END_TEST

/* CC-14: lowered twice is from where the first time has led to; not from the little that is in flight when most was lost. */
START_TEST(lost_retransmission_of_many)
{
	connect_100ms();
	tcp_conn(t.ep)->cc.cwnd = 20 * MSS;
	send_segs(20);
	rig_advance(&rig, RTT);
	sack_segs(0, 16, 20);
	for (uint32_t i = 0; i < 4; i++)
		expect_seg(i);
	rig_expect_none(&rig);
	ck_assert_uint_eq(tcp_conn(t.ep)->cc.ssthresh, 10 * MSS);
	rig_advance(&rig, RTT);
	sack_segs(0, 1, 4);
	expect_seg(0);
	ck_assert_uint_eq(tcp_conn(t.ep)->cc.ssthresh, 5 * MSS);
	rig_discard(&rig);
}
END_TEST

/* CC-14: also of a recovery that no news but the time has begun: nothing was delivered between its begin and what it sends. */
START_TEST(lost_retransmission_after_the_timer)
{
	uint32_t ssthresh;

	connect_100ms();
	send_segs(10);
	rig_advance(&rig, RTT);
	sack_segs(0, 7, 8);
	rig_expect_none(&rig);
	rig_expect_after(&rig, rig.now, RTT / 4);
	expect_seg(0);
	ssthresh = tcp_conn(t.ep)->cc.ssthresh;
	rig_advance(&rig, 2 * RIG_MS);
	sack_segs(0, 7, 9);
	expect_seg(1);
	rig_advance(&rig, RTT + RIG_MS);
	sack_segs(0, 1, 2); /* sent after the first, and there */
	expect_seg(0);
	ck_assert_uint_lt(tcp_conn(t.ep)->cc.ssthresh, ssthresh);
	ck_assert_uint_eq(rig_moved(&rig, MR_CNT_TCP_RTO), 0);
	rig_discard(&rig);
}
END_TEST

static void
dsack_seg(uint32_t una, uint32_t i)
{
	rig_tcp_push(&t, RIG_ACK, 1, 1 + una * MSS, 0, .n_sack = 1, .sack = {{1 + i * MSS, 1 + (i + 1) * MSS}});
	rig_poll(&rig);
}

/* RK-06, SK-08: each round trip with news of a duplicate makes the window for reordering larger by a quarter of the round
 * trip; a duplicate may also be told of by a first block within the second. */
START_TEST(duplicates_widen_the_window)
{
	const struct tcp_rack *r;

	connect_100ms();
	r = &tcp_conn(t.ep)->rack;
	send_segs(8);
	rig_advance(&rig, RTT);
	dsack_seg(2, 0);
	ck_assert_uint_eq(r->reo_mult, 1);
	dsack_seg(2, 1); /* of the same round */
	ck_assert_uint_eq(r->reo_mult, 1);
	dsack_seg(8, 2); /* the round is over exactly now */
	ck_assert_uint_eq(r->reo_mult, 2);
	send_segs(8);
	rig_advance(&rig, RTT);
	rig_tcp_push(&t, RIG_ACK, 1, 1 + 8 * MSS, 0, .n_sack = 2,
	             .sack = {{1 + 10 * MSS, 1 + 11 * MSS}, {1 + 10 * MSS, 1 + 12 * MSS}});
	rig_poll(&rig);
	ck_assert_uint_eq(r->reo_mult, 3);
	rig_discard(&rig);
}
END_TEST

/* RK-06: sixteen recoveries later it is as it was. */
START_TEST(window_is_reset)
{
	struct tcp_conn *c;

	connect_100ms();
	c = tcp_conn(t.ep);
	tcp_rack_reordered(c);
	tcp_rack_reordered(c);
	for (unsigned i = 0; i < 15; i++)
		tcp_rack_recovered(c);
	ck_assert_uint_eq(c->rack.reo_mult, 2);
	tcp_rack_recovered(c);
	ck_assert_uint_eq(c->rack.reo_mult, 0);
}
END_TEST

/* RK-05: after 2 ms, of a round trip of 100, an ACK cannot be of the retransmission: nothing else is lost by it. */
START_TEST(ambiguous_ack)
{
	connect_100ms();
	send_segs(8);
	rig_advance(&rig, RTT);
	sack_segs(0, 1, 4);
	expect_seg(0);
	rig_expect_none(&rig);
	rig_advance(&rig, 2 * RIG_MS);
	ack_segs(4);
	rig_expect_none_for(&rig, RTT / 5);
	ck_assert_uint_ge(tcp_conn(t.ep)->rack.rtt_ns, RTT);
	ck_assert_uint_eq(rig_moved(&rig, MR_CNT_TCP_RETRANSMITS), 1);
	rig_discard(&rig);
}
END_TEST

/* RK-06: by the peer's telling: half of the least round trip instead of a quarter. */
START_TEST(window_has_grown)
{
	connect_100ms();
	tcp_conn(t.ep)->rack.reo_mult = 1;
	tcp_conn(t.ep)->rack.reo_persist = 16;
	send_segs(4);
	rig_advance(&rig, RTT);
	sack_segs(0, 1, 2);
	rig_expect_none(&rig);
	rig_expect_after(&rig, rig.now, RTT / 2);
	expect_seg(0);
}
END_TEST

/* RK-04: the least round trip is that of the last minutes. */
START_TEST(least_round_trip)
{
	struct tcp_rack r = {0};
	uint64_t now = 1000 * RIG_S;

	tcp_rack_min_rtt(&r, 20 * RIG_MS, now);
	tcp_rack_min_rtt(&r, 30 * RIG_MS, now + RIG_S);
	ck_assert_uint_eq(r.min_rtt_ns, 20 * RIG_MS);
	tcp_rack_min_rtt(&r, 10 * RIG_MS, now += 2 * RIG_S);
	ck_assert_uint_eq(r.min_rtt_ns, 10 * RIG_MS);
	tcp_rack_min_rtt(&r, 30 * RIG_MS, now + 290 * RIG_S);
	ck_assert_uint_eq(r.min_rtt_ns, 10 * RIG_MS);
	tcp_rack_min_rtt(&r, 30 * RIG_MS, now + 310 * RIG_S);
	ck_assert_uint_eq(r.min_rtt_ns, 30 * RIG_MS);
}
END_TEST

/* RK-09: of what is in flight when the timer expires, the first is lost, and what is older than a round trip and the
 * window for reordering, a quarter of it. */
START_TEST(timeout_takes_the_old_for_lost)
{
	static const struct {
		uint64_t later_ns; /* than the newer four, which left 90 ms after the older */
		unsigned lost;
	} when[] = {{5 * RIG_MS, 1}, {35 * RIG_MS - 1, 1}, {35 * RIG_MS, 4}, {40 * RIG_MS, 4}};
	struct tcp_conn *c;

	connect_100ms();
	c = tcp_conn(t.ep);
	send_segs(1);
	rig_advance(&rig, RTT);
	ack_segs(1);
	send_segs(4);
	rig_advance(&rig, 90 * RIG_MS);
	send_segs(4);
	rig_advance(&rig, when[_i].later_ns);
	c->retries = 1;
	tcp_recovery_timeout(c);
	ck_assert_uint_eq(c->sendq->lost, when[_i].lost);
	ck_assert_uint_eq(c->sendq->in_flight, (8 - when[_i].lost) * MSS);
	ck_assert_uint_eq(c->cc.cwnd, MSS);
	mr_ep_abort(t.ep);
	rig_discard(&rig);
}
END_TEST

/* RFC 6675 5.1: a timeout is over when all that was sent by then is acknowledged: losses of what is sent later are another
 * matter. */
START_TEST(recovery_of_a_timeout_ends)
{
	connect_100ms();
	send_segs(4);
	while (rig_moved(&rig, MR_CNT_TCP_RTO) == 0) {
		ck_assert(rig_advance_until_frame(&rig, 10 * RIG_S));
		rig_discard(&rig);
	}
	rig_advance(&rig, RTT);
	ack_segs(4);
	ck_assert(!(tcp_conn(t.ep)->flags & TCP_F_RTO_RECOVERY));
	tcp_conn(t.ep)->cc.cwnd = 10 * MSS;
	send_segs(6);
	rig_advance(&rig, RTT);
	sack_segs(4, 5, 8);
	expect_seg(4);
	ck_assert_uint_eq(rig_moved(&rig, MR_CNT_TCP_FAST_RETRANSMITS), 1);
	rig_discard(&rig);
}
END_TEST

/* CC-20: a duplicate ACK that brings no SACK block tells of nothing that has left the network: nothing may follow it. CC-19:
 * one that brings one lets one out, and cwnd is what it was. */
START_TEST(plain_duplicates_release_nothing)
{
	connect_100ms();
	send_four_of_ten();
	rig_advance(&rig, RTT);
	for (int i = 0; i < 6; i++) {
		ack_segs(0);
		rig_expect_none(&rig);
	}
	sack_segs(0, 1, 2);
	expect_seg(4);
	rig_expect_none(&rig);
	ck_assert_uint_eq(rig_moved(&rig, MR_CNT_TCP_FAST_RETRANSMITS), 0);
}
END_TEST

/* ---- whole stacks */

struct outcome {
	struct rig_bulk_result r;
	uint64_t rto, probes, undone, retransmits;
};

static struct outcome
transfer(const struct mr_impair_cfg line[2], uint64_t seed, const struct rig_bulk_opts *b)
{
	struct rig_duo_opts o = {
		.impair = {&line[0], &line[1]},
		.stack = {{.seed = seed, .rx_mbufs = 2048, .tx_mbufs = 2048}, {.seed = seed + 1, .rx_mbufs = 2048, .tx_mbufs = 2048}},
		.neigh = true,
	};
	struct outcome out = {0};
	struct rig_duo d;

	rig_duo_init(&d, &o);
	out.r = rig_duo_bulk(&d, b);
	for (unsigned i = 0; i < 2; i++) {
		out.rto += mr_stack_counter(d.end[i].stack, MR_CNT_TCP_RTO);
		out.probes += mr_stack_counter(d.end[i].stack, MR_CNT_TCP_TAIL_PROBES);
		out.undone += mr_stack_counter(d.end[i].stack, MR_CNT_TCP_RECOVERIES_UNDONE);
		out.retransmits += mr_stack_counter(d.end[i].stack, MR_CNT_TCP_RETRANSMITS);
	}
	rig_duo_fini(&d);
	return out;
}

/* B-70: a quarter of the segments arrives late; hardly any goes out again and the window does not collapse. */
START_TEST(reordering_without_collapse)
{
	struct mr_impair_cfg line[2] = {
		{.seed = 20, .reorder_ppm = 250000, .reorder_ns = 3 * RIG_MS, .delay_ns = 5 * RIG_MS, .rate_bps = 1000000000},
		{.seed = 21, .delay_ns = 5 * RIG_MS, .rate_bps = 1000000000}};
	struct rig_bulk_opts b = {.bytes = {16 << 20, 0}, .deadline_ns = 100 * RIG_S};
	struct outcome out = transfer(line, 7, &b);
	double mbits = out.r.bytes * 8e3 / out.r.duration_ns;

	printf("25 %% reordered by 3 of 10 ms: %.0f Mbit/s, %llu resent, %llu timeouts, %llu undone\n", mbits,
	       (unsigned long long)out.retransmits, (unsigned long long)out.rto, (unsigned long long)out.undone);
	ck_assert(out.r.done);
	ck_assert_uint_eq(out.rto, 0);
	ck_assert(mbits > 150);
}
END_TEST

static Suite *
suite(void)
{
	Suite *s = suite_create("tcp_rack");
	TCase *tc = rig_case(s, "rack", flight_setup, rig_teardown);

	tcase_add_test(tc, three_sacked);
	tcase_add_test(tc, reordering_timer);
	tcase_add_test(tc, late_within_the_window);
	tcase_add_test(tc, reordering_is_remembered);
	tcase_add_loop_test(tc, timestamps_of_what_is_sent_again, 0, 3);
	tcase_add_test(tc, lost_retransmission);
	tcase_add_test(tc, lost_retransmission_of_many);
	tcase_add_test(tc, lost_retransmission_after_the_timer);
	tcase_add_test(tc, ambiguous_ack);
	tcase_add_test(tc, window_has_grown);
	tcase_add_test(tc, least_round_trip);
	tcase_add_loop_test(tc, timeout_takes_the_old_for_lost, 0, 4);
	tcase_add_test(tc, recovery_of_a_timeout_ends);
	tcase_add_test(tc, plain_duplicates_release_nothing);
	tcase_add_test(tc, duplicates_widen_the_window);
	tcase_add_test(tc, window_is_reset);
	tc = rig_case(s, "simulation", NULL, NULL);
	tcase_add_test(tc, reordering_without_collapse);
	return s;
}

RIG_MAIN(suite)
