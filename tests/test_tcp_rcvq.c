/* SPDX-License-Identifier: Apache-2.0 */
/*
 * TCP's receive queue alone: a connection record and a packet pool, no stack around them. The stream is the pattern of
 * its offset and starts just below the wrap of the sequence numbers. check_queue states what must hold after any
 * operation; the random tests compare with an array that remembers which bytes have arrived.
 */
#include "rig/rig.h"

#include <stdlib.h>
#include <string.h>

#include "proto/tcp/tcp.h"
#include "stack/rng.h"

/* ck_assert writes a note to a file each time; in loops only failures may. */
#define MUST(cond) do { if (!(cond)) ck_abort_msg("%s", #cond); } while (0)

#define POOL 4096
#define DATA_BYTES 2048
#define FIRST 0xfffffc00u /* of the stream: 1024 below the wrap */
#define STREAM 8192

static struct mr_stack *stack;
static struct tcp_conn *c;
static uint32_t n_read; /* of the stream, by the application */

static void
setup(void)
{
	stack = calloc(1, sizeof(*stack));
	c = calloc(1, sizeof(*c));
	ck_assert(stack && c);
	stack->rx_pool = mr_pktpool_create("rcvq", POOL, DATA_BYTES, 0);
	ck_assert_ptr_nonnull(stack->rx_pool);
	stack->counters = stack->own_counters;
	stack->rx_held_max = POOL * 3 / 4;
	c->ep.stack = stack;
	c->rcv_nxt = FIRST;
	n_read = 0;
}

static void
teardown(void)
{
	tcp_rcvq_free(c);
	ck_assert_uint_eq(stack->rx_held, 0);
	ck_assert_uint_eq(rte_mempool_avail_count(stack->rx_pool), POOL);
	rte_mempool_free(stack->rx_pool);
	ck_assert_uint_eq(rig_leaks(), 0);
	free(c);
	free(stack);
}

/* A received packet: bytes off.. of the stream, in segments of seg_bytes (0: one), behind some consumed headers. */
static struct rte_mbuf *
packet(uint32_t off, uint32_t len, uint32_t seg_bytes)
{
	struct rte_mbuf *m = NULL, *seg;

	if (seg_bytes == 0)
		seg_bytes = len;
	do {
		uint32_t n = RTE_MIN(seg_bytes, len);

		seg = rte_pktmbuf_alloc(stack->rx_pool);
		MUST(seg != NULL);
		mr_pkt_init(seg);
		seg->data_off += 54 * !m;
		rig_pattern_fill(rte_pktmbuf_append(seg, (uint16_t)n), off, n);
		if (m)
			MUST(rte_pktmbuf_chain(m, seg) == 0);
		else
			m = seg;
		off += n;
		len -= n;
	} while (len > 0);
	return m;
}

static bool
holds(const struct rte_mbuf *m, uint32_t off)
{
	for (uint32_t len = m->pkt_len; m; m = m->next) {
		MUST(m->data_len <= len);
		if (rig_pattern_check(rte_pktmbuf_mtod(m, void *), off, m->data_len) != m->data_len)
			return false;
		off += m->data_len;
		len -= m->data_len;
		MUST(m->next || len == 0);
	}
	return true;
}

/* Pieces that touch are one block, whose first piece knows the last; and every block is in the order of growth. */
static void
check_blocks(void)
{
	const struct tcp_rcvq *q = &c->rcvq;
	const struct rte_mbuf *newer = NULL;
	unsigned blocks = 0, listed = 0;

	for (const struct rte_mbuf *b = q->ooo, *m = b; m; m = mr_pkt(m)->next) {
		const struct rte_mbuf *next = mr_pkt(m)->next;

		if (next && mr_pkt(m)->seq + m->pkt_len == mr_pkt(next)->seq)
			continue;
		MUST(tcp_piece(b)->last == m);
		blocks++;
		b = next;
	}
	for (const struct rte_mbuf *b = q->newest; b; newer = b, b = tcp_piece(b)->older) {
		MUST(tcp_piece(b)->newer == newer);
		MUST(++listed <= blocks);
	}
	MUST(listed == blocks);
}

/* Everything that holds at any time. */
static void
check_queue(void)
{
	const struct tcp_rcvq *q = &c->rcvq;
	const struct rte_mbuf *last = NULL;
	uint32_t bytes = 0, n = 0, ooo_bytes = 0, ooo_segs = 0, held = 0;

	for (const struct rte_mbuf *m = q->in_order.head; m; last = m, m = mr_pkt(m)->next) {
		MUST(m->pkt_len > 0 && holds(m, n_read + bytes));
		bytes += m->pkt_len;
		held += m->nb_segs;
		n++;
	}
	MUST(q->in_order.tail == last && q->in_order.n == n);
	MUST(q->bytes == bytes);
	MUST(FIRST + n_read + bytes == c->rcv_nxt);
	last = NULL;
	for (const struct rte_mbuf *m = q->ooo; m; last = m, m = mr_pkt(m)->next) {
		MUST(m->pkt_len > 0 && holds(m, mr_pkt(m)->seq - FIRST));
		MUST(!last || seq_leq(mr_pkt(last)->seq + last->pkt_len, mr_pkt(m)->seq));
		ooo_bytes += m->pkt_len;
		held += m->nb_segs;
		ooo_segs++;
	}
	check_blocks();
	MUST(q->ooo_bytes == ooo_bytes && q->ooo_segs == ooo_segs);
	MUST(ooo_segs <= RTE_MAX(c->rcv_buf / 512, (uint32_t)TCP_OOO_MAX_SEGS));
	MUST(stack->rx_held == held && stack->rx_held <= stack->rx_held_max);
}

/* ---- verbs */

static bool
append_chain(uint32_t len, uint32_t seg_bytes)
{
	bool taken = tcp_rcvq_append(c, packet(c->rcv_nxt - FIRST, len, seg_bytes));

	if (taken)
		c->rcv_nxt += len;
	check_queue();
	return taken;
}

static bool
append(uint32_t len)
{
	return append_chain(len, 0);
}

static void
insert_chain(uint32_t off, uint32_t len, uint32_t seg_bytes)
{
	tcp_reasm_insert(c, packet(off, len, seg_bytes), FIRST + off);
	check_queue();
}

static void
insert(uint32_t off, uint32_t len)
{
	insert_chain(off, len, 0);
}

static uint32_t
advance(void)
{
	uint32_t moved = tcp_reasm_advance(c);

	check_queue();
	return moved;
}

static size_t
read_bytes(size_t len, bool peek)
{
	char *buf = malloc(len + 1);
	size_t n = tcp_rcvq_read(c, buf, len, peek);

	MUST(n <= len && rig_pattern_check(buf, n_read, n) == n);
	free(buf);
	if (!peek)
		n_read += (uint32_t)n;
	check_queue();
	return n;
}

static uint64_t
dropped(enum mr_counter reason)
{
	return stack->counters[reason];
}

static void
expect_no_drop(void)
{
	ck_assert_uint_eq(dropped(MR_DROP_TCP_DUPLICATE) + dropped(MR_DROP_TCP_OOO_FULL) + dropped(MR_DROP_TCP_NO_MEMORY), 0);
}

/* The pieces out of order, as "from-to from-to". */
static const char *
pieces(void)
{
	static char text[512];
	size_t at = 0;

	text[0] = '\0';
	for (const struct rte_mbuf *m = c->rcvq.ooo; m; m = mr_pkt(m)->next)
		at += (size_t)snprintf(text + at, sizeof(text) - at, "%s%u-%u", at ? " " : "", mr_pkt(m)->seq - FIRST,
		                       mr_pkt(m)->seq - FIRST + m->pkt_len);
	return text;
}

/* ---- in order */

START_TEST(data_in_order_is_read)
{
	append(1000);
	append(1460);
	ck_assert_uint_eq(c->rcvq.bytes, 2460);
	ck_assert_uint_eq(read_bytes(100, false), 100);
	ck_assert_uint_eq(read_bytes(1000, false), 1000); /* over the end of the first packet */
	ck_assert_uint_eq(c->rcvq.in_order.n, 1);
	ck_assert_uint_eq(read_bytes(5000, false), 1360);
	ck_assert_uint_eq(read_bytes(5000, false), 0);
	ck_assert_uint_eq(stack->rx_held, 0);
}
END_TEST

START_TEST(peeking_changes_nothing)
{
	append(1000);
	append(1000);
	ck_assert_uint_eq(read_bytes(1500, true), 1500);
	ck_assert_uint_eq(read_bytes(5000, true), 2000);
	ck_assert_uint_eq(read_bytes(0, true), 0);
	ck_assert_uint_eq(read_bytes(0, false), 0);
	ck_assert_uint_eq(c->rcvq.bytes, 2000);
	ck_assert_uint_eq(read_bytes(1, false), 1);
	ck_assert_uint_eq(read_bytes(5000, true), 1999);
}
END_TEST

START_TEST(packets_are_taken_whole)
{
	struct rte_mbuf *m;

	ck_assert_ptr_null(tcp_rcvq_pop(c));
	append(1000);
	append(900);
	read_bytes(300, false);
	m = tcp_rcvq_pop(c);
	ck_assert_uint_eq(m->pkt_len, 700);
	ck_assert(holds(m, 300));
	ck_assert_ptr_null(mr_pkt(m)->next);
	n_read += 700;
	check_queue();
	ck_assert_uint_eq(stack->rx_held, 1);
	rte_pktmbuf_free(m);
	ck_assert_uint_eq(read_bytes(5000, false), 900);
}
END_TEST

/* A sender of single bytes cannot pin an mbuf for each. */
START_TEST(small_segments_share_an_mbuf)
{
	for (int i = 0; i < 1500; i++)
		ck_assert(append(1));
	ck_assert_uint_eq(c->rcvq.in_order.n, 1);
	ck_assert_uint_eq(stack->rx_held, 1);
	ck_assert_uint_eq(rte_mempool_avail_count(stack->rx_pool), POOL - 1);
	for (int i = 0; i < 10; i++)
		ck_assert(append(512));
	ck_assert_uint_eq(stack->rx_held, 5); /* three each, and what is left of the first */
	ck_assert_uint_eq(read_bytes(10000, false), 1500 + 5120);
}
END_TEST

START_TEST(large_segments_are_not_copied)
{
	append(100);
	append(513);
	ck_assert_uint_eq(c->rcvq.in_order.n, 2);
	append(512);
	ck_assert_uint_eq(c->rcvq.in_order.n, 2);
}
END_TEST

START_TEST(copies_stop_at_the_end_of_the_mbuf)
{
	uint32_t room = DATA_BYTES - 54;

	append(room - 10);
	append(11);
	ck_assert_uint_eq(c->rcvq.in_order.n, 2);
	append(10);
	ck_assert_uint_eq(c->rcvq.in_order.n, 2);
	read_bytes(room - 10 + 1, false);
	append(DATA_BYTES - 54 - 21);
	ck_assert_uint_eq(c->rcvq.in_order.n, 2);
}
END_TEST

START_TEST(shared_mbufs_are_not_written_to)
{
	struct rte_mbuf *m;

	append(100);
	m = c->rcvq.in_order.head;
	rte_mbuf_refcnt_update(m, 1);
	append(100);
	ck_assert_uint_eq(c->rcvq.in_order.n, 2);
	read_bytes(200, false);
	rte_pktmbuf_free(m);
}
END_TEST

START_TEST(no_room_no_acknowledgement)
{
	stack->rx_held_max = 2;
	ck_assert(append(1000));
	ck_assert(append(1000));
	ck_assert(!append(1000));
	ck_assert_uint_eq(dropped(MR_DROP_TCP_NO_MEMORY), 1);
	ck_assert_uint_eq(rte_mempool_avail_count(stack->rx_pool), POOL - 2);
	ck_assert(append(500)); /* costs no mbuf */
	ck_assert_uint_eq(dropped(MR_DROP_TCP_NO_MEMORY), 1);
	read_bytes(1000, false);
	ck_assert(append(1000));
}
END_TEST

/* ---- chains */

START_TEST(chains_of_single_bytes)
{
	struct rte_mbuf *m;

	append_chain(300, 1);
	append_chain(300, 7);
	ck_assert_uint_eq(stack->rx_held, 300 + 43); /* as many mbufs */
	ck_assert_uint_eq(read_bytes(600, true), 600);
	ck_assert_uint_eq(read_bytes(37, false), 37);
	ck_assert_uint_eq(read_bytes(100, true), 100);
	ck_assert_uint_eq(read_bytes(300, false), 300);
	append(10); /* behind the last segment of the chain */
	ck_assert_uint_eq(c->rcvq.in_order.n, 1);
	m = tcp_rcvq_pop(c);
	ck_assert_uint_eq(m->pkt_len, 273);
	ck_assert(holds(m, 337));
	n_read += 273;
	rte_pktmbuf_free(m);
	check_queue();
}
END_TEST

START_TEST(trims_go_over_segments)
{
	for (uint32_t seg_bytes = 1; seg_bytes <= 21; seg_bytes++) {
		for (uint32_t cut = 0; cut <= 20; cut++) {
			struct rte_mbuf *m = packet(50, 20, seg_bytes);
			unsigned segs = m->nb_segs;

			tcp_payload_trim_front(m, cut);
			MUST(m->pkt_len == 20 - cut && m->nb_segs == segs && holds(m, 50 + cut));
			rte_pktmbuf_free(m);
			m = packet(50, 20, seg_bytes);
			tcp_payload_trim_back(m, cut);
			MUST(m->pkt_len == 20 - cut && m->nb_segs == segs && holds(m, 50));
			tcp_payload_trim_front(m, (20 - cut) / 2);
			MUST(m->pkt_len == 20 - cut - (20 - cut) / 2 && holds(m, 50 + (20 - cut) / 2));
			rte_pktmbuf_free(m);
		}
	}
}
END_TEST

/* A packet that was cut at its back ends in empty segments: what is copied behind it must still be found. */
START_TEST(copy_behind_a_cut_chain)
{
	struct rte_mbuf *m = packet(0, 30, 10);

	tcp_payload_trim_back(m, 25);
	ck_assert(tcp_rcvq_append(c, m));
	c->rcv_nxt += 5;
	check_queue();
	append(100);
	ck_assert_uint_eq(c->rcvq.in_order.n, 1);
	ck_assert_uint_eq(read_bytes(1000, false), 105);
}
END_TEST

START_TEST(chains_out_of_order)
{
	insert_chain(10, 20, 3);
	insert_chain(25, 20, 1);
	insert_chain(5, 10, 4);
	ck_assert_str_eq(pieces(), "5-15 15-30 30-45");
	append_chain(7, 2);
	ck_assert_uint_eq(advance(), 38);
	ck_assert_uint_eq(read_bytes(100, false), 45);
}
END_TEST

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
	Suite *s = suite_create("tcp_rcvq");
	TCase *t = rig_case(s, "in order", setup, teardown);

	tcase_add_test(t, data_in_order_is_read);
	tcase_add_test(t, peeking_changes_nothing);
	tcase_add_test(t, packets_are_taken_whole);
	tcase_add_test(t, small_segments_share_an_mbuf);
	tcase_add_test(t, large_segments_are_not_copied);
	tcase_add_test(t, copies_stop_at_the_end_of_the_mbuf);
	tcase_add_test(t, shared_mbufs_are_not_written_to);
	tcase_add_test(t, no_room_no_acknowledgement);
	t = rig_case(s, "chains", setup, teardown);
	tcase_add_test(t, chains_of_single_bytes);
	tcase_add_test(t, trims_go_over_segments);
	tcase_add_test(t, copy_behind_a_cut_chain);
	tcase_add_test(t, chains_out_of_order);
	t = rig_case(s, "out of order", setup, teardown);
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
