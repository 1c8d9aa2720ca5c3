/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The neighbour cache: each state and each way out of it, bounds, and news between cores. The resolver is the test's.
 */
#include "fakestack.h"

#include "stack/mailbox.h"
#include "stack/steer.h"

#define PEER "10.0.0.9"

static struct fk_link *wire;
static struct mr_nic *nic;

static const struct mr_lladdr mac_a = {.b = {2, 0xa, 0, 0, 0, 1}, .len = 6}, mac_b = {.b = {2, 0xb, 0, 0, 0, 2}, .len = 6};

static void
setup(void)
{
	fk_setup();
	wire = fk_nic(1);
	nic = mr_nic_find(fk.s, 1);
	ck_assert_int_eq(fk_add(1, "10.0.0.1/24", 0), 0);
	ck_assert_int_eq(fk_add(1, "10.0.0.2/24", 0), 0);
	ck_assert_int_eq(fk_add(1, "fe80::1/64", 0), 0);
}

static struct mr_neigh *
entry(const char *addr)
{
	struct mr_addr a = fk_addr(addr);

	return mr_neigh_lookup(nic, &a);
}

static void
learn(const char *addr, const struct mr_lladdr *ll, bool create)
{
	struct mr_addr a = fk_addr(addr);

	mr_neigh_learn(nic, &a, ll, create);
}

#define ADVERT_S 1
#define ADVERT_O 2
#define ADVERT_R 4

static void
advert(const char *addr, unsigned flags, const struct mr_lladdr *ll)
{
	struct mr_addr a = fk_addr(addr);
	struct mr_neigh_advert ad = {.solicited = flags & ADVERT_S, .override = flags & ADVERT_O, .router = flags & ADVERT_R};

	if (ll) {
		ad.has_ll = true;
		ad.ll = *ll;
	}
	mr_neigh_advert(nic, &a, &ad);
}

#define ck_state(addr, want) \
	do { \
		struct mr_neigh *n_ = entry(addr); \
		ck_assert_ptr_nonnull(n_); \
		ck_assert_int_eq(n_->state, want); \
	} while (0)

static void
ck_ll(const char *addr, const struct mr_lladdr *want)
{
	ck_assert_uint_eq(entry(addr)->ll.len, 6);
	ck_assert_mem_eq(entry(addr)->ll.b, want->b, 6);
}

/* A route to the peer, and the peer REACHABLE. */
static void
reachable(struct mr_route *r)
{
	ck_assert_int_eq(fk_find(0, NULL, PEER, r), 0);
	fk_send(r, 1, 2, 0);
	advert(PEER, ADVERT_S | ADVERT_O, &mac_a);
	ck_state(PEER, MR_NEIGH_REACHABLE);
	fk_poll();
	wire->tx_n = 0;
	fk.n_req = 0;
}

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
	tc = rig_case(s, "hearing", setup, fk_teardown);
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
