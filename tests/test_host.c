/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Hosts: several stacks on lcores of their own. These tests run real threads and so the real clock: EAL has four lcores
 * on one processor, nothing forks, and whatever waits has a deadline that a machine under load still meets.
 */
#include <errno.h>
#include <inttypes.h>
#include <malloc.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include <rte_cycles.h>
#include <rte_lcore.h>
#include <rte_malloc.h>
#include <rte_mempool.h>

#include "stack/host.h"
#include "stack/relay.h"
#include "stack/stack.h"

#include "rig/rig.h"

#include "fakenet.h"

#define LCORES 4
#define NIC 4
#define LOCAL 0x0a000001
#define GROUP 0xe0000201

static struct mr_host *host;

/* ---- the driver's other end */

static struct fake_link *fakes[MR_LINK_MAX_QUEUES];
static struct mr_link_cfg opened; /* last configuration */

static struct rte_mempool *opened_pools[LCORES];
static unsigned device_queues = LCORES;

static int bad_queue = -1; /* has a framing that nobody knows */
static uint32_t device_caps;

static int
fake_open(const struct mr_link_cfg *cfg, struct mr_link **out)
{
	unsigned n = RTE_MIN(cfg->n_queues, device_queues);

	opened = *cfg;
	memcpy(opened_pools, cfg->rx_pools, cfg->n_queues * sizeof(opened_pools[0]));
	if (cfg->device && strcmp(cfg->device, "absent") == 0)
		return -ENODEV;
	for (unsigned i = 0; i < n; i++) {
		fakes[i] = fake_link_make(1024);
		fakes[i]->link.queue = i;
		if ((int)i == bad_queue)
			fakes[i]->link.framing = "no-such-framing";
		fakes[i]->link.caps |= device_caps;
		out[i] = &fakes[i]->link;
	}
	return n;
}

static struct mr_host_opts
host_opts(unsigned workers)
{
	return (struct mr_host_opts){
		.stack = {.net_protos = fake_protos, .trans_protos = fake_no_protos, .seed = 5, .rx_mbufs = 2048,
		          .tx_mbufs = 1024, .rx_reserve_mbufs = 512, .max_conns = 64, .max_half_open = 64, .max_time_wait = 64,
		          .max_endpoints = 16},
		.n_workers = workers,
		.idle = MR_IDLE_YIELD,
	};
}

static void
host_make(unsigned workers)
{
	struct mr_host_opts o = host_opts(workers);

	ck_assert_int_eq(mr_host_create(&o, &host), 0);
}

static int
add_addresses(struct mr_stack *s, unsigned core, void *arg)
{
	struct mr_subnet local = {.addr = mr_addr_v4(LOCAL), .plen = 8};
	struct mr_addr group = mr_addr_v4(GROUP);
	int r = mr_addr_add(s, NIC, &local, MR_PEB_CAN_BE_PRIMARY);

	(void)core, (void)arg;
	return r < 0 ? r : mr_group_join(s, NIC, &group);
}

static const struct mr_host_port fake_port = {.nic = NIC, .name = "port", .driver = "fake"};

static void
host_make_with_port(unsigned workers, unsigned queues)
{
	device_queues = queues;
	host_make(workers);
	ck_assert_int_eq(mr_host_add_port(host, &fake_port), 0);
	ck_assert_int_eq(mr_host_call(host, add_addresses, NULL), 0);
}

static void
setup(void)
{
	device_queues = LCORES;
	bad_queue = -1;
	device_caps = 0;
	host = NULL;
}

static char log_text[2048];
static FILE *log_file;

static void
log_begin(void)
{
	log_file = fmemopen(memset(log_text, 0, sizeof(log_text)), sizeof(log_text) - 1, "w");
	rte_openlog_stream(log_file);
}

/* @return what was logged since log_begin */
static const char *
log_end(void)
{
	rte_openlog_stream(NULL);
	fclose(log_file);
	return log_text;
}

/* Destroy the host. @return what it says about packets that did not come back to their pools */
static const char *
host_last_words(void)
{
	log_begin();
	mr_host_destroy(host);
	host = NULL;
	return log_end();
}

/* Every test ends the same way: no link stays open, and every packet is back in its pool. */
static void
host_end(void)
{
	if (!host)
		return;
	ck_assert_str_eq(host_last_words(), "");
	ck_assert_uint_eq(fake_links_open, 0);
}

static void
teardown(void)
{
	host_end();
}

static double
seconds(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return ts.tv_sec + ts.tv_nsec / 1e9;
}

static unsigned
in_use(void)
{
	unsigned n = 0;

	for (unsigned i = 0; i < mr_host_workers(host); i++)
		n += rte_mempool_in_use_count(mr_stack_rx_pool(mr_host_stack(host, i))) +
		     rte_mempool_in_use_count(mr_stack_tx_pool(mr_host_stack(host, i)));
	return n;
}

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

static int
count_call(struct mr_stack *s, unsigned core, void *arg)
{
	(void)s;
	((unsigned *)arg)[core]++; /* each core has its own */
	return 0;
}

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

/* ---- ports */

START_TEST(port_in_every_stack)
{
	host_make(3);
	ck_assert_int_eq(mr_host_add_port(host, &fake_port), 0);
	ck_assert_uint_eq(opened.n_queues, 3);
	for (unsigned i = 0; i < 3; i++) {
		struct mr_nic_info info;

		ck_assert_ptr_eq(opened_pools[i], mr_stack_rx_pool(mr_host_stack(host, i)));
		ck_assert_int_eq(mr_nic_info(mr_host_stack(host, i), NIC, &info), 0);
		ck_assert_str_eq(info.name, "port");
		ck_assert_ptr_eq(mr_nic_find(mr_host_stack(host, i), NIC)->link, &fakes[i]->link);
		ck_assert_uint_eq(fakes[i]->started, 1);
	}
	ck_assert_int_eq(mr_host_add_port(host, &fake_port), -EEXIST);
	ck_assert_uint_eq(fake_links_open, 3);
}
END_TEST

/* Of a device that has more, as many queues as are wanted, and never more than there are workers. */
START_TEST(port_with_so_many_queues)
{
	static const struct {
		uint16_t wanted, opened;
		const char *steering;
	} cases[] = {
		{1, 1, "software Toeplitz, 3 workers; port: 2 of them send through 1"},
		{2, 2, "software Toeplitz, 3 workers; port: 1 of them send through 2"},
		{3, 3, "software Toeplitz, 3 workers"},
		{9, 3, "software Toeplitz, 3 workers"},
	};
	struct mr_host_port p = fake_port;

	p.link.n_queues = cases[_i].wanted;
	host_make(3);
	ck_assert_int_eq(mr_host_add_port(host, &p), 0);
	ck_assert_uint_eq(opened.n_queues, cases[_i].opened);
	ck_assert_uint_eq(fake_links_open, cases[_i].opened);
	ck_assert_str_eq(mr_host_steering(host), cases[_i].steering);
}
END_TEST

static int
nic_is_there(struct mr_stack *s, unsigned core, void *arg)
{
	(void)core;
	return mr_nic_find(s, *(const uint16_t *)arg) ? 0 : -ENODEV;
}

/* Ports come and go, before the start and while all cores poll, and with them what is counted and said of them. */
START_TEST(port_comes_and_goes)
{
	static const char alone[] = "software Toeplitz, 4 workers";
	static const char with[] = "software Toeplitz, 4 workers; second: 3 of them send through 1";
	struct mr_host_port other = fake_port;
	uint16_t nic = NIC + 1;

	other.nic = nic;
	other.name = "second";
	host_make_with_port(4, 4);
	device_queues = 1;
	for (unsigned i = 0; i < 6; i++) {
		if (i == 3)
			ck_assert_int_eq(mr_host_start(host), 0);
		ck_assert_int_eq(mr_host_add_port(host, &other), 0);
		ck_assert_uint_eq(opened.rx_desc, 128); /* each time what the first port has left */
		ck_assert_int_eq(mr_host_add_port(host, &other), -EEXIST);
		ck_assert_int_eq(mr_host_call(host, nic_is_there, &nic), 0);
		ck_assert_str_eq(mr_host_steering(host), with);
		ck_assert_uint_eq(fake_links_open, 4 + 1);
		mr_host_poll(host);
		ck_assert_int_eq(mr_host_remove_port(host, nic), 0);
		ck_assert_int_eq(mr_host_remove_port(host, nic), -ENODEV);
		ck_assert_int_eq(mr_host_call(host, nic_is_there, &nic), -ENODEV);
		ck_assert_str_eq(mr_host_steering(host), alone);
		ck_assert_uint_eq(fake_links_open, 4);
	}
	nic = NIC;
	ck_assert_int_eq(mr_host_call(host, nic_is_there, &nic), 0);
}
END_TEST

START_TEST(port_errors_change_nothing)
{
	struct mr_host_port bad[] = {fake_port, fake_port, fake_port, fake_port, fake_port, fake_port};
	static const int expect[] = {-EINVAL, -EINVAL, -ENODEV, -EINVAL, -ENOENT, -EPROTONOSUPPORT};

	bad[0].nic = 0;
	bad[1].name = NULL;
	bad[2].link.device = "absent";
	bad[3].impair = "loss=banana";
	bad[4].capture = "/no/such/folder/file.pcapng";
	device_queues = 2; /* one relay takes part in the unwinding */
	if (_i == 5)
		bad_queue = 1; /* worker 0 has its NIC already */
	host_make(3);
	ck_assert_int_eq(mr_host_add_port(host, &bad[_i]), expect[_i]);
	ck_assert_uint_eq(fake_links_open, 0);
	bad_queue = -1;
	ck_assert_int_eq(mr_host_add_port(host, &fake_port), 0);
	ck_assert_uint_eq(opened.rx_desc, 256); /* the failed one holds no descriptors */
}
END_TEST

START_TEST(port_wrapped)
{
	struct mr_host_port p = fake_port;
	char dir[] = "/tmp/test-host-XXXXXX", file[64], name[80];

	ck_assert_ptr_nonnull(mkdtemp(dir));
	snprintf(file, sizeof(file), "%s/cap", dir);
	p.capture = file;
	p.impair = "loss=1%";
	device_queues = 2;
	host_make(4);
	ck_assert_int_eq(mr_host_add_port(host, &p), 0);
	for (unsigned i = 0; i < 4; i++) {
		struct mr_link *l = mr_nic_find(mr_host_stack(host, i), NIC)->link;

		/* capture, impairment, then the device, a hub around it, or a relay */
		ck_assert_ptr_nonnull(l->inner);
		ck_assert_ptr_nonnull(l->inner->inner);
		ck_assert_str_eq(l->inner->inner->driver, i < 2 ? "relay-hub" : "relay");
		ck_assert_uint_eq(l->queue, i % 2);
	}
	ck_assert_str_eq(mr_host_steering(host), "software Toeplitz, 4 workers; port: 2 of them send through 2");
	host_end();
	for (unsigned i = 0; i < 4; i++) {
		if (i)
			snprintf(name, sizeof(name), "%s.%u", file, i);
		else
			snprintf(name, sizeof(name), "%s", file);
		ck_assert_msg(unlink(name) == 0, "no capture file %s", name);
	}
	ck_assert_int_eq(rmdir(dir), 0);
}
END_TEST

/* Reserve 512, less 64 of a turn: 448. */
START_TEST(port_descriptors_fit)
{
	struct mr_host_port p[5];

	for (unsigned i = 0; i < 5; i++) {
		p[i] = fake_port;
		p[i].nic = 10 + i;
	}
	host_make(2);
	p[0].link.rx_desc = 449;
	log_begin();
	ck_assert_int_eq(mr_host_add_port(host, &p[0]), -ENOBUFS);
	/* The line names what to change, and by how much. */
	ck_assert_ptr_nonnull(strstr(log_end(), "port port: 449 receive descriptors (rxd of [port port]) do not fit"));
	ck_assert_ptr_nonnull(strstr(log_text, "at most 448, or raise rx_mbufs or mbufs of [host]"));
	ck_assert_uint_eq(fake_links_open, 0);
	p[0].link.rx_desc = 0;
	ck_assert_int_eq(mr_host_add_port(host, &p[0]), 0);
	ck_assert_uint_eq(opened.rx_desc, 256);
	ck_assert_int_eq(mr_host_add_port(host, &p[1]), 0);
	ck_assert_uint_eq(opened.rx_desc, 128);
	p[2].link.rx_desc = 65;
	ck_assert_int_eq(mr_host_add_port(host, &p[2]), -ENOBUFS);
	/* A loopback device fills no descriptors. */
	device_caps = MR_LINK_CAP_LOOPBACK;
	ck_assert_int_eq(mr_host_add_port(host, &p[3]), 0);
	device_caps = 0;
	p[2].link.rx_desc = 64;
	ck_assert_int_eq(mr_host_add_port(host, &p[2]), 0);
	ck_assert_int_eq(mr_host_add_port(host, &p[4]), -ENOBUFS);
}
END_TEST

START_TEST(port_descriptors_default)
{
	struct mr_host_opts o = host_opts(1);

	o.stack.rx_mbufs = 8192;
	o.stack.rx_reserve_mbufs = 0;
	ck_assert_int_eq(mr_host_create(&o, &host), 0);
	ck_assert_int_eq(mr_host_add_port(host, &fake_port), 0);
	ck_assert_uint_eq(opened.rx_desc, 1024);
}
END_TEST

/* ---- packets between running cores */

static bool
wait_for(enum mr_counter c, uint64_t value)
{
	double end = seconds() + 20;

	while (seconds() < end) {
		mr_host_poll(host);
		if (mr_host_counter(host, c) >= value)
			return true;
		sched_yield();
	}
	return false;
}

/* Every packet comes in at queue 0 and is worked on once, by its owner. */
START_TEST(packets_reach_their_owner)
{
	enum { PACKETS = 3000 };
	static uint8_t seen[PACKETS];
	struct rte_mempool *pool;
	unsigned total = 0, workers = 1 + _i, calls[LCORES] = {0};

	memset(seen, 0, sizeof(seen));
	host_make_with_port(workers, 1);
	/* An own pool: the other lcores' caches of a stack's would be out of reach. */
	pool = mr_pktpool_create("inject", 8191, 256, 0);
	ck_assert_ptr_nonnull(pool);
	ck_assert_int_eq(mr_host_start(host), 0);
	for (unsigned i = 0; i < PACKETS; i++) {
		struct rte_mbuf *m;

		while (rte_ring_full(fakes[0]->rx)) {
			mr_host_poll(host);
			sched_yield();
		}
		m = fake_pkt(pool, LOCAL, 1024 + i, i, 0);
		ck_assert_int_eq(rte_ring_enqueue(fakes[0]->rx, m), 0);
	}
	ck_assert(wait_for(MR_CNT_NIC_RX_PACKETS, PACKETS));
	/* The turn that took the last ones is over when a call has been answered: now STEER_OUT stands. */
	ck_assert_int_eq(mr_host_call(host, count_call, calls), 0);
	ck_assert(wait_for(MR_CNT_STEER_IN, mr_host_counter(host, MR_CNT_STEER_OUT)));
	mr_host_stop(host);
	for (unsigned core = 0; core < workers; core++) {
		const struct fake_proto *f = fake_of(mr_host_stack(host, core));

		for (unsigned i = 0; i < f->n; i++) {
			struct mr_tuple t = {.src = mr_addr_v4(0xc0000201), .dst = mr_addr_v4(LOCAL),
			                     .dport_be = rte_cpu_to_be_16(80)};

			t.sport_be = rte_cpu_to_be_16(1024 + f->serials[i]);
			ck_assert_uint_eq(mr_steer_owner(mr_host_stack(host, core)->steer, &t), core);
			ck_assert_uint_eq(seen[f->serials[i]]++, 0);
		}
		ck_assert_uint_gt(f->n, PACKETS / workers / 2);
		total += f->n;
	}
	ck_assert_uint_eq(total + mr_host_counter(host, MR_DROP_STEER_RING_FULL), PACKETS);
	ck_assert_uint_eq(total, PACKETS);
	ck_assert_uint_eq(in_use(), 0);
	ck_assert_uint_eq(rte_mempool_in_use_count(pool), 0);
	rte_mempool_free(pool);
}
END_TEST

START_TEST(group_packets_reach_everyone)
{
	struct rte_mempool *pool;

	host_make_with_port(3, 1);
	pool = mr_stack_rx_pool(mr_host_stack(host, 0));
	ck_assert_int_eq(mr_host_start(host), 0);
	for (unsigned i = 0; i < 50; i++)
		ck_assert_int_eq(rte_ring_enqueue(fakes[0]->rx, fake_pkt(pool, GROUP, 1024 + i, i, FAKE_GROUP)), 0);
	ck_assert(wait_for(MR_CNT_STEER_IN, 100));
	mr_host_stop(host);
	for (unsigned core = 0; core < 3; core++) {
		const struct fake_proto *f = fake_of(mr_host_stack(host, core));

		ck_assert_uint_eq(f->n, 50);
		for (unsigned i = 0; i < 50; i++)
			ck_assert_uint_eq(f->serials[i], i);
	}
	ck_assert_uint_eq(in_use(), 0);
}
END_TEST

/* What the cores had under way when they stopped goes back to its pools, whichever core's they are. */
START_TEST(destroy_with_packets_everywhere)
{
	struct rte_mempool *pool;

	host_make_with_port(3, 1);
	pool = mr_stack_rx_pool(mr_host_stack(host, 0));
	for (unsigned i = 0; i < 300; i++)
		ck_assert_int_eq(rte_ring_enqueue(fakes[0]->rx, fake_pkt(pool, LOCAL, 1024 + i, i, 0)), 0);
	for (unsigned turn = 1; turn < 5; turn++)
		mr_stack_poll(mr_host_stack(host, 0), turn * 1000);
	ck_assert_uint_gt(in_use(), 150);
	ck_assert_uint_gt(mr_stack_counter(mr_host_stack(host, 0), MR_CNT_STEER_OUT), 10);
}
END_TEST

START_TEST(destroy_tells_of_leaks)
{
	host_make(2);
	ck_assert_ptr_nonnull(rte_pktmbuf_alloc(mr_stack_tx_pool(mr_host_stack(host, 1))));
	ck_assert_ptr_nonnull(strstr(host_last_words(), "1 packets of pool"));
}
END_TEST

/* ---- sending without a queue */

static unsigned sent_by[LCORES]; /* by core */

static int
send_some(struct mr_stack *s, unsigned core, void *arg)
{
	static const struct mr_lladdr ll = {.len = 6};
	struct mr_nic *nic = mr_nic_find(s, NIC);

	(void)arg;
	for (unsigned i = 0; i < 64; i++)
		mr_nic_output_ll(nic, fake_pkt(s->tx_pool, LOCAL, core, sent_by[core]++, 0), &ll, MR_NET_IPV4);
	return 0;
}

/* Take what the device was given; each core's frames are all there and in order. */
static unsigned
device_take(unsigned got[LCORES])
{
	struct rte_mbuf *m;
	unsigned n = 0;

	while (rte_ring_dequeue(fakes[0]->tx, (void **)&m) == 0) {
		const struct fake_hdr *h = rte_pktmbuf_mtod(m, const struct fake_hdr *);
		unsigned core = rte_be_to_cpu_16(h->sport_be);

		ck_assert_uint_lt(core, LCORES);
		ck_assert_uint_eq(h->serial, got[core]++);
		rte_pktmbuf_free(m);
		n++;
	}
	return n;
}

START_TEST(relays_deliver_everything)
{
	unsigned got[LCORES] = {0}, total = 0;
	double end = seconds() + 20;

	memset(sent_by, 0, sizeof(sent_by));
	host_make_with_port(LCORES, 1);
	ck_assert_str_eq(mr_host_steering(host), "software Toeplitz, 4 workers; port: 3 of them send through 1");
	ck_assert_int_eq(mr_host_start(host), 0);
	for (unsigned i = 0; i < 20; i++) {
		ck_assert_int_eq(mr_host_call(host, send_some, NULL), 0);
		/* Let it pile up first: the device's ring holds 1023. */
		while (i > 4 && total < (i - 3) * LCORES * 64 && seconds() < end) {
			mr_host_poll(host);
			total += device_take(got);
			sched_yield();
		}
	}
	while (total < 20 * LCORES * 64 && seconds() < end) {
		mr_host_poll(host);
		total += device_take(got);
		sched_yield();
	}
	for (unsigned core = 0; core < LCORES; core++)
		ck_assert_uint_eq(got[core], 20 * 64);
	ck_assert_uint_eq(mr_host_counter(host, MR_DROP_NIC_TXQ_FULL), 0);
	mr_host_stop(host);
	ck_assert_uint_eq(in_use(), 0);
}
END_TEST

/* Which of 64 frames core `core`'s own queue lets through. */
static uint64_t
survivors(unsigned core)
{
	struct rte_mbuf *m;
	uint64_t set = 0;

	sent_by[core] = 0;
	send_some(mr_host_stack(host, core), core, NULL);
	for (unsigned turn = 0; turn < 3; turn++)
		mr_stack_poll(mr_host_stack(host, core), mr_stack_now_ns(mr_host_stack(host, core)) + 1000);
	while (rte_ring_dequeue(fakes[core]->tx, (void **)&m) == 0) {
		set |= 1ull << rte_pktmbuf_mtod(m, const struct fake_hdr *)->serial;
		rte_pktmbuf_free(m);
	}
	return set;
}

START_TEST(impairment_differs_by_worker)
{
	struct mr_host_port p = fake_port;
	uint64_t set[2];

	p.impair = "loss=50%,seed=7";
	for (unsigned i = 0; i < 2; i++) {
		host_make(2);
		ck_assert_int_eq(mr_host_add_port(host, &p), 0);
		ck_assert_uint_ne(survivors(0), survivors(1));
		set[i] = survivors(1);
		ck_assert_int_gt(__builtin_popcountll(set[i]), 10);
		ck_assert_int_lt(__builtin_popcountll(set[i]), 54);
		host_end();
	}
	/* And it is the same in every run. */
	ck_assert_uint_eq(set[0], set[1]);
}
END_TEST

/* Frames of all cores are in queues, lanes and the full device when everything ends. */
START_TEST(destroy_with_frames_in_relays)
{
	memset(sent_by, 0, sizeof(sent_by));
	host_make_with_port(LCORES, 1);
	for (unsigned i = 0; i < 4; i++)
		ck_assert_int_eq(mr_host_call(host, send_some, NULL), 0);
	for (unsigned i = LCORES; i-- > 0;)
		mr_stack_poll(mr_host_stack(host, i), 1000);
	ck_assert_uint_gt(in_use(), LCORES * 4 * 64 - 1);
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
	ck_assert_uint_le(mallinfo2().uordblks, libc + 4096);
}
END_TEST

static Suite *
suite(void)
{
	Suite *s = suite_create("host");
	TCase *tc = rig_case(s, "host", setup, teardown);

	fake_register();
	mr_link_driver_register("fake", fake_open);
	tcase_set_timeout(tc, 120);
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
	tcase_add_test(tc, time_goes_on);
	tcase_add_test(tc, port_in_every_stack);
	tcase_add_loop_test(tc, port_with_so_many_queues, 0, 4);
	tcase_add_test(tc, port_comes_and_goes);
	tcase_add_loop_test(tc, port_errors_change_nothing, 0, 6);
	tcase_add_test(tc, port_wrapped);
	tcase_add_test(tc, port_descriptors_fit);
	tcase_add_test(tc, port_descriptors_default);
	tcase_add_loop_test(tc, packets_reach_their_owner, 0, LCORES);
	tcase_add_test(tc, group_packets_reach_everyone);
	tcase_add_test(tc, destroy_with_packets_everywhere);
	tcase_add_test(tc, destroy_tells_of_leaks);
	tcase_add_test(tc, relays_deliver_everything);
	tcase_add_test(tc, impairment_differs_by_worker);
	tcase_add_test(tc, destroy_with_frames_in_relays);
	tcase_add_test(tc, start_and_stop_leak_nothing);
	return s;
}

RIG_MAIN_LCORES(suite)
