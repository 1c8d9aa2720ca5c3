/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Neighbour discovery (RFC 4861 7.2): solicitations and advertisements, received, answered and sent.
 *
 * Not here: the cache with its states, timers and limits (stack/neigh.h); routers, prefixes and redirects; duplicate
 * detection of our own addresses, though that of others is answered.
 * Invariants: nothing that fails the checks of 7.1 has any effect; an advertisement makes no entry; answers are given
 * for the addresses configured on the NIC itself.
 */
#include "proto/ndp.h"

#include <string.h>

#include <rte_common.h>

#include "proto/cksum.h"
#include "proto/ipv6.h"
#include "proto/mbuf.h"
#include "stack/neigh.h"
#include "stack/stack.h"

#define HOP_LIMIT 255
#define OPT_SLLA 1
#define OPT_TLLA 2
#define OPT_LL_BYTES 8
#define NA_ROUTER 0x80
#define NA_SOLICITED 0x40
#define NA_OVERRIDE 0x20

/* Both messages. */
struct nd_msg {
	uint8_t type, code;
	uint16_t cksum;
	uint8_t flags, reserved[3];
	struct mr_addr target;
} __attribute__((packed));
_Static_assert(sizeof(struct nd_msg) == 24, "RFC 4861 4.3");

/* A received one, taken apart. */
struct nd_facts {
	struct mr_addr target;
	struct mr_lladdr ll; /* len 0: not told */
	uint8_t flags;
	bool ns;
};

struct nd_opt_ll {
	uint8_t type, units;
	uint8_t ll[6];
};

static void
group_lladdr(const struct mr_addr *group, struct mr_lladdr *out)
{
	*out = (struct mr_lladdr){.b = {0x33, 0x33, group->b[12], group->b[13], group->b[14], group->b[15]}, .len = 6};
}

/* Build a message about `target`, with our link address in option `opt` (0: none). NULL: no packet left (counted). */
static struct rte_mbuf *
nd_build(struct mr_nic *nic, uint8_t type, uint8_t flags, uint8_t opt, const struct mr_addr *target,
         const struct mr_addr *src, const struct mr_addr *dst)
{
	struct rte_mbuf *m = mr_stack_tx_alloc(nic->stack);
	struct nd_msg *h;
	uint16_t sum;

	if (!m) {
		mr_count(nic->stack, MR_DROP_NO_TX_MBUF);
		return NULL;
	}
	if (opt) {
		struct nd_opt_ll *o = mr_mbuf_prepend(m, sizeof(*o));

		*o = (struct nd_opt_ll){.type = opt, .units = 1};
		memcpy(o->ll, nic->lladdr.b, sizeof(o->ll));
	}
	h = mr_mbuf_prepend(m, sizeof(*h));
	*h = (struct nd_msg){.type = type, .flags = flags, .target = *target};
	sum = mr_cksum_phdr(src, dst, MR_TRANS_ICMPV6, m->pkt_len);
	h->cksum = ~mr_cksum_fold(mr_cksum_chain(sum, m, 0, m->pkt_len));
	mr_ipv6_push_plain(m, src, dst, MR_TRANS_ICMPV6, HOP_LIMIT);
	mr_count(nic->stack, MR_CNT_IP_TX_PACKETS);
	mr_count(nic->stack, type == MR_NDP_NS ? MR_CNT_NDP_TX_NS : MR_CNT_NDP_TX_NA);
	return m;
}

static void
ndp_request(struct mr_netproto *np, struct mr_nic *nic, const struct mr_addr *addr, const struct mr_addr *src,
            const struct mr_lladdr *ll)
{
	struct mr_addr dst = ll ? *addr : mr_ipv6_solicited_node(addr);
	struct rte_mbuf *m = nd_build(nic, MR_NDP_NS, 0, OPT_SLLA, addr, src, &dst);
	struct mr_lladdr to;

	(void)np;
	if (!m)
		return;
	if (ll)
		to = *ll;
	else
		group_lladdr(&dst, &to);
	mr_nic_output_ll(nic, m, &to, MR_NET_IPV6);
}

static bool
ndp_resolve_static(struct mr_netproto *np, struct mr_nic *nic, const struct mr_addr *addr, struct mr_lladdr *out)
{
	(void)np;
	(void)nic;
	if (!mr_addr_is_multicast(addr))
		return false;
	group_lladdr(addr, out);
	return true;
}

const struct mr_resolver mr_ndp_resolver = {
	.resolves_for = MR_NET_IPV6,
	.request = ndp_request,
	.resolve_static = ndp_resolve_static,
};

/* Advertise to all nodes. */
static void
advertise_all(struct mr_netep *ep)
{
	struct mr_nic *nic = ep->nic;
	struct rte_mbuf *m = nd_build(nic, MR_NDP_NA, NA_OVERRIDE, OPT_TLLA, &ep->addr, &ep->addr, &mr_ipv6_all_nodes);
	struct mr_lladdr to;

	if (!m)
		return;
	group_lladdr(&mr_ipv6_all_nodes, &to);
	mr_nic_output_ll(nic, m, &to, MR_NET_IPV6);
}

void
mr_ndp_announce(struct mr_netep *ep)
{
	if (ep->nic->flags & MR_NIC_F_UP && ep->nic->caps & MR_LINK_CAP_RESOLVE && mr_stack_speaks(ep->nic->stack))
		advertise_all(ep);
}

/* The answer to a solicitation, to who asked: straight back if it told its link address, else through the cache. */
static void
advertise_to(struct mr_netep *ep, const struct mr_addr *to, const struct mr_lladdr *ll)
{
	struct mr_nic *nic = ep->nic;
	struct rte_mbuf *m = nd_build(nic, MR_NDP_NA, NA_SOLICITED | NA_OVERRIDE, OPT_TLLA, &ep->addr, &ep->addr, to);
	struct mr_neigh *n;

	if (!m)
		return;
	if (ll->len) {
		mr_nic_output_ll(nic, m, ll, MR_NET_IPV6);
		return;
	}
	n = mr_neigh_use(nic, to);
	if (n)
		mr_nic_output_burst(nic, n, &m, 1, MR_NET_IPV6);
	else
		mr_drop(nic->stack, m, MR_DROP_NEIGH_FAILED);
}

/* Walk the options and pick the link address of option `want`. @return false: a length that does not fit (7.1) */
static bool
options_read(const struct rte_mbuf *m, uint8_t want, struct mr_lladdr *ll)
{
	uint32_t off = sizeof(struct nd_msg);

	ll->len = 0;
	while (off < m->pkt_len) {
		uint8_t head[2];
		uint32_t len;

		if (m->pkt_len - off < sizeof(head))
			return false;
		mr_mbuf_copy_out(m, off, head, sizeof(head));
		len = head[1] * 8u;
		if (len == 0 || len > m->pkt_len - off)
			return false;
		if (head[0] == want && len == OPT_LL_BYTES) {
			mr_mbuf_copy_out(m, off + 2, ll->b, sizeof(ll->b));
			ll->len = sizeof(ll->b);
			if (ll->b[0] & 1)
				return false;
		}
		off += len;
	}
	return true;
}

/* The checks of RFC 4861 7.1, the checksum's apart. Writes the facts. */
static bool
nd_is_valid(const struct rte_mbuf *m, struct nd_facts *f)
{
	const struct mr_pkt *p = mr_pkt(m);
	const struct mr_addr *dst = &p->netep->addr;
	struct mr_addr group;
	struct nd_msg h;

	if (p->ttl != HOP_LIMIT || m->pkt_len < sizeof(h))
		return false;
	mr_mbuf_copy_out(m, 0, &h, sizeof(h));
	f->ns = h.type == MR_NDP_NS;
	f->flags = h.flags;
	f->target = h.target;
	if (h.code != 0 || mr_addr_is_multicast(&f->target) || mr_addr_is_v4(&f->target) ||
	    !options_read(m, f->ns ? OPT_SLLA : OPT_TLLA, &f->ll))
		return false;
	if (!f->ns)
		return !mr_addr_is_any(&p->src) && !(mr_addr_is_multicast(dst) && f->flags & NA_SOLICITED);
	if (!mr_addr_is_any(&p->src))
		return true;
	group = mr_ipv6_solicited_node(&f->target);
	return f->ll.len == 0 && mr_addr_equal(dst, &group);
}

static void
rx_solicitation(struct mr_nic *nic, struct rte_mbuf *m, const struct nd_facts *f)
{
	struct mr_netep *ep = mr_nic_netep_find(nic, &f->target);
	struct mr_addr src = mr_pkt(m)->src;

	mr_count(nic->stack, MR_CNT_NDP_RX_NS);
	if (!ep) {
		mr_drop(nic->stack, m, MR_DROP_ICMP_IGNORED);
		return;
	}
	rte_pktmbuf_free(m);
	if (mr_addr_is_any(&src)) {
		/* Somebody wants our address and asks whether it is taken. */
		advertise_all(ep);
		return;
	}
	if (f->ll.len)
		mr_neigh_learn(nic, &src, &f->ll, true);
	advertise_to(ep, &src, &f->ll);
}

static void
rx_advertisement(struct mr_nic *nic, struct rte_mbuf *m, const struct nd_facts *f)
{
	struct mr_neigh_advert adv = {
		.solicited = f->flags & NA_SOLICITED, .override = f->flags & NA_OVERRIDE, .router = f->flags & NA_ROUTER,
		.has_ll = f->ll.len != 0, .ll = f->ll,
	};

	mr_count(nic->stack, MR_CNT_NDP_RX_NA);
	if (mr_nic_netep_find(nic, &f->target)) {
		mr_drop(nic->stack, m, MR_DROP_ICMP_IGNORED);
		return;
	}
	mr_neigh_advert(nic, &f->target, &adv);
	rte_pktmbuf_free(m);
}

void
mr_ndp_input(struct mr_nic *nic, struct rte_mbuf *m)
{
	struct nd_facts f;

	if (!nd_is_valid(m, &f))
		mr_drop(nic->stack, m, MR_DROP_NDP_INVALID);
	else if (f.ns)
		rx_solicitation(nic, m, &f);
	else
		rx_advertisement(nic, m, &f);
}
