/* SPDX-License-Identifier: Apache-2.0 */
#include "app/bench/lend.h"

#include <errno.h>
#include <stdlib.h>

#include <rte_malloc.h>

static void
lend_free(void *mem, void *lend)
{
	rte_free(mem);
	rte_free(lend);
}

static struct lend *
lend_create(uint32_t bytes)
{
	struct lend *l = rte_zmalloc("lend", sizeof(*l), RTE_CACHE_LINE_SIZE);

	if (!l)
		return NULL;
	l->mem = rte_zmalloc("lent", bytes, RTE_CACHE_LINE_SIZE);
	if (!l->mem) {
		rte_free(l);
		return NULL;
	}
	l->iova = rte_malloc_virt2iova(l->mem);
	l->info.free_cb = lend_free;
	l->info.fcb_opaque = l;
	rte_mbuf_ext_refcnt_set(&l->info, 1);
	return l;
}

uint8_t *
message_alloc(uint32_t bytes, bool lent, struct lend **l)
{
	*l = lent ? lend_create(bytes) : NULL;
	if (lent)
		return *l ? (*l)->mem : NULL;
	return calloc(1, bytes);
}

void
message_free(uint8_t *message, struct lend *l)
{
	if (!l)
		free(message);
	else if (rte_mbuf_ext_refcnt_update(&l->info, -1) == 0)
		lend_free(l->mem, l);
}

ssize_t
lend_send(struct lend *l, struct mr_ep *ep, const uint8_t *data, uint32_t len)
{
	struct rte_mbuf *m = rte_pktmbuf_alloc(mr_stack_tx_pool(mr_ep_stack(ep)));

	if (!m)
		return -EAGAIN;
	len = RTE_MIN(len, (uint32_t)UINT16_MAX);
	rte_mbuf_ext_refcnt_update(&l->info, 1);
	rte_pktmbuf_attach_extbuf(m, (void *)(uintptr_t)data, l->iova + (uint64_t)(data - l->mem), (uint16_t)len, &l->info);
	m->data_off = 0;
	m->pkt_len = m->data_len = (uint16_t)len;
	return mr_ep_send_mbuf(ep, m, NULL);
}
