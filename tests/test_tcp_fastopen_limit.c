/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Fast Open, a listener's half (RFC 7413): how many connections may be pending, and what is done when these or other things
 * have run out.
 *
 * Requirements by number: FO-n of RFC 7413.
 */
#include "fastopen.h"

/* FO-03: so many may be pending; the next takes the ordinary way; one that is complete makes room. */
START_TEST(limit)
{
	struct rig_tcp first;
	unsigned n = 0;

	fastopen(2);
	learn_cookie();
	begin(100);
	first = t;
	another();
	begin(100);
	another();
	rig_mark(&rig);
	expect_ordinary();
	expect_ordinary();
	ck_assert_uint_eq(rig_moved(&rig, MR_CNT_TCP_FASTOPEN_LIMITED), 2);
	rig_tcp_push(&first, RIG_ACK, 101, 1, 0);
	rig_expect_none(&rig);
	begin(100);
	another();
	expect_ordinary();
	/* A larger one, while it listens. */
	fastopen(5);
	for (n = 0; n < 3; n++) {
		begin(100);
		another();
	}
	expect_ordinary();
}
END_TEST

/* RFC 7413 5.1: one that ends without an acknowledgement, by a reset or by time, counts for a minute more. */
START_TEST(limit_after_failures)
{
	fastopen(2);
	learn_cookie();
	begin(100);
	if (_i)
		mr_ep_abort(t.ep);
	else
		rig_tcp_push(&t, RIG_RST, 101, 0, 0);
	rig_poll(&rig);
	rig_discard(&rig);
	another();
	begin(100);
	another();
	expect_ordinary();
	rig_advance(&rig, 30 * RIG_S);
	rig_discard(&rig);
	expect_ordinary();
	rig_advance(&rig, 31 * RIG_S);
	rig_discard(&rig);
	/* The second is pending still. */
	begin(100);
}
END_TEST

/* Two listeners, two limits; a connection does not inherit the option. */
START_TEST(limit_is_of_a_listener)
{
	struct rig_tcp other;
	int64_t v;

	fastopen(1);
	learn_cookie();
	rig_tcp_init(&other, &rig, false);
	other.port = 81;
	rig_tcp_listen(&other, 4);
	ck_assert_int_eq(mr_ep_setopt(other.listener, MR_OPT_TCP_FASTOPEN, 1), 0);
	begin(100);
	ck_assert_int_eq(mr_ep_getopt(t.ep, MR_OPT_TCP_FASTOPEN, &v), 0);
	ck_assert_int_eq(v, 0);
	another();
	expect_ordinary();
	t = other;
	begin(100);
	another();
	t.port = 81;
	expect_ordinary();
}
END_TEST

/* A full accept queue takes no SYN at all. */
START_TEST(accept_queue_full)
{
	ck_assert_int_eq(mr_ep_listen(t.listener, 2), 0);
	learn_cookie();
	for (unsigned i = 0; i < 2; i++) {
		push_syn(100);
		expect_syn_ack(101);
		another();
	}
	rig_mark(&rig);
	push_syn(100);
	rig_expect_none(&rig);
	rig_expect_drop(&rig, MR_DROP_TCP_BACKLOG_FULL);
}
END_TEST

/* Without a connection record the SYN gets a half-open one. */
START_TEST(no_connection_left)
{
	setup_with(&(struct mr_stack_opts){.max_conns = 2});
	learn_cookie();
	begin(100);
	another();
	expect_ordinary();
	ck_assert_uint_eq(rig_moved(&rig, MR_CNT_TCP_FASTOPEN_PASSIVE), 1);
}
END_TEST

/* Without a receive buffer that may be kept the data is not acknowledged, and comes again. */
START_TEST(no_buffer_left)
{
	struct rig_tcp hog;
	uint32_t at = 1;

	setup_with(&(struct mr_stack_opts){.rx_mbufs = 96, .rx_reserve_mbufs = 64});
	learn_cookie();
	hog = t;
	hog.listener = t.listener;
	rig_tcp_establish_passive(&hog);
	another();
	for (unsigned i = 0; i < 40; i++, at += 1000)
		rig_tcp_push(&hog, RIG_ACK, at, 1, 1000);
	rig_discard(&rig);
	rig_mark(&rig);
	push_syn(100);
	expect_syn_ack(1);
	rig_expect_drop(&rig, MR_DROP_TCP_NO_MEMORY);
	mr_ep_abort(hog.ep);
	rig_discard(&rig);
	rig_tcp_push(&t, RIG_ACK, 1, 1, 100);
	rig_poll(&rig);
	ck_assert_int_eq(mr_ep_accept(t.listener, &t.ep), 0);
	rig_ep_recv(t.ep, 0, 100);
}
END_TEST

static Suite *
suite(void)
{
	Suite *s = suite_create("tcp_fastopen_limit");
	TCase *tc = rig_case(s, "limit", setup, rig_teardown);

	tcase_add_test(tc, limit);
	tcase_add_loop_test(tc, limit_after_failures, 0, 2);
	tcase_add_test(tc, limit_is_of_a_listener);
	tcase_add_test(tc, accept_queue_full);
	tcase_add_test(tc, no_connection_left);
	tcase_add_test(tc, no_buffer_left);
	return s;
}

RIG_MAIN(suite)
