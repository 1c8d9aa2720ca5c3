/* SPDX-License-Identifier: Apache-2.0 */
/*
 * TCP's receive queue alone (rcvq.h): what came in order, in chains too. Out of order: test_tcp_reasm.c.
 */
#include "proto/tcp/tcp.h"
#include "stack/rng.h"
#include "rcvq.h"

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
	return s;
}

RIG_MAIN(suite)
