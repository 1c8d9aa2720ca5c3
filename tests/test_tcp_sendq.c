/* SPDX-License-Identifier: Apache-2.0 */
/*
 * TCP's send queue alone (sendq.h): what is appended, acknowledged and freed. The scoreboard: test_tcp_board.c.
 */
#include <arpa/inet.h>

#include "proto/tcp/tcp.h"
#include "stack/rng.h"
#include "sendq.h"

/* ---- append and FIN */

START_TEST(bytes_are_cut_at_the_mss)
{
	ck_assert_uint_eq(append(0), 0);
	ck_assert_uint_eq(count(), 0);
	ck_assert_uint_eq(append(2 * MSS + 300), 2 * MSS + 300);
	ck_assert_uint_eq(count(), 3);
	ck_assert_uint_eq(tcp_seg(seg(0))->len, MSS);
	ck_assert_uint_eq(tcp_seg(seg(1))->len, MSS);
	ck_assert_uint_eq(tcp_seg(seg(2))->len, 300);
	ck_assert_uint_eq(c->sendq->end_seq, FIRST + 2 * MSS + 300);
	ck_assert_ptr_eq(c->sendq->unsent, seg(0));
	ck_assert_uint_eq(append(0), 0);
	ck_assert_uint_eq(count(), 3);
}
END_TEST

START_TEST(only_the_end_of_a_write_is_pushed)
{
	append(2 * MSS + 300);
	ck_assert(!(tcp_seg(seg(0))->flags & TCP_SEG_PSH));
	ck_assert(!(tcp_seg(seg(1))->flags & TCP_SEG_PSH));
	ck_assert(tcp_seg(seg(2))->flags & TCP_SEG_PSH);
}
END_TEST

START_TEST(small_writes_fill_the_last_unsent_segment)
{
	for (int i = 0; i < MSS + 1; i++)
		ck_assert_uint_eq(append(1), 1);
	ck_assert_uint_eq(count(), 2);
	ck_assert_uint_eq(tcp_seg(seg(0))->len, MSS);
	ck_assert_uint_eq(stack->tx_held, 2);
}
END_TEST

/* What a link may be reading is not written to. */
START_TEST(sent_segments_do_not_grow)
{
	append(10);
	transmit_next();
	append(10);
	ck_assert_uint_eq(count(), 2);
	ck_assert_uint_eq(tcp_seg(seg(0))->len, 10);
	ck_assert_ptr_eq(c->sendq->unsent, seg(1));
}
END_TEST

START_TEST(mbuf_smaller_than_the_mss_limits_the_segment)
{
	c->mss = 8000;
	ck_assert_uint_eq(append(5000), 5000);
	ck_assert_uint_eq(count(), 3);
	ck_assert_uint_eq(tcp_seg(seg(0))->len, DATA_BYTES);
	ck_assert_uint_eq(tcp_seg(seg(2))->len, 5000 - 2 * DATA_BYTES);
}
END_TEST

START_TEST(mss_that_shrank_starts_a_new_segment)
{
	append(600);
	c->mss = 500;
	append(600);
	ck_assert_uint_eq(count(), 3);
	ck_assert_uint_eq(tcp_seg(seg(0))->len, 600);
	ck_assert_uint_eq(tcp_seg(seg(1))->len, 500);
	ck_assert_uint_eq(tcp_seg(seg(2))->len, 100);
}
END_TEST

START_TEST(budget_ends_a_write_early)
{
	stack->tx_held_max = 3;
	ck_assert_uint_eq(append(5 * MSS), 3 * MSS);
	ck_assert_uint_eq(append(1), 0);
	ck_assert_uint_eq(stack->tx_held, 3);
	ck_assert(!tcp_sendq_split(c, seg(1), 10));
	check_queue();
	transmit_all();
	ck_assert(!tcp_sendq_fin(c));
	check_queue();
	ack(FIRST + MSS);
	ck_assert_uint_eq(append(1), 1);
}
END_TEST

START_TEST(empty_pool_ends_a_write_early)
{
	struct rte_mbuf *m[POOL];

	ck_assert_int_eq(rte_pktmbuf_alloc_bulk(stack->tx_pool, m, POOL - 2), 0);
	ck_assert_uint_eq(append(5 * MSS), 2 * MSS);
	ck_assert_uint_eq(append(1), 0);
	ck_assert_uint_eq(stack->tx_held, 2);
	ck_assert(!tcp_sendq_split(c, seg(1), 10));
	check_queue();
	rte_pktmbuf_free_bulk(m, POOL - 2);
	ck_assert_uint_eq(append(1), 1);
}
END_TEST

START_TEST(fin_rides_on_unsent_data)
{
	append(MSS + 10);
	transmit_next();
	ck_assert(tcp_sendq_fin(c));
	check_queue();
	ck_assert_uint_eq(count(), 2);
	ck_assert_uint_eq(tcp_seg_span(tcp_seg(seg(1))), 11);
	ck_assert_uint_eq(c->sendq->end_seq, FIRST + MSS + 11);
	ck_assert_uint_eq(c->sendq->bytes, MSS + 10);
	transmit_all();
	ck_assert_uint_eq(c->sendq->in_flight, MSS + 11);
	ck_assert_uint_eq(ack(FIRST + MSS + 11), MSS + 10);
	ck_assert_ptr_null(c->sendq->head);
}
END_TEST

START_TEST(fin_alone)
{
	ck_assert(tcp_sendq_fin(c));
	check_queue();
	ck_assert_uint_eq(c->sendq->bytes, 0);
	transmit_all();
	ck_assert_uint_eq(c->sendq->in_flight, 1);
	ck_assert_uint_eq(ack(FIRST + 1), 0);
	ck_assert_ptr_null(c->sendq->head);
	ck_assert_uint_eq(c->sendq->in_flight, 0);
}
END_TEST

START_TEST(fin_after_all_was_sent)
{
	append(10);
	transmit_all();
	ck_assert(tcp_sendq_fin(c));
	check_queue();
	ck_assert_uint_eq(count(), 2);
	ck_assert_uint_eq(tcp_seg(seg(1))->len, 0);
	ck_assert_ptr_eq(c->sendq->unsent, seg(1));
	transmit_all();
	ck_assert_uint_eq(ack(FIRST + 10), 10);
	ck_assert_uint_eq(count(), 1);
	ack(FIRST + 11);
	ck_assert_uint_eq(count(), 0);
}
END_TEST

START_TEST(fin_is_acknowledged_apart_from_its_data)
{
	append(10);
	tcp_sendq_fin(c);
	transmit_all();
	ck_assert_uint_eq(ack(FIRST + 10), 10);
	ck_assert_uint_eq(count(), 1);
	ck_assert_uint_eq(tcp_seg(seg(0))->len, 0);
	ck_assert(tcp_seg(seg(0))->flags & TCP_SEG_FIN);
	ck_assert_uint_eq(c->sendq->in_flight, 1);
	lose(seg(0));
	ck_assert_uint_eq(c->sendq->in_flight, 0);
	transmit(seg(0));
	ack(FIRST + 11);
	ck_assert_uint_eq(count(), 0);
}
END_TEST

START_TEST(packet_of_the_application_is_a_segment)
{
	struct rte_mbuf *m = rte_pktmbuf_alloc(stack->tx_pool);

	append(10);
	rig_pattern_fill(rte_pktmbuf_append(m, 200), 10, 200);
	tcp_sendq_append_mbuf(c, m);
	check_queue();
	ck_assert_uint_eq(count(), 2);
	ck_assert_ptr_eq(seg(1), m);
	ck_assert_uint_eq(c->sendq->bytes, 210);
	ck_assert_uint_eq(append(5), 5);
	transmit_all();
	ck_assert_uint_eq(ack(FIRST + 215), 215);
}
END_TEST

/* ---- acknowledgement */

START_TEST(ack_frees_whole_segments)
{
	append(3 * MSS);
	transmit_all();
	ck_assert_uint_eq(ack(FIRST + 2 * MSS), 2 * MSS);
	ck_assert_uint_eq(count(), 1);
	ck_assert_uint_eq(c->sendq->in_flight, MSS);
	ck_assert_uint_eq(mr_stash_avail(&stack->tx_stash), POOL - 1);
}
END_TEST

START_TEST(ack_in_the_middle_of_a_segment)
{
	append(2 * MSS);
	transmit_all();
	ck_assert_uint_eq(ack(FIRST + 1), 1);
	ck_assert_uint_eq(ack(FIRST + MSS - 1), MSS - 2);
	ck_assert_uint_eq(count(), 2);
	ck_assert_uint_eq(tcp_seg(seg(0))->len, 1);
	ck_assert_uint_eq(c->sendq->in_flight, MSS + 1);
	ck_assert_ptr_eq(c->sendq->thead, seg(0));
}
END_TEST

START_TEST(ack_in_the_middle_of_a_lost_segment)
{
	append(2 * MSS);
	transmit_all();
	lose(seg(0));
	ck_assert_uint_eq(ack(FIRST + 400), 400);
	ck_assert_uint_eq(c->sendq->in_flight, MSS);
	ck_assert_uint_eq(c->sendq->lost, 1);
	transmit(seg(0));
	ck_assert_uint_eq(c->sendq->in_flight, 2 * MSS - 400);
	ck_assert_uint_eq(ack(FIRST + 2 * MSS), 2 * MSS - 400);
}
END_TEST

START_TEST(old_and_future_acks_free_nothing)
{
	struct tcp_acked a = {0};

	append(3 * MSS);
	transmit_next();
	ck_assert_uint_eq(ack(FIRST), 0);
	ck_assert_uint_eq(ack(FIRST - 100), 0);
	ck_assert_uint_eq(newest_ns, 0);
	ck_assert(!resent);
	/* Callers refuse what acknowledges unsent data; the queue would not free it either. */
	ck_assert_uint_eq(tcp_sendq_ack(c, FIRST + 3 * MSS, &a), MSS);
	c->snd_una = FIRST + MSS;
	check_queue();
	ck_assert_uint_eq(count(), 2);
}
END_TEST

/* Karn: what the caller learns about the transmissions that an ACK covers. */
START_TEST(ack_tells_the_newest_transmission)
{
	uint64_t at[4];

	append(4 * MSS);
	for (int i = 0; i < 4; i++) {
		at[i] = clock_ns += 100;
		transmit_next();
	}
	ack(FIRST + 2 * MSS);
	ck_assert_uint_eq(newest_ns, at[1]);
	ck_assert(!resent);
	at[0] = clock_ns += 100;
	transmit(seg(0));
	ack(FIRST + 4 * MSS);
	ck_assert_uint_eq(newest_ns, at[0]);
	ck_assert(resent);
}
END_TEST

START_TEST(frame_that_the_link_still_reads_outlives_its_segment)
{
	struct rte_mbuf *m;

	append(TCP_SMALL_BYTES + 1);
	m = transmit_next();
	rte_mbuf_refcnt_update(m, 1);
	ack(FIRST + TCP_SMALL_BYTES + 1);
	ck_assert_uint_eq(stack->tx_held, 0);
	ck_assert_uint_eq(rte_mbuf_refcnt_read(m), 1);
	ck_assert_uint_eq(mr_stash_avail(&stack->tx_stash), POOL - 1);
	rte_pktmbuf_free(m);
}
END_TEST

static Suite *
suite(void)
{
	Suite *s = suite_create("tcp_sendq");
	TCase *t = rig_case(s, "append", setup, teardown);

	tcase_add_test(t, bytes_are_cut_at_the_mss);
	tcase_add_test(t, only_the_end_of_a_write_is_pushed);
	tcase_add_test(t, small_writes_fill_the_last_unsent_segment);
	tcase_add_test(t, sent_segments_do_not_grow);
	tcase_add_test(t, mbuf_smaller_than_the_mss_limits_the_segment);
	tcase_add_test(t, mss_that_shrank_starts_a_new_segment);
	tcase_add_test(t, budget_ends_a_write_early);
	tcase_add_test(t, empty_pool_ends_a_write_early);
	tcase_add_test(t, fin_rides_on_unsent_data);
	tcase_add_test(t, fin_alone);
	tcase_add_test(t, fin_after_all_was_sent);
	tcase_add_test(t, fin_is_acknowledged_apart_from_its_data);
	tcase_add_test(t, packet_of_the_application_is_a_segment);
	t = rig_case(s, "ack", setup, teardown);
	tcase_add_test(t, ack_frees_whole_segments);
	tcase_add_test(t, ack_in_the_middle_of_a_segment);
	tcase_add_test(t, ack_in_the_middle_of_a_lost_segment);
	tcase_add_test(t, old_and_future_acks_free_nothing);
	tcase_add_test(t, ack_tells_the_newest_transmission);
	tcase_add_test(t, frame_that_the_link_still_reads_outlives_its_segment);
	return s;
}

RIG_MAIN(suite)
