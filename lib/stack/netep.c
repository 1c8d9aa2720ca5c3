/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Local addresses, subnets and groups of a NIC.
 *
 * An address object (struct mr_netep) is counted: one reference for being configured or joined, one for each route or
 * flow. Its kind says what is left of it: a removed address that is still referenced is EXPIRED, sources what its flows
 * still have to say and receives nothing; adding it again makes the same object PERMANENT, so flows go on (SS-8).
 * Addresses that a mode of the NIC lets in without being configured are TEMPORARY: they are never a source of choice
 * (SS-6), and what only received packets refer to is let go at the end of the turn.
 *
 * Invariants: an object is in its NIC's hash while it lives, in `configured` while PERMANENT, in `primary` while it may
 * be chosen as a source; its id is its own until it is freed. Every change that a route could see moves route_gen on.
 */
#include "stack/nic.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <rte_byteorder.h>
#include <rte_common.h>

#include "stack/route.h"
#include "stack/stack.h"

/* ---- prefixes */

static unsigned
prefix_bits(const struct mr_subnet *s)
{
	return s->plen + (mr_addr_is_v4(&s->addr) ? 96 : 0);
}

static unsigned
family_bits(const struct mr_addr *a)
{
	return mr_addr_is_v4(a) ? 32 : 128;
}

int
mr_subnet_normalize(struct mr_subnet *s)
{
	unsigned bits = prefix_bits(s);

	if (s->plen > family_bits(&s->addr))
		return -EINVAL;
	for (unsigned i = 0; i < 16; i++, bits -= RTE_MIN(bits, 8u))
		s->addr.b[i] &= bits >= 8 ? 0xff : (uint8_t)(0xff00 >> bits);
	return 0;
}

static bool
on_link(const struct mr_netep *ep, const struct mr_addr *a)
{
	struct mr_subnet s = {.addr = ep->addr, .plen = ep->plen};

	return mr_subnet_contains(&s, a);
}

/* ---- objects */

static struct mr_netep **
bucket(struct mr_nic *nic, const struct mr_addr *a)
{
	uint64_t h = (a->d[0] ^ a->d[1]) * 0x9e3779b97f4a7c15u;

	return &nic->addrs[(h >> 32) % MR_NIC_ADDR_BUCKETS];
}

struct mr_netep *
mr_nic_netep_any(struct mr_nic *nic, const struct mr_addr *addr)
{
	struct mr_netep *ep = *bucket(nic, addr);

	while (ep && !mr_addr_equal(&ep->addr, addr))
		ep = ep->hash_next;
	return ep;
}

/* A new object with one reference, the caller's. NULL: no protocol or no room. */
static struct mr_netep *
netep_new(struct mr_nic *nic, const struct mr_addr *addr, enum mr_netep_kind kind)
{
	struct mr_stack *s = nic->stack;
	struct mr_netproto *np = mr_stack_netproto(s, mr_addr_net(addr));
	struct mr_netep *ep = np ? mr_pool_get(&s->netep_pool) : NULL;
	struct mr_netep **at = bucket(nic, addr);

	if (!ep)
		return NULL;
	ep->addr = *addr;
	ep->nic = nic;
	ep->np = np;
	ep->refs = 1;
	/* The place in the pool is a number that nobody else has meanwhile; 0 is nobody. */
	ep->id = 1 + ((uintptr_t)ep - (uintptr_t)s->netep_pool.base) / s->netep_pool.obj_bytes;
	ep->plen = family_bits(addr);
	ep->kind = kind;
	ep->peb = MR_PEB_NEVER_PRIMARY;
	ep->hash_next = *at;
	*at = ep;
	s->netep_ids[ep->id] = ep;
	nic->n_neteps++;
	return ep;
}

static void
netep_free(struct mr_netep *ep)
{
	struct mr_nic *nic = ep->nic;
	struct mr_stack *s = nic->stack;
	struct mr_netep **at = bucket(nic, &ep->addr);

	while (*at != ep)
		at = &(*at)->hash_next;
	*at = ep->hash_next;
	s->netep_ids[ep->id] = NULL;
	mr_pool_put(&s->netep_pool, ep);
	if (--nic->n_neteps > 0 || !nic->removed)
		return;
	TAILQ_REMOVE(&s->dead_nics, nic, link_in_stack);
	mr_nic_free(nic);
}

struct mr_netep *
mr_netep_by_id(struct mr_stack *s, uint16_t id)
{
	return s->netep_ids[id];
}

void
mr_netep_hold(struct mr_netep *ep)
{
	ep->refs++;
}

void
mr_netep_release(struct mr_netep *ep)
{
	if (--ep->refs == 0)
		netep_free(ep);
}

/* Keep an object that only packets of this turn may refer to. */
static struct mr_netep *
netep_keep_for_turn(struct mr_netep *ep)
{
	struct mr_stack *s = ep->nic->stack;

	if (ep->in_turn)
		return ep;
	mr_netep_hold(ep);
	ep->in_turn = true;
	ep->turn_next = s->turn_neteps;
	s->turn_neteps = ep;
	return ep;
}

void
mr_stack_netep_turn_end(struct mr_stack *s)
{
	while (s->turn_neteps) {
		struct mr_netep *ep = s->turn_neteps;

		s->turn_neteps = ep->turn_next;
		ep->in_turn = false;
		mr_netep_release(ep);
	}
}

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
	if (b && --b->users == 0)
		*b = nic->bcasts[--nic->n_bcasts];
}

static bool
is_limited_broadcast(const struct mr_addr *a)
{
	return mr_addr_is_v4(a) && a->w[3] == UINT32_MAX;
}

bool
mr_nic_is_broadcast(const struct mr_nic *nic, const struct mr_addr *a)
{
	return is_limited_broadcast(a) || bcast_find(nic, a);
}

/* ---- looking up */

struct mr_netep *
mr_nic_netep_find(struct mr_nic *nic, const struct mr_addr *addr)
{
	struct mr_netep *ep = mr_nic_netep_any(nic, addr);

	return ep && ep->kind == MR_NETEP_PERMANENT ? ep : NULL;
}

struct mr_netep *
mr_stack_netep_find(struct mr_stack *s, struct mr_nic *first, const struct mr_addr *addr)
{
	struct mr_netep *ep = first && first->flags & MR_NIC_F_UP ? mr_nic_netep_find(first, addr) : NULL;
	struct mr_nic *nic;

	TAILQ_FOREACH(nic, &s->nics, link_in_stack) {
		if (ep)
			break;
		if (nic->flags & MR_NIC_F_UP)
			ep = mr_nic_netep_find(nic, addr);
	}
	return ep;
}

/* Whom a broadcast is for: the address whose subnet it is of, else the first primary one. */
static struct mr_netep *
netep_for_broadcast(struct mr_nic *nic, const struct mr_addr *dst)
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

/* Does a mode of the NIC let in packets for an address that is not configured? */
static bool
accepts_foreign(const struct mr_nic *nic, const struct mr_addr *a)
{
	if (nic->flags & MR_NIC_F_PROMISC)
		return true;
	for (unsigned i = 0; i < nic->n_subnets; i++) {
		if (mr_subnet_contains(&nic->subnets[i], a))
			return true;
	}
	return false;
}

struct mr_netep *
mr_nic_netep_rx(struct mr_nic *nic, const struct mr_addr *dst)
{
	struct mr_netep *ep = mr_nic_netep_any(nic, dst);

	if (likely(ep && (ep->kind == MR_NETEP_PERMANENT || ep->kind == MR_NETEP_GROUP)))
		return ep;
	if (mr_addr_is_multicast(dst) || mr_addr_is_any(dst))
		return NULL;
	if (mr_addr_is_v4(dst) && mr_nic_is_broadcast(nic, dst))
		return netep_for_broadcast(nic, dst);
	/* A spoofed source that a flow holds gets its answers. */
	if (!accepts_foreign(nic, dst) && !(ep && nic->flags & MR_NIC_F_SPOOFING))
		return NULL;
	if (ep)
		return netep_keep_for_turn(ep);
	ep = netep_new(nic, dst, MR_NETEP_TEMPORARY);
	if (!ep)
		return NULL;
	netep_keep_for_turn(ep);
	mr_netep_release(ep);
	return ep;
}

struct mr_netep *
mr_nic_netep_spoof(struct mr_nic *nic, const struct mr_addr *addr)
{
	struct mr_netep *ep;

	if (!(nic->flags & MR_NIC_F_SPOOFING) || mr_addr_is_any(addr) || mr_addr_is_multicast(addr) ||
	    mr_nic_is_broadcast(nic, addr))
		return NULL;
	ep = mr_nic_netep_any(nic, addr);
	if (ep)
		return netep_keep_for_turn(ep);
	ep = netep_new(nic, addr, MR_NETEP_TEMPORARY);
	if (!ep)
		return NULL;
	netep_keep_for_turn(ep);
	mr_netep_release(ep);
	return ep;
}

/* ---- source choice */

static bool
is_local_scope(const struct mr_addr *a)
{
	/* ff01 and ff02 are as narrow as fe80 (RFC 6724 3.1); ::1 counts as link-local (3.4). */
	if (!mr_addr_is_v4(a) && mr_addr_is_multicast(a))
		return (a->b[1] & 0xf) <= 2;
	return mr_addr_is_linklocal(a) || mr_addr_is_loopback(a);
}

static unsigned
common_bits(const struct mr_addr *a, const struct mr_addr *b)
{
	uint64_t x = rte_be_to_cpu_64(a->d[0] ^ b->d[0]);

	if (x)
		return __builtin_clzll(x);
	x = rte_be_to_cpu_64(a->d[1] ^ b->d[1]);
	return x ? 64 + __builtin_clzll(x) : 128;
}

/* How well a source fits an IPv6 destination; 0: not at all. */
static unsigned
v6_score(const struct mr_netep *ep, const struct mr_addr *dst)
{
	bool dst_local = is_local_scope(dst), src_local = is_local_scope(&ep->addr);

	if (mr_addr_equal(&ep->addr, dst))
		return 1000;
	if (src_local && !dst_local)
		return 0;
	return (src_local == dst_local ? 500 : 1) + RTE_MIN(common_bits(&ep->addr, dst), (unsigned)ep->plen);
}

static struct mr_netep *
primary_v6(struct mr_nic *nic, const struct mr_addr *dst)
{
	struct mr_netep *ep, *found = NULL;
	unsigned best = 0;

	TAILQ_FOREACH(ep, &nic->primary, primary) {
		unsigned score = mr_addr_is_v4(&ep->addr) ? 0 : v6_score(ep, dst);

		if (score > best) {
			best = score;
			found = ep;
		}
	}
	return found;
}

struct mr_netep *
mr_nic_netep_primary(struct mr_nic *nic, const struct mr_addr *dst)
{
	struct mr_netep *ep, *first = NULL;

	if (!mr_addr_is_v4(dst))
		return primary_v6(nic, dst);
	TAILQ_FOREACH(ep, &nic->primary, primary) {
		if (!mr_addr_is_v4(&ep->addr))
			continue;
		if (on_link(ep, dst))
			return ep;
		if (!first)
			first = ep;
	}
	return first;
}

/* ---- configured addresses */

static bool
is_alone_on_prefix(const struct mr_netep *ep)
{
	const struct mr_netep *o;

	TAILQ_FOREACH(o, &ep->nic->configured, configured) {
		if (o != ep && o->plen == ep->plen && mr_addr_net(&o->addr) == mr_addr_net(&ep->addr) && on_link(o, &ep->addr))
			return false;
	}
	return true;
}

/* The connected route: one row for all addresses of a prefix. */
static bool
connected_row(const struct mr_netep *ep, struct mr_route_entry *e)
{
	*e = (struct mr_route_entry){.dest = {.addr = ep->addr, .plen = ep->plen}, .nic = ep->nic->id};
	return ep->plen < family_bits(&ep->addr) && is_alone_on_prefix(ep);
}

static void
netep_open(struct mr_netep *ep)
{
	if (ep->np->ops->netep_open)
		ep->np->ops->netep_open(ep->np, ep);
}

static void
netep_close(struct mr_netep *ep)
{
	if (ep->np->ops->netep_close)
		ep->np->ops->netep_close(ep->np, ep);
}

/* What a configured address is besides the object itself, whose prefix is set. @return 0, or -errno: nothing is left */
static int
netep_configure(struct mr_netep *ep, enum mr_peb peb)
{
	struct mr_stack *s = ep->nic->stack;
	struct mr_route_entry row;
	bool row_added = false;
	int r = bcast_add(ep);

	if (r < 0)
		return r;
	ep->kind = MR_NETEP_PERMANENT;
	if (connected_row(ep, &row)) {
		r = mr_route_add(s, &row);
		row_added = r == 0;
	}
	if (r < 0 && r != -EEXIST)
		goto fail;
	TAILQ_INSERT_TAIL(&ep->nic->configured, ep, configured);
	primary_set(ep, peb);
	r = ep->np->ops->netep_open && ep->nic->flags & MR_NIC_F_UP ? ep->np->ops->netep_open(ep->np, ep) : 0;
	if (r == 0) {
		s->route_gen++;
		return 0;
	}
	primary_remove(ep);
	TAILQ_REMOVE(&ep->nic->configured, ep, configured);
	if (row_added)
		mr_route_remove(s, &row);
fail:
	bcast_remove(ep);
	ep->kind = MR_NETEP_EXPIRED;
	return r;
}

static void
netep_deconfigure(struct mr_netep *ep)
{
	struct mr_stack *s = ep->nic->stack;
	struct mr_route_entry row;

	if (ep->nic->flags & MR_NIC_F_UP)
		netep_close(ep);
	if (connected_row(ep, &row))
		mr_route_remove(s, &row);
	primary_remove(ep);
	TAILQ_REMOVE(&ep->nic->configured, ep, configured);
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

	if (!nic)
		return -ENODEV;
	if (addr->plen > family_bits(&addr->addr) || mr_addr_is_any(&addr->addr) || mr_addr_is_multicast(&addr->addr) ||
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
		ep = netep_new(nic, &addr->addr, MR_NETEP_TEMPORARY);
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

	if (!nic)
		return -ENODEV;
	if (!ep)
		return -EADDRNOTAVAIL;
	netep_deconfigure(ep);
	return 0;
}

int
mr_nic_main_address(struct mr_stack *s, uint16_t nic_id, uint16_t net, struct mr_subnet *out)
{
	struct mr_nic *nic = mr_nic_find(s, nic_id);
	struct mr_netep *ep;

	if (!nic)
		return -ENODEV;
	TAILQ_FOREACH(ep, &nic->primary, primary) {
		if (mr_addr_net(&ep->addr) == net) {
			*out = (struct mr_subnet){.addr = ep->addr, .plen = ep->plen};
			return 0;
		}
	}
	return -EADDRNOTAVAIL;
}

uint16_t
mr_stack_check_local_address(struct mr_stack *s, uint16_t nic_id, const struct mr_addr *addr)
{
	struct mr_nic *nic;

	TAILQ_FOREACH(nic, &s->nics, link_in_stack) {
		if ((!nic_id || nic->id == nic_id) && mr_nic_netep_find(nic, addr))
			return nic->id;
	}
	return 0;
}

/* ---- subnets */

int
mr_subnet_add(struct mr_stack *s, uint16_t nic_id, const struct mr_subnet *subnet)
{
	struct mr_nic *nic = mr_nic_find(s, nic_id);
	struct mr_subnet sn = *subnet, *more;

	if (!nic)
		return -ENODEV;
	if (mr_subnet_normalize(&sn) < 0)
		return -EINVAL;
	if (!mr_stack_has_netproto(s, mr_addr_net(&sn.addr)))
		return -EPROTONOSUPPORT;
	more = realloc(nic->subnets, (nic->n_subnets + 1) * sizeof(*more));
	if (!more)
		return -ENOMEM;
	nic->subnets = more;
	more[nic->n_subnets++] = sn;
	return 0;
}

int
mr_subnet_remove(struct mr_stack *s, uint16_t nic_id, const struct mr_subnet *subnet)
{
	struct mr_nic *nic = mr_nic_find(s, nic_id);
	struct mr_subnet sn = *subnet;
	unsigned k = 0;

	if (!nic)
		return -ENODEV;
	if (mr_subnet_normalize(&sn) < 0)
		return -EINVAL;
	for (unsigned i = 0; i < nic->n_subnets; i++) {
		if (nic->subnets[i].plen != sn.plen || !mr_addr_equal(&nic->subnets[i].addr, &sn.addr))
			nic->subnets[k++] = nic->subnets[i];
	}
	nic->n_subnets = k;
	return 0;
}

/* ---- groups */

static const struct mr_netproto *
resolver_for(struct mr_stack *s, uint16_t net)
{
	for (unsigned i = 0; i < s->n_netprotos; i++) {
		const struct mr_resolver *r = s->netprotos[i]->ops->resolver;

		if (r && r->resolves_for == net && r->resolve_static)
			return s->netprotos[i];
	}
	return NULL;
}

static bool
has_lladdr(const struct mr_lladdr *list, unsigned n, const struct mr_lladdr *ll)
{
	while (n-- > 0) {
		if (list[n].len == ll->len && memcmp(list[n].b, ll->b, ll->len) == 0)
			return true;
	}
	return false;
}

/* Tell the link all groups of the NIC by their link addresses; several may share one. */
static int
groups_tell_link(struct mr_nic *nic)
{
	struct mr_lladdr *list;
	unsigned n = 0;
	int r;

	if (!nic->link->ops->set_mcast || !(nic->flags & MR_NIC_F_UP))
		return 0;
	list = malloc((nic->n_neteps + 1) * sizeof(*list));
	if (!list)
		return -ENOMEM;
	for (unsigned i = 0; i < MR_NIC_ADDR_BUCKETS; i++) {
		for (struct mr_netep *ep = nic->addrs[i]; ep; ep = ep->hash_next) {
			const struct mr_netproto *np = resolver_for(nic->stack, mr_addr_net(&ep->addr));

			if (ep->kind == MR_NETEP_GROUP && np &&
			    np->ops->resolver->resolve_static((struct mr_netproto *)(uintptr_t)np, nic, &ep->addr, &list[n]) &&
			    !has_lladdr(list, n, &list[n]))
				n++;
		}
	}
	r = nic->link->ops->set_mcast(nic->link, list, n);
	free(list);
	return r;
}

int
mr_group_join(struct mr_stack *s, uint16_t nic_id, const struct mr_addr *group)
{
	struct mr_nic *nic = mr_nic_find(s, nic_id);
	struct mr_netep *ep;
	int r;

	if (!nic)
		return -ENODEV;
	if (!mr_addr_is_multicast(group))
		return -EINVAL;
	if (!mr_stack_has_netproto(s, mr_addr_net(group)))
		return -EPROTONOSUPPORT;
	ep = mr_nic_netep_any(nic, group);
	if (ep && ep->kind == MR_NETEP_GROUP) {
		if (ep->joins == UINT16_MAX)
			return -ENOBUFS;
		ep->joins++;
		return 0;
	}
	if (ep)
		mr_netep_hold(ep);
	else
		ep = netep_new(nic, group, MR_NETEP_GROUP);
	if (!ep)
		return -ENOMEM;
	ep->kind = MR_NETEP_GROUP;
	ep->joins = 1;
	r = groups_tell_link(nic);
	if (r < 0) {
		ep->kind = MR_NETEP_EXPIRED;
		mr_netep_release(ep);
	}
	return r;
}

static void
group_drop(struct mr_netep *ep)
{
	ep->joins = 0;
	ep->kind = MR_NETEP_EXPIRED;
	mr_netep_release(ep);
}

int
mr_group_leave(struct mr_stack *s, uint16_t nic_id, const struct mr_addr *group)
{
	struct mr_nic *nic = mr_nic_find(s, nic_id);
	struct mr_netep *ep = nic ? mr_nic_netep_any(nic, group) : NULL;

	if (!nic)
		return -ENODEV;
	if (!ep || ep->kind != MR_NETEP_GROUP)
		return -EADDRNOTAVAIL;
	if (--ep->joins > 0)
		return 0;
	group_drop(ep);
	/* A link that still lets the group in does no harm: its packets are for nobody. */
	groups_tell_link(nic);
	return 0;
}

/* ---- with the NIC */

void
mr_nic_neteps_open(struct mr_nic *nic)
{
	struct mr_netep *ep;

	TAILQ_FOREACH(ep, &nic->configured, configured)
		netep_open(ep);
	groups_tell_link(nic);
}

void
mr_nic_neteps_close(struct mr_nic *nic)
{
	struct mr_netep *ep;

	TAILQ_FOREACH(ep, &nic->configured, configured)
		netep_close(ep);
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
				group_drop(ep);
		}
	}
}
