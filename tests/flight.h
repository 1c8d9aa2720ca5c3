/* SPDX-License-Identifier: Apache-2.0 */
/*
 * For the tests of loss recovery: a connection whose round trip of 100 ms is measured by its handshake, with NewReno's
 * halving, whose sums are simple, and a flight of full segments that are counted.
 */
#ifndef TESTS_FLIGHT_H
#define TESTS_FLIGHT_H

#include "proto/tcp/tcp.h"
#include "rig/fixture.h"

#define MSS 1460u
#define RTT (100 * RIG_MS)

static uint32_t sent; /* segments, */
static uint32_t mss;  /* of so many bytes */

static inline void
flight_setup(void)
{
	tcp_setup();
	sent = 0;
}

/* With the options that `t` has. */
static inline void
connect_100ms(void)
{
	mss = t.ts ? MSS - 12 : MSS;
	rig_tcp_start_active(&t);
	rig_advance(&rig, RTT);
	rig_tcp_push(&t, RIG_SYN | RIG_ACK, 0, 1, 0);
	rig_tcp_expect(&t, RIG_ACK, 1, 1, 0);
	tcp_cc_switch(tcp_conn(t.ep), &tcp_newreno);
	rig_mark(&rig);
}

static inline void
expect_seg(uint32_t i)
{
	rig_tcp_expect(&t, RIG_ACK, 1 + i * mss, 1, mss, .pattern = true);
}

static inline void
send_segs(uint32_t n)
{
	rig_ep_send(t.ep, (uint64_t)sent * mss, n * mss);
	for (uint32_t i = 0; i < n; i++)
		expect_seg(sent++);
	rig_expect_none(&rig);
}

#endif
