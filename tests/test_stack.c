/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A stack as such: the default one (S-8), its clock and counters (S-10, S-11, S-61, S-62), the protocols in it (S-50 to
 * S-52, SS-17).
 */
#include "rig/rig.h"

#include <errno.h>
#include <string.h>
#include <time.h>

#include <rte_mempool.h>

#include "stack/stack.h"

static struct mr_stack_opts
small(void)
{
	return (struct mr_stack_opts){.seed = 1, .rx_mbufs = 256, .tx_mbufs = 256, .max_conns = 16, .max_half_open = 16,
	                              .max_time_wait = 16, .max_endpoints = 16};
}

static struct mr_stack *
make(const struct mr_stack_opts *o)
{
	struct mr_stack *s;

	ck_assert_int_eq(mr_stack_create(o, &s), 0);
	return s;
}

/* S-8: the last one made, or the one that was set; destroying another changes nothing. */
START_TEST(s8_default)
{
	const char *const nets[] = {"no-such", NULL};
	struct mr_stack_opts o = small(), bad = small();
	struct mr_stack *a, *b, *c;

	ck_assert_ptr_null(mr_stack_default());
	a = make(&o);
	ck_assert_ptr_eq(mr_stack_default(), a);
	b = make(&o);
	ck_assert_ptr_eq(mr_stack_default(), b);
	bad.net_protos = nets;
	ck_assert_int_eq(mr_stack_create(&bad, &c), -EPROTONOSUPPORT);
	ck_assert_ptr_eq(mr_stack_default(), b);
	mr_stack_set_default(a);
	ck_assert_ptr_eq(mr_stack_default(), a);
	mr_stack_destroy(b);
	ck_assert_ptr_eq(mr_stack_default(), a);
	mr_stack_destroy(a);
	ck_assert_ptr_null(mr_stack_default());
	c = make(&o);
	mr_stack_set_default(NULL);
	ck_assert_ptr_null(mr_stack_default());
	mr_stack_destroy(c);
}
END_TEST

/* ---- clock */

struct wall {
	uint64_t ns;
	unsigned asked;
};

static uint64_t
wall_now(void *arg)
{
	struct wall *w = arg;

	w->asked++;
	return w->ns;
}

/* S-10, S-61: the user's clock is asked when the user asks, and by nobody else: what it says moves no protocol. */
START_TEST(s10_clock)
{
	struct wall w = {.ns = 1700000000123456789ull};
	struct rig_opts o = {.stack.clock = {wall_now, &w}};
	struct rig_tcp t;
	struct rig r;

	rig_init(&r, &o);
	rig_tcp_init(&t, &r, false);
	rig_tcp_establish_passive(&t);
	rig_ep_send(t.ep, 0, 3000);
	rig_advance(&r, 10 * RIG_S);
	rig_push_icmp(&r, .echo = true);
	rig_advance(&r, RIG_S);
	rig_discard(&r);
	ck_assert_uint_eq(w.asked, 0);
	ck_assert_uint_eq(mr_stack_wall_ns(r.stack), w.ns);
	w.ns = 5; /* backwards, as wall clocks go */
	ck_assert_uint_eq(mr_stack_wall_ns(r.stack), 5);
	ck_assert_uint_eq(w.asked, 2);
	ck_assert_uint_eq(mr_stack_now_ns(r.stack), r.now);
	rig_fini(&r);
}
END_TEST

/* The default is the system's. */
START_TEST(s10_system_clock)
{
	struct mr_stack_opts o = small();
	struct mr_stack *s = make(&o);
	struct timespec before, after;
	uint64_t ns;

	clock_gettime(CLOCK_REALTIME, &before);
	ns = mr_stack_wall_ns(s);
	clock_gettime(CLOCK_REALTIME, &after);
	ck_assert_uint_ge(ns, (uint64_t)before.tv_sec * RIG_S + (uint64_t)before.tv_nsec);
	ck_assert_uint_le(ns, (uint64_t)after.tv_sec * RIG_S + (uint64_t)after.tv_nsec);
	mr_stack_destroy(s);
}
END_TEST

/* ---- counters */

/* S-11: counting goes on in the caller's array, which outlives the stack; each core has its part. */
START_TEST(s11_counters)
{
	static uint64_t mine[3 * MR_CNT_MAX];
	struct rig_opts o = {.stack = {.counters = mine, .core = 1, .n_cores = 1}};
	struct rig r;

	mine[0] = mine[2 * MR_CNT_MAX] = 77;
	mine[MR_CNT_MAX + MR_CNT_ICMP_RX_ECHO] = 1000;
	rig_init(&r, &o);
	ck_assert_ptr_eq(mr_stack_stats(r.stack), mine + MR_CNT_MAX);
	rig_push_icmp(&r, .echo = true);
	rig_poll(&r);
	ck_assert_uint_eq(mr_stack_counter(r.stack, MR_CNT_ICMP_RX_ECHO), 1001);
	rig_discard(&r);
	rig_fini(&r);
	ck_assert_uint_eq(mine[MR_CNT_MAX + MR_CNT_ICMP_RX_ECHO], 1001);
	ck_assert_uint_eq(mine[MR_CNT_MAX + MR_CNT_ICMP_TX_ECHO_REPLY], 1);
	for (unsigned i = 1; i < MR_CNT_MAX; i++)
		ck_assert_uint_eq(mine[i] + mine[2 * MR_CNT_MAX + i], 0);
	ck_assert_uint_eq(mine[0] + mine[2 * MR_CNT_MAX], 154);
}
END_TEST

/* S-62, D-13: the view lives, the copy does not. */
START_TEST(s62_view_and_copy)
{
	static uint64_t copy[MR_CNT_MAX];
	const uint64_t *live;
	struct rig r;

	rig_init(&r, NULL);
	live = mr_stack_stats(r.stack);
	mr_stack_stats_copy(r.stack, copy);
	ck_assert_mem_eq(live, copy, sizeof(copy));
	rig_push_icmp(&r, .echo = true);
	rig_poll(&r);
	ck_assert_uint_eq(live[MR_CNT_ICMP_RX_ECHO], copy[MR_CNT_ICMP_RX_ECHO] + 1);
	for (enum mr_counter c = 0; c < MR_CNT_MAX; c++)
		ck_assert_uint_eq(live[c], mr_stack_counter(r.stack, c));
	rig_discard(&r);
	rig_fini(&r);
}
END_TEST

/* ---- protocols */

/* S-50 to S-52, S-7, SS-17: what was named is there, an object of this stack's own. */
START_TEST(s50_protocols)
{
	const char *const nets[] = {"ipv4", "arp", NULL}, *const trans[] = {"udp", NULL};
	struct mr_stack_opts o = small();
	struct mr_stack *a, *b;
	int64_t ttl;

	b = make(&o);
	o.net_protos = nets;
	o.trans_protos = trans;
	a = make(&o);
	ck_assert(mr_stack_has_netproto(a, MR_NET_IPV4));
	ck_assert(mr_stack_has_netproto(a, MR_NET_ARP));
	ck_assert(!mr_stack_has_netproto(a, MR_NET_IPV6));
	ck_assert(mr_stack_has_transproto(a, MR_TRANS_UDP));
	ck_assert(!mr_stack_has_transproto(a, MR_TRANS_TCP));
	ck_assert_ptr_null(mr_stack_netproto(a, MR_NET_IPV6));
	ck_assert_ptr_null(mr_stack_transproto(a, MR_TRANS_TCP));
	ck_assert_ptr_eq(mr_stack_netproto(a, MR_NET_IPV4)->stack, a);
	ck_assert_ptr_eq(mr_stack_transproto(a, MR_TRANS_UDP)->stack, a);
	ck_assert_ptr_eq(mr_stack_netproto(b, MR_NET_IPV4)->stack, b);
	/* Options are a stack's, not the protocol's everywhere. */
	ck_assert_int_eq(mr_netproto_setopt(a, MR_NET_IPV4, MR_OPT_DEFAULT_TTL, 17), 0);
	ck_assert_int_eq(mr_netproto_getopt(b, MR_NET_IPV4, MR_OPT_DEFAULT_TTL, &ttl), 0);
	ck_assert_int_eq(ttl, 64);
	mr_stack_destroy(a);
	mr_stack_destroy(b);
}
END_TEST

/* ---- memory */

/* Each endpoint takes the same, a connected one a share of the flow table more, and it comes back. */
START_TEST(memory_by_endpoints)
{
	struct mr_stack_memory none, one, two, connected, after;
	struct mr_ep *ep[2];
	struct rig rig;
	struct mr_sockaddr to;

	rig_init(&rig, NULL);
	to = rig_peer(&rig, false, 5000);
	mr_stack_memory(rig.stack, &none);
	ck_assert_int_eq(mr_ep_create(rig.stack, MR_TRANS_TCP, MR_NET_IPV4, &ep[0]), 0);
	mr_stack_memory(rig.stack, &one);
	ck_assert_int_eq(mr_ep_create(rig.stack, MR_TRANS_TCP, MR_NET_IPV4, &ep[1]), 0);
	mr_stack_memory(rig.stack, &two);
	ck_assert_uint_ge(one.used, none.used + 64);
	ck_assert(two.used - one.used == one.used - none.used);
	ck_assert(none.most >= two.used && two.most == none.most);
	ck_assert_int_eq(mr_ep_connect(ep[0], &to), -EINPROGRESS);
	mr_stack_memory(rig.stack, &connected);
	ck_assert_uint_gt(connected.used, two.used);
	ck_assert_uint_le(connected.used, two.used + 64);
	mr_ep_close(ep[0]);
	mr_ep_close(ep[1]);
	rig_poll(&rig);
	mr_stack_memory(rig.stack, &after);
	ck_assert(after.used == none.used);
	rig_fini(&rig);
}
END_TEST

/* Who gives a size of packets gives it for both pools. */
START_TEST(packet_sizes)
{
	struct mr_stack_opts o = {.rx_mbufs = 256, .tx_mbufs = 256, .mbuf_data_bytes = 9216};
	struct mr_stack *s;

	ck_assert_int_eq(mr_stack_create(&o, &s), 0);
	ck_assert_uint_eq(rte_pktmbuf_data_room_size(s->rx_pool), 9216 + RTE_PKTMBUF_HEADROOM);
	ck_assert_uint_eq(rte_pktmbuf_data_room_size(s->tx_pool), 9216 + RTE_PKTMBUF_HEADROOM);
	mr_stack_destroy(s);
}
END_TEST

static Suite *
suite(void)
{
	Suite *s = suite_create("stack");
	TCase *tc = rig_case(s, "stack", NULL, NULL);

	tcase_add_test(tc, s8_default);
	tcase_add_test(tc, s10_clock);
	tcase_add_test(tc, s10_system_clock);
	tcase_add_test(tc, s11_counters);
	tcase_add_test(tc, s62_view_and_copy);
	tcase_add_test(tc, s50_protocols);
	tcase_add_test(tc, memory_by_endpoints);
	tcase_add_test(tc, packet_sizes);
	return s;
}

RIG_MAIN(suite)
