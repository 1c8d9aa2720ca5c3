/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A link driver of a third party: a tube has a name and two ends, which are opened one after the other. What goes in at
 * one end comes out at the other as a copy in the receiver's pool. Every n-th frame may get lost ("lose=n").
 *
 * Built against the installed headers only. One thread.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <rte_common.h>
#include <rte_mbuf.h>

#include "stack/link.h"
#include "stack/pkt.h"

#define SLOTS 256
#define MTU 1500

struct tube_end {
	struct mr_link link;
	struct tube_end *peer;    /* NULL: closed, or not open yet */
	struct rte_mempool *pool; /* of what is received here */
	struct rte_mbuf *slot[SLOTS];
	unsigned head, n;
	unsigned lose, sent;
	bool running;
	struct mr_link_stats stats;
	char name[32];
};

static struct tube_end *waiting; /* for its other end */

static void
put(struct tube_end *to, const struct rte_mbuf *m)
{
	struct rte_mbuf *copy = to->running && to->n < SLOTS ? rte_pktmbuf_copy(m, to->pool, 0, UINT32_MAX) : NULL;

	if (!copy) {
		to->stats.rx_missed++;
		return;
	}
	copy->ol_flags = 0;
	mr_pkt_init(copy);
	to->slot[(to->head + to->n++) % SLOTS] = copy;
}

static uint16_t
tube_tx(struct mr_link *l, uint64_t now_ns, struct rte_mbuf **pkts, uint16_t n)
{
	struct tube_end *e = (struct tube_end *)l;

	(void)now_ns;
	for (uint16_t i = 0; i < n; i++) {
		bool lost = e->lose && ++e->sent % e->lose == 0;

		e->stats.tx_packets++;
		e->stats.tx_bytes += pkts[i]->pkt_len;
		if (e->peer && !lost)
			put(e->peer, pkts[i]);
		rte_pktmbuf_free(pkts[i]);
	}
	return n;
}

static uint16_t
tube_rx(struct mr_link *l, uint64_t now_ns, struct rte_mbuf **pkts, uint16_t n)
{
	struct tube_end *e = (struct tube_end *)l;
	uint16_t i;

	(void)now_ns;
	for (i = 0; i < n && e->n > 0; i++, e->n--) {
		pkts[i] = e->slot[e->head++ % SLOTS];
		e->stats.rx_packets++;
		e->stats.rx_bytes += pkts[i]->pkt_len;
	}
	return i;
}

static int
tube_start(struct mr_link *l)
{
	((struct tube_end *)l)->running = true;
	return 0;
}

static void
tube_stop(struct mr_link *l)
{
	struct tube_end *e = (struct tube_end *)l;

	for (; e->n > 0; e->n--)
		rte_pktmbuf_free(e->slot[e->head++ % SLOTS]);
	e->running = false;
}

static void
tube_stats(struct mr_link *l, struct mr_link_stats *out)
{
	*out = ((struct tube_end *)l)->stats;
}

static bool
tube_is_up(struct mr_link *l)
{
	return ((struct tube_end *)l)->peer != NULL;
}

static uint64_t
tube_next_ns(struct mr_link *l)
{
	return ((struct tube_end *)l)->n > 0 ? 0 : UINT64_MAX;
}

static void
tube_close(struct mr_link *l)
{
	struct tube_end *e = (struct tube_end *)l;

	tube_stop(l);
	if (e->peer)
		e->peer->peer = NULL;
	if (waiting == e)
		waiting = NULL;
	free(e);
}

static const struct mr_link_ops tube_ops = {
	.rx_burst = tube_rx,
	.tx_burst = tube_tx,
	.start = tube_start,
	.stop = tube_stop,
	.stats = tube_stats,
	.is_up = tube_is_up,
	.next_ns = tube_next_ns,
	.close = tube_close,
};

static int
tube_open(const struct mr_link_cfg *cfg, struct mr_link **links)
{
	static uint8_t serial;
	struct tube_end *e;

	if (!cfg->device || !cfg->rx_pools || cfg->n_queues != 1)
		return -EINVAL;
	if (waiting && strcmp(waiting->name, cfg->device) != 0)
		return -EBUSY;
	e = calloc(1, sizeof(*e));
	if (!e)
		return -ENOMEM;
	e->link = (struct mr_link){
		.ops = &tube_ops,
		.driver = "tube",
		.framing = "ether",
		.caps = MR_LINK_CAP_RESOLVE | MR_LINK_CAP_TX_MULTI_SEGS,
		.mtu = cfg->mtu ? cfg->mtu : MTU,
		.lladdr = {.b = {0x02, 0, 0, 0, 0x70, ++serial}, .len = 6},
	};
	e->pool = cfg->rx_pools[0];
	snprintf(e->name, sizeof(e->name), "%s", cfg->device);
	if (cfg->args && sscanf(cfg->args, "lose=%u", &e->lose) != 1) {
		free(e);
		return -EINVAL;
	}
	e->peer = waiting;
	if (waiting)
		waiting->peer = e;
	waiting = waiting ? NULL : e;
	links[0] = &e->link;
	return 1;
}

RTE_INIT(tube_register)
{
	mr_link_driver_register("tube", tube_open);
}
