/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Local addresses as objects: reference counts, ids, looking up, and the choice of a source.
 *
 * An address object (struct mr_netep) is counted: one reference for being configured or joined, one for each route or
 * flow. Its kind says what is left of it: a removed address that is still referenced is EXPIRED, sources what its flows
 * still have to say and receives nothing (SS-8). Addresses that a mode of the NIC lets in without being configured are
 * TEMPORARY: they are never a source of choice (SS-6), and what only received packets refer to is let go at the end of
 * the turn.
 *
 * Invariants: an object is in its NIC's hash while it lives, and its id is its own until it is freed. Not here: how an
 * address comes to be configured (nic_addr.c), groups and subnets (nic_group.c).
 */
#include "stack/netep.h"

#include <rte_byteorder.h>
#include <rte_common.h>

#include "stack/stack.h"

/* ---- objects */

static struct mr_netep **
bucket(struct mr_nic *nic, const struct mr_addr *a)
{
	return &nic->addrs[mr_addr_slot(a, MR_NIC_ADDR_BITS)];
}

struct mr_netep *
mr_nic_netep_any(struct mr_nic *nic, const struct mr_addr *addr)
{
	struct mr_netep *ep = *bucket(nic, addr);

	while (ep && !mr_addr_equal(&ep->addr, addr))
		ep = ep->hash_next;
	return ep;
}

struct mr_netep *
mr_netep_new(struct mr_nic *nic, const struct mr_addr *addr, enum mr_netep_kind kind)
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
	ep->plen = mr_addr_bits(addr);
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
	struct mr_netep *ep;
	struct mr_nic *nic;

	if (!mr_addr_filter_may_have(&s->local_filter, addr))
		return NULL;
	ep = first && first->flags & MR_NIC_F_UP ? mr_nic_netep_find(first, addr) : NULL;
	TAILQ_FOREACH(nic, &s->nics, link_in_stack) {
		if (ep)
			break;
		if (nic->flags & MR_NIC_F_UP)
			ep = mr_nic_netep_find(nic, addr);
	}
	return ep;
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
		return mr_nic_netep_bcast(nic, dst);
	/* A spoofed source that a flow holds gets its answers. */
	if (!mr_nic_accepts_foreign(nic, dst) && !(ep && nic->flags & MR_NIC_F_SPOOFING))
		return NULL;
	if (ep)
		return netep_keep_for_turn(ep);
	ep = mr_netep_new(nic, dst, MR_NETEP_TEMPORARY);
	if (!ep)
		return NULL;
	netep_keep_for_turn(ep);
	mr_netep_release(ep);
	return ep;
}

struct mr_netep *
mr_nic_netep_for(struct mr_nic *nic, const struct mr_addr *dst, uint8_t flags)
{
	struct mr_netep *ep = mr_nic_netep_rx(nic, dst);

	if (likely(ep))
		return ep;
	if (flags & MR_PKT_F_LOCAL || (nic->stack->transit && !mr_addr_is_linklocal(dst)))
		return mr_stack_netep_find(nic->stack, nic, dst);
	return NULL;
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
	ep = mr_netep_new(nic, addr, MR_NETEP_TEMPORARY);
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
		if (mr_netep_on_link(ep, dst))
			return ep;
		if (!first)
			first = ep;
	}
	return first;
}
