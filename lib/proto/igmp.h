/* SPDX-License-Identifier: Apache-2.0 */
/* What IPv4 asks of IGMP. */
#ifndef MR_PROTO_IGMP_H
#define MR_PROTO_IGMP_H

#include <rte_mbuf.h>

#include "stack/nic.h"

#define MR_TRANS_IGMP 2

/* Packets for us, data at the IGMP header. Consumes all. */
void mr_igmp_input(struct mr_netproto *np, struct mr_nic *nic, struct rte_mbuf **pkts, uint16_t n);

#endif
