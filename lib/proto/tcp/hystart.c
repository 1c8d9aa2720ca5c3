/* SPDX-License-Identifier: Apache-2.0 */
/*
 * HyStart++ (RFC 9406) and slow start. A round lasts until what was in flight at its beginning is delivered; counting
 * bytes comes to the same as remembering SND.NXT, and needs no sequence numbers.
 *
 * Every byte acknowledged counts, not at most one segment per ACK (RFC 5681) or eight (L of RFC 9406 4.2): a receiver
 * that acknowledges once per burst would otherwise be punished for it. What the ACKs then let out at once would grow into
 * bursts of half a window, and overflow a short queue long before the path is full, were it not paced (tcp_cc_pace).
 */
#include "proto/tcp/hystart.h"

#include <rte_common.h>

#define MIN_SAMPLES 8       /* N_RTT_SAMPLE */
#define MIN_THRESH_US 4000u
#define MAX_THRESH_US 16000u
#define RTT_DIVISOR 8
#define CSS_DIVISOR 4       /* conservative slow start grows so many times slower */
#define CSS_ROUNDS 5
#define CWND_MAX (UINT32_MAX / 2)

static void
sample_add(struct tcp_hystart *h, uint64_t rtt_ns)
{
	uint32_t us = (uint32_t)RTE_MIN(RTE_MAX(rtt_ns / 1000, 1u), (uint64_t)UINT32_MAX / 2);

	if (h->min_us == 0 || us < h->min_us)
		h->min_us = us;
	if (h->samples < UINT8_MAX)
		h->samples++;
}

/* Has the least round trip grown since the last round? */
static bool
delay_rose(const struct tcp_hystart *h)
{
	uint32_t thresh = RTE_MAX(MIN_THRESH_US, RTE_MIN(h->last_min_us / RTT_DIVISOR, MAX_THRESH_US));

	return h->last_min_us > 0 && h->min_us >= h->last_min_us + thresh;
}

bool
tcp_hystart_ack(struct tcp_hystart *h, const struct tcp_cc_ack *a, uint32_t *grow)
{
	*grow = h->css_round ? a->acked / CSS_DIVISOR : a->acked;
	if (a->rtt_ns)
		sample_add(h, a->rtt_ns);
	if (h->samples >= MIN_SAMPLES) {
		if (!h->css_round && delay_rose(h)) {
			h->base_us = h->min_us;
			h->css_round = 1;
		} else if (h->css_round && h->min_us < h->base_us) {
			h->css_round = 0; /* the delay went down again: it was not our queue */
		}
	}
	if (a->acked < h->round_left) {
		h->round_left -= a->acked;
		return false;
	}
	h->last_min_us = h->min_us;
	h->min_us = 0;
	h->samples = 0;
	h->round_left = a->in_flight;
	return h->css_round && h->css_round++ >= CSS_ROUNDS;
}

uint32_t
tcp_slow_start(struct tcp_cc *cc, struct tcp_hystart *h, const struct tcp_cc_ack *a)
{
	bool first = cc->ssthresh == UINT32_MAX, over = false;
	uint32_t grow = RTE_MIN(a->acked, cc->ssthresh - cc->cwnd), left = a->acked - grow;

	/* A window of which half was used may double (RFC 7661 4.3). One that was not the limit, and of which less was used, has
	 * nothing to tell about the path. */
	if (!a->cwnd_limited && a->prior_in_flight < cc->cwnd / 2)
		return left;
	if (first)
		over = tcp_hystart_ack(h, a, &grow);
	cc->cwnd += RTE_MIN(grow, CWND_MAX - RTE_MIN(cc->cwnd, CWND_MAX));
	if (over) {
		cc->ssthresh = cc->cwnd;
		*h = (struct tcp_hystart){0};
	}
	return left;
}
