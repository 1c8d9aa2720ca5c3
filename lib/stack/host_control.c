/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Control of a host: the calls of a stack, made on all of its cores, or on none.
 *
 * The stacks of a host are alike, so a call succeeds on all or fails on all, but for memory, for devices that refuse one
 * queue, and for stacks that the application has treated differently. What adds or sets notes first what a core had, and
 * puts that back if another core fails: lists grow at their end, so cutting them to their old length is exact; the table
 * of routes is put back as a whole. What removes is never taken back, for it cannot fail: a core that has nothing to
 * remove is where it should be. The call has failed if no core had anything.
 *
 * Not here: how a function comes to another core (mailbox.c), what the calls do, ports (host_port.c), the calls of single
 * protocols, which are theirs by way of mr_host_change.
 */
#include "stack/host.h"

#include <errno.h>

#include "stack/context.h"
#include "stack/neigh.h"
#include "stack/netep.h"
#include "stack/nic.h"
#include "stack/route.h"
#include "stack/stack.h"

/* What one core had before, and how it has answered. */
struct had {
	int result;
	struct mr_nic *nic; /* that the call is about; NULL: there is none */
	int64_t value;
	unsigned n;
	struct mr_route_table *routes;
	struct mr_neigh_info neigh; /* ll.len 0: not known */
	mr_default_handler handler;
	void *arg;
};

/* A call on every core. Each uses some of the arguments. */
struct call {
	int (*apply)(struct mr_stack *s, const struct call *c, struct had *had);
	void (*undo)(struct mr_stack *s, const struct call *c, struct had *had); /* NULL: it removes */
	uint16_t nic;
	int proto, opt;
	int64_t value;
	const struct mr_subnet *subnet;
	const struct mr_addr *addr;
	const struct mr_lladdr *ll;
	const struct mr_route_entry *rows;
	size_t n_rows;
	const struct mr_port_req *port;
	mr_default_handler handler;
	void *arg;
	struct had had[MR_HOST_MAX_WORKERS];
};

static int
core_apply(struct mr_stack *s, unsigned core, void *arg)
{
	struct call *c = arg;
	struct had *had = &c->had[core];

	had->nic = mr_nic_find(s, c->nic);
	return had->result = c->apply(s, c, had);
}

static void
core_undo(struct mr_stack *s, unsigned core, void *arg)
{
	struct call *c = arg;
	struct had *had = &c->had[core];

	/* An event may have removed the NIC meanwhile. */
	had->nic = mr_nic_find(s, c->nic);
	if (!c->nic || had->nic)
		c->undo(s, c, had);
}

static int
host_control(struct mr_host *h, struct call *c)
{
	int r = c->undo ? mr_host_change(h, core_apply, core_undo, c) : mr_host_call(h, core_apply, c);

	for (unsigned i = 0; i < h->n; i++) {
		mr_route_table_free(c->had[i].routes);
		if (!c->undo && c->had[i].result == 0)
			r = 0;
	}
	return r;
}

/* ---- NICs: their modes, and their addresses, which bring routes and other addresses along */

static void
nic_note(struct had *had)
{
	if (!had->nic)
		return;
	had->value = had->nic->flags & MR_NIC_F_UP;
	had->n = mr_nic_addrs_count(had->nic);
}

static void
nic_put_back(struct mr_stack *s, const struct call *c, struct had *had)
{
	if (had->value)
		mr_nic_enable(s, c->nic);
	else
		mr_nic_disable(s, c->nic);
	mr_nic_addrs_cut(had->nic, had->n);
}

static int
nic_set_up(struct mr_stack *s, const struct call *c, struct had *had)
{
	nic_note(had);
	return c->value ? mr_nic_enable(s, c->nic) : mr_nic_disable(s, c->nic);
}

int
mr_host_nic_enable(struct mr_host *h, uint16_t nic)
{
	MR_MAIN_LCORE();
	return host_control(h, &(struct call){nic_set_up, nic_put_back, .nic = nic, .value = true});
}

int
mr_host_nic_disable(struct mr_host *h, uint16_t nic)
{
	MR_MAIN_LCORE();
	return host_control(h, &(struct call){nic_set_up, nic_put_back, .nic = nic, .value = false});
}

static int
addr_add(struct mr_stack *s, const struct call *c, struct had *had)
{
	nic_note(had);
	return mr_addr_add(s, c->nic, c->subnet, (enum mr_peb)c->value);
}

int
mr_host_addr_add(struct mr_host *h, uint16_t nic, const struct mr_subnet *addr, enum mr_peb peb)
{
	MR_MAIN_LCORE();
	return host_control(h, &(struct call){addr_add, nic_put_back, .nic = nic, .subnet = addr, .value = peb});
}

static int
addr_remove(struct mr_stack *s, const struct call *c, struct had *had)
{
	(void)had;
	return mr_addr_remove(s, c->nic, c->addr);
}

int
mr_host_addr_remove(struct mr_host *h, uint16_t nic, const struct mr_addr *addr)
{
	MR_MAIN_LCORE();
	return host_control(h, &(struct call){addr_remove, .nic = nic, .addr = addr});
}

static int
promisc_set(struct mr_stack *s, const struct call *c, struct had *had)
{
	had->value = had->nic ? had->nic->flags & MR_NIC_F_PROMISC : 0;
	return mr_nic_set_promisc(s, c->nic, c->value);
}

static void
promisc_put_back(struct mr_stack *s, const struct call *c, struct had *had)
{
	mr_nic_set_promisc(s, c->nic, had->value);
}

int
mr_host_nic_set_promisc(struct mr_host *h, uint16_t nic, bool on)
{
	MR_MAIN_LCORE();
	return host_control(h, &(struct call){promisc_set, promisc_put_back, .nic = nic, .value = on});
}

static int
spoofing_set(struct mr_stack *s, const struct call *c, struct had *had)
{
	had->value = had->nic ? had->nic->flags & MR_NIC_F_SPOOFING : 0;
	return mr_nic_set_spoofing(s, c->nic, c->value);
}

static void
spoofing_put_back(struct mr_stack *s, const struct call *c, struct had *had)
{
	mr_nic_set_spoofing(s, c->nic, had->value);
}

int
mr_host_nic_set_spoofing(struct mr_host *h, uint16_t nic, bool on)
{
	MR_MAIN_LCORE();
	return host_control(h, &(struct call){spoofing_set, spoofing_put_back, .nic = nic, .value = on});
}

/* ---- subnets and groups */

static int
subnet_add(struct mr_stack *s, const struct call *c, struct had *had)
{
	had->n = had->nic ? had->nic->n_subnets : 0;
	return mr_subnet_add(s, c->nic, c->subnet);
}

static void
subnets_put_back(struct mr_stack *s, const struct call *c, struct had *had)
{
	(void)s, (void)c;
	mr_nic_subnets_cut(had->nic, had->n);
}

int
mr_host_subnet_add(struct mr_host *h, uint16_t nic, const struct mr_subnet *subnet)
{
	MR_MAIN_LCORE();
	return host_control(h, &(struct call){subnet_add, subnets_put_back, .nic = nic, .subnet = subnet});
}

static int
subnet_remove(struct mr_stack *s, const struct call *c, struct had *had)
{
	(void)had;
	return mr_subnet_remove(s, c->nic, c->subnet);
}

int
mr_host_subnet_remove(struct mr_host *h, uint16_t nic, const struct mr_subnet *subnet)
{
	MR_MAIN_LCORE();
	return host_control(h, &(struct call){subnet_remove, .nic = nic, .subnet = subnet});
}

static int
group_join(struct mr_stack *s, const struct call *c, struct had *had)
{
	(void)had;
	return mr_group_join(s, c->nic, c->addr);
}

static void
group_unjoin(struct mr_stack *s, const struct call *c, struct had *had)
{
	(void)had;
	mr_group_leave(s, c->nic, c->addr);
}

int
mr_host_group_join(struct mr_host *h, uint16_t nic, const struct mr_addr *group)
{
	MR_MAIN_LCORE();
	return host_control(h, &(struct call){group_join, group_unjoin, .nic = nic, .addr = group});
}

static int
group_leave(struct mr_stack *s, const struct call *c, struct had *had)
{
	(void)had;
	return mr_group_leave(s, c->nic, c->addr);
}

int
mr_host_group_leave(struct mr_host *h, uint16_t nic, const struct mr_addr *group)
{
	MR_MAIN_LCORE();
	return host_control(h, &(struct call){group_leave, .nic = nic, .addr = group});
}

/* ---- routes and neighbours */

static int
route_add(struct mr_stack *s, const struct call *c, struct had *had)
{
	(void)had;
	return mr_route_add(s, c->rows);
}

static void
route_unadd(struct mr_stack *s, const struct call *c, struct had *had)
{
	(void)had;
	mr_route_remove(s, c->rows);
}

int
mr_host_route_add(struct mr_host *h, const struct mr_route_entry *e)
{
	MR_MAIN_LCORE();
	return host_control(h, &(struct call){route_add, route_unadd, .rows = e});
}

static int
route_remove(struct mr_stack *s, const struct call *c, struct had *had)
{
	(void)had;
	return mr_route_remove(s, c->rows);
}

int
mr_host_route_remove(struct mr_host *h, const struct mr_route_entry *e)
{
	MR_MAIN_LCORE();
	return host_control(h, &(struct call){route_remove, .rows = e});
}

static int
routes_set(struct mr_stack *s, const struct call *c, struct had *had)
{
	had->routes = mr_route_table_copy(s);
	return had->routes ? mr_route_table_set(s, c->rows, c->n_rows) : -ENOMEM;
}

static void
routes_put_back(struct mr_stack *s, const struct call *c, struct had *had)
{
	(void)c;
	mr_route_table_put(s, had->routes);
	had->routes = NULL;
}

int
mr_host_route_table_set(struct mr_host *h, const struct mr_route_entry *rows, size_t n)
{
	MR_MAIN_LCORE();
	return host_control(h, &(struct call){routes_set, routes_put_back, .rows = rows, .n_rows = n});
}

static int
neigh_add(struct mr_stack *s, const struct call *c, struct had *had)
{
	const struct mr_neigh *n = had->nic ? mr_neigh_lookup(had->nic, c->addr) : NULL;

	if (n)
		had->neigh = mr_neigh_describe(n);
	return mr_neigh_add(s, c->nic, c->addr, c->ll);
}

static void
neigh_put_back(struct mr_stack *s, const struct call *c, struct had *had)
{
	(void)s;
	mr_neigh_restore(had->nic, c->addr, &had->neigh);
}

int
mr_host_neigh_add(struct mr_host *h, uint16_t nic, const struct mr_addr *addr, const struct mr_lladdr *ll)
{
	MR_MAIN_LCORE();
	return host_control(h, &(struct call){neigh_add, neigh_put_back, .nic = nic, .addr = addr, .ll = ll});
}

static int
neigh_remove(struct mr_stack *s, const struct call *c, struct had *had)
{
	(void)had;
	return mr_neigh_remove(s, c->nic, c->addr);
}

int
mr_host_neigh_remove(struct mr_host *h, uint16_t nic, const struct mr_addr *addr)
{
	MR_MAIN_LCORE();
	return host_control(h, &(struct call){neigh_remove, .nic = nic, .addr = addr});
}

/* ---- the stack, its protocols, its ports */

static int
forwarding_set(struct mr_stack *s, const struct call *c, struct had *had)
{
	had->value = mr_stack_forwarding(s);
	return mr_stack_set_forwarding(s, c->value);
}

static void
forwarding_put_back(struct mr_stack *s, const struct call *c, struct had *had)
{
	(void)c;
	mr_stack_set_forwarding(s, had->value);
}

int
mr_host_set_forwarding(struct mr_host *h, bool on)
{
	MR_MAIN_LCORE();
	return host_control(h, &(struct call){forwarding_set, forwarding_put_back, .value = on});
}

static int
netproto_setopt(struct mr_stack *s, const struct call *c, struct had *had)
{
	int r = mr_netproto_getopt(s, (uint16_t)c->proto, c->opt, &had->value);

	return r < 0 ? r : mr_netproto_setopt(s, (uint16_t)c->proto, c->opt, c->value);
}

static void
netproto_put_back(struct mr_stack *s, const struct call *c, struct had *had)
{
	mr_netproto_setopt(s, (uint16_t)c->proto, c->opt, had->value);
}

int
mr_host_netproto_setopt(struct mr_host *h, uint16_t net, int opt, int64_t value)
{
	MR_MAIN_LCORE();
	return host_control(h, &(struct call){netproto_setopt, netproto_put_back, .proto = net, .opt = opt, .value = value});
}

static int
transproto_setopt(struct mr_stack *s, const struct call *c, struct had *had)
{
	int r = mr_transproto_getopt(s, (uint8_t)c->proto, c->opt, &had->value);

	return r < 0 ? r : mr_transproto_setopt(s, (uint8_t)c->proto, c->opt, c->value);
}

static void
transproto_put_back(struct mr_stack *s, const struct call *c, struct had *had)
{
	mr_transproto_setopt(s, (uint8_t)c->proto, c->opt, had->value);
}

int
mr_host_transproto_setopt(struct mr_host *h, uint8_t trans, int opt, int64_t value)
{
	MR_MAIN_LCORE();
	return host_control(h,
	                    &(struct call){transproto_setopt, transproto_put_back, .proto = trans, .opt = opt, .value = value});
}

static int
handler_set(struct mr_stack *s, const struct call *c, struct had *had)
{
	const struct mr_transproto *tp = mr_stack_transproto(s, (uint8_t)c->proto);

	if (tp) {
		had->handler = tp->default_handler;
		had->arg = tp->default_arg;
	}
	return mr_transproto_set_handler(s, (uint8_t)c->proto, c->handler, c->arg);
}

static void
handler_put_back(struct mr_stack *s, const struct call *c, struct had *had)
{
	mr_transproto_set_handler(s, (uint8_t)c->proto, had->handler, had->arg);
}

int
mr_host_transproto_set_handler(struct mr_host *h, uint8_t trans, mr_default_handler fn, void *arg)
{
	MR_MAIN_LCORE();
	return host_control(h, &(struct call){handler_set, handler_put_back, .proto = trans, .handler = fn, .arg = arg});
}

static int
port_reserve(struct mr_stack *s, const struct call *c, struct had *had)
{
	(void)had;
	return mr_port_reserve(s, c->port);
}

static void
port_give_back(struct mr_stack *s, const struct call *c, struct had *had)
{
	(void)had;
	mr_port_release(s, c->port);
}

int
mr_host_port_reserve(struct mr_host *h, const struct mr_port_req *r)
{
	MR_MAIN_LCORE();
	return host_control(h, &(struct call){port_reserve, port_give_back, .port = r});
}

static int
port_release(struct mr_stack *s, const struct call *c, struct had *had)
{
	port_give_back(s, c, had);
	return 0;
}

void
mr_host_port_release(struct mr_host *h, const struct mr_port_req *r)
{
	MR_MAIN_LCORE();
	host_control(h, &(struct call){port_release, .port = r});
}
