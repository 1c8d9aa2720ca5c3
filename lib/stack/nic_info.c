/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a NIC can be asked: state, addresses, subnets. Lists are copies, made between two turns or in an event, so they fit
 * together (D-13). Lists of several NICs are in the order in which the NICs were made, those of a NIC in the order in
 * which things were added.
 */
#include "stack/netep.h"

#include <errno.h>
#include <stdio.h>

#include <rte_common.h>

#include "stack/context.h"
#include "stack/stack.h"

static void
nic_describe(struct mr_nic *nic, struct mr_nic_info *out)
{
	const struct mr_netep *ep;

	*out = (struct mr_nic_info){.id = nic->id, .lladdr = nic->lladdr, .flags = nic->flags, .mtu = nic->mtu};
	snprintf(out->name, sizeof(out->name), "%s", nic->name);
	if (nic->flags & MR_NIC_F_UP && nic->link->ops->is_up(nic->link))
		out->flags |= MR_NIC_F_RUNNING;
	TAILQ_FOREACH(ep, &nic->configured, configured)
		out->n_addrs++;
}

int
mr_nic_info(struct mr_stack *s, uint16_t id, struct mr_nic_info *out)
{
	struct mr_nic *nic = mr_nic_find(s, id);

	MR_OWN_CORE(s);
	if (!nic)
		return -ENODEV;
	nic_describe(nic, out);
	return 0;
}

size_t
mr_stack_nics(struct mr_stack *s, struct mr_nic_info *out, size_t n)
{
	struct mr_nic *nic;
	size_t k = 0;

	MR_OWN_CORE(s);
	TAILQ_FOREACH(nic, &s->nics, link_in_stack) {
		if (k++ < n)
			nic_describe(nic, &out[k - 1]);
	}
	return k;
}

/* ---- addresses */

static struct mr_nic_addr
netep_describe(const struct mr_netep *ep)
{
	bool configured = ep->kind == MR_NETEP_PERMANENT;

	return (struct mr_nic_addr){
		.addr = {.addr = ep->addr, .plen = configured ? ep->plen : mr_addr_bits(&ep->addr)},
		.kind = ep->kind,
		.peb = configured ? ep->peb : MR_PEB_NEVER_PRIMARY,
		.joins = ep->kind == MR_NETEP_GROUP ? ep->joins : 0,
	};
}

int
mr_nic_addresses(struct mr_stack *s, uint16_t nic_id, struct mr_nic_addr *out, size_t n)
{
	struct mr_nic *nic = mr_nic_find(s, nic_id);
	const struct mr_netep *ep;
	size_t k = 0;

	MR_OWN_CORE(s);
	if (!nic)
		return -ENODEV;
	TAILQ_FOREACH(ep, &nic->configured, configured) {
		if (k++ < n)
			out[k - 1] = netep_describe(ep);
	}
	for (unsigned i = 0; i < MR_NIC_ADDR_BUCKETS; i++) {
		for (ep = nic->addrs[i]; ep; ep = ep->hash_next) {
			if (ep->kind != MR_NETEP_PERMANENT && k++ < n)
				out[k - 1] = netep_describe(ep);
		}
	}
	return (int)k;
}

/* The least constrained prefix that has the address: its own, or a subnet's. */
static uint8_t
widest_prefix(const struct mr_nic *nic, const struct mr_netep *ep)
{
	uint8_t plen = ep->plen;

	for (unsigned i = 0; i < nic->n_subnets; i++) {
		if (mr_subnet_contains(&nic->subnets[i], &ep->addr))
			plen = RTE_MIN(plen, nic->subnets[i].plen);
	}
	return plen;
}

static const struct mr_netep *
main_netep(const struct mr_nic *nic, uint16_t net)
{
	const struct mr_netep *ep;

	TAILQ_FOREACH(ep, &nic->primary, primary) {
		if (mr_addr_net(&ep->addr) == net)
			return ep;
	}
	TAILQ_FOREACH(ep, &nic->configured, configured) {
		if (mr_addr_net(&ep->addr) == net)
			return ep;
	}
	return NULL;
}

int
mr_nic_main_address(struct mr_stack *s, uint16_t nic_id, uint16_t net, struct mr_subnet *out)
{
	struct mr_nic *nic = mr_nic_find(s, nic_id);
	const struct mr_netep *ep = nic ? main_netep(nic, net) : NULL;

	MR_OWN_CORE(s);
	if (!nic)
		return -ENODEV;
	if (!ep)
		return -EADDRNOTAVAIL;
	*out = (struct mr_subnet){.addr = ep->addr, .plen = widest_prefix(nic, ep)};
	return 0;
}

uint16_t
mr_stack_check_local_address(struct mr_stack *s, uint16_t nic_id, const struct mr_addr *addr)
{
	struct mr_nic *nic;

	MR_OWN_CORE(s);
	TAILQ_FOREACH(nic, &s->nics, link_in_stack) {
		if ((!nic_id || nic->id == nic_id) && mr_nic_netep_find(nic, addr))
			return nic->id;
	}
	return 0;
}

/* ---- subnets */

static bool
subnet_equal(const struct mr_subnet *a, const struct mr_subnet *b)
{
	return a->plen == b->plen && mr_addr_equal(&a->addr, &b->addr);
}

int
mr_nic_has_subnet(struct mr_stack *s, uint16_t nic_id, const struct mr_subnet *subnet)
{
	struct mr_nic *nic = mr_nic_find(s, nic_id);
	struct mr_subnet sn = *subnet;

	MR_OWN_CORE(s);
	if (!nic)
		return -ENODEV;
	if (mr_subnet_normalize(&sn) < 0)
		return -EINVAL;
	for (unsigned i = 0; i < nic->n_subnets; i++) {
		if (subnet_equal(&nic->subnets[i], &sn))
			return 1;
	}
	return sn.plen == mr_addr_bits(&sn.addr) && mr_nic_netep_find(nic, &sn.addr);
}

int
mr_nic_subnets(struct mr_stack *s, uint16_t nic_id, struct mr_subnet *out, size_t n)
{
	struct mr_nic *nic = mr_nic_find(s, nic_id);
	const struct mr_netep *ep;
	size_t k = 0;

	MR_OWN_CORE(s);
	if (!nic)
		return -ENODEV;
	TAILQ_FOREACH(ep, &nic->configured, configured) {
		if (k++ < n)
			out[k - 1] = (struct mr_subnet){.addr = ep->addr, .plen = mr_addr_bits(&ep->addr)};
	}
	for (unsigned i = 0; i < nic->n_subnets; i++) {
		if (k++ < n)
			out[k - 1] = nic->subnets[i];
	}
	return (int)k;
}
