/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Packet endpoints: frames sent whole or to a link address, and frames of others on their way out.
 */
#include <errno.h>
#include <string.h>

#include <rte_mbuf.h>

#include "stack/nic.h"
#include "stack/stack.h"
#include "packet.h"

/* ---- what goes by on its way out */

START_TEST(outgoing)
{
	struct mr_ep *ep = make_outgoing(0), *deaf = make(RIG_NIC, 0), *v6 = make_outgoing(MR_NET_IPV6), *udp;
	struct mr_sockaddr to = rig_peer(&rig, false, 9), from;
	const struct rig_frame *f;
	enum mr_frame_kind kind;
	struct mr_lladdr ll;
	uint8_t buf[2000];
	int64_t v;

	ck_assert_int_eq(mr_ep_getopt(ep, MR_OPT_PACKET_OUTGOING, &v), 0);
	ck_assert_int_eq(v, 1);
	ck_assert_int_eq(mr_ep_getopt(deaf, MR_OPT_PACKET_OUTGOING, &v), 0);
	ck_assert_int_eq(v, 0);
	ck_assert_int_eq(mr_ep_create(rig.stack, MR_TRANS_UDP, MR_NET_IPV6, &udp), 0);
	ck_assert_int_eq(mr_ep_sendto(udp, "data", 4, &to), 4);
	f = rig_expect(&rig, RIG_UDP);
	ck_assert_int_eq(take(ep, buf, &kind, &ll, &from), f->len);
	ck_assert_mem_eq(buf, f->b, f->len);
	ck_assert_int_eq(kind, MR_FRAME_OUTGOING);
	ck_assert_mem_eq(ll.b, rig.mac, 6);
	ck_assert_uint_eq(from.port, MR_NET_IPV4);
	ck_assert_uint_eq(from.nic, RIG_NIC);
	expect_nothing(deaf);
	expect_nothing(v6);
	/* Once, also if the link takes its time. */
	rig.tx_room = 0;
	ck_assert_int_eq(mr_ep_sendto(udp, "data", 4, &to), 4);
	rig_turn(&rig);
	rig_turn(&rig);
	rig.tx_room = -1;
	rig_expect(&rig, RIG_UDP);
	ck_assert_int_eq(take(ep, buf, &kind, NULL, NULL), 46);
	expect_nothing(ep);
	/* What comes in is still heard as such, with the answer behind it. */
	rig_push_arp(&rig, .op = 1);
	rig_expect_arp(&rig, 2);
	ck_assert_int_eq(take(ep, buf, &kind, NULL, NULL), 42);
	ck_assert_int_eq(kind, MR_FRAME_BROADCAST);
	ck_assert_int_eq(take(ep, buf, &kind, NULL, NULL), 42);
	ck_assert_int_eq(kind, MR_FRAME_OUTGOING);
	/* Off again, and on and closed: the count of those that want it goes with them. */
	ck_assert_int_eq(mr_ep_setopt(ep, MR_OPT_PACKET_OUTGOING, 0), 0);
	ck_assert_int_eq(mr_ep_setopt(ep, MR_OPT_PACKET_OUTGOING, 0), 0);
	ck_assert_uint_eq(rig.stack->packets_out, 1);
	ck_assert_int_eq(mr_ep_sendto(udp, "data", 4, &to), 4);
	rig_expect(&rig, RIG_UDP);
	expect_nothing(ep);
	ck_assert_int_eq(mr_ep_setopt(ep, MR_OPT_PACKET_OUTGOING, 1), 0);
	ck_assert_int_eq(mr_ep_setopt(ep, MR_OPT_PACKET_OUTGOING, 7), 0);
	ck_assert_uint_eq(rig.stack->packets_out, 2);
	mr_ep_close(ep);
	mr_ep_close(deaf);
	mr_ep_close(v6);
	ck_assert_uint_eq(rig.stack->packets_out, 0);
	mr_ep_close(udp);
}
END_TEST

/* Checksums left to the link are not there yet, and the copy does not ask anybody for them. */
START_TEST(outgoing_offload)
{
	struct mr_sockaddr to;
	struct mr_ep *ep, *udp;
	struct rte_mbuf *m;

	rig_fini(&rig);
	rig_init(&rig, &(struct rig_opts){.caps = MR_LINK_CAP_TX_IPV4_CKSUM | MR_LINK_CAP_TX_UDP_CKSUM});
	ep = make_outgoing(MR_NET_IPV4);
	to = rig_peer(&rig, false, 9);
	ck_assert_int_eq(mr_ep_create(rig.stack, MR_TRANS_UDP, MR_NET_IPV4, &udp), 0);
	ck_assert_int_eq(mr_ep_sendto(udp, "data", 4, &to), 4);
	ck_assert_uint_ne(rig_expect(&rig, RIG_UDP)->tx_flags, 0);
	ck_assert_int_eq(mr_ep_recv_mbuf(ep, &m, NULL), 46);
	ck_assert_uint_eq(m->ol_flags, 0);
	rte_pktmbuf_free(m);
	mr_ep_close(ep);
	mr_ep_close(udp);
}
END_TEST

/* ---- sending */

START_TEST(send_whole_frames)
{
	static const uint8_t frame[] = {9, 9, 9, 9, 9, 9, 2, 0, 0, 0, 0, 7, 0x88, 0xb5, 'd', 'a', 't', 'a'};
	struct mr_ep *ep = make_outgoing(0), *other = make_outgoing(TYPE), *any = make(0, 0);
	struct mr_sockaddr to = {.nic = RIG_NIC};
	const struct rig_frame *f;
	uint8_t buf[2000] = {0};

	rig.lenient = true; /* the source is the sender's own affair */
	ck_assert_int_eq(mr_ep_send(ep, frame, sizeof(frame)), sizeof(frame));
	f = rig_expect(&rig, RIG_OTHER);
	ck_assert_uint_eq(f->len, sizeof(frame));
	ck_assert_mem_eq(f->b, frame, sizeof(frame));
	expect_nothing(ep); /* not its own */
	ck_assert_int_eq(mr_ep_recv(other, buf, sizeof(buf), NULL), sizeof(frame));
	/* Of any NIC: the address must say by which one. */
	ck_assert_int_eq(mr_ep_send(any, frame, sizeof(frame)), -EDESTADDRREQ);
	ck_assert_int_eq(mr_ep_sendto(any, frame, sizeof(frame), &to), sizeof(frame));
	rig_expect(&rig, RIG_OTHER);
	ck_assert_uint_eq(rig_moved(&rig, MR_CNT_PACKET_TX_FRAMES), 2);
	/* Sizes. */
	memcpy(buf, frame, 14);
	for (unsigned len = 0; len < 14; len++)
		ck_assert_int_eq(mr_ep_send(ep, buf, len), -EINVAL);
	ck_assert_int_eq(mr_ep_send(ep, buf, 14), 14);
	ck_assert_int_eq(mr_ep_send(ep, buf, 1514), 1514);
	ck_assert_int_eq(mr_ep_send(ep, buf, 1515), -EMSGSIZE);
	ck_assert_uint_eq(rig_expect(&rig, RIG_OTHER)->len, 14);
	ck_assert_uint_eq(rig_expect(&rig, RIG_OTHER)->len, 1514);
	rig_expect_none(&rig);
	rig_expect_no_drop(&rig);
	mr_ep_close(ep);
	mr_ep_close(other);
	mr_ep_close(any);
}
END_TEST

/* To a link address: the header is ours. */
START_TEST(send_to_an_address)
{
	struct mr_lladdr peer = {.b = {2, 0, 0, 0, 0, 2}, .len = 6};
	struct mr_sockaddr to = mr_sockaddr_ll(&peer, TYPE, 0);
	struct mr_ep *ep = make(RIG_NIC, OTHER), *any = make(0, 0);
	uint8_t buf[1501] = "cooked";
	const struct rig_frame *f;

	ck_assert_int_eq(mr_ep_sendto(ep, buf, 6, &to), 6);
	f = rig_expect(&rig, RIG_OTHER);
	ck_assert_uint_eq(f->len, 20);
	ck_assert_mem_eq(f->eth_dst, peer.b, 6);
	ck_assert_mem_eq(f->eth_src, rig.mac, 6);
	ck_assert_uint_eq(f->eth_type, TYPE);
	ck_assert_mem_eq(f->b + 14, "cooked", 6);
	/* Without a type in the address it is the endpoint's, if that has one. */
	to.port = 0;
	ck_assert_int_eq(mr_ep_sendto(ep, buf, 0, &to), 0);
	ck_assert_uint_eq(rig_expect(&rig, RIG_OTHER)->eth_type, OTHER);
	to.nic = RIG_NIC;
	ck_assert_int_eq(mr_ep_sendto(any, buf, 6, &to), -EINVAL);
	to.port = TYPE;
	ck_assert_int_eq(mr_ep_sendto(any, buf, 1500, &to), 1500);
	ck_assert_uint_eq(rig_expect(&rig, RIG_OTHER)->len, 1514);
	ck_assert_int_eq(mr_ep_sendto(any, buf, 1501, &to), -EMSGSIZE);
	/* What was received from an address goes back to it. */
	push_frame(TYPE, "hello");
	rig_poll(&rig);
	ck_assert_int_eq(mr_ep_recv(any, buf, sizeof(buf), &to), 19);
	ck_assert_int_eq(mr_ep_sendto(any, "you", 3, &to), 3);
	ck_assert_mem_eq(rig_expect(&rig, RIG_OTHER)->eth_dst, rig.peer_mac, 6);
	rig_expect_none(&rig);
	mr_ep_close(ep);
	mr_ep_close(any);
}
END_TEST

START_TEST(send_mbuf)
{
	struct mr_lladdr peer = {.b = {2, 0, 0, 0, 0, 2}, .len = 6};
	struct mr_sockaddr to = mr_sockaddr_ll(&peer, TYPE, 0);
	struct mr_ep *ep = make(RIG_NIC, 0);
	struct rte_mbuf *m = rte_pktmbuf_alloc(rig.stack->tx_pool), *more = rte_pktmbuf_alloc(rig.stack->tx_pool);

	rig.lenient = true; /* as above */
	memset(rte_pktmbuf_append(m, 20), 1, 20);
	memset(rte_pktmbuf_append(more, 30), 2, 30);
	ck_assert_int_eq(rte_pktmbuf_chain(m, more), 0);
	ck_assert_int_eq(mr_ep_send_mbuf(ep, m, &to), 50);
	ck_assert_uint_eq(rig_expect(&rig, RIG_OTHER)->len, 64);
	m = rte_pktmbuf_alloc(rig.stack->tx_pool);
	memset(rte_pktmbuf_append(m, 20), 1, 20);
	ck_assert_int_eq(mr_ep_send_mbuf(ep, m, NULL), 20);
	ck_assert_uint_eq(rig_expect(&rig, RIG_OTHER)->len, 20);
	/* Somebody else's, and no room for the header. */
	m = rte_pktmbuf_alloc(rig.stack->tx_pool);
	rte_pktmbuf_append(m, 20);
	rte_mbuf_refcnt_update(m, 1);
	ck_assert_int_eq(mr_ep_send_mbuf(ep, m, NULL), -EINVAL);
	rte_pktmbuf_free(m);
	m = rte_pktmbuf_alloc(rig.stack->tx_pool);
	m->data_off = 13;
	rte_pktmbuf_append(m, 20);
	ck_assert_int_eq(mr_ep_send_mbuf(ep, m, &to), -EINVAL);
	m = rte_pktmbuf_alloc(rig.stack->tx_pool);
	rte_pktmbuf_append(m, 13);
	ck_assert_int_eq(mr_ep_send_mbuf(ep, m, NULL), -EINVAL);
	rig_expect_none(&rig);
	mr_ep_close(ep);
}
END_TEST

/* Links that take no chains get none. */
START_TEST(send_to_a_simple_link)
{
	struct mr_ep *ep;
	uint8_t frame[1500] = {2, 0, 0, 0, 0, 2, 2, 0, 0, 0, 0, 1, 0x88, 0xb5};

	rig_fini(&rig);
	rig_init(&rig, &(struct rig_opts){.no_multi_segs = true, .stack.mbuf_data_bytes = 1600});
	ep = make(RIG_NIC, 0);
	ck_assert_int_eq(mr_ep_send(ep, frame, sizeof(frame)), sizeof(frame));
	ck_assert_uint_eq(rig_expect(&rig, RIG_OTHER)->len, sizeof(frame));
	mr_ep_close(ep);
}
END_TEST

START_TEST(no_room)
{
	static struct rte_mbuf *all[4096];
	struct mr_waiter w = {.mask = MR_EV_OUT, .fn = on_event};
	uint8_t frame[60] = {2, 0, 0, 0, 0, 2, 2, 0, 0, 0, 0, 1, 0x88, 0xb5};
	struct mr_ep *ep = make(RIG_NIC, 0);
	unsigned n = 0;

	mr_ep_wait(ep, &w);
	rig_poll(&rig);
	told = told_events = 0;
	/* The link takes nothing. */
	rig.tx_room = 0;
	for (int i = 0; i < MR_NIC_TXQ; i++)
		ck_assert_int_eq(mr_ep_send(ep, frame, sizeof(frame)), sizeof(frame));
	ck_assert_int_eq(mr_ep_send(ep, frame, sizeof(frame)), -EAGAIN);
	rig.tx_room = -1;
	rig_poll(&rig);
	ck_assert_uint_eq(told_events, MR_EV_OUT);
	ck_assert_uint_eq(rig_pending(&rig), MR_NIC_TXQ);
	rig_discard(&rig);
	/* No packets. */
	told_events = 0;
	while (n < RTE_DIM(all) && (all[n] = mr_stack_tx_alloc(rig.stack)))
		n++;
	ck_assert_int_eq(mr_ep_send(ep, frame, sizeof(frame)), -ENOBUFS);
	rte_pktmbuf_free_bulk(all, n);
	rig_poll(&rig);
	ck_assert_uint_eq(told_events, MR_EV_OUT);
	ck_assert_int_eq(mr_ep_send(ep, frame, sizeof(frame)), sizeof(frame));
	rig_expect(&rig, RIG_OTHER);
	rig_expect_no_drop(&rig);
	mr_ep_close(ep);
}
END_TEST

static Suite *
suite(void)
{
	Suite *s = suite_create("packet_send");
	TCase *tc = rig_case(s, "packet", rig_setup, rig_teardown);

	tcase_add_test(tc, outgoing);
	tcase_add_test(tc, outgoing_offload);
	tcase_add_test(tc, send_whole_frames);
	tcase_add_test(tc, send_to_an_address);
	tcase_add_test(tc, send_mbuf);
	tcase_add_test(tc, send_to_a_simple_link);
	tcase_add_test(tc, no_room);
	return s;
}

RIG_MAIN(suite)
