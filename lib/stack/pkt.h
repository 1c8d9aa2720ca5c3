/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file
 * Facts about a packet, written once beside the mbuf (its private area) by the pass that validates it.
 *
 * Every pool of the library is made with mr_pktpool_create, so each mbuf that a stack sees has this area. A driver
 * must call mr_pkt_init for each received frame. Offsets count from m->buf_addr, so they stay true while headers are
 * stripped by moving data_off.
 *
 * Invariant: m->data_off is at the frame on arrival, at the network header after the framing's pull, at the transport
 * header after the network protocol's input, and at the payload when the transport has taken it.
 */
#ifndef MR_STACK_PKT_H
#define MR_STACK_PKT_H

#include <assert.h>
#include <stdint.h>

#include <rte_mbuf.h>

#include "stack/millrace.h"

#ifdef __cplusplus
extern "C" {
#endif

struct mr_netep;
struct mr_nic;

#define MR_PKT_PRIV_BYTES 128 /**< of the private area: struct mr_pkt, and as much for the transport that sends */
/** What a whole header stack may need in front of a payload: 18 link, 40 network, 60 transport, rounded up. */
#define MR_HEADROOM 128

/** m->port of a frame that its sender keeps besides (refcnt 2), on the core that sends it and no other. */
#define MR_PORT_HELD (RTE_MBUF_PORT_INVALID - 1)
/** The same, also of one that its sender does not keep, if it is all that its connection has under way: for these a NIC's queue
 * has room of its own. */
#define MR_PORT_ALONE (RTE_MBUF_PORT_INVALID - 2)

#define MR_PKT_F_LINK_BROADCAST (1u << 0) /**< sent to the link's broadcast address */
#define MR_PKT_F_LINK_MULTICAST (1u << 1) /**< to a multicast one */
#define MR_PKT_F_NET_BROADCAST (1u << 2)  /**< network destination is a broadcast address */
#define MR_PKT_F_NET_MULTICAST (1u << 3)  /**< or a multicast one */
#define MR_PKT_F_L4_CKSUM_OK (1u << 4)    /**< verified, by the NIC or by software, or never left this host */
#define MR_PKT_F_LOCAL (1u << 5)          /**< looped back inside the stack */
#define MR_PKT_F_STEERED (1u << 6)        /**< handed over by the core that polled it */
#define MR_PKT_F_FRAGMENT (1u << 7)       /**< carries no transport header of its own */

/** Received packets. 64 bytes. */
struct mr_pkt {
	struct mr_addr src;      /**< network source */
	struct mr_netep *netep;  /**< local address instance it is for; NULL until found */
	union {
		struct mr_nic *nic;    /**< arrival NIC, while in dispatch */
		struct rte_mbuf *next; /**< link of struct mr_pktq, once queued */
	};
	uint32_t hash;           /**< flow hash, after demux, where who takes it may depend on it */
	uint16_t net_proto;      /**< EtherType */
	uint8_t ttl;             /**< TTL or hop limit */
	uint8_t trans_proto;     /**< transport protocol; the two as they lie in an IPv4 header */
	uint16_t net_off;        /**< network header */
	uint16_t trans_off;      /**< transport header */
	uint16_t trans_len;      /**< bytes of transport header and payload */
	uint16_t nic_id;         /**< arrival NIC of a datagram, once queued */
	uint16_t sport_be;       /**< sender's port */
	uint16_t dport_be;       /**< ours */
	uint8_t flags;           /**< MR_PKT_F_* */
	uint8_t tos;             /**< DSCP and ECN */
	uint8_t trans_hdr_len;   /**< bytes of transport header */
	uint8_t tcp_flags;       /**< for the transport's use, like seq and ack */
	union {
		/** Pseudo-header sum, transport protocol and length included, of less than 40 bits: until the transport has parsed. */
		uint64_t phdr_sum;
		__extension__ struct {
			uint32_t seq;        /**< for the transport's use, host order */
			uint32_t ack;        /**< the same */
		};
	};
};
static_assert(sizeof(struct mr_pkt) == 64, "one cache line");

/** The facts of a packet. */
static inline struct mr_pkt *
mr_pkt(const struct rte_mbuf *m)
{
	return (struct mr_pkt *)rte_mbuf_to_priv((struct rte_mbuf *)(uintptr_t)m);
}

/** Reset the facts of a frame that has just arrived. */
static inline void
mr_pkt_init(struct rte_mbuf *m)
{
	struct mr_pkt *p = mr_pkt(m);

	p->netep = NULL;
	p->nic = NULL;
	p->flags = 0;
	p->hash = 0;
}

/** The network header, also when it was stripped. */
static inline void *
mr_pkt_net_hdr(const struct rte_mbuf *m)
{
	return (char *)m->buf_addr + mr_pkt(m)->net_off;
}

/** The transport header, also when it was stripped. */
static inline void *
mr_pkt_trans_hdr(const struct rte_mbuf *m)
{
	return (char *)m->buf_addr + mr_pkt(m)->trans_off;
}

/** Network destination of a parsed packet on its way between cores; lives in the second line of the private area. */
static inline struct mr_addr *
mr_pkt_dst(const struct rte_mbuf *m)
{
	return (struct mr_addr *)(mr_pkt(m) + 1);
}

/** Does its sender, on this core, keep a frame besides? */
static inline bool
mr_pkt_is_held(const struct rte_mbuf *m)
{
	return m->port == MR_PORT_HELD || m->port == MR_PORT_ALONE;
}

/** A FIFO of packets, linked through mr_pkt.next. */
struct mr_pktq {
	struct rte_mbuf *head; /**< the oldest; NULL: empty */
	struct rte_mbuf *tail; /**< private */
	uint32_t n;            /**< packets */
};

/** Put a packet behind the others. The queue has it now. */
static inline void
mr_pktq_push(struct mr_pktq *q, struct rte_mbuf *m)
{
	mr_pkt(m)->next = NULL;
	if (q->tail)
		mr_pkt(q->tail)->next = m;
	else
		q->head = m;
	q->tail = m;
	q->n++;
}

/** Take the oldest; NULL: there is none. */
static inline struct rte_mbuf *
mr_pktq_pop(struct mr_pktq *q)
{
	struct rte_mbuf *m = q->head;

	if (!m)
		return NULL;
	q->head = mr_pkt(m)->next;
	if (!q->head)
		q->tail = NULL;
	q->n--;
	mr_pkt(m)->next = NULL;
	return m;
}

/** May headers be written in front of a packet: has nobody else its first buffer, and is there room? */
static inline bool
mr_pkt_is_own(const struct rte_mbuf *m, uint16_t headroom)
{
	return RTE_MBUF_DIRECT(m) && rte_mbuf_refcnt_read(m) == 1 && rte_pktmbuf_headroom(m) >= headroom;
}

/** A packet pool with room for the facts. @param data_bytes room behind the headroom. NULL and rte_errno on failure. */
struct rte_mempool *mr_pktpool_create(const char *name, uint32_t n, uint32_t data_bytes, int socket_id);

/** mr_pkt_linear for packets whose first segment is too short. */
bool mr_pkt_linearize(struct rte_mbuf *m, uint32_t len);

/** Make the first `len` bytes of the packet contiguous, copying from later segments if need be (SS-18).
 *  Does not consume it. @return false if the packet is shorter, or its first segment has no room for them. */
static inline bool
mr_pkt_linear(struct rte_mbuf *m, uint32_t len)
{
	return likely(len <= m->data_len) || mr_pkt_linearize(m, len);
}

#ifdef __cplusplus
}
#endif
#endif
