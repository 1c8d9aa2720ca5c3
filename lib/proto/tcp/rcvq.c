/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The receive queue: payload in order for the application. It is bounded in bytes by the window and in mbufs by the
 * stack's budget. Small segments are copied into the tail room of the one before, so that a sender of single bytes
 * cannot pin an mbuf for each. Data refused here is not acknowledged; the peer sends it again.
 *
 * What arrives out of order is in reasm.c.
 */
#include "proto/tcp/tcp.h"

#include <string.h>

#include <rte_common.h>
#include <rte_memcpy.h>

#define COALESCE_MAX 512 /* larger segments are not worth the copy */
#define COPY_IN_LINE 64

static inline void
held_free(struct tcp_conn *c, struct rte_mbuf *m)
{
	c->ep.stack->rx_held -= m->nb_segs;
	mr_stack_free(c->ep.stack, m);
}

bool
tcp_payload_join(struct rte_mbuf *tail, const struct rte_mbuf *m)
{
	struct rte_mbuf *last;

	if (!tail || m->pkt_len > COALESCE_MAX || m->nb_segs > 1)
		return false;
	last = rte_pktmbuf_lastseg(tail);
	if (!RTE_MBUF_DIRECT(last) || rte_mbuf_refcnt_read(last) != 1 || rte_pktmbuf_tailroom(last) < m->pkt_len)
		return false;
	memcpy(rte_pktmbuf_append(tail, (uint16_t)m->pkt_len), rte_pktmbuf_mtod(m, void *), m->pkt_len);
	return true;
}

bool
tcp_rcvq_append(struct tcp_conn *c, struct rte_mbuf *m)
{
	struct mr_stack *s = c->ep.stack;
	uint32_t len = m->pkt_len;

	if (tcp_payload_join(c->rcvq.in_order.tail, m)) {
		mr_stack_free(s, m);
	} else if (s->rx_held + m->nb_segs <= s->rx_held_max) {
		s->rx_held += m->nb_segs;
		mr_pktq_push(&c->rcvq.in_order, m);
	} else {
		mr_drop(s, m, MR_DROP_TCP_NO_MEMORY);
		return false;
	}
	c->rcvq.bytes += len;
	return true;
}

void
tcp_payload_trim_front(struct rte_mbuf *m, uint32_t n)
{
	/* rte_pktmbuf_adj stays within the first segment; here emptied segments stay in the chain. */
	m->pkt_len -= n;
	for (; n > 0; m = m->next) {
		uint16_t k = (uint16_t)RTE_MIN(n, (uint32_t)m->data_len);

		m->data_off += k;
		m->data_len -= k;
		n -= k;
	}
}

void
tcp_payload_trim_back(struct rte_mbuf *m, uint32_t n)
{
	uint32_t left = m->pkt_len - n;

	m->pkt_len = left;
	for (; m; m = m->next) {
		m->data_len = (uint16_t)RTE_MIN(left, (uint32_t)m->data_len);
		left -= m->data_len;
	}
}

/* Copy the first n bytes of a packet: a few in line, many with the C library's wider registers. */
static inline void
payload_copy(void *buf, const struct rte_mbuf *m, uint32_t n)
{
	const void *p = rte_pktmbuf_read(m, 0, n, buf);

	if (p == buf)
		return;
	if (n <= COPY_IN_LINE)
		rte_memcpy(buf, p, n);
	else
		memcpy(buf, p, n);
}

size_t
tcp_rcvq_read(struct tcp_conn *c, void *buf, size_t len, bool peek)
{
	struct tcp_rcvq *q = &c->rcvq;
	struct rte_mbuf *m = q->in_order.head;
	size_t done = 0;

	while (m && done < len) {
		struct rte_mbuf *next = mr_pkt(m)->next;
		uint32_t n = (uint32_t)RTE_MIN((size_t)m->pkt_len, len - done);

		payload_copy((char *)buf + done, m, n);
		done += n;
		if (!peek && n == m->pkt_len)
			held_free(c, mr_pktq_pop(&q->in_order));
		else if (!peek)
			tcp_payload_trim_front(m, n);
		m = next;
	}
	if (!peek)
		q->bytes -= (uint32_t)done;
	return done;
}

struct rte_mbuf *
tcp_rcvq_pop(struct tcp_conn *c)
{
	struct rte_mbuf *m = mr_pktq_pop(&c->rcvq.in_order);

	if (m) {
		c->ep.stack->rx_held -= m->nb_segs;
		c->rcvq.bytes -= m->pkt_len;
	}
	return m;
}

void
tcp_rcvq_free(struct tcp_conn *c)
{
	struct rte_mbuf *m;

	while ((m = mr_pktq_pop(&c->rcvq.in_order)))
		held_free(c, m);
	tcp_reasm_free(c);
	c->rcvq.bytes = 0;
	c->rcvq.has_fin = false;
}
