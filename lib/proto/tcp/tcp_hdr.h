/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A header as it comes and as it goes. In line is the one that nearly every segment has, with timestamps and no other option;
 * all others are in hdr.c.
 */
#ifndef MR_PROTO_TCP_HDR_H
#define MR_PROTO_TCP_HDR_H

#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <rte_byteorder.h>
#include <rte_mbuf.h>
#include <rte_tcp.h>

#include "proto/cksum.h"
#include "proto/mbuf.h"
#include "stack/pkt.h"
#include "stack/route.h"

/* Header flags. */
#define TCP_FIN 0x01
#define TCP_SYN 0x02
#define TCP_RST 0x04
#define TCP_PSH 0x08
#define TCP_ACK 0x10
#define TCP_URG 0x20
#define TCP_ECE 0x40
#define TCP_CWR 0x80

#define TCP_HDR_BYTES 20
#define TCP_MAX_HDR_BYTES 60
#define TCP_TS_OPT_BYTES 12          /* NOP NOP TS */
/* Options as they lie in that header: NOP NOP TS, its length, and two numbers. */
#define TCP_TS_OPT 0x0101080au

#define TCP_OPT_MSS (1u << 0)
#define TCP_OPT_WS (1u << 1)
#define TCP_OPT_SACK_PERM (1u << 2)
#define TCP_OPT_TS (1u << 3)
#define TCP_OPT_SACK (1u << 4)
#define TCP_OPT_FO (1u << 5)
#define TCP_OPT_LATE (1u << 7)       /* none: its timestamp shows that others have overtaken it */

#define TCP_FO_COOKIE_MAX 16         /* RFC 7413 2: 4 to 16 bytes, an even number; none: one is asked for */

/* A received segment on its way through the steps of input. Host order; trimmed as the steps go. */
struct tcp_rx {
	struct rte_mbuf *m;  /* data at the payload; NULL once consumed */
	uint32_t seq, ack;
	uint32_t len;        /* payload bytes */
	uint32_t wnd;        /* as in the header, not scaled */
	uint32_t tsval, tsecr;
	uint16_t mss;
	uint16_t urp_be;     /* as in the header, with TCP_URG */
	uint8_t flags;       /* TCP_FIN ... */
	uint8_t opts;        /* TCP_OPT_*: what the segment carries */
	uint8_t wscale;
	uint8_t n_sack;      /* blocks of the SACK option */
	const uint8_t *sack; /* in the packet */
	const uint8_t *fo;   /* with TCP_OPT_FO: the cookie, in the packet, */
	uint8_t fo_len;      /* and its bytes */
};

/* The blocks of the SACK option, in host order. @return how many: 0 to TCP_SACK_BLOCKS. */
unsigned tcp_hdr_sack(const struct tcp_rx *rx, uint32_t (*blocks)[2]);

/* What goes into an outgoing header. */
struct tcp_tx {
	uint16_t sport_be, dport_be;
	uint32_t seq, ack;
	uint16_t wnd;        /* already scaled */
	uint16_t urp_be;     /* with TCP_URG */
	uint8_t flags;
	uint8_t opts;        /* TCP_OPT_* to write */
	uint32_t tsval, tsecr;
	uint16_t mss;
	uint8_t wscale;
	uint8_t ttl, tos;    /* of the packet, outside any connection; 0: what is usual */
	uint8_t n_sack;      /* with TCP_OPT_SACK */
	uint8_t fo_len;      /* with TCP_OPT_FO */
	union {
		const uint32_t (*sack)[2];
		const uint8_t *fo;
	};
};

/* Bytes of header that these options need. */
unsigned tcp_hdr_bytes(const struct tcp_tx *tx);
/* Prepend the header and finish the checksum for the route. Headroom is there. */
void tcp_hdr_push(struct rte_mbuf *m, const struct tcp_tx *tx, const struct mr_route *r);
/* The same in front of a payload whose sum, folded, is known. NULL: it is to be read. */
void tcp_hdr_push_summed(struct rte_mbuf *m, const struct tcp_tx *tx, const struct mr_route *r, const uint16_t *payload_sum);

/* tcp_hdr_pull for other options. */
void tcp_hdr_pull_options(struct rte_mbuf *m, struct tcp_rx *rx);

/* Read header and options; m's data must be at the transport header. Never fails: bad options end the reading (MUST-7). */
static inline void
tcp_hdr_pull(struct rte_mbuf *m, struct tcp_rx *rx)
{
	const struct mr_pkt *p = mr_pkt(m);
	const struct rte_tcp_hdr *h = rte_pktmbuf_mtod(m, const struct rte_tcp_hdr *);
	const char *opt = (const char *)(h + 1);

	rx->m = m;
	rx->seq = p->seq;
	rx->ack = p->ack;
	rx->flags = p->tcp_flags;
	rx->urp_be = h->tcp_urp;
	rx->wnd = rte_be_to_cpu_16(h->rx_win);
	rx->len = p->trans_len - p->trans_hdr_len;
	rx->mss = 0;
	rx->wscale = 0;
	rx->n_sack = 0;
	if (likely(p->trans_hdr_len == TCP_HDR_BYTES + TCP_TS_OPT_BYTES &&
	           mr_cksum_load32(opt) == RTE_BE32(TCP_TS_OPT))) {
		rx->opts = TCP_OPT_TS;
		rx->tsval = rte_be_to_cpu_32(mr_cksum_load32(opt + 4));
		rx->tsecr = rte_be_to_cpu_32(mr_cksum_load32(opt + 8));
	} else {
		tcp_hdr_pull_options(m, rx);
	}
	mr_mbuf_strip(m, p->trans_hdr_len);
}

/* Two words of a header, as they lie in it. */
static inline uint64_t
tcp_hdr_words(uint32_t first, uint32_t second)
{
	return rte_cpu_to_be_64((uint64_t)first << 32 | second);
}

/* tcp_hdr_push_summed for timestamps alone. The header is summed as it is written: read again at once, it would be waited for. */
static __rte_always_inline void
tcp_hdr_push_ts(struct rte_mbuf *m, const struct tcp_tx *tx, const struct mr_route *r, const uint16_t *payload_sum)
{
	const uint16_t bytes = TCP_HDR_BYTES + TCP_TS_OPT_BYTES;
	const uint32_t payload = m->pkt_len, ports = (uint32_t)rte_be_to_cpu_16(tx->sport_be) << 16 | rte_be_to_cpu_16(tx->dport_be);
	const uint64_t words[] = {
		tcp_hdr_words(ports, tx->seq),
		tcp_hdr_words(tx->ack, (uint32_t)bytes << 26 | (uint32_t)tx->flags << 16 | tx->wnd),
		tcp_hdr_words(rte_be_to_cpu_16(tx->urp_be), TCP_TS_OPT),
		tcp_hdr_words(tx->tsval, tx->tsecr),
	};
	uint8_t *h = mr_mbuf_prepend(m, bytes);
	uint64_t sum = (uint64_t)r->addr_sum + rte_cpu_to_be_16(MR_TRANS_TCP) + rte_cpu_to_be_32(m->pkt_len);
	uint16_t cksum;

	for (unsigned i = 0; i < RTE_DIM(words); i++) {
		memcpy(h + i * sizeof(words[i]), &words[i], sizeof(words[i]));
		sum = mr_cksum_join(sum, words[i]);
	}
	if (mr_cksum_is_offloaded(r, MR_TRANS_TCP)) {
		mr_cksum_tx_leave(m, bytes, offsetof(struct rte_tcp_hdr, cksum), r, MR_TRANS_TCP);
		return;
	}
	if (payload_sum)
		sum = mr_cksum_join(sum, *payload_sum);
	else
		sum = mr_cksum_chain(sum, m, bytes, payload);
	cksum = ~mr_cksum_fold(sum);
	memcpy(h + offsetof(struct rte_tcp_hdr, cksum), &cksum, sizeof(cksum));
}

#endif
