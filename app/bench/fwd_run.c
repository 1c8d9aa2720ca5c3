/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A run of a forward mode. Streams are spread over the cores: with one lcore the main one forwards, otherwise the others do
 * and the main one looks on.
 *
 * Ports are paired as in testpmd: what comes from port 0 goes to port 1 and back; a port without a partner, and every port
 * of a mode that generates or answers, is its own.
 */
#include "app/bench/fwd.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <rte_byteorder.h>
#include <rte_cycles.h>
#include <rte_ethdev.h>
#include <rte_launch.h>
#include <rte_lcore.h>
#include <rte_malloc.h>

#include "app/bench/json.h"
#include "app/bench/report.h"
#include "app/bench/run.h"
#include "app/bench/search.h"
#include "app/bench/wire.h"

#define STREAMS_MOST (FWD_PORTS_MOST * 16)
#define NAP_NS 200000
#define TURNS_PER_LOOK 64
#define SETTLE_NS (SEC_NS / 5)
#define DRAIN_NS (SEC_NS / 20)
#define NO_RATE 1e-9 /* a packet in 30 years */

struct fwd_core {
	struct fwd_stream *streams[STREAMS_MOST];
	unsigned n, lcore;
	const uint32_t *stop;
	uint64_t busy_tsc, idle_tsc;
} __rte_cache_aligned;

struct forward {
	const struct args *args;
	struct fwd_port ports[FWD_PORTS_MOST];
	unsigned n_ports, n_streams, n_cores;
	struct fwd_stream *streams;
	struct fwd_core *cores;
	uint32_t stop;
	bool main_works, running;
	struct intervals intervals;
	struct interval last, start; /* sums since the beginning, not differences */
	struct fwd_count count, at_start;
	uint64_t missed, missed_at_start;
};

/* ---- cores */

static unsigned
core_turn(struct fwd_core *c)
{
	uint64_t tsc = rte_rdtsc(), spent;
	unsigned work = 0;

	for (unsigned i = 0; i < c->n; i++)
		work += c->streams[i]->mode->turn(c->streams[i]);
	spent = rte_rdtsc() - tsc;
	if (work)
		c->busy_tsc += spent;
	else
		c->idle_tsc += spent;
	return work;
}

static int
core_main(void *arg)
{
	struct fwd_core *c = arg;

	while (!__atomic_load_n(c->stop, __ATOMIC_RELAXED))
		core_turn(c);
	return 0;
}

static void
turns(struct forward *f)
{
	struct timespec ts = {.tv_nsec = NAP_NS};

	if (!f->main_works) {
		nanosleep(&ts, NULL);
		return;
	}
	for (unsigned i = 0; i < TURNS_PER_LOOK; i++)
		core_turn(&f->cores[0]);
}

/* @return false: a signal came */
static bool
turn_until(struct forward *f, uint64_t end_ns)
{
	while (run_clock_ns() < end_ns && !signals)
		turns(f);
	return !signals;
}

/* ---- making */

static bool
is_generator(const struct forward *f)
{
	return f->args->fwd->flags & FWD_F_GENERATES;
}

static const struct fwd_port *
partner(const struct forward *f, unsigned i)
{
	bool alone = is_generator(f) || f->args->fwd == &fwd_icmpecho || (i ^ 1) >= f->n_ports;

	return &f->ports[alone ? i : i ^ 1];
}

/* Who has the server's address? */
static void
peer_find(struct forward *f, struct fwd_stream *s)
{
	uint32_t own = rte_be_to_cpu_32(f->args->client.addr.w[3]), addr = rte_be_to_cpu_32(f->args->server.addr.w[3]);
	char mac[RTE_ETHER_ADDR_FMT_SIZE], text[MR_ADDR_STRLEN];

	if (f->args->peer_mac.len || fwd_arp_resolve(s, own, addr, &s->peer))
		return;
	rte_ether_format_addr(mac, sizeof(mac), &s->peer);
	printf("Nobody answers for %s: sending to %s (--peer-mac)\n", mr_addr_format(&f->args->server.addr, text, sizeof(text)),
	       mac);
}

static int
stream_make(struct forward *f, struct fwd_stream *s, unsigned port, unsigned queue)
{
	const struct fwd_port *to = partner(f, port);

	*s = (struct fwd_stream){
		.args = f->args,
		.mode = f->args->fwd,
		.rx_port = f->ports[port].id,
		.tx_port = to->id,
		.queue = (uint16_t)queue,
		.burst = (uint16_t)f->args->burst,
		.l4_offload = to->l4_offload,
		.own = to->own,
		.peer = to->peer,
		.pool = to->pool,
	};
	if (!is_generator(f))
		return 0;
	if (queue == 0) {
		peer_find(f, s);
		f->ports[port].peer = s->peer;
	}
	if (fwd_gen_create(s) < 0)
		return -ENOMEM;
	fwd_gen_set_rate(s->gen, (double)f->args->rate / f->n_streams);
	return 0;
}

static int
streams_make(struct forward *f)
{
	unsigned queues = f->args->cores_per_port;
	int r = 0;

	f->n_streams = f->n_ports * queues;
	f->streams = rte_calloc("streams", f->n_streams, sizeof(*f->streams), RTE_CACHE_LINE_SIZE);
	if (!f->streams)
		return -ENOMEM;
	for (unsigned i = 0; i < f->n_streams && r == 0; i++)
		r = stream_make(f, &f->streams[i], i / queues, i % queues);
	return r;
}

static int
cores_make(struct forward *f)
{
	unsigned lcore, workers = rte_lcore_count() - 1;

	f->main_works = workers == 0;
	f->n_cores = RTE_MIN(RTE_MAX(workers, 1u), f->n_streams);
	f->cores = rte_calloc("cores", f->n_cores, sizeof(*f->cores), RTE_CACHE_LINE_SIZE);
	if (!f->cores)
		return -ENOMEM;
	for (unsigned i = 0; i < f->n_streams; i++) {
		struct fwd_core *c = &f->cores[i % f->n_cores];

		c->streams[c->n++] = &f->streams[i];
		c->stop = &f->stop;
	}
	if (f->args->cores_per_port * f->n_ports > f->n_cores)
		printf("%u queues on %u cores: give EAL more lcores (-l) for one each\n", f->n_streams, f->n_cores);
	if (f->main_works)
		return 0;
	f->running = true;
	lcore = rte_get_next_lcore(-1, 1, 0);
	for (unsigned i = 0; i < f->n_cores; i++, lcore = rte_get_next_lcore(lcore, 1, 0)) {
		f->cores[i].lcore = lcore;
		rte_eal_remote_launch(core_main, &f->cores[i], lcore);
	}
	return 0;
}

static void
cores_stop(struct forward *f)
{
	__atomic_store_n(&f->stop, 1, __ATOMIC_RELEASE);
	if (f->running)
		rte_eal_mp_wait_lcore();
	f->running = false;
}

/* ---- samples */

static void
counts_read(const struct forward *f, struct fwd_count *out)
{
	memset(out, 0, sizeof(*out));
	for (unsigned i = 0; i < f->n_streams; i++) {
		const uint64_t *from = (const uint64_t *)&f->streams[i].count;
		uint64_t *to = (uint64_t *)out;

		for (unsigned j = 0; j < sizeof(*out) / sizeof(*to); j++)
			to[j] += __atomic_load_n(&from[j], __ATOMIC_RELAXED);
	}
}

/* Lost by the devices for want of descriptors or packets. */
static uint64_t
missed_read(const struct forward *f)
{
	uint64_t sum = 0;

	for (unsigned i = 0; i < f->n_ports; i++) {
		struct rte_eth_stats st;

		if (rte_eth_stats_get(f->ports[i].id, &st) == 0)
			sum += st.imissed + st.rx_nombuf;
	}
	return sum;
}

static struct interval
sums_read(struct forward *f)
{
	struct fwd_count *c = &f->count;
	struct interval v = {0};

	counts_read(f, c);
	v.ops = is_generator(f) ? c->tx_packets : c->rx_packets;
	v.bytes = is_generator(f) ? c->tx_bytes : c->rx_bytes;
	v.packets = c->rx_packets + c->tx_packets;
	for (unsigned i = 0; i < f->n_cores; i++) {
		v.busy_tsc += __atomic_load_n(&f->cores[i].busy_tsc, __ATOMIC_RELAXED);
		v.idle_tsc += __atomic_load_n(&f->cores[i].idle_tsc, __ATOMIC_RELAXED);
	}
	return v;
}

/* @return false: what was there has gone, and this was no interval */
static bool
interval_add(struct forward *f, double seconds, uint64_t at_ns)
{
	struct fwd_count before = f->count;
	struct interval now = sums_read(f), *v = &f->intervals.v[f->intervals.n];
	struct report_ways ways = {
		.rx_packets = f->count.rx_packets - before.rx_packets,
		.rx_bytes = f->count.rx_bytes - before.rx_bytes,
		.tx_packets = f->count.tx_packets - before.tx_packets,
		.tx_bytes = f->count.tx_bytes - before.tx_bytes,
	};

	*v = (struct interval){
		.seconds = seconds,
		.ops = now.ops - f->last.ops,
		.bytes = now.bytes - f->last.bytes,
		.packets = now.packets - f->last.packets,
		.busy_tsc = now.busy_tsc - f->last.busy_tsc,
		.idle_tsc = now.idle_tsc - f->last.idle_tsc,
	};
	f->last = now;
	if (v->packets == 0 && !is_generator(f))
		return false;
	f->intervals.n++;
	if (!f->args->quiet)
		report_forward(&ways, v, at_ns, f->args->duration_ns);
	return true;
}

static void
measure(struct forward *f)
{
	uint64_t start_ns = run_clock_ns(), last_ns = start_ns, now_ns = start_ns;
	uint64_t end_ns = f->args->duration_ns ? start_ns + f->args->duration_ns : UINT64_MAX;

	for (unsigned i = 0; i < f->n_streams; i++) {
		if (f->streams[i].gen)
			fwd_gen_forget(f->streams[i].gen);
	}
	f->start = f->last = sums_read(f);
	f->at_start = f->count;
	f->missed_at_start = missed_read(f);
	while (now_ns < end_ns && intervals_room(&f->intervals) &&
	       turn_until(f, run_interval_end(f->args, last_ns, end_ns))) {
		now_ns = run_clock_ns();
		if (!interval_add(f, (double)(now_ns - last_ns) / SEC_NS, now_ns - start_ns) && f->args->duration_ns)
			break;
		last_ns = now_ns;
	}
	f->missed = missed_read(f) - f->missed_at_start;
	report_interval_end();
}

/* ---- the highest rate: what is sent at a rate, and all that comes back once nothing more is sent */

static void
rate_set(struct forward *f, double rate)
{
	for (unsigned i = 0; i < f->n_streams; i++)
		fwd_gen_set_rate(f->streams[i].gen, rate / f->n_streams);
}

static double
trial(void *arg, double rate, uint64_t *lost)
{
	struct forward *f = arg;
	struct fwd_count rested, before, after, end;
	uint64_t start_ns;
	double seconds;

	counts_read(f, &rested);
	rate_set(f, rate);
	turn_until(f, run_clock_ns() + SETTLE_NS);
	counts_read(f, &before);
	start_ns = run_clock_ns();
	turn_until(f, start_ns + f->args->interval_ns);
	counts_read(f, &after);
	seconds = (double)(run_clock_ns() - start_ns) / SEC_NS;
	rate_set(f, NO_RATE);
	turn_until(f, run_clock_ns() + DRAIN_NS);
	counts_read(f, &end);
	*lost = end.tx_packets - rested.tx_packets;
	*lost -= RTE_MIN(*lost, end.rx_packets - rested.rx_packets);
	return (double)(after.tx_packets - before.tx_packets) / seconds;
}

static bool
stopped(void *arg)
{
	(void)arg;
	return signals > 0;
}

static int
rate_search(struct forward *f)
{
	const struct search s = {.trial = trial, .stopped = stopped, .arg = f, .quiet = f->args->quiet};
	double rate;

	rate_set(f, NO_RATE);
	turn_until(f, run_clock_ns() + DRAIN_NS);
	rate = search_max(&s);
	rate_set(f, rate);
	return rate > 0 && turn_until(f, run_clock_ns() + SETTLE_NS) ? 0 : -ENOENT;
}

/* ---- results */

static void
result_fill(struct forward *f, struct result *r)
{
	const struct fwd_count *a = &f->at_start, *b = &f->count;

	*r = (struct result){
		.mode = f->args->fwd->name,
		.role = is_generator(f) ? "client" : "server",
		.wire = wire_driver(f->ports[0].name),
		.ops = f->last.ops - f->start.ops,
	};
	result_rates(r, &f->intervals);
	result_drop_add(r, "tx_full", "received, but the transmit queue had no room", b->tx_full - a->tx_full);
	result_drop_add(r, "unwanted", "received, and of no use to the mode", b->unwanted - a->unwanted);
	result_drop_add(r, "rx_missed", "lost by the device for want of descriptors or packets", f->missed);
	if (f->args->fwd->flags & FWD_F_ANSWERED && b->tx_packets - a->tx_packets > b->rx_packets - a->rx_packets)
		r->lost = (b->tx_packets - a->tx_packets) - (b->rx_packets - a->rx_packets);
	for (unsigned i = 0; i < f->n_streams; i++) {
		const struct hist *h = fwd_gen_latency(f->streams[i].gen);

		if (h)
			hist_merge(&r->latency, h);
	}
	r->limited_by = result_limit(r, NULL);
}

static int
results_tell(struct forward *f)
{
	struct result *r = calloc(1, sizeof(*r));
	int rc = 0;

	if (!r)
		return -ENOMEM;
	result_fill(f, r);
	report_result(r);
	if (f->args->json)
		rc = json_write_file(f->args->json, r, 1);
	if (rc < 0)
		fprintf(stderr, "millrace-bench: --json %s: %s: name a file that can be written\n", f->args->json, strerror(-rc));
	free(r);
	return rc;
}

/* ---- life */

static void
announce(const struct forward *f)
{
	printf("Millrace %s, %s on", mr_version(), f->args->fwd->name);
	for (unsigned i = 0; i < f->n_ports; i++)
		printf(" %s", f->ports[i].name);
	printf(", %u queue%s each, %u core%s, burst %u\n", f->args->cores_per_port, f->args->cores_per_port == 1 ? "" : "s",
	       f->n_cores, f->n_cores == 1 ? "" : "s", f->args->burst);
	printf("Ready\n");
	fflush(stdout);
}

/* Who receives waits for something to. */
static bool
wait_first(struct forward *f)
{
	struct fwd_count c = {0};

	while (c.rx_packets == 0 && !is_generator(f)) {
		if (!turn_until(f, run_clock_ns() + SEC_NS / 1000))
			return false;
		counts_read(f, &c);
	}
	return turn_until(f, run_clock_ns() + f->args->warmup_ns);
}

static int
forward_run(struct forward *f)
{
	int r = fwd_ports_open(f->args, f->args->cores_per_port, f->ports);

	if (r < 0)
		return r;
	f->n_ports = (unsigned)r;
	r = streams_make(f);
	if (r == 0)
		r = cores_make(f);
	if (r < 0) {
		fprintf(stderr, "millrace-bench: no memory: give EAL more (-m)\n");
		return r;
	}
	announce(f);
	if (f->args->find_max)
		r = rate_search(f);
	if (r == 0 && wait_first(f))
		measure(f);
	/* Those who sent to us may still do so: whoever ends first leaves the other with a wire that has no end. */
	if (r == 0 && is_generator(f)) {
		rate_set(f, NO_RATE);
		turn_until(f, run_clock_ns() + DRAIN_NS);
	}
	cores_stop(f);
	if (r < 0)
		return r;
	if (f->intervals.n == 0) {
		fprintf(stderr, "millrace-bench: ended before the first interval was over: nothing was measured\n");
		return -EINTR;
	}
	return results_tell(f);
}

int
run_forward(const struct args *args)
{
	struct forward *f = calloc(1, sizeof(*f));
	int r;

	if (!f)
		return 1;
	f->args = args;
	r = forward_run(f);
	cores_stop(f);
	for (unsigned i = 0; f->streams && i < f->n_streams; i++)
		fwd_gen_destroy(f->streams[i].gen);
	fwd_ports_close(f->ports, f->n_ports);
	rte_free(f->streams);
	rte_free(f->cores);
	free(f->intervals.v);
	free(f);
	return r < 0 ? 1 : 0;
}
