/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a suite has that works with one rig, and most suites of TCP, which work with one scripted connection of it: the two by
 * name, and fixtures. Those that want more of them, such as other options, write a set-up of their own for the same two.
 */
#ifndef TESTS_RIG_FIXTURE_H
#define TESTS_RIG_FIXTURE_H

#include "rig/rig.h"

static struct rig rig;
static struct rig_tcp t;

static inline void
rig_setup(void)
{
	rig_init(&rig, NULL);
}

/* IPv4, and not yet open: what the peer offers may still be changed. */
static inline void
tcp_setup(void)
{
	rig_setup();
	rig_tcp_init(&t, &rig, false);
}

static inline void
rig_teardown(void)
{
	rig_fini(&rig);
}

#endif
