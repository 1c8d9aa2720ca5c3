/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Bytes that must wait: a copy of what was received but cannot go on yet. Receive buffers are given back at once, so a
 * peer that does not read its answers cannot keep packets of the pool.
 */
#ifndef APP_HELD_H
#define APP_HELD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct rte_mbuf;

struct held {
	uint8_t *buf;
	size_t off, len; /* what waits is buf[off..len) */
};

static inline bool
held_any(const struct held *h)
{
	return h->buf != NULL;
}

/* Keep bytes (at least one), or the packet's from an offset on; nothing is held yet. @return false: out of memory */
bool held_keep(struct held *h, const void *data, size_t len);
bool held_keep_mbuf(struct held *h, const struct rte_mbuf *m, size_t off);
/* n bytes of it are done with. */
void held_consume(struct held *h, size_t n);
void held_free(struct held *h);

#endif
