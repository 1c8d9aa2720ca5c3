/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Finding routes, and keeping them up to date.
 *
 * A packet leaves at the NIC that owns its source address: with a given source, only rows of that NIC fit. Destinations
 * that are this host's own are found before any row and go to the loop; multicast, broadcast and link-local ones need a
 * NIC and no row (B-13). Not here: the rows (route_table.c), what else a route can do
 * (route_value.c), and who resolves the next hop (neigh.c).
 *
 * Invariant: a route value whose `gen` is not the stack's must not use `neigh`.
 */
#include "stack/route.h"

#include <errno.h>

#include <rte_common.h>

#include "stack/addr_slot.h"
#include "stack/context.h"
#include "stack/link.h"
#include "stack/neigh.h"
#include "stack/stack.h"

#define LOCAL_MTU UINT16_MAX

static bool
addr_is_zero(const struct mr_addr *a)
{
	return !a || mr_addr_is_any(a);
}

/* ---- finding */

/* What is asked for: a destination, and whatever the caller fixes. */
struct query {
	struct mr_stack *s;
	uint16_t nic;                /* 0: any */
	const struct mr_addr *local; /* NULL: choose */
	struct mr_netep *keep;       /* the local address of a route that is checked */
	struct mr_addr remote;
	bool self;                   /* no destination was given: it is the source */
};

/* A source address on this NIC, as the query and the row want it. */
static struct mr_netep *
query_source(const struct query *q, struct mr_nic *nic, const struct mr_addr *row_src, const struct mr_addr *next_hop)
{
	struct mr_netep *ep;

	if (q->keep)
		return q->keep->nic == nic ? q->keep : NULL;
	if (q->local) {
		ep = mr_nic_netep_find(nic, q->local);
		return ep ? ep : mr_nic_netep_spoof(nic, q->local);
	}
	ep = addr_is_zero(row_src) ? NULL : mr_nic_netep_find(nic, row_src);
	if (ep)
		return ep;
	/* IPv4: an address of the next hop's subnet; IPv6: RFC 6724 looks at the destination. */
	return mr_nic_netep_primary(nic, mr_addr_is_v4(&q->remote) ? next_hop : &q->remote);
}

/* In memory order, as checksums are. The ::ffff of two v4-mapped addresses are zero in this arithmetic. */
static uint16_t
addr_sum(const struct mr_addr *a, const struct mr_addr *b)
{
	uint64_t sum = 0;

	for (unsigned i = 0; i < RTE_DIM(a->w); i++)
		sum += (uint64_t)a->w[i] + b->w[i];
	while (sum >> 16)
		sum = (sum & 0xffff) + (sum >> 16);
	return (uint16_t)sum;
}

/* @return 0 or -ENOBUFS */
static int
route_set(struct mr_route *r, const struct query *q, struct mr_netep *ep, const struct mr_addr *next_hop, uint8_t flags)
{
	struct mr_nic *nic = ep->nic;

	r->local = ep;
	r->remote = q->remote;
	r->next_hop = flags ? q->remote : *next_hop;
	r->nic = q->nic;
	r->flags = flags;
	r->mtu = flags & MR_ROUTE_F_LOCAL ? LOCAL_MTU : nic->mtu;
	r->addr_sum = addr_sum(&ep->addr, &r->remote);
	r->neigh = NULL;
	if (!(flags & MR_ROUTE_F_LOCAL) && nic->caps & MR_LINK_CAP_RESOLVE) {
		r->neigh = mr_neigh_use(nic, &r->next_hop);
		if (!r->neigh)
			return -ENOBUFS;
		r->neigh->in_route = true;
		if (!mr_neigh_has_ll(r->neigh) && r->neigh->pending.n == 0)
			r->neigh->pending_src = ep->addr;
	}
	/* Last: making a neighbour may have evicted another one. */
	r->gen = q->s->route_gen;
	return 0;
}

static uint8_t
group_flags(const struct mr_nic *nic, const struct mr_addr *remote)
{
	if (mr_addr_is_multicast(remote))
		return MR_ROUTE_F_MULTICAST;
	return mr_nic_is_broadcast(nic, remote) ? MR_ROUTE_F_BROADCAST : 0;
}

/* An address that is not ours, on a NIC that lets us send from it. */
static struct mr_netep *
spoofed_source(const struct query *q)
{
	struct mr_netep *ep = NULL;
	struct mr_nic *nic;

	TAILQ_FOREACH(nic, &q->s->nics, link_in_stack) {
		if (!ep && (!q->nic || nic->id == q->nic) && nic->flags & MR_NIC_F_UP)
			ep = mr_nic_netep_spoof(nic, q->local);
	}
	return ep;
}

/* To an address of this host, whichever NIC has it. @return 0, -EADDRNOTAVAIL, or -EHOSTUNREACH: it is not ours */
static int
find_local(const struct query *q, struct mr_route *r)
{
	/* Link-local addresses mean something on their own link only. */
	struct mr_nic *nic = q->nic && mr_addr_is_linklocal(&q->remote) ? mr_nic_find(q->s, q->nic) : NULL;
	struct mr_netep *dst = nic ? mr_nic_netep_find(nic, &q->remote) : mr_stack_netep_find(q->s, NULL, &q->remote);
	struct mr_netep *src = dst;

	if (!dst && !q->self)
		return -EHOSTUNREACH;
	if (q->keep)
		src = q->keep;
	else if (q->local && !mr_addr_equal(q->local, &q->remote))
		src = mr_stack_netep_find(q->s, NULL, q->local);
	if (!src)
		src = spoofed_source(q);
	return src ? route_set(r, q, src, &q->remote, MR_ROUTE_F_LOCAL) : -EADDRNOTAVAIL;
}

/* To a destination that any NIC reaches by itself: limited broadcast, multicast, link-local. */
static int
find_on_nic(const struct query *q, struct mr_route *r)
{
	struct mr_nic *nic = mr_nic_find(q->s, q->nic);
	struct mr_netep *ep = NULL;

	if (!nic && q->keep)
		nic = q->keep->nic;
	if (!nic && q->local) {
		ep = mr_stack_netep_find(q->s, NULL, q->local);
		nic = ep ? ep->nic : NULL;
	}
	if (!nic || !(nic->flags & MR_NIC_F_UP))
		return -EHOSTUNREACH;
	ep = query_source(q, nic, NULL, &q->remote);
	return ep ? route_set(r, q, ep, &q->remote, group_flags(nic, &q->remote)) : -EHOSTUNREACH;
}

static int
find_row(const struct query *q, struct mr_route *r)
{
	const struct mr_route_entry *row;
	size_t n = mr_route_table_rows(q->s, &row);

	for (; n > 0; n--, row++) {
		const struct mr_addr *hop = addr_is_zero(&row->gateway) ? &q->remote : &row->gateway;
		struct mr_nic *nic;
		struct mr_netep *ep;

		if ((q->nic && row->nic != q->nic) || !mr_subnet_contains(&row->dest, &q->remote))
			continue;
		nic = mr_nic_find(q->s, row->nic);
		if (!nic || !(nic->flags & MR_NIC_F_UP))
			continue;
		ep = query_source(q, nic, &row->src, hop);
		if (ep)
			return route_set(r, q, ep, hop, group_flags(nic, &q->remote));
	}
	return -EHOSTUNREACH;
}

static bool
needs_no_row(const struct mr_addr *a)
{
	return mr_addr_is_multicast(a) || mr_addr_is_linklocal(a) || (mr_addr_is_v4(a) && a->w[3] == UINT32_MAX);
}

static int
query_run(const struct query *q, struct mr_route *r)
{
	int err = find_local(q, r);

	if (err == -EHOSTUNREACH && needs_no_row(&q->remote))
		err = find_on_nic(q, r);
	if (err == -EHOSTUNREACH)
		err = find_row(q, r);
	return err;
}

/* Could any NIC of the query send from this address? */
static bool
local_is_ours(const struct query *q)
{
	struct mr_nic *nic;

	if (!q->local)
		return true;
	TAILQ_FOREACH(nic, &q->s->nics, link_in_stack) {
		if (q->nic && nic->id != q->nic)
			continue;
		if (nic->flags & MR_NIC_F_SPOOFING || mr_nic_netep_find(nic, q->local))
			return true;
	}
	return false;
}

/* The address that a route to nowhere leads to: the source itself, or the first primary one. */
static bool
self_address(const struct query *q, uint16_t net, struct mr_addr *out)
{
	struct mr_nic *nic;

	if (q->local) {
		*out = *q->local;
		return true;
	}
	TAILQ_FOREACH(nic, &q->s->nics, link_in_stack) {
		struct mr_netep *ep;

		if ((q->nic && nic->id != q->nic) || !(nic->flags & MR_NIC_F_UP))
			continue;
		TAILQ_FOREACH(ep, &nic->primary, primary) {
			if (mr_addr_net(&ep->addr) == net) {
				*out = ep->addr;
				return true;
			}
		}
	}
	return false;
}

int
mr_route_find(struct mr_stack *s, uint16_t nic, const struct mr_addr *local, const struct mr_addr *remote,
              uint16_t net, struct mr_route *out)
{
	struct query q = {.s = s, .nic = nic, .local = addr_is_zero(local) ? NULL : local};
	struct mr_route r = {0};
	int err;

	MR_OWN_CORE(s);
	if (nic && !mr_nic_find(s, nic))
		return -ENODEV;
	if (!addr_is_zero(remote))
		q.remote = *remote;
	else if (self_address(&q, net, &q.remote))
		q.self = true;
	else
		return -EHOSTUNREACH;
	if (q.local && mr_addr_net(q.local) != mr_addr_net(&q.remote))
		return -EADDRNOTAVAIL;
	if (!local_is_ours(&q))
		return -EADDRNOTAVAIL;
	err = query_run(&q, &r);
	if (err < 0)
		return err;
	mr_netep_hold(r.local);
	*out = r;
	return 0;
}

/* Can it be taken as it is? Other addresses than configured ones come and go without a new generation, and a neighbour that is
 * not resolved wants to know who asks. */
static bool
back_is_settled(const struct mr_route *r)
{
	return r->local->kind == MR_NETEP_PERMANENT && (!r->neigh || mr_neigh_has_ll(r->neigh));
}

int
mr_route_back(struct mr_netep *local, const struct mr_addr *remote, struct mr_route *out)
{
	struct mr_stack *s = local->nic->stack;
	struct mr_route *known = &s->backs[mr_addr_slot(remote, MR_ROUTE_BACKS_BITS)];

	if (known->gen != s->route_gen || known->local != local || !mr_addr_equal(&known->remote, remote) ||
	    !back_is_settled(known)) {
		/* A stale route keeps its local address when it is renewed. */
		struct mr_route r = {.local = local, .remote = *remote, .nic = local->nic->id};
		int err = mr_route_renew(s, &r);

		if (err < 0)
			return err;
		*known = r;
	}
	mr_netep_hold(local);
	*out = *known;
	return 0;
}

/* ---- keeping up to date */

int
mr_route_renew(struct mr_stack *s, struct mr_route *r)
{
	struct query q = {.s = s, .nic = r->nic, .keep = r->local, .remote = r->remote};

	if (!r->local || r->local->nic->removed || (r->nic && !mr_nic_find(s, r->nic))) {
		r->neigh = NULL;
		return -ENODEV;
	}
	return query_run(&q, r);
}
