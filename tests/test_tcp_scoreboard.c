/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a sender makes of the SACK blocks of its peer, of honest ones, forgetful ones and liars: scripted connections, and a
 * look at the scoreboard.
 *
 * Requirements by number: SK-n of RFC 2018, 2883 and 6675; nasty cases n.
 */
#include "rig/fixture.h"

#include <string.h>

#include "proto/tcp/tcp.h"
#include "stack/rng.h"

#define MSS 1460u
#define RTT (100 * RIG_MS)

static uint32_t sent; /* segments */

static struct tcp_conn *
conn(void)
{
	return tcp_conn(t.ep);
}

/* A connection with n segments in flight; the round trip is 100 ms. */
static void
in_flight(uint32_t n)
{
	rig_tcp_start_active(&t);
	rig_advance(&rig, RTT);
	rig_tcp_push(&t, RIG_SYN | RIG_ACK, 0, 1, 0);
	rig_tcp_expect(&t, RIG_ACK, 1, 1, 0);
	rig_tcp_push(&t, RIG_ACK, 1, 1, 0); /* a window that is scaled */
	rig_expect_none(&rig);
	conn()->cc.cwnd = n * MSS;
	ck_assert_int_eq(mr_ep_setopt(t.ep, MR_OPT_SNDBUF, 4 << 20), 0);
	ck_assert_int_eq(rig_ep_send(t.ep, 0, n * MSS), n * MSS);
	rig_discard(&rig);
	sent = n;
	ck_assert_uint_eq(conn()->sendq->in_flight, n * MSS);
	rig_advance(&rig, RTT);
	rig_mark(&rig);
}

static void
setup(void)
{
	struct rig_opts o = {.stack = {.tx_mbufs = 8192}};

	rig_init(&rig, &o);
	rig_tcp_init(&t, &rig, false);
	t.wnd = 65535;
	t.ws = 10;
}

/* One block, as offsets in the stack's stream. */
static void
sack(uint32_t ack, uint32_t from, uint32_t to)
{
	rig_tcp_push(&t, RIG_ACK, 1, ack, 0, .n_sack = 1, .sack = {{from, to}});
	rig_poll(&rig);
}

/* SK-09, SK-14, nasty case 29: blocks that are empty or inverted, below SND.UNA, above SND.NXT, and parts of segments. */
START_TEST(senseless_blocks)
{
	static const uint32_t blocks[][2] = {
		{1 + 3 * MSS, 1 + 3 * MSS},          /* empty */
		{1 + 4 * MSS, 1 + 3 * MSS},          /* inverted */
		{1 + 8 * MSS, 1 + 11 * MSS},         /* beyond what was sent */
		{1 + 20 * MSS, 1 + 21 * MSS},
		{0x80000000u, 0x80000000u + MSS},
		{1 + 3 * MSS + 1, 1 + 4 * MSS + 1},  /* no segment whole */
		{2 + 5 * MSS, 6 * MSS},
		{1, 1 + MSS},                        /* acknowledged long ago: a duplicate of nothing that went twice */
	};

	in_flight(10);
	rig_tcp_push(&t, RIG_ACK, 1, 1 + 2 * MSS, 0);
	rig_poll(&rig);
	for (unsigned i = 0; i < sizeof(blocks) / sizeof(blocks[0]); i++)
		sack(1 + 2 * MSS, blocks[i][0], blocks[i][1]);
	ck_assert_uint_eq(conn()->sendq->sacked, 0);
	ck_assert_uint_eq(conn()->sendq->in_flight, 8 * MSS);
	ck_assert_uint_eq(rig_moved(&rig, MR_CNT_TCP_FAST_RETRANSMITS), 0);
	rig_expect_none(&rig);
	/* Beside an empty one nothing is believed. */
	rig_tcp_push(&t, RIG_ACK, 1, 1 + 2 * MSS, 0, .n_sack = 2,
	             .sack = {{1 + 4 * MSS, 1 + 5 * MSS}, {1 + 7 * MSS, 1 + 7 * MSS}});
	rig_poll(&rig);
	ck_assert_uint_eq(conn()->sendq->sacked, 0);
	/* An honest one among them is heard; only whole segments count (SK-10). */
	sack(1 + 2 * MSS, 1 + 4 * MSS - 100, 1 + 6 * MSS + 100);
	ck_assert_uint_eq(conn()->sendq->sacked, 2);
	ck_assert_uint_eq(conn()->sendq->in_flight, 6 * MSS);
	rig_discard(&rig);
}
END_TEST

/* SK-08: an ACK that comes late tells of nothing that came twice, though SND.UNA has passed its block since. */
START_TEST(late_block_is_no_duplicate)
{
	in_flight(10);
	rig_tcp_push(&t, RIG_ACK, 1, 1 + 6 * MSS, 0);
	rig_poll(&rig);
	sack(1 + 3 * MSS, 1 + 4 * MSS, 1 + 5 * MSS);
	ck_assert_uint_eq(conn()->rack.reo_mult, 0);
	sack(1 + 6 * MSS, 1 + 4 * MSS, 1 + 5 * MSS); /* this one does */
	ck_assert_uint_eq(conn()->rack.reo_mult, 1);
	rig_discard(&rig);
}
END_TEST

/* SK-12: what was sent in a recovery and is SACKED stays on the scoreboard when the recovery ends, and the next one knows. */
START_TEST(beyond_the_recovery_point)
{
	in_flight(10);
	sack(1, 1 + MSS, 1 + 10 * MSS);
	ck_assert(conn()->flags & TCP_F_RECOVERY);
	ck_assert_int_eq(rig_ep_send(t.ep, (uint64_t)sent * MSS, 4 * MSS), 4 * MSS);
	rig_discard(&rig);
	ck_assert_uint_eq(conn()->snd_nxt - conn()->iss - 1, 14 * MSS);
	rig_advance(&rig, RTT);
	rig_tcp_push(&t, RIG_ACK, 1, 1, 0, .n_sack = 2, .sack = {{1 + 12 * MSS, 1 + 13 * MSS}, {1 + MSS, 1 + 10 * MSS}});
	rig_poll(&rig);
	rig_discard(&rig);
	rig_tcp_push(&t, RIG_ACK, 1, 1 + 10 * MSS, 0, .n_sack = 1, .sack = {{1 + 12 * MSS, 1 + 13 * MSS}});
	rig_poll(&rig);
	ck_assert_uint_eq(conn()->sendq->sacked, 1);
	ck_assert_uint_eq(tcp_seg(tcp_seg(tcp_seg(conn()->sendq->head)->next)->next)->flags & TCP_SEG_SACKED, TCP_SEG_SACKED);
	ck_assert(!(conn()->flags & TCP_F_RECOVERY) || seq_gt(conn()->recover, conn()->iss + 10 * MSS + 1));
	rig_discard(&rig);
	rig_tcp_push(&t, RIG_ACK, 1, 1 + 14 * MSS, 0);
	rig_poll(&rig);
	ck_assert(!(conn()->flags & TCP_F_RECOVERY));
	rig_discard(&rig);
}
END_TEST

/* SK-13: what was SACKed is not sent again, after a timeout in the recovery either; and that is no new recovery. */
START_TEST(sacked_is_not_sent_again)
{
	const struct rig_frame *f;

	in_flight(10);
	rig_tcp_push(&t, RIG_ACK, 1, 1, 0, .n_sack = 3,
	             .sack = {{1 + 8 * MSS, 1 + 9 * MSS}, {1 + 5 * MSS, 1 + 7 * MSS}, {1 + MSS, 1 + 3 * MSS}});
	rig_poll(&rig);
	rig_advance(&rig, 2 * RIG_S);
	while ((f = rig_next(&rig))) {
		uint32_t i = (rig_tcp_seq(&t, f) - 1) / MSS;

		ck_assert_msg(i == 0 || i == 3 || i == 4 || i == 7 || i == 9, "segment %u", i);
	}
	ck_assert_uint_ge(rig_moved(&rig, MR_CNT_TCP_RTO), 1);
	ck_assert_uint_eq(rig_moved(&rig, MR_CNT_TCP_FAST_RETRANSMITS), 1);
	ck_assert(conn()->flags & TCP_F_RTO_RECOVERY);
	rig_tcp_push(&t, RIG_ACK, 1, 1 + MSS, 0, .n_sack = 1, .sack = {{1 + 8 * MSS, 1 + 9 * MSS}});
	rig_poll(&rig);
	ck_assert_uint_eq(rig_moved(&rig, MR_CNT_TCP_FAST_RETRANSMITS), 1);
	rig_discard(&rig);
}
END_TEST

/* SK-05, SK-06, RFC 2018 8: the peer has thrown away what it had SACKed. After the timeout all goes out again. */
START_TEST(reneging)
{
	bool again[10] = {false};
	uint32_t acked = 1;

	in_flight(10);
	sack(1, 1 + MSS, 1 + 10 * MSS);
	rig_discard(&rig);
	/* The first arrives, but nothing of what should follow it is acknowledged with it. */
	rig_tcp_push(&t, RIG_ACK, 1, 1 + MSS, 0);
	rig_expect_none(&rig);
	ck_assert_uint_eq(conn()->sendq->sacked, 9);
	for (unsigned guard = 0; acked < 10 && guard < 100; guard++) {
		const struct rig_frame *f;

		ck_assert(rig_advance_until_frame(&rig, 10 * RIG_S));
		while ((f = rig_next(&rig)))
			again[(rig_tcp_seq(&t, f) - 1) / MSS] = true;
		while (acked < 10 && again[acked])
			acked++;
		rig_tcp_push(&t, RIG_ACK, 1, 1 + acked * MSS, 0);
		rig_poll(&rig);
	}
	ck_assert_uint_eq(acked, 10);
	ck_assert_uint_eq(rig_moved(&rig, MR_CNT_TCP_RTO), 1);
	ck_assert_ptr_null(conn()->sendq->head);
	rig_discard(&rig);
}
END_TEST

/* What reading a block costs: one that goes on where a known run ends, nothing; another, the way from the nearer end. */
START_TEST(price_of_a_block)
{
	struct tcp_sendq *q;

	in_flight(100);
	q = conn()->sendq;
	sack(1, 1 + 50 * MSS, 1 + 51 * MSS);
	q->sack_credit = 0;
	sack(1, 1 + 51 * MSS, 1 + 52 * MSS);
	ck_assert_uint_eq(q->sacked, 2);
	q->sack_credit = 2;
	sack(1, 1 + 2 * MSS, 1 + 3 * MSS);
	ck_assert_uint_eq(q->sacked, 3);
	ck_assert_uint_eq(q->sack_credit, 0);
	q->sack_credit = 2;
	sack(1, 1 + 97 * MSS, 1 + 98 * MSS);
	ck_assert_uint_eq(q->sacked, 4);
	ck_assert_uint_eq(q->sack_credit, 0);
	sack(1, 1 + 70 * MSS, 1 + 71 * MSS); /* too far for who has paid nothing */
	ck_assert_uint_eq(q->sacked, 4);
	rig_discard(&rig);
}
END_TEST

/* SK-14, nasty case 29: thousands of holes, each block another place. What reading them may cost is paid for by what is
 * acknowledged: then nobody listens; and when the peer goes on honestly, somebody does. */
START_TEST(flood)
{
	struct mr_rng r;
	uint32_t n = 2000;

	mr_rng_seed(&r, 1);
	in_flight(n);
	ck_assert_uint_eq(conn()->sendq->sack_credit, TCP_SACK_CREDIT);
	for (unsigned i = 0; i < 5000; i++) {
		uint32_t at[3], before = conn()->sendq->sack_credit;

		for (unsigned k = 0; k < 3; k++)
			at[k] = 1 + (1 + 2 * mr_rng_below(&r, n / 2 - 1)) * MSS;
		rig_tcp_push(&t, RIG_ACK, 1, 1, 0, .n_sack = 3,
		             .sack = {{at[0], at[0] + MSS}, {at[1], at[1] + MSS}, {at[2], at[2] + MSS}});
		rig_poll(&rig);
		ck_assert_uint_le(conn()->sendq->sack_credit, before); /* nothing is earned by it */
		rig_discard(&rig);
	}
	ck_assert_uint_le(conn()->sendq->sacked, n / 2);
	/* All arrives, and the next loss is seen by SACK as ever. */
	rig_tcp_push(&t, RIG_ACK, 1, 1 + n * MSS, 0);
	rig_poll(&rig);
	ck_assert_ptr_null(conn()->sendq->head);
	ck_assert_ptr_null(conn()->sendq->newest_run);
	ck_assert_uint_eq(conn()->sendq->in_flight + conn()->sendq->lost + conn()->sendq->sacked, 0);
	rig_discard(&rig);
	conn()->cc.cwnd = 20 * MSS;
	ck_assert_int_eq(rig_ep_send(t.ep, (uint64_t)n * MSS, 10 * MSS), 10 * MSS);
	ck_assert_uint_ge(conn()->sendq->sack_credit, TCP_SACK_CREDIT);
	rig_discard(&rig);
	rig_advance(&rig, RTT);
	rig_mark(&rig);
	sack(1 + n * MSS, 1 + (n + 1) * MSS, 1 + (n + 5) * MSS);
	rig_advance(&rig, RTT); /* the random blocks looked like reordering: a loss takes longer to believe in */
	ck_assert_uint_eq(rig_moved(&rig, MR_CNT_TCP_FAST_RETRANSMITS), 1);
	rig_discard(&rig);
}
END_TEST

static Suite *
suite(void)
{
	Suite *s = suite_create("tcp_scoreboard");
	TCase *tc = rig_case(s, "scoreboard", setup, rig_teardown);

	tcase_add_test(tc, senseless_blocks);
	tcase_add_test(tc, late_block_is_no_duplicate);
	tcase_add_test(tc, beyond_the_recovery_point);
	tcase_add_test(tc, sacked_is_not_sent_again);
	tcase_add_test(tc, reneging);
	tcase_add_test(tc, price_of_a_block);
	tcase_add_test(tc, flood);
	return s;
}

RIG_MAIN(suite)
