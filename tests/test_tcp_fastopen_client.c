/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Fast Open, the client's half (RFC 7413): what a SYN carries, and what becomes of it. What is remembered of a peer:
 * test_tcp_fastopen_peers.c; both halves against each other: test_tcp_fastopen_duo.c.
 *
 * Requirements by number: FO-n of RFC 7413.
 */
#include <rte_common.h>

#include "fastopen_client.h"

static void
expect_info(uint64_t acked, bool taken)
{
	struct mr_tcp_info info;

	ck_assert_int_eq(mr_tcp_info(t.ep, &info), 0);
	ck_assert_uint_eq(info.bytes_acked, acked);
	ck_assert_int_eq(info.fastopen, taken);
	ck_assert_uint_eq(info.retransmitted_segs, 0);
}

/* FO-01: who does not ask for it gets the ordinary open, and may not write before. */
START_TEST(off_by_default)
{
	learn(8);
	rig_tcp_start_active(&t);
	ck_assert_int_eq(mr_ep_send(t.ep, "x", 1), -EAGAIN);
	rig_expect_none(&rig);
}
END_TEST

/* FO-04: without a cookie one is asked for; the data waits for the handshake. With one it is in the SYN, and is not sent
 * again. */
START_TEST(cookie_then_data)
{
	static const uint8_t lens[] = {4, 8, 16};

	rig_tcp_init(&t, &rig, _i & 1);
	open_with(100);
	expect_syn(0, 0);
	push_syn_ack(1, lens[_i / 2]);
	rig_tcp_expect(&t, RIG_ACK | RIG_PSH, 1, 1, 100, .pattern = true);
	rig_tcp_push(&t, RIG_ACK, 1, 101, 0);
	rig_expect_none(&rig);
	expect_info(100, false);
	another();
	open_with(100);
	expect_syn(lens[_i / 2], 100);
	rig_advance(&rig, 7 * RIG_MS);
	push_syn_ack(101, 0);
	rig_tcp_expect(&t, RIG_ACK, 101, 1, 0);
	expect_info(100, true);
	ck_assert_uint_eq(rig_moved(&rig, MR_CNT_TCP_FASTOPEN_ACTIVE), 1);
	/* And on it goes. */
	ck_assert_int_eq(rig_ep_send(t.ep, 100, 50), 50);
	rig_tcp_expect(&t, RIG_ACK | RIG_PSH, 101, 1, 50, .pattern = true);
	rig_tcp_push(&t, RIG_ACK, 1, 151, 0);
	rig_expect_none_for(&rig, 5 * RIG_S);
	expect_info(150, true);
}
END_TEST

/* What is written after the turn waits; nothing written: the cookie alone, for a peer that speaks first. */
START_TEST(written_later)
{
	learn(8);
	open_with(0);
	expect_syn(8, 0);
	ck_assert_uint_eq(mr_ep_readiness(t.ep), MR_EV_OUT);
	ck_assert_int_eq(rig_ep_send(t.ep, 0, 100), 100);
	rig_expect_none(&rig);
	push_syn_ack(1, 0);
	rig_tcp_expect(&t, RIG_ACK | RIG_PSH, 1, 1, 100, .pattern = true);
	expect_info(0, false);
	ck_assert_uint_eq(rig_moved(&rig, MR_CNT_TCP_FASTOPEN_FAILED), 0);
}
END_TEST

/* RFC 7413 4.2.1: no more data than the peer's MSS has room for besides the options; the rest follows the handshake. */
START_TEST(more_than_a_segment)
{
	const struct rig_frame *f;
	uint32_t in_syn;

	t.mss = 1000;
	t.ts = t.ts_on = true;
	learn(8);
	t.mss = 1000;
	t.ts = t.ts_on = true;
	open_with(4000);
	f = rig_expect(&rig, RIG_TCP);
	in_syn = f->payload_len;
	t.irs = f->seq;
	ck_assert_uint_eq(in_syn + f->opts_len, 1000);
	ck_assert_uint_eq(rig_pattern_check(f->payload, 0, in_syn), in_syn);
	t.tsecr = f->tsval;
	push_syn_ack(1 + in_syn, 0);
	for (uint32_t at = 1 + in_syn; at < 4001;) {
		f = rig_tcp_next(&t);
		ck_assert_uint_eq(rig_tcp_seq(&t, f), at);
		ck_assert_uint_eq(rig_pattern_check(f->payload, at - 1, f->payload_len), f->payload_len);
		ck_assert_uint_eq(f->payload_len, RTE_MIN(4001 - at, 1000u - 12));
		at += f->payload_len;
	}
	rig_tcp_push(&t, RIG_ACK, 1, 4001, 0);
	rig_expect_none_for(&rig, 5 * RIG_S);
	expect_info(4000, true);
}
END_TEST

/* RFC 7413 4.2.1: the peer has not taken it, or only the first bytes: the rest goes with the ACK. */
START_TEST(not_or_partly_taken)
{
	uint32_t taken = _i ? 60 : 0;

	learn(8);
	open_with(100);
	expect_syn(8, 100);
	push_syn_ack(1 + taken, 0);
	rig_tcp_expect(&t, RIG_ACK | RIG_PSH, 1 + taken, 1, 100 - taken, .pattern = true);
	rig_expect_none(&rig);
	ck_assert_uint_eq(rig_moved(&rig, _i ? MR_CNT_TCP_FASTOPEN_ACTIVE : MR_CNT_TCP_FASTOPEN_FAILED), 1);
	ck_assert_uint_eq(rig_moved(&rig, _i ? MR_CNT_TCP_FASTOPEN_FAILED : MR_CNT_TCP_FASTOPEN_ACTIVE), 0);
	rig_tcp_push(&t, RIG_ACK, 1, 101, 0);
	rig_expect_none_for(&rig, 5 * RIG_S);
	another();
	/* It may have been only this time. */
	open_with(100);
	expect_syn(8, 100);
}
END_TEST

/* What was never sent cannot be acknowledged. */
START_TEST(too_much_taken)
{
	learn(8);
	open_with(100);
	expect_syn(8, 100);
	push_syn_ack(102, 0);
	rig_tcp_expect(&t, RIG_RST, 102, 0, 0);
	ck_assert_int_eq(rig_tcp_state(t.ep), MR_TCP_SYN_SENT);
	push_syn_ack(101, 0);
	rig_tcp_expect(&t, RIG_ACK, 101, 1, 0);
}
END_TEST

/* FO-04, RFC 7413 4.1.3.1: the SYN again is an ordinary one. Its answer may be that of the first. */
START_TEST(syn_lost)
{
	learn(8);
	open_with(100);
	expect_syn(8, 100);
	for (unsigned i = 0; i < 2; i++) {
		ck_assert(rig_advance_until_frame(&rig, 4 * RIG_S));
		expect_syn(-1, 0);
	}
	push_syn_ack(_i ? 101 : 1, 0);
	if (_i)
		rig_tcp_expect(&t, RIG_ACK, 101, 1, 0);
	else
		rig_tcp_expect(&t, RIG_ACK | RIG_PSH, 1, 1, 100, .pattern = true);
	rig_tcp_push(&t, RIG_ACK, 1, 101, 0);
	rig_expect_none_for(&rig, 5 * RIG_S);
	expect_info(100, _i);
}
END_TEST

/* Nobody answers: so many SYNs, then the end, and what was written goes with it. */
START_TEST(nobody_answers)
{
	unsigned n = 0;

	learn(8);
	open_with(5000);
	rig_discard(&rig);
	while (rig_advance_until_frame(&rig, 200 * RIG_S)) {
		expect_syn(-1, 0);
		n++;
	}
	ck_assert_uint_eq(n, 6);
	ck_assert_int_eq(mr_ep_send(t.ep, "x", 1), -ETIMEDOUT);
	ck_assert_int_eq(rig_tcp_state(t.ep), MR_TCP_CLOSED);
}
END_TEST

START_TEST(refused)
{
	learn(8);
	open_with(100);
	expect_syn(8, 100);
	rig_tcp_push(&t, RIG_RST | RIG_ACK, 0, _i ? 101 : 1, 0, .no_opts = true);
	rig_expect_none(&rig);
	ck_assert_int_eq(mr_ep_send(t.ep, "x", 1), -ECONNREFUSED);
	ck_assert_uint_eq(rig_moved(&rig, MR_CNT_TCP_RESETS_RX), 1);
}
END_TEST

/* Both have called at once (MUST-10): the data goes when both SYNs are acknowledged, or is taken by then. */
START_TEST(simultaneous_open)
{
	learn(8);
	open_with(100);
	expect_syn(8, 100);
	rig_tcp_push(&t, RIG_SYN, 0, 0, 0);
	rig_tcp_expect(&t, RIG_SYN | RIG_ACK, 0, 1, 0);
	ck_assert_int_eq(rig_ep_send(t.ep, 100, 20), 20);
	rig_expect_none(&rig);
	rig_tcp_push(&t, RIG_SYN | RIG_ACK, 0, _i ? 101 : 1, 0);
	rig_tcp_expect(&t, RIG_ACK | RIG_PSH, _i ? 101 : 1, 1, _i ? 20 : 120, .pattern = true);
	ck_assert_int_eq(rig_tcp_state(t.ep), MR_TCP_ESTABLISHED);
	rig_tcp_push(&t, RIG_ACK, 1, 121, 0);
	rig_expect_none_for(&rig, 5 * RIG_S);
	expect_info(120, _i);
}
END_TEST

/* Written and closed before anything is known of the peer: all of it arrives, and the FIN. */
START_TEST(closed_at_once)
{
	learn(8);
	open_with(100);
	if (_i)
		ck_assert_int_eq(mr_ep_shutdown(t.ep, MR_SHUT_WR), 0);
	else
		mr_ep_close(t.ep);
	expect_syn(8, 100);
	push_syn_ack(101, 0);
	rig_tcp_expect(&t, RIG_ACK | RIG_FIN, 101, 1, 0);
	rig_tcp_push(&t, RIG_ACK | RIG_FIN, 1, 102, 0);
	rig_tcp_expect(&t, RIG_ACK, 102, 2, 0);
	if (_i)
		ck_assert_int_eq(rig_tcp_state(t.ep), MR_TCP_TIME_WAIT);
}
END_TEST

/* The same where it is not in the SYN. Nothing written: nothing is opened either. Aborted: nothing goes. */
START_TEST(closed_without_a_cookie)
{
	open_with(100);
	mr_ep_close(t.ep);
	expect_syn(0, 0);
	push_syn_ack(1, 0);
	rig_tcp_expect(&t, RIG_ACK | RIG_PSH | RIG_FIN, 1, 1, 100, .pattern = true);
	rig_tcp_push(&t, RIG_RST, 1, 0, 0);
	rig_expect_none(&rig);
	open_with(0);
	mr_ep_close(t.ep);
	rig_expect_none(&rig);
	open_with(100);
	mr_ep_abort(t.ep);
	rig_expect_none_for(&rig, 5 * RIG_S);
}
END_TEST

/* A router says that the SYN is too big: later segments are smaller, and nothing is lost. */
START_TEST(syn_too_big)
{
	const struct rig_frame *f;
	struct rig_buf b;
	uint32_t sent = 0;

	learn(8);
	open_with(3000);
	f = rig_expect(&rig, RIG_TCP);
	ck_assert_uint_gt(f->payload_len, 1400);
	t.irs = f->seq;
	rig_build_icmp(&rig, &b, &(struct rig_icmp){.type = 3, .code = 4, .rest = 1000, .data = f->b + 14, .len = 28});
	rig_push_buf(&rig, &b);
	rig_expect_none(&rig);
	ck_assert(rig_advance_until_frame(&rig, 4 * RIG_S));
	expect_syn(-1, 0);
	push_syn_ack(1, 0);
	while (sent < 3000) {
		f = rig_tcp_next(&t);
		ck_assert_uint_le(f->payload_len, 960);
		ck_assert_uint_eq(rig_tcp_seq(&t, f), 1 + sent);
		ck_assert_uint_eq(rig_pattern_check(f->payload, sent, f->payload_len), f->payload_len);
		sent += f->payload_len;
		rig_tcp_push(&t, RIG_ACK, 1, 1 + sent, 0);
	}
}
END_TEST

/* The MSS of the answer is smaller than that of the last time: what was cut for the larger one is cut anew. */
START_TEST(mss_shrinks)
{
	const struct rig_frame *f;
	uint32_t sent;

	learn(8);
	open_with(5000);
	f = rig_expect(&rig, RIG_TCP);
	sent = f->payload_len;
	t.irs = f->seq;
	t.mss = 500;
	push_syn_ack(_i ? 1 + sent : 1, 0);
	sent = _i ? sent : 0;
	while (sent < 5000) {
		f = rig_tcp_next(&t);
		ck_assert_uint_le(f->payload_len, 500);
		ck_assert_uint_eq(rig_tcp_seq(&t, f), 1 + sent);
		sent += f->payload_len;
		rig_tcp_push(&t, RIG_ACK, 1, 1 + sent, 0);
	}
}
END_TEST

static Suite *
suite(void)
{
	Suite *s = suite_create("tcp_fastopen_client");
	TCase *tc = rig_case(s, "client", tcp_setup, rig_teardown);

	tcase_add_test(tc, off_by_default);
	tcase_add_loop_test(tc, cookie_then_data, 0, 6);
	tcase_add_test(tc, written_later);
	tcase_add_test(tc, more_than_a_segment);
	tcase_add_loop_test(tc, not_or_partly_taken, 0, 2);
	tcase_add_test(tc, too_much_taken);
	tcase_add_loop_test(tc, syn_lost, 0, 2);
	tcase_add_test(tc, nobody_answers);
	tcase_add_loop_test(tc, refused, 0, 2);
	tcase_add_loop_test(tc, simultaneous_open, 0, 2);
	tcase_add_loop_test(tc, closed_at_once, 0, 2);
	tcase_add_test(tc, closed_without_a_cookie);
	tcase_add_test(tc, syn_too_big);
	tcase_add_loop_test(tc, mss_shrinks, 0, 2);
	return s;
}

RIG_MAIN(suite)
