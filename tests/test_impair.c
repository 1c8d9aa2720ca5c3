/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The bad line: shares over 100,000 frames (within four standard deviations of the share, and exactly what the seed
 * gives), delay, jitter, rate and queue to the nanosecond, order, determinism, and the text form with its errors.
 */
#include "rig/rig.h"

#include <errno.h>
#include <stdlib.h>

#include "link_frames.h"

#define MS 1000000ull
#define N_FRAMES 100000
#define LEN 64

static struct rte_mempool *pa, *pb;
static struct mr_link *a, *b; /* a is impaired */

static void
make(const struct mr_impair_cfg *cfg, uint32_t depth)
{
	struct mr_link *inner;

	pa = lf_pool("impair_a", 2047, 2048);
	pb = lf_pool("impair_b", 2047, 2048);
	ck_assert_int_eq(mr_pair_create(pa, pb, 1500, depth, &inner, &b), 0);
	ck_assert_int_eq(mr_impair_wrap(inner, cfg, &a), 0);
}

static void
done(void)
{
	a->ops->close(a);
	b->ops->close(b);
	lf_pool_done(pa);
	lf_pool_done(pb);
}

/* Let the line deliver what is due, and take one frame at the other end. */
static struct rte_mbuf *
arrival(uint64_t now_ns)
{
	struct rte_mbuf *m;

	ck_assert_uint_eq(lf_rx(a, now_ns, &m, 1), 0);
	return lf_rx(b, now_ns, &m, 1) ? m : NULL;
}

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

/* What N_FRAMES frames, sent one a microsecond, come out as. */
struct outcome {
	uint32_t received, copies, corrupted, overtaken;
	uint64_t hash; /* of numbers, bits and times in their order */
};

static void
outcome_add(struct outcome *o, struct rte_mbuf *m, uint64_t now_ns, uint8_t *seen, uint32_t *top)
{
	uint32_t nr = lf_nr(m);
	unsigned bits = lf_wrong_bits(m, nr);

	/* Corruption may hit the number itself: then it is one bit away from a frame that fits. */
	for (int i = 0; bits > 1 && i < 32; i++)
		if (lf_wrong_bits(m, nr ^ 1u << i) == 1) {
			nr ^= 1u << i;
			bits = 1;
		}
	ck_assert_uint_le(bits, 1);
	ck_assert_uint_lt(nr, N_FRAMES);
	o->received++;
	o->corrupted += bits;
	o->copies += seen[nr]++ > 0;
	if (nr < *top)
		o->overtaken++;
	else
		*top = nr;
	for (uint64_t v[] = {nr, bits, now_ns}, *p = v; p < v + 3; p++)
		o->hash = (o->hash ^ *p) * 0x100000001b3u;
	rte_pktmbuf_free(m);
}

static struct outcome
run(const struct mr_impair_cfg *cfg)
{
	struct outcome o = {.hash = 0xcbf29ce484222325u};
	uint8_t *seen = calloc(1, N_FRAMES);
	uint64_t now_ns = 1000, end_ns;
	uint32_t top = 0;
	struct rte_mbuf *m;

	make(cfg, 1024);
	for (uint32_t nr = 0; nr < N_FRAMES; nr++, now_ns += 1000) {
		lf_send(a, now_ns, lf_frame(pa, nr, LEN));
		while (lf_rx(b, now_ns, &m, 1))
			outcome_add(&o, m, now_ns, seen, &top);
	}
	end_ns = now_ns + 1000 * MS;
	while (a->ops->next_ns(a) < end_ns) {
		now_ns = a->ops->next_ns(a);
		for (m = arrival(now_ns); m; m = arrival(now_ns))
			outcome_add(&o, m, now_ns, seen, &top);
	}
	done();
	free(seen);
	return o;
}

/* Four standard deviations of a binomial count of N_FRAMES. */
static void
assert_share(uint32_t count, double p)
{
	double mean = N_FRAMES * p, d = count - mean;

	ck_assert_msg(d * d < 16 * mean * (1 - p), "%u of %u is not a share of %f", count, N_FRAMES, p);
}

START_TEST(clean_line)
{
	struct mr_impair_cfg cfg = {.seed = 1};
	struct outcome o = run(&cfg);

	ck_assert_uint_eq(o.received, N_FRAMES);
	ck_assert_uint_eq(o.copies + o.corrupted + o.overtaken, 0);
}
END_TEST

START_TEST(share_of_loss)
{
	struct mr_impair_cfg cfg = {.seed = 1, .loss_ppm = 10000};
	struct outcome o = run(&cfg);

	assert_share(N_FRAMES - o.received, 0.01);
	ck_assert_uint_eq(N_FRAMES - o.received, 1025);
	ck_assert_uint_eq(o.copies + o.corrupted + o.overtaken, 0);
}
END_TEST

START_TEST(share_of_duplicates)
{
	struct mr_impair_cfg cfg = {.seed = 2, .dup_ppm = 50000};
	struct outcome o = run(&cfg);

	assert_share(o.copies, 0.05);
	ck_assert_uint_eq(o.copies, 5004);
	ck_assert_uint_eq(o.received, N_FRAMES + o.copies);
	ck_assert_uint_eq(o.corrupted + o.overtaken, 0);
}
END_TEST

START_TEST(share_of_corruption)
{
	struct mr_impair_cfg cfg = {.seed = 3, .corrupt_ppm = 20000};
	struct outcome o = run(&cfg);

	assert_share(o.corrupted, 0.02);
	ck_assert_uint_eq(o.corrupted, 1938);
	ck_assert_uint_eq(o.received, N_FRAMES);
	ck_assert_uint_eq(o.overtaken + o.copies, 0);
}
END_TEST

START_TEST(share_of_reordering)
{
	/* A late frame comes 1 ms late, into a stream of one a microsecond: each is overtaken. */
	struct mr_impair_cfg cfg = {.seed = 4, .reorder_ppm = 5000};
	struct outcome o = run(&cfg);

	ck_assert_uint_eq(o.received, N_FRAMES);
	assert_share(o.overtaken, 0.005);
	ck_assert_uint_eq(o.overtaken, 482);
	ck_assert_uint_eq(o.corrupted + o.copies, 0);
}
END_TEST

static const struct mr_impair_cfg everything = {
	.seed = 5, .loss_ppm = 30000, .dup_ppm = 10000, .corrupt_ppm = 10000, .reorder_ppm = 20000,
	.delay_ns = 100000, .jitter_ns = 50000, .rate_bps = 600000000, .queue_frames = 300};

START_TEST(same_seed_same_line)
{
	struct mr_impair_cfg other = everything;
	struct outcome x = run(&everything), y = run(&everything), z;

	other.seed++;
	z = run(&other);
	ck_assert_uint_eq(x.received, y.received);
	ck_assert_uint_eq(x.hash, y.hash);
	ck_assert_uint_ne(x.hash, z.hash);
	ck_assert_uint_eq(x.received, 98099);
}
END_TEST

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

START_TEST(parse_all)
{
	struct mr_impair_cfg c;
	char err[128] = "";

	ck_assert_int_eq(mr_impair_parse("loss=1%,delay=20ms,jitter=2ms,dup=0.1%,reorder=5%,rate=100mbit,queue=100,"
	                                 "seed=7", &c, err, sizeof(err)), 0);
	ck_assert_uint_eq(c.loss_ppm, 10000);
	ck_assert_uint_eq(c.delay_ns, 20 * MS);
	ck_assert_uint_eq(c.jitter_ns, 2 * MS);
	ck_assert_uint_eq(c.dup_ppm, 1000);
	ck_assert_uint_eq(c.reorder_ppm, 50000);
	ck_assert_uint_eq(c.rate_bps, 100000000);
	ck_assert_uint_eq(c.queue_frames, 100);
	ck_assert_uint_eq(c.seed, 7);
	ck_assert_uint_eq(c.corrupt_ppm, 0);
	ck_assert_str_eq(err, "");
	ck_assert_int_eq(mr_impair_parse("corrupt=100%,reorder_delay=1.5us,loss=7ppm,delay=3600s,rate=2.5gbit,"
	                                 "seed=18446744073709551615,buffer=64000", &c, err, sizeof(err)), 0);
	ck_assert_uint_eq(c.corrupt_ppm, 1000000);
	ck_assert_uint_eq(c.reorder_ns, 1500);
	ck_assert_uint_eq(c.loss_ppm, 7);
	ck_assert_uint_eq(c.delay_ns, 3600000 * MS);
	ck_assert_uint_eq(c.rate_bps, 2500000000u);
	ck_assert_uint_eq(c.seed, UINT64_MAX);
	ck_assert_uint_eq(c.jitter_ns, 0);
	ck_assert_uint_eq(c.buffer_bytes, 64000);
	ck_assert_int_eq(mr_impair_parse("", &c, err, sizeof(err)), 0);
	ck_assert_uint_eq(c.delay_ns | c.loss_ppm | c.seed, 0);
}
END_TEST

#define KEYS "there are loss, dup, reorder, corrupt, delay, jitter, reorder_delay, rate, queue, buffer, seed"

static const struct {
	const char *text, *err;
} bad[] = {
	{"loss", "loss: \"\" is not a share of 0% to 100% (like 0.1% or 500ppm)"},
	{"loss=", "loss: \"\" is not a share of 0% to 100% (like 0.1% or 500ppm)"},
	{"loss=1", "loss: \"1\" is not a share of 0% to 100% (like 0.1% or 500ppm)"},
	{"loss=101%", "loss: \"101%\" is not a share of 0% to 100% (like 0.1% or 500ppm)"},
	{"loss=0.00001%", "loss: \"0.00001%\" is not a share of 0% to 100% (like 0.1% or 500ppm)"},
	{"loss=-1%", "loss: \"-1%\" is not a share of 0% to 100% (like 0.1% or 500ppm)"},
	{"loss=.5%", "loss: \".5%\" is not a share of 0% to 100% (like 0.1% or 500ppm)"},
	{"loss=5.%", "loss: \"5.%\" is not a share of 0% to 100% (like 0.1% or 500ppm)"},
	{"loss=1.2.3%", "loss: \"1.2.3%\" is not a share of 0% to 100% (like 0.1% or 500ppm)"},
	{"loss= 1%", "loss: \" 1%\" is not a share of 0% to 100% (like 0.1% or 500ppm)"},
	{"delay=20", "delay: \"20\" is not a time of at most 1 h (like 20ms or 1.5us)"},
	{"delay=20m", "delay: \"20m\" is not a time of at most 1 h (like 20ms or 1.5us)"},
	{"delay=3601s", "delay: \"3601s\" is not a time of at most 1 h (like 20ms or 1.5us)"},
	{"delay=0.5ns", "delay: \"0.5ns\" is not a time of at most 1 h (like 20ms or 1.5us)"},
	{"delay=99999999999999999999ns",
	 "delay: \"99999999999999999999ns\" is not a time of at most 1 h (like 20ms or 1.5us)"},
	{"delay=18446744073709551615s",
	 "delay: \"18446744073709551615s\" is not a time of at most 1 h (like 20ms or 1.5us)"},
	{"rate=100", "rate: \"100\" is not a rate of at most 10000gbit (like 100mbit)"},
	{"queue=4294967297", "queue: \"4294967297\" is not a number of frames, at most 16777216"},
	{"queue=ten", "queue: \"ten\" is not a number of frames, at most 16777216"},
	{"buffer=1099511627777", "buffer: \"1099511627777\" is not a number of bytes, at most 1099511627776"},
	{"seed=18446744073709551616", "seed: \"18446744073709551616\" is not a number"},
	{"los=1%", "unknown key \"los\"; " KEYS},
	{"lossy=1%", "unknown key \"lossy\"; " KEYS},
	{"loss=1%,,dup=1%", "unknown key \"\"; " KEYS},
	{"loss=1%,", "nothing after the last comma"},
	{"loss=1%,delay=1ms,loss=2%", "loss is given twice"},
};

START_TEST(parse_errors)
{
	struct mr_impair_cfg c, untouched;
	char err[160] = "", tiny[8];

	memset(&untouched, 0x5a, sizeof(untouched));
	c = untouched;
	ck_assert_int_eq(mr_impair_parse(bad[_i].text, &c, err, sizeof(err)), -EINVAL);
	ck_assert_str_eq(err, bad[_i].err);
	ck_assert_mem_eq(&c, &untouched, sizeof(c));
	/* A small buffer gets what fits. */
	ck_assert_int_eq(mr_impair_parse(bad[_i].text, &c, tiny, sizeof(tiny)), -EINVAL);
	ck_assert_uint_eq(strlen(tiny), 7);
	ck_assert_int_eq(mr_impair_parse(bad[_i].text, &c, NULL, 0), -EINVAL);
}
END_TEST

static Suite *
suite(void)
{
	Suite *s = suite_create("impair");
	TCase *t = rig_case(s, "shares", NULL, NULL);

	lf_private_memory();
	tcase_add_test(t, clean_line);
	tcase_add_test(t, share_of_loss);
	tcase_add_test(t, share_of_duplicates);
	tcase_add_test(t, share_of_corruption);
	tcase_add_test(t, share_of_reordering);
	tcase_add_test(t, same_seed_same_line);
	t = rig_case(s, "line", NULL, NULL);
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
	tcase_add_test(t, corruption_copies);
	tcase_add_test(t, corruption_without_a_buffer_is_loss);
	tcase_add_test(t, receive_is_clean);
	tcase_add_test(t, stop_frees_what_is_held);
	tcase_add_test(t, shows_the_inner_link);
	t = rig_case(s, "parse", NULL, NULL);
	tcase_add_test(t, parse_all);
	tcase_add_loop_test(t, parse_errors, 0, RTE_DIM(bad));
	return s;
}

RIG_MAIN(suite)
