/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The retransmission timeout of RFC 6298. Pure arithmetic on samples; the backoff and the clock are the caller's.
 *
 * The floor is the stack's minimum (200 ms unless set otherwise, against the second of 2.4; see docs): it bounds the
 * variance term, as Linux does it, so that a steady path of 100 ms gets 300 ms and not 200.
 */
#include "proto/tcp/tcp.h"

void
tcp_rtt_init(struct tcp_rtt *r)
{
	r->srtt_ns = 0;
	r->rttvar_ns = 0;
	r->rto_ns = TCP_INITIAL_RTO_NS;
}

void
tcp_rtt_sample(struct tcp_rtt *r, uint64_t rtt_ns, uint64_t min_rto_ns)
{
	uint64_t diff, var;

	if (rtt_ns == 0)
		rtt_ns = 1;
	if (r->srtt_ns == 0) {
		r->srtt_ns = rtt_ns;
		r->rttvar_ns = rtt_ns / 2;
	} else {
		diff = r->srtt_ns > rtt_ns ? r->srtt_ns - rtt_ns : rtt_ns - r->srtt_ns;
		r->rttvar_ns = r->rttvar_ns - r->rttvar_ns / 4 + diff / 4;
		r->srtt_ns = r->srtt_ns - r->srtt_ns / 8 + rtt_ns / 8;
		if (r->srtt_ns == 0)
			r->srtt_ns = 1;
	}
	var = 4 * r->rttvar_ns;
	if (var < min_rto_ns)
		var = min_rto_ns;
	r->rto_ns = r->srtt_ns + var;
	if (r->rto_ns > TCP_MAX_RTO_NS)
		r->rto_ns = TCP_MAX_RTO_NS;
}
