/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Request and response: tcp_rr on connections that stay open, tcp_crr with one for each operation (open, request,
 * response, close by the client), udp_rr in datagrams.
 *
 * Over TCP bytes are counted, not looked at. Over UDP an answer may be lost: the first byte numbers the operations of a
 * connection, so that a late answer is not taken for the next one. The server sends it back, as an echo does too.
 */
#include <errno.h>

#include <rte_mbuf.h>

#include "app/bench/client.h"
#include "app/bench/server.h"
#include "app/bench/served_send.h"

#define UDP_BURST 32 /* requests that the server of datagrams takes and answers together */

/* ---- TCP */

static int
tcp_start(struct client *cl, struct conn *c)
{
	uint32_t len = cl->args->request;
	ssize_t n = mr_ep_send(c->ep, cl->request, len);

	if (c->left == 0)
		c->left = cl->args->response;
	return n == (ssize_t)len ? 0 : n < 0 && n != -EAGAIN ? (int)n : -ENOBUFS;
}

/* Operations that start while we read what has come cannot be answered by it: a server that says more than it is asked for
 * is found out. */
static void
tcp_input(struct client *cl, struct conn *c)
{
	uint32_t bytes = cl->args->request + cl->args->response;
	uint16_t due = c->under_way;
	ssize_t n = 0;

	while (c->state == CONN_OPEN && (n = mr_ep_recv(c->ep, cl->scratch, MODE_SCRATCH, NULL)) > 0) {
		uint32_t got = (uint32_t)n;

		for (; got >= c->left && due > 0 && c->state == CONN_OPEN; client_done(cl, c, bytes)) {
			due--;
			got -= c->left;
			c->left = cl->args->response;
		}
		if (c->state != CONN_OPEN)
			return;
		if (got > 0 && due == 0) {
			client_lost(cl, c, -EMSGSIZE);
			return;
		}
		c->left -= got;
	}
	if (c->state == CONN_OPEN && n != -EAGAIN)
		client_lost(cl, c, n < 0 ? (int)n : -ECONNRESET);
}

static void
tcp_serve(struct served *v, uint32_t events)
{
	struct server *sv = v->server;
	uint32_t request = sv->args->request, response = sv->args->response;
	ssize_t n = -EAGAIN;

	(void)events;
	if (!served_send(v))
		return;
	while (v->owed == 0 && (n = mr_ep_recv(v->ep, sv->scratch, MODE_SCRATCH, NULL)) > 0) {
		uint32_t ops = 0;

		for (v->got += (uint32_t)n; v->got >= request; v->got -= request)
			ops++;
		v->owed = (uint64_t)ops * response;
		server_done(sv, ops, (uint64_t)ops * (request + response));
		if (!served_send(v))
			return;
	}
	if (v->owed == 0 && n != -EAGAIN)
		served_close(v);
}

const struct client_ops rr_tcp_client = {.start = tcp_start, .input = tcp_input};
const struct server_ops rr_tcp_server = {.event = tcp_serve};

const struct mode tcp_rr_mode = {
	.name = "tcp_rr",
	.help = "request and response on connections that stay open",
	.trans = MR_TRANS_TCP,
	.service = 7,
	.flags = MODE_F_PIPELINE,
	.request = 1,
	.response = 1,
	.request_max = RR_REQUEST_MAX,
	.client = &rr_tcp_client,
	.server = &rr_tcp_server,
};

const struct mode tcp_crr_mode = {
	.name = "tcp_crr",
	.help = "open, request, response, close",
	.trans = MR_TRANS_TCP,
	.service = 7,
	.flags = MODE_F_EACH,
	.request = 1,
	.response = 1,
	.request_max = RR_REQUEST_MAX,
	.client = &rr_tcp_client,
	.server = &rr_tcp_server,
};

/* ---- UDP */

static int
udp_start(struct client *cl, struct conn *c)
{
	ssize_t n;

	cl->request[0] = ++c->tag;
	n = mr_ep_send(c->ep, cl->request, cl->args->request);
	/* What could not be sent for want of packets is lost like any other. */
	return n >= 0 || n == -EAGAIN || n == -ENOBUFS ? 0 : (int)n;
}

static void
udp_input(struct client *cl, struct conn *c)
{
	ssize_t n;

	while (c->state == CONN_OPEN && (n = mr_ep_recv(c->ep, cl->scratch, MODE_SCRATCH, NULL)) > 0) {
		if (c->under_way > 0 && cl->scratch[0] == c->tag)
			client_done(cl, c, cl->args->request + (uint32_t)n);
	}
}

/* An answer of another size than its request's. Consumes that. @return as of a send */
static ssize_t
udp_answer(struct served *v, struct rte_mbuf *request, const struct mr_sockaddr *to)
{
	struct server *sv = v->server;

	if (request->data_len > 0)
		sv->response[0] = *rte_pktmbuf_mtod(request, const uint8_t *);
	rte_pktmbuf_free(request);
	return mr_ep_sendto(v->ep, sv->response, sv->args->response, to);
}

/* With equal sizes it is an echo, and the packets themselves go back. Consumes them. @return how many were sent */
static uint32_t
udp_echo(struct served *v, struct rte_mbuf **pkts, const struct mr_sockaddr *to, uint16_t n)
{
	uint32_t sent = 0;

	for (uint16_t i = 0; i < n;) {
		int k = mr_ep_send_burst(v->ep, &pkts[i], &to[i], n - i);

		if (k <= 0)
			rte_pktmbuf_free(pkts[i]);
		i += k > 0 ? k : 1;
		sent += k > 0 ? k : 0;
	}
	return sent;
}

static void
udp_serve(struct served *v, uint32_t events)
{
	struct server *sv = v->server;
	struct mr_sockaddr from[UDP_BURST];
	struct rte_mbuf *pkts[UDP_BURST];
	uint32_t response = sv->args->response;
	int n;

	(void)events;
	while ((n = mr_ep_recv_burst(v->ep, pkts, from, UDP_BURST)) > 0) {
		uint16_t same = 0;
		uint32_t sent;

		for (int i = 0; i < n; i++) {
			uint32_t len = pkts[i]->pkt_len;

			if (likely(len == response)) {
				from[same] = from[i];
				pkts[same++] = pkts[i];
			} else if (udp_answer(v, pkts[i], &from[i]) >= 0) {
				server_done(sv, 1, len + response);
			}
		}
		sent = udp_echo(v, pkts, from, same);
		server_done(sv, sent, 2ull * sent * response);
	}
}

static const struct client_ops udp_client = {.start = udp_start, .input = udp_input};
static const struct server_ops udp_server = {.event = udp_serve};

const struct mode udp_rr_mode = {
	.name = "udp_rr",
	.help = "request and response in datagrams",
	.trans = MR_TRANS_UDP,
	.service = 7,
	.flags = MODE_F_MAY_LOSE,
	.request = 1,
	.response = 1,
	.request_max = MODE_MESSAGE_MAX,
	.response_max = MODE_MESSAGE_MAX,
	.client = &udp_client,
	.server = &udp_server,
};
