/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Urgent data (RFC 9293 3.8.5): a mark in the stream behind the last byte that is urgent, told by every segment before it.
 * The data itself stays in line, of any length, and is read in its place (RFC 6093 3.3): an application is told that there is
 * a mark before it (MR_EV_PRI), and may ask how far it is (MR_OPT_TCP_URGENT).
 *
 * A pointer may say what it likes: it is a sequence number that is compared, and no length of anything. One that points at
 * what was read already, or does not move the mark on, says nothing.
 */
#include "proto/tcp/tcp.h"

#include <errno.h>

#include <rte_byteorder.h>
#include <rte_common.h>

#include "stack/context.h"

#define POINTER_MAX 65535u /* what a header has room for; later segments tell the rest (MUST-31) */

/* Sequence number of the next byte that the application reads. */
static uint32_t
read_seq(const struct tcp_conn *c)
{
	return c->rcv_nxt - !!(c->flags & TCP_F_FIN_RCVD) - c->rcvq.bytes;
}

/* Sixth step: check the URG bit. The segment may have been trimmed; its pointer counts from where it began. */
void
tcp_urgent_input(struct tcp_conn *c, const struct tcp_rx *rx)
{
	uint32_t up = mr_pkt(rx->m)->seq + rte_be_to_cpu_16(rx->urp_be);

	if (!tcp_state_can_receive(c) || seq_leq(up, read_seq(c)))
		return;
	if ((c->flags & TCP_F_URG_RCVD) && seq_leq(up, c->rare->rcv_up))
		return;
	tcp_rare_own(c)->rcv_up = up;
	c->flags |= TCP_F_URG_RCVD;
	mr_count(c->ep.stack, MR_CNT_TCP_URGENT);
	mr_ep_event(&c->ep, MR_EV_PRI); /* MUST-32: of a new one, and of one that moves on */
}

void
tcp_urgent_read(struct tcp_conn *c)
{
	if (seq_leq(c->rare->rcv_up, read_seq(c)))
		c->flags &= ~TCP_F_URG_RCVD;
}

uint32_t
tcp_urgent_left(const struct tcp_conn *c)
{
	uint32_t left;

	if (!(c->flags & TCP_F_URG_RCVD))
		return 0;
	left = c->rare->rcv_up - read_seq(c);
	/* Behind the end of the stream nothing comes. */
	return c->flags & TCP_F_FIN_RCVD ? RTE_MIN(left, c->rcvq.bytes) : left;
}

/* MUST-62: the pointer is that of the octet behind the urgent data. */
rte_be16_t
tcp_urgent_pointer(struct tcp_conn *c, uint32_t seq, uint8_t flags)
{
	uint32_t up = c->rare->snd_up;

	if (seq_leq(up, c->snd_una)) {
		c->flags &= ~TCP_F_URG_SENT;
		return 0;
	}
	if (seq_leq(up, seq) || (flags & TCP_RST))
		return 0;
	return rte_cpu_to_be_16((uint16_t)RTE_MIN(up - seq, POINTER_MAX));
}

ssize_t
mr_tcp_send_urgent(struct mr_ep *ep, const void *buf, size_t len)
{
	struct tcp_conn *c = tcp_conn(ep);
	ssize_t n;

	MR_OWN_CORE(ep->stack);
	if (ep->ops != &tcp_ep_ops)
		return -EOPNOTSUPP;
	n = ep->ops->send(ep, buf, len, NULL);
	if (n <= 0)
		return n;
	tcp_rare_own(c)->snd_up = c->sendq->end_seq;
	c->flags |= TCP_F_URG_SENT;
	/* Told at once, also when the data has to wait. */
	tcp_ack_now(c);
	return n;
}
