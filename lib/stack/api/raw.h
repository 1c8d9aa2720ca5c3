/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file
 * Endpoints below the transports: raw ones, which speak an IP protocol by themselves, and packet ones, which have whole
 * frames. Part of <millrace.h>.
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
 *  The endpoint is the caller's. Context: own core.
 *  @param trans 1..255, an IP protocol number. @param net MR_NET_IPV4 or MR_NET_IPV6.
 *  @return 0, -EPROTONOSUPPORT (no such network protocol, or no raw endpoints in this stack), -EINVAL (trans 0),
 *  -ENOBUFS (max_endpoints). */
int mr_ep_create_raw(struct mr_stack *s, uint8_t trans, uint16_t net, struct mr_ep **out);

/** What a frame is to the host that hears it. */
enum mr_frame_kind {
	MR_FRAME_HOST,      /**< to the NIC's own address */
	MR_FRAME_BROADCAST, /**< to everybody */
	MR_FRAME_MULTICAST, /**< to a group, joined or not */
	MR_FRAME_OTHERHOST, /**< to somebody else */
	MR_FRAME_OUTGOING,  /**< leaving */
};

/** A packet endpoint: a copy of every frame of an EtherType that a NIC's link delivers, before anybody has looked at it.
 *
 *  Frames for others come with a NIC that is promiscuous (mr_nic_set_promisc), frames that leave with
 *  MR_OPT_PACKET_OUTGOING: those of the stack and of other endpoints, as they go to the link, which may still have
 *  checksums to fill in and segments to cut. What the stack sends to itself is no frame. A frame is received whole; `from`
 *  has its source, EtherType and NIC (mr_sockaddr_get_ll).
 *
 *  mr_ep_send sends a whole frame by the endpoint's NIC, as does mr_ep_sendto by that of the address if the endpoint has
 *  none. To an address with a link address (mr_sockaddr_ll) a payload is sent, with our header in front; type 0 is the
 *  endpoint's. Beside the usual errors: -EAGAIN (the link does not keep up), -EDESTADDRREQ (no NIC named), -ENODEV,
 *  -ENETDOWN, -EINVAL (shorter than its header, no type), -EMSGSIZE. When its NIC is removed an endpoint is told -ENODEV.
 *  The endpoint is the caller's. Context: own core.
 *  @param nic 0: all, also later ones. @param ether_type in host order; 0: all. Tagged frames are of type 0x8100.
 *  @return 0, -ENODEV, -ENOBUFS (max_endpoints). */
int mr_ep_create_packet(struct mr_stack *s, uint16_t nic, uint16_t ether_type, struct mr_ep **out);

/** A link address as an address to send to. Context: any thread. @param nic where the endpoint has all; else 0. */
struct mr_sockaddr mr_sockaddr_ll(const struct mr_lladdr *ll, uint16_t ether_type, uint16_t nic);
/** The link address in what a packet endpoint received from. Context: any thread. @return what kind of frame it was. */
enum mr_frame_kind mr_sockaddr_get_ll(const struct mr_sockaddr *from, struct mr_lladdr *out);

#ifdef __cplusplus
}
#endif
#endif
