/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Endpoints that were refused memory to send with: when they are told that there is some again.
 */
#include "fakestack_watch.h"

START_TEST(starved)
{
	struct fk_ep *a = fk_ep(NULL, 7, 0), *b = fk_ep(NULL, 8, 0), *gone = fk_ep(NULL, 9, 0);
	struct watch x, y, z;

	watch_set(&x, a, MR_EV_OUT, 'x');
	watch_set(&y, b, MR_EV_OUT, 'y');
	watch_set(&z, gone, MR_EV_OUT, 'z');
	fk.s->tx_held = fk.s->tx_held_max;
	ck_assert(!mr_stack_tx_room(fk.s));
	mr_ep_starved(&a->ep);
	mr_ep_starved(&gone->ep);
	mr_ep_starved(&a->ep);
	fk_poll();
	ck_assert_uint_eq(x.calls, 0);
	/* Not for every single buffer. */
	fk.s->tx_held = fk.s->tx_held_max - fk.s->tx_held_max / 4 + 1;
	fk_poll();
	ck_assert_uint_eq(x.calls, 0);
	mr_ep_close(&gone->ep);
	fk.s->tx_held--;
	fk_poll();
	ck_assert_uint_eq(x.calls, 1);
	ck_assert_uint_eq(x.last, MR_EV_OUT);
	ck_assert_uint_eq(y.calls, 0);
	ck_assert_uint_eq(z.calls, 0);
	fk_poll();
	ck_assert_uint_eq(x.calls, 1);
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
	tcase_add_test(tc, starved_with_events);
	tcase_add_test(tc, starved_by_a_link);
	return s;
}

RIG_MAIN(suite)
