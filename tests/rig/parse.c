/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The judge of everything that a stack sends: reads a frame into struct rig_frame and finds the first thing wrong in it.
 *
 * Strict on purpose: what RFCs merely ask receivers to tolerate is an error here (padding that is not there for
 * Ethernet's sake, options after their end, reserved bits). Uses none of the code under test.
 */
#include "rig/rig.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <rte_mbuf.h>

#include "rig/priv.h"

#define ETH 14u
#define ETH_MIN 60u

struct reader {
	struct rig_frame *f;
	uint8_t *l3, *l4;
	uint32_t l4_len;
	unsigned l2_len, l3_len; /* as the mbuf says */
	char *why;
	size_t why_size;
};

static uint16_t
get16(const uint8_t *p)
{
	return (uint16_t)(p[0] << 8 | p[1]);
}

static uint32_t
get32(const uint8_t *p)
{
	return (uint32_t)get16(p) << 16 | get16(p + 2);
}

/* The first fault wins. @return false, for the caller to return */
static bool __attribute__((format(printf, 2, 3)))
fault(struct reader *r, const char *fmt, ...)
{
	va_list ap;

	if (r->why[0])
		return false;
	va_start(ap, fmt);
	vsnprintf(r->why, r->why_size, fmt, ap);
	va_end(ap);
	return false;
}

static uint32_t
pseudo(const struct reader *r, uint8_t proto, uint32_t len)
{
	bool v6 = r->f->v6;

	return proto + (len >> 16) + (len & 0xffff) + (uint16_t)~rig_cksum(r->l3 + (v6 ? 8 : 12), v6 ? 32 : 8, 0);
}

static uint16_t
fold(uint32_t sum)
{
	while (sum >> 16)
		sum = (sum & 0xffff) + (sum >> 16);
	return (uint16_t)sum;
}

/* Transport checksum at `at`: right, or prepared for the link (which is then done here). */
static bool
check_l4(struct reader *r, uint32_t at, uint8_t proto, uint64_t offload)
{
	uint32_t start = proto <= 2 ? 0 : pseudo(r, proto, r->l4_len);
	uint8_t *field = r->l4 + at;
	uint16_t sum;

	if (offload) {
		if (r->l2_len != ETH || r->l3_len != (unsigned)(r->l4 - r->l3))
			return fault(r, "offload with l2_len %u, l3_len %u", r->l2_len, r->l3_len);
		if (get16(field) != fold(start))
			return fault(r, "offloaded checksum starts with %04x, not with the pseudo-header's %04x", get16(field),
			             fold(start));
		memset(field, 0, 2);
		sum = rig_cksum(r->l4, r->l4_len, start);
		if (proto == 17 && !sum)
			sum = 0xffff;
		field[0] = sum >> 8;
		field[1] = (uint8_t)sum;
		return true;
	}
	if (rig_cksum(r->l4, r->l4_len, start) != 0)
		return fault(r, "bad checksum of protocol %u", proto);
	return true;
}

static bool
read_arp(struct reader *r)
{
	struct rig_frame *f = r->f;
	const uint8_t *p = r->l3;
	static const uint8_t fixed[6] = {0, 1, 8, 0, 6, 4};

	f->kind = RIG_ARP;
	if (f->len != ETH + 28 && f->len != ETH_MIN)
		return fault(r, "ARP frame of %u bytes", f->len);
	if (memcmp(p, fixed, sizeof(fixed)) != 0)
		return fault(r, "ARP for other than Ethernet and IPv4");
	f->arp_op = get16(p + 6);
	memcpy(f->arp_sha, p + 8, 6);
	memcpy(f->arp_tha, p + 18, 6);
	f->src = (struct mr_addr){.b = {[10] = 0xff, [11] = 0xff}};
	f->dst = f->src;
	memcpy(f->src.b + 12, p + 14, 4);
	memcpy(f->dst.b + 12, p + 24, 4);
	if (memcmp(f->arp_sha, f->eth_src, 6) != 0)
		return fault(r, "ARP sender is not the frame's");
	if (f->arp_op != 1 && f->arp_op != 2)
		return fault(r, "ARP operation %u", f->arp_op);
	return true;
}

static bool
read_ndp_opts(struct reader *r, uint32_t off)
{
	struct rig_frame *f = r->f;

	while (off < r->l4_len) {
		uint32_t n = off + 1 < r->l4_len ? r->l4[off + 1] * 8u : 0;

		if (n == 0 || off + n > r->l4_len)
			return fault(r, "NDP option of length %u", n);
		if ((r->l4[off] == 1 || r->l4[off] == 2) && n == 8) {
			f->has_ll = true;
			f->ll_opt = r->l4[off];
			memcpy(f->ll, r->l4 + off + 2, 6);
		}
		off += n;
	}
	return true;
}

static bool
read_ndp(struct reader *r)
{
	struct rig_frame *f = r->f;
	uint32_t hdr = f->type == 133 ? 8 : f->type == 134 ? 16 : f->type == 137 ? 40 : 24;

	f->kind = RIG_NDP;
	if (f->ttl != 255)
		return fault(r, "NDP with hop limit %u", f->ttl);
	if (r->l4_len < hdr || f->code)
		return fault(r, "NDP type %u: %u bytes, code %u", f->type, r->l4_len, f->code);
	if (f->type >= 135)
		memcpy(f->target.b, r->l4 + 8, 16);
	return read_ndp_opts(r, hdr);
}

/* A report or leave of ours: Router Alert alone in its options, TTL 1, and a destination that fits. `leave` is the type. */
static bool
check_group(struct reader *r, bool leave, const struct mr_addr *routers, const void *alert, uint32_t alert_len)
{
	struct rig_frame *f = r->f;

	if (f->ttl != 1)
		return fault(r, "group message with TTL %u", f->ttl);
	if (r->l4 - r->l3 != (f->v6 ? 40 : 20) + (ptrdiff_t)alert_len || memcmp(r->l4 - alert_len, alert, alert_len) != 0)
		return fault(r, "group message without Router Alert, or with more than that");
	if (!mr_addr_equal(&f->dst, leave ? routers : &f->target) || !mr_addr_is_multicast(&f->target))
		return fault(r, "group message to the wrong destination, or about none");
	return true;
}

static bool
read_igmp(struct reader *r)
{
	static const uint8_t alert[4] = {0x94, 4, 0, 0};
	struct mr_addr routers = mr_addr_v4(0xe0000002);
	struct rig_frame *f = r->f;

	f->kind = RIG_IGMP;
	if (r->l4_len != 8)
		return fault(r, "IGMP of %u bytes", r->l4_len);
	f->type = r->l4[0];
	f->code = r->l4[1];
	f->target = mr_addr_v4(get32(r->l4 + 4));
	if (f->v6 || (f->type != 0x12 && f->type != 0x16 && f->type != 0x17) || f->code)
		return fault(r, "IGMP type %u, code %u", f->type, f->code);
	return check_l4(r, 2, 2, 0) && check_group(r, f->type == 0x17, &routers, alert, sizeof(alert));
}

static bool
read_mld(struct reader *r)
{
	static const uint8_t alert[8] = {58, 0, 5, 2, 0, 0, 1, 0};
	static const struct mr_addr routers = {.b = {0xff, 2, [15] = 2}};
	struct rig_frame *f = r->f;

	f->kind = RIG_MLD;
	if (r->l4_len != 24 || f->code || f->rest || f->type == 130)
		return fault(r, "MLD type %u, code %u, %u bytes", f->type, f->code, r->l4_len);
	memcpy(f->target.b, r->l4 + 8, 16);
	if (!mr_addr_is_any(&f->src) && !mr_addr_is_linklocal(&f->src))
		return fault(r, "MLD from a source that is not link-local");
	return check_group(r, f->type == 132, &routers, alert, sizeof(alert));
}

static bool
read_icmp(struct reader *r)
{
	struct rig_frame *f = r->f;

	f->kind = f->v6 ? RIG_ICMP6 : RIG_ICMP;
	if (r->l4_len < 8)
		return fault(r, "ICMP of %u bytes", r->l4_len);
	if (f->v6 != (f->proto == 58))
		return fault(r, "ICMP of the other family");
	f->type = r->l4[0];
	f->code = r->l4[1];
	f->id = get16(r->l4 + 4);
	f->seq16 = get16(r->l4 + 6);
	f->rest = get32(r->l4 + 4);
	f->payload = r->l4 + 8;
	f->payload_len = r->l4_len - 8;
	if (!check_l4(r, 2, f->proto, 0))
		return false;
	if (f->v6 && f->type >= 130 && f->type <= 132)
		return read_mld(r);
	return f->v6 && f->type >= 133 && f->type <= 137 ? read_ndp(r) : true;
}

static bool
read_udp(struct reader *r)
{
	struct rig_frame *f = r->f;

	f->kind = RIG_UDP;
	if (r->l4_len < 8 || get16(r->l4 + 4) != r->l4_len)
		return fault(r, "UDP length %u in %u bytes", r->l4_len < 8 ? 0 : get16(r->l4 + 4), r->l4_len);
	f->sport = get16(r->l4);
	f->dport = get16(r->l4 + 2);
	f->payload = r->l4 + 8;
	f->payload_len = r->l4_len - 8;
	if ((f->tx_flags & RTE_MBUF_F_TX_L4_MASK) == RTE_MBUF_F_TX_UDP_CKSUM)
		return check_l4(r, 6, 17, 1);
	if (get16(r->l4 + 6) == 0)
		return f->v6 ? fault(r, "UDP over IPv6 without checksum") : true;
	return check_l4(r, 6, 17, 0);
}

static bool
read_sack(struct reader *r, const uint8_t *p, uint8_t len)
{
	struct rig_frame *f = r->f;

	if (len < 10 || (len - 2) % 8 || f->n_sack)
		return fault(r, "SACK option of length %u", len);
	for (unsigned i = 0; i < (len - 2u) / 8; i++) {
		f->sack[i][0] = get32(p + 2 + 8 * i);
		f->sack[i][1] = get32(p + 6 + 8 * i);
		if ((int32_t)(f->sack[i][1] - f->sack[i][0]) <= 0)
			return fault(r, "SACK block %u-%u", f->sack[i][0], f->sack[i][1]);
		f->n_sack++;
	}
	return true;
}

static bool
read_fastopen(struct reader *r, const uint8_t *p, uint8_t len)
{
	struct rig_frame *f = r->f;

	if (!(f->flags & RIG_SYN) || f->has_fo)
		return fault(r, "TCP option 34 without SYN, or twice");
	if (len != 2 && (len < 6 || len > 18 || len % 2))
		return fault(r, "TCP option 34 of length %u", len);
	f->has_fo = true;
	f->fo = p + 2;
	f->fo_len = len - 2;
	return true;
}

/* One option that is longer than a byte. */
static bool
read_tcp_opt(struct reader *r, const uint8_t *p, uint8_t len)
{
	static const uint8_t lens[9] = {[2] = 4, [3] = 3, [4] = 2, [8] = 10};
	struct rig_frame *f = r->f;

	if (p[0] == 34)
		return read_fastopen(r, p, len);
	if (p[0] != 5 && (p[0] >= sizeof(lens) || lens[p[0]] != len))
		return fault(r, "TCP option %u of length %u", p[0], len);
	if (p[0] >= 2 && p[0] <= 4 && !(f->flags & RIG_SYN))
		return fault(r, "TCP option %u without SYN", p[0]);
	if (p[0] == 5)
		return f->flags & RIG_SYN ? fault(r, "SACK on a SYN") : read_sack(r, p, len);
	if ((p[0] == 2 && f->has_mss) || (p[0] == 3 && f->has_ws) || (p[0] == 4 && f->has_sackok) || (p[0] == 8 && f->has_ts))
		return fault(r, "TCP option %u twice", p[0]);
	if (p[0] == 2) {
		f->has_mss = true;
		f->mss = get16(p + 2);
	} else if (p[0] == 3) {
		f->has_ws = true;
		f->ws = p[2];
	} else if (p[0] == 4) {
		f->has_sackok = true;
	} else {
		f->has_ts = true;
		f->tsval = get32(p + 2);
		f->tsecr = get32(p + 6);
	}
	return true;
}

static bool
read_tcp_opts(struct reader *r)
{
	struct rig_frame *f = r->f;
	const uint8_t *p = f->opts;
	uint32_t i = 0;

	while (i < f->opts_len && p[i] != 0) {
		uint32_t n = p[i] == 1 ? 1 : i + 1 < f->opts_len ? p[i + 1] : 0;

		if (n == 0 || (p[i] != 1 && n < 2) || i + n > f->opts_len)
			return fault(r, "TCP option %u of length %u at %u of %u", p[i], n, i, f->opts_len);
		if (p[i] != 1 && !read_tcp_opt(r, p + i, (uint8_t)n))
			return false;
		i += n;
	}
	for (; i < f->opts_len; i++)
		if (p[i] != 0)
			return fault(r, "bytes behind the end of the TCP options");
	return true;
}

static bool
check_tcp_flags(struct reader *r)
{
	struct rig_frame *f = r->f;

	if ((f->flags & RIG_SYN) && (f->flags & (RIG_FIN | RIG_RST)))
		return fault(r, "flags %s", rig_flags_text(f->flags));
	if (!(f->flags & (RIG_SYN | RIG_RST | RIG_ACK)))
		return fault(r, "neither ACK nor SYN nor RST");
	if (r->l4[12] & 0x0e)
		return fault(r, "TCP reserved bits %x", r->l4[12] & 0x0e);
	if (f->urg && !(f->flags & RIG_URG))
		return fault(r, "urgent pointer without URG");
	if (!f->sport || !f->dport)
		return fault(r, "TCP port 0");
	return true;
}

static bool
read_tcp(struct reader *r)
{
	struct rig_frame *f = r->f;
	uint32_t hdr = r->l4_len < 20 ? 0 : (r->l4[12] >> 4) * 4u;

	f->kind = RIG_TCP;
	if (hdr < 20 || hdr > r->l4_len)
		return fault(r, "TCP data offset %u in %u bytes", hdr, r->l4_len);
	f->sport = get16(r->l4);
	f->dport = get16(r->l4 + 2);
	f->seq = get32(r->l4 + 4);
	f->ack = get32(r->l4 + 8);
	f->flags = r->l4[13];
	f->wnd = get16(r->l4 + 14);
	f->urg = get16(r->l4 + 18);
	f->opts_len = (uint8_t)(hdr - 20);
	memcpy(f->opts, r->l4 + 20, f->opts_len);
	f->payload = r->l4 + hdr;
	f->payload_len = r->l4_len - hdr;
	if (!check_l4(r, 16, 6, (f->tx_flags & RTE_MBUF_F_TX_L4_MASK) == RTE_MBUF_F_TX_TCP_CKSUM))
		return false;
	return check_tcp_flags(r) && read_tcp_opts(r);
}

static bool
read_transport(struct reader *r)
{
	struct rig_frame *f = r->f;

	f->kind = RIG_IP;
	f->payload = r->l4;
	f->payload_len = r->l4_len;
	if (f->src.b[0] == 0xff || (!f->v6 && (f->src.b[12] & 0xf0) == 0xe0))
		return fault(r, "source is a group");
	if (f->ttl == 0)
		return fault(r, "TTL 0");
	if (f->mf || f->frag_off)
		return true;
	switch (f->proto) {
	case 1:
	case 58:
		return read_icmp(r);
	case 2:
		return read_igmp(r);
	case 6:
		return read_tcp(r);
	case 17:
		return read_udp(r);
	}
	return true;
}

/* Frame ends where the packet does, except for Ethernet's minimum. */
static bool
check_end(struct reader *r, uint32_t ip_len)
{
	uint32_t len = r->f->len;

	if (len < ETH + ip_len || (len > ETH + ip_len && len != ETH_MIN))
		return fault(r, "IP length %u in a frame of %u", ip_len, len);
	return true;
}

static bool
read_ipv4(struct reader *r)
{
	struct rig_frame *f = r->f;
	uint8_t *p = r->l3;
	uint32_t hdr = f->len < ETH + 20 ? 0 : (p[0] & 15u) * 4, total;
	uint16_t sum;

	f->kind = RIG_IP;
	if (hdr < 20 || f->len < ETH + hdr || p[0] >> 4 != 4)
		return fault(r, "IPv4 header of %u bytes", hdr);
	total = get16(p + 2);
	if (total < hdr || !check_end(r, total))
		return fault(r, "IPv4 total length %u", total);
	if (f->tx_flags & RTE_MBUF_F_TX_IP_CKSUM) {
		if (get16(p + 10) != 0 || r->l3_len != hdr || r->l2_len != ETH)
			return fault(r, "offloaded IPv4 checksum is %04x, l2_len %u, l3_len %u", get16(p + 10), r->l2_len, r->l3_len);
		sum = rig_cksum(p, hdr, 0);
		p[10] = sum >> 8;
		p[11] = (uint8_t)sum;
	}
	if (rig_cksum(p, hdr, 0) != 0)
		return fault(r, "bad IPv4 header checksum");
	f->tos = p[1];
	f->ip_id = get16(p + 4);
	f->df = p[6] & 0x40;
	f->mf = p[6] & 0x20;
	f->frag_off = (uint16_t)((get16(p + 6) & 0x1fff) << 3);
	f->ttl = p[8];
	f->proto = p[9];
	f->src = (struct mr_addr){.b = {[10] = 0xff, [11] = 0xff}};
	f->dst = f->src;
	memcpy(f->src.b + 12, p + 12, 4);
	memcpy(f->dst.b + 12, p + 16, 4);
	r->l4 = p + hdr;
	r->l4_len = total - hdr;
	return read_transport(r);
}

/* Walk over extension headers. @return false on a malformed one */
static bool
skip_ext(struct reader *r, uint8_t next)
{
	struct rig_frame *f = r->f;

	while (next == 0 || next == 43 || next == 44 || next == 60) {
		uint32_t n = r->l4_len < 8 ? 0 : next == 44 ? 8 : (r->l4[1] + 1u) * 8;

		if (n == 0 || n > r->l4_len)
			return fault(r, "extension header %u of %u bytes", next, n);
		if (next == 44) {
			f->frag_off = get16(r->l4 + 2) & 0xfff8;
			f->mf = r->l4[3] & 1;
		}
		next = r->l4[0];
		r->l4 += n;
		r->l4_len -= n;
	}
	f->proto = next;
	return true;
}

static bool
read_ipv6(struct reader *r)
{
	struct rig_frame *f = r->f;
	const uint8_t *p = r->l3;

	f->kind = RIG_IP;
	f->v6 = true;
	if (f->len < ETH + 40 || p[0] >> 4 != 6)
		return fault(r, "IPv6 frame of %u bytes, version %u", f->len, f->len > ETH ? p[0] >> 4 : 0);
	if (!check_end(r, 40u + get16(p + 4)))
		return false;
	f->tos = (uint8_t)(get16(p) >> 4);
	f->ttl = p[7];
	memcpy(f->src.b, p + 8, 16);
	memcpy(f->dst.b, p + 24, 16);
	r->l4 = r->l3 + 40;
	r->l4_len = get16(p + 4);
	return skip_ext(r, p[6]) && read_transport(r);
}

struct rig_frame *
rig_frame_parse(const uint8_t *bytes, uint32_t len, uint64_t tx_flags, unsigned l2_len, unsigned l3_len, char *why,
                size_t why_size)
{
	struct rig_frame *f = calloc(1, sizeof(*f) + len + 1);
	struct reader r = {.f = f, .l2_len = l2_len, .l3_len = l3_len, .why = why, .why_size = why_size};

	/* Not an assertion of Check: each writes a note to a file, and this is for every frame. */
	if (!f)
		ck_abort_msg("out of memory");
	why[0] = '\0';
	memcpy(f->b, bytes, len);
	f->len = len;
	f->tx_flags = tx_flags;
	if (len < ETH) {
		fault(&r, "frame of %u bytes", len);
		return f;
	}
	memcpy(f->eth_dst, f->b, 6);
	memcpy(f->eth_src, f->b + 6, 6);
	f->eth_type = get16(f->b + 12);
	r.l3 = f->b + ETH;
	f->payload = r.l3;
	f->payload_len = len - ETH;
	if (f->eth_src[0] & 1)
		fault(&r, "frame from a group address");
	else if (f->eth_type == 0x0806)
		read_arp(&r);
	else if (f->eth_type == 0x0800)
		read_ipv4(&r);
	else if (f->eth_type == 0x86dd)
		read_ipv6(&r);
	return f;
}

/* Offloads that the link did not announce. */
static bool
check_offloads(struct reader *r, const struct mr_link *l, const struct rte_mbuf *m)
{
	uint64_t l4 = m->ol_flags & RTE_MBUF_F_TX_L4_MASK;

	if (m->ol_flags & (RTE_MBUF_F_TX_TCP_SEG | RTE_MBUF_F_TX_UDP_SEG))
		return fault(r, "segmentation offload");
	if ((m->ol_flags & RTE_MBUF_F_TX_IP_CKSUM) && !(l->caps & MR_LINK_CAP_TX_IPV4_CKSUM))
		return fault(r, "IPv4 checksum offload that the link does not have");
	if (l4 == RTE_MBUF_F_TX_TCP_CKSUM && !(l->caps & MR_LINK_CAP_TX_TCP_CKSUM))
		return fault(r, "TCP checksum offload that the link does not have");
	if (l4 == RTE_MBUF_F_TX_UDP_CKSUM && !(l->caps & MR_LINK_CAP_TX_UDP_CKSUM))
		return fault(r, "UDP checksum offload that the link does not have");
	if (m->nb_segs > 1 && !(l->caps & MR_LINK_CAP_TX_MULTI_SEGS))
		return fault(r, "chain of %u for a link that takes none", m->nb_segs);
	return true;
}

struct rig_frame *
rig_judge(const struct mr_link *l, const struct rte_mbuf *m, char *why, size_t why_size)
{
	static uint8_t flat[RIG_BUF_BYTES];
	char own[128] = "";
	struct reader r = {.why = own, .why_size = sizeof(own)};
	const char *reason;
	const uint8_t *p;
	struct rig_frame *f;

	if (rte_mbuf_check(m, 1, &reason) < 0) {
		snprintf(why, why_size, "mbuf: %s", reason);
		return NULL;
	}
	if (m->pkt_len > l->mtu + ETH)
		fault(&r, "frame of %u bytes, MTU %u", m->pkt_len, l->mtu);
	p = m->pkt_len <= sizeof(flat) ? rte_pktmbuf_read(m, 0, m->pkt_len, flat) : NULL;
	if (!p) {
		snprintf(why, why_size, "chain does not hold its %u bytes", m->pkt_len);
		return NULL;
	}
	check_offloads(&r, l, m);
	f = rig_frame_parse(p, m->pkt_len, m->ol_flags, m->l2_len, m->l3_len, why, why_size);
	r.f = f;
	if (f->len >= ETH && memcmp(f->eth_src, l->lladdr.b, 6) != 0)
		fault(&r, "frame is not from the link's own address");
	if (own[0])
		snprintf(why, why_size, "%s", own);
	return f;
}
