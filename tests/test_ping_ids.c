/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Ping endpoints: identifiers, what making one refuses, and how they end. Most tests run for both families: _i is v6.
 */
#include <errno.h>

#include <rte_mbuf.h>

#include "stack/port.h"
#include "stack/stack.h"
#include "stack/steer.h"
#include "ping.h"

/* ---- identifiers */

START_TEST(identifiers)
{
	struct mr_ep *a = bound(_i, 9), *b = make(_i), *c = make(_i);
	struct mr_sockaddr to = rig_peer(&rig, _i, 0), local = rig_local(&rig, _i, 9);

	ck_assert_int_eq(mr_ep_bind(a, &(struct mr_sockaddr){.port = 10}), -EINVAL); /* bound already */
	ck_assert_int_eq(mr_ep_bind(b, &(struct mr_sockaddr){.port = 9}), -EADDRINUSE);
	ck_assert_int_eq(mr_ep_bind(b, &local), -EADDRINUSE);
	local.addr = rig_addr(_i ? "fd00::55" : "10.0.0.55");
	ck_assert_int_eq(mr_ep_bind(b, &local), -EADDRNOTAVAIL);
	local.addr = rig_addr(_i ? "10.0.0.1" : "fd00::1");
	ck_assert_int_eq(mr_ep_bind(b, &local), -EINVAL);
	/* 0: one is picked, by bind, by connect, by the first request. */
	ck_assert_int_eq(mr_ep_bind(b, &(struct mr_sockaddr){.port = 0}), 0);
	ck_assert_uint_ge(id_of(b), MR_PORT_EPHEMERAL_FIRST);
	ck_assert_int_eq(request(c, _i, 1, 0, &to), HDR);
	ck_assert_uint_eq(rig_expect_icmp(&rig, _i, _i ? 128 : 8, 0)->id, id_of(c));
	ck_assert_uint_ne(id_of(b), id_of(c));
	mr_ep_close(b);
	b = make(_i);
	ck_assert_int_eq(mr_ep_connect(b, &to), 0);
	ck_assert_uint_ge(id_of(b), MR_PORT_EPHEMERAL_FIRST);
	/* A closed one's is free again. */
	mr_ep_close(a);
	a = bound(_i, 9);
	mr_ep_close(a);
	mr_ep_close(b);
	mr_ep_close(c);
}
END_TEST

START_TEST(identifiers_run_out)
{
	struct mr_port_req r = {.proto = trans(_i), .v4 = true, .v6 = true};
	struct mr_sockaddr to = rig_peer(&rig, _i, 0);
	struct mr_ep *ep = make(_i);

	for (uint32_t p = MR_PORT_EPHEMERAL_FIRST; p <= MR_PORT_EPHEMERAL_LAST; p++) {
		r.port = (uint16_t)p;
		ck_assert_int_eq(mr_port_reserve(rig.stack, &r), 0);
	}
	ck_assert_int_eq(mr_ep_bind(ep, &(struct mr_sockaddr){.port = 0}), -EAGAIN);
	ck_assert_int_eq(mr_ep_connect(ep, &to), -EAGAIN);
	ck_assert_int_eq(request(ep, _i, 1, 1, &to), -EAGAIN);
	mr_port_release(rig.stack, &r);
	ck_assert_int_eq(request(ep, _i, 1, 1, &to), HDR + 1);
	ck_assert_uint_eq(rig_expect_icmp(&rig, _i, _i ? 128 : 8, 0)->id, r.port);
	mr_ep_close(ep);
}
END_TEST

/* On a host of several stacks: an identifier to which the replies of the peer come home, by address and identifier. */
START_TEST(replies_come_home)
{
	static struct mr_steer steer[2];
	struct mr_steer *const steers[2] = {&steer[0], &steer[1]};
	struct mr_sockaddr to = rig_peer(&rig, _i, 0);
	unsigned others = 0;
	uint8_t buf[64];

	for (uint16_t i = 0; i < 2; i++)
		mr_steer_init(&steer[i], i, 2, NULL);
	ck_assert_int_eq(mr_steer_mesh_create(steers, 2), 0);
	rig.stack->steer = &steer[0];
	for (int i = 0; i < 16; i++) {
		struct mr_ep *ep = make(_i);
		struct mr_tuple t = {.src = to.addr, .dst = _i ? rig.addr6 : rig.addr4};

		if (i % 2)
			ck_assert_int_eq(mr_ep_connect(ep, &to), 0);
		ck_assert_int_eq(request(ep, _i, 1, 0, &to), HDR);
		rig_expect_icmp(&rig, _i, _i ? 128 : 8, 0);
		t.dport_be = rte_cpu_to_be_16(id_of(ep));
		ck_assert_uint_eq(mr_steer_owner(&steer[0], &t), 0);
		t.dport_be = rte_cpu_to_be_16(id_of(ep) + 1);
		others += mr_steer_owner(&steer[0], &t);
		push_reply(_i, id_of(ep), 1, 0);
		rig_poll(&rig);
		ck_assert_int_eq(mr_ep_recv(ep, buf, sizeof(buf), NULL), HDR);
		mr_ep_close(ep);
	}
	ck_assert_uint_gt(others, 0); /* so the choice was one */
	rig.stack->steer = NULL;
	mr_steer_mesh_destroy(steers, 2);
}
END_TEST

/* ---- making and ending */

START_TEST(create_errors)
{
	struct mr_ep *eps[256], *ep;
	unsigned n = 0;

	ck_assert_int_eq(mr_ep_create(rig.stack, MR_TRANS_ICMP, MR_NET_IPV6, &ep), -EPROTONOSUPPORT);
	ck_assert_int_eq(mr_ep_create(rig.stack, MR_TRANS_ICMPV6, MR_NET_IPV4, &ep), -EPROTONOSUPPORT);
	ck_assert_int_eq(mr_ep_create(rig.stack, MR_TRANS_ICMP, MR_NET_ARP, &ep), -EPROTONOSUPPORT);
	while (mr_ep_create(rig.stack, MR_TRANS_ICMP, MR_NET_IPV4, &eps[n]) == 0)
		n++;
	ck_assert_uint_eq(n, rig.stack->opts.max_endpoints);
	ck_assert_int_eq(mr_ep_create(rig.stack, MR_TRANS_ICMP, MR_NET_IPV4, &ep), -ENOBUFS);
	while (n > 0)
		mr_ep_close(eps[--n]);
}
END_TEST

/* B-79: with replies unread, requests unsent, connected or not; the teardown counts the packets. */
START_TEST(open_endpoints_go_with_the_stack)
{
	struct mr_sockaddr to = rig_peer(&rig, _i, 0);
	struct mr_ep *a = bound(_i, 7), *b = connected(_i, 8);

	push_reply(_i, 7, 1, 100);
	push_reply(_i, 8, 1, 100);
	rig_poll(&rig);
	ck_assert_uint_eq(rig.stack->rx_held, 2);
	ck_assert_int_eq(request(a, _i, 1, 1, &to), HDR + 1);
	ck_assert_int_eq(request(b, _i, 1, 1, NULL), HDR + 1);
}
END_TEST

START_TEST(close_and_abort)
{
	struct mr_ep *a = connected(_i, 7), *b = connected(_i, 8);

	push_reply(_i, 7, 1, 100);
	push_reply(_i, 8, 1, 100);
	rig_poll(&rig);
	ck_assert_int_eq(request(a, _i, 1, 1, NULL), HDR + 1);
	ck_assert_int_eq(request(b, _i, 1, 1, NULL), HDR + 1);
	mr_ep_close(a); /* what was written is still sent */
	mr_ep_abort(b);
	ck_assert_uint_eq(rig_expect_icmp(&rig, _i, _i ? 128 : 8, 0)->id, 7);
	rig_expect_none(&rig);
	ck_assert_uint_eq(rig.stack->rx_held, 0);
}
END_TEST

/* A stack without the transport answers requests all the same, and ignores replies (SS-14). */
START_TEST(no_ping_transport)
{
	struct rig_opts o = {.stack.trans_protos = (const char *const[]){"udp", NULL}};
	struct mr_ep *ep;

	rig_fini(&rig);
	rig_init(&rig, &o);
	ck_assert_int_eq(mr_ep_create(rig.stack, trans(_i), _i ? MR_NET_IPV6 : MR_NET_IPV4, &ep), -EPROTONOSUPPORT);
	push_reply(_i, 7, 1, 1);
	rig_expect_drop(&rig, MR_DROP_ICMP_IGNORED);
	rig_push_icmp(&rig, .ip.v6 = _i, .echo = true);
	rig_expect_icmp(&rig, _i, _i ? 129 : 0, 0);
}
END_TEST

/* R-9, B-32: the answer can be switched off, for each family by itself; endpoints ping on. */
START_TEST(echo_off)
{
	uint16_t net = _i ? MR_NET_IPV6 : MR_NET_IPV4;
	struct mr_ep *ep = connected(_i, 9);
	int64_t v;
	uint8_t buf[64];

	ck_assert_int_eq(mr_netproto_getopt(rig.stack, net, MR_OPT_ICMP_ECHO, &v), 0);
	ck_assert_int_eq(v, 1);
	ck_assert_int_eq(mr_netproto_setopt(rig.stack, net, MR_OPT_ICMP_ECHO, 0), 0);
	ck_assert_int_eq(mr_netproto_getopt(rig.stack, net, MR_OPT_ICMP_ECHO, &v), 0);
	ck_assert_int_eq(v, 0);
	rig_push_icmp(&rig, .ip.v6 = _i, .echo = true);
	rig_expect_drop(&rig, MR_DROP_ICMP_IGNORED);
	rig_expect_none(&rig);
	ck_assert_uint_eq(rig_moved(&rig, MR_CNT_ICMP_RX_ECHO), 1);
	ck_assert_uint_eq(rig_moved(&rig, MR_CNT_ICMP_TX_ECHO_REPLY), 0);
	rig_push_icmp(&rig, .ip.v6 = !_i, .echo = true);
	rig_expect_icmp(&rig, !_i, _i ? 0 : 129, 0);
	push_reply(_i, 9, 1, 1);
	rig_poll(&rig);
	ck_assert_int_eq(mr_ep_recv(ep, buf, sizeof(buf), NULL), HDR + 1);
	ck_assert_int_eq(mr_netproto_setopt(rig.stack, net, MR_OPT_ICMP_ECHO, 1), 0);
	rig_push_icmp(&rig, .ip.v6 = _i, .echo = true);
	rig_expect_icmp(&rig, _i, _i ? 129 : 0, 0);
	ck_assert_int_eq(mr_netproto_setopt(rig.stack, MR_NET_ARP, MR_OPT_ICMP_ECHO, 1), -ENOPROTOOPT);
	mr_ep_close(ep);
}
END_TEST

START_TEST(two_stacks)
{
	struct rig_duo d;
	struct mr_sockaddr to, from;
	struct mr_ep *ep;
	uint8_t buf[64];

	rig_duo_init(&d, NULL);
	to = (struct mr_sockaddr){.addr = _i ? d.end[1].addr6 : d.end[1].addr4};
	ck_assert_int_eq(mr_ep_create(d.end[0].stack, trans(_i), _i ? MR_NET_IPV6 : MR_NET_IPV4, &ep), 0);
	ck_assert_int_eq(request(ep, _i, 42, 30, &to), HDR + 30);
	rig_duo_run(&d, RIG_S, NULL, NULL);
	ck_assert_int_eq(mr_ep_recv(ep, buf, sizeof(buf), &from), HDR + 30);
	ck_assert(mr_addr_equal(&from.addr, &to.addr));
	ck_assert_uint_eq(buf[7], 42);
	ck_assert_uint_eq(rig_pattern_check(buf + HDR, 0, 30), 30);
	mr_ep_close(ep);
	rig_duo_fini(&d);
}
END_TEST

static Suite *
suite(void)
{
	Suite *s = suite_create("ping_ids");
	TCase *tc = rig_case(s, "ping", rig_setup, rig_teardown);

	tcase_add_loop_test(tc, identifiers, 0, 2);
	tcase_add_loop_test(tc, identifiers_run_out, 0, 2);
	tcase_add_loop_test(tc, replies_come_home, 0, 2);
	tcase_add_test(tc, create_errors);
	tcase_add_loop_test(tc, open_endpoints_go_with_the_stack, 0, 2);
	tcase_add_loop_test(tc, close_and_abort, 0, 2);
	tcase_add_loop_test(tc, no_ping_transport, 0, 2);
	tcase_add_loop_test(tc, echo_off, 0, 2);
	tcase_add_loop_test(tc, two_stacks, 0, 2);
	return s;
}

RIG_MAIN(suite)
