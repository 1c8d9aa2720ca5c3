/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The benchmark's flood of SYNs in virtual time: that it is what it should be and nothing else, and that the server opposite
 * keeps its bounds and its honest clients.
 */
#include "rig/rig.h"
#include "rig/duo.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "app/bench/client.h"
#include "app/bench/flood.h"
#include "app/bench/server.h"

#define TURN_NS 5000
#define MS_TURNS (1000000 / TURN_NS)
#define HALF_OPEN 64
#define SOURCES 500
#define SYN_ACK_RETRIES 5

static struct rig_duo duo;
static struct args args;
static struct client *cl;
static struct server *sv;

/* What end a has sent from sources that are not its own, and how often b has answered those. */
static struct {
	uint64_t syns, answers;
	unsigned by_source[SOURCES + 1];
	uint32_t ports; /* the highest */
} seen;

static void
look(struct rig_duo *d, unsigned i, const struct rig_frame *f, void *arg)
{
	const struct mr_addr *far = i ? &f->dst : &f->src;
	struct mr_subnet network;
	uint32_t nr;

	(void)d;
	(void)arg;
	mr_subnet_parse(args.v6 ? "2001:2::/48" : "198.18.0.0/15", &network);
	if (f->kind != RIG_TCP || !mr_subnet_contains(&network, far))
		return;
	nr = be32toh(far->w[3]) - be32toh(network.addr.w[3]);
	if (nr < 1 || nr > SOURCES)
		ck_abort_msg("source %u of %u", nr, SOURCES);
	if (i) {
		if (f->flags != (RIG_SYN | RIG_ACK))
			ck_abort_msg("flags %x of an answer", f->flags);
		seen.answers++;
		return;
	}
	if (f->flags != RIG_SYN || f->payload_len != 0 || f->dport != args.service || f->sport < 1024 ||
	    !mr_addr_equal(&f->dst, &args.server.addr))
		ck_abort_msg("flags %x, %u bytes, from port %u to %u", f->flags, f->payload_len, f->sport, f->dport);
	seen.syns++;
	seen.by_source[nr]++;
	seen.ports = seen.ports > f->sport ? seen.ports : f->sport;
}

static void
turns(unsigned n)
{
	while (n-- > 0) {
		duo.now += TURN_NS;
		mr_stack_poll(duo.end[0].stack, duo.now);
		mr_stack_poll(duo.end[1].stack, duo.now);
	}
}

static void
begin(const char *options)
{
	char *argv[32] = {(char *)"bench", (char *)"--", (char *)"--self", (char *)"--mode", (char *)"syn_flood"}, words[512];
	struct rig_duo_opts o = {.stack[1].max_half_open = HALF_OPEN};
	int argc = 5;

	snprintf(words, sizeof(words), "--sources 500 --warmup 5ms %s", options);
	for (char *w = strtok(words, " "); w; w = strtok(NULL, " "))
		argv[argc++] = w;
	ck_assert_int_eq(args_parse(argc, argv, &args), ARGS_RUN);
	memset(&seen, 0, sizeof(seen));
	rig_duo_init(&duo, &o);
	duo.on_frame = look;
	ck_assert_int_eq(mr_transproto_setopt(duo.end[0].stack, MR_TRANS_TCP, MR_OPT_TCP_TIMEWAIT_NS, 10000), 0);
	ck_assert_int_eq(flood_route_add(duo.end[1].stack, &args, RIG_NIC), 0);
	ck_assert_int_eq(client_create(&args, duo.end[0].stack, 0, 1, &cl), 0);
	ck_assert_int_eq(server_create(&args, duo.end[1].stack, 1, &sv), 0);
	ck_assert_int_eq(client_open(cl), 0);
	client_go(cl);
}

static void
end(void)
{
	duo.on_frame = NULL; /* SYNs that are still on the wire find nobody */
	client_stop(cl);
	server_stop(sv);
	turns(100);
	rig_duo_fini(&duo);
	client_destroy(cl);
	server_destroy(sv);
}

static struct mr_tcp_info
listener(void)
{
	struct mr_tcp_info info;

	ck_assert_int_eq(mr_tcp_info(sv->listeners[0].ep, &info), 0);
	return info;
}

static uint64_t
server_memory(void)
{
	struct mr_stack_memory m;

	mr_stack_memory(duo.end[1].stack, &m);
	return m.used;
}

/* ---- the flood itself */

static const struct {
	const char *options;
	unsigned syns; /* in 100 ms */
} rates[] = {
	{"--duration 100ms", 10000},
	{"--duration 100ms --rate 20k --ipv6", 2000},
	{"--duration 100ms --rate 777k", 77700},
};

/* As many as were asked for and no more, from all sources alike, and no port twice; it ends by itself, the rest does not. */
START_TEST(as_asked_for)
{
	unsigned warmup = rates[_i].syns / 20, most = rates[_i].syns + warmup;
	uint64_t ops;

	begin(rates[_i].options);
	ck_assert_int_eq(server_open(sv), 0);
	turns(1100 * MS_TURNS / 10);
	ck_assert_msg(seen.syns <= most + 2 && seen.syns + 20 >= most, "%lu of %u", seen.syns, most);
	ck_assert_uint_eq(cl->count.syns, seen.syns);
	for (unsigned i = 1; i <= SOURCES; i++)
		ck_assert_msg(seen.by_source[i] - seen.syns / SOURCES <= 1, "%u of source %u", seen.by_source[i], i);
	ck_assert_uint_eq(seen.ports, 1024 + (seen.syns - 1) / SOURCES);
	ops = cl->count.ops;
	turns(50 * MS_TURNS);
	ck_assert_uint_eq(cl->count.syns, seen.syns);
	ck_assert_uint_le(seen.syns, most + 2);
	ck_assert_uint_ge(cl->count.ops, ops + 4);
	end();
}
END_TEST

/* Nobody is flooded who has not served an honest connection. */
START_TEST(not_at_strangers)
{
	begin(_i ? "--ipv6" : "--connections 3");
	turns(300 * MS_TURNS);
	ck_assert_uint_eq(seen.syns, 0);
	ck_assert_uint_gt(cl->count.failed, 0);
	ck_assert_int_eq(server_open(sv), 0);
	turns(150 * MS_TURNS);
	ck_assert_uint_gt(cl->count.ops, 0);
	ck_assert_uint_gt(seen.syns, 100);
	end();
}
END_TEST

/* What a link does not take is not forced on it: what waits for it is no more than a tick's SYNs and the honest
 * connections' own, for which there is room. */
START_TEST(link_full)
{
	struct mr_stack *s;
	uint64_t waiting;

	begin("--rate 5m --connections 50");
	s = duo.end[0].stack;
	ck_assert_int_eq(server_open(sv), 0);
	turns(30 * MS_TURNS);
	ck_assert_uint_gt(seen.syns, 50000);
	/* b does not turn, so the wire fills. */
	for (unsigned i = 0; i < 20 * MS_TURNS; i++)
		mr_stack_poll(s, duo.now += TURN_NS);
	waiting = mr_stack_counter(s, MR_CNT_PACKET_TX_FRAMES) + mr_stack_counter(s, MR_CNT_TCP_TX_SEGMENTS) + 1 -
	          mr_stack_counter(s, MR_CNT_NIC_TX_PACKETS);
	ck_assert_msg(waiting <= 256 + 50, "%lu", waiting);
	ck_assert_uint_eq(mr_stack_counter(s, MR_DROP_NIC_TXQ_FULL), 0);
	end();
}
END_TEST

/* ---- the server */

static const struct {
	enum mr_tcp_syncookies cookies;
	const char *options;
} floods[] = {
	{MR_TCP_SYNCOOKIES_PRESSED, "--rate 200k --connections 8 --duration 200ms"},
	{MR_TCP_SYNCOOKIES_ALWAYS, "--rate 200k --connections 8 --duration 200ms --ipv6"},
	{MR_TCP_SYNCOOKIES_NEVER, "--rate 200k --connections 8 --duration 200ms"},
};

/* Whatever it does about it: half-open connections, memory and answers are bounded, and honest clients get in, as fast as
 * without a flood. */
START_TEST(server_keeps_its_bounds)
{
	struct mr_stack *s;
	uint64_t memory, sent, again;

	begin(floods[_i].options);
	s = duo.end[1].stack;
	ck_assert_int_eq(mr_transproto_setopt(s, MR_TRANS_TCP, MR_OPT_TCP_SYNCOOKIES, floods[_i].cookies), 0);
	ck_assert_int_eq(server_open(sv), 0);
	memory = server_memory();
	for (unsigned i = 0; i < 200; i++) {
		turns(MS_TURNS);
		if (listener().half_open > HALF_OPEN)
			ck_abort_msg("%u half open", listener().half_open);
	}
	sent = mr_stack_counter(s, MR_CNT_TCP_SYNCOOKIES_SENT);
	again = mr_stack_counter(s, MR_CNT_TCP_RETRANSMITS);
	ck_assert_uint_gt(seen.syns, 30000);
	ck_assert_msg(server_memory() <= memory + (HALF_OPEN + 8) * 1024, "%lu, before %lu", server_memory(), memory);
	ck_assert_msg(seen.answers <= seen.syns + again && seen.answers + 50 >= seen.syns, "%lu answers to %lu", seen.answers,
	              seen.syns);
	ck_assert_uint_le(again, HALF_OPEN * SYN_ACK_RETRIES);
	if (floods[_i].cookies == MR_TCP_SYNCOOKIES_NEVER)
		ck_assert_uint_eq(sent, 0);
	else
		ck_assert_uint_ge(sent, seen.syns - HALF_OPEN);
	/* Eight clients, an operation each 10 ms. */
	ck_assert_uint_ge(cl->count.ops, 8 * 18);
	ck_assert_uint_eq(cl->count.failed, 0);
	ck_assert_uint_le(hist_quantile(cl->latency, 0.99), 4 * TURN_NS);
	ck_assert_uint_eq(sv->count.ops, cl->count.ops);
	end();
}
END_TEST

/* What stays half open is given up in the end, and what was held for it is free. */
START_TEST(server_recovers)
{
	begin("--rate 100k --duration 20ms");
	ck_assert_int_eq(server_open(sv), 0);
	turns(30 * MS_TURNS);
	ck_assert_uint_gt(listener().half_open, 20);
	for (unsigned i = 0; i < 100; i++) {
		duo.now += 1000000000;
		turns(10);
	}
	ck_assert_uint_eq(listener().half_open, 0);
	ck_assert_uint_le(seen.answers, seen.syns + HALF_OPEN * SYN_ACK_RETRIES);
	end();
}
END_TEST

static Suite *
suite(void)
{
	Suite *s = suite_create("bench_flood");
	TCase *tc = rig_case(s, "flood", NULL, NULL);

	tcase_add_loop_test(tc, as_asked_for, 0, RTE_DIM(rates));
	tcase_add_loop_test(tc, not_at_strangers, 0, 2);
	tcase_add_test(tc, link_full);
	tcase_add_loop_test(tc, server_keeps_its_bounds, 0, RTE_DIM(floods));
	tcase_add_test(tc, server_recovers);
	return s;
}

RIG_MAIN(suite)
