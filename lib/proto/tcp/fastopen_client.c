/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Fast Open, the client's half (RFC 7413 4.1.3): whom we know, and what a SYN carries to them.
 *
 * With MR_OPT_TCP_FASTOPEN an endpoint takes data from mr_ep_connect on. Its SYN goes out at the end of the turn; if there is
 * a cookie for the peer it carries a copy of what has been written by then, as far as that fits, else it asks for a cookie.
 * The data lies in the send queue as what was never sent until the answer says that it has arrived: so nothing is lost and
 * nothing comes twice, whatever becomes of the SYN. A SYN that is sent again is an ordinary one, for the way to the peer may
 * not let others pass (4.1.3.1); where that has happened twice in a row, none is tried for a while.
 *
 * Peers are remembered by address, with the MSS that they offered, as many as there is room for.
 */
#include "proto/tcp/tcp.h"

#include <stdlib.h>
#include <string.h>

#include <rte_common.h>

#define PEERS 1024
#define WAYS 4                   /* places in which a peer may be */
#define LOSSES_BAD 2             /* SYNs in a row that had to be sent again */
#define LOSSES_MOST 6
#define BAD_NS(losses) (60000000000ull << (losses)) /* 4 minutes to an hour */

struct tcp_fo_peer {
	struct mr_addr addr;
	uint64_t used_ns;            /* 0: nobody */
	uint16_t mss;                /* with a cookie */
	uint8_t losses;              /* the last time when it was used */
	uint8_t len;                 /* of the cookie; 0: none */
	uint8_t cookie[TCP_FO_COOKIE_MAX];
};

struct tcp_fo_peer *
tcp_fastopen_peers_new(void)
{
	return calloc(PEERS, sizeof(struct tcp_fo_peer));
}

static struct tcp_fo_peer *
peer_set(const struct tcp *t, const struct mr_addr *addr)
{
	return &t->fo_peers[siphash_words(&t->ts_key, addr->d, 2) % (PEERS / WAYS) * WAYS];
}

static struct tcp_fo_peer *
peer_find(const struct tcp *t, const struct mr_addr *addr)
{
	struct tcp_fo_peer *set = peer_set(t, addr);

	for (unsigned i = 0; i < WAYS; i++)
		if (set[i].used_ns && mr_addr_equal(&set[i].addr, addr))
			return &set[i];
	return NULL;
}

/* The one that was not used for longest makes room. */
static struct tcp_fo_peer *
peer_make(struct tcp *t, const struct mr_addr *addr)
{
	struct tcp_fo_peer *set = peer_set(t, addr), *p = peer_find(t, addr);

	if (!p) {
		p = set;
		for (unsigned i = 1; i < WAYS; i++)
			if (set[i].used_ns < p->used_ns)
				p = &set[i];
		*p = (struct tcp_fo_peer){.addr = *addr};
	}
	p->used_ns = RTE_MAX(t->tp.stack->now_ns, 1u);
	return p;
}

static bool
peer_is_bad(const struct tcp *t, const struct tcp_fo_peer *p)
{
	return p->losses >= LOSSES_BAD && t->tp.stack->now_ns - p->used_ns < BAD_NS(p->losses);
}

/* ---- the SYN ------------------------------------------------------------------------------------------------- */

void
tcp_fastopen_connect(struct tcp_conn *c)
{
	struct tcp *t = tcp_of(c->ep.stack);
	const struct tcp_fo_peer *p = peer_find(t, &c->ep.flow.raddr);
	struct tcp_rare *r = tcp_rare_own(c);

	r->fo = TCP_FO_CLIENT | (p && peer_is_bad(t, p) ? 0 : TCP_FO_ASK);
	/* What is written now is cut into segments: of the size that they had the last time, or will have if the peer is like us. */
	c->peer_mss = p && p->len ? p->mss : tcp_mss_offer(&c->route, 0);
	tcp_path_ask(c);
	tcp_mss_update(c);
}

/* Bytes of data that a SYN with these options has room for. */
static uint32_t
room(const struct tcp_conn *c, const struct tcp_tx *tx)
{
	uint32_t mss = c->mss + (c->flags & TCP_F_TS ? TCP_TS_OPT_BYTES : 0), opts = tcp_hdr_bytes(tx) - TCP_HDR_BYTES;

	return mss > opts ? mss - opts : 0;
}

static void
data_add(struct tcp_conn *c, const struct tcp_tx *tx, struct rte_mbuf *m)
{
	struct rte_mbuf *first = c->sendq->unsent;
	uint32_t most = room(c, tx);
	const struct tcp_seg *s;

	if (!first || most == 0)
		return;
	s = tcp_seg(first);
	if (s->len > most && !tcp_sendq_split(c, first, most))
		return;
	memcpy(rte_pktmbuf_append(m, s->len), (char *)first->buf_addr + s->data_off, s->len);
	c->rare->fo_bytes = s->len;
}

void
tcp_fastopen_client_syn(struct tcp_conn *c, struct tcp_tx *tx, struct rte_mbuf *m)
{
	const struct tcp_fo_peer *p;

	if (!(c->rare->fo & TCP_FO_ASK) || c->retries > 0)
		return;
	p = peer_find(tcp_of(c->ep.stack), &c->ep.flow.raddr);
	tx->opts |= TCP_OPT_FO;
	if (!p || p->len == 0)
		return;
	tx->fo = p->cookie;
	tx->fo_len = p->len;
	data_add(c, tx, m);
}

/* ---- the answer ---------------------------------------------------------------------------------------------- */

/* The peer has what was in the SYN, or a part of it; then the rest goes out again. */
static void
data_taken(struct tcp_conn *c, const struct tcp_rx *rx)
{
	struct tcp_acked a = {.rx = rx};
	struct rte_mbuf *m = c->sendq->unsent;

	/* More may have been written behind it since. */
	if (tcp_seg(m)->len > c->rare->fo_bytes)
		tcp_sendq_split(c, m, c->rare->fo_bytes);
	tcp_sendq_sent(c, m, c->last_tx_ns);
	c->snd_nxt += tcp_seg(m)->len;
	c->bytes_acked += tcp_sendq_ack(c, rx->ack, &a);
	c->snd_una = rx->ack;
	c->rare->fo |= TCP_FO_TAKEN;
	if (c->sendq->head)
		tcp_sendq_mark_all_lost(c);
	else
		tcp_sendq_rest(c);
}

/* What the answer says of the peer, and of the way to it. */
static void
peer_learn(struct tcp_conn *c, const struct tcp_rx *rx)
{
	bool cookie = (rx->opts & TCP_OPT_FO) && rx->fo_len > 0, lost = c->retries > 0 && !(c->rare->fo & TCP_FO_TAKEN);
	struct tcp_fo_peer *p;

	if (!cookie && !lost && !(c->rare->fo & TCP_FO_TAKEN))
		return;
	p = peer_make(tcp_of(c->ep.stack), &c->ep.flow.raddr);
	p->losses = !lost ? 0 : RTE_MIN(p->losses + 1, LOSSES_MOST);
	if (cookie) {
		p->mss = c->peer_mss;
		p->len = rx->fo_len;
		memcpy(p->cookie, rx->fo, rx->fo_len);
	}
}

void
tcp_fastopen_client_answered(struct tcp_conn *c, const struct tcp_rx *rx)
{
	struct tcp_rare *r = c->rare;

	if (r->fo_bytes > 0 && rx->ack != c->snd_una) {
		data_taken(c, rx);
		mr_count(c->ep.stack, MR_CNT_TCP_FASTOPEN_ACTIVE);
	} else if (r->fo_bytes > 0) {
		mr_count(c->ep.stack, MR_CNT_TCP_FASTOPEN_FAILED);
	}
	if (r->fo & TCP_FO_ASK)
		peer_learn(c, rx);
	r->fo_bytes = 0;
	r->fo &= (uint8_t)~TCP_FO_ASK;
	tcp_sendq_refill(c);
}
