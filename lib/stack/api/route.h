/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Routes and neighbours of a stack. Part of <millrace.h>.
 */
#ifndef MR_API_ROUTE_H
#define MR_API_ROUTE_H

#include "addr.h"

#ifdef __cplusplus
extern "C" {
#endif

struct mr_stack;

/** A row of the route table. Gateway all zero: on-link. `src` all zero: the NIC's primary address. */
struct mr_route_entry {
	struct mr_subnet dest;
	struct mr_addr gateway;
	struct mr_addr src;
	uint16_t nic;
};
/** Longest prefix wins; among equals the first added (S-44..S-46, B-3). @return 0, -EINVAL, -ENODEV, -EEXIST, -ENOMEM. */
int mr_route_add(struct mr_stack *s, const struct mr_route_entry *e);
int mr_route_remove(struct mr_stack *s, const struct mr_route_entry *e); /**< 0, -ENOENT */
/** Copy up to n rows, longest prefix first. @return rows in the table. */
size_t mr_route_table_get(struct mr_stack *s, struct mr_route_entry *rows, size_t n);

/** Add or refresh a static neighbour entry (S-66). @return 0, -ENODEV, -EINVAL, -ENOMEM. */
int mr_neigh_add(struct mr_stack *s, uint16_t nic, const struct mr_addr *addr, const struct mr_lladdr *ll);
int mr_neigh_remove(struct mr_stack *s, uint16_t nic, const struct mr_addr *addr); /**< 0, -ENODEV, -ENOENT */

#ifdef __cplusplus
}
#endif
#endif
