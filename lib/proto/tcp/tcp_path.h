/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The largest packet that the way to a peer takes: pmtu.c believes routers and remembers, mtu_search.c finds out where
 * none tells. Part of tcp.h.
 *
 * tcp_conn.pmtu is what a connection uses; 0: all that its route takes.
 */
#ifndef MR_PROTO_TCP_PATH_H
#define MR_PROTO_TCP_PATH_H

#define TCP_PATHS 1024      /* ways of which something is remembered */
#define TCP_LEAST_V4 552u   /* less is not believed */
#define TCP_LEAST_V6 1280u

/* What is known of a way. */
struct tcp_path {
	struct mr_addr peer;
	uint64_t since_ns;      /* the last news; 0: nobody's way */
	uint64_t again_ns;      /* before that no larger packet is tried */
	uint16_t mtu;           /* packets of so many bytes arrive, */
	uint16_t high;          /* and none larger than this; */
	uint16_t next;          /* so this is to be tried; 0: it is no use */
	uint8_t lost;           /* probes of that size */
	bool silent;            /* found by a search: larger packets would vanish without a word */
};

/* ---- pmtu.c */
/* NULL: out of memory. To be freed. */
struct tcp_path *tcp_paths_new(void);
/* The MTU of the way to the peer, as far as it is known; before, and after a pause, with what follows from it. */
void tcp_path_ask(struct tcp_conn *c);
void tcp_path_again(struct tcp_conn *c);
/* What is remembered of the connection's way; from now on, if nothing was. */
struct tcp_path *tcp_path_own(struct tcp_conn *c);
/* A router says that a segment is too big. */
void tcp_path_too_big(struct tcp_conn *c, uint32_t mtu);
/* The connection uses packets of so many bytes. */
void tcp_path_use(struct tcp_conn *c, uint32_t mtu);
/* Packets are no larger from now on. @return false: they were not */
bool tcp_path_lower(struct tcp_conn *c, uint32_t mtu);

/* ---- mtu_search.c */
/* The packet that nearly every path takes. */
uint32_t tcp_path_base(const struct tcp_conn *c);
/* A timeout, tcp_conn.retries counts it: is it the size of segments? */
void tcp_path_timeout(struct tcp_conn *c);
/* With tcp_rare.mtu_guess, in the recovery of a timeout: SND.UNA has moved. */
void tcp_path_guess_acked(struct tcp_conn *c);
/* With tcp_conn.pmtu: payload of the probe that is to go out before other new segments; 0: none. */
uint32_t tcp_mtu_probe_due(struct tcp_conn *c);
void tcp_mtu_probe_sent(struct tcp_conn *c, const struct tcp_seg *s);
/* With tcp_conn.pmtu: SND.UNA has moved. */
void tcp_mtu_probe_acked(struct tcp_conn *c);
/* With tcp_rare.mtu_probe: is the probe at SND.UNA? */
bool tcp_mtu_probe_is_first(const struct tcp_conn *c);
/* The same; so many bytes were just marked LOST. @return those of them that are a lone probe's: no sign of congestion */
uint32_t tcp_mtu_probe_lost(struct tcp_conn *c, uint32_t lost);
/* The same; a router says that nothing larger than mtu arrives. */
void tcp_mtu_probe_too_big(struct tcp_conn *c, uint32_t mtu);

#endif
