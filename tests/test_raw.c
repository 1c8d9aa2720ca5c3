/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Raw endpoints (S-58, IF-01): copies of what comes for an IP protocol beside its delivery, bound and connected; packets
 * out, with our header or the application's; limits and ends. Where _i is the family it is v6.
 */
#include <errno.h>
#include <string.h>

#include <rte_mbuf.h>

#include "stack/nic.h"
#include "stack/stack.h"
#include "raw.h"

static struct mr_ep *
udp_bound(uint16_t port)
{
	struct mr_ep *ep;

	ck_assert_int_eq(mr_ep_create(rig.stack, MR_TRANS_UDP, MR_NET_IPV6, &ep), 0);
	ck_assert_int_eq(mr_ep_bind(ep, &(struct mr_sockaddr){.port = port}), 0);
	return ep;
}

static void
expect_nothing(struct mr_ep *ep)
{
	char b;

	ck_assert_int_eq(mr_ep_recv(ep, &b, 1, NULL), -EAGAIN);
}

/* ---- what comes in */

/* A protocol that nobody else knows: heard, counted as delivered, not answered. */
START_TEST(unknown_protocol)
{
	struct mr_ep *ep = make(PROTO, _i), *other = make(PROTO + 1, _i), *family = make(PROTO, !_i);
	struct mr_sockaddr from;
	char b;

	rig_push_ip(&rig, "hello", 5, .v6 = _i, .proto = PROTO, .pad = 7);
	rig_poll(&rig);
	ck_assert_uint_eq(mr_ep_readiness(ep), MR_EV_IN | MR_EV_OUT);
	ck_assert_int_eq(mr_ep_peek(ep, &b, 1, &from), 1);
	ck_assert(mr_addr_equal(&from.addr, _i ? &rig.peer6 : &rig.peer4));
	ck_assert_uint_eq(from.port, 0);
	ck_assert_uint_eq(from.nic, RIG_NIC);
	expect_packet(ep, _i, "hello", 5);
	expect_nothing(ep);
	expect_nothing(other);
	expect_nothing(family);
	rig_expect_none(&rig);
	rig_expect_no_drop(&rig);
	ck_assert_uint_eq(rig_moved(&rig, MR_CNT_RAW_RX_PACKETS), 1);
	ck_assert_uint_eq(rig_moved(&rig, MR_CNT_IP_RX_DELIVERED), 1);
	mr_ep_close(ep);
	mr_ep_close(other);
	/* With the last one gone the protocol is unknown again. */
	rig_push_ip(&rig, "hello", 5, .v6 = _i, .proto = PROTO);
	rig_expect_icmp(&rig, _i, _i ? 4 : 3, _i ? 1 : 2);
	rig_expect_drop(&rig, MR_DROP_TRANS_UNKNOWN_PROTO);
	mr_ep_close(family);
}
END_TEST

/* In one burst: only what is not wanted is answered, packet by packet. */
START_TEST(wanted_and_unwanted)
{
	struct mr_ep *ep = make(PROTO, _i);
	struct mr_sockaddr peer = rig_peer(&rig, _i, 0);

	ck_assert_int_eq(mr_ep_connect(ep, &peer), 0);
	rig_push_ip(&rig, "a", 1, .v6 = _i, .proto = PROTO);
	rig_push_ip(&rig, "b", 1, .src = rig_addr(_i ? "fd00::77" : "10.0.0.77"), .proto = PROTO);
	rig_push_ip(&rig, "c", 1, .v6 = _i, .proto = PROTO);
	rig_poll(&rig);
	ck_assert_uint_eq(rig_moved(&rig, MR_DROP_TRANS_UNKNOWN_PROTO), 1);
	ck_assert_uint_eq(rig_moved(&rig, MR_CNT_RAW_RX_PACKETS), 2);
	expect_packet(ep, _i, "a", 1);
	expect_packet(ep, _i, "c", 1);
	expect_nothing(ep);
	mr_ep_close(ep);
}
END_TEST

/* Beside normal delivery, to every raw endpoint, whatever the segments; and each has bytes of its own. */
START_TEST(beside_a_transport)
{
	static const uint16_t segs[] = {0, 1, 33, 43, 50, 64};
	bool v6 = _i % 2;
	struct mr_ep *a = make(MR_TRANS_UDP, v6), *b = make(MR_TRANS_UDP, v6), *tcp = make(MR_TRANS_TCP, v6), *udp = udp_bound(7);
	struct rig_buf f;
	struct rte_mbuf *m;
	uint8_t buf[200];

	rig.rx_seg_bytes = segs[_i / 2];
	rig_build_udp(&rig, &f, &(struct rig_udp){.ip.v6 = v6, .len = 100});
	rig_push_buf(&rig, &f);
	rig_poll(&rig);
	ck_assert_int_eq(mr_ep_recv_mbuf(a, &m, NULL), 108 + (v6 ? 0 : 20));
	ck_assert_ptr_eq(rte_pktmbuf_adj(m, v6 ? 0 : 20), rte_pktmbuf_mtod(m, void *));
	ck_assert_ptr_nonnull(rte_pktmbuf_read(m, 0, 108, buf));
	memset(rte_pktmbuf_mtod(m, void *), 0xee, m->data_len);
	rte_pktmbuf_free(m);
	expect_packet(b, v6, f.b + ETH + (v6 ? 40 : 20), 108);
	ck_assert_int_eq(mr_ep_recv(udp, buf, sizeof(buf), NULL), 100);
	ck_assert_uint_eq(rig_pattern_check(buf, 0, 100), 100);
	expect_nothing(tcp);
	rig_expect_no_drop(&rig);
	rig_expect_none(&rig);
	ck_assert_uint_eq(rig.stack->rx_held, 0);
	/* What a transport refuses is heard all the same, and what it answers is answered. */
	rig_push_udp(&rig, .ip.v6 = v6, .ip.spoil = RIG_SPOIL_L4_CKSUM);
	rig_push_udp(&rig, .ip.v6 = v6, .dport = 99, .len = 1);
	rig_expect_icmp(&rig, v6, v6 ? 1 : 3, v6 ? 4 : 3);
	ck_assert_int_eq(mr_ep_recv(a, buf, sizeof(buf), NULL), 8 + (v6 ? 0 : 20));
	ck_assert_int_eq(mr_ep_recv(a, buf, sizeof(buf), NULL), 9 + (v6 ? 0 : 20));
	mr_ep_close(a);
	mr_ep_close(b);
	mr_ep_close(tcp);
	mr_ep_close(udp);
}
END_TEST

/* ICMP too: the request is heard and answered, and with echo off the application may answer. */
START_TEST(icmp_beside_its_answer)
{
	uint8_t proto = _i ? MR_TRANS_ICMPV6 : MR_TRANS_ICMP, type = _i ? 129 : 0;
	struct mr_sockaddr to = rig_peer(&rig, _i, 0);
	struct mr_ep *ep = make(proto, _i);
	const struct rig_frame *f;
	uint8_t buf[64] = {type, 0, 0x12, 0x34, 0, 5, 0, 6, 'm', 'i', 'n', 'e'};

	rig_push_icmp(&rig, .ip.v6 = _i, .echo = true, .id = 5, .seq = 6, .len = 4);
	rig_expect_icmp(&rig, _i, type, 0);
	ck_assert_int_eq(mr_ep_recv(ep, buf + 20, sizeof(buf) - 20, NULL), 12 + (_i ? 0 : 20));
	ck_assert_uint_eq(buf[20 + (_i ? 0 : 20)], _i ? 128 : 8);
	ck_assert_int_eq(mr_netproto_setopt(rig.stack, net_of(_i), MR_OPT_ICMP_ECHO, 0), 0);
	rig_push_icmp(&rig, .ip.v6 = _i, .echo = true, .id = 5, .seq = 6, .len = 4);
	rig_expect_none(&rig);
	ck_assert_uint_eq(mr_ep_readiness(ep) & MR_EV_IN, MR_EV_IN);
	if (!_i)
		memcpy(buf + 2, "\x38\xd6", 2); /* over IPv4 the checksum is the application's */
	rig.lenient = true;
	ck_assert_int_eq(mr_ep_sendto(ep, buf, 12, &to), 12);
	f = rig_next(&rig);
	ck_assert_ptr_nonnull(f);
	ck_assert_uint_eq(f->type, type);
	ck_assert_uint_eq(f->seq16, 6);
	ck_assert_mem_eq(f->payload, "mine", 4);
	if (_i)
		ck_assert_str_eq(rig.bad, ""); /* over IPv6 it is ours (RFC 3542 3.1) */
	rig.bad[0] = 0;
	mr_ep_close(ep);
}
END_TEST

/* RFC 3542 3.1: an ICMPv6 message with a wrong checksum is not heard; for other protocols nobody knows what is right. */
START_TEST(icmpv6_checksum)
{
	struct mr_ep *v6 = make(MR_TRANS_ICMPV6, true), *v4 = make(MR_TRANS_ICMP, false);
	struct mr_sockaddr to = rig_peer(&rig, true, 0);

	rig_push_icmp(&rig, .ip.v6 = true, .ip.spoil = RIG_SPOIL_L4_CKSUM, .echo = true);
	rig_push_icmp(&rig, .ip.spoil = RIG_SPOIL_L4_CKSUM, .echo = true);
	rig_expect_drops(&rig, MR_DROP_ICMP_BAD_CKSUM, 2);
	expect_nothing(v6);
	ck_assert_uint_eq(mr_ep_readiness(v4) & MR_EV_IN, MR_EV_IN);
	for (unsigned len = 0; len < 4; len++)
		ck_assert_int_eq(mr_ep_sendto(v6, "\x80\0\0", len, &to), -EINVAL); /* no place for one */
	ck_assert_int_eq(mr_ep_sendto(v6, "\x80\0\1\2\0\0\0\0", 8, &to), 8);
	rig_expect_icmp(&rig, true, 128, 0);
	mr_ep_close(v6);
	mr_ep_close(v4);
}
END_TEST

/* Packets that are not for us, or not well formed, are nobody's. */
START_TEST(only_what_is_for_us)
{
	struct mr_ep *ep = make(PROTO, false), *v6 = make(PROTO, true);

	rig_push_ip(&rig, "x", 1, .proto = PROTO, .dst = rig_addr("10.0.0.50"));
	rig_push_ip(&rig, "x", 1, .proto = PROTO, .dst = rig_addr("fd00::50"));
	rig_push_ip(&rig, "x", 1, .proto = PROTO, .spoil = RIG_SPOIL_IP_CKSUM);
	rig_push_ip(&rig, "x", 1, .proto = PROTO, .src = rig_addr("224.0.0.9"));
	rig_poll(&rig);
	expect_nothing(ep);
	expect_nothing(v6);
	/* Broadcasts and groups are. */
	rig_push_ip(&rig, "x", 1, .proto = PROTO, .dst = rig_addr("10.0.0.255"));
	rig_push_ip(&rig, "x", 1, .proto = PROTO, .dst = rig_addr("224.0.0.1"));
	rig_push_ip(&rig, "x", 1, .proto = PROTO, .dst = rig_addr("ff02::1"));
	rig_poll(&rig);
	ck_assert_uint_eq(rig_moved(&rig, MR_CNT_RAW_RX_PACKETS), 3);
	ck_assert_uint_eq(rig_moved(&rig, MR_DROP_TRANS_UNKNOWN_PROTO), 0);
	mr_ep_close(ep);
	mr_ep_close(v6);
}
END_TEST

START_TEST(bound_to_an_address)
{
	struct mr_subnet second = {.addr = rig_addr(_i ? "fd00::8" : "10.0.0.8"), .plen = _i ? 64 : 24};
	struct mr_ep *ep = make(PROTO, _i), *any = make(PROTO, _i);
	struct mr_sockaddr local = rig_local(&rig, _i, 0), name;

	ck_assert_int_eq(mr_addr_add(rig.stack, RIG_NIC, &second, MR_PEB_CAN_BE_PRIMARY), 0);
	rig_discard(&rig);
	ck_assert_int_eq(mr_ep_local_name(ep, &name), -ENOTCONN);
	local.addr = rig_addr(_i ? "fd00::55" : "10.0.0.55");
	ck_assert_int_eq(mr_ep_bind(ep, &local), -EADDRNOTAVAIL);
	local = rig_local(&rig, !_i, 0);
	ck_assert_int_eq(mr_ep_bind(ep, &local), -EINVAL);
	local = (struct mr_sockaddr){.addr = second.addr, .port = 77};
	ck_assert_int_eq(mr_ep_bind(ep, &local), 0);
	ck_assert_int_eq(mr_ep_bind(ep, &local), -EINVAL);
	ck_assert_int_eq(mr_ep_local_name(ep, &name), 0);
	ck_assert(mr_addr_equal(&name.addr, &second.addr));
	ck_assert_uint_eq(name.port, 0);
	rig_push_ip(&rig, "first", 5, .v6 = _i, .proto = PROTO);
	rig_poll(&rig);
	expect_nothing(ep);
	expect_packet(any, _i, "first", 5);
	rig_push_ip(&rig, "second", 6, .dst = second.addr, .proto = PROTO);
	rig_poll(&rig);
	ck_assert_uint_eq(mr_ep_readiness(ep) & MR_EV_IN, MR_EV_IN);
	ck_assert_uint_eq(mr_ep_readiness(any) & MR_EV_IN, MR_EV_IN);
	/* It is the source as well. */
	local = rig_peer(&rig, _i, 0);
	ck_assert_int_eq(mr_ep_sendto(ep, "x", 1, &local), 1);
	ck_assert(mr_addr_equal(&rig_expect(&rig, RIG_IP)->src, &second.addr));
	mr_ep_close(ep);
	mr_ep_close(any);
}
END_TEST

START_TEST(connected_hears_its_peer)
{
	struct mr_addr other = rig_addr(_i ? "fd00::77" : "10.0.0.77");
	struct mr_ep *ep = make(PROTO, _i);
	struct mr_sockaddr peer = rig_peer(&rig, _i, 123), name;

	ck_assert_int_eq(mr_ep_send(ep, "x", 1), -EDESTADDRREQ);
	ck_assert_int_eq(mr_ep_remote_name(ep, &name), -ENOTCONN);
	ck_assert_int_eq(mr_ep_connect(ep, &peer), 0);
	ck_assert_int_eq(mr_ep_remote_name(ep, &name), 0);
	ck_assert(mr_addr_equal(&name.addr, &peer.addr));
	ck_assert_uint_eq(name.port, 0);
	rig_push_ip(&rig, "other", 5, .src = other, .proto = PROTO);
	rig_expect_drop(&rig, MR_DROP_TRANS_UNKNOWN_PROTO);
	expect_nothing(ep);
	rig_discard(&rig);
	rig_push_ip(&rig, "peer", 4, .v6 = _i, .proto = PROTO);
	rig_poll(&rig);
	expect_packet(ep, _i, "peer", 4);
	ck_assert_int_eq(mr_ep_send(ep, "x", 1), 1);
	ck_assert(mr_addr_equal(&rig_expect(&rig, RIG_IP)->dst, &peer.addr));
	/* To another peer, and to nobody. */
	peer.addr = other;
	ck_assert_int_eq(mr_ep_connect(ep, &peer), 0);
	rig_push_ip(&rig, "other", 5, .src = other, .proto = PROTO);
	rig_poll(&rig);
	expect_packet(ep, _i, "other", 5);
	ck_assert_int_eq(mr_ep_connect(ep, &(struct mr_sockaddr){.port = 1}), 0);
	ck_assert_int_eq(mr_ep_remote_name(ep, &name), -ENOTCONN);
	rig_push_ip(&rig, "peer", 4, .v6 = _i, .proto = PROTO);
	rig_poll(&rig);
	expect_packet(ep, _i, "peer", 4);
	ck_assert_int_eq(mr_ep_connect(ep, &(struct mr_sockaddr){0}), 0);
	peer.addr = rig_addr(_i ? "2001:db8::1" : "192.0.2.1");
	ck_assert_int_eq(mr_ep_connect(ep, &peer), -EHOSTUNREACH);
	mr_ep_close(ep);
}
END_TEST

START_TEST(bound_to_a_nic)
{
	struct mr_ep *here = make(PROTO, _i), *there = make(PROTO, _i), *named = make(PROTO, _i);
	struct mr_link *a, *b;

	ck_assert_int_eq(mr_pair_create(rig.stack->rx_pool, rig.stack->rx_pool, 1500, 16, &a, &b), 0);
	ck_assert_int_eq(mr_nic_create(rig.stack, 2, "two", a), 0);
	ck_assert_int_eq(mr_ep_setopt(here, MR_OPT_BINDNIC, RIG_NIC), 0);
	ck_assert_int_eq(mr_ep_setopt(there, MR_OPT_BINDNIC, 2), 0);
	ck_assert_int_eq(mr_ep_setopt(there, MR_OPT_BINDNIC, 3), -EINVAL);
	ck_assert_int_eq(mr_ep_bind(named, &(struct mr_sockaddr){.nic = 2}), 0);
	rig_push_ip(&rig, "x", 1, .v6 = _i, .proto = PROTO);
	rig_poll(&rig);
	expect_packet(here, _i, "x", 1);
	expect_nothing(there);
	expect_nothing(named);
	mr_ep_close(here);
	mr_ep_close(there);
	mr_ep_close(named);
	ck_assert_int_eq(mr_nic_remove(rig.stack, 2), 0);
	mr_link_close(a);
	mr_link_close(b);
}
END_TEST

/* Bounded in bytes and in packets; the stack's own work does not suffer, and what was wanted is still not answered. */
START_TEST(receive_buffer)
{
	uint32_t len = 100 + (_i ? 0 : 20);
	struct mr_ep *ep = make(PROTO, _i), *udp;
	uint8_t data[100] = {0}, buf[200];

	ck_assert_int_eq(mr_ep_setopt(ep, MR_OPT_RCVBUF, 2 * (len + 256)), 0);
	for (uint8_t i = 0; i < 5; i++) {
		data[0] = i;
		rig_push_ip(&rig, data, sizeof(data), .v6 = _i, .proto = PROTO);
	}
	rig_expect_drops(&rig, MR_DROP_RAW_QUEUE_FULL, 3);
	rig_expect_none(&rig);
	ck_assert_uint_eq(rig.stack->rx_held, 2);
	ck_assert_int_eq(mr_ep_recv(ep, buf, sizeof(buf), NULL), len);
	ck_assert_uint_eq(buf[_i ? 0 : 20], 0); /* the oldest is kept */
	rig_mark(&rig);
	udp = udp_bound(7);
	rig.stack->rx_held_max = 2;
	rig_push_udp(&rig, .dport = 7);
	rig_push_ip(&rig, "x", 1, .v6 = _i, .proto = PROTO);
	rig_expect_drop(&rig, MR_DROP_RAW_NO_MEMORY);
	mr_ep_close(ep);
	mr_ep_close(udp);
	ck_assert_uint_eq(rig.stack->rx_held, 0);
}
END_TEST

/* No packet for the copy: counted, and the original goes its way. */
START_TEST(no_packets_for_copies)
{
	static struct rte_mbuf *all[4096];
	struct mr_ep *ep = make(MR_TRANS_UDP, _i), *udp = udp_bound(7);
	struct rte_mempool *mp = rig.stack->rx_pool;
	unsigned n = rte_mempool_avail_count(mp) - 1;
	char b;

	ck_assert_int_eq(rte_pktmbuf_alloc_bulk(mp, all, n), 0);
	rig_push_udp(&rig, .ip.v6 = _i, .len = 1);
	rig_expect_drop(&rig, MR_DROP_NO_RX_MBUF);
	expect_nothing(ep);
	ck_assert_int_eq(mr_ep_recv(udp, &b, 1, NULL), 1);
	rte_pktmbuf_free_bulk(all, n);
	mr_ep_close(ep);
	mr_ep_close(udp);
}
END_TEST

/* ---- what goes out */

START_TEST(send)
{
	static const uint32_t lens[] = {0, 1, 3, 100, 1460};
	struct mr_sockaddr to = rig_peer(&rig, _i, 55);
	struct mr_ep *ep = make(PROTO, _i);
	uint8_t data[2000];
	const struct rig_frame *f;

	rig_pattern_fill(data, 0, sizeof(data));
	for (unsigned i = 0; i < RTE_DIM(lens); i++) {
		ck_assert_int_eq(mr_ep_sendto(ep, data, lens[i], &to), lens[i]);
		f = rig_expect(&rig, RIG_IP);
		ck_assert_uint_eq(f->proto, PROTO);
		ck_assert(mr_addr_equal(&f->dst, &to.addr));
		ck_assert_uint_eq(f->len, ETH + (_i ? 40 : 20) + lens[i]);
		ck_assert_mem_eq(f->b + ETH + (_i ? 40 : 20), data, lens[i]);
	}
	ck_assert_uint_eq(rig_moved(&rig, MR_CNT_RAW_TX_PACKETS), RTE_DIM(lens));
	ck_assert_int_eq(mr_ep_sendto(ep, data, 1501, &to), -EMSGSIZE);
	ck_assert_int_eq(mr_ep_setopt(ep, MR_OPT_TTL, 9), 0);
	ck_assert_int_eq(mr_ep_setopt(ep, MR_OPT_TOS, 0x10), 0);
	ck_assert_int_eq(mr_ep_sendto(ep, data, 1, &to), 1);
	f = rig_expect(&rig, RIG_IP);
	ck_assert_uint_eq(f->ttl, 9);
	ck_assert_uint_eq(f->tos, 0x10);
	ck_assert_int_eq(mr_ep_setopt(ep, MR_OPT_UDP_NO_CHECKSUM, 1), -ENOPROTOOPT);
	ck_assert_int_eq(mr_ep_setopt(ep, MR_OPT_V6ONLY, 1), -ENOPROTOOPT);
	to = rig_peer(&rig, !_i, 0);
	ck_assert_int_eq(mr_ep_sendto(ep, data, 1, &to), -EINVAL);
	mr_ep_close(ep);
}
END_TEST

/* Payloads of TCP and UDP too short for ports: nothing behind them is read. */
START_TEST(send_short_transport)
{
	struct mr_ep *ep = make(MR_TRANS_UDP, true);
	struct mr_sockaddr to = rig_peer(&rig, true, 0);

	rig.lenient = true; /* no datagram, but a packet */
	ck_assert_int_eq(mr_ep_sendto(ep, "", 0, &to), 0);
	ck_assert_uint_eq(rig_next(&rig)->len, ETH + 40);
	rig.bad[0] = 0;
	mr_ep_close(ep);
}
END_TEST

/* Byte for byte: what the application wrote, with checksum and length put right. */
START_TEST(own_header)
{
	static const uint8_t pkt[] = {
		0x46, 0x28, 0xff, 0xff, 0x12, 0x34, 0x40, 0, 7, 200, 0xde, 0xad, 172, 16, 0, 1, 10, 0, 0, 2, 1, 1, 1, 0, 'd', 'a', 't', 'a',
	};
	struct mr_sockaddr to = rig_peer(&rig, false, 0);
	struct mr_ep *ep = make(PROTO, false), *v6 = make(PROTO, true);
	uint8_t want[sizeof(pkt)];
	const struct rig_frame *f;
	int64_t v;

	ck_assert_int_eq(mr_ep_setopt(v6, MR_OPT_HDRINCL, 1), -EINVAL);
	ck_assert_int_eq(mr_ep_setopt(ep, MR_OPT_HDRINCL, 1), 0);
	ck_assert_int_eq(mr_ep_getopt(ep, MR_OPT_HDRINCL, &v), 0);
	ck_assert_int_eq(v, 1);
	ck_assert_int_eq(mr_ep_setopt(ep, MR_OPT_TTL, 99), 0); /* the header says */
	ck_assert_int_eq(mr_ep_sendto(ep, pkt, sizeof(pkt), &to), sizeof(pkt));
	f = rig_expect(&rig, RIG_IP); /* which has looked at the checksum */
	ck_assert_uint_eq(f->len, ETH + sizeof(pkt));
	memcpy(want, pkt, sizeof(pkt));
	want[2] = 0;
	want[3] = sizeof(pkt);
	memcpy(want + 10, f->b + ETH + 10, 2);
	ck_assert_mem_eq(f->b + ETH, want, sizeof(want));
	/* Source and identification of 0 are filled in. */
	memcpy(want, pkt, sizeof(pkt));
	memset(want + 12, 0, 4);
	memset(want + 4, 0, 2);
	for (int i = 0; i < 2; i++) {
		uint16_t last = f->ip_id;

		ck_assert_int_eq(mr_ep_sendto(ep, want, sizeof(want), &to), sizeof(want));
		f = rig_expect(&rig, RIG_IP);
		ck_assert(mr_addr_equal(&f->src, &rig.addr4));
		ck_assert_uint_ne(f->ip_id, last);
	}
	/* Off again: what is written is payload. */
	ck_assert_int_eq(mr_ep_setopt(ep, MR_OPT_HDRINCL, 0), 0);
	ck_assert_int_eq(mr_ep_sendto(ep, pkt, sizeof(pkt), &to), sizeof(pkt));
	ck_assert_uint_eq(rig_expect(&rig, RIG_IP)->len, ETH + 20 + sizeof(pkt));
	mr_ep_close(ep);
	mr_ep_close(v6);
}
END_TEST

START_TEST(own_header_errors)
{
	struct mr_sockaddr to = rig_peer(&rig, false, 0);
	struct mr_ep *ep = make(PROTO, false);
	uint8_t pkt[1501] = {0x45, [8] = 64, PROTO, [16] = 10, 0, 0, 2};

	ck_assert_int_eq(mr_ep_setopt(ep, MR_OPT_HDRINCL, 1), 0);
	for (unsigned len = 0; len < 20; len++)
		ck_assert_int_eq(mr_ep_sendto(ep, pkt, len, &to), -EINVAL);
	ck_assert_int_eq(mr_ep_sendto(ep, pkt, 1501, &to), -EMSGSIZE);
	pkt[0] = 0x65;
	ck_assert_int_eq(mr_ep_sendto(ep, pkt, 40, &to), -EINVAL);
	pkt[0] = 0x44;
	ck_assert_int_eq(mr_ep_sendto(ep, pkt, 40, &to), -EINVAL);
	pkt[0] = 0x4f;
	ck_assert_int_eq(mr_ep_sendto(ep, pkt, 59, &to), -EINVAL);
	rig_expect_none(&rig);
	pkt[0] = 0x45;
	ck_assert_int_eq(mr_ep_sendto(ep, pkt, 1500, &to), 1500);
	ck_assert_uint_eq(rig_expect(&rig, RIG_IP)->len, ETH + 1500);
	/* The path shrinks between the call and the output stage. */
	ck_assert_int_eq(mr_ep_sendto(ep, pkt, 1500, &to), 1500);
	mr_nic_find(rig.stack, RIG_NIC)->mtu = 1400;
	rig.stack->route_gen++;
	rig_expect_drop(&rig, MR_DROP_IP_TOO_BIG);
	rig_expect_none(&rig);
	mr_ep_close(ep);
}
END_TEST

/* To ourselves, through the loop, with our header and with an own one. */
START_TEST(to_ourselves)
{
	struct mr_sockaddr to = rig_local(&rig, _i, 0);
	struct mr_ep *ep = make(PROTO, _i);
	uint8_t pkt[24] = {0x45, [8] = 64, PROTO, [16] = 10, 0, 0, 1, 's', 'e', 'l', 'f'};

	ck_assert_int_eq(mr_ep_sendto(ep, "self", 4, &to), 4);
	rig_expect_none(&rig);
	expect_packet(ep, _i, "self", 4);
	if (!_i) {
		ck_assert_int_eq(mr_ep_setopt(ep, MR_OPT_HDRINCL, 1), 0);
		ck_assert_int_eq(mr_ep_sendto(ep, pkt, sizeof(pkt), &to), sizeof(pkt));
		rig_expect_none(&rig);
		expect_packet(ep, false, "self", 4);
	}
	rig_expect_no_drop(&rig);
	mr_ep_close(ep);
}
END_TEST

static Suite *
suite(void)
{
	Suite *s = suite_create("raw");
	TCase *tc = rig_case(s, "raw", rig_setup, rig_teardown);

	tcase_add_loop_test(tc, unknown_protocol, 0, 2);
	tcase_add_loop_test(tc, wanted_and_unwanted, 0, 2);
	tcase_add_loop_test(tc, beside_a_transport, 0, 12);
	tcase_add_loop_test(tc, icmp_beside_its_answer, 0, 2);
	tcase_add_test(tc, icmpv6_checksum);
	tcase_add_test(tc, only_what_is_for_us);
	tcase_add_loop_test(tc, bound_to_an_address, 0, 2);
	tcase_add_loop_test(tc, connected_hears_its_peer, 0, 2);
	tcase_add_loop_test(tc, bound_to_a_nic, 0, 2);
	tcase_add_loop_test(tc, receive_buffer, 0, 2);
	tcase_add_loop_test(tc, no_packets_for_copies, 0, 2);
	tcase_add_loop_test(tc, send, 0, 2);
	tcase_add_test(tc, send_short_transport);
	tcase_add_test(tc, own_header);
	tcase_add_test(tc, own_header_errors);
	tcase_add_loop_test(tc, to_ourselves, 0, 2);
	return s;
}

RIG_MAIN(suite)
