/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The way out of a NIC for bursts: across the seam of the queue, over its end, past packets that are lost. (For single
 * packets: test_nic.c.)
 */
#include "fakestack.h"

static const struct mr_lladdr peer = {.b = {2, 0, 0, 0, 7, 7}, .len = 6};

/* Packet number i, of two bytes. */
static void
send_numbered(struct mr_nic *nic, unsigned first, unsigned n)
{
	struct rte_mbuf *pkts[MR_NIC_TXQ + 64];

	for (unsigned i = 0; i < n; i++) {
		char *b;

		pkts[i] = mr_stack_tx_alloc(fk.s);
		b = rte_pktmbuf_append(pkts[i], 2);
		b[0] = (char)((first + i) >> 8);
		b[1] = (char)(first + i);
	}
	mr_nic_output_ll_burst(nic, pkts, (uint16_t)n, &peer, FK_CTL);
}

static void
expect_numbered(const struct fk_link *k, unsigned at, unsigned nr)
{
	const uint8_t *b = k->tx[at].b;

	ck_assert_uint_eq(k->tx[at].len, FK_LINK_BYTES + 2);
	ck_assert_mem_eq(b, peer.b, 6);
	ck_assert_mem_eq(b + 6, k->link.lladdr.b, 6);
	ck_assert_mem_eq(b + 12, "\x88\xb5", 2);
	ck_assert_uint_eq(b[14] << 8 | b[15], nr);
}

START_TEST(burst_in_order)
{
	struct fk_link *k = fk_nic(1);
	struct mr_nic *nic = mr_nic_find(fk.s, 1);
	unsigned sent = 0, seen = 0;

	/* The queue's start is somewhere else in every round, and twice it is cut in two. */
	for (unsigned round = 0; round < 5; round++) {
		k->tx_room = 0;
		send_numbered(nic, sent, 150);
		send_numbered(nic, sent + 150, 150);
		sent += 300;
		ck_assert_uint_eq(k->tx_n, seen);
		k->tx_room = -1;
		fk_poll();
		for (; seen < sent; seen++)
			expect_numbered(k, seen, seen);
	}
	ck_assert_uint_eq(k->tx_n, 1500);
	ck_assert_uint_eq(fk_counter(MR_DROP_NIC_TXQ_FULL), 0);
}
END_TEST

/* The first packets of a burst find room, the rest is lost; the link is asked to make some before. */
START_TEST(burst_over_room)
{
	struct fk_link *k = fk_nic(1);
	struct mr_nic *nic = mr_nic_find(fk.s, 1);

	k->tx_room = 0;
	send_numbered(nic, 0, 500);
	k->tx_room = 10;
	send_numbered(nic, 500, 32);
	ck_assert_uint_eq(fk_counter(MR_DROP_NIC_TXQ_FULL), 10);
	ck_assert_uint_eq(k->tx_n, 10);
	send_numbered(nic, 600, 5);
	ck_assert_uint_eq(fk_counter(MR_DROP_NIC_TXQ_FULL), 15);
	k->tx_room = -1;
	fk_poll();
	ck_assert_uint_eq(k->tx_n, 522);
	for (unsigned i = 0; i < 522; i++)
		expect_numbered(k, i, i);
	/* One that does not even fit an empty queue. */
	send_numbered(nic, 0, MR_NIC_TXQ + 3);
	ck_assert_uint_eq(fk_counter(MR_DROP_NIC_TXQ_FULL), 18);
	fk_poll();
	ck_assert_uint_eq(k->tx_n, 522 + MR_NIC_TXQ);
}
END_TEST

START_TEST(burst_to_nic_that_is_down)
{
	struct mr_nic *nic;

	fk_nic(1);
	nic = mr_nic_find(fk.s, 1);
	mr_nic_disable(fk.s, 1);
	send_numbered(nic, 0, 7);
	ck_assert_uint_eq(fk_counter(MR_DROP_NIC_DISABLED), 7);
}
END_TEST

/* A chain that fits no buffer is lost, and the others go. */
START_TEST(burst_with_chains)
{
	struct fk_link *k = fk_link_make();
	struct rte_mbuf *pkts[3];

	k->link.caps &= ~MR_LINK_CAP_TX_MULTI_SEGS;
	ck_assert_int_eq(mr_nic_create(fk.s, 1, "k", &k->link), 0);
	for (unsigned i = 0; i < 3; i++) {
		struct rte_mbuf *tail = mr_stack_tx_alloc(fk.s);

		pkts[i] = mr_stack_tx_alloc(fk.s);
		memset(rte_pktmbuf_append(pkts[i], i == 0 ? 1500 : 1), (int)i, i == 0 ? 1500 : 1);
		memset(rte_pktmbuf_append(tail, i == 0 ? 1000 : 1), (int)i, i == 0 ? 1000 : 1);
		ck_assert_int_eq(rte_pktmbuf_chain(pkts[i], tail), 0);
	}
	mr_nic_output_ll_burst(mr_nic_find(fk.s, 1), pkts, 3, &peer, FK_CTL);
	ck_assert_uint_eq(fk_counter(MR_DROP_NO_TX_MBUF), 1);
	fk_poll();
	ck_assert_uint_eq(k->tx_n, 2);
	for (unsigned i = 0; i < 2; i++) {
		ck_assert_uint_eq(k->tx[i].segs, 1);
		ck_assert_uint_eq(k->tx[i].len, FK_LINK_BYTES + 2);
		ck_assert_uint_eq(k->tx[i].b[15], i + 1);
	}
}
END_TEST

static Suite *
suite(void)
{
	Suite *s = suite_create("nic_out");
	TCase *tc = rig_case(s, "burst", fk_setup, fk_teardown);

	tcase_add_test(tc, burst_in_order);
	tcase_add_test(tc, burst_over_room);
	tcase_add_test(tc, burst_to_nic_that_is_down);
	tcase_add_test(tc, burst_with_chains);
	return s;
}

RIG_MAIN(suite)
