/* SPDX-License-Identifier: Apache-2.0 */
/*
 * For the tests of ping endpoints: endpoints of both families, requests and replies.
 */
#ifndef TESTS_PING_H
#define TESTS_PING_H

#include "rig/fixture.h"

#include <rte_mbuf.h>

#include "stack/port.h"
#include "stack/stack.h"
#include "stack/steer.h"

#define HDR 8

static inline uint8_t
trans(bool v6)
{
	return v6 ? MR_TRANS_ICMPV6 : MR_TRANS_ICMP;
}

static inline struct mr_ep *
make(bool v6)
{
	struct mr_ep *ep;

	ck_assert_int_eq(mr_ep_create(rig.stack, trans(v6), v6 ? MR_NET_IPV6 : MR_NET_IPV4, &ep), 0);
	return ep;
}

static inline struct mr_ep *
bound(bool v6, uint16_t id)
{
	struct mr_ep *ep = make(v6);

	ck_assert_int_eq(mr_ep_bind(ep, &(struct mr_sockaddr){.port = id}), 0);
	return ep;
}

static inline struct mr_ep *
connected(bool v6, uint16_t id)
{
	struct mr_ep *ep = bound(v6, id);
	struct mr_sockaddr peer = rig_peer(&rig, v6, 0);

	ck_assert_int_eq(mr_ep_connect(ep, &peer), 0);
	return ep;
}

static inline uint16_t
id_of(struct mr_ep *ep)
{
	struct mr_sockaddr name;

	ck_assert_int_eq(mr_ep_local_name(ep, &name), 0);
	return name.port;
}

/* What an application writes: an identifier and a checksum that are not to be believed. */
static inline ssize_t
request(struct mr_ep *ep, bool v6, uint16_t seq, uint32_t len, const struct mr_sockaddr *to)
{
	uint8_t b[HDR + 2000] = {v6 ? 128 : 8, 0, 0xde, 0xad, 0xbe, 0xef, seq >> 8, seq & 0xff};

	rig_pattern_fill(b + HDR, 0, len);
	return mr_ep_sendto(ep, b, HDR + len, to);
}

static inline void
push_reply(bool v6, uint16_t id, uint16_t seq, uint32_t len)
{
	rig_push_icmp(&rig, .ip.v6 = v6, .type = v6 ? 129 : 0, .id = id, .seq = seq, .len = len);
}

#endif
