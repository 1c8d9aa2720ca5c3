/* SPDX-License-Identifier: Apache-2.0 */
/*
 * IPv4 addresses on the wire and inside: 32 bits in network order, and the v4-mapped struct mr_addr. And the headers of
 * IGMP, which knows its next hop itself.
 */
#ifndef MR_PROTO_IPV4_H
#define MR_PROTO_IPV4_H

#include <stdbool.h>

#include <rte_byteorder.h>
#include <rte_mbuf.h>

#include "stack/millrace.h"

extern const struct mr_addr mr_ipv4_all_hosts;

/* Prepend a header for messages to the routers of the link: Router Alert, TTL 1 (RFC 2113). */
void mr_ipv4_push_alert(struct rte_mbuf *m, rte_be32_t src, rte_be32_t dst, uint8_t proto);
/* Does a parsed packet have the option? */
bool mr_ipv4_has_alert(const struct rte_mbuf *m);

static inline struct mr_addr
mr_ipv4_addr(rte_be32_t be)
{
	/* As two words, for it is read so soon after: a load waits for stores that it is made of. */
#if RTE_BYTE_ORDER == RTE_LITTLE_ENDIAN
	return (struct mr_addr){.d = {0, (uint64_t)be << 32 | 0xffff0000}};
#else
	return (struct mr_addr){.d = {0, UINT64_C(0x0000ffff) << 32 | be}};
#endif
}

static inline rte_be32_t
mr_ipv4_be(const struct mr_addr *a)
{
	return a->w[3];
}

#endif
