/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Slow start, shared by the algorithms that have one: HyStart++ (RFC 9406) for the first of a connection, which has to
 * find out when to stop before the queue overflows, and plain slow start up to ssthresh after a loss (4.3).
 */
#ifndef MR_PROTO_TCP_HYSTART_H
#define MR_PROTO_TCP_HYSTART_H

#include <stdbool.h>
#include <stdint.h>

#include "proto/tcp/tcp_cc.h"

/* All zero is the beginning. Round-trip times in microseconds, 0: none yet. */
struct tcp_hystart {
	uint32_t round_left;  /* bytes whose acknowledgement ends the round */
	uint32_t min_us;      /* least round trip of this round */
	uint32_t last_min_us; /* of the round before */
	uint32_t base_us;     /* what conservative slow start began with */
	uint8_t samples;      /* of this round, saturating */
	uint8_t css_round;    /* rounds of conservative slow start, this one included; 0: not in it */
};

/**
 * One ACK of HyStart++ (RFC 9406 4.2).
 * @param grow set to the bytes that cwnd may grow by
 * @return true: slow start is over, ssthresh becomes cwnd
 */
bool tcp_hystart_ack(struct tcp_hystart *h, const struct tcp_cc_ack *a, uint32_t *grow);

/**
 * One ACK while cwnd < ssthresh: grows cwnd, by HyStart++ if ssthresh was never set, and may end slow start by setting
 * it; h is all zero then.
 * @return bytes that the ACK acknowledged beyond ssthresh: they count for congestion avoidance
 */
uint32_t tcp_slow_start(struct tcp_cc *cc, struct tcp_hystart *h, const struct tcp_cc_ack *a);

#endif
