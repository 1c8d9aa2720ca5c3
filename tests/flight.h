/* SPDX-License-Identifier: Apache-2.0 */
/*
 * For the tests of loss recovery: a connection whose round trip of 100 ms is measured by its handshake, with NewReno's
 * halving, whose sums are simple, a flight of full segments that are counted, and what the peer says of them.
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

/* A congestion window of four segments, full, and six more that wait for it. */
static inline void
send_four_of_ten(void)
{
	tcp_conn(t.ep)->cc.cwnd = 4 * MSS;
	rig_ep_send(t.ep, 0, 10 * MSS);
	for (sent = 0; sent < 4; sent++)
		expect_seg(sent);
	rig_expect_none(&rig);
}

/* The peer has all before segment una, and of those beyond from..to. */
static inline void
sack_segs(uint32_t una, uint32_t from, uint32_t to)
{
	rig_tcp_push(&t, RIG_ACK, 1, 1 + una * MSS, 0, .n_sack = 1, .sack = {{1 + from * MSS, 1 + to * MSS}});
	rig_poll(&rig);
}

static inline void
ack_segs(uint32_t una)
{
	rig_tcp_push(&t, RIG_ACK, 1, 1 + una * MSS, 0);
	rig_poll(&rig);
}

#endif
