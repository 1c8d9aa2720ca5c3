/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Fast Open, the listener's half (RFC 7413 4.2): data in a SYN, from a peer that shows by a cookie that its address is its own.
 *
 * A listener that wants it (MR_OPT_TCP_FASTOPEN) gives cookies to who asks: a keyed function of both addresses. The key
 * follows from a secret and the day, so all stacks of a host have the same one, and a cookie is good on its day and the next.
 * A SYN that brings a good one makes a connection at once, which the application may accept, read and answer: it stays in
 * SYN-RECEIVED, with a send queue that runs, until our SYN is acknowledged. No more than so many may be (4.2, 5.1); one that
 * ends like that counts for a minute more. Every other SYN takes the ordinary way, and its data comes again.
 *
 * Not here: the client's half (fastopen_client.c); the connection itself (listen.c).
 */
#include "proto/tcp/tcp.h"

#include <string.h>

#include <rte_common.h>

#define KEY_NS 86400000000000ull
#define SPENT_NS 60000000000ull

/* ---- cookies ------------------------------------------------------------------------------------------------- */

static uint64_t
key_now(const struct tcp *t)
{
	return t->tp.stack->now_ns / KEY_NS;
}

static uint64_t
cookie_of(const struct tcp *t, const struct mr_addr *local, const struct mr_addr *peer, uint64_t key)
{
	uint64_t words[5] = {local->d[0], local->d[1], peer->d[0], peer->d[1], key};

	return siphash_words(&t->fo_secret, words, 5);
}

void
tcp_fastopen_cookie(const struct tcp *t, const struct mr_addr *local, const struct mr_addr *peer, struct tcp_tx *tx,
                    uint64_t *cookie)
{
	*cookie = cookie_of(t, local, peer, key_now(t));
	tx->fo = (const uint8_t *)cookie;
	tx->fo_len = sizeof(*cookie);
	tx->opts |= TCP_OPT_FO;
}

/* @return 0: no cookie of ours; 1: one, 2: one that will be good for less than a day */
static int
cookie_check(const struct tcp *t, const struct tcp_rx *rx)
{
	const struct mr_pkt *p = mr_pkt(rx->m);
	uint64_t v, key = key_now(t);

	if (rx->fo_len != sizeof(v))
		return 0;
	memcpy(&v, rx->fo, sizeof(v));
	if (v == cookie_of(t, &p->netep->addr, &p->src, key))
		return 1;
	return v == cookie_of(t, &p->netep->addr, &p->src, key - 1) ? 2 : 0;
}

/* ---- how many ------------------------------------------------------------------------------------------------ */

static bool
limit_reached(struct tcp *t, struct tcp_bind *l)
{
	if (l->fo_spent > 0 && t->tp.stack->now_ns - l->fo_spent_ns >= SPENT_NS)
		l->fo_spent = 0;
	if (l->fo_pending + l->fo_spent < tcp_fastopen_limit(l))
		return false;
	mr_count(t->tp.stack, MR_CNT_TCP_FASTOPEN_LIMITED);
	return true;
}

/* It is pending no more. */
static void
pending_end(struct tcp_rare *r)
{
	r->fo_listener->fo_pending--;
	LIST_REMOVE(r, fo_link);
	r->fo_listener = NULL;
}

void
tcp_fastopen_failed(struct tcp_conn *c)
{
	struct tcp_bind *l = c->rare->fo_listener;

	pending_end(c->rare);
	l->fo_spent++;
	l->fo_spent_ns = c->ep.stack->now_ns;
}

void
tcp_fastopen_listener_gone(struct tcp_bind *l)
{
	while (!LIST_EMPTY(&l->fo_conns))
		pending_end(LIST_FIRST(&l->fo_conns));
}

/* ---- a connection -------------------------------------------------------------------------------------------- */

bool
tcp_fastopen_wanted(struct tcp *t, struct tcp_bind *l, const struct tcp_rx *rx)
{
	if (tcp_fastopen_limit(l) == 0 || rx->fo_len == 0)
		return false;
	if (!cookie_check(t, rx)) {
		mr_count(t->tp.stack, MR_CNT_TCP_FASTOPEN_BAD_COOKIE);
		return false;
	}
	/* Who is to be accepted with its first data is not without. */
	if (rx->len == 0 && tcp_conn(l->bound.ep)->rare->defer_accept)
		return false;
	return !limit_reached(t, l);
}

void
tcp_fastopen_begin(struct tcp_bind *l, struct tcp_conn *c, struct tcp_rx *rx)
{
	struct tcp *t = tcp_of(c->ep.stack);
	struct tcp_rare *r = tcp_rare_own(c);

	r->fo = TCP_FO_CHILD | (cookie_check(t, rx) == 2 ? TCP_FO_COOKIE : 0);
	r->fo_since_ns = t->tp.stack->now_ns;
	r->fo_listener = l;
	LIST_INSERT_HEAD(&l->fo_conns, r, fo_link);
	l->fo_pending++;
	c->snd_una = c->iss;
	c->snd_wnd = c->max_snd_wnd = rx->wnd;
	c->snd_wl1 = rx->seq;
	c->snd_wl2 = c->iss;
	tcp_cc_start(c, false);
	tcp_open_send(c, MR_TCP_SYN_RECEIVED);
	tcp_accept_queue_push(l, c);
	tcp_syn_data(c, rx);
	if (c->rcv_nxt != c->irs + 1)
		r->fo |= TCP_FO_TAKEN;
	mr_count(t->tp.stack, MR_CNT_TCP_FASTOPEN_PASSIVE);
}

/* What came in the SYN is acknowledged, and takes room in the window. */
static void
syn_ack_fill(struct tcp_conn *c, struct tcp_tx *tx, uint64_t *cookie)
{
	uint32_t space = c->rcv_buf > c->rcvq.bytes ? c->rcv_buf - c->rcvq.bytes : 0;

	tx->wnd = (uint16_t)RTE_MIN(space, (uint32_t)tx->wnd);
	if (seq_gt(tx->ack + tx->wnd, c->rcv_adv))
		c->rcv_adv = tx->ack + tx->wnd;
	c->last_ack_sent = tx->ack;
	if (c->rare->fo & TCP_FO_COOKIE)
		tcp_fastopen_cookie(tcp_of(c->ep.stack), &c->route.local->addr, &c->ep.flow.raddr, tx, cookie);
}

void
tcp_fastopen_syn(struct tcp_conn *c, struct tcp_tx *tx, struct rte_mbuf *m, uint64_t *cookie)
{
	if (c->rare->fo & TCP_FO_CHILD)
		syn_ack_fill(c, tx, cookie);
	else if (c->state == MR_TCP_SYN_SENT)
		tcp_fastopen_client_syn(c, tx, m);
}

static void
child_established(struct tcp_conn *c)
{
	struct tcp_rare *r = c->rare;

	if (r->fo_listener)
		pending_end(r);
	/* What came to the peer before our SYN it has dropped. */
	if (c->retries > 0) {
		tcp_sendq_mark_all_lost(c);
		mr_ep_mark_dirty(&c->ep);
	}
	if (c->retries > 1)
		c->cc.cwnd = c->mss;
}

void
tcp_fastopen_established(struct tcp_conn *c, const struct tcp_rx *rx)
{
	if (c->rare->fo & TCP_FO_CHILD)
		child_established(c);
	else
		tcp_fastopen_client_answered(c, rx);
}
