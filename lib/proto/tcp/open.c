/* SPDX-License-Identifier: Apache-2.0 */
/*
 * How connections begin: LISTEN (RFC 9293 3.10.7.2) with half-open records of 64 bytes that become connections with the
 * third segment of the handshake, and SYN-SENT (3.10.7.3) with simultaneous open.
 *
 * A SYN costs a record and an answer; when all records are out the oldest gives way, and a listener whose accept queue is
 * full takes no more. SYN cookies are not here.
 */
#include "proto/tcp/tcp.h"

#include <errno.h>

#include <rte_common.h>

#define RTO_AFTER_SYN_LOSS_NS 3000000000ull /* RFC 6298 5.7 */
#define RCV_MSS_START 536

uint16_t
tcp_mss_offer(const struct mr_route *r, uint16_t user_mss)
{
	uint16_t mss = mr_route_payload_mtu(r) - TCP_HDR_BYTES;

	return user_mss ? RTE_MIN(mss, user_mss) : mss;
}

void
tcp_mss_update(struct tcp_conn *c)
{
	uint16_t mss = RTE_MIN(tcp_mss_offer(&c->route, c->user_mss), c->peer_mss);
	uint16_t hdr = c->route.local->np->ops->hdr_bytes + TCP_HDR_BYTES;

	if (c->pmtu && c->pmtu - hdr < mss)
		mss = c->pmtu - hdr;
	if (c->flags & TCP_F_TS)
		mss = RTE_MAX(mss, TCP_MIN_MSS + TCP_TS_OPT_BYTES) - TCP_TS_OPT_BYTES;
	c->mss = mss;
	tcp_cc_mss_set(&c->cc, mss);
}

uint8_t
tcp_wscale_for(uint32_t rcv_buf)
{
	uint8_t shift = 0;

	while (shift < TCP_MAX_WSCALE && (65535u << shift) < rcv_buf)
		shift++;
	return shift;
}

uint32_t
tcp_offer_flags(uint8_t offers)
{
	return (offers & TCP_OPT_TS ? TCP_F_TS : 0) | (offers & TCP_OPT_WS ? TCP_F_WS : 0) |
	       (offers & TCP_OPT_SACK_PERM ? TCP_F_SACK : 0);
}

/* What both ends have offered (WS-01, TS-01, MUST-15). */
static void
options_agree(struct tcp_conn *c, const struct tcp_rx *rx)
{
	if (!(rx->opts & TCP_OPT_WS))
		c->flags &= ~TCP_F_WS;
	if (!(rx->opts & TCP_OPT_TS))
		c->flags &= ~TCP_F_TS;
	if (!(rx->opts & TCP_OPT_SACK_PERM))
		c->flags &= ~TCP_F_SACK;
	if (c->flags & TCP_F_WS)
		c->snd_wscale = rx->wscale;
	else
		c->snd_wscale = c->rcv_wscale = 0;
	if (c->flags & TCP_F_TS)
		c->ts_recent = rx->tsval;
	if (rx->opts & TCP_OPT_MSS)
		c->peer_mss = RTE_MAX(rx->mss, TCP_MIN_MSS);
	else
		c->peer_mss = mr_addr_is_v4(&c->ep.flow.raddr) ? TCP_DEFAULT_MSS_V4 : TCP_DEFAULT_MSS_V6;
	tcp_mss_update(c);
}

/* The congestion window a connection starts with (RFC 6928; one segment if SYNs were lost, RFC 5681 3.1). */
static void
cwnd_start(struct tcp_conn *c)
{
	tcp_cc_start(c, c->retries > 1);
	if (c->retries > 0 && c->rtt.srtt_ns == 0)
		c->rtt.rto_ns = RTO_AFTER_SYN_LOSS_NS;
	c->retries = c->backoff = 0;
}

void
tcp_established(struct tcp_conn *c, const struct tcp_rx *rx)
{
	/* The SYN is acknowledged; it does not count as data for the windows (CC-04). */
	c->snd_una = c->snd_sml = c->iss + 1;
	c->snd_wnd = rx->flags & TCP_SYN ? rx->wnd : rx->wnd << c->snd_wscale;
	c->max_snd_wnd = c->snd_wnd;
	c->snd_wl1 = rx->seq;
	c->snd_wl2 = rx->ack;
	c->last_rx_ns = c->ep.stack->now_ns;
	cwnd_start(c);
	tcp_state_set(c, MR_TCP_ESTABLISHED);
	tcp_rexmt_restart(c);
	if (c->flags & TCP_F_KEEPALIVE) {
		c->idle_ns = c->last_rx_ns + (uint64_t)c->keepidle_ms * 1000000;
		tcp_timer_update(c);
	}
	mr_ep_event(&c->ep, MR_EV_OUT);
}

/* ---- passive: LISTEN and SYN-RECEIVED ----------------------------------------------------------------------- */

static struct tcp_bind *
record_listener(struct tcp *t, const struct tcp_syn_rcvd *r)
{
	return mr_arena_obj(&t->tp.stack->arena, r->listener);
}

static void
syn_rcvd_end(struct tcp *t, struct tcp_syn_rcvd *r)
{
	tcp_fifo_remove(t, &t->syn_fifo[r->retries], &r->rec);
	mr_flow_remove(&t->tp.stack->flows, &r->rec.flow);
	record_listener(t, r)->n_half--;
	t->n_syn_rcvd--;
	tcp_record_bury(t, &r->rec);
}

/* The oldest half-open record makes room; those that were answered most often first. */
static void
syn_rcvd_evict(struct tcp *t)
{
	for (int i = TCP_SYNACK_RETRIES; i >= 0; i--)
		if (t->syn_fifo[i].head) {
			syn_rcvd_end(t, mr_arena_obj(&t->tp.stack->arena, t->syn_fifo[i].head));
			return;
		}
}

static const struct mr_addr *
record_laddr(struct tcp *t, const struct tcp_syn_rcvd *r)
{
	return &mr_netep_by_id(t->tp.stack, r->rec.flow.local_id)->addr;
}

/* The stored options in the place they have in a header. */
static uint8_t
record_opts(const struct tcp_syn_rcvd *r)
{
	return (r->opts_wscale >> 3) & (TCP_OPT_WS | TCP_OPT_SACK_PERM | TCP_OPT_TS);
}

static uint32_t
listener_rcv_buf(struct tcp *t, const struct tcp_syn_rcvd *r)
{
	return tcp_conn(record_listener(t, r)->bound.ep)->rcv_buf;
}

static void
syn_ack_send(struct tcp *t, struct tcp_syn_rcvd *r)
{
	const struct tcp_conn *l = tcp_conn(record_listener(t, r)->bound.ep);
	struct tcp_tx tx = {
		.seq = r->iss,
		.ack = r->irs + 1,
		.flags = (uint8_t)(TCP_SYN | TCP_ACK | (r->opts_wscale & TCP_SYN_RCVD_ECN ? TCP_ECE : 0)),
		.wnd = (uint16_t)RTE_MIN(l->rcv_buf, 65535u),
		.opts = TCP_OPT_MSS | record_opts(r),
		.mss = l->user_mss,
		.wscale = tcp_wscale_for(l->rcv_buf),
		.tsval = tcp_ts_now(t, tcp_ts_offset(t, &r->rec.flow, record_laddr(t, r))),
		.tsecr = r->rec.ts_recent,
	};

	tcp_send_stateless(t, &r->rec.flow, &tx);
}

/* A bare segment about a half-open connection: tells the peer where we are. */
static void
syn_rcvd_ack(struct tcp *t, struct tcp_syn_rcvd *r)
{
	struct tcp_tx tx = {
		.seq = r->iss + 1,
		.ack = r->irs + 1,
		.flags = TCP_ACK,
		.wnd = (uint16_t)(RTE_MIN(listener_rcv_buf(t, r), 65535u)),
		.opts = record_opts(r) & TCP_OPT_TS,
		.tsval = tcp_ts_now(t, tcp_ts_offset(t, &r->rec.flow, record_laddr(t, r))),
		.tsecr = r->rec.ts_recent,
	};

	if (record_opts(r) & TCP_OPT_WS)
		tx.wnd >>= tcp_wscale_for(listener_rcv_buf(t, r));
	tcp_send_stateless(t, &r->rec.flow, &tx);
}

static void
syn_rcvd_fill(struct tcp *t, struct tcp_bind *l, struct tcp_syn_rcvd *r, const struct tcp_rx *rx,
              const uint32_t *iss_floor)
{
	const struct mr_pkt *p = mr_pkt(rx->m);
	uint8_t mine = t->offers & tcp_conn(l->bound.ep)->offers;

	r->rec.flow.raddr = p->src;
	r->rec.flow.rport_be = p->sport_be;
	r->rec.flow.lport_be = p->dport_be;
	r->rec.flow.local_id = p->netep->id;
	r->rec.flow.proto = MR_TRANS_TCP;
	r->rec.flow.kind = TCP_KIND_SYN_RCVD;
	r->rec.flow.spare = (uint16_t)rx->wnd;
	/* A child of a listener that is bound to a NIC must win over it (SS-23). */
	r->rec.flow.flags = l->bound.nic ? MR_FLOW_F_NIC : 0;
	r->irs = rx->seq;
	r->iss = tcp_isn(t, &r->rec.flow, &p->netep->addr);
	if (iss_floor && !seq_gt(r->iss, *iss_floor))
		r->iss = *iss_floor;
	r->rec.ts_recent = rx->tsval;
	r->mss = rx->opts & TCP_OPT_MSS ? rx->mss : 0;
	r->listener = mr_arena_ref(&t->tp.stack->arena, l);
	r->opts_wscale = (uint8_t)((rx->opts & mine) << 3 | rx->wscale);
	if (tcp_ecn_accepts(tcp_conn(l->bound.ep), rx->flags))
		r->opts_wscale |= TCP_SYN_RCVD_ECN;
}

static void
listen_syn(struct tcp *t, struct tcp_bind *l, struct tcp_rx *rx, const uint32_t *iss_floor)
{
	struct mr_stack *s = t->tp.stack;
	struct tcp_syn_rcvd *r;
	int rc;

	if (l->n_accept >= (uint32_t)l->backlog) {
		mr_drop(s, rx->m, MR_DROP_TCP_BACKLOG_FULL);
		return;
	}
	if (t->n_syn_rcvd >= s->opts.max_half_open)
		syn_rcvd_evict(t);
	r = mr_pool_get(&t->syn_rcvds);
	if (!r) {
		mr_drop(s, rx->m, MR_DROP_TCP_BACKLOG_FULL);
		return;
	}
	syn_rcvd_fill(t, l, r, rx, iss_floor);
	rc = mr_flow_insert(&s->flows, &r->rec.flow);
	if (rc < 0) {
		/* The tuple is there already: the SYN came twice in one burst, and its answer is on the way. */
		mr_pool_put(&t->syn_rcvds, r);
		mr_drop(s, rx->m, rc == -EEXIST ? MR_DROP_TCP_DUPLICATE : MR_DROP_TCP_BACKLOG_FULL);
		return;
	}
	mr_netep_hold(mr_pkt(rx->m)->netep);
	l->n_half++;
	t->n_syn_rcvd++;
	mr_count(s, MR_CNT_TCP_PASSIVE_OPENS);
	tcp_fifo_push(t, &t->syn_fifo[0], &r->rec, TCP_INITIAL_RTO_NS, tcp_syn_fifo_timer);
	syn_ack_send(t, r);
	rte_pktmbuf_free(rx->m);
}

void
tcp_listen_input(struct tcp *t, struct tcp_bind *l, struct rte_mbuf *m, const uint32_t *iss_floor)
{
	const struct mr_pkt *p = mr_pkt(m);
	struct tcp_rx rx;

	if (p->tcp_flags & TCP_RST) {
		mr_drop(t->tp.stack, m, MR_DROP_TCP_LISTEN_IGNORED);
	} else if (p->tcp_flags & TCP_ACK) {
		tcp_reset_reply(t, m, MR_DROP_TCP_LISTEN_IGNORED);
	} else if ((p->tcp_flags & (TCP_SYN | TCP_FIN)) != TCP_SYN) {
		mr_drop(t->tp.stack, m, MR_DROP_TCP_LISTEN_IGNORED);
	} else {
		tcp_hdr_pull(m, &rx);
		listen_syn(t, l, &rx, iss_floor);
	}
}

void
tcp_syn_fifo_timer(struct mr_timer *timer, uint64_t now_ns)
{
	struct tcp_fifo *q = (struct tcp_fifo *)((char *)timer - offsetof(struct tcp_fifo, timer));
	struct tcp *t = q->tcp;
	struct tcp_record *rec;

	while ((rec = tcp_fifo_due(t, q, now_ns, tcp_syn_fifo_timer))) {
		struct tcp_syn_rcvd *r = (struct tcp_syn_rcvd *)rec;

		if (r->retries >= TCP_SYNACK_RETRIES) {
			syn_rcvd_end(t, r);
			continue;
		}
		tcp_fifo_remove(t, q, rec);
		r->retries++;
		tcp_fifo_push(t, &t->syn_fifo[r->retries], rec, TCP_INITIAL_RTO_NS << r->retries, tcp_syn_fifo_timer);
		mr_count(t->tp.stack, MR_CNT_TCP_RETRANSMITS);
		syn_ack_send(t, r);
	}
}

/* The third segment: a connection takes the record's place in the table and waits for accept. */
static struct tcp_conn *
syn_rcvd_promote(struct tcp *t, struct tcp_syn_rcvd *r, const struct tcp_rx *rx)
{
	struct mr_stack *s = t->tp.stack;
	struct tcp_bind *l = record_listener(t, r);
	struct tcp_conn *c, *lc = tcp_conn(l->bound.ep);
	struct mr_route route;
	struct mr_netep *local = mr_netep_by_id(s, r->rec.flow.local_id);
	struct tcp_rx syn = {.opts = record_opts(r), .wscale = r->opts_wscale & 15, .tsval = r->rec.ts_recent, .mss = r->mss};

	if (mr_route_back(local, &r->rec.flow.raddr, &route) < 0)
		return NULL;
	c = tcp_conn_new(t);
	if (!c) {
		mr_route_release(&route);
		return NULL;
	}
	c->route = route;
	tcp_conn_inherit(c, lc);
	c->net = mr_addr_net(&r->rec.flow.raddr);
	c->ep.flow = r->rec.flow;
	c->ep.flow.kind = TCP_KIND_CONN;
	c->ecn = r->opts_wscale & TCP_SYN_RCVD_ECN ? TCP_ECN_ON : 0;
	c->flags |= TCP_F_PASSIVE | TCP_F_TS | TCP_F_WS | TCP_F_SACK;
	c->rcv_wscale = tcp_wscale_for(c->rcv_buf);
	if (r->mss)
		syn.opts |= TCP_OPT_MSS;
	options_agree(c, &syn);
	c->ts_offset = tcp_ts_offset(t, &c->ep.flow, &local->addr);
	c->iss = r->iss;
	c->irs = r->irs;
	c->retries = r->retries;
	c->recover = c->iss;
	c->snd_nxt = c->sendq.end_seq = c->iss + 1;
	c->rcv_nxt = c->last_ack_sent = c->irs + 1;
	c->rcv_adv = c->rcv_nxt + RTE_MIN(c->rcv_buf, 65535u);
	c->rcv_mss = RCV_MSS_START;
	tcp_fifo_remove(t, &t->syn_fifo[r->retries], &r->rec);
	mr_flow_replace(&s->flows, &r->rec.flow, &c->ep.flow);
	l->n_half--;
	t->n_syn_rcvd--;
	tcp_record_bury(t, &r->rec);
	tcp_established(c, rx);
	tcp_accept_queue_push(l, c);
	return c;
}

/* Steps one to five for a half-open connection. @return true if the segment is the ACK that completes it. */
static bool
syn_rcvd_check(struct tcp *t, struct tcp_syn_rcvd *r, struct tcp_rx *rx)
{
	struct mr_stack *s = t->tp.stack;
	uint32_t wnd = RTE_MIN(listener_rcv_buf(t, r), 65535u);

	if ((rx->flags & (TCP_SYN | TCP_ACK | TCP_RST)) == TCP_SYN && rx->seq == r->irs) {
		/* The answer was lost (B-47); or the flags have kept it from coming, and the peer does without. */
		if (!tcp_ecn_accepts(tcp_conn(record_listener(t, r)->bound.ep), rx->flags))
			r->opts_wscale &= (uint8_t)~TCP_SYN_RCVD_ECN;
		syn_ack_send(t, r);
		mr_drop(s, rx->m, MR_DROP_TCP_DUPLICATE);
		return false;
	}
	if ((record_opts(r) & TCP_OPT_TS) && (rx->opts & TCP_OPT_TS) && !(rx->flags & TCP_RST) &&
	    seq_lt(rx->tsval, r->rec.ts_recent)) {
		syn_rcvd_ack(t, r);
		mr_drop(s, rx->m, MR_DROP_TCP_PAWS);
		return false;
	}
	if (rx->seq - (r->irs + 1) >= wnd) {
		if (!(rx->flags & TCP_RST))
			syn_rcvd_ack(t, r);
		mr_drop(s, rx->m, MR_DROP_TCP_OUT_OF_WINDOW);
		return false;
	}
	if (rx->flags & TCP_RST) {
		if (rx->seq == r->irs + 1) {
			syn_rcvd_end(t, r); /* back to LISTEN without a word (T93-06) */
			mr_count(s, MR_CNT_TCP_RESETS_RX);
			rte_pktmbuf_free(rx->m);
		} else {
			syn_rcvd_ack(t, r);
			mr_drop(s, rx->m, MR_DROP_TCP_BAD_RST);
		}
		return false;
	}
	if (rx->flags & TCP_SYN) {
		syn_rcvd_ack(t, r);
		mr_drop(s, rx->m, MR_DROP_TCP_SYN_IN_CONN);
		return false;
	}
	if (!(rx->flags & TCP_ACK)) {
		mr_drop(s, rx->m, MR_DROP_TCP_BAD_ACK);
		return false;
	}
	if (rx->ack != r->iss + 1) {
		tcp_reset_reply(t, rx->m, MR_DROP_TCP_BAD_ACK);
		return false;
	}
	return true;
}

void
tcp_syn_rcvd_input(struct tcp *t, struct tcp_syn_rcvd *r, struct rte_mbuf *m)
{
	struct tcp_bind *l = record_listener(t, r);
	struct tcp_conn *c;
	struct tcp_rx rx;

	tcp_hdr_pull(m, &rx);
	if (!syn_rcvd_check(t, r, &rx))
		return;
	if (l->n_accept >= (uint32_t)l->backlog) {
		mr_drop(t->tp.stack, m, MR_DROP_TCP_BACKLOG_FULL); /* the record stays: the peer will ask again (B-48) */
		return;
	}
	c = syn_rcvd_promote(t, r, &rx);
	if (!c) {
		mr_drop(t->tp.stack, m, MR_DROP_TCP_NO_CONN);
		return;
	}
	tcp_segment_accepted(c, &rx);
}

void
tcp_listen_close(struct tcp *t, struct tcp_bind *l)
{
	uint32_t ref = mr_arena_ref(&t->tp.stack->arena, l);

	l->listening = false;
	for (int i = 0; i <= TCP_SYNACK_RETRIES; i++)
		for (uint32_t next = t->syn_fifo[i].head; next && l->n_half > 0;) {
			struct tcp_syn_rcvd *r = mr_arena_obj(&t->tp.stack->arena, next);

			next = r->rec.next;
			if (r->listener == ref)
				syn_rcvd_end(t, r);
		}
	while (l->accept_head) {
		struct tcp_conn *c = l->accept_head;

		tcp_reset_conn(c); /* B-53 */
		tcp_conn_end(c, -ECONNABORTED);
	}
}

/* ---- active: SYN-SENT --------------------------------------------------------------------------------------- */

/* Our half of an open, and what our SYN will offer. */
static void
open_init(struct tcp_conn *c, const uint32_t *iss_floor)
{
	struct tcp *t = tcp_of(c->ep.stack);

	c->iss = tcp_isn(t, &c->ep.flow, &c->route.local->addr);
	if (iss_floor && !seq_gt(c->iss, *iss_floor))
		c->iss = *iss_floor;
	c->ts_offset = tcp_ts_offset(t, &c->ep.flow, &c->route.local->addr);
	c->recover = c->snd_una = c->iss;
	c->snd_nxt = c->sendq.end_seq = c->iss + 1;
	c->rcv_wscale = tcp_wscale_for(c->rcv_buf);
	c->rcv_mss = RCV_MSS_START;
	c->mss = c->cc.mss = TCP_DEFAULT_MSS_V4;
	c->flags |= tcp_offer_flags(t->offers & c->offers);
}

/* The peer's SYN: its half, and what both have offered. */
static void
open_syn(struct tcp_conn *c, const struct tcp_rx *rx)
{
	c->irs = rx->seq;
	c->rcv_nxt = c->last_ack_sent = rx->seq + 1;
	c->rcv_adv = c->rcv_nxt + RTE_MIN(c->rcv_buf, 65535u);
	options_agree(c, rx);
}

/* Our SYN goes out in the output stage, alone or with an ACK. */
static void
open_send(struct tcp_conn *c, enum mr_tcp_state state)
{
	c->why |= TCP_WHY_SYN;
	tcp_state_set(c, state);
	mr_ep_mark_dirty(&c->ep);
}

void
tcp_open_active(struct tcp_conn *c)
{
	open_init(c, NULL);
	open_send(c, MR_TCP_SYN_SENT);
}

void
tcp_open_passive(struct tcp_conn *c, struct rte_mbuf *syn, const uint32_t *iss_floor)
{
	struct tcp_rx rx;

	tcp_hdr_pull(syn, &rx);
	open_init(c, iss_floor);
	open_syn(c, &rx);
	if (tcp_ecn_accepts(c, rx.flags))
		c->ecn |= TCP_ECN_ON;
	c->flags |= TCP_F_PASSIVE;
	mr_count(c->ep.stack, MR_CNT_TCP_PASSIVE_OPENS);
	open_send(c, MR_TCP_SYN_RECEIVED);
	rte_pktmbuf_free(syn);
}

static void
syn_sent_syn(struct tcp_conn *c, struct tcp_rx *rx)
{
	struct mr_stack *s = c->ep.stack;

	open_syn(c, rx);
	tcp_ecn_answered(c, rx->flags);
	if (rx->flags & TCP_ACK) {
		if (c->retries == 0)
			tcp_rtt_sample(&c->rtt, s->now_ns - c->last_tx_ns, tcp_of(s)->min_rto_ns);
		tcp_established(c, rx);
		tcp_ack_now(c);
	} else {
		/* Both have called at once (MUST-10). */
		open_send(c, MR_TCP_SYN_RECEIVED);
	}
	/* Payload and FIN of a SYN are not taken: the peer sends them again after the handshake (T93-12). */
	rte_pktmbuf_free(rx->m);
}

void
tcp_syn_sent_input(struct tcp_conn *c, struct tcp_rx *rx)
{
	struct mr_stack *s = c->ep.stack;
	bool ack = rx->flags & TCP_ACK;

	if (ack && (seq_leq(rx->ack, c->iss) || seq_gt(rx->ack, c->snd_nxt))) {
		tcp_reset_reply(tcp_of(s), rx->m, MR_DROP_TCP_BAD_ACK);
		return;
	}
	if (rx->flags & TCP_RST) {
		if (ack) {
			mr_count(s, MR_CNT_TCP_RESETS_RX);
			rte_pktmbuf_free(rx->m);
			tcp_conn_end(c, -ECONNREFUSED);
		} else {
			mr_drop(s, rx->m, MR_DROP_TCP_SYN_SENT_IGNORED);
		}
		return;
	}
	if (!(rx->flags & TCP_SYN)) {
		mr_drop(s, rx->m, MR_DROP_TCP_SYN_SENT_IGNORED);
		return;
	}
	syn_sent_syn(c, rx);
}
