/* SPDX-License-Identifier: Apache-2.0 */
/*
 * iperf3: the service that its client measures against, one test at a time. A core with connections or streams of a
 * test looks around once a tick: what the other cores have done to the test, and which streams may send by their rate.
 * So nothing is sent from core to core, and nobody waits in a loop.
 *
 * A stream that we receive stays open when the test stops. What the client still has under way is read over until it
 * closes; to close first would reset the connection below it.
 *
 * Not here: the conversation (iperf3_control.c), what all cores share (iperf3_test.c).
 */
#include <errno.h>
#include <string.h>

#include <rte_common.h>
#include <rte_mbuf.h>

#include "app/millrace/iperf3_control.h"
#include "app/millrace/pattern.h"
#include "app/millrace/service.h"

#define SEC_NS UINT64_C(1000000000)
#define TICK_NS UINT64_C(1000000)       /* the pacing timer that clients have by default */
#define IDLE_NS UINT64_C(30000000000)
#define KEEPALIVE_IDLE_NS INT64_C(10000000000)
#define KEEPALIVE_INTVL_NS INT64_C(5000000000)
#define KEEPALIVE_CNT 4
#define SENDS_MAX 4096u                 /* calls in one go, so that writes of a byte do not keep the core */
#define DATAGRAMS_MAX 256u              /* of a stream in a tick, if it may send as fast as it can */
#define DATAGRAMS_MORE 8u               /* and of others: twice what the rate makes, and so many, for few buffers hold
                                         * all that is due after the core was kept from sending */
#define DATAGRAM_BYTES 65507u

struct iperf3_conn {
	struct conn c;
	uint32_t block_left;      /* of a block that was sent in part */
	struct iperf3_control control;
};

/* A stream of datagrams: its client, and the listener that they come to and go from. */
struct udp_stream {
	struct mr_sockaddr peer;
	struct listener *listener;
	struct iperf3_stream *stream;
};

/* On one core. */
struct local {
	struct mr_alarm *tick;    /* while there is something to look after */
	unsigned n_udp;
	struct udp_stream udp[IPERF3_STREAMS_MAX];
	uint8_t datagram[DATAGRAM_BYTES];
};

static struct iperf3_test *
test_of(const struct instance *inst)
{
	return inst->service->shared;
}

static uint64_t
now_of(const struct instance *inst)
{
	return mr_stack_now_ns(inst->core->stack);
}

/* ---- streams over TCP */

/* As much as rate and room allow. @return false: the connection is over */
static bool
stream_send(struct iperf3_conn *i)
{
	struct iperf3_test *t = i->control.test;
	struct iperf3_stream *s = i->control.stream;
	uint64_t now_ns = now_of(i->c.inst);

	for (unsigned n = 0; n < SENDS_MAX && (i->block_left || iperf3_stream_may_send(t, s, now_ns)); n++) {
		size_t len;
		ssize_t sent;

		if (!i->block_left)
			i->block_left = t->params.block;
		len = RTE_MIN(i->block_left, PATTERN_CHUNK);
		sent = mr_ep_send(i->c.ep, pattern_at(0), len);
		if (sent == -EAGAIN)
			return true;
		if (sent < 0)
			return false;
		i->block_left -= sent;
		iperf3_stream_sent(t, s, sent, now_ns);
		if ((size_t)sent < len)
			return true;
	}
	return true;
}

/* What the client asks of the connection; what cannot be done is left as it is. */
static void
stream_options(struct iperf3_conn *i)
{
	const struct iperf3_params *p = &i->control.test->params;
	int cc = *p->congestion ? mr_tcp_cc_find(p->congestion) : -1;

	mr_ep_setopt(i->c.ep, MR_OPT_TCP_NODELAY, p->nodelay);
	if (p->tos)
		mr_ep_setopt(i->c.ep, MR_OPT_TOS, p->tos);
	if (p->window) {
		mr_ep_setopt(i->c.ep, MR_OPT_SNDBUF, p->window);
		mr_ep_setopt(i->c.ep, MR_OPT_RCVBUF, p->window);
	}
	if (cc >= 0)
		mr_ep_setopt(i->c.ep, MR_OPT_TCP_CC, cc);
}

static void
stream_look_at_connection(struct iperf3_conn *i)
{
	struct mr_tcp_info info;

	if (mr_tcp_info(i->c.ep, &info) == 0)
		iperf3_stream_connection(i->control.test, i->control.stream, &info, now_of(i->c.inst));
}

/* The test is over for this stream. @return false: the connection was closed */
static bool
stream_stop(struct iperf3_conn *i)
{
	bool wait = iperf3_test_phase(i->control.test) == IPERF3_STOP && i->control.stream->role == IPERF3_RECEIVER;

	iperf3_control_leave(&i->control);
	if (!wait)
		conn_give_up(&i->c);
	return wait;
}

/* @return false: the connection was closed */
static bool
stream_look(struct iperf3_conn *i)
{
	if (!i->control.stream)
		return true;
	stream_look_at_connection(i);
	if (iperf3_test_over(i->control.test))
		return stream_stop(i);
	conn_touch(&i->c);
	if (stream_send(i))
		return true;
	conn_abort(&i->c);
	return false;
}

/* ---- connections of both kinds */

/* @return false: the connection was closed */
static bool
control_send(struct iperf3_conn *i)
{
	struct iperf3_control *c = &i->control;

	if (c->out_len) {
		ssize_t n = mr_ep_send(i->c.ep, c->out, c->out_len);

		if (n < 0 && n != -EAGAIN) {
			conn_abort(&i->c);
			return false;
		}
		iperf3_control_sent(c, RTE_MAX(n, 0));
	}
	if (c->state != IPERF3_CTL_OVER || c->out_len)
		return true;
	conn_give_up(&i->c);
	return false;
}

static void
packet_come(struct iperf3_conn *i, const struct rte_mbuf *m, uint64_t now_ns)
{
	for (const struct rte_mbuf *seg = m; seg; seg = seg->next) {
		const char *data = rte_pktmbuf_mtod(seg, const char *);
		size_t len = rte_pktmbuf_data_len(seg), used = 0;

		if (i->control.state != IPERF3_CTL_STREAM) {
			used = iperf3_control_input(&i->control, data, len, now_ns);
			if (i->control.state == IPERF3_CTL_STREAM)
				stream_options(i);
		}
		if (i->control.stream && used < len)
			iperf3_stream_received(i->control.test, i->control.stream, len - used, now_ns);
	}
}

/* @return false: the connection was closed */
static bool
conn_read(struct iperf3_conn *i)
{
	uint64_t now_ns = now_of(i->c.inst);
	struct rte_mbuf *m;
	ssize_t n;

	while ((n = mr_ep_recv_mbuf(i->c.ep, &m, NULL)) > 0) {
		packet_come(i, m, now_ns);
		rte_pktmbuf_free(m);
		conn_touch(&i->c);
	}
	if (n == -EAGAIN)
		return true;
	conn_close(&i->c);
	return false;
}

static void
iperf3_event(struct conn *c, uint32_t events)
{
	struct iperf3_conn *i = (struct iperf3_conn *)c;

	if (events & MR_EV_IN && !conn_read(i))
		return;
	if (i->control.state == IPERF3_CTL_STREAM)
		stream_look(i);
	else
		control_send(i);
}

/* ---- streams of datagrams */

static struct udp_stream *
udp_find(struct local *local, const struct mr_sockaddr *from)
{
	for (unsigned i = 0; i < local->n_udp; i++) {
		struct udp_stream *u = &local->udp[i];

		if (u->peer.port == from->port && mr_addr_equal(&u->peer.addr, &from->addr))
			return u;
	}
	return NULL;
}

static unsigned
udp_burst(const struct iperf3_params *p)
{
	uint64_t due = p->rate / 8 / (SEC_NS / TICK_NS) / p->block;

	return p->rate ? RTE_MIN(2 * due + DATAGRAMS_MORE, DATAGRAMS_MAX) : DATAGRAMS_MAX;
}

static void
udp_send(struct iperf3_test *t, struct udp_stream *u, uint8_t *datagram, uint64_t now_ns)
{
	size_t len = t->params.block;
	unsigned max = udp_burst(&t->params);

	for (unsigned n = 0; n < max && iperf3_stream_may_send(t, u->stream, now_ns); n++) {
		iperf3_stream_header(t, u->stream, datagram, now_ns);
		if (mr_ep_sendto(u->listener->ep, datagram, len, &u->peer) < 0)
			return;
		iperf3_stream_sent_datagram(t, u->stream, len, now_ns);
	}
}

static void
udp_look(struct instance *inst)
{
	struct local *local = inst->local;
	struct iperf3_test *t = test_of(inst);

	for (unsigned i = 0; i < local->n_udp;) {
		struct udp_stream *u = &local->udp[i];

		if (iperf3_test_over(t) || !u->listener->ep) {
			*u = local->udp[--local->n_udp];
			iperf3_test_leave(t);
			continue;
		}
		udp_send(t, u, local->datagram, now_of(inst));
		i++;
	}
}

/* ---- looking around */

static void
tick(struct mr_stack *stack, void *arg)
{
	struct instance *inst = arg;
	struct local *local = inst->local;
	struct conn *c, *next;

	for (c = TAILQ_FIRST(&inst->conns); c; c = next) {
		struct iperf3_conn *i = (struct iperf3_conn *)c;

		next = TAILQ_NEXT(c, link);
		if (i->control.state == IPERF3_CTL_STREAM) {
			stream_look(i);
			continue;
		}
		iperf3_control_tick(&i->control, mr_stack_now_ns(stack));
		if (i->control.owner)
			conn_touch(c);
		control_send(i);
	}
	udp_look(inst);
	if (TAILQ_EMPTY(&inst->conns) && local->n_udp == 0) {
		mr_alarm_stop(local->tick);
		local->tick = NULL;
	}
}

/* @return false: out of memory */
static bool
tick_start(struct instance *inst)
{
	struct local *local = inst->local;

	return local->tick || mr_alarm_start(inst->core->stack, TICK_NS, tick, inst, &local->tick) == 0;
}

/* A client asks to be heard, and is told that it is; the streams of a client come one after the other. */
static ssize_t
udp_join(struct listener *l, const struct mr_sockaddr *from, const uint8_t *data, size_t len, uint8_t *reply)
{
	static const uint8_t hello[] = "9876", hello_old[] = {0x15, 0xcd, 0x5b, 0x07}, answer[] = "6789";
	struct local *local = l->inst->local;
	struct iperf3_stream *s;

	if (len != 4 || (memcmp(data, hello, 4) != 0 && memcmp(data, hello_old, 4) != 0))
		return -1;
	s = iperf3_test_join_udp(test_of(l->inst), &from->addr);
	if (!s)
		return -1;
	if (local->n_udp == 0)
		memcpy(local->datagram, pattern_at(0), sizeof(local->datagram));
	if (local->n_udp == IPERF3_STREAMS_MAX || !tick_start(l->inst)) {
		iperf3_test_leave(test_of(l->inst));
		return -1;
	}
	local->udp[local->n_udp++] = (struct udp_stream){.peer = *from, .listener = l, .stream = s};
	memcpy(reply, answer, 4);
	return 4;
}

static ssize_t
iperf3_datagram(struct listener *l, const struct mr_sockaddr *from, const uint8_t *data, size_t len, uint8_t *reply)
{
	struct udp_stream *u = udp_find(l->inst->local, from);

	if (!u)
		return udp_join(l, from, data, len, reply);
	iperf3_stream_datagram(test_of(l->inst), u->stream, data, len, now_of(l->inst));
	return -1;
}

/* ---- beginning and end of a connection */

static const char *
congestion_name(struct mr_stack *stack)
{
	int64_t cc;

	return mr_transproto_getopt(stack, MR_TRANS_TCP, MR_OPT_TCP_CC, &cc) == 0 ? mr_tcp_cc_name(cc) : NULL;
}

static void
iperf3_open(struct conn *c)
{
	struct iperf3_conn *i = (struct iperf3_conn *)c;
	struct mr_sockaddr peer = {0};

	mr_ep_remote_name(c->ep, &peer);
	iperf3_control_init(&i->control, test_of(c->inst), &peer.addr, now_of(c->inst));
	i->control.congestion = congestion_name(c->inst->core->stack);
	/* A client that is gone without a word is to be found out, also in a test where it has nothing to say. */
	mr_ep_setopt(c->ep, MR_OPT_TCP_KEEPALIVE, 1);
	mr_ep_setopt(c->ep, MR_OPT_TCP_KEEPIDLE_NS, KEEPALIVE_IDLE_NS);
	mr_ep_setopt(c->ep, MR_OPT_TCP_KEEPINTVL_NS, KEEPALIVE_INTVL_NS);
	mr_ep_setopt(c->ep, MR_OPT_TCP_KEEPCNT, KEEPALIVE_CNT);
	if (!tick_start(c->inst))
		conn_abort(c);
}

static void
iperf3_drain(struct conn *c)
{
	struct iperf3_conn *i = (struct iperf3_conn *)c;

	if (i->control.state == IPERF3_CTL_STREAM) {
		conn_give_up(c);
		return;
	}
	iperf3_control_drain(&i->control);
	control_send(i);
}

static void
iperf3_fini(struct conn *c)
{
	iperf3_control_fini(&((struct iperf3_conn *)c)->control);
}

const struct service_ops iperf3_ops = {
	.name = "iperf3",
	.port = 5201,
	.protos = SERVICE_TCP | SERVICE_UDP,
	.idle_ns = IDLE_NS,
	.conn_bytes = sizeof(struct iperf3_conn),
	.local_bytes = sizeof(struct local),
	.shared_bytes = sizeof(struct iperf3_test),
	.open = iperf3_open,
	.event = iperf3_event,
	.drain = iperf3_drain,
	.fini = iperf3_fini,
	.datagram = iperf3_datagram,
};
