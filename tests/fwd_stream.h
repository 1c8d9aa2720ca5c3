/* SPDX-License-Identifier: Apache-2.0 */
/*
 * For the tests of the benchmark's forward modes: a stream without ports, and frames that go through it. Checksums are judged
 * by the rig's own, which knows nothing of ours.
 */
#ifndef TESTS_FWD_STREAM_H
#define TESTS_FWD_STREAM_H

#include "rig/fixture.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <rte_ip.h>
#include <rte_mbuf.h>
#include <rte_tcp.h>
#include <rte_udp.h>

#include "app/bench/fwd.h"

static struct rig_buf in, out;
static struct rte_mempool *pool;
static struct args args;
static struct fwd_stream stream;

static const struct rte_ether_addr own = {.addr_bytes = {2, 0, 0, 0, 0, 0x0a}};
static const struct rte_ether_addr peer = {.addr_bytes = {2, 0, 0, 0, 0, 0x0b}};

static inline void
fwd_setup(void)
{
	rig_init(&rig, NULL);
	pool = rte_pktmbuf_pool_create("fwd", 4095, 0, 0, RTE_MBUF_DEFAULT_BUF_SIZE, SOCKET_ID_ANY);
	ck_assert_ptr_nonnull(pool);
	args = (struct args){.txpkts = {64}, .n_txpkts = 1, .burst = 32, .flows = 1, .client_addresses = 1, .service = 7};
	ck_assert_int_eq(mr_subnet_parse("10.0.0.2/24", &args.server), 0);
	ck_assert_int_eq(mr_subnet_parse("10.0.0.1/24", &args.client), 0);
	stream = (struct fwd_stream){.args = &args, .own = own, .peer = peer, .pool = pool, .burst = 32};
}

static inline void
fwd_teardown(void)
{
	fwd_gen_destroy(stream.gen);
	rte_mempool_free(pool);
	rig_fini(&rig);
	ck_assert_uint_eq(rig_leaks(), 0);
}

/* A packet of the frame, cut into segments of so many bytes (0: one). */
static inline struct rte_mbuf *
packet(const struct rig_buf *b, uint32_t segment)
{
	struct rte_mbuf *m = NULL;

	segment = segment ? segment : b->len;
	for (uint32_t at = 0; at < b->len; at += segment) {
		uint32_t len = b->len - at < segment ? b->len - at : segment;
		struct rte_mbuf *seg = rte_pktmbuf_alloc(pool);

		ck_assert_ptr_nonnull(seg);
		memcpy(rte_pktmbuf_append(seg, (uint16_t)len), b->b + at, len);
		if (m)
			ck_assert_int_eq(rte_pktmbuf_chain(m, seg), 0);
		else
			m = seg;
	}
	return m;
}

/* The bytes of a packet, in `out`. Frees it. */
static inline void
unpack(struct rte_mbuf *m)
{
	out.len = m->pkt_len;
	memcpy(out.b, rte_pktmbuf_read(m, 0, m->pkt_len, out.b), m->pkt_len);
	rte_pktmbuf_free(m);
}

/* Run a mode on the frame in `in`. @return packets that are left, the first of them in `out` */
static inline unsigned
changed(const struct fwd_mode *mode, uint32_t segment)
{
	struct rte_mbuf *m = packet(&in, segment);
	unsigned n = mode->change(&stream, &m, 1);

	if (n == 1)
		unpack(m);
	return n;
}

static inline void
check_sums(const struct rig_buf *b)
{
	static struct rig_buf fixed;

	fixed = *b;
	rig_fix(&fixed);
	ck_assert_msg(memcmp(fixed.b, b->b, b->len) == 0, "a checksum is wrong");
}

#define KINDS 5

/* One frame of each kind that has addresses to swap. */
static inline void
frame_build(unsigned kind)
{
	switch (kind) {
	case 0:
		rig_build_udp(&rig, &in, &(struct rig_udp){.len = 30});
		break;
	case 1:
		rig_build_udp(&rig, &in, &(struct rig_udp){.ip.v6 = true, .len = 31});
		break;
	case 2:
		rig_build_tcp(&rig, &in, &(struct rig_tcphdr){.flags = RIG_ACK, .len = 100});
		break;
	case 3:
		rig_build_tcp(&rig, &in, &(struct rig_tcphdr){.ip.v6 = true, .flags = RIG_SYN});
		break;
	default:
		rig_build_tcp(&rig, &in, &(struct rig_tcphdr){.ip.opts = "\1\1\1\1", .ip.opts_len = 4, .flags = RIG_ACK});
		break;
	}
}

#endif
