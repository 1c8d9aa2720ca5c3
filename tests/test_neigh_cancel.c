/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Who asks the neighbour cache and does not want to know any more, or for whom the end comes otherwise: cancelled, evicted, gone
 * with the NIC or the stack. S-66 to S-68, SS-12.
 */
#include "fakestack.h"
#include "neigh_watch.h"

/* ---- cancelling */

/* S-68, D-1: in each place that a waiter can be, and where it is not. */
START_TEST(d1_cancel)
{
	struct watcher x[4] = {watcher(), watcher(), watcher(), watcher()};
	struct mr_lladdr ll;

	mr_neigh_cancel(&x[0].w);
	for (unsigned i = 0; i < 4; i++)
		ck_assert_int_eq(get(PEER, &x[i], &ll), -EINPROGRESS);
	mr_neigh_cancel(&x[1].w);
	mr_neigh_cancel(&x[1].w);
	memset(&x[1].w, 0xee, sizeof(x[1].w)); /* the memory is the caller's again */
	answer(PEER, &mac_a);
	mr_neigh_cancel(&x[3].w);
	memset(&x[3].w, 0xee, sizeof(x[3].w));
	turn();
	ck_assert_uint_eq(x[0].told, 1);
	ck_assert_uint_eq(x[1].told, 0);
	ck_assert_uint_eq(x[2].told, 1);
	ck_assert_uint_eq(x[3].told, 0);
	mr_neigh_cancel(&x[0].w);
	/* And it can wait again. */
	ck_assert_int_eq(get("10.0.0.8", &x[0], &ll), -EINPROGRESS);
	mr_neigh_cancel(&x[0].w);
	ck_assert_int_eq(get("10.0.0.7", &x[0], &ll), -EINPROGRESS);
	answer("10.0.0.8", &mac_a);
	turn();
	ck_assert_uint_eq(x[0].told, 1);
	mr_neigh_cancel(&x[0].w);
}
END_TEST

static void
act_cancel_other(struct watcher *x)
{
	mr_neigh_cancel(&x->other->w);
}

static void
act_get_again(struct watcher *x)
{
	struct mr_lladdr ll;

	ck_assert_int_eq(get("10.0.0.8", x, &ll), -EINPROGRESS);
	answer("10.0.0.8", &mac_b);
	x->act = NULL;
}

static void
act_remove_nic(struct watcher *x)
{
	(void)x;
	ck_assert_int_eq(mr_nic_remove(fk.s, 1), 0);
	nic = NULL;
}

/* In the order they came; whom one cancels in its callback is not told. */
START_TEST(order_and_cancel_in_callback)
{
	struct watcher x[3] = {watcher(), watcher(), watcher()};
	struct mr_lladdr ll;

	for (unsigned i = 0; i < 3; i++) {
		x[i].name = 'a' + i;
		ck_assert_int_eq(get(PEER, &x[i], &ll), -EINPROGRESS);
	}
	answer(PEER, &mac_a);
	fk.order[0] = 0;
	turn();
	ck_assert_int_eq(strncmp(fk.order, "abc", 3), 0);
	for (unsigned i = 0; i < 3; i++)
		ck_assert_int_eq(get("10.0.0.8", &x[i], &ll), -EINPROGRESS);
	x[0].act = act_cancel_other;
	x[0].other = &x[1];
	answer("10.0.0.8", &mac_a);
	turn();
	ck_assert_uint_eq(x[0].told, 2);
	ck_assert_uint_eq(x[1].told, 1);
	ck_assert_uint_eq(x[2].told, 2);
}
END_TEST

/* A waiter is free in its callback; what ends meanwhile is told in the next turn. */
START_TEST(get_again_in_callback)
{
	struct watcher x = watcher();
	struct mr_lladdr ll;

	x.act = act_get_again;
	ck_assert_int_eq(get(PEER, &x, &ll), -EINPROGRESS);
	answer(PEER, &mac_a);
	turn();
	ck_assert_uint_eq(x.told, 1);
	ck_ll(x.ll, mac_a);
	turn();
	ck_assert_uint_eq(x.told, 2);
	ck_ll(x.ll, mac_b);
}
END_TEST

START_TEST(nic_goes_in_callback)
{
	struct watcher x = watcher(), y = watcher(), z = watcher();
	struct mr_lladdr ll;

	x.act = act_remove_nic;
	ck_assert_int_eq(get(PEER, &x, &ll), -EINPROGRESS);
	ck_assert_int_eq(get(PEER, &y, &ll), -EINPROGRESS);
	ck_assert_int_eq(get("10.0.0.8", &z, &ll), -EINPROGRESS);
	answer(PEER, &mac_a);
	turn();
	ck_assert_int_eq(x.result, 0);
	ck_assert_int_eq(y.result, 0);
	ck_assert_uint_eq(z.told, 0);
	turn();
	ck_assert_uint_eq(x.told, 1);
	ck_assert_uint_eq(y.told, 1);
	ck_assert_uint_eq(z.told, 1);
	ck_assert_int_eq(z.result, -ENODEV);
}
END_TEST

/* ---- whatever ends a resolution (SS-12) */

START_TEST(ss12_removed)
{
	struct mr_addr a = fk_addr(PEER);
	struct watcher x = watcher();
	struct mr_lladdr ll;

	ck_assert_int_eq(get(PEER, &x, &ll), -EINPROGRESS);
	ck_assert_int_eq(mr_neigh_remove(fk.s, 1, &a), 0);
	turn();
	ck_assert_int_eq(x.told == 1 ? x.result : 0, -ECANCELED);
	ck_assert_uint_eq(x.ll.len, 0);
}
END_TEST

/* B-20: eviction tells them, and passes by what is pinned. The table of these stacks has 16 entries. */
START_TEST(b20_evicted)
{
	struct mr_addr pinned = fk_addr("10.0.0.3");
	struct mr_neigh_info rows[16];
	struct watcher x = watcher();
	struct mr_lladdr ll;

	ck_assert_int_eq(mr_neigh_add(fk.s, 1, &pinned, &mac_b), 0);
	ck_assert_int_eq(get(PEER, &x, &ll), -EINPROGRESS);
	for (unsigned i = 100; i < 115; i++) {
		struct mr_addr a = mr_addr_v4(0x0a000000 + i);

		mr_neigh_learn(nic, &a, &mac_a, true);
	}
	turn();
	ck_assert_uint_eq(fk_counter(MR_CNT_NEIGH_EVICTED), 1);
	ck_assert_int_eq(x.told == 1 ? x.result : 0, -ECANCELED);
	ck_assert_int_eq(mr_neigh_list(fk.s, 1, rows, 16), 16);
	ck_assert_addr(&rows[15].addr, "10.0.0.3");
	ck_assert(rows[15].pinned);
	ck_assert_int_eq(get("10.0.0.3", &x, &ll), 0);
}
END_TEST

START_TEST(no_entry_left)
{
	struct watcher x = watcher();
	struct mr_lladdr ll;

	for (unsigned i = 0; i < 16; i++) {
		struct mr_addr a = mr_addr_v4(0x0a00000a + i);

		ck_assert_int_eq(mr_neigh_add(fk.s, 1, &a, &mac_a), 0);
	}
	ck_assert_int_eq(get(PEER, &x, &ll), -ENOBUFS);
	turn();
	ck_assert_uint_eq(x.told, 0);
}
END_TEST

START_TEST(ss12_nic_removed)
{
	struct watcher x = watcher();
	struct mr_lladdr ll;

	ck_assert_int_eq(get(PEER, &x, &ll), -EINPROGRESS);
	ck_assert_int_eq(mr_nic_remove(fk.s, 1), 0);
	ck_assert_uint_eq(x.told, 0);
	turn();
	ck_assert_int_eq(x.told == 1 ? x.result : 0, -ENODEV);
}
END_TEST

/* The end of the stack calls nobody, and lets go of the waiters' memory. */
START_TEST(stack_destroyed)
{
	struct watcher x = watcher(), y = watcher();
	struct mr_lladdr ll;

	ck_assert_int_eq(get(PEER, &x, &ll), -EINPROGRESS);
	ck_assert_int_eq(get("10.0.0.8", &y, &ll), -EINPROGRESS);
	answer(PEER, &mac_a);
	mr_stack_destroy(fk.s);
	fk.s = NULL;
	ck_assert_uint_eq(x.told + y.told, 0);
	ck_assert_ptr_null(x.w.pprev);
	ck_assert_ptr_null(y.w.pprev);
}
END_TEST

static Suite *
suite(void)
{
	Suite *s = suite_create("neigh_cancel");
	TCase *tc = rig_case(s, "cancel", setup, fk_teardown);

	tcase_add_test(tc, d1_cancel);
	tcase_add_test(tc, order_and_cancel_in_callback);
	tcase_add_test(tc, get_again_in_callback);
	tcase_add_test(tc, nic_goes_in_callback);
	tc = rig_case(s, "ends", setup, fk_teardown);
	tcase_add_test(tc, ss12_removed);
	tcase_add_test(tc, b20_evicted);
	tcase_add_test(tc, no_entry_left);
	tcase_add_test(tc, ss12_nic_removed);
	tcase_add_test(tc, stack_destroyed);
	return s;
}

RIG_MAIN(suite)
