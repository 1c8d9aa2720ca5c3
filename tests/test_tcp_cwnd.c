/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The congestion window of a connection where the algorithm does not decide it: how it begins, after an idle time, with
 * smaller segments, when the application does not fill it; and pacing in output. The algorithm is a dummy where its own
 * ideas would be in the way.
 */
#include "rig/fixture.h"

#include <errno.h>
#include <string.h>

#include "proto/tcp/tcp.h"

#define MSS 1460u

static void
setup(void)
{
	tcp_setup();
	t.sack = false; /* and so no tail loss probes */
}

static struct tcp_conn *
conn(void)
{
	return tcp_conn(t.ep);
}

static void
expect_segs(uint32_t first, uint32_t n)
{
	for (uint32_t i = first; i < first + n; i++)
		rig_tcp_expect(&t, RIG_ACK, 1 + i * MSS, 1, MSS, .pattern = true);
	rig_expect_none(&rig);
}

static void
ack_segs(uint32_t n)
{
	rig_tcp_push(&t, RIG_ACK, 1, 1 + n * MSS, 0);
}

/* Bytes of payload that are sent now. */
static uint32_t
take_all(void)
{
	const struct rig_frame *f;
	uint32_t bytes = 0;

	while ((f = rig_next(&rig)))
		bytes += f->payload_len;
	return bytes;
}

/* ---- where the window begins and begins again */

/* CC-03 (RFC 6928 2): ten segments, but no more than 14600 bytes of larger ones, and two segments at least. */
START_TEST(initial_window_of_large_segments)
{
	static const struct {
		uint16_t mss;
		uint32_t bytes;
	} c[] = {{536, 5360}, {1460, 14600}, {4000, 14600}, {8960, 17920}};
	struct rig_opts o = {.mtu = 9000};

	rig_fini(&rig);
	rig_init(&rig, &o);
	rig_tcp_init(&t, &rig, false);
	t.mss = c[_i].mss;
	rig_tcp_establish_passive(&t);
	ck_assert_uint_eq(conn()->cc.cwnd, c[_i].bytes);
	rig_ep_send(t.ep, 0, 60000);
	ck_assert_uint_le(take_all(), c[_i].bytes);
}
END_TEST

/* CC-15: after the initial window again, slow start may go on to three quarters of what the window had been. */
START_TEST(idle)
{
	rig_tcp_establish_passive(&t);
	conn()->cc.cwnd = 40 * MSS;
	conn()->cc.ssthresh = 20 * MSS;
	rig_ep_send(t.ep, 0, 10 * MSS);
	expect_segs(0, 10);
	ack_segs(10);
	rig_advance(&rig, RIG_S);
	rig_ep_send(t.ep, 10 * MSS, 40 * MSS);
	expect_segs(10, 10);
	ck_assert_uint_eq(conn()->cc.ssthresh, 30 * MSS);
	ack_segs(20);
	expect_segs(20, 20);
}
END_TEST

/* What was not larger than the initial window stays as it is: nothing is learned from idleness. */
START_TEST(idle_with_a_small_window)
{
	rig_tcp_establish_passive(&t);
	conn()->cc.cwnd = 4 * MSS;
	conn()->cc.ssthresh = 4 * MSS;
	rig_ep_send(t.ep, 0, 2 * MSS);
	expect_segs(0, 2);
	ack_segs(2);
	rig_advance(&rig, 10 * RIG_S);
	rig_ep_send(t.ep, 2 * MSS, 20 * MSS);
	expect_segs(2, 4);
	ck_assert_uint_eq(conn()->cc.ssthresh, 4 * MSS);
}
END_TEST

/* A pause shorter than the timeout is none. */
START_TEST(short_pause)
{
	rig_tcp_establish_passive(&t);
	conn()->cc.cwnd = 40 * MSS;
	rig_ep_send(t.ep, 0, 10 * MSS);
	expect_segs(0, 10);
	ack_segs(10);
	rig_advance(&rig, 150 * RIG_MS);
	rig_ep_send(t.ep, 10 * MSS, 40 * MSS);
	expect_segs(10, 40);
}
END_TEST

/* CC-07: a smaller path MTU takes the window with it; it counts segments to the path. */
START_TEST(smaller_segments)
{
	struct tcp_cc cc = {.cwnd = 14600, .mss = 1460};

	tcp_cc_mss_set(&cc, 730);
	ck_assert_uint_eq(cc.cwnd, 7300);
	tcp_cc_mss_set(&cc, 1460);
	ck_assert_uint_eq(cc.cwnd, 7300);
	ck_assert_uint_eq(cc.mss, 1460);
	cc.cwnd = 100;
	tcp_cc_mss_set(&cc, 48);
	ck_assert_uint_eq(cc.cwnd, 48);
	rig_tcp_establish_passive(&t);
	ck_assert_uint_eq(conn()->cc.cwnd, 10 * MSS);
	conn()->pmtu = 770;
	tcp_mss_update(conn());
	ck_assert_uint_eq(conn()->cc.cwnd, 7300);
}
END_TEST

/* ---- a window that is not used */

/* CU-06: it does not grow while the application sends less than half of it; it does when it is full. */
START_TEST(unused_window)
{
	uint32_t cwnd;

	rig_tcp_establish_passive(&t);
	for (uint32_t i = 0; i < 10; i++) {
		rig_ep_send(t.ep, i * 4 * MSS, 4 * MSS);
		expect_segs(4 * i, 4);
		ack_segs(4 * i + 4);
		rig_poll(&rig);
		ck_assert_uint_eq(conn()->cc.cwnd, 10 * MSS);
	}
	/* Full, though nothing more waits. */
	rig_ep_send(t.ep, 40 * MSS, 10 * MSS);
	expect_segs(40, 10);
	for (uint32_t i = 1; i <= 10; i++) {
		ack_segs(40 + i);
		rig_poll(&rig);
	}
	ck_assert_uint_eq(conn()->cc.cwnd, 20 * MSS);
	/* The same in congestion avoidance, where half is not enough. */
	conn()->cc.ssthresh = cwnd = conn()->cc.cwnd;
	for (uint32_t i = 0; i < 10; i++) {
		rig_ep_send(t.ep, (50 + i * 15) * MSS, 15 * MSS);
		expect_segs(50 + 15 * i, 15);
		ack_segs(65 + 15 * i);
		rig_poll(&rig);
		ck_assert_uint_eq(conn()->cc.cwnd, cwnd);
	}
	for (uint32_t i = 0; i < 2; i++) {
		rig_ep_send(t.ep, (200 + i * 20) * MSS, 20 * MSS);
		expect_segs(200 + 20 * i, 20);
		ack_segs(220 + 20 * i);
		rig_poll(&rig);
	}
	ck_assert_uint_gt(conn()->cc.cwnd, cwnd);
}
END_TEST

/* ---- pacing */

static void
dummy_init(struct tcp_cc *cc)
{
	cc->ssthresh = UINT32_MAX;
}

static void
dummy_ack(struct tcp_cc *cc, const struct tcp_cc_ack *a)
{
	(void)cc;
	(void)a;
}

static void
dummy_loss(struct tcp_cc *cc, uint32_t flight, uint64_t now_ns)
{
	(void)now_ns;
	cc->ssthresh = flight;
}

static void
dummy_rto(struct tcp_cc *cc, uint32_t flight, bool first, uint64_t now_ns)
{
	(void)first;
	dummy_loss(cc, flight, now_ns);
	cc->cwnd = cc->mss;
}

static const struct tcp_cc_ops dummy = {
	.name = "dummy", .init = dummy_init, .ack = dummy_ack, .loss = dummy_loss, .rto = dummy_rto,
};

/* A connection with room for everything that sends so many bytes a second. */
static void
paced(uint64_t rate)
{
	rig_tcp_establish_passive(&t);
	conn()->cc.ops = &dummy;
	conn()->cc.cwnd = 1000 * MSS;
	conn()->cc.pacing_rate = rate;
}

/* At a rate of one segment in 4 ms, two at a time: 0, 8, 16 ms ... */
START_TEST(pace)
{
	uint64_t start = rig.now;

	paced(250 * MSS);
	rig_ep_send(t.ep, 0, 20 * MSS);
	expect_segs(0, 2);
	for (uint32_t i = 1; i < 10; i++) {
		ck_assert(rig_advance_until_frame(&rig, RIG_S));
		ck_assert_uint_ge(rig.now - start, i * 8 * RIG_MS);
		ck_assert_uint_le(rig.now - start, i * 8 * RIG_MS + RIG_MS / 10);
		expect_segs(2 * i, 2);
	}
	ack_segs(20);
	rig_expect_none_for(&rig, RIG_S);
}
END_TEST

/* Faster: what leaves in a millisecond at a time, 64 KiB at most; over a second it is the rate. */
START_TEST(quantum)
{
	static const struct {
		uint64_t rate;
		uint32_t least, most;
	} c[] = {{10000 * MSS, 10, 11}, {10000000 * MSS, 44, 46}};
	uint64_t start = rig.now;
	uint32_t sent = 0;

	paced(c[_i].rate);
	rig_ep_send(t.ep, 0, 200 * MSS);
	for (int i = 0; i < 4; i++) {
		uint32_t now = take_all() / MSS;

		sent += now;
		ck_assert_uint_ge(now, c[_i].least);
		ck_assert_uint_le(now, c[_i].most);
		ck_assert(rig_advance_until_frame(&rig, RIG_S));
	}
	ck_assert_uint_ge(rig.now - start, (sent - 1) * MSS * RIG_S / c[_i].rate);
	ck_assert_uint_le(rig.now - start, (sent + 1) * MSS * RIG_S / c[_i].rate + 4 * 8192);
	rig_discard(&rig);
}
END_TEST

/* A window of more than twenty segments that is paced by its own rate goes out ten at a time, a smaller one two. */
START_TEST(burst_of_a_window)
{
	rig_tcp_establish_passive(&t);
	conn()->cc.cwnd = (_i ? 20 : 21) * MSS;
	conn()->cc.pacing_rate = 250 * MSS;
	rig_ep_send(t.ep, 0, 20 * MSS);
	expect_segs(0, _i ? 2 : 10);
	rig_advance(&rig, 7 * RIG_MS);
	rig_expect_none(&rig);
	rig_discard(&rig);
}
END_TEST

/* A turn that comes late sends what it could have sent meanwhile, but no more than a quarter of a round trip's; one that had
 * nothing to send has nothing to make up for. */
START_TEST(late_turn)
{
	paced(250 * MSS);
	rig_ep_send(t.ep, 0, 15 * MSS);
	expect_segs(0, 2);
	ack_segs(2);
	conn()->rtt.srtt_ns = 64 * RIG_MS;
	rig.now += 20 * RIG_MS; /* due after 8 */
	rig_poll(&rig);
	expect_segs(2, 5);
	ack_segs(7);
	conn()->rtt.srtt_ns = 64 * RIG_MS;
	rig.now += 60 * RIG_MS;
	rig_poll(&rig);
	expect_segs(7, 6);
	ack_segs(13);
	rig.now += 60 * RIG_MS;
	rig_poll(&rig);
	expect_segs(13, 2);
	ack_segs(15);
	rig_ep_send(t.ep, 15 * MSS, 6 * MSS);
	expect_segs(15, 2);
	rig_advance(&rig, 50 * RIG_MS);
	rig_discard(&rig);
}
END_TEST

/* The window and an ACK let nothing out before its time; and no ACK waits for the pace. */
START_TEST(events_between)
{
	paced(250 * MSS);
	rig_ep_send(t.ep, 0, 20 * MSS);
	expect_segs(0, 2);
	rig_advance(&rig, 2 * RIG_MS);
	ack_segs(1);
	rig_expect_none(&rig);
	rig_ep_send(t.ep, 20 * MSS, MSS);
	rig_expect_none(&rig);
	rig_tcp_push(&t, RIG_ACK, 1, 1 + 2 * MSS, 1000);
	rig_tcp_push(&t, RIG_ACK, 1001, 1 + 2 * MSS, 1000);
	rig_tcp_expect(&t, RIG_ACK, 1 + 2 * MSS, 2001, 0);
	rig_expect_none_for(&rig, 5 * RIG_MS);
	rig_advance(&rig, 2 * RIG_MS);
	rig_tcp_expect(&t, RIG_ACK, 1 + 2 * MSS, 2001, MSS);
	rig_tcp_expect(&t, RIG_ACK, 1 + 3 * MSS, 2001, MSS);
	rig_expect_none(&rig);
}
END_TEST

/* Nothing is in flight and the pace holds the rest back: that is no closed window, so nobody probes, and no timeout. */
START_TEST(slower_than_the_timeout)
{
	paced(MSS);
	rig_ep_send(t.ep, 0, 6 * MSS);
	expect_segs(0, 2);
	ack_segs(2);
	rig_expect_none_for(&rig, 1900 * RIG_MS);
	rig_advance(&rig, 200 * RIG_MS);
	expect_segs(2, 2);
	ack_segs(4);
	ck_assert_uint_eq(rig_moved(&rig, MR_CNT_TCP_ZERO_WINDOW_PROBES), 0);
	ck_assert_uint_eq(rig_moved(&rig, MR_CNT_TCP_RTO), 0);
	mr_ep_abort(t.ep);
	rig_tcp_expect(&t, RIG_RST | RIG_ACK, 1 + 4 * MSS, 1, 0);
	rig_expect_none_for(&rig, 10 * RIG_S);
}
END_TEST

/* The first retransmission of a recovery does not wait. */
START_TEST(retransmission)
{
	paced(250 * MSS);
	rig_ep_send(t.ep, 0, 40 * MSS);
	rig_advance(&rig, 25 * RIG_MS);
	ck_assert_uint_eq(take_all(), 8 * MSS);
	for (int i = 0; i < 3; i++)
		ack_segs(0);
	rig_tcp_expect(&t, RIG_ACK, 1, 1, MSS);
	rig_expect_none(&rig);
}
END_TEST

/* ---- the choice of an algorithm */

/* CUBIC if nobody chooses. */
START_TEST(default_algorithm)
{
	int64_t cc;

	rig_tcp_establish_passive(&t);
	ck_assert_int_eq(mr_ep_getopt(t.ep, MR_OPT_TCP_CC, &cc), 0);
	ck_assert_str_eq(mr_tcp_cc_name((unsigned)cc), "cubic");
}
END_TEST

/* BBR's memory is taken for connections only, and comes back: at the end, and when another algorithm takes over. */
START_TEST(block_of_memory)
{
	const struct mr_pool *blocks = &tcp_of(rig.stack)->cc_blocks;
	int bbr = mr_tcp_cc_find("bbr");

	ck_assert_int_ge(bbr, 0);
	rig_tcp_listen(&t, 4);
	ck_assert_int_eq(mr_ep_setopt(t.listener, MR_OPT_TCP_CC, bbr), 0);
	ck_assert_uint_eq(blocks->used, 0);
	rig_tcp_establish_passive(&t);
	ck_assert_uint_eq(blocks->used, 1);
	ck_assert_uint_gt(conn()->cc.pacing_rate, 0);
	rig_ep_send(t.ep, 0, 100 * MSS);
	ck_assert_uint_eq(take_all(), 10 * MSS);
	ck_assert_int_eq(mr_ep_setopt(t.ep, MR_OPT_TCP_CC, mr_tcp_cc_find("newreno")), 0);
	ck_assert_uint_eq(blocks->used, 0);
	ck_assert_uint_eq(conn()->cc.pacing_rate, 0);
	ck_assert_int_eq(mr_ep_setopt(t.ep, MR_OPT_TCP_CC, bbr), 0);
	ck_assert_uint_eq(blocks->used, 1);
	ack_segs(10);
	rig_advance(&rig, RIG_MS);
	ck_assert_uint_gt(take_all(), 0);
	mr_ep_abort(t.ep);
	rig_poll(&rig);
	ck_assert_uint_eq(blocks->used, 0);
	rig_discard(&rig);
}
END_TEST

/* What a paced algorithm held back goes out when another one takes over. */
START_TEST(switch_lifts_the_pace)
{
	paced(MSS);
	rig_ep_send(t.ep, 0, 10 * MSS);
	expect_segs(0, 2);
	ck_assert_int_eq(mr_ep_setopt(t.ep, MR_OPT_TCP_CC, mr_tcp_cc_find("newreno")), 0);
	expect_segs(2, 8);
}
END_TEST

static Suite *
suite(void)
{
	Suite *s = suite_create("tcp_cwnd");
	TCase *c = rig_case(s, "window", setup, rig_teardown);

	tcase_add_loop_test(c, initial_window_of_large_segments, 0, 4);
	tcase_add_test(c, idle);
	tcase_add_test(c, idle_with_a_small_window);
	tcase_add_test(c, short_pause);
	tcase_add_test(c, smaller_segments);
	tcase_add_test(c, unused_window);
	c = rig_case(s, "pacing", setup, rig_teardown);
	tcase_add_test(c, pace);
	tcase_add_loop_test(c, burst_of_a_window, 0, 2);
	tcase_add_test(c, late_turn);
	tcase_add_loop_test(c, quantum, 0, 2);
	tcase_add_test(c, events_between);
	tcase_add_test(c, slower_than_the_timeout);
	tcase_add_test(c, retransmission);
	c = rig_case(s, "choice", setup, rig_teardown);
	tcase_add_test(c, default_algorithm);
	tcase_add_test(c, block_of_memory);
	tcase_add_test(c, switch_lifts_the_pace);
	return s;
}

RIG_MAIN(suite)
