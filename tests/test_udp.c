/* SPDX-License-Identifier: Apache-2.0 */
/* UDP: datagrams in and out, binding, connecting, errors, options, limits (UD-, B-38 to B-44, SS-, D-10, D-11). */
#include "rig/fixture.h"

#include <errno.h>
#include <string.h>

#include <rte_mbuf.h>

#include "stack/nic.h"
#include "stack/port.h"
#include "stack/stack.h"

#define ETH 14

static struct mr_ep *
make(bool v6)
{
	struct mr_ep *ep;

	ck_assert_int_eq(mr_ep_create(rig.stack, MR_TRANS_UDP, v6 ? MR_NET_IPV6 : MR_NET_IPV4, &ep), 0);
	return ep;
}

static struct mr_ep *
bound(bool v6, uint16_t port)
{
	struct mr_ep *ep = make(v6);

	ck_assert_int_eq(mr_ep_bind(ep, &(struct mr_sockaddr){.port = port}), 0);
	return ep;
}

static struct mr_ep *
connected(bool v6, uint16_t port, uint16_t peer_port)
{
	struct mr_ep *ep = make(v6);
	struct mr_sockaddr local = rig_local(&rig, v6, port), peer = rig_peer(&rig, v6, peer_port);

	ck_assert_int_eq(mr_ep_bind(ep, &local), 0);
	ck_assert_int_eq(mr_ep_connect(ep, &peer), 0);
	return ep;
}

static bool
addr_is(const struct mr_addr *a, const char *text)
{
	struct mr_addr b = rig_addr(text);

	return mr_addr_equal(a, &b);
}

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

static unsigned told;
static uint32_t told_events;

static void
on_event(struct mr_ep *ep, uint32_t events, void *arg)
{
	(void)arg;
	told++;
	told_events |= events;
	if (events & MR_EV_IN)
		ck_assert_int_gt(mr_ep_recv(ep, NULL, 0, NULL), -1);
}

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

/* ---- names and ports */

/* B-38: who may have the port when another endpoint has it. */
static const struct conflict {
	const char *a, *b; /* NULL: any */
	bool a6, b6, a_only, b_only;
	bool refused;
} conflicts[] = {
	{NULL, NULL, false, false, false, false, true},
	{"10.0.0.1", "10.0.0.1", false, false, false, false, true},
	{"10.0.0.1", "10.0.0.8", false, false, false, false, false},
	{NULL, "10.0.0.1", false, false, false, false, true},
	{"10.0.0.1", NULL, false, false, false, false, true},
	{NULL, NULL, false, true, false, false, true},  /* 0.0.0.0, :: */
	{NULL, NULL, true, false, false, false, true},
	{NULL, NULL, false, true, false, true, false},  /* 0.0.0.0, :: V6ONLY */
	{NULL, NULL, true, false, true, false, false},
	{NULL, "fd00::1", false, true, false, false, false},
	{NULL, "fd00::1", true, true, false, false, true},
	{"fd00::1", "10.0.0.1", true, false, false, false, false},
	{"fd00::1", "10.0.0.1", true, true, false, false, false},
	{NULL, "10.0.0.1", true, true, false, false, true}, /* ::, mapped */
};

START_TEST(bind_conflicts)
{
	const struct conflict *c = &conflicts[_i];
	struct mr_subnet second = {.addr = rig_addr("10.0.0.8"), .plen = 24};
	struct mr_ep *a = make(c->a6), *b = make(c->b6);
	struct mr_sockaddr la = {.port = 53}, lb = {.port = 53};

	ck_assert_int_eq(mr_addr_add(rig.stack, RIG_NIC, &second, MR_PEB_CAN_BE_PRIMARY), 0);
	la.addr = c->a ? rig_addr(c->a) : la.addr;
	lb.addr = c->b ? rig_addr(c->b) : lb.addr;
	if (c->a_only)
		ck_assert_int_eq(mr_ep_setopt(a, MR_OPT_V6ONLY, 1), 0);
	if (c->b_only)
		ck_assert_int_eq(mr_ep_setopt(b, MR_OPT_V6ONLY, 1), 0);
	ck_assert_int_eq(mr_ep_bind(a, &la), 0);
	ck_assert_int_eq(mr_ep_bind(b, &lb), c->refused ? -EADDRINUSE : 0);
	mr_ep_close(a);
	ck_assert_int_eq(mr_ep_bind(b, &lb), c->refused ? 0 : -EINVAL); /* free again; or bound already */
	mr_ep_close(b);
}
END_TEST

START_TEST(bind_errors_and_names)
{
	struct mr_ep *ep = make(false), *ep6 = make(true);
	struct mr_sockaddr name, foreign = {.addr = rig_addr("10.0.0.99"), .port = 5};
	struct mr_sockaddr v6 = {.addr = rig.addr6, .port = 5}, local = rig_local(&rig, false, 0);

	ck_assert_int_eq(mr_ep_bind(ep, &foreign), -EADDRNOTAVAIL);
	ck_assert_int_eq(mr_ep_bind(ep, &v6), -EINVAL);
	ck_assert_int_eq(mr_ep_local_name(ep, &name), -ENOTCONN);
	ck_assert_int_eq(mr_ep_remote_name(ep, &name), -ENOTCONN);
	ck_assert_int_eq(mr_ep_bind(ep, &local), 0);
	ck_assert_int_eq(mr_ep_local_name(ep, &name), 0);
	ck_assert_uint_ge(name.port, MR_PORT_EPHEMERAL_FIRST);
	ck_assert(mr_addr_equal(&name.addr, &rig.addr4));
	ck_assert_int_eq(mr_ep_bind(ep, &local), -EINVAL);
	ck_assert_int_eq(mr_ep_listen(ep, 5), -EOPNOTSUPP);
	ck_assert_int_eq(mr_ep_shutdown(ep, MR_SHUT_RD), -ENOTCONN);
	/* A mapped address on a dual-stack endpoint is IPv4; not with V6ONLY. */
	ck_assert_int_eq(mr_ep_setopt(ep6, MR_OPT_V6ONLY, 1), 0);
	ck_assert_int_eq(mr_ep_bind(ep6, &local), -EINVAL);
	ck_assert_int_eq(mr_ep_setopt(ep6, MR_OPT_V6ONLY, 0), 0);
	ck_assert_int_eq(mr_ep_bind(ep6, &local), 0);
	mr_ep_close(ep);
	mr_ep_close(ep6);
}
END_TEST

START_TEST(bind_to_a_spoofed_address)
{
	struct mr_sockaddr foreign = {.addr = rig_addr("10.0.0.99"), .port = 5}, to = rig_peer(&rig, false, 9);
	struct mr_ep *ep = make(false);

	ck_assert_int_eq(mr_nic_set_spoofing(rig.stack, RIG_NIC, true), 0);
	ck_assert_int_eq(mr_ep_bind(ep, &foreign), 0);
	ck_assert_int_eq(mr_ep_sendto(ep, "x", 1, &to), 1);
	ck_assert(mr_addr_equal(&rig_expect(&rig, RIG_UDP)->src, &foreign.addr)); /* B-6 */
	mr_ep_close(ep);
}
END_TEST

/* All ephemeral ports taken: a clean error. */
START_TEST(ports_run_out)
{
	struct mr_port_req r = {.proto = MR_TRANS_UDP, .v4 = true, .v6 = true};
	struct mr_sockaddr to = rig_peer(&rig, false, 9);
	struct mr_ep *ep = make(false);

	for (uint32_t p = MR_PORT_EPHEMERAL_FIRST; p <= MR_PORT_EPHEMERAL_LAST; p++) {
		r.port = (uint16_t)p;
		ck_assert_int_eq(mr_port_reserve(rig.stack, &r), 0);
	}
	ck_assert_int_eq(mr_ep_bind(ep, &(struct mr_sockaddr){.port = 0}), -EAGAIN);
	ck_assert_int_eq(mr_ep_connect(ep, &to), -EAGAIN);
	ck_assert_int_eq(mr_ep_sendto(ep, "x", 1, &to), -EAGAIN);
	mr_port_release(rig.stack, &r);
	ck_assert_int_eq(mr_ep_sendto(ep, "x", 1, &to), 1);
	rig_expect_udp(&rig, r.port, 9, "x", 1);
	mr_ep_close(ep);
}
END_TEST

START_TEST(endpoints_run_out)
{
	static struct mr_ep *eps[128], *one_more;

	for (unsigned i = 0; i < RTE_DIM(eps); i++)
		eps[i] = make(i % 2);
	ck_assert_int_eq(mr_ep_create(rig.stack, MR_TRANS_UDP, MR_NET_IPV4, &one_more), -ENOBUFS);
	mr_ep_close(eps[5]);
	eps[5] = make(false);
	/* Those that are left open go with the stack. */
	for (unsigned i = 0; i < 64; i++)
		mr_ep_close(eps[i]);
}
END_TEST

START_TEST(open_endpoints_go_with_the_stack)
{
	struct mr_sockaddr to = rig_peer(&rig, true, 9);
	struct mr_ep *a = bound(true, 7), *b = connected(false, 8, 9);

	rig_push_udp(&rig, .dport = 7, .len = 10);
	rig_push_udp(&rig, .dport = 8, .sport = 9, .len = 10);
	rig_poll(&rig);
	ck_assert_int_eq(mr_ep_sendto(a, "x", 1, &to), 1);
	ck_assert_int_eq(mr_ep_send(b, "x", 1), 1);
	/* The teardown counts the packets. */
}
END_TEST

START_TEST(protocol_not_there)
{
	struct rig_opts o = {.no_addr = true, .stack.net_protos = (const char *const[]){"ipv4", "arp", NULL}};
	struct mr_ep *ep;

	rig_fini(&rig);
	rig_init(&rig, &o);
	ck_assert_int_eq(mr_ep_create(rig.stack, MR_TRANS_UDP, MR_NET_IPV6, &ep), -EPROTONOSUPPORT);
	ck_assert_int_eq(mr_ep_create(rig.stack, MR_TRANS_UDP, MR_NET_IPV4, &ep), 0);
	mr_ep_close(ep);
}
END_TEST

/* ---- families */

/* B-39, SS-25. */
START_TEST(dual_stack)
{
	struct mr_ep *ep = bound(true, 7);
	struct mr_sockaddr from;
	char buf[8];

	rig_push_udp(&rig, .data = "four", .len = 4);
	rig_push_udp(&rig, .ip.v6 = true, .data = "six", .len = 3);
	rig_poll(&rig);
	ck_assert_int_eq(mr_ep_recv(ep, buf, sizeof(buf), &from), 4);
	ck_assert(addr_is(&from.addr, "::ffff:10.0.0.2"));
	ck_assert_int_eq(mr_ep_sendto(ep, "4", 1, &from), 1);
	ck_assert(!rig_expect(&rig, RIG_UDP)->v6);
	ck_assert_int_eq(mr_ep_recv(ep, buf, sizeof(buf), &from), 3);
	ck_assert(addr_is(&from.addr, "fd00::2"));
	ck_assert_int_eq(mr_ep_sendto(ep, "6", 1, &from), 1);
	ck_assert(rig_expect(&rig, RIG_UDP)->v6);
	mr_ep_close(ep);
}
END_TEST

START_TEST(v6_only)
{
	struct mr_ep *ep = make(true), *v4;
	struct mr_sockaddr to4 = rig_peer(&rig, false, 9);

	ck_assert_int_eq(mr_ep_setopt(ep, MR_OPT_V6ONLY, 1), 0);
	ck_assert_int_eq(mr_ep_bind(ep, &(struct mr_sockaddr){.port = 7}), 0);
	ck_assert_int_eq(mr_ep_setopt(ep, MR_OPT_V6ONLY, 0), -EINVAL);
	rig_push_udp(&rig, .len = 1);
	rig_expect_icmp(&rig, false, 3, 3);
	ck_assert_int_eq(mr_ep_sendto(ep, "x", 1, &to4), -EINVAL);
	v4 = bound(false, 7);
	rig_push_udp(&rig, .len = 1);
	rig_push_udp(&rig, .ip.v6 = true, .len = 2);
	rig_poll(&rig);
	ck_assert_uint_eq(mr_ep_readiness(v4) & MR_EV_IN, MR_EV_IN);
	ck_assert_uint_eq(mr_ep_readiness(ep) & MR_EV_IN, MR_EV_IN);
	ck_assert_int_eq(mr_ep_setopt(v4, MR_OPT_V6ONLY, 1), -EINVAL);
	mr_ep_close(ep);
	mr_ep_close(v4);
}
END_TEST

/* Bound to an address of one family, an endpoint speaks that family. */
START_TEST(bound_family)
{
	struct mr_ep *ep = make(true);
	struct mr_sockaddr local = rig_local(&rig, false, 7), to4 = rig_peer(&rig, false, 9), to6 = rig_peer(&rig, true, 9);

	ck_assert_int_eq(mr_ep_bind(ep, &local), 0);
	ck_assert_int_eq(mr_ep_sendto(ep, "x", 1, &to6), -EINVAL);
	ck_assert_int_eq(mr_ep_connect(ep, &to6), -EINVAL);
	ck_assert_int_eq(mr_ep_sendto(ep, "x", 1, &to4), 1);
	rig_expect(&rig, RIG_UDP);
	mr_ep_close(ep);
}
END_TEST

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

/* ---- groups */

/* Join, and be past the reports of it. */
static void
join(const struct mr_addr *group)
{
	ck_assert_int_eq(mr_group_join(rig.stack, RIG_NIC, group), 0);
	rig_advance(&rig, 10 * RIG_S);
	rig_discard(&rig);
}

/* B-43: one datagram, a copy for each who can take it, whole and apart from each other. */
START_TEST(copies_for_everybody)
{
	const char *group = _i == 0 ? "224.1.2.3" : _i == 1 ? "10.0.0.255" : "ff02::1:3";
	struct mr_addr dst = rig_addr(group);
	struct mr_ep *ep[3], *other = bound(_i == 2, 8);
	uint8_t buf[256];

	if (_i != 1)
		join(&dst);
	for (int i = 0; i < 3; i++) {
		ep[i] = make(_i == 2);
		ck_assert_int_eq(mr_ep_setopt(ep[i], MR_OPT_REUSEADDR, 1), 0);
		ck_assert_int_eq(mr_ep_bind(ep[i], &(struct mr_sockaddr){.port = 7}), 0);
	}
	rig.rx_seg_bytes = 60;
	rig_push_udp(&rig, .ip.dst = dst, .len = 100);
	rig_poll(&rig);
	for (int i = 0; i < 3; i++) {
		ck_assert_int_eq(mr_ep_recv(ep[i], buf, sizeof(buf), NULL), 100);
		ck_assert_uint_eq(rig_pattern_check(buf, 0, 100), 100);
		ck_assert_int_eq(mr_ep_recv(ep[i], buf, sizeof(buf), NULL), -EAGAIN);
		mr_ep_close(ep[i]);
	}
	ck_assert_int_eq(mr_ep_recv(other, buf, sizeof(buf), NULL), -EAGAIN);
	ck_assert_uint_eq(rig_moved(&rig, MR_CNT_UDP_RX_DATAGRAMS), 3);
	mr_ep_close(other);
	rig_expect_no_drop(&rig);
	rig_expect_none(&rig);
}
END_TEST

/* Bound to the group itself: its datagrams and no others, and it is no source. */
START_TEST(bound_to_a_group)
{
	struct mr_sockaddr group = {.addr = rig_addr("224.1.2.3"), .port = 7}, to = rig_peer(&rig, false, 9);
	struct mr_ep *ep = make(false);

	join(&group.addr);
	ck_assert_int_eq(mr_ep_bind(ep, &group), 0);
	rig_push_udp(&rig, .len = 1);
	rig_expect_icmp(&rig, false, 3, 3);
	rig_push_udp(&rig, .ip.dst = group.addr, .len = 1);
	rig_poll(&rig);
	ck_assert_uint_eq(mr_ep_readiness(ep) & MR_EV_IN, MR_EV_IN);
	ck_assert_int_eq(mr_ep_sendto(ep, "x", 1, &to), 1);
	ck_assert(mr_addr_equal(&rig_expect(&rig, RIG_UDP)->src, &rig.addr4));
	mr_ep_close(ep);
}
END_TEST

/* B-43: TTL 1 unless said otherwise, and members here hear it, unless they are not to. */
START_TEST(multicast_options)
{
	struct mr_sockaddr group = {.addr = rig_addr(_i ? "ff05::77" : "239.1.2.3"), .port = 7, .nic = RIG_NIC};
	struct mr_ep *ep = bound(_i, 4000), *member = bound(_i, 7);
	struct mr_sockaddr from;
	char buf[8];

	ck_assert_int_eq(mr_ep_sendto(ep, "0", 1, &group), 1);
	ck_assert_uint_eq(rig_expect(&rig, RIG_UDP)->ttl, 1);
	ck_assert_int_eq(mr_ep_recv(member, buf, sizeof(buf), NULL), -EAGAIN); /* not joined */
	join(&group.addr);
	ck_assert_int_eq(mr_ep_setopt(ep, MR_OPT_MULTICAST_TTL, 5), 0);
	ck_assert_int_eq(mr_ep_setopt(ep, MR_OPT_TTL, 99), 0);
	ck_assert_int_eq(mr_ep_sendto(ep, "1", 1, &group), 1);
	ck_assert_uint_eq(rig_expect_udp(&rig, 4000, 7, "1", 1)->ttl, 5);
	ck_assert_int_eq(mr_ep_recv(member, buf, sizeof(buf), &from), 1);
	ck_assert(mr_addr_equal(&from.addr, _i ? &rig.addr6 : &rig.addr4) && from.port == 4000);
	ck_assert_int_eq(mr_ep_setopt(ep, MR_OPT_MULTICAST_LOOP, 0), 0);
	ck_assert_int_eq(mr_ep_sendto(ep, "2", 1, &group), 1);
	rig_expect_udp(&rig, 4000, 7, "2", 1);
	ck_assert_int_eq(mr_ep_recv(member, buf, sizeof(buf), &from), -EAGAIN);
	/* TTL 0 stays on this host. */
	ck_assert_int_eq(mr_ep_setopt(ep, MR_OPT_MULTICAST_LOOP, 1), 0);
	ck_assert_int_eq(mr_ep_setopt(ep, MR_OPT_MULTICAST_TTL, 0), 0);
	ck_assert_int_eq(mr_ep_sendto(ep, "3", 1, &group), 1);
	rig_expect_none(&rig);
	ck_assert_int_eq(mr_ep_recv(member, buf, sizeof(buf), &from), 1);
	rig_expect_no_drop(&rig);
	mr_ep_close(ep);
	mr_ep_close(member);
}
END_TEST

/* B-10: endpoints that share a port spread the tuples, each tuple to one of them. */
START_TEST(reuse_port)
{
	struct mr_ep *ep[2], *third = make(false);
	unsigned got[2] = {0};
	char buf[8];

	for (int i = 0; i < 2; i++) {
		ep[i] = make(false);
		ck_assert_int_eq(mr_ep_setopt(ep[i], MR_OPT_REUSEPORT, 1), 0);
		ck_assert_int_eq(mr_ep_bind(ep[i], &(struct mr_sockaddr){.port = 7}), 0);
		ck_assert_int_eq(mr_ep_setopt(ep[i], MR_OPT_REUSEPORT, 0), -EINVAL);
	}
	ck_assert_int_eq(mr_ep_bind(third, &(struct mr_sockaddr){.port = 7}), -EADDRINUSE);
	for (uint16_t i = 0; i < 64; i++) {
		int who = -1;

		rig_push_udp(&rig, .sport = 1000 + i, .len = 1);
		rig_push_udp(&rig, .sport = 1000 + i, .len = 1);
		rig_poll(&rig);
		for (int k = 0; k < 2; k++) {
			if (mr_ep_recv(ep[k], buf, sizeof(buf), NULL) != 1)
				continue;
			ck_assert_int_eq(who, -1);
			who = k;
			ck_assert_int_eq(mr_ep_recv(ep[k], buf, sizeof(buf), NULL), 1);
		}
		ck_assert_int_ge(who, 0);
		got[who]++;
	}
	ck_assert_uint_gt(got[0], 16);
	ck_assert_uint_gt(got[1], 16);
	mr_ep_close(ep[0]);
	mr_ep_close(ep[1]);
	mr_ep_close(third);
}
END_TEST

/* B-9, SS-1: who is bound to a NIC has its datagrams before who is not, a connected one of no NIC included. */
START_TEST(bound_to_a_nic)
{
	struct mr_ep *global = make(false), *nic = make(false), *wrong = make(false);
	struct mr_link *a, *b;
	char buf[8];

	ck_assert_int_eq(mr_pair_create(rig.stack->rx_pool, rig.stack->rx_pool, 1500, 16, &a, &b), 0);
	ck_assert_int_eq(mr_nic_create(rig.stack, 2, "other", a), 0);
	ck_assert_int_eq(mr_ep_setopt(nic, MR_OPT_BINDNIC, 9), -EINVAL);
	ck_assert_int_eq(mr_ep_setopt(nic, MR_OPT_BINDNIC, RIG_NIC), 0);
	ck_assert_int_eq(mr_ep_setopt(wrong, MR_OPT_BINDNIC, 2), 0);
	ck_assert_int_eq(mr_ep_setopt(global, MR_OPT_REUSEPORT, 1), 0);
	ck_assert_int_eq(mr_ep_setopt(nic, MR_OPT_REUSEPORT, 1), 0);
	ck_assert_int_eq(mr_ep_setopt(wrong, MR_OPT_REUSEPORT, 1), 0);
	ck_assert_int_eq(mr_ep_bind(global, &(struct mr_sockaddr){.port = 7}), 0);
	ck_assert_int_eq(mr_ep_bind(nic, &(struct mr_sockaddr){.port = 7}), 0);
	ck_assert_int_eq(mr_ep_bind(wrong, &(struct mr_sockaddr){.port = 7}), 0);
	ck_assert_int_eq(mr_ep_setopt(nic, MR_OPT_BINDNIC, 0), -EINVAL);
	for (uint16_t i = 0; i < 8; i++)
		rig_push_udp(&rig, .sport = 100 + i, .len = 1);
	rig_poll(&rig);
	for (int i = 0; i < 8; i++)
		ck_assert_int_eq(mr_ep_recv(nic, buf, sizeof(buf), NULL), 1);
	mr_ep_close(nic);
	rig_push_udp(&rig, .len = 1);
	rig_poll(&rig);
	ck_assert_int_eq(mr_ep_recv(global, buf, sizeof(buf), NULL), 1);
	ck_assert_int_eq(mr_ep_recv(wrong, buf, sizeof(buf), NULL), -EAGAIN);
	mr_ep_close(global);
	mr_ep_close(wrong);
	ck_assert_int_eq(mr_nic_remove(rig.stack, 2), 0);
	mr_link_close(a);
	mr_link_close(b);
}
END_TEST

/* ---- routes that change */

/* A removed address is not a source any more, a removed NIC no way: clean errors, nothing lost twice. */
START_TEST(address_removed)
{
	struct mr_subnet second = {.addr = rig_addr("10.0.0.8"), .plen = 24};
	struct mr_sockaddr to = rig_peer(&rig, false, 9);
	struct mr_ep *ep = make(false), *con = connected(false, 4000, 9);

	ck_assert_int_eq(mr_addr_add(rig.stack, RIG_NIC, &second, MR_PEB_CAN_BE_PRIMARY), 0);
	rig_discard(&rig);
	ck_assert_int_eq(mr_ep_sendto(ep, "x", 1, &to), 1);
	ck_assert(mr_addr_equal(&rig_expect(&rig, RIG_UDP)->src, &rig.addr4));
	ck_assert_int_eq(mr_addr_remove(rig.stack, RIG_NIC, &rig.addr4), 0);
	ck_assert_int_eq(mr_ep_sendto(ep, "x", 1, &to), 1);
	ck_assert(mr_addr_equal(&rig_expect(&rig, RIG_UDP)->src, &second.addr));
	/* The connected one keeps its own until it is closed (SS-8). */
	ck_assert_int_eq(mr_ep_send(con, "x", 1), 1);
	ck_assert(mr_addr_equal(&rig_expect(&rig, RIG_UDP)->src, &rig.addr4));
	mr_ep_close(ep);
	mr_ep_close(con);
}
END_TEST

START_TEST(nic_removed)
{
	struct mr_ep *ep = connected(_i, 4000, 9);
	struct mr_sockaddr to = rig_peer(&rig, _i, 9), name;

	ck_assert_int_eq(mr_ep_send(ep, "x", 1), 1);
	ck_assert_int_eq(mr_nic_remove(rig.stack, RIG_NIC), 0);
	rig_poll(&rig); /* what waited is dropped with a reason */
	ck_assert_uint_eq(rig_moved(&rig, MR_DROP_IP_NO_ROUTE), 1);
	ck_assert_int_lt(mr_ep_send(ep, "x", 1), 0);
	ck_assert_int_lt(mr_ep_sendto(ep, "x", 1, &to), 0);
	ck_assert_int_eq(mr_ep_local_name(ep, &name), 0);
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
	tcase_add_loop_test(tc, bind_conflicts, 0, (int)RTE_DIM(conflicts));
	tcase_add_test(tc, bind_errors_and_names);
	tcase_add_test(tc, bind_to_a_spoofed_address);
	tcase_add_test(tc, ports_run_out);
	tcase_add_test(tc, endpoints_run_out);
	tcase_add_test(tc, open_endpoints_go_with_the_stack);
	tcase_add_test(tc, protocol_not_there);
	tcase_add_test(tc, dual_stack);
	tcase_add_test(tc, v6_only);
	tcase_add_test(tc, bound_family);
	tcase_add_loop_test(tc, connected_hears_its_peer, 0, 2);
	tcase_add_test(tc, connect_without_bind);
	tcase_add_test(tc, reconnect_and_disconnect);
	tcase_add_test(tc, connect_twice_to_one_peer);
	tcase_add_test(tc, port_unreachable);
	tcase_add_test(tc, errors_and_data);
	tcase_add_loop_test(tc, refused_by_ourselves, 0, 2);
	tcase_add_test(tc, shutdown);
	tcase_add_loop_test(tc, copies_for_everybody, 0, 3);
	tcase_add_test(tc, bound_to_a_group);
	tcase_add_loop_test(tc, multicast_options, 0, 2);
	tcase_add_test(tc, reuse_port);
	tcase_add_test(tc, bound_to_a_nic);
	tcase_add_test(tc, address_removed);
	tcase_add_loop_test(tc, nic_removed, 0, 2);
	tcase_add_test(tc, options);
	tcase_add_test(tc, option_between_sends);
	tcase_add_test(tc, two_stacks);
	return s;
}

RIG_MAIN(suite)
