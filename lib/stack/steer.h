/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Steering: the core that owns a connection is the core that works on its packets. Software steering computes the
 * Toeplitz hash of the tuple on the polling core and passes parsed packets of other cores through bounded SPSC rings,
 * one per pair of cores. The map hash -> core is a RETA, so that a NIC's own can take its place.
 */
#ifndef MR_STACK_STEER_H
#define MR_STACK_STEER_H

#include <stdint.h>

#include <rte_ring.h>

#include "stack/millrace.h"
#include "stack/network.h"

#define MR_STEER_RETA 128
#define MR_STEER_KEY_BYTES 52 /* enough for two IPv6 addresses and ports */
#define MR_STEER_RING 4096

/* One per stack; key and reta are equal in all stacks of a host. */
struct mr_steer {
	uint16_t core, n_cores;
	uint32_t key[MR_STEER_KEY_BYTES / 4]; /* converted for rte_softrss_be */
	uint16_t reta[MR_STEER_RETA];
	struct rte_ring *in[64];   /* in[i]: packets from core i to this one */
	struct rte_ring *out[64];  /* out[i]: packets from this core to core i */
	struct rte_ring *mail;     /* control calls for this core, see mailbox.h */
};

/* Core that owns a tuple. Symmetric: the tuple and its reverse give the same core. */
uint16_t mr_steer_owner(const struct mr_steer *st, const struct mr_tuple *t);
/* Pass away the parsed packets that other cores own; compacts pkts and dst. @return packets that stay. */
uint16_t mr_steer_out(struct mr_stack *s, struct mr_netproto *np, struct rte_mbuf **pkts, struct mr_addr *dst,
                      uint16_t n);
/* Take in what the other cores passed over. @return packets. */
unsigned mr_steer_in(struct mr_stack *s);

#endif
