/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Hosts: several stacks on lcores of their own, how they are made, called and stopped. These tests run real threads and so
 * the real clock: EAL has four lcores on one processor, nothing forks, and whatever waits has a deadline that a machine
 * under load still meets. Ports: test_host_ports.c; packets between the cores: test_host_packets.c.
 */
#include <errno.h>
#include <inttypes.h>
#include <malloc.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <rte_cycles.h>
#include <rte_lcore.h>
#include <rte_malloc.h>

#include "host_fakes.h"

/* ---- creation */

START_TEST(create_defaults)
{
	const struct mr_host_opts plain = host_opts(0);

	host_make(0);
	ck_assert_uint_eq(mr_host_workers(host), LCORES);
	for (unsigned i = 0; i < LCORES; i++) {
		struct mr_stack *s = mr_host_stack(host, i);

		ck_assert_uint_eq(s->opts.core, i);
		ck_assert_uint_eq(s->opts.n_cores, LCORES);
		ck_assert_uint_eq(s->opts.seed, plain.stack.seed + i);
		ck_assert_uint_eq(s->steer->core, i);
		ck_assert_uint_eq(s->steer->n_cores, LCORES);
		for (unsigned j = 0; j < LCORES; j++)
			ck_assert_ptr_eq(s->steer->out[j], mr_host_stack(host, j)->steer->in[i]);
	}
	ck_assert_str_eq(mr_host_stack(host, 2)->opts.name, "w2");
	ck_assert_ptr_null(mr_host_stack(host, LCORES));
	ck_assert_str_eq(mr_host_steering(host), "software Toeplitz, 4 workers");
}
END_TEST

START_TEST(create_too_many_workers)
{
	struct mr_host_opts o = host_opts(LCORES + 1);
	struct mr_host *h = NULL;

	log_begin();
	ck_assert_int_eq(mr_host_create(&o, &h), -EINVAL);
	ck_assert_ptr_nonnull(strstr(log_end(), "5 workers on 4 lcores: give EAL more lcores"));
	ck_assert_ptr_null(h);
}
END_TEST

START_TEST(create_passes_errors_on)
{
	static const char *const unknown[] = {"no-such-protocol", NULL};
	struct mr_host_opts o = host_opts(2);
	struct mr_host *h = NULL;

	o.stack.net_protos = unknown;
	ck_assert_int_eq(mr_host_create(&o, &h), -EPROTONOSUPPORT);
	ck_assert_ptr_null(h);
}
END_TEST

/* The caller says where: the main lcore in front and worker 3 beside it, or worker lcores in any order. */
START_TEST(create_on_named_lcores)
{
	static const unsigned with_main[] = {0, 3}, workers[] = {3, 1};
	const unsigned *lcores = _i ? workers : with_main;
	struct mr_host_opts o = host_opts(2);

	o.lcores = lcores;
	ck_assert_int_eq(mr_host_create(&o, &host), 0);
	ck_assert_uint_eq(host->workers[0].lcore, lcores[0]);
	ck_assert_uint_eq(host->workers[1].lcore, lcores[1]);
}
END_TEST

/* What one stack of a host has given away as good, the others take; another host does not. */
START_TEST(one_secret)
{
	struct mr_host_opts o = host_opts(2);
	uint64_t first[2];

	for (unsigned i = 0; i < 2; i++) {
		const uint64_t *a, *b;

		o.stack.seed += i;
		ck_assert_int_eq(mr_host_create(&o, &host), 0);
		a = host->workers[0].stack->opts.secret;
		b = host->workers[1].stack->opts.secret;
		ck_assert(a[0] != 0 && a[1] != 0);
		ck_assert_mem_eq(a, b, sizeof(first));
		ck_assert(i == 0 || memcmp(a, first, sizeof(first)) != 0);
		memcpy(first, a, sizeof(first));
		if (i == 0)
			mr_host_destroy(host);
	}
}
END_TEST

START_TEST(create_refuses_lcores)
{
	static const unsigned wrong[][2] = {{1, 0}, {1, 1}, {1, LCORES}, {RTE_MAX_LCORE, 1}};
	struct mr_host_opts o = host_opts(2);
	struct mr_host *h = NULL;

	o.lcores = wrong[_i];
	log_begin();
	ck_assert_int_eq(mr_host_create(&o, &h), -EINVAL);
	ck_assert_ptr_nonnull(strstr(log_end(), "name lcores that EAL has"));
	ck_assert_ptr_null(h);
}
END_TEST

/* ---- load */

static void
alarm_nothing(struct mr_stack *s, void *arg)
{
	(void)s;
	++*(unsigned *)arg;
}

/* A turn with work is busy as a whole, one without is idle, and what the caller does in between is neither. */
START_TEST(load_of_the_main_lcore)
{
	static const unsigned main_lcore[] = {0};
	struct mr_host_opts o = host_opts(1);
	struct mr_host_load load, later;
	struct mr_alarm *alarm;
	uint64_t tsc;
	unsigned fired = 0;

	o.lcores = main_lcore;
	o.idle = MR_IDLE_BUSY;
	ck_assert_int_eq(mr_host_create(&o, &host), 0);
	ck_assert_int_eq(mr_host_start(host), 0);
	tsc = rte_rdtsc();
	for (unsigned i = 0; i < 10; i++)
		ck_assert_uint_eq(mr_host_poll(host), 0);
	tsc = rte_rdtsc() - tsc;
	mr_host_load(host, 0, &load);
	ck_assert_uint_eq(load.idle_turns, 10);
	ck_assert_uint_eq(load.busy_turns, 0);
	ck_assert_uint_eq(load.busy_tsc, 0);
	ck_assert(load.idle_tsc > 0 && load.idle_tsc <= tsc);

	tsc = rte_rdtsc();
	usleep(20000);
	tsc = rte_rdtsc() - tsc;
	ck_assert_int_eq(mr_alarm_start(mr_host_stack(host, 0), 3600000000000ull, alarm_nothing, &fired, &alarm), 0);
	ck_assert_uint_eq(mr_host_poll(host), 1);
	ck_assert_uint_eq(fired, 1);
	mr_host_load(host, 0, &later);
	ck_assert_uint_eq(later.busy_turns, 1);
	ck_assert_uint_gt(later.busy_tsc, 0);
	ck_assert(later.busy_tsc < tsc);
	ck_assert(later.idle_tsc == load.idle_tsc && later.idle_turns == 10);
	mr_host_load(host, 1, &later);
	ck_assert(later.busy_tsc == 0 && later.idle_tsc == 0 && later.busy_turns == 0 && later.idle_turns == 0);
}
END_TEST

/* On its own lcore a worker's turns leave no gaps: all its time is accounted. */
START_TEST(load_of_a_worker)
{
	struct mr_host_load load;
	uint64_t tsc, spent;

	host_make(1);
	ck_assert_int_eq(mr_host_start(host), 0);
	tsc = rte_rdtsc();
	do {
		usleep(10000);
		mr_host_load(host, 0, &load);
	} while (load.idle_turns < 100);
	mr_host_stop(host);
	tsc = rte_rdtsc() - tsc;
	mr_host_load(host, 0, &load);
	spent = load.busy_tsc + load.idle_tsc;
	ck_assert_msg(spent <= tsc + rte_get_tsc_hz() / 5 && load.idle_tsc > 0, "%" PRIu64 " of %" PRIu64, spent, tsc);
}
END_TEST

/* ---- calls */

struct call_log {
	unsigned n; /* atomic */
	unsigned cores[LCORES];
	unsigned lcores[LCORES]; /* by core */
	int results[LCORES];
};

static int
log_call(struct mr_stack *s, unsigned core, void *arg)
{
	struct call_log *log = arg;

	if (s != mr_host_stack(host, core) || s->opts.core != core)
		return -EFAULT;
	log->lcores[core] = rte_lcore_id();
	log->cores[__atomic_fetch_add(&log->n, 1, __ATOMIC_RELAXED)] = core;
	return log->results[core];
}

START_TEST(call_in_place)
{
	struct call_log log = {.results = {0, -ENOSPC, -EIO}};

	host_make(3);
	ck_assert_int_eq(mr_host_call(host, log_call, &log), -ENOSPC);
	ck_assert_uint_eq(log.n, 3);
	for (unsigned i = 0; i < 3; i++) {
		ck_assert_uint_eq(log.cores[i], i);
		ck_assert_uint_eq(log.lcores[i], rte_get_main_lcore());
	}
	log = (struct call_log){.results = {1, 2, 3}};
	ck_assert_int_eq(mr_host_call(host, log_call, &log), 0);
}
END_TEST

/* On which lcore each core's call runs: with fewer workers than lcores the main lcore only controls. */
START_TEST(call_on_the_own_lcore)
{
	static const enum mr_idle idles[] = {MR_IDLE_YIELD, MR_IDLE_SLEEP, MR_IDLE_BUSY};
	static const unsigned first_lcore[LCORES + 1] = {0, 1, 1, 1, 0};
	struct mr_host_opts o;
	unsigned workers = 1 + _i / 3;

	o = host_opts(workers);
	o.idle = idles[_i % 3];
	ck_assert_int_eq(mr_host_create(&o, &host), 0);
	ck_assert_int_eq(mr_host_start(host), 0);
	ck_assert_int_eq(mr_host_start(host), -EALREADY);
	for (unsigned turn = 0; turn < 3; turn++) {
		struct call_log log = {0};

		ck_assert_int_eq(mr_host_call(host, log_call, &log), 0);
		ck_assert_uint_eq(log.n, workers);
		for (unsigned i = 0; i < workers; i++)
			ck_assert_uint_eq(log.lcores[i], first_lcore[workers] + i);
		log = (struct call_log){.results = {0, -ENOSPC, -EIO}};
		ck_assert_int_eq(mr_host_call(host, log_call, &log), workers > 1 ? -ENOSPC : 0);
		mr_host_poll(host);
	}
	mr_host_stop(host);
	mr_host_stop(host);
	{
		struct call_log log = {0};

		ck_assert_int_eq(mr_host_call(host, log_call, &log), 0);
		for (unsigned i = 0; i < workers; i++)
			ck_assert_uint_eq(log.lcores[i], rte_get_main_lcore());
	}
}
END_TEST

START_TEST(call_thousand_times)
{
	unsigned calls[LCORES] = {0};

	host_make(LCORES);
	ck_assert_int_eq(mr_host_start(host), 0);
	for (unsigned i = 0; i < 1000; i++) {
		ck_assert_int_eq(mr_host_call(host, count_call, calls), 0);
		/* The answer is there when the call returns, without a turn of ours. */
		for (unsigned c = 0; c < LCORES; c++)
			ck_assert_uint_eq(calls[c], i + 1);
	}
}
END_TEST

START_TEST(alone_on_main)
{
	struct mr_host_opts o = host_opts(1);
	unsigned calls[LCORES] = {0};

	/* With four lcores a single worker is not on the main one: then it has a mailbox, and nothing to steer. */
	ck_assert_int_eq(mr_host_create(&o, &host), 0);
	ck_assert_str_eq(mr_host_steering(host), "one worker, nothing to steer");
	ck_assert_ptr_nonnull(mr_host_stack(host, 0)->steer->mail);
	ck_assert_uint_eq(mr_host_poll(host), 0);
	ck_assert_int_eq(mr_host_start(host), 0);
	ck_assert_int_eq(mr_host_call(host, count_call, calls), 0);
	ck_assert_uint_eq(calls[0], 1);
}
END_TEST

/* ---- time */

static int
read_time(struct mr_stack *s, unsigned core, void *arg)
{
	((uint64_t *)arg)[core] = mr_stack_now_ns(s);
	return 0;
}

/* How long a worker that may sleep does after a turn. */
START_TEST(rests)
{
	static const struct {
		uint64_t received, left_ns, ns;
		uint32_t idle_turns;
	} r[] = {
		{0, UINT64_MAX, 0, 0},         {0, UINT64_MAX, 0, 1000},      {0, UINT64_MAX, 50000, 1001}, {0, 4711, 4711, 1001},
		{0, 0, 0, UINT32_MAX},         {1, UINT64_MAX, 0, 0},         {2, UINT64_MAX, 20000, 0},    {31, UINT64_MAX, 20000, 0},
		{32, UINT64_MAX, 0, 0},        {128, UINT64_MAX, 0, 0},       {2, 815, 815, 0},             {2, 0, 0, 0},
	};

	ck_assert_uint_eq(mr_host_rest_ns(r[_i].received, r[_i].idle_turns, r[_i].left_ns), r[_i].ns);
}
END_TEST

START_TEST(time_goes_on)
{
	uint64_t before[LCORES], after[LCORES];
	double t0, t1;

	host_make(LCORES);
	ck_assert_int_eq(mr_host_start(host), 0);
	mr_host_poll(host);
	t0 = seconds();
	ck_assert_int_eq(mr_host_call(host, read_time, before), 0);
	usleep(50000);
	mr_host_poll(host);
	ck_assert_int_eq(mr_host_call(host, read_time, after), 0);
	t1 = seconds();
	for (unsigned i = 0; i < LCORES; i++) {
		double passed = (after[i] - before[i]) / 1e9;

		/* A turn reads the clock at its start, and may begin a little before the call is read. */
		ck_assert_msg(passed > 0.02 && passed < t1 - t0 + 0.2, "core %u: %f s of %f s", i, passed, t1 - t0);
		ck_assert_msg(after[i] / 1e9 < 60, "time 0 is when the host was made, not %f s ago", after[i] / 1e9);
	}
	/* Restarted, the same clock goes on. */
	mr_host_stop(host);
	ck_assert_int_eq(mr_host_start(host), 0);
	mr_host_poll(host);
	ck_assert_int_eq(mr_host_call(host, read_time, before), 0);
	for (unsigned i = 0; i < LCORES; i++)
		ck_assert_uint_ge(before[i], after[i]);
}
END_TEST

/* ---- again and again */

static unsigned
dpdk_allocations(void)
{
	struct rte_malloc_socket_stats st;
	unsigned n = 0;

	for (int socket = 0; socket < RTE_MAX_NUMA_NODES; socket++) {
		if (rte_malloc_get_socket_stats(socket, &st) == 0)
			n += st.alloc_count;
	}
	return n;
}

/* What the C library keeps of freed memory for the thread that freed it counts as used; how much that is depends on the machine.
 * Under meson it keeps none (meson.build), and nothing may be missing. */
static size_t
libc_keeps(void)
{
	const char *tunables = getenv("GLIBC_TUNABLES");

	return tunables && strstr(tunables, "tcache_count=0") ? 0 : 4096;
}

START_TEST(start_and_stop_leak_nothing)
{
	unsigned dpdk = 0;
	size_t libc = 0;

	for (unsigned i = 0; i < 20; i++) {
		unsigned calls[LCORES] = {0};

		host_make_with_port(1 + i % 3, 1 + i % 2);
		for (unsigned j = 0; j < 3; j++) {
			ck_assert_int_eq(mr_host_start(host), 0);
			ck_assert_int_eq(mr_host_call(host, count_call, calls), 0);
			mr_host_poll(host);
			/* The last round is ended by mr_host_destroy. */
			if (j < 2)
				mr_host_stop(host);
		}
		ck_assert_uint_eq(calls[0], 3);
		mr_host_destroy(host);
		host = NULL;
		ck_assert_uint_eq(fake_links_open, 0);
		/* The first rounds fill caches of the libraries. */
		if (i == 5) {
			dpdk = dpdk_allocations();
			libc = mallinfo2().uordblks;
		}
	}
	ck_assert_uint_gt(dpdk, 0);
	ck_assert_uint_eq(dpdk_allocations(), dpdk);
	ck_assert_uint_le(mallinfo2().uordblks, libc + libc_keeps());
}
END_TEST

static Suite *
suite(void)
{
	Suite *s = suite_create("host");
	TCase *tc = host_case(s, "host");

	tcase_add_test(tc, create_defaults);
	tcase_add_test(tc, create_too_many_workers);
	tcase_add_test(tc, create_passes_errors_on);
	tcase_add_loop_test(tc, create_on_named_lcores, 0, 2);
	tcase_add_test(tc, one_secret);
	tcase_add_loop_test(tc, create_refuses_lcores, 0, 4);
	tcase_add_test(tc, load_of_the_main_lcore);
	tcase_add_test(tc, load_of_a_worker);
	tcase_add_test(tc, call_in_place);
	tcase_add_loop_test(tc, call_on_the_own_lcore, 0, 3 * LCORES);
	tcase_add_test(tc, call_thousand_times);
	tcase_add_test(tc, alone_on_main);
	tcase_add_loop_test(tc, rests, 0, 12);
	tcase_add_test(tc, time_goes_on);
	tcase_add_test(tc, start_and_stop_leak_nothing);
	return s;
}

RIG_MAIN_LCORES(suite)
