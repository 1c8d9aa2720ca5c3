/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A connection that sends much, on links of some kinds, and ways to write.
 */
#ifndef MR_TESTS_TCP_STREAM_H
#define MR_TESTS_TCP_STREAM_H

#include "rig/fixture.h"

#include <stdlib.h>
#include <string.h>

#include "proto/tcp/tcp.h"

#define TSO (MR_LINK_CAP_TX_TSO | MR_LINK_CAP_TX_TCP_CKSUM)
#define TSO_V4 (TSO | MR_LINK_CAP_TX_IPV4_CKSUM)
#define MSS 1460u

static bool no_large; /* there was no memory for large packets */

static void
start(uint32_t caps, uint16_t segs, bool v6, bool ts, bool ecn)
{
	rig_init(&rig, &(struct rig_opts){.caps = caps, .tso_segs = segs});
	if (no_large) {
		rte_mempool_free(rig.stack->large.pool);
		rig.stack->large.pool = NULL;
	}
	ck_assert_int_eq(mr_transproto_setopt(rig.stack, MR_TRANS_TCP, MR_OPT_TCP_INIT_CWND, 1000), 0);
	rig_tcp_init(&t, &rig, v6);
	t.ws = 7;
	t.mss = MSS;
	t.ts = ts;
	t.ecn = ecn;
	rig_tcp_listen(&t, 4);
	ck_assert_int_eq(mr_ep_setopt(t.listener, MR_OPT_SNDBUF, 4 << 20), 0);
	rig_tcp_establish_passive(&t);
	rig_tcp_push(&t, RIG_ACK, 1, 1, 0, .wnd = 65535);
	rig_poll(&rig);
	rig_mark(&rig);
}

/* One write. */
static void
write_copied(uint32_t off, uint32_t n)
{
	uint8_t *b = malloc(n);

	ck_assert_ptr_nonnull(b);
	rig_pattern_fill(b, off, n);
	ck_assert_int_eq(mr_ep_send(t.ep, b, n), n);
	free(b);
}

static void (*write_once)(uint32_t off, uint32_t n) = write_copied;

#endif
