/* SPDX-License-Identifier: Apache-2.0 */
/*
 * UDP: connected endpoints, ICMP errors, shutdown (UD-, B-38 to B-44, D-10, D-11).
 */
#include <errno.h>
#include <string.h>

#include <rte_mbuf.h>

#include "stack/nic.h"
#include "stack/port.h"
#include "stack/stack.h"
#include "udp_peer.h"

/* ---- connected */

/* B-42. */
START_TEST(connected_hears_its_peer)
{
	struct mr_ep *ep = connected(_i, 4000, 9);
	struct mr_sockaddr name;
	char buf[8];

	ck_assert_int_eq(mr_ep_send(ep, "hi", 2), 2);
	rig_expect_udp(&rig, 4000, 9, "hi", 2);
	rig_push_udp(&rig, .ip.v6 = _i, .sport = 9, .dport = 4000, .data = "ok", .len = 2);
	rig_push_udp(&rig, .ip.v6 = _i, .sport = 10, .dport = 4000, .data = "no", .len = 2);
	rig_push_udp(&rig, .ip.src = rig_addr(_i ? "fd00::3" : "10.0.0.3"), .sport = 9, .dport = 4000, .data = "no",
	             .len = 2);
	rig_poll(&rig);
	ck_assert_int_eq(mr_ep_recv(ep, buf, sizeof(buf), NULL), 2);
	ck_assert_mem_eq(buf, "ok", 2);
	ck_assert_int_eq(mr_ep_recv(ep, buf, sizeof(buf), NULL), -EAGAIN);
	ck_assert_uint_eq(rig_moved(&rig, MR_DROP_UDP_NO_PORT), 2);
	ck_assert_int_eq(mr_ep_remote_name(ep, &name), 0);
	ck_assert(name.port == 9 && mr_addr_equal(&name.addr, _i ? &rig.peer6 : &rig.peer4));
	ck_assert_int_eq(mr_ep_local_name(ep, &name), 0);
	ck_assert(name.port == 4000 && mr_addr_equal(&name.addr, _i ? &rig.addr6 : &rig.addr4));
	mr_ep_close(ep);
	rig_discard(&rig);
	rig_push_udp(&rig, .ip.v6 = _i, .sport = 9, .dport = 4000, .len = 2);
	rig_expect_icmp(&rig, _i, _i ? 1 : 3, _i ? 4 : 3);
}
END_TEST

/* Unbound before: a port of its own; two connections to one peer; and sending elsewhere meanwhile. */
START_TEST(connect_without_bind)
{
	struct mr_sockaddr to = rig_peer(&rig, false, 9), other = rig_peer(&rig, false, 10), a, b;
	struct mr_ep *e1 = make(false), *e2 = make(true);

	ck_assert_int_eq(mr_ep_connect(e1, &to), 0);
	ck_assert_int_eq(mr_ep_connect(e2, &to), 0);
	ck_assert_int_eq(mr_ep_local_name(e1, &a), 0);
	ck_assert_int_eq(mr_ep_local_name(e2, &b), 0);
	ck_assert_uint_ne(a.port, b.port);
	rig_push_udp(&rig, .sport = 9, .dport = b.port, .len = 1);
	rig_poll(&rig);
	ck_assert_uint_eq(mr_ep_readiness(e1) & MR_EV_IN, 0);
	ck_assert_uint_eq(mr_ep_readiness(e2) & MR_EV_IN, MR_EV_IN);
	ck_assert_int_eq(mr_ep_send(e1, "1", 1), 1);
	ck_assert_int_eq(mr_ep_sendto(e1, "2", 1, &other), 1);
	ck_assert_int_eq(mr_ep_send(e1, "3", 1), 1);
	rig_expect_udp(&rig, a.port, 9, "1", 1);
	rig_expect_udp(&rig, a.port, 10, "2", 1);
	rig_expect_udp(&rig, a.port, 9, "3", 1);
	mr_ep_close(e1);
	mr_ep_close(e2);
}
END_TEST

START_TEST(reconnect_and_disconnect)
{
	struct mr_ep *ep = bound(false, 4000);
	struct mr_sockaddr to = rig_peer(&rig, false, 9), to2 = rig_peer(&rig, false, 10), none = {.port = 0}, name;
	struct mr_sockaddr nowhere = {.addr = rig_addr("172.16.0.1"), .port = 9}, no_port = rig_peer(&rig, false, 0);
	char buf[8];

	ck_assert_int_eq(mr_ep_connect(ep, &to), 0);
	ck_assert_int_eq(mr_ep_send(ep, "1", 1), 1);
	ck_assert_int_eq(mr_ep_connect(ep, &to2), 0);
	rig_expect_udp(&rig, 4000, 9, "1", 1);
	/* A failure leaves things as they are. */
	ck_assert_int_eq(mr_ep_connect(ep, &nowhere), -EHOSTUNREACH);
	ck_assert_int_eq(mr_ep_connect(ep, &no_port), -EINVAL);
	rig_push_udp(&rig, .sport = 9, .dport = 4000, .len = 1);
	rig_expect_drop(&rig, MR_DROP_UDP_NO_PORT);
	rig_discard(&rig);
	rig_push_udp(&rig, .sport = 10, .dport = 4000, .len = 1);
	rig_poll(&rig);
	ck_assert_int_eq(mr_ep_recv(ep, buf, sizeof(buf), NULL), 1);
	ck_assert_int_eq(mr_ep_connect(ep, &none), 0);
	ck_assert_int_eq(mr_ep_remote_name(ep, &name), -ENOTCONN);
	ck_assert_int_eq(mr_ep_send(ep, "1", 1), -EDESTADDRREQ);
	rig_push_udp(&rig, .sport = 9, .dport = 4000, .len = 1);
	rig_poll(&rig);
	ck_assert_int_eq(mr_ep_recv(ep, buf, sizeof(buf), NULL), 1);
	mr_ep_close(ep);
}
END_TEST

/* Two endpoints that share a port cannot have the same peer; the second keeps what it was. */
START_TEST(connect_twice_to_one_peer)
{
	struct mr_sockaddr to = rig_peer(&rig, false, 9), name;
	struct mr_ep *a = make(false), *b = make(false);

	ck_assert_int_eq(mr_ep_setopt(a, MR_OPT_REUSEPORT, 1), 0);
	ck_assert_int_eq(mr_ep_setopt(b, MR_OPT_REUSEPORT, 1), 0);
	ck_assert_int_eq(mr_ep_bind(a, &(struct mr_sockaddr){.port = 4000}), 0);
	ck_assert_int_eq(mr_ep_bind(b, &(struct mr_sockaddr){.port = 4000}), 0);
	ck_assert_int_eq(mr_ep_connect(a, &to), 0);
	ck_assert_int_eq(mr_ep_connect(b, &to), -EADDRINUSE);
	ck_assert_int_eq(mr_ep_remote_name(b, &name), -ENOTCONN);
	rig_push_udp(&rig, .sport = 9, .dport = 4000, .len = 1);
	rig_push_udp(&rig, .sport = 10, .dport = 4000, .len = 1);
	rig_poll(&rig);
	ck_assert_uint_eq(mr_ep_readiness(a) & MR_EV_IN, MR_EV_IN);
	ck_assert_uint_eq(mr_ep_readiness(b) & MR_EV_IN, MR_EV_IN);
	mr_ep_close(a);
	ck_assert_int_eq(mr_ep_connect(b, &to), 0);
	mr_ep_close(b);
}
END_TEST

/* D-11, B-42: once, at whatever call comes first, and then the endpoint goes on. */
START_TEST(port_unreachable)
{
	struct mr_waiter w = {.mask = MR_EV_ERR, .fn = on_event};
	struct mr_ep *ep = connected(false, 4000, 9);
	uint8_t quote[28];
	const struct rig_frame *f;
	char buf[8];

	told = told_events = 0;
	mr_ep_wait(ep, &w);
	for (int i = 0; i < 3; i++) {
		ck_assert_int_eq(mr_ep_send(ep, "x", 1), 1);
		f = rig_expect(&rig, RIG_UDP);
		memcpy(quote, f->b + ETH, sizeof(quote));
		rig_push_icmp(&rig, .type = 3, .code = 3, .data = quote, .len = sizeof(quote));
		rig_poll(&rig);
		ck_assert_uint_eq(told, i + 1);
		ck_assert_uint_eq(mr_ep_readiness(ep) & MR_EV_ERR, MR_EV_ERR);
		if (i == 0)
			ck_assert_int_eq(mr_ep_send(ep, "x", 1), -ECONNREFUSED);
		else if (i == 1)
			ck_assert_int_eq(mr_ep_recv(ep, buf, sizeof(buf), NULL), -ECONNREFUSED);
		else
			ck_assert_int_eq(mr_ep_error(ep), -ECONNREFUSED);
		ck_assert_uint_eq(mr_ep_readiness(ep) & MR_EV_ERR, 0);
		ck_assert_int_eq(mr_ep_recv(ep, buf, sizeof(buf), NULL), -EAGAIN);
	}
	mr_ep_unwait(ep, &w);
	mr_ep_close(ep);
}
END_TEST

/* Queued data comes before the error; an endpoint without a peer is not told. */
START_TEST(errors_and_data)
{
	struct mr_ep *ep = connected(false, 4000, 9), *open = bound(false, 4001);
	struct mr_sockaddr to = rig_peer(&rig, false, 9);
	uint8_t quote[28];
	char buf[8];

	ck_assert_int_eq(mr_ep_send(ep, "x", 1), 1);
	memcpy(quote, rig_expect(&rig, RIG_UDP)->b + ETH, sizeof(quote));
	rig_push_udp(&rig, .sport = 9, .dport = 4000, .len = 2);
	rig_push_icmp(&rig, .type = 3, .code = 3, .data = quote, .len = sizeof(quote));
	rig_poll(&rig);
	ck_assert_int_eq(mr_ep_recv(ep, buf, sizeof(buf), NULL), 2);
	ck_assert_int_eq(mr_ep_recv(ep, buf, sizeof(buf), NULL), -ECONNREFUSED);
	ck_assert_int_eq(mr_ep_sendto(open, "x", 1, &to), 1);
	memcpy(quote, rig_expect(&rig, RIG_UDP)->b + ETH, sizeof(quote));
	rig_push_icmp(&rig, .type = 3, .code = 3, .data = quote, .len = sizeof(quote));
	rig_poll(&rig);
	ck_assert_int_eq(mr_ep_error(open), 0);
	mr_ep_close(ep);
	mr_ep_close(open);
}
END_TEST

/* Between two of ours: the refusal comes back through the loop. */
START_TEST(refused_by_ourselves)
{
	struct mr_sockaddr to = rig_local(&rig, _i, 9999);
	struct mr_ep *ep = make(_i);

	ck_assert_int_eq(mr_ep_connect(ep, &to), 0);
	ck_assert_int_eq(mr_ep_send(ep, "x", 1), 1);
	rig_expect_none(&rig);
	ck_assert_int_eq(mr_ep_error(ep), -ECONNREFUSED);
	ck_assert_uint_eq(rig_moved(&rig, MR_DROP_UDP_NO_PORT), 1);
	mr_ep_close(ep);
}
END_TEST

START_TEST(shutdown)
{
	struct mr_ep *ep = connected(false, 4000, 9);
	char buf[8];

	ck_assert_int_eq(mr_ep_shutdown(ep, 0), -EINVAL);
	rig_push_udp(&rig, .sport = 9, .dport = 4000, .len = 2);
	rig_poll(&rig);
	ck_assert_int_eq(mr_ep_shutdown(ep, MR_SHUT_WR), 0);
	ck_assert_int_eq(mr_ep_send(ep, "x", 1), -EPIPE);
	ck_assert_int_eq(mr_ep_shutdown(ep, MR_SHUT_RD), 0);
	ck_assert_int_eq(mr_ep_recv(ep, buf, sizeof(buf), NULL), 2);
	ck_assert_int_eq(mr_ep_recv(ep, buf, sizeof(buf), NULL), 0);
	rig_push_udp(&rig, .sport = 9, .dport = 4000, .len = 2);
	rig_expect_drop(&rig, MR_DROP_UDP_QUEUE_FULL);
	mr_ep_close(ep);
}
END_TEST

static Suite *
suite(void)
{
	Suite *s = suite_create("udp_connected");
	TCase *tc = rig_case(s, "udp", rig_setup, rig_teardown);

	tcase_add_loop_test(tc, connected_hears_its_peer, 0, 2);
	tcase_add_test(tc, connect_without_bind);
	tcase_add_test(tc, reconnect_and_disconnect);
	tcase_add_test(tc, connect_twice_to_one_peer);
	tcase_add_test(tc, port_unreachable);
	tcase_add_test(tc, errors_and_data);
	tcase_add_loop_test(tc, refused_by_ourselves, 0, 2);
	tcase_add_test(tc, shutdown);
	return s;
}

RIG_MAIN(suite)
