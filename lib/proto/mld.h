/* SPDX-License-Identifier: Apache-2.0 */
/* What IPv6 and ICMPv6 ask of MLD. */
#ifndef MR_PROTO_MLD_H
#define MR_PROTO_MLD_H

#include <rte_mbuf.h>

#include "stack/nic.h"

#define MR_MLD_QUERY 130
#define MR_MLD_REPORT 131

/* A query or report with a good checksum, data at the ICMPv6 header. Consumes it. */
void mr_mld_input(struct mr_nic *nic, struct rte_mbuf *m);
/* The tuple that brings a query or report to the core that speaks. @return false: it is neither */
bool mr_mld_tuple(struct rte_mbuf *m, struct mr_tuple *out);
/* The NIC has a link-local address: report again what was reported from :: (RFC 3590 4). */
void mr_mld_linklocal_up(struct mr_nic *nic);

#endif
