/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A network protocol of a third party: no addresses, an EtherType of its own. Each NIC says once a second that it is
 * there, in a broadcast frame of four bytes, and what others say is counted.
 *
 * Built against the installed headers only.
 */
#include "beacon.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <rte_byteorder.h>
#include <rte_common.h>

#include "stack/network.h"
#include "stack/nic.h"
#include "stack/pkt.h"
#include "stack/services.h"

#define INTERVAL_NS 1000000000ull

struct beacon {
	struct mr_netproto np;
	struct mr_timer timer;
	unsigned heard;
};

static void
say(struct mr_stack *s, struct mr_nic *nic)
{
	static const struct mr_lladdr everybody = {.b = {0xff, 0xff, 0xff, 0xff, 0xff, 0xff}, .len = 6};
	static const rte_be32_t magic = RTE_BE32(BEACON_MAGIC);
	struct rte_mbuf *m = rte_pktmbuf_alloc(mr_stack_tx_pool(s));

	if (!m) {
		mr_stack_count(s, MR_DROP_NO_TX_MBUF, 1);
		return;
	}
	memcpy(rte_pktmbuf_append(m, sizeof(magic)), &magic, sizeof(magic));
	mr_nic_output_ll(nic, m, &everybody, BEACON_ETHERTYPE);
}

static void
tick(struct mr_timer *t, uint64_t now_ns)
{
	struct beacon *b = container_of(t, struct beacon, timer);
	struct mr_nic_info nics[8];
	size_t n = mr_stack_nics(b->np.stack, nics, RTE_DIM(nics));

	for (size_t i = 0; i < RTE_MIN(n, RTE_DIM(nics)); i++) {
		if (nics[i].flags & MR_NIC_F_UP)
			say(b->np.stack, mr_nic_find(b->np.stack, nics[i].id));
	}
	mr_timer_arm(mr_stack_wheel(b->np.stack), t, now_ns + INTERVAL_NS, tick);
}

static void
beacon_input(struct mr_netproto *np, struct mr_nic *nic, struct rte_mbuf **pkts, uint16_t n)
{
	(void)nic;
	for (uint16_t i = 0; i < n; i++) {
		rte_be32_t magic;

		memcpy(&magic, rte_pktmbuf_mtod(pkts[i], const void *), sizeof(magic));
		if (magic != RTE_BE32(BEACON_MAGIC)) {
			mr_stack_drop(np->stack, pkts[i], MR_DROP_THIRD_PARTY);
			continue;
		}
		((struct beacon *)np)->heard++;
		rte_pktmbuf_free(pkts[i]);
	}
}

static int
beacon_getopt(struct mr_netproto *np, int opt, int64_t *value)
{
	if (opt != BEACON_OPT_HEARD)
		return -ENOPROTOOPT;
	*value = ((struct beacon *)np)->heard;
	return 0;
}

static void
beacon_destroy(struct mr_netproto *np)
{
	struct beacon *b = (struct beacon *)np;

	mr_timer_cancel(mr_stack_wheel(np->stack), &b->timer);
	free(b);
}

static const struct mr_netproto_ops beacon_ops = {
	.name = "beacon",
	.number = BEACON_ETHERTYPE,
	.min_bytes = sizeof(rte_be32_t),
	.input = beacon_input,
	.getopt = beacon_getopt,
	.destroy = beacon_destroy,
};

static int
beacon_make(struct mr_stack *s, struct mr_netproto **out)
{
	struct beacon *b = calloc(1, sizeof(*b));

	if (!b)
		return -ENOMEM;
	b->np.ops = &beacon_ops;
	b->np.stack = s;
	mr_timer_arm(mr_stack_wheel(s), &b->timer, 0, tick);
	*out = &b->np;
	return 0;
}

RTE_INIT(beacon_register)
{
	mr_netproto_register("beacon", beacon_make);
}
