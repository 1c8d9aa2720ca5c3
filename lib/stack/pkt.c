/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Packet pools with room for the facts, and the linear-header rule.
 *
 * The facts themselves are written by the passes that find them out; see pkt.h.
 */
#include "stack/pkt.h"

#include <string.h>

#include <rte_errno.h>
#include <rte_mbuf_pool_ops.h>

/* How a pool keeps what is free beyond its cores' caches. What was freed last is used first: a ring would lead those who take
 * what another core frees through all of the pool, and none of it is in a cache or translated by then. As EAL was told
 * (--mbuf-pool-ops-name) and as a device wants it come first; where there is no such handler, it is a ring. */
static const char *
pool_ops(void)
{
	static const char lifo[] = "stack";

	if (rte_mbuf_user_mempool_ops() || rte_mbuf_platform_mempool_ops())
		return rte_mbuf_best_mempool_ops();
	for (uint32_t i = 0; i < rte_mempool_ops_table.num_ops; i++)
		if (!strcmp(rte_mempool_ops_table.ops[i].name, lifo))
			return lifo;
	return rte_mbuf_best_mempool_ops();
}

struct rte_mempool *
mr_pktpool_create(const char *name, uint32_t n, uint32_t data_bytes, int socket_id)
{
	/* Each lcore that frees packets may keep one and a half times this; small pools must not vanish into caches. */
	unsigned cache = RTE_MIN(n / 8, 256u);

	if (data_bytes > UINT16_MAX - RTE_PKTMBUF_HEADROOM) {
		rte_errno = EINVAL;
		return NULL;
	}
	return rte_pktmbuf_pool_create_by_ops(name, n, cache, MR_PKT_PRIV_BYTES, (uint16_t)(RTE_PKTMBUF_HEADROOM + data_bytes),
	                                      socket_id, pool_ops());
}

bool
mr_pkt_linearize(struct rte_mbuf *m, uint32_t len)
{
	if (len > m->pkt_len || len - m->data_len > rte_pktmbuf_tailroom(m))
		return false;
	while (m->data_len < len && m->next) {
		struct rte_mbuf *seg = m->next;
		uint16_t k = (uint16_t)RTE_MIN(len - m->data_len, (uint32_t)seg->data_len);

		memcpy(rte_pktmbuf_mtod_offset(m, char *, m->data_len), rte_pktmbuf_mtod(seg, const char *), k);
		m->data_len += k;
		seg->data_off += k;
		seg->data_len -= k;
		if (seg->data_len > 0)
			continue;
		m->next = seg->next;
		m->nb_segs--;
		rte_pktmbuf_free_seg(seg);
	}
	return m->data_len >= len;
}
