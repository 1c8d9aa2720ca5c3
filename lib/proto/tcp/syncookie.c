/* SPDX-License-Identifier: Apache-2.0 */
/*
 * SYN cookies (RFC 4987 3.6): a SYN is answered without a record, what the record would hold goes into the answer, and the
 * third segment of the handshake brings it back. Nothing is kept and nothing sent again.
 *
 * Our sequence number is a keyed hash, and in its low bits the place of the peer's MSS in a table. Hashed are addresses,
 * ports, the peer's sequence number, that place and the options below, our own window scale, and the time in slots, so that
 * each slot has a secret of its own and a cookie is good for one to two of them. With timestamps, window scale, SACK and ECN are in the low
 * bits of ours, which comes back as TSecr; a peer without timestamps gets an MSS and no more.
 *
 * A guess is right once in 2^28, and is not even looked at unless the listener has sent cookies lately. One that was used
 * is remembered and not taken again, as long as its place in a table is not needed for another.
 */
#include "proto/tcp/tcp.h"

#include <rte_common.h>

#define SLOT_SHIFT 35        /* 34 s */
#define MSS_MASK 7u
#define TS_MASK 63u          /* of the timestamp: */
#define TS_SHIFT_MASK 15u    /* the peer's window scale, */
#define TS_NO_WSCALE 15u     /* or that there is none */
#define TS_SACK 16u
#define TS_ECN 32u

/* The largest that is not above the peer's is taken: defaults of both families, Ethernet with and without tunnels, jumbo. */
static const uint16_t mss_table[MSS_MASK + 1] = {
	TCP_MIN_MSS, TCP_DEFAULT_MSS_V4, TCP_DEFAULT_MSS_V6, 1360, 1400, 1440, 1460, 8940,
};

static unsigned
mss_place(const struct tcp_syn_rcvd *r)
{
	uint16_t mss = r->mss;
	unsigned i = MSS_MASK;

	if (mss == 0)
		mss = mr_addr_is_v4(&r->rec.flow.raddr) ? TCP_DEFAULT_MSS_V4 : TCP_DEFAULT_MSS_V6;
	while (i > 0 && mss_table[i] > mss)
		i--;
	return i;
}

static uint32_t
slot_now(const struct tcp *t)
{
	return (uint32_t)(t->tp.stack->now_ns >> SLOT_SHIFT);
}

/* The low half becomes the sequence number, the high half says where it is remembered. */
static uint64_t
cookie_hash(const struct tcp *t, const struct tcp_bind *l, const struct tcp_syn_rcvd *r, unsigned place, uint32_t slot)
{
	const struct mr_flow *f = &r->rec.flow;
	const struct mr_addr *laddr = &mr_netep_by_id(t->tp.stack, f->local_id)->addr;
	uint32_t facts = (uint32_t)r->opts_wscale << 16 | place << 8 | tcp_rcv_wscale(tcp_conn(l->bound.ep));
	uint64_t words[6] = {
		laddr->d[0], laddr->d[1], f->raddr.d[0], f->raddr.d[1],
		(uint64_t)facts << 32 | (uint32_t)f->rport_be << 16 | f->lport_be,
		(uint64_t)r->irs << 32 | slot,
	};

	return siphash_words(&t->cookie_key, words, 6);
}

bool
tcp_cookie_wanted(const struct tcp *t, const struct tcp_bind *l)
{
	if (t->syncookies != MR_TCP_SYNCOOKIES_PRESSED)
		return t->syncookies == MR_TCP_SYNCOOKIES_ALWAYS;
	return l->n_half >= t->syn_backlog || t->n_syn_rcvd >= t->tp.stack->opts.max_half_open;
}

void
tcp_cookie_make(struct tcp *t, struct tcp_bind *l, struct tcp_syn_rcvd *r)
{
	unsigned place = mss_place(r);

	if (!(tcp_record_opts(r) & TCP_OPT_TS))
		r->opts_wscale = 0;
	else if (!(tcp_record_opts(r) & TCP_OPT_WS))
		r->opts_wscale &= 0xf0;
	r->iss = ((uint32_t)cookie_hash(t, l, r, place, slot_now(t)) & ~MSS_MASK) | place;
	l->cookie_slot = slot_now(t);
	l->has_cookies = true;
	mr_count(t->tp.stack, MR_CNT_TCP_SYNCOOKIES_SENT);
}

uint32_t
tcp_cookie_tsval(const struct tcp_syn_rcvd *r, uint32_t now)
{
	uint8_t opts = tcp_record_opts(r);
	uint32_t bits = opts & TCP_OPT_WS ? r->opts_wscale & TS_SHIFT_MASK : TS_NO_WSCALE, ts;

	if (opts & TCP_OPT_SACK_PERM)
		bits |= TS_SACK;
	if (r->opts_wscale & TCP_SYN_RCVD_ECN)
		bits |= TS_ECN;
	/* Never ahead of the clock: later timestamps must not be smaller. */
	ts = (now & ~TS_MASK) | bits;
	return seq_gt(ts, now) ? ts - TS_MASK - 1 : ts;
}

/* What tcp_cookie_tsval has put into the timestamp that has come back. */
static uint8_t
opts_of_tsecr(uint32_t tsecr)
{
	uint8_t v = TCP_OPT_TS << 3;

	if ((tsecr & TS_SHIFT_MASK) != TS_NO_WSCALE)
		v |= TCP_OPT_WS << 3 | (tsecr & TS_SHIFT_MASK);
	if (tsecr & TS_SACK)
		v |= TCP_OPT_SACK_PERM << 3;
	if (tsecr & TS_ECN)
		v |= TCP_SYN_RCVD_ECN;
	return v;
}

/* A cookie's place among those that were used. */
static uint32_t *
used_at(struct tcp *t, uint64_t hash)
{
	return &t->cookies_used[(hash >> 32) & t->cookies_used_mask];
}

bool
tcp_cookie_check(struct tcp *t, const struct tcp_bind *l, const struct tcp_rx *rx, struct tcp_syn_rcvd *r,
                 uint32_t **used)
{
	unsigned place = (rx->ack - 1) & MSS_MASK;

	if (rx->opts & TCP_OPT_TS)
		r->opts_wscale = opts_of_tsecr(rx->tsecr);
	r->irs = rx->seq - 1;
	r->iss = rx->ack - 1;
	r->mss = mss_table[place];
	for (uint32_t age = 0; age <= 1; age++) {
		uint64_t hash = cookie_hash(t, l, r, place, slot_now(t) - age);

		if (((uint32_t)hash ^ r->iss) <= MSS_MASK) {
			*used = used_at(t, hash);
			return **used != r->iss;
		}
	}
	return false;
}

bool
tcp_cookie_possible(const struct tcp *t, const struct tcp_bind *l)
{
	return l->has_cookies && slot_now(t) - l->cookie_slot <= 1;
}
