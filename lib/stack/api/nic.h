/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file
 * NICs of a stack, their addresses, subnets and groups. Part of <millrace.h>.
 */
#ifndef MR_API_NIC_H
#define MR_API_NIC_H

#include "addr.h"

#ifdef __cplusplus
extern "C" {
#endif

struct mr_stack;
struct mr_link;
struct mr_nic;

#define MR_NIC_F_UP (1u << 0)       /**< not disabled */
#define MR_NIC_F_RUNNING (1u << 1)  /**< the link delivers */
#define MR_NIC_F_PROMISC (1u << 2)  /**< takes frames and packets for others */
#define MR_NIC_F_LOOPBACK (1u << 3)  /**< its link never leaves this host */
#define MR_NIC_F_SPOOFING (1u << 4)  /**< endpoints may send from any address */
#define MR_NIC_NAMESIZE 32  /**< bytes of a name, the final 0 included */

/** How an address takes part in source address choice (S-82). */
enum mr_peb {
	MR_PEB_CAN_BE_PRIMARY,  /**< behind those that are there */
	MR_PEB_FIRST_PRIMARY,  /**< before them */
	MR_PEB_NEVER_PRIMARY,  /**< not chosen; receives all the same */
};

/** What a local address is to its NIC. */
enum mr_netep_kind {
	MR_NETEP_PERMANENT,  /**< configured */
	MR_NETEP_GROUP,      /**< joined multicast group */
	MR_NETEP_EXPIRED,    /**< removed, still referenced (SS-8) */
	MR_NETEP_TEMPORARY,  /**< made by promiscuous, spoofing or subnet mode (SS-6) */
};

/** Snapshot of one local address (S-23). */
struct mr_nic_addr {
	struct mr_subnet addr;     /**< with its on-link prefix; other than permanent ones: the host's */
	enum mr_netep_kind kind;  /**< what it is to the NIC */
	enum mr_peb peb;  /**< its part in source choice */
	uint16_t joins;            /**< of a group: who has joined and not left */
};

/** Snapshot of one NIC (S-20). */
struct mr_nic_info {
	uint16_t id;  /**< NIC id */
	char name[MR_NIC_NAMESIZE];  /**< "" without a name */
	struct mr_lladdr lladdr;  /**< of the link */
	uint32_t flags;  /**< MR_NIC_F_* */
	uint16_t mtu;  /**< bytes of network packet */
	uint16_t n_addrs;          /**< permanent ones */
};

/** Make and attach a NIC on a link (S-14, S-15). `link` stays the caller's. Context: own core. @param id not 0.
 *  @return 0, -EINVAL, -EEXIST (id in use), -EBUSY (link has a NIC), -EPROTONOSUPPORT (framing unknown), -ENOMEM. */
int mr_nic_create(struct mr_stack *s, uint16_t id, const char *name, struct mr_link *link);
/** The same without attaching: it delivers nothing until mr_nic_enable (S-16, S-17). Context: own core. @return as
 *  mr_nic_create. */
int mr_nic_create_disabled(struct mr_stack *s, uint16_t id, const char *name, struct mr_link *link);
/** Have a NIC deliver. It stays down if one of its addresses cannot be used. Context: own core. @return 0, -ENODEV, the
 *  driver's error, or as mr_addr_add. (S-18) */
int mr_nic_enable(struct mr_stack *s, uint16_t id);
/** Have it deliver and send nothing. Context: own core. @return 0, -ENODEV. */
int mr_nic_disable(struct mr_stack *s, uint16_t id);
/** End a NIC, its routes and addresses; the link is the caller's again. Context: own core. @return 0, -ENODEV. */
int mr_nic_remove(struct mr_stack *s, uint16_t id);
/** What there is to know of a NIC. Context: own core. @return 0, -ENODEV. */
int mr_nic_info(struct mr_stack *s, uint16_t id, struct mr_nic_info *out);
/** All NICs in the order they were made, n at most. Context: own core. @return how many there are. (S-19) */
size_t mr_stack_nics(struct mr_stack *s, struct mr_nic_info *out, size_t n);
/** Take packets for any address (S-42). Context: own core. @return 0, -ENODEV, or the driver's error. */
int mr_nic_set_promisc(struct mr_stack *s, uint16_t id, bool on);
/** Let endpoints bind to and send from addresses that are not ours (S-43). Context: own core. @return 0, -ENODEV. */
int mr_nic_set_spoofing(struct mr_stack *s, uint16_t id, bool on);

/** Give a NIC an address, with its on-link prefix. A prefix shorter than the host's also adds the connected route.
 *  Context: own core.
 *  @return 0, -ENODEV, -EPROTONOSUPPORT, -EEXIST, -EINVAL (any, multicast, bad prefix), -ENOMEM. (S-31, S-32) */
int mr_addr_add(struct mr_stack *s, uint16_t nic, const struct mr_subnet *addr, enum mr_peb peb);
/** Stop accepting and using an address; flows that hold it drain (SS-8). Context: own core. @return 0, -ENODEV,
 *  -EADDRNOTAVAIL. (S-33) */
int mr_addr_remove(struct mr_stack *s, uint16_t nic, const struct mr_addr *addr);
/** All addresses of a NIC, n at most: permanent ones in the order they were added, then the others. Context: own core.
 *  @return how many there are, or -ENODEV. (S-23, S-73) */
int mr_nic_addresses(struct mr_stack *s, uint16_t nic, struct mr_nic_addr *out, size_t n);
/** Receive what is for any address of a subnet; host bits do not count. Adding it again is allowed, and listed.
 *  Context: own core.
 *  @return 0, -ENODEV, -EPROTONOSUPPORT, -EINVAL (bad prefix), -ENOMEM. (S-34, SS-6, B-7) */
int mr_subnet_add(struct mr_stack *s, uint16_t nic, const struct mr_subnet *subnet);
/** End that, however often it was added; no error if it was not. Context: own core. @return 0, -ENODEV, -EINVAL.
 *  (S-35) */
int mr_subnet_remove(struct mr_stack *s, uint16_t nic, const struct mr_subnet *subnet);
/** Is exactly this one of mr_nic_subnets? Context: own core. @return 1, 0, -ENODEV, -EINVAL. (S-36, S-76) */
int mr_nic_has_subnet(struct mr_stack *s, uint16_t nic, const struct mr_subnet *subnet);
/** What a NIC receives, n at most: the host prefix of each permanent address, then the subnets, as they were added.
 *  Context: own core.
 *  @return how many there are, or -ENODEV. (S-37, S-77) */
int mr_nic_subnets(struct mr_stack *s, uint16_t nic, struct mr_subnet *out, size_t n);
/** Listen to a group; joins are counted. Routers are told by IGMPv2 (RFC 2236) or MLDv1 (RFC 2710), by core 0 of a
 *  host. Context: own core.
 *  @return 0, -ENODEV, -EINVAL (no group), -EPROTONOSUPPORT, -ENOMEM, -ENOBUFS, or the link's error. (S-39) */
int mr_group_join(struct mr_stack *s, uint16_t nic, const struct mr_addr *group);
/** Take back one join. Context: own core. @return 0, -ENODEV, -EADDRNOTAVAIL (not joined). (S-40) */
int mr_group_leave(struct mr_stack *s, uint16_t nic, const struct mr_addr *group);
/** First primary address of a protocol; if it has none, the first that was added. The prefix is the widest that has it: its
 *  on-link prefix, or a subnet of the NIC. Context: own core. @return 0, -ENODEV, -EADDRNOTAVAIL. (S-38, SS-5, B-8) */
int mr_nic_main_address(struct mr_stack *s, uint16_t nic, uint16_t net, struct mr_subnet *out);
/** NIC that owns an address, 0 if none; `nic` not 0 restricts the search. Owned is what is configured, not what a mode lets
 *  in: a spoofing NIC does not answer for the world. (S-41, D-14) Context: own core. */
uint16_t mr_stack_check_local_address(struct mr_stack *s, uint16_t nic, const struct mr_addr *addr);

#ifdef __cplusplus
}
#endif
#endif
