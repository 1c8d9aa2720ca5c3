/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the parts of the rig share and tests do not need.
 */
#ifndef TESTS_RIG_PRIV_H
#define TESTS_RIG_PRIV_H

#include "rig/rig.h"

#define RIG_QUIET_TURNS 100000 /* turns at one time after which a stack is said to spin */

/* Judge a frame that was given to a link. @return its parsed copy, or NULL when even the mbuf is broken. */
struct rig_frame *rig_judge(const struct mr_link *l, const struct rte_mbuf *m, char *why, size_t why_size);
/* Cut a frame as a link with MR_LINK_CAP_TX_TSO does. @param why says what is wrong with it, "" if nothing is */
void rig_cut(const struct mr_link *l, const struct rte_mbuf *m, void (*take)(void *arg, const struct rig_buf *b), void *arg,
             char *why, size_t why_size);
/* The scripted link of a rig. */
void rig_link_init(struct rig *rig, uint32_t caps, uint16_t mtu);
void rig_link_fini(struct rig *rig);
/* Stack options with the rig's defaults where they are zero. */
struct mr_stack_opts rig_stack_opts(const struct mr_stack_opts *o, const char *name, uint64_t seed);
void rig_addr_add(struct mr_stack *s, const struct mr_addr *a, uint8_t plen);

#endif
