/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Long writes on a link that cuts segments are copied into large packets (stack/large.h): the link gets few pieces, connections
 * share a packet, and one is used again when neither a send queue nor the link refers to it. What the wire sees of it is in
 * test_tcp_tso.c and test_tcp_external.c: what it sees without.
 */
#include "fastopen_client.h"
#include "tcp_stream.h"

#include "stack/large.h"

#define PIECE_SEGS (16383 / MSS)
#define FULL (MR_LARGE_BYTES / MSS) /* segments in a large packet */

static void
setup(void)
{
	start(TSO_V4, 64, false, false, false);
}

/* Large packets in use; one is always being filled. */
static unsigned
used(void)
{
	return rte_mempool_in_use_count(rig.stack->large.pool);
}

static void
send_segs(uint32_t first, uint32_t n)
{
	write_once(first * MSS, n * MSS);
	rig_poll(&rig);
}

static void
expect_segs(uint32_t first, uint32_t n)
{
	for (uint32_t i = first; i < first + n; i++)
		rig_tcp_expect(&t, RIG_ACK, 1 + i * MSS, RIG_ANY, MSS, .pattern = true);
	rig_expect_none(&rig);
}

/* As if one write had brought all that waits: nothing but where it lies says what goes together. */
static void
one_write(void)
{
	struct tcp_sendq *q = ((struct tcp_conn *)t.ep)->sendq;

	for (struct rte_mbuf *m = q->unsent; m != q->tail; m = tcp_seg(m)->next)
		tcp_seg(m)->flags &= (uint8_t)~TCP_SEG_PSH;
}

static void
ack_segs(uint32_t n)
{
	rig_tcp_push(&t, RIG_ACK, 1, 1 + n * MSS, 0);
	rig_poll(&rig);
}

/* ---- what the link gets */

/* Four pieces of eleven segments are one frame to a link that takes four, and two to one that takes three. */
START_TEST(few_long_pieces)
{
	start(TSO_V4, _i ? 3 : 4, false, false, false);
	send_segs(0, 4 * PIECE_SEGS);
	ck_assert_uint_eq(rig.n_cut, _i ? 2 : 1);
	expect_segs(0, 4 * PIECE_SEGS);
	rig_teardown();
}
END_TEST

static void
never_back(void *addr, void *arg)
{
	ck_abort_msg("%p was given back (%p)", addr, arg);
}

/* The same of the application's own memory. */
START_TEST(lent_in_one_piece)
{
	static struct rte_mbuf_ext_shared_info info[2];
	static uint8_t b[8 * MSS];
	struct rte_mbuf *m;

	start(TSO_V4, 1, false, false, false);
	rig_pattern_fill(b, 0, sizeof(b));
	for (unsigned i = 0; i < RTE_DIM(info); i++) {
		m = rte_pktmbuf_alloc(mr_stack_tx_pool(rig.stack));
		info[i].free_cb = never_back;
		rte_mbuf_ext_refcnt_set(&info[i], 2);
		rte_pktmbuf_attach_extbuf(m, b, 0, sizeof(b), &info[i]);
		m->data_off = (uint16_t)(i * sizeof(b) / 2);
		m->pkt_len = m->data_len = sizeof(b) / 2;
		ck_assert_int_eq(mr_ep_send_mbuf(t.ep, m, NULL), sizeof(b) / 2);
	}
	one_write();
	/* The link has one piece of each: they lie behind each other, but are not one's to give back. */
	rig.hold = true;
	rig_poll(&rig);
	ck_assert_uint_eq(rig.n_cut, 2);
	for (unsigned i = 0; i < RTE_DIM(info); i++)
		ck_assert_uint_gt(rte_mbuf_ext_refcnt_read(&info[i]), 1);
	expect_segs(0, 8);
	ack_segs(8);
	for (unsigned i = 0; i < RTE_DIM(info); i++)
		ck_assert_uint_eq(rte_mbuf_ext_refcnt_read(&info[i]), 2);
	rig_let_go(&rig);
	for (unsigned i = 0; i < RTE_DIM(info); i++)
		ck_assert_uint_eq(rte_mbuf_ext_refcnt_read(&info[i]), 1);
	rig_teardown();
}
END_TEST

/* Two full segments are worth it; less is not, nor is anything on a link that does not cut, nor before the MSS is known. */
START_TEST(when_worth_it)
{
	write_once(0, 2 * MSS - 1);
	ck_assert_uint_eq(used(), 0);
	write_once(2 * MSS - 1, 1);
	write_once(2 * MSS, 2 * MSS);
	ck_assert_uint_eq(used(), 1);
	rig_poll(&rig);
	expect_segs(0, 4);
}
END_TEST

/* Also if another NIC does. */
START_TEST(other_links)
{
	start(TSO_V4 & ~MR_LINK_CAP_TX_TSO, 64, false, false, false);
	ck_assert_ptr_null(rig.stack->large.pool);
	send_segs(0, 40);
	mr_stack_large_open(rig.stack);
	send_segs(40, 40);
	ck_assert_uint_eq(used(), 0);
	expect_segs(0, 80);
	rig_teardown();
}
END_TEST

START_TEST(before_it_is_open)
{
	rig_init(&rig, &(struct rig_opts){.caps = TSO_V4, .tso_segs = 64});
	rig_tcp_init(&t, &rig, false);
	open_with(10 * MSS);
	expect_syn(0, 0);
	push_syn_ack(1, 0);
	rig_poll(&rig);
	expect_segs(0, 10);
	ck_assert_uint_eq(used(), 0);
	rig_teardown();
}
END_TEST

/* What is not behind the other, in the same packet, is a piece of its own. */
START_TEST(apart_in_one_packet)
{
	write_once(0, 2 * MSS);
	write_once(2 * MSS, 2 * MSS);
	one_write();
	rig_poll(&rig);
	ck_assert_uint_eq(rig.n_cut, 1);
	expect_segs(0, 4);
}
END_TEST

/* ---- whose they are */

/* Another connection of the listener, which is t from now on. */
static void
second_open(const struct rig_tcp *first)
{
	rig_tcp_init(&t, &rig, false);
	t.peer_port = first->peer_port + 1;
	t.mss = MSS;
	t.listener = first->listener;
	rig_tcp_establish_passive(&t);
}

START_TEST(shared_and_given_back)
{
	struct rig_tcp first = t;
	unsigned n = rig.stack->large.pool->size;

	send_segs(0, 10);
	expect_segs(0, 10);
	second_open(&first);
	send_segs(0, 10);
	expect_segs(0, 10);
	ck_assert_uint_eq(used(), 1);
	/* No line of it is of two writes. */
	ck_assert_uint_eq(rig.stack->large.used, 2 * RTE_ALIGN_CEIL(10 * MSS, RTE_CACHE_LINE_SIZE));
	ack_segs(10);
	/* It is full: another is taken, and the first is back when the first connection's peer has all. */
	send_segs(10, FULL);
	ck_assert_uint_eq(used(), 2);
	expect_segs(10, FULL);
	ack_segs(10 + FULL);
	ck_assert_uint_eq(used(), 2);
	t = first;
	ack_segs(9);
	ck_assert_uint_eq(used(), 2);
	ack_segs(10);
	ck_assert_uint_eq(used(), 1);
	ck_assert_uint_gt(n, 2);
}
END_TEST

/* Two parts of a stream, the second where the first would go on, but in another packet. */
START_TEST(same_place_in_another)
{
	enum { N = 16 }; /* full segments that end with a line */
	struct rig_tcp first = t, second;

	ck_assert_uint_eq(N * MSS % RTE_CACHE_LINE_SIZE, 0);
	second_open(&first);
	second = t;
	t = first;
	write_once(0, N * MSS);
	t = second;
	write_once(0, FULL * MSS);
	t = first;
	write_once(N * MSS, N * MSS);
	one_write();
	ck_assert_uint_eq(used(), 2);
	ck_assert_uint_eq(rig.stack->large.used, 2 * N * MSS);
	rig_poll(&rig);
	for (uint32_t i = 0; i < 2 * N; i++)
		rig_tcp_expect(&t, RIG_ACK, 1 + i * MSS, RIG_ANY, MSS, .pattern = true);
	t = second;
	expect_segs(0, FULL);
}
END_TEST

/* The link reads what has been acknowledged long ago. */
START_TEST(link_still_reads)
{
	rig.hold = true;
	send_segs(0, FULL);
	expect_segs(0, FULL);
	ack_segs(FULL);
	rig.hold = false;
	for (unsigned i = 1; i < 2 * rig.stack->large.pool->size; i++) {
		send_segs(i * FULL, FULL);
		expect_segs(i * FULL, FULL);
		ack_segs((i + 1) * FULL);
		ck_assert_uint_eq(used(), 2);
	}
	rig_let_go(&rig);
	ck_assert_uint_eq(used(), 1);
}
END_TEST

/* When none is free, nothing is different but the pieces. */
START_TEST(none_free)
{
	uint32_t all = rig.stack->large.pool->size * FULL;

	for (uint32_t i = 0; i < all; i += FULL)
		send_segs(i, FULL);
	ck_assert_uint_eq(used(), rig.stack->large.pool->size);
	expect_segs(0, all);
	send_segs(all, 100);
	expect_segs(all, 100);
	ack_segs(all + 100);
	ck_assert_uint_eq(used(), 0);
	send_segs(all + 100, 50);
	expect_segs(all + 100, 50);
	ck_assert_uint_eq(used(), 2);
}
END_TEST

static Suite *
make_suite(void)
{
	Suite *s = suite_create("tcp_large");
	TCase *tc = rig_case(s, "links", NULL, NULL);

	tcase_add_loop_test(tc, few_long_pieces, 0, 2);
	tcase_add_test(tc, lent_in_one_piece);
	tcase_add_test(tc, other_links);
	tcase_add_test(tc, before_it_is_open);
	tc = rig_case(s, "packets", setup, rig_teardown);
	tcase_add_test(tc, when_worth_it);
	tcase_add_test(tc, apart_in_one_packet);
	tcase_add_test(tc, shared_and_given_back);
	tcase_add_test(tc, same_place_in_another);
	tcase_add_test(tc, link_still_reads);
	tcase_add_test(tc, none_free);
	return s;
}

RIG_MAIN(make_suite)
