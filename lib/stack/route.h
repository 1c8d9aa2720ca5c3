/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Routes from inside; the table's and the route value's calls are public (api/route.h).
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
#include "stack/stack.h"

struct mr_route_table;

/* mr_route_check without the question whether there is anything to do. */
int mr_route_renew(struct mr_stack *s, struct mr_route *r);

/* Has anything changed since it was found? It is not released. */
static inline bool
mr_route_is_stale(const struct mr_stack *s, const struct mr_route *r)
{
	return r->gen != s->route_gen;
}

/* mr_route_check for every packet. */
static inline int
mr_route_use(struct mr_stack *s, struct mr_route *r)
{
	return likely(r->local && !mr_route_is_stale(s, r)) ? 0 : mr_route_renew(s, r);
}

/* The way back to whom a packet came from: its source is the address that the packet was for, configured or not (B-5).
 * @return 0 or as mr_route_check */
int mr_route_back(struct mr_netep *local, const struct mr_addr *remote, struct mr_route *out);
int mr_route_table_init(struct mr_stack *s);
void mr_route_table_fini(struct mr_stack *s);
/* The table as it is, to be put back; ends with mr_route_table_put or mr_route_table_free. NULL: no memory */
struct mr_route_table *mr_route_table_copy(const struct mr_stack *s);
void mr_route_table_put(struct mr_stack *s, struct mr_route_table *t);
void mr_route_table_free(struct mr_route_table *t); /* NULL does nothing */
/* Drop the rows of a NIC that goes. */
void mr_route_table_drop_nic(struct mr_stack *s, uint16_t nic);
/* The first row of a NIC that is up and leads to `dst`, and that NIC. NULL: none */
const struct mr_route_entry *mr_route_table_lookup(struct mr_stack *s, const struct mr_addr *dst, struct mr_nic **nic);
/* The rows in the order in which they are tried. @return how many */
size_t mr_route_table_rows(const struct mr_stack *s, const struct mr_route_entry **rows);

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
mr_route_link_caps(const struct mr_route *r)
{
	return r->local->nic->caps;
}

#endif
