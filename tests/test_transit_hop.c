/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Forwarding: how next hops are found, remembered and forgotten; waiting for neighbours; links that resolve nothing; bursts
 * of all kinds at once; several cores. What may pass at all: test_transit.c.
 */
#include "router.h"

#include "stack/steer.h"

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

static void
push_to(const char *dst, uint32_t len)
{
	rig_push_udp(&r.rig, .ip.dst = rig_addr(dst), .len = len);
}

/* Last byte of the link address that a packet to `dst` is sent on to; 0: it is not. */
static unsigned
goes_to(const char *dst)
{
	const struct rig_frame *f;

	push_to(dst, 1);
	f = far_next(&r);
	return f ? f->eth_dst[5] : 0;
}

static void
gateway(const char *addr, uint8_t last)
{
	router_neigh(&r, FAR_NIC, addr, &(struct mr_lladdr){.b = {2, 0, 0, 0, 2, last}, .len = 6});
}

/* ---- rows */

/* B-3: the longest prefix leads on; what is remembered follows every change of the table. */
START_TEST(rows_decide)
{
	struct mr_route_entry e = router_row("10.9.9.0/24", "10.2.0.8", FAR_NIC);

	gateway("10.2.0.7", 7);
	gateway("10.2.0.8", 8);
	router_route(&r, "10.9.0.0/16", "10.2.0.7", FAR_NIC);
	ck_assert_uint_eq(goes_to("10.9.9.1"), 7);
	ck_assert_uint_eq(goes_to("10.9.9.1"), 7);
	ck_assert_int_eq(mr_route_add(r.rig.stack, &e), 0);
	ck_assert_uint_eq(goes_to("10.9.9.1"), 8);
	ck_assert_uint_eq(goes_to("10.9.8.1"), 7);
	ck_assert_int_eq(mr_route_remove(r.rig.stack, &e), 0);
	ck_assert_uint_eq(goes_to("10.9.9.1"), 7);
	ck_assert_int_eq(mr_route_table_set(r.rig.stack, &e, 1), 0);
	ck_assert_uint_eq(goes_to("10.9.9.1"), 8);
	ck_assert_uint_eq(goes_to("10.9.8.1"), 0);
	rig_expect_drop(&r.rig, MR_DROP_IP_FWD_NO_ROUTE);
}
END_TEST

/* Out where it came in: a router does that too. */
START_TEST(hairpin)
{
	const struct rig_frame *f;
	struct mr_lladdr ll = {.b = {2, 0, 0, 0, 0, 9}, .len = 6};

	router_neigh(&r, RIG_NIC, "10.0.0.9", &ll);
	push_to("10.0.0.9", 4);
	f = rig_expect(&r.rig, RIG_UDP);
	ck_assert_mem_eq(f->eth_dst, ll.b, 6);
	ck_assert_uint_eq(f->ttl, 63);
}
END_TEST

/* a link without link addresses, no address on it, no gateway: the row alone leads there. */
START_TEST(r8_device_route)
{
	router_init(&r, &(struct router_opts){.no_resolve = true, .no_addr = true});
	router_route(&r, "10.9.0.0/16", NULL, FAR_NIC);
	router_route(&r, "fd09::/16", "fd02::7", FAR_NIC);
	push_to("10.9.1.1", 3);
	push_to("fd09::1", 4);
	ck_assert_uint_eq(far_expect(&r, RIG_UDP)->payload_len, 3);
	ck_assert_uint_eq(far_expect(&r, RIG_UDP)->payload_len, 4);
	rig_expect_no_drop(&r.rig);
	router_fini(&r);
}
END_TEST

/* ---- neighbours */

static void
answer_arp(const char *addr, uint8_t last)
{
	struct rig_buf b;

	rig_build_arp(&r.rig, &b, &(struct rig_arp){.op = 2, .spa = rig_addr(addr), .tpa = rig_addr("10.2.0.1"),
	                                            .sha = {2, 0, 0, 0, 2, last}, .eth_src = {2, 0, 0, 0, 2, last}});
	memcpy(b.b + 14 + 18, r.far_ll.b, 6);
	far_push(&r, &b);
}

/* B-18: the first packets wait for the neighbour and leave in order when it answers. */
START_TEST(b18_waits_for_neighbour)
{
	const struct rig_frame *f;

	push_to("10.2.0.77", 1);
	push_to("10.2.0.77", 2);
	f = far_expect(&r, RIG_ARP);
	ck_assert_uint_eq(f->arp_op, 1);
	ck_assert(mr_addr_equal(&f->dst, &(struct mr_addr){.b = {[10] = 0xff, 0xff, 10, 2, 0, 77}}));
	push_to("10.2.0.77", 3);
	far_expect_none(&r);
	answer_arp("10.2.0.77", 77);
	for (unsigned i = 1; i <= 3; i++) {
		f = far_expect(&r, RIG_UDP);
		ck_assert_uint_eq(f->payload_len, i);
		ck_assert_uint_eq(f->ttl, 63);
		ck_assert_uint_eq(f->eth_dst[5], 77);
	}
	ck_assert_uint_eq(goes_to("10.2.0.77"), 77);
	rig_expect_no_drop(&r.rig);
	ck_assert_uint_eq(rig_moved(&r.rig, MR_CNT_IP_FORWARDED), 4);
}
END_TEST

/* B-19: nobody answers. What waited is lost, and the next packet asks again. */
START_TEST(b19_no_answer)
{
	push_to("10.2.0.77", 1);
	far_expect(&r, RIG_ARP);
	rig_advance(&r.rig, 4 * RIG_S);
	rig_expect_drop(&r.rig, MR_DROP_NEIGH_FAILED);
	far_discard(&r);
	push_to("10.2.0.77", 1);
	far_expect(&r, RIG_ARP);
	answer_arp("10.2.0.77", 77);
	far_expect(&r, RIG_UDP);
}
END_TEST

/* B-22: a new link address is used by the next packet; a removed neighbour is asked for. */
START_TEST(b22_new_link_address)
{
	struct mr_addr gw = rig_addr("10.2.0.77");

	push_to("10.2.0.77", 1);
	far_expect(&r, RIG_ARP);
	answer_arp("10.2.0.77", 77);
	far_expect(&r, RIG_UDP);
	ck_assert_uint_eq(goes_to("10.2.0.77"), 77);
	answer_arp("10.2.0.77", 78);
	rig_poll(&r.rig);
	ck_assert_uint_eq(goes_to("10.2.0.77"), 78);
	ck_assert_int_eq(mr_neigh_remove(r.rig.stack, FAR_NIC, &gw), 0);
	push_to("10.2.0.77", 1);
	far_expect(&r, RIG_ARP);
	far_expect_none(&r);
}
END_TEST

/* B-21: forwarded packets are a use: a stale neighbour is probed, and meanwhile used. */
START_TEST(b21_stale)
{
	const struct rig_frame *f;

	push_to("10.2.0.77", 1);
	far_expect(&r, RIG_ARP);
	answer_arp("10.2.0.77", 77);
	far_expect(&r, RIG_UDP);
	rig_advance(&r.rig, 60 * RIG_S);
	far_expect_none(&r);
	ck_assert_uint_eq(goes_to("10.2.0.77"), 77);
	rig_advance(&r.rig, 6 * RIG_S);
	f = far_expect(&r, RIG_ARP);
	ck_assert_uint_eq(f->eth_dst[5], 77);
}
END_TEST

/* A scan of empty addresses: bounded in entries and in buffers, and no route of anybody becomes stale by it. */
START_TEST(scan)
{
	struct mr_stack *s = r.rig.stack;
	uint32_t gen;

	ck_assert_uint_eq(goes_to("10.2.0.2"), 2);
	gen = s->route_gen;
	for (unsigned i = 0; i < 200; i++) {
		for (unsigned k = 0; k < 20; k++)
			rig_push_udp(&r.rig, .ip.dst = mr_addr_v4(0x0a020014 + i));
		rig_poll(&r.rig);
	}
	ck_assert_uint_eq(s->route_gen, gen);
	ck_assert_uint_gt(rig_moved(&r.rig, MR_CNT_NEIGH_EVICTED), 100);
	ck_assert_uint_gt(s->rx_held, 0);
	ck_assert_uint_le(s->rx_held, s->rx_held_max);
	far_discard(&r);
	ck_assert_uint_eq(goes_to("10.2.0.2"), 2);
	/* Each of the 4000 is somewhere: waiting, or counted as lost. */
	rig_advance(&r.rig, 10 * RIG_S);
	ck_assert_uint_eq(s->rx_held, 0);
	ck_assert_uint_eq(rig_moved(&r.rig, MR_DROP_NEIGH_FAILED) + rig_moved(&r.rig, MR_DROP_NEIGH_QUEUE_FULL), 4000);
	ck_assert_uint_eq(s->route_gen, gen);
}
END_TEST

/* Packets that wait are receive buffers, and count as such: at the limit none waits any more. */
START_TEST(waiting_is_on_the_budget)
{
	struct mr_stack *s = r.rig.stack;
	uint32_t held;

	push_to("10.2.0.77", 1);
	far_expect(&r, RIG_ARP);
	ck_assert_uint_eq(s->rx_held, 1);
	held = s->rx_held_max;
	s->rx_held_max = 1;
	push_to("10.2.0.77", 2);
	far_expect_none(&r);
	rig_expect_drop(&r.rig, MR_DROP_NEIGH_QUEUE_FULL);
	ck_assert_uint_eq(s->rx_held, 1);
	s->rx_held_max = held;
	answer_arp("10.2.0.77", 77);
	ck_assert_uint_eq(far_expect(&r, RIG_UDP)->payload_len, 1);
	far_expect_none(&r);
	ck_assert_uint_eq(s->rx_held, 0);
	/* The oldest gives way, and is no longer held. */
	for (unsigned i = 0; i < MR_NEIGH_PENDING + 5; i++)
		push_to("10.2.0.78", i);
	far_expect(&r, RIG_ARP);
	ck_assert_uint_eq(s->rx_held, MR_NEIGH_PENDING);
	answer_arp("10.2.0.78", 78);
	for (unsigned i = 5; i < MR_NEIGH_PENDING + 5; i++)
		ck_assert_uint_eq(far_expect(&r, RIG_UDP)->payload_len, i);
	ck_assert_uint_eq(s->rx_held, 0);
}
END_TEST

/* A neighbour cache of two entries: what a burst has found is used before the next search pushes it out. */
START_TEST(tiny_cache)
{
	struct router_opts o = {.rig = {.no_neigh = true, .stack = {.max_neighbours = 2}}, .no_neigh = true};

	router_init(&r, &o);
	gateway("10.2.0.7", 7);
	for (unsigned round = 0; round < 3; round++) {
		for (unsigned i = 0; i < 8; i++) {
			rig_push_udp(&r.rig, .ip.dst = mr_addr_v4(0x0a020014 + i));
			push_to("10.2.0.7", i);
		}
		for (unsigned i = 0; i < 8;) {
			const struct rig_frame *f = far_next(&r);

			ck_assert_ptr_nonnull(f);
			if (f->kind == RIG_ARP)
				continue;
			ck_assert_uint_eq(f->eth_dst[5], 7);
			ck_assert_uint_eq(f->payload_len, i++);
		}
	}
	far_discard(&r);
	router_fini(&r);
}
END_TEST

/* ---- bursts */

/* Many more destinations than are remembered, by turns behind two gateways: each goes where it should. */
START_TEST(many_destinations)
{
	gateway("10.2.0.7", 7);
	gateway("10.2.0.8", 8);
	router_route(&r, "10.64.0.0/10", "10.2.0.7", FAR_NIC);
	router_route(&r, "10.128.0.0/9", "10.2.0.8", FAR_NIC);
	for (unsigned round = 0; round < 2; round++) {
		for (unsigned i = 0; i < 1600; i++) {
			uint32_t dst = (i & 1 ? 0x0a800000 : 0x0a400000) + i * 2654435761u % 0x400000;

			rig_push_udp(&r.rig, .ip.dst = mr_addr_v4(dst), .dport = 1 + (uint16_t)i);
		}
		for (unsigned i = 0; i < 1600; i++) {
			const struct rig_frame *f = far_expect(&r, RIG_UDP);

			ck_assert_uint_eq(f->dport, 1 + i);
			ck_assert_uint_eq(f->eth_dst[5], i & 1 ? 8 : 7);
		}
		far_forget(&r);
	}
	rig_expect_no_drop(&r.rig);
}
END_TEST

/* One burst of everything: ours, on its way, waiting, and lost for each reason. Nothing else moves, and order is kept. */
START_TEST(mixed_burst)
{
	struct mr_sockaddr any = {.port = 99};
	struct mr_ep *ep;
	char buf[8];

	ck_assert_int_eq(mr_ep_create(r.rig.stack, MR_TRANS_UDP, MR_NET_IPV6, &ep), 0);
	ck_assert_int_eq(mr_ep_bind(ep, &any), 0);
	for (unsigned i = 1; i <= 3; i++) {
		push_to("10.2.0.2", i);
		rig_push_udp(&r.rig, .dport = 99, .len = i);
		push_to("10.3.0.1", i);
		rig_push_udp(&r.rig, .ip = {.dst = rig_addr("10.2.0.2"), .ttl = 1});
		push_to("10.2.0.255", i);
		push_to("10.2.0.77", i);
		push_to("fd02::2", i);
	}
	for (unsigned i = 1; i <= 3; i++) {
		const struct rig_frame *f = far_next(&r);

		if (f->kind == RIG_ARP)
			f = far_next(&r);
		ck_assert(!f->v6);
		ck_assert_uint_eq(f->payload_len, i);
		ck_assert_uint_eq(f->eth_dst[5], 2);
		ck_assert_int_eq(mr_ep_recv(ep, buf, sizeof(buf), NULL), (int)i);
	}
	for (unsigned i = 1; i <= 3; i++)
		ck_assert_uint_eq(far_expect(&r, RIG_UDP)->payload_len, i);
	far_expect_none(&r);
	ck_assert_uint_eq(rig_moved(&r.rig, MR_DROP_IP_FWD_NO_ROUTE), 3);
	ck_assert_uint_eq(rig_moved(&r.rig, MR_DROP_IP_FWD_TTL), 3);
	ck_assert_uint_eq(rig_moved(&r.rig, MR_DROP_IP_FWD_SCOPE), 3);
	ck_assert_uint_eq(rig_moved(&r.rig, MR_CNT_IP_FORWARDED), 9);
	ck_assert_uint_eq(rig_moved(&r.rig, MR_CNT_IP_RX_PACKETS), 21);
	ck_assert_uint_eq(rig_moved(&r.rig, MR_CNT_IP_RX_DELIVERED), 3);
	mr_ep_close(ep);
}
END_TEST

/* Scattered frames are sent on in their pieces, or in one for a link that takes no chains. */
START_TEST(chains)
{
	for (unsigned chains = 0; chains < 2; chains++) {
		router_init(&r, NULL);
		if (!chains) {
			mr_nic_remove(r.rig.stack, FAR_NIC);
			r.near->caps &= ~MR_LINK_CAP_TX_MULTI_SEGS;
			ck_assert_int_eq(mr_nic_create(r.rig.stack, FAR_NIC, "far", r.near), 0);
			router_addr(&r, FAR_NIC, "10.2.0.1/24");
			router_neigh(&r, FAR_NIC, "10.2.0.2", &far_peer_ll);
			far_discard(&r);
		}
		r.rig.rx_seg_bytes = 50;
		push_to("10.2.0.2", 700);
		ck_assert_uint_eq(far_expect(&r, RIG_UDP)->payload_len, 700);
		router_fini(&r);
	}
}
END_TEST

/* ---- several cores */

/* Forwarded where it arrived: only what is for us goes to the core that owns it. */
START_TEST(not_steered)
{
	static struct mr_steer st[2];
	struct mr_steer *const mesh[2] = {&st[0], &st[1]};
	struct mr_stack *s = r.rig.stack;

	for (uint16_t i = 0; i < 2; i++)
		mr_steer_init(&st[i], i, 2, NULL);
	ck_assert_int_eq(mr_steer_mesh_create(mesh, 2), 0);
	for (unsigned i = 0; i < MR_STEER_RETA; i++)
		st[0].reta[i] = 1;
	s->steer = &st[0];
	push_to("10.2.0.2", 3);
	rig_push_udp(&r.rig, .dport = 99);
	far_expect(&r, RIG_UDP);
	ck_assert_uint_eq(rig_moved(&r.rig, MR_CNT_STEER_OUT), 1);
	ck_assert_uint_eq(rig_moved(&r.rig, MR_CNT_IP_FORWARDED), 1);
	rig_expect_no_drop(&r.rig);
	s->steer = NULL;
	mr_steer_mesh_destroy(mesh, 2);
}
END_TEST

static Suite *
suite(void)
{
	Suite *s = suite_create("transit_hop");
	TCase *tc = rig_case(s, "hops", setup, teardown);

	tcase_add_test(tc, rows_decide);
	tcase_add_test(tc, hairpin);
	tcase_add_test(tc, b18_waits_for_neighbour);
	tcase_add_test(tc, b19_no_answer);
	tcase_add_test(tc, b22_new_link_address);
	tcase_add_test(tc, b21_stale);
	tcase_add_test(tc, scan);
	tcase_add_test(tc, waiting_is_on_the_budget);
	tcase_add_test(tc, many_destinations);
	tcase_add_test(tc, mixed_burst);
	tcase_add_test(tc, not_steered);
	tc = rig_case(s, "other routers", NULL, NULL);
	tcase_add_test(tc, r8_device_route);
	tcase_add_test(tc, tiny_cache);
	tcase_add_test(tc, chains);
	return s;
}

RIG_MAIN(suite)
