/* SPDX-License-Identifier: Apache-2.0 */
/*
 * For the tests of the TCP probe: a probe that keeps what it has seen last, and a connection that it sees.
 */
#ifndef TESTS_TCP_PROBE_H
#define TESTS_TCP_PROBE_H

#include "rig/fixture.h"

/* What the probe has seen: how often, and last. */
static struct mr_tcp_ep_state st;
static unsigned calls;

static int mark;

static inline void
seen(const struct mr_tcp_ep_state *state, void *arg)
{
	ck_assert_ptr_eq(arg, &mark);
	st = *state;
	calls++;
}

static inline void
setup(void)
{
	tcp_setup();
	/* Whose windows can be told in advance. */
	ck_assert_int_eq(mr_transproto_setopt(rig.stack, MR_TRANS_TCP, MR_OPT_TCP_CC, mr_tcp_cc_find("newreno")), 0);
}

static inline void
probe(void)
{
	ck_assert_int_eq(mr_tcp_probe_add(rig.stack, seen, &mark), 0);
}

/* A connection that is seen, up to now without a segment. */
static inline void
connect_seen(void)
{
	probe();
	rig_tcp_establish_passive(&t);
	ck_assert_uint_eq(calls, 0);
}

/* The peer's next segment has been seen; st is what was before it. */
#define look(...) \
	do { \
		unsigned before_ = calls; \
		rig_tcp_push(&t, __VA_ARGS__); \
		rig_poll(&rig); \
		ck_assert_uint_eq(calls, before_ + 1); \
	} while (0)

/* Anything, to see how it stands now: an old ACK changes nothing. */
static inline void
look_again(void)
{
	look(RIG_ACK, t.snd, 1, 0, .no_ts = true);
}

#endif
