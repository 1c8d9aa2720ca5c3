/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a NIC lets in besides its own addresses: subnets (S-34) and multicast groups (S-39).
 *
 * A group is an address object that counts its members. The link is told the link addresses of all groups whenever the
 * set changes, and the network protocol of each group that the NIC, while it is up, begins or ceases to listen to. Not
 * here: telling routers, which is the protocol's.
 */
#include "stack/netep.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <rte_common.h>

#include "stack/context.h"
#include "stack/neigh.h"
#include "stack/stack.h"

/* ---- subnets */

int
mr_subnet_add(struct mr_stack *s, uint16_t nic_id, const struct mr_subnet *subnet)
{
	struct mr_nic *nic = mr_nic_find(s, nic_id);
	struct mr_subnet sn = *subnet, *more;

	MR_OWN_CORE(s);
	if (!nic)
		return -ENODEV;
	if (mr_subnet_normalize(&sn) < 0)
		return -EINVAL;
	if (!mr_stack_has_netproto(s, mr_addr_net(&sn.addr)))
		return -EPROTONOSUPPORT;
	more = realloc(nic->subnets, (nic->n_subnets + 1) * sizeof(*more));
	if (!more)
		return -ENOMEM;
	nic->subnets = more;
	more[nic->n_subnets++] = sn;
	return 0;
}

int
mr_subnet_remove(struct mr_stack *s, uint16_t nic_id, const struct mr_subnet *subnet)
{
	struct mr_nic *nic = mr_nic_find(s, nic_id);
	struct mr_subnet sn = *subnet;
	unsigned k = 0;

	MR_OWN_CORE(s);
	if (!nic)
		return -ENODEV;
	if (mr_subnet_normalize(&sn) < 0)
		return -EINVAL;
	for (unsigned i = 0; i < nic->n_subnets; i++) {
		if (nic->subnets[i].plen != sn.plen || !mr_addr_equal(&nic->subnets[i].addr, &sn.addr))
			nic->subnets[k++] = nic->subnets[i];
	}
	nic->n_subnets = k;
	return 0;
}

void
mr_nic_subnets_cut(struct mr_nic *nic, unsigned n)
{
	nic->n_subnets = RTE_MIN(nic->n_subnets, n);
}

bool
mr_nic_accepts_foreign(const struct mr_nic *nic, const struct mr_addr *a)
{
	if (nic->flags & MR_NIC_F_PROMISC)
		return true;
	for (unsigned i = 0; i < nic->n_subnets; i++) {
		if (mr_subnet_contains(&nic->subnets[i], a))
			return true;
	}
	return false;
}

/* ---- groups */

static bool
has_lladdr(const struct mr_lladdr *list, unsigned n, const struct mr_lladdr *ll)
{
	while (n-- > 0) {
		if (list[n].len == ll->len && memcmp(list[n].b, ll->b, ll->len) == 0)
			return true;
	}
	return false;
}

/* By their link addresses; several groups may share one. */
int
mr_nic_groups_tell_link(struct mr_nic *nic)
{
	struct mr_lladdr *list;
	unsigned n = 0;
	int r;

	if (!nic->link->ops->set_mcast || !(nic->flags & MR_NIC_F_UP))
		return 0;
	list = malloc((nic->n_neteps + 1) * sizeof(*list));
	if (!list)
		return -ENOMEM;
	for (unsigned i = 0; i < MR_NIC_ADDR_BUCKETS; i++) {
		for (struct mr_netep *ep = nic->addrs[i]; ep; ep = ep->hash_next) {
			if (ep->kind == MR_NETEP_GROUP && mr_neigh_static(nic, &ep->addr, &list[n]) &&
			    !has_lladdr(list, n, &list[n]))
				n++;
		}
	}
	r = nic->link->ops->set_mcast(nic->link, list, n);
	free(list);
	return r;
}

static void
group_open(struct mr_netep *ep, void *arg)
{
	(void)arg;
	if (ep->nic->flags & MR_NIC_F_UP && ep->np->ops->group_join)
		ep->np->ops->group_join(ep->np, ep);
}

static void
group_close(struct mr_netep *ep, void *arg)
{
	(void)arg;
	if (ep->nic->flags & MR_NIC_F_UP && ep->np->ops->group_leave)
		ep->np->ops->group_leave(ep->np, ep);
}

void
mr_nic_each_group(struct mr_nic *nic, void (*fn)(struct mr_netep *group, void *arg), void *arg)
{
	for (unsigned i = 0; i < MR_NIC_ADDR_BUCKETS; i++) {
		for (struct mr_netep *ep = nic->addrs[i]; ep; ep = ep->hash_next) {
			if (ep->kind == MR_NETEP_GROUP)
				fn(ep, arg);
		}
	}
}

void
mr_nic_groups_open(struct mr_nic *nic)
{
	mr_nic_each_group(nic, group_open, NULL);
}

void
mr_nic_groups_close(struct mr_nic *nic)
{
	mr_nic_each_group(nic, group_close, NULL);
}

int
mr_group_join(struct mr_stack *s, uint16_t nic_id, const struct mr_addr *group)
{
	struct mr_nic *nic = mr_nic_find(s, nic_id);
	struct mr_netep *ep;
	int r;

	MR_OWN_CORE(s);
	if (!nic)
		return -ENODEV;
	if (!mr_addr_is_multicast(group))
		return -EINVAL;
	if (!mr_stack_has_netproto(s, mr_addr_net(group)))
		return -EPROTONOSUPPORT;
	ep = mr_nic_netep_any(nic, group);
	if (ep && ep->kind == MR_NETEP_GROUP) {
		if (ep->joins == UINT16_MAX)
			return -ENOBUFS;
		ep->joins++;
		return 0;
	}
	if (ep)
		mr_netep_hold(ep);
	else
		ep = mr_netep_new(nic, group, MR_NETEP_GROUP);
	if (!ep)
		return -ENOMEM;
	ep->kind = MR_NETEP_GROUP;
	ep->joins = 1;
	r = mr_nic_groups_tell_link(nic);
	if (r < 0) {
		ep->kind = MR_NETEP_EXPIRED;
		mr_netep_release(ep);
		return r;
	}
	group_open(ep, NULL);
	return 0;
}

void
mr_netep_group_drop(struct mr_netep *ep)
{
	group_close(ep, NULL);
	ep->joins = 0;
	ep->kind = MR_NETEP_EXPIRED;
	mr_netep_release(ep);
}

int
mr_group_leave(struct mr_stack *s, uint16_t nic_id, const struct mr_addr *group)
{
	struct mr_nic *nic = mr_nic_find(s, nic_id);
	struct mr_netep *ep = nic ? mr_nic_netep_any(nic, group) : NULL;

	MR_OWN_CORE(s);
	if (!nic)
		return -ENODEV;
	if (!ep || ep->kind != MR_NETEP_GROUP)
		return -EADDRNOTAVAIL;
	if (--ep->joins > 0)
		return 0;
	mr_netep_group_drop(ep);
	/* A link that still lets the group in does no harm: its packets are for nobody. */
	mr_nic_groups_tell_link(nic);
	return 0;
}
