/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The test rig: EAL once in the parent, Check forks per test, virtual time, frames in and frames out.
 *
 * struct rig is one stack with one NIC on a scripted link. Three verbs: push a frame (rig_push_*), advance time
 * (rig_advance), expect frames (rig_expect_*, rig_expect_none). Pushing queues; the frames of one rig_poll reach the
 * stack in one burst. Every expectation polls first until the stack is quiet, and never moves time.
 *
 * Always checked, in every test: each frame that the stack sends (lengths, checksums, options, MTU, offload flags against
 * the link's capabilities), and that every mbuf is back in its pool when a pool is freed, whoever frees it.
 *
 * More: frame.h builders and the parsed form; tcp.h scripted connections; duo.h two whole stacks; fixture.h what a suite has
 * that works with one rig.
 */
#ifndef TESTS_RIG_H
#define TESTS_RIG_H

#include <check.h>

#include "stack/link.h"
#include "stack/millrace.h"

#include "rig/frame.h"

#define RIG_NIC 1
#define RIG_START_NS 1000000000000ull /* the clock starts here, not at 0 */
#define RIG_MS 1000000ull
#define RIG_S 1000000000ull
/* After so long a new stack has said what it has to say of itself: addresses are announced twice, two seconds apart (RFC
 * 5227 2.3), groups are reported twice within ten (RFC 2236 8.10). */
#define RIG_SETTLE_NS (11 * RIG_S)

/* Initialise EAL (--no-huge, unprivileged), run the suite, return the exit code. CK_RUN_CASE=name runs one test case. */
int rig_main(int argc, char **argv, Suite *(*make_suite)(void));
/* The same with four lcores, all on the first processor. Threads do not outlive a fork: the tests share one process. */
int rig_main_lcores(int argc, char **argv, Suite *(*make_suite)(void));
/* The whole main of a test program. */
#define RIG_MAIN(make_suite) \
	int main(int argc, char **argv) \
	{ \
		return rig_main(argc, argv, make_suite); \
	}
#define RIG_MAIN_LCORES(make_suite) \
	int main(int argc, char **argv) \
	{ \
		return rig_main_lcores(argc, argv, make_suite); \
	}
/* A new test case of the suite. Each of its tests runs between setup and teardown, if they are given. */
TCase *rig_case(Suite *s, const char *name, SFun setup, SFun teardown);

TAILQ_HEAD(rig_frames, rig_frame);

/* A frame on its way to the stack. */
struct rig_rx {
	STAILQ_ENTRY(rig_rx) link;
	uint64_t ol_flags;
	uint32_t len;
	uint8_t b[];
};

/* Zero fields: the default. */
struct rig_opts {
	struct mr_stack_opts stack; /* seed defaults to 1, pools to 2048 mbufs each, tables small */
	uint32_t caps;              /* MR_LINK_CAP_*, besides RESOLVE and TX_MULTI_SEGS */
	bool no_multi_segs;         /* link takes no chains */
	uint16_t tso_segs;          /* with MR_LINK_CAP_TX_TSO: pieces of a frame that it cuts; 64 */
	bool no_resolve;
	uint16_t mtu;               /* 1500 */
	bool no_neigh;              /* do not fill in the peer's link addresses */
	bool no_addr;               /* configure no address (and so no neighbour) */
	bool gateway;               /* default routes of both families through the peer */
	bool no_nic;                /* make no NIC: the test does, on &rig->link */
};

struct rig {
	struct mr_stack *stack;
	uint64_t now;                  /* the clock; move it with rig_advance */
	struct mr_link link;           /* the scripted link; caps may be changed before the NIC is made */
	struct mr_addr addr4, addr6;   /* 10.0.0.1/24, fd00::1/64 */
	struct mr_addr peer4, peer6;   /* 10.0.0.2, fd00::2 */
	uint8_t mac[6], peer_mac[6];   /* 02:00:00:00:00:01, 02:00:00:00:00:02 */
	/* knobs, at any time */
	uint64_t rx_ol_flags;          /* RTE_MBUF_F_RX_* of frames pushed from now on */
	uint16_t rx_seg_bytes;         /* not 0: frames are delivered as chains of segments of so many bytes */
	uint16_t rx_lro;               /* not 0: frames are said to be made of several with so many bytes of payload */
	int tx_room;                   /* frames the link takes before it says "busy"; -1 (default) no limit */
	bool link_down;
	bool hold;                     /* the link keeps the frames it takes, until rig_let_go */
	bool lenient;                  /* a bad frame does not fail the test but fills `bad` */
	char bad[256];
	/* what the stack told the link */
	bool started, promisc;
	unsigned n_mcast;
	struct mr_lladdr mcast[32];
	struct mr_link_stats stats;    /* rx_missed: no mbuf to receive into; tx_packets: as they left the link */
	unsigned n_cut, cut_pieces;    /* frames that the link has cut; pieces of the last of them */
	/* private */
	uint64_t taken_ns;
	unsigned n_held;
	struct rte_mbuf *held[256];
	uint64_t held_hash[256];
	STAILQ_HEAD(, rig_rx) rx;
	struct rig_frames tx, seen;
	unsigned n_tx;
	uint64_t turns;
	uint64_t mark[MR_CNT_MAX];     /* counters at rig_mark */
};

/* Make the stack, its NIC, addresses and neighbours; what it sends at start is thrown away. `opts` may be NULL. */
void rig_init(struct rig *rig, const struct rig_opts *opts);
/* Destroy everything; fails the test if an mbuf is not back in its pool or a frame was bad. */
void rig_fini(struct rig *rig);
/* Mbufs that were missing when pools were freed, so far in this process (rig_fini and rte_mempool_free check). */
unsigned rig_leaks(void);

/* ---- push */
void rig_push(struct rig *rig, const void *frame, uint32_t len);
void rig_push_buf(struct rig *rig, const struct rig_buf *b);
void rig_push_eth_spec(struct rig *rig, const struct rig_ip *ip, const void *payload, uint32_t len);
void rig_push_arp_spec(struct rig *rig, const struct rig_arp *a);
void rig_push_ip_spec(struct rig *rig, const struct rig_ip *ip, const void *payload, uint32_t len);
void rig_push_icmp_spec(struct rig *rig, const struct rig_icmp *i);
void rig_push_ndp_spec(struct rig *rig, const struct rig_ndp *n);
void rig_push_group_spec(struct rig *rig, const struct rig_group *g);
void rig_push_udp_spec(struct rig *rig, const struct rig_udp *u);
void rig_push_tcphdr_spec(struct rig *rig, const struct rig_tcphdr *t);
#define rig_push_arp(rig, ...) rig_push_arp_spec(rig, &(struct rig_arp){__VA_ARGS__})
#define rig_push_icmp(rig, ...) rig_push_icmp_spec(rig, &(struct rig_icmp){__VA_ARGS__})
#define rig_push_ndp(rig, ...) rig_push_ndp_spec(rig, &(struct rig_ndp){__VA_ARGS__})
#define rig_push_group(rig, ...) rig_push_group_spec(rig, &(struct rig_group){__VA_ARGS__})
#define rig_push_udp(rig, ...) rig_push_udp_spec(rig, &(struct rig_udp){__VA_ARGS__})
#define rig_push_tcphdr(rig, ...) rig_push_tcphdr_spec(rig, &(struct rig_tcphdr){__VA_ARGS__})
/* An arbitrary transport payload: rig_push_ip(rig, payload, len, .proto = 99). */
#define rig_push_ip(rig, payload, len, ...) rig_push_ip_spec(rig, &(struct rig_ip){__VA_ARGS__}, payload, len)

/* The link is done with the frames that it has kept; fails the test if one of them has changed meanwhile. */
void rig_let_go(struct rig *rig);

/* ---- time */
/* Exactly one turn at the present time. @return what mr_stack_poll returned. */
unsigned rig_turn(struct rig *rig);
/* Turns until the stack is quiet at the present time; fails the test if it never is. */
void rig_poll(struct rig *rig);
/* Let time pass, stopping at every deadline of the stack (mr_stack_next_ns), so that timers fire when they are due. */
void rig_advance(struct rig *rig, uint64_t ns);
/* Let time pass until the stack has sent a frame, `ns` at most. @return true if there is one. */
bool rig_advance_until_frame(struct rig *rig, uint64_t ns);
/* Let time pass until the stack has sent a frame: it must be so many ns after since_ns, or a tick of the wheel later. */
void rig_expect_after(struct rig *rig, uint64_t since_ns, uint64_t ns);

/* ---- expect. Returned frames live until rig_fini. */
/* Next frame or NULL; polls. */
const struct rig_frame *rig_next(struct rig *rig);
/* The same without taking it. */
const struct rig_frame *rig_peek(struct rig *rig);
/* Frames waiting. Polls. */
unsigned rig_pending(struct rig *rig);
/* Throw away what is there. */
void rig_discard(struct rig *rig);
const struct rig_frame *rig_expect_at(struct rig *rig, enum rig_kind kind, const char *file, int line);
void rig_expect_none_at(struct rig *rig, const char *file, int line);
/* Next frame must be of the kind; it is returned for closer looks. */
#define rig_expect(rig, kind) rig_expect_at(rig, kind, __FILE__, __LINE__)
#define rig_expect_none(rig) rig_expect_none_at(rig, __FILE__, __LINE__)
/* Nothing is sent now or in the next `ns`. */
#define rig_expect_none_for(rig, ns) (rig_expect_none(rig), rig_advance(rig, ns), rig_expect_none(rig))
/* ARP of an op, NDP of a type, ICMP or ICMPv6 (by the frame's family) of type and code. */
const struct rig_frame *rig_expect_arp(struct rig *rig, uint16_t op);
const struct rig_frame *rig_expect_ndp(struct rig *rig, uint8_t type);
const struct rig_frame *rig_expect_icmp(struct rig *rig, bool v6, uint8_t type, uint8_t code);
/* IGMP or MLD (by the group's family) of a type, about this group. */
const struct rig_frame *rig_expect_group(struct rig *rig, uint8_t type, const char *group);
/* UDP with these ports and payload (`data` NULL: not compared). */
const struct rig_frame *rig_expect_udp(struct rig *rig, uint16_t sport, uint16_t dport, const void *data, uint32_t len);

/* ---- counters */
/* Remember all counters; rig_moved tells by how much one has moved since. */
void rig_mark(struct rig *rig);
uint64_t rig_moved(struct rig *rig, enum mr_counter c);
/* Since rig_mark (or rig_init) this drop went up by n and no other drop moved. Polls. */
void rig_expect_drop_at(struct rig *rig, enum mr_counter c, uint64_t n, const char *file, int line);
#define rig_expect_drop(rig, c) rig_expect_drop_at(rig, c, 1, __FILE__, __LINE__)
#define rig_expect_drops(rig, c, n) rig_expect_drop_at(rig, c, n, __FILE__, __LINE__)
/* No drop at all since rig_mark. */
#define rig_expect_no_drop(rig) rig_expect_drop_at(rig, MR_CNT_MAX, 0, __FILE__, __LINE__)

/* Endpoint helpers: the rig's addresses by family, and streams of pattern. */
struct mr_sockaddr rig_local(const struct rig *rig, bool v6, uint16_t port);
struct mr_sockaddr rig_peer(const struct rig *rig, bool v6, uint16_t port);
struct mr_addr rig_addr(const char *text);
/* Send `len` bytes of pattern from `off` on; returns what mr_ep_send took in all (or the first error). */
ssize_t rig_ep_send(struct mr_ep *ep, uint64_t off, size_t len);
/* Receive exactly `len` bytes and compare them with the pattern from `off` on; fails the test otherwise. */
void rig_ep_recv(struct mr_ep *ep, uint64_t off, size_t len);

#include "rig/duo.h"
#include "rig/tcp.h"

#endif
