/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file
 * A host: N stacks on N lcores that are one. Part of <millrace.h>.
 */
#ifndef MR_API_HOST_H
#define MR_API_HOST_H

#include "counters.h"
#include "link.h"
#include "stack.h"

#ifdef __cplusplus
extern "C" {
#endif

struct mr_host;

/** Most workers, and so stacks, of a host. */
#define MR_HOST_MAX_WORKERS 64

/** What a worker does when a turn found nothing to do, or little. */
enum mr_idle {
	MR_IDLE_BUSY,   /**< poll again at once */
	MR_IDLE_YIELD,  /**< sched_yield() after a while without work */
	/** Sleep 50 us after a while without work, and 20 us after a turn that received more than one packet and less than a burst (32):
	 * as with a NIC's interrupt moderation, what comes in a stream comes in larger bursts, of which each costs less and has one ACK. */
	MR_IDLE_SLEEP,
};

/** Construction parameters; zero fields mean the default. */
struct mr_host_opts {
	struct mr_stack_opts stack; /**< for each stack; core, n_cores and name are filled in */
	uint16_t n_workers;         /**< 0: one per EAL lcore, the main lcore included */
	const unsigned *lcores;     /**< n_workers of them, the main lcore only in front; NULL: as there are */
	enum mr_idle idle;          /**< of every worker */
};

/** A port of the host: the same NIC in every stack, on its own queue pair. */
struct mr_host_port {
	uint16_t nic;               /**< NIC id */
	const char *name;           /**< of the NIC; not NULL */
	const char *driver;         /**< NULL: "ethdev" */
	struct mr_link_cfg link;    /**< n_queues 0: one for each worker, and never more; rx_pools is filled in */
	const char *impair;         /**< NULL or mr_impair_parse text */
	const char *capture;        /**< NULL or a pcapng file; ".N" is added for worker N > 0 */
};

/** How a worker has spent its turns since the start. */
struct mr_host_load {
	uint64_t busy_tsc;    /**< TSC cycles of turns that did some work, applications' events included */
	uint64_t idle_tsc;    /**< of those that found none, rests included */
	uint64_t busy_turns;  /**< how many of the first */
	uint64_t idle_turns;  /**< how many of the second */
};

/** Create the stacks, after rte_eal_init. Context: main lcore. @return 0, -EINVAL (more workers than lcores, wrong
 *  lcores), -ENOMEM, or as mr_stack_create. */
int mr_host_create(const struct mr_host_opts *opts, struct mr_host **out);
/** Stop if running, destroy the stacks, close the links. Context: main lcore. */
void mr_host_destroy(struct mr_host *h);
/** Open a device and make its NIC in every stack, before mr_host_start or after. The strings of `p` stay the caller's.
 *  Context: main lcore.
 *  @return 0, -EINVAL (no name, NIC 0), -EEXIST (the NIC id is taken), -ENOBUFS (its descriptors do not fit the pools),
 *  -EPROTONOSUPPORT (no such driver or decorator), -ENOMEM, or the driver's error. */
int mr_host_add_port(struct mr_host *h, const struct mr_host_port *p);
/** Remove a port's NIC from every stack, with its addresses and routes, and close the device. Context: main lcore.
 *  @return 0, -ENODEV (no port has this NIC). */
int mr_host_remove_port(struct mr_host *h, uint16_t nic);
/**
 * Run `fn` on every stack, on its own core, between two turns; before the start, in place. Returns when all have
 * answered. Context: main lcore. @return 0, or the first negative result of `fn`.
 */
int mr_host_call(struct mr_host *h, int (*fn)(struct mr_stack *s, unsigned core, void *arg), void *arg);
/**
 * Make a change on every stack or on none: `apply` runs as by mr_host_call, and if it fails on one core, `undo` runs on
 * those where it did not, after all have answered. `apply` has changed nothing where it fails. Context: main lcore.
 * @return 0, or the first negative result of `apply`.
 */
int mr_host_change(struct mr_host *h, int (*apply)(struct mr_stack *s, unsigned core, void *arg),
                   void (*undo)(struct mr_stack *s, unsigned core, void *arg), void *arg);
/** Start the workers on their lcores (all but the main one's). Context: main lcore. @return 0, -EALREADY (it runs),
 *  -EBUSY (an lcore runs something else). */
int mr_host_start(struct mr_host *h);
/** One turn of the main lcore's own stack, if it has one; otherwise control work only. To be called in a loop.
 *  Context: main lcore.
 *  @return packets and events handled. */
unsigned mr_host_poll(struct mr_host *h);
/** Ask the workers to end and wait for them. The stacks stay readable. Context: main lcore. */
void mr_host_stop(struct mr_host *h);
/** Have mr_host_destroy tell of each packet pool ("w0 rx"), when everything is closed and only a leak holds a packet.
 *  Context: main lcore. */
void mr_host_on_pool(struct mr_host *h, void (*fn)(const char *pool, unsigned free, unsigned total, void *arg), void *arg);
/** Workers, and so stacks. Context: any thread. */
unsigned mr_host_workers(const struct mr_host *h);
/** The stack of a core; NULL: there is no such core. To be used on its core, or while the host does not run.
 *  Context: any thread. */
struct mr_stack *mr_host_stack(struct mr_host *h, unsigned core);
/** How a worker has spent its time, all zero for a core that the host has not. While running, the values are a moment
 *  old. Context: any thread. */
void mr_host_load(const struct mr_host *h, unsigned core, struct mr_host_load *out);
/** Sum over the cores. Exact after mr_host_stop; while running each core's value is a moment old.
 *  Context: any thread. */
uint64_t mr_host_counter(const struct mr_host *h, enum mr_counter c);
/** How packets reach the core that owns them, e.g. "software Toeplitz, 2 workers" (one line). Context: main lcore. */
const char *mr_host_steering(const struct mr_host *h);

#ifdef __cplusplus
}
#endif
#endif
