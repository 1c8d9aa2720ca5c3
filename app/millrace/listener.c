/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Where a service listens: connections go to conn.c, datagrams to the service itself.
 */
#include "app/millrace/listener.h"

#include <rte_mbuf.h>

#include "app/millrace/conn.h"

/* Ports of small services, which answer everything: to answer them makes two services talk for ever. */
static bool
port_answers_back(uint16_t port)
{
	return port == 7 || port == 13 || port == 17 || port == 19 || port == 37;
}

static void
datagram_event(struct mr_ep *ep, uint32_t events, void *arg)
{
	struct listener *l = arg;
	struct core *core = l->inst->core;
	struct mr_sockaddr from;
	struct rte_mbuf *m;
	ssize_t len;

	(void)events;
	while ((len = mr_ep_recv_mbuf(ep, &m, &from)) >= 0) {
		const uint8_t *data = rte_pktmbuf_read(m, 0, len, core->scratch);
		ssize_t n = -1;

		if (!port_answers_back(from.port))
			n = l->inst->service->ops->datagram(l, &from, data, len, core->reply);
		/* An answer that cannot be sent now is lost, as datagrams may be; the stack counts why. */
		if (n >= 0)
			mr_ep_sendto(ep, core->reply, n, &from);
		rte_pktmbuf_free(m);
	}
}

int
listener_open(struct listener *l, struct instance *inst, unsigned proto, const struct mr_sockaddr *sa)
{
	const struct service *v = inst->service;
	bool tcp = proto == SERVICE_TCP, v4 = mr_addr_is_v4(&sa->addr);
	int r = mr_ep_create(inst->core->stack, tcp ? MR_TRANS_TCP : MR_TRANS_UDP, v4 ? MR_NET_IPV4 : MR_NET_IPV6,
	                     &l->ep);

	if (r < 0)
		return r;
	l->inst = inst;
	l->waiter = (struct mr_waiter){.mask = MR_EV_IN, .fn = tcp ? conn_accept : datagram_event, .arg = l};
	r = mr_ep_bind(l->ep, sa);
	if (r == 0 && tcp)
		r = mr_ep_setopt(l->ep, MR_OPT_TCP_FASTOPEN, v->fastopen);
	if (r == 0 && tcp)
		r = mr_ep_listen(l->ep, v->backlog);
	if (r < 0) {
		mr_ep_close(l->ep);
		l->ep = NULL;
		return r;
	}
	mr_ep_wait(l->ep, &l->waiter);
	return 0;
}
