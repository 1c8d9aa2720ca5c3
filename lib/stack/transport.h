/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The transport protocol contract: what TCP and UDP are to a stack.
 *
 * One struct mr_transproto per protocol and stack, made by a registered factory (S-4). Receive is burst-wise: `parse`
 * validates and writes the ports beside each packet, the demuxer looks all of them up, `input` gets packets and flows
 * in pairs. Input marks, output sends: an endpoint that has something to send puts itself on the stack's dirty list
 * (mr_ep_mark_dirty), and `output` is called for it once per turn.
 */
#ifndef MR_STACK_TRANSPORT_H
#define MR_STACK_TRANSPORT_H

#include <stdint.h>

#include <rte_mbuf.h>

#include "stack/endpoint.h"
#include "stack/flow.h"
#include "stack/forward.h"
#include "stack/millrace.h"
#include "stack/network.h"

#ifdef __cplusplus
extern "C" {
#endif

struct mr_transproto;

struct mr_transproto_ops {
	const char *name;
	uint8_t number;       /* IP protocol number, or one that is on no wire: then there is no parse and nothing comes */
	uint8_t min_bytes;    /* shorter is malformed (S-144) */
	/* Validate header and checksum; write sport_be, dport_be, trans_hdr_len (and seq, ack, tcp_flags). Drops bad packets
	 * and compacts. @return what is left. */
	uint16_t (*parse)(struct mr_transproto *tp, struct rte_mbuf **pkts, uint16_t n);
	/* flows[i] is who pkts[i] is for: a flow-table entry (its `kind` says what), or the struct mr_flow inside an
	 * endpoint found by the wildcard rules. Consumes all packets. A flow freed by an earlier packet of the same burst is
	 * the transport's to notice: it must not free memory that later entries of `flows` point to before it returns. */
	void (*input)(struct mr_transproto *tp, struct mr_flow **flows, struct rte_mbuf **pkts, uint16_t n);
	/* No endpoint and no default handler wanted it: TCP resets, UDP says port unreachable. Consumes it. (S-146) */
	void (*unknown_dst)(struct mr_transproto *tp, struct rte_mbuf *m);
	/* ICMP told something about a packet of ours. `f` is its flow; `quoted` points at the quoted transport header, of
	 * which quoted_bytes (>= 8) are there. (S-151) */
	void (*control)(struct mr_transproto *tp, struct mr_flow *f, enum mr_ctrl_type type, uint32_t extra,
	                const void *quoted, uint16_t quoted_bytes);
	/* Which ports, or what the protocol has in their place, does the quoted header of a packet of ours name? NULL: the
	 * first four bytes, source and destination. @return false: endpoints send no such packets */
	bool (*quoted_ports)(const void *quoted, uint16_t *local_be, uint16_t *remote_be);
	/* Send what a dirty endpoint has to send. */
	void (*output)(struct mr_transproto *tp, struct mr_ep *ep);
	int (*ep_create)(struct mr_transproto *tp, uint16_t net, struct mr_ep **out); /* (S-143) */
	const struct mr_forward_ops *forward; /* NULL: it cannot be forwarded */
	/* An endpoint for any IP protocol, of the one transport that has such; else NULL. @return as mr_ep_create_raw */
	int (*raw_create)(struct mr_transproto *tp, uint8_t trans, uint16_t net, struct mr_ep **out);
	int (*setopt)(struct mr_transproto *tp, int opt, int64_t value);
	int (*getopt)(struct mr_transproto *tp, int opt, int64_t *value);
	/* Free the memory of what died in this turn; called last in a turn. May be NULL. */
	void (*reap)(struct mr_transproto *tp);
	/* Reset and free every endpoint and record, without calling waiters; then the protocol itself. */
	void (*destroy)(struct mr_transproto *tp);
};

struct mr_transproto {
	const struct mr_transproto_ops *ops;
	struct mr_stack *stack;
	/* Default handler, tried after both demuxers missed (S-57). Returns true if it consumed the packet. */
	bool (*default_handler)(struct mr_transproto *tp, struct rte_mbuf *m, void *arg);
	void *default_arg;
	struct mr_forwarder *forwarder; /* that is the default handler, or NULL */
};

typedef int (*mr_transproto_factory)(struct mr_stack *s, struct mr_transproto **out);
int mr_transproto_register(const char *name, mr_transproto_factory f);

#ifdef __cplusplus
}
#endif
#endif
