/* SPDX-License-Identifier: Apache-2.0 */
/* What is done to the memory of few packets; for all others see the header. */
#include "proto/mbuf.h"

void
mr_mbuf_cut(struct rte_mbuf *m, uint32_t len)
{
	struct rte_mbuf *last = m, *rest;
	uint32_t left = len;
	uint16_t segs = 1;

	for (; left > last->data_len; last = last->next, segs++)
		left -= last->data_len;
	last->data_len = (uint16_t)left;
	rest = last->next;
	last->next = NULL;
	m->nb_segs = segs;
	m->pkt_len = len;
	while (rest) {
		struct rte_mbuf *next = rest->next;

		rte_pktmbuf_free_seg(rest);
		rest = next;
	}
}
