/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The ethdev driver's frames, over net_ring (returns what is sent, by pointer) and net_null: whose buffers they are, what
 * is copied, and who gives them back.
 */
#include "ethdev.h"

/* A ring port, opened and started. */
static struct mr_link *
ring_open(void)
{
	device("net_ring0");
	ck_assert_int_eq(open_queues("net_ring0", 1), 1);
	ck_assert_int_eq(links[0]->ops->start(links[0]), 0);
	return links[0];
}

static void
ring_close(void)
{
	struct rte_mbuf *m;

	while (lf_rx(links[0], 0, &m, 1))
		rte_pktmbuf_free(m);
	close_queues(1);
	device_gone("net_ring0");
}

START_TEST(received_frames_have_clean_facts)
{
	struct mr_link *l = ring_open();
	struct rte_mbuf *m = lf_frame(tx_pool, 1, 64), *r[8];

	memset(rte_mbuf_to_priv(m), 0xff, MR_PKT_PRIV_BYTES);
	m->ol_flags |= RTE_MBUF_F_RX_L4_CKSUM_GOOD; /* a received buffer that is sent on vouches for nothing */
	lf_send(l, 0, m);
	for (uint32_t i = 2; i < 8; i++)
		lf_send(l, 0, lf_frame(tx_pool, i, 64));
	ck_assert_uint_eq(lf_rx(l, 0, r, 8), 7);
	ck_assert_ptr_eq(r[0], m); /* not shared: passed by pointer */
	ck_assert_uint_eq(r[0]->ol_flags, 0);
	for (uint32_t i = 0; i < 7; i++) {
		ck_assert_uint_eq(mr_pkt(r[i])->flags, 0);
		ck_assert_ptr_null(mr_pkt(r[i])->netep);
		ck_assert_ptr_null(mr_pkt(r[i])->nic);
		lf_check(r[i], i + 1, 64);
	}
	ring_close();
}
END_TEST

/* A receiver in this process may write to what it gets: a frame that the sender keeps is copied. */
START_TEST(shared_frames_are_copied)
{
	struct mr_link *l = ring_open();
	struct rte_mbuf *m = lf_frame_segs(tx_pool, 1, 80, 40), *payload = m->next, *r;

	rte_mbuf_refcnt_update(payload, 1); /* only the payload is shared */
	lf_send(l, 0, m);
	m = lf_frame(tx_pool, 2, 64);
	rte_pktmbuf_refcnt_update(m, 1);
	lf_send(l, 0, m);
	ck_assert_uint_eq(lf_rx(l, 0, &r, 1), 1);
	for (struct rte_mbuf *seg = r; seg; seg = seg->next)
		memset(rte_pktmbuf_mtod(seg, void *), ~lf_expect(1, 40), seg->data_len);
	rte_pktmbuf_free(r);
	ck_assert_uint_eq(lf_rx(l, 0, &r, 1), 1);
	ck_assert_ptr_ne(r, m);
	lf_check(r, 2, 64);
	lf_check(m, 2, 64);
	ck_assert_uint_eq(rte_mempool_in_use_count(tx_pool), 1);
	ck_assert_uint_eq(rte_mbuf_refcnt_read(payload), 1);
	ck_assert_uint_eq(*rte_pktmbuf_mtod(payload, uint8_t *), lf_expect(1, 40));
	rte_pktmbuf_free(payload);
	ring_close();
}
END_TEST

START_TEST(shared_frames_and_a_full_device)
{
	struct mr_link *l = ring_open();
	struct rte_mbuf *p[40], *m;
	uint32_t n = 0, got = 0;
	uint16_t k;

	/* 1023 fit into the ring; copies of what it refuses are not leaked, and the caller keeps its frames. */
	do {
		for (uint32_t i = 0; i < 40; i++) {
			p[i] = lf_frame(tx_pool, n + i, 64);
			if (i % 2)
				rte_pktmbuf_refcnt_update(p[i], 1);
		}
		k = lf_tx(l, 0, p, 40);
		for (uint32_t i = 1; i < 40; i += 2)
			ck_assert_uint_eq(rte_mbuf_refcnt_read(p[i]), i < k ? 1 : 2);
		for (uint32_t i = k; i < 40; i++)
			rte_pktmbuf_free(p[i]);
		for (uint32_t i = 1; i < 40; i += 2)
			rte_pktmbuf_free(p[i]);
		n += k;
	} while (k == 40);
	ck_assert_uint_eq(n, 1023);
	ck_assert_uint_eq(rte_mempool_in_use_count(tx_pool), 1023);
	for (; lf_rx(l, 0, &m, 1); got++)
		lf_check(m, got, 64);
	ck_assert_uint_eq(got, 1023);
	ring_close();
}
END_TEST

START_TEST(no_buffer_for_a_copy)
{
	struct mr_link *l = ring_open();
	struct rte_mbuf *p[3], *rest[2044], *m;

	for (uint32_t i = 0; i < 3; i++)
		p[i] = lf_frame(tx_pool, i, 64);
	rte_pktmbuf_refcnt_update(p[1], 1);
	ck_assert_int_eq(rte_pktmbuf_alloc_bulk(tx_pool, rest, 2044), 0);
	ck_assert_uint_eq(lf_tx(l, 0, p, 3), 1);
	ck_assert_uint_eq(rte_mbuf_refcnt_read(p[1]), 2);
	rte_pktmbuf_free_bulk(rest, 2044);
	ck_assert_uint_eq(lf_tx(l, 0, p + 1, 2), 2);
	for (uint32_t i = 0; i < 3; i++) {
		ck_assert_uint_eq(lf_rx(l, 0, &m, 1), 1);
		lf_check(m, i, 64);
	}
	rte_pktmbuf_free(p[1]);
	ring_close();
}
END_TEST

/* Another program part may put any mbuf into the ring: without room for the facts it is no packet for us. */
START_TEST(foreign_buffers)
{
	struct rte_mempool *plain = rte_pktmbuf_pool_create("plain", 63, 0, 0, 2048, -1);
	struct mr_link *l = ring_open();
	struct rte_mbuf *p[3], *r[3];

	p[0] = lf_frame(plain, 0, 64);
	p[1] = lf_frame(tx_pool, 1, 64);
	p[2] = lf_frame(plain, 2, 64);
	ck_assert_uint_eq(lf_tx(l, 0, p, 3), 3);
	ck_assert_uint_eq(lf_rx(l, 0, r, 3), 1);
	lf_check(r[0], 1, 64);
	ck_assert_uint_eq(lf_stats(l).rx_errors, 2);
	lf_pool_done(plain);
	ring_close();
}
END_TEST

START_TEST(null_device_takes_and_makes_frames)
{
	struct rte_mbuf *p[64];
	struct mr_link *l;
	uint16_t n;

	device("net_null0");
	ck_assert_int_eq(open_queues("net_null0", 1), 1);
	l = links[0];
	ck_assert_int_eq(l->ops->start(l), 0);
	for (uint32_t i = 0; i < 64; i++)
		p[i] = lf_frame(tx_pool, i, 64);
	ck_assert_uint_eq(lf_tx(l, 0, p, 64), 64);
	ck_assert_uint_eq(rte_mempool_in_use_count(tx_pool), 0);
	n = lf_rx(l, 0, p, 64);
	ck_assert_uint_gt(n, 0);
	ck_assert_ptr_eq(p[0]->pool, pools[0]);
	rte_pktmbuf_free_bulk(p, n);
	ck_assert_uint_eq(lf_stats(l).tx_packets, 64);
	ck_assert_uint_eq(lf_stats(l).rx_packets, n);
	ck_assert_uint_eq(lf_stats(l).rx_missed + lf_stats(l).rx_errors + lf_stats(l).tx_errors, 0);
	/* Filters that a device does not have are as good as set. */
	ck_assert_int_eq(l->ops->set_promisc(l, true), 0);
	ck_assert_int_eq(l->ops->set_mcast(l, NULL, 0), 0);
	close_queues(1);
	device_gone("net_null0");
}
END_TEST

static Suite *
suite(void)
{
	Suite *s = suite_create("ethdev_frames");
	TCase *t = rig_case(s, "run", ethdev_setup, ethdev_teardown);

	lf_private_memory();
	tcase_add_test(t, received_frames_have_clean_facts);
	tcase_add_test(t, shared_frames_are_copied);
	tcase_add_test(t, shared_frames_and_a_full_device);
	tcase_add_test(t, no_buffer_for_a_copy);
	tcase_add_test(t, foreign_buffers);
	tcase_add_test(t, null_device_takes_and_makes_frames);
	return s;
}

RIG_MAIN(suite)
