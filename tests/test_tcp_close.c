/* SPDX-License-Identifier: Apache-2.0 */
/*
 * How TCP connections end: FIN in every state, half-closed connections, resets sent and received, TIME-WAIT.
 *
 * Requirements by number: MUST-n, SHLD-n, MAY-n, T93-n, BA-n of RFC 9293 and its companions, B-n of the behaviour list.
 */
#include "rig/fixture.h"

#include <errno.h>

#include <rte_mbuf.h>

#include "stack/stack.h"

static void
expect_eof(void)
{
	char c;

	ck_assert_int_eq(mr_ep_recv(t.ep, &c, 1, NULL), 0);
}

/* Nobody answers for the connection any more: an ACK gets the listener's reset. */
static void
expect_forgotten(void)
{
	rig_tcp_push(&t, RIG_ACK, t.snd, t.rcv, 0);
	rig_tcp_expect(&t, RIG_RST, t.rcv, 0, 0);
}

/* ---- states */

/* B-73: FIN-WAIT-1 -> FIN-WAIT-2 -> TIME-WAIT. */
START_TEST(active_close)
{
	rig_tcp_init(&t, &rig, _i);
	rig_tcp_establish_passive(&t);
	ck_assert_int_eq(mr_ep_shutdown(t.ep, MR_SHUT_WR), 0);
	ck_assert_int_eq(rig_tcp_state(t.ep), MR_TCP_FIN_WAIT_1);
	rig_tcp_expect(&t, RIG_FIN | RIG_ACK, 1, 1, 0, .exact = true); /* nothing to push */
	rig_tcp_push(&t, RIG_ACK, 1, 2, 0);
	rig_expect_none(&rig);
	ck_assert_int_eq(rig_tcp_state(t.ep), MR_TCP_FIN_WAIT_2);
	rig_tcp_push(&t, RIG_ACK | RIG_FIN, 1, 2, 0);
	rig_tcp_expect(&t, RIG_ACK, 2, 2, 0);
	ck_assert_int_eq(rig_tcp_state(t.ep), MR_TCP_TIME_WAIT);
	expect_eof();
	rig_expect_none_for(&rig, 10 * RIG_S);
}
END_TEST

/* B-73: FIN and the ACK of ours in one segment: straight to TIME-WAIT. */
START_TEST(fin_wait_1_fin_with_ack)
{
	rig_tcp_reach(&t, MR_TCP_FIN_WAIT_1);
	rig_tcp_push(&t, RIG_ACK | RIG_FIN, 1, 2, 0);
	rig_tcp_expect(&t, RIG_ACK, 2, 2, 0);
	ck_assert_int_eq(rig_tcp_state(t.ep), MR_TCP_TIME_WAIT);
}
END_TEST

/* B-73: both close at once. */
START_TEST(closing)
{
	rig_tcp_reach(&t, MR_TCP_CLOSING);
	rig_tcp_push(&t, RIG_ACK, 2, 1, 0); /* not of the FIN */
	rig_expect_none(&rig);
	ck_assert_int_eq(rig_tcp_state(t.ep), MR_TCP_CLOSING);
	rig_tcp_push(&t, RIG_ACK, 2, 2, 0);
	rig_expect_none(&rig);
	ck_assert_int_eq(rig_tcp_state(t.ep), MR_TCP_TIME_WAIT);
}
END_TEST

/* B-73, MUST-12: the peer closes first; CLOSE-WAIT -> LAST-ACK -> gone. */
START_TEST(passive_close)
{
	rig_tcp_reach(&t, MR_TCP_CLOSE_WAIT);
	expect_eof();
	mr_ep_close(t.ep);
	rig_tcp_expect(&t, RIG_FIN | RIG_ACK, 1, 2, 0);
	t.rcv = 2;
	rig_tcp_push(&t, RIG_ACK, 2, 2, 0);
	rig_expect_none(&rig);
	ck_assert_uint_eq(rig_moved(&rig, MR_CNT_TCP_CLOSED), 1);
	expect_forgotten();
}
END_TEST

START_TEST(last_ack)
{
	rig_tcp_reach(&t, MR_TCP_LAST_ACK);
	rig_tcp_push(&t, RIG_ACK, t.snd, t.rcv - 1, 0);
	rig_expect_none(&rig);
	ck_assert_int_eq(rig_tcp_state(t.ep), MR_TCP_LAST_ACK);
	rig_tcp_push(&t, RIG_ACK, t.snd, t.rcv, 0);
	rig_expect_none(&rig);
	ck_assert_int_eq(rig_tcp_state(t.ep), MR_TCP_CLOSED);
	ck_assert_int_eq(mr_ep_error(t.ep), 0);
	expect_forgotten();
}
END_TEST

/* B-73: the FIN is sent again until it is acknowledged. */
START_TEST(fin_is_retransmitted)
{
	static const enum mr_tcp_state states[] = {MR_TCP_FIN_WAIT_1, MR_TCP_CLOSING, MR_TCP_LAST_ACK};

	rig_tcp_reach(&t, states[_i]);
	for (int i = 0; i < 3; i++) {
		ck_assert(rig_advance_until_frame(&rig, 10 * RIG_S));
		rig_tcp_expect(&t, RIG_FIN | RIG_ACK, t.rcv - 1, t.snd, 0);
	}
	rig_tcp_push(&t, RIG_ACK, t.snd, t.rcv, 0);
	rig_expect_none_for(&rig, 30 * RIG_S);
}
END_TEST

/* B-73: what was written before the close goes first, although the window is closed at the time. */
START_TEST(data_before_fin)
{
	rig_tcp_establish_passive(&t);
	rig_tcp_push(&t, RIG_ACK, 1, 1, 0, .zero_wnd = true);
	rig_ep_send(t.ep, 0, 2000);
	mr_ep_close(t.ep);
	rig_expect_none(&rig);
	rig_tcp_push(&t, RIG_ACK, 1, 1, 0);
	rig_tcp_expect(&t, RIG_ACK, 1, 1, 1460, .pattern = true);
	rig_tcp_expect(&t, RIG_FIN | RIG_ACK, 1461, 1, 540, .pattern = true);
	rig_tcp_push(&t, RIG_ACK | RIG_FIN, 1, 2002, 0);
	rig_tcp_expect(&t, RIG_ACK, 2002, 2, 0);
}
END_TEST

/* ---- half closed */

/* T93-10, B-78: after the peer's FIN we go on sending. */
START_TEST(send_in_close_wait)
{
	rig_tcp_reach(&t, MR_TCP_CLOSE_WAIT);
	ck_assert_int_eq(rig_ep_send(t.ep, 0, 100), 100);
	rig_tcp_expect(&t, RIG_ACK, 1, 2, 100, .pattern = true);
	rig_tcp_push(&t, RIG_ACK, 2, 101, 0);
	rig_expect_none(&rig);
	expect_eof();
}
END_TEST

/* T93-10, B-78: after our FIN we go on reading, in FIN-WAIT-1 and FIN-WAIT-2; writing is over. */
START_TEST(read_after_own_fin)
{
	rig_tcp_reach(&t, _i ? MR_TCP_FIN_WAIT_2 : MR_TCP_FIN_WAIT_1);
	ck_assert_int_eq(mr_ep_send(t.ep, "x", 1), -EPIPE);
	rig_tcp_push(&t, RIG_ACK, 1, _i ? 2 : 1, 100);
	rig_advance(&rig, 45 * RIG_MS);
	rig_tcp_expect(&t, RIG_ACK, 2, 101, 0);
	rig_ep_recv(t.ep, 0, 100);
	rig_tcp_push(&t, RIG_ACK | RIG_FIN, 101, 2, 50);
	rig_tcp_expect(&t, RIG_ACK, 2, 152, 0);
	rig_ep_recv(t.ep, 100, 50);
	expect_eof();
}
END_TEST

/* ---- resets that we send */

/* SHLD-3, B-74: unread data at close. */
START_TEST(unread_data_at_close)
{
	rig_tcp_establish_passive(&t);
	rig_tcp_push(&t, RIG_ACK, 1, 1, 100);
	rig_poll(&rig);
	mr_ep_close(t.ep);
	rig_tcp_expect(&t, RIG_RST | RIG_ACK, 1, 101, 0);
	rig_expect_none_for(&rig, 5 * RIG_S);
	ck_assert_uint_eq(rig_moved(&rig, MR_CNT_TCP_RESETS_TX), 1);
}
END_TEST

/* SHLD-3: data after close, in FIN-WAIT-1 and FIN-WAIT-2. */
START_TEST(data_after_close)
{
	rig_tcp_establish_passive(&t);
	mr_ep_close(t.ep);
	rig_tcp_expect(&t, RIG_FIN | RIG_ACK, 1, 1, 0);
	if (_i) {
		rig_tcp_push(&t, RIG_ACK, 1, 2, 0);
		rig_expect_none(&rig);
	}
	rig_mark(&rig);
	rig_tcp_push(&t, RIG_ACK, 1, _i ? 2 : 1, 10);
	rig_tcp_expect(&t, RIG_RST | RIG_ACK, 2, 11, 0);
	rig_expect_drop(&rig, MR_DROP_TCP_AFTER_CLOSE);
	t.snd = 11;
	t.rcv = 2;
	expect_forgotten();
}
END_TEST

/* B-74: linger 0, and abort. */
START_TEST(abortive_close)
{
	rig_tcp_establish_passive(&t);
	rig_ep_send(t.ep, 0, 100);
	rig_tcp_expect(&t, RIG_ACK, 1, 1, 100);
	if (_i) {
		mr_ep_abort(t.ep);
	} else {
		ck_assert_int_eq(mr_ep_setopt(t.ep, MR_OPT_LINGER_NS, 0), 0);
		mr_ep_close(t.ep);
	}
	rig_tcp_expect(&t, RIG_RST | RIG_ACK, 101, 1, 0);
	rig_expect_none_for(&rig, 5 * RIG_S);
}
END_TEST

/* B-74: what waits to be sent when the application closes has so long, and then the peer is reset. */
START_TEST(linger)
{
	rig_tcp_establish_passive(&t);
	ck_assert_int_eq(mr_ep_setopt(t.ep, MR_OPT_LINGER_NS, 5 * (int64_t)RIG_S), 0);
	rig_ep_send(t.ep, 0, 100);
	mr_ep_close(t.ep);
	rig_tcp_expect(&t, RIG_FIN | RIG_ACK, 1, 1, 100, .pattern = true);
	if (_i) {
		rig_tcp_push(&t, RIG_FIN | RIG_ACK, 1, 102, 0);
		rig_tcp_expect(&t, RIG_ACK, 102, 2, 0);
		rig_expect_none_for(&rig, 10 * RIG_S);
		return;
	}
	rig_advance(&rig, 4900 * RIG_MS);
	rig_discard(&rig); /* again and again */
	ck_assert_uint_eq(rig_moved(&rig, MR_CNT_TCP_RESETS_TX), 0);
	ck_assert(rig_advance_until_frame(&rig, 200 * RIG_MS));
	rig_tcp_expect(&t, RIG_RST | RIG_ACK, 102, 1, 0);
	rig_expect_none_for(&rig, 100 * RIG_S);
}
END_TEST

/* ---- resets and SYNs that we get */

/* BA-01, B-75, MUST-12: exactly at RCV.NXT; what is queued can still be read. SHLD-2: the reset may carry data. */
START_TEST(rst_exact)
{
	char c;

	rig_tcp_establish_passive(&t);
	rig_tcp_push(&t, RIG_ACK, 1, 1, 100);
	rig_tcp_push(&t, RIG_RST, 101, 0, _i ? 30 : 0);
	rig_expect_none(&rig);
	ck_assert_uint_eq(rig_moved(&rig, MR_CNT_TCP_RESETS_RX), 1);
	rig_ep_recv(t.ep, 0, 100);
	ck_assert_int_eq(mr_ep_recv(t.ep, &c, 1, NULL), -ECONNRESET);
	ck_assert_int_eq(mr_ep_send(t.ep, "x", 1), -EPIPE);
	rig_expect_none(&rig);
}
END_TEST

/* BA-01, BA-04, B-75: in the window: one challenge ACK in half a second. */
START_TEST(rst_in_window)
{
	rig_tcp_establish_passive(&t);
	rig_mark(&rig);
	rig_tcp_push(&t, RIG_RST, 2, 0, 0);
	rig_tcp_expect(&t, RIG_ACK, 1, 1, 0);
	for (int i = 0; i < 5; i++)
		rig_tcp_push(&t, RIG_RST, 1000 + (uint32_t)i, 0, 0);
	rig_expect_none(&rig);
	rig_expect_drops(&rig, MR_DROP_TCP_BAD_RST, 6);
	ck_assert_uint_eq(rig_moved(&rig, MR_CNT_TCP_CHALLENGE_ACKS), 1);
	rig_advance(&rig, 501 * RIG_MS);
	rig_tcp_push(&t, RIG_RST, 2, 0, 0);
	rig_tcp_expect(&t, RIG_ACK, 1, 1, 0);
	ck_assert_int_eq(rig_tcp_state(t.ep), MR_TCP_ESTABLISHED);
}
END_TEST

/* BA-01: outside the window: nothing. */
START_TEST(rst_outside)
{
	static const uint32_t seqs[] = {0, 1 + (16u << 20), 0x80000000u};

	rig_tcp_establish_passive(&t);
	rig_mark(&rig);
	rig_tcp_push(&t, RIG_RST, seqs[_i], 0, 0);
	rig_expect_none(&rig);
	rig_expect_drop(&rig, MR_DROP_TCP_OUT_OF_WINDOW);
	ck_assert_int_eq(rig_tcp_state(t.ep), MR_TCP_ESTABLISHED);
}
END_TEST

/* What is read no more is no news to the peer: its data is acknowledged and thrown away, and the end is all there is. */
START_TEST(shut_rd)
{
	rig_tcp_establish_passive(&t);
	ck_assert_int_eq(mr_ep_shutdown(t.ep, MR_SHUT_RD), 0);
	rig_expect_none(&rig);
	expect_eof();
	rig_tcp_push(&t, RIG_ACK, 1, 1, 100);
	rig_advance(&rig, 50 * RIG_MS);
	rig_tcp_expect(&t, RIG_ACK, 1, 101, 0);
	expect_eof();
	rig_ep_send(t.ep, 0, 10);
	rig_tcp_expect(&t, RIG_ACK, 1, 101, 10);
}
END_TEST

/* Unread data goes too, and makes room in the window. */
START_TEST(shut_rd_with_unread_data)
{
	const struct rig_frame *f;
	uint32_t before;

	rig_tcp_listen(&t, 4);
	ck_assert_int_eq(mr_ep_setopt(t.listener, MR_OPT_RCVBUF, 8192), 0);
	rig_tcp_establish_passive(&t);
	for (uint32_t i = 0; i < 4; i++)
		rig_tcp_push(&t, RIG_ACK, 1 + i * 1460, 1, 1460);
	f = rig_tcp_expect(&t, RIG_ACK, 1, 5841, 0);
	before = rig_tcp_window(&t, f);
	ck_assert_int_eq(mr_ep_shutdown(t.ep, MR_SHUT_RD), 0);
	f = rig_tcp_expect(&t, RIG_ACK, 1, 5841, 0);
	ck_assert_uint_gt(rig_tcp_window(&t, f), before);
	expect_eof();
}
END_TEST

/* B-75: a reset ends each of the closing states, and is an error in all: what was sent may be lost. */
START_TEST(rst_in_closing_states)
{
	static const enum mr_tcp_state states[] = {MR_TCP_FIN_WAIT_1, MR_TCP_FIN_WAIT_2, MR_TCP_CLOSE_WAIT, MR_TCP_CLOSING,
	                                           MR_TCP_LAST_ACK};

	rig_tcp_reach(&t, states[_i]);
	rig_tcp_push(&t, RIG_RST, t.snd, 0, 0);
	rig_expect_none(&rig);
	ck_assert_int_eq(rig_tcp_state(t.ep), MR_TCP_CLOSED);
	ck_assert_int_eq(mr_ep_error(t.ep), -ECONNRESET);
	expect_forgotten();
}
END_TEST

/* A peer that gave up after its FIN resets what was under way with the FIN's own number: once it has sent one, that counts. */
START_TEST(rst_at_fin)
{
	static const enum mr_tcp_state states[] = {MR_TCP_CLOSE_WAIT, MR_TCP_CLOSING, MR_TCP_LAST_ACK, MR_TCP_FIN_WAIT_1,
	                                           MR_TCP_FIN_WAIT_2};
	bool fin = _i < 3;

	rig_tcp_reach(&t, states[_i]);
	rig_mark(&rig);
	rig_tcp_push(&t, RIG_RST, t.snd - 2, 0, 0);
	rig_expect_drop(&rig, MR_DROP_TCP_OUT_OF_WINDOW);
	rig_tcp_push(&t, RIG_RST, t.snd - 1, 0, 0);
	rig_expect_none(&rig);
	ck_assert_uint_eq(rig_moved(&rig, MR_CNT_TCP_RESETS_RX), fin);
	ck_assert_int_eq(rig_tcp_state(t.ep), fin ? MR_TCP_CLOSED : (int)states[_i]);
	ck_assert_int_eq(mr_ep_error(t.ep), fin ? -ECONNRESET : 0);
}
END_TEST

/* BA-02: a SYN on a living connection is challenged, wherever it lies. */
START_TEST(syn_in_established)
{
	rig_tcp_establish_passive(&t);
	rig_mark(&rig);
	rig_tcp_push(&t, _i == 2 ? RIG_SYN | RIG_ACK : RIG_SYN, _i ? 100 : 1, 1, 0);
	rig_tcp_expect(&t, RIG_ACK, 1, 1, 0);
	rig_expect_drop(&rig, MR_DROP_TCP_SYN_IN_CONN);
	ck_assert_int_eq(rig_tcp_state(t.ep), MR_TCP_ESTABLISHED);
}
END_TEST

/* ---- TIME-WAIT */

/* MUST-13, B-76: 60 s, with the endpoint closed or not. */
START_TEST(time_wait_ends)
{
	rig_advance(&rig, RIG_MS / 2); /* between two ticks of its clock */
	rig_tcp_reach(&t, MR_TCP_TIME_WAIT);
	if (_i)
		mr_ep_close(t.ep);
	rig_advance(&rig, 60 * RIG_S - 1);
	rig_tcp_push(&t, RIG_ACK, t.snd, t.rcv, 0);
	rig_expect_none(&rig);
	rig_tcp_push(&t, RIG_ACK, t.snd, t.rcv, 10);
	rig_tcp_expect(&t, RIG_ACK, t.rcv, t.snd, 0);
	rig_advance(&rig, 2 * RIG_MS);
	expect_forgotten();
}
END_TEST

/* T93-09, B-76: the FIN again is acknowledged and starts the wait anew. */
START_TEST(time_wait_fin_again)
{
	rig_tcp_reach(&t, MR_TCP_TIME_WAIT);
	rig_mark(&rig);
	rig_advance(&rig, 50 * RIG_S);
	rig_tcp_push(&t, RIG_ACK | RIG_FIN, t.snd - 1, t.rcv, 0);
	rig_tcp_expect(&t, RIG_ACK, t.rcv, t.snd, 0);
	rig_expect_drop(&rig, MR_DROP_TCP_TIME_WAIT);
	rig_advance(&rig, 59 * RIG_S);
	rig_tcp_push(&t, RIG_ACK, t.snd, t.rcv, 10); /* anything else that is new is answered, too */
	rig_tcp_expect(&t, RIG_ACK, t.rcv, t.snd, 0);
	rig_advance(&rig, 2 * RIG_S);
	expect_forgotten();
}
END_TEST

/* B-76: resets do not end it (RFC 1337), plain ACKs are not answered. */
START_TEST(time_wait_rst)
{
	rig_tcp_reach(&t, MR_TCP_TIME_WAIT);
	rig_mark(&rig);
	rig_tcp_push(&t, RIG_RST, t.snd, 0, 0);
	rig_tcp_push(&t, RIG_ACK, t.snd, t.rcv, 0);
	rig_expect_none(&rig);
	rig_expect_drops(&rig, MR_DROP_TCP_TIME_WAIT, 2);
	rig_tcp_push(&t, RIG_ACK | RIG_FIN, t.snd - 1, t.rcv, 0);
	rig_tcp_expect(&t, RIG_ACK, t.rcv, t.snd, 0);
}
END_TEST

/* RFC 9293 3.10.7.4: what carries no ACK is dropped, and a FIN without one does not start the wait again. */
START_TEST(time_wait_no_ack)
{
	rig_tcp_reach(&t, MR_TCP_TIME_WAIT);
	rig_advance(&rig, 50 * RIG_S);
	rig_mark(&rig);
	rig_tcp_push(&t, RIG_FIN, t.snd - 1, 0, 0);
	rig_tcp_push(&t, RIG_FIN, t.snd, 0, 0);
	rig_tcp_push(&t, 0, t.snd, 0, 10);
	rig_expect_none(&rig);
	rig_expect_drops(&rig, MR_DROP_TCP_TIME_WAIT, 3);
	rig_advance(&rig, 11 * RIG_S);
	expect_forgotten();
}
END_TEST

/* MAY-2, SHLD-4, B-76: a newer SYN opens a new connection above the old sequence numbers; an older one is re-ACKed. */
START_TEST(time_wait_syn)
{
	uint32_t old_irs;

	t.ts = _i;
	rig_tcp_reach(&t, MR_TCP_TIME_WAIT);
	old_irs = t.irs;
	if (_i) {
		rig_tcp_push(&t, RIG_SYN, 1000, 0, 0, .tsval = t.tsval - 5000);
		rig_tcp_expect(&t, RIG_ACK, t.rcv, t.snd, 0);
	} else {
		rig_tcp_push(&t, RIG_SYN, (uint32_t)-1000, 0, 0);
		rig_tcp_expect(&t, RIG_ACK, t.rcv, t.snd, 0);
	}
	rig_advance(&rig, RIG_S);
	t.iss += _i ? (uint32_t)-1000 : 1000; /* timestamps decide, where there are any */
	rig_tcp_establish_passive(&t);
	ck_assert_int_gt((int32_t)(t.irs - old_irs), 2);
	ck_assert_uint_eq(rig_moved(&rig, MR_CNT_TCP_TIME_WAIT_REUSED), 1);
}
END_TEST

/* RFC 6191 2: of two SYNs with the timestamp of the last segment the sequence numbers decide. */
START_TEST(time_wait_syn_of_the_same_time)
{
	t.ts = true;
	rig_tcp_reach(&t, MR_TCP_TIME_WAIT);
	rig_tcp_push(&t, RIG_SYN, (uint32_t)-1000, 0, 0);
	rig_tcp_expect(&t, RIG_ACK, t.rcv, t.snd, 0);
	t.iss += 1000;
	rig_tcp_establish_passive(&t);
	ck_assert_uint_eq(rig_moved(&rig, MR_CNT_TCP_TIME_WAIT_REUSED), 1);
}
END_TEST

/* The last record that goes early takes its timer along: nothing wakes the stack for it. */
START_TEST(time_wait_leaves_no_timer)
{
	rig_tcp_reach(&t, MR_TCP_TIME_WAIT);
	mr_ep_close(t.ep);
	rig_poll(&rig);
	t.iss += 1000;
	rig_tcp_start_passive(&t);
	rig_tcp_push(&t, RIG_RST, 1, 0, 0);
	rig_expect_none_for(&rig, 59900 * RIG_MS);
	ck_assert_uint_gt(mr_stack_next_ns(rig.stack), rig.now + RIG_S);
}
END_TEST

/* T93-11, B-76: FIN-WAIT-2 without application ends after 60 s; with one it stays. */
START_TEST(orphaned_fin_wait_2)
{
	rig_tcp_reach(&t, MR_TCP_FIN_WAIT_2);
	if (_i)
		mr_ep_close(t.ep);
	rig_advance(&rig, 59 * RIG_S);
	rig_expect_none_for(&rig, 2 * RIG_S);
	if (_i) {
		expect_forgotten();
		return;
	}
	rig_advance(&rig, 1000 * RIG_S);
	ck_assert_int_eq(rig_tcp_state(t.ep), MR_TCP_FIN_WAIT_2);
	rig_tcp_push(&t, RIG_ACK | RIG_FIN, t.snd, t.rcv, 0);
	rig_tcp_expect(&t, RIG_ACK, t.rcv, t.snd + 1, 0);
}
END_TEST

/* Out of mbufs when the application closes, and nothing in flight whose ACK could remind of it: the FIN is sent later. */
START_TEST(fin_without_mbuf)
{
	struct rte_mempool *pool;
	struct rte_mbuf *held[4096];
	unsigned n = 0;

	rig_tcp_establish_passive(&t);
	rig_expect_none_for(&rig, RIG_S);
	pool = mr_stack_tx_pool(rig.stack);
	while (n < 4096 && (held[n] = mr_stack_tx_alloc(rig.stack)))
		n++;
	ck_assert_uint_gt(rte_mempool_in_use_count(pool), 0);
	ck_assert_int_eq(mr_ep_shutdown(t.ep, MR_SHUT_WR), 0);
	rig_expect_none_for(&rig, 10 * RIG_S);
	rte_pktmbuf_free_bulk(held, n);
	ck_assert(rig_advance_until_frame(&rig, 100 * RIG_S));
	if (rig_peek(&rig)->seq != t.irs + 1)
		rig_next(&rig); /* the timer asks the peer as well */
	rig_tcp_expect(&t, RIG_FIN | RIG_ACK, 1, 1, 0);
	rig_tcp_push(&t, RIG_ACK, 1, 2, 0);
	rig_expect_none_for(&rig, 10 * RIG_S);
	ck_assert_int_eq(rig_tcp_state(t.ep), MR_TCP_FIN_WAIT_2);
}
END_TEST

static Suite *
suite(void)
{
	Suite *s = suite_create("tcp_close");
	TCase *tc = rig_case(s, "close", tcp_setup, rig_teardown);

	tcase_add_loop_test(tc, active_close, 0, 2);
	tcase_add_test(tc, fin_wait_1_fin_with_ack);
	tcase_add_test(tc, closing);
	tcase_add_test(tc, passive_close);
	tcase_add_test(tc, last_ack);
	tcase_add_loop_test(tc, fin_is_retransmitted, 0, 3);
	tcase_add_test(tc, data_before_fin);
	tcase_add_test(tc, fin_without_mbuf);
	tcase_add_test(tc, send_in_close_wait);
	tcase_add_loop_test(tc, read_after_own_fin, 0, 2);
	tcase_add_test(tc, unread_data_at_close);
	tcase_add_loop_test(tc, data_after_close, 0, 2);
	tcase_add_loop_test(tc, abortive_close, 0, 2);
	tcase_add_loop_test(tc, linger, 0, 2);
	tcase_add_loop_test(tc, rst_exact, 0, 2);
	tcase_add_test(tc, rst_in_window);
	tcase_add_loop_test(tc, rst_outside, 0, 3);
	tcase_add_test(tc, shut_rd);
	tcase_add_test(tc, shut_rd_with_unread_data);
	tcase_add_loop_test(tc, rst_in_closing_states, 0, 5);
	tcase_add_loop_test(tc, rst_at_fin, 0, 5);
	tcase_add_loop_test(tc, syn_in_established, 0, 3);
	tcase_add_loop_test(tc, time_wait_ends, 0, 2);
	tcase_add_test(tc, time_wait_fin_again);
	tcase_add_test(tc, time_wait_rst);
	tcase_add_test(tc, time_wait_no_ack);
	tcase_add_loop_test(tc, time_wait_syn, 0, 2);
	tcase_add_test(tc, time_wait_syn_of_the_same_time);
	tcase_add_test(tc, time_wait_leaves_no_timer);
	tcase_add_loop_test(tc, orphaned_fin_wait_2, 0, 2);
	return s;
}

RIG_MAIN(suite)
