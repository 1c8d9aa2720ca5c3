/* SPDX-License-Identifier: Apache-2.0 */
/*
 * From the C library's allocator: what waits is rare, of any size, and bounded by one receive per connection.
 */
#include "app/millrace/held.h"

#include <stdlib.h>
#include <string.h>

#include <rte_mbuf.h>

bool
held_keep(struct held *h, const void *data, size_t len)
{
	h->buf = malloc(len);
	if (!h->buf)
		return false;
	memcpy(h->buf, data, len);
	h->off = 0;
	h->len = len;
	return true;
}

bool
held_keep_mbuf(struct held *h, const struct rte_mbuf *m, size_t off)
{
	size_t len = rte_pktmbuf_pkt_len(m) - off;
	const void *data;

	h->buf = malloc(len);
	if (!h->buf)
		return false;
	/* Copies only if the bytes are in more than one segment. */
	data = rte_pktmbuf_read(m, off, len, h->buf);
	if (data != h->buf)
		memcpy(h->buf, data, len);
	h->off = 0;
	h->len = len;
	return true;
}

void
held_consume(struct held *h, size_t n)
{
	h->off += n;
	if (h->off == h->len)
		held_free(h);
}

void
held_free(struct held *h)
{
	free(h->buf);
	*h = (struct held){0};
}
