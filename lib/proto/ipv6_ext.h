/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Inside IPv6: extension headers of received packets, and the hop-by-hop header of our own reports.
 *
 * What parse passes over lies before trans_off, in one piece with the IPv6 header. A header that is wanted by nobody is
 * not passed over: it is then what the packet is said to carry, and mr_ipv6_ext_input gets it as a transport gets its
 * packets, if it is for us.
 */
#ifndef MR_PROTO_IPV6_EXT_H
#define MR_PROTO_IPV6_EXT_H

#include <stdbool.h>
#include <stdint.h>

#include <rte_mbuf.h>

#include "stack/nic.h"

#define MR_IPV6_HOP_BY_HOP 0
#define MR_IPV6_ROUTING 43
#define MR_IPV6_FRAGMENT 44
#define MR_IPV6_ESP 50
#define MR_IPV6_AUTH 51
#define MR_IPV6_NO_NEXT 59
#define MR_IPV6_DEST_OPTIONS 60
#define MR_IPV6_MOBILITY 135
#define MR_IPV6_HIP 139
#define MR_IPV6_SHIM6 140

static inline bool
mr_ipv6_is_ext(uint8_t nh)
{
	const uint64_t low = 1ull << MR_IPV6_HOP_BY_HOP | 1ull << MR_IPV6_ROUTING | 1ull << MR_IPV6_FRAGMENT |
	                     1ull << MR_IPV6_ESP | 1ull << MR_IPV6_AUTH | 1ull << MR_IPV6_NO_NEXT |
	                     1ull << MR_IPV6_DEST_OPTIONS;

	return nh < 64 ? low >> nh & 1 : nh == MR_IPV6_MOBILITY || nh == MR_IPV6_HIP || nh == MR_IPV6_SHIM6;
}

/* Pass the headers that begin `*off` bytes behind the packet's data, the first of which is *nh: both are then what
 * follows. @return MR_CNT_MAX, or why the packet is dropped */
enum mr_counter mr_ipv6_ext_parse(struct rte_mbuf *m, uint8_t *nh, uint32_t *off);
/* Packets for us whose trans_proto is an extension header. Consumes all. */
void mr_ipv6_ext_input(struct mr_netproto *np, struct mr_nic *nic, struct rte_mbuf **pkts, uint16_t n);
/* Where, from the network header on, the field lies that says what a parsed packet carries. */
uint32_t mr_ipv6_ext_next_off(const struct rte_mbuf *m);
/* Does a parsed packet ask routers to look at it because it is MLD (RFC 2711 2.1)? */
bool mr_ipv6_ext_has_alert(const struct rte_mbuf *m);
/* Prepend a hop-by-hop header that does. @return what the IPv6 header says then: hop-by-hop */
uint8_t mr_ipv6_ext_push_alert(struct rte_mbuf *m, uint8_t nh);

#endif
