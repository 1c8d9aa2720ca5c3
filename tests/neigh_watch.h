/* SPDX-License-Identifier: Apache-2.0 */
/*
 * For the tests of who waits for the neighbour cache: watchers that note what they are told, and when.
 */
#ifndef TESTS_NEIGH_WATCH_H
#define TESTS_NEIGH_WATCH_H

#include "fakestack.h"

#define PEER "10.0.0.9"

static struct mr_nic *nic;
static struct fk_link *wire;

static const struct mr_lladdr mac_a = {.b = {2, 0xa, 0, 0, 0, 1}, .len = 6}, mac_b = {.b = {2, 0xb, 0, 0, 0, 2}, .len = 6};

/* One who waits, and what it was told. */
struct watcher {
	struct mr_neigh_waiter w;
	unsigned told;
	int result;
	struct mr_lladdr ll;
	bool in_turn;                  /* a poll was running */
	void (*act)(struct watcher *x); /* in the callback */
	struct watcher *other;
	char name;
};

static bool polling;

static inline void
told(struct mr_stack *s, int result, const struct mr_lladdr *ll, void *arg)
{
	struct watcher *x = arg;

	ck_assert_ptr_eq(s, fk.s);
	x->told++;
	x->result = result;
	x->ll = *ll;
	x->in_turn = polling;
	fk_log(x->name);
	if (x->act)
		x->act(x);
}

static inline struct watcher
watcher(void)
{
	return (struct watcher){.w = {.fn = told}, .name = 'w'};
}

static inline int
get(const char *addr, struct watcher *x, struct mr_lladdr *out)
{
	struct mr_addr a = fk_addr(addr);

	if (x)
		x->w.arg = x;
	return mr_neigh_get(fk.s, 1, &a, NULL, x ? &x->w : NULL, out);
}

static inline void
turn(void)
{
	polling = true;
	fk_poll();
	polling = false;
}

static inline void
answer(const char *addr, const struct mr_lladdr *ll)
{
	struct mr_addr a = fk_addr(addr);
	struct mr_neigh_advert ad = {.solicited = true, .override = true, .has_ll = true, .ll = *ll};

	mr_neigh_advert(nic, &a, &ad);
}

static inline void
setup(void)
{
	fk_setup();
	wire = fk_nic(1);
	nic = mr_nic_find(fk.s, 1);
	ck_assert_int_eq(fk_add(1, "10.0.0.1/24", 0), 0);
	ck_assert_int_eq(fk_add(1, "10.0.0.2/24", 0), 0);
}

#define ck_ll(ll, want) \
	do { \
		ck_assert_uint_eq((ll).len, (want).len); \
		ck_assert_mem_eq((ll).b, (want).b, (want).len); \
	} while (0)

#endif
