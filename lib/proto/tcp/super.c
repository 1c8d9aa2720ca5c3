/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Segments that go out in one frame, which the link cuts into them again (TSO): one pass through IP, neighbour and driver
 * for dozens of segments, and no checksum of ours.
 *
 * The frame is a new mbuf with headers, and the payloads of consecutive segments chained to it. Each segment stays what it
 * is in the send queue, with its own record, so loss, SACK and RACK see no difference. The link repeats the
 * headers, so the wire sees the segments that would have gone alone: all full but the last, PSH and FIN only with the last.
 * What cannot be repeated goes alone: CWR, and what is sent again. So does what has no mbuf, for it is a write of its own. So
 * nobody else holds what is chained: it was in no frame.
 *
 * Payload that lies in one piece, of a long write or in the application's memory, is one in the frame too: the first segment's
 * mbuf stands for those that follow it. As long as the frame has that, it has the memory that all of them refer to.
 *
 * A payload's `next` is left as it is when the link lets the frame go; output.c and sendq.c clear it when they use the
 * segment again.
 */
#include "proto/tcp/tcp_out.h"

#include <rte_debug.h>

/* Payload of a frame whose length IP can tell, and that has its link header within 64 KiB too. */
#define SUPER_BYTES (65535u - 18 - 40 - TCP_MAX_HDR_BYTES)
#define PIECE_BYTES 16383u /* more than this is not for the descriptors of many devices, whose lengths have 14 bits */

/* May a segment be chained: it has payload, and nothing to tell that must not be repeated? */
static bool
can_join(const struct tcp_conn *c, const struct rte_mbuf *m)
{
	return tcp_seg(m)->len > 0 && !(c->ecn & TCP_ECN_CWR);
}

/* May others follow it in the same frame? */
static bool
is_last(const struct tcp_conn *c, const struct tcp_seg *s)
{
	return s->len < c->mss || s->flags & (TCP_SEG_PSH | TCP_SEG_FIN);
}

static bool
begin(struct tcp_out *o, const struct tcp_seg *s)
{
	/* Not worth a second mbuf for one segment. */
	if (!s->next || is_last(o->c, s) || !can_join(o->c, s->next))
		return false;
	o->super = o->super_last = mr_stack_tx_alloc(o->c->ep.stack);
	o->super_seq = s->seq;
	o->super_segs = 0;
	o->super_flags = 0;
	return o->super;
}

/* Does the payload of a segment lie behind what the frame ends with, in the same memory? */
static bool
goes_on(const struct rte_mbuf *last, const struct rte_mbuf *m)
{
	return last->buf_addr == m->buf_addr && last->data_off + last->data_len == tcp_seg(m)->data_off &&
	       (!RTE_MBUF_HAS_EXTBUF(m) || last->shinfo == m->shinfo) && last->data_len + tcp_seg(m)->len <= PIECE_BYTES;
}

static void
chain(struct tcp_out *o, struct rte_mbuf *m)
{
	const struct tcp_seg *s = tcp_seg(m);

	RTE_ASSERT(rte_mbuf_refcnt_read(m) == 1 && !m->next);
	if (goes_on(o->super_last, m)) {
		o->super_last->data_len += s->len;
	} else {
		m->data_off = s->data_off;
		m->data_len = (uint16_t)s->len;
		rte_mbuf_refcnt_update(m, 1);
		o->super_last->next = m;
		o->super_last = m;
		o->super->nb_segs++;
	}
	o->super_segs++;
	o->super->pkt_len += s->len;
	if (s->flags & TCP_SEG_PSH)
		o->super_flags |= TCP_PSH;
	if (s->flags & TCP_SEG_FIN)
		o->super_flags |= TCP_FIN;
}

/* Is there no room for what comes next? */
static bool
is_full(const struct tcp_out *o, const struct rte_mbuf *next)
{
	const struct tcp_conn *c = o->c;

	return o->super->pkt_len + c->mss > SUPER_BYTES ||
	       (o->super->nb_segs > c->route.local->nic->tso_segs && !goes_on(o->super_last, next));
}

bool
tcp_super_take(struct tcp_out *o, struct rte_mbuf *m)
{
	struct tcp_conn *c = o->c;
	const struct tcp_seg *s = tcp_seg(m);

	if (!can_join(c, m) || (!o->super && !begin(o, s))) {
		tcp_super_end(o);
		return false;
	}
	chain(o, m);
	if (is_last(c, s) || !s->next || is_full(o, s->next))
		tcp_super_end(o);
	return true;
}

void
tcp_super_end(struct tcp_out *o)
{
	struct tcp_conn *c = o->c;
	struct rte_mbuf *f = o->super;
	struct tcp_tx tx;

	if (!f)
		return;
	o->super = NULL;
	if (o->super_segs > 1) {
		f->ol_flags |= RTE_MBUF_F_TX_TCP_SEG;
		f->tso_segsz = c->mss;
		mr_count_n(c->ep.stack, MR_CNT_TCP_TX_SEGMENTS, o->super_segs - 1);
	}
	tcp_tx_fill(c, &tx, TCP_ACK | o->super_flags, o->super_seq);
	tcp_hdr_push(f, &tx, &c->route);
	tcp_out_add(o, f, c->ecn & TCP_ECN_ON ? TCP_ECT_0 : 0);
}
