/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file
 * The head that every transport endpoint starts with, and its operations: what stands behind struct mr_ep of the
 * public header. Events are noted (mr_ep_event) whenever they happen and told once a turn, in the application stage;
 * sending is asked for (mr_ep_mark_dirty) and done once a turn, in the output stage.
 *
 * Context of all calls: the stack's core, in a turn or in a call of the application.
 */
#ifndef MR_STACK_ENDPOINT_H
#define MR_STACK_ENDPOINT_H

#include <assert.h>
#include <stdint.h>

#include "stack/millrace.h"

#ifdef __cplusplus
extern "C" {
#endif

/** Who a packet is for: first member of endpoints, and of whatever else a transport has in the stack's flow table. */
struct mr_flow {
	struct mr_addr raddr; /**< key, like the next four: peer */
	uint16_t rport_be;    /**< its port */
	uint16_t lport_be;    /**< ours */
	uint16_t local_id;    /**< mr_netep.id of the local address */
	uint8_t proto;        /**< transport protocol */
	uint8_t kind;         /**< the transport's: 0 is an endpoint (struct mr_ep) */
	uint32_t hash;        /**< of the key, set by the table */
	uint16_t flags;       /**< MR_FLOW_F_* */
	uint16_t spare;       /**< the transport's */
};
static_assert(sizeof(struct mr_flow) == 32, "half a cache line");

#define MR_FLOW_EP 0                  /**< mr_flow.kind: the flow is a struct mr_ep */
#define MR_FLOW_F_INSERTED (1u << 0)  /**< private: is in the table */
#define MR_FLOW_F_NIC (1u << 1)       /**< registered for one NIC: wins over wildcard ones of that NIC (SS-1) */

/** What an endpoint of a transport can do; NULL: it cannot (-EOPNOTSUPP, -ENOPROTOOPT). Only `close` has to be there.
 *  Arguments and results are those of the public calls of the same names (mr_ep_bind ...). */
struct mr_ep_ops {
	int (*bind)(struct mr_ep *ep, const struct mr_sockaddr *local);  /**< mr_ep_bind */
	int (*listen)(struct mr_ep *ep, int backlog);                    /**< mr_ep_listen */
	int (*accept)(struct mr_ep *ep, struct mr_ep **out);             /**< mr_ep_accept */
	int (*connect)(struct mr_ep *ep, const struct mr_sockaddr *remote); /**< mr_ep_connect */
	/** mr_ep_sendto, and mr_ep_send with `to` NULL */
	ssize_t (*send)(struct mr_ep *ep, const void *buf, size_t len, const struct mr_sockaddr *to);
	/** mr_ep_send_mbuf; consumes `m` */
	ssize_t (*send_mbuf)(struct mr_ep *ep, struct rte_mbuf *m, const struct mr_sockaddr *to);
	/** mr_ep_send_burst */
	int (*send_burst)(struct mr_ep *ep, struct rte_mbuf **pkts, const struct mr_sockaddr *to, uint16_t n);
	/** mr_ep_recv, and mr_ep_peek with `peek` */
	ssize_t (*recv)(struct mr_ep *ep, void *buf, size_t len, struct mr_sockaddr *from, bool peek);
	ssize_t (*recv_mbuf)(struct mr_ep *ep, struct rte_mbuf **out, struct mr_sockaddr *from); /**< mr_ep_recv_mbuf */
	/** mr_ep_recv_burst */
	int (*recv_burst)(struct mr_ep *ep, struct rte_mbuf **pkts, struct mr_sockaddr *from, uint16_t n);
	int (*shutdown)(struct mr_ep *ep, unsigned how);                 /**< mr_ep_shutdown; `how` is valid */
	/** mr_ep_close and mr_ep_abort. The handle is the transport's again: mr_ep_fini, then the memory may go, at once. */
	void (*close)(struct mr_ep *ep, bool abort);
	int (*setopt)(struct mr_ep *ep, int opt, int64_t value);         /**< mr_ep_setopt */
	int (*getopt)(struct mr_ep *ep, int opt, int64_t *value);        /**< mr_ep_getopt */
	int (*name)(struct mr_ep *ep, struct mr_sockaddr *out, bool remote); /**< mr_ep_local_name, mr_ep_remote_name */
	uint32_t (*readiness)(struct mr_ep *ep);                         /**< mr_ep_readiness; NULL: never ready */
};

#define MR_EP_F_DIRTY (1u << 0)      /**< private: on the stack's dirty list, or on that of a NIC without room */
#define MR_EP_F_EVENT (1u << 1)      /**< private: on the stack's event list */
#define MR_EP_F_CLOSED (1u << 2)     /**< the application has given up the handle: no more events */
#define MR_EP_F_STARVED (1u << 3)    /**< private: on the stack's list of starved ones, unless on that of events */
#define MR_EP_F_TURN (1u << 4)       /**< it waited for transmit mbufs and was told; the transport clears it when it refuses */
#define MR_EP_F_USER (1u << 8)       /**< first of the transport's own flags */

/** Head of an endpoint; a transport has it first in a struct of its own. */
struct mr_ep {
	struct mr_flow flow;             /**< key when connected; proto always set */
	const struct mr_ep_ops *ops;     /**< what it can do */
	struct mr_stack *stack;          /**< whose it is */
	struct mr_waiter *waiters;       /**< private */
	uint32_t events;                 /**< private: noted and not yet told */
	uint16_t flags;                  /**< MR_EP_F_* */
	int16_t err;                     /**< pending error, negative errno; the transport sets it, mr_ep_error takes it */
	/* second line */
	struct mr_ep *event_next;        /**< private, as the rest: links of the stack's lists, each with what points here */
	struct mr_ep **event_pprev;      /**< private; of the list of events, or else of starved ones */
	struct mr_ep *dirty_next;        /**< private */
	struct mr_ep **dirty_pprev;      /**< private */
};

/** Fill the head, all of it. @param trans the transport's protocol number */
void mr_ep_init(struct mr_ep *ep, struct mr_stack *s, uint8_t trans, const struct mr_ep_ops *ops);
/** Leave the lists; for the transport, before it frees the memory. */
void mr_ep_fini(struct mr_ep *ep);
/** Note events (MR_EV_*) for the waiters, who are never called from here. */
void mr_ep_event(struct mr_ep *ep, uint32_t events);
/** mr_ep_mark_dirty for one that is not yet. */
void mr_ep_put_dirty(struct mr_ep *ep);

/** Have the transport's output called for this endpoint in the output stage of this turn (or the next). */
static inline void
mr_ep_mark_dirty(struct mr_ep *ep)
{
	if (!(ep->flags & MR_EP_F_DIRTY))
		mr_ep_put_dirty(ep);
}

/** Free a packet that cannot be sent: apart from the ways of those that can. @return rc */
ssize_t mr_ep_refuse_mbuf(struct rte_mbuf *m, int rc);

/** Have output called once the NIC, where mr_nic_tx_room said no, has room again; from output alone. First come, first
 *  served. */
void mr_ep_await_room(struct mr_ep *ep, struct mr_nic *nic);

/** The endpoint was refused transmit mbufs (mr_stack_tx_hold, or the pool is empty): MR_EV_OUT is told in the order of
 *  waiting, to as many endpoints as there are mbufs free. */
void mr_ep_starved(struct mr_ep *ep);

#ifdef __cplusplus
}
#endif
#endif
