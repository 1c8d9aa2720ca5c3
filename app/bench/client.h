/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The client's share of one core: its connections, how they are opened, and when operations start. A connection is one
 * cache line, so a core can hold millions.
 *
 * Life of a connection: CLOSED, OPENING, OPEN, and back to CLOSED when it is lost or done. One that could not be opened,
 * or was lost, is tried again a little later. Life of an operation: a ready connection starts it when pacing allows, the
 * mode's input ends it with client_done.
 */
#ifndef BENCH_CLIENT_H
#define BENCH_CLIENT_H

#include <stdbool.h>

#include <rte_common.h>

#include <millrace.h>

#include "app/bench/args.h"
#include "app/bench/hist.h"
#include "app/bench/mode.h"

enum conn_state {
	CONN_CLOSED,
	CONN_OPENING,
	CONN_OPEN,
};

struct flood;

struct conn {
	struct mr_waiter waiter;
	struct mr_ep *ep;         /* NULL: closed */
	struct client *client;
	uint64_t time_ns;         /* start of the operation under way; of a connection that waits: when it may go on */
	uint16_t under_way;       /* operations */
	uint8_t state;            /* enum conn_state */
	uint8_t tag;              /* of the last operation, where answers may be lost */
	uint32_t left;            /* bytes that are missing of the answer that has begun */
};
_Static_assert(sizeof(struct conn) <= RTE_CACHE_LINE_SIZE, "a million of them");

/* Connections in order of waiting, by index. */
struct fifo {
	uint32_t *item;
	uint32_t mask, head, n;
};

/* What a core has done since it was made; written by it alone. */
struct client_count {
	uint64_t ops;       /* operations that ended well */
	uint64_t bytes;     /* of payload, both ways */
	uint64_t lost;      /* operations without an answer */
	uint64_t failed;    /* connections that could not be opened or broke */
	uint64_t opened;    /* connections */
	uint64_t syns;      /* of a flood */
};

struct client {
	const struct args *args;
	const struct mode *mode;
	struct mr_stack *stack;
	struct conn *conns;
	uint64_t *stamps;         /* start of each operation, `pipeline` for each connection; NULL: it is time_ns */
	uint32_t n, held;         /* connections, and those behind them that do nothing once they are open */
	uint32_t open, opening;
	uint32_t under_way, inflight; /* operations, and how many may be */
	uint32_t next;            /* connections opened so far: decides about address and service */
	uint32_t burst;           /* MODE_F_PUSH: operations in a turn */
	uint64_t tx_busy;         /* its counter at the last turn */
	bool running;             /* operations may start */
	bool blocked;             /* MODE_F_PUSH: packets wait for the link */
	bool paced;               /* by rate, think time or inflight: ready connections queue up */
	struct fifo ready;        /* may start an operation when time_ns has come */
	struct fifo broken;       /* to be opened (again) when time_ns has come */
	uint64_t op_ns_fp, next_op_ns_fp; /* rate: distance and time of the next start, in 1/256 ns */
	struct mr_alarm *alarm;
	uint64_t next_look_ns;    /* for lost answers */
	int last_error;           /* why the last connection failed */
	uint8_t *request;         /* the mode's, args->request bytes; it may write to it */
	struct lend *lend;        /* --zero-copy: where that lies; else NULL */
	uint8_t *scratch;         /* MODE_SCRATCH bytes for what is received and read no further */
	struct client_count count;
	struct flood *flood;      /* MODE_F_FLOOD */
	struct hist *latency, *measured; /* in the making; of the measurement that has ended */
} __rte_cache_aligned;

/* Make the core's client. @param core index and @param n_cores number of client cores: they share the connections.
 * @return 0 or -errno */
int client_create(const struct args *args, struct mr_stack *s, unsigned core, unsigned n_cores, struct client **out);
/* The stack has gone; frees the memory. */
void client_destroy(struct client *cl);
/* Begin to open connections. */
int client_open(struct client *cl);
/* All are open: begin with operations. */
void client_go(struct client *cl);
/* From now on, so many operations a second on this core; 0: as many as go. */
void client_set_rate(struct client *cl, double rate);
/* The measurement begins, and ends. */
void client_measure(struct client *cl);
void client_measured(struct client *cl);
/* Start no more of either, and reset all connections. */
void client_stop(struct client *cl);

/* ---- for modes */

/* An operation of this connection has ended well. @param bytes of payload, both ways */
void client_done(struct client *cl, struct conn *c, uint32_t bytes);
/* Of an operation without an answer: it has been done. @param bytes negative: what was to be sent is lost */
void client_sent(struct client *cl, struct conn *c, ssize_t bytes);
/* Operations that were done as part of one that goes on. */
static inline void
client_progress(struct client *cl, uint64_t ops, uint64_t bytes)
{
	cl->count.ops += ops;
	cl->count.bytes += bytes;
}

/* The connection is over, or of no use. @param err negative errno */
void client_lost(struct client *cl, struct conn *c, int err);
/* Close a connection whose operation is done; it may be opened again. */
void client_close(struct client *cl, struct conn *c);

#endif
