/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file
 * Control of a host: the calls of a stack, made on every core. Part of <millrace.h>.
 *
 * Each call is carried out by every stack on its own core, between two of its turns, and returns when all have answered.
 * What adds or sets is done on all cores or on none: what some have done is taken back when another one cannot, and each
 * is as it was. What removes is done wherever there is something to remove, and fails if that is nowhere. All may
 * be called before mr_host_start and after it.
 *
 * Of the same kind: mr_host_add_port and mr_host_remove_port, mr_host_tcp_probe_add and mr_host_tcp_probe_remove. What the
 * application makes for itself on every core, such as listeners and forwarders, is mr_host_change's.
 */
#ifndef MR_API_HOST_CONTROL_H
#define MR_API_HOST_CONTROL_H

#include "host.h"
#include "neigh.h"
#include "nic.h"
#include "port.h"
#include "route.h"

#ifdef __cplusplus
extern "C" {
#endif

/** Give a NIC an address. Context: main lcore. @return as mr_addr_add. */
int mr_host_addr_add(struct mr_host *h, uint16_t nic, const struct mr_subnet *addr, enum mr_peb peb);
/** Take an address away. Context: main lcore. @return as mr_addr_remove. */
int mr_host_addr_remove(struct mr_host *h, uint16_t nic, const struct mr_addr *addr);
/** Accept all addresses of a subnet. Context: main lcore. @return as mr_subnet_add. */
int mr_host_subnet_add(struct mr_host *h, uint16_t nic, const struct mr_subnet *subnet);
/** Accept them no longer. Context: main lcore. @return as mr_subnet_remove. */
int mr_host_subnet_remove(struct mr_host *h, uint16_t nic, const struct mr_subnet *subnet);
/** Join a group. Context: main lcore. @return as mr_group_join. */
int mr_host_group_join(struct mr_host *h, uint16_t nic, const struct mr_addr *group);
/** Leave a group. Context: main lcore. @return as mr_group_leave. */
int mr_host_group_leave(struct mr_host *h, uint16_t nic, const struct mr_addr *group);
/** Add a row to the route table. Context: main lcore. @return as mr_route_add. */
int mr_host_route_add(struct mr_host *h, const struct mr_route_entry *e);
/** Remove a row. Context: main lcore. @return as mr_route_remove. */
int mr_host_route_remove(struct mr_host *h, const struct mr_route_entry *e);
/** Replace the route table. Context: main lcore. @return as mr_route_table_set, -ENOMEM. */
int mr_host_route_table_set(struct mr_host *h, const struct mr_route_entry *rows, size_t n);
/** Add or change a static neighbour. Taken back, what was known of it is known again; packets that waited for it have
 *  gone. Context: main lcore.
 *  @return as mr_neigh_add. */
int mr_host_neigh_add(struct mr_host *h, uint16_t nic, const struct mr_addr *addr, const struct mr_lladdr *ll);
/** Forget a neighbour on every core that knows it. Context: main lcore. @return as mr_neigh_remove. */
int mr_host_neigh_remove(struct mr_host *h, uint16_t nic, const struct mr_addr *addr);
/** Have a NIC deliver. Context: main lcore. @return as mr_nic_enable. */
int mr_host_nic_enable(struct mr_host *h, uint16_t nic);
/** Have a NIC deliver and send nothing. Context: main lcore. @return as mr_nic_disable. */
int mr_host_nic_disable(struct mr_host *h, uint16_t nic);
/** Promiscuous mode. Context: main lcore. @return as mr_nic_set_promisc. */
int mr_host_nic_set_promisc(struct mr_host *h, uint16_t nic, bool on);
/** Spoofing. Context: main lcore. @return as mr_nic_set_spoofing. */
int mr_host_nic_set_spoofing(struct mr_host *h, uint16_t nic, bool on);
/** Forwarding between NICs. Context: main lcore. @return as mr_stack_set_forwarding. */
int mr_host_set_forwarding(struct mr_host *h, bool on);
/** Option of a network protocol. Context: main lcore. @return as mr_netproto_setopt. */
int mr_host_netproto_setopt(struct mr_host *h, uint16_t net, int opt, int64_t value);
/** Option of a transport protocol. Context: main lcore. @return as mr_transproto_setopt. */
int mr_host_transproto_setopt(struct mr_host *h, uint8_t trans, int opt, int64_t value);
/** Reserve a port. Context: main lcore. @return as mr_port_reserve. */
int mr_host_port_reserve(struct mr_host *h, const struct mr_port_req *r);
/** Give back one reservation on every core that has it. Context: main lcore. */
void mr_host_port_release(struct mr_host *h, const struct mr_port_req *r);

#ifdef __cplusplus
}
#endif
#endif
