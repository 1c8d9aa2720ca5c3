/* SPDX-License-Identifier: Apache-2.0 */
/*
 * TIME-WAIT: 64 bytes that answer for an ended connection (RFC 9293 3.6.1, 3.10.7.4), and the FIFOs that time these and
 * the half-open records out. When all records are in use the oldest gives way.
 *
 * Resets are ignored here (RFC 1337); a SYN that is newer by timestamp, or by sequence number where there are none, opens
 * a new connection over the record (RFC 6191).
 */
#include "proto/tcp/tcp.h"

#include <rte_common.h>

static uint32_t
clock_ms(const struct tcp *t, uint64_t now_ns)
{
	return (uint32_t)((now_ns - t->start_ns) / 1000000);
}

static struct tcp_record *
record_at(struct tcp *t, uint32_t ref)
{
	return ref ? mr_arena_obj(&t->tp.stack->arena, ref) : NULL;
}

void
tcp_fifo_push(struct tcp *t, struct tcp_fifo *q, struct tcp_record *r, uint64_t after_ns, mr_timer_fn fn)
{
	struct mr_stack *s = t->tp.stack;
	uint32_t ref = mr_arena_ref(&s->arena, r);

	/* Rounded up: a record may live a millisecond longer, never shorter. */
	r->deadline_ms = clock_ms(t, s->now_ns + after_ns + 999999);
	r->next = 0;
	r->prev = q->tail;
	if (q->tail) {
		record_at(t, q->tail)->next = ref;
	} else {
		q->head = ref;
		mr_timer_arm(&s->wheel, &q->timer, t->start_ns + (uint64_t)r->deadline_ms * 1000000, fn);
	}
	q->tail = ref;
}

void
tcp_fifo_remove(struct tcp *t, struct tcp_fifo *q, struct tcp_record *r)
{
	if (r->prev)
		record_at(t, r->prev)->next = r->next;
	else
		q->head = r->next;
	if (r->next)
		record_at(t, r->next)->prev = r->prev;
	else
		q->tail = r->prev;
	if (!q->head)
		mr_timer_cancel(&t->tp.stack->wheel, &q->timer);
}

struct tcp_record *
tcp_fifo_due(struct tcp *t, struct tcp_fifo *q, uint64_t now_ns, mr_timer_fn fn)
{
	struct tcp_record *r = record_at(t, q->head);
	int32_t left;

	if (!r)
		return NULL;
	left = (int32_t)(r->deadline_ms - clock_ms(t, now_ns));
	if (left <= 0)
		return r;
	mr_timer_arm(&t->tp.stack->wheel, &q->timer, now_ns + (uint64_t)left * 1000000, fn);
	return NULL;
}

void
tcp_record_bury(struct tcp *t, struct tcp_record *r)
{
	struct mr_netep *local = mr_netep_by_id(t->tp.stack, r->flow.local_id);

	if (local)
		mr_netep_release(local);
	/* Later entries of the running burst may still point here. */
	r->deadline_ms = r->flow.kind;
	r->flow.kind = TCP_KIND_DEAD;
	r->next = t->dead_records;
	t->dead_records = mr_arena_ref(&t->tp.stack->arena, r);
}

void
tcp_time_wait_end(struct tcp *t, struct tcp_time_wait *w)
{
	tcp_fifo_remove(t, &t->tw_fifo, &w->rec);
	mr_flow_remove(&t->tp.stack->flows, &w->rec.flow);
	t->n_time_wait--;
	tcp_record_bury(t, &w->rec);
}

/* A record; the oldest ends early when as many are in use as may be. */
static struct tcp_time_wait *
time_wait_get(struct tcp *t)
{
	if (t->n_time_wait >= t->tp.stack->opts.max_time_wait && t->tw_fifo.head) {
		tcp_time_wait_end(t, (struct tcp_time_wait *)record_at(t, t->tw_fifo.head));
		mr_count(t->tp.stack, MR_CNT_TCP_TIME_WAIT_EVICTED);
	}
	return mr_pool_get(&t->time_waits);
}

void
tcp_time_wait_enter(struct tcp_conn *c)
{
	struct mr_stack *s = c->ep.stack;
	struct tcp *t = tcp_of(s);
	struct tcp_time_wait *w;

	if (c->flags & TCP_F_EVER_ESTABLISHED)
		mr_count(s, MR_CNT_TCP_CLOSED);
	if (t->time_wait_ns == 0 || !(c->ep.flow.flags & MR_FLOW_F_INSERTED) || !(w = time_wait_get(t)))
		return;
	w->rec.flow = c->ep.flow;
	w->rec.flow.kind = TCP_KIND_TIME_WAIT;
	w->snd_nxt = c->snd_nxt;
	w->rcv_nxt = c->rcv_nxt;
	w->rec.ts_recent = c->ts_recent;
	w->has_ts = !!(c->flags & TCP_F_TS);
	w->wnd = (uint16_t)(tcp_window(c) >> c->rcv_wscale);
	mr_netep_hold(c->route.local);
	mr_flow_replace(&s->flows, &c->ep.flow, &w->rec.flow);
	c->flags |= TCP_F_DETACHED;
	t->n_time_wait++;
	tcp_fifo_push(t, &t->tw_fifo, &w->rec, t->time_wait_ns, tcp_time_wait_timer);
}

static void
time_wait_ack(struct tcp *t, struct tcp_time_wait *w)
{
	struct tcp_tx tx = {.seq = w->snd_nxt, .ack = w->rcv_nxt, .flags = TCP_ACK, .wnd = w->wnd};

	if (w->has_ts) {
		const struct mr_netep *local = mr_netep_by_id(t->tp.stack, w->rec.flow.local_id);

		tx.opts = TCP_OPT_TS;
		tx.tsval = tcp_ts_now(t, tcp_ts_offset(t, &w->rec.flow, &local->addr));
		tx.tsecr = w->rec.ts_recent;
	}
	tcp_send_stateless(t, &w->rec.flow, &tx);
}

/* May this SYN open a new connection over the old one (RFC 6191 2, MAY-2)? */
static bool
syn_is_newer(const struct tcp_time_wait *w, const struct tcp_rx *rx)
{
	if (w->has_ts && (rx->opts & TCP_OPT_TS))
		return seq_gt(rx->tsval, w->rec.ts_recent) || (rx->tsval == w->rec.ts_recent && seq_gt(rx->seq, w->rcv_nxt));
	return seq_gt(rx->seq, w->rcv_nxt);
}

/* Open a new connection over the record: its sequence numbers begin above the old ones. */
static void
time_wait_reopen(struct tcp *t, struct tcp_time_wait *w, struct rte_mbuf *m)
{
	uint32_t iss_floor = w->snd_nxt + 65536;
	struct tcp_bind *l;

	tcp_time_wait_end(t, w);
	l = tcp_listener_for(t, m);
	if (l) {
		mr_count(t->tp.stack, MR_CNT_TCP_TIME_WAIT_REUSED);
		tcp_listen_input(t, l, m, &iss_floor);
	} else if (!t->tp.forwarder || !mr_forward_offer(t->tp.forwarder, m, iss_floor)) {
		mr_nic_deliver_nobody(&t->tp, m);
	}
}

void
tcp_time_wait_input(struct tcp *t, struct tcp_time_wait *w, struct rte_mbuf *m)
{
	uint16_t hdr_off = m->data_off;
	struct tcp_rx rx;

	tcp_hdr_pull(m, &rx);
	if ((rx.flags & (TCP_SYN | TCP_ACK | TCP_RST | TCP_FIN)) == TCP_SYN && syn_is_newer(w, &rx)) {
		rte_pktmbuf_prepend(m, (uint16_t)(m->data_off - hdr_off));
		time_wait_reopen(t, w, m);
		return;
	}
	/* Without an ACK it is of no connection (3.10.7.4, fifth); a reset is not heeded (RFC 1337). */
	if (!(rx.flags & TCP_RST) && (rx.flags & (TCP_ACK | TCP_SYN))) {
		/* A FIN again starts the wait again (T93-09). */
		if ((rx.flags & TCP_FIN) && rx.seq + rx.len + 1 == w->rcv_nxt) {
			tcp_fifo_remove(t, &t->tw_fifo, &w->rec);
			tcp_fifo_push(t, &t->tw_fifo, &w->rec, t->time_wait_ns, tcp_time_wait_timer);
		}
		/* A plain ACK of what we sent asks for nothing. */
		if (rx.len || (rx.flags & (TCP_SYN | TCP_FIN)) || rx.seq != w->rcv_nxt)
			time_wait_ack(t, w);
	}
	mr_drop(t->tp.stack, m, MR_DROP_TCP_TIME_WAIT);
}

void
tcp_time_wait_timer(struct mr_timer *timer, uint64_t now_ns)
{
	struct tcp_fifo *q = (struct tcp_fifo *)((char *)timer - offsetof(struct tcp_fifo, timer));
	struct tcp_record *r;

	while ((r = tcp_fifo_due(q->tcp, q, now_ns, tcp_time_wait_timer)))
		tcp_time_wait_end(q->tcp, (struct tcp_time_wait *)r);
}
