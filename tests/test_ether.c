/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Framings: which frames are for us, in which shapes they may come, and what is counted for the others. The probe is an
 * echo request: that it is answered shows that the network protocol got the packet from its first byte on.
 */
#include "rig/fixture.h"

#include <string.h>

#include "stack/nic.h"

static struct rig_buf
echo(bool v6)
{
	struct rig_buf b;

	rig_build_icmp(&rig, &b, &(struct rig_icmp){.ip.v6 = v6, .echo = true, .id = 1, .seq = 2, .len = 30});
	return b;
}

/* Put bytes between the link addresses and the rest of a frame. */
static void
insert(struct rig_buf *b, const void *bytes, uint32_t n, uint32_t at)
{
	memmove(b->b + at + n, b->b + at, b->len - at);
	memcpy(b->b + at, bytes, n);
	b->len += n;
}

START_TEST(our_address_and_layout)
{
	struct rig_buf b = echo(_i);
	const struct rig_frame *f;

	rig_push_buf(&rig, &b);
	f = rig_expect_icmp(&rig, _i, _i ? 129 : 0, 0);
	ck_assert_mem_eq(f->eth_dst, rig.peer_mac, 6);
	ck_assert_mem_eq(f->eth_src, rig.mac, 6);
	ck_assert_uint_eq(f->eth_type, _i ? 0x86dd : 0x0800);
	ck_assert_mem_eq(f->payload, b.b + b.len - 30, 30);
	rig_expect_no_drop(&rig);
}
END_TEST

/* What is dropped before any network protocol sees it. */
static const struct bad_frame {
	const char *what;
	uint8_t dst[6], src[6];
	enum mr_counter drop;
} bad_frames[] = {
	{"another station", {2, 0, 0, 0, 0, 9}, {2, 0, 0, 0, 0, 2}, MR_DROP_ETHER_NOT_OURS},
	{"from a group", {2, 0, 0, 0, 0, 1}, {3, 0, 0, 0, 0, 2}, MR_DROP_ETHER_BAD_SRC},
	{"from broadcast", {2, 0, 0, 0, 0, 1}, {255, 255, 255, 255, 255, 255}, MR_DROP_ETHER_BAD_SRC},
	{"from ourselves", {2, 0, 0, 0, 0, 1}, {2, 0, 0, 0, 0, 1}, MR_DROP_ETHER_BAD_SRC},
	{"our own broadcast", {255, 255, 255, 255, 255, 255}, {2, 0, 0, 0, 0, 1}, MR_DROP_ETHER_BAD_SRC},
	{"unicast packet in a broadcast frame", {255, 255, 255, 255, 255, 255}, {2, 0, 0, 0, 0, 2}, MR_DROP_IP_LINK_BCAST},
	{"unicast packet in a multicast frame", {1, 0, 0x5e, 0, 0, 1}, {2, 0, 0, 0, 0, 2}, MR_DROP_IP_LINK_BCAST},
};

START_TEST(bad_addresses)
{
	const struct bad_frame *c = &bad_frames[_i / 2];
	struct rig_buf b = echo(_i % 2);

	memcpy(b.b, c->dst, 6);
	memcpy(b.b + 6, c->src, 6);
	rig_push_buf(&rig, &b);
	rig_expect_drop(&rig, c->drop);
	rig_expect_none(&rig);
}
END_TEST

START_TEST(promiscuous_takes_other_addresses_but_not_ours_as_source)
{
	struct rig_buf b = echo(false);

	ck_assert_int_eq(mr_nic_set_promisc(rig.stack, RIG_NIC, true), 0);
	b.b[5] = 9;
	rig_push_buf(&rig, &b);
	rig_expect_icmp(&rig, false, 0, 0);
	memcpy(b.b + 6, rig.mac, 6);
	rig_push_buf(&rig, &b);
	rig_expect_drop(&rig, MR_DROP_ETHER_BAD_SRC);
}
END_TEST

/* Every length below a header, in one piece and in pieces of one byte. */
START_TEST(short_frames)
{
	struct rig_buf b = echo(false);

	rig.rx_seg_bytes = (uint16_t)_i;
	for (uint32_t len = 0; len < 14; len++)
		rig_push(&rig, b.b, len);
	rig_expect_drops(&rig, MR_DROP_ETHER_SHORT, 14);
	rig_push(&rig, b.b, 14);
	rig_poll(&rig);
	ck_assert_uint_eq(rig_moved(&rig, MR_DROP_NET_SHORT), 1);
}
END_TEST

START_TEST(one_byte_segments)
{
	struct rig_buf b = echo(_i);

	rig.rx_seg_bytes = 1;
	rig_push_buf(&rig, &b);
	rig_expect_icmp(&rig, _i, _i ? 129 : 0, 0);
	rig_expect_no_drop(&rig);
}
END_TEST

START_TEST(unknown_type)
{
	rig_push_eth_spec(&rig, &(struct rig_ip){.eth_type = 0x88cc}, "lldp", 4);
	rig_expect_drop(&rig, MR_DROP_NET_UNKNOWN_PROTO);
}
END_TEST

START_TEST(priority_tag)
{
	struct rig_buf b = echo(false);

	insert(&b, "\x81\x00\xe0\x00", 4, 12); /* priority 7, VLAN 0 */
	rig.rx_seg_bytes = (uint16_t)_i;
	rig_push_buf(&rig, &b);
	rig_expect_icmp(&rig, false, 0, 0);
	rig_expect_no_drop(&rig);
}
END_TEST

/* What follows the link addresses: tags that are not for us, and 802.2 in its wrong forms. */
static const struct bad_shape {
	uint8_t bytes[12];
	uint8_t n;
	bool cut; /* nothing follows */
	enum mr_counter drop;
} bad_shapes[] = {
	{{0x81, 0, 0, 5}, 4, false, MR_DROP_NET_UNKNOWN_PROTO},              /* VLAN 5 */
	{{0x81, 0, 0, 0, 0x81, 0, 0, 0}, 8, false, MR_DROP_NET_UNKNOWN_PROTO}, /* two tags */
	{{0x88, 0xa8, 0, 0}, 4, false, MR_DROP_NET_UNKNOWN_PROTO},           /* service tag */
	{{0x81, 0, 0, 0}, 4, true, MR_DROP_ETHER_SHORT},                     /* a tag and nothing else */
	{{0x81, 0, 0}, 3, true, MR_DROP_ETHER_SHORT},
	{{0, 60, 0xaa, 0xaa, 3, 0, 0, 0xf8}, 8, false, MR_DROP_NET_UNKNOWN_PROTO}, /* OUI */
	{{0, 60, 0x42, 0x42, 3, 0, 0, 0}, 8, false, MR_DROP_NET_UNKNOWN_PROTO}, /* spanning tree */
	{{0, 7, 0xaa, 0xaa, 3, 0, 0, 0}, 8, false, MR_DROP_NET_UNKNOWN_PROTO}, /* length ends within the SNAP header */
	{{5, 0xff, 0xaa, 0xaa, 3, 0, 0, 0}, 8, false, MR_DROP_ETHER_SHORT},  /* length beyond the frame */
	{{0, 8, 0xaa}, 3, true, MR_DROP_ETHER_SHORT},
	{{0, 0}, 2, true, MR_DROP_NET_UNKNOWN_PROTO},
};

START_TEST(bad_tags_and_802_2)
{
	const struct bad_shape *c = &bad_shapes[_i];
	struct rig_buf b = echo(false);

	insert(&b, c->bytes, c->n, 12);
	if (c->cut)
		b.len = 12 + c->n;
	rig_push_buf(&rig, &b);
	rig_expect_drop(&rig, c->drop);
	rig.rx_seg_bytes = 1;
	rig_push_buf(&rig, &b);
	rig_expect_drops(&rig, c->drop, 2);
	rig_expect_none(&rig);
}
END_TEST

/* L2-05: RFC 1042 encapsulation is understood; what is sent is always Ethernet II. */
START_TEST(snap)
{
	struct rig_buf b = echo(false);
	uint8_t head[8] = {0, 0, 0xaa, 0xaa, 3, 0, 0, 0};
	uint16_t len = (uint16_t)(b.len - 14 + 8);
	const struct rig_frame *f;

	head[0] = len >> 8;
	head[1] = (uint8_t)len;
	insert(&b, head, sizeof(head), 12);
	rig.rx_seg_bytes = (uint16_t)_i;
	rig_push_buf(&rig, &b);
	f = rig_expect_icmp(&rig, false, 0, 0);
	ck_assert_uint_eq(f->eth_type, 0x0800);
	rig_expect_no_drop(&rig);
}
END_TEST

/* Without a link header: a link that resolves nothing and frames that begin with the network header. */
START_TEST(no_framing)
{
	struct rig_buf b;
	const struct rig_frame *f;
	struct rig_opts o = {.no_resolve = true, .no_nic = true};
	struct mr_subnet sn;

	rig_fini(&rig);
	rig_init(&rig, &o);
	b = echo(_i);
	rig.lenient = true; /* the rig reads Ethernet */
	rig.link.framing = "none";
	rig.link.lladdr.len = 0;
	ck_assert_int_eq(mr_nic_create(rig.stack, RIG_NIC, "none", &rig.link), 0);
	sn = (struct mr_subnet){.addr = _i ? rig.addr6 : rig.addr4, .plen = _i ? 64 : 24};
	ck_assert_int_eq(mr_addr_add(rig.stack, RIG_NIC, &sn, MR_PEB_CAN_BE_PRIMARY), 0);
	if (_i) /* its group is reported */
		ck_assert_uint_eq(rig_next(&rig)->b[0] >> 4, 6);
	rig_expect_none(&rig);
	rig_push(&rig, b.b + 14, b.len - 14);
	f = rig_next(&rig);
	ck_assert_ptr_nonnull(f);
	ck_assert_uint_eq(f->len, b.len - 14);
	ck_assert_uint_eq(f->b[0] >> 4, _i ? 6 : 4);
	ck_assert_mem_eq(f->b + f->len - 30, b.b + b.len - 30, 30);
	rig_expect_no_drop(&rig);
	rig_push(&rig, "", 0);
	rig_expect_drop(&rig, MR_DROP_ETHER_SHORT);
	rig_mark(&rig);
	rig_push(&rig, "\x50 is no version", 16);
	rig_expect_drop(&rig, MR_DROP_NET_UNKNOWN_PROTO);
}
END_TEST

static Suite *
suite(void)
{
	Suite *s = suite_create("ether");
	TCase *tc = rig_case(s, "ether", rig_setup, rig_teardown);

	tcase_add_loop_test(tc, our_address_and_layout, 0, 2);
	tcase_add_loop_test(tc, bad_addresses, 0, 2 * (int)RTE_DIM(bad_frames));
	tcase_add_test(tc, promiscuous_takes_other_addresses_but_not_ours_as_source);
	tcase_add_loop_test(tc, short_frames, 0, 2);
	tcase_add_loop_test(tc, one_byte_segments, 0, 2);
	tcase_add_test(tc, unknown_type);
	tcase_add_loop_test(tc, priority_tag, 0, 3);
	tcase_add_loop_test(tc, bad_tags_and_802_2, 0, (int)RTE_DIM(bad_shapes));
	tcase_add_loop_test(tc, snap, 0, 3);
	tcase_add_loop_test(tc, no_framing, 0, 2);
	return s;
}

RIG_MAIN(suite)
