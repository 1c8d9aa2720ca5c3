/* SPDX-License-Identifier: Apache-2.0 */
/*
 * For the tests of raw endpoints: endpoints of both families for a protocol that nobody else has.
 */
#ifndef TESTS_RAW_H
#define TESTS_RAW_H

#include "rig/fixture.h"

#include <rte_mbuf.h>

#include "stack/nic.h"
#include "stack/stack.h"

#define ETH 14
#define PROTO 99

static inline uint16_t
net_of(bool v6)
{
	return v6 ? MR_NET_IPV6 : MR_NET_IPV4;
}

static inline struct mr_ep *
make(uint8_t proto, bool v6)
{
	struct mr_ep *ep;

	ck_assert_int_eq(mr_ep_create_raw(rig.stack, proto, net_of(v6), &ep), 0);
	return ep;
}

/* What an endpoint has of a packet with `len` bytes of payload: its IPv4 header comes along. */
static inline void
expect_packet(struct mr_ep *ep, bool v6, const void *payload, size_t len)
{
	size_t hdr = v6 ? 0 : 20;
	uint8_t buf[2000];

	ck_assert_int_eq(mr_ep_recv(ep, buf, sizeof(buf), NULL), hdr + len);
	if (!v6) {
		ck_assert_uint_eq(buf[0], 0x45);
		ck_assert_uint_eq(buf[2] << 8 | buf[3], 20 + len);
		ck_assert_mem_eq(buf + 16, rig.addr4.b + 12, 4);
	}
	ck_assert_mem_eq(buf + hdr, payload, len);
}

#endif
