/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Path MTU discovery without the help of routers (RFC 4821): what to do where packets that are too big vanish without a
 * word, a black hole.
 *
 * Down: a large segment that is lost in timeout after timeout is sent again with what nearly every path takes, and only if
 * just this arrives are segments smaller from now on. Large segments that have arrived before speak against it: a peer short
 * of buffers, or a link that is down for a while, looks the same, and smaller segments would only cost it more. Then the
 * first doubt is whether they still would, and only the second one the size.
 *
 * Up: where packets are smaller than the route allows, one segment now and then is larger, made of what waits to be sent,
 * with enough behind it that its loss shows at once. If it arrives, all are as large. If it alone is lost, it was too big, or
 * that was chance: congestion control is not told, and only after three of a size are larger ones out of the question. First
 * the largest is tried, for a guess that was wrong must not last; then halves. When that has come to an end, or a router has
 * told, nothing is tried for ten minutes. The search is the way's (struct tcp_path), and short connections go on with it.
 *
 * Not here: a look at whether a larger size that has arrived loses more (RFC 4821 7.8). If it vanishes, it goes down again.
 */
#include "proto/tcp/tcp.h"

#include <rte_common.h>

#define SLACK 8            /* so few bytes more are not worth a probe */
#define TRIES 3            /* lost probes of a size */
#define BEHIND TCP_DUPTHRESH /* segments that follow a probe */
#define LOOK_NS 1000000000ull /* others may have found out more */
#define GIVE_UP_RETRIES 4  /* then the least that there is is tried */

/* ---- sizes ----------------------------------------------------------------------------------------------------- */

/* What a packet has besides payload. */
static uint32_t
header_bytes(const struct tcp_conn *c)
{
	return c->route.local->np->ops->hdr_bytes + TCP_HDR_BYTES + (c->flags & TCP_F_TS ? TCP_TS_OPT_BYTES : 0);
}

static uint32_t
least(const struct tcp_conn *c)
{
	return mr_addr_is_v4(&c->ep.flow.raddr) ? TCP_LEAST_V4 : TCP_LEAST_V6;
}

uint32_t
tcp_path_base(const struct tcp_conn *c)
{
	uint32_t mtu = tcp_of(c->ep.stack)->base_mss + c->route.local->np->ops->hdr_bytes + TCP_HDR_BYTES;

	return RTE_MAX(mtu, least(c));
}

/* The largest packet that this connection could send, whatever the path. */
static uint32_t
most(const struct tcp_conn *c)
{
	uint32_t mss = RTE_MIN(tcp_mss_offer(&c->route, (uint16_t)c->rare->user_mss), c->peer_mss);
	uint32_t room = rte_pktmbuf_data_room_size(c->ep.stack->tx_pool) - MR_HEADROOM;

	return RTE_MIN(mss + c->route.local->np->ops->hdr_bytes + TCP_HDR_BYTES, room + header_bytes(c));
}

/* ---- the search ------------------------------------------------------------------------------------------------ */

/* Half of what is still open is next; or all is known. */
static void
halve(struct tcp_path *p, const struct tcp *t)
{
	p->lost = 0;
	p->since_ns = p->again_ns = t->tp.stack->now_ns;
	p->next = (uint16_t)((p->mtu + p->high + 1u) / 2);
	if (p->high >= p->mtu + SLACK)
		return;
	p->next = 0;
	p->again_ns += t->mtu_probe_ns;
}

static void
size_arrives(struct tcp_conn *c, uint16_t mtu)
{
	struct tcp_path *p = tcp_path_own(c);

	if (mtu > p->mtu) {
		p->mtu = mtu;
		p->high = RTE_MAX(p->high, mtu);
		halve(p, tcp_of(c->ep.stack));
	}
	if (mtu > c->pmtu)
		tcp_path_use(c, mtu);
}

/* Others wait for a while before they try. */
static void
size_lost(struct tcp_conn *c, uint16_t mtu)
{
	struct tcp_path *p = tcp_path_own(c);

	p->again_ns = RTE_MAX(p->again_ns, c->ep.stack->now_ns + c->rtt.rto_ns);
	if (mtu <= p->mtu || mtu > p->high || ++p->lost < TRIES)
		return;
	p->high = mtu - 1;
	p->silent = true;
	halve(p, tcp_of(c->ep.stack));
}

/* ---- probes ---------------------------------------------------------------------------------------------------- */

/* The probe is no probe any more: what it was made of goes again in smaller segments. @param alone that says something */
static void
probe_over(struct tcp_conn *c, bool alone)
{
	uint16_t mtu = c->rare->mtu_probe;

	mr_count(c->ep.stack, MR_CNT_TCP_MTU_PROBES_LOST);
	c->rare->mtu_probe = 0;
	if (alone)
		size_lost(c, mtu);
}

void
tcp_mtu_probe_acked(struct tcp_conn *c)
{
	uint16_t mtu = c->rare->mtu_probe;

	if (mtu == 0 || seq_leq(c->snd_una, c->rare->mtu_probe_seq))
		return;
	if (seq_lt(c->snd_una, c->rare->mtu_probe_end)) {
		probe_over(c, false); /* who takes a part of it says nothing about the way */
		return;
	}
	c->rare->mtu_probe = 0;
	size_arrives(c, mtu);
}

bool
tcp_mtu_probe_is_first(const struct tcp_conn *c)
{
	return c->snd_una == c->rare->mtu_probe_seq;
}

/* Nothing is the matter: only then does the loss of a probe say something. */
static bool
is_calm(const struct tcp_conn *c)
{
	const struct tcp_sendq *q = c->sendq;

	return !(c->flags & (TCP_F_RECOVERY | TCP_F_RTO_RECOVERY)) && q->lost + q->sacked + c->dupacks == 0 &&
	       !(c->rack.flags & TCP_REC_TLP);
}

/* Are there data, windows and flight for so much, and as much behind it as shows a loss at once? */
static bool
has_enough(const struct tcp_conn *c, uint32_t len)
{
	uint32_t all = len + BEHIND * c->mss;

	return c->cc.cwnd >= all && tcp_unsent_bytes(c) >= all && (int32_t)(c->snd_una + c->snd_wnd - c->snd_nxt) >= (int32_t)all;
}

/* Packet to be tried next on the way; 0: none now. */
static uint32_t
size_next(struct tcp_conn *c)
{
	uint64_t now_ns = c->ep.stack->now_ns;
	struct tcp_path *p = tcp_path_own(c);
	uint32_t mtu;

	if (p->mtu > c->pmtu)
		tcp_path_use(c, p->mtu); /* somebody else has found out */
	if (p->again_ns > now_ns || c->pmtu == 0) {
		tcp_rare_own(c)->mtu_look_ns = RTE_MIN(p->again_ns, now_ns + LOOK_NS);
		return 0;
	}
	if (p->next == 0) {
		p->high = p->next = c->route.mtu;
		p->lost = 0;
	}
	mtu = RTE_MIN(p->next, most(c));
	return mtu > c->pmtu ? mtu : 0;
}

uint32_t
tcp_mtu_probe_due(struct tcp_conn *c)
{
	uint32_t mtu, len;

	if (tcp_of(c->ep.stack)->mtu_probing == MR_TCP_MTU_PROBING_OFF || c->rare->mtu_probe || !is_calm(c) ||
	    c->rare->mtu_look_ns > c->ep.stack->now_ns || !has_enough(c, c->mss))
		return 0;
	mtu = size_next(c);
	if (mtu == 0) {
		if (c->rare->mtu_look_ns <= c->ep.stack->now_ns)
			tcp_rare_own(c)->mtu_look_ns = c->ep.stack->now_ns + LOOK_NS;
		return 0;
	}
	len = mtu - header_bytes(c);
	return has_enough(c, len) ? len : 0;
}

void
tcp_mtu_probe_sent(struct tcp_conn *c, const struct tcp_seg *s)
{
	struct tcp_rare *r = tcp_rare_own(c);
	struct tcp_path *p = tcp_path_own(c);

	r->mtu_probe = (uint16_t)(s->len + header_bytes(c));
	r->mtu_probe_seq = s->seq;
	r->mtu_probe_end = tcp_seg_end(s);
	p->again_ns = c->ep.stack->now_ns + c->rtt.rto_ns;
	mr_count(c->ep.stack, MR_CNT_TCP_MTU_PROBES);
}

static bool
probe_is_lost(const struct tcp_conn *c)
{
	const struct rte_mbuf *m = c->sendq->lost_head;

	while (m && seq_lt(tcp_seg(m)->seq, c->rare->mtu_probe_seq))
		m = tcp_seg(m)->tnext;
	return m && tcp_seg(m)->seq == c->rare->mtu_probe_seq;
}

uint32_t
tcp_mtu_probe_lost(struct tcp_conn *c, uint32_t lost)
{
	uint32_t bytes = c->rare->mtu_probe_end - c->rare->mtu_probe_seq;
	bool alone = lost == bytes && c->sendq->lost == 1 && !(c->flags & (TCP_F_RECOVERY | TCP_F_RTO_RECOVERY));

	if (!probe_is_lost(c))
		return 0;
	probe_over(c, alone);
	return alone ? bytes : 0;
}

void
tcp_mtu_probe_too_big(struct tcp_conn *c, uint32_t mtu)
{
	struct tcp_path *p;
	struct rte_mbuf *m = c->sendq->head;

	if (mtu >= c->rare->mtu_probe)
		return;
	while (m && tcp_seg(m)->seq != c->rare->mtu_probe_seq)
		m = tcp_seg(m)->next;
	if (m)
		tcp_sendq_mark_lost(c, m, NULL);
	probe_over(c, false);
	if (mtu < c->pmtu)
		return;
	p = tcp_path_own(c);
	p->high = p->next = (uint16_t)RTE_MAX(mtu, p->mtu);
	p->lost = 0;
	p->again_ns = c->ep.stack->now_ns;
	mr_ep_mark_dirty(&c->ep);
}

/* ---- black holes ----------------------------------------------------------------------------------------------- */

/* The packet to try with what is at SND.UNA; 0: its size is not in doubt. */
static uint32_t
guess(struct tcp_conn *c, const struct tcp_seg *head)
{
	uint32_t bytes = head->len + header_bytes(c);

	if (c->retries < 2 || (head->len <= c->proven && c->retries < TCP_R1_RETRIES))
		return 0;
	if (bytes > tcp_path_base(c))
		return tcp_path_base(c);
	return c->retries >= GIVE_UP_RETRIES && bytes > least(c) ? least(c) : 0;
}

void
tcp_path_timeout(struct tcp_conn *c)
{
	struct rte_mbuf *m = c->sendq->head;
	struct tcp_rare *r;
	uint32_t mtu, end;
	bool doubt;

	if (c->rare->mtu_probe)
		probe_over(c, tcp_mtu_probe_is_first(c));
	if (c->rare->mtu_guess && c->retries == 1)
		c->rare->mtu_guess = 0;
	if (tcp_of(c->ep.stack)->mtu_probing == MR_TCP_MTU_PROBING_OFF || !m || (tcp_seg(m)->flags & TCP_SEG_SACKED))
		return;
	mtu = guess(c, tcp_seg(m));
	if (mtu == 0)
		return;
	doubt = tcp_seg(m)->len <= c->proven;
	end = tcp_seg_end(tcp_seg(m));
	if (!tcp_sendq_split(c, m, mtu - header_bytes(c)))
		return;
	r = tcp_rare_own(c);
	if (!r->mtu_guess)
		r->mtu_guess_end = end;
	r->mtu_guess = doubt ? 0 : (uint16_t)mtu;
	if (doubt)
		c->proven = (uint16_t)(mtu - header_bytes(c));
}

void
tcp_path_guess_acked(struct tcp_conn *c)
{
	uint16_t mtu = c->rare->mtu_guess;
	struct tcp_path *p;

	c->rare->mtu_guess = 0;
	/* More than this, and larger ones had arrived. */
	if (seq_gt(c->snd_una, c->rare->mtu_guess_end) || !tcp_path_lower(c, mtu))
		return;
	mr_count(c->ep.stack, MR_CNT_TCP_BLACK_HOLES);
	p = tcp_path_own(c);
	p->since_ns = p->again_ns = c->ep.stack->now_ns;
	p->mtu = mtu;
	p->high = p->next = c->route.mtu;
	p->lost = 0;
	p->silent = true;
}
