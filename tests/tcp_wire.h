/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A conversation in which much is sent, and a capture of what left the link: for tests that ways of sending differ in nothing
 * that the peer could see.
 */
#ifndef MR_TESTS_TCP_WIRE_H
#define MR_TESTS_TCP_WIRE_H

#include "tcp_stream.h"

/* What left a link, one after the other, without what a link may count itself: IPv4's identification and sum. */
static struct capture {
	size_t n;
	uint32_t sent; /* bytes of the stream */
	uint8_t b[1 << 20];
} with, without;

static void
capture(struct capture *c)
{
	for (const struct rig_frame *f; (f = rig_next(&rig));) {
		ck_assert_uint_lt(c->n + f->len, sizeof(c->b));
		memcpy(c->b + c->n, f->b, f->len);
		if (!f->v6) {
			memset(c->b + c->n + 14 + 4, 0, 2);
			memset(c->b + c->n + 14 + 10, 0, 2);
		}
		c->n += f->len;
		if (f->kind == RIG_TCP)
			c->sent = RTE_MAX(c->sent, rig_tcp_seq(&t, f) - 1 + f->payload_len);
	}
}

static void
ack_to(uint32_t bytes, uint16_t wnd, unsigned flags, struct capture *c)
{
	rig_tcp_push(&t, RIG_ACK | flags, 1, 1 + RTE_MIN(bytes, c->sent), 0, .wnd = wnd);
	rig_poll(&rig);
	capture(c);
}

static void
write_bytes(uint32_t *off, uint32_t n, struct capture *c)
{
	write_once(*off, n);
	*off += n;
	rig_poll(&rig);
	capture(c);
}

/* Writes that end in the midst of segments, windows too, a mark, a loss, a timeout, and the end of the stream. */
static void
play(struct capture *c)
{
	uint32_t off = 0;

	c->n = c->sent = 0;
	write_bytes(&off, 10 * MSS, c);
	write_bytes(&off, 30000, c);
	write_bytes(&off, 1, c);
	ack_to(20000, 65535, 0, c);
	ack_to(off, 65535, t.ecn ? RIG_ECE : 0, c);
	write_bytes(&off, 50000, c);
	ack_to(off, 40, 0, c); /* a window of 5,120 bytes */
	write_bytes(&off, 80000, c);
	ack_to(off - 80000 + 3000, 65535, 0, c);
	rig_advance(&rig, 2 * RIG_S);
	capture(c);
	ack_to(off - 40000, 65535, 0, c);
	rig_advance(&rig, 2 * RIG_S);
	capture(c);
	while (c->sent < off)
		ack_to(off, 65535, 0, c);
	write_bytes(&off, 20000, c);
	write_once(off, 12345);
	ck_assert_int_eq(mr_ep_shutdown(t.ep, MR_SHUT_WR), 0);
	rig_poll(&rig);
	capture(c);
	rig_advance(&rig, RIG_S);
	capture(c);
}

#endif
