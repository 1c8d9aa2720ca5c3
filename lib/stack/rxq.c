/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Receive queues of messages: reading, copies, the end. Putting in is in the header: it is on the way of every datagram.
 */
#include "stack/rxq.h"

#include <errno.h>
#include <string.h>

#include <rte_byteorder.h>
#include <rte_common.h>
#include <rte_memcpy.h>

struct rte_mbuf *
mr_rxq_copy(const struct mr_rxq *q, struct mr_stack *s, const struct rte_mbuf *m)
{
	enum mr_counter why = mr_rxq_refusal(q, s, q->bytes, s->rx_held, m->pkt_len);
	struct rte_mbuf *copy = why == MR_CNT_MAX ? rte_pktmbuf_copy(m, s->rx_pool, 0, UINT32_MAX) : NULL;

	if (copy)
		*mr_pkt(copy) = *mr_pkt(m);
	else
		mr_count(s, why == MR_CNT_MAX ? MR_DROP_NO_RX_MBUF : why);
	return copy;
}

static struct rte_mbuf *
rxq_take(struct mr_rxq *q, struct mr_stack *s)
{
	struct rte_mbuf *m = mr_pktq_pop(&q->pkts);

	if (m) {
		q->bytes -= m->pkt_len + MR_RXQ_OVERHEAD;
		s->rx_held -= m->nb_segs;
	}
	return m;
}

void
mr_rxq_drain(struct mr_rxq *q, struct mr_stack *s)
{
	struct rte_mbuf *m;

	while ((m = rxq_take(q, s)))
		mr_stack_free(s, m);
}

static inline struct mr_sockaddr
sender(const struct rte_mbuf *m)
{
	const struct mr_pkt *p = mr_pkt(m);

	return (struct mr_sockaddr){.addr = p->src, .port = rte_be_to_cpu_16(p->sport_be), .nic = p->nic_id};
}

/* The oldest message, still queued. NULL: *rc says why there is none */
static const struct rte_mbuf *
rxq_head(struct mr_rxq *q, struct mr_ep *ep, struct mr_sockaddr *from, ssize_t *rc)
{
	const struct rte_mbuf *m = q->pkts.head;

	if (!m) {
		*rc = mr_ep_error(ep);
		if (*rc == 0 && !q->shut)
			*rc = -EAGAIN;
		return NULL;
	}
	if (from)
		*from = sender(m);
	return m;
}

ssize_t
mr_rxq_recv(struct mr_rxq *q, struct mr_ep *ep, void *buf, size_t len, struct mr_sockaddr *from, bool peek)
{
	const struct rte_mbuf *m;
	const void *at;
	ssize_t rc;

	m = rxq_head(q, ep, from, &rc);
	if (!m)
		return rc;
	rc = (ssize_t)RTE_MIN(len, (size_t)m->pkt_len);
	at = likely(rc <= m->data_len) ? rte_pktmbuf_mtod(m, const void *) : rte_pktmbuf_read(m, 0, (uint32_t)rc, buf);
	if (rc > 0 && at != buf)
		rte_memcpy(buf, at, (size_t)rc);
	if (!peek)
		mr_stack_free(ep->stack, rxq_take(q, ep->stack));
	return rc;
}

ssize_t
mr_rxq_recv_mbuf(struct mr_rxq *q, struct mr_ep *ep, struct rte_mbuf **out, struct mr_sockaddr *from)
{
	ssize_t rc;

	if (!rxq_head(q, ep, from, &rc))
		return rc;
	*out = rxq_take(q, ep->stack);
	return (ssize_t)(*out)->pkt_len;
}

int
mr_rxq_recv_burst(struct mr_rxq *q, struct mr_ep *ep, struct rte_mbuf **pkts, struct mr_sockaddr *from, uint16_t n)
{
	uint32_t bytes = 0, segs = 0;
	struct rte_mbuf *m;
	uint16_t k = 0;
	ssize_t rc;

	if (unlikely(!q->pkts.head)) {
		rxq_head(q, ep, NULL, &rc);
		return (int)rc;
	}
	m = q->pkts.head;
	for (; k < n && m; k++) {
		if (from)
			from[k] = sender(m);
		bytes += m->pkt_len + MR_RXQ_OVERHEAD;
		segs += m->nb_segs;
		pkts[k] = m;
		m = mr_pkt(m)->next;
		mr_pkt(pkts[k])->next = NULL;
	}
	q->pkts.head = m;
	if (!m)
		q->pkts.tail = NULL;
	q->pkts.n -= k;
	q->bytes -= bytes;
	ep->stack->rx_held -= segs;
	return k;
}

int
mr_rxq_set_max(struct mr_rxq *q, int64_t bytes)
{
	if (bytes <= 0 || bytes > MR_RXQ_MAX_BYTES)
		return -EINVAL;
	q->max = (uint32_t)bytes;
	return 0;
}
