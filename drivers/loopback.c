/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Driver loopback: what is sent comes back at the same link, in order, as a copy in the receive pool (wire.h). Packets
 * have no link header, nothing is resolved, and it is never down. Each queue is a loop of its own: a stack gets back
 * what it sent, and steering takes it to the stack that owns it.
 *
 * It delivers in the next receive burst and not within the send, so a stack never runs inside itself (SS-20).
 */
#include "stack/link.h"

#include <errno.h>
#include <stdlib.h>

#include <rte_common.h>

#include "stack/log.h"

#include "wire.h"

#define LOOPBACK_MTU UINT16_MAX /* default */

struct loopback {
	struct mr_link link;
	struct mr_wire wire;
	struct mr_link_stats stats;
};

static uint16_t
loopback_rx_burst(struct mr_link *l, uint64_t now_ns, struct rte_mbuf **pkts, uint16_t n)
{
	struct loopback *lo = (struct loopback *)l;

	(void)now_ns;
	return mr_wire_recv(&lo->wire, pkts, n, &lo->stats);
}

static uint16_t
loopback_tx_burst(struct mr_link *l, uint64_t now_ns, struct rte_mbuf **pkts, uint16_t n)
{
	struct loopback *lo = (struct loopback *)l;

	(void)now_ns;
	return mr_wire_send(&lo->wire, pkts, n, &lo->stats);
}

static int
loopback_start(struct mr_link *l)
{
	mr_wire_up(&((struct loopback *)l)->wire);
	return 0;
}

static void
loopback_stop(struct mr_link *l)
{
	mr_wire_down(&((struct loopback *)l)->wire);
}

static void
loopback_stats(struct mr_link *l, struct mr_link_stats *out)
{
	*out = ((struct loopback *)l)->stats;
}

static bool
loopback_is_up(struct mr_link *l)
{
	(void)l;
	return true;
}

static uint64_t
loopback_next_ns(struct mr_link *l)
{
	return mr_wire_next_ns(&((struct loopback *)l)->wire);
}

static void
loopback_close(struct mr_link *l)
{
	mr_wire_down(&((struct loopback *)l)->wire);
	free(l);
}

static const struct mr_link_ops loopback_ops = {
	.rx_burst = loopback_rx_burst,
	.tx_burst = loopback_tx_burst,
	.start = loopback_start,
	.stop = loopback_stop,
	.stats = loopback_stats,
	.is_up = loopback_is_up,
	.next_ns = loopback_next_ns,
	.close = loopback_close,
};

static struct mr_link *
queue_create(struct rte_mempool *pool, uint16_t mtu, uint16_t queue)
{
	struct loopback *lo = calloc(1, sizeof(*lo));

	if (!lo)
		return NULL;
	lo->link = (struct mr_link){
		.ops = &loopback_ops,
		.driver = "loopback",
		.framing = "none",
		.caps = MR_LINK_CAP_LOOPBACK | MR_LINK_CAP_TX_MULTI_SEGS,
		.mtu = mtu,
		.queue = queue,
	};
	if (mr_wire_init(&lo->wire, pool, 0, mtu)) {
		free(lo);
		return NULL;
	}
	return &lo->link;
}

static int
loopback_open(const struct mr_link_cfg *cfg, struct mr_link **links)
{
	uint16_t n = cfg->n_queues ? cfg->n_queues : 1;

	if (!cfg->rx_pools || n > MR_LINK_MAX_QUEUES)
		return -EINVAL;
	for (uint16_t q = 0; q < n; q++) {
		if (rte_pktmbuf_priv_size(cfg->rx_pools[q]) < MR_PKT_PRIV_BYTES) {
			MR_LOG(ERR, "loopback: pool %s has no room for packet facts: make it with mr_pktpool_create",
			       cfg->rx_pools[q]->name);
			return -EINVAL;
		}
	}
	for (uint16_t q = 0; q < n; q++) {
		links[q] = queue_create(cfg->rx_pools[q], cfg->mtu ? cfg->mtu : LOOPBACK_MTU, q);
		if (!links[q]) {
			while (q--)
				loopback_close(links[q]);
			return -ENOMEM;
		}
	}
	return n;
}

RTE_INIT(loopback_register)
{
	mr_link_driver_register("loopback", loopback_open);
}
