/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Initial sequence numbers (RFC 6528: a 4-microsecond clock plus a keyed hash of the 4-tuple) and timestamp offsets
 * (RFC 7323 5.4: a keyed hash of the address pair, so that a host's timestamps stay ordered over connections, as RFC
 * 6191 wants them).
 */
#include "proto/tcp/tcp.h"

uint32_t
tcp_isn(const struct tcp *t, const struct mr_flow *flow, const struct mr_addr *laddr)
{
	uint64_t words[5] = {laddr->d[0], laddr->d[1], flow->raddr.d[0], flow->raddr.d[1],
	                     (uint64_t)flow->rport_be << 16 | flow->lport_be};

	return (uint32_t)siphash_words(&t->isn_key, words, 5) + (uint32_t)(t->tp.stack->now_ns >> 12);
}

uint32_t
tcp_ts_offset(const struct tcp *t, const struct mr_flow *flow, const struct mr_addr *laddr)
{
	uint64_t words[4] = {laddr->d[0], laddr->d[1], flow->raddr.d[0], flow->raddr.d[1]};

	return (uint32_t)siphash_words(&t->ts_key, words, 4);
}
