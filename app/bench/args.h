/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The command line: millrace-bench [EAL arguments] -- --mode MODE [options]. Both ends of a run take the same options, so
 * that a command line differs only in --server and --client.
 */
#ifndef BENCH_ARGS_H
#define BENCH_ARGS_H

#include <stdbool.h>
#include <stdint.h>

#include <millrace.h>

struct fwd_mode;
struct mode;

#define ARGS_TXPKTS_MOST 8
#define ARGS_TXPKT_LEAST 42 /* bytes: Ethernet, IPv4 and UDP headers */

enum role {
	ROLE_NONE,
	ROLE_SELF,   /* both, joined in one process */
	ROLE_SERVER,
	ROLE_CLIENT,
};

struct args {
	const struct mode *mode;    /* of a stack; NULL: a forward mode */
	const struct fwd_mode *fwd;
	enum role role;
	/* what is done */
	uint32_t connections;
	uint32_t held;              /* connections besides, which do nothing */
	uint32_t request, response; /* bytes */
	uint32_t pipeline;          /* operations that a connection may have under way */
	uint32_t inflight;          /* operations that all connections together may have under way */
	uint64_t rate;              /* operations a second; 0: as many as go */
	bool find_max;              /* search the highest rate without loss */
	uint64_t think_ns;
	uint64_t flood_rate;        /* SYNs a second */
	uint32_t sources;           /* of a flood: consecutive addresses */
	uint64_t warmup_ns, duration_ns, interval_ns;
	/* where */
	const char *port;           /* device, by name or number; of forward modes several, NULL: all */
	struct mr_subnet server, client; /* address and prefix of each end */
	uint32_t client_addresses;  /* consecutive, from the client's on */
	uint16_t service;           /* port number of the first listener */
	uint32_t services;          /* listeners, on consecutive ports */
	bool v6;
	/* how */
	uint32_t workers;           /* of each role */
	uint32_t queues;            /* of the device; 0: one for each worker */
	uint32_t rxd, txd;          /* descriptors; 0: the stack's default */
	uint32_t mbufs;             /* of each pool; 0: as the run needs */
	/* forward modes */
	uint32_t txpkts[ARGS_TXPKTS_MOST]; /* bytes of each segment of a generated packet */
	uint32_t n_txpkts;
	uint32_t burst, flows, cores_per_port;
	struct mr_lladdr peer_mac;  /* len 0: found by ARP */
	uint64_t time_wait_ns;
	/* what is told */
	const char *json;
	bool quiet;
	bool zero_copy;             /* messages are sent from where they lie */
	int eal_argc;               /* arguments that belong to EAL, the program's name in front */
};

#define ARGS_RUN (-1)

/* @return ARGS_RUN, or the exit code of a program that has said all there is to say: 0, or 2 for wrong usage */
int args_parse(int argc, char **argv, struct args *out);
/* Fill in what follows, and look for what cannot be. @return false: told */
bool args_settle(const char *program, struct args *out);
/* Usage, on stdout. */
void args_usage(const char *program);
/* Address i of the client. */
struct mr_addr args_client_address(const struct args *a, uint32_t i);
const char *role_name(enum role role);

#endif
