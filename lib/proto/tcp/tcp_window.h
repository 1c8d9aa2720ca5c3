/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The window that a connection advertises (RFC 9293 3.8.6), in line because every segment tells it; and what lies behind it
 * and the send queue: buffers, which grow with what the path carries (autotune.c).
 *
 * The right edge never moves left (SHLD-14), whatever the buffer and its options do.
 */
#ifndef MR_PROTO_TCP_WINDOW_H
#define MR_PROTO_TCP_WINDOW_H

#include <stdbool.h>
#include <stdint.h>

#include <rte_common.h>

#include "proto/seq.h"

#define TCP_WINDOW_LIMIT (1u << 30) /* the largest window there is (RFC 7323 2.3) */

/* The bytes that the receive buffer has room for and a header (or MR_OPT_TCP_WINDOW_CLAMP) lets be told, as right edge. */
static inline uint32_t
tcp_room_edge(const struct tcp_conn *c)
{
	uint32_t space = c->rcv_buf > c->rcvq.bytes ? c->rcv_buf - c->rcvq.bytes : 0;

	return c->rcv_nxt + RTE_MIN(space, c->rcv_most);
}

/* An edge is worth telling when it is so far beyond the last. */
static inline uint32_t
tcp_edge_step(const struct tcp_conn *c)
{
	return RTE_MIN(RTE_MIN(c->rcv_buf, c->rcv_most) / 2, (uint32_t)c->rcv_mss);
}

/* The edge to tell. */
static inline uint32_t
tcp_right_edge(const struct tcp_conn *c)
{
	uint32_t edge = tcp_room_edge(c);

	return seq_leq(edge, c->rcv_adv) || edge - c->rcv_adv < tcp_edge_step(c) ? c->rcv_adv : edge;
}

/* The largest window that a header has room for. */
static inline uint32_t
tcp_window_most(const struct tcp_conn *c)
{
	return 65535u << c->rcv_wscale;
}

/* Window to advertise now, unscaled bytes; remembers the right edge. */
static inline uint32_t
tcp_window(struct tcp_conn *c)
{
	uint32_t edge = tcp_right_edge(c), wnd = edge - c->rcv_nxt;
	uint32_t unit = 1u << c->rcv_wscale;

	/* An edge once told is rounded up so that scaling cannot take it back; a new one down to what there is. */
	if (edge == c->rcv_adv)
		wnd = (wnd + unit - 1) & ~(unit - 1);
	else
		wnd &= ~(unit - 1);
	wnd = RTE_MIN(wnd, tcp_window_most(c));
	c->rcv_adv = seq_max(c->rcv_adv, c->rcv_nxt + wnd);
	return wnd;
}

/* The window a read has opened is worth telling (SWS avoidance, RFC 9293 3.8.6.2.2). */
static inline bool
tcp_window_worth_update(const struct tcp_conn *c)
{
	int32_t gain = (int32_t)(tcp_room_edge(c) - c->rcv_adv);

	if (gain <= 0)
		return false;
	/* Both are more than a step. */
	if ((uint32_t)gain >= 2u * c->rcv_mss || (uint32_t)gain >= c->rcv_buf / 2)
		return true;
	return c->rcv_adv == c->rcv_nxt && (uint32_t)gain >= tcp_edge_step(c);
}

/* Window of a SYN, which is never scaled (WS-02). */
static inline uint32_t
tcp_syn_window(const struct tcp_conn *c)
{
	return RTE_MIN(RTE_MIN(c->rcv_buf, c->rcv_most), 65535u);
}

/* autotune.c */
/* Shift of the windows, to be offered: what the receive buffer may come to is to fit. */
uint8_t tcp_rcv_wscale(const struct tcp_conn *c);
/* The application has read, and the window is worth telling. */
void tcp_rcv_buf_tune(struct tcp_conn *c);
/* The application was refused room in the send queue, and an ACK has come. */
void tcp_snd_buf_tune(struct tcp_conn *c);

#endif
