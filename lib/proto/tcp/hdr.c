/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The TCP header and its options, read and written (RFC 9293 3.1, 3.2; RFC 7323; RFC 2018).
 *
 * Reading never fails: an option of impossible length ends the reading, what was read before it counts (MUST-7).
 * Writing uses the layouts that every middlebox has seen: MSS first, timestamps aligned by two NOPs.
 */
#include "proto/tcp/tcp.h"

#include <string.h>

#include <rte_byteorder.h>
#include <rte_common.h>
#include <rte_tcp.h>

#include "proto/cksum.h"
#include "proto/mbuf.h"

#define OPT_EOL 0
#define OPT_NOP 1
#define OPT_MSS 2
#define OPT_WS 3
#define OPT_SACK_PERM 4
#define OPT_SACK 5
#define OPT_TS 8
#define OPT_FASTOPEN 34

static uint16_t
load_be16(const uint8_t *p)
{
	return (uint16_t)(p[0] << 8 | p[1]);
}

static uint32_t
load_be32(const uint8_t *p)
{
	uint32_t v;

	memcpy(&v, p, 4);
	return rte_be_to_cpu_32(v);
}

static void
store_be32(uint8_t *p, uint32_t v)
{
	v = rte_cpu_to_be_32(v);
	memcpy(p, &v, 4);
}

static void
fastopen_pull(struct tcp_rx *rx, const uint8_t *opt, unsigned len)
{
	unsigned n = len - 2;

	if (n % 2 || (n > 0 && n < 4) || n > TCP_FO_COOKIE_MAX)
		return;
	rx->fo = opt + 2;
	rx->fo_len = (uint8_t)n;
	rx->opts |= TCP_OPT_FO;
}

/* One option of len bytes, kind and length included. SACK and timestamps count on any segment, the others on a SYN only. */
static void
option_pull(struct tcp_rx *rx, const uint8_t *opt, unsigned len)
{
	bool syn = rx->flags & TCP_SYN;

	switch (opt[0]) {
	case OPT_MSS:
		if (!syn || len != 4 || load_be16(opt + 2) == 0)
			return;
		rx->mss = load_be16(opt + 2);
		rx->opts |= TCP_OPT_MSS;
		return;
	case OPT_WS:
		if (!syn || len != 3)
			return;
		rx->wscale = opt[2] > TCP_MAX_WSCALE ? TCP_MAX_WSCALE : opt[2];
		rx->opts |= TCP_OPT_WS;
		return;
	case OPT_SACK_PERM:
		if (syn && len == 2)
			rx->opts |= TCP_OPT_SACK_PERM;
		return;
	case OPT_TS:
		if (len != 10)
			return;
		rx->tsval = load_be32(opt + 2);
		rx->tsecr = load_be32(opt + 6);
		rx->opts |= TCP_OPT_TS;
		return;
	case OPT_SACK:
		if (syn || len < 10 || (len - 2) % 8)
			return;
		rx->n_sack = (uint8_t)((len - 2) / 8);
		rx->sack = opt + 2;
		return;
	case OPT_FASTOPEN:
		if (syn)
			fastopen_pull(rx, opt, len);
		return;
	default:
		return;
	}
}

unsigned
tcp_hdr_sack(const struct tcp_rx *rx, uint32_t (*blocks)[2])
{
	for (unsigned i = 0; i < rx->n_sack; i++) {
		blocks[i][0] = load_be32(rx->sack + 8 * i);
		blocks[i][1] = load_be32(rx->sack + 8 * i + 4);
	}
	return rx->n_sack;
}

static void
options_pull(struct tcp_rx *rx, const uint8_t *opt, unsigned len)
{
	while (len > 0 && opt[0] != OPT_EOL) {
		unsigned n;

		if (opt[0] == OPT_NOP) {
			opt++;
			len--;
			continue;
		}
		if (len < 2 || opt[1] < 2 || opt[1] > len)
			return;
		n = opt[1];
		option_pull(rx, opt, n);
		opt += n;
		len -= n;
	}
}

void
tcp_hdr_pull_options(struct rte_mbuf *m, struct tcp_rx *rx)
{
	const uint8_t *h = rte_pktmbuf_mtod(m, const uint8_t *);

	rx->opts = 0;
	rx->tsval = rx->tsecr = 0;
	options_pull(rx, h + TCP_HDR_BYTES, mr_pkt(m)->trans_hdr_len - TCP_HDR_BYTES);
}

unsigned
tcp_hdr_bytes(const struct tcp_tx *tx)
{
	unsigned n = TCP_HDR_BYTES;

	if (tx->opts & TCP_OPT_MSS)
		n += 4;
	if (tx->opts & TCP_OPT_TS)
		n += TCP_TS_OPT_BYTES;
	else if (tx->opts & TCP_OPT_SACK_PERM)
		n += 4;
	if (tx->opts & TCP_OPT_WS)
		n += 4;
	if (tx->opts & TCP_OPT_SACK)
		n += 4 + 8 * tx->n_sack;
	if (tx->opts & TCP_OPT_FO)
		n += RTE_ALIGN_CEIL(2 + tx->fo_len, 4u);
	return n;
}

static __rte_noinline void
fastopen_push(uint8_t *o, const struct tcp_tx *tx)
{
	o[0] = OPT_FASTOPEN;
	o[1] = (uint8_t)(2 + tx->fo_len);
	memset(o + 2, OPT_NOP, RTE_ALIGN_CEIL(2 + tx->fo_len, 4u) - 2);
	if (tx->fo_len)
		memcpy(o + 2, tx->fo, tx->fo_len);
}

static void
options_push(uint8_t *o, const struct tcp_tx *tx)
{
	if (tx->opts & TCP_OPT_MSS) {
		store_be32(o, (uint32_t)OPT_MSS << 24 | 4u << 16 | tx->mss);
		o += 4;
	}
	/* SACK-permitted takes the place of the two NOPs that align a timestamp. */
	if (tx->opts & (TCP_OPT_SACK_PERM | TCP_OPT_TS)) {
		bool sack = tx->opts & TCP_OPT_SACK_PERM, ts = tx->opts & TCP_OPT_TS;

		o[0] = sack && ts ? OPT_SACK_PERM : OPT_NOP;
		o[1] = sack && ts ? 2 : OPT_NOP;
		o[2] = ts ? OPT_TS : OPT_SACK_PERM;
		o[3] = ts ? 10 : 2;
		o += 4;
		if (ts) {
			store_be32(o, tx->tsval);
			store_be32(o + 4, tx->tsecr);
			o += 8;
		}
	}
	if (tx->opts & TCP_OPT_WS) {
		store_be32(o, (uint32_t)OPT_NOP << 24 | OPT_WS << 16 | 3 << 8 | tx->wscale);
		o += 4;
	}
	if (tx->opts & TCP_OPT_SACK) {
		store_be32(o, (uint32_t)OPT_NOP << 24 | OPT_NOP << 16 | OPT_SACK << 8 | (2 + 8u * tx->n_sack));
		for (unsigned i = 0; i < tx->n_sack; i++) {
			store_be32(o + 4 + 8 * i, tx->sack[i][0]);
			store_be32(o + 8 + 8 * i, tx->sack[i][1]);
		}
	}
	if (unlikely(tx->opts & TCP_OPT_FO))
		fastopen_push(o, tx);
}

static void
hdr_write(struct rte_mbuf *m, const struct tcp_tx *tx, unsigned len)
{
	struct rte_tcp_hdr *h = mr_mbuf_prepend(m, (uint16_t)len);

	h->src_port = tx->sport_be;
	h->dst_port = tx->dport_be;
	h->sent_seq = rte_cpu_to_be_32(tx->seq);
	h->recv_ack = rte_cpu_to_be_32(tx->ack);
	h->data_off = (uint8_t)(len << 2);
	h->tcp_flags = tx->flags;
	h->rx_win = rte_cpu_to_be_16(tx->wnd);
	h->cksum = 0;
	h->tcp_urp = tx->urp_be;
	options_push((uint8_t *)(h + 1), tx);
}

void
tcp_hdr_push_summed(struct rte_mbuf *m, const struct tcp_tx *tx, const struct mr_route *r, const uint16_t *payload_sum)
{
	unsigned len;

	if (likely(tx->opts == TCP_OPT_TS)) {
		tcp_hdr_push_ts(m, tx, r, payload_sum);
		return;
	}
	len = tcp_hdr_bytes(tx);
	hdr_write(m, tx, len);
	mr_cksum_tx_part(m, (uint16_t)len, offsetof(struct rte_tcp_hdr, cksum), r, MR_TRANS_TCP, payload_sum ? len : m->pkt_len,
	                 payload_sum ? *payload_sum : 0);
}

void
tcp_hdr_push(struct rte_mbuf *m, const struct tcp_tx *tx, const struct mr_route *r)
{
	tcp_hdr_push_summed(m, tx, r, NULL);
}
