/* SPDX-License-Identifier: Apache-2.0 */
/*
 * NewReno's window (RFC 5681, RFC 6582): slow start, congestion avoidance by byte counting, halving at a loss. The
 * inflation of fast recovery is the ACK processing's; here are only cwnd and ssthresh.
 *
 * Slow start counts every byte acknowledged, not at most one MSS per ACK: a receiver that acknowledges once per burst
 * would otherwise be punished for it.
 */
#include "proto/tcp/tcp.h"

#include <rte_common.h>

static void
newreno_init(struct tcp_cc *cc)
{
	cc->ssthresh = UINT32_MAX;
	cc->acked = 0;
}

static void
newreno_ack(struct tcp_cc *cc, const struct tcp_cc_ack *a)
{
	uint32_t acked = a->acked;

	if (!a->cwnd_limited)
		return;
	if (cc->cwnd < cc->ssthresh) {
		uint32_t room = cc->ssthresh - cc->cwnd, step = RTE_MIN(acked, room);

		cc->cwnd += RTE_MIN(step, UINT32_MAX / 2 - RTE_MIN(cc->cwnd, UINT32_MAX / 2));
		acked -= step;
		if (acked == 0)
			return;
	}
	cc->acked += acked;
	while (cc->acked >= cc->cwnd) {
		cc->acked -= cc->cwnd;
		cc->cwnd += cc->mss;
	}
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

const struct tcp_cc_ops tcp_newreno = {
	.name = "newreno",
	.init = newreno_init,
	.ack = newreno_ack,
	.loss = newreno_loss,
	.rto = newreno_rto,
};
