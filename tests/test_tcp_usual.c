/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The short ways of what is usual (the segment that is predicted, the flight of one segment, the segment that is alone in the
 * queue) do what the long ways do: the same conversation, once by the one and once by the others, leaves the same frames at the
 * same times and the same connection.
 */
#include "rig/fixture.h"

#include <string.h>

#include "proto/tcp/tcp.h"
#include "stack/rng.h"

#define STEPS 80
#define SEEDS 40

enum way {
	SHORT,
	UNPREDICTED, /* each segment of the peer has CWR, which without ECN means nothing */
	LONG,        /* and the MTU of the way is known, though it is the link's: neither a flight nor a segment is alone then */
	WAYS,
};

struct sent {
	uint64_t time_ns;
	uint32_t seq, ack, len, tsval, tsecr;
	uint16_t wnd;
	uint8_t flags;
};

struct told {
	struct sent sent[8 * STEPS];
	struct mr_tcp_info info[STEPS];
	unsigned n;
};

static struct told told[WAYS];
static uint32_t received; /* end of what the stack has sent */

static void
take_frames(struct told *out)
{
	for (const struct rig_frame *f; (f = rig_next(&rig));) {
		ck_assert_uint_lt(out->n, RTE_DIM(out->sent));
		out->sent[out->n++] = (struct sent){
			.time_ns = f->time_ns,
			.seq = rig_tcp_seq(&t, f),
			.ack = rig_tcp_ack(&t, f),
			.len = f->payload_len,
			.tsval = f->tsval,
			.tsecr = f->tsecr,
			.wnd = f->wnd,
			.flags = f->flags,
		};
		t.tsecr = f->tsval;
		received = RTE_MAX(received, rig_tcp_seq(&t, f) + f->payload_len);
	}
}

/* The peer sends some, or only its ACK, often of all that has come; the application answers, and time passes. */
static void
step(enum way way, struct mr_rng *r, uint64_t *read, uint64_t *written, struct told *out)
{
	static const uint32_t asks[] = {0, 1, 34, 700, 1448}, answers[] = {0, 1, 100, 649, 1448, 5000};
	static const uint64_t pauses[] = {0, 0, RIG_MS, 5 * RIG_MS, 45 * RIG_MS, 400 * RIG_MS};
	uint32_t ask = asks[mr_rng_below(r, RTE_DIM(asks))], answer = answers[mr_rng_below(r, RTE_DIM(answers))];
	bool silent = mr_rng_below(r, 8) == 0, behind = mr_rng_below(r, 8) == 0;
	uint64_t pause = pauses[mr_rng_below(r, RTE_DIM(pauses))];

	if (!silent) {
		rig_tcp_push(&t, RIG_ACK | (ask ? RIG_PSH : 0) | (way == SHORT ? 0 : RIG_CWR), t.snd, behind ? t.rcv : received, ask);
		t.rcv = behind ? t.rcv : received;
		t.snd += ask;
		rig_poll(&rig);
		rig_ep_recv(t.ep, *read, ask);
		*read += ask;
	}
	if (answer)
		*written += (uint64_t)rig_ep_send(t.ep, *written, answer);
	rig_poll(&rig);
	take_frames(out);
	rig_advance(&rig, pause);
	take_frames(out);
}

static void
converse(enum way way, uint64_t seed, struct told *out)
{
	uint64_t read = 0, written = 0;
	struct mr_rng r;

	mr_rng_seed(&r, seed);
	tcp_setup();
	t.ts = true;
	rig_tcp_establish_passive(&t);
	if (way == LONG)
		tcp_conn(t.ep)->pmtu = 1500;
	received = 1;
	out->n = 0;
	for (unsigned i = 0; i < STEPS; i++) {
		step(way, &r, &read, &written, out);
		ck_assert_int_eq(mr_tcp_info(t.ep, &out->info[i]), 0);
	}
	ck_assert_uint_gt(read, 0);
	ck_assert_uint_gt(written, 0);
	rig_teardown();
}

START_TEST(ways_agree)
{
	for (enum way w = SHORT; w < WAYS; w++)
		converse(w, (uint64_t)_i, &told[w]);
	for (enum way w = UNPREDICTED; w < WAYS; w++) {
		for (unsigned i = 0; i < STEPS; i++)
			ck_assert_msg(memcmp(&told[w].info[i], &told[SHORT].info[i], sizeof(told[w].info[i])) == 0, "way %d, step %u", w, i);
		ck_assert_uint_eq(told[w].n, told[SHORT].n);
		for (unsigned i = 0; i < told[w].n; i++)
			ck_assert_msg(memcmp(&told[w].sent[i], &told[SHORT].sent[i], sizeof(struct sent)) == 0, "way %d, frame %u", w, i);
	}
}
END_TEST

static Suite *
suite(void)
{
	Suite *s = suite_create("tcp_usual");
	TCase *tc = rig_case(s, "ways", NULL, NULL);

	tcase_add_loop_test(tc, ways_agree, 0, SEEDS);
	return s;
}

RIG_MAIN(suite)
