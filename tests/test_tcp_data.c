/* SPDX-License-Identifier: Apache-2.0 */
/*
 * TCP data that comes in: acknowledgements, order, windows, and segments that are wrong. What is sent: test_tcp_send.c; timestamps:
 * test_tcp_ts.c. The scripted peer starts 16 below the wrap of sequence numbers.
 *
 * Requirements by number: MUST-n, SHLD-n, T93-n, CC-n of RFC 9293 and its companions, B-n of the behaviour list.
 */
#include "rig/fixture.h"

#include <errno.h>

#include <rte_common.h>
#include <rte_mbuf.h>

#include "stack/stack.h"

#define BUF_BYTES 4096

/* A connection whose receive buffer is small, so that its window can be filled; no scaling. */
static void
small_buffer(void)
{
	t.ws = -1;
	rig_tcp_listen(&t, 4);
	ck_assert_int_eq(mr_ep_setopt(t.listener, MR_OPT_RCVBUF, BUF_BYTES), 0);
	rig_tcp_establish_passive(&t);
}

/* ---- receiving */

/* MUST-40, SHLD-18, B-54: one segment is acknowledged after 40 ms. */
START_TEST(delayed_ack)
{
	uint64_t start;

	rig_tcp_init(&t, &rig, _i);
	rig_tcp_establish_passive(&t);
	start = rig.now;
	rig_tcp_push(&t, RIG_ACK, 1, 1, 100);
	rig_expect_none_for(&rig, 39 * RIG_MS);
	rig_expect_after(&rig, start, 40 * RIG_MS);
	rig_tcp_expect(&t, RIG_ACK, 1, 101, 0);
	ck_assert_uint_eq(rig_moved(&rig, MR_CNT_TCP_DELAYED_ACKS), 1);
	rig_ep_recv(t.ep, 0, 100);
	rig_expect_none_for(&rig, RIG_S);
}
END_TEST

/* SHLD-19, CC-17: the second full segment at once. */
START_TEST(ack_every_second_segment)
{
	rig_tcp_establish_passive(&t);
	rig_tcp_push(&t, RIG_ACK, 1, 1, 1460);
	rig_expect_none_for(&rig, 10 * RIG_MS);
	rig_tcp_push(&t, RIG_ACK, 1461, 1, 1460);
	rig_tcp_expect(&t, RIG_ACK, 1, 2921, 0);
	rig_expect_none_for(&rig, RIG_S);
	rig_ep_recv(t.ep, 0, 2920);
}
END_TEST

/* MUST-58, MUST-59, CC-16: one ACK for all that came in one burst. */
START_TEST(one_ack_per_burst)
{
	rig_tcp_establish_passive(&t);
	for (uint32_t i = 0; i < 8; i++)
		rig_tcp_push(&t, RIG_ACK, 1 + i * 1000, 1, 1000);
	rig_tcp_expect(&t, RIG_ACK, 1, 8001, 0);
	rig_expect_none_for(&rig, RIG_S);
	rig_ep_recv(t.ep, 0, 8000);
}
END_TEST

/* Without an mbuf for it an ACK is late by a millisecond, and not lost. */
START_TEST(ack_without_mbuf)
{
	struct rte_mbuf *held[4096];
	uint64_t start;
	unsigned n = 0;

	rig_tcp_establish_passive(&t);
	while (n < RTE_DIM(held) && (held[n] = mr_stack_tx_alloc(rig.stack)))
		n++;
	rig_tcp_push(&t, RIG_ACK, 1, 1, 1460);
	rig_tcp_push(&t, RIG_ACK, 1461, 1, 1460);
	rig_expect_none(&rig);
	ck_assert_uint_ge(rig_moved(&rig, MR_DROP_NO_TX_MBUF), 1);
	start = rig.now;
	rte_pktmbuf_free_bulk(held, n);
	rig_expect_after(&rig, start, RIG_MS);
	rig_tcp_expect(&t, RIG_ACK, 1, 2921, 0);
	rig_ep_recv(t.ep, 0, 2920);
}
END_TEST

/* Behind a gap that has been filled, and behind what came twice, sixteen segments are acknowledged at once: the peer has few
 * in flight, and would wait for the timer with each. */
START_TEST(ack_at_once_after_loss)
{
	uint32_t seq = 1;

	rig_tcp_establish_passive(&t);
	rig_tcp_push(&t, RIG_ACK, seq + 100, 1, 100);
	rig_tcp_expect(&t, RIG_ACK, 1, seq, 0, .n_sack = 1, .sack = {{seq + 100, seq + 200}});
	rig_tcp_push(&t, RIG_ACK, seq, 1, 100);
	seq += 200;
	rig_tcp_expect(&t, RIG_ACK, 1, seq, 0);
	for (unsigned round = 0; round < 2; round++) {
		for (unsigned i = 0; i < 16; i++, seq += 100) {
			rig_tcp_push(&t, RIG_ACK, seq, 1, 100);
			rig_tcp_expect(&t, RIG_ACK, 1, seq + 100, 0);
		}
		rig_tcp_push(&t, RIG_ACK, seq, 1, 100);
		seq += 100;
		rig_expect_none_for(&rig, 39 * RIG_MS);
		rig_advance(&rig, 2 * RIG_MS);
		rig_tcp_expect(&t, RIG_ACK, 1, seq, 0);
		rig_tcp_push(&t, RIG_ACK, seq - 100, 1, 100);
		rig_tcp_expect(&t, RIG_ACK, 1, seq, 0, .n_sack = 1, .sack = {{seq - 100, seq}});
	}
	rig_ep_recv(t.ep, 0, seq - 1);
}
END_TEST

/* Not if the application has asked for delayed ones, of the connection or of its listener. */
START_TEST(ack_delayed_after_loss)
{
	rig_tcp_listen(&t, 4);
	if (_i == 0)
		ck_assert_int_eq(mr_ep_setopt(t.listener, MR_OPT_TCP_QUICKACK, 0), 0);
	rig_tcp_establish_passive(&t);
	rig_tcp_push(&t, RIG_ACK, 101, 1, 100);
	rig_tcp_expect(&t, RIG_ACK, 1, 1, 0, .n_sack = 1, .sack = {{101, 201}});
	rig_tcp_push(&t, RIG_ACK, 1, 1, 100);
	rig_tcp_expect(&t, RIG_ACK, 1, 201, 0);
	if (_i == 1)
		ck_assert_int_eq(mr_ep_setopt(t.ep, MR_OPT_TCP_QUICKACK, 0), 0);
	rig_tcp_push(&t, RIG_ACK, 201, 1, 100);
	rig_expect_none_for(&rig, 39 * RIG_MS);
	rig_advance(&rig, 2 * RIG_MS);
	rig_tcp_expect(&t, RIG_ACK, 1, 301, 0);
}
END_TEST

/* MUST-58: data that goes back carries the ACK. */
START_TEST(ack_rides_on_data)
{
	rig_tcp_establish_passive(&t);
	rig_tcp_push(&t, RIG_ACK, 1, 1, 100);
	rig_poll(&rig);
	rig_ep_send(t.ep, 0, 50);
	rig_tcp_expect(&t, RIG_ACK | RIG_PSH, 1, 101, 50, .pattern = true);
	rig_tcp_push(&t, RIG_ACK, 101, 51, 0);
	rig_expect_none_for(&rig, RIG_S);
}
END_TEST

START_TEST(quickack)
{
	rig_tcp_establish_passive(&t);
	ck_assert_int_eq(mr_ep_setopt(t.ep, MR_OPT_TCP_QUICKACK, 1), 0);
	rig_tcp_push(&t, RIG_ACK, 1, 1, 1);
	rig_tcp_expect(&t, RIG_ACK, 1, 2, 0);
}
END_TEST

/* B-57: a FIN that comes again is acknowledged again, and ends nothing twice. */
START_TEST(fin_again)
{
	rig_tcp_reach(&t, MR_TCP_CLOSE_WAIT);
	rig_mark(&rig);
	rig_tcp_push(&t, RIG_ACK | RIG_FIN, 1, 1, 0);
	rig_tcp_expect(&t, RIG_ACK, 1, 2, 0);
	rig_expect_drop(&rig, MR_DROP_TCP_OUT_OF_WINDOW);
	ck_assert_int_eq(rig_tcp_state(t.ep), MR_TCP_CLOSE_WAIT);
}
END_TEST

/* T93-15: a plain ACK is never acknowledged. */
START_TEST(plain_ack_is_not_answered)
{
	rig_tcp_establish_passive(&t);
	for (int i = 0; i < 5; i++)
		rig_tcp_push(&t, RIG_ACK, 1, 1, 0);
	rig_expect_none_for(&rig, RIG_S);
	rig_expect_no_drop(&rig);
}
END_TEST

/* T93-15: one outside the window is, but not time and again: two confused ends would go on for ever. */
START_TEST(plain_acks_outside_the_window)
{
	rig_tcp_establish_passive(&t);
	for (int i = 0; i < 5; i++) {
		rig_tcp_push(&t, RIG_ACK, 0x40000000u, 1, 0);
		if (i == 0)
			rig_tcp_expect(&t, RIG_ACK, 1, 1, 0);
		rig_expect_none(&rig);
	}
	rig_advance(&rig, 501 * RIG_MS);
	rig_tcp_push(&t, RIG_ACK, 0x40000000u, 1, 0);
	rig_tcp_expect(&t, RIG_ACK, 1, 1, 0);
}
END_TEST

/* SHLD-31, CC-11, MAY-13, B-55: each early segment a duplicate ACK; what fills the hole one ACK for all. */
START_TEST(out_of_order)
{
	rig_tcp_establish_passive(&t);
	rig_tcp_push(&t, RIG_ACK, 101, 1, 100);
	rig_tcp_expect(&t, RIG_ACK, 1, 1, 0);
	rig_tcp_push(&t, RIG_ACK, 301, 1, 100);
	rig_tcp_expect(&t, RIG_ACK, 1, 1, 0);
	rig_tcp_push(&t, RIG_ACK, 201, 1, 100);
	rig_tcp_expect(&t, RIG_ACK, 1, 1, 0);
	rig_expect_none(&rig);
	ck_assert_int_eq(mr_ep_readiness(t.ep) & MR_EV_IN, 0);
	ck_assert_uint_eq(rig_moved(&rig, MR_CNT_TCP_OOO_SEGMENTS), 3);
	rig_tcp_push(&t, RIG_ACK, 1, 1, 100);
	rig_tcp_expect(&t, RIG_ACK, 1, 401, 0);
	rig_expect_none_for(&rig, RIG_S);
	rig_ep_recv(t.ep, 0, 400);
}
END_TEST

/* CC-11: filling a part of the hole is acknowledged at once, too. */
START_TEST(two_holes)
{
	rig_tcp_establish_passive(&t);
	rig_tcp_push(&t, RIG_ACK, 101, 1, 100);
	rig_tcp_expect(&t, RIG_ACK, 1, 1, 0);
	rig_tcp_push(&t, RIG_ACK, 301, 1, 100);
	rig_tcp_expect(&t, RIG_ACK, 1, 1, 0);
	rig_tcp_push(&t, RIG_ACK, 1, 1, 100);
	rig_tcp_expect(&t, RIG_ACK, 1, 201, 0);
	rig_tcp_push(&t, RIG_ACK, 201, 1, 100);
	rig_tcp_expect(&t, RIG_ACK, 1, 401, 0);
	rig_ep_recv(t.ep, 0, 400);
}
END_TEST

/* T93-01, B-57: wholly outside the window: an ACK with what is expected, and nothing is kept. */
START_TEST(outside_the_window)
{
	static const uint32_t seqs[] = {1 + BUF_BYTES, 0x40000001u, 0xffffff00u};

	small_buffer();
	rig_mark(&rig);
	rig_tcp_push(&t, RIG_ACK, seqs[_i], 1, 100);
	rig_tcp_expect(&t, RIG_ACK, 1, 1, 0);
	rig_expect_drop(&rig, MR_DROP_TCP_OUT_OF_WINDOW);
	rig_tcp_push(&t, RIG_ACK, 1, 1, 100);
	rig_advance(&rig, 50 * RIG_MS);
	rig_tcp_expect(&t, RIG_ACK, 1, 101, 0);
	rig_ep_recv(t.ep, 0, 100);
}
END_TEST

/* B-57: a segment that came before is acknowledged again at once. */
START_TEST(old_segment)
{
	rig_tcp_establish_passive(&t);
	rig_tcp_push(&t, RIG_ACK, 1, 1, 100);
	rig_advance(&rig, 50 * RIG_MS);
	rig_tcp_expect(&t, RIG_ACK, 1, 101, 0);
	rig_mark(&rig);
	rig_tcp_push(&t, RIG_ACK, 1, 1, 100);
	rig_tcp_expect(&t, RIG_ACK, 1, 101, 0);
	rig_expect_drop(&rig, MR_DROP_TCP_OUT_OF_WINDOW);
	rig_ep_recv(t.ep, 0, 100);
}
END_TEST

/* T93-02, B-57: only the new part of an overlapping segment counts; whole frames or chains of small pieces. */
START_TEST(overlap_is_trimmed)
{
	rig.rx_seg_bytes = _i ? 70 : 0;
	rig_tcp_establish_passive(&t);
	rig_tcp_push(&t, RIG_ACK, 1, 1, 100);
	rig_tcp_push(&t, RIG_ACK, 51, 1, 100);
	rig_tcp_expect(&t, RIG_ACK, 1, 151, 0);
	rig_tcp_push(&t, RIG_ACK, 301, 1, 100);
	rig_tcp_expect(&t, RIG_ACK, 1, 151, 0);
	rig_tcp_push(&t, RIG_ACK, 251, 1, 200); /* around the piece that is there */
	rig_tcp_expect(&t, RIG_ACK, 1, 151, 0);
	rig_tcp_push(&t, RIG_ACK, 101, 1, 170);
	rig_tcp_expect(&t, RIG_ACK, 1, 451, 0);
	rig_ep_recv(t.ep, 0, 450);
}
END_TEST

/* T93-02: what lies beyond the window is cut off, and a FIN behind it. */
START_TEST(beyond_the_window_is_trimmed)
{
	small_buffer();
	for (uint32_t i = 0; i < 4; i++)
		rig_tcp_push(&t, RIG_ACK, 1 + i * 1000, 1, 1000);
	rig_tcp_expect(&t, RIG_ACK, 1, 4001, 0, .check_wnd = true, .wnd = BUF_BYTES - 4000);
	rig_tcp_push(&t, RIG_ACK | RIG_FIN, 4001, 1, 500);
	rig_tcp_expect(&t, RIG_ACK, 1, 1 + BUF_BYTES, 0, .check_wnd = true, .wnd = 0);
	ck_assert_int_eq(rig_tcp_state(t.ep), MR_TCP_ESTABLISHED);
	rig_ep_recv(t.ep, 0, BUF_BYTES);
}
END_TEST

/* T93-09: a FIN ahead of its data waits for it. */
START_TEST(fin_out_of_order)
{
	char c;

	rig_tcp_establish_passive(&t);
	rig_tcp_push(&t, RIG_ACK | RIG_FIN, 101, 1, _i ? 50 : 0);
	rig_tcp_expect(&t, RIG_ACK, 1, 1, 0);
	ck_assert_int_eq(rig_tcp_state(t.ep), MR_TCP_ESTABLISHED);
	rig_tcp_push(&t, RIG_ACK, 1, 1, 100);
	rig_tcp_expect(&t, RIG_ACK, 1, _i ? 152 : 102, 0);
	ck_assert_int_eq(rig_tcp_state(t.ep), MR_TCP_CLOSE_WAIT);
	rig_ep_recv(t.ep, 0, _i ? 150 : 100);
	ck_assert_int_eq(mr_ep_recv(t.ep, &c, 1, NULL), 0);
}
END_TEST

/* ---- the window that we tell */

/* SHLD-14, B-58: the right edge stands still while data comes and nobody reads. */
START_TEST(window_does_not_shrink)
{
	uint32_t edge = 0, rcv = 1;

	t.ws = _i ? 7 : -1;
	rig_tcp_listen(&t, 4);
	ck_assert_int_eq(mr_ep_setopt(t.listener, MR_OPT_RCVBUF, 200001), 0);
	rig_tcp_establish_passive(&t);
	for (unsigned i = 0; i < 40; i++) {
		const struct rig_frame *f;
		uint32_t now;

		rig_tcp_push(&t, RIG_ACK, rcv, 1, 777);
		rcv += 777;
		if (i == 20)
			ck_assert_int_eq(mr_ep_setopt(t.ep, MR_OPT_RCVBUF, 2048), 0);
		rig_advance(&rig, 50 * RIG_MS);
		f = rig_tcp_expect(&t, RIG_ACK, 1, rcv, 0);
		now = rcv + rig_tcp_window(&t, f);
		ck_assert_uint_ge(now, edge);
		edge = now;
	}
}
END_TEST

/* B-59, MUST-39: full means zero; one update when reading has freed enough, none for crumbs. */
START_TEST(zero_window_and_update)
{
	const struct rig_frame *f;

	small_buffer();
	for (uint32_t i = 0; i < 4; i++)
		rig_tcp_push(&t, RIG_ACK, 1 + i * 1024, 1, 1024);
	rig_tcp_expect(&t, RIG_ACK, 1, 1 + BUF_BYTES, 0, .check_wnd = true, .wnd = 0);
	rig_ep_recv(t.ep, 0, 100);
	rig_expect_none_for(&rig, RIG_S);
	rig_tcp_push(&t, RIG_ACK, 1 + BUF_BYTES, 1, 1); /* the peer's probe */
	rig_tcp_expect(&t, RIG_ACK, 1, 1 + BUF_BYTES, 0, .check_wnd = true, .wnd = 0);
	rig_ep_recv(t.ep, 100, 1500);
	f = rig_tcp_expect(&t, RIG_ACK, 1, 1 + BUF_BYTES, 0);
	ck_assert_uint_ge(f->wnd, 1024);
	ck_assert_uint_le(f->wnd, 1600);
	rig_expect_none(&rig);
	rig_tcp_push(&t, RIG_ACK, 1 + BUF_BYTES, 1, 1000);
	rig_advance(&rig, 50 * RIG_MS);
	rig_tcp_expect(&t, RIG_ACK, 1, 1 + BUF_BYTES + 1000, 0);
	rig_ep_recv(t.ep, 1600, BUF_BYTES + 1000 - 1600);
}
END_TEST

/* MUST-39: without window scale a header has not room for all of a large buffer; reading opens nothing then. */
START_TEST(read_opens_no_window_beyond_the_header)
{
	t.ws = -1;
	rig_tcp_listen(&t, 4);
	ck_assert_int_eq(mr_ep_setopt(t.listener, MR_OPT_RCVBUF, 1 << 20), 0);
	rig_tcp_establish_passive(&t);
	rig_tcp_push(&t, RIG_ACK, 1, 1, 100);
	rig_advance(&rig, 50 * RIG_MS);
	rig_tcp_expect(&t, RIG_ACK, 1, 101, 0);
	rig_ep_recv(t.ep, 0, 100);
	rig_expect_none_for(&rig, RIG_S);
}
END_TEST

/* MUST-66: an ACK and a reset get in through a closed window. */
START_TEST(zero_window_lets_acks_in)
{
	char c;

	small_buffer();
	rig_ep_send(t.ep, 0, 10);
	rig_tcp_expect(&t, RIG_ACK, 1, 1, 10);
	for (uint32_t i = 0; i < 4; i++)
		rig_tcp_push(&t, RIG_ACK, 1 + i * 1024, 1, 1024);
	rig_tcp_expect(&t, RIG_ACK, 11, 1 + BUF_BYTES, 0, .check_wnd = true, .wnd = 0);
	rig_tcp_push(&t, RIG_ACK, 1 + BUF_BYTES, 11, 0);
	rig_expect_none_for(&rig, 5 * RIG_S);
	rig_tcp_push(&t, RIG_RST, 1 + BUF_BYTES, 0, 0);
	rig_expect_none(&rig);
	rig_ep_recv(t.ep, 0, BUF_BYTES);
	ck_assert_int_eq(mr_ep_recv(t.ep, &c, 1, NULL), -ECONNRESET);
}
END_TEST

/* ---- wrong segments */

/* MUST-3, B-65. */
START_TEST(bad_checksum)
{
	rig_tcp_init(&t, &rig, _i);
	rig_tcp_establish_passive(&t);
	rig_mark(&rig);
	rig_tcp_push(&t, RIG_ACK, 1, 1, 100, .spoil = RIG_SPOIL_L4_CKSUM);
	rig_expect_none_for(&rig, RIG_S);
	rig_expect_drop(&rig, MR_DROP_TCP_BAD_CKSUM);
}
END_TEST

/* B-65: a data offset below 5 or beyond the segment. */
START_TEST(bad_data_offset)
{
	static const uint8_t off[] = {4, 15, 1};

	rig_tcp_establish_passive(&t);
	rig_mark(&rig);
	rig_push_tcphdr(&rig, .sport = t.peer_port, .dport = t.port, .seq = t.iss + 1, .ack = t.irs + 1, .flags = RIG_ACK,
	                .wnd = 1000, .len = 20, .lie_off = off[_i]);
	rig_expect_none_for(&rig, RIG_S);
	rig_expect_drop(&rig, MR_DROP_TCP_MALFORMED);
}
END_TEST

/* T93-07: an ACK of what was never sent is answered and dropped, with its data. BA-03: far too old ones, too. */
START_TEST(bad_ack)
{
	rig_tcp_establish_passive(&t);
	rig_mark(&rig);
	rig_tcp_push(&t, RIG_ACK, 1, _i ? 0x80000000u : 2, 100);
	rig_tcp_expect(&t, RIG_ACK, 1, 1, 0);
	rig_expect_drop(&rig, MR_DROP_TCP_BAD_ACK);
	rig_expect_none_for(&rig, RIG_S);
}
END_TEST

/* A segment without ACK is dropped in a synchronised state. */
START_TEST(no_ack_bit)
{
	rig_tcp_establish_passive(&t);
	rig_mark(&rig);
	rig_tcp_push(&t, RIG_PSH, 1, 0, 100);
	rig_expect_none_for(&rig, RIG_S);
	rig_expect_drop(&rig, MR_DROP_TCP_BAD_ACK);
}
END_TEST

static Suite *
suite(void)
{
	Suite *s = suite_create("tcp_data");
	TCase *tc = rig_case(s, "receiving", tcp_setup, rig_teardown);

	tcase_add_loop_test(tc, delayed_ack, 0, 2);
	tcase_add_test(tc, ack_every_second_segment);
	tcase_add_test(tc, one_ack_per_burst);
	tcase_add_test(tc, ack_without_mbuf);
	tcase_add_test(tc, ack_at_once_after_loss);
	tcase_add_loop_test(tc, ack_delayed_after_loss, 0, 2);
	tcase_add_test(tc, ack_rides_on_data);
	tcase_add_test(tc, quickack);
	tcase_add_test(tc, fin_again);
	tcase_add_test(tc, plain_ack_is_not_answered);
	tcase_add_test(tc, plain_acks_outside_the_window);
	tcase_add_test(tc, out_of_order);
	tcase_add_test(tc, two_holes);
	tcase_add_loop_test(tc, outside_the_window, 0, 3);
	tcase_add_test(tc, old_segment);
	tcase_add_loop_test(tc, overlap_is_trimmed, 0, 2);
	tcase_add_test(tc, beyond_the_window_is_trimmed);
	tcase_add_loop_test(tc, fin_out_of_order, 0, 2);
	tcase_add_loop_test(tc, window_does_not_shrink, 0, 2);
	tcase_add_test(tc, zero_window_and_update);
	tcase_add_test(tc, read_opens_no_window_beyond_the_header);
	tcase_add_test(tc, zero_window_lets_acks_in);
	tcase_add_loop_test(tc, bad_checksum, 0, 2);
	tcase_add_loop_test(tc, bad_data_offset, 0, 3);
	tcase_add_loop_test(tc, bad_ack, 0, 2);
	tcase_add_test(tc, no_ack_bit);
	return s;
}

RIG_MAIN(suite)
