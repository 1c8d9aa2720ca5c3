/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file
 * Ports of a stack's transports: reserving them, also for what has no endpoint (S-13). A reservation blocks binds; it
 * receives nothing (SS-24). Part of <millrace.h>.
 */
#ifndef MR_API_PORT_H
#define MR_API_PORT_H

#include "addr.h"

#ifdef __cplusplus
extern "C" {
#endif

struct mr_stack;

/** Ephemeral ports (RFC 6056 3.2, leaving room for services). */
#define MR_PORT_EPHEMERAL_FIRST 16384
#define MR_PORT_EPHEMERAL_LAST 65535  /**< the last of them */

/** A reservation: of one port, for an address or for all. Two conflict if some packet could be meant for both. */
struct mr_port_req {
	uint8_t proto;       /**< MR_TRANS_* */
	bool v4;             /**< families of a wildcard: both for a dual-stack one; of an address they are its own */
	bool v6;             /**< see v4 */
	struct mr_addr addr; /**< all zero: any */
	uint16_t port;  /**< host byte order */
	uint16_t nic;        /**< 0: any */
	bool reuse;          /**< may share with others that say so */
};

/** Could it be reserved now? Port 0 never can. Context: own core. */
bool mr_port_is_available(struct mr_stack *s, const struct mr_port_req *r);
/** Reserve; equal ones that share are counted. Context: own core. @return 0, -EADDRINUSE, -ENOMEM. */
int mr_port_reserve(struct mr_stack *s, const struct mr_port_req *r);
/** Give back one reservation; nothing happens if there is none like it. Context: own core. */
void mr_port_release(struct mr_stack *s, const struct mr_port_req *r);
/**
 * Pick an ephemeral port that is available and write it to r->port; it is not yet reserved. Context: own core.
 * @param ok further condition, e.g. that this core owns the flow; NULL: none. @return 0 or -EAGAIN.
 */
int mr_port_pick_ephemeral(struct mr_stack *s, struct mr_port_req *r, bool (*ok)(uint16_t port, void *arg), void *arg);

#ifdef __cplusplus
}
#endif
#endif
