/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A pcapng file of one link: a section header, one interface with nanosecond times, then a packet block per frame.
 */
#ifndef DRIVERS_PCAPNG_H
#define DRIVERS_PCAPNG_H

#include "stack/link.h"

/* Values of the direction bits of epb_flags. */
#define MR_PCAPNG_IN 1u
#define MR_PCAPNG_OUT 2u

struct mr_pcapng;

/* Make (or empty) the file and write its header. @param snaplen 0: all of each frame. @return 0 or -errno */
int mr_pcapng_create(const char *file, const struct mr_link *l, uint32_t snaplen, struct mr_pcapng **out);
/* Append a frame; a failure is kept for mr_pcapng_flush, and nothing is written after it. */
void mr_pcapng_write(struct mr_pcapng *p, const struct rte_mbuf *m, uint64_t now_ns, uint32_t direction);
/* @param missing frames that are not in the file because of an error. @return 0 or the first error, -errno */
int mr_pcapng_flush(struct mr_pcapng *p, uint64_t *missing);
void mr_pcapng_close(struct mr_pcapng *p);

#endif
