/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a connection costs that is open and idle: a thousand of them between two stacks. Those that have carried data, and
 * have it acknowledged, cost no more than those that never did.
 */
#include "rig/duo.h"

#include <errno.h>

#define CONNS 1000
#define PORT 7
#define BYTES_MOST 640
#define SECOND UINT64_C(1000000000)

static struct rig_duo duo;
static struct mr_ep *listener, *eps[2][CONNS];
static unsigned n_accepted;
static bool v6;

static struct mr_sockaddr
server(void)
{
	return (struct mr_sockaddr){.addr = v6 ? duo.end[1].addr6 : duo.end[1].addr4, .port = PORT};
}

static uint64_t
used(unsigned end)
{
	struct mr_stack_memory m;

	mr_stack_memory(duo.end[end].stack, &m);
	return m.used;
}

static bool
accepted(struct rig_duo *d, void *arg)
{
	(void)d, (void)arg;
	while (n_accepted < CONNS && mr_ep_accept(listener, &eps[1][n_accepted]) == 0)
		n_accepted++;
	return n_accepted == CONNS;
}

static void
settle(void)
{
	rig_duo_run(&duo, 5 * SECOND, NULL, NULL);
}

static void
setup(int family)
{
	struct mr_stack_opts o = {.max_conns = 2 * CONNS, .max_half_open = CONNS, .max_time_wait = CONNS, .tx_mbufs = 4 * CONNS,
	                          .rx_mbufs = 4 * CONNS};
	struct mr_sockaddr to;

	v6 = family == 6;
	n_accepted = 0;
	rig_duo_init(&duo, &(struct rig_duo_opts){.stack = {o, o}, .neigh = true});
	to = server();
	ck_assert_int_eq(mr_ep_create(duo.end[1].stack, MR_TRANS_TCP, v6 ? MR_NET_IPV6 : MR_NET_IPV4, &listener), 0);
	ck_assert_int_eq(mr_ep_bind(listener, &to), 0);
	ck_assert_int_eq(mr_ep_listen(listener, CONNS), 0);
}

static void
connect_all(void)
{
	struct mr_sockaddr to = server();

	for (unsigned i = 0; i < CONNS; i++) {
		if (mr_ep_create(duo.end[0].stack, MR_TRANS_TCP, v6 ? MR_NET_IPV6 : MR_NET_IPV4, &eps[0][i]) < 0 ||
		    mr_ep_connect(eps[0][i], &to) != -EINPROGRESS)
			ck_abort_msg("connection %u", i);
	}
	ck_assert(rig_duo_run(&duo, 5 * SECOND, accepted, NULL));
	settle();
}

static void
send_all(unsigned end)
{
	for (unsigned i = 0; i < CONNS; i++) {
		if (mr_ep_send(eps[end][i], "request", 7) != 7)
			ck_abort_msg("connection %u", i);
	}
}

static void
read_all(unsigned end)
{
	char buf[16];

	for (unsigned i = 0; i < CONNS; i++) {
		if (mr_ep_recv(eps[end][i], buf, sizeof(buf), NULL) != 7)
			ck_abort_msg("connection %u", i);
	}
}

START_TEST(idle_costs_little)
{
	uint64_t none[2], idle[2];

	setup(_i);
	for (unsigned e = 0; e < 2; e++)
		none[e] = used(e);
	connect_all();
	for (unsigned e = 0; e < 2; e++) {
		idle[e] = used(e);
		ck_assert_uint_le((idle[e] - none[e]) / CONNS, BYTES_MOST);
		ck_assert_uint_ge((idle[e] - none[e]) / CONNS, 64);
	}
	for (unsigned from = 0; from < 2; from++) {
		send_all(from);
		ck_assert_uint_gt(used(from), idle[from]);
		settle();
		read_all(1 - from);
		settle();
		ck_assert_uint_eq(used(from), idle[from]);
		ck_assert_uint_eq(used(1 - from), idle[1 - from]);
	}
	for (unsigned i = 0; i < CONNS; i++) {
		mr_ep_close(eps[0][i]);
		mr_ep_abort(eps[1][i]);
	}
	settle();
	ck_assert_uint_eq(used(0), none[0]);
	ck_assert_uint_eq(used(1), none[1]);
	mr_ep_close(listener);
	rig_duo_fini(&duo);
}
END_TEST

/* Settings that few have: those who have them pay, and who is accepted by a listener that has some. */
START_TEST(settings_cost_extra)
{
	uint64_t one[2], idle;
	int64_t v;

	setup(4);
	ck_assert_int_eq(mr_ep_setopt(listener, MR_OPT_TCP_KEEPIDLE_NS, 5 * (int64_t)SECOND), 0);
	ck_assert_int_eq(mr_ep_setopt(listener, MR_OPT_TCP_DEFER_ACCEPT_NS, 0), 0);
	one[0] = used(0);
	one[1] = used(1);
	connect_all();
	ck_assert_uint_gt(used(1) - one[1], used(0) - one[0]);
	ck_assert_int_eq(mr_ep_getopt(eps[1][5], MR_OPT_TCP_KEEPIDLE_NS, &v), 0);
	ck_assert_int_eq(v, 5 * (int64_t)SECOND);
	ck_assert_int_eq(mr_ep_getopt(eps[1][5], MR_OPT_TCP_KEEPCNT, &v), 0);
	ck_assert_int_eq(v, 9);
	idle = used(0);
	ck_assert_int_eq(mr_ep_setopt(eps[0][7], MR_OPT_TCP_KEEPCNT, 3), 0);
	ck_assert_uint_gt(used(0), idle);
	ck_assert_int_eq(mr_ep_getopt(eps[0][7], MR_OPT_TCP_KEEPCNT, &v), 0);
	ck_assert_int_eq(v, 3);
	ck_assert_int_eq(mr_ep_getopt(eps[0][8], MR_OPT_TCP_KEEPCNT, &v), 0);
	ck_assert_int_eq(v, 9);
	rig_duo_fini(&duo);
}
END_TEST

static Suite *
suite(void)
{
	Suite *s = suite_create("tcp_idle");
	TCase *tc = rig_case(s, "memory", NULL, NULL);
	static const int families[] = {4, 6};

	for (unsigned i = 0; i < 2; i++)
		tcase_add_loop_test(tc, idle_costs_little, families[i], families[i] + 1);
	tcase_add_test(tc, settings_cost_extra);
	return s;
}

RIG_MAIN(suite)
