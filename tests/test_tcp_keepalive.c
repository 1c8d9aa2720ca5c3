/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Keep-alive (RFC 9293 3.8.4): only where the application wants it, only on a silent connection, with probes that a peer
 * must answer; several without an answer end the connection.
 *
 * Requirements by number: MUST-n, SHLD-n of RFC 9293, B-n of the behaviour list.
 */
#include "rig/fixture.h"

#include <errno.h>

static void
set(int opt, int64_t v)
{
	ck_assert_int_eq(mr_ep_setopt(t.ep, opt, v), 0);
}

/* A connection that is probed after ten silent seconds, every three seconds, three times. */
static void
kept_alive(void)
{
	rig_tcp_establish_passive(&t);
	set(MR_OPT_TCP_KEEPIDLE_NS, 10 * RIG_S);
	set(MR_OPT_TCP_KEEPINTVL_NS, 3 * RIG_S);
	set(MR_OPT_TCP_KEEPCNT, 3);
	set(MR_OPT_TCP_KEEPALIVE, 1);
	rig_mark(&rig);
}

/* The next segment is a probe, `ms` after `since`: nothing in it, and the last sequence number again. */
static void
expect_probe(uint64_t since, uint64_t ms, uint32_t snd, uint32_t rcv)
{
	ck_assert(rig_advance_until_frame(&rig, 20 * RIG_S));
	ck_assert_uint_ge(rig.now, since + ms * RIG_MS);
	ck_assert_uint_le(rig.now, since + ms * RIG_MS + 5 * RIG_MS);
	rig_tcp_expect(&t, RIG_ACK, snd - 1, rcv, 0, .exact = true);
}

/* MUST-25: nobody asked for it. */
START_TEST(off_by_default)
{
	rig_tcp_establish_passive(&t);
	rig_expect_none_for(&rig, 10000 * RIG_S);
	ck_assert_int_eq(rig_tcp_state(t.ep), MR_TCP_ESTABLISHED);
}
END_TEST

/* MUST-24, MUST-27, MUST-29, SHLD-12, B-77: one probe without an answer is nothing yet, three are the end. */
START_TEST(nobody_answers)
{
	uint64_t start;
	char c;

	kept_alive();
	start = rig.now;
	rig_expect_none_for(&rig, 9900 * RIG_MS);
	for (unsigned i = 0; i < 3; i++) {
		expect_probe(start, 10000 + i * 3000, 1, 1);
		ck_assert_int_eq(rig_tcp_state(t.ep), MR_TCP_ESTABLISHED);
	}
	rig_expect_none_for(&rig, 2900 * RIG_MS);
	ck_assert(rig_advance_until_frame(&rig, 200 * RIG_MS));
	rig_tcp_expect(&t, RIG_RST | RIG_ACK, 1, 1, 0);
	ck_assert_int_eq(rig_tcp_state(t.ep), MR_TCP_CLOSED);
	ck_assert_int_eq(mr_ep_recv(t.ep, &c, 1, NULL), -ETIMEDOUT);
	ck_assert_uint_eq(rig_moved(&rig, MR_CNT_TCP_KEEPALIVES), 3);
}
END_TEST

/* MUST-29, MAY-5: an answer to the last of them is enough, and the idle time begins again. */
START_TEST(answered)
{
	uint64_t start;

	kept_alive();
	start = rig.now;
	for (unsigned i = 0; i < 5; i++) {
		for (unsigned k = 0; k < 3; k++)
			expect_probe(start, 10000 + k * 3000, 1, 1);
		rig_advance(&rig, RIG_S);
		rig_tcp_push(&t, RIG_ACK, 1, 1, 0);
		rig_expect_none(&rig);
		start = rig.now;
	}
	ck_assert_int_eq(rig_tcp_state(t.ep), MR_TCP_ESTABLISHED);
}
END_TEST

/* MUST-26: what the peer sends puts the probe off. */
START_TEST(not_while_the_peer_talks)
{
	kept_alive();
	for (uint32_t i = 0; i < 10; i++) {
		rig_advance(&rig, 9 * RIG_S);
		rig_tcp_push(&t, RIG_ACK, 1 + i * 10, 1, 10);
		rig_advance(&rig, 50 * RIG_MS);
		rig_tcp_expect(&t, RIG_ACK, 1, 11 + i * 10, 0);
	}
	ck_assert_uint_eq(rig_moved(&rig, MR_CNT_TCP_KEEPALIVES), 0);
	expect_probe(rig.now - 50 * RIG_MS, 10000, 1, 101);
}
END_TEST

/* MUST-26, B-77: while data is outstanding its own timer asks. */
START_TEST(not_while_data_is_outstanding)
{
	const struct rig_frame *f;

	kept_alive();
	rig_ep_send(t.ep, 0, 100);
	for (uint64_t end = rig.now + 60 * RIG_S; rig.now < end; rig_advance(&rig, RIG_S))
		while ((f = rig_next(&rig)))
			ck_assert_uint_eq(f->payload_len, 100);
	ck_assert_uint_eq(rig_moved(&rig, MR_CNT_TCP_KEEPALIVES), 0);
	ck_assert_uint_gt(rig_moved(&rig, MR_CNT_TCP_RTO), 3);
	rig_tcp_push(&t, RIG_ACK, 1, 101, 0);
	rig_expect_none(&rig);
	expect_probe(rig.now, 10000, 101, 1);
}
END_TEST

/* B-77: the user timeout decides, however many probes there may be. */
START_TEST(user_timeout)
{
	uint64_t start;

	kept_alive();
	set(MR_OPT_TCP_KEEPCNT, 100);
	set(MR_OPT_TCP_USER_TIMEOUT_NS, 15 * RIG_S);
	start = rig.now;
	expect_probe(start, 10000, 1, 1);
	expect_probe(start, 13000, 1, 1);
	ck_assert(rig_advance_until_frame(&rig, 20 * RIG_S));
	ck_assert_uint_le(rig.now - start, 16100 * RIG_MS);
	rig_tcp_expect(&t, RIG_RST | RIG_ACK, 1, 1, 0);
	ck_assert_int_eq(mr_ep_error(t.ep), -ETIMEDOUT);
}
END_TEST

/* MUST-24: switched off again; and a listener's choice is that of its connections. */
START_TEST(switched)
{
	kept_alive();
	rig_advance(&rig, 5 * RIG_S);
	set(MR_OPT_TCP_KEEPALIVE, 0);
	rig_expect_none_for(&rig, 100 * RIG_S);
	rig_tcp_init(&t, &rig, false);
	t.port = 81;
	rig_tcp_listen(&t, 4);
	ck_assert_int_eq(mr_ep_setopt(t.listener, MR_OPT_TCP_KEEPIDLE_NS, 20 * RIG_S), 0);
	ck_assert_int_eq(mr_ep_setopt(t.listener, MR_OPT_TCP_KEEPALIVE, 1), 0);
	rig_tcp_establish_passive(&t);
	rig_expect_none_for(&rig, 19 * RIG_S);
	expect_probe(rig.now, 1000, 1, 1);
}
END_TEST

static Suite *
suite(void)
{
	Suite *s = suite_create("tcp_keepalive");
	TCase *tc = rig_case(s, "keepalive", tcp_setup, rig_teardown);

	tcase_add_test(tc, off_by_default);
	tcase_add_test(tc, nobody_answers);
	tcase_add_test(tc, answered);
	tcase_add_test(tc, not_while_the_peer_talks);
	tcase_add_test(tc, not_while_data_is_outstanding);
	tcase_add_test(tc, user_timeout);
	tcase_add_test(tc, switched);
	return s;
}

RIG_MAIN(suite)
