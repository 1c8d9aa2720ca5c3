/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Frame builders: specification -> bytes, with defaults for every field that a test does not care about.
 *
 * Written for the tests alone: nothing here uses the code under test, so an error in the library's checksums or header
 * layouts cannot hide behind the same error here.
 */
#include "rig/rig.h"

#include <string.h>

#define ETH 14u

static const uint8_t no_mac[6];

void
rig_pattern_fill(void *buf, uint64_t off, size_t len)
{
	uint8_t *p = buf;

	for (size_t i = 0; i < len; i++)
		p[i] = rig_pattern(off + i);
}

size_t
rig_pattern_check(const void *buf, uint64_t off, size_t len)
{
	const uint8_t *p = buf;
	size_t i = 0;

	while (i < len && p[i] == rig_pattern(off + i))
		i++;
	return i;
}

uint16_t
rig_cksum(const void *data, size_t len, uint32_t start)
{
	const uint8_t *p = data;
	uint64_t sum = start;

	for (size_t i = 0; i + 1 < len; i += 2)
		sum += (uint32_t)p[i] << 8 | p[i + 1];
	if (len & 1)
		sum += (uint32_t)p[len - 1] << 8;
	while (sum >> 16)
		sum = (sum & 0xffff) + (sum >> 16);
	return (uint16_t)~sum;
}

static void
put16(uint8_t *p, uint16_t v)
{
	p[0] = v >> 8;
	p[1] = (uint8_t)v;
}

static void
put32(uint8_t *p, uint32_t v)
{
	put16(p, v >> 16);
	put16(p + 2, (uint16_t)v);
}

static uint16_t
get16(const uint8_t *p)
{
	return (uint16_t)(p[0] << 8 | p[1]);
}

static bool
is_zero(const struct mr_addr *a)
{
	return !(a->d[0] | a->d[1]);
}

static bool
is_v4(const struct mr_addr *a)
{
	static const uint8_t mapped[12] = {[10] = 0xff, [11] = 0xff};

	return memcmp(a->b, mapped, sizeof(mapped)) == 0;
}

static bool
wants_v6(const struct rig_ip *ip)
{
	return ip->v6 || (!is_zero(&ip->src) && !is_v4(&ip->src)) || (!is_zero(&ip->dst) && !is_v4(&ip->dst));
}

static struct mr_addr
or_addr(const struct mr_addr *a, const struct mr_addr *by_default)
{
	return is_zero(a) ? *by_default : *a;
}

static void
put_mac(uint8_t *p, const uint8_t *mac, const uint8_t *by_default)
{
	memcpy(p, memcmp(mac, no_mac, 6) ? mac : by_default, 6);
}

/* Link address that an IP destination maps to. */
static void
dst_mac(const struct rig *rig, const struct mr_addr *dst, uint8_t *mac)
{
	static const uint8_t limited[4] = {255, 255, 255, 255}, directed[4] = {10, 0, 0, 255};

	memcpy(mac, rig->mac, 6);
	if (!is_v4(dst)) {
		if (dst->b[0] == 0xff) {
			put16(mac, 0x3333);
			memcpy(mac + 2, dst->b + 12, 4);
		}
	} else if (!memcmp(dst->b + 12, limited, 4) || !memcmp(dst->b + 12, directed, 4)) {
		memset(mac, 0xff, 6);
	} else if ((dst->b[12] & 0xf0) == 0xe0) {
		memcpy(mac, "\x01\x00\x5e", 3);
		memcpy(mac + 3, dst->b + 13, 3);
		mac[3] &= 0x7f;
	}
}

static void
append(struct rig_buf *out, const void *data, uint32_t len)
{
	ck_assert_uint_le(out->len + len, RIG_BUF_BYTES);
	if (len)
		memcpy(out->b + out->len, data, len);
	out->len += len;
}

/* `data`, or pattern when there is none. */
static void
append_payload(struct rig_buf *out, const void *data, uint32_t len, uint64_t off)
{
	if (data) {
		append(out, data, len);
		return;
	}
	ck_assert_uint_le(out->len + len, RIG_BUF_BYTES);
	rig_pattern_fill(out->b + out->len, off, len);
	out->len += len;
}

static void
append_pad(struct rig_buf *out, uint32_t len)
{
	ck_assert_uint_le(out->len + len, RIG_BUF_BYTES);
	memset(out->b + out->len, 0xa5, len); /* not zero: who takes it for payload shall be seen */
	out->len += len;
}

void
rig_build_eth(const struct rig *rig, struct rig_buf *out, const struct rig_ip *ip, const void *payload, uint32_t len)
{
	out->len = ETH;
	put_mac(out->b, ip->eth_dst, rig->mac);
	put_mac(out->b + 6, ip->eth_src, rig->peer_mac);
	put16(out->b + 12, ip->eth_type);
	append(out, payload, len);
	append_pad(out, ip->pad);
}

void
rig_build_arp(const struct rig *rig, struct rig_buf *out, const struct rig_arp *a)
{
	static const uint8_t broadcast[6] = {255, 255, 255, 255, 255, 255};
	bool reply = a->op == 2;
	struct mr_addr spa = or_addr(&a->spa, &rig->peer4), tpa = or_addr(&a->tpa, &rig->addr4);
	uint8_t *p = out->b + ETH;

	put_mac(out->b, a->eth_dst, reply ? rig->mac : broadcast);
	put_mac(out->b + 6, a->eth_src, rig->peer_mac);
	put16(out->b + 12, 0x0806);
	put16(p, a->hrd ? a->hrd : 1);
	put16(p + 2, a->pro ? a->pro : 0x0800);
	p[4] = a->hln ? a->hln : 6;
	p[5] = a->pln ? a->pln : 4;
	put16(p + 6, a->op ? a->op : 1);
	put_mac(p + 8, a->sha, rig->peer_mac);
	memcpy(p + 14, spa.b + 12, 4);
	if (a->spa_any)
		memset(p + 14, 0, 4);
	put_mac(p + 18, a->tha, reply ? rig->mac : no_mac);
	memcpy(p + 24, tpa.b + 12, 4);
	out->len = ETH + 28;
	append_pad(out, a->pad);
}

/* Ethernet and IPv4 or IPv6 header for `len` more bytes, which the caller appends. */
static void
put_ip(const struct rig *rig, struct rig_buf *out, const struct rig_ip *ip, uint8_t proto, uint8_t ttl, uint32_t len)
{
	bool v6 = wants_v6(ip);
	struct mr_addr src = or_addr(&ip->src, v6 ? &rig->peer6 : &rig->peer4);
	struct mr_addr dst = or_addr(&ip->dst, v6 ? &rig->addr6 : &rig->addr4);
	uint8_t opts = v6 ? ip->opts_len : (ip->opts_len + 3u) & ~3u, to[6];
	uint8_t *p = out->b + ETH;

	dst_mac(rig, &dst, to);
	put_mac(out->b, ip->eth_dst, to);
	put_mac(out->b + 6, ip->eth_src, rig->peer_mac);
	put16(out->b + 12, ip->eth_type ? ip->eth_type : v6 ? 0x86dd : 0x0800);
	memset(p, 0, 40 + opts);
	if (ip->src_any)
		memset(&src, 0, sizeof(src));
	if (ip->proto)
		proto = ip->proto;
	if (ip->ttl)
		ttl = ip->ttl;
	if (v6) {
		put32(p, 6u << 28 | (uint32_t)ip->tos << 20);
		put16(p + 4, (uint16_t)(opts + len));
		p[6] = opts ? ip->next_hdr : proto;
		p[7] = ttl;
		memcpy(p + 8, src.b, 16);
		memcpy(p + 24, dst.b, 16);
		out->len = ETH + 40;
	} else {
		p[0] = (uint8_t)(0x45 + opts / 4);
		p[1] = ip->tos;
		put16(p + 2, (uint16_t)(20 + opts + len));
		put16(p + 4, ip->id);
		put16(p + 6, ip->frag);
		p[8] = ttl;
		p[9] = proto;
		memcpy(p + 12, src.b + 12, 4);
		memcpy(p + 16, dst.b + 12, 4);
		out->len = ETH + 20;
	}
	append(out, ip->opts, ip->opts_len);
	memset(out->b + out->len, 0, opts - ip->opts_len);
	out->len += opts - ip->opts_len;
	if (!v6)
		put16(p + 10, rig_cksum(p, 20u + opts, 0) ^ (ip->spoil & RIG_SPOIL_IP_CKSUM ? 1 : 0));
}

/* Sum of the pseudo-header of the frame in `b`. */
static uint32_t
pseudo_sum(const struct rig_buf *b, uint8_t proto, uint32_t len)
{
	const uint8_t *p = b->b + ETH;
	bool v6 = p[0] >> 4 == 6;
	uint32_t sum = proto + (len >> 16) + (len & 0xffff);

	return sum + (uint16_t)~rig_cksum(p + (v6 ? 8 : 12), v6 ? 32 : 8, 0);
}

/* Write a transport checksum at `at`; the transport starts at `l4` and ends with the frame. */
static void
put_cksum(struct rig_buf *b, uint32_t l4, uint32_t at, uint8_t proto, unsigned spoil)
{
	uint32_t len = b->len - l4, start = proto <= 2 ? 0 : pseudo_sum(b, proto, len);
	uint16_t sum;

	put16(b->b + at, 0);
	sum = rig_cksum(b->b + l4, len, start);
	if (proto == 17 && sum == 0)
		sum = 0xffff;
	if (spoil & RIG_SPOIL_L4_CKSUM)
		sum ^= 1;
	if (spoil & RIG_ZERO_L4_CKSUM)
		sum = 0;
	put16(b->b + at, sum);
}

void
rig_build_ip(const struct rig *rig, struct rig_buf *out, const struct rig_ip *ip, const void *payload, uint32_t len)
{
	put_ip(rig, out, ip, 253, 64, len);
	append_payload(out, payload, len, 0);
	append_pad(out, ip->pad);
}

void
rig_build_icmp(const struct rig *rig, struct rig_buf *out, const struct rig_icmp *i)
{
	bool v6 = wants_v6(&i->ip);
	uint8_t hdr[8] = {i->echo ? (v6 ? 128 : 8) : i->type, i->code};
	uint32_t l4;

	put16(hdr + 4, i->id);
	put16(hdr + 6, i->seq);
	if (i->rest)
		put32(hdr + 4, i->rest);
	put_ip(rig, out, &i->ip, v6 ? 58 : 1, 64, sizeof(hdr) + i->len);
	l4 = out->len;
	append(out, hdr, sizeof(hdr));
	append_payload(out, i->data, i->len, 0);
	put_cksum(out, l4, l4 + 2, v6 ? 58 : 1, i->ip.spoil);
	append_pad(out, i->ip.pad);
}

static uint32_t
ndp_flags(const struct rig_ndp *n)
{
	return (uint32_t)n->router << 31 | (uint32_t)n->solicited << 30 | (uint32_t)n->override << 29;
}

void
rig_build_ndp(const struct rig *rig, struct rig_buf *out, const struct rig_ndp *n)
{
	uint8_t type = n->type ? n->type : 135, hdr[24] = {type, n->code}, ll[8];
	struct mr_addr target = or_addr(&n->target, type == 136 ? &rig->peer6 : &rig->addr6);
	uint32_t hdr_len = type == 133 ? 8 : type == 134 ? 16 : 24, l4, len;
	uint8_t ll_opt = n->ll_opt ? n->ll_opt : type == 136 ? 2 : n->ip.src_any ? 255 : 1;
	struct rig_ip ip = n->ip;

	ip.v6 = true;
	if (is_zero(&ip.dst) && type == 135) {
		ip.dst = (struct mr_addr){.b = {0xff, 2, [11] = 1, [12] = 0xff}};
		memcpy(ip.dst.b + 13, target.b + 13, 3);
	}
	if (type == 136)
		put32(hdr + 4, ndp_flags(n));
	if (type >= 135)
		memcpy(hdr + 8, target.b, 16);
	ll[0] = ll_opt;
	ll[1] = 1;
	put_mac(ll + 2, n->ll, rig->peer_mac);
	len = hdr_len + (ll_opt == 255 ? 0 : 8) + n->opts_len;
	put_ip(rig, out, &ip, 58, 255, len);
	l4 = out->len;
	append(out, hdr, hdr_len);
	append(out, ll, ll_opt == 255 ? 0 : 8);
	append(out, n->opts, n->opts_len);
	put_cksum(out, l4, l4 + 2, 58, ip.spoil);
	append_pad(out, ip.pad);
}

/* Where such a message goes. */
static struct mr_addr
group_dst(const struct rig_group *g, bool v6)
{
	uint8_t type = g->type, last = type == 0x17 || type == 132 ? 2 : 1;

	if (last == 1 && !is_zero(&g->group))
		return g->group;
	return v6 ? (struct mr_addr){.b = {0xff, 2, [15] = last}} : mr_addr_v4(0xe0000000u | last);
}

void
rig_build_group(const struct rig *rig, struct rig_buf *out, const struct rig_group *g)
{
	static const uint8_t alert4[4] = {0x94, 4}, alert6[8] = {58, 0, 5, 2, 0, 0, 1, 0};
	bool v6 = g->ip.v6 || (!is_zero(&g->group) && !is_v4(&g->group));
	uint8_t hdr[24] = {g->type ? g->type : v6 ? 130 : 0x11};
	uint32_t l4, len = v6 ? 24 : 8;
	struct rig_ip ip = g->ip;

	ip.v6 = v6;
	if (is_zero(&ip.dst))
		ip.dst = group_dst(g, v6);
	if (v6 && is_zero(&ip.src))
		ip.src = (struct mr_addr){.b = {0xfe, 0x80, [15] = 2}};
	if (!ip.opts && !g->no_alert) {
		ip.opts = v6 ? alert6 : alert4;
		ip.opts_len = v6 ? sizeof(alert6) : sizeof(alert4);
	}
	if (v6) {
		put16(hdr + 4, g->max_resp);
		memcpy(hdr + 8, g->group.b, 16);
	} else {
		hdr[1] = (uint8_t)g->max_resp;
		memcpy(hdr + 4, g->group.b + 12, 4);
	}
	put_ip(rig, out, &ip, v6 ? 58 : 2, 1, len + g->more_len);
	l4 = out->len;
	append(out, hdr, len);
	append(out, g->more, g->more_len);
	put_cksum(out, l4, l4 + 2, v6 ? 58 : 2, ip.spoil);
	append_pad(out, ip.pad);
}

void
rig_build_udp(const struct rig *rig, struct rig_buf *out, const struct rig_udp *u)
{
	uint8_t hdr[8] = {0};
	uint32_t l4;

	put16(hdr, u->sport ? u->sport : 5000);
	put16(hdr + 2, u->dport ? u->dport : 7);
	put16(hdr + 4, u->lie_len ? u->lie_len : (uint16_t)(8 + u->len));
	put_ip(rig, out, &u->ip, 17, 64, 8 + u->len);
	l4 = out->len;
	append(out, hdr, sizeof(hdr));
	append_payload(out, u->data, u->len, 0);
	put_cksum(out, l4, l4 + 6, 17, u->ip.spoil);
	append_pad(out, u->ip.pad);
}

void
rig_build_tcp(const struct rig *rig, struct rig_buf *out, const struct rig_tcphdr *t)
{
	uint8_t hdr[60] = {0}, opts = (t->opts_len + 3u) & ~3u;
	uint32_t l4;

	ck_assert_uint_le(opts, 40);
	put16(hdr, t->sport ? t->sport : 5000);
	put16(hdr + 2, t->dport ? t->dport : 80);
	put32(hdr + 4, t->seq);
	put32(hdr + 8, t->ack);
	hdr[12] = (uint8_t)((t->lie_off ? t->lie_off : 5 + opts / 4) << 4);
	hdr[13] = t->flags;
	put16(hdr + 14, t->wnd);
	put16(hdr + 18, t->urg);
	memset(hdr + 20, 1, opts);
	if (t->opts_len)
		memcpy(hdr + 20, t->opts, t->opts_len);
	put_ip(rig, out, &t->ip, 6, 64, 20 + opts + t->len);
	l4 = out->len;
	append(out, hdr, 20 + opts);
	append_payload(out, t->data, t->len, t->data_off);
	put_cksum(out, l4, l4 + 16, 6, t->ip.spoil);
	append_pad(out, t->ip.pad);
}

/* By which offset in a transport's header its checksum lies; 0: it has none. */
static uint32_t
cksum_at(uint8_t proto)
{
	return proto == 1 || proto == 2 || proto == 58 ? 2 : proto == 17 ? 6 : proto == 6 ? 16 : 0;
}

void
rig_fix(struct rig_buf *b)
{
	uint8_t *p = b->b + ETH;
	uint16_t type = get16(b->b + 12);
	uint32_t hdr, end, keep = b->len;
	uint8_t proto;

	if (type == 0x0800) {
		hdr = (p[0] & 15u) * 4;
		put16(p + 10, 0);
		put16(p + 10, rig_cksum(p, hdr, 0));
		end = ETH + get16(p + 2);
		proto = p[9];
	} else if (type == 0x86dd) {
		hdr = 40;
		end = ETH + 40 + get16(p + 4);
		proto = p[6];
		if (proto == 0) { /* hop-by-hop options */
			proto = p[40];
			hdr += (p[41] + 1u) * 8;
		}
	} else {
		return;
	}
	if (!cksum_at(proto) || end > b->len || ETH + hdr + cksum_at(proto) + 2 > end)
		return;
	b->len = end; /* without the padding */
	put_cksum(b, ETH + hdr, ETH + hdr + cksum_at(proto), proto, 0);
	b->len = keep;
}
