/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Output: it visits each dirty connection once per turn. Retransmissions first, then new data as far as the windows, Nagle
 * and silly-window avoidance allow, then the ACK if no data carried it (acks.c).
 *
 * The frame of a segment is written around its payload when nobody else holds the mbuf; while a link (or a delay line)
 * still does, a copy goes out instead.
 */
#include "proto/tcp/tcp_out.h"

#include <string.h>

#include <rte_prefetch.h>

/* The payload of a segment in an mbuf of its own. */
static __rte_noinline struct rte_mbuf *
seg_copy(struct tcp_conn *c, const struct rte_mbuf *m)
{
	const struct tcp_seg *s = tcp_seg(m);
	struct rte_mbuf *f = mr_stack_tx_alloc(c->ep.stack);

	if (!f) {
		mr_count(c->ep.stack, MR_DROP_NO_TX_MBUF);
		return NULL;
	}
	memcpy(rte_pktmbuf_append(f, (uint16_t)s->len), (char *)m->buf_addr + s->data_off, s->len);
	return f;
}

/* The same of one that never had an mbuf. */
static inline struct rte_mbuf *
small_copy(struct tcp_conn *c)
{
	const struct tcp_small *from = &c->sendq->small;
	struct rte_mbuf *f = mr_stack_tx_alloc(c->ep.stack);

	if (unlikely(!f)) {
		if (from->seg.flags & TCP_SEG_SENT)
			mr_count(c->ep.stack, MR_DROP_NO_TX_MBUF);
		return NULL;
	}
	memcpy(rte_pktmbuf_mtod(f, char *), from->payload, TCP_SMALL_BYTES);
	f->data_off += from->seg.data_off;
	f->data_len = (uint16_t)from->seg.len;
	f->pkt_len = from->seg.len;
	return f;
}

/* A frame around payload that is not ours to write in front of. */
static __rte_noinline struct rte_mbuf *
seg_around(struct tcp_conn *c, struct rte_mbuf *m)
{
	const struct tcp_seg *s = tcp_seg(m);
	struct rte_mbuf *f = mr_stack_tx_alloc(c->ep.stack);

	if (!f) {
		mr_count(c->ep.stack, MR_DROP_NO_TX_MBUF);
		return NULL;
	}
	m->data_off = s->data_off;
	m->data_len = (uint16_t)s->len;
	m->next = NULL; /* it may have been in a frame with others */
	rte_mbuf_refcnt_set(m, 2);
	f->next = m;
	f->nb_segs = 2;
	f->pkt_len = s->len;
	return f;
}

/* The mbuf to put the frame of a segment into: its own when we are the only holder, else a copy. */
static inline struct rte_mbuf *
seg_frame(struct tcp_conn *c, struct rte_mbuf *m)
{
	const struct tcp_seg *s = tcp_seg(m);

	if (tcp_is_small(c->sendq, m))
		return small_copy(c);
	if (unlikely(rte_mbuf_refcnt_read(m) != 1))
		return seg_copy(c, m);
	if (unlikely(!RTE_MBUF_DIRECT(m)))
		return seg_around(c, m);
	m->data_off = s->data_off;
	m->data_len = (uint16_t)s->len;
	m->pkt_len = s->len;
	m->next = NULL; /* it may have been in a frame with others */
	m->ol_flags = 0;
	m->tx_offload = 0;
	m->port = MR_PORT_HELD;
	rte_mbuf_refcnt_set(m, 2);
	return m;
}

/* A paced sender is ahead of its rate by a quantum at most; then it waits until it is not ahead any more, so it sends a
 * quantum at a time. */
static bool
fit_pace(struct tcp_conn *c)
{
	uint64_t now = c->ep.stack->now_ns;

	if (c->cc.pacing_rate == 0)
		return true;
	if (c->sendq->pace_ns <= now)
		c->flags &= ~TCP_F_PACED;
	else if (c->sendq->pace_ns - now >= tcp_pace_quantum_ns(&c->cc))
		c->flags |= TCP_F_PACED;
	return !(c->flags & TCP_F_PACED);
}

static void
pace_charge(struct tcp_conn *c, uint32_t bytes)
{
	struct tcp_sendq *q = c->sendq;
	uint64_t ns, late;

	if (c->cc.pacing_rate == 0)
		return;
	ns = (uint64_t)bytes * 1000000000 / c->cc.pacing_rate;
	late = RTE_MIN(ns, (uint64_t)q->pace_late_ns);
	q->pace_late_ns -= (uint32_t)late;
	q->pace_ns = RTE_MAX(q->pace_ns, c->ep.stack->now_ns) + ns - late;
}

/* Only what is new may be marked on its way, and only it tells that the window was reduced (RFC 3168 6.1.2, 6.1.5). */
static uint8_t
seg_ect(struct tcp_conn *c, const struct tcp_seg *s, uint8_t *flags)
{
	if ((s->flags & TCP_SEG_SENT) || s->len == 0 || (c->why & TCP_WHY_PROBE))
		return 0;
	*flags |= c->ecn & TCP_ECN_CWR;
	c->ecn &= (uint8_t)~TCP_ECN_CWR;
	return TCP_ECT_0;
}

/* A segment is on its way. */
static inline void
seg_sent(struct tcp_conn *c, struct rte_mbuf *m)
{
	struct tcp_seg *s = tcp_seg(m);
	uint64_t now = c->ep.stack->now_ns;

	tcp_rate_sent(c, s, now);
	tcp_sendq_sent(c, m, now);
	pace_charge(c, s->len);
	c->last_tx_ns = now;
}

/* The headers of a segment, around its payload. */
static __rte_always_inline void
seg_headers(struct tcp_conn *c, const struct tcp_seg *s, struct rte_mbuf *f, uint8_t flags, uint32_t ts_back)
{
	const uint16_t *sum = s->flags & TCP_SEG_SUM ? &s->sum : NULL;
	struct tcp_tx tx;

	tcp_tx_fill(c, &tx, flags, s->seq);
	tx.tsval -= ts_back;
	if (likely(tx.opts == TCP_OPT_TS))
		tcp_hdr_push_ts(f, &tx, &c->route, sum);
	else
		tcp_hdr_push_summed(f, &tx, &c->route, sum);
}

/* Transmit a segment of the queue in a frame of its own, for the first time or again. */
static bool
send_seg(struct tcp_out *o, struct rte_mbuf *m)
{
	struct tcp_conn *c = o->c;
	struct tcp_seg *s = tcp_seg(m);
	struct rte_mbuf *f;
	uint8_t flags = TCP_ACK, ect = 0;
	uint32_t ts_back = 0;

	if (unlikely(!tcp_out_has_room(o, MR_NIC_TXQ_BULK)))
		return false;
	f = seg_frame(c, m);
	if (unlikely(!f)) {
		o->no_mbuf = !(s->flags & TCP_SEG_SENT);
		return false;
	}
	if (s->flags & TCP_SEG_PSH && s->len > 0)
		flags |= TCP_PSH;
	if (s->flags & TCP_SEG_FIN)
		flags |= TCP_FIN;
	if (unlikely(c->ecn & TCP_ECN_ON))
		ect = seg_ect(c, s, &flags);
	if (s->flags & TCP_SEG_SENT) {
		mr_count(c->ep.stack, MR_CNT_TCP_RETRANSMITS);
		c->retransmitted++;
		ts_back = tcp_rack_ts_back(&c->rack);
	}
	seg_headers(c, s, f, flags, ts_back);
	seg_sent(c, m);
	tcp_out_add(o, f, ect);
	return true;
}

/* Transmit a segment for the first time, with others if the link cuts segments. */
static bool
send_first(struct tcp_out *o, struct rte_mbuf *m, uint16_t tso_segs)
{
	if (likely(tso_segs == 0))
		return send_seg(o, m);
	if (!o->super && !tcp_out_has_room(o, MR_NIC_TXQ_BULK))
		return false;
	if (!tcp_super_take(o, m))
		return send_seg(o, m);
	seg_sent(o->c, m);
	return true;
}

/* Lost segments, as far as the congestion window allows; the first of a recovery regardless. */
static void
send_lost(struct tcp_out *o)
{
	struct tcp_conn *c = o->c;
	struct rte_mbuf *m;

	while ((m = tcp_sendq_first_lost(c->sendq))) {
		struct tcp_seg *s = tcp_seg(m);
		bool force = c->why & TCP_WHY_RTX;

		if (s->len > c->mss && !tcp_sendq_split(c, m, c->mss))
			return;
		if (!force && c->sendq->in_flight > 0 && c->sendq->in_flight + tcp_seg_span(s) > c->cc.cwnd)
			return;
		if ((!force && !fit_pace(c)) || !send_seg(o, m))
			return;
		c->why &= (uint8_t)~TCP_WHY_RTX;
	}
}

/* A segment that is smaller than it could be is in flight. Only one of those delays the next (Minshall's variant of Nagle,
 * RFC 9293 A.3): the end of a write longer than a segment does not wait for its beginning. */
static bool
small_in_flight(const struct tcp_conn *c)
{
	return seq_gt(c->sendq->snd_sml, c->snd_una) && seq_leq(c->sendq->snd_sml, c->snd_nxt);
}

/* A segment that is smaller than it could be waits for more, or for one of its kind (Nagle, RFC 9293 3.7.4). */
static bool
must_wait(const struct tcp_conn *c, const struct tcp_seg *s)
{
	if (s->len >= c->mss || s->next || (s->flags & TCP_SEG_FIN))
		return false;
	if (c->flags & TCP_F_CORK)
		return true;
	return !(c->flags & TCP_F_NODELAY) && small_in_flight(c);
}

/* Make the next segment fit what the peer's window leaves. @return false: it must wait (SWS avoidance, 3.8.6.2.1). */
static bool
fit_window(struct tcp_conn *c, struct rte_mbuf *m, bool force)
{
	struct tcp_seg *s = tcp_seg(m);
	int32_t usable = (int32_t)(c->snd_una + c->snd_wnd - c->snd_nxt);
	uint32_t most = RTE_MIN((uint32_t)s->len, (uint32_t)c->mss);

	if (usable < (int32_t)most) {
		if (usable <= 0 || !(force || (uint32_t)usable >= c->max_snd_wnd / 2))
			return false;
		most = (uint32_t)usable;
	}
	return most == s->len || tcp_sendq_split(c, m, most);
}

static bool
fit_cwnd(struct tcp_conn *c, const struct tcp_seg *s)
{
	uint32_t cwnd = c->cc.cwnd;

	/* Limited transmit (RFC 3042): the first two duplicate ACKs let one new segment out each. */
	if (!(c->flags & (TCP_F_RECOVERY | TCP_F_RTO_RECOVERY)) && c->dupacks < TCP_DUPTHRESH)
		cwnd += (uint32_t)c->dupacks * c->mss;
	if (c->sendq->in_flight == 0 || c->sendq->in_flight + tcp_seg_span(s) <= cwnd)
		return true;
	c->flags |= TCP_F_CWND_LIMITED;
	return false;
}

static void
new_sent(struct tcp_conn *c, const struct tcp_seg *s)
{
	if (c->snd_una == c->snd_nxt)
		c->sendq->unacked_since_ns = c->ep.stack->now_ns;
	c->snd_nxt += tcp_seg_span(s);
	if (s->len < c->mss)
		c->sendq->snd_sml = c->snd_nxt;
}

/* May the next segment go now? `force`: a probe, which goes whatever the windows say. */
static inline bool
may_send(struct tcp_conn *c, struct rte_mbuf *m, bool force)
{
	const struct tcp_seg *s = tcp_seg(m);

	if (!force && must_wait(c, s))
		return false;
	return fit_window(c, m, force) && fit_cwnd(c, s) && (force || fit_pace(c));
}

/* Segments of a frame that the link is to cut into: none for probes, which are alone, and while each header tells how far
 * away the end of urgent data is. */
static inline uint16_t
segs_together(const struct tcp_conn *c)
{
	if (c->route.flags & MR_ROUTE_F_LOCAL || c->why & TCP_WHY_PROBE || c->flags & TCP_F_URG_SENT)
		return 0;
	return c->route.local->nic->tso_segs;
}

/* A packet larger than those known to arrive, if one is to be tried, goes before what else is new. @return false: it waits
 * for the congestion window, and with it all that is new */
static bool
send_mtu_probe(struct tcp_out *o)
{
	struct tcp_conn *c = o->c;
	uint32_t len = tcp_mtu_probe_due(c);
	struct rte_mbuf *m;

	if (len == 0)
		return true;
	if (c->sendq->in_flight > 0 && c->sendq->in_flight + len > c->cc.cwnd) {
		c->flags |= TCP_F_CWND_LIMITED;
		return false;
	}
	if (!fit_pace(c))
		return false;
	m = tcp_sendq_join(c, len);
	if (!m || !send_seg(o, m))
		return true;
	tcp_mtu_probe_sent(c, tcp_seg(m));
	new_sent(c, tcp_seg(m));
	return true;
}

static void
send_new(struct tcp_out *o)
{
	struct tcp_conn *c = o->c;
	bool force = c->why & TCP_WHY_PROBE;
	uint16_t tso_segs = segs_together(c);
	struct rte_mbuf *m;

	if (c->sendq->unsent && c->snd_una == c->snd_nxt)
		tcp_cc_restart(c);
	if (unlikely(c->pmtu) && c->sendq->unsent && !force && !send_mtu_probe(o))
		return;
	while ((m = c->sendq->unsent) && may_send(c, m, force)) {
		if (!send_first(o, m, tso_segs))
			break;
		new_sent(c, tcp_seg(m));
		force = false;
	}
	if (unlikely(o->super))
		tcp_super_end(o);
}

/* RFC 8985 7.3: a new segment if there is one and the peer's window has room, whatever Nagle and the congestion window say;
 * else one again. */
static void
send_tail_probe(struct tcp_out *o)
{
	struct tcp_conn *c = o->c;
	struct rte_mbuf *m = c->sendq->unsent;

	c->why &= (uint8_t)~TCP_WHY_TLP;
	if (c->snd_una == c->snd_nxt)
		return; /* it came in the same turn */
	if (m && tcp_tlp_with_new(c) && fit_window(c, m, false)) {
		if (!send_seg(o, m))
			return;
		new_sent(c, tcp_seg(m));
		tcp_tlp_sent(c, false);
		return;
	}
	m = tcp_tlp_choose(c);
	if (m && (tcp_seg(m)->len <= c->mss || tcp_sendq_split(c, m, c->mss)) && send_seg(o, m))
		tcp_tlp_sent(c, true);
}

/* Something was sent. The probe may have been set for a flight so small that the peer may hold back its ACK; if it is larger
 * now, it does not wait for that any more. */
static inline void
tlp_hurry(struct tcp_conn *c)
{
	uint64_t due_ns;

	if (c->rexmt != TCP_REXMT_TAIL || c->last_tx_ns != c->ep.stack->now_ns || tcp_flight_is_small(c))
		return;
	due_ns = c->last_tx_ns + tcp_probe_timeout(&c->rack, c->rtt.srtt_ns, false);
	c->rexmt_ns = RTE_MIN(c->rexmt_ns, due_ns);
}

/* What was to be told is on its way. */
static inline void
acked(struct tcp_conn *c)
{
	c->why &= (uint8_t)~TCP_WHY_ACK_DELAYED;
	c->delack_ns = 0;
	c->each_acked = 0;
}

/* ---- the usual visit ----------------------------------------------------------------------------------------- */

#define ODD_FLAGS (TCP_F_CORK | TCP_F_SHUT_WR | TCP_F_URG_SENT | TCP_F_PACED | TCP_F_RECOVERY | TCP_F_RTO_RECOVERY)
#define ODD_WHY (TCP_WHY_PROBE | TCP_WHY_SYN | TCP_WHY_RTX | TCP_WHY_TLP)

/* Is one segment all there is in the queue, never sent, with nothing that would hold it back, and nothing else to tell or to
 * find out? */
static inline bool
is_alone(const struct tcp_conn *c)
{
	const struct tcp_sendq *q = c->sendq;
	const struct rte_mbuf *m = q->unsent;
	const struct tcp_seg *s;

	if (!m || m != q->head || m != q->tail || (c->flags & ODD_FLAGS) | (c->why & ODD_WHY) | (c->ecn & TCP_ECN_ON) |
	    (c->rack.flags & TCP_REC_FRTO_NEW) | c->pmtu || c->cc.pacing_rate || tcp_sack_waits(c))
		return false;
	s = tcp_seg(m);
	return s->len > 0 && s->len <= c->mss && s->len <= c->snd_wnd && s->len + c->mss <= c->cc.cwnd &&
	       c->ep.stack->now_ns - c->last_tx_ns <= c->rtt.rto_ns &&
	       (tcp_is_small(q, m) || (rte_mbuf_refcnt_read(m) == 1 && RTE_MBUF_DIRECT(m)));
}

/* Then no loop is needed, and a flight begins and ends with it. */
static bool
send_alone(struct tcp_out *o)
{
	struct tcp_conn *c = o->c;
	struct rte_mbuf *m = c->sendq->unsent, *f;
	const struct tcp_seg *s = tcp_seg(m);
	bool alone = mr_nic_tx_room_alone(c->route.local->nic);

	if (unlikely(!alone && !tcp_out_has_room(o, MR_NIC_TXQ_BULK)))
		return false;
	f = seg_frame(c, m);
	if (unlikely(!f))
		return false;
	if (likely(alone))
		f->port = MR_PORT_ALONE;
	if (c->cc.ops->restart)
		c->cc.ops->restart(&c->cc, c->ep.stack->now_ns);
	seg_headers(c, s, f, s->flags & TCP_SEG_PSH ? TCP_ACK | TCP_PSH : TCP_ACK, 0);
	seg_sent(c, m);
	tcp_out_add(o, f, 0);
	new_sent(c, s);
	tcp_rate_app_limited(c);
	c->too_big = 0;
	c->flags &= ~TCP_F_CWND_LIMITED;
	c->why = 0;
	acked(c);
	tcp_rexmt_flight(c);
	return true;
}

/* Input and the application have read and written all this, for a burst of connections one after the other: little of it is
 * in the first cache still. Three steps, each with what the one before has brought: the connection, its queue, the segment. */
void
tcp_output_ahead(const struct mr_ep *ep)
{
	const struct mr_ep *second = ep->dirty_next;
	const struct tcp_conn *c;
	const struct rte_mbuf *m;

	if (unlikely(ep->ops != &tcp_ep_ops))
		return;
	c = (const struct tcp_conn *)ep;
	m = c->sendq->unsent;
	if (m && !tcp_is_small(c->sendq, m)) {
		rte_prefetch0(m);
		rte_prefetch0(&m->next);
		rte_prefetch0(tcp_seg(m));
		rte_prefetch0((const char *)(m + 1) + MR_PKT_PRIV_BYTES + MR_HEADROOM / 2);
	}
	if (!second || unlikely(second->ops != &tcp_ep_ops))
		return;
	c = (const struct tcp_conn *)second;
	for (size_t at = 0; at < TCP_SENDQ_HOT_BYTES; at += RTE_CACHE_LINE_SIZE)
		rte_prefetch0((const char *)c->sendq + at);
	if (!second->dirty_next)
		return;
	c = (const struct tcp_conn *)second->dirty_next;
	rte_prefetch0(&c->sendq);
	rte_prefetch0(&c->flags);
	rte_prefetch0(&c->snd_wnd);
}

/* ---- any visit ----------------------------------------------------------------------------------------------- */

static void
output_data(struct tcp_out *o)
{
	struct tcp_conn *c = o->c;
	uint8_t done = TCP_WHY_ACK_NOW | TCP_WHY_PROBE;

	if (likely(is_alone(c)) && send_alone(o))
		return;
	c->too_big = 0;
	if (tcp_fin_waits(c) && tcp_sendq_fin(c))
		c->flags |= TCP_F_FIN_QUEUED;
	c->flags &= ~TCP_F_CWND_LIMITED;
	if (c->why & TCP_WHY_TLP)
		send_tail_probe(o);
	if (likely(!(c->rack.flags & TCP_REC_FRTO_NEW)))
		send_lost(o);
	send_new(o);
	if (unlikely(c->sendq->pace_late_ns))
		c->sendq->pace_late_ns = 0; /* there was no more to send */
	/* A window that goes out evenly is not full at once. */
	if (c->sendq->in_flight + c->mss > c->cc.cwnd || (c->flags & TCP_F_PACED))
		c->flags |= TCP_F_CWND_LIMITED;
	if (c->sendq->head && !c->sendq->unsent && !c->sendq->lost && c->sendq->in_flight < c->cc.cwnd)
		tcp_rate_app_limited(c);
	if ((!o->acked || tcp_sack_waits(c)) && unlikely(!tcp_send_acks(o)))
		done = 0;
	if (o->acked)
		acked(c);
	c->why &= (uint8_t)~done;
	/* A running persist timer goes on; otherwise one timer runs while anything is in flight or waits for the window. */
	if (!c->rexmt_ns || (c->rexmt == TCP_REXMT_PERSIST && c->snd_una != c->snd_nxt))
		tcp_rexmt_restart(c);
	else
		tlp_hurry(c);
	tcp_timer_update(c);
}

/* @return true: data may follow our SYN before that is acknowledged (Fast Open) */
static bool
output_syn(struct tcp_out *o)
{
	struct tcp_conn *c = o->c;

	if (c->why & TCP_WHY_SYN)
		tcp_send_syn(o);
	return (c->rare->fo & TCP_FO_CHILD) && !(c->why & TCP_WHY_SYN);
}

void
tcp_output(struct mr_transproto *tp, struct mr_ep *ep)
{
	struct tcp_conn *c = tcp_conn(ep);
	struct tcp_out o;

	tcp_out_init(&o, c);
	if (c->state < MR_TCP_SYN_SENT)
		return;
	if (mr_route_use(tp->stack, &c->route) < 0) {
		/* No way there at the moment: the timer keeps trying. */
		if (!c->rexmt_ns)
			tcp_rexmt_restart(c);
		tcp_timer_update(c);
		return;
	}
	if (likely(c->state >= MR_TCP_ESTABLISHED) || output_syn(&o))
		output_data(&o);
	tcp_out_flush(&o);
}
