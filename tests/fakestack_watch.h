/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A waiter of the fake stack's endpoints that counts what it is told.
 */
#ifndef TESTS_FAKESTACK_WATCH_H
#define TESTS_FAKESTACK_WATCH_H

#include "fakestack.h"

/* A waiter of an endpoint, that keeps account of its calls. */
struct watch {
	struct mr_waiter w; /* first */
	unsigned calls;
	uint32_t last, all;
	struct mr_ep *ep;
	void (*act)(struct watch *x);
	struct watch *other;
	char name;
};

static inline void
watch_fn(struct mr_ep *ep, uint32_t events, void *arg)
{
	struct watch *x = arg;

	ck_assert_ptr_eq(ep, x->ep);
	x->calls++;
	x->last = events;
	x->all |= events;
	fk_log(x->name);
	if (x->act)
		x->act(x);
}

static inline void
watch_set(struct watch *x, struct fk_ep *e, uint32_t mask, char name)
{
	*x = (struct watch){.w = {.mask = mask, .fn = watch_fn, .arg = x}, .ep = &e->ep, .name = name};
	mr_ep_wait(&e->ep, &x->w);
}

#endif
