/* SPDX-License-Identifier: Apache-2.0 */
/*
 * TCP's scoreboard alone (board.c): segments that are cut, lost, SACKed and sent again, and the lists of the three states. The
 * last test runs random operations against a model that remembers for each sequence number its state, and when and how
 * often it was sent.
 */
#include <string.h>

#include <arpa/inet.h>

#include "proto/tcp/tcp.h"
#include "stack/rng.h"
#include "sendq.h"

/* The peer has a segment that was sent. */
static void
sack(struct rte_mbuf *m)
{
	if ((tcp_seg(m)->flags & (TCP_SEG_SENT | TCP_SEG_SACKED)) == TCP_SEG_SENT)
		tcp_sendq_mark_sacked(c, m);
	check_queue();
}

/* ---- split */

static void
split(struct rte_mbuf *m, uint32_t len)
{
	struct tcp_seg *s = tcp_seg(m);
	uint8_t before = s->flags;
	uint32_t whole = s->len;
	const struct tcp_seg *r;

	ck_assert(tcp_sendq_split(c, m, len));
	check_queue();
	r = tcp_seg(s->next);
	ck_assert_uint_eq(s->len, len);
	ck_assert_uint_eq(r->len, whole - len);
	/* What was known of the whole payload's sum is true of neither. */
	ck_assert_uint_eq(r->flags, before & ~TCP_SEG_SUM);
	ck_assert_uint_eq(s->flags, before & ~(TCP_SEG_FIN | TCP_SEG_PSH | TCP_SEG_SUM));
	ck_assert_uint_eq(r->times, s->times);
	ck_assert_uint_eq(r->sent_ns, s->sent_ns);
}

START_TEST(split_unsent)
{
	append(3 * MSS);
	tcp_sendq_fin(c);
	split(seg(0), 1);
	split(seg(2), MSS - 1);
	split(seg(4), 500);
	ck_assert_uint_eq(count(), 6);
	ck_assert_ptr_eq(c->sendq->unsent, seg(0));
	transmit_next();
	split(seg(1), 10);
	ck_assert_ptr_eq(c->sendq->unsent, seg(1));
	transmit_all();
	ck_assert_uint_eq(ack(c->sendq->end_seq), 3 * MSS);
}
END_TEST

START_TEST(split_in_flight)
{
	append(3 * MSS);
	transmit_all();
	split(seg(1), 300);
	ck_assert_uint_eq(c->sendq->in_flight, 3 * MSS);
	ck_assert_ptr_eq(tcp_seg(seg(1))->tnext, seg(2)); /* sent together: neighbours in the time order as well */
	ck_assert_ptr_eq(c->sendq->ttail, seg(3));
	split(seg(3), 300);
	ck_assert_ptr_eq(c->sendq->ttail, seg(4));
	lose(seg(2));
	ck_assert_uint_eq(c->sendq->in_flight, 3 * MSS - 700);
	ack(c->sendq->end_seq);
}
END_TEST

START_TEST(split_lost)
{
	append(2 * MSS);
	tcp_sendq_fin(c);
	transmit_all();
	lose(seg(1));
	split(seg(1), 600);
	ck_assert_uint_eq(c->sendq->lost, 2);
	ck_assert_uint_eq(c->sendq->in_flight, MSS);
	transmit(tcp_sendq_first_lost(c->sendq));
	ck_assert_uint_eq(c->sendq->in_flight, MSS + 600);
	transmit(tcp_sendq_first_lost(c->sendq));
	ck_assert_uint_eq(c->sendq->in_flight, 2 * MSS + 1);
	ck_assert_uint_eq(c->sendq->lost, 0);
}
END_TEST

START_TEST(split_what_is_left_of_a_segment)
{
	append(MSS);
	transmit_all();
	ack(FIRST + 100);
	split(seg(0), 100);
	split(seg(1), 100);
	ck_assert_uint_eq(count(), 3);
	ck_assert_uint_eq(c->sendq->in_flight, MSS - 100);
	transmit(seg(1));
	ck_assert_ptr_eq(c->sendq->ttail, seg(1));
	split(seg(1), 50);
	ck_assert_ptr_eq(c->sendq->ttail, seg(2));
}
END_TEST

/* ---- loss and time order */

START_TEST(order_of_transmission)
{
	struct rte_mbuf *a, *b, *d;

	append(3 * MSS);
	a = transmit_next();
	b = transmit_next();
	d = transmit_next();
	transmit(a);
	ck_assert_ptr_eq(c->sendq->thead, b);
	ck_assert_ptr_eq(c->sendq->ttail, a);
	ck_assert(tcp_seg(a)->flags & TCP_SEG_RETRANS);
	ck_assert_uint_eq(c->sendq->in_flight, 3 * MSS);
	lose(b);
	ck_assert_ptr_eq(c->sendq->thead, d);
	transmit(b);
	ck_assert_ptr_eq(c->sendq->ttail, b);
	ck_assert_ptr_eq(tcp_seg(d)->tnext, a);
	ack(FIRST + MSS);
	ck_assert_ptr_eq(tcp_seg(d)->tnext, b);
}
END_TEST

START_TEST(loss_is_marked_once)
{
	append(4 * MSS);
	transmit_next();
	transmit_next();
	ck_assert_ptr_null(tcp_sendq_first_lost(c->sendq));
	lose(seg(1));
	lose(seg(1));
	lose(seg(3)); /* never sent: cannot be lost */
	ck_assert_uint_eq(c->sendq->lost, 1);
	ck_assert_uint_eq(c->sendq->in_flight, MSS);
	ck_assert_ptr_eq(tcp_sendq_first_lost(c->sendq), seg(1));
	lose(seg(0));
	ck_assert_ptr_eq(tcp_sendq_first_lost(c->sendq), seg(0));
	transmit(seg(0));
	ck_assert_ptr_eq(tcp_sendq_first_lost(c->sendq), seg(1));
	ack(FIRST + 2 * MSS);
	ck_assert_uint_eq(c->sendq->lost, 0);
	ck_assert_ptr_null(tcp_sendq_first_lost(c->sendq));
}
END_TEST

START_TEST(timeout_loses_all_that_was_sent)
{
	tcp_sendq_mark_all_lost(c);
	check_queue();
	append(4 * MSS);
	transmit_next();
	transmit_next();
	transmit_next();
	lose(seg(1));
	tcp_sendq_mark_all_lost(c);
	check_queue();
	ck_assert_uint_eq(c->sendq->lost, 3);
	ck_assert_uint_eq(c->sendq->in_flight, 0);
	ck_assert_ptr_null(c->sendq->thead);
	ck_assert_ptr_eq(c->sendq->unsent, seg(3));
}
END_TEST

START_TEST(transmissions_are_counted_to_the_limit)
{
	append(1);
	transmit_next();
	for (int i = 0; i < 300; i++)
		tcp_sendq_sent(c, seg(0), clock_ns++);
	check_queue();
	ck_assert_uint_eq(tcp_seg(seg(0))->times, UINT8_MAX);
}
END_TEST

/* ---- SACKED */

START_TEST(runs_grow_together)
{
	append(7 * MSS);
	transmit_all();
	sack(seg(1));
	sack(seg(5));
	sack(seg(3));
	ck_assert_ptr_eq(c->sendq->newest_run, seg(3));
	ck_assert_uint_eq(c->sendq->in_flight, 4 * MSS);
	sack(seg(2));
	ck_assert_ptr_eq(c->sendq->newest_run, seg(1));
	ck_assert_ptr_eq(tcp_seg(seg(1))->run_last, seg(3));
	sack(seg(4));
	ck_assert_ptr_eq(tcp_seg(seg(1))->run_last, seg(5));
	ck_assert_ptr_null(tcp_seg(seg(1))->tnext);
	ack(FIRST + 4 * MSS);
	ck_assert_ptr_eq(c->sendq->newest_run, seg(0));
	ack(FIRST + 7 * MSS);
	ck_assert_ptr_null(c->sendq->newest_run);
}
END_TEST

START_TEST(lost_one_turns_up)
{
	append(3 * MSS);
	transmit_all();
	lose(seg(0));
	lose(seg(1));
	sack(seg(1));
	ck_assert_uint_eq(c->sendq->lost, 1);
	ck_assert_uint_eq(c->sendq->sacked, 1);
	ck_assert_uint_eq(c->sendq->in_flight, MSS);
}
END_TEST

/* RFC 2018 8: the peer may throw away what it has SACKed; then it is lost, sent who knows when. */
START_TEST(reneging)
{
	append(4 * MSS);
	transmit_all();
	for (unsigned i = 0; i < 3; i++)
		sack(seg(i));
	lose(seg(3));
	ack(FIRST + 10); /* in the middle of a SACKED one */
	ck_assert_uint_eq(c->sendq->sacked, 2);
	ck_assert_uint_eq(c->sendq->lost, 2);
	tcp_sendq_forget_sacked(c);
	check_queue();
	ck_assert_uint_eq(c->sendq->sacked, 0);
	ck_assert_uint_eq(c->sendq->lost, 4);
	ck_assert_uint_eq(c->sendq->in_flight, 0);
}
END_TEST

/* What was taken for lost goes back to where it was in the order of transmission. */
START_TEST(losses_taken_back)
{
	struct rte_mbuf *m[6];

	append(6 * MSS);
	for (unsigned i = 0; i < 6; i++)
		m[i] = transmit_next();
	transmit(m[1]); /* 0 2 3 4 5 1 */
	lose(m[1]);
	lose(m[3]);
	lose(m[0]);
	tcp_sendq_unmark_lost(c);
	check_queue();
	ck_assert_ptr_eq(c->sendq->thead, m[0]);
	ck_assert_ptr_eq(tcp_seg(m[2])->tnext, m[3]);
	ck_assert_ptr_eq(c->sendq->ttail, m[1]);
	ck_assert_uint_eq(c->sendq->in_flight, 6 * MSS);
}
END_TEST

/* Segments that went out together, as after a long time without room: taken back, they are in the order of the sequence. */
START_TEST(losses_of_one_moment_taken_back)
{
	struct rte_mbuf *m[4];

	append(4 * MSS);
	for (unsigned i = 0; i < 4; i++) {
		m[i] = transmit_next();
		clock_ns--;
	}
	lose(m[2]);
	lose(m[1]);
	tcp_sendq_unmark_lost(c);
	check_queue();
	for (unsigned i = 0; i < 3; i++)
		ck_assert_ptr_eq(tcp_seg(m[i])->tnext, m[i + 1]);
}
END_TEST

/* A hint from which to look for the place of a lost segment may lie on either side of it. */
START_TEST(lost_before_and_behind_the_hint)
{
	struct rte_mbuf *m[6];

	append(6 * MSS);
	for (unsigned i = 0; i < 6; i++)
		m[i] = transmit_next();
	lose(m[5]);
	tcp_sendq_mark_lost(c, m[3], m[5]);
	check_queue();
	tcp_sendq_mark_lost(c, m[4], m[3]);
	check_queue();
	tcp_sendq_mark_lost(c, m[0], m[4]);
	check_queue();
	ck_assert_ptr_eq(c->sendq->lost_head, m[0]);
}
END_TEST

START_TEST(freed_queue_is_empty)
{
	append(3 * MSS);
	transmit_next();
	transmit_next();
	lose(seg(0));
	tcp_sendq_free(c);
	ck_assert_ptr_null(c->sendq->head);
	ck_assert_ptr_null(c->sendq->unsent);
	ck_assert_ptr_null(c->sendq->thead);
	ck_assert_uint_eq(c->sendq->bytes + c->sendq->in_flight + c->sendq->lost, 0);
	tcp_sendq_free(c);
}
END_TEST

/* ---- random operations against a model */

#define STREAM (1u << 21)
#define OPERATIONS 30000

/* What the model knows of one sequence number. */
struct number {
	uint32_t sent_ns; /* 0: never */
	uint16_t times;
	uint8_t state; /* TCP_SEG_LOST, TCP_SEG_SACKED, 0 */
	bool forgotten; /* when it was sent, because it was SACKED in between */
};

static struct number model[STREAM + 1];

static void
check_model(void)
{
	for (struct rte_mbuf *m = c->sendq->head; m; m = tcp_seg(m)->next) {
		const struct tcp_seg *s = tcp_seg(m);

		for (uint32_t i = 0; i < tcp_seg_span(s); i++) {
			const struct number *n = &model[s->seq - FIRST + i];

			MUST(n->times == s->times);
			MUST(n->state == (s->flags & (TCP_SEG_LOST | TCP_SEG_SACKED)));
			if (n->state != TCP_SEG_SACKED)
				MUST(s->sent_ns == (n->forgotten ? 0 : n->sent_ns));
		}
	}
}

static struct rte_mbuf *
random_seg(struct mr_rng *r)
{
	unsigned n = count();

	return n ? seg(mr_rng_below(r, n)) : NULL;
}

static void
model_transmit(struct rte_mbuf *m)
{
	const struct tcp_seg *s = tcp_seg(m);

	for (uint32_t i = 0; i < tcp_seg_span(s); i++) {
		struct number *n = &model[s->seq - FIRST + i];

		n->sent_ns = (uint32_t)clock_ns;
		n->times++;
		n->state = 0;
		n->forgotten = false;
	}
	transmit(m);
}

static void
model_lose(struct rte_mbuf *m)
{
	const struct tcp_seg *s = tcp_seg(m);

	for (uint32_t i = 0; i < tcp_seg_span(s); i++) {
		struct number *n = &model[s->seq - FIRST + i];

		if (n->times > 0 && n->state == 0)
			n->state = TCP_SEG_LOST;
	}
	lose(m);
}

static void
model_lose_all(void)
{
	for (uint32_t i = c->snd_una - FIRST; i < c->snd_nxt - FIRST; i++)
		if (model[i].state == 0)
			model[i].state = TCP_SEG_LOST;
	tcp_sendq_mark_all_lost(c);
}

static void
model_sack(struct rte_mbuf *m)
{
	const struct tcp_seg *s = tcp_seg(m);

	for (uint32_t i = 0; i < tcp_seg_span(s); i++)
		if (model[s->seq - FIRST + i].times > 0)
			model[s->seq - FIRST + i].state = TCP_SEG_SACKED;
	sack(m);
}

/* The peer has thrown away what it had SACKed. */
static void
model_renege(void)
{
	for (uint32_t i = c->snd_una - FIRST; i < c->snd_nxt - FIRST; i++)
		if (model[i].state == TCP_SEG_SACKED) {
			model[i].state = TCP_SEG_LOST;
			model[i].forgotten = true;
		}
	tcp_sendq_forget_sacked(c);
}

/* What was taken for lost was not. */
static void
model_unlose(void)
{
	for (uint32_t i = c->snd_una - FIRST; i < c->snd_nxt - FIRST; i++)
		if (model[i].state == TCP_SEG_LOST)
			model[i].state = 0;
	tcp_sendq_unmark_lost(c);
}

/* Who acknowledges a part of a segment that he has SACKed does not have the rest any more. */
static void
model_cut(uint32_t upto)
{
	for (struct rte_mbuf *m = c->sendq->head; m && seq_lt(tcp_seg(m)->seq, upto); m = tcp_seg(m)->next)
		if ((tcp_seg(m)->flags & TCP_SEG_SACKED) && seq_gt(tcp_seg_end(tcp_seg(m)), upto))
			for (uint32_t i = upto - FIRST; i < tcp_seg_end(tcp_seg(m)) - FIRST; i++) {
				model[i].state = TCP_SEG_LOST;
				model[i].forgotten = true;
			}
}

/* The newest transmission and whether any was repeated, of the segments that an ACK touches. */
static void
model_ack(uint32_t upto)
{
	uint32_t newest = 0, bytes = c->sendq->bytes;
	bool again = false, forgotten = false;

	/* Of SACKED ones their SACK has told. */
	for (uint32_t i = c->snd_una - FIRST; i < upto - FIRST; i++) {
		if (model[i].state != TCP_SEG_SACKED)
			newest = RTE_MAX(newest, model[i].sent_ns);
		again |= model[i].times > 1;
		forgotten |= model[i].forgotten;
	}
	model_cut(upto);
	MUST(bytes - ack(upto) == c->sendq->bytes);
	MUST((newest_ns == newest || forgotten) && resent == again);
}

static void
random_operation(struct mr_rng *r)
{
	struct rte_mbuf *m = random_seg(r);
	uint32_t outstanding = c->snd_nxt - c->snd_una, written = end_seq() - FIRST;

	clock_ns += mr_rng_below(r, 3);
	switch (mr_rng_below(r, 16)) {
	case 0:
	case 1:
		if (written < STREAM)
			append(RTE_MIN(mr_rng_below(r, 2 * MSS), STREAM - written));
		break;
	case 2:
	case 3:
	case 4:
	case 5:
		if (c->sendq->unsent)
			model_transmit(c->sendq->unsent);
		break;
	case 6:
		if (m && (tcp_seg(m)->flags & SACKED) == TCP_SEG_SENT)
			model_transmit(m);
		break;
	case 7:
		if (m)
			model_lose(m);
		break;
	case 8:
		if (mr_rng_below(r, 8) == 0)
			model_lose_all();
		else if (tcp_sendq_first_lost(c->sendq))
			model_transmit(tcp_sendq_first_lost(c->sendq));
		break;
	case 9:
		if (m && tcp_seg(m)->len > 1 && !(tcp_seg(m)->flags & TCP_SEG_SACKED))
			tcp_sendq_split(c, m, 1 + mr_rng_below(r, tcp_seg(m)->len - 1));
		break;
	case 10:
		if (outstanding)
			model_ack(c->snd_una + 1 + mr_rng_below(r, outstanding));
		break;
	case 11:
	case 12:
	case 13:
		if (m)
			model_sack(m);
		break;
	case 14:
		if (mr_rng_below(r, 16) == 0)
			model_renege();
		else if (mr_rng_below(r, 4) == 0)
			model_unlose();
		break;
	default:
		if (mr_rng_below(r, 10) == 0 && outstanding)
			model_ack(c->snd_nxt);
		break;
	}
}

START_TEST(random_operations)
{
	struct mr_rng r;
	bool fin = false;

	mr_rng_seed(&r, (uint64_t)_i + 1);
	memset(model, 0, sizeof(model));
	stack->tx_held_max = _i & 1 ? 20 : 200;
	for (int i = 0; i < OPERATIONS; i++) {
		random_operation(&r);
		if (!fin && end_seq() - FIRST >= STREAM)
			fin = tcp_sendq_fin(c);
		check_queue();
		check_model();
	}
	ck_assert_uint_lt(c->snd_una, FIRST); /* the numbers have wrapped */
	while (c->sendq->unsent)
		model_transmit(c->sendq->unsent);
	model_ack(c->snd_nxt);
	ck_assert_ptr_null(c->sendq->head);
	ck_assert_uint_eq(c->sendq->in_flight, 0);
}
END_TEST

static Suite *
suite(void)
{
	Suite *s = suite_create("tcp_board");
	TCase *t = rig_case(s, "split and loss", setup, teardown);

	tcase_add_test(t, split_unsent);
	tcase_add_test(t, split_in_flight);
	tcase_add_test(t, split_lost);
	tcase_add_test(t, split_what_is_left_of_a_segment);
	tcase_add_test(t, order_of_transmission);
	tcase_add_test(t, loss_is_marked_once);
	tcase_add_test(t, timeout_loses_all_that_was_sent);
	tcase_add_test(t, transmissions_are_counted_to_the_limit);
	tcase_add_test(t, runs_grow_together);
	tcase_add_test(t, lost_one_turns_up);
	tcase_add_test(t, reneging);
	tcase_add_test(t, losses_taken_back);
	tcase_add_test(t, losses_of_one_moment_taken_back);
	tcase_add_test(t, lost_before_and_behind_the_hint);
	tcase_add_test(t, freed_queue_is_empty);
	t = rig_case(s, "model", setup, teardown);
	tcase_set_timeout(t, 120);
	tcase_add_loop_test(t, random_operations, 0, 6);
	return s;
}

RIG_MAIN(suite)
