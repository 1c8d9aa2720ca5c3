/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Hop-by-hop options of IPv6: what is passed over, what costs a packet its life, and what its sender is told (V6-02,
 * V6-03, V6-05, V6-08, nasty 10 and 11). An echo request behind them is the probe for "accepted". Other extension headers
 * are in test_ipv6.c.
 */
#include "rig/fixture.h"

#include <string.h>

#include <rte_mbuf.h>

#include "stack/nic.h"
#include "stack/stack.h"
#include "stack/steer.h"

#define ETH 14
#define IPV6 40
#define ICMPV6 58

/* A header of options: its first two bytes, then these, padded with one PadN option. */
struct header {
	uint8_t b[64];
	uint8_t len;
};

static struct header
header(uint8_t next, const char *options, unsigned n)
{
	unsigned len = (2 + n + 7) / 8 * 8, pad = len - 2 - n;
	struct header h = {.b = {next, (uint8_t)(len / 8 - 1)}, .len = (uint8_t)len};

	memcpy(h.b + 2, options, n);
	if (pad > 1) {
		h.b[2 + n] = 1;
		h.b[3 + n] = (uint8_t)(pad - 2);
	}
	return h;
}

/* An echo request behind such a header, to `dst` (NULL: us). */
static void
push_echo(const struct header *h, const char *dst)
{
	struct rig_ip ip = {.v6 = true, .next_hdr = 0, .opts = h->b, .opts_len = h->len};

	if (dst)
		ip.dst = rig_addr(dst);
	rig_push_icmp(&rig, .ip = ip, .echo = true, .id = 7, .len = 30);
}

/* ---- passed over */

static const struct options {
	const char *what, *bytes;
	unsigned n;
} passed[] = {
	{"nothing but padding", "", 0},
	{"Pad1 alone", "\0\0\0\0\0\0", 6},
	{"seven bytes of Pad1", "\x1e\0\0\0\0\0\0\0\0\x1e\x03\1\2\3", 14},
	{"PadN of seven", "\x1e\0\x01\x05\0\0\0\0\0\x1e\x03\1\2\3", 14},
	{"padding of both kinds", "\x1e\0\0\0\x01\x03\0\0\0\x1e\x03\1\2\3", 14},
	{"eight bytes in two pieces", "\0\0\0\0\x1e\0\0\0\0\0\x1e\x02\1\2", 14},
	{"router alert", "\x05\x02\0\0", 4},
	{"router alert of another kind", "\x05\x02\xff\xff", 4},
	{"unknown, to be passed over", "\x1e\x04\1\2\3\4", 6},
	{"the same without data", "\x3f\0\x3e\0\x07\0", 6},
	{"eight options", "\x1e\0\x1e\0\x1e\0\x1e\0\x1e\0\x1e\0\x1e\0\x05\x02\0\0", 18},
	{"a long one", "\x1e\x30" "0123456789012345678901234567890123456789012345678901", 50},
};

START_TEST(options_are_passed_over)
{
	const struct options *c = &passed[_i / 3];
	struct header h = header(ICMPV6, c->bytes, c->n);
	const struct rig_frame *f;

	rig.rx_seg_bytes = _i % 3 == 0 ? 0 : _i % 3 == 1 ? 1 : 61;
	push_echo(&h, NULL);
	f = rig_expect_icmp(&rig, true, 129, 0);
	ck_assert_uint_eq(f->len, ETH + IPV6 + 8 + 30); /* the answer has none */
	ck_assert_uint_eq(rig_pattern_check(f->payload, 0, 30), 30);
	rig_expect_no_drop(&rig);
	ck_assert_uint_eq(rig_moved(&rig, MR_CNT_IP_RX_DELIVERED), 1);
}
END_TEST

/* 256 bytes and no more; more than a test's header holds, so the rest is payload to the builder. */
START_TEST(longest_header)
{
	uint8_t b[264 + 38] = {ICMPV6, (uint8_t)(_i ? 32 : 31), 0x1e, 250, [254] = 0x1e, _i ? 8 : 0};
	uint32_t len = _i ? 264 : 256;
	struct rig_buf echo;

	rig_build_icmp(&rig, &echo, &(struct rig_icmp){.ip.v6 = true, .echo = true, .len = 30});
	memcpy(b + len, echo.b + ETH + IPV6, 38);
	rig_push_ip(&rig, b + 8, len + 38 - 8, .v6 = true, .opts = b, .opts_len = 8);
	if (_i == 0)
		rig_expect_icmp(&rig, true, 129, 0);
	else
		rig_expect_drop(&rig, MR_DROP_IP_BAD_OPTIONS);
	rig_expect_none(&rig);
}
END_TEST

/* The transports behind: ports, checksums and payload are found where they are. */
START_TEST(transports_behind_options)
{
	struct header u = header(17, "\x1e\x04\1\2\3\4", 6), t = header(6, "\x05\x02\0\0", 4);
	struct mr_sockaddr from;
	struct mr_ep *ep;
	uint8_t buf[64];

	ck_assert_int_eq(mr_ep_create(rig.stack, MR_TRANS_UDP, MR_NET_IPV6, &ep), 0);
	ck_assert_int_eq(mr_ep_bind(ep, &(struct mr_sockaddr){.port = 7}), 0);
	rig.rx_seg_bytes = (uint16_t)_i;
	rig_push_udp(&rig, .ip = {.v6 = true, .opts = u.b, .opts_len = u.len}, .len = 33, .sport = 4444);
	rig_poll(&rig);
	ck_assert_int_eq(mr_ep_recv(ep, buf, sizeof(buf), &from), 33);
	ck_assert_uint_eq(rig_pattern_check(buf, 0, 33), 33);
	ck_assert_uint_eq(from.port, 4444);
	mr_ep_close(ep);
	/* A closed port is told so, and the quote begins with the network header. */
	rig_push_udp(&rig, .ip = {.v6 = true, .opts = u.b, .opts_len = u.len}, .len = 33);
	ck_assert_mem_eq(rig_expect_icmp(&rig, true, 1, 4)->payload + IPV6, u.b, u.len);
	rig_push_tcphdr(&rig, .ip = {.v6 = true, .opts = t.b, .opts_len = t.len}, .seq = 5, .flags = RIG_SYN);
	ck_assert_uint_eq(rig_expect(&rig, RIG_TCP)->flags, RIG_RST | RIG_ACK);
	rig_push_udp(&rig, .ip = {.v6 = true, .opts = u.b, .opts_len = u.len, .spoil = RIG_SPOIL_L4_CKSUM}, .len = 33);
	rig_mark(&rig);
	rig_expect_drop(&rig, MR_DROP_UDP_BAD_CKSUM);
}
END_TEST

/* ---- dropped in silence */

static const struct bad {
	const char *what;
	uint8_t next, units;
	const char *bytes; /* of the options, as they are */
	unsigned n;
	enum mr_counter drop;
} bads[] = {
	{"option type alone", ICMPV6, 0, "\x01\x03\0\0\0\x1e", 6, MR_DROP_IP_BAD_OPTIONS},
	{"option a byte too long", ICMPV6, 0, "\x1e\x05\1\2\3\4", 6, MR_DROP_IP_BAD_OPTIONS},
	{"option of 255 bytes", ICMPV6, 0, "\x1e\xff\1\2\3\4", 6, MR_DROP_IP_BAD_OPTIONS},
	{"PadN a byte too long", ICMPV6, 0, "\x01\x05\0\0\0\0", 6, MR_DROP_IP_BAD_OPTIONS},
	{"unknown one a byte too long", ICMPV6, 0, "\x9e\x05\1\2\3\4", 6, MR_DROP_IP_BAD_OPTIONS},
	{"router alert of 1 byte", ICMPV6, 0, "\x05\x01\0\x01\x01\0", 6, MR_DROP_IP_BAD_OPTIONS},
	{"router alert of 4 bytes", ICMPV6, 0, "\x05\x04\0\0\0\0", 6, MR_DROP_IP_BAD_OPTIONS},
	{"eight bytes of Pad1", ICMPV6, 1, "\x1e\x04\1\2\3\4\0\0\0\0\0\0\0\0", 14, MR_DROP_IP_BAD_OPTIONS},
	{"PadN of eight bytes", ICMPV6, 1, "\x1e\x04\1\2\3\4\x01\x06\0\0\0\0\0\0", 14, MR_DROP_IP_BAD_OPTIONS},
	{"eight bytes of both", ICMPV6, 1, "\x1e\x04\1\2\3\4\0\x01\x05\0\0\0\0\0", 14, MR_DROP_IP_BAD_OPTIONS},
	{"nine options", ICMPV6, 2, "\x1e\0\x1e\0\x1e\0\x1e\0\x1e\0\x1e\0\x1e\0\x1e\0\x1e\0\x01\x02\0\0", 22,
	 MR_DROP_IP_BAD_OPTIONS},
	{"longer than the packet", ICMPV6, 5, "\x01\x04\0\0\0\0", 6, MR_DROP_IP_BAD_LENGTH},
	{"longer than anybody needs", ICMPV6, 32, "\x01\x04\0\0\0\0", 6, MR_DROP_IP_BAD_OPTIONS},
	{"drop it", ICMPV6, 0, "\x5e\x04\1\2\3\4", 6, MR_DROP_IP_UNKNOWN_OPTION},
	{"drop it, after others", ICMPV6, 1, "\x05\x02\0\0\x1e\0\x7f\0\x9e\x04\1\2\3\4", 14, MR_DROP_IP_UNKNOWN_OPTION},
	{"destination options behind", 60, 0, "\x01\x04\0\0\0\0", 6, MR_DROP_IP_EXT_HDR},
	{"a fragment behind", 44, 0, "\x01\x04\0\0\0\0", 6, MR_DROP_IP_FRAGMENT},
	{"nothing behind", 59, 0, "\x01\x04\0\0\0\0", 6, MR_DROP_IP_EXT_HDR},
	{"AH behind", 51, 0, "\x01\x04\0\0\0\0", 6, MR_DROP_IP_EXT_HDR},
};

START_TEST(bad_headers)
{
	const struct bad *c = &bads[_i / 2];
	struct header h = {.b = {c->next, c->units}, .len = (uint8_t)(2 + c->n)};

	memcpy(h.b + 2, c->bytes, c->n);
	rig.rx_seg_bytes = _i % 2;
	push_echo(&h, NULL);
	rig_expect_none(&rig);
	rig_expect_drop(&rig, c->drop);
}
END_TEST

START_TEST(cut_off_headers)
{
	static const uint8_t b[8] = {ICMPV6, 0, 1, 4};

	rig.rx_seg_bytes = (uint16_t)_i;
	for (uint8_t len = 1; len < 8; len++)
		rig_push_ip(&rig, NULL, 0, .v6 = true, .opts = b, .opts_len = len);
	rig_expect_drops(&rig, MR_DROP_IP_BAD_LENGTH, 7);
	rig_mark(&rig);
	rig_push_ip(&rig, NULL, 0, .v6 = true, .opts = b, .opts_len = 8);
	rig_expect_drop(&rig, MR_DROP_ICMP_MALFORMED);
	rig_expect_none(&rig);
}
END_TEST

START_TEST(routing_header_behind)
{
	uint8_t b[16] = {43, 0, 1, 4, 0, 0, 0, 0, ICMPV6, 0, (uint8_t)(_i ? 2 : 0), 1};

	rig_push_icmp(&rig, .ip = {.v6 = true, .opts = b, .opts_len = sizeof(b)}, .echo = true);
	rig_expect_drop(&rig, _i ? MR_DROP_IP_EXT_HDR : MR_DROP_IP_SOURCE_ROUTE);
	rig_expect_none(&rig);
}
END_TEST

/* ---- told to the sender */

/* Types with 10 and 11 on top. The pointer is at the option's type (RFC 4443 3.4). */
static const struct told {
	const char *bytes;
	unsigned n;
	uint32_t pointer;
} tolds[] = {
	{"\x9e\x04\1\2\3\4", 6, 42}, {"\xde\0", 2, 42}, {"\x1e\x02\xde\xde\x80\0", 6, 46}, {"\0\0\x01\0\xc2\x04\0\1\0\0", 10, 46},
	{"\x05\x02\0\0\xff\x01\0", 7, 46}, {"\xde\0\x9e\0\x5e\0", 6, 42},
};

START_TEST(unknown_option_is_told)
{
	const struct told *c = &tolds[_i / 2];
	struct header h = header(ICMPV6, c->bytes, c->n);
	const struct rig_frame *f;

	rig.rx_seg_bytes = _i % 2;
	push_echo(&h, NULL);
	f = rig_expect_icmp(&rig, true, 4, 2);
	ck_assert_uint_eq(f->rest, c->pointer);
	ck_assert(mr_addr_equal(&f->src, &rig.addr6) && mr_addr_equal(&f->dst, &rig.peer6));
	ck_assert_uint_eq(f->payload_len, IPV6 + h.len + 8 + 30);
	ck_assert_mem_eq(f->payload + IPV6, h.b, h.len);
	rig_expect_drop(&rig, MR_DROP_IP_UNKNOWN_OPTION);
	ck_assert_uint_eq(rig_moved(&rig, MR_CNT_ICMP_TX_ERRORS), 1);
	ck_assert_uint_eq(rig_moved(&rig, MR_CNT_IP_RX_DELIVERED), 0);
	rig_expect_none(&rig);
}
END_TEST

/* Sent to a group: 10 is told all the same, from an address of ours, 11 is not (RFC 8200 4.2). */
START_TEST(unknown_option_to_a_group)
{
	struct header h = header(ICMPV6, _i ? "\xde\0" : "\x9e\0", 2);
	const struct rig_frame *f;

	push_echo(&h, "ff02::1");
	if (_i == 0) {
		f = rig_expect_icmp(&rig, true, 4, 2);
		ck_assert(mr_addr_equal(&f->src, &rig.addr6));
		ck_assert_uint_eq(f->rest, 42);
	}
	rig_expect_none(&rig);
	rig_expect_drop(&rig, MR_DROP_IP_UNKNOWN_OPTION);
}
END_TEST

/* Nobody to tell, nobody who could, or not for us. */
START_TEST(unknown_option_without_an_answer)
{
	struct header h = header(ICMPV6, "\x9e\0", 2);
	struct rig_opts o = {.no_addr = true};
	struct mr_addr all = rig_addr("ff02::1");

	rig_push_icmp(&rig, .ip = {.v6 = true, .src_any = true, .opts = h.b, .opts_len = h.len}, .echo = true);
	rig_expect_drop(&rig, MR_DROP_IP_BAD_SRC);
	rig_mark(&rig);
	push_echo(&h, "fd00::99");
	rig_expect_drop(&rig, MR_DROP_IP_NOT_OURS);
	rig_mark(&rig);
	/* An error is not answered, whatever came with it; nor is what could be one. */
	rig_mark(&rig);
	rig_push_icmp(&rig, .ip = {.v6 = true, .opts = h.b, .opts_len = h.len}, .type = 1, .len = 48);
	rig_push_ip(&rig, NULL, 0, .v6 = true, .opts = h.b, .opts_len = h.len);
	rig_expect_drops(&rig, MR_DROP_IP_UNKNOWN_OPTION, 2);
	rig_expect_none(&rig);
	rig_fini(&rig);
	rig_init(&rig, &o);
	ck_assert_int_eq(mr_group_join(rig.stack, RIG_NIC, &all), 0);
	push_echo(&h, "ff02::1");
	rig_expect_drop(&rig, MR_DROP_IP_UNKNOWN_OPTION);
	rig_expect_none(&rig);
}
END_TEST

/* On many cores only the one that heard it answers. */
START_TEST(unknown_option_is_told_once)
{
	static struct mr_steer steer[2];
	struct mr_steer *const steers[2] = {&steer[0], &steer[1]};
	struct header h = header(ICMPV6, "\x9e\0", 2);

	for (uint16_t i = 0; i < 2; i++)
		mr_steer_init(&steer[i], i, 2, NULL);
	ck_assert_int_eq(mr_steer_mesh_create(steers, 2), 0);
	rig.stack->steer = &steer[0];
	push_echo(&h, "ff02::1");
	rig_expect_icmp(&rig, true, 4, 2);
	ck_assert_uint_eq(rig_moved(&rig, MR_CNT_STEER_OUT), 0);
	rig.stack->steer = NULL;
	mr_steer_mesh_destroy(steers, 2);
}
END_TEST

/* V6-03: a second hop-by-hop header is no header that anybody knows. */
START_TEST(hop_by_hop_in_a_wrong_place)
{
	static const uint8_t b[16] = {0, 0, 1, 4, 0, 0, 0, 0, ICMPV6, 0, 1, 4};
	const struct rig_frame *f;

	rig_push_icmp(&rig, .ip = {.v6 = true, .opts = b, .opts_len = sizeof(b)}, .echo = true);
	f = rig_expect_icmp(&rig, true, 4, 1);
	ck_assert_uint_eq(f->rest, IPV6);
	rig_expect_drop(&rig, MR_DROP_IP_EXT_HDR);
	rig_expect_none(&rig);
}
END_TEST

/* V6-04: the field that has the unknown number is in the last header. */
START_TEST(unknown_protocol_behind_options)
{
	struct header h = header(99, "\x05\x02\0\0", 4);
	const struct rig_frame *f;

	rig_push_ip(&rig, "hello, protocol 99", 18, .v6 = true, .opts = h.b, .opts_len = h.len);
	f = rig_expect_icmp(&rig, true, 4, 1);
	ck_assert_uint_eq(f->rest, IPV6);
	rig_expect_drop(&rig, MR_DROP_TRANS_UNKNOWN_PROTO);
}
END_TEST

static Suite *
suite(void)
{
	Suite *s = suite_create("ipv6_ext");
	TCase *tc = rig_case(s, "ipv6_ext", rig_setup, rig_teardown);

	tcase_add_loop_test(tc, options_are_passed_over, 0, 3 * (int)RTE_DIM(passed));
	tcase_add_loop_test(tc, longest_header, 0, 2);
	tcase_add_loop_test(tc, transports_behind_options, 0, 2);
	tcase_add_loop_test(tc, bad_headers, 0, 2 * (int)RTE_DIM(bads));
	tcase_add_loop_test(tc, cut_off_headers, 0, 2);
	tcase_add_loop_test(tc, routing_header_behind, 0, 2);
	tcase_add_loop_test(tc, unknown_option_is_told, 0, 2 * (int)RTE_DIM(tolds));
	tcase_add_loop_test(tc, unknown_option_to_a_group, 0, 2);
	tcase_add_test(tc, unknown_option_without_an_answer);
	tcase_add_test(tc, unknown_option_is_told_once);
	tcase_add_test(tc, hop_by_hop_in_a_wrong_place);
	tcase_add_test(tc, unknown_protocol_behind_options);
	return s;
}

RIG_MAIN(suite)
