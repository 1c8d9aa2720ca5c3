/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a link does that cuts TCP segments, by the book: a frame is judged as such, then its headers are repeated before
 * each piece of payload. Lengths and checksums are made anew, sequence number and IPv4 identification count on, PSH and
 * FIN are the last piece's. Nothing here is shared with the code under test.
 */
#include "rig/rig.h"

#include <stdio.h>
#include <string.h>

#include <rte_mbuf.h>

#include "rig/priv.h"

#define ETH 14u
#define MOST (ETH + 65535u)
#define PIECE 16383u /* descriptors of many devices have 14 bits for a length */

static void
put16(uint8_t *p, uint32_t v)
{
	p[0] = (uint8_t)(v >> 8);
	p[1] = (uint8_t)v;
}

static uint32_t
get16(const uint8_t *p)
{
	return (uint32_t)p[0] << 8 | p[1];
}

static uint32_t
get32(const uint8_t *p)
{
	return get16(p) << 16 | get16(p + 2);
}

/* The sum that a field must hold when the device is to cut: of the pseudo-header, without a length. */
static uint16_t
pseudo(const uint8_t *ip, bool v6)
{
	uint32_t sum = 6 + (uint16_t)~rig_cksum(ip + (v6 ? 8 : 12), v6 ? 32 : 8, 0);

	return (uint16_t)((sum & 0xffff) + (sum >> 16));
}

/* @return what is wrong with a frame to be cut, or NULL */
static const char *
judge(const struct mr_link *l, const struct rte_mbuf *m, const uint8_t *b, bool v6)
{
	uint32_t hdr = m->l2_len + m->l3_len + m->l4_len;
	const uint8_t *tcp = b + m->l2_len + m->l3_len;

	if (!(l->caps & MR_LINK_CAP_TX_TSO))
		return "it is to be cut by a link that does not";
	if (m->nb_segs - 1u > l->tso_segs)
		return "of more pieces than the link takes";
	for (const struct rte_mbuf *p = m; p; p = p->next)
		if (p->data_len > PIECE)
			return "a piece that is longer than many devices can tell";
	if (m->pkt_len > MOST || (!v6 && get16(b + ETH + 2) != m->pkt_len - ETH) ||
	    (v6 && get16(b + ETH + 4) != m->pkt_len - ETH - 40))
		return "lengths that do not fit";
	if (m->data_len < hdr || rte_mbuf_refcnt_read(m) != 1)
		return "headers that are not the link's to write to, in one piece";
	if (m->l2_len != ETH || m->l3_len != (v6 ? 40 : 20) || m->l4_len != (tcp[12] >> 4) * 4u)
		return "lengths of headers that are not theirs";
	if (!(m->ol_flags & (v6 ? RTE_MBUF_F_TX_IPV6 : RTE_MBUF_F_TX_IPV4)) ||
	    (m->ol_flags & RTE_MBUF_F_TX_L4_MASK) != RTE_MBUF_F_TX_TCP_CKSUM)
		return "flags that rte_ethdev wants are not there";
	if (m->tso_segsz == 0 || m->pkt_len <= hdr + m->tso_segsz || ETH + l->mtu < hdr + m->tso_segsz)
		return "pieces that are no reason to cut, or larger than the MTU";
	if (tcp[13] & (RIG_CWR | RIG_SYN | RIG_RST | RIG_URG))
		return "flags that cannot be repeated";
	return get16(tcp + 16) == pseudo(b + ETH, v6) ? NULL : "no pseudo-header's sum without a length";
}

static void
piece(const struct rte_mbuf *m, const uint8_t *b, uint32_t off, uint32_t n, unsigned nr, struct rig_buf *out)
{
	uint32_t hdr = m->l2_len + m->l3_len + m->l4_len;
	bool v6 = m->l3_len == 40, last = hdr + off + n == m->pkt_len;
	uint8_t *ip = out->b + ETH, *tcp = ip + m->l3_len;
	uint32_t seq = get32(b + ETH + m->l3_len + 4) + off;

	memcpy(out->b, b, hdr);
	memcpy(out->b + hdr, b + hdr + off, n);
	out->len = hdr + n;
	if (v6) {
		put16(ip + 4, m->l4_len + n);
	} else {
		put16(ip + 2, out->len - ETH);
		put16(ip + 4, get16(b + ETH + 4) + nr);
	}
	put16(tcp + 4, seq >> 16);
	put16(tcp + 6, seq);
	if (!last)
		tcp[13] &= (uint8_t)~(RIG_PSH | RIG_FIN);
	rig_fix(out);
}

void
rig_cut(const struct mr_link *l, const struct rte_mbuf *m, void (*take)(void *arg, const struct rig_buf *b), void *arg,
        char *why, size_t why_size)
{
	static uint8_t flat[MOST];
	static struct rig_buf out;
	uint32_t hdr = m->l2_len + m->l3_len + m->l4_len, off = 0, n;
	const uint8_t *b = m->pkt_len <= sizeof(flat) ? rte_pktmbuf_read(m, 0, m->pkt_len, flat) : NULL;
	const char *fault = b ? judge(l, m, b, get16(b + 12) == 0x86dd) : "no bytes";

	why[0] = '\0';
	if (fault) {
		snprintf(why, why_size, "a frame to be cut: %s", fault);
		return;
	}
	for (unsigned nr = 0; hdr + off < m->pkt_len; nr++, off += n) {
		n = RTE_MIN((uint32_t)m->tso_segsz, m->pkt_len - hdr - off);
		piece(m, b, off, n, nr, &out);
		take(arg, &out);
	}
}
