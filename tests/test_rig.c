/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Tests of the test rig: what it builds, against bytes made by another tool; what it must object to; time and links;
 * and that expectations which do not hold fail. For those, suites that must fail are run first, silently, one test case
 * each, and the real tests then look at how they ended.
 */
#include "rig/fixture.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <rte_malloc.h>
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

/* ---- verbs */

START_TEST(three_verbs)
{
	const struct rig_frame *f;

	rig_push_icmp(&rig, .echo = true, .id = 7, .seq = 1, .len = 20);
	f = rig_expect_icmp(&rig, false, 0, 0);
	ck_assert_uint_eq(f->id, 7);
	ck_assert_uint_eq(f->payload_len, 20);
	ck_assert_uint_eq(rig_pattern_check(f->payload, 0, 20), 20);
	rig_push_icmp(&rig, .ip.v6 = true, .echo = true, .id = 8);
	rig_push_arp(&rig, .op = 1);
	ck_assert_uint_eq(rig_pending(&rig), 2);
	ck_assert_uint_eq(rig_peek(&rig)->id, 8);
	rig_expect_icmp(&rig, true, 129, 0);
	rig_expect_arp(&rig, 2);
	rig_expect_none_for(&rig, 10 * RIG_S);
	rig_push_arp(&rig, .op = 1);
	rig_discard(&rig);
	rig_expect_none(&rig);
}
END_TEST

START_TEST(what_is_pushed_together_arrives_together)
{
	uint64_t turns;

	rig_poll(&rig);
	turns = rig.turns;
	for (int i = 0; i < 5; i++)
		rig_push_arp(&rig, .op = 1);
	ck_assert_uint_ge(rig_turn(&rig), 5);
	ck_assert_uint_eq(rig.turns, turns + 1);
	ck_assert_uint_eq(rig.n_tx, rig.stats.tx_packets);
	ck_assert_uint_eq(rig_pending(&rig), 5);
}
END_TEST

static uint64_t fired_ns[100];
static unsigned n_fired;

static void
on_alarm(struct mr_stack *s, void *arg)
{
	(void)arg;
	if (n_fired < RTE_DIM(fired_ns))
		fired_ns[n_fired++] = mr_stack_now_ns(s);
}

START_TEST(time_stops_at_every_deadline)
{
	const uint64_t period = 1234567;
	struct mr_alarm *a;

	n_fired = 0;
	ck_assert_int_eq(mr_alarm_start(rig.stack, period, on_alarm, NULL, &a), 0);
	rig_advance(&rig, 50 * period);
	ck_assert_uint_ge(n_fired, 50);
	for (unsigned i = 1; i < n_fired; i++)
		ck_assert_uint_eq(fired_ns[i] - fired_ns[i - 1], period);
	mr_alarm_stop(a);
	n_fired = 0;
	rig_advance(&rig, 50 * period);
	ck_assert_uint_eq(n_fired, 0);
}
END_TEST

START_TEST(time_reaches_the_end_exactly)
{
	uint64_t start = rig.now;

	rig_advance(&rig, 3600 * RIG_S + 1);
	ck_assert_uint_eq(rig.now, start + 3600 * RIG_S + 1);
	ck_assert_uint_eq(mr_stack_now_ns(rig.stack), rig.now);
	ck_assert(!rig_advance_until_frame(&rig, 5 * RIG_S));
	ck_assert_uint_eq(rig.now, start + 3605 * RIG_S + 1);
}
END_TEST

START_TEST(time_stops_at_the_next_frame)
{
	struct mr_sockaddr to = rig_peer(&rig, false, 9);
	struct mr_ep *ep;
	uint64_t start;

	to.addr = rig_addr("10.0.0.77");
	ck_assert_int_eq(mr_ep_create(rig.stack, MR_TRANS_UDP, MR_NET_IPV4, &ep), 0);
	ck_assert_int_eq(mr_ep_sendto(ep, "x", 1, &to), 1);
	rig_expect_arp(&rig, 1);
	start = rig.now;
	ck_assert(rig_advance_until_frame(&rig, 10 * RIG_S));
	ck_assert_uint_eq(rig_expect_arp(&rig, 1)->time_ns, rig.now);
	ck_assert_uint_gt(rig.now, start);
	ck_assert_uint_lt(rig.now, start + 5 * RIG_S);
	mr_ep_close(ep);
}
END_TEST

/* ---- the scripted link */

START_TEST(link_takes_only_so_many)
{
	uint64_t before = rig.stats.tx_packets;

	rig.tx_room = 2;
	for (int i = 0; i < 5; i++)
		rig_push_arp(&rig, .op = 1);
	for (int i = 0; i < 5; i++)
		rig_turn(&rig);
	ck_assert_uint_eq(rig.stats.tx_packets, before + 2);
	rig.tx_room = -1;
	ck_assert_uint_eq(rig_pending(&rig), 5);
}
END_TEST

START_TEST(frames_come_in_pieces)
{
	static const uint16_t sizes[] = {1, 7, 14, 33, 100};
	const struct rig_frame *f;

	rig.rx_seg_bytes = sizes[_i];
	rig_push_icmp(&rig, .echo = true, .len = 300);
	f = rig_expect_icmp(&rig, false, 0, 0);
	ck_assert_uint_eq(f->payload_len, 300);
	ck_assert_uint_eq(rig_pattern_check(f->payload, 0, 300), 300);
}
END_TEST

START_TEST(without_mbufs_frames_are_missed)
{
	static struct rte_mbuf *all[4096];
	unsigned n = 0;

	while (n < RTE_DIM(all) && (all[n] = rte_pktmbuf_alloc(mr_stack_rx_pool(rig.stack))) != NULL)
		n++;
	rig_push_arp(&rig, .op = 1);
	rig_expect_none(&rig);
	ck_assert_uint_eq(rig.stats.rx_missed, 1);
	rte_pktmbuf_free_bulk(all, n);
	rig_push_arp(&rig, .op = 1);
	rig_expect_arp(&rig, 2);
}
END_TEST

START_TEST(link_hears_of_modes)
{
	ck_assert(rig.started && !rig.promisc);
	ck_assert_int_eq(mr_nic_set_promisc(rig.stack, RIG_NIC, true), 0);
	ck_assert(rig.promisc);
	ck_assert_int_eq(mr_nic_disable(rig.stack, RIG_NIC), 0);
	ck_assert(!rig.started);
	rig_expect_group(&rig, 132, "ff02::1:ff00:1");
	rig_push_arp(&rig, .op = 1);
	rig_expect_none(&rig);
	ck_assert_int_eq(mr_nic_enable(rig.stack, RIG_NIC), 0);
	rig_discard(&rig);
}
END_TEST

START_TEST(counters_since_the_mark)
{
	rig_push_arp(&rig, .hln = 7);
	rig_expect_drop(&rig, MR_DROP_ARP_MALFORMED);
	rig_mark(&rig);
	rig_expect_no_drop(&rig);
	rig_push_arp(&rig, .op = 1);
	ck_assert_uint_eq(rig_moved(&rig, MR_CNT_ARP_RX_REQUESTS), 1);
	rig_expect_no_drop(&rig);
}
END_TEST

START_TEST(options_of_the_rig)
{
	struct rig r;

	rig_init(&r, &(struct rig_opts){.mtu = 9000, .no_neigh = true, .gateway = true, .stack = {.rx_mbufs = 512}});
	ck_assert_uint_eq(mr_stack_rx_pool(r.stack)->size, 512);
	ck_assert_uint_eq(r.link.mtu, 9000);
	ck_assert_int_eq(mr_route_remove(r.stack, &(struct mr_route_entry){.gateway = r.peer6, .nic = RIG_NIC}), 0);
	rig_push_icmp(&r, .echo = true);
	rig_expect_arp(&r, 1);
	rig_fini(&r);
	rig_init(&r, &(struct rig_opts){.no_nic = true});
	ck_assert(!r.started);
	ck_assert_int_eq(mr_nic_create(r.stack, 9, "x", &r.link), 0);
	ck_assert(r.started);
	rig_fini(&r);
}
END_TEST

/* ---- scripted connections */

static const enum mr_tcp_state states[] = {
	MR_TCP_LISTEN, MR_TCP_SYN_SENT, MR_TCP_SYN_RECEIVED, MR_TCP_ESTABLISHED, MR_TCP_FIN_WAIT_1, MR_TCP_FIN_WAIT_2,
	MR_TCP_CLOSE_WAIT, MR_TCP_CLOSING, MR_TCP_LAST_ACK, MR_TCP_TIME_WAIT, MR_TCP_CLOSED,
};

START_TEST(reaches_every_state)
{
	struct rig_tcp t;
	struct mr_ep *ep;

	rig_tcp_init(&t, &rig, _i & 1);
	t.ts = _i & 2;
	ep = rig_tcp_reach(&t, states[_i / 4]);
	ck_assert((ep != NULL) == (states[_i / 4] != MR_TCP_SYN_RECEIVED));
	ck_assert_uint_eq(t.iss, 0xfffffff0);
	rig_expect_none(&rig);
}
END_TEST

START_TEST(actively_with_and_without_options)
{
	struct rig_tcp t;

	rig_tcp_init(&t, &rig, _i & 1);
	t.ts = _i & 2;
	if (_i & 4) {
		t.ws = -1;
		t.mss = 0;
		t.sack = false;
	}
	rig_tcp_establish_active(&t);
	ck_assert_int_eq(t.ts_on, !!(_i & 2));
	ck_assert_uint_eq(t.stack_mss, _i & 1 ? 1440 : 1460);
	ck_assert(!(_i & 4) || t.stack_ws == 0);
	/* Data both ways over the wrap, in the numbers of the script. */
	rig_tcp_push(&t, RIG_ACK | RIG_PSH, 1, 1, 100);
	ck_assert_int_eq(rig_ep_send(t.ep, 0, 50), 50);
	rig_tcp_expect(&t, RIG_ACK | RIG_PSH, 1, 101, 50, .pattern = true);
	rig_ep_recv(t.ep, 0, 100);
	rig_tcp_push(&t, RIG_ACK, 101, 51, 0);
	rig_discard(&rig);
	mr_ep_close(t.ep);
	rig_tcp_expect(&t, RIG_FIN | RIG_ACK, 51, 101, 0);
}
END_TEST

START_TEST(matches_say_what_is_wrong)
{
	struct rig_tcp t, other;
	const struct rig_seg none = {0}, exact = {.exact = true}, wnd = {.check_wnd = true, .wnd = 1}, sack = {.n_sack = 1};
	const struct rig_seg pattern = {.pattern = true}, data = {.data = "no"};

	rig_tcp_init(&t, &rig, false);
	rig_tcp_establish_passive(&t);
	other = t;
	other.peer_port++;
	ck_assert_str_eq(rig_tcp_match(&t, RIG_ACK, 1, 1, 2, &none), "nothing was sent");
	ck_assert_int_eq(mr_ep_send(t.ep, "ab", 2), 2);
	ck_assert_str_eq(rig_tcp_match(&other, RIG_ACK, 1, 1, 2, &none), "not of this connection");
	ck_assert_str_eq(rig_tcp_match(&t, RIG_ACK, 1, 1, 2, &exact), "flags P.");
	ck_assert_str_eq(rig_tcp_match(&t, RIG_ACK | RIG_FIN, 1, 1, 2, &none), "flags P.");
	ck_assert_str_eq(rig_tcp_match(&t, RIG_ACK, 2, 1, 2, &none), "seq offset 1");
	ck_assert_str_eq(rig_tcp_match(&t, RIG_ACK, 1, 0, 2, &none), "ack offset 1");
	ck_assert_str_eq(rig_tcp_match(&t, RIG_ACK, 1, 1, 3, &none), "2 bytes of payload");
	ck_assert_ptr_nonnull(strstr(rig_tcp_match(&t, RIG_ACK, 1, 1, 2, &wnd), "window"));
	ck_assert_ptr_nonnull(strstr(rig_tcp_match(&t, RIG_ACK, 1, 1, 2, &sack), "SACK"));
	ck_assert_ptr_nonnull(strstr(rig_tcp_match(&t, RIG_ACK, 1, 1, 2, &pattern), "pattern"));
	ck_assert_str_eq(rig_tcp_match(&t, RIG_ACK, 1, 1, 2, &data), "payload differs");
	t.ts_on = true;
	ck_assert_str_eq(rig_tcp_match(&t, RIG_ACK, 1, 1, 2, &none), "no timestamp");
	t.ts_on = false;
	ck_assert_ptr_null(rig_tcp_match(&t, RIG_ACK | RIG_PSH, 1, RIG_ANY, RIG_ANY, &none));
	rig_expect_none(&rig);
}
END_TEST

/* ---- two stacks */

static struct rig_bulk_result
run_duo(uint64_t seed, bool v6, uint32_t loss_ppm, uint64_t hash[2])
{
	struct mr_impair_cfg line[2] = {
		{.seed = seed, .delay_ns = 5 * RIG_MS, .loss_ppm = loss_ppm, .queue_frames = 10000},
		{.seed = seed + 1, .delay_ns = 5 * RIG_MS, .loss_ppm = loss_ppm, .queue_frames = 10000},
	};
	struct rig_bulk_opts o = {.v6 = v6, .bytes = {100000, 30000}, .flows = 3, .deadline_ns = 300 * RIG_S};
	struct rig_bulk_result r;
	struct rig_duo d;

	rig_duo_init(&d, &(struct rig_duo_opts){.impair = {&line[0], &line[1]}});
	r = rig_duo_bulk(&d, &o);
	hash[0] = d.end[0].hash;
	hash[1] = d.end[1].hash;
	rig_duo_fini(&d);
	return r;
}

START_TEST(two_stacks_transfer)
{
	uint64_t hash[2];
	struct rig_bulk_result r = run_duo(1, _i & 1, _i & 2 ? 50000 : 0, hash);

	ck_assert(r.done);
	ck_assert_int_eq(r.err, 0);
	ck_assert_uint_eq(r.bytes, 3 * 130000);
	ck_assert_uint_ge(r.duration_ns, 4 * 5 * RIG_MS); /* handshake, and data after it */
}
END_TEST

START_TEST(one_seed_one_run)
{
	uint64_t a[2], b[2], c[2];

	run_duo(7, false, 20000, a);
	run_duo(7, false, 20000, b);
	run_duo(8, false, 20000, c);
	ck_assert(a[0] == b[0] && a[1] == b[1]);
	ck_assert(a[0] != c[0]);
}
END_TEST

START_TEST(deadline_of_a_transfer)
{
	struct mr_impair_cfg dead = {.seed = 1, .loss_ppm = 1000000};
	struct rig_bulk_opts o = {.bytes = {1, 1}, .deadline_ns = 5 * RIG_S};
	struct rig_bulk_result r;
	struct rig_duo d;
	uint64_t start;

	rig_duo_init(&d, &(struct rig_duo_opts){.impair = {&dead, NULL}});
	start = d.now;
	r = rig_duo_bulk(&d, &o);
	ck_assert(!r.done && r.bytes == 0);
	ck_assert_uint_le(d.now, start + 5 * RIG_S);
	rig_duo_fini(&d);
}
END_TEST

/* ---- each test has a heap of its own */

START_TEST(tests_do_not_share_memory)
{
	/* Three times more, over all rounds, than there is. */
	ck_assert_ptr_nonnull(rte_malloc("dirt", 100 << 20, 0));
}
END_TEST

/* ---- suites that must fail */

START_TEST(fail_none)
{
	rig_push_arp(&rig, .op = 1);
	rig_expect_none(&rig);
}
END_TEST

START_TEST(fail_missing)
{
	rig_expect(&rig, RIG_ARP);
}
END_TEST

START_TEST(fail_kind)
{
	rig_push_arp(&rig, .op = 1);
	rig_expect(&rig, RIG_TCP);
}
END_TEST

START_TEST(fail_drop)
{
	rig_push_arp(&rig, .hln = 7);
	rig_expect_no_drop(&rig);
}
END_TEST

START_TEST(fail_other_drop)
{
	rig_push_arp(&rig, .hln = 7);
	rig_push(&rig, "short", 5);
	rig_expect_drop(&rig, MR_DROP_ARP_MALFORMED);
}
END_TEST

START_TEST(fail_tcp)
{
	struct rig_tcp t;

	rig_tcp_init(&t, &rig, false);
	rig_tcp_establish_passive(&t);
	rig_tcp_push(&t, RIG_ACK | RIG_FIN, 1, 1, 0);
	rig_tcp_expect(&t, RIG_ACK, 1, 1, 0);
}
END_TEST

START_TEST(fail_stream)
{
	struct rig_tcp t;

	rig_tcp_init(&t, &rig, false);
	rig_tcp_establish_passive(&t);
	rig_tcp_push(&t, RIG_ACK, 1, 1, 3, .data = "bad");
	rig_poll(&rig);
	rig_ep_recv(t.ep, 0, 3);
}
END_TEST

START_TEST(fail_leak)
{
	ck_assert_ptr_nonnull(rte_pktmbuf_alloc(mr_stack_tx_pool(rig.stack)));
	rig_fini(&rig);
}
END_TEST

/* A stack whose link claims to fill in checksums and then forgets the claim sends frames without them. */
START_TEST(fail_bad_frame)
{
	struct rig r;

	rig_init(&r, &(struct rig_opts){.caps = MR_LINK_CAP_TX_IPV4_CKSUM});
	r.link.caps &= ~MR_LINK_CAP_TX_IPV4_CKSUM;
	rig_push_icmp(&r, .echo = true);
	rig_poll(&r);
}
END_TEST

static struct must_fail {
	const TTest *test;
	const char *word; /* of the message */
	bool failed;
	char msg[500];
} must_fail[9];

static void
run_must_fail(struct must_fail *f, const TTest *test, const char *word)
{
	Suite *s = suite_create("must fail");
	TCase *tc = rig_case(s, "must fail", rig_setup, NULL);
	SRunner *sr;
	TestResult **tr;

	f->test = test;
	f->word = word;
	tcase_add_test(tc, test);
	sr = srunner_create(s);
	srunner_run_all(sr, CK_SILENT);
	f->failed = srunner_ntests_failed(sr) == 1;
	if (f->failed) {
		tr = srunner_failures(sr);
		snprintf(f->msg, sizeof(f->msg), "%s", tr_msg(tr[0]));
		free(tr);
	}
	srunner_free(sr);
}

START_TEST(wrong_expectations_fail)
{
	ck_assert(must_fail[_i].failed);
	ck_assert_msg(strstr(must_fail[_i].msg, must_fail[_i].word), "expected \"%s\", got \"%s\"", must_fail[_i].word,
	              must_fail[_i].msg);
}
END_TEST

static void
add_builders(Suite *s)
{
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
}

static void
add_verbs(Suite *s)
{
	TCase *tc = rig_case(s, "verbs", rig_setup, rig_teardown);

	tcase_add_test(tc, three_verbs);
	tcase_add_test(tc, what_is_pushed_together_arrives_together);
	tcase_add_test(tc, time_stops_at_every_deadline);
	tcase_add_test(tc, time_reaches_the_end_exactly);
	tcase_add_test(tc, time_stops_at_the_next_frame);
	tcase_add_test(tc, link_takes_only_so_many);
	tcase_add_loop_test(tc, frames_come_in_pieces, 0, 5);
	tcase_add_test(tc, without_mbufs_frames_are_missed);
	tcase_add_test(tc, link_hears_of_modes);
	tcase_add_test(tc, counters_since_the_mark);
	tc = rig_case(s, "tcp", rig_setup, rig_teardown);
	tcase_add_loop_test(tc, reaches_every_state, 0, 4 * (int)RTE_DIM(states));
	tcase_add_loop_test(tc, actively_with_and_without_options, 0, 8);
	tcase_add_test(tc, matches_say_what_is_wrong);
}

static Suite *
suite(void)
{
	Suite *s = suite_create("rig");
	TCase *tc;
	unsigned n = 0;

	add_builders(s);
	add_verbs(s);
	tc = rig_case(s, "whole", NULL, NULL);
	tcase_add_test(tc, options_of_the_rig);
	tcase_add_loop_test(tc, two_stacks_transfer, 0, 4);
	tcase_add_test(tc, one_seed_one_run);
	tcase_add_test(tc, deadline_of_a_transfer);
	tcase_add_loop_test(tc, tests_do_not_share_memory, 0, 8);
	run_must_fail(&must_fail[n++], fail_none, "expected nothing");
	run_must_fail(&must_fail[n++], fail_missing, "no frame");
	run_must_fail(&must_fail[n++], fail_kind, "expected TCP, got [");
	run_must_fail(&must_fail[n++], fail_drop, "drop_arp_malformed moved by 1");
	run_must_fail(&must_fail[n++], fail_other_drop, "drop_ether_short moved by 1");
	run_must_fail(&must_fail[n++], fail_tcp, "ack offset 2");
	run_must_fail(&must_fail[n++], fail_stream, "of the stream is wrong");
	run_must_fail(&must_fail[n++], fail_leak, "1 mbufs are lost");
	run_must_fail(&must_fail[n++], fail_bad_frame, "sent a bad frame");
	tcase_add_loop_test(tc, wrong_expectations_fail, 0, (int)n);
	return s;
}

RIG_MAIN(suite)
