/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Control calls of a host: done by every stack. The host has real protocols on net_null; its stacks are on lcores of their
 * own, so each change is carried to another thread. What becomes of calls that one core cannot carry out is in
 * test_host_undo.c.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <rte_common.h>
#include <rte_dev.h>
#include <rte_eal.h>

#include "stack/host.h"
#include "stack/millrace.h"
#include "stack/nic.h"
#include "stack/stack.h"
#include "rig/rig.h"

#define CORES 3
#define NIC 1

static struct mr_host *host;

static struct mr_addr
addr(const char *text)
{
	struct mr_addr a;

	ck_assert_int_eq(mr_addr_parse(text, &a), 0);
	return a;
}

static struct mr_subnet
subnet(const char *text)
{
	struct mr_subnet s;

	ck_assert_int_eq(mr_subnet_parse(text, &s), 0);
	return s;
}

static void
setup(void)
{
	const struct mr_host_opts opts = {.n_workers = CORES, .stack = {.rx_mbufs = 1024, .tx_mbufs = 1024, .seed = 1}};
	const struct mr_host_port port = {.nic = NIC, .name = "null", .link = {.device = "net_null0"}};

	ck_assert_int_eq(rte_eal_hotplug_add("vdev", "net_null0", ""), 0);
	ck_assert_int_eq(mr_host_create(&opts, &host), 0);
	ck_assert_int_eq(mr_host_add_port(host, &port), 0);
}

static void
teardown(void)
{
	mr_host_destroy(host);
	rte_eal_hotplug_remove("vdev", "net_null0");
}

/* What a test asks of one stack, before the host runs: then the stacks may be touched from here. */
typedef int (*ask_fn)(struct mr_stack *s);

static void
all_say(ask_fn ask, int answer)
{
	for (unsigned i = 0; i < CORES; i++)
		ck_assert_int_eq(ask(mr_host_stack(host, i)), answer);
}

static int
ask_true(struct mr_stack *s, unsigned core, void *arg)
{
	(void)core;
	return (*(ask_fn *)arg)(s) ? 0 : -EDOM;
}

/* The same on each stack's own core: the host may run. */
static void
all_are(ask_fn ask)
{
	ck_assert_int_eq(mr_host_call(host, ask_true, &ask), 0);
}

static int
has_address(struct mr_stack *s)
{
	struct mr_addr a = addr("10.1.0.1");

	return mr_stack_check_local_address(s, NIC, &a);
}

START_TEST(addresses)
{
	struct mr_subnet a = subnet("10.1.0.1/24");
	struct mr_stack *last = mr_host_stack(host, CORES - 1);

	ck_assert_int_eq(mr_host_addr_add(host, NIC, &a, MR_PEB_CAN_BE_PRIMARY), 0);
	all_say(has_address, NIC);
	ck_assert_int_eq(mr_host_addr_add(host, NIC, &a, MR_PEB_CAN_BE_PRIMARY), -EEXIST);
	ck_assert_int_eq(mr_host_addr_add(host, 9, &a, MR_PEB_CAN_BE_PRIMARY), -ENODEV);
	ck_assert_int_eq(mr_host_addr_remove(host, NIC, &a.addr), 0);
	all_say(has_address, 0);
	ck_assert_int_eq(mr_host_addr_remove(host, NIC, &a.addr), -EADDRNOTAVAIL);
	/* One core has it alone, and then none. */
	ck_assert_int_eq(mr_addr_add(last, NIC, &a, MR_PEB_CAN_BE_PRIMARY), 0);
	ck_assert_int_eq(mr_host_addr_remove(host, NIC, &a.addr), 0);
	all_say(has_address, 0);
}
END_TEST

static int
n_routes(struct mr_stack *s)
{
	return (int)mr_route_table_get(s, NULL, 0);
}

START_TEST(routes)
{
	struct mr_subnet a = subnet("10.1.0.1/24");
	struct mr_route_entry row = {.dest = subnet("10.9.0.0/16"), .gateway = addr("10.1.0.2"), .nic = NIC};
	struct mr_route_entry rows[2] = {{.dest = subnet("10.7.0.0/16"), .nic = NIC}, {.dest = subnet("10.8.0.0/16"), .nic = NIC}};

	ck_assert_int_eq(mr_host_addr_add(host, NIC, &a, MR_PEB_CAN_BE_PRIMARY), 0);
	all_say(n_routes, 1);
	ck_assert_int_eq(mr_host_route_add(host, &row), 0);
	all_say(n_routes, 2);
	ck_assert_int_eq(mr_host_route_remove(host, &row), 0);
	ck_assert_int_eq(mr_host_route_remove(host, &row), -ENOENT);
	/* Core 1 has the row alone. */
	ck_assert_int_eq(mr_route_add(mr_host_stack(host, 1), &row), 0);
	ck_assert_int_eq(mr_host_route_remove(host, &row), 0);
	all_say(n_routes, 1);
	ck_assert_int_eq(mr_host_route_table_set(host, rows, 2), 0);
	all_say(n_routes, 2);
	/* A table that cannot be: each core has its old one. */
	rows[1].nic = 0;
	ck_assert_int_eq(mr_host_route_table_set(host, rows, 2), -EINVAL);
	all_say(n_routes, 2);
}
END_TEST

static int
in_group(struct mr_stack *s)
{
	struct mr_addr g = addr("224.0.0.99");
	struct mr_netep *ep = mr_nic_netep_any(mr_nic_find(s, NIC), &g);

	return ep && ep->kind == MR_NETEP_GROUP ? ep->joins : 0;
}

static int
in_subnet(struct mr_stack *s)
{
	struct mr_subnet n = subnet("10.3.0.0/16");

	return mr_nic_has_subnet(s, NIC, &n);
}

START_TEST(groups_and_subnets)
{
	struct mr_addr g = addr("224.0.0.99"), not_one = addr("10.0.0.1");
	struct mr_subnet n = subnet("10.3.0.0/16");

	ck_assert_int_eq(mr_host_group_join(host, NIC, &g), 0);
	ck_assert_int_eq(mr_host_group_join(host, NIC, &g), 0);
	all_say(in_group, 2);
	ck_assert_int_eq(mr_host_group_leave(host, NIC, &g), 0);
	all_say(in_group, 1);
	ck_assert_int_eq(mr_host_group_join(host, NIC, &not_one), -EINVAL);
	ck_assert_int_eq(mr_host_group_leave(host, NIC, &not_one), -EADDRNOTAVAIL);
	ck_assert_int_eq(mr_host_subnet_add(host, NIC, &n), 0);
	all_say(in_subnet, 1);
	ck_assert_int_eq(mr_host_subnet_remove(host, NIC, &n), 0);
	all_say(in_subnet, 0);
	/* What core 0 is in no more, the others leave all the same. */
	ck_assert_int_eq(mr_group_leave(mr_host_stack(host, 0), NIC, &g), 0);
	ck_assert_int_eq(mr_host_group_leave(host, NIC, &g), 0);
	all_say(in_group, 0);
	ck_assert_int_eq(mr_host_group_leave(host, NIC, &g), -EADDRNOTAVAIL);
	ck_assert_int_eq(mr_host_subnet_remove(host, 9, &n), -ENODEV);
}
END_TEST

static int
n_neighbours(struct mr_stack *s)
{
	return mr_neigh_list(s, NIC, NULL, 0);
}

START_TEST(neighbours)
{
	struct mr_addr a = addr("10.1.0.7");
	struct mr_lladdr ll = {.b = {2, 0, 0, 0, 0, 7}, .len = 6};
	int before = n_neighbours(mr_host_stack(host, 0));

	ck_assert_int_eq(mr_host_neigh_add(host, NIC, &a, &ll), 0);
	all_say(n_neighbours, before + 1);
	/* Known to one core is known to the host. */
	ck_assert_int_eq(mr_neigh_remove(mr_host_stack(host, 0), NIC, &a), 0);
	ck_assert_int_eq(mr_neigh_remove(mr_host_stack(host, 2), NIC, &a), 0);
	ck_assert_int_eq(mr_host_neigh_remove(host, NIC, &a), 0);
	ck_assert_int_eq(mr_host_neigh_remove(host, NIC, &a), -ENOENT);
	all_say(n_neighbours, before);
}
END_TEST

static int
nic_flags(struct mr_stack *s)
{
	const struct mr_nic *nic = mr_nic_find(s, NIC);

	return nic ? (int)(nic->flags & (MR_NIC_F_UP | MR_NIC_F_PROMISC | MR_NIC_F_SPOOFING)) : -1;
}

START_TEST(modes)
{
	ck_assert_int_eq(mr_host_nic_set_promisc(host, NIC, true), 0);
	all_say(nic_flags, MR_NIC_F_UP | MR_NIC_F_PROMISC);
	ck_assert_int_eq(mr_host_nic_set_spoofing(host, NIC, true), 0);
	all_say(nic_flags, MR_NIC_F_UP | MR_NIC_F_PROMISC | MR_NIC_F_SPOOFING);
	ck_assert_int_eq(mr_host_nic_set_promisc(host, NIC, false), 0);
	ck_assert_int_eq(mr_host_nic_set_spoofing(host, NIC, false), 0);
	ck_assert_int_eq(mr_host_nic_disable(host, NIC), 0);
	all_say(nic_flags, 0);
	ck_assert_int_eq(mr_host_nic_enable(host, NIC), 0);
	all_say(nic_flags, MR_NIC_F_UP);
	ck_assert_int_eq(mr_host_nic_set_promisc(host, 9, true), -ENODEV);
	ck_assert_int_eq(mr_host_nic_set_spoofing(host, 9, true), -ENODEV);
	ck_assert_int_eq(mr_host_nic_disable(host, 9), -ENODEV);
	ck_assert_int_eq(mr_host_nic_enable(host, 9), -ENODEV);
}
END_TEST

static int
forwards(struct mr_stack *s)
{
	return mr_stack_forwarding(s);
}

static int
default_ttl(struct mr_stack *s)
{
	int64_t v = -1;

	ck_assert_int_eq(mr_netproto_getopt(s, MR_NET_IPV4, MR_OPT_DEFAULT_TTL, &v), 0);
	return (int)v;
}

static int
init_cwnd(struct mr_stack *s)
{
	int64_t v = -1;

	ck_assert_int_eq(mr_transproto_getopt(s, MR_TRANS_TCP, MR_OPT_TCP_INIT_CWND, &v), 0);
	return (int)v;
}

START_TEST(options)
{
	ck_assert_int_eq(mr_host_set_forwarding(host, true), 0);
	all_say(forwards, true);
	ck_assert_int_eq(mr_host_set_forwarding(host, false), 0);
	all_say(forwards, false);
	ck_assert_int_eq(mr_host_netproto_setopt(host, MR_NET_IPV4, MR_OPT_DEFAULT_TTL, 17), 0);
	all_say(default_ttl, 17);
	ck_assert_int_eq(mr_host_netproto_setopt(host, MR_NET_IPV4, MR_OPT_DEFAULT_TTL, 0), -EINVAL);
	ck_assert_int_eq(mr_host_netproto_setopt(host, 0x1234, MR_OPT_DEFAULT_TTL, 9), -EPROTONOSUPPORT);
	all_say(default_ttl, 17);
	ck_assert_int_eq(mr_host_transproto_setopt(host, MR_TRANS_TCP, MR_OPT_TCP_INIT_CWND, 20), 0);
	all_say(init_cwnd, 20);
	ck_assert_int_eq(mr_host_transproto_setopt(host, MR_TRANS_TCP, MR_OPT_TCP_INIT_CWND, 0), -EINVAL);
	ck_assert_int_eq(mr_host_transproto_setopt(host, MR_TRANS_TCP, -1, 9), -ENOPROTOOPT);
	all_say(init_cwnd, 20);
}
END_TEST

static void
probe(const struct mr_tcp_ep_state *state, void *arg)
{
	(void)state, (void)arg;
}

static int
has_probe(struct mr_stack *s)
{
	void *arg = NULL;

	return mr_tcp_probe_get(s, &arg) == probe && arg == &host;
}

static int
has_no_probe(struct mr_stack *s)
{
	return mr_tcp_probe_get(s, NULL) == NULL;
}

START_TEST(probes)
{
	for (unsigned i = 0; i < 2; i++) {
		if (i == 1)
			ck_assert_int_eq(mr_host_start(host), 0);
		ck_assert_int_eq(mr_host_tcp_probe_add(host, probe, NULL), 0);
		ck_assert_int_eq(mr_host_tcp_probe_add(host, probe, &host), 0); /* in place of it */
		ck_assert_int_eq(mr_host_tcp_probe_add(host, NULL, NULL), -EINVAL);
		all_are(has_probe);
		mr_host_tcp_probe_remove(host);
		all_are(has_no_probe);
	}
}
END_TEST

static bool
handler(struct mr_transproto *tp, struct rte_mbuf *m, void *arg)
{
	(void)tp, (void)m, (void)arg;
	return false;
}

static int
has_handler(struct mr_stack *s)
{
	const struct mr_transproto *tp = mr_stack_transproto(s, MR_TRANS_UDP);

	return tp->default_handler == handler && tp->default_arg == &host;
}

START_TEST(handlers)
{
	ck_assert_int_eq(mr_host_transproto_set_handler(host, MR_TRANS_UDP, handler, &host), 0);
	all_say(has_handler, true);
	ck_assert_int_eq(mr_host_transproto_set_handler(host, 99, handler, &host), -EPROTONOSUPPORT);
	ck_assert_int_eq(mr_host_transproto_set_handler(host, MR_TRANS_UDP, NULL, NULL), 0);
	all_say(has_handler, false);
	/* As long as no stack has made a turn. */
	mr_stack_poll(mr_host_stack(host, 0), 1);
	ck_assert_int_eq(mr_host_transproto_set_handler(host, MR_TRANS_UDP, handler, &host), -EBUSY);
	all_say(has_handler, false);
}
END_TEST

static const struct mr_port_req port = {.proto = MR_TRANS_UDP, .v4 = true, .port = 4000};

static int
port_is_free(struct mr_stack *s)
{
	return mr_port_is_available(s, &port);
}

START_TEST(reserved_ports)
{
	ck_assert_int_eq(mr_host_port_reserve(host, &port), 0);
	all_say(port_is_free, false);
	ck_assert_int_eq(mr_host_port_reserve(host, &port), -EADDRINUSE);
	mr_port_release(mr_host_stack(host, 0), &port);
	mr_host_port_release(host, &port);
	all_say(port_is_free, true);
	mr_host_port_release(host, &port);
}
END_TEST

/* An application's own change: undone on the cores that had made it, and on no other. */
static int calls[CORES], undone[CORES];

static int
change(struct mr_stack *s, unsigned core, void *arg)
{
	(void)s;
	calls[core]++;
	return core == *(const unsigned *)arg ? -ENOSPC : 0;
}

static void
undo(struct mr_stack *s, unsigned core, void *arg)
{
	ck_assert_ptr_eq(s, mr_host_stack(host, core));
	ck_assert_uint_ne(core, *(const unsigned *)arg);
	undone[core]++;
}

START_TEST(changes)
{
	unsigned bad = (unsigned)_i % (CORES + 1); /* CORES: none */

	memset(calls, 0, sizeof(calls));
	memset(undone, 0, sizeof(undone));
	if (_i > CORES)
		ck_assert_int_eq(mr_host_start(host), 0);
	ck_assert_int_eq(mr_host_change(host, change, undo, &bad), bad < CORES ? -ENOSPC : 0);
	for (unsigned i = 0; i < CORES; i++) {
		ck_assert_int_eq(calls[i], 1);
		ck_assert_int_eq(undone[i], bad < CORES && i != bad);
	}
}
END_TEST

/* The same while all run: changes go to the threads that own the stacks. */
START_TEST(while_running)
{
	struct mr_subnet a = subnet("10.1.0.1/24");

	ck_assert_int_eq(mr_host_start(host), 0);
	for (unsigned i = 0; i < 20; i++) {
		ck_assert_int_eq(mr_host_addr_add(host, NIC, &a, MR_PEB_CAN_BE_PRIMARY), 0);
		ck_assert_int_eq(mr_host_addr_add(host, NIC, &a, MR_PEB_CAN_BE_PRIMARY), -EEXIST);
		ck_assert_int_eq(mr_host_addr_remove(host, NIC, &a.addr), 0);
	}
	ck_assert_int_eq(mr_host_addr_add(host, NIC, &a, MR_PEB_CAN_BE_PRIMARY), 0);
	mr_host_stop(host);
	all_say(has_address, NIC);
}
END_TEST

static Suite *
suite(void)
{
	Suite *s = suite_create("host_control");
	TCase *tc = rig_case(s, "host_control", setup, teardown);

	tcase_add_test(tc, addresses);
	tcase_add_test(tc, routes);
	tcase_add_test(tc, groups_and_subnets);
	tcase_add_test(tc, neighbours);
	tcase_add_test(tc, modes);
	tcase_add_test(tc, options);
	tcase_add_test(tc, probes);
	tcase_add_test(tc, handlers);
	tcase_add_test(tc, reserved_ports);
	tcase_add_loop_test(tc, changes, 0, 2 * (CORES + 1));
	tcase_add_test(tc, while_running);
	return s;
}

RIG_MAIN_LCORES(suite)
