/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Urgent data both ways (RFC 9293 3.8.5, RFC 6093): where the mark is, when the application is told, and pointers that mean
 * harm (nasty case 31).
 */
#include "rig/fixture.h"

#include <errno.h>

#include "proto/tcp/tcp.h"

static struct mr_waiter waiter;
static unsigned told; /* times */

static void
on_event(struct mr_ep *ep, uint32_t events, void *arg)
{
	(void)ep;
	(void)arg;
	told += !!(events & MR_EV_PRI);
}

static void
setup(void)
{
	tcp_setup();
	rig_tcp_establish_passive(&t);
	told = 0;
	waiter = (struct mr_waiter){.mask = MR_EV_PRI, .fn = on_event};
	mr_ep_wait(t.ep, &waiter);
}

static int64_t
left(void)
{
	int64_t v = -1;

	ck_assert_int_eq(mr_ep_getopt(t.ep, MR_OPT_TCP_URGENT, &v), 0);
	ck_assert_int_eq(v > 0, !!(mr_ep_readiness(t.ep) & MR_EV_PRI));
	return v;
}

static void
urgent(uint32_t seq, uint32_t len, uint16_t urg)
{
	rig_tcp_push(&t, RIG_ACK | RIG_URG, seq, 1, len, .urg = urg);
	rig_poll(&rig);
	rig_discard(&rig);
}

/* MUST-30, MUST-32, MUST-33, MUST-62: in its place, told once, and gone when it is read. */
START_TEST(received_in_line)
{
	urgent(1, 100, 60);
	ck_assert_uint_eq(told, 1);
	ck_assert_int_eq(left(), 60);
	rig_ep_recv(t.ep, 0, 20);
	ck_assert_int_eq(left(), 40);
	rig_ep_recv(t.ep, 20, 40);
	ck_assert_int_eq(left(), 0);
	rig_ep_recv(t.ep, 60, 40);
	rig_tcp_push(&t, RIG_ACK, 101, 1, 10);
	rig_poll(&rig);
	ck_assert_uint_eq(told, 1);
	ck_assert_int_eq(left(), 0);
}
END_TEST

/* The same mark again is no news; one that moves on is, one that moves back is none. */
START_TEST(told_of_what_is_new)
{
	urgent(1, 10, 500);
	ck_assert_uint_eq(told, 1);
	ck_assert_int_eq(left(), 500);
	urgent(11, 10, 490);
	ck_assert_uint_eq(told, 1);
	urgent(21, 10, 100);
	ck_assert_uint_eq(told, 1);
	ck_assert_int_eq(left(), 500);
	urgent(31, 10, 1000);
	ck_assert_uint_eq(told, 2);
	ck_assert_int_eq(left(), 1030);
	/* A second piece, when the first is read. */
	rig_ep_recv(t.ep, 0, 40);
	for (uint32_t i = 0; i < 10; i++) {
		rig_tcp_push(&t, RIG_ACK, 41 + 100 * i, 1, 100);
		rig_poll(&rig);
	}
	rig_ep_recv(t.ep, 40, 1000);
	ck_assert_int_eq(left(), 0);
	urgent(1041, 10, 3);
	ck_assert_uint_eq(told, 3);
	ck_assert_int_eq(left(), 3);
}
END_TEST

/* MUST-31, MUST-66: longer than anything that is there, before its data, without any, and through a closed window. */
START_TEST(before_its_data)
{
	urgent(1, 0, 65535);
	ck_assert_uint_eq(told, 1);
	ck_assert_int_eq(left(), 65535);
	ck_assert_int_eq(mr_ep_recv(t.ep, &(char){0}, 1, NULL), -EAGAIN);
	/* The stream ends before the mark: nothing more is urgent. */
	rig_tcp_push(&t, RIG_FIN | RIG_ACK, 1, 1, 7);
	rig_poll(&rig);
	ck_assert_int_eq(left(), 7);
	rig_ep_recv(t.ep, 0, 7);
	ck_assert_int_eq(left(), 0);
}
END_TEST

/* The FIN takes a sequence number, and is no byte of the stream. */
START_TEST(before_the_end)
{
	urgent(1, 10, 5);
	rig_tcp_push(&t, RIG_FIN | RIG_ACK, 11, 1, 0);
	rig_poll(&rig);
	ck_assert_int_eq(left(), 5);
	rig_ep_recv(t.ep, 0, 4);
	ck_assert_int_eq(left(), 1);
	rig_ep_recv(t.ep, 4, 1);
	ck_assert_int_eq(left(), 0);
}
END_TEST

START_TEST(through_a_closed_window)
{
	ck_assert_int_eq(mr_ep_setopt(t.ep, MR_OPT_RCVBUF, 2048), 0);
	for (uint32_t off = 0; off < 65535; off += 1000)
		rig_tcp_push(&t, RIG_ACK, 1 + off, 1, RTE_MIN(1000u, 65535 - off));
	rig_poll(&rig);
	rig_discard(&rig);
	urgent(65536, 10, 10);
	ck_assert_uint_eq(told, 1);
	ck_assert_int_eq(left(), 65535 + 10);
}
END_TEST

/* Out of order, and in a segment that is cut at the front because part of it came before. */
START_TEST(trimmed_and_early)
{
	urgent(101, 100, 20);
	ck_assert_int_eq(left(), 120);
	rig_tcp_push(&t, RIG_ACK, 1, 1, 50);
	rig_poll(&rig);
	urgent(1, 100, 150);
	ck_assert_int_eq(left(), 150);
	ck_assert_uint_eq(told, 2);
	rig_ep_recv(t.ep, 0, 150);
	ck_assert_int_eq(left(), 0);
}
END_TEST

/* Pointers that say nothing: 0, behind what was read, of segments that are not acceptable, and after the end. */
START_TEST(says_nothing)
{
	urgent(1, 10, 0);
	rig_ep_recv(t.ep, 0, 10);
	urgent(11, 10, 0);
	rig_ep_recv(t.ep, 10, 10);
	urgent(11, 10, 10);
	urgent(1, 10, 20);
	urgent(0x40000000, 10, 100);
	ck_assert_uint_eq(told, 0);
	ck_assert_int_eq(left(), 0);
	rig_tcp_push(&t, RIG_FIN | RIG_ACK, 21, 1, 0);
	rig_poll(&rig);
	urgent(22, 0, 50);
	ck_assert_uint_eq(told, 0);
	ck_assert_int_eq(left(), 0);
}
END_TEST

/* What was read long ago does not come back when sequence numbers have gone half around. */
START_TEST(does_not_come_back)
{
	struct tcp_conn *c = tcp_conn(t.ep);

	urgent(1, 10, 10);
	rig_ep_recv(t.ep, 0, 10);
	ck_assert(!(c->flags & TCP_F_URG_RCVD));
	ck_assert_int_eq(left(), 0);
}
END_TEST

/* ---- sending */

static const struct rig_frame *
expect_urgent(uint32_t seq, uint32_t len, int urg)
{
	const struct rig_frame *f = rig_tcp_expect(&t, urg < 0 ? RIG_ACK : RIG_ACK | RIG_URG, seq, 1, len);

	ck_assert_uint_eq(f->urg, urg < 0 ? 0 : urg);
	return f;
}

/* Until the mark is acknowledged; not in what lies behind it. */
START_TEST(sent)
{
	ck_assert_int_eq(rig_ep_send(t.ep, 0, 3000), 3000);
	expect_urgent(1, 1460, -1);
	expect_urgent(1461, 1460, -1);
	expect_urgent(2921, 80, -1);
	ck_assert_int_eq(mr_ep_setopt(t.ep, MR_OPT_TCP_NODELAY, 1), 0);
	ck_assert_int_eq(mr_tcp_send_urgent(t.ep, "stop", 4), 4);
	expect_urgent(3001, 4, 4);
	ck_assert_int_eq(mr_ep_send(t.ep, "more", 4), 4);
	expect_urgent(3005, 4, -1);
	/* Again, with the pointer; what went before it too. */
	rig_tcp_push(&t, RIG_ACK, 1, 1, 0, .n_sack = 1, .sack = {{1461, 2921}});
	rig_tcp_push(&t, RIG_ACK, 1, 1, 0, .n_sack = 1, .sack = {{1461, 3001}});
	rig_tcp_push(&t, RIG_ACK, 1, 1, 0, .n_sack = 1, .sack = {{1461, 3009}});
	rig_poll(&rig);
	expect_urgent(1, 1460, 3004);
	rig_tcp_push(&t, RIG_ACK, 1, 3009, 0);
	rig_poll(&rig);
	ck_assert_int_eq(mr_ep_send(t.ep, "rest", 4), 4);
	expect_urgent(3009, 4, -1);
	ck_assert(!(tcp_conn(t.ep)->flags & TCP_F_URG_SENT));
}
END_TEST

/* The peer hears of it although its window is closed, and with a pointer that has room for no more while it is far. */
START_TEST(told_ahead)
{
	char block[1000] = {0};
	size_t sent = 0;

	rig_tcp_push(&t, RIG_ACK, 1, 1, 0, .zero_wnd = true);
	rig_poll(&rig);
	while (sent < 100000)
		sent += (size_t)mr_ep_send(t.ep, block, sizeof(block));
	rig_discard(&rig);
	ck_assert_int_eq(mr_tcp_send_urgent(t.ep, block, 1), 1);
	expect_urgent(1, 0, 65535);
	rig_expect_none(&rig);
	/* The window's probe has the number before. */
	ck_assert(rig_advance_until_frame(&rig, 5 * RIG_S));
	expect_urgent(0, 0, 65535);
	mr_ep_abort(t.ep);
	ck_assert_uint_eq(rig_expect(&rig, RIG_TCP)->flags, RIG_RST | RIG_ACK);
}
END_TEST

START_TEST(cannot_be_sent)
{
	struct mr_ep *ep;

	ck_assert_int_eq(mr_ep_create(rig.stack, MR_TRANS_UDP, MR_NET_IPV4, &ep), 0);
	ck_assert_int_eq(mr_tcp_send_urgent(ep, "x", 1), -EOPNOTSUPP);
	mr_ep_close(ep);
	ck_assert_int_eq(mr_ep_create(rig.stack, MR_TRANS_TCP, MR_NET_IPV4, &ep), 0);
	ck_assert_int_eq(mr_tcp_send_urgent(ep, "x", 1), -ENOTCONN);
	mr_ep_close(ep);
	ck_assert_int_eq(mr_tcp_send_urgent(t.ep, "x", 0), 0);
	rig_expect_none(&rig);
	ck_assert_int_eq(mr_ep_shutdown(t.ep, MR_SHUT_WR), 0);
	ck_assert_int_eq(mr_tcp_send_urgent(t.ep, "x", 1), -EPIPE);
}
END_TEST

static Suite *
suite(void)
{
	Suite *s = suite_create("tcp_urgent");
	TCase *c = rig_case(s, "urgent", setup, rig_teardown);

	tcase_add_test(c, received_in_line);
	tcase_add_test(c, told_of_what_is_new);
	tcase_add_test(c, before_its_data);
	tcase_add_test(c, before_the_end);
	tcase_add_test(c, through_a_closed_window);
	tcase_add_test(c, trimmed_and_early);
	tcase_add_test(c, says_nothing);
	tcase_add_test(c, does_not_come_back);
	tcase_add_test(c, sent);
	tcase_add_test(c, told_ahead);
	tcase_add_test(c, cannot_be_sent);
	return s;
}

RIG_MAIN(suite)
