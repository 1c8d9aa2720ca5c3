/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The inside of struct mr_host. The main lcore owns it; a worker reads `clock`, `idle` and `stop` and has its own
 * struct mr_host_worker.
 */
#ifndef MR_STACK_HOST_H
#define MR_STACK_HOST_H

#include <stdint.h>
#include <sys/queue.h>

#include <rte_common.h>

#include "stack/millrace.h"
#include "stack/steer.h"

/* TSC to nanoseconds since the host was made, the same on all cores. */
struct mr_host_clock {
	uint64_t base;  /* TSC of time 0 */
	uint32_t mult;
	uint32_t shift; /* ns = ticks * mult >> shift */
};

struct mr_host_worker {
	struct mr_host *host;
	struct mr_stack *stack;
	struct mr_steer *steer; /* NULL: a stack alone, on the main lcore */
	struct rte_mempool *rx_pool, *tx_pool, *large_pool; /* of the stack; outlive it */
	uint64_t last_ns;       /* time of the last turn */
	uint64_t turn_tsc;      /* when the turn that is not accounted yet began; 0: there is none */
	struct mr_host_load load;
	uint32_t idle_turns;    /* in a row */
	uint32_t lcore;
	bool worked;            /* in that turn */
	uint32_t rx_desc;       /* descriptors of its queues on all ports */
	char name[8];
} __rte_cache_aligned;

/* How long a worker that may sleep does after a turn: when turn after turn was idle; and when the turn received some packets,
 * but not a burst, for more to come. Never past the time that the stack waits for.
 * @param left_ns until then
 * @return 0: not at all */
uint64_t mr_host_rest_ns(uint64_t received, uint32_t idle_turns, uint64_t left_ns);

/* A port. */
struct mr_host_links {
	TAILQ_ENTRY(mr_host_links) entry;
	uint16_t nic;            /* the NIC's id in every stack */
	uint16_t rx_desc;        /* that each queue keeps filled */
	unsigned queues;         /* of the device: the first workers' */
	char name[MR_NIC_NAMESIZE];
	unsigned n;              /* one link for each worker */
	struct mr_link *links[]; /* outermost decorators */
};

struct mr_host {
	struct mr_host_clock clock;
	enum mr_idle idle;
	uint32_t stop; /* atomic */
	bool running;
	unsigned n;
	TAILQ_HEAD(, mr_host_links) ports;
	char steering[256];
	size_t steering_len;     /* of what is said of the host, before its ports */
	void (*pool_fn)(const char *pool, unsigned free, unsigned total, void *arg); /* mr_host_on_pool */
	void *pool_arg;
	struct mr_host_worker workers[];
};

/* Close the links of all ports; the stacks are gone. */
void mr_host_close_ports(struct mr_host *h);

#endif
