/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The transmit queue of a NIC, and the loop from a NIC to itself, on protocols and links of the test's own.
 */
#include "fakestack.h"

/* ---- the way out */

START_TEST(tx_partial)
{
	struct fk_link *k = fk_nic(1);
	struct mr_route r;

	fk_add(1, "10.0.0.1/24", 0);
	ck_assert_int_eq(fk_find(1, NULL, "224.0.0.9", &r), 0);
	k->tx_room = 3;
	for (unsigned i = 0; i < 10; i++)
		fk_send(&r, 1, 2, i);
	ck_assert_uint_eq(k->tx_n, 0); /* nothing before the flush of the turn */
	fk_poll();
	ck_assert_uint_eq(k->tx_n, 3);
	ck_assert_uint_eq(fk_counter(MR_CNT_NIC_TX_BUSY), 1);
	ck_assert_uint_eq(fk_counter(MR_CNT_NIC_TX_PACKETS), 3);
	ck_assert_uint_eq(fk_counter(MR_CNT_NIC_TX_BYTES), 3 * (14 + 36 + 5));
	fk_poll();
	ck_assert_uint_eq(k->tx_n, 3);
	ck_assert_uint_eq(fk_counter(MR_CNT_NIC_TX_BUSY), 2);
	fk_send(&r, 1, 2, 10);
	k->tx_room = -1;
	fk_poll();
	ck_assert_uint_eq(k->tx_n, 11);
	for (unsigned i = 0; i < 11; i++)
		ck_assert_uint_eq(fk_tx_tag(k, i), i);
	ck_assert_mem_eq(k->tx[0].b, ((uint8_t[]){0x33, 0x33, 224, 0, 0, 9}), 6);
	ck_assert_uint_eq(fk_counter(MR_CNT_NIC_TX_BYTES), 11 * (14 + 36 + 5));
	ck_assert_uint_eq(fk_counter(MR_CNT_NIC_TX_BUSY), 2);
	mr_route_release(&r);
}
END_TEST

#define ROUNDS (MR_NIC_TXQ_SLOTS / MR_NIC_TXQ + 2)

/* The queue is a ring, and full is full: the newest frames are lost, the order is kept across the seam. */
START_TEST(tx_queue_full)
{
	struct fk_link *k = fk_nic(1);
	struct mr_route r;
	unsigned sent = 0;

	fk_add(1, "10.0.0.1/24", 0);
	fk_find(1, NULL, "224.0.0.9", &r);
	/* As often as it takes to come round. */
	for (unsigned round = 0; round < ROUNDS; round++) {
		uint64_t full = fk_counter(MR_DROP_NIC_TXQ_FULL);

		k->tx_room = 0;
		for (unsigned i = 0; i < MR_NIC_TXQ + 9; i++)
			fk_send(&r, 1, 2, sent + i);
		ck_assert_uint_eq(fk_counter(MR_DROP_NIC_TXQ_FULL) - full, 9);
		k->tx_room = 100 + round;
		fk_poll();
		k->tx_room = -1;
		fk_poll();
		ck_assert_uint_eq(k->tx_n, MR_NIC_TXQ);
		for (unsigned i = 0; i < MR_NIC_TXQ; i++)
			ck_assert_uint_eq(fk_tx_tag(k, i), (uint8_t)(sent + i));
		k->tx_n = 0;
		sent += 7;
	}
	/* A link that keeps up is handed a full queue within the turn, and nothing is lost. */
	for (unsigned i = 0; i < MR_NIC_TXQ + 9; i++)
		fk_send(&r, 1, 2, i);
	ck_assert_uint_eq(fk_counter(MR_DROP_NIC_TXQ_FULL), ROUNDS * 9);
	fk_poll();
	ck_assert_uint_eq(k->tx_n, MR_NIC_TXQ + 9);
	mr_route_release(&r);
}
END_TEST

static struct rte_mbuf *
chain(uint16_t first, uint16_t second)
{
	struct rte_mbuf *a = mr_stack_tx_alloc(fk.s), *b = mr_stack_tx_alloc(fk.s);

	memset(rte_pktmbuf_append(a, first), 1, first);
	memset(rte_pktmbuf_append(b, second), 2, second);
	ck_assert_int_eq(rte_pktmbuf_chain(a, b), 0);
	return a;
}

START_TEST(tx_linearise)
{
	struct fk_link *a = fk_nic(1), *b = fk_link_make();
	struct rte_mbuf *shared = chain(100, 50);

	b->link.caps &= ~MR_LINK_CAP_TX_MULTI_SEGS;
	ck_assert_int_eq(mr_nic_create(fk.s, 2, "b", &b->link), 0);
	mr_nic_output_ll(mr_nic_find(fk.s, 1), chain(100, 50), &a->link.lladdr, FK_CTL);
	mr_nic_output_ll(mr_nic_find(fk.s, 2), chain(100, 50), &a->link.lladdr, FK_CTL);
	/* Held by someone else too: left as it is, a copy is sent. */
	rte_mbuf_refcnt_update(shared, 1);
	rte_mbuf_refcnt_update(shared->next, 1);
	mr_nic_output_ll(mr_nic_find(fk.s, 2), shared, &a->link.lladdr, FK_CTL);
	fk_poll();
	ck_assert_uint_eq(a->tx[0].segs, 2);
	ck_assert_uint_eq(b->tx_n, 2);
	for (unsigned i = 0; i < 2; i++) {
		ck_assert_uint_eq(b->tx[i].segs, 1);
		ck_assert_uint_eq(b->tx[i].len, 164);
		ck_assert_uint_eq(b->tx[i].b[14 + 99], 1);
		ck_assert_uint_eq(b->tx[i].b[14 + 100], 2);
	}
	ck_assert_uint_eq(shared->nb_segs, 2);
	ck_assert_uint_eq(shared->pkt_len, 150);
	rte_pktmbuf_free(shared);
	/* What fits no single buffer is lost, and counted. */
	mr_nic_output_ll(mr_nic_find(fk.s, 2), chain(1500, 1000), &a->link.lladdr, FK_CTL);
	ck_assert_uint_eq(fk_counter(MR_DROP_NO_TX_MBUF), 1);
}
END_TEST

/* A link that resolves needs a neighbour; one that does not gets the packet as it is. */
START_TEST(tx_without_neighbour)
{
	struct fk_link *a = fk_nic(1), *b = fk_link_make();
	struct rte_mbuf *m = mr_stack_tx_alloc(fk.s);
	struct mr_route r;

	(void)a;
	mr_nic_output_burst(mr_nic_find(fk.s, 1), NULL, &m, 1, MR_NET_IPV4);
	ck_assert_uint_eq(fk_counter(MR_DROP_NEIGH_FAILED), 1);
	b->link.caps &= ~MR_LINK_CAP_RESOLVE;
	mr_nic_create(fk.s, 2, "b", &b->link);
	fk_add(2, "10.0.0.1/24", 0);
	ck_assert_int_eq(fk_find(0, NULL, "10.0.0.9", &r), 0);
	ck_assert_ptr_null(r.neigh);
	fk_send(&r, 1, 2, 9);
	fk_poll();
	ck_assert_uint_eq(fk_tx_tag(b, 0), 9);
	ck_assert_uint_eq(fk.n_req, 0);
	mr_route_release(&r);
}
END_TEST

/* ---- the loop */

START_TEST(loop_delivers_next_turn)
{
	struct fk_link *k = fk_nic(1);
	struct fk_ep *e = fk_ep(NULL, 7, 0);
	struct mr_route r;

	fk_add(1, "10.0.0.1/24", 0);
	ck_assert_int_eq(fk_find(0, NULL, "10.0.0.1", &r), 0);
	ck_assert_uint_eq(r.flags, MR_ROUTE_F_LOCAL);
	for (unsigned i = 0; i < 40; i++)
		fk_send(&r, 1, 7, i);
	ck_assert_uint_eq(e->rx, 0);
	/* Held in receive buffers: the sender's are back already. */
	mr_stash_flush(&fk.s->tx_stash);
	ck_assert(rte_mempool_full(fk.tx_pool));
	ck_assert_uint_eq(fk_poll(), 40);
	ck_assert_uint_eq(e->rx, 40);
	for (unsigned i = 0; i < 40; i++)
		ck_assert_uint_eq(fk.seen[i].tag, i);
	ck_assert_uint_eq(fk.seen[0].flags, MR_PKT_F_LOCAL | MR_PKT_F_L4_CKSUM_OK);
	ck_assert_uint_eq(fk_counter(MR_CNT_LOOP_PACKETS), 40);
	ck_assert_uint_eq(fk_counter(MR_CNT_NIC_RX_PACKETS), 0);
	ck_assert_uint_eq(k->tx_n, 0);
	mr_route_release(&r);
}
END_TEST

static struct mr_route ping;

static void
send_again(struct mr_netep *ep)
{
	(void)ep;
	fk_send(&ping, 1, 7, 0);
}

/* SS-20: who answers himself goes round once a turn, not for ever within one. */
START_TEST(loop_is_finite)
{
	fk_nic(1);
	fk_add(1, "10.0.0.1/24", 0);
	fk_find(0, NULL, "10.0.0.1", &ping);
	fk.on_input = send_again;
	fk_send(&ping, 1, 7, 0);
	for (unsigned i = 1; i <= 5; i++) {
		ck_assert_uint_eq(fk_poll(), 1);
		ck_assert_uint_eq(fk.n_seen, i);
	}
	mr_route_release(&ping);
}
END_TEST

START_TEST(loop_bounds)
{
	struct rte_mbuf *all[4096];
	struct mr_route r;
	unsigned n = 0;

	fk_nic(1);
	fk_add(1, "10.0.0.1/24", 0);
	fk_find(0, NULL, "10.0.0.1", &r);
	for (unsigned i = 0; i < MR_LOOP_QUEUE + 5; i++)
		fk_send(&r, 1, 7, 0);
	ck_assert_uint_eq(fk_counter(MR_DROP_LOOP_FULL), 5);
	ck_assert_uint_eq(fk_poll(), MR_LOOP_QUEUE);
	while (n < RTE_DIM(all) && (all[n] = rte_pktmbuf_alloc(fk.s->rx_pool)))
		n++;
	fk_send(&r, 1, 7, 0);
	ck_assert_uint_eq(fk_counter(MR_DROP_NO_RX_MBUF), 1);
	rte_pktmbuf_free_bulk(all, n);
	/* The NIC goes between the turns. */
	fk_send(&r, 1, 7, 0);
	mr_nic_remove(fk.s, 1);
	fk_poll();
	ck_assert_uint_eq(fk_counter(MR_DROP_NIC_DISABLED), 1);
	mr_route_release(&r);
}
END_TEST

/* Weak host within, strong host without: an own address on another NIC is reached through the loop and not from a wire. */
START_TEST(loop_weak_host)
{
	struct fk_link *a = fk_nic(1);
	struct fk_ep *e = fk_ep("10.0.1.1", 7, 0);
	struct mr_route r;

	fk_nic(2);
	fk_add(1, "10.0.0.1/24", 0);
	fk_add(2, "10.0.1.1/24", 0);
	ck_assert(!fk_receives(a, "10.0.1.1"));
	ck_assert_int_eq(fk_find(0, "10.0.0.1", "10.0.1.1", &r), 0);
	ck_assert_uint_eq(r.flags, MR_ROUTE_F_LOCAL);
	ck_assert_uint_eq(r.local->nic->id, 1);
	fk_send(&r, 1, 7, 0);
	fk_poll();
	ck_assert_uint_eq(e->rx, 1);
	ck_assert_addr(&fk.seen[0].addr, "10.0.1.1");
	/* Not to one whose NIC is down. */
	fk_send(&r, 1, 7, 0);
	mr_nic_disable(fk.s, 2);
	fk_poll();
	ck_assert_uint_eq(e->rx, 1);
	mr_route_release(&r);
}
END_TEST

/* From another core, looped packets and those of a wire come in one burst: each by its own rule. */
START_TEST(parsed_mixed_burst)
{
	struct mr_addr to = fk_addr("10.0.1.1"), dst[4] = {to, to, to, to};
	struct rte_mbuf *pkts[4];

	fk_nic(1);
	fk_nic(2);
	fk_add(1, "10.0.0.1/24", 0);
	fk_add(2, "10.0.1.1/24", 0);
	for (unsigned i = 0; i < 4; i++) {
		struct mr_pkt *p;

		pkts[i] = rte_pktmbuf_alloc(fk.s->rx_pool);
		memset(rte_pktmbuf_append(pkts[i], sizeof(struct fk_net) + 4), 0, sizeof(struct fk_net) + 4);
		mr_pkt_init(pkts[i]);
		p = mr_pkt(pkts[i]);
		p->flags = i % 2 ? MR_PKT_F_LOCAL : 0;
		p->net_proto = MR_NET_IPV4;
		p->trans_proto = FK_TRANS + 1;
		p->net_off = pkts[i]->data_off;
		p->trans_off = p->net_off + sizeof(struct fk_net);
		p->trans_len = 4;
	}
	mr_nic_deliver_parsed(mr_nic_find(fk.s, 1), MR_NET_IPV4, pkts, dst, 4);
	ck_assert_uint_eq(fk.n_seen, 2);
	ck_assert_uint_eq(fk_counter(MR_DROP_IP_NOT_OURS), 2);
	ck_assert_uint_eq(fk_counter(MR_DROP_TRANS_UNKNOWN_PROTO), 2);
	/* A protocol that only the other core has. */
	pkts[0] = rte_pktmbuf_alloc(fk.s->rx_pool);
	mr_pkt_init(pkts[0]);
	mr_nic_deliver_parsed(mr_nic_find(fk.s, 1), 0x1234, pkts, dst, 1);
	ck_assert_uint_eq(fk_counter(MR_DROP_NET_UNKNOWN_PROTO), 1);
}
END_TEST

static Suite *
suite(void)
{
	Suite *s = suite_create("nic_queue");
	TCase *tc = rig_case(s, "output", fk_setup, fk_teardown);

	tcase_add_test(tc, tx_partial);
	tcase_add_test(tc, tx_queue_full);
	tcase_add_test(tc, tx_linearise);
	tcase_add_test(tc, tx_without_neighbour);
	tcase_add_test(tc, loop_delivers_next_turn);
	tcase_add_test(tc, loop_is_finite);
	tcase_add_test(tc, loop_bounds);
	tcase_add_test(tc, loop_weak_host);
	tcase_add_test(tc, parsed_mixed_burst);
	return s;
}

RIG_MAIN(suite)
