/* SPDX-License-Identifier: Apache-2.0 */
/*
 * HTTP/1.1 with keep-alive: a GET of --request bytes, answered by --response bytes, header included. Both ends also get on
 * with strangers: the server answers any request that has no body, and closes when asked to; the client takes any length
 * that the server tells, but no chunks.
 *
 * The server reads lines, for that takes no memory: `state` says what the request that has begun wants, `got` how long
 * its last line is so far. A line that comes in two pieces is read as a line that says nothing, whatever it is.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "app/bench/client.h"
#include "app/bench/served_send.h"
#include "app/bench/server.h"

#define REQUEST_HEAD "GET / HTTP/1.1\r\nHost: "
#define REQUEST_END "\r\n\r\n"
#define REQUEST_PAD "\r\nX: "
#define HOST_MAX 64u /* what is longer is padded by a line of its own */
#define RESPONSE_HEAD "HTTP/1.1 200 OK\r\nServer: millrace\r\nContent-Type: text/html\r\nContent-Length: %010u\r\n\r\n"
#define RESPONSE_HEAD_BYTES (sizeof(RESPONSE_HEAD) - sizeof("%010u") + 10)
#define HEADER_MAX 4096 /* of a stranger's response */

/* ---- what is sent */

static void
request_build(uint8_t *buf, uint32_t len)
{
	uint32_t head = sizeof(REQUEST_HEAD) - 1, end = sizeof(REQUEST_END) - 1;

	memset(buf, 'x', len);
	memcpy(buf, REQUEST_HEAD, head);
	if (len > head + HOST_MAX + sizeof(REQUEST_PAD) - 1 + end)
		memcpy(buf + head + HOST_MAX, REQUEST_PAD, sizeof(REQUEST_PAD) - 1);
	memcpy(buf + len - end, REQUEST_END, end);
}

static void
response_build(uint8_t *buf, uint32_t len)
{
	char head[RESPONSE_HEAD_BYTES + 1];

	memset(buf, 'x', len);
	snprintf(head, sizeof(head), RESPONSE_HEAD, len - (uint32_t)RESPONSE_HEAD_BYTES);
	memcpy(buf, head, RESPONSE_HEAD_BYTES);
}

/* ---- the server */

#define STATE_LATER_LINE (1u << 0) /* the request line is complete */
#define STATE_CLOSE (1u << 1)      /* this request wants to be the last */
#define STATE_CLOSING (1u << 2)    /* no further one is read */

/* A whole line of a request, without its end. */
static uint32_t
line_says(const char *line, size_t len, uint32_t state)
{
	static const char close[] = "Connection: close", keep[] = "Connection: keep-alive", old[] = " HTTP/1.0";

	if (!(state & STATE_LATER_LINE)) {
		bool is_old = len >= sizeof(old) - 1 && memcmp(line + len - (sizeof(old) - 1), old, sizeof(old) - 1) == 0;

		return STATE_LATER_LINE | (is_old ? STATE_CLOSE : 0);
	}
	if ((*line | 0x20) != 'c')
		return state;
	if (len == sizeof(close) - 1 && strncasecmp(line, close, len) == 0)
		return state | STATE_CLOSE;
	if (len == sizeof(keep) - 1 && strncasecmp(line, keep, len) == 0)
		return state & ~STATE_CLOSE;
	return state;
}

/* Read what has come. @return requests that are complete */
static uint32_t
requests_read(struct served *v, const char *data, size_t len)
{
	const char *at = data, *end = data + len, *lf;
	uint32_t ops = 0;

	while (at < end && !(v->state & STATE_CLOSING) && (lf = memchr(at, '\n', (size_t)(end - at)))) {
		size_t text = (size_t)(lf - at);

		if (text > 0 && at[text - 1] == '\r')
			text--;
		if (v->got > 0) {
			v->state |= STATE_LATER_LINE;
		} else if (text > 0) {
			v->state = line_says(at, text, v->state);
		} else if (v->state & STATE_LATER_LINE) {
			ops++;
			v->state = v->state & STATE_CLOSE ? STATE_CLOSING : 0;
		}
		v->got = 0;
		at = lf + 1;
	}
	/* Part of a line; a CR alone may be the end of an empty one. */
	if (at < end && !(end - at == 1 && *at == '\r'))
		v->got += (uint32_t)(end - at);
	return ops;
}

static void
http_serve(struct served *v, uint32_t events)
{
	struct server *sv = v->server;
	ssize_t n = -EAGAIN;

	(void)events;
	if (!served_send(v))
		return;
	while (v->owed == 0 && !(v->state & STATE_CLOSING) &&
	       (n = mr_ep_recv(v->ep, sv->scratch, MODE_SCRATCH, NULL)) > 0) {
		uint32_t ops = requests_read(v, (const char *)sv->scratch, (size_t)n);

		v->owed = (uint64_t)ops * sv->args->response;
		server_done(sv, ops, (uint64_t)n + v->owed);
		if (!served_send(v))
			return;
	}
	if (v->owed == 0 && (n != -EAGAIN || v->state & STATE_CLOSING))
		served_close(v);
}

/* ---- the client */

static int
http_start(struct client *cl, struct conn *c)
{
	uint32_t len = cl->args->request;
	ssize_t n = mr_ep_send(c->ep, cl->request, len);

	return n == (ssize_t)len ? 0 : n < 0 && n != -EAGAIN ? (int)n : -ENOBUFS;
}

/* Bytes of the whole response that starts here. @return 0: its header is not complete; -1: nothing that we can read */
static int64_t
response_bytes(const char *data, size_t len)
{
	static const char name[] = "\r\ncontent-length:";
	const char *end = data ? memmem(data, len, "\r\n\r\n", 4) : NULL;
	int64_t head, body;

	if (!end)
		return len < HEADER_MAX ? 0 : -1;
	if (strncmp(data, "HTTP/1.", 7) != 0 || data[9] != '2')
		return -1;
	head = end - data + 4;
	for (const char *at = data; (at = memmem(at, (size_t)(end - at), "\r\n", 2)); at += 2) {
		if (strncasecmp(at, name, sizeof(name) - 1) != 0)
			continue;
		body = strtoll(at + sizeof(name) - 1, NULL, 10);
		return body < 0 || body > INT32_MAX ? -1 : head + body;
	}
	return -1;
}

/* Look at the response that begins, leaving it queued. @param due was one asked for? @return false: it is not there yet, or the connection is lost */
static bool
response_begin(struct client *cl, struct conn *c, bool due)
{
	ssize_t n = mr_ep_peek(c->ep, cl->scratch, HEADER_MAX, NULL);
	int64_t bytes;

	if (n == -EAGAIN)
		return false;
	if (n <= 0) {
		client_lost(cl, c, n < 0 ? (int)n : -ECONNRESET);
		return false;
	}
	cl->scratch[n] = 0;
	bytes = due ? response_bytes((const char *)cl->scratch, (size_t)n) : -1;
	if (bytes < 0)
		client_lost(cl, c, -EBADMSG);
	else
		c->left = (uint32_t)bytes;
	return bytes > 0;
}

static void
http_input(struct client *cl, struct conn *c)
{
	uint16_t due = c->under_way; /* what starts meanwhile is not answered yet */

	while (c->state == CONN_OPEN && (c->left > 0 || response_begin(cl, c, due > 0))) {
		size_t most = RTE_MIN(c->left, MODE_SCRATCH);
		ssize_t n = mr_ep_recv(c->ep, cl->scratch, most, NULL);

		if (n == -EAGAIN)
			return;
		if (n <= 0) {
			client_lost(cl, c, n < 0 ? (int)n : -ECONNRESET);
			return;
		}
		c->left -= (uint32_t)n;
		client_progress(cl, 0, (uint64_t)n);
		if (c->left > 0)
			continue;
		due--;
		client_done(cl, c, cl->args->request);
	}
}

static const struct client_ops http_client = {.start = http_start, .input = http_input};
static const struct server_ops http_server = {.event = http_serve};

const struct mode http_mode = {
	.name = "http",
	.help = "HTTP/1.1 GET on connections that stay open",
	.trans = MR_TRANS_TCP,
	.service = 80,
	.flags = MODE_F_PIPELINE | MODE_F_LENDS,
	.request = 34,
	.response = 649,
	.request_min = sizeof(REQUEST_HEAD) - 1 + 1 + sizeof(REQUEST_END) - 1,
	.request_max = 8000,
	.response_min = RESPONSE_HEAD_BYTES,
	.request_build = request_build,
	.response_build = response_build,
	.client = &http_client,
	.server = &http_server,
};
