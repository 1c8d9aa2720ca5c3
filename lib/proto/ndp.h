/* SPDX-License-Identifier: Apache-2.0 */
/* What IPv6 and ICMPv6 ask of neighbour discovery. */
#ifndef MR_PROTO_NDP_H
#define MR_PROTO_NDP_H

#include <rte_mbuf.h>

#include "stack/nic.h"

#define MR_NDP_RS 133
#define MR_NDP_RA 134
#define MR_NDP_NS 135
#define MR_NDP_NA 136
#define MR_NDP_REDIRECT 137

extern const struct mr_resolver mr_ndp_resolver;

/* A solicitation or advertisement with a good checksum, data at the ICMPv6 header. Consumes it. */
void mr_ndp_input(struct mr_nic *nic, struct rte_mbuf *m);
/* Tell the link, unasked, that we have this address (RFC 4861 7.2.6); on a host of several cores one does. */
void mr_ndp_announce(struct mr_netep *ep);

#endif
