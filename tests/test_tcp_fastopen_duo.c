/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Fast Open (RFC 7413) between two stacks of ours: a round trip less, and over lines that lose.
 */
#include <errno.h>

#include "rig/rig.h"

struct exchange {
	struct rig_duo *duo;
	struct mr_ep *listener, *ep[2];
	uint64_t asked_ns, answered_ns;
	uint32_t ask, answer;      /* bytes */
	uint32_t got[2], sent[2];
	bool eof[2];
};

static void
read_all(struct exchange *x, unsigned i)
{
	uint8_t buf[4096];
	ssize_t n;

	while ((n = mr_ep_recv(x->ep[i], buf, sizeof(buf), NULL)) > 0) {
		if (rig_pattern_check(buf, x->got[i], (size_t)n) != (size_t)n)
			ck_abort_msg("end %u: wrong byte after %u", i, x->got[i]);
		x->got[i] += (uint32_t)n;
	}
	x->eof[i] |= n == 0;
	if (n < 0 && n != -EAGAIN)
		ck_abort_msg("end %u: error %d", i, (int)n);
}

static void
write_all(struct exchange *x, unsigned i, uint32_t of)
{
	ssize_t n = x->sent[i] < of ? rig_ep_send(x->ep[i], x->sent[i], of - x->sent[i]) : 0;

	x->sent[i] += n > 0 ? (uint32_t)n : 0;
}

/* A server that answers when it has all of the request, and closes. */
static bool
exchange_done(struct rig_duo *d, void *arg)
{
	struct exchange *x = arg;

	if (!x->ep[1])
		mr_ep_accept(x->listener, &x->ep[1]);
	if (x->ep[1]) {
		read_all(x, 1);
		if (x->got[1] == x->ask && x->sent[1] < x->answer) {
			write_all(x, 1, x->answer);
			if (x->sent[1] == x->answer)
				mr_ep_shutdown(x->ep[1], MR_SHUT_WR);
		}
	}
	if (x->sent[0] < x->ask)
		write_all(x, 0, x->ask);
	read_all(x, 0);
	if (x->eof[0] && !x->answered_ns)
		x->answered_ns = d->now;
	return x->eof[0];
}

static void
exchange(struct rig_duo *d, struct mr_ep *listener, bool v6, uint32_t ask, uint32_t answer, struct exchange *x)
{
	struct mr_sockaddr to = {.addr = v6 ? d->end[1].addr6 : d->end[1].addr4, .port = 80};

	*x = (struct exchange){.duo = d, .listener = listener, .ask = ask, .answer = answer, .asked_ns = d->now};
	ck_assert_int_eq(mr_ep_create(d->end[0].stack, MR_TRANS_TCP, v6 ? MR_NET_IPV6 : MR_NET_IPV4, &x->ep[0]), 0);
	ck_assert_int_eq(mr_ep_setopt(x->ep[0], MR_OPT_TCP_FASTOPEN, 1), 0);
	ck_assert_int_eq(mr_ep_connect(x->ep[0], &to), -EINPROGRESS);
	write_all(x, 0, ask);
	ck_assert(rig_duo_run(d, 600 * RIG_S, exchange_done, x));
	ck_assert_uint_eq(x->got[0], answer);
	ck_assert_uint_eq(x->got[1], ask);
	mr_ep_close(x->ep[0]);
	mr_ep_close(x->ep[1]);
}

static void
duo_begin(struct rig_duo *d, const struct rig_duo_opts *o, bool v6, struct mr_ep **listener)
{
	struct mr_sockaddr at = {.addr = rig_addr(v6 ? "::" : "0.0.0.0"), .port = 80};

	rig_duo_init(d, o);
	ck_assert_int_eq(mr_ep_create(d->end[1].stack, MR_TRANS_TCP, v6 ? MR_NET_IPV6 : MR_NET_IPV4, listener), 0);
	ck_assert_int_eq(mr_ep_bind(*listener, &at), 0);
	ck_assert_int_eq(mr_ep_setopt(*listener, MR_OPT_TCP_FASTOPEN, 8), 0);
	ck_assert_int_eq(mr_ep_listen(*listener, 16), 0);
}

/* What it is for: a round trip less. */
START_TEST(a_round_trip_less)
{
	const struct mr_impair_cfg line = {.delay_ns = 10 * RIG_MS};
	struct rig_duo_opts o = {.impair = {&line, &line}, .neigh = true};
	struct mr_ep *listener;
	struct exchange x;
	struct rig_duo d;

	duo_begin(&d, &o, _i, &listener);
	exchange(&d, listener, _i, 200, 3000, &x);
	ck_assert_uint_ge(x.answered_ns - x.asked_ns, 40 * RIG_MS);
	exchange(&d, listener, _i, 200, 3000, &x);
	ck_assert_uint_ge(x.answered_ns - x.asked_ns, 20 * RIG_MS);
	ck_assert_uint_lt(x.answered_ns - x.asked_ns, 21 * RIG_MS);
	ck_assert_uint_eq(mr_stack_counter(d.end[0].stack, MR_CNT_TCP_FASTOPEN_ACTIVE), 1);
	ck_assert_uint_eq(mr_stack_counter(d.end[1].stack, MR_CNT_TCP_FASTOPEN_PASSIVE), 1);
	rig_duo_fini(&d);
}
END_TEST

/* Lines that lose, repeat and reorder: every byte arrives, once. */
START_TEST(bad_lines)
{
	const struct mr_impair_cfg line = {.delay_ns = 5 * RIG_MS, .jitter_ns = 4 * RIG_MS, .loss_ppm = 150000, .dup_ppm = 100000,
	                                   .seed = (uint64_t)_i + 1};
	struct rig_duo_opts o = {.impair = {&line, &line}, .neigh = true, .stack = {{.seed = (uint64_t)_i + 3}, {.seed = (uint64_t)_i + 4}}};
	struct mr_ep *listener;
	struct exchange x;
	struct rig_duo d;

	duo_begin(&d, &o, _i & 1, &listener);
	for (unsigned i = 0; i < 25; i++) {
		exchange(&d, listener, _i & 1, 1 + i * 397 % 5000, 1 + i * 7919 % 50000, &x);
		rig_duo_run(&d, 120 * RIG_S, NULL, NULL);
	}
	ck_assert_uint_gt(mr_stack_counter(d.end[0].stack, MR_CNT_TCP_FASTOPEN_ACTIVE), 5);
	rig_duo_fini(&d);
}
END_TEST

static Suite *
suite(void)
{
	Suite *s = suite_create("tcp_fastopen_duo");
	TCase *tc = rig_case(s, "two", NULL, NULL);

	tcase_add_loop_test(tc, a_round_trip_less, 0, 2);
	tcase_add_loop_test(tc, bad_lines, 0, 4);
	return s;
}

RIG_MAIN(suite)
