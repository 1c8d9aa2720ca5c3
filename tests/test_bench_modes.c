/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The stack modes of the benchmark, client and server on two stacks in one thread and in virtual time: a turn of both
 * takes a microsecond, so an operation that takes one turn there and one back does too, and what a run counts is known
 * beforehand.
 */
#include "rig/duo.h"

#include <errno.h>
#include <string.h>

#include "app/bench/client.h"
#include "app/bench/server.h"
#include "app/millrace/http_parse.h"
#include "bench_modes.h"

/* Everything open and running. */
static void
begin_running(const char *options)
{
	begin(options, NULL);
	ck_assert_int_eq(server_open(sv), 0);
	ck_assert_int_eq(client_open(cl), 0);
	turns_until(cl->open == args.held + (args.mode->flags & MODE_F_EACH ? 0 : args.connections), 20000);
	if (!(args.mode->flags & MODE_F_EACH))
		ck_assert_uint_eq(cl->open, args.connections + args.held);
	turns(100);
	ck_assert_uint_eq(cl->count.failed, 0);
	client_go(cl);
}

static void
check_clean(void)
{
	ck_assert_uint_eq(cl->count.lost, 0);
	ck_assert_uint_eq(cl->count.failed, 0);
	ck_assert_uint_eq(sv->count.refused, 0);
	for (unsigned i = 0; i < 2; i++)
		ck_assert_uint_eq(mr_stack_counter(duo.end[i].stack, MR_CNT_TCP_RETRANSMITS), 0);
}

/* ---- request and response */

static const struct {
	const char *options;
	uint64_t ops; /* in 1000 turns, at least; and at most a tenth more */
} rounds[] = {
	{"udp_rr", 990},
	{"udp_rr --ipv6 --connections 7 --request 100 --response 1200", 6900},
	{"tcp_rr", 990},
	{"tcp_rr --ipv6 --connections 7", 6900},
	{"tcp_rr --pipeline 4", 3900},
	{"tcp_rr --connections 3 --pipeline 2 --request 10 --response 1000", 5900},
	{"tcp_rr --connections 10 --inflight 3", 2900},
	{"tcp_crr", 330}, /* SYN there and back, request there and back, and one turn between */
	{"tcp_crr --connections 5 --ipv6", 1650},
	{"http", 990},
	{"http --connections 4 --pipeline 3 --request 200 --response 300", 11800},
};

START_TEST(rounds_as_many_as_turns)
{
	const char *what = rounds[_i].options;
	uint64_t ops;

	begin_running(what);
	turns(100);
	ops = cl->count.ops;
	turns(1000);
	ops = cl->count.ops - ops;
	ck_assert_msg(ops >= rounds[_i].ops && ops <= rounds[_i].ops * 11 / 10 + 1, "%s: %lu", what, ops);
	check_clean();
	ck_assert(sv->count.ops >= cl->count.ops && sv->count.ops <= cl->count.ops + args.inflight);
	ck_assert(cl->count.bytes == cl->count.ops * (args.request + args.response));
	ck_assert(cl->latency->n == cl->count.ops);
	ck_assert_uint_le(cl->under_way, args.inflight);
	end();
}
END_TEST

/* Connections that are held beside those of the operations: all open, none of them used, and the rate is the same. */
START_TEST(held_beside)
{
	static const char *const modes[] = {"tcp_rr --held 300", "tcp_crr --held 300"};
	uint32_t n, with_ops;
	uint64_t ops;

	begin_running(modes[_i]);
	with_ops = args.mode->flags & MODE_F_EACH ? 0 : 1;
	turns(100);
	n = cl->open;
	ck_assert_uint_ge(n, 300 + with_ops);
	ck_assert_uint_le(n, 301);
	ops = cl->count.ops;
	turns(1000);
	ops = cl->count.ops - ops;
	ck_assert_uint_ge(ops, with_ops ? 990 : 330);
	for (unsigned i = 0; i < 300; i++) {
		if (cl->conns[cl->n + i].state != CONN_OPEN || cl->conns[cl->n + i].under_way > 0)
			ck_abort_msg("held %u", i);
	}
	check_clean();
	end();
}
END_TEST

/* The time of an operation is that of its turns. */
START_TEST(latency_is_known)
{
	begin_running("tcp_rr");
	turns(100);
	client_measure(cl);
	turns(1000);
	client_measured(cl);
	turns(1000);
	ck_assert_uint_eq(cl->measured->n, 1000);
	ck_assert_uint_eq(cl->measured->max, TURN_NS);
	ck_assert(hist_quantile(cl->measured, 0.001) == TURN_NS);
	end();
}
END_TEST

static const char *const large[] = {
	"tcp_rr --request 5000 --response 200k",
	"tcp_rr --request 256k --response 1",
	"tcp_rr --connections 3 --pipeline 2 --request 100k --response 300k",
	"http --request 8000 --response 100k --pipeline 2",
	"tcp_crr --request 20k --response 20k --connections 3",
};

START_TEST(large_messages)
{
	begin_running(large[_i]);
	turns(5000);
	check_clean();
	ck_assert_uint_gt(cl->count.ops, 5);
	ck_assert_uint_le(sv->count.ops - cl->count.ops, args.inflight);
	ck_assert(cl->count.bytes == cl->count.ops * (args.request + args.response));
	end();
}
END_TEST

/* ---- pacing */

static const struct {
	const char *options;
	unsigned ops; /* in 100 ms, one more or less */
} paces[] = {
	{"tcp_rr --connections 8 --rate 10k", 1000},
	{"tcp_rr --rate 777", 78},
	{"udp_rr --connections 8 --rate 20k", 2000},
	{"tcp_crr --connections 8 --rate 5k", 500},
	{"udp_stream --rate 10k", 1000},
	{"tcp_rr --think 1ms --connections 5", 495}, /* and a tick late, at worst */
	{"http --think 10ms", 10},
};

START_TEST(pace_is_kept)
{
	uint64_t ops;

	begin_running(paces[_i].options);
	turns(1000);
	ops = cl->count.ops;
	turns(100000);
	ops = cl->count.ops - ops;
	ck_assert_msg(ops + 6 >= paces[_i].ops && ops <= paces[_i].ops + 6, "%s: %lu", paces[_i].options, ops);
	check_clean();
	end();
}
END_TEST

/* At a rate, what starts late counts from when it should have started. */
START_TEST(latency_at_a_rate)
{
	begin_running("tcp_rr --rate 1m --connections 64");
	turns(1000);
	client_measure(cl);
	client_set_rate(cl, 2e6);
	cl->inflight = 1; /* one each turn goes, two should */
	turns(1000);
	ck_assert_uint_ge(cl->latency->n, 990);
	ck_assert_uint_ge(cl->latency->max, 400 * TURN_NS);
	ck_assert_uint_eq(cl->count.lost, 0);
	end();
}
END_TEST

/* With fewer under way than there are connections, all take turns. */
START_TEST(inflight_rotates)
{
	uint64_t oldest = UINT64_MAX;

	begin_running("tcp_rr --connections 100 --inflight 4");
	turns(1000);
	for (unsigned i = 0; i < 100; i++)
		oldest = oldest < cl->conns[i].time_ns ? oldest : cl->conns[i].time_ns;
	ck_assert_uint_ge(oldest, duo.now - 30 * TURN_NS);
	ck_assert_uint_le(cl->under_way, 4);
	end();
}
END_TEST

/* ---- bulk and held connections */

static const char *const bulks[] = {
	"tcp_stream", "tcp_stream --ipv6 --connections 3 --request 1000", "tcp_maerts",
	"tcp_maerts --connections 3 --response 100k", "tcp_stream --zero-copy", "tcp_maerts --zero-copy --response 100001",
	"udp_stream", "udp_stream --ipv6 --connections 3 --request 100",
};

START_TEST(bulk)
{
	bool maerts = strncmp(bulks[_i], "tcp_maerts", 10) == 0;
	uint64_t size;

	begin_running(bulks[_i]);
	turns(2000);
	check_clean();
	size = maerts ? args.response : args.request;
	ck_assert_uint_gt(cl->count.bytes, 1000000);
	ck_assert_uint_gt(sv->count.bytes, 1000000);
	ck_assert_uint_le(cl->count.bytes / size - cl->count.ops, args.connections);
	ck_assert_uint_le(sv->count.bytes / size - sv->count.ops, args.connections);
	/* Nobody has received what was not sent; at a server of tcp_maerts whole messages count, and only those. */
	if (!maerts)
		ck_assert(sv->count.bytes <= cl->count.bytes);
	end();
}
END_TEST

/* More than the wire takes: it is found out by asking, not by losing. */
START_TEST(push_backs_off)
{
	uint64_t drops;

	begin_running("udp_stream");
	turns(3000);
	ck_assert_uint_gt(cl->burst, 32);
	/* b does not turn, so the wire fills. */
	for (unsigned i = 0; i < 3000; i++)
		mr_stack_poll(duo.end[0].stack, duo.now += TURN_NS);
	ck_assert_uint_le(cl->burst, 2);
	drops = mr_stack_counter(duo.end[0].stack, MR_DROP_NIC_TXQ_FULL);
	ck_assert_uint_eq(drops, 0);
	turns(3000);
	ck_assert_uint_gt(cl->burst, 32);
	end();
}
END_TEST

START_TEST(connections_held)
{
	begin("tcp_cc --connections 1000 --services 3", NULL);
	ck_assert_int_eq(server_open(sv), 0);
	ck_assert_int_eq(client_open(cl), 0);
	turns(20000);
	check_clean();
	ck_assert_uint_eq(cl->open, 1000);
	ck_assert_uint_eq(cl->count.ops, 1000);
	ck_assert_uint_eq(cl->latency->n, 1000);
	ck_assert_uint_eq(sv->open, 1000);
	ck_assert_uint_eq(sv->count.ops, 1000);
	turns(50000);
	ck_assert_uint_eq(cl->open, 1000);
	ck_assert_uint_eq(cl->count.ops, 1000);
	end();
}
END_TEST

START_TEST(connections_opened_at_a_rate)
{
	begin("tcp_cc --connections 1000 --rate 10k", NULL);
	ck_assert_int_eq(server_open(sv), 0);
	ck_assert_int_eq(client_open(cl), 0);
	turns(50000);
	ck_assert_msg(cl->open >= 490 && cl->open <= 501, "%u", cl->open);
	end();
}
END_TEST

/* From many addresses to many services, evenly. */
START_TEST(places_are_shared)
{
	unsigned per_address[5] = {0}, per_service[3] = {0};

	begin_running(_i ? "udp_rr --connections 60 --client-addresses 5 --services 3 --server-address 10.0.0.2/24 "
	                   "--client-address 10.0.0.10/24" :
	                   "tcp_rr --connections 60 --client-addresses 5 --services 3 --server-address 10.0.0.2/24 "
	                   "--client-address 10.0.0.10/24");
	turns(1000);
	for (unsigned i = 0; i < 60; i++) {
		struct mr_sockaddr from, to;

		ck_assert_int_eq(mr_ep_local_name(cl->conns[i].ep, &from), 0);
		ck_assert_int_eq(mr_ep_remote_name(cl->conns[i].ep, &to), 0);
		per_address[from.addr.b[15] - 10]++;
		per_service[to.port - args.service]++;
	}
	for (unsigned i = 0; i < 5; i++)
		ck_assert_uint_eq(per_address[i], 12);
	for (unsigned i = 0; i < 3; i++)
		ck_assert_uint_eq(per_service[i], 20);
	ck_assert_uint_gt(cl->count.ops, 60);
	end();
}
END_TEST

/* ---- when things go wrong */

/* Nobody listens; later somebody does; then everything is reset, and opened again. */
START_TEST(server_comes_and_goes)
{
	uint64_t failed, before;

	begin(_i ? "udp_rr --connections 10" : "tcp_rr --connections 10", NULL);
	ck_assert_int_eq(client_open(cl), 0);
	turns(1000);
	client_go(cl);
	turns_until(cl->last_error && cl->count.failed > 0, 300000);
	ck_assert_uint_gt(cl->count.failed, 0);
	ck_assert_int_eq(cl->last_error, -ECONNREFUSED);
	ck_assert_uint_eq(cl->count.ops, 0);

	ck_assert_int_eq(server_open(sv), 0);
	turns_until(cl->open == 10 && cl->count.ops > 1000, 300000);
	ck_assert_uint_eq(cl->open, 10);
	ck_assert_uint_gt(cl->count.ops, 1000);

	failed = cl->count.failed;
	server_stop(sv);
	turns(100);
	ck_assert_uint_eq(cl->count.failed, failed + 10);
	ck_assert_uint_eq(cl->under_way, 0);
	ck_assert_uint_eq(cl->open, 0);
	ck_assert_int_eq(server_open(sv), 0);
	before = cl->count.ops;
	turns_until(cl->open == 10 && cl->count.ops > before, 300000);
	ck_assert_uint_eq(cl->open, 10);
	before = cl->count.ops;
	turns(100);
	ck_assert_uint_gt(cl->count.ops, before + 500);
	end();
}
END_TEST

START_TEST(lost_datagrams)
{
	static const struct mr_impair_cfg loss = {.seed = 1, .loss_ppm = 100000};
	uint64_t ops, lost;

	begin("udp_rr --connections 4", &loss);
	ck_assert_int_eq(server_open(sv), 0);
	ck_assert_int_eq(client_open(cl), 0);
	turns(1000);
	client_go(cl);
	/* A connection is out for half a second after each loss. */
	for (unsigned i = 0; i < 200; i++) {
		duo.now += 50000000;
		turns(100);
	}
	ops = cl->count.ops;
	lost = cl->count.lost;
	ck_assert_msg(lost > 40 && ops > 2 * lost && ops < 8 * lost, "%lu, %lu lost", ops, lost);
	ck_assert_uint_eq(cl->open, 4);
	end();
}
END_TEST

/* An answer that comes when it was given up is not taken for the next one's. */
START_TEST(late_datagrams)
{
	static const struct mr_impair_cfg slow = {.seed = 1, .delay_ns = 400000000};

	begin("udp_rr", &slow);
	ck_assert_int_eq(server_open(sv), 0);
	ck_assert_int_eq(client_open(cl), 0);
	turns(10);
	client_go(cl);
	for (unsigned i = 0; i < 3000; i++) {
		duo.now += 10000000;
		turns(1);
	}
	ck_assert_uint_eq(cl->count.ops, 0);
	ck_assert_uint_gt(cl->count.lost, 40);
	ck_assert_uint_gt(sv->count.ops, 40);
	end();
}
END_TEST

/* A server that says more than it should. */
START_TEST(answer_too_long)
{
	struct args shorter;

	begin("tcp_rr --response 2", NULL);
	shorter = args;
	shorter.response = 1;
	cl->args = &shorter;
	ck_assert_int_eq(server_open(sv), 0);
	ck_assert_int_eq(client_open(cl), 0);
	turns(20000);
	client_go(cl);
	turns(100);
	ck_assert_int_eq(cl->last_error, -EMSGSIZE);
	ck_assert_uint_gt(cl->count.failed, 0);
	end();
}
END_TEST

static Suite *
suite(void)
{
	Suite *s = suite_create("bench_modes");
	TCase *tc = rig_case(s, "modes", NULL, NULL);

	tcase_add_loop_test(tc, rounds_as_many_as_turns, 0, DIM(rounds));
	tcase_add_loop_test(tc, held_beside, 0, 2);
	tcase_add_test(tc, latency_is_known);
	tcase_add_loop_test(tc, large_messages, 0, DIM(large));
	tcase_add_loop_test(tc, pace_is_kept, 0, DIM(paces));
	tcase_add_test(tc, latency_at_a_rate);
	tcase_add_test(tc, inflight_rotates);
	tcase_add_loop_test(tc, bulk, 0, DIM(bulks));
	tcase_add_test(tc, push_backs_off);
	tcase_add_test(tc, connections_held);
	tcase_add_test(tc, connections_opened_at_a_rate);
	tcase_add_loop_test(tc, places_are_shared, 0, 2);
	tcase_add_loop_test(tc, server_comes_and_goes, 0, 2);
	tcase_add_test(tc, lost_datagrams);
	tcase_add_test(tc, late_datagrams);
	tcase_add_test(tc, answer_too_long);

	return s;
}

RIG_MAIN(suite)
