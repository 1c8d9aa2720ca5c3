/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A NIC of a stack: its link, addresses, groups, modes, neighbours; frame dispatch inwards and the transmit queue
 * outwards. Local addresses are struct mr_netep, counted: one reference for being configured, one per route or flow
 * that uses it. A promiscuous, spoofing or subnet NIC makes temporary ones, which live while they are referenced (SS-6).
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

#define MR_BURST 32          /* frames taken from a link at a time */
#define MR_NIC_TXQ 512       /* frames that may wait for the link */
#define MR_NIC_ADDR_BUCKETS 256

/* One local address. */
struct mr_netep {
	struct mr_addr addr;
	struct mr_nic *nic;
	struct mr_netproto *np;
	uint32_t refs;
	uint16_t id;         /* names it in a flow key; unique in the stack while it lives, not 0 */
	uint8_t plen;        /* on-link prefix, in the family's own bits */
	uint8_t kind;        /* enum mr_netep_kind */
	uint8_t peb;         /* enum mr_peb */
	uint16_t joins;      /* of a group */
	struct mr_netep *hash_next;
	TAILQ_ENTRY(mr_netep) primary; /* in nic->primary when it may be a source */
	TAILQ_ENTRY(mr_netep) configured; /* in nic->configured while permanent */
	struct mr_netep *turn_next;  /* in stack->turn_neteps: a received packet refers to it until the end of the turn */
	bool in_primary;
	bool in_turn;
	bool opened;         /* the protocol's own: what netep_open brings along is there */
	uint8_t report_flags; /* of a group, and the protocol's own, like the timer: who has told routers of it */
	struct mr_timer report_timer;
};

/* A directed broadcast address of a NIC, and how many configured addresses have it. */
struct mr_nic_bcast {
	struct mr_addr addr;
	uint32_t users;
};

struct mr_neigh_table;
struct mr_transproto;

struct mr_nic {
	struct mr_stack *stack;
	struct mr_link *link;
	const struct mr_framing *framing;
	uint16_t id;
	uint16_t mtu;             /* network packet */
	uint32_t flags;           /* MR_NIC_F_* */
	uint32_t caps;            /* of the link */
	struct mr_lladdr lladdr;
	/* frames that wait for the link's flush */
	uint16_t txq_head, txq_n;
	struct rte_mbuf *txq[MR_NIC_TXQ];
	struct mr_netep *addrs[MR_NIC_ADDR_BUCKETS];
	TAILQ_HEAD(mr_primary_list, mr_netep) primary;
	TAILQ_HEAD(, mr_netep) configured; /* in the order they were added */
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
};

struct mr_nic *mr_nic_find(struct mr_stack *s, uint16_t id);
/* Out of the lists for good; freed now, or with the last reference to one of its addresses. */
void mr_nic_destroy(struct mr_nic *nic);
void mr_nic_free(struct mr_nic *nic);
/* Frames as the link delivered them. Consumes all. */
void mr_nic_rx(struct mr_nic *nic, struct rte_mbuf **pkts, uint16_t n);
/* Packets that start with their network header and have net_proto, net_off and flags set (loop, hand-over). Consumes all. */
void mr_nic_deliver_network(struct mr_nic *nic, uint16_t net_proto, struct rte_mbuf **pkts, uint16_t n);
/* The second half of it: parsed packets of one protocol (hand-over ring). Consumes all. */
void mr_nic_deliver_parsed(struct mr_nic *nic, uint16_t net_proto, struct rte_mbuf **pkts, const struct mr_addr *dst,
                           uint16_t n);
/* Packets of one transport protocol with facts and netep set, data at the transport header. Consumes all.
 * @return false if the stack has no such protocol: then nothing was consumed and the caller answers. (S-80) */
bool mr_nic_deliver_transport(struct mr_stack *s, uint8_t trans, struct rte_mbuf **pkts, uint16_t n);
/* A packet, facts and hash set, that neither demuxer has anybody for: to the default handler, then to the transport's own
 * answer (B-16). Consumes it. */
void mr_nic_deliver_nobody(struct mr_transproto *tp, struct rte_mbuf *m);
/* An ICMP error about a packet of ours: local is its source. `quoted` is its transport header. (S-81)
 * @return false if no endpoint was concerned */
bool mr_nic_deliver_control(struct mr_stack *s, struct mr_nic *nic, const struct mr_addr *local,
                            const struct mr_addr *remote, uint8_t trans, enum mr_ctrl_type type, uint32_t extra,
                            const void *quoted, uint16_t quoted_bytes);
/* Transmit network packets to a next hop: through the neighbour cache where the link resolves. Consumes all. */
void mr_nic_output_burst(struct mr_nic *nic, struct mr_neigh *neigh, struct rte_mbuf **pkts, uint16_t n,
                         uint16_t net_proto);
/* Transmit network packets to a known link address. Consumes all. */
void mr_nic_output_ll_burst(struct mr_nic *nic, struct rte_mbuf **pkts, uint16_t n, const struct mr_lladdr *dst,
                            uint16_t net_proto);

static inline void
mr_nic_output_ll(struct mr_nic *nic, struct rte_mbuf *m, const struct mr_lladdr *dst, uint16_t net_proto)
{
	mr_nic_output_ll_burst(nic, &m, 1, dst, net_proto);
}

/* Hand what waits to the link; what it does not take stays for the next turn. */
void mr_nic_flush(struct mr_nic *nic);
/* Loop a network packet of ours back into this stack; it is delivered in the next turn. Consumes it. */
void mr_nic_loop(struct mr_nic *nic, struct rte_mbuf *m, uint16_t net_proto);
/* Deliver what was looped before this call. @return packets */
unsigned mr_nic_loop_deliver(struct mr_stack *s);

/* Local address instance for a received destination: configured, group, or temporary where the mode allows one.
 * NULL if the address is not ours. Returned without a reference of its own: valid in this turn. */
struct mr_netep *mr_nic_netep_rx(struct mr_nic *nic, const struct mr_addr *dst);
/* The same with the stack's other NICs: for packets that were looped (flags MR_PKT_F_LOCAL), and, but for link-local
 * addresses, when the stack forwards (weak host model). */
struct mr_netep *mr_nic_netep_for(struct mr_nic *nic, const struct mr_addr *dst, uint8_t flags);
/* Configured (not expired) instance of an address, or NULL. */
struct mr_netep *mr_nic_netep_find(struct mr_nic *nic, const struct mr_addr *addr);
/* Source address for a destination. IPv4: the first primary address whose prefix has `dst`, else the first one. IPv6: by
 * scope and longest match (RFC 6724 rules 1, 2, 8). NULL if none. */
struct mr_netep *mr_nic_netep_primary(struct mr_nic *nic, const struct mr_addr *dst);
struct mr_netep *mr_netep_by_id(struct mr_stack *s, uint16_t id);
void mr_netep_hold(struct mr_netep *ep);
void mr_netep_release(struct mr_netep *ep); /* frees an expired or temporary one with the last reference */
/* Instance for a source address that is not ours, on a spoofing NIC; NULL if the mode is off. Returned as above. */
struct mr_netep *mr_nic_netep_spoof(struct mr_nic *nic, const struct mr_addr *addr);
/* Instance of any kind, as flows may hold one; NULL if there is none. */
struct mr_netep *mr_nic_netep_any(struct mr_nic *nic, const struct mr_addr *addr);
/* Configured instance on any NIC that is up, `first` before the others; NULL if there is none. */
struct mr_netep *mr_stack_netep_find(struct mr_stack *s, struct mr_nic *first, const struct mr_addr *addr);
/* End of the turn: let go of what only received packets referred to. */
void mr_stack_netep_turn_end(struct mr_stack *s);
/* The NIC goes up or down: open or close its configured addresses, and tell the link its groups. */
void mr_nic_neteps_open(struct mr_nic *nic);
void mr_nic_neteps_close(struct mr_nic *nic);
/* The NIC goes: nothing is configured on it any more. */
void mr_nic_neteps_drop(struct mr_nic *nic);
/* Call `fn` for every group that the NIC has joined, of either family. `fn` joins and leaves none. */
void mr_nic_each_group(struct mr_nic *nic, void (*fn)(struct mr_netep *group, void *arg), void *arg);
/* Clear the host bits. @return 0 or -EINVAL: prefix too long */
int mr_subnet_normalize(struct mr_subnet *s);
bool mr_nic_finds_broadcast(const struct mr_nic *nic, const struct mr_addr *a);

/* True if `a` is the NIC's directed broadcast (of a configured prefix shorter than /31) or 255.255.255.255 (B-14). */
static inline bool
mr_nic_is_broadcast(const struct mr_nic *nic, const struct mr_addr *a)
{
	return mr_addr_filter_may_have(&nic->bcast_filter, a) && mr_nic_finds_broadcast(nic, a);
}

#endif
