/* SPDX-License-Identifier: Apache-2.0 */
/*
 * TCP on a link that does not keep up: what the NIC's queue has no room for stays in the send queue and goes out when the
 * link takes it, in order and without a loss (nobody but the link has delayed it), while small frames find the place that
 * is kept for them, and ACKs for which there is none wait. A link that takes nothing at all is not waited for.
 */
#include "rig/fixture.h"

#include <string.h>

#include "stack/nic.h"

#define MSS 1460
#define SEGMENTS 600

static void
setup(void)
{
	rig_init(&rig, &(struct rig_opts){.stack = {.max_conns = 2 * MR_NIC_TXQ_SLOTS, .tx_mbufs = 2 * MR_NIC_TXQ_SLOTS}});
	ck_assert_int_eq(mr_transproto_setopt(rig.stack, MR_TRANS_TCP, MR_OPT_TCP_INIT_CWND, 1000), 0);
	rig_tcp_init(&t, &rig, false);
	t.ws = 7;
	rig_tcp_listen(&t, 4);
	ck_assert_int_eq(mr_ep_setopt(t.listener, MR_OPT_SNDBUF, 4 << 20), 0);
	rig_tcp_establish_passive(&t);
	rig_tcp_push(&t, RIG_ACK, 1, 1, 0, .wnd = 65535);
	rig_poll(&rig);
	rig_mark(&rig);
}

static void
turns(unsigned n)
{
	while (n-- > 0)
		rig_turn(&rig);
}

/* rig_moved would wait for a rest that there is not. */
static uint64_t
count(enum mr_counter c)
{
	return mr_stack_counter(rig.stack, c);
}

/* The link is stuck, and everything waits for it. */
static void
fill(void)
{
	rig.tx_room = 0;
	ck_assert_int_eq(rig_ep_send(t.ep, 0, SEGMENTS * MSS), SEGMENTS * MSS);
	turns(3);
}

static void
expect_segments(unsigned from, unsigned to)
{
	for (unsigned i = from; i < to; i++)
		ck_assert_uint_eq(rig_tcp_seq(&t, rig_tcp_next(&t)), 1 + i * MSS);
}

START_TEST(nothing_is_lost)
{
	fill();
	rig.tx_room = 100;
	turns(1);
	rig.tx_room = 1;
	turns(3);
	rig.tx_room = -1;
	turns(3);
	expect_segments(0, SEGMENTS);
	rig_expect_none(&rig);
	rig_expect_no_drop(&rig);
	ck_assert_uint_eq(rig_moved(&rig, MR_CNT_TCP_RETRANSMITS), 0);
	ck_assert_uint_gt(rig_moved(&rig, MR_CNT_NIC_TX_BUSY), 0);
}
END_TEST

/* What is kept for small frames is full. */
static void
fill_small(void)
{
	for (unsigned i = MR_NIC_TXQ_BULK; i < MR_NIC_TXQ; i++)
		rig_push_icmp(&rig, .echo = true);
	turns(3);
}

static void
expect_small(void)
{
	for (unsigned i = MR_NIC_TXQ_BULK; i < MR_NIC_TXQ; i++)
		rig_expect(&rig, RIG_ICMP);
}

/* A connection besides that of the bulk. */
static void
open_another(struct rig_tcp *o, uint16_t port)
{
	rig_tcp_init(o, &rig, false);
	o->listener = t.listener;
	o->peer_port = port;
	rig_tcp_establish_passive(o);
}

/* An answer to a ping has its place, and so has an ACK of another connection. */
START_TEST(small_frames_pass)
{
	fill();
	rig_push_icmp(&rig, .echo = true);
	turns(1);
	rig.tx_room = -1;
	turns(3);
	rig_expect_no_drop(&rig);
	expect_segments(0, MR_NIC_TXQ_BULK);
	rig_expect(&rig, RIG_ICMP);
	expect_segments(MR_NIC_TXQ_BULK, SEGMENTS);
}
END_TEST

/* When their places are taken, too, an ACK waits like the data, as one of all that has come by then: a peer whose ACKs are
 * dropped sends again what was received, and so keeps the link full. */
START_TEST(ack_waits)
{
	struct rig_tcp second;
	const struct rig_frame *f;

	open_another(&second, 6000);
	fill();
	fill_small();
	rig_tcp_push(&second, RIG_ACK, 1, 1, 2 * MSS);
	rig_tcp_push(&second, RIG_ACK, 1 + 2 * MSS, 1, MSS);
	turns(3);
	rig_tcp_push(&second, RIG_ACK, 1 + 3 * MSS, 1, 2 * MSS);
	turns(3);
	rig.tx_room = -1;
	turns(3);
	rig_expect_no_drop(&rig);
	expect_segments(0, MR_NIC_TXQ_BULK);
	expect_small();
	expect_segments(MR_NIC_TXQ_BULK, SEGMENTS);
	f = rig_tcp_next(&second);
	ck_assert_uint_eq(rig_tcp_ack(&second, f), 1 + 5 * MSS);
	rig_expect_none(&rig);
}
END_TEST

/* What a full queue holds is no more than that of bulk, however often it is tried. */
START_TEST(link_is_asked_once_a_turn)
{
	uint64_t busy;

	fill();
	busy = count(MR_CNT_NIC_TX_BUSY);
	turns(1);
	/* By the first segment and by the turn's flush. */
	ck_assert_uint_le(count(MR_CNT_NIC_TX_BUSY) - busy, 2);
	ck_assert_uint_eq(count(MR_DROP_NIC_TXQ_FULL), 0);
	rig.tx_room = -1;
	turns(3);
}
END_TEST

/* A cable that is out: the queue overflows, as that of any dead link, and the timer has it again. */
START_TEST(dead_link)
{
	uint64_t full;

	fill();
	rig.now += MR_NIC_STUCK_NS;
	turns(1);
	/* RK-10: the time of the probe of the tail has come too, but none of the flight has left. */
	ck_assert_uint_eq(count(MR_DROP_NIC_TXQ_FULL), SEGMENTS - MR_NIC_TXQ);
	ck_assert_uint_eq(count(MR_CNT_TCP_TAIL_PROBES), 0);
	rig.tx_room = -1;
	turns(1);
	expect_segments(0, MR_NIC_TXQ);
	rig_expect_none(&rig);
	rig_tcp_push(&t, RIG_ACK, 1, 1 + MR_NIC_TXQ * MSS, 0, .wnd = 65535);
	rig_poll(&rig);
	/* Now that it lives it is waited for again. */
	full = count(MR_DROP_NIC_TXQ_FULL);
	rig.tx_room = 0;
	ck_assert_int_eq(rig_ep_send(t.ep, SEGMENTS * MSS, 2 * MR_NIC_TXQ * MSS), 2 * MR_NIC_TXQ * MSS);
	turns(3);
	ck_assert_uint_eq(count(MR_DROP_NIC_TXQ_FULL), full);
	rig.tx_room = -1;
	turns(3);
	rig_discard(&rig);
	ck_assert(rig_advance_until_frame(&rig, 3 * RIG_S));
	ck_assert_uint_ge(rig_moved(&rig, MR_CNT_TCP_RETRANSMITS), 1);
}
END_TEST

/* Whoever waits for a NIC may go, and so may the NIC. */
START_TEST(waiting_ones_go)
{
	struct rig_tcp second;

	open_another(&second, 6000);
	fill();
	ck_assert_int_eq(rig_ep_send(second.ep, 0, 10 * MSS), 10 * MSS);
	turns(2);
	if (_i == 0) {
		mr_ep_abort(t.ep);
		rig.tx_room = -1;
		turns(3);
		for (unsigned i = 0; i < MR_NIC_TXQ_BULK; i++)
			rig_tcp_next(&t);
		ck_assert(rig_expect(&rig, RIG_TCP)->flags & RIG_RST);
		for (unsigned i = 0; i < 10; i++)
			ck_assert_uint_eq(rig_tcp_seq(&second, rig_tcp_next(&second)), 1 + i * MSS);
	} else if (_i == 1) {
		mr_ep_abort(second.ep);
		rig.tx_room = -1;
		turns(3);
		expect_segments(0, MR_NIC_TXQ_BULK);
		ck_assert(rig_expect(&rig, RIG_TCP)->flags & RIG_RST);
		expect_segments(MR_NIC_TXQ_BULK, SEGMENTS);
	} else if (_i == 2) {
		/* It comes back; what was in its queue is lost. */
		ck_assert_int_eq(mr_nic_disable(rig.stack, RIG_NIC), 0);
		turns(2);
		rig.tx_room = -1;
		ck_assert_int_eq(mr_nic_enable(rig.stack, RIG_NIC), 0);
		ck_assert(rig_advance_until_frame(&rig, 3 * RIG_S));
		ck_assert_uint_ge(rig_moved(&rig, MR_DROP_NIC_DISABLED), MR_NIC_TXQ_BULK);
	} else {
		ck_assert_int_eq(mr_nic_remove(rig.stack, RIG_NIC), 0);
		turns(2);
	}
}
END_TEST

/* ---- many connections with one thing to say each */

/* More than the queue has room for, whoever they are. */
#define ANSWERS (MR_NIC_TXQ_ALONE + MR_NIC_TXQ_BULK + 100)

static struct rig_tcp one[ANSWERS];

/* A connection, not the first time that it answers. */
static void
open_one(unsigned i)
{
	open_another(&one[i], (uint16_t)(6000 + i));
	ck_assert_int_eq(rig_ep_send(one[i].ep, 0, 1), 1);
	rig_tcp_next(&one[i]);
	rig_tcp_push(&one[i], RIG_ACK, 1, 2, 0);
	rig_poll(&rig);
}

static void
open_some(unsigned n)
{
	for (unsigned i = 0; i < n; i++)
		open_one(i);
	rig_mark(&rig);
}

/* The first n answer while the link takes nothing. */
static void
answer(unsigned n)
{
	rig.tx_room = 0;
	for (unsigned i = 0; i < n; i++)
		ck_assert_int_eq(rig_ep_send(one[i].ep, i, 1), 1);
	turns(3);
}

static void
expect_answers(unsigned from, unsigned to)
{
	for (unsigned i = from; i < to; i++) {
		const struct rig_frame *f = rig_tcp_next(&one[i]);

		ck_assert_uint_eq(f->payload_len, 1);
		ck_assert_uint_eq(f->payload[0], rig_pattern(i));
	}
}

static const struct mr_nic *
nic(void)
{
	return mr_nic_find(rig.stack, RIG_NIC);
}

static void
expect_no_wait(void)
{
	rig.tx_room = -1;
	turns(3);
	ck_assert_uint_eq(nic()->txq_n, 0);
	ck_assert_uint_eq(nic()->txq_alone, 0);
	rig_expect_no_drop(&rig);
	ck_assert_uint_eq(rig_moved(&rig, MR_CNT_TCP_RETRANSMITS), 0);
}

/* Each is in the queue at once, and takes nobody's place: bulk, which is there first, has what it has without them, and a ping
 * and what is left of bulk come behind. */
START_TEST(answers_go_at_once)
{
	open_some(100);
	answer(100);
	fill();
	ck_assert_uint_eq(nic()->txq_alone, 100);
	ck_assert_uint_eq(nic()->txq_n, 100 + MR_NIC_TXQ_BULK);
	rig_push_icmp(&rig, .echo = true);
	turns(1);
	expect_no_wait();
	expect_answers(0, 100);
	expect_segments(0, MR_NIC_TXQ_BULK);
	rig_expect(&rig, RIG_ICMP);
	expect_segments(MR_NIC_TXQ_BULK, SEGMENTS);
	rig_expect_none(&rig);
}
END_TEST

/* And nobody takes theirs. */
START_TEST(answers_go_when_others_wait)
{
	open_some(100);
	fill();
	fill_small();
	answer(100);
	ck_assert_uint_eq(nic()->txq_alone, 100);
	ck_assert_uint_eq(nic()->txq_n, 100 + MR_NIC_TXQ);
	expect_no_wait();
	expect_segments(0, MR_NIC_TXQ_BULK);
	expect_small();
	expect_answers(0, 100);
	expect_segments(MR_NIC_TXQ_BULK, SEGMENTS);
	rig_expect_none(&rig);
}
END_TEST

/* The queue fills up: those for whom there is no room wait as bulk does, in order, and what is small still has its place. */
START_TEST(answers_wait_when_all_is_full)
{
	open_some(ANSWERS);
	answer(ANSWERS);
	ck_assert_uint_eq(nic()->txq_alone, MR_NIC_TXQ_ALONE);
	ck_assert_uint_eq(nic()->txq_n, MR_NIC_TXQ_ALONE + MR_NIC_TXQ_BULK);
	fill_small();
	ck_assert_uint_eq(nic()->txq_n, MR_NIC_TXQ_SLOTS);
	rig.tx_room = 1000;
	turns(1);
	expect_no_wait();
	expect_answers(0, MR_NIC_TXQ_ALONE + MR_NIC_TXQ_BULK);
	expect_small();
	expect_answers(MR_NIC_TXQ_ALONE + MR_NIC_TXQ_BULK, ANSWERS);
	rig_expect_none(&rig);
}
END_TEST

/* What was in the queue of a NIC that was off is lost, and does not count any more. */
START_TEST(answers_go_with_the_nic)
{
	open_some(100);
	answer(100);
	ck_assert_int_eq(mr_nic_disable(rig.stack, RIG_NIC), 0);
	turns(1);
	ck_assert_uint_ge(rig_moved(&rig, MR_DROP_NIC_DISABLED), 100);
	ck_assert_uint_eq(nic()->txq_alone, 0);
	ck_assert_int_eq(mr_nic_enable(rig.stack, RIG_NIC), 0);
	fill();
	ck_assert_uint_eq(nic()->txq_n - nic()->txq_alone, MR_NIC_TXQ_BULK);
}
END_TEST

/* One that waited for its neighbour comes to the queue as anything else: with it come all that waited for that. */
START_TEST(answer_waits_for_its_neighbour)
{
	open_some(1);
	ck_assert_int_eq(mr_neigh_remove(rig.stack, RIG_NIC, &rig.peer4), 0);
	ck_assert_int_eq(rig_ep_send(one[0].ep, 0, 1), 1);
	turns(1);
	rig_expect(&rig, RIG_ARP);
	rig.tx_room = 0;
	rig_push_arp(&rig, .op = 2);
	turns(1);
	ck_assert_uint_eq(nic()->txq_n, 1);
	ck_assert_uint_eq(nic()->txq_alone, 0);
	expect_no_wait();
	expect_answers(0, 1);
}
END_TEST

static Suite *
suite(void)
{
	Suite *s = suite_create("tcp_busy");
	TCase *tc = rig_case(s, "link", setup, rig_teardown);

	tcase_add_test(tc, nothing_is_lost);
	tcase_add_test(tc, small_frames_pass);
	tcase_add_test(tc, ack_waits);
	tcase_add_test(tc, link_is_asked_once_a_turn);
	tcase_add_test(tc, dead_link);
	tcase_add_loop_test(tc, waiting_ones_go, 0, 4);
	tcase_add_test(tc, answers_go_at_once);
	tcase_add_test(tc, answers_go_when_others_wait);
	tcase_add_test(tc, answers_wait_when_all_is_full);
	tcase_add_test(tc, answers_go_with_the_nic);
	tcase_add_test(tc, answer_waits_for_its_neighbour);
	return s;
}

RIG_MAIN(suite)
