/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Proportional rate reduction (RFC 9937): how much may be sent during fast recovery, so that what is in flight comes down
 * from what it was to ssthresh evenly over the recovery, and up to it again without a burst if too much was lost.
 *
 * The answer is given as the congestion window, which output obeys: what is in flight, and what may be added to it.
 */
#include "proto/tcp/tcp.h"

#include <rte_common.h>

void
tcp_prr_enter(struct tcp_conn *c, const struct tcp_acked *a)
{
	struct tcp_repair *r = &c->sendq->repair;

	r->prr_mark = c->rate.delivered - a->bytes;
	r->prr_out = 0;
	r->recover_fs = RTE_MAX(a->prior_in_flight, 1u);
}

void
tcp_prr_ack(struct tcp_conn *c, const struct tcp_acked *a, bool safe)
{
	struct tcp_repair *r = &c->sendq->repair;
	uint32_t pipe = c->sendq->in_flight, ssthresh = c->cc.ssthresh, delivered = c->rate.delivered - r->prr_mark;
	int64_t sndcnt;

	if (c->cc.ops->control)
		return;
	if (pipe > ssthresh) {
		sndcnt = (int64_t)(((uint64_t)delivered * ssthresh + r->recover_fs - 1) / r->recover_fs) - r->prr_out;
	} else {
		sndcnt = RTE_MAX((int64_t)delivered - r->prr_out, (int64_t)a->bytes);
		if (safe)
			sndcnt += c->mss;
		sndcnt = RTE_MIN(sndcnt, (int64_t)(ssthresh - pipe));
	}
	/* The first retransmission goes out in any case. */
	if (r->prr_out == 0 && sndcnt < c->mss)
		sndcnt = c->mss;
	c->cc.cwnd = pipe + (uint32_t)RTE_MAX(sndcnt, 0);
}
