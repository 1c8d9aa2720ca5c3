/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Recoveries that were not needed: by timestamps (Eifel, RFC 3522), by duplicates that the peer tells of (RFC 3708), after a
 * timeout by what comes back to new data (F-RTO, RFC 5682). The window is again what it was, and nothing more goes out twice.
 *
 * Requirements by number: CU-09, B-70, SK-n.
 */
#include <string.h>

#include "flight.h"

static void
connect_with(bool ts, bool sack)
{
	t.ts = ts;
	t.sack = sack;
	connect_100ms();
}

static void
ack_echo(uint32_t una, uint32_t tsecr)
{
	rig_tcp_push(&t, RIG_ACK, 1, 1 + una * mss, 0, .tsecr = tsecr);
	rig_poll(&rig);
}

static uint32_t
cwnd(void)
{
	return tcp_conn(t.ep)->cc.cwnd;
}

/* CU-09, RFC 3522: the ACK echoes a timestamp older than the retransmission: the first had arrived. */
START_TEST(eifel)
{
	uint32_t before, ts;

	connect_with(true, true);
	before = cwnd();
	send_segs(8);
	ts = t.tsecr;
	rig_advance(&rig, RTT);
	rig_tcp_push(&t, RIG_ACK, 1, 1, 0, .tsecr = ts, .n_sack = 1, .sack = {{1 + mss, 1 + 4 * mss}});
	expect_seg(0);
	ck_assert_uint_lt(tcp_conn(t.ep)->cc.ssthresh, before);
	rig_advance(&rig, 2 * RIG_MS);
	ack_echo(4, ts);
	ck_assert_uint_ge(cwnd(), before);
	ck_assert_uint_gt(tcp_conn(t.ep)->cc.ssthresh, before);
	ck_assert_uint_eq(rig_moved(&rig, MR_CNT_TCP_RECOVERIES_UNDONE), 1);
	ack_echo(8, ts);
	rig_expect_none_for(&rig, RIG_S);
	ck_assert_uint_eq(rig_moved(&rig, MR_CNT_TCP_RETRANSMITS), 1);
}
END_TEST

/* CU-09, RFC 3708, B-70: without timestamps: the peer tells that it has the retransmission twice. */
START_TEST(dsack)
{
	uint32_t before;

	connect_with(false, true);
	before = cwnd();
	send_segs(8);
	rig_advance(&rig, RTT);
	rig_tcp_push(&t, RIG_ACK, 1, 1, 0, .n_sack = 1, .sack = {{1 + mss, 1 + 4 * mss}});
	expect_seg(0);
	rig_advance(&rig, 2 * RIG_MS);
	ack_echo(8, 0);
	ck_assert_uint_eq(rig_moved(&rig, MR_CNT_TCP_RECOVERIES_UNDONE), 0);
	rig_tcp_push(&t, RIG_ACK, 1, 1 + 8 * mss, 0, .n_sack = 1, .sack = {{1, 1 + mss}});
	rig_poll(&rig);
	ck_assert_uint_eq(rig_moved(&rig, MR_CNT_TCP_RECOVERIES_UNDONE), 1);
	ck_assert_uint_ge(cwnd(), before);
}
END_TEST

/* The same from an ACK that a later one has overtaken, as its timestamp shows; if it is not older than a timeout (PW-01). What
 * else it tells, the later one has told. */
START_TEST(dsack_overtaken)
{
	uint32_t before, ts, late_ms, wnd;

	connect_with(true, true);
	before = cwnd();
	send_segs(8);
	rig_advance(&rig, RTT);
	rig_tcp_push(&t, RIG_ACK, 1, 1, 0, .n_sack = 1, .sack = {{1 + mss, 1 + 4 * mss}});
	ts = rig_tcp_expect(&t, RIG_ACK, 1, 1, mss, .pattern = true)->tsval;
	rig_advance(&rig, 2 * RIG_MS);
	rig_tcp_push(&t, RIG_ACK, 1, 1 + 4 * mss, 0, .tsecr = ts, .tsval = t.tsval + 10000);
	rig_poll(&rig);
	late_ms = (uint32_t)(tcp_conn(t.ep)->rtt.rto_ns / RIG_MS) + (_i ? 1 : 0);
	ck_assert_uint_eq(rig_moved(&rig, MR_CNT_TCP_RECOVERIES_UNDONE), 0);
	wnd = tcp_conn(t.ep)->snd_wnd;
	rig_tcp_push(&t, RIG_ACK, 1, 1 + 4 * mss, 0, .tsval = t.tsval + 10000 - late_ms, .wnd = 10, .n_sack = 2,
	             .sack = {{1, 1 + mss}, {1 + 6 * mss, 1 + 7 * mss}});
	rig_poll(&rig);
	ck_assert_uint_eq(rig_moved(&rig, MR_CNT_TCP_RECOVERIES_UNDONE), !_i);
	ck_assert_uint_eq(rig_moved(&rig, MR_DROP_TCP_PAWS), _i);
	ck_assert_uint_eq(tcp_conn(t.ep)->sendq->sacked, 0);
	ck_assert_uint_eq(tcp_conn(t.ep)->snd_wnd, wnd);
	if (!_i)
		ck_assert_uint_ge(cwnd(), before);
}
END_TEST

/* RFC 3708: the last of the flight, too, which a timeout has sent again and the peer has twice, be it smaller than others. */
START_TEST(dsack_of_the_last)
{
	uint32_t before, len;

	connect_with(false, true);
	before = cwnd();
	len = _i ? 100 : mss;
	rig_ep_send(t.ep, 0, len);
	rig_tcp_expect(&t, RIG_ACK, 1, 1, len);
	while (rig_moved(&rig, MR_CNT_TCP_RTO) == 0) {
		ck_assert(rig_advance_until_frame(&rig, 10 * RIG_S));
		rig_discard(&rig);
	}
	rig_tcp_push(&t, RIG_ACK, 1, 1 + len, 0);
	rig_poll(&rig);
	ck_assert_uint_eq(rig_moved(&rig, MR_CNT_TCP_RECOVERIES_UNDONE), 0);
	rig_tcp_push(&t, RIG_ACK, 1, 1 + len, 0, .n_sack = 1, .sack = {{1, 1 + len}});
	rig_poll(&rig);
	ck_assert_uint_eq(rig_moved(&rig, MR_CNT_TCP_RECOVERIES_UNDONE), 1);
	ck_assert_uint_ge(cwnd(), before);
}
END_TEST

static void
ack_dsack(uint32_t una, uint32_t seg)
{
	rig_tcp_push(&t, RIG_ACK, 1, 1 + una * mss, 0, .n_sack = 1, .sack = {{1 + seg * mss, 1 + (seg + 1) * mss}});
	rig_poll(&rig);
	rig_discard(&rig);
}

/* The peer has all before `una` and, of what comes behind it, all but the first: that one is sent again. */
static void
lose_first(uint32_t una, uint32_t end, uint32_t tsecr)
{
	rig_tcp_push(&t, RIG_ACK, 1, 1 + una * mss, 0, .tsecr = tsecr, .n_sack = 1, .sack = {{1 + (una + 1) * mss, 1 + end * mss}});
	rig_poll(&rig);
	ck_assert_uint_eq(tcp_seg(tcp_conn(t.ep)->sendq->head)->times, 2);
	rig_discard(&rig);
}

/* Of twenty-two segments the first of ten is sent again, after a round trip, and the eleventh after another. */
static void
two_recoveries(bool soon)
{
	struct tcp_conn *c = tcp_conn(t.ep);
	uint32_t ts = t.tsecr;

	rig_ep_send(t.ep, 0, 22 * mss);
	rig_discard(&rig);
	rig_advance(&rig, RTT);
	lose_first(0, 10, ts);
	ck_assert_uint_ge(c->snd_nxt - c->snd_una, 14 * mss);
	rig_advance(&rig, 2 * RIG_MS);
	ack_echo(10, ts + 100);
	rig_discard(&rig);
	for (; !soon && c->snd_una != c->snd_nxt; rig_discard(&rig))
		ack_echo((c->snd_nxt - c->iss - 1) / mss, ts + 100);
	if (!soon)
		rig_ep_send(t.ep, 22ull * mss, 5 * mss);
	rig_discard(&rig);
	rig_advance(&rig, RTT);
	lose_first(soon ? 10 : 22, soon ? 14 : 26, ts + 101);
	ck_assert_uint_eq(rig_moved(&rig, MR_CNT_TCP_FAST_RETRANSMITS), 2);
	ck_assert_uint_eq(rig_moved(&rig, MR_CNT_TCP_RECOVERIES_UNDONE), 0);
}

/* RFC 3708: a recovery begins before the peer could tell that the one before it was not needed. If neither was, as it tells by
 * and by, the window is what it was before the first. */
START_TEST(dsacks_of_two)
{
	uint32_t before;

	connect_with(false, true);
	before = cwnd();
	two_recoveries(true);
	ack_dsack(14, 0);
	ck_assert_uint_eq(rig_moved(&rig, MR_CNT_TCP_RECOVERIES_UNDONE), 0);
	ck_assert_uint_lt(cwnd(), before);
	ack_dsack(14, 10);
	ck_assert_uint_eq(rig_moved(&rig, MR_CNT_TCP_RECOVERIES_UNDONE), 1);
	ck_assert_uint_ge(cwnd(), before);
	ck_assert_uint_eq(tcp_conn(t.ep)->cc.ssthresh, UINT32_MAX);
}
END_TEST

/* If the first loss was real, it stays with that. */
START_TEST(dsack_of_one_of_two)
{
	connect_with(false, true);
	two_recoveries(true);
	ack_dsack(14, 10);
	ck_assert_uint_eq(rig_moved(&rig, MR_CNT_TCP_RECOVERIES_UNDONE), 0);
	ck_assert_uint_lt(tcp_conn(t.ep)->cc.ssthresh, UINT32_MAX);
}
END_TEST

/* What the peer did not tell of within a round trip was a loss; the next recovery is judged for itself. */
START_TEST(dsack_after_a_loss)
{
	uint32_t lost;

	connect_with(false, true);
	two_recoveries(false);
	lost = tcp_conn(t.ep)->sendq->repair.ssthresh;
	ack_dsack(27, 22);
	ck_assert_uint_eq(rig_moved(&rig, MR_CNT_TCP_RECOVERIES_UNDONE), 1);
	ck_assert_uint_eq(tcp_conn(t.ep)->cc.ssthresh, lost);
	ck_assert_uint_lt(lost, UINT32_MAX);
}
END_TEST

/* RFC 3522: a timestamp tells of the second recovery alone; DSACKs may then still tell of both. */
START_TEST(eifel_of_the_second)
{
	uint32_t before, ts;

	connect_with(true, true);
	before = cwnd();
	ts = t.tsecr;
	two_recoveries(true);
	rig_advance(&rig, 2 * RIG_MS);
	ack_echo(14, ts + 101);
	rig_discard(&rig);
	ck_assert_uint_eq(rig_moved(&rig, MR_CNT_TCP_RECOVERIES_UNDONE), 1);
	ck_assert_uint_lt(tcp_conn(t.ep)->cc.ssthresh, UINT32_MAX);
	ack_dsack(14, 0);
	ck_assert_uint_eq(rig_moved(&rig, MR_CNT_TCP_RECOVERIES_UNDONE), 1);
	ack_dsack(14, 10);
	ck_assert_uint_eq(rig_moved(&rig, MR_CNT_TCP_RECOVERIES_UNDONE), 2);
	ck_assert_uint_eq(tcp_conn(t.ep)->cc.ssthresh, UINT32_MAX);
	ck_assert_uint_ge(cwnd(), before);
}
END_TEST

/* Nasty case 29: duplicates that tell of nothing that was sent again undo nothing. */
START_TEST(dsack_of_nothing)
{
	static const uint32_t lies[][2] = {{1, 1461}, {100, 200}, {0xf0000000u, 0xf0000100u}};

	connect_with(false, true);
	send_segs(8);
	rig_advance(&rig, RTT);
	ack_echo(4, 0);
	for (unsigned i = 0; i < 3; i++) {
		rig_tcp_push(&t, RIG_ACK, 1, 1 + 4 * mss, 0, .n_sack = 1, .sack = {{lies[i][0], lies[i][1]}});
		rig_poll(&rig);
	}
	ck_assert_uint_eq(rig_moved(&rig, MR_CNT_TCP_RECOVERIES_UNDONE), 0);
	rig_expect_none(&rig);
}
END_TEST

/* RFC 5682 2.1 and 3.1, B-70: the timer was too fast; new data goes out, and the ACK of what was not sent again tells. */
START_TEST(frto)
{
	uint32_t before;

	connect_with(false, _i);
	before = cwnd();
	send_segs(8);
	rig_ep_send(t.ep, (uint64_t)sent * mss, 8 * mss);
	while (rig_pending(&rig) > 0)
		expect_seg(sent++);
	while (rig_moved(&rig, MR_CNT_TCP_RTO) == 0) {
		ck_assert(rig_advance_until_frame(&rig, 10 * RIG_S));
		if (rig_moved(&rig, MR_CNT_TCP_RTO) == 0)
			expect_seg(sent++); /* a tail loss probe */
	}
	expect_seg(0);
	rig_expect_none(&rig);
	ack_echo(1, 0);
	expect_seg(sent);
	expect_seg(sent + 1);
	rig_expect_none(&rig);
	ack_echo(2, 0);
	ck_assert_uint_eq(rig_moved(&rig, MR_CNT_TCP_RECOVERIES_UNDONE), 1);
	ck_assert_uint_ge(cwnd(), before);
	ck_assert_uint_eq(tcp_conn(t.ep)->backoff, 0);
	rig_discard(&rig);
	ack_echo(sent, 0);
	rig_discard(&rig);
}
END_TEST

/* RFC 5682 3a: duplicates come back to the new data: the timeout was right, and three segments may be in flight. */
START_TEST(frto_real_loss)
{
	connect_with(false, false);
	send_segs(10);
	rig_ep_send(t.ep, (uint64_t)sent * mss, 8 * mss);
	while (rig_moved(&rig, MR_CNT_TCP_RTO) == 0) {
		ck_assert(rig_advance_until_frame(&rig, 10 * RIG_S));
		rig_discard(&rig);
	}
	ack_echo(1, 0);
	expect_seg(10);
	expect_seg(11);
	ack_echo(1, 0);
	expect_seg(1);
	ck_assert_uint_eq(cwnd(), 3 * mss);
	ck_assert_uint_eq(rig_moved(&rig, MR_CNT_TCP_RECOVERIES_UNDONE), 0);
	rig_discard(&rig);
}
END_TEST

/* The path has become longer than the timeout: what is sent again before its ACK comes gives no round trip to learn from
 * but by the timestamp that the ACK echoes; without timestamps the backoff stays until there is one (RFC 6298 5, Karn). */
START_TEST(timeout_learns)
{
	uint32_t again, late = 0, ts;

	connect_with(_i == 0, _i < 2);
	for (unsigned round = 0; round < 8; round++) {
		send_segs(1);
		ts = t.tsecr;
		rig_advance(&rig, 5 * RTT);
		again = rig_pending(&rig);
		late += round >= 4 ? again : 0;
		rig_discard(&rig);
		ack_echo(sent, ts);
		/* And what the peer says to those that came for nothing. */
		for (uint32_t i = 0; i < again; i++) {
			rig_tcp_push(&t, RIG_ACK, 1, 1 + sent * mss, 0, .tsecr = t.tsecr, .n_sack = _i < 2,
			             .sack = {{1 + (sent - 1) * mss, 1 + sent * mss}});
			rig_poll(&rig);
		}
	}
	ck_assert_uint_eq(late, 0);
	ck_assert_uint_le(rig_moved(&rig, MR_CNT_TCP_RTO), 1);
	ck_assert_uint_gt(tcp_conn(t.ep)->rtt.rto_ns, 5 * RTT);
}
END_TEST

static Suite *
suite(void)
{
	Suite *s = suite_create("tcp_undo");
	TCase *tc = rig_case(s, "undo", flight_setup, rig_teardown);

	tcase_add_test(tc, eifel);
	tcase_add_test(tc, dsack);
	tcase_add_loop_test(tc, dsack_overtaken, 0, 2);
	tcase_add_loop_test(tc, dsack_of_the_last, 0, 2);
	tcase_add_test(tc, dsacks_of_two);
	tcase_add_test(tc, dsack_of_one_of_two);
	tcase_add_test(tc, dsack_after_a_loss);
	tcase_add_test(tc, eifel_of_the_second);
	tcase_add_test(tc, dsack_of_nothing);
	tcase_add_loop_test(tc, frto, 0, 2);
	tcase_add_test(tc, frto_real_loss);
	tcase_add_loop_test(tc, timeout_learns, 0, 3);
	return s;
}

RIG_MAIN(suite)
