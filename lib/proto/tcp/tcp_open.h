/* SPDX-License-Identifier: Apache-2.0 */
/*
 * How connections begin: what open.c, listen.c, syncookie.c and isn.c have for each other and for the rest. Part of tcp.h.
 */
#ifndef MR_PROTO_TCP_OPEN_H
#define MR_PROTO_TCP_OPEN_H

/* listen.c */
/* @param iss_floor not NULL: the ISS must be beyond it (a TIME-WAIT record is being reopened). Consumes m. */
void tcp_listen_input(struct tcp *t, struct tcp_bind *l, struct rte_mbuf *m, const uint32_t *iss_floor);
void tcp_syn_rcvd_input(struct tcp *t, struct tcp_syn_rcvd *r, struct rte_mbuf *m);
void tcp_listen_close(struct tcp *t, struct tcp_bind *l);
void tcp_syn_fifo_timer(struct mr_timer *timer, uint64_t now_ns);

/* fastopen.c (RFC 7413): a listener's connections of Fast Open that may be in SYN-RECEIVED; 0: it does without. */
static inline uint32_t
tcp_fastopen_limit(const struct tcp_bind *l)
{
	return tcp_conn(l->bound.ep)->rare->fastopen;
}

/* Put a cookie for the peer into a SYN-ACK. @param cookie room for it, until the header is written */
void tcp_fastopen_cookie(const struct tcp *t, const struct mr_addr *local, const struct mr_addr *peer, struct tcp_tx *tx,
                         uint64_t *cookie);
/* Shall this SYN, which has the option, become a connection at once? */
bool tcp_fastopen_wanted(struct tcp *t, struct tcp_bind *l, const struct tcp_rx *rx);
/* So it does: c has what the SYN has offered, and is in the flow table. Consumes the SYN. */
void tcp_fastopen_begin(struct tcp_bind *l, struct tcp_conn *c, struct tcp_rx *rx);
/* One that is pending ends without an acknowledgement of its SYN; the listener ends. */
void tcp_fastopen_failed(struct tcp_conn *c);
void tcp_fastopen_listener_gone(struct tcp_bind *l);
/* With tcp_rare.fo: what its SYN or SYN-ACK has in addition, data in m too; and that it is acknowledged. */
void tcp_fastopen_syn(struct tcp_conn *c, struct tcp_tx *tx, struct rte_mbuf *m, uint64_t *cookie);
void tcp_fastopen_established(struct tcp_conn *c, const struct tcp_rx *rx);

/* fastopen_client.c */
/* NULL: out of memory. To be freed. */
struct tcp_fo_peer *tcp_fastopen_peers_new(void);
/* An open with MR_OPT_TCP_FASTOPEN begins. */
void tcp_fastopen_connect(struct tcp_conn *c);
void tcp_fastopen_client_syn(struct tcp_conn *c, struct tcp_tx *tx, struct rte_mbuf *m);
void tcp_fastopen_client_answered(struct tcp_conn *c, const struct tcp_rx *rx);

/* open.c */
void tcp_syn_sent_input(struct tcp_conn *c, struct tcp_rx *rx);
/* Set up an active open on a routed, bound connection: ISS, options, SYN-SENT. */
void tcp_open_active(struct tcp_conn *c);
/* The same for a passive open without a listener, by this SYN: SYN-RECEIVED. Consumes it. @param iss_floor as above */
void tcp_open_passive(struct tcp_conn *c, struct rte_mbuf *syn, const uint32_t *iss_floor);
/* Our SYN goes out in the output stage, alone or with an ACK. */
void tcp_open_send(struct tcp_conn *c, enum mr_tcp_state state);
/* MSS to offer on a route, and the payload of a full segment once options are known. */
uint16_t tcp_mss_offer(const struct mr_route *r, uint16_t user_mss);
void tcp_mss_update(struct tcp_conn *c);
/* The peer's SYN: what both ends have offered. The connection's flags say what we have. */
void tcp_options_agree(struct tcp_conn *c, const struct tcp_rx *syn);
/* The flags of what is offered (TCP_OPT_* to TCP_F_*). */
uint32_t tcp_offer_flags(uint8_t offers);

/* syncookie.c: shall the SYN that has come for this listener get a cookie? */
bool tcp_cookie_wanted(const struct tcp *t, const struct tcp_bind *l);
/* Make the sequence number of the answer; *r is what a record would have, and loses what a cookie cannot keep. */
void tcp_cookie_make(struct tcp *t, struct tcp_bind *l, struct tcp_syn_rcvd *r);
/* The timestamp of that answer. @param now what it would be otherwise */
uint32_t tcp_cookie_tsval(const struct tcp_syn_rcvd *r, uint32_t now);
/* Has the listener sent cookies that are still good? */
bool tcp_cookie_possible(const struct tcp *t, const struct tcp_bind *l);
/* Is this ACK one of a cookie, not used yet? Then the rest of *r is filled in, which has the tuple. @param used where
 * r->iss is to be put when the cookie has been used */
bool tcp_cookie_check(struct tcp *t, const struct tcp_bind *l, const struct tcp_rx *rx, struct tcp_syn_rcvd *r,
                      uint32_t **used);

/* The handshake is complete: windows, congestion window, keep-alive. */
void tcp_established(struct tcp_conn *c, const struct tcp_rx *rx);

/* isn.c */
uint32_t tcp_isn(struct tcp *t, const struct mr_flow *flow, const struct mr_addr *laddr);
uint32_t tcp_ts_offset(struct tcp *t, const struct mr_flow *flow, const struct mr_addr *laddr);
/* The timestamp clock: one tick a millisecond. */
static inline uint32_t
tcp_ts_now(const struct tcp *t, uint32_t offset)
{
	return (uint32_t)(t->tp.stack->now_ns / 1000000) + offset;
}

#endif
