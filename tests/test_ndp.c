/* SPDX-License-Identifier: Apache-2.0 */
/* Neighbour discovery: what is valid, what it teaches, what is answered and asked (ND-, B-25, nasty cases 19 to 21). */
#include "rig/fixture.h"

#include <errno.h>
#include <string.h>

#include <rte_mbuf.h>

#include "stack/neigh.h"
#include "stack/stack.h"

static void
setup(void)
{
	rig_init(&rig, &(struct rig_opts){.no_neigh = true});
}

static struct mr_neigh *
neigh(const struct mr_addr *a)
{
	return mr_neigh_lookup(mr_nic_find(rig.stack, RIG_NIC), a);
}

/* ---- solicitations */

/* ND-07, ND-08, byte for byte. */
START_TEST(solicitation)
{
	static const uint8_t na[] = {
		136, 0, 0xff, 0xff, 0x60, 0, 0, 0, 0xfd, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 2, 1, 2, 0, 0, 0, 0, 1,
	};
	const struct rig_frame *f;
	struct mr_neigh *n;

	rig.rx_seg_bytes = (uint16_t)_i;
	rig_push_ndp(&rig, .type = 135);
	f = rig_expect_ndp(&rig, 136);
	ck_assert_uint_eq(f->len, 14 + 40 + sizeof(na));
	ck_assert_mem_eq(f->eth_dst, rig.peer_mac, 6);
	ck_assert(mr_addr_equal(&f->src, &rig.addr6) && mr_addr_equal(&f->dst, &rig.peer6));
	ck_assert_uint_eq(f->ttl, 255);
	ck_assert_mem_eq(f->b + 54, na, 2);
	ck_assert_mem_eq(f->b + 58, na + 4, sizeof(na) - 4);
	n = neigh(&rig.peer6);
	ck_assert_ptr_nonnull(n);
	ck_assert_int_eq(n->state, MR_NEIGH_STALE);
	ck_assert_mem_eq(n->ll.b, rig.peer_mac, 6);
	ck_assert_uint_eq(rig_moved(&rig, MR_CNT_NDP_RX_NS), 1);
	ck_assert_uint_eq(rig_moved(&rig, MR_CNT_NDP_TX_NA), 1);
	rig_expect_none(&rig);
	rig_expect_no_drop(&rig);
}
END_TEST

/* V6-20: a probe to us alone, which need not tell its link address: that is asked for. */
START_TEST(unicast_solicitation_without_link_address)
{
	const struct rig_frame *f;

	rig_push_ndp(&rig, .type = 135, .ip.dst = rig.addr6, .ll_opt = 255);
	f = rig_expect_ndp(&rig, 135);
	ck_assert(mr_addr_equal(&f->target, &rig.peer6));
	rig_push_ndp(&rig, .type = 136, .solicited = true, .override = true);
	f = rig_expect_ndp(&rig, 136);
	ck_assert(mr_addr_equal(&f->target, &rig.addr6));
	ck_assert_mem_eq(f->eth_dst, rig.peer_mac, 6);
	rig_expect_none(&rig);
	rig_expect_no_drop(&rig);
}
END_TEST

/* For somebody else: heard, since groups are shared, and no more. */
START_TEST(solicitation_for_another)
{
	struct mr_addr other = rig_addr("fd00::aaaa:0:1"); /* the same group */

	rig_push_ndp(&rig, .type = 135, .target = other);
	rig_expect_drop(&rig, MR_DROP_ICMP_IGNORED);
	rig_expect_none(&rig);
	ck_assert_ptr_null(neigh(&rig.peer6));
	ck_assert_uint_eq(rig_moved(&rig, MR_CNT_NDP_RX_NS), 1);
}
END_TEST

/* Nasty 21, RFC 4861 7.2.4: somebody checks whether our address is free. */
START_TEST(duplicate_detection_of_another)
{
	const struct rig_frame *f;
	struct mr_addr all = rig_addr("ff02::1");

	rig_push_ndp(&rig, .type = 135, .ip.src_any = true);
	f = rig_expect_ndp(&rig, 136);
	ck_assert(mr_addr_equal(&f->dst, &all) && mr_addr_equal(&f->target, &rig.addr6));
	ck_assert_mem_eq(f->eth_dst, "\x33\x33\0\0\0\x01", 6);
	ck_assert_uint_eq(f->rest, 0x20000000); /* not solicited, override */
	ck_assert(f->has_ll);
	ck_assert_mem_eq(f->ll, rig.mac, 6);
	rig_expect_none(&rig);
	rig_expect_no_drop(&rig);
}
END_TEST

/* ND-02: what is unknown is skipped. */
START_TEST(unknown_options)
{
	static const uint8_t opts[] = {14, 1, 1, 2, 3, 4, 5, 6, 200, 2, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0};

	rig.rx_seg_bytes = (uint16_t)_i;
	rig_push_ndp(&rig, .type = 135, .opts = opts, .opts_len = sizeof(opts));
	rig_expect_ndp(&rig, 136);
	rig_expect_no_drop(&rig);
}
END_TEST

/* ---- what is not valid: ND-01, nasty 19 */

static const struct invalid {
	const char *what;
	struct rig_ndp n;
	const char *target, *dst;
} invalids[] = {
	{"hop limit 254", {.type = 135, .ip.ttl = 254}, NULL, NULL},
	{"hop limit 1", {.type = 136, .ip.ttl = 1}, NULL, NULL},
	{"NS code 1", {.type = 135, .code = 1}, NULL, NULL},
	{"NA code 1", {.type = 136, .code = 1}, NULL, NULL},
	{"NS for a group", {.type = 135}, "ff02::1", "fd00::1"},
	{"NA for a group", {.type = 136}, "ff02::2", NULL},
	{"NS for a mapped address", {.type = 135}, "10.0.0.1", "fd00::1"},
	{"option of length 0", {.type = 135, .opts = "\x05\0\0\0\0\0\0\0", .opts_len = 8}, NULL, NULL},
	{"NA option of length 0", {.type = 136, .opts = "\x05\0\0\0\0\0\0\0", .opts_len = 8}, NULL, NULL},
	{"option beyond the packet", {.type = 135, .opts = "\x05\x02\0\0\0\0\0\0", .opts_len = 8}, NULL, NULL},
	{"option of one byte", {.type = 135, .opts = "\x05", .opts_len = 1}, NULL, NULL},
	{"option cut", {.type = 136, .opts = "\x05\x01\0\0", .opts_len = 4}, NULL, NULL},
	{"group as link address", {.type = 135, .ll = {3, 0, 0, 0, 0, 2}}, NULL, NULL},
	{"NA with a group as link address", {.type = 136, .ll = {255, 255, 255, 255, 255, 255}}, NULL, NULL},
	{"NS from :: to a unicast address", {.type = 135, .ip.src_any = true}, NULL, "fd00::1"},
	{"NS from :: to all nodes", {.type = 135, .ip.src_any = true}, NULL, "ff02::1"},
	{"NS from :: with a link address", {.type = 135, .ip.src_any = true, .ll_opt = 1}, NULL, NULL},
	{"NA from ::", {.type = 136, .ip.src_any = true}, NULL, NULL},
	{"solicited NA to all nodes", {.type = 136, .solicited = true}, NULL, "ff02::1"},
};

START_TEST(invalid_messages)
{
	struct rig_ndp n = invalids[_i / 2].n;

	if (invalids[_i / 2].target)
		n.target = rig_addr(invalids[_i / 2].target);
	if (invalids[_i / 2].dst)
		n.ip.dst = rig_addr(invalids[_i / 2].dst);
	rig.rx_seg_bytes = _i % 2;
	rig_push_ndp_spec(&rig, &n);
	rig_expect_drop(&rig, MR_DROP_NDP_INVALID);
	rig_expect_none(&rig);
	ck_assert_ptr_null(neigh(&rig.peer6));
	ck_assert_uint_eq(rig_moved(&rig, MR_CNT_NDP_RX_NS) + rig_moved(&rig, MR_CNT_NDP_RX_NA), 0);
}
END_TEST

/* Every length below the fixed part; below 8 it is no ICMPv6. */
START_TEST(short_messages)
{
	for (uint32_t len = 0; len < 24; len++)
		rig_push_icmp(&rig, .ip.v6 = true, .ip.ttl = 255, .type = (uint8_t)(135 + len % 2), .len = len < 16 ? len : 15);
	rig_expect_drops(&rig, MR_DROP_NDP_INVALID, 24);
	rig_expect_none(&rig);
}
END_TEST

START_TEST(bad_checksum)
{
	rig_push_ndp(&rig, .type = 135, .ip.spoil = RIG_SPOIL_L4_CKSUM);
	rig_push_ndp(&rig, .type = 136, .ip.spoil = RIG_SPOIL_L4_CKSUM);
	rig_expect_drops(&rig, MR_DROP_ICMP_BAD_CKSUM, 2);
	rig_expect_none(&rig);
}
END_TEST

/* V6-21. */
START_TEST(fragmented)
{
	static const uint8_t frag[8] = {58, 0, 0, 0, 1, 2, 3, 4};

	rig_push_ndp(&rig, .type = 135, .ip.opts = frag, .ip.opts_len = 8, .ip.next_hdr = 44);
	rig_expect_drop(&rig, MR_DROP_IP_FRAGMENT);
	rig_expect_none(&rig);
}
END_TEST

/* ---- advertisements */

/* ND-09, nasty 20: nothing known, nothing made. */
START_TEST(advertisement_makes_no_entry)
{
	rig_push_ndp(&rig, .type = 136, .override = true, .ip.dst = rig_addr("ff02::1"));
	rig_push_ndp(&rig, .type = 136, .solicited = true, .override = true);
	rig_expect_none(&rig);
	ck_assert_ptr_null(neigh(&rig.peer6));
	ck_assert_uint_eq(rig_moved(&rig, MR_CNT_NDP_RX_NA), 2);
	rig_expect_no_drop(&rig);
}
END_TEST

/* The flags arrive where they are judged (RFC 4861 7.2.5): an entry in STALE and each combination. */
START_TEST(advertisement_flags)
{
	bool solicited = _i & 1, override = _i & 2, other = _i & 4;
	struct mr_neigh *n;

	rig_push_ndp(&rig, .type = 135);
	rig_expect_ndp(&rig, 136);
	rig_push_ndp(&rig, .type = 136, .solicited = solicited, .override = override, .router = true,
	             .ll = {2, 0, 0, 0, 0, other ? 9 : 2});
	rig_poll(&rig);
	n = neigh(&rig.peer6);
	ck_assert_uint_eq(n->ll.b[5], other && override ? 9 : 2);
	ck_assert_int_eq(n->state, solicited && (override || !other) ? MR_NEIGH_REACHABLE : MR_NEIGH_STALE);
	ck_assert(n->is_router == (override || !other));
}
END_TEST

/* Somebody advertises what is ours: it does not become a neighbour. */
START_TEST(advertisement_of_our_address)
{
	rig_push_ndp(&rig, .type = 136, .target = rig.addr6, .override = true, .ip.dst = rig_addr("ff02::1"));
	rig_expect_drop(&rig, MR_DROP_ICMP_IGNORED);
	ck_assert_ptr_null(neigh(&rig.addr6));
	rig_expect_none(&rig);
}
END_TEST

/* ---- what we ask and announce */

/* ND-04: to the group of the target, from the address of the packet that waits. */
START_TEST(solicitation_sent)
{
	struct mr_subnet second = {.addr = rig_addr("fd00::77"), .plen = 64};
	struct mr_sockaddr local = {.addr = second.addr, .port = 4000}, to = rig_peer(&rig, true, 9);
	struct mr_addr group = rig_addr("ff02::1:ff00:2");
	const struct rig_frame *f;
	struct mr_ep *ep;

	ck_assert_int_eq(mr_addr_add(rig.stack, RIG_NIC, &second, MR_PEB_CAN_BE_PRIMARY), 0);
	rig_advance(&rig, 10 * RIG_S);
	rig_discard(&rig);
	rig_mark(&rig);
	ck_assert_int_eq(mr_ep_create(rig.stack, MR_TRANS_UDP, MR_NET_IPV6, &ep), 0);
	ck_assert_int_eq(mr_ep_bind(ep, &local), 0);
	ck_assert_int_eq(mr_ep_sendto(ep, "x", 1, &to), 1);
	f = rig_expect_ndp(&rig, 135);
	ck_assert_mem_eq(f->eth_dst, "\x33\x33\xff\0\0\x02", 6);
	ck_assert(mr_addr_equal(&f->dst, &group) && mr_addr_equal(&f->src, &second.addr));
	ck_assert(mr_addr_equal(&f->target, &rig.peer6));
	ck_assert_uint_eq(f->ttl, 255);
	ck_assert_uint_eq(f->ll_opt, 1);
	ck_assert_mem_eq(f->ll, rig.mac, 6);
	ck_assert_uint_eq(rig_moved(&rig, MR_CNT_NDP_TX_NS), 1);
	rig_push_ndp(&rig, .type = 136, .ip.dst = second.addr, .solicited = true, .override = true);
	rig_expect(&rig, RIG_UDP);
	ck_assert_int_eq(neigh(&rig.peer6)->state, MR_NEIGH_REACHABLE);
	/* Later in doubt: the probe goes to the station itself. */
	rig_advance(&rig, 60 * RIG_S);
	ck_assert_int_eq(mr_ep_sendto(ep, "x", 1, &to), 1);
	rig_expect(&rig, RIG_UDP);
	rig_advance(&rig, 5 * RIG_S);
	f = rig_expect_ndp(&rig, 135);
	ck_assert_mem_eq(f->eth_dst, rig.peer_mac, 6);
	ck_assert(mr_addr_equal(&f->dst, &rig.peer6));
	mr_ep_close(ep);
}
END_TEST

/* ND-10. */
START_TEST(announcement)
{
	struct mr_subnet sn = {.addr = rig_addr("fd00::99"), .plen = 64};
	struct mr_addr all = rig_addr("ff02::1");
	const struct rig_frame *f;

	ck_assert_int_eq(mr_addr_add(rig.stack, RIG_NIC, &sn, MR_PEB_CAN_BE_PRIMARY), 0);
	rig_expect_group(&rig, 131, "ff02::1:ff00:99");
	f = rig_expect_ndp(&rig, 136);
	ck_assert(mr_addr_equal(&f->target, &sn.addr) && mr_addr_equal(&f->src, &sn.addr) && mr_addr_equal(&f->dst, &all));
	ck_assert_uint_eq(f->rest, 0x20000000);
	ck_assert_mem_eq(f->ll, rig.mac, 6);
	rig_advance(&rig, 10 * RIG_S);
	rig_expect_group(&rig, 131, "ff02::1:ff00:99");
	rig_expect_none(&rig);
}
END_TEST

/* On a host of several cores core 0 announces; the others answer, as who has received the question. */
START_TEST(announced_by_one_core)
{
	struct rig_opts o = {.stack = {.core = 1, .n_cores = 2}};
	struct mr_subnet sn = {.addr = rig_addr("fd00::99"), .plen = 64};

	rig_fini(&rig);
	rig_init(&rig, &o);
	ck_assert_int_eq(mr_addr_add(rig.stack, RIG_NIC, &sn, MR_PEB_CAN_BE_PRIMARY), 0);
	rig_expect_none_for(&rig, 5 * RIG_S);
	rig_push_ndp(&rig, .target = sn.addr);
	rig_expect_ndp(&rig, 136);
	ck_assert_int_eq(mr_nic_disable(rig.stack, RIG_NIC), 0);
	ck_assert_int_eq(mr_nic_enable(rig.stack, RIG_NIC), 0);
	rig_expect_none_for(&rig, 5 * RIG_S);
}
END_TEST

/* B-24: groups have their link address in their name. */
START_TEST(static_mapping)
{
	struct mr_sockaddr to = {.addr = rig_addr("ff05::1234:5678"), .port = 9, .nic = RIG_NIC};
	struct mr_ep *ep;

	ck_assert_int_eq(mr_ep_create(rig.stack, MR_TRANS_UDP, MR_NET_IPV6, &ep), 0);
	ck_assert_int_eq(mr_ep_sendto(ep, "x", 1, &to), 1);
	ck_assert_mem_eq(rig_expect(&rig, RIG_UDP)->eth_dst, "\x33\x33\x12\x34\x56\x78", 6);
	mr_ep_close(ep);
}
END_TEST

/* D-14 for IPv6. */
START_TEST(no_answer_for_what_is_not_configured)
{
	ck_assert_int_eq(mr_nic_set_promisc(rig.stack, RIG_NIC, true), 0);
	ck_assert_int_eq(mr_nic_set_spoofing(rig.stack, RIG_NIC, true), 0);
	rig_push_ndp(&rig, .type = 135, .target = rig_addr("fd00::5"), .ip.dst = rig.addr6);
	rig_expect_drop(&rig, MR_DROP_ICMP_IGNORED);
	rig_expect_none(&rig);
}
END_TEST

START_TEST(no_packets_left)
{
	static struct rte_mbuf *all[4096];
	unsigned n;

	mr_stash_flush(&rig.stack->tx_stash);
	n = rte_mempool_avail_count(rig.stack->tx_pool);
	ck_assert_int_eq(rte_pktmbuf_alloc_bulk(rig.stack->tx_pool, all, n), 0);
	rig_push_ndp(&rig, .type = 135);
	rig_push_ndp(&rig, .type = 135, .ip.src_any = true);
	rig_expect_drops(&rig, MR_DROP_NO_TX_MBUF, 2);
	rig_expect_none(&rig);
	ck_assert_uint_eq(rig_moved(&rig, MR_CNT_NDP_TX_NA), 0);
	rte_pktmbuf_free_bulk(all, n);
}
END_TEST

static Suite *
suite(void)
{
	Suite *s = suite_create("ndp");
	TCase *tc = rig_case(s, "ndp", setup, rig_teardown);

	tcase_add_loop_test(tc, solicitation, 0, 2);
	tcase_add_test(tc, unicast_solicitation_without_link_address);
	tcase_add_test(tc, solicitation_for_another);
	tcase_add_test(tc, duplicate_detection_of_another);
	tcase_add_loop_test(tc, unknown_options, 0, 2);
	tcase_add_loop_test(tc, invalid_messages, 0, 2 * (int)RTE_DIM(invalids));
	tcase_add_test(tc, short_messages);
	tcase_add_test(tc, bad_checksum);
	tcase_add_test(tc, fragmented);
	tcase_add_test(tc, advertisement_makes_no_entry);
	tcase_add_loop_test(tc, advertisement_flags, 0, 8);
	tcase_add_test(tc, advertisement_of_our_address);
	tcase_add_test(tc, solicitation_sent);
	tcase_add_test(tc, announcement);
	tcase_add_test(tc, announced_by_one_core);
	tcase_add_test(tc, static_mapping);
	tcase_add_test(tc, no_answer_for_what_is_not_configured);
	tcase_add_test(tc, no_packets_left);
	return s;
}

RIG_MAIN(suite)
