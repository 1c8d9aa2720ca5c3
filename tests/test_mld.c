/* SPDX-License-Identifier: Apache-2.0 */
/*
 * MLD: what its messages look like, which groups they are about, which are believed, and queries of version 2 (ML-,
 * nasty 24). When they are sent is in test_groups.c, for both families. That a frame is a proper report or done
 * (checksum, hop limit, Router Alert, source and destination) the rig says of every one.
 */
#include "rig/fixture.h"

#include <string.h>

#include <rte_mbuf.h>

#include "stack/nic.h"
#include "stack/stack.h"

#define ETH 14
#define GROUP "ff05::1:2"
#define SOLICITED "ff02::1:ff00:1" /* of both addresses of the rig */
#define LINK_LOCAL "fe80::ff:fe00:1"
#define QUERY 130
#define REPORT 131
#define DONE 132

static struct mr_addr group;

static void
setup(void)
{
	rig_init(&rig, NULL);
	group = rig_addr(GROUP);
}

static void
restart(const struct rig_opts *o)
{
	rig_fini(&rig);
	rig_init(&rig, o);
}

static void
join(const char *text)
{
	struct mr_addr a = rig_addr(text);

	ck_assert_int_eq(mr_group_join(rig.stack, RIG_NIC, &a), 0);
}

static void
add_addr(const char *text)
{
	struct mr_subnet sn = {.addr = rig_addr(text), .plen = 64};

	ck_assert_int_eq(mr_addr_add(rig.stack, RIG_NIC, &sn, MR_PEB_CAN_BE_PRIMARY), 0);
}

static void
settle(void)
{
	join(GROUP);
	rig_advance(&rig, 10 * RIG_S);
	rig_discard(&rig);
	rig_mark(&rig);
}

static bool
from(const struct rig_frame *f, const char *src)
{
	struct mr_addr a = rig_addr(src);

	return mr_addr_equal(&f->src, &a);
}

/* The next report or done, past other frames. */
static const struct rig_frame *
next_mld(void)
{
	const struct rig_frame *f = rig_next(&rig);

	while (f && f->kind != RIG_MLD)
		f = rig_next(&rig);
	return f;
}

/* ---- out */

/* ML-01. */
START_TEST(report_and_done)
{
	static const uint8_t hop_by_hop[8] = {58, 0, 5, 2, 0, 0, 1, 0}, message[8] = {REPORT};
	const struct rig_frame *f;

	join(GROUP);
	f = rig_expect_group(&rig, REPORT, GROUP);
	ck_assert_mem_eq(f->eth_dst, "\x33\x33\0\x01\0\x02", 6);
	ck_assert(from(f, LINK_LOCAL) && mr_addr_equal(&f->dst, &group));
	ck_assert_uint_eq(f->len, ETH + 40 + 8 + 24);
	ck_assert_uint_eq(f->ttl, 1);
	ck_assert_uint_eq(f->b[ETH + 6], 0);
	ck_assert_mem_eq(f->b + ETH + 40, hop_by_hop, sizeof(hop_by_hop));
	ck_assert_mem_eq(f->b + ETH + 48, message, 2);
	ck_assert_mem_eq(f->b + ETH + 52, message + 1, 4);
	ck_assert_mem_eq(f->b + ETH + 56, group.b, 16);
	ck_assert_int_eq(mr_group_leave(rig.stack, RIG_NIC, &group), 0);
	f = rig_expect_group(&rig, DONE, GROUP);
	ck_assert_mem_eq(f->eth_dst, "\x33\x33\0\0\0\x02", 6);
	ck_assert_mem_eq(f->b + ETH + 24, "\xff\x02\0\0\0\0\0\0\0\0\0\0\0\0\0\x02", 16);
	ck_assert_uint_eq(rig_moved(&rig, MR_CNT_IP_TX_PACKETS), 2);
	rig_expect_no_drop(&rig);
}
END_TEST

/* ML-05: the groups of our addresses are reported, once for all addresses that share one. */
START_TEST(solicited_node_groups)
{
	struct mr_addr shared = rig_addr("fd00:1::1"), own = rig_addr("fd00::aa:bb:cc");

	add_addr("fd00:1::1");
	ck_assert_ptr_null(next_mld());
	add_addr("fd00::aa:bb:cc");
	rig_expect_group(&rig, REPORT, "ff02::1:ffbb:cc");
	rig_advance(&rig, 20 * RIG_S);
	rig_discard(&rig);
	ck_assert_int_eq(mr_addr_remove(rig.stack, RIG_NIC, &shared), 0);
	rig_expect_none(&rig);
	ck_assert_int_eq(mr_addr_remove(rig.stack, RIG_NIC, &own), 0);
	rig_expect_group(&rig, DONE, "ff02::1:ffbb:cc");
}
END_TEST

/* Scopes that do not leave the interface, and all nodes, concern no router (RFC 2710 4). */
START_TEST(groups_that_are_not_reported)
{
	static const char *const groups[] = {"ff01::5", "ff11::1:2", "ff00::7", "ff02::1"};

	for (unsigned i = 0; i < RTE_DIM(groups); i++)
		join(groups[i]);
	rig_push_group(&rig, .ip.v6 = true, .max_resp = 1000);
	rig_advance(&rig, 20 * RIG_S);
	rig_expect_group(&rig, REPORT, SOLICITED);
	rig_expect_none(&rig);
	for (unsigned i = 0; i < RTE_DIM(groups); i++) {
		struct mr_addr a = rig_addr(groups[i]);

		ck_assert_int_eq(mr_group_leave(rig.stack, RIG_NIC, &a), 0);
	}
	rig_expect_none(&rig);
	join("ff02::2");
	rig_expect_group(&rig, REPORT, "ff02::2");
	join("ff1e::3");
	rig_expect_group(&rig, REPORT, "ff1e::3");
}
END_TEST

/* ---- source */

/* The first address brings a link-local one, and even the first report comes from it. */
START_TEST(first_report_of_a_new_nic)
{
	struct rig_opts o = {.no_addr = true};
	const struct rig_frame *f;
	unsigned n = 0;

	restart(&o);
	add_addr("fd00::5");
	rig_advance(&rig, 20 * RIG_S);
	while ((f = next_mld()) != NULL) {
		ck_assert(from(f, LINK_LOCAL));
		n++;
	}
	ck_assert_uint_eq(n, 4);
}
END_TEST

/* RFC 3590: from :: while there is no other, and once more from the link-local address when it comes (ML-04). */
START_TEST(before_there_is_a_link_local_address)
{
	struct rig_opts o = {.no_addr = true};

	restart(&o);
	join(GROUP);
	ck_assert(mr_addr_is_any(&rig_expect_group(&rig, REPORT, GROUP)->src));
	rig_advance(&rig, 10 * RIG_S);
	ck_assert(mr_addr_is_any(&rig_expect_group(&rig, REPORT, GROUP)->src));
	rig_expect_none(&rig);
	add_addr("fe80::77");
	ck_assert(from(rig_expect_group(&rig, REPORT, GROUP), "fe80::77"));
	rig_expect_group(&rig, REPORT, "ff02::1:ff00:77");
	rig_advance(&rig, 20 * RIG_S);
	rig_discard(&rig);
	/* Said; a second one is no news. */
	add_addr("fe80::78");
	rig_expect_group(&rig, REPORT, "ff02::1:ff00:78");
	ck_assert_ptr_null(next_mld());
	ck_assert_int_eq(mr_group_leave(rig.stack, RIG_NIC, &group), 0);
	ck_assert(from(rig_expect_group(&rig, DONE, GROUP), "fe80::77"));
}
END_TEST

/* Whoever left meanwhile is not reported again, nor is one who had said nothing. */
START_TEST(left_before_there_was_one)
{
	struct rig_opts o = {.no_addr = true};

	restart(&o);
	join(GROUP);
	join("ff01::5");
	ck_assert_int_eq(mr_group_leave(rig.stack, RIG_NIC, &group), 0);
	ck_assert(mr_addr_is_any(&rig_expect_group(&rig, REPORT, GROUP)->src));
	ck_assert(mr_addr_is_any(&rig_expect_group(&rig, DONE, GROUP)->src));
	add_addr("fe80::77");
	rig_expect_group(&rig, REPORT, "ff02::1:ff00:77");
	ck_assert_ptr_null(next_mld());
}
END_TEST

/* A link-local address that is never chosen for anything else will do. */
START_TEST(link_local_address_that_is_never_primary)
{
	struct mr_subnet ll = {.addr = rig_addr("fe80::77"), .plen = 64};
	struct rig_opts o = {.no_addr = true};

	restart(&o);
	ck_assert_int_eq(mr_addr_add(rig.stack, RIG_NIC, &ll, MR_PEB_NEVER_PRIMARY), 0);
	rig_discard(&rig);
	join(GROUP);
	ck_assert(from(rig_expect_group(&rig, REPORT, GROUP), "fe80::77"));
}
END_TEST

/* The address cannot be had when a link refuses its group: then the link-local one that came with it goes, too. */
static int
refuse_three(struct mr_link *l, const struct mr_lladdr *list, unsigned n)
{
	(void)l, (void)list;
	return n > 2 ? -ENOSPC : 0;
}

START_TEST(link_refuses_the_group)
{
	static struct mr_link_ops ops;
	struct mr_subnet sn = {.addr = rig_addr("fd00::5"), .plen = 64};
	struct rig_opts o = {.no_addr = true};
	struct mr_addr ll = rig_addr(LINK_LOCAL);

	restart(&o);
	ops = *rig.link.ops;
	ops.set_mcast = refuse_three; /* all nodes and the link-local one's group fit */
	rig.link.ops = &ops;
	ck_assert_int_eq(mr_addr_add(rig.stack, RIG_NIC, &sn, MR_PEB_CAN_BE_PRIMARY), -ENOSPC);
	ck_assert_uint_eq(mr_stack_check_local_address(rig.stack, RIG_NIC, &sn.addr), 0);
	ck_assert_uint_eq(mr_stack_check_local_address(rig.stack, RIG_NIC, &ll), 0);
	sn.addr = rig_addr("fd00::1"); /* shares the group */
	ck_assert_int_eq(mr_addr_add(rig.stack, RIG_NIC, &sn, MR_PEB_CAN_BE_PRIMARY), 0);
}
END_TEST

/* ---- in */

/* MLDv2's queries, understood as version 1's: general, of a group, and of sources. A time of 0 means now. */
static const struct v2 {
	bool specific;
	uint16_t max_resp;
	uint8_t n_sources;
	uint16_t len;
} v2s[] = {
	{false, 1000, 0, 4}, {true, 1000, 0, 4}, {true, 1000, 1, 20}, {true, 1000, 3, 52}, {true, 1000, 1, 33},
	{true, 0, 2, 36}, {true, 0x8000, 0, 4},
};

START_TEST(v2_query)
{
	const struct v2 *c = &v2s[_i / 2];
	uint8_t more[64] = {[3] = c->n_sources};
	struct rig_group q = {.ip.v6 = true, .max_resp = c->max_resp, .more = more, .more_len = c->len};
	uint64_t start;

	settle();
	if (c->specific)
		q.group = group;
	rig.rx_seg_bytes = _i % 2;
	rig_push_group_spec(&rig, &q);
	start = rig.now;
	rig_advance(&rig, c->max_resp * RIG_MS);
	if (!c->specific)
		ck_assert_uint_eq(rig_pending(&rig), 2);
	else
		ck_assert_uint_le(rig_expect_group(&rig, REPORT, GROUP)->time_ns - start, c->max_resp * RIG_MS);
	rig_discard(&rig);
	rig_expect_none_for(&rig, 60 * RIG_S);
	ck_assert_uint_eq(rig_moved(&rig, MR_CNT_GROUP_RX_QUERIES), 1);
	rig_expect_no_drop(&rig);
}
END_TEST

/* RFC 2710 4: at once, when the querier leaves no time. */
START_TEST(query_without_time)
{
	settle();
	rig_push_group(&rig, .group = group);
	rig_expect_group(&rig, REPORT, GROUP);
	rig_expect_none_for(&rig, 20 * RIG_S);
}
END_TEST

/* To any address of ours (RFC 3810 5.1.15). */
START_TEST(query_to_any_address)
{
	static const char *const to[] = {"fd00::1", LINK_LOCAL, GROUP, SOLICITED};

	settle();
	rig_push_group(&rig, .group = group, .ip.dst = rig_addr(to[_i]), .max_resp = 10);
	rig_advance(&rig, RIG_S);
	rig_expect_group(&rig, REPORT, GROUP);
	rig_expect_no_drop(&rig);
}
END_TEST

/* Nasty 24, ML-02: no effect, one reason. */
static const struct bad {
	const char *what;
	struct rig_group g;
	const char *group, *src, *dst;
	enum mr_counter drop;
} bads[] = {
	{"checksum", {.max_resp = 10, .ip.spoil = RIG_SPOIL_L4_CKSUM}, NULL, NULL, NULL, MR_DROP_ICMP_BAD_CKSUM},
	{"checksum of more", {.max_resp = 10, .ip.spoil = RIG_SPOIL_L4_CKSUM, .more = "\0\0\0", .more_len = 4}, NULL, NULL,
	 NULL, MR_DROP_ICMP_BAD_CKSUM},
	{"hop limit 2", {.max_resp = 10, .ip.ttl = 2}, NULL, NULL, NULL, MR_DROP_GROUP_INVALID},
	{"hop limit 255", {.max_resp = 10, .ip.ttl = 255}, NULL, NULL, NULL, MR_DROP_GROUP_INVALID},
	{"no alert", {.max_resp = 10, .no_alert = true}, NULL, NULL, NULL, MR_DROP_GROUP_INVALID},
	{"alert for RSVP", {.max_resp = 10, .ip.opts = "\x3a\x00\x05\x02\x00\x01\x01\x00", .ip.opts_len = 8}, NULL, NULL, NULL,
	 MR_DROP_GROUP_INVALID},
	{"padding for an alert", {.max_resp = 10, .ip.opts = "\x3a\x00\x01\x04\x00\x00\x00\x00", .ip.opts_len = 8}, NULL,
	 NULL, NULL, MR_DROP_GROUP_INVALID},
	{"from a global address", {.max_resp = 10}, NULL, "fd00::2", NULL, MR_DROP_GROUP_INVALID},
	{"from nobody", {.max_resp = 10, .ip.src_any = true}, NULL, NULL, NULL, MR_DROP_GROUP_INVALID},
	{"25 bytes", {.max_resp = 10, .more = "\0", .more_len = 1}, NULL, NULL, NULL, MR_DROP_GROUP_INVALID},
	{"27 bytes", {.max_resp = 10, .more = "\0\0\0", .more_len = 3}, NULL, NULL, NULL, MR_DROP_GROUP_INVALID},
	{"half a source", {.max_resp = 10, .more = "\0\0\0\1\xfd\0\0\0\0\0\0\0\0\0\0\0\0\0\0", .more_len = 19}, GROUP, NULL,
	 NULL, MR_DROP_GROUP_INVALID},
	{"65535 sources", {.max_resp = 10, .more = "\0\0\xff\xff", .more_len = 4}, GROUP, NULL, NULL, MR_DROP_GROUP_INVALID},
	{"not a group", {.max_resp = 10}, "fd00::1", NULL, "ff02::1", MR_DROP_GROUP_INVALID},
	{"a group of IPv4", {.max_resp = 10, .ip.v6 = true}, "239.1.2.3", NULL, "ff02::1", MR_DROP_GROUP_INVALID},
	{"all groups of IPv4", {.max_resp = 10, .ip.v6 = true}, "0.0.0.0", NULL, "ff02::1", MR_DROP_GROUP_INVALID},
	{"report of another group", {.type = REPORT}, "ff05::1:3", NULL, GROUP, MR_DROP_GROUP_INVALID},
	{"report to us", {.type = REPORT}, GROUP, NULL, "fd00::1", MR_DROP_GROUP_INVALID},
	{"report of an address", {.type = REPORT}, "fd00::1", NULL, "fd00::1", MR_DROP_GROUP_INVALID},
	{"report from a global address", {.type = REPORT}, GROUP, "fd00::2", NULL, MR_DROP_GROUP_INVALID},
	{"report from nobody", {.type = REPORT, .ip.src_any = true}, GROUP, NULL, NULL, MR_DROP_GROUP_INVALID},
	{"report, hop limit 255", {.type = REPORT, .ip.ttl = 255}, GROUP, NULL, NULL, MR_DROP_GROUP_INVALID},
	{"report, no alert", {.type = REPORT, .no_alert = true}, GROUP, NULL, NULL, MR_DROP_GROUP_INVALID},
	{"done", {.type = DONE}, GROUP, NULL, GROUP, MR_DROP_ICMP_IGNORED},
	{"report of version 2", {.type = 143}, GROUP, NULL, GROUP, MR_DROP_ICMP_IGNORED},
	{"for nobody here", {.max_resp = 10}, "ff05::9", NULL, NULL, MR_DROP_IP_NOT_OURS},
};

START_TEST(bad_messages)
{
	const struct bad *c = &bads[_i / 2];
	struct rig_group g = c->g;
	const struct rig_frame *f;

	g.ip.v6 = true;
	if (c->group)
		g.group = rig_addr(c->group);
	if (c->src)
		g.ip.src = rig_addr(c->src);
	if (c->dst)
		g.ip.dst = rig_addr(c->dst);
	settle();
	join("239.1.2.3");
	rig_advance(&rig, 10 * RIG_S);
	rig_discard(&rig);
	/* An answer is on its way: a report would silence it, a query with less time bring it forward. */
	rig_push_group(&rig, .group = group, .max_resp = 25000);
	rig_poll(&rig);
	rig.rx_seg_bytes = _i % 2;
	rig_push_group_spec(&rig, &g);
	rig_expect_none(&rig);
	rig_expect_drop(&rig, c->drop);
	ck_assert_uint_eq(rig_moved(&rig, MR_CNT_GROUP_RX_QUERIES), 1);
	ck_assert_uint_eq(rig_moved(&rig, MR_CNT_GROUP_RX_REPORTS), 0);
	rig_advance(&rig, 25 * RIG_S);
	f = rig_expect_group(&rig, REPORT, GROUP);
	ck_assert(from(f, LINK_LOCAL));
	rig_expect_none_for(&rig, 25 * RIG_S);
}
END_TEST

/* What looks like the option is a message, whose checksum and time read like one. */
START_TEST(alert_of_the_message_itself)
{
	uint8_t more[4] = {0};
	struct rig_group q = {.group = group, .no_alert = true, .more = more, .more_len = sizeof(more)};
	struct rig_buf b;
	uint32_t fill;

	settle();
	rig_build_group(&rig, &b, &q);
	fill = 0xfafdu + (uint32_t)(b.b[ETH + 42] << 8 | b.b[ETH + 43]);
	fill = (fill & 0xffff) + (fill >> 16);
	more[0] = fill >> 8;
	more[1] = (uint8_t)fill;
	rig_build_group(&rig, &b, &q);
	ck_assert_mem_eq(b.b + ETH + 40, "\x82\x00\x05\x02\x00\x00\x00\x00", 8);
	rig_push_buf(&rig, &b);
	rig_expect_drop(&rig, MR_DROP_GROUP_INVALID);
	rig_expect_none_for(&rig, 20 * RIG_S);
}
END_TEST

START_TEST(short_messages)
{
	settle();
	rig.rx_seg_bytes = (uint16_t)_i;
	for (uint32_t len = 8; len < 24; len++)
		rig_push_icmp(&rig, .ip = {.src = rig_addr("fe80::2"), .dst = rig_addr("ff02::1"), .ttl = 1, .next_hdr = 0,
		                           .opts = "\x3a\x00\x05\x02\x00\x00\x01\x00", .opts_len = 8},
		              .type = QUERY, .rest = 1 << 16, .len = len - 8);
	rig_expect_drops(&rig, MR_DROP_GROUP_INVALID, 16);
	rig_expect_none_for(&rig, 20 * RIG_S);
}
END_TEST

static Suite *
suite(void)
{
	Suite *s = suite_create("mld");
	TCase *tc = rig_case(s, "mld", setup, rig_teardown);

	tcase_add_test(tc, report_and_done);
	tcase_add_test(tc, solicited_node_groups);
	tcase_add_test(tc, groups_that_are_not_reported);
	tcase_add_test(tc, first_report_of_a_new_nic);
	tcase_add_test(tc, before_there_is_a_link_local_address);
	tcase_add_test(tc, left_before_there_was_one);
	tcase_add_test(tc, link_local_address_that_is_never_primary);
	tcase_add_test(tc, link_refuses_the_group);
	tcase_add_loop_test(tc, v2_query, 0, 2 * (int)RTE_DIM(v2s));
	tcase_add_test(tc, query_without_time);
	tcase_add_loop_test(tc, query_to_any_address, 0, 4);
	tcase_add_loop_test(tc, bad_messages, 0, 2 * (int)RTE_DIM(bads));
	tcase_add_test(tc, alert_of_the_message_itself);
	tcase_add_loop_test(tc, short_messages, 0, 2);
	return s;
}

RIG_MAIN(suite)
