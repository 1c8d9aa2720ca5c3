/* SPDX-License-Identifier: Apache-2.0 */
/*
 * ICMP (RFC 792, RFC 1122 3.2.2), and what ICMPv6 shares with it: answering echo requests, reading the packet that an
 * error quotes, and building errors.
 *
 * Not here: redirects, source quench, timestamp and mask requests, which a host may or should ignore; ping endpoints
 * (ping.c), which have no part in answering.
 * Invariants: an error is never answered by an error, nor is anything that was not sent to us alone by a single sender;
 * errors received change nothing here, they are hints for the transport they concern (IC-07).
 */
#include "proto/icmp.h"

#include <string.h>

#include <rte_common.h>
#include <rte_ip.h>

#include "proto/cksum.h"
#include "proto/ip.h"
#include "proto/ipv4.h"
#include "proto/mbuf.h"

#define TYPE_UNREACH 3
#define TYPE_TIME_EXCEEDED 11
#define TYPE_PARAM_PROBLEM 12
#define CODE_NET 0
#define CODE_HOST 1
#define CODE_PROTO 2
#define CODE_PORT 3
#define CODE_FRAG_NEEDED 4
#define QUOTE_MAX (576 - 20 - MR_ICMP_HDR_BYTES) /* RFC 1812 4.3.2.3 */
#define IPV4_HDR_BYTES 20
#define IPV6_HDR_BYTES 40
#define CKSUM_OFF 2
#define ID_OFF 4
#define F_NOT_ALONE \
	(MR_PKT_F_LINK_BROADCAST | MR_PKT_F_LINK_MULTICAST | MR_PKT_F_NET_BROADCAST | MR_PKT_F_NET_MULTICAST)

/* ---- shared with ICMPv6 */

bool
mr_icmp_is_echo(const void *hdr, bool v6, uint16_t *id_be)
{
	const uint8_t *h = hdr;

	memcpy(id_be, h + ID_OFF, sizeof(*id_be));
	return h[0] == (v6 ? MR_ICMPV6_ECHO : MR_ICMP_ECHO) && h[1] == 0;
}

void
mr_icmp_cksum_set(struct rte_mbuf *m, const struct mr_addr *src, const struct mr_addr *dst)
{
	char *field = rte_pktmbuf_mtod_offset(m, char *, CKSUM_OFF);
	uint16_t sum = mr_addr_is_v4(src) ? 0 : mr_cksum_phdr(src, dst, MR_TRANS_ICMPV6, m->pkt_len);

	memset(field, 0, sizeof(sum));
	sum = ~mr_cksum_fold(mr_cksum_chain(sum, m, 0, m->pkt_len));
	memcpy(field, &sum, sizeof(sum));
}

/* The received packet itself if nobody else holds it, else a copy of our own. Consumes `m`. */
static struct rte_mbuf *
reply_packet(struct mr_stack *s, struct rte_mbuf *m)
{
	struct rte_mbuf *copy;
	bool own = rte_pktmbuf_headroom(m) >= MR_HEADROOM / 2;

	for (const struct rte_mbuf *seg = m; seg && own; seg = seg->next)
		own = RTE_MBUF_DIRECT(seg) && rte_mbuf_refcnt_read(seg) == 1;
	if (own) {
		m->ol_flags = 0;
		m->tx_offload = 0;
		return m;
	}
	copy = rte_pktmbuf_copy(m, s->tx_pool, 0, UINT32_MAX);
	if (!copy) {
		mr_drop(s, m, MR_DROP_NO_TX_MBUF);
		return NULL;
	}
	rte_pktmbuf_free(m);
	copy->ol_flags &= RTE_MBUF_F_INDIRECT | RTE_MBUF_F_EXTERNAL;
	copy->tx_offload = 0;
	return copy;
}

void
mr_icmp_echo_reply(struct mr_netep *local, struct rte_mbuf *m, uint8_t reply_type)
{
	struct mr_stack *s = local->nic->stack;
	struct mr_addr remote = mr_pkt(m)->src;
	struct mr_ip_params params = {
		.trans_proto = mr_addr_is_v4(&remote) ? MR_TRANS_ICMP : MR_TRANS_ICMPV6,
		.tos = mr_pkt(m)->tos & 0xfc, /* the ECN bits are not for us to copy */
	};

	if (!((struct mr_ip *)local->np)->echo) {
		mr_drop(s, m, MR_DROP_ICMP_IGNORED);
		return;
	}
	m = reply_packet(s, m);
	if (!m || !mr_pkt_linear(m, MR_ICMP_HDR_BYTES)) {
		if (m)
			mr_drop(s, m, MR_DROP_ICMP_MALFORMED);
		return;
	}
	*rte_pktmbuf_mtod(m, uint8_t *) = reply_type;
	mr_icmp_cksum_set(m, &local->addr, &remote);
	if (mr_ip_send(local, &remote, m, &params) == 0)
		mr_count(s, MR_CNT_ICMP_TX_ECHO_REPLY);
}

enum mr_counter
mr_icmp_quote_v4(struct rte_mbuf *m, uint32_t off, struct mr_icmp_quote *q)
{
	const struct rte_ipv4_hdr *h;
	uint32_t ihl, total;

	if (!mr_pkt_linear(m, off + IPV4_HDR_BYTES))
		return MR_DROP_ICMP_MALFORMED;
	h = rte_pktmbuf_mtod_offset(m, const struct rte_ipv4_hdr *, off);
	ihl = (h->version_ihl & 0xf) * 4u;
	total = rte_be_to_cpu_16(h->total_length);
	if (h->version_ihl >> 4 != 4 || ihl < IPV4_HDR_BYTES || total < ihl + MR_ICMP_QUOTE_TRANS_BYTES ||
	    !mr_pkt_linear(m, off + ihl + MR_ICMP_QUOTE_TRANS_BYTES))
		return MR_DROP_ICMP_MALFORMED;
	if (mr_cksum_fold(mr_cksum_add(0, h, ihl)) != 0xffff)
		return MR_DROP_ICMP_MALFORMED;
	if (h->fragment_offset & RTE_BE16(RTE_IPV4_HDR_OFFSET_MASK))
		return MR_DROP_ICMP_IGNORED;
	q->src = mr_ipv4_addr(h->src_addr);
	q->dst = mr_ipv4_addr(h->dst_addr);
	q->trans_proto = h->next_proto_id;
	q->trans_off = off + ihl;
	q->trans_bytes = (uint16_t)RTE_MIN(m->data_len - q->trans_off, total - ihl);
	return MR_CNT_MAX;
}

enum mr_counter
mr_icmp_quote_v6(struct rte_mbuf *m, uint32_t off, struct mr_icmp_quote *q)
{
	const struct rte_ipv6_hdr *h;
	uint32_t len;

	if (!mr_pkt_linear(m, off + IPV6_HDR_BYTES + MR_ICMP_QUOTE_TRANS_BYTES))
		return MR_DROP_ICMP_MALFORMED;
	h = rte_pktmbuf_mtod_offset(m, const struct rte_ipv6_hdr *, off);
	len = rte_be_to_cpu_16(h->payload_len);
	if (rte_be_to_cpu_32(h->vtc_flow) >> 28 != 6 || len < MR_ICMP_QUOTE_TRANS_BYTES)
		return MR_DROP_ICMP_MALFORMED;
	memcpy(&q->src, h->src_addr, sizeof(q->src));
	memcpy(&q->dst, h->dst_addr, sizeof(q->dst));
	q->trans_proto = h->proto;
	q->trans_off = off + IPV6_HDR_BYTES;
	q->trans_bytes = (uint16_t)RTE_MIN(m->data_len - q->trans_off, len);
	return MR_CNT_MAX;
}

void
mr_icmp_deliver_error(struct mr_nic *nic, struct rte_mbuf *m, const struct mr_icmp_quote *q,
                      enum mr_ctrl_type type, uint32_t extra)
{
	struct mr_netep *ep = mr_pkt(m)->netep;
	struct mr_stack *s = nic->stack;

	/* It was sent to us because we had sent the quoted packet: from this same address (SS-15). */
	if (!mr_addr_equal(&q->src, &ep->addr) ||
	    !mr_ip_deliver_control(ep->np, nic, &q->src, &q->dst, q->trans_proto, type, extra,
	                           rte_pktmbuf_mtod_offset(m, const void *, q->trans_off), q->trans_bytes)) {
		mr_drop(s, m, MR_DROP_ICMP_IGNORED);
		return;
	}
	mr_count(s, MR_CNT_ICMP_RX_ERRORS);
	rte_pktmbuf_free(m);
}

static bool
is_error_type(uint8_t type, bool v6)
{
	return v6 ? type < 128 : type == TYPE_UNREACH || type == TYPE_TIME_EXCEEDED || type == TYPE_PARAM_PROBLEM;
}

/* The tuple of an error: that of the packet that it quotes `off` bytes behind the data, turned round. */
static bool
error_tuple(struct rte_mbuf *m, uint32_t off, bool v6, struct mr_tuple *out)
{
	struct mr_icmp_quote q;
	const char *h;

	if ((v6 ? mr_icmp_quote_v6(m, off, &q) : mr_icmp_quote_v4(m, off, &q)) != MR_CNT_MAX)
		return false;
	*out = (struct mr_tuple){.src = q.dst, .dst = q.src};
	h = rte_pktmbuf_mtod_offset(m, const char *, q.trans_off);
	if (q.trans_proto == MR_TRANS_TCP || q.trans_proto == MR_TRANS_UDP) {
		memcpy(&out->dport_be, h, 2);
		memcpy(&out->sport_be, h + 2, 2);
	} else if (q.trans_proto == (v6 ? MR_TRANS_ICMPV6 : MR_TRANS_ICMP) && !mr_icmp_is_echo(h, v6, &out->dport_be)) {
		out->dport_be = 0;
	}
	return true;
}

bool
mr_icmp_tuple(struct rte_mbuf *m, bool v6, struct mr_tuple *out)
{
	uint32_t off = (uint32_t)mr_pkt(m)->trans_off - m->data_off;
	uint8_t h[MR_ICMP_HDR_BYTES];

	if (!mr_pkt_linear(m, off + MR_ICMP_HDR_BYTES))
		return false;
	memcpy(h, rte_pktmbuf_mtod_offset(m, const void *, off), sizeof(h));
	if (is_error_type(h[0], v6))
		return error_tuple(m, off + MR_ICMP_HDR_BYTES, v6, out);
	if (h[0] != (v6 ? MR_ICMPV6_ECHO_REPLY : MR_ICMP_ECHO_REPLY))
		return false;
	out->sport_be = 0;
	memcpy(&out->dport_be, h + ID_OFF, sizeof(out->dport_be));
	return true;
}

void
mr_icmp_deliver_replies(struct mr_stack *s, uint8_t trans, struct rte_mbuf **pkts, uint16_t n)
{
	if (n == 0 || mr_nic_deliver_transport(s, trans, pkts, n))
		return;
	for (uint16_t i = 0; i < n; i++)
		mr_drop(s, pkts[i], MR_DROP_ICMP_IGNORED);
}

/* Does a packet forbid an answer? (RFC 1122 3.2.2, RFC 4443 2.4 e) Its data is at the network header. */
static bool
error_is_forbidden(struct rte_mbuf *m)
{
	const struct mr_pkt *p = mr_pkt(m);
	bool v4 = mr_addr_is_v4(&p->src);
	uint32_t off = (uint32_t)p->trans_off - m->data_off;
	uint8_t type;

	if (!p->netep || mr_addr_is_any(&p->src) || p->flags & F_NOT_ALONE)
		return true;
	if (p->trans_proto != (v4 ? MR_TRANS_ICMP : MR_TRANS_ICMPV6))
		return false;
	/* Of the many types only queries may be answered: whatever else it is could be an error. */
	if (!mr_pkt_linear(m, off + 1))
		return true;
	type = *rte_pktmbuf_mtod_offset(m, const uint8_t *, off);
	return v4 ? type != MR_ICMP_ECHO && type != MR_ICMP_ECHO_REPLY : type < 128 || type == 137;
}

/* A packet with room for the ICMP header, holding the beginning of `m`. NULL: none left, counted. */
static struct rte_mbuf *
quote_packet(struct mr_stack *s, const struct rte_mbuf *m, uint32_t max)
{
	struct rte_mbuf *e = mr_stack_tx_alloc(s);
	uint32_t len;
	char *to;

	if (!e) {
		mr_count(s, MR_DROP_NO_TX_MBUF);
		return NULL;
	}
	len = RTE_MIN(RTE_MIN(m->pkt_len, max), (uint32_t)rte_pktmbuf_tailroom(e));
	to = rte_pktmbuf_append(e, (uint16_t)len);
	mr_mbuf_copy_out(m, 0, to, len);
	return e;
}

void
mr_icmp_send_error(struct mr_netproto *np, struct rte_mbuf *m, uint8_t type, uint8_t code, uint32_t pointer,
                   uint32_t max_bytes)
{
	struct mr_pkt *p = mr_pkt(m);
	struct mr_netep *local = p->netep;
	struct mr_addr remote = p->src;
	struct mr_ip_params params = {.trans_proto = mr_addr_is_v4(&remote) ? MR_TRANS_ICMP : MR_TRANS_ICMPV6};
	struct rte_mbuf *e = NULL;
	uint32_t word = rte_cpu_to_be_32(pointer);
	uint8_t *h;

	mr_mbuf_prepend(m, m->data_off - p->net_off);
	if (!error_is_forbidden(m)) {
		if (mr_ip_error_allowed(np))
			e = quote_packet(np->stack, m, max_bytes);
		else
			mr_count(np->stack, MR_CNT_ICMP_TX_LIMITED);
	}
	rte_pktmbuf_free(m);
	if (!e)
		return;
	h = mr_mbuf_prepend(e, MR_ICMP_HDR_BYTES);
	h[0] = type;
	h[1] = code;
	memcpy(h + 4, &word, sizeof(word));
	mr_icmp_cksum_set(e, &local->addr, &remote);
	if (mr_ip_send(local, &remote, e, &params) == 0)
		mr_count(np->stack, MR_CNT_ICMP_TX_ERRORS);
}

/* ---- ICMP for IPv4 */

void
mr_icmp_error(struct mr_netproto *np, struct rte_mbuf *m, enum mr_net_error e)
{
	static const uint8_t code[] = {
		[MR_NET_ERR_PORT_UNREACH] = CODE_PORT, [MR_NET_ERR_PROTO_UNREACH] = CODE_PROTO,
		[MR_NET_ERR_HOST_UNREACH] = CODE_HOST, [MR_NET_ERR_NET_UNREACH] = CODE_NET,
	};

	mr_icmp_send_error(np, m, TYPE_UNREACH, code[e], 0, QUOTE_MAX);
}

static enum mr_ctrl_type
unreach_type(uint8_t code)
{
	static const enum mr_ctrl_type type[] = {
		[0] = MR_CTRL_NET_UNREACH, [1] = MR_CTRL_HOST_UNREACH, [2] = MR_CTRL_PROTO_UNREACH, [3] = MR_CTRL_PORT_UNREACH,
		[4] = MR_CTRL_PKT_TOO_BIG, [5] = MR_CTRL_UNKNOWN, [6] = MR_CTRL_NET_UNREACH, [7] = MR_CTRL_HOST_UNREACH,
		[8] = MR_CTRL_HOST_UNREACH, [9] = MR_CTRL_ADMIN_PROHIBITED, [10] = MR_CTRL_ADMIN_PROHIBITED,
		[11] = MR_CTRL_NET_UNREACH, [12] = MR_CTRL_HOST_UNREACH, [13] = MR_CTRL_ADMIN_PROHIBITED,
	};

	return code < RTE_DIM(type) ? type[code] : MR_CTRL_UNKNOWN;
}

static void
icmp_rx_error(struct mr_nic *nic, struct rte_mbuf *m)
{
	uint8_t h[MR_ICMP_HDR_BYTES];
	struct mr_icmp_quote q;
	enum mr_ctrl_type type = MR_CTRL_TIME_EXCEEDED;
	uint32_t extra = 0;
	enum mr_counter why;

	memcpy(h, rte_pktmbuf_mtod(m, const void *), sizeof(h));
	why = mr_icmp_quote_v4(m, MR_ICMP_HDR_BYTES, &q);
	if (why != MR_CNT_MAX) {
		mr_drop(nic->stack, m, why);
		return;
	}
	if (h[0] == TYPE_UNREACH) {
		type = unreach_type(h[1]);
		if (h[1] == CODE_FRAG_NEEDED)
			extra = (uint32_t)h[6] << 8 | h[7];
	} else if (h[0] == TYPE_PARAM_PROBLEM) {
		type = MR_CTRL_PARAM_PROBLEM;
		extra = h[4];
	}
	mr_icmp_deliver_error(nic, m, &q, type, extra);
}

static void
icmp_rx_echo(struct mr_nic *nic, struct rte_mbuf *m)
{
	struct mr_pkt *p = mr_pkt(m);

	mr_count(nic->stack, MR_CNT_ICMP_RX_ECHO);
	/* One request must not make many answers (smurf). */
	if (p->flags & F_NOT_ALONE)
		mr_drop(nic->stack, m, MR_DROP_ICMP_IGNORED);
	else
		mr_icmp_echo_reply(p->netep, m, MR_ICMP_ECHO_REPLY);
}

/* @return true: it is an echo reply and still the caller's. All else is consumed. */
static bool
icmp_rx(struct mr_nic *nic, struct rte_mbuf *m)
{
	uint8_t type;

	if (mr_pkt(m)->trans_len < MR_ICMP_HDR_BYTES || !mr_pkt_linear(m, MR_ICMP_HDR_BYTES)) {
		mr_drop(nic->stack, m, MR_DROP_ICMP_MALFORMED);
		return false;
	}
	if (!mr_cksum_rx_soft_ok(m, 0)) {
		mr_drop(nic->stack, m, MR_DROP_ICMP_BAD_CKSUM);
		return false;
	}
	type = *rte_pktmbuf_mtod(m, const uint8_t *);
	if (type == MR_ICMP_ECHO_REPLY && !(mr_pkt(m)->flags & F_NOT_ALONE))
		return true;
	if (type == MR_ICMP_ECHO)
		icmp_rx_echo(nic, m);
	else if (is_error_type(type, false))
		icmp_rx_error(nic, m);
	else
		mr_drop(nic->stack, m, MR_DROP_ICMP_IGNORED);
	return false;
}

void
mr_icmp_input(struct mr_netproto *np, struct mr_nic *nic, struct rte_mbuf **pkts, uint16_t n)
{
	uint16_t replies = 0;

	mr_count_n(np->stack, MR_CNT_IP_RX_DELIVERED, n);
	for (uint16_t i = 0; i < n; i++) {
		if (icmp_rx(nic, pkts[i]))
			pkts[replies++] = pkts[i];
	}
	mr_icmp_deliver_replies(np->stack, MR_TRANS_ICMP, pkts, replies);
}
