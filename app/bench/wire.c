/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The wire of --self is net_ring: one ring of DPDK for each queue and direction, with one sender and one receiver.
 */
#include "app/bench/wire.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <rte_common.h>
#include <rte_errno.h>
#include <rte_eth_ring.h>
#include <rte_ethdev.h>
#include <rte_lcore.h>
#include <rte_mbuf.h>
#include <rte_ring.h>

#define MAX_QUEUES 16 /* of net_ring */

static struct rte_ring *there[MAX_QUEUES], *back[MAX_QUEUES]; /* at most one such wire in a process */

static int
rings_make(struct rte_ring **rings, unsigned n, unsigned depth, const char *way)
{
	for (unsigned i = 0; i < n; i++) {
		char name[RTE_RING_NAMESIZE];

		snprintf(name, sizeof(name), "bench_%s%u", way, i);
		rings[i] = rte_ring_create(name, depth, (int)rte_socket_id(), RING_F_SP_ENQ | RING_F_SC_DEQ);
		if (!rings[i]) {
			fprintf(stderr, "millrace-bench: no ring of %u frames (%s): give EAL more memory or lower --rxd\n", depth,
			        rte_strerror(rte_errno));
			return -rte_errno;
		}
	}
	return 0;
}

int
wire_join(unsigned queues, unsigned depth, char names[2][WIRE_NAME])
{
	int r;

	if (queues > MAX_QUEUES)
		queues = MAX_QUEUES;
	depth = rte_align32pow2(depth);
	r = rings_make(there, queues, depth, "there");
	if (r == 0)
		r = rings_make(back, queues, depth, "back");
	if (r < 0)
		return r;
	snprintf(names[0], WIRE_NAME, "net_ring_bench_a");
	snprintf(names[1], WIRE_NAME, "net_ring_bench_b");
	if (rte_eth_from_rings("bench_a", back, queues, there, queues, rte_socket_id()) < 0 ||
	    rte_eth_from_rings("bench_b", there, queues, back, queues, rte_socket_id()) < 0) {
		fprintf(stderr, "millrace-bench: net_ring: %s: is the driver installed (librte_net_ring)?\n",
		        rte_strerror(rte_errno));
		return -rte_errno;
	}
	return 0;
}

static void
ring_drain(struct rte_ring *ring)
{
	void *m;

	while (ring && rte_ring_dequeue(ring, &m) == 0)
		rte_pktmbuf_free(m);
}

void
wire_drain(void)
{
	for (unsigned i = 0; i < MAX_QUEUES; i++) {
		ring_drain(there[i]);
		ring_drain(back[i]);
	}
}

const char *
wire_driver(const char *device)
{
	struct rte_eth_dev_info info;
	uint16_t port;
	char *end;

	if (rte_eth_dev_get_port_by_name(device, &port) < 0) {
		port = (uint16_t)strtoul(device, &end, 10);
		if (*end || !rte_eth_dev_is_valid_port(port))
			return "none";
	}
	return rte_eth_dev_info_get(port, &info) == 0 && info.driver_name ? info.driver_name : "none";
}
