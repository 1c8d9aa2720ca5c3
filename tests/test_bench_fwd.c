/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The forward modes of the benchmark: what they do to packets. Over ports: test_bench_fwd_ports.c.
 */
#include "fwd_stream.h"

/* ---- swapping */

/* Put VLAN tags behind the addresses. */
static void
tag(struct rig_buf *b, unsigned tags)
{
	for (unsigned i = 0; i < tags; i++) {
		memmove(b->b + 16, b->b + 12, b->len - 12);
		b->b[12] = i ? 0x88 : 0x81;
		b->b[13] = i ? 0xa8 : 0x00;
		b->b[14] = 0;
		b->b[15] = (uint8_t)(5 + i);
		b->len += 4;
	}
}

START_TEST(swap_of_everything)
{
	unsigned kind = _i / 3, tags = _i % 3, l3 = 14 + 4 * tags, l4;
	bool v6 = kind == 1 || kind == 3;

	frame_build(kind);
	tag(&in, tags);
	ck_assert_uint_eq(changed(&fwd_5tswap, 0), 1);
	ck_assert_uint_eq(out.len, in.len);
	ck_assert(memcmp(out.b, in.b + 6, 6) == 0 && memcmp(out.b + 6, in.b, 6) == 0);
	l4 = l3 + (v6 ? 40 : (in.b[l3] & 15) * 4u);
	if (v6)
		ck_assert(memcmp(out.b + l3 + 8, in.b + l3 + 24, 16) == 0 && memcmp(out.b + l3 + 24, in.b + l3 + 8, 16) == 0);
	else
		ck_assert(memcmp(out.b + l3 + 12, in.b + l3 + 16, 4) == 0 && memcmp(out.b + l3 + 16, in.b + l3 + 12, 4) == 0);
	ck_assert(memcmp(out.b + l4, in.b + l4 + 2, 2) == 0 && memcmp(out.b + l4 + 2, in.b + l4, 2) == 0);
	/* Twice is not at all. */
	in = out;
	changed(&fwd_5tswap, 0);
	frame_build(kind);
	tag(&in, tags);
	ck_assert(memcmp(in.b, out.b, in.len) == 0);
	if (tags == 0)
		check_sums(&out);
}
END_TEST

START_TEST(swap_of_addresses_alone)
{
	rig_build_icmp(&rig, &in, &(struct rig_icmp){.echo = true, .len = 20});
	changed(&fwd_5tswap, 0);
	ck_assert(memcmp(out.b + 26, in.b + 30, 4) == 0 && memcmp(out.b + 34, in.b + 34, in.len - 34) == 0);
	/* A later fragment has no ports. */
	rig_build_udp(&rig, &in, &(struct rig_udp){.ip.frag = 100, .len = 20});
	changed(&fwd_5tswap, 0);
	ck_assert(memcmp(out.b + 26, in.b + 30, 4) == 0 && memcmp(out.b + 34, in.b + 34, in.len - 34) == 0);
	rig_build_arp(&rig, &in, &(struct rig_arp){0});
	changed(&fwd_5tswap, 0);
	ck_assert(memcmp(out.b, in.b + 6, 6) == 0 && memcmp(out.b + 12, in.b + 12, in.len - 12) == 0);
}
END_TEST

START_TEST(link_addresses)
{
	frame_build(0);
	ck_assert_uint_eq(changed(&fwd_macswap, 0), 1);
	ck_assert(memcmp(out.b, in.b + 6, 6) == 0 && memcmp(out.b + 6, in.b, 6) == 0);
	ck_assert(memcmp(out.b + 12, in.b + 12, in.len - 12) == 0);
	ck_assert_uint_eq(changed(&fwd_mac, 0), 1);
	ck_assert(memcmp(out.b, &peer, 6) == 0 && memcmp(out.b + 6, &own, 6) == 0);
	ck_assert(memcmp(out.b + 12, in.b + 12, in.len - 12) == 0);
	ck_assert_ptr_null(fwd_io.change);
}
END_TEST

/* A packet that ends anywhere is survived: nothing behind its end is touched. */
START_TEST(cut_off_frames)
{
	static const struct fwd_mode *const modes[] = {&fwd_macswap, &fwd_5tswap, &fwd_csum, &fwd_icmpecho};

	for (unsigned kind = 0; kind <= KINDS; kind++) {
		for (uint32_t len = 14; len < 100; len++) {
			for (unsigned i = 0; i < 4; i++) {
				struct rte_mbuf *m;
				uint8_t *end;

				if (kind < KINDS)
					frame_build(kind);
				else
					rig_build_icmp(&rig, &in, &(struct rig_icmp){.echo = true, .len = 50});
				if (len > in.len)
					continue;
				in.len = len;
				m = packet(&in, 0);
				end = rte_pktmbuf_mtod(m, uint8_t *) + len;
				memset(end, 0x5a, 64);
				if (modes[i]->change(&stream, &m, 1) == 0)
					continue;
				for (unsigned j = 0; j < 64; j++)
					ck_assert_msg(end[j] == 0x5a, "%s, %u bytes", modes[i]->name, len);
				rte_pktmbuf_free(m);
			}
		}
	}
}
END_TEST

/* ---- checksums */

/* Whatever they were, in one segment or in many, they are right: of odd lengths too, and with the headers alone in front. */
START_TEST(csum_corrects)
{
	static const uint32_t headers[KINDS] = {42, 62, 54, 74, 58};
	unsigned kind = _i / 4;
	const uint32_t segments[] = {0, 90, headers[kind], headers[kind] + 1};

	frame_build(kind);
	if (in.len > 60) {
		in.b[24] ^= (kind == 1 || kind == 3) ? 0 : 0xff; /* IPv4 header checksum */
		in.b[in.len - 1] ^= 0xff;
	}
	ck_assert_uint_eq(changed(&fwd_csum, segments[_i % 4]), 1);
	check_sums(&out);
	ck_assert(memcmp(out.b, &peer, 6) == 0 && memcmp(out.b + 6, &own, 6) == 0);
	ck_assert_uint_eq(out.b[in.len - 1], in.b[in.len - 1]);
}
END_TEST

START_TEST(csum_leaves_none)
{
	rig_build_udp(&rig, &in, &(struct rig_udp){.ip.spoil = RIG_ZERO_L4_CKSUM, .len = 20});
	changed(&fwd_csum, 0);
	ck_assert(out.b[40] == 0 && out.b[41] == 0);
	rig_build_arp(&rig, &in, &(struct rig_arp){0});
	changed(&fwd_csum, 0);
	ck_assert(memcmp(out.b + 12, in.b + 12, in.len - 12) == 0);
}
END_TEST

/* A port that computes them is given the pseudo header's sum, and told where things are. */
START_TEST(csum_by_the_port)
{
	struct rte_mbuf *m;
	bool v6 = _i & 1, tcp = _i & 2;

	stream.l4_offload = true;
	frame_build(_i);
	m = packet(&in, 0);
	m->ol_flags = RTE_MBUF_F_RX_L4_CKSUM_GOOD | RTE_MBUF_F_RX_IP_CKSUM_GOOD;
	ck_assert_uint_eq(fwd_csum.change(&stream, &m, 1), 1);
	ck_assert(m->l2_len == 14 && m->l3_len == (v6 ? 40 : 20));
	ck_assert(m->ol_flags == ((v6 ? RTE_MBUF_F_TX_IPV6 : RTE_MBUF_F_TX_IPV4) |
	                          (tcp ? RTE_MBUF_F_TX_TCP_CKSUM : RTE_MBUF_F_TX_UDP_CKSUM)));
	/* What the device does: the sum over the transport's part, the field included. */
	unpack(m);
	{
		unsigned l4 = v6 ? 54 : 34, field = l4 + (tcp ? 16 : 6);
		uint16_t sum = rig_cksum(out.b + l4, out.len - l4, 0);

		out.b[field] = (uint8_t)(sum >> 8);
		out.b[field + 1] = (uint8_t)sum;
	}
	check_sums(&out);
}
END_TEST

/* ---- answers */

START_TEST(echo_is_answered)
{
	static struct rig_buf want;

	rig_build_icmp(&rig, &in, &(struct rig_icmp){.echo = true, .id = 77, .seq = 3, .len = 33 + _i});
	ck_assert_uint_eq(changed(&fwd_icmpecho, _i ? 60 : 0), 1);
	ck_assert(memcmp(out.b, in.b + 6, 6) == 0 && memcmp(out.b + 6, in.b, 6) == 0);
	ck_assert(memcmp(out.b + 26, in.b + 30, 4) == 0 && memcmp(out.b + 30, in.b + 26, 4) == 0);
	check_sums(&out);
	want = in;
	want.b[34] = 0;
	ck_assert(memcmp(out.b + 38, want.b + 38, in.len - 38) == 0);
	ck_assert_uint_eq(out.b[34], 0);
}
END_TEST

START_TEST(arp_is_answered)
{
	rig_build_arp(&rig, &in, &(struct rig_arp){0});
	ck_assert_uint_eq(changed(&fwd_icmpecho, 0), 1);
	ck_assert(memcmp(out.b, in.b + 6, 6) == 0 && memcmp(out.b + 6, &own, 6) == 0);
	ck_assert(out.b[20] == 0 && out.b[21] == 2);
	ck_assert(memcmp(out.b + 22, &own, 6) == 0 && memcmp(out.b + 28, in.b + 38, 4) == 0);
	ck_assert(memcmp(out.b + 32, in.b + 22, 6) == 0 && memcmp(out.b + 38, in.b + 28, 4) == 0);
}
END_TEST

START_TEST(nothing_else_is_answered)
{
	struct rte_mbuf *m[3];

	frame_build(0);
	ck_assert_uint_eq(changed(&fwd_icmpecho, 0), 0);
	rig_build_icmp(&rig, &in, &(struct rig_icmp){.type = 0, .len = 20});
	ck_assert_uint_eq(changed(&fwd_icmpecho, 0), 0);
	rig_build_icmp(&rig, &in, &(struct rig_icmp){.ip.v6 = true, .echo = true, .len = 20});
	ck_assert_uint_eq(changed(&fwd_icmpecho, 0), 0);
	rig_build_arp(&rig, &in, &(struct rig_arp){.op = 2});
	ck_assert_uint_eq(changed(&fwd_icmpecho, 0), 0);
	/* Those that are answered move to the front. */
	m[0] = packet(&in, 0);
	rig_build_icmp(&rig, &in, &(struct rig_icmp){.echo = true, .len = 20});
	m[1] = packet(&in, 0);
	frame_build(0);
	m[2] = packet(&in, 0);
	ck_assert_uint_eq(fwd_icmpecho.change(&stream, m, 3), 1);
	unpack(m[0]);
	ck_assert_uint_eq(out.b[34], 0);
}
END_TEST

START_TEST(arp_of_a_range)
{
	static const struct {
		const char *asked;
		bool ours;
	} asked[] = {{"10.0.0.4", false}, {"10.0.0.5", true}, {"10.0.0.7", true}, {"10.0.0.8", false}};

	for (unsigned i = 0; i < 4; i++) {
		struct rte_mbuf *m;

		rig_build_arp(&rig, &in, &(struct rig_arp){.tpa = rig_addr(asked[i].asked)});
		m = packet(&in, 0);
		ck_assert_int_eq(fwd_arp_answer(&stream, m, 0x0a000005, 3), asked[i].ours);
		rte_pktmbuf_free(m);
	}
}
END_TEST

static Suite *
suite(void)
{
	Suite *s = suite_create("bench_fwd");
	TCase *tc = rig_case(s, "fwd", fwd_setup, fwd_teardown);

	tcase_add_loop_test(tc, swap_of_everything, 0, 3 * KINDS);
	tcase_add_test(tc, swap_of_addresses_alone);
	tcase_add_test(tc, link_addresses);
	tcase_add_test(tc, cut_off_frames);
	tcase_add_loop_test(tc, csum_corrects, 0, 4 * KINDS);
	tcase_add_test(tc, csum_leaves_none);
	tcase_add_loop_test(tc, csum_by_the_port, 0, 4);
	tcase_add_loop_test(tc, echo_is_answered, 0, 2);
	tcase_add_test(tc, arp_is_answered);
	tcase_add_test(tc, nothing_else_is_answered);
	tcase_add_test(tc, arp_of_a_range);
	return s;
}

RIG_MAIN(suite)
