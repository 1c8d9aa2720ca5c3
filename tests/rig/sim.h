/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Simulations of congestion: flows from a to b through one bottleneck, a rate with a buffer in front of it that all of
 * them share. Each flow has its algorithm and its start, and sends as much as it may until the end. Time is moved to where
 * the test wants it, and flows are looked at between (counts here, mr_tcp_info of ep[0]).
 *
 * Bytes are counted and not compared: that is what bulk transfers are for (duo.h).
 */
#ifndef TESTS_RIG_SIM_H
#define TESTS_RIG_SIM_H

#include <stdbool.h>

#include "rig/rig.h"

/* Sanitized builds are ten times slower: of a table of cases they run every n-th only. */
#ifdef __SANITIZE_ADDRESS__
#define RIG_SIM_SKIP(i, n) ((i) % (n) != (n) - 1)
#else
#define RIG_SIM_SKIP(i, n) false
#endif

struct rig_sim_line {
	uint64_t rate_bps;      /* of the bottleneck, Ethernet headers included */
	uint64_t rtt_ns;        /* of an empty path; half of it each way */
	uint64_t buffer_bytes;  /* in front of the bottleneck; more is lost */
	uint32_t loss_ppm;      /* of the data, and */
	uint32_t ack_loss_ppm;  /* of what comes back, at random */
	uint32_t reorder_ppm;   /* of both ways: late by half a round trip, at least 1 ms */
	uint64_t window_bytes;  /* most that a flow has in flight; default: what path and buffer hold */
	bool rcvbuf_grows;      /* by itself, as it does for applications that do not set it */
	uint64_t seed;
};

struct rig_sim_flow {
	const char *cc;         /* algorithm; NULL: the default */
	uint64_t start_ns;      /* after the simulation's start */
	/* results, at any time */
	struct mr_ep *ep[2];    /* at a, at b; NULL: not yet */
	uint64_t got;           /* bytes that b's application has read */
	/* private */
	struct rig_sim *sim;
	struct mr_waiter waiter[2];
	uint64_t last_ns, gap_ns;
};

struct rig_sim {
	struct rig_duo duo;
	struct rig_sim_line line;
	struct rig_sim_flow *flow;
	unsigned n;
	uint64_t start_ns;
	struct mr_ep *listener;
	struct mr_waiter waiter;
};

/* Bytes of the line in a round trip. */
uint64_t rig_sim_bdp(const struct rig_sim_line *line);
/* The flows are the caller's, until the end of the simulation. Pools and socket buffers are larger than what is to be in
 * flight, so that congestion control is what limits each flow. */
void rig_sim_init(struct rig_sim *sim, const struct rig_sim_line *line, struct rig_sim_flow *flow, unsigned n);
/* Go on until so long after the start. */
void rig_sim_run(struct rig_sim *sim, uint64_t until_ns);
/* Ends all, without a leak. */
void rig_sim_fini(struct rig_sim *sim);
/* The longest time, until now, in which b's application got nothing from the flow, after its first byte. */
uint64_t rig_sim_gap(const struct rig_sim_flow *flow);
/* Payload in bits per second that so many bytes in so long a time are, as a share of what the line could carry of it. */
double rig_sim_share(const struct rig_sim *sim, uint64_t bytes, uint64_t ns);
/* Jain's index: 1 if all are alike, 1/n if one has everything. */
double rig_sim_jain(const double *x, unsigned n);

#endif
