/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Fast Open, the client's half (RFC 7413): what is remembered of a peer: its cookie, whether the way to it lets such SYNs pass,
 * and of how many.
 *
 * Requirements by number: FO-n of RFC 7413.
 */
#include <stdio.h>

#include "fastopen_client.h"

/* A cookie that the peer gives takes the place of the old one. */
START_TEST(cookie_renewed)
{
	learn(8);
	open_with(100);
	expect_syn(8, 100);
	push_syn_ack(101, 12);
	rig_tcp_expect(&t, RIG_ACK, 101, 1, 0);
	another();
	open_with(100);
	expect_syn(12, 100);
}
END_TEST

/* With data in it, and the way does not let it pass. */
static void
lose_syn(void)
{
	open_with(100);
	expect_syn(8, 100);
	ck_assert(rig_advance_until_frame(&rig, 4 * RIG_S));
	expect_syn(-1, 0);
	push_syn_ack(1, 0);
	rig_tcp_expect(&t, RIG_ACK | RIG_PSH, 1, 1, 100, .pattern = true);
	another();
}

/* An ordinary open, although Fast Open is wanted. */
static void
do_without(void)
{
	open_with(100);
	expect_syn(-1, 0);
	push_syn_ack(1, 0);
	rig_tcp_expect(&t, RIG_ACK | RIG_PSH, 1, 1, 100, .pattern = true);
	another();
}

/* Lost twice in a row, then the way may not let such SYNs pass: for four minutes none is sent; then it is tried again, and if
 * that fails, too, not for eight. */
START_TEST(way_without_fast_open)
{
	learn(8);
	lose_syn();
	lose_syn();
	rig_advance(&rig, 239 * RIG_S);
	do_without();
	rig_advance(&rig, 2 * RIG_S);
	lose_syn();
	rig_advance(&rig, 479 * RIG_S);
	do_without();
	rig_advance(&rig, 2 * RIG_S);
	/* One that passes makes it good; then it takes two again. */
	open_with(100);
	expect_syn(8, 100);
	push_syn_ack(101, 0);
	rig_tcp_expect(&t, RIG_ACK, 101, 1, 0);
	another();
	lose_syn();
	lose_syn();
	do_without();
}
END_TEST

/* The same for those who only ask, so that nobody waits a second for each connection. */
START_TEST(way_without_the_option)
{
	for (unsigned i = 0; i < 2; i++) {
		open_with(100);
		expect_syn(0, 0);
		ck_assert(rig_advance_until_frame(&rig, 4 * RIG_S));
		expect_syn(-1, 0);
		push_syn_ack(1, 0);
		rig_discard(&rig);
		another();
	}
	open_with(100);
	expect_syn(-1, 0);
}
END_TEST

/* FO-04: no more peers are remembered than there is room for; those used last stay. */
START_TEST(cache_is_bounded)
{
	struct mr_addr addr;
	const struct rig_frame *f;
	unsigned known = 0;

	rig_fini(&rig);
	rig_init(&rig, &(struct rig_opts){.gateway = true});
	rig_tcp_init(&t, &rig, false);
	for (unsigned i = 0; i < 3000; i++) {
		bool again = i >= 1500;
		char text[32];

		snprintf(text, sizeof(text), "10.1.%u.%u", i % 1500 / 250, 1 + i % 250);
		addr = rig_addr(text);
		connect_to(&addr);
		f = rig_expect(&rig, RIG_TCP);
		known += again && f->fo_len > 0;
		if (!again)
			rig_push_tcphdr(&rig, .ip.src = addr, .sport = t.peer_port, .dport = t.port, .seq = 1, .ack = f->seq + 1,
			                .flags = RIG_SYN | RIG_ACK, .wnd = 1000, .opts = "\x22\x06wxyz", .opts_len = 6);
		rig_poll(&rig);
		if (!again)
			rig_advance(&rig, RIG_MS);
		mr_ep_abort(t.ep);
		rig_discard(&rig);
	}
	ck_assert_uint_le(known, 1024);
	ck_assert_uint_ge(known, 900);
}
END_TEST

static Suite *
suite(void)
{
	Suite *s = suite_create("tcp_fastopen_peers");
	TCase *tc = rig_case(s, "peers", tcp_setup, rig_teardown);

	tcase_add_test(tc, cookie_renewed);
	tcase_add_test(tc, way_without_fast_open);
	tcase_add_test(tc, way_without_the_option);
	tcase_add_test(tc, cache_is_bounded);
	return s;
}

RIG_MAIN(suite)
