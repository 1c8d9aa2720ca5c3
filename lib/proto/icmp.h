/* SPDX-License-Identifier: Apache-2.0 */
/*
 * ICMP and ICMPv6. The two differ in numbers, in the pseudo-header and in how much an error quotes; the rest is common
 * and in icmp.c. To ping endpoints (ping.c) an echo identifier is what a port is to others.
 */
#ifndef MR_PROTO_ICMP_H
#define MR_PROTO_ICMP_H

#include <stdint.h>

#include <rte_mbuf.h>

#include "stack/nic.h"

#define MR_ICMP_HDR_BYTES 8
#define MR_ICMP_ECHO 8
#define MR_ICMP_ECHO_REPLY 0
#define MR_ICMPV6_ECHO 128
#define MR_ICMPV6_ECHO_REPLY 129
#define MR_ICMP_QUOTE_TRANS_BYTES 8 /* of the quoted transport header, at least */

/* The packet of ours that an error is about, as far as it was quoted. */
struct mr_icmp_quote {
	struct mr_addr src, dst;
	uint8_t trans_proto;
	uint32_t trans_off;  /* of its transport header, from the packet's data */
	uint16_t trans_bytes; /* of it, contiguous, >= MR_ICMP_QUOTE_TRANS_BYTES */
};

/* Contract functions of the two network protocols. */
void mr_icmp_input(struct mr_netproto *np, struct mr_nic *nic, struct rte_mbuf **pkts, uint16_t n);
void mr_icmpv6_input(struct mr_netproto *np, struct mr_nic *nic, struct rte_mbuf **pkts, uint16_t n);
void mr_icmp_error(struct mr_netproto *np, struct rte_mbuf *m, enum mr_net_error e);
void mr_icmpv6_error(struct mr_netproto *np, struct rte_mbuf *m, enum mr_net_error e);
/* Tell the sender of `m`, whose dropper has counted it, of an option that we do not know. Consumes it. */
void mr_icmpv6_bad_option(struct mr_netproto *np, struct rte_mbuf *m, uint32_t pointer);

/* What decides who owns a message, whose addresses are in `out` already: the identifier of an echo reply as its port, or
 * the tuple that an error is about, as if the packet came from its peer. @return false: nothing, any core will do. After
 * parse, data at the network header. */
bool mr_icmp_tuple(struct rte_mbuf *m, bool v6, struct mr_tuple *out);

/* ---- shared by icmp.c, icmpv6.c and ping.c */

/* Is this the header of an echo request? Then *id_be is its identifier. */
bool mr_icmp_is_echo(const void *hdr, bool v6, uint16_t *id_be);
/* Fill in the checksum of a message between two addresses; data at the ICMP header. */
void mr_icmp_cksum_set(struct rte_mbuf *m, const struct mr_addr *src, const struct mr_addr *dst);

/* Read the quote `off` bytes behind the packet's data. @return MR_CNT_MAX, or the reason to drop the error */
enum mr_counter mr_icmp_quote_v4(struct rte_mbuf *m, uint32_t off, struct mr_icmp_quote *q);
enum mr_counter mr_icmp_quote_v6(struct rte_mbuf *m, uint32_t off, struct mr_icmp_quote *q);
/* Hand a valid error to whom it concerns. Consumes `m`. */
void mr_icmp_deliver_error(struct mr_nic *nic, struct rte_mbuf *m, const struct mr_icmp_quote *q,
                           enum mr_ctrl_type type, uint32_t extra);
/* Hand echo replies, data at the ICMP header, to who waits for them. Consumes all. */
void mr_icmp_deliver_replies(struct mr_stack *s, uint8_t trans, struct rte_mbuf **pkts, uint16_t n);
/* Turn an echo request into its reply and send it, unless the protocol's option says not to. Consumes `m`. */
void mr_icmp_echo_reply(struct mr_netep *local, struct rte_mbuf *m, uint8_t reply_type);
/* Send an error about `m` with the type, code and pointer given. Consumes `m`, which its dropper has counted. */
void mr_icmp_send_error(struct mr_netproto *np, struct rte_mbuf *m, uint8_t type, uint8_t code, uint32_t pointer,
                        uint32_t max_bytes);

#endif
