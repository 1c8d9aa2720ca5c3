/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Datagrams taken and sent in bursts (mr_ep_recv_burst, mr_ep_send_burst): the same datagrams as one by one, what ends a burst,
 * and whose the packets are then.
 */
#include <errno.h>

#include "udp_peer.h"

#define MANY 40 /* more than leave together */

/* A datagram of `len` bytes of the pattern, numbered by where in it they begin. */
static struct rte_mbuf *
datagram(uint32_t nr, uint16_t len)
{
	struct rte_mbuf *m = rte_pktmbuf_alloc(mr_stack_tx_pool(rig.stack));

	ck_assert_ptr_nonnull(m);
	rig_pattern_fill(rte_pktmbuf_append(m, len), nr, len);
	return m;
}

static void
datagrams(struct rte_mbuf **pkts, unsigned n)
{
	for (unsigned i = 0; i < n; i++)
		pkts[i] = datagram(i, 20);
}

static void
expect_datagram(uint32_t nr, uint16_t dport)
{
	const struct rig_frame *f = rig_expect_udp(&rig, 7, dport, NULL, 20);

	ck_assert_uint_eq(rig_pattern_check(f->payload, nr, 20), 20);
}

START_TEST(receive)
{
	struct mr_ep *ep = bound(_i, 7);
	struct rte_mbuf *pkts[4];
	struct mr_sockaddr from[4];

	ck_assert_int_eq(mr_ep_recv_burst(ep, pkts, from, 4), -EAGAIN);
	for (uint16_t i = 0; i < 6; i++)
		rig_push_udp(&rig, .ip.v6 = _i, .sport = 1000 + i, .len = i);
	rig_poll(&rig);
	ck_assert_int_eq(mr_ep_recv_burst(ep, pkts, from, 4), 4);
	for (uint16_t i = 0; i < 4; i++) {
		ck_assert_uint_eq(pkts[i]->pkt_len, i); /* an empty one, too */
		ck_assert_uint_eq(rig_pattern_check(rte_pktmbuf_mtod(pkts[i], uint8_t *), 0, i), i);
		ck_assert(mr_addr_equal(&from[i].addr, _i ? &rig.peer6 : &rig.peer4));
		ck_assert_uint_eq(from[i].port, 1000 + i);
		ck_assert_uint_eq(from[i].nic, RIG_NIC);
		rte_pktmbuf_free(pkts[i]);
	}
	ck_assert_uint_eq(mr_ep_readiness(ep) & MR_EV_IN, MR_EV_IN);
	ck_assert_int_eq(mr_ep_recv_burst(ep, pkts, NULL, 4), 2);
	ck_assert_uint_eq(pkts[1]->pkt_len, 5);
	rte_pktmbuf_free_bulk(pkts, 2);
	ck_assert_uint_eq(rig.stack->rx_held, 0);
	ck_assert_int_eq(mr_ep_recv_burst(ep, pkts, from, 4), -EAGAIN);
	mr_ep_close(ep);
}
END_TEST

/* What is queued comes before an error, and before the end. */
START_TEST(receive_ends)
{
	struct mr_ep *ep = connected(false, 7, 9);
	struct rte_mbuf *m;

	rig_push_udp(&rig, .sport = 9, .dport = 7, .len = 3);
	rig_poll(&rig);
	ep->err = -ECONNREFUSED;
	ck_assert_int_eq(mr_ep_recv_burst(ep, &m, NULL, 1), 1);
	rte_pktmbuf_free(m);
	ck_assert_int_eq(mr_ep_recv_burst(ep, &m, NULL, 1), -ECONNREFUSED);
	ck_assert_int_eq(mr_ep_recv_burst(ep, &m, NULL, 1), -EAGAIN);
	ck_assert_int_eq(mr_ep_shutdown(ep, MR_SHUT_RD), 0);
	ck_assert_int_eq(mr_ep_recv_burst(ep, &m, NULL, 1), 0);
	mr_ep_close(ep);
}
END_TEST

/* More than leave together, in order; to one address, to several in turn, and to the peer. */
START_TEST(send)
{
	struct mr_ep *ep = _i == 2 ? connected(false, 7, 9) : bound(false, 7);
	struct mr_sockaddr to[MANY];
	struct rte_mbuf *pkts[MANY];

	for (unsigned i = 0; i < MANY; i++)
		to[i] = rig_peer(&rig, false, (uint16_t)(_i == 1 ? 9 + i / 3 % 2 : 9));
	datagrams(pkts, MANY);
	ck_assert_int_eq(mr_ep_send_burst(ep, pkts, _i == 2 ? NULL : to, MANY), MANY);
	for (unsigned i = 0; i < MANY; i++)
		expect_datagram(i, to[i].port);
	rig_expect_none(&rig);
	ck_assert_uint_eq(rig_moved(&rig, MR_CNT_UDP_TX_DATAGRAMS), MANY);
	mr_ep_close(ep);
}
END_TEST

/* Datagrams that routers may cut have an identification each (RFC 6864 4.2), in bursts that leave together and in the next. */
START_TEST(identifications)
{
	struct mr_ep *ep = connected(false, 7, 9);
	struct rte_mbuf *pkts[MANY];
	uint16_t id = 0;

	datagrams(pkts, MANY);
	ck_assert_int_eq(mr_ep_send_burst(ep, pkts, NULL, MANY), MANY);
	for (unsigned i = 0; i < MANY; i++) {
		const struct rig_frame *f = rig_expect_udp(&rig, 7, 9, NULL, 20);

		ck_assert(!f->df);
		if (i > 0)
			ck_assert_uint_eq(f->ip_id, (uint16_t)(id + 1));
		id = f->ip_id;
	}
	mr_ep_close(ep);
}
END_TEST

/* To two hosts in turn, one of them this one. */
START_TEST(send_by_two_routes)
{
	struct mr_ep *ep = bound(false, 7), *here = bound(false, 9);
	struct mr_sockaddr to[6];
	struct rte_mbuf *pkts[6];

	for (unsigned i = 0; i < 6; i++)
		to[i] = i % 2 ? rig_local(&rig, false, 9) : rig_peer(&rig, false, 9);
	datagrams(pkts, 6);
	ck_assert_int_eq(mr_ep_send_burst(ep, pkts, to, 6), 6);
	for (unsigned i = 0; i < 6; i += 2)
		expect_datagram(i, 9);
	ck_assert_int_eq(mr_ep_recv_burst(here, pkts, to, 6), 3);
	for (unsigned i = 0; i < 3; i++) {
		ck_assert_uint_eq(rig_pattern_check(rte_pktmbuf_mtod(pkts[i], uint8_t *), 2 * i + 1, 20), 20);
		ck_assert_uint_eq(to[i].port, 7);
	}
	rte_pktmbuf_free_bulk(pkts, 3);
	mr_ep_close(here);
	mr_ep_close(ep);
}
END_TEST

/* The third cannot be sent: it and those behind it are still ours, and alone it says why. */
START_TEST(send_stops)
{
	static const int why[] = {-EMSGSIZE, -EINVAL, -EINVAL, -EINVAL, -EACCES};
	struct mr_ep *ep = bound(false, 7);
	struct mr_sockaddr to[5];
	struct rte_mbuf *pkts[5];

	datagrams(pkts, 5);
	for (unsigned i = 0; i < 5; i++)
		to[i] = rig_peer(&rig, false, 9);
	if (_i == 0) {
		rte_pktmbuf_free(pkts[2]);
		pkts[2] = datagram(2, 1473);
	}
	if (_i == 1)
		rte_mbuf_refcnt_update(pkts[2], 1);
	if (_i == 2)
		to[2].port = 0;
	if (_i == 3)
		to[2].addr = rig.peer6;
	if (_i == 4)
		to[2] = (struct mr_sockaddr){.addr = rig_addr("255.255.255.255"), .port = 9, .nic = RIG_NIC};
	ck_assert_int_eq(mr_ep_send_burst(ep, pkts, to, 5), 2);
	for (unsigned i = 0; i < 2; i++)
		expect_datagram(i, 9);
	rig_expect_none(&rig);
	ck_assert_int_eq(mr_ep_send_burst(ep, &pkts[2], &to[2], 3), why[_i]);
	ck_assert_int_eq(mr_ep_send_burst(ep, &pkts[3], &to[3], 2), 2);
	for (unsigned i = 3; i < 5; i++)
		expect_datagram(i, 9);
	if (_i == 1)
		rte_mbuf_refcnt_update(pkts[2], -1);
	rte_pktmbuf_free(pkts[2]);
	mr_ep_close(ep);
}
END_TEST

/* What is wrong with the endpoint is told before anything is sent; an error that waits is told once. */
START_TEST(send_refused)
{
	struct mr_ep *ep = bound(false, 7), *peer = connected(false, 8, 9);
	struct mr_sockaddr to = rig_peer(&rig, false, 9);
	struct rte_mbuf *m = datagram(0, 20);

	ck_assert_int_eq(mr_ep_send_burst(ep, &m, NULL, 1), -EDESTADDRREQ);
	ep->err = -ECONNREFUSED;
	ck_assert_int_eq(mr_ep_send_burst(ep, &m, &to, 1), -ECONNREFUSED);
	ck_assert_int_eq(mr_ep_shutdown(peer, MR_SHUT_WR), 0);
	ck_assert_int_eq(mr_ep_send_burst(peer, &m, NULL, 1), -EPIPE);
	rig_expect_none(&rig);
	ck_assert_int_eq(mr_ep_send_burst(ep, &m, &to, 1), 1);
	expect_datagram(0, 9);
	mr_ep_close(peer);
	mr_ep_close(ep);
}
END_TEST

START_TEST(not_of_streams)
{
	struct rte_mbuf *m = datagram(0, 20);
	struct mr_ep *ep;

	ck_assert_int_eq(mr_ep_create(rig.stack, MR_TRANS_TCP, MR_NET_IPV4, &ep), 0);
	ck_assert_int_eq(mr_ep_send_burst(ep, &m, NULL, 1), -EOPNOTSUPP);
	ck_assert_int_eq(mr_ep_recv_burst(ep, &m, NULL, 1), -EOPNOTSUPP);
	rte_pktmbuf_free(m);
	mr_ep_close(ep);
}
END_TEST

static Suite *
suite(void)
{
	Suite *s = suite_create("udp_burst");
	TCase *tc = rig_case(s, "burst", rig_setup, rig_teardown);

	tcase_add_loop_test(tc, receive, 0, 2);
	tcase_add_test(tc, receive_ends);
	tcase_add_loop_test(tc, send, 0, 3);
	tcase_add_test(tc, identifications);
	tcase_add_test(tc, send_by_two_routes);
	tcase_add_loop_test(tc, send_stops, 0, 5);
	tcase_add_test(tc, send_refused);
	tcase_add_test(tc, not_of_streams);
	return s;
}

RIG_MAIN(suite)
