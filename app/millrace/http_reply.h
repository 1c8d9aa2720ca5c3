/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a request is answered with: a head, and a body that is described by where it comes from, so that any part of it
 * can be made again at any time. Choosing an answer touches no connection.
 */
#ifndef APP_HTTP_REPLY_H
#define APP_HTTP_REPLY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "app/millrace/http_parse.h"

#define HTTP_BYTES_MAX (UINT64_C(1) << 40) /* largest N of /bytes/N */
#define HTTP_REPLY_HEAD_MAX 512u

enum http_body {
	HTTP_BODY_TEXT,
	HTTP_BODY_PATTERN,
	HTTP_BODY_FILE,
};

struct http_reply {
	enum http_body body;
	bool close;           /* the connection ends with it */
	int fd;               /* of a file; the reply's, to be closed; otherwise -1 */
	const char *text;
	uint64_t off, end;    /* what is left of the body */
	uint16_t head_off, head_len;
	char head[HTTP_REPLY_HEAD_MAX];
};

/* Answer a request. @param root_fd of docroot_open_root, or -1. @param date value of the Date field */
void http_reply_make(struct http_reply *r, const struct http_request *req, int root_fd, const char *date);
/* Answer what cannot be understood; closes. */
void http_reply_error(struct http_reply *r, int status, const char *date);
/* Copy or find the next bytes of the body. @param buf room for `size` bytes, used if they are nowhere else
 * @return where they are, with *n of them; NULL: a file that has lost its end */
const uint8_t *http_reply_body(const struct http_reply *r, uint8_t *buf, size_t size, size_t *n);
void http_reply_fini(struct http_reply *r);

#endif
