/* SPDX-License-Identifier: Apache-2.0 */
/*
 * IGMPv2 for hosts (RFC 2236): its messages, read and built; when they are sent is in group_report.c.
 *
 * A query is told by its length and its time (RFC 3376 7.1): 8 bytes are version 1 without a time and version 2 with one,
 * 12 and more are version 3, which we understand as version 2: its source list says only that not all of our answer
 * matters. While a querier of version 1 is about, we report as version 1 and leave in silence (RFC 2236 4). That is known
 * per NIC by the timer of its group of all hosts, which is never reported and so has no other use for it.
 *
 * Not here: IGMPv3's reports; routing.
 */
#include "proto/igmp.h"

#include <string.h>

#include "proto/cksum.h"
#include "proto/group_report.h"
#include "proto/ipv4.h"
#include "proto/mbuf.h"
#include "stack/stack.h"

#define TYPE_QUERY 0x11
#define TYPE_V1_REPORT 0x12
#define TYPE_V2_REPORT 0x16
#define TYPE_LEAVE 0x17
#define V1_MAX_RESP 100 /* tenths of a second: what a query of version 1 leaves unsaid */
#define V1_PRESENT_NS 400000000000ull /* RFC 2236 8.11 */
#define US_PER_TENTH 100000u

struct igmp_msg {
	uint8_t type, max_resp;
	uint16_t cksum;
	rte_be32_t group;
};
_Static_assert(sizeof(struct igmp_msg) == 8, "RFC 2236 2");

/* A query of version 3 goes on with this, and then its sources. */
struct igmp_v3 {
	uint8_t flags, qqic;
	rte_be16_t n_sources;
};

static const struct mr_addr all_routers = {.b = {[10] = 0xff, 0xff, 224, 0, 0, 2}};

/* ---- out */

static bool
igmp_is_reported(const struct mr_addr *group)
{
	return !mr_addr_equal(group, &mr_ipv4_all_hosts);
}

static bool
v1_querier(struct mr_nic *nic)
{
	const struct mr_netep *all = mr_nic_netep_any(nic, &mr_ipv4_all_hosts);

	return all && mr_timer_armed(&all->report_timer);
}

static struct rte_mbuf *
igmp_build(struct mr_netep *g, bool leave, struct mr_addr *dst)
{
	struct mr_stack *s = g->nic->stack;
	bool v1 = v1_querier(g->nic);
	struct mr_netep *src;
	struct igmp_msg *h;
	struct rte_mbuf *m;

	if (leave && v1)
		return NULL;
	m = mr_stack_tx_alloc(s);
	if (!m) {
		mr_count(s, MR_DROP_NO_TX_MBUF);
		return NULL;
	}
	h = mr_mbuf_prepend(m, sizeof(*h));
	*h = (struct igmp_msg){
		.type = leave ? TYPE_LEAVE : v1 ? TYPE_V1_REPORT : TYPE_V2_REPORT,
		.group = mr_ipv4_be(&g->addr),
	};
	h->cksum = ~mr_cksum_fold(mr_cksum_add(0, h, sizeof(*h)));
	*dst = leave ? all_routers : g->addr;
	/* Who has no address yet reports from 0.0.0.0 (RFC 3376 4.2.13). */
	src = mr_nic_netep_primary(g->nic, dst);
	mr_ipv4_push_alert(m, src ? mr_ipv4_be(&src->addr) : 0, mr_ipv4_be(dst), MR_TRANS_IGMP);
	return m;
}

const struct mr_group_msgs mr_igmp_msgs = {
	.is_reported = igmp_is_reported,
	.build = igmp_build,
};

/* ---- in */

static void
v1_querier_gone(struct mr_timer *t, uint64_t now_ns)
{
	(void)t;
	(void)now_ns;
}

static void
v1_querier_heard(struct mr_nic *nic)
{
	struct mr_netep *all = mr_nic_netep_any(nic, &mr_ipv4_all_hosts);

	if (all && all->kind == MR_NETEP_GROUP)
		mr_timer_arm(&nic->stack->wheel, &all->report_timer, nic->stack->now_ns + V1_PRESENT_NS, v1_querier_gone);
}

/* The length of a query of version 3 fits its sources. */
static bool
v3_is_whole(const struct rte_mbuf *m)
{
	struct igmp_v3 v3;

	if (m->pkt_len < sizeof(struct igmp_msg) + sizeof(v3))
		return false;
	mr_mbuf_copy_out(m, sizeof(struct igmp_msg), &v3, sizeof(v3));
	return m->pkt_len - sizeof(struct igmp_msg) - sizeof(v3) >= rte_be_to_cpu_16(v3.n_sources) * 4u;
}

/* @return false: it is not valid */
static bool
rx_query(struct mr_nic *nic, const struct rte_mbuf *m, const struct igmp_msg *h)
{
	struct mr_addr group = mr_ipv4_addr(h->group);

	if (m->pkt_len == sizeof(*h) && h->max_resp == 0) {
		v1_querier_heard(nic);
		group = mr_ipv4_addr(0);
		mr_group_queried(nic, &group, V1_MAX_RESP * US_PER_TENTH);
		return true;
	}
	if (m->pkt_len != sizeof(*h) && !v3_is_whole(m))
		return false;
	if (!mr_ipv4_has_alert(m) || !(mr_addr_is_any(&group) || mr_addr_is_multicast(&group)))
		return false;
	mr_group_queried(nic, &group, h->max_resp * US_PER_TENTH);
	return true;
}

static bool
is_on_link(const struct mr_nic *nic, const struct mr_addr *a)
{
	const struct mr_netep *ep;

	TAILQ_FOREACH(ep, &nic->configured, configured) {
		struct mr_subnet sn = {.addr = ep->addr, .plen = ep->plen};

		if (mr_subnet_contains(&sn, a))
			return true;
	}
	return false;
}

/* Of a neighbour, so that strangers cannot silence us (RFC 2236 10), to the group itself. @return as above */
static bool
rx_report(const struct rte_mbuf *m, const struct igmp_msg *h)
{
	const struct mr_pkt *p = mr_pkt(m);
	struct mr_addr group = mr_ipv4_addr(h->group);

	if (p->netep->kind != MR_NETEP_GROUP || !mr_addr_equal(&p->netep->addr, &group) ||
	    !is_on_link(p->netep->nic, &p->src))
		return false;
	mr_group_heard(p->netep);
	return true;
}

/* @return MR_CNT_MAX, or why it is dropped */
static enum mr_counter
igmp_rx(struct mr_nic *nic, const struct rte_mbuf *m)
{
	struct igmp_msg h;
	bool valid;

	if (m->pkt_len < sizeof(h))
		return MR_DROP_GROUP_INVALID;
	if (!mr_cksum_rx_soft_ok(m, 0))
		return MR_DROP_IGMP_BAD_CKSUM;
	mr_mbuf_copy_out(m, 0, &h, sizeof(h));
	if (h.type != TYPE_QUERY && h.type != TYPE_V1_REPORT && h.type != TYPE_V2_REPORT)
		return MR_DROP_IGMP_IGNORED;
	/* It comes from the link itself. */
	if (mr_pkt(m)->ttl != 1)
		return MR_DROP_GROUP_INVALID;
	valid = h.type == TYPE_QUERY ? rx_query(nic, m, &h) : rx_report(m, &h);
	return valid ? MR_CNT_MAX : MR_DROP_GROUP_INVALID;
}

void
mr_igmp_input(struct mr_netproto *np, struct mr_nic *nic, struct rte_mbuf **pkts, uint16_t n)
{
	mr_count_n(np->stack, MR_CNT_IP_RX_DELIVERED, n);
	for (uint16_t i = 0; i < n; i++) {
		enum mr_counter why = mr_group_speaks(nic) ? igmp_rx(nic, pkts[i]) : MR_CNT_MAX;

		if (why != MR_CNT_MAX)
			mr_count(np->stack, why);
		rte_pktmbuf_free(pkts[i]);
	}
}
