/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Segments without data: the ACK of a visit when no data carried it, what SACK tells beside it, and probes.
 *
 * Data carries no SACK option, so that every data segment has room for a full payload.
 */
#include "proto/tcp/tcp_out.h"

bool
tcp_send_bare(struct tcp_out *o, uint8_t flags, uint32_t seq)
{
	struct rte_mbuf *m = mr_stack_tx_alloc(o->c->ep.stack);
	struct tcp_tx tx;

	if (!m) {
		mr_count(o->c->ep.stack, MR_DROP_NO_TX_MBUF);
		return false;
	}
	tcp_tx_fill(o->c, &tx, flags, seq);
	tcp_hdr_push(m, &tx, &o->c->route);
	tcp_out_add(o, m, 0);
	return true;
}

/* An ACK with a SACK option: what came twice first, then blocks, the newest first. With `skip` only blocks, and without so
 * many. */
static bool
send_sack(struct tcp_out *o, unsigned skip, unsigned max)
{
	struct tcp_conn *c = o->c;
	struct rte_mbuf *m = mr_stack_tx_alloc(c->ep.stack);
	uint32_t blocks[TCP_SACK_BLOCKS][2] = {{c->rcvq.dsack_from, c->rcvq.dsack_to}};
	bool dsack = skip == 0 && c->rcvq.dsack_from != c->rcvq.dsack_to;
	struct tcp_tx tx;

	if (!m) {
		mr_count(c->ep.stack, MR_DROP_NO_TX_MBUF);
		return false;
	}
	tcp_tx_fill(c, &tx, TCP_ACK, c->snd_nxt);
	tx.n_sack = (uint8_t)(dsack + tcp_reasm_blocks(c, skip, blocks + dsack, max - dsack));
	tx.opts |= TCP_OPT_SACK;
	tx.sack = (const uint32_t (*)[2])blocks;
	tcp_hdr_push(m, &tx, &c->route);
	tcp_out_add(o, m, 0);
	return true;
}

/* As many ACKs as it takes to tell of every block that has grown in this turn: one of those not told of would be taken
 * for lost. The newest come last, first in their option (SK-03, SK-04). */
static bool
send_sacks(struct tcp_out *o)
{
	struct tcp_conn *c = o->c;
	unsigned max = c->flags & TCP_F_TS ? TCP_SACK_BLOCKS - 1 : TCP_SACK_BLOCKS;
	unsigned fresh = tcp_reasm_fresh(c), first = max - (c->rcvq.dsack_from != c->rcvq.dsack_to);

	while (fresh > first) {
		unsigned skip = first + (fresh - first - 1) / max * max;

		if (!send_sack(o, skip, max))
			return false;
		fresh = skip;
	}
	if (!send_sack(o, 0, max))
		return false;
	tcp_reasm_told(c);
	return true;
}

/* While the peer repairs a loss each segment of the turn gets its own ACK, three at most: a peer without SACK counts them, and
 * a sender with few segments in flight waits for a timeout if the only one is lost. What came twice is told with the first. */
static bool
send_acks(struct tcp_out *o)
{
	struct tcp_conn *c = o->c;

	for (unsigned n = RTE_MAX(1, RTE_MIN(c->each_acked, TCP_DUPTHRESH)); n > 0; n--) {
		bool sack = (c->flags & TCP_F_SACK) && tcp_sack_waits(c);

		if (!(sack ? send_sacks(o) : tcp_send_bare(o, TCP_ACK, c->snd_nxt)))
			return false;
	}
	return true;
}

/* The ACK that no data carried. Data carries no SACK option: what is to be told goes beside it. */
bool
tcp_send_acks(struct tcp_out *o)
{
	struct tcp_conn *c = o->c;
	bool sack = (c->flags & TCP_F_SACK) && tcp_sack_waits(c);

	if (unlikely(o->no_mbuf)) {
		tcp_out_again(c);
		return true;
	}
	if (o->acked && !(sack && (c->why & TCP_WHY_ACK_NOW)))
		return true;
	if (c->why & TCP_WHY_PROBE) {
		/* An old sequence number makes the peer answer (MUST-36, SHLD-12). */
		tcp_send_bare(o, TCP_ACK, c->snd_nxt - 1);
		return true;
	}
	if (!(c->why & TCP_WHY_ACK_NOW))
		return true;
	/* What the link keeps for small frames may be taken: one ACK later on tells as much. */
	if (unlikely(!tcp_out_has_room(o, MR_NIC_TXQ)))
		return false;
	if (!send_acks(o))
		tcp_out_again(c);
	return true;
}
