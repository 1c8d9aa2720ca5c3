/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Scenarios of test_counters for IP, ICMP, neighbour discovery and groups; see counters_rig.h.
 */
#ifndef TESTS_COUNTERS_NET_H
#define TESTS_COUNTERS_NET_H

#include "counters_rig.h"

/* ---- IP */

static void
edited(struct rig *r, bool v6, uint16_t at, uint8_t value)
{
	struct rig_buf b;

	rig_build_icmp(r, &b, &(struct rig_icmp){.ip = {.v6 = v6}, .echo = true, .len = 64});
	b.b[at] = value;
	rig_fix(&b);
	rig_push_buf(r, &b);
}

static void
ip_bad_version(struct rig *r)
{
	edited(r, true, 14, 0x40);
}

static void
ip_bad_length(struct rig *r)
{
	edited(r, false, 16, 1);
}

static void
ip_bad_cksum(struct rig *r)
{
	rig_push_icmp(r, .echo = true, .ip.spoil = RIG_SPOIL_IP_CKSUM);
}

static void
ip_bad_options(struct rig *r)
{
	rig_push_icmp(r, .echo = true, .ip.opts = "\x07\x01\x04\x00", .ip.opts_len = 4);
}

static void
ip_unknown_option(struct rig *r)
{
	rig_push_icmp(r, .echo = true, .ip = {.v6 = true, .opts = "\x3a\x00\x5e\x04\x00\x00\x00\x00", .opts_len = 8});
}

static void
ip_source_route(struct rig *r)
{
	rig_push_icmp(r, .echo = true, .ip.opts = "\x83\x03\x04\x00", .ip.opts_len = 4);
}

static void
ip_bad_src(struct rig *r)
{
	rig_push_icmp(r, .echo = true, .ip.src = rig_addr("224.0.0.1"));
}

static void
ip_bad_dst(struct rig *r)
{
	rig_push_icmp(r, .echo = true, .ip.dst = rig_addr("127.0.0.1"));
}

static void
ip_not_ours(struct rig *r)
{
	rig_push_icmp(r, .echo = true, .ip.dst = rig_addr("10.0.0.99"));
}

static void
ip_fragment(struct rig *r)
{
	rig_push_icmp(r, .echo = true, .ip.frag = 0x2000, .len = 64);
}

static void
ip_ext_hdr(struct rig *r)
{
	rig_push_udp(r, .ip.v6 = true, .ip.next_hdr = 60, .ip.opts = "\x11\x00\x01\x04\x00\x00\x00\x00", .ip.opts_len = 8);
}

/* A frame larger than the link's MTU came in; its echo cannot go out. */
static void
ip_too_big(struct rig *r)
{
	rig_push_icmp(r, .echo = true, .len = 1600);
}

static void
ip_no_route(struct rig *r)
{
	rig_push_icmp(r, .echo = true, .ip.src = rig_addr("192.0.2.1"));
}

static void
ip_link_bcast(struct rig *r)
{
	rig_push_icmp(r, .echo = true, .ip.eth_dst = {255, 255, 255, 255, 255, 255});
}

static void
unknown_transport(struct rig *r)
{
	rig_push_ip(r, "0123456789", 10, .proto = 99);
}

/* ---- ICMP and neighbour discovery */

static void
icmp_rx_error(struct rig *r)
{
	struct mr_sockaddr to = rig_peer(r, false, 9);
	struct mr_ep *ep = udp_ep(r, 7);
	const struct rig_frame *f;

	ck_assert_int_eq(mr_ep_connect(ep, &to), 0);
	ck_assert_int_eq(mr_ep_send(ep, "x", 1), 1);
	f = rig_expect(r, RIG_UDP);
	rig_push_icmp(r, .type = 3, .code = 3, .data = f->b + 14, .len = 28);
}

static void
udp_no_port(struct rig *r)
{
	rig_push_udp(r, .dport = 4444);
}

static void
icmp_limited(struct rig *r)
{
	ck_assert_int_eq(mr_netproto_setopt(r->stack, MR_NET_IPV4, MR_OPT_ICMP_ERR_RATE, 0), 0);
	rig_push_udp(r, .dport = 4444);
}

static void
icmp_malformed(struct rig *r)
{
	rig_push_ip(r, "\x08\x00\xf7\xff", 4, .proto = 1);
}

static void
icmp_bad_cksum(struct rig *r)
{
	rig_push_icmp(r, .echo = true, .ip.spoil = RIG_SPOIL_L4_CKSUM);
}

static void
icmp_ignored(struct rig *r)
{
	rig_push_icmp(r, .type = 13, .len = 12);
}

static void
a_solicitation(struct rig *r)
{
	rig_push_ndp(r, .type = 135);
}

static void
an_advertisement(struct rig *r)
{
	rig_push_ndp(r, .type = 136, .solicited = true);
}

static void
ndp_invalid(struct rig *r)
{
	rig_push_ndp(r, .type = 135, .ip.ttl = 254);
}

/* ---- multicast groups */

static void
a_group_query(struct rig *r)
{
	rig_push_group(r, .max_resp = 10);
}

static void
a_group_report(struct rig *r)
{
	rig_push_group(r, .type = 131, .group = rig_addr("ff02::1:ff00:1"));
}

static void
group_joined(struct rig *r)
{
	struct mr_addr a = rig_addr("239.1.1.1");

	ck_assert_int_eq(mr_group_join(r->stack, RIG_NIC, &a), 0);
}

static void
group_left(struct rig *r)
{
	struct mr_addr a = rig_addr("239.1.1.1");

	group_joined(r);
	ck_assert_int_eq(mr_group_leave(r->stack, RIG_NIC, &a), 0);
}

static void
group_invalid(struct rig *r)
{
	rig_push_group(r, .max_resp = 10, .ip.ttl = 2);
}

static void
igmp_bad_cksum(struct rig *r)
{
	rig_push_group(r, .max_resp = 10, .ip.spoil = RIG_SPOIL_L4_CKSUM);
}

static void
igmp_ignored(struct rig *r)
{
	rig_push_group(r, .type = 0x13);
}

#endif
