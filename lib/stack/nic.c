/* SPDX-License-Identifier: Apache-2.0 */
/*
 * NICs: making, modes, and the way out: framing, the transmit queue, the flush at the end of a turn, and the loop.
 *
 * A removed NIC stops at once, but its memory stays until the last reference to one of its addresses is gone: a route
 * or a flow may ask its address for the NIC at any time.
 *
 * Not here: received frames (dispatch.c), addresses (netep.c), next hops (neigh.c).
 */
#include "stack/nic.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include <rte_common.h>

#include "stack/context.h"
#include "stack/neigh.h"
#include "stack/netep.h"
#include "stack/packet.h"
#include "stack/route.h"
#include "stack/stack.h"

#define FLUSH_BURST 128 /* frames given to the link at a time: what it takes of them is counted before and after */

/* Who cuts TCP segments must take chains and compute their checksums. */
static const uint32_t tso_caps = MR_LINK_CAP_TX_TSO | MR_LINK_CAP_TX_TCP_CKSUM | MR_LINK_CAP_TX_MULTI_SEGS;

/* ---- making and unmaking */

struct mr_nic *
mr_nic_find(struct mr_stack *s, uint16_t id)
{
	struct mr_nic *nic;

	TAILQ_FOREACH(nic, &s->nics, link_in_stack) {
		if (nic->id == id)
			return nic;
	}
	return NULL;
}

/* From now on nothing comes and goes; what waits is lost. */
static void
nic_down(struct mr_nic *nic)
{
	nic->flags &= ~MR_NIC_F_UP;
	nic->stack->route_gen++;
	for (; nic->txq_n > 0; nic->txq_n--) {
		mr_drop(nic->stack, nic->txq[nic->txq_head], MR_DROP_NIC_DISABLED);
		nic->txq_head = (nic->txq_head + 1) % MR_NIC_TXQ_SLOTS;
	}
	nic->txq_alone = 0;
	mr_ep_room_give(nic);
	nic->link->ops->stop(nic->link);
}

static int
nic_start(struct mr_nic *nic)
{
	int r;

	if (nic->flags & MR_NIC_F_UP)
		return 0;
	r = nic->link->ops->start(nic->link);
	if (r < 0)
		return r;
	nic->flags |= MR_NIC_F_UP;
	nic->stack->route_gen++;
	r = mr_nic_neteps_open(nic);
	if (r < 0)
		nic_down(nic);
	return r;
}

static void
nic_stop(struct mr_nic *nic)
{
	if (!(nic->flags & MR_NIC_F_UP))
		return;
	mr_nic_neteps_close(nic);
	mr_nic_flush(nic);
	nic_down(nic);
}

static int
nic_make(struct mr_stack *s, uint16_t id, const char *name, struct mr_link *link, struct mr_nic **out)
{
	struct mr_nic *nic;

	if (!id || !link)
		return -EINVAL;
	if (mr_nic_find(s, id))
		return -EEXIST;
	if (link->nic)
		return -EBUSY;
	if (!mr_framing_find(link->framing))
		return -EPROTONOSUPPORT;
	nic = calloc(1, sizeof(*nic));
	if (!nic)
		return -ENOMEM;
	nic->stack = s;
	nic->link = link;
	nic->framing = mr_framing_find(link->framing);
	nic->id = id;
	nic->mtu = link->mtu;
	nic->caps = link->caps;
	nic->tso_segs = (link->caps & tso_caps) == tso_caps ? link->tso_segs : 0;
	nic->lladdr = link->lladdr;
	nic->flags = link->caps & MR_LINK_CAP_LOOPBACK ? MR_NIC_F_LOOPBACK : 0;
	snprintf(nic->name, sizeof(nic->name), "%s", name ? name : "");
	TAILQ_INIT(&nic->primary);
	TAILQ_INIT(&nic->configured);
	nic->room_tail = &nic->room;
	nic->rx_most = MR_BURST;
	mr_nic_filter_broadcasts(nic);
	if (mr_neigh_table_init(nic, s->opts.max_neighbours) < 0) {
		free(nic);
		return -ENOMEM;
	}
	if (nic->tso_segs > 0)
		mr_stack_large_open(s);
	link->nic = nic;
	TAILQ_INSERT_TAIL(&s->nics, nic, link_in_stack);
	s->route_gen++;
	*out = nic;
	return 0;
}

int
mr_nic_create_disabled(struct mr_stack *s, uint16_t id, const char *name, struct mr_link *link)
{
	struct mr_nic *nic;

	MR_OWN_CORE(s);
	return nic_make(s, id, name, link, &nic);
}

int
mr_nic_create(struct mr_stack *s, uint16_t id, const char *name, struct mr_link *link)
{
	struct mr_nic *nic;
	int r = nic_make(s, id, name, link, &nic);

	MR_OWN_CORE(s);
	if (r < 0)
		return r;
	r = nic_start(nic);
	if (r < 0)
		mr_nic_destroy(nic);
	return r;
}

void
mr_nic_free(struct mr_nic *nic)
{
	free(nic->bcasts);
	free(nic->subnets);
	free(nic);
}

void
mr_nic_destroy(struct mr_nic *nic)
{
	struct mr_stack *s = nic->stack;

	mr_route_table_drop_nic(s, nic->id);
	nic_stop(nic);
	mr_packet_nic_gone(s, nic->id);
	mr_neigh_table_fini(nic);
	nic->link->nic = NULL;
	nic->link = NULL;
	nic->caps = 0;
	nic->tso_segs = 0;
	TAILQ_REMOVE(&s->nics, nic, link_in_stack);
	TAILQ_INSERT_TAIL(&s->dead_nics, nic, link_in_stack);
	s->route_gen++;
	/* The last address to go takes the NIC along; hold it off until all have been dropped. */
	nic->n_neteps++;
	nic->removed = true;
	mr_nic_neteps_drop(nic);
	if (--nic->n_neteps > 0)
		return;
	TAILQ_REMOVE(&s->dead_nics, nic, link_in_stack);
	mr_nic_free(nic);
}

int
mr_nic_remove(struct mr_stack *s, uint16_t id)
{
	struct mr_nic *nic = mr_nic_find(s, id);

	MR_OWN_CORE(s);
	if (!nic)
		return -ENODEV;
	mr_nic_destroy(nic);
	return 0;
}

/* ---- modes */

int
mr_nic_enable(struct mr_stack *s, uint16_t id)
{
	struct mr_nic *nic = mr_nic_find(s, id);

	MR_OWN_CORE(s);
	return nic ? nic_start(nic) : -ENODEV;
}

int
mr_nic_disable(struct mr_stack *s, uint16_t id)
{
	struct mr_nic *nic = mr_nic_find(s, id);

	MR_OWN_CORE(s);
	if (!nic)
		return -ENODEV;
	nic_stop(nic);
	return 0;
}

int
mr_nic_set_promisc(struct mr_stack *s, uint16_t id, bool on)
{
	struct mr_nic *nic = mr_nic_find(s, id);
	int r;

	MR_OWN_CORE(s);
	if (!nic)
		return -ENODEV;
	r = nic->link->ops->set_promisc ? nic->link->ops->set_promisc(nic->link, on) : 0;
	if (r < 0)
		return r;
	nic->flags = on ? nic->flags | MR_NIC_F_PROMISC : nic->flags & ~MR_NIC_F_PROMISC;
	return 0;
}

int
mr_nic_set_spoofing(struct mr_stack *s, uint16_t id, bool on)
{
	struct mr_nic *nic = mr_nic_find(s, id);

	MR_OWN_CORE(s);
	if (!nic)
		return -ENODEV;
	nic->flags = on ? nic->flags | MR_NIC_F_SPOOFING : nic->flags & ~MR_NIC_F_SPOOFING;
	return 0;
}

/* ---- the way out */

void
mr_nic_flush(struct mr_nic *nic)
{
	struct mr_stack *s = nic->stack;

	while (nic->txq_n > 0 && nic->flags & MR_NIC_F_UP) {
		struct rte_mbuf **first = &nic->txq[nic->txq_head];
		uint16_t to_end = (uint16_t)(MR_NIC_TXQ_SLOTS - nic->txq_head), n = RTE_MIN(nic->txq_n, to_end), sent;
		uint64_t bytes = 0;

		n = RTE_MIN(n, FLUSH_BURST);
		for (uint16_t i = 0; i < n; i++) {
			bytes += first[i]->pkt_len;
			nic->txq_alone -= first[i]->port == MR_PORT_ALONE;
		}
		sent = nic->link->ops->tx_burst(nic->link, s->now_ns, first, n);
		for (uint16_t i = sent; i < n; i++) {
			bytes -= first[i]->pkt_len;
			nic->txq_alone += first[i]->port == MR_PORT_ALONE;
		}
		mr_count_n(s, MR_CNT_NIC_TX_PACKETS, sent);
		mr_count_n(s, MR_CNT_NIC_TX_BYTES, bytes);
		nic->txq_head = (nic->txq_head + sent) % MR_NIC_TXQ_SLOTS;
		nic->txq_n -= sent;
		if (sent > 0)
			nic->tx_stuck_ns = 0;
		if (sent < n) {
			mr_count(s, MR_CNT_NIC_TX_BUSY);
			nic->tx_busy_ns = s->now_ns;
			if (sent == 0 && nic->tx_stuck_ns == 0)
				nic->tx_stuck_ns = s->now_ns;
			return;
		}
	}
}

/* The link is asked once a turn. */
bool
mr_nic_tx_room_slow(struct mr_nic *nic, uint16_t n, uint16_t max)
{
	uint64_t now_ns = nic->stack->now_ns;

	if (nic->tx_busy_ns != now_ns)
		mr_nic_flush(nic);
	return mr_nic_txq_others(nic) + n <= max || !(nic->flags & MR_NIC_F_UP) ||
	       (nic->tx_stuck_ns && now_ns - nic->tx_stuck_ns >= MR_NIC_STUCK_NS);
}

/* One segment for links that take no chains. A frame that others hold too is copied, never changed. Consumes m.
 * @return NULL: dropped */
static struct rte_mbuf *
nic_linearise(struct mr_nic *nic, struct rte_mbuf *m)
{
	struct rte_mbuf *copy = NULL;

	if (rte_mbuf_refcnt_read(m) == 1 && rte_pktmbuf_linearize(m) == 0)
		return m;
	if (m->pkt_len <= (uint32_t)rte_pktmbuf_data_room_size(nic->stack->tx_pool) - RTE_PKTMBUF_HEADROOM)
		copy = rte_pktmbuf_copy(m, nic->stack->tx_pool, 0, UINT32_MAX);
	if (!copy) {
		mr_drop(nic->stack, m, MR_DROP_NO_TX_MBUF);
		return NULL;
	}
	rte_pktmbuf_free(m);
	return copy;
}

/* Chains for a link that takes none. Compacts. @return what is left */
static uint16_t
nic_linearise_burst(struct mr_nic *nic, struct rte_mbuf **pkts, uint16_t n)
{
	uint16_t kept = 0;

	for (uint16_t i = 0; i < n; i++) {
		struct rte_mbuf *m = pkts[i]->next ? nic_linearise(nic, pkts[i]) : pkts[i];

		if (m)
			pkts[kept++] = m;
	}
	return kept;
}

static void
drop_burst(struct mr_nic *nic, struct rte_mbuf **pkts, uint16_t n, enum mr_counter reason)
{
	for (uint16_t i = 0; i < n; i++)
		mr_drop(nic->stack, pkts[i], reason);
}

/* Make room for packets and them fit for the link. Compacts. @return what may go into the queue */
static uint16_t
txq_admit(struct mr_nic *nic, struct rte_mbuf **pkts, uint16_t n)
{
	uint16_t room;

	if (unlikely(!(nic->flags & MR_NIC_F_UP))) {
		drop_burst(nic, pkts, n, MR_DROP_NIC_DISABLED);
		return 0;
	}
	if (unlikely(mr_nic_txq_others(nic) + n > MR_NIC_TXQ))
		mr_nic_flush(nic);
	room = MR_NIC_TXQ - mr_nic_txq_others(nic);
	if (unlikely(n > room && pkts[0]->port != MR_PORT_ALONE)) {
		drop_burst(nic, pkts + room, n - room, MR_DROP_NIC_TXQ_FULL);
		n = room;
	}
	if (unlikely(!(nic->caps & MR_LINK_CAP_TX_MULTI_SEGS)))
		n = nic_linearise_burst(nic, pkts, n);
	return n;
}

/* Would txq_admit take packets as they are, and nobody hear them? */
static inline bool
txq_is_open(const struct mr_nic *nic, uint16_t n)
{
	return likely(nic->flags & MR_NIC_F_UP && nic->caps & MR_LINK_CAP_TX_MULTI_SEGS &&
	              mr_nic_txq_others(nic) + n <= MR_NIC_TXQ && nic->stack->packets_out == 0);
}

static inline void
txq_put(struct mr_nic *nic, struct rte_mbuf **pkts, uint16_t n)
{
	uint32_t at = nic->txq_head + nic->txq_n;

	nic->txq_n += n;
	for (; n > 0; n--) {
		nic->txq_alone += (*pkts)->port == MR_PORT_ALONE;
		nic->txq[at++ & (MR_NIC_TXQ_SLOTS - 1)] = *pkts++;
	}
}

/* Finished frames for which there is room. */
static void
txq_put_heard(struct mr_nic *nic, struct rte_mbuf **pkts, uint16_t n, const struct mr_packet_ep *by)
{
	if (unlikely(nic->stack->packets_out > 0))
		mr_packet_hear_tx(nic, pkts, n, by);
	txq_put(nic, pkts, n);
}

static __rte_noinline void
output_ll_checked(struct mr_nic *nic, struct rte_mbuf **pkts, uint16_t n, const struct mr_lladdr *dst, uint16_t net_proto)
{
	n = txq_admit(nic, pkts, n);
	nic->framing->push(nic, pkts, n, dst, net_proto);
	txq_put_heard(nic, pkts, n, NULL);
}

/* Most calls are for one packet and find the queue open. */
static __rte_always_inline void
output_ll(struct mr_nic *nic, struct rte_mbuf **pkts, uint16_t n, const struct mr_lladdr *dst, uint16_t net_proto)
{
	if (unlikely(!txq_is_open(nic, n))) {
		output_ll_checked(nic, pkts, n, dst, net_proto);
		return;
	}
	/* Queued before they have their link headers: push is then the last call, for which nothing needs to be kept. */
	txq_put(nic, pkts, n);
	nic->framing->push(nic, pkts, n, dst, net_proto);
}

void
mr_nic_output_ll_burst(struct mr_nic *nic, struct rte_mbuf **pkts, uint16_t n, const struct mr_lladdr *dst,
                       uint16_t net_proto)
{
	output_ll(nic, pkts, n, dst, net_proto);
}

void
mr_nic_output_frames(struct mr_nic *nic, struct rte_mbuf **pkts, uint16_t n, const struct mr_packet_ep *by)
{
	n = txq_admit(nic, pkts, n);
	txq_put_heard(nic, pkts, n, by);
}

static __rte_noinline void
output_unresolved(struct mr_nic *nic, struct rte_mbuf **pkts, uint16_t n, uint16_t net_proto)
{
	static const struct mr_lladdr none;

	if (nic->caps & MR_LINK_CAP_RESOLVE)
		drop_burst(nic, pkts, n, MR_DROP_NEIGH_FAILED);
	else
		mr_nic_output_ll_burst(nic, pkts, n, &none, net_proto);
}

void
mr_nic_output_burst(struct mr_nic *nic, struct mr_neigh *neigh, struct rte_mbuf **pkts, uint16_t n, uint16_t net_proto)
{
	if (unlikely(!neigh))
		output_unresolved(nic, pkts, n, net_proto);
	else if (likely(n == 1 && mr_neigh_is_settled(neigh)))
		output_ll(nic, pkts, 1, &neigh->ll, net_proto);
	else
		mr_neigh_output_burst(neigh, pkts, n, net_proto);
}

/* ---- the loop */

void
mr_nic_loop(struct mr_nic *nic, struct rte_mbuf *m, uint16_t net_proto)
{
	struct mr_stack *s = nic->stack;
	struct rte_mbuf *copy;
	struct mr_pkt *p;

	if (!(nic->flags & MR_NIC_F_UP)) {
		mr_drop(s, m, MR_DROP_NIC_DISABLED);
		return;
	}
	if (s->loop.n >= MR_LOOP_QUEUE) {
		mr_drop(s, m, MR_DROP_LOOP_FULL);
		return;
	}
	/* Always a copy: the original may be a segment in a send queue, and receivers hold receive buffers. */
	copy = rte_pktmbuf_copy(m, s->rx_pool, 0, UINT32_MAX);
	if (!copy) {
		mr_drop(s, m, MR_DROP_NO_RX_MBUF);
		return;
	}
	rte_pktmbuf_free(m);
	copy->ol_flags = 0;
	mr_pkt_init(copy);
	p = mr_pkt(copy);
	p->flags = MR_PKT_F_LOCAL | MR_PKT_F_L4_CKSUM_OK;
	p->net_proto = net_proto;
	p->net_off = copy->data_off;
	p->hash = nic->id; /* the place of the NIC is taken by the queue's link */
	mr_pktq_push(&s->loop, copy);
	mr_count(s, MR_CNT_LOOP_PACKETS);
}

/* Up to a burst of packets that came one after the other and are of one NIC and protocol. */
static uint16_t
loop_take(struct mr_stack *s, uint32_t left, struct rte_mbuf **pkts)
{
	const struct mr_pkt *first = mr_pkt(s->loop.head);
	uint16_t n = 0;

	while (n < MR_BURST && n < left && mr_pkt(s->loop.head)->hash == first->hash &&
	       mr_pkt(s->loop.head)->net_proto == first->net_proto)
		pkts[n++] = mr_pktq_pop(&s->loop);
	return n;
}

unsigned
mr_nic_loop_deliver(struct mr_stack *s)
{
	uint32_t total = s->loop.n, left = total;

	while (left > 0) {
		struct rte_mbuf *pkts[MR_BURST];
		uint16_t n = loop_take(s, left, pkts), net_proto = mr_pkt(pkts[0])->net_proto;
		struct mr_nic *nic = mr_nic_find(s, mr_pkt(pkts[0])->hash);

		left -= n;
		if (nic && nic->flags & MR_NIC_F_UP) {
			mr_nic_deliver_network(nic, net_proto, pkts, n);
			continue;
		}
		for (uint16_t i = 0; i < n; i++)
			mr_drop(s, pkts[i], MR_DROP_NIC_DISABLED);
	}
	return total;
}
