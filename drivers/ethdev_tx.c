/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Driver ethdev: how frames are given to a device.
 *
 * Invariants: a shared frame is never given to a device that passes mbufs on to a receiver in this process: that one gets a
 * copy. Frames that a device does not take stay with the caller, as they were.
 */
#include <errno.h>

#include <rte_memcpy.h>
#include <rte_mempool.h>

#include "stack/pkt.h"

#include "ethdev.h"

#define TX_BURST 32 /* frames looked at together; of more, the other end has the first while the last are still copied */

/* ---- devices that pass mbufs on to a receiver in this process ------------------------------------------------ */

static bool
frame_shared(const struct rte_mbuf *m)
{
	for (; m; m = m->next)
		if (rte_mbuf_refcnt_read(m) > 1)
			return true;
	return false;
}

/* Raw mbufs for copies, at most n. The receiver's core had them last: all their lines are asked for before any is needed.
 * @return n, or 0 */
static uint16_t
raw_take(struct rte_mempool *pool, struct rte_mbuf **raw, uint16_t n)
{
	if (n == 0 || rte_mempool_get_bulk(pool, (void **)raw, n))
		return 0;
	for (uint16_t i = 0; i < n; i++) {
		rte_prefetch0_write(raw[i]);
		rte_prefetch0_write(RTE_PTR_ADD(raw[i], RTE_CACHE_LINE_SIZE));
		rte_prefetch0_write(RTE_PTR_ADD(raw[i], sizeof(struct rte_mbuf) + rte_pktmbuf_priv_size(pool) + MR_HEADROOM / 2));
	}
	return n;
}

/* The bytes of a frame of one segment in a raw mbuf of the same pool. */
static struct rte_mbuf *
raw_fill(struct rte_mbuf *c, const struct rte_mbuf *m)
{
	rte_pktmbuf_reset(c);
	c->data_off = m->data_off;
	c->data_len = m->data_len;
	c->pkt_len = m->pkt_len;
	rte_memcpy(rte_pktmbuf_mtod(c, void *), rte_pktmbuf_mtod(m, const void *), m->data_len);
	return c;
}

/* Have frames that nobody else holds, copies in the place of shared ones. @return how many, all before the first that cannot
 * be copied now */
static uint16_t
copy_shared(struct rte_mbuf **pkts, struct rte_mbuf **out, uint16_t n)
{
	struct rte_mempool *pool = pkts[0]->pool;
	struct rte_mbuf *raw[TX_BURST];
	uint16_t left = 0, ready;

	for (uint16_t i = 0; i < n; i++)
		left += frame_shared(pkts[i]);
	left = raw_take(pool, raw, left);
	for (ready = 0; ready < n; ready++) {
		struct rte_mbuf *m = pkts[ready];

		if (!frame_shared(m))
			out[ready] = m;
		else if (left > 0 && m->pool == pool && RTE_MBUF_DIRECT(m) && !m->next)
			out[ready] = raw_fill(raw[--left], m);
		else if (!(out[ready] = rte_pktmbuf_copy(m, m->pool, 0, UINT32_MAX)))
			break;
	}
	rte_mempool_put_bulk(pool, (void **)raw, left);
	return ready;
}

/* Send up to TX_BURST frames. */
static uint16_t
tx_by_pointer(struct mr_ethdev_queue *q, struct rte_mbuf **pkts, uint16_t n)
{
	struct rte_mbuf *out[TX_BURST];
	uint16_t ready = copy_shared(pkts, out, n), sent;

	sent = rte_eth_tx_burst(q->dev->port, q->link.queue, out, ready);
	for (uint16_t i = 0; i < ready; i++)
		if (out[i] != pkts[i])
			rte_pktmbuf_free(i < sent ? pkts[i] : out[i]);
	return sent;
}

/* ---- devices that are done with a frame when they have taken it --------------------------------------------- */

static int
park(struct rte_mempool *pool, void *const *objs, unsigned n)
{
	(void)pool, (void)objs, (void)n;
	return 0;
}

static int
park_take(struct rte_mempool *pool, void **objs, unsigned n)
{
	(void)pool, (void)objs, (void)n;
	return -ENOENT;
}

static int
park_alloc(struct rte_mempool *pool)
{
	(void)pool;
	return 0;
}

static unsigned
park_count(const struct rte_mempool *pool)
{
	(void)pool;
	return 0;
}

/* A pool that does nothing with what is freed to it. It is in no list: other processes of this EAL do not know its handler. */
static struct rte_mempool parking = {.name = "mr_parking"};

bool
mr_ethdev_tx_park_init(void)
{
	static const struct rte_mempool_ops ops = {
		.name = "mr_parking", .alloc = park_alloc, .enqueue = park, .dequeue = park_take, .get_count = park_count,
	};
	static int index = -1;

	/* Behind all handlers that EAL has loaded: those of other processes have the same places. */
	if (index < 0)
		index = rte_mempool_register_ops(&ops);
	parking.ops_index = index;
	return index >= 0;
}

/* Send up to TX_BURST frames. One that its sender holds too is given away as if it were the device's alone, and comes back from
 * where the device frees it to: a reference that is dropped takes an atomic operation, which waits until all that was copied
 * has reached the other core. */
static uint16_t
tx_at_once(struct mr_ethdev_queue *q, struct rte_mbuf **pkts, uint16_t n)
{
	struct rte_mempool *home[TX_BURST];
	uint16_t kept[TX_BURST], n_kept = 0, sent;

	for (uint16_t i = 0; i < n; i++) {
		struct rte_mbuf *m = pkts[i];

		if (!mr_pkt_is_held(m) || rte_mbuf_refcnt_read(m) != 2 || m->next)
			continue;
		kept[n_kept] = i;
		home[n_kept++] = m->pool;
		m->pool = &parking;
		rte_mbuf_refcnt_set(m, 1);
	}
	sent = rte_eth_tx_burst(q->dev->port, q->link.queue, pkts, n);
	for (uint16_t k = 0; k < n_kept; k++) {
		struct rte_mbuf *m = pkts[kept[k]];

		m->pool = home[k];
		if (kept[k] >= sent)
			rte_mbuf_refcnt_set(m, 2);
	}
	return sent;
}

/* ---- devices that cut segments ------------------------------------------------------------------------------- */

/* Have the device's driver look at frames to be cut: devices differ in what they want of the pseudo-header sum. One that
 * it does not take may come again. @return frames that are ready, all before the first that never will be */
static uint16_t
tso_prepare(struct mr_ethdev_queue *q, struct rte_mbuf **pkts, uint16_t n)
{
	for (uint16_t i = 0; i < n; i++)
		if (pkts[i]->ol_flags & RTE_MBUF_F_TX_TCP_SEG &&
		    rte_eth_tx_prepare(q->dev->port, q->link.queue, &pkts[i], 1) != 1)
			return i;
	return n;
}

/* A frame that cannot be sent is lost, and is in nobody's way. */
static uint16_t
tx_cut(struct mr_ethdev_queue *q, struct rte_mbuf **pkts, uint16_t n)
{
	uint16_t sent = 0, ready, k;

	while (sent < n) {
		ready = tso_prepare(q, pkts + sent, n - sent);
		k = ready ? rte_eth_tx_burst(q->dev->port, q->link.queue, pkts + sent, ready) : 0;
		sent += k;
		if (k < ready || sent == n)
			break;
		q->tx_refused++;
		rte_pktmbuf_free(pkts[sent++]);
	}
	return sent;
}

uint16_t
mr_ethdev_tx_burst(struct mr_link *l, uint64_t now_ns, struct rte_mbuf **pkts, uint16_t n)
{
	struct mr_ethdev_queue *q = mr_ethdev_queue_of(l);
	uint16_t sent = 0, part, k;

	(void)now_ns;
	if (q->dev->tx == MR_ETHDEV_TX_AS_IS)
		return rte_eth_tx_burst(q->dev->port, l->queue, pkts, n);
	if (q->dev->tx == MR_ETHDEV_TX_CUT)
		return tx_cut(q, pkts, n);
	do {
		part = RTE_MIN(n - sent, TX_BURST);
		k = q->dev->tx == MR_ETHDEV_TX_BY_POINTER ? tx_by_pointer(q, pkts + sent, part) : tx_at_once(q, pkts + sent, part);
		sent += k;
	} while (k == part && sent < n);
	return sent;
}
