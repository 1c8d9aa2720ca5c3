/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Local addresses from inside: what netep.c (the objects), nic_addr.c (configured ones) and nic_group.c (groups and
 * subnets) share. Others see nic.h.
 */
#ifndef MR_STACK_NETEP_H
#define MR_STACK_NETEP_H

#include "stack/nic.h"

/* A new object with one reference, the caller's. NULL: no protocol or no room. */
struct mr_netep *mr_netep_new(struct mr_nic *nic, const struct mr_addr *addr, enum mr_netep_kind kind);
/* Whom a broadcast is for: the address whose subnet it is of, else the first primary one. */
struct mr_netep *mr_nic_netep_bcast(struct mr_nic *nic, const struct mr_addr *dst);
/* mr_nic_netep_rx with the stack's other NICs: for packets that were looped (flags MR_PKT_F_LOCAL), and, but for
 * link-local addresses, when the stack forwards (weak host model). */
struct mr_netep *mr_nic_netep_for(struct mr_nic *nic, const struct mr_addr *dst, uint8_t flags);
/* Set up the NIC's filter of broadcast addresses anew. */
void mr_nic_filter_broadcasts(struct mr_nic *nic);
/* Does a mode of the NIC let in packets for an address that is not configured? */
bool mr_nic_accepts_foreign(const struct mr_nic *nic, const struct mr_addr *a);
/* Have the link let in all groups of the NIC. @return 0 or the driver's error */
int mr_nic_groups_tell_link(struct mr_nic *nic);
/* A group has lost its last member, or its NIC. */
void mr_netep_group_drop(struct mr_netep *ep);
/* The NIC has come up or is about to go down: the protocols learn that its groups are joined or left. */
void mr_nic_groups_open(struct mr_nic *nic);
void mr_nic_groups_close(struct mr_nic *nic);
/* The NIC goes up or down: open or close its configured addresses, and tell the link its groups. @return 0, or why an
 * address cannot be opened: then all are closed, and those that came along are gone */
int mr_nic_neteps_open(struct mr_nic *nic);
void mr_nic_neteps_close(struct mr_nic *nic);
unsigned mr_nic_addrs_count(const struct mr_nic *nic);
/* Take back what was configured last, until n addresses are left. */
void mr_nic_addrs_cut(struct mr_nic *nic, unsigned n);
/* Take back the subnets that were added last, until n are left. */
void mr_nic_subnets_cut(struct mr_nic *nic, unsigned n);
/* The NIC goes: nothing is configured on it any more. */
void mr_nic_neteps_drop(struct mr_nic *nic);
/* Clear the host bits. @return 0 or -EINVAL: prefix too long */
int mr_subnet_normalize(struct mr_subnet *s);

/* Bits of an address of this family. */
static inline unsigned
mr_addr_bits(const struct mr_addr *a)
{
	return mr_addr_is_v4(a) ? 32 : 128;
}

static inline bool
mr_netep_on_link(const struct mr_netep *ep, const struct mr_addr *a)
{
	struct mr_subnet s = {.addr = ep->addr, .plen = ep->plen};

	return mr_subnet_contains(&s, a);
}

#endif
