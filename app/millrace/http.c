/* SPDX-License-Identifier: Apache-2.0 */
/*
 * An HTTP/1.1 connection: reads a request, sends its answer, reads the next. Requests that come ahead of their turn
 * wait, at most one receive of them; more stays in the stack, and the peer's window closes.
 *
 * A connection that ends while the peer may still be sending is shut down first and read over until the peer closes,
 * for a close with unread data would reset it, and the answer could be lost (RFC 9112 9.6).
 *
 * Not here: the syntax of requests (http_parse.c), what they are answered with (http_reply.c).
 */
#include <errno.h>
#include <string.h>

#include <rte_common.h>

#include "app/millrace/held.h"
#include "app/millrace/http_parse.h"
#include "app/millrace/http_reply.h"
#include "app/millrace/service.h"

#define RECV_BYTES 16384u
#define SEND_BYTES 16384u
#define IDLE_NS UINT64_C(60000000000)
#define LINGER_BYTES (256u * 1024u) /* read over after the last answer; a peer that sends more is cut off */

enum http_state {
	HTTP_READING,   /* the head of a request */
	HTTP_SKIPPING,  /* its body */
	HTTP_SENDING,   /* the answer */
	HTTP_LINGERING,
};

struct http {
	struct conn c;
	enum http_state state;
	bool begun;      /* bytes of the next request were there */
	uint64_t skip;   /* bytes of a request's body to come */
	uint32_t lingered;
	struct held held;
	struct http_reply reply;
	struct http_parser parser;
};

/* What one step of a connection has come to. */
enum step {
	STEP_ON,    /* there is more to do */
	STEP_WAIT,  /* for an event */
	STEP_OVER,  /* close */
	STEP_ABORT,
};

static struct http *
http_of(struct conn *c)
{
	return (struct http *)c;
}

/* ---- sending */

static enum step
send_result(struct http *h, ssize_t n, size_t wanted)
{
	if (n == -EAGAIN)
		return STEP_WAIT;
	if (n < 0)
		return STEP_ABORT;
	conn_touch(&h->c);
	return (size_t)n < wanted ? STEP_WAIT : STEP_ON;
}

/* The head, and with it as much of the body as fits, in one send. */
static enum step
send_head(struct http *h, uint8_t *buf)
{
	struct http_reply *r = &h->reply;
	size_t head = r->head_len - r->head_off, body = 0;
	const uint8_t *data;
	ssize_t n;

	memcpy(buf, r->head + r->head_off, head);
	if (r->off < r->end) {
		data = http_reply_body(r, buf + head, SEND_BYTES - head, &body);
		if (!data)
			return STEP_ABORT;
		body = RTE_MIN(body, SEND_BYTES - head);
		if (data != buf + head)
			memcpy(buf + head, data, body);
	}
	n = mr_ep_send(h->c.ep, buf, head + body);
	if (n > 0) {
		r->head_off += RTE_MIN((size_t)n, head);
		r->off += (size_t)n > head ? n - head : 0;
	}
	return send_result(h, n, head + body);
}

static enum step
send_body(struct http *h, uint8_t *buf)
{
	struct http_reply *r = &h->reply;
	const uint8_t *data;
	size_t len;
	ssize_t n;

	data = http_reply_body(r, buf, SERVICE_SCRATCH, &len);
	if (!data)
		return STEP_ABORT;
	n = mr_ep_send(h->c.ep, data, len);
	if (n > 0)
		r->off += n;
	return send_result(h, n, len);
}

static enum step
reply_done(struct http *h)
{
	bool more;

	http_reply_fini(&h->reply);
	h->state = HTTP_SKIPPING;
	if (!h->reply.close)
		return STEP_ON;
	more = h->skip || h->parser.req.chunked || h->parser.status || held_any(&h->held) ||
	       mr_ep_readiness(h->c.ep) & MR_EV_IN;
	if (!more)
		return STEP_OVER;
	held_free(&h->held);
	if (mr_ep_shutdown(h->c.ep, MR_SHUT_WR) < 0)
		return STEP_ABORT;
	h->state = HTTP_LINGERING;
	return STEP_ON;
}

static enum step
step_send(struct http *h)
{
	uint8_t *buf = h->c.inst->core->scratch;

	if (h->reply.head_off < h->reply.head_len)
		return send_head(h, buf);
	if (h->reply.off < h->reply.end)
		return send_body(h, buf);
	return reply_done(h);
}

/* ---- reading */

static void
request_answer(struct http *h, enum http_result result)
{
	const struct core *core = h->c.inst->core;

	if (result == HTTP_ERROR) {
		http_reply_error(&h->reply, h->parser.status, core->date);
	} else {
		h->parser.req.close |= core->draining;
		http_reply_make(&h->reply, &h->parser.req, h->c.inst->service->root_fd, core->date);
		h->skip = h->parser.req.content_length;
	}
	h->state = HTTP_SENDING;
	conn_touch(&h->c);
}

/* Work on received bytes until an answer is to be sent. @return bytes done with */
static size_t
input_use(struct http *h, const char *data, size_t len)
{
	enum http_result result;
	size_t used = 0;

	if (h->state == HTTP_SKIPPING) {
		used = RTE_MIN(h->skip, len);
		h->skip -= used;
		if (h->skip)
			return used;
		h->state = HTTP_READING;
		h->begun = false;
		http_parser_init(&h->parser);
	}
	if (used < len) {
		size_t n;

		h->begun = true;
		result = http_parse(&h->parser, data + used, len - used, &n);
		used += n;
		if (result != HTTP_MORE)
			request_answer(h, result);
	}
	return used;
}

static enum step
step_read(struct http *h)
{
	char *buf = (char *)h->c.inst->core->scratch;
	size_t used;
	ssize_t n;

	if (held_any(&h->held)) {
		used = input_use(h, (const char *)h->held.buf + h->held.off, h->held.len - h->held.off);
		held_consume(&h->held, used);
		return STEP_ON;
	}
	n = mr_ep_recv(h->c.ep, buf, RECV_BYTES, NULL);
	if (n == -EAGAIN)
		return STEP_WAIT;
	if (n <= 0)
		return n == 0 ? STEP_OVER : STEP_ABORT;
	used = input_use(h, buf, n);
	if (used < (size_t)n && !held_keep(&h->held, buf + used, n - used))
		return STEP_ABORT;
	return STEP_ON;
}

static enum step
step_linger(struct http *h)
{
	ssize_t n = mr_ep_recv(h->c.ep, h->c.inst->core->scratch, SERVICE_SCRATCH, NULL);

	if (n == -EAGAIN)
		return STEP_WAIT;
	if (n <= 0)
		return STEP_OVER;
	h->lingered += n;
	return h->lingered > LINGER_BYTES ? STEP_ABORT : STEP_ON;
}

/* ---- the connection */

static void
http_event(struct conn *c, uint32_t events)
{
	struct http *h = http_of(c);
	enum step step;

	(void)events;
	do {
		if (h->state == HTTP_SENDING)
			step = step_send(h);
		else if (h->state == HTTP_LINGERING)
			step = step_linger(h);
		else
			step = step_read(h);
	} while (step == STEP_ON);
	if (step == STEP_OVER)
		conn_close(c);
	else if (step == STEP_ABORT)
		conn_abort(c);
}

static void
http_open(struct conn *c)
{
	struct http *h = http_of(c);

	h->reply.fd = -1;
	http_parser_init(&h->parser);
}

/* Between two requests the connection may end; within one, its answer is the last. */
static void
http_drain(struct conn *c)
{
	struct http *h = http_of(c);

	if ((h->state == HTTP_READING && !h->begun) || (h->state == HTTP_SKIPPING && !h->skip && !held_any(&h->held)))
		conn_close(c);
	else if (h->state == HTTP_SENDING)
		h->reply.close = true;
}

static void
http_fini(struct conn *c)
{
	struct http *h = http_of(c);

	http_reply_fini(&h->reply);
	held_free(&h->held);
}

const struct service_ops http_ops = {
	.name = "http",
	.port = 80,
	.protos = SERVICE_TCP,
	.idle_ns = IDLE_NS,
	.conn_bytes = sizeof(struct http),
	.open = http_open,
	.event = http_event,
	.drain = http_drain,
	.fini = http_fini,
};
