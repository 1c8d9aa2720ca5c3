/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Output: the only place that builds segments. It visits each dirty connection once per turn: retransmissions first,
 * then new data as far as the windows, Nagle and silly-window avoidance allow, then the ACK if no data carried it.
 *
 * The frame of a segment is written around its payload when nobody else holds the mbuf; while a link (or a delay line)
 * still does, a copy goes out instead.
 */
#include "proto/tcp/tcp.h"

#include <errno.h>
#include <string.h>

#include <rte_common.h>

#define OUT_BURST 32
#define ECT_0 2 /* of the type of service: may be marked instead of lost */

/* The packets of one visit, on their way to the route. */
struct out {
	struct tcp_conn *c;
	struct rte_mbuf *pkts[OUT_BURST];
	uint16_t n;
	bool acked; /* something that carries the ACK went out */
	uint8_t ect; /* ECN bits of all of them */
};

/* The array stays as it is: most visits send one packet. */
static inline void
out_init(struct out *o, struct tcp_conn *c)
{
	o->c = c;
	o->n = 0;
	o->acked = false;
	o->ect = 0;
}

static void
out_flush(struct out *o)
{
	struct tcp_conn *c = o->c;
	struct mr_ip_params ip = {.trans_proto = MR_TRANS_TCP, .ttl = c->ttl, .tos = c->tos | o->ect, .df = true};

	if (o->n == 0)
		return;
	mr_count_n(c->ep.stack, MR_CNT_TCP_TX_SEGMENTS, o->n);
	mr_route_output(&c->route, o->pkts, o->n, &ip);
	o->n = 0;
}

static void
out_add(struct out *o, struct rte_mbuf *m, uint8_t ect)
{
	if (o->ect != ect) {
		out_flush(o);
		o->ect = ect;
	}
	o->pkts[o->n++] = m;
	o->acked = true;
	if (o->n == OUT_BURST)
		out_flush(o);
}

/* The largest window that a header has room for. */
static uint32_t
window_most(const struct tcp_conn *c)
{
	return 65535u << c->rcv_wscale;
}

/* The bytes that the receive buffer has room for and a header can tell, as right edge; never moves left (SHLD-14). */
static uint32_t
right_edge(const struct tcp_conn *c)
{
	uint32_t space = c->rcv_buf > c->rcvq.bytes ? c->rcv_buf - c->rcvq.bytes : 0;
	uint32_t edge = c->rcv_nxt + RTE_MIN(space, window_most(c));
	uint32_t step = RTE_MIN(c->rcv_buf / 2, (uint32_t)c->rcv_mss);

	if (seq_leq(edge, c->rcv_adv) || edge - c->rcv_adv < step)
		return c->rcv_adv;
	return edge;
}

uint32_t
tcp_window(struct tcp_conn *c)
{
	uint32_t edge = right_edge(c), wnd = edge - c->rcv_nxt;
	uint32_t unit = 1u << c->rcv_wscale;

	/* An edge once told is rounded up so that scaling cannot take it back; a new one down to what there is. */
	if (edge == c->rcv_adv)
		wnd = (wnd + unit - 1) & ~(unit - 1);
	else
		wnd &= ~(unit - 1);
	wnd = RTE_MIN(wnd, window_most(c));
	c->rcv_adv = seq_max(c->rcv_adv, c->rcv_nxt + wnd);
	return wnd;
}

bool
tcp_window_worth_update(const struct tcp_conn *c)
{
	uint32_t gain = right_edge(c) - c->rcv_adv;

	return gain > 0 && (gain >= 2u * c->rcv_mss || gain >= c->rcv_buf / 2 || c->rcv_adv == c->rcv_nxt);
}

/* Header fields of a segment of an open connection; the ACK it carries is noted as sent. */
static __rte_always_inline void
tx_fill(struct tcp_conn *c, struct tcp_tx *tx, uint8_t flags, uint32_t seq)
{
	memset(tx, 0, sizeof(*tx));
	tx->sport_be = c->ep.flow.lport_be;
	tx->dport_be = c->ep.flow.rport_be;
	tx->seq = seq;
	tx->ack = c->rcv_nxt;
	tx->flags = flags | (c->ecn & TCP_ECN_ECHO);
	tx->wnd = (uint16_t)(tcp_window(c) >> c->rcv_wscale);
	if (c->flags & TCP_F_TS) {
		tx->opts = TCP_OPT_TS;
		tx->tsval = tcp_ts_now(tcp_of(c->ep.stack), c->ts_offset);
		tx->tsecr = c->ts_recent;
	}
	c->last_ack_sent = c->rcv_nxt;
}

static bool
send_bare(struct out *o, uint8_t flags, uint32_t seq)
{
	struct rte_mbuf *m = mr_stack_tx_alloc(o->c->ep.stack);
	struct tcp_tx tx;

	if (!m) {
		mr_count(o->c->ep.stack, MR_DROP_NO_TX_MBUF);
		return false;
	}
	tx_fill(o->c, &tx, flags, seq);
	tcp_hdr_push(m, &tx, &o->c->route);
	out_add(o, m, 0);
	return true;
}

/* The mbuf to put the frame of a segment into: its own when we are the only holder, else a copy. */
static struct rte_mbuf *
seg_frame(struct tcp_conn *c, struct rte_mbuf *m)
{
	const struct tcp_seg *s = tcp_seg(m);
	struct rte_mbuf *f;

	if (rte_mbuf_refcnt_read(m) == 1) {
		m->data_off = s->data_off;
		m->data_len = (uint16_t)s->len;
		m->pkt_len = s->len;
		m->ol_flags = 0;
		m->tx_offload = 0;
		rte_mbuf_refcnt_update(m, 1);
		return m;
	}
	f = mr_stack_tx_alloc(c->ep.stack);
	if (!f) {
		mr_count(c->ep.stack, MR_DROP_NO_TX_MBUF);
		return NULL;
	}
	memcpy(rte_pktmbuf_append(f, (uint16_t)s->len), (char *)m->buf_addr + s->data_off, s->len);
	return f;
}

/* A paced sender is ahead of its rate by a quantum at most; then it waits until it is not ahead any more, so it sends a
 * quantum at a time. */
static bool
fit_pace(struct tcp_conn *c)
{
	uint64_t now = c->ep.stack->now_ns;

	if (c->cc.pacing_rate == 0)
		return true;
	if (c->pace_ns <= now)
		c->flags &= ~TCP_F_PACED;
	else if (c->pace_ns - now >= (uint64_t)tcp_pace_quantum(&c->cc) * 1000000000 / c->cc.pacing_rate)
		c->flags |= TCP_F_PACED;
	return !(c->flags & TCP_F_PACED);
}

static void
pace_charge(struct tcp_conn *c, uint32_t bytes)
{
	uint64_t now = c->ep.stack->now_ns;

	if (c->cc.pacing_rate)
		c->pace_ns = RTE_MAX(c->pace_ns, now) + (uint64_t)bytes * 1000000000 / c->cc.pacing_rate;
}

/* Only what is new may be marked on its way, and only it tells that the window was reduced (RFC 3168 6.1.2, 6.1.5). */
static uint8_t
seg_ect(struct tcp_conn *c, const struct tcp_seg *s, uint8_t *flags)
{
	if ((s->flags & TCP_SEG_SENT) || s->len == 0 || (c->why & TCP_WHY_PROBE))
		return 0;
	*flags |= c->ecn & TCP_ECN_CWR;
	c->ecn &= (uint8_t)~TCP_ECN_CWR;
	return ECT_0;
}

/* Transmit a segment of the queue, for the first time or again. A link that does not keep up is no loss: the next turn
 * goes on. */
static bool
send_seg(struct out *o, struct rte_mbuf *m)
{
	struct tcp_conn *c = o->c;
	struct tcp_seg *s = tcp_seg(m);
	struct rte_mbuf *f;
	uint8_t flags = TCP_ACK, ect = 0;
	struct tcp_tx tx;

	if (unlikely(!mr_nic_tx_room(c->route.local->nic, o->n + 1))) {
		mr_ep_await_room(&c->ep, c->route.local->nic);
		return false;
	}
	f = seg_frame(c, m);
	if (!f)
		return false;
	if (s->flags & TCP_SEG_PSH && s->len > 0)
		flags |= TCP_PSH;
	if (s->flags & TCP_SEG_FIN)
		flags |= TCP_FIN;
	if (unlikely(c->ecn & TCP_ECN_ON))
		ect = seg_ect(c, s, &flags);
	tx_fill(c, &tx, flags, s->seq);
	tcp_hdr_push(f, &tx, &c->route);
	if (s->flags & TCP_SEG_SENT) {
		mr_count(c->ep.stack, MR_CNT_TCP_RETRANSMITS);
		c->retransmitted++;
	}
	tcp_rate_sent(c, s, c->ep.stack->now_ns);
	tcp_sendq_sent(c, m, c->ep.stack->now_ns);
	pace_charge(c, s->len);
	c->last_tx_ns = c->ep.stack->now_ns;
	out_add(o, f, ect);
	return true;
}

/* Lost segments, as far as the congestion window allows; the first of a recovery regardless. */
static void
send_lost(struct out *o)
{
	struct tcp_conn *c = o->c;
	struct rte_mbuf *m;

	while ((m = tcp_sendq_first_lost(&c->sendq))) {
		struct tcp_seg *s = tcp_seg(m);
		bool force = c->why & TCP_WHY_RTX;

		if (s->len > c->mss && !tcp_sendq_split(c, m, c->mss))
			return;
		if (!force && c->sendq.in_flight > 0 && c->sendq.in_flight + tcp_seg_span(s) > c->cc.cwnd)
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
	return seq_gt(c->snd_sml, c->snd_una) && seq_leq(c->snd_sml, c->snd_nxt);
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
	uint32_t most = RTE_MIN(s->len, (uint32_t)c->mss);

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
	if (c->sendq.in_flight == 0 || c->sendq.in_flight + tcp_seg_span(s) <= cwnd)
		return true;
	c->flags |= TCP_F_CWND_LIMITED;
	return false;
}

static void
new_sent(struct tcp_conn *c, const struct tcp_seg *s)
{
	c->snd_nxt += tcp_seg_span(s);
	if (s->len < c->mss)
		c->snd_sml = c->snd_nxt;
}

static void
send_new(struct out *o)
{
	struct tcp_conn *c = o->c;
	bool force = c->why & TCP_WHY_PROBE;
	uint64_t now = c->ep.stack->now_ns;
	struct rte_mbuf *m;

	if (c->sendq.unsent && c->snd_una == c->snd_nxt)
		tcp_cc_restart(c);
	while ((m = c->sendq.unsent)) {
		struct tcp_seg *s = tcp_seg(m);

		if (!force && must_wait(c, s))
			return;
		if (!fit_window(c, m, force) || !fit_cwnd(c, s) || !(force || fit_pace(c)))
			return;
		if (c->snd_una == c->snd_nxt)
			c->unacked_since_ns = now;
		if (!send_seg(o, m))
			return;
		new_sent(c, s);
		force = false;
	}
}

/* RFC 8985 7.3: a new segment if there is one and the peer's window has room, whatever Nagle and the congestion window say;
 * else one again. */
static void
send_tail_probe(struct out *o)
{
	struct tcp_conn *c = o->c;
	struct rte_mbuf *m = c->sendq.unsent;

	c->why &= (uint8_t)~TCP_WHY_TLP;
	if (c->snd_una == c->snd_nxt)
		return; /* it came in the same turn */
	if (m && !(c->flags & (TCP_F_RECOVERY | TCP_F_RTO_RECOVERY)) && fit_window(c, m, false)) {
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

static void
send_syn(struct out *o)
{
	struct tcp_conn *c = o->c;
	struct tcp *t = tcp_of(c->ep.stack);
	struct rte_mbuf *m = mr_stack_tx_alloc(c->ep.stack);
	bool reply = c->state == MR_TCP_SYN_RECEIVED;
	struct tcp_tx tx = {
		.sport_be = c->ep.flow.lport_be,
		.dport_be = c->ep.flow.rport_be,
		.seq = c->iss,
		.ack = reply ? c->rcv_nxt : 0,
		.flags = reply ? TCP_SYN | TCP_ACK : TCP_SYN,
		.wnd = (uint16_t)RTE_MIN(c->rcv_buf, 65535u),
		.opts = TCP_OPT_MSS,
		.mss = tcp_mss_offer(&c->route, c->user_mss),
		.wscale = c->rcv_wscale,
		.tsval = tcp_ts_now(t, c->ts_offset),
		.tsecr = reply ? c->ts_recent : 0,
	};

	if (!m) {
		mr_count(c->ep.stack, MR_DROP_NO_TX_MBUF);
		return;
	}
	if (c->flags & TCP_F_TS)
		tx.opts |= TCP_OPT_TS;
	if (c->flags & TCP_F_WS)
		tx.opts |= TCP_OPT_WS;
	if (c->flags & TCP_F_SACK)
		tx.opts |= TCP_OPT_SACK_PERM;
	tx.flags |= tcp_ecn_syn_flags(c);
	tcp_hdr_push(m, &tx, &c->route);
	c->last_tx_ns = c->ep.stack->now_ns;
	out_add(o, m, 0);
	c->why &= (uint8_t)~TCP_WHY_SYN;
	if (!c->rexmt_ns)
		tcp_rexmt_restart(c);
}

/* An ACK with a SACK option: what came twice first, then blocks, the newest first, without the first `skip`. */
static bool
send_sack(struct out *o, bool dsack, unsigned skip, unsigned max)
{
	struct tcp_conn *c = o->c;
	struct rte_mbuf *m = mr_stack_tx_alloc(c->ep.stack);
	uint32_t blocks[TCP_SACK_BLOCKS][2] = {{c->rcvq.dsack_from, c->rcvq.dsack_to}};
	struct tcp_tx tx;

	if (!m) {
		mr_count(c->ep.stack, MR_DROP_NO_TX_MBUF);
		return false;
	}
	tx_fill(c, &tx, TCP_ACK, c->snd_nxt);
	tx.n_sack = (uint8_t)(dsack + tcp_reasm_blocks(c, skip, blocks + dsack, max - dsack));
	tx.opts |= TCP_OPT_SACK;
	tx.sack = (const uint32_t (*)[2])blocks;
	tcp_hdr_push(m, &tx, &c->route);
	out_add(o, m, 0);
	return true;
}

/* As many ACKs as it takes to tell of every block that has grown in this turn: one of those not told of would be taken
 * for lost. The newest come last, first in their option (SK-03, SK-04). */
static bool
send_sacks(struct out *o)
{
	struct tcp_conn *c = o->c;
	unsigned max = c->flags & TCP_F_TS ? TCP_SACK_BLOCKS - 1 : TCP_SACK_BLOCKS;
	bool dsack = c->rcvq.dsack_from != c->rcvq.dsack_to;
	unsigned fresh = tcp_reasm_fresh(c), first = max - dsack;

	while (fresh > first) {
		unsigned skip = first + (fresh - first - 1) / max * max;

		if (!send_sack(o, false, skip, max))
			return false;
		fresh = skip;
	}
	if (!send_sack(o, dsack, 0, max))
		return false;
	tcp_reasm_told(c);
	return true;
}

/* Without SACK, or nothing to tell by it. Each out-of-order segment of the turn gets its own duplicate, three at most: a
 * peer without SACK counts them. */
static bool
send_bare_acks(struct out *o)
{
	struct tcp_conn *c = o->c;
	unsigned n = RTE_MAX(1, RTE_MIN(c->dupacks_owed, TCP_DUPTHRESH));

	while (n-- > 0)
		if (!send_bare(o, TCP_ACK, c->snd_nxt))
			return false;
	return true;
}

/* The ACK that no data carried. Data carries no SACK option: what is to be told goes beside it. */
static void
send_acks(struct out *o)
{
	struct tcp_conn *c = o->c;
	bool sack = (c->flags & TCP_F_SACK) && (c->rcvq.ooo || c->rcvq.dsack_from != c->rcvq.dsack_to);

	if (o->acked && !(sack && (c->why & TCP_WHY_ACK_NOW)))
		return;
	if (c->why & TCP_WHY_PROBE) {
		/* An old sequence number makes the peer answer (MUST-36, SHLD-12). */
		send_bare(o, TCP_ACK, c->snd_nxt - 1);
		return;
	}
	if (!(c->why & TCP_WHY_ACK_NOW))
		return;
	if (!(sack ? send_sacks(o) : send_bare_acks(o))) {
		/* Out of mbufs: try again soon. */
		c->why |= TCP_WHY_ACK_DELAYED;
		c->delack_ns = c->ep.stack->now_ns + 1000000;
	}
}

static void
output_data(struct out *o)
{
	struct tcp_conn *c = o->c;

	c->too_big = 0;
	if ((c->flags & (TCP_F_SHUT_WR | TCP_F_FIN_QUEUED)) == TCP_F_SHUT_WR && tcp_sendq_fin(c))
		c->flags |= TCP_F_FIN_QUEUED;
	c->flags &= ~TCP_F_CWND_LIMITED;
	if (c->why & TCP_WHY_TLP)
		send_tail_probe(o);
	if (likely(!(c->rack.flags & TCP_REC_FRTO_NEW)))
		send_lost(o);
	send_new(o);
	if (c->sendq.in_flight + c->mss > c->cc.cwnd)
		c->flags |= TCP_F_CWND_LIMITED;
	if (c->snd_una != c->snd_nxt && !c->sendq.unsent && !c->sendq.lost && c->sendq.in_flight < c->cc.cwnd)
		tcp_rate_app_limited(c);
	send_acks(o);
	if (o->acked) {
		c->why &= (uint8_t) ~(TCP_WHY_ACK_NOW | TCP_WHY_ACK_DELAYED);
		c->delack_ns = 0;
		c->dupacks_owed = 0;
	}
	c->why &= (uint8_t) ~(TCP_WHY_ACK_NOW | TCP_WHY_PROBE);
	/* A running persist timer goes on; otherwise one timer runs while anything is in flight or waits for the window. */
	if (!c->rexmt_ns || (c->rexmt == TCP_REXMT_PERSIST && c->snd_una != c->snd_nxt))
		tcp_rexmt_restart(c);
	else
		tcp_timer_update(c);
}

void
tcp_output(struct mr_transproto *tp, struct mr_ep *ep)
{
	struct tcp_conn *c = tcp_conn(ep);
	struct out o;

	out_init(&o, c);
	if (c->state < MR_TCP_SYN_SENT)
		return;
	if (mr_route_use(tp->stack, &c->route) < 0) {
		/* No way there at the moment: the timer keeps trying. */
		if (!c->rexmt_ns)
			tcp_rexmt_restart(c);
		return;
	}
	if (c->state < MR_TCP_ESTABLISHED) {
		if (c->why & TCP_WHY_SYN)
			send_syn(&o);
	} else {
		output_data(&o);
	}
	out_flush(&o);
}

void
tcp_send_stateless(struct tcp *t, const struct mr_flow *flow, struct tcp_tx *tx)
{
	struct mr_stack *s = t->tp.stack;
	struct mr_netep *local = mr_netep_by_id(s, flow->local_id);
	struct mr_ip_params ip = {.trans_proto = MR_TRANS_TCP, .df = true};
	struct mr_route r;
	struct rte_mbuf *m;

	if (!local || mr_route_back(local, &flow->raddr, &r) < 0)
		return;
	m = mr_stack_tx_alloc(s);
	if (m) {
		tx->sport_be = flow->lport_be;
		tx->dport_be = flow->rport_be;
		if (tx->opts & TCP_OPT_MSS)
			tx->mss = tcp_mss_offer(&r, tx->mss);
		tcp_hdr_push(m, tx, &r);
		mr_count(s, MR_CNT_TCP_TX_SEGMENTS);
		mr_route_output(&r, &m, 1, &ip);
	} else {
		mr_count(s, MR_DROP_NO_TX_MBUF);
	}
	mr_route_release(&r);
}

void
tcp_reset_reply(struct tcp *t, struct rte_mbuf *m, enum mr_counter reason)
{
	const struct mr_pkt *p = mr_pkt(m);
	struct mr_flow flow = {.raddr = p->src, .rport_be = p->sport_be, .lport_be = p->dport_be, .local_id = p->netep->id};
	struct tcp_tx tx = {.flags = TCP_RST};

	if (!(p->tcp_flags & TCP_RST)) {
		if (p->tcp_flags & TCP_ACK) {
			tx.seq = p->ack;
		} else {
			tx.flags |= TCP_ACK;
			tx.ack = p->seq + p->trans_len - p->trans_hdr_len + !!(p->tcp_flags & TCP_SYN) +
			         !!(p->tcp_flags & TCP_FIN);
		}
		mr_count(t->tp.stack, MR_CNT_TCP_RESETS_TX);
		tcp_send_stateless(t, &flow, &tx);
	}
	mr_drop(t->tp.stack, m, reason);
}

void
tcp_reset_conn(struct tcp_conn *c)
{
	struct out o;

	out_init(&o, c);
	if (c->state < MR_TCP_SYN_RECEIVED || c->state == MR_TCP_TIME_WAIT || mr_route_use(c->ep.stack, &c->route) < 0)
		return;
	mr_count(c->ep.stack, MR_CNT_TCP_RESETS_TX);
	c->ecn = 0;
	send_bare(&o, TCP_RST | TCP_ACK, c->snd_nxt);
	out_flush(&o);
}
