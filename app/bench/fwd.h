/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Forward modes: packets of ports, without a stack, named and meant as in testpmd. A stream is one receive queue, one
 * transmit queue and what is done in between; a core turns its streams. For measuring wires, and what sits on their other
 * end.
 */
#ifndef BENCH_FWD_H
#define BENCH_FWD_H

#include <stdbool.h>
#include <stdint.h>

#include <rte_ether.h>
#include <rte_mbuf.h>

#include "app/bench/args.h"
#include "app/bench/hist.h"

#define FWD_BURST_MOST 512
#define FWD_SEGS_MOST 8

#define FWD_F_GENERATES (1u << 0) /* makes packets: operations are those sent, not those received */
#define FWD_F_ANSWERED (1u << 1)  /* and expects them back: what does not return is lost */

struct fwd_count {
	uint64_t rx_packets, rx_bytes, tx_packets, tx_bytes;
	uint64_t tx_full;  /* received, but the transmit queue did not take them */
	uint64_t unwanted; /* received, and nothing the mode has an answer to */
};

struct fwd_gen;

struct fwd_stream {
	const struct args *args;
	const struct fwd_mode *mode;
	uint16_t rx_port, tx_port, queue;
	uint16_t burst;
	bool l4_offload;                 /* the transmit port computes checksums */
	struct rte_ether_addr own, peer; /* link addresses of the transmit port, and of who is opposite */
	struct rte_mempool *pool;
	struct fwd_gen *gen;             /* of modes that generate */
	struct fwd_count count;
} __rte_cache_aligned;

struct fwd_mode {
	const char *name, *help;
	uint32_t flags; /* FWD_F_* */
	uint32_t flows; /* default of a generator */
	/* Change received packets into what is to be sent; those that are not are freed, and counted as unwanted. @return how
	 * many are left, in front. NULL: as they are */
	uint16_t (*change)(struct fwd_stream *s, struct rte_mbuf **pkts, uint16_t n);
	/* One turn. @return packets handled, 0: there was nothing to do */
	unsigned (*turn)(struct fwd_stream *s);
};

extern const struct fwd_mode fwd_io, fwd_mac, fwd_macswap, fwd_5tswap, fwd_csum, fwd_icmpecho, fwd_rxonly, fwd_txonly,
	fwd_flowgen;
/* Ends with NULL. */
extern const struct fwd_mode *const fwd_modes[];

/* ---- fwd_change.c: the turn of all modes that receive: burst in, change, burst out */
unsigned fwd_turn(struct fwd_stream *s);
/* Send, or free and count. */
void fwd_send(struct fwd_stream *s, struct rte_mbuf **pkts, uint16_t n);

/* ---- fwd_parse.c: where the headers of a packet are, as far as they are in its first segment */
struct fwd_headers {
	uint16_t ether_type_be;
	uint8_t l4_proto;      /* 0: none that can be used */
	uint16_t l3, l4;       /* offsets */
};
/* Behind up to two VLAN tags. @return false: nothing but Ethernet */
bool fwd_parse(const struct rte_mbuf *m, struct fwd_headers *h);

/* ---- fwd_arp.c */
/* Turn a request for one of `n` addresses from `first` on (n 0: for any) into our answer. @return false: it is none */
bool fwd_arp_answer(const struct fwd_stream *s, struct rte_mbuf *m, uint32_t first, uint32_t n);
/* Find out who has `addr`, from `own`. @return false: nobody answered within a second */
bool fwd_arp_resolve(const struct fwd_stream *s, uint32_t own, uint32_t addr, struct rte_ether_addr *out);

/* ---- fwd_gen.c */
/* @return 0 or -ENOMEM */
int fwd_gen_create(struct fwd_stream *s);
void fwd_gen_destroy(struct fwd_gen *g);
/* Packets a second; 0: as many as go. Any core. */
void fwd_gen_set_rate(struct fwd_gen *g, double rate);
/* Begin with the times of the packets that come back anew. Any core. */
void fwd_gen_forget(struct fwd_gen *g);
/* Those times, while the generator does not turn; NULL: it does not know them. */
const struct hist *fwd_gen_latency(struct fwd_gen *g);

/* ---- fwd_port.c: ports with `queues` queue pairs each, started */
struct fwd_port {
	uint16_t id;
	bool l4_offload;
	struct rte_ether_addr own, peer;
	struct rte_mempool *pool;
	char name[64];
};
#define FWD_PORTS_MOST 32
/* @return how many, or -errno, told */
int fwd_ports_open(const struct args *args, unsigned queues, struct fwd_port *ports);
void fwd_ports_close(struct fwd_port *ports, unsigned n);

/* ---- fwd_run.c: streams on cores, and the control of a run
 * @return exit code */
int run_forward(const struct args *args);

#endif
