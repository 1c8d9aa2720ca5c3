/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Segments that a link cuts (TSO, I-22): what leaves the link is what would have left it without, byte for byte, whatever
 * the application, the windows and the peer do; and each segment is acknowledged, lost and sent again by itself. The rig's
 * link judges each frame that it is to cut, and cuts it by the book (rig/cut.c). Packets that a device has made of several
 * segments are taken as what they are.
 */
#include "tcp_wire.h"

static void
setup(void)
{
	no_large = false;
	start(TSO_V4, 64, false, false, false);
}

static void
setup_no_large(void)
{
	no_large = true;
	start(TSO_V4, 64, false, false, false);
}

static void
send_segs(uint32_t first, uint32_t n)
{
	write_once(first * MSS, n * MSS);
}

static void
expect_segs(uint32_t first, uint32_t n)
{
	for (uint32_t i = first; i < first + n; i++)
		rig_tcp_expect(&t, RIG_ACK, 1 + i * MSS, RIG_ANY, MSS, .pattern = true);
}

/* ---- the wire is the same */

/* By bits: IPv6, timestamps, ECN, a link that leaves IPv4's sum to us; no large packets. */
START_TEST(same_wire)
{
	bool v6 = _i & 1, ts = _i & 2, ecn = _i & 4;
	uint32_t caps = _i & 8 ? TSO : TSO_V4;

	no_large = _i & 16;
	start(caps, 64, v6, ts, ecn);
	play(&with);
	ck_assert_uint_gt(rig.n_cut, 5);
	rig_teardown();
	start(caps & ~MR_LINK_CAP_TX_TSO, 64, v6, ts, ecn);
	play(&without);
	ck_assert_uint_eq(rig.n_cut, 0);
	rig_teardown();
	ck_assert_uint_gt(with.n, 150000);
	ck_assert_uint_eq(with.n, without.n);
	ck_assert_int_eq(memcmp(with.b, without.b, with.n), 0);
}
END_TEST

/* ---- how much goes together */

static void
frames(unsigned expected)
{
	rig_poll(&rig);
	ck_assert_uint_eq(rig.n_cut, expected);
}

START_TEST(one_frame)
{
	send_segs(0, 10);
	frames(1);
	ck_assert_uint_eq(rig.cut_pieces, 10);
	expect_segs(0, 9);
	rig_tcp_expect(&t, RIG_ACK | RIG_PSH, 1 + 9 * MSS, 1, MSS, .pattern = true, .exact = true);
	rig_expect_none(&rig);
	/* The device has one frame; TCP has sent ten segments. */
	ck_assert_uint_eq(rig_moved(&rig, MR_CNT_NIC_TX_PACKETS), 1);
	ck_assert_uint_eq(rig_moved(&rig, MR_CNT_TCP_TX_SEGMENTS), 10);
}
END_TEST

/* A segment that is alone is not dressed up. */
START_TEST(alone)
{
	send_segs(0, 1);
	frames(0);
	expect_segs(0, 1);
	write_once(MSS, 100);
	frames(0);
	rig_tcp_expect(&t, RIG_ACK | RIG_PSH, 1 + MSS, 1, 100, .pattern = true);
}
END_TEST

/* The peer's window has room for one of two. */
START_TEST(alone_after_all)
{
	rig_tcp_push(&t, RIG_ACK, 1, 1, 0, .wnd = 20); /* 2,560 bytes */
	rig_poll(&rig);
	send_segs(0, 3);
	frames(0);
	expect_segs(0, 1);
	rig_expect_none(&rig);
	rig_tcp_push(&t, RIG_ACK, 1, 1 + MSS, 0, .wnd = 65535);
	frames(1);
	expect_segs(1, 2);
}
END_TEST

/* A push ends a frame: it is in the last segment's header only. */
START_TEST(push_ends)
{
	send_segs(0, 5);
	send_segs(5, 5);
	frames(2);
	expect_segs(0, 4);
	rig_tcp_expect(&t, RIG_ACK | RIG_PSH, 1 + 4 * MSS, 1, MSS, .exact = true);
	expect_segs(5, 4);
	rig_tcp_expect(&t, RIG_ACK | RIG_PSH, 1 + 9 * MSS, 1, MSS, .exact = true);
}
END_TEST

/* No more than IP can tell the length of. */
START_TEST(sixty_four_kib)
{
	send_segs(0, 100);
	frames(3);
	expect_segs(0, 100);
	ck_assert_uint_eq(rig.cut_pieces, 100 - 2 * (65417 / MSS));
	rig_expect_no_drop(&rig);
}
END_TEST

/* No more pieces than the link takes; those of large packets: test_tcp_large.c. */
START_TEST(few_pieces)
{
	no_large = true;
	start(TSO_V4, 4, false, false, false);
	send_segs(0, 10);
	frames(3);
	ck_assert_uint_eq(rig.cut_pieces, 2);
	expect_segs(0, 10);
	rig_teardown();
}
END_TEST

/* A link that cuts, but takes no chains or computes no sums, is not asked to. */
START_TEST(half_a_link)
{
	start(MR_LINK_CAP_TX_TSO, 64, false, false, false);
	send_segs(0, 10);
	frames(0);
	expect_segs(0, 10);
	rig_teardown();
	rig_init(&rig, &(struct rig_opts){.caps = TSO, .no_multi_segs = true});
	rig_tcp_init(&t, &rig, false);
	rig_tcp_establish_passive(&t);
	send_segs(0, 5);
	frames(0);
	expect_segs(0, 5);
	rig_teardown();
}
END_TEST

/* CWR is told once, by a segment of its own; the rest goes together (RFC 3168 6.1.2). */
START_TEST(cwr_alone)
{
	const struct rig_frame *f;

	start(TSO_V4, 64, false, false, true);
	send_segs(0, 40);
	frames(1);
	expect_segs(0, 40);
	rig_tcp_push(&t, RIG_ACK | RIG_ECE, 1, 1 + 40 * MSS, 0);
	rig_poll(&rig);
	send_segs(40, 10);
	frames(2);
	for (uint32_t i = 40; i < 50; i++) {
		f = rig_tcp_next(&t);
		ck_assert_uint_eq(rig_tcp_seq(&t, f), 1 + i * MSS);
		ck_assert_uint_eq(!!(f->flags & RIG_CWR), i == 40);
		ck_assert_uint_eq(f->tos, 2);
	}
	ck_assert_uint_eq(rig.cut_pieces, 9);
	rig_teardown();
}
END_TEST

/* Each header tells how far away the end of urgent data is: none can be repeated until the peer has it (RFC 9293 3.8.5). */
START_TEST(urgent_alone)
{
	static uint8_t block[5 * MSS];
	const struct rig_frame *f;

	ck_assert_int_eq(mr_tcp_send_urgent(t.ep, block, sizeof(block)), sizeof(block));
	frames(0);
	for (uint32_t i = 0; i < 5; i++) {
		f = rig_tcp_next(&t);
		ck_assert_uint_eq(rig_tcp_seq(&t, f), 1 + i * MSS);
		ck_assert(f->flags & RIG_URG);
	}
	rig_tcp_push(&t, RIG_ACK, 1, 1 + 5 * MSS, 0);
	rig_poll(&rig);
	send_segs(5, 1); /* whoever tells finds that it is over */
	rig_poll(&rig);
	send_segs(6, 5);
	frames(1);
}
END_TEST

/* ---- what becomes of the segments */

static void
lose_some(void)
{
	rig_tcp_push(&t, RIG_ACK, 1, 1 + 2 * MSS, 0, .n_sack = 2,
	             .sack = {{1 + 8 * MSS, 1 + 10 * MSS}, {1 + 3 * MSS, 1 + 5 * MSS}});
	rig_poll(&rig);
	rig_advance(&rig, RIG_MS);
}

/* Of a frame's ten segments four arrive; those that are missing are sent again, and no other. */
START_TEST(part_is_lost)
{
	send_segs(0, 10);
	frames(1);
	expect_segs(0, 10);
	rig_advance(&rig, RIG_MS);
	lose_some();
	expect_segs(2, 1);
	expect_segs(5, 3);
	ck_assert_uint_eq(rig.n_cut, 1);
	ck_assert_uint_eq(rig_moved(&rig, MR_CNT_TCP_RETRANSMITS), 4);
	rig_tcp_push(&t, RIG_ACK, 1, 1 + 10 * MSS, 0);
	rig_poll(&rig);
	rig_expect_none(&rig);
}
END_TEST

/* While the link still has the frame, copies go out; the frame stays as it is. What is acknowledged meanwhile, or belongs
 * to a connection that ends, stays until the link lets it go. */
START_TEST(link_still_reads)
{
	rig.hold = true;
	send_segs(0, 10);
	frames(1);
	expect_segs(0, 10);
	rig_advance(&rig, RIG_MS);
	lose_some();
	expect_segs(2, 1);
	expect_segs(5, 3);
	rig_tcp_push(&t, RIG_ACK, 1, 1 + 7 * MSS, 0);
	rig_poll(&rig);
	send_segs(10, 20);
	rig_poll(&rig);
	if (_i == 0)
		rig_let_go(&rig);
	rig_tcp_push(&t, RIG_RST, 1, 0, 0);
	rig_poll(&rig);
	rig_let_go(&rig);
}
END_TEST

/* Those that were in a frame are sent again in their own mbufs once the link is done with it. */
START_TEST(again_alone)
{
	send_segs(0, 10);
	frames(1);
	expect_segs(0, 10);
	rig_advance(&rig, 3 * RIG_S);
	ck_assert_uint_gt(rig_moved(&rig, MR_CNT_TCP_RETRANSMITS), 0);
	ck_assert_uint_eq(rig.n_cut, 1);
	rig_discard(&rig);
	rig_tcp_push(&t, RIG_ACK, 1, 1 + 5 * MSS, 0);
	rig_poll(&rig);
	rig_advance(&rig, 3 * RIG_S);
	rig_discard(&rig);
	rig_tcp_push(&t, RIG_ACK, 1, 1 + 10 * MSS, 0);
	rig_poll(&rig);
	rig_expect_none(&rig);
}
END_TEST

/* The link stops in the middle: what has no room waits, and nothing is lost or out of order. */
START_TEST(room_ends)
{
	no_large = _i;
	start(TSO_V4, 1, false, false, false);
	rig_teardown();
	start(TSO_V4, 2, false, false, false);
	rig.tx_room = 0;
	send_segs(0, 1000);
	for (unsigned i = 0; i < 5; i++)
		rig_turn(&rig);
	rig.tx_room = 7;
	rig_turn(&rig);
	rig.tx_room = -1;
	for (unsigned i = 0; i < 5; i++)
		rig_turn(&rig);
	expect_segs(0, 1000);
	rig_expect_none(&rig);
	rig_expect_no_drop(&rig);
	ck_assert_uint_eq(rig_moved(&rig, MR_CNT_TCP_RETRANSMITS), 0);
	rig_teardown();
}
END_TEST

/* ---- the other way */

/* A packet of 20 segments is taken whole, acknowledged at once, and what a full segment is stays as it was (SHLD-18). */
START_TEST(large_receive)
{
	struct mr_tcp_info info;

	rig_tcp_push(&t, RIG_ACK, 1, 1, MSS);
	rig_advance(&rig, RIG_S);
	rig_discard(&rig);
	rig.rx_lro = MSS;
	rig.rx_seg_bytes = 2000;
	rig_tcp_push(&t, RIG_ACK, 1 + MSS, 1, 20 * MSS);
	rig_tcp_expect(&t, RIG_ACK, 1, 1 + 21 * MSS, 0);
	ck_assert_int_eq(mr_tcp_info(t.ep, &info), 0);
	ck_assert_uint_eq(info.rcv_mss, MSS);
	/* Each mbuf counts against what may be held. */
	ck_assert_uint_eq(rig.stack->rx_held, 1 + 15);
	rig_ep_recv(t.ep, 0, 21 * MSS);
	ck_assert_uint_eq(rig.stack->rx_held, 0);
	/* Out of order too. */
	rig_tcp_push(&t, RIG_ACK, 1 + 31 * MSS, 1, 10 * MSS);
	rig_poll(&rig);
	ck_assert_uint_eq(rig.stack->rx_held, 8);
	rig_tcp_push(&t, RIG_ACK, 1 + 21 * MSS, 1, 15 * MSS);
	rig_poll(&rig);
	rig_ep_recv(t.ep, 21 * MSS, 20 * MSS);
	ck_assert_uint_eq(rig.stack->rx_held, 0);
}
END_TEST

static void
add_frames(TCase *tc)
{
	tcase_add_test(tc, one_frame);
	tcase_add_test(tc, alone);
	tcase_add_test(tc, alone_after_all);
	tcase_add_test(tc, push_ends);
	tcase_add_test(tc, sixty_four_kib);
	tcase_add_test(tc, urgent_alone);
	tcase_add_test(tc, part_is_lost);
	tcase_add_loop_test(tc, link_still_reads, 0, 2);
	tcase_add_test(tc, again_alone);
	tcase_add_test(tc, large_receive);
}

static Suite *
make_suite(void)
{
	Suite *s = suite_create("tcp_tso");
	TCase *tc = rig_case(s, "wire", NULL, NULL);

	tcase_add_loop_test(tc, same_wire, 0, 32);
	tc = rig_case(s, "links", NULL, NULL);
	tcase_add_test(tc, few_pieces);
	tcase_add_test(tc, half_a_link);
	tcase_add_test(tc, cwr_alone);
	tcase_add_loop_test(tc, room_ends, 0, 2);
	add_frames(rig_case(s, "frames", setup, rig_teardown));
	add_frames(rig_case(s, "frames, no large packets", setup_no_large, rig_teardown));
	return s;
}

RIG_MAIN(make_suite)
