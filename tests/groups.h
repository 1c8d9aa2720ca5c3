/* SPDX-License-Identifier: Apache-2.0 */
/*
 * For the tests of group membership: the two families' messages under one name each, and routers and members that speak.
 */
#ifndef TESTS_GROUPS_H
#define TESTS_GROUPS_H

#include "rig/fixture.h"

#include <rte_mbuf.h>
#include <rte_ring.h>

#include "stack/nic.h"
#include "stack/stack.h"
#include "stack/steer.h"

#define UNSOLICITED_NS (10 * RIG_S)

static const struct family {
	const char *group, *other, *all;
	uint8_t report, leave;
	uint16_t per_s; /* units of the response time in a second */
} families[] = {
	{"239.1.2.3", "239.1.2.4", "224.0.0.1", 0x16, 0x17, 10},
	{"ff05::1:2", "ff05::1:3", "ff02::1", 131, 132, 1000},
};

#define SOLICITED "ff02::1:ff00:1" /* joined by the rig's addresses */

static const struct family *fam;

static inline void
start(const struct rig_opts *o)
{
	rig_init(&rig, o);
}

static inline void
restart(const struct rig_opts *o)
{
	rig_fini(&rig);
	start(o);
}

static inline void
setup(void)
{
	start(NULL);
}

static inline int
join(const char *group)
{
	struct mr_addr a = rig_addr(group);

	return mr_group_join(rig.stack, RIG_NIC, &a);
}

static inline int
leave(const char *group)
{
	struct mr_addr a = rig_addr(group);

	return mr_group_leave(rig.stack, RIG_NIC, &a);
}

/* Member of a group, its reports said. */
static inline void
settle(const char *group)
{
	ck_assert_int_eq(join(group), 0);
	rig_advance(&rig, UNSOLICITED_NS);
	rig_discard(&rig);
	rig_mark(&rig);
}

static inline void
query(const char *group, uint16_t max_resp)
{
	struct rig_group g = {.ip.v6 = fam == &families[1], .max_resp = max_resp};

	if (group)
		g.group = rig_addr(group);
	rig_push_group_spec(&rig, &g);
	rig_poll(&rig);
}

static inline void
report_of_another(const char *group)
{
	rig_push_group(&rig, .type = fam->report, .group = rig_addr(group));
	rig_poll(&rig);
}

/* The next frame comes within `ns` and reports the group. @return how long it took */
static inline uint64_t
report_within(const char *group, uint64_t ns)
{
	uint64_t from = rig.now;

	ck_assert_msg(rig_advance_until_frame(&rig, ns), "no report of %s", group);
	return rig_expect_group(&rig, fam->report, group)->time_ns - from;
}

#endif
