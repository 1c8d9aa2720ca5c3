/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Asking the neighbour cache from outside: who waits is told once; routes that are resolved;
 * the list. S-66 to S-68, S-99 to S-101, S-164 to S-172, SS-11, SS-12.
 */
#include "fakestack.h"
#include "neigh_watch.h"

/* ---- getting */

/* S-167: asked at once; told in the event stage of the turn, with the address; then it is there for the asking. */
START_TEST(resolved_by_an_answer)
{
	struct watcher x = watcher();
	struct mr_lladdr ll = {.len = 77};

	ck_assert_int_eq(get(PEER, &x, &ll), -EINPROGRESS);
	ck_assert_uint_eq(ll.len, 77); /* only written with 0 */
	ck_assert_uint_eq(fk.n_req, 1);
	ck_assert_addr(&fk.req[0].addr, PEER);
	ck_assert_addr(&fk.req[0].src, "10.0.0.1");
	turn();
	ck_assert_uint_eq(x.told, 0);
	answer(PEER, &mac_a);
	ck_assert_uint_eq(x.told, 0); /* never from inside a call */
	ck_assert_uint_eq(mr_stack_next_ns(fk.s), fk.now);
	turn();
	ck_assert_uint_eq(x.told, 1);
	ck_assert(x.in_turn);
	ck_assert_int_eq(x.result, 0);
	ck_ll(x.ll, mac_a);
	ck_assert_int_eq(get(PEER, &x, &ll), 0);
	ck_ll(ll, mac_a);
	fk_advance(10 * FK_S);
	ck_assert_uint_eq(x.told, 1);
	ck_assert_uint_eq(fk.n_req, 1);
}
END_TEST

/* The event stage lies between input with its timers and output. */
START_TEST(told_in_the_event_stage)
{
	struct fk_ep *e = fk_ep(NULL, 7, 0);
	struct watcher x = watcher();
	struct mr_lladdr ll;

	ck_assert_int_eq(get(PEER, &x, &ll), -EINPROGRESS);
	turn();
	answer(PEER, &mac_a);
	mr_ep_mark_dirty(&e->ep);
	fk_push_pkt(wire, PEER, 1, "10.0.0.1", 7, 0);
	fk.order[0] = 0;
	turn();
	ck_assert_str_eq(fk.order, "riwop");
}
END_TEST

/* S-66: an entry by hand completes what is pending. */
START_TEST(resolved_by_hand)
{
	struct mr_addr a = fk_addr(PEER);
	struct watcher x = watcher();
	struct mr_lladdr ll;

	ck_assert_int_eq(get(PEER, &x, &ll), -EINPROGRESS);
	ck_assert_int_eq(mr_neigh_add(fk.s, 1, &a, &mac_b), 0);
	ck_assert_uint_eq(x.told, 0);
	turn();
	ck_assert_uint_eq(x.told, 1);
	ck_assert_int_eq(x.result, 0);
	ck_ll(x.ll, mac_b);
}
END_TEST

/* What is heard unasked resolves too. */
START_TEST(resolved_by_a_request)
{
	struct mr_addr a = fk_addr(PEER);
	struct watcher x = watcher();
	struct mr_lladdr ll;

	ck_assert_int_eq(get(PEER, &x, &ll), -EINPROGRESS);
	mr_neigh_learn(nic, &a, &mac_b, false);
	turn();
	ck_assert_int_eq(x.told == 1 ? x.result : -1, 0);
	ck_ll(x.ll, mac_b);
}
END_TEST

/* B-19: three requests a second apart, then failure; it is remembered for a second, and asked again after that. */
START_TEST(b19_fails_and_is_retried)
{
	struct watcher x = watcher(), y = watcher();
	struct mr_lladdr ll;

	ck_assert_int_eq(get(PEER, &x, &ll), -EINPROGRESS);
	fk_advance(3 * FK_S - 1);
	ck_assert_uint_eq(fk.n_req, 3);
	ck_assert_uint_eq(x.told, 0);
	fk_advance(1);
	ck_assert_uint_eq(x.told, 1);
	ck_assert_int_eq(x.result, -EHOSTUNREACH);
	ck_assert_int_eq(get(PEER, &y, &ll), -EHOSTUNREACH);
	fk_advance(FK_S - 1);
	ck_assert_int_eq(get(PEER, &y, &ll), -EHOSTUNREACH);
	ck_assert_uint_eq(fk.n_req, 3);
	fk_advance(1);
	ck_assert_int_eq(get(PEER, &y, &ll), -EINPROGRESS);
	ck_assert_uint_eq(fk.n_req, 4);
	answer(PEER, &mac_a);
	turn();
	ck_assert_uint_eq(x.told, 1);
	ck_assert_uint_eq(y.told, 1);
	ck_assert_int_eq(y.result, 0);
}
END_TEST

/* A packet does not wait for that second, and takes along who asks meanwhile. */
START_TEST(b19_a_packet_asks_at_once)
{
	struct watcher x = watcher();
	struct mr_lladdr ll;
	struct mr_route r;

	ck_assert_int_eq(fk_find(0, NULL, PEER, &r), 0);
	ck_assert_int_eq(get(PEER, NULL, &ll), -EINPROGRESS);
	fk_advance(3 * FK_S);
	ck_assert_int_eq(get(PEER, &x, &ll), -EHOSTUNREACH);
	fk_send(&r, 1, 2, 0);
	ck_assert_uint_eq(fk.n_req, 4);
	ck_assert_int_eq(get(PEER, &x, &ll), -EINPROGRESS);
	ck_assert_uint_eq(fk.n_req, 4);
	answer(PEER, &mac_a);
	turn();
	ck_assert_uint_eq(x.told, 1);
	ck_assert_uint_eq(wire->tx_n, 1);
	mr_route_release(&r);
}
END_TEST

/* An entry of a route fails too, and stays. */
START_TEST(b19_fails_in_a_route)
{
	struct watcher x = watcher();
	struct mr_lladdr ll;
	struct mr_route r;

	ck_assert_int_eq(fk_find(0, NULL, PEER, &r), 0);
	ck_assert_int_eq(get(PEER, &x, &ll), -EINPROGRESS);
	fk_advance(3 * FK_S);
	ck_assert_int_eq(x.result, -EHOSTUNREACH);
	ck_assert_int_eq(get(PEER, &x, &ll), -EHOSTUNREACH);
	fk_advance(FK_S);
	ck_assert_int_eq(get(PEER, &x, &ll), -EINPROGRESS);
	fk_advance(3 * FK_S);
	ck_assert_uint_eq(x.told, 2);
	mr_route_release(&r);
}
END_TEST

/* B-24, S-171: fixed mappings ask nobody and need no room in the cache; nor does an address of ours. */
START_TEST(b24_fixed_mappings)
{
	static const struct mr_lladdr group = {.b = {0x33, 0x33, 224, 0, 0, 9}, .len = 6},
	                              all = {.b = {0xff, 0xff, 0xff, 0xff, 0xff, 0xff}, .len = 6};
	struct watcher x = watcher();
	struct mr_lladdr ll;

	ck_assert_int_eq(get("224.0.0.9", &x, &ll), 0);
	ck_ll(ll, group);
	ck_assert_int_eq(get("10.0.0.255", &x, &ll), 0);
	ck_ll(ll, all);
	ck_assert_int_eq(get("10.0.0.2", &x, &ll), 0);
	ck_ll(ll, wire->link.lladdr);
	ck_assert_int_eq(mr_neigh_list(fk.s, 1, NULL, 0), 0);
	turn();
	ck_assert_uint_eq(x.told, 0);
	ck_assert_uint_eq(fk.n_req, 0);
}
END_TEST

/* A link that resolves nothing has no addresses to tell. */
START_TEST(link_without_addresses)
{
	struct fk_link *k = fk_link_make();
	struct mr_addr a = fk_addr(PEER);
	struct mr_lladdr ll = {.len = 7};

	k->link.caps &= ~MR_LINK_CAP_RESOLVE;
	ck_assert_int_eq(mr_nic_create(fk.s, 2, "plain", &k->link), 0);
	ck_assert_int_eq(mr_neigh_get(fk.s, 2, &a, NULL, NULL, &ll), 0);
	ck_assert_uint_eq(ll.len, 0);
	ck_assert_uint_eq(fk.n_req, 0);
}
END_TEST

/* From which address is asked: the named one, as long as it is ours. */
START_TEST(asks_from)
{
	struct mr_addr a = fk_addr(PEER), src = fk_addr("10.0.0.2");
	struct mr_lladdr ll;

	ck_assert_int_eq(mr_neigh_get(fk.s, 1, &a, &src, NULL, &ll), -EINPROGRESS);
	ck_assert_addr(&fk.req[0].src, "10.0.0.2");
	fk_remove(1, "10.0.0.2");
	fk_advance(FK_S);
	ck_assert_addr(&fk.req[1].src, "10.0.0.1");
}
END_TEST

/* Whose packet waits has said where from (ND-04). */
START_TEST(asks_from_where_packets_wait)
{
	struct mr_addr a = fk_addr(PEER), src = fk_addr("10.0.0.1");
	struct mr_lladdr ll;
	struct mr_route r;

	ck_assert_int_eq(fk_find(0, "10.0.0.2", PEER, &r), 0);
	fk_send(&r, 1, 2, 0);
	ck_assert_int_eq(mr_neigh_get(fk.s, 1, &a, &src, NULL, &ll), -EINPROGRESS);
	fk_advance(FK_S);
	ck_assert_uint_eq(fk.n_req, 2);
	ck_assert_addr(&fk.req[1].src, "10.0.0.2");
	mr_route_release(&r);
}
END_TEST

/* B-21: who takes the address of a STALE entry is about to use it. */
START_TEST(b21_getting_is_using)
{
	struct mr_addr a = fk_addr(PEER);
	struct mr_lladdr ll;

	mr_neigh_learn(nic, &a, &mac_a, true);
	ck_assert_int_eq(mr_neigh_lookup(nic, &a)->state, MR_NEIGH_STALE);
	ck_assert_int_eq(get(PEER, NULL, &ll), 0);
	ck_assert_int_eq(mr_neigh_lookup(nic, &a)->state, MR_NEIGH_DELAY);
	fk_advance(5 * FK_S);
	ck_assert_uint_eq(fk.n_req, 1);
	ck_ll(fk.req[0].ll, mac_a);
}
END_TEST

START_TEST(errors_of_get)
{
	const char *const only6[] = {"fk4", "fk6", NULL};
	struct mr_stack_opts o = fk_opts();
	struct mr_addr a = fk_addr(PEER), any = {0}, any4 = fk_addr("0.0.0.0");
	struct fk_link *k;
	struct watcher x = watcher();
	struct mr_stack *bare;
	struct mr_lladdr ll;

	ck_assert_int_eq(mr_neigh_get(fk.s, 9, &a, NULL, &x.w, &ll), -ENODEV);
	ck_assert_int_eq(mr_neigh_get(fk.s, 1, &any, NULL, &x.w, &ll), -EINVAL);
	ck_assert_int_eq(mr_neigh_get(fk.s, 1, &any4, NULL, &x.w, &ll), -EINVAL);
	/* One waiter, one wait. */
	ck_assert_int_eq(get(PEER, &x, &ll), -EINPROGRESS);
	ck_assert_int_eq(get(PEER, &x, &ll), -EINPROGRESS);
	ck_assert_int_eq(get("10.0.0.8", &x, &ll), -EBUSY);
	ck_assert_int_eq(mr_neigh_list(fk.s, 1, NULL, 0), 1);
	answer(PEER, &mac_a);
	ck_assert_int_eq(get("10.0.0.8", &x, &ll), -EBUSY); /* still to be told */
	ck_assert_int_eq(get(PEER, &x, &ll), 0);
	turn();
	ck_assert_uint_eq(x.told, 1);
	ck_assert_int_eq(get("10.0.0.8", &x, &ll), -EINPROGRESS);
	mr_neigh_cancel(&x.w);
	/* Nobody who could ask. */
	o.net_protos = only6;
	ck_assert_int_eq(mr_stack_create(&o, &bare), 0);
	k = fk_link_make();
	ck_assert_int_eq(mr_nic_create(bare, 1, "x", &k->link), 0);
	ck_assert_int_eq(mr_neigh_get(bare, 1, &a, NULL, NULL, &ll), -EPROTONOSUPPORT);
	mr_stack_destroy(bare);
}
END_TEST

/* ---- routes */

/* S-99 to S-101 */
START_TEST(route_resolve)
{
	struct watcher x = watcher(), y = watcher();
	struct mr_lladdr ll = {.len = 77};
	struct mr_route r;

	x.w.arg = &x;
	y.w.arg = &y;
	ck_assert_int_eq(fk_find(0, "10.0.0.2", PEER, &r), 0);
	ck_assert(mr_route_needs_resolve(&r));
	ck_assert_int_eq(mr_route_resolve(&r, &x.w, &ll), -EINPROGRESS);
	ck_assert_int_eq(mr_route_resolve(&r, &y.w, &ll), -EINPROGRESS);
	ck_assert_uint_eq(fk.n_req, 1);
	ck_assert_addr(&fk.req[0].src, "10.0.0.2");
	mr_route_resolve_cancel(&r, &y.w);
	answer(PEER, &mac_a);
	ck_assert(!mr_route_needs_resolve(&r));
	turn();
	ck_assert_uint_eq(x.told, 1);
	ck_ll(x.ll, mac_a);
	ck_assert_uint_eq(y.told, 0);
	ck_assert_int_eq(mr_route_resolve(&r, &x.w, &ll), 0);
	ck_ll(ll, mac_a);
	/* What was released leads nowhere. */
	mr_route_release(&r);
	ck_assert_int_eq(mr_route_resolve(&r, &x.w, &ll), -EHOSTUNREACH);
	ck_assert(!mr_route_needs_resolve(&r));
}
END_TEST

START_TEST(route_resolve_gateway)
{
	struct mr_route_entry row = {.dest = fk_subnet("0.0.0.0/0"), .gateway = fk_addr("10.0.0.254"), .nic = 1};
	struct watcher x = watcher();
	struct mr_lladdr ll;
	struct mr_route r;

	x.w.arg = &x;
	ck_assert_int_eq(mr_route_add(fk.s, &row), 0);
	ck_assert_int_eq(fk_find(0, NULL, "192.0.2.1", &r), 0);
	ck_assert_int_eq(mr_route_resolve(&r, &x.w, &ll), -EINPROGRESS);
	ck_assert_addr(&fk.req[0].addr, "10.0.0.254");
	/* Waiting does not hang on the route. */
	mr_route_release(&r);
	answer("10.0.0.254", &mac_b);
	turn();
	ck_ll(x.ll, mac_b);
}
END_TEST

/* What needs no asking: ourselves, groups, links without addresses. */
START_TEST(route_needs_no_resolve)
{
	static const char *const to[] = {"10.0.0.2", "224.0.0.9", "10.0.0.255"};
	struct watcher x = watcher();
	struct mr_lladdr ll;
	struct mr_route r;

	for (unsigned i = 0; i < RTE_DIM(to); i++) {
		ck_assert_int_eq(fk_find(1, NULL, to[i], &r), 0);
		ck_assert(!mr_route_needs_resolve(&r));
		ck_assert_int_eq(mr_route_resolve(&r, &x.w, &ll), 0);
		ck_assert_uint_eq(ll.len, 6);
		if (i == 0)
			ck_ll(ll, wire->link.lladdr);
		mr_route_release(&r);
	}
	ck_assert_uint_eq(fk.n_req, 0);
	ck_assert_int_eq(fk_find(0, NULL, PEER, &r), 0);
	ck_assert_int_eq(mr_nic_remove(fk.s, 1), 0);
	ck_assert(!mr_route_needs_resolve(&r));
	ck_assert_int_lt(mr_route_resolve(&r, &x.w, &ll), 0);
	mr_route_release(&r);
}
END_TEST

/* ---- the list */

START_TEST(list)
{
	struct mr_addr peer = fk_addr(PEER), other = fk_addr("10.0.0.8"), pinned = fk_addr("10.0.0.7");
	struct mr_neigh_info rows[4];
	struct mr_lladdr ll;

	ck_assert_int_eq(mr_neigh_list(fk.s, 9, rows, 4), -ENODEV);
	ck_assert_int_eq(mr_neigh_list(fk.s, 1, rows, 4), 0);
	mr_neigh_learn(nic, &peer, &mac_a, true);
	fk_advance(10 * FK_S);
	ck_assert_int_eq(mr_neigh_add(fk.s, 1, &pinned, &mac_b), 0);
	ck_assert_int_eq(get("10.0.0.8", NULL, &ll), -EINPROGRESS);
	fk_advance(FK_S / 2);
	ck_assert_int_eq(mr_neigh_list(fk.s, 1, rows, 2), 3);
	ck_assert_int_eq(mr_neigh_list(fk.s, 1, rows, 4), 3);
	/* The most recently used first. */
	ck_assert(mr_addr_equal(&rows[0].addr, &other));
	ck_assert_int_eq(rows[0].state, MR_NEIGH_INCOMPLETE);
	ck_assert_uint_eq(rows[0].ll.len, 0);
	ck_assert_uint_eq(rows[0].age_ns, FK_S / 2);
	ck_assert(mr_addr_equal(&rows[1].addr, &pinned));
	ck_assert_int_eq(rows[1].state, MR_NEIGH_STATIC);
	ck_assert(rows[1].pinned && !rows[0].pinned && !rows[2].pinned);
	ck_assert(mr_addr_equal(&rows[2].addr, &peer));
	ck_assert_int_eq(rows[2].state, MR_NEIGH_STALE);
	ck_ll(rows[2].ll, mac_a);
	ck_assert_uint_eq(rows[2].age_ns, 10 * FK_S + FK_S / 2);
	/* A confirmation makes it young; a failure is as old as itself. */
	answer(PEER, &mac_a);
	fk_advance(3 * FK_S);
	ck_assert_int_eq(mr_neigh_list(fk.s, 1, rows, 4), 3);
	ck_assert_int_eq(rows[2].state, MR_NEIGH_REACHABLE);
	ck_assert_uint_eq(rows[2].age_ns, 3 * FK_S);
	ck_assert_int_eq(rows[0].state, MR_NEIGH_FAILED);
	ck_assert_uint_eq(rows[0].age_ns, FK_S / 2);
	/* Another link address is as new as what it replaces was old. */
	mr_neigh_learn(nic, &peer, &mac_b, true);
	ck_assert_int_eq(mr_neigh_list(fk.s, 1, rows, 4), 3);
	ck_assert_uint_eq(rows[2].age_ns, 0);
	fk_advance(FK_S);
	mr_neigh_advert(nic, &peer, &(struct mr_neigh_advert){.override = true, .has_ll = true, .ll = mac_a});
	ck_assert_int_eq(mr_neigh_list(fk.s, 1, rows, 4), 2); /* and the failed one is forgotten */
	ck_assert(mr_addr_equal(&rows[1].addr, &peer));
	ck_assert_uint_eq(rows[1].age_ns, 0);
}
END_TEST

static Suite *
suite(void)
{
	Suite *s = suite_create("neigh_wait");
	TCase *tc = rig_case(s, "get", setup, fk_teardown);

	tcase_add_test(tc, resolved_by_an_answer);
	tcase_add_test(tc, told_in_the_event_stage);
	tcase_add_test(tc, resolved_by_hand);
	tcase_add_test(tc, resolved_by_a_request);
	tcase_add_test(tc, b19_fails_and_is_retried);
	tcase_add_test(tc, b19_a_packet_asks_at_once);
	tcase_add_test(tc, b19_fails_in_a_route);
	tcase_add_test(tc, b24_fixed_mappings);
	tcase_add_test(tc, link_without_addresses);
	tcase_add_test(tc, asks_from);
	tcase_add_test(tc, asks_from_where_packets_wait);
	tcase_add_test(tc, b21_getting_is_using);
	tcase_add_test(tc, errors_of_get);
	tc = rig_case(s, "routes", setup, fk_teardown);
	tcase_add_test(tc, route_resolve);
	tcase_add_test(tc, route_resolve_gateway);
	tcase_add_test(tc, route_needs_no_resolve);
	tc = rig_case(s, "list", setup, fk_teardown);
	tcase_add_test(tc, list);
	return s;
}

RIG_MAIN(suite)
