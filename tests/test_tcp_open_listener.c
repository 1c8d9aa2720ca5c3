/* SPDX-License-Identifier: Apache-2.0 */
/*
 * TCP listeners: their accept queue, when a connection is accepted, their end, what they ignore; and what answers a segment
 * that nobody waits for. The handshakes: test_tcp_open.c.
 *
 * Requirements by number: MUST-n, T93-n of RFC 9293, B-n of the behaviour list.
 */
#include <errno.h>

#include "accept.h"

/* A second connection to the same listener. */
static void
other_init(struct rig_tcp *o, uint16_t peer_port)
{
	rig_tcp_init(o, &rig, t.v6);
	o->peer_port = peer_port;
	o->listener = t.listener;
}

/* ---- the accept queue */

/* B-48: a full accept queue takes no SYN, and completes no handshake that it could not hand over. */
START_TEST(accept_queue_full)
{
	struct rig_tcp o, p;

	rig_tcp_listen(&t, 1);
	other_init(&o, 5001);
	other_init(&p, 5002);
	rig_tcp_start_passive(&t);
	rig_tcp_start_passive(&o);
	rig_tcp_push(&t, RIG_ACK, 1, 1, 0);
	rig_expect_none(&rig);
	rig_mark(&rig);
	rig_tcp_push(&p, RIG_SYN, 0, 0, 0);
	rig_expect_none(&rig);
	rig_expect_drops(&rig, MR_DROP_TCP_BACKLOG_FULL, 1);
	rig_tcp_push(&o, RIG_ACK, 1, 1, 0);
	rig_expect_none(&rig);
	rig_expect_drops(&rig, MR_DROP_TCP_BACKLOG_FULL, 2);
	expect_accept(0);
	expect_accept(-EAGAIN);
	rig_tcp_push(&o, RIG_ACK, 1, 1, 10); /* the peer takes itself for connected and sends */
	rig_advance(&rig, 50 * RIG_MS);
	rig_tcp_expect(&o, RIG_ACK, 1, 11, 0);
	ck_assert_int_eq(mr_ep_accept(t.listener, &o.ep), 0);
	rig_ep_recv(o.ep, 0, 10);
	rig_tcp_establish_passive(&p);
}
END_TEST

/* B-53: closing a listener resets what was not accepted and forgets what is half open. */
START_TEST(listener_close)
{
	struct rig_tcp o;

	rig_tcp_start_passive(&t);
	other_init(&o, 5001);
	rig_tcp_start_passive(&o);
	rig_tcp_push(&t, RIG_ACK, 1, 1, 0);
	rig_expect_none(&rig);
	mr_ep_close(t.listener);
	rig_tcp_expect(&t, RIG_RST | RIG_ACK, 1, 1, 0);
	rig_expect_none_for(&rig, 2 * RIG_S);
	rig_tcp_push(&o, RIG_ACK, 1, 1, 0);
	rig_tcp_expect(&o, RIG_RST, 1, 0, 0);
	rig_tcp_push(&t, RIG_ACK, 1, 1, 0);
	rig_tcp_expect(&t, RIG_RST, 1, 0, 0);
}
END_TEST

/* ---- accepted when there is something to read */

static void
deferred(int64_t seconds)
{
	rig_tcp_listen(&t, 4);
	ck_assert_int_eq(mr_ep_setopt(t.listener, MR_OPT_TCP_DEFER_ACCEPT_NS, seconds * (int64_t)RIG_S), 0);
	rig_tcp_start_passive(&t);
	rig_tcp_push(&t, RIG_ACK, 1, 1, 0);
	rig_expect_none(&rig);
	ck_assert_int_eq(mr_ep_accept(t.listener, &t.ep), -EAGAIN);
	ck_assert_uint_eq(mr_ep_readiness(t.listener) & MR_EV_IN, 0);
}

/* Data makes a connection of it, or its end. */
START_TEST(defer_accept)
{
	char c;

	deferred(31);
	rig_expect_none_for(&rig, 10 * RIG_S); /* and no SYN-ACK meanwhile */
	rig_tcp_push(&t, _i ? RIG_FIN | RIG_ACK : RIG_ACK, 1, 1, _i ? 0 : 10);
	rig_poll(&rig);
	ck_assert_int_eq(mr_ep_accept(t.listener, &t.ep), 0);
	if (_i)
		ck_assert_int_eq(mr_ep_recv(t.ep, &c, 1, NULL), 0);
	else
		rig_ep_recv(t.ep, 0, 10);
	rig_discard(&rig);
	rig_expect_no_drop(&rig);
}
END_TEST

/* Data with the third segment waits for nothing. */
START_TEST(defer_accept_at_once)
{
	rig_tcp_listen(&t, 4);
	ck_assert_int_eq(mr_ep_setopt(t.listener, MR_OPT_TCP_DEFER_ACCEPT_NS, 5 * (int64_t)RIG_S), 0);
	rig_tcp_start_passive(&t);
	rig_tcp_push(&t, RIG_ACK, 1, 1, 10);
	rig_poll(&rig);
	ck_assert_int_eq(mr_ep_accept(t.listener, &t.ep), 0);
	rig_discard(&rig);
}
END_TEST

/* When the time is over the peer is asked, and if it is still there, its connection accepted without data. */
START_TEST(defer_accept_no_longer)
{
	deferred(7);
	rig_expect_none_for(&rig, 6900 * RIG_MS);
	ck_assert(rig_advance_until_frame(&rig, 200 * RIG_MS));
	rig_tcp_expect(&t, RIG_SYN | RIG_ACK, 0, 1, 0);
	if (_i) {
		/* Nobody: as any half-open connection. */
		rig_advance(&rig, 70 * RIG_S);
		rig_discard(&rig);
		ck_assert_int_eq(mr_ep_accept(t.listener, &t.ep), -EAGAIN);
		return;
	}
	rig_tcp_push(&t, RIG_ACK, 1, 1, 0);
	rig_expect_none(&rig);
	ck_assert_int_eq(mr_ep_accept(t.listener, &t.ep), 0);
	ck_assert_int_eq(rig_tcp_state(t.ep), MR_TCP_ESTABLISHED);
}
END_TEST

/* A lost SYN-ACK is sent again as ever, until the peer has answered. */
START_TEST(defer_accept_lost_answer)
{
	rig_tcp_listen(&t, 4);
	ck_assert_int_eq(mr_ep_setopt(t.listener, MR_OPT_TCP_DEFER_ACCEPT_NS, 31 * (int64_t)RIG_S), 0);
	rig_tcp_start_passive(&t);
	ck_assert(rig_advance_until_frame(&rig, 1100 * RIG_MS));
	rig_tcp_expect(&t, RIG_SYN | RIG_ACK, 0, 1, 0);
	rig_tcp_push(&t, RIG_ACK, 1, 1, 0);
	rig_expect_none_for(&rig, 25 * RIG_S);
}
END_TEST

/* ---- what a listener ignores */

/* T93-04: resets and segments without SYN vanish, SYN with FIN too; an ACK is reset. */
START_TEST(listen_ignores)
{
	static const unsigned flags[] = {RIG_RST, RIG_RST | RIG_ACK, RIG_SYN | RIG_RST, 0, RIG_FIN, RIG_PSH,
	                                 RIG_SYN | RIG_FIN};

	rig_tcp_listen(&t, 4);
	rig_mark(&rig);
	rig_tcp_push(&t, flags[_i], 0, 0, 0);
	rig_expect_none(&rig);
	rig_expect_drop(&rig, MR_DROP_TCP_LISTEN_IGNORED);
	ck_assert_uint_eq(rig_moved(&rig, MR_CNT_TCP_PASSIVE_OPENS), 0);
}
END_TEST

START_TEST(listen_resets_ack)
{
	static const unsigned flags[] = {RIG_ACK, RIG_SYN | RIG_ACK, RIG_FIN | RIG_ACK};

	rig_tcp_listen(&t, 4);
	rig_tcp_push(&t, flags[_i], t.iss, 12345, 0, .raw_seq = true);
	rig_tcp_expect(&t, RIG_RST, 12345, 0, 0, .raw_seq = true);
	rig_expect_none(&rig);
}
END_TEST

/* MUST-57, MUST-63, B-50: nothing that is broadcast opens a connection, or gets an answer. */
START_TEST(broadcast_syn)
{
	rig_tcp_listen(&t, 4);
	rig_mark(&rig);
	rig_push_tcphdr(&rig, .ip.dst = rig_addr("10.0.0.255"), .seq = 1, .flags = RIG_SYN);
	rig_push_tcphdr(&rig, .ip.dst = rig_addr("10.0.0.255"), .seq = 1, .flags = RIG_SYN, .dport = 81);
	rig_push_tcphdr(&rig, .ip.src = rig_addr("10.0.0.255"), .seq = 1, .flags = RIG_SYN);
	rig_push_tcphdr(&rig, .ip.src = rig_addr("224.0.0.1"), .seq = 1, .flags = RIG_SYN);
	rig_expect_none(&rig);
	ck_assert_uint_eq(rig_moved(&rig, MR_CNT_TCP_PASSIVE_OPENS), 0);
	ck_assert_uint_eq(rig_moved(&rig, MR_DROP_TCP_BAD_ADDR), 2);
}
END_TEST

/* ---- closed ports */

/* T93-03, B-50: a reset with sequence number 0 that acknowledges all of the segment; or at SEG.ACK. */
START_TEST(closed_port)
{
	rig_tcp_init(&t, &rig, _i);
	rig_mark(&rig);
	rig_tcp_push(&t, RIG_SYN, 0, 0, 0);
	rig_tcp_expect(&t, RIG_RST | RIG_ACK, 0, t.iss + 1, 0, .raw_seq = true);
	rig_tcp_push(&t, RIG_SYN, 0, 0, 20);
	rig_tcp_expect(&t, RIG_RST | RIG_ACK, 0, t.iss + 21, 0, .raw_seq = true);
	rig_tcp_push(&t, RIG_FIN, 0, 0, 20);
	rig_tcp_expect(&t, RIG_RST | RIG_ACK, 0, t.iss + 21, 0, .raw_seq = true);
	rig_tcp_push(&t, RIG_ACK, 0, 77, 20);
	rig_tcp_expect(&t, RIG_RST, 77, 0, 0);
	rig_expect_drops(&rig, MR_DROP_TCP_NO_PORT, 4);
	ck_assert_uint_eq(rig_moved(&rig, MR_CNT_TCP_RESETS_TX), 4);
}
END_TEST

/* T93-03, B-50: a reset is never answered. */
START_TEST(closed_port_rst)
{
	rig_tcp_init(&t, &rig, _i);
	rig_mark(&rig);
	rig_tcp_push(&t, RIG_RST, 0, 0, 0);
	rig_tcp_push(&t, RIG_RST | RIG_ACK, 0, 77, 0);
	rig_tcp_push(&t, RIG_RST | RIG_SYN, 0, 0, 0);
	rig_expect_none(&rig);
	rig_expect_drops(&rig, MR_DROP_TCP_NO_PORT, 3);
}
END_TEST

static Suite *
suite(void)
{
	Suite *s = suite_create("tcp_open_listener");
	TCase *tc = rig_case(s, "listener", tcp_setup, rig_teardown);

	tcase_add_test(tc, accept_queue_full);
	tcase_add_test(tc, listener_close);
	tcase_add_loop_test(tc, defer_accept, 0, 2);
	tcase_add_test(tc, defer_accept_at_once);
	tcase_add_loop_test(tc, defer_accept_no_longer, 0, 2);
	tcase_add_test(tc, defer_accept_lost_answer);
	tcase_add_loop_test(tc, listen_ignores, 0, 7);
	tcase_add_loop_test(tc, listen_resets_ack, 0, 3);
	tcase_add_test(tc, broadcast_syn);
	tcase_add_loop_test(tc, closed_port, 0, 2);
	tcase_add_loop_test(tc, closed_port_rst, 0, 2);
	return s;
}

RIG_MAIN(suite)
