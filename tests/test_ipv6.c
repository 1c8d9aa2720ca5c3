/* SPDX-License-Identifier: Apache-2.0 */
/*
 * IPv6: what may come in, by which reason the rest is dropped, the header that goes out, and what an address brings
 * with it (V6-, B-, ND-03, nasty cases 8, 10, 11, 12). An echo request is the probe for "accepted".
 */
#include "rig/fixture.h"

#include <errno.h>
#include <string.h>

#include <rte_mbuf.h>

#include "stack/nic.h"
#include "stack/stack.h"

#define ETH 14

static void
build_echo(struct rig_buf *b, const struct rig_ip *ip)
{
	struct rig_icmp i = {.ip.v6 = true, .echo = true, .id = 1, .seq = 2, .len = 30};

	if (ip)
		i.ip = *ip;
	i.ip.v6 = true;
	rig_build_icmp(&rig, b, &i);
}

static struct mr_ep *
udp_ep(void)
{
	struct mr_ep *ep;

	ck_assert_int_eq(mr_ep_create(rig.stack, MR_TRANS_UDP, MR_NET_IPV6, &ep), 0);
	return ep;
}

static const struct bad_header {
	const char *what;
	uint16_t off, n;
	uint8_t bytes[2];
	uint32_t len; /* not 0: of the frame */
	enum mr_counter drop;
} bad_headers[] = {
	{"version 4", 0, 1, {0x40}, 0, MR_DROP_IP_BAD_VERSION},
	{"version 7", 0, 1, {0x70}, 0, MR_DROP_IP_BAD_VERSION},
	{"payload beyond the frame", 4, 2, {0, 39}, 0, MR_DROP_IP_BAD_LENGTH},
	{"payload 65535", 4, 2, {255, 255}, 0, MR_DROP_IP_BAD_LENGTH},
	{"frame cut by a byte", 0, 0, {0}, ETH + 77, MR_DROP_IP_BAD_LENGTH},
	{"payload 0", 4, 2, {0, 0}, 0, MR_DROP_ICMP_MALFORMED},
	{"39 bytes", 0, 0, {0}, ETH + 39, MR_DROP_NET_SHORT},
	{"nothing", 0, 0, {0}, ETH, MR_DROP_NET_SHORT},
};

START_TEST(header_sanity)
{
	const struct bad_header *c = &bad_headers[_i / 2];
	struct rig_buf b;

	build_echo(&b, NULL);
	memcpy(b.b + ETH + c->off, c->bytes, c->n);
	if (c->len)
		b.len = c->len;
	rig.rx_seg_bytes = _i % 2;
	rig_push_buf(&rig, &b);
	rig_expect_drop(&rig, c->drop);
	rig_expect_none(&rig);
}
END_TEST

START_TEST(link_padding)
{
	const struct rig_frame *f;

	rig.rx_seg_bytes = (uint16_t)_i;
	rig_push_icmp(&rig, .ip.v6 = true, .ip.pad = 37, .echo = true, .len = 5);
	f = rig_expect_icmp(&rig, true, 129, 0);
	ck_assert_uint_eq(f->len, ETH + 40 + 8 + 5);
	rig_expect_no_drop(&rig);
}
END_TEST

/* B-34: v4-mapped and loopback addresses stay off the wire; V6-09; nasty 12. */
static const struct bad_addr {
	const char *src, *dst;
	enum mr_counter drop;
} bad_addrs[] = {
	{"ff02::1", NULL, MR_DROP_IP_BAD_SRC},
	{"::1", NULL, MR_DROP_IP_BAD_SRC},
	{"fd00::1", NULL, MR_DROP_IP_BAD_SRC},
	{"fe80::ff:fe00:1", NULL, MR_DROP_IP_BAD_SRC},
	{"fd00::2", "::1", MR_DROP_IP_BAD_DST},
	{"fd00::2", "ff00::1", MR_DROP_IP_BAD_DST},
	{"fd00::2", "ff01::1", MR_DROP_IP_BAD_DST},
	{"fd00::2", "fd00::3", MR_DROP_IP_NOT_OURS},
	{"fd00::2", "ff02::1:2", MR_DROP_IP_NOT_OURS},
};

START_TEST(addresses)
{
	const struct bad_addr *c = &bad_addrs[_i];
	struct rig_ip ip = {.v6 = true, .src = rig_addr(c->src)};

	if (c->dst)
		ip.dst = rig_addr(c->dst);
	rig_push_icmp(&rig, .ip = ip, .echo = true);
	rig_expect_drop(&rig, c->drop);
	rig_mark(&rig);
	rig_push_udp(&rig, .ip = ip, .len = 3);
	rig_expect_drop(&rig, c->drop);
	rig_expect_none(&rig);
}
END_TEST

/* Addresses that the builders would take for IPv4: written into the frame. */
START_TEST(mapped_and_unspecified_addresses)
{
	static const uint8_t mapped[16] = {[10] = 255, 255, 10, 0, 0, 2}, mapped_us[16] = {[10] = 255, 255, 10, 0, 0, 1};
	struct rig_buf b;

	rig_build_udp(&rig, &b, &(struct rig_udp){.ip.v6 = true, .len = 3});
	memcpy(b.b + ETH + 8, mapped, 16);
	rig_fix(&b);
	rig_push_buf(&rig, &b);
	rig_expect_drop(&rig, MR_DROP_IP_BAD_SRC);
	rig_mark(&rig);
	rig_build_udp(&rig, &b, &(struct rig_udp){.ip.v6 = true, .len = 3});
	memcpy(b.b + ETH + 24, mapped_us, 16);
	rig_fix(&b);
	rig_push_buf(&rig, &b);
	rig_expect_drop(&rig, MR_DROP_IP_BAD_DST);
	rig_mark(&rig);
	memset(b.b + ETH + 24, 0, 16);
	rig_fix(&b);
	rig_push_buf(&rig, &b);
	rig_expect_drop(&rig, MR_DROP_IP_BAD_DST);
	rig_mark(&rig);
	rig_push_udp(&rig, .ip.v6 = true, .ip.src_any = true, .len = 3);
	rig_expect_drop(&rig, MR_DROP_IP_BAD_SRC);
	rig_mark(&rig);
	rig_push_icmp(&rig, .ip.v6 = true, .ip.src_any = true, .echo = true); /* ICMPv6 may, but nobody could answer it */
	rig_expect_drop(&rig, MR_DROP_ICMP_IGNORED);
	rig_expect_none(&rig);
}
END_TEST

/* V6-01: a hop limit of 0 or 1 has come far enough. */
START_TEST(hop_limit_of_arrivals)
{
	struct rig_buf b;

	build_echo(&b, NULL);
	b.b[ETH + 7] = (uint8_t)_i;
	rig_push_buf(&rig, &b);
	rig_expect_icmp(&rig, true, 129, 0);
}
END_TEST

/* Nasty 8, 10, 11. */
static const struct ext {
	uint8_t type;
	uint8_t bytes[8];
	enum mr_counter drop;
} exts[] = {
	{60, {58, 0, 1, 4, 0, 0, 0, 0}, MR_DROP_IP_EXT_HDR},
	{43, {58, 0, 2, 0, 0, 0, 0, 0}, MR_DROP_IP_EXT_HDR},
	{43, {58, 0, 0, 0, 0, 0, 0, 0}, MR_DROP_IP_SOURCE_ROUTE},
	{43, {58, 2, 0, 1, 0, 0, 0, 0}, MR_DROP_IP_SOURCE_ROUTE},
	{44, {58, 0, 0, 0, 1, 2, 3, 4}, MR_DROP_IP_FRAGMENT}, /* atomic */
	{44, {58, 0, 0, 1, 1, 2, 3, 4}, MR_DROP_IP_FRAGMENT},
	{51, {58, 4, 0, 0, 0, 0, 0, 0}, MR_DROP_IP_EXT_HDR},
	{50, {1, 2, 3, 4, 5, 6, 7, 8}, MR_DROP_IP_EXT_HDR},
	{59, {1, 2, 3, 4, 5, 6, 7, 8}, MR_DROP_IP_EXT_HDR},
	{135, {59, 0, 0, 0, 0, 0, 0, 0}, MR_DROP_IP_EXT_HDR},
};

START_TEST(extension_headers)
{
	const struct ext *c = &exts[_i / 2];

	rig.rx_seg_bytes = _i % 2;
	rig_push_icmp(&rig, .ip.v6 = true, .ip.opts = c->bytes, .ip.opts_len = 8, .ip.next_hdr = c->type, .echo = true);
	rig_expect_drop(&rig, c->drop);
	rig_expect_none(&rig);
}
END_TEST

START_TEST(short_routing_header)
{
	rig_push_ip(&rig, "\x3a\0\0", 3, .v6 = true, .proto = 43);
	rig_expect_drop(&rig, MR_DROP_IP_BAD_LENGTH);
}
END_TEST

/* V6-04: the pointer names the field that has the unknown number. */
START_TEST(unknown_next_header)
{
	const struct rig_frame *f;

	rig_push_ip(&rig, "hello, protocol 99", 18, .v6 = true, .proto = (uint8_t)(_i ? 1 : 99));
	f = rig_expect_icmp(&rig, true, 4, 1);
	ck_assert_uint_eq(f->rest, 6);
	ck_assert_uint_eq(f->payload_len, 40 + 18);
	rig_expect_drop(&rig, MR_DROP_TRANS_UNKNOWN_PROTO);
	rig_push_ip(&rig, "group", 5, .v6 = true, .proto = 99, .dst = rig_addr("ff02::1"));
	rig_expect_none(&rig);
	rig_expect_drops(&rig, MR_DROP_TRANS_UNKNOWN_PROTO, 2);
}
END_TEST

/* ---- out */

static uint32_t
label_of(const struct rig_frame *f)
{
	return (uint32_t)(f->b[ETH + 1] & 15) << 16 | (uint32_t)f->b[ETH + 2] << 8 | f->b[ETH + 3];
}

/* V6-10: the same within a flow, not zero, other for other ports, and other for another stack. */
START_TEST(flow_label)
{
	struct mr_sockaddr to = rig_peer(&rig, true, 9), to2 = rig_peer(&rig, true, 10);
	struct mr_ep *ep = udp_ep();
	uint32_t label, seen[3];
	struct rig_opts o = {.stack.seed = 99};

	for (int i = 0; i < 3; i++) {
		ck_assert_int_eq(mr_ep_sendto(ep, "abc", 3, &to), 3);
		seen[i] = label_of(rig_expect(&rig, RIG_UDP));
	}
	label = seen[0];
	ck_assert_uint_ne(label, 0);
	ck_assert_uint_eq(seen[1], label);
	ck_assert_uint_eq(seen[2], label);
	ck_assert_int_eq(mr_ep_sendto(ep, "abc", 3, &to2), 3);
	ck_assert_uint_ne(label_of(rig_expect(&rig, RIG_UDP)), label);
	mr_ep_close(ep);
	rig_fini(&rig);
	rig_init(&rig, &o);
	ep = udp_ep();
	ck_assert_int_eq(mr_ep_bind(ep, &(struct mr_sockaddr){.port = 4000}), 0);
	ck_assert_int_eq(mr_ep_sendto(ep, "abc", 3, &to), 3);
	label = label_of(rig_expect(&rig, RIG_UDP));
	mr_ep_close(ep);
	rig_fini(&rig);
	rig_init(&rig, NULL);
	ep = udp_ep();
	ck_assert_int_eq(mr_ep_bind(ep, &(struct mr_sockaddr){.port = 4000}), 0);
	ck_assert_int_eq(mr_ep_sendto(ep, "abc", 3, &to), 3);
	ck_assert_uint_ne(label_of(rig_expect(&rig, RIG_UDP)), label);
	mr_ep_close(ep);
}
END_TEST

START_TEST(header_out)
{
	struct mr_sockaddr to = rig_peer(&rig, true, 9);
	struct mr_ep *ep = udp_ep();
	const struct rig_frame *f;

	ck_assert_int_eq(mr_ep_setopt(ep, MR_OPT_TTL, 3), 0);
	ck_assert_int_eq(mr_ep_setopt(ep, MR_OPT_TOS, 0xb8), 0);
	ck_assert_int_eq(mr_ep_sendto(ep, "abc", 3, &to), 3);
	f = rig_expect(&rig, RIG_UDP);
	ck_assert_uint_eq(f->len, ETH + 40 + 8 + 3);
	ck_assert_uint_eq(f->b[ETH] >> 4, 6);
	ck_assert_uint_eq(f->b[ETH + 5], 11);
	ck_assert_uint_eq(f->ttl, 3);
	ck_assert_uint_eq(f->tos, 0xb8);
	ck_assert(mr_addr_equal(&f->src, &rig.addr6) && mr_addr_equal(&f->dst, &rig.peer6));
	mr_ep_close(ep);
}
END_TEST

START_TEST(checksum_left_to_the_link)
{
	struct rig_opts o = {.caps = MR_LINK_CAP_TX_IPV4_CKSUM | MR_LINK_CAP_TX_UDP_CKSUM};
	struct mr_sockaddr to;
	const struct rig_frame *f;
	struct mr_ep *ep;

	rig_fini(&rig);
	rig_init(&rig, &o);
	to = rig_peer(&rig, true, 9);
	ep = udp_ep();
	ck_assert_int_eq(mr_ep_sendto(ep, "abc", 3, &to), 3);
	f = rig_expect(&rig, RIG_UDP);
	ck_assert(f->tx_flags & RTE_MBUF_F_TX_IPV6);
	ck_assert_uint_eq(f->tx_flags & RTE_MBUF_F_TX_L4_MASK, RTE_MBUF_F_TX_UDP_CKSUM);
	ck_assert(!(f->tx_flags & RTE_MBUF_F_TX_IP_CKSUM));
	mr_ep_close(ep);
}
END_TEST

START_TEST(mtu)
{
	static char big[1500];
	struct mr_sockaddr to = rig_peer(&rig, true, 9);
	struct mr_ep *ep = udp_ep();

	ck_assert_int_eq(mr_ep_sendto(ep, big, 1452, &to), 1452);
	ck_assert_uint_eq(rig_expect(&rig, RIG_UDP)->len, ETH + 1500);
	ck_assert_int_eq(mr_ep_sendto(ep, big, 1453, &to), -EMSGSIZE);
	rig_expect_none(&rig);
	mr_ep_close(ep);
}
END_TEST

/* ---- what an address brings with it */

static unsigned
joins(const char *group)
{
	struct mr_addr a = rig_addr(group);
	struct mr_netep *ep = mr_nic_netep_any(mr_nic_find(rig.stack, RIG_NIC), &a);

	return ep && ep->kind == MR_NETEP_GROUP ? ep->joins : 0;
}

/* V6-13, ND-03; RFC 4291 2.8. The rig's NIC has 02:00:00:00:00:01. */
START_TEST(groups_and_link_local_address)
{
	struct mr_addr ll = rig_addr("fe80::ff:fe00:1");
	struct mr_subnet sn = {.addr = rig_addr("fd00::aabb:ccdd"), .plen = 64};

	ck_assert_uint_eq(mr_stack_check_local_address(rig.stack, RIG_NIC, &ll), RIG_NIC);
	ck_assert_uint_eq(joins("ff02::1"), 2);
	ck_assert_uint_eq(joins("ff02::1:ff00:1"), 2); /* fd00::1 and the link-local one share it */
	ck_assert_int_eq(mr_addr_add(rig.stack, RIG_NIC, &sn, MR_PEB_CAN_BE_PRIMARY), 0);
	ck_assert_uint_eq(joins("ff02::1"), 3);
	ck_assert_uint_eq(joins("ff02::1:ffbb:ccdd"), 1);
	ck_assert_int_eq(mr_addr_remove(rig.stack, RIG_NIC, &sn.addr), 0);
	ck_assert_uint_eq(joins("ff02::1:ffbb:ccdd"), 0);
	ck_assert_int_eq(mr_nic_disable(rig.stack, RIG_NIC), 0);
	ck_assert_uint_eq(joins("ff02::1"), 0);
	ck_assert_int_eq(mr_nic_enable(rig.stack, RIG_NIC), 0);
	ck_assert_uint_eq(joins("ff02::1"), 2);
	ck_assert_uint_eq(joins("ff02::1:ff00:1"), 2);
}
END_TEST

/* An address that is added while the NIC is down opens with it, and so does what it brings along, once. */
START_TEST(address_of_a_disabled_nic)
{
	struct rig_opts o = {.no_nic = true};
	struct mr_subnet sn = {.addr = rig_addr("fd00::5"), .plen = 64};

	rig_fini(&rig);
	rig_init(&rig, &o);
	ck_assert_int_eq(mr_nic_create_disabled(rig.stack, RIG_NIC, "x", &rig.link), 0);
	ck_assert_int_eq(mr_addr_add(rig.stack, RIG_NIC, &sn, MR_PEB_CAN_BE_PRIMARY), 0);
	ck_assert_uint_eq(joins("ff02::1"), 0);
	ck_assert_int_eq(mr_nic_enable(rig.stack, RIG_NIC), 0);
	ck_assert_uint_eq(joins("ff02::1"), 2);
	ck_assert_uint_eq(joins("ff02::1:ff00:5"), 1);
	ck_assert_uint_eq(joins("ff02::1:ff00:1"), 1);
	/* Both are announced and their groups reported, once. */
	rig_expect_group(&rig, 131, "ff02::1:ff00:1");
	rig_expect_ndp(&rig, 136);
	rig_expect_group(&rig, 131, "ff02::1:ff00:5");
	rig_expect_ndp(&rig, 136);
	rig_expect_none(&rig);
}
END_TEST

START_TEST(link_local_address_of_the_user)
{
	struct rig_opts o = {.no_addr = true};
	struct mr_subnet ll = {.addr = rig_addr("fe80::77"), .plen = 64}, sn = {.addr = rig_addr("fd00::5"), .plen = 64};
	struct mr_addr made = rig_addr("fe80::ff:fe00:1");

	rig_fini(&rig);
	rig_init(&rig, &o);
	ck_assert_int_eq(mr_addr_add(rig.stack, RIG_NIC, &ll, MR_PEB_CAN_BE_PRIMARY), 0);
	ck_assert_int_eq(mr_addr_add(rig.stack, RIG_NIC, &sn, MR_PEB_CAN_BE_PRIMARY), 0);
	ck_assert_uint_eq(mr_stack_check_local_address(rig.stack, RIG_NIC, &made), 0);
}
END_TEST

/* The link-local address is the source towards link-local destinations, and only there. */
START_TEST(link_local_source)
{
	struct mr_sockaddr to = {.addr = rig_addr("fe80::2"), .port = 9, .nic = RIG_NIC};
	struct mr_lladdr ll = {.b = {2, 0, 0, 0, 0, 2}, .len = 6};
	struct mr_addr want = rig_addr("fe80::ff:fe00:1"), global = rig_addr("fd00::2");
	struct mr_ep *ep = udp_ep();

	ck_assert_int_eq(mr_neigh_add(rig.stack, RIG_NIC, &to.addr, &ll), 0);
	ck_assert_int_eq(mr_ep_sendto(ep, "x", 1, &to), 1);
	ck_assert(mr_addr_equal(&rig_expect(&rig, RIG_UDP)->src, &want));
	to.addr = global;
	ck_assert_int_eq(mr_ep_sendto(ep, "x", 1, &to), 1);
	ck_assert(mr_addr_equal(&rig_expect(&rig, RIG_UDP)->src, &rig.addr6));
	mr_ep_close(ep);
}
END_TEST

START_TEST(tuples)
{
	struct mr_netproto *np = mr_stack_netproto(rig.stack, MR_NET_IPV6);
	struct mr_nic *nic = mr_nic_find(rig.stack, RIG_NIC);
	uint8_t quote[48] = {0x60, [5] = 20, [6] = 17, [7] = 64, [40] = 0x1f, 0x90, 0, 80};
	uint8_t ping[48] = {0x60, [5] = 8, [6] = 58, [7] = 64, [40] = 128, 0, 0, 0, 0x10, 0x92};
	static const uint16_t sport[] = {1000, 0, 80, 0, 0, 0}, dport[] = {2000, 0, 8080, 0, 4242, 4242};
	static struct rig_buf b[6];
	struct mr_tuple t;
	struct mr_addr dst;

	memcpy(ping + 8, rig.addr6.b, 16);
	memcpy(ping + 24, rig.peer6.b, 16);
	memcpy(quote + 8, rig.addr6.b, 16);
	memcpy(quote + 24, rig.peer6.b, 16);
	rig_build_udp(&rig, &b[0], &(struct rig_udp){.ip.v6 = true, .sport = 1000, .dport = 2000, .len = 4});
	rig_build_ip(&rig, &b[1], &(struct rig_ip){.v6 = true, .proto = 99}, "abcdefgh", 8);
	rig_build_icmp(&rig, &b[2], &(struct rig_icmp){.ip.src = rig_addr("fd00::99"), .type = 2, .data = quote,
	                                               .len = sizeof(quote)});
	rig_build_ndp(&rig, &b[3], &(struct rig_ndp){.type = 135});
	rig_build_icmp(&rig, &b[4], &(struct rig_icmp){.ip.v6 = true, .type = 129, .id = 4242});
	rig_build_icmp(&rig, &b[5], &(struct rig_icmp){.ip.src = rig_addr("fd00::99"), .type = 3, .data = ping,
	                                               .len = sizeof(ping)});
	for (int i = 0; i < 6; i++) {
		struct rte_mbuf *m = rte_pktmbuf_alloc(rig.stack->rx_pool);
		bool steered;

		memcpy(rte_pktmbuf_append(m, (uint16_t)(b[i].len - ETH)), b[i].b + ETH, b[i].len - ETH);
		mr_pkt_init(m);
		mr_pkt(m)->net_off = m->data_off;
		ck_assert_uint_eq(np->ops->parse(np, nic, &m, &dst, 1), 1);
		steered = np->ops->tuple(np, m, &t);
		ck_assert(steered == (i != 3)); /* discovery stays where it is heard, the caches tell each other */
		if (steered) {
			ck_assert(mr_addr_equal(&t.src, &rig.peer6) && mr_addr_equal(&t.dst, &rig.addr6));
			ck_assert_uint_eq(rte_be_to_cpu_16(t.sport_be), sport[i]);
			ck_assert_uint_eq(rte_be_to_cpu_16(t.dport_be), dport[i]);
		}
		rte_pktmbuf_free(m);
	}
}
END_TEST

static Suite *
suite(void)
{
	Suite *s = suite_create("ipv6");
	TCase *tc = rig_case(s, "ipv6", rig_setup, rig_teardown);

	tcase_add_loop_test(tc, header_sanity, 0, 2 * (int)RTE_DIM(bad_headers));
	tcase_add_loop_test(tc, link_padding, 0, 3);
	tcase_add_loop_test(tc, addresses, 0, (int)RTE_DIM(bad_addrs));
	tcase_add_test(tc, mapped_and_unspecified_addresses);
	tcase_add_loop_test(tc, hop_limit_of_arrivals, 0, 3);
	tcase_add_loop_test(tc, extension_headers, 0, 2 * (int)RTE_DIM(exts));
	tcase_add_test(tc, short_routing_header);
	tcase_add_loop_test(tc, unknown_next_header, 0, 2);
	tcase_add_test(tc, flow_label);
	tcase_add_test(tc, header_out);
	tcase_add_test(tc, checksum_left_to_the_link);
	tcase_add_test(tc, mtu);
	tcase_add_test(tc, groups_and_link_local_address);
	tcase_add_test(tc, address_of_a_disabled_nic);
	tcase_add_test(tc, link_local_address_of_the_user);
	tcase_add_test(tc, link_local_source);
	tcase_add_test(tc, tuples);
	return s;
}

RIG_MAIN(suite)
