/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the two halves of the ethdev driver share: ethdev_conf.c finds a device and configures it, ethdev.c runs it.
 */
#ifndef DRIVERS_ETHDEV_H
#define DRIVERS_ETHDEV_H

#include <pthread.h>

#include <rte_ethdev.h>

#include "stack/link.h"

#define MR_ETHDEV_MCAST 64 /* multicast addresses per queue that are filtered exactly; with more, all are let in */

struct mr_ethdev;

/* What a device does with a frame that it takes. */
enum mr_ethdev_tx {
	MR_ETHDEV_TX_AS_IS,      /* keeps it until it has left */
	MR_ETHDEV_TX_BY_POINTER, /* passes it on to a receiver in this process */
	MR_ETHDEV_TX_AT_ONCE,    /* copies it, and frees it before the call returns */
	MR_ETHDEV_TX_CUT,        /* may be asked to cut it into segments */
};

/* One queue pair. */
struct mr_ethdev_queue {
	struct mr_link link;
	struct mr_ethdev *dev;
	uint64_t rx_foreign;     /* frames without room for packet facts */
	uint64_t tx_refused;     /* frames that the device cannot cut */
	/* What this queue's stack wants of the port; under the lock. */
	bool started, promisc, open;
	unsigned n_mcast;        /* over MR_ETHDEV_MCAST: all */
	struct rte_ether_addr mcast[MR_ETHDEV_MCAST];
};

struct mr_ethdev {
	pthread_mutex_t lock;    /* control operations may come from several workers; the bursts do not take it */
	uint16_t port, n_queues;
	uint16_t rx_desc, tx_desc;
	uint16_t mtu;
	uint16_t tso_segs;       /* most payload mbufs of a frame that the device cuts; 0: it does not */
	uint32_t caps;           /* MR_LINK_CAP_* */
	enum mr_ethdev_tx tx;
	bool kernel_mac;         /* the device has the link address of its other end */
	bool dials;              /* connects to its other end when it starts, once: see port_start */
	bool promisc;            /* wanted by the configuration */
	char name[RTE_ETH_NAME_MAX_LEN];
	struct mr_lladdr lladdr;
	struct mr_ethdev_queue *queues;
};

/* Find the device: fills port and name. @return 0 or -errno, logged */
int mr_ethdev_find(struct mr_ethdev *d, const char *device);
/* Configure the device that was found, set its queues up: fills all but lock and queues. @return 0 or -errno, logged */
int mr_ethdev_configure(struct mr_ethdev *d, const struct mr_link_cfg *cfg);

static inline struct mr_ethdev_queue *
mr_ethdev_queue_of(struct mr_link *l)
{
	return (struct mr_ethdev_queue *)l;
}

/* ethdev_tx.c */
uint16_t mr_ethdev_tx_burst(struct mr_link *l, uint64_t now_ns, struct rte_mbuf **pkts, uint16_t n);
/* Before the first MR_ETHDEV_TX_AT_ONCE. Context: control. @return false: there is no place for it */
bool mr_ethdev_tx_park_init(void);

#endif
