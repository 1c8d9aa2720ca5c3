/* SPDX-License-Identifier: Apache-2.0 */
/*
 * For the tests of TCP's header: a stack whose buffers are all back in the end.
 */
#ifndef TESTS_TCP_HDR_H
#define TESTS_TCP_HDR_H

#include "rig/rig.h"

#include <string.h>

#include <rte_tcp.h>

#include "proto/tcp/tcp.h"

/* ck_assert writes a note to a file each time; in loops only failures may. */
#define MUST(cond) do { if (!(cond)) ck_abort_msg("%s", #cond); } while (0)

#define POOL 256
#define ALL_OPTS (TCP_OPT_MSS | TCP_OPT_WS | TCP_OPT_SACK_PERM | TCP_OPT_TS)

static struct mr_stack *stack;

static inline void
hdr_setup(void)
{
	struct mr_stack_opts opts = {.name = "hdr", .seed = 1, .rx_mbufs = POOL, .tx_mbufs = POOL, .max_conns = 4};

	ck_assert_int_eq(mr_stack_create(&opts, &stack), 0);
}

static inline void
hdr_teardown(void)
{
	ck_assert_uint_eq(rte_mempool_avail_count(stack->rx_pool), POOL);
	ck_assert_uint_eq(mr_stash_avail(&stack->tx_stash), POOL);
	mr_stack_destroy(stack);
	ck_assert_uint_eq(rig_leaks(), 0);
}

#endif
