/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What IPv4 and IPv6 have in common: the protocol object with its options and error budget, the loops around their
 * per-packet functions, and sending a single packet of the protocol's own (ICMP). Internal to lib/proto.
 */
#ifndef MR_PROTO_IP_H
#define MR_PROTO_IP_H

#include <errno.h>
#include <stdint.h>
#include <sys/queue.h>

#include <rte_mbuf.h>

#include "stack/nic.h"
#include "stack/pkt.h"
#include "stack/route.h"
#include "stack/stack.h"
#include "stack/transit.h"

#define MR_IP_MAX_BYTES 65535
#define MR_IP_ERR_BURST 50 /* errors that may leave at once, within the rate */

/* Packets of a protocol that belongs to IP itself, data behind the network headers. Consumes all; counts those that it
 * takes for delivered. */
typedef void (*mr_ip_own_fn)(struct mr_netproto *np, struct mr_nic *nic, struct rte_mbuf **pkts, uint16_t n);

struct mr_ip {
	struct mr_netproto np;   /* first: this is the protocol object */
	uint8_t ttl;             /* default TTL or hop limit */
	bool echo;               /* echo requests are answered */
	uint16_t next_id;        /* IPv4: identification of the next datagram that needs one */
	uint32_t err_rate;       /* ICMP errors a second, 0 none */
	uint64_t err_credit_ns;  /* of which each error takes 1 s / err_rate */
	uint64_t err_last_ns;
	LIST_HEAD(, mr_raw_ep) raws; /* endpoints that hear packets beside the transports */
	uint64_t label_key[3];   /* IPv6: of the flow label hash */
	mr_ip_own_fn own[256];   /* by protocol number; NULL: a transport's, or nobody's */
};

/* Validates one packet, writes its facts and destination. @param known the family's note about the burst, 0 for its first
 * packet. @return MR_CNT_MAX, or the reason to drop it */
typedef enum mr_counter (*mr_ip_parse_fn)(struct mr_nic *nic, struct rte_mbuf *m, struct mr_addr *dst, uint64_t *known);
/* Judges one packet on its way through and writes into it what a router does. @return MR_CNT_MAX, or the reason to drop it */
typedef enum mr_counter (*mr_ip_pass_fn)(struct rte_mbuf *m, uint16_t mtu);
/* Prepends the header to one packet; the headroom is there. @param head what the family knows of the headers of a burst */
typedef void (*mr_ip_push_fn)(void *head, struct rte_mbuf *m);

int mr_ip_create(struct mr_stack *s, const struct mr_netproto_ops *ops, struct mr_netproto **out);
void mr_ip_destroy(struct mr_netproto *np);
int mr_ip_setopt(struct mr_netproto *np, int opt, int64_t value);
int mr_ip_getopt(struct mr_netproto *np, int opt, int64_t *value);
/* Take one from the budget of ICMP errors. */
bool mr_ip_error_allowed(struct mr_netproto *np);
/* The contract's input: strip the network header, hand each protocol its packets together. */
void mr_ip_input(struct mr_netproto *np, struct mr_nic *nic, struct rte_mbuf **pkts, uint16_t n);
/* Something is known of a packet of ours: tell the endpoint it came from, and raw ones. Arguments as of
 * mr_nic_deliver_control. @return false if no endpoint was concerned */
bool mr_ip_deliver_control(struct mr_netproto *np, struct mr_nic *nic, const struct mr_addr *local,
                           const struct mr_addr *remote, uint8_t trans, enum mr_ctrl_type type, uint32_t extra,
                           const void *quoted, uint16_t quoted_bytes);
/* mr_ip_transmit along a route to this host or to a group. */
void mr_ip_transmit_here(struct mr_netproto *np, struct mr_route *r, struct rte_mbuf **pkts, uint16_t n,
                         const struct mr_ip_params *p);
/* Packets that bring their headers along, checked against the MTU. Consumes all. @return as the contract's output */
int mr_ip_output_finished(struct mr_netproto *np, struct mr_route *r, struct rte_mbuf **pkts, uint16_t n,
                          const struct mr_ip_params *p);
/* Output as of the contract, of packets that do not all fit: the first `done` do and have their headers. */
int mr_ip_output_fitting(struct mr_netproto *np, struct mr_route *r, struct rte_mbuf **pkts, uint16_t n, uint16_t done,
                         const struct mr_ip_params *p);
/* Send one packet of ours whose data starts at the transport header. Consumes it. @return 0 or -errno (counted) */
int mr_ip_send(struct mr_netep *local, const struct mr_addr *remote, struct rte_mbuf *m, const struct mr_ip_params *p);
/* The contract's undeliverable: tells the transport of a packet of ours. Consumes it. */
void mr_ip_undeliverable(struct mr_netproto *np, struct mr_nic *nic, struct rte_mbuf *m);
/* The address tuple of a parsed packet of a transport, ports included where the protocol has them. */
void mr_ip_tuple_ports(const struct rte_mbuf *m, struct mr_tuple *out);

/* Never on a wire of others: looped back inside the stack, or by a loopback link. */
static inline bool
mr_ip_is_local(const struct mr_nic *nic, const struct rte_mbuf *m)
{
	return mr_pkt(m)->flags & MR_PKT_F_LOCAL || nic->flags & MR_NIC_F_LOOPBACK;
}

static inline uint16_t
mr_ip_parse_burst(struct mr_nic *nic, struct rte_mbuf **pkts, struct mr_addr *dst, uint16_t n, mr_ip_parse_fn parse)
{
	struct rte_mbuf **kept = pkts, **end = pkts + n;
	uint64_t known = 0;

	mr_count_n(nic->stack, MR_CNT_IP_RX_PACKETS, n);
	for (struct rte_mbuf **at = pkts; at < end; at++) {
		struct rte_mbuf *m = *at;
		enum mr_counter why = parse(nic, m, dst, &known);

		if (unlikely(why != MR_CNT_MAX)) {
			mr_drop(nic->stack, m, why);
			continue;
		}
		*kept++ = m;
		dst++;
	}
	return (uint16_t)(kept - pkts);
}

static inline uint16_t
mr_ip_forward_burst(struct mr_netproto *np, struct rte_mbuf **pkts, struct mr_hop *hops, uint16_t n, mr_ip_pass_fn pass)
{
	uint16_t kept = 0;

	for (uint16_t i = 0; i < n; i++) {
		enum mr_counter why = pass(pkts[i], hops[i].mtu);

		if (unlikely(why != MR_CNT_MAX)) {
			mr_drop(np->stack, pkts[i], why);
			continue;
		}
		pkts[kept] = pkts[i];
		hops[kept++] = hops[i];
	}
	return kept;
}

/* The TTL or hop limit to send with. */
static inline uint8_t
mr_ip_ttl(const struct mr_ip *ip, const struct mr_ip_params *p)
{
	return p->ttl ? p->ttl : ip->ttl;
}

/* After the headers are on: to the loop, to members here, to the wire. Consumes all. */
static inline void
mr_ip_transmit(struct mr_netproto *np, struct mr_route *r, struct rte_mbuf **pkts, uint16_t n, const struct mr_ip_params *p)
{
	mr_count_n(np->stack, MR_CNT_IP_TX_PACKETS, n);
	if (unlikely(r->flags & (MR_ROUTE_F_LOCAL | MR_ROUTE_F_MULTICAST)))
		mr_ip_transmit_here(np, r, pkts, n, p);
	else
		mr_nic_output_burst(r->local->nic, r->neigh, pkts, n, np->ops->number);
}

/* May a packet leave once its header is in front of it? What a NIC cuts may be longer than the link's packets. */
static inline bool
mr_ip_fits(const struct mr_route *r, const struct rte_mbuf *m, uint32_t hdr_bytes)
{
	uint32_t len = m->pkt_len + hdr_bytes;

	return likely(len <= r->mtu) || (len <= MR_IP_MAX_BYTES && m->ol_flags & RTE_MBUF_F_TX_TCP_SEG);
}

static __rte_always_inline int
mr_ip_output_burst(struct mr_netproto *np, struct mr_route *r, struct rte_mbuf **pkts, uint16_t n,
                   const struct mr_ip_params *p, uint32_t hdr_bytes, mr_ip_push_fn push, void *head)
{
	if (unlikely(p->own_header))
		return mr_ip_output_finished(np, r, pkts, n, p);
	for (uint16_t i = 0; i < n; i++) {
		if (unlikely(!mr_ip_fits(r, pkts[i], hdr_bytes)))
			return mr_ip_output_fitting(np, r, pkts, n, i, p);
		push(head, pkts[i]);
	}
	if (n > 0)
		mr_ip_transmit(np, r, pkts, n, p);
	return 0;
}

#endif
