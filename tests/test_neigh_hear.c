/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The neighbour cache: what is heard from the wire, its bounds (B-20), and news between cores (AR-12).
 */
#include "fakestack.h"

#include "stack/mailbox.h"
#include "stack/steer.h"
#include "neigh.h"

/* ---- what is heard */

/* B-22: the next packet of an old route goes to the new link address. */
START_TEST(b22_changed_address)
{
	struct mr_route r;
	uint32_t gen;

	reachable(&r);
	gen = fk.s->route_gen;
	advert(PEER, ADVERT_O, &mac_b);
	ck_state(PEER, MR_NEIGH_STALE);
	fk_send(&r, 1, 2, 0);
	fk_poll();
	ck_assert_mem_eq(wire->tx[0].b, mac_b.b, 6);
	learn(PEER, &mac_a, false);
	fk_send(&r, 1, 2, 0);
	fk_poll();
	ck_assert_mem_eq(wire->tx[1].b, mac_a.b, 6);
	ck_assert_uint_eq(fk.s->route_gen, gen);
	mr_route_release(&r);
}
END_TEST

/* RFC 4861 7.2.5, row by row (ND-09, ND-14). `ll`: 0 none, 1 the same, 2 another. */
static const struct {
	uint8_t from, flags, ll, to, has;
	bool router;
} advert_rows[] = {
	{MR_NEIGH_INCOMPLETE, ADVERT_S | ADVERT_O, 0, MR_NEIGH_INCOMPLETE, 0, false},
	{MR_NEIGH_INCOMPLETE, ADVERT_R, 0, MR_NEIGH_INCOMPLETE, 0, false},
	{MR_NEIGH_INCOMPLETE, 0, 2, MR_NEIGH_STALE, 2, false},
	{MR_NEIGH_INCOMPLETE, ADVERT_O | ADVERT_R, 2, MR_NEIGH_STALE, 2, true},
	{MR_NEIGH_INCOMPLETE, ADVERT_S, 2, MR_NEIGH_REACHABLE, 2, false},
	{MR_NEIGH_INCOMPLETE, ADVERT_S | ADVERT_O | ADVERT_R, 2, MR_NEIGH_REACHABLE, 2, true},
	/* no override, another address */
	{MR_NEIGH_REACHABLE, 0, 2, MR_NEIGH_STALE, 1, false},
	{MR_NEIGH_REACHABLE, ADVERT_S | ADVERT_R, 2, MR_NEIGH_STALE, 1, false},
	{MR_NEIGH_STALE, ADVERT_S | ADVERT_R, 2, MR_NEIGH_STALE, 1, false},
	{MR_NEIGH_DELAY, ADVERT_S, 2, MR_NEIGH_DELAY, 1, false},
	{MR_NEIGH_PROBE, ADVERT_S, 2, MR_NEIGH_PROBE, 1, false},
	/* no override, the same address or none */
	{MR_NEIGH_STALE, ADVERT_S | ADVERT_R, 1, MR_NEIGH_REACHABLE, 1, true},
	{MR_NEIGH_STALE, ADVERT_S, 0, MR_NEIGH_REACHABLE, 1, false},
	{MR_NEIGH_STALE, ADVERT_R, 1, MR_NEIGH_STALE, 1, true},
	{MR_NEIGH_REACHABLE, 0, 1, MR_NEIGH_REACHABLE, 1, false},
	{MR_NEIGH_DELAY, 0, 0, MR_NEIGH_DELAY, 1, false},
	{MR_NEIGH_PROBE, ADVERT_S, 0, MR_NEIGH_REACHABLE, 1, false},
	{MR_NEIGH_PROBE, 0, 1, MR_NEIGH_PROBE, 1, false},
	/* override */
	{MR_NEIGH_REACHABLE, ADVERT_O, 2, MR_NEIGH_STALE, 2, false},
	{MR_NEIGH_REACHABLE, ADVERT_S | ADVERT_O, 2, MR_NEIGH_REACHABLE, 2, false},
	{MR_NEIGH_REACHABLE, ADVERT_O, 1, MR_NEIGH_REACHABLE, 1, false},
	{MR_NEIGH_STALE, ADVERT_O | ADVERT_R, 1, MR_NEIGH_STALE, 1, true},
	{MR_NEIGH_STALE, ADVERT_S | ADVERT_O, 2, MR_NEIGH_REACHABLE, 2, false},
	{MR_NEIGH_DELAY, ADVERT_O, 2, MR_NEIGH_STALE, 2, false},
	{MR_NEIGH_PROBE, ADVERT_O, 2, MR_NEIGH_STALE, 2, false},
	{MR_NEIGH_PROBE, ADVERT_S | ADVERT_O, 1, MR_NEIGH_REACHABLE, 1, false},
};

START_TEST(advert_table)
{
	const struct mr_lladdr *const lls[] = {NULL, &mac_a, &mac_b};
	struct mr_route r;

	ck_assert_int_eq(fk_find(0, NULL, PEER, &r), 0);
	if (advert_rows[_i].from != MR_NEIGH_INCOMPLETE)
		learn(PEER, &mac_a, true);
	if (advert_rows[_i].from == MR_NEIGH_REACHABLE)
		mr_neigh_confirm(entry(PEER), fk.now);
	if (advert_rows[_i].from == MR_NEIGH_DELAY || advert_rows[_i].from == MR_NEIGH_PROBE)
		fk_send(&r, 1, 2, 0);
	if (advert_rows[_i].from == MR_NEIGH_PROBE)
		fk_advance(5 * FK_S);
	ck_state(PEER, advert_rows[_i].from);
	advert(PEER, advert_rows[_i].flags, lls[advert_rows[_i].ll]);
	ck_state(PEER, advert_rows[_i].to);
	if (advert_rows[_i].has)
		ck_ll(PEER, lls[advert_rows[_i].has]);
	ck_assert_int_eq(entry(PEER)->is_router, advert_rows[_i].router);
	/* Whatever came of it, no probe is sent by a state that has none. */
	fk.n_req = 0;
	fk_advance(4 * FK_S);
	if (advert_rows[_i].to == MR_NEIGH_STALE || advert_rows[_i].to == MR_NEIGH_REACHABLE)
		ck_assert_uint_eq(fk.n_req, 0);
	mr_route_release(&r);
}
END_TEST

START_TEST(advert_makes_no_entry)
{
	advert(PEER, ADVERT_S | ADVERT_O, &mac_a);
	ck_assert_ptr_null(entry(PEER));
}
END_TEST

/* ND-07, AR-01 */
START_TEST(learn_from_requests)
{
	struct mr_route r;

	learn(PEER, &mac_a, false);
	ck_assert_ptr_null(entry(PEER));
	learn(PEER, &(struct mr_lladdr){.len = 0}, true);
	ck_assert_ptr_null(entry(PEER));
	learn(PEER, &mac_a, true);
	ck_state(PEER, MR_NEIGH_STALE);
	ck_ll(PEER, &mac_a);
	/* The same again proves nothing and doubts nothing. */
	mr_neigh_confirm(entry(PEER), fk.now);
	learn(PEER, &mac_a, true);
	ck_state(PEER, MR_NEIGH_REACHABLE);
	learn(PEER, &mac_b, false);
	ck_state(PEER, MR_NEIGH_STALE);
	ck_ll(PEER, &mac_b);
	/* What waits leaves at once. */
	fk_find(0, NULL, "10.0.0.8", &r);
	fk_send(&r, 1, 2, 4);
	learn("10.0.0.8", &mac_a, false);
	ck_state("10.0.0.8", MR_NEIGH_DELAY);
	fk_poll();
	ck_assert_uint_eq(fk_tx_tag(wire, 0), 4);
	mr_route_release(&r);
}
END_TEST

/* ---- by hand */

START_TEST(static_entries)
{
	struct mr_addr a = fk_addr(PEER), any = {0}, group = fk_addr("224.0.0.1");
	struct mr_route r;
	uint32_t gen;

	ck_assert_int_eq(mr_neigh_add(fk.s, 9, &a, &mac_a), -ENODEV);
	ck_assert_int_eq(mr_neigh_add(fk.s, 1, &any, &mac_a), -EINVAL);
	ck_assert_int_eq(mr_neigh_add(fk.s, 1, &group, &mac_a), -EINVAL);
	ck_assert_int_eq(mr_neigh_add(fk.s, 1, &a, &(struct mr_lladdr){.len = 0}), -EINVAL);
	ck_assert_int_eq(mr_neigh_remove(fk.s, 1, &a), -ENOENT);
	ck_assert_int_eq(mr_neigh_remove(fk.s, 9, &a), -ENODEV);
	/* Completes what is pending (S-66). */
	fk_find(0, NULL, PEER, &r);
	fk_send(&r, 1, 2, 1);
	ck_assert_int_eq(mr_neigh_add(fk.s, 1, &a, &mac_a), 0);
	fk_poll();
	ck_assert_uint_eq(fk_tx_tag(wire, 0), 1);
	fk_advance(1000 * FK_S);
	learn(PEER, &mac_b, true);
	advert(PEER, ADVERT_S | ADVERT_O, &mac_b);
	ck_state(PEER, MR_NEIGH_STATIC);
	ck_ll(PEER, &mac_a);
	ck_assert_int_eq(mr_neigh_add(fk.s, 1, &a, &mac_b), 0);
	ck_ll(PEER, &mac_b);
	/* Removed from under a route. */
	gen = fk.s->route_gen;
	ck_assert_int_eq(mr_neigh_remove(fk.s, 1, &a), 0);
	ck_assert_uint_ne(fk.s->route_gen, gen);
	fk_send(&r, 1, 2, 2);
	ck_state(PEER, MR_NEIGH_INCOMPLETE);
	mr_route_release(&r);
}
END_TEST

/* ---- bounds (B-20): the table of these stacks has 16 entries */

static void
learn_n(unsigned from, unsigned n)
{
	for (unsigned i = from; i < from + n; i++) {
		struct mr_addr a = mr_addr_v4(0x0a000000 + i);

		mr_neigh_learn(nic, &a, &mac_a, true);
	}
}

static unsigned
count(unsigned from, unsigned n)
{
	unsigned found = 0;

	for (unsigned i = from; i < from + n; i++) {
		struct mr_addr a = mr_addr_v4(0x0a000000 + i);

		found += mr_neigh_lookup(nic, &a) != NULL;
	}
	return found;
}

START_TEST(b20_least_recently_used)
{
	struct mr_addr pinned = mr_addr_v4(0x0a00000b);
	struct mr_route r;
	uint32_t gen;

	learn_n(10, 16);
	ck_assert_uint_eq(count(10, 16), 16);
	ck_assert_int_eq(mr_neigh_add(fk.s, 1, &pinned, &mac_b), 0);
	fk_find(0, NULL, "10.0.0.10", &r); /* the oldest is used again */
	gen = fk.s->route_gen;
	learn_n(100, 1);
	ck_assert_uint_eq(fk_counter(MR_CNT_NEIGH_EVICTED), 1);
	ck_assert_ptr_null(entry("10.0.0.12"));
	ck_assert_ptr_nonnull(entry("10.0.0.10"));
	ck_assert_uint_eq(fk.s->route_gen, gen);
	/* All but the pinned one, in the end: then a route must look anew. */
	learn_n(101, 15);
	ck_assert_ptr_null(entry("10.0.0.10"));
	ck_assert_ptr_nonnull(entry("10.0.0.11"));
	ck_assert_uint_eq(count(100, 16), 15);
	ck_assert_uint_ne(fk.s->route_gen, gen);
	fk_send(&r, 1, 2, 0);
	ck_assert_addr(&r.neigh->addr, "10.0.0.10");
	ck_assert_int_eq(r.neigh->state, MR_NEIGH_INCOMPLETE);
	mr_route_release(&r);
}
END_TEST

START_TEST(b20_all_pinned)
{
	struct mr_addr a;
	struct mr_route r;

	for (unsigned i = 0; i < 16; i++) {
		a = mr_addr_v4(0x0a00000a + i);
		ck_assert_int_eq(mr_neigh_add(fk.s, 1, &a, &mac_a), 0);
	}
	a = mr_addr_v4(0x0a000080);
	ck_assert_int_eq(mr_neigh_add(fk.s, 1, &a, &mac_a), -ENOMEM);
	ck_assert_uint_eq(fk_counter(MR_CNT_NEIGH_TABLE_FULL), 1);
	ck_assert_int_eq(fk_find(0, NULL, "10.0.0.128", &r), -ENOBUFS);
	learn_n(128, 1);
	ck_assert_uint_eq(fk_counter(MR_CNT_NEIGH_TABLE_FULL), 3);
	ck_assert_uint_eq(fk_counter(MR_CNT_NEIGH_EVICTED), 0);
	a = mr_addr_v4(0x0a00000a);
	ck_assert_int_eq(mr_neigh_remove(fk.s, 1, &a), 0);
	learn_n(128, 1);
	ck_assert_ptr_nonnull(entry("10.0.0.128"));
}
END_TEST

/* ND-19, AR-10: a scan of empty addresses takes half of the table at most and pushes out itself. */
START_TEST(b20_scan)
{
	learn_n(10, 8);
	for (unsigned i = 100; i < 200; i++) {
		struct mr_addr a = mr_addr_v4(0x0a000000 + i);
		struct mr_neigh *n = mr_neigh_use(nic, &a);

		ck_assert_ptr_nonnull(n);
		mr_neigh_output(n, mr_stack_tx_alloc(fk.s), MR_NET_IPV4);
	}
	ck_assert_uint_eq(count(10, 8), 8);
	ck_assert_uint_eq(count(100, 100), 8);
	ck_assert_uint_eq(count(192, 8), 8);
	ck_assert_uint_eq(fk_counter(MR_CNT_NEIGH_EVICTED), 92);
	ck_assert_uint_eq(fk_counter(MR_DROP_NEIGH_FAILED), 92);
	fk_advance(3 * FK_S);
	ck_assert_uint_eq(fk_counter(MR_DROP_NEIGH_FAILED), 100);
	/* Those that failed are no better than those that are being asked. */
	ck_assert_uint_eq(count(192, 8), 8);
	fk_advance(FK_S);
	ck_assert_uint_eq(count(100, 100), 0);
	ck_assert_uint_eq(fk.n_req, 100 + 2 * 8);
	/* Its share is free again. */
	for (unsigned i = 100; i < 108; i++) {
		struct mr_addr a = mr_addr_v4(0x0a000000 + i);

		ck_assert_ptr_nonnull(mr_neigh_use(nic, &a));
	}
	ck_assert_uint_eq(count(100, 8), 8);
	ck_assert_uint_eq(count(10, 8), 8);
	ck_assert_uint_eq(fk_counter(MR_CNT_NEIGH_EVICTED), 92);
}
END_TEST

/* ---- several cores (AR-12) */

START_TEST(news_are_told)
{
	struct mr_steer *st[2] = {malloc(sizeof(*st[0])), malloc(sizeof(*st[1]))};
	struct mr_stack_opts o = fk_opts();
	struct fk_link *k = fk_link_make();
	struct mr_addr a = fk_addr(PEER), local = fk_addr("10.0.0.1");
	struct mr_subnet sn = fk_subnet("10.0.0.1/24");
	struct mr_stack *other;
	struct mr_nic *onic;
	struct mr_neigh *n;

	o.core = 1;
	ck_assert_int_eq(mr_stack_create(&o, &other), 0);
	ck_assert_int_eq(mr_nic_create(other, 1, "x", &k->link), 0);
	ck_assert_int_eq(mr_addr_add(other, 1, &sn, 0), 0);
	onic = mr_nic_find(other, 1);
	mr_steer_init(st[0], 0, 2, NULL);
	mr_steer_init(st[1], 1, 2, NULL);
	ck_assert_int_eq(mr_steer_mesh_create(st, 2), 0);
	fk.s->steer = st[0];
	other->steer = st[1];
	(void)local;

	learn(PEER, &mac_a, true);
	ck_assert_ptr_null(mr_neigh_lookup(onic, &a));
	mr_stack_poll(other, fk.now);
	n = mr_neigh_lookup(onic, &a);
	ck_assert_ptr_nonnull(n);
	ck_assert_mem_eq(n->ll.b, mac_a.b, 6);
	ck_assert(rte_ring_empty(st[0]->mail)); /* not told back */
	/* Nothing new, nothing told. */
	learn(PEER, &mac_a, true);
	ck_assert(rte_ring_empty(st[1]->mail));
	advert(PEER, ADVERT_S | ADVERT_O | ADVERT_R, &mac_b);
	mr_stack_poll(other, fk.now);
	ck_assert_int_eq(n->state, MR_NEIGH_REACHABLE);
	ck_assert_mem_eq(n->ll.b, mac_b.b, 6);
	ck_assert(n->is_router);
	ck_assert(rte_ring_empty(st[0]->mail));
	/* The answer to its question may arrive here. */
	a = fk_addr("10.0.0.8");
	n = mr_neigh_use(onic, &a);
	advert("10.0.0.8", ADVERT_S, &mac_a);
	mr_stack_poll(other, fk.now);
	ck_assert_int_eq(n->state, MR_NEIGH_REACHABLE);
	ck_assert_ptr_null(entry("10.0.0.8"));
	/* News of a NIC that the other has not are for nobody. */
	learn("10.0.0.7", &mac_a, true);
	mr_nic_remove(other, 1);
	mr_stack_poll(other, fk.now);

	fk.s->steer = NULL;
	mr_stack_destroy(other);
	mr_steer_mesh_destroy(st, 2);
	free(st[0]);
	free(st[1]);
}
END_TEST

static Suite *
suite(void)
{
	Suite *s = suite_create("neigh_hear");
	TCase *tc = rig_case(s, "hearing", setup, fk_teardown);

	tcase_add_test(tc, b22_changed_address);
	tcase_add_loop_test(tc, advert_table, 0, RTE_DIM(advert_rows));
	tcase_add_test(tc, advert_makes_no_entry);
	tcase_add_test(tc, learn_from_requests);
	tcase_add_test(tc, news_are_told);
	tc = rig_case(s, "bounds", setup, fk_teardown);
	tcase_add_test(tc, static_entries);
	tcase_add_test(tc, b20_least_recently_used);
	tcase_add_test(tc, b20_all_pinned);
	tcase_add_test(tc, b20_scan);
	return s;
}

RIG_MAIN(suite)
