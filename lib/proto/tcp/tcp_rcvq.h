/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The receive queue: what has come in order and waits for the application (rcvq.c), and pieces that came out of order,
 * which SACK tells the peer of (reasm.c).
 */
#ifndef MR_PROTO_TCP_RCVQ_H
#define MR_PROTO_TCP_RCVQ_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <rte_mbuf.h>

#include "stack/pkt.h"

struct tcp_conn;

struct tcp_rcvq {
	struct mr_pktq in_order;       /* payload that the application may read */
	struct rte_mbuf *ooo;          /* out of order, sorted, without overlap; mr_pkt.seq, mr_pkt.next */
	struct rte_mbuf *newest;       /* the block (of pieces that touch) that grew last; tcp_piece.older */
	uint32_t bytes;                /* in in_order */
	uint32_t ooo_bytes;
	uint16_t ooo_segs;
	bool has_fin;
	uint8_t quick_segs;            /* segments to acknowledge at once: the peer repairs a loss, and has few in flight */
	uint32_t fin_seq;              /* of a FIN that arrived out of order; valid with has_fin */
	uint32_t dsack_from, dsack_to; /* what came twice and is to be told (RFC 2883); empty: nothing */
};

/* Beside a piece that arrived out of order, in the second line of its private area. Pieces that touch are a block; all
 * of this is of the block and lies with its first piece. */
struct tcp_piece {
	struct rte_mbuf *last;          /* piece */
	struct rte_mbuf *newer, *older; /* blocks, by when they grew */
	bool fresh;                     /* grew since the last ACK */
};
_Static_assert(sizeof(struct mr_pkt) + sizeof(struct tcp_piece) <= MR_PKT_PRIV_BYTES, "fits the private area");

static inline struct tcp_piece *
tcp_piece(const struct rte_mbuf *m)
{
	return (struct tcp_piece *)(mr_pkt(m) + 1);
}

/* Queue in-order payload. Consumes m. @return false: dropped (counted), it must not be acknowledged. */
bool tcp_rcvq_append(struct tcp_conn *c, struct rte_mbuf *m);
/* Copy out (peek: leave). @return bytes. */
size_t tcp_rcvq_read(struct tcp_conn *c, void *buf, size_t len, bool peek);
/* Take the first packet out; NULL if there is none. */
struct rte_mbuf *tcp_rcvq_pop(struct tcp_conn *c);
void tcp_rcvq_free(struct tcp_conn *c);
/* Cut n bytes, at most all, off the front (the back) of a packet, over its segments. */
void tcp_payload_trim_front(struct rte_mbuf *m, uint32_t n);
void tcp_payload_trim_back(struct rte_mbuf *m, uint32_t n);
/* Copy a small packet behind another one that has room. @return false: not done. */
bool tcp_payload_join(struct rte_mbuf *tail, const struct rte_mbuf *m);

/* reasm.c: what arrives out of order. */
/* Queue payload starting at seq. Consumes m, trims overlap, drops (counted) what does not fit. */
void tcp_reasm_insert(struct tcp_conn *c, struct rte_mbuf *m, uint32_t seq);
/* Move what has become contiguous at c->rcv_nxt to the in-order queue and advance c->rcv_nxt. @return bytes moved. */
uint32_t tcp_reasm_advance(struct tcp_conn *c);
void tcp_reasm_free(struct tcp_conn *c);
/* Note that these sequence numbers came twice, to be told with the next ACK. */
void tcp_reasm_duplicate(struct tcp_conn *c, uint32_t from, uint32_t to);
/* Blocks that no ACK has told of since they grew. */
unsigned tcp_reasm_fresh(const struct tcp_conn *c);
/* Up to `max` blocks for a SACK option, the newest first, `skip` left out. @return how many. */
unsigned tcp_reasm_blocks(const struct tcp_conn *c, unsigned skip, uint32_t (*blocks)[2], unsigned max);
/* All has been told. */
void tcp_reasm_told(struct tcp_conn *c);

#endif
