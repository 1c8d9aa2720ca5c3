/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Relays: how workers without a queue of their own on a device still send through it. What they receive comes over the
 * hand-over rings (steer.h).
 */
#ifndef MR_STACK_RELAY_H
#define MR_STACK_RELAY_H

#include "stack/link.h"

#define MR_RELAY_RING 1024 /* frames between a relay and the worker that has the queue */

/* Wrap the link of a queue for its worker (`hub`, which owns `inner`), and make n relay links for others that send
 * through it. Each link is used by one worker; they may be closed in any order, when no worker runs.
 * @return 0, or -ENOMEM: then `inner` is as before */
int mr_relay_create(struct mr_link *inner, unsigned n, struct mr_link **hub, struct mr_link **relays);

#endif
