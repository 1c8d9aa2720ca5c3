/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The transport demuxer: exact 4-tuples through the flow table, then the wildcard registrations of bound and listening
 * endpoints by the reference's four steps: NIC-specific before global (SS-1); within each: whole tuple, any local
 * address, any remote, local port only.
 */
#ifndef MR_STACK_DEMUX_H
#define MR_STACK_DEMUX_H

#include <stdint.h>

#include "stack/flow.h"
#include "stack/pkt.h"
#include "stack/transport.h"

#define MR_DEMUX_BUCKETS 1024

struct mr_demux {
	struct mr_bound *bound[MR_DEMUX_BUCKETS];
	uint32_t n_nic_specific;
};

void mr_demux_init(struct mr_demux *d);
/* mr_transep_register for a transport that has made sure of the rest: a NIC that went away is no reason to fail.
 * @return 0, -EADDRINUSE */
int mr_demux_bind(struct mr_stack *s, struct mr_bound *b);
void mr_demux_unbind(struct mr_stack *s, struct mr_bound *b);
/* Whom each packet is for: facts and ports must be set. flows[i] NULL if nobody; then the packet's hash is set. Multicast and
 * broadcast packets are looked up like the rest; mr_demux_next finds the further takers. @return for how many there is one */
uint16_t mr_demux_lookup_burst(struct mr_stack *s, uint8_t proto, struct rte_mbuf **pkts, struct mr_flow **flows,
                               uint16_t n);
/* One lookup by values (ICMP errors). */
struct mr_flow *mr_demux_lookup(struct mr_stack *s, uint8_t proto, const struct mr_netep *local,
                                const struct mr_addr *raddr, uint16_t rport_be, uint16_t lport_be);
/* Further wildcard takers of a multicast or broadcast packet, after `prev`; NULL at the end (B-43). */
struct mr_ep *mr_demux_next(struct mr_stack *s, uint8_t proto, struct rte_mbuf *m, struct mr_ep *prev);

#endif
