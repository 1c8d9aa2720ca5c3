/* SPDX-License-Identifier: Apache-2.0 */
/*
 * ARP (RFC 826, 5227) over Ethernet: resolves for IPv4, answers for our addresses, announces and defends them.
 *
 * Not here: the cache with its timers and limits (stack/neigh.h), probing before use, proxying.
 * Invariants: only a request for an address of ours makes a cache entry, anything else updates at most; answers are
 * given for the addresses configured on the NIC itself, never for those of spoofing or promiscuous mode; whoever claims
 * an address of ours is counted, teaches us nothing, and is answered at most once in ten seconds. On a host of several
 * cores one announces for all; who has received a claim defends.
 */
#include "proto/arp.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <rte_common.h>

#include "proto/ipv4.h"
#include "proto/mbuf.h"
#include "stack/neigh.h"
#include "stack/stack.h"

#define HRD_ETHER 1
#define OP_REQUEST 1
#define OP_REPLY 2
#define ANNOUNCE_INTERVAL_NS 2000000000ull
#define DEFEND_INTERVAL_NS 10000000000ull
#define ANNOUNCE_SLOTS 64
#define DEFEND_SLOTS 64

struct arp_hdr {
	rte_be16_t hrd, pro;
	uint8_t hln, pln;
	rte_be16_t op;
	uint8_t sha[6];
	rte_be32_t spa;
	uint8_t tha[6];
	rte_be32_t tpa;
} __attribute__((packed));
_Static_assert(sizeof(struct arp_hdr) == 28, "RFC 826");

static const struct mr_lladdr ll_broadcast = {.b = {0xff, 0xff, 0xff, 0xff, 0xff, 0xff}, .len = 6};

/* An address by its instance, and a time that belongs to it. */
struct arp_due {
	uint64_t at_ns;
	uint16_t netep_id;
};

struct arp {
	struct mr_netproto np;
	struct mr_timer timer;       /* for the head of `again` */
	struct arp_due again[ANNOUNCE_SLOTS]; /* second announcements, a ring in order of time */
	unsigned again_head, again_n;
	struct arp_due defended[DEFEND_SLOTS]; /* by netep id: when last */
};

/* Build and send one message. */
static void
arp_send(struct mr_nic *nic, uint16_t op, rte_be32_t spa, const struct mr_lladdr *tha, rte_be32_t tpa,
         const struct mr_lladdr *to)
{
	struct rte_mbuf *m = mr_stack_tx_alloc(nic->stack);
	struct arp_hdr *h;

	if (!m) {
		mr_count(nic->stack, MR_DROP_NO_TX_MBUF);
		return;
	}
	h = mr_mbuf_prepend(m, sizeof(*h));
	*h = (struct arp_hdr){
		.hrd = RTE_BE16(HRD_ETHER), .pro = RTE_BE16(MR_NET_IPV4), .hln = 6, .pln = 4, .op = rte_cpu_to_be_16(op),
		.spa = spa, .tpa = tpa,
	};
	memcpy(h->sha, nic->lladdr.b, sizeof(h->sha));
	if (tha)
		memcpy(h->tha, tha->b, sizeof(h->tha));
	mr_count(nic->stack, op == OP_REQUEST ? MR_CNT_ARP_TX_REQUESTS : MR_CNT_ARP_TX_REPLIES);
	mr_nic_output_ll(nic, m, to, MR_NET_ARP);
}

/* An announcement is a request for the own address (RFC 5227 2.3). */
static void
announce_once(struct mr_netep *ep)
{
	rte_be32_t spa = mr_ipv4_be(&ep->addr);

	if (ep->nic->flags & MR_NIC_F_UP && ep->nic->caps & MR_LINK_CAP_RESOLVE)
		arp_send(ep->nic, OP_REQUEST, spa, NULL, spa, &ll_broadcast);
}

static void
announce_again(struct mr_timer *t, uint64_t now_ns)
{
	struct arp *a = container_of(t, struct arp, timer);
	struct mr_stack *s = a->np.stack;

	while (a->again_n && a->again[a->again_head].at_ns <= now_ns) {
		struct mr_netep *ep = mr_netep_by_id(s, a->again[a->again_head].netep_id);

		/* The number may meanwhile be another address's: then that is announced once too often. */
		if (ep && ep->kind == MR_NETEP_PERMANENT && mr_addr_is_v4(&ep->addr))
			announce_once(ep);
		a->again_head = (a->again_head + 1) % ANNOUNCE_SLOTS;
		a->again_n--;
	}
	if (a->again_n)
		mr_timer_arm(&s->wheel, t, a->again[a->again_head].at_ns, announce_again);
}

void
mr_arp_announce(struct mr_netep *ep)
{
	struct mr_stack *s = ep->nic->stack;
	struct arp *a = (struct arp *)mr_stack_netproto(s, MR_NET_ARP);
	uint64_t at = s->now_ns + ANNOUNCE_INTERVAL_NS;

	if (!a || !(ep->nic->caps & MR_LINK_CAP_RESOLVE) || !mr_stack_speaks(s))
		return;
	announce_once(ep);
	if (a->again_n == ANNOUNCE_SLOTS)
		return;
	a->again[(a->again_head + a->again_n++) % ANNOUNCE_SLOTS] = (struct arp_due){.at_ns = at, .netep_id = ep->id};
	if (a->again_n == 1)
		mr_timer_arm(&s->wheel, &a->timer, at, announce_again);
}

/* Another station uses `ep`: say once that it is ours, and keep it (RFC 5227 2.4 c). */
static void
defend(struct arp *a, struct mr_netep *ep)
{
	struct arp_due *d = &a->defended[ep->id % DEFEND_SLOTS];
	uint64_t now = a->np.stack->now_ns;

	mr_count(a->np.stack, MR_CNT_ARP_CONFLICTS);
	if (d->netep_id == ep->id && now - d->at_ns < DEFEND_INTERVAL_NS)
		return;
	*d = (struct arp_due){.at_ns = now, .netep_id = ep->id};
	announce_once(ep);
}

static struct mr_netep *
local_addr(struct mr_nic *nic, rte_be32_t be)
{
	struct mr_addr a = mr_ipv4_addr(be);

	return mr_nic_netep_find(nic, &a);
}

static bool
arp_is_valid(struct mr_nic *nic, const struct arp_hdr *h)
{
	static const uint8_t zero[6];
	struct mr_addr spa = mr_ipv4_addr(h->spa);

	if (h->hrd != RTE_BE16(HRD_ETHER) || h->pro != RTE_BE16(MR_NET_IPV4) || h->hln != 6 || h->pln != 4)
		return false;
	if (h->op != RTE_BE16(OP_REQUEST) && h->op != RTE_BE16(OP_REPLY))
		return false;
	if (h->sha[0] & 1 || memcmp(h->sha, zero, 6) == 0 || memcmp(h->sha, nic->lladdr.b, 6) == 0)
		return false;
	/* Without a sender address it can only be a probe. */
	if (h->spa == 0)
		return h->op == RTE_BE16(OP_REQUEST);
	return !mr_addr_is_multicast(&spa) && !mr_addr_is_loopback(&spa) && !mr_nic_is_broadcast(nic, &spa);
}

/* Merge (RFC 826: before looking at the operation), then answer. */
static void
arp_handle(struct arp *a, struct mr_nic *nic, const struct arp_hdr *h, uint8_t flags)
{
	struct mr_netep *target = local_addr(nic, h->tpa);
	struct mr_netep *claimed = h->spa ? local_addr(nic, h->spa) : NULL;
	struct mr_addr spa = mr_ipv4_addr(h->spa);
	struct mr_lladdr sha = {.len = 6};

	memcpy(sha.b, h->sha, 6);
	if (claimed) {
		defend(a, claimed);
		return;
	}
	if (h->op == RTE_BE16(OP_REPLY)) {
		struct mr_neigh_advert adv = {
			.solicited = target && !(flags & (MR_PKT_F_LINK_BROADCAST | MR_PKT_F_LINK_MULTICAST)),
			.override = true, .has_ll = true, .ll = sha,
		};

		mr_neigh_advert(nic, &spa, &adv);
		return;
	}
	if (h->spa)
		mr_neigh_learn(nic, &spa, &sha, target != NULL);
	if (target)
		arp_send(nic, OP_REPLY, h->tpa, &sha, h->spa, &sha);
}

static void
arp_input(struct mr_netproto *np, struct mr_nic *nic, struct rte_mbuf **pkts, uint16_t n)
{
	struct mr_stack *s = np->stack;

	for (uint16_t i = 0; i < n; i++) {
		struct rte_mbuf *m = pkts[i];
		struct arp_hdr h;

		if (!mr_pkt_linear(m, sizeof(h))) {
			mr_drop(s, m, MR_DROP_ARP_MALFORMED);
			continue;
		}
		memcpy(&h, rte_pktmbuf_mtod(m, const void *), sizeof(h));
		if (!arp_is_valid(nic, &h)) {
			mr_drop(s, m, MR_DROP_ARP_MALFORMED);
			continue;
		}
		mr_count(s, h.op == RTE_BE16(OP_REQUEST) ? MR_CNT_ARP_RX_REQUESTS : MR_CNT_ARP_RX_REPLIES);
		arp_handle((struct arp *)np, nic, &h, mr_pkt(m)->flags);
		rte_pktmbuf_free(m);
	}
}

static void
arp_request(struct mr_netproto *np, struct mr_nic *nic, const struct mr_addr *addr, const struct mr_addr *src,
            const struct mr_lladdr *ll)
{
	(void)np;
	arp_send(nic, OP_REQUEST, mr_ipv4_be(src), ll, mr_ipv4_be(addr), ll ? ll : &ll_broadcast);
}

static bool
arp_resolve_static(struct mr_netproto *np, struct mr_nic *nic, const struct mr_addr *addr, struct mr_lladdr *out)
{
	(void)np;
	if (mr_addr_is_multicast(addr)) {
		/* RFC 1112 6.4: the low 23 bits */
		*out = (struct mr_lladdr){.b = {0x01, 0x00, 0x5e, addr->b[13] & 0x7f, addr->b[14], addr->b[15]}, .len = 6};
		return true;
	}
	if (mr_nic_is_broadcast(nic, addr)) {
		*out = ll_broadcast;
		return true;
	}
	return false;
}

static void
arp_destroy(struct mr_netproto *np)
{
	struct arp *a = (struct arp *)np;

	mr_timer_cancel(&np->stack->wheel, &a->timer);
	free(a);
}

static const struct mr_resolver arp_resolver = {
	.resolves_for = MR_NET_IPV4,
	.request = arp_request,
	.resolve_static = arp_resolve_static,
};

static const struct mr_netproto_ops arp_ops = {
	.name = "arp",
	.number = MR_NET_ARP,
	.min_bytes = sizeof(struct arp_hdr),
	.input = arp_input,
	.destroy = arp_destroy,
	.resolver = &arp_resolver,
};

static int
arp_create(struct mr_stack *s, struct mr_netproto **out)
{
	struct arp *a = calloc(1, sizeof(*a));

	if (!a)
		return -ENOMEM;
	a->np.ops = &arp_ops;
	a->np.stack = s;
	*out = &a->np;
	return 0;
}

RTE_INIT(arp_register)
{
	mr_netproto_register("arp", arp_create);
}
