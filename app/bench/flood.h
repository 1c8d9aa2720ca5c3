/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A flood of SYNs from addresses that answer nothing, beside the client's own connections.
 */
#ifndef BENCH_FLOOD_H
#define BENCH_FLOOD_H

#include <stdint.h>

#include <millrace.h>

struct args;
struct client;
struct flood;

#define FLOOD_RATE_DEFAULT 100000u /* SYNs a second */
#define FLOOD_SOURCES_DEFAULT 10000u
#define FLOOD_SOURCES_MOST 100000u /* there are 131072 addresses */

/* The share of one client core. @return 0 or -errno */
int flood_create(struct client *cl, unsigned core, unsigned n_cores, struct flood **out);
/* It may begin. */
void flood_go(struct flood *f);
void flood_stop(struct flood *f);
void flood_destroy(struct flood *f);
/* The way back, for a server: by the client. @return 0 or -errno */
int flood_route_add(struct mr_stack *s, const struct args *a, uint16_t nic);

/* How many SYNs find room on the wire: 50 ms, or as many as there is memory for. */
uint32_t flood_wire_frames(const struct args *a);

#endif
