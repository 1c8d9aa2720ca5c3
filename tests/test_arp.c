/* SPDX-License-Identifier: Apache-2.0 */
/* ARP: answering, learning, announcing, defending, asking, and what is refused (RFC 826, 5227; AR-, B-, SS-numbers). */
#include "rig/fixture.h"

#include <string.h>

#include "stack/neigh.h"
#include "stack/stack.h"

static const uint8_t broadcast[6] = {255, 255, 255, 255, 255, 255};
static const uint8_t stranger[6] = {2, 0, 0, 0, 0, 7};

static void
setup(void)
{
	rig_init(&rig, &(struct rig_opts){.no_neigh = true});
}

static struct mr_neigh *
neigh(const struct mr_addr *a)
{
	return mr_neigh_lookup(mr_nic_find(rig.stack, RIG_NIC), a);
}

/* Byte for byte (B-23, AR-02): unicast to who asked; who asked is known from then on (AR-01). */
START_TEST(request_for_us)
{
	static const uint8_t want[] = {
		2, 0, 0, 0, 0, 2, 2, 0, 0, 0, 0, 1, 0x08, 0x06, 0, 1, 8, 0, 6, 4, 0, 2,
		2, 0, 0, 0, 0, 1, 10, 0, 0, 1, 2, 0, 0, 0, 0, 2, 10, 0, 0, 2,
	};
	const struct rig_frame *f;
	struct mr_neigh *n;

	rig.rx_seg_bytes = (uint16_t)_i;
	rig_push_arp(&rig, .pad = 18);
	f = rig_expect_arp(&rig, 2);
	ck_assert_uint_eq(f->len, sizeof(want));
	ck_assert_mem_eq(f->b, want, sizeof(want));
	rig_expect_none(&rig);
	n = neigh(&rig.peer4);
	ck_assert_ptr_nonnull(n);
	ck_assert_int_eq(n->state, MR_NEIGH_STALE);
	ck_assert_mem_eq(n->ll.b, rig.peer_mac, 6);
	ck_assert_uint_eq(rig_moved(&rig, MR_CNT_ARP_RX_REQUESTS), 1);
	ck_assert_uint_eq(rig_moved(&rig, MR_CNT_ARP_TX_REPLIES), 1);
	rig_expect_no_drop(&rig);
}
END_TEST

START_TEST(request_for_another)
{
	rig_push_arp(&rig, .tpa = rig_addr("10.0.0.77"));
	rig_expect_none(&rig);
	ck_assert_ptr_null(neigh(&rig.peer4));
	/* It still updates what is known (AR-01). */
	rig_push_arp(&rig);
	rig_expect_arp(&rig, 2);
	rig_push_arp(&rig, .sha = {2, 0, 0, 0, 0, 7}, .eth_src = {2, 0, 0, 0, 0, 7}, .tpa = rig_addr("10.0.0.77"));
	rig_expect_none(&rig);
	ck_assert_mem_eq(neigh(&rig.peer4)->ll.b, stranger, 6);
	rig_expect_no_drop(&rig);
}
END_TEST

START_TEST(gratuitous_updates_only)
{
	struct mr_addr other = rig_addr("10.0.0.50");

	rig_push_arp(&rig, .spa = other, .tpa = other);
	rig_push_arp(&rig, .op = 2, .spa = other, .tpa = other, .eth_dst = {255, 255, 255, 255, 255, 255});
	rig_expect_none(&rig);
	ck_assert_ptr_null(neigh(&other));
	ck_assert_uint_eq(rig_moved(&rig, MR_CNT_ARP_RX_REPLIES), 1);
	rig_push_arp(&rig);
	rig_expect_arp(&rig, 2);
	rig_push_arp(&rig, .op = 2, .sha = {2, 0, 0, 0, 0, 7}, .eth_src = {2, 0, 0, 0, 0, 7}, .tpa = rig.peer4,
	             .eth_dst = {255, 255, 255, 255, 255, 255});
	rig_poll(&rig);
	ck_assert_mem_eq(neigh(&rig.peer4)->ll.b, stranger, 6);
	ck_assert_int_eq(neigh(&rig.peer4)->state, MR_NEIGH_STALE); /* nobody had asked: no proof of reachability */
	rig_expect_no_drop(&rig);
}
END_TEST

/* Only an answer to us alone proves that the station hears us. */
START_TEST(which_reply_proves_reachability)
{
	rig_push_arp(&rig);
	rig_expect_arp(&rig, 2);
	rig_push_arp(&rig, .op = 2, .tpa = rig_addr("10.0.0.77"));
	rig_poll(&rig);
	ck_assert_int_eq(neigh(&rig.peer4)->state, MR_NEIGH_STALE);
	rig_push_arp(&rig, .op = 2, .eth_dst = {255, 255, 255, 255, 255, 255});
	rig_poll(&rig);
	ck_assert_int_eq(neigh(&rig.peer4)->state, MR_NEIGH_STALE);
	rig_push_arp(&rig, .op = 2);
	rig_poll(&rig);
	ck_assert_int_eq(neigh(&rig.peer4)->state, MR_NEIGH_REACHABLE);
}
END_TEST

/* AR-07: a probe has no sender address; it is answered and teaches nothing. */
START_TEST(probe)
{
	struct mr_addr nobody = rig_addr("0.0.0.0");
	const struct rig_frame *f;

	rig_push_arp(&rig, .spa_any = true);
	f = rig_expect_arp(&rig, 2);
	ck_assert(mr_addr_equal(&f->src, &rig.addr4));
	ck_assert_mem_eq(f->eth_dst, rig.peer_mac, 6);
	ck_assert_ptr_null(neigh(&rig.peer4));
	ck_assert_ptr_null(neigh(&nobody));
	rig_push_arp(&rig, .spa_any = true, .tpa = rig_addr("10.0.0.77"));
	rig_expect_none(&rig);
	rig_expect_no_drop(&rig);
}
END_TEST

/* AR-03, B-23, nasty 23. */
static const struct bad_arp {
	const char *what;
	struct rig_arp a;
	const char *spa;
} bad_arps[] = {
	{"hardware type", {.hrd = 6}, NULL},
	{"protocol type", {.pro = 0x86dd}, NULL},
	{"hardware length", {.hln = 8}, NULL},
	{"protocol length", {.pln = 16}, NULL},
	{"operation 3", {.op = 3}, NULL},
	{"operation 0xffff", {.op = 0xffff}, NULL},
	{"sender is a group", {.sha = {3, 0, 0, 0, 0, 2}}, NULL},
	{"sender is broadcast", {.sha = {255, 255, 255, 255, 255, 255}}, NULL},
	{"sender is us", {.sha = {2, 0, 0, 0, 0, 1}}, NULL},
	{"reply without sender", {.op = 2, .spa_any = true}, NULL},
	{"multicast sender address", {.op = 1}, "224.0.0.1"},
	{"broadcast sender address", {.op = 1}, "255.255.255.255"},
	{"directed broadcast sender address", {.op = 1}, "10.0.0.255"},
	{"loopback sender address", {.op = 2}, "127.0.0.1"},
};

START_TEST(malformed)
{
	struct rig_arp a = bad_arps[_i].a;

	if (bad_arps[_i].spa)
		a.spa = rig_addr(bad_arps[_i].spa);
	rig_push_arp_spec(&rig, &a);
	rig_expect_drop(&rig, MR_DROP_ARP_MALFORMED);
	rig_expect_none(&rig);
	ck_assert_ptr_null(neigh(&rig.peer4));
	ck_assert_uint_eq(rig_moved(&rig, MR_CNT_ARP_RX_REQUESTS) + rig_moved(&rig, MR_CNT_ARP_RX_REPLIES), 0);
}
END_TEST

START_TEST(zero_sender_link_address)
{
	struct rig_buf b;

	rig_build_arp(&rig, &b, &(struct rig_arp){.op = 1});
	memset(b.b + 14 + 8, 0, 6);
	rig_push_buf(&rig, &b);
	rig_expect_drop(&rig, MR_DROP_ARP_MALFORMED);
}
END_TEST

START_TEST(short_message)
{
	struct rig_buf b;

	rig_build_arp(&rig, &b, &(struct rig_arp){.op = 1});
	rig.rx_seg_bytes = (uint16_t)_i;
	for (b.len = 14; b.len < 14 + 28; b.len++)
		rig_push_buf(&rig, &b);
	rig_expect_drops(&rig, MR_DROP_NET_SHORT, 28);
	rig_expect_none(&rig);
}
END_TEST

/* AR-06: counted each time, defended at most once in ten seconds, never adopted. */
START_TEST(conflict)
{
	const struct rig_frame *f;

	for (int i = 0; i < 3; i++)
		rig_push_arp(&rig, .op = 1 + i % 2, .sha = {2, 0, 0, 0, 0, 7}, .eth_src = {2, 0, 0, 0, 0, 7}, .spa = rig.addr4);
	f = rig_expect_arp(&rig, 1);
	ck_assert(mr_addr_equal(&f->src, &rig.addr4) && mr_addr_equal(&f->dst, &rig.addr4));
	ck_assert_mem_eq(f->eth_dst, broadcast, 6);
	ck_assert_mem_eq(f->arp_sha, rig.mac, 6);
	rig_expect_none(&rig);
	ck_assert_uint_eq(rig_moved(&rig, MR_CNT_ARP_CONFLICTS), 3);
	ck_assert_ptr_null(neigh(&rig.addr4));
	rig_advance(&rig, 9999 * RIG_MS);
	rig_push_arp(&rig, .sha = {2, 0, 0, 0, 0, 7}, .eth_src = {2, 0, 0, 0, 0, 7}, .spa = rig.addr4);
	rig_expect_none(&rig);
	rig_advance(&rig, RIG_MS);
	rig_push_arp(&rig, .sha = {2, 0, 0, 0, 0, 7}, .eth_src = {2, 0, 0, 0, 0, 7}, .spa = rig.addr4);
	rig_expect_arp(&rig, 1);
	ck_assert_uint_eq(rig_moved(&rig, MR_CNT_ARP_CONFLICTS), 5);
	rig_expect_none(&rig);
	rig_expect_no_drop(&rig);
}
END_TEST

/* AR-05: announced when it comes up and once more two seconds later; not after it went. */
START_TEST(announcement)
{
	struct mr_subnet sn = {.addr = rig_addr("10.0.0.9"), .plen = 24};
	struct mr_sockaddr local = {.port = 4000}, peer = rig_peer(&rig, false, 9);
	const struct rig_frame *f;
	struct mr_ep *ep;

	ck_assert_int_eq(mr_addr_add(rig.stack, RIG_NIC, &sn, MR_PEB_CAN_BE_PRIMARY), 0);
	for (int i = 0; i < 2; i++) {
		f = rig_expect_arp(&rig, 1);
		ck_assert(mr_addr_equal(&f->src, &sn.addr) && mr_addr_equal(&f->dst, &sn.addr));
		ck_assert_mem_eq(f->eth_dst, broadcast, 6);
		rig_expect_none(&rig);
		if (i == 0) {
			rig_expect_none_for(&rig, 1990 * RIG_MS);
			rig_advance(&rig, 10 * RIG_MS);
		}
	}
	rig_expect_none_for(&rig, 20 * RIG_S);
	ck_assert_uint_eq(rig_moved(&rig, MR_CNT_ARP_TX_REQUESTS), 2);
	/* Removed, but still in use by a connection: not announced either. */
	sn.addr = rig_addr("10.0.0.10");
	ck_assert_int_eq(mr_addr_add(rig.stack, RIG_NIC, &sn, MR_PEB_CAN_BE_PRIMARY), 0);
	rig_expect_arp(&rig, 1);
	local.addr = sn.addr;
	ck_assert_int_eq(mr_ep_create(rig.stack, MR_TRANS_UDP, MR_NET_IPV4, &ep), 0);
	ck_assert_int_eq(mr_ep_bind(ep, &local), 0);
	ck_assert_int_eq(mr_ep_connect(ep, &peer), 0);
	ck_assert_int_eq(mr_addr_remove(rig.stack, RIG_NIC, &sn.addr), 0);
	rig_expect_none_for(&rig, 5 * RIG_S);
	mr_ep_close(ep);
}
END_TEST

START_TEST(announcement_when_the_nic_comes_up)
{
	ck_assert_int_eq(mr_nic_disable(rig.stack, RIG_NIC), 0);
	rig_expect_group(&rig, 132, "ff02::1:ff00:1");
	rig_expect_none_for(&rig, 5 * RIG_S);
	ck_assert_int_eq(mr_nic_enable(rig.stack, RIG_NIC), 0);
	rig_expect_arp(&rig, 1);
}
END_TEST

/* On a host of several cores core 0 announces; the others answer, as who has received the question. */
START_TEST(announced_by_one_core)
{
	struct rig_opts o = {.stack = {.core = 1, .n_cores = 2}};
	struct mr_subnet sn = {.addr = rig_addr("10.0.0.9"), .plen = 24};

	rig_fini(&rig);
	rig_init(&rig, &o);
	ck_assert_int_eq(mr_addr_add(rig.stack, RIG_NIC, &sn, MR_PEB_CAN_BE_PRIMARY), 0);
	rig_expect_none_for(&rig, 5 * RIG_S);
	rig_push_arp(&rig, .tpa = sn.addr);
	rig_expect_arp(&rig, 2);
	ck_assert_int_eq(mr_nic_disable(rig.stack, RIG_NIC), 0);
	ck_assert_int_eq(mr_nic_enable(rig.stack, RIG_NIC), 0);
	rig_expect_none_for(&rig, 5 * RIG_S);
}
END_TEST

START_TEST(many_addresses_are_all_announced_once)
{
	unsigned n = 100, seen;

	for (unsigned i = 0; i < n; i++) {
		struct mr_subnet sn = {.addr = mr_addr_v4(0x0a000064 + i), .plen = 24};

		ck_assert_int_eq(mr_addr_add(rig.stack, RIG_NIC, &sn, MR_PEB_CAN_BE_PRIMARY), 0);
	}
	ck_assert_uint_eq(rig_pending(&rig), n);
	rig_discard(&rig);
	rig_advance(&rig, 3 * RIG_S);
	seen = rig_pending(&rig); /* of the second announcements a limited number is remembered */
	ck_assert_uint_eq(seen, 64);
}
END_TEST

/* Resolution: the message that is broadcast, its answer, and the unicast probe of an entry in doubt (AR-09). */
START_TEST(request_sent)
{
	static const uint8_t want[] = {
		255, 255, 255, 255, 255, 255, 2, 0, 0, 0, 0, 1, 0x08, 0x06, 0, 1, 8, 0, 6, 4, 0, 1,
		2, 0, 0, 0, 0, 1, 10, 0, 0, 1, 0, 0, 0, 0, 0, 0, 10, 0, 0, 2,
	};
	struct mr_sockaddr to = rig_peer(&rig, false, 9);
	const struct rig_frame *f;
	struct mr_ep *ep;

	ck_assert_int_eq(mr_ep_create(rig.stack, MR_TRANS_UDP, MR_NET_IPV4, &ep), 0);
	ck_assert_int_eq(mr_ep_sendto(ep, "x", 1, &to), 1);
	f = rig_expect_arp(&rig, 1);
	ck_assert_uint_eq(f->len, sizeof(want));
	ck_assert_mem_eq(f->b, want, sizeof(want));
	rig_expect_none(&rig);
	rig_push_arp(&rig, .op = 2);
	f = rig_expect(&rig, RIG_UDP);
	ck_assert_mem_eq(f->eth_dst, rig.peer_mac, 6);
	ck_assert_int_eq(neigh(&rig.peer4)->state, MR_NEIGH_REACHABLE);
	/* Long after, the entry is stale; using it makes a delay and then a probe to the station itself. */
	rig_advance(&rig, 60 * RIG_S);
	ck_assert_int_eq(mr_ep_sendto(ep, "x", 1, &to), 1);
	rig_expect(&rig, RIG_UDP);
	rig_advance(&rig, 5 * RIG_S);
	f = rig_expect_arp(&rig, 1);
	ck_assert_mem_eq(f->eth_dst, rig.peer_mac, 6);
	rig_push_arp(&rig, .op = 2);
	rig_poll(&rig);
	ck_assert_int_eq(neigh(&rig.peer4)->state, MR_NEIGH_REACHABLE);
	mr_ep_close(ep);
	rig_expect_no_drop(&rig);
}
END_TEST

/* B-24: no request for what is known from the address itself. */
START_TEST(static_mapping)
{
	static const struct {
		const char *addr;
		uint8_t mac[6];
	} maps[] = {
		{"255.255.255.255", {255, 255, 255, 255, 255, 255}},
		{"10.0.0.255", {255, 255, 255, 255, 255, 255}},
		{"224.0.0.251", {1, 0, 0x5e, 0, 0, 251}},
		{"239.255.1.2", {1, 0, 0x5e, 0x7f, 1, 2}}, /* the low 23 bits */
		{"232.128.1.2", {1, 0, 0x5e, 0, 1, 2}},
	};
	struct mr_ep *ep;

	ck_assert_int_eq(mr_ep_create(rig.stack, MR_TRANS_UDP, MR_NET_IPV4, &ep), 0);
	ck_assert_int_eq(mr_ep_setopt(ep, MR_OPT_BROADCAST, 1), 0);
	for (unsigned i = 0; i < RTE_DIM(maps); i++) {
		struct mr_sockaddr to = {.addr = rig_addr(maps[i].addr), .port = 9, .nic = RIG_NIC};

		ck_assert_int_eq(mr_ep_sendto(ep, "x", 1, &to), 1);
		ck_assert_mem_eq(rig_expect(&rig, RIG_UDP)->eth_dst, maps[i].mac, 6);
	}
	mr_ep_close(ep);
	rig_expect_none(&rig);
}
END_TEST

/* D-14: modes that let packets in do not make us answer for the world. */
START_TEST(no_answer_for_what_is_not_configured)
{
	struct mr_subnet sn = {.addr = rig_addr("10.0.0.128"), .plen = 25};

	ck_assert_int_eq(mr_nic_set_promisc(rig.stack, RIG_NIC, true), 0);
	ck_assert_int_eq(mr_nic_set_spoofing(rig.stack, RIG_NIC, true), 0);
	ck_assert_int_eq(mr_subnet_add(rig.stack, RIG_NIC, &sn), 0);
	rig_push_arp(&rig, .tpa = rig_addr("10.0.0.200"));
	rig_push_arp(&rig, .tpa = rig_addr("224.0.0.1"));
	rig_expect_none(&rig);
	ck_assert_int_eq(mr_addr_remove(rig.stack, RIG_NIC, &rig.addr4), 0);
	rig_push_arp(&rig);
	rig_expect_none(&rig);
}
END_TEST

/* AR-10, nasty 23: a flood of probes and strangers leaves the table as it is. */
START_TEST(flood_makes_no_entries)
{
	for (unsigned i = 0; i < 500; i++) {
		struct mr_addr spa = mr_addr_v4(0x0a000100 + i);

		rig_push_arp(&rig, .spa = spa, .tpa = rig_addr("10.0.0.77"));
		rig_push_arp(&rig, .op = 2, .spa = spa);
	}
	rig_expect_none(&rig);
	for (unsigned i = 0; i < 500; i++) {
		struct mr_addr spa = mr_addr_v4(0x0a000100 + i);

		ck_assert_ptr_null(neigh(&spa));
	}
	rig_expect_no_drop(&rig);
}
END_TEST

START_TEST(no_packets_left)
{
	struct rte_mempool *mp = mr_stack_tx_pool(rig.stack);
	static struct rte_mbuf *all[4096];
	unsigned n;

	mr_stash_flush(&rig.stack->tx_stash);
	n = rte_mempool_avail_count(mp);
	ck_assert_int_eq(rte_pktmbuf_alloc_bulk(mp, all, n), 0);
	rig_push_arp(&rig);
	rig_expect_drop(&rig, MR_DROP_NO_TX_MBUF);
	rig_expect_none(&rig);
	rte_pktmbuf_free_bulk(all, n);
	rig_push_arp(&rig);
	rig_expect_arp(&rig, 2);
}
END_TEST

static Suite *
suite(void)
{
	Suite *s = suite_create("arp");
	TCase *tc = rig_case(s, "arp", setup, rig_teardown);

	tcase_add_loop_test(tc, request_for_us, 0, 2);
	tcase_add_test(tc, request_for_another);
	tcase_add_test(tc, gratuitous_updates_only);
	tcase_add_test(tc, which_reply_proves_reachability);
	tcase_add_test(tc, probe);
	tcase_add_loop_test(tc, malformed, 0, (int)RTE_DIM(bad_arps));
	tcase_add_test(tc, zero_sender_link_address);
	tcase_add_loop_test(tc, short_message, 0, 2);
	tcase_add_test(tc, conflict);
	tcase_add_test(tc, announcement);
	tcase_add_test(tc, announcement_when_the_nic_comes_up);
	tcase_add_test(tc, announced_by_one_core);
	tcase_add_test(tc, many_addresses_are_all_announced_once);
	tcase_add_test(tc, request_sent);
	tcase_add_test(tc, static_mapping);
	tcase_add_test(tc, no_answer_for_what_is_not_configured);
	tcase_add_test(tc, flood_makes_no_entries);
	tcase_add_test(tc, no_packets_left);
	return s;
}

RIG_MAIN(suite)
