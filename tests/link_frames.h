/* SPDX-License-Identifier: Apache-2.0 */
/*
 * For the tests of links: pools, frames that know their number, and calls through the link contract. Each frame has an
 * Ethernet header, its number in the four bytes behind it, and a pattern that depends on the number up to its end.
 */
#ifndef TESTS_LINK_FRAMES_H
#define TESTS_LINK_FRAMES_H

#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include <rte_mbuf.h>
#include <rte_memory.h>

#include "stack/link.h"
#include "stack/pkt.h"

#define LF_HDR 14
#define LF_MIN (LF_HDR + 4)

static inline uint8_t
lf_byte(uint32_t nr, uint32_t off)
{
	uint64_t z = ((uint64_t)nr << 32 | off) * 0x9e3779b97f4a7c15u;

	return (uint8_t)((z ^ z >> 29) * 0xbf58476d1ce4e5b9u >> 56);
}

static inline struct rte_mempool *
lf_pool(const char *name, uint32_t n, uint32_t data_bytes)
{
	struct rte_mempool *mp = mr_pktpool_create(name, n, data_bytes, -1);

	ck_assert_ptr_nonnull(mp);
	return mp;
}

static inline int
lf_nohuge_fd(void)
{
	char path[32], target[64];

	for (int fd = 3; fd < 64; fd++) {
		ssize_t n;

		snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
		n = readlink(path, target, sizeof(target) - 1);
		target[n > 0 ? n : 0] = '\0';
		if (!strncmp(target, "/memfd:nohuge", 13))
			return fd;
	}
	return -1;
}

static inline int
lf_list_private(const struct rte_memseg_list *msl, void *arg)
{
	int fd = *(int *)arg, prot = PROT_READ | PROT_WRITE;

	if (msl->external || fd < 0)
		return 0;
	return mmap(msl->base_va, msl->len, prot, MAP_PRIVATE | MAP_FIXED, fd, 0) == MAP_FAILED ? -1 : 0;
}

/*
 * Without hugepages EAL's heap is one shared mapping of a memfd, so what a forked test leaves in it (devices keep some
 * memory) would be there for all later ones. A private mapping of the same file makes each test start alike. Call it
 * between EAL's start and the first fork.
 */
static inline void
lf_private_memory(void)
{
	int fd = lf_nohuge_fd();

	if (rte_memseg_list_walk(lf_list_private, &fd))
		abort();
}

/* All of a pool's mbufs are back; then it goes. */
static inline void
lf_pool_done(struct rte_mempool *mp)
{
	ck_assert_uint_eq(rte_mempool_avail_count(mp), mp->size);
	rte_mempool_free(mp);
}

static inline uint8_t
lf_expect(uint32_t nr, uint32_t off)
{
	if (off < LF_HDR)
		return (uint8_t)(0x40 + off);
	return off < LF_MIN ? (uint8_t)(nr >> (8 * (off - LF_HDR))) : lf_byte(nr, off);
}

/* A frame of `len` bytes, in segments of at most `seg` bytes. */
static inline struct rte_mbuf *
lf_frame_segs(struct rte_mempool *mp, uint32_t nr, uint32_t len, uint32_t seg)
{
	struct rte_mbuf *head = NULL, *m;

	for (uint32_t off = 0; off < len;) {
		uint32_t part = RTE_MIN(len - off, seg);
		uint8_t *p;

		m = rte_pktmbuf_alloc(mp);
		ck_assert_ptr_nonnull(m);
		p = (uint8_t *)rte_pktmbuf_append(m, part);
		ck_assert_ptr_nonnull(p);
		for (uint32_t i = 0; i < part; i++)
			p[i] = lf_expect(nr, off + i);
		off += part;
		if (head)
			ck_assert_int_eq(rte_pktmbuf_chain(head, m), 0);
		else
			head = m;
	}
	return head;
}

static inline struct rte_mbuf *
lf_frame(struct rte_mempool *mp, uint32_t nr, uint32_t len)
{
	return lf_frame_segs(mp, nr, len, UINT32_MAX);
}

/* Number of a frame, from its first segment. */
static inline uint32_t
lf_nr(const struct rte_mbuf *m)
{
	const uint8_t *p = rte_pktmbuf_mtod_offset(m, const uint8_t *, LF_HDR);

	return p[0] | p[1] << 8 | p[2] << 16 | (uint32_t)p[3] << 24;
}

/* Bits in which the frame differs from number `nr`. */
static inline unsigned
lf_wrong_bits(const struct rte_mbuf *m, uint32_t nr)
{
	unsigned wrong = 0;
	uint32_t off = 0;

	for (; m; m = m->next)
		for (uint32_t i = 0; i < m->data_len; i++, off++)
			wrong += __builtin_popcount(*rte_pktmbuf_mtod_offset(m, uint8_t *, i) ^ lf_expect(nr, off));
	return wrong;
}

/* The frame is number `nr`, whole and consistent; frees it. */
static inline void
lf_check(struct rte_mbuf *m, uint32_t nr, uint32_t len)
{
	rte_mbuf_sanity_check(m, 1);
	ck_assert_uint_eq(m->pkt_len, len);
	ck_assert_uint_eq(lf_wrong_bits(m, nr), 0);
	rte_pktmbuf_free(m);
}

static inline uint16_t
lf_tx(struct mr_link *l, uint64_t now_ns, struct rte_mbuf **pkts, uint16_t n)
{
	return l->ops->tx_burst(l, now_ns, pkts, n);
}

static inline uint16_t
lf_rx(struct mr_link *l, uint64_t now_ns, struct rte_mbuf **pkts, uint16_t n)
{
	return l->ops->rx_burst(l, now_ns, pkts, n);
}

/* Send one frame that must be taken. */
static inline void
lf_send(struct mr_link *l, uint64_t now_ns, struct rte_mbuf *m)
{
	ck_assert_uint_eq(lf_tx(l, now_ns, &m, 1), 1);
}

static inline struct mr_link_stats
lf_stats(struct mr_link *l)
{
	struct mr_link_stats st;

	l->ops->stats(l, &st);
	return st;
}

#endif
