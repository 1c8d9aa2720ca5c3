/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The neighbour cache of one NIC: link addresses by network address, with the states of RFC 4861 7.3 for both families
 * (ARP is resolved by the same machine). Packets to an unresolved neighbour wait in a bounded queue, newest kept; when
 * resolution fails they are dropped and counted. Who waits for the link address itself is told in the event stage.
 * Not here: the messages, which the resolver of the protocol builds; what it tells the cache is in network.h.
 */
#ifndef MR_STACK_NEIGH_H
#define MR_STACK_NEIGH_H

#include <stdint.h>

#include "stack/millrace.h"
#include "stack/network.h"
#include "stack/nic.h"
#include "stack/pkt.h"
#include "stack/timer.h"

#define MR_NEIGH_PENDING 16              /* packets that wait per entry */
#define MR_NEIGH_REACHABLE_NS 30000000000ull /* base; the real one is 0.5 to 1.5 of it */
#define MR_NEIGH_RETRANS_NS 1000000000ull
#define MR_NEIGH_DELAY_NS 5000000000ull
#define MR_NEIGH_PROBES 3

struct mr_neigh {
	struct mr_addr addr;
	struct mr_lladdr ll;
	uint8_t state;            /* enum mr_neigh_state */
	uint8_t probes;           /* sent in this state */
	bool is_router;           /* RFC 4861 IsRouter */
	bool pinned;              /* static by mr_neigh_add: never evicted */
	bool in_route;            /* cached in some route: its end moves the route generation on */
	struct mr_nic *nic;
	struct mr_neigh *hash_next;
	struct mr_neigh *lru_prev, *lru_next;
	struct mr_timer timer;
	uint64_t confirmed_ns;    /* or else since when it is what it is */
	struct mr_pktq pending;   /* network packets, their EtherType in the facts */
	struct mr_neigh_waiter *waiters;
	struct mr_addr pending_src; /* source address of the route that asked (ND-04); all zero: choose */
};

/* The cache of a NIC. Private to neigh.c but for who is the most recently used. */
struct mr_neigh_table {
	struct mr_neigh *entries; /* cap of them; a free one has no nic */
	struct mr_neigh **buckets;
	struct mr_neigh *free;    /* by hash_next */
	struct mr_neigh lru;      /* head of the ring: lru_next is the most recently used */
	uint32_t cap, mask, n_unresolved; /* the last: entries without a link address */
	uint64_t key;             /* of the hash: addresses cannot be chosen to collide */
};

int mr_neigh_table_init(struct mr_nic *nic, uint32_t cap);
void mr_neigh_table_fini(struct mr_nic *nic);
/* The link address that `addr` always has (multicast, broadcast). @return false: it has none, it is asked for */
bool mr_neigh_static(struct mr_nic *nic, const struct mr_addr *addr, struct mr_lladdr *out);
/* Entry for a next hop, made if absent (INCOMPLETE; the request goes out with the first packet). NULL: no memory. */
struct mr_neigh *mr_neigh_use(struct mr_nic *nic, const struct mr_addr *addr);
struct mr_neigh *mr_neigh_lookup(struct mr_nic *nic, const struct mr_addr *addr);
/* The entry used before `prev`; NULL: the last one used. NULL at the end. */
struct mr_neigh *mr_neigh_next(struct mr_nic *nic, struct mr_neigh *prev);
/* Who resolves the family of an address; NULL: nobody. */
struct mr_netproto *mr_neigh_resolver(struct mr_stack *s, const struct mr_addr *addr);
/* Make or turn an entry STATIC and pinned. @return 0, -ENOMEM */
int mr_neigh_pin(struct mr_nic *nic, const struct mr_addr *addr, const struct mr_lladdr *ll);
/* Undo mr_neigh_pin: the entry as it was described before; ll.len 0: there was none, or none with a link address. One that
 * was being confirmed is in doubt again. */
void mr_neigh_restore(struct mr_nic *nic, const struct mr_addr *addr, const struct mr_neigh_info *old);
struct mr_neigh_info mr_neigh_describe(const struct mr_neigh *n);
/* End an entry, for this reason (what waiters are told). */
void mr_neigh_end(struct mr_neigh *n, int why);
/* Have a request sent unless one is out already. @param src where from, if nobody has said so; may be NULL */
void mr_neigh_ask(struct mr_neigh *n, const struct mr_addr *src);
/* Its link address is being used: a STALE entry is to be confirmed (B-21). */
void mr_neigh_used(struct mr_neigh *n);
/* Packets to a neighbour, network header first: framed and queued for the link, or kept until resolved. Consumes
 * all. */
void mr_neigh_output_burst(struct mr_neigh *n, struct rte_mbuf **pkts, uint16_t n_pkts, uint16_t net_proto);

static inline void
mr_neigh_output(struct mr_neigh *n, struct rte_mbuf *m, uint16_t net_proto)
{
	mr_neigh_output_burst(n, &m, 1, net_proto);
}

void mr_neigh_confirm_other(struct mr_neigh *n, uint64_t now_ns);

/* Forward progress of a transport (ND-13): a cheap confirmation. */
static inline void
mr_neigh_confirm(struct mr_neigh *n, uint64_t now_ns)
{
	if (likely(n->state == MR_NEIGH_REACHABLE))
		n->confirmed_ns = now_ns;
	else
		mr_neigh_confirm_other(n, now_ns);
}

/* The opposite: nothing has come back for some time (RFC 9293 3.8.3). What is sent next has it asked. */
void mr_neigh_doubt(struct mr_neigh *n);

static inline bool
mr_neigh_has_ll(const struct mr_neigh *n)
{
	return n->state > MR_NEIGH_FAILED;
}

static inline bool
mr_neigh_is_last_used(const struct mr_neigh *n)
{
	return n->nic->neigh->lru.lru_next == n;
}

/* Does mr_neigh_output_burst nothing but give packets to the link? */
static inline bool
mr_neigh_is_settled(const struct mr_neigh *n)
{
	return mr_neigh_has_ll(n) && n->state != MR_NEIGH_STALE && mr_neigh_is_last_used(n);
}

/* ---- waiters (neigh_wait.c) */

/* The link address of an entry; with -EINPROGRESS `w` waits for it. Errors as mr_neigh_get */
int mr_neigh_want(struct mr_neigh *n, const struct mr_addr *src, struct mr_neigh_waiter *w, struct mr_lladdr *out);
/* The entry's resolution has ended: have its waiters told. */
void mr_neigh_settle(struct mr_neigh *n, int result);
/* Stage of the turn: tell who is to be told by now. @return waiters */
unsigned mr_neigh_tell(struct mr_stack *s);
/* The stack ends: nobody is told any more. */
void mr_neigh_tell_nobody(struct mr_stack *s);

#endif
