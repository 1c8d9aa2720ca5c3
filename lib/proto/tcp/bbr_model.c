/* SPDX-License-Identifier: Apache-2.0 */
/*
 * BBR's model of the path: the rate of its bottleneck, its round trip without queue, how far ACKs run ahead, and what
 * loss and congestion marks in a round say about all that. The states that probe with it are in bbr.c.
 */
#include "proto/tcp/bbr.h"

#include <rte_common.h>

#define S_NS 1000000000ull
#define MIN_PIPE_SEGS 4
#define MIN_RTT_WINDOW_NS (10 * S_NS)
#define PROBE_RTT_INTERVAL_NS (5 * S_NS)
#define FULL_BW_ROUNDS 3   /* without growth by a quarter */
#define STARTUP_LOSSES 6   /* in a round of too much loss, that end STARTUP */
#define LOSS_SHARE 50      /* more than one part in so many is too much */
#define EXTRA_ROUNDS 5     /* half a window */

uint64_t
tcp_bbr_bw(const struct bbr *b)
{
	return RTE_MIN(tcp_winmax(&b->bw), b->bw_lo);
}

/* Bytes at a rate in a time. Units of 64 ns, and bounds of 34 GB/s and 17 s, keep the product in 64 bits. */
static uint64_t
bytes_in(uint64_t bw, uint64_t ns)
{
	return RTE_MIN(bw, 1ull << 35) * RTE_MIN(ns >> 6, 1ull << 28) / (S_NS >> 6);
}

static uint32_t
scale(uint64_t bytes, uint32_t by_256)
{
	return (uint32_t)RTE_MIN(RTE_MIN(bytes, (uint64_t)BBR_CWND_MAX) * by_256 >> 8, (uint64_t)BBR_CWND_MAX);
}

uint32_t
tcp_bbr_bdp(const struct bbr *b, uint64_t bw, uint32_t by_256)
{
	return scale(bytes_in(bw, b->min_rtt_ns), by_256);
}

uint32_t
tcp_bbr_min_pipe(const struct tcp_cc *cc)
{
	return MIN_PIPE_SEGS * cc->mss;
}

/* What may be in flight, so that bursts of pacing and few segments still fill the path. */
uint32_t
tcp_bbr_quantised(const struct tcp_cc *cc, const struct bbr *b, uint32_t inflight)
{
	inflight = RTE_MAX(inflight, 3 * tcp_pace_quantum(cc));
	return RTE_MAX(inflight, tcp_bbr_min_pipe(cc)) + (b->state == BBR_UP ? 2 * cc->mss : 0);
}

uint32_t
tcp_bbr_inflight_with_headroom(const struct tcp_cc *cc, const struct bbr *b)
{
	uint32_t headroom;

	if (b->inflight_hi == BBR_NONE)
		return BBR_NONE;
	headroom = RTE_MAX((uint32_t)((uint64_t)b->inflight_hi * 15 / 100), cc->mss);
	return RTE_MAX(b->inflight_hi - RTE_MIN(headroom, b->inflight_hi), tcp_bbr_min_pipe(cc));
}

uint32_t
tcp_bbr_target_inflight(const struct tcp_cc *cc, const struct bbr *b)
{
	return RTE_MIN(tcp_bbr_bdp(b, tcp_bbr_bw(b), 256), cc->cwnd);
}

/* Bytes acknowledged beyond what the rate explains: ACKs come in bursts, and the window must cover the gaps. */
static void
extra_update(struct tcp_cc *cc, struct bbr *b, const struct tcp_cc_ack *a)
{
	uint64_t expected = bytes_in(tcp_bbr_bw(b), a->now_ns - b->extra_begin_ns);

	if (b->extra_acked <= expected) {
		b->extra_acked = 0;
		b->extra_begin_ns = a->now_ns;
		expected = 0;
	}
	b->extra_acked = RTE_MIN(b->extra_acked + a->acked, BBR_CWND_MAX);
	b->extra.half = b->full ? EXTRA_ROUNDS : 1;
	tcp_winmax_add(&b->extra, b->rounds, RTE_MIN(b->extra_acked - expected, (uint64_t)cc->cwnd));
}

/* @return true if no sample has matched the least round trip for so long that PROBE_RTT is due */
bool
tcp_bbr_min_rtt_update(struct bbr *b, const struct tcp_cc_ack *a)
{
	bool due = a->now_ns > b->recent_rtt_stamp_ns + PROBE_RTT_INTERVAL_NS;

	if (a->rtt_ns && (a->rtt_ns <= b->recent_rtt_ns || due)) {
		b->recent_rtt_ns = a->rtt_ns;
		b->recent_rtt_stamp_ns = a->now_ns;
	}
	if (b->recent_rtt_ns <= b->min_rtt_ns || b->min_rtt_ns == 0 ||
	    a->now_ns > b->min_rtt_stamp_ns + MIN_RTT_WINDOW_NS) {
		b->min_rtt_ns = b->recent_rtt_ns == UINT64_MAX ? 0 : b->recent_rtt_ns;
		b->min_rtt_stamp_ns = b->recent_rtt_stamp_ns;
	}
	return due;
}

/* ---- rounds and their congestion signals ------------------------------------------------------------------------ */

/* The round that counts from now on ends when what is sent from now on is delivered. */
void
tcp_bbr_round_restart(struct bbr *b)
{
	b->round_end = b->delivered;
}

/* While more is sent than is known to fit, loss tells about the probe and not about others. */
static bool
is_probing(const struct bbr *b)
{
	return b->state == BBR_STARTUP || b->state == BBR_REFILL || b->state == BBR_UP;
}

void
tcp_bbr_lower_bounds_reset(struct bbr *b)
{
	b->bw_lo = UINT64_MAX;
	b->inflight_lo = BBR_NONE;
}

static void
lower_bounds_shrink(struct tcp_cc *cc, struct bbr *b)
{
	if (b->bw_lo == UINT64_MAX)
		b->bw_lo = tcp_winmax(&b->bw);
	if (b->inflight_lo == BBR_NONE)
		b->inflight_lo = cc->cwnd;
	b->bw_lo = RTE_MAX(b->bw_latest, b->bw_lo / 10 * 7);
	b->inflight_lo = RTE_MAX(b->inflight_latest, b->inflight_lo / 10 * 7);
}

void
tcp_bbr_round_signals_reset(struct bbr *b)
{
	b->bw_latest = 0;
	b->inflight_latest = b->most_in_flight = b->lost = b->losses = 0;
	b->congested = false;
}

/* The round is over and its signals are complete. */
static void
round_finish(struct tcp_cc *cc, struct bbr *b, const struct tcp_cc_ack *a)
{
	tcp_bbr_round_restart(b);
	b->rounds++;
	b->rounds_since_probe++;
	if (b->congested && !is_probing(b))
		lower_bounds_shrink(cc, b);
	if (b->state == BBR_STARTUP && b->congested && a->recovery && b->losses >= STARTUP_LOSSES) {
		b->full = true;
		b->inflight_hi = RTE_MAX(tcp_bbr_bdp(b, tcp_winmax(&b->bw), 256), b->inflight_latest);
	}
	tcp_bbr_round_signals_reset(b);
}

static void
sample_add(struct bbr *b, const struct tcp_cc_ack *a, uint64_t rate)
{
	b->bw_latest = RTE_MAX(b->bw_latest, rate);
	b->inflight_latest = RTE_MAX(b->inflight_latest, a->delivered - a->prior_delivered);
}

static void
signals_update(struct tcp_cc *cc, struct bbr *b, const struct tcp_cc_ack *a, uint64_t rate)
{
	b->delivered = a->delivered;
	b->round_start = (int32_t)(a->prior_delivered - b->round_end) >= 0;
	sample_add(b, a, rate);
	b->most_in_flight = RTE_MAX(b->most_in_flight, a->prior_in_flight);
	b->lost += a->lost;
	b->losses += a->lost > 0;
	if (a->ece || (uint64_t)b->lost * LOSS_SHARE > b->most_in_flight)
		b->congested = true;
	if (rate && (!a->app_limited || rate >= tcp_winmax(&b->bw)))
		tcp_winmax_add(&b->bw, b->cycles, rate);
	if (b->round_start) {
		round_finish(cc, b, a);
		sample_add(b, a, rate);
	}
}

/* Has the rate stopped growing? */
void
tcp_bbr_growth_reset(struct bbr *b, uint64_t rate)
{
	b->full_bw = rate;
	b->full_rounds = 0;
	b->grown_out = false;
}

static void
growth_check(struct bbr *b, const struct tcp_cc_ack *a, uint64_t rate)
{
	if (b->grown_out || a->app_limited || rate == 0)
		return;
	if (rate >= b->full_bw + b->full_bw / 4) {
		tcp_bbr_growth_reset(b, rate);
	} else if (b->round_start) {
		b->grown_out = ++b->full_rounds >= FULL_BW_ROUNDS;
		b->full |= b->grown_out;
	}
}

void
tcp_bbr_model_update(struct tcp_cc *cc, struct bbr *b, const struct tcp_cc_ack *a, uint64_t rate)
{
	signals_update(cc, b, a, rate);
	extra_update(cc, b, a);
	growth_check(b, a, rate);
}
