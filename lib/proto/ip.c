/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The common half of IPv4 and IPv6; see ip.h. Not here: anything that looks at a header's layout.
 *
 * The budget of ICMP errors is a token bucket kept in time: credit grows with the clock up to a burst, and an error
 * costs the time that one may take (RFC 4443 2.4 f, RFC 1812 4.3.2.8).
 */
#include "proto/ip.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "proto/mbuf.h"
#include "proto/raw.h"

#define TTL_DEFAULT 64
#define ERR_RATE_DEFAULT 1000
#define ERR_RATE_MAX 1000000
#define ERR_NS_PER_S 1000000000ull

static uint64_t
error_credit_max(const struct mr_ip *ip)
{
	return RTE_MIN(ip->err_rate, (uint32_t)MR_IP_ERR_BURST) * (ERR_NS_PER_S / ip->err_rate);
}

int
mr_ip_create(struct mr_stack *s, const struct mr_netproto_ops *ops, struct mr_netproto **out)
{
	struct mr_ip *ip = calloc(1, sizeof(*ip));

	if (!ip)
		return -ENOMEM;
	ip->np.ops = ops;
	ip->np.stack = s;
	ip->ttl = TTL_DEFAULT;
	ip->echo = true;
	LIST_INIT(&ip->raws);
	ip->next_id = (uint16_t)mr_rng_u32(&s->rng);
	ip->err_rate = ERR_RATE_DEFAULT;
	ip->err_credit_ns = error_credit_max(ip);
	for (unsigned i = 0; i < RTE_DIM(ip->label_key); i++)
		ip->label_key[i] = mr_rng_u64(&s->rng);
	*out = &ip->np;
	return 0;
}

void
mr_ip_destroy(struct mr_netproto *np)
{
	free(np);
}

int
mr_ip_setopt(struct mr_netproto *np, int opt, int64_t value)
{
	struct mr_ip *ip = (struct mr_ip *)np;

	switch (opt) {
	case MR_OPT_DEFAULT_TTL:
		if (value < 1 || value > 255)
			return -EINVAL;
		ip->ttl = (uint8_t)value;
		return 0;
	case MR_OPT_ICMP_ERR_RATE:
		if (value < 0 || value > ERR_RATE_MAX)
			return -EINVAL;
		ip->err_rate = (uint32_t)value;
		ip->err_credit_ns = value ? error_credit_max(ip) : 0;
		return 0;
	case MR_OPT_ICMP_ECHO:
		ip->echo = value != 0;
		return 0;
	default:
		return -ENOPROTOOPT;
	}
}

int
mr_ip_getopt(struct mr_netproto *np, int opt, int64_t *value)
{
	struct mr_ip *ip = (struct mr_ip *)np;

	switch (opt) {
	case MR_OPT_DEFAULT_TTL:
		*value = ip->ttl;
		return 0;
	case MR_OPT_ICMP_ERR_RATE:
		*value = ip->err_rate;
		return 0;
	case MR_OPT_ICMP_ECHO:
		*value = ip->echo;
		return 0;
	default:
		return -ENOPROTOOPT;
	}
}

bool
mr_ip_error_allowed(struct mr_netproto *np)
{
	struct mr_ip *ip = (struct mr_ip *)np;
	uint64_t now = np->stack->now_ns, cost, passed = now - ip->err_last_ns;

	ip->err_last_ns = now;
	if (ip->err_rate == 0)
		return false;
	cost = ERR_NS_PER_S / ip->err_rate;
	ip->err_credit_ns = RTE_MIN(ip->err_credit_ns + RTE_MIN(passed, ERR_NS_PER_S), error_credit_max(ip));
	if (ip->err_credit_ns < cost)
		return false;
	ip->err_credit_ns -= cost;
	return true;
}

/* Packets of one protocol, data at the transport header. @param heard bit i: a raw endpoint knows what pkts[i] is */
static void
deliver(struct mr_netproto *np, uint8_t proto, struct rte_mbuf **pkts, uint16_t n, uint32_t heard)
{
	/* What ICMP has not looked at is not for its transport: over the other family its number means nothing. */
	bool icmp = proto == MR_TRANS_ICMP || proto == MR_TRANS_ICMPV6;

	if (!icmp && mr_nic_deliver_transport(np->stack, proto, pkts, n)) {
		mr_count_n(np->stack, MR_CNT_IP_RX_DELIVERED, n);
		return;
	}
	for (uint16_t i = 0; i < n; i++) {
		if (heard & 1u << i) {
			mr_count(np->stack, MR_CNT_IP_RX_DELIVERED);
			rte_pktmbuf_free(pkts[i]);
			continue;
		}
		mr_count(np->stack, MR_DROP_TRANS_UNKNOWN_PROTO);
		np->ops->error(np, pkts[i], MR_NET_ERR_PROTO_UNREACH);
	}
}

/* Packets of one protocol, data at the transport header. */
static inline void
hand_over(struct mr_netproto *np, struct mr_nic *nic, uint8_t proto, struct rte_mbuf **pkts, uint16_t n)
{
	struct mr_ip *ip = (struct mr_ip *)np;
	mr_ip_own_fn take = ip->own[proto];
	uint32_t heard = 0;

	if (unlikely(!LIST_EMPTY(&ip->raws)))
		heard = mr_raw_hear(ip, proto, pkts, n);
	if (take)
		take(np, nic, pkts, n);
	else
		deliver(np, proto, pkts, n, heard);
}

static inline void
net_hdr_strip(struct rte_mbuf *m)
{
	mr_mbuf_strip(m, mr_pkt(m)->trans_off - m->data_off);
}

/* Strip the packets at the beginning that are whole and of one protocol. @return how many they are */
static inline uint16_t
strip_run(struct rte_mbuf **pkts, uint16_t n, uint8_t proto)
{
	uint16_t k = 0;

	for (; k < n; k++) {
		struct rte_mbuf *m = pkts[k];

		if (unlikely(mr_pkt(m)->trans_proto != proto || mr_pkt(m)->flags & MR_PKT_F_FRAGMENT))
			break;
		net_hdr_strip(m);
	}
	return k;
}

void
mr_ip_input(struct mr_netproto *np, struct mr_nic *nic, struct rte_mbuf **pkts, uint16_t n)
{
	struct rte_mbuf *same[MR_BURST];

	while (n > 0) {
		uint8_t proto = mr_pkt(pkts[0])->trans_proto;
		uint16_t k = strip_run(pkts, RTE_MIN(n, (uint16_t)MR_BURST), proto), rest = 0;

		if (likely(k == n)) {
			hand_over(np, nic, proto, pkts, n);
			return;
		}
		memcpy(same, pkts, k * sizeof(*same));
		for (uint16_t i = k; i < n; i++) {
			struct rte_mbuf *m = pkts[i];

			if (unlikely(mr_pkt(m)->flags & MR_PKT_F_FRAGMENT)) {
				mr_drop(np->stack, m, MR_DROP_IP_FRAGMENT);
			} else if (k == MR_BURST || mr_pkt(m)->trans_proto != proto) {
				pkts[rest++] = m;
			} else {
				net_hdr_strip(m);
				same[k++] = m;
			}
		}
		n = rest;
		hand_over(np, nic, proto, same, k);
	}
}

bool
mr_ip_deliver_control(struct mr_netproto *np, struct mr_nic *nic, const struct mr_addr *local,
                      const struct mr_addr *remote, uint8_t trans, enum mr_ctrl_type type, uint32_t extra,
                      const void *quoted, uint16_t quoted_bytes)
{
	struct mr_ip *ip = (struct mr_ip *)np;
	bool told;

	told = mr_nic_deliver_control(np->stack, nic, local, remote, trans, type, extra, quoted, quoted_bytes);
	if (unlikely(!LIST_EMPTY(&ip->raws)) && mr_raw_control(ip, local, remote, trans, type, extra))
		told = true;
	return told;
}

/* Members of the group on this host get a copy (RFC 1112 6.1). */
static void
loop_to_members(struct mr_netproto *np, struct mr_route *r, struct rte_mbuf **pkts, uint16_t n)
{
	const struct mr_netep *group = mr_nic_netep_any(r->local->nic, &r->remote);

	if (!group || group->kind != MR_NETEP_GROUP)
		return;
	for (uint16_t i = 0; i < n; i++) {
		/* The loop copies, so it gets the packet itself on loan. */
		rte_pktmbuf_refcnt_update(pkts[i], 1);
		mr_nic_loop(r->local->nic, pkts[i], np->ops->number);
	}
}

void
mr_ip_transmit_here(struct mr_netproto *np, struct mr_route *r, struct rte_mbuf **pkts, uint16_t n,
                    const struct mr_ip_params *p)
{
	if (r->flags & MR_ROUTE_F_LOCAL) {
		for (uint16_t i = 0; i < n; i++)
			mr_nic_loop(r->local->nic, pkts[i], np->ops->number);
		return;
	}
	if (p->group_loop)
		loop_to_members(np, r, pkts, n);
	if (p->group_no_wire)
		rte_pktmbuf_free_bulk(pkts, n);
	else
		mr_nic_output_burst(r->local->nic, r->neigh, pkts, n, np->ops->number);
}

int
mr_ip_output_finished(struct mr_netproto *np, struct mr_route *r, struct rte_mbuf **pkts, uint16_t n,
                      const struct mr_ip_params *p)
{
	uint16_t kept = 0;

	for (uint16_t i = 0; i < n; i++) {
		if (pkts[i]->pkt_len <= r->mtu)
			pkts[kept++] = pkts[i];
		else
			mr_drop(np->stack, pkts[i], MR_DROP_IP_TOO_BIG);
	}
	if (kept)
		mr_ip_transmit(np, r, pkts, kept, p);
	return kept < n ? -EMSGSIZE : 0;
}

int
mr_ip_output_fitting(struct mr_netproto *np, struct mr_route *r, struct rte_mbuf **pkts, uint16_t n, uint16_t done,
                     const struct mr_ip_params *p)
{
	uint16_t kept = done;

	for (uint16_t i = done; i < n; i++) {
		if (mr_ip_fits(r, pkts[i], np->ops->hdr_bytes))
			pkts[kept++] = pkts[i];
		else
			mr_drop(np->stack, pkts[i], MR_DROP_IP_TOO_BIG);
	}
	if (done)
		mr_ip_transmit(np, r, pkts, done, p);
	if (kept > done)
		np->ops->output(np, r, pkts + done, kept - done, p);
	return -EMSGSIZE;
}

int
mr_ip_send(struct mr_netep *local, const struct mr_addr *remote, struct rte_mbuf *m, const struct mr_ip_params *p)
{
	struct mr_route r;
	int rc = mr_route_back(local, remote, &r);

	if (rc < 0) {
		mr_drop(local->nic->stack, m, MR_DROP_IP_NO_ROUTE);
		return rc;
	}
	rc = mr_route_output(&r, &m, 1, p);
	mr_route_release(&r);
	return rc;
}

void
mr_ip_tuple_ports(const struct rte_mbuf *m, struct mr_tuple *out)
{
	const struct mr_pkt *p = mr_pkt(m);

	out->sport_be = 0;
	out->dport_be = 0;
	if (p->flags & MR_PKT_F_FRAGMENT)
		return;
	if ((p->trans_proto != MR_TRANS_TCP && p->trans_proto != MR_TRANS_UDP) || p->trans_len < 4)
		return;
	mr_mbuf_copy_out(m, (uint32_t)p->trans_off - m->data_off, &out->sport_be, 2);
	mr_mbuf_copy_out(m, (uint32_t)p->trans_off - m->data_off + 2, &out->dport_be, 2);
}
