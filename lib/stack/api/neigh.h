/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file
 * Neighbours: link addresses of the stations on a NIC's link, by their network addresses. Part of <millrace.h>.
 */
#ifndef MR_API_NEIGH_H
#define MR_API_NEIGH_H

#include "addr.h"

#ifdef __cplusplus
extern "C" {
#endif

struct mr_stack;
struct mr_neigh;

/** What is known of a neighbour: RFC 4861 7.3.2, and the same for ARP. */
enum mr_neigh_state {
	MR_NEIGH_INCOMPLETE, /**< no link address yet: asked, or nobody has wanted it so far */
	MR_NEIGH_FAILED,     /**< asked three times without an answer; whatever is sent to it asks again */
	MR_NEIGH_REACHABLE,  /**< confirmed within the last half minute or so */
	MR_NEIGH_STALE,      /**< not confirmed for longer; used as it is until then */
	MR_NEIGH_DELAY,      /**< used while stale: a confirmation may still come from a transport */
	MR_NEIGH_PROBE,      /**< being asked whether it is still there */
	MR_NEIGH_STATIC,     /**< by mr_neigh_add, or mapped without asking: multicast, broadcast */
};

/** Snapshot of one entry. */
struct mr_neigh_info {
	struct mr_addr addr;  /**< network address */
	struct mr_lladdr ll;       /**< len 0: not known */
	enum mr_neigh_state state;  /**< see there */
	bool pinned;               /**< by mr_neigh_add: never evicted */
	bool is_router;            /**< says that it is one (IPv6) */
	uint64_t age_ns;           /**< since it was confirmed, or else since it became what it is */
};

/** One who waits for a link address. The memory is the caller's: zero before the first use except for `fn` and `arg`,
 *  and there until it is told or cancelled. */
struct mr_neigh_waiter {
	struct mr_neigh_waiter *next;   /**< private */
	struct mr_neigh_waiter **pprev; /**< private */
	struct mr_stack *stack;  /**< private */
	struct mr_neigh *neigh;  /**< private */
	struct mr_lladdr ll;  /**< private */
	int result;  /**< private */
	/**
	 * How the resolution ended; called once for each -EINPROGRESS, in the event stage of a turn. The waiter is free
	 * again: everything may be called from it, also the waiter's own next mr_neigh_get.
	 * @param result 0, -EHOSTUNREACH (no answer), -ECANCELED (entry removed or evicted), -ENODEV (its NIC went).
	 * @param ll with 0: the link address; valid in the call. */
	void (*fn)(struct mr_stack *s, int result, const struct mr_lladdr *ll, void *arg);
	void *arg;  /**< passed on to fn */
};

/** Add or refresh a static entry; packets and waiters for it go on. (S-66) Context: own core. @return 0, -ENODEV,
 *  -EINVAL, -ENOMEM. */
int mr_neigh_add(struct mr_stack *s, uint16_t nic, const struct mr_addr *addr, const struct mr_lladdr *ll);
/** End an entry, static or learned. Packets that wait are dropped, waiters told. Context: own core. @return 0, -ENODEV,
 *  -ENOENT. */
int mr_neigh_remove(struct mr_stack *s, uint16_t nic, const struct mr_addr *addr);
/**
 * The link address of a station on a NIC's link: from a fixed mapping, from the cache, or by asking. (S-67, S-167)
 * Three requests go out a second apart. A failure is remembered for a second; after that, a call asks again.
 * Context: own core.
 * @param src one of the NIC's addresses to ask from; NULL or all zero: the stack chooses.
 * @param w told of the end if that is -EINPROGRESS; waiting for this entry already, it goes on. NULL: nobody is told.
 * @param out the link address, with 0 only; len 0: the link has none.
 * @return 0, -EINPROGRESS, -EHOSTUNREACH (it did not answer), -ENODEV, -EINVAL (`addr` unspecified), -EBUSY (`w`
 *  waits for another entry, or is still to be told), -EPROTONOSUPPORT (nobody resolves this family), -ENOBUFS (no
 *  entry left). */
int mr_neigh_get(struct mr_stack *s, uint16_t nic, const struct mr_addr *addr, const struct mr_addr *src,
                 struct mr_neigh_waiter *w, struct mr_lladdr *out);
/** Stop waiting; the waiter is not told any more. One that does not wait is left alone. (S-68, D-1)
 *  Context: own core. */
void mr_neigh_cancel(struct mr_neigh_waiter *w);
/** Copy up to `n` entries of a NIC, the most recently used first. Context: own core. @return entries in the cache,
 *  -ENODEV. */
int mr_neigh_list(struct mr_stack *s, uint16_t nic, struct mr_neigh_info *rows, unsigned n);

#ifdef __cplusplus
}
#endif
#endif
