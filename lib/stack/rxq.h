/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The receive queue of endpoints that get whole messages: datagrams, packets, frames.
 *
 * It holds no more than its own bytes, each message charged with an overhead, and all queues together no more packets
 * than the stack's budget. What a message is and where it came from is in the facts of its packet (mr_pkt): the source
 * address, the port and the NIC; the packet's data is what the reader gets.
 */
#ifndef MR_STACK_RXQ_H
#define MR_STACK_RXQ_H

#include <stdint.h>

#include "stack/endpoint.h"
#include "stack/pkt.h"
#include "stack/stack.h"

#define MR_RXQ_DEFAULT_BYTES (256 * 1024)
#define MR_RXQ_MAX_BYTES INT32_MAX
#define MR_RXQ_OVERHEAD 256 /* charged beside a message's bytes */

/* How an endpoint's kind counts what comes. */
struct mr_rxq_counters {
	enum mr_counter taken, full, no_memory;
};

struct mr_rxq {
	struct mr_pktq pkts;
	uint32_t bytes, max;
	bool shut; /* for reading: takes nothing more, and when it is empty that is the end */
	const struct mr_rxq_counters *counters;
};

/* Why a message of `len` bytes would not be taken by a queue that has so many, with so many packets in all queues;
 * MR_CNT_MAX if it would. */
static inline enum mr_counter
mr_rxq_refusal(const struct mr_rxq *q, const struct mr_stack *s, uint32_t bytes, uint32_t held, uint32_t len)
{
	if (unlikely(q->shut || bytes + len + MR_RXQ_OVERHEAD > q->max))
		return q->counters->full;
	return likely(held < s->rx_held_max) ? MR_CNT_MAX : q->counters->no_memory;
}

/* Queue messages that came in at a NIC and tell the endpoint; those for which there is no room are dropped. Consumes all. */
static inline void
mr_rxq_put(struct mr_rxq *q, struct mr_ep *ep, struct rte_mbuf **pkts, uint16_t n, uint16_t nic)
{
	struct mr_stack *s = ep->stack;
	struct rte_mbuf **link = q->pkts.tail ? &mr_pkt(q->pkts.tail)->next : &q->pkts.head, *last = NULL;
	uint32_t bytes = q->bytes, held = s->rx_held, taken = 0;

	for (uint16_t i = 0; i < n; i++) {
		struct rte_mbuf *m = pkts[i];
		enum mr_counter why = mr_rxq_refusal(q, s, bytes, held, m->pkt_len);

		if (unlikely(why != MR_CNT_MAX)) {
			mr_drop(s, m, why);
			continue;
		}
		mr_pkt(m)->nic_id = nic;
		mr_pkt(m)->netep = NULL;
		bytes += m->pkt_len + MR_RXQ_OVERHEAD;
		held += m->nb_segs;
		*link = last = m;
		link = &mr_pkt(m)->next;
		taken++;
	}
	if (unlikely(!last))
		return;
	*link = NULL;
	q->pkts.tail = last;
	q->pkts.n += taken;
	q->bytes = bytes;
	s->rx_held = held;
	mr_count_n(s, q->counters->taken, taken);
	mr_ep_event(ep, MR_EV_IN);
}

/* A copy of a packet that others also want, if the queue has room for it; facts are copied too, offsets excepted.
 * NULL: none, counted. */
struct rte_mbuf *mr_rxq_copy(const struct mr_rxq *q, struct mr_stack *s, const struct rte_mbuf *m);
/* Free what waits. */
void mr_rxq_drain(struct mr_rxq *q, struct mr_stack *s);
/* Operations of the handle: see mr_ep_recv, mr_ep_peek, mr_ep_recv_mbuf, mr_ep_recv_burst. */
ssize_t mr_rxq_recv(struct mr_rxq *q, struct mr_ep *ep, void *buf, size_t len, struct mr_sockaddr *from, bool peek);
ssize_t mr_rxq_recv_mbuf(struct mr_rxq *q, struct mr_ep *ep, struct rte_mbuf **out, struct mr_sockaddr *from);
int mr_rxq_recv_burst(struct mr_rxq *q, struct mr_ep *ep, struct rte_mbuf **pkts, struct mr_sockaddr *from, uint16_t n);
/* MR_OPT_RCVBUF. @return 0 or -EINVAL */
int mr_rxq_set_max(struct mr_rxq *q, int64_t bytes);

#endif
