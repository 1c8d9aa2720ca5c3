/* SPDX-License-Identifier: Apache-2.0 */
/* Inside IPv6: headers for neighbour discovery, which knows its next hop itself, and the addresses that it uses. */
#ifndef MR_PROTO_IPV6_H
#define MR_PROTO_IPV6_H

#include <rte_mbuf.h>

#include "stack/nic.h"

#define MR_IPV6_HDR_BYTES 40

extern const struct mr_addr mr_ipv6_all_nodes;

/* Solicited-node group of an address (RFC 4291 2.7.1). */
struct mr_addr mr_ipv6_solicited_node(const struct mr_addr *a);
/* A link-local address of the NIC; NULL: it has none. */
const struct mr_netep *mr_ipv6_linklocal(const struct mr_nic *nic);
/* Prepend a header with no flow label. */
void mr_ipv6_push_plain(struct rte_mbuf *m, const struct mr_addr *src, const struct mr_addr *dst, uint8_t trans_proto,
                        uint8_t hop_limit);

#endif
