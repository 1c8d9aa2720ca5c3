/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The network protocol contract: what IPv4, IPv6 and ARP are to a stack.
 *
 * One struct mr_netproto per protocol and stack, made by a registered factory (S-3). A protocol that has addresses
 * also gets a struct mr_netep per local address (the reference's network endpoint), owned and counted by the NIC.
 * Receive is burst-wise, in two calls: `parse` validates and writes the facts; between the two the stack steers and
 * finds the local address; `input` acts on packets that are for us.
 */
#ifndef MR_STACK_NETWORK_H
#define MR_STACK_NETWORK_H

#include <stdint.h>

#include <rte_mbuf.h>

#include "stack/millrace.h"

#ifdef __cplusplus
extern "C" {
#endif

struct mr_route;
struct mr_neigh;
struct mr_hop;
struct mr_netep;
struct mr_netproto;

/* Kinds of report about packets of ours, from ICMP (S-160). */
enum mr_ctrl_type {
	MR_CTRL_PKT_TOO_BIG,      /* extra: next-hop MTU, 0 if not told */
	MR_CTRL_PORT_UNREACH,
	MR_CTRL_NET_UNREACH,
	MR_CTRL_HOST_UNREACH,
	MR_CTRL_PROTO_UNREACH,
	MR_CTRL_ADMIN_PROHIBITED,
	MR_CTRL_TIME_EXCEEDED,
	MR_CTRL_PARAM_PROBLEM,    /* extra: pointer */
	MR_CTRL_UNKNOWN,
};

/* Errors that a transport asks the network layer to send about a received packet. */
enum mr_net_error {
	MR_NET_ERR_PORT_UNREACH,
	MR_NET_ERR_PROTO_UNREACH, /* IPv6: parameter problem, unrecognised next header */
	MR_NET_ERR_HOST_UNREACH,
	MR_NET_ERR_NET_UNREACH,
};

/* Address tuple for steering; ports 0 where there are none. In the packet's own direction: src is the sender. */
struct mr_tuple {
	struct mr_addr src, dst;
	uint16_t sport_be, dport_be;
};

/* Resolution of link addresses, an optional facet (S-169..S-172). */
struct mr_resolver {
	uint16_t resolves_for; /* network protocol whose addresses it resolves */
	/* Send one request for `addr`; unicast to `ll` when that is not NULL (NUD probe). `src` is a local address of the NIC. */
	void (*request)(struct mr_netproto *np, struct mr_nic *nic, const struct mr_addr *addr, const struct mr_addr *src,
	                const struct mr_lladdr *ll);
	/* Map without asking (multicast, broadcast). @return true if `out` was set. */
	bool (*resolve_static)(struct mr_netproto *np, struct mr_nic *nic, const struct mr_addr *addr, struct mr_lladdr *out);
};

struct mr_netproto_ops {
	const char *name;
	uint16_t number;     /* EtherType */
	uint8_t min_bytes;   /* shorter packets are malformed (S-122) */
	uint8_t hdr_bytes;   /* header that output prepends; the MTU of a transport is less by it */
	/* Validate headers, write src, trans_proto, trans_off, trans_len, ttl, tos, phdr_sum, flags; trim link padding.
	 * Sets dst[i]. Drops bad packets with their reason and compacts. @return what is left. NULL: not addressed (ARP). */
	uint16_t (*parse)(struct mr_netproto *np, struct mr_nic *nic, struct rte_mbuf **pkts, struct mr_addr *dst, uint16_t n);
	/* The tuple that decides which core owns the packet: 4-tuple, or addresses only for fragments and for protocols
	 * without ports; the inner tuple, turned round, for ICMP errors; the identifier for our port of echo replies. After
	 * parse. @return false: stay on this core. */
	bool (*tuple)(struct mr_netproto *np, struct rte_mbuf *m, struct mr_tuple *out);
	/* Packets for this host: netep is set (not for protocols without parse). Consumes all. */
	void (*input)(struct mr_netproto *np, struct mr_nic *nic, struct rte_mbuf **pkts, uint16_t n);
	/* Prepend the header to each packet, unless they bring their own, and pass them to mr_nic_output_burst (or to the
	 * loop, if the route is local). Consumes all. A packet over the MTU is dropped, or -EMSGSIZE for a single one.
	 * @return 0 or -errno of the last drop */
	int (*output)(struct mr_netproto *np, struct mr_route *r, struct rte_mbuf **pkts, uint16_t n,
	              const struct mr_ip_params *p);
	/* Packets of others on their way through, data at the network header; pkts[i] goes on by hops[i] (transit.h). Drop what
	 * may not pass, write into the others what a router writes. Compacts both arrays. @return what is left. May be NULL. */
	uint16_t (*forward)(struct mr_netproto *np, struct rte_mbuf **pkts, struct mr_hop *hops, uint16_t n);
	/* Send an ICMP error about a received packet (facts set). Consumes it. Obeys the rules about what gets no error. */
	void (*error)(struct mr_netproto *np, struct rte_mbuf *m, enum mr_net_error e);
	/* The next hop of a packet does not answer: tell whom it concerns, the transport it came from or, if it was forwarded,
	 * its sender. Data at the network header; the drop is counted already, and headers may be shared with others who hold
	 * the packet, so they are only read. Consumes it. NULL: nobody is told. (B-18) */
	void (*undeliverable)(struct mr_netproto *np, struct mr_nic *nic, struct rte_mbuf *m);
	/* An address came up on or left a NIC; may be NULL. (IPv6 joins and leaves the solicited-node group here.) */
	int (*netep_open)(struct mr_netproto *np, struct mr_netep *ep);
	void (*netep_close)(struct mr_netproto *np, struct mr_netep *ep);
	/* A NIC that is up begins or ceases to listen to a group; may be NULL. A NIC that goes down leaves its groups and
	 * joins them again when it comes up; whoever joined them keeps them meanwhile. (IPv4 and IPv6 tell routers here.) */
	void (*group_join)(struct mr_netproto *np, struct mr_netep *group);
	void (*group_leave)(struct mr_netproto *np, struct mr_netep *group);
	int (*setopt)(struct mr_netproto *np, int opt, int64_t value);
	int (*getopt)(struct mr_netproto *np, int opt, int64_t *value);
	void (*destroy)(struct mr_netproto *np);
	const struct mr_resolver *resolver; /* or NULL */
};

struct mr_netproto {
	const struct mr_netproto_ops *ops;
	struct mr_stack *stack;
};

typedef int (*mr_netproto_factory)(struct mr_stack *s, struct mr_netproto **out);
/* Register a factory under a name, before stacks are created; the last registration of a name wins (S-3). */
int mr_netproto_register(const char *name, mr_netproto_factory f);

#ifdef __cplusplus
}
#endif
#endif
