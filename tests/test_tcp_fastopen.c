/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Fast Open, a listener's half (RFC 7413): data that is taken from the SYN, what such a connection may do before its handshake
 * is complete, and how it ends. Cookies: test_tcp_fastopen_cookie.c; how many: test_tcp_fastopen_limit.c; the client's half:
 * test_tcp_fastopen_client.c.
 *
 * Requirements by number: FO-n of RFC 7413, B-n of the behaviour list.
 */
#include "fastopen.h"

/* RFC 7413 4.2: the data is there before the handshake is complete, and so may the answer be; then the ACK completes it. */
START_TEST(data_before_the_handshake)
{
	struct mr_tcp_info info;
	const struct rig_frame *f;

	setup_for(_i & 1, 4);
	learn_cookie();
	t.ts = t.ts_on = _i & 2;
	push_syn(1000);
	f = expect_syn_ack(1001);
	ck_assert(!f->has_fo);
	ck_assert_uint_eq(mr_ep_readiness(t.listener), MR_EV_IN);
	ck_assert_int_eq(mr_ep_accept(t.listener, &t.ep), 0);
	ck_assert_uint_eq(mr_ep_readiness(t.ep), MR_EV_IN | MR_EV_OUT);
	rig_ep_recv(t.ep, 0, 1000);
	ck_assert_int_eq(rig_ep_send(t.ep, 0, 500), 500);
	rig_tcp_expect(&t, RIG_ACK | RIG_PSH, 1, 1001, 500, .pattern = true);
	ck_assert_int_eq(rig_tcp_state(t.ep), MR_TCP_SYN_RECEIVED);
	rig_advance(&rig, 20 * RIG_MS);
	rig_tcp_push(&t, RIG_ACK, 1001, 501, 0);
	rig_expect_none(&rig);
	ck_assert_int_eq(rig_tcp_state(t.ep), MR_TCP_ESTABLISHED);
	ck_assert_int_eq(mr_tcp_info(t.ep, &info), 0);
	ck_assert(info.fastopen);
	ck_assert_uint_eq(info.bytes_received, 1000);
	ck_assert_uint_eq(info.bytes_acked, 500);
	ck_assert_uint_eq(info.min_rtt_ns, 20 * RIG_MS);
	rig_tcp_push(&t, RIG_ACK, 1001, 501, 100);
	rig_expect_none_for(&rig, RIG_MS);
	rig_ep_recv(t.ep, 1000, 100);
	rig_expect_no_drop(&rig);
}
END_TEST

/* Of the turn in which the SYN comes: accepted, read, answered and closed in events; SYN|ACK, answer and FIN leave together. */
static void
serve(struct mr_ep *listener, uint32_t events, void *arg)
{
	uint8_t buf[2000];
	struct mr_ep *ep;

	(void)events;
	(void)arg;
	if (mr_ep_accept(listener, &ep) < 0)
		return;
	ck_assert_int_eq(mr_ep_recv(ep, buf, sizeof(buf), NULL), 700);
	ck_assert_int_eq(rig_ep_send(ep, 0, 300), 300);
	mr_ep_close(ep);
}

START_TEST(all_in_one_turn)
{
	struct mr_waiter w = {.mask = MR_EV_IN, .fn = serve};

	learn_cookie();
	mr_ep_wait(t.listener, &w);
	push_syn(700);
	expect_syn_ack(701);
	rig_tcp_expect(&t, RIG_ACK | RIG_PSH | RIG_FIN, 1, 701, 300, .pattern = true);
	rig_expect_none(&rig);
	/* The peer has all, and ends as well. */
	rig_tcp_push(&t, RIG_ACK | RIG_FIN, 701, 302, 0);
	rig_tcp_expect(&t, RIG_ACK, 302, 702, 0);
	rig_expect_none_for(&rig, 5 * RIG_S);
	mr_ep_unwait(t.listener, &w);
}
END_TEST

/* The answer is bounded by the initial window, and by the window of the SYN, which is not scaled. */
START_TEST(first_windows)
{
	unsigned n = 0;

	learn_cookie();
	if (_i)
		t.wnd = 3000;
	begin(100);
	ck_assert_int_eq(rig_ep_send(t.ep, 0, 60000), 60000);
	while (rig_peek(&rig)) {
		rig_tcp_next(&t);
		n++;
	}
	ck_assert_uint_eq(n, _i ? 2 : 10);
	t.wnd = 65535;
	rig_tcp_push(&t, RIG_ACK, 101, 1, 0);
	ck_assert(rig_pending(&rig) > 0 || !_i);
	ck_assert_int_eq(rig_tcp_state(t.ep), MR_TCP_ESTABLISHED);
}
END_TEST

/* What came in the SYN takes room in the window of the SYN|ACK, and more than the window is not taken. */
START_TEST(small_buffer)
{
	const struct rig_frame *f;

	ck_assert_int_eq(mr_ep_setopt(t.listener, MR_OPT_RCVBUF, 2048), 0);
	learn_cookie();
	push_syn(1000);
	f = expect_syn_ack(1001);
	ck_assert_uint_eq(f->wnd, 1048);
	another();
	ck_assert_int_eq(mr_transproto_setopt(rig.stack, MR_TRANS_TCP, MR_OPT_RCVBUF_MIN, 500), 0);
	ck_assert_int_eq(mr_ep_setopt(t.listener, MR_OPT_RCVBUF, 500), 0);
	push_syn(1000);
	f = expect_syn_ack(501);
	ck_assert_uint_eq(f->wnd, 0);
	ck_assert_int_eq(mr_ep_accept(t.listener, &t.ep), 0);
	mr_ep_abort(t.ep);
	ck_assert_int_eq(mr_ep_accept(t.listener, &t.ep), 0);
	rig_discard(&rig);
	rig_ep_recv(t.ep, 0, 500);
}
END_TEST

/* A SYN with a good cookie and no data: who speaks first may. */
START_TEST(no_data)
{
	struct mr_tcp_info info;

	learn_cookie();
	begin(0);
	ck_assert_int_eq(mr_ep_send(t.ep, "hello", 5), 5);
	rig_tcp_expect(&t, RIG_ACK | RIG_PSH, 1, 1, 5);
	rig_tcp_push(&t, RIG_ACK, 1, 6, 0);
	rig_expect_none(&rig);
	ck_assert_int_eq(mr_tcp_info(t.ep, &info), 0);
	ck_assert(!info.fastopen);
	/* Unless it is not to be accepted without. */
	ck_assert_int_eq(mr_ep_setopt(t.listener, MR_OPT_TCP_DEFER_ACCEPT_NS, RIG_S), 0);
	another();
	push_syn(0);
	expect_syn_ack(1);
	ck_assert_int_eq(mr_ep_accept(t.listener, &t.ep), -EAGAIN);
	another();
	begin(10);
}
END_TEST

/* B-47: the SYN comes again, with its data or without. It is answered, and nothing is delivered twice (FO-05). */
START_TEST(syn_again)
{
	learn_cookie();
	push_syn(100);
	push_syn(100); /* in the same burst */
	expect_syn_ack(101);
	if (rig_peek(&rig))
		expect_syn_ack(101);
	push_syn(100);
	expect_syn_ack(101);
	rig_tcp_push(&t, RIG_SYN, 0, 0, 0);
	expect_syn_ack(101);
	rig_expect_none(&rig);
	rig_tcp_push(&t, RIG_ACK, 101, 1, 50);
	rig_expect_none(&rig);
	ck_assert_int_eq(mr_ep_accept(t.listener, &t.ep), 0);
	rig_ep_recv(t.ep, 0, 150);
	/* A late one, when all is done. */
	rig_discard(&rig);
	push_syn(100);
	rig_tcp_expect(&t, RIG_ACK, 1, 151, 0);
	ck_assert_int_eq(mr_ep_recv(t.ep, cookie, 1, NULL), -EAGAIN);
	ck_assert_int_eq(mr_ep_accept(t.listener, &t.ep), -EAGAIN);
}
END_TEST

/* The SYN|ACK is lost, and with it what followed: both go again, the data when the SYN is acknowledged. */
START_TEST(syn_ack_lost)
{
	learn_cookie();
	begin(100);
	ck_assert_int_eq(rig_ep_send(t.ep, 0, 2000), 2000);
	rig_discard(&rig);
	ck_assert(rig_advance_until_frame(&rig, 3 * RIG_S));
	expect_syn_ack(101);
	rig_expect_none_for(&rig, RIG_S);
	rig_tcp_push(&t, RIG_ACK, 101, 1, 0);
	rig_tcp_expect(&t, RIG_ACK, 1, 101, 1460, .pattern = true);
	rig_tcp_expect(&t, RIG_ACK | RIG_PSH, 1461, 101, 540, .pattern = true);
	rig_tcp_push(&t, RIG_ACK, 101, 2001, 0);
	rig_expect_none_for(&rig, 5 * RIG_S);
}
END_TEST

/* Only a lost answer: the ACK of the SYN|ACK alone, then the data again by its timer. */
START_TEST(answer_lost)
{
	learn_cookie();
	begin(100);
	ck_assert_int_eq(rig_ep_send(t.ep, 0, 100), 100);
	rig_discard(&rig);
	rig_advance(&rig, 10 * RIG_MS);
	rig_tcp_push(&t, RIG_ACK, 101, 1, 0);
	rig_expect_none(&rig);
	ck_assert(rig_advance_until_frame(&rig, RIG_S));
	rig_tcp_expect(&t, RIG_ACK | RIG_PSH, 1, 101, 100, .pattern = true);
}
END_TEST

/* The peer is gone: so many SYN|ACKs, then the end. */
START_TEST(nobody_acknowledges)
{
	unsigned n = 0;

	learn_cookie();
	begin(100);
	while (rig_advance_until_frame(&rig, 100 * RIG_S)) {
		expect_syn_ack(101);
		n++;
	}
	ck_assert_uint_eq(n, 5);
	rig_ep_recv(t.ep, 0, 100);
	ck_assert_int_eq(mr_ep_recv(t.ep, cookie, 1, NULL), -ETIMEDOUT);
	ck_assert_int_eq(rig_tcp_state(t.ep), MR_TCP_CLOSED);
	ck_assert_uint_eq(rig_moved(&rig, MR_CNT_TCP_TIMEOUTS), 1);
}
END_TEST

/* RFC 9293 3.10.7.4: an ACK of anything but our SYN and what followed it gets a reset, and changes nothing. */
START_TEST(bad_ack_in_syn_received)
{
	learn_cookie();
	begin(100);
	ck_assert_int_eq(mr_ep_send(t.ep, "abc", 3), 3);
	rig_discard(&rig);
	rig_tcp_push(&t, RIG_ACK, 101, 0, 0);
	rig_tcp_expect(&t, RIG_RST, 0, 0, 0);
	rig_tcp_push(&t, RIG_ACK, 101, 5, 0);
	rig_tcp_expect(&t, RIG_RST, 5, 0, 0);
	ck_assert_int_eq(rig_tcp_state(t.ep), MR_TCP_SYN_RECEIVED);
	rig_tcp_push(&t, RIG_ACK, 101, 4, 0);
	rig_expect_none(&rig);
	ck_assert_int_eq(rig_tcp_state(t.ep), MR_TCP_ESTABLISHED);
}
END_TEST

/* SYN, ACK and more data in one burst. */
START_TEST(one_burst)
{
	learn_cookie();
	push_syn(100);
	expect_syn_ack(101);
	ck_assert_int_eq(mr_ep_accept(t.listener, &t.ep), 0);
	rig_tcp_push(&t, RIG_ACK, 101, 1, 0);
	rig_tcp_push(&t, RIG_ACK, 101, 1, 200);
	rig_tcp_push(&t, RIG_ACK | RIG_FIN, 301, 1, 0);
	rig_tcp_expect(&t, RIG_ACK, 1, 302, 0);
	rig_ep_recv(t.ep, 0, 300);
	ck_assert_int_eq(rig_tcp_state(t.ep), MR_TCP_CLOSE_WAIT);
}
END_TEST

/* The application ends its stream before the handshake is complete: the FIN is there, the states follow. */
START_TEST(ended_before)
{
	learn_cookie();
	begin(100);
	ck_assert_int_eq(mr_ep_shutdown(t.ep, MR_SHUT_WR), 0);
	rig_tcp_expect(&t, RIG_ACK | RIG_FIN, 1, 101, 0);
	ck_assert_int_eq(mr_ep_send(t.ep, "x", 1), -EPIPE);
	ck_assert_int_eq(rig_tcp_state(t.ep), MR_TCP_SYN_RECEIVED);
	rig_tcp_push(&t, RIG_ACK, 101, _i ? 2 : 1, 0);
	rig_expect_none(&rig);
	ck_assert_int_eq(rig_tcp_state(t.ep), _i ? MR_TCP_FIN_WAIT_2 : MR_TCP_FIN_WAIT_1);
	rig_ep_recv(t.ep, 0, 100);
	if (!_i) {
		ck_assert(rig_advance_until_frame(&rig, 3 * RIG_S));
		rig_tcp_expect(&t, RIG_ACK | RIG_FIN, 1, 101, 0);
		rig_tcp_push(&t, RIG_ACK, 101, 2, 0);
	}
	rig_tcp_push(&t, RIG_ACK | RIG_FIN, 101, 2, 0);
	rig_tcp_expect(&t, RIG_ACK, 2, 102, 0);
	ck_assert_int_eq(rig_tcp_state(t.ep), MR_TCP_TIME_WAIT);
}
END_TEST

/* Closed with unread data, or aborted: a reset. */
START_TEST(closed_before)
{
	learn_cookie();
	begin(100);
	if (_i)
		mr_ep_abort(t.ep);
	else
		mr_ep_close(t.ep);
	rig_tcp_expect(&t, RIG_ACK | RIG_RST, 1, 101, 0);
	rig_tcp_push(&t, RIG_ACK, 101, 1, 0);
	rig_tcp_expect(&t, RIG_RST, 1, 0, 0);
}
END_TEST

/* A reset of the peer: the application that has it is told, in the accept queue it goes without a word. */
START_TEST(reset_by_the_peer)
{
	learn_cookie();
	begin(100);
	rig_tcp_push(&t, RIG_RST, 101, 0, 0);
	rig_expect_none(&rig);
	rig_ep_recv(t.ep, 0, 100);
	ck_assert_int_eq(mr_ep_recv(t.ep, cookie, 1, NULL), -ECONNRESET);
	another();
	push_syn(100);
	expect_syn_ack(101);
	rig_tcp_push(&t, RIG_RST, 101, 0, 0);
	rig_expect_none(&rig);
	ck_assert_int_eq(mr_ep_accept(t.listener, &t.ep), -EAGAIN);
}
END_TEST

/* The listener ends: those in its queue with it (B-53), those that were accepted live on. */
START_TEST(listener_closed)
{
	struct rig_tcp accepted;

	learn_cookie();
	begin(100);
	accepted = t;
	another();
	push_syn(100);
	expect_syn_ack(101);
	mr_ep_close(t.listener);
	rig_tcp_expect(&t, RIG_ACK | RIG_RST, 1, 101, 0);
	rig_expect_none(&rig);
	if (_i) {
		rig_tcp_push(&accepted, RIG_ACK, 101, 1, 10);
		rig_expect_none(&rig);
		ck_assert_int_eq(rig_tcp_state(accepted.ep), MR_TCP_ESTABLISHED);
		rig_ep_recv(accepted.ep, 0, 110);
	} else {
		rig_tcp_push(&accepted, RIG_RST, 101, 0, 0);
		rig_expect_none(&rig);
		ck_assert_int_eq(rig_tcp_state(accepted.ep), MR_TCP_CLOSED);
	}
}
END_TEST

/* The stack ends with connections pending, accepted and not. */
START_TEST(stack_destroyed)
{
	learn_cookie();
	begin(100);
	ck_assert_int_eq(rig_ep_send(t.ep, 0, 5000), 5000);
	rig_discard(&rig);
	another();
	push_syn(100);
	expect_syn_ack(101);
	rig_discard(&rig);
}
END_TEST

static Suite *
suite(void)
{
	Suite *s = suite_create("tcp_fastopen");
	TCase *tc = rig_case(s, "fastopen", setup, rig_teardown);

	tcase_add_loop_test(tc, data_before_the_handshake, 0, 4);
	tcase_add_test(tc, all_in_one_turn);
	tcase_add_loop_test(tc, first_windows, 0, 2);
	tcase_add_test(tc, small_buffer);
	tcase_add_test(tc, no_data);
	tcase_add_test(tc, syn_again);
	tcase_add_test(tc, syn_ack_lost);
	tcase_add_test(tc, answer_lost);
	tcase_add_test(tc, nobody_acknowledges);
	tcase_add_test(tc, bad_ack_in_syn_received);
	tcase_add_test(tc, one_burst);
	tcase_add_loop_test(tc, ended_before, 0, 2);
	tcase_add_loop_test(tc, closed_before, 0, 2);
	tcase_add_test(tc, reset_by_the_peer);
	tcase_add_loop_test(tc, listener_closed, 0, 2);
	tcase_add_test(tc, stack_destroyed);
	return s;
}

RIG_MAIN(suite)
