/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Forwarding between NICs (S-48, S-49, SS-10): whose packet it is, where it goes, and its way out.
 *
 * A burst is worked on in passes: first each packet's next hop, asked for once for a run of one destination; then the
 * protocol judges and counts down all of them in one call; then what has the same next hop is sent together. Next hops
 * are remembered in a small table by destination. It is direct-mapped: a destination that is pushed out is looked up
 * again, nothing more. What is remembered is good while the stack's route generation stands, as in a route value, and it
 * also says that the destination is not ours, unless a mode of the arrival NIC takes in others' packets.
 *
 * A packet for an address of another NIC of ours is delivered here (weak host model), unless it is link-local. Not
 * forwarded are groups, broadcasts and link-local destinations; what must not pass because of its source, its TTL or its
 * size is the protocol's to say.
 *
 * Not here: ICMP errors about what is dropped, which would be sent from `drop` and from the protocol's `forward`; and
 * fragmentation, which is the latter's.
 *
 * Invariants: a neighbour without a link address is not remembered, so that a scan of empty addresses moves no route
 * generation on; and what was found is used before the next search, which may evict it.
 */
#include "stack/transit.h"

#include <errno.h>

#include <rte_common.h>
#include <rte_malloc.h>

#include "stack/context.h"
#include "stack/link.h"
#include "stack/neigh.h"
#include "stack/pkt.h"
#include "stack/route.h"
#include "stack/netep.h"
#include "stack/stack.h"

#define SLOT_BITS 10

struct slot {
	struct mr_addr dst;
	struct mr_hop hop;
	uint32_t gen;
} __rte_cache_aligned;
_Static_assert(sizeof(struct slot) == RTE_CACHE_LINE_SIZE, "one cache line for a destination");

struct mr_transit {
	uint64_t key; /* of the hash, odd: destinations cannot be chosen to push out each other */
	struct slot slots[1u << SLOT_BITS];
};

/* Packets of a burst that go on, and how. */
struct batch {
	struct mr_netproto *np;
	uint16_t n;
	struct rte_mbuf *pkts[MR_BURST];
	struct mr_hop hops[MR_BURST];
};

/* ---- on and off */

int
mr_stack_set_forwarding(struct mr_stack *s, bool on)
{
	MR_OWN_CORE(s);
	if (!on)
		mr_transit_free(s);
	if (!on || s->transit)
		return 0;
	s->transit = rte_zmalloc("mr_transit", sizeof(*s->transit), RTE_CACHE_LINE_SIZE);
	if (!s->transit)
		return -ENOMEM;
	s->transit->key = mr_rng_u64(&s->rng) | 1;
	s->route_gen++;
	return 0;
}

bool
mr_stack_forwarding(const struct mr_stack *s)
{
	MR_OWN_CORE(s);
	return s->transit != NULL;
}

void
mr_transit_free(struct mr_stack *s)
{
	if (!s->transit)
		return;
	rte_free(s->transit);
	s->transit = NULL;
	s->route_gen++;
}

/* ---- sending on */

static void
batch_send(struct batch *b)
{
	uint16_t n = b->n > 0 ? b->np->ops->forward(b->np, b->pkts, b->hops, b->n) : 0, end;

	mr_count_n(b->np->stack, MR_CNT_IP_FORWARDED, n);
	for (uint16_t i = 0; i < n; i = end) {
		const struct mr_hop *hop = &b->hops[i];

		for (end = i + 1; end < n && b->hops[end].neigh == hop->neigh && b->hops[end].nic == hop->nic; end++)
			;
		mr_nic_output_burst(hop->nic, hop->neigh, &b->pkts[i], end - i, b->np->ops->number);
	}
	b->n = 0;
}

static void
drop(struct batch *b, struct rte_mbuf *m, enum mr_counter why)
{
	mr_drop(b->np->stack, m, why);
}

/* ---- where to */

static inline struct slot *
slot_of(struct mr_transit *t, const struct mr_addr *dst)
{
	uint64_t h = (dst->d[0] ^ t->key) * 0x9e3779b97f4a7c15u;

	h = ((h ^ (h >> 32)) + dst->d[1]) * t->key;
	return &t->slots[h >> (64 - SLOT_BITS)];
}

/* Search the table of routes, and the neighbour. @return MR_CNT_MAX, or why packets to there are dropped */
static enum mr_counter
hop_find(struct mr_stack *s, const struct mr_addr *dst, struct mr_hop *hop)
{
	const struct mr_route_entry *row = mr_route_table_lookup(s, dst, &hop->nic);

	if (!row)
		return MR_DROP_IP_FWD_NO_ROUTE;
	/* Another NIC's directed broadcast: RFC 2644. */
	if (mr_nic_is_broadcast(hop->nic, dst))
		return MR_DROP_IP_FWD_SCOPE;
	hop->mtu = hop->nic->mtu;
	hop->neigh = NULL;
	if (hop->nic->caps & MR_LINK_CAP_RESOLVE)
		hop->neigh = mr_neigh_use(hop->nic, mr_addr_is_any(&row->gateway) ? dst : &row->gateway);
	return MR_CNT_MAX;
}

static void
slot_fill(struct mr_stack *s, const struct mr_addr *dst, const struct mr_hop *hop)
{
	if (hop->neigh)
		hop->neigh->in_route = true;
	*slot_of(s->transit, dst) = (struct slot){.dst = *dst, .hop = *hop, .gen = s->route_gen};
}

static bool
hop_is_settled(const struct mr_hop *hop)
{
	return hop->neigh ? mr_neigh_has_ll(hop->neigh) : !(hop->nic->caps & MR_LINK_CAP_RESOLVE);
}

/* A destination that is not remembered. @return as judge */
static __rte_noinline enum mr_counter
judge_anew(struct mr_nic *nic, struct batch *b, const struct mr_addr *dst, struct mr_hop *hop)
{
	struct mr_stack *s = nic->stack;
	enum mr_counter why;

	if (mr_nic_netep_for(nic, dst, 0)) {
		hop->nic = NULL;
		return MR_CNT_MAX;
	}
	if (mr_addr_is_multicast(dst) || mr_addr_is_linklocal(dst) || mr_nic_is_broadcast(nic, dst))
		return MR_DROP_IP_FWD_SCOPE;
	batch_send(b);
	why = hop_find(s, dst, hop);
	if (why == MR_CNT_MAX && hop_is_settled(hop))
		slot_fill(s, dst, hop);
	return why;
}

/* Does a mode of the NIC take in packets for others? Then it has to be asked each time. */
static bool
nic_takes_others(const struct mr_nic *nic)
{
	return nic->flags & (MR_NIC_F_PROMISC | MR_NIC_F_SPOOFING) || nic->n_subnets > 0;
}

/* Whose is it, and where to? @return MR_CNT_MAX with `hop` set, its NIC NULL if it is ours; or why it is dropped */
static inline enum mr_counter
judge(struct mr_nic *nic, struct batch *b, const struct mr_addr *dst, struct mr_hop *hop)
{
	struct mr_stack *s = nic->stack;
	const struct slot *slot = slot_of(s->transit, dst);

	if (unlikely(slot->gen != s->route_gen || !mr_addr_equal(&slot->dst, dst) || nic_takes_others(nic)))
		return judge_anew(nic, b, dst, hop);
	*hop = slot->hop;
	return MR_CNT_MAX;
}

uint16_t
mr_transit(struct mr_nic *nic, struct mr_netproto *np, struct rte_mbuf **pkts, struct mr_addr *dst, uint16_t n)
{
	struct batch b = {.np = np, .n = 0};
	enum mr_counter why = MR_CNT_MAX;
	struct mr_hop hop = {0};
	struct mr_addr last;
	bool known = false;
	uint16_t kept = 0;

	for (uint16_t i = 0; i < n; i++) {
		bool local = mr_pkt(pkts[i])->flags & MR_PKT_F_LOCAL;

		if (!local && !(known && mr_addr_equal(&dst[i], &last))) {
			last = dst[i];
			why = judge(nic, &b, &last, &hop);
			known = true;
		}
		if (local || (why == MR_CNT_MAX && !hop.nic)) {
			pkts[kept] = pkts[i];
			dst[kept++] = dst[i];
		} else if (unlikely(why != MR_CNT_MAX)) {
			drop(&b, pkts[i], why);
		} else {
			b.pkts[b.n] = pkts[i];
			b.hops[b.n++] = hop;
		}
	}
	batch_send(&b);
	return kept;
}
