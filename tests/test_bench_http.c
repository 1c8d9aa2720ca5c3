/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The benchmark's HTTP, client and server each opposite a stranger: requests and answers whole, in pieces, and wrong.
 */
#include "rig/duo.h"

#include <errno.h>
#include <string.h>

#include "app/bench/client.h"
#include "app/bench/server.h"
#include "app/millrace/http_parse.h"
#include "bench_modes.h"

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
	Suite *s = suite_create("bench_http");
	TCase *tc = rig_case(s, "http", NULL, NULL);

	tcase_add_loop_test(tc, http_of_strangers, 0, DIM(strangers));
	tcase_add_test(tc, http_in_two_pieces);
	tcase_add_test(tc, http_texts);
	tcase_add_loop_test(tc, http_of_strange_servers, 0, 3 * DIM(strange_answers));
	return s;
}

RIG_MAIN(suite)
