/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The search for a larger path MTU that no router tells of (RFC 4821; PM-10, PM-11): by probes, whose loss is nothing but
 * that.
 */
#include "mtu_way.h"

static void
start_small(bool v6, bool sack)
{
	probing(MR_TCP_MTU_PROBING_ALWAYS);
	connect_peer(v6, sack);
	ck_assert_uint_eq(pmtu(), v6 ? 1280 : 1064);
}

/* The first segment of the flight is a probe of so many bytes. */
static void
expect_probe(uint32_t bytes)
{
	rig_poll(&rig);
	ck_assert_ptr_nonnull(rig_peek(&rig));
	ck_assert_uint_eq(rig_peek(&rig)->payload_len, bytes);
}

/* PM-10, PM-11: whatever the way takes is found to a few bytes, by connections that come and go, and few probes are lost. */
START_TEST(finds)
{
	static const uint32_t ways[] = {1500, 1499, 1492, 1460, 1400, 1350, 1300, 1288};
	bool v6 = _i & 1, sack = _i & 2;
	uint32_t way = ways[_i >> 2], base = v6 ? 1280 : 1064;

	takes = way - (v6 ? 60 : 40);
	probing(MR_TCP_MTU_PROBING_ALWAYS);
	for (unsigned i = 0; i < 20; i++) {
		connect_peer(v6, sack);
		ck_assert_uint_ge(pmtu(), base);
		base = pmtu();
		for (unsigned k = 0; k < 5; k++) {
			write_more(30000);
			deliver_all();
		}
		ck_assert_uint_le(pmtu(), way);
		ck_assert_uint_le(rig_moved(&rig, MR_CNT_TCP_MTU_PROBES_LOST), 12);
		ck_assert_uint_eq(rig_moved(&rig, MR_CNT_TCP_RTO), 0);
		ck_assert_uint_eq(rig_moved(&rig, MR_CNT_TCP_FAST_RETRANSMITS), 0);
		disconnect();
		rig_advance(&rig, RIG_S);
	}
	connect_peer(v6, true);
	ck_assert_uint_ge(pmtu() + 8, way);
	/* Now there is nothing to be tried. */
	write_more(100000);
	deliver_all();
	ck_assert_uint_eq(rig_moved(&rig, MR_CNT_TCP_MTU_PROBES), 0);
}
END_TEST

/* A probe is lost by chance: the window stays, and nothing is said to have been lost but it; its bytes go again in segments
 * of the old size, at once. */
START_TEST(lost_by_chance)
{
	bool v6 = _i & 1;
	uint32_t full = v6 ? 1440 : 1460, small = v6 ? 1220 : 1024, cwnd, ssthresh;

	start_small(v6, _i & 2);
	write_more(10 * small);
	expect_probe(full);
	cwnd = conn()->cc.cwnd;
	ssthresh = conn()->cc.ssthresh;
	lose_seq = 1;
	round_trip();
	ck_assert_uint_eq(n_lost, 1);
	if (t.sack) {
		ck_assert_uint_eq(una, 1);
		round_trip();
		ck_assert_uint_eq(n_segs, 2);
		ck_assert_uint_eq(largest, small);
	}
	deliver_all();
	ck_assert_uint_ge(conn()->cc.cwnd, cwnd);
	ck_assert_uint_eq(conn()->cc.ssthresh, ssthresh);
	ck_assert_uint_eq(rig_moved(&rig, MR_CNT_TCP_RETRANSMITS), 2);
	ck_assert_uint_eq(rig_moved(&rig, MR_CNT_TCP_FAST_RETRANSMITS), 0);
	ck_assert_uint_eq(rig_moved(&rig, MR_CNT_TCP_RTO), 0);
	ck_assert_uint_eq(rig_moved(&rig, MR_CNT_TCP_MTU_PROBES_LOST), 1);
	ck_assert_uint_eq(pmtu(), v6 ? 1280 : 1064);
	/* The same size, after a while. */
	rig_advance(&rig, 150 * RIG_MS);
	write_more(10 * small);
	expect_probe(small);
	deliver_all();
	rig_advance(&rig, RIG_S);
	write_more(10 * small);
	expect_probe(full);
	deliver_all();
	ck_assert_uint_eq(pmtu(), 1500);
}
END_TEST

/* Something else is lost with it: that is congestion, and says nothing about the size, however often. */
START_TEST(lost_with_others)
{
	probing(MR_TCP_MTU_PROBING_ALWAYS);
	for (unsigned i = 0; i < 5; i++) {
		uint32_t cwnd;

		connect_peer(false, true);
		ck_assert_uint_eq(pmtu(), 1064);
		write_more(10 * 1024);
		expect_probe(1460);
		cwnd = conn()->cc.cwnd;
		takes = 1024;
		lose_seq = 1 + 1460 + 588;
		round_trip();
		ck_assert_uint_eq(n_lost, 2);
		deliver_all();
		ck_assert_uint_lt(conn()->cc.cwnd, cwnd);
		ck_assert_uint_eq(rig_moved(&rig, MR_CNT_TCP_FAST_RETRANSMITS), 1);
		ck_assert_uint_eq(rig_moved(&rig, MR_CNT_TCP_MTU_PROBES_LOST), 1);
		disconnect();
		rig_advance(&rig, 2 * RIG_S);
	}
	takes = 1460;
	connect_peer(false, true);
	write_more(10 * 1024);
	expect_probe(1460);
	deliver_all();
	ck_assert_uint_eq(pmtu(), 1500);
}
END_TEST

/* A timeout is one, whatever was lost in it; the probe's size is doubted no more than by any other loss of it. */
START_TEST(lost_with_all)
{
	start_small(false, true);
	for (unsigned i = 0; i < 2; i++) {
		write_more(10 * 1024);
		expect_probe(1460);
		takes = 0;
		while (rig_moved(&rig, MR_CNT_TCP_RTO) == i) {
			round_trip();
			ck_assert(rig_advance_until_frame(&rig, 10 * RIG_S));
		}
		takes = 1024;
		deliver_all();
		ck_assert_uint_eq(rig_moved(&rig, MR_CNT_TCP_MTU_PROBES_LOST), i + 1);
		ck_assert_uint_eq(conn()->cc.ssthresh < 10 * 1024, true);
		conn()->cc.cwnd = 10 * 1024;
		rig_advance(&rig, RIG_S);
	}
	ck_assert_uint_eq(rig_moved(&rig, MR_CNT_TCP_BLACK_HOLES), 0);
	takes = 1460;
	write_more(10 * 1024);
	expect_probe(1460);
	deliver_all();
	ck_assert_uint_eq(pmtu(), 1500);
}
END_TEST

/* None without as much behind it as shows its loss at once: data, the peer's window, the congestion window. */
START_TEST(preconditions)
{
	start_small(false, true);
	switch (_i) {
	case 0: /* one byte less than there must be */
		write_more(1460 + 3 * 1024 - 1);
		break;
	case 1:
		rig_tcp_push(&t, RIG_ACK, 1, 1, 0, .wnd = (1460 + 3 * 1024) >> 7);
		rig_poll(&rig);
		write_more(20000);
		break;
	case 2:
		conn()->cc.cwnd = 1460 + 3 * 1024 - 1;
		write_more(20000);
		break;
	default:
		write_more(1460 + 3 * 1024);
		expect_probe(1460);
		rig_discard(&rig);
		return;
	}
	expect_probe(1024);
	rig_discard(&rig);
	ck_assert_uint_eq(rig_moved(&rig, MR_CNT_TCP_MTU_PROBES), 0);
}
END_TEST

/* It waits until the congestion window has room for all of it, and what is new waits behind it. */
START_TEST(waits_for_room)
{
	start_small(false, true);
	conn()->cc.ssthresh = conn()->cc.cwnd = 8 * 1024;
	write_more(4000);
	rig_poll(&rig);
	ck_assert_uint_eq(rig_moved(&rig, MR_CNT_TCP_MTU_PROBES), 0);
	write_more(3500 + 1460 + 3 * 1024); /* in flight: 4000 */
	rig_poll(&rig);
	ck_assert_uint_eq(rig_moved(&rig, MR_CNT_TCP_MTU_PROBES), 1);
	deliver_all();
	ck_assert_uint_eq(pmtu(), 1500);
}
END_TEST

/* A router tells of the probe what it takes: that is tried next, and nobody is congested. What it tells of the size that all
 * have counts as ever. */
START_TEST(router_tells)
{
	const struct rig_frame *f;
	uint32_t cwnd;

	start_small(false, true);
	write_more(10 * 1024);
	expect_probe(1460);
	cwnd = conn()->cc.cwnd;
	f = rig_peek(&rig);
	lose_seq = 1;
	rig_push_icmp(&rig, .type = 3, .code = 4, .rest = _i ? 800 : 1400, .data = f->b + 14, .len = 40);
	rig_poll(&rig);
	ck_assert_uint_eq(pmtu(), _i ? 800 : 1064);
	takes = _i ? 760 : 1360;
	deliver_all();
	ck_assert_uint_ge(conn()->cc.cwnd, _i ? cwnd * 3 / 4 : cwnd);
	ck_assert_uint_eq(rig_moved(&rig, MR_CNT_TCP_FAST_RETRANSMITS), 0);
	ck_assert_uint_eq(rig_moved(&rig, MR_CNT_TCP_MTU_PROBES_LOST), 1);
	rig_advance(&rig, RIG_S);
	write_more(10 * 1024);
	expect_probe(_i ? 760 : 1360);
	deliver_all();
	ck_assert_uint_eq(pmtu(), _i ? 800 : 1400);
	/* It is believed for ten minutes. */
	rig_mark(&rig);
	for (unsigned i = 0; i < 11; i++) {
		rig_advance(&rig, 50 * RIG_S);
		write_more(10 * 1024);
		deliver_all();
	}
	ck_assert_uint_eq(rig_moved(&rig, MR_CNT_TCP_MTU_PROBES), 0);
}
END_TEST

/* The peer's MSS is the most, even if the way takes more. */
START_TEST(peer_takes_less)
{
	struct mr_ep *listener;

	probing(MR_TCP_MTU_PROBING_ALWAYS);
	rig_tcp_init(&t, &rig, false);
	rig_tcp_listen(&t, 4);
	listener = t.listener;
	rig_tcp_init(&t, &rig, false);
	t.listener = listener;
	t.mss = _i ? 1200 : 900;
	rig_tcp_establish_passive(&t);
	memset(got, 0, sizeof(got));
	una = 1;
	written = 0;
	for (unsigned i = 0; i < 10; i++) {
		write_more(10000);
		deliver_all();
		rig_advance(&rig, RIG_S);
	}
	ck_assert_uint_eq(conn()->mss, _i ? 1200 : 900);
	ck_assert_uint_eq(rig_moved(&rig, MR_CNT_TCP_MTU_PROBES_LOST), 0);
	ck_assert_uint_eq(rig_moved(&rig, MR_CNT_TCP_MTU_PROBES), _i);
}
END_TEST

/* A guess that was wrong, or a way that has become wider, heals: at once, or after the time in which none are tried. */
START_TEST(heals)
{
	connect_peer(false, true);
	takes = 1024;
	write_more(3 * 1460);
	deliver_all();
	ck_assert_uint_eq(pmtu(), 1064);
	if (_i) {
		for (unsigned i = 0; i < 40; i++) {
			write_more(10000);
			deliver_all();
			rig_advance(&rig, RIG_S);
		}
		ck_assert_uint_le(pmtu(), 1064);
		ck_assert_uint_ge(rig_moved(&rig, MR_CNT_TCP_MTU_PROBES_LOST), 9);
	}
	takes = 1460;
	write_more(20000);
	deliver_all();
	ck_assert_uint_eq(pmtu(), _i ? 1064 : 1500);
	rig_advance(&rig, 600 * RIG_S);
	write_more(20000);
	deliver_all();
	ck_assert_uint_eq(pmtu(), 1500);
}
END_TEST

/* A link that cuts segments: the probe goes by itself. */
START_TEST(alone_in_its_frame)
{
	rig_fini(&rig);
	rig_init(&rig, &(struct rig_opts){.caps = MR_LINK_CAP_TX_TSO | MR_LINK_CAP_TX_TCP_CKSUM | MR_LINK_CAP_TX_IPV4_CKSUM,
	                                  .tso_segs = 64});
	t.listener = NULL;
	start_small(false, true);
	takes = 1400;
	for (unsigned i = 0; i < 20; i++) {
		write_more(40000);
		deliver_all();
		rig_advance(&rig, RIG_S);
	}
	ck_assert_uint_gt(rig.n_cut, 50);
	ck_assert_uint_ge(pmtu(), 1432);
	ck_assert_uint_le(pmtu(), 1440);
	ck_assert_uint_eq(rig_moved(&rig, MR_CNT_TCP_FAST_RETRANSMITS), 0);
}
END_TEST

static Suite *
suite(void)
{
	Suite *s = suite_create("tcp_mtu_search");
	TCase *c = rig_case(s, "search", setup, teardown);

	tcase_add_loop_test(c, finds, 0, 32);
	tcase_add_loop_test(c, lost_by_chance, 0, 4);
	tcase_add_test(c, lost_with_others);
	tcase_add_test(c, lost_with_all);
	tcase_add_loop_test(c, preconditions, 0, 4);
	tcase_add_test(c, waits_for_room);
	tcase_add_loop_test(c, router_tells, 0, 2);
	tcase_add_loop_test(c, peer_takes_less, 0, 2);
	tcase_add_loop_test(c, heals, 0, 2);
	tcase_add_test(c, alone_in_its_frame);
	return s;
}

RIG_MAIN(suite)
