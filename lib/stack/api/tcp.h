/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file
 * TCP: congestion control by name, values of options, what a connection knows of itself. Part of <millrace.h>.
 */
#ifndef MR_API_TCP_H
#define MR_API_TCP_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#ifdef __cplusplus
extern "C" {
#endif

/** Explicit congestion notification: with whom. */
enum mr_tcp_ecn {
	MR_TCP_ECN_OFF,    /**< with nobody */
	MR_TCP_ECN_ASK,    /**< own SYNs ask for it, and who asks gets it */
	MR_TCP_ECN_ACCEPT, /**< who asks gets it; the default */
};

/** SYN cookies: answers to SYNs that need no memory here. They keep the peer's MSS in steps; window scale, SACK and ECN
 *  only if it has timestamps; and no SYN-ACK is sent again. */
enum mr_tcp_syncookies {
	MR_TCP_SYNCOOKIES_NEVER,   /**< under pressure the oldest half-open connection makes room instead */
	MR_TCP_SYNCOOKIES_PRESSED, /**< of a listener with many half-open connections (MR_OPT_TCP_SYN_BACKLOG), and of all when
	                            *   the stack's are used up; the default */
	MR_TCP_SYNCOOKIES_ALWAYS,  /**< instead of half-open connections */
};

/** Name of congestion control algorithm `i`, its number in MR_OPT_TCP_CC; NULL: there are no more. Context: any thread. */
const char *mr_tcp_cc_name(unsigned i);
/** Number of the algorithm of this name. Context: any thread. @return 0 or more, -ENOENT. */
int mr_tcp_cc_find(const char *name);

struct mr_ep;

/** A TCP endpoint at this moment: what Linux has in TCP_INFO. Bytes and nanoseconds; windows are not scaled. Before a
 *  connection is established, and when it is over, all but counts, what is unread and `fastopen` is zero. */
struct mr_tcp_info {
	uint8_t state;                 /**< enum mr_tcp_state */
	bool timestamps;               /**< agreed (RFC 7323) */
	bool wscale;                   /**< agreed (RFC 7323) */
	bool sack;                     /**< agreed (RFC 2018) */
	bool ecn;                      /**< agreed (RFC 3168) */
	bool fastopen;                 /**< data came with the SYN, the peer's or ours, and was taken (RFC 7413) */
	uint8_t snd_wscale;            /**< shift of the peer's windows */
	uint8_t rcv_wscale;            /**< shift of ours */
	bool recovery;                 /**< fast recovery goes on */
	bool rto_recovery;             /**< recovery from a timeout goes on */
	bool app_limited;              /**< the application does not fill the window, or did not when delivery_rate was measured */
	uint8_t retransmits;           /**< timeouts, or probes without an answer, since the peer was heard last */
	uint8_t backoff;               /**< doublings of rto_ns that are in it */
	int16_t soft_error;            /**< what ICMP has said of what is not acknowledged yet, -errno; 0: nothing. If the
	                                *   connection times out it is its error (RFC 9293 3.9.2.2) */
	uint64_t rto_ns;               /**< retransmission timeout */
	uint64_t srtt_ns;              /**< smoothed round-trip time; 0: none measured (RFC 6298) */
	uint64_t rttvar_ns;            /**< its variation */
	uint64_t min_rtt_ns;           /**< shortest round trip of the last minutes; 0: none measured */
	bool reordering;               /**< segments of ours have arrived in another order (RFC 8985) */
	uint32_t snd_mss;              /**< payload of a full segment sent */
	uint32_t rcv_mss;              /**< largest payload received, or a guess */
	uint32_t peer_mss;             /**< MSS option of the peer, or its default */
	uint32_t pmtu;                 /**< bytes of the largest packet to the peer */
	uint32_t snd_cwnd;             /**< congestion window */
	uint32_t snd_ssthresh;         /**< slow start threshold; UINT32_MAX: no loss yet */
	uint32_t snd_wnd;              /**< the peer's window */
	uint32_t rcv_wnd;              /**< ours, as it was told last */
	uint32_t in_flight;            /**< sent, not acknowledged and not taken for lost */
	uint32_t lost_segs;            /**< taken for lost and not sent again yet, segments */
	uint32_t unsent;               /**< queued and never sent */
	uint32_t unread;               /**< received in order and not read */
	uint32_t out_of_order;         /**< received out of order */
	uint32_t retransmitted_segs;   /**< segments sent again, in the connection's life */
	uint64_t bytes_acked;          /**< payload acknowledged, in the connection's life */
	uint64_t bytes_received;       /**< payload received in order, in the connection's life */
	uint64_t since_sent_ns;        /**< age of the last data sent, or of the SYN of an active open; 0: none was */
	uint64_t since_received_ns;    /**< age of the last segment received */
	uint64_t delivery_rate;        /**< bytes a second, as last measured by an acknowledgement; 0: not yet */
	uint64_t pacing_rate;          /**< bytes a second; 0: not paced */
	uint32_t accept_queue;         /**< of a listener: connections that wait for accept, */
	uint32_t backlog;              /**< how many may, */
	uint32_t half_open;            /**< and those in SYN-RECEIVED */
};

/** Tell what an endpoint knows of itself. Context: own core. @return 0, -EOPNOTSUPP (not TCP's). */
int mr_tcp_info(struct mr_ep *ep, struct mr_tcp_info *out);

/** Like mr_ep_send, and the peer is told that what was taken is the end of urgent data (RFC 9293 3.8.5), before the data if
 *  that has to wait. It stays in its place in the stream (RFC 6093): how the peer's application reads it is the peer's affair.
 *  Context: own core. @return as mr_ep_send; -EOPNOTSUPP (not TCP's). */
ssize_t mr_tcp_send_urgent(struct mr_ep *ep, const void *buf, size_t len);

#ifdef __cplusplus
}
#endif
#endif
