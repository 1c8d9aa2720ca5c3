/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Packet endpoints: whole frames of a NIC by EtherType, before the network layer; limits and ends. Sending:
 * test_packet_send.c.
 */
#include <errno.h>
#include <string.h>

#include <rte_mbuf.h>

#include "stack/nic.h"
#include "stack/stack.h"
#include "packet.h"

static void
expect_payload(struct mr_ep *ep, const char *text)
{
	enum mr_frame_kind kind;
	uint8_t buf[2000];

	ck_assert_int_eq(take(ep, buf, &kind, NULL, NULL), 14 + strlen(text));
	ck_assert_mem_eq(buf + 14, text, strlen(text));
}

/* ---- what comes in */

/* Byte for byte, with who sent it; the stack's own opinion of the frame stands. */
START_TEST(receive)
{
	static const uint8_t frame[] = {2, 0, 0, 0, 0, 1, 2, 0, 0, 0, 0, 2, 0x88, 0xb5, 'd', 'a', 't', 'a'};
	struct mr_ep *ep = make(RIG_NIC, TYPE), *any = make(0, TYPE), *all = make(RIG_NIC, 0), *other = make(RIG_NIC, OTHER);
	struct mr_ep *const hear[] = {ep, any, all};
	enum mr_frame_kind kind;
	struct mr_sockaddr from;
	struct mr_lladdr ll;
	uint8_t buf[2000];

	rig_push(&rig, frame, sizeof(frame));
	rig_expect_drop(&rig, MR_DROP_NET_UNKNOWN_PROTO);
	for (unsigned i = 0; i < RTE_DIM(hear); i++) {
		ck_assert_uint_eq(mr_ep_readiness(hear[i]), MR_EV_IN | MR_EV_OUT);
		ck_assert_int_eq(mr_ep_peek(hear[i], buf, 1, NULL), 1);
		ck_assert_int_eq(take(hear[i], buf, &kind, &ll, &from), sizeof(frame));
		ck_assert_mem_eq(buf, frame, sizeof(frame));
		ck_assert_int_eq(kind, MR_FRAME_HOST);
		ck_assert_uint_eq(ll.len, 6);
		ck_assert_mem_eq(ll.b, rig.peer_mac, 6);
		ck_assert_uint_eq(from.port, TYPE);
		ck_assert_uint_eq(from.nic, RIG_NIC);
		expect_nothing(hear[i]);
		ck_assert_uint_eq(mr_ep_readiness(hear[i]), MR_EV_OUT);
	}
	expect_nothing(other);
	ck_assert_uint_eq(rig_moved(&rig, MR_CNT_PACKET_RX_FRAMES), 3);
	ck_assert_uint_eq(rig.stack->rx_held, 0);
	for (unsigned i = 0; i < RTE_DIM(hear); i++)
		mr_ep_close(hear[i]);
	mr_ep_close(other);
}
END_TEST

/* Beside the network layer, whatever the segments, and before it strips anything. */
START_TEST(beside_the_network_layer)
{
	static const uint16_t segs[] = {0, 1, 13, 14, 15, 40, 100};
	struct mr_ep *ep = make(RIG_NIC, _i % 2 ? MR_NET_IPV6 : MR_NET_IPV4), *udp;
	struct rig_buf f;
	struct rte_mbuf *m;
	uint8_t buf[2000];

	ck_assert_int_eq(mr_ep_create(rig.stack, MR_TRANS_UDP, MR_NET_IPV6, &udp), 0);
	ck_assert_int_eq(mr_ep_bind(udp, &(struct mr_sockaddr){.port = 7}), 0);
	rig.rx_seg_bytes = segs[_i / 2];
	rig_build_udp(&rig, &f, &(struct rig_udp){.ip.v6 = _i % 2, .ip.pad = 5, .len = 200});
	rig_push_buf(&rig, &f);
	rig_push_buf(&rig, &f);
	rig_poll(&rig);
	ck_assert_int_eq(mr_ep_recv_mbuf(ep, &m, NULL), f.len);
	ck_assert_ptr_nonnull(rte_pktmbuf_read(m, 0, f.len, buf));
	ck_assert_mem_eq(rte_pktmbuf_read(m, 0, f.len, buf), f.b, f.len);
	memset(rte_pktmbuf_mtod(m, void *), 0xee, m->data_len);
	rte_pktmbuf_free(m);
	ck_assert_int_eq(mr_ep_recv(ep, buf, sizeof(buf), NULL), f.len);
	ck_assert_mem_eq(buf, f.b, f.len);
	ck_assert_int_eq(mr_ep_recv(udp, buf, sizeof(buf), NULL), 200);
	ck_assert_uint_eq(rig_pattern_check(buf, 0, 200), 200);
	ck_assert_int_eq(mr_ep_recv(udp, buf, sizeof(buf), NULL), 200);
	rig_expect_no_drop(&rig);
	ck_assert_uint_eq(rig.stack->rx_held, 0);
	mr_ep_close(ep);
	mr_ep_close(udp);
}
END_TEST

static const struct kind_case {
	uint8_t dst[6];
	bool promisc, heard;
	enum mr_frame_kind kind;
} kind_cases[] = {
	{{2, 0, 0, 0, 0, 1}, false, true, MR_FRAME_HOST},
	{{2, 0, 0, 0, 0, 1}, true, true, MR_FRAME_HOST},
	{{255, 255, 255, 255, 255, 255}, false, true, MR_FRAME_BROADCAST},
	{{0x33, 0x33, 0, 0, 0, 9}, false, true, MR_FRAME_MULTICAST},
	{{1, 0, 0x5e, 0, 0, 9}, false, true, MR_FRAME_MULTICAST},
	{{2, 0, 0, 0, 0, 9}, false, false, MR_FRAME_OTHERHOST}, /* the link delivers it, but nobody asked */
	{{2, 0, 0, 0, 0, 9}, true, true, MR_FRAME_OTHERHOST},
};

START_TEST(kinds)
{
	const struct kind_case *c = &kind_cases[_i];
	struct rig_ip spec = {.eth_type = TYPE};
	struct mr_ep *ep = make(RIG_NIC, TYPE);
	enum mr_frame_kind kind;
	uint8_t buf[2000];

	memcpy(spec.eth_dst, c->dst, 6);
	ck_assert_int_eq(mr_nic_set_promisc(rig.stack, RIG_NIC, c->promisc), 0);
	rig_push_eth_spec(&rig, &spec, "x", 1);
	rig_poll(&rig);
	if (c->heard) {
		ck_assert_int_eq(take(ep, buf, &kind, NULL, NULL), 15);
		ck_assert_int_eq(kind, c->kind);
	}
	expect_nothing(ep);
	mr_ep_close(ep);
}
END_TEST

/* Frames that the framing will refuse are frames nevertheless: of other shapes, from ourselves. Not those without a header. */
START_TEST(odd_frames)
{
	static const uint8_t tagged[] = {2, 0, 0, 0, 0, 1, 2, 0, 0, 0, 0, 2, 0x81, 0, 0, 5, 8, 0, 'x'};
	static const uint8_t llc[] = {2, 0, 0, 0, 0, 1, 2, 0, 0, 0, 0, 2, 0, 3, 0x42, 0x42, 3};
	static const uint8_t from_us[] = {2, 0, 0, 0, 0, 1, 2, 0, 0, 0, 0, 1, 0x88, 0xb5};
	struct mr_ep *all = make(RIG_NIC, 0), *vlan = make(RIG_NIC, 0x8100), *ep = make(RIG_NIC, TYPE);
	uint8_t buf[2000];

	rig_push(&rig, tagged, sizeof(tagged));
	rig_push(&rig, llc, sizeof(llc));
	rig_push(&rig, from_us, sizeof(from_us));
	for (uint32_t len = 1; len < 14; len++)
		rig_push(&rig, from_us, len);
	rig_poll(&rig);
	ck_assert_int_eq(mr_ep_recv(all, buf, sizeof(buf), NULL), sizeof(tagged));
	ck_assert_int_eq(mr_ep_recv(all, buf, sizeof(buf), NULL), sizeof(llc));
	ck_assert_int_eq(mr_ep_recv(all, buf, sizeof(buf), NULL), sizeof(from_us));
	expect_nothing(all);
	ck_assert_int_eq(mr_ep_recv(vlan, buf, sizeof(buf), NULL), sizeof(tagged));
	ck_assert_mem_eq(buf, tagged, sizeof(tagged));
	expect_nothing(vlan);
	ck_assert_int_eq(mr_ep_recv(ep, buf, sizeof(buf), NULL), sizeof(from_us));
	expect_nothing(ep);
	ck_assert_uint_eq(rig_moved(&rig, MR_DROP_ETHER_SHORT), 13);
	mr_ep_close(all);
	mr_ep_close(vlan);
	mr_ep_close(ep);
}
END_TEST

/* Bounded in bytes and in packets; the stack's own work does not suffer. */
START_TEST(receive_buffer)
{
	struct mr_ep *ep = make(RIG_NIC, MR_NET_IPV4), *udp;
	uint8_t buf[2000];
	int64_t v;

	ck_assert_int_eq(mr_ep_getopt(ep, MR_OPT_RCVBUF, &v), 0);
	ck_assert_int_eq(v, 256 * 1024);
	ck_assert_int_eq(mr_ep_setopt(ep, MR_OPT_RCVBUF, 0), -EINVAL);
	ck_assert_int_eq(mr_ep_setopt(ep, MR_OPT_RCVBUF, 2 * (42 + 10 + 256)), 0);
	ck_assert_int_eq(mr_ep_create(rig.stack, MR_TRANS_UDP, MR_NET_IPV4, &udp), 0);
	ck_assert_int_eq(mr_ep_bind(udp, &(struct mr_sockaddr){.port = 7}), 0);
	for (uint16_t i = 0; i < 5; i++)
		rig_push_udp(&rig, .sport = (uint16_t)(1000 + i), .len = 10);
	rig_expect_drops(&rig, MR_DROP_PACKET_QUEUE_FULL, 3);
	ck_assert_uint_eq(rig_moved(&rig, MR_CNT_UDP_RX_DATAGRAMS), 5);
	ck_assert_uint_eq(rig.stack->rx_held, 7);
	ck_assert_int_eq(mr_ep_recv(ep, buf, sizeof(buf), NULL), 52);
	ck_assert_uint_eq(buf[34] << 8 | buf[35], 1000); /* the oldest is kept */
	rig_mark(&rig);
	rig.stack->rx_held_max = 6;
	push_frame(MR_NET_IPV4, "");
	rig_poll(&rig);
	ck_assert_uint_eq(rig_moved(&rig, MR_DROP_PACKET_NO_MEMORY), 1);
	mr_ep_close(ep);
	mr_ep_close(udp);
	ck_assert_uint_eq(rig.stack->rx_held, 0);
}
END_TEST

/* No packet for the copy: counted, and the frame goes its way. */
START_TEST(no_packets_for_copies)
{
	static struct rte_mbuf *all[4096];
	struct mr_ep *ep = make(RIG_NIC, MR_NET_ARP);
	unsigned n = 0;

	while (n < RTE_DIM(all) && (all[n] = rte_pktmbuf_alloc(rig.stack->rx_pool)))
		n++;
	rte_pktmbuf_free(all[--n]);
	rig_push_arp(&rig, .op = 1);
	rig_expect_arp(&rig, 2);
	rig_expect_drop(&rig, MR_DROP_NO_RX_MBUF);
	expect_nothing(ep);
	rte_pktmbuf_free_bulk(all, n);
	mr_ep_close(ep);
}
END_TEST

/* ---- NICs that come and go */

START_TEST(nics)
{
	struct mr_waiter w = {.mask = MR_EV_ERR | MR_EV_IN, .fn = on_event};
	struct mr_ep *ep, *any = make(0, 0), *here = make(RIG_NIC, 0);
	uint8_t frame[60] = {2, 0, 0, 0, 0, 2, 2, 0, 0, 0, 0, 1, 0x88, 0xb5};
	struct mr_link *a, *b;

	ck_assert_int_eq(mr_ep_create_packet(rig.stack, 2, 0, &ep), -ENODEV);
	ck_assert_int_eq(mr_pair_create(rig.stack->rx_pool, rig.stack->rx_pool, 1500, 16, &a, &b), 0);
	ck_assert_int_eq(mr_nic_create(rig.stack, 2, "two", a), 0);
	ep = make(2, 0);
	rig_poll(&rig);
	push_frame(TYPE, "one");
	rig_poll(&rig);
	expect_nothing(ep);
	expect_payload(any, "one");
	expect_payload(here, "one");
	/* Down: nothing is heard, nothing goes. */
	ck_assert_int_eq(mr_nic_disable(rig.stack, 2), 0);
	ck_assert_int_eq(mr_ep_send(ep, frame, sizeof(frame)), -ENETDOWN);
	ck_assert_int_eq(mr_nic_enable(rig.stack, 2), 0);
	ck_assert_int_eq(mr_ep_send(ep, frame, sizeof(frame)), sizeof(frame));
	rig_poll(&rig);
	/* Gone: those that heard it alone are told. */
	told = told_events = 0;
	mr_ep_wait(ep, &w);
	rig_poll(&rig);
	ck_assert_int_eq(mr_nic_remove(rig.stack, 2), 0);
	rig_poll(&rig);
	ck_assert_uint_eq(told, 1);
	ck_assert_uint_eq(told_events, MR_EV_ERR);
	ck_assert_uint_eq(mr_ep_readiness(ep), MR_EV_OUT | MR_EV_ERR);
	ck_assert_int_eq(mr_ep_send(ep, frame, sizeof(frame)), -ENODEV); /* the error, once */
	ck_assert_int_eq(mr_ep_error(ep), 0);
	ck_assert_int_eq(mr_ep_send(ep, frame, sizeof(frame)), -ENODEV);
	ck_assert_int_eq(mr_ep_error(any), 0);
	ck_assert_int_eq(mr_ep_error(here), 0);
	mr_ep_close(ep);
	mr_ep_close(any);
	mr_ep_close(here);
	mr_link_close(a);
	mr_link_close(b);
}
END_TEST

/* Without link headers a frame is a packet, and its first byte says which. */
START_TEST(no_link_header)
{
	static const uint8_t ipv6[41] = {0x60, [6] = 59}, odd[] = {0x10, 1};
	struct mr_sockaddr to = rig_peer(&rig, false, 9), from;
	struct mr_ep *v4, *v6, *all, *udp;
	enum mr_frame_kind kind;
	struct mr_lladdr ll;
	uint8_t buf[2000];

	rig_fini(&rig);
	rig_init(&rig, &(struct rig_opts){.no_nic = true, .no_addr = true, .no_resolve = true});
	rig.link.framing = "none";
	ck_assert_int_eq(mr_nic_create(rig.stack, RIG_NIC, "none", &rig.link), 0);
	rig.lenient = true; /* it reads Ethernet */
	v4 = make_outgoing(MR_NET_IPV4);
	v6 = make(RIG_NIC, MR_NET_IPV6);
	all = make(RIG_NIC, 0);
	rig_push(&rig, ipv6, sizeof(ipv6));
	rig_push(&rig, odd, sizeof(odd));
	rig_poll(&rig);
	ck_assert_int_eq(take(v6, buf, &kind, &ll, &from), sizeof(ipv6));
	ck_assert_mem_eq(buf, ipv6, sizeof(ipv6));
	ck_assert_int_eq(kind, MR_FRAME_HOST);
	ck_assert_uint_eq(ll.len, 0);
	ck_assert_uint_eq(from.port, MR_NET_IPV6);
	expect_nothing(v6);
	expect_nothing(v4);
	ck_assert_int_eq(take(all, buf, &kind, NULL, &from), sizeof(ipv6));
	ck_assert_int_eq(take(all, buf, &kind, NULL, &from), sizeof(odd));
	ck_assert_uint_eq(from.port, 0);
	ck_assert_int_eq(mr_addr_add(rig.stack, RIG_NIC, &(struct mr_subnet){.addr = rig.addr4, .plen = 24}, 0), 0);
	ck_assert_int_eq(mr_ep_create(rig.stack, MR_TRANS_UDP, MR_NET_IPV4, &udp), 0);
	ck_assert_int_eq(mr_ep_sendto(udp, "x", 1, &to), 1);
	rig_discard(&rig);
	while (take(v4, buf, &kind, NULL, &from) > 0 && buf[9] != MR_TRANS_UDP)
		; /* what an address brings along */
	ck_assert_uint_eq(buf[9], MR_TRANS_UDP);
	ck_assert_int_eq(kind, MR_FRAME_OUTGOING);
	ck_assert_int_eq(mr_ep_send(all, "", 0), -EINVAL);
	ck_assert_int_eq(mr_ep_send(all, odd, 2), 2);
	rig_discard(&rig);
	rig.bad[0] = 0;
	mr_ep_close(v4);
	mr_ep_close(v6);
	mr_ep_close(all);
	mr_ep_close(udp);
}
END_TEST

/* ---- making and ending */

START_TEST(handle)
{
	struct mr_ep *eps[256], *ep = make(RIG_NIC, TYPE);
	struct mr_sockaddr name = {0};
	unsigned n = 0;
	int64_t v;

	ck_assert_int_eq(mr_ep_local_name(ep, &name), 0);
	ck_assert_uint_eq(name.port, TYPE);
	ck_assert_uint_eq(name.nic, RIG_NIC);
	ck_assert_int_eq(mr_ep_remote_name(ep, &name), -ENOTCONN);
	ck_assert_int_eq(mr_ep_bind(ep, &name), -EOPNOTSUPP);
	ck_assert_int_eq(mr_ep_connect(ep, &name), -EOPNOTSUPP);
	ck_assert_int_eq(mr_ep_listen(ep, 1), -EOPNOTSUPP);
	ck_assert_int_eq(mr_ep_shutdown(ep, MR_SHUT_RD), -EOPNOTSUPP);
	ck_assert_int_eq(mr_ep_setopt(ep, MR_OPT_TTL, 1), -ENOPROTOOPT);
	ck_assert_int_eq(mr_ep_getopt(ep, MR_OPT_TTL, &v), -ENOPROTOOPT);
	mr_ep_close(ep);
	while (mr_ep_create_packet(rig.stack, 0, 0, &eps[n]) == 0)
		n++;
	ck_assert_uint_eq(n, rig.stack->opts.max_endpoints);
	ck_assert_int_eq(mr_ep_create_packet(rig.stack, 0, 0, &ep), -ENOBUFS);
	while (n > 0)
		mr_ep_close(eps[--n]);
}
END_TEST

START_TEST(events)
{
	struct mr_waiter w = {.mask = MR_EV_IN, .fn = on_event};
	struct mr_ep *ep = make(RIG_NIC, TYPE);

	told = told_events = 0;
	mr_ep_wait(ep, &w);
	rig_poll(&rig);
	ck_assert_uint_eq(told, 0);
	push_frame(TYPE, "1");
	push_frame(TYPE, "2");
	push_frame(OTHER, "3");
	rig_poll(&rig);
	ck_assert_uint_eq(told, 1);
	ck_assert_uint_eq(told_events, MR_EV_IN);
	expect_payload(ep, "1");
	expect_payload(ep, "2");
	mr_ep_close(ep);
}
END_TEST

/* B-79: frames unread and unsent; the teardown counts the packets. */
START_TEST(open_endpoints_go_with_the_stack)
{
	uint8_t frame[60] = {2, 0, 0, 0, 0, 2, 2, 0, 0, 0, 0, 1, 0x88, 0xb5};
	struct mr_ep *a = make_outgoing(0);

	make_outgoing(0);
	push_frame(TYPE, "1");
	rig_poll(&rig);
	ck_assert_uint_eq(rig.stack->rx_held, 2);
	rig.tx_room = 0;
	ck_assert_int_eq(mr_ep_send(a, frame, sizeof(frame)), sizeof(frame));
	rig_turn(&rig);
	ck_assert_uint_eq(rig.stack->rx_held, 3);
}
END_TEST

static struct mr_ep *to_close[2];

static void
close_both(struct mr_ep *ep, uint32_t events, void *arg)
{
	(void)ep;
	(void)events;
	(void)arg;
	told++;
	mr_ep_close(to_close[0]);
	mr_ep_abort(to_close[1]);
}

START_TEST(closed_in_an_event)
{
	struct mr_waiter w[2] = {{.mask = MR_EV_IN, .fn = close_both}, {.mask = MR_EV_IN, .fn = close_both}};

	told = 0;
	for (int i = 0; i < 2; i++) {
		to_close[i] = make_outgoing(0);
		mr_ep_wait(to_close[i], &w[i]);
	}
	push_frame(TYPE, "1");
	rig_poll(&rig);
	ck_assert_uint_eq(told, 1);
	ck_assert_uint_eq(rig.stack->rx_held, 0);
	ck_assert_uint_eq(rig.stack->packets_out, 0);
	push_frame(TYPE, "2");
	rig_poll(&rig);
}
END_TEST

/* A frame handed on: what one endpoint took, another sends. */
START_TEST(bridge)
{
	struct mr_ep *in = make(RIG_NIC, TYPE), *out;
	struct mr_link *a, *b;
	struct rte_mbuf *m, *got[4];

	ck_assert_int_eq(mr_pair_create(rig.stack->rx_pool, rig.stack->rx_pool, 1500, 16, &a, &b), 0);
	ck_assert_int_eq(mr_nic_create(rig.stack, 2, "two", a), 0);
	ck_assert_int_eq(b->ops->start(b), 0);
	out = make(2, 0);
	push_frame(TYPE, "across");
	rig_poll(&rig);
	ck_assert_int_eq(mr_ep_recv_mbuf(in, &m, NULL), 20);
	ck_assert_int_eq(mr_ep_send_mbuf(out, m, NULL), 20);
	rig_poll(&rig);
	ck_assert_uint_eq(b->ops->rx_burst(b, rig.now, got, 4), 1);
	ck_assert_uint_eq(got[0]->pkt_len, 20);
	ck_assert_mem_eq(rte_pktmbuf_mtod_offset(got[0], char *, 14), "across", 6);
	rte_pktmbuf_free(got[0]);
	mr_ep_close(in);
	mr_ep_close(out);
	ck_assert_int_eq(mr_nic_remove(rig.stack, 2), 0);
	mr_link_close(a);
	mr_link_close(b);
}
END_TEST

static Suite *
suite(void)
{
	Suite *s = suite_create("packet");
	TCase *tc = rig_case(s, "packet", rig_setup, rig_teardown);

	tcase_add_test(tc, receive);
	tcase_add_loop_test(tc, beside_the_network_layer, 0, 14);
	tcase_add_loop_test(tc, kinds, 0, (int)RTE_DIM(kind_cases));
	tcase_add_test(tc, odd_frames);
	tcase_add_test(tc, receive_buffer);
	tcase_add_test(tc, no_packets_for_copies);
	tcase_add_test(tc, nics);
	tcase_add_test(tc, no_link_header);
	tcase_add_test(tc, handle);
	tcase_add_test(tc, events);
	tcase_add_test(tc, open_endpoints_go_with_the_stack);
	tcase_add_test(tc, closed_in_an_event);
	tcase_add_test(tc, bridge);
	return s;
}

RIG_MAIN(suite)
