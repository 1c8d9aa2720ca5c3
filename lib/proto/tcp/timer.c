/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What deadlines do. A connection has a few, and one wheel node armed at or before the earliest: a deadline that moves
 * later costs one store, and a node that fires early is armed again.
 *
 *   rexmt_ns   retransmission (RFC 6298 5), the SYN's too; or the persist timer (RFC 9293 3.8.6.1), RACK's reordering
 *              timer or the tail loss probe (RFC 8985)
 *   delack_ns  delayed ACK
 *   pace_ns    the pacing rate lets output go on; with TCP_F_PACED only
 *   idle_ns    keep-alive, or the bound on a connection whose application has gone (FIN-WAIT-2, linger)
 */
#include "proto/tcp/tcp.h"

#include <errno.h>

#include <rte_common.h>

#include "stack/neigh.h"

static void conn_timer(struct mr_timer *t, uint64_t now_ns);

static uint64_t
earliest(const struct tcp_conn *c)
{
	uint64_t d = UINT64_MAX;

	if (c->rexmt_ns)
		d = c->rexmt_ns;
	if (c->delack_ns && c->delack_ns < d)
		d = c->delack_ns;
	if (c->idle_ns && c->idle_ns < d)
		d = c->idle_ns;
	if ((c->flags & TCP_F_PACED) && c->sendq->pace_ns < d)
		d = c->sendq->pace_ns;
	return d;
}

void
tcp_timer_update(struct tcp_conn *c)
{
	uint64_t d = earliest(c);

	if (d == UINT64_MAX || (mr_timer_armed(&c->timer) && c->timer.deadline_ns <= d))
		return;
	mr_timer_arm(&c->ep.stack->wheel, &c->timer, d, conn_timer);
}

void
tcp_timer_stop(struct tcp_conn *c)
{
	c->rexmt_ns = c->delack_ns = c->idle_ns = 0;
	c->flags &= ~TCP_F_PACED;
	mr_timer_cancel(&c->ep.stack->wheel, &c->timer);
}

void
tcp_timer_rest(struct tcp_conn *c)
{
	if (earliest(c) == UINT64_MAX)
		mr_timer_cancel(&c->ep.stack->wheel, &c->timer);
}

uint64_t
tcp_rto_ns(const struct tcp_conn *c)
{
	uint64_t rto = c->rtt.rto_ns << RTE_MIN(c->backoff, 16);

	return RTE_MIN(rto, TCP_MAX_RTO_NS);
}

/* RFC 8985 7.3: with SACK, one probe, and the next one after a new measurement. */
static inline bool
may_probe(const struct tcp_conn *c)
{
	return (c->flags & TCP_F_SACK) && (c->rack.flags & (TCP_REC_TLP | TCP_REC_SAMPLE)) == TCP_REC_SAMPLE && !c->backoff;
}

static inline void
probe_or_retransmit(struct tcp_conn *c, uint64_t now_ns)
{
	uint64_t pto = tcp_probe_timeout(&c->rack, c->rtt.srtt_ns, tcp_flight_is_small(c));

	c->rexmt = TCP_REXMT_TAIL;
	c->rexmt_ns = now_ns + RTE_MIN(pto, c->rtt.rto_ns);
}

/* What is in flight is to be acknowledged by then. */
static inline void
flight_deadline(struct tcp_conn *c, uint64_t now_ns)
{
	if (likely(may_probe(c))) {
		probe_or_retransmit(c, now_ns);
	} else {
		c->rexmt = TCP_REXMT_RTO;
		c->rexmt_ns = now_ns + tcp_rto_ns(c);
	}
}

void
tcp_rexmt_flight(struct tcp_conn *c)
{
	flight_deadline(c, c->ep.stack->now_ns);
	/* It is no later than the other deadlines already. */
	if (!mr_timer_armed(&c->timer) || c->timer.deadline_ns > c->rexmt_ns)
		tcp_timer_update(c);
}

/* One of the four kinds runs at a time (RFC 8985 5.4): whichever comes first. */
void
tcp_rexmt_restart_at(struct tcp_conn *c, uint64_t look_ns)
{
	const struct tcp_sendq *q = c->sendq;
	uint64_t now_ns = c->ep.stack->now_ns;

	c->rexmt = TCP_REXMT_RTO;
	if (c->snd_una != c->snd_nxt) {
		flight_deadline(c, now_ns);
		if (unlikely(look_ns) && look_ns < c->rexmt_ns) {
			c->rexmt = TCP_REXMT_REORDER;
			c->rexmt_ns = look_ns;
		}
	} else if ((q->unsent || tcp_fin_waits(c)) && c->state >= MR_TCP_ESTABLISHED && !(c->flags & TCP_F_PACED)) {
		/* Nothing is in flight and something waits: only the peer's window, or the lack of an mbuf for the FIN, can be what
		 * holds it back for long. */
		c->rexmt = TCP_REXMT_PERSIST;
		c->rexmt_ns = now_ns + tcp_rto_ns(c);
	} else {
		tcp_rexmt_stop(c);
	}
	tcp_timer_update(c);
}

void
tcp_rexmt_restart(struct tcp_conn *c)
{
	tcp_rexmt_restart_at(c, 0);
}

/* Give the connection up: the peer has not answered for too long (R2, RFC 9293 3.8.3). If something on the way has said
 * why, that is the reason. */
static void
give_up(struct tcp_conn *c)
{
	mr_count(c->ep.stack, MR_CNT_TCP_TIMEOUTS);
	tcp_conn_end(c, c->sendq->soft_err ? c->sendq->soft_err : -ETIMEDOUT);
}

/* No answer so often (R1): is the neighbour still what it was? */
static void
count_retry(struct tcp_conn *c)
{
	c->retries++;
	if (c->retries == TCP_R1_RETRIES && c->route.neigh && c->route.gen == c->ep.stack->route_gen)
		mr_neigh_doubt(c->route.neigh);
}

static bool
past_user_timeout(const struct tcp_conn *c, uint64_t now_ns)
{
	return c->rare->user_timeout_ms && c->sendq->unacked_since_ns &&
	       now_ns - c->sendq->unacked_since_ns >= (uint64_t)c->rare->user_timeout_ms * 1000000;
}

static void
persist_timer(struct tcp_conn *c, uint64_t now_ns)
{
	/* An orphan may not be held open for ever by a closed window (RFC 6429); an application's connection may. */
	if (past_user_timeout(c, now_ns) || ((c->ep.flags & MR_EP_F_CLOSED) && c->retries >= TCP_R2_RETRIES)) {
		give_up(c);
		return;
	}
	c->retries++;
	c->backoff++;
	c->why |= TCP_WHY_PROBE;
	c->rexmt_ns = now_ns + tcp_rto_ns(c);
	mr_count(c->ep.stack, MR_CNT_TCP_ZERO_WINDOW_PROBES);
	mr_ep_mark_dirty(&c->ep);
}

static void
syn_timer(struct tcp_conn *c, uint64_t now_ns)
{
	/* So long ago the first one went out. */
	uint64_t since_ms = ((2ull << c->retries) - 1) * (TCP_INITIAL_RTO_NS / 1000000);

	if (c->retries >= (c->flags & TCP_F_PASSIVE ? TCP_SYNACK_RETRIES : TCP_SYN_RETRIES) ||
	    (c->rare->user_timeout_ms && since_ms >= c->rare->user_timeout_ms)) {
		give_up(c);
		return;
	}
	count_retry(c);
	c->backoff++;
	c->why |= TCP_WHY_SYN;
	c->rexmt_ns = now_ns + tcp_rto_ns(c);
	mr_ep_mark_dirty(&c->ep);
}

static void
rexmt_timer(struct tcp_conn *c, uint64_t now_ns)
{
	if (c->state == MR_TCP_SYN_SENT || c->state == MR_TCP_SYN_RECEIVED) {
		syn_timer(c, now_ns);
		return;
	}
	switch (c->rexmt) {
	case TCP_REXMT_PERSIST:
		persist_timer(c, now_ns);
		return;
	case TCP_REXMT_REORDER:
		tcp_recovery_reorder_timer(c);
		return;
	case TCP_REXMT_TAIL:
		if (tcp_tlp_timer(c, now_ns))
			tcp_rexmt_restart(c);
		return;
	default:
		break;
	}
	if (c->retries >= TCP_R2_RETRIES || past_user_timeout(c, now_ns)) {
		give_up(c);
		return;
	}
	count_retry(c);
	mr_count(c->ep.stack, MR_CNT_TCP_RTO);
	tcp_path_timeout(c);
	tcp_recovery_timeout(c);
	c->backoff++;
	c->rexmt_ns = now_ns + tcp_rto_ns(c);
	mr_ep_mark_dirty(&c->ep);
}

static void
keepalive_timer(struct tcp_conn *c, uint64_t now_ns)
{
	const struct tcp_rare *r = c->rare;
	uint64_t idle = (uint64_t)r->keepidle_ms * 1000000, interval = (uint64_t)r->keepintvl_ms * 1000000;
	uint64_t since = now_ns - c->last_rx_ns;

	if (c->snd_una != c->snd_nxt || since < idle) {
		c->idle_ns = RTE_MAX(c->last_rx_ns + idle, now_ns + interval);
		return;
	}
	if ((since - idle) / interval >= r->keepcnt || (r->user_timeout_ms && since >= (uint64_t)r->user_timeout_ms * 1000000)) {
		mr_count(c->ep.stack, MR_CNT_TCP_TIMEOUTS);
		tcp_reset_conn(c);
		tcp_conn_end(c, -ETIMEDOUT);
		return;
	}
	c->why |= TCP_WHY_PROBE;
	c->idle_ns = now_ns + interval;
	mr_count(c->ep.stack, MR_CNT_TCP_KEEPALIVES);
	mr_ep_mark_dirty(&c->ep);
}

static void
idle_timer(struct tcp_conn *c, uint64_t now_ns)
{
	c->idle_ns = 0;
	if (c->ep.flags & MR_EP_F_CLOSED) {
		/* Nobody is left to read or to wait: FIN-WAIT-2 ends quietly, an unfinished lingering send with a reset. */
		if (c->state != MR_TCP_FIN_WAIT_2)
			tcp_reset_conn(c);
		tcp_conn_end(c, c->state == MR_TCP_FIN_WAIT_2 ? 0 : -ETIMEDOUT);
		return;
	}
	if (c->flags & TCP_F_KEEPALIVE)
		keepalive_timer(c, now_ns);
}

/* The pace lets output go on. If this turn comes late, it sends what it could have sent meanwhile: no more than a quarter of a
 * window. */
static void
pace_timer(struct tcp_conn *c, uint64_t now_ns)
{
	uint64_t late = RTE_MIN(now_ns - c->sendq->pace_ns, c->rtt.srtt_ns / 4);

	c->flags &= ~TCP_F_PACED;
	if (c->sendq->unsent) /* else a probe has sent the rest, and the record may be nobody's */
		c->sendq->pace_late_ns = (uint32_t)RTE_MIN(late, (uint64_t)UINT32_MAX);
	mr_ep_mark_dirty(&c->ep);
}

static void
conn_timer(struct mr_timer *t, uint64_t now_ns)
{
	struct tcp_conn *c = (struct tcp_conn *)((char *)t - offsetof(struct tcp_conn, timer));

	if (c->delack_ns && c->delack_ns <= now_ns) {
		c->delack_ns = 0;
		if (c->why & TCP_WHY_ACK_DELAYED) {
			mr_count(c->ep.stack, MR_CNT_TCP_DELAYED_ACKS);
			tcp_ack_now(c);
		}
	}
	if (c->rexmt_ns && c->rexmt_ns <= now_ns)
		rexmt_timer(c, now_ns);
	if ((c->flags & TCP_F_PACED) && c->sendq->pace_ns <= now_ns)
		pace_timer(c, now_ns);
	if (c->idle_ns && c->idle_ns <= now_ns)
		idle_timer(c, now_ns);
	if (c->state != MR_TCP_CLOSED)
		tcp_timer_update(c);
}
