/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Scenarios of test_counters: each raises one counter, on a rig that is made and judged by the table there. A scenario that
 * needs a setting calls rig_mark when it stands. Here is what several of them need.
 */
#ifndef TESTS_COUNTERS_RIG_H
#define TESTS_COUNTERS_RIG_H

#include "rig/rig.h"

#include <rte_mbuf.h>

#include "stack/stack.h"

/* ---- mbufs held back by the test; given back before the rig ends */

static struct rte_mbuf *held[8192];
static unsigned n_held;

static inline void
hold_all(struct rte_mempool *pool)
{
	while ((held[n_held] = rte_pktmbuf_alloc(pool)) != NULL)
		n_held++;
}

static inline void
give_back(void)
{
	rte_pktmbuf_free_bulk(held, n_held);
	n_held = 0;
}

static inline struct mr_ep *
udp_ep(struct rig *r, uint16_t port)
{
	struct mr_sockaddr any = {.port = port};
	struct mr_ep *ep;

	ck_assert_int_eq(mr_ep_create(r->stack, MR_TRANS_UDP, MR_NET_IPV6, &ep), 0);
	ck_assert_int_eq(mr_ep_bind(ep, &any), 0);
	return ep;
}

static inline void
udp_send(struct mr_ep *ep, const char *to, uint16_t port)
{
	struct mr_sockaddr sa = {.addr = rig_addr(to), .port = port};

	ck_assert_int_eq(mr_ep_sendto(ep, "x", 1, &sa), 1);
}

/* Receive mbufs are in endpoint queues as far as they may be. */
static inline void
fill_rx_budget(struct rig *r)
{
	struct mr_ep *ep = udp_ep(r, 9999);

	ck_assert_int_eq(mr_ep_setopt(ep, MR_OPT_RCVBUF, INT32_MAX), 0);
	while (r->stack->rx_held < r->stack->rx_held_max) {
		rig_push_udp(r, .dport = 9999);
		rig_poll(r);
	}
}

#endif
