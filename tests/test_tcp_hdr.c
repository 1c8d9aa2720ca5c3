/* SPDX-License-Identifier: Apache-2.0 */
/*
 * TCP's header and options, written and read. Option bytes are read from headers that end at an unmapped page, so a
 * byte too many is a crash in any build. The reader is compared with a second one, written here, over a million random
 * headers.
 */
#include "rig/rig.h"

#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include <rte_ip.h>
#include <rte_tcp.h>

#include "proto/cksum.h"
#include "proto/tcp/tcp.h"

/* ck_assert writes a note to a file each time; in loops only failures may. */
#define MUST(cond) do { if (!(cond)) ck_abort_msg("%s", #cond); } while (0)

#define POOL 256
#define ALL_OPTS (TCP_OPT_MSS | TCP_OPT_WS | TCP_OPT_SACK_PERM | TCP_OPT_TS)

static struct mr_stack *stack;
static struct mr_nic *nic;
static struct mr_netep local;
static struct mr_route route;
static uint8_t *page_end; /* mapped before, unmapped from here on */

static void
route_set(bool v6)
{
	route.remote = rig_addr(v6 ? "fd00::2" : "10.0.0.2");
	local.addr = rig_addr(v6 ? "fd00::1" : "10.0.0.1");
	route.addr_sum = mr_cksum_phdr(&local.addr, &route.remote, 0, 0);
}

static void
setup(void)
{
	struct mr_stack_opts opts = {.name = "hdr", .seed = 1, .rx_mbufs = POOL, .tx_mbufs = POOL, .max_conns = 4};
	size_t page = (size_t)sysconf(_SC_PAGESIZE);
	uint8_t *p = mmap(NULL, 2 * page, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	ck_assert_ptr_ne(p, MAP_FAILED);
	page_end = p + page;
	ck_assert_int_eq(mprotect(page_end, page, PROT_NONE), 0);
	ck_assert_int_eq(mr_stack_create(&opts, &stack), 0);
	nic = calloc(1, sizeof(*nic));
	ck_assert_ptr_nonnull(nic);
	local = (struct mr_netep){.nic = nic};
	route = (struct mr_route){.local = &local};
	route_set(false);
}

static void
teardown(void)
{
	ck_assert_uint_eq(rte_mempool_avail_count(stack->rx_pool), POOL);
	ck_assert_uint_eq(mr_stash_avail(&stack->tx_stash), POOL);
	mr_stack_destroy(stack);
	ck_assert_uint_eq(rig_leaks(), 0);
	free(nic);
}

/* ---- out */

/* A segment as it leaves, with `len` bytes of pattern in segments of seg_bytes (0: one). */
static struct rte_mbuf *
push(const struct tcp_tx *tx, uint32_t len, uint32_t seg_bytes)
{
	struct rte_mbuf *m = mr_stack_tx_alloc(stack);

	MUST(m != NULL);
	for (uint32_t at = 0; at < len;) {
		uint32_t n = seg_bytes ? RTE_MIN(seg_bytes, len - at) : len;
		struct rte_mbuf *seg = at ? mr_stack_tx_alloc(stack) : m;

		MUST(seg != NULL);
		rig_pattern_fill(rte_pktmbuf_append(seg, (uint16_t)n), at, n);
		if (seg != m)
			MUST(rte_pktmbuf_chain(m, seg) == 0);
		at += n;
	}
	tcp_hdr_push(m, tx, &route);
	return m;
}

static const struct tcp_tx sample = {
	.sport_be = RTE_BE16(0x1234),
	.dport_be = RTE_BE16(0x5678),
	.seq = 0xfffffff0,
	.ack = 0x80000001,
	.wnd = 0xfedc,
	.tsval = 0xa1a2a3a4,
	.tsecr = 0xb1b2b3b4,
	.mss = 0x05b4,
	.wscale = 7,
};

START_TEST(fields_are_where_they_belong)
{
	static const uint8_t expected[] = {
		0x12, 0x34, 0x56, 0x78, 0xff, 0xff, 0xff, 0xf0, 0x80, 0x00, 0x00, 0x01, 0x50, 0x12, 0xfe, 0xdc,
	};
	struct tcp_tx tx = sample;
	struct rte_mbuf *m;
	const uint8_t *b;

	tx.flags = TCP_SYN | TCP_ACK;
	m = push(&tx, 0, 0);
	b = rte_pktmbuf_mtod(m, const uint8_t *);
	ck_assert_uint_eq(m->pkt_len, TCP_HDR_BYTES);
	ck_assert_mem_eq(b, expected, sizeof(expected));
	ck_assert_uint_eq(b[18] | b[19], 0); /* urgent pointer */
	rte_pktmbuf_free(m);
	for (unsigned flags = 0; flags < 256; flags++) {
		tx.flags = (uint8_t)flags;
		m = push(&tx, 0, 0);
		MUST(rte_pktmbuf_mtod(m, const uint8_t *)[13] == flags);
		rte_pktmbuf_free(m);
	}
}
END_TEST

/* The bytes of each set of options: what every middlebox has seen, all values on 4-byte boundaries. MUST-69: no header
 * ends in anything but options, so there is nothing to pad. MUST-14: the MSS option as such. */
START_TEST(every_set_of_options)
{
	for (unsigned opts = 0; opts <= ALL_OPTS; opts++) {
		bool sack = opts & TCP_OPT_SACK_PERM, ts = opts & TCP_OPT_TS;
		uint8_t expected[40];
		unsigned n = 0;
		struct tcp_tx tx = sample;
		struct rte_mbuf *m;

		tx.opts = (uint8_t)opts;
		tx.flags = TCP_SYN;
		if (opts & TCP_OPT_MSS)
			memcpy(expected, "\x02\x04\x05\xb4", 4), n += 4;
		if (sack && ts)
			memcpy(expected + n, "\x04\x02", 2), n += 2;
		else if (ts)
			memcpy(expected + n, "\x01\x01", 2), n += 2;
		else if (sack)
			memcpy(expected + n, "\x01\x01\x04\x02", 4), n += 4;
		if (ts)
			memcpy(expected + n, "\x08\x0a\xa1\xa2\xa3\xa4\xb1\xb2\xb3\xb4", 10), n += 10;
		if (opts & TCP_OPT_WS)
			memcpy(expected + n, "\x01\x03\x03\x07", 4), n += 4;
		ck_assert_uint_eq(tcp_hdr_bytes(&tx), TCP_HDR_BYTES + n);
		ck_assert_uint_le(TCP_HDR_BYTES + n, TCP_MAX_HDR_BYTES);
		m = push(&tx, 0, 0);
		ck_assert_uint_eq(m->pkt_len, TCP_HDR_BYTES + n);
		ck_assert_uint_eq(rte_pktmbuf_mtod(m, const uint8_t *)[12], (TCP_HDR_BYTES + n) << 2);
		if (n > 0)
			ck_assert_mem_eq(rte_pktmbuf_mtod(m, const uint8_t *) + TCP_HDR_BYTES, expected, n);
		rte_pktmbuf_free(m);
	}
}
END_TEST

/* DPDK's own checksum of the same packet, made contiguous behind a network header. */
static bool
cksum_ok(const struct rte_mbuf *m, bool v6)
{
	static uint8_t b[40 + 4096];
	struct rte_ipv4_hdr *h4 = (struct rte_ipv4_hdr *)b;
	struct rte_ipv6_hdr *h6 = (struct rte_ipv6_hdr *)b;
	uint8_t *l4 = b + (v6 ? 40 : 20);

	memset(b, 0, 40);
	if (v6) {
		h6->proto = IPPROTO_TCP;
		h6->payload_len = rte_cpu_to_be_16((uint16_t)m->pkt_len);
		memcpy(h6->src_addr, local.addr.b, 16);
		memcpy(h6->dst_addr, route.remote.b, 16);
	} else {
		h4->version_ihl = 0x45;
		h4->next_proto_id = IPPROTO_TCP;
		h4->total_length = rte_cpu_to_be_16((uint16_t)(20 + m->pkt_len));
		memcpy(&h4->src_addr, local.addr.b + 12, 4);
		memcpy(&h4->dst_addr, route.remote.b + 12, 4);
	}
	for (uint32_t at = 0; m; at += m->data_len, m = m->next)
		memcpy(l4 + at, rte_pktmbuf_mtod(m, const void *), m->data_len);
	return (v6 ? rte_ipv6_udptcp_cksum_verify(h6, l4) : rte_ipv4_udptcp_cksum_verify(h4, l4)) == 0;
}

/* Fast Open's option behind all others, of any length that a cookie may have, padded by NOPs: it fits. */
START_TEST(fastopen_option)
{
	static const uint8_t cookie[TCP_FO_COOKIE_MAX] = "0123456789abcdef";

	for (unsigned n = 0; n <= sizeof(cookie); n += n ? 2 : 4) {
		struct tcp_tx tx = sample;
		struct rte_mbuf *m;
		const uint8_t *o;

		tx.flags = TCP_SYN;
		tx.opts = ALL_OPTS | TCP_OPT_FO;
		tx.fo = n ? cookie : NULL;
		tx.fo_len = (uint8_t)n;
		m = push(&tx, 0, 0);
		ck_assert_uint_eq(m->pkt_len, TCP_HDR_BYTES + 20 + RTE_ALIGN_CEIL(2 + n, 4u));
		ck_assert_uint_le(m->pkt_len, TCP_MAX_HDR_BYTES);
		o = rte_pktmbuf_mtod(m, const uint8_t *) + TCP_HDR_BYTES + 20;
		ck_assert(o[0] == 34 && o[1] == 2 + n && memcmp(o + 2, cookie, n) == 0);
		for (unsigned k = 2 + n; k < RTE_ALIGN_CEIL(2 + n, 4u); k++)
			ck_assert_uint_eq(o[k], 1);
		rte_pktmbuf_free(m);
	}
}
END_TEST

START_TEST(checksum)
{
	static const uint32_t lens[] = {0, 1, 2, 3, 7, 8, 63, 64, 65, 1447, 1448, 1460};
	static const uint32_t segs[] = {0, 1, 3, 8, 501};

	route_set(_i);
	for (unsigned i = 0; i < RTE_DIM(lens); i++) {
		for (unsigned j = 0; j < RTE_DIM(segs); j++) {
			struct tcp_tx tx = sample;
			struct rte_mbuf *m;

			if (segs[j] && lens[i] / segs[j] > POOL - 2)
				continue;
			tx.opts = lens[i] & 1 ? ALL_OPTS : TCP_OPT_TS;
			tx.seq += i * 12345 + j;
			m = push(&tx, lens[i], segs[j]);
			MUST(cksum_ok(m, _i));
			MUST(m->ol_flags == 0);
			rte_pktmbuf_mtod(m, uint8_t *)[5] ^= 1;
			MUST(!cksum_ok(m, _i));
			rte_pktmbuf_free(m);
		}
	}
}
END_TEST

/* A link that sums gets the pseudo-header's sum and the flags it wants; the loop gets no sum at all. */
START_TEST(checksum_left_to_others)
{
	struct rte_ipv4_hdr ip = {.version_ihl = 0x45, .next_proto_id = IPPROTO_TCP, .total_length = RTE_BE16(20 + 32 + 100)};
	struct tcp_tx tx = sample;
	struct rte_mbuf *m;

	tx.opts = TCP_OPT_TS;
	nic->caps = MR_LINK_CAP_TX_TCP_CKSUM;
	m = push(&tx, 100, 0);
	memcpy(&ip.src_addr, local.addr.b + 12, 4);
	memcpy(&ip.dst_addr, route.remote.b + 12, 4);
	ck_assert_uint_eq(m->ol_flags, RTE_MBUF_F_TX_TCP_CKSUM | RTE_MBUF_F_TX_IPV4);
	ck_assert_uint_eq(m->l4_len, 32);
	ck_assert_uint_eq(rte_pktmbuf_mtod(m, struct rte_tcp_hdr *)->cksum, rte_ipv4_phdr_cksum(&ip, 0));
	rte_pktmbuf_free(m);
	route.flags = MR_ROUTE_F_LOCAL;
	m = push(&tx, 100, 0);
	ck_assert_uint_eq(m->ol_flags, 0);
	rte_pktmbuf_free(m);
}
END_TEST

/* ---- out and in */

/* Take what was pushed for a packet from the network, through the protocol's own check. */
static bool
parse(struct rte_mbuf *m)
{
	struct mr_transproto *tp = mr_stack_transproto(stack, MR_TRANS_TCP);
	struct mr_pkt *p = mr_pkt(m);

	mr_pkt_init(m);
	p->trans_off = m->data_off;
	p->trans_len = (uint16_t)m->pkt_len;
	p->phdr_sum = mr_cksum_phdr(&local.addr, &route.remote, MR_TRANS_TCP, m->pkt_len);
	return tp->ops->parse(tp, &m, 1) == 1;
}

/* T93-13: reserved bits are written as zero, and mean nothing when they are read. */
START_TEST(reserved_bits_mean_nothing)
{
	struct tcp_tx tx = sample;
	struct rte_mbuf *m;
	struct rte_tcp_hdr *h;
	struct tcp_rx rx;
	uint32_t sum;

	tx.opts = TCP_OPT_TS;
	tx.flags = TCP_ACK | TCP_PSH;
	m = push(&tx, 100, 0);
	h = rte_pktmbuf_mtod(m, struct rte_tcp_hdr *);
	ck_assert_uint_eq(h->data_off & 15, 0);
	h->data_off |= 15;
	sum = (uint16_t)~rte_be_to_cpu_16(h->cksum) + 0x0f00u;
	h->cksum = rte_cpu_to_be_16((uint16_t) ~(sum + (sum >> 16)));
	ck_assert(parse(m));
	tcp_hdr_pull(m, &rx);
	ck_assert(rx.len == 100 && rx.flags == tx.flags && rx.opts == TCP_OPT_TS && rx.tsval == tx.tsval);
	rte_pktmbuf_free(m);
}
END_TEST

START_TEST(what_was_written_is_read)
{
	static const uint32_t lens[] = {0, 1, 1460};

	route_set(_i & 1);
	for (unsigned opts = 0; opts <= ALL_OPTS; opts++) {
		for (unsigned i = 0; i < 2 * RTE_DIM(lens); i++) {
			bool syn = i & 1;
			uint32_t len = lens[i / 2];
			struct tcp_tx tx = sample;
			struct rte_mbuf *m;
			struct tcp_rx rx;
			uint8_t b[1460];

			tx.opts = (uint8_t)opts;
			tx.flags = syn ? TCP_SYN : TCP_ACK | TCP_PSH;
			m = push(&tx, len, _i & 2 ? 700 : 0);
			MUST(parse(m));
			memset(&rx, 0xa5, sizeof(rx));
			tcp_hdr_pull(m, &rx);
			MUST(rx.m == m && rx.len == len && m->pkt_len == len);
			MUST(rx.seq == tx.seq && rx.ack == tx.ack && rx.wnd == tx.wnd && rx.flags == tx.flags);
			MUST(rx.opts == (syn ? opts : opts & TCP_OPT_TS));
			MUST(rx.mss == (rx.opts & TCP_OPT_MSS ? tx.mss : 0));
			MUST(rx.wscale == (rx.opts & TCP_OPT_WS ? tx.wscale : 0));
			MUST(rx.tsval == (rx.opts & TCP_OPT_TS ? tx.tsval : 0));
			MUST(rx.tsecr == (rx.opts & TCP_OPT_TS ? tx.tsecr : 0));
			if (len)
				MUST(rig_pattern_check(rte_pktmbuf_read(m, 0, len, b), 0, len) == len);
			rte_pktmbuf_free(m);
		}
	}
}
END_TEST

/* ---- in */

/* Read `n` option bytes (padded with NOP to a multiple of 4) behind a header that ends where the memory does. */
static struct tcp_rx
pull(uint8_t flags, const void *opts, unsigned n)
{
	static struct rte_mbuf *m;
	unsigned hdr = TCP_HDR_BYTES + (n + 3) / 4 * 4;
	struct rte_tcp_hdr *h = (struct rte_tcp_hdr *)(page_end - hdr);
	struct tcp_rx rx;
	struct mr_pkt *p;
	void *buf;

	MUST(hdr <= TCP_MAX_HDR_BYTES);
	m = rte_pktmbuf_alloc(stack->rx_pool);
	MUST(m != NULL);
	p = mr_pkt(m);
	*h = (struct rte_tcp_hdr){.data_off = (uint8_t)(hdr << 2), .tcp_flags = flags, .rx_win = RTE_BE16(1000)};
	memset(h + 1, 1, hdr - TCP_HDR_BYTES);
	memcpy(h + 1, opts, n);
	p->trans_hdr_len = (uint8_t)hdr;
	p->trans_len = (uint16_t)hdr;
	p->tcp_flags = flags;
	buf = m->buf_addr;
	m->buf_addr = h;
	m->data_off = 0;
	m->data_len = (uint16_t)hdr;
	m->pkt_len = hdr;
	memset(&rx, 0xa5, sizeof(rx));
	tcp_hdr_pull(m, &rx);
	MUST(m->pkt_len == 0 && rx.len == 0);
	m->buf_addr = buf;
	rte_pktmbuf_free(m);
	rx.m = NULL;
	return rx;
}

#define PULL(flags, text) pull(flags, text, sizeof(text) - 1)
#define MSS_1460 "\x02\x04\x05\xb4"
#define TS_1_2 "\x08\x0a\x00\x00\x00\x01\x00\x00\x00\x02"

static void
expect(struct tcp_rx rx, uint8_t opts, uint16_t mss, uint8_t wscale, uint32_t tsval, uint32_t tsecr)
{
	ck_assert_uint_eq(rx.opts, opts);
	ck_assert_uint_eq(rx.mss, mss);
	ck_assert_uint_eq(rx.wscale, wscale);
	ck_assert_uint_eq(rx.tsval, tsval);
	ck_assert_uint_eq(rx.tsecr, tsecr);
}

static void
expect_mss(struct tcp_rx rx, uint16_t mss)
{
	expect(rx, mss ? TCP_OPT_MSS : 0, mss, 0, 0, 0);
}

/* MUST-4: end of list, no-operation, maximum segment size. MUST-69: what follows the end of the list is padding. */
START_TEST(must_4_basic_options)
{
	expect_mss(PULL(TCP_SYN, ""), 0);
	expect_mss(PULL(TCP_SYN, MSS_1460), 1460);
	expect_mss(PULL(TCP_SYN, "\1\1\1\1"), 0);
	expect_mss(PULL(TCP_SYN, "\1\1\1\1" MSS_1460), 1460);
	expect_mss(PULL(TCP_SYN, "\0\0\0\0"), 0);
	expect_mss(PULL(TCP_SYN, MSS_1460 "\0\0\0\0"), 1460);
	expect_mss(PULL(TCP_SYN, "\0\1\1\1" MSS_1460), 0);
	expect_mss(PULL(TCP_SYN, MSS_1460 "\0\2\4\0"), 1460);
	expect_mss(PULL(TCP_SYN | TCP_ACK, MSS_1460), 1460);
}
END_TEST

/* What Linux, BSD and Windows send. */
START_TEST(real_syns)
{
	expect(PULL(TCP_SYN, MSS_1460 "\4\2" TS_1_2 "\1\3\3\7"), ALL_OPTS, 1460, 7, 1, 2);
	expect(PULL(TCP_SYN, MSS_1460 "\1\3\3\6\4\2" TS_1_2), ALL_OPTS, 1460, 6, 1, 2);
	expect(PULL(TCP_SYN, MSS_1460 "\1\3\3\x08\1\1\4\2"), ALL_OPTS & ~TCP_OPT_TS, 1460, 8, 0, 0);
	expect(PULL(TCP_SYN, MSS_1460 "\1\3\3\6\1\1" TS_1_2 "\4\2\0\0"), ALL_OPTS, 1460, 6, 1, 2);
}
END_TEST

/* MUST-5: options in any segment. MSS, window scale and SACK-permitted mean something on a SYN only. */
START_TEST(must_5_any_segment)
{
	for (unsigned flags = 0; flags < 256; flags++) {
		struct tcp_rx rx = PULL((uint8_t)flags, MSS_1460 "\4\2" TS_1_2 "\1\3\3\7");

		MUST(rx.tsval == 1 && rx.tsecr == 2);
		MUST(rx.opts == (flags & TCP_SYN ? ALL_OPTS : TCP_OPT_TS));
		MUST(rx.mss == (flags & TCP_SYN ? 1460 : 0) && rx.wscale == (flags & TCP_SYN ? 7 : 0));
		MUST(rx.flags == flags && rx.wnd == 1000);
		rx = PULL((uint8_t)flags, "\1\1" TS_1_2);
		MUST(rx.opts == TCP_OPT_TS && rx.tsval == 1 && rx.tsecr == 2);
	}
}
END_TEST

/* MUST-6, MUST-68: an unknown option is passed over by its length, of whatever kind and length. */
START_TEST(must_6_unknown_options)
{
	for (unsigned kind = 5; kind < 256; kind++) {
		if (kind == 8 || kind == 34)
			continue;
		for (unsigned len = 2; len <= 36; len++) {
			uint8_t b[40];
			struct tcp_rx rx;

			memset(b, 2, sizeof(b)); /* inside it, what looks like MSS options of length 2 */
			b[0] = (uint8_t)kind;
			b[1] = (uint8_t)len;
			memcpy(b + len, MSS_1460, 4);
			rx = pull(TCP_SYN, b, len + 4);
			MUST(rx.opts == TCP_OPT_MSS && rx.mss == 1460);
		}
	}
}
END_TEST

/* MUST-7: an impossible length ends the reading; what came before it counts. Every kind that has a length. */
START_TEST(must_7_impossible_lengths)
{
	for (unsigned kind = 2; kind < 256; kind++) {
		for (unsigned len = 0; len < 256; len++) {
			uint8_t b[16] = MSS_1460 "\0\0\x08\x0a\0\0\0\1\0\0\0\2";
			struct tcp_rx rx;

			if (len >= 2 && len <= 12)
				continue;
			b[4] = (uint8_t)kind;
			b[5] = (uint8_t)len;
			rx = pull(TCP_SYN, b, sizeof(b));
			MUST(rx.opts == TCP_OPT_MSS && rx.mss == 1460);
		}
	}
	expect_mss(PULL(TCP_SYN, MSS_1460 "\1\1\1\2"), 1460); /* a kind without a length */
	expect_mss(PULL(TCP_SYN, MSS_1460 "\1\1\1\x08"), 1460);
	expect_mss(PULL(TCP_SYN, "\1\1\2\4"), 0);
	expect_mss(PULL(TCP_SYN, "\1\2\4\5"), 0);
	expect(PULL(TCP_ACK, "\1\1\1\x08\x0a\0\0\0\1\0\0\0"), 0, 0, 0, 0, 0);
	expect(PULL(TCP_ACK, "\1\1\x08\x0b\0\0\0\1\0\0\0\2"), 0, 0, 0, 0, 0);
}
END_TEST

/* Case 26: known options of a wrong but possible length are passed over, the reading goes on. */
START_TEST(wrong_lengths_are_passed_over)
{
	expect(PULL(TCP_SYN, "\3\4\7\7" MSS_1460), TCP_OPT_MSS, 1460, 0, 0, 0);
	expect(PULL(TCP_SYN, "\3\2" MSS_1460), TCP_OPT_MSS, 1460, 0, 0, 0);
	expect(PULL(TCP_SYN, "\2\3\5\3\3\7"), TCP_OPT_WS, 0, 7, 0, 0);
	expect(PULL(TCP_SYN, "\2\5\5\xb4\0\3\3\7"), TCP_OPT_WS, 0, 7, 0, 0);
	expect(PULL(TCP_SYN, "\2\2\3\3\7"), TCP_OPT_WS, 0, 7, 0, 0);
	expect(PULL(TCP_SYN, "\4\3\0" MSS_1460), TCP_OPT_MSS, 1460, 0, 0, 0);
	expect(PULL(TCP_SYN, "\x08\x09\0\0\0\1\0\0\0" MSS_1460), TCP_OPT_MSS, 1460, 0, 0, 0);
	expect(PULL(TCP_SYN, "\x08\x0b\0\0\0\1\0\0\0\2\0" MSS_1460), TCP_OPT_MSS, 1460, 0, 0, 0);
	expect(PULL(TCP_SYN, "\x08\2" MSS_1460), TCP_OPT_MSS, 1460, 0, 0, 0);
	expect(PULL(TCP_SYN, "\5\x09\1\1\1\1\1\1\1" MSS_1460), TCP_OPT_MSS, 1460, 0, 0, 0); /* SACK of 9 */
	expect(PULL(TCP_ACK, "\5\x09\1\1\1\1\1\1\1" TS_1_2), TCP_OPT_TS, 0, 0, 1, 2);
}
END_TEST

/* Case 26: of options that come twice the last good one counts. */
START_TEST(last_duplicate_wins)
{
	expect_mss(PULL(TCP_SYN, MSS_1460 "\2\4\2\x18"), 536);
	expect_mss(PULL(TCP_SYN, MSS_1460 "\2\4\0\0"), 1460);
	expect_mss(PULL(TCP_SYN, "\2\4\0\0" MSS_1460), 1460);
	expect(PULL(TCP_SYN, "\3\3\7\3\3\x63"), TCP_OPT_WS, 0, 14, 0, 0);
	expect(PULL(TCP_SYN, "\3\3\7\3\3\2"), TCP_OPT_WS, 0, 2, 0, 0);
	expect(PULL(TCP_SYN, "\4\2\4\2"), TCP_OPT_SACK_PERM, 0, 0, 0, 0);
	expect(PULL(TCP_ACK, TS_1_2 "\x08\x0a\0\0\0\3\0\0\0\4"), TCP_OPT_TS, 0, 0, 3, 4);
}
END_TEST

/* MUST-64: options on any byte boundary. */
START_TEST(must_64_any_alignment)
{
	static const char *const in_turn[] = {MSS_1460, "\3\3\7", "\4\2", TS_1_2};
	static const unsigned bytes[] = {4, 3, 2, 10};

	for (unsigned nops = 0; nops < 256; nops++) {
		uint8_t b[40];
		unsigned at = 0;

		for (unsigned i = 0; i < 4; i++) {
			for (unsigned k = nops >> (2 * i) & 3; k > 0; k--)
				b[at++] = 1;
			memcpy(b + at, in_turn[(i + nops) % 4], bytes[(i + nops) % 4]);
			at += bytes[(i + nops) % 4];
		}
		MUST(at <= sizeof(b));
		expect(pull(TCP_SYN, b, at), ALL_OPTS, 1460, 7, 1, 2);
	}
}
END_TEST

/* WS-03, case 27: a shift over 14 is used as 14. */
START_TEST(ws_03_large_shifts)
{
	for (unsigned shift = 0; shift < 256; shift++) {
		uint8_t b[3] = {3, 3, (uint8_t)shift};

		expect(pull(TCP_SYN, b, 3), TCP_OPT_WS, 0, shift > 14 ? 14 : (uint8_t)shift, 0, 0);
	}
}
END_TEST

/* Case 28: an MSS of 0 is none; others are read as they are and bounded where they are used (see small_mss). */
START_TEST(any_mss)
{
	for (unsigned mss = 0; mss < 65536; mss += mss < 100 ? 1 : 97) {
		uint8_t b[4] = {2, 4, (uint8_t)(mss >> 8), (uint8_t)mss};
		struct tcp_rx rx = pull(TCP_SYN, b, 4);

		MUST(rx.mss == mss && rx.opts == (mss ? TCP_OPT_MSS : 0));
	}
	expect_mss(PULL(TCP_SYN, "\2\4\xff\xff"), 65535);
}
END_TEST

/* ---- random bytes against a second reader */

static struct tcp_rx
reader(uint8_t flags, const uint8_t *b, unsigned n)
{
	struct tcp_rx rx = {.flags = flags};
	unsigned at = 0;

	while (at < n && b[at] != 0) {
		unsigned kind = b[at], len = at + 1 < n ? b[at + 1] : 0;
		const uint8_t *v = b + at + 2;

		if (kind == 1) {
			at++;
			continue;
		}
		if (len < 2 || at + len > n)
			break;
		at += len;
		if (kind == 8 && len == 10) {
			rx.opts |= TCP_OPT_TS;
			rx.tsval = (uint32_t)v[0] << 24 | (uint32_t)v[1] << 16 | (uint32_t)v[2] << 8 | v[3];
			rx.tsecr = (uint32_t)v[4] << 24 | (uint32_t)v[5] << 16 | (uint32_t)v[6] << 8 | v[7];
		}
		if (!(flags & TCP_SYN))
			continue;
		if (kind == 2 && len == 4 && v[0] * 256 + v[1] > 0) {
			rx.opts |= TCP_OPT_MSS;
			rx.mss = (uint16_t)(v[0] * 256 + v[1]);
		} else if (kind == 3 && len == 3) {
			rx.opts |= TCP_OPT_WS;
			rx.wscale = RTE_MIN(v[0], 14);
		} else if (kind == 4 && len == 2) {
			rx.opts |= TCP_OPT_SACK_PERM;
		} else if (kind == 34 && len % 2 == 0 && (len == 2 || len >= 6) && len <= 18) {
			rx.opts |= TCP_OPT_FO;
			rx.fo = v;
			rx.fo_len = (uint8_t)(len - 2);
		}
	}
	return rx;
}

/* Bytes that are likely to be kinds and lengths. */
static uint8_t
option_byte(struct mr_rng *r)
{
	static const uint8_t bytes[] = {0, 1, 1, 1, 2, 2, 3, 3, 4, 4, 5, 8, 8, 10, 10, 30, 34};

	return mr_rng_below(r, 8) == 0 ? (uint8_t)mr_rng_u32(r) : bytes[mr_rng_below(r, sizeof(bytes))];
}

START_TEST(random_options)
{
	unsigned seen[6] = {0};
	struct mr_rng r;

	mr_rng_seed(&r, (uint64_t)_i + 1);
	for (int i = 0; i < 250000; i++) {
		unsigned n = 4 * mr_rng_below(&r, 11);
		uint8_t b[40], flags = (uint8_t)mr_rng_u32(&r);
		struct tcp_rx got, want;

		for (unsigned k = 0; k < n; k++)
			b[k] = option_byte(&r);
		got = pull(flags, b, n);
		want = reader(flags, b, n);
		MUST(got.opts == want.opts && got.mss == want.mss && got.wscale == want.wscale);
		MUST(got.tsval == want.tsval && got.tsecr == want.tsecr);
		if (got.opts & TCP_OPT_FO)
			MUST(got.fo_len == want.fo_len && memcmp(got.fo, want.fo, got.fo_len) == 0);
		for (unsigned k = 0; k < 6; k++)
			seen[k] += got.opts >> k & 1;
	}
	for (unsigned k = 0; k < 6; k++)
		ck_assert_msg(k == 4 ? seen[k] == 0 : seen[k] > 1000, "option %u: %u times", k, seen[k]); /* SACK has no bit */
}
END_TEST

/* ---- what a listener makes of it */

/* Case 28: the smallest segments of data are 48 bytes (36 with timestamps), whatever the peer offers; 0 is none. */
START_TEST(small_mss)
{
	static const struct {
		uint16_t offered, segment;
	} cases[] = {{0, 536}, {1, 48}, {8, 48}, {48, 48}, {49, 49}, {536, 536}, {65535, 1460}};
	struct mr_sockaddr at = {.port = 80};
	uint8_t opts[4] = {2, 4, (uint8_t)(cases[_i].offered >> 8), (uint8_t)cases[_i].offered};
	struct mr_ep *listener, *ep;
	const struct rig_frame *f;
	struct rig rig;

	rig_init(&rig, NULL);
	ck_assert_int_eq(mr_ep_create(rig.stack, MR_TRANS_TCP, MR_NET_IPV4, &listener), 0);
	ck_assert_int_eq(mr_ep_bind(listener, &at), 0);
	ck_assert_int_eq(mr_ep_listen(listener, 1), 0);
	rig_push_tcphdr(&rig, .seq = 99, .flags = RIG_SYN, .wnd = 65535, .opts = opts, .opts_len = 4);
	f = rig_expect(&rig, RIG_TCP);
	ck_assert_uint_eq(f->flags, RIG_SYN | RIG_ACK);
	ck_assert(f->has_mss);
	ck_assert_uint_eq(f->mss, 1460); /* MUST-67: what we can take, not what the peer can */
	rig_push_tcphdr(&rig, .seq = 100, .ack = f->seq + 1, .flags = RIG_ACK, .wnd = 65535);
	rig_poll(&rig);
	ck_assert_int_eq(mr_ep_accept(listener, &ep), 0);
	ck_assert_int_eq(rig_ep_send(ep, 0, 3000), 3000);
	f = rig_expect(&rig, RIG_TCP);
	ck_assert_uint_eq(f->payload_len, cases[_i].segment);
	ck_assert_uint_eq(f->opts_len, 0); /* MUST-65: no MSS option but on a SYN */
	mr_ep_abort(ep);
	mr_ep_close(listener);
	rig_poll(&rig);
	rig_fini(&rig);
}
END_TEST

static Suite *
suite(void)
{
	Suite *s = suite_create("tcp_hdr");
	TCase *t = rig_case(s, "out", setup, teardown);

	tcase_add_test(t, fields_are_where_they_belong);
	tcase_add_test(t, every_set_of_options);
	tcase_add_test(t, fastopen_option);
	tcase_add_loop_test(t, checksum, 0, 2);
	tcase_add_test(t, checksum_left_to_others);
	tcase_add_test(t, reserved_bits_mean_nothing);
	tcase_add_loop_test(t, what_was_written_is_read, 0, 4);
	t = rig_case(s, "in", setup, teardown);
	tcase_add_test(t, must_4_basic_options);
	tcase_add_test(t, real_syns);
	tcase_add_test(t, must_5_any_segment);
	tcase_add_test(t, must_6_unknown_options);
	tcase_add_test(t, must_7_impossible_lengths);
	tcase_add_test(t, wrong_lengths_are_passed_over);
	tcase_add_test(t, last_duplicate_wins);
	tcase_add_test(t, must_64_any_alignment);
	tcase_add_test(t, ws_03_large_shifts);
	tcase_add_test(t, any_mss);
	t = rig_case(s, "random", setup, teardown);
	tcase_set_timeout(t, 120);
	tcase_add_loop_test(t, random_options, 0, 4);
	t = rig_case(s, "listener", NULL, NULL);
	tcase_add_loop_test(t, small_mss, 0, 7);
	return s;
}

RIG_MAIN(suite)
