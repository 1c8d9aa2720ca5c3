/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The server's share of one core: its listeners, or datagram endpoints, and the connections that were accepted.
 */
#ifndef BENCH_SERVER_H
#define BENCH_SERVER_H

#include <stdbool.h>

#include <rte_common.h>

#include <millrace.h>

#include "app/bench/args.h"
#include "app/bench/mode.h"

/* One connection, or one datagram endpoint. */
struct served {
	struct mr_waiter waiter;
	struct mr_ep *ep;         /* NULL: a free place */
	struct server *server;
	uint32_t got;             /* bytes of the request that has begun, or the mode's own */
	uint32_t state;           /* the mode's own */
	uint64_t owed;            /* bytes of answers that found no room yet */
};
_Static_assert(sizeof(struct served) <= RTE_CACHE_LINE_SIZE, "a million of them");

struct server_count {
	uint64_t ops, bytes;
	uint64_t accepted, refused;
};

struct server {
	const struct args *args;
	const struct mode *mode;
	struct mr_stack *stack;
	struct served *conns, *free; /* `waiter.next` links the free ones */
	uint32_t n_conns, fresh, open; /* places, of which never used from this one on; connections */
	struct served *listeners;
	struct server_count count;
	uint8_t *response;        /* the mode's, args->response bytes; it may write to it */
	struct lend *lend;        /* --zero-copy: where that lies; else NULL */
	uint8_t *scratch;         /* MODE_SCRATCH bytes for what is received */
} __rte_cache_aligned;

/* @param n_cores server cores: connections may spread unevenly over them. @return 0 or -errno */
int server_create(const struct args *args, struct mr_stack *s, unsigned n_cores, struct server **out);
/* Listen. @return 0 or -errno */
int server_open(struct server *sv);
/* Close the listeners and reset what is open. */
void server_stop(struct server *sv);
/* The stack has gone; frees the memory. */
void server_destroy(struct server *sv);

/* ---- for modes */

/* Operations were answered. @param bytes of payload, both ways */
static inline void
server_done(struct server *sv, uint64_t ops, uint64_t bytes)
{
	sv->count.ops += ops;
	sv->count.bytes += bytes;
}

/* End the connection; it is touched no more. */
void served_close(struct served *v);
void served_abort(struct served *v);

#endif
