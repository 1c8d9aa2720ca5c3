/* SPDX-License-Identifier: Apache-2.0 */
/* IPv4 addresses on the wire and inside: 32 bits in network order, and the v4-mapped struct mr_addr. */
#ifndef MR_PROTO_IPV4_H
#define MR_PROTO_IPV4_H

#include <rte_byteorder.h>

#include "stack/millrace.h"

static inline struct mr_addr
mr_ipv4_addr(rte_be32_t be)
{
	return (struct mr_addr){.w = {0, 0, RTE_BE32(0x0000ffff), be}};
}

static inline rte_be32_t
mr_ipv4_be(const struct mr_addr *a)
{
	return a->w[3];
}

#endif
