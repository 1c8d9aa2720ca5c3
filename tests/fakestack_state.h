/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Of the world without real protocols (fakestack.h): what its frames look like, what its link and its protocols keep,
 * and `fk`, where they write down what they are asked to do.
 *
 * A frame: 14 bytes of link header as Ethernet has them, struct fk_net, two ports, payload. Time is `now`.
 */
#ifndef TESTS_FAKESTACK_STATE_H
#define TESTS_FAKESTACK_STATE_H

#include "rig/rig.h"

#include <string.h>

#include <rte_mempool.h>

#include "stack/link.h"
#include "stack/nic.h"
#include "stack/stack.h"

#define FK_TRANS 200
#define FK_CTL 0x88b5     /* network protocol without addresses */
#define FK_LINK_BYTES 14
#define FK_BAD 0x80       /* fk_net.flags: parse drops it */
#define FK_LOG 4096
#define FK_S 1000000000ull
#define FK_START (5 * FK_S)

struct fk_net {
	uint8_t src[16], dst[16];
	uint8_t trans, flags;
	uint16_t len_be; /* bytes behind this header */
} __attribute__((packed));

struct fk_ports {
	uint16_t sport_be, dport_be;
} __attribute__((packed));

/* A frame as the link took it. */
struct fk_frame {
	uint32_t len;
	uint16_t segs;
	uint8_t b[2048];
};

struct fk_link {
	struct mr_link link;
	struct rte_mbuf *rx[FK_LOG];
	unsigned rx_head, rx_n;
	struct fk_frame *tx; /* FK_LOG of them */
	unsigned tx_n;
	int tx_room;         /* frames it takes before it is busy; -1 no limit */
	int start_err, promisc_err, mcast_err;
	unsigned starts, stops;
	bool promisc, down, closed;
	unsigned n_mcast, mcast_calls;
	struct mr_lladdr mcast[64];
	uint64_t next_ns;
};

struct fk_request {
	uint64_t at_ns;
	struct mr_addr addr, src;
	struct mr_lladdr ll; /* len 0: multicast */
};

/* What an address was given; by the protocols' input. */
struct fk_seen {
	struct mr_netep *netep;
	struct mr_addr addr;
	uint16_t id, nic, net_proto;
	uint8_t flags, kind, tag;
};

struct fk_ep {
	struct mr_ep ep;
	struct mr_bound bound;
	unsigned rx, outputs, controls;
	enum mr_ctrl_type control;
	uint8_t tags[64];          /* first payload bytes, in order */
	uint32_t ready;
	unsigned again;            /* marks itself dirty so often in its output */
	bool out_on_rx;            /* input marks it dirty */
	void (*on_output)(struct fk_ep *e);
};

struct fk_tp {
	struct mr_transproto tp;
	struct mr_pool eps;
};

static struct {
	struct mr_stack *s;
	struct rte_mempool *rx_pool, *tx_pool;
	uint64_t now;
	struct fk_link *links[8];
	unsigned n_links;
	struct fk_request req[FK_LOG];
	unsigned n_req;
	struct fk_seen seen[FK_LOG];
	unsigned n_seen, n_input, n_ctl, n_unknown, n_tp_input;
	int opened, closed;  /* addresses */
	int joined, left;    /* groups, on a NIC that is up */
	int open_err;
	unsigned net_destroyed, trans_destroyed;
	char order[256]; /* what happened in the turn, a letter each */
	void (*on_input)(struct mr_netep *ep);
} fk __rte_unused;

static inline void
fk_log(char c)
{
	size_t n = strlen(fk.order);

	if (n + 1 < sizeof(fk.order))
		fk.order[n] = c;
}

#endif
