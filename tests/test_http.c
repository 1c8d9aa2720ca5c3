/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The server's HTTP, without a connection: what requests are answered with, and the pattern of /bytes/N. The parser:
 * test_http_parse.c; documents: test_http_docs.c.
 */
#include "http_request.h"

#include "app/millrace/pattern.h"

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

static Suite *
suite(void)
{
	Suite *s = suite_create("http");
	TCase *t = rig_case(s, "http", NULL, NULL);

	tcase_add_loop_test(t, request_is_answered, 0, DIM(answers));
	tcase_add_test(t, errors_are_answered);
	tcase_add_test(t, pattern_from_any_offset);
	tcase_add_test(t, body_of_bytes_is_the_pattern);
	return s;
}

RIG_MAIN(suite)
