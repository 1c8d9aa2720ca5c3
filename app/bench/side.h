/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One end of a run: a host of ours on some lcores, with one port and one address, and a client or a server on each core.
 */
#ifndef BENCH_SIDE_H
#define BENCH_SIDE_H

#include <millrace.h>

#include "app/bench/args.h"
#include "app/bench/client.h"
#include "app/bench/server.h"

#define SIDE_MAX_CORES 64

struct side {
	const struct args *args;
	enum role role;                    /* ROLE_CLIENT or ROLE_SERVER */
	struct mr_host *host;
	unsigned n;                        /* cores */
	unsigned lcores[SIDE_MAX_CORES];
	struct client *clients[SIDE_MAX_CORES];
	struct server *servers[SIDE_MAX_CORES];
	double rate;                       /* of all clients, where it is searched for */
};

/* Sums over the cores of a side, as they are now. */
struct side_count {
	uint64_t ops, bytes, lost, failed;
	uint64_t honest;                   /* operations beside a flood, whose SYNs are in ops */
	uint64_t rx_packets, tx_packets;
	uint64_t busy_tsc, idle_tsc;
};

/* Make host, port, address, and what is to run; not started. `role`, `n` and `lcores` are filled in.
 * @param device port of EAL. @return 0, or -errno, told on stderr; side_destroy is due either way */
int side_create(struct side *s, const struct args *args, const char *device);
/* Listen, or begin to open connections; the host has started. @return 0, or -errno, told on stderr */
int side_open(struct side *s);
/* Reset and close everything; what the stack has to say about it leaves in the turns that follow. */
void side_close(struct side *s);
/* The cores turn no more. */
void side_stop(struct side *s);
void side_destroy(struct side *s);
bool side_has_main(const struct side *s);
void side_count(const struct side *s, struct side_count *out);
/* Bytes of its stacks' connections and endpoints. */
uint64_t side_memory(struct side *s);
/* Connections that are open. */
uint64_t side_connections(const struct side *s);

#endif
