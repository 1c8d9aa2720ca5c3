/* SPDX-License-Identifier: Apache-2.0 */
/*
 * TCP's header and options as they are written: where the fields are, which bytes the options, and the checksum. For the
 * options of others see test_tcp_hdr_options.c.
 */
#include "tcp_hdr.h"

#include <stdlib.h>

#include <rte_ip.h>

#include "proto/cksum.h"

static struct mr_nic *nic;
static struct mr_netep local;
static struct mr_route route;

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
	hdr_setup();
	nic = calloc(1, sizeof(*nic));
	ck_assert_ptr_nonnull(nic);
	local = (struct mr_netep){.nic = nic};
	route = (struct mr_route){.local = &local};
	route_set(false);
}

static void
teardown(void)
{
	hdr_teardown();
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
	return s;
}

RIG_MAIN(suite)
