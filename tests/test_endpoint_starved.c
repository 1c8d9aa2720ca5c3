/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Endpoints that were refused memory to send with: when they are told that there is some again.
 */
#include "fakestack_watch.h"

/* A waiter that takes memory when it is told: as many mbufs as it wants and there are, and then it waits again. */
struct taker {
	struct watch x; /* first */
	unsigned wants, took;
};

static void
take(struct watch *x)
{
	struct taker *t = (struct taker *)x;

	for (; t->wants > 0 && mr_stack_tx_hold(fk.s, 1); t->wants--)
		t->took++;
	if (t->wants > 0)
		mr_ep_starved(t->x.ep);
}

static void
taker_set(struct taker *t, uint16_t port, char name, unsigned wants)
{
	watch_set(&t->x, fk_ep(NULL, port, 0), MR_EV_OUT, name);
	t->x.act = take;
	t->wants = wants;
	t->took = 0;
	mr_ep_starved(t->x.ep);
}

static void
room(uint32_t n)
{
	fk.s->tx_held = fk.s->tx_held_max - n;
}

/* A turn. @return whom it told, in order: the letters of their watches */
static const char *
told(void)
{
	memset(fk.order, 0, sizeof(fk.order));
	fk_poll();
	fk.order[strcspn(fk.order, "p")] = '\0'; /* the turn's end */
	return fk.order;
}

START_TEST(starved)
{
	struct fk_ep *a = fk_ep(NULL, 7, 0), *b = fk_ep(NULL, 8, 0), *gone = fk_ep(NULL, 9, 0);
	struct watch x, y, z;

	watch_set(&x, a, MR_EV_OUT, 'x');
	watch_set(&y, b, MR_EV_OUT, 'y');
	watch_set(&z, gone, MR_EV_OUT, 'z');
	room(0);
	ck_assert(!mr_stack_tx_room(fk.s));
	mr_ep_starved(&a->ep);
	mr_ep_starved(&gone->ep);
	mr_ep_starved(&a->ep);
	fk_poll();
	ck_assert_uint_eq(x.calls, 0);
	mr_ep_close(&gone->ep);
	ck_assert_uint_eq(mr_stack_next_ns(fk.s), UINT64_MAX);
	room(1);
	ck_assert_uint_eq(mr_stack_next_ns(fk.s), fk.now); /* nothing need arrive for it */
	fk_poll();
	ck_assert_uint_eq(x.calls, 1);
	ck_assert_uint_eq(x.last, MR_EV_OUT);
	ck_assert_uint_eq(y.calls, 0);
	ck_assert_uint_eq(z.calls, 0);
	ck_assert_uint_eq(mr_stack_next_ns(fk.s), UINT64_MAX);
	fk_poll();
	ck_assert_uint_eq(x.calls, 1);
	/* Nobody waits, but memory is short until a quarter is free. */
	room(fk.s->tx_held_max / 4 - 1);
	fk_poll();
	ck_assert(fk.s->tx_starved);
	room(fk.s->tx_held_max / 4);
	fk_poll();
	ck_assert(!fk.s->tx_starved);
	fk.s->tx_held = 0;
}
END_TEST

/* As many as there are mbufs, in the order of waiting, and whoever does not get all waits again, behind the others. */
START_TEST(starved_in_order)
{
	struct taker t[5];

	room(0);
	for (unsigned i = 0; i < 5; i++)
		taker_set(&t[i], (uint16_t)(7 + i), (char)('a' + i), 1 + i % 2);
	ck_assert_str_eq(told(), "");
	room(2);
	ck_assert_str_eq(told(), "ab"); /* one for a; b wants two and has one; none for c */
	ck_assert_str_eq(told(), "");
	ck_assert(fk.s->tx_starved);
	room(3);
	ck_assert_str_eq(told(), "cd");
	room(3);
	ck_assert_str_eq(told(), "eb");
	for (unsigned i = 0; i < 5; i++)
		ck_assert_uint_eq(t[i].took, 1 + i % 2);
	fk.s->tx_held = 0;
}
END_TEST

/* Those who are told take nothing at once, as applications do that work after the turn: no more are told than can be served,
 * and each once a turn, whatever it asks for. */
START_TEST(starved_taken_later)
{
	struct taker t[3];

	room(0);
	for (unsigned i = 0; i < 3; i++) {
		taker_set(&t[i], (uint16_t)(7 + i), (char)('a' + i), 0);
		t[i].x.act = NULL;
	}
	room(2);
	ck_assert_str_eq(told(), "ab");
	ck_assert_uint_eq(mr_stack_next_ns(fk.s), fk.now);
	room(0);
	ck_assert_uint_eq(mr_stack_next_ns(fk.s), UINT64_MAX);
	ck_assert_str_eq(told(), "");
	room(2);
	ck_assert_str_eq(told(), "c");
	fk.s->tx_held = 0;
}
END_TEST

static void
refused(struct watch *x)
{
	mr_ep_starved(x->ep);
}

/* Refused for another reason than memory: told again in the next turn, not in this one. */
START_TEST(starved_once_a_turn)
{
	struct fk_ep *a = fk_ep(NULL, 7, 0), *b = fk_ep(NULL, 8, 0);
	struct watch x, y;

	watch_set(&x, a, MR_EV_OUT, 'x');
	watch_set(&y, b, MR_EV_OUT, 'y');
	x.act = y.act = refused;
	mr_ep_starved(&a->ep);
	mr_ep_starved(&b->ep);
	ck_assert_str_eq(told(), "xy");
	ck_assert_str_eq(told(), "xy");
}
END_TEST

static void
close_other(struct watch *x)
{
	mr_ep_close(x->other->ep);
}

/* One that is told closes the next of those that wait, and itself. */
START_TEST(starved_closes)
{
	struct fk_ep *e[3] = {fk_ep(NULL, 7, 0), fk_ep(NULL, 8, 0), fk_ep(NULL, 9, 0)};
	struct watch x[3];

	for (unsigned i = 0; i < 3; i++)
		watch_set(&x[i], e[i], MR_EV_OUT, (char)('x' + i));
	x[0].act = close_other;
	x[0].other = &x[1];
	x[2].act = close_other;
	x[2].other = &x[2];
	room(0);
	for (unsigned i = 0; i < 3; i++)
		mr_ep_starved(&e[i]->ep);
	room(3);
	ck_assert_str_eq(told(), "xz");
	ck_assert_uint_eq(fk.s->n_starved, 0);
	fk.s->tx_held = 0;
}
END_TEST

/* Who has waited comes before those that are told something else, and take what they find. */
START_TEST(starved_before_others)
{
	struct fk_ep *other = fk_ep(NULL, 6, 0);
	struct taker t;
	struct watch x;

	watch_set(&x, other, MR_EV_IN, 'x');
	room(0);
	taker_set(&t, 7, 'a', 1);
	mr_ep_event(&other->ep, MR_EV_IN);
	room(1);
	ck_assert_str_eq(told(), "ax");
	ck_assert_uint_eq(t.took, 1);
	fk.s->tx_held = 0;
}
END_TEST

/* Other events on the way change nothing: neither that it waits, nor that it is told. */
START_TEST(starved_with_events)
{
	struct fk_ep *a = fk_ep(NULL, 7, 0), *gone = fk_ep(NULL, 8, 0);
	struct watch x, z;

	watch_set(&x, a, MR_EV_IN | MR_EV_OUT, 'x');
	watch_set(&z, gone, MR_EV_IN | MR_EV_OUT, 'z');
	fk.s->tx_held = fk.s->tx_held_max;
	mr_ep_event(&a->ep, MR_EV_IN);
	mr_ep_starved(&a->ep);
	mr_ep_starved(&gone->ep);
	mr_ep_event(&gone->ep, MR_EV_IN);
	fk_poll();
	ck_assert_uint_eq(x.all, MR_EV_IN);
	ck_assert_uint_eq(z.all, MR_EV_IN);
	mr_ep_event(&a->ep, MR_EV_IN);
	mr_ep_event(&gone->ep, MR_EV_IN);
	mr_ep_close(&gone->ep);
	fk_poll();
	ck_assert_uint_eq(x.all, MR_EV_IN);
	mr_ep_event(&a->ep, MR_EV_IN); /* in the turn that finds memory, too */
	fk.s->tx_held = 0;
	fk_poll();
	ck_assert_uint_eq(x.last, MR_EV_IN | MR_EV_OUT);
	ck_assert_uint_eq(x.calls, 3);
	fk_poll();
	ck_assert_uint_eq(x.calls, 3);
}
END_TEST

/* Nothing waits in queues, but a link has all mbufs: who was refused would be refused again. */
START_TEST(starved_by_a_link)
{
	struct fk_ep *a = fk_ep(NULL, 7, 0);
	struct mr_pktq link = {0};
	struct watch x;

	watch_set(&x, a, MR_EV_OUT, 'x');
	for (struct rte_mbuf *m; (m = rte_pktmbuf_alloc(fk.s->tx_pool));)
		mr_pktq_push(&link, m);
	mr_ep_starved(&a->ep);
	fk_poll();
	ck_assert_uint_eq(x.calls, 0);
	rte_pktmbuf_free(mr_pktq_pop(&link));
	fk_poll();
	ck_assert_uint_eq(x.calls, 1);
	for (struct rte_mbuf *m; (m = mr_pktq_pop(&link));)
		rte_pktmbuf_free(m);
}
END_TEST

static Suite *
suite(void)
{
	Suite *s = suite_create("endpoint_starved");
	TCase *tc = rig_case(s, "starved", fk_setup, fk_teardown);

	tcase_add_test(tc, starved);
	tcase_add_test(tc, starved_in_order);
	tcase_add_test(tc, starved_taken_later);
	tcase_add_test(tc, starved_once_a_turn);
	tcase_add_test(tc, starved_closes);
	tcase_add_test(tc, starved_before_others);
	tcase_add_test(tc, starved_with_events);
	tcase_add_test(tc, starved_by_a_link);
	return s;
}

RIG_MAIN(suite)
