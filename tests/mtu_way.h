/* SPDX-License-Identifier: Apache-2.0 */
/*
 * For the tests of path MTUs that no router tells of: a peer, and a way to it that takes segments up to a size.
 *
 * Most tests are rounds: all that the stack has sent arrives but what the way does not take, and is acknowledged at once.
 */
#ifndef TESTS_MTU_WAY_H
#define TESTS_MTU_WAY_H

#include "rig/fixture.h"

#include <string.h>

#include "proto/tcp/tcp.h"
#include "stack/stack.h"

#define STREAM (1u << 20)

static uint8_t got[STREAM + 1]; /* offsets that the peer has */
static uint32_t una;            /* the first that it has not */
static uint32_t written;
/* the way */
static uint32_t takes;          /* payload of the largest segment that arrives */
static uint32_t lose_seq;       /* the segment from here is lost, once; 0: none */
/* of the last round */
static unsigned n_segs, n_lost;
static uint32_t largest;        /* payload sent */

static inline void
probing(enum mr_tcp_mtu_probing how)
{
	ck_assert_int_eq(mr_transproto_setopt(rig.stack, MR_TRANS_TCP, MR_OPT_TCP_MTU_PROBING, how), 0);
}

static inline void
setup(void)
{
	rig_setup();
	takes = UINT32_MAX;
}

static inline void
teardown(void)
{
	rig_discard(&rig);
	rig_teardown();
}

static inline struct tcp_conn *
conn(void)
{
	return tcp_conn(t.ep);
}

/* The next connection of the peer, ready for data; its round trip is 10 ms. */
static inline void
connect_peer(bool v6, bool sack)
{
	struct mr_ep *listener = t.listener;
	static uint16_t port = 5000;

	rig_tcp_init(&t, &rig, v6);
	t.listener = listener;
	t.peer_port = port++;
	t.sack = sack;
	rig_tcp_start_passive(&t);
	rig_advance(&rig, 10 * RIG_MS);
	rig_tcp_push(&t, RIG_ACK, 1, 1, 0);
	rig_poll(&rig);
	ck_assert_int_eq(mr_ep_accept(t.listener, &t.ep), 0);
	tcp_cc_switch(conn(), &tcp_newreno);
	memset(got, 0, sizeof(got));
	una = 1;
	written = 0;
	rig_mark(&rig);
}

static inline void
disconnect(void)
{
	mr_ep_abort(t.ep);
	rig_poll(&rig);
	rig_discard(&rig);
}

static inline void
write_more(uint32_t n)
{
	ck_assert_int_eq(rig_ep_send(t.ep, written, n), n);
	written += n;
}

static inline uint32_t
pmtu(void)
{
	struct mr_tcp_info info;

	ck_assert_int_eq(mr_tcp_info(t.ep, &info), 0);
	return info.pmtu;
}

/* With SACK: what the peer has beyond the first hole, the last blocks first. */
static inline void
acknowledge(void)
{
	struct rig_seg x = {0};
	uint32_t to = written + 1;

	while (una <= written && got[una])
		una++;
	while (t.sack && x.n_sack < 3) {
		uint32_t from;

		while (to > una && !got[to - 1])
			to--;
		for (from = to; from > una && got[from - 1];)
			from--;
		if (from == to)
			break;
		x.sack[x.n_sack][0] = from;
		x.sack[x.n_sack++][1] = to;
		to = from;
	}
	rig_tcp_push_seg(&t, RIG_ACK, 1, una, 0, &x);
}

/* Take one segment. @return it has arrived */
static inline bool
take(const struct rig_frame *f)
{
	uint32_t seq = rig_tcp_seq(&t, f);

	n_segs++;
	largest = RTE_MAX(largest, f->payload_len);
	ck_assert_uint_eq(rig_pattern_check(f->payload, seq - 1, f->payload_len), f->payload_len);
	if (f->payload_len > takes || seq == lose_seq) {
		if (seq == lose_seq)
			lose_seq = 0;
		n_lost++;
		return false;
	}
	memset(got + seq, 1, f->payload_len);
	return true;
}

/* All that is sent now; with SACK one ACK, without one for each segment. */
static inline void
round_trip(void)
{
	const struct rig_frame *f;

	n_segs = n_lost = largest = 0;
	rig_poll(&rig);
	while (rig_peek(&rig)) {
		f = rig_tcp_next(&t);
		if (f->payload_len > 0 && take(f) && !t.sack)
			acknowledge();
	}
	rig_advance(&rig, 10 * RIG_MS);
	if (t.sack && n_segs > n_lost)
		acknowledge();
	rig_poll(&rig);
}

/* Until the peer has all; time passes when nothing is sent. */
static inline void
deliver_all(void)
{
	for (unsigned i = 0; una <= written; i++) {
		ck_assert_uint_lt(i, 2000);
		if (!rig_peek(&rig))
			ck_assert(rig_advance_until_frame(&rig, 200 * RIG_S));
		round_trip();
	}
	rig_expect_none(&rig);
}

#endif
