/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file
 * What a stack offers to the protocols and drivers in it, besides the contracts and the public calls: counting, the
 * time wheel, randomness, budgets, who owns which packets.
 *
 * Context of all of it: the stack's core, in a turn or in a call of the application. The time is mr_stack_now_ns.
 */
#ifndef MR_STACK_SERVICES_H
#define MR_STACK_SERVICES_H

#include <stdint.h>

#include "stack/millrace.h"
#include "stack/network.h"
#include "stack/rng.h"
#include "stack/timer.h"

#ifdef __cplusplus
extern "C" {
#endif

struct mr_transproto;

/** A network protocol of the stack (S-51); NULL: it has not got it. */
struct mr_netproto *mr_stack_netproto(struct mr_stack *s, uint16_t net);
/** A transport protocol of the stack (S-52); NULL: it has not got it. */
struct mr_transproto *mr_stack_transproto(struct mr_stack *s, uint8_t trans);

/** The wheel for timers of the stack's own time. */
struct mr_wheel *mr_stack_wheel(struct mr_stack *s);
/** The stack's randomness: the only one that protocols use, so that runs of one seed are alike. */
struct mr_rng *mr_stack_rng(struct mr_stack *s);

/** Add to a counter. */
void mr_stack_count(struct mr_stack *s, enum mr_counter c, uint64_t n);
/**
 * Drop a packet, which counts it. Each dropped packet is counted once, by who decides it; protocols and drivers that
 * are not of this library take the reason that fits, or else MR_DROP_THIRD_PARTY. Consumes `m`.
 */
void mr_stack_drop(struct mr_stack *s, struct rte_mbuf *m, enum mr_counter reason);

/** May an endpoint keep `n` more receive mbufs for longer than a turn? Then they are counted as held. Whoever keeps
 *  some without asking starves the drivers' rings. @return false: no, drop the packet */
bool mr_stack_rx_hold(struct mr_stack *s, uint32_t n);
/** Give back what mr_stack_rx_hold has allowed. */
void mr_stack_rx_release(struct mr_stack *s, uint32_t n);
/** The same for transmit mbufs that wait in a queue; one that was refused may have itself told (mr_ep_starved). */
bool mr_stack_tx_hold(struct mr_stack *s, uint32_t n);
/** Give back what mr_stack_tx_hold has allowed. */
void mr_stack_tx_release(struct mr_stack *s, uint32_t n);

/** On a host of several stacks: do packets with this tuple arrive at this core? The sender is the tuple's source. Ports
 *  count for TCP and UDP alone: other transports leave them 0. Always true for a stack alone. */
bool mr_stack_owns(const struct mr_stack *s, const struct mr_tuple *t);
/** On a host of several stacks: does this one say what the host says unasked, such as announcements of its addresses and
 *  groups? One does: core 0. Always true for a stack alone. */
bool mr_stack_speaks(const struct mr_stack *s);

#ifdef __cplusplus
}
#endif
#endif
