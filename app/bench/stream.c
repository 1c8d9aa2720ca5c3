/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Bulk: tcp_stream from client to server, tcp_maerts the other way, udp_stream in datagrams that nobody answers. An
 * operation is one message: --request bytes of what the client sends, --response bytes of what the server does.
 *
 * Receivers take packets as they are and copy nothing; senders write from one buffer, over and over, or with --zero-copy have
 * it sent from where it is.
 */
#include <errno.h>

#include <rte_mbuf.h>

#include "app/bench/client.h"
#include "app/bench/lend.h"
#include "app/bench/served_send.h"
#include "app/bench/server.h"

#define MESSAGE 65536u
#define DATAGRAM 1472u /* of a packet of 1500 bytes */

/* Add bytes to a message that has begun. @return messages that are complete */
static uint32_t
messages(uint32_t *begun, uint64_t bytes, uint32_t size)
{
	uint64_t sum = *begun + bytes;

	*begun = (uint32_t)(sum % size);
	return (uint32_t)(sum / size);
}

/* Take all that has come. @return bytes; *over: nothing will follow */
static uint64_t
receive_all(struct mr_ep *ep, bool *over)
{
	uint64_t bytes = 0;
	struct rte_mbuf *m;
	ssize_t n;

	while ((n = mr_ep_recv_mbuf(ep, &m, NULL)) > 0) {
		bytes += (uint64_t)n;
		rte_pktmbuf_free(m);
	}
	*over = n != -EAGAIN;
	return bytes;
}

/* ---- tcp_stream */

/* Write until there is no room. @return 0, or -errno of the connection */
static int
stream_write(struct client *cl, struct conn *c)
{
	uint64_t bytes = 0;
	ssize_t n;

	while ((n = message_send(cl->lend, c->ep, cl->request, cl->args->request)) > 0)
		bytes += (uint64_t)n;
	client_progress(cl, messages(&c->left, bytes, cl->args->request), bytes);
	return n == -EAGAIN ? 0 : (int)n;
}

static void
stream_output(struct client *cl, struct conn *c)
{
	int r = stream_write(cl, c);

	if (r < 0)
		client_lost(cl, c, r);
}

/* The server says nothing: it can only end. */
static void
stream_input(struct client *cl, struct conn *c)
{
	bool over;

	receive_all(c->ep, &over);
	if (over)
		client_lost(cl, c, -ECONNRESET);
}

static void
stream_serve(struct served *v, uint32_t events)
{
	struct server *sv = v->server;
	bool over;
	uint64_t bytes = receive_all(v->ep, &over);

	(void)events;
	server_done(sv, messages(&v->got, bytes, sv->args->request), bytes);
	if (over)
		served_close(v);
}

static const struct client_ops stream_client = {.start = stream_write, .output = stream_output, .input = stream_input};
static const struct server_ops stream_server = {.event = stream_serve};

const struct mode tcp_stream_mode = {
	.name = "tcp_stream",
	.help = "bulk from client to server",
	.trans = MR_TRANS_TCP,
	.service = 9,
	.flags = MODE_F_LENDS,
	.request = MESSAGE,
	.response = 1,
	.client = &stream_client,
	.server = &stream_server,
};

/* ---- tcp_maerts */

static int
maerts_start(struct client *cl, struct conn *c)
{
	(void)cl, (void)c; /* the server has begun long ago, and waits for us to read */
	return 0;
}

static void
maerts_input(struct client *cl, struct conn *c)
{
	bool over;
	uint64_t bytes = receive_all(c->ep, &over);

	client_progress(cl, messages(&c->left, bytes, cl->args->response), bytes);
	if (over)
		client_lost(cl, c, -ECONNRESET);
}

static void
maerts_send(struct served *v)
{
	uint32_t response = v->server->args->response;

	while (served_send(v) && v->owed == 0) {
		server_done(v->server, 1, response);
		v->owed = response;
	}
}

static void
maerts_open(struct served *v)
{
	v->owed = v->server->args->response;
	maerts_send(v);
}

static void
maerts_serve(struct served *v, uint32_t events)
{
	bool over;

	receive_all(v->ep, &over);
	if (over)
		served_close(v);
	else if (events & MR_EV_OUT)
		maerts_send(v);
}

static const struct client_ops maerts_client = {.start = maerts_start, .input = maerts_input};
static const struct server_ops maerts_server = {.open = maerts_open, .event = maerts_serve};

const struct mode tcp_maerts_mode = {
	.name = "tcp_maerts",
	.help = "bulk from server to client",
	.trans = MR_TRANS_TCP,
	.service = 19,
	.flags = MODE_F_LENDS,
	.request = 1,
	.response = MESSAGE,
	.client = &maerts_client,
	.server = &maerts_server,
};

/* ---- udp_stream */

static int
datagram_start(struct client *cl, struct conn *c)
{
	ssize_t n = mr_ep_send(c->ep, cl->request, cl->args->request);

	if (n < 0 && n != -EAGAIN && n != -ENOBUFS)
		return (int)n;
	client_sent(cl, c, n);
	return 0;
}

static void
datagram_input(struct client *cl, struct conn *c)
{
	bool over;

	(void)cl;
	receive_all(c->ep, &over);
}

static void
datagram_serve(struct served *v, uint32_t events)
{
	struct server *sv = v->server;
	uint64_t bytes = 0, n_datagrams = 0;
	struct rte_mbuf *m;
	ssize_t n;

	(void)events;
	while ((n = mr_ep_recv_mbuf(v->ep, &m, NULL)) >= 0) {
		bytes += (uint64_t)n;
		n_datagrams++;
		rte_pktmbuf_free(m);
	}
	server_done(sv, n_datagrams, bytes);
}

static const struct client_ops datagram_client = {.start = datagram_start, .input = datagram_input};
static const struct server_ops datagram_server = {.event = datagram_serve};

const struct mode udp_stream_mode = {
	.name = "udp_stream",
	.help = "datagrams from client to server, as many as the link takes",
	.trans = MR_TRANS_UDP,
	.service = 9,
	.flags = MODE_F_PUSH,
	.request = DATAGRAM,
	.response = 1,
	.request_max = MODE_MESSAGE_MAX,
	.client = &datagram_client,
	.server = &datagram_server,
};

/* ---- tcp_cc: nothing is ever sent */

static const struct client_ops held_client = {.start = maerts_start, .input = stream_input};
static const struct server_ops held_server = {.event = stream_serve};

const struct mode tcp_cc_mode = {
	.name = "tcp_cc",
	.help = "open connections, as many as asked for, and hold them",
	.trans = MR_TRANS_TCP,
	.service = 9,
	.flags = MODE_F_HOLD,
	.request = 1,
	.response = 1,
	.client = &held_client,
	.server = &held_server,
};
