/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Small transfers with everything impaired and everything chosen by a seed, one seed after the other: the lines (loss,
 * duplicates, corruption, reordering, delay, jitter, rate, buffers), IPv4 or IPv6, options of TCP, algorithms, buffer sizes,
 * how much is sent each way, how it is read, and how each end closes. No connection may get stuck, no byte be wrong, nothing
 * be left behind: in the end both stacks use as much memory as before, and all mbufs are back in their pools.
 *
 * MR_SEEDS seeds are tried, by default a few hundred; tests/seeds tries 10,000. MR_SEED=N tries one, which is how a failure
 * is played again.
 */
#include "rig/rig.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <rte_common.h>

#include "stack/rng.h"

#define PORT 7000
#define CONNS_MAX 3
#define CHUNK_MAX 8192
#define DEADLINE_NS (4000 * RIG_S) /* virtual; timers double */
#define GROUP 20                   /* seeds in one test */
#ifdef __SANITIZE_ADDRESS__
#define SEEDS 100
#else
#define SEEDS 300
#endif

/* How an end closes. */
enum plan {
	PLAN_SHUTDOWN, /* says that it has sent all, reads to the end, closes */
	PLAN_CLOSE,    /* closes when it has sent and got all, without waiting for the end */
	PLAN_EARLY,    /* closes in the middle, whatever comes */
	PLAN_ABORT,    /* resets in the middle */
	PLAN_MAX,
};

struct side {
	struct mr_ep *ep;          /* NULL: not yet, or gone */
	struct mr_waiter waiter;
	struct conn *conn;
	uint64_t to_send, sent, got;
	uint64_t stop_at;          /* bytes sent and got at which the middle is */
	uint32_t chunk;            /* what is read and written at once */
	enum plan plan;
	bool lazy;                 /* reads only now and then */
	bool shut, eof, gone;
	int err;
};

struct conn {
	struct side side[2];
	uint16_t port;             /* a's */
	unsigned pattern;
};

/* All that a seed says of one end. */
struct choice {
	struct mr_impair_cfg line;
	uint32_t mbufs;
	int64_t sndbuf, rcvbuf, maxseg, ecn, cc, cookies;
	bool sack, timestamps, wscale, nodelay, quickack;
};

static struct rig_duo duo;
static struct conn conns[CONNS_MAX];
static unsigned n_conns;
static bool v6;
static uint64_t seed;
static uint64_t memory_before[2]; /* of a, of b, with the listener only */

/* ---- the seed's choices */

static struct choice
choose(struct mr_rng *r)
{
	struct choice c = {
		.line = {
			.seed = mr_rng_u64(r),
			.loss_ppm = mr_rng_below(r, 80000),
			.dup_ppm = mr_rng_below(r, 50000),
			.corrupt_ppm = mr_rng_below(r, 20000),
			.reorder_ppm = mr_rng_below(r, 250000),
			.reorder_ns = 1000u << mr_rng_below(r, 16),
			.delay_ns = 1000u << mr_rng_below(r, 17),
			.jitter_ns = 1000u << mr_rng_below(r, 14),
			.rate_bps = 1000000ull << mr_rng_below(r, 14),
			.queue_frames = 8u << mr_rng_below(r, 8),
			.buffer_bytes = mr_rng_below(r, 2) ? 6000ull << mr_rng_below(r, 6) : 0,
		},
		.mbufs = 256u << mr_rng_below(r, 3),
		.sndbuf = 4096 << mr_rng_below(r, 7),
		.rcvbuf = 2048 << mr_rng_below(r, 8),
		.maxseg = mr_rng_below(r, 3) ? 0 : 88 + mr_rng_below(r, 1372),
		.ecn = mr_rng_below(r, 3),
		.cc = mr_rng_below(r, 3),
		.cookies = mr_rng_below(r, 8) ? mr_rng_below(r, 2) : MR_TCP_SYNCOOKIES_ALWAYS,
		.sack = mr_rng_below(r, 4),
		.timestamps = mr_rng_below(r, 4),
		.wscale = mr_rng_below(r, 4),
		.nodelay = mr_rng_below(r, 2),
		.quickack = !mr_rng_below(r, 4),
	};

	return c;
}

static void
protocol_set(struct mr_stack *s, int opt, int64_t value)
{
	if (mr_transproto_setopt(s, MR_TRANS_TCP, opt, value) < 0)
		ck_abort_msg("seed %llu: protocol option %d = %lld", (unsigned long long)seed, opt, (long long)value);
}

static void
apply(struct mr_stack *s, const struct choice *c)
{
	protocol_set(s, MR_OPT_SNDBUF, c->sndbuf);
	protocol_set(s, MR_OPT_RCVBUF, c->rcvbuf);
	protocol_set(s, MR_OPT_TCP_ECN, c->ecn);
	protocol_set(s, MR_OPT_TCP_CC, c->cc);
	protocol_set(s, MR_OPT_TCP_SYNCOOKIES, c->cookies);
	protocol_set(s, MR_OPT_TCP_SACK, c->sack);
	protocol_set(s, MR_OPT_TCP_TIMESTAMPS, c->timestamps);
	protocol_set(s, MR_OPT_TCP_WSCALE, c->wscale);
	protocol_set(s, MR_OPT_TCP_TIMEWAIT_NS, RIG_S);
	protocol_set(s, MR_OPT_TCP_FINWAIT2_NS, 10 * RIG_S);
}

static void
ep_set(struct mr_ep *ep, int opt, int64_t value)
{
	if (mr_ep_setopt(ep, opt, value) < 0)
		ck_abort_msg("seed %llu: option %d = %lld", (unsigned long long)seed, opt, (long long)value);
}

/* A peer that has gone without our having heard of it is noticed. */
static void
ep_apply(struct mr_ep *ep, const struct choice *c)
{
	ep_set(ep, MR_OPT_TCP_NODELAY, c->nodelay);
	ep_set(ep, MR_OPT_TCP_QUICKACK, c->quickack);
	ep_set(ep, MR_OPT_TCP_KEEPALIVE, 1);
	ep_set(ep, MR_OPT_TCP_KEEPIDLE_NS, 30 * RIG_S);
	ep_set(ep, MR_OPT_TCP_KEEPINTVL_NS, 10 * RIG_S);
}

static void
side_choose(struct side *s, struct conn *c, struct mr_rng *r, unsigned i)
{
	bool short_way = !mr_rng_below(r, 4);

	*s = (struct side){.conn = c};
	/* Behind a SYN cookie who says nothing is never heard of; so a always says something. */
	s->to_send = (i == 0) + mr_rng_below(r, short_way ? 100 : 60000);
	s->chunk = 1 + mr_rng_below(r, mr_rng_below(r, 2) ? CHUNK_MAX : 300);
	s->plan = mr_rng_below(r, 4) ? mr_rng_below(r, 2) : mr_rng_below(r, PLAN_MAX);
	s->lazy = !mr_rng_below(r, 4);
	if (s->lazy)
		s->chunk = RTE_MAX(s->chunk, 200u);
}

static void
conn_choose(struct conn *c, struct mr_rng *r)
{
	*c = (struct conn){.pattern = mr_rng_below(r, 100000)};
	for (unsigned i = 0; i < 2; i++)
		side_choose(&c->side[i], c, r, i);
	for (unsigned i = 0; i < 2; i++)
		c->side[i].stop_at = mr_rng_below(r, (uint32_t)(c->side[0].to_send + c->side[1].to_send) + 1);
}

/* ---- the two programs */

static unsigned
index_of(const struct side *s)
{
	return (unsigned)(s - s->conn->side);
}

static void
leave(struct side *s, bool abort)
{
	mr_ep_unwait(s->ep, &s->waiter);
	if (abort)
		mr_ep_abort(s->ep);
	else
		mr_ep_close(s->ep);
	s->ep = NULL;
	s->gone = true;
}

static bool
note(struct side *s, ssize_t err)
{
	if (err != -EAGAIN && err != -ENOTCONN && !s->err)
		s->err = (int)err;
	return false;
}

static bool
in_the_middle(const struct side *s)
{
	return s->plan >= PLAN_EARLY && s->sent + s->got >= s->stop_at;
}

static void
push(struct side *s)
{
	uint8_t buf[CHUNK_MAX];

	while (s->sent < s->to_send && !in_the_middle(s)) {
		size_t n = RTE_MIN(s->to_send - s->sent, (uint64_t)s->chunk);
		ssize_t k;

		rig_pattern_fill(buf, s->conn->pattern + index_of(s) * 7 + s->sent, n);
		k = mr_ep_send(s->ep, buf, n);
		if (k <= 0) {
			note(s, k);
			return;
		}
		s->sent += (uint64_t)k;
	}
	if (s->sent == s->to_send && s->plan == PLAN_SHUTDOWN && !s->shut)
		s->shut = mr_ep_shutdown(s->ep, MR_SHUT_WR) == 0;
}

/* @return false: there is nothing more to read now */
static bool
pull_once(struct side *s)
{
	uint8_t buf[CHUNK_MAX];
	ssize_t k = mr_ep_recv(s->ep, buf, s->chunk, NULL);

	if (k < 0)
		return note(s, k);
	if (k == 0) {
		s->eof = true;
		return false;
	}
	if (rig_pattern_check(buf, s->conn->pattern + !index_of(s) * 7 + s->got, (size_t)k) != (size_t)k)
		ck_abort_msg("seed %llu: a wrong byte after %llu", (unsigned long long)seed, (unsigned long long)s->got);
	s->got += (uint64_t)k;
	return true;
}

static void
go_on(struct side *s, bool read)
{
	const struct side *other = &s->conn->side[!index_of(s)];
	bool end;

	if (!s->ep)
		return;
	for (unsigned left = s->lazy ? 1 : UINT32_MAX; read && left && !s->eof && !in_the_middle(s) && pull_once(s); left--)
		;
	push(s);
	end = s->sent == s->to_send && (s->eof || (s->plan == PLAN_CLOSE && s->got == other->to_send));
	if (in_the_middle(s))
		leave(s, s->plan == PLAN_ABORT);
	else if (end || s->err)
		leave(s, false);
}

static void
on_event(struct mr_ep *ep, uint32_t events, void *arg)
{
	struct side *s = arg;

	if (events & MR_EV_ERR)
		note(s, mr_ep_error(ep));
	go_on(s, !s->lazy);
	if (!(events & MR_EV_HUP) || !s->ep)
		return;
	/* The last event. What has come may still be read. */
	s->lazy = false;
	go_on(s, true);
	if (s->ep)
		leave(s, false);
}

/* Lazy readers read a piece. */
static void
on_alarm(struct mr_stack *st, void *arg)
{
	(void)arg;
	for (struct conn *c = conns; c < conns + n_conns; c++)
		for (unsigned i = 0; i < 2; i++)
			if (c->side[i].lazy && c->side[i].ep && st == duo.end[i].stack)
				go_on(&c->side[i], true);
}

static void
side_wait(struct side *s)
{
	s->waiter = (struct mr_waiter){.mask = MR_EV_IN | MR_EV_OUT | MR_EV_ERR | MR_EV_HUP, .fn = on_event, .arg = s};
	mr_ep_wait(s->ep, &s->waiter);
}

static void
on_accept(struct mr_ep *listener, uint32_t events, void *arg)
{
	struct mr_sockaddr remote;
	struct mr_ep *ep;

	(void)events;
	while (mr_ep_accept(listener, &ep) == 0) {
		struct side *s = NULL;

		if (mr_ep_remote_name(ep, &remote) == 0)
			for (struct conn *c = conns; c < conns + n_conns; c++)
				if (c->port == remote.port)
					s = &c->side[1];
		if (!s || s->ep || s->gone) {
			mr_ep_close(ep); /* reset before it was accepted */
			continue;
		}
		s->ep = ep;
		ep_apply(ep, arg);
		side_wait(s);
	}
}

static struct mr_ep *
ep_new(unsigned i, const struct choice *c)
{
	struct mr_ep *ep;

	ck_assert_int_eq(mr_ep_create(duo.end[i].stack, MR_TRANS_TCP, v6 ? MR_NET_IPV6 : MR_NET_IPV4, &ep), 0);
	if (c->maxseg)
		ep_set(ep, MR_OPT_TCP_MAXSEG, c->maxseg);
	return ep;
}

static void
conn_start(struct conn *c, const struct choice *choice)
{
	struct mr_sockaddr to = {.addr = v6 ? duo.end[1].addr6 : duo.end[1].addr4, .port = PORT}, local;
	struct side *s = &c->side[0];

	s->ep = ep_new(0, choice);
	ep_apply(s->ep, choice);
	ck_assert_int_eq(mr_ep_connect(s->ep, &to), -EINPROGRESS);
	ck_assert_int_eq(mr_ep_local_name(s->ep, &local), 0);
	c->port = local.port;
	side_wait(s);
}

static bool
all_gone(struct rig_duo *d, void *arg)
{
	(void)d;
	(void)arg;
	for (struct conn *c = conns; c < conns + n_conns; c++)
		if (!c->side[0].gone || (c->side[1].ep && !c->side[1].gone))
			return false;
	return true;
}

/* ---- a seed */

static uint64_t
memory(const struct mr_stack *s)
{
	struct mr_stack_memory m;

	mr_stack_memory(s, &m);
	return m.used;
}

static bool
all_freed(struct rig_duo *d, void *arg)
{
	return all_gone(d, arg) && memory(d->end[0].stack) == memory_before[0] && memory(d->end[1].stack) == memory_before[1];
}

static void
seed_failed(const char *what)
{
	fprintf(stderr, "seed %llu: %s at %.3f s; again: MR_SEED=%llu tests/test_sim_seeds\n", (unsigned long long)seed, what,
	        (duo.now - RIG_START_NS - RIG_SETTLE_NS) / 1e9, (unsigned long long)seed);
	for (unsigned i = 0; i < 2; i++)
		fprintf(stderr, "\t%c: %llu bytes of memory, before %llu\n", "ab"[i], (unsigned long long)memory(duo.end[i].stack),
		        (unsigned long long)memory_before[i]);
	for (struct conn *c = conns; c < conns + n_conns; c++)
		for (unsigned i = 0; i < 2; i++) {
			const struct side *s = &c->side[i];

			fprintf(stderr, "\t%c: plan %d, sent %llu of %llu, got %llu of %llu, %s%s%serror %d\n", "ab"[i], s->plan,
			        (unsigned long long)s->sent, (unsigned long long)s->to_send, (unsigned long long)s->got,
			        (unsigned long long)c->side[!i].to_send, s->ep ? "open, " : "", s->gone ? "gone, " : "",
			        s->eof ? "end read, " : "", s->err);
		}
	ck_abort_msg("seed %llu: %s", (unsigned long long)seed, what);
}

/* Of two that close in order, each gets all. Not behind a SYN cookie, which is of no use if a later segment comes before the
 * ACK: that is answered with a reset. */
static void
judge(const struct conn *c, bool cookies)
{
	if (c->side[0].plan >= PLAN_EARLY || c->side[1].plan >= PLAN_EARLY || cookies)
		return;
	for (unsigned i = 0; i < 2; i++) {
		if (c->side[i].err)
			seed_failed("an error");
		if (c->side[i].got != c->side[!i].to_send)
			seed_failed("bytes are missing");
	}
}

static void
show_frame(struct rig_duo *d, unsigned i, const struct rig_frame *f, void *arg)
{
	(void)arg;
	fprintf(stderr, "%10.6f %c: %s\n", (d->now - RIG_START_NS - RIG_SETTLE_NS) / 1e9, "ab"[i], rig_frame_text(f));
}

struct totals {
	uint64_t bytes, retransmits, rto, probes, undone;
};

static void
run(struct totals *t)
{
	struct choice ch[2];
	struct rig_duo_opts o = {.neigh = true};
	struct mr_sockaddr any = {.port = PORT};
	struct mr_waiter accept_waiter = {.mask = MR_EV_IN, .fn = on_accept, .arg = &ch[1]};
	struct mr_alarm *alarm[2];
	struct mr_ep *listener;
	struct mr_rng r;

	mr_rng_seed(&r, seed);
	v6 = mr_rng_below(&r, 2);
	n_conns = 1 + mr_rng_below(&r, CONNS_MAX);
	for (unsigned i = 0; i < 2; i++) {
		ch[i] = choose(&r);
		o.impair[i] = &ch[i].line;
		o.stack[i] = (struct mr_stack_opts){.seed = mr_rng_u64(&r) | 1, .rx_mbufs = ch[i].mbufs, .tx_mbufs = ch[i].mbufs,
		                                    .max_conns = 64, .max_half_open = 16, .max_time_wait = 16};
	}
	o.mtu = (uint16_t)(mr_rng_below(&r, 4) ? 1500 : 1280 + mr_rng_below(&r, 220));
	rig_duo_init(&duo, &o);
	if (getenv("MR_SEED"))
		duo.on_frame = show_frame; /* one alone is looked at closely */
	for (unsigned i = 0; i < 2; i++)
		apply(duo.end[i].stack, &ch[i]);
	any.addr = rig_addr(v6 ? "::" : "0.0.0.0");
	listener = ep_new(1, &ch[1]);
	ck_assert_int_eq(mr_ep_bind(listener, &any), 0);
	ck_assert_int_eq(mr_ep_listen(listener, CONNS_MAX), 0);
	mr_ep_wait(listener, &accept_waiter);
	for (unsigned i = 0; i < 2; i++) {
		ck_assert_int_eq(mr_alarm_start(duo.end[i].stack, 7 * RIG_MS, on_alarm, NULL, &alarm[i]), 0);
		memory_before[i] = memory(duo.end[i].stack);
	}
	for (unsigned i = 0; i < n_conns; i++) {
		conn_choose(&conns[i], &r);
		conn_start(&conns[i], &ch[0]);
	}
	if (!rig_duo_run(&duo, DEADLINE_NS, all_gone, NULL))
		seed_failed("stuck");
	if (!rig_duo_run(&duo, DEADLINE_NS, all_freed, NULL))
		seed_failed("something is left");
	for (unsigned i = 0; i < 2; i++)
		mr_alarm_stop(alarm[i]);
	for (unsigned i = 0; i < n_conns; i++) {
		judge(&conns[i], ch[1].cookies == MR_TCP_SYNCOOKIES_ALWAYS);
		t->bytes += conns[i].side[0].got + conns[i].side[1].got;
	}
	for (unsigned i = 0; i < 2; i++) {
		t->retransmits += mr_stack_counter(duo.end[i].stack, MR_CNT_TCP_RETRANSMITS);
		t->rto += mr_stack_counter(duo.end[i].stack, MR_CNT_TCP_RTO);
		t->probes += mr_stack_counter(duo.end[i].stack, MR_CNT_TCP_TAIL_PROBES);
		t->undone += mr_stack_counter(duo.end[i].stack, MR_CNT_TCP_RECOVERIES_UNDONE);
	}
	mr_ep_unwait(listener, &accept_waiter);
	mr_ep_close(listener);
	rig_duo_fini(&duo);
}

static uint64_t
env_number(const char *name, uint64_t by_default)
{
	const char *text = getenv(name);
	uint64_t v = text ? strtoull(text, NULL, 0) : 0;

	return v ? v : by_default;
}

/* Seeds count from 1. */
START_TEST(nothing_gets_stuck)
{
	struct totals t = {0};
	uint64_t one = env_number("MR_SEED", 0), last = env_number("MR_SEEDS", SEEDS);

	seed = one ? one : (uint64_t)_i * GROUP + 1;
	last = one ? one : RTE_MIN(seed + GROUP - 1, last);
	for (uint64_t first = seed; seed <= last; seed++) {
		run(&t);
		if (seed == last)
			printf("seeds %5llu to %5llu: %8llu bytes, %5llu resent, %4llu timeouts, %4llu probes, %3llu undone\n",
			       (unsigned long long)first, (unsigned long long)last, (unsigned long long)t.bytes,
			       (unsigned long long)t.retransmits, (unsigned long long)t.rto, (unsigned long long)t.probes,
			       (unsigned long long)t.undone);
	}
	fflush(stdout);
}
END_TEST

static Suite *
suite(void)
{
	Suite *s = suite_create("sim_seeds");
	TCase *tc = rig_case(s, "seeds", NULL, NULL);
	uint64_t n = env_number("MR_SEED", 0) ? 1 : env_number("MR_SEEDS", SEEDS);

	tcase_set_timeout(tc, 100);
	tcase_add_loop_test(tc, nothing_gets_stuck, 0, (int)((n + GROUP - 1) / GROUP));
	return s;
}

RIG_MAIN(suite)
