/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A next hop that does not answer, seen by who sends to it (B-18, RFC 1122 4.2.3.9, RFC 4861 7.2.2). Each case once with
 * IPv4 and once with IPv6.
 */
#include "rig/fixture.h"

#include <errno.h>

#include <rte_mbuf.h>

#define V6 (_i == 1)

static void
setup(void)
{
	rig_init(&rig, &(struct rig_opts){.no_neigh = true});
}

static struct mr_ep *
endpoint(uint8_t trans, bool v6)
{
	struct mr_ep *ep;

	ck_assert_int_eq(mr_ep_create(rig.stack, trans, v6 ? MR_NET_IPV6 : MR_NET_IPV4, &ep), 0);
	return ep;
}

/* The requests, and nothing else, for three seconds. */
static void
nobody_answers(bool v6)
{
	rig_advance(&rig, 3 * RIG_S);
	for (unsigned i = 0; i < 3; i++)
		rig_expect(&rig, v6 ? RIG_NDP : RIG_ARP);
	rig_expect_none(&rig);
}

/* A connect ends with the resolution, not with the last retransmission of its SYN; the SYNs are counted, each once. */
START_TEST(tcp_connect)
{
	struct mr_ep *ep = endpoint(MR_TRANS_TCP, V6);
	struct mr_sockaddr to = rig_peer(&rig, V6, 80);

	ck_assert_int_eq(mr_ep_connect(ep, &to), -EINPROGRESS);
	rig_advance(&rig, 3 * RIG_S - 1);
	ck_assert_int_eq(rig_tcp_state(ep), MR_TCP_SYN_SENT);
	rig_advance(&rig, 1);
	ck_assert_int_eq(rig_tcp_state(ep), MR_TCP_CLOSED);
	ck_assert_int_eq(mr_ep_error(ep), -EHOSTUNREACH);
	rig_expect_drops(&rig, MR_DROP_NEIGH_FAILED, 2); /* of 0 and 1 s */
	mr_ep_close(ep);
	nobody_answers(V6);
}
END_TEST

/* A connection that stands takes it for a hint. */
START_TEST(tcp_established)
{
	struct mr_lladdr ll = {.len = 6};
	struct mr_addr peer = V6 ? rig.peer6 : rig.peer4;
	struct rig_tcp t;

	memcpy(ll.b, rig.peer_mac, 6);
	ck_assert_int_eq(mr_neigh_add(rig.stack, RIG_NIC, &peer, &ll), 0);
	rig_tcp_init(&t, &rig, V6);
	rig_tcp_reach(&t, MR_TCP_ESTABLISHED);
	ck_assert_int_eq(mr_neigh_remove(rig.stack, RIG_NIC, &peer), 0);
	rig_mark(&rig);
	rig_ep_send(t.ep, 0, 100);
	rig_advance(&rig, 10 * RIG_S);
	ck_assert_uint_gt(rig_moved(&rig, MR_DROP_NEIGH_FAILED), 3);
	ck_assert_int_eq(rig_tcp_state(t.ep), MR_TCP_ESTABLISHED);
	ck_assert_int_eq(mr_ep_error(t.ep), 0);
	/* It asks at every retransmission, and once the neighbour is back the data gets through. */
	rig_discard(&rig);
	ck_assert_int_eq(mr_neigh_add(rig.stack, RIG_NIC, &peer, &ll), 0);
	ck_assert(rig_advance_until_frame(&rig, 60 * RIG_S));
	rig_tcp_expect(&t, RIG_ACK, 1, 1, 100);
}
END_TEST

/* A connected UDP endpoint is told as it would be by ICMP, and goes on; one without a peer is not told. */
START_TEST(udp)
{
	struct mr_ep *peered = endpoint(MR_TRANS_UDP, V6), *open = endpoint(MR_TRANS_UDP, V6);
	struct mr_sockaddr to = rig_peer(&rig, V6, 9);
	char buf[4];

	ck_assert_int_eq(mr_ep_connect(peered, &to), 0);
	ck_assert_int_eq(mr_ep_send(peered, "x", 1), 1);
	ck_assert_int_eq(mr_ep_sendto(open, "y", 1, &to), 1);
	nobody_answers(V6);
	rig_expect_drops(&rig, MR_DROP_NEIGH_FAILED, 2);
	ck_assert_int_eq(mr_ep_recv(peered, buf, sizeof(buf), NULL), -EHOSTUNREACH);
	ck_assert_int_eq(mr_ep_recv(peered, buf, sizeof(buf), NULL), -EAGAIN);
	ck_assert_int_eq(mr_ep_recv(open, buf, sizeof(buf), NULL), -EAGAIN);
	/* The next one asks again. */
	ck_assert_int_eq(mr_ep_send(peered, "z", 1), 1);
	rig_expect(&rig, V6 ? RIG_NDP : RIG_ARP);
	mr_ep_close(peered);
	mr_ep_close(open);
}
END_TEST

static struct mr_ep *retrying;

static void
send_again(struct mr_ep *ep, uint32_t events, void *arg)
{
	(void)arg;
	ck_assert_uint_ne(events & MR_EV_ERR, 0);
	ck_assert_int_eq(mr_ep_error(ep), -EHOSTUNREACH);
	ck_assert_int_eq(mr_ep_send(ep, "again", 5), 5);
	retrying = NULL;
	mr_ep_unwait(ep, arg);
}

/* Who sends again when it is told starts a new resolution. */
START_TEST(udp_again_in_event)
{
	struct mr_waiter w = {.mask = MR_EV_ERR, .fn = send_again, .arg = &w};
	struct mr_sockaddr to = rig_peer(&rig, V6, 9);
	struct mr_lladdr ll = {.len = 6};

	memcpy(ll.b, rig.peer_mac, 6);
	retrying = endpoint(MR_TRANS_UDP, V6);
	ck_assert_int_eq(mr_ep_connect(retrying, &to), 0);
	mr_ep_wait(retrying, &w);
	ck_assert_int_eq(mr_ep_send(retrying, "x", 1), 1);
	rig_advance(&rig, 3 * RIG_S);
	ck_assert_ptr_null(retrying);
	for (unsigned i = 0; i < 4; i++)
		rig_expect(&rig, V6 ? RIG_NDP : RIG_ARP);
	ck_assert_int_eq(mr_neigh_add(rig.stack, RIG_NIC, &to.addr, &ll), 0);
	ck_assert_uint_eq(rig_expect(&rig, RIG_UDP)->payload_len, 5);
}
END_TEST

/* Taken by hand from under a packet, nothing is known of the neighbour, and nobody is told. */
START_TEST(removed)
{
	struct mr_ep *ep = endpoint(MR_TRANS_UDP, V6);
	struct mr_sockaddr to = rig_peer(&rig, V6, 9);

	ck_assert_int_eq(mr_ep_connect(ep, &to), 0);
	ck_assert_int_eq(mr_ep_send(ep, "x", 1), 1);
	rig_expect(&rig, V6 ? RIG_NDP : RIG_ARP);
	ck_assert_int_eq(mr_neigh_remove(rig.stack, RIG_NIC, &to.addr), 0);
	rig_expect_drop(&rig, MR_DROP_NEIGH_FAILED);
	ck_assert_int_eq(mr_ep_error(ep), 0);
	mr_ep_close(ep);
}
END_TEST

static Suite *
suite(void)
{
	Suite *s = suite_create("unreach");
	TCase *tc = rig_case(s, "unreach", setup, rig_teardown);

	tcase_add_loop_test(tc, tcp_connect, 0, 2);
	tcase_add_loop_test(tc, tcp_established, 0, 2);
	tcase_add_loop_test(tc, udp, 0, 2);
	tcase_add_loop_test(tc, udp_again_in_event, 0, 2);
	tcase_add_loop_test(tc, removed, 0, 2);
	return s;
}

RIG_MAIN(suite)
