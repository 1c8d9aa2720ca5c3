/* SPDX-License-Identifier: Apache-2.0 */
/*
 * UDP: names and ports, what is refused and what runs out, and both families through one endpoint (UD-, B-38 to B-44, SS-).
 */
#include <errno.h>

#include <rte_mbuf.h>

#include "stack/nic.h"
#include "stack/port.h"
#include "stack/stack.h"
#include "udp_peer.h"

/* ---- names and ports */

/* B-38: who may have the port when another endpoint has it. */
static const struct conflict {
	const char *a, *b; /* NULL: any */
	bool a6, b6, a_only, b_only;
	bool refused;
} conflicts[] = {
	{NULL, NULL, false, false, false, false, true},
	{"10.0.0.1", "10.0.0.1", false, false, false, false, true},
	{"10.0.0.1", "10.0.0.8", false, false, false, false, false},
	{NULL, "10.0.0.1", false, false, false, false, true},
	{"10.0.0.1", NULL, false, false, false, false, true},
	{NULL, NULL, false, true, false, false, true},  /* 0.0.0.0, :: */
	{NULL, NULL, true, false, false, false, true},
	{NULL, NULL, false, true, false, true, false},  /* 0.0.0.0, :: V6ONLY */
	{NULL, NULL, true, false, true, false, false},
	{NULL, "fd00::1", false, true, false, false, false},
	{NULL, "fd00::1", true, true, false, false, true},
	{"fd00::1", "10.0.0.1", true, false, false, false, false},
	{"fd00::1", "10.0.0.1", true, true, false, false, false},
	{NULL, "10.0.0.1", true, true, false, false, true}, /* ::, mapped */
};

START_TEST(bind_conflicts)
{
	const struct conflict *c = &conflicts[_i];
	struct mr_subnet second = {.addr = rig_addr("10.0.0.8"), .plen = 24};
	struct mr_ep *a = make(c->a6), *b = make(c->b6);
	struct mr_sockaddr la = {.port = 53}, lb = {.port = 53};

	ck_assert_int_eq(mr_addr_add(rig.stack, RIG_NIC, &second, MR_PEB_CAN_BE_PRIMARY), 0);
	la.addr = c->a ? rig_addr(c->a) : la.addr;
	lb.addr = c->b ? rig_addr(c->b) : lb.addr;
	if (c->a_only)
		ck_assert_int_eq(mr_ep_setopt(a, MR_OPT_V6ONLY, 1), 0);
	if (c->b_only)
		ck_assert_int_eq(mr_ep_setopt(b, MR_OPT_V6ONLY, 1), 0);
	ck_assert_int_eq(mr_ep_bind(a, &la), 0);
	ck_assert_int_eq(mr_ep_bind(b, &lb), c->refused ? -EADDRINUSE : 0);
	mr_ep_close(a);
	ck_assert_int_eq(mr_ep_bind(b, &lb), c->refused ? 0 : -EINVAL); /* free again; or bound already */
	mr_ep_close(b);
}
END_TEST

START_TEST(bind_errors_and_names)
{
	struct mr_ep *ep = make(false), *ep6 = make(true);
	struct mr_sockaddr name, foreign = {.addr = rig_addr("10.0.0.99"), .port = 5};
	struct mr_sockaddr v6 = {.addr = rig.addr6, .port = 5}, local = rig_local(&rig, false, 0);

	ck_assert_int_eq(mr_ep_bind(ep, &foreign), -EADDRNOTAVAIL);
	ck_assert_int_eq(mr_ep_bind(ep, &v6), -EINVAL);
	ck_assert_int_eq(mr_ep_local_name(ep, &name), -ENOTCONN);
	ck_assert_int_eq(mr_ep_remote_name(ep, &name), -ENOTCONN);
	ck_assert_int_eq(mr_ep_bind(ep, &local), 0);
	ck_assert_int_eq(mr_ep_local_name(ep, &name), 0);
	ck_assert_uint_ge(name.port, MR_PORT_EPHEMERAL_FIRST);
	ck_assert(mr_addr_equal(&name.addr, &rig.addr4));
	ck_assert_int_eq(mr_ep_bind(ep, &local), -EINVAL);
	ck_assert_int_eq(mr_ep_listen(ep, 5), -EOPNOTSUPP);
	ck_assert_int_eq(mr_ep_shutdown(ep, MR_SHUT_RD), -ENOTCONN);
	/* A mapped address on a dual-stack endpoint is IPv4; not with V6ONLY. */
	ck_assert_int_eq(mr_ep_setopt(ep6, MR_OPT_V6ONLY, 1), 0);
	ck_assert_int_eq(mr_ep_bind(ep6, &local), -EINVAL);
	ck_assert_int_eq(mr_ep_setopt(ep6, MR_OPT_V6ONLY, 0), 0);
	ck_assert_int_eq(mr_ep_bind(ep6, &local), 0);
	mr_ep_close(ep);
	mr_ep_close(ep6);
}
END_TEST

START_TEST(bind_to_a_spoofed_address)
{
	struct mr_sockaddr foreign = {.addr = rig_addr("10.0.0.99"), .port = 5}, to = rig_peer(&rig, false, 9);
	struct mr_ep *ep = make(false);

	ck_assert_int_eq(mr_nic_set_spoofing(rig.stack, RIG_NIC, true), 0);
	ck_assert_int_eq(mr_ep_bind(ep, &foreign), 0);
	ck_assert_int_eq(mr_ep_sendto(ep, "x", 1, &to), 1);
	ck_assert(mr_addr_equal(&rig_expect(&rig, RIG_UDP)->src, &foreign.addr)); /* B-6 */
	mr_ep_close(ep);
}
END_TEST

/* All ephemeral ports taken: a clean error. */
START_TEST(ports_run_out)
{
	struct mr_port_req r = {.proto = MR_TRANS_UDP, .v4 = true, .v6 = true};
	struct mr_sockaddr to = rig_peer(&rig, false, 9);
	struct mr_ep *ep = make(false);

	for (uint32_t p = MR_PORT_EPHEMERAL_FIRST; p <= MR_PORT_EPHEMERAL_LAST; p++) {
		r.port = (uint16_t)p;
		ck_assert_int_eq(mr_port_reserve(rig.stack, &r), 0);
	}
	ck_assert_int_eq(mr_ep_bind(ep, &(struct mr_sockaddr){.port = 0}), -EAGAIN);
	ck_assert_int_eq(mr_ep_connect(ep, &to), -EAGAIN);
	ck_assert_int_eq(mr_ep_sendto(ep, "x", 1, &to), -EAGAIN);
	mr_port_release(rig.stack, &r);
	ck_assert_int_eq(mr_ep_sendto(ep, "x", 1, &to), 1);
	rig_expect_udp(&rig, r.port, 9, "x", 1);
	mr_ep_close(ep);
}
END_TEST

START_TEST(endpoints_run_out)
{
	static struct mr_ep *eps[128], *one_more;

	for (unsigned i = 0; i < RTE_DIM(eps); i++)
		eps[i] = make(i % 2);
	ck_assert_int_eq(mr_ep_create(rig.stack, MR_TRANS_UDP, MR_NET_IPV4, &one_more), -ENOBUFS);
	mr_ep_close(eps[5]);
	eps[5] = make(false);
	/* Those that are left open go with the stack. */
	for (unsigned i = 0; i < 64; i++)
		mr_ep_close(eps[i]);
}
END_TEST

START_TEST(open_endpoints_go_with_the_stack)
{
	struct mr_sockaddr to = rig_peer(&rig, true, 9);
	struct mr_ep *a = bound(true, 7), *b = connected(false, 8, 9);

	rig_push_udp(&rig, .dport = 7, .len = 10);
	rig_push_udp(&rig, .dport = 8, .sport = 9, .len = 10);
	rig_poll(&rig);
	ck_assert_int_eq(mr_ep_sendto(a, "x", 1, &to), 1);
	ck_assert_int_eq(mr_ep_send(b, "x", 1), 1);
	/* The teardown counts the packets. */
}
END_TEST

START_TEST(protocol_not_there)
{
	struct rig_opts o = {.no_addr = true, .stack.net_protos = (const char *const[]){"ipv4", "arp", NULL}};
	struct mr_ep *ep;

	rig_fini(&rig);
	rig_init(&rig, &o);
	ck_assert_int_eq(mr_ep_create(rig.stack, MR_TRANS_UDP, MR_NET_IPV6, &ep), -EPROTONOSUPPORT);
	ck_assert_int_eq(mr_ep_create(rig.stack, MR_TRANS_UDP, MR_NET_IPV4, &ep), 0);
	mr_ep_close(ep);
}
END_TEST

/* ---- families */

/* B-39, SS-25. */
START_TEST(dual_stack)
{
	struct mr_ep *ep = bound(true, 7);
	struct mr_sockaddr from;
	char buf[8];

	rig_push_udp(&rig, .data = "four", .len = 4);
	rig_push_udp(&rig, .ip.v6 = true, .data = "six", .len = 3);
	rig_poll(&rig);
	ck_assert_int_eq(mr_ep_recv(ep, buf, sizeof(buf), &from), 4);
	ck_assert(addr_is(&from.addr, "::ffff:10.0.0.2"));
	ck_assert_int_eq(mr_ep_sendto(ep, "4", 1, &from), 1);
	ck_assert(!rig_expect(&rig, RIG_UDP)->v6);
	ck_assert_int_eq(mr_ep_recv(ep, buf, sizeof(buf), &from), 3);
	ck_assert(addr_is(&from.addr, "fd00::2"));
	ck_assert_int_eq(mr_ep_sendto(ep, "6", 1, &from), 1);
	ck_assert(rig_expect(&rig, RIG_UDP)->v6);
	mr_ep_close(ep);
}
END_TEST

START_TEST(v6_only)
{
	struct mr_ep *ep = make(true), *v4;
	struct mr_sockaddr to4 = rig_peer(&rig, false, 9);

	ck_assert_int_eq(mr_ep_setopt(ep, MR_OPT_V6ONLY, 1), 0);
	ck_assert_int_eq(mr_ep_bind(ep, &(struct mr_sockaddr){.port = 7}), 0);
	ck_assert_int_eq(mr_ep_setopt(ep, MR_OPT_V6ONLY, 0), -EINVAL);
	rig_push_udp(&rig, .len = 1);
	rig_expect_icmp(&rig, false, 3, 3);
	ck_assert_int_eq(mr_ep_sendto(ep, "x", 1, &to4), -EINVAL);
	v4 = bound(false, 7);
	rig_push_udp(&rig, .len = 1);
	rig_push_udp(&rig, .ip.v6 = true, .len = 2);
	rig_poll(&rig);
	ck_assert_uint_eq(mr_ep_readiness(v4) & MR_EV_IN, MR_EV_IN);
	ck_assert_uint_eq(mr_ep_readiness(ep) & MR_EV_IN, MR_EV_IN);
	ck_assert_int_eq(mr_ep_setopt(v4, MR_OPT_V6ONLY, 1), -EINVAL);
	mr_ep_close(ep);
	mr_ep_close(v4);
}
END_TEST

/* Bound to an address of one family, an endpoint speaks that family. */
START_TEST(bound_family)
{
	struct mr_ep *ep = make(true);
	struct mr_sockaddr local = rig_local(&rig, false, 7), to4 = rig_peer(&rig, false, 9), to6 = rig_peer(&rig, true, 9);

	ck_assert_int_eq(mr_ep_bind(ep, &local), 0);
	ck_assert_int_eq(mr_ep_sendto(ep, "x", 1, &to6), -EINVAL);
	ck_assert_int_eq(mr_ep_connect(ep, &to6), -EINVAL);
	ck_assert_int_eq(mr_ep_sendto(ep, "x", 1, &to4), 1);
	rig_expect(&rig, RIG_UDP);
	mr_ep_close(ep);
}
END_TEST

static Suite *
suite(void)
{
	Suite *s = suite_create("udp_bind");
	TCase *tc = rig_case(s, "udp", rig_setup, rig_teardown);

	tcase_add_loop_test(tc, bind_conflicts, 0, (int)RTE_DIM(conflicts));
	tcase_add_test(tc, bind_errors_and_names);
	tcase_add_test(tc, bind_to_a_spoofed_address);
	tcase_add_test(tc, ports_run_out);
	tcase_add_test(tc, endpoints_run_out);
	tcase_add_test(tc, open_endpoints_go_with_the_stack);
	tcase_add_test(tc, protocol_not_there);
	tcase_add_test(tc, dual_stack);
	tcase_add_test(tc, v6_only);
	tcase_add_test(tc, bound_family);
	return s;
}

RIG_MAIN(suite)
