/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The server's HTTP, without a connection: the parser on whole, split and damaged requests, what requests are answered
 * with, the pattern of /bytes/N, and documents that must not be reached.
 */
#include "rig/rig.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "app/millrace/docroot.h"
#include "app/millrace/http_parse.h"
#include "app/millrace/http_reply.h"
#include "app/millrace/pattern.h"

#define DIM(a) (sizeof(a) / sizeof((a)[0]))
#define HOST "Host: x\r\n"

/* ---- parser */

/* All of text in pieces of `piece` bytes. @return result; *used: bytes taken */
static enum http_result
parse_pieces(struct http_parser *p, const char *text, size_t len, size_t piece, size_t *used)
{
	enum http_result r = HTTP_MORE;
	size_t at = 0;

	http_parser_init(p);
	while (at < len && r == HTTP_MORE) {
		size_t n = len - at < piece ? len - at : piece, k;
		/* A buffer of exactly these bytes: reading past it is an error that a sanitizer sees. */
		char *copy = malloc(n);

		memcpy(copy, text + at, n);
		r = http_parse(p, copy, n, &k);
		free(copy);
		ck_assert_uint_le(k, n);
		ck_assert(r != HTTP_MORE || k == n);
		at += k;
	}
	*used = at;
	return r;
}

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

/* ---- answers */

static struct http_reply reply;

static const char *
answer(const char *text, int root_fd)
{
	struct http_parser p;
	size_t used;

	ck_assert_int_eq(parse_pieces(&p, text, strlen(text), 1000, &used), HTTP_COMPLETE);
	http_reply_make(&reply, &p.req, root_fd, "DATE");
	ck_assert_uint_lt(reply.head_len, sizeof(reply.head));
	ck_assert_uint_eq(reply.head_len, strlen(reply.head));
	ck_assert_str_eq(reply.head + reply.head_len - 4, "\r\n\r\n");
	return reply.head;
}

static void
body_is(const char *want)
{
	uint8_t buf[4096];
	size_t n;
	const uint8_t *body = http_reply_body(&reply, buf, sizeof(buf), &n);

	ck_assert_uint_eq(reply.end - reply.off, strlen(want));
	ck_assert_uint_eq(n, strlen(want));
	ck_assert_mem_eq(body, want, n);
}

static const struct {
	const char *text, *status, *has;
	bool close, body;
} answers[] = {
	{"GET / HTTP/1.1\r\n" HOST "\r\n", "200 OK", "Content-Type: text/plain", false, true},
	{"GET /?x HTTP/1.1\r\n" HOST "\r\n", "200 OK", "Server: millrace/", false, true},
	{"HEAD / HTTP/1.1\r\n" HOST "\r\n", "200 OK", "Content-Type: text/plain", false, false},
	{"GET / HTTP/1.1\r\n" HOST "Connection: close\r\n\r\n", "200 OK", "\r\nConnection: close\r\n", true, true},
	{"GET / HTTP/1.0\r\n\r\n", "200 OK", "\r\nConnection: close\r\n", true, true},
	{"GET / HTTP/1.0\r\nConnection: keep-alive\r\n\r\n", "200 OK", "\r\nConnection: keep-alive\r\n", false, true},
	{"GET /nothing HTTP/1.1\r\n" HOST "\r\n", "404 Not Found", "Date: DATE\r\n", false, true},
	{"GET /bytes HTTP/1.1\r\n" HOST "\r\n", "404 Not Found", "", false, true},
	{"GET /bytes/ HTTP/1.1\r\n" HOST "\r\n", "404 Not Found", "", false, true},
	{"GET /bytes/x HTTP/1.1\r\n" HOST "\r\n", "404 Not Found", "Content-Type: text/plain", false, true},
	{"GET /bytes/1x HTTP/1.1\r\n" HOST "\r\n", "404 Not Found", "", false, true},
	{"GET /bytes/-1 HTTP/1.1\r\n" HOST "\r\n", "404 Not Found", "", false, true},
	{"GET /bytes/1099511627777 HTTP/1.1\r\n" HOST "\r\n", "404 Not Found", "", false, true},
	{"GET /bytes/18446744073709551617 HTTP/1.1\r\n" HOST "\r\n", "404 Not Found", "", false, true},
	{"GET /bytes/1099511627776 HTTP/1.1\r\n" HOST "\r\n", "200 OK", "Content-Length: 1099511627776\r\n", false,
	 true},
	{"GET /bytes/0 HTTP/1.1\r\n" HOST "\r\n", "200 OK", "Content-Length: 0\r\n", false, false},
	{"HEAD /bytes/7?q HTTP/1.1\r\n" HOST "\r\n", "200 OK", "Content-Length: 7\r\n", false, false},
	{"POST / HTTP/1.1\r\n" HOST "\r\n", "405 Method Not Allowed", "Allow: GET, HEAD\r\n", false, true},
	{"POST / HTTP/1.1\r\n" HOST "Content-Length: 65536\r\n\r\n", "405 Method Not Allowed", "", false, true},
	{"POST / HTTP/1.1\r\n" HOST "Content-Length: 65537\r\n\r\n", "405 Method Not Allowed", "Connection: close",
	 true, true},
	{"POST / HTTP/1.1\r\n" HOST "Transfer-Encoding: chunked\r\n\r\n", "405 Method Not Allowed", "Connection: close",
	 true, true},
	{"GET / HTTP/1.1\r\n" HOST "Transfer-Encoding: chunked\r\n\r\n", "411 Length Required", "Connection: close",
	 true, true},
	{"GET / HTTP/1.1\r\n" HOST "Content-Length: 5\r\n\r\n", "200 OK", "", false, true},
	{"OPTIONS * HTTP/1.1\r\n" HOST "\r\n", "405 Method Not Allowed", "", false, true},
	{"BREW /pot HTTP/1.1\r\n" HOST "\r\n", "501 Not Implemented", "", false, true},
};

START_TEST(request_is_answered)
{
	char line[64];
	const char *head = answer(answers[_i].text, -1);

	snprintf(line, sizeof(line), "HTTP/1.1 %s\r\n", answers[_i].status);
	ck_assert_msg(strncmp(head, line, strlen(line)) == 0, "%s: %s", answers[_i].text, head);
	ck_assert_msg(strstr(head, answers[_i].has) != NULL, "%s: %s", answers[_i].text, head);
	ck_assert_int_eq(reply.close, answers[_i].close);
	ck_assert_int_eq(reply.end > 0, answers[_i].body);
	ck_assert_int_eq(reply.off, 0);
	snprintf(line, sizeof(line), "\r\nContent-Length: %llu\r\n", (unsigned long long)reply.end);
	if (answers[_i].body)
		ck_assert_msg(strstr(head, line) != NULL, "%s: %s", answers[_i].text, head);
}
END_TEST

START_TEST(errors_are_answered)
{
	static const int codes[] = {400, 414, 431, 501, 505};
	char line[32];

	for (unsigned i = 0; i < DIM(codes); i++) {
		http_reply_error(&reply, codes[i], "DATE");
		snprintf(line, sizeof(line), "HTTP/1.1 %d ", codes[i]);
		ck_assert(strncmp(reply.head, line, strlen(line)) == 0);
		ck_assert_ptr_nonnull(strstr(reply.head, "\r\nConnection: close\r\n"));
		ck_assert(reply.close);
		ck_assert_int_eq(reply.fd, -1);
	}
	body_is("505 HTTP Version Not Supported\n");
}
END_TEST

/* ---- pattern */

static uint8_t
pattern_byte(uint64_t i)
{
	uint64_t w = i / 8 % PATTERN_WORDS + 1, v = w * 0x9E3779B97F4A7C15u;

	return (v ^ v >> 32) >> (i % 8 * 8);
}

START_TEST(pattern_from_any_offset)
{
	static const uint8_t first[] = {0xac, 0x05, 0x7d, 0xe1, 0xb9, 0x79, 0x37, 0x9e, 0x58, 0x0b, 0xfa, 0xc2};
	static const uint64_t offsets[] = {
		0, 1, 7, 8, 4095, PATTERN_PERIOD - 1, PATTERN_PERIOD - 65536, PATTERN_PERIOD, PATTERN_PERIOD + 1,
		3ull * PATTERN_PERIOD - 9, HTTP_BYTES_MAX - PATTERN_CHUNK,
	};

	pattern_init();
	ck_assert_mem_eq(pattern_at(0), first, sizeof(first));
	for (unsigned k = 0; k < DIM(offsets); k++) {
		const uint8_t *p = pattern_at(offsets[k]);

		for (unsigned i = 0; i < PATTERN_CHUNK; i++)
			ck_assert_uint_eq(p[i], pattern_byte(offsets[k] + i));
	}
}
END_TEST

START_TEST(body_of_bytes_is_the_pattern)
{
	size_t n;

	pattern_init();
	answer("GET /bytes/100000 HTTP/1.1\r\n" HOST "\r\n", -1);
	ck_assert_ptr_eq(http_reply_body(&reply, NULL, 0, &n), pattern_at(0));
	ck_assert_uint_eq(n, PATTERN_CHUNK);
	reply.off = 99999;
	ck_assert_ptr_eq(http_reply_body(&reply, NULL, 0, &n), pattern_at(99999));
	ck_assert_uint_eq(n, 1);
}
END_TEST

/* ---- documents */

static char dir[] = "/tmp/mr-test-http-XXXXXX";

static void
file_put(const char *name, const char *text)
{
	char path[256];
	FILE *f;

	snprintf(path, sizeof(path), "%s/%s", dir, name);
	f = fopen(path, "w");
	ck_assert_ptr_nonnull(f);
	fputs(text, f);
	fclose(f);
}

static void
dir_put(const char *name)
{
	char path[256];

	snprintf(path, sizeof(path), "%s/%s", dir, name);
	ck_assert_int_eq(mkdir(path, 0755), 0);
}

static void
link_put(const char *to, const char *name)
{
	char path[256];

	snprintf(path, sizeof(path), "%s/%s", dir, name);
	ck_assert_int_eq(symlink(to, path), 0);
}

/* dir/secret is outside of the root dir/root. */
static int
docroot_setup(void)
{
	char path[64];
	int fd;

	ck_assert_ptr_nonnull(mkdtemp(dir));
	file_put("secret", "secret");
	dir_put("root");
	dir_put("root/sub");
	dir_put("root/empty");
	file_put("root/a.txt", "hello");
	file_put("root/a b.html", "blank");
	file_put("root/nothing.json", "");
	file_put("root/sub/index.html", "index");
	link_put("../secret", "root/out");
	link_put("/etc/passwd", "root/passwd");
	link_put("a.txt", "root/in");
	link_put("loop", "root/loop");
	snprintf(path, sizeof(path), "%s/root/fifo", dir);
	ck_assert_int_eq(mkfifo(path, 0600), 0);
	snprintf(path, sizeof(path), "%s/root", dir);
	fd = docroot_open_root(path);
	ck_assert_int_ge(fd, 0);
	return fd;
}

static void
docroot_teardown(int fd)
{
	char command[64];

	close(fd);
	snprintf(command, sizeof(command), "rm -rf %s", dir);
	ck_assert_int_eq(system(command), 0);
}

static const struct {
	const char *target;
	unsigned status;
	const char *has, *body;
} documents[] = {
	{"/a.txt", 200, "Content-Type: text/plain; charset=utf-8\r\nContent-Length: 5\r\n", "hello"},
	{"//a.txt?x=/../", 200, "", "hello"},
	{"/%61%2Etxt", 200, "", "hello"},
	{"/a%20b.html", 200, "", "blank"},
	{"/sub/../a.txt", 200, "", "hello"},
	{"/in", 200, "Content-Type: application/octet-stream\r\n", "hello"},
	{"/sub/", 200, "Content-Type: text/html", "index"},
	{"/sub", 200, "", "index"},
	{"/", 200, "Content-Type: text/plain", NULL}, /* no index.html: what it always is */
	{"/empty/", 404, "", NULL},
	{"/none", 404, "", NULL},
	{"/a.txt/x", 404, "", NULL},
	{"/../secret", 403, "", NULL},
	{"/sub/../../secret", 403, "", NULL},
	{"/%2e%2e/secret", 403, "", NULL},
	{"/..%2fsecret", 403, "", NULL},
	{"/out", 403, "", NULL},
	{"/passwd", 403, "", NULL},
	{"/loop", 403, "", NULL},
	{"/fifo", 403, "", NULL},
	{"/a%00.txt", 400, "", NULL},
	{"/%", 400, "", NULL},
	{"/%4", 400, "", NULL},
	{"/%zz", 400, "", NULL},
};

START_TEST(documents_stay_below_the_root)
{
	int fd = docroot_setup();

	for (unsigned i = 0; i < DIM(documents); i++) {
		char text[256], line[32];
		const char *head;

		snprintf(text, sizeof(text), "GET %s HTTP/1.1\r\n" HOST "\r\n", documents[i].target);
		head = answer(text, fd);
		snprintf(line, sizeof(line), "HTTP/1.1 %u ", documents[i].status);
		ck_assert_msg(strncmp(head, line, strlen(line)) == 0, "%s: %s", documents[i].target, head);
		ck_assert_msg(strstr(head, documents[i].has) != NULL, "%s: %s", documents[i].target, head);
		if (documents[i].body) {
			ck_assert_int_ge(reply.fd, 0);
			body_is(documents[i].body);
		} else {
			ck_assert_int_eq(reply.fd, -1);
		}
		http_reply_fini(&reply);
		ck_assert_int_eq(reply.fd, -1);
	}
	docroot_teardown(fd);
}
END_TEST

START_TEST(target_longer_than_any_path)
{
	int fd = docroot_setup(), file;
	char target[5000];
	uint64_t size;

	for (size_t i = 0; i < sizeof(target) - 1; i++)
		target[i] = i % 2 ? '.' : '/';
	target[sizeof(target) - 1] = '\0';
	ck_assert_int_eq(docroot_open(fd, target, &file, &size), 400);
	docroot_teardown(fd);
}
END_TEST

START_TEST(head_and_empty_of_a_document)
{
	int fd = docroot_setup();

	answer("HEAD /a.txt HTTP/1.1\r\n" HOST "\r\n", fd);
	ck_assert_ptr_nonnull(strstr(reply.head, "Content-Length: 5\r\n"));
	ck_assert(reply.end == 0);
	http_reply_fini(&reply);
	answer("GET /nothing.json HTTP/1.1\r\n" HOST "\r\n", fd);
	ck_assert_ptr_nonnull(strstr(reply.head, "Content-Type: application/json\r\nContent-Length: 0\r\n"));
	http_reply_fini(&reply);
	docroot_teardown(fd);
}
END_TEST

START_TEST(document_that_shrinks)
{
	int fd = docroot_setup();
	uint8_t buf[16];
	char path[64];
	size_t n;

	answer("GET /a.txt HTTP/1.1\r\n" HOST "\r\n", fd);
	snprintf(path, sizeof(path), "%s/root/a.txt", dir);
	ck_assert_int_eq(truncate(path, 2), 0);
	ck_assert_ptr_eq(http_reply_body(&reply, buf, sizeof(buf), &n), buf);
	ck_assert_uint_eq(n, 2);
	reply.off = 2;
	ck_assert_ptr_null(http_reply_body(&reply, buf, sizeof(buf), &n));
	http_reply_fini(&reply);
	docroot_teardown(fd);
}
END_TEST

START_TEST(roots_that_are_none)
{
	ck_assert_int_lt(docroot_open_root("/nonexistent"), 0);
	ck_assert_int_lt(docroot_open_root("/etc/passwd"), 0);
}
END_TEST

static Suite *
suite(void)
{
	Suite *s = suite_create("http");
	TCase *t = rig_case(s, "http", NULL, NULL);

	tcase_add_loop_test(t, request_is_read, 0, DIM(requests));
	tcase_add_loop_test(t, wrong_request_is_refused, 0, DIM(wrongs));
	tcase_add_test(t, nul_is_refused);
	tcase_add_test(t, head_of_8_kib_and_no_more);
	tcase_add_test(t, target_of_1_kib_and_no_more);
	tcase_add_test(t, pipelined_requests_one_by_one);
	tcase_add_test(t, random_requests);
	tcase_add_loop_test(t, request_is_answered, 0, DIM(answers));
	tcase_add_test(t, errors_are_answered);
	tcase_add_test(t, pattern_from_any_offset);
	tcase_add_test(t, body_of_bytes_is_the_pattern);
	tcase_add_test(t, documents_stay_below_the_root);
	tcase_add_test(t, target_longer_than_any_path);
	tcase_add_test(t, head_and_empty_of_a_document);
	tcase_add_test(t, document_that_shrinks);
	tcase_add_test(t, roots_that_are_none);
	return s;
}

RIG_MAIN(suite)
