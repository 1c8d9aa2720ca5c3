/* SPDX-License-Identifier: Apache-2.0 */
/*
 * More connections with something to send than there are transmit mbufs: each has its turn, in the order of waiting.
 */
#include "rig/fixture.h"

#include <errno.h>
#include <string.h>

#include "stack/stack.h"

#define CONNS 24u
#define BUDGET 8u    /* mbufs for all of them */
#define REQUEST 10u
#define ANSWER 100u  /* more than a connection keeps without an mbuf */

/* A server's connection, and its peer. */
static struct conn {
	struct rig_tcp t;
	struct mr_waiter w;
	uint32_t heard, asked, written; /* bytes */
	uint32_t got;                   /* by the peer */
	uint64_t asked_turn;
} conns[CONNS];

static uint64_t turn, longest; /* from a request to its answer, in turns */

static void
on_events(struct mr_ep *ep, uint32_t events, void *arg)
{
	struct conn *c = arg;
	char buf[64];
	ssize_t n;

	(void)events;
	while ((n = mr_ep_recv(ep, buf, sizeof(buf), NULL)) > 0)
		c->heard += (uint32_t)n;
	while (c->written < c->heard / REQUEST * ANSWER) {
		n = rig_ep_send(ep, c->written, ANSWER);
		if (n <= 0)
			break;
		c->written += (uint32_t)n;
	}
}

static void
ask(struct conn *c)
{
	rig_tcp_push(&c->t, RIG_ACK | RIG_PSH, 1 + c->asked, 1 + c->got, REQUEST);
	c->asked += REQUEST;
	c->asked_turn = turn;
}

static void
setup(void)
{
	rig_setup();
	memset(conns, 0, sizeof(conns));
	for (unsigned i = 0; i < CONNS; i++) {
		struct conn *c = &conns[i];

		rig_tcp_init(&c->t, &rig, false);
		c->t.port = (uint16_t)(80 + i);
		c->t.peer_port = (uint16_t)(5000 + i);
		rig_tcp_establish_passive(&c->t);
		c->w = (struct mr_waiter){.mask = MR_EV_IN | MR_EV_OUT, .fn = on_events, .arg = c};
		mr_ep_wait(c->t.ep, &c->w);
	}
	rig_discard(&rig);
	rig.stack->tx_held_max = BUDGET;
	turn = longest = 0;
}

static void
teardown(void)
{
	for (unsigned i = 0; i < CONNS; i++)
		mr_ep_abort(conns[i].t.ep);
	rig_discard(&rig);
	ck_assert_uint_eq(rig.stack->tx_held, 0);
	rig_teardown();
}

/* The next frame with an answer. @return whose it is; NULL: there is none */
static struct conn *
next_answer(void)
{
	const struct rig_frame *f;

	while ((f = rig_next(&rig)) != NULL) {
		struct conn *c = &conns[f->dport - 5000];

		if (f->payload_len == 0 || f->seq - c->t.irs != 1 + c->got)
			continue;
		ck_assert_uint_eq(rig_pattern_check(f->payload, c->got, f->payload_len), f->payload_len);
		c->got += f->payload_len;
		longest = RTE_MAX(longest, turn - c->asked_turn);
		return c;
	}
	return NULL;
}

/* Peers that ask again with each ACK: what it frees is not theirs, while there are others who wait. An answer is taken in each
 * turn, so all others have theirs before a peer's next. */
START_TEST(answers_go_round)
{
	for (unsigned i = 0; i < CONNS; i++)
		ask(&conns[i]);
	rig_poll(&rig);
	ck_assert_uint_eq(rig.stack->tx_held, BUDGET);
	ck_assert_uint_eq(rig.stack->n_starved, CONNS - BUDGET);
	for (turn = 0; turn < 50 * CONNS; turn++) {
		struct conn *c = next_answer();

		ck_assert_ptr_nonnull(c);
		ask(c);
		rig_poll(&rig);
	}
	for (unsigned i = 0; i < CONNS; i++)
		ck_assert_uint_eq(conns[i].got, 50 * ANSWER);
	ck_assert_uint_le(longest, CONNS);
}
END_TEST

/* Peers that take in nothing hold all but one mbuf, less than a quarter of them: with that one the others go on, in turn. */
START_TEST(one_mbuf_for_all)
{
	for (unsigned i = 0; i < BUDGET - 1; i++)
		ask(&conns[i]);
	rig_discard(&rig);
	for (unsigned i = BUDGET; i < CONNS; i++)
		ask(&conns[i]);
	rig_poll(&rig);
	for (turn = 0; turn < 50 * (CONNS - BUDGET); turn++) {
		struct conn *c = next_answer();

		ck_assert_ptr_nonnull(c);
		ask(c);
		rig_poll(&rig);
	}
	for (unsigned i = BUDGET; i < CONNS; i++)
		ck_assert_uint_eq(conns[i].got, 50 * ANSWER);
	ck_assert_uint_le(longest, CONNS - BUDGET);
}
END_TEST

static void
send_all(struct mr_ep *ep, uint32_t events, void *arg)
{
	struct conn *c = arg;
	ssize_t n;

	(void)events;
	while ((n = rig_ep_send(ep, c->written, 4096)) > 0)
		c->written += (uint32_t)n;
}

/* What a waiting connection has sent is acknowledged meanwhile, bit by bit: it does not lose its place by that. */
START_TEST(acks_cost_no_place)
{
	struct conn *bulk = &conns[0], *last = &conns[1];

	bulk->w.fn = send_all;
	last->w.fn = send_all;
	send_all(bulk->t.ep, 0, bulk);
	ck_assert_uint_eq(rig.stack->tx_held, BUDGET);
	send_all(last->t.ep, 0, last);
	ck_assert_uint_eq(last->written, 0);
	ck_assert_uint_eq(rig.stack->n_starved, 2);
	rig_discard(&rig);
	rig_tcp_push(&bulk->t, RIG_ACK, 1, 1 + 100, 0); /* no mbuf comes free */
	rig_discard(&rig);
	rig.stack->tx_held_max += 1;
	rig_discard(&rig);
	ck_assert_uint_gt(bulk->written, BUDGET * 1448);
	ck_assert_uint_eq(last->written, 0);
}
END_TEST

/* A packet for which a connection's own buffer has no room waits for its ACKs, and not for memory. */
START_TEST(packet_beyond_the_buffer)
{
	struct conn *own = &conns[0], *other = &conns[1];
	char data[4096] = {0};
	struct rte_mbuf *m;

	rig.stack->tx_held_max = 64;
	ck_assert_int_eq(mr_ep_setopt(own->t.ep, MR_OPT_SNDBUF, 22000), 0);
	ck_assert_int_eq(rig_ep_send(own->t.ep, 0, 20000), 20000);
	rig.stack->tx_held_max = rig.stack->tx_held;
	send_all(other->t.ep, 0, other);
	ck_assert_uint_eq(rig.stack->n_starved, 1);
	m = mr_stack_tx_copy(rig.stack, data, sizeof(data));
	ck_assert_ptr_nonnull(m);
	ck_assert_int_eq(mr_ep_send_mbuf(own->t.ep, m, NULL), -EAGAIN);
	ck_assert_uint_eq(rig.stack->n_starved, 1);
	/* With room for it, it is memory that lacks. */
	ck_assert_int_eq(mr_ep_setopt(own->t.ep, MR_OPT_SNDBUF, 20000 + sizeof(data)), 0);
	m = mr_stack_tx_copy(rig.stack, data, sizeof(data));
	ck_assert_ptr_nonnull(m);
	ck_assert_int_eq(mr_ep_send_mbuf(own->t.ep, m, NULL), -EAGAIN);
	ck_assert_uint_eq(rig.stack->n_starved, 2);
}
END_TEST

/* One that was told, and has filled its own buffer, has had its turn: what comes free then is for those who wait. */
START_TEST(a_turn_ends)
{
	struct conn *own = &conns[0], *other = &conns[1];

	rig.stack->tx_held_max = 64;
	ck_assert_int_eq(mr_ep_setopt(own->t.ep, MR_OPT_SNDBUF, 22000), 0);
	ck_assert_int_eq(rig_ep_send(own->t.ep, 0, 17000), 17000);
	own->written = 17000;
	rig.stack->tx_held_max = rig.stack->tx_held;
	own->w.fn = send_all;
	send_all(own->t.ep, 0, own);
	ck_assert_uint_eq(rig.stack->n_starved, 1);
	rig.stack->tx_held_max = 20;
	rig_discard(&rig);
	ck_assert_uint_eq(own->written, 22000);
	ck_assert_uint_eq(rig.stack->n_starved, 0);
	while (mr_stack_tx_room(rig.stack)) {
		ck_assert_int_eq(rig_ep_send(other->t.ep, other->written, 1460), 1460);
		other->written += 1460;
	}
	rig_tcp_push(&own->t, RIG_ACK, 1, 1 + 3 * 1460, 0);
	rig_discard(&rig);
	ck_assert(mr_stack_tx_room(rig.stack));
	ck_assert_int_eq(rig_ep_send(own->t.ep, 22000, 1000), -EAGAIN);
	ck_assert_int_eq(rig_ep_send(other->t.ep, other->written, 1000), 1000);
}
END_TEST

static Suite *
suite(void)
{
	Suite *s = suite_create("tcp_starved");
	TCase *tc = rig_case(s, "starved", setup, teardown);

	tcase_add_test(tc, answers_go_round);
	tcase_add_test(tc, one_mbuf_for_all);
	tcase_add_test(tc, acks_cost_no_place);
	tcase_add_test(tc, packet_beyond_the_buffer);
	tcase_add_test(tc, a_turn_ends);
	return s;
}

RIG_MAIN(suite)
