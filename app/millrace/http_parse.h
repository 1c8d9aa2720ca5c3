/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Requests of HTTP/1.0 and 1.1 (RFC 9112), byte by byte: the parser takes any piece of the stream, keeps what it needs
 * of a request in itself, and holds no reference to what it was given. A pure function of its bytes.
 *
 * Not here: bodies (the caller skips content_length bytes; chunked is only told), and answers.
 */
#ifndef APP_HTTP_PARSE_H
#define APP_HTTP_PARSE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define HTTP_HEAD_MAX 8192u   /* bytes of request line and header fields; more is 431 */
#define HTTP_TARGET_MAX 1024u /* bytes of the request target; more is 414 */
#define HTTP_WORD_MAX 32u     /* longest method, field name or list element that means anything to us */

enum http_method {
	HTTP_GET,
	HTTP_HEAD,
	HTTP_OTHER,   /* a method of RFC 9110 or 5789 that resources here don't have: 405 */
	HTTP_UNKNOWN, /* 501 */
};

/* What is known of a request when its head is complete. */
struct http_request {
	enum http_method method;
	bool http10;
	bool close;              /* the connection ends with the answer */
	bool chunked;            /* a body follows, in chunks */
	uint64_t content_length; /* a body of so many bytes follows */
	char target[HTTP_TARGET_MAX + 1]; /* origin form: path and query; "*" of OPTIONS */
};

struct http_parser {
	uint8_t state;
	uint8_t field;           /* which header field is being read */
	uint8_t word_len;
	bool word_cut;           /* the word was longer than HTTP_WORD_MAX */
	bool has_length, has_host, keep_alive, spaced;
	uint8_t major, minor;    /* digits of the version */
	uint16_t target_len;
	uint16_t head_bytes;
	uint16_t status;         /* answer to a request that is wrong */
	char word[HTTP_WORD_MAX + 1];
	struct http_request req;
};

enum http_result {
	HTTP_MORE,     /* the head goes on */
	HTTP_COMPLETE, /* parser.req is a request */
	HTTP_ERROR,    /* answer parser.status and close: the stream cannot be followed any more */
};

/* Begin a request. */
void http_parser_init(struct http_parser *p);
/* Read on. @param used bytes of buf that belong to this request's head */
enum http_result http_parse(struct http_parser *p, const char *buf, size_t len, size_t *used);

#endif
