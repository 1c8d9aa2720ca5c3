/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Loss detection by time and probes for the tail of a flight (RFC 8985), and what may be sent in recovery (RFC 9937): scripted,
 * and whole stacks over bad lines in virtual time.
 *
 * Requirements by number: RK-n of RFC 8985, PR-n of RFC 9937, SK-n of RFC 6675, CC-n, R-n, B-n of the behaviour list.
 */
#include "rig/rig.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "proto/tcp/tcp.h"
#include "stack/rng.h"

#define MSS 1460u
#define RTT (100 * RIG_MS)

static struct rig rig;
static struct rig_tcp t;
static uint32_t sent; /* segments */

static void
setup(void)
{
	rig_init(&rig, NULL);
	rig_tcp_init(&t, &rig, false);
	sent = 0;
}

static void
teardown(void)
{
	rig_fini(&rig);
}

/* A connection with a round trip of 100 ms measured by its handshake, and NewReno's halving, whose sums are simple. */
static void
connect_100ms(void)
{
	rig_tcp_start_active(&t);
	rig_advance(&rig, RTT);
	rig_tcp_push(&t, RIG_SYN | RIG_ACK, 0, 1, 0);
	rig_tcp_expect(&t, RIG_ACK, 1, 1, 0);
	tcp_cc_switch(tcp_conn(t.ep), &tcp_newreno);
	rig_mark(&rig);
}

static void
expect_seg(uint32_t i)
{
	rig_tcp_expect(&t, RIG_ACK, 1 + i * MSS, 1, MSS, .pattern = true);
}

static void
send_segs(uint32_t n)
{
	rig_ep_send(t.ep, (uint64_t)sent * MSS, n * MSS);
	for (uint32_t i = 0; i < n; i++)
		expect_seg(sent++);
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

/* The next frame comes `ns` after now, within a tick of the wheel. */
static void
frame_after(uint64_t ns)
{
	uint64_t due = rig.now + ns;

	ck_assert(rig_advance_until_frame(&rig, 10 * RIG_S));
	ck_assert_msg(rig.now >= due && rig.now - due <= 10000, "frame %.6f s too late", ((double)rig.now - (double)due) / 1e9);
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
	frame_after(RTT / 4);
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
	frame_after(RTT / 4);
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

/* ---- TLP */

/* RK-10, RK-12, RK-13: two round trips after the flight its last segment goes out again; then the timer, not a probe. */
START_TEST(probe_of_the_tail)
{
	connect_100ms();
	send_segs(4);
	frame_after(2 * RTT);
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
	frame_after(2 * RTT);
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
	tcp_conn(t.ep)->cc.cwnd = 4 * MSS;
	rig_ep_send(t.ep, 0, 10 * MSS);
	for (sent = 0; sent < 4; sent++)
		expect_seg(sent);
	rig_expect_none(&rig);
	frame_after(2 * RTT);
	expect_seg(4);
	rig_expect_none(&rig);
	ck_assert_uint_eq(rig_moved(&rig, MR_CNT_TCP_RETRANSMITS), 0);
}
END_TEST

/* RK-14: a probe that repaired a loss unseen is answered by one reduction. If the peer tells of a duplicate, by none. */
START_TEST(probe_repairs)
{
	uint32_t ssthresh;

	connect_100ms();
	send_segs(4);
	frame_after(2 * RTT);
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

static uint64_t
env_number(const char *name, uint64_t by_default)
{
	const char *text = getenv(name);
	uint64_t v = text ? strtoull(text, NULL, 0) : 0;

	return v ? v : by_default;
}

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

/* 10 us round trip, 1 percent loss: no stall of a retransmission timeout's length. */
START_TEST(short_round_trips)
{
	struct mr_impair_cfg line[2] = {{.seed = 10, .loss_ppm = 10000, .delay_ns = 5000, .rate_bps = 10000000000},
	                                {.seed = 11, .loss_ppm = 10000, .delay_ns = 5000, .rate_bps = 10000000000}};
	struct rig_bulk_opts b = {.bytes = {32 << 20, 0}, .deadline_ns = 100 * RIG_S};
	struct outcome out = transfer(line, 5, &b);

	printf("10 us round trip, 1 %% loss: %.0f Mbit/s, %llu resent, %llu timeouts, %llu probes\n",
	       out.r.bytes * 8e3 / out.r.duration_ns, (unsigned long long)out.retransmits, (unsigned long long)out.rto,
	       (unsigned long long)out.probes);
	ck_assert(out.r.done);
	ck_assert_uint_eq(out.rto, 0);
}
END_TEST

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

/* Everything impaired at once, one seed after the other: none stuck, none corrupt. MR_SEEDS says how many. */
START_TEST(nothing_gets_stuck)
{
	uint64_t seeds = env_number("MR_SEEDS", 60), rto = 0, probes = 0, undone = 0;

	for (uint64_t s = 0; s < seeds; s++) {
		struct mr_rng r;
		struct mr_impair_cfg line[2];
		struct rig_bulk_opts b = {.v6 = s & 1, .deadline_ns = 4000 * RIG_S};
		struct outcome out;

		mr_rng_seed(&r, 7000 + s);
		for (unsigned i = 0; i < 2; i++) {
			line[i] = (struct mr_impair_cfg){
				.seed = mr_rng_u64(&r),
				.loss_ppm = mr_rng_below(&r, 100000),
				.dup_ppm = mr_rng_below(&r, 50000),
				.corrupt_ppm = mr_rng_below(&r, 20000),
				.reorder_ppm = mr_rng_below(&r, 250000),
				.reorder_ns = 1000u << mr_rng_below(&r, 16),
				.delay_ns = 1000u << mr_rng_below(&r, 16),
				.jitter_ns = 1000u << mr_rng_below(&r, 10),
				.rate_bps = 1000000ull << mr_rng_below(&r, 14),
				.queue_frames = 4u << mr_rng_below(&r, 8),
			};
			b.bytes[i] = mr_rng_below(&r, 60000);
		}
		out = transfer(line, 100 + 2 * s, &b);
		ck_assert_msg(out.r.done && out.r.err == 0, "seed %llu: %llu of %llu bytes in %.1f s, error %d", (unsigned long long)s,
		              (unsigned long long)out.r.bytes, (unsigned long long)(b.bytes[0] + b.bytes[1]),
		              out.r.duration_ns / 1e9, out.r.err);
		rto += out.rto;
		probes += out.probes;
		undone += out.undone;
	}
	printf("%llu seeds of small transfers: %llu timeouts, %llu probes, %llu recoveries undone\n", (unsigned long long)seeds,
	       (unsigned long long)rto, (unsigned long long)probes, (unsigned long long)undone);
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
	TCase *tc = tcase_create("rack");

	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_test(tc, three_sacked);
	tcase_add_test(tc, reordering_timer);
	tcase_add_test(tc, late_within_the_window);
	tcase_add_test(tc, reordering_is_remembered);
	tcase_add_test(tc, lost_retransmission);
	suite_add_tcase(s, tc);
	tc = tcase_create("tlp");
	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_test(tc, probe_of_the_tail);
	tcase_add_test(tc, tail_loss);
	tcase_add_test(tc, probe_with_new_data);
	tcase_add_loop_test(tc, probe_repairs, 0, 2);
	suite_add_tcase(s, tc);
	tc = tcase_create("prr");
	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_test(tc, proportional);
	tcase_add_test(tc, partial_and_late_acks);
	suite_add_tcase(s, tc);
	tc = tcase_create("simulation");
	tcase_set_timeout(tc, (double)env_number("MR_SEEDS_TIMEOUT", 300));
	tcase_add_test(tc, short_round_trips);
	tcase_add_test(tc, reordering_without_collapse);
	tcase_add_test(tc, nothing_gets_stuck);
	suite_add_tcase(s, tc);
	return s;
}

int
main(int argc, char **argv)
{
	return rig_main(argc, argv, suite);
}
