/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Names of TCP endpoints: making, binding, listening and connecting; who conflicts with whom (B-38, SS-24), the two
 * families (SS-25, B-39), and sources that are not ours (B-6, S-43).
 */
#include "rig/fixture.h"

#include <errno.h>
#include <string.h>

static struct mr_ep *
make(bool v6)
{
	struct mr_ep *ep;

	ck_assert_int_eq(mr_ep_create(rig.stack, MR_TRANS_TCP, v6 ? MR_NET_IPV6 : MR_NET_IPV4, &ep), 0);
	return ep;
}

static struct mr_sockaddr
at(const char *addr, uint16_t port)
{
	struct mr_sockaddr sa = {.port = port};

	if (addr)
		sa.addr = rig_addr(addr);
	return sa;
}

static int
bind_at(struct mr_ep *ep, const char *addr, uint16_t port)
{
	struct mr_sockaddr sa = at(addr, port);

	return mr_ep_bind(ep, &sa);
}

/* ---- making */

/* S-58 */
START_TEST(create)
{
	struct mr_ep *ep, *eps[3];

	ck_assert_int_eq(mr_ep_create(rig.stack, 200, MR_NET_IPV4, &ep), -EPROTONOSUPPORT);
	ck_assert_int_eq(mr_ep_create(rig.stack, MR_TRANS_TCP, 0x1234, &ep), -EPROTONOSUPPORT);
	ck_assert_int_eq(mr_ep_create(rig.stack, MR_TRANS_TCP, MR_NET_ARP, &ep), -EPROTONOSUPPORT);
	rig_fini(&rig);
	rig_init(&rig, &(struct rig_opts){.stack.max_conns = 3});
	for (unsigned i = 0; i < 3; i++)
		eps[i] = make(false);
	ck_assert_int_eq(mr_ep_create(rig.stack, MR_TRANS_TCP, MR_NET_IPV4, &ep), -ENOBUFS);
	for (unsigned i = 0; i < 3; i++)
		mr_ep_close(eps[i]);
	rig_poll(&rig);
	mr_ep_close(make(true));
}
END_TEST

/* ---- binding */

START_TEST(names)
{
	struct mr_ep *ep = make(false);
	struct mr_sockaddr name, peer = rig_peer(&rig, false, 5000);

	ck_assert_int_eq(mr_ep_local_name(ep, &name), -ENOTCONN);
	ck_assert_int_eq(mr_ep_remote_name(ep, &name), -ENOTCONN);
	ck_assert_int_eq(bind_at(ep, NULL, 77), 0);
	ck_assert_int_eq(mr_ep_local_name(ep, &name), 0);
	ck_assert(name.port == 77 && mr_addr_is_any(&name.addr));
	ck_assert_int_eq(mr_ep_remote_name(ep, &name), -ENOTCONN);
	ck_assert_int_eq(bind_at(ep, NULL, 78), -EINVAL);
	ck_assert_int_eq(mr_ep_connect(ep, &peer), -EINPROGRESS);
	ck_assert_int_eq(mr_ep_local_name(ep, &name), 0);
	ck_assert(name.port == 77 && mr_addr_equal(&name.addr, &rig.addr4));
	ck_assert_int_eq(mr_ep_remote_name(ep, &name), 0);
	ck_assert(name.port == 5000 && mr_addr_equal(&name.addr, &rig.peer4));
	ck_assert_uint_eq(rig_expect(&rig, RIG_TCP)->sport, 77);
	ck_assert_int_eq(bind_at(ep, NULL, 78), -EINVAL);
	ck_assert_int_eq(mr_ep_listen(ep, 1), -EINVAL);
	ck_assert_int_eq(mr_ep_connect(ep, &peer), -EALREADY);
	mr_ep_close(ep);
}
END_TEST

START_TEST(bad_addresses)
{
	struct mr_ep *v4 = make(false), *v6 = make(true);
	struct mr_sockaddr other_nic = at("10.0.0.1", 80);

	ck_assert_int_eq(bind_at(v4, "10.0.0.77", 80), -EADDRNOTAVAIL);
	ck_assert_int_eq(bind_at(v4, "fd00::1", 80), -EADDRNOTAVAIL);
	ck_assert_int_eq(bind_at(v4, "224.0.0.1", 80), -EADDRNOTAVAIL);
	ck_assert_int_eq(bind_at(v4, "10.0.0.255", 80), -EADDRNOTAVAIL);
	ck_assert_int_eq(bind_at(v6, "fd00::77", 80), -EADDRNOTAVAIL);
	other_nic.nic = 9;
	ck_assert_int_eq(mr_ep_bind(v4, &other_nic), -EADDRNOTAVAIL);
	/* None of it has left anything behind. */
	ck_assert_int_eq(bind_at(v4, "10.0.0.1", 80), 0);
	ck_assert_int_eq(bind_at(v6, "fd00::1", 80), 0);
	mr_ep_close(v4);
	mr_ep_close(v6);
}
END_TEST

/* Port 0 is any free one (B-38); a listener without a name gets one too. */
START_TEST(any_port)
{
	struct mr_ep *a = make(false), *b = make(false);
	struct mr_sockaddr name_a, name_b;

	ck_assert_int_eq(bind_at(a, NULL, 0), 0);
	ck_assert_int_eq(mr_ep_local_name(a, &name_a), 0);
	ck_assert_uint_ge(name_a.port, 16384);
	ck_assert_int_eq(mr_ep_listen(b, 1), 0);
	ck_assert_int_eq(mr_ep_local_name(b, &name_b), 0);
	ck_assert_uint_ge(name_b.port, 16384);
	ck_assert_uint_ne(name_a.port, name_b.port);
	t.port = name_b.port;
	t.listener = b;
	rig_tcp_establish_passive(&t);
	mr_ep_close(a);
}
END_TEST

/* B-38, SS-24: a wildcard conflicts with every address of its families, both ways; other addresses and families do not. */
static const struct conflict {
	bool v6;
	const char *addr;
	bool v6_too;
	const char *with;
	bool is;
} conflicts[] = {
	{false, NULL, false, NULL, true},
	{false, NULL, false, "10.0.0.1", true},
	{false, "10.0.0.1", false, NULL, true},
	{false, "10.0.0.1", false, "10.0.0.1", true},
	{false, "10.0.0.1", false, "10.0.0.9", false},
	{true, NULL, false, NULL, true},          /* :: has both families */
	{true, NULL, false, "10.0.0.1", true},
	{false, NULL, true, NULL, true},
	{true, "fd00::1", false, NULL, false},
	{true, "fd00::1", true, NULL, true},
	{false, "10.0.0.1", true, "fd00::1", false},
};

START_TEST(port_conflicts)
{
	const struct conflict *c = &conflicts[_i];
	struct mr_subnet second = {.addr = rig_addr("10.0.0.9"), .plen = 24};
	struct mr_ep *a = make(c->v6), *b = make(c->v6_too);

	ck_assert_int_eq(mr_addr_add(rig.stack, RIG_NIC, &second, MR_PEB_CAN_BE_PRIMARY), 0);
	ck_assert_int_eq(bind_at(a, c->addr, 80), 0);
	ck_assert_int_eq(bind_at(b, c->with, 80), c->is ? -EADDRINUSE : 0);
	if (c->is)
		ck_assert_int_eq(bind_at(b, c->with, 81), 0);
	mr_ep_close(a);
	rig_discard(&rig);
	/* With its holder the conflict is gone. */
	a = make(c->v6);
	ck_assert_int_eq(bind_at(a, c->addr, 80), 0);
	mr_ep_close(a);
	mr_ep_close(b);
	rig_discard(&rig);
}
END_TEST

/* REUSEPORT is shared by those who all say so; REUSEADDR does not make a listener's port common (SS-24). */
START_TEST(reuse)
{
	struct mr_ep *a = make(false), *b = make(false), *c = make(false);

	ck_assert_int_eq(mr_ep_setopt(a, MR_OPT_REUSEADDR, 1), 0);
	ck_assert_int_eq(mr_ep_setopt(b, MR_OPT_REUSEADDR, 1), 0);
	ck_assert_int_eq(bind_at(a, NULL, 80), 0);
	ck_assert_int_eq(bind_at(b, NULL, 80), -EADDRINUSE);
	mr_ep_close(a);
	a = make(false);
	ck_assert_int_eq(mr_ep_setopt(a, MR_OPT_REUSEPORT, 1), 0);
	ck_assert_int_eq(bind_at(a, NULL, 80), 0);
	ck_assert_int_eq(bind_at(b, NULL, 80), -EADDRINUSE);
	ck_assert_int_eq(mr_ep_setopt(b, MR_OPT_REUSEPORT, 1), 0);
	ck_assert_int_eq(bind_at(b, NULL, 80), 0);
	ck_assert_int_eq(bind_at(c, NULL, 80), -EADDRINUSE);
	ck_assert_int_eq(mr_ep_listen(a, 32), 0);
	ck_assert_int_eq(mr_ep_listen(b, 32), 0);
	/* Each gets some of thirty-two. */
	for (unsigned i = 0; i < 32; i++) {
		rig_push_tcphdr(&rig, .sport = 6000 + i, .flags = RIG_SYN, .seq = 1);
		rig_push_tcphdr(&rig, .sport = 6000 + i, .flags = RIG_ACK, .seq = 2, .ack = rig_expect(&rig, RIG_TCP)->seq + 1);
	}
	rig_poll(&rig);
	for (unsigned i = 0; i < 2; i++) {
		struct mr_ep *l = i ? b : a, *ep;
		unsigned n = 0;

		for (; mr_ep_accept(l, &ep) == 0; n++)
			mr_ep_abort(ep);
		ck_assert_uint_gt(n, 4);
	}
	rig_discard(&rig);
	mr_ep_close(a);
	mr_ep_close(b);
	mr_ep_close(c);
}
END_TEST

/* The port of a listener is free with it, whatever it has accepted. */
START_TEST(port_of_a_closed_listener)
{
	rig_tcp_establish_passive(&t);
	ck_assert_int_eq(bind_at(make(false), NULL, 80), -EADDRINUSE);
	mr_ep_close(t.listener);
	rig_tcp_listen(&t, 4);
	rig_tcp_push(&t, RIG_ACK, 1, 1, 10);
	rig_poll(&rig);
	rig_ep_recv(t.ep, 0, 10);
	rig_discard(&rig);
}
END_TEST

/* MUST-41, MUST-42: a listener disturbs nothing that is there on its port: not what calls, nor what is being called. */
START_TEST(listener_beside_an_open)
{
	struct rig_tcp o;

	rig_tcp_start_active(&t);
	if (_i)
		rig_tcp_push(&t, RIG_SYN, 0, 0, 0);
	rig_poll(&rig);
	rig_discard(&rig);
	ck_assert_int_eq(rig_tcp_state(t.ep), _i ? MR_TCP_SYN_RECEIVED : MR_TCP_SYN_SENT);
	rig_tcp_init(&o, &rig, false);
	o.peer_port += 7;
	o.port = t.port;
	rig_tcp_establish_passive(&o);
	rig_tcp_push(&t, RIG_SYN | RIG_ACK, 0, 1, 0);
	rig_poll(&rig);
	rig_discard(&rig);
	ck_assert_int_eq(rig_tcp_state(t.ep), MR_TCP_ESTABLISHED);
	rig_tcp_push(&t, RIG_ACK, 1, 1, 10);
	rig_tcp_push(&o, RIG_ACK, 1, 1, 20);
	rig_poll(&rig);
	rig_ep_recv(t.ep, 0, 10);
	rig_ep_recv(o.ep, 0, 20);
	rig_discard(&rig);
}
END_TEST

/* MUST-45: who was called at an address answers from it, first and later, whatever would be chosen for the peer. */
START_TEST(answers_from_where_it_was_called)
{
	struct mr_subnet second = {.addr = rig_addr("10.0.0.9"), .plen = 24};
	const struct rig_frame *f;

	ck_assert_int_eq(mr_addr_add(rig.stack, RIG_NIC, &second, MR_PEB_CAN_BE_PRIMARY), 0);
	rig_discard(&rig);
	rig_tcp_listen(&t, 4);
	t.addr = second.addr;
	rig_tcp_push(&t, RIG_SYN, 0, 0, 0);
	f = rig_expect(&rig, RIG_TCP);
	ck_assert(mr_addr_equal(&f->src, &second.addr));
	t.irs = f->seq;
	rig_tcp_push(&t, RIG_ACK, 1, 1, 0);
	rig_poll(&rig);
	ck_assert_int_eq(mr_ep_accept(t.listener, &t.ep), 0);
	rig_ep_send(t.ep, 0, 10);
	f = rig_expect(&rig, RIG_TCP);
	ck_assert(mr_addr_equal(&f->src, &second.addr) && f->payload_len == 10);
	rig_discard(&rig);
}
END_TEST

/* ---- listening */

START_TEST(listening)
{
	struct mr_ep *ep = make(false), *got;
	struct mr_sockaddr peer = rig_peer(&rig, false, 5000);

	ck_assert_int_eq(mr_ep_accept(ep, &got), -EINVAL);
	ck_assert_int_eq(bind_at(ep, NULL, 80), 0);
	ck_assert_int_eq(mr_ep_accept(ep, &got), -EINVAL);
	ck_assert_int_eq(mr_ep_listen(ep, 1), 0);
	ck_assert_int_eq(mr_ep_accept(ep, &got), -EAGAIN);
	ck_assert_int_eq(mr_ep_connect(ep, &peer), -EINVAL);
	ck_assert_int_eq(mr_ep_send(ep, "x", 1), -ENOTCONN);
	ck_assert_int_eq(mr_ep_shutdown(ep, MR_SHUT_RD), -ENOTCONN);
	/* Again: another backlog. One that takes nothing takes one. */
	ck_assert_int_eq(mr_ep_listen(ep, 0), 0);
	ck_assert_int_eq(rig_tcp_state(ep), MR_TCP_LISTEN);
	t.listener = ep;
	rig_tcp_establish_passive(&t);
}
END_TEST

/* SS-25, B-39: a listener of :: takes IPv4 too, and its connections say so; V6ONLY does not. */
START_TEST(dual_stack)
{
	struct mr_ep *ep = make(true);
	struct mr_sockaddr name;

	if (_i)
		ck_assert_int_eq(mr_ep_setopt(ep, MR_OPT_V6ONLY, 1), 0);
	ck_assert_int_eq(bind_at(ep, NULL, 80), 0);
	ck_assert_int_eq(mr_ep_listen(ep, 4), 0);
	t.listener = ep;
	if (_i) {
		t.irs = 0;
		rig_tcp_push(&t, RIG_SYN, 0, 0, 0);
		rig_tcp_expect(&t, RIG_RST | RIG_ACK, 0, 1, 0);
		/* The other family's port is free. */
		ck_assert_int_eq(bind_at(make(false), NULL, 80), 0);
	} else {
		rig_tcp_establish_passive(&t);
		ck_assert_int_eq(mr_ep_remote_name(t.ep, &name), 0);
		ck_assert(mr_addr_is_v4(&name.addr) && mr_addr_equal(&name.addr, &rig.peer4));
		ck_assert_int_eq(mr_ep_local_name(t.ep, &name), 0);
		ck_assert(mr_addr_equal(&name.addr, &rig.addr4));
	}
	rig_tcp_init(&t, &rig, true);
	t.listener = ep;
	rig_tcp_establish_passive(&t);
}
END_TEST

/* An IPv6 endpoint connects to either family, an IPv4 one to its own. */
START_TEST(connect_families)
{
	struct mr_ep *a = make(true), *b = make(true), *c = make(false), *d = make(true);
	struct mr_sockaddr v4 = rig_peer(&rig, false, 5000), v6 = rig_peer(&rig, true, 5000);

	ck_assert_int_eq(mr_ep_connect(a, &v4), -EINPROGRESS);
	ck_assert(!rig_expect(&rig, RIG_TCP)->v6);
	ck_assert_int_eq(mr_ep_connect(b, &v6), -EINPROGRESS);
	ck_assert(rig_expect(&rig, RIG_TCP)->v6);
	ck_assert_int_eq(mr_ep_connect(c, &v6), -EADDRNOTAVAIL);
	ck_assert_int_eq(mr_ep_setopt(d, MR_OPT_V6ONLY, 1), 0);
	ck_assert_int_eq(mr_ep_connect(d, &v4), -EADDRNOTAVAIL);
	mr_ep_close(a);
	mr_ep_close(b);
	mr_ep_close(c);
	mr_ep_close(d);
}
END_TEST

/* ---- connecting with a name */

/* Two that share a port may have different peers, not the same one. */
START_TEST(one_port_two_peers)
{
	struct mr_ep *ep[3];
	struct mr_sockaddr peer = rig_peer(&rig, false, 5000), other = rig_peer(&rig, false, 5001);

	for (unsigned i = 0; i < 3; i++) {
		ep[i] = make(false);
		ck_assert_int_eq(mr_ep_setopt(ep[i], MR_OPT_REUSEPORT, 1), 0);
		ck_assert_int_eq(bind_at(ep[i], NULL, 77), 0);
	}
	ck_assert_int_eq(mr_ep_connect(ep[0], &peer), -EINPROGRESS);
	ck_assert_int_eq(mr_ep_connect(ep[1], &peer), -EADDRINUSE);
	ck_assert_int_eq(mr_ep_connect(ep[1], &other), -EINPROGRESS);
	mr_ep_close(ep[0]);
	rig_discard(&rig);
	ck_assert_int_eq(mr_ep_connect(ep[2], &peer), -EINPROGRESS);
	rig_discard(&rig);
	mr_ep_close(ep[1]);
	mr_ep_close(ep[2]);
}
END_TEST

/* B-6, S-43: from an address that is not ours only on a NIC that spoofs; the answers come back to it. */
START_TEST(spoofed_source)
{
	const char *source = _i ? "2001:db8::7" : "203.0.113.7";
	struct mr_sockaddr peer = rig_peer(&rig, _i, 5000), name;
	const struct rig_frame *f;

	rig_tcp_init(&t, &rig, _i);
	t.ep = make(_i);
	ck_assert_int_eq(bind_at(t.ep, source, 77), -EADDRNOTAVAIL);
	ck_assert_int_eq(mr_nic_set_spoofing(rig.stack, RIG_NIC, true), 0);
	ck_assert_int_eq(bind_at(t.ep, source, 77), 0);
	ck_assert_int_eq(mr_ep_connect(t.ep, &peer), -EINPROGRESS);
	f = rig_expect(&rig, RIG_TCP);
	t.addr = rig_addr(source);
	t.port = 77;
	ck_assert(f->flags == RIG_SYN && mr_addr_equal(&f->src, &t.addr) && f->sport == 77);
	t.irs = f->seq;
	rig_tcp_push(&t, RIG_SYN | RIG_ACK, 0, 1, 0);
	t.stack_ws = f->ws;
	rig_tcp_expect(&t, RIG_ACK, 1, 1, 0);
	ck_assert_int_eq(rig_tcp_state(t.ep), MR_TCP_ESTABLISHED);
	ck_assert_int_eq(mr_ep_local_name(t.ep, &name), 0);
	ck_assert(mr_addr_equal(&name.addr, &t.addr));
	/* Groups and broadcasts are no source even so. */
	ck_assert_int_eq(bind_at(make(_i), _i ? "ff02::1" : "10.0.0.255", 78), -EADDRNOTAVAIL);
}
END_TEST

/* SS-23: what belongs to a NIC comes before what does not, and so do a listener's own handshakes and connections. */
START_TEST(listener_of_a_nic)
{
	struct mr_sockaddr sa = at(NULL, 80);

	sa.nic = RIG_NIC;
	t.listener = make(false);
	ck_assert_int_eq(mr_ep_bind(t.listener, &sa), 0);
	ck_assert_int_eq(mr_ep_listen(t.listener, 4), 0);
	rig_tcp_establish_passive(&t);
	rig_tcp_push(&t, RIG_ACK, 1, 1, 100);
	rig_poll(&rig);
	rig_ep_recv(t.ep, 0, 100);
	rig_ep_send(t.ep, 0, 10);
	rig_tcp_expect(&t, RIG_ACK, 1, 101, 10, .pattern = true);
}
END_TEST

static Suite *
suite(void)
{
	Suite *s = suite_create("tcp_bind");
	TCase *tc = rig_case(s, "names", tcp_setup, rig_teardown);

	tcase_add_test(tc, create);
	tcase_add_test(tc, names);
	tcase_add_test(tc, bad_addresses);
	tcase_add_test(tc, any_port);
	tcase_add_loop_test(tc, port_conflicts, 0, RTE_DIM(conflicts));
	tcase_add_test(tc, reuse);
	tcase_add_test(tc, port_of_a_closed_listener);
	tcase_add_loop_test(tc, listener_beside_an_open, 0, 2);
	tcase_add_test(tc, answers_from_where_it_was_called);
	tcase_add_test(tc, listening);
	tcase_add_loop_test(tc, dual_stack, 0, 2);
	tcase_add_test(tc, connect_families);
	tcase_add_test(tc, one_port_two_peers);
	tcase_add_loop_test(tc, spoofed_source, 0, 2);
	tcase_add_test(tc, listener_of_a_nic);
	return s;
}

RIG_MAIN(suite)
