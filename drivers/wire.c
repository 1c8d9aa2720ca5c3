/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The wire of pair and loopback: copy in, queue, hand out. See wire.h.
 *
 * A frame arrives with no receive flag set, so the receiving stack computes its checksums. The exception: when a sender
 * left a checksum to the link (someone added a TX checksum capability), the receiver is told that it is good, although
 * nobody ever computed it.
 */
#include "wire.h"

#include <errno.h>
#include <string.h>

int
mr_wire_init(struct mr_wire *w, struct rte_mempool *pool, uint32_t depth, uint32_t max_bytes)
{
	if (rte_pktmbuf_priv_size(pool) < MR_PKT_PRIV_BYTES)
		return -EINVAL;
	*w = (struct mr_wire){.pool = pool, .depth = depth ? depth : MR_WIRE_DEPTH, .max_bytes = max_bytes};
	return 0;
}

static uint64_t
rx_flags(uint64_t tx_flags)
{
	uint64_t f = 0;

	if (tx_flags & RTE_MBUF_F_TX_IP_CKSUM)
		f |= RTE_MBUF_F_RX_IP_CKSUM_GOOD;
	if (tx_flags & RTE_MBUF_F_TX_L4_MASK)
		f |= RTE_MBUF_F_RX_L4_CKSUM_GOOD;
	return f;
}

static struct rte_mbuf *
frame_copy(const struct rte_mbuf *m, struct rte_mempool *pool)
{
	struct rte_mbuf *c;

	if (m->nb_segs > 1 || m->data_len > rte_pktmbuf_data_room_size(pool) - RTE_PKTMBUF_HEADROOM) {
		c = rte_pktmbuf_copy(m, pool, 0, UINT32_MAX);
		if (!c)
			return NULL;
		c->packet_type = 0;
	} else {
		c = rte_pktmbuf_alloc(pool);
		if (!c)
			return NULL;
		memcpy(rte_pktmbuf_mtod(c, void *), rte_pktmbuf_mtod(m, const void *), m->data_len);
		c->data_len = m->data_len;
		c->pkt_len = m->data_len;
	}
	c->ol_flags = rx_flags(m->ol_flags);
	mr_pkt_init(c);
	return c;
}

uint16_t
mr_wire_send(struct mr_wire *w, struct rte_mbuf **pkts, uint16_t n, struct mr_link_stats *st)
{
	uint16_t i;

	for (i = 0; i < n; i++) {
		struct rte_mbuf *c = NULL;
		bool lost = w->down || pkts[i]->pkt_len > w->max_bytes;

		if (!lost) {
			if (w->q.n >= w->depth)
				break;
			c = frame_copy(pkts[i], w->pool);
			if (!c)
				break;
			mr_pktq_push(&w->q, c);
			st->tx_packets++;
			st->tx_bytes += pkts[i]->pkt_len;
		} else {
			st->tx_errors++;
		}
		rte_pktmbuf_free(pkts[i]);
	}
	return i;
}

uint16_t
mr_wire_recv(struct mr_wire *w, struct rte_mbuf **pkts, uint16_t n, struct mr_link_stats *st)
{
	uint16_t i;

	for (i = 0; i < n && w->q.n; i++) {
		pkts[i] = mr_pktq_pop(&w->q);
		st->rx_bytes += pkts[i]->pkt_len;
	}
	st->rx_packets += i;
	return i;
}

void
mr_wire_down(struct mr_wire *w)
{
	while (w->q.n)
		rte_pktmbuf_free(mr_pktq_pop(&w->q));
	w->down = true;
}

void
mr_wire_up(struct mr_wire *w)
{
	w->down = false;
}

uint64_t
mr_wire_next_ns(const struct mr_wire *w)
{
	return w->q.n ? 0 : UINT64_MAX;
}
