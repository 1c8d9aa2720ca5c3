/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a stack offers to protocols and drivers by calls; those of the library itself look into struct mr_stack.
 */
#include "stack/services.h"

#include <errno.h>

#include "stack/context.h"
#include "stack/stack.h"
#include "stack/steer.h"

/* ---- protocols */

struct mr_netproto *
mr_stack_netproto(struct mr_stack *s, uint16_t net)
{
	for (unsigned i = 0; i < s->n_netprotos; i++) {
		if (s->netprotos[i]->ops->number == net)
			return s->netprotos[i];
	}
	return NULL;
}

struct mr_transproto *
mr_stack_transproto(struct mr_stack *s, uint8_t trans)
{
	return s->transprotos[trans];
}

int
mr_transproto_set_handler(struct mr_stack *s, uint8_t trans, mr_default_handler fn, void *arg)
{
	struct mr_transproto *tp = s->transprotos[trans];

	MR_OWN_CORE(s);
	if (!tp)
		return -EPROTONOSUPPORT;
	if (s->polled || tp->forwarder)
		return -EBUSY;
	tp->default_handler = fn;
	tp->default_arg = arg;
	return 0;
}

/* ---- the stack's own */

struct mr_wheel *
mr_stack_wheel(struct mr_stack *s)
{
	return &s->wheel;
}

struct mr_rng *
mr_stack_rng(struct mr_stack *s)
{
	return &s->rng;
}

void
mr_stack_count(struct mr_stack *s, enum mr_counter c, uint64_t n)
{
	mr_count_n(s, c, n);
}

void
mr_stack_drop(struct mr_stack *s, struct rte_mbuf *m, enum mr_counter reason)
{
	mr_drop(s, m, reason);
}

/* ---- budgets */

static bool
hold(uint32_t *held, uint32_t max, uint32_t n)
{
	if (n > max || *held > max - n)
		return false;
	*held += n;
	return true;
}

bool
mr_stack_rx_hold(struct mr_stack *s, uint32_t n)
{
	return hold(&s->rx_held, s->rx_held_max, n);
}

void
mr_stack_rx_release(struct mr_stack *s, uint32_t n)
{
	s->rx_held -= n;
}

bool
mr_stack_tx_hold(struct mr_stack *s, uint32_t n)
{
	return hold(&s->tx_held, s->tx_held_max, n);
}

void
mr_stack_tx_release(struct mr_stack *s, uint32_t n)
{
	s->tx_held -= n;
}

/* ---- many cores */

bool
mr_stack_owns(const struct mr_stack *s, const struct mr_tuple *t)
{
	return !s->steer || mr_steer_owner(s->steer, t) == s->opts.core;
}

bool
mr_stack_speaks(const struct mr_stack *s)
{
	return s->opts.core == 0;
}
