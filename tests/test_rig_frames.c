/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Frames of the test rig: what it builds, against bytes made by another tool; how it reads frames, and what it must object
 * to in those that a stack sends.
 */
#include "rig/fixture.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <rte_mbuf.h>

#include "rig/priv.h"
#include "stack/pkt.h"

/* ---- builders against bytes of scapy 2.5.0 */

static uint32_t
from_hex(const char *hex, uint8_t *out)
{
	uint32_t n = 0;
	unsigned v;

	for (; sscanf(hex, "%2x", &v) == 1; hex += 2)
		out[n++] = (uint8_t)v;
	return n;
}

static void
assert_bytes(const struct rig_buf *b, const char *hex)
{
	uint8_t want[256];
	uint32_t n = from_hex(hex, want);

	ck_assert_uint_eq(b->len, n);
	for (uint32_t i = 0; i < n; i++)
		ck_assert_msg(b->b[i] == want[i], "byte %u is %02x, expected %02x", i, b->b[i], want[i]);
}

START_TEST(builds_arp)
{
	struct rig_buf b;

	rig_build_arp(&rig, &b, &(struct rig_arp){0});
	assert_bytes(&b, "ffffffffffff020000000002080600010800060400010200000000020a0000020000000000000a000001");
}
END_TEST

START_TEST(builds_udp)
{
	struct rig_buf b;

	rig_build_udp(&rig, &b, &(struct rig_udp){.ip = {.id = 0x1234, .frag = 0x4000, .tos = 0x10}, .data = "hello", .len = 5});
	assert_bytes(&b, "02000000000102000000000208004510002112344000401114860a0000020a00000113880007000d947068656c6c6f");
}
END_TEST

START_TEST(builds_echo)
{
	struct rig_buf b;

	rig_build_icmp(&rig, &b, &(struct rig_icmp){.echo = true, .id = 0x1122, .seq = 3, .data = "ping", .len = 4});
	assert_bytes(&b, "02000000000102000000000208004500002000000000400166db0a0000020a0000010800080a1122000370696e67");
	rig_build_icmp(&rig, &b,
	               &(struct rig_icmp){.ip = {.v6 = true}, .echo = true, .id = 0x1122, .seq = 3, .data = "ping!", .len = 5});
	assert_bytes(&b, "02000000000102000000000286dd60000000000d3a40fd000000000000000000000000000002fd000000000000000000000000"
	                 "000001800074bd1122000370696e6721");
}
END_TEST

START_TEST(builds_ndp)
{
	struct rig_buf b;

	rig_build_ndp(&rig, &b, &(struct rig_ndp){0});
	assert_bytes(&b, "3333ff00000102000000000286dd6000000000203afffd000000000000000000000000000002ff0200000000000000000001ff"
	                 "00000187007d9700000000fd0000000000000000000000000000010101020000000002");
	rig_build_ndp(&rig, &b, &(struct rig_ndp){.type = 136, .solicited = true, .override = true});
	assert_bytes(&b, "02000000000102000000000286dd6000000000203afffd000000000000000000000000000002fd000000000000000000000000"
	                 "00000188001c9a60000000fd0000000000000000000000000000020201020000000002");
}
END_TEST

START_TEST(builds_group_messages)
{
	struct rig_buf b;

	rig_build_group(&rig, &b, &(struct rig_group){.max_resp = 100});
	assert_bytes(&b, "01005e0000010200000000020800" "46000020000000000102" "3ad50a000002e0000001" "94040000"
	                 "1164ee9b00000000");
	rig_build_group(&rig, &b, &(struct rig_group){.type = 131, .group = rig_addr("ff02::5")});
	assert_bytes(&b, "33330000000502000000000286dd" "6000000000200001fe800000000000000000000000000002"
	                 "ff020000000000000000000000000005" "3a00050200000100" "8300801a00000000"
	                 "ff020000000000000000000000000005");
}
END_TEST

START_TEST(builds_tcp)
{
	static const uint8_t opts[] = {2, 4, 5, 0xb4, 4, 2, 8, 10, 0xff, 0xff, 0xff, 0xf0, 0, 0, 0, 0, 1, 3, 3, 7};
	struct rig_buf b;

	rig_build_tcp(&rig, &b, &(struct rig_tcphdr){.seq = 0xfffffff0, .ack = 0x01020304, .flags = RIG_SYN, .wnd = 65535,
	                                             .opts = opts, .opts_len = sizeof(opts)});
	assert_bytes(&b, "02000000000102000000000208004500003c00000000400666ba0a0000020a00000113880050fffffff001020304a002ffff1c"
	                 "3e0000020405b40402080afffffff00000000001030307");
	rig_build_tcp(&rig, &b, &(struct rig_tcphdr){.ip = {.v6 = true}, .seq = 0xfffffff0, .ack = 0x01020304,
	                                             .flags = RIG_PSH | RIG_ACK, .wnd = 512, .data = "abc", .len = 3});
	assert_bytes(&b, "02000000000102000000000286dd6000000000170640fd000000000000000000000000000002fd000000000000000000000000"
	                 "00000113880050fffffff00102030450180200d7930000616263");
}
END_TEST

START_TEST(builds_options_and_extensions)
{
	static const uint8_t alert4[] = {0x94, 4, 0, 0}, alert6[] = {17, 0, 5, 2, 0, 0, 1, 0};
	struct rig_buf b;

	rig_build_udp(&rig, &b, &(struct rig_udp){.ip = {.opts = alert4, .opts_len = 4}, .data = "x", .len = 1});
	assert_bytes(&b, "020000000001020000000002080046000021000000004011d1c50a0000020a00000194040000138800070009604a78");
	rig_build_udp(&rig, &b, &(struct rig_udp){.ip = {.v6 = true, .opts = alert6, .opts_len = 8}, .data = "x", .len = 1});
	assert_bytes(&b, "02000000000102000000000286dd6000000000110040fd000000000000000000000000000002fd000000000000000000000000"
	                 "0000011100050200000100" "1388" "00070009" "7a4878");
}
END_TEST

START_TEST(fills_in_group_link_addresses)
{
	struct rig_buf b;

	rig_build_udp(&rig, &b, &(struct rig_udp){.ip = {.dst = rig_addr("224.129.2.3")}});
	ck_assert_mem_eq(b.b, "\x01\x00\x5e\x01\x02\x03", 6);
	rig_build_udp(&rig, &b, &(struct rig_udp){.ip = {.dst = rig_addr("10.0.0.255")}});
	ck_assert_mem_eq(b.b, "\xff\xff\xff\xff\xff\xff", 6);
	rig_build_udp(&rig, &b, &(struct rig_udp){.ip = {.dst = rig_addr("ff02::1:2")}});
	ck_assert_mem_eq(b.b, "\x33\x33\x00\x01\x00\x02", 6);
}
END_TEST

START_TEST(fix_repairs_an_edited_frame)
{
	struct rig_buf a, b;

	for (unsigned v6 = 0; v6 < 2; v6++) {
		rig_build_udp(&rig, &a, &(struct rig_udp){.ip = {.v6 = v6, .pad = 3}, .data = "abcd", .len = 4});
		b = a;
		memset(b.b + 14 + (v6 ? 40 : 20) + 6, 0, 2);
		if (!v6)
			memset(b.b + 14 + 10, 0, 2);
		ck_assert_mem_ne(a.b, b.b, a.len);
		rig_fix(&b);
		ck_assert_mem_eq(a.b, b.b, a.len);
	}
}
END_TEST

START_TEST(pattern_is_checked_from_anywhere)
{
	uint8_t buf[1000];

	rig_pattern_fill(buf, 123456, sizeof(buf));
	ck_assert_uint_eq(rig_pattern_check(buf, 123456, sizeof(buf)), sizeof(buf));
	ck_assert_uint_eq(rig_pattern_check(buf + 10, 123466, 100), 100);
	ck_assert_uint_lt(rig_pattern_check(buf, 123457, 100), 2);
	buf[77] ^= 1;
	ck_assert_uint_eq(rig_pattern_check(buf, 123456, sizeof(buf)), 77);
}
END_TEST

/* ---- the judge */

START_TEST(reads_what_is_built)
{
	static const uint8_t opts[] = {1, 1, 8, 10, 0, 0, 0, 5, 0, 0, 0, 6, 1, 1, 5, 10, 0, 0, 1, 0, 0, 0, 2, 0};
	struct rig_buf b;
	struct rig_frame *f;
	char why[100];

	rig_build_tcp(&rig, &b, &(struct rig_tcphdr){.ip = {.v6 = true, .tos = 0x2a, .ttl = 9}, .sport = 1, .dport = 2, .seq = 3,
	                                             .ack = 4, .flags = RIG_ACK | RIG_URG, .wnd = 5, .urg = 6, .opts = opts,
	                                             .opts_len = sizeof(opts), .data = "xyz", .len = 3});
	f = rig_frame_parse(b.b, b.len, 0, 0, 0, why, sizeof(why));
	ck_assert_str_eq(why, "");
	ck_assert_int_eq(f->kind, RIG_TCP);
	ck_assert(f->v6 && f->tos == 0x2a && f->ttl == 9 && f->proto == 6);
	ck_assert(mr_addr_equal(&f->src, &rig.peer6) && mr_addr_equal(&f->dst, &rig.addr6));
	ck_assert(f->sport == 1 && f->dport == 2 && f->seq == 3 && f->ack == 4 && f->wnd == 5 && f->urg == 6);
	ck_assert_uint_eq(f->flags, RIG_ACK | RIG_URG);
	ck_assert(f->has_ts && f->tsval == 5 && f->tsecr == 6 && !f->has_mss && !f->has_ws && !f->has_sackok);
	ck_assert(f->n_sack == 1 && f->sack[0][0] == 256 && f->sack[0][1] == 512);
	ck_assert_uint_eq(f->payload_len, 3);
	ck_assert_mem_eq(f->payload, "xyz", 3);
	free(f);
}
END_TEST

/* A good frame, the edit that spoils it, and a word of the objection. */
struct bad_frame {
	const char *word;
	enum { UDP4, UDP6, TCP4, ARP, NA, IGMP, MLD } base;
	uint16_t at;    /* this byte ... */
	uint8_t value;  /* ... becomes this */
	bool fix;       /* and checksums are computed anew */
	int8_t grow;    /* bytes added to the frame or taken from it */
};

/* TCP4 is a SYN with the options MSS, NOP, NOP, SACK-permitted. */
static const struct bad_frame bad_frames[] = {
	{"bad IPv4 header checksum", UDP4, 14 + 11, 0x99},
	{"bad checksum", UDP4, 14 + 27, 0x99},
	{"bad checksum", UDP6, 14 + 47, 0x99},
	{"bad checksum", TCP4, 14 + 20 + 17, 0x99},
	{"bad checksum", NA, 14 + 43, 0x99},
	{"IP length", UDP4, 0, 2, false, 1},
	{"IP length", UDP4, 0, 2, false, -1},
	{"IP length", UDP6, 0, 2, false, -1},
	{"IPv4 header of", UDP4, 14, 0x44},
	{"IPv4 header of", UDP4, 14, 0x55},
	{"version", UDP6, 14, 0x40},
	{"TTL 0", UDP4, 14 + 8, 0, true},
	{"source is a group", UDP4, 14 + 12, 224, true},
	{"source is a group", UDP6, 14 + 8, 0xff, true},
	{"from a group", UDP4, 6, 3},
	{"UDP length", UDP4, 14 + 25, 99, true},
	{"data offset", TCP4, 14 + 32, 0x40, true},
	{"data offset", TCP4, 14 + 32, 0xf0, true},
	{"reserved", TCP4, 14 + 32, 0x72, true},
	{"flags FS", TCP4, 14 + 33, RIG_SYN | RIG_FIN, true},
	{"flags SR", TCP4, 14 + 33, RIG_SYN | RIG_RST, true},
	{"neither", TCP4, 14 + 33, RIG_PSH, true},
	{"without SYN", TCP4, 14 + 33, RIG_ACK, true},
	{"urgent", TCP4, 14 + 39, 1, true},
	{"port 0", TCP4, 14 + 23, 0, true},
	{"option 2 of length 0", TCP4, 14 + 41, 0, true},
	{"option 2 of length 1", TCP4, 14 + 41, 1, true},
	{"option 2 of length 3", TCP4, 14 + 41, 3, true},
	{"option 4 of length 3", TCP4, 14 + 47, 3, true},
	{"behind the end", TCP4, 14 + 44, 0, true},
	{"ARP for other", ARP, 14 + 4, 5},
	{"ARP operation", ARP, 14 + 7, 9},
	{"ARP sender", ARP, 14 + 13, 9},
	{"ARP frame of", ARP, 0, 2, false, 1},
	{"hop limit", NA, 14 + 7, 64, true},
	{"code 1", NA, 14 + 41, 1, true},
	{"option of length", NA, 14 + 65, 0, true},
	{"option of length", NA, 14 + 65, 2, true},
	{"bad checksum", IGMP, 14 + 27, 0x99},
	{"TTL 2", IGMP, 14 + 8, 2, true},
	{"Router Alert", IGMP, 14 + 20, 7, true},
	{"IGMP type 17", IGMP, 14 + 24, 0x11, true},
	{"IGMP type 22, code 1", IGMP, 14 + 25, 1, true},
	{"wrong destination", IGMP, 14 + 31, 9, true},
	{"bad checksum", MLD, 14 + 51, 0x99},
	{"TTL 64", MLD, 14 + 7, 64, true},
	{"Router Alert", MLD, 14 + 42, 1, true},
	{"not link-local", MLD, 14 + 8, 0xfd, true},
	{"MLD type 130", MLD, 14 + 48, 130, true},
	{"MLD type 131, code 1", MLD, 14 + 49, 1, true},
	{"wrong destination", MLD, 14 + 71, 9, true},
};

static void
build_base(struct rig_buf *b, int base)
{
	static const uint8_t opts[] = {2, 4, 5, 0xb4, 1, 1, 4, 2};

	if (base == UDP4 || base == UDP6)
		rig_build_udp(&rig, b, &(struct rig_udp){.ip = {.v6 = base == UDP6}, .len = 40});
	else if (base == TCP4)
		rig_build_tcp(&rig, b, &(struct rig_tcphdr){.flags = RIG_SYN, .opts = opts, .opts_len = 8, .dport = 80, .sport = 80});
	else if (base == ARP)
		rig_build_arp(&rig, b, &(struct rig_arp){0});
	else if (base == IGMP)
		rig_build_group(&rig, b, &(struct rig_group){.type = 0x16, .group = rig_addr("239.1.2.3")});
	else if (base == MLD)
		rig_build_group(&rig, b, &(struct rig_group){.type = 131, .group = rig_addr("ff05::5")});
	else
		rig_build_ndp(&rig, b, &(struct rig_ndp){.type = 136});
}

START_TEST(objects_to_bad_frames)
{
	const struct bad_frame *bad = &bad_frames[_i];
	struct rig_buf b;
	char why[100];

	build_base(&b, bad->base);
	free(rig_frame_parse(b.b, b.len, 0, 0, 0, why, sizeof(why)));
	ck_assert_str_eq(why, "");
	b.b[bad->at] = bad->value;
	b.len = (uint32_t)((int)b.len + bad->grow);
	if (bad->fix)
		rig_fix(&b);
	free(rig_frame_parse(b.b, b.len, 0, 0, 0, why, sizeof(why)));
	ck_assert_msg(strstr(why, bad->word), "expected \"%s\", got \"%s\"", bad->word, why);
}
END_TEST

START_TEST(survives_any_bytes)
{
	struct rig_buf b;
	char why[100];

	/* Cut everywhere, and with every byte of the headers turned over. */
	for (int base = UDP4; base <= MLD; base++) {
		build_base(&b, base);
		for (uint32_t len = 0; len < b.len; len++)
			free(rig_frame_parse(b.b, len, 0, 0, 0, why, sizeof(why)));
		for (uint32_t i = 12; i < b.len; i++)
			for (unsigned v = 0; v < 256; v++) {
				uint8_t was = b.b[i];

				b.b[i] = (uint8_t)v;
				free(rig_frame_parse(b.b, b.len, 0, 0, 0, why, sizeof(why)));
				b.b[i] = was;
			}
	}
}
END_TEST

/* A mbuf of the transmit pool as a frame with offload flags. */
static struct rte_mbuf *
to_tx(const struct rig_buf *b, uint64_t flags)
{
	struct rte_mbuf *m = rte_pktmbuf_alloc(mr_stack_tx_pool(rig.stack));

	memcpy(rte_pktmbuf_append(m, (uint16_t)b->len), b->b, b->len);
	memcpy(rte_pktmbuf_mtod_offset(m, char *, 6), rig.mac, 6);
	m->ol_flags = flags;
	m->l2_len = 14;
	m->l3_len = 20;
	return m;
}

static void
judge(const struct rig_buf *b, uint64_t flags, const char *word)
{
	struct rte_mbuf *m = to_tx(b, flags);
	char why[200];

	free(rig_judge(&rig.link, m, why, sizeof(why)));
	if (word)
		ck_assert_msg(strstr(why, word), "expected \"%s\", got \"%s\"", word, why);
	else
		ck_assert_str_eq(why, "");
	rte_pktmbuf_free(m);
}

START_TEST(judges_offloads)
{
	const uint64_t ip = RTE_MBUF_F_TX_IPV4 | RTE_MBUF_F_TX_IP_CKSUM, tcp = RTE_MBUF_F_TX_IPV4 | RTE_MBUF_F_TX_TCP_CKSUM;
	struct rig_buf b, prepared;
	uint32_t sum = 0;

	build_base(&b, TCP4);
	judge(&b, 0, NULL);
	judge(&b, ip, "IPv4 checksum offload that the link does not have");
	judge(&b, tcp, "TCP checksum offload that the link does not have");
	judge(&b, RTE_MBUF_F_TX_UDP_CKSUM, "UDP checksum offload");
	judge(&b, RTE_MBUF_F_TX_TCP_SEG, "segmentation");
	rig.link.caps |= MR_LINK_CAP_TX_IPV4_CKSUM | MR_LINK_CAP_TX_TCP_CKSUM;
	judge(&b, ip, "offloaded IPv4 checksum is");
	judge(&b, tcp, "not with the pseudo-header's");
	prepared = b;
	memset(prepared.b + 14 + 10, 0, 2);
	judge(&prepared, ip, NULL);
	sum = (uint16_t)~rig_cksum(b.b + 14 + 12, 8, 6 + b.len - 34);
	prepared.b[14 + 36] = (uint8_t)(sum >> 8);
	prepared.b[14 + 37] = (uint8_t)sum;
	judge(&prepared, ip | tcp, NULL);
	prepared.b[14 + 37] ^= 1;
	judge(&prepared, ip | tcp, "not with the pseudo-header's");
}
END_TEST

START_TEST(judges_mtu_chains_and_origin)
{
	struct rig_buf b;
	struct rte_mbuf *m;
	char why[200];

	rig_build_udp(&rig, &b, &(struct rig_udp){.len = 1473});
	judge(&b, 0, "MTU");
	build_base(&b, UDP4);
	m = to_tx(&b, 0);
	m->next = rte_pktmbuf_alloc(mr_stack_tx_pool(rig.stack));
	m->nb_segs = 2;
	free(rig_judge(&rig.link, m, why, sizeof(why)));
	ck_assert_str_eq(why, "");
	rig.link.caps &= ~MR_LINK_CAP_TX_MULTI_SEGS;
	free(rig_judge(&rig.link, m, why, sizeof(why)));
	ck_assert_msg(strstr(why, "chain"), "%s", why);
	rte_pktmbuf_mtod(m, uint8_t *)[11] ^= 4;
	rig.link.caps |= MR_LINK_CAP_TX_MULTI_SEGS;
	free(rig_judge(&rig.link, m, why, sizeof(why)));
	ck_assert_msg(strstr(why, "own address"), "%s", why);
	m->pkt_len++;
	ck_assert_ptr_null(rig_judge(&rig.link, m, why, sizeof(why)));
	ck_assert_msg(strstr(why, "mbuf"), "%s", why);
	m->pkt_len--;
	rte_pktmbuf_free(m);
}
END_TEST

static Suite *
suite(void)
{
	Suite *s = suite_create("rig_frames");
	TCase *tc = rig_case(s, "builders", rig_setup, rig_teardown);

	tcase_add_test(tc, builds_arp);
	tcase_add_test(tc, builds_udp);
	tcase_add_test(tc, builds_echo);
	tcase_add_test(tc, builds_ndp);
	tcase_add_test(tc, builds_group_messages);
	tcase_add_test(tc, builds_tcp);
	tcase_add_test(tc, builds_options_and_extensions);
	tcase_add_test(tc, fills_in_group_link_addresses);
	tcase_add_test(tc, fix_repairs_an_edited_frame);
	tcase_add_test(tc, pattern_is_checked_from_anywhere);
	tc = rig_case(s, "judge", rig_setup, rig_teardown);
	tcase_add_test(tc, reads_what_is_built);
	tcase_add_loop_test(tc, objects_to_bad_frames, 0, (int)RTE_DIM(bad_frames));
	tcase_add_test(tc, survives_any_bytes);
	tcase_add_test(tc, judges_offloads);
	tcase_add_test(tc, judges_mtu_chains_and_origin);
	return s;
}

RIG_MAIN(suite)
