/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Resources: "/" and "/bytes/N", and the documents of a root. Bodies of requests mean nothing to any of them.
 */
#include "app/millrace/http_reply.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <rte_common.h>

#include <millrace.h>

#include "app/millrace/docroot.h"
#include "app/millrace/pattern.h"

#define TEXT_PLAIN "text/plain; charset=utf-8"
#define BODY_SKIP_MAX 65536u /* a request's body that is read over to keep the connection */

static const char about[] =
	"This is Millrace " MR_VERSION ", a TCP/IP stack on DPDK.\n"
	"\n"
	"GET /bytes/N    N bytes of a fixed pattern, N up to 1099511627776\n"
	"\n"
	"The pattern: words of 8 bytes, little endian, w = 1, 2, ... 131071, then from 1 again;\n"
	"word w is v ^ (v >> 32) with v = w * 0x9E3779B97F4A7C15 mod 2^64.\n";

static const struct status {
	int code;
	const char *line, *text;
} statuses[] = {
	{200, "200 OK", ""},
	{400, "400 Bad Request", "400 Bad Request\n"},
	{403, "403 Forbidden", "403 Forbidden\n"},
	{404, "404 Not Found", "404 Not Found\n"},
	{405, "405 Method Not Allowed", "405 Method Not Allowed: there are GET and HEAD\n"},
	{411, "411 Length Required", "411 Length Required\n"},
	{414, "414 URI Too Long", "414 URI Too Long\n"},
	{431, "431 Request Header Fields Too Large", "431 Request Header Fields Too Large\n"},
	{500, "500 Internal Server Error", "500 Internal Server Error\n"},
	{501, "501 Not Implemented", "501 Not Implemented\n"},
	{505, "505 HTTP Version Not Supported", "505 HTTP Version Not Supported\n"},
};

static const struct status *
status_find(int code)
{
	for (unsigned i = 0; i < RTE_DIM(statuses); i++) {
		if (statuses[i].code == code)
			return &statuses[i];
	}
	return status_find(500);
}

/* What a resource is, before the head is written. */
struct resource {
	int status;
	const char *type;
};

static void
body_text(struct http_reply *r, const char *text)
{
	r->body = HTTP_BODY_TEXT;
	r->text = text;
	r->end = strlen(text);
}

/* N of /bytes/N. @return status */
static int
bytes_count(const char *digits, uint64_t *n)
{
	size_t len = strcspn(digits, "?#");

	if (len == 0 || strspn(digits, "0123456789") != len)
		return 404;
	*n = 0;
	for (size_t i = 0; i < len; i++) {
		*n = *n * 10 + (digits[i] - '0');
		if (*n > HTTP_BYTES_MAX)
			return 404;
	}
	return 200;
}

static struct resource
resource_find(struct http_reply *r, const char *target, int root_fd)
{
	struct resource res = {404, TEXT_PLAIN};
	bool top = strcspn(target, "?#") == 1;

	if (strncmp(target, "/bytes/", 7) == 0) {
		res.status = bytes_count(target + 7, &r->end);
		res.type = res.status == 200 ? "application/octet-stream" : TEXT_PLAIN;
		r->body = HTTP_BODY_PATTERN;
		return res;
	}
	if (root_fd >= 0) {
		res.status = docroot_open(root_fd, target, &r->fd, &r->end);
		r->body = HTTP_BODY_FILE;
		if (res.status == 200) {
			res.type = docroot_type(target);
			return res;
		}
	}
	if (top && res.status == 404) {
		res.status = 200;
		body_text(r, about);
	}
	return res;
}

static void
head_write(struct http_reply *r, const struct resource *res, const char *date, bool say_keep_alive)
{
	int n = snprintf(r->head, sizeof(r->head),
	                 "HTTP/1.1 %s\r\nServer: millrace/" MR_VERSION "\r\nDate: %s\r\nContent-Type: %s\r\n"
	                 "Content-Length: %" PRIu64 "\r\n%s%s\r\n",
	                 status_find(res->status)->line, date, res->type, r->end,
	                 res->status == 405 ? "Allow: GET, HEAD\r\n" : "",
	                 r->close ? "Connection: close\r\n" : say_keep_alive ? "Connection: keep-alive\r\n" : "");

	r->head_off = 0;
	r->head_len = RTE_MIN((size_t)n, sizeof(r->head) - 1);
}

static void
reply_init(struct http_reply *r)
{
	r->body = HTTP_BODY_TEXT;
	r->close = false;
	r->fd = -1;
	r->text = "";
	r->off = 0;
	r->end = 0;
}

void
http_reply_make(struct http_reply *r, const struct http_request *req, int root_fd, const char *date)
{
	struct resource res = {0, TEXT_PLAIN};

	reply_init(r);
	/* A body that cannot be read over ends the connection: what follows it could not be told from it. */
	r->close = req->close || req->chunked || req->content_length > BODY_SKIP_MAX;
	if (req->method == HTTP_OTHER)
		res.status = 405;
	else if (req->method == HTTP_UNKNOWN)
		res.status = 501;
	else if (req->chunked)
		res.status = 411;
	else
		res = resource_find(r, req->target, root_fd);
	if (res.status != 200)
		body_text(r, status_find(res.status)->text);
	head_write(r, &res, date, req->http10);
	if (req->method == HTTP_HEAD)
		r->end = 0;
}

void
http_reply_error(struct http_reply *r, int status, const char *date)
{
	struct resource res = {status, TEXT_PLAIN};

	reply_init(r);
	r->close = true;
	body_text(r, status_find(status)->text);
	head_write(r, &res, date, false);
}

const uint8_t *
http_reply_body(const struct http_reply *r, uint8_t *buf, size_t size, size_t *n)
{
	uint64_t left = r->end - r->off;
	ssize_t got;

	switch (r->body) {
	case HTTP_BODY_PATTERN:
		*n = RTE_MIN(left, PATTERN_CHUNK);
		return pattern_at(r->off);
	case HTTP_BODY_FILE:
		got = pread(r->fd, buf, RTE_MIN(left, size), r->off);
		*n = got;
		return got > 0 ? buf : NULL;
	default:
		*n = left;
		return (const uint8_t *)r->text + r->off;
	}
}

void
http_reply_fini(struct http_reply *r)
{
	if (r->fd >= 0)
		close(r->fd);
	r->fd = -1;
}
