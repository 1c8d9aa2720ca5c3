/* SPDX-License-Identifier: Apache-2.0 */
/*
 * For the tests of Fast Open's half of a listener: a listener that has it, a cookie as a client would have it, and SYNs that
 * carry it.
 */
#ifndef TESTS_FASTOPEN_H
#define TESTS_FASTOPEN_H

#include <errno.h>
#include <string.h>

#include "rig/fixture.h"

#define COOKIE 8

static uint8_t cookie[16];
static uint8_t cookie_len;

static inline void
fastopen(int64_t limit)
{
	ck_assert_int_eq(mr_ep_setopt(t.listener, MR_OPT_TCP_FASTOPEN, limit), 0);
}

/* A listener with Fast Open for so many. */
static inline void
setup_for(bool v6, int64_t limit)
{
	if (t.listener)
		mr_ep_close(t.listener);
	rig_tcp_init(&t, &rig, v6);
	rig_tcp_listen(&t, 16);
	fastopen(limit);
}

static inline void
setup(void)
{
	t.listener = NULL;
	rig_init(&rig, NULL);
	setup_for(false, 4);
}

/* The same with another stack. */
static inline void
setup_with(const struct mr_stack_opts *o)
{
	rig_fini(&rig);
	t.listener = NULL;
	rig_init(&rig, &(struct rig_opts){.stack = *o});
	setup_for(false, 4);
}

/* The next connection is of another port of the peer. */
static inline void
another(void)
{
	struct mr_ep *listener = t.listener;
	uint16_t port = t.peer_port;

	rig_tcp_init(&t, &rig, t.v6);
	t.listener = listener;
	t.peer_port = port + 1;
}

/* Numbers of the stack count from the SYN|ACK that comes now. */
static inline const struct rig_frame *
expect_syn_ack(uint32_t ack)
{
	const struct rig_frame *f = rig_expect(&rig, RIG_TCP);

	ck_assert_msg(f->flags == (RIG_SYN | RIG_ACK) && f->ack == t.iss + ack && f->dport == t.peer_port && f->payload_len == 0,
	              "expected SYN|ACK of %u, got %s", ack, rig_frame_text(f));
	t.irs = f->seq;
	t.stack_ws = f->ws;
	return f;
}

/* Have a cookie, as a client would. */
static inline void
learn_cookie(void)
{
	const struct rig_frame *f;

	rig_tcp_push(&t, RIG_SYN, 0, 0, 0, .ask_fo = true);
	f = expect_syn_ack(1);
	ck_assert(f->has_fo);
	cookie_len = f->fo_len;
	memcpy(cookie, f->fo, cookie_len);
	rig_tcp_push(&t, RIG_RST, 1, 0, 0);
	rig_expect_none(&rig);
	another();
}

static inline void
push_syn(uint32_t len)
{
	rig_tcp_push(&t, RIG_SYN, 0, 0, len, .fo = cookie, .fo_len = cookie_len);
}

/* A connection that is pending, its first data in it. */
static inline struct mr_ep *
begin(uint32_t len)
{
	push_syn(len);
	expect_syn_ack(1 + len);
	rig_expect_none(&rig);
	ck_assert_int_eq(mr_ep_accept(t.listener, &t.ep), 0);
	ck_assert_int_eq(rig_tcp_state(t.ep), MR_TCP_SYN_RECEIVED);
	return t.ep;
}

/* SYN with a good cookie and data, and yet an ordinary handshake. */
static inline void
expect_ordinary(void)
{
	struct mr_ep *ep;

	push_syn(100);
	expect_syn_ack(1);
	ck_assert_int_eq(mr_ep_accept(t.listener, &ep), -EAGAIN);
	rig_tcp_push(&t, RIG_RST, 1, 0, 0);
	rig_expect_none(&rig);
	another();
}

#endif
