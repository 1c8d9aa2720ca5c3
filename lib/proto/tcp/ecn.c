/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Explicit congestion notification (RFC 3168): the negotiation in the handshake, the echo of marks to the peer, and what
 * the peer's echo does to the window. Marks are ECT(0) (RFC 8311 4.2); which packets carry them is output's: new data
 * only, never what is sent again, nor a probe, nor an ACK (6.1.4 to 6.1.6).
 *
 * One window of data is reduced for once, whatever told of congestion in it, loss or mark: c->sendq->ecn_high is the end of what
 * had been sent when it was. An ECN-setup SYN that is not answered is sent again as a plain one (6.1.1.1); a reset is
 * taken for what it says.
 */
#include "proto/tcp/tcp.h"

#include <rte_common.h>

#define ECN_SETUP (TCP_ECE | TCP_CWR)
#define CE 3

uint8_t
tcp_ecn_syn_flags(struct tcp_conn *c)
{
	/* A SYN-ACK, of a simultaneous open. */
	if (c->state == MR_TCP_SYN_RECEIVED)
		return c->ecn & TCP_ECN_ON ? TCP_ECE : 0;
	if (c->ecn_mode == MR_TCP_ECN_ASK && c->retries == 0) {
		c->ecn |= TCP_ECN_ASKED;
		return ECN_SETUP;
	}
	/* Who has sent a plain SYN may not use ECN, whatever answers. */
	c->ecn &= (uint8_t)~TCP_ECN_ASKED;
	return 0;
}

bool
tcp_ecn_accepts(const struct tcp_conn *c, uint8_t syn_flags)
{
	return c->ecn_mode != MR_TCP_ECN_OFF && (syn_flags & ECN_SETUP) == ECN_SETUP;
}

void
tcp_ecn_answered(struct tcp_conn *c, uint8_t flags)
{
	uint8_t setup = flags & TCP_ACK ? TCP_ECE : ECN_SETUP;

	if ((c->ecn & TCP_ECN_ASKED) && (flags & ECN_SETUP) == setup)
		c->ecn |= TCP_ECN_ON;
}

void
tcp_ecn_data(struct tcp_conn *c, const struct tcp_rx *rx)
{
	if (rx->flags & TCP_CWR)
		c->ecn &= (uint8_t)~TCP_ECN_ECHO;
	if (rx->len == 0 || (mr_pkt(rx->m)->tos & 3) != CE)
		return;
	mr_count(c->ep.stack, MR_CNT_TCP_ECN_MARKS);
	/* The first one is told at once. */
	if (!(c->ecn & TCP_ECN_ECHO))
		tcp_ack_now(c);
	c->ecn |= TCP_ECN_ECHO;
}

bool
tcp_ecn_is_reduced(const struct tcp_conn *c)
{
	return (c->ecn & TCP_ECN_REDUCED) && seq_lt(c->snd_una, c->sendq->ecn_high);
}

void
tcp_ecn_reduced(struct tcp_conn *c)
{
	if (!(c->ecn & TCP_ECN_ON))
		return;
	c->ecn |= TCP_ECN_REDUCED | TCP_ECN_CWR;
	c->sendq->ecn_high = c->snd_nxt;
}

/* The window of an algorithm without a model of its own: as after a loss, but there is nothing to recover. Below two
 * segments ssthresh is no help; at one segment the rate is what can still be reduced: to one segment in a timeout
 * (RFC 9438 4.6, RFC 3168 6.1.2). */
static void
window_reduce(struct tcp_conn *c)
{
	struct tcp_cc *cc = &c->cc;
	uint32_t cwnd = cc->cwnd;

	cc->ops->loss(cc, RTE_MIN(c->snd_nxt - c->snd_una, cwnd), c->ep.stack->now_ns);
	if (cwnd <= cc->mss) {
		cc->pacing_rate = RTE_MAX((uint64_t)cc->mss * 1000000000 / tcp_rto_ns(c), 1ull);
		c->ecn |= TCP_ECN_PACED;
	} else {
		cc->cwnd = cwnd > cc->ssthresh ? cc->ssthresh : RTE_MAX(cwnd / 2, cc->mss);
	}
}

/* The peer has seen a mark. @return true if that is news */
static bool
echoed(struct tcp_conn *c, uint32_t ack)
{
	bool first = !(c->ecn & TCP_ECN_REDUCED) || seq_gt(ack, c->sendq->ecn_high);

	if (!first || (c->flags & (TCP_F_RECOVERY | TCP_F_RTO_RECOVERY)))
		return false;
	mr_count(c->ep.stack, MR_CNT_TCP_ECN_REDUCTIONS);
	if (!c->cc.ops->control)
		window_reduce(c);
	tcp_ecn_reduced(c);
	return true;
}

bool
tcp_ecn_ack(struct tcp_conn *c, const struct tcp_rx *rx, struct tcp_cc_ack *a)
{
	bool echo = rx->flags & TCP_ECE;

	if (echo) {
		a->ece = echoed(c, rx->ack);
	} else if (c->ecn & TCP_ECN_PACED) {
		c->cc.pacing_rate = 0;
		c->ecn &= (uint8_t)~TCP_ECN_PACED;
	}
	if (seq_geq(rx->ack, c->sendq->ecn_high))
		c->ecn &= (uint8_t)~TCP_ECN_REDUCED;
	return echo;
}
