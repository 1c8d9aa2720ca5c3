/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Configured addresses of a NIC: adding and removing them, what comes with them (the connected route, the broadcast
 * address, a place among the primary ones, the protocol's own business), and the NIC's ups and downs.
 *
 * An address that was removed and is still referenced is taken up again when it is added again, with its id: its flows
 * go on (SS-8). One row of the route table serves all addresses of a prefix, and one broadcast entry; a row that was
 * there before stays.
 *
 * Invariants: an address is in `configured` while it is PERMANENT, in `primary` while it may be chosen as a source, and
 * open at its protocol while it is PERMANENT and the NIC is up. Every change moves route_gen on.
 */
#include "stack/netep.h"

#include <errno.h>
#include <stdlib.h>

#include <rte_byteorder.h>
#include <rte_common.h>

#include "stack/context.h"
#include "stack/route.h"
#include "stack/stack.h"

int
mr_subnet_normalize(struct mr_subnet *s)
{
	unsigned bits = s->plen + (mr_addr_is_v4(&s->addr) ? 96 : 0);

	if (s->plen > mr_addr_bits(&s->addr))
		return -EINVAL;
	for (unsigned i = 0; i < 16; i++, bits -= RTE_MIN(bits, 8u))
		s->addr.b[i] &= bits >= 8 ? 0xff : (uint8_t)(0xff00 >> bits);
	return 0;
}

/* ---- the order of primary addresses (SS-4) */

static void
primary_remove(struct mr_netep *ep)
{
	if (ep->in_primary)
		TAILQ_REMOVE(&ep->nic->primary, ep, primary);
	ep->in_primary = false;
}

static void
primary_set(struct mr_netep *ep, enum mr_peb peb)
{
	primary_remove(ep);
	ep->peb = peb;
	if (peb == MR_PEB_NEVER_PRIMARY)
		return;
	if (peb == MR_PEB_FIRST_PRIMARY)
		TAILQ_INSERT_HEAD(&ep->nic->primary, ep, primary);
	else
		TAILQ_INSERT_TAIL(&ep->nic->primary, ep, primary);
	ep->in_primary = true;
}

/* ---- broadcast addresses */

/* @return false: none (IPv6, and IPv4 prefixes of 31 and 32 bits, RFC 3021) */
static bool
bcast_of(const struct mr_netep *ep, struct mr_addr *out)
{
	if (!mr_addr_is_v4(&ep->addr) || ep->plen > 30)
		return false;
	*out = ep->addr;
	out->w[3] |= rte_cpu_to_be_32(UINT32_MAX >> ep->plen);
	return true;
}

static struct mr_nic_bcast *
bcast_find(const struct mr_nic *nic, const struct mr_addr *a)
{
	for (unsigned i = 0; i < nic->n_bcasts; i++) {
		if (mr_addr_equal(&nic->bcasts[i].addr, a))
			return &nic->bcasts[i];
	}
	return NULL;
}

void
mr_nic_filter_broadcasts(struct mr_nic *nic)
{
	static const struct mr_addr limited = {.b = {[10] = 0xff, 0xff, 0xff, 0xff, 0xff, 0xff}};

	nic->bcast_filter = (struct mr_addr_filter){0};
	mr_addr_filter_add(&nic->bcast_filter, &limited);
	for (unsigned i = 0; i < nic->n_bcasts; i++)
		mr_addr_filter_add(&nic->bcast_filter, &nic->bcasts[i].addr);
}

static int
bcast_add(struct mr_netep *ep)
{
	struct mr_nic *nic = ep->nic;
	struct mr_nic_bcast *b;
	struct mr_addr a;

	if (!bcast_of(ep, &a))
		return 0;
	b = bcast_find(nic, &a);
	if (b) {
		b->users++;
		return 0;
	}
	b = realloc(nic->bcasts, (nic->n_bcasts + 1) * sizeof(*b));
	if (!b)
		return -ENOMEM;
	nic->bcasts = b;
	b[nic->n_bcasts++] = (struct mr_nic_bcast){.addr = a, .users = 1};
	mr_nic_filter_broadcasts(nic);
	return 0;
}

static void
bcast_remove(struct mr_netep *ep)
{
	struct mr_nic *nic = ep->nic;
	struct mr_nic_bcast *b;
	struct mr_addr a;

	if (!bcast_of(ep, &a))
		return;
	b = bcast_find(nic, &a);
	if (!b || --b->users > 0)
		return;
	*b = nic->bcasts[--nic->n_bcasts];
	mr_nic_filter_broadcasts(nic);
}

static bool
is_limited_broadcast(const struct mr_addr *a)
{
	return mr_addr_is_v4(a) && a->w[3] == UINT32_MAX;
}

bool
mr_nic_finds_broadcast(const struct mr_nic *nic, const struct mr_addr *a)
{
	return is_limited_broadcast(a) || bcast_find(nic, a);
}

struct mr_netep *
mr_nic_netep_bcast(struct mr_nic *nic, const struct mr_addr *dst)
{
	struct mr_netep *ep;
	struct mr_addr a;

	if (!mr_nic_is_broadcast(nic, dst))
		return NULL;
	TAILQ_FOREACH(ep, &nic->configured, configured) {
		if (bcast_of(ep, &a) && mr_addr_equal(&a, dst))
			return ep;
	}
	return mr_nic_netep_primary(nic, dst);
}

/* ---- configured addresses */

/* Another configured address of the same prefix; NULL: there is none. */
static struct mr_netep *
prefix_mate(const struct mr_netep *ep)
{
	struct mr_netep *o;

	TAILQ_FOREACH(o, &ep->nic->configured, configured) {
		if (o != ep && o->plen == ep->plen && mr_netep_on_link(o, &ep->addr))
			return o;
	}
	return NULL;
}

static struct mr_route_entry
connected_row(const struct mr_netep *ep)
{
	return (struct mr_route_entry){.dest = {.addr = ep->addr, .plen = ep->plen}, .nic = ep->nic->id};
}

/* The connected route: one row for all addresses of a prefix, which one of them has brought along; none has, if the row was
 * there before. @return 0 or -errno */
static int
row_bring(struct mr_netep *ep)
{
	struct mr_route_entry row = connected_row(ep);
	int r;

	ep->brought_row = false;
	if (ep->plen == mr_addr_bits(&ep->addr) || prefix_mate(ep))
		return 0;
	r = mr_route_add(ep->nic->stack, &row);
	ep->brought_row = r == 0;
	return r == -EEXIST ? 0 : r;
}

static void
row_take_along(struct mr_netep *ep)
{
	struct mr_route_entry row = connected_row(ep);
	struct mr_netep *mate = prefix_mate(ep);

	if (!ep->brought_row)
		return;
	ep->brought_row = false;
	if (mate)
		mate->brought_row = true;
	else
		mr_route_remove(ep->nic->stack, &row);
}

static int
netep_open(struct mr_netep *ep)
{
	return ep->np->ops->netep_open && ep->nic->flags & MR_NIC_F_UP ? ep->np->ops->netep_open(ep->np, ep) : 0;
}

static void
netep_close(struct mr_netep *ep)
{
	if (ep->np->ops->netep_close)
		ep->np->ops->netep_close(ep->np, ep);
}

/* The stack's filter of its own addresses, after one of them went. */
static void
filter_locals(struct mr_stack *s)
{
	struct mr_netep *ep;
	struct mr_nic *nic;

	s->local_filter = (struct mr_addr_filter){0};
	TAILQ_FOREACH(nic, &s->nics, link_in_stack) {
		TAILQ_FOREACH(ep, &nic->configured, configured)
			mr_addr_filter_add(&s->local_filter, &ep->addr);
	}
}

/* What a configured address is besides the object itself, whose prefix is set. @return 0, or -errno: nothing is left */
static int
netep_configure(struct mr_netep *ep, enum mr_peb peb)
{
	struct mr_stack *s = ep->nic->stack;
	int r = bcast_add(ep);

	if (r < 0)
		return r;
	ep->kind = MR_NETEP_PERMANENT;
	mr_addr_filter_add(&s->local_filter, &ep->addr);
	r = row_bring(ep);
	if (r < 0)
		goto fail;
	TAILQ_INSERT_TAIL(&ep->nic->configured, ep, configured);
	primary_set(ep, peb);
	r = netep_open(ep);
	if (r == 0) {
		s->route_gen++;
		return 0;
	}
	primary_remove(ep);
	TAILQ_REMOVE(&ep->nic->configured, ep, configured);
	row_take_along(ep);
fail:
	bcast_remove(ep);
	ep->kind = MR_NETEP_EXPIRED;
	return r;
}

static void
netep_deconfigure(struct mr_netep *ep)
{
	struct mr_stack *s = ep->nic->stack;

	if (ep->nic->flags & MR_NIC_F_UP)
		netep_close(ep);
	row_take_along(ep);
	primary_remove(ep);
	TAILQ_REMOVE(&ep->nic->configured, ep, configured);
	filter_locals(s);
	bcast_remove(ep);
	ep->kind = MR_NETEP_EXPIRED;
	s->route_gen++;
	mr_netep_release(ep);
}

int
mr_addr_add(struct mr_stack *s, uint16_t nic_id, const struct mr_subnet *addr, enum mr_peb peb)
{
	struct mr_nic *nic = mr_nic_find(s, nic_id);
	struct mr_netep *ep;
	uint8_t plen, kind;
	int r;

	MR_OWN_CORE(s);
	if (!nic)
		return -ENODEV;
	if (addr->plen > mr_addr_bits(&addr->addr) || mr_addr_is_any(&addr->addr) || mr_addr_is_multicast(&addr->addr) ||
	    is_limited_broadcast(&addr->addr))
		return -EINVAL;
	if (!mr_stack_has_netproto(s, mr_addr_net(&addr->addr)))
		return -EPROTONOSUPPORT;
	ep = mr_nic_netep_any(nic, &addr->addr);
	if (ep && ep->kind == MR_NETEP_PERMANENT)
		return -EEXIST;
	if (ep)
		mr_netep_hold(ep);
	else
		ep = mr_netep_new(nic, &addr->addr, MR_NETEP_TEMPORARY);
	if (!ep)
		return -ENOMEM;
	plen = ep->plen;
	kind = ep->kind;
	ep->plen = addr->plen;
	r = netep_configure(ep, peb);
	if (r < 0) {
		ep->plen = plen;
		ep->kind = kind;
		mr_netep_release(ep);
	}
	return r;
}

int
mr_addr_remove(struct mr_stack *s, uint16_t nic_id, const struct mr_addr *addr)
{
	struct mr_nic *nic = mr_nic_find(s, nic_id);
	struct mr_netep *ep = nic ? mr_nic_netep_find(nic, addr) : NULL;

	MR_OWN_CORE(s);
	if (!nic)
		return -ENODEV;
	if (!ep)
		return -EADDRNOTAVAIL;
	netep_deconfigure(ep);
	return 0;
}

unsigned
mr_nic_addrs_count(const struct mr_nic *nic)
{
	const struct mr_netep *ep;
	unsigned n = 0;

	TAILQ_FOREACH(ep, &nic->configured, configured)
		n++;
	return n;
}

void
mr_nic_addrs_cut(struct mr_nic *nic, unsigned n)
{
	for (unsigned have = mr_nic_addrs_count(nic); have > n; have--)
		netep_deconfigure(TAILQ_LAST(&nic->configured, mr_configured_list));
}

/* ---- with the NIC */

int
mr_nic_neteps_open(struct mr_nic *nic)
{
	unsigned n = mr_nic_addrs_count(nic);
	struct mr_netep *ep;
	int r = 0;

	/* First the groups that are joined already: the addresses join others. */
	mr_nic_groups_open(nic);
	TAILQ_FOREACH(ep, &nic->configured, configured) {
		r = netep_open(ep);
		if (r < 0)
			break;
	}
	if (r == 0) {
		mr_nic_groups_tell_link(nic);
		return 0;
	}
	while ((ep = TAILQ_PREV(ep, mr_configured_list, configured)))
		netep_close(ep);
	mr_nic_addrs_cut(nic, n);
	mr_nic_groups_close(nic);
	return r;
}

void
mr_nic_neteps_close(struct mr_nic *nic)
{
	struct mr_netep *ep;

	TAILQ_FOREACH(ep, &nic->configured, configured)
		netep_close(ep);
	mr_nic_groups_close(nic);
}

void
mr_nic_neteps_drop(struct mr_nic *nic)
{
	struct mr_netep *ep, *next;

	while ((ep = TAILQ_FIRST(&nic->configured)))
		netep_deconfigure(ep);
	for (unsigned i = 0; i < MR_NIC_ADDR_BUCKETS; i++) {
		for (ep = nic->addrs[i]; ep; ep = next) {
			next = ep->hash_next;
			if (ep->kind == MR_NETEP_GROUP)
				mr_netep_group_drop(ep);
		}
	}
}
