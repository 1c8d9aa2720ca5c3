/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Route values: what one can be asked, sending through one, its copies and its end.
 *
 * A route is held by its local address, and that by its NIC, which stays in memory as long as an address of it is
 * referenced (nic.c); so all of this is safe after either was removed, and answers as the rest of them still can. Not
 * here: finding a way and following changes (route.c).
 */
#include "stack/route.h"

#include <errno.h>

#include <rte_byteorder.h>

#include "stack/context.h"
#include "stack/link.h"
#include "stack/neigh.h"
#include "stack/stack.h"

int
mr_route_check(struct mr_stack *s, struct mr_route *r)
{
	MR_OWN_CORE(s);
	return mr_route_use(s, r);
}

/* A released route is nobody's. */
#define OWN_CORE(r) \
	do { \
		if ((r)->local) \
			MR_OWN_CORE((r)->local->nic->stack); \
	} while (0)

void
mr_route_clone(struct mr_route *dst, const struct mr_route *src)
{
	OWN_CORE(src);
	*dst = *src;
	if (dst->local)
		mr_netep_hold(dst->local);
}

void
mr_route_release(struct mr_route *r)
{
	OWN_CORE(r);
	if (r->local)
		mr_netep_release(r->local);
	r->local = NULL;
	r->neigh = NULL;
}

static inline int
output_along(struct mr_route *r, struct rte_mbuf **pkts, uint16_t n, const struct mr_ip_params *p)
{
	struct mr_netproto *np = mr_route_netproto(r);

	return np->ops->output(np, r, pkts, n, p);
}

/* Along a stale route; a call of its own, so that the others save no registers for it. */
static __rte_noinline int
output_renewed(struct mr_route *r, struct rte_mbuf **pkts, uint16_t n, const struct mr_ip_params *p)
{
	struct mr_stack *s = r->local->nic->stack;
	int err = mr_route_renew(s, r);

	if (err >= 0)
		return output_along(r, pkts, n, p);
	for (uint16_t i = 0; i < n; i++)
		mr_drop(s, pkts[i], MR_DROP_IP_NO_ROUTE);
	return err;
}

static __rte_noinline int
output_nowhere(struct rte_mbuf **pkts, uint16_t n)
{
	rte_pktmbuf_free_bulk(pkts, n);
	return -EHOSTUNREACH;
}

int
mr_route_output(struct mr_route *r, struct rte_mbuf **pkts, uint16_t n, const struct mr_ip_params *p)
{
	OWN_CORE(r);
	if (unlikely(!r->local))
		return output_nowhere(pkts, n);
	if (unlikely(mr_route_is_stale(r->local->nic->stack, r)))
		return output_renewed(r, pkts, n, p);
	return output_along(r, pkts, n, p);
}

const struct mr_addr *
mr_route_local(const struct mr_route *r)
{
	OWN_CORE(r);
	return r->local ? &r->local->addr : NULL;
}

const struct mr_lladdr *
mr_route_local_ll(const struct mr_route *r)
{
	OWN_CORE(r);
	return r->local ? &r->local->nic->lladdr : NULL;
}

int
mr_route_remote_ll(struct mr_route *r, struct mr_lladdr *out)
{
	int err;

	OWN_CORE(r);
	err = r->local ? mr_route_use(r->local->nic->stack, r) : -EHOSTUNREACH;
	if (err < 0)
		return err;
	if (r->flags & MR_ROUTE_F_LOCAL)
		*out = r->local->nic->lladdr;
	else if (r->neigh && mr_neigh_has_ll(r->neigh))
		*out = r->neigh->ll;
	else
		return -EHOSTUNREACH;
	return 0;
}

bool
mr_route_needs_resolve(struct mr_route *r)
{
	OWN_CORE(r);
	return r->local && mr_route_use(r->local->nic->stack, r) == 0 && r->neigh && !mr_neigh_has_ll(r->neigh);
}

int
mr_route_resolve(struct mr_route *r, struct mr_neigh_waiter *w, struct mr_lladdr *out)
{
	int err;

	OWN_CORE(r);
	err = r->local ? mr_route_use(r->local->nic->stack, r) : -EHOSTUNREACH;
	if (err < 0)
		return err;
	if (r->neigh)
		return mr_neigh_want(r->neigh, &r->local->addr, w, out);
	*out = r->flags & MR_ROUTE_F_LOCAL ? r->local->nic->lladdr : (struct mr_lladdr){.len = 0};
	return 0;
}

void
mr_route_resolve_cancel(struct mr_route *r, struct mr_neigh_waiter *w)
{
	OWN_CORE(r);
	mr_neigh_cancel(w);
}

uint16_t
mr_route_net(const struct mr_route *r)
{
	OWN_CORE(r);
	return r->local ? r->local->np->ops->number : 0;
}

uint16_t
mr_route_nic(const struct mr_route *r)
{
	OWN_CORE(r);
	return r->local ? r->local->nic->id : 0;
}

uint16_t
mr_route_mtu(const struct mr_route *r)
{
	OWN_CORE(r);
	return r->local ? mr_route_payload_mtu(r) : 0;
}

uint16_t
mr_route_headroom(const struct mr_route *r)
{
	OWN_CORE(r);
	return r->local ? r->local->np->ops->hdr_bytes + r->local->nic->framing->hdr_bytes : 0;
}

uint8_t
mr_route_default_ttl(const struct mr_route *r)
{
	struct mr_netproto *np = r->local ? r->local->np : NULL;
	int64_t ttl;

	OWN_CORE(r);
	return np && np->ops->getopt && np->ops->getopt(np, MR_OPT_DEFAULT_TTL, &ttl) == 0 ? (uint8_t)ttl : 0;
}

uint32_t
mr_route_caps(const struct mr_route *r)
{
	OWN_CORE(r);
	return r->local ? mr_route_link_caps(r) : 0;
}

uint16_t
mr_route_phdr_sum(const struct mr_route *r, uint8_t trans_proto)
{
	uint32_t sum = (uint32_t)r->addr_sum + rte_cpu_to_be_16(trans_proto);

	OWN_CORE(r);
	return r->local ? (uint16_t)(sum + (sum >> 16)) : 0;
}

const uint64_t *
mr_route_stats(const struct mr_route *r)
{
	OWN_CORE(r);
	return r->local ? r->local->nic->stack->counters : NULL;
}
