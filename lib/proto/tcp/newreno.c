/* SPDX-License-Identifier: Apache-2.0 */
/*
 * NewReno's window (RFC 5681, RFC 6582): slow start, congestion avoidance by byte counting, halving at a loss. The
 * inflation of fast recovery is the ACK processing's; here are only cwnd and ssthresh.
 */
#include "proto/tcp/tcp_cc.h"

#include <rte_common.h>

#include "proto/tcp/hystart.h"

static struct tcp_hystart *
hystart(struct tcp_cc *cc)
{
	_Static_assert(sizeof(struct tcp_hystart) <= sizeof(cc->priv), "fits the congestion control state");
	return (struct tcp_hystart *)cc->priv;
}

static void
newreno_init(struct tcp_cc *cc)
{
	cc->ssthresh = UINT32_MAX;
	cc->acked = 0;
	*hystart(cc) = (struct tcp_hystart){0};
}

static void
newreno_ack(struct tcp_cc *cc, const struct tcp_cc_ack *a)
{
	uint32_t acked = a->acked;

	if (cc->cwnd < cc->ssthresh)
		acked = tcp_slow_start(cc, hystart(cc), a);
	if (a->cwnd_limited && cc->cwnd >= cc->ssthresh) {
		cc->acked += acked;
		while (cc->acked >= cc->cwnd) {
			cc->acked -= cc->cwnd;
			cc->cwnd += cc->mss;
		}
	}
	tcp_cc_pace(cc, a->srtt_ns);
}

static void
newreno_ssthresh(struct tcp_cc *cc, uint32_t flight)
{
	cc->ssthresh = RTE_MAX(flight / 2, 2 * cc->mss);
	cc->acked = 0;
}

static void
newreno_loss(struct tcp_cc *cc, uint32_t flight, uint64_t now_ns)
{
	(void)now_ns;
	newreno_ssthresh(cc, flight);
}

static void
newreno_rto(struct tcp_cc *cc, uint32_t flight, bool first, uint64_t now_ns)
{
	(void)now_ns;
	if (first)
		newreno_ssthresh(cc, flight);
	cc->acked = 0;
	cc->cwnd = cc->mss;
}

/* Back in the first slow start, which begins anew to look at the delay. */
static void
newreno_undo(struct tcp_cc *cc, uint64_t now_ns)
{
	(void)now_ns;
	*hystart(cc) = (struct tcp_hystart){0};
}

const struct tcp_cc_ops tcp_newreno = {
	.name = "newreno",
	.paces_window = true,
	.init = newreno_init,
	.ack = newreno_ack,
	.loss = newreno_loss,
	.rto = newreno_rto,
	.undo = newreno_undo,
};
