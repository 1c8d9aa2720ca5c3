/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The way in: frames to network protocols, their packets to transports, ICMP errors to endpoints.
 *
 * A burst is passed on as a burst: runs of one protocol keep their order, and each contract is called once for a run.
 * What is dropped here is dropped because nobody wants it: a NIC that is down, an unknown protocol, a packet that is
 * too short, an address that is not ours. Everything else is a protocol's to judge.
 *
 * Packets that were looped back may be for any address of this host, whichever NIC has it; those from a wire must be
 * for an address of the NIC they came in at, unless the stack forwards (netep.c). Then those for others leave here, on
 * the core that received them (transit.c).
 */
#include "stack/nic.h"

#include <string.h>

#include <rte_common.h>
#include <rte_prefetch.h>

#include "stack/netep.h"
#include "stack/packet.h"
#include "stack/stack.h"
#include "stack/steer.h"
#include "stack/transit.h"

#define RX_BYTES (64u << 10) /* that a burst is to have, or little more */

/* ---- link to network */

/* Drop what is too short for the protocol's header to be in one piece. Compacts. */
static uint16_t
require_bytes(struct mr_stack *s, struct rte_mbuf **pkts, uint16_t n, uint16_t bytes)
{
	uint16_t k = 0;

	while (k < n && likely(pkts[k]->data_len >= bytes))
		k++;
	for (uint16_t i = k; i < n; i++) {
		if (mr_pkt_linear(pkts[i], bytes))
			pkts[k++] = pkts[i];
		else
			mr_drop(s, pkts[i], MR_DROP_NET_SHORT);
	}
	return k;
}

/* Find out for whom they are, and hand them on. */
static void
deliver_parsed(struct mr_nic *nic, struct mr_netproto *np, struct rte_mbuf **pkts, const struct mr_addr *dst, uint16_t n)
{
	uint8_t flags = mr_pkt(pkts[0])->flags & MR_PKT_F_LOCAL;
	struct mr_netep *ep = mr_nic_netep_for(nic, &dst[0], flags);
	struct rte_mbuf **kept = pkts;
	struct mr_addr last = dst[0];

	for (uint16_t i = 0; i < n; i++) {
		struct rte_mbuf *m = pkts[i];
		struct mr_pkt *p = mr_pkt(m);

		/* Bursts tend to be for one address: ask once for each run. */
		if (unlikely(!mr_addr_equal(&dst[i], &last) || (p->flags & MR_PKT_F_LOCAL) != flags)) {
			last = dst[i];
			flags = p->flags & MR_PKT_F_LOCAL;
			ep = mr_nic_netep_for(nic, &dst[i], flags);
		}
		p->netep = ep;
		if (ep)
			*kept++ = m;
		else
			mr_drop(nic->stack, m, MR_DROP_IP_NOT_OURS);
	}
	if (kept > pkts)
		np->ops->input(np, nic, pkts, (uint16_t)(kept - pkts));
}

/* @return the protocol of packets; NULL: there is none, and they are dropped */
static struct mr_netproto *
netproto_of(struct mr_stack *s, uint16_t net_proto, struct rte_mbuf **pkts, uint16_t n)
{
	struct mr_netproto *np = mr_stack_netproto(s, net_proto);

	for (uint16_t i = 0; unlikely(!np) && i < n; i++)
		mr_drop(s, pkts[i], MR_DROP_NET_UNKNOWN_PROTO);
	return np;
}

void
mr_nic_deliver_parsed(struct mr_nic *nic, uint16_t net_proto, struct rte_mbuf **pkts, const struct mr_addr *dst,
                      uint16_t n)
{
	struct mr_netproto *np = netproto_of(nic->stack, net_proto, pkts, n);

	if (np)
		deliver_parsed(nic, np, pkts, dst, n);
}

static void
deliver_burst(struct mr_nic *nic, struct mr_netproto *np, struct rte_mbuf **pkts, uint16_t n)
{
	struct mr_addr dst[MR_BURST];

	n = require_bytes(nic->stack, pkts, n, np->ops->min_bytes);
	if (n > 0 && np->ops->parse) {
		n = np->ops->parse(np, nic, pkts, dst, n);
		if (n > 0 && nic->stack->transit && np->ops->forward)
			n = mr_transit(nic, np, pkts, dst, n);
		if (n > 0 && nic->stack->steer)
			n = mr_steer_out(nic->stack, np, pkts, dst, n);
		if (n > 0)
			deliver_parsed(nic, np, pkts, dst, n);
	} else if (n > 0) {
		np->ops->input(np, nic, pkts, n);
	}
}

/* Frames of a NIC without their framing, all of one protocol. */
static void
deliver_network(struct mr_nic *nic, uint16_t net_proto, struct rte_mbuf **pkts, uint16_t n)
{
	struct mr_netproto *np = netproto_of(nic->stack, net_proto, pkts, n);

	for (uint32_t i = 0; np && i < n; i += MR_BURST)
		deliver_burst(nic, np, pkts + i, RTE_MIN(n - i, (uint32_t)MR_BURST));
}

void
mr_nic_deliver_network(struct mr_nic *nic, uint16_t net_proto, struct rte_mbuf **pkts, uint16_t n)
{
	for (uint16_t i = 0; i < n; i++)
		mr_pkt(pkts[i])->nic = nic;
	deliver_network(nic, net_proto, pkts, n);
}

/* Move the packets of the first one's protocol to `run`, keeping the order of both. @return packets left in pkts */
static uint16_t
take_run(struct rte_mbuf **pkts, uint16_t n, struct rte_mbuf **run, uint16_t *n_run)
{
	uint16_t net_proto = mr_pkt(pkts[0])->net_proto, rest = 0;

	*n_run = 0;
	for (uint16_t i = 0; i < n; i++) {
		if (mr_pkt(pkts[i])->net_proto == net_proto)
			run[(*n_run)++] = pkts[i];
		else
			pkts[rest++] = pkts[i];
	}
	return rest;
}

static bool
are_of_one_protocol(struct rte_mbuf **pkts, uint16_t n)
{
	uint16_t net_proto = mr_pkt(pkts[0])->net_proto;

	for (uint16_t i = 1; i < n; i++)
		if (mr_pkt(pkts[i])->net_proto != net_proto)
			return false;
	return true;
}

/* Of frames that the other end has not cut a burst of less is taken: their sender waits for the answer to all of it. It is as
 * long as others again when none have come for a while. */
static __rte_noinline void
rx_take_less(struct mr_nic *nic, uint16_t n, uint64_t bytes)
{
	uint64_t fit = (uint64_t)n * RX_BYTES / RTE_MAX(bytes, 1u), most = RTE_MIN(fit, nic->rx_most + 1u);

	nic->rx_most = (uint16_t)RTE_MIN(RTE_MAX(most, 1u), (uint64_t)MR_BURST);
}

static void
rx_burst(struct mr_nic *nic, struct rte_mbuf **pkts, uint16_t n)
{
	struct rte_mbuf *run[MR_BURST];
	uint64_t bytes = 0;
	uint16_t n_run;

	for (uint16_t i = 0; i < n; i++) {
		struct rte_mbuf *m = pkts[i];

		/* The headers of a TCP segment with timestamps end in the second line. */
		rte_prefetch0(rte_pktmbuf_mtod(m, void *));
		rte_prefetch0(rte_pktmbuf_mtod_offset(m, void *, RTE_CACHE_LINE_SIZE));
		mr_pkt(m)->nic = nic;
		bytes += m->pkt_len;
	}
	mr_count_n(nic->stack, MR_CNT_NIC_RX_PACKETS, n);
	mr_count_n(nic->stack, MR_CNT_NIC_RX_BYTES, bytes);
	if (unlikely(bytes > n * (RX_BYTES / MR_BURST) || nic->rx_most < MR_BURST))
		rx_take_less(nic, n, bytes);
	if (unlikely(!LIST_EMPTY(&nic->stack->packets)))
		mr_packet_hear_rx(nic, pkts, n);
	n = nic->framing->pull(nic, pkts, n);
	while (n > 0 && unlikely(!are_of_one_protocol(pkts, n))) {
		n = take_run(pkts, n, run, &n_run);
		deliver_network(nic, mr_pkt(run[0])->net_proto, run, n_run);
	}
	if (n > 0)
		deliver_network(nic, mr_pkt(pkts[0])->net_proto, pkts, n);
}

void
mr_nic_rx(struct mr_nic *nic, struct rte_mbuf **pkts, uint16_t n)
{
	if (!(nic->flags & MR_NIC_F_UP)) {
		for (uint16_t i = 0; i < n; i++)
			mr_drop(nic->stack, pkts[i], MR_DROP_NIC_DISABLED);
		return;
	}
	for (uint32_t i = 0; i < n; i += MR_BURST)
		rx_burst(nic, pkts + i, RTE_MIN(n - i, (uint32_t)MR_BURST));
}

/* ---- network to transport */

void
mr_nic_deliver_nobody(struct mr_transproto *tp, struct rte_mbuf *m)
{
	if (tp->default_handler && tp->default_handler(tp, m, tp->default_arg))
		return;
	tp->ops->unknown_dst(tp, m);
}

/* A copy with its facts, headers of all layers in place. NULL: no memory. */
static struct rte_mbuf *
copy_whole(struct mr_stack *s, struct rte_mbuf *m)
{
	uint16_t off = mr_pkt(m)->net_off, hdr = m->data_off - off;
	struct rte_mbuf *copy;
	struct mr_pkt *p;

	rte_pktmbuf_prepend(m, hdr);
	copy = rte_pktmbuf_copy(m, s->rx_pool, 0, UINT32_MAX);
	rte_pktmbuf_adj(m, hdr);
	if (!copy)
		return NULL;
	p = mr_pkt(copy);
	*p = *mr_pkt(m);
	p->net_off = copy->data_off;
	p->trans_off = p->trans_off - off + copy->data_off;
	rte_pktmbuf_adj(copy, hdr);
	return copy;
}

/* A packet to a group: a copy to each further taker, the packet itself to the last one (B-43). */
static void
deliver_group(struct mr_transproto *tp, struct mr_flow *flow, struct rte_mbuf *m)
{
	struct mr_stack *s = tp->stack;

	while (flow->kind == MR_FLOW_EP) {
		struct mr_ep *next = mr_demux_next(s, tp->ops->number, m, (struct mr_ep *)flow);
		struct rte_mbuf *copy;

		if (!next)
			break;
		copy = copy_whole(s, m);
		if (copy)
			tp->ops->input(tp, &flow, &copy, 1);
		else
			mr_count(s, MR_DROP_NO_RX_MBUF);
		flow = &next->flow;
	}
	tp->ops->input(tp, &flow, &m, 1);
}

/* Packets for one taker each. */
static void
deliver_unicast(struct mr_transproto *tp, struct rte_mbuf **pkts, uint16_t n)
{
	struct mr_flow *flows[MR_BURST];
	uint16_t k = 0;

	if (likely(mr_demux_lookup_burst(tp->stack, tp->ops->number, pkts, flows, n) == n)) {
		tp->ops->input(tp, flows, pkts, n);
		return;
	}
	for (uint16_t i = 0; i < n; i++) {
		if (flows[i]) {
			flows[k] = flows[i];
			pkts[k++] = pkts[i];
		} else {
			mr_nic_deliver_nobody(tp, pkts[i]);
		}
	}
	if (k > 0)
		tp->ops->input(tp, flows, pkts, k);
}

static bool
is_group(const struct rte_mbuf *m)
{
	return mr_pkt(m)->flags & (MR_PKT_F_NET_MULTICAST | MR_PKT_F_NET_BROADCAST);
}

static bool
has_group(struct rte_mbuf **pkts, uint16_t n)
{
	uint8_t flags = 0;

	for (uint16_t i = 0; i < n; i++)
		flags |= mr_pkt(pkts[i])->flags;
	return flags & (MR_PKT_F_NET_MULTICAST | MR_PKT_F_NET_BROADCAST);
}

/* Some to a group, some not, in the order in which they came. */
static void
deliver_mixed(struct mr_transproto *tp, struct rte_mbuf **pkts, uint16_t n)
{
	for (uint16_t i = 0, end; i < n; i = end) {
		struct mr_flow *flow;

		for (end = i; end < n && end - i < MR_BURST && !is_group(pkts[end]); end++)
			;
		if (end > i) {
			deliver_unicast(tp, pkts + i, end - i);
			continue;
		}
		end = i + 1;
		mr_demux_lookup_burst(tp->stack, tp->ops->number, &pkts[i], &flow, 1);
		if (flow)
			deliver_group(tp, flow, pkts[i]);
		else
			mr_nic_deliver_nobody(tp, pkts[i]);
	}
}

/* Bring the transport header into one piece. Packets that are shorter are left for parse to judge. Compacts. */
static uint16_t
join_header(struct mr_transproto *tp, struct rte_mbuf **pkts, uint16_t n)
{
	uint16_t bytes = tp->ops->min_bytes, k = 0;

	while (k < n && likely(pkts[k]->data_len >= bytes))
		k++;
	for (uint16_t i = k; i < n; i++) {
		struct rte_mbuf *m = pkts[i];

		if (m->pkt_len < bytes || mr_pkt_linear(m, bytes))
			pkts[k++] = m;
		else
			mr_drop(tp->stack, m, MR_DROP_NET_SHORT);
	}
	return k;
}

bool
mr_nic_deliver_transport(struct mr_stack *s, uint8_t trans, struct rte_mbuf **pkts, uint16_t n)
{
	struct mr_transproto *tp = s->transprotos[trans];

	if (!tp || !tp->ops->parse)
		return false;
	if (tp->ops->min_bytes > 0)
		n = join_header(tp, pkts, n);
	if (n > 0)
		n = tp->ops->parse(tp, pkts, n);
	if (unlikely(has_group(pkts, n))) {
		deliver_mixed(tp, pkts, n);
		return true;
	}
	for (uint32_t i = 0; i < n; i += MR_BURST)
		deliver_unicast(tp, pkts + i, (uint16_t)RTE_MIN(n - i, (uint32_t)MR_BURST));
	return true;
}

/* ---- ICMP errors */

bool
mr_nic_deliver_control(struct mr_stack *s, struct mr_nic *nic, const struct mr_addr *local,
                       const struct mr_addr *remote, uint8_t trans, enum mr_ctrl_type type, uint32_t extra,
                       const void *quoted, uint16_t quoted_bytes)
{
	struct mr_transproto *tp = s->transprotos[trans];
	struct mr_netep *ep = mr_nic_netep_any(nic, local);
	struct mr_flow *flow;
	uint16_t ports_be[2];

	if (!ep)
		ep = mr_stack_netep_find(s, nic, local);
	if (!tp || !tp->ops->control || !ep || quoted_bytes < 8)
		return false;
	memcpy(ports_be, quoted, sizeof(ports_be));
	if (tp->ops->quoted_ports && !tp->ops->quoted_ports(quoted, &ports_be[0], &ports_be[1]))
		return false;
	flow = mr_demux_lookup(s, trans, ep, remote, ports_be[1], ports_be[0]);
	if (!flow)
		return false;
	tp->ops->control(tp, flow, type, extra, quoted, quoted_bytes);
	return true;
}
