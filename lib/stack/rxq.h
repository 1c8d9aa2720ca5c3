/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The receive queue of endpoints that get whole messages: datagrams, packets, frames.
 *
 * It holds no more than its own bytes, each message charged with an overhead, and all queues together no more packets
 * than the stack's budget. What a message is and where it came from is in the facts of its packet (mr_pkt): the source
 * address, the port, and in `seq` the NIC; the packet's data is what the reader gets.
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

/* Why a message of so many bytes would not be taken; MR_CNT_MAX if it would. */
static inline enum mr_counter
mr_rxq_refusal(const struct mr_rxq *q, const struct mr_stack *s, uint32_t len)
{
	if (unlikely(q->shut || q->bytes + len + MR_RXQ_OVERHEAD > q->max))
		return q->counters->full;
	return likely(mr_stack_rx_room(s)) ? MR_CNT_MAX : q->counters->no_memory;
}

/* Queue a message that came in at a NIC, or drop it. Consumes it. What was queued is still to be told: mr_rxq_tell.
 * @return is it queued? */
static inline bool
mr_rxq_add(struct mr_rxq *q, struct mr_stack *s, struct rte_mbuf *m, uint16_t nic)
{
	enum mr_counter why = mr_rxq_refusal(q, s, m->pkt_len);

	if (unlikely(why != MR_CNT_MAX)) {
		mr_drop(s, m, why);
		return false;
	}
	mr_pkt(m)->seq = nic;
	mr_pkt(m)->netep = NULL;
	q->bytes += m->pkt_len + MR_RXQ_OVERHEAD;
	s->rx_held += m->nb_segs;
	mr_pktq_push(&q->pkts, m);
	return true;
}

/* Count so many that were queued, and tell the endpoint of them. */
static inline void
mr_rxq_tell(struct mr_rxq *q, struct mr_ep *ep, uint16_t n)
{
	if (n == 0)
		return;
	mr_count_n(ep->stack, q->counters->taken, n);
	mr_ep_event(ep, MR_EV_IN);
}

/* Both for a message that is alone. */
static inline void
mr_rxq_put(struct mr_rxq *q, struct mr_ep *ep, struct rte_mbuf *m, uint16_t nic)
{
	mr_rxq_tell(q, ep, mr_rxq_add(q, ep->stack, m, nic));
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
