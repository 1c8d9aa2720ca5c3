/* SPDX-License-Identifier: Apache-2.0 */
/*
 * ICMP: echo, errors received, errors sent (IC-, B-, SS-numbers, nasty cases 13 to 15, 18). Errors received are told
 * to a connected UDP endpoint, 10.0.0.1:4000 > 10.0.0.2:9.
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
	local = rig_local(&rig, false, 4000);
	peer = rig_peer(&rig, false, 9);
	ck_assert_int_eq(mr_ep_create(rig.stack, MR_TRANS_UDP, MR_NET_IPV4, &ep), 0);
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

/* Byte for byte (IC-11, IC-12, B-32). */
START_TEST(echo_bytes)
{
	static const uint8_t req[] = {
		2, 0, 0, 0, 0, 1, 2, 0, 0, 0, 0, 2, 8, 0,
		0x45, 0, 0, 32, 0x12, 0x34, 0x40, 0, 64, 1, 0x14, 0xa7, 10, 0, 0, 2, 10, 0, 0, 1,
		8, 0, 0x6d, 0x60, 0xab, 0xcd, 0, 1, 'p', 'i', 'n', 'g',
	};
	const struct rig_frame *f;

	rig_push(&rig, req, sizeof(req));
	f = rig_expect_icmp(&rig, false, 0, 0);
	ck_assert_uint_eq(f->len, sizeof(req));
	ck_assert_mem_eq(f->b, "\x02\0\0\0\0\x02\x02\0\0\0\0\x01\x08\0\x45\0\0\x20", 18);
	ck_assert_mem_eq(f->b + ETH + 12, "\x0a\0\0\x01\x0a\0\0\x02\0\0\x75\x60\xab\xcd\0\x01ping", 20);
	ck_assert_uint_eq(f->ttl, 64);
	ck_assert_uint_eq(rig_moved(&rig, MR_CNT_ICMP_RX_ECHO), 1);
	ck_assert_uint_eq(rig_moved(&rig, MR_CNT_ICMP_TX_ECHO_REPLY), 1);
	rig_expect_no_drop(&rig);
}
END_TEST

/* Any size and any cutting into segments. */
START_TEST(echo_sizes)
{
	static const uint32_t lens[] = {0, 1, 2, 3, 31, 56, 1471, 1472};
	static const uint16_t segs[] = {0, 1, 3, 64};
	const struct rig_frame *f;

	for (unsigned i = 0; i < RTE_DIM(lens); i++) {
		rig.rx_seg_bytes = segs[_i];
		if (segs[_i] == 1 && lens[i] > 256)
			continue;
		rig_push_icmp(&rig, .echo = true, .id = 3, .seq = (uint16_t)i, .len = lens[i]);
		f = rig_expect_icmp(&rig, false, 0, 0);
		ck_assert_uint_eq(f->payload_len, lens[i]);
		ck_assert_uint_eq(rig_pattern_check(f->payload, 0, lens[i]), lens[i]);
		ck_assert_uint_eq(f->id, 3);
		ck_assert_uint_eq(f->seq16, i);
	}
	rig_expect_no_drop(&rig);
}
END_TEST

START_TEST(echo_keeps_dscp_but_not_ecn)
{
	rig_push_icmp(&rig, .ip.tos = 0xbb, .echo = true);
	ck_assert_uint_eq(rig_expect_icmp(&rig, false, 0, 0)->tos, 0xb8);
}
END_TEST

/* Nasty 13: a request that many could answer is answered by none of us. */
START_TEST(echo_to_groups)
{
	static const char *const dsts[] = {"10.0.0.255", "255.255.255.255", "224.0.0.1"};

	rig_push_icmp(&rig, .ip.dst = rig_addr(dsts[_i]), .echo = true);
	rig_expect_drop(&rig, MR_DROP_ICMP_IGNORED);
	rig_expect_none(&rig);
}
END_TEST

/* A reply may use the received packet only if nobody else has it. */
START_TEST(echo_of_a_shared_packet)
{
	struct mr_nic *nic = mr_nic_find(rig.stack, RIG_NIC);
	struct rig_buf b;
	struct rte_mbuf *m, *keep;

	rig_build_icmp(&rig, &b, &(struct rig_icmp){.echo = true, .len = 40});
	m = rte_pktmbuf_alloc(rig.stack->rx_pool);
	memcpy(rte_pktmbuf_append(m, (uint16_t)b.len), b.b, b.len);
	mr_pkt_init(m);
	keep = m;
	rte_mbuf_refcnt_update(m, 1);
	mr_nic_rx(nic, &m, 1);
	ck_assert_uint_eq(rig_expect_icmp(&rig, false, 0, 0)->payload_len, 40);
	ck_assert_mem_eq((char *)keep->buf_addr + RTE_PKTMBUF_HEADROOM, b.b, b.len);
	ck_assert_uint_eq(rte_mbuf_refcnt_read(keep), 1);
	rte_pktmbuf_free(keep);
}
END_TEST

/* B-5: a promiscuous NIC answers as whom it was asked. */
START_TEST(echo_to_a_foreign_address)
{
	struct mr_addr other = rig_addr("10.9.9.9");

	rig_push_icmp(&rig, .ip.dst = other, .echo = true);
	rig_expect_drop(&rig, MR_DROP_IP_NOT_OURS);
	ck_assert_int_eq(mr_nic_set_promisc(rig.stack, RIG_NIC, true), 0);
	rig_push_icmp(&rig, .ip.dst = other, .echo = true);
	ck_assert(mr_addr_equal(&rig_expect_icmp(&rig, false, 0, 0)->src, &other));
	ck_assert_int_eq(mr_nic_set_promisc(rig.stack, RIG_NIC, false), 0);
	rig_push_icmp(&rig, .ip.dst = other, .echo = true);
	rig_expect_none(&rig);
}
END_TEST

START_TEST(echo_without_a_way_back)
{
	rig_push_icmp(&rig, .ip.src = rig_addr("172.16.0.1"), .echo = true);
	rig_expect_drop(&rig, MR_DROP_IP_NO_ROUTE);
	rig_expect_none(&rig);
	ck_assert_uint_eq(rig_moved(&rig, MR_CNT_ICMP_TX_ECHO_REPLY), 0);
}
END_TEST

START_TEST(echo_through_a_gateway)
{
	struct rig_opts o = {.gateway = true};

	mr_ep_close(ep);
	rig_fini(&rig);
	rig_init(&rig, &o);
	ck_assert_int_eq(mr_ep_create(rig.stack, MR_TRANS_UDP, MR_NET_IPV4, &ep), 0);
	rig_push_icmp(&rig, .ip.src = rig_addr("172.16.0.1"), .echo = true);
	ck_assert_mem_eq(rig_expect_icmp(&rig, false, 0, 0)->eth_dst, rig.peer_mac, 6);
}
END_TEST

/* ---- malformed and ignored */

START_TEST(short_and_broken)
{
	rig.rx_seg_bytes = (uint16_t)_i;
	for (uint32_t len = 0; len < 8; len++)
		rig_push_ip(&rig, "\x08\0\xf7\xff\0\0\0", len, .proto = 1);
	rig_expect_drops(&rig, MR_DROP_ICMP_MALFORMED, 8);
	rig_mark(&rig);
	rig_push_icmp(&rig, .ip.spoil = RIG_SPOIL_L4_CKSUM, .echo = true, .len = 33);
	rig_expect_drop(&rig, MR_DROP_ICMP_BAD_CKSUM);
	/* NICs don't agree on whether their word covers ICMP. */
	rig.rx_ol_flags = RTE_MBUF_F_RX_L4_CKSUM_GOOD;
	rig_push_icmp(&rig, .ip.spoil = RIG_SPOIL_L4_CKSUM, .echo = true);
	rig_expect_drops(&rig, MR_DROP_ICMP_BAD_CKSUM, 2);
	rig_expect_none(&rig);
}
END_TEST

/* IC-02, IC-13 to IC-15, nasty 17, 18: every type that is not handled, with an endpoint that must not notice. */
START_TEST(ignored_types)
{
	unsigned n = 0;

	for (unsigned type = 0; type < 256; type++) {
		if (type == 8 || type == 3 || type == 11 || type == 12)
			continue;
		rig_push_icmp(&rig, .type = (uint8_t)type, .len = 40);
		n++;
	}
	rig_expect_drops(&rig, MR_DROP_ICMP_IGNORED, n);
	rig_expect_none(&rig);
	ck_assert_int_eq(mr_ep_error(ep), 0);
}
END_TEST

/* ---- errors received */

/* The quote of a datagram of ours. */
struct quote {
	uint8_t b[64];
	uint32_t len;
};

static struct quote
quote(const char *src, const char *dst, uint16_t sport, uint16_t dport, uint16_t frag)
{
	struct quote q = {.len = 28};
	struct mr_addr s = rig_addr(src), d = rig_addr(dst);
	uint8_t ip[20] = {0x45, 0, 0, 40, 0x11, 0x22, frag >> 8, (uint8_t)frag, 64, 17};
	uint8_t l4[8] = {sport >> 8, (uint8_t)sport, dport >> 8, (uint8_t)dport, 0, 20, 0, 0};
	uint16_t sum;

	memcpy(ip + 12, s.b + 12, 4);
	memcpy(ip + 16, d.b + 12, 4);
	sum = rig_cksum(ip, 20, 0);
	ip[10] = sum >> 8;
	ip[11] = (uint8_t)sum;
	memcpy(q.b, ip, 20);
	memcpy(q.b + 20, l4, 8);
	return q;
}

static const struct error_case {
	uint8_t type, code;
	int err;
} error_cases[] = {
	{3, 0, -ENETUNREACH}, {3, 1, -EHOSTUNREACH}, {3, 2, -ECONNREFUSED}, {3, 3, -ECONNREFUSED}, {3, 6, -ENETUNREACH},
	{3, 7, -EHOSTUNREACH}, {3, 9, -EHOSTUNREACH}, {3, 10, -EHOSTUNREACH}, {3, 13, -EHOSTUNREACH}, {3, 5, 0}, {3, 99, 0},
	{3, 4, 0}, {11, 0, 0}, {11, 1, 0}, {12, 0, 0},
};

/* IC-04, IC-10, UD-03, B-15: from anybody on the way, about what we sent. */
START_TEST(errors_reach_the_endpoint)
{
	const struct error_case *c = &error_cases[_i / 2];
	struct quote q = quote("10.0.0.1", "10.0.0.2", 4000, 9, 0);

	rig.rx_seg_bytes = _i % 2;
	rig_push_icmp(&rig, .ip.src = rig_addr("172.16.0.1"), .type = c->type, .code = c->code, .data = q.b, .len = q.len);
	rig_expect_no_drop(&rig);
	ck_assert_uint_eq(rig_moved(&rig, MR_CNT_ICMP_RX_ERRORS), 1);
	ck_assert_int_eq(mr_ep_error(ep), c->err);
	ck_assert_int_eq(mr_ep_error(ep), 0);
	rig_expect_none(&rig);
}
END_TEST

/* B-15, SS-15, nasty 15. `lie` changes a byte of the quote, whose checksum is then wrong unless it is put right. */
static const struct bad_quote {
	const char *what;
	const char *src, *dst;
	uint16_t sport, dport, frag;
	uint32_t len;   /* not 0 */
	uint8_t lie_at, lie; /* lie_at 255: none */
	bool fix;
	enum mr_counter drop;
} bad_quotes[] = {
	{"nothing", "10.0.0.1", "10.0.0.2", 4000, 9, 0, 1, 255, 0, false, MR_DROP_ICMP_MALFORMED},
	{"19 bytes", "10.0.0.1", "10.0.0.2", 4000, 9, 0, 19, 255, 0, false, MR_DROP_ICMP_MALFORMED},
	{"header alone", "10.0.0.1", "10.0.0.2", 4000, 9, 0, 20, 255, 0, false, MR_DROP_ICMP_MALFORMED},
	{"7 bytes of UDP", "10.0.0.1", "10.0.0.2", 4000, 9, 0, 27, 255, 0, false, MR_DROP_ICMP_MALFORMED},
	{"IHL 4", "10.0.0.1", "10.0.0.2", 4000, 9, 0, 0, 0, 0x44, true, MR_DROP_ICMP_MALFORMED},
	{"IHL 6, no room", "10.0.0.1", "10.0.0.2", 4000, 9, 0, 0, 0, 0x46, true, MR_DROP_ICMP_MALFORMED},
	{"version 6", "10.0.0.1", "10.0.0.2", 4000, 9, 0, 0, 0, 0x65, true, MR_DROP_ICMP_MALFORMED},
	{"total length 27", "10.0.0.1", "10.0.0.2", 4000, 9, 0, 0, 3, 27, true, MR_DROP_ICMP_MALFORMED},
	{"bad checksum", "10.0.0.1", "10.0.0.2", 4000, 9, 0, 0, 8, 63, false, MR_DROP_ICMP_MALFORMED},
	{"later fragment", "10.0.0.1", "10.0.0.2", 4000, 9, 0x2001, 0, 255, 0, false, MR_DROP_ICMP_IGNORED},
	{"not from us", "10.0.0.77", "10.0.0.2", 4000, 9, 0, 0, 255, 0, false, MR_DROP_ICMP_IGNORED},
	{"our other address", "10.0.0.8", "10.0.0.2", 4000, 9, 0, 0, 255, 0, false, MR_DROP_ICMP_IGNORED},
	{"not to our peer", "10.0.0.1", "10.0.0.3", 4000, 9, 0, 0, 255, 0, false, MR_DROP_ICMP_IGNORED},
	{"another port of ours", "10.0.0.1", "10.0.0.2", 4001, 9, 0, 0, 255, 0, false, MR_DROP_ICMP_IGNORED},
	{"another port of the peer", "10.0.0.1", "10.0.0.2", 4000, 10, 0, 0, 255, 0, false, MR_DROP_ICMP_IGNORED},
	{"unknown transport", "10.0.0.1", "10.0.0.2", 4000, 9, 0, 0, 9, 99, true, MR_DROP_ICMP_IGNORED},
};

START_TEST(bad_quotes_are_ignored)
{
	const struct bad_quote *c = &bad_quotes[_i];
	struct quote q = quote(c->src, c->dst, c->sport, c->dport, c->frag);
	struct mr_subnet other = {.addr = rig_addr("10.0.0.8"), .plen = 24};
	uint16_t sum;

	ck_assert_int_eq(mr_addr_add(rig.stack, RIG_NIC, &other, MR_PEB_CAN_BE_PRIMARY), 0);
	rig_discard(&rig);
	if (c->lie_at != 255)
		q.b[c->lie_at] = c->lie;
	if (c->fix) {
		q.b[10] = q.b[11] = 0;
		sum = rig_cksum(q.b, 20, 0);
		q.b[10] = sum >> 8;
		q.b[11] = (uint8_t)sum;
	}
	rig_push_icmp(&rig, .type = 3, .code = 3, .data = q.b, .len = c->len ? c->len : q.len);
	rig_expect_drop(&rig, c->drop);
	ck_assert_uint_eq(rig_moved(&rig, MR_CNT_ICMP_RX_ERRORS), 0);
	ck_assert_int_eq(mr_ep_error(ep), 0);
	rig_expect_none(&rig);
}
END_TEST

/* SS-15: an error comes to the address that sent what it quotes, not to another one of ours. */
START_TEST(error_at_another_address)
{
	struct mr_subnet second = {.addr = rig_addr("10.0.0.8"), .plen = 24};
	struct mr_sockaddr local = {.addr = second.addr, .port = 4000}, peer = rig_peer(&rig, false, 9);
	struct quote q = quote("10.0.0.8", "10.0.0.2", 4000, 9, 0);
	struct mr_ep *other;

	ck_assert_int_eq(mr_addr_add(rig.stack, RIG_NIC, &second, MR_PEB_CAN_BE_PRIMARY), 0);
	rig_discard(&rig);
	ck_assert_int_eq(mr_ep_create(rig.stack, MR_TRANS_UDP, MR_NET_IPV4, &other), 0);
	ck_assert_int_eq(mr_ep_bind(other, &local), 0);
	ck_assert_int_eq(mr_ep_connect(other, &peer), 0);
	rig_push_icmp(&rig, .type = 3, .code = 3, .data = q.b, .len = q.len);
	rig_expect_drop(&rig, MR_DROP_ICMP_IGNORED);
	ck_assert_int_eq(mr_ep_error(other), 0);
	rig_push_icmp(&rig, .ip.dst = second.addr, .type = 3, .code = 3, .data = q.b, .len = q.len);
	rig_poll(&rig);
	ck_assert_int_eq(mr_ep_error(other), -ECONNREFUSED);
	ck_assert_int_eq(mr_ep_error(ep), 0);
	mr_ep_close(other);
}
END_TEST

/* ---- errors sent */

/* IC-03, IC-06, UD-01: the datagram is quoted unchanged, options and all, up to 576 bytes of message. */
START_TEST(error_quotes)
{
	static const uint32_t lens[] = {0, 1, 100, 520, 521, 1400};
	uint32_t len = lens[_i];
	const struct rig_frame *f;
	struct rig_buf b;
	uint32_t want;

	rig_build_udp(&rig, &b, &(struct rig_udp){.ip.opts = "\x94\x04\0\0", .ip.opts_len = _i == 2 ? 4 : 0, .ip.ttl = 9,
	                                          .ip.pad = 20, .dport = 33434, .len = len});
	rig.rx_seg_bytes = _i == 2 ? 1 : 0;
	rig_push_buf(&rig, &b);
	f = rig_expect_icmp(&rig, false, 3, 3);
	want = RTE_MIN(b.len - 20 - ETH, 576u - 28);
	ck_assert_uint_eq(f->payload_len, want);
	ck_assert_mem_eq(f->payload, b.b + ETH, want);
	ck_assert_uint_eq(f->rest, 0);
	ck_assert(mr_addr_equal(&f->src, &rig.addr4) && mr_addr_equal(&f->dst, &rig.peer4));
	ck_assert_uint_eq(rig_moved(&rig, MR_CNT_ICMP_TX_ERRORS), 1);
	rig_expect_drop(&rig, MR_DROP_UDP_NO_PORT);
}
END_TEST

/* IC-05, nasty 14. */
START_TEST(no_error_for_groups_and_errors)
{
	struct quote q = quote("10.0.0.1", "10.0.0.77", 1, 2, 0);

	rig_push_udp(&rig, .ip.dst = rig_addr("10.0.0.255"), .dport = 99, .len = 3);
	rig_push_udp(&rig, .ip.dst = rig_addr("255.255.255.255"), .dport = 99, .len = 3);
	rig_push_udp(&rig, .ip.dst = rig_addr("224.0.0.1"), .dport = 99, .len = 3);
	rig_push_icmp(&rig, .type = 3, .code = 3, .data = q.b, .len = q.len);
	rig_push_icmp(&rig, .type = 77, .len = 20);
	rig_expect_none(&rig);
	ck_assert_uint_eq(rig_moved(&rig, MR_CNT_ICMP_TX_ERRORS), 0);
	ck_assert_uint_eq(rig_moved(&rig, MR_DROP_UDP_NO_PORT), 3);
}
END_TEST

/* The error operation itself, for what the receive path never lets come so far. */
START_TEST(error_operation)
{
	static const struct {
		uint8_t flags, trans_proto, type;
		enum mr_net_error e;
		uint8_t code; /* 255: no answer */
	} cases[] = {
		{0, 17, 0, MR_NET_ERR_PORT_UNREACH, 3},
		{0, 17, 0, MR_NET_ERR_PROTO_UNREACH, 2},
		{0, 17, 0, MR_NET_ERR_HOST_UNREACH, 1},
		{0, 17, 0, MR_NET_ERR_NET_UNREACH, 0},
		{MR_PKT_F_LINK_BROADCAST, 17, 0, MR_NET_ERR_PORT_UNREACH, 255},
		{MR_PKT_F_LINK_MULTICAST, 17, 0, MR_NET_ERR_PORT_UNREACH, 255},
		{MR_PKT_F_NET_BROADCAST, 17, 0, MR_NET_ERR_PORT_UNREACH, 255},
		{MR_PKT_F_NET_MULTICAST, 17, 0, MR_NET_ERR_PORT_UNREACH, 255},
		{0, 1, 8, MR_NET_ERR_PROTO_UNREACH, 2},
		{0, 1, 3, MR_NET_ERR_PROTO_UNREACH, 255},
		{0, 1, 11, MR_NET_ERR_PROTO_UNREACH, 255},
		{0, 1, 99, MR_NET_ERR_PROTO_UNREACH, 255},
	};
	struct mr_netproto *np = mr_stack_netproto(rig.stack, MR_NET_IPV4);
	struct mr_nic *nic = mr_nic_find(rig.stack, RIG_NIC);

	for (unsigned i = 0; i < RTE_DIM(cases); i++) {
		struct rig_buf b;
		struct rte_mbuf *m = rte_pktmbuf_alloc(rig.stack->rx_pool);
		struct mr_addr dst;

		rig_build_icmp(&rig, &b,
		               &(struct rig_icmp){.ip.proto = cases[i].trans_proto, .type = cases[i].type, .len = 20});
		memcpy(rte_pktmbuf_append(m, (uint16_t)(b.len - ETH)), b.b + ETH, b.len - ETH);
		mr_pkt_init(m);
		mr_pkt(m)->net_off = m->data_off;
		ck_assert_uint_eq(np->ops->parse(np, nic, &m, &dst, 1), 1);
		mr_pkt(m)->netep = mr_nic_netep_rx(nic, &dst);
		mr_pkt(m)->flags |= cases[i].flags;
		rte_pktmbuf_adj(m, 20);
		np->ops->error(np, m, cases[i].e);
		if (cases[i].code == 255)
			rig_expect_none(&rig);
		else
			ck_assert_uint_eq(rig_expect_icmp(&rig, false, 3, cases[i].code)->payload_len, 48);
	}
}
END_TEST

/* IC-16: a burst, then the rate; 0 switches errors off. */
START_TEST(error_rate)
{
	unsigned n;

	for (int i = 0; i < 200; i++)
		rig_push_udp(&rig, .dport = 99, .len = 1);
	ck_assert_uint_eq(rig_pending(&rig), 50);
	rig_discard(&rig);
	ck_assert_uint_eq(rig_moved(&rig, MR_CNT_ICMP_TX_LIMITED), 150);
	ck_assert_uint_eq(rig_moved(&rig, MR_CNT_ICMP_TX_ERRORS), 50);
	rig_advance(&rig, 10 * RIG_MS);
	for (int i = 0; i < 200; i++)
		rig_push_udp(&rig, .dport = 99, .len = 1);
	n = rig_pending(&rig);
	ck_assert_uint_eq(n, 10);
	rig_discard(&rig);
	ck_assert_int_eq(mr_netproto_setopt(rig.stack, MR_NET_IPV4, MR_OPT_ICMP_ERR_RATE, 2), 0);
	for (int i = 0; i < 5; i++)
		rig_push_udp(&rig, .dport = 99, .len = 1);
	ck_assert_uint_eq(rig_pending(&rig), 2);
	rig_discard(&rig);
	rig_advance(&rig, 499 * RIG_MS);
	rig_push_udp(&rig, .dport = 99, .len = 1);
	rig_expect_none(&rig);
	rig_advance(&rig, 1 * RIG_MS);
	rig_push_udp(&rig, .dport = 99, .len = 1);
	rig_expect_icmp(&rig, false, 3, 3);
	ck_assert_int_eq(mr_netproto_setopt(rig.stack, MR_NET_IPV4, MR_OPT_ICMP_ERR_RATE, 0), 0);
	rig_advance(&rig, 100 * RIG_S);
	rig_push_udp(&rig, .dport = 99, .len = 1);
	rig_expect_none(&rig);
	/* The other family has a budget of its own. */
	rig_push_udp(&rig, .ip.v6 = true, .dport = 99, .len = 1);
	rig_expect_icmp(&rig, true, 1, 4);
}
END_TEST

START_TEST(no_packets_left_for_errors)
{
	static struct rte_mbuf *all[4096];
	unsigned n;

	mr_stash_flush(&rig.stack->tx_stash);
	n = rte_mempool_avail_count(rig.stack->tx_pool);
	ck_assert_int_eq(rte_pktmbuf_alloc_bulk(rig.stack->tx_pool, all, n), 0);
	rig_push_udp(&rig, .dport = 99, .len = 1);
	rig_expect_none(&rig);
	ck_assert_uint_eq(rig_moved(&rig, MR_DROP_NO_TX_MBUF), 1);
	ck_assert_uint_eq(rig_moved(&rig, MR_DROP_UDP_NO_PORT), 1);
	rte_pktmbuf_free_bulk(all, n);
}
END_TEST

static Suite *
suite(void)
{
	Suite *s = suite_create("icmp");
	TCase *tc = rig_case(s, "icmp", setup, teardown);

	tcase_add_test(tc, echo_bytes);
	tcase_add_loop_test(tc, echo_sizes, 0, 4);
	tcase_add_test(tc, echo_keeps_dscp_but_not_ecn);
	tcase_add_loop_test(tc, echo_to_groups, 0, 3);
	tcase_add_test(tc, echo_of_a_shared_packet);
	tcase_add_test(tc, echo_to_a_foreign_address);
	tcase_add_test(tc, echo_without_a_way_back);
	tcase_add_test(tc, echo_through_a_gateway);
	tcase_add_loop_test(tc, short_and_broken, 0, 2);
	tcase_add_test(tc, ignored_types);
	tcase_add_loop_test(tc, errors_reach_the_endpoint, 0, 2 * (int)RTE_DIM(error_cases));
	tcase_add_loop_test(tc, bad_quotes_are_ignored, 0, (int)RTE_DIM(bad_quotes));
	tcase_add_test(tc, error_at_another_address);
	tcase_add_loop_test(tc, error_quotes, 0, 6);
	tcase_add_test(tc, no_error_for_groups_and_errors);
	tcase_add_test(tc, error_operation);
	tcase_add_test(tc, error_rate);
	tcase_add_test(tc, no_packets_left_for_errors);
	return s;
}

RIG_MAIN(suite)
