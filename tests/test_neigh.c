/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The neighbour cache: each state and each way out of it. What is heard, and bounds: test_neigh_hear.c. The resolver is the test's.
 */
#include "fakestack.h"

#include "stack/mailbox.h"
#include "stack/steer.h"
#include "neigh.h"

/* ---- resolution */

/* B-18 */
START_TEST(b18_queued_and_flushed_in_order)
{
	struct mr_route r;

	ck_assert_int_eq(fk_find(0, NULL, PEER, &r), 0);
	ck_state(PEER, MR_NEIGH_INCOMPLETE);
	fk_poll();
	ck_assert_uint_eq(fk.n_req, 0); /* nobody has sent anything yet */
	for (unsigned i = 0; i < 5; i++)
		ck_assert_int_eq(fk_send(&r, 1, 2, i), 0);
	fk_poll();
	ck_assert_uint_eq(fk.n_req, 1);
	ck_assert_addr(&fk.req[0].addr, PEER);
	ck_assert_addr(&fk.req[0].src, "10.0.0.1");
	ck_assert_uint_eq(fk.req[0].ll.len, 0);
	ck_assert_uint_eq(wire->tx_n, 0);
	advert(PEER, ADVERT_S, &mac_a);
	fk_poll();
	ck_assert_uint_eq(wire->tx_n, 5);
	for (unsigned i = 0; i < 5; i++) {
		ck_assert_uint_eq(fk_tx_tag(wire, i), i);
		ck_assert_mem_eq(wire->tx[i].b, mac_a.b, 6);
		ck_assert_mem_eq(wire->tx[i].b + 12, "\x08\x00", 2);
	}
	ck_assert_uint_eq(fk_counter(MR_CNT_NEIGH_REQUESTS), 1);
	/* Known now: straight out. */
	fk_send(&r, 1, 2, 5);
	fk_poll();
	ck_assert_uint_eq(fk_tx_tag(wire, 5), 5);
	ck_assert_uint_eq(fk.n_req, 1);
	mr_route_release(&r);
}
END_TEST

/* ND-05: bounded, the newest are kept. */
START_TEST(b18_queue_bound)
{
	struct mr_route r;

	fk_find(0, NULL, PEER, &r);
	for (unsigned i = 0; i < MR_NEIGH_PENDING + 3; i++)
		fk_send(&r, 1, 2, i);
	ck_assert_uint_eq(fk_counter(MR_DROP_NEIGH_QUEUE_FULL), 3);
	advert(PEER, ADVERT_S, &mac_a);
	fk_poll();
	ck_assert_uint_eq(wire->tx_n, MR_NEIGH_PENDING);
	for (unsigned i = 0; i < MR_NEIGH_PENDING; i++)
		ck_assert_uint_eq(fk_tx_tag(wire, i), i + 3);
	mr_route_release(&r);
}
END_TEST

/* ND-04: the request is sent from the address that has something to say, if it is still ours. */
START_TEST(request_source)
{
	struct mr_route r;

	fk_find(0, "10.0.0.2", PEER, &r);
	fk_send(&r, 1, 2, 0);
	ck_assert_addr(&fk.req[0].src, "10.0.0.2");
	fk_remove(1, "10.0.0.2");
	fk_advance(FK_S);
	ck_assert_uint_eq(fk.n_req, 2);
	ck_assert_addr(&fk.req[1].src, "10.0.0.1");
	fk_remove(1, "10.0.0.1");
	fk_advance(FK_S);
	ck_assert_uint_eq(fk.n_req, 2); /* nobody to ask for */
	fk_advance(FK_S);
	ck_assert_uint_eq(fk_counter(MR_DROP_NEIGH_FAILED), 1);
	mr_route_release(&r);
}
END_TEST

/* B-19, ND-06 */
START_TEST(b19_failure_and_restart)
{
	struct mr_route r;
	uint64_t start = fk.now;
	uint32_t gen;

	fk_find(0, NULL, PEER, &r);
	fk_send(&r, 1, 2, 0);
	fk_send(&r, 1, 2, 1);
	fk_advance(3 * FK_S - 1);
	ck_assert_uint_eq(fk.n_req, 3);
	for (unsigned i = 0; i < 3; i++)
		ck_assert_uint_eq(fk.req[i].at_ns, start + i * FK_S);
	ck_assert_uint_eq(fk_counter(MR_DROP_NEIGH_FAILED), 0);
	gen = fk.s->route_gen;
	fk_advance(1);
	ck_assert_uint_eq(fk_counter(MR_DROP_NEIGH_FAILED), 2);
	ck_state(PEER, MR_NEIGH_FAILED);
	fk_advance(100 * FK_S);
	ck_assert_uint_eq(fk.n_req, 3);
	ck_assert_uint_eq(mr_stack_next_ns(fk.s), UINT64_MAX);
	ck_state(PEER, MR_NEIGH_FAILED);
	/* The route is as good as it was, and what is sent now asks again. */
	ck_assert_uint_eq(fk.s->route_gen, gen);
	fk_send(&r, 1, 2, 2);
	ck_assert_uint_eq(fk.n_req, 4);
	ck_assert_uint_eq(fk.req[3].ll.len, 0);
	fk_advance(FK_S);
	ck_assert_uint_eq(fk.n_req, 5);
	advert(PEER, ADVERT_S, &mac_a);
	fk_poll();
	ck_assert_uint_eq(wire->tx_n, 1);
	ck_assert_uint_eq(fk_tx_tag(wire, 0), 2);
	mr_route_release(&r);
}
END_TEST

/* An entry that no route knows is gone a second after it has failed. */
START_TEST(b19_failure_frees_unused)
{
	struct mr_addr a = fk_addr(PEER);
	struct mr_neigh *n = mr_neigh_use(nic, &a);

	mr_neigh_output(n, mr_stack_tx_alloc(fk.s), MR_NET_IPV4);
	fk_advance(3 * FK_S);
	ck_assert_uint_eq(fk_counter(MR_DROP_NEIGH_FAILED), 1);
	ck_state(PEER, MR_NEIGH_FAILED);
	fk_advance(FK_S);
	ck_assert_ptr_null(entry(PEER));
}
END_TEST

/* B-24 */
START_TEST(static_mapping_asks_nobody)
{
	struct mr_route r;

	fk_find(1, NULL, "224.0.0.9", &r);
	ck_state("224.0.0.9", MR_NEIGH_STATIC);
	fk_send(&r, 1, 2, 0);
	mr_route_release(&r);
	fk_find(1, NULL, "10.0.0.255", &r);
	fk_send(&r, 1, 2, 0);
	mr_route_release(&r);
	fk_find(1, NULL, "ff02::9", &r);
	fk_send(&r, 1, 2, 0);
	mr_route_release(&r);
	fk_poll();
	ck_assert_uint_eq(wire->tx_n, 3);
	ck_assert_mem_eq(wire->tx[0].b, ((uint8_t[]){0x33, 0x33, 224, 0, 0, 9}), 6);
	ck_assert_mem_eq(wire->tx[1].b, "\xff\xff\xff\xff\xff\xff", 6);
	ck_assert_uint_eq(fk.n_req, 0);
	/* Nothing that is heard changes it. */
	learn("224.0.0.9", &mac_b, true);
	advert("224.0.0.9", ADVERT_S | ADVERT_O, &mac_b);
	ck_state("224.0.0.9", MR_NEIGH_STATIC);
	ck_assert_mem_eq(entry("224.0.0.9")->ll.b, ((uint8_t[]){0x33, 0x33, 224, 0, 0, 9}), 6);
}
END_TEST

START_TEST(v6_is_resolved_by_its_own)
{
	struct mr_route r;

	fk_find(1, NULL, "fe80::9", &r);
	fk_send(&r, 1, 2, 0);
	ck_assert_uint_eq(fk.n_req, 1);
	ck_assert_addr(&fk.req[0].src, "fe80::1");
	advert("fe80::9", ADVERT_S | ADVERT_R, &mac_a);
	ck_assert(entry("fe80::9")->is_router);
	fk_poll();
	ck_assert_mem_eq(wire->tx[0].b + 12, "\x86\xdd", 2);
	mr_route_release(&r);
}
END_TEST

/* ---- unreachability detection */

/* B-21, ND-12 */
START_TEST(b21_ages_delays_probes)
{
	struct mr_route r;
	uint64_t start;

	reachable(&r);
	start = fk.now;
	fk_advance(MR_NEIGH_REACHABLE_NS / 2 - 1);
	ck_state(PEER, MR_NEIGH_REACHABLE);
	fk_advance(MR_NEIGH_REACHABLE_NS);
	ck_state(PEER, MR_NEIGH_STALE);
	/* Idle, it stays so; nobody is asked. */
	fk_advance(1000 * FK_S);
	ck_state(PEER, MR_NEIGH_STALE);
	ck_assert_uint_eq(fk.n_req, 0);
	/* Used: sent at once, doubted after five seconds, three unicast probes. */
	start = fk.now;
	fk_send(&r, 1, 2, 7);
	ck_state(PEER, MR_NEIGH_DELAY);
	fk_poll();
	ck_assert_uint_eq(fk_tx_tag(wire, 0), 7);
	fk_send(&r, 1, 2, 8);
	fk_advance(5 * FK_S - 1);
	ck_state(PEER, MR_NEIGH_DELAY);
	ck_assert_uint_eq(fk.n_req, 0);
	fk_advance(3 * FK_S);
	ck_state(PEER, MR_NEIGH_PROBE);
	ck_assert_uint_eq(fk.n_req, 3);
	for (unsigned i = 0; i < 3; i++) {
		ck_assert_uint_eq(fk.req[i].at_ns, start + (5 + i) * FK_S);
		ck_assert_uint_eq(fk.req[i].ll.len, 6);
		ck_assert_mem_eq(fk.req[i].ll.b, mac_a.b, 6);
	}
	/* Packets go out meanwhile. */
	fk_send(&r, 1, 2, 9);
	fk_poll();
	ck_assert_uint_eq(wire->tx_n, 3);
	fk_advance(1);
	ck_state(PEER, MR_NEIGH_FAILED);
	/* The next one asks everybody. */
	fk_send(&r, 1, 2, 10);
	ck_assert_uint_eq(fk.n_req, 4);
	ck_assert_uint_eq(fk.req[3].ll.len, 0);
	mr_route_release(&r);
}
END_TEST

START_TEST(b21_probe_answered)
{
	struct mr_route r;

	reachable(&r);
	fk_advance(60 * FK_S);
	fk_send(&r, 1, 2, 0);
	fk_advance(6 * FK_S);
	ck_state(PEER, MR_NEIGH_PROBE);
	advert(PEER, ADVERT_S, NULL); /* a unicast answer needs no link address */
	ck_state(PEER, MR_NEIGH_REACHABLE);
	ck_ll(PEER, &mac_a);
	fk_advance(14 * FK_S);
	ck_state(PEER, MR_NEIGH_REACHABLE);
	ck_assert_uint_eq(fk.n_req, 2);
	mr_route_release(&r);
}
END_TEST

/* ND-13: progress of a transport keeps a neighbour, from each state that has a link address. */
START_TEST(b21_confirm)
{
	struct mr_route r;

	reachable(&r);
	for (unsigned i = 0; i < 100; i++) {
		fk_advance(10 * FK_S);
		fk_send(&r, 1, 2, 0);
		mr_neigh_confirm(r.neigh, fk.now);
		ck_state(PEER, MR_NEIGH_REACHABLE);
	}
	ck_assert_uint_eq(fk.n_req, 0);
	fk_advance(46 * FK_S);
	ck_state(PEER, MR_NEIGH_STALE);
	mr_neigh_confirm(r.neigh, fk.now);
	ck_state(PEER, MR_NEIGH_REACHABLE);
	fk_advance(46 * FK_S);
	fk_send(&r, 1, 2, 0);
	ck_state(PEER, MR_NEIGH_DELAY);
	mr_neigh_confirm(r.neigh, fk.now);
	ck_state(PEER, MR_NEIGH_REACHABLE);
	fk_advance(46 * FK_S);
	fk_send(&r, 1, 2, 0);
	fk_advance(5 * FK_S);
	ck_state(PEER, MR_NEIGH_PROBE);
	mr_neigh_confirm(r.neigh, fk.now);
	ck_state(PEER, MR_NEIGH_REACHABLE);
	fk_advance(10 * FK_S);
	ck_assert_uint_eq(fk.n_req, 1);
	mr_route_release(&r);
	/* Nothing is known of an INCOMPLETE one. */
	fk_find(0, NULL, "10.0.0.8", &r);
	mr_neigh_confirm(r.neigh, fk.now);
	ck_state("10.0.0.8", MR_NEIGH_INCOMPLETE);
	mr_route_release(&r);
}
END_TEST

/* The time a neighbour stays reachable is random, within its bounds. */
START_TEST(reachable_time_spread)
{
	unsigned stale = 0;

	for (unsigned i = 10; i < 18; i++) {
		struct mr_addr a = mr_addr_v4(0x0a000000 + i);
		struct mr_neigh_advert ad = {.solicited = true, .has_ll = true, .ll = mac_a};

		mr_neigh_learn(nic, &a, &mac_a, true);
		mr_neigh_advert(nic, &a, &ad);
	}
	fk_advance(MR_NEIGH_REACHABLE_NS);
	for (unsigned i = 10; i < 18; i++) {
		struct mr_addr a = mr_addr_v4(0x0a000000 + i);

		stale += mr_neigh_lookup(nic, &a)->state == MR_NEIGH_STALE;
	}
	ck_assert_uint_gt(stale, 0);
	ck_assert_uint_lt(stale, 8);
}
END_TEST

static Suite *
suite(void)
{
	Suite *s = suite_create("neigh");
	TCase *tc = rig_case(s, "resolution", setup, fk_teardown);

	tcase_add_test(tc, b18_queued_and_flushed_in_order);
	tcase_add_test(tc, b18_queue_bound);
	tcase_add_test(tc, request_source);
	tcase_add_test(tc, b19_failure_and_restart);
	tcase_add_test(tc, b19_failure_frees_unused);
	tcase_add_test(tc, static_mapping_asks_nobody);
	tcase_add_test(tc, v6_is_resolved_by_its_own);
	tc = rig_case(s, "reachability", setup, fk_teardown);
	tcase_add_test(tc, b21_ages_delays_probes);
	tcase_add_test(tc, b21_probe_answered);
	tcase_add_test(tc, b21_confirm);
	tcase_add_test(tc, reachable_time_spread);
	return s;
}

RIG_MAIN(suite)
