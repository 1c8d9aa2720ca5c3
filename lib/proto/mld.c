/* SPDX-License-Identifier: Apache-2.0 */
/*
 * MLDv1 for listeners (RFC 2710, 3590): its messages, read and built; when they are sent is in group_report.c.
 *
 * A query of 24 bytes is of version 1. One of 28 and more is of version 2 (RFC 3810 8.1), which we understand as version
 * 1: its source list says only that not all of our answer matters, its response code is no more than the time it means.
 *
 * Not here: MLDv2's reports; routing.
 */
#include "proto/mld.h"

#include <string.h>

#include "proto/cksum.h"
#include "proto/group_report.h"
#include "proto/ipv6.h"
#include "proto/ipv6_ext.h"
#include "proto/mbuf.h"
#include "stack/stack.h"

#define TYPE_DONE 132
#define SCOPE_INTERFACE 1
#define US_PER_MS 1000u

struct mld_msg {
	uint8_t type, code;
	uint16_t cksum;
	rte_be16_t max_resp_ms, reserved;
	struct mr_addr group;
} __attribute__((packed));
_Static_assert(sizeof(struct mld_msg) == 24, "RFC 2710 3");

/* A query of version 2 goes on with this, and then its sources. */
struct mld_v2 {
	uint8_t flags, qqic;
	rte_be16_t n_sources;
};

static const struct mr_addr all_routers = {.b = {0xff, 0x02, [15] = 2}};

/* ---- out */

static bool
mld_is_reported(const struct mr_addr *group)
{
	return (group->b[1] & 0xf) > SCOPE_INTERFACE && !mr_addr_equal(group, &mr_ipv6_all_nodes);
}

static struct rte_mbuf *
mld_build(struct mr_netep *g, bool leave, struct mr_addr *dst)
{
	static const struct mr_addr any;
	struct mr_stack *s = g->nic->stack;
	struct rte_mbuf *m = mr_stack_tx_alloc(s);
	const struct mr_netep *ep = mr_ipv6_linklocal(g->nic);
	const struct mr_addr *src = ep ? &ep->addr : &any;
	struct mld_msg *h;

	if (!m) {
		mr_count(s, MR_DROP_NO_TX_MBUF);
		return NULL;
	}
	if (ep)
		g->report_flags &= ~MR_REPORT_F_FROM_ANY;
	else
		g->report_flags |= MR_REPORT_F_FROM_ANY;
	*dst = leave ? all_routers : g->addr;
	h = mr_mbuf_prepend(m, sizeof(*h));
	*h = (struct mld_msg){.type = leave ? TYPE_DONE : MR_MLD_REPORT, .group = g->addr};
	h->cksum = ~mr_cksum_fold(mr_cksum_add(mr_cksum_phdr(src, dst, MR_TRANS_ICMPV6, sizeof(*h)), h, sizeof(*h)));
	mr_ipv6_push_plain(m, src, dst, mr_ipv6_ext_push_alert(m, MR_TRANS_ICMPV6), 1);
	return m;
}

const struct mr_group_msgs mr_mld_msgs = {
	.is_reported = mld_is_reported,
	.build = mld_build,
};

static void
report_again(struct mr_netep *g, void *arg)
{
	(void)arg;
	if (g->report_flags & MR_REPORT_F_FROM_ANY)
		mr_group_joined(g->np, g);
}

void
mr_mld_linklocal_up(struct mr_nic *nic)
{
	mr_nic_each_group(nic, report_again, NULL);
}

/* ---- in */

bool
mr_mld_tuple(struct rte_mbuf *m, struct mr_tuple *out)
{
	uint32_t off = (uint32_t)mr_pkt(m)->trans_off - m->data_off;
	uint8_t type;

	if (!mr_pkt_linear(m, off + 1))
		return false;
	type = *rte_pktmbuf_mtod_offset(m, const uint8_t *, off);
	return (type == MR_MLD_QUERY || type == MR_MLD_REPORT) && mr_group_tuple(out);
}

static bool
length_is_good(const struct rte_mbuf *m, uint8_t type)
{
	uint32_t more = m->pkt_len - (uint32_t)sizeof(struct mld_msg);
	struct mld_v2 v2;

	if (type == MR_MLD_REPORT || more == 0)
		return true;
	if (more < sizeof(v2))
		return false;
	mr_mbuf_copy_out(m, sizeof(struct mld_msg), &v2, sizeof(v2));
	return more - sizeof(v2) >= rte_be_to_cpu_16(v2.n_sources) * 16u;
}

/* RFC 2710 4, RFC 3810 6.2; the checksum's apart. A report from :: is one that routers do not hear (RFC 3590). */
static bool
mld_is_valid(const struct rte_mbuf *m, uint8_t type, const struct mr_addr *group)
{
	const struct mr_pkt *p = mr_pkt(m);

	if (p->ttl != 1 || !mr_addr_is_linklocal(&p->src) || !mr_ipv6_ext_has_alert(m) || !length_is_good(m, type))
		return false;
	if (type == MR_MLD_QUERY)
		return !mr_addr_is_v4(group) && (mr_addr_is_any(group) || mr_addr_is_multicast(group));
	return p->netep->kind == MR_NETEP_GROUP && mr_addr_equal(&p->netep->addr, group);
}

void
mr_mld_input(struct mr_nic *nic, struct rte_mbuf *m)
{
	struct mr_netep *local = mr_pkt(m)->netep;
	struct mr_addr group;
	struct mld_msg h;

	if (!mr_group_speaks(nic)) {
		rte_pktmbuf_free(m);
		return;
	}
	if (m->pkt_len < sizeof(h)) {
		mr_drop(nic->stack, m, MR_DROP_GROUP_INVALID);
		return;
	}
	mr_mbuf_copy_out(m, 0, &h, sizeof(h));
	group = h.group;
	if (!mld_is_valid(m, h.type, &group)) {
		mr_drop(nic->stack, m, MR_DROP_GROUP_INVALID);
		return;
	}
	rte_pktmbuf_free(m);
	if (h.type == MR_MLD_QUERY)
		mr_group_queried(nic, &group, rte_be_to_cpu_16(h.max_resp_ms) * US_PER_MS);
	else
		mr_group_heard(local);
}
