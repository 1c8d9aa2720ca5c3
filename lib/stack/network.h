/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file
 * The network protocol contract: what IPv4, IPv6 and ARP are to a stack.
 *
 * One struct mr_netproto per protocol and stack, made by a registered factory (S-3). A protocol that has addresses
 * also gets a struct mr_netep per local address (the reference's network endpoint), owned and counted by the NIC.
 * Receive is burst-wise, in two calls: `parse` validates and writes the facts; between the two the stack steers and
 * finds the local address; `input` acts on packets that are for us. (S-120 to S-140, S-160 to S-172)
 *
 * Context of everything here but the registry: the stack's core.
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
struct mr_netep;
struct mr_netproto;

/** Kinds of report about packets of ours, from ICMP (S-160). */
enum mr_ctrl_type {
	MR_CTRL_PKT_TOO_BIG,      /**< may not be fragmented and does not fit; extra: next-hop MTU, 0 if not told */
	MR_CTRL_PORT_UNREACH,     /**< nobody has the port */
	MR_CTRL_NET_UNREACH,      /**< a router knows no way */
	MR_CTRL_HOST_UNREACH,     /**< the host, or the next hop to it, does not answer */
	MR_CTRL_PROTO_UNREACH,    /**< the host has not got the transport */
	MR_CTRL_ADMIN_PROHIBITED, /**< somebody on the way does not want it */
	MR_CTRL_TIME_EXCEEDED,    /**< TTL or reassembly */
	MR_CTRL_PARAM_PROBLEM,    /**< a header that somebody does not understand; extra: pointer */
	MR_CTRL_UNKNOWN,          /**< anything else */
};

/** Errors that a transport asks the network layer to send about a received packet. */
enum mr_net_error {
	MR_NET_ERR_PORT_UNREACH,  /**< nobody has the port */
	MR_NET_ERR_PROTO_UNREACH, /**< IPv6: parameter problem, unrecognised next header */
	MR_NET_ERR_HOST_UNREACH,  /**< the host is not there */
	MR_NET_ERR_NET_UNREACH,   /**< no way leads there */
};

/** Address tuple for steering; ports 0 where there are none. In the packet's own direction: src is the sender. */
struct mr_tuple {
	struct mr_addr src;  /**< sender */
	struct mr_addr dst;  /**< receiver */
	uint16_t sport_be;   /**< sender's port */
	uint16_t dport_be;   /**< receiver's port */
};

/** Resolution of link addresses, an optional facet (S-169..S-172). */
struct mr_resolver {
	uint16_t resolves_for; /**< network protocol whose addresses it resolves */
	/** Send one request for `addr`; unicast to `ll` when that is not NULL (NUD probe). `src` is a local address of the
	 *  NIC. */
	void (*request)(struct mr_netproto *np, struct mr_nic *nic, const struct mr_addr *addr, const struct mr_addr *src,
	                const struct mr_lladdr *ll);
	/** Map without asking (multicast, broadcast). @return true if `out` was set. */
	bool (*resolve_static)(struct mr_netproto *np, struct mr_nic *nic, const struct mr_addr *addr, struct mr_lladdr *out);
};

/** What an advertisement or a reply says (RFC 4861 7.2.5); for ARP: solicited and override as the message suggests. */
struct mr_neigh_advert {
	bool solicited;      /**< answers a question of ours: the neighbour hears us */
	bool override;       /**< may replace a link address that is known */
	bool router;         /**< says that it is one */
	bool has_ll;         /**< `ll` is there */
	struct mr_lladdr ll; /**< link address of the neighbour */
};

/** A solicitation or request told us the sender's link address: make (if `create`) or update a STALE entry (S-166,
 *  ND-07, AR-01). */
void mr_neigh_learn(struct mr_nic *nic, const struct mr_addr *addr, const struct mr_lladdr *ll, bool create);
/** An advertisement or reply arrived. Never makes an entry (ND-09). */
void mr_neigh_advert(struct mr_nic *nic, const struct mr_addr *addr, const struct mr_neigh_advert *a);
/** Where a packet of others goes on. */
struct mr_hop {
	struct mr_nic *nic;     /**< leaves at this one */
	struct mr_neigh *neigh; /**< to this neighbour; NULL: the link needs none */
	uint16_t mtu;           /**< bytes of network packet */
};

/** A network protocol. */
struct mr_netproto_ops {
	const char *name;    /**< for people */
	uint16_t number;     /**< EtherType */
	uint8_t min_bytes;   /**< so much is contiguous in what parse gets; shorter packets are malformed (S-122, SS-18) */
	uint8_t hdr_bytes;   /**< header that output prepends; the MTU of a transport is less by it */
	/** Validate headers, write src, trans_proto, trans_off, trans_len, ttl, tos, phdr_sum, flags; trim link padding.
	 *  Sets dst[i]. Drops bad packets with their reason and compacts. @return what is left. NULL: not addressed (ARP).
	 *  (S-123) */
	uint16_t (*parse)(struct mr_netproto *np, struct mr_nic *nic, struct rte_mbuf **pkts, struct mr_addr *dst, uint16_t n);
	/** The tuple that decides which core owns the packet: 4-tuple, or addresses only for fragments and for protocols
	 *  without ports; the inner tuple, turned round, for ICMP errors; the identifier for our port of echo
	 *  replies. After parse. @return false: stay on this core. */
	bool (*tuple)(struct mr_netproto *np, struct rte_mbuf *m, struct mr_tuple *out);
	/** Packets for this host: netep is set (not for protocols without parse). Consumes all. (S-135) */
	void (*input)(struct mr_netproto *np, struct mr_nic *nic, struct rte_mbuf **pkts, uint16_t n);
	/** Prepend the header to each packet, unless they bring their own, and pass them to mr_nic_output_burst (or to the loop, if the route is local).
	 *  Consumes all. A packet over the MTU is dropped, or -EMSGSIZE for a single one. @return 0 or -errno of the last
	 *  drop (S-132) */
	int (*output)(struct mr_netproto *np, struct mr_route *r, struct rte_mbuf **pkts, uint16_t n,
	              const struct mr_ip_params *p);
	/** Packets of others on their way through, data at the network header; pkts[i] goes on by hops[i]. Drop what may not
	 *  pass, write into the others what a router writes. Compacts both arrays. @return what is left. May be NULL. */
	uint16_t (*forward)(struct mr_netproto *np, struct rte_mbuf **pkts, struct mr_hop *hops, uint16_t n);
	/** Send an ICMP error about a received packet (facts set), unless the rules forbid it. Consumes it. */
	void (*error)(struct mr_netproto *np, struct rte_mbuf *m, enum mr_net_error e);
	/** The next hop of a packet does not answer: tell whom it concerns, the transport it came from or, if it was
	 *  forwarded, its sender. Data at the network header; the drop is counted already, and headers may be shared with
	 *  others who hold the packet, so they are only read. Consumes it. NULL: nobody is told. (B-18) */
	void (*undeliverable)(struct mr_netproto *np, struct mr_nic *nic, struct rte_mbuf *m);
	/** An address came up on a NIC; may be NULL. (IPv6 joins the solicited-node group here.) @return 0, or why it is
	 *  refused (S-124) */
	int (*netep_open)(struct mr_netproto *np, struct mr_netep *ep);
	/** An address goes, or its NIC does; may be NULL. (S-136) */
	void (*netep_close)(struct mr_netproto *np, struct mr_netep *ep);
	/** A NIC that is up begins to listen to a group; may be NULL. A NIC that goes down leaves its groups and joins them
	 *  again when it comes up; whoever joined them keeps them meanwhile. (IPv4 and IPv6 tell routers here.) */
	void (*group_join)(struct mr_netproto *np, struct mr_netep *group);
	void (*group_leave)(struct mr_netproto *np, struct mr_netep *group); /**< or ceases to; may be NULL */
	/** Protocol-wide options; NULL: none. @return 0, -ENOPROTOOPT, -EINVAL (S-125, S-126) */
	int (*setopt)(struct mr_netproto *np, int opt, int64_t value);
	int (*getopt)(struct mr_netproto *np, int opt, int64_t *value); /**< the same, reading */
	/** End with the stack; its NICs are gone. */
	void (*destroy)(struct mr_netproto *np);
	const struct mr_resolver *resolver; /**< or NULL */
};

/** A network protocol in a stack; a protocol has it first in a struct of its own. */
struct mr_netproto {
	const struct mr_netproto_ops *ops; /**< set by the factory */
	struct mr_stack *stack;            /**< set by the factory */
};

/** Make the protocol for one stack (S-5). @return 0, or what mr_stack_create is to return */
typedef int (*mr_netproto_factory)(struct mr_stack *s, struct mr_netproto **out);
/** Register a factory under a name, before stacks are created (RTE_INIT); the last registration of a name wins.
 *  Context: any one thread. @param name stays the caller's. @return 0, -EINVAL, -ENOSPC. (S-3) */
int mr_netproto_register(const char *name, mr_netproto_factory f);

#ifdef __cplusplus
}
#endif
#endif
