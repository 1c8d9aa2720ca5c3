/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Two whole stacks, a and b, joined by an in-memory pair in virtual time; each end may lose, delay and capture frames.
 * Every frame that a stack sends is judged as in the single rig. a is 10.0.0.1 and fd00::1, b is .2 and ::2; they find
 * each other by ARP and neighbour discovery unless asked not to.
 */
#ifndef TESTS_RIG_DUO_H
#define TESTS_RIG_DUO_H

#include "rig/rig.h"

/* Zero fields: the default. */
struct rig_duo_opts {
	struct mr_stack_opts stack[2]; /* as in struct rig_opts; seeds default to 1 and 2 */
	const struct mr_impair_cfg *impair[2]; /* of what end i sends; NULL: a perfect line */
	const char *capture[2];        /* pcapng files */
	uint16_t mtu;
	uint32_t depth;                /* frames in flight each way; 4096 */
	bool neigh;                    /* fill in the neighbours */
};

struct rig_duo_end {
	struct mr_stack *stack;
	struct mr_link *link;          /* outermost: the judge */
	struct mr_addr addr4, addr6;
	uint64_t frames, bytes;        /* sent */
	uint64_t hash;                 /* of everything sent, with times */
};

struct rig_duo {
	uint64_t now;
	uint64_t turn_ns[2];           /* end i turns at multiples of this only, as on a busy machine; 0: when there is work */
	struct rig_duo_end end[2];
	/* Sees every frame that end i sends, before the line does anything to it; may be NULL. */
	void (*on_frame)(struct rig_duo *d, unsigned i, const struct rig_frame *f, void *arg);
	/* The line loses the frame that end i sends if this says so. May be NULL. */
	bool (*loses)(struct rig_duo *d, unsigned i, const struct rig_frame *f, void *arg);
	void *arg;                     /* of both */
};

void rig_duo_init(struct rig_duo *d, const struct rig_duo_opts *opts);
void rig_duo_fini(struct rig_duo *d);
/* Put a frame on the wire to end i, behind whatever impairs it. @return false: the wire is full, or i has no mbufs */
bool rig_duo_inject(struct rig_duo *d, unsigned i, const struct rig_buf *b);
/* Run until `done` says so (asked after every pair of turns; NULL: never), or until the deadline. Time jumps to the next
 * thing that either stack will do. @return true if done. */
bool rig_duo_run(struct rig_duo *d, uint64_t for_ns, bool (*done)(struct rig_duo *d, void *arg), void *arg);

/* One connection, from a to b, with streams of pattern both ways. */
struct rig_flow {
	struct rig_duo *duo;
	struct mr_ep *ep[2];
	struct mr_waiter waiter[2];
	uint64_t to_send[2], sent[2], got[2]; /* bytes: end i sends, end i has received */
	uint64_t last_ns;                     /* when the last byte or end of stream came */
	bool eof[2], shut[2], over[2];        /* end i read the end of the stream, has sent FIN, got MR_EV_HUP */
	int err[2];                           /* first error of end i */
	const bool *stalled;                  /* b does not read while this is set */
	unsigned seed;                        /* offset of the pattern, so that flows differ */
	uint64_t events[2];
};

struct rig_bulk_opts {
	bool v6;
	unsigned flows;        /* connections at once; 1 */
	uint64_t bytes[2];     /* from a, from b, per connection */
	uint64_t deadline_ns;  /* virtual */
	int64_t sndbuf, rcvbuf; /* 0: default */
	uint64_t stall_ns;     /* b reads nothing for so long */
	/* Called after every pair of turns, for what goes on beside (pings); may be NULL. */
	void (*beside)(struct rig_duo *d, void *arg);
	void *arg;
};

struct rig_bulk_result {
	bool done;             /* every byte of every flow arrived, and both ends of the streams */
	int err;               /* first error, or 0 */
	uint64_t duration_ns;  /* virtual, from connect to the last byte */
	uint64_t bytes;        /* received in both directions */
};

/* Transfer over new connections; every byte is compared. Fails the test on a wrong byte only: the rest is the result. */
struct rig_bulk_result rig_duo_bulk(struct rig_duo *d, const struct rig_bulk_opts *o);

#endif
