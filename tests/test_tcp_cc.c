/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What TCP computes without a connection: round-trip time and timeout (RFC 6298), NewReno's window (RFC 5681), SipHash,
 * initial sequence numbers (RFC 6528) and the timestamp clock (RFC 7323). Expected numbers are worked out by hand or
 * come from the reference implementation.
 */
#include "rig/rig.h"

#include <stdlib.h>

#include "proto/tcp/tcp.h"

#define MS 1000000ull
#define MIN_RTO (200 * MS)

/* ---- round-trip time */

static struct tcp_rtt rtt;

static void
sample(uint64_t rtt_ns)
{
	tcp_rtt_sample(&rtt, rtt_ns, MIN_RTO);
}

/* RT-01 (RFC 6298 2.1): one second before the first sample. */
START_TEST(rto_without_a_sample)
{
	tcp_rtt_init(&rtt);
	ck_assert_uint_eq(rtt.rto_ns, 1000 * MS);
	ck_assert_uint_eq(rtt.srtt_ns, 0);
}
END_TEST

/* RT-01 (2.2): SRTT is R, RTTVAR is R/2, RTO is SRTT + 4 RTTVAR. */
START_TEST(first_sample)
{
	tcp_rtt_init(&rtt);
	sample(800 * MS);
	ck_assert_uint_eq(rtt.srtt_ns, 800 * MS);
	ck_assert_uint_eq(rtt.rttvar_ns, 400 * MS);
	ck_assert_uint_eq(rtt.rto_ns, 2400 * MS);
}
END_TEST

/* RT-02 (2.3): RTTVAR is 3/4 of itself and 1/4 of |SRTT - R|, the SRTT from before; SRTT 7/8 of itself and 1/8 of R. */
START_TEST(later_samples)
{
	tcp_rtt_init(&rtt);
	sample(800 * MS);
	sample(400 * MS); /* var 300 + 100, srtt 700 + 50 */
	ck_assert_uint_eq(rtt.rttvar_ns, 400 * MS);
	ck_assert_uint_eq(rtt.srtt_ns, 750 * MS);
	ck_assert_uint_eq(rtt.rto_ns, 2350 * MS);
	sample(1550 * MS); /* var 300 + 200, srtt 656.25 + 193.75 */
	ck_assert_uint_eq(rtt.rttvar_ns, 500 * MS);
	ck_assert_uint_eq(rtt.srtt_ns, 850 * MS);
	ck_assert_uint_eq(rtt.rto_ns, 2850 * MS);
	sample(850 * MS); /* var 375, srtt as before */
	ck_assert_uint_eq(rtt.rttvar_ns, 375 * MS);
	ck_assert_uint_eq(rtt.srtt_ns, 850 * MS);
	ck_assert_uint_eq(rtt.rto_ns, 2350 * MS);
}
END_TEST

/* RT-03: the floor bounds the variance term: a short path has 200 ms and its round trip, a steady 100 ms has 300. */
START_TEST(floor_of_the_rto)
{
	tcp_rtt_init(&rtt);
	sample(10 * MS);
	ck_assert_uint_eq(rtt.rto_ns, 210 * MS);
	tcp_rtt_init(&rtt);
	for (int i = 0; i < 100; i++)
		sample(100 * MS);
	ck_assert_uint_eq(rtt.srtt_ns, 100 * MS);
	ck_assert_uint_eq(rtt.rto_ns, 300 * MS);
	tcp_rtt_init(&rtt);
	tcp_rtt_sample(&rtt, 10 * MS, 1000 * MS);
	ck_assert_uint_eq(rtt.rto_ns, 1010 * MS);
	tcp_rtt_sample(&rtt, 10 * MS, 1 * MS); /* var 3.75 */
	ck_assert_uint_eq(rtt.rto_ns, 25 * MS);
}
END_TEST

/* RT-04 (2.5): a maximum of at least 60 s. */
START_TEST(cap_of_the_rto)
{
	tcp_rtt_init(&rtt);
	sample(39999 * MS);
	ck_assert_uint_eq(rtt.rto_ns, 119997 * MS);
	sample(400000 * MS);
	ck_assert_uint_eq(rtt.rto_ns, TCP_MAX_RTO_NS);
	ck_assert_uint_ge(TCP_MAX_RTO_NS, 60000 * MS);
	tcp_rtt_init(&rtt);
	sample(UINT64_MAX / 8);
	ck_assert_uint_eq(rtt.rto_ns, TCP_MAX_RTO_NS);
}
END_TEST

/* A sample of nothing still counts as one: SRTT 0 means "none yet". */
START_TEST(shortest_samples)
{
	tcp_rtt_init(&rtt);
	sample(0);
	ck_assert_uint_eq(rtt.srtt_ns, 1);
	ck_assert_uint_eq(rtt.rto_ns, MIN_RTO + 1);
	for (int i = 0; i < 100; i++)
		sample(0);
	ck_assert_uint_eq(rtt.srtt_ns, 1);
	sample(8 * MS);
	ck_assert_uint_eq(rtt.srtt_ns, 1 * MS + 1);
	ck_assert_uint_eq(rtt.rttvar_ns, 2 * MS - 1); /* a quarter of 8 ms less 1 ns, rounded down */
}
END_TEST

/* ---- NewReno */

#define MSS 1000u

static struct tcp_cc cc;

static void
cc_setup(uint32_t cwnd, uint32_t ssthresh)
{
	cc = (struct tcp_cc){.ops = &tcp_newreno, .cwnd = cwnd, .mss = MSS};
	cc.ops->init(&cc);
	ck_assert_uint_eq(cc.cwnd, cwnd);
	ck_assert_uint_eq(cc.ssthresh, UINT32_MAX); /* CC-06: arbitrarily high */
	if (ssthresh)
		cc.ssthresh = ssthresh;
}

static uint32_t
acked(uint32_t bytes)
{
	struct tcp_cc_ack a = {.now_ns = 1, .acked = bytes, .in_flight = cc.cwnd, .cwnd_limited = true};

	cc.ops->ack(&cc, &a);
	return cc.cwnd;
}

/* CC-08, but not limited to one MSS per ACK: a receiver may acknowledge once per burst. */
START_TEST(slow_start_counts_bytes)
{
	cc_setup(10 * MSS, 0);
	ck_assert_uint_eq(acked(MSS), 11 * MSS);
	ck_assert_uint_eq(acked(1), 11 * MSS + 1);
	ck_assert_uint_eq(acked(9 * MSS - 1), 20 * MSS);
	ck_assert_uint_eq(acked(20 * MSS), 40 * MSS); /* doubles in a round trip */
}
END_TEST

/* What an ACK brings beyond the threshold counts for congestion avoidance. */
START_TEST(slow_start_ends_at_the_threshold)
{
	cc_setup(10 * MSS, 12 * MSS);
	ck_assert_uint_eq(acked(1500), 11500);
	ck_assert_uint_eq(acked(1500), 12 * MSS);
	ck_assert_uint_eq(acked(11 * MSS - 1), 12 * MSS);
	ck_assert_uint_eq(acked(1), 13 * MSS);
}
END_TEST

/* CC-09: one MSS per round trip, however the ACKs are cut. */
START_TEST(congestion_avoidance)
{
	cc_setup(10 * MSS, 10 * MSS);
	for (uint32_t cwnd = 10; cwnd < 50; cwnd++) {
		for (uint32_t i = 1; i < cwnd; i++)
			ck_assert_uint_eq(acked(MSS), cwnd * MSS);
		ck_assert_uint_eq(acked(MSS), (cwnd + 1) * MSS);
	}
	cc_setup(10 * MSS, 10 * MSS);
	ck_assert_uint_eq(acked(10 * MSS), 11 * MSS);
	ck_assert_uint_eq(acked(11 * MSS + 12 * MSS), 13 * MSS);
	ck_assert_uint_eq(acked(0), 13 * MSS);
}
END_TEST

/* A window that was not used says nothing about the path. */
START_TEST(unused_window_does_not_grow)
{
	struct tcp_cc_ack a = {.now_ns = 1, .acked = 100 * MSS, .cwnd_limited = false};

	cc_setup(10 * MSS, 0);
	cc.ops->ack(&cc, &a);
	ck_assert_uint_eq(cc.cwnd, 10 * MSS);
	cc_setup(10 * MSS, 5 * MSS);
	cc.ops->ack(&cc, &a);
	ck_assert_uint_eq(cc.cwnd, 10 * MSS);
	ck_assert_uint_eq(acked(10 * MSS - 1), 10 * MSS); /* nothing was credited either */
}
END_TEST

/* CC-12, RFC 5681 equation 4: half of what is in flight, not of cwnd, and at least two segments. */
START_TEST(loss_halves_the_flight)
{
	cc_setup(20 * MSS, 0);
	cc.ops->loss(&cc, 15 * MSS, 1);
	ck_assert_uint_eq(cc.ssthresh, 7500);
	cc.ops->loss(&cc, 3 * MSS, 1);
	ck_assert_uint_eq(cc.ssthresh, 2 * MSS);
	cc.ops->loss(&cc, 0, 1);
	ck_assert_uint_eq(cc.ssthresh, 2 * MSS);
	ck_assert_uint_eq(cc.cwnd, 20 * MSS); /* cwnd in recovery is the ACK processing's */
}
END_TEST

START_TEST(loss_forgets_credit)
{
	cc_setup(10 * MSS, 10 * MSS);
	acked(9 * MSS);
	cc.ops->loss(&cc, 20 * MSS, 1);
	ck_assert_uint_eq(cc.ssthresh, 10 * MSS);
	ck_assert_uint_eq(acked(10 * MSS - 1), 10 * MSS);
	ck_assert_uint_eq(acked(1), 11 * MSS);
}
END_TEST

/* CC-10: the loss window is one segment; ssthresh is set by the first timeout of a segment only. */
START_TEST(timeout)
{
	cc_setup(20 * MSS, 0);
	cc.ops->rto(&cc, 20 * MSS, true, 1);
	ck_assert_uint_eq(cc.cwnd, MSS);
	ck_assert_uint_eq(cc.ssthresh, 10 * MSS);
	cc.ops->rto(&cc, 2 * MSS, false, 1);
	ck_assert_uint_eq(cc.cwnd, MSS);
	ck_assert_uint_eq(cc.ssthresh, 10 * MSS);
	ck_assert_uint_eq(acked(9 * MSS), 10 * MSS);
	ck_assert_uint_eq(acked(10 * MSS), 11 * MSS);
}
END_TEST

/* A window beyond twice ten segments, on a path of 4 ms or more, goes out at its rate and a quarter more, in slow start at
 * twice its rate; a smaller one, or on a shorter path, as it comes. */
START_TEST(windows_are_paced)
{
	static const struct tcp_cc_ops *const ops[] = {&tcp_newreno, &tcp_cubic};
	struct tcp_cc_ack a = {.now_ns = 1, .acked = MSS, .srtt_ns = 40 * MS, .cwnd_limited = true};

	cc_setup(19 * MSS, 0);
	cc.ops = ops[_i];
	cc.ops->init(&cc);
	a.in_flight = cc.cwnd;
	cc.ops->ack(&cc, &a);
	ck_assert_uint_eq(cc.pacing_rate, 0);
	cc.ops->ack(&cc, &a);
	ck_assert_uint_eq(cc.cwnd, 21 * MSS);
	ck_assert_uint_eq(cc.pacing_rate, 2 * 21 * MSS * 25);
	cc.ops->loss(&cc, cc.cwnd, 1);
	cc.cwnd = 40 * MSS;
	cc.ssthresh = 40 * MSS;
	a.cwnd_limited = false;
	cc.ops->ack(&cc, &a);
	ck_assert_uint_eq(cc.pacing_rate, 50 * MSS * 25);
	a.srtt_ns = 4 * MS - 1;
	cc.ops->ack(&cc, &a);
	ck_assert_uint_eq(cc.pacing_rate, 0);
	a.srtt_ns = 4 * MS;
	cc.ops->ack(&cc, &a);
	ck_assert_uint_eq(cc.pacing_rate, 50 * MSS * 250);
	cc.cwnd = 20 * MSS;
	cc.ssthresh = 20 * MSS;
	cc.ops->ack(&cc, &a);
	ck_assert_uint_eq(cc.pacing_rate, 0);
}
END_TEST

START_TEST(window_cannot_overflow)
{
	cc_setup(10 * MSS, 0);
	for (int i = 0; i < 100; i++)
		acked(UINT32_MAX / 4);
	ck_assert_uint_ge(cc.cwnd, 1u << 30);
	ck_assert_uint_lt(cc.cwnd, UINT32_MAX);
}
END_TEST

/* ---- SipHash */

/* Reference vectors of SipHash-2-4, 64 bits: key 00..0f, input 00, 01, 02 ... of 8n bytes. */
START_TEST(siphash_reference_vectors)
{
	static const uint64_t expected[] = {
		0x726fdb47dd0e0e31, 0x93f5f5799a932462, 0x3f2acc7f57c29bdb, 0xb8ad50c6f649af94,
		0x7127512f72f27cce, 0x0e3ea96b5304a7d0, 0xe612a3cb9ecba951, 0xb78dbfaf3a8d83bd,
	};
	struct siphash_key key = {0x0706050403020100, 0x0f0e0d0c0b0a0908};
	uint64_t words[7];

	for (unsigned i = 0; i < 7; i++)
		words[i] = 0x0706050403020100 + i * 0x0808080808080808;
	for (unsigned n = 0; n < 8; n++)
		ck_assert_uint_eq(siphash_words(&key, words, n), expected[n]);
}
END_TEST

/* ---- initial sequence numbers and timestamps */

static struct mr_stack *stack;
static struct tcp tcp;
static struct mr_flow flow;
static struct mr_addr laddr;

static void
isn_setup(void)
{
	stack = calloc(1, sizeof(*stack));
	ck_assert_ptr_nonnull(stack);
	tcp = (struct tcp){.tp.stack = stack, .isn_key = {1, 2}, .ts_key = {3, 4}};
	flow = (struct mr_flow){.raddr = mr_addr_v4(0x0a000002), .rport_be = 0x1234, .lport_be = 0x0050};
	laddr = mr_addr_v4(0x0a000001);
}

static void
isn_teardown(void)
{
	free(stack);
}

static void
forget_pairs(void)
{
	memset(tcp.pairs, 0, sizeof(tcp.pairs));
}

/* What is kept for pairs of addresses is theirs: in whatever order they are asked for, the numbers are those of the function of
 * RFC 6528 over the whole tuple, and of its like over the addresses. */
START_TEST(pairs_are_kept_apart)
{
	for (unsigned i = 0; i < 3000; i++) {
		struct mr_addr l = mr_addr_v4(0x0a000001 + i % 3), r = mr_addr_v4(0x0a010000 + i * i % 700);
		struct mr_flow f = {.raddr = r, .rport_be = (uint16_t)i, .lport_be = 80};
		uint64_t words[] = {l.d[0], l.d[1], r.d[0], r.d[1], (uint64_t)f.rport_be << 16 | f.lport_be};

		ck_assert_uint_eq(tcp_isn(&tcp, &f, &l), (uint32_t)siphash_words(&tcp.isn_key, words, 5));
		ck_assert_uint_eq(tcp_ts_offset(&tcp, &f, &l), (uint32_t)siphash_words(&tcp.ts_key, words, 4));
	}
}
END_TEST

/* RFC 9293 3.4.1: one step in about 4 us (4.096 here); the same tuple counts on. */
START_TEST(isn_follows_the_clock)
{
	uint32_t at_0 = tcp_isn(&tcp, &flow, &laddr);

	stack->now_ns = 4095;
	ck_assert_uint_eq(tcp_isn(&tcp, &flow, &laddr), at_0);
	stack->now_ns = 4096;
	ck_assert_uint_eq(tcp_isn(&tcp, &flow, &laddr), at_0 + 1);
	stack->now_ns = 1000000000;
	ck_assert_uint_eq(tcp_isn(&tcp, &flow, &laddr), at_0 + 244140);
	stack->now_ns = (1ull << 44) + 8192; /* it wraps after 4.9 hours */
	ck_assert_uint_eq(tcp_isn(&tcp, &flow, &laddr), at_0 + 2);
}
END_TEST

/* IS-01 (RFC 6528 3): F covers both addresses, both ports and a secret. Any bit of them changes the number by a lot. */
START_TEST(isn_depends_on_every_bit_of_the_tuple)
{
	struct mr_flow f = flow;
	struct mr_addr l = laddr;
	struct {
		uint8_t *bytes;
		unsigned n;
	} members[] = {
		{f.raddr.b, 16}, {l.b, 16}, {(uint8_t *)&f.rport_be, 2}, {(uint8_t *)&f.lport_be, 2},
		{(uint8_t *)&tcp.isn_key, 16},
	};
	uint32_t isn = tcp_isn(&tcp, &flow, &laddr), near = 0, n = 0;

	for (unsigned i = 0; i < RTE_DIM(members); i++) {
		for (unsigned bit = 0; bit < 8 * members[i].n; bit++) {
			uint32_t other;

			members[i].bytes[bit / 8] ^= (uint8_t)(1u << bit % 8);
			forget_pairs(); /* a key does not change in a stack's life */
			other = tcp_isn(&tcp, &f, &l);
			members[i].bytes[bit / 8] ^= (uint8_t)(1u << bit % 8);
			ck_assert_uint_ne(other, isn);
			near += other - isn + (1u << 24) < 1u << 25;
			n++;
		}
	}
	forget_pairs();
	ck_assert_uint_eq(tcp_isn(&tcp, &f, &l), isn);
	ck_assert_uint_le(near, n / 20); /* one in 128 expected */
}
END_TEST

/* IS-02: the secrets of a stack are its own, and another's the next time, unless its seed was given; and no two are one. */
START_TEST(secrets)
{
	struct siphash_key seen[2][3];

	for (unsigned i = 0; i < 2; i++) {
		struct mr_stack_opts o = {.name = "secrets", .seed = _i, .rx_mbufs = 64, .tx_mbufs = 64, .max_conns = 1};
		struct mr_stack *s;

		ck_assert_int_eq(mr_stack_create(&o, &s), 0);
		seen[i][0] = tcp_of(s)->isn_key;
		seen[i][1] = tcp_of(s)->ts_key;
		seen[i][2] = tcp_of(s)->cookie_key;
		mr_stack_destroy(s);
	}
	for (unsigned k = 0; k < 3; k++) {
		ck_assert_int_eq(seen[0][k].k0 == seen[1][k].k0 && seen[0][k].k1 == seen[1][k].k1, _i);
		ck_assert_uint_ne(seen[0][k].k0, seen[0][(k + 1) % 3].k0);
		ck_assert_uint_ne(seen[0][k].k1, seen[0][(k + 1) % 3].k1);
		ck_assert_uint_ne(seen[0][k].k0, seen[0][k].k1);
	}
}
END_TEST

/* What is no part of the tuple does not matter, and neither do the timestamps' secret and the addresses' roles mix. */
START_TEST(isn_depends_on_nothing_else)
{
	uint32_t isn = tcp_isn(&tcp, &flow, &laddr);
	struct mr_addr r = flow.raddr;

	flow.hash = 99;
	flow.kind = TCP_KIND_SYN_RCVD;
	flow.flags = flow.spare = flow.local_id = 7;
	tcp.ts_key.k0++;
	forget_pairs();
	ck_assert_uint_eq(tcp_isn(&tcp, &flow, &laddr), isn);
	flow.raddr = laddr;
	ck_assert_uint_ne(tcp_isn(&tcp, &flow, &r), isn);
	flow.raddr = r;
	flow.rport_be = 0x0050;
	flow.lport_be = 0x1234;
	ck_assert_uint_ne(tcp_isn(&tcp, &flow, &laddr), isn);
}
END_TEST

/* TS-08, TS-09: one tick a millisecond, with an offset per pair of addresses that ports do not change (RFC 6191). */
START_TEST(timestamps)
{
	uint32_t offset = tcp_ts_offset(&tcp, &flow, &laddr);
	struct mr_addr other = mr_addr_v4(0x0a000003);

	flow.rport_be++;
	flow.lport_be++;
	tcp.isn_key.k0++;
	forget_pairs();
	stack->now_ns = 123456789;
	ck_assert_uint_eq(tcp_ts_offset(&tcp, &flow, &laddr), offset);
	ck_assert_uint_ne(tcp_ts_offset(&tcp, &flow, &other), offset);
	ck_assert_uint_eq(tcp_ts_now(&tcp, offset), offset + 123);
	stack->now_ns = 123999999;
	ck_assert_uint_eq(tcp_ts_now(&tcp, offset), offset + 123);
	stack->now_ns = 124000000;
	ck_assert_uint_eq(tcp_ts_now(&tcp, 0xffffffff), 123); /* modulo 2^32 */
	flow.raddr = other;
	ck_assert_uint_ne(tcp_ts_offset(&tcp, &flow, &laddr), offset);
	flow.raddr = mr_addr_v4(0x0a000002);
	tcp.ts_key.k1++;
	forget_pairs();
	ck_assert_uint_ne(tcp_ts_offset(&tcp, &flow, &laddr), offset);
}
END_TEST

static Suite *
suite(void)
{
	Suite *s = suite_create("tcp_cc");
	TCase *t = rig_case(s, "rtt", NULL, NULL);

	tcase_add_test(t, rto_without_a_sample);
	tcase_add_test(t, first_sample);
	tcase_add_test(t, later_samples);
	tcase_add_test(t, floor_of_the_rto);
	tcase_add_test(t, cap_of_the_rto);
	tcase_add_test(t, shortest_samples);
	t = rig_case(s, "newreno", NULL, NULL);
	tcase_add_test(t, slow_start_counts_bytes);
	tcase_add_test(t, slow_start_ends_at_the_threshold);
	tcase_add_test(t, congestion_avoidance);
	tcase_add_test(t, unused_window_does_not_grow);
	tcase_add_test(t, loss_halves_the_flight);
	tcase_add_test(t, loss_forgets_credit);
	tcase_add_test(t, timeout);
	tcase_add_loop_test(t, windows_are_paced, 0, 2);
	tcase_add_test(t, window_cannot_overflow);
	t = rig_case(s, "isn", isn_setup, isn_teardown);
	tcase_add_test(t, siphash_reference_vectors);
	tcase_add_test(t, isn_follows_the_clock);
	tcase_add_test(t, pairs_are_kept_apart);
	tcase_add_test(t, isn_depends_on_every_bit_of_the_tuple);
	tcase_add_test(t, isn_depends_on_nothing_else);
	tcase_add_loop_test(t, secrets, 0, 2);
	tcase_add_test(t, timestamps);
	return s;
}

RIG_MAIN(suite)
