/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file
 * Endpoints below the transports: raw ones, which speak an IP protocol by themselves. Part of <millrace.h>.
 *
 * They hear beside the rest of the stack, which acts on the same packets as ever. On a host of several stacks an endpoint
 * hears what its own stack works on: to hear everything, make one on every core.
 */
#ifndef MR_API_RAW_H
#define MR_API_RAW_H

#include "addr.h"

#ifdef __cplusplus
extern "C" {
#endif

struct mr_stack;
struct mr_ep;

/** A raw endpoint for the packets of one IP protocol, whether or not the stack has a transport for it. A protocol that only
 *  raw endpoints know is not answered with protocol unreachable.
 *
 *  From now on it receives a copy of every packet of the protocol that is for this host: over IPv4 with its header, over
 *  IPv6 the payload alone; `from` is the source, its port 0. Once bound it hears what is for that address (and NIC) only,
 *  once connected what is from that peer. mr_ep_send and mr_ep_sendto send the payload of one packet, or with
 *  MR_OPT_HDRINCL the packet itself, header included; over ICMPv6 the checksum is filled in and looked at (RFC 3542 3.1).
 *  A connected one is told by mr_ep_error what ICMP says about its packets.
 *  Context: the stack's core; also from an event. The endpoint is the caller's.
 *  @param trans 1..255, an IP protocol number. @param net MR_NET_IPV4 or MR_NET_IPV6.
 *  @return 0, -EPROTONOSUPPORT (no such network protocol, or no raw endpoints in this stack), -EINVAL (trans 0),
 *  -ENOBUFS (max_endpoints). */
int mr_ep_create_raw(struct mr_stack *s, uint8_t trans, uint16_t net, struct mr_ep **out);

#ifdef __cplusplus
}
#endif
#endif
