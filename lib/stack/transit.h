/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Packets on their way through: what a router does between two NICs, as far as it is no protocol's business. The
 * protocol's part is `forward` of its contract (network.h).
 */
#ifndef MR_STACK_TRANSIT_H
#define MR_STACK_TRANSIT_H

#include <stdint.h>

#include "stack/network.h"
#include "stack/nic.h"

/* Parsed packets of one protocol that came in at a NIC, with their destinations: send on those that are for others.
 * Compacts both arrays. @return what is left: packets for this host, or not to be forwarded because they never left it */
uint16_t mr_transit(struct mr_nic *nic, struct mr_netproto *np, struct rte_mbuf **pkts, struct mr_addr *dst, uint16_t n);
void mr_transit_free(struct mr_stack *s);

#endif
