/* SPDX-License-Identifier: Apache-2.0 */
/*
 * TCP's options as others write them. Their bytes are read from headers that end at an unmapped page, so a byte too many
 * is a crash in any build. The reader is compared with a second one, written here, over a million random headers.
 */
#include "tcp_hdr.h"

#include <sys/mman.h>
#include <unistd.h>

static uint8_t *page_end; /* mapped before, unmapped from here on */

static void
setup(void)
{
	size_t page = (size_t)sysconf(_SC_PAGESIZE);
	uint8_t *p = mmap(NULL, 2 * page, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	ck_assert_ptr_ne(p, MAP_FAILED);
	page_end = p + page;
	ck_assert_int_eq(mprotect(page_end, page, PROT_NONE), 0);
	hdr_setup();
}

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
	Suite *s = suite_create("tcp_hdr_options");
	TCase *t = rig_case(s, "in", setup, hdr_teardown);

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
	t = rig_case(s, "random", setup, hdr_teardown);
	tcase_set_timeout(t, 120);
	tcase_add_loop_test(t, random_options, 0, 4);
	t = rig_case(s, "listener", NULL, NULL);
	tcase_add_loop_test(t, small_mss, 0, 7);
	return s;
}

RIG_MAIN(suite)
