/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The endpoint operations of TCP: what stands behind mr_ep_* (the user calls of RFC 9293 3.10). They change the
 * connection and mark it; they never send, and never call the application back.
 */
#include "proto/tcp/tcp.h"

#include <errno.h>
#include <string.h>

#include <rte_byteorder.h>
#include <rte_common.h>

#include "stack/port.h"
#include "stack/steer.h"

static bool
is_v6_endpoint(const struct tcp_conn *c)
{
	return c->net == MR_NET_IPV6;
}

int
tcp_ep_create(struct mr_transproto *tp, uint16_t net, struct mr_ep **out)
{
	struct tcp_conn *c;

	if (!mr_stack_netproto(tp->stack, net))
		return -EPROTONOSUPPORT;
	c = tcp_conn_new((struct tcp *)tp);
	if (!c)
		return -ENOBUFS;
	c->net = net;
	*out = &c->ep;
	return 0;
}

/* ---- names and ports ----------------------------------------------------------------------------------------- */

static void
port_request(const struct tcp_conn *c, const struct mr_addr *addr, uint16_t port, struct mr_port_req *r)
{
	bool any = mr_addr_is_any(addr), v4 = mr_addr_is_v4(addr);

	*r = (struct mr_port_req){
		.proto = MR_TRANS_TCP,
		.v4 = is_v6_endpoint(c) ? v4 || (any && !(c->flags & TCP_F_V6ONLY)) : true,
		.v6 = is_v6_endpoint(c) && !v4,
		.port = port,
		.nic = c->bind_nic,
		.reuse = c->flags & TCP_F_REUSEPORT,
	};
	if (!any)
		r->addr = *addr;
}

static bool
family_fits(const struct tcp_conn *c, const struct mr_addr *addr)
{
	struct mr_addr none = {0};

	if (mr_addr_equal(addr, &none))
		return true;
	return is_v6_endpoint(c) ? !(mr_addr_is_v4(addr) && (c->flags & TCP_F_V6ONLY)) : mr_addr_is_v4(addr);
}

static int
tcp_bind(struct mr_ep *ep, const struct mr_sockaddr *local)
{
	struct tcp_conn *c = tcp_conn(ep);
	struct tcp *t = tcp_of(ep->stack);
	struct mr_port_req req;
	struct tcp_bind *b;
	int rc;

	if (c->state != MR_TCP_CLOSED || c->bind || (c->flags & TCP_F_DETACHED))
		return -EINVAL;
	if (!family_fits(c, &local->addr))
		return -EADDRNOTAVAIL;
	if (!mr_addr_is_any(&local->addr) && !mr_stack_check_local_address(ep->stack, local->nic, &local->addr))
		return -EADDRNOTAVAIL;
	if (local->nic)
		c->bind_nic = local->nic;
	port_request(c, &local->addr, local->port, &req);
	rc = local->port ? 0 : mr_port_pick_ephemeral(ep->stack, &req, NULL, NULL);
	if (rc < 0)
		return rc;
	b = mr_pool_get(&t->binds);
	if (!b)
		return -ENOBUFS;
	rc = mr_port_reserve(ep->stack, &req);
	if (rc < 0) {
		mr_pool_put(&t->binds, b);
		return rc;
	}
	b->req = req;
	b->bound.ep = ep;
	c->bind = b;
	return 0;
}

void
tcp_bind_free(struct tcp_conn *c)
{
	struct tcp_bind *b = c->bind;

	if (!b)
		return;
	mr_demux_unbind(c->ep.stack, &b->bound);
	mr_port_release(c->ep.stack, &b->req);
	mr_pool_put(&tcp_of(c->ep.stack)->binds, b);
	c->bind = NULL;
}

static int
tcp_listen(struct mr_ep *ep, int backlog)
{
	struct tcp_conn *c = tcp_conn(ep);
	struct tcp_bind *b;
	int rc;

	if (c->state == MR_TCP_LISTEN) {
		c->bind->backlog = RTE_MAX(backlog, 1);
		return 0;
	}
	if (c->state != MR_TCP_CLOSED || (c->flags & TCP_F_DETACHED))
		return -EINVAL;
	if (!c->bind) {
		struct mr_sockaddr any = {0};

		rc = tcp_bind(ep, &any);
		if (rc < 0)
			return rc;
	}
	b = c->bind;
	b->bound.laddr = b->req.addr;
	b->bound.lport_be = rte_cpu_to_be_16(b->req.port);
	b->bound.nic = b->req.nic;
	b->bound.proto = MR_TRANS_TCP;
	b->bound.v4 = b->req.v4;
	b->bound.v6 = b->req.v6;
	b->bound.reuse_port = b->req.reuse;
	rc = mr_demux_bind(ep->stack, &b->bound);
	if (rc < 0)
		return rc;
	b->backlog = RTE_MAX(backlog, 1);
	b->listening = true;
	tcp_state_set(c, MR_TCP_LISTEN);
	return 0;
}

static int
tcp_name(struct mr_ep *ep, struct mr_sockaddr *out, bool remote)
{
	const struct tcp_conn *c = tcp_conn(ep);

	memset(out, 0, sizeof(*out));
	if (c->route.local) {
		out->addr = remote ? ep->flow.raddr : c->route.local->addr;
		out->port = rte_be_to_cpu_16(remote ? ep->flow.rport_be : ep->flow.lport_be);
		out->nic = c->route.local->nic->id;
		return 0;
	}
	if (remote || !c->bind)
		return -ENOTCONN;
	out->addr = c->bind->req.addr;
	out->port = c->bind->req.port;
	out->nic = c->bind->req.nic;
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

/* ---- connect ------------------------------------------------------------------------------------------------- */

/* A local port will do if the tuple is free and its answers come to this core. */
static bool
port_fits(uint16_t port, void *arg)
{
	struct tcp_conn *c = arg;
	struct mr_stack *s = c->ep.stack;
	struct mr_flow key = c->ep.flow;

	key.lport_be = rte_cpu_to_be_16(port);
	key.hash = mr_flow_hash(&s->flows, &key.raddr, key.rport_be, key.lport_be, key.local_id, key.proto);
	if (mr_flow_lookup(&s->flows, &key))
		return false;
	if (s->steer) {
		struct mr_tuple tuple = {.src = key.raddr, .dst = c->route.local->addr, .sport_be = key.rport_be,
		                         .dport_be = key.lport_be};

		return mr_steer_owner(s->steer, &tuple) == s->steer->core;
	}
	return true;
}

static int
connect_port(struct tcp_conn *c)
{
	struct mr_port_req req;
	int rc;

	if (c->bind) {
		c->ep.flow.lport_be = rte_cpu_to_be_16(c->bind->req.port);
		return 0;
	}
	port_request(c, &c->route.local->addr, 0, &req);
	rc = mr_port_pick_ephemeral(c->ep.stack, &req, port_fits, c);
	if (rc == 0)
		c->ep.flow.lport_be = rte_cpu_to_be_16(req.port);
	return rc;
}

static int
connect_check(const struct tcp_conn *c, const struct mr_sockaddr *remote)
{
	if (c->state == MR_TCP_SYN_SENT || c->state == MR_TCP_SYN_RECEIVED)
		return -EALREADY;
	if (c->state == MR_TCP_LISTEN)
		return -EINVAL;
	if (c->state != MR_TCP_CLOSED || (c->flags & TCP_F_DETACHED))
		return -EISCONN;
	if (remote->port == 0 || mr_addr_is_any(&remote->addr) || mr_addr_is_multicast(&remote->addr) ||
	    !family_fits(c, &remote->addr))
		return -EADDRNOTAVAIL;
	return 0;
}

static int
tcp_connect(struct mr_ep *ep, const struct mr_sockaddr *remote)
{
	struct tcp_conn *c = tcp_conn(ep);
	const struct mr_addr *laddr = c->bind && !mr_addr_is_any(&c->bind->req.addr) ? &c->bind->req.addr : NULL;
	int rc = connect_check(c, remote);

	if (rc < 0)
		return rc;
	rc = mr_route_find(ep->stack, remote->nic ? remote->nic : c->bind_nic, laddr, &remote->addr, 0, &c->route);
	if (rc < 0)
		return rc;
	if (c->route.flags & (MR_ROUTE_F_BROADCAST | MR_ROUTE_F_MULTICAST)) {
		mr_route_release(&c->route);
		return -EADDRNOTAVAIL; /* MUST-46 */
	}
	ep->flow.raddr = remote->addr;
	ep->flow.rport_be = rte_cpu_to_be_16(remote->port);
	ep->flow.local_id = c->route.local->id;
	rc = connect_port(c);
	if (rc == 0) {
		ep->flow.flags |= c->bind_nic ? MR_FLOW_F_NIC : 0;
		rc = mr_flow_insert(&ep->stack->flows, &ep->flow);
		if (rc == -EEXIST)
			rc = -EADDRINUSE;
	}
	if (rc < 0) {
		mr_route_release(&c->route);
		return rc;
	}
	tcp_open_active(c);
	return -EINPROGRESS;
}

/* ---- data ---------------------------------------------------------------------------------------------------- */

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
	if (tcp_state_can_send(c))
		return 0;
	if (c->state == MR_TCP_SYN_SENT || c->state == MR_TCP_SYN_RECEIVED) {
		c->flags |= TCP_F_WANT_OUT;
		return -EAGAIN;
	}
	return c->flags & TCP_F_DETACHED ? -EPIPE : -ENOTCONN;
}

static ssize_t
tcp_send(struct mr_ep *ep, const void *buf, size_t len, const struct mr_sockaddr *to)
{
	struct tcp_conn *c = tcp_conn(ep);
	int rc = send_check(c);
	size_t room, taken;

	if (rc < 0)
		return rc;
	if (to)
		return -EISCONN;
	room = c->snd_buf > c->sendq.bytes ? c->snd_buf - c->sendq.bytes : 0;
	taken = tcp_sendq_append(c, buf, RTE_MIN(len, room));
	if (taken < len) {
		c->flags |= TCP_F_WANT_OUT;
		if (taken < room)
			mr_ep_starved(ep);
	}
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

static ssize_t
tcp_send_mbuf(struct mr_ep *ep, struct rte_mbuf *m, const struct mr_sockaddr *to)
{
	struct tcp_conn *c = tcp_conn(ep);
	ssize_t rc = send_check(c), len = m->pkt_len;

	if (rc == 0 && to)
		rc = -EISCONN;
	if (rc == 0 && c->sendq.bytes + m->pkt_len > c->snd_buf) {
		c->flags |= TCP_F_WANT_OUT;
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
	for (const struct rte_mbuf *seg = m; seg && rc >= 0; seg = seg->next) {
		ssize_t n = tcp_send(ep, rte_pktmbuf_mtod(seg, const void *), seg->data_len, NULL);

		/* A short count ends it: what follows would leave a hole. */
		rc = n < 0 ? (rc > 0 ? rc : n) : rc + n;
		if (n < (ssize_t)seg->data_len)
			break;
	}
	rte_pktmbuf_free(m);
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
	if (tcp_state_can_receive(c) && tcp_window_worth_update(c))
		tcp_ack_now(c);
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
	/* Not for every byte: when a third of the buffer is free again. */
	if (!(c->flags & TCP_F_WANT_OUT) || c->sendq.bytes > c->snd_buf / 3 * 2)
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
	if (tcp_state_can_send(c) && !(c->flags & TCP_F_SHUT_WR) && c->sendq.bytes < c->snd_buf)
		ev |= MR_EV_OUT;
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
	else
		tcp_state_set(c, MR_TCP_FIN_WAIT_1);
	mr_ep_mark_dirty(&c->ep);
}

static bool
is_open(const struct tcp_conn *c)
{
	return c->state >= MR_TCP_SYN_RECEIVED && !(c->flags & TCP_F_DETACHED);
}

static int
tcp_shutdown(struct mr_ep *ep, unsigned how)
{
	struct tcp_conn *c = tcp_conn(ep);

	if (!is_open(c))
		return -ENOTCONN;
	if (how & MR_SHUT_RD) {
		struct rte_mbuf *m;

		c->flags |= TCP_F_SHUT_RD;
		while ((m = tcp_rcvq_pop(c)))
			rte_pktmbuf_free(m);
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
		c->idle_ns = now + (uint64_t)c->linger_ms * 1000000;
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
	if (c->state == MR_TCP_SYN_SENT) {
		tcp_conn_end(c, 0);
		return;
	}
	/* Unread data would be lost without a word (RFC 2525 2.17); linger 0 asks for a reset. */
	if (abort || unread || ((c->flags & TCP_F_LINGER) && c->linger_ms == 0)) {
		tcp_reset_conn(c);
		tcp_conn_end(c, 0);
		return;
	}
	end_stream(c);
	orphan_deadline(c);
}

/* ---- options ------------------------------------------------------------------------------------------------- */

int
tcp_buf_set(uint32_t *buf, int64_t v)
{
	if (v < 2048 || v > (1 << 30))
		return -EINVAL;
	*buf = (uint32_t)v;
	return 0;
}

static int
set_ms(uint32_t *ms, int64_t ns, int64_t least_ns)
{
	if (ns < least_ns || ns / 1000000 > UINT32_MAX)
		return -EINVAL;
	*ms = (uint32_t)(ns / 1000000);
	return 0;
}

/* Which flag an on/off option is; 0: none. */
static uint32_t
option_flag(int opt)
{
	switch (opt) {
	case MR_OPT_REUSEADDR:
		return TCP_F_REUSEADDR;
	case MR_OPT_REUSEPORT:
		return TCP_F_REUSEPORT;
	case MR_OPT_V6ONLY:
		return TCP_F_V6ONLY;
	case MR_OPT_TCP_NODELAY:
		return TCP_F_NODELAY;
	case MR_OPT_TCP_CORK:
		return TCP_F_CORK;
	case MR_OPT_TCP_QUICKACK:
		return TCP_F_QUICKACK;
	case MR_OPT_TCP_KEEPALIVE:
		return TCP_F_KEEPALIVE;
	default:
		return 0;
	}
}

static int
set_flag(struct tcp_conn *c, int opt, bool on)
{
	uint32_t flag = option_flag(opt);

	if ((flag == TCP_F_REUSEPORT || flag == TCP_F_V6ONLY) && c->bind)
		return -EINVAL;
	c->flags = on ? c->flags | flag : c->flags & ~flag;
	/* What was held back may go now. */
	if ((flag == TCP_F_NODELAY && on) || (flag == TCP_F_CORK && !on))
		mr_ep_mark_dirty(&c->ep);
	if (flag == TCP_F_KEEPALIVE && is_open(c) && c->state >= MR_TCP_ESTABLISHED) {
		c->idle_ns = on ? c->last_rx_ns + (uint64_t)c->keepidle_ms * 1000000 : 0;
		tcp_timer_update(c);
	}
	return 0;
}

static int
tcp_ep_setopt(struct mr_ep *ep, int opt, int64_t v)
{
	struct tcp_conn *c = tcp_conn(ep);

	if (option_flag(opt))
		return set_flag(c, opt, v != 0);
	switch (opt) {
	case MR_OPT_SNDBUF:
		return tcp_buf_set(&c->snd_buf, v);
	case MR_OPT_RCVBUF:
		return tcp_buf_set(&c->rcv_buf, v);
	case MR_OPT_TTL:
		if (v < 1 || v > 255)
			return -EINVAL;
		c->ttl = (uint8_t)v;
		return 0;
	case MR_OPT_TOS:
		if (v < 0 || v > 255)
			return -EINVAL;
		c->tos = (uint8_t)(v & ~3);
		return 0;
	case MR_OPT_BINDNIC:
		if (c->bind || is_open(c) || v < 0 || v > UINT16_MAX)
			return -EINVAL;
		c->bind_nic = (uint16_t)v;
		return 0;
	case MR_OPT_LINGER_NS:
		c->flags = v < 0 ? c->flags & ~TCP_F_LINGER : c->flags | TCP_F_LINGER;
		return v < 0 ? 0 : set_ms(&c->linger_ms, v, 0);
	case MR_OPT_TCP_MAXSEG:
		if (v < TCP_MIN_MSS || v > 65495 || c->state > MR_TCP_LISTEN)
			return -EINVAL;
		c->user_mss = (uint16_t)v;
		return 0;
	case MR_OPT_TCP_KEEPIDLE_NS:
		return set_ms(&c->keepidle_ms, v, 1000000);
	case MR_OPT_TCP_KEEPINTVL_NS:
		return set_ms(&c->keepintvl_ms, v, 1000000);
	case MR_OPT_TCP_KEEPCNT:
		if (v < 1 || v > 127)
			return -EINVAL;
		c->keepcnt = (uint8_t)v;
		return 0;
	case MR_OPT_TCP_USER_TIMEOUT_NS:
		return set_ms(&c->user_timeout_ms, v, 0);
	default:
		return -ENOPROTOOPT;
	}
}

static int
tcp_ep_getopt(struct mr_ep *ep, int opt, int64_t *v)
{
	const struct tcp_conn *c = tcp_conn(ep);

	if (option_flag(opt)) {
		*v = !!(c->flags & option_flag(opt));
		return 0;
	}
	switch (opt) {
	case MR_OPT_SNDBUF:
		*v = c->snd_buf;
		return 0;
	case MR_OPT_RCVBUF:
		*v = c->rcv_buf;
		return 0;
	case MR_OPT_TTL:
		*v = c->ttl; /* 0: the protocol's default */
		return 0;
	case MR_OPT_TOS:
		*v = c->tos;
		return 0;
	case MR_OPT_BINDNIC:
		*v = c->bind_nic;
		return 0;
	case MR_OPT_LINGER_NS:
		*v = c->flags & TCP_F_LINGER ? (int64_t)c->linger_ms * 1000000 : -1;
		return 0;
	case MR_OPT_TCP_MAXSEG:
		*v = is_open(c) ? c->mss : c->user_mss;
		return 0;
	case MR_OPT_TCP_KEEPIDLE_NS:
		*v = (int64_t)c->keepidle_ms * 1000000;
		return 0;
	case MR_OPT_TCP_KEEPINTVL_NS:
		*v = (int64_t)c->keepintvl_ms * 1000000;
		return 0;
	case MR_OPT_TCP_KEEPCNT:
		*v = c->keepcnt;
		return 0;
	case MR_OPT_TCP_USER_TIMEOUT_NS:
		*v = (int64_t)c->user_timeout_ms * 1000000;
		return 0;
	case MR_OPT_TCP_STATE:
		*v = c->state;
		return 0;
	default:
		return -ENOPROTOOPT;
	}
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
