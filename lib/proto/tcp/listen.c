/* SPDX-License-Identifier: Apache-2.0 */
/*
 * LISTEN (RFC 9293 3.10.7.2), with half-open records of 64 bytes that become connections with the third segment of the
 * handshake.
 *
 * A SYN costs a record and an answer; where many are half open it gets a cookie instead (syncookie.c) or, if there are to
 * be none, the oldest record. A listener whose accept queue is full takes no more.
 */
#include "proto/tcp/tcp.h"

#include <errno.h>

#include <rte_common.h>

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

static const struct tcp_conn *
record_listener_conn(struct tcp *t, const struct tcp_syn_rcvd *r)
{
	return tcp_conn(record_listener(t, r)->bound.ep);
}

static uint8_t
record_defers(struct tcp *t, const struct tcp_syn_rcvd *r)
{
	return record_listener_conn(t, r)->rare->defer_accept;
}

static uint32_t
record_ts_now(struct tcp *t, const struct tcp_syn_rcvd *r)
{
	return tcp_ts_now(t, tcp_ts_offset(t, &r->rec.flow, record_laddr(t, r)));
}

static void
syn_ack_send(struct tcp *t, const struct tcp_syn_rcvd *r, uint32_t tsval)
{
	const struct tcp_conn *l = record_listener_conn(t, r);
	struct tcp_tx tx = {
		.seq = r->iss,
		.ack = r->irs + 1,
		.flags = (uint8_t)(TCP_SYN | TCP_ACK | (r->opts_wscale & TCP_SYN_RCVD_ECN ? TCP_ECE : 0)),
		.wnd = (uint16_t)tcp_syn_window(l),
		.opts = TCP_OPT_MSS | tcp_record_opts(r),
		.mss = (uint16_t)l->rare->user_mss,
		.wscale = tcp_rcv_wscale(l),
		.ttl = l->ttl,
		.tos = l->tos,
		.tsval = tsval,
		.tsecr = r->rec.ts_recent,
	};
	uint64_t cookie;

	if (unlikely(r->rec.flow.spare & TCP_SYN_RCVD_COOKIE))
		tcp_fastopen_cookie(t, record_laddr(t, r), &r->rec.flow.raddr, &tx, &cookie);
	tcp_send_stateless(t, &r->rec.flow, &tx);
}

/* A bare segment about a half-open connection: tells the peer where we are. */
static void
syn_rcvd_ack(struct tcp *t, struct tcp_syn_rcvd *r)
{
	const struct tcp_conn *l = record_listener_conn(t, r);
	struct tcp_tx tx = {
		.seq = r->iss + 1,
		.ack = r->irs + 1,
		.flags = TCP_ACK,
		.wnd = (uint16_t)tcp_syn_window(l),
		.opts = tcp_record_opts(r) & TCP_OPT_TS,
		.tsval = record_ts_now(t, r),
		.tsecr = r->rec.ts_recent,
	};

	if (tcp_record_opts(r) & TCP_OPT_WS)
		tx.wnd >>= tcp_rcv_wscale(l);
	tcp_send_stateless(t, &r->rec.flow, &tx);
}

/* The tuple, and whose it is. */
static void
record_init(struct tcp *t, struct tcp_bind *l, struct tcp_syn_rcvd *r, const struct tcp_rx *rx)
{
	const struct mr_pkt *p = mr_pkt(rx->m);

	r->rec.flow.raddr = p->src;
	r->rec.flow.rport_be = p->sport_be;
	r->rec.flow.lport_be = p->dport_be;
	r->rec.flow.local_id = p->netep->id;
	r->rec.flow.proto = MR_TRANS_TCP;
	r->rec.flow.kind = TCP_KIND_SYN_RCVD;
	/* A child of a listener that is bound to a NIC must win over it (SS-23). */
	r->rec.flow.flags = l->bound.nic ? MR_FLOW_F_NIC : 0;
	r->rec.ts_recent = rx->tsval;
	r->listener = mr_arena_ref(&t->tp.stack->arena, l);
}

/* What a SYN says, as far as the listener cares. */
static void
record_syn(struct tcp *t, struct tcp_bind *l, struct tcp_syn_rcvd *r, const struct tcp_rx *rx)
{
	uint8_t mine = t->offers & tcp_conn(l->bound.ep)->rare->offers;

	record_init(t, l, r, rx);
	r->irs = rx->seq;
	r->mss = rx->opts & TCP_OPT_MSS ? rx->mss : 0;
	r->opts_wscale = (uint8_t)((rx->opts & mine) << 3 | rx->wscale);
	if (tcp_ecn_accepts(tcp_conn(l->bound.ep), rx->flags))
		r->opts_wscale |= TCP_SYN_RCVD_ECN;
}

static void
record_isn(struct tcp *t, struct tcp_syn_rcvd *r, const uint32_t *floor)
{
	r->iss = tcp_isn(t, &r->rec.flow, record_laddr(t, r));
	if (floor && !seq_gt(r->iss, *floor))
		r->iss = *floor;
}

static void
listen_syn_record(struct tcp *t, struct tcp_bind *l, struct tcp_rx *rx, const uint32_t *iss_floor)
{
	struct mr_stack *s = t->tp.stack;
	struct tcp_syn_rcvd *r;
	int rc;

	if (t->n_syn_rcvd >= s->opts.max_half_open)
		syn_rcvd_evict(t);
	r = mr_pool_get(&t->syn_rcvds);
	if (!r) {
		mr_drop(s, rx->m, MR_DROP_TCP_BACKLOG_FULL);
		return;
	}
	record_syn(t, l, r, rx);
	record_isn(t, r, iss_floor);
	if (unlikely(rx->opts & TCP_OPT_FO) && tcp_fastopen_limit(l) > 0)
		r->rec.flow.spare |= TCP_SYN_RCVD_COOKIE;
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
	syn_ack_send(t, r, record_ts_now(t, r));
	rte_pktmbuf_free(rx->m);
}

static void
listen_syn_cookie(struct tcp *t, struct tcp_bind *l, struct tcp_rx *rx)
{
	struct tcp_syn_rcvd r = {0};

	record_syn(t, l, &r, rx);
	tcp_cookie_make(t, l, &r);
	syn_ack_send(t, &r, tcp_cookie_tsval(&r, record_ts_now(t, &r)));
	rte_pktmbuf_free(rx->m);
}

/* The third segment of a handshake that stands in *r: a connection for it, not yet in the flow table. NULL: there is no
 * room for one, or no way to the peer. */
static struct tcp_conn *
passive_conn_new(struct tcp *t, struct tcp_bind *l, const struct tcp_syn_rcvd *r)
{
	struct mr_netep *local = mr_netep_by_id(t->tp.stack, r->rec.flow.local_id);
	struct tcp_rx syn = {.opts = tcp_record_opts(r), .wscale = r->opts_wscale & 15, .tsval = r->rec.ts_recent,
	                     .mss = r->mss};
	struct mr_route route;
	struct tcp_conn *c;

	if (mr_route_back(local, &r->rec.flow.raddr, &route) < 0)
		return NULL;
	c = tcp_conn_new(t);
	if (!c) {
		mr_route_release(&route);
		return NULL;
	}
	c->route = route;
	tcp_conn_inherit(c, tcp_conn(l->bound.ep));
	c->v6 = !mr_addr_is_v4(&r->rec.flow.raddr);
	c->ep.flow = r->rec.flow;
	c->ep.flow.kind = TCP_KIND_CONN;
	c->ep.flow.spare = 0;
	c->ecn = r->opts_wscale & TCP_SYN_RCVD_ECN ? TCP_ECN_ON : 0;
	c->flags |= TCP_F_PASSIVE | TCP_F_TS | TCP_F_WS | TCP_F_SACK;
	c->rcv_wscale = tcp_rcv_wscale(c);
	if (r->mss)
		syn.opts |= TCP_OPT_MSS;
	tcp_options_agree(c, &syn);
	c->ts_offset = tcp_ts_offset(t, &c->ep.flow, &local->addr);
	c->iss = r->iss;
	c->irs = r->irs;
	c->retries = r->retries;
	c->recover = c->iss;
	c->snd_nxt = c->iss + 1;
	c->rcv_nxt = c->last_ack_sent = c->irs + 1;
	c->rcv_adv = c->rcv_nxt + tcp_syn_window(c);
	c->rcv_mss = TCP_RCV_MSS_START;
	return c;
}

/* The round trip of a SYN-ACK, in whole milliseconds and rather too long: good for the timeout, no measure of the path. */
static void
rtt_of_record(struct tcp_conn *c, const struct tcp *t, const struct tcp_syn_rcvd *r)
{
	uint64_t sent_ns = t->start_ns + (uint64_t)r->rec.deadline_ms * 1000000 - TCP_INITIAL_RTO_NS - 1000000;

	if (r->retries > 0 || c->ep.stack->now_ns - sent_ns > TCP_INITIAL_RTO_NS + 1000000)
		return;
	tcp_rtt_sample(&c->rtt, c->ep.stack->now_ns - sent_ns, t->min_rto_ns);
	c->rack.flags |= TCP_REC_SAMPLE;
}

/* A SYN with Fast Open's option. @return false: it is to be answered as others are */
static bool
listen_syn_fast(struct tcp *t, struct tcp_bind *l, struct tcp_rx *rx, const uint32_t *iss_floor)
{
	struct tcp_syn_rcvd r = {0};
	struct tcp_conn *c;

	if (!tcp_fastopen_wanted(t, l, rx))
		return false;
	record_syn(t, l, &r, rx);
	record_isn(t, &r, iss_floor);
	c = passive_conn_new(t, l, &r);
	if (!c)
		return false;
	if (mr_flow_insert(&t->tp.stack->flows, &c->ep.flow) < 0) {
		mr_ep_abort(&c->ep);
		return false;
	}
	mr_count(t->tp.stack, MR_CNT_TCP_PASSIVE_OPENS);
	tcp_fastopen_begin(l, c, rx);
	return true;
}

static void
listen_syn(struct tcp *t, struct tcp_bind *l, struct tcp_rx *rx, const uint32_t *iss_floor)
{
	if (l->n_accept >= (uint32_t)l->backlog)
		mr_drop(t->tp.stack, rx->m, MR_DROP_TCP_BACKLOG_FULL);
	else if (!iss_floor && tcp_cookie_wanted(t, l)) /* a cookie cannot be beyond a floor */
		listen_syn_cookie(t, l, rx);
	else if (likely(!(rx->opts & TCP_OPT_FO)) || !listen_syn_fast(t, l, rx, iss_floor))
		listen_syn_record(t, l, rx, iss_floor);
}

static void
passive_open_done(struct tcp_bind *l, struct tcp_conn *c, struct tcp_rx *rx)
{
	tcp_established(c, rx);
	tcp_accept_queue_push(l, c);
	tcp_segment_accepted(c, rx);
}

/* The connection that a good cookie stands for. @return NULL: as passive_conn_new */
static struct tcp_conn *
cookie_conn_new(struct tcp *t, struct tcp_bind *l, const struct tcp_syn_rcvd *r)
{
	struct tcp_conn *c = passive_conn_new(t, l, r);

	if (!c)
		return NULL;
	if (mr_flow_insert(&t->tp.stack->flows, &c->ep.flow) < 0) {
		mr_ep_abort(&c->ep);
		return NULL;
	}
	mr_count(t->tp.stack, MR_CNT_TCP_PASSIVE_OPENS);
	mr_count(t->tp.stack, MR_CNT_TCP_SYNCOOKIES_TAKEN);
	return c;
}

/* An ACK for a listener: of a cookie, or of nothing. */
static void
listen_ack(struct tcp *t, struct tcp_bind *l, struct rte_mbuf *m)
{
	struct tcp_syn_rcvd r = {0};
	struct tcp_conn *c;
	struct tcp_rx rx;
	uint32_t *used;

	if ((mr_pkt(m)->tcp_flags & TCP_SYN) || !tcp_cookie_possible(t, l)) {
		tcp_reset_reply(t, m, MR_DROP_TCP_LISTEN_IGNORED);
		return;
	}
	tcp_hdr_pull(m, &rx);
	record_init(t, l, &r, &rx);
	if (!tcp_cookie_check(t, l, &rx, &r, &used)) {
		tcp_reset_reply(t, m, MR_DROP_TCP_BAD_COOKIE);
		return;
	}
	if (l->n_accept >= (uint32_t)l->backlog) {
		mr_drop(t->tp.stack, m, MR_DROP_TCP_BACKLOG_FULL); /* the peer will ask again */
		return;
	}
	c = cookie_conn_new(t, l, &r);
	if (!c) {
		mr_drop(t->tp.stack, m, MR_DROP_TCP_NO_CONN);
		return;
	}
	*used = r.iss;
	passive_open_done(l, c, &rx);
}

void
tcp_listen_input(struct tcp *t, struct tcp_bind *l, struct rte_mbuf *m, const uint32_t *iss_floor)
{
	const struct mr_pkt *p = mr_pkt(m);
	struct tcp_rx rx;

	if (p->tcp_flags & TCP_RST) {
		mr_drop(t->tp.stack, m, MR_DROP_TCP_LISTEN_IGNORED);
	} else if (p->tcp_flags & TCP_ACK) {
		listen_ack(t, l, m);
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
		/* The last one makes the peer say again that it is there. */
		if ((r->rec.flow.spare & TCP_SYN_RCVD_ACKED) && r->retries < record_defers(t, r))
			continue;
		mr_count(t->tp.stack, MR_CNT_TCP_RETRANSMITS);
		syn_ack_send(t, r, record_ts_now(t, r));
	}
}

/* Steps one to five for a half-open connection. @return true if the segment is the ACK that completes it. */
static bool
syn_rcvd_check(struct tcp *t, struct tcp_syn_rcvd *r, struct tcp_rx *rx)
{
	struct mr_stack *s = t->tp.stack;
	uint32_t wnd = tcp_syn_window(record_listener_conn(t, r));

	if ((rx->flags & (TCP_SYN | TCP_ACK | TCP_RST)) == TCP_SYN && rx->seq == r->irs) {
		/* The answer was lost (B-47); or the flags have kept it from coming, and the peer does without. */
		if (!tcp_ecn_accepts(record_listener_conn(t, r), rx->flags))
			r->opts_wscale &= (uint8_t)~TCP_SYN_RCVD_ECN;
		syn_ack_send(t, r, record_ts_now(t, r));
		mr_drop(s, rx->m, MR_DROP_TCP_DUPLICATE);
		return false;
	}
	if ((tcp_record_opts(r) & TCP_OPT_TS) && (rx->opts & TCP_OPT_TS) && !(rx->flags & TCP_RST) &&
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
	if (rx.len == 0 && !(rx.flags & TCP_FIN) && r->retries < record_defers(t, r)) {
		r->rec.flow.spare |= TCP_SYN_RCVD_ACKED;
		rte_pktmbuf_free(m);
		return;
	}
	if (l->n_accept >= (uint32_t)l->backlog) {
		mr_drop(t->tp.stack, m, MR_DROP_TCP_BACKLOG_FULL); /* the record stays: the peer will ask again (B-48) */
		return;
	}
	c = passive_conn_new(t, l, r);
	if (!c) {
		mr_drop(t->tp.stack, m, MR_DROP_TCP_NO_CONN);
		return;
	}
	rtt_of_record(c, t, r);
	/* It takes the record's place in the table. */
	tcp_fifo_remove(t, &t->syn_fifo[r->retries], &r->rec);
	mr_flow_replace(&t->tp.stack->flows, &r->rec.flow, &c->ep.flow);
	l->n_half--;
	t->n_syn_rcvd--;
	tcp_record_bury(t, &r->rec);
	passive_open_done(l, c, &rx);
}

void
tcp_listen_close(struct tcp *t, struct tcp_bind *l)
{
	uint32_t ref = mr_arena_ref(&t->tp.stack->arena, l);

	l->listening = false;
	tcp_fastopen_listener_gone(l);
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
