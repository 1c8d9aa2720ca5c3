/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The inside of TCP: the connection record and what its rooms share. Who reads this once knows the engine:
 *
 *   tcp.c    protocol: registration, parse, dispatch of a burst                  hdr.c    header and options (tcp_hdr.h)
 *   open.c   SYN-SENT and what is agreed   listen.c  LISTEN, SYN-RECEIVED records syncookie.c  LISTEN without records
 *   fastopen.c, fastopen_client.c  data in SYNs (tcp_open.h)
 *   fsm.c    the states; only writer of them
 *   input.c  RFC 9293 3.10.7.4, one function per numbered step                   ack.c    SND.UNA and the window move
 *   output.c data   acks.c, reset.c  segments without data (tcp_out.h)            timer.c  what deadlines do
 *   write.c  what is written, as segments   sendq.c  segments to send and sent       board.c  what is known of them
 *   rcvq.c   received in order
 *   reasm.c  received out of order, and what SACK tells of it
 *   sack.c rack.c tlp.c recovery.c prr.c undo.c: loss (tcp_recovery.h)
 *   rtt.c    RFC 6298      newreno.c  RFC 5681, 6582     isn.c  RFC 6528         timewait.c  TIME-WAIT records
 *   rate.c   the delivery rate, for congestion control (tcp_cc.h)                cc.c     its algorithms by name
 *   socket.c the endpoint operations  bind.c   those about names                 sockopt.c options
 *   rare.c   what few connections have (tcp_rare.h)                              autotune.c buffers that grow by themselves
 *   urgent.c urgent data        pmtu.c, mtu_search.c  the MTU of the way to a peer (tcp_path.h)
 *   forward.c passive opens for forwarders     probe.c, info.c  a connection as others see it, and as its application does
 *
 * Invariants: input marks, output sends. No file here reads a clock or draws from a global generator: time is
 * stack->now_ns, set by the turn, randomness is stack->rng. snd_una <= snd_nxt always; segments in the send queue are
 * contiguous from snd_una on. A frame that somebody else may still be reading (refcnt > 1) is never rewritten.
 */
#ifndef MR_PROTO_TCP_H
#define MR_PROTO_TCP_H

#include <stdint.h>

#include <rte_mbuf.h>

#include "stack/demux.h"
#include "stack/endpoint.h"
#include "stack/pkt.h"
#include "stack/port.h"
#include "stack/route.h"
#include "stack/stack.h"
#include "stack/timer.h"
#include "stack/transport.h"
#include "proto/seq.h"
#include "proto/siphash.h"
#include "proto/tcp/tcp_cc.h"
#include "proto/tcp/tcp_hdr.h"
#include "proto/tcp/tcp_rare.h"
#include "proto/tcp/tcp_rcvq.h"
#include "proto/tcp/tcp_recovery.h"
#include "proto/tcp/tcp_sendq.h"

#define TCP_DEFAULT_MSS_V4 536       /* MUST-15 */
#define TCP_DEFAULT_MSS_V6 1220
#define TCP_MIN_MSS 48               /* smaller offers are raised to it: no fragment explosion (CVE-2019-11479) */
#define TCP_MAX_WSCALE 14
#define TCP_INITIAL_RTO_NS 1000000000ull
#define TCP_MAX_RTO_NS 120000000000ull
#define TCP_R1_RETRIES 3             /* then the neighbour is doubted (RFC 9293 3.8.3) */
#define TCP_R2_RETRIES 15            /* data: about 924 s with the doubling timer (SHLD-11: at least 100 s) */
#define TCP_SYN_RETRIES 6            /* SYN: 127 s */
#define TCP_SYNACK_RETRIES 5
#define TCP_PAWS_LATE_TICKS 100      /* of the peer's clock, which most peers have at 1 ms */
#define TCP_PAWS_IDLE_NS (24ull * 86400 * 1000000000) /* RFC 7323 5.5 */
#define TCP_CHALLENGE_MS 500u        /* at most one challenge ACK per connection in this time (RFC 5961 7) */
#define TCP_OOO_MAX_SEGS 1024        /* out-of-order pieces per connection, at least */
#define TCP_DUPTHRESH 3
#define TCP_RCV_MSS_START 536        /* a full segment of the peer, until one is seen */
#define TCP_QUICK_SEGS 16            /* after a loss: as many as Linux */
#define TCP_SACK_BLOCKS 4            /* that a header has room for; with a timestamp one less */

/* The rate sample of an ACK (rate.c): so many bytes were delivered. @param s the transmission that tells; sent_ns 0: none */
void tcp_rate_delivered(struct tcp_conn *c, uint32_t bytes, const struct tcp_sent *s, struct tcp_cc_ack *out);

/* ---- round-trip time (RFC 6298) ----------------------------------------------------------------------------- */

struct tcp_rtt {
	uint64_t srtt_ns, rttvar_ns; /* srtt 0: no sample yet */
	uint64_t rto_ns;             /* without backoff */
};

void tcp_rtt_init(struct tcp_rtt *r);
void tcp_rtt_sample(struct tcp_rtt *r, uint64_t rtt_ns, uint64_t min_rto_ns);

/* ---- the connection ----------------------------------------------------------------------------------------- */

/* Reasons for a visit of output. */
#define TCP_WHY_ACK_NOW (1u << 0)
#define TCP_WHY_ACK_DELAYED (1u << 1) /* an ACK is owed; the timer is armed */
#define TCP_WHY_PROBE (1u << 2)       /* persist or keep-alive probe */
#define TCP_WHY_SYN (1u << 3)         /* send (again) the SYN or SYN-ACK of an active open */
#define TCP_WHY_RTX (1u << 4)         /* the first lost segment goes out whatever the congestion window */
#define TCP_WHY_TLP (1u << 5)         /* tail loss probe */

/* What rexmt_ns is for. */
enum tcp_rexmt {
	TCP_REXMT_RTO,     /* retransmission, the SYN's too */
	TCP_REXMT_PERSIST, /* the peer's window is closed */
	TCP_REXMT_REORDER, /* RACK looks again */
	TCP_REXMT_TAIL,    /* tail loss probe */
};

#define TCP_F_TS (1u << 0)            /* timestamps negotiated */
#define TCP_F_WS (1u << 1)
#define TCP_F_SACK (1u << 2)
#define TCP_F_NODELAY (1u << 3)
#define TCP_F_CORK (1u << 4)
#define TCP_F_QUICKACK (1u << 5)
#define TCP_F_KEEPALIVE (1u << 6)
#define TCP_F_RECOVERY (1u << 7)      /* fast recovery (RFC 6582) */
#define TCP_F_RTO_RECOVERY (1u << 8)  /* until recover is passed after a timeout */
#define TCP_F_SHUT_RD (1u << 9)
#define TCP_F_SHUT_WR (1u << 10)      /* the application has ended its stream */
#define TCP_F_FIN_QUEUED (1u << 11)   /* the FIN is in the send queue */
#define TCP_F_FIN_RCVD (1u << 12)     /* the peer's FIN was taken in order */
#define TCP_F_CWND_LIMITED (1u << 13)
#define TCP_F_WANT_OUT (1u << 14)     /* a send was refused or cut short: tell when there is room */
#define TCP_F_PASSIVE (1u << 15)      /* came from a listener (MUST-11) */
#define TCP_F_DETACHED (1u << 16)     /* no longer in the flow table */
#define TCP_F_DEAD (1u << 17)         /* on the reap list */
#define TCP_F_SNDBUF_SET (1u << 18)   /* by the application: it does not grow */
#define TCP_F_REUSEADDR (1u << 19)
#define TCP_F_V6ONLY (1u << 20)
#define TCP_F_IN_ACCEPT (1u << 21)    /* in its listener's accept queue */
#define TCP_F_LINGER (1u << 22)
#define TCP_F_REUSEPORT (1u << 23)
#define TCP_F_EVER_ESTABLISHED (1u << 24)
#define TCP_F_PACED (1u << 25)        /* output waits for tcp_sendq.pace_ns */
#define TCP_F_BIND_NO_PORT (1u << 26) /* a bind to port 0 takes the address alone */
#define TCP_F_APP_LIMITED (1u << 27)  /* the last sample of the delivery rate was limited by the application */
#define TCP_F_RCVBUF_SET (1u << 28)   /* like SNDBUF_SET */
#define TCP_F_URG_RCVD (1u << 29)     /* the application has not read all that is urgent */
#define TCP_F_URG_SENT (1u << 30)     /* the peer is told of urgent data until it has acknowledged it */
#define TCP_F_PROBE (1u << 31)        /* has a probe */

#define TCP_ECN_ASKED (1u << 0)       /* our SYN asks for ECN */
#define TCP_ECN_ON (1u << 1)          /* agreed */
#define TCP_ECN_REDUCED (1u << 2)     /* tcp_sendq.ecn_high is valid */
#define TCP_ECN_PACED (1u << 3)       /* marks at a window of one segment have set the pacing rate */
#define TCP_ECN_ECHO TCP_ECE          /* a mark has come: ECE on all ACKs until the peer tells CWR */
#define TCP_ECN_CWR TCP_CWR           /* the window was reduced: to be told with the next new data */

struct tcp_bind;

struct tcp_conn {
	struct mr_ep ep;
	/* every segment */
	uint32_t rcv_nxt, rcv_adv;    /* next expected; right edge of what was ever advertised */
	uint32_t snd_una, snd_nxt;
	uint32_t last_ack_sent;
	uint32_t ts_recent;
	struct tcp_sendq *sendq;      /* tcp_sendq_none: nothing is queued */
	/* time: a line that tells all when the timer fires */
	struct mr_timer timer;        /* armed at or before the earliest of its deadlines */
	uint64_t rexmt_ns;            /* 0: off */
	uint64_t delack_ns;
	uint64_t idle_ns;             /* keep-alive, orphaned FIN-WAIT-2, linger */
	uint32_t flags;               /* TCP_F_* */
	uint8_t state;                /* enum mr_tcp_state; written by fsm.c only */
	uint8_t why;                  /* TCP_WHY_* */
	uint8_t rexmt;                /* enum tcp_rexmt: what rexmt_ns is for */
	uint8_t backoff;              /* doublings of the timer now running */
	/* windows and times */
	uint32_t snd_wnd, snd_wl1, snd_wl2;
	uint32_t max_snd_wnd;
	struct tcp_rtt rtt;
	uint64_t last_rx_ns;          /* last segment from the peer */
	uint16_t mss;                 /* payload of a full segment, options taken off */
	uint16_t proven;              /* largest payload of a segment that has arrived: mtu_search.c */
	uint16_t pmtu;                /* path MTU, if it is known to be smaller than the route's; else 0 */
	uint16_t rcv_mss;             /* largest segment seen: what counts as full-sized for the ACK rule */
	uint8_t snd_wscale, rcv_wscale;
	uint8_t dupacks;
	uint8_t each_acked;           /* segments of this turn that each want an ACK */
	uint8_t retries;              /* of the same data, probe or SYN */
	uint8_t ecn;                  /* TCP_ECN_* */
	uint8_t too_big;              /* times that pmtu has shrunk since the last output */
	uint8_t ttl;
	/* receiving */
	struct tcp_rcvq rcvq;
	struct mr_route route;
	/* sending */
	uint64_t last_tx_ns;          /* last data sent */
	uint64_t bytes_acked, bytes_received; /* in its life: payload */
	struct tcp_rate rate;
	struct tcp_rack rack;
	uint32_t ts_offset;
	uint32_t rcv_buf;
	uint32_t rcv_most;            /* bytes of window at most: MR_OPT_TCP_WINDOW_CLAMP; once agreed, what a header has room for */
	uint32_t snd_buf;             /* bytes of payload that may be queued */
	uint32_t recover;             /* SND.NXT when the recovery began (RFC 6582, 6675), or with the tail loss probe */
	uint8_t tos;
	uint8_t ecn_mode;             /* enum mr_tcp_ecn */
	uint16_t peer_mss;            /* as the peer offered, or the default */
	struct tcp_rare *rare;        /* tcp_rare_none: nothing but the defaults */
	/* congestion; of its algorithm's state only the first word is used as long as nothing is lost, and the line ends with it */
	struct tcp_cc cc;
	/* cold */
	union {
		struct tcp_bind *bind;    /* own port and listener state, or NULL */
		struct tcp_bind *parent;  /* with TCP_F_IN_ACCEPT: its listener */
	};
	struct tcp_conn *next;        /* accept queue; reap list */
	uint32_t retransmitted;       /* segments sent again */
	uint32_t iss, irs;
	uint32_t challenge_ms;        /* of the last challenge ACK, modulo 2^32; 0: none */
	bool v6;                      /* made for IPv6 */
};
/* What a segment of an undisturbed connection reads and writes. */
#define TCP_CONN_HOT_BYTES (offsetof(struct tcp_conn, cc.priv) + sizeof(uint64_t))
_Static_assert(TCP_CONN_HOT_BYTES % RTE_CACHE_LINE_SIZE == 0, "not a line more");
_Static_assert(offsetof(struct tcp_conn, timer) % 64 == 0 && offsetof(struct tcp_conn, flags) / 64 == offsetof(struct tcp_conn, timer) / 64,
               "a line of its own");
_Static_assert(sizeof(struct tcp_conn) <= 576, "budget of a connection");

/* A bound or listening endpoint's registration. */
struct tcp_bind {
	struct mr_bound bound;
	struct mr_port_req req;       /* as reserved with the port manager */
	bool listening;
	int backlog;
	uint32_t n_accept, n_half;    /* waiting for accept; SYN-RECEIVED records */
	uint32_t cookie_slot;         /* when the last cookie was sent; valid with has_cookies */
	bool has_cookies;
	uint32_t fo_pending;          /* connections of Fast Open in SYN-RECEIVED, */
	uint32_t fo_spent;            /* and those that ended in it not long before */
	uint64_t fo_spent_ns;         /* the last of those */
	LIST_HEAD(, tcp_rare) fo_conns;
	struct tcp_conn *accept_head, *accept_tail;
};

/* ---- small records ------------------------------------------------------------------------------------------ */

#define TCP_KIND_CONN MR_FLOW_EP
#define TCP_KIND_SYN_RCVD 1
#define TCP_KIND_TIME_WAIT 2
#define TCP_KIND_DEAD 3               /* gone in this turn: look the tuple up again */

/* What the small records share: the flow they stand for and their place in a FIFO of equal timeouts. */
struct tcp_record {
	struct mr_flow flow;
	uint32_t next, prev;          /* arena references */
	uint32_t deadline_ms;         /* since the protocol's start */
	uint32_t ts_recent;
};

#define TCP_SYN_RCVD_ACKED 1          /* flow.spare: the handshake is complete, and data is waited for */
#define TCP_SYN_RCVD_COOKIE 2         /* the answer brings a cookie of Fast Open */

/* A half-open passive connection (SYN-RECEIVED). */
struct tcp_syn_rcvd {
	struct tcp_record rec;
	uint32_t iss, irs;
	uint32_t listener;            /* arena reference of the struct tcp_bind */
	uint16_t mss;                 /* offered by the peer; 0: not */
	uint8_t retries;              /* SYN-ACKs sent again: also which FIFO */
	uint8_t opts_wscale;          /* low nibble: the peer's shift; high: TCP_OPT_WS | SACK_PERM | TS, shifted by 3, and */
#define TCP_SYN_RCVD_ECN 0x80u    /* ECN is agreed */
};
_Static_assert(sizeof(struct tcp_syn_rcvd) == 64, "one cache line");

/* The stored options in the place they have in a header. */
static inline uint8_t
tcp_record_opts(const struct tcp_syn_rcvd *r)
{
	return (r->opts_wscale >> 3) & (TCP_OPT_WS | TCP_OPT_SACK_PERM | TCP_OPT_TS);
}

struct tcp_time_wait {
	struct tcp_record rec;
	uint32_t snd_nxt, rcv_nxt;
	uint16_t wnd;                 /* as last advertised, scaled */
	uint8_t has_ts;
};
_Static_assert(sizeof(struct tcp_time_wait) <= 64, "one cache line");

/* FIFO of records with equal timeouts, so the head is always the next due. */
struct tcp_fifo {
	uint32_t head, tail;
	struct mr_timer timer;
	struct tcp *tcp;
};

/* ---- the protocol of one stack ------------------------------------------------------------------------------ */

/* What an endpoint's buffer may be, and what it is when nobody says. */
struct tcp_buf_range {
	uint32_t min, def, max;
};

/* What all connections of two hosts have in common: isn.c. */
struct tcp_pair {
	struct mr_addr laddr, raddr;
	uint64_t isn[4];              /* the hash of initial sequence numbers, as far as the addresses go */
	uint32_t ts_offset;
};

#define TCP_PAIRS_BITS 6

struct tcp {
	struct mr_transproto tp;
	struct mr_pool conns, binds, syn_rcvds, time_waits, cc_blocks, sendqs, rares;
	struct siphash_key isn_key, ts_key, cookie_key;
	struct tcp_pair pairs[1 << TCP_PAIRS_BITS]; /* lately asked for */
	uint32_t *cookies_used;       /* sequence numbers of cookies that have become connections; see syncookie.c */
	uint32_t cookies_used_mask;
	struct tcp_path *paths;       /* TCP_PATHS of them */
	bool paths_known;             /* there ever was one */
	struct siphash_key fo_secret; /* of Fast Open's cookies */
	struct tcp_fo_peer *fo_peers; /* who has given us one: fastopen_client.c */
	struct tcp_fifo syn_fifo[TCP_SYNACK_RETRIES + 1];
	struct tcp_fifo tw_fifo;
	uint32_t n_time_wait, n_syn_rcvd;
	struct tcp_conn *reap;
	struct tcp_probe *probe;      /* of new connections, or NULL */
	uint32_t dead_records;        /* list by tcp_record.next, returned by reap */
	uint64_t start_ns;
	/* protocol-wide options */
	uint64_t time_wait_ns, fin_wait2_ns, min_rto_ns, delack_ns, mtu_probe_ns;
	struct tcp_buf_range snd_range, rcv_range;
	const struct tcp_cc_ops *cc;
	uint32_t init_cwnd;
	uint32_t user_mss;            /* of new endpoints; 0: none */
	uint32_t syn_backlog;         /* half-open records of a listener from which on SYNs get cookies */
	uint8_t syncookies;           /* enum mr_tcp_syncookies */
	uint8_t ecn_mode;
	uint8_t offers;               /* TCP_OPT_* that SYNs may carry */
	uint8_t mtu_probing;          /* enum mr_tcp_mtu_probing */
	uint32_t base_mss;
};

static inline struct tcp *
tcp_of(struct mr_stack *s)
{
	return (struct tcp *)s->transprotos[MR_TRANS_TCP];
}

static inline struct tcp_conn *
tcp_conn(struct mr_ep *ep)
{
	return (struct tcp_conn *)ep;
}

/* Both ends know of it, and it is not over. */
static inline bool
tcp_is_open(const struct tcp_conn *c)
{
	return c->state >= MR_TCP_SYN_RECEIVED && !(c->flags & TCP_F_DETACHED);
}

/* Payload that was never sent. A FIN behind it is none. */
static inline uint32_t
tcp_unsent_bytes(const struct tcp_conn *c)
{
	return c->sendq->unsent ? c->sendq->end_seq - c->snd_nxt - !!(c->flags & TCP_F_FIN_QUEUED) : 0;
}

/* The application has sent its last, and the FIN is not in the queue yet: there was no mbuf. */
static inline bool
tcp_fin_waits(const struct tcp_conn *c)
{
	return (c->flags & (TCP_F_SHUT_WR | TCP_F_FIN_QUEUED)) == TCP_F_SHUT_WR;
}

/* tcp.c: a new CLOSED connection record with the stack's defaults; NULL when all are out. */
struct tcp_conn *tcp_conn_new(struct tcp *t);
/* Settings that an accepted connection has from its listener. */
void tcp_conn_inherit(struct tcp_conn *c, const struct tcp_conn *l);
/* To be called when the connection has ended and when its handle is closed: leaves the table at the first, is freed (by
 * reap) after both. */
void tcp_conn_release(struct tcp_conn *c);
/* Whom a packet is for, looked up anew because the burst's answer is out of date. */
struct mr_flow *tcp_flow_again(struct tcp *t, const struct rte_mbuf *m);
/* The listener for a packet, or NULL. */
struct tcp_bind *tcp_listener_for(struct tcp *t, const struct rte_mbuf *m);

/* fsm.c */
void tcp_state_set(struct tcp_conn *c, enum mr_tcp_state to);
/* The connection ends with an error (0: an ordinary end): state CLOSED, queues emptied, one final event. */
void tcp_conn_end(struct tcp_conn *c, int err);
/* Readable: data or FIN may still arrive / may be sent. */
static inline bool
tcp_state_can_receive(const struct tcp_conn *c)
{
	/* In SYN-RECEIVED only data of the SYN comes so far. */
	return c->state >= MR_TCP_SYN_RECEIVED && c->state <= MR_TCP_FIN_WAIT_2;
}

static inline bool
tcp_state_can_send(const struct tcp_conn *c)
{
	return c->state == MR_TCP_ESTABLISHED || c->state == MR_TCP_CLOSE_WAIT;
}

/* input.c */
void tcp_conn_input(struct tcp_conn *c, struct rte_mbuf *m);
/* The rest of the steps for the segment that completed a passive handshake. */
void tcp_segment_accepted(struct tcp_conn *c, struct tcp_rx *rx);
/* The payload of a SYN that is taken. Consumes it. */
void tcp_syn_data(struct tcp_conn *c, struct tcp_rx *rx);
/* Ask for an ACK: at once or delayed. */
void tcp_ack_now(struct tcp_conn *c);
void tcp_challenge_ack(struct tcp_conn *c);
/* The peer repairs a loss: acknowledge the next segments at once, unless the application wants it otherwise. */
static inline void
tcp_quick_acks(struct tcp_conn *c)
{
	if (!c->rare->delays_acks)
		c->rcvq.quick_segs = TCP_QUICK_SEGS;
}

/* ack.c: step five for synchronised states. @return false: the segment was unacceptable and is consumed. */
bool tcp_ack_process(struct tcp_conn *c, struct tcp_rx *rx);
/* A round trip of the connection, for the timeout and for loss detection. */
void tcp_rtt_measured(struct tcp_conn *c, uint64_t rtt_ns);
/* Our FIN was sent and is acknowledged. */
bool tcp_fin_acked(const struct tcp_conn *c);

/* ecn.c: flags of a SYN, or of the SYN-ACK of a simultaneous open, that goes out now. */
uint8_t tcp_ecn_syn_flags(struct tcp_conn *c);
/* Is this SYN an ECN-setup SYN, to be answered by ECE? @param c the listener, or who opens passively without one */
bool tcp_ecn_accepts(const struct tcp_conn *c, uint8_t syn_flags);
/* The peer's SYN or SYN-ACK has come to a SYN of ours. */
void tcp_ecn_answered(struct tcp_conn *c, uint8_t flags);
/* An acceptable segment of a connection with ECN: its mark and CWR. */
void tcp_ecn_data(struct tcp_conn *c, const struct tcp_rx *rx);
/* An ACK of such a connection that is about to move SND.UNA. The first echo of a mark in a window of data reduces the
 * window, or is put into *a for an algorithm that has a model of its own. @return it carries an echo, no window grows by it */
bool tcp_ecn_ack(struct tcp_conn *c, const struct tcp_rx *rx, struct tcp_cc_ack *a);
/* The window is reduced, for whatever reason: tell the peer, and no mark in what has been sent until now counts. */
void tcp_ecn_reduced(struct tcp_conn *c);
/* The window was reduced already for what is at SND.UNA. */
bool tcp_ecn_is_reduced(const struct tcp_conn *c);

/* output.c */
void tcp_output(struct mr_transproto *tp, struct mr_ep *ep);
void tcp_output_ahead(const struct mr_ep *ep);

/* urgent.c: a segment with URG has come, which is acceptable. */
void tcp_urgent_input(struct tcp_conn *c, const struct tcp_rx *rx);
/* The application, which has urgent data before it, has read. */
void tcp_urgent_read(struct tcp_conn *c);
/* Bytes to the end of what is urgent; 0: there is none. */
uint32_t tcp_urgent_left(const struct tcp_conn *c);
/* The pointer of a segment that is before the mark, as in the header; 0: it is not. */
rte_be16_t tcp_urgent_pointer(struct tcp_conn *c, uint32_t seq, uint8_t flags);

/* reset.c */
/* A reset for a received segment that belongs to nobody (3.10.7.1), unless it is one. Consumes m, counted as `reason`. */
void tcp_reset_reply(struct tcp *t, struct rte_mbuf *m, enum mr_counter reason);
/* A reset for a connection. */
void tcp_reset_conn(struct tcp_conn *c);
/* A segment without payload for a tuple, outside any connection; ports are filled in from the flow. */
void tcp_send_stateless(struct tcp *t, const struct mr_flow *flow, struct tcp_tx *tx);

/* timer.c */
void tcp_timer_update(struct tcp_conn *c);
void tcp_timer_stop(struct tcp_conn *c);
/* Nothing is expected of the connection for a while: what need not fire leaves the wheel. (A timer that fires early costs
 * nothing that matters as long as the connection is in the cache, and with many connections it is not.) */
void tcp_timer_rest(struct tcp_conn *c);
/* (Re)start the retransmission timer for what is in flight, or the persist timer, or neither. */
void tcp_rexmt_restart(struct tcp_conn *c);
/* The same where something has just been sent, and nothing else was in flight. */
void tcp_rexmt_flight(struct tcp_conn *c);
/* The same, but RACK wants to look at look_ns (0: it does not). */
void tcp_rexmt_restart_at(struct tcp_conn *c, uint64_t look_ns);
/* Nothing is in flight and nothing waits. */
static inline void
tcp_rexmt_stop(struct tcp_conn *c)
{
	if (c->rexmt == TCP_REXMT_PERSIST)
		c->backoff = 0;
	c->rexmt_ns = 0;
	c->rexmt = TCP_REXMT_RTO;
	c->retries = 0;
}

/* May the peer wait with the ACK of all that is in flight? */
static inline bool
tcp_flight_is_small(const struct tcp_conn *c)
{
	return c->snd_nxt - c->snd_una < 2u * c->mss && !(c->flags & (TCP_F_RECOVERY | TCP_F_RTO_RECOVERY));
}

uint64_t tcp_rto_ns(const struct tcp_conn *c);

/* timewait.c */
/* Put a TIME-WAIT record in the place of the connection, if one can be had. */
void tcp_time_wait_enter(struct tcp_conn *c);
void tcp_time_wait_input(struct tcp *t, struct tcp_time_wait *w, struct rte_mbuf *m);
void tcp_time_wait_timer(struct mr_timer *timer, uint64_t now_ns);
void tcp_time_wait_end(struct tcp *t, struct tcp_time_wait *w);
/* FIFOs of records. */
void tcp_fifo_push(struct tcp *t, struct tcp_fifo *q, struct tcp_record *r, uint64_t after_ns, mr_timer_fn fn);
void tcp_fifo_remove(struct tcp *t, struct tcp_fifo *q, struct tcp_record *r);
/* The head if it is due; otherwise arms the timer for it and returns NULL. */
struct tcp_record *tcp_fifo_due(struct tcp *t, struct tcp_fifo *q, uint64_t now_ns, mr_timer_fn fn);
/* Mark a record that has left table and FIFO; its memory is returned at the end of the turn. */
void tcp_record_bury(struct tcp *t, struct tcp_record *r);

/* socket.c */
extern const struct mr_ep_ops tcp_ep_ops;
int tcp_ep_create(struct mr_transproto *tp, uint16_t net, struct mr_ep **out);
void tcp_accept_queue_push(struct tcp_bind *l, struct tcp_conn *c);
void tcp_accept_queue_remove(struct tcp_conn *c);
/* A connection without application has come to FIN-WAIT-2: it may wait for the peer's FIN only so long (T93-11). */
void tcp_orphan_fin_wait_2(struct tcp_conn *c);
/* Sending can go on: tell the application if it was refused before. */
void tcp_tell_writable(struct tcp_conn *c);

/* bind.c */
int tcp_bind(struct mr_ep *ep, const struct mr_sockaddr *local);
int tcp_listen(struct mr_ep *ep, int backlog);
int tcp_connect(struct mr_ep *ep, const struct mr_sockaddr *remote);
int tcp_name(struct mr_ep *ep, struct mr_sockaddr *out, bool remote);
/* Give back the port and the registration of a connection, if it has one of its own. */
void tcp_bind_free(struct tcp_conn *c);

/* probe.c: a new connection gets the probe that there is, and gives it back. */
void tcp_probe_attach(struct tcp_conn *c);
void tcp_probe_detach(struct tcp_conn *c);
/* Have its probe see a connection that has one. */
void tcp_probe_show(const struct tcp_conn *c);

/* forward.c */
extern const struct mr_forward_ops tcp_forward_ops;

/* sockopt.c */
int tcp_ep_setopt(struct mr_ep *ep, int opt, int64_t v);
int tcp_ep_getopt(struct mr_ep *ep, int opt, int64_t *v);
int tcp_setopt(struct mr_transproto *tp, int opt, int64_t v);
int tcp_getopt(struct mr_transproto *tp, int opt, int64_t *v);

#include "proto/tcp/tcp_open.h"
#include "proto/tcp/tcp_path.h"
#include "proto/tcp/tcp_window.h"

#endif
