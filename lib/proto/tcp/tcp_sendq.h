/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The send queue and the scoreboard in it: every segment from SND.UNA on, in sequence order, and what is known of each.
 *
 * A segment that was sent is in one of three states, each with a list of its own besides the order of the sequence:
 *
 *   in flight  by time of last transmission, for loss detection by time (RFC 8985 6.2)
 *   LOST       taken for lost and not sent again since; by sequence, so the first is at hand
 *   SACKED     the peer has it. Neighbours form runs; the first of a run stands for it in a list by time of growth, so a
 *              block that the peer repeats is found at once, and passed in one step
 *
 * write.c adds segments; sendq.c cuts and frees them; board.c moves them between the states; sack.c reads the peer's blocks.
 *
 * A connection has the record of its queue only as long as something is queued, or was lost that may yet prove not to have
 * been: most connections, most of the time, have none. Then they have tcp_sendq_none, which reads as an empty queue and is
 * never written to.
 */
#ifndef MR_PROTO_TCP_SENDQ_H
#define MR_PROTO_TCP_SENDQ_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <rte_mbuf.h>

#include "stack/pkt.h"

#define TCP_SEG_SENT (1u << 0)      /* transmitted at least once */
#define TCP_SEG_LOST (1u << 1)      /* taken for lost and not sent again since */
#define TCP_SEG_RETRANS (1u << 2)   /* transmitted more than once */
#define TCP_SEG_SACKED (1u << 3)
#define TCP_SEG_FIN (1u << 4)       /* FIN follows the payload: one sequence number more */
#define TCP_SEG_PSH (1u << 5)       /* end of what the application wrote */
#define TCP_SEG_APP_LIMITED (1u << 6) /* sent when the application did not fill the window */
#define TCP_SEG_SUM (1u << 7)       /* `sum` is valid */

/* A segment to send or sent: the second line of the private area of the mbuf that holds its payload (the first is the
 * packet's own while lower layers queue it). */
struct tcp_seg {
	struct rte_mbuf *next, *prev;   /* sequence order */
	struct rte_mbuf *tnext, *tprev; /* the list of its state. SACKED, last of a run of several: tprev is the first */
	union {
		uint64_t sent_ns;           /* last transmission */
		struct rte_mbuf *run_last;  /* SACKED, first of a run */
	};
	uint32_t seq;
	uint16_t len;                   /* payload bytes */
	uint16_t sum;                   /* of the payload, folded, made when it was copied: output need not read it again */
	/* For the delivery rate, at the last transmission; the times before it, at most UINT32_MAX. */
	uint32_t delivered;             /* tcp_rate.delivered, */
	uint32_t since_delivered_ns;    /* tcp_rate.delivered_ns, */
	uint32_t since_first_ns;        /* tcp_rate.first_sent_ns */
	uint16_t data_off;              /* of the payload, from buf_addr */
	uint8_t times;                  /* transmissions */
	uint8_t flags;                  /* TCP_SEG_* */
};
_Static_assert(sizeof(struct mr_pkt) + sizeof(struct tcp_seg) <= MR_PKT_PRIV_BYTES, "fits the private area");

static inline struct tcp_seg *
tcp_seg(const struct rte_mbuf *m)
{
	return (struct tcp_seg *)(mr_pkt(m) + 1);
}

/* Sequence numbers that a segment takes. */
static inline uint32_t
tcp_seg_span(const struct tcp_seg *s)
{
	return s->len + !!(s->flags & TCP_SEG_FIN);
}

static inline uint32_t
tcp_seg_end(const struct tcp_seg *s)
{
	return s->seq + tcp_seg_span(s);
}

#define TCP_SMALL_BYTES sizeof(struct mr_pkt)

/* A segment without an mbuf: what is written into an empty queue, if it is short. It looks like one that somebody else holds
 * too, so what is sent is a copy, and nothing of the pool waits for its ACK. */
struct tcp_small {
	struct rte_mbuf m;              /* is written once, when the record is new */
	char payload[TCP_SMALL_BYTES];  /* where an mbuf has the packet's own facts */
	struct tcp_seg seg;
};

#define TCP_SACK_CREDIT 1024        /* steps that reading SACK blocks may take before anything is acknowledged */

/* The repair of losses, and what is needed to take it back (prr.c, undo.c). */
struct tcp_repair {
	uint32_t lost;                  /* bytes that the timer has marked, for congestion control to be told with the next ACK */
	uint32_t prr_mark;              /* RFC 9937: tcp_rate.delivered when the recovery began */
	uint32_t prr_out, recover_fs;
	uint32_t cwnd, ssthresh;        /* before the last reduction */
	uint32_t undo_una;              /* SND.UNA then */
	/* Before the first of reductions that came so soon one after the other that the peer had not told of all that was sent
	 * again: if that was none of it needed, neither was any of them. */
	uint32_t all_cwnd, all_ssthresh, all_una;
	uint32_t undo_end;              /* up to here the next one comes soon */
	uint16_t undo_retrans;          /* retransmissions of these recoveries that no DSACK has told of */
};

struct tcp_sendq {
	struct rte_mbuf *head, *tail;   /* all, from snd_una on */
	struct rte_mbuf *unsent;        /* first never transmitted */
	struct rte_mbuf *thead, *ttail; /* in flight, oldest transmission first */
	uint32_t bytes;                 /* payload queued, sent or not */
	uint32_t in_flight;             /* payload and FIN sent, not acknowledged, not SACKED, not LOST */
	uint32_t lost, sacked;          /* segments */
	uint32_t end_seq;               /* sequence number after the last byte (and FIN) queued */
	uint32_t sack_credit;           /* steps that reading SACK blocks may still take, paid for by acknowledged segments */
	/* the flight */
	uint64_t first_sent_ns;         /* transmission of the newest segment delivered (RACK.xmit_ts), or of the first of the
	                                 * flight: the flight's send rate counts from it */
	uint64_t delivered_ns;          /* when something was last delivered, or the flight began */
	uint64_t unacked_since_ns;      /* user timeout: oldest data unacknowledged since; 0: none */
	uint64_t pace_ns;               /* what was sent until now has left by this one, at the pacing rate */
	uint32_t pace_late_ns;          /* so much of the rate is still to be made up for in this turn, which came late */
	uint32_t app_limited;           /* rate samples are limited by the application until tcp_rate.delivered passes this; 0: no */
	uint32_t newest_end;            /* RACK.end_seq */
	uint32_t fack;                  /* RACK.fack, if beyond SND.UNA */
	uint32_t snd_sml;               /* end of the last segment that was sent smaller than full */
	uint32_t ecn_high;              /* SND.NXT when the window was reduced last */
	int16_t soft_err;               /* what ICMP said of the flight, -errno; 0: nothing */
	bool has_small;                 /* small.m is written */
	/* from here on cold: what losses need */
	struct tcp_repair repair;
	struct rte_mbuf *lost_head, *lost_tail; /* LOST, by sequence */
	struct rte_mbuf *newest_run;    /* SACKED: the run that grew last */
	struct tcp_small small;         /* if it is in the queue, it is the first */
};

/* What a flight without losses reads and writes: `repair` begins with the word that tells whether there were any. */
#define TCP_SENDQ_HOT_BYTES (offsetof(struct tcp_sendq, repair.lost) + sizeof(uint32_t))
_Static_assert(TCP_SENDQ_HOT_BYTES % RTE_CACHE_LINE_SIZE == 0, "not a line more");

extern const struct tcp_sendq tcp_sendq_none;

/* Is a segment the one without an mbuf? */
static inline bool
tcp_is_small(const struct tcp_sendq *q, const struct rte_mbuf *m)
{
	return m == &q->small.m;
}

struct tcp_conn;
struct tcp_acked;

/* sendq.c */
void tcp_sendq_init(struct tcp_conn *c);
/* All is acknowledged: give the record back, if nothing in it is of interest any more. */
void tcp_sendq_rest(struct tcp_conn *c);
/* Queue the FIN, on the last unsent segment or on one of its own. @return false: no mbuf, try again later. */
bool tcp_sendq_fin(struct tcp_conn *c);
/* Drop what `ack` covers and add it to *a. @return payload bytes freed. */
uint32_t tcp_sendq_ack(struct tcp_conn *c, uint32_t ack, struct tcp_acked *a);
/* Drop the first segment, which is all that is in flight. */
void tcp_sendq_ack_flight(struct tcp_conn *c);
/* Cut a segment that is not SACKED after `len` bytes of payload. @return false: no mbuf. */
bool tcp_sendq_split(struct tcp_conn *c, struct rte_mbuf *m, uint32_t len);
/* What was never sent was cut before the MSS was known: fill the segments up. No FIN is queued yet. */
void tcp_sendq_refill(struct tcp_conn *c);
/* Make one segment of the next `len` bytes to be sent; there are more behind them. @return it; NULL: no mbuf */
struct rte_mbuf *tcp_sendq_join(struct tcp_conn *c, uint32_t len);
void tcp_sendq_free(struct tcp_conn *c);

/* write.c */
/* Append bytes as segments of at most mss. @return bytes taken: fewer when transmit mbufs are short. */
size_t tcp_sendq_append(struct tcp_conn *c, const void *buf, size_t len);
/* Append an mbuf as a segment of its own; it fits the MSS and has headroom. Takes it over. */
void tcp_sendq_append_mbuf(struct tcp_conn *c, struct rte_mbuf *m);
/* Append the first bytes of an mbuf with an external buffer: full segments by reference, the rest copied. @return bytes taken:
 * fewer when transmit mbufs are short. */
size_t tcp_sendq_append_external(struct tcp_conn *c, struct rte_mbuf *from, size_t len);

/* board.c */
/* Bookkeeping of a transmission; moves the segment to the end of the time order. */
void tcp_sendq_sent(struct tcp_conn *c, struct rte_mbuf *m, uint64_t now_ns);
/* Take a segment in flight for lost. @param after a LOST segment that may lie shortly before it, or NULL: where to begin
 * to look for its place, when many are marked in order. */
void tcp_sendq_mark_lost(struct tcp_conn *c, struct rte_mbuf *m, struct rte_mbuf *after);
/* Everything in flight is lost. */
void tcp_sendq_mark_all_lost(struct tcp_conn *c);
/* What was taken for lost is in flight after all. */
void tcp_sendq_unmark_lost(struct tcp_conn *c);
/* The peer has a segment that is in flight or LOST. */
void tcp_sendq_mark_sacked(struct tcp_conn *c, struct rte_mbuf *m);
/* The first segment was SACKED, but the peer does not have it any more: it is lost. */
void tcp_sendq_unsack(struct tcp_conn *c, struct rte_mbuf *m);
/* The peer has dropped what it had SACKed (RFC 2018 8): all of it is lost. */
void tcp_sendq_forget_sacked(struct tcp_conn *c);
/* Take a sent segment out of the list and the sums of its state, before it leaves the queue. */
void tcp_sendq_unlist(struct tcp_conn *c, struct rte_mbuf *m);
/* A part cut off behind segment m (in flight or LOST) joins the list of its state. */
void tcp_sendq_list_after(struct tcp_conn *c, struct rte_mbuf *m, struct rte_mbuf *part);

/* First segment marked LOST, or NULL. */
static inline struct rte_mbuf *
tcp_sendq_first_lost(const struct tcp_sendq *q)
{
	return q->lost ? q->lost_head : NULL;
}

/* Last segment that was sent, or NULL. */
static inline struct rte_mbuf *
tcp_sendq_last_sent(const struct tcp_sendq *q)
{
	return q->unsent ? tcp_seg(q->unsent)->prev : q->tail;
}

#endif
