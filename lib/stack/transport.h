/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file
 * The transport protocol contract: what TCP and UDP are to a stack (S-141 to S-163).
 *
 * One struct mr_transproto per protocol and stack, made by a registered factory (S-4). Receive is burst-wise: `parse`
 * validates and writes the ports beside each packet, the demuxer looks all of them up, `input` gets packets and flows
 * in pairs. Input marks, output sends: an endpoint that has something to send puts itself on the stack's dirty list
 * (mr_ep_mark_dirty), and `output` is called for it once per turn.
 *
 * Context of everything here but the registry: the stack's core.
 */
#ifndef MR_STACK_TRANSPORT_H
#define MR_STACK_TRANSPORT_H

#include <stdint.h>

#include <rte_mbuf.h>

#include "stack/endpoint.h"
#include "stack/forward.h"
#include "stack/millrace.h"
#include "stack/network.h"

#ifdef __cplusplus
extern "C" {
#endif

struct mr_transproto;

/** A transport protocol. */
struct mr_transproto_ops {
	const char *name;     /**< for people */
	/** IP protocol number, or one that is on no wire: then there is no parse and nothing comes (S-142) */
	uint8_t number;
	uint8_t min_bytes;    /**< made contiguous before parse, which has to count shorter packets (S-144, SS-18) */
	/** Validate header and checksum; write sport_be, dport_be, trans_hdr_len (and seq, ack, tcp_flags). Data is at the
	 *  transport header. Drops bad packets and compacts. @return what is left. (S-145) */
	uint16_t (*parse)(struct mr_transproto *tp, struct rte_mbuf **pkts, uint16_t n);
	/** flows[i] is who pkts[i] is for: a flow-table entry (its `kind` says what), or the struct mr_flow inside an
	 *  endpoint found by the wildcard rules. Consumes all packets. A flow freed by an earlier packet of the same
	 *  burst is the transport's to notice: it must not free memory that later entries of `flows` point to before it
	 *  returns. (S-150) */
	void (*input)(struct mr_transproto *tp, struct mr_flow **flows, struct rte_mbuf **pkts, uint16_t n);
	/** No endpoint and no default handler wanted it: TCP resets, UDP says port unreachable. Consumes it and counts it
	 *  as a drop. (S-146) */
	void (*unknown_dst)(struct mr_transproto *tp, struct rte_mbuf *m);
	/** ICMP told something about a packet of ours. `f` is its flow; `quoted` points at the quoted transport header, of
	 *  which quoted_bytes (>= 8) are there. NULL: it does not care. (S-151) */
	void (*control)(struct mr_transproto *tp, struct mr_flow *f, enum mr_ctrl_type type, uint32_t extra,
	                const void *quoted, uint16_t quoted_bytes);
	/** Which ports, or what the protocol has in their place, does the quoted header of a packet of ours name? NULL: the
	 *  first four bytes, source and destination. @return false: endpoints send no such packets */
	bool (*quoted_ports)(const void *quoted, uint16_t *local_be, uint16_t *remote_be);
	/** Send what a dirty endpoint has to send. */
	void (*output)(struct mr_transproto *tp, struct mr_ep *ep);
	/** `ep` is the next to be output, and behind it come others (dirty_next): time to ask for what that reads; NULL: it is
	 *  little. */
	void (*output_ahead)(const struct mr_ep *ep);
	/** A new, unbound endpoint; NULL: none can be made from outside. @return 0, -ENOBUFS, -ENOMEM (S-143) */
	int (*ep_create)(struct mr_transproto *tp, uint16_t net, struct mr_ep **out);
	const struct mr_forward_ops *forward; /**< NULL: it cannot be forwarded (api/forwarder.h) */
	/** An endpoint for any IP protocol, of the one transport that has such; else NULL. @return as mr_ep_create_raw */
	int (*raw_create)(struct mr_transproto *tp, uint8_t trans, uint16_t net, struct mr_ep **out);
	/** Protocol-wide options; NULL: none. @return 0, -ENOPROTOOPT, -EINVAL (S-147, S-148) */
	int (*setopt)(struct mr_transproto *tp, int opt, int64_t value);
	int (*getopt)(struct mr_transproto *tp, int opt, int64_t *value); /**< the same, reading */
	/** Free the memory of what died in this turn; called last in a turn. May be NULL. */
	void (*reap)(struct mr_transproto *tp);
	/** Reset and free every endpoint and record, without calling waiters; then the protocol itself. */
	void (*destroy)(struct mr_transproto *tp);
};

/**
 * Takes a packet for which there is neither endpoint nor connection (S-57, SS-2). Facts and ports are set, data is at
 * the transport header. @return true: it consumed the packet; false: it left it alone, and unknown_dst gets it.
 */
typedef bool (*mr_default_handler)(struct mr_transproto *tp, struct rte_mbuf *m, void *arg);

/** A transport protocol in a stack; a protocol has it first in a struct of its own. */
struct mr_transproto {
	const struct mr_transproto_ops *ops; /**< set by the factory */
	struct mr_stack *stack;              /**< set by the factory */
	mr_default_handler default_handler;  /**< private: by mr_transproto_set_handler */
	void *default_arg;                   /**< private */
	struct mr_forwarder *forwarder;      /**< private: that is the default handler, or NULL */
};

/** Make the protocol for one stack (S-6). @return 0, or what mr_stack_create is to return */
typedef int (*mr_transproto_factory)(struct mr_stack *s, struct mr_transproto **out);
/** Register a factory under a name, before stacks are created (RTE_INIT); the last registration of a name wins.
 *  Context: any one thread. @param name stays the caller's. @return 0, -EINVAL, -ENOSPC. (S-4) */
int mr_transproto_register(const char *name, mr_transproto_factory f);
/**
 * Set the default handler of a transport, NULL: none. Only as long as the stack has made no turn: what arrives
 * meanwhile must find the same answers (SS-3, B-16).
 * @return 0, -EPROTONOSUPPORT, -EBUSY (the stack runs, or a forwarder is the handler). (S-57)
 */
int mr_transproto_set_handler(struct mr_stack *s, uint8_t trans, mr_default_handler fn, void *arg);

/** The same on every core of a host, or on none. Context: main lcore, before mr_host_start.
 *  @return as mr_transproto_set_handler. */
int mr_host_transproto_set_handler(struct mr_host *h, uint8_t trans, mr_default_handler fn, void *arg);

/**
 * A registration with the demuxer: which packets are for an endpoint (S-152 to S-156). The memory is the transport's,
 * as a rule in the endpoint, zero before the first use; while it is registered nothing in it may change.
 *
 * Registrations of a NIC come before global ones, even if they say less; within each come those with a peer, then those
 * with a local address, then the rest (SS-1).
 */
struct mr_bound {
	struct mr_bound *next;   /**< private: bucket of (proto, lport) */
	struct mr_bound **pprev; /**< private; NULL: not registered */
	struct mr_ep *ep;        /**< whose it is */
	struct mr_addr laddr;    /**< local address; all zero: any */
	struct mr_addr raddr;    /**< the peer's; all zero: any */
	uint16_t lport_be;       /**< local port */
	uint16_t rport_be;       /**< the peer's; 0: any */
	uint16_t nic;            /**< only what arrives there; 0: global */
	uint8_t proto;           /**< transport protocol */
	bool v4;                 /**< takes IPv4 */
	bool v6;                 /**< takes IPv6 */
	bool reuse_port;         /**< shares its id with others that say so: each tuple sticks to one of them (B-10) */
};
/**
 * Register for all families that `b` names, or for none (S-59). A transport that is not in the stack is registered like
 * any other and gets nothing (SS-23).
 * @return 0, -EINVAL (no endpoint, no family, or registered already), -ENODEV (no such NIC), -EADDRINUSE (the same id
 *  is there, for one of the families, and not both allow sharing; B-9).
 */
int mr_transep_register(struct mr_stack *s, struct mr_bound *b);
/** Take it back; the memory is the caller's again. Nothing happens if it is not registered (S-60). */
void mr_transep_unregister(struct mr_stack *s, struct mr_bound *b);

#ifdef __cplusplus
}
#endif
#endif
