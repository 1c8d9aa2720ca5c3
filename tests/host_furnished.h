/* SPDX-License-Identifier: Apache-2.0 */
/*
 * For the tests of what a host undoes: a host with something in it of everything that control calls change, and all that
 * its stacks say of themselves, as text. The host does not run, so its stacks may be looked at from here.
 */
#ifndef TESTS_HOST_FURNISHED_H
#define TESTS_HOST_FURNISHED_H

#include <stdarg.h>
#include <stdio.h>
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
#define NIC 1     /* up, with addresses of IPv4 */
#define QUIET 2   /* down, with addresses of IPv6 */
#define NEIGHS 4
#define FINGERPRINT 8192

static struct mr_host *host;

/* These two run in calls whose memory fails, which Check does not stand. */
static inline struct mr_addr
addr(const char *text)
{
	struct mr_addr a;

	if (mr_addr_parse(text, &a) < 0)
		abort();
	return a;
}

static inline struct mr_subnet
subnet(const char *text)
{
	struct mr_subnet s;

	if (mr_subnet_parse(text, &s) < 0)
		abort();
	return s;
}

static inline struct mr_route_entry
row(const char *dest, const char *gateway, uint16_t nic)
{
	return (struct mr_route_entry){.dest = subnet(dest), .gateway = addr(gateway), .nic = nic};
}

static inline struct mr_lladdr
lladdr(uint8_t last)
{
	return (struct mr_lladdr){.b = {2, 0, 0, 0, 0, last}, .len = 6};
}

static inline struct mr_stack *
core(unsigned i)
{
	return mr_host_stack(host, i);
}

static inline void
probe(const struct mr_tcp_ep_state *state, void *arg)
{
	(void)state, (void)arg;
}

static inline bool
handler(struct mr_transproto *tp, struct rte_mbuf *m, void *arg)
{
	(void)tp, (void)m, (void)arg;
	return false;
}

/* What is learned, each core hears by itself. */
static inline void
learn(struct mr_stack *s)
{
	struct mr_neigh_advert adv = {.solicited = true, .override = true, .has_ll = true, .ll = lladdr(8)};
	struct mr_addr stale = addr("10.1.0.7"), reachable = addr("10.1.0.8");
	struct mr_lladdr ll = lladdr(7);

	mr_neigh_learn(mr_nic_find(s, NIC), &stale, &ll, true);
	mr_neigh_learn(mr_nic_find(s, NIC), &reachable, &ll, true);
	mr_neigh_advert(mr_nic_find(s, NIC), &reachable, &adv);
}

static inline void
furnish(void)
{
	static const char *const addrs[] = {"10.1.0.1/24", "10.1.0.2/24", "10.2.0.1/16"};
	struct mr_subnet quiet = subnet("fd02::1/64"), quiet2 = subnet("fd02::2/64"), in = subnet("10.3.0.0/16");
	struct mr_addr group = addr("224.0.0.99"), neigh = addr("10.1.0.9");
	struct mr_lladdr ll = lladdr(9);
	/* Rows by hand, some like those that addresses bring along. */
	struct mr_route_entry rows[] = {
		row("10.9.0.0/16", "10.1.0.9", NIC), row("10.6.0.0/16", "0.0.0.0", NIC), row("10.9.0.0/16", "10.2.0.9", NIC),
		row("fe80::/64", "::", NIC), row("10.9.0.0/16", "10.2.0.8", NIC), row("fe80::/64", "::", QUIET),
	};

	for (unsigned i = 0; i < RTE_DIM(addrs); i++) {
		struct mr_subnet a = subnet(addrs[i]);

		ck_assert_int_eq(mr_host_addr_add(host, NIC, &a, i == 1 ? MR_PEB_FIRST_PRIMARY : MR_PEB_CAN_BE_PRIMARY), 0);
	}
	ck_assert_int_eq(mr_host_nic_disable(host, QUIET), 0);
	ck_assert_int_eq(mr_host_addr_add(host, QUIET, &quiet, MR_PEB_CAN_BE_PRIMARY), 0);
	ck_assert_int_eq(mr_host_addr_add(host, QUIET, &quiet2, MR_PEB_CAN_BE_PRIMARY), 0);
	for (unsigned i = 0; i < RTE_DIM(rows); i++)
		ck_assert_int_eq(mr_host_route_add(host, &rows[i]), 0);
	ck_assert_int_eq(mr_host_subnet_add(host, NIC, &in), 0);
	ck_assert_int_eq(mr_host_group_join(host, NIC, &group), 0);
	ck_assert_int_eq(mr_host_neigh_add(host, NIC, &neigh, &ll), 0);
	ck_assert_int_eq(mr_host_tcp_probe_add(host, probe, &host), 0);
	ck_assert_int_eq(mr_host_transproto_set_handler(host, MR_TRANS_UDP, handler, &host), 0);
	for (unsigned i = 0; i < CORES; i++)
		learn(core(i));
}

static inline void
furnished_setup(void)
{
	const struct mr_host_opts opts = {.n_workers = CORES, .stack = {.rx_mbufs = 1024, .tx_mbufs = 1024, .seed = 1,
	                                                                .max_neighbours = NEIGHS}};
	const struct mr_host_port ports[] = {
		{.nic = NIC, .name = "null", .link = {.device = "net_null0", .rx_desc = 64}},
		{.nic = QUIET, .name = "quiet", .link = {.device = "net_null1", .rx_desc = 64}},
	};

	ck_assert_int_eq(rte_eal_hotplug_add("vdev", "net_null0", ""), 0);
	ck_assert_int_eq(rte_eal_hotplug_add("vdev", "net_null1", ""), 0);
	ck_assert_int_eq(mr_host_create(&opts, &host), 0);
	for (unsigned i = 0; i < RTE_DIM(ports); i++)
		ck_assert_int_eq(mr_host_add_port(host, &ports[i]), 0);
	furnish();
}

static inline void
furnished_teardown(void)
{
	mr_host_destroy(host);
	rte_eal_hotplug_remove("vdev", "net_null0");
	rte_eal_hotplug_remove("vdev", "net_null1");
}

/* ---- what a stack says of itself */

struct text {
	char *at, *end;
};

static inline void __attribute__((format(printf, 2, 3)))
say(struct text *t, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	t->at += vsnprintf(t->at, (size_t)(t->end - t->at), fmt, ap);
	va_end(ap);
	ck_assert(t->at < t->end);
}

static inline const char *
name(const struct mr_addr *a)
{
	static char text[2][MR_ADDR_STRLEN];
	static unsigned i;

	return mr_addr_format(a, text[i = !i], sizeof(text[0]));
}

static inline int
by_text(const void *a, const void *b)
{
	return memcmp(a, b, sizeof(struct mr_nic_addr));
}

static inline void
say_nic(struct text *t, struct mr_stack *s, struct mr_nic *nic)
{
	struct mr_nic_addr addrs[32];
	struct mr_subnet nets[32];
	struct mr_neigh_info neighs[NEIGHS];
	const struct mr_netep *ep;
	int n = mr_nic_addresses(s, nic->id, addrs, RTE_DIM(addrs)), fixed = 0;

	ck_assert_int_le(n, RTE_DIM(addrs));
	say(t, "NIC %u flags %x\n", nic->id, nic->flags);
	while (fixed < n && addrs[fixed].kind == MR_NETEP_PERMANENT)
		fixed++;
	/* The others are in no order. */
	qsort(&addrs[fixed], (size_t)(n - fixed), sizeof(addrs[0]), by_text);
	for (int i = 0; i < n; i++)
		say(t, " address %s/%u %d %d %u\n", name(&addrs[i].addr.addr), addrs[i].addr.plen, addrs[i].kind, addrs[i].peb,
		    addrs[i].joins);
	TAILQ_FOREACH(ep, &nic->primary, primary)
		say(t, " primary %s\n", name(&ep->addr));
	for (unsigned i = 0; i < nic->n_bcasts; i++)
		say(t, " broadcast %s %u\n", name(&nic->bcasts[i].addr), nic->bcasts[i].users);
	n = mr_nic_subnets(s, nic->id, nets, RTE_DIM(nets));
	for (int i = 0; i < n; i++)
		say(t, " subnet %s/%u\n", name(&nets[i].addr), nets[i].plen);
	n = mr_neigh_list(s, nic->id, neighs, NEIGHS);
	for (int i = 0; i < n; i++)
		say(t, " neighbour %s %02x %d %d\n", name(&neighs[i].addr), neighs[i].ll.b[5], neighs[i].state, neighs[i].pinned);
}

static inline void
say_all(struct mr_stack *s, char *buf)
{
	struct text t = {buf, buf + FINGERPRINT};
	struct mr_port_req port = {.proto = MR_TRANS_UDP, .v4 = true, .port = 4000};
	struct mr_route_entry rows[64];
	size_t n = mr_route_table_get(s, rows, RTE_DIM(rows));
	struct mr_nic *nic;
	int64_t ttl, cwnd;
	void *arg = NULL;

	ck_assert_uint_le(n, RTE_DIM(rows));
	TAILQ_FOREACH(nic, &s->nics, link_in_stack)
		say_nic(&t, s, nic);
	for (size_t i = 0; i < n; i++)
		say(&t, "%s/%u by %s NIC %u\n", name(&rows[i].dest.addr), rows[i].dest.plen, name(&rows[i].gateway), rows[i].nic);
	ck_assert_int_eq(mr_netproto_getopt(s, MR_NET_IPV4, MR_OPT_DEFAULT_TTL, &ttl), 0);
	ck_assert_int_eq(mr_transproto_getopt(s, MR_TRANS_TCP, MR_OPT_TCP_INIT_CWND, &cwnd), 0);
	say(&t, "ttl %d cwnd %d forwards %d port %d\n", (int)ttl, (int)cwnd, mr_stack_forwarding(s),
	    mr_port_is_available(s, &port));
	say(&t, "probe %d", mr_tcp_probe_get(s, &arg) == probe);
	say(&t, " with %p, handler %d with %p\n", arg, s->transprotos[MR_TRANS_UDP]->default_handler == handler,
	    s->transprotos[MR_TRANS_UDP]->default_arg);
}

#endif
