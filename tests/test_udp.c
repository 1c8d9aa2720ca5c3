/* SPDX-License-Identifier: Apache-2.0 */
/*
 * UDP: datagrams in and out, options, limits (UD-, B-38 to B-44, SS-, D-10, D-11). Names: test_udp_bind.c; peers and errors:
 * test_udp_connected.c; groups and routes: test_udp_groups.c.
 */
#include <errno.h>
#include <string.h>

#include <rte_mbuf.h>

#include "stack/nic.h"
#include "stack/port.h"
#include "stack/stack.h"
#include "udp_peer.h"

/* ---- receiving */

START_TEST(receive)
{
	struct mr_ep *ep = bound(_i, 7);
	struct mr_sockaddr from;
	char buf[64];

	ck_assert_int_eq(mr_ep_recv(ep, buf, sizeof(buf), &from), -EAGAIN);
	rig_push_udp(&rig, .ip.v6 = _i, .sport = 1234, .data = "hello", .len = 5);
	rig_push_udp(&rig, .ip.v6 = _i, .sport = 1235, .data = "", .len = 0);
	rig_poll(&rig);
	ck_assert_uint_eq(mr_ep_readiness(ep), MR_EV_IN | MR_EV_OUT);
	ck_assert_int_eq(mr_ep_peek(ep, buf, sizeof(buf), &from), 5);
	ck_assert_int_eq(mr_ep_recv(ep, buf, sizeof(buf), &from), 5);
	ck_assert_mem_eq(buf, "hello", 5);
	ck_assert(mr_addr_equal(&from.addr, _i ? &rig.peer6 : &rig.peer4));
	ck_assert_uint_eq(from.port, 1234);
	ck_assert_uint_eq(from.nic, RIG_NIC);
	ck_assert_int_eq(mr_ep_recv(ep, buf, sizeof(buf), &from), 0); /* an empty datagram is one, too */
	ck_assert_uint_eq(from.port, 1235);
	ck_assert_int_eq(mr_ep_recv(ep, buf, sizeof(buf), &from), -EAGAIN);
	ck_assert_uint_eq(mr_ep_readiness(ep), MR_EV_OUT);
	ck_assert_uint_eq(rig_moved(&rig, MR_CNT_UDP_RX_DATAGRAMS), 2);
	ck_assert_uint_eq(rig.stack->rx_held, 0);
	rig_expect_no_drop(&rig);
	mr_ep_close(ep);
}
END_TEST

/* Whatever the segments, the bytes are the same; a short buffer loses the rest of its datagram only. */
START_TEST(receive_chains)
{
	static const uint16_t segs[] = {0, 1, 2, 41, 42, 43, 100};
	struct mr_ep *ep = bound(false, 7);
	uint8_t buf[1500];
	struct rte_mbuf *m;

	rig.rx_seg_bytes = segs[_i];
	rig_push_udp(&rig, .len = 200, .ip.pad = 9);
	rig_push_udp(&rig, .len = 200);
	rig_push_udp(&rig, .len = 200);
	rig_poll(&rig);
	ck_assert_int_eq(mr_ep_recv(ep, buf, sizeof(buf), NULL), 200);
	ck_assert_uint_eq(rig_pattern_check(buf, 0, 200), 200);
	ck_assert_int_eq(mr_ep_recv(ep, buf, 50, NULL), 50);
	ck_assert_uint_eq(rig_pattern_check(buf, 0, 50), 50);
	ck_assert_int_eq(mr_ep_recv_mbuf(ep, &m, NULL), 200);
	ck_assert_uint_eq(m->pkt_len, 200);
	ck_assert_uint_eq(rig.stack->rx_held, 0);
	rte_pktmbuf_free(m);
	rig_expect_no_drop(&rig);
	mr_ep_close(ep);
}
END_TEST

/* UD-10, D-10, R-11: lengths that do not fit. */
START_TEST(bad_lengths)
{
	static const uint16_t lies[] = {1, 7, 12, 19, 0xffff};
	struct mr_ep *ep = bound(_i, 7);

	for (unsigned i = 0; i < RTE_DIM(lies); i++)
		rig_push_udp(&rig, .ip.v6 = _i, .len = 3, .lie_len = lies[i]);
	for (uint32_t len = 0; len < 8; len++)
		rig_push_ip(&rig, "\x13\x88\0\x07\0\x08\0\0", len, .v6 = _i, .proto = 17);
	rig_expect_drops(&rig, MR_DROP_UDP_MALFORMED, RTE_DIM(lies) + 8);
	rig_expect_none(&rig);
	ck_assert_uint_eq(mr_ep_readiness(ep), MR_EV_OUT);
	mr_ep_close(ep);
}
END_TEST

START_TEST(length_zero)
{
	struct mr_ep *ep = bound(false, 7);
	struct rig_buf b;

	rig_build_udp(&rig, &b, &(struct rig_udp){.len = 3});
	b.b[ETH + 24] = b.b[ETH + 25] = 0;
	rig_push_buf(&rig, &b);
	rig_expect_drop(&rig, MR_DROP_UDP_MALFORMED);
	mr_ep_close(ep);
}
END_TEST

/* A datagram shorter than its packet: only its own bytes count, in the checksum too. */
START_TEST(datagram_shorter_than_packet)
{
	struct mr_ep *ep = bound(_i, 7);
	struct rig_buf b, inner;
	uint8_t buf[64];
	uint32_t ip = _i ? 40 : 20;

	rig_build_udp(&rig, &inner, &(struct rig_udp){.ip.v6 = _i, .len = 11});
	rig_build_udp(&rig, &b, &(struct rig_udp){.ip.v6 = _i, .len = 30});
	memcpy(b.b + ETH + ip, inner.b + ETH + ip, 8 + 11);
	rig_push_buf(&rig, &b);
	rig_poll(&rig);
	ck_assert_int_eq(mr_ep_recv(ep, buf, sizeof(buf), NULL), 11);
	rig_expect_no_drop(&rig);
	b.b[ETH + ip + 8 + 10] ^= 1;
	rig_push_buf(&rig, &b);
	rig_expect_drop(&rig, MR_DROP_UDP_BAD_CKSUM);
	mr_ep_close(ep);
}
END_TEST

/* UD-04 to UD-06, B-41, nasty 40: bad ones die silently, port or no port. */
START_TEST(checksums)
{
	struct mr_ep *ep = bound(_i, 7);
	bool v6 = _i;

	rig_push_udp(&rig, .ip.v6 = v6, .ip.spoil = RIG_SPOIL_L4_CKSUM, .len = 5);
	rig_push_udp(&rig, .ip.v6 = v6, .ip.spoil = RIG_SPOIL_L4_CKSUM, .dport = 99, .len = 5);
	rig_expect_drops(&rig, MR_DROP_UDP_BAD_CKSUM, 2);
	rig_expect_none(&rig);
	rig_mark(&rig);
	rig_push_udp(&rig, .ip.v6 = v6, .ip.spoil = RIG_ZERO_L4_CKSUM, .len = 5);
	if (v6)
		rig_expect_drop(&rig, MR_DROP_UDP_BAD_CKSUM);
	else
		rig_expect_no_drop(&rig);
	rig_mark(&rig);
	rig.rx_ol_flags = RTE_MBUF_F_RX_L4_CKSUM_BAD;
	rig_push_udp(&rig, .ip.v6 = v6, .len = 5);
	rig_expect_drop(&rig, MR_DROP_UDP_BAD_CKSUM);
	rig_mark(&rig);
	rig.rx_ol_flags = RTE_MBUF_F_RX_L4_CKSUM_GOOD;
	rig_push_udp(&rig, .ip.v6 = v6, .ip.spoil = RIG_SPOIL_L4_CKSUM, .len = 5);
	rig_expect_no_drop(&rig);
	rig.rx_ol_flags = RTE_MBUF_F_RX_L4_CKSUM_NONE;
	rig_push_udp(&rig, .ip.v6 = v6, .ip.spoil = RIG_SPOIL_L4_CKSUM, .len = 5);
	rig_expect_no_drop(&rig);
	mr_ep_close(ep);
}
END_TEST

/* An odd byte in every place of a chain: DPDK's own function is wrong here. */
START_TEST(checksum_of_odd_segments)
{
	struct mr_ep *ep = bound(false, 7);

	for (uint16_t seg = 1; seg < 60; seg++) {
		rig.rx_seg_bytes = seg;
		rig_push_udp(&rig, .len = 701);
		rig_poll(&rig);
		ck_assert_int_eq(mr_ep_recv(ep, NULL, 0, NULL), 0);
	}
	rig_expect_no_drop(&rig);
	rig_push_udp(&rig, .len = 701, .ip.spoil = RIG_SPOIL_L4_CKSUM);
	rig_expect_drop(&rig, MR_DROP_UDP_BAD_CKSUM);
	mr_ep_close(ep);
}
END_TEST

/* B-40, UD-01; SS-22: counted once. Nothing for groups. */
START_TEST(no_port)
{
	rig_push_udp(&rig, .ip.v6 = _i, .dport = 99, .len = 3);
	rig_expect_icmp(&rig, _i, _i ? 1 : 3, _i ? 4 : 3);
	rig_expect_drop(&rig, MR_DROP_UDP_NO_PORT);
	rig_push_udp(&rig, .ip.dst = rig_addr(_i ? "ff02::1" : "10.0.0.255"), .dport = 99, .len = 3);
	rig_push_udp(&rig, .ip.v6 = _i, .dport = 0xffff, .sport = 1, .len = 0);
	rig_expect_icmp(&rig, _i, _i ? 1 : 3, _i ? 4 : 3);
	rig_expect_none(&rig);
	rig_expect_drops(&rig, MR_DROP_UDP_NO_PORT, 3);
}
END_TEST

/* B-44: bounded in bytes, overhead included, and freed again. */
START_TEST(receive_buffer)
{
	struct mr_ep *ep = bound(false, 7);
	int64_t v;
	uint8_t buf[1000];

	ck_assert_int_eq(mr_ep_getopt(ep, MR_OPT_RCVBUF, &v), 0);
	ck_assert_int_eq(v, 256 * 1024);
	ck_assert_int_eq(mr_ep_setopt(ep, MR_OPT_RCVBUF, 0), -EINVAL);
	ck_assert_int_eq(mr_ep_setopt(ep, MR_OPT_RCVBUF, -1), -EINVAL);
	ck_assert_int_eq(mr_ep_setopt(ep, MR_OPT_RCVBUF, 1 << 20 | 1ll << 40), -EINVAL);
	ck_assert_int_eq(mr_ep_setopt(ep, MR_OPT_RCVBUF, 3 * (100 + 256)), 0);
	for (int i = 0; i < 5; i++)
		rig_push_udp(&rig, .len = 100);
	rig_expect_drops(&rig, MR_DROP_UDP_QUEUE_FULL, 2);
	ck_assert_uint_eq(rig_moved(&rig, MR_CNT_UDP_RX_DATAGRAMS), 3);
	ck_assert_uint_eq(rig.stack->rx_held, 3);
	ck_assert_int_eq(mr_ep_recv(ep, buf, sizeof(buf), NULL), 100);
	rig_push_udp(&rig, .len = 101);
	rig_expect_drops(&rig, MR_DROP_UDP_QUEUE_FULL, 3);
	rig_push_udp(&rig, .len = 100);
	rig_expect_drops(&rig, MR_DROP_UDP_QUEUE_FULL, 3);
	mr_ep_close(ep);
	ck_assert_uint_eq(rig.stack->rx_held, 0);
	rig_expect_none(&rig);
}
END_TEST

/* Queues of all endpoints together leave the drivers what they need; chains count by segment. */
START_TEST(receive_memory)
{
	struct mr_ep *a = bound(false, 7), *b = bound(false, 8);

	rig.stack->rx_held_max = 10;
	rig.rx_seg_bytes = 50;
	rig_push_udp(&rig, .dport = 7, .len = 300);
	rig_push_udp(&rig, .dport = 8, .len = 300);
	rig_poll(&rig);
	ck_assert_uint_eq(rig.stack->rx_held, 14);
	rig_push_udp(&rig, .dport = 8, .len = 300);
	rig_expect_drop(&rig, MR_DROP_UDP_NO_MEMORY);
	mr_ep_close(a);
	rig_push_udp(&rig, .dport = 8, .len = 1);
	rig_expect_drops(&rig, MR_DROP_UDP_NO_MEMORY, 1);
	mr_ep_close(b);
	ck_assert_uint_eq(rig.stack->rx_held, 0);
}
END_TEST

START_TEST(events)
{
	struct mr_waiter w = {.mask = MR_EV_IN | MR_EV_ERR, .fn = on_event};
	struct mr_ep *ep = bound(false, 7);

	told = told_events = 0;
	mr_ep_wait(ep, &w);
	rig_poll(&rig);
	ck_assert_uint_eq(told, 0);
	rig_push_udp(&rig, .len = 1);
	rig_push_udp(&rig, .len = 2);
	rig_poll(&rig);
	ck_assert_uint_eq(told, 1); /* once a turn */
	ck_assert_uint_eq(told_events, MR_EV_IN);
	mr_ep_unwait(ep, &w);
	mr_ep_close(ep);
}
END_TEST

/* ---- sending */

/* Byte for byte. */
START_TEST(send)
{
	static const uint8_t want[] = {
		2, 0, 0, 0, 0, 2, 2, 0, 0, 0, 0, 1, 8, 0, 0x45, 0, 0, 31, 0xff, 0xff, 0, 0, 64, 17, 0xff, 0xff,
		10, 0, 0, 1, 10, 0, 0, 2, 0x0f, 0xa0, 0, 9, 0, 11, 0x17, 0xca, 'a', 'b', 'c',
	};
	struct mr_sockaddr to = rig_peer(&rig, false, 9);
	struct mr_ep *ep = bound(false, 4000);
	const struct rig_frame *f;

	ck_assert_int_eq(mr_ep_sendto(ep, "abc", 3, &to), 3);
	ck_assert_uint_eq(rig.n_tx, rig.stats.tx_packets); /* nothing leaves before the turn */
	f = rig_expect_udp(&rig, 4000, 9, "abc", 3);
	ck_assert_uint_eq(f->len, sizeof(want));
	ck_assert_mem_eq(f->b, want, 18);
	ck_assert_mem_eq(f->b + 20, want + 20, 4);
	ck_assert_mem_eq(f->b + 26, want + 26, sizeof(want) - 26);
	ck_assert_uint_eq(rig_moved(&rig, MR_CNT_UDP_TX_DATAGRAMS), 1);
	rig_expect_none(&rig);
	mr_ep_close(ep);
}
END_TEST

/* What is sent in a turn leaves in it, in order, whatever the number, the destinations and the moment. */
START_TEST(send_many)
{
	struct mr_sockaddr to = rig_peer(&rig, false, 0);
	struct mr_ep *ep = bound(false, 4000), *second = bound(false, 4001);
	struct mr_sockaddr other = {.addr = rig_addr("10.0.0.3"), .port = 9};
	struct mr_lladdr ll = {.b = {2, 0, 0, 0, 0, 3}, .len = 6};

	ck_assert_int_eq(mr_neigh_add(rig.stack, RIG_NIC, &other.addr, &ll), 0);
	for (uint16_t i = 0; i < 100; i++) {
		to.port = 1000 + i;
		ck_assert_int_eq(mr_ep_sendto(ep, "abc", 3, i % 10 == 9 ? &other : &to), 3);
	}
	rig_turn(&rig);
	for (uint16_t i = 0; i < 100; i++)
		rig_expect_udp(&rig, 4000, i % 10 == 9 ? 9 : 1000 + i, "abc", 3);
	rig_expect_none(&rig);
	/* Closing sends what waits; an abort does not. */
	ck_assert_int_eq(mr_ep_sendto(ep, "end", 3, &to), 3);
	mr_ep_close(ep);
	rig_expect_udp(&rig, 4000, to.port, "end", 3);
	ck_assert_int_eq(mr_ep_sendto(second, "end", 3, &to), 3);
	mr_ep_abort(second);
	rig_expect_none(&rig);
	rig_expect_no_drop(&rig);
}
END_TEST

START_TEST(send_errors)
{
	static char big[65536];
	struct mr_ep *ep = make(false);
	struct mr_sockaddr to = rig_peer(&rig, false, 9), nowhere = {.addr = rig_addr("172.16.0.1"), .port = 9};
	struct mr_sockaddr v6 = rig_peer(&rig, true, 9), no_port = rig_peer(&rig, false, 0);
	struct mr_sockaddr bcast = {.addr = rig_addr("10.0.0.255"), .port = 9};

	ck_assert_int_eq(mr_ep_send(ep, "x", 1), -EDESTADDRREQ);
	ck_assert_int_eq(mr_ep_sendto(ep, "x", 1, &nowhere), -EHOSTUNREACH);
	ck_assert_int_eq(mr_ep_sendto(ep, "x", 1, &v6), -EINVAL);
	ck_assert_int_eq(mr_ep_sendto(ep, "x", 1, &no_port), -EINVAL);
	ck_assert_int_eq(mr_ep_sendto(ep, "x", 1, &bcast), -EACCES);
	ck_assert_int_eq(mr_ep_sendto(ep, big, 65536, &to), -EMSGSIZE);
	ck_assert_int_eq(mr_ep_sendto(ep, big, 1473, &to), -EMSGSIZE);
	ck_assert_int_eq(mr_ep_local_name(ep, &to), -ENOTCONN); /* nothing has happened */
	rig_expect_none(&rig);
	ck_assert_int_eq(mr_ep_setopt(ep, MR_OPT_BROADCAST, 1), 0);
	ck_assert_int_eq(mr_ep_sendto(ep, "x", 1, &bcast), 1);
	ck_assert(addr_is(&rig_expect(&rig, RIG_UDP)->dst, "10.0.0.255"));
	ck_assert_int_eq(mr_ep_setopt(ep, MR_OPT_BROADCAST, 0), 0);
	ck_assert_int_eq(mr_ep_sendto(ep, "x", 1, &bcast), -EACCES); /* the remembered route, too */
	mr_ep_close(ep);
	rig_expect_no_drop(&rig);
}
END_TEST

/* D-10, B-41: a sum of zero is sent as all ones. */
START_TEST(zero_sum)
{
	struct mr_sockaddr to = rig_peer(&rig, _i, 9);
	struct mr_ep *ep = bound(_i, 4000);
	const struct rig_frame *f;
	uint32_t at = ETH + (_i ? 40 : 20) + 6;
	uint8_t data[4] = {0};

	ck_assert_int_eq(mr_ep_sendto(ep, data, 4, &to), 4);
	f = rig_expect(&rig, RIG_UDP);
	memcpy(data, f->b + at, 2); /* adding the complement of the sum makes it all ones */
	ck_assert_int_eq(mr_ep_sendto(ep, data, 4, &to), 4);
	f = rig_expect(&rig, RIG_UDP);
	ck_assert_mem_eq(f->b + at, "\xff\xff", 2);
	mr_ep_close(ep);
}
END_TEST

START_TEST(no_checksum)
{
	struct mr_sockaddr to4 = rig_peer(&rig, false, 9), to6 = rig_peer(&rig, true, 9);
	struct mr_ep *ep = bound(true, 4000);
	const struct rig_frame *f;

	ck_assert_int_eq(mr_ep_setopt(ep, MR_OPT_UDP_NO_CHECKSUM, 1), 0);
	ck_assert_int_eq(mr_ep_sendto(ep, "abc", 3, &to4), 3);
	f = rig_expect(&rig, RIG_UDP);
	ck_assert_mem_eq(f->b + ETH + 26, "\0\0", 2);
	ck_assert_int_eq(mr_ep_sendto(ep, "abc", 3, &to6), 3);
	f = rig_expect(&rig, RIG_UDP);
	ck_assert_mem_ne(f->b + ETH + 46, "\0\0", 2);
	mr_ep_close(ep);
}
END_TEST

/* A payload larger than a packet buffer goes as a chain; a link that takes none gets it in one piece or not at all. */
START_TEST(jumbo)
{
	static uint8_t big[8972];
	struct rig_opts o = {.mtu = 9000, .stack.mbuf_data_bytes = 1024};
	struct mr_sockaddr to;
	struct mr_ep *ep;
	const struct rig_frame *f;

	rig_fini(&rig);
	rig_init(&rig, &o);
	to = rig_peer(&rig, false, 9);
	ep = bound(false, 4000);
	rig_pattern_fill(big, 0, sizeof(big));
	for (uint32_t len = sizeof(big) - 3; len <= sizeof(big); len++) {
		ck_assert_int_eq(mr_ep_sendto(ep, big, len, &to), len);
		f = rig_expect_udp(&rig, 4000, 9, big, len);
		ck_assert_uint_eq(f->len, ETH + 28 + len);
	}
	ck_assert_int_eq(mr_ep_sendto(ep, big, sizeof(big) + 1, &to), -EMSGSIZE);
	mr_ep_close(ep);
}
END_TEST

START_TEST(send_mbuf)
{
	struct mr_sockaddr to = rig_peer(&rig, _i, 9);
	struct mr_ep *ep = bound(_i, 4000);
	struct rte_mempool *mp = mr_stack_tx_pool(rig.stack);
	struct rte_mbuf *m = rte_pktmbuf_alloc(mp), *tail = rte_pktmbuf_alloc(mp), *clone;

	rig_pattern_fill(rte_pktmbuf_append(m, 33), 0, 33);
	rig_pattern_fill(rte_pktmbuf_append(tail, 50), 33, 50);
	ck_assert_int_eq(rte_pktmbuf_chain(m, tail), 0);
	ck_assert_int_eq(mr_ep_send_mbuf(ep, m, &to), 83);
	ck_assert_uint_eq(rig_pattern_check(rig_expect_udp(&rig, 4000, 9, NULL, 83)->payload, 0, 83), 83);
	/* No room in front, or not ours alone: refused, and consumed. */
	m = rte_pktmbuf_alloc(mp);
	m->data_off = 8;
	ck_assert_int_eq(mr_ep_send_mbuf(ep, m, &to), -EINVAL);
	m = rte_pktmbuf_alloc(mp);
	clone = rte_pktmbuf_clone(m, mp);
	ck_assert_int_eq(mr_ep_send_mbuf(ep, clone, &to), -EINVAL);
	rte_mbuf_refcnt_update(m, 1);
	ck_assert_int_eq(mr_ep_send_mbuf(ep, m, &to), -EINVAL);
	ck_assert_int_eq(mr_ep_send_mbuf(ep, m, NULL), -EDESTADDRREQ);
	rig_expect_none(&rig);
	mr_ep_close(ep);
}
END_TEST

START_TEST(no_packets_left)
{
	static struct rte_mbuf *all[4096];
	struct rte_mempool *mp = rig.stack->tx_pool;
	struct mr_sockaddr to = rig_peer(&rig, false, 9);
	struct mr_waiter w = {.mask = MR_EV_OUT, .fn = on_event};
	struct mr_ep *ep = bound(false, 4000);
	unsigned n;

	mr_ep_wait(ep, &w);
	rig_poll(&rig); /* what is ready already */
	mr_stash_flush(&rig.stack->tx_stash);
	n = rte_mempool_avail_count(mp);
	told = told_events = 0;
	ck_assert_int_eq(rte_pktmbuf_alloc_bulk(mp, all, n), 0);
	ck_assert_int_eq(mr_ep_sendto(ep, "x", 1, &to), -ENOBUFS);
	rte_pktmbuf_free_bulk(all, n);
	rig_poll(&rig);
	ck_assert_uint_eq(told_events, MR_EV_OUT);
	ck_assert_int_eq(mr_ep_sendto(ep, "x", 1, &to), 1);
	rig_expect(&rig, RIG_UDP);
	mr_ep_unwait(ep, &w);
	mr_ep_close(ep);
}
END_TEST

/* ---- options */

START_TEST(options)
{
	static const struct {
		int opt;
		int64_t initial, bad_low, bad_high, good;
	} opts[] = {
		{MR_OPT_TTL, 0, 0, 256, 255},
		{MR_OPT_TOS, 0, -1, 256, 255},
		{MR_OPT_MULTICAST_TTL, 1, -1, 256, 0},
		{MR_OPT_BINDNIC, 0, -1, 65536, RIG_NIC},
	};
	static const int bools[] = {MR_OPT_BROADCAST, MR_OPT_UDP_NO_CHECKSUM, MR_OPT_REUSEADDR, MR_OPT_REUSEPORT,
	                            MR_OPT_V6ONLY};
	struct mr_ep *ep = make(true);
	int64_t v;

	for (unsigned i = 0; i < RTE_DIM(opts); i++) {
		ck_assert_int_eq(mr_ep_getopt(ep, opts[i].opt, &v), 0);
		ck_assert_int_eq(v, opts[i].initial);
		ck_assert_int_eq(mr_ep_setopt(ep, opts[i].opt, opts[i].bad_low), -EINVAL);
		ck_assert_int_eq(mr_ep_setopt(ep, opts[i].opt, opts[i].bad_high), -EINVAL);
		ck_assert_int_eq(mr_ep_setopt(ep, opts[i].opt, opts[i].good), 0);
		ck_assert_int_eq(mr_ep_getopt(ep, opts[i].opt, &v), 0);
		ck_assert_int_eq(v, opts[i].good);
	}
	for (unsigned i = 0; i < RTE_DIM(bools); i++) {
		ck_assert_int_eq(mr_ep_getopt(ep, bools[i], &v), 0);
		ck_assert_int_eq(v, 0);
		ck_assert_int_eq(mr_ep_setopt(ep, bools[i], 256), 0); /* any value but 0 is true */
		ck_assert_int_eq(mr_ep_getopt(ep, bools[i], &v), 0);
		ck_assert_int_eq(v, 1);
	}
	ck_assert_int_eq(mr_ep_setopt(ep, MR_OPT_TCP_NODELAY, 1), -ENOPROTOOPT);
	ck_assert_int_eq(mr_ep_getopt(ep, MR_OPT_TCP_STATE, &v), -ENOPROTOOPT);
	mr_ep_close(ep);
	/* The protocol's own, which endpoints begin with. */
	ck_assert_int_eq(mr_transproto_setopt(rig.stack, MR_TRANS_UDP, MR_OPT_RCVBUF, 0), -EINVAL);
	ck_assert_int_eq(mr_transproto_setopt(rig.stack, MR_TRANS_UDP, MR_OPT_TTL, 1), -ENOPROTOOPT);
	ck_assert_int_eq(mr_transproto_setopt(rig.stack, MR_TRANS_UDP, MR_OPT_RCVBUF, 5000), 0);
	ck_assert_int_eq(mr_transproto_getopt(rig.stack, MR_TRANS_UDP, MR_OPT_RCVBUF, &v), 0);
	ck_assert_int_eq(v, 5000);
	ep = make(true);
	ck_assert_int_eq(mr_ep_getopt(ep, MR_OPT_RCVBUF, &v), 0);
	ck_assert_int_eq(v, 5000);
	mr_ep_close(ep);
}
END_TEST

/* What was sent with one option leaves with it, though the turn comes later. */
START_TEST(option_between_sends)
{
	struct mr_ep *ep = connected(false, 4000, 9);

	ck_assert_int_eq(mr_ep_setopt(ep, MR_OPT_TTL, 11), 0);
	ck_assert_int_eq(mr_ep_send(ep, "a", 1), 1);
	ck_assert_int_eq(mr_ep_setopt(ep, MR_OPT_TTL, 12), 0);
	ck_assert_int_eq(mr_ep_send(ep, "b", 1), 1);
	ck_assert_uint_eq(rig_expect_udp(&rig, 4000, 9, "a", 1)->ttl, 11);
	ck_assert_uint_eq(rig_expect_udp(&rig, 4000, 9, "b", 1)->ttl, 12);
	mr_ep_close(ep);
}
END_TEST

/* Two stacks, resolving each other, an exchange in both families. */
START_TEST(two_stacks)
{
	struct rig_duo d;
	struct mr_ep *a, *b;
	struct mr_sockaddr to, from;
	char buf[8];

	rig_duo_init(&d, NULL);
	for (int v6 = 0; v6 < 2; v6++) {
		ck_assert_int_eq(mr_ep_create(d.end[0].stack, MR_TRANS_UDP, MR_NET_IPV6, &a), 0);
		ck_assert_int_eq(mr_ep_create(d.end[1].stack, MR_TRANS_UDP, MR_NET_IPV6, &b), 0);
		ck_assert_int_eq(mr_ep_bind(b, &(struct mr_sockaddr){.port = 7}), 0);
		to = (struct mr_sockaddr){.addr = v6 ? d.end[1].addr6 : d.end[1].addr4, .port = 7};
		ck_assert_int_eq(mr_ep_connect(a, &to), 0);
		ck_assert_int_eq(mr_ep_send(a, "ping", 4), 4);
		rig_duo_run(&d, RIG_S, NULL, NULL);
		ck_assert_int_eq(mr_ep_recv(b, buf, sizeof(buf), &from), 4);
		ck_assert_int_eq(mr_ep_sendto(b, "pong", 4, &from), 4);
		rig_duo_run(&d, RIG_S, NULL, NULL);
		ck_assert_int_eq(mr_ep_recv(a, buf, sizeof(buf), NULL), 4);
		ck_assert_mem_eq(buf, "pong", 4);
		mr_ep_close(a);
		mr_ep_close(b);
	}
	rig_duo_fini(&d);
}
END_TEST

static Suite *
suite(void)
{
	Suite *s = suite_create("udp");
	TCase *tc = rig_case(s, "udp", rig_setup, rig_teardown);

	tcase_add_loop_test(tc, receive, 0, 2);
	tcase_add_loop_test(tc, receive_chains, 0, 7);
	tcase_add_loop_test(tc, bad_lengths, 0, 2);
	tcase_add_test(tc, length_zero);
	tcase_add_loop_test(tc, datagram_shorter_than_packet, 0, 2);
	tcase_add_loop_test(tc, checksums, 0, 2);
	tcase_add_test(tc, checksum_of_odd_segments);
	tcase_add_loop_test(tc, no_port, 0, 2);
	tcase_add_test(tc, receive_buffer);
	tcase_add_test(tc, receive_memory);
	tcase_add_test(tc, events);
	tcase_add_test(tc, send);
	tcase_add_test(tc, send_many);
	tcase_add_test(tc, send_errors);
	tcase_add_loop_test(tc, zero_sum, 0, 2);
	tcase_add_test(tc, no_checksum);
	tcase_add_test(tc, jumbo);
	tcase_add_loop_test(tc, send_mbuf, 0, 2);
	tcase_add_test(tc, no_packets_left);
	tcase_add_test(tc, options);
	tcase_add_test(tc, option_between_sends);
	tcase_add_test(tc, two_stacks);
	return s;
}

RIG_MAIN(suite)
