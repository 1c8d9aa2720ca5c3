/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The inside of BBR: its record, and what the model (bbr_model.c) is to the machine of states (bbr.c).
 */
#ifndef MR_PROTO_TCP_BBR_H
#define MR_PROTO_TCP_BBR_H

#include "proto/tcp/tcp_cc.h"
#include "proto/tcp/winmax.h"

#define BBR_NONE UINT32_MAX          /* a bound of inflight that is not there */
#define BBR_CWND_MAX (UINT32_MAX / 2)

enum bbr_state { BBR_STARTUP, BBR_DRAIN, BBR_DOWN, BBR_CRUISE, BBR_REFILL, BBR_UP, BBR_PROBE_RTT };

struct bbr {
	uint32_t rng;                /* first: random from the start */
	bool started;                /* an ACK has come; until then there is no time */
	/* the model */
	struct tcp_winmax bw;        /* bytes a second, over two probes */
	struct tcp_winmax extra;     /* bytes that ACKs ran ahead of the rate, over rounds */
	uint64_t min_rtt_ns, min_rtt_stamp_ns;
	uint64_t recent_rtt_ns, recent_rtt_stamp_ns; /* least since the last PROBE_RTT, which renews it */
	uint64_t bw_lo;              /* UINT64_MAX: none */
	uint32_t inflight_hi, inflight_lo;
	/* the round */
	uint32_t delivered;          /* bytes, as the last ACK told */
	uint32_t round_end;          /* ends when what is sent at this mark is delivered */
	uint32_t rounds, rounds_since_probe;
	uint64_t bw_latest;          /* most in this round */
	uint32_t inflight_latest;    /* most that a flight delivered in this round */
	uint32_t most_in_flight;
	uint32_t lost, losses;       /* bytes, ACKs that told of some */
	/* where the machine stands */
	uint64_t full_bw;            /* that growth is measured against */
	uint64_t phase_ns;           /* PROBE_BW's cycle or UP began */
	uint64_t probe_wait_ns;      /* from DOWN to the next probe at most */
	uint64_t probe_rtt_end_ns;   /* 0: the queue is not yet drained */
	uint64_t extra_begin_ns;
	uint32_t extra_acked;
	uint32_t up_acked, up_per_mss; /* bytes acknowledged for one more segment of inflight_hi */
	uint32_t saved_cwnd;         /* before PROBE_RTT or a loss */
	uint32_t cycles;             /* probes */
	uint8_t state, up_rounds, full_rounds;
	bool full;                   /* STARTUP has found the rate */
	bool grown_out;              /* no growth for FULL_BW_ROUNDS */
	bool round_start;            /* this ACK begins a round */
	bool congested;              /* too much loss, or a mark, in this round */
	bool probed;                 /* this probe may still set inflight_hi */
	bool stopping;               /* ACKs of what the last probe sent still come */
	bool probe_rtt_round;        /* one round has passed with little in flight */
	bool idle_restart;
	bool has_rtt;                /* the first guess at the rate was made */
};
_Static_assert(sizeof(struct bbr) <= TCP_CC_BLOCK_BYTES, "fits its block");

/* What an ACK does to the model: rate, rounds, congestion signals and what follows from them. @param rate its sample,
 * bytes a second; 0: none */
void tcp_bbr_model_update(struct tcp_cc *cc, struct bbr *b, const struct tcp_cc_ack *a, uint64_t rate);
/* @return true if no sample has matched the least round trip for so long that PROBE_RTT is due */
bool tcp_bbr_min_rtt_update(struct bbr *b, const struct tcp_cc_ack *a);
/* Bytes a second that the path carries for us at present. */
uint64_t tcp_bbr_bw(const struct bbr *b);
/* Bytes in flight that fill the path at `bw`, times by_256/256. */
uint32_t tcp_bbr_bdp(const struct bbr *b, uint64_t bw, uint32_t by_256);
/* The same, raised so that bursts of pacing and few segments still fill it. */
uint32_t tcp_bbr_quantised(const struct tcp_cc *cc, const struct bbr *b, uint32_t inflight);
uint32_t tcp_bbr_target_inflight(const struct tcp_cc *cc, const struct bbr *b);
uint32_t tcp_bbr_min_pipe(const struct tcp_cc *cc);
/* inflight_hi with some room left for others; BBR_NONE: no bound. */
uint32_t tcp_bbr_inflight_with_headroom(const struct tcp_cc *cc, const struct bbr *b);
/* The round that counts from now on ends when what is sent from now on is delivered. */
void tcp_bbr_round_restart(struct bbr *b);
void tcp_bbr_round_signals_reset(struct bbr *b);
void tcp_bbr_lower_bounds_reset(struct bbr *b);
/* Growth of the rate is measured from here. */
void tcp_bbr_growth_reset(struct bbr *b, uint64_t rate);

static inline bool
tcp_bbr_in_probe_bw(const struct bbr *b)
{
	return b->state >= BBR_DOWN && b->state <= BBR_UP;
}

#endif
