/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Scenarios of test_counters about packets on their way through; see counters_rig.h. The rig's one NIC sends them back to
 * where they came from.
 */
#ifndef TESTS_COUNTERS_TRANSIT_H
#define TESTS_COUNTERS_TRANSIT_H

#include "counters_rig.h"

static void
forward_to(struct rig *r, const char *dst, uint8_t ttl, uint32_t len)
{
	ck_assert_int_eq(mr_stack_set_forwarding(r->stack, true), 0);
	rig_push_udp(r, .ip = {.dst = rig_addr(dst), .ttl = ttl}, .len = len);
}

static void
forwarded(struct rig *r)
{
	forward_to(r, "10.0.0.2", 64, 0);
}

static void
forward_no_route(struct rig *r)
{
	forward_to(r, "10.3.0.1", 64, 0);
}

static void
forward_scope(struct rig *r)
{
	forward_to(r, "ff0e::1:2", 64, 0);
}

static void
forward_ttl(struct rig *r)
{
	forward_to(r, "10.0.0.2", 1, 0);
}

static void
forward_too_big(struct rig *r)
{
	forward_to(r, "10.0.0.2", 64, 1600);
}

#endif
