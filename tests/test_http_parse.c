/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The server's HTTP parser on whole, split and damaged requests.
 */
#include "http_request.h"

static const struct request {
	const char *text;
	enum http_method method;
	const char *target;
	bool close, http10, chunked;
	uint64_t length;
} requests[] = {
	{"GET / HTTP/1.1\r\n" HOST "\r\n", HTTP_GET, "/"},
	{"GET / HTTP/1.1\n"
	 "Host: x\n\n",
	 HTTP_GET, "/"},
	{"\r\n\n\r\nGET /a?b=c%20 HTTP/1.1\r\nhOST:x\r\n\r\n", HTTP_GET, "/a?b=c%20"},
	{"HEAD /bytes/64 HTTP/1.1\r\nHost:\r\n\r\n", HTTP_HEAD, "/bytes/64"},
	{"GET / HTTP/1.0\r\n\r\n", HTTP_GET, "/", .close = true, .http10 = true},
	{"GET / HTTP/1.0\r\nConnection: Keep-Alive\r\n\r\n", HTTP_GET, "/", .http10 = true},
	{"GET / HTTP/1.0\r\nConnection: keep-alive, close\r\n\r\n", HTTP_GET, "/", .close = true, .http10 = true},
	{"GET / HTTP/1.7\r\n" HOST "\r\n", HTTP_GET, "/"},
	{"GET / HTTP/1.1\r\n" HOST "Connection: close\r\n\r\n", HTTP_GET, "/", .close = true},
	{"GET / HTTP/1.1\r\n" HOST "Connection:\t x , CLOSE \t\r\n\r\n", HTTP_GET, "/", .close = true},
	{"GET / HTTP/1.1\r\n" HOST "Connection: close, x\r\n\r\n", HTTP_GET, "/", .close = true},
	{"GET / HTTP/1.1\r\n" HOST "Connection: x\r\nConnection: close\r\n\r\n", HTTP_GET, "/", .close = true},
	{"GET / HTTP/1.1\r\n" HOST "Connection: closed, not close\r\n\r\n", HTTP_GET, "/"},
	{"GET / HTTP/1.1\r\n" HOST "X-Connection: close\r\nConnection-X: close\r\n\r\n", HTTP_GET, "/"},
	{"GET / HTTP/1.1\r\n" HOST "Expect: 100-continue\r\nX: \x80\xff \"a\", b\r\n\r\n", HTTP_GET, "/"},
	{"GET http://host/p?q HTTP/1.1\r\n" HOST "\r\n", HTTP_GET, "/p?q"},
	{"GET HTTP://host:80 HTTP/1.1\r\n" HOST "\r\n", HTTP_GET, "/"},
	{"GET http://host?q HTTP/1.1\r\n" HOST "\r\n", HTTP_GET, "/?q"},
	{"POST / HTTP/1.1\r\n" HOST "Content-Length: 3\r\n\r\n", HTTP_OTHER, "/", .length = 3},
	{"PUT / HTTP/1.1\r\n" HOST "Content-Length: 0\r\n\r\n", HTTP_OTHER, "/"},
	{"POST / HTTP/1.1\r\n" HOST "Content-Length: 007, 7\r\nContent-Length: 7\r\n\r\n", HTTP_OTHER, "/",
	 .length = 7},
	{"POST / HTTP/1.1\r\n" HOST "Content-Length: 999999999999999999\r\n\r\n", HTTP_OTHER, "/",
	 .length = 999999999999999999},
	{"POST / HTTP/1.1\r\n" HOST "Transfer-Encoding: Chunked\r\n\r\n", HTTP_OTHER, "/", .chunked = true},
	{"OPTIONS * HTTP/1.1\r\n" HOST "\r\n", HTTP_OTHER, "*"},
	{"CONNECT a:80 HTTP/1.1\r\n" HOST "\r\n", HTTP_OTHER, "a:80"},
	{"BREW / HTTP/1.1\r\n" HOST "\r\n", HTTP_UNKNOWN, "/"},
	{"get / HTTP/1.1\r\n" HOST "\r\n", HTTP_UNKNOWN, "/"},
	{"GETGETGETGETGETGETGETGETGETGETGETGETGETGET / HTTP/1.1\r\n" HOST "\r\n", HTTP_UNKNOWN, "/"},
};

START_TEST(request_is_read)
{
	const struct request *want = &requests[_i];
	size_t len = strlen(want->text);
	char text[512];

	/* What follows belongs to the next request. */
	snprintf(text, sizeof(text), "%sGET", want->text);
	for (size_t piece = 1; piece <= len + 3; piece++) {
		struct http_parser p;
		size_t used;

		ck_assert_msg(parse_pieces(&p, text, len + 3, piece, &used) == HTTP_COMPLETE, "%s: %u", want->text,
		              p.status);
		ck_assert_uint_eq(used, len);
		ck_assert_int_eq(p.req.method, want->method);
		ck_assert_str_eq(p.req.target, want->target);
		ck_assert_int_eq(p.req.close, want->close);
		ck_assert_int_eq(p.req.http10, want->http10);
		ck_assert_int_eq(p.req.chunked, want->chunked);
		ck_assert(p.req.content_length == want->length);
	}
}
END_TEST

static const struct {
	const char *text;
	unsigned status;
} wrongs[] = {
	/* request line */
	{" GET / HTTP/1.1\r\n", 400},
	{"\rGET / HTTP/1.1\r\n", 400},
	{"GET\r\n", 400},
	{"GET /\r\n", 400},
	{"GET  / HTTP/1.1\r\n", 400},
	{"GET /  HTTP/1.1\r\n", 400},
	{"GET\t/ HTTP/1.1\r\n", 400},
	{"G(T / HTTP/1.1\r\n", 400},
	{"GET /a\x01 HTTP/1.1\r\n", 400},
	{"GET /a\x7f HTTP/1.1\r\n", 400},
	{"GET a HTTP/1.1\r\n", 400},
	{"GET * HTTP/1.1\r\n", 400},
	{"GET http:///a HTTP/1.1\r\n", 400},
	{"GET https://a/ HTTP/1.1\r\n", 400},
	{"GET / http/1.1\r\n", 400},
	{"GET / HTTP/1\r\n", 400},
	{"GET / HTTP/1.\r\n", 400},
	{"GET / HTTP/1.10\r\n", 400},
	{"GET / HTTP/x.1\r\n", 400},
	{"GET / HTTP/1.1 \r\n", 400},
	{"GET / HTTP/1.1\rX", 400},
	{"GET / HTTP/2.0\r\n", 505},
	{"GET / HTTP/0.9\r\n", 505},
	{"\x16\x03\x01\x02", 400}, /* TLS */
	/* fields */
	{"GET / HTTP/1.1\r\n\r\n", 400},
	{"GET / HTTP/1.1\r\n" HOST HOST "\r\n", 400},
	{"GET / HTTP/1.1\r\n" HOST "Host\r\n", 400},
	{"GET / HTTP/1.1\r\n" HOST "X : y\r\n", 400},
	{"GET / HTTP/1.1\r\n" HOST ": y\r\n", 400},
	{"GET / HTTP/1.1\r\n" HOST " folded\r\n", 400},
	{"GET / HTTP/1.1\r\n" HOST "X: a\rb\r\n", 400},
	{"GET / HTTP/1.1\r\n" HOST "X: a\x02\r\n", 400},
	{"GET / HTTP/1.1\r\n" HOST "X: a\x7f\r\n", 400},
	{"GET / HTTP/1.1\r\n" HOST "\rX", 400},
	{"GET / HTTP/1.1\r\n" HOST "Content-Length:\r\n", 400},
	{"GET / HTTP/1.1\r\n" HOST "Content-Length: -1\r\n", 400},
	{"GET / HTTP/1.1\r\n" HOST "Content-Length: +1\r\n", 400},
	{"GET / HTTP/1.1\r\n" HOST "Content-Length: 1 1\r\n", 400},
	{"GET / HTTP/1.1\r\n" HOST "Content-Length: 0x1\r\n", 400},
	{"GET / HTTP/1.1\r\n" HOST "Content-Length: 1, 2\r\n", 400},
	{"GET / HTTP/1.1\r\n" HOST "Content-Length: 1\r\nContent-Length: 2\r\n", 400},
	{"GET / HTTP/1.1\r\n" HOST "Content-Length: 1000000000000000000\r\n", 400},
	{"GET / HTTP/1.1\r\n" HOST "Content-Length: 18446744073709551617\r\n", 400},
	{"GET / HTTP/1.1\r\n" HOST "Content-Length: 00000000000000000000000000000000000001\r\n", 400},
	{"GET / HTTP/1.1\r\n" HOST "Content-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n", 400},
	{"GET / HTTP/1.1\r\n" HOST "Transfer-Encoding: chunked\r\nContent-Length: 3\r\n\r\n", 400},
	{"GET / HTTP/1.1\r\n" HOST "Transfer-Encoding: gzip, chunked\r\n", 501},
	{"GET / HTTP/1.1\r\n" HOST "Transfer-Encoding: chunked, chunked\r\n", 400},
	{"GET / HTTP/1.1\r\n" HOST "Transfer-Encoding:\r\n", 501},
	{"GET / HTTP/1.1\r\n" HOST "Transfer-Encoding: chunked x\r\n", 501},
	{"GET / HTTP/1.0\r\nTransfer-Encoding: chunked\r\n", 400},
};

START_TEST(wrong_request_is_refused)
{
	const char *text = wrongs[_i].text;
	size_t len = strlen(text);

	for (size_t piece = 1; piece <= len; piece++) {
		struct http_parser p;
		size_t used, more;

		ck_assert_msg(parse_pieces(&p, text, len, piece, &used) == HTTP_ERROR, "%s", text);
		ck_assert_msg(p.status == wrongs[_i].status, "%s: %u", text, p.status);
		/* It stays refused, and takes no more. */
		ck_assert_int_eq(http_parse(&p, "GET / HTTP/1.1\r\n\r\n", 18, &more), HTTP_ERROR);
		ck_assert_uint_eq(more, 0);
		ck_assert_uint_eq(p.status, wrongs[_i].status);
	}
}
END_TEST

START_TEST(nul_is_refused)
{
	static const char text[] = "GET / HTTP/1.1\r\nHost: x\r\nX: y\r\n\r\n";
	struct http_parser p;
	size_t used;

	for (size_t i = 0; i < sizeof(text) - 1; i++) {
		char copy[sizeof(text)];

		memcpy(copy, text, sizeof(text));
		copy[i] = '\0';
		ck_assert_int_eq(parse_pieces(&p, copy, sizeof(text) - 1, sizeof(text), &used), HTTP_ERROR);
		ck_assert_uint_eq(p.status, 400);
		ck_assert_uint_eq(used, i + 1);
	}
}
END_TEST

START_TEST(head_of_8_kib_and_no_more)
{
	char text[HTTP_HEAD_MAX + 2];
	struct http_parser p;
	size_t used;
	int n = snprintf(text, sizeof(text), "GET / HTTP/1.1\r\n" HOST "X: ");

	memset(text + n, 'x', sizeof(text) - n);
	memcpy(text + HTTP_HEAD_MAX - 4, "\r\n\r\n", 4);
	ck_assert_int_eq(parse_pieces(&p, text, HTTP_HEAD_MAX, 100, &used), HTTP_COMPLETE);
	ck_assert_uint_eq(used, HTTP_HEAD_MAX);
	memset(text + n, 'x', sizeof(text) - n);
	memcpy(text + HTTP_HEAD_MAX - 3, "\r\n\r\n", 4);
	ck_assert_int_eq(parse_pieces(&p, text, HTTP_HEAD_MAX + 1, 100, &used), HTTP_ERROR);
	ck_assert_uint_eq(p.status, 431);
	/* Empty lines without end are no way around it. */
	memset(text, '\n', sizeof(text));
	ck_assert_int_eq(parse_pieces(&p, text, HTTP_HEAD_MAX + 1, 100, &used), HTTP_ERROR);
	ck_assert_uint_eq(p.status, 431);
}
END_TEST

START_TEST(target_of_1_kib_and_no_more)
{
	char text[HTTP_TARGET_MAX + 100], target[HTTP_TARGET_MAX + 2];
	struct http_parser p;
	size_t used;

	memset(target, 'a', sizeof(target));
	target[0] = '/';
	target[HTTP_TARGET_MAX] = '\0';
	snprintf(text, sizeof(text), "GET %s HTTP/1.1\r\n" HOST "\r\n", target);
	ck_assert_int_eq(parse_pieces(&p, text, strlen(text), 7, &used), HTTP_COMPLETE);
	ck_assert_str_eq(p.req.target, target);
	target[HTTP_TARGET_MAX] = 'a';
	target[HTTP_TARGET_MAX + 1] = '\0';
	snprintf(text, sizeof(text), "GET %s HTTP/1.1\r\n" HOST "\r\n", target);
	ck_assert_int_eq(parse_pieces(&p, text, strlen(text), 7, &used), HTTP_ERROR);
	ck_assert_uint_eq(p.status, 414);
	/* The longest absolute form without a path, which gets one. */
	memcpy(target, "http://", 7);
	target[HTTP_TARGET_MAX] = '\0';
	snprintf(text, sizeof(text), "GET %s HTTP/1.1\r\n" HOST "\r\n", target);
	ck_assert_int_eq(parse_pieces(&p, text, strlen(text), 7, &used), HTTP_COMPLETE);
	ck_assert_str_eq(p.req.target, "/");
}
END_TEST

START_TEST(pipelined_requests_one_by_one)
{
	static const char text[] =
	        "GET /1 HTTP/1.1\r\n" HOST "\r\nHEAD /2 HTTP/1.0\r\n\r\nGET /3 HTTP/1.1\r\n" HOST "\r\n";
	static const char *const targets[] = {"/1", "/2", "/3"};
	size_t at = 0, used;

	for (unsigned i = 0; i < DIM(targets); i++) {
		struct http_parser p;

		ck_assert_int_eq(parse_pieces(&p, text + at, sizeof(text) - 1 - at, 1000, &used), HTTP_COMPLETE);
		ck_assert_str_eq(p.req.target, targets[i]);
		ck_assert_int_eq(p.req.close, i == 1);
		at += used;
	}
	ck_assert_uint_eq(at, sizeof(text) - 1);
}
END_TEST

/* Any bytes at all: no crash, and the same result however they are cut. */
START_TEST(random_requests)
{
	static const char alphabet[] = "GET /HTP1.0:\r\n\r\n\r\n x,Content-Length: 5\tchunked\x80%?";
	char text[200];

	srand(1);
	for (unsigned round = 0; round < 20000; round++) {
		size_t len = rand() % sizeof(text) + 1, used, used1;
		int prefix = rand() % 3 ? snprintf(text, sizeof(text), "GET / HTTP/1.1\r\nHost: x\r\n") : 0;
		struct http_parser p, p1;
		enum http_result r;

		for (size_t i = prefix; i < len; i++)
			text[i] = alphabet[rand() % (sizeof(alphabet) - 1)];
		r = parse_pieces(&p, text, len, len, &used);
		ck_assert_int_eq(parse_pieces(&p1, text, len, 1, &used1), r);
		ck_assert_uint_eq(used, used1);
		ck_assert_uint_eq(p.status, p1.status);
		ck_assert_int_eq(r == HTTP_ERROR, p.status != 0);
	}
}
END_TEST

static Suite *
suite(void)
{
	Suite *s = suite_create("http_parse");
	TCase *t = rig_case(s, "http", NULL, NULL);

	tcase_add_loop_test(t, request_is_read, 0, DIM(requests));
	tcase_add_loop_test(t, wrong_request_is_refused, 0, DIM(wrongs));
	tcase_add_test(t, nul_is_refused);
	tcase_add_test(t, head_of_8_kib_and_no_more);
	tcase_add_test(t, target_of_1_kib_and_no_more);
	tcase_add_test(t, pipelined_requests_one_by_one);
	tcase_add_test(t, random_requests);
	return s;
}

RIG_MAIN(suite)
