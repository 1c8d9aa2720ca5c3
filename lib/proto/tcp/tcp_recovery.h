/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Loss detection and recovery, each in a file of its own:
 *
 *   sack.c      what the peer's SACK blocks say (RFC 2018, 2883, 6675)
 *   rack.c      which segments are lost, by time (RFC 8985 6); peers without SACK: duplicate ACKs, in recovery.c
 *   tlp.c       the probe for the tail of a flight (RFC 8985 7)
 *   recovery.c  the phases: open, fast recovery, recovery of a timeout; NewReno (RFC 6582)
 *   prr.c       how much may be sent in fast recovery (RFC 9937)
 *   undo.c      a recovery that was not needed is taken back (RFC 3522, 3708, 4015, 5682)
 *
 * An ACK is worked on in this order: SACK blocks and SND.UNA move segments on the scoreboard and fill struct tcp_acked;
 * RACK learns from it and marks segments LOST; the phases follow; congestion control is told; timers are set. Output sends.
 */
#ifndef MR_PROTO_TCP_RECOVERY_H
#define MR_PROTO_TCP_RECOVERY_H

#include <stdbool.h>
#include <stdint.h>

#include "proto/seq.h"
#include "proto/tcp/tcp_cc.h"
#include "proto/tcp/tcp_sendq.h"

struct tcp_rx;

/* A transmission that was delivered, as its segment has noted it (struct tcp_seg). */
struct tcp_sent {
	uint64_t sent_ns;
	uint32_t end_seq;
	uint32_t delivered, since_delivered_ns, since_first_ns;
	bool app_limited;
};

/* What one ACK says, as far as it has been worked on. Of segments that it is the first to report. */
struct tcp_acked {
	const struct tcp_rx *rx;
	struct tcp_sent newest;   /* the one transmitted last whose ACK this surely is; sent_ns 0: none */
	uint64_t once_ns;         /* last transmission of one that was sent once; 0: none */
	uint32_t bytes;           /* payload and FIN */
	uint32_t lost;            /* payload and FIN newly taken for lost */
	uint32_t prior_in_flight; /* before this ACK, */
	uint32_t fack;            /* and the end of the highest segment that had been delivered */
	bool resent;              /* one that SND.UNA passes was sent more than once */
	bool reordered;           /* one that was sent once came after one sent later */
	bool original;            /* one of before the timeout, sent once */
	bool sacked;              /* news in SACK blocks */
	bool dsack, dsack_tlp;    /* the peer tells of a duplicate; it is the probe's */
	bool all_dsacked;         /* so all that was sent again in this recovery had arrived */
	bool spurious;            /* its timestamp shows that what was sent again had arrived the first time (RFC 3522) */
};

#define TCP_REC_REORDERED (1u << 0)   /* RACK.reordering_seen */
#define TCP_REC_DSACK_ROUND (1u << 1) /* dsack_round is valid */
#define TCP_REC_SAMPLE (1u << 2)      /* a round trip was measured since the last probe */
#define TCP_REC_TLP (1u << 3)         /* a probe is out; tcp_conn.recover is TLP.end_seq */
#define TCP_REC_TLP_RETRANS (1u << 4) /* it was a retransmission */
#define TCP_REC_UNDO (1u << 5)        /* the last reduction of the window may still be taken back */
#define TCP_REC_FRTO (1u << 6)        /* the timeout may turn out to be spurious (RFC 5682) */
#define TCP_REC_FRTO_NEW (1u << 7)    /* step 2b: new data goes out, to see what comes back */

struct tcp_rack {
	uint32_t rtt_ns;        /* RACK.rtt: of what was delivered last; UINT32_MAX: longer */
	uint32_t min_rtt_ns;    /* of the last minutes; 0: no sample */
	uint32_t dsack_round;
	uint8_t min_since;      /* when min_rtt_ns was taken, in 2^32 ns */
	uint8_t reo_mult;       /* RACK.reo_wnd_mult, less one */
	uint8_t reo_persist;
	uint8_t ack_delay_log2; /* bound of what the peer waits with the ACK of a single segment: 2^this ns */
	uint8_t ack_quick;      /* ACKs in a row that came much sooner */
	uint8_t flags;          /* TCP_REC_* */
};

#define TCP_ACK_DELAY_LOG2 26       /* 67 ms: the delayed ACKs of today; what is assumed before anything is known */
#define TCP_ACK_QUICK 64            /* so many are taken for a habit */
#define TCP_PTO_MIN_NS 500000ull    /* timers of many connections on a short path shall not keep the core busy */

/* ---- of every ACK and every flight, so in line ------------------------------------------------------------------ */

static inline struct tcp_sent
tcp_sent_of(const struct tcp_seg *s)
{
	return (struct tcp_sent){
		.sent_ns = s->sent_ns,
		.end_seq = tcp_seg_end(s),
		.delivered = s->delivered,
		.since_delivered_ns = s->since_delivered_ns,
		.since_first_ns = s->since_first_ns,
		.app_limited = s->flags & TCP_SEG_APP_LIMITED,
	};
}

static inline void
tcp_acked_newest(struct tcp_acked *a, const struct tcp_seg *s)
{
	const struct tcp_sent *n = &a->newest;

	if (s->sent_ns > n->sent_ns || (s->sent_ns == n->sent_ns && seq_gt(tcp_seg_end(s), n->end_seq)))
		a->newest = tcp_sent_of(s);
}

/* A segment sent once is delivered, or several in the order of transmission of which this is the last and the first ended
 * at first_end. */
static inline void
tcp_acked_once(struct tcp_acked *a, const struct tcp_seg *s, uint32_t first_end, uint32_t recover)
{
	if (s->sent_ns > a->once_ns)
		a->once_ns = s->sent_ns;
	a->reordered |= seq_lt(first_end, a->fack);
	a->original |= seq_leq(first_end, recover);
	tcp_acked_newest(a, s);
}

/* A round trip of the path; the least of the last five minutes is kept. */
static inline void
tcp_rack_min_rtt(struct tcp_rack *r, uint64_t rtt_ns, uint64_t now_ns)
{
	uint8_t now = (uint8_t)(now_ns >> 32);

	if (rtt_ns <= r->min_rtt_ns || r->min_rtt_ns == 0 || (uint8_t)(now - r->min_since) > 70) {
		r->min_rtt_ns = rtt_ns < UINT32_MAX ? (uint32_t)rtt_ns : UINT32_MAX;
		r->min_since = now;
	}
}

/* By how many milliseconds the timestamp of what is sent again is older than the clock. Where the network reorders, what
 * it holds up would be refused after a newer one (PAWS, RFC 7323 5.3), each segment one more loss. It is still newer than that
 * of the first transmission, which was a round trip and more ago. */
static inline uint32_t
tcp_rack_ts_back(const struct tcp_rack *r)
{
	return r->flags & TCP_REC_REORDERED ? r->min_rtt_ns / 4 * 3 / 1000000 : 0;
}

/* RFC 8985 7.2. @param alone what is in flight is so little that the peer may wait with its ACK */
static inline uint64_t
tcp_probe_timeout(const struct tcp_rack *r, uint64_t srtt_ns, bool alone)
{
	uint64_t pto = 2 * srtt_ns + (alone ? 1ull << r->ack_delay_log2 : 0);

	return pto > TCP_PTO_MIN_NS ? pto : TCP_PTO_MIN_NS;
}

/* ---- ack.c ------------------------------------------------------------------------------------------------------ */

/* A segment that was sent again is delivered. */
void tcp_acked_again(const struct tcp_conn *c, const struct tcp_seg *s, struct tcp_acked *a);

/* sack.c: read the blocks of an ACK; SND.UNA has not moved yet. */
void tcp_sack_input(struct tcp_conn *c, const struct tcp_rx *rx, struct tcp_acked *a);

/* rack.c */
/* Learn from an ACK what order the network keeps. */
void tcp_rack_update(struct tcp_conn *c, const struct tcp_acked *a);
/* Mark what is lost. @return when to look again; 0: never. *lost: bytes marked; *again: one had been sent again. */
uint64_t tcp_rack_detect(struct tcp_conn *c, uint32_t *lost, bool *again);
/* A timeout: what is lost then (6.3). */
void tcp_rack_mark_timeout(struct tcp_conn *c);
/* A recovery was not needed: what was taken for lost was only overtaken, by more than the window. */
void tcp_rack_reordered(struct tcp_conn *c);
/* A recovery is over. */
void tcp_rack_recovered(struct tcp_conn *c);

/* tlp.c */
/* Its time has come. @return false: it was put off */
bool tcp_tlp_timer(struct tcp_conn *c, uint64_t now_ns);
/* Is new data to be the probe, if there is some that may be sent? */
bool tcp_tlp_with_new(const struct tcp_conn *c);
/* The segment to send again as a probe; NULL: none. */
struct rte_mbuf *tcp_tlp_choose(const struct tcp_conn *c);
void tcp_tlp_sent(struct tcp_conn *c, bool retrans);
void tcp_tlp_ack(struct tcp_conn *c, const struct tcp_rx *rx, const struct tcp_acked *a);
/* The peer has waited so long with the ACK of a flight that was less than it must acknowledge at once: longer than it used
 * to, or much less so many times. */
void tcp_tlp_learn_delay(struct tcp_rack *r, uint64_t delay_ns);

/* recovery.c */
/* What an ACK means for the phase. @return when RACK wants to look again; 0: never. */
uint64_t tcp_recovery_ack(struct tcp_conn *c, const struct tcp_rx *rx, struct tcp_acked *a, bool una_moved);
/* A duplicate ACK of a peer without SACK. */
void tcp_recovery_dupack(struct tcp_conn *c);
/* The reordering timer has expired. */
void tcp_recovery_reorder_timer(struct tcp_conn *c);
/* The retransmission timer has expired. */
void tcp_recovery_timeout(struct tcp_conn *c);
/* Reduce the window for a loss that is repaired already. */
void tcp_recovery_reduce(struct tcp_conn *c, uint32_t flight);

/* prr.c */
void tcp_prr_enter(struct tcp_conn *c, const struct tcp_acked *a);
void tcp_prr_ack(struct tcp_conn *c, const struct tcp_acked *a, bool safe);

/* undo.c */
/* A reduction begins: remember what it takes away. */
void tcp_undo_arm(struct tcp_conn *c);
/* The recovery of the reduction is over; of what was sent again in it the peer may still tell. */
void tcp_undo_recovered(struct tcp_conn *c);
/* @return true: the last reduction, or several, were not needed and are undone. */
bool tcp_undo_ack(struct tcp_conn *c, const struct tcp_acked *a);
/* Steps 2 and 3 of F-RTO. @return true: the timeout was spurious and is undone. */
bool tcp_frto_ack(struct tcp_conn *c, const struct tcp_acked *a, bool una_moved);
/* The peer tells that from..to came twice. @return true: that was the last retransmission of what may be undone. */
bool tcp_undo_dsack(struct tcp_conn *c, uint32_t from, uint32_t to);

#endif
