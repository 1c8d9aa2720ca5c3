/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file
 * Routes of a stack: the table, and the way to a destination as a value. Part of <millrace.h>.
 */
#ifndef MR_API_ROUTE_H
#define MR_API_ROUTE_H

#include "addr.h"
#include "neigh.h"

#ifdef __cplusplus
extern "C" {
#endif

struct rte_mbuf;
struct mr_neigh;
struct mr_netep;
struct mr_stack;

/** A row of the route table. Gateway all zero: on-link. `src` all zero: the NIC's primary address. */
struct mr_route_entry {
	struct mr_subnet dest;  /**< destinations */
	struct mr_addr gateway;  /**< next hop */
	struct mr_addr src;  /**< source of what is sent by it */
	uint16_t nic;  /**< NIC id */
};
/**
 * Add a row. Longest prefix wins, among equals the first added; with mr_stack_opts.routes_first_match the first added wins
 * whatever its prefix. Rows whose NIC is down or not there (yet) are passed over. (S-45, B-3, SS-9) Context: own core.
 * @return 0, -EINVAL (prefix, families that differ, or NIC 0), -EEXIST, -ENOMEM.
 */
int mr_route_add(struct mr_stack *s, const struct mr_route_entry *e);
/** Remove the row that is equal to this one. Context: own core. @return 0, -ENOENT. */
int mr_route_remove(struct mr_stack *s, const struct mr_route_entry *e);
/** Replace all rows, those that came with addresses too. (S-44) Context: own core. @return 0, or as mr_route_add for
 *  the first bad row. */
int mr_route_table_set(struct mr_stack *s, const struct mr_route_entry *rows, size_t n);
/** Copy up to n rows in the order in which they are tried; mr_route_table_set takes them back. (S-46)
 *  Context: own core.
 *  @return rows in the table. */
size_t mr_route_table_get(struct mr_stack *s, struct mr_route_entry *rows, size_t n);

#define MR_ROUTE_F_LOCAL (1u << 0)      /**< the destination is this host */
#define MR_ROUTE_F_BROADCAST (1u << 1)  /**< the destination is a broadcast address */
#define MR_ROUTE_F_MULTICAST (1u << 2)  /**< the destination is a group */

/**
 * A route: the way from an address of ours to a destination (S-86). A value to embed, but not to copy: it holds a
 * reference to its source address, which stays usable for it when it is removed (SS-8). What changes under a route, it
 * follows at the next mr_route_check or mr_route_output.
 */
struct mr_route {
	struct mr_netep *local;   /**< private: the source address, held */
	struct mr_neigh *neigh;   /**< private: of the next hop, while `gen` is the stack's; NULL: none is needed */
	struct mr_addr remote;    /**< destination (S-87) */
	struct mr_addr next_hop;  /**< the gateway, or `remote` itself (S-91) */
	uint32_t gen;             /**< private: when it was found */
	uint16_t mtu;             /**< bytes of network packet, header included */
	uint16_t addr_sum;        /**< private: folded sum of both addresses, for checksums */
	uint16_t nic;             /**< private: the NIC that was asked for, 0 any */
	uint8_t flags;            /**< MR_ROUTE_F_* */
};

/** What a transport wants of the network header. */
struct mr_ip_params {
	uint8_t trans_proto;  /**< MR_TRANS_* */
	uint8_t ttl;         /**< 0: the protocol's default */
	uint8_t tos;  /**< DSCP and ECN */
	bool df;             /**< may not be fragmented on the way */
	bool own_header;     /**< the packets begin with a finished network header: nothing is put in front */
	bool group_loop;     /**< multicast: members on this host get a copy */
	bool group_no_wire;  /**< multicast: nothing leaves this host (TTL 0) */
};

/**
 * Find a route. Multicast, limited broadcast and link-local destinations need a NIC but no row (B-13); those of this host
 * need neither. The end of a route is mr_route_release. Context: own core.
 * @param nic 0: any. @param local NULL or all zero: choose. @param remote NULL or all zero: a route to the local address.
 * @param net the family if neither address is given.
 * @return 0, -EHOSTUNREACH (no row), -EADDRNOTAVAIL (`local` is not ours), -ENODEV, -ENOBUFS (no neighbour entry left).
 *  (S-47, SS-9)
 */
int mr_route_find(struct mr_stack *s, uint16_t nic, const struct mr_addr *local, const struct mr_addr *remote, uint16_t net,
                  struct mr_route *out);
/** Bring a route up to date, keeping its source; cheap when nothing changed. Context: own core. @return 0, or as
 *  mr_route_find. */
int mr_route_check(struct mr_stack *s, struct mr_route *r);
/** A second route like it, with a reference and an end of its own. (S-103) Context: own core. */
void mr_route_clone(struct mr_route *dst, const struct mr_route *src);
/** Give up the reference; once more does nothing, and nor does any other call with a released route: it answers as for
 *  an error, 0 or NULL. (S-104) Context: own core. */
void mr_route_release(struct mr_route *r);
/**
 * Send packets of the stack's transmit pool whose data starts at the transport header, checksum included. Consumes all.
 * While the next hop's link address is asked for, they wait for it (SS-11). (S-102) Context: own core.
 * @return 0, or the last error: -EMSGSIZE, or as mr_route_find. What is lost is counted.
 */
int mr_route_output(struct mr_route *r, struct rte_mbuf **pkts, uint16_t n, const struct mr_ip_params *p);

/** Source address; NULL: released. Valid as long as the route. (S-89) Context: own core. */
const struct mr_addr *mr_route_local(const struct mr_route *r);
/** The NIC's, len 0: it has none (S-90). Context: own core. */
const struct mr_lladdr *mr_route_local_ll(const struct mr_route *r);
/** Link address of the next hop (S-88). Context: own core. @return 0, -EHOSTUNREACH (not known now), or as
 *  mr_route_check. */
int mr_route_remote_ll(struct mr_route *r, struct mr_lladdr *out);
/** Will the next packet have to wait for a link address? (S-99) Context: own core. */
bool mr_route_needs_resolve(struct mr_route *r);
/**
 * The same, asking for it if need be (S-100). Nobody has to: packets wait by themselves. A route may be released while one
 * waits for it. Context: own core.
 * @param w told of the end if that is -EINPROGRESS; see mr_neigh_get. @param out with 0: our own link address if the
 *  destination is this host, len 0 if the link has none.
 * @return 0, -EINPROGRESS, -EHOSTUNREACH, -EBUSY, or as mr_route_check.
 */
int mr_route_resolve(struct mr_route *r, struct mr_neigh_waiter *w, struct mr_lladdr *out);
/** Stop waiting for a route's link address; the same as mr_neigh_cancel. (S-101) Context: own core. */
void mr_route_resolve_cancel(struct mr_route *r, struct mr_neigh_waiter *w);
/** MR_NET_* (S-92). Context: own core. */
uint16_t mr_route_net(const struct mr_route *r);
/** NIC it leaves at (S-93). Context: own core. */
uint16_t mr_route_nic(const struct mr_route *r);
/** Bytes behind the network header (S-94). Context: own core. */
uint16_t mr_route_mtu(const struct mr_route *r);
/** Bytes of network and link header (S-95). Context: own core. */
uint16_t mr_route_headroom(const struct mr_route *r);
/** Its TTL or hop limit where the packet names none. (S-96) Context: own core. */
uint8_t mr_route_default_ttl(const struct mr_route *r);
/** MR_LINK_CAP_* (S-97). Context: own core. */
uint32_t mr_route_caps(const struct mr_route *r);
/** Folded sum, not complemented, of the pseudo-header without its length, in memory order. (S-98) Context: own core. */
uint16_t mr_route_phdr_sum(const struct mr_route *r, uint8_t trans_proto);
/** The stack's counters (S-105). Context: own core. */
const uint64_t *mr_route_stats(const struct mr_route *r);

#ifdef __cplusplus
}
#endif
#endif
