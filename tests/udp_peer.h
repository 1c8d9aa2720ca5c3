/* SPDX-License-Identifier: Apache-2.0 */
/*
 * For the tests of UDP endpoints: endpoints that are bound or connected, and what their waiter is told.
 */
#ifndef TESTS_UDP_PEER_H
#define TESTS_UDP_PEER_H

#include "rig/fixture.h"

#include <rte_mbuf.h>

#include "stack/nic.h"
#include "stack/port.h"
#include "stack/stack.h"

static inline struct mr_ep *
make(bool v6)
{
	struct mr_ep *ep;

	ck_assert_int_eq(mr_ep_create(rig.stack, MR_TRANS_UDP, v6 ? MR_NET_IPV6 : MR_NET_IPV4, &ep), 0);
	return ep;
}

static inline struct mr_ep *
bound(bool v6, uint16_t port)
{
	struct mr_ep *ep = make(v6);

	ck_assert_int_eq(mr_ep_bind(ep, &(struct mr_sockaddr){.port = port}), 0);
	return ep;
}

static inline struct mr_ep *
connected(bool v6, uint16_t port, uint16_t peer_port)
{
	struct mr_ep *ep = make(v6);
	struct mr_sockaddr local = rig_local(&rig, v6, port), peer = rig_peer(&rig, v6, peer_port);

	ck_assert_int_eq(mr_ep_bind(ep, &local), 0);
	ck_assert_int_eq(mr_ep_connect(ep, &peer), 0);
	return ep;
}

static inline bool
addr_is(const struct mr_addr *a, const char *text)
{
	struct mr_addr b = rig_addr(text);

	return mr_addr_equal(a, &b);
}

#define ETH 14

static unsigned told;
static uint32_t told_events;

static inline void
on_event(struct mr_ep *ep, uint32_t events, void *arg)
{
	(void)arg;
	told++;
	told_events |= events;
	if (events & MR_EV_IN)
		ck_assert_int_gt(mr_ep_recv(ep, NULL, 0, NULL), -1);
}

#endif
