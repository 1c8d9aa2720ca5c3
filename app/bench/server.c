/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Listening and accepting. Memory for all connections that may come is reserved at the start and touched as they come; a
 * connection too many is reset and counted.
 */
#include "app/bench/server.h"

#include <errno.h>
#include <stdlib.h>

#include <rte_malloc.h>

#include "app/bench/lend.h"
#include "app/bench/table.h"

#define BACKLOG 65535
#define SPARE_CONNS 1024u

static void
served_event(struct mr_ep *ep, uint32_t events, void *arg)
{
	struct served *v = arg;

	(void)ep;
	if (events & (MR_EV_HUP | MR_EV_ERR))
		served_close(v);
	else
		v->server->mode->server->event(v, events);
}

static void
served_begin(struct served *v, struct server *sv, struct mr_ep *ep)
{
	*v = (struct served){
		.waiter = {.mask = MR_EV_IN | MR_EV_OUT | MR_EV_ERR | MR_EV_HUP, .fn = served_event, .arg = v},
		.ep = ep,
		.server = sv,
	};
	mr_ep_wait(ep, &v->waiter);
}

static struct served *
served_get(struct server *sv)
{
	struct served *v = sv->free;

	if (v)
		sv->free = (struct served *)v->waiter.next;
	else if (sv->fresh < sv->n_conns)
		v = &sv->conns[sv->fresh++];
	return v;
}

static void
served_put(struct served *v)
{
	struct server *sv = v->server;

	v->ep = NULL;
	v->waiter.next = (struct mr_waiter *)sv->free;
	sv->free = v;
	sv->open--;
}

void
served_close(struct served *v)
{
	mr_ep_close(v->ep);
	served_put(v);
}

void
served_abort(struct served *v)
{
	mr_ep_abort(v->ep);
	served_put(v);
}

static void
accept_all(struct mr_ep *listener, uint32_t events, void *arg)
{
	struct server *sv = ((struct served *)arg)->server;
	struct mr_ep *ep;

	(void)events;
	while (mr_ep_accept(listener, &ep) == 0) {
		struct served *v = served_get(sv);

		if (!v) {
			sv->count.refused++;
			mr_ep_abort(ep);
			continue;
		}
		sv->open++;
		sv->count.accepted++;
		/* Answers are written in one piece: there is nothing to wait for. */
		mr_ep_setopt(ep, MR_OPT_TCP_NODELAY, 1);
		served_begin(v, sv, ep);
		if (sv->mode->flags & MODE_F_HOLD)
			server_done(sv, 1, 0);
		if (sv->mode->server->open)
			sv->mode->server->open(v);
	}
}

static void
datagram_event(struct mr_ep *ep, uint32_t events, void *arg)
{
	struct served *v = arg;

	/* What ICMP had to tell about one client is no reason to stop. */
	if (events & MR_EV_ERR)
		mr_ep_error(ep);
	v->server->mode->server->event(v, events);
}

static int
listener_open(struct server *sv, struct served *v, uint16_t port)
{
	const struct mr_sockaddr at = {.addr = sv->args->server.addr, .port = port};
	struct mr_ep *ep;
	int r = mr_ep_create(sv->stack, sv->mode->trans, mr_addr_net(&at.addr), &ep);

	if (r < 0)
		return r;
	r = mr_ep_bind(ep, &at);
	if (r == 0 && sv->mode->trans == MR_TRANS_TCP)
		r = mr_ep_listen(ep, BACKLOG);
	if (r < 0) {
		mr_ep_close(ep);
		return r;
	}
	*v = (struct served){.ep = ep, .server = sv};
	v->waiter = (struct mr_waiter){.mask = MR_EV_IN | MR_EV_ERR, .arg = v};
	v->waiter.fn = sv->mode->trans == MR_TRANS_TCP ? accept_all : datagram_event;
	mr_ep_wait(ep, &v->waiter);
	return 0;
}

/* ---- life */

int
server_create(const struct args *args, struct mr_stack *s, unsigned n_cores, struct server **out)
{
	struct server *sv = rte_zmalloc("server", sizeof(*sv), RTE_CACHE_LINE_SIZE);
	uint32_t share;

	if (!sv)
		return -ENOMEM;
	*out = sv;
	sv->args = args;
	sv->mode = args->mode;
	sv->stack = s;
	/* A hash decides which core gets a connection: room for half as many again as the fair share. */
	share = (args->connections + args->held) / n_cores;
	sv->n_conns = share + (n_cores > 1 ? share / 2 : 0) + SPARE_CONNS;
	sv->conns = table_alloc(sv->n_conns, sizeof(*sv->conns));
	sv->listeners = calloc(args->services, sizeof(*sv->listeners));
	sv->response = message_alloc(args->response, args->zero_copy, &sv->lend);
	sv->scratch = malloc(MODE_SCRATCH);
	if (!sv->conns || !sv->listeners || !sv->response || !sv->scratch)
		return -ENOMEM;
	if (sv->mode->response_build)
		sv->mode->response_build(sv->response, args->response);
	return 0;
}

int
server_open(struct server *sv)
{
	for (uint32_t i = 0; i < sv->args->services; i++) {
		int r = listener_open(sv, &sv->listeners[i], (uint16_t)(sv->args->service + i));

		if (r < 0)
			return r;
	}
	return 0;
}

void
server_stop(struct server *sv)
{
	for (uint32_t i = 0; i < sv->args->services; i++) {
		if (sv->listeners[i].ep)
			mr_ep_close(sv->listeners[i].ep);
		sv->listeners[i].ep = NULL;
	}
	for (uint32_t i = 0; i < sv->fresh; i++) {
		if (sv->conns[i].ep)
			served_abort(&sv->conns[i]);
	}
}

void
server_destroy(struct server *sv)
{
	if (!sv)
		return;
	free(sv->conns);
	free(sv->listeners);
	message_free(sv->response, sv->lend);
	free(sv->scratch);
	rte_free(sv);
}
