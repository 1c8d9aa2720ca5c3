/* SPDX-License-Identifier: Apache-2.0 */
/*
 * For the tests of the neighbour cache: a NIC whose resolver is the test's, entries learned and looked at, advertisements.
 */
#ifndef TESTS_NEIGH_H
#define TESTS_NEIGH_H

#include "fakestack.h"

#include "stack/mailbox.h"
#include "stack/steer.h"

#define PEER "10.0.0.9"

static struct fk_link *wire;
static struct mr_nic *nic;

static const struct mr_lladdr mac_a = {.b = {2, 0xa, 0, 0, 0, 1}, .len = 6}, mac_b = {.b = {2, 0xb, 0, 0, 0, 2}, .len = 6};

static inline void
setup(void)
{
	fk_setup();
	wire = fk_nic(1);
	nic = mr_nic_find(fk.s, 1);
	ck_assert_int_eq(fk_add(1, "10.0.0.1/24", 0), 0);
	ck_assert_int_eq(fk_add(1, "10.0.0.2/24", 0), 0);
	ck_assert_int_eq(fk_add(1, "fe80::1/64", 0), 0);
}

static inline struct mr_neigh *
entry(const char *addr)
{
	struct mr_addr a = fk_addr(addr);

	return mr_neigh_lookup(nic, &a);
}

static inline void
learn(const char *addr, const struct mr_lladdr *ll, bool create)
{
	struct mr_addr a = fk_addr(addr);

	mr_neigh_learn(nic, &a, ll, create);
}

#define ADVERT_S 1
#define ADVERT_O 2
#define ADVERT_R 4

static inline void
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

static inline void
ck_ll(const char *addr, const struct mr_lladdr *want)
{
	ck_assert_uint_eq(entry(addr)->ll.len, 6);
	ck_assert_mem_eq(entry(addr)->ll.b, want->b, 6);
}

/* A route to the peer, and the peer REACHABLE. */
static inline void
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

#endif
