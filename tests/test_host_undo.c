/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Control calls of a host that one core cannot carry out: all cores are as they were, to the order of their lists.
 *
 * The host of host_furnished.h does not run, so calls are made in place, one core after the other. The last core is
 * spoiled: its link refuses, it has already what is to be added, its tables are full. And memory fails, at each allocation
 * in turn that a call makes. Whatever a stack can be asked is written down before and after.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <rte_common.h>

#include "stack/host.h"
#include "stack/link.h"
#include "stack/millrace.h"
#include "stack/nic.h"
#include "stack/stack.h"
#include "rig/rig.h"

#include "host_furnished.h"

/* ---- memory that fails */

static unsigned fail_at, allocations; /* fail_at 0: never */

static bool
fails(void)
{
	return fail_at && ++allocations == fail_at;
}

void *__real_malloc(size_t n);
void *__real_calloc(size_t n, size_t size);
void *__real_realloc(void *p, size_t n);
void *__real_rte_zmalloc(const char *type, size_t size, unsigned align);
void *__wrap_malloc(size_t n);
void *__wrap_calloc(size_t n, size_t size);
void *__wrap_realloc(void *p, size_t n);
void *__wrap_rte_zmalloc(const char *type, size_t size, unsigned align);

void *
__wrap_malloc(size_t n)
{
	return fails() ? NULL : __real_malloc(n);
}

void *
__wrap_calloc(size_t n, size_t size)
{
	return fails() ? NULL : __real_calloc(n, size);
}

void *
__wrap_realloc(void *p, size_t n)
{
	return fails() ? NULL : __real_realloc(p, n);
}

void *
__wrap_rte_zmalloc(const char *type, size_t size, unsigned align)
{
	return fails() ? NULL : __real_rte_zmalloc(type, size, align);
}

/* ---- before and after */

static char before[CORES][FINGERPRINT], after[CORES][FINGERPRINT];

static void
look(char (*at)[FINGERPRINT])
{
	for (unsigned i = 0; i < CORES; i++)
		say_all(core(i), at[i]);
}

/* ---- how the last core is spoiled */

static int
refuse_mcast(struct mr_link *l, const struct mr_lladdr *list, unsigned n)
{
	(void)l, (void)list, (void)n;
	return -EIO;
}

static int
refuse_promisc(struct mr_link *l, bool on)
{
	(void)l, (void)on;
	return -EIO;
}

static int
refuse_start(struct mr_link *l)
{
	(void)l;
	return -EIO;
}

static int
refuse_option(struct mr_netproto *np, int opt, int64_t value)
{
	(void)np, (void)opt, (void)value;
	return -EIO;
}

static int
refuse_trans_option(struct mr_transproto *tp, int opt, int64_t value)
{
	(void)tp, (void)opt, (void)value;
	return -EIO;
}

static struct mr_link_ops spoiled;

static void
spoil_links(struct mr_stack *s)
{
	spoiled = *mr_nic_find(s, NIC)->link->ops;
	spoiled.set_mcast = refuse_mcast;
	spoiled.set_promisc = refuse_promisc;
	spoiled.start = refuse_start;
	mr_nic_find(s, NIC)->link->ops = &spoiled;
	mr_nic_find(s, QUIET)->link->ops = &spoiled;
}

static void
spoil_filters(struct mr_stack *s)
{
	int (*start)(struct mr_link *l) = mr_nic_find(s, QUIET)->link->ops->start;

	spoil_links(s);
	spoiled.start = start;
}

static void
spoil_options(struct mr_stack *s)
{
	static struct mr_netproto_ops net;
	static struct mr_transproto_ops trans;

	net = *mr_stack_netproto(s, MR_NET_IPV4)->ops;
	net.setopt = refuse_option;
	mr_stack_netproto(s, MR_NET_IPV4)->ops = &net;
	trans = *s->transprotos[MR_TRANS_TCP]->ops;
	trans.setopt = refuse_trans_option;
	s->transprotos[MR_TRANS_TCP]->ops = &trans;
}

static void
spoil_nic(struct mr_stack *s)
{
	ck_assert_int_eq(mr_nic_remove(s, NIC), 0);
}

static void
spoil_neighbours(struct mr_stack *s)
{
	struct mr_lladdr ll = lladdr(1);
	int r = 0;

	for (unsigned i = 1; i <= 9; i++) {
		struct mr_addr a = mr_addr_v4(0x0a010000 + i);

		mr_neigh_remove(s, NIC, &a);
	}
	for (unsigned i = 0; r == 0; i++) {
		struct mr_addr a = mr_addr_v4(0x0a010080 + i);

		r = mr_neigh_add(s, NIC, &a, &ll);
	}
	ck_assert_int_eq(r, -ENOMEM);
}

/* ---- the calls */

static int
addr_add(void)
{
	struct mr_subnet a = subnet("10.6.0.1/16");

	return mr_host_addr_add(host, NIC, &a, MR_PEB_FIRST_PRIMARY);
}

static void
addr_there(struct mr_stack *s)
{
	struct mr_subnet a = subnet("10.6.0.1/16");

	ck_assert_int_eq(mr_addr_add(s, NIC, &a, MR_PEB_CAN_BE_PRIMARY), 0);
}

/* The first one of IPv6: a link-local one comes along. */
static int
addr6_add(void)
{
	struct mr_subnet a = subnet("fd01::1/64");

	return mr_host_addr_add(host, NIC, &a, MR_PEB_CAN_BE_PRIMARY);
}

/* Again: as often as it is added it is listed. */
static int
subnet_add(void)
{
	struct mr_subnet a = subnet("10.3.0.0/16");

	return mr_host_subnet_add(host, NIC, &a);
}

static int
group_join(void)
{
	struct mr_addr g = addr("224.0.0.98");

	return mr_host_group_join(host, NIC, &g);
}

static int
group_join_again(void)
{
	struct mr_addr g = addr("224.0.0.99");

	return mr_host_group_join(host, NIC, &g);
}

static int
route_add(void)
{
	struct mr_route_entry r = row("10.9.0.0/16", "10.1.0.5", NIC);

	return mr_host_route_add(host, &r);
}

static void
route_there(struct mr_stack *s)
{
	struct mr_route_entry r = row("10.9.0.0/16", "10.1.0.5", NIC);

	ck_assert_int_eq(mr_route_add(s, &r), 0);
}

static int
routes_set(void)
{
	struct mr_route_entry rows[] = {row("10.9.0.0/16", "10.2.0.8", NIC), row("10.8.0.0/16", "0.0.0.0", QUIET)};

	return mr_host_route_table_set(host, rows, RTE_DIM(rows));
}

static int
neigh_add(const char *a)
{
	struct mr_addr n = addr(a);
	struct mr_lladdr ll = lladdr(99);

	return mr_host_neigh_add(host, NIC, &n, &ll);
}

static int
neigh_replace(void)
{
	return neigh_add("10.1.0.9");
}

static int
neigh_replace_stale(void)
{
	return neigh_add("10.1.0.7");
}

static int
neigh_replace_reachable(void)
{
	return neigh_add("10.1.0.8");
}

static int
neigh_new(void)
{
	return neigh_add("10.1.0.6");
}

static int
nic_enable(void)
{
	return mr_host_nic_enable(host, QUIET);
}

static int
nic_disable(void)
{
	return mr_host_nic_disable(host, NIC);
}

static int
promisc(void)
{
	return mr_host_nic_set_promisc(host, NIC, true);
}

static int
spoofing(void)
{
	return mr_host_nic_set_spoofing(host, NIC, true);
}

static int
forwarding(void)
{
	return mr_host_set_forwarding(host, true);
}

static int
net_option(void)
{
	return mr_host_netproto_setopt(host, MR_NET_IPV4, MR_OPT_DEFAULT_TTL, 17);
}

static int
trans_option(void)
{
	return mr_host_transproto_setopt(host, MR_TRANS_TCP, MR_OPT_TCP_INIT_CWND, 3);
}

static int
handler_set(void)
{
	return mr_host_transproto_set_handler(host, MR_TRANS_UDP, NULL, NULL);
}

static void
handler_of_a_forwarder(struct mr_stack *s)
{
	struct mr_transproto *tp = s->transprotos[MR_TRANS_UDP];

	tp->forwarder = (struct mr_forwarder *)tp; /* not looked into */
}

static int
port_reserve(void)
{
	struct mr_port_req r = {.proto = MR_TRANS_UDP, .v4 = true, .port = 4000};

	return mr_host_port_reserve(host, &r);
}

static void
port_there(struct mr_stack *s)
{
	struct mr_port_req r = {.proto = MR_TRANS_UDP, .v4 = true, .port = 4000, .reuse = true};

	ck_assert_int_eq(mr_port_reserve(s, &r), 0);
}

static int
probe_add(void)
{
	return mr_host_tcp_probe_add(host, probe, &fail_at);
}

/* A call, how the last core is spoiled for it (NULL: only memory can fail), and what it says then. */
static const struct trial {
	const char *name;
	int (*call)(void);
	void (*spoil)(struct mr_stack *last);
	int error;
} trials[] = {
	{"address", addr_add, addr_there, -EEXIST},
	{"address of IPv6", addr6_add, spoil_links, -EIO},
	{"subnet", subnet_add, spoil_nic, -ENODEV},
	{"group", group_join, spoil_links, -EIO},
	{"group, again", group_join_again, spoil_nic, -ENODEV},
	{"route", route_add, route_there, -EEXIST},
	{"routes", routes_set, NULL, 0},
	{"neighbour, static", neigh_replace, spoil_neighbours, -ENOMEM},
	{"neighbour, stale", neigh_replace_stale, spoil_neighbours, -ENOMEM},
	{"neighbour, reachable", neigh_replace_reachable, spoil_neighbours, -ENOMEM},
	{"neighbour, new", neigh_new, spoil_neighbours, -ENOMEM},
	{"enable", nic_enable, spoil_links, -EIO},
	{"enable with addresses", nic_enable, spoil_filters, -EIO},
	{"disable", nic_disable, spoil_nic, -ENODEV},
	{"promiscuous", promisc, spoil_links, -EIO},
	{"spoofing", spoofing, spoil_nic, -ENODEV},
	{"forwarding", forwarding, NULL, 0},
	{"option", net_option, spoil_options, -EIO},
	{"option of TCP", trans_option, spoil_options, -EIO},
	{"handler", handler_set, handler_of_a_forwarder, -EBUSY},
	{"port", port_reserve, port_there, -EADDRINUSE},
	{"probe", probe_add, NULL, 0},
};

START_TEST(one_core_cannot)
{
	const struct trial *t = &trials[_i];
	struct mr_transproto *tp = core(CORES - 1)->transprotos[MR_TRANS_UDP];

	if (!t->spoil)
		return;
	t->spoil(core(CORES - 1));
	look(before);
	ck_assert_msg(t->call() == t->error, "%s", t->name);
	look(after);
	for (unsigned i = 0; i < CORES; i++)
		ck_assert_msg(strcmp(before[i], after[i]) == 0, "%s, core %u: %s is now %s", t->name, i, before[i], after[i]);
	tp->forwarder = NULL;
}
END_TEST

/* Each allocation of a call fails once, until one is asked to fail that it does not make: then it succeeds, and the cores
 * are alike. */
START_TEST(memory_fails)
{
	const struct trial *t = &trials[_i];
	unsigned nth = 0;
	int r;

	look(before);
	do {
		allocations = 0;
		fail_at = ++nth;
		r = t->call();
		fail_at = 0;
		look(after);
		ck_assert_msg(r == 0 || r == -ENOMEM, "%s, allocation %u: %d", t->name, nth, r);
		for (unsigned i = 0; i < CORES && r < 0; i++)
			ck_assert_msg(strcmp(before[i], after[i]) == 0, "%s, allocation %u, core %u: %s is now %s", t->name, nth, i,
			              before[i], after[i]);
	} while (r < 0);
	for (unsigned i = 0; i < CORES; i++) {
		ck_assert_str_ne(before[i], after[i]);
		ck_assert_str_eq(after[0], after[i]);
	}
}
END_TEST

static Suite *
suite(void)
{
	Suite *s = suite_create("host_undo");
	TCase *tc = rig_case(s, "host_undo", furnished_setup, furnished_teardown);

	tcase_add_loop_test(tc, one_core_cannot, 0, RTE_DIM(trials));
	tcase_add_loop_test(tc, memory_fails, 0, RTE_DIM(trials));
	return s;
}

RIG_MAIN_LCORES(suite)
