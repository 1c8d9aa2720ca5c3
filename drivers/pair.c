/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Driver pair: two joined Ethernet links in memory, a wire each way (wire.h). For two stacks of one thread, or for a
 * stack and a test that plays the other station.
 *
 * Not here: time. A frame can be received as soon as it was sent; delay, loss and rate are impair's. An end that is
 * stopped or closed loses what it has and what is sent to it, and leaves the other end usable: after the stop, nothing
 * refers to the pool of that end. Link addresses are counted per process, so runs are alike.
 */
#include "stack/millrace.h"

#include <errno.h>
#include <stdlib.h>

#include <rte_ether.h>

#include "stack/link.h"

#include "wire.h"

#define PAIR_MTU 1500 /* default */

struct pair;

struct pair_end {
	struct mr_link link;
	struct mr_wire rx; /* the other end sends into it */
	struct mr_link_stats stats;
	struct pair *pair;
	bool open;
};

struct pair {
	struct pair_end end[2];
};

static uint32_t n_addrs;

static struct pair_end *
peer(struct pair_end *e)
{
	return &e->pair->end[e == &e->pair->end[0]];
}

static uint16_t
pair_rx_burst(struct mr_link *l, uint64_t now_ns, struct rte_mbuf **pkts, uint16_t n)
{
	struct pair_end *e = (struct pair_end *)l;

	(void)now_ns;
	return mr_wire_recv(&e->rx, pkts, n, &e->stats);
}

static uint16_t
pair_tx_burst(struct mr_link *l, uint64_t now_ns, struct rte_mbuf **pkts, uint16_t n)
{
	struct pair_end *e = (struct pair_end *)l;

	(void)now_ns;
	return mr_wire_send(&peer(e)->rx, pkts, n, &e->stats);
}

static int
pair_start(struct mr_link *l)
{
	mr_wire_up(&((struct pair_end *)l)->rx);
	return 0;
}

static void
pair_stop(struct mr_link *l)
{
	mr_wire_down(&((struct pair_end *)l)->rx);
}

static void
pair_stats(struct mr_link *l, struct mr_link_stats *out)
{
	*out = ((struct pair_end *)l)->stats;
}

static bool
pair_is_up(struct mr_link *l)
{
	return peer((struct pair_end *)l)->open;
}

static uint64_t
pair_next_ns(struct mr_link *l)
{
	return mr_wire_next_ns(&((struct pair_end *)l)->rx);
}

static void
pair_close(struct mr_link *l)
{
	struct pair_end *e = (struct pair_end *)l;

	mr_wire_down(&e->rx);
	e->open = false;
	if (!peer(e)->open)
		free(e->pair);
}

static const struct mr_link_ops pair_ops = {
	.rx_burst = pair_rx_burst,
	.tx_burst = pair_tx_burst,
	.start = pair_start,
	.stop = pair_stop,
	.stats = pair_stats,
	.is_up = pair_is_up,
	.next_ns = pair_next_ns,
	.close = pair_close,
};

static int
end_init(struct pair *p, unsigned i, struct rte_mempool *pool, uint16_t mtu, uint32_t depth)
{
	struct pair_end *e = &p->end[i];
	uint32_t nr = ++n_addrs;

	e->pair = p;
	e->open = true;
	e->link = (struct mr_link){
		.ops = &pair_ops,
		.driver = "pair",
		.framing = "ether",
		.caps = MR_LINK_CAP_RESOLVE | MR_LINK_CAP_TX_MULTI_SEGS,
		.mtu = mtu,
		.lladdr = {.b = {0x02, 0x4d, 0x52, nr >> 16, nr >> 8, nr}, .len = RTE_ETHER_ADDR_LEN},
	};
	return mr_wire_init(&e->rx, pool, depth, mtu + RTE_ETHER_HDR_LEN + RTE_VLAN_HLEN);
}

int
mr_pair_create(struct rte_mempool *pool_a, struct rte_mempool *pool_b, uint16_t mtu, uint32_t depth,
               struct mr_link **a, struct mr_link **b)
{
	struct pair *p = calloc(1, sizeof(*p));

	if (!p)
		return -ENOMEM;
	if (!mtu)
		mtu = PAIR_MTU;
	if (end_init(p, 0, pool_a, mtu, depth) || end_init(p, 1, pool_b, mtu, depth)) {
		free(p);
		return -EINVAL;
	}
	*a = &p->end[0].link;
	*b = &p->end[1].link;
	return 0;
}
