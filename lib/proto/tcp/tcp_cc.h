/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Congestion control: the contract between the ACK processing and an algorithm, and the delivery rate that it is fed.
 *
 * An algorithm sees struct tcp_cc and no connection. The ACK processing owns the phases and calls:
 *
 *   init      once, cwnd and mss are set
 *   ack       for each ACK that delivered something, outside fast recovery: slow start, avoidance
 *   loss      fast recovery begins: set ssthresh. During recovery cwnd is the ACK processing's (PRR, RFC 6937; NewReno's
 *             inflation for peers without SACK)
 *   recovered fast recovery or the recovery of a timeout is over; cwnd is ssthresh (or what slow start has made of it)
 *   rto       a timeout: set ssthresh if it is the first for this data, and cwnd to one MSS
 *   undo      the last loss or rto was spurious: cwnd and ssthresh are again what they were before it; put back the rest
 *   control   instead of ack, and during recovery too, for an algorithm with a model of its own: it alone sets cwnd then
 *   restart   something is sent while nothing is in flight; the caller has bounded cwnd after a long idle time, unless the
 *             algorithm has a model of its own
 *
 * loss and rto are never called twice for one window of data. An ECN mark is a loss too (RFC 3168), once for a window of
 * data; an algorithm with a model of its own gets it in the record of the ACK instead. Those calls that an algorithm does
 * not care for are NULL, except init, ack (or control), loss and rto. Units: bytes, nanoseconds.
 */
#ifndef MR_PROTO_TCP_CC_H
#define MR_PROTO_TCP_CC_H

#include <stdbool.h>
#include <stdint.h>

struct tcp_cc;
struct tcp_conn;
struct tcp_seg;

/* What one ACK tells (per ACK, not per segment). Counts of bytes that only grow are modulo 2^32, like sequence numbers. */
struct tcp_cc_ack {
	uint64_t now_ns;          /* arrival of the burst */
	uint64_t rtt_ns;          /* sample of this ACK; 0: none */
	uint64_t srtt_ns;         /* smoothed, with this sample; 0: none yet */
	uint64_t interval_ns;     /* in which delivered - prior_delivered bytes were delivered; 0: no rate sample */
	uint32_t acked;           /* newly delivered: acknowledged or SACKed for the first time */
	uint32_t lost;            /* newly taken for lost */
	uint32_t in_flight;       /* after this ACK, */
	uint32_t prior_in_flight; /* and before it */
	uint32_t delivered;       /* in the connection's life */
	uint32_t prior_delivered; /* the same when the newest segment delivered now was sent: passes a mark once a round trip */
	bool app_limited;         /* the sample is of a time when the application did not fill the window */
	bool cwnd_limited;        /* the window was what held us back since the last ACK */
	bool recovery;            /* in fast recovery */
	bool ece;                 /* the peer tells of a congestion mark, the first in this window of data */
};

struct tcp_cc_ops {
	const char *name;
	void (*init)(struct tcp_cc *cc);
	void (*ack)(struct tcp_cc *cc, const struct tcp_cc_ack *a);
	void (*control)(struct tcp_cc *cc, const struct tcp_cc_ack *a);
	void (*loss)(struct tcp_cc *cc, uint32_t flight, uint64_t now_ns);
	void (*recovered)(struct tcp_cc *cc, uint64_t now_ns);
	void (*rto)(struct tcp_cc *cc, uint32_t flight, bool first, uint64_t now_ns);
	void (*undo)(struct tcp_cc *cc, uint64_t now_ns);
	void (*restart)(struct tcp_cc *cc, uint64_t now_ns);
	bool paces_window;     /* pacing_rate is that of the window (tcp_cc_pace) */
	bool needs_block;      /* `priv` is too small: the algorithm's state is in `block` */
};

#define TCP_CC_BLOCK_BYTES 320

struct tcp_cc {
	const struct tcp_cc_ops *ops;
	uint64_t pacing_rate;  /* bytes per second that output may send; 0: not paced */
	uint32_t cwnd, ssthresh;
	uint32_t mss;
	uint32_t acked;        /* bytes acknowledged towards the next increase */
	union {
		uint64_t priv[4];
		void *block;   /* TCP_CC_BLOCK_BYTES, zero but for the first word, which is random (uint32_t) */
	};
};

extern const struct tcp_cc_ops tcp_newreno, tcp_cubic, tcp_bbr;

/* What CUBIC thinks, for the probe. Bytes. */
struct tcp_cubic_view {
	uint32_t w_max, w_max_before; /* plateau, and the one before it */
	uint32_t reduced_ms;          /* when the window was last reduced, modulo 2^32 */
	/* of the running epoch; 0: there is none */
	uint32_t w_est;               /* Reno-friendly window */
	uint32_t w_cubic;             /* the curve, now */
	uint32_t k_us, t_us;
};
#define TCP_CUBIC_C 0.4
#define TCP_CUBIC_BETA 0.7

/* @return false: there is no curve yet, nothing was ever lost */
bool tcp_cubic_view(const struct tcp_cc *cc, struct tcp_cubic_view *v);

#define TCP_PACE_WINDOW_SEGS 20 /* a larger window is paced: a first flight, doubled, is not worth the wait */
#define TCP_PACE_BURST_SEGS 10  /* of it at once: an initial window (RFC 9002 7.7) */

/* What a paced sender may send at once: as much as leaves in a millisecond, within 64 KiB and 2 segments, or of a window that
 * is paced 10. */
static inline uint32_t
tcp_pace_quantum(const struct tcp_cc *cc)
{
	bool burst = cc->ops->paces_window && cc->cwnd > TCP_PACE_WINDOW_SEGS * cc->mss;
	uint32_t least = (burst ? TCP_PACE_BURST_SEGS : 2) * cc->mss;
	uint64_t in_ms = cc->pacing_rate / 1000;

	if (in_ms > 65536)
		return 65536;
	return in_ms < least ? least : (uint32_t)in_ms;
}

/* And in how long it leaves. */
static inline uint64_t
tcp_pace_quantum_ns(const struct tcp_cc *cc)
{
	uint32_t quantum = tcp_pace_quantum(cc);

	return quantum == cc->pacing_rate / 1000 ? 1000000 : (uint64_t)quantum * 1000000000 / cc->pacing_rate;
}

/* ---- the algorithms there are: cc.c ---------------------------------------------------------------------------- */

/* Algorithm by number; NULL: no such one. And back: ops is of the table. */
const struct tcp_cc_ops *tcp_cc_at(int64_t i);
int tcp_cc_index(const struct tcp_cc_ops *ops);
/* The algorithm begins: initial window (one segment if SYNs were lost) and what it keeps. The MSS is known. */
void tcp_cc_start(struct tcp_conn *c, bool syns_lost);
/* It ends; its memory is returned. */
void tcp_cc_stop(struct tcp_conn *c);
/* Go on with another algorithm: cwnd and ssthresh stay as they are. */
void tcp_cc_switch(struct tcp_conn *c, const struct tcp_cc_ops *ops);
/* Something will be sent while nothing is in flight: after a long idle time the initial window again (RFC 5681 4.1). */
void tcp_cc_restart(struct tcp_conn *c);
/* After an ACK, of an algorithm without a rate of its own: pacing_rate is the window's, or 0 where pacing is not worth it. */
void tcp_cc_pace(struct tcp_cc *cc, uint64_t srtt_ns);
/* Segments have another size; a smaller one takes the window with it, which counts segments to the path (CC-07). */
void tcp_cc_mss_set(struct tcp_cc *cc, uint32_t mss);

/* ---- delivery rate: rate.c (draft-cheng-iccrg-delivery-rate-estimation) --------------------------------------- */

struct tcp_rate {
	uint32_t delivered;      /* bytes, modulo 2^32 */
	uint32_t sample_bytes;   /* the last sample: delivered */
	uint32_t sample_ns;      /* in this time; 0: there was none. (Both are halved until the time fits.) */
};

/* A segment is about to be transmitted: note where the connection stands, in the segment. */
void tcp_rate_sent(struct tcp_conn *c, struct tcp_seg *s, uint64_t now_ns);
/* The application has nothing more to send while the window has room. */
void tcp_rate_app_limited(struct tcp_conn *c);

#endif
