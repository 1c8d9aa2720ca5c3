/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A wire: a bounded FIFO of frames in memory, in one direction. What pair has two of and loopback one.
 *
 * Frames are copied into the receiver's pool as they enter, so sender and receiver share no buffer, may belong to
 * different stacks (of one thread), and either may free or rewrite what it has. A full wire and an empty pool look the
 * same to the sender: fewer frames are taken, and it keeps the rest. A wire that is down loses what is sent into it.
 */
#ifndef DRIVERS_WIRE_H
#define DRIVERS_WIRE_H

#include "stack/link.h"
#include "stack/pkt.h"

#define MR_WIRE_DEPTH 1024 /* default */

struct mr_wire {
	struct rte_mempool *pool; /* the receiver's */
	struct mr_pktq q;
	uint32_t depth;           /* most frames in q */
	uint32_t max_bytes;       /* of one frame; longer ones are lost */
	bool down;
};

/* @param depth 0: MR_WIRE_DEPTH. @return 0, -EINVAL (the pool is not of mr_pktpool_create) */
int mr_wire_init(struct mr_wire *w, struct rte_mempool *pool, uint32_t depth, uint32_t max_bytes);
/* Send and receive as mr_link_ops wants it; `st` is of the link that calls. */
uint16_t mr_wire_send(struct mr_wire *w, struct rte_mbuf **pkts, uint16_t n, struct mr_link_stats *st);
uint16_t mr_wire_recv(struct mr_wire *w, struct rte_mbuf **pkts, uint16_t n, struct mr_link_stats *st);
/* Lose what is on the wire and what is sent until mr_wire_up: the receiver's pool may go away meanwhile. */
void mr_wire_down(struct mr_wire *w);
void mr_wire_up(struct mr_wire *w);
/* The receiver's next_ns. */
uint64_t mr_wire_next_ns(const struct mr_wire *w);

#endif
