/* SPDX-License-Identifier: Apache-2.0 */
/*
 * N stacks as one host: creation, the workers' loop, calls from the control core, and the end.
 *
 * Worker 0 works on the main lcore, in mr_host_poll, when there are as many workers as lcores or the caller says so;
 * otherwise the workers have the worker lcores and the main lcore only controls. The main lcore never waits inside a worker's turn and a
 * worker never waits for anyone, so calls cannot deadlock. The main lcore's own stack is called directly, which is
 * between two of its turns because the same thread makes both; it is not polled while a call waits for the others.
 *
 * Packets wander: a stack's endpoints and a link may hold packets of another stack's pools. So the pools are taken down
 * last, after all stacks, links and rings.
 *
 * Not here: opening devices (host_port.c).
 */
#include "stack/host.h"

#include <errno.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <rte_cycles.h>
#include <rte_launch.h>
#include <rte_lcore.h>
#include <rte_mempool.h>

#include "stack/context.h"
#include "stack/log.h"
#include "stack/mailbox.h"
#include "stack/stack.h"

#define IDLE_TURNS 1000      /* without work before a worker rests */
#define IDLE_SLEEP_NS 50000u /* mr_idle promises it */
#define GATHER_NS 20000u     /* and this */

_Static_assert(RTE_DIM(((struct mr_steer *)0)->out) == MR_HOST_MAX_WORKERS, "a ring for each worker");

/* ---- time */

static void
clock_init(struct mr_host_clock *c)
{
	uint64_t hz = rte_get_tsc_hz();

	c->shift = 32;
	while (((uint64_t)NS_PER_S << c->shift) / hz > UINT32_MAX)
		c->shift--;
	c->mult = ((uint64_t)NS_PER_S << c->shift) / hz;
	c->base = rte_rdtsc();
}

static uint64_t
clock_ns(const struct mr_host_clock *c, uint64_t tsc)
{
	return (unsigned __int128)(tsc - c->base) * c->mult >> c->shift;
}

/* ---- a worker */

uint64_t
mr_host_rest_ns(uint64_t received, uint32_t idle_turns, uint64_t left_ns)
{
	uint32_t ns = received > 1 && received < MR_BURST ? GATHER_NS : idle_turns > IDLE_TURNS ? IDLE_SLEEP_NS : 0;

	return RTE_MIN(left_ns, (uint64_t)ns);
}

/* The last turn has ended: it is busy or idle as a whole. */
static void
worker_account(struct mr_host_worker *w, uint64_t tsc)
{
	uint64_t spent = w->turn_tsc ? tsc - w->turn_tsc : 0;

	if (!w->turn_tsc)
		return;
	w->turn_tsc = 0;
	if (w->worked) {
		w->load.busy_tsc += spent;
		w->load.busy_turns++;
	} else {
		w->load.idle_tsc += spent;
		w->load.idle_turns++;
	}
}

/* Give the processor away. */
static void
rest(enum mr_idle idle, uint64_t ns)
{
	const struct timespec ts = {.tv_nsec = (long)ns};

	if (idle == MR_IDLE_YIELD)
		sched_yield();
	else if (idle == MR_IDLE_SLEEP)
		clock_nanosleep(CLOCK_MONOTONIC, 0, &ts, NULL);
}

/* That is no part of a turn that worked. */
static void
worker_rest(struct mr_host_worker *w, uint64_t ns)
{
	uint64_t tsc = rte_rdtsc();

	worker_account(w, tsc);
	rest(w->host->idle, ns);
	w->load.idle_tsc += rte_rdtsc() - tsc;
}

static unsigned
worker_turn(struct mr_host_worker *w)
{
	const struct mr_host *h = w->host;
	uint64_t tsc = rte_rdtsc(), now_ns = RTE_MAX(clock_ns(&h->clock, tsc), w->last_ns);
	uint64_t *rx = &w->stack->counters[MR_CNT_NIC_RX_PACKETS], rx_before = *rx, received;
	unsigned work;

	worker_account(w, tsc);
	work = mr_stack_poll(w->stack, now_ns);
	w->turn_tsc = tsc;
	w->worked = work > 0;
	w->last_ns = now_ns;
	w->idle_turns = work ? 0 : w->idle_turns + 1;
	received = h->idle == MR_IDLE_SLEEP ? *rx - rx_before : 0;
	if (h->idle != MR_IDLE_BUSY && (w->idle_turns > IDLE_TURNS || received > 1)) {
		uint64_t next_ns = mr_stack_next_ns(w->stack);
		uint64_t ns = mr_host_rest_ns(received, w->idle_turns, next_ns - RTE_MIN(next_ns, now_ns));

		if (ns > 0)
			worker_rest(w, ns);
	}
	return work;
}

static int
worker_main(void *arg)
{
	struct mr_host_worker *w = arg;

	while (!__atomic_load_n(&w->host->stop, __ATOMIC_ACQUIRE))
		worker_turn(w);
	worker_account(w, rte_rdtsc());
	return 0;
}

static bool
worker_is_main(const struct mr_host_worker *w)
{
	return w->lcore == rte_get_main_lcore();
}

/* ---- making and unmaking */

/* Are these lcores of EAL's, each once, the main one at most in front? */
static int
lcores_check(const unsigned *lcores, unsigned n)
{
	for (unsigned i = 0; i < n; i++) {
		bool good = rte_lcore_is_enabled(lcores[i]) && (i == 0 || lcores[i] != rte_get_main_lcore());

		for (unsigned j = 0; j < i; j++)
			good = good && lcores[j] != lcores[i];
		if (good)
			continue;
		MR_LOG(ERR, "host: lcore %u cannot be worker %u: name lcores that EAL has (-l or --lcores), each once, the main "
		       "one (%u) first", lcores[i], i, rte_get_main_lcore());
		return -EINVAL;
	}
	return 0;
}

static void
host_place_workers(struct mr_host *h, const unsigned *lcores)
{
	bool main_works = h->n == rte_lcore_count();
	unsigned core = 0, lcore;

	while (lcores && core < h->n) {
		h->workers[core].lcore = lcores[core];
		core++;
	}
	if (core == h->n)
		return;
	if (main_works)
		h->workers[core++].lcore = rte_get_main_lcore();
	RTE_LCORE_FOREACH_WORKER(lcore) {
		if (core < h->n)
			h->workers[core++].lcore = lcore;
	}
}

static int
worker_create(struct mr_host *h, unsigned core, const struct mr_host_opts *opts)
{
	struct mr_host_worker *w = &h->workers[core];
	struct mr_stack_opts so = opts->stack;
	int r;

	w->host = h;
	snprintf(w->name, sizeof(w->name), "w%u", core);
	so.name = w->name;
	so.core = core;
	so.n_cores = h->n;
	if (so.seed)
		so.seed += core;
	if (core > 0)
		memcpy(so.secret, h->workers[0].stack->opts.secret, sizeof(so.secret));
	r = mr_stack_create(&so, &w->stack);
	if (r < 0)
		return r;
	w->rx_pool = w->stack->rx_pool;
	w->tx_pool = w->stack->tx_pool;
	w->stack->keep_pools = true;
	return 0;
}

/* By now nobody is left who could hold a packet: one that is missing was leaked. */
static void
pool_free(const struct mr_host *h, unsigned worker, const char *kind, struct rte_mempool *pool)
{
	unsigned missing = pool ? rte_mempool_in_use_count(pool) : 0;
	char name[16];

	if (missing)
		MR_LOG(WARNING, "host: %u packets of pool %s never came back: who took them with mr_ep_recv_mbuf or made "
		       "them must free them before mr_host_destroy", missing, pool->name);
	snprintf(name, sizeof(name), "%.8s %s", h->workers[worker].name, kind);
	if (pool && h->pool_fn)
		h->pool_fn(name, pool->size - missing, pool->size, h->pool_arg);
	rte_mempool_free(pool);
}

/* A stack alone on the main lcore needs neither hand-over nor mailbox. */
static int
host_steer_create(struct mr_host *h)
{
	struct mr_steer *all[MR_HOST_MAX_WORKERS];

	if (h->n == 1)
		snprintf(h->steering, sizeof(h->steering), "one worker, nothing to steer");
	else
		snprintf(h->steering, sizeof(h->steering), "software Toeplitz, %u workers", h->n);
	h->steering_len = strlen(h->steering);
	if (h->n == 1 && worker_is_main(&h->workers[0]))
		return 0;
	for (unsigned i = 0; i < h->n; i++) {
		struct mr_host_worker *w = &h->workers[i];

		w->steer = all[i] = malloc(sizeof(*w->steer));
		if (!w->steer)
			return -ENOMEM;
		mr_steer_init(w->steer, i, h->n, NULL);
	}
	if (mr_steer_mesh_create(all, h->n) < 0)
		return -ENOMEM;
	for (unsigned i = 0; i < h->n; i++)
		h->workers[i].stack->steer = all[i];
	return 0;
}

static void
host_steer_destroy(struct mr_host *h)
{
	struct mr_steer *all[MR_HOST_MAX_WORKERS] = {0};
	unsigned n = 0;

	while (n < h->n && h->workers[n].steer) {
		all[n] = h->workers[n].steer;
		n++;
	}
	if (n == h->n)
		mr_steer_mesh_destroy(all, n);
	for (unsigned i = 0; i < n; i++)
		free(all[i]);
}

int
mr_host_create(const struct mr_host_opts *opts, struct mr_host **out)
{
	unsigned lcores = rte_lcore_count(), n = opts->n_workers ? opts->n_workers : lcores;
	struct mr_host *h;
	int r = 0;

	MR_MAIN_LCORE();
	if (n > RTE_MIN(lcores, (unsigned)MR_HOST_MAX_WORKERS)) {
		MR_LOG(ERR, "host: %u workers on %u lcores: give EAL more lcores (-l or --lcores) or lower the workers (most: "
		       "%u)", n, lcores, MR_HOST_MAX_WORKERS);
		return -EINVAL;
	}
	if (opts->lcores && lcores_check(opts->lcores, n) < 0)
		return -EINVAL;
	h = aligned_alloc(RTE_CACHE_LINE_SIZE, RTE_CACHE_LINE_ROUNDUP(sizeof(*h) + n * sizeof(h->workers[0])));
	if (!h)
		return -ENOMEM;
	memset(h, 0, sizeof(*h) + n * sizeof(h->workers[0]));
	h->n = n;
	h->idle = opts->idle;
	TAILQ_INIT(&h->ports);
	clock_init(&h->clock);
	host_place_workers(h, opts->lcores);
	for (unsigned i = 0; i < n && r == 0; i++)
		r = worker_create(h, i, opts);
	if (r == 0)
		r = host_steer_create(h);
	if (r < 0) {
		mr_host_destroy(h);
		return r;
	}
	*out = h;
	return 0;
}

void
mr_host_destroy(struct mr_host *h)
{
	MR_MAIN_LCORE();
	if (!h)
		return;
	mr_host_stop(h);
	/* From the last on: workers without a queue send their last words through the links of the first ones. */
	for (unsigned i = h->n; i-- > 0;) {
		struct mr_host_worker *w = &h->workers[i];

		if (!w->stack)
			continue;
		w->large_pool = w->stack->large.pool; /* made when the ports were */
		mr_stack_destroy(w->stack);
	}
	mr_host_close_ports(h);
	host_steer_destroy(h);
	for (unsigned i = 0; i < h->n; i++) {
		pool_free(h, i, "rx", h->workers[i].rx_pool);
		pool_free(h, i, "tx", h->workers[i].tx_pool);
		pool_free(h, i, "large", h->workers[i].large_pool);
	}
	free(h);
}

/* ---- running */

/* End the workers that run, the first n or all; their stacks are nobody's then. */
static void
workers_stop(struct mr_host *h, unsigned n)
{
	__atomic_store_n(&h->stop, 1, __ATOMIC_RELEASE);
	for (unsigned i = 0; i < n; i++) {
		if (!worker_is_main(&h->workers[i]))
			rte_eal_wait_lcore(h->workers[i].lcore);
		mr_context_set(h->workers[i].stack, LCORE_ID_ANY);
	}
}

int
mr_host_start(struct mr_host *h)
{
	MR_MAIN_LCORE();
	if (h->running)
		return -EALREADY;
	__atomic_store_n(&h->stop, 0, __ATOMIC_RELEASE);
	for (unsigned i = 0; i < h->n; i++) {
		struct mr_host_worker *w = &h->workers[i];
		int r;

		mr_context_set(w->stack, w->lcore);
		if (worker_is_main(w))
			continue;
		r = rte_eal_remote_launch(worker_main, w, w->lcore);
		if (r < 0) {
			MR_LOG(ERR, "worker %u: lcore %u does not start (%s): is it running something else?", i, w->lcore,
			       strerror(-r));
			mr_context_set(w->stack, LCORE_ID_ANY);
			workers_stop(h, i);
			return r;
		}
	}
	h->running = true;
	return 0;
}

void
mr_host_stop(struct mr_host *h)
{
	MR_MAIN_LCORE();
	if (!h->running)
		return;
	workers_stop(h, h->n);
	h->running = false;
}

unsigned
mr_host_poll(struct mr_host *h)
{
	MR_MAIN_LCORE();
	if (!h->running)
		return 0;
	if (worker_is_main(&h->workers[0])) {
		unsigned work = worker_turn(&h->workers[0]);

		/* What the caller does until the next turn is none of the stack's. */
		worker_account(&h->workers[0], rte_rdtsc());
		return work;
	}
	rest(h->idle, IDLE_SLEEP_NS);
	return 0;
}

static int
call_here(struct mr_stack *s, unsigned core, int (*fn)(struct mr_stack *s, unsigned core, void *arg), void *arg)
{
	bool entered = mr_context_enter(s);
	int r = fn(s, core, arg);

	mr_context_leave(s, entered);
	return r;
}

int
mr_host_call(struct mr_host *h, int (*fn)(struct mr_stack *s, unsigned core, void *arg), void *arg)
{
	struct mr_mail mails[MR_HOST_MAX_WORKERS];
	int first = 0;

	MR_MAIN_LCORE();
	for (unsigned i = 0; i < h->n && h->running; i++) {
		struct mr_host_worker *w = &h->workers[i];

		mails[i] = (struct mr_mail){.fn = fn, .arg = arg};
		if (!worker_is_main(w))
			mr_mailbox_send(w->steer->mail, &mails[i]);
	}
	for (unsigned i = 0; i < h->n; i++) {
		struct mr_host_worker *w = &h->workers[i];
		int r;

		if (!h->running || worker_is_main(w))
			r = call_here(w->stack, i, fn, arg);
		else
			r = mr_mailbox_wait(&mails[i]);
		if (r < 0 && first == 0)
			first = r;
	}
	return first;
}

struct change {
	int (*apply)(struct mr_stack *s, unsigned core, void *arg);
	void (*undo)(struct mr_stack *s, unsigned core, void *arg);
	void *arg;
	bool done[MR_HOST_MAX_WORKERS]; /* each core writes its own */
};

static int
core_apply(struct mr_stack *s, unsigned core, void *arg)
{
	struct change *c = arg;
	int r = c->apply(s, core, c->arg);

	c->done[core] = r >= 0;
	return r;
}

static int
core_undo(struct mr_stack *s, unsigned core, void *arg)
{
	struct change *c = arg;

	if (c->done[core])
		c->undo(s, core, c->arg);
	return 0;
}

int
mr_host_change(struct mr_host *h, int (*apply)(struct mr_stack *s, unsigned core, void *arg),
               void (*undo)(struct mr_stack *s, unsigned core, void *arg), void *arg)
{
	struct change c = {.apply = apply, .undo = undo, .arg = arg};
	int r;

	MR_MAIN_LCORE();
	r = mr_host_call(h, core_apply, &c);
	if (r < 0)
		mr_host_call(h, core_undo, &c);
	return r;
}

/* ---- looking at it */

void
mr_host_on_pool(struct mr_host *h, void (*fn)(const char *pool, unsigned free, unsigned total, void *arg), void *arg)
{
	MR_MAIN_LCORE();
	h->pool_fn = fn;
	h->pool_arg = arg;
}

unsigned
mr_host_workers(const struct mr_host *h)
{
	return h->n;
}

struct mr_stack *
mr_host_stack(struct mr_host *h, unsigned core)
{
	return core < h->n ? h->workers[core].stack : NULL;
}

void
mr_host_load(const struct mr_host *h, unsigned core, struct mr_host_load *out)
{
	const struct mr_host_load *load;

	memset(out, 0, sizeof(*out));
	if (core >= h->n)
		return;
	load = &h->workers[core].load;
	out->busy_tsc = __atomic_load_n(&load->busy_tsc, __ATOMIC_RELAXED);
	out->idle_tsc = __atomic_load_n(&load->idle_tsc, __ATOMIC_RELAXED);
	out->busy_turns = __atomic_load_n(&load->busy_turns, __ATOMIC_RELAXED);
	out->idle_turns = __atomic_load_n(&load->idle_turns, __ATOMIC_RELAXED);
}

uint64_t
mr_host_counter(const struct mr_host *h, enum mr_counter c)
{
	uint64_t sum = 0;

	for (unsigned i = 0; i < h->n; i++)
		sum += __atomic_load_n(&h->workers[i].stack->counters[c], __ATOMIC_RELAXED);
	return sum;
}

const char *
mr_host_steering(const struct mr_host *h)
{
	MR_MAIN_LCORE();
	return h->steering;
}
