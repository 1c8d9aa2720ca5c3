/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Who a packet is for.
 *
 * Wildcard registrations are ranked by the reference's order: those of the packet's NIC before global ones, and in each
 * of the two the four steps. The lowest rank wins; several registrations of one rank are a reuse group, and the
 * packet's hash picks one, the same for every packet of a tuple. An entry of the flow table comes first, unless it
 * belongs to no NIC and a registration for the packet's NIC exists: that is looked at only if there are any at all.
 *
 * Not here: the default handler and the answer to packets for nobody (nic.c), ports (port.h). A group's or broadcast
 * address needs no rule of its own: a registration with a local address takes what is for exactly that address.
 */
#include "stack/demux.h"

#include <errno.h>
#include <string.h>

#include <rte_common.h>

#include "stack/context.h"
#include "stack/nic.h"
#include "stack/stack.h"

#define STEPS 4
#define RANK_NONE (2 * STEPS)

/* What is asked: one packet, as seen by a registration. In another order than struct mr_bound, or else the compiler compares
 * several fields of both as one word, and waits for those that were stored a moment ago. */
struct demux_query {
	const struct mr_addr *laddr, *raddr;
	uint32_t hash;
	uint16_t nic;
	uint8_t proto;
	bool v4;
	uint16_t lport_be, rport_be;
};

void
mr_demux_init(struct mr_demux *d)
{
	memset(d, 0, sizeof(*d));
}

static inline bool
addr_is_zero(const struct mr_addr *a)
{
	return (a->d[0] | a->d[1]) == 0;
}

static inline struct mr_bound **
demux_bucket(struct mr_demux *d, uint8_t proto, uint16_t lport_be)
{
	/* Neighbouring ports and the protocols of one port fall apart; ports are ours, so nobody aims at a bucket. */
	return &d->bound[(rte_be_to_cpu_16(lport_be) ^ proto * 37u) % MR_DEMUX_BUCKETS];
}

/* Would the two take the same packets of some family at the same step? */
static bool
bound_same_id(const struct mr_bound *a, const struct mr_bound *b)
{
	return a->proto == b->proto && a->lport_be == b->lport_be && a->rport_be == b->rport_be && a->nic == b->nic &&
	       mr_addr_equal(&a->laddr, &b->laddr) && mr_addr_equal(&a->raddr, &b->raddr) &&
	       ((a->v4 && b->v4) || (a->v6 && b->v6));
}

int
mr_demux_bind(struct mr_stack *s, struct mr_bound *b)
{
	struct mr_bound **at = demux_bucket(&s->demux, b->proto, b->lport_be);

	/* 0.0.0.0 is as much of a wildcard as ::, the families are in v4 and v6. */
	if (mr_addr_is_any(&b->laddr))
		memset(&b->laddr, 0, sizeof(b->laddr));
	if (mr_addr_is_any(&b->raddr))
		memset(&b->raddr, 0, sizeof(b->raddr));
	for (; *at; at = &(*at)->next) {
		if (bound_same_id(*at, b) && !((*at)->reuse_port && b->reuse_port))
			return -EADDRINUSE;
	}
	b->next = NULL;
	b->pprev = at;
	*at = b;
	if (b->nic)
		s->demux.n_nic_specific++;
	return 0;
}

void
mr_demux_unbind(struct mr_stack *s, struct mr_bound *b)
{
	if (!b->pprev)
		return;
	*b->pprev = b->next;
	if (b->next)
		b->next->pprev = b->pprev;
	b->pprev = NULL;
	if (b->nic)
		s->demux.n_nic_specific--;
}

int
mr_transep_register(struct mr_stack *s, struct mr_bound *b)
{
	MR_OWN_CORE(s);
	if (!b->ep || b->pprev || !(b->v4 || b->v6))
		return -EINVAL;
	if (b->nic && !mr_nic_find(s, b->nic))
		return -ENODEV;
	return mr_demux_bind(s, b);
}

void
mr_transep_unregister(struct mr_stack *s, struct mr_bound *b)
{
	MR_OWN_CORE(s);
	mr_demux_unbind(s, b);
}

/* Place in the order of SS-1: 0 is best, RANK_NONE does not match. */
static inline unsigned
bound_rank(const struct mr_bound *b, const struct demux_query *q)
{
	bool laddr = !addr_is_zero(&b->laddr), raddr = !addr_is_zero(&b->raddr);
	unsigned step;

	if (b->lport_be != q->lport_be || b->proto != q->proto || !(q->v4 ? b->v4 : b->v6))
		return RANK_NONE;
	if ((b->nic && b->nic != q->nic) || (b->rport_be && b->rport_be != q->rport_be))
		return RANK_NONE;
	if ((laddr && !mr_addr_equal(&b->laddr, q->laddr)) || (raddr && !mr_addr_equal(&b->raddr, q->raddr)))
		return RANK_NONE;
	step = (raddr || b->rport_be ? 0 : 2) + (laddr ? 0 : 1);
	return (b->nic ? 0 : STEPS) + step;
}

/* Best registration among those that rank below `limit`. Inline, so that the query stays in registers. */
static __rte_always_inline struct mr_bound *
bound_find(struct mr_demux *d, const struct demux_query *q, unsigned limit)
{
	struct mr_bound *head = *demux_bucket(d, q->proto, q->lport_be), *found = NULL;
	unsigned best = limit, members = 0, pick;

	for (struct mr_bound *b = head; b; b = b->next) {
		unsigned rank = bound_rank(b, q);

		if (rank < best) {
			best = rank;
			found = b;
			members = 1;
		} else if (rank == best && found) {
			members++;
		}
	}
	if (members < 2)
		return found;
	pick = (unsigned)((uint64_t)q->hash * members >> 32);
	for (struct mr_bound *b = found; b; b = b->next) {
		if (bound_rank(b, q) == best && pick-- == 0)
			return b;
	}
	return found;
}

/* `hit` is what the flow table says. */
static __rte_always_inline struct mr_flow *
demux_decide(struct mr_demux *d, const struct demux_query *q, struct mr_flow *hit)
{
	unsigned limit = RANK_NONE;
	struct mr_bound *b;

	if (hit) {
		if (likely(d->n_nic_specific == 0 || (hit->flags & MR_FLOW_F_NIC)))
			return hit;
		limit = STEPS; /* only registrations for the NIC come before it */
	}
	b = bound_find(d, q, limit);
	return b ? &b->ep->flow : hit;
}

static inline struct demux_query
query_of_pkt(uint8_t proto, const struct rte_mbuf *m)
{
	const struct mr_pkt *p = mr_pkt(m);

	return (struct demux_query){
		.laddr = &p->netep->addr, .raddr = &p->src, .lport_be = p->dport_be, .rport_be = p->sport_be,
		.nic = p->netep->nic->id, .proto = proto, .v4 = mr_addr_is_v4(&p->src), .hash = p->hash,
	};
}

/* Exact tuples of up to MR_BURST packets, whose hashes it fills in. @return how many are there */
static inline unsigned
lookup_tuples(struct mr_stack *s, uint8_t proto, struct rte_mbuf **pkts, struct mr_flow **flows, uint16_t n)
{
	struct mr_flow keys[MR_BURST];

	for (uint16_t i = 0; i < n; i++) {
		struct mr_pkt *p = mr_pkt(pkts[i]);

		mr_flow_key_set(&s->flows, &keys[i], &p->src, mr_flow_rest(p->sport_be, p->dport_be, p->netep->id, proto));
		p->hash = keys[i].hash;
		mr_flow_prefetch(&s->flows, keys[i].hash);
	}
	return mr_flow_find_burst(&s->flows, keys, flows, n);
}

/* What the packet before was for, if any other to the same address and port is, too. */
struct demux_last {
	const struct mr_netep *netep; /* NULL: not known */
	uint16_t lport_be;
	struct mr_flow *flow;
};

/* Does a registration take all that is for its port, whoever sent it: is it the only one of the port, and open to all? */
static bool
bound_takes_all(struct mr_demux *d, const struct mr_bound *b)
{
	if (!addr_is_zero(&b->raddr) || b->rport_be)
		return false;
	for (const struct mr_bound *o = *demux_bucket(d, b->proto, b->lport_be); o; o = o->next) {
		if (o != b && o->lport_be == b->lport_be && o->proto == b->proto)
			return false;
	}
	return true;
}

static inline void
hash_set(const struct mr_stack *s, uint8_t proto, struct rte_mbuf *m)
{
	struct mr_pkt *p = mr_pkt(m);

	p->hash = mr_flow_hash(&s->flows, &p->src, p->sport_be, p->dport_be, p->netep->id, proto);
}

/* A packet that is in no entry of the flow table. Its hash is set. */
static struct mr_flow *
lookup_bound(struct mr_stack *s, uint8_t proto, struct rte_mbuf *m, struct demux_last *last)
{
	const struct mr_pkt *p = mr_pkt(m);
	struct demux_query q = query_of_pkt(proto, m);
	struct mr_bound *b = bound_find(&s->demux, &q, RANK_NONE);

	if (!b)
		return NULL;
	if (bound_takes_all(&s->demux, b))
		*last = (struct demux_last){.netep = p->netep, .lport_be = p->dport_be, .flow = &b->ep->flow};
	return &b->ep->flow;
}

static inline bool
is_like_last(const struct rte_mbuf *m, const struct demux_last *last)
{
	const struct mr_pkt *p = mr_pkt(m);

	return last->netep == p->netep && last->lport_be == p->dport_be;
}

/* A protocol without connections: a server of datagrams. @return for how many there is somebody */
static uint16_t
lookup_bounds(struct mr_stack *s, uint8_t proto, struct rte_mbuf **pkts, struct mr_flow **flows, uint16_t n)
{
	struct demux_last last = {0}; /* no packet is without an address */
	uint16_t found = 0;

	for (uint16_t i = 0; i < n; i++) {
		if (unlikely(!is_like_last(pkts[i], &last))) {
			hash_set(s, proto, pkts[i]);
			flows[i] = lookup_bound(s, proto, pkts[i], &last);
			found += flows[i] != NULL;
			continue;
		}
		flows[i] = last.flow;
		found++;
	}
	return found;
}

/* @return for how many there is somebody */
static uint16_t
lookup_chunk(struct mr_stack *s, uint8_t proto, struct rte_mbuf **pkts, struct mr_flow **flows, uint16_t n)
{
	struct demux_last last = {0};
	uint16_t found = 0;

	if (s->flows.n_of[proto] == 0)
		return lookup_bounds(s, proto, pkts, flows, n);
	if (likely(lookup_tuples(s, proto, pkts, flows, n) == n && s->demux.n_nic_specific == 0))
		return n;
	for (uint16_t i = 0; i < n; i++) {
		if (!flows[i]) {
			flows[i] = is_like_last(pkts[i], &last) ? last.flow : lookup_bound(s, proto, pkts[i], &last);
		} else if (unlikely(s->demux.n_nic_specific > 0)) {
			struct demux_query q = query_of_pkt(proto, pkts[i]);

			flows[i] = demux_decide(&s->demux, &q, flows[i]);
		}
		found += flows[i] != NULL;
	}
	return found;
}

uint16_t
mr_demux_lookup_burst(struct mr_stack *s, uint8_t proto, struct rte_mbuf **pkts, struct mr_flow **flows, uint16_t n)
{
	uint16_t found = 0;

	for (uint32_t i = 0; i < n; i += MR_BURST)
		found += lookup_chunk(s, proto, &pkts[i], &flows[i], (uint16_t)RTE_MIN(n - i, (uint32_t)MR_BURST));
	return found;
}

/* The answer for one query, whose hash is filled in. */
static struct mr_flow *
demux_lookup_one(struct mr_stack *s, struct demux_query *q, uint16_t local_id)
{
	struct mr_flow key = {.raddr = *q->raddr, .rport_be = q->rport_be, .lport_be = q->lport_be, .local_id = local_id,
	                      .proto = q->proto};
	struct mr_flow *hit;

	key.hash = mr_flow_hash(&s->flows, q->raddr, q->rport_be, q->lport_be, local_id, q->proto);
	q->hash = key.hash;
	mr_flow_find_burst(&s->flows, &key, &hit, 1);
	return demux_decide(&s->demux, q, hit);
}

struct mr_flow *
mr_demux_lookup(struct mr_stack *s, uint8_t proto, const struct mr_netep *local, const struct mr_addr *raddr,
                uint16_t rport_be, uint16_t lport_be)
{
	struct demux_query q = {
		.laddr = &local->addr, .raddr = raddr, .lport_be = lport_be, .rport_be = rport_be, .nic = local->nic->id,
		.proto = proto, .v4 = mr_addr_is_v4(raddr),
	};

	return demux_lookup_one(s, &q, local->id);
}

/* The takers of a packet: first whom the lookup names, then every other registration that matches, oldest first. */
struct mr_ep *
mr_demux_next(struct mr_stack *s, uint8_t proto, struct rte_mbuf *m, struct mr_ep *prev)
{
	struct demux_query q = query_of_pkt(proto, m);
	struct mr_bound *b = *demux_bucket(&s->demux, proto, q.lport_be);
	struct mr_flow *first = demux_lookup_one(s, &q, mr_pkt(m)->netep->id);

	if (&prev->flow != first) {
		while (b && b->ep != prev)
			b = b->next;
		if (!b)
			return NULL;
		b = b->next;
	}
	for (; b; b = b->next) {
		if (&b->ep->flow != first && bound_rank(b, &q) != RANK_NONE)
			return b->ep;
	}
	return NULL;
}
