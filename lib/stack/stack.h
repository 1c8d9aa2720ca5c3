/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The inside of struct mr_stack: one core's whole instance. Everything here is touched by that core alone; the ways in
 * from other cores are the mailbox and the hand-over rings, both drained by the turn.
 */
#ifndef MR_STACK_STACK_H
#define MR_STACK_STACK_H

#include <stdint.h>
#include <sys/queue.h>

#include "stack/demux.h"
#include "stack/endpoint.h"
#include "stack/flow.h"
#include "stack/large.h"
#include "stack/millrace.h"
#include "stack/nic.h"
#include "stack/pool.h"
#include "stack/rng.h"
#include "stack/services.h"
#include "stack/stash.h"
#include "stack/timer.h"
#include "stack/transport.h"

#define MR_MAX_NETPROTOS 8
#define MR_MAX_TRANSPROTOS 16
#define MR_LOOP_QUEUE 1024 /* packets that may wait in the loop */
#define MR_ROUTE_BACKS_BITS 6
#define MR_MAX_NETEPS 65535 /* local addresses of all kinds: each has a 16-bit id */

struct mr_port_table;
struct mr_route_table;
struct mr_steer;
struct mr_transit;

struct mr_stack {
	uint64_t now_ns;
	uint64_t *counters;                /* own_counters, or the caller's */
	struct mr_stack_opts opts;         /* with defaults filled in */
	struct rte_mempool *rx_pool, *tx_pool;
	struct mr_stash rx_stash, tx_stash;
	struct mr_large large;             /* for long writes; none before there is a NIC that cuts segments */
	/* Memory budgets: who queues mbufs for longer than a turn counts them here, and drops or waits at the limit. */
	uint32_t rx_held, rx_held_max;     /* receive mbufs in endpoint queues */
	uint32_t tx_held, tx_held_max;     /* transmit mbufs in send queues */
	struct mr_ep *events, **events_tail; /* endpoints with events to tell, in order */
	struct mr_ep *dirty, **dirty_tail; /* endpoints with something to send, in order */
	bool room_wanted;                  /* by endpoints that wait for a NIC's queue */
	struct mr_flow_table flows;
	struct mr_demux demux;
	struct mr_wheel wheel;
	struct mr_pktq loop;               /* packets to ourselves, delivered in the next turn */
	struct mr_steer *steer;            /* NULL: a stack alone */
	TAILQ_HEAD(, mr_nic) nics;
	struct mr_netproto *netprotos[MR_MAX_NETPROTOS];
	unsigned n_netprotos;
	struct mr_transproto *transprotos[256];   /* by number */
	struct mr_transproto *transproto_list[MR_MAX_TRANSPROTOS]; /* the same, dense */
	unsigned n_transprotos;
	uint32_t route_gen;                /* see route.h */
	struct mr_route_table *routes;
	struct mr_route backs[1 << MR_ROUTE_BACKS_BITS]; /* lately found by mr_route_back, by remote address; nothing is held */
	struct mr_transit *transit;        /* NULL: no forwarding */
	struct mr_port_table *ports;
	struct mr_arena arena;
	struct mr_pool netep_pool;
	LIST_HEAD(, mr_packet_ep) packets; /* packet endpoints, which hear frames beside the protocols */
	uint32_t packets_out;              /* those of them that hear outgoing ones, too */
	struct mr_pool packet_pool;
	struct mr_rng rng;
	uint32_t owner;                    /* lcore that polls it, plus one; 0: nobody's (context.h) */
	bool polled;                       /* has made a turn: default handlers stay as they are (SS-3) */
	unsigned work;                     /* packets and events of the running turn */
	bool tx_starved;                   /* someone was refused tx mbufs: see mr_ep_starved */
	bool keep_pools;                   /* mr_stack_destroy leaves rx_pool, tx_pool and large.pool: links and the host's other
	                                    * stacks may still hold packets of them, and the host frees them last */
	struct mr_ep *starved;             /* endpoints that were refused tx mbufs, in the order of that */
	struct mr_ep **starved_tail;
	uint32_t n_starved;
	struct mr_ep *telling;             /* whose waiters are being called; NULL once it is closed */
	struct mr_waiter *telling_next;    /* the waiter to call after the running one */
	TAILQ_HEAD(, mr_nic) dead_nics;    /* removed, with addresses still referenced */
	struct mr_netep **netep_ids;       /* by id */
	struct mr_addr_filter local_filter; /* configured addresses of all NICs */
	struct mr_netep *turn_neteps;
	struct mr_alarm *alarms;
	struct mr_neigh_waiter *neigh_told; /* whose resolution has ended, to be told in the event stage */
	bool neigh_hearsay;                /* applying neighbour news of another core: not to be told again */
	uint64_t own_counters[MR_CNT_MAX];
};

/* There is a NIC that cuts segments: have large packets. Without memory for them writes are copied as for any other. */
void mr_stack_large_open(struct mr_stack *s);

/* alarm.c: end all alarms. */
void mr_alarm_stop_all(struct mr_stack *s);

/* ---- endpoints, stages of the turn: each endpoint that is on its list now, once. @return endpoints visited */

unsigned mr_ep_tell_events(struct mr_stack *s);
unsigned mr_ep_output_dirty(struct mr_stack *s);
/* Before that stage: those who waited for room in a NIC's queue are dirty again, as far as there is some. */
void mr_ep_give_rooms(struct mr_stack *s);
/* The same for one NIC; when it is down that is all of them. */
void mr_ep_room_give(struct mr_nic *nic);

/* ---- NICs, for the turn and for their end */

/* Out of the lists for good; freed now, or with the last reference to one of its addresses. */
void mr_nic_destroy(struct mr_nic *nic);
void mr_nic_free(struct mr_nic *nic);
/* Hand what waits to the link; what it does not take stays for the next turn. */
void mr_nic_flush(struct mr_nic *nic);
/* Deliver what was looped before this call. @return packets */
unsigned mr_nic_loop_deliver(struct mr_stack *s);
/* The second half of mr_nic_deliver_network: parsed packets of one protocol (hand-over ring). Consumes all. */
void mr_nic_deliver_parsed(struct mr_nic *nic, uint16_t net_proto, struct rte_mbuf **pkts, const struct mr_addr *dst,
                           uint16_t n);
/* End of the turn: let go of what only received packets referred to. */
void mr_stack_netep_turn_end(struct mr_stack *s);

/* Count, and count-and-free. Each drop is counted exactly once, by who decides it. */
static inline void
mr_count(struct mr_stack *s, enum mr_counter c)
{
	s->counters[c]++;
}

static inline void
mr_count_n(struct mr_stack *s, enum mr_counter c, uint64_t n)
{
	s->counters[c] += n;
}

/* rte_pktmbuf_free for the packets of a stack's path, on its own core. */
static inline void
mr_stack_free(struct mr_stack *s, struct rte_mbuf *m)
{
	if (!mr_stash_put(&s->rx_stash, m) && !mr_stash_put(&s->tx_stash, m))
		rte_pktmbuf_free(m);
}

/* Not in line: it is in every pass, and hardly ever done. */
__rte_cold void mr_drop(struct mr_stack *s, struct rte_mbuf *m, enum mr_counter reason);

/* A packet to build from the back: empty, with MR_HEADROOM in front. NULL when the pool is empty: the caller counts
 * MR_DROP_NO_TX_MBUF if something is lost by it. */
static inline struct rte_mbuf *
mr_stack_tx_alloc(struct mr_stack *s)
{
	return mr_stash_get(&s->tx_stash);
}

/* The same holding a copy of `len` bytes, chained if it must be. */
struct rte_mbuf *mr_stack_tx_copy(struct mr_stack *s, const char *buf, size_t len);
/* May an endpoint keep one more receive (transmit) mbuf? Then it adds to rx_held (tx_held). */
static inline bool
mr_stack_rx_room(const struct mr_stack *s)
{
	return s->rx_held < s->rx_held_max;
}

static inline bool
mr_stack_tx_room(const struct mr_stack *s)
{
	return s->tx_held < s->tx_held_max;
}

#endif
