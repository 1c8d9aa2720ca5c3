/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Large packets: where long writes are copied to when the link cuts segments (TSO). A segment gets a packet of its own that
 * refers to its part (rte_pktmbuf_attach), so what was written lies in one piece, away from the heads of packets.
 *
 * In packets of a segment each the heads lie between the payloads, and the processor of a peer that reads these, reading ahead,
 * takes the lines of the heads along, which we must then fetch back: that cost a third of a bulk transfer. And the device gets a
 * few long pieces to read instead of one for each segment.
 *
 * What is left of one write takes the next. A packet is free again when no segment refers to it; when none is free, writes go
 * into ordinary packets. They are used in turn: what was written longest ago is in nobody's nearest cache any more.
 */
#ifndef MR_STACK_LARGE_H
#define MR_STACK_LARGE_H

#include <stddef.h>
#include <stdint.h>

#include <rte_mbuf.h>

/* Of data: with its head, and with a mempool's, a packet takes 64 KiB. */
#define MR_LARGE_BYTES (65536u - 2 * RTE_CACHE_LINE_SIZE - sizeof(struct rte_mbuf))

struct mr_large {
	struct rte_mempool *pool; /* NULL: there are none */
	struct rte_mbuf *m;       /* that is being filled, one reference to it; NULL: none is */
	uint32_t used;            /* bytes of it */
};

/* Make n packets, unless there are some or n is 0. @return 0, or -errno: there are none. */
int mr_large_open(struct mr_large *l, const char *name, uint32_t n, int socket_id);
/* Let go of the packet that is being filled; the pool stays. */
void mr_large_close(struct mr_large *l);
/* Copy as many times `unit` bytes as there are and find place, into l->m.
 * @param off set to where they begin there. @return bytes; 0: no packet is free, or there is less than `unit` */
uint32_t mr_large_copy(struct mr_large *l, const void *buf, size_t len, uint32_t unit, uint32_t *off);

#endif
