/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The endpoint operations of TCP: what stands behind mr_ep_* (the user calls of RFC 9293 3.10). They change the
 * connection and mark it; they never send, and never call the application back.
 *
 * Not here: names and ports (bind.c), options (sockopt.c).
 */
#include "proto/tcp/tcp.h"

#include <errno.h>

#include <rte_common.h>

#define STARVED_BYTES 16384u /* queued, while others wait for memory */

int
tcp_ep_create(struct mr_transproto *tp, uint16_t net, struct mr_ep **out)
{
	struct tcp_conn *c;

	if ((net != MR_NET_IPV4 && net != MR_NET_IPV6) || !mr_stack_has_netproto(tp->stack, net))
		return -EPROTONOSUPPORT;
	c = tcp_conn_new((struct tcp *)tp);
	if (!c)
		return -ENOBUFS;
	c->v6 = net == MR_NET_IPV6;
	*out = &c->ep;
	return 0;
}

/* ---- accept -------------------------------------------------------------------------------------------------- */

void
tcp_accept_queue_push(struct tcp_bind *l, struct tcp_conn *c)
{
	c->parent = l;
	c->next = NULL;
	c->flags |= TCP_F_IN_ACCEPT;
	if (l->accept_tail)
		l->accept_tail->next = c;
	else
		l->accept_head = c;
	l->accept_tail = c;
	l->n_accept++;
	mr_ep_event(l->bound.ep, MR_EV_IN);
}

void
tcp_accept_queue_remove(struct tcp_conn *c)
{
	struct tcp_bind *l = c->parent;
	struct tcp_conn *prev = NULL, *x = l->accept_head;

	for (; x != c; x = x->next)
		prev = x;
	if (prev)
		prev->next = c->next;
	else
		l->accept_head = c->next;
	if (l->accept_tail == c)
		l->accept_tail = prev;
	l->n_accept--;
	c->next = NULL;
	c->parent = NULL;
	c->flags &= ~TCP_F_IN_ACCEPT;
}

static int
tcp_accept(struct mr_ep *ep, struct mr_ep **out)
{
	struct tcp_conn *l = tcp_conn(ep), *c;

	if (l->state != MR_TCP_LISTEN)
		return -EINVAL;
	c = l->bind->accept_head;
	if (!c)
		return -EAGAIN;
	tcp_accept_queue_remove(c);
	*out = &c->ep;
	return 0;
}

/* ---- data ---------------------------------------------------------------------------------------------------- */

/* It may be written to although its SYN is not acknowledged yet. */
static bool
opens_fast(const struct tcp_conn *c)
{
	return (c->state == MR_TCP_SYN_SENT || c->state == MR_TCP_SYN_RECEIVED) && c->rare->fo;
}

/* Why nothing can be sent; 0 if it can. */
static int
send_check(struct tcp_conn *c)
{
	int err = c->ep.err;

	if (err) {
		c->ep.err = 0;
		return err;
	}
	if (c->flags & TCP_F_SHUT_WR)
		return -EPIPE;
	if (tcp_state_can_send(c) || opens_fast(c))
		return 0;
	if (c->state == MR_TCP_SYN_SENT || c->state == MR_TCP_SYN_RECEIVED) {
		c->flags |= TCP_F_WANT_OUT;
		return -EAGAIN;
	}
	return c->flags & TCP_F_DETACHED ? -EPIPE : -ENOTCONN;
}

/* Bytes that may still be queued. While others wait for memory that is little, or all that comes free would go to who asks
 * first, until it is this endpoint's turn; but never nothing, for what is held may be held for long. */
static inline size_t
send_room(const struct tcp_conn *c)
{
	bool short_of = unlikely(c->ep.stack->tx_starved) && !(c->ep.flags & MR_EP_F_TURN);
	size_t max = short_of ? RTE_MIN(c->snd_buf, STARVED_BYTES) : c->snd_buf;

	return max > c->sendq->bytes ? max - c->sendq->bytes : 0;
}

/* Of what was to be sent not all could be queued, and `len` bytes in one must be. Tell when ACKs have made room, or, if memory
 * was what lacked, when it is this endpoint's turn. */
static void
want_out(struct tcp_conn *c, size_t len)
{
	c->flags |= TCP_F_WANT_OUT;
	c->ep.flags &= ~MR_EP_F_TURN;
	if (c->ep.stack->tx_starved && c->sendq->bytes + len <= c->snd_buf)
		mr_ep_starved(&c->ep);
}

static ssize_t
tcp_send(struct mr_ep *ep, const void *buf, size_t len, const struct mr_sockaddr *to)
{
	struct tcp_conn *c = tcp_conn(ep);
	int rc = send_check(c);
	size_t taken;

	if (rc < 0)
		return rc;
	if (to)
		return -EISCONN;
	taken = tcp_sendq_append(c, buf, RTE_MIN(len, send_room(c)));
	if (taken < len)
		want_out(c, 1);
	if (taken == 0)
		return len == 0 ? 0 : -EAGAIN;
	mr_ep_mark_dirty(ep);
	return (ssize_t)taken;
}

/* A packet that may be queued as it is: the send queue's own kind of mbuf, and no larger than a segment. */
static bool
can_queue(const struct tcp_conn *c, const struct rte_mbuf *m)
{
	return m->nb_segs == 1 && m->pkt_len <= c->mss && m->pkt_len > 0 && RTE_MBUF_DIRECT(m) &&
	       rte_mbuf_refcnt_read(m) == 1 && m->pool == c->ep.stack->tx_pool && m->data_off >= MR_HEADROOM &&
	       mr_stack_tx_room(c->ep.stack);
}

/* Queue one mbuf of a chain. The memory of received packets is the drivers' to fill, and is not held for as long as a peer likes;
 * external memory is the application's. @return bytes taken */
static size_t
send_piece(struct tcp_conn *c, struct rte_mbuf *m)
{
	size_t len = RTE_MIN((size_t)m->data_len, send_room(c)), taken;

	if (RTE_MBUF_HAS_EXTBUF(m))
		taken = tcp_sendq_append_external(c, m, len);
	else
		taken = tcp_sendq_append(c, rte_pktmbuf_mtod(m, const void *), len);
	if (taken < m->data_len)
		want_out(c, 1);
	return taken;
}

static ssize_t
tcp_send_mbuf(struct mr_ep *ep, struct rte_mbuf *m, const struct mr_sockaddr *to)
{
	struct tcp_conn *c = tcp_conn(ep);
	ssize_t rc = send_check(c), len = m->pkt_len;

	if (rc == 0 && to)
		rc = -EISCONN;
	/* Also one of more than a share must come through sometime: in part, as whenever memory is short. */
	if (rc == 0 && m->pkt_len > send_room(c) && (c->sendq->bytes > 0 || m->pkt_len > c->snd_buf)) {
		want_out(c, m->pkt_len);
		rc = -EAGAIN;
	}
	if (rc < 0) {
		rte_pktmbuf_free(m);
		return rc;
	}
	if (can_queue(c, m)) {
		tcp_sendq_append_mbuf(c, m);
		mr_ep_mark_dirty(ep);
		return len;
	}
	for (struct rte_mbuf *seg = m; seg; seg = seg->next) {
		size_t n = send_piece(c, seg);

		rc += (ssize_t)n;
		/* A short count ends it: what follows would leave a hole. */
		if (n < seg->data_len)
			break;
	}
	rte_pktmbuf_free(m);
	if (rc == 0 && len > 0)
		return -EAGAIN;
	mr_ep_mark_dirty(ep);
	return rc;
}

/* Nothing to read: end of stream, the connection's error, or not yet. */
static ssize_t
recv_nothing(struct tcp_conn *c)
{
	int err = c->ep.err;

	if (c->flags & (TCP_F_FIN_RCVD | TCP_F_SHUT_RD))
		return 0;
	if (err) {
		c->ep.err = 0;
		return err;
	}
	if (c->flags & TCP_F_DETACHED)
		return 0;
	return c->state == MR_TCP_CLOSED || c->state == MR_TCP_LISTEN ? -ENOTCONN : -EAGAIN;
}

/* Reading has made room: tell the peer when it is worth a segment. */
static void
after_read(struct tcp_conn *c)
{
	if (unlikely(c->flags & TCP_F_URG_RCVD))
		tcp_urgent_read(c);
	if (tcp_state_can_receive(c) && tcp_window_worth_update(c)) {
		tcp_rcv_buf_tune(c);
		tcp_ack_now(c);
	}
}

static ssize_t
tcp_recv(struct mr_ep *ep, void *buf, size_t len, struct mr_sockaddr *from, bool peek)
{
	struct tcp_conn *c = tcp_conn(ep);
	size_t n;

	if (from)
		tcp_name(ep, from, true);
	if (!c->rcvq.in_order.head)
		return recv_nothing(c);
	n = tcp_rcvq_read(c, buf, len, peek);
	if (!peek)
		after_read(c);
	return (ssize_t)n;
}

static ssize_t
tcp_recv_mbuf(struct mr_ep *ep, struct rte_mbuf **out, struct mr_sockaddr *from)
{
	struct tcp_conn *c = tcp_conn(ep);

	if (from)
		tcp_name(ep, from, true);
	*out = tcp_rcvq_pop(c);
	if (!*out)
		return recv_nothing(c);
	after_read(c);
	return (*out)->pkt_len;
}

void
tcp_tell_writable(struct tcp_conn *c)
{
	if (!(c->flags & TCP_F_WANT_OUT))
		return;
	tcp_snd_buf_tune(c);
	/* It is told in its turn, and keeps its place until then. */
	if (unlikely(c->ep.flags & MR_EP_F_STARVED))
		return;
	/* Not for every byte: when a third of the buffer is free again. */
	if (c->sendq->bytes > c->snd_buf / 3 * 2)
		return;
	c->flags &= ~TCP_F_WANT_OUT;
	mr_ep_event(&c->ep, MR_EV_OUT);
}

static uint32_t
tcp_readiness(struct mr_ep *ep)
{
	const struct tcp_conn *c = tcp_conn(ep);
	uint32_t ev = 0;

	if (c->state == MR_TCP_LISTEN)
		return c->bind->accept_head ? MR_EV_IN : 0;
	if (c->rcvq.in_order.head || (c->flags & (TCP_F_FIN_RCVD | TCP_F_SHUT_RD | TCP_F_DETACHED)))
		ev |= MR_EV_IN;
	if ((tcp_state_can_send(c) || opens_fast(c)) && !(c->flags & TCP_F_SHUT_WR) && c->sendq->bytes < c->snd_buf)
		ev |= MR_EV_OUT;
	if (tcp_urgent_left(c))
		ev |= MR_EV_PRI;
	if (ep->err)
		ev |= MR_EV_ERR;
	if (c->flags & TCP_F_DETACHED)
		ev |= MR_EV_HUP;
	return ev;
}

/* ---- the end ------------------------------------------------------------------------------------------------- */

/* The application ends its stream: FIN follows what is queued. */
static void
end_stream(struct tcp_conn *c)
{
	if (c->flags & TCP_F_SHUT_WR)
		return;
	c->flags |= TCP_F_SHUT_WR;
	c->flags &= ~TCP_F_CORK;
	if (c->state == MR_TCP_CLOSE_WAIT)
		tcp_state_set(c, MR_TCP_LAST_ACK);
	else if (c->state == MR_TCP_ESTABLISHED)
		tcp_state_set(c, MR_TCP_FIN_WAIT_1); /* before that: tcp_established */
	mr_ep_mark_dirty(&c->ep);
}

static int
tcp_shutdown(struct mr_ep *ep, unsigned how)
{
	struct tcp_conn *c = tcp_conn(ep);

	if (!tcp_is_open(c) && !opens_fast(c))
		return -ENOTCONN;
	if (how & MR_SHUT_RD) {
		bool unread = c->rcvq.bytes > 0;
		struct rte_mbuf *m;

		c->flags |= TCP_F_SHUT_RD;
		while ((m = tcp_rcvq_pop(c)))
			rte_pktmbuf_free(m);
		if (unread)
			after_read(c);
		mr_ep_event(ep, MR_EV_IN);
	}
	if (how & MR_SHUT_WR)
		end_stream(c);
	return 0;
}

/* Nobody waits for this connection any more: bound how long it may take to end. */
static void
orphan_deadline(struct tcp_conn *c)
{
	uint64_t now = c->ep.stack->now_ns;

	c->idle_ns = 0;
	if (c->state == MR_TCP_FIN_WAIT_2)
		c->idle_ns = now + tcp_of(c->ep.stack)->fin_wait2_ns;
	else if (c->flags & TCP_F_LINGER)
		c->idle_ns = now + (uint64_t)c->rare->linger_ms * 1000000;
	tcp_timer_update(c);
}

void
tcp_orphan_fin_wait_2(struct tcp_conn *c)
{
	if (c->ep.flags & MR_EP_F_CLOSED)
		orphan_deadline(c);
}

static void
tcp_close(struct mr_ep *ep, bool abort)
{
	struct tcp_conn *c = tcp_conn(ep);
	bool unread = c->rcvq.bytes > 0;

	ep->flags |= MR_EP_F_CLOSED;
	ep->waiters = NULL;
	if (c->state == MR_TCP_LISTEN) {
		tcp_listen_close(tcp_of(ep->stack), c->bind);
		tcp_state_set(c, MR_TCP_CLOSED);
	}
	if (c->state == MR_TCP_CLOSED || c->state == MR_TCP_TIME_WAIT) {
		tcp_conn_release(c);
		return;
	}
	if (c->state == MR_TCP_SYN_SENT && c->sendq->bytes == 0) {
		tcp_conn_end(c, 0);
		return;
	}
	/* Unread data would be lost without a word (RFC 2525 2.17); linger 0 asks for a reset. */
	if (abort || unread || ((c->flags & TCP_F_LINGER) && c->rare->linger_ms == 0)) {
		tcp_reset_conn(c);
		tcp_conn_end(c, 0);
		return;
	}
	end_stream(c);
	orphan_deadline(c);
}

const struct mr_ep_ops tcp_ep_ops = {
	.bind = tcp_bind,
	.listen = tcp_listen,
	.accept = tcp_accept,
	.connect = tcp_connect,
	.send = tcp_send,
	.send_mbuf = tcp_send_mbuf,
	.recv = tcp_recv,
	.recv_mbuf = tcp_recv_mbuf,
	.shutdown = tcp_shutdown,
	.close = tcp_close,
	.setopt = tcp_ep_setopt,
	.getopt = tcp_ep_getopt,
	.name = tcp_name,
	.readiness = tcp_readiness,
};
