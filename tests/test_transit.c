/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Forwarding (S-48, S-49, SS-10, B-30): what is sent on, how it is changed, what is not sent on and under which reason it
 * is counted, and what is ours after all. How next hops are found: test_transit_hop.c.
 */
#include "router.h"

#include "proto/cksum.h"

#include <rte_ip.h>

static struct router r;

static void
setup(void)
{
	router_init(&r, NULL);
}

static void
teardown(void)
{
	router_fini(&r);
}

#define push_far_udp(...) rig_push_udp(&r.rig, .ip.dst = rig_addr("10.2.0.2"), .len = 10, ##__VA_ARGS__)

static struct mr_ep *
udp_ep(uint16_t port)
{
	struct mr_sockaddr any = {.port = port};
	struct mr_ep *ep;

	ck_assert_int_eq(mr_ep_create(r.rig.stack, MR_TRANS_UDP, MR_NET_IPV6, &ep), 0);
	ck_assert_int_eq(mr_ep_bind(ep, &any), 0);
	return ep;
}

/* ---- on and off */

/* S-48, S-49 */
START_TEST(s48_on_and_off)
{
	struct mr_stack *s = r.rig.stack;

	ck_assert(mr_stack_forwarding(s));
	push_far_udp();
	far_expect(&r, RIG_UDP);
	ck_assert_int_eq(mr_stack_set_forwarding(s, true), 0);
	push_far_udp();
	far_expect(&r, RIG_UDP);
	rig_expect_no_drop(&r.rig);
	ck_assert_uint_eq(rig_moved(&r.rig, MR_CNT_IP_FORWARDED), 2);
	ck_assert_int_eq(mr_stack_set_forwarding(s, false), 0);
	ck_assert(!mr_stack_forwarding(s));
	push_far_udp();
	far_expect_none(&r);
	rig_expect_drop(&r.rig, MR_DROP_IP_NOT_OURS);
	ck_assert_int_eq(mr_stack_set_forwarding(s, false), 0);
	ck_assert_int_eq(mr_stack_set_forwarding(s, true), 0);
	push_far_udp();
	far_expect(&r, RIG_UDP);
}
END_TEST

START_TEST(s48_off_at_first)
{
	router_init(&r, &(struct router_opts){.off = true});
	ck_assert(!mr_stack_forwarding(r.rig.stack));
	push_far_udp();
	far_expect_none(&r);
	rig_expect_drop(&r.rig, MR_DROP_IP_NOT_OURS);
	router_fini(&r);
}
END_TEST

/* ---- what a packet looks like afterwards */

START_TEST(v4_both_ways)
{
	const struct rig_frame *f;
	struct rig_buf b;

	rig_push_udp(&r.rig, .ip = {.dst = rig_addr("10.2.0.2"), .ttl = 17, .tos = 0x2e, .id = 0x1234, .frag = 0x4000, .pad = 6},
	             .sport = 1111, .dport = 2222, .len = 5);
	f = far_expect(&r, RIG_UDP);
	ck_assert_uint_eq(f->ttl, 16);
	ck_assert_uint_eq(f->tos, 0x2e);
	ck_assert_uint_eq(f->ip_id, 0x1234);
	ck_assert(f->df);
	ck_assert_uint_eq(f->len, 14 + 20 + 8 + 5); /* the link's padding stays behind */
	ck_assert_uint_eq(f->sport, 1111);
	ck_assert_uint_eq(f->dport, 2222);
	ck_assert_uint_eq(rig_pattern_check(f->payload, 0, 5), 5);
	ck_assert(mr_addr_equal(&f->src, &r.rig.peer4));
	ck_assert_mem_eq(f->eth_dst, far_peer_ll.b, 6);
	ck_assert_mem_eq(f->eth_src, r.far_ll.b, 6);
	rig_build_udp(&r.rig, &b, &(struct rig_udp){.ip = {.src = rig_addr("10.2.0.2"), .dst = r.rig.peer4}, .len = 7});
	far_push(&r, &b);
	f = rig_expect(&r.rig, RIG_UDP);
	ck_assert_uint_eq(f->ttl, 63);
	ck_assert_uint_eq(f->payload_len, 7);
	ck_assert_mem_eq(f->eth_dst, r.rig.peer_mac, 6);
	ck_assert_mem_eq(f->eth_src, r.rig.mac, 6);
	rig_expect_none(&r.rig);
	far_expect_none(&r);
	rig_expect_no_drop(&r.rig);
}
END_TEST

START_TEST(v6_both_ways)
{
	const struct rig_frame *f;
	struct rig_buf b;

	rig_push_udp(&r.rig, .ip = {.dst = rig_addr("fd02::2"), .ttl = 17, .tos = 0x2e}, .len = 5);
	f = far_expect(&r, RIG_UDP);
	ck_assert_uint_eq(f->ttl, 16);
	ck_assert_uint_eq(f->tos, 0x2e);
	ck_assert_uint_eq(f->payload_len, 5);
	ck_assert(mr_addr_equal(&f->src, &r.rig.peer6));
	ck_assert_mem_eq(f->eth_dst, far_peer_ll.b, 6);
	rig_build_udp(&r.rig, &b, &(struct rig_udp){.ip = {.src = rig_addr("fd02::2"), .dst = r.rig.peer6}, .len = 7});
	far_push(&r, &b);
	f = rig_expect(&r.rig, RIG_UDP);
	ck_assert_uint_eq(f->ttl, 63);
	ck_assert_mem_eq(f->eth_dst, r.rig.peer_mac, 6);
	rig_expect_no_drop(&r.rig);
}
END_TEST

/* A router does not ask what is inside: no port, no transport, and no checksum of it. */
START_TEST(any_payload)
{
	rig_push_ip(&r.rig, "payload", 7, .dst = rig_addr("10.2.0.2"), .proto = 99);
	rig_push_ip(&r.rig, "payload", 7, .dst = rig_addr("fd02::2"), .proto = 99);
	far_expect(&r, RIG_IP);
	far_expect(&r, RIG_IP);
	rig_push_icmp(&r.rig, .echo = true, .ip.dst = rig_addr("10.2.0.2"));
	far_expect(&r, RIG_ICMP);
	/* IPv4 options pass as they are, if their form is right (a record route). */
	rig_push_udp(&r.rig, .ip = {.dst = rig_addr("10.2.0.2"), .opts = "\x07\x07\x04\0\0\0\0\0", .opts_len = 8});
	far_expect(&r, RIG_UDP);
	rig_expect_no_drop(&r.rig);
	/* Bad headers go no further. */
	push_far_udp(.ip.spoil = RIG_SPOIL_IP_CKSUM);
	far_expect_none(&r);
	rig_expect_drop(&r.rig, MR_DROP_IP_BAD_CKSUM);
}
END_TEST

/* Fragments are forwarded one by one; those for us are another matter. */
START_TEST(fragments)
{
	const struct rig_frame *f;

	rig_push_ip(&r.rig, "12345678", 8, .dst = rig_addr("10.2.0.2"), .proto = MR_TRANS_UDP, .id = 7, .frag = 0x2000);
	rig_push_ip(&r.rig, "abc", 3, .dst = rig_addr("10.2.0.2"), .proto = MR_TRANS_UDP, .id = 7, .frag = 1);
	f = far_expect(&r, RIG_IP);
	ck_assert(f->mf);
	ck_assert_uint_eq(f->ttl, 63);
	f = far_expect(&r, RIG_IP);
	ck_assert_uint_eq(f->frag_off, 8);
	ck_assert_uint_eq(f->ip_id, 7);
	rig_expect_no_drop(&r.rig);
	rig_push_ip(&r.rig, "abc", 3, .proto = MR_TRANS_UDP, .id = 7, .frag = 1);
	rig_expect_drop(&r.rig, MR_DROP_IP_FRAGMENT);
}
END_TEST

/* Extension headers are the destination's: a fragment, a routing header, one that we refuse, options that we do not know. */
START_TEST(v6_extension_headers)
{
	static const struct {
		uint8_t nh, bytes[8];
		enum mr_counter ours;
	} t[] = {
		{44, {17, 0, 0, 1, 0, 0, 0, 9}, MR_DROP_IP_FRAGMENT},
		{43, {17, 0, 0, 0, 0, 0, 0, 0}, MR_DROP_IP_SOURCE_ROUTE},
		{60, {17, 0, 1, 4, 0, 0, 0, 0}, MR_DROP_IP_EXT_HDR},
		{0, {17, 0, 0x7e, 4, 0, 0, 0, 0}, MR_DROP_IP_UNKNOWN_OPTION},
		{0, {17, 0, 0xbe, 4, 0, 0, 0, 0}, MR_DROP_IP_UNKNOWN_OPTION},
	};

	for (unsigned i = 0; i < RTE_DIM(t); i++) {
		const struct rig_frame *f;

		rig_mark(&r.rig);
		rig_push_udp(&r.rig, .ip = {.dst = rig_addr("fd02::2"), .opts = t[i].bytes, .opts_len = 8, .next_hdr = t[i].nh});
		f = far_next(&r);
		ck_assert_msg(f, "header %u is not forwarded", t[i].nh);
		ck_assert_uint_eq(f->ttl, 63);
		rig_expect_no_drop(&r.rig);
		rig_push_udp(&r.rig, .ip = {.v6 = true, .opts = t[i].bytes, .opts_len = 8, .next_hdr = t[i].nh});
		rig_expect_drop(&r.rig, t[i].ours);
		rig_discard(&r.rig);
	}
}
END_TEST

/* RFC 1624: after counting down, the header's checksum is the one that belongs to it, whatever it was before. */
START_TEST(checksum_of_every_header)
{
	struct mr_netproto *np = mr_stack_netproto(r.rig.stack, MR_NET_IPV4);
	struct rte_mbuf *m = rte_pktmbuf_alloc(mr_stack_rx_pool(r.rig.stack));
	struct rte_ipv4_hdr *h = (struct rte_ipv4_hdr *)rte_pktmbuf_append(m, 20);

	for (unsigned i = 0; i < 2 * 65536; i++) {
		struct mr_hop hop = {.mtu = 1500};
		uint16_t cksum;

		*h = (struct rte_ipv4_hdr){
			.version_ihl = 0x45, .total_length = RTE_BE16(20), .packet_id = rte_cpu_to_be_16((uint16_t)i),
			.time_to_live = i & 0x10000 ? 255 : 2, .next_proto_id = 17, .src_addr = RTE_BE32(0x0a000002),
			.dst_addr = RTE_BE32(0x0a020002),
		};
		h->hdr_checksum = (uint16_t)~mr_cksum_fold(mr_cksum_add(0, h, 20));
		if (np->ops->forward(np, &m, &hop, 1) != 1)
			ck_abort_msg("dropped");
		cksum = h->hdr_checksum;
		h->hdr_checksum = 0;
		h->hdr_checksum = (uint16_t)~mr_cksum_fold(mr_cksum_add(0, h, 20));
		if (cksum != h->hdr_checksum)
			ck_abort_msg("id %04x: checksum %04x", i, rte_be_to_cpu_16(cksum));
	}
	rte_pktmbuf_free(m);
}
END_TEST

/* ---- what is not forwarded */

START_TEST(b30_ttl)
{
	const struct rig_frame *f;

	for (int v6 = 0; v6 < 2; v6++) {
		struct mr_addr dst = rig_addr(v6 ? "fd02::2" : "10.2.0.2");

		rig_mark(&r.rig);
		rig_push_udp(&r.rig, .ip = {.dst = dst, .ttl = 1});
		far_expect_none(&r);
		rig_expect_drop(&r.rig, MR_DROP_IP_FWD_TTL);
		rig_push_udp(&r.rig, .ip = {.dst = dst, .ttl = 2});
		f = far_expect(&r, RIG_UDP);
		ck_assert_uint_eq(f->ttl, 1);
		/* For us, it may be used up. */
		rig_push_icmp(&r.rig, .echo = true, .ip = {.v6 = v6, .ttl = 1});
		rig_expect(&r.rig, v6 ? RIG_ICMP6 : RIG_ICMP);
		rig_expect_drop(&r.rig, MR_DROP_IP_FWD_TTL);
	}
}
END_TEST

START_TEST(ttl_zero)
{
	struct rig_buf b;

	rig_build_udp(&r.rig, &b, &(struct rig_udp){.ip.dst = rig_addr("10.2.0.2")});
	b.b[14 + 8] = 0;
	rig_fix(&b);
	rig_push_buf(&r.rig, &b);
	rig_build_udp(&r.rig, &b, &(struct rig_udp){.ip.dst = rig_addr("fd02::2")});
	b.b[14 + 7] = 0;
	rig_push_buf(&r.rig, &b);
	far_expect_none(&r);
	rig_expect_drops(&r.rig, MR_DROP_IP_FWD_TTL, 2);
}
END_TEST

START_TEST(b30_too_big)
{
	router_init(&r, &(struct router_opts){.far_mtu = 1280});
	for (int v6 = 0; v6 < 2; v6++) {
		struct mr_addr dst = rig_addr(v6 ? "fd02::2" : "10.2.0.2");
		uint32_t fits = 1280 - 8 - (v6 ? 40 : 20);

		rig_mark(&r.rig);
		rig_push_udp(&r.rig, .ip.dst = dst, .len = fits);
		rig_push_udp(&r.rig, .ip.dst = dst, .len = fits + 1);
		rig_push_udp(&r.rig, .ip.dst = dst, .len = fits - 1);
		ck_assert_uint_eq(far_expect(&r, RIG_UDP)->payload_len, fits);
		ck_assert_uint_eq(far_expect(&r, RIG_UDP)->payload_len, fits - 1);
		far_expect_none(&r);
		rig_expect_drop(&r.rig, MR_DROP_IP_FWD_TOO_BIG);
		ck_assert_uint_eq(rig_moved(&r.rig, MR_CNT_IP_FORWARDED), 2);
	}
	router_fini(&r);
}
END_TEST

/* Link-local to and from, groups that nobody here joined, the far side's broadcast (RFC 2644), everybody's. */
START_TEST(b30_scope)
{
	static const struct {
		const char *src, *dst;
	} t[] = {
		{"10.0.0.2", "169.254.1.1"}, {"169.254.1.1", "10.2.0.2"}, {"10.0.0.2", "224.1.2.3"}, {"10.0.0.2", "10.2.0.255"},
		{"fe80::2", "fd02::2"}, {"fd00::2", "fe80::77"}, {"fd00::2", "ff0e::1:2"}, {"fd00::2", "ff05::1:3"},
	};

	router_route(&r, "0.0.0.0/0", "10.2.0.2", FAR_NIC);
	router_route(&r, "::/0", "fd02::2", FAR_NIC);
	for (unsigned i = 0; i < RTE_DIM(t); i++) {
		rig_mark(&r.rig);
		rig_push_udp(&r.rig, .ip = {.src = rig_addr(t[i].src), .dst = rig_addr(t[i].dst)});
		ck_assert_msg(far_next(&r) == NULL, "%s to %s", t[i].src, t[i].dst);
		rig_expect_none(&r.rig);
		rig_expect_drop(&r.rig, MR_DROP_IP_FWD_SCOPE);
	}
	/* The limited broadcast and our own subnet's are for us, and only for us. */
	rig_mark(&r.rig);
	rig_push_udp(&r.rig, .ip.dst = rig_addr("255.255.255.255"), .dport = 99);
	rig_push_udp(&r.rig, .ip.dst = rig_addr("10.0.0.255"), .dport = 99);
	far_expect_none(&r);
	rig_expect_drops(&r.rig, MR_DROP_UDP_NO_PORT, 2);
	/* What came as a link broadcast is not for a router to send on (RFC 1812 5.3.4). */
	rig_mark(&r.rig);
	push_far_udp(.ip.eth_dst = {0xff, 0xff, 0xff, 0xff, 0xff, 0xff});
	far_expect_none(&r);
	rig_expect_drop(&r.rig, MR_DROP_IP_LINK_BCAST);
}
END_TEST

START_TEST(b30_no_route)
{
	rig_push_udp(&r.rig, .ip.dst = rig_addr("10.3.0.2"));
	rig_push_udp(&r.rig, .ip.dst = rig_addr("fd03::2"));
	far_expect_none(&r);
	rig_expect_none(&r.rig);
	rig_expect_drops(&r.rig, MR_DROP_IP_FWD_NO_ROUTE, 2);
	/* A row whose NIC is down leads nowhere. */
	rig_mark(&r.rig);
	push_far_udp();
	far_expect(&r, RIG_UDP);
	mr_nic_disable(r.rig.stack, FAR_NIC);
	push_far_udp();
	rig_expect_drop(&r.rig, MR_DROP_IP_FWD_NO_ROUTE);
	mr_nic_enable(r.rig.stack, FAR_NIC);
	rig_advance(&r.rig, 3 * RIG_S);
	far_discard(&r);
	push_far_udp();
	far_expect(&r, RIG_UDP);
}
END_TEST

/* Sources that no wire may bring are dropped before anybody asks where to. */
START_TEST(martian_sources)
{
	static const char *const src[] = {"127.0.0.1", "10.0.0.1", "10.2.0.1", "224.0.0.1", "255.255.255.255", "0.1.2.3"};

	for (unsigned i = 0; i < RTE_DIM(src); i++) {
		rig_mark(&r.rig);
		push_far_udp(.ip.src = rig_addr(src[i]));
		far_expect_none(&r);
		rig_expect_drop(&r.rig, MR_DROP_IP_BAD_SRC);
	}
}
END_TEST

/* ---- ours after all */

/* SS-10: the weak host model comes with forwarding, and goes with it. Link-local addresses are their link's. */
START_TEST(ss10_weak_host)
{
	struct mr_ep *ep = udp_ep(99);
	struct mr_subnet ll = {.addr = rig_addr("fe80::2:1"), .plen = 64};
	char buf[8];

	ck_assert_int_eq(mr_addr_add(r.rig.stack, FAR_NIC, &ll, MR_PEB_NEVER_PRIMARY), 0);
	rig_advance(&r.rig, 3 * RIG_S);
	far_discard(&r);
	rig_push_udp(&r.rig, .ip.dst = rig_addr("10.2.0.1"), .dport = 99, .len = 3);
	rig_push_udp(&r.rig, .ip.dst = rig_addr("fd02::1"), .dport = 99, .len = 4);
	rig_poll(&r.rig);
	ck_assert_int_eq(mr_ep_recv(ep, buf, sizeof(buf), NULL), 3);
	ck_assert_int_eq(mr_ep_recv(ep, buf, sizeof(buf), NULL), 4);
	rig_expect_no_drop(&r.rig);
	rig_push_udp(&r.rig, .ip.dst = ll.addr, .dport = 99);
	far_expect_none(&r);
	rig_expect_drop(&r.rig, MR_DROP_IP_FWD_SCOPE);
	ck_assert_int_eq(mr_ep_recv(ep, buf, sizeof(buf), NULL), -EAGAIN);
	rig_mark(&r.rig);
	mr_stack_set_forwarding(r.rig.stack, false);
	rig_push_udp(&r.rig, .ip.dst = rig_addr("10.2.0.1"), .dport = 99);
	rig_expect_drop(&r.rig, MR_DROP_IP_NOT_OURS);
	mr_ep_close(ep);
}
END_TEST

/* A destination that was forwarded becomes ours when we get its address, and the other way round (B-4). */
START_TEST(address_comes_and_goes)
{
	struct mr_ep *ep = udp_ep(99);
	struct mr_addr a = rig_addr("10.2.0.2");
	char buf[8];

	push_far_udp(.dport = 99);
	far_expect(&r, RIG_UDP);
	router_addr(&r, RIG_NIC, "10.2.0.2/32");
	rig_discard(&r.rig);
	push_far_udp(.dport = 99);
	far_expect_none(&r);
	ck_assert_int_eq(mr_ep_recv(ep, buf, sizeof(buf), NULL), 8);
	ck_assert_int_eq(mr_addr_remove(r.rig.stack, RIG_NIC, &a), 0);
	push_far_udp(.dport = 99);
	far_expect(&r, RIG_UDP);
	ck_assert_int_eq(mr_ep_recv(ep, buf, sizeof(buf), NULL), -EAGAIN);
	mr_ep_close(ep);
}
END_TEST

/* B-5, B-7: a NIC that takes in others' packets forwards none of them; the other NIC does as before. */
START_TEST(modes_come_first)
{
	struct mr_subnet n = {.addr = rig_addr("10.2.0.0"), .plen = 30};
	struct mr_ep *ep = udp_ep(99);
	struct rig_buf b;
	char buf[8];

	router_route(&r, "10.9.0.0/16", "10.2.0.2", FAR_NIC);
	push_far_udp(.dport = 99);
	far_expect(&r, RIG_UDP);
	for (int mode = 0; mode < 2; mode++) {
		if (mode == 0)
			mr_nic_set_promisc(r.rig.stack, RIG_NIC, true);
		else
			mr_subnet_add(r.rig.stack, RIG_NIC, &n);
		push_far_udp(.dport = 99);
		far_expect_none(&r);
		ck_assert_int_eq(mr_ep_recv(ep, buf, sizeof(buf), NULL), 8);
		rig_build_udp(&r.rig, &b, &(struct rig_udp){.ip = {.src = rig_addr("10.2.0.2"), .dst = rig_addr("10.9.0.1")}});
		far_push(&r, &b);
		far_expect(&r, RIG_UDP);
		if (mode == 0)
			mr_nic_set_promisc(r.rig.stack, RIG_NIC, false);
	}
	/* What is outside the subnet goes on. */
	rig_push_udp(&r.rig, .ip.dst = rig_addr("10.9.0.1"));
	far_expect(&r, RIG_UDP);
	mr_subnet_remove(r.rig.stack, RIG_NIC, &n);
	push_far_udp(.dport = 99);
	far_expect(&r, RIG_UDP);
	mr_ep_close(ep);
}
END_TEST

/* Groups are received as ever. */
START_TEST(groups_are_received)
{
	struct mr_addr g = rig_addr("224.1.2.3");
	struct mr_ep *ep = udp_ep(99);
	char buf[8];

	ck_assert_int_eq(mr_group_join(r.rig.stack, RIG_NIC, &g), 0);
	rig_push_udp(&r.rig, .ip.dst = g, .dport = 99, .len = 3);
	rig_poll(&r.rig);
	ck_assert_int_eq(mr_ep_recv(ep, buf, sizeof(buf), NULL), 3);
	far_expect_none(&r);
	mr_group_leave(r.rig.stack, RIG_NIC, &g);
	mr_ep_close(ep);
}
END_TEST

/* What we send to ourselves never leaves, however it was looped. */
START_TEST(loop_stays)
{
	struct mr_sockaddr to = {.addr = rig_addr("10.2.0.1"), .port = 99};
	struct mr_ep *ep = udp_ep(99);
	char buf[8];

	ck_assert_int_eq(mr_ep_sendto(ep, "me", 2, &to), 2);
	rig_poll(&r.rig);
	ck_assert_int_eq(mr_ep_recv(ep, buf, sizeof(buf), NULL), 2);
	ck_assert_uint_eq(rig_moved(&r.rig, MR_CNT_IP_FORWARDED), 0);
	far_expect_none(&r);
	mr_ep_close(ep);
}
END_TEST

static Suite *
suite(void)
{
	Suite *s = suite_create("transit");
	TCase *tc = rig_case(s, "transit", setup, teardown);

	tcase_add_test(tc, s48_on_and_off);
	tcase_add_test(tc, v4_both_ways);
	tcase_add_test(tc, v6_both_ways);
	tcase_add_test(tc, any_payload);
	tcase_add_test(tc, fragments);
	tcase_add_test(tc, v6_extension_headers);
	tcase_add_test(tc, checksum_of_every_header);
	tcase_add_test(tc, b30_ttl);
	tcase_add_test(tc, ttl_zero);
	tcase_add_test(tc, b30_scope);
	tcase_add_test(tc, b30_no_route);
	tcase_add_test(tc, martian_sources);
	tcase_add_test(tc, ss10_weak_host);
	tcase_add_test(tc, address_comes_and_goes);
	tcase_add_test(tc, modes_come_first);
	tcase_add_test(tc, groups_are_received);
	tcase_add_test(tc, loop_stays);
	tc = rig_case(s, "other routers", NULL, NULL);
	tcase_add_test(tc, s48_off_at_first);
	tcase_add_test(tc, b30_too_big);
	return s;
}

RIG_MAIN(suite)
