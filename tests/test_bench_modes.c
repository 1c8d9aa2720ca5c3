/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The stack modes of the benchmark, client and server on two stacks in one thread and in virtual time: a turn of both
 * takes a microsecond, so an operation that takes one turn there and one back does too, and what a run counts is known
 * beforehand.
 */
#include "rig/rig.h"
#include "rig/duo.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "app/bench/client.h"
#include "app/bench/server.h"
#include "app/millrace/http_parse.h"

#define DIM(a) (sizeof(a) / sizeof((a)[0]))
#define TURN_NS 1000

static struct rig_duo duo;
static struct args args;
static struct client *cl;
static struct server *sv;

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
begin(const char *options, const struct mr_impair_cfg *impair)
{
	char *argv[32] = {(char *)"bench", (char *)"--", (char *)"--self", (char *)"--mode"}, words[512];
	struct rig_duo_opts o = {.impair = {impair, impair}};
	int argc = 4;

	snprintf(words, sizeof(words), "%s", options);
	for (char *w = strtok(words, " "); w; w = strtok(NULL, " "))
		argv[argc++] = w;
	ck_assert_int_eq(args_parse(argc, argv, &args), ARGS_RUN);
	for (unsigned i = 0; i < 2; i++) {
		o.stack[i].max_conns = o.stack[i].max_half_open = o.stack[i].max_endpoints = 2048;
		/* Memory that is touched is looked through for leaks: no more than needed. */
		if (args.request > 10000 || args.response > 10000)
			o.stack[i].rx_mbufs = o.stack[i].tx_mbufs = 8192;
	}
	rig_duo_init(&duo, &o);
	for (uint32_t i = 0; i < args.client_addresses && args.client_addresses > 1; i++) {
		struct mr_subnet a = {.addr = args_client_address(&args, i), .plen = args.v6 ? 64 : 24};

		ck_assert_int_eq(mr_addr_add(duo.end[0].stack, RIG_NIC, &a, MR_PEB_CAN_BE_PRIMARY), 0);
	}
	ck_assert_int_eq(mr_transproto_setopt(duo.end[0].stack, MR_TRANS_TCP, MR_OPT_TCP_TIMEWAIT_NS, 10000), 0);
	ck_assert_int_eq(client_create(&args, duo.end[0].stack, 0, 1, &cl), 0);
	ck_assert_int_eq(server_create(&args, duo.end[1].stack, 1, &sv), 0);
}

/* Everything open and running. */
static void
begin_running(const char *options)
{
	begin(options, NULL);
	ck_assert_int_eq(server_open(sv), 0);
	ck_assert_int_eq(client_open(cl), 0);
	turns(20000);
	if (!(args.mode->flags & MODE_F_EACH))
		ck_assert_uint_eq(cl->open, args.connections + args.held);
	ck_assert_uint_eq(cl->count.failed, 0);
	client_go(cl);
}

static void
end(void)
{
	client_stop(cl);
	server_stop(sv);
	turns(100);
	ck_assert_uint_eq(cl->open, 0);
	ck_assert_uint_eq(sv->open, 0);
	rig_duo_fini(&duo);
	client_destroy(cl);
	server_destroy(sv);
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
	"tcp_maerts --connections 3 --response 100k", "udp_stream", "udp_stream --ipv6 --connections 3 --request 100",
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
	uint64_t failed;

	begin(_i ? "udp_rr --connections 10" : "tcp_rr --connections 10", NULL);
	ck_assert_int_eq(client_open(cl), 0);
	turns(1000);
	client_go(cl);
	turns(300000);
	ck_assert_uint_gt(cl->count.failed, 0);
	ck_assert_int_eq(cl->last_error, -ECONNREFUSED);
	ck_assert_uint_eq(cl->count.ops, 0);

	ck_assert_int_eq(server_open(sv), 0);
	turns(300000);
	ck_assert_uint_eq(cl->open, 10);
	ck_assert_uint_gt(cl->count.ops, 1000);

	failed = cl->count.failed;
	server_stop(sv);
	turns(100);
	ck_assert_uint_eq(cl->count.failed, failed + 10);
	ck_assert_uint_eq(cl->under_way, 0);
	ck_assert_uint_eq(cl->open, 0);
	ck_assert_int_eq(server_open(sv), 0);
	turns(300000);
	ck_assert_uint_eq(cl->open, 10);
	failed = cl->count.ops;
	turns(100);
	ck_assert_uint_gt(cl->count.ops, failed + 500);
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

/* ---- HTTP: the server opposite strangers */

static struct mr_ep *stranger;
static char answer[16384];
static size_t answer_len;
static bool answer_over;

static void
stranger_call(void)
{
	struct mr_sockaddr to = {.addr = args.server.addr, .port = args.service};

	answer_len = 0;
	answer_over = false;
	ck_assert_int_eq(mr_ep_create(duo.end[0].stack, MR_TRANS_TCP, MR_NET_IPV4, &stranger), 0);
	ck_assert_int_eq(mr_ep_connect(stranger, &to), -EINPROGRESS);
	turns(20);
}

static void
stranger_say(const char *text, size_t len)
{
	ssize_t n;

	ck_assert_int_eq(mr_ep_send(stranger, text, len), (ssize_t)len);
	turns(10);
	while ((n = mr_ep_recv(stranger, answer + answer_len, sizeof(answer) - answer_len, NULL)) > 0)
		answer_len += (size_t)n;
	answer_over = n == 0;
	answer[answer_len] = 0;
}

static const struct {
	const char *text;
	unsigned answers;
	bool closes;
} strangers[] = {
	{"GET / HTTP/1.1\r\nHost: x\r\n\r\n", 1, false},
	{"GET / HTTP/1.1\nHost: x\n\n", 1, false},
	{"\r\n\r\nGET / HTTP/1.1\r\nHost: x\r\n\r\n", 1, false},
	{"GET / HTTP/1.1\r\nHost: x\r\n\r\nGET /2 HTTP/1.1\r\nHost: x\r\n\r\n", 2, false},
	{"GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n", 1, true},
	{"GET / HTTP/1.1\r\nHost: x\r\nconnection: CLOSE\r\nX: y\r\n\r\nGET / HTTP/1.1\r\n\r\n", 1, true},
	{"GET / HTTP/1.0\r\n\r\n", 1, true},
	{"GET / HTTP/1.0\r\nConnection: Keep-Alive\r\n\r\n", 1, false},
	{"GET / HTTP/1.1\r\nHost: x\r\nCookie: HTTP/1.0\r\n\r\n", 1, false},
	{"GET / HTTP/1.1\r\nHost: x\r\n", 0, false},
};

static unsigned
answers_count(void)
{
	unsigned n = 0;

	ck_assert_uint_eq(answer_len % args.response, 0);
	for (size_t at = 0; at < answer_len; at += args.response, n++) {
		ck_assert_ptr_eq(strstr(answer + at, "HTTP/1.1 200 OK\r\n"), answer + at);
		ck_assert(memcmp(answer + at, sv->response, args.response) == 0);
	}
	return n;
}

START_TEST(http_of_strangers)
{
	const char *text = strangers[_i].text;

	begin("http --response 200", NULL);
	ck_assert_int_eq(server_open(sv), 0);
	stranger_call();
	stranger_say(text, strlen(text));
	ck_assert_uint_eq(answers_count(), strangers[_i].answers);
	ck_assert_int_eq(answer_over, strangers[_i].closes);
	ck_assert_uint_eq(sv->open, !strangers[_i].closes);
	mr_ep_close(stranger);
	turns(10);
	end();
}
END_TEST

/* Wherever a request is cut in two, the number of answers is the same. */
START_TEST(http_in_two_pieces)
{
	static const char text[] = "GET /x HTTP/1.1\r\nHost: x\r\nAccept: */*\r\n\r\nGET /y HTTP/1.1\r\nHost: x\r\n\r\n";

	begin("http --response 200", NULL);
	ck_assert_int_eq(server_open(sv), 0);
	for (size_t cut = 1; cut < sizeof(text) - 1; cut++) {
		stranger_call();
		stranger_say(text, cut);
		stranger_say(text + cut, sizeof(text) - 1 - cut);
		ck_assert_msg(answers_count() == 2 && !answer_over, "cut at %zu: %u answers", cut, answers_count());
		mr_ep_close(stranger);
		turns(10);
	}
	end();
}
END_TEST

/* What the two ends say is HTTP, of exactly the size that was asked for. */
START_TEST(http_texts)
{
	static uint8_t buf[8001];

	for (uint32_t len = http_mode.request_min; len <= 400; len++) {
		struct http_parser p;
		size_t used;

		memset(buf, '#', sizeof(buf));
		http_mode.request_build(buf, len);
		ck_assert_uint_eq(buf[len], '#');
		http_parser_init(&p);
		ck_assert_int_eq(http_parse(&p, (const char *)buf, len, &used), HTTP_COMPLETE);
		ck_assert_uint_eq(used, len);
		ck_assert(!p.req.close && p.req.method == HTTP_GET);
	}
	for (uint32_t len = http_mode.response_min; len <= 1000; len++) {
		const char *end_of_head, *length;

		memset(buf, '#', sizeof(buf));
		http_mode.response_build(buf, len);
		ck_assert_uint_eq(buf[len], '#');
		buf[len] = 0;
		length = strstr((char *)buf, "\r\nContent-Length: ");
		end_of_head = strstr((char *)buf, "\r\n\r\n");
		ck_assert(length && end_of_head && length < end_of_head);
		ck_assert_uint_eq(strtoul(length + 18, NULL, 10), len - (uint32_t)(end_of_head + 4 - (char *)buf));
	}
}
END_TEST

/* ---- HTTP: the client opposite strangers */

static struct mr_ep *strange_listener;
static const char *strange_text;
static size_t strange_cut; /* the answer comes in pieces of so many bytes */

/* A server that knows one answer. */
static void
strange_serve(struct mr_ep *ep)
{
	static size_t said;
	char buf[4096];
	ssize_t n;

	while ((n = mr_ep_recv(ep, buf, sizeof(buf), NULL)) > 0)
		said = 0;
	if (n == -EAGAIN && said < strlen(strange_text)) {
		size_t len = strlen(strange_text) - said;

		len = len < strange_cut ? len : strange_cut;
		mr_ep_setopt(ep, MR_OPT_TCP_NODELAY, 1);
		mr_ep_send(ep, strange_text + said, len);
		said += len;
	}
}

static const struct {
	const char *text;
	bool good;
} strange_answers[] = {
	{"HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nabc", true},
	{"HTTP/1.0 204 No\r\nX: y\r\ncontent-length:0\r\n\r\n", true},
	{"HTTP/1.1 206 P\r\nX-Content-Length: 7\r\nCONTENT-LENGTH:   10\r\nY: z\r\n\r\n\r\n\r\n\r\n\r\nab", true},
	{"HTTP/1.1 404 No\r\nContent-Length: 3\r\n\r\nabc", false},
	{"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n", false},
	{"HTTP/1.1 200 OK\r\nContent-Length: -1\r\n\r\nabc", false},
	{"HTTP/1.1 200 OK\r\nContent-Length: 99999999999\r\n\r\nabc", false},
	{"SSH-2.0-whatever\r\n\r\n", false},
	{"HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\nabc", false},
};

START_TEST(http_of_strange_servers)
{
	static const size_t cuts[] = {10000, 7, 1};
	struct mr_sockaddr at = {.port = 80};
	struct mr_ep *served = NULL;

	begin("http", NULL);
	strange_text = strange_answers[_i / 3].text;
	strange_cut = cuts[_i % 3];
	ck_assert_int_eq(mr_ep_create(duo.end[1].stack, MR_TRANS_TCP, MR_NET_IPV4, &strange_listener), 0);
	ck_assert_int_eq(mr_ep_bind(strange_listener, &at), 0);
	ck_assert_int_eq(mr_ep_listen(strange_listener, 5), 0);
	ck_assert_int_eq(client_open(cl), 0);
	turns(20000);
	client_go(cl);
	ck_assert_int_eq(mr_ep_accept(strange_listener, &served), 0);
	for (unsigned i = 0; i < 1000 && cl->count.failed == 0; i++) {
		turns(1);
		strange_serve(served);
	}
	if (strange_answers[_i / 3].good) {
		ck_assert_uint_eq(cl->count.failed, 0);
		ck_assert_msg(cl->count.ops >= 900 / (strlen(strange_text) / strange_cut + 4), "%lu", cl->count.ops);
	} else {
		ck_assert_int_eq(cl->last_error, -EBADMSG);
	}
	mr_ep_abort(served);
	mr_ep_close(strange_listener);
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

	tc = rig_case(s, "http", NULL, NULL);
	tcase_add_loop_test(tc, http_of_strangers, 0, DIM(strangers));
	tcase_add_test(tc, http_in_two_pieces);
	tcase_add_test(tc, http_texts);
	tcase_add_loop_test(tc, http_of_strange_servers, 0, 3 * DIM(strange_answers));
	return s;
}

RIG_MAIN(suite)
