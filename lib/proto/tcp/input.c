/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A segment arrives for a connection: RFC 9293 3.10.7.4, one function per numbered step, in order. Each step either lets
 * the segment pass (true) or consumes it (false). The third step, security, does not apply.
 *
 * Input marks what is to be sent and never sends: an ACK at once, or owed within the delayed-ACK time.
 */
#include "proto/tcp/tcp.h"

#include <errno.h>

#include <rte_common.h>

void
tcp_ack_now(struct tcp_conn *c)
{
	c->why |= TCP_WHY_ACK_NOW;
	mr_ep_mark_dirty(&c->ep);
}

/* This segment wants an ACK beside those of the others of its turn. To a peer without SACK equal ACKs are signs of loss: it
 * gets them only for what is out of order. */
static void
ack_each(struct tcp_conn *c, bool out_of_order)
{
	if ((out_of_order || c->flags & TCP_F_SACK) && c->each_acked < UINT8_MAX)
		c->each_acked++;
}

/* Every second full segment at once, otherwise within the delayed-ACK time (SHLD-18, SHLD-19); but what follows a loss at
 * once, for a sender whose window is down to a segment or two would wait for the timer with each of them. */
static void
ack_later(struct tcp_conn *c, const struct tcp_rx *rx)
{
	struct mr_stack *s = c->ep.stack;

	if ((c->flags & TCP_F_QUICKACK) || c->rcvq.quick_segs || c->rcv_nxt - c->last_ack_sent >= 2u * c->rcv_mss) {
		if (c->rcvq.quick_segs) {
			c->rcvq.quick_segs--;
			ack_each(c, false);
		}
		if (c->rare->read_since_ns)
			c->rare->rcv_tsecr = rx->tsecr;
		tcp_ack_now(c);
		return;
	}
	c->why |= TCP_WHY_ACK_DELAYED;
	/* The timer is set by output, if nothing that goes out in this turn carries the ACK. */
	if (!c->delack_ns) {
		c->delack_ns = s->now_ns + tcp_of(s)->delack_ns;
		mr_ep_mark_dirty(&c->ep);
	}
}

void
tcp_challenge_ack(struct tcp_conn *c)
{
	struct mr_stack *s = c->ep.stack;
	uint32_t now_ms = (uint32_t)(s->now_ns / 1000000);

	if (c->challenge_ms && now_ms - c->challenge_ms < TCP_CHALLENGE_MS)
		return;
	c->challenge_ms = now_ms ? now_ms : 1;
	mr_count(s, MR_CNT_TCP_CHALLENGE_ACKS);
	tcp_ack_now(c);
}

static bool
rx_drop(struct tcp_conn *c, struct tcp_rx *rx, enum mr_counter reason)
{
	mr_drop(c->ep.stack, rx->m, reason);
	rx->m = NULL;
	return false;
}

/* What carries data is answered, and told if it came twice (RFC 2883 4); bare ACKs only now and then, so that two confused
 * ends cannot fight (T93-15). */
static bool
refuse(struct tcp_conn *c, struct tcp_rx *rx, enum mr_counter reason)
{
	if (rx->len && seq_leq(rx->seq + rx->len, c->rcv_nxt))
		tcp_reasm_duplicate(c, rx->seq, rx->seq + rx->len);
	if (rx->len || (rx->flags & (TCP_SYN | TCP_FIN)))
		tcp_ack_now(c);
	else
		tcp_challenge_ack(c);
	return rx_drop(c, rx, reason);
}

/* What is sent again has a newer timestamp than all that the network has held up; once it has closed a hole, those would be
 * refused, each one more loss. So while something is missing, data may be a little older. It is not of the last time that the
 * sequence numbers went round: for that, 4 GiB would have to come within this time. */
static bool
late_in_a_hole(const struct tcp_conn *c, const struct tcp_rx *rx)
{
	return rx->len > 0 && c->rcvq.ooo && c->ts_recent - rx->tsval <= TCP_PAWS_LATE_TICKS;
}

/* An ACK that others have overtaken may still tell of what came twice. As with Linux it is no older than a timeout. */
static bool
late_ack(const struct tcp_conn *c, struct tcp_rx *rx)
{
	if (rx->len > 0 || rx->flags & (TCP_SYN | TCP_FIN) || seq_gt(rx->ack, c->snd_una) ||
	    c->ts_recent - rx->tsval > c->rtt.rto_ns / 1000000)
		return false;
	rx->opts |= TCP_OPT_LATE;
	rx->wnd = c->snd_wnd >> c->snd_wscale; /* what it says is over */
	return true;
}

/* Before the first step: protection against wrapped sequence numbers (RFC 7323 5.3). */
static bool
paws_check(struct tcp_conn *c, struct tcp_rx *rx)
{
	if (!(c->flags & TCP_F_TS) || !(rx->opts & TCP_OPT_TS) || (rx->flags & TCP_RST) || seq_geq(rx->tsval, c->ts_recent))
		return true;
	if (c->ep.stack->now_ns - c->last_rx_ns > TCP_PAWS_IDLE_NS) {
		c->ts_recent = rx->tsval;
		return true;
	}
	return late_in_a_hole(c, rx) || late_ack(c, rx) || refuse(c, rx, MR_DROP_TCP_PAWS);
}

/* The four cases of acceptability (T93-01). */
static bool
acceptable(const struct tcp_conn *c, const struct tcp_rx *rx)
{
	uint32_t wnd = c->rcv_adv - c->rcv_nxt;
	uint32_t span = rx->len + !!(rx->flags & TCP_SYN) + !!(rx->flags & TCP_FIN);

	if (span == 0)
		return wnd == 0 ? rx->seq == c->rcv_nxt : rx->seq - c->rcv_nxt < wnd;
	return wnd > 0 && (rx->seq - c->rcv_nxt < wnd || rx->seq + span - 1 - c->rcv_nxt < wnd);
}

/* Cut what lies outside the window (T93-02). */
static void
trim_to_window(struct tcp_conn *c, struct tcp_rx *rx)
{
	if (seq_lt(rx->seq, c->rcv_nxt)) {
		uint32_t old = c->rcv_nxt - rx->seq, cut;

		if (rx->len)
			tcp_reasm_duplicate(c, rx->seq, seq_min(rx->seq + rx->len, c->rcv_nxt));
		if (rx->flags & TCP_SYN) {
			rx->flags &= (uint8_t)~TCP_SYN;
			old--;
		}
		cut = RTE_MIN(old, rx->len);
		tcp_payload_trim_front(rx->m, cut);
		rx->len -= cut;
		if (old > cut)
			rx->flags &= (uint8_t)~TCP_FIN;
		rx->seq = c->rcv_nxt;
		tcp_ack_now(c);
	}
	if (rx->len && seq_gt(rx->seq + rx->len, c->rcv_adv)) {
		uint32_t over = rx->seq + rx->len - c->rcv_adv;

		tcp_payload_trim_back(rx->m, over);
		rx->len -= over;
		rx->flags &= (uint8_t)~TCP_FIN;
		tcp_ack_now(c);
	}
}

/*
 * A peer that gave up after its FIN resets for what we had sent before that FIN came, with what we acknowledged then: the
 * FIN's own number. RFC 5961 3.2 would have us go on sending to nobody; Linux believes it, and so do we.
 */
static bool
reset_at_fin(const struct tcp_conn *c, const struct tcp_rx *rx)
{
	return rx->seq + 1 == c->rcv_nxt &&
	       (c->state == MR_TCP_CLOSE_WAIT || c->state == MR_TCP_LAST_ACK || c->state == MR_TCP_CLOSING);
}

/* First: check the sequence number. */
static bool
step1_sequence(struct tcp_conn *c, struct tcp_rx *rx)
{
	/* The peer's SYN again. As it was: our answer was lost (B-47). With its ACK: a simultaneous open completes (3.5,
	 * figure 8). */
	if (c->state == MR_TCP_SYN_RECEIVED && (rx->flags & TCP_SYN) && rx->seq == c->irs) {
		if (!(rx->flags & (TCP_ACK | TCP_RST))) {
			if (!tcp_ecn_accepts(c, rx->flags))
				c->ecn &= (uint8_t)~TCP_ECN_ON;
			c->retries = RTE_MAX(c->retries, 1); /* whose round trip is it then? */
			c->why |= TCP_WHY_SYN;
			mr_ep_mark_dirty(&c->ep);
			return rx_drop(c, rx, MR_DROP_TCP_DUPLICATE);
		}
		rx->flags &= (uint8_t)~TCP_SYN;
		rx->seq++;
	}
	if (acceptable(c, rx)) {
		if ((c->flags & TCP_F_TS) && (rx->opts & TCP_OPT_TS) && seq_leq(rx->seq, c->last_ack_sent) &&
		    seq_geq(rx->tsval, c->ts_recent))
			c->ts_recent = rx->tsval;
		if (!(rx->flags & TCP_RST))
			trim_to_window(c, rx);
		return true;
	}
	/* A closed window still lets ACKs and resets at its edge in, without the rest of the segment (MUST-66). */
	if (c->rcv_adv == c->rcv_nxt && rx->seq == c->rcv_nxt) {
		tcp_payload_trim_back(rx->m, rx->len);
		rx->len = 0;
		rx->flags &= (uint8_t)~TCP_FIN;
		tcp_ack_now(c);
		return true;
	}
	if (rx->flags & TCP_RST) {
		if (!reset_at_fin(c, rx))
			return rx_drop(c, rx, MR_DROP_TCP_OUT_OF_WINDOW);
		rx->seq = c->rcv_nxt;
		return true;
	}
	return refuse(c, rx, MR_DROP_TCP_OUT_OF_WINDOW);
}

/* Second: check the RST bit (RFC 5961 3). */
static bool
step2_reset(struct tcp_conn *c, struct tcp_rx *rx)
{
	if (!(rx->flags & TCP_RST))
		return true;
	if (rx->seq != c->rcv_nxt) {
		tcp_challenge_ack(c);
		return rx_drop(c, rx, MR_DROP_TCP_BAD_RST);
	}
	mr_stack_free(c->ep.stack, rx->m);
	rx->m = NULL;
	mr_count(c->ep.stack, MR_CNT_TCP_RESETS_RX);
	/* Also in CLOSING and LAST-ACK: whether the peer had all that was sent, nobody knows. */
	tcp_conn_end(c, c->state == MR_TCP_SYN_RECEIVED && !(c->rare->fo & TCP_FO_CHILD) ? -ECONNREFUSED : -ECONNRESET);
	return false;
}

/* Fourth: check the SYN bit (RFC 5961 4). */
static bool
step4_syn(struct tcp_conn *c, struct tcp_rx *rx)
{
	if (!(rx->flags & TCP_SYN))
		return true;
	tcp_challenge_ack(c);
	return rx_drop(c, rx, MR_DROP_TCP_SYN_IN_CONN);
}

/* Fifth: check the ACK field. */
static bool
step5_ack(struct tcp_conn *c, struct tcp_rx *rx)
{
	if (unlikely(!(rx->flags & TCP_ACK))) /* tcp_syn_data's has none */
		return (rx->flags & TCP_SYN) || rx_drop(c, rx, MR_DROP_TCP_BAD_ACK);
	if (c->state == MR_TCP_SYN_RECEIVED) {
		/* Of a simultaneous open, or of Fast Open. */
		if (!seq_gt(rx->ack, c->snd_una) || seq_gt(rx->ack, c->snd_nxt + c->rare->fo_bytes)) {
			tcp_reset_reply(tcp_of(c->ep.stack), rx->m, MR_DROP_TCP_BAD_ACK);
			rx->m = NULL;
			return false;
		}
		tcp_established(c, rx);
	}
	if (!tcp_ack_process(c, rx))
		return false;
	if (!tcp_fin_acked(c))
		return true;
	if (c->state == MR_TCP_FIN_WAIT_1) {
		tcp_state_set(c, MR_TCP_FIN_WAIT_2);
		tcp_orphan_fin_wait_2(c);
	} else if (c->state == MR_TCP_CLOSING) {
		mr_stack_free(c->ep.stack, rx->m);
		rx->m = NULL;
		tcp_state_set(c, MR_TCP_TIME_WAIT);
	} else if (c->state == MR_TCP_LAST_ACK) {
		mr_stack_free(c->ep.stack, rx->m);
		rx->m = NULL;
		tcp_conn_end(c, 0);
	}
	return rx->m != NULL;
}

/* Data for a reader that is gone cannot be delivered: tell the peer (SHLD-3). */
static bool
text_after_close(struct tcp_conn *c, struct tcp_rx *rx)
{
	rx_drop(c, rx, MR_DROP_TCP_AFTER_CLOSE);
	c->rcv_nxt += rx->len;
	tcp_reset_conn(c);
	tcp_conn_end(c, 0);
	return false;
}

static void
text_in_order(struct tcp_conn *c, struct tcp_rx *rx)
{
	bool gap = c->rcvq.ooo != NULL;

	if (c->flags & TCP_F_SHUT_RD) {
		mr_stack_free(c->ep.stack, rx->m);
	} else if (!tcp_rcvq_append(c, rx->m)) {
		rx->m = NULL;
		tcp_ack_now(c);
		return;
	}
	rx->m = NULL;
	c->rcv_nxt += rx->len;
	c->bytes_received += rx->len;
	if (gap) {
		c->bytes_received += tcp_reasm_advance(c);
		tcp_quick_acks(c);
		ack_each(c, false);
		tcp_ack_now(c);
	} else {
		ack_later(c, rx);
	}
	mr_ep_event(&c->ep, MR_EV_IN);
}

/* What a full segment is. A device may have made one packet of several, and says how large they were. */
static inline void
rcv_mss_note(struct tcp_conn *c, const struct tcp_rx *rx)
{
	uint32_t len = rx->len;

	if (likely(len <= c->rcv_mss))
		return;
	if (rx->m->ol_flags & RTE_MBUF_F_RX_LRO && rx->m->tso_segsz > 0)
		len = RTE_MIN(len, (uint32_t)rx->m->tso_segsz);
	c->rcv_mss = (uint16_t)RTE_MAX(RTE_MIN(len, (uint32_t)UINT16_MAX), (uint32_t)c->rcv_mss);
}

/* Seventh: process the segment text. @return false when the connection is over. */
static bool
step7_text(struct tcp_conn *c, struct tcp_rx *rx)
{
	if (rx->len == 0) {
		mr_stack_free(c->ep.stack, rx->m);
		rx->m = NULL;
		return true;
	}
	if (!tcp_state_can_receive(c)) {
		rx_drop(c, rx, MR_DROP_TCP_AFTER_CLOSE);
		return true;
	}
	if (c->ep.flags & MR_EP_F_CLOSED)
		return text_after_close(c, rx);
	rcv_mss_note(c, rx);
	if (rx->seq == c->rcv_nxt) {
		text_in_order(c, rx);
	} else {
		tcp_reasm_insert(c, rx->m, rx->seq);
		rx->m = NULL;
		ack_each(c, true);
		tcp_ack_now(c);
	}
	return true;
}

/* The peer's FIN is next in order. */
static void
fin_received(struct tcp_conn *c)
{
	c->rcv_nxt++;
	c->flags |= TCP_F_FIN_RCVD;
	tcp_ack_now(c);
	mr_ep_event(&c->ep, MR_EV_IN);
	switch (c->state) {
	case MR_TCP_ESTABLISHED:
		tcp_state_set(c, MR_TCP_CLOSE_WAIT);
		break;
	case MR_TCP_FIN_WAIT_1:
		tcp_state_set(c, MR_TCP_CLOSING);
		break;
	case MR_TCP_FIN_WAIT_2:
		tcp_state_set(c, MR_TCP_TIME_WAIT);
		break;
	default:
		break;
	}
}

/* Eighth: check the FIN bit; a FIN that arrived early waits for its turn (T93-09). */
static void
step8_fin(struct tcp_conn *c, const struct tcp_rx *rx)
{
	if (!tcp_state_can_receive(c))
		return;
	if (rx->flags & TCP_FIN) {
		c->rcvq.has_fin = true;
		c->rcvq.fin_seq = rx->seq + rx->len;
	}
	if (!c->rcvq.has_fin)
		return;
	if (c->rcvq.fin_seq == c->rcv_nxt) {
		c->rcvq.has_fin = false;
		fin_received(c);
	} else if (rx->flags & TCP_FIN) {
		tcp_ack_now(c);
	}
}

/* What every acceptable segment goes through. */
static void
steps_5_to_8(struct tcp_conn *c, struct tcp_rx *rx)
{
	c->last_rx_ns = c->ep.stack->now_ns;
	if (unlikely(c->ecn & TCP_ECN_ON))
		tcp_ecn_data(c, rx);
	if (!step5_ack(c, rx))
		return;
	if (unlikely(rx->flags & TCP_URG))
		tcp_urgent_input(c, rx);
	if (step7_text(c, rx))
		step8_fin(c, rx);
}

void
tcp_segment_accepted(struct tcp_conn *c, struct tcp_rx *rx)
{
	trim_to_window(c, rx);
	steps_5_to_8(c, rx);
}

void
tcp_syn_data(struct tcp_conn *c, struct tcp_rx *rx)
{
	rx->seq++;
	tcp_segment_accepted(c, rx);
}

/* Header prediction: next in order, within the window and no older than the last, and nothing but data and an
 * acknowledgement. Steps one to four let that pass. */
static inline bool
predicted(const struct tcp_conn *c, const struct tcp_rx *rx)
{
	return c->state == MR_TCP_ESTABLISHED && (c->flags & TCP_F_TS) && (rx->opts & TCP_OPT_TS) &&
	       (rx->flags & ~TCP_PSH) == TCP_ACK && rx->seq == c->rcv_nxt && rx->len <= c->rcv_adv - c->rcv_nxt &&
	       seq_geq(rx->tsval, c->ts_recent);
}

/* What is left of the steps then: in ESTABLISHED our FIN was not sent, and there is a reader. */
static inline void
predicted_input(struct tcp_conn *c, struct tcp_rx *rx)
{
	if (c->last_ack_sent == rx->seq)
		c->ts_recent = rx->tsval;
	c->last_rx_ns = c->ep.stack->now_ns;
	if (unlikely(c->ecn & TCP_ECN_ON))
		tcp_ecn_data(c, rx);
	if (unlikely(!tcp_ack_process(c, rx)))
		return;
	if (rx->len > 0) {
		rcv_mss_note(c, rx);
		text_in_order(c, rx);
	} else {
		mr_stack_free(c->ep.stack, rx->m);
	}
	if (unlikely(c->rcvq.has_fin))
		step8_fin(c, rx);
}

void
tcp_conn_input(struct tcp_conn *c, struct rte_mbuf *m)
{
	struct tcp_rx rx;

	if (unlikely(c->flags & TCP_F_PROBE))
		tcp_probe_show(c);
	tcp_hdr_pull(m, &rx);
	if (likely(predicted(c, &rx)))
		predicted_input(c, &rx);
	else if (c->state == MR_TCP_SYN_SENT)
		tcp_syn_sent_input(c, &rx);
	else if (paws_check(c, &rx) && step1_sequence(c, &rx) && step2_reset(c, &rx) && step4_syn(c, &rx))
		steps_5_to_8(c, &rx);
}
