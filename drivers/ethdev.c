/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Driver ethdev: the queue pairs of a DPDK port, one link each. The port starts with the first link that starts, stops
 * with the last, and is closed with the last; its filters are what any of its links wants. What is asked of a device is
 * in ethdev_conf.c, how frames are given to it in ethdev_tx.c.
 *
 * Invariants: receive checksum flags are the PMD's own. Frames that a device does not take stay with the caller; a peer
 * that is not there (a vhost guest) shows as a device that takes nothing. The receive pools must outlive the links.
 */
#include "ethdev.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "stack/log.h"
#include "stack/pkt.h"

#define DIAL_MS       3000u /* a server makes its pools between its socket and its port */
#define DIAL_AGAIN_MS 100u

static bool port_open[RTE_MAX_ETHPORTS]; /* control path only */

/* Frames of a sender in this process: they carry its flags, and may be of a pool without room for the facts. */
static uint16_t
rx_by_pointer(struct mr_ethdev_queue *q, struct rte_mbuf **pkts, uint16_t n)
{
	uint16_t k = 0;

	for (uint16_t i = 0; i < n; i++) {
		struct rte_mbuf *m = pkts[i];

		if (m->priv_size < MR_PKT_PRIV_BYTES) {
			q->rx_foreign++;
			rte_pktmbuf_free(m);
			continue;
		}
		m->ol_flags &= RTE_MBUF_F_INDIRECT | RTE_MBUF_F_EXTERNAL;
		pkts[k++] = m;
	}
	return k;
}

static uint16_t
ethdev_rx_burst(struct mr_link *l, uint64_t now_ns, struct rte_mbuf **pkts, uint16_t n)
{
	struct mr_ethdev_queue *q = mr_ethdev_queue_of(l);
	uint16_t got = rte_eth_rx_burst(q->dev->port, l->queue, pkts, n);

	(void)now_ns;
	if (unlikely(q->dev->tx == MR_ETHDEV_TX_BY_POINTER))
		got = rx_by_pointer(q, pkts, got);
	/* Nothing is read here, so nothing is waited for. */
	for (uint16_t i = 0; i < got; i++)
		mr_pkt_init(pkts[i]);
	return got;
}

/* Does a call that is only a wish count as granted? Devices without the operation do not filter. */
static int
granted(int rc)
{
	return rc == -ENOTSUP ? 0 : rc;
}

static int
promisc_apply(struct mr_ethdev *d)
{
	bool on = d->promisc;

	for (uint16_t i = 0; i < d->n_queues; i++)
		on |= d->queues[i].promisc;
	return granted(on ? rte_eth_promiscuous_enable(d->port) : rte_eth_promiscuous_disable(d->port));
}

/* Add an address to the list unless it is there. @return addresses in it */
static unsigned
mcast_add(struct rte_ether_addr *list, unsigned n, const struct rte_ether_addr *a)
{
	for (unsigned i = 0; i < n; i++)
		if (rte_is_same_ether_addr(&list[i], a))
			return n;
	list[n] = *a;
	return n + 1;
}

/* Let in what any of the queues wants: exactly if the device can, otherwise all multicast. */
static int
mcast_apply(struct mr_ethdev *d)
{
	struct rte_ether_addr list[MR_ETHDEV_MCAST];
	unsigned n = 0;
	bool all = false;

	for (uint16_t i = 0; i < d->n_queues; i++) {
		const struct mr_ethdev_queue *q = &d->queues[i];

		all |= q->n_mcast > MR_ETHDEV_MCAST;
		for (unsigned j = 0; j < q->n_mcast && !all; j++) {
			if (n == MR_ETHDEV_MCAST)
				all = true;
			else
				n = mcast_add(list, n, &q->mcast[j]);
		}
	}
	if (all || rte_eth_dev_set_mc_addr_list(d->port, list, n))
		return granted(rte_eth_allmulticast_enable(d->port));
	return granted(rte_eth_allmulticast_disable(d->port));
}

static int
ethdev_set_promisc(struct mr_link *l, bool on)
{
	struct mr_ethdev_queue *q = mr_ethdev_queue_of(l);
	bool was;
	int rc;

	pthread_mutex_lock(&q->dev->lock);
	was = q->promisc;
	q->promisc = on;
	rc = promisc_apply(q->dev);
	if (rc)
		q->promisc = was;
	pthread_mutex_unlock(&q->dev->lock);
	return rc;
}

static int
ethdev_set_mcast(struct mr_link *l, const struct mr_lladdr *list, unsigned n)
{
	struct mr_ethdev_queue *q = mr_ethdev_queue_of(l);
	int rc;

	pthread_mutex_lock(&q->dev->lock);
	q->n_mcast = n;
	for (unsigned i = 0; i < n && i < MR_ETHDEV_MCAST; i++)
		memcpy(q->mcast[i].addr_bytes, list[i].b, RTE_ETHER_ADDR_LEN);
	rc = mcast_apply(q->dev);
	pthread_mutex_unlock(&q->dev->lock);
	return rc;
}

static bool
any_started(const struct mr_ethdev *d)
{
	for (uint16_t i = 0; i < d->n_queues; i++)
		if (d->queues[i].started)
			return true;
	return false;
}

static bool
port_is_up(const struct mr_ethdev *d)
{
	struct rte_eth_link e;

	return !rte_eth_link_get_nowait(d->port, &e) && e.link_status == RTE_ETH_LINK_UP;
}

/* A client whose server's process is there, but not yet its port, is sent away, and its driver does not call again. */
static int
dial_again(struct mr_ethdev *d)
{
	int rc = 0;

	for (unsigned ms = 0; !rc && !port_is_up(d); ms++) {
		if (ms == DIAL_MS) {
			rte_eth_dev_stop(d->port);
			return -ENOLINK;
		}
		if (ms && ms % DIAL_AGAIN_MS == 0) {
			rte_eth_dev_stop(d->port);
			rc = rte_eth_dev_start(d->port);
		}
		rte_delay_us_sleep(1000);
	}
	return rc;
}

static int
port_start(struct mr_ethdev *d)
{
	int rc = rte_eth_dev_start(d->port);

	if (!rc && d->dials)
		rc = dial_again(d);
	if (rc == -ENOLINK) {
		MR_LOG(ERR, "ethdev %s: not connected in %u ms: is its other end started, with as many queues and no other client?",
		       d->name, DIAL_MS);
		return rc;
	}
	if (rc) {
		MR_LOG(ERR, "ethdev %s: does not start (%s): is its other end there? memif starts the server first",
		       d->name, strerror(-rc));
		return rc;
	}
	if (promisc_apply(d) || mcast_apply(d))
		MR_LOG(WARNING, "ethdev %s: receive filters not set: open it with promisc if frames are missing",
		       d->name);
	return 0;
}

static int
ethdev_start(struct mr_link *l)
{
	struct mr_ethdev_queue *q = mr_ethdev_queue_of(l);
	int rc = 0;

	pthread_mutex_lock(&q->dev->lock);
	if (!any_started(q->dev))
		rc = port_start(q->dev);
	if (!rc)
		q->started = true;
	pthread_mutex_unlock(&q->dev->lock);
	return rc;
}

/* Context: the lock is held. */
static void
queue_stop(struct mr_ethdev_queue *q)
{
	int rc;

	if (!q->started)
		return;
	q->started = false;
	if (any_started(q->dev))
		return;
	rc = rte_eth_dev_stop(q->dev->port);
	if (rc)
		MR_LOG(WARNING, "ethdev %s: does not stop (%s)", q->dev->name, strerror(-rc));
}

static void
ethdev_stop(struct mr_link *l)
{
	struct mr_ethdev_queue *q = mr_ethdev_queue_of(l);

	pthread_mutex_lock(&q->dev->lock);
	queue_stop(q);
	pthread_mutex_unlock(&q->dev->lock);
}

/* Ports of several queues are counted per queue as far as ethdev does; what it counts for the port alone is told by the
 * first queue, so that a sum over the links is right. */
static void
ethdev_stats(struct mr_link *l, struct mr_link_stats *out)
{
	const struct mr_ethdev_queue *q = mr_ethdev_queue_of(l);
	struct rte_eth_stats s;

	memset(out, 0, sizeof(*out));
	if (rte_eth_stats_get(q->dev->port, &s))
		return;
	if (q->dev->n_queues == 1) {
		out->rx_packets = s.ipackets;
		out->rx_bytes = s.ibytes;
		out->tx_packets = s.opackets;
		out->tx_bytes = s.obytes;
	} else if (l->queue < RTE_ETHDEV_QUEUE_STAT_CNTRS) {
		out->rx_packets = s.q_ipackets[l->queue];
		out->rx_bytes = s.q_ibytes[l->queue];
		out->tx_packets = s.q_opackets[l->queue];
		out->tx_bytes = s.q_obytes[l->queue];
	}
	out->rx_errors = q->rx_foreign;
	out->tx_errors = q->tx_refused;
	if (l->queue == 0) {
		out->rx_missed = s.imissed + s.rx_nombuf;
		out->rx_errors += s.ierrors;
		out->tx_errors += s.oerrors;
	}
}

static bool
ethdev_is_up(struct mr_link *l)
{
	return port_is_up(mr_ethdev_queue_of(l)->dev);
}

static void
dev_free(struct mr_ethdev *d)
{
	pthread_mutex_destroy(&d->lock);
	free(d->queues);
	free(d);
}

static void
ethdev_close(struct mr_link *l)
{
	struct mr_ethdev *d = mr_ethdev_queue_of(l)->dev;
	bool open = false;

	pthread_mutex_lock(&d->lock);
	queue_stop(mr_ethdev_queue_of(l));
	mr_ethdev_queue_of(l)->open = false;
	for (uint16_t i = 0; i < d->n_queues; i++)
		open |= d->queues[i].open;
	pthread_mutex_unlock(&d->lock);
	if (open)
		return;
	rte_eth_dev_close(d->port);
	port_open[d->port] = false;
	dev_free(d);
}

static const struct mr_link_ops ethdev_ops = {
	.rx_burst = ethdev_rx_burst,
	.tx_burst = mr_ethdev_tx_burst,
	.start = ethdev_start,
	.stop = ethdev_stop,
	.set_promisc = ethdev_set_promisc,
	.set_mcast = ethdev_set_mcast,
	.stats = ethdev_stats,
	.is_up = ethdev_is_up,
	.close = ethdev_close,
};

static void
queue_init(struct mr_ethdev *d, uint16_t nr)
{
	struct mr_ethdev_queue *q = &d->queues[nr];

	q->dev = d;
	q->open = true;
	q->link = (struct mr_link){
		.ops = &ethdev_ops,
		.driver = "ethdev",
		.framing = "ether",
		.caps = d->caps,
		.mtu = d->mtu,
		.tso_segs = d->tso_segs,
		.queue = nr,
		.lladdr = d->lladdr,
	};
}

static int
device_open(struct mr_ethdev *d, const struct mr_link_cfg *cfg)
{
	int rc = mr_ethdev_find(d, cfg->device);

	if (rc)
		return rc;
	if (cfg->args && *cfg->args) {
		MR_LOG(ERR, "ethdev %s: takes no args (\"%s\"): a device's own go to EAL's --vdev or -a", d->name,
		       cfg->args);
		return -EINVAL;
	}
	if (port_open[d->port]) {
		MR_LOG(ERR, "ethdev %s: is open already: one port, one user", d->name);
		return -EBUSY;
	}
	rc = mr_ethdev_configure(d, cfg);
	if (rc)
		return rc;
	d->queues = calloc(d->n_queues, sizeof(*d->queues));
	return d->queues ? 0 : -ENOMEM;
}

static int
ethdev_open(const struct mr_link_cfg *cfg, struct mr_link **links)
{
	struct mr_ethdev *d = calloc(1, sizeof(*d));
	int rc;

	if (!d)
		return -ENOMEM;
	pthread_mutex_init(&d->lock, NULL);
	rc = device_open(d, cfg);
	if (rc) {
		dev_free(d);
		return rc;
	}
	port_open[d->port] = true;
	for (uint16_t i = 0; i < d->n_queues; i++) {
		queue_init(d, i);
		links[i] = &d->queues[i].link;
	}
	return d->n_queues;
}

RTE_INIT(ethdev_register)
{
	mr_link_driver_register("ethdev", ethdev_open);
}
