/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The host's machine of IGMPv2 (RFC 2236 6) and MLDv1 (RFC 2710 5), for one group on one NIC.
 *
 * A group is a non-member (no object, or its NIC is down), a delaying member (report_timer runs) or an idle one. Joining
 * reports at once and once more within ten seconds. A query starts the timer, another member's report stops it, and what
 * we say when we leave is said only if the last report was ours.
 *
 * On a host of several cores each has members, but core 0 speaks for all: the control plane joins groups on every core.
 * Nobody is told of the groups of a loopback NIC.
 *
 * Not here: messages and their checks (igmp.c, mld.c), queriers, filters by source (IGMPv3, MLDv2).
 */
#include "proto/group_report.h"

#include <rte_common.h>

#include "stack/neigh.h"
#include "stack/stack.h"

#define UNSOLICITED_US 10000000 /* RFC 2236 8.10, RFC 2710 7.10 */
#define NS_PER_US 1000ull

static const struct mr_group_msgs *
msgs_of(const struct mr_netep *g)
{
	return mr_addr_is_v4(&g->addr) ? &mr_igmp_msgs : &mr_mld_msgs;
}

bool
mr_group_speaks(const struct mr_nic *nic)
{
	return mr_stack_speaks(nic->stack) && !(nic->flags & MR_NIC_F_LOOPBACK);
}

bool
mr_group_tuple(struct mr_tuple *out)
{
	*out = (struct mr_tuple){0};
	return true;
}

static bool
is_reported(const struct mr_netep *g)
{
	return mr_group_speaks(g->nic) && msgs_of(g)->is_reported(&g->addr);
}

static void
transmit(struct mr_netep *g, bool leave)
{
	struct mr_nic *nic = g->nic;
	struct mr_lladdr to = {0};
	struct mr_addr dst;
	struct rte_mbuf *m = msgs_of(g)->build(g, leave, &dst);

	if (!m)
		return;
	if (nic->caps & MR_LINK_CAP_RESOLVE && !mr_neigh_static(nic, &dst, &to)) {
		mr_drop(nic->stack, m, MR_DROP_NEIGH_FAILED);
		return;
	}
	mr_count(nic->stack, MR_CNT_IP_TX_PACKETS);
	mr_count(nic->stack, leave ? MR_CNT_GROUP_TX_LEAVES : MR_CNT_GROUP_TX_REPORTS);
	mr_nic_output_ll(nic, m, &to, g->np->ops->number);
}

static void
report(struct mr_netep *g)
{
	transmit(g, false);
	g->report_flags |= MR_REPORT_F_LAST;
}

static void
report_due(struct mr_timer *t, uint64_t now_ns)
{
	(void)now_ns;
	report(container_of(t, struct mr_netep, report_timer));
}

/* Report after a time chosen from (0, max]; at once if the querier leaves none. */
static void
report_within(struct mr_netep *g, uint32_t max_us)
{
	struct mr_stack *s = g->nic->stack;
	uint64_t delay_us = max_us ? 1 + mr_rng_below(&s->rng, max_us) : 0;

	mr_timer_arm(&s->wheel, &g->report_timer, s->now_ns + delay_us * NS_PER_US, report_due);
}

void
mr_group_joined(struct mr_netproto *np, struct mr_netep *g)
{
	(void)np;
	if (!is_reported(g))
		return;
	report(g);
	report_within(g, UNSOLICITED_US);
}

void
mr_group_left(struct mr_netproto *np, struct mr_netep *g)
{
	mr_timer_cancel(&np->stack->wheel, &g->report_timer);
	if (g->report_flags & MR_REPORT_F_LAST)
		transmit(g, true);
	g->report_flags = 0;
}

struct query {
	bool v4;
	uint32_t max_us;
};

static void
answer(struct mr_netep *g, void *arg)
{
	const struct query *q = arg;
	const struct mr_timer *t = &g->report_timer;

	if (mr_addr_is_v4(&g->addr) != q->v4 || !is_reported(g))
		return;
	/* What is due in time anyway answers this query, too. */
	if (mr_timer_armed(t) && t->deadline_ns <= g->nic->stack->now_ns + q->max_us * NS_PER_US)
		return;
	report_within(g, q->max_us);
}

void
mr_group_queried(struct mr_nic *nic, const struct mr_addr *group, uint32_t max_us)
{
	struct query q = {.v4 = mr_addr_is_v4(group), .max_us = max_us};
	struct mr_netep *g;

	mr_count(nic->stack, MR_CNT_GROUP_RX_QUERIES);
	if (mr_addr_is_any(group)) {
		mr_nic_each_group(nic, answer, &q);
		return;
	}
	g = mr_nic_netep_any(nic, group);
	if (g && g->kind == MR_NETEP_GROUP)
		answer(g, &q);
}

void
mr_group_heard(struct mr_netep *g)
{
	struct mr_stack *s = g->nic->stack;

	mr_count(s, MR_CNT_GROUP_RX_REPORTS);
	/* It is news to who waits with a report of its own, and to nobody else. */
	if (!is_reported(g) || !mr_timer_armed(&g->report_timer))
		return;
	mr_timer_cancel(&s->wheel, &g->report_timer);
	g->report_flags &= ~MR_REPORT_F_LAST;
}
