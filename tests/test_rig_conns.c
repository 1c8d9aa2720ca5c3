/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Connections of the test rig: scripted ones, in every state and against expectations that do not match; and transfers
 * between two stacks, which one seed repeats.
 */
#include "rig/fixture.h"

#include <string.h>

/* ---- scripted connections */

static const enum mr_tcp_state states[] = {
	MR_TCP_LISTEN, MR_TCP_SYN_SENT, MR_TCP_SYN_RECEIVED, MR_TCP_ESTABLISHED, MR_TCP_FIN_WAIT_1, MR_TCP_FIN_WAIT_2,
	MR_TCP_CLOSE_WAIT, MR_TCP_CLOSING, MR_TCP_LAST_ACK, MR_TCP_TIME_WAIT, MR_TCP_CLOSED,
};

START_TEST(reaches_every_state)
{
	struct rig_tcp t;
	struct mr_ep *ep;

	rig_tcp_init(&t, &rig, _i & 1);
	t.ts = _i & 2;
	ep = rig_tcp_reach(&t, states[_i / 4]);
	ck_assert((ep != NULL) == (states[_i / 4] != MR_TCP_SYN_RECEIVED));
	ck_assert_uint_eq(t.iss, 0xfffffff0);
	rig_expect_none(&rig);
}
END_TEST

START_TEST(actively_with_and_without_options)
{
	struct rig_tcp t;

	rig_tcp_init(&t, &rig, _i & 1);
	t.ts = _i & 2;
	if (_i & 4) {
		t.ws = -1;
		t.mss = 0;
		t.sack = false;
	}
	rig_tcp_establish_active(&t);
	ck_assert_int_eq(t.ts_on, !!(_i & 2));
	ck_assert_uint_eq(t.stack_mss, _i & 1 ? 1440 : 1460);
	ck_assert(!(_i & 4) || t.stack_ws == 0);
	/* Data both ways over the wrap, in the numbers of the script. */
	rig_tcp_push(&t, RIG_ACK | RIG_PSH, 1, 1, 100);
	ck_assert_int_eq(rig_ep_send(t.ep, 0, 50), 50);
	rig_tcp_expect(&t, RIG_ACK | RIG_PSH, 1, 101, 50, .pattern = true);
	rig_ep_recv(t.ep, 0, 100);
	rig_tcp_push(&t, RIG_ACK, 101, 51, 0);
	rig_discard(&rig);
	mr_ep_close(t.ep);
	rig_tcp_expect(&t, RIG_FIN | RIG_ACK, 51, 101, 0);
}
END_TEST

START_TEST(matches_say_what_is_wrong)
{
	struct rig_tcp t, other;
	const struct rig_seg none = {0}, exact = {.exact = true}, wnd = {.check_wnd = true, .wnd = 1}, sack = {.n_sack = 1};
	const struct rig_seg pattern = {.pattern = true}, data = {.data = "no"};

	rig_tcp_init(&t, &rig, false);
	rig_tcp_establish_passive(&t);
	other = t;
	other.peer_port++;
	ck_assert_str_eq(rig_tcp_match(&t, RIG_ACK, 1, 1, 2, &none), "nothing was sent");
	ck_assert_int_eq(mr_ep_send(t.ep, "ab", 2), 2);
	ck_assert_str_eq(rig_tcp_match(&other, RIG_ACK, 1, 1, 2, &none), "not of this connection");
	ck_assert_str_eq(rig_tcp_match(&t, RIG_ACK, 1, 1, 2, &exact), "flags P.");
	ck_assert_str_eq(rig_tcp_match(&t, RIG_ACK | RIG_FIN, 1, 1, 2, &none), "flags P.");
	ck_assert_str_eq(rig_tcp_match(&t, RIG_ACK, 2, 1, 2, &none), "seq offset 1");
	ck_assert_str_eq(rig_tcp_match(&t, RIG_ACK, 1, 0, 2, &none), "ack offset 1");
	ck_assert_str_eq(rig_tcp_match(&t, RIG_ACK, 1, 1, 3, &none), "2 bytes of payload");
	ck_assert_ptr_nonnull(strstr(rig_tcp_match(&t, RIG_ACK, 1, 1, 2, &wnd), "window"));
	ck_assert_ptr_nonnull(strstr(rig_tcp_match(&t, RIG_ACK, 1, 1, 2, &sack), "SACK"));
	ck_assert_ptr_nonnull(strstr(rig_tcp_match(&t, RIG_ACK, 1, 1, 2, &pattern), "pattern"));
	ck_assert_str_eq(rig_tcp_match(&t, RIG_ACK, 1, 1, 2, &data), "payload differs");
	t.ts_on = true;
	ck_assert_str_eq(rig_tcp_match(&t, RIG_ACK, 1, 1, 2, &none), "no timestamp");
	t.ts_on = false;
	ck_assert_ptr_null(rig_tcp_match(&t, RIG_ACK | RIG_PSH, 1, RIG_ANY, RIG_ANY, &none));
	rig_expect_none(&rig);
}
END_TEST

/* ---- two stacks */

static struct rig_bulk_result
run_duo(uint64_t seed, bool v6, uint32_t loss_ppm, uint64_t hash[2])
{
	struct mr_impair_cfg line[2] = {
		{.seed = seed, .delay_ns = 5 * RIG_MS, .loss_ppm = loss_ppm, .queue_frames = 10000},
		{.seed = seed + 1, .delay_ns = 5 * RIG_MS, .loss_ppm = loss_ppm, .queue_frames = 10000},
	};
	struct rig_bulk_opts o = {.v6 = v6, .bytes = {100000, 30000}, .flows = 3, .deadline_ns = 300 * RIG_S};
	struct rig_bulk_result r;
	struct rig_duo d;

	rig_duo_init(&d, &(struct rig_duo_opts){.impair = {&line[0], &line[1]}});
	r = rig_duo_bulk(&d, &o);
	hash[0] = d.end[0].hash;
	hash[1] = d.end[1].hash;
	rig_duo_fini(&d);
	return r;
}

START_TEST(two_stacks_transfer)
{
	uint64_t hash[2];
	struct rig_bulk_result r = run_duo(1, _i & 1, _i & 2 ? 50000 : 0, hash);

	ck_assert(r.done);
	ck_assert_int_eq(r.err, 0);
	ck_assert_uint_eq(r.bytes, 3 * 130000);
	ck_assert_uint_ge(r.duration_ns, 4 * 5 * RIG_MS); /* handshake, and data after it */
}
END_TEST

START_TEST(one_seed_one_run)
{
	uint64_t a[2], b[2], c[2];

	run_duo(7, false, 20000, a);
	run_duo(7, false, 20000, b);
	run_duo(8, false, 20000, c);
	ck_assert(a[0] == b[0] && a[1] == b[1]);
	ck_assert(a[0] != c[0]);
}
END_TEST

START_TEST(deadline_of_a_transfer)
{
	struct mr_impair_cfg dead = {.seed = 1, .loss_ppm = 1000000};
	struct rig_bulk_opts o = {.bytes = {1, 1}, .deadline_ns = 5 * RIG_S};
	struct rig_bulk_result r;
	struct rig_duo d;
	uint64_t start;

	rig_duo_init(&d, &(struct rig_duo_opts){.impair = {&dead, NULL}});
	start = d.now;
	r = rig_duo_bulk(&d, &o);
	ck_assert(!r.done && r.bytes == 0);
	ck_assert_uint_le(d.now, start + 5 * RIG_S);
	rig_duo_fini(&d);
}
END_TEST

static Suite *
suite(void)
{
	Suite *s = suite_create("rig_conns");
	TCase *tc = rig_case(s, "tcp", rig_setup, rig_teardown);

	tcase_add_loop_test(tc, reaches_every_state, 0, 4 * (int)RTE_DIM(states));
	tcase_add_loop_test(tc, actively_with_and_without_options, 0, 8);
	tcase_add_test(tc, matches_say_what_is_wrong);
	tc = rig_case(s, "two stacks", NULL, NULL);
	tcase_add_loop_test(tc, two_stacks_transfer, 0, 4);
	tcase_add_test(tc, one_seed_one_run);
	tcase_add_test(tc, deadline_of_a_transfer);
	return s;
}

RIG_MAIN(suite)
