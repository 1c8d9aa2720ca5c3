/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Echo (RFC 862). A connection is read only when all that was read has been sent: a peer that does not read its echo
 * closes its own window. After the end of its stream the rest is sent, then ours ends.
 */
#include <errno.h>
#include <string.h>

#include <rte_mbuf.h>

#include "app/millrace/held.h"
#include "app/millrace/service.h"

struct echo {
	struct conn c;
	struct held held;
};

/* Send bytes. @return how many were taken, fewer when there is no room; -1: the connection is over */
static ssize_t
echo_send(struct echo *e, const void *data, size_t len)
{
	ssize_t n = len ? mr_ep_send(e->c.ep, data, len) : 0;

	if (n >= 0)
		conn_touch(&e->c);
	return n == -EAGAIN ? 0 : n < 0 ? -1 : n;
}

/* Send a packet's bytes, hold those that found no room. Consumes m. @return false: the connection is over */
static bool
echo_packet(struct echo *e, struct rte_mbuf *m)
{
	size_t sent = 0;
	ssize_t n = 0;
	bool ok;

	for (struct rte_mbuf *seg = m; seg; seg = seg->next) {
		n = echo_send(e, rte_pktmbuf_mtod(seg, void *), rte_pktmbuf_data_len(seg));
		if (n < 0)
			break;
		sent += n;
		if ((size_t)n < rte_pktmbuf_data_len(seg))
			break;
	}
	ok = n >= 0 && (sent == rte_pktmbuf_pkt_len(m) || held_keep_mbuf(&e->held, m, sent));
	rte_pktmbuf_free(m);
	return ok;
}

/* @return false: the connection is over */
static bool
echo_flush(struct echo *e)
{
	ssize_t n;

	if (!held_any(&e->held))
		return true;
	n = echo_send(e, e->held.buf + e->held.off, e->held.len - e->held.off);
	if (n > 0)
		held_consume(&e->held, n);
	return n >= 0;
}

static void
echo_event(struct conn *c, uint32_t events)
{
	struct echo *e = (struct echo *)c;
	bool ok = echo_flush(e);

	(void)events;
	while (ok && !held_any(&e->held)) {
		struct rte_mbuf *m;
		ssize_t n = mr_ep_recv_mbuf(c->ep, &m, NULL);

		if (n == -EAGAIN)
			return;
		if (n == 0) {
			conn_close(c);
			return;
		}
		ok = n > 0 && echo_packet(e, m);
	}
	if (!ok)
		conn_abort(c);
}

static void
echo_fini(struct conn *c)
{
	held_free(&((struct echo *)c)->held);
}

static ssize_t
echo_datagram(struct listener *l, const struct mr_sockaddr *from, const uint8_t *data, size_t len, uint8_t *reply)
{
	(void)l;
	(void)from;
	memcpy(reply, data, len);
	return len;
}

const struct service_ops echo_ops = {
	.name = "echo",
	.port = 7,
	.protos = SERVICE_TCP | SERVICE_UDP,
	.conn_bytes = sizeof(struct echo),
	.event = echo_event,
	.fini = echo_fini,
	.datagram = echo_datagram,
};
