/* SPDX-License-Identifier: Apache-2.0 */
/* Large packets for long writes: large.h. */
#include "stack/large.h"

#include <string.h>

#include <rte_common.h>
#include <rte_errno.h>

int
mr_large_open(struct mr_large *l, const char *name, uint32_t n, int socket_id)
{
	if (l->pool || n == 0)
		return 0;
	l->pool = rte_pktmbuf_pool_create(name, n, 0, 0, MR_LARGE_BYTES, socket_id);
	return l->pool ? 0 : -rte_errno;
}

void
mr_large_close(struct mr_large *l)
{
	rte_pktmbuf_free(l->m);
	l->m = NULL;
}

static bool
next(struct mr_large *l)
{
	mr_large_close(l);
	if (!l->pool)
		return false;
	l->m = rte_pktmbuf_alloc(l->pool);
	if (!l->m)
		return false;
	l->m->data_off = 0;
	l->used = 0;
	return true;
}

uint32_t
mr_large_copy(struct mr_large *l, const void *buf, size_t len, uint32_t unit, uint32_t *off)
{
	size_t n;

	if (len < unit || ((!l->m || MR_LARGE_BYTES - l->used < unit) && !next(l)))
		return 0;
	n = RTE_MIN(len, MR_LARGE_BYTES - l->used);
	n -= n % unit;
	memcpy((char *)l->m->buf_addr + l->used, buf, n);
	*off = l->used;
	/* No line is of two writes: of one the peer may be reading already. */
	l->used = (uint32_t)RTE_MIN(RTE_ALIGN_CEIL(l->used + n, RTE_CACHE_LINE_SIZE), MR_LARGE_BYTES);
	return (uint32_t)n;
}
