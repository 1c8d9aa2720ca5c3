/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Routes: the table (longest prefix first) and the route value that an endpoint embeds.
 *
 * A route is a plain value that holds one reference to its local address. It caches the neighbour of its next hop; both
 * are good while `gen` equals the stack's route generation, which every change of NICs, addresses, rows and every
 * eviction of a cached neighbour moves on. mr_route_check brings a stale one up to date.
 */
#ifndef MR_STACK_ROUTE_H
#define MR_STACK_ROUTE_H

#include <stdint.h>

#include "stack/millrace.h"
#include "stack/network.h"
#include "stack/nic.h"

#define MR_ROUTE_F_LOCAL (1u << 0)      /* the destination is this host */
#define MR_ROUTE_F_BROADCAST (1u << 1)
#define MR_ROUTE_F_MULTICAST (1u << 2)

struct mr_neigh;

struct mr_route {
	struct mr_netep *local;   /* held */
	struct mr_neigh *neigh;   /* NULL: local, or no resolution needed */
	struct mr_addr remote;
	struct mr_addr next_hop;  /* remote, or the gateway */
	uint32_t gen;
	uint16_t mtu;             /* network packet, header included */
	uint16_t nic;             /* asked-for NIC, 0 any: kept for mr_route_check */
	uint8_t flags;
};

struct mr_route_table;

/* Find a route. @param nic 0 any; `local` all zero or NULL: choose; `remote` all zero: a route to the local address.
 * `net` is the family when both addresses are all zero. Multicast, broadcast and link-local destinations need a NIC but no
 * row (B-13). @return 0, -EHOSTUNREACH (no row), -EADDRNOTAVAIL (local is not ours), -ENODEV, -ENOBUFS (no neighbour
 * entry left). (S-47) */
int mr_route_find(struct mr_stack *s, uint16_t nic, const struct mr_addr *local, const struct mr_addr *remote,
                  uint16_t net, struct mr_route *out);
/* Make a stale route valid again, keeping its local address. @return 0 or as mr_route_find; cheap when nothing changed. */
int mr_route_check(struct mr_stack *s, struct mr_route *r);
void mr_route_clone(struct mr_route *dst, const struct mr_route *src);
void mr_route_release(struct mr_route *r); /* idempotent */
/* Send packets whose data starts at the transport header. Consumes all. @return 0 or -errno as the protocol's output */
int mr_route_output(struct mr_route *r, struct rte_mbuf **pkts, uint16_t n, const struct mr_ip_params *p);

int mr_route_table_init(struct mr_stack *s);
void mr_route_table_fini(struct mr_stack *s);
/* Drop the rows of a NIC that goes. */
void mr_route_table_drop_nic(struct mr_stack *s, uint16_t nic);

static inline struct mr_netproto *
mr_route_netproto(const struct mr_route *r)
{
	return r->local->np;
}

/* Bytes of transport header and payload that fit in one packet (S-94). */
static inline uint16_t
mr_route_payload_mtu(const struct mr_route *r)
{
	return r->mtu - r->local->np->ops->hdr_bytes;
}

static inline uint32_t
mr_route_caps(const struct mr_route *r)
{
	return r->local->nic->caps;
}

#endif
