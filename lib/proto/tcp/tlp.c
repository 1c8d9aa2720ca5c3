/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Tail loss probes (RFC 8985 7): when the end of a flight is lost, nothing comes back that could tell. Two round trips later
 * one segment goes out, new or the last one again, and what the peer says to it starts an ordinary recovery, where otherwise
 * the retransmission timer would have to expire.
 *
 * Deviations, all for the same end: a probe may also be sent in recovery (the first segment again; RFC 9002 does so); the
 * time that the peer may hold back the ACK of a small flight is learned from what it does; and where that is longer than
 * two round trips, the last segment is sent again even if there is new data, for it is answered at once.
 */
#include "proto/tcp/tcp.h"

#include <rte_common.h>

#include "stack/nic.h"

#define DELAY_MAX_LOG2 28   /* 268 ms: those of all time */
#define DELAY_MIN_LOG2 10

static unsigned
log2_above(uint64_t ns)
{
	return ns > 1 ? 64u - (unsigned)__builtin_clzll(ns - 1) : 0;
}

bool
tcp_tlp_timer(struct tcp_conn *c, uint64_t now_ns)
{
	/* What still waits for the link, here, has not left yet: a probe would only stand behind it. */
	uint64_t left_ns = c->route.local->nic->txq_n > 0 ? now_ns : c->last_tx_ns;
	uint64_t due_ns = left_ns + tcp_probe_timeout(&c->rack, c->rtt.srtt_ns, tcp_flight_is_small(c));

	/* More was sent since the timer was set. The retransmission timer, whose time this is too, does not wait for that. */
	if (due_ns > now_ns && c->sendq->thead && due_ns < tcp_seg(c->sendq->thead)->sent_ns + tcp_rto_ns(c)) {
		c->rexmt_ns = due_ns;
		return false;
	}
	c->rack.flags &= (uint8_t)~TCP_REC_SAMPLE;
	c->why |= TCP_WHY_TLP;
	mr_ep_mark_dirty(&c->ep);
	return true;
}

bool
tcp_tlp_with_new(const struct tcp_conn *c)
{
	return !(c->flags & (TCP_F_RECOVERY | TCP_F_RTO_RECOVERY)) && 2 * c->rtt.srtt_ns >> c->rack.ack_delay_log2;
}

struct rte_mbuf *
tcp_tlp_choose(const struct tcp_conn *c)
{
	const struct tcp_sendq *q = c->sendq;
	struct rte_mbuf *m;

	if (q->lost_head)
		return q->lost_head;
	m = c->flags & (TCP_F_RECOVERY | TCP_F_RTO_RECOVERY) ? q->head : tcp_sendq_last_sent(q);
	return m && m != q->unsent && !(tcp_seg(m)->flags & TCP_SEG_SACKED) ? m : NULL;
}

void
tcp_tlp_sent(struct tcp_conn *c, bool retrans)
{
	mr_count(c->ep.stack, MR_CNT_TCP_TAIL_PROBES);
	if (c->flags & (TCP_F_RECOVERY | TCP_F_RTO_RECOVERY))
		return; /* the loss is being answered already */
	c->rack.flags &= (uint8_t)~TCP_REC_UNDO; /* the point where the last recovery began is not known any more */
	c->rack.flags |= TCP_REC_TLP | (retrans ? TCP_REC_TLP_RETRANS : 0);
	c->recover = c->snd_nxt;
}

static void
episode_end(struct tcp_conn *c)
{
	c->rack.flags &= (uint8_t)~(TCP_REC_TLP | TCP_REC_TLP_RETRANS);
}

void
tcp_tlp_ack(struct tcp_conn *c, const struct tcp_rx *rx, const struct tcp_acked *a)
{
	struct tcp_rack *r = &c->rack;

	if (!(r->flags & TCP_REC_TLP) || seq_lt(rx->ack, c->recover))
		return;
	if (!(r->flags & TCP_REC_TLP_RETRANS)) {
		episode_end(c);
	} else if (a->dsack_tlp) {
		/* Both arrived: the ACK was only late, or lost if the flight was more than the peer may hold it back for. */
		if (a->prior_in_flight < 2u * c->mss)
			r->ack_delay_log2 = (uint8_t)RTE_MIN(r->ack_delay_log2 + 2, DELAY_MAX_LOG2);
		episode_end(c);
	} else if (seq_gt(rx->ack, c->recover)) {
		/* Only the probe arrived: a loss, repaired before it was known, still is a sign of congestion (7.4.2). */
		episode_end(c);
		tcp_recovery_reduce(c, a->prior_in_flight);
	} else if (a->bytes == 0 && rx->len == 0) {
		episode_end(c); /* a duplicate: both arrived */
	}
}

void
tcp_tlp_learn_delay(struct tcp_rack *r, uint64_t delay_ns)
{
	unsigned log2 = log2_above(delay_ns);

	/* Up at once, down by half. */
	r->ack_quick = 0;
	if (log2 > r->ack_delay_log2)
		r->ack_delay_log2 = (uint8_t)RTE_MIN(log2, (unsigned)DELAY_MAX_LOG2);
	else if (log2 < r->ack_delay_log2 && r->ack_delay_log2 > DELAY_MIN_LOG2)
		r->ack_delay_log2--;
}
