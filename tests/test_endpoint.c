/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Endpoints and the turn: when waiters are called and when not, what they may do, who is asked for output, the order of
 * the stages. Alarms: test_alarms.c; no memory to send with: test_endpoint_starved.c. The endpoints are the test's own and
 * die at once when they are closed, memory and all.
 */
#include "fakestack_watch.h"

/* ---- events */

START_TEST(told_once_a_turn)
{
	struct fk_ep *e = fk_ep(NULL, 7, 0);
	struct watch x;

	watch_set(&x, e, MR_EV_IN | MR_EV_OUT, 'x');
	mr_ep_event(&e->ep, MR_EV_IN);
	mr_ep_event(&e->ep, MR_EV_IN);
	mr_ep_event(&e->ep, MR_EV_OUT);
	ck_assert_uint_eq(x.calls, 0); /* never from inside a call */
	ck_assert_uint_eq(mr_stack_next_ns(fk.s), fk.now);
	ck_assert_uint_eq(fk_poll(), 1);
	ck_assert_uint_eq(x.calls, 1);
	ck_assert_uint_eq(x.last, MR_EV_IN | MR_EV_OUT);
	ck_assert_uint_eq(fk_poll(), 0);
	ck_assert_uint_eq(x.calls, 1);
	ck_assert_uint_eq(mr_stack_next_ns(fk.s), UINT64_MAX);
	/* A burst of packets is one event. */
	struct fk_link *k = fk_nic(1);

	fk_add(1, "10.0.0.1/24", 0);
	for (unsigned i = 0; i < 20; i++)
		fk_push_pkt(k, "10.0.0.9", 1, "10.0.0.1", 7, i);
	fk_poll();
	ck_assert_uint_eq(e->rx, 20);
	ck_assert_uint_eq(x.calls, 2);
	ck_assert_uint_eq(x.last, MR_EV_IN);
}
END_TEST

START_TEST(masks_and_order)
{
	struct fk_ep *a = fk_ep(NULL, 7, 0), *b = fk_ep(NULL, 8, 0);
	struct watch in, out, both, on_b;

	watch_set(&in, a, MR_EV_IN, 'i');
	watch_set(&out, a, MR_EV_OUT, 'u');
	watch_set(&both, a, MR_EV_IN | MR_EV_HUP, 'h');
	watch_set(&on_b, b, MR_EV_IN, 'b');
	mr_ep_event(&b->ep, MR_EV_IN);
	mr_ep_event(&a->ep, MR_EV_IN | MR_EV_ERR);
	fk_poll();
	ck_assert_uint_eq(in.calls, 1);
	ck_assert_uint_eq(out.calls, 0);
	ck_assert_uint_eq(both.calls, 1);
	ck_assert_uint_eq(both.last, MR_EV_IN);
	ck_assert_int_eq(fk.order[0], 'b'); /* as they were noted */
	mr_ep_event(&a->ep, MR_EV_HUP);
	fk_poll();
	ck_assert_uint_eq(in.calls, 1);
	ck_assert_uint_eq(both.last, MR_EV_HUP);
	mr_ep_unwait(&a->ep, &both.w);
	mr_ep_unwait(&a->ep, &both.w);
	mr_ep_event(&a->ep, MR_EV_HUP | MR_EV_OUT);
	fk_poll();
	ck_assert_uint_eq(both.calls, 2);
	ck_assert_uint_eq(out.calls, 1);
}
END_TEST

START_TEST(wait_tells_what_is_ready)
{
	struct fk_ep *e = fk_ep(NULL, 7, 0);
	struct watch x;

	/* Nobody listens: nothing is kept. */
	mr_ep_event(&e->ep, MR_EV_IN);
	ck_assert_uint_eq(fk_poll(), 0);
	watch_set(&x, e, MR_EV_IN, 'x');
	ck_assert_uint_eq(fk_poll(), 0);
	mr_ep_unwait(&e->ep, &x.w);
	e->ready = MR_EV_IN | MR_EV_OUT;
	ck_assert_uint_eq(mr_ep_readiness(&e->ep), MR_EV_IN | MR_EV_OUT);
	watch_set(&x, e, MR_EV_IN, 'x');
	ck_assert_uint_eq(x.calls, 0);
	fk_poll();
	ck_assert_uint_eq(x.calls, 1);
	ck_assert_uint_eq(x.last, MR_EV_IN);
	fk_poll();
	ck_assert_uint_eq(x.calls, 1);
}
END_TEST

static void
act_event_again(struct watch *x)
{
	mr_ep_event(x->ep, MR_EV_IN);
}

/* Whoever keeps noting events is told once a turn, for ever, and the turn ends. */
START_TEST(event_in_callback)
{
	struct fk_ep *e = fk_ep(NULL, 7, 0);
	struct watch x;

	watch_set(&x, e, MR_EV_IN, 'x');
	x.act = act_event_again;
	mr_ep_event(&e->ep, MR_EV_IN);
	for (unsigned i = 1; i < 5; i++) {
		fk_poll();
		ck_assert_uint_eq(x.calls, i);
	}
}
END_TEST

static void
act_event_other(struct watch *x)
{
	mr_ep_event(x->other->ep, MR_EV_OUT);
}

START_TEST(event_for_another_in_callback)
{
	struct fk_ep *a = fk_ep(NULL, 7, 0), *b = fk_ep(NULL, 8, 0);
	struct watch x, y;

	watch_set(&x, a, MR_EV_IN, 'x');
	watch_set(&y, b, MR_EV_IN | MR_EV_OUT, 'y');
	x.act = act_event_other;
	x.other = &y;
	/* b waits to be told in this turn anyway: in one call. */
	mr_ep_event(&a->ep, MR_EV_IN);
	mr_ep_event(&b->ep, MR_EV_IN);
	fk_poll();
	ck_assert_uint_eq(y.calls, 1);
	ck_assert_uint_eq(y.last, MR_EV_IN | MR_EV_OUT);
	fk_poll();
	ck_assert_uint_eq(y.calls, 1);
	/* b has been told: next turn. */
	mr_ep_event(&b->ep, MR_EV_IN);
	mr_ep_event(&a->ep, MR_EV_IN);
	fk_poll();
	ck_assert_uint_eq(y.calls, 2);
	ck_assert_uint_eq(y.last, MR_EV_IN);
	fk_poll();
	ck_assert_uint_eq(y.calls, 3);
	ck_assert_uint_eq(y.last, MR_EV_OUT);
}
END_TEST

/* ---- closing from inside */

static void
act_close(struct watch *x)
{
	mr_ep_close(x->ep);
}

static void
act_abort(struct watch *x)
{
	mr_ep_abort(x->ep);
}

static void
act_close_reopen(struct watch *x)
{
	struct mr_ep *fresh;

	mr_ep_close(x->ep);
	/* Likely the same memory. */
	ck_assert_int_eq(mr_ep_create(fk.s, FK_TRANS, MR_NET_IPV4, &fresh), 0);
	mr_ep_wait(fresh, &x->other->w);
	x->other->ep = fresh;
}

/* The endpoint is gone within the callback: later waiters of it are not called, its events are not told. */
START_TEST(close_in_callback)
{
	void (*const acts[])(struct watch *) = {act_close, act_abort, act_close_reopen};

	for (unsigned i = 0; i < RTE_DIM(acts); i++) {
		struct fk_ep *e = fk_ep(NULL, 7, 0), *after = fk_ep(NULL, 8, 0);
		struct watch first, second, third, later, fresh = {.w = {.mask = MR_EV_IN, .fn = watch_fn, .arg = &fresh}};

		watch_set(&third, e, MR_EV_IN, '3');
		watch_set(&second, e, MR_EV_IN, '2');
		watch_set(&first, e, MR_EV_IN, '1');
		watch_set(&later, after, MR_EV_IN, 'l');
		second.act = acts[i];
		second.other = &fresh;
		mr_ep_event(&e->ep, MR_EV_IN);
		mr_ep_event(&after->ep, MR_EV_IN);
		mr_ep_mark_dirty(&e->ep);
		fk_poll();
		/* Waiters are called newest first. */
		ck_assert_uint_eq(first.calls, 1);
		ck_assert_uint_eq(second.calls, 1);
		ck_assert_uint_eq(third.calls, 0);
		ck_assert_uint_eq(later.calls, 1);
		ck_assert_uint_eq(fresh.calls, 0);
		fk_poll();
		ck_assert_uint_eq(first.calls + second.calls + third.calls, 2);
		if (fresh.ep)
			mr_ep_close(fresh.ep);
		mr_ep_close(&after->ep);
		ck_assert_uint_eq(fk_eps_used(), 0);
	}
}
END_TEST

static void
act_close_other(struct watch *x)
{
	if (x->other->ep)
		mr_ep_close(x->other->ep);
	x->other->ep = NULL;
}

/* Closing one that is still to be told, as the next and as the last of the list; the list lives on. */
START_TEST(close_another_in_callback)
{
	for (unsigned victim = 1; victim < 4; victim++) {
		struct fk_ep *e[4];
		struct watch x[4];

		for (unsigned i = 0; i < 4; i++) {
			e[i] = fk_ep(NULL, 7 + i, 0);
			watch_set(&x[i], e[i], MR_EV_IN, 'a' + i);
			mr_ep_event(&e[i]->ep, MR_EV_IN);
			mr_ep_mark_dirty(&e[i]->ep);
		}
		x[0].act = act_close_other;
		x[0].other = &x[victim];
		fk_poll();
		for (unsigned i = 0; i < 4; i++)
			ck_assert_uint_eq(x[i].calls, i != victim);
		for (unsigned i = 0; i < 4; i++) {
			if (i == victim)
				continue;
			ck_assert_uint_eq(e[i]->outputs, 1);
			mr_ep_event(&e[i]->ep, MR_EV_IN);
		}
		fk_poll();
		for (unsigned i = 0; i < 4; i++)
			ck_assert_uint_eq(x[i].calls, i == victim ? 0 : 2);
		for (unsigned i = 0; i < 4; i++) {
			if (i != victim)
				mr_ep_close(&e[i]->ep);
		}
	}
	ck_assert_uint_eq(fk_eps_used(), 0);
}
END_TEST

/* The last of either list leaves it: who comes next is not lost. */
START_TEST(close_last_of_the_lists)
{
	struct fk_ep *a = fk_ep(NULL, 7, 0), *b = fk_ep(NULL, 8, 0), *c = fk_ep(NULL, 9, 0);
	struct watch x, y, z;

	watch_set(&x, a, MR_EV_IN, 'x');
	watch_set(&y, b, MR_EV_IN, 'y');
	watch_set(&z, c, MR_EV_IN, 'z');
	mr_ep_event(&a->ep, MR_EV_IN);
	mr_ep_event(&b->ep, MR_EV_IN);
	mr_ep_mark_dirty(&a->ep);
	mr_ep_mark_dirty(&b->ep);
	mr_ep_close(&b->ep);
	mr_ep_event(&c->ep, MR_EV_IN);
	mr_ep_mark_dirty(&c->ep);
	ck_assert_uint_eq(fk_poll(), 4);
	ck_assert_uint_eq(x.calls + z.calls, 2);
	ck_assert_uint_eq(y.calls, 0);
	ck_assert_uint_eq(a->outputs + c->outputs, 2);
	/* And the only one. */
	mr_ep_event(&c->ep, MR_EV_IN);
	mr_ep_mark_dirty(&c->ep);
	mr_ep_close(&c->ep);
	mr_ep_event(&a->ep, MR_EV_IN);
	mr_ep_mark_dirty(&a->ep);
	ck_assert_uint_eq(fk_poll(), 2);
	ck_assert_uint_eq(x.calls, 2);
}
END_TEST

static void
act_unwait_self(struct watch *x)
{
	mr_ep_unwait(x->ep, &x->w);
	memset(&x->w, 0xee, sizeof(x->w)); /* the memory is the caller's again */
}

static void
act_unwait_other(struct watch *x)
{
	mr_ep_unwait(x->ep, &x->other->w);
	memset(&x->other->w, 0xee, sizeof(x->other->w));
}

static void
act_wait_other(struct watch *x)
{
	mr_ep_wait(x->ep, &x->other->w);
	x->act = NULL;
}

START_TEST(waiters_change_in_callback)
{
	struct fk_ep *e = fk_ep(NULL, 7, 0);
	struct watch a, b, c, d = {.w = {.mask = MR_EV_IN, .fn = watch_fn, .arg = &d}, .ep = &e->ep};

	watch_set(&a, e, MR_EV_IN, 'a');
	watch_set(&b, e, MR_EV_IN, 'b');
	watch_set(&c, e, MR_EV_IN, 'c');
	c.act = act_unwait_self; /* the first to be called */
	mr_ep_event(&e->ep, MR_EV_IN);
	fk_poll();
	ck_assert_uint_eq(a.calls + b.calls + c.calls, 3);
	b.act = act_unwait_other; /* now the first; a is the next */
	b.other = &a;
	mr_ep_event(&e->ep, MR_EV_IN);
	fk_poll();
	ck_assert_uint_eq(a.calls, 1);
	ck_assert_uint_eq(b.calls, 2);
	b.act = act_wait_other;
	b.other = &d;
	mr_ep_event(&e->ep, MR_EV_IN);
	fk_poll();
	ck_assert_uint_eq(d.calls, 0); /* from the next event on */
	mr_ep_event(&e->ep, MR_EV_IN);
	fk_poll();
	ck_assert_uint_eq(d.calls, 1);
	ck_assert_uint_eq(b.calls, 4);
}
END_TEST

/* ---- output */

START_TEST(output_once_a_turn)
{
	struct fk_ep *e = fk_ep(NULL, 7, 0), *f = fk_ep(NULL, 8, 0);

	mr_ep_mark_dirty(&e->ep);
	mr_ep_mark_dirty(&e->ep);
	mr_ep_mark_dirty(&f->ep);
	ck_assert_uint_eq(mr_stack_next_ns(fk.s), fk.now);
	ck_assert_uint_eq(e->outputs, 0);
	ck_assert_uint_eq(fk_poll(), 2);
	ck_assert_uint_eq(e->outputs, 1);
	ck_assert_uint_eq(f->outputs, 1);
	ck_assert_uint_eq(fk_poll(), 0);
	/* Who wants more comes again in the next turn. */
	e->again = 3;
	mr_ep_mark_dirty(&e->ep);
	for (unsigned i = 2; i < 6; i++) {
		fk_poll();
		ck_assert_uint_eq(e->outputs, i);
	}
	fk_poll();
	ck_assert_uint_eq(e->outputs, 5);
}
END_TEST

static struct fk_ep *victim;

static void
output_close_self(struct fk_ep *e)
{
	mr_ep_close(&e->ep);
}

static void
output_close_victim(struct fk_ep *e)
{
	(void)e;
	if (victim)
		mr_ep_close(&victim->ep);
	victim = NULL;
}

START_TEST(close_in_output)
{
	struct fk_ep *a = fk_ep(NULL, 7, 0), *b = fk_ep(NULL, 8, 0), *c = fk_ep(NULL, 9, 0), *d = fk_ep(NULL, 10, 0);

	a->on_output = output_close_self;
	b->on_output = output_close_victim;
	victim = d;
	mr_ep_mark_dirty(&a->ep);
	mr_ep_mark_dirty(&b->ep);
	mr_ep_mark_dirty(&c->ep);
	mr_ep_mark_dirty(&d->ep);
	fk_poll();
	ck_assert_uint_eq(fk_eps_used(), 2);
	ck_assert_uint_eq(c->outputs, 1);
	mr_ep_mark_dirty(&c->ep);
	mr_ep_mark_dirty(&b->ep);
	fk_poll();
	ck_assert_uint_eq(c->outputs, 2);
	ck_assert_uint_eq(b->outputs, 2);
	/* Closed before its turn comes. */
	mr_ep_mark_dirty(&b->ep);
	mr_ep_mark_dirty(&c->ep);
	mr_ep_close(&b->ep);
	fk_poll();
	ck_assert_uint_eq(c->outputs, 3);
	mr_ep_mark_dirty(&c->ep);
	mr_ep_close(&c->ep);
	ck_assert_uint_eq(fk_poll(), 0);
	ck_assert_uint_eq(fk_eps_used(), 0);
}
END_TEST

/* ---- the turn */

static void
alarm_log(struct mr_stack *s, void *arg)
{
	(void)s;
	fk_log(*(const char *)arg);
}

static struct mr_route route;

static void
output_sends(struct fk_ep *e)
{
	(void)e;
	fk_send(&route, 7, 1, 0);
}

static void
act_dirty(struct watch *x)
{
	mr_ep_mark_dirty(x->ep);
}

/* rx, timers, events, output, flush, reap: what comes in is answered in the same turn. */
START_TEST(order_of_stages)
{
	struct fk_link *k = fk_nic(1);
	struct fk_ep *e = fk_ep(NULL, 7, 0);
	struct mr_alarm *al;
	struct watch x;

	fk_add(1, "10.0.0.1/24", 0);
	ck_assert_int_eq(fk_find(1, NULL, "224.0.0.9", &route), 0);
	watch_set(&x, e, MR_EV_IN, 'e');
	x.act = act_dirty;
	e->on_output = output_sends;
	ck_assert_int_eq(mr_alarm_start(fk.s, FK_S, alarm_log, "t", &al), 0);
	fk_push_pkt(k, "10.0.0.9", 1, "10.0.0.1", 7, 0);
	fk.now += 1000000;
	fk.order[0] = 0;
	fk_poll();
	ck_assert_str_eq(fk.order, "riteofp");
	ck_assert_uint_eq(k->tx_n, 1);
	mr_alarm_stop(al);
	mr_route_release(&route);
}
END_TEST

static Suite *
suite(void)
{
	Suite *s = suite_create("endpoint");
	TCase *tc = rig_case(s, "events", fk_setup, fk_teardown);

	tcase_add_test(tc, told_once_a_turn);
	tcase_add_test(tc, masks_and_order);
	tcase_add_test(tc, wait_tells_what_is_ready);
	tcase_add_test(tc, event_in_callback);
	tcase_add_test(tc, event_for_another_in_callback);
	tcase_add_test(tc, close_in_callback);
	tcase_add_test(tc, close_another_in_callback);
	tcase_add_test(tc, close_last_of_the_lists);
	tcase_add_test(tc, waiters_change_in_callback);
	tc = rig_case(s, "output", fk_setup, fk_teardown);
	tcase_add_test(tc, output_once_a_turn);
	tcase_add_test(tc, close_in_output);
	tcase_add_test(tc, order_of_stages);
	return s;
}

RIG_MAIN(suite)
