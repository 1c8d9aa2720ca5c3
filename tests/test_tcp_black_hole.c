/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Ways on which large segments vanish (RFC 4821 7.7; PM-09): segments get smaller where just those do, and only there.
 */
#include "mtu_way.h"

/* PM-09: only smaller ones arrive, so the others are smaller; the peer's next connection knows, however late it comes. */
START_TEST(black_hole)
{
	bool v6 = _i & 1;
	uint32_t full = v6 ? 1440 : 1460, small = v6 ? 1220 : 1024;

	connect_peer(v6, _i & 2);
	takes = small;
	write_more(3 * full);
	deliver_all();
	ck_assert_uint_eq(rig_moved(&rig, MR_CNT_TCP_BLACK_HOLES), 1);
	ck_assert_uint_eq(rig_moved(&rig, MR_CNT_TCP_RTO), 2);
	ck_assert_uint_eq(pmtu(), v6 ? 1280 : 1064);
	disconnect();
	for (unsigned i = 0; i < 2; i++) {
		connect_peer(v6, true);
		ck_assert_uint_eq(pmtu(), v6 ? 1280 : 1064);
		write_more(2 * small);
		round_trip();
		ck_assert_uint_eq(n_lost, 0);
		disconnect();
		rig_advance(&rig, 3600 * RIG_S);
	}
}
END_TEST

/* The least of a host's packets are tried when nearly every path's do not arrive. */
START_TEST(narrow_hole)
{
	connect_peer(false, true);
	takes = 600;
	write_more(1460);
	deliver_all();
	ck_assert_uint_eq(pmtu(), 552);
	ck_assert_uint_eq(rig_moved(&rig, MR_CNT_TCP_BLACK_HOLES), 1);
}
END_TEST

/* A peer that is gone proves nothing about the way to it, and what is small already is not at fault; nor does one that comes
 * back and had it all, or one that was asked not to be doubted. */
START_TEST(no_black_hole)
{
	if (_i == 3)
		probing(MR_TCP_MTU_PROBING_OFF);
	connect_peer(false, true);
	write_more(_i == 1 ? 500 : 2 * 1460);
	rig_advance(&rig, 20 * RIG_S);
	ck_assert_uint_gt(rig_moved(&rig, MR_CNT_TCP_RTO), 3);
	if (_i >= 2) {
		largest = 0;
		while (rig_peek(&rig)) {
			const struct rig_frame *f = rig_tcp_next(&t);

			if (_i == 2 || f->payload_len == 1460)
				take(f);
		}
		acknowledge();
		rig_poll(&rig);
		ck_assert_uint_eq(una, written + 1);
	}
	rig_discard(&rig);
	ck_assert_uint_eq(pmtu(), 1500);
	ck_assert_uint_eq(rig_moved(&rig, MR_CNT_TCP_BLACK_HOLES), 0);
	disconnect();
	connect_peer(false, true);
	ck_assert_uint_eq(pmtu(), 1500);
}
END_TEST

/* Large ones have arrived before. Three timeouts of one, and a small one goes; then large ones are tried again, and only if
 * they are lost once more are they too large. */
START_TEST(doubt)
{
	connect_peer(false, true);
	write_more(4 * 1460);
	deliver_all();
	takes = 0;
	write_more(4 * 1460);
	rig_mark(&rig);
	for (unsigned sent = 0; rig_moved(&rig, MR_CNT_TCP_RTO) < 3; sent++) {
		round_trip();
		if (!rig_peek(&rig))
			ck_assert(rig_advance_until_frame(&rig, 100 * RIG_S));
		ck_assert_uint_eq(rig_peek(&rig)->payload_len, rig_moved(&rig, MR_CNT_TCP_RTO) < 3 ? 1460 : 1024);
	}
	takes = _i ? 1024 : 1460;
	deliver_all();
	ck_assert_uint_eq(rig_moved(&rig, MR_CNT_TCP_BLACK_HOLES), _i);
	ck_assert_uint_eq(pmtu(), _i ? 1064 : 1500);
}
END_TEST

static Suite *
suite(void)
{
	Suite *s = suite_create("tcp_black_hole");
	TCase *c = rig_case(s, "hole", setup, teardown);

	tcase_add_loop_test(c, black_hole, 0, 4);
	tcase_add_test(c, narrow_hole);
	tcase_add_loop_test(c, no_black_hole, 0, 4);
	tcase_add_loop_test(c, doubt, 0, 2);
	return s;
}

RIG_MAIN(suite)
