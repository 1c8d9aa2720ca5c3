/* SPDX-License-Identifier: Apache-2.0 */
/*
 * TCP's reassembly alone (reasm.c): pieces in any order, overlapping, bounded. The random tests compare with an array that
 * remembers which bytes have arrived.
 */
#include <string.h>

#include "proto/tcp/tcp.h"
#include "stack/rng.h"
#include "rcvq.h"

#define STREAM 8192

static void
insert(uint32_t off, uint32_t len)
{
	insert_chain(off, len, 0);
}

static void
expect_no_drop(void)
{
	ck_assert_uint_eq(dropped(MR_DROP_TCP_DUPLICATE) + dropped(MR_DROP_TCP_OOO_FULL) + dropped(MR_DROP_TCP_NO_MEMORY), 0);
}

/* ---- out of order */

START_TEST(pieces_are_sorted)
{
	insert(300, 10);
	insert(100, 10);
	insert(200, 10);
	insert(400, 10);
	insert(50, 10);
	ck_assert_str_eq(pieces(), "50-60 100-110 200-210 300-310 400-410");
	ck_assert_uint_eq(stack->counters[MR_CNT_TCP_OOO_SEGMENTS], 5);
	expect_no_drop();
}
END_TEST

/* Small pieces are copied behind the one they follow; large ones, and what comes before, are not. */
START_TEST(adjoining_pieces)
{
	insert(110, 10);
	insert(100, 10);
	insert(120, 10);
	insert(130, 600);
	insert(730, 10);
	ck_assert_str_eq(pieces(), "100-110 110-130 130-740");
	ck_assert_uint_eq(stack->rx_held, 3);
	expect_no_drop();
}
END_TEST

/* All ways in which a piece can lie over 100-110 and 120-130. */
START_TEST(overlap)
{
	static const struct {
		uint32_t from, to;
		const char *result;
		bool duplicate;
	} cases[] = {
		{100, 110, "100-110 120-130", true},
		{100, 105, "100-110 120-130", true},
		{103, 107, "100-110 120-130", true},
		{105, 110, "100-110 120-130", true},
		{120, 130, "100-110 120-130", true},
		{95, 101, "95-101 101-110 120-130", false},
		{95, 109, "95-109 109-110 120-130", false},
		{95, 110, "95-110 120-130", false},
		{95, 115, "95-115 120-130", false},
		{95, 120, "95-120 120-130", false},
		{95, 121, "95-121 121-130", false},
		{95, 130, "95-130", false},
		{95, 140, "95-140", false},
		{100, 115, "100-115 120-130", false},
		{109, 115, "100-115 120-130", false},
		{109, 125, "100-125 125-130", false},
		{110, 120, "100-120 120-130", false},
		{110, 130, "100-130", false},
		{105, 135, "100-135", false},
		{115, 125, "100-110 115-125 125-130", false},
		{120, 131, "100-110 120-131", false},
		{129, 140, "100-110 120-140", false},
	};

	for (unsigned i = 0; i < RTE_DIM(cases); i++) {
		uint64_t before = dropped(MR_DROP_TCP_DUPLICATE);

		insert(100, 10);
		insert(120, 10);
		insert(cases[i].from, cases[i].to - cases[i].from);
		ck_assert_str_eq(pieces(), cases[i].result);
		ck_assert_uint_eq(dropped(MR_DROP_TCP_DUPLICATE) - before, cases[i].duplicate);
		tcp_rcvq_free(c);
	}
}
END_TEST

START_TEST(hole_is_filled)
{
	insert(2000, 1000);
	insert(1000, 1000);
	insert(4000, 1000);
	ck_assert_uint_eq(advance(), 0);
	append(1000);
	ck_assert_uint_eq(advance(), 2000);
	ck_assert_uint_eq(c->rcv_nxt, FIRST + 3000);
	ck_assert_str_eq(pieces(), "4000-5000");
	ck_assert_uint_eq(c->rcvq.ooo_bytes, 1000);
	append(1000);
	ck_assert_uint_eq(advance(), 1000);
	ck_assert_uint_eq(read_bytes(10000, false), 5000);
	ck_assert_uint_eq(stack->rx_held, 0);
}
END_TEST

/* What filled the hole was longer than the hole. */
START_TEST(pieces_that_came_twice_are_cut_on_the_way)
{
	insert(1000, 500);
	insert(1500, 1000);
	append(1800);
	ck_assert_uint_eq(advance(), 700);
	ck_assert_ptr_null(c->rcvq.ooo);
	ck_assert_uint_eq(read_bytes(10000, false), 2500);
}
END_TEST

START_TEST(small_pieces_are_joined_on_the_way)
{
	for (uint32_t i = 99; i > 0; i--)
		insert(i, 1);
	ck_assert_uint_eq(stack->rx_held, 99);
	append(1);
	ck_assert_uint_eq(advance(), 99);
	ck_assert_uint_eq(stack->rx_held, 1);
	ck_assert_uint_eq(rte_mempool_avail_count(stack->rx_pool), POOL - 1);
	ck_assert_uint_eq(read_bytes(1000, false), 100);
}
END_TEST

/* SegmentSmack (CVE-2018-5390): bounded in pieces, and the segment that fills the hole is taken all the same. */
START_TEST(pieces_are_bounded)
{
	for (uint32_t i = 0; i < TCP_OOO_MAX_SEGS; i++)
		insert(2 + 2 * i, 1);
	ck_assert_uint_eq(c->rcvq.ooo_segs, TCP_OOO_MAX_SEGS);
	expect_no_drop();
	insert(1, 1);
	insert(2 + 2 * TCP_OOO_MAX_SEGS, 1);
	ck_assert_uint_eq(dropped(MR_DROP_TCP_OOO_FULL), 2);
	ck_assert_uint_eq(c->rcvq.ooo_segs, TCP_OOO_MAX_SEGS);
	append(2);
	ck_assert_uint_eq(advance(), 1);
	insert(2 + 2 * TCP_OOO_MAX_SEGS, 1);
	ck_assert_uint_eq(dropped(MR_DROP_TCP_OOO_FULL), 2);
	for (uint32_t i = 1; i < TCP_OOO_MAX_SEGS + 1; i++) {
		append(1);
		MUST(advance() == 1);
	}
	ck_assert_uint_eq(read_bytes(10000, false), 3 + 2 * TCP_OOO_MAX_SEGS);
}
END_TEST

/* a large window of full segments fits, whatever the number of segments. */
START_TEST(pieces_fill_a_large_buffer)
{
	uint32_t n;

	c->rcv_buf = 4 << 20;
	stack->rx_held_max = 2 * POOL;
	for (n = 0; n < 4000; n++)
		tcp_reasm_insert(c, packet(1000 + 1000 * n, 600, 0), FIRST + 1000 + 1000 * n);
	check_queue();
	expect_no_drop();
	ck_assert_uint_eq(c->rcvq.ooo_bytes, 600 * n);
	tcp_rcvq_free(c);
}
END_TEST

/* Nasty case 30, SK-14: to look for a place among too many blocks is refused; the blocks that grew last are found. */
START_TEST(search_is_bounded)
{
	c->rcv_buf = 4 << 20;
	for (uint32_t i = 0; i < 1500; i++)
		tcp_reasm_insert(c, packet(1000 + 20 * i, 10, 0), FIRST + 1000 + 20 * i);
	expect_no_drop();
	insert(1000 + 20 * 1200 + 10, 5);
	ck_assert_uint_eq(dropped(MR_DROP_TCP_OOO_FULL), 1);
	insert(1000 + 20 * 900 + 10, 5);
	insert(1000 + 20 * 1499 + 10, 5);
	ck_assert_uint_eq(dropped(MR_DROP_TCP_OOO_FULL), 1);
	tcp_rcvq_free(c);
}
END_TEST

/* At most half of the stack's budget, so that the segment that fills the hole finds a place. */
START_TEST(pieces_leave_half_of_the_memory)
{
	stack->rx_held_max = 10;
	for (uint32_t i = 0; i < 5; i++)
		insert(2000 + 1000 * i, 900);
	expect_no_drop();
	insert(10000, 900);
	ck_assert_uint_eq(dropped(MR_DROP_TCP_OOO_FULL), 1);
	ck_assert_uint_eq(rte_mempool_avail_count(stack->rx_pool), POOL - 5);
	ck_assert(append(1000));
	ck_assert(append(1000));
	ck_assert_uint_eq(advance(), 900);
	ck_assert_uint_eq(dropped(MR_DROP_TCP_NO_MEMORY), 0);
	ck_assert_str_eq(pieces(), "3000-3900 4000-4900 5000-5900 6000-6900");
}
END_TEST

/* ---- FIN, end */

START_TEST(freed_queue_is_empty)
{
	append(1000);
	insert(2000, 10);
	insert(3000, 10);
	c->rcvq.has_fin = true;
	c->rcvq.fin_seq = FIRST + 3010;
	tcp_rcvq_free(c);
	ck_assert(!c->rcvq.has_fin);
	ck_assert_ptr_null(c->rcvq.ooo);
	ck_assert_ptr_null(c->rcvq.in_order.head);
	ck_assert_uint_eq(c->rcvq.bytes + c->rcvq.ooo_bytes + c->rcvq.ooo_segs, 0);
	ck_assert_uint_eq(stack->rx_held, 0);
	tcp_rcvq_free(c);
}
END_TEST

/* An early FIN is the input's to act upon: data that comes in before it, and reading, leave it alone. */
START_TEST(early_fin_stays)
{
	insert(1000, 100);
	c->rcvq.has_fin = true;
	c->rcvq.fin_seq = FIRST + 1100;
	append(1000);
	ck_assert_uint_eq(advance(), 100);
	read_bytes(1100, false);
	ck_assert(c->rcvq.has_fin);
	ck_assert_uint_eq(c->rcvq.fin_seq, c->rcv_nxt);
}
END_TEST

/* ---- random pieces against a model */

static bool arrived[STREAM];

/* What input does with the text of a segment. */
static void
deliver(uint32_t off, uint32_t len, uint32_t seg_bytes)
{
	struct rte_mbuf *m = packet(off, len, seg_bytes);
	uint32_t nxt = c->rcv_nxt - FIRST;

	memset(arrived + off, 1, len);
	if (off + len <= nxt) {
		rte_pktmbuf_free(m);
		return;
	}
	if (off < nxt) {
		tcp_payload_trim_front(m, nxt - off);
		len -= nxt - off;
		off = nxt;
	}
	if (off != nxt) {
		tcp_reasm_insert(c, m, FIRST + off);
	} else {
		MUST(tcp_rcvq_append(c, m));
		c->rcv_nxt += len;
		if (c->rcvq.ooo)
			tcp_reasm_advance(c);
	}
	check_queue();
}

/* Every byte that has arrived is there, and no other. */
static void
check_model(void)
{
	uint32_t at = c->rcv_nxt - FIRST;

	for (uint32_t i = 0; i < at; i++)
		MUST(arrived[i]);
	MUST(at == STREAM || !arrived[at]);
	for (const struct rte_mbuf *m = c->rcvq.ooo; m; m = mr_pkt(m)->next) {
		uint32_t from = mr_pkt(m)->seq - FIRST;

		for (; at < from; at++)
			MUST(!arrived[at]);
		for (; at < from + m->pkt_len; at++)
			MUST(arrived[at]);
	}
	for (; at < STREAM; at++)
		MUST(!arrived[at]);
}

static void
read_some(struct mr_rng *r)
{
	struct rte_mbuf *m;

	switch (mr_rng_below(r, 4)) {
	case 0:
		read_bytes(mr_rng_below(r, 2000), false);
		break;
	case 1:
		read_bytes(mr_rng_below(r, 2000), true);
		break;
	case 2:
		m = tcp_rcvq_pop(c);
		if (m) {
			MUST(holds(m, n_read));
			n_read += m->pkt_len;
			rte_pktmbuf_free(m);
			check_queue();
		}
		break;
	default:
		break;
	}
}

/* Pieces anywhere, of any length up to `most`, until all of the stream is there. */
START_TEST(random_pieces)
{
	static const uint32_t most[] = {1, 3, 20, 100, 700, 1900};
	uint32_t longest = most[_i % 6], window = _i & 1 ? 2000 : 1000;
	struct mr_rng r;

	mr_rng_seed(&r, (uint64_t)_i + 100);
	memset(arrived, 0, sizeof(arrived));
	for (unsigned i = 0; c->rcv_nxt - FIRST < STREAM; i++) {
		uint32_t nxt = c->rcv_nxt - FIRST, from = nxt > 300 ? nxt - 300 : 0;
		uint32_t off = from + mr_rng_below(&r, RTE_MIN(window, STREAM - from));
		uint32_t len = 1 + mr_rng_below(&r, RTE_MIN(longest, STREAM - off));

		/* Long tails of luck are cut short: now and then the very byte that is missing. */
		deliver(i % 7 ? off : nxt, i % 7 ? len : 1, _i & 2 ? 0 : 1 + longest / 20 + mr_rng_below(&r, 50));
		if (i % 16 == 0)
			check_model();
		read_some(&r);
	}
	check_model();
	ck_assert_ptr_null(c->rcvq.ooo);
	ck_assert_ptr_null(c->rcvq.newest);
	read_bytes(STREAM, false);
	ck_assert_uint_eq(n_read, STREAM);
	ck_assert_uint_eq(dropped(MR_DROP_TCP_OOO_FULL), 0);
}
END_TEST

/* All of the stream in distinct pieces, in a random order. */
START_TEST(random_permutation)
{
	uint32_t from[STREAM], len[STREAM], n = 0;
	struct mr_rng r;

	mr_rng_seed(&r, (uint64_t)_i + 1000);
	memset(arrived, 0, sizeof(arrived));
	for (uint32_t at = 0; at < STREAM; at += len[n - 1]) {
		from[n] = at;
		len[n++] = RTE_MIN(1 + mr_rng_below(&r, 20 + 100 * (uint32_t)_i), STREAM - at);
	}
	ck_assert_uint_le(n, TCP_OOO_MAX_SEGS);
	for (uint32_t i = 0; i < n; i++) {
		uint32_t j = i + mr_rng_below(&r, n - i), f = from[j], l = len[j];

		from[j] = from[i];
		len[j] = len[i];
		deliver(f, l, 0);
	}
	check_model();
	read_bytes(STREAM, false);
	ck_assert_uint_eq(n_read, STREAM);
	ck_assert_uint_eq(stack->rx_held, 0);
}
END_TEST

static Suite *
suite(void)
{
	Suite *s = suite_create("tcp_reasm");
	TCase *t = rig_case(s, "out of order", setup, teardown);

	tcase_add_test(t, pieces_are_sorted);
	tcase_add_test(t, adjoining_pieces);
	tcase_add_test(t, overlap);
	tcase_add_test(t, hole_is_filled);
	tcase_add_test(t, pieces_that_came_twice_are_cut_on_the_way);
	tcase_add_test(t, small_pieces_are_joined_on_the_way);
	tcase_add_test(t, pieces_are_bounded);
	tcase_add_test(t, pieces_fill_a_large_buffer);
	tcase_add_test(t, search_is_bounded);
	tcase_add_test(t, pieces_leave_half_of_the_memory);
	tcase_add_test(t, freed_queue_is_empty);
	tcase_add_test(t, early_fin_stays);
	t = rig_case(s, "model", setup, teardown);
	tcase_set_timeout(t, 120);
	tcase_add_loop_test(t, random_pieces, 0, 24);
	tcase_add_loop_test(t, random_permutation, 0, 8);
	return s;
}

RIG_MAIN(suite)
