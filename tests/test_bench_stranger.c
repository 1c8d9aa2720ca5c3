/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The benchmark's servers opposite packet engines that play TCP by template, as dperf does: any source port, the third
 * segment of the handshake carries the request, an answer is one segment and acknowledges all of the request, the next
 * request is its only acknowledgement, and a tuple is used again at once with any sequence number. What is in order for such
 * a client is in three segments of the server's, and nothing that it must wait for.
 */
#include "rig/fixture.h"

#include <stdio.h>
#include <string.h>

#include "app/bench/server.h"

static const char http_request[] = "GET /aaaa HTTP/1.1\r\nUser-Agent: dperf\r\nHost: dperf\r\nAccept: */*\r\nPad: xxxxxx\r\n\r\n";

static const struct {
	const char *options, *request;
} servers[] = {
	{"tcp_crr", "q"},
	{"tcp_crr --response 1400", "q"},
	{"tcp_rr --ipv6 --request 4 --response 64", "quad"},
	{"http --response 128", http_request},
	{"http --response 1400 --ipv6", http_request},
};

static struct args args;
static struct server *sv;
static const char *request;
static uint32_t request_len;

static void
begin(const char *options, const char *what)
{
	char *argv[32] = {(char *)"bench", (char *)"--", (char *)"--server", (char *)"--mode"}, words[256];
	int argc = 4;

	snprintf(words, sizeof(words), strstr(options, "ipv6") ? "%s --server-address fd00::1/64 --client-address fd00::2/64" :
	                                                         "%s --server-address 10.0.0.1/24 --client-address 10.0.0.2/24", options);
	for (char *w = strtok(words, " "); w; w = strtok(NULL, " "))
		argv[argc++] = w;
	ck_assert_int_eq(args_parse(argc, argv, &args), ARGS_RUN);
	request = what;
	request_len = (uint32_t)strlen(what);
	rig_init(&rig, NULL);
	ck_assert_int_eq(server_create(&args, rig.stack, 1, &sv), 0);
	ck_assert_int_eq(server_open(sv), 0);
	rig_mark(&rig);
}

static void
end(void)
{
	rig_expect_none_for(&rig, RIG_S);
	rig_expect_no_drop(&rig);
	ck_assert_uint_eq(sv->open, 0);
	server_stop(sv);
	rig_fini(&rig);
	server_destroy(sv);
}

/* SYN with these numbers, and its answer. */
static void
call(uint16_t port, uint32_t iss)
{
	const struct rig_frame *f;

	rig_tcp_init(&t, &rig, args.v6);
	t.peer_port = port;
	t.port = args.service;
	t.iss = iss;
	t.ws = 13;
	t.sack = t.ts = false;
	t.wnd = 58400;
	rig_tcp_push(&t, RIG_SYN, 0, 0, 0);
	f = rig_expect(&rig, RIG_TCP);
	ck_assert_uint_eq(f->flags, RIG_SYN | RIG_ACK);
	ck_assert_uint_eq(f->ack, iss + 1);
	ck_assert(!f->has_ts && !f->has_sackok);
	t.irs = f->seq;
	t.snd = t.rcv = 1;
}

/* A request is answered in one segment. */
static void
ask(void)
{
	rig_tcp_push(&t, RIG_PSH | RIG_ACK, t.snd, t.rcv, request_len, .data = request);
	t.snd += request_len;
	rig_tcp_expect(&t, RIG_PSH | RIG_ACK, t.rcv, t.snd, args.response);
	rig_expect_none(&rig);
	t.rcv += args.response;
}

static void
leave(void)
{
	rig_tcp_push(&t, RIG_FIN | RIG_ACK, t.snd, t.rcv, 0);
	rig_tcp_expect(&t, RIG_FIN | RIG_ACK, t.rcv, t.snd + 1, 0);
	rig_tcp_push(&t, RIG_ACK, t.snd + 1, t.rcv + 1, 0);
	rig_expect_none(&rig);
}

/* Three segments for a connection; and the same tuple once more, wherever its numbers begin. */
START_TEST(three_segments)
{
	static const uint16_t ports[] = {1, 7, 1023, 65535};
	static const uint32_t iss[] = {0xfffffff0, 5, 0x80000000, 0x7fffffff, 0};

	begin(servers[_i].options, servers[_i].request);
	for (unsigned p = 0; p < RTE_DIM(ports); p++) {
		for (unsigned i = 0; i < RTE_DIM(iss); i++) {
			call(ports[p], iss[i]);
			ask();
			leave();
		}
	}
	ck_assert_uint_eq(sv->count.ops, RTE_DIM(ports) * RTE_DIM(iss));
	ck_assert_uint_eq(mr_stack_counter(rig.stack, MR_CNT_TCP_TX_SEGMENTS), 3 * sv->count.ops);
	end();
}
END_TEST

/* One segment for a request on a connection that stays; a client that is slow to ask again hears nothing meanwhile. */
START_TEST(kept_alive)
{
	begin(servers[_i].options, servers[_i].request);
	call(1, 1);
	for (unsigned i = 0; i < 100; i++) {
		ask();
		rig_advance(&rig, RIG_MS);
		rig_expect_none(&rig);
	}
	leave();
	ck_assert_uint_eq(sv->count.ops, 100);
	ck_assert_uint_eq(mr_stack_counter(rig.stack, MR_CNT_TCP_TX_SEGMENTS), 102);
	end();
}
END_TEST

static Suite *
suite(void)
{
	Suite *s = suite_create("bench_stranger");
	TCase *tc = rig_case(s, "templates", NULL, NULL);

	tcase_add_loop_test(tc, three_segments, 0, RTE_DIM(servers));
	tcase_add_loop_test(tc, kept_alive, 0, RTE_DIM(servers));
	return s;
}

RIG_MAIN(suite)
