/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The bad line's time and room: delay, jitter, rate and queue to the nanosecond, order, corruption, and what is held when it
 * stops. Shares and the text form: test_impair.c.
 */
#include <errno.h>

#include "link_frames.h"
#include "impair.h"

static void
expect(uint64_t now_ns, uint32_t nr)
{
	struct rte_mbuf *m = arrival(now_ns);

	ck_assert_msg(m != NULL, "frame %u did not arrive at %lu", nr, now_ns);
	ck_assert_uint_eq(lf_nr(m), nr);
	lf_check(m, nr, m->pkt_len);
}

static void
expect_none(uint64_t now_ns)
{
	ck_assert_ptr_null(arrival(now_ns));
}

START_TEST(total_loss)
{
	struct mr_impair_cfg cfg = {.loss_ppm = 1000000};
	struct rte_mbuf *m;

	make(&cfg, 16);
	for (uint32_t i = 0; i < 100; i++)
		lf_send(a, i, lf_frame(pa, i, LEN));
	ck_assert_uint_eq(lf_rx(b, 100, &m, 1), 0);
	ck_assert_uint_eq(lf_stats(a).tx_errors, 100);
	ck_assert_uint_eq(lf_stats(a).tx_packets, 0);
	done();
}
END_TEST

START_TEST(delay_is_exact)
{
	struct mr_impair_cfg cfg = {.delay_ns = 20 * MS};

	make(&cfg, 16);
	ck_assert_uint_eq(a->ops->next_ns(a), UINT64_MAX);
	lf_send(a, 1000, lf_frame(pa, 1, LEN));
	lf_send(a, 1000, lf_frame(pa, 2, LEN));
	lf_send(a, 1500, lf_frame(pa, 3, LEN));
	ck_assert_uint_eq(a->ops->next_ns(a), 1000 + 20 * MS);
	expect_none(1000 + 20 * MS - 1);
	expect(1000 + 20 * MS, 1);
	expect(1000 + 20 * MS, 2);
	expect_none(1500 + 20 * MS - 1);
	ck_assert_uint_eq(a->ops->next_ns(a), 1500 + 20 * MS);
	expect(1500 + 20 * MS, 3);
	ck_assert_uint_eq(a->ops->next_ns(a), UINT64_MAX);
	done();
}
END_TEST

/* A frame that is due goes out with any burst call, a transmission as well, and before what that one brings. */
START_TEST(due_frames_leave_with_a_transmission)
{
	struct mr_impair_cfg cfg = {.delay_ns = MS};
	struct rte_mbuf *m;

	make(&cfg, 16);
	lf_send(a, 0, lf_frame(pa, 1, LEN));
	lf_send(a, MS, lf_frame(pa, 2, LEN));
	ck_assert_uint_eq(lf_rx(b, MS, &m, 1), 1);
	lf_check(m, 1, LEN);
	expect_none(2 * MS - 1);
	expect(2 * MS, 2);
	done();
}
END_TEST

/* Held frames are held by reference: the sender's pool keeps them, the receiver's is not touched. */
START_TEST(held_by_reference)
{
	struct mr_impair_cfg cfg = {.delay_ns = MS, .dup_ppm = 1000000};
	struct rte_mbuf *m;

	make(&cfg, 16);
	m = lf_frame(pa, 1, LEN);
	rte_pktmbuf_refcnt_update(m, 1);
	lf_send(a, 0, m);
	ck_assert_uint_eq(rte_mempool_in_use_count(pa), 1);
	ck_assert_uint_eq(rte_mempool_in_use_count(pb), 0);
	ck_assert_uint_eq(rte_mbuf_refcnt_read(m), 3);
	expect(MS, 1);
	expect(MS, 1);
	expect_none(MS);
	ck_assert_uint_eq(rte_mbuf_refcnt_read(m), 1);
	lf_check(m, 1, LEN);
	done();
}
END_TEST

START_TEST(jitter_stays_in_its_range_and_in_order)
{
	struct mr_impair_cfg cfg = {.seed = 9, .delay_ns = 10 * MS, .jitter_ns = 2 * MS};
	uint64_t wait, least = UINT64_MAX, most = 0, last = 0;
	struct rte_mbuf *m;

	make(&cfg, 1024);
	/* Alone on the line, each waits delay + uniform(0..jitter). */
	for (uint32_t nr = 0; nr < 1000; nr++) {
		uint64_t now_ns = nr * 20 * MS;

		lf_send(a, now_ns, lf_frame(pa, nr, LEN));
		wait = a->ops->next_ns(a) - now_ns;
		least = RTE_MIN(least, wait);
		most = RTE_MAX(most, wait);
		expect(now_ns + wait, nr);
	}
	ck_assert_uint_ge(least, 10 * MS);
	ck_assert_uint_lt(least, 10 * MS + MS / 50);
	ck_assert_uint_le(most, 12 * MS);
	ck_assert_uint_gt(most, 12 * MS - MS / 50);
	/* Close together, none overtakes. */
	for (uint32_t nr = 0; nr < 500; nr++)
		lf_send(a, 30000 * MS + nr, lf_frame(pa, nr, LEN));
	for (uint32_t nr = 0; nr < 500; nr++) {
		if (!lf_rx(b, last, &m, 1)) {
			last = a->ops->next_ns(a);
			expect(last, nr);
		} else {
			lf_check(m, nr, LEN);
		}
	}
	done();
}
END_TEST

START_TEST(reordered_frame_waits_exactly)
{
	struct mr_impair_cfg cfg = {.delay_ns = 5 * MS, .reorder_ppm = 1000000};

	/* By default the delay once more ... */
	make(&cfg, 16);
	lf_send(a, 0, lf_frame(pa, 1, LEN));
	ck_assert_uint_eq(a->ops->next_ns(a), 10 * MS);
	expect(10 * MS, 1);
	done();
	/* ... but at least 1 ms; or what is asked for. */
	cfg.delay_ns = 1000;
	make(&cfg, 16);
	lf_send(a, 0, lf_frame(pa, 1, LEN));
	ck_assert_uint_eq(a->ops->next_ns(a), MS + 1000);
	done();
	cfg.reorder_ns = 7;
	make(&cfg, 16);
	lf_send(a, 0, lf_frame(pa, 1, LEN));
	ck_assert_uint_eq(a->ops->next_ns(a), 1007);
	done();
}
END_TEST

START_TEST(rate_is_exact)
{
	/* 125 bytes at 3 bit/us: 333.333 us a frame; the thirds are not lost. */
	struct mr_impair_cfg cfg = {.rate_bps = 3000000};

	make(&cfg, 64);
	for (uint32_t nr = 0; nr < 32; nr++)
		lf_send(a, 1000, lf_frame(pa, nr, 125));
	for (uint32_t nr = 0; nr < 32; nr++) {
		uint64_t due = 1000 + (nr + 1) * MS / 3;

		expect_none(due - 1);
		expect(due, nr);
	}
	/* An idle line owes nothing: the next one takes its own time from when it was sent. */
	lf_send(a, 500 * MS, lf_frame(pa, 77, 125));
	ck_assert_uint_eq(a->ops->next_ns(a), 500 * MS + 333333);
	expect(500 * MS + 333333, 77);
	done();
}
END_TEST

START_TEST(rate_and_delay_add_up)
{
	/* Propagation is not occupation: the second leaves 8 us after the first and arrives 8 us after it. */
	struct mr_impair_cfg cfg = {.rate_bps = 1000000000, .delay_ns = MS};

	make(&cfg, 64);
	lf_send(a, 0, lf_frame(pa, 1, 1000));
	lf_send(a, 0, lf_frame(pa, 2, 1000));
	expect_none(MS + 7999);
	expect(MS + 8000, 1);
	expect_none(MS + 15999);
	expect(MS + 16000, 2);
	done();
}
END_TEST

START_TEST(queue_is_bounded)
{
	struct mr_impair_cfg cfg = {.delay_ns = MS, .queue_frames = 10};
	struct rte_mbuf *p[15];

	make(&cfg, 64);
	for (uint32_t i = 0; i < 15; i++)
		p[i] = lf_frame(pa, i, LEN);
	ck_assert_uint_eq(lf_tx(a, 0, p, 15), 15); /* all are taken, what has no room is lost */
	ck_assert_uint_eq(lf_stats(a).tx_errors, 5);
	ck_assert_uint_eq(rte_mempool_in_use_count(pa), 10);
	for (uint32_t i = 0; i < 10; i++)
		expect(MS, i);
	expect_none(10 * MS);
	/* What need not wait needs no room. */
	done();
	cfg = (struct mr_impair_cfg){.queue_frames = 1};
	make(&cfg, 64);
	for (uint32_t i = 0; i < 15; i++)
		p[i] = lf_frame(pa, i, LEN);
	ck_assert_uint_eq(lf_tx(a, 0, p, 15), 15);
	ck_assert_uint_eq(lf_stats(a).tx_errors, 0);
	for (uint32_t i = 0; i < 15; i++)
		expect(0, i);
	done();
}
END_TEST

/* The buffer in front of the bottleneck drops from the tail; what has left it, in flight on a long line, needs no room. */
START_TEST(buffer_is_bounded)
{
	/* 1000 bytes: 8 us. Room for three, of which one is on the line. */
	struct mr_impair_cfg cfg = {.rate_bps = 1000000000, .delay_ns = MS, .buffer_bytes = 3000};

	make(&cfg, 64);
	for (uint32_t i = 0; i < 5; i++)
		lf_send(a, 0, lf_frame(pa, i, 1000));
	ck_assert_uint_eq(lf_stats(a).tx_errors, 2);
	lf_send(a, 7999, lf_frame(pa, 10, 1000)); /* the first has not left yet: not a byte too many */
	ck_assert_uint_eq(lf_stats(a).tx_errors, 3);
	lf_send(a, 8000, lf_frame(pa, 12, 1000));
	ck_assert_uint_eq(lf_stats(a).tx_errors, 3);
	for (uint32_t i = 0; i < 3; i++)
		expect(MS + 8000 * (i + 1), i);
	expect(MS + 32000, 12);
	/* Twenty round trips later the buffer is as it was. */
	for (uint32_t i = 0; i < 4; i++)
		lf_send(a, 20 * MS, lf_frame(pa, 20 + i, 1000));
	ck_assert_uint_eq(lf_stats(a).tx_errors, 4);
	for (uint32_t i = 0; i < 3; i++)
		expect(21 * MS + 8000 * (i + 1), 20 + i);
	done();
}
END_TEST

/* Fractions of a nanosecond count: frames of a third of a microsecond, three in a buffer of three, at any time. */
START_TEST(buffer_is_exact)
{
	struct mr_impair_cfg cfg = {.rate_bps = 3000000, .buffer_bytes = 375};

	make(&cfg, 64);
	for (uint32_t i = 0; i < 4; i++)
		lf_send(a, 1000, lf_frame(pa, i, 125));
	ck_assert_uint_eq(lf_stats(a).tx_errors, 1);
	lf_send(a, 1000 + 333333, lf_frame(pa, 4, 125)); /* a third too early */
	ck_assert_uint_eq(lf_stats(a).tx_errors, 2);
	lf_send(a, 1000 + 333334, lf_frame(pa, 5, 125));
	ck_assert_uint_eq(lf_stats(a).tx_errors, 2);
	/* Without a rate nothing waits, and the buffer is of no account. */
	done();
	cfg = (struct mr_impair_cfg){.delay_ns = MS, .buffer_bytes = 1};
	make(&cfg, 64);
	for (uint32_t i = 0; i < 10; i++)
		lf_send(a, 0, lf_frame(pa, i, LEN));
	ck_assert_uint_eq(lf_stats(a).tx_errors, 0);
	done();
}
END_TEST

/* An inner link that is full keeps frames back in their order, and is looked at again as time passes. */
START_TEST(inner_backpressure)
{
	struct mr_impair_cfg cfg = {.delay_ns = 1000};
	struct rte_mbuf *p[40], *r[40];

	make(&cfg, 3);
	for (uint32_t i = 0; i < 40; i++)
		p[i] = lf_frame(pa, i, LEN);
	ck_assert_uint_eq(lf_tx(a, 0, p, 40), 40);
	ck_assert_uint_eq(lf_rx(a, 1000, r, 1), 0);
	ck_assert_uint_gt(a->ops->next_ns(a), 1000);
	ck_assert_uint_lt(a->ops->next_ns(a), 2 * MS);
	for (uint32_t i = 0; i < 40; i++)
		expect(1000 + i, i);
	ck_assert_uint_eq(lf_stats(a).tx_errors, 0);
	done();
}
END_TEST

/* What has arrived already, without a look at the line. */
static void
expect_here(uint64_t now_ns, uint32_t first, uint32_t n)
{
	struct rte_mbuf *m;

	for (uint32_t i = 0; i < n; i++) {
		ck_assert_uint_eq(lf_rx(b, now_ns, &m, 1), 1);
		lf_check(m, first + i, LEN);
	}
	ck_assert_uint_eq(lf_rx(b, now_ns, &m, 1), 0);
}

/* However much is due at once, a burst call passes on a burst and lets its caller look elsewhere; the rest is due at once. */
START_TEST(deliveries_are_bounded)
{
	struct mr_impair_cfg cfg = {.delay_ns = 1000};
	struct rte_mbuf *p[100], *r;

	make(&cfg, 1024);
	for (uint32_t i = 0; i < 100; i++)
		p[i] = lf_frame(pa, i, LEN);
	ck_assert_uint_eq(lf_tx(a, 0, p, 100), 100);
	for (uint32_t i = 0; i < 96; i += 32) {
		ck_assert_uint_eq(lf_rx(a, 1000, &r, 1), 0);
		ck_assert_uint_le(a->ops->next_ns(a), 1000);
		expect_here(1000, i, 32);
	}
	/* What is sent makes room for itself. */
	for (uint32_t i = 0; i < 96; i++)
		p[i] = lf_frame(pa, 100 + i, LEN);
	ck_assert_uint_eq(lf_tx(a, 1000, p, 96), 96);
	expect_here(1000, 96, 4);
	ck_assert_uint_eq(a->ops->next_ns(a), 2000);
	p[0] = lf_frame(pa, 196, LEN);
	ck_assert_uint_eq(lf_tx(a, 2000, p, 1), 1);
	expect_here(2000, 100, 34);
	done();
}
END_TEST

/* Corruption turns one bit over, never in the link header, never in the sender's frame, and reaches every byte. */
START_TEST(corruption_copies)
{
	struct mr_impair_cfg cfg = {.seed = 11, .corrupt_ppm = 1000000};
	uint32_t hit = 0;
	struct rte_mbuf *m, *r;

	make(&cfg, 64);
	for (uint32_t i = 0; i < 500; i++) {
		m = lf_frame_segs(pa, 1, 24, 5);
		rte_pktmbuf_refcnt_update(m, 1);
		lf_send(a, i, m);
		r = arrival(i);
		ck_assert_ptr_nonnull(r);
		ck_assert_uint_eq(lf_wrong_bits(r, 1), 1);
		for (uint32_t off = 0; off < 24; off++) {
			uint8_t c;

			if (*(const uint8_t *)rte_pktmbuf_read(r, off, 1, &c) != lf_expect(1, off))
				hit |= 1u << off;
		}
		rte_pktmbuf_free(r);
		lf_check(m, 1, 24);
	}
	ck_assert_uint_eq(hit, 0x00ffc000);
	/* Nothing behind the header: nothing to corrupt. */
	lf_send(a, 1000, lf_frame(pa, 1, LF_HDR));
	r = arrival(1000);
	ck_assert_ptr_nonnull(r);
	ck_assert_uint_eq(lf_wrong_bits(r, 1), 0);
	rte_pktmbuf_free(r);
	done();
}
END_TEST

START_TEST(corruption_without_a_buffer_is_loss)
{
	struct mr_impair_cfg cfg = {.corrupt_ppm = 1000000};
	struct rte_mbuf *m, *rest[2047];

	make(&cfg, 64);
	m = lf_frame(pa, 1, LEN);
	ck_assert_int_eq(rte_pktmbuf_alloc_bulk(pa, rest, 2046), 0);
	lf_send(a, 0, m);
	ck_assert_uint_eq(lf_stats(a).tx_errors, 1);
	expect_none(0);
	rte_pktmbuf_free_bulk(rest, 2046);
	done();
}
END_TEST

/* What is received passes untouched. */
START_TEST(receive_is_clean)
{
	struct mr_impair_cfg cfg = {.loss_ppm = 1000000, .delay_ns = MS};
	struct rte_mbuf *m;

	make(&cfg, 64);
	lf_send(b, 0, lf_frame(pb, 1, LEN));
	ck_assert_uint_eq(a->ops->next_ns(a), 0);
	ck_assert_uint_eq(lf_rx(a, 0, &m, 1), 1);
	lf_check(m, 1, LEN);
	ck_assert_uint_eq(lf_stats(a).rx_packets, 1);
	done();
}
END_TEST

START_TEST(stop_frees_what_is_held)
{
	struct mr_impair_cfg cfg = {.delay_ns = MS};

	make(&cfg, 64);
	lf_send(a, 0, lf_frame(pa, 1, LEN));
	a->ops->stop(a);
	ck_assert_uint_eq(rte_mempool_in_use_count(pa), 0);
	ck_assert_uint_eq(lf_stats(a).tx_errors, 1);
	ck_assert_int_eq(a->ops->start(a), 0);
	lf_send(a, 0, lf_frame(pa, 2, LEN));
	expect(MS, 2);
	lf_send(a, 2 * MS, lf_frame(pa, 3, LEN)); /* held while it is closed */
	done();
}
END_TEST

START_TEST(shows_the_inner_link)
{
	struct mr_impair_cfg cfg = {.loss_ppm = 1000001};
	struct mr_link *inner, *out = NULL;

	pa = lf_pool("impair_a", 63, 2048);
	pb = lf_pool("impair_b", 63, 2048);
	ck_assert_int_eq(mr_pair_create(pa, pb, 1400, 8, &inner, &b), 0);
	/* Refused: the inner link stays as it was. */
	ck_assert_int_eq(mr_impair_wrap(inner, &cfg, &out), -EINVAL);
	cfg = (struct mr_impair_cfg){.delay_ns = UINT64_MAX};
	ck_assert_int_eq(mr_impair_wrap(inner, &cfg, &out), -EINVAL);
	cfg = (struct mr_impair_cfg){.queue_frames = UINT32_MAX};
	ck_assert_int_eq(mr_impair_wrap(inner, &cfg, &out), -EINVAL);
	cfg = (struct mr_impair_cfg){.buffer_bytes = UINT64_MAX};
	ck_assert_int_eq(mr_impair_wrap(inner, &cfg, &out), -EINVAL);
	cfg = (struct mr_impair_cfg){.rate_bps = UINT64_MAX};
	ck_assert_int_eq(mr_impair_wrap(inner, &cfg, &out), -EINVAL);
	ck_assert_ptr_null(out);
	inner->caps |= MR_LINK_CAP_TX_TCP_CKSUM;
	cfg = (struct mr_impair_cfg){.corrupt_ppm = 1};
	ck_assert_int_eq(mr_impair_wrap(inner, &cfg, &a), 0);
	ck_assert_str_eq(a->driver, "impair");
	ck_assert_str_eq(a->framing, "ether");
	ck_assert_uint_eq(a->mtu, 1400);
	ck_assert_ptr_eq(a->inner, inner);
	ck_assert_mem_eq(&a->lladdr, &inner->lladdr, sizeof(a->lladdr));
	/* Corruption needs real checksums in front of it. */
	ck_assert_uint_eq(a->caps, MR_LINK_CAP_RESOLVE | MR_LINK_CAP_TX_MULTI_SEGS);
	ck_assert(a->ops->is_up(a));
	ck_assert_int_eq(a->ops->set_promisc(a, true), 0);
	ck_assert_int_eq(a->ops->set_mcast(a, NULL, 0), 0);
	done();
}
END_TEST

static Suite *
suite(void)
{
	Suite *s = suite_create("impair_line");
	TCase *t = rig_case(s, "line", NULL, NULL);

	tcase_add_test(t, total_loss);
	tcase_add_test(t, delay_is_exact);
	tcase_add_test(t, due_frames_leave_with_a_transmission);
	tcase_add_test(t, held_by_reference);
	tcase_add_test(t, jitter_stays_in_its_range_and_in_order);
	tcase_add_test(t, reordered_frame_waits_exactly);
	tcase_add_test(t, rate_is_exact);
	tcase_add_test(t, rate_and_delay_add_up);
	tcase_add_test(t, queue_is_bounded);
	tcase_add_test(t, buffer_is_bounded);
	tcase_add_test(t, buffer_is_exact);
	tcase_add_test(t, inner_backpressure);
	tcase_add_test(t, deliveries_are_bounded);
	tcase_add_test(t, corruption_copies);
	tcase_add_test(t, corruption_without_a_buffer_is_loss);
	tcase_add_test(t, receive_is_clean);
	tcase_add_test(t, stop_frees_what_is_held);
	tcase_add_test(t, shows_the_inner_link);
	return s;
}

RIG_MAIN(suite)
