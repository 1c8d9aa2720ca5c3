/* SPDX-License-Identifier: Apache-2.0 */
/*
 * How TCP connections begin that we open: what the SYN offers, from which address and port it goes, what ends the attempt; and
 * simultaneous opens. Passive ones: test_tcp_open.c.
 *
 * Requirements by number: MUST-n, T93-n, WS-n, TS-n, PO-n of RFC 9293 and its companions, B-n of the behaviour list.
 */
#include "rig/fixture.h"

#include <errno.h>
#include <string.h>

#include <rte_byteorder.h>

#include "stack/stack.h"
#include "stack/steer.h"

/* B-45, MUST-14, WS-02, TS-01. */
START_TEST(active_open_options)
{
	struct mr_sockaddr to;
	const struct rig_frame *f;

	rig_tcp_init(&t, &rig, _i);
	to = rig_peer(&rig, _i, 5000);
	ck_assert_int_eq(mr_ep_create(rig.stack, MR_TRANS_TCP, _i ? MR_NET_IPV6 : MR_NET_IPV4, &t.ep), 0);
	ck_assert_int_eq(mr_ep_connect(t.ep, &to), -EINPROGRESS);
	ck_assert_int_eq(mr_ep_connect(t.ep, &to), -EALREADY);
	f = rig_expect(&rig, RIG_TCP);
	ck_assert_uint_eq(f->flags, RIG_SYN);
	ck_assert_uint_eq(f->ack, 0);
	ck_assert_uint_eq(f->payload_len, 0);
	ck_assert(f->has_mss && f->mss == (_i ? 1440 : 1460));
	ck_assert(f->has_ws && f->ws <= 14);
	ck_assert(f->has_ts && f->tsecr == 0);
	ck_assert_uint_eq(f->wnd, 65535);
	ck_assert_int_eq(rig_tcp_state(t.ep), MR_TCP_SYN_SENT);
	ck_assert_uint_eq(rig_moved(&rig, MR_CNT_TCP_ACTIVE_OPENS), 1);
}
END_TEST

START_TEST(active_open)
{
	struct mr_sockaddr to = rig_peer(&rig, _i, 5000);

	rig_tcp_init(&t, &rig, _i);
	t.ts = true;
	rig_tcp_establish_active(&t);
	ck_assert(t.ts_on);
	ck_assert_uint_eq(mr_ep_readiness(t.ep), MR_EV_OUT);
	ck_assert_int_eq(mr_ep_connect(t.ep, &to), -EISCONN);
	rig_expect_no_drop(&rig);
	rig_expect_none_for(&rig, 10 * RIG_S);
}
END_TEST

/* WS-02: the window of the peer's SYN-ACK is as it stands there, the next one is scaled. */
START_TEST(window_of_a_syn_is_not_scaled)
{
	rig_tcp_start_active(&t);
	rig_tcp_push(&t, RIG_SYN | RIG_ACK, 0, 1, 0, .wnd = 1000);
	rig_tcp_expect(&t, RIG_ACK, 1, 1, 0);
	rig_ep_send(t.ep, 0, 5000);
	rig_tcp_expect(&t, RIG_ACK, 1, 1, 1000, .pattern = true);
	rig_expect_none(&rig);
	rig_tcp_push(&t, RIG_ACK, 1, 1001, 0, .wnd = 1000);
	rig_tcp_expect(&t, RIG_ACK, 1001, 1, 460, .pattern = true);
	rig_tcp_expect(&t, RIG_ACK, 1461, 1, 1460, .pattern = true);
	rig_discard(&rig);
}
END_TEST

/* ---- addresses and ports */

/* Bound to an address alone: the port comes with the peer, and the same one serves for another peer. Here all ports but one
 * are taken, so there is no choice. */
START_TEST(bind_without_port)
{
	const struct mr_sockaddr local = {.addr = rig.addr4}, first = rig_peer(&rig, false, 5000);
	struct mr_sockaddr second = rig_peer(&rig, false, 5001), name;
	struct mr_port_req taken = {.proto = MR_TRANS_TCP, .v4 = true};
	struct mr_ep *ep[3];

	for (uint32_t p = MR_PORT_EPHEMERAL_FIRST; p < MR_PORT_EPHEMERAL_LAST; p++) {
		taken.port = (uint16_t)p;
		ck_assert_int_eq(mr_port_reserve(rig.stack, &taken), 0);
	}
	for (unsigned i = 0; i < 3; i++) {
		ck_assert_int_eq(mr_ep_create(rig.stack, MR_TRANS_TCP, MR_NET_IPV4, &ep[i]), 0);
		ck_assert_int_eq(mr_ep_setopt(ep[i], MR_OPT_TCP_BIND_NO_PORT, 1), 0);
		ck_assert_int_eq(mr_ep_bind(ep[i], &local), 0);
		ck_assert_int_eq(mr_ep_bind(ep[i], &local), -EINVAL);
		ck_assert_int_eq(mr_ep_local_name(ep[i], &name), 0);
		ck_assert(mr_addr_equal(&name.addr, &rig.addr4) && name.port == 0);
	}
	ck_assert_int_eq(mr_ep_connect(ep[0], &first), -EINPROGRESS);
	ck_assert_int_eq(mr_ep_connect(ep[1], &second), -EINPROGRESS);
	ck_assert_int_eq(mr_ep_connect(ep[2], &second), -EAGAIN);
	for (unsigned i = 0; i < 2; i++) {
		const struct rig_frame *f = rig_expect(&rig, RIG_TCP);

		ck_assert_uint_eq(f->sport, MR_PORT_EPHEMERAL_LAST);
		ck_assert_uint_eq(f->dport, 5000 + i);
		ck_assert(mr_addr_equal(&f->src, &rig.addr4));
	}
	mr_ep_close(ep[0]);
	/* What could not connect may listen: now it needs the port for itself. */
	ck_assert_int_eq(mr_ep_listen(ep[2], 1), 0);
	ck_assert_int_eq(mr_ep_local_name(ep[2], &name), 0);
	ck_assert_uint_eq(name.port, MR_PORT_EPHEMERAL_LAST);
	taken.port = MR_PORT_EPHEMERAL_LAST;
	ck_assert(!mr_port_is_available(rig.stack, &taken));
	mr_ep_close(ep[2]);
	mr_ep_close(ep[1]);
	ck_assert(mr_port_is_available(rig.stack, &taken));
}
END_TEST

/* A port that is named is taken as ever, whatever the option says. */
START_TEST(bind_with_port_after_all)
{
	const struct mr_sockaddr local = {.addr = rig.addr4, .port = 777};
	struct mr_port_req req = {.proto = MR_TRANS_TCP, .v4 = true, .port = 777};
	struct mr_ep *ep;

	ck_assert_int_eq(mr_ep_create(rig.stack, MR_TRANS_TCP, MR_NET_IPV4, &ep), 0);
	ck_assert_int_eq(mr_ep_setopt(ep, MR_OPT_TCP_BIND_NO_PORT, 1), 0);
	ck_assert_int_eq(mr_ep_bind(ep, &local), 0);
	ck_assert(!mr_port_is_available(rig.stack, &req));
	mr_ep_close(ep);
	ck_assert(mr_port_is_available(rig.stack, &req));
}
END_TEST

/* PO-04: of several cores, one calls from ports whose answers come back to it. */
START_TEST(ports_come_home)
{
	static struct mr_steer steer;
	struct mr_tuple back = {.src = rig.peer4, .dst = rig.addr4, .sport_be = rte_cpu_to_be_16(5000)};
	struct mr_sockaddr to = rig_peer(&rig, false, 5000), name;
	struct mr_ep *ep;

	for (uint16_t core = 0; core < 16; core++) {
		mr_steer_init(&steer, core, 16, NULL);
		ck_assert_int_eq(mr_ep_create(rig.stack, MR_TRANS_TCP, MR_NET_IPV4, &ep), 0);
		rig.stack->steer = &steer;
		ck_assert_int_eq(mr_ep_connect(ep, &to), -EINPROGRESS);
		rig.stack->steer = NULL;
		ck_assert_int_eq(mr_ep_local_name(ep, &name), 0);
		back.dport_be = rte_cpu_to_be_16(name.port);
		ck_assert_uint_eq(mr_steer_owner(&steer, &back), core);
		mr_ep_abort(ep);
	}
	rig_discard(&rig);
}
END_TEST

/* MUST-46: no connection to a group or to everybody. */
START_TEST(active_open_bad_address)
{
	static const char *const to[] = {"10.0.0.255", "255.255.255.255", "224.0.0.5", "0.0.0.0"};
	struct mr_sockaddr a = {.port = 80, .addr = rig_addr(to[_i])};
	struct mr_ep *ep;

	ck_assert_int_eq(mr_ep_create(rig.stack, MR_TRANS_TCP, MR_NET_IPV4, &ep), 0);
	ck_assert_int_lt(mr_ep_connect(ep, &a), 0);
	ck_assert_int_eq(rig_tcp_state(ep), MR_TCP_CLOSED);
	rig_expect_none(&rig);
	a = rig_peer(&rig, false, 5000);
	ck_assert_int_eq(mr_ep_connect(ep, &a), -EINPROGRESS);
}
END_TEST

/* ---- what ends the attempt, and what does not */

/* B-45, MUST-22: the SYN again after 1, 2, 4 .. 32 s, then ETIMEDOUT. */
START_TEST(active_open_timeout)
{
	uint64_t start;
	char c;

	rig_tcp_start_active(&t);
	start = rig.now;
	for (unsigned i = 1; i <= 6; i++) {
		rig_expect_after(&rig, start, 1000 * ((1u << i) - 1) * RIG_MS);
		rig_tcp_expect(&t, RIG_SYN, 0, 0, 0);
	}
	rig_advance(&rig, start + 126900 * RIG_MS - rig.now);
	ck_assert_int_eq(rig_tcp_state(t.ep), MR_TCP_SYN_SENT);
	rig_expect_none_for(&rig, 200 * RIG_MS);
	ck_assert_int_eq(rig_tcp_state(t.ep), MR_TCP_CLOSED);
	ck_assert_int_eq(mr_ep_recv(t.ep, &c, 1, NULL), -ETIMEDOUT);
	ck_assert_uint_eq(rig_moved(&rig, MR_CNT_TCP_TIMEOUTS), 1);
}
END_TEST

/* T93-14: the application's own bound, at the next SYN. */
START_TEST(active_open_user_timeout)
{
	struct mr_sockaddr to = rig_peer(&rig, false, 5000);

	ck_assert_int_eq(mr_ep_create(rig.stack, MR_TRANS_TCP, MR_NET_IPV4, &t.ep), 0);
	ck_assert_int_eq(mr_ep_setopt(t.ep, MR_OPT_TCP_USER_TIMEOUT_NS, 5 * (int64_t)RIG_S), 0);
	ck_assert_int_eq(mr_ep_connect(t.ep, &to), -EINPROGRESS);
	rig_advance(&rig, 6900 * RIG_MS);
	ck_assert_int_eq(rig_tcp_state(t.ep), MR_TCP_SYN_SENT);
	rig_discard(&rig);
	rig_expect_none_for(&rig, 200 * RIG_MS);
	ck_assert_int_eq(mr_ep_error(t.ep), -ETIMEDOUT);
}
END_TEST

/* B-45, T93-05: a reset counts only with an ACK of our SYN. */
START_TEST(active_open_refused)
{
	rig_tcp_start_active(&t);
	rig_mark(&rig);
	rig_tcp_push(&t, RIG_RST, 0, 0, 0);
	rig_expect_none(&rig);
	rig_expect_drop(&rig, MR_DROP_TCP_SYN_SENT_IGNORED);
	rig_tcp_push(&t, RIG_RST | RIG_ACK, 0, 2, 0);
	rig_tcp_push(&t, RIG_RST | RIG_ACK, 0, 0, 0);
	rig_expect_none(&rig);
	ck_assert_uint_eq(rig_moved(&rig, MR_DROP_TCP_BAD_ACK), 2);
	ck_assert_int_eq(rig_tcp_state(t.ep), MR_TCP_SYN_SENT);
	rig_tcp_push(&t, RIG_RST | RIG_ACK, 0, 1, 0);
	rig_expect_none(&rig);
	ck_assert_int_eq(rig_tcp_state(t.ep), MR_TCP_CLOSED);
	ck_assert_uint_eq(mr_ep_readiness(t.ep) & (MR_EV_ERR | MR_EV_HUP), MR_EV_ERR | MR_EV_HUP);
	ck_assert_int_eq(mr_ep_error(t.ep), -ECONNREFUSED);
	rig_expect_none_for(&rig, 5 * RIG_S);
}
END_TEST

/* T93-05: an ACK of something else gets a reset at SEG.ACK; the open goes on. */
START_TEST(active_open_bad_ack)
{
	rig_tcp_start_active(&t);
	rig_tcp_push(&t, RIG_SYN | RIG_ACK, 0, 2, 0);
	rig_tcp_expect(&t, RIG_RST, 2, 0, 0);
	rig_tcp_push(&t, RIG_ACK, 0, 0, 0);
	rig_tcp_expect(&t, RIG_RST, 0, 0, 0);
	ck_assert_int_eq(rig_tcp_state(t.ep), MR_TCP_SYN_SENT);
	rig_mark(&rig);
	rig_tcp_push(&t, RIG_ACK, 0, 1, 0); /* right, but no SYN */
	rig_expect_none(&rig);
	rig_expect_drop(&rig, MR_DROP_TCP_SYN_SENT_IGNORED);
	rig_tcp_push(&t, RIG_SYN | RIG_ACK, 0, 1, 0);
	rig_tcp_expect(&t, RIG_ACK, 1, 1, 0);
	ck_assert_int_eq(rig_tcp_state(t.ep), MR_TCP_ESTABLISHED);
}
END_TEST

/* T93-12: a FIN beside the peer's SYN waits, as data would: the peer sends it again. */
START_TEST(active_open_syn_with_fin)
{
	rig_tcp_start_active(&t);
	rig_tcp_push(&t, RIG_SYN | RIG_FIN | (_i ? RIG_ACK : 0), 0, _i, 0);
	rig_tcp_expect(&t, _i ? RIG_ACK : RIG_SYN | RIG_ACK, _i, 1, 0);
	rig_tcp_push(&t, RIG_FIN | RIG_ACK, 1, 1, 0);
	rig_tcp_expect(&t, RIG_ACK, 1, 2, 0);
	ck_assert_int_eq(rig_tcp_state(t.ep), MR_TCP_CLOSE_WAIT);
}
END_TEST

/* MUST-54, B-45: an ICMP error about the SYN ends the open at once; one about something else does not. */
START_TEST(active_open_unreachable)
{
	const struct rig_frame *syn;
	uint8_t quote[28];

	rig_tcp_start_active(&t);
	ck_assert(rig_advance_until_frame(&rig, 2 * RIG_S));
	syn = rig_next(&rig);
	memcpy(quote, syn->b + 14, sizeof(quote));
	quote[27] ^= 1;
	rig_push_icmp(&rig, .type = 3, .code = 1, .data = quote, .len = sizeof(quote));
	rig_expect_none(&rig);
	ck_assert_int_eq(rig_tcp_state(t.ep), MR_TCP_SYN_SENT);
	quote[27] ^= 1;
	rig_push_icmp(&rig, .type = 3, .code = 1, .data = quote, .len = sizeof(quote));
	rig_expect_none(&rig);
	ck_assert_int_eq(rig_tcp_state(t.ep), MR_TCP_CLOSED);
	ck_assert_int_eq(mr_ep_error(t.ep), -EHOSTUNREACH);
}
END_TEST

/* Closing before the answer: no segment, and the late answer is reset. */
START_TEST(close_in_syn_sent)
{
	rig_tcp_start_active(&t);
	mr_ep_close(t.ep);
	rig_expect_none_for(&rig, 5 * RIG_S);
	rig_tcp_push(&t, RIG_SYN | RIG_ACK, 0, 1, 0);
	rig_tcp_expect(&t, RIG_RST, 1, 0, 0);
}
END_TEST

/* ---- both at once */

/* MUST-10, B-52: both call at once. The peer confirms by a plain ACK, or by its SYN-ACK. */
START_TEST(simultaneous_open)
{
	rig_tcp_start_active(&t);
	rig_tcp_push(&t, RIG_SYN, 0, 0, 0);
	rig_tcp_expect(&t, RIG_SYN | RIG_ACK, 0, 1, 0);
	ck_assert_int_eq(rig_tcp_state(t.ep), MR_TCP_SYN_RECEIVED);
	if (_i)
		rig_tcp_push(&t, RIG_SYN | RIG_ACK, 0, 1, 0);
	else
		rig_tcp_push(&t, RIG_ACK, 1, 1, 0);
	rig_poll(&rig);
	rig_discard(&rig);
	ck_assert_int_eq(rig_tcp_state(t.ep), MR_TCP_ESTABLISHED);
	rig_tcp_push(&t, RIG_ACK, 1, 1, 10);
	rig_advance(&rig, 50 * RIG_MS);
	rig_tcp_expect(&t, RIG_ACK, 1, 11, 0);
	rig_expect_none_for(&rig, 5 * RIG_S);
	rig_ep_recv(t.ep, 0, 10);
}
END_TEST

/* B-52: a connection to itself is a simultaneous open; what it says it hears. */
START_TEST(connected_to_itself)
{
	struct mr_sockaddr self = rig_local(&rig, _i, 77);

	ck_assert_int_eq(mr_ep_create(rig.stack, MR_TRANS_TCP, _i ? MR_NET_IPV6 : MR_NET_IPV4, &t.ep), 0);
	ck_assert_int_eq(mr_ep_bind(t.ep, &self), 0);
	ck_assert_int_eq(mr_ep_connect(t.ep, &self), -EINPROGRESS);
	rig_expect_none_for(&rig, 100 * RIG_MS);
	ck_assert_int_eq(rig_tcp_state(t.ep), MR_TCP_ESTABLISHED);
	ck_assert_int_eq(rig_ep_send(t.ep, 0, 5000), 5000);
	rig_expect_none_for(&rig, RIG_S);
	rig_ep_recv(t.ep, 0, 5000);
	mr_ep_close(t.ep);
	rig_expect_none_for(&rig, 10 * RIG_S);
	rig_expect_no_drop(&rig);
}
END_TEST

/* MUST-11, T93-06: SYN-RECEIVED of an active open is refused by a reset; a wrong ACK is reset. */
START_TEST(simultaneous_open_rst)
{
	rig_tcp_start_active(&t);
	rig_tcp_push(&t, RIG_SYN, 0, 0, 0);
	rig_tcp_expect(&t, RIG_SYN | RIG_ACK, 0, 1, 0);
	rig_tcp_push(&t, RIG_ACK, 1, 7, 0);
	rig_tcp_expect(&t, RIG_RST, 7, 0, 0);
	ck_assert_int_eq(rig_tcp_state(t.ep), MR_TCP_SYN_RECEIVED);
	rig_tcp_push(&t, RIG_RST, 1, 0, 0);
	rig_expect_none(&rig);
	ck_assert_int_eq(mr_ep_error(t.ep), -ECONNREFUSED);
}
END_TEST

/* The SYN-ACK of a simultaneous open is sent again as well. */
START_TEST(simultaneous_open_retransmit)
{
	uint64_t start;

	rig_tcp_start_active(&t);
	start = rig.now;
	rig_tcp_push(&t, RIG_SYN, 0, 0, 0);
	rig_tcp_expect(&t, RIG_SYN | RIG_ACK, 0, 1, 0);
	rig_expect_after(&rig, start, 1000 * RIG_MS);
	rig_tcp_expect(&t, RIG_SYN | RIG_ACK, 0, 1, 0);
}
END_TEST

static Suite *
suite(void)
{
	Suite *s = suite_create("tcp_open_active");
	TCase *tc = rig_case(s, "active", tcp_setup, rig_teardown);

	tcase_add_loop_test(tc, active_open_options, 0, 2);
	tcase_add_loop_test(tc, active_open, 0, 2);
	tcase_add_test(tc, window_of_a_syn_is_not_scaled);
	tcase_add_test(tc, bind_without_port);
	tcase_add_test(tc, bind_with_port_after_all);
	tcase_add_test(tc, ports_come_home);
	tcase_add_loop_test(tc, active_open_bad_address, 0, 4);
	tcase_add_test(tc, active_open_timeout);
	tcase_add_test(tc, active_open_user_timeout);
	tcase_add_test(tc, active_open_refused);
	tcase_add_test(tc, active_open_bad_ack);
	tcase_add_loop_test(tc, active_open_syn_with_fin, 0, 2);
	tcase_add_test(tc, active_open_unreachable);
	tcase_add_test(tc, close_in_syn_sent);
	tcase_add_loop_test(tc, simultaneous_open, 0, 2);
	tcase_add_loop_test(tc, connected_to_itself, 0, 2);
	tcase_add_test(tc, simultaneous_open_rst);
	tcase_add_test(tc, simultaneous_open_retransmit);
	return s;
}

RIG_MAIN(suite)
