/* SPDX-License-Identifier: Apache-2.0 */
/*
 * CUBIC's window (RFC 9438), in integers: bytes, and microseconds of an epoch's own clock. The first slow start is
 * HyStart++'s, any later one is plain; recovery's window is the ACK processing's.
 *
 * The clock of an epoch runs only while the window is what limits the sender (4.2), so neither an idle time nor a slow
 * application lets the curve run away.
 *
 * Memory is that of one room: the first slow start needs no curve, and the curve no slow start. Besides cwnd the curve
 * is given by w_max alone: undoing a reduction needs no more than the w_max of before.
 */
#include "proto/tcp/tcp_cc.h"

#include <rte_common.h>

#include "proto/tcp/hystart.h"

#define BETA_NUM 7                   /* beta is 0.7 */
#define BETA_DEN 10
#define C_SHIFT 16                   /* C is 0.4, in 2^-16 */
#define C_FIXED 26214
#define S_SHIFT 20                   /* seconds of the curve in 2^-20 */
#define S_MAX (1u << 29)             /* 512 s away from the plateau any window is at its bound */
#define CWND_MAX (UINT32_MAX / 2)

struct cubic {
	uint32_t last_us;           /* the clock was last set: in the line of the window, for each flight writes it */
	union {
		struct tcp_hystart hystart; /* until the first loss */
		struct {
			uint32_t w_max;     /* plateau; 0: the next epoch begins on it */
			uint32_t w_est;     /* Reno-friendly window; 0: no epoch is running */
			uint32_t cwnd_prior; /* cwnd before the last reduction */
			uint32_t k_us;      /* from the epoch's begin to the plateau */
			uint32_t t_us;      /* since the epoch's begin */
		};
	};
	uint32_t w_max_undo;        /* before the last reduction, */
	uint32_t reduced_ms;        /* which was then */
};
_Static_assert(sizeof(struct cubic) <= sizeof(((struct tcp_cc *)0)->priv), "fits the congestion control state");

static struct cubic *
cubic(struct tcp_cc *cc)
{
	return (struct cubic *)cc->priv;
}

static uint32_t
icbrt(uint64_t x)
{
	uint32_t y = 0;

	for (int s = 63; s >= 0; s -= 3) {
		uint64_t b = 3 * (uint64_t)(2 * y) * (2 * y + 1) + 1;

		y *= 2;
		if (x >> s >= b) {
			x -= b << s;
			y++;
		}
	}
	return y;
}

/* C t^3 in bytes, t in 2^-20 s. */
static uint64_t
cube_bytes(uint32_t mss, uint64_t t)
{
	unsigned __int128 cube;

	t = RTE_MIN(t, (uint64_t)S_MAX);
	cube = (unsigned __int128)(t * t >> S_SHIFT) * t >> S_SHIFT;
	return (uint64_t)(cube * ((uint64_t)mss * C_FIXED) >> (S_SHIFT + C_SHIFT));
}

/* The inverse: after how many microseconds C t^3 is `bytes`. Resolved to half a millisecond. */
static uint32_t
cube_us(uint32_t mss, uint64_t bytes)
{
	/* In 2^-33, so that the root is in 2^-11. */
	uint64_t segs = ((bytes / mss) << 33) + ((bytes % mss) << 33) / mss;

	return (uint32_t)((uint64_t)icbrt(segs * 5 / 2) * 1000000 >> 11);
}

/* W_cubic(t) */
static uint64_t
curve(const struct tcp_cc *cc, const struct cubic *c, uint64_t t_us)
{
	int64_t off = (int64_t)t_us - c->k_us;
	uint64_t bytes = cube_bytes(cc->mss, ((uint64_t)(off < 0 ? -off : off) << S_SHIFT) / 1000000);

	return off < 0 ? c->w_max - RTE_MIN(bytes, (uint64_t)c->w_max) : c->w_max + bytes;
}

/* The curve, in whole segments, within what one round trip may do (4.2). */
static uint32_t
target(const struct tcp_cc *cc, const struct cubic *c, uint64_t t_us)
{
	uint64_t w = (curve(cc, c, t_us) + cc->mss - 1) / cc->mss * cc->mss;

	return (uint32_t)RTE_MIN(RTE_MAX(w, (uint64_t)cc->cwnd), (uint64_t)cc->cwnd + cc->cwnd / 2);
}

static void
epoch_begin(struct tcp_cc *cc, struct cubic *c)
{
	if (c->w_max <= cc->cwnd)
		c->w_max = cc->cwnd; /* slow start ended without a loss, or began after a timeout (4.8, 4.10) */
	c->k_us = cube_us(cc->mss, c->w_max - cc->cwnd);
	c->w_est = cc->cwnd;
	c->t_us = 0;
	cc->acked = 0;
}

/* What Reno would have with the same reductions: one segment in 17/9 windows until it is where it was before, then in
 * one (4.3). */
static void
reno_estimate(struct tcp_cc *cc, struct cubic *c, uint32_t acked)
{
	uint64_t window = c->w_est < c->cwnd_prior ? (uint64_t)cc->cwnd * 17 / 9 : cc->cwnd;

	cc->acked += acked;
	while (cc->acked >= window) {
		cc->acked -= (uint32_t)window;
		c->w_est += cc->mss;
	}
}

static void
avoidance(struct tcp_cc *cc, const struct tcp_cc_ack *a, uint32_t acked)
{
	struct cubic *c = cubic(cc);
	uint32_t to, whole;

	if (c->w_est == 0)
		epoch_begin(cc, c);
	acked = RTE_MIN(acked, cc->cwnd);
	reno_estimate(cc, c, acked);
	to = target(cc, c, c->t_us + a->srtt_ns / 1000);
	/* A part of a segment cannot be sent: counted as window it would keep a small one from ever coming to the next whole one. */
	whole = RTE_MAX(cc->cwnd - cc->cwnd % cc->mss, cc->mss);
	if (to > whole)
		cc->cwnd = (uint32_t)RTE_MIN(cc->cwnd + (uint64_t)(to - whole) * acked / whole, (uint64_t)to);
	cc->cwnd = RTE_MIN(RTE_MAX(cc->cwnd, c->w_est), CWND_MAX);
}

static void
cubic_init(struct tcp_cc *cc)
{
	cc->ssthresh = UINT32_MAX;
	cc->acked = 0;
	*cubic(cc) = (struct cubic){0};
}

/* The epoch's clock: runs from ACK to ACK of a sender that the window limits in congestion avoidance. */
static void
clock_advance(struct cubic *c, uint64_t now_ns, bool runs)
{
	uint32_t now_us = (uint32_t)(now_ns / 1000);

	if (runs && c->w_est)
		c->t_us += RTE_MIN(now_us - c->last_us, UINT32_MAX - c->t_us);
	c->last_us = now_us;
}

static void
cubic_ack(struct tcp_cc *cc, const struct tcp_cc_ack *a)
{
	bool slow_start = cc->cwnd < cc->ssthresh;
	uint32_t acked = a->acked;

	clock_advance(cubic(cc), a->now_ns, a->cwnd_limited && !slow_start);
	if (slow_start)
		acked = tcp_slow_start(cc, &cubic(cc)->hystart, a);
	if (acked && a->cwnd_limited)
		avoidance(cc, a, acked);
	tcp_cc_pace(cc, a->srtt_ns);
}

/* A congestion event (4.6, 4.7): where the plateau will be, and how far down. A sender that did not come back to the
 * last plateau leaves room for others. */
static void
reduce(struct tcp_cc *cc, uint32_t flight, uint64_t now_ns)
{
	struct cubic *c = cubic(cc);

	if (cc->ssthresh == UINT32_MAX)
		*c = (struct cubic){.last_us = c->last_us};
	c->w_max_undo = c->w_max;
	if (cc->cwnd < c->w_max)
		c->w_max = (uint32_t)((uint64_t)cc->cwnd * (BETA_DEN + BETA_NUM) / (2 * BETA_DEN));
	else
		c->w_max = cc->cwnd;
	c->cwnd_prior = cc->cwnd;
	c->w_est = 0;
	c->reduced_ms = (uint32_t)(now_ns / 1000000);
	cc->ssthresh = (uint32_t)RTE_MAX((uint64_t)flight * BETA_NUM / BETA_DEN, 2ull * cc->mss);
}

static void
cubic_loss(struct tcp_cc *cc, uint32_t flight, uint64_t now_ns)
{
	reduce(cc, flight, now_ns);
}

/* The epoch after a timeout begins on its plateau (4.8). */
static void
cubic_rto(struct tcp_cc *cc, uint32_t flight, bool first, uint64_t now_ns)
{
	if (first)
		reduce(cc, flight, now_ns);
	cubic(cc)->w_max = 0;
	cc->cwnd = cc->mss;
}

/* The plateau of before, and on the curve around it the place where cwnd is (4.9). */
static void
cubic_undo(struct tcp_cc *cc, uint64_t now_ns)
{
	struct cubic *c = cubic(cc);

	(void)now_ns;
	if (cc->ssthresh == UINT32_MAX) {
		cubic_init(cc);
		return;
	}
	c->w_max = c->w_max_undo;
	c->w_est = 0;
	if (c->w_max && cc->cwnd > c->w_max) {
		c->t_us = cube_us(cc->mss, cc->cwnd - c->w_max);
		c->k_us = 0;
		c->w_est = cc->cwnd;
	}
}

/* Idle time is not time of the epoch. */
static void
cubic_restart(struct tcp_cc *cc, uint64_t now_ns)
{
	clock_advance(cubic(cc), now_ns, false);
}

bool
tcp_cubic_view(const struct tcp_cc *cc, struct tcp_cubic_view *v)
{
	const struct cubic *c = (const struct cubic *)cc->priv;

	if (cc->ssthresh == UINT32_MAX)
		return false;
	*v = (struct tcp_cubic_view){.w_max = c->w_max, .w_max_before = c->w_max_undo, .reduced_ms = c->reduced_ms};
	if (c->w_est) {
		v->w_est = c->w_est;
		v->w_cubic = (uint32_t)RTE_MIN(curve(cc, c, c->t_us), (uint64_t)UINT32_MAX);
		v->k_us = c->k_us;
		v->t_us = c->t_us;
	}
	return true;
}

const struct tcp_cc_ops tcp_cubic = {
	.name = "cubic",
	.paces_window = true,
	.init = cubic_init,
	.ack = cubic_ack,
	.loss = cubic_loss,
	.rto = cubic_rto,
	.undo = cubic_undo,
	.restart = cubic_restart,
};
