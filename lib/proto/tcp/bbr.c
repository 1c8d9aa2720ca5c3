/* SPDX-License-Identifier: Apache-2.0 */
/*
 * BBR (draft-ietf-ccwg-bbr, version 3): a model of the path, its bottleneck's rate and its round trip without queue, is
 * what paces and bounds the sender; single losses are not. The states are those of every version: STARTUP, DRAIN, the
 * four phases of PROBE_BW, PROBE_RTT.
 *
 * Two kinds of bounds answer to loss and to congestion marks. The long-term one (inflight_hi) is what a probe found to
 * be too much; the short-term ones (bw_lo, inflight_lo) shrink while others take the path's room, and are forgotten at
 * the next probe.
 *
 * Deviations: loss counts from 2 percent of a round on in the short-term bounds too, where the draft takes any; so a
 * path that loses at random is used to the full. What was in flight when a lost segment was sent is not kept per
 * segment; what its flight delivered takes its place. One ECN mark in a window counts as too much loss (RFC 3168),
 * where the draft wants the fractions of L4S.
 */
#include "proto/tcp/bbr.h"

#include <rte_common.h>

#define MS_NS 1000000ull
#define S_NS 1000000000ull
#define PROBE_RTT_TIME_NS (200 * MS_NS)
#define RENO_ROUNDS_MAX 63           /* a probe comes no later than Reno's window would have grown as far */

/* In 1/256. */
static const struct {
	uint16_t pacing, cwnd;
} gain[] = {
	[BBR_STARTUP] = {710, 512}, /* 4 ln 2: doubles in a round trip */
	[BBR_DRAIN] = {128, 512},
	[BBR_DOWN] = {230, 512},
	[BBR_CRUISE] = {256, 512},
	[BBR_REFILL] = {256, 512},
	[BBR_UP] = {320, 576},
	[BBR_PROBE_RTT] = {256, 128},
};

_Static_assert(sizeof(struct bbr) <= TCP_CC_BLOCK_BYTES, "fits its block");

static uint32_t
chance(struct bbr *b, uint32_t below)
{
	b->rng = b->rng * 1664525 + 1013904223;
	return (uint32_t)((uint64_t)b->rng * below >> 32);
}

/* ---- PROBE_BW --------------------------------------------------------------------------------------------------- */

static void
start_down(struct bbr *b, uint64_t now_ns)
{
	tcp_bbr_round_signals_reset(b);
	b->rounds_since_probe = chance(b, 2);
	b->probe_wait_ns = 2 * S_NS + chance(b, 1000) * MS_NS;
	b->phase_ns = now_ns;
	b->stopping = true;
	b->state = BBR_DOWN;
	tcp_bbr_round_restart(b);
}

/* One more round at the known rate, so that the pipe is full when UP begins. */
static void
start_refill(struct bbr *b)
{
	tcp_bbr_lower_bounds_reset(b);
	b->up_rounds = 0;
	b->up_acked = 0;
	b->state = BBR_REFILL;
	tcp_bbr_round_restart(b);
}

/* inflight_hi grows by 1, 2, 4 ... segments in successive rounds. */
static void
slope_raise(struct tcp_cc *cc, struct bbr *b)
{
	b->up_per_mss = RTE_MAX(cc->cwnd >> b->up_rounds, 1u);
	b->up_rounds = RTE_MIN(b->up_rounds + 1, 30);
}

static void
start_up(struct tcp_cc *cc, struct bbr *b, uint64_t now_ns, uint64_t rate)
{
	b->probed = true;
	tcp_bbr_growth_reset(b, rate);
	b->phase_ns = now_ns;
	b->state = BBR_UP;
	tcp_bbr_round_restart(b);
	slope_raise(cc, b);
}

static void
probe_upward(struct tcp_cc *cc, struct bbr *b, const struct tcp_cc_ack *a)
{
	uint32_t segs;

	if (!a->cwnd_limited || cc->cwnd < b->inflight_hi)
		return;
	b->up_acked += a->acked;
	segs = b->up_acked / b->up_per_mss;
	b->up_acked -= segs * b->up_per_mss;
	b->inflight_hi = (uint32_t)RTE_MIN(b->inflight_hi + (uint64_t)segs * cc->mss, (uint64_t)BBR_CWND_MAX);
	if (b->round_start)
		slope_raise(cc, b);
}

static void
upper_bound_adapt(struct tcp_cc *cc, struct bbr *b, const struct tcp_cc_ack *a)
{
	if (b->stopping && b->round_start) {
		b->stopping = false;
		b->probed = false;
		if (tcp_bbr_in_probe_bw(b) && !a->app_limited)
			b->cycles++;
	}
	if (b->congested && b->probed) {
		b->probed = false;
		if (!a->app_limited)
			b->inflight_hi = RTE_MAX(b->inflight_latest, tcp_bbr_target_inflight(cc, b) / 10 * 7);
		if (b->state == BBR_UP)
			start_down(b, a->now_ns);
		return;
	}
	if (b->inflight_hi == BBR_NONE)
		return;
	b->inflight_hi = RTE_MAX(b->inflight_hi, b->inflight_latest);
	if (b->state == BBR_UP)
		probe_upward(cc, b, a);
}

static uint32_t
full_pipe(const struct tcp_cc *cc, const struct bbr *b)
{
	return tcp_bbr_quantised(cc, b, tcp_bbr_bdp(b, tcp_winmax(&b->bw), 256));
}

static bool
probe_is_due(const struct tcp_cc *cc, const struct bbr *b, uint64_t now_ns)
{
	uint32_t reno_rounds = tcp_bbr_target_inflight(cc, b) / cc->mss;

	return now_ns > b->phase_ns + b->probe_wait_ns ||
	       b->rounds_since_probe >= RTE_MIN(reno_rounds, (uint32_t)RENO_ROUNDS_MAX);
}

static bool
probe_is_over(const struct tcp_cc *cc, struct bbr *b, const struct tcp_cc_ack *a, uint64_t rate)
{
	if (a->cwnd_limited && cc->cwnd >= b->inflight_hi) {
		tcp_bbr_growth_reset(b, rate); /* inflight_hi held it back, and is on its way up */
		return false;
	}
	return b->grown_out;
}

static void
probe_bw_cycle(struct tcp_cc *cc, struct bbr *b, const struct tcp_cc_ack *a, uint64_t rate)
{
	switch (b->state) {
	case BBR_DOWN:
	case BBR_CRUISE:
		if (probe_is_due(cc, b, a->now_ns))
			start_refill(b);
		else if (a->in_flight <= RTE_MIN(tcp_bbr_inflight_with_headroom(cc, b), full_pipe(cc, b)))
			b->state = BBR_CRUISE;
		return;
	case BBR_REFILL:
		if (b->round_start)
			start_up(cc, b, a->now_ns, rate);
		return;
	case BBR_UP:
		if (probe_is_over(cc, b, a, rate))
			start_down(b, a->now_ns);
		return;
	default:
		return;
	}
}

/* ---- the other states ------------------------------------------------------------------------------------------- */

static void
startup_and_drain(struct tcp_cc *cc, struct bbr *b, const struct tcp_cc_ack *a)
{
	if (b->state == BBR_STARTUP && b->full)
		b->state = BBR_DRAIN;
	if (b->state == BBR_DRAIN && a->in_flight <= full_pipe(cc, b))
		start_down(b, a->now_ns);
}

static uint32_t
probe_rtt_cwnd(const struct tcp_cc *cc, const struct bbr *b)
{
	return RTE_MAX(tcp_bbr_bdp(b, tcp_bbr_bw(b), gain[BBR_PROBE_RTT].cwnd), tcp_bbr_min_pipe(cc));
}

static void
cwnd_save(const struct tcp_cc *cc, struct bbr *b)
{
	b->saved_cwnd = RTE_MAX(b->saved_cwnd, cc->cwnd);
}

static void
cwnd_restore(struct tcp_cc *cc, struct bbr *b)
{
	cc->cwnd = RTE_MAX(cc->cwnd, b->saved_cwnd);
	b->saved_cwnd = 0;
}

static void
probe_rtt_exit(struct tcp_cc *cc, struct bbr *b, uint64_t now_ns)
{
	b->recent_rtt_stamp_ns = now_ns;
	cwnd_restore(cc, b);
	tcp_bbr_lower_bounds_reset(b);
	if (b->full) {
		start_down(b, now_ns);
		b->state = BBR_CRUISE;
	} else {
		b->state = BBR_STARTUP;
	}
}

static void
probe_rtt_check(struct tcp_cc *cc, struct bbr *b, const struct tcp_cc_ack *a, bool due)
{
	if (b->state != BBR_PROBE_RTT) {
		if (!due || b->idle_restart)
			return;
		cwnd_save(cc, b);
		b->state = BBR_PROBE_RTT;
		b->probe_rtt_end_ns = 0;
		b->stopping = true;
		tcp_bbr_round_restart(b);
	}
	if (b->probe_rtt_end_ns == 0) {
		if (a->in_flight > probe_rtt_cwnd(cc, b))
			return;
		b->probe_rtt_end_ns = a->now_ns + PROBE_RTT_TIME_NS;
		b->probe_rtt_round = false;
		tcp_bbr_round_restart(b);
		return;
	}
	b->probe_rtt_round |= b->round_start;
	if (b->probe_rtt_round && a->now_ns > b->probe_rtt_end_ns)
		probe_rtt_exit(cc, b, a->now_ns);
}

/* ---- what comes out --------------------------------------------------------------------------------------------- */

static void
pacing_set(struct tcp_cc *cc, struct bbr *b, uint32_t gain_256)
{
	/* One percent less than the bottleneck, so that no queue stays. */
	uint64_t rate = (tcp_bbr_bw(b) * gain_256 >> 8) / 100 * 99;

	if (rate && (b->full || rate > cc->pacing_rate))
		cc->pacing_rate = rate;
}

/* Without a measured rate: the window in a round trip. */
static void
pacing_guess(struct tcp_cc *cc, uint64_t rtt_ns)
{
	cc->pacing_rate = RTE_MAX((uint64_t)cc->cwnd * gain[BBR_STARTUP].pacing / 256 * S_NS / rtt_ns, 1ull);
}

static void
cwnd_set(struct tcp_cc *cc, const struct bbr *b, const struct tcp_cc_ack *a)
{
	uint32_t most = tcp_bbr_bdp(b, tcp_bbr_bw(b), gain[b->state].cwnd) + (uint32_t)tcp_winmax(&b->extra);
	uint32_t cap = BBR_NONE;

	most = tcp_bbr_quantised(cc, b, most);
	if (b->full)
		cc->cwnd = RTE_MIN(cc->cwnd + a->acked, most);
	else if (cc->cwnd < most)
		cc->cwnd += a->acked;
	if (b->state == BBR_PROBE_RTT)
		cc->cwnd = RTE_MIN(cc->cwnd, probe_rtt_cwnd(cc, b));
	if (b->state == BBR_CRUISE || b->state == BBR_PROBE_RTT)
		cap = tcp_bbr_inflight_with_headroom(cc, b);
	else if (tcp_bbr_in_probe_bw(b))
		cap = b->inflight_hi;
	cc->cwnd = RTE_MAX(RTE_MIN(cc->cwnd, RTE_MIN(cap, b->inflight_lo)), tcp_bbr_min_pipe(cc));
}

static void
bbr_control(struct tcp_cc *cc, const struct tcp_cc_ack *a)
{
	struct bbr *b = cc->block;
	uint64_t rate = a->interval_ns ? (uint64_t)(a->delivered - a->prior_delivered) * S_NS / a->interval_ns : 0;
	bool probe_rtt_due;

	if (!b->started) {
		b->started = true;
		b->recent_rtt_stamp_ns = b->min_rtt_stamp_ns = b->extra_begin_ns = a->now_ns;
	}
	if (!b->has_rtt && a->srtt_ns) {
		b->has_rtt = true;
		pacing_guess(cc, a->srtt_ns);
	}
	probe_rtt_due = tcp_bbr_min_rtt_update(b, a);
	tcp_bbr_model_update(cc, b, a, rate);
	startup_and_drain(cc, b, a);
	if (b->full)
		upper_bound_adapt(cc, b, a);
	probe_bw_cycle(cc, b, a, rate);
	probe_rtt_check(cc, b, a, probe_rtt_due);
	b->idle_restart = false;
	pacing_set(cc, b, gain[b->state].pacing);
	cwnd_set(cc, b, a);
}

/* ---- events ----------------------------------------------------------------------------------------------------- */

static void
bbr_init(struct tcp_cc *cc)
{
	struct bbr *b = cc->block;

	cc->ssthresh = UINT32_MAX;
	b->bw.half = b->extra.half = 1;
	b->recent_rtt_ns = UINT64_MAX;
	b->inflight_hi = BBR_NONE;
	tcp_bbr_lower_bounds_reset(b);
	pacing_guess(cc, MS_NS);
}

static void
bbr_loss(struct tcp_cc *cc, uint32_t flight, uint64_t now_ns)
{
	(void)flight;
	(void)now_ns;
	cwnd_save(cc, cc->block);
}

static void
bbr_rto(struct tcp_cc *cc, uint32_t flight, bool first, uint64_t now_ns)
{
	(void)flight;
	(void)now_ns;
	if (first)
		cwnd_save(cc, cc->block);
	cc->cwnd = cc->mss;
}

static void
bbr_recovered(struct tcp_cc *cc, uint64_t now_ns)
{
	(void)now_ns;
	cwnd_restore(cc, cc->block);
}

static void
bbr_undo(struct tcp_cc *cc, uint64_t now_ns)
{
	struct bbr *b = cc->block;

	(void)now_ns;
	tcp_bbr_round_signals_reset(b);
	tcp_bbr_lower_bounds_reset(b);
}

/* Something is sent again after the flight had ended: at the rate of the path, into an empty queue. */
static void
bbr_restart(struct tcp_cc *cc, uint64_t now_ns)
{
	struct bbr *b = cc->block;

	b->idle_restart = true;
	b->extra_begin_ns = now_ns;
	b->extra_acked = 0;
	if (tcp_bbr_in_probe_bw(b))
		pacing_set(cc, b, 256);
	else if (b->state == BBR_PROBE_RTT && b->probe_rtt_end_ns && now_ns > b->probe_rtt_end_ns)
		probe_rtt_exit(cc, b, now_ns);
}

const struct tcp_cc_ops tcp_bbr = {
	.name = "bbr",
	.needs_block = true,
	.init = bbr_init,
	.control = bbr_control,
	.loss = bbr_loss,
	.rto = bbr_rto,
	.recovered = bbr_recovered,
	.undo = bbr_undo,
	.restart = bbr_restart,
};
