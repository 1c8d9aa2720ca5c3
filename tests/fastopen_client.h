/* SPDX-License-Identifier: Apache-2.0 */
/*
 * For the tests of Fast Open's half of a client: endpoints that open with it, the SYNs they send, and a peer that gives cookies.
 */
#ifndef TESTS_FASTOPEN_CLIENT_H
#define TESTS_FASTOPEN_CLIENT_H

#include <errno.h>
#include <string.h>

#include "rig/fixture.h"

static const uint8_t cookie[16] = "0123456789abcdef";

/* An endpoint that opens with Fast Open, to the peer or another address. */
static inline void
connect_to(const struct mr_addr *addr)
{
	struct mr_sockaddr to = rig_peer(&rig, t.v6, t.peer_port), name;

	if (addr)
		to.addr = *addr;
	ck_assert_int_eq(mr_ep_create(rig.stack, MR_TRANS_TCP, t.v6 ? MR_NET_IPV6 : MR_NET_IPV4, &t.ep), 0);
	ck_assert_int_eq(mr_ep_setopt(t.ep, MR_OPT_TCP_FASTOPEN, 1), 0);
	ck_assert_int_eq(mr_ep_connect(t.ep, &to), -EINPROGRESS);
	ck_assert_int_eq(mr_ep_local_name(t.ep, &name), 0);
	t.port = name.port;
}

/* The same, and `len` bytes of pattern are written at once. */
static inline void
open_with(uint32_t len)
{
	connect_to(NULL);
	ck_assert_int_eq(rig_ep_send(t.ep, 0, len), len);
}

/* The stack's SYN, with a cookie of so many bytes (0: it asks for one; -1: no option) and so much data. */
static inline const struct rig_frame *
expect_syn(int fo_len, uint32_t len)
{
	const struct rig_frame *f = rig_expect(&rig, RIG_TCP);

	ck_assert_msg(f->flags == RIG_SYN && f->payload_len == len && f->has_fo == (fo_len >= 0) && (fo_len < 0 || f->fo_len == fo_len),
	              "expected SYN with %u bytes and a cookie of %d, got one of %d: %s", len, fo_len, f->has_fo ? f->fo_len : -1,
	              rig_frame_text(f));
	ck_assert_uint_eq(rig_pattern_check(f->payload, 0, len), len);
	ck_assert(fo_len <= 0 || memcmp(f->fo, cookie, (size_t)fo_len) == 0);
	t.irs = f->seq;
	return f;
}

static inline void
push_syn_ack(uint32_t ack, uint8_t fo_len)
{
	rig_tcp_push(&t, RIG_SYN | RIG_ACK, 0, ack, 0, .fo = fo_len ? cookie : NULL, .fo_len = fo_len);
}

/* The next connection is to another port of the peer. */
static inline void
another(void)
{
	uint16_t port = t.peer_port;

	mr_ep_abort(t.ep);
	rig_discard(&rig);
	rig_tcp_init(&t, &rig, t.v6);
	t.peer_port = port + 1;
}

/* The peer's cookie is known. */
static inline void
learn(uint8_t fo_len)
{
	open_with(0);
	expect_syn(0, 0);
	push_syn_ack(1, fo_len);
	rig_tcp_expect(&t, RIG_ACK, 1, 1, 0);
	another();
}

#endif
