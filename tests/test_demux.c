/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The demuxer: the order of SS-1 (flow table, NIC before global, four steps), identities (S-59, B-9), reuse groups
 * (B-10), the takers of group packets (B-43), and random registrations against the order written down as loops.
 */
#include "rig/rig.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "stack/demux.h"
#include "stack/nic.h"
#include "stack/stack.h"

/* ck_assert writes a note to a file each time; in loops of a million only failures may. */
#define MUST(cond) do { if (!(cond)) ck_abort_msg("%s", #cond); } while (0)

#define V4 1
#define V6 2
#define UDP MR_TRANS_UDP
#define LPORT 80
#define RPORT 5000
#define EPS 64

/* An endpoint with its registration. */
struct tep {
	struct mr_ep ep;
	struct mr_bound b;
};

static struct mr_stack stack;
static struct mr_nic nics[3];    /* ids 1, 2, 3 */
static struct mr_netep neteps[6]; /* 2k: IPv4 address of NIC k + 1, 2k + 1: IPv6 */
static struct mr_netep group, bcast;
static struct mr_pool pool;
static struct tep *eps[EPS];
static unsigned n_eps;
static struct rte_mempool *pkts;

static struct mr_addr
addr(const char *text)
{
	struct mr_addr a = {.d = {0, 0}};

	if (text)
		ck_assert_int_eq(mr_addr_parse(text, &a), 0);
	return a;
}

static void
setup(void)
{
	memset(&stack, 0, sizeof(stack));
	mr_demux_init(&stack.demux);
	ck_assert_int_eq(mr_arena_init(&stack.arena, 1 << 20), 0);
	ck_assert_int_eq(mr_pool_init(&pool, &stack.arena, "eps", sizeof(struct tep), EPS), 0);
	ck_assert_int_eq(mr_flow_table_init(&stack.flows, &stack.arena, EPS, 11, 0xfeedbeef12345678, 33), 0);
	for (uint16_t i = 0; i < 3; i++)
		nics[i].id = (uint16_t)(i + 1);
	for (uint16_t i = 0; i < 6; i++) {
		static const char *const text[] = {"10.0.1.1", "2001:db8:1::1", "10.0.2.1", "2001:db8:2::1", "10.0.3.1",
		                                   "2001:db8:3::1"};

		neteps[i] = (struct mr_netep){.addr = addr(text[i]), .nic = &nics[i / 2], .id = (uint16_t)(i + 1)};
	}
	group = (struct mr_netep){.addr = addr("239.1.1.1"), .nic = &nics[0], .id = 7, .kind = MR_NETEP_GROUP};
	bcast = (struct mr_netep){.addr = addr("255.255.255.255"), .nic = &nics[0], .id = 8};
	n_eps = 0;
	pkts = mr_pktpool_create("demux", 256, 64, 0);
	ck_assert_ptr_nonnull(pkts);
}

static void
teardown(void)
{
	mr_flow_table_fini(&stack.flows);
	mr_arena_fini(&stack.arena);
}

static struct tep *
tep(uint16_t nic, const char *laddr, const char *raddr, uint16_t rport, unsigned families, bool reuse)
{
	struct tep *t = mr_pool_get(&pool);

	ck_assert_ptr_nonnull(t);
	t->ep.flow.proto = UDP;
	t->b = (struct mr_bound){.ep = &t->ep, .laddr = addr(laddr), .raddr = addr(raddr),
		.lport_be = rte_cpu_to_be_16(LPORT), .rport_be = rte_cpu_to_be_16(rport), .nic = nic, .proto = UDP,
		.v4 = families & V4, .v6 = families & V6, .reuse_port = reuse};
	eps[n_eps++] = t;
	return t;
}

static struct tep *
bound(uint16_t nic, const char *laddr, const char *raddr, uint16_t rport)
{
	struct tep *t = tep(nic, laddr, raddr, rport, V4 | V6, false);

	ck_assert_int_eq(mr_demux_bind(&stack, &t->b), 0);
	return t;
}

static struct rte_mbuf *
pkt(struct mr_netep *local, const char *src, uint16_t sport)
{
	struct rte_mbuf *m = rte_pktmbuf_alloc(pkts);
	struct mr_pkt *p = mr_pkt(m);

	mr_pkt_init(m);
	p->src = addr(src);
	p->netep = local;
	p->nic = local->nic;
	p->sport_be = rte_cpu_to_be_16(sport);
	p->dport_be = rte_cpu_to_be_16(LPORT);
	return m;
}

/* Who gets a packet; both lookups must agree. */
static struct tep *
taker(struct mr_netep *local, const char *src, uint16_t sport)
{
	struct rte_mbuf *m = pkt(local, src, sport);
	struct mr_pkt *p = mr_pkt(m);
	struct mr_flow *f = (void *)1;

	mr_demux_lookup_burst(&stack, UDP, &m, &f, 1);
	MUST(p->hash == mr_flow_hash(&stack.flows, &p->src, p->sport_be, p->dport_be, local->id, UDP));
	MUST(f == mr_demux_lookup(&stack, UDP, local, &p->src, p->sport_be, p->dport_be));
	rte_pktmbuf_free(m);
	return (struct tep *)f; /* the flow is first in the endpoint, and the endpoint in the tep */
}

static struct tep *
connected(struct mr_netep *local, const char *raddr, uint16_t rport, uint16_t flags)
{
	struct tep *t = tep(0, NULL, NULL, 0, V4 | V6, false);

	t->ep.flow = (struct mr_flow){.raddr = addr(raddr), .rport_be = rte_cpu_to_be_16(rport),
		.lport_be = rte_cpu_to_be_16(LPORT), .local_id = local->id, .proto = UDP, .flags = flags};
	ck_assert_int_eq(mr_flow_insert(&stack.flows, &t->ep.flow), 0);
	return t;
}

/* SS-1: within one demuxer, each of the four steps before the next; registered in either order. */
START_TEST(four_steps_in_order)
{
	uint16_t nic = _i & 1;
	struct tep *t[4];

	for (int k = 0; k < 4; k++) {
		int step = _i & 2 ? 3 - k : k;

		t[step] = bound(nic, step == 0 || step == 2 ? "10.0.1.1" : NULL, step < 2 ? "192.0.2.9" : NULL,
		                step < 2 ? RPORT : 0);
	}
	for (int step = 0; step < 4; step++) {
		ck_assert_ptr_eq(taker(&neteps[0], "192.0.2.9", RPORT), t[step]);
		mr_demux_unbind(&stack, &t[step]->b);
		mr_demux_unbind(&stack, &t[step]->b);
	}
	ck_assert_ptr_null(taker(&neteps[0], "192.0.2.9", RPORT));
	ck_assert_uint_eq(stack.demux.n_nic_specific, 0);
}
END_TEST

START_TEST(each_step_needs_its_whole_key)
{
	struct tep *whole = bound(0, "10.0.1.1", "192.0.2.9", RPORT);
	struct tep *remote = bound(0, NULL, "192.0.2.9", RPORT + 1);
	struct tep *local = bound(0, "2001:db8:1::1", NULL, 0);

	ck_assert_ptr_eq(taker(&neteps[0], "192.0.2.9", RPORT), whole);
	ck_assert_ptr_null(taker(&neteps[0], "192.0.2.8", RPORT));
	ck_assert_ptr_null(taker(&neteps[0], "192.0.2.9", RPORT - 1));
	ck_assert_ptr_null(taker(&neteps[2], "192.0.2.9", RPORT));
	ck_assert_ptr_eq(taker(&neteps[2], "192.0.2.9", RPORT + 1), remote);
	ck_assert_ptr_null(taker(&neteps[2], "192.0.2.1", RPORT + 1));
	ck_assert_ptr_eq(taker(&neteps[1], "2001:db8::9", 1), local);
	ck_assert_ptr_null(taker(&neteps[3], "2001:db8::9", 1));
}
END_TEST

/* B-9, SS-1: even a less specific registration of the NIC beats the most specific global one. */
START_TEST(nic_before_global)
{
	struct tep *global = bound(0, "10.0.1.1", "192.0.2.9", RPORT);
	struct tep *nic1 = bound(1, NULL, NULL, 0);

	ck_assert_uint_eq(stack.demux.n_nic_specific, 1);
	ck_assert_ptr_eq(taker(&neteps[0], "192.0.2.9", RPORT), nic1);
	ck_assert_ptr_null(taker(&neteps[2], "192.0.2.9", RPORT));
	mr_demux_unbind(&stack, &nic1->b);
	ck_assert_ptr_eq(taker(&neteps[0], "192.0.2.9", RPORT), global);
}
END_TEST

START_TEST(flow_before_wildcards_but_for_the_nics_own)
{
	struct tep *f = connected(&neteps[0], "192.0.2.9", RPORT, 0), *g, *nic1, *nic2;

	g = bound(0, "10.0.1.1", "192.0.2.9", RPORT);
	ck_assert_ptr_eq(taker(&neteps[0], "192.0.2.9", RPORT), f);
	ck_assert_ptr_eq(taker(&neteps[0], "192.0.2.9", RPORT + 1), NULL);
	nic2 = bound(2, NULL, NULL, 0);
	ck_assert_ptr_eq(taker(&neteps[0], "192.0.2.9", RPORT), f);
	ck_assert_ptr_eq(taker(&neteps[2], "192.0.2.9", RPORT), nic2);
	nic1 = bound(1, NULL, NULL, 0);
	ck_assert_ptr_eq(taker(&neteps[0], "192.0.2.9", RPORT), nic1);
	f->ep.flow.flags |= MR_FLOW_F_NIC;
	ck_assert_ptr_eq(taker(&neteps[0], "192.0.2.9", RPORT), f);
	mr_flow_remove(&stack.flows, &f->ep.flow);
	mr_demux_unbind(&stack, &nic1->b);
	ck_assert_ptr_eq(taker(&neteps[0], "192.0.2.9", RPORT), g);
}
END_TEST

START_TEST(families_must_fit)
{
	struct tep *v4 = tep(0, NULL, NULL, 0, V4, false), *v6 = tep(0, NULL, NULL, 0, V6, false);
	struct tep *both = tep(0, NULL, NULL, 0, V4 | V6, false);

	ck_assert_int_eq(mr_demux_bind(&stack, &v4->b), 0);
	ck_assert_ptr_eq(taker(&neteps[0], "192.0.2.9", RPORT), v4);
	ck_assert_ptr_null(taker(&neteps[1], "2001:db8::9", RPORT));
	ck_assert_int_eq(mr_demux_bind(&stack, &both->b), -EADDRINUSE);
	ck_assert_int_eq(mr_demux_bind(&stack, &v6->b), 0);
	ck_assert_ptr_eq(taker(&neteps[0], "192.0.2.9", RPORT), v4);
	ck_assert_ptr_eq(taker(&neteps[1], "2001:db8::9", RPORT), v6);
	mr_demux_unbind(&stack, &v4->b);
	mr_demux_unbind(&stack, &v6->b);
	ck_assert_int_eq(mr_demux_bind(&stack, &both->b), 0);
	ck_assert_ptr_eq(taker(&neteps[0], "192.0.2.9", RPORT), both);
	ck_assert_ptr_eq(taker(&neteps[1], "2001:db8::9", RPORT), both);
}
END_TEST

START_TEST(v4_any_is_a_wildcard)
{
	struct tep *t = tep(0, "0.0.0.0", NULL, 0, V4, false), *u = tep(0, NULL, NULL, 0, V4, false);

	ck_assert_int_eq(mr_demux_bind(&stack, &t->b), 0);
	ck_assert_ptr_eq(taker(&neteps[0], "192.0.2.9", RPORT), t);
	ck_assert_int_eq(mr_demux_bind(&stack, &u->b), -EADDRINUSE);
}
END_TEST

/* S-59: the same identity twice. */
START_TEST(identities_are_unique)
{
	struct tep *a = tep(1, "10.0.1.1", NULL, 0, V4, false), *b = tep(1, "10.0.1.1", NULL, 0, V4, true), *c;

	ck_assert_int_eq(mr_demux_bind(&stack, &a->b), 0);
	ck_assert_int_eq(mr_demux_bind(&stack, &b->b), -EADDRINUSE);
	ck_assert_ptr_null(b->b.pprev);
	ck_assert_uint_eq(stack.demux.n_nic_specific, 1);
	mr_demux_unbind(&stack, &b->b);
	ck_assert_uint_eq(stack.demux.n_nic_specific, 1);
	ck_assert_ptr_eq(taker(&neteps[0], "192.0.2.9", RPORT), a);
	bound(0, "10.0.1.1", NULL, 0);
	bound(2, "10.0.1.1", NULL, 0);
	bound(1, NULL, NULL, 0);
	bound(1, "10.0.1.1", "192.0.2.9", RPORT);
	bound(1, "10.0.1.1", "192.0.2.9", RPORT + 1);
	c = tep(1, "10.0.1.1", NULL, 0, V4, false);
	c->b.proto = c->ep.flow.proto = MR_TRANS_TCP;
	ck_assert_int_eq(mr_demux_bind(&stack, &c->b), 0);
	c = tep(1, "10.0.1.1", NULL, 0, V4, false);
	c->b.lport_be = rte_cpu_to_be_16(LPORT + MR_DEMUX_BUCKETS); /* same bucket */
	ck_assert_int_eq(mr_demux_bind(&stack, &c->b), 0);
	ck_assert_ptr_eq(taker(&neteps[0], "192.0.2.9", RPORT + 2), a);
}
END_TEST

/* B-10 */
START_TEST(reuse_group_spreads_and_sticks)
{
	struct tep *member[4], *other, *nic1[2];
	unsigned got[4] = {0};

	for (int i = 0; i < 4; i++) {
		member[i] = tep(0, NULL, NULL, 0, V4 | V6, true);
		ck_assert_int_eq(mr_demux_bind(&stack, &member[i]->b), 0);
	}
	other = tep(0, NULL, NULL, 0, V4 | V6, false);
	ck_assert_int_eq(mr_demux_bind(&stack, &other->b), -EADDRINUSE);
	for (uint16_t sport = 1; sport <= 4000; sport++) {
		struct tep *t = taker(&neteps[0], "192.0.2.9", sport);
		int i = 0;

		while (i < 4 && member[i] != t)
			i++;
		MUST(i < 4);
		MUST(taker(&neteps[0], "192.0.2.9", sport) == t);
		got[i]++;
	}
	for (int i = 0; i < 4; i++) {
		ck_assert_uint_gt(got[i], 850);
		ck_assert_uint_lt(got[i], 1150);
	}
	/* Members of a NIC get that NIC's packets, all of them, and no others. */
	for (int i = 0; i < 2; i++) {
		nic1[i] = tep(1, NULL, NULL, 0, V4 | V6, true);
		ck_assert_int_eq(mr_demux_bind(&stack, &nic1[i]->b), 0);
	}
	got[0] = got[1] = 0;
	for (uint16_t sport = 1; sport <= 4000; sport++) {
		struct tep *t = taker(&neteps[0], "192.0.2.9", sport), *u = taker(&neteps[2], "192.0.2.9", sport);

		MUST(t == nic1[0] || t == nic1[1]);
		MUST(u != nic1[0] && u != nic1[1] && u != NULL);
		got[t == nic1[1]]++;
	}
	ck_assert_uint_gt(got[0], 1800);
	ck_assert_uint_gt(got[1], 1800);
}
END_TEST

/* All takers of a packet, in the order they are told; ends the list with NULL. */
static void
takers(struct mr_netep *local, const char *src, uint16_t sport, uint8_t flags, struct tep **out)
{
	struct rte_mbuf *m = pkt(local, src, sport);
	struct mr_flow *f;
	struct mr_ep *ep;
	unsigned n = 0;

	mr_pkt(m)->flags = flags;
	mr_demux_lookup_burst(&stack, UDP, &m, &f, 1);
	for (ep = (struct mr_ep *)f; ep; ep = mr_demux_next(&stack, UDP, m, ep)) {
		out[n++] = (struct tep *)ep;
		MUST(n < EPS);
	}
	out[n] = NULL;
	rte_pktmbuf_free(m);
}

static bool
among(struct tep **list, const struct tep *t)
{
	unsigned n = 0;

	for (; *list; list++)
		n += *list == t;
	MUST(n <= 1);
	return n == 1;
}

/* B-43 */
START_TEST(group_packets_go_to_every_taker)
{
	struct tep *list[EPS], *any = bound(0, NULL, NULL, 0), *unicast = bound(0, "10.0.1.1", NULL, 0);
	struct tep *here = bound(0, "239.1.1.1", NULL, 0), *nic1 = bound(1, NULL, NULL, 0), *nic2 = bound(2, NULL, NULL, 0);
	struct tep *peer = bound(0, NULL, "192.0.2.9", RPORT), *flow;

	takers(&group, "192.0.2.1", 1, MR_PKT_F_NET_MULTICAST, list);
	ck_assert_ptr_eq(list[0], nic1);
	ck_assert(among(list, any) && among(list, here));
	ck_assert(!among(list, unicast) && !among(list, nic2) && !among(list, peer));
	takers(&bcast, "192.0.2.9", RPORT, MR_PKT_F_NET_BROADCAST, list);
	ck_assert(among(list, any) && among(list, nic1) && among(list, peer));
	ck_assert(!among(list, unicast) && !among(list, nic2) && !among(list, here));
	/* A connected endpoint may be both in the flow table and registered; it gets one copy. */
	flow = connected(&group, "192.0.2.9", RPORT, MR_FLOW_F_NIC);
	flow->b.laddr = addr("239.1.1.1");
	flow->b.raddr = addr("192.0.2.9");
	ck_assert_int_eq(mr_demux_bind(&stack, &flow->b), 0);
	takers(&group, "192.0.2.9", RPORT, MR_PKT_F_NET_MULTICAST, list);
	ck_assert_ptr_eq(list[0], flow);
	ck_assert(among(list, flow) && among(list, any) && among(list, nic1) && among(list, here) && among(list, peer));
	ck_assert(!among(list, unicast) && !among(list, nic2));
	takers(&neteps[4], "192.0.2.9", RPORT, 0, list);
	ck_assert(among(list, any) && among(list, peer));
}
END_TEST

START_TEST(takers_of_a_reuse_group)
{
	struct tep *list[EPS], *member[5];

	for (int i = 0; i < 5; i++) {
		member[i] = tep(0, NULL, NULL, 0, i == 4 ? V6 : V4, true);
		ck_assert_int_eq(mr_demux_bind(&stack, &member[i]->b), 0);
	}
	for (uint16_t sport = 1; sport < 50; sport++) {
		takers(&group, "192.0.2.1", sport, MR_PKT_F_NET_MULTICAST, list);
		for (int i = 0; i < 4; i++)
			MUST(among(list, member[i]));
		MUST(list[4] == NULL);
	}
	ck_assert_ptr_null(mr_demux_next(&stack, UDP, pkt(&group, "192.0.2.1", 1), &member[4]->ep));
}
END_TEST

START_TEST(long_bursts)
{
	struct rte_mbuf *m[200];
	struct mr_flow *f[200];
	struct tep *t[40], *any = bound(0, NULL, NULL, 0);

	for (uint16_t i = 0; i < 40; i++)
		t[i] = connected(&neteps[0], "192.0.2.9", (uint16_t)(RPORT + i), 0);
	for (uint16_t i = 0; i < 200; i++)
		m[i] = pkt(&neteps[i % 7 == 6 ? 1 : 0], i % 7 == 6 ? "2001:db8::9" : "192.0.2.9", (uint16_t)(RPORT + i % 60));
	mr_demux_lookup_burst(&stack, UDP, m, f, 200);
	for (int i = 0; i < 200; i++)
		ck_assert_ptr_eq(f[i], i % 7 == 6 || i % 60 >= 40 ? &any->ep.flow : &t[i % 60]->ep.flow);
	mr_demux_lookup_burst(&stack, UDP, m, f, 0);
}
END_TEST

/* ---- against the order written down */

/* The first step whose exact identity is there. */
static struct tep *
order_find(const struct mr_netep *local, const struct mr_addr *raddr, uint16_t rport)
{
	static const struct mr_addr none;

	for (int scope = 0; scope < 2; scope++) {
		uint16_t nic = scope == 0 ? local->nic->id : 0;

		for (int step = 0; step < 4; step++) {
			const struct mr_addr *l = step == 0 || step == 2 ? &local->addr : &none, *r = step < 2 ? raddr : &none;
			uint16_t port = step < 2 ? rte_cpu_to_be_16(rport) : 0;

			for (unsigned i = 0; i < n_eps; i++) {
				const struct mr_bound *b = &eps[i]->b;

				if (b->pprev && b->nic == nic && mr_addr_equal(&b->laddr, l) && mr_addr_equal(&b->raddr, r) &&
				    b->rport_be == port && (mr_addr_is_v4(raddr) ? b->v4 : b->v6))
					return eps[i];
			}
		}
	}
	return NULL;
}

static const char *const remotes[] = {"192.0.2.9", "192.0.2.8", "2001:db8::9"};

/* Take a registration back, or make it with values of chance. */
static void
toggle(struct mr_rng *r, struct tep *t)
{
	static const char *const locals[] = {NULL, "10.0.1.1", "2001:db8:1::1", "10.0.2.1"};
	unsigned families = 1 + mr_rng_below(r, 3);
	bool remote = mr_rng_below(r, 2);

	if (t->b.pprev) {
		mr_demux_unbind(&stack, &t->b);
		return;
	}
	t->b.laddr = addr(locals[mr_rng_below(r, 4)]);
	t->b.raddr = addr(remote ? remotes[mr_rng_below(r, 3)] : NULL);
	t->b.rport_be = remote ? rte_cpu_to_be_16((uint16_t)(RPORT + mr_rng_below(r, 2))) : 0;
	t->b.nic = (uint16_t)mr_rng_below(r, 3);
	t->b.v4 = families & V4;
	t->b.v6 = families & V6;
	mr_demux_bind(&stack, &t->b);
}

static void
untie(unsigned n)
{
	for (unsigned i = 0; i < n; i++)
		mr_demux_unbind(&stack, &eps[i]->b);
	ck_assert_uint_eq(stack.demux.n_nic_specific, 0);
	for (int i = 0; i < MR_DEMUX_BUCKETS; i++)
		MUST(stack.demux.bound[i] == NULL);
}

START_TEST(wildcards_against_the_order)
{
	struct mr_rng r;
	unsigned hits = 0;

	mr_rng_seed(&r, 9);
	for (int i = 0; i < EPS; i++)
		tep(0, NULL, NULL, 0, 0, false);
	for (int step = 0; step < 20000; step++) {
		struct mr_netep *local = &neteps[mr_rng_below(&r, 6)];
		unsigned k = mr_rng_below(&r, 3);
		struct mr_addr src = addr(remotes[k]);
		uint16_t sport = (uint16_t)(RPORT + mr_rng_below(&r, 2));
		struct tep *want;

		toggle(&r, eps[mr_rng_below(&r, EPS)]);
		want = order_find(local, &src, sport);
		MUST(taker(local, remotes[k], sport) == want);
		hits += want != NULL;
	}
	ck_assert_uint_gt(hits, 5000);
	untie(EPS);
}
END_TEST

/* Of a burst each packet is for whom it would be for alone; with few registrations, so that one is often the only one of its
 * port, and with an entry of the flow table and without. */
START_TEST(bursts_against_the_order)
{
	enum { FEW = 3, BURST = 16 };
	unsigned hits = 0, alone = 0;
	struct mr_rng r;

	mr_rng_seed(&r, 10 + (unsigned)_i);
	for (int i = 0; i < FEW; i++)
		tep(0, NULL, NULL, 0, 0, false);
	if (_i)
		connected(&neteps[4], "198.51.100.1", 1, 0);
	for (int step = 0; step < 20000; step++) {
		struct rte_mbuf *m[BURST];
		struct mr_flow *f[BURST];

		toggle(&r, eps[mr_rng_below(&r, FEW)]);
		alone += !!eps[0]->b.pprev + !!eps[1]->b.pprev + !!eps[2]->b.pprev == 1;
		for (int i = 0; i < BURST; i++) {
			unsigned k = mr_rng_below(&r, 3), nic = mr_rng_below(&r, 2);

			m[i] = pkt(&neteps[2 * nic + (k == 2)], remotes[k], (uint16_t)(RPORT + mr_rng_below(&r, 2)));
		}
		mr_demux_lookup_burst(&stack, UDP, m, f, BURST);
		for (int i = 0; i < BURST; i++) {
			const struct mr_pkt *p = mr_pkt(m[i]);

			MUST((struct tep *)f[i] == order_find(p->netep, &p->src, rte_be_to_cpu_16(p->sport_be)));
			hits += f[i] != NULL;
			rte_pktmbuf_free(m[i]);
		}
	}
	ck_assert_uint_gt(hits, 20000);
	ck_assert_uint_gt(alone, 2000);
	untie(FEW);
}
END_TEST

static Suite *
suite(void)
{
	Suite *s = suite_create("demux");
	TCase *tc = rig_case(s, "demux", setup, teardown);

	tcase_add_loop_test(tc, four_steps_in_order, 0, 4);
	tcase_add_test(tc, each_step_needs_its_whole_key);
	tcase_add_test(tc, nic_before_global);
	tcase_add_test(tc, flow_before_wildcards_but_for_the_nics_own);
	tcase_add_test(tc, families_must_fit);
	tcase_add_test(tc, v4_any_is_a_wildcard);
	tcase_add_test(tc, identities_are_unique);
	tcase_add_test(tc, reuse_group_spreads_and_sticks);
	tcase_add_test(tc, group_packets_go_to_every_taker);
	tcase_add_test(tc, takers_of_a_reuse_group);
	tcase_add_test(tc, long_bursts);
	tcase_add_test(tc, wildcards_against_the_order);
	tcase_add_loop_test(tc, bursts_against_the_order, 0, 2);
	return s;
}

RIG_MAIN(suite)
