/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Control of a host: one mechanism that carries a change to every core and takes it back if it cannot be everywhere, and
 * the calls of a stack by way of it.
 *
 * The stacks of a host are alike, so a change succeeds on all or fails on all, but for memory and for devices that refuse
 * one queue: those are what taking back is for. What replaces a value notes the old one of each core first. Removals need
 * no way back: what one stack has, all have.
 *
 * Not here: how a function comes to another core (mailbox.c), and what the calls do.
 */
#include "stack/host.h"

#include <errno.h>
#include <stdlib.h>

#include "stack/millrace.h"
#include "stack/nic.h"
#include "stack/stack.h"

enum kind {
	ADDR_ADD, ADDR_REMOVE, SUBNET_ADD, SUBNET_REMOVE, GROUP_JOIN, GROUP_LEAVE, ROUTE_ADD, ROUTE_REMOVE,
	ROUTE_TABLE, NEIGH_ADD, NEIGH_REMOVE, NIC_UP, PROMISC, SPOOFING, FORWARDING, NET_OPTION, TRANS_OPTION,
};

/* One change; each kind uses some of the fields. */
struct change {
	enum kind kind;
	uint16_t nic;
	int proto, opt;
	int64_t value;
	const struct mr_subnet *subnet;
	const struct mr_addr *addr;
	const struct mr_lladdr *ll;
	const struct mr_route_entry *rows;
	size_t n_rows;
	/* of each core */
	int result[MR_HOST_MAX_WORKERS];
	int64_t old[MR_HOST_MAX_WORKERS];
	struct {
		struct mr_route_entry *rows;
		size_t n;
	} table[MR_HOST_MAX_WORKERS]; /* the route table as it was */
};

static int
table_set(struct mr_stack *s, struct change *c, unsigned core)
{
	size_t n = mr_route_table_get(s, NULL, 0);

	c->table[core].rows = calloc(n + 1, sizeof(*c->rows));
	if (!c->table[core].rows)
		return -ENOMEM;
	c->table[core].n = mr_route_table_get(s, c->table[core].rows, n);
	return mr_route_table_set(s, c->rows, c->n_rows);
}

/* Each core has a cache of its own: not to know a neighbour is no failure. */
static int
neigh_remove(struct mr_stack *s, struct change *c, unsigned core)
{
	int r = mr_neigh_remove(s, c->nic, c->addr);

	c->old[core] = r == 0;
	return r == -ENOENT ? 0 : r;
}

static int
nic_set_up(struct mr_stack *s, uint16_t nic, bool up)
{
	return up ? mr_nic_enable(s, nic) : mr_nic_disable(s, nic);
}

/* The value that a change will replace. @return 0 or -errno */
static int
note_old(struct mr_stack *s, struct change *c, unsigned core)
{
	const struct mr_nic *nic = mr_nic_find(s, c->nic);
	uint32_t flags = nic ? nic->flags : 0;

	switch (c->kind) {
	case NIC_UP:
		c->old[core] = !!(flags & MR_NIC_F_UP);
		return 0;
	case PROMISC:
		c->old[core] = !!(flags & MR_NIC_F_PROMISC);
		return 0;
	case SPOOFING:
		c->old[core] = !!(flags & MR_NIC_F_SPOOFING);
		return 0;
	case FORWARDING:
		c->old[core] = mr_stack_forwarding(s);
		return 0;
	case NET_OPTION:
		return mr_netproto_getopt(s, (uint16_t)c->proto, c->opt, &c->old[core]);
	case TRANS_OPTION:
		return mr_transproto_getopt(s, (uint8_t)c->proto, c->opt, &c->old[core]);
	default:
		return 0;
	}
}

static int
apply(struct mr_stack *s, struct change *c, unsigned core)
{
	switch (c->kind) {
	case ADDR_ADD:
		return mr_addr_add(s, c->nic, c->subnet, (enum mr_peb)c->value);
	case ADDR_REMOVE:
		return mr_addr_remove(s, c->nic, c->addr);
	case SUBNET_ADD:
		return mr_subnet_add(s, c->nic, c->subnet);
	case SUBNET_REMOVE:
		return mr_subnet_remove(s, c->nic, c->subnet);
	case GROUP_JOIN:
		return mr_group_join(s, c->nic, c->addr);
	case GROUP_LEAVE:
		return mr_group_leave(s, c->nic, c->addr);
	case ROUTE_ADD:
		return mr_route_add(s, c->rows);
	case ROUTE_REMOVE:
		return mr_route_remove(s, c->rows);
	case ROUTE_TABLE:
		return table_set(s, c, core);
	case NEIGH_ADD:
		return mr_neigh_add(s, c->nic, c->addr, c->ll);
	case NEIGH_REMOVE:
		return neigh_remove(s, c, core);
	case NIC_UP:
		return nic_set_up(s, c->nic, c->value);
	case PROMISC:
		return mr_nic_set_promisc(s, c->nic, c->value);
	case SPOOFING:
		return mr_nic_set_spoofing(s, c->nic, c->value);
	case FORWARDING:
		return mr_stack_set_forwarding(s, c->value);
	case NET_OPTION:
		return mr_netproto_setopt(s, (uint16_t)c->proto, c->opt, c->value);
	case TRANS_OPTION:
		return mr_transproto_setopt(s, (uint8_t)c->proto, c->opt, c->value);
	}
	return -EINVAL;
}

static void
revert(struct mr_stack *s, struct change *c, unsigned core)
{
	switch (c->kind) {
	case ADDR_ADD:
		mr_addr_remove(s, c->nic, &c->subnet->addr);
		break;
	case SUBNET_ADD:
		mr_subnet_remove(s, c->nic, c->subnet);
		break;
	case GROUP_JOIN:
		mr_group_leave(s, c->nic, c->addr);
		break;
	case ROUTE_ADD:
		mr_route_remove(s, c->rows);
		break;
	case ROUTE_TABLE:
		mr_route_table_set(s, c->table[core].rows, c->table[core].n);
		break;
	case NEIGH_ADD:
		mr_neigh_remove(s, c->nic, c->addr);
		break;
	case NIC_UP:
		nic_set_up(s, c->nic, c->old[core]);
		break;
	case PROMISC:
		mr_nic_set_promisc(s, c->nic, c->old[core]);
		break;
	case SPOOFING:
		mr_nic_set_spoofing(s, c->nic, c->old[core]);
		break;
	case FORWARDING:
		mr_stack_set_forwarding(s, c->old[core]);
		break;
	case NET_OPTION:
		mr_netproto_setopt(s, (uint16_t)c->proto, c->opt, c->old[core]);
		break;
	case TRANS_OPTION:
		mr_transproto_setopt(s, (uint8_t)c->proto, c->opt, c->old[core]);
		break;
	default:
		break;
	}
}

static int
core_apply(struct mr_stack *s, unsigned core, void *arg)
{
	struct change *c = arg;
	int r = note_old(s, c, core);

	return c->result[core] = r < 0 ? r : apply(s, c, core);
}

static int
core_revert(struct mr_stack *s, unsigned core, void *arg)
{
	struct change *c = arg;

	if (c->result[core] >= 0)
		revert(s, c, core);
	return 0;
}

static int
host_change(struct mr_host *h, struct change *c)
{
	int r = mr_host_call(h, core_apply, c);

	if (r < 0)
		mr_host_call(h, core_revert, c);
	for (unsigned i = 0; i < mr_host_workers(h); i++)
		free(c->table[i].rows);
	return r;
}

/* ---- the calls */

int
mr_host_addr_add(struct mr_host *h, uint16_t nic, const struct mr_subnet *addr, enum mr_peb peb)
{
	return host_change(h, &(struct change){.kind = ADDR_ADD, .nic = nic, .subnet = addr, .value = peb});
}

int
mr_host_addr_remove(struct mr_host *h, uint16_t nic, const struct mr_addr *addr)
{
	return host_change(h, &(struct change){.kind = ADDR_REMOVE, .nic = nic, .addr = addr});
}

int
mr_host_subnet_add(struct mr_host *h, uint16_t nic, const struct mr_subnet *subnet)
{
	return host_change(h, &(struct change){.kind = SUBNET_ADD, .nic = nic, .subnet = subnet});
}

int
mr_host_subnet_remove(struct mr_host *h, uint16_t nic, const struct mr_subnet *subnet)
{
	return host_change(h, &(struct change){.kind = SUBNET_REMOVE, .nic = nic, .subnet = subnet});
}

int
mr_host_group_join(struct mr_host *h, uint16_t nic, const struct mr_addr *group)
{
	return host_change(h, &(struct change){.kind = GROUP_JOIN, .nic = nic, .addr = group});
}

int
mr_host_group_leave(struct mr_host *h, uint16_t nic, const struct mr_addr *group)
{
	return host_change(h, &(struct change){.kind = GROUP_LEAVE, .nic = nic, .addr = group});
}

int
mr_host_route_add(struct mr_host *h, const struct mr_route_entry *e)
{
	return host_change(h, &(struct change){.kind = ROUTE_ADD, .rows = e});
}

int
mr_host_route_remove(struct mr_host *h, const struct mr_route_entry *e)
{
	return host_change(h, &(struct change){.kind = ROUTE_REMOVE, .rows = e});
}

int
mr_host_route_table_set(struct mr_host *h, const struct mr_route_entry *rows, size_t n)
{
	return host_change(h, &(struct change){.kind = ROUTE_TABLE, .rows = rows, .n_rows = n});
}

int
mr_host_neigh_add(struct mr_host *h, uint16_t nic, const struct mr_addr *addr, const struct mr_lladdr *ll)
{
	return host_change(h, &(struct change){.kind = NEIGH_ADD, .nic = nic, .addr = addr, .ll = ll});
}

int
mr_host_neigh_remove(struct mr_host *h, uint16_t nic, const struct mr_addr *addr)
{
	struct change c = {.kind = NEIGH_REMOVE, .nic = nic, .addr = addr};
	int r = host_change(h, &c);
	bool known = false;

	for (unsigned i = 0; i < mr_host_workers(h); i++)
		known |= c.old[i];
	return r == 0 && !known ? -ENOENT : r;
}

int
mr_host_nic_enable(struct mr_host *h, uint16_t nic)
{
	return host_change(h, &(struct change){.kind = NIC_UP, .nic = nic, .value = true});
}

int
mr_host_nic_disable(struct mr_host *h, uint16_t nic)
{
	return host_change(h, &(struct change){.kind = NIC_UP, .nic = nic, .value = false});
}

int
mr_host_nic_set_promisc(struct mr_host *h, uint16_t nic, bool on)
{
	return host_change(h, &(struct change){.kind = PROMISC, .nic = nic, .value = on});
}

int
mr_host_nic_set_spoofing(struct mr_host *h, uint16_t nic, bool on)
{
	return host_change(h, &(struct change){.kind = SPOOFING, .nic = nic, .value = on});
}

int
mr_host_set_forwarding(struct mr_host *h, bool on)
{
	return host_change(h, &(struct change){.kind = FORWARDING, .value = on});
}

int
mr_host_netproto_setopt(struct mr_host *h, uint16_t net, int opt, int64_t value)
{
	return host_change(h, &(struct change){.kind = NET_OPTION, .proto = net, .opt = opt, .value = value});
}

int
mr_host_transproto_setopt(struct mr_host *h, uint8_t trans, int opt, int64_t value)
{
	return host_change(h, &(struct change){.kind = TRANS_OPTION, .proto = trans, .opt = opt, .value = value});
}
