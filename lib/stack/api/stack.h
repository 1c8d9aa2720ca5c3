/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file
 * A stack: one core's whole instance, its life and its turn. Part of <millrace.h>.
 */
#ifndef MR_API_STACK_H
#define MR_API_STACK_H

#include "addr.h"

#ifdef __cplusplus
extern "C" {
#endif

struct rte_mempool;
struct mr_stack;

/** A clock for times that people see (S-10). */
struct mr_clock {
	uint64_t (*now_ns)(void *arg); /**< since 1970; NULL: the system's clock */
	void *arg;  /**< passed on to now_ns */
};

/** Construction parameters; zero each field you do not care about: 0 and NULL mean the default. */
struct mr_stack_opts {
	const char *name;               /**< for logs and pools; default "stack" */
	const char *const *net_protos;  /**< NULL-terminated names; default: every registered one (S-3) */
	const char *const *trans_protos; /**< the same for transport protocols (S-4) */
	uint64_t seed;                  /**< all randomness of this stack; 0: from the kernel. Tests pass a number */
	uint64_t secret[2];             /**< what keys that the stacks of a host share are made of; zero: from the stack's
	                                 *   randomness. mr_host_create sees to it */
	int socket_id;                  /**< NUMA node for memory; 0 by default, -1 any */
	uint32_t rx_mbufs;              /**< packets in the receive pool; default 8192 */
	uint32_t tx_mbufs;              /**< packets in the transmit pool; default 8192. For each 128 of them there is one of 64 KiB
	                                 *   besides, for long writes, as soon as a NIC cuts segments (TSO) */
	uint32_t mbuf_data_bytes;       /**< data room of one packet without headroom; default 2048 */
	uint32_t tx_mbuf_data_bytes;    /**< of one of the transmit pool; default: mbuf_data_bytes if that is given, else 1536, what
	                                 *   a packet of 1500 bytes takes */
	uint32_t rx_reserve_mbufs;      /**< receive mbufs that queues may never hold: what the drivers' rings need; default 1/4 */
	uint32_t tx_reserve_mbufs;      /**< transmit mbufs that send queues may never hold: ACKs, ARP, ICMP, rings; default 1/4 */
	uint32_t max_conns;             /**< connection records (TCBs); default 16384 */
	uint32_t max_half_open;         /**< SYN-RECEIVED records; default 4096 */
	uint32_t max_time_wait;         /**< TIME-WAIT records, oldest is reused when full; default 16384 */
	uint32_t max_endpoints;         /**< other endpoints (UDP, listeners ...); default 1024 */
	uint32_t max_neighbours;        /**< neighbour entries per NIC; default 512 */
	bool routes_first_match;        /**< the first row that fits is taken, in the order added; default: the longest prefix */
	struct mr_clock clock;          /**< times that people see, never protocol timers */
	uint64_t *counters;             /**< where to count (S-11): MR_CNT_MAX for each core, the caller's until after
	                                 *   mr_stack_destroy; counting goes on from what is there. Default: the stack's own */
	uint16_t core;                  /**< index of this stack in its host */
	uint16_t n_cores;               /**< stacks in the host; default 1 */
};

/** Create a stack; it is nobody's until it is polled. The caller's, to be ended by mr_stack_destroy.
 *  Context: any thread. @param opts may be NULL. @return 0, -EPROTONOSUPPORT for an unknown protocol name, -EINVAL (a
 *  reserve is not less than its pool), -ENOMEM. (S-7) */
int mr_stack_create(const struct mr_stack_opts *opts, struct mr_stack **out);
/** Reset what is open, free every buffer, timer and port, detach the NICs. Waiters are not called.
 *  Context: own core, not in an event. */
void mr_stack_destroy(struct mr_stack *s);
/**
 * One turn: rx burst, dispatch, mailbox, timers, application events, output of dirty endpoints, tx flush, reap.
 * Context: own core, not in an event.
 * @param now_ns a monotonic time, never less than in the turn before. @return packets and events handled (0: idle).
 */
unsigned mr_stack_poll(struct mr_stack *s, uint64_t now_ns);
/** Time of the running (or last) turn, as it was given to mr_stack_poll. Context: own core. */
uint64_t mr_stack_now_ns(const struct mr_stack *s);
/** The time that people see, nanoseconds since 1970: asks mr_stack_opts.clock at each call. (S-61)
 *  Context: any thread. */
uint64_t mr_stack_wall_ns(const struct mr_stack *s);
/** The process's default stack: the one created last, unless another was set; NULL: none. It is only remembered here;
 *  destroying it forgets it. (S-8) Context: any thread. */
struct mr_stack *mr_stack_default(void);
/** Choose the default stack; NULL: none. (S-8) Context: any thread. */
void mr_stack_set_default(struct mr_stack *s);
/** Earliest time at which mr_stack_poll will have something to do on its own; UINT64_MAX if never.
 *  Context: own core. */
uint64_t mr_stack_next_ns(const struct mr_stack *s);
/** Forward between NICs what is for others (S-48). Then, too, the stack takes the weak host model: what is for an address of
 *  another of its NICs is received, unless that is link-local, and without forwarding it is not. Context: own core.
 *  @return 0, -ENOMEM. */
int mr_stack_set_forwarding(struct mr_stack *s, bool on);
/** Does it forward? (S-49) Context: own core. */
bool mr_stack_forwarding(const struct mr_stack *s);
/** Memory of connections, endpoints and the tables they are in, in bytes. Packets and NICs are not in it. */
struct mr_stack_memory {
	uint64_t used;     /**< by what there is now; of the flow table, its entries' share */
	uint64_t most;     /**< when everything is used; pages are taken as they are first touched, and kept */
};
/** How much there is. Context: own core, or any while it does not turn. */
void mr_stack_memory(const struct mr_stack *s, struct mr_stack_memory *out);
/** The packet pools, for drivers and for zero-copy senders. Context: any thread. */
struct rte_mempool *mr_stack_rx_pool(struct mr_stack *s);
/** The transmit pool: what zero-copy senders take packets from. Context: any thread. */
struct rte_mempool *mr_stack_tx_pool(struct mr_stack *s);
/** Is the protocol in this stack? (S-50) Context: any thread. */
bool mr_stack_has_netproto(const struct mr_stack *s, uint16_t net);
/** Is the transport protocol in this stack? Context: any thread. */
bool mr_stack_has_transproto(const struct mr_stack *s, uint8_t trans);
/** Protocol-wide options (S-53..S-56). Context: own core. @return 0, -EPROTONOSUPPORT, -ENOPROTOOPT, -EINVAL. */
int mr_netproto_setopt(struct mr_stack *s, uint16_t net, int opt, int64_t value);
/** Value of a network protocol's option. Context: own core. @return as mr_netproto_setopt. (S-54) */
int mr_netproto_getopt(struct mr_stack *s, uint16_t net, int opt, int64_t *value);
/** Option of a transport protocol: what new endpoints get. Context: own core. @return as mr_netproto_setopt. (S-55) */
int mr_transproto_setopt(struct mr_stack *s, uint8_t trans, int opt, int64_t value);
/** Value of a transport protocol's option. Context: own core. @return as mr_netproto_setopt. (S-56) */
int mr_transproto_getopt(struct mr_stack *s, uint8_t trans, int opt, int64_t *value);

struct mr_alarm;
/** Run `fn` in the next turn and then every `period_ns` (0: every turn) until it is stopped; for applications.
 *  Context: own core. @return 0, -ENOMEM. */
int mr_alarm_start(struct mr_stack *s, uint64_t period_ns, void (*fn)(struct mr_stack *s, void *arg), void *arg,
                   struct mr_alarm **out);
/** End an alarm; also from its own function. Context: own core. */
void mr_alarm_stop(struct mr_alarm *a);

#ifdef __cplusplus
}
#endif
#endif
