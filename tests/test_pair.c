/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The links in memory: pair and loopback. Order, backpressure, isolation of copies, life and death of an end, and that
 * every buffer is back in its pool afterwards.
 */
#include "rig/rig.h"

#include <errno.h>

#include "link_frames.h"

static struct rte_mempool *pa, *pb;
static struct mr_link *a, *b;

static void
make(uint32_t n_a, uint32_t n_b, uint16_t mtu, uint32_t depth)
{
	pa = lf_pool("pair_a", n_a, 2048);
	pb = lf_pool("pair_b", n_b, 2048);
	ck_assert_int_eq(mr_pair_create(pa, pb, mtu, depth, &a, &b), 0);
}

static void
done(void)
{
	a->ops->close(a);
	b->ops->close(b);
	lf_pool_done(pa);
	lf_pool_done(pb);
}

START_TEST(properties)
{
	struct mr_link *c, *d;

	make(63, 63, 9000, 0);
	ck_assert_str_eq(a->driver, "pair");
	ck_assert_str_eq(a->framing, "ether");
	ck_assert_uint_eq(a->caps, MR_LINK_CAP_RESOLVE | MR_LINK_CAP_TX_MULTI_SEGS);
	ck_assert_uint_eq(a->mtu, 9000);
	ck_assert_uint_eq(b->mtu, 9000);
	/* Locally administered unicast, all distinct, and alike in every run. */
	ck_assert_int_eq(mr_pair_create(pa, pb, 0, 0, &c, &d), 0);
	ck_assert_uint_eq(c->mtu, 1500);
	ck_assert_uint_eq(a->lladdr.len, 6);
	ck_assert_mem_eq(a->lladdr.b, "\x02\x4d\x52\x00\x00\x01", 6);
	ck_assert_mem_eq(b->lladdr.b, "\x02\x4d\x52\x00\x00\x02", 6);
	ck_assert_mem_eq(c->lladdr.b, "\x02\x4d\x52\x00\x00\x03", 6);
	ck_assert_mem_eq(d->lladdr.b, "\x02\x4d\x52\x00\x00\x04", 6);
	c->ops->close(c);
	d->ops->close(d);
	done();
}
END_TEST

START_TEST(pool_without_facts)
{
	struct rte_mempool *plain = rte_pktmbuf_pool_create("plain", 63, 0, 0, 2048, -1);
	struct mr_link *x = NULL, *y = NULL;

	ck_assert_ptr_nonnull(plain);
	pa = lf_pool("pair_a", 63, 2048);
	ck_assert_int_eq(mr_pair_create(pa, plain, 1500, 8, &x, &y), -EINVAL);
	ck_assert_int_eq(mr_pair_create(plain, pa, 1500, 8, &x, &y), -EINVAL);
	ck_assert_ptr_null(x);
	ck_assert_ptr_null(y);
	rte_mempool_free(plain);
	lf_pool_done(pa);
}
END_TEST

START_TEST(order_both_ways)
{
	struct rte_mbuf *p[40];

	make(255, 255, 1500, 128);
	ck_assert_uint_eq(lf_rx(b, 0, p, 40), 0);
	for (uint32_t i = 0; i < 40; i++)
		p[i] = lf_frame(pa, i, 60 + i);
	ck_assert_uint_eq(lf_tx(a, 0, p, 40), 40);
	lf_send(b, 0, lf_frame(pb, 1000, 64));
	ck_assert_uint_eq(rte_mempool_in_use_count(pa), 1); /* only the one that waits for a */
	ck_assert_uint_eq(rte_mempool_in_use_count(pb), 40);
	ck_assert_uint_eq(lf_rx(b, 0, p, 15), 15);
	ck_assert_uint_eq(lf_rx(b, 0, p + 15, 40), 25);
	for (uint32_t i = 0; i < 40; i++)
		lf_check(p[i], i, 60 + i);
	ck_assert_uint_eq(lf_rx(a, 0, p, 40), 1);
	lf_check(p[0], 1000, 64);
	ck_assert_uint_eq(lf_rx(a, 0, p, 40), 0);
	done();
}
END_TEST

/* What is delivered is the receiver's own memory, with clean facts; the sender's frame may be shared, and stays. */
START_TEST(copies_are_isolated)
{
	struct rte_mbuf *m, *r;

	make(63, 63, 1500, 8);
	m = lf_frame(pa, 7, 200);
	m->packet_type = RTE_PTYPE_L2_ETHER;
	m->ol_flags |= RTE_MBUF_F_RX_L4_CKSUM_GOOD | RTE_MBUF_F_RX_RSS_HASH;
	rte_pktmbuf_refcnt_update(m, 1);
	lf_send(a, 0, m);
	ck_assert_uint_eq(rte_mbuf_refcnt_read(m), 1);
	memset(rte_pktmbuf_mtod(m, void *), 0xee, 200);
	rte_pktmbuf_free(m);
	ck_assert_uint_eq(lf_rx(b, 0, &r, 1), 1);
	ck_assert_ptr_eq(r->pool, pb);
	ck_assert_uint_eq(r->ol_flags, 0);
	ck_assert_uint_eq(r->packet_type, 0);
	ck_assert_uint_eq(r->data_off, RTE_PKTMBUF_HEADROOM);
	ck_assert_uint_eq(mr_pkt(r)->flags, 0);
	ck_assert_ptr_null(mr_pkt(r)->netep);
	ck_assert_ptr_null(mr_pkt(r)->nic);
	lf_check(r, 7, 200);
	done();
}
END_TEST

/* The facts area of a recycled buffer holds old news: delivery must reset it. */
START_TEST(facts_are_reset)
{
	struct rte_mbuf *m;

	make(63, 1, 1500, 8);
	m = rte_pktmbuf_alloc(pb);
	memset(rte_mbuf_to_priv(m), 0xff, MR_PKT_PRIV_BYTES);
	rte_pktmbuf_free(m);
	lf_send(a, 0, lf_frame(pa, 1, 64));
	ck_assert_uint_eq(lf_rx(b, 0, &m, 1), 1);
	ck_assert_uint_eq(mr_pkt(m)->flags, 0);
	ck_assert_uint_eq(mr_pkt(m)->hash, 0);
	ck_assert_ptr_null(mr_pkt(m)->netep);
	ck_assert_ptr_null(mr_pkt(m)->nic);
	rte_pktmbuf_free(m);
	done();
}
END_TEST

/* Chains: from many small segments, and into a pool whose buffers are too small for the frame. */
START_TEST(chains)
{
	struct rte_mempool *small = lf_pool("small", 63, 128);
	struct rte_mbuf *m, *r;
	struct mr_link *x, *y;

	make(63, 63, 1500, 8);
	m = lf_frame_segs(pa, 3, 1000, 33);
	m->packet_type = RTE_PTYPE_L2_ETHER;
	m->ol_flags |= RTE_MBUF_F_RX_L4_CKSUM_GOOD;
	lf_send(a, 0, m);
	ck_assert_uint_eq(lf_rx(b, 0, &r, 1), 1);
	ck_assert_uint_eq(r->ol_flags, 0);
	ck_assert_uint_eq(r->packet_type, 0);
	lf_check(r, 3, 1000);
	ck_assert_int_eq(mr_pair_create(pa, small, 1500, 8, &x, &y), 0);
	lf_send(x, 0, lf_frame(pa, 4, 1000));
	ck_assert_uint_eq(lf_rx(y, 0, &r, 1), 1);
	ck_assert_uint_eq(r->nb_segs, 8);
	ck_assert_ptr_eq(r->pool, small);
	lf_check(r, 4, 1000);
	x->ops->close(x);
	y->ops->close(y);
	lf_pool_done(small);
	done();
}
END_TEST

START_TEST(backpressure_by_depth)
{
	struct rte_mbuf *p[10], *r[10];

	make(63, 63, 1500, 4);
	for (uint32_t i = 0; i < 10; i++)
		p[i] = lf_frame(pa, i, 64);
	ck_assert_uint_eq(lf_tx(a, 0, p, 10), 4);
	ck_assert_uint_eq(lf_tx(a, 0, p + 4, 6), 0);
	ck_assert_uint_eq(rte_mempool_in_use_count(pa), 6); /* the caller keeps the rest */
	ck_assert_uint_eq(lf_rx(b, 0, r, 1), 1);
	ck_assert_uint_eq(lf_tx(a, 0, p + 4, 6), 1);
	ck_assert_uint_eq(lf_rx(b, 0, r + 1, 10), 4);
	ck_assert_uint_eq(lf_tx(a, 0, p + 5, 5), 4);
	ck_assert_uint_eq(lf_rx(b, 0, r + 5, 10), 4);
	lf_send(a, 0, p[9]);
	ck_assert_uint_eq(lf_rx(b, 0, r + 9, 10), 1);
	for (uint32_t i = 0; i < 10; i++)
		lf_check(r[i], i, 64);
	done();
}
END_TEST

/* The receiver has no buffers: nothing is lost, and nothing leaks from a chain that fits in part. */
START_TEST(backpressure_by_pool)
{
	struct rte_mbuf *p[5], *r[5], *big;

	make(63, 3, 9000, 64);
	for (uint32_t i = 0; i < 5; i++)
		p[i] = lf_frame(pa, i, 64);
	ck_assert_uint_eq(lf_tx(a, 0, p, 5), 3);
	ck_assert_uint_eq(lf_rx(b, 0, r, 5), 3);
	ck_assert_uint_eq(lf_tx(a, 0, p + 3, 2), 0);
	rte_pktmbuf_free(r[0]);
	rte_pktmbuf_free(r[1]);
	big = lf_frame_segs(pa, 9, 8000, 2000);
	ck_assert_uint_eq(lf_tx(a, 0, &big, 1), 0);
	ck_assert_uint_eq(rte_mempool_in_use_count(pb), 1);
	rte_pktmbuf_free(big);
	ck_assert_uint_eq(lf_tx(a, 0, p + 3, 2), 2);
	ck_assert_uint_eq(lf_rx(b, 0, r, 5), 2);
	lf_check(r[0], 3, 64);
	lf_check(r[1], 4, 64);
	rte_pktmbuf_free(r[2]);
	done();
}
END_TEST

/* The longest Ethernet frame of the MTU passes, one byte more is lost. */
START_TEST(oversize)
{
	struct rte_mbuf *r;

	make(63, 63, 1500, 8);
	lf_send(a, 0, lf_frame(pa, 1, 1518));
	lf_send(a, 0, lf_frame(pa, 2, 1519));
	ck_assert_uint_eq(lf_rx(b, 0, &r, 1), 1);
	lf_check(r, 1, 1518);
	ck_assert_uint_eq(lf_rx(b, 0, &r, 1), 0);
	ck_assert_uint_eq(lf_stats(a).tx_errors, 1);
	done();
}
END_TEST

START_TEST(next_ns)
{
	struct rte_mbuf *r;

	make(63, 63, 1500, 8);
	ck_assert_uint_eq(b->ops->next_ns(b), UINT64_MAX);
	lf_send(a, 5, lf_frame(pa, 1, 64));
	ck_assert_uint_eq(b->ops->next_ns(b), 0);
	ck_assert_uint_eq(a->ops->next_ns(a), UINT64_MAX);
	ck_assert_uint_eq(lf_rx(b, 5, &r, 1), 1);
	ck_assert_uint_eq(b->ops->next_ns(b), UINT64_MAX);
	rte_pktmbuf_free(r);
	done();
}
END_TEST

/* A checksum that the sender left to the link counts as good at the receiver. */
START_TEST(offloaded_checksum)
{
	struct rte_mbuf *m, *r;

	make(63, 63, 1500, 8);
	m = lf_frame(pa, 1, 64);
	m->ol_flags |= RTE_MBUF_F_TX_TCP_CKSUM | RTE_MBUF_F_TX_IPV4;
	lf_send(a, 0, m);
	m = lf_frame_segs(pa, 2, 64, 32);
	m->ol_flags |= RTE_MBUF_F_TX_IP_CKSUM | RTE_MBUF_F_TX_IPV4;
	lf_send(a, 0, m);
	ck_assert_uint_eq(lf_rx(b, 0, &r, 1), 1);
	ck_assert_uint_eq(r->ol_flags, RTE_MBUF_F_RX_L4_CKSUM_GOOD);
	rte_pktmbuf_free(r);
	ck_assert_uint_eq(lf_rx(b, 0, &r, 1), 1);
	ck_assert_uint_eq(r->ol_flags, RTE_MBUF_F_RX_IP_CKSUM_GOOD);
	rte_pktmbuf_free(r);
	done();
}
END_TEST

START_TEST(stats)
{
	struct rte_mbuf *p[2];
	struct mr_link_stats st;

	make(63, 63, 1500, 8);
	lf_send(a, 0, lf_frame(pa, 1, 64));
	lf_send(a, 0, lf_frame_segs(pa, 2, 100, 40));
	ck_assert_uint_eq(lf_rx(b, 0, p, 1), 1);
	st = lf_stats(a);
	ck_assert_uint_eq(st.tx_packets, 2);
	ck_assert_uint_eq(st.tx_bytes, 164);
	ck_assert_uint_eq(st.rx_packets, 0);
	st = lf_stats(b);
	ck_assert_uint_eq(st.rx_packets, 1);
	ck_assert_uint_eq(st.rx_bytes, 64);
	ck_assert_uint_eq(st.tx_packets + st.tx_errors + st.rx_errors + st.rx_missed, 0);
	rte_pktmbuf_free(p[0]);
	done();
}
END_TEST

/* A stopped end holds no buffer of its pool, loses what comes, and works again after a start. */
START_TEST(stop_and_start)
{
	struct rte_mbuf *r;

	make(63, 63, 1500, 8);
	lf_send(a, 0, lf_frame(pa, 1, 64));
	lf_send(b, 0, lf_frame(pb, 2, 64));
	b->ops->stop(b);
	ck_assert_uint_eq(rte_mempool_in_use_count(pb), 0);
	lf_send(a, 0, lf_frame(pa, 3, 64));
	ck_assert_uint_eq(rte_mempool_in_use_count(pb), 0);
	ck_assert_uint_eq(lf_stats(a).tx_errors, 1);
	ck_assert_int_eq(b->ops->start(b), 0);
	ck_assert_uint_eq(lf_rx(b, 0, &r, 1), 0);
	lf_send(a, 0, lf_frame(pa, 4, 64));
	ck_assert_uint_eq(lf_rx(b, 0, &r, 1), 1);
	lf_check(r, 4, 64);
	ck_assert_uint_eq(lf_rx(a, 0, &r, 1), 1); /* the other direction was not touched */
	lf_check(r, 2, 64);
	done();
}
END_TEST

START_TEST(one_end_closed)
{
	struct rte_mbuf *r;

	make(63, 63, 1500, 8);
	ck_assert(a->ops->is_up(a));
	lf_send(a, 0, lf_frame(pa, 1, 64));
	lf_send(b, 0, lf_frame(pb, 2, 64));
	b->ops->close(b);
	lf_pool_done(pb); /* nothing of it is used any more */
	ck_assert(!a->ops->is_up(a));
	lf_send(a, 0, lf_frame(pa, 3, 64));
	ck_assert_uint_eq(lf_rx(a, 0, &r, 1), 1);
	lf_check(r, 2, 64);
	ck_assert_uint_eq(lf_rx(a, 0, &r, 1), 0);
	a->ops->close(a);
	lf_pool_done(pa);
}
END_TEST

static int
loopback(uint16_t n, struct rte_mempool *const *pools, uint16_t mtu, struct mr_link **links)
{
	struct mr_link_cfg cfg = {.n_queues = n, .rx_pools = pools, .mtu = mtu};

	return mr_link_open("loopback", &cfg, links);
}

START_TEST(loopback_returns_copies)
{
	struct mr_link *l;
	struct rte_mbuf *m, *r;

	pa = lf_pool("tx", 63, 2048);
	pb = lf_pool("rx", 63, 2048);
	ck_assert_int_eq(loopback(1, &pb, 0, &l), 1);
	ck_assert_str_eq(l->driver, "loopback");
	ck_assert_str_eq(l->framing, "none");
	ck_assert_uint_eq(l->caps, MR_LINK_CAP_LOOPBACK | MR_LINK_CAP_TX_MULTI_SEGS);
	ck_assert_uint_eq(l->mtu, 65535);
	ck_assert_uint_eq(l->lladdr.len, 0);
	ck_assert(l->ops->is_up(l));
	ck_assert_uint_eq(l->ops->next_ns(l), UINT64_MAX);
	lf_send(l, 0, lf_frame(pa, 1, 64));
	m = lf_frame_segs(pa, 2, 65535, 2048); /* the longest packet there is */
	lf_send(l, 0, m);
	ck_assert_uint_eq(rte_mempool_in_use_count(pa), 0);
	ck_assert_uint_eq(l->ops->next_ns(l), 0);
	ck_assert_uint_eq(lf_rx(l, 0, &r, 1), 1);
	ck_assert_ptr_eq(r->pool, pb);
	lf_check(r, 1, 64);
	ck_assert_uint_eq(lf_rx(l, 0, &r, 1), 1);
	lf_check(r, 2, 65535);
	ck_assert_uint_eq(lf_stats(l).tx_packets, 2);
	ck_assert_uint_eq(lf_stats(l).rx_bytes, 65535 + 64);
	lf_send(l, 0, lf_frame(pa, 3, 64));
	l->ops->close(l);
	lf_pool_done(pa);
	lf_pool_done(pb);
}
END_TEST

/* Each queue returns only what was sent on it, into its own pool. */
START_TEST(loopback_queues)
{
	struct rte_mempool *pools[2];
	struct mr_link *l[2];
	struct rte_mbuf *r;

	pools[0] = pa = lf_pool("q0", 63, 2048);
	pools[1] = pb = lf_pool("q1", 63, 2048);
	ck_assert_int_eq(loopback(2, pools, 1280, l), 2);
	ck_assert_uint_eq(l[1]->queue, 1);
	ck_assert_uint_eq(l[1]->mtu, 1280);
	lf_send(l[1], 0, lf_frame(pa, 1, 1280));
	lf_send(l[1], 0, lf_frame(pa, 2, 1281)); /* over the MTU: lost */
	ck_assert_uint_eq(lf_rx(l[0], 0, &r, 1), 0);
	ck_assert_uint_eq(lf_rx(l[1], 0, &r, 1), 1);
	ck_assert_ptr_eq(r->pool, pb);
	lf_check(r, 1, 1280);
	ck_assert_uint_eq(lf_rx(l[1], 0, &r, 1), 0);
	l[0]->ops->close(l[0]);
	l[1]->ops->close(l[1]);
	lf_pool_done(pa);
	lf_pool_done(pb);
}
END_TEST

START_TEST(loopback_refuses)
{
	struct rte_mempool *plain = rte_pktmbuf_pool_create("plain", 63, 0, 0, 2048, -1);
	struct mr_link *l[MR_LINK_MAX_QUEUES + 1];

	ck_assert_ptr_nonnull(plain);
	ck_assert_int_eq(loopback(1, NULL, 0, l), -EINVAL);
	ck_assert_int_eq(loopback(1, &plain, 0, l), -EINVAL);
	ck_assert_int_eq(loopback(MR_LINK_MAX_QUEUES + 1, &plain, 0, l), -EINVAL);
	rte_mempool_free(plain);
}
END_TEST

static Suite *
suite(void)
{
	Suite *s = suite_create("pair");
	TCase *t = rig_case(s, "pair", NULL, NULL);

	lf_private_memory();
	tcase_add_test(t, properties);
	tcase_add_test(t, pool_without_facts);
	tcase_add_test(t, order_both_ways);
	tcase_add_test(t, copies_are_isolated);
	tcase_add_test(t, facts_are_reset);
	tcase_add_test(t, chains);
	tcase_add_test(t, backpressure_by_depth);
	tcase_add_test(t, backpressure_by_pool);
	tcase_add_test(t, oversize);
	tcase_add_test(t, next_ns);
	tcase_add_test(t, offloaded_checksum);
	tcase_add_test(t, stats);
	tcase_add_test(t, stop_and_start);
	tcase_add_test(t, one_end_closed);
	t = rig_case(s, "loopback", NULL, NULL);
	tcase_add_test(t, loopback_returns_copies);
	tcase_add_test(t, loopback_queues);
	tcase_add_test(t, loopback_refuses);
	return s;
}

RIG_MAIN(suite)
