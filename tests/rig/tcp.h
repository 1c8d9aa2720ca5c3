/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Scripted TCP connections: the rig plays the peer, the stack under test is the other end.
 *
 * Sequence numbers are offsets from each side's initial sequence number, as in packetdrill: 0 is the SYN, 1 the first
 * byte of data. The default peer ISS lies 16 below the wrap, so nearly every script crosses it. Payload that the rig
 * sends is the pattern of its offset: byte k of the stream is rig_pattern(k - 1).
 *
 *	struct rig_tcp t;
 *	struct mr_ep *ep;
 *
 *	rig_tcp_init(&t, &rig, false);
 *	ep = rig_tcp_reach(&t, MR_TCP_ESTABLISHED);
 *	rig_tcp_push(&t, RIG_ACK, 1, 1, 100);
 *	rig_tcp_expect(&t, RIG_ACK, 1, 101, 0);
 */
#ifndef TESTS_RIG_TCP_H
#define TESTS_RIG_TCP_H

#include "rig/rig.h"

#define RIG_TCP_ISS 0xfffffff0u

struct rig_tcp {
	struct rig *rig;
	bool v6;
	uint16_t peer_port;   /* default 5000, and one more for each rig_tcp_init on the rig's peer_port you set */
	uint16_t port;        /* the stack's; 80, or learned by an active open */
	struct mr_addr addr;  /* the stack's, if not the rig's own */
	uint32_t iss;         /* the peer's */
	uint32_t irs;         /* the stack's, learned from its SYN */
	/* what the peer offers in its SYN; change them between rig_tcp_init and the handshake */
	uint16_t mss;         /* 1460 (v6: 1440); 0: no option */
	int ws;               /* 7; -1: no option */
	bool sack, ts;        /* true, false */
	bool ecn;             /* false; asks for ECN, and agrees when asked */
	/* the peer's side, used by every push; change them at will */
	uint16_t wnd;         /* window field as it goes on the wire; 65535 */
	uint32_t tsval;       /* base; a push adds the milliseconds since rig_tcp_init */
	uint32_t tsecr;       /* last TSval of the stack, echoed */
	uint8_t tos;
	/* agreed in the handshake */
	bool ts_on, sack_on;
	bool ecn_on;          /* the stack's SYN was an ECN-setup SYN, or its SYN|ACK one; never without `ecn` */
	int stack_ws;         /* scale of the windows that the stack sends; 0 if none */
	uint16_t stack_mss;
	/* where the script stands after rig_tcp_reach: next offset of the peer, and of the stack */
	uint32_t snd, rcv;
	struct mr_ep *listener, *ep;
	uint64_t start_ns;
};

/* Everything that a pushed or expected segment can have besides flags, numbers and length. */
struct rig_seg {
	/* push */
	const void *data;     /* payload instead of the pattern */
	uint16_t wnd;         /* instead of t->wnd, if not 0 */
	bool zero_wnd;
	uint16_t urg;
	bool no_opts;         /* no options at all */
	bool no_ts;           /* leave out a timestamp that was agreed */
	bool raw_seq;         /* seq and ack are absolute */
	uint32_t tsval, tsecr; /* instead of the running ones, if not 0 */
	uint16_t mss;         /* of a SYN, instead of t->mss */
	unsigned n_sack;      /* SACK blocks: offsets in the stack's stream */
	uint32_t sack[4][2];
	bool ask_fo;          /* of a SYN: asks for a cookie of Fast Open */
	const void *fo;       /* and this one is, */
	uint8_t fo_len;       /* of so many bytes */
	const void *opts;     /* raw options instead of all of these */
	uint8_t opts_len;
	uint8_t tos;
	unsigned spoil;       /* RIG_SPOIL_* */
	/* expect */
	bool exact;           /* PSH must be as said, not only there if said */
	bool pattern;         /* payload is the pattern of its offset */
	int32_t has_sack;     /* with n_sack: blocks as offsets in the peer's stream, in this order; -1: there must be none */
	bool check_wnd;       /* window field must be `wnd` */
};

/* Defaults. Connections of one rig that live at the same time need different peer ports. */
void rig_tcp_init(struct rig_tcp *t, struct rig *rig, bool v6);

/* Queue a segment of the peer. */
void rig_tcp_push_seg(struct rig_tcp *t, unsigned flags, uint32_t seq, uint32_t ack, uint32_t len, const struct rig_seg *x);
#define rig_tcp_push(t, flags, seq, ack, len, ...) \
	rig_tcp_push_seg(t, flags, seq, ack, len, &(struct rig_seg){__VA_ARGS__})
/* The next frame must be this segment of the stack on this connection; else both are printed and the test fails.
 * RIG_ANY as seq, ack or len matches all. */
#define RIG_ANY 0xdeadbeefu
const struct rig_frame *rig_tcp_expect_seg(struct rig_tcp *t, unsigned flags, uint32_t seq, uint32_t ack, uint32_t len,
                                           const struct rig_seg *x, const char *file, int line);
#define rig_tcp_expect(t, flags, seq, ack, len, ...) \
	rig_tcp_expect_seg(t, flags, seq, ack, len, &(struct rig_seg){__VA_ARGS__}, __FILE__, __LINE__)
/* The same without failing: NULL if the next frame matches (it is taken), else the reason (nothing is taken). */
const char *rig_tcp_match(struct rig_tcp *t, unsigned flags, uint32_t seq, uint32_t ack, uint32_t len,
                          const struct rig_seg *x);
/* Any segment of this connection. */
const struct rig_frame *rig_tcp_next(struct rig_tcp *t);
/* Window that a segment of the stack announces, scaled (not for SYNs). */
uint32_t rig_tcp_window(const struct rig_tcp *t, const struct rig_frame *f);
/* Offsets of a frame's numbers: sequence in the stack's stream, acknowledgement in the peer's. */
uint32_t rig_tcp_seq(const struct rig_tcp *t, const struct rig_frame *f);
uint32_t rig_tcp_ack(const struct rig_tcp *t, const struct rig_frame *f);

/* A listener on t->port (t->listener); called by the passive helpers if there is none. */
struct mr_ep *rig_tcp_listen(struct rig_tcp *t, int backlog);
/* Handshakes to ESTABLISHED. @return the connected endpoint, also in t->ep; snd and rcv are 1. */
struct mr_ep *rig_tcp_establish_passive(struct rig_tcp *t);
struct mr_ep *rig_tcp_establish_active(struct rig_tcp *t);
/* The halves: SYN of the stack taken (SYN-SENT), SYN|ACK of the stack taken (SYN-RECEIVED). */
struct mr_ep *rig_tcp_start_active(struct rig_tcp *t);
void rig_tcp_start_passive(struct rig_tcp *t);
/*
 * Bring a connection to a state by the shortest way (passively, except SYN-SENT; t->listener stays) and check that it is
 * there. Afterwards t->snd and t->rcv are the next offsets of peer and stack. LISTEN returns the listener; SYN-RECEIVED
 * NULL (there is no endpoint yet).
 */
struct mr_ep *rig_tcp_reach(struct rig_tcp *t, enum mr_tcp_state state);
/* State of an endpoint, by MR_OPT_TCP_STATE. */
enum mr_tcp_state rig_tcp_state(struct mr_ep *ep);

#endif
