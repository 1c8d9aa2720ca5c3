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
	struct rte_ring *mail_of[64]; /* the same of every core; mail_of[core] == mail */
};

/* Fill in the key and the RETA, rings empty. @param rss_key as NICs take it; NULL: the symmetric key of the host. */
void mr_steer_init(struct mr_steer *st, uint16_t core, uint16_t n_cores, const uint8_t rss_key[MR_STEER_KEY_BYTES]);
/* Join n initialised ones by rings and mailboxes. Before the cores run. @return 0 or -ENOMEM */
int mr_steer_mesh_create(struct mr_steer *const *st, uint16_t n);
/* Free the rings with all that is in them, which must still have its pools. After the cores have ended. */
void mr_steer_mesh_destroy(struct mr_steer *const *st, uint16_t n);
/* Toeplitz hash of a tuple, as a NIC with this key computes it. */
uint32_t mr_steer_hash(const struct mr_steer *st, const struct mr_tuple *t);

/* Core that owns a tuple. Symmetric: the tuple and its reverse give the same core. */
uint16_t mr_steer_owner(const struct mr_steer *st, const struct mr_tuple *t);
/* Pass away the parsed packets that other cores own, and copies of group packets; compacts pkts and dst. On the way a
 * packet's `hash` holds the id of its NIC: `nic` belongs to the sender's stack. @return packets that stay. */
uint16_t mr_steer_out(struct mr_stack *s, struct mr_netproto *np, struct rte_mbuf **pkts, struct mr_addr *dst,
                      uint16_t n);
/* Take in what the other cores passed over. @return packets. */
unsigned mr_steer_in(struct mr_stack *s);

#endif
