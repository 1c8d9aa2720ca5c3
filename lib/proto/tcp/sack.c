/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Selective acknowledgement, the sender's side: the blocks of an ACK mark segments SACKED (RFC 2018, RFC 6675), and a first
 * block may tell of a duplicate instead (RFC 2883).
 *
 * Only segments that a block covers whole are marked, so no peer can cut the queue into crumbs. What lies outside of what
 * is in flight is ignored. A block that was told of before is found among the runs that grew last and passed in one step;
 * the place of another is walked to from the nearest known one. Each step of a walk is paid for from a credit that
 * acknowledged segments earn: who sends many senseless blocks is not listened to.
 */
#include "proto/tcp/tcp.h"

#include <rte_common.h>

#define LOOK_RUNS 8

static bool
is_sacked(const struct rte_mbuf *m)
{
	return m && (tcp_seg(m)->flags & TCP_SEG_SACKED);
}

/* Step along the queue to the first segment that begins at or after seq. @return NULL: out of credit, or none. */
static struct rte_mbuf *
walk_forward(struct tcp_sendq *q, struct rte_mbuf *m, uint32_t seq)
{
	while (m && m != q->unsent && seq_lt(tcp_seg(m)->seq, seq)) {
		if (q->sack_credit == 0)
			return NULL;
		q->sack_credit--;
		m = is_sacked(m) ? tcp_seg(tcp_seg(m)->run_last)->next : tcp_seg(m)->next;
	}
	return m;
}

static struct rte_mbuf *
walk_back(struct tcp_sendq *q, struct rte_mbuf *m, uint32_t seq)
{
	struct rte_mbuf *prev;

	while ((prev = tcp_seg(m)->prev) && seq_geq(tcp_seg(prev)->seq, seq)) {
		if (q->sack_credit == 0)
			return NULL;
		q->sack_credit--;
		m = prev;
	}
	/* Within a run, only its end is of interest. */
	while (is_sacked(m) && is_sacked(tcp_seg(m)->prev)) {
		if (q->sack_credit == 0)
			return NULL;
		q->sack_credit--;
		m = tcp_seg(m)->next;
	}
	return m;
}

/* The first segment at or after seq that a block which begins there may mark; NULL: none, or not found in time. */
static struct rte_mbuf *
find(struct tcp_sendq *q, uint32_t seq)
{
	struct rte_mbuf *after = q->head, *before = tcp_sendq_last_sent(q), *run = q->newest_run;
	uint32_t from_after = seq - tcp_seg(after)->seq, from_before = tcp_seg(before)->seq - seq;

	if ((int32_t)from_before < 0)
		return NULL;
	for (unsigned i = 0; i < LOOK_RUNS && run; i++, run = tcp_seg(run)->tnext) {
		const struct tcp_seg *first = tcp_seg(run), *last = tcp_seg(first->run_last);
		uint32_t end = tcp_seg_end(last);

		if (seq_leq(first->seq, seq) && seq_leq(seq, end))
			return last->next;
		if (seq_lt(end, seq) && seq - end < from_after) {
			after = last->next;
			from_after = seq - end;
		} else if (seq_gt(first->seq, seq) && first->seq - seq < from_before) {
			before = run;
			from_before = first->seq - seq;
		}
	}
	return from_after <= from_before ? walk_forward(q, after, seq) : walk_back(q, before, seq);
}

static void
newly_sacked(struct tcp_conn *c, struct rte_mbuf *m, struct tcp_acked *a)
{
	const struct tcp_seg *s = tcp_seg(m);

	a->bytes += tcp_seg_span(s);
	a->sacked = true;
	if (s->flags & TCP_SEG_RETRANS)
		tcp_acked_again(c, s, a);
	else
		tcp_acked_once(a, s, tcp_seg_end(s), c->recover);
	c->sendq->fack = seq_max(c->sendq->fack, tcp_seg_end(s));
	tcp_sendq_mark_sacked(c, m);
}

/* The peer has from..to. */
static void
block_read(struct tcp_conn *c, uint32_t from, uint32_t to, struct tcp_acked *a)
{
	struct tcp_sendq *q = c->sendq;
	struct rte_mbuf *m = find(q, from);

	while (m && m != q->unsent && seq_leq(tcp_seg_end(tcp_seg(m)), to)) {
		if (is_sacked(m)) {
			m = tcp_seg(tcp_seg(m)->run_last)->next;
			continue;
		}
		newly_sacked(c, m, a);
		m = tcp_seg(m)->next;
	}
}

/* SK-08: what the first block is follows from the ACK and the second block of the same segment. */
static bool
is_dsack(uint32_t ack, const uint32_t (*b)[2], unsigned n)
{
	return seq_leq(b[0][1], ack) || (n > 1 && seq_geq(b[0][0], b[1][0]) && seq_leq(b[0][1], b[1][1]));
}

static void
dsack_read(struct tcp_conn *c, uint32_t from, uint32_t to, struct tcp_acked *a)
{
	/* Of what was sent, and not of long ago. */
	if (seq_gt(to, c->snd_nxt) || seq_lt(from, c->snd_una - c->max_snd_wnd))
		return;
	a->dsack = true;
	if ((c->rack.flags & TCP_REC_TLP_RETRANS) && to == c->recover)
		a->dsack_tlp = true;
	else
		a->all_dsacked |= tcp_undo_dsack(c, from, to);
}

void
tcp_sack_input(struct tcp_conn *c, const struct tcp_rx *rx, struct tcp_acked *a)
{
	uint32_t b[TCP_SACK_BLOCKS][2], lowest = seq_max(rx->ack, c->snd_una);
	unsigned n = tcp_hdr_sack(rx, b), first = 0;

	for (unsigned i = 0; i < n; i++)
		if (!seq_lt(b[i][0], b[i][1]))
			return; /* inverted: nothing in it can be trusted */
	if (n > 0 && is_dsack(rx->ack, (const uint32_t (*)[2])b, n)) {
		dsack_read(c, b[0][0], b[0][1], a);
		first = 1;
	}
	if (rx->opts & TCP_OPT_LATE)
		return; /* others have told the rest since; to find the places again costs more than it brings */
	/* The oldest first, so that the runs end up in the peer's order. */
	while (n-- > first)
		if (c->sendq->head && c->sendq->head != c->sendq->unsent && seq_gt(b[n][1], lowest) &&
		    seq_leq(b[n][1], c->snd_nxt))
			block_read(c, seq_max(b[n][0], lowest), b[n][1], a);
}
