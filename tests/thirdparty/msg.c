/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A transport protocol of a third party, over IPv4 and IPv6: messages between two endpoints, one under way at a time,
 * sent again until the peer has acknowledged it. A port that nobody has is answered by ICMP, and ICMP is listened to.
 *
 * Built against the installed headers only. Not here: fragmentation of messages, more than one peer.
 */
#include "msg.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/queue.h>

#include <rte_byteorder.h>
#include <rte_common.h>
#include <rte_ip.h>

#include "stack/nic.h"
#include "stack/pkt.h"
#include "stack/services.h"
#include "stack/transport.h"

#define RETRY_NS 200000000ull
#define TRIES 20
#define RXQ_MAX 16
#define KIND_DATA 1
#define KIND_ACK 2

struct msg_hdr {
	rte_be16_t sport, dport; /* in front, as in every transport that has ports */
	rte_be32_t seq;
	uint8_t kind, zero;
	uint16_t cksum; /* of all of it and the pseudo-header */
} __attribute__((packed));

struct msg_ep {
	struct mr_ep ep;
	struct mr_bound bound;
	struct mr_route route;
	uint16_t port;
	/* receive */
	struct mr_pktq rxq;
	uint32_t rcv_seq; /* of the last message that was taken */
	bool ack_due, ack_now;
	/* send */
	struct rte_mbuf *out; /* payload under way */
	uint32_t snd_seq;
	unsigned tries;
	bool send_now;
	struct mr_timer timer;
	LIST_ENTRY(msg_ep) link;
};

struct msg {
	struct mr_transproto tp;
	LIST_HEAD(, msg_ep) eps;
};

static uint16_t
fold(uint64_t sum)
{
	while (sum >> 16)
		sum = (sum & 0xffff) + (sum >> 16);
	return (uint16_t)sum;
}

/* ---- packets that come */

static bool
is_valid(struct rte_mbuf *m)
{
	struct mr_pkt *p = mr_pkt(m);
	struct msg_hdr h;
	uint16_t sum;

	if (p->trans_len < sizeof(h) || !mr_pkt_linear(m, sizeof(h)) || rte_raw_cksum_mbuf(m, 0, p->trans_len, &sum) < 0 ||
	    fold(p->phdr_sum + sum) != 0xffff)
		return false;
	memcpy(&h, rte_pktmbuf_mtod(m, const void *), sizeof(h));
	p->sport_be = h.sport;
	p->dport_be = h.dport;
	p->seq = rte_be_to_cpu_32(h.seq);
	p->tcp_flags = h.kind;
	p->trans_hdr_len = sizeof(h);
	return true;
}

static uint16_t
msg_parse(struct mr_transproto *tp, struct rte_mbuf **pkts, uint16_t n)
{
	uint16_t k = 0;

	for (uint16_t i = 0; i < n; i++) {
		if (is_valid(pkts[i]))
			pkts[k++] = pkts[i];
		else
			mr_stack_drop(tp->stack, pkts[i], MR_DROP_THIRD_PARTY);
	}
	return k;
}

static void
release_out(struct msg_ep *e)
{
	if (!e->out)
		return;
	mr_stack_tx_release(e->ep.stack, e->out->nb_segs);
	rte_pktmbuf_free(e->out);
	e->out = NULL;
	e->send_now = false;
	mr_timer_cancel(mr_stack_wheel(e->ep.stack), &e->timer);
}

static void
take_ack(struct msg_ep *e, struct rte_mbuf *m)
{
	if (e->out && mr_pkt(m)->seq == e->snd_seq) {
		release_out(e);
		mr_ep_event(&e->ep, MR_EV_OUT);
	}
	rte_pktmbuf_free(m);
}

static void
take_data(struct msg_ep *e, struct rte_mbuf *m)
{
	struct mr_stack *s = e->ep.stack;
	bool again = mr_pkt(m)->seq == e->rcv_seq;

	if (!again && (mr_pkt(m)->seq != e->rcv_seq + 1 || e->rxq.n == RXQ_MAX || !mr_stack_rx_hold(s, m->nb_segs))) {
		mr_stack_drop(s, m, MR_DROP_THIRD_PARTY); /* it will come again */
		return;
	}
	e->ack_now = true;
	mr_ep_mark_dirty(&e->ep);
	if (again) {
		rte_pktmbuf_free(m);
		return;
	}
	e->rcv_seq++;
	rte_pktmbuf_adj(m, sizeof(struct msg_hdr));
	mr_pktq_push(&e->rxq, m);
	mr_ep_event(&e->ep, MR_EV_IN);
}

static void
msg_input(struct mr_transproto *tp, struct mr_flow **flows, struct rte_mbuf **pkts, uint16_t n)
{
	for (uint16_t i = 0; i < n; i++) {
		struct msg_ep *e = (struct msg_ep *)flows[i];

		if (mr_pkt(pkts[i])->tcp_flags == KIND_ACK)
			take_ack(e, pkts[i]);
		else if (mr_pkt(pkts[i])->tcp_flags == KIND_DATA)
			take_data(e, pkts[i]);
		else
			mr_stack_drop(tp->stack, pkts[i], MR_DROP_THIRD_PARTY);
	}
}

static void
msg_unknown_dst(struct mr_transproto *tp, struct rte_mbuf *m)
{
	struct mr_netproto *np = mr_pkt(m)->netep->np;

	mr_stack_count(tp->stack, MR_DROP_THIRD_PARTY, 1);
	np->ops->error(np, m, MR_NET_ERR_PORT_UNREACH);
}

static void
give_up(struct msg_ep *e, int err)
{
	release_out(e);
	e->ep.err = (int16_t)err;
	mr_ep_event(&e->ep, MR_EV_ERR);
}

static void
msg_control(struct mr_transproto *tp, struct mr_flow *f, enum mr_ctrl_type type, uint32_t extra, const void *quoted,
            uint16_t quoted_bytes)
{
	struct msg_ep *e = (struct msg_ep *)f;

	(void)tp, (void)extra, (void)quoted, (void)quoted_bytes;
	if (type == MR_CTRL_PORT_UNREACH && e->out)
		give_up(e, -ECONNREFUSED);
}

/* ---- packets that go */

static void
send_packet(struct msg_ep *e, uint8_t kind, uint32_t seq, const struct rte_mbuf *payload)
{
	struct mr_stack *s = e->ep.stack;
	struct mr_ip_params ip = {.trans_proto = MSG_PROTO};
	struct msg_hdr h = {.sport = rte_cpu_to_be_16(e->port), .dport = e->bound.rport_be, .seq = rte_cpu_to_be_32(seq),
	                    .kind = kind};
	struct rte_mbuf *m = payload ? rte_pktmbuf_copy(payload, mr_stack_tx_pool(s), 0, UINT32_MAX)
	                             : rte_pktmbuf_alloc(mr_stack_tx_pool(s));
	uint16_t sum;
	char *at;

	if (!m) {
		mr_stack_count(s, MR_DROP_NO_TX_MBUF, 1);
		return;
	}
	at = rte_pktmbuf_prepend(m, sizeof(h));
	memcpy(at, &h, sizeof(h));
	rte_raw_cksum_mbuf(m, 0, m->pkt_len, &sum);
	h.cksum = ~fold((uint32_t)mr_route_phdr_sum(&e->route, MSG_PROTO) + rte_cpu_to_be_16((uint16_t)m->pkt_len) + sum);
	memcpy(at, &h, sizeof(h));
	mr_route_output(&e->route, &m, 1, &ip);
}

static void
retry(struct mr_timer *t, uint64_t now_ns)
{
	struct msg_ep *e = container_of(t, struct msg_ep, timer);

	(void)now_ns;
	if (e->tries == TRIES) {
		give_up(e, -ETIMEDOUT);
		return;
	}
	e->send_now = true;
	mr_ep_mark_dirty(&e->ep);
}

static void
msg_output(struct mr_transproto *tp, struct mr_ep *ep)
{
	struct msg_ep *e = (struct msg_ep *)ep;

	if (e->ack_now)
		send_packet(e, KIND_ACK, e->rcv_seq, NULL);
	e->ack_now = false;
	if (!e->send_now)
		return;
	e->send_now = false;
	e->tries++;
	send_packet(e, KIND_DATA, e->snd_seq, e->out);
	mr_timer_arm(mr_stack_wheel(tp->stack), &e->timer, mr_stack_now_ns(tp->stack) + RETRY_NS, retry);
}

/* ---- calls */

static int
msg_bind(struct mr_ep *ep, const struct mr_sockaddr *local)
{
	struct msg_ep *e = (struct msg_ep *)ep;

	if (e->port || !local->port)
		return -EINVAL;
	e->port = local->port;
	return 0;
}

static int
msg_connect(struct mr_ep *ep, const struct mr_sockaddr *remote)
{
	struct msg_ep *e = (struct msg_ep *)ep;
	bool v4 = mr_addr_is_v4(&remote->addr);
	int r;

	if (!e->port || !remote->port || e->route.local)
		return -EINVAL;
	r = mr_route_find(ep->stack, remote->nic, NULL, &remote->addr, 0, &e->route);
	if (r < 0)
		return r;
	e->bound = (struct mr_bound){
		.ep = ep, .proto = MSG_PROTO, .laddr = *mr_route_local(&e->route), .raddr = remote->addr,
		.lport_be = rte_cpu_to_be_16(e->port), .rport_be = rte_cpu_to_be_16(remote->port), .v4 = v4, .v6 = !v4,
	};
	r = mr_transep_register(ep->stack, &e->bound);
	if (r < 0)
		mr_route_release(&e->route);
	return r;
}

static ssize_t
msg_send(struct mr_ep *ep, const void *buf, size_t len, const struct mr_sockaddr *to)
{
	struct msg_ep *e = (struct msg_ep *)ep;
	struct rte_mbuf *m;

	if (to || !e->route.local)
		return to ? -EISCONN : -ENOTCONN;
	if (len + sizeof(struct msg_hdr) > mr_route_mtu(&e->route))
		return -EMSGSIZE;
	if (e->out || !mr_stack_tx_hold(ep->stack, 1)) {
		if (!e->out)
			mr_ep_starved(ep);
		return -EAGAIN;
	}
	m = rte_pktmbuf_alloc(mr_stack_tx_pool(ep->stack));
	if (!m || len > rte_pktmbuf_tailroom(m)) {
		mr_stack_tx_release(ep->stack, 1);
		rte_pktmbuf_free(m);
		return m ? -EMSGSIZE : -ENOBUFS;
	}
	memcpy(rte_pktmbuf_append(m, (uint16_t)len), buf, len);
	e->out = m;
	e->snd_seq++;
	e->tries = 0;
	e->send_now = true;
	mr_ep_mark_dirty(ep);
	return (ssize_t)len;
}

static ssize_t
msg_recv(struct mr_ep *ep, void *buf, size_t len, struct mr_sockaddr *from, bool peek)
{
	struct msg_ep *e = (struct msg_ep *)ep;
	struct rte_mbuf *m = e->rxq.head;
	uint32_t n;

	if (!m) {
		int err = mr_ep_error(ep);

		return err < 0 ? err : -EAGAIN;
	}
	if (from)
		*from = (struct mr_sockaddr){.addr = e->route.remote, .port = rte_be_to_cpu_16(e->bound.rport_be)};
	n = RTE_MIN(m->pkt_len, len);
	if (n && rte_pktmbuf_read(m, 0, n, buf) != buf)
		memcpy(buf, rte_pktmbuf_mtod(m, void *), n);
	if (peek)
		return n;
	mr_pktq_pop(&e->rxq);
	mr_stack_rx_release(ep->stack, m->nb_segs);
	rte_pktmbuf_free(m);
	return n;
}

static uint32_t
msg_readiness(struct mr_ep *ep)
{
	struct msg_ep *e = (struct msg_ep *)ep;

	return (e->rxq.n ? MR_EV_IN : 0) | (e->route.local && !e->out ? MR_EV_OUT : 0) | (ep->err ? MR_EV_ERR : 0);
}

static void
msg_close(struct mr_ep *ep, bool abort)
{
	struct msg_ep *e = (struct msg_ep *)ep;
	struct rte_mbuf *m;

	(void)abort;
	release_out(e);
	while ((m = mr_pktq_pop(&e->rxq))) {
		mr_stack_rx_release(ep->stack, m->nb_segs);
		rte_pktmbuf_free(m);
	}
	mr_transep_unregister(ep->stack, &e->bound);
	mr_route_release(&e->route);
	mr_ep_fini(ep);
	LIST_REMOVE(e, link);
	free(e);
}

static const struct mr_ep_ops msg_ep_ops = {
	.bind = msg_bind,
	.connect = msg_connect,
	.send = msg_send,
	.recv = msg_recv,
	.readiness = msg_readiness,
	.close = msg_close,
};

static int
msg_ep_create(struct mr_transproto *tp, uint16_t net, struct mr_ep **out)
{
	struct msg_ep *e = calloc(1, sizeof(*e));

	(void)net;
	if (!e)
		return -ENOMEM;
	mr_ep_init(&e->ep, tp->stack, MSG_PROTO, &msg_ep_ops);
	LIST_INSERT_HEAD(&((struct msg *)tp)->eps, e, link);
	*out = &e->ep;
	return 0;
}

/* ---- the protocol */

static void
msg_destroy(struct mr_transproto *tp)
{
	struct msg *p = (struct msg *)tp;

	while (!LIST_EMPTY(&p->eps))
		msg_close(&LIST_FIRST(&p->eps)->ep, true);
	free(p);
}

static const struct mr_transproto_ops msg_ops = {
	.name = "msg",
	.number = MSG_PROTO,
	.min_bytes = sizeof(struct msg_hdr),
	.parse = msg_parse,
	.input = msg_input,
	.unknown_dst = msg_unknown_dst,
	.control = msg_control,
	.output = msg_output,
	.ep_create = msg_ep_create,
	.destroy = msg_destroy,
};

static int
msg_make(struct mr_stack *s, struct mr_transproto **out)
{
	struct msg *p = calloc(1, sizeof(*p));

	if (!p)
		return -ENOMEM;
	p->tp.ops = &msg_ops;
	p->tp.stack = s;
	LIST_INIT(&p->eps);
	*out = &p->tp;
	return 0;
}

RTE_INIT(msg_register)
{
	mr_transproto_register("msg", msg_make);
}
