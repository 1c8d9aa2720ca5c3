/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What few connections have of their own: settings that are not the defaults, a probe, what a stream of much data or of
 * urgent data is about. The others share tcp_rare_none, which holds the defaults and is never written to.
 */
#ifndef MR_PROTO_TCP_RARE_H
#define MR_PROTO_TCP_RARE_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/queue.h>

struct tcp_bind;
struct tcp_conn;
struct tcp_probe;

struct tcp_rare {
	/* an accepted connection has these from its listener */
	uint32_t keepidle_ms, keepintvl_ms, keepcnt;
	uint32_t linger_ms;
	uint32_t user_timeout_ms;
	uint32_t user_mss;            /* MR_OPT_TCP_MAXSEG; 0: none */
	uint32_t delays_acks;         /* MR_OPT_TCP_QUICKACK was set to 0: ACKs wait after a loss, too */
	/* and these not */
	struct tcp_probe *probe;      /* or NULL */
	uint16_t bind_nic;
	uint8_t defer_accept;         /* a listener's: SYN-ACKs sent again before a connection without data is accepted */
	uint8_t offers;               /* TCP_OPT_* that its SYN may carry, if those of the protocol have it too */
	/* autotune.c: how fast the application reads */
	uint64_t read_since_ns;       /* when the present round trip began; 0: none did, */
	uint32_t read_seq;            /* what it had read by then */
	uint32_t read_before;         /* bytes that it has read in an earlier one; at most so much in any */
	uint32_t rcv_rtt_ns;          /* from an ACK of ours to the data that it has let out; 0: not measured */
	uint32_t rcv_tsecr;           /* of the last data, of several segments in a row */
	/* urgent.c: the sequence numbers behind the last urgent bytes */
	uint32_t rcv_up, snd_up;      /* RCV.UP with TCP_F_URG_RCVD, SND.UP with TCP_F_URG_SENT */
	/* mtu_search.c */
	uint64_t mtu_look_ns;         /* before that there is nothing to be tried */
	uint32_t mtu_probe_seq, mtu_probe_end; /* the larger segment that is out, */
	uint16_t mtu_probe;           /* in a packet of so many bytes; 0: none is */
	uint16_t mtu_guess;           /* a smaller segment is out after larger ones were lost, in a packet of so many; 0: none, */
	uint32_t mtu_guess_end;       /* and ends here */
	/* fastopen.c, fastopen_client.c */
	uint8_t fo;                   /* TCP_FO_* */
	uint16_t fo_bytes;            /* that the SYN of an open which is under way has carried */
	uint32_t fastopen;            /* MR_OPT_TCP_FASTOPEN */
	struct tcp_bind *fo_listener; /* for which the connection is pending; NULL: it is not */
	LIST_ENTRY(tcp_rare) fo_link; /* of all that are */
	uint64_t fo_since_ns;         /* when its SYN has come; 0: had no data taken */
};

#define TCP_FO_CLIENT (1u << 0)       /* may be written to from connect on */
#define TCP_FO_ASK (1u << 1)          /* its SYN has the option, the first time */
#define TCP_FO_CHILD (1u << 2)        /* was made by a SYN */
#define TCP_FO_COOKIE (1u << 3)       /* its SYN-ACK brings a new cookie */
#define TCP_FO_TAKEN (1u << 4)        /* data of a SYN has arrived: ours, or the peer's */

extern const struct tcp_rare tcp_rare_none;

/* All is as with most. */
void tcp_rare_init(struct tcp_conn *c);
/* The connection's own, from now on: to be written to. */
struct tcp_rare *tcp_rare_own(struct tcp_conn *c);
/* What an accepted connection takes from its listener. */
void tcp_rare_inherit(struct tcp_conn *c, const struct tcp_conn *l);
void tcp_rare_free(struct tcp_conn *c);

#endif
