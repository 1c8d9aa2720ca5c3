/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file
 * A NIC of a stack: its link, addresses, groups, modes, neighbours; frame dispatch inwards and the transmit queue
 * outwards. Local addresses are struct mr_netep, counted: one reference for being configured, one per route or flow
 * that uses it. A promiscuous, spoofing or subnet NIC makes temporary ones, which live while they are referenced
 * (SS-6).
 *
 * Protocols and framings read what is not private, and change nothing. Context of all calls: the stack's core.
 */
#ifndef MR_STACK_NIC_H
#define MR_STACK_NIC_H

#include <stdint.h>
#include <sys/queue.h>

#include "stack/addr_filter.h"
#include "stack/link.h"
#include "stack/millrace.h"
#include "stack/network.h"
#include "stack/pkt.h"
#include "stack/timer.h"

#ifdef __cplusplus
extern "C" {
#endif

#define MR_BURST 32          /**< frames taken from a link at a time */
#define MR_NIC_TXQ 512       /**< frames that may wait for the link, */
#define MR_NIC_TXQ_BULK 448  /**< of these, of those that can wait elsewhere; the rest is for ACKs, ARP and the like; */
#define MR_NIC_TXQ_ALONE 3584 /**< and besides, of those marked MR_PORT_ALONE: of these each connection has one at most */
#define MR_NIC_TXQ_SLOTS (MR_NIC_TXQ + MR_NIC_TXQ_ALONE) /**< all of them */
#define MR_NIC_STUCK_NS 100000000ull /**< a link that has taken nothing for so long is not waited for: a machine that
                                  *   shares its cores takes one away for some 10 ms at a time */
#define MR_NIC_ADDR_BITS 8 /**< private */
#define MR_NIC_ADDR_BUCKETS (1 << MR_NIC_ADDR_BITS) /**< private */

static_assert((MR_NIC_TXQ_SLOTS & (MR_NIC_TXQ_SLOTS - 1)) == 0, "places are counted round by a mask");

/** One local address (S-127, S-133). */
struct mr_netep {
	struct mr_addr addr;    /**< the address (S-138) */
	struct mr_nic *nic;     /**< whose it is; there as long as this is (S-134) */
	struct mr_netproto *np; /**< its protocol */
	uint32_t refs;       /**< private: mr_netep_hold */
	uint16_t id;         /**< names it in a flow key; unique in the stack while it lives, not 0 */
	uint8_t plen;        /**< on-link prefix, in the family's own bits */
	uint8_t kind;        /**< enum mr_netep_kind */
	uint8_t peb;         /**< enum mr_peb */
	uint16_t joins;      /**< of a group */
	bool opened;         /**< the protocol's own: what netep_open brings along is there */
	uint8_t report_flags;         /**< of a group, the protocol's own: who has told routers of it */
	struct mr_timer report_timer; /**< the same */
	/** @cond private */
	bool in_primary;
	bool brought_row;            /* the connected route of its prefix is in the table because of it */
	bool in_turn;
	struct mr_netep *hash_next;
	TAILQ_ENTRY(mr_netep) primary; /* in nic->primary when it may be a source */
	TAILQ_ENTRY(mr_netep) configured; /* in nic->configured while permanent */
	struct mr_netep *turn_next;  /* in stack->turn_neteps: a received packet refers to it until the end of the turn */
	/** @endcond */
};

/** @cond private */
/* A directed broadcast address of a NIC, and how many configured addresses have it. */
struct mr_nic_bcast {
	struct mr_addr addr;
	uint32_t users;
};
/** @endcond */

struct mr_neigh_table;
struct mr_packet_ep;
struct mr_transproto;

/** A NIC (S-69). */
struct mr_nic {
	struct mr_stack *stack;   /**< whose it is */
	struct mr_link *link;     /**< NULL once it is removed */
	const struct mr_framing *framing; /**< of the link */
	uint16_t id;              /**< not 0 (S-78) */
	uint16_t mtu;             /**< network packet */
	uint16_t tso_segs;        /**< of the link, if TCP may let it cut segments; else 0 */
	uint32_t flags;           /**< MR_NIC_F_* */
	uint32_t caps;            /**< of the link */
	struct mr_lladdr lladdr;  /**< of the link */
	/** @cond private */
	uint16_t rx_most;         /* frames of a burst that is taken from the link; fewer than MR_BURST if they are large */
	/* frames that wait for the link's flush */
	uint16_t txq_head, txq_n;
	uint16_t txq_alone;       /* of them, marked MR_PORT_ALONE */
	struct mr_ep *room, **room_tail; /* who waits for room in it */
	uint64_t tx_busy_ns;      /* when the link last left frames with us */
	uint64_t tx_stuck_ns;     /* since when it has taken none at all; 0: it has */
	struct rte_mbuf *txq[MR_NIC_TXQ_SLOTS];
	struct mr_netep *addrs[MR_NIC_ADDR_BUCKETS];
	TAILQ_HEAD(mr_primary_list, mr_netep) primary;
	TAILQ_HEAD(mr_configured_list, mr_netep) configured; /* in the order they were added */
	struct mr_nic_bcast *bcasts;
	unsigned n_bcasts;
	struct mr_addr_filter bcast_filter;
	uint32_t n_neteps;        /* of every kind: a removed NIC is freed with the last one */
	bool removed;             /* on stack->dead_nics */
	struct mr_subnet *subnets;
	unsigned n_subnets;
	struct mr_neigh_table *neigh;
	char name[MR_NIC_NAMESIZE];
	TAILQ_ENTRY(mr_nic) link_in_stack;
	/** @endcond */
};

/** NIC by its id; NULL: there is none. */
struct mr_nic *mr_nic_find(struct mr_stack *s, uint16_t id);

/**
 * Frames as the link delivered them, mr_pkt_init done: the way in that a stack takes itself in its turn. The framing
 * strips its header, and each network protocol gets its packets together, in order. Consumes all. (S-79, S-140, SS-19)
 */
void mr_nic_rx(struct mr_nic *nic, struct rte_mbuf **pkts, uint16_t n);
/**
 * The same behind the framing: packets of one network protocol, whose data starts at the network header, with
 * net_proto, net_off and the LINK flags in their facts. What is of no protocol in the stack, too short for it, or for
 * no address of the NIC is dropped and counted. Consumes all. (S-79, B-1)
 */
void mr_nic_deliver_network(struct mr_nic *nic, uint16_t net_proto, struct rte_mbuf **pkts, uint16_t n);
/**
 * Packets of one transport protocol, with everything in their facts that a network protocol's parse writes, netep,
 * and data at the transport header; from a network protocol's input. The transport's parse, the demuxers, the default
 * handler and unknown_dst are asked in this order. Consumes all.
 * @return false: the stack has no such transport; nothing was consumed, and the caller answers. (S-80, S-158, SS-2)
 */
bool mr_nic_deliver_transport(struct mr_stack *s, uint8_t trans, struct rte_mbuf **pkts, uint16_t n);
/** A packet, facts and hash set, that neither demuxer has anybody for: to the default handler, then to the transport's
 *  own answer (B-16). Consumes it. */
void mr_nic_deliver_nobody(struct mr_transproto *tp, struct rte_mbuf *m);
/**
 * A report about a packet of ours, from ICMP or the like: told to the transport of the flow that it was of.
 * @param nic where the report came in; the address is looked for there first.
 * @param local the packet's source. @param remote its destination.
 * @param extra see enum mr_ctrl_type.
 * @param quoted its transport header, of which 8 bytes must be there.
 * @return false: it concerns nobody. (S-81, S-159, SS-15, B-15)
 */
bool mr_nic_deliver_control(struct mr_stack *s, struct mr_nic *nic, const struct mr_addr *local,
                            const struct mr_addr *remote, uint8_t trans, enum mr_ctrl_type type, uint32_t extra,
                            const void *quoted, uint16_t quoted_bytes);
/** Transmit network packets to a next hop: through the neighbour cache where the link resolves. Consumes all. */
void mr_nic_output_burst(struct mr_nic *nic, struct mr_neigh *neigh, struct rte_mbuf **pkts, uint16_t n,
                         uint16_t net_proto);
/** Transmit network packets to a known link address. Consumes all. */
void mr_nic_output_ll_burst(struct mr_nic *nic, struct rte_mbuf **pkts, uint16_t n, const struct mr_lladdr *dst,
                            uint16_t net_proto);

/** The same for one packet. */
static inline void
mr_nic_output_ll(struct mr_nic *nic, struct rte_mbuf *m, const struct mr_lladdr *dst, uint16_t net_proto)
{
	mr_nic_output_ll_burst(nic, &m, 1, dst, net_proto);
}

/** Frames that wait for the link and are not alone: those whose number is limited by MR_NIC_TXQ. */
static inline uint16_t
mr_nic_txq_others(const struct mr_nic *nic)
{
	return (uint16_t)(nic->txq_n - nic->txq_alone);
}

/** Its other half: the queue would be longer than `max`. @return whether there is room */
bool mr_nic_tx_room_slow(struct mr_nic *nic, uint16_t n, uint16_t max);
/** Is there room for n more frames whose sender can keep them for a later turn? Where there is none, let it: a full queue
 *  drops. A link that takes nothing at all is soon not waited for, so that nothing waits for ever: then there is room.
 *  @param max MR_NIC_TXQ_BULK; MR_NIC_TXQ for what is small, like an ACK */
static inline bool
mr_nic_tx_room(struct mr_nic *nic, uint16_t n, uint16_t max)
{
	return likely(mr_nic_txq_others(nic) + n <= max) || mr_nic_tx_room_slow(nic, n, max);
}

/** Is there room for one frame marked MR_PORT_ALONE, besides what mr_nic_tx_room tells of? Thousands of connections that have
 *  one thing to say each say it at once, instead of being called again one by one as the link takes it. */
static inline bool
mr_nic_tx_room_alone(const struct mr_nic *nic)
{
	return nic->txq_alone < MR_NIC_TXQ_ALONE;
}

/** Transmit frames that have their link header. Consumes all. @param by who sends them, or NULL */
void mr_nic_output_frames(struct mr_nic *nic, struct rte_mbuf **pkts, uint16_t n, const struct mr_packet_ep *by);
/** Loop a network packet of ours back into this stack; it is delivered in the next turn. Consumes it. */
void mr_nic_loop(struct mr_nic *nic, struct rte_mbuf *m, uint16_t net_proto);

/** Local address instance for a received destination: configured, group, or temporary where the mode allows one.
 *  NULL if the address is not ours. Returned without a reference of its own: valid in this turn. */
struct mr_netep *mr_nic_netep_rx(struct mr_nic *nic, const struct mr_addr *dst);
/** Configured (not expired) instance of an address, or NULL. */
struct mr_netep *mr_nic_netep_find(struct mr_nic *nic, const struct mr_addr *addr);
/** Source address for a destination. IPv4: the first primary address whose prefix has `dst`, else the first one.
 *  IPv6: by scope and longest match (RFC 6724 rules 1, 2, 8). NULL if none. */
struct mr_netep *mr_nic_netep_primary(struct mr_nic *nic, const struct mr_addr *dst);
/** Local address by mr_netep.id; NULL: there is none. */
struct mr_netep *mr_netep_by_id(struct mr_stack *s, uint16_t id);
/** Take a reference. */
void mr_netep_hold(struct mr_netep *ep);
/** Give it back; an expired or temporary one goes with the last. */
void mr_netep_release(struct mr_netep *ep);
/** Instance for a source address that is not ours, on a spoofing NIC; NULL if the mode is off. Returned as above. */
struct mr_netep *mr_nic_netep_spoof(struct mr_nic *nic, const struct mr_addr *addr);
/** Instance of any kind, as flows may hold one; NULL if there is none. */
struct mr_netep *mr_nic_netep_any(struct mr_nic *nic, const struct mr_addr *addr);
/** Configured instance on any NIC that is up, `first` before the others; NULL if there is none. */
struct mr_netep *mr_stack_netep_find(struct mr_stack *s, struct mr_nic *first, const struct mr_addr *addr);
/** Call `fn` for every group that the NIC has joined, of either family. `fn` joins and leaves none. */
void mr_nic_each_group(struct mr_nic *nic, void (*fn)(struct mr_netep *group, void *arg), void *arg);
/** mr_nic_is_broadcast behind its filter. */
bool mr_nic_finds_broadcast(const struct mr_nic *nic, const struct mr_addr *a);

/** True if `a` is the NIC's directed broadcast (of a configured prefix shorter than /31) or 255.255.255.255 (B-14). */
static inline bool
mr_nic_is_broadcast(const struct mr_nic *nic, const struct mr_addr *a)
{
	return mr_addr_filter_may_have(&nic->bcast_filter, a) && mr_nic_finds_broadcast(nic, a);
}

#ifdef __cplusplus
}
#endif
#endif
