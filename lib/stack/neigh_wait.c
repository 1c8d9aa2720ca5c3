/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The neighbour cache from outside: asking for link addresses and waiting for them, entries by hand, the list.
 *
 * A waiter is in one of two lists and can leave either at any time: that of an entry which is being resolved, or that
 * of the stack, whose resolution has ended and who is told in the event stage. Both grow at the front, so those of
 * one entry are told in the order they came.
 *
 * Invariants: a waiter that waits is in a list, and `neigh` names the entry while it is in an entry's; an entry with
 * waiters has no link address. Not here: the states and the requests (neigh.c).
 */
#include "stack/neigh.h"

#include <errno.h>

#include <rte_common.h>

#include "stack/context.h"
#include "stack/nic.h"
#include "stack/stack.h"

/* ---- waiters */

static void
waiter_link(struct mr_neigh_waiter **head, struct mr_neigh_waiter *w)
{
	w->next = *head;
	w->pprev = head;
	if (w->next)
		w->next->pprev = &w->next;
	*head = w;
}

static void
waiter_unlink(struct mr_neigh_waiter *w)
{
	*w->pprev = w->next;
	if (w->next)
		w->next->pprev = w->pprev;
	w->next = NULL;
	w->pprev = NULL;
	w->neigh = NULL;
}

void
mr_neigh_settle(struct mr_neigh *n, int result)
{
	struct mr_stack *s = n->nic->stack;
	struct mr_neigh_waiter *w;

	while ((w = n->waiters)) {
		waiter_unlink(w);
		w->result = result;
		w->ll = n->ll;
		waiter_link(&s->neigh_told, w);
	}
}

unsigned
mr_neigh_tell(struct mr_stack *s)
{
	struct mr_neigh_waiter *head = s->neigh_told;
	unsigned n;

	if (likely(!head))
		return 0;
	/* What ends meanwhile is told in the next turn. */
	s->neigh_told = NULL;
	head->pprev = &head;
	for (n = 0; head; n++) {
		struct mr_neigh_waiter *w = head;
		struct mr_lladdr ll = w->ll;

		waiter_unlink(w);
		w->fn(s, w->result, &ll, w->arg);
	}
	return n;
}

void
mr_neigh_tell_nobody(struct mr_stack *s)
{
	while (s->neigh_told)
		waiter_unlink(s->neigh_told);
}

void
mr_neigh_cancel(struct mr_neigh_waiter *w)
{
	if (!w->pprev)
		return;
	MR_OWN_CORE(w->stack);
	waiter_unlink(w);
}

/* ---- asking */

static bool
waits_for_another(const struct mr_neigh_waiter *w, const struct mr_neigh *n)
{
	return w && w->pprev && (!n || w->neigh != n);
}

int
mr_neigh_want(struct mr_neigh *n, const struct mr_addr *src, struct mr_neigh_waiter *w, struct mr_lladdr *out)
{
	if (mr_neigh_has_ll(n)) {
		mr_neigh_used(n);
		*out = n->ll;
		return 0;
	}
	if (waits_for_another(w, n))
		return -EBUSY;
	if (n->state == MR_NEIGH_FAILED && mr_timer_armed(&n->timer))
		return -EHOSTUNREACH;
	mr_neigh_ask(n, src);
	if (w && !w->pprev) {
		w->stack = n->nic->stack;
		w->neigh = n;
		waiter_link(&n->waiters, w);
	}
	return -EINPROGRESS;
}

/* What is known without asking anybody: no entry is needed for it. */
static bool
fixed_mapping(struct mr_nic *nic, const struct mr_addr *addr, struct mr_lladdr *out)
{
	*out = (struct mr_lladdr){.len = 0};
	if (!(nic->caps & MR_LINK_CAP_RESOLVE))
		return true;
	if (mr_nic_netep_find(nic, addr)) {
		*out = nic->lladdr;
		return true;
	}
	return mr_neigh_static(nic, addr, out);
}

int
mr_neigh_get(struct mr_stack *s, uint16_t nic_id, const struct mr_addr *addr, const struct mr_addr *src,
             struct mr_neigh_waiter *w, struct mr_lladdr *out)
{
	struct mr_nic *nic = mr_nic_find(s, nic_id);
	struct mr_neigh *n;
	struct mr_lladdr ll;

	MR_OWN_CORE(s);
	if (!nic)
		return -ENODEV;
	if (mr_addr_is_any(addr))
		return -EINVAL;
	if (fixed_mapping(nic, addr, &ll)) {
		*out = ll;
		return 0;
	}
	if (!mr_neigh_resolver(s, addr))
		return -EPROTONOSUPPORT;
	n = mr_neigh_lookup(nic, addr);
	if (!n && waits_for_another(w, NULL))
		return -EBUSY;
	n = mr_neigh_use(nic, addr);
	return n ? mr_neigh_want(n, src, w, out) : -ENOBUFS;
}

/* ---- by hand */

int
mr_neigh_add(struct mr_stack *s, uint16_t nic_id, const struct mr_addr *addr, const struct mr_lladdr *ll)
{
	struct mr_nic *nic = mr_nic_find(s, nic_id);

	MR_OWN_CORE(s);
	if (!nic)
		return -ENODEV;
	if (!ll->len || ll->len > sizeof(ll->b) || mr_addr_is_any(addr) || mr_addr_is_multicast(addr))
		return -EINVAL;
	return mr_neigh_pin(nic, addr, ll);
}

int
mr_neigh_remove(struct mr_stack *s, uint16_t nic_id, const struct mr_addr *addr)
{
	struct mr_nic *nic = mr_nic_find(s, nic_id);
	struct mr_neigh *n = nic ? mr_neigh_lookup(nic, addr) : NULL;

	MR_OWN_CORE(s);
	if (!nic)
		return -ENODEV;
	if (!n)
		return -ENOENT;
	mr_neigh_end(n, -ECANCELED);
	return 0;
}

struct mr_neigh_info
mr_neigh_describe(const struct mr_neigh *n)
{
	return (struct mr_neigh_info){
		.addr = n->addr, .ll = n->ll, .state = n->state, .pinned = n->pinned, .is_router = n->is_router,
		.age_ns = n->nic->stack->now_ns - n->confirmed_ns,
	};
}

int
mr_neigh_list(struct mr_stack *s, uint16_t nic_id, struct mr_neigh_info *rows, unsigned n)
{
	struct mr_nic *nic = mr_nic_find(s, nic_id);
	struct mr_neigh *e = NULL;
	unsigned total = 0;

	MR_OWN_CORE(s);
	if (!nic)
		return -ENODEV;
	while ((e = mr_neigh_next(nic, e))) {
		if (total++ < n)
			rows[total - 1] = mr_neigh_describe(e);
	}
	return (int)total;
}
