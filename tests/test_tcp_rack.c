/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Loss detection by time and probes for the tail of a flight (RFC 8985), and what may be sent in recovery (RFC 9937): scripted,
 * and whole stacks over bad lines in virtual time.
 *
 * Requirements by number: RK-n of RFC 8985, PR-n of RFC 9937, SK-n of RFC 6675, CC-n, R-n, B-n of the behaviour list.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "flight.h"

/* A congestion window of four segments, full, and six more that wait for it. */
static void
send_four_of_ten(void)
{
	tcp_conn(t.ep)->cc.cwnd = 4 * MSS;
	rig_ep_send(t.ep, 0, 10 * MSS);
	for (sent = 0; sent < 4; sent++)
		expect_seg(sent);
	rig_expect_none(&rig);
}

/* The peer has all before segment una, and of those beyond from..to. */
static void
sack_segs(uint32_t una, uint32_t from, uint32_t to)
{
	rig_tcp_push(&t, RIG_ACK, 1, 1 + una * MSS, 0, .n_sack = 1, .sack = {{1 + from * MSS, 1 + to * MSS}});
	rig_poll(&rig);
}

static void
ack_segs(uint32_t una)
{
	rig_tcp_push(&t, RIG_ACK, 1, 1 + una * MSS, 0);
	rig_poll(&rig);
}

/* ---- RACK */

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

/* RK-09: of what is in flight when the timer expires, the first is lost, and what is older than a round trip. */
START_TEST(timeout_takes_the_old_for_lost)
{
	struct tcp_conn *c;

	connect_100ms();
	c = tcp_conn(t.ep);
	send_segs(1);
	rig_advance(&rig, RTT);
	ack_segs(1);
	send_segs(4);
	rig_advance(&rig, 90 * RIG_MS);
	send_segs(4);
	rig_advance(&rig, _i ? 40 * RIG_MS : 5 * RIG_MS);
	c->retries = 1;
	tcp_recovery_timeout(c);
	ck_assert_uint_eq(c->sendq->lost, _i ? 4 : 1);
	ck_assert_uint_eq(c->sendq->in_flight, (_i ? 4 : 7) * MSS);
	ck_assert_uint_eq(c->cc.cwnd, MSS);
	mr_ep_abort(t.ep);
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

/* ---- TLP */

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

/* ---- PRR */

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

static Suite *
suite(void)
{
	Suite *s = suite_create("tcp_rack");
	TCase *tc = rig_case(s, "rack", flight_setup, rig_teardown);

	tcase_add_test(tc, three_sacked);
	tcase_add_test(tc, reordering_timer);
	tcase_add_test(tc, late_within_the_window);
	tcase_add_test(tc, reordering_is_remembered);
	tcase_add_test(tc, lost_retransmission);
	tcase_add_test(tc, ambiguous_ack);
	tcase_add_test(tc, window_has_grown);
	tcase_add_test(tc, least_round_trip);
	tcase_add_loop_test(tc, timeout_takes_the_old_for_lost, 0, 2);
	tcase_add_test(tc, plain_duplicates_release_nothing);
	tcase_add_test(tc, duplicates_widen_the_window);
	tcase_add_test(tc, window_is_reset);
	tc = rig_case(s, "tlp", flight_setup, rig_teardown);
	tcase_add_test(tc, probe_of_the_tail);
	tcase_add_test(tc, tail_loss);
	tcase_add_test(tc, probe_with_new_data);
	tcase_add_test(tc, probe_is_put_off);
	tcase_add_test(tc, probe_answered_by_a_duplicate);
	tcase_add_test(tc, quick_acks_are_learned);
	tcase_add_test(tc, probe_of_a_short_path);
	tcase_add_loop_test(tc, probe_does_not_wait_for_what_is_over, 0, 2);
	tcase_add_loop_test(tc, late_ack_and_lost_ack, 0, 2);
	tcase_add_loop_test(tc, probe_repairs, 0, 2);
	tc = rig_case(s, "prr", flight_setup, rig_teardown);
	tcase_add_test(tc, proportional);
	tcase_add_test(tc, partial_and_late_acks);
	tc = rig_case(s, "simulation", NULL, NULL);
	tcase_add_test(tc, reordering_without_collapse);
	return s;
}

RIG_MAIN(suite)
