/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Packet endpoints from inside: what the way in and the way out ask of them, if there are any (mr_stack.packets).
 */
#ifndef MR_STACK_PACKET_H
#define MR_STACK_PACKET_H

#include "stack/nic.h"

struct mr_packet_ep;

int mr_packet_init(struct mr_stack *s);
/* Close all. */
void mr_packet_fini(struct mr_stack *s);
/* Frames as the link delivered them, before anybody has looked. */
void mr_packet_hear_rx(struct mr_nic *nic, struct rte_mbuf **pkts, uint16_t n);
/* Finished frames on their way to the link, for those that asked for them (mr_stack.packets_out); not for their sender.
 * @param by NULL: the stack itself */
void mr_packet_hear_tx(struct mr_nic *nic, struct rte_mbuf **pkts, uint16_t n, const struct mr_packet_ep *by);
/* A NIC is removed: tell those that hear it alone. */
void mr_packet_nic_gone(struct mr_stack *s, uint16_t nic);

#endif
