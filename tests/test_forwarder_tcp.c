/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Forwarders of TCP (S-57, B-16, I-11): requests from the SYN to the end, answered, turned down, or kept waiting; what comes
 * meanwhile; and which of listener, connection and forwarder a segment is for.
 */
#include <errno.h>
#include <string.h>

#include "forwarder.h"

/* ---- TCP: from the SYN to the end */

/* RFC 9293 3.10.4: what is ended in SYN-RECEIVED ends when the handshake is complete, although the SYN-ACK was lost. */
START_TEST(tcp_ended_in_syn_received)
{
	tcp_forwarder(false, (struct mr_forwarder_opts){0});
	push_syn();
	take();
	ck_assert_int_eq(mr_ep_shutdown(t.ep, MR_SHUT_WR), 0);
	rig_expect_none(&rig);
	rig_tcp_push(&t, RIG_SYN, 0, 0, 0);
	rig_tcp_expect(&t, RIG_SYN | RIG_ACK, 0, 1, 0);
	rig_tcp_push(&t, RIG_ACK, 1, 1, 0);
	rig_tcp_expect(&t, RIG_ACK | RIG_FIN, 1, 1, 0);
	ck_assert_int_eq(rig_tcp_state(t.ep), MR_TCP_FIN_WAIT_1);
}
END_TEST

/* The whole way, with the options of the SYN; told in the turn in which it came. D-8, B-51: also when it offers ECN, which
 * is agreed then. */
START_TEST(tcp_connection)
{
	bool v6 = _i & 1, ecn = _i & 2;
	const struct rig_frame *f;
	struct mr_sockaddr name;
	char buf[8];

	tcp_forwarder(v6, (struct mr_forwarder_opts){0});
	t.ts = true;
	t.ecn = ecn;
	rig_tcp_push(&t, ecn ? RIG_SYN | RIG_ECE | RIG_CWR : RIG_SYN, 0, 0, 0);
	rig_turn(&rig);
	ck_assert_uint_eq(n_got, 1);
	ck_assert(mr_addr_equal(&got[0].local.addr, &t.addr) && got[0].local.port == 443 && got[0].local.nic == RIG_NIC);
	ck_assert(mr_addr_equal(&got[0].remote.addr, v6 ? &rig.peer6 : &rig.peer4) && got[0].remote.port == t.peer_port);
	rig_expect_none(&rig);
	f = take();
	ck_assert(t.ecn_on == ecn);
	ck_assert(f->has_mss && f->mss == (v6 ? 1440 : 1460));
	ck_assert(f->has_ws && f->has_ts && f->tsecr == t.tsval);
	ck_assert_uint_eq(f->wnd, 65535);
	/* Not yet: neither side of the stream is there. */
	ck_assert_int_eq(mr_ep_send(t.ep, "x", 1), -EAGAIN);
	ck_assert_int_eq(mr_ep_recv(t.ep, buf, sizeof(buf), NULL), -EAGAIN);
	ck_assert_uint_eq(events, 0);
	rig_tcp_push(&t, RIG_ACK, 1, 1, 5, .data = "hello");
	rig_poll(&rig);
	ck_assert_uint_eq(events, MR_EV_IN | MR_EV_OUT);
	ck_assert_int_eq(rig_tcp_state(t.ep), MR_TCP_ESTABLISHED);
	ck_assert_int_eq(mr_ep_recv(t.ep, buf, sizeof(buf), NULL), 5);
	ck_assert(memcmp(buf, "hello", 5) == 0);
	ck_assert_int_eq(mr_ep_local_name(t.ep, &name), 0);
	ck_assert(mr_addr_equal(&name.addr, &t.addr) && name.port == 443);
	ck_assert_int_eq(mr_ep_remote_name(t.ep, &name), 0);
	ck_assert(mr_addr_equal(&name.addr, v6 ? &rig.peer6 : &rig.peer4) && name.port == t.peer_port);
	ck_assert_int_eq(rig_ep_send(t.ep, 0, 100), 100);
	rig_tcp_expect(&t, RIG_ACK, 1, 6, 100, .pattern = true);
	rig_tcp_push(&t, RIG_FIN | RIG_ACK, 6, 101, 0);
	rig_tcp_expect(&t, RIG_ACK, 101, 7, 0);
	mr_ep_close(t.ep);
	rig_tcp_expect(&t, RIG_FIN | RIG_ACK, 101, 7, 0);
	rig_tcp_push(&t, RIG_ACK, 7, 102, 0);
	rig_expect_none(&rig);
	ck_assert_uint_eq(rig_moved(&rig, MR_CNT_FORWARD_REQUESTS), 1);
	ck_assert_uint_eq(rig_moved(&rig, MR_CNT_TCP_PASSIVE_OPENS), 1);
	ck_assert_uint_eq(rig_moved(&rig, MR_CNT_TCP_ESTABLISHED), 1);
	ck_assert_uint_eq(rig_moved(&rig, MR_CNT_TCP_CLOSED), 1);
	rig_expect_no_drop(&rig);
}
END_TEST

/* Nothing offered, nothing agreed. */
START_TEST(tcp_plain_syn)
{
	const struct rig_frame *f;
	int64_t mss;

	tcp_forwarder(_i, (struct mr_forwarder_opts){0});
	t.mss = 0;
	t.ws = -1;
	t.sack = false;
	push_syn();
	f = take();
	ck_assert(f->has_mss && !f->has_ws && !f->has_ts && !f->has_sackok);
	rig_tcp_push(&t, RIG_ACK, 1, 1, 0);
	rig_poll(&rig);
	ck_assert_int_eq(mr_ep_getopt(t.ep, MR_OPT_TCP_MAXSEG, &mss), 0);
	ck_assert_int_eq(mss, _i ? 1220 : 536);
}
END_TEST

/* Also an address of our own, if nobody listens there; taken in the callback, the SYN-ACK leaves in the same turn. */
START_TEST(tcp_own_address_taken_at_once)
{
	tcp_forwarder(_i, (struct mr_forwarder_opts){0});
	t.addr = (struct mr_addr){0};
	answer = TAKE;
	rig_tcp_push(&t, RIG_SYN, 0, 0, 0);
	rig_turn(&rig);
	ck_assert_uint_eq(rig_pending(&rig), 1);
	t.irs = rig_tcp_next(&t)->seq;
	rig_tcp_push(&t, RIG_ACK, 1, 1, 0);
	rig_expect_none(&rig);
	ck_assert_int_eq(rig_tcp_state(taken), MR_TCP_ESTABLISHED);
	mr_ep_abort(taken);
	rig_tcp_expect(&t, RIG_RST | RIG_ACK, 1, 1, 0);
}
END_TEST

/* The receive window option, and its limits. */
START_TEST(tcp_window)
{
	const struct rig_frame *f;
	int64_t v;

	ck_assert_int_eq(forwarder(MR_TRANS_TCP, (struct mr_forwarder_opts){.rcvbuf = 2047}), -EINVAL);
	ck_assert_int_eq(forwarder(MR_TRANS_TCP, (struct mr_forwarder_opts){.rcvbuf = (1u << 30) + 1}), -EINVAL);
	tcp_forwarder(false, (struct mr_forwarder_opts){.rcvbuf = 5000});
	push_syn();
	f = take();
	ck_assert_uint_eq(f->wnd, 5000);
	ck_assert(f->has_ws && f->ws == 0);
	ck_assert_int_eq(mr_ep_getopt(t.ep, MR_OPT_RCVBUF, &v), 0);
	ck_assert_int_eq(v, 5000);
}
END_TEST

/* ---- TCP: turning down */

START_TEST(tcp_refused)
{
	bool v6 = _i & 1, tell = _i & 2;

	tcp_forwarder(v6, (struct mr_forwarder_opts){0});
	push_syn();
	rig_mark(&rig);
	ck_assert_int_eq(mr_forwarder_reject(&got[0], tell), 0);
	t.irs = 0;
	if (tell)
		rig_tcp_expect(&t, RIG_RST | RIG_ACK, 0, 1, 0);
	rig_expect_none_for(&rig, 100 * RIG_S);
	rig_expect_drop(&rig, tell ? MR_DROP_TCP_NO_PORT : MR_DROP_FORWARD_REFUSED);
	ck_assert_int_eq(mr_forwarder_reject(&got[0], tell), -ENOENT);
	ck_assert_int_eq(mr_forwarder_accept(&got[0], &t.ep), -ENOENT);
	/* The same tuple may ask again. */
	push_syn();
	ck_assert_uint_ne(got[0].id, got[1].id);
	take();
}
END_TEST

/* ---- TCP: what comes while a request waits */

/* A SYN again is dropped while the request waits, and answered again (B-47) once it is taken. */
START_TEST(tcp_syn_again)
{
	tcp_forwarder(false, (struct mr_forwarder_opts){0});
	rig_mark(&rig);
	rig_tcp_push(&t, RIG_SYN, 0, 0, 0);
	rig_tcp_push(&t, RIG_SYN, 0, 0, 0);
	rig_expect_none(&rig);
	ck_assert_uint_eq(n_got, 1);
	rig_expect_drop(&rig, MR_DROP_FORWARD_PENDING);
	rig_advance(&rig, RIG_S);
	rig_tcp_push(&t, RIG_SYN, 0, 0, 0);
	rig_expect_none(&rig);
	ck_assert_uint_eq(n_got, 1);
	rig_expect_drops(&rig, MR_DROP_FORWARD_PENDING, 2);
	take();
	rig_mark(&rig);
	rig_tcp_push(&t, RIG_SYN, 0, 0, 0);
	rig_tcp_expect(&t, RIG_SYN | RIG_ACK, 0, 1, 0);
	rig_expect_drop(&rig, MR_DROP_TCP_DUPLICATE);
	rig_tcp_push(&t, RIG_ACK, 1, 1, 0);
	rig_expect_none(&rig);
	ck_assert_int_eq(rig_tcp_state(t.ep), MR_TCP_ESTABLISHED);
}
END_TEST

/* B-16: what can begin nothing is for the transport's own answer, request or not. */
START_TEST(tcp_other_segments)
{
	tcp_forwarder(_i & 1, (struct mr_forwarder_opts){0});
	if (_i & 2)
		push_syn();
	n_got = 0;
	t.irs = 0;
	rig_mark(&rig);
	rig_tcp_push(&t, RIG_ACK, 1, 77, 10);
	rig_tcp_expect(&t, RIG_RST, 77, 0, 0);
	rig_tcp_push(&t, RIG_FIN, 1, 0, 0);
	rig_tcp_expect(&t, RIG_RST | RIG_ACK, 0, 2, 0);
	rig_tcp_push(&t, RIG_SYN | RIG_ACK, 0, 78, 0);
	rig_tcp_expect(&t, RIG_RST, 78, 0, 0);
	rig_tcp_push(&t, RIG_SYN | RIG_FIN, 0, 0, 0);
	rig_tcp_expect(&t, RIG_RST | RIG_ACK, 0, 2, 0);
	rig_tcp_push(&t, RIG_RST, 1, 0, 0);
	rig_expect_none(&rig);
	rig_expect_drops(&rig, MR_DROP_TCP_NO_PORT, 5);
	ck_assert_uint_eq(n_got, 0);
}
END_TEST

/* No more than max_requests wait; an answer makes room. Each tuple is one request, in the order in which they came. */
START_TEST(tcp_bound)
{
	tcp_forwarder(false, (struct mr_forwarder_opts){.max_requests = 3});
	for (unsigned i = 0; i < 5; i++) {
		rig_tcp_push(&t, RIG_SYN, 0, 0, 0);
		t.peer_port++;
	}
	rig_turn(&rig);
	ck_assert_uint_eq(n_got, 3);
	for (unsigned i = 0; i < 3; i++)
		ck_assert_uint_eq(got[i].remote.port, 5000 + i);
	rig_expect_drops(&rig, MR_DROP_FORWARD_FULL, 2);
	ck_assert_int_eq(mr_forwarder_reject(&got[1], false), 0);
	push_syn();
	ck_assert_uint_eq(got[3].remote.port, 5005);
	/* The place is the same, the request is not. */
	ck_assert_int_eq(mr_forwarder_reject(&got[1], false), -ENOENT);
	ck_assert_int_eq(mr_forwarder_reject(&got[0], false), 0);
	ck_assert_int_eq(mr_forwarder_reject(&got[2], false), 0);
	take();
}
END_TEST

/* The same ports from two peers, and to two addresses, are four requests. */
START_TEST(tcp_tuples)
{
	tcp_forwarder(false, (struct mr_forwarder_opts){0});
	for (int i = 0; i < 4; i++)
		rig_push_tcphdr(&rig, .ip.src = rig_addr(i & 1 ? "10.0.0.2" : "10.0.0.3"),
		                .ip.dst = rig_addr(i & 2 ? "203.0.113.1" : "203.0.113.2"), .flags = RIG_SYN, .seq = 1);
	rig_poll(&rig);
	ck_assert_uint_eq(n_got, 4);
	rig_expect_no_drop(&rig);
}
END_TEST

/* What a flow that is over leaves behind in one burst does not keep the next SYN from the forwarder. */
START_TEST(tcp_reset_and_syn_in_a_burst)
{
	tcp_forwarder(false, (struct mr_forwarder_opts){0});
	establish();
	rig_tcp_push(&t, RIG_RST, 1, 0, 0);
	rig_tcp_push(&t, RIG_SYN, 100, 0, 0);
	rig_expect_none(&rig);
	ck_assert_uint_eq(n_got, 2);
	ck_assert(events & MR_EV_HUP);
}
END_TEST

/* ---- TCP: time */

/* Forgotten after the timeout, without a word; the next SYN asks again. */
START_TEST(tcp_timeout)
{
	tcp_forwarder(false, (struct mr_forwarder_opts){.timeout_ns = 5 * RIG_S});
	push_syn();
	t.peer_port++;
	rig_advance(&rig, 2 * RIG_S);
	push_syn();
	rig_mark(&rig);
	rig_expect_none_for(&rig, 2900 * RIG_MS);
	rig_expect_no_drop(&rig);
	rig_expect_none_for(&rig, 200 * RIG_MS);
	rig_expect_drop(&rig, MR_DROP_FORWARD_REFUSED);
	ck_assert_int_eq(mr_forwarder_accept(&got[0], &t.ep), -ENOENT);
	/* The second is younger. */
	take();
	t.peer_port--;
	push_syn();
	ck_assert_int_eq(mr_forwarder_accept(&got[0], &taken), -ENOENT);
	rig_expect_none_for(&rig, 900 * RIG_MS);
	rig_mark(&rig);
	rig_advance(&rig, 5 * RIG_S);
	ck_assert_uint_eq(rig_moved(&rig, MR_DROP_FORWARD_REFUSED), 1);
}
END_TEST

/* The default is 30 s. */
START_TEST(tcp_default_timeout)
{
	tcp_forwarder(false, (struct mr_forwarder_opts){0});
	push_syn();
	rig_expect_none_for(&rig, 29900 * RIG_MS);
	rig_expect_no_drop(&rig);
	rig_advance(&rig, 200 * RIG_MS);
	rig_expect_drop(&rig, MR_DROP_FORWARD_REFUSED);
}
END_TEST

/* nobody completes the handshake: SYN-ACKs after 1, 2, 4, 8, 16 s, then the handle hears of it. */
START_TEST(tcp_handshake_timeout)
{
	tcp_forwarder(false, (struct mr_forwarder_opts){0});
	push_syn();
	take();
	for (unsigned i = 0; i < 5; i++) {
		ck_assert(rig_advance_until_frame(&rig, (1050ull << i) * RIG_MS));
		rig_tcp_expect(&t, RIG_SYN | RIG_ACK, 0, 1, 0);
	}
	rig_expect_none_for(&rig, 40 * RIG_S);
	ck_assert(events & MR_EV_ERR && events & MR_EV_HUP);
	ck_assert_int_eq(mr_ep_error(t.ep), -ETIMEDOUT);
	mr_ep_close(t.ep);
	t.iss += 1000;
	push_syn();
}
END_TEST

START_TEST(tcp_handshake_reset)
{
	tcp_forwarder(false, (struct mr_forwarder_opts){0});
	push_syn();
	take();
	rig_tcp_push(&t, RIG_RST, 1, 0, 0);
	rig_expect_none_for(&rig, 10 * RIG_S);
	ck_assert(events & MR_EV_ERR && events & MR_EV_HUP);
	ck_assert_int_eq(mr_ep_error(t.ep), -ECONNREFUSED);
}
END_TEST

/* RFC 6191: the tuple of a connection in TIME-WAIT asks again, and its sequence numbers begin above the old ones. */
START_TEST(tcp_over_time_wait)
{
	uint32_t old;

	tcp_forwarder(_i, (struct mr_forwarder_opts){0});
	establish();
	mr_ep_close(t.ep);
	rig_tcp_expect(&t, RIG_FIN | RIG_ACK, 1, 1, 0);
	rig_tcp_push(&t, RIG_FIN | RIG_ACK, 1, 2, 0);
	rig_tcp_expect(&t, RIG_ACK, 2, 2, 0);
	old = t.irs + 2;
	t.iss += 100000;
	push_syn();
	take();
	ck_assert_int_ge((int32_t)(t.irs - old), 65536);
}
END_TEST

/* ---- who comes first */

/* B-16: an endpoint that wants it has it. */
START_TEST(tcp_listener_first)
{
	tcp_forwarder(_i, (struct mr_forwarder_opts){0});
	rig_tcp_establish_passive(&t);
	ck_assert_uint_eq(n_got, 0);
	ck_assert_uint_eq(rig_moved(&rig, MR_CNT_FORWARD_REQUESTS), 0);
}
END_TEST

/* A listener that comes while the request waits takes the next SYN; then there is nothing left to take. */
START_TEST(tcp_listener_meanwhile)
{
	tcp_forwarder(_i, (struct mr_forwarder_opts){0});
	push_syn();
	rig_tcp_establish_passive(&t);
	ck_assert_int_eq(mr_forwarder_accept(&got[0], &taken), -EADDRINUSE);
	ck_assert_int_eq(mr_forwarder_reject(&got[0], false), 0);
	rig_tcp_push(&t, RIG_ACK, 1, 1, 10);
	rig_poll(&rig);
	rig_ep_recv(t.ep, 0, 10);
}
END_TEST

/* B-5: a wildcard listener, too, answers as whom it was asked. */
START_TEST(tcp_listener_answers_for_foreign)
{
	rig_tcp_init(&t, &rig, _i);
	t.addr = foreign(_i);
	rig_tcp_establish_passive(&t);
	ck_assert_int_eq(rig_ep_send(t.ep, 0, 10), 10);
	rig_tcp_expect(&t, RIG_ACK, 1, 1, 10, .pattern = true);
	/* And a reset has the foreign address as well. */
	t.port++;
	t.irs = 0;
	rig_tcp_push(&t, RIG_SYN, 0, 0, 0);
	rig_tcp_expect(&t, RIG_RST | RIG_ACK, 0, 1, 0);
}
END_TEST

/* ---- the NIC's modes */

/* S-42, S-43: promiscuous or not decides about new ones. A connection goes on while the NIC spoofs, and only then. */
START_TEST(tcp_modes)
{
	tcp_forwarder(_i, (struct mr_forwarder_opts){0});
	ck_assert_int_eq(mr_nic_set_promisc(rig.stack, RIG_NIC, false), 0);
	rig_tcp_push(&t, RIG_SYN, 0, 0, 0);
	rig_expect_none(&rig);
	rig_expect_drop(&rig, MR_DROP_IP_NOT_OURS);
	ck_assert_int_eq(mr_nic_set_promisc(rig.stack, RIG_NIC, true), 0);
	establish();
	ck_assert_int_eq(mr_nic_set_promisc(rig.stack, RIG_NIC, false), 0);
	ck_assert_int_eq(mr_nic_set_spoofing(rig.stack, RIG_NIC, true), 0);
	rig_tcp_push(&t, RIG_ACK, 1, 1, 10);
	rig_poll(&rig);
	rig_ep_recv(t.ep, 0, 10);
	ck_assert_int_eq(mr_nic_set_spoofing(rig.stack, RIG_NIC, false), 0);
	rig_discard(&rig);
	rig_mark(&rig);
	rig_tcp_push(&t, RIG_ACK, 11, 1, 10);
	rig_expect_drop(&rig, MR_DROP_IP_NOT_OURS);
	/* What it has to say, it still says. */
	ck_assert_int_eq(rig_ep_send(t.ep, 0, 10), 10);
	rig_tcp_expect(&t, RIG_ACK, 1, 11, 10, .pattern = true);
}
END_TEST

/* S-34: a subnet lets its members in. */
START_TEST(tcp_subnet)
{
	struct mr_subnet net;

	tcp_forwarder(_i, (struct mr_forwarder_opts){0});
	ck_assert_int_eq(mr_nic_set_promisc(rig.stack, RIG_NIC, false), 0);
	ck_assert_int_eq(mr_subnet_parse(_i ? "2001:db8::/64" : "203.0.113.0/24", &net), 0);
	ck_assert_int_eq(mr_subnet_add(rig.stack, RIG_NIC, &net), 0);
	establish();
	ck_assert_int_eq(rig_ep_send(t.ep, 0, 10), 10);
	rig_tcp_expect(&t, RIG_ACK, 1, 1, 10, .pattern = true);
}
END_TEST

/* A peer that only this link knows. */
START_TEST(tcp_link_local_peer)
{
	struct mr_addr ll = rig_addr("fe80::2");
	const struct rig_frame *f;

	tcp_forwarder(true, (struct mr_forwarder_opts){0});
	ck_assert_int_eq(mr_neigh_add(rig.stack, RIG_NIC, &ll, &(struct mr_lladdr){{2, 0, 0, 0, 0, 2}, 6}), 0);
	rig_push_tcphdr(&rig, .ip.src = ll, .ip.dst = t.addr, .flags = RIG_SYN, .seq = 1);
	rig_poll(&rig);
	ck_assert_uint_eq(n_got, 1);
	ck_assert_uint_eq(got[0].remote.nic, RIG_NIC);
	ck_assert_int_eq(mr_forwarder_accept(&got[0], &taken), 0);
	f = rig_expect(&rig, RIG_TCP);
	ck_assert(f->flags == (RIG_SYN | RIG_ACK) && mr_addr_equal(&f->dst, &ll) && mr_addr_equal(&f->src, &t.addr));
}
END_TEST

/* ---- failures of taking: the request stays */

START_TEST(tcp_no_connection_left)
{
	rig_fini(&rig);
	rig_init(&rig, &(struct rig_opts){.stack.max_conns = 1});
	ck_assert_int_eq(mr_nic_set_promisc(rig.stack, RIG_NIC, true), 0);
	tcp_forwarder(false, (struct mr_forwarder_opts){0});
	push_syn();
	ck_assert_int_eq(mr_ep_create(rig.stack, MR_TRANS_TCP, MR_NET_IPV4, &taken), 0);
	ck_assert_int_eq(mr_forwarder_accept(&got[0], &t.ep), -ENOBUFS);
	mr_ep_close(taken);
	rig_poll(&rig);
	take();
}
END_TEST

START_TEST(tcp_no_way_back)
{
	struct mr_route_entry row = {.nic = RIG_NIC};

	tcp_forwarder(false, (struct mr_forwarder_opts){0});
	rig_push_tcphdr(&rig, .ip.src = rig_addr("172.16.0.1"), .ip.dst = t.addr, .flags = RIG_SYN, .seq = 1);
	rig_poll(&rig);
	for (unsigned i = 0; i < 3; i++)
		ck_assert_int_eq(mr_forwarder_accept(&got[0], &taken), -EHOSTUNREACH);
	rig_expect_none(&rig);
	ck_assert_int_eq(mr_subnet_parse("172.16.0.0/12", &row.dest), 0);
	row.gateway = rig.peer4;
	ck_assert_int_eq(mr_route_add(rig.stack, &row), 0);
	ck_assert_int_eq(mr_forwarder_accept(&got[0], &taken), 0);
	ck_assert_uint_eq(rig_expect(&rig, RIG_TCP)->flags, RIG_SYN | RIG_ACK);
}
END_TEST

static Suite *
suite(void)
{
	Suite *s = suite_create("forwarder_tcp");
	TCase *tc = rig_case(s, "tcp", setup, rig_teardown);

	tcase_add_loop_test(tc, tcp_connection, 0, 4);
	tcase_add_test(tc, tcp_ended_in_syn_received);
	tcase_add_loop_test(tc, tcp_plain_syn, 0, 2);
	tcase_add_loop_test(tc, tcp_own_address_taken_at_once, 0, 2);
	tcase_add_test(tc, tcp_window);
	tcase_add_loop_test(tc, tcp_refused, 0, 4);
	tcase_add_test(tc, tcp_syn_again);
	tcase_add_loop_test(tc, tcp_other_segments, 0, 4);
	tcase_add_test(tc, tcp_bound);
	tcase_add_test(tc, tcp_tuples);
	tcase_add_test(tc, tcp_reset_and_syn_in_a_burst);
	tcase_add_test(tc, tcp_timeout);
	tcase_add_test(tc, tcp_default_timeout);
	tcase_add_test(tc, tcp_handshake_timeout);
	tcase_add_test(tc, tcp_handshake_reset);
	tcase_add_loop_test(tc, tcp_over_time_wait, 0, 2);
	tcase_add_loop_test(tc, tcp_listener_first, 0, 2);
	tcase_add_loop_test(tc, tcp_listener_meanwhile, 0, 2);
	tcase_add_loop_test(tc, tcp_listener_answers_for_foreign, 0, 2);
	tcase_add_loop_test(tc, tcp_modes, 0, 2);
	tcase_add_loop_test(tc, tcp_subnet, 0, 2);
	tcase_add_test(tc, tcp_link_local_peer);
	tcase_add_test(tc, tcp_no_connection_left);
	tcase_add_test(tc, tcp_no_way_back);
	return s;
}

RIG_MAIN(suite)
