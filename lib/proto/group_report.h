/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Telling routers which groups this host listens to: the machine that IGMPv2 and MLDv1 share, and what it asks of their
 * messages. Internal to lib/proto; the stack reaches it through the network contract's group_join and group_leave.
 */
#ifndef MR_PROTO_GROUP_REPORT_H
#define MR_PROTO_GROUP_REPORT_H

#include <stdint.h>

#include <rte_mbuf.h>

#include "stack/nic.h"

/* mr_netep.report_flags */
#define MR_REPORT_F_LAST (1u << 0)     /* nobody else has reported the group since we did */
#define MR_REPORT_F_FROM_ANY (1u << 1) /* MLD: we did it from ::, for want of a link-local address */

struct mr_group_msgs {
	bool (*is_reported)(const struct mr_addr *group);
	/* A packet, network header included, that reports the group, or that we leave it; *dst is whom it is for.
	 * NULL: nothing is to be sent, or there is no packet (counted). */
	struct rte_mbuf *(*build)(struct mr_netep *group, bool leave, struct mr_addr *dst);
};

extern const struct mr_group_msgs mr_igmp_msgs, mr_mld_msgs;

/* Does this stack report the groups of the NIC? If not, what it hears about them does not concern it either. */
bool mr_group_speaks(const struct mr_nic *nic);
/* Whatever is heard of groups is for the core that speaks: the tuple of nobody, which core 0 owns. @return true */
bool mr_group_tuple(struct mr_tuple *out);
/* Contract functions of both network protocols. */
void mr_group_joined(struct mr_netproto *np, struct mr_netep *group);
void mr_group_left(struct mr_netproto *np, struct mr_netep *group);
/* A valid query: answer within max_us, for `group`, or for all of its family if it is 0.0.0.0 or ::. */
void mr_group_queried(struct mr_nic *nic, const struct mr_addr *group, uint32_t max_us);
/* A valid report of another member. */
void mr_group_heard(struct mr_netep *group);

#endif
