/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Forwarders of UDP (S-57, B-16, I-11): the first datagram of a flow is the request, and goes to who takes it.
 */
#include <errno.h>
#include <string.h>

#include "forwarder.h"

/* ---- UDP */

static void
udp_forwarder(struct mr_forwarder_opts o)
{
	ck_assert_int_eq(forwarder(MR_TRANS_UDP, o), 0);
}

static void
push_udp(bool v6, const char *data)
{
	rig_push_udp(&rig, .ip.dst = foreign(v6), .dport = 53, .data = data, .len = (uint32_t)strlen(data));
}

static void
expect_read(struct mr_ep *ep, const char *data)
{
	struct mr_sockaddr from;
	char buf[64];

	ck_assert_int_eq(mr_ep_recv(ep, buf, sizeof(buf), &from), (ssize_t)strlen(data));
	ck_assert(memcmp(buf, data, strlen(data)) == 0);
	ck_assert_uint_eq(from.port, 5000);
	ck_assert_uint_eq(from.nic, RIG_NIC);
}

/* The endpoint has the datagrams that waited, in order, then all further ones; answers leave with the foreign address. */
START_TEST(udp_flow)
{
	struct mr_addr local = foreign(_i);
	const struct rig_frame *f;
	struct mr_sockaddr name;
	struct mr_ep *ep;

	udp_forwarder((struct mr_forwarder_opts){0});
	push_udp(_i, "one");
	push_udp(_i, "two");
	rig_turn(&rig);
	ck_assert_uint_eq(n_got, 1);
	ck_assert(mr_addr_equal(&got[0].local.addr, &local) && got[0].local.port == 53);
	ck_assert(mr_addr_equal(&got[0].remote.addr, _i ? &rig.peer6 : &rig.peer4) && got[0].remote.port == 5000);
	push_udp(_i, "three");
	rig_expect_none(&rig);
	ck_assert_uint_eq(n_got, 1);
	ck_assert_int_eq(mr_forwarder_accept(&got[0], &ep), 0);
	mr_ep_wait(ep, &waiter);
	push_udp(_i, "four");
	rig_poll(&rig);
	ck_assert(events & MR_EV_IN);
	expect_read(ep, "one");
	expect_read(ep, "two");
	expect_read(ep, "three");
	expect_read(ep, "four");
	ck_assert_int_eq(mr_ep_recv(ep, &name, sizeof(name), NULL), -EAGAIN);
	ck_assert_int_eq(mr_ep_local_name(ep, &name), 0);
	ck_assert(mr_addr_equal(&name.addr, &got[0].local.addr) && name.port == 53);
	ck_assert_int_eq(mr_ep_remote_name(ep, &name), 0);
	ck_assert(mr_addr_equal(&name.addr, &got[0].remote.addr) && name.port == 5000);
	ck_assert_int_eq(mr_ep_send(ep, "yes", 3), 3);
	f = rig_expect_udp(&rig, 53, 5000, "yes", 3);
	ck_assert(mr_addr_equal(&f->src, &got[0].local.addr) && mr_addr_equal(&f->dst, &got[0].remote.addr));
	/* Another port of the peer is another request. */
	rig_push_udp(&rig, .ip.dst = foreign(_i), .sport = 5001, .dport = 53, .len = 1);
	rig_poll(&rig);
	ck_assert_uint_eq(n_got, 2);
	rig_expect_no_drop(&rig);
	/* Closed: the tuple asks again. */
	mr_ep_close(ep);
	push_udp(_i, "five");
	rig_poll(&rig);
	ck_assert_uint_eq(n_got, 3);
}
END_TEST

/* Sixteen datagrams wait with a request, no more. */
START_TEST(udp_hold)
{
	struct mr_ep *ep;
	char text[2] = "a";

	udp_forwarder((struct mr_forwarder_opts){0});
	for (int i = 0; i < 20; i++, text[0]++)
		push_udp(false, text);
	rig_expect_none(&rig);
	rig_expect_drops(&rig, MR_DROP_FORWARD_PENDING, 4);
	ck_assert_uint_eq(n_got, 1);
	ck_assert_int_eq(mr_forwarder_accept(&got[0], &ep), 0);
	for (text[0] = 'a'; text[0] < 'a' + 16; text[0]++)
		expect_read(ep, text);
	ck_assert_int_eq(mr_ep_recv(ep, text, 1, NULL), -EAGAIN);
	mr_ep_close(ep);
}
END_TEST

START_TEST(udp_refused)
{
	bool v6 = _i & 1, tell = _i & 2;

	udp_forwarder((struct mr_forwarder_opts){0});
	push_udp(v6, "one");
	push_udp(v6, "two");
	rig_expect_none(&rig);
	rig_mark(&rig);
	ck_assert_int_eq(mr_forwarder_reject(&got[0], tell), 0);
	for (int i = 0; i < 2 && tell; i++) {
		const struct rig_frame *f = v6 ? rig_expect_icmp(&rig, true, 1, 4) : rig_expect_icmp(&rig, false, 3, 3);

		ck_assert(mr_addr_equal(&f->src, &got[0].local.addr));
	}
	rig_expect_none(&rig);
	rig_expect_drops(&rig, tell ? MR_DROP_UDP_NO_PORT : MR_DROP_FORWARD_REFUSED, 2);
	ck_assert_int_eq(mr_forwarder_accept(&got[0], &taken), -ENOENT);
}
END_TEST

START_TEST(udp_timeout)
{
	udp_forwarder((struct mr_forwarder_opts){.timeout_ns = RIG_S});
	push_udp(false, "one");
	push_udp(false, "two");
	rig_expect_none_for(&rig, 990 * RIG_MS);
	rig_expect_no_drop(&rig);
	rig_expect_none_for(&rig, 20 * RIG_MS);
	rig_expect_drops(&rig, MR_DROP_FORWARD_REFUSED, 2);
	push_udp(false, "three");
	rig_poll(&rig);
	ck_assert_uint_eq(n_got, 2);
}
END_TEST

/* It is its tuple for good; the port is nobody's. */
START_TEST(udp_tuple_for_good)
{
	struct mr_sockaddr to = rig_peer(&rig, false, 99), nowhere = {.nic = 0}, here = {.port = 53};
	struct mr_ep *ep, *other;

	udp_forwarder((struct mr_forwarder_opts){0});
	push_udp(false, "one");
	rig_poll(&rig);
	ck_assert_int_eq(mr_forwarder_accept(&got[0], &ep), 0);
	ck_assert_int_eq(mr_ep_connect(ep, &to), -EISCONN);
	ck_assert_int_eq(mr_ep_connect(ep, &nowhere), -EISCONN);
	ck_assert_int_eq(mr_ep_bind(ep, &here), -EINVAL);
	ck_assert_int_eq(mr_ep_create(rig.stack, MR_TRANS_UDP, MR_NET_IPV4, &other), 0);
	ck_assert_int_eq(mr_ep_bind(other, &here), 0);
	push_udp(false, "two");
	rig_poll(&rig);
	expect_read(ep, "one");
	expect_read(ep, "two");
	mr_ep_close(ep);
	push_udp(false, "three");
	rig_poll(&rig);
	expect_read(other, "three");
	ck_assert_uint_eq(n_got, 1);
	/* The port is still the other one's alone. */
	ck_assert_int_eq(mr_ep_create(rig.stack, MR_TRANS_UDP, MR_NET_IPV4, &ep), 0);
	ck_assert_int_eq(mr_ep_bind(ep, &here), -EADDRINUSE);
	mr_ep_close(ep);
	mr_ep_close(other);
}
END_TEST

/* The receive buffer bounds what the endpoint keeps, also of what waited. */
START_TEST(udp_rcvbuf)
{
	struct mr_ep *ep;

	udp_forwarder((struct mr_forwarder_opts){.rcvbuf = 2 * (3 + 256)});
	for (int i = 0; i < 3; i++)
		push_udp(false, "abc");
	rig_poll(&rig);
	ck_assert_int_eq(mr_forwarder_accept(&got[0], &ep), 0);
	rig_expect_drop(&rig, MR_DROP_UDP_QUEUE_FULL);
	expect_read(ep, "abc");
	expect_read(ep, "abc");
	mr_ep_close(ep);
}
END_TEST

/* Groups, and those who cannot be answered, are no business of a forwarder. */
START_TEST(udp_unwanted)
{
	static const char *const group[] = {"10.0.0.255", "255.255.255.255", "224.0.0.1"};

	udp_forwarder((struct mr_forwarder_opts){0});
	for (unsigned i = 0; i < 3; i++)
		rig_push_udp(&rig, .ip.dst = rig_addr(group[i]), .dport = 53, .len = 1);
	rig_expect_none(&rig);
	rig_expect_drops(&rig, MR_DROP_UDP_NO_PORT, 3);
	rig_mark(&rig);
	push_udp(false, "one");
	rig_poll(&rig);
	ck_assert_uint_eq(n_got, 1);
	rig_expect_no_drop(&rig);
}
END_TEST

START_TEST(udp_port_zero)
{
	struct rig_buf b;

	udp_forwarder((struct mr_forwarder_opts){0});
	rig_build_udp(&rig, &b, &(struct rig_udp){.ip.dst = foreign(false), .dport = 53, .len = 1});
	memset(b.b + 34, 0, 2);
	rig_fix(&b);
	rig_push_buf(&rig, &b);
	rig_expect_icmp(&rig, false, 3, 3);
	ck_assert_uint_eq(n_got, 0);
}
END_TEST

/* What ICMP says about the answers concerns the endpoint (SS-15). */
START_TEST(udp_icmp_error)
{
	const struct rig_frame *f;
	struct mr_ep *ep;

	udp_forwarder((struct mr_forwarder_opts){0});
	push_udp(false, "one");
	rig_poll(&rig);
	ck_assert_int_eq(mr_forwarder_accept(&got[0], &ep), 0);
	ck_assert_int_eq(mr_ep_send(ep, "yes", 3), 3);
	f = rig_expect(&rig, RIG_UDP);
	rig_push_icmp(&rig, .ip.dst = foreign(false), .type = 3, .code = 3, .data = f->b + 14, .len = 28);
	rig_poll(&rig);
	ck_assert_int_eq(mr_ep_error(ep), -ECONNREFUSED);
	mr_ep_close(ep);
}
END_TEST

START_TEST(udp_no_endpoint_left)
{
	struct mr_ep *eps[64], *ep;
	unsigned n = 0;

	rig_fini(&rig);
	rig_init(&rig, &(struct rig_opts){.stack.max_endpoints = 4});
	ck_assert_int_eq(mr_nic_set_promisc(rig.stack, RIG_NIC, true), 0);
	udp_forwarder((struct mr_forwarder_opts){0});
	push_udp(false, "one");
	push_udp(false, "two");
	rig_poll(&rig);
	while (mr_ep_create(rig.stack, MR_TRANS_UDP, MR_NET_IPV4, &eps[n]) == 0)
		n++;
	ck_assert_int_eq(mr_forwarder_accept(&got[0], &ep), -ENOBUFS);
	while (n > 0)
		mr_ep_close(eps[--n]);
	ck_assert_int_eq(mr_forwarder_accept(&got[0], &ep), 0);
	expect_read(ep, "one");
	expect_read(ep, "two");
	mr_ep_close(ep);
}
END_TEST

/* The tuple is connected meanwhile by an endpoint of the application's. */
START_TEST(udp_taken_meanwhile)
{
	struct mr_sockaddr local = rig_local(&rig, false, 53), peer = rig_peer(&rig, false, 5000);
	struct mr_ep *ep, *late;

	udp_forwarder((struct mr_forwarder_opts){0});
	rig_push_udp(&rig, .dport = 53, .len = 1);
	rig_poll(&rig);
	ck_assert_int_eq(mr_ep_create(rig.stack, MR_TRANS_UDP, MR_NET_IPV4, &ep), 0);
	ck_assert_int_eq(mr_ep_bind(ep, &local), 0);
	ck_assert_int_eq(mr_ep_connect(ep, &peer), 0);
	ck_assert_int_eq(mr_forwarder_accept(&got[0], &late), -EADDRINUSE);
	rig_push_udp(&rig, .dport = 53, .data = "mine", .len = 4);
	rig_poll(&rig);
	expect_read(ep, "mine");
	mr_ep_close(ep);
	ck_assert_int_eq(mr_forwarder_accept(&got[0], &late), 0);
	mr_ep_close(late);
}
END_TEST

static Suite *
suite(void)
{
	Suite *s = suite_create("forwarder_udp");
	TCase *tc = rig_case(s, "udp", setup, rig_teardown);

	tcase_add_loop_test(tc, udp_flow, 0, 2);
	tcase_add_test(tc, udp_hold);
	tcase_add_loop_test(tc, udp_refused, 0, 4);
	tcase_add_test(tc, udp_timeout);
	tcase_add_test(tc, udp_tuple_for_good);
	tcase_add_test(tc, udp_rcvbuf);
	tcase_add_test(tc, udp_unwanted);
	tcase_add_test(tc, udp_port_zero);
	tcase_add_test(tc, udp_icmp_error);
	tcase_add_test(tc, udp_no_endpoint_left);
	tcase_add_test(tc, udp_taken_meanwhile);
	return s;
}

RIG_MAIN(suite)
