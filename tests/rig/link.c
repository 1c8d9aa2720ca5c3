/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The scripted link: its receive queue is what the test has pushed, its transmit queue what the test reads.
 *
 * Both queues hold bytes, not mbufs: a pushed frame becomes an mbuf when the stack takes it, a sent one ends as an mbuf
 * when the link takes it. So every mbuf that is out is the stack's, and a stack without receive mbufs loses frames as
 * it would with a device (stats.rx_missed).
 */
#include "rig/priv.h"

#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <rte_mbuf.h>

#include "stack/pkt.h"

#define TAIL_MARK 0xa5 /* what lies behind a frame: nobody may read it as payload */

static struct rig *
of(struct mr_link *l)
{
	return (struct rig *)((char *)l - offsetof(struct rig, link));
}

/* A chain with the frame's bytes, in segments of `seg` bytes at most. NULL: no mbufs. */
static struct rte_mbuf *
to_mbuf(struct rig *rig, const struct rig_rx *rx)
{
	struct rte_mempool *pool = mr_stack_rx_pool(rig->stack);
	struct rte_mbuf *head = NULL, **tail = &head, *m;
	uint32_t off = 0, n, seg = rig->rx_seg_bytes ? rig->rx_seg_bytes : UINT16_MAX;

	do {
		m = rte_pktmbuf_alloc(pool);
		if (!m) {
			rte_pktmbuf_free(head);
			return NULL;
		}
		n = RTE_MIN(RTE_MIN(rx->len - off, seg), (uint32_t)rte_pktmbuf_tailroom(m));
		memcpy(rte_pktmbuf_mtod(m, char *), rx->b + off, n);
		memset(rte_pktmbuf_mtod_offset(m, char *, n), TAIL_MARK, rte_pktmbuf_tailroom(m) - n);
		m->data_len = (uint16_t)n;
		off += n;
		*tail = m;
		tail = &m->next;
		if (m != head)
			head->nb_segs++;
	} while (off < rx->len);
	head->pkt_len = rx->len;
	head->ol_flags = rx->ol_flags;
	if (rig->rx_lro) {
		head->ol_flags |= RTE_MBUF_F_RX_LRO;
		head->tso_segsz = rig->rx_lro;
	}
	mr_pkt_init(head);
	return head;
}

static uint16_t
link_rx_burst(struct mr_link *l, uint64_t now_ns, struct rte_mbuf **pkts, uint16_t n)
{
	struct rig *rig = of(l);
	struct rig_rx *rx;
	uint16_t k = 0;

	(void)now_ns;
	while (k < n && rig->started && (rx = STAILQ_FIRST(&rig->rx)) != NULL) {
		struct rte_mbuf *m = to_mbuf(rig, rx);

		STAILQ_REMOVE_HEAD(&rig->rx, link);
		if (m) {
			rig->stats.rx_packets++;
			rig->stats.rx_bytes += rx->len;
			pkts[k++] = m;
		} else {
			rig->stats.rx_missed++;
		}
		free(rx);
	}
	return k;
}

static void
bad_frame(struct rig *rig, const char *why, const struct rig_frame *f)
{
	if (!rig->bad[0])
		snprintf(rig->bad, sizeof(rig->bad), "%s", why);
	if (!rig->lenient)
		ck_abort_msg("the stack sent a bad frame: %s\n\t%s", why, f ? rig_frame_text(f) : "");
}

static void
taken(struct rig *rig, struct rig_frame *f)
{
	f->time_ns = rig->taken_ns;
	rig->stats.tx_packets++;
	rig->stats.tx_bytes += f->len;
	TAILQ_INSERT_TAIL(&rig->tx, f, link);
	rig->n_tx++;
}

/* A piece of a frame that was cut: it has everything a frame on the wire has. */
static void
take_piece(void *arg, const struct rig_buf *b)
{
	struct rig *rig = arg;
	char why[192];
	struct rig_frame *f = rig_frame_parse(b->b, b->len, 0, 0, 0, why, sizeof(why));

	rig->cut_pieces++;
	taken(rig, f);
	if (why[0])
		bad_frame(rig, why, f);
}

static uint64_t
chain_hash(const struct rte_mbuf *m)
{
	uint64_t h = m->pkt_len;

	for (; m; m = m->next)
		for (uint16_t i = 0; i < m->data_len; i++)
			h = (h ^ rte_pktmbuf_mtod(m, const uint8_t *)[i]) * 0x100000001b3;
	return h;
}

static void
done_with(struct rig *rig, struct rte_mbuf *m)
{
	if (!rig->hold || rig->n_held == RTE_DIM(rig->held)) {
		rte_pktmbuf_free(m);
		return;
	}
	rig->held_hash[rig->n_held] = chain_hash(m);
	rig->held[rig->n_held++] = m;
}

void
rig_let_go(struct rig *rig)
{
	for (unsigned i = 0; i < rig->n_held; i++) {
		if (chain_hash(rig->held[i]) != rig->held_hash[i])
			ck_abort_msg("frame %u of %u that the link still had was changed", i, rig->n_held);
		rte_pktmbuf_free(rig->held[i]);
	}
	rig->n_held = 0;
}

static void
take(struct rig *rig, struct rte_mbuf *m, uint64_t now_ns)
{
	char why[192];
	struct rig_frame *f = NULL;

	rig->taken_ns = now_ns;
	if (m->ol_flags & RTE_MBUF_F_TX_TCP_SEG) {
		rig->n_cut++;
		rig->cut_pieces = 0;
		rig_cut(&rig->link, m, take_piece, rig, why, sizeof(why));
	} else {
		f = rig_judge(&rig->link, m, why, sizeof(why));
		if (f)
			taken(rig, f);
	}
	done_with(rig, m);
	if (why[0])
		bad_frame(rig, why, f);
}

static uint16_t
link_tx_burst(struct mr_link *l, uint64_t now_ns, struct rte_mbuf **pkts, uint16_t n)
{
	struct rig *rig = of(l);
	uint16_t k = 0;

	while (k < n && rig->tx_room != 0) {
		if (rig->tx_room > 0)
			rig->tx_room--;
		take(rig, pkts[k++], now_ns);
	}
	return k;
}

static int
link_start(struct mr_link *l)
{
	of(l)->started = true;
	return 0;
}

static void
link_stop(struct mr_link *l)
{
	of(l)->started = false;
}

static int
link_set_promisc(struct mr_link *l, bool on)
{
	of(l)->promisc = on;
	return 0;
}

static int
link_set_mcast(struct mr_link *l, const struct mr_lladdr *list, unsigned n)
{
	struct rig *rig = of(l);

	rig->n_mcast = n;
	if (n > 0)
		memcpy(rig->mcast, list, RTE_MIN(n, RTE_DIM(rig->mcast)) * sizeof(*list));
	return 0;
}

static void
link_stats(struct mr_link *l, struct mr_link_stats *out)
{
	*out = of(l)->stats;
}

static bool
link_is_up(struct mr_link *l)
{
	return !of(l)->link_down;
}

static uint64_t
link_next_ns(struct mr_link *l)
{
	return STAILQ_EMPTY(&of(l)->rx) ? UINT64_MAX : 0;
}

static void
link_close(struct mr_link *l)
{
	(void)l;
}

static const struct mr_link_ops link_ops = {
	.rx_burst = link_rx_burst,
	.tx_burst = link_tx_burst,
	.start = link_start,
	.stop = link_stop,
	.set_promisc = link_set_promisc,
	.set_mcast = link_set_mcast,
	.stats = link_stats,
	.is_up = link_is_up,
	.next_ns = link_next_ns,
	.close = link_close,
};

void
rig_link_init(struct rig *rig, uint32_t caps, uint16_t mtu)
{
	STAILQ_INIT(&rig->rx);
	TAILQ_INIT(&rig->tx);
	TAILQ_INIT(&rig->seen);
	rig->tx_room = -1;
	rig->link = (struct mr_link){
		.ops = &link_ops,
		.driver = "rig",
		.framing = "ether",
		.caps = caps,
		.mtu = mtu,
		.lladdr = {.len = 6},
	};
	memcpy(rig->link.lladdr.b, rig->mac, 6);
}

void
rig_link_fini(struct rig *rig)
{
	struct rig_rx *rx;
	struct rig_frame *f;

	while ((rx = STAILQ_FIRST(&rig->rx)) != NULL) {
		STAILQ_REMOVE_HEAD(&rig->rx, link);
		free(rx);
	}
	TAILQ_CONCAT(&rig->seen, &rig->tx, link);
	while ((f = TAILQ_FIRST(&rig->seen)) != NULL) {
		TAILQ_REMOVE(&rig->seen, f, link);
		free(f);
	}
}
