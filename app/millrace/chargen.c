/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Character generator (RFC 864): over TCP lines of 72 characters without end, each beginning one character further in
 * the 95 printable ones, until the peer closes; over UDP one datagram of 0 to 512 characters for each that comes.
 */
#include <errno.h>
#include <string.h>

#include <rte_common.h>
#include <rte_mbuf.h>

#include "app/millrace/service.h"

#define CHARS 95u
#define LINE 72u
#define LINE_BYTES (LINE + 2)
#define PERIOD (CHARS * LINE_BYTES) /* bytes after which the lines repeat */
#define CHUNK 16384u
#define DATAGRAM_MAX 512u

struct chargen {
	struct conn c;
	uint32_t off; /* in the period */
};

/* The lines, long enough that a chunk from any offset of the period is in one piece. */
static uint8_t lines[PERIOD + CHUNK];

RTE_INIT(lines_init)
{
	for (unsigned i = 0; i < sizeof(lines); i++) {
		unsigned line = i / LINE_BYTES, column = i % LINE_BYTES;

		lines[i] = column < LINE ? ' ' + (line + column) % CHARS : column == LINE ? '\r' : '\n';
	}
}

/* What the peer says is thrown away. @return false: it has closed, or the connection is over */
static bool
chargen_read(struct conn *c)
{
	struct rte_mbuf *m;
	ssize_t n;

	while ((n = mr_ep_recv_mbuf(c->ep, &m, NULL)) > 0)
		rte_pktmbuf_free(m);
	return n == -EAGAIN;
}

static void
chargen_event(struct conn *c, uint32_t events)
{
	struct chargen *g = (struct chargen *)c;
	ssize_t n;

	if (events & MR_EV_IN && !chargen_read(c)) {
		conn_give_up(c);
		return;
	}
	while ((n = mr_ep_send(c->ep, lines + g->off, CHUNK)) > 0) {
		g->off = (g->off + n) % PERIOD;
		conn_touch(c);
		if (n < (ssize_t)CHUNK)
			return;
	}
	if (n != -EAGAIN)
		conn_abort(c);
}

static void
chargen_drain(struct conn *c)
{
	conn_give_up(c);
}

/* The length changes from one to the next; that it looks random is all that the RFC asks for. */
static ssize_t
chargen_datagram(struct listener *l, const struct mr_sockaddr *from, const uint8_t *data, size_t len, uint8_t *reply)
{
	size_t n = (++l->inst->core->chargen_seq * 2654435761u >> 16) % (DATAGRAM_MAX + 1);

	(void)from;
	(void)data;
	(void)len;
	memcpy(reply, lines, n);
	return n;
}

const struct service_ops chargen_ops = {
	.name = "chargen",
	.port = 19,
	.protos = SERVICE_TCP | SERVICE_UDP,
	.conn_bytes = sizeof(struct chargen),
	.event = chargen_event,
	.drain = chargen_drain,
	.datagram = chargen_datagram,
};
