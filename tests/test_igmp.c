/* SPDX-License-Identifier: Apache-2.0 */
/*
 * IGMP: what its messages look like, which are believed, and living with queriers of versions 1 and 3 (IG-, nasty 24).
 * When they are sent is in test_groups.c, for both families. That a frame is a proper report or leave (checksum, TTL,
 * Router Alert, destination) the rig says of every one.
 */
#include "rig/fixture.h"

#include <string.h>

#include <rte_mbuf.h>

#include "stack/nic.h"
#include "stack/stack.h"

#define ETH 14
#define GROUP "239.129.2.3"
#define QUERY 0x11
#define V1_REPORT 0x12
#define REPORT 0x16
#define LEAVE 0x17
#define V1_PRESENT_NS (400 * RIG_S)

static struct mr_addr group;

static void
setup(void)
{
	rig_init(&rig, NULL);
	group = rig_addr(GROUP);
}

static void
join(void)
{
	ck_assert_int_eq(mr_group_join(rig.stack, RIG_NIC, &group), 0);
}

static void
leave(void)
{
	ck_assert_int_eq(mr_group_leave(rig.stack, RIG_NIC, &group), 0);
}

static void
settle(void)
{
	join();
	rig_advance(&rig, 10 * RIG_S);
	rig_discard(&rig);
	rig_mark(&rig);
}

/* ---- out */

/* IG-08. */
START_TEST(report_and_leave)
{
	static const uint8_t message[8] = {REPORT, 0, 0xf8, 0x7a, 239, 129, 2, 3};
	const struct rig_frame *f;

	join();
	f = rig_expect_group(&rig, REPORT, GROUP);
	ck_assert_mem_eq(f->eth_dst, "\x01\x00\x5e\x01\x02\x03", 6); /* 23 bits of the group */
	ck_assert(mr_addr_equal(&f->src, &rig.addr4) && mr_addr_equal(&f->dst, &group));
	ck_assert_uint_eq(f->len, ETH + 24 + 8);
	ck_assert_uint_eq(f->ttl, 1);
	ck_assert_uint_eq(f->tos, 0xc0);
	ck_assert_mem_eq(f->b + ETH + 20, "\x94\x04\x00\x00", 4);
	ck_assert_mem_eq(f->b + ETH + 24, message, sizeof(message));
	leave();
	f = rig_expect_group(&rig, LEAVE, GROUP);
	ck_assert_mem_eq(f->eth_dst, "\x01\x00\x5e\x00\x00\x02", 6);
	ck_assert_mem_eq(f->b + ETH + 16, "\xe0\x00\x00\x02", 4);
	ck_assert_uint_eq(rig_moved(&rig, MR_CNT_IP_TX_PACKETS), 2);
	ck_assert_uint_eq(rig_moved(&rig, MR_CNT_GROUP_TX_REPORTS), 1);
	ck_assert_uint_eq(rig_moved(&rig, MR_CNT_GROUP_TX_LEAVES), 1);
	rig_expect_no_drop(&rig);
}
END_TEST

START_TEST(the_link_computes_no_checksum_of_it)
{
	struct rig_opts o = {.caps = MR_LINK_CAP_TX_IPV4_CKSUM | MR_LINK_CAP_TX_UDP_CKSUM};

	rig_fini(&rig);
	rig_init(&rig, &o);
	join();
	ck_assert_uint_eq(rig_expect_group(&rig, REPORT, GROUP)->tx_flags, 0);
}
END_TEST

/* RFC 3376 4.2.13. */
START_TEST(without_an_address)
{
	struct rig_opts o = {.no_addr = true};

	rig_fini(&rig);
	rig_init(&rig, &o);
	join();
	ck_assert(mr_addr_is_any(&rig_expect_group(&rig, REPORT, GROUP)->src));
}
END_TEST

/* ---- queriers of other versions */

/* RFC 2236 4: what counts is whether a querier of version 1 was heard in the last 400 seconds, not what came last. */
START_TEST(v1_querier)
{
	settle();
	rig_push_group(&rig, .no_alert = true);
	rig_advance(&rig, 10 * RIG_S);
	rig_expect_group(&rig, V1_REPORT, GROUP);
	rig_expect_none(&rig);
	rig_push_group(&rig, .max_resp = 10);
	rig_advance(&rig, RIG_S);
	rig_expect_group(&rig, V1_REPORT, GROUP);
	/* No leave; and who joins says so in version 1. */
	leave();
	rig_expect_none(&rig);
	join();
	rig_expect_group(&rig, V1_REPORT, GROUP);
	rig_advance(&rig, 10 * RIG_S);
	rig_expect_group(&rig, V1_REPORT, GROUP);
	rig_expect_no_drop(&rig);
	ck_assert_uint_eq(rig_moved(&rig, MR_CNT_IP_RX_DELIVERED), 2);
	ck_assert_uint_eq(rig_moved(&rig, MR_CNT_GROUP_RX_QUERIES), 2);
	ck_assert_uint_eq(rig_moved(&rig, MR_CNT_GROUP_TX_LEAVES), 0);
}
END_TEST

START_TEST(v1_querier_is_forgotten)
{
	settle();
	rig_push_group(&rig, .no_alert = true);
	rig_advance(&rig, V1_PRESENT_NS - RIG_S);
	rig_expect_group(&rig, V1_REPORT, GROUP);
	rig_push_group(&rig, .no_alert = true); /* still there */
	rig_advance(&rig, V1_PRESENT_NS - RIG_S);
	rig_expect_group(&rig, V1_REPORT, GROUP);
	rig_push_group(&rig, .group = group, .max_resp = 1);
	rig_advance(&rig, RIG_S / 2);
	rig_expect_group(&rig, V1_REPORT, GROUP);
	rig_advance(&rig, RIG_S);
	rig_expect_none(&rig);
	rig_push_group(&rig, .group = group, .max_resp = 1);
	rig_advance(&rig, RIG_S);
	rig_expect_group(&rig, REPORT, GROUP);
	leave();
	rig_expect_group(&rig, LEAVE, GROUP);
}
END_TEST

/* Ten seconds to answer, whatever group it says it is about (RFC 2236 4, RFC 1112 app. I). */
START_TEST(v1_query_is_general)
{
	uint64_t from, most = 0;

	settle();
	for (int i = 0; i < 20; i++) {
		from = rig.now;
		rig_push_group(&rig, .group = rig_addr("239.9.9.9"), .ip.dst = rig_addr("224.0.0.1"), .no_alert = true);
		ck_assert(rig_advance_until_frame(&rig, 10 * RIG_S));
		most = RTE_MAX(most, rig_expect_group(&rig, V1_REPORT, GROUP)->time_ns - from);
		rig_advance(&rig, 10 * RIG_S);
	}
	ck_assert_uint_gt(most, 7 * RIG_S);
}
END_TEST

START_TEST(v1_querier_is_of_one_nic_and_one_life)
{
	settle();
	rig_push_group(&rig, .no_alert = true);
	rig_advance(&rig, 10 * RIG_S);
	rig_expect_group(&rig, V1_REPORT, GROUP);
	ck_assert_int_eq(mr_nic_disable(rig.stack, RIG_NIC), 0);
	rig_discard(&rig);
	ck_assert_int_eq(mr_nic_enable(rig.stack, RIG_NIC), 0);
	rig_expect_group(&rig, REPORT, GROUP);
}
END_TEST

/* Both versions of a report are another member's. */
START_TEST(v1_member)
{
	join();
	rig_expect_group(&rig, REPORT, GROUP);
	rig_push_group(&rig, .type = V1_REPORT, .group = group, .no_alert = true);
	rig_expect_none_for(&rig, 20 * RIG_S);
	ck_assert_uint_eq(rig_moved(&rig, MR_CNT_GROUP_RX_REPORTS), 1);
}
END_TEST

/* IGMPv3's queries, understood as version 2's: general, of a group, and of sources. A time of 0 means now. */
static const struct v3 {
	bool specific;
	uint8_t max_resp;
	uint8_t n_sources;
	uint16_t len;
} v3s[] = {
	{false, 10, 0, 4}, {true, 10, 0, 4}, {true, 10, 1, 8}, {true, 10, 9, 40}, {true, 10, 1, 36}, {false, 0, 0, 4},
	{true, 0, 2, 12},
};

START_TEST(v3_query)
{
	const struct v3 *c = &v3s[_i / 2];
	uint8_t more[64] = {[3] = c->n_sources, [4] = 192, 0, 2, 1};
	struct rig_group q = {.max_resp = c->max_resp, .more = more, .more_len = c->len};
	uint64_t from;

	settle();
	if (c->specific)
		q.group = group;
	rig.rx_seg_bytes = _i % 2;
	rig_push_group_spec(&rig, &q);
	from = rig.now;
	ck_assert(rig_advance_until_frame(&rig, RIG_S));
	ck_assert_uint_le(rig_expect_group(&rig, REPORT, GROUP)->time_ns - from, c->max_resp * RIG_S / 10);
	rig_expect_none_for(&rig, 20 * RIG_S);
	ck_assert_uint_eq(rig_moved(&rig, MR_CNT_GROUP_RX_QUERIES), 1);
	rig_expect_no_drop(&rig);
}
END_TEST

/* ---- what is believed */

/* IG-04: a query for any address of ours. From 0.0.0.0 come those of a switch that has no address (RFC 4541 2.1.1). */
START_TEST(queries_from_and_to_anywhere)
{
	struct rig_group q = {.max_resp = 1};

	settle();
	if (_i == 0)
		q.ip.dst = rig.addr4;
	else if (_i == 1)
		q.ip.dst = group;
	else if (_i == 2)
		q.ip.src_any = true;
	else
		q.ip.src = rig_addr("192.0.2.77");
	rig_push_group_spec(&rig, &q);
	rig_advance(&rig, RIG_S);
	rig_expect_group(&rig, REPORT, GROUP);
	rig_expect_no_drop(&rig);
}
END_TEST

/* Options around Router Alert, and padding of the frame, change nothing. */
START_TEST(other_options)
{
	settle();
	rig_push_group(&rig, .max_resp = 1, .ip.opts = "\x01\x01\x01\x01\x94\x04\x00\x00", .ip.opts_len = 8);
	rig_advance(&rig, RIG_S);
	rig_expect_group(&rig, REPORT, GROUP);
	rig_push_group(&rig, .max_resp = 1, .ip.opts = "\x07\x04\x04\x00\x94\x04\x12\x34", .ip.opts_len = 8, .ip.pad = 14);
	rig_advance(&rig, RIG_S);
	rig_expect_group(&rig, REPORT, GROUP);
	rig_expect_no_drop(&rig);
}
END_TEST

/* Nasty 24, IG-02, IG-03: no effect, one reason. */
static const struct bad {
	const char *what;
	struct rig_group g;
	const char *group, *src, *dst;
	enum mr_counter drop;
} bads[] = {
	{"checksum", {.max_resp = 10, .ip.spoil = RIG_SPOIL_L4_CKSUM}, NULL, NULL, NULL, MR_DROP_IGMP_BAD_CKSUM},
	{"checksum of none", {.max_resp = 10, .ip.spoil = RIG_ZERO_L4_CKSUM}, NULL, NULL, NULL, MR_DROP_IGMP_BAD_CKSUM},
	{"checksum of more", {.max_resp = 10, .more_len = 4, .more = "\0\0\0", .ip.spoil = RIG_SPOIL_L4_CKSUM}, NULL, NULL,
	 NULL, MR_DROP_IGMP_BAD_CKSUM},
	{"TTL 2", {.max_resp = 10, .ip.ttl = 2}, NULL, NULL, NULL, MR_DROP_GROUP_INVALID},
	{"TTL 255", {.max_resp = 10, .ip.ttl = 255}, NULL, NULL, NULL, MR_DROP_GROUP_INVALID},
	{"version 1, TTL 2", {.no_alert = true, .ip.ttl = 2}, NULL, NULL, NULL, MR_DROP_GROUP_INVALID},
	{"no alert", {.max_resp = 10, .no_alert = true}, NULL, NULL, NULL, MR_DROP_GROUP_INVALID},
	{"other option", {.max_resp = 10, .ip.opts = "\x01\x07\x03\x04", .ip.opts_len = 4}, NULL, NULL, NULL,
	 MR_DROP_GROUP_INVALID},
	{"alert after the end", {.max_resp = 10, .ip.opts = "\x00\x01\x01\x01\x94\x04\x00\x00", .ip.opts_len = 8}, NULL, NULL,
	 NULL, MR_DROP_GROUP_INVALID},
	{"alert of 3 bytes", {.max_resp = 10, .ip.opts = "\x94\x03\x00\x00", .ip.opts_len = 4}, NULL, NULL, NULL,
	 MR_DROP_GROUP_INVALID},
	{"9 bytes", {.max_resp = 10, .more = "\0", .more_len = 1}, NULL, NULL, NULL, MR_DROP_GROUP_INVALID},
	{"11 bytes", {.max_resp = 10, .more = "\0\0\0", .more_len = 3}, NULL, NULL, NULL, MR_DROP_GROUP_INVALID},
	{"11 bytes, no time", {.more = "\0\0\0", .more_len = 3}, NULL, NULL, NULL, MR_DROP_GROUP_INVALID},
	{"version 3, no alert", {.max_resp = 10, .no_alert = true, .more = "\0\0\0\0", .more_len = 4}, NULL, NULL, NULL,
	 MR_DROP_GROUP_INVALID},
	{"a source too many", {.max_resp = 10, .more = "\0\0\0\1\1\2\3", .more_len = 7}, GROUP, NULL, NULL,
	 MR_DROP_GROUP_INVALID},
	{"65535 sources", {.max_resp = 10, .more = "\0\0\xff\xff\1\2\3\4", .more_len = 8}, GROUP, NULL, NULL,
	 MR_DROP_GROUP_INVALID},
	{"not a group", {.max_resp = 10}, "10.0.0.1", NULL, "224.0.0.1", MR_DROP_GROUP_INVALID},
	{"report of another group", {.type = REPORT}, "239.129.2.4", NULL, GROUP, MR_DROP_GROUP_INVALID},
	{"report to us", {.type = REPORT}, GROUP, NULL, "10.0.0.1", MR_DROP_GROUP_INVALID},
	{"report of an address", {.type = REPORT}, "10.0.0.1", NULL, "10.0.0.1", MR_DROP_GROUP_INVALID},
	{"report from elsewhere", {.type = REPORT}, GROUP, "192.0.2.1", NULL, MR_DROP_GROUP_INVALID},
	{"report from nobody", {.type = REPORT, .ip.src_any = true}, GROUP, NULL, NULL, MR_DROP_GROUP_INVALID},
	{"report, TTL 3", {.type = REPORT, .ip.ttl = 3}, GROUP, NULL, NULL, MR_DROP_GROUP_INVALID},
	{"report of version 1, TTL 64", {.type = V1_REPORT, .ip.ttl = 64}, GROUP, NULL, NULL, MR_DROP_GROUP_INVALID},
	{"leave", {.type = LEAVE}, GROUP, NULL, GROUP, MR_DROP_IGMP_IGNORED},
	{"report of version 3", {.type = 0x22}, GROUP, NULL, GROUP, MR_DROP_IGMP_IGNORED},
	{"DVMRP", {.type = 0x13, .ip.ttl = 9}, GROUP, NULL, GROUP, MR_DROP_IGMP_IGNORED},
	{"type 255", {.type = 0xff}, GROUP, NULL, GROUP, MR_DROP_IGMP_IGNORED},
	{"from a group", {.max_resp = 10}, NULL, "224.0.0.5", NULL, MR_DROP_IP_BAD_SRC},
	{"from 0.0.0.1", {.max_resp = 10}, NULL, "0.0.0.1", NULL, MR_DROP_IP_BAD_SRC},
	{"for nobody here", {.max_resp = 10}, "239.9.9.9", NULL, NULL, MR_DROP_IP_NOT_OURS},
};

START_TEST(bad_messages)
{
	const struct bad *c = &bads[_i / 2];
	struct rig_group g = c->g;

	if (c->group)
		g.group = rig_addr(c->group);
	if (c->src)
		g.ip.src = rig_addr(c->src);
	if (c->dst)
		g.ip.dst = rig_addr(c->dst);
	settle();
	/* An answer is on its way: a report would silence it, a query with less time bring it forward. */
	rig_push_group(&rig, .group = group, .max_resp = 250);
	rig_poll(&rig);
	rig.rx_seg_bytes = _i % 2;
	rig_push_group_spec(&rig, &g);
	rig_expect_none(&rig);
	rig_expect_drop(&rig, c->drop);
	ck_assert_uint_eq(rig_moved(&rig, MR_CNT_GROUP_RX_QUERIES), 1);
	ck_assert_uint_eq(rig_moved(&rig, MR_CNT_GROUP_RX_REPORTS), 0);
	rig_advance(&rig, 25 * RIG_S);
	rig_expect_group(&rig, REPORT, GROUP);
	rig_expect_none_for(&rig, 25 * RIG_S);
}
END_TEST

START_TEST(short_messages)
{
	settle();
	rig.rx_seg_bytes = (uint16_t)_i;
	for (uint32_t len = 0; len < 8; len++)
		rig_push_ip(&rig, "\x11\x01\xee\xfe\0\0\0", len, .proto = 2, .ttl = 1, .dst = rig_addr("224.0.0.1"));
	rig_expect_drops(&rig, MR_DROP_GROUP_INVALID, 8);
	rig_expect_none_for(&rig, 20 * RIG_S);
}
END_TEST

/* 0.0.0.0 is a source for IGMP alone. */
START_TEST(source_0_stays_bad)
{
	rig_push_udp(&rig, .ip.src_any = true, .ip.dst = rig_addr("224.0.0.1"), .len = 3);
	rig_push_icmp(&rig, .ip.src_any = true, .echo = true);
	rig_expect_drops(&rig, MR_DROP_IP_BAD_SRC, 2);
}
END_TEST

static Suite *
suite(void)
{
	Suite *s = suite_create("igmp");
	TCase *tc = rig_case(s, "igmp", setup, rig_teardown);

	tcase_add_test(tc, report_and_leave);
	tcase_add_test(tc, the_link_computes_no_checksum_of_it);
	tcase_add_test(tc, without_an_address);
	tcase_add_test(tc, v1_querier);
	tcase_add_test(tc, v1_querier_is_forgotten);
	tcase_add_test(tc, v1_query_is_general);
	tcase_add_test(tc, v1_querier_is_of_one_nic_and_one_life);
	tcase_add_test(tc, v1_member);
	tcase_add_loop_test(tc, v3_query, 0, 2 * (int)RTE_DIM(v3s));
	tcase_add_loop_test(tc, queries_from_and_to_anywhere, 0, 4);
	tcase_add_test(tc, other_options);
	tcase_add_loop_test(tc, bad_messages, 0, 2 * (int)RTE_DIM(bads));
	tcase_add_loop_test(tc, short_messages, 0, 2);
	tcase_add_test(tc, source_0_stays_bad);
	return s;
}

RIG_MAIN(suite)
