/* SPDX-License-Identifier: Apache-2.0 */
/*
 * For the tests of the server's HTTP, without a connection: requests through the parser in pieces, and what they are answered
 * with.
 */
#ifndef TESTS_HTTP_REQUEST_H
#define TESTS_HTTP_REQUEST_H

#include "rig/rig.h"

#include <stdlib.h>
#include <string.h>

#include "app/millrace/http_parse.h"
#include "app/millrace/http_reply.h"

#define DIM(a) (sizeof(a) / sizeof((a)[0]))
#define HOST "Host: x\r\n"

/* All of text in pieces of `piece` bytes. @return result; *used: bytes taken */
static inline enum http_result
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

static struct http_reply reply;

static inline const char *
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

static inline void
body_is(const char *want)
{
	uint8_t buf[4096];
	size_t n;
	const uint8_t *body = http_reply_body(&reply, buf, sizeof(buf), &n);

	ck_assert_uint_eq(reply.end - reply.off, strlen(want));
	ck_assert_uint_eq(n, strlen(want));
	ck_assert_mem_eq(body, want, n);
}

#endif
