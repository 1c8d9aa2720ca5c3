/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Discard (RFC 863): everything is read and thrown away, nothing is ever sent.
 */
#include <errno.h>

#include <rte_mbuf.h>

#include "app/millrace/service.h"

static void
discard_event(struct conn *c, uint32_t events)
{
	struct rte_mbuf *m;
	ssize_t n;

	(void)events;
	while ((n = mr_ep_recv_mbuf(c->ep, &m, NULL)) > 0) {
		rte_pktmbuf_free(m);
		conn_touch(c);
	}
	if (n != -EAGAIN)
		conn_close(c);
}

static ssize_t
discard_datagram(struct listener *l, const struct mr_sockaddr *from, const uint8_t *data, size_t len, uint8_t *reply)
{
	(void)l;
	(void)from;
	(void)data;
	(void)len;
	(void)reply;
	return -1;
}

const struct service_ops discard_ops = {
	.name = "discard",
	.port = 9,
	.protos = SERVICE_TCP | SERVICE_UDP,
	.conn_bytes = sizeof(struct conn),
	.event = discard_event,
	.datagram = discard_datagram,
};
