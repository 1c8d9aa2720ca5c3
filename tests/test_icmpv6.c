/* SPDX-License-Identifier: Apache-2.0 */
/*
 * ICMPv6: echo, errors received, errors sent (I6-, B-numbers, nasty cases 13 to 16, 18). Errors received are told to a
 * connected UDP endpoint, fd00::1 port 4000 > fd00::2 port 9.
 */
#include "rig/fixture.h"

#include <errno.h>
#include <string.h>

#include <rte_mbuf.h>

#include "stack/nic.h"
#include "stack/stack.h"

#define ETH 14

static struct mr_ep *ep;

static void
setup(void)
{
	struct mr_sockaddr local, peer;

	rig_init(&rig, NULL);
	local = rig_local(&rig, true, 4000);
	peer = rig_peer(&rig, true, 9);
	ck_assert_int_eq(mr_ep_create(rig.stack, MR_TRANS_UDP, MR_NET_IPV6, &ep), 0);
	ck_assert_int_eq(mr_ep_bind(ep, &local), 0);
	ck_assert_int_eq(mr_ep_connect(ep, &peer), 0);
}

static void
teardown(void)
{
	mr_ep_close(ep);
	rig_fini(&rig);
}

/* ---- echo */

/* I6-11, I6-01. */
START_TEST(echo)
{
	static const uint32_t lens[] = {0, 1, 55, 56, 1451, 1452};
	const struct rig_frame *f;

	for (unsigned i = 0; i < RTE_DIM(lens); i++) {
		rig.rx_seg_bytes = _i == 1 && lens[i] < 100 ? 1 : 0;
		rig_push_icmp(&rig, .ip.v6 = true, .ip.tos = 0xbb, .echo = true, .id = 0xabcd, .seq = (uint16_t)i,
		              .len = lens[i]);
		f = rig_expect_icmp(&rig, true, 129, 0);
		ck_assert_uint_eq(f->id, 0xabcd);
		ck_assert_uint_eq(f->seq16, i);
		ck_assert_uint_eq(f->tos, 0xb8);
		ck_assert_uint_eq(f->payload_len, lens[i]);
		ck_assert_uint_eq(rig_pattern_check(f->payload, 0, lens[i]), lens[i]);
		ck_assert(mr_addr_equal(&f->src, &rig.addr6) && mr_addr_equal(&f->dst, &rig.peer6));
	}
	ck_assert_uint_eq(rig_moved(&rig, MR_CNT_ICMP_RX_ECHO), RTE_DIM(lens));
	ck_assert_uint_eq(rig_moved(&rig, MR_CNT_ICMP_TX_ECHO_REPLY), RTE_DIM(lens));
	rig_expect_no_drop(&rig);
}
END_TEST

/* B-32: asked as a group, answered as one of us; with the scope of who asks. */
START_TEST(echo_to_a_group)
{
	struct mr_addr ll = rig_addr("fe80::ff:fe00:1"), ll_peer = rig_addr("fe80::2");
	struct mr_lladdr mac = {.b = {2, 0, 0, 0, 0, 2}, .len = 6};

	ck_assert_int_eq(mr_neigh_add(rig.stack, RIG_NIC, &ll_peer, &mac), 0);
	rig_push_icmp(&rig, .ip.dst = rig_addr("ff02::1"), .echo = true);
	ck_assert(mr_addr_equal(&rig_expect_icmp(&rig, true, 129, 0)->src, &rig.addr6));
	rig_push_icmp(&rig, .ip.src = ll_peer, .ip.dst = rig_addr("ff02::1"), .echo = true);
	ck_assert(mr_addr_equal(&rig_expect_icmp(&rig, true, 129, 0)->src, &ll));
	rig_expect_no_drop(&rig);
}
END_TEST

START_TEST(echo_to_a_group_without_an_address_to_answer_from)
{
	struct rig_opts o = {.no_addr = true};
	struct mr_subnet ll = {.addr = rig_addr("fe80::77"), .plen = 64};

	mr_ep_close(ep);
	rig_fini(&rig);
	rig_init(&rig, &o);
	ck_assert_int_eq(mr_ep_create(rig.stack, MR_TRANS_UDP, MR_NET_IPV6, &ep), 0);
	ck_assert_int_eq(mr_addr_add(rig.stack, RIG_NIC, &ll, MR_PEB_CAN_BE_PRIMARY), 0);
	rig_discard(&rig);
	rig_push_icmp(&rig, .ip.src = rig_addr("2001:db8::1"), .ip.dst = rig_addr("ff02::1"), .echo = true);
	rig_expect_drop(&rig, MR_DROP_IP_NO_ROUTE);
	rig_expect_none(&rig);
}
END_TEST

START_TEST(echo_to_a_foreign_address)
{
	struct mr_addr other = rig_addr("fd00:9::9");

	ck_assert_int_eq(mr_nic_set_promisc(rig.stack, RIG_NIC, true), 0);
	rig_push_icmp(&rig, .ip.dst = other, .echo = true);
	ck_assert(mr_addr_equal(&rig_expect_icmp(&rig, true, 129, 0)->src, &other));
}
END_TEST

/* ---- malformed and ignored */

START_TEST(short_and_broken)
{
	rig.rx_seg_bytes = (uint16_t)_i;
	for (uint32_t len = 0; len < 8; len++)
		rig_push_ip(&rig, "\x80\0\0\0\0\0\0", len, .v6 = true, .proto = 58);
	rig_expect_drops(&rig, MR_DROP_ICMP_MALFORMED, 8);
	rig_mark(&rig);
	rig_push_icmp(&rig, .ip.v6 = true, .ip.spoil = RIG_SPOIL_L4_CKSUM, .echo = true, .len = 33);
	rig.rx_ol_flags = RTE_MBUF_F_RX_L4_CKSUM_GOOD;
	rig_push_icmp(&rig, .ip.v6 = true, .ip.spoil = RIG_SPOIL_L4_CKSUM, .echo = true);
	rig_push_icmp(&rig, .ip.v6 = true, .ip.spoil = RIG_ZERO_L4_CKSUM, .echo = true);
	rig_expect_drops(&rig, MR_DROP_ICMP_BAD_CKSUM, 3);
	rig_expect_none(&rig);
}
END_TEST

/* I6-02: informational messages that mean nothing to us, router discovery and redirects (nasty 17, 22) among them. */
START_TEST(ignored_types)
{
	unsigned n = 0;

	for (unsigned type = 129; type < 256; type++) {
		if (type == 130 || type == 131 || type == 135 || type == 136)
			continue;
		rig_push_icmp(&rig, .ip.v6 = true, .ip.ttl = 255, .type = (uint8_t)type, .len = 40);
		n++;
	}
	rig_expect_drops(&rig, MR_DROP_ICMP_IGNORED, n);
	rig_expect_none(&rig);
	ck_assert_int_eq(mr_ep_error(ep), 0);
}
END_TEST

/* ---- errors received */

struct quote {
	uint8_t b[48];
};

static struct quote
quote(const char *src, const char *dst, uint16_t sport, uint16_t dport)
{
	struct quote q = {.b = {0x60, [5] = 20, [6] = 17, [7] = 64}};
	struct mr_addr s = rig_addr(src), d = rig_addr(dst);
	uint8_t l4[8] = {sport >> 8, (uint8_t)sport, dport >> 8, (uint8_t)dport, 0, 20, 0, 0};

	memcpy(q.b + 8, s.b, 16);
	memcpy(q.b + 24, d.b, 16);
	memcpy(q.b + 40, l4, 8);
	return q;
}

static const struct error_case {
	uint8_t type, code;
	uint32_t rest;
	int err;
} error_cases[] = {
	{1, 0, 0, -ENETUNREACH}, {1, 1, 0, -EHOSTUNREACH}, {1, 2, 0, -EHOSTUNREACH}, {1, 3, 0, -EHOSTUNREACH},
	{1, 4, 0, -ECONNREFUSED}, {1, 5, 0, -EHOSTUNREACH}, {1, 6, 0, -ENETUNREACH}, {1, 7, 0, 0}, {2, 0, 1280, -EMSGSIZE},
	{2, 0, 1400, -EMSGSIZE}, {2, 0, 1500, 0}, {2, 0, 9000, 0}, {3, 0, 0, 0}, {4, 0, 40, 0}, {4, 1, 6, -ECONNREFUSED},
	{99, 0, 0, 0}, /* I6-02: unknown errors go up, too */
};

/* I6-06, I6-07. */
START_TEST(errors_reach_the_endpoint)
{
	const struct error_case *c = &error_cases[_i / 2];
	struct quote q = quote("fd00::1", "fd00::2", 4000, 9);

	rig.rx_seg_bytes = _i % 2;
	rig_push_icmp(&rig, .ip.src = rig_addr("2001:db8::1"), .type = c->type, .code = c->code, .rest = c->rest,
	              .data = q.b, .len = sizeof(q.b));
	rig_expect_no_drop(&rig);
	ck_assert_uint_eq(rig_moved(&rig, MR_CNT_ICMP_RX_ERRORS), 1);
	ck_assert_int_eq(mr_ep_error(ep), c->err);
	rig_expect_none(&rig);
}
END_TEST

/* Nasty 16: less than 1280 is no MTU of IPv6; a larger one than known changes nothing. */
START_TEST(packet_too_big)
{
	struct quote q = quote("fd00::1", "fd00::2", 4000, 9);
	static const uint32_t forged[] = {0, 68, 552, 1279};
	static char big[1500];

	for (unsigned i = 0; i < RTE_DIM(forged); i++)
		rig_push_icmp(&rig, .ip.v6 = true, .type = 2, .rest = forged[i], .data = q.b, .len = sizeof(q.b));
	rig_push_icmp(&rig, .ip.v6 = true, .type = 2, .data = q.b, .len = sizeof(q.b));
	rig_expect_drops(&rig, MR_DROP_ICMP_IGNORED, RTE_DIM(forged) + 1);
	ck_assert_int_eq(mr_ep_error(ep), 0);
	ck_assert_int_eq(mr_ep_send(ep, big, 1452), 1452);
	rig_push_icmp(&rig, .ip.v6 = true, .type = 2, .rest = 1400, .data = q.b, .len = sizeof(q.b));
	rig_push_icmp(&rig, .ip.v6 = true, .type = 2, .rest = 1450, .data = q.b, .len = sizeof(q.b));
	rig_poll(&rig);
	ck_assert_int_eq(mr_ep_error(ep), -EMSGSIZE);
	ck_assert_int_eq(mr_ep_send(ep, big, 1353), -EMSGSIZE);
	ck_assert_int_eq(mr_ep_send(ep, big, 1352), 1352);
}
END_TEST

static const struct bad_quote {
	const char *what, *src, *dst;
	uint16_t sport, dport;
	uint32_t len; /* not 0 */
	uint8_t lie_at, lie; /* lie_at 255: none */
	enum mr_counter drop;
} bad_quotes[] = {
	{"nothing", "fd00::1", "fd00::2", 4000, 9, 1, 255, 0, MR_DROP_ICMP_MALFORMED},
	{"39 bytes", "fd00::1", "fd00::2", 4000, 9, 39, 255, 0, MR_DROP_ICMP_MALFORMED},
	{"7 bytes of UDP", "fd00::1", "fd00::2", 4000, 9, 47, 255, 0, MR_DROP_ICMP_MALFORMED},
	{"version 4", "fd00::1", "fd00::2", 4000, 9, 0, 0, 0x45, MR_DROP_ICMP_MALFORMED},
	{"payload length 7", "fd00::1", "fd00::2", 4000, 9, 0, 5, 7, MR_DROP_ICMP_MALFORMED},
	{"not from us", "fd00::77", "fd00::2", 4000, 9, 0, 255, 0, MR_DROP_ICMP_IGNORED},
	{"our other address", "fe80::ff:fe00:1", "fd00::2", 4000, 9, 0, 255, 0, MR_DROP_ICMP_IGNORED},
	{"mapped source", "10.0.0.1", "fd00::2", 4000, 9, 0, 255, 0, MR_DROP_ICMP_IGNORED},
	{"mapped destination", "fd00::1", "10.0.0.2", 4000, 9, 0, 255, 0, MR_DROP_ICMP_IGNORED},
	{"not to our peer", "fd00::1", "fd00::3", 4000, 9, 0, 255, 0, MR_DROP_ICMP_IGNORED},
	{"another port of ours", "fd00::1", "fd00::2", 4001, 9, 0, 255, 0, MR_DROP_ICMP_IGNORED},
	{"another port of the peer", "fd00::1", "fd00::2", 4000, 10, 0, 255, 0, MR_DROP_ICMP_IGNORED},
	{"a fragment", "fd00::1", "fd00::2", 4000, 9, 0, 6, 44, MR_DROP_ICMP_IGNORED},
	{"unknown transport", "fd00::1", "fd00::2", 4000, 9, 0, 6, 99, MR_DROP_ICMP_IGNORED},
};

START_TEST(bad_quotes_are_ignored)
{
	const struct bad_quote *c = &bad_quotes[_i];
	struct quote q = quote(c->src, c->dst, c->sport, c->dport);

	if (c->lie_at != 255)
		q.b[c->lie_at] = c->lie;
	rig_push_icmp(&rig, .ip.v6 = true, .type = 1, .code = 4, .data = q.b, .len = c->len ? c->len : sizeof(q.b));
	rig_expect_drop(&rig, c->drop);
	ck_assert_int_eq(mr_ep_error(ep), 0);
	rig_expect_none(&rig);
}
END_TEST

/* ---- errors sent */

/* I6-03: as much as fits into 1280 bytes. */
START_TEST(error_quotes)
{
	static const uint32_t lens[] = {0, 1, 100, 1184, 1185, 1400};
	const struct rig_frame *f;
	struct rig_buf b;
	uint32_t want;

	rig_build_udp(&rig, &b, &(struct rig_udp){.ip.v6 = true, .ip.tos = 0x28, .dport = 33434, .len = lens[_i]});
	rig_push_buf(&rig, &b);
	f = rig_expect_icmp(&rig, true, 1, 4);
	want = RTE_MIN(b.len - ETH, 1280u - 48);
	ck_assert_uint_eq(f->payload_len, want);
	ck_assert_mem_eq(f->payload, b.b + ETH, want);
	ck_assert(mr_addr_equal(&f->src, &rig.addr6) && mr_addr_equal(&f->dst, &rig.peer6));
	ck_assert_uint_eq(rig_moved(&rig, MR_CNT_ICMP_TX_ERRORS), 1);
	rig_expect_drop(&rig, MR_DROP_UDP_NO_PORT);
}
END_TEST

/* I6-04. */
START_TEST(no_error_for_groups_and_errors)
{
	struct quote q = quote("fd00::1", "fd00::77", 1, 2);

	rig_push_udp(&rig, .ip.dst = rig_addr("ff02::1"), .dport = 99, .len = 3);
	rig_push_icmp(&rig, .ip.v6 = true, .type = 1, .code = 4, .data = q.b, .len = sizeof(q.b));
	rig_push_icmp(&rig, .ip.v6 = true, .type = 137, .len = 40);
	rig_expect_none(&rig);
	ck_assert_uint_eq(rig_moved(&rig, MR_CNT_ICMP_TX_ERRORS), 0);
}
END_TEST

START_TEST(error_operation)
{
	static const struct {
		uint8_t flags, trans_proto, type;
		bool src_any;
		enum mr_net_error e;
		uint8_t out_type, out_code; /* 0: no answer */
	} cases[] = {
		{0, 17, 0, false, MR_NET_ERR_PORT_UNREACH, 1, 4},
		{0, 17, 0, false, MR_NET_ERR_PROTO_UNREACH, 4, 1},
		{0, 17, 0, false, MR_NET_ERR_HOST_UNREACH, 1, 3},
		{0, 17, 0, false, MR_NET_ERR_NET_UNREACH, 1, 0},
		{MR_PKT_F_LINK_BROADCAST, 17, 0, false, MR_NET_ERR_PORT_UNREACH, 0, 0},
		{MR_PKT_F_LINK_MULTICAST, 17, 0, false, MR_NET_ERR_PORT_UNREACH, 0, 0},
		{MR_PKT_F_NET_MULTICAST, 17, 0, false, MR_NET_ERR_PORT_UNREACH, 0, 0},
		{0, 58, 128, true, MR_NET_ERR_PORT_UNREACH, 0, 0},
		{0, 58, 128, false, MR_NET_ERR_PORT_UNREACH, 1, 4},
		{0, 58, 1, false, MR_NET_ERR_PORT_UNREACH, 0, 0},
		{0, 58, 127, false, MR_NET_ERR_PORT_UNREACH, 0, 0},
		{0, 58, 137, false, MR_NET_ERR_PORT_UNREACH, 0, 0},
	};
	struct mr_netproto *np = mr_stack_netproto(rig.stack, MR_NET_IPV6);
	struct mr_nic *nic = mr_nic_find(rig.stack, RIG_NIC);

	for (unsigned i = 0; i < RTE_DIM(cases); i++) {
		struct rig_buf b;
		struct rte_mbuf *m = rte_pktmbuf_alloc(rig.stack->rx_pool);
		struct mr_addr dst;

		rig_build_icmp(&rig, &b, &(struct rig_icmp){.ip.v6 = true, .ip.src_any = cases[i].src_any,
		                                            .ip.proto = cases[i].trans_proto, .type = cases[i].type,
		                                            .len = 20});
		memcpy(rte_pktmbuf_append(m, (uint16_t)(b.len - ETH)), b.b + ETH, b.len - ETH);
		mr_pkt_init(m);
		mr_pkt(m)->net_off = m->data_off;
		ck_assert_uint_eq(np->ops->parse(np, nic, &m, &dst, 1), 1);
		mr_pkt(m)->netep = mr_nic_netep_rx(nic, &dst);
		mr_pkt(m)->flags |= cases[i].flags;
		rte_pktmbuf_adj(m, 40);
		np->ops->error(np, m, cases[i].e);
		if (cases[i].out_type)
			rig_expect_icmp(&rig, true, cases[i].out_type, cases[i].out_code);
		else
			rig_expect_none(&rig);
	}
}
END_TEST

/* I6-05. */
START_TEST(error_rate)
{
	for (int i = 0; i < 80; i++)
		rig_push_udp(&rig, .ip.v6 = true, .dport = 99, .len = 1);
	ck_assert_uint_eq(rig_pending(&rig), 50);
	ck_assert_uint_eq(rig_moved(&rig, MR_CNT_ICMP_TX_LIMITED), 30);
}
END_TEST

static Suite *
suite(void)
{
	Suite *s = suite_create("icmpv6");
	TCase *tc = rig_case(s, "icmpv6", setup, teardown);

	tcase_add_loop_test(tc, echo, 0, 2);
	tcase_add_test(tc, echo_to_a_group);
	tcase_add_test(tc, echo_to_a_group_without_an_address_to_answer_from);
	tcase_add_test(tc, echo_to_a_foreign_address);
	tcase_add_loop_test(tc, short_and_broken, 0, 2);
	tcase_add_test(tc, ignored_types);
	tcase_add_loop_test(tc, errors_reach_the_endpoint, 0, 2 * (int)RTE_DIM(error_cases));
	tcase_add_test(tc, packet_too_big);
	tcase_add_loop_test(tc, bad_quotes_are_ignored, 0, (int)RTE_DIM(bad_quotes));
	tcase_add_loop_test(tc, error_quotes, 0, 6);
	tcase_add_test(tc, no_error_for_groups_and_errors);
	tcase_add_test(tc, error_operation);
	tcase_add_test(tc, error_rate);
	return s;
}

RIG_MAIN(suite)
