/* SPDX-License-Identifier: Apache-2.0 */
/*
 * How TCP connections begin that others open: the handshake, what it agrees on, and its half-open record, which is there until
 * it is complete, reset or too old. Listeners: test_tcp_open_listener.c; active opens: test_tcp_open_active.c.
 *
 * Requirements by number: MUST-n, SHLD-n, T93-n, BA-n, WS-n, TS-n of RFC 9293 and its companions, B-n of the
 * behaviour list.
 */
#include <errno.h>

#include "accept.h"

/* ---- what is agreed on */

/* B-46, MUST-14, MUST-67, WS-02, WS-04, TS-01: the SYN-ACK offers what the SYN offered, its window is not scaled. */
START_TEST(passive_open_with_options)
{
	const struct rig_frame *f;
	struct mr_sockaddr name;

	rig_tcp_init(&t, &rig, _i);
	t.ts = true;
	rig_tcp_listen(&t, 4);
	rig_tcp_push(&t, RIG_SYN, 0, 0, 0);
	f = rig_expect(&rig, RIG_TCP);
	ck_assert_uint_eq(f->flags, RIG_SYN | RIG_ACK);
	ck_assert_uint_eq(f->ack, t.iss + 1);
	ck_assert(f->has_mss && f->mss == (_i ? 1440 : 1460));
	ck_assert(f->has_ws && f->ws <= 14);
	ck_assert_uint_eq(f->wnd, 65535);
	ck_assert(f->has_ts);
	ck_assert_uint_eq(f->tsecr, t.tsval);
	t.irs = f->seq;
	t.ts_on = true;
	t.tsecr = f->tsval;
	expect_accept(-EAGAIN);
	rig_tcp_push(&t, RIG_ACK, 1, 1, 0);
	rig_expect_none(&rig);
	ck_assert_int_eq(mr_ep_accept(t.listener, &t.ep), 0);
	ck_assert_int_eq(rig_tcp_state(t.ep), MR_TCP_ESTABLISHED);
	ck_assert_int_eq(mr_ep_remote_name(t.ep, &name), 0);
	ck_assert(mr_addr_equal(&name.addr, _i ? &rig.peer6 : &rig.peer4) && name.port == t.peer_port);
	ck_assert_uint_eq(rig_moved(&rig, MR_CNT_TCP_PASSIVE_OPENS), 1);
	ck_assert_uint_eq(rig_moved(&rig, MR_CNT_TCP_ESTABLISHED), 1);
	rig_expect_no_drop(&rig);
}
END_TEST

/* MUST-15, MUST-65, WS-01, TS-03: nothing offered, nothing agreed; the default segment size of the family. */
START_TEST(passive_open_without_options)
{
	const struct rig_frame *f;
	int64_t mss;

	rig_tcp_init(&t, &rig, _i);
	t.mss = 0;
	t.ws = -1;
	t.sack = false;
	rig_tcp_listen(&t, 4);
	rig_tcp_push(&t, RIG_SYN, 0, 0, 0);
	f = rig_expect(&rig, RIG_TCP);
	ck_assert(f->has_mss && !f->has_ws && !f->has_ts && !f->has_sackok);
	t.irs = f->seq;
	rig_tcp_push(&t, RIG_ACK, 1, 1, 0);
	rig_poll(&rig);
	ck_assert_int_eq(mr_ep_accept(t.listener, &t.ep), 0);
	ck_assert_int_eq(mr_ep_getopt(t.ep, MR_OPT_TCP_MAXSEG, &mss), 0);
	ck_assert_int_eq(mss, _i ? 1220 : 536);
	ck_assert_int_eq(rig_ep_send(t.ep, 0, 2000), 2000);
	f = rig_tcp_expect(&t, RIG_ACK, 1, 1, (uint32_t)mss, .pattern = true);
	ck_assert(!f->has_mss);
	rig_discard(&rig);
}
END_TEST

/* MUST-6, MUST-7, MUST-64: unknown, unaligned and broken options harm nothing. */
START_TEST(odd_options_are_survived)
{
	static const uint8_t odd[3][8] = {
		{254, 4, 1, 2, 2, 4, 0x05, 0xb4}, /* unknown, then MSS */
		{1, 2, 4, 0x05, 0xb4, 0, 0, 0},   /* MSS on an odd offset */
		{2, 0, 0x05, 0xb4, 1, 1, 1, 1},   /* length 0 */
	};
	int64_t mss;

	rig_tcp_listen(&t, 4);
	rig_tcp_push(&t, RIG_SYN, 0, 0, 0, .opts = odd[_i], .opts_len = 8);
	t.irs = rig_expect(&rig, RIG_TCP)->seq;
	rig_tcp_push(&t, RIG_ACK, 1, 1, 0);
	rig_poll(&rig);
	ck_assert_int_eq(mr_ep_accept(t.listener, &t.ep), 0);
	ck_assert_int_eq(mr_ep_getopt(t.ep, MR_OPT_TCP_MAXSEG, &mss), 0);
	ck_assert_int_eq(mss, _i == 2 ? 536 : 1460);
}
END_TEST

/* B-51, D-8: a SYN that offers ECN opens a connection like a plain one. */
START_TEST(ecn_setup_syn)
{
	rig_tcp_listen(&t, 4);
	rig_tcp_push(&t, RIG_SYN | RIG_ECE | RIG_CWR, 0, 0, 0);
	ck_assert_uint_eq(rig_expect(&rig, RIG_TCP)->flags, RIG_SYN | RIG_ACK | RIG_ECE);
}
END_TEST

/* MUST-8, SHLD-1: initial sequence numbers of one tuple grow with the clock, those of different tuples are apart. */
START_TEST(initial_sequence_numbers)
{
	uint32_t first, later;

	rig_tcp_start_passive(&t);
	first = t.irs;
	rig_tcp_push(&t, RIG_RST, 1, 0, 0);
	rig_advance(&rig, 400 * RIG_MS);
	rig_tcp_start_passive(&t);
	later = t.irs;
	ck_assert_uint_ge(later - first, 400000 / 5);
	ck_assert_uint_le(later - first, 400000);
	t.peer_port++;
	rig_tcp_start_passive(&t);
	ck_assert_uint_gt(t.irs - later, 1000000);
}
END_TEST

/* ---- the half-open record */

/* B-47: the same SYN gets the same SYN-ACK, also twice in one burst. */
START_TEST(syn_again_same_syn_ack)
{
	rig_tcp_start_passive(&t);
	rig_mark(&rig);
	rig_advance(&rig, 300 * RIG_MS);
	rig_tcp_push(&t, RIG_SYN, 0, 0, 0);
	rig_tcp_expect(&t, RIG_SYN | RIG_ACK, 0, 1, 0);
	rig_expect_drop(&rig, MR_DROP_TCP_DUPLICATE);
	rig_tcp_push(&t, RIG_ACK, 1, 1, 0);
	rig_expect_none(&rig);
	expect_accept(0);
	expect_accept(-EAGAIN);
}
END_TEST

START_TEST(syn_twice_in_a_burst)
{
	rig_tcp_listen(&t, 4);
	rig_mark(&rig);
	rig_tcp_push(&t, RIG_SYN, 0, 0, 0);
	rig_tcp_push(&t, RIG_SYN, 0, 0, 0);
	t.irs = rig_expect(&rig, RIG_TCP)->seq;
	rig_discard(&rig);
	rig_expect_drop(&rig, MR_DROP_TCP_DUPLICATE);
	ck_assert_uint_eq(rig_moved(&rig, MR_CNT_TCP_PASSIVE_OPENS), 1);
	rig_tcp_push(&t, RIG_ACK, 1, 1, 0);
	rig_expect_none(&rig);
	expect_accept(0);
	expect_accept(-EAGAIN);
}
END_TEST

/* MUST-22, RT-08: SYN-ACKs after 1, 2, 4, 8, 16 s; 32 s later the record is gone and the late ACK meets a listener. */
START_TEST(syn_ack_retransmission)
{
	static const uint64_t at_ms[] = {1000, 3000, 7000, 15000, 31000};
	uint64_t start;

	rig_tcp_start_passive(&t);
	start = rig.now;
	for (unsigned i = 0; i < 5; i++) {
		rig_expect_after(&rig, start, at_ms[i] * RIG_MS);
		rig_tcp_expect(&t, RIG_SYN | RIG_ACK, 0, 1, 0);
	}
	ck_assert_uint_eq(rig_moved(&rig, MR_CNT_TCP_RETRANSMITS), 5);
	rig_expect_none_for(&rig, 100 * RIG_S);
	rig_tcp_push(&t, RIG_ACK, 1, 1, 0);
	rig_tcp_expect(&t, RIG_RST, 1, 0, 0);
	expect_accept(-EAGAIN);
}
END_TEST

/* The record is there until its time is over. */
START_TEST(late_ack_completes)
{
	uint64_t start;

	rig_tcp_start_passive(&t);
	start = rig.now;
	rig_advance(&rig, 62 * RIG_S);
	rig_discard(&rig);
	ck_assert_uint_ge(rig.now, start + 62 * RIG_S);
	rig_tcp_push(&t, RIG_ACK, 1, 1, 0);
	rig_expect_none(&rig);
	expect_accept(0);
}
END_TEST

/* B-46, T93-03: an ACK of anything but ISS + 1 gets a reset, and the record stays. */
START_TEST(syn_received_wrong_ack)
{
	static const uint32_t acks[] = {0, 2, 0x80000000u};

	rig_tcp_start_passive(&t);
	rig_mark(&rig);
	rig_tcp_push(&t, RIG_ACK, 1, acks[_i], 0);
	rig_tcp_expect(&t, RIG_RST, acks[_i], 0, 0);
	rig_expect_drop(&rig, MR_DROP_TCP_BAD_ACK);
	expect_accept(-EAGAIN);
	rig_tcp_push(&t, RIG_ACK, 1, 1, 0);
	rig_expect_none(&rig);
	expect_accept(0);
}
END_TEST

/* B-46, T93-01: outside the window: an ACK, and the record stays. */
START_TEST(syn_received_out_of_window)
{
	rig_tcp_start_passive(&t);
	rig_mark(&rig);
	rig_tcp_push(&t, RIG_ACK, 1 + 65535, 1, 0);
	rig_tcp_expect(&t, RIG_ACK, 1, 1, 0);
	rig_expect_drop(&rig, MR_DROP_TCP_OUT_OF_WINDOW);
	rig_tcp_push(&t, RIG_ACK, 1, 1, 0);
	rig_expect_none(&rig);
	expect_accept(0);
}
END_TEST

/* T93-06: a reset at RCV.NXT silently returns to LISTEN. */
START_TEST(syn_received_rst)
{
	rig_tcp_start_passive(&t);
	rig_mark(&rig);
	rig_tcp_push(&t, RIG_RST, 1, 0, 0);
	rig_expect_none(&rig);
	ck_assert_uint_eq(rig_moved(&rig, MR_CNT_TCP_RESETS_RX), 1);
	rig_expect_no_drop(&rig);
	rig_expect_none_for(&rig, 2 * RIG_S);
	rig_tcp_push(&t, RIG_ACK, 1, 1, 0);
	rig_tcp_expect(&t, RIG_RST, 1, 0, 0);
	rig_tcp_establish_passive(&t);
}
END_TEST

/* BA-01, BA-05: in the window but not at its edge: a challenge; outside: nothing. The record stays. */
START_TEST(syn_received_inexact_rst)
{
	rig_tcp_start_passive(&t);
	rig_mark(&rig);
	rig_tcp_push(&t, RIG_RST, 2, 0, 0);
	rig_tcp_expect(&t, RIG_ACK, 1, 1, 0);
	rig_expect_drop(&rig, MR_DROP_TCP_BAD_RST);
	rig_mark(&rig);
	rig_tcp_push(&t, RIG_RST, 0, 0, 0);
	rig_expect_none(&rig);
	rig_expect_drop(&rig, MR_DROP_TCP_OUT_OF_WINDOW);
	rig_tcp_push(&t, RIG_ACK, 1, 1, 0);
	rig_expect_none(&rig);
	expect_accept(0);
}
END_TEST

/* BA-02, BA-05: another SYN in the window is challenged. */
START_TEST(syn_received_other_syn)
{
	rig_tcp_start_passive(&t);
	rig_mark(&rig);
	rig_tcp_push(&t, RIG_SYN, 100, 0, 0);
	rig_tcp_expect(&t, RIG_ACK, 1, 1, 0);
	rig_expect_drop(&rig, MR_DROP_TCP_SYN_IN_CONN);
}
END_TEST

/* T93-12: data on a SYN is not delivered before the handshake; it comes again. B-54: data before accept is kept. */
START_TEST(data_with_syn_and_before_accept)
{
	rig_tcp_listen(&t, 4);
	rig_tcp_push(&t, RIG_SYN, 0, 0, 10);
	t.irs = rig_expect(&rig, RIG_TCP)->seq;
	rig_tcp_push(&t, RIG_ACK | RIG_PSH, 1, 1, 10);
	rig_advance(&rig, 50 * RIG_MS);
	rig_tcp_expect(&t, RIG_ACK, 1, 11, 0);
	ck_assert_int_eq(mr_ep_accept(t.listener, &t.ep), 0);
	rig_ep_recv(t.ep, 0, 10);
}
END_TEST

/* The FIN may come with the third segment as well. */
START_TEST(fin_with_the_third_segment)
{
	char c;

	rig_tcp_start_passive(&t);
	rig_tcp_push(&t, RIG_ACK | RIG_FIN, 1, 1, 5);
	rig_tcp_expect(&t, RIG_ACK, 1, 7, 0);
	ck_assert_int_eq(mr_ep_accept(t.listener, &t.ep), 0);
	ck_assert_int_eq(rig_tcp_state(t.ep), MR_TCP_CLOSE_WAIT);
	rig_ep_recv(t.ep, 0, 5);
	ck_assert_int_eq(mr_ep_recv(t.ep, &c, 1, NULL), 0);
}
END_TEST

static Suite *
suite(void)
{
	Suite *s = suite_create("tcp_open");
	TCase *tc = rig_case(s, "open", tcp_setup, rig_teardown);

	tcase_add_loop_test(tc, passive_open_with_options, 0, 2);
	tcase_add_loop_test(tc, passive_open_without_options, 0, 2);
	tcase_add_loop_test(tc, odd_options_are_survived, 0, 3);
	tcase_add_test(tc, ecn_setup_syn);
	tcase_add_test(tc, initial_sequence_numbers);
	tcase_add_test(tc, syn_again_same_syn_ack);
	tcase_add_test(tc, syn_twice_in_a_burst);
	tcase_add_test(tc, syn_ack_retransmission);
	tcase_add_test(tc, late_ack_completes);
	tcase_add_loop_test(tc, syn_received_wrong_ack, 0, 3);
	tcase_add_test(tc, syn_received_out_of_window);
	tcase_add_test(tc, syn_received_rst);
	tcase_add_test(tc, syn_received_inexact_rst);
	tcase_add_test(tc, syn_received_other_syn);
	tcase_add_test(tc, data_with_syn_and_before_accept);
	tcase_add_test(tc, fin_with_the_third_segment);
	return s;
}

RIG_MAIN(suite)
