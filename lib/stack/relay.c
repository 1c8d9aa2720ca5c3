/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Relay links. Each relay has a lane to the hub: a bounded SPSC ring of frames that are ready for the device. The hub
 * is a decorator of the queue's own link and takes a burst from each lane whenever its worker polls; what the device
 * does not take waits in the lane, the lane fills, and the relay takes fewer frames: the sender keeps the rest, as with
 * any link that is busy.
 *
 * Frames pass by reference, shared ones too: they only go on to a device, and nobody writes to them (link.h). They are
 * freed on the hub's core, back to the sender's pool. From here on a sender that keeps one is of another core.
 *
 * Not here: modes and multicast filters of the device. The same NIC on the hub's core sets them.
 */
#include "stack/relay.h"

#include <errno.h>
#include <stdlib.h>

#include "stack/nic.h"
#include "stack/ring.h"

/* Producer: the relay's worker. Consumer: the hub's, which alone uses `wait`. Gone with the last of the two links. */
struct lane {
	struct rte_ring *ring;
	uint16_t first, n;               /* of `wait` */
	struct rte_mbuf *wait[MR_BURST]; /* taken from the ring, not yet by the device */
	unsigned links;
};

struct relay {
	struct mr_link link;
	struct lane *lane;
	struct mr_link *device; /* of the hub, to ask whether it is up */
	struct mr_link_stats stats;
};

struct hub {
	struct mr_link link;
	uint64_t now_ns; /* of the last burst */
	unsigned n;
	struct lane *lanes[];
};

static struct lane *
lane_create(void)
{
	struct lane *lane = calloc(1, sizeof(*lane));

	if (!lane)
		return NULL;
	lane->links = 2;
	lane->ring = mr_ring_create(MR_RELAY_RING, RING_F_SP_ENQ | RING_F_SC_DEQ);
	if (!lane->ring) {
		free(lane);
		return NULL;
	}
	return lane;
}

static void
lane_release(struct lane *lane)
{
	if (!lane || --lane->links)
		return;
	rte_pktmbuf_free_bulk(lane->wait + lane->first, lane->n);
	mr_ring_free_pkts(lane->ring);
	free(lane);
}

/* Pass on one burst. @return false if the lane is empty or the device did not take all */
static bool
lane_forward(struct lane *lane, struct mr_link *device, uint64_t now_ns)
{
	uint16_t sent;

	if (!lane->n) {
		lane->first = 0;
		lane->n = rte_ring_sc_dequeue_burst(lane->ring, (void **)lane->wait, MR_BURST, NULL);
		if (!lane->n)
			return false;
	}
	sent = device->ops->tx_burst(device, now_ns, lane->wait + lane->first, lane->n);
	lane->first += sent;
	lane->n -= sent;
	return !lane->n;
}

/* ---- the relay */

static uint16_t
relay_rx_burst(struct mr_link *l, uint64_t now_ns, struct rte_mbuf **pkts, uint16_t n)
{
	(void)l, (void)now_ns, (void)pkts, (void)n;
	return 0;
}

static uint16_t
relay_tx_burst(struct mr_link *l, uint64_t now_ns, struct rte_mbuf **pkts, uint16_t n)
{
	struct relay *r = (struct relay *)l;
	uint64_t bytes = 0;
	uint16_t taken = RTE_MIN(n, rte_ring_free_count(r->lane->ring));

	(void)now_ns;
	/* Counted before they go: after that they are the hub's. Only this side fills the ring, so the room stays. */
	for (uint16_t i = 0; i < taken; i++) {
		bytes += rte_pktmbuf_pkt_len(pkts[i]);
		pkts[i]->port = RTE_MBUF_PORT_INVALID;
	}
	rte_ring_sp_enqueue_burst(r->lane->ring, (void **)pkts, taken, NULL);
	r->stats.tx_packets += taken;
	r->stats.tx_bytes += bytes;
	return taken;
}

static int
relay_start(struct mr_link *l)
{
	(void)l;
	return 0;
}

static void
relay_stop(struct mr_link *l)
{
	(void)l;
}

static void
relay_stats(struct mr_link *l, struct mr_link_stats *out)
{
	*out = ((struct relay *)l)->stats;
}

static bool
relay_is_up(struct mr_link *l)
{
	struct mr_link *device = ((struct relay *)l)->device;

	return device->ops->is_up(device);
}

static void
relay_close(struct mr_link *l)
{
	struct relay *r = (struct relay *)l;

	lane_release(r->lane);
	free(r);
}

static const struct mr_link_ops relay_ops = {
	.rx_burst = relay_rx_burst,
	.tx_burst = relay_tx_burst,
	.start = relay_start,
	.stop = relay_stop,
	.stats = relay_stats,
	.is_up = relay_is_up,
	.close = relay_close,
};

/* ---- the hub */

static uint16_t
hub_rx_burst(struct mr_link *l, uint64_t now_ns, struct rte_mbuf **pkts, uint16_t n)
{
	struct hub *h = (struct hub *)l;

	h->now_ns = now_ns;
	for (unsigned i = 0; i < h->n; i++)
		lane_forward(h->lanes[i], l->inner, now_ns);
	return l->inner->ops->rx_burst(l->inner, now_ns, pkts, n);
}

static uint16_t
hub_tx_burst(struct mr_link *l, uint64_t now_ns, struct rte_mbuf **pkts, uint16_t n)
{
	((struct hub *)l)->now_ns = now_ns;
	return l->inner->ops->tx_burst(l->inner, now_ns, pkts, n);
}

static int
hub_start(struct mr_link *l)
{
	return l->inner->ops->start(l->inner);
}

/* The last words of the relays' stacks, resets among them, still go out if the device takes them. */
static void
hub_stop(struct mr_link *l)
{
	struct hub *h = (struct hub *)l;

	for (unsigned i = 0; i < h->n; i++) {
		while (lane_forward(h->lanes[i], l->inner, h->now_ns))
			;
	}
	l->inner->ops->stop(l->inner);
}

static int
hub_set_promisc(struct mr_link *l, bool on)
{
	return l->inner->ops->set_promisc ? l->inner->ops->set_promisc(l->inner, on) : 0;
}

static int
hub_set_mcast(struct mr_link *l, const struct mr_lladdr *list, unsigned n)
{
	return l->inner->ops->set_mcast ? l->inner->ops->set_mcast(l->inner, list, n) : 0;
}

static void
hub_stats(struct mr_link *l, struct mr_link_stats *out)
{
	l->inner->ops->stats(l->inner, out);
}

static bool
hub_is_up(struct mr_link *l)
{
	return l->inner->ops->is_up(l->inner);
}

static uint64_t
hub_next_ns(struct mr_link *l)
{
	const struct hub *h = (const struct hub *)l;

	for (unsigned i = 0; i < h->n; i++) {
		if (h->lanes[i]->n || !rte_ring_empty(h->lanes[i]->ring))
			return h->now_ns;
	}
	return l->inner->ops->next_ns ? l->inner->ops->next_ns(l->inner) : UINT64_MAX;
}

static void
hub_close(struct mr_link *l)
{
	struct hub *h = (struct hub *)l;

	for (unsigned i = 0; i < h->n; i++)
		lane_release(h->lanes[i]);
	mr_link_close(l->inner);
	free(h);
}

static const struct mr_link_ops hub_ops = {
	.rx_burst = hub_rx_burst,
	.tx_burst = hub_tx_burst,
	.start = hub_start,
	.stop = hub_stop,
	.set_promisc = hub_set_promisc,
	.set_mcast = hub_set_mcast,
	.stats = hub_stats,
	.is_up = hub_is_up,
	.next_ns = hub_next_ns,
	.close = hub_close,
};

/* ---- making them */

static void
link_like(struct mr_link *l, const struct mr_link_ops *ops, const char *driver, const struct mr_link *device)
{
	l->ops = ops;
	l->driver = driver;
	l->framing = device->framing;
	l->caps = device->caps;
	l->mtu = device->mtu;
	l->tso_segs = device->tso_segs;
	l->queue = device->queue;
	l->lladdr = device->lladdr;
}

static struct mr_link *
relay_make(struct hub *h)
{
	struct relay *r = calloc(1, sizeof(*r));
	struct lane *lane = r ? lane_create() : NULL;

	if (!lane) {
		free(r);
		return NULL;
	}
	link_like(&r->link, &relay_ops, "relay", h->link.inner);
	r->device = h->link.inner;
	r->lane = lane;
	h->lanes[h->n++] = lane;
	return &r->link;
}

int
mr_relay_create(struct mr_link *inner, unsigned n, struct mr_link **hub, struct mr_link **relays)
{
	struct hub *h = calloc(1, sizeof(*h) + n * sizeof(h->lanes[0]));

	if (!h)
		return -ENOMEM;
	link_like(&h->link, &hub_ops, "relay-hub", inner);
	h->link.inner = inner;
	for (unsigned i = 0; i < n; i++) {
		relays[i] = relay_make(h);
		if (relays[i])
			continue;
		while (i-- > 0) {
			lane_release(h->lanes[i]);
			relay_close(relays[i]);
		}
		free(h);
		return -ENOMEM;
	}
	*hub = &h->link;
	return 0;
}
