/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One stack under test: set up and torn down, pushed, moved through time, and read.
 */
#include "rig/rig.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "rig/priv.h"
#include "stack/timer.h"

#define TICK_NS (1ull << MR_TIMER_TICK_SHIFT)

struct mr_addr
rig_addr(const char *text)
{
	struct mr_addr a;

	ck_assert_msg(mr_addr_parse(text, &a) == 0, "not an address: %s", text);
	return a;
}

struct mr_stack_opts
rig_stack_opts(const struct mr_stack_opts *o, const char *name, uint64_t seed)
{
	struct mr_stack_opts s = *o;

	s.name = s.name ? s.name : name;
	s.seed = s.seed ? s.seed : seed;
	s.rx_mbufs = s.rx_mbufs ? s.rx_mbufs : 2048;
	s.tx_mbufs = s.tx_mbufs ? s.tx_mbufs : 2048;
	s.max_conns = s.max_conns ? s.max_conns : 256;
	s.max_half_open = s.max_half_open ? s.max_half_open : 64;
	s.max_time_wait = s.max_time_wait ? s.max_time_wait : 256;
	s.max_endpoints = s.max_endpoints ? s.max_endpoints : 128;
	s.max_neighbours = s.max_neighbours ? s.max_neighbours : 64;
	return s;
}

void
rig_addr_add(struct mr_stack *s, const struct mr_addr *a, uint8_t plen)
{
	struct mr_subnet sn = {.addr = *a, .plen = plen};

	ck_assert_int_eq(mr_addr_add(s, RIG_NIC, &sn, MR_PEB_CAN_BE_PRIMARY), 0);
}

static void
add_neighbours(struct rig *rig)
{
	struct mr_lladdr ll = {.len = 6};

	memcpy(ll.b, rig->peer_mac, 6);
	ck_assert_int_eq(mr_neigh_add(rig->stack, RIG_NIC, &rig->peer4, &ll), 0);
	ck_assert_int_eq(mr_neigh_add(rig->stack, RIG_NIC, &rig->peer6, &ll), 0);
}

static void
add_gateways(struct rig *rig)
{
	struct mr_route_entry v4 = {.dest = {.addr = rig_addr("0.0.0.0")}, .gateway = rig->peer4, .nic = RIG_NIC};
	struct mr_route_entry v6 = {.gateway = rig->peer6, .nic = RIG_NIC};

	ck_assert_int_eq(mr_route_add(rig->stack, &v4), 0);
	ck_assert_int_eq(mr_route_add(rig->stack, &v6), 0);
}

void
rig_init(struct rig *rig, const struct rig_opts *opts)
{
	static const struct rig_opts none;
	const struct rig_opts *o = opts ? opts : &none;
	struct mr_stack_opts so = rig_stack_opts(&o->stack, "rig", 1);
	uint32_t caps = o->caps | (o->no_resolve ? 0 : MR_LINK_CAP_RESOLVE) | (o->no_multi_segs ? 0 : MR_LINK_CAP_TX_MULTI_SEGS);

	memset(rig, 0, sizeof(*rig));
	rig->now = RIG_START_NS;
	rig->addr4 = rig_addr("10.0.0.1");
	rig->addr6 = rig_addr("fd00::1");
	rig->peer4 = rig_addr("10.0.0.2");
	rig->peer6 = rig_addr("fd00::2");
	memcpy(rig->mac, "\x02\0\0\0\0\x01", 6);
	memcpy(rig->peer_mac, "\x02\0\0\0\0\x02", 6);
	rig_link_init(rig, caps, o->mtu ? o->mtu : 1500);
	rig->link.tso_segs = o->tso_segs ? o->tso_segs : 64;
	ck_assert_int_eq(mr_stack_create(&so, &rig->stack), 0);
	mr_stack_poll(rig->stack, rig->now);
	if (!o->no_nic) {
		ck_assert_int_eq(mr_nic_create(rig->stack, RIG_NIC, "rig0", &rig->link), 0);
		if (!o->no_addr) {
			rig_addr_add(rig->stack, &rig->addr4, 24);
			rig_addr_add(rig->stack, &rig->addr6, 64);
			if (o->gateway)
				add_gateways(rig);
			if (!o->no_neigh)
				add_neighbours(rig);
		}
	}
	rig->now += RIG_SETTLE_NS;
	rig_discard(rig);
	rig_mark(rig);
}

void
rig_fini(struct rig *rig)
{
	unsigned before = rig_leaks();

	rig_let_go(rig);
	rig->hold = false;
	mr_stack_destroy(rig->stack);
	rig->stack = NULL;
	rig_link_fini(rig);
	ck_assert_msg(rig_leaks() == before, "%u mbufs are lost", rig_leaks() - before);
	ck_assert_msg(rig->lenient || !rig->bad[0], "the stack sent a bad frame: %s", rig->bad);
}

/* ---- push */

void
rig_push(struct rig *rig, const void *frame, uint32_t len)
{
	struct rig_rx *rx = malloc(sizeof(*rx) + len);

	ck_assert_ptr_nonnull(rx);
	rx->len = len;
	rx->ol_flags = rig->rx_ol_flags;
	if (len > 0)
		memcpy(rx->b, frame, len);
	STAILQ_INSERT_TAIL(&rig->rx, rx, link);
}

void
rig_push_buf(struct rig *rig, const struct rig_buf *b)
{
	rig_push(rig, b->b, b->len);
}

void
rig_push_eth_spec(struct rig *rig, const struct rig_ip *ip, const void *payload, uint32_t len)
{
	struct rig_buf b;

	rig_build_eth(rig, &b, ip, payload, len);
	rig_push_buf(rig, &b);
}

void
rig_push_ip_spec(struct rig *rig, const struct rig_ip *ip, const void *payload, uint32_t len)
{
	struct rig_buf b;

	rig_build_ip(rig, &b, ip, payload, len);
	rig_push_buf(rig, &b);
}

void
rig_push_arp_spec(struct rig *rig, const struct rig_arp *a)
{
	struct rig_buf b;

	rig_build_arp(rig, &b, a);
	rig_push_buf(rig, &b);
}

void
rig_push_icmp_spec(struct rig *rig, const struct rig_icmp *i)
{
	struct rig_buf b;

	rig_build_icmp(rig, &b, i);
	rig_push_buf(rig, &b);
}

void
rig_push_ndp_spec(struct rig *rig, const struct rig_ndp *n)
{
	struct rig_buf b;

	rig_build_ndp(rig, &b, n);
	rig_push_buf(rig, &b);
}

void
rig_push_group_spec(struct rig *rig, const struct rig_group *g)
{
	struct rig_buf b;

	rig_build_group(rig, &b, g);
	rig_push_buf(rig, &b);
}

void
rig_push_udp_spec(struct rig *rig, const struct rig_udp *u)
{
	struct rig_buf b;

	rig_build_udp(rig, &b, u);
	rig_push_buf(rig, &b);
}

void
rig_push_tcphdr_spec(struct rig *rig, const struct rig_tcphdr *t)
{
	struct rig_buf b;

	rig_build_tcp(rig, &b, t);
	rig_push_buf(rig, &b);
}

/* ---- time */

unsigned
rig_turn(struct rig *rig)
{
	rig->turns++;
	return mr_stack_poll(rig->stack, rig->now);
}

void
rig_poll(struct rig *rig)
{
	for (unsigned i = 0; i < RIG_QUIET_TURNS; i++) {
		unsigned n_tx = rig->n_tx;

		if (rig_turn(rig) == 0 && rig->n_tx == n_tx && (STAILQ_EMPTY(&rig->rx) || !rig->started))
			return;
	}
	ck_abort_msg("the stack does not come to rest: next deadline %lld ns from now",
	             (long long)(mr_stack_next_ns(rig->stack) - rig->now));
}

/* Move to the stack's next deadline, or to `end` if that is before it. @return false when `end` is reached */
static bool
step(struct rig *rig, uint64_t end)
{
	uint64_t next = mr_stack_next_ns(rig->stack);

	if (next > end) {
		rig->now = end;
		return false;
	}
	/* A wheel tells the tick of a far deadline at first and the deadline itself when it is near: never stand still. */
	rig->now = next > rig->now ? next : rig->now + 1;
	return rig->now < end;
}

void
rig_advance(struct rig *rig, uint64_t ns)
{
	uint64_t end = rig->now + ns;

	rig_poll(rig);
	while (step(rig, end))
		rig_poll(rig);
	rig->now = end;
	rig_poll(rig);
}

bool
rig_advance_until_frame(struct rig *rig, uint64_t ns)
{
	uint64_t end = rig->now + ns;
	bool more;

	rig_poll(rig);
	while (TAILQ_EMPTY(&rig->tx)) {
		if (rig->now >= end)
			return false;
		more = step(rig, end);
		rig_poll(rig);
		if (!more && TAILQ_EMPTY(&rig->tx))
			return false;
	}
	return true;
}

void
rig_expect_after(struct rig *rig, uint64_t since_ns, uint64_t ns)
{
	uint64_t due = since_ns + ns;

	ck_assert(rig_advance_until_frame(rig, due - RTE_MIN(due, rig->now) + RIG_S));
	if (rig->now < due || rig->now - due > TICK_NS)
		ck_abort_msg("frame %.6f s after the start, expected %.6f", (double)(rig->now - since_ns) / 1e9, (double)ns / 1e9);
}
