/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file
 * The TCP probe: a connection's whole state, shown for each segment that it receives. Part of <millrace.h>.
 *
 * Windows of congestion control are in packets here, as they are thought of; inside they are bytes. Times are the stack's
 * (mr_stack_now_ns); 0 is never.
 */
#ifndef MR_API_TCP_PROBE_H
#define MR_API_TCP_PROBE_H

#include "addr.h"

#ifdef __cplusplus
extern "C" {
#endif

struct mr_host;
struct mr_stack;

/** The 4-tuple; ports in host order. (S-174) */
struct mr_tcp_ep_id {
	uint16_t lport;                /**< ours */
	uint16_t rport;                /**< the peer's */
	struct mr_addr laddr;          /**< ours */
	struct mr_addr raddr;          /**< the peer's */
};

#define MR_TCP_MAX_SACK 6 /**< blocks that are shown */

/** What we would tell in SACK options. (S-198) */
struct mr_tcp_sack_info {
	uint32_t blocks[MR_TCP_MAX_SACK][2]; /**< sequence numbers, the second one behind the block; latest first */
	uint8_t n;                     /**< out-of-order data may have more of them than are shown */
};

/** Receiving. (S-200) */
struct mr_tcp_rcv_state {
	uint32_t rcv_nxt;              /**< RCV.NXT */
	uint32_t rcv_acc;              /**< behind all that was ever advertised; never moves left */
	uint8_t rcv_wscale;            /**< shift of the windows that we advertise */
	uint32_t pending_used;         /**< bytes held out of order */
	uint32_t pending_size;         /**< and as many as may be: what the window leaves open behind RCV.NXT */
};

/** Recovery from loss that duplicate ACKs or SACK showed. Valid while active. (S-228) */
struct mr_tcp_fr_state {
	bool active;                   /**< it is going on */
	uint32_t first;                /**< first unacknowledged sequence number */
	uint32_t last;                 /**< recovery ends when this one is acknowledged */
	uint32_t max_cwnd;             /**< packets: duplicate ACKs can raise cwnd no further */
};

/** CUBIC. Zero if it is not the connection's algorithm, or no window was ever reduced; the curve's part also between a
 *  reduction and the first acknowledgement in congestion avoidance. (S-233) */
struct mr_tcp_cubic_state {
	double w_last_max;             /**< packets: W_max before the last one */
	double w_max;                  /**< packets: window at the last reduction, less for fast convergence */
	uint64_t t_ns;                 /**< when the last reduction was */
	uint64_t since_ns;             /**< t of the curve: time of the epoch in which the window was the limit */
	double c;                      /**< C, 0.4 */
	uint64_t k_ns;                 /**< K: t at which the window will be W_max */
	double beta;                   /**< the window after a reduction, in what it was */
	double w_c;                    /**< packets: W_cubic(t) */
	double w_est;                  /**< packets: the window that Reno would have */
};

#define MR_TCP_SSTHRESH_NONE UINT32_MAX /**< ssthresh of a connection that has seen no loss (SS-26) */

/** Sending. (S-206) */
struct mr_tcp_snd_state {
	uint64_t last_send_ns;         /**< last transmission of data or SYN */
	uint32_t dup_acks;             /**< in a row */
	uint32_t cwnd;                 /**< packets */
	uint32_t ssthresh;             /**< packets, or MR_TCP_SSTHRESH_NONE */
	uint32_t ca_acks;              /**< packets acknowledged towards the next increase in congestion avoidance */
	uint32_t outstanding;          /**< packets in flight */
	uint32_t snd_wnd;              /**< the peer's window, bytes */
	uint32_t snd_una;              /**< SND.UNA */
	uint32_t snd_nxt;              /**< SND.NXT */
	uint32_t rtt_seq;              /**< first sequence number whose acknowledgement gives a round-trip time */
	uint64_t rtt_time_ns;          /**< when it was sent; 0: nothing is in flight */
	bool closed;                   /**< the application sends no more */
	uint64_t srtt_ns;              /**< SRTT of RFC 6298 */
	uint64_t rttvar_ns;            /**< RTTVAR */
	uint64_t rto_ns;               /**< with its doublings */
	bool srtt_inited;              /**< a round-trip time was measured */
	uint32_t max_payload;          /**< bytes of payload of a full segment */
	uint8_t snd_wscale;            /**< shift of the peer's windows */
	uint32_t max_sent_ack;         /**< highest acknowledgement sent */
	struct mr_tcp_fr_state fr;     /**< recovery */
	struct mr_tcp_cubic_state cubic; /**< CUBIC, if it is that */
};

/** The whole. (S-179) */
struct mr_tcp_ep_state {
	struct mr_tcp_ep_id id;        /**< whose state it is */
	uint64_t seg_time_ns;          /**< when the segment came that this is about */
	uint32_t rcv_buf_size;         /**< bytes */
	uint32_t rcv_buf_used;         /**< bytes that the application may read */
	bool rcv_closed;               /**< nothing more will be read: shut down, or the peer's FIN */
	bool send_ts_ok;               /**< timestamps are in use */
	uint32_t recent_ts;            /**< TS.Recent */
	uint32_t ts_offset;            /**< of our timestamps to the clock */
	bool sack_permitted;           /**< SACK is in use */
	struct mr_tcp_sack_info sack;  /**< what we would tell */
	uint32_t snd_buf_size;         /**< bytes */
	uint32_t snd_buf_used;         /**< bytes queued, sent or not */
	bool snd_closed;               /**< closed for sending */
	uint32_t snd_buf_in_queue;     /**< bytes never sent */
	uint32_t pkt_too_big_count;    /**< Packet Too Big messages whose effect is yet to be sent */
	uint32_t snd_mtu;              /**< smallest MTU that one told of; 0: none came */
	struct mr_tcp_rcv_state rcv;   /**< receiving */
	struct mr_tcp_snd_state snd;   /**< sending */
};

/** Called inside the input of a segment: it may look, and call nothing of this stack. */
typedef void (*mr_tcp_probe_fn)(const struct mr_tcp_ep_state *state, void *arg);

/**
 * Have the state of TCP endpoints shown: of those that are made from now on (accepted ones are made when their handshake
 * is complete, forwarded ones when they are accepted), on each segment that they receive, resets too, before it is
 * processed. In place of the last probe, which the endpoints that have it keep. (S-63, SS-16) Context: own core.
 * @param fn not NULL. @return 0, -EPROTONOSUPPORT (no TCP in the stack), -EINVAL, -ENOMEM.
 */
int mr_tcp_probe_add(struct mr_stack *s, mr_tcp_probe_fn fn, void *arg);
/** The probe that new endpoints get; NULL: none. (S-64) Context: own core. @param arg what it is called with; may be
 *  NULL. */
mr_tcp_probe_fn mr_tcp_probe_get(struct mr_stack *s, void **arg);
/** New endpoints get none; those that have one keep it. (S-65) Context: own core. */
void mr_tcp_probe_remove(struct mr_stack *s);
/** Have the state of TCP endpoints shown on every core of a host, or on none. `fn` is called on the core of the endpoint, on
 *  several at the same time. Context: main lcore. @return as mr_tcp_probe_add. */
int mr_host_tcp_probe_add(struct mr_host *h, mr_tcp_probe_fn fn, void *arg);
/** New endpoints of the host get none. Context: main lcore. */
void mr_host_tcp_probe_remove(struct mr_host *h);

#ifdef __cplusplus
}
#endif
#endif
