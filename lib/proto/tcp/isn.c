/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Initial sequence numbers (RFC 6528: a 4-microsecond clock plus a keyed hash of the 4-tuple) and timestamp offsets
 * (RFC 7323 5.4: a keyed hash of the address pair, so that a host's timestamps stay ordered over connections, as RFC
 * 6191 wants them). Both begin with the addresses, and each connection asks three times: what is the same for all
 * connections of two hosts is kept for some pairs.
 */
#include "proto/tcp/tcp.h"

#include "stack/addr_slot.h"

#define WORDS 4u /* of two addresses */

static const struct tcp_pair *
pair_of(struct tcp *t, const struct mr_addr *laddr, const struct mr_addr *raddr)
{
	struct tcp_pair *p = &t->pairs[mr_addr_slot(raddr, TCP_PAIRS_BITS)];
	const uint64_t words[WORDS] = {laddr->d[0], laddr->d[1], raddr->d[0], raddr->d[1]};

	if (likely(mr_addr_equal(&p->laddr, laddr) && mr_addr_equal(&p->raddr, raddr)))
		return p;
	p->laddr = *laddr;
	p->raddr = *raddr;
	siphash_begin(&t->isn_key, p->isn);
	for (unsigned i = 0; i < WORDS; i++)
		siphash_word(p->isn, words[i]);
	p->ts_offset = (uint32_t)siphash_words(&t->ts_key, words, WORDS);
	return p;
}

uint32_t
tcp_isn(struct tcp *t, const struct mr_flow *flow, const struct mr_addr *laddr)
{
	const struct tcp_pair *p = pair_of(t, laddr, &flow->raddr);
	uint64_t v[4] = {p->isn[0], p->isn[1], p->isn[2], p->isn[3]};

	siphash_word(v, (uint64_t)flow->rport_be << 16 | flow->lport_be);
	return (uint32_t)siphash_end(v, WORDS + 1) + (uint32_t)(t->tp.stack->now_ns >> 12);
}

uint32_t
tcp_ts_offset(struct tcp *t, const struct mr_flow *flow, const struct mr_addr *laddr)
{
	return pair_of(t, laddr, &flow->raddr)->ts_offset;
}
