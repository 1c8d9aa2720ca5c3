/* SPDX-License-Identifier: Apache-2.0 */
/*
 * For the tests of packet endpoints: endpoints of an EtherType, frames pushed and taken.
 */
#ifndef TESTS_PACKET_H
#define TESTS_PACKET_H

#include "rig/fixture.h"

#include <errno.h>
#include <string.h>

#include <rte_mbuf.h>

#include "stack/nic.h"
#include "stack/stack.h"

#define TYPE 0x88b5 /* for local experiments (IEEE 802) */
#define OTHER 0x88b6

static inline struct mr_ep *
make(uint16_t nic, uint16_t type)
{
	struct mr_ep *ep;

	ck_assert_int_eq(mr_ep_create_packet(rig.stack, nic, type, &ep), 0);
	return ep;
}

static inline struct mr_ep *
make_outgoing(uint16_t type)
{
	struct mr_ep *ep = make(RIG_NIC, type);

	ck_assert_int_eq(mr_ep_setopt(ep, MR_OPT_PACKET_OUTGOING, 1), 0);
	return ep;
}

static inline void
push_frame(uint16_t type, const char *text)
{
	rig_push_eth_spec(&rig, &(struct rig_ip){.eth_type = type}, text, (uint32_t)strlen(text));
}

/* The next frame of an endpoint, whole, and where it came from. */
static inline ssize_t
take(struct mr_ep *ep, uint8_t *buf, enum mr_frame_kind *kind, struct mr_lladdr *ll, struct mr_sockaddr *from)
{
	struct mr_sockaddr sa = {0};
	struct mr_lladdr a;
	ssize_t n = mr_ep_recv(ep, buf, 2000, &sa);

	*kind = mr_sockaddr_get_ll(&sa, &a);
	if (ll)
		*ll = a;
	if (from)
		*from = sa;
	return n;
}

static inline void
expect_nothing(struct mr_ep *ep)
{
	char b;

	ck_assert_int_eq(mr_ep_recv(ep, &b, 1, NULL), -EAGAIN);
}

static unsigned told;
static uint32_t told_events;

static inline void
on_event(struct mr_ep *ep, uint32_t events, void *arg)
{
	(void)ep;
	(void)arg;
	told++;
	told_events |= events;
}

#endif
