/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What TCP tells its congestion control: bytes delivered and lost, what is in flight, and the delivery rate, one sample
 * per ACK (draft-cheng-iccrg-delivery-rate-estimation). A spy in the place of the algorithm writes down what it is told.
 */
#include "rig/fixture.h"

#include <string.h>

#include "proto/tcp/tcp.h"

#define MSS 1460u
#define WND 20u /* segments; the spy leaves it there */

static struct tcp_cc_ack told;
static unsigned n_told;

static void
spy_init(struct tcp_cc *cc)
{
	(void)cc;
}

static void
spy_ack(struct tcp_cc *cc, const struct tcp_cc_ack *a)
{
	(void)cc;
	told = *a;
	n_told++;
}

static void
spy_loss(struct tcp_cc *cc, uint32_t flight, uint64_t now_ns)
{
	(void)now_ns;
	cc->ssthresh = flight / 2;
}

static void
spy_rto(struct tcp_cc *cc, uint32_t flight, bool first, uint64_t now_ns)
{
	(void)first;
	spy_loss(cc, flight, now_ns);
	cc->cwnd = cc->mss;
}

static const struct tcp_cc_ops spy = {
	.name = "spy", .init = spy_init, .ack = spy_ack, .loss = spy_loss, .rto = spy_rto,
};

static void
setup(void)
{
	tcp_setup();
	t.sack = false; /* and so no tail loss probes */
	rig_tcp_establish_passive(&t);
	tcp_conn(t.ep)->cc.ops = &spy;
	tcp_conn(t.ep)->cc.cwnd = WND * MSS;
	n_told = 0;
}

static uint32_t sent, acked; /* segments */

static void
send_segs(unsigned n)
{
	rig_ep_send(t.ep, (uint64_t)sent * MSS, n * MSS);
	for (unsigned i = 0; i < n; i++, sent++)
		rig_tcp_expect(&t, RIG_ACK, 1 + sent * MSS, 1, MSS);
	rig_expect_none(&rig);
}

static void
ack_segs(unsigned n)
{
	acked += n;
	rig_tcp_push(&t, RIG_ACK, 1, 1 + acked * MSS, 0);
	rig_poll(&rig);
}

/* Counts, in bytes: before and after the ACK; delivered goes on over the life of the connection. */
START_TEST(counts)
{
	send_segs(6);
	rig_advance(&rig, 10 * RIG_MS);
	ack_segs(2);
	ck_assert_uint_eq(n_told, 1);
	ck_assert_uint_eq(told.now_ns, rig.now);
	ck_assert_uint_eq(told.acked, 2 * MSS);
	ck_assert_uint_eq(told.prior_in_flight, 6 * MSS);
	ck_assert_uint_eq(told.in_flight, 4 * MSS);
	ck_assert_uint_eq(told.delivered, 2 * MSS);
	ck_assert_uint_eq(told.prior_delivered, 0);
	ck_assert_uint_eq(told.lost, 0);
	ck_assert(!told.recovery);
	ck_assert_uint_eq(told.rtt_ns, 10 * RIG_MS);
	send_segs(1);
	ack_segs(5);
	ck_assert_uint_eq(told.acked, 5 * MSS);
	ck_assert_uint_eq(told.in_flight, 0);
	ck_assert_uint_eq(told.delivered, 7 * MSS);
	ck_assert_uint_eq(told.prior_delivered, 2 * MSS); /* when the seventh was sent */
}
END_TEST

/* Sent at once, acknowledged over 10 ms after a round trip of 10 ms: the time to acknowledge counts. */
START_TEST(rate_of_acks)
{
	send_segs(10);
	rig_advance(&rig, 10 * RIG_MS);
	for (unsigned i = 0; i < 10; i++) {
		ack_segs(1);
		ck_assert_uint_eq(told.delivered - told.prior_delivered, (i + 1) * MSS);
		ck_assert_uint_eq(told.interval_ns, (10 + i) * RIG_MS);
		rig_advance(&rig, RIG_MS);
	}
}
END_TEST

/* Sent over 10 ms, acknowledged in a bunch: the time to send counts, so the rate is not infinite. */
START_TEST(rate_of_sending)
{
	send_segs(1);
	for (unsigned i = 0; i < 10; i++) {
		rig_advance(&rig, RIG_MS);
		send_segs(1);
	}
	ack_segs(1); /* the first: 10 ms after */
	ck_assert_uint_eq(told.interval_ns, 10 * RIG_MS);
	ack_segs(10); /* sent 10 ms after the first, whose delivery is no time ago */
	ck_assert_uint_eq(told.interval_ns, 10 * RIG_MS);
	ck_assert_uint_eq(told.delivered - told.prior_delivered, 11 * MSS);
}
END_TEST

/* The time since the last delivery is part of the time to acknowledge. */
START_TEST(rate_between_deliveries)
{
	send_segs(2);
	rig_advance(&rig, 8 * RIG_MS);
	ack_segs(1);
	rig_advance(&rig, 2 * RIG_MS);
	send_segs(4);
	rig_advance(&rig, 8 * RIG_MS);
	ack_segs(5); /* since the delivery of the first: 10 ms */
	ck_assert_uint_eq(told.interval_ns, 10 * RIG_MS);
	ck_assert_uint_eq(told.prior_delivered, MSS);
	ck_assert_uint_eq(told.delivered - told.prior_delivered, 5 * MSS);
}
END_TEST

/* A flight that left room in the window says nothing about the path; after one that filled it samples count again. */
START_TEST(application_limited)
{
	send_segs(2);
	rig_advance(&rig, 5 * RIG_MS);
	ack_segs(2);
	ck_assert(told.app_limited);
	rig_ep_send(t.ep, (uint64_t)sent * MSS, 3 * WND * MSS);
	for (unsigned i = 0; i < WND; i++, sent++)
		rig_tcp_expect(&t, RIG_ACK, 1 + sent * MSS, 1, MSS);
	for (unsigned i = 0; i < WND; i++) {
		rig_advance(&rig, RIG_MS);
		ack_segs(1);
		ck_assert(told.app_limited); /* the first flight after an idle time is still the application's doing */
		ck_assert(told.cwnd_limited);
		rig_discard(&rig);
	}
	sent += WND;
	rig_advance(&rig, RIG_MS);
	ack_segs(2); /* of the second flight */
	ck_assert(!told.app_limited);
	rig_discard(&rig);
}
END_TEST

/* No sample from times that do not fit; the round trip goes on. */
START_TEST(very_long_gap)
{
	send_segs(1);
	rig_advance(&rig, 150 * RIG_MS);
	send_segs(1);
	for (unsigned i = 0; i < 5; i++) {
		/* Again at 0.2, 0.6, 1.4, 3 and 6.2 s. */
		ck_assert(rig_advance_until_frame(&rig, 10 * RIG_S));
		rig_discard(&rig);
	}
	ack_segs(2);
	ck_assert_uint_eq(told.acked, 2 * MSS);
	ck_assert_uint_eq(told.interval_ns, 0);
}
END_TEST

static Suite *
suite(void)
{
	Suite *s = suite_create("tcp_rate");
	TCase *tc = rig_case(s, "rate", setup, rig_teardown);

	tcase_add_test(tc, counts);
	tcase_add_test(tc, rate_of_acks);
	tcase_add_test(tc, rate_of_sending);
	tcase_add_test(tc, rate_between_deliveries);
	tcase_add_test(tc, application_limited);
	tcase_add_test(tc, very_long_gap);
	return s;
}

RIG_MAIN(suite)
