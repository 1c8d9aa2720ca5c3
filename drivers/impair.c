/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Decorator impair: a bad line, from a seed. What is sent is lost, duplicated, corrupted, held to a rate, delayed and
 * reordered, in this order; what is received passes unchanged: a line that is bad both ways has one at each end.
 *
 * A frame waits in a heap until its time is past in some burst call, which passes on a bounded number: for its turn on the
 * line (rate; the bottleneck's buffer is what may wait there, and drops from the tail), then delay plus jitter. Frames of
 * equal time keep their order. Jitter alone never reorders: a frame is not due before the one ahead of it. Only frames chosen
 * by the reorder share leave their place, by waiting reorder_ns longer.
 *
 * Invariants: time and randomness come from the caller and the seed, so the same frames at the same times give the same
 * output. A held frame is held by reference and never written to; corruption copies. Every frame is taken: what the
 * bounded queue or the buffer has no room for is lost, and counted in tx_errors like all that is lost here.
 */
#include "stack/millrace.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <rte_ether.h>

#include "stack/link.h"
#include "stack/rng.h"

#include "decorator.h"

#define IMPAIR_SHARE 1000000u             /* parts per million */
#define IMPAIR_QUEUE 1000                 /* default */
#define IMPAIR_QUEUE_MAX (1u << 24)
#define IMPAIR_REORDER_NS 1000000         /* least default */
#define IMPAIR_NS_MAX 3600000000000ull    /* of each wait */
#define IMPAIR_RATE_MAX 10000000000000ull /* keeps bits * 10^9 + rest in 64 bits */
#define IMPAIR_BUFFER_MAX (1ull << 40)
#define IMPAIR_RETRY_NS 100000            /* look again at an inner link that was full */
#define IMPAIR_BURST 32u

struct held {
	uint64_t due_ns;
	uint64_t seq;
	struct rte_mbuf *m;
};

struct impair {
	struct mr_link link;
	struct mr_impair_cfg cfg;
	struct mr_rng rng;
	struct held *heap;     /* heap[0] is next */
	uint32_t n;
	uint64_t seq;          /* frames ever held */
	uint64_t last_due_ns;  /* of the frames that keep their order */
	uint64_t line_free_ns; /* when the line has sent what it was given */
	uint64_t line_rest;    /* fraction of a nanosecond on top, in 1/rate_bps */
	uint64_t tried_ns;     /* last look at the heap */
	bool refused;          /* then, by the inner link */
	uint64_t lost;
};

static bool
before(const struct held *a, const struct held *b)
{
	return a->due_ns != b->due_ns ? a->due_ns < b->due_ns : a->seq < b->seq;
}

static void
heap_push(struct impair *im, struct held h)
{
	uint32_t i = im->n++;

	for (; i && before(&h, &im->heap[(i - 1) / 2]); i = (i - 1) / 2)
		im->heap[i] = im->heap[(i - 1) / 2];
	im->heap[i] = h;
}

static struct held
heap_pop(struct impair *im)
{
	struct held top = im->heap[0], last = im->heap[--im->n];
	uint32_t i = 0;

	for (uint32_t c = 1; c < im->n; c = 2 * i + 1) {
		if (c + 1 < im->n && before(&im->heap[c + 1], &im->heap[c]))
			c++;
		if (before(&last, &im->heap[c]))
			break;
		im->heap[i] = im->heap[c];
		i = c;
	}
	im->heap[i] = last;
	return top;
}

/* Pass on what is due, at most so many frames: whoever polls has other links to look at, the way back of this line perhaps.
 * What the inner link refuses goes back to its place. */
static void
deliver(struct impair *im, uint64_t now_ns, uint32_t most)
{
	struct held h[IMPAIR_BURST];
	struct rte_mbuf *pkts[IMPAIR_BURST];
	uint16_t n, sent;

	im->tried_ns = now_ns;
	do {
		for (n = 0; n < RTE_MIN(most, IMPAIR_BURST) && im->n && im->heap[0].due_ns <= now_ns; n++) {
			h[n] = heap_pop(im);
			pkts[n] = h[n].m;
		}
		sent = n ? im->link.inner->ops->tx_burst(im->link.inner, now_ns, pkts, n) : 0;
		for (uint16_t i = sent; i < n; i++)
			heap_push(im, h[i]);
		most -= sent;
	} while (sent == IMPAIR_BURST);
	im->refused = sent < n;
}

static void
lose(struct impair *im, struct rte_mbuf *m)
{
	im->lost++;
	rte_pktmbuf_free(m);
}

static bool
chance(struct impair *im, uint32_t ppm)
{
	return ppm && mr_rng_below(&im->rng, IMPAIR_SHARE) < ppm;
}

/* A copy with one bit turned over behind the link header. Consumes m. NULL: no mbuf for the copy. */
static struct rte_mbuf *
corrupt(struct impair *im, struct rte_mbuf *m)
{
	uint32_t hdr = strcmp(im->link.framing, "ether") ? 0 : RTE_ETHER_HDR_LEN, off, bit;
	struct rte_mbuf *c, *seg;

	if (m->pkt_len <= hdr)
		return m;
	off = hdr + mr_rng_below(&im->rng, m->pkt_len - hdr);
	bit = mr_rng_below(&im->rng, 8);
	c = rte_pktmbuf_copy(m, m->pool, 0, UINT32_MAX);
	rte_pktmbuf_free(m);
	if (!c)
		return NULL;
	for (seg = c; off >= seg->data_len; seg = seg->next)
		off -= seg->data_len;
	*rte_pktmbuf_mtod_offset(seg, uint8_t *, off) ^= 1u << bit;
	return c;
}

/* When the line has sent `bytes` more. Exact over any number of frames: the rest of each division is carried. */
static uint64_t
line_time(struct impair *im, uint64_t now_ns, uint32_t bytes)
{
	uint64_t t;

	if (!im->cfg.rate_bps)
		return now_ns;
	if (im->line_free_ns < now_ns) {
		im->line_free_ns = now_ns;
		im->line_rest = 0;
	}
	t = bytes * 8000000000ull + im->line_rest;
	im->line_free_ns += t / im->cfg.rate_bps;
	im->line_rest = t % im->cfg.rate_bps;
	return im->line_free_ns;
}

/* Is the line's buffer too full for `bytes` more? What is on the line at the moment counts as far as it is not sent. */
static bool
line_full(const struct impair *im, uint64_t now_ns, uint32_t bytes)
{
	unsigned __int128 waiting = 0, room = (unsigned __int128)im->cfg.buffer_bytes * 8000000000u;

	if (!im->cfg.buffer_bytes || !im->cfg.rate_bps)
		return false;
	if (im->line_free_ns > now_ns)
		waiting = (unsigned __int128)(im->line_free_ns - now_ns) * im->cfg.rate_bps + im->line_rest;
	return waiting + bytes * 8000000000ull > room;
}

/* Uniform in [0, max]. */
static uint64_t
jitter(struct impair *im, uint64_t max)
{
	return max ? (uint64_t)(((unsigned __int128)mr_rng_u64(&im->rng) * (max + 1)) >> 64) : 0;
}

/* One frame (or its duplicate) on its way through the line. Consumes it. */
static void
hold(struct impair *im, uint64_t now_ns, struct rte_mbuf *m)
{
	struct held h;

	if (im->n == im->cfg.queue_frames)
		deliver(im, now_ns, 1);
	if (im->n == im->cfg.queue_frames || line_full(im, now_ns, m->pkt_len)) {
		lose(im, m);
		return;
	}
	if (chance(im, im->cfg.corrupt_ppm)) {
		m = corrupt(im, m);
		if (!m) {
			im->lost++;
			return;
		}
	}
	h = (struct held){.m = m, .seq = im->seq++};
	h.due_ns = line_time(im, now_ns, m->pkt_len) + im->cfg.delay_ns + jitter(im, im->cfg.jitter_ns);
	if (chance(im, im->cfg.reorder_ppm)) {
		h.due_ns += im->cfg.reorder_ns;
	} else {
		h.due_ns = RTE_MAX(h.due_ns, im->last_due_ns);
		im->last_due_ns = h.due_ns;
	}
	heap_push(im, h);
}

static uint16_t
impair_tx_burst(struct mr_link *l, uint64_t now_ns, struct rte_mbuf **pkts, uint16_t n)
{
	struct impair *im = (struct impair *)l;

	for (uint16_t i = 0; i < n; i++) {
		struct rte_mbuf *m = pkts[i];

		if (chance(im, im->cfg.loss_ppm)) {
			lose(im, m);
			continue;
		}
		if (chance(im, im->cfg.dup_ppm)) {
			rte_pktmbuf_refcnt_update(m, 1);
			hold(im, now_ns, m);
		}
		hold(im, now_ns, m);
	}
	deliver(im, now_ns, 2u * n + IMPAIR_BURST); /* as many as came, twice each, and of those before */
	return n;
}

static uint16_t
impair_rx_burst(struct mr_link *l, uint64_t now_ns, struct rte_mbuf **pkts, uint16_t n)
{
	deliver((struct impair *)l, now_ns, IMPAIR_BURST);
	return l->inner->ops->rx_burst(l->inner, now_ns, pkts, n);
}

/* Frames are of the sender's pool, which may go away after the stop. */
static void
impair_stop(struct mr_link *l)
{
	struct impair *im = (struct impair *)l;

	while (im->n)
		lose(im, im->heap[--im->n].m);
	mr_decorator_stop(l);
}

static void
impair_stats(struct mr_link *l, struct mr_link_stats *out)
{
	mr_decorator_stats(l, out);
	out->tx_errors += ((struct impair *)l)->lost;
}

static uint64_t
impair_next_ns(struct mr_link *l)
{
	struct impair *im = (struct impair *)l;
	uint64_t inner = mr_decorator_next_ns(l), own;

	if (!im->n)
		return inner;
	/* What the inner link has refused is overdue; who waits for the time given here must see time pass. */
	own = im->refused ? RTE_MAX(im->heap[0].due_ns, im->tried_ns + IMPAIR_RETRY_NS) : im->heap[0].due_ns;
	return RTE_MIN(own, inner);
}

static void
impair_close(struct mr_link *l)
{
	struct impair *im = (struct impair *)l;

	while (im->n)
		rte_pktmbuf_free(im->heap[--im->n].m);
	l->inner->ops->close(l->inner);
	free(im->heap);
	free(im);
}

static const struct mr_link_ops impair_ops = {
	.rx_burst = impair_rx_burst,
	.tx_burst = impair_tx_burst,
	.start = mr_decorator_start,
	.stop = impair_stop,
	.set_promisc = mr_decorator_set_promisc,
	.set_mcast = mr_decorator_set_mcast,
	.stats = impair_stats,
	.is_up = mr_decorator_is_up,
	.next_ns = impair_next_ns,
	.close = impair_close,
};

static bool
cfg_valid(const struct mr_impair_cfg *c)
{
	return c->loss_ppm <= IMPAIR_SHARE && c->dup_ppm <= IMPAIR_SHARE && c->reorder_ppm <= IMPAIR_SHARE &&
	       c->corrupt_ppm <= IMPAIR_SHARE && c->delay_ns <= IMPAIR_NS_MAX && c->jitter_ns <= IMPAIR_NS_MAX &&
	       c->reorder_ns <= IMPAIR_NS_MAX && c->rate_bps <= IMPAIR_RATE_MAX && c->queue_frames <= IMPAIR_QUEUE_MAX &&
	       c->buffer_bytes <= IMPAIR_BUFFER_MAX;
}

int
mr_impair_wrap(struct mr_link *inner, const struct mr_impair_cfg *cfg, struct mr_link **out)
{
	struct impair *im;

	if (!cfg_valid(cfg) || inner->nic)
		return -EINVAL;
	im = calloc(1, sizeof(*im));
	if (!im)
		return -ENOMEM;
	im->cfg = *cfg;
	if (!im->cfg.queue_frames)
		im->cfg.queue_frames = IMPAIR_QUEUE;
	if (!im->cfg.reorder_ns)
		im->cfg.reorder_ns = RTE_MAX(im->cfg.delay_ns, (uint64_t)IMPAIR_REORDER_NS);
	im->heap = calloc(im->cfg.queue_frames, sizeof(*im->heap));
	if (!im->heap) {
		free(im);
		return -ENOMEM;
	}
	mr_rng_seed(&im->rng, cfg->seed);
	mr_decorator_init(&im->link, &impair_ops, "impair", inner);
	/* Behind the corruption a NIC would put a good checksum on the bad frame: have it in the frame before. */
	if (cfg->corrupt_ppm)
		im->link.caps &= ~(MR_LINK_CAP_TX_IPV4_CKSUM | MR_LINK_CAP_TX_TCP_CKSUM | MR_LINK_CAP_TX_UDP_CKSUM |
		                   MR_LINK_CAP_TX_TSO);
	*out = &im->link;
	return 0;
}
