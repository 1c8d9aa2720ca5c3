/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Of the world without real protocols (fakestack.h): its link driver and its framing.
 */
#ifndef TESTS_FAKESTACK_LINK_H
#define TESTS_FAKESTACK_LINK_H

#include "fakestack_state.h"

#include <stdlib.h>

#include <rte_byteorder.h>

/* ---- link */

static inline uint16_t
fk_rx_burst(struct mr_link *l, uint64_t now_ns, struct rte_mbuf **pkts, uint16_t n)
{
	struct fk_link *k = (struct fk_link *)l;
	uint16_t i;

	ck_assert_uint_eq(now_ns, fk.now);
	if (k->rx_n)
		fk_log('r');
	for (i = 0; i < n && k->rx_n > 0; i++, k->rx_n--)
		pkts[i] = k->rx[k->rx_head++ % FK_LOG];
	return i;
}

static inline uint16_t
fk_tx_burst(struct mr_link *l, uint64_t now_ns, struct rte_mbuf **pkts, uint16_t n)
{
	struct fk_link *k = (struct fk_link *)l;
	uint16_t i;

	(void)now_ns;
	fk_log('f');
	for (i = 0; i < n && k->tx_room != 0; i++) {
		struct fk_frame *f = &k->tx[k->tx_n++];

		ck_assert_uint_le(k->tx_n, FK_LOG);
		f->len = pkts[i]->pkt_len;
		f->segs = pkts[i]->nb_segs;
		ck_assert_uint_le(f->len, sizeof(f->b));
		ck_assert_ptr_nonnull(memmove(f->b, rte_pktmbuf_read(pkts[i], 0, f->len, f->b), f->len));
		rte_pktmbuf_free(pkts[i]);
		if (k->tx_room > 0)
			k->tx_room--;
	}
	return i;
}

static inline int
fk_start(struct mr_link *l)
{
	struct fk_link *k = (struct fk_link *)l;

	if (k->start_err == 0)
		k->starts++;
	return k->start_err;
}

static inline void
fk_stop(struct mr_link *l)
{
	((struct fk_link *)l)->stops++;
}

static inline int
fk_set_promisc(struct mr_link *l, bool on)
{
	struct fk_link *k = (struct fk_link *)l;

	if (k->promisc_err == 0)
		k->promisc = on;
	return k->promisc_err;
}

static inline int
fk_set_mcast(struct mr_link *l, const struct mr_lladdr *list, unsigned n)
{
	struct fk_link *k = (struct fk_link *)l;

	k->mcast_calls++;
	if (k->mcast_err)
		return k->mcast_err;
	ck_assert_uint_le(n, RTE_DIM(k->mcast));
	memcpy(k->mcast, list, n * sizeof(*list));
	k->n_mcast = n;
	return 0;
}

static inline void
fk_stats(struct mr_link *l, struct mr_link_stats *out)
{
	(void)l;
	memset(out, 0, sizeof(*out));
}

static inline bool
fk_is_up(struct mr_link *l)
{
	return !((struct fk_link *)l)->down;
}

static inline uint64_t
fk_next_ns(struct mr_link *l)
{
	return ((struct fk_link *)l)->next_ns;
}

static inline void
fk_link_close(struct mr_link *l)
{
	struct fk_link *k = (struct fk_link *)l;

	while (k->rx_n > 0) {
		rte_pktmbuf_free(k->rx[k->rx_head++ % FK_LOG]);
		k->rx_n--;
	}
	k->closed = true;
}

static const struct mr_link_ops fk_link_ops = {
	.rx_burst = fk_rx_burst, .tx_burst = fk_tx_burst, .start = fk_start, .stop = fk_stop,
	.set_promisc = fk_set_promisc, .set_mcast = fk_set_mcast, .stats = fk_stats, .is_up = fk_is_up,
	.next_ns = fk_next_ns, .close = fk_link_close,
};

static inline int
fk_open(const struct mr_link_cfg *cfg, struct mr_link **links)
{
	(void)cfg;
	for (unsigned i = 0; i < RTE_MAX(cfg->n_queues, 1); i++) {
		struct fk_link *k = calloc(1, sizeof(*k));
		unsigned nr = ++fk.n_links;

		k->tx = calloc(FK_LOG, sizeof(*k->tx));
		k->tx_room = -1;
		k->next_ns = UINT64_MAX;
		k->link = (struct mr_link){.ops = &fk_link_ops, .driver = "fk", .framing = "fk", .mtu = 1500,
		                           .caps = MR_LINK_CAP_RESOLVE | MR_LINK_CAP_TX_MULTI_SEGS,
		                           .lladdr = {.b = {2, 0, 0, 0, 0, nr}, .len = 6}};
		fk.links[nr - 1] = k;
		links[i] = &k->link;
	}
	return RTE_MAX(cfg->n_queues, 1);
}

static inline struct fk_link *
fk_link_make(void)
{
	struct mr_link_cfg cfg = {.n_queues = 1};
	struct mr_link *l;

	ck_assert_int_eq(mr_link_open("fk", &cfg, &l), 1);
	return (struct fk_link *)l;
}

/* ---- framing */

static inline uint16_t
fk_pull(struct mr_nic *nic, struct rte_mbuf **pkts, uint16_t n)
{
	uint16_t k = 0;

	for (uint16_t i = 0; i < n; i++) {
		struct mr_pkt *p = mr_pkt(pkts[i]);
		uint16_t type_be;

		if (pkts[i]->data_len < FK_LINK_BYTES) {
			mr_drop(nic->stack, pkts[i], MR_DROP_ETHER_SHORT);
			continue;
		}
		memcpy(&type_be, rte_pktmbuf_mtod_offset(pkts[i], char *, 12), 2);
		p->net_proto = rte_be_to_cpu_16(type_be);
		rte_pktmbuf_adj(pkts[i], FK_LINK_BYTES);
		p->net_off = pkts[i]->data_off;
		pkts[k++] = pkts[i];
	}
	return k;
}

static inline void
fk_push(struct mr_nic *nic, struct rte_mbuf **pkts, uint16_t n, const struct mr_lladdr *dst, uint16_t net_proto)
{
	uint16_t type_be = rte_cpu_to_be_16(net_proto);

	for (uint16_t i = 0; i < n; i++) {
		char *h = rte_pktmbuf_prepend(pkts[i], FK_LINK_BYTES);

		ck_assert_ptr_nonnull(h);
		memcpy(h, dst->b, 6);
		memcpy(h + 6, nic->lladdr.b, 6);
		memcpy(h + 12, &type_be, 2);
	}
}

static const struct mr_framing fk_framing = {.name = "fk", .hdr_bytes = FK_LINK_BYTES, .pull = fk_pull, .push = fk_push};

#endif
