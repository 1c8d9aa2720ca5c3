/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Framings: Ethernet II with what a host must still accept beside it (RFC 1122 2.3.3: 802.2/SNAP; a priority tag), and
 * none, where packets start with their network header.
 *
 * Not here: VLANs. A tag with a VLAN of its own belongs to somebody else and is dropped as an unknown protocol.
 * Invariant: after pull, data_off is at the network header, net_off agrees, and the destination was for this NIC.
 */
#include "stack/link.h"

#include <string.h>

#include <rte_common.h>
#include <rte_ether.h>

#include "proto/mbuf.h"
#include "stack/nic.h"
#include "stack/pkt.h"
#include "stack/stack.h"

#define ETHER_TYPE_MIN 1536 /* less is an 802.3 length */
#define VLAN_BYTES 4
#define VLAN_VID_MASK 0x0fff
#define SNAP_BYTES 8

/* Of ether_word. */
#define ADDR_BITS 48
#define ADDR_MASK ((1ull << ADDR_BITS) - 1)
#define GROUP_BIT 1ull

static inline uint16_t
get_u16(const struct rte_mbuf *m, uint32_t off)
{
	uint16_t v;

	memcpy(&v, rte_pktmbuf_mtod_offset(m, const char *, off), sizeof(v));
	return rte_be_to_cpu_16(v);
}

/* Eight bytes as a number whose lowest six are the address that they begin with, the group bit the lowest of all. */
static inline uint64_t
ether_word(const uint8_t *p)
{
	uint64_t w;

	memcpy(&w, p, sizeof(w));
	return rte_le_to_cpu_64(w);
}

/* An address as it is loaded and stored. */
struct addr_parts {
	uint32_t four;
	uint16_t two;
};

static inline struct addr_parts
addr_parts(const struct mr_lladdr *a)
{
	struct addr_parts p;

	memcpy(&p.four, a->b, sizeof(p.four));
	memcpy(&p.two, a->b + sizeof(p.four), sizeof(p.two));
	return p;
}

/* Where a header lies is even or odd. */
static inline void
addr_put(char *to, struct addr_parts p)
{
	memcpy(to, &p.four, sizeof(p.four));
	memcpy(to + sizeof(p.four), &p.two, sizeof(p.two));
}

/* As the lowest six bytes of a number, as in ether_word. */
static inline uint64_t
addr_number(const struct mr_lladdr *a)
{
	struct addr_parts p = addr_parts(a);

	return rte_le_to_cpu_32(p.four) | (uint64_t)rte_le_to_cpu_16(p.two) << 32;
}

/* Who it is for and from; each word is an address and more, `own` the NIC's alone. @return MR_CNT_MAX, or why it is
 * dropped */
static enum mr_counter
ether_check_addrs(const struct mr_nic *nic, uint64_t own, uint64_t dst, uint64_t src, uint8_t *flags)
{
	if (!(dst & GROUP_BIT)) {
		if ((dst ^ own) & ADDR_MASK && !(nic->flags & MR_NIC_F_PROMISC))
			return MR_DROP_ETHER_NOT_OURS;
	} else {
		*flags |= (dst & ADDR_MASK) == ADDR_MASK ? MR_PKT_F_LINK_BROADCAST : MR_PKT_F_LINK_MULTICAST;
	}
	if (src & GROUP_BIT || !((src ^ own) & ADDR_MASK))
		return MR_DROP_ETHER_BAD_SRC;
	return MR_CNT_MAX;
}

/* Ethernet in its other shapes: moves `hdr` behind the tag or the SNAP header and sets `type`. */
static enum mr_counter
ether_unwrap(struct rte_mbuf *m, uint32_t *hdr, uint16_t *type)
{
	static const uint8_t snap[6] = {0xaa, 0xaa, 0x03, 0, 0, 0};

	if (*type == RTE_ETHER_TYPE_VLAN) {
		if (!mr_pkt_linear(m, *hdr + VLAN_BYTES))
			return MR_DROP_ETHER_SHORT;
		if (get_u16(m, *hdr) & VLAN_VID_MASK)
			return MR_DROP_NET_UNKNOWN_PROTO;
		*type = get_u16(m, *hdr + 2);
		*hdr += VLAN_BYTES;
	}
	if (*type >= ETHER_TYPE_MIN)
		return MR_CNT_MAX;
	if (*type > m->pkt_len - *hdr)
		return MR_DROP_ETHER_SHORT;
	if (*type < SNAP_BYTES || !mr_pkt_linear(m, *hdr + SNAP_BYTES) ||
	    memcmp(rte_pktmbuf_mtod_offset(m, const char *, *hdr), snap, sizeof(snap)) != 0)
		return MR_DROP_NET_UNKNOWN_PROTO;
	*type = get_u16(m, *hdr + 6);
	*hdr += SNAP_BYTES;
	return MR_CNT_MAX;
}

static inline void
ether_strip(struct rte_mbuf *m, uint32_t hdr, uint16_t type)
{
	struct mr_pkt *p = mr_pkt(m);

	mr_mbuf_strip(m, (uint16_t)hdr);
	p->net_proto = type;
	p->net_off = m->data_off;
}

/* Both words of a header and what they say: it is for us alone, from another station, and of no other shape. */
static inline bool
ether_is_plain(uint64_t own, uint64_t dst, uint64_t src, uint16_t type)
{
	return !((dst ^ own) & ADDR_MASK) && !(src & GROUP_BIT) && (src ^ own) & ADDR_MASK && type >= ETHER_TYPE_MIN &&
	       type != RTE_ETHER_TYPE_VLAN;
}

/* Any header. @return MR_CNT_MAX, or why it is dropped */
static __rte_noinline enum mr_counter
ether_pull_odd(struct mr_nic *nic, uint64_t own, struct rte_mbuf *m, uint64_t dst, uint64_t src, uint16_t type)
{
	enum mr_counter why = ether_check_addrs(nic, own, dst, src, &mr_pkt(m)->flags);
	uint32_t hdr = RTE_ETHER_HDR_LEN;

	if (why == MR_CNT_MAX && (type < ETHER_TYPE_MIN || type == RTE_ETHER_TYPE_VLAN))
		why = ether_unwrap(m, &hdr, &type);
	if (why == MR_CNT_MAX)
		ether_strip(m, hdr, type);
	return why;
}

static inline enum mr_counter
ether_pull_one(struct mr_nic *nic, uint64_t own, struct rte_mbuf *m)
{
	uint64_t dst, src;
	uint16_t type;

	if (unlikely(!mr_pkt_linear(m, RTE_ETHER_HDR_LEN)))
		return MR_DROP_ETHER_SHORT;
	dst = ether_word(rte_pktmbuf_mtod(m, const uint8_t *));
	src = ether_word(rte_pktmbuf_mtod_offset(m, const uint8_t *, RTE_ETHER_ADDR_LEN));
	type = rte_bswap16((uint16_t)(src >> ADDR_BITS));
	if (unlikely(!ether_is_plain(own, dst, src, type)))
		return ether_pull_odd(nic, own, m, dst, src, type);
	ether_strip(m, RTE_ETHER_HDR_LEN, type);
	return MR_CNT_MAX;
}

static uint16_t
ether_pull(struct mr_nic *nic, struct rte_mbuf **pkts, uint16_t n)
{
	const uint64_t own = addr_number(&nic->lladdr);
	struct rte_mbuf **kept = pkts;

	for (uint16_t i = 0; i < n; i++) {
		struct rte_mbuf *m = pkts[i];
		enum mr_counter why = ether_pull_one(nic, own, m);

		if (likely(why == MR_CNT_MAX))
			*kept++ = m;
		else
			mr_drop(nic->stack, m, why);
	}
	return (uint16_t)(kept - pkts);
}

static void
ether_push(struct mr_nic *nic, struct rte_mbuf **pkts, uint16_t n, const struct mr_lladdr *dst, uint16_t net_proto)
{
	/* In pieces that stay in registers: put together in memory, the header would be waited for. */
	const struct addr_parts to = addr_parts(dst), from = addr_parts(&nic->lladdr);
	const rte_be16_t type = rte_cpu_to_be_16(net_proto);

	for (; n > 0; n--) {
		struct rte_mbuf *m = *pkts++;
		char *h = mr_mbuf_prepend(m, RTE_ETHER_HDR_LEN);

		addr_put(h, to);
		addr_put(h + RTE_ETHER_ADDR_LEN, from);
		memcpy(h + 2 * RTE_ETHER_ADDR_LEN, &type, sizeof(type));
		if (unlikely(m->ol_flags)) /* else nobody asks */
			m->l2_len = RTE_ETHER_HDR_LEN;
	}
}

static uint16_t
none_pull(struct mr_nic *nic, struct rte_mbuf **pkts, uint16_t n)
{
	uint16_t kept = 0;

	for (uint16_t i = 0; i < n; i++) {
		struct rte_mbuf *m = pkts[i];
		struct mr_pkt *p = mr_pkt(m);
		uint8_t version;

		if (!mr_pkt_linear(m, 1)) {
			mr_drop(nic->stack, m, MR_DROP_ETHER_SHORT);
			continue;
		}
		version = *rte_pktmbuf_mtod(m, const uint8_t *) >> 4;
		if (version != 4 && version != 6) {
			mr_drop(nic->stack, m, MR_DROP_NET_UNKNOWN_PROTO);
			continue;
		}
		p->net_proto = version == 4 ? MR_NET_IPV4 : MR_NET_IPV6;
		p->net_off = m->data_off;
		pkts[kept++] = m;
	}
	return kept;
}

/* Whom a frame is for. */
static enum mr_frame_kind
ether_kind(const struct mr_nic *nic, const struct rte_ether_hdr *h)
{
	if (rte_is_broadcast_ether_addr(&h->dst_addr))
		return MR_FRAME_BROADCAST;
	if (rte_is_multicast_ether_addr(&h->dst_addr))
		return MR_FRAME_MULTICAST;
	return memcmp(&h->dst_addr, nic->lladdr.b, RTE_ETHER_ADDR_LEN) == 0 ? MR_FRAME_HOST : MR_FRAME_OTHERHOST;
}

static bool
ether_look(const struct mr_nic *nic, const struct rte_mbuf *m, struct mr_frame *out)
{
	struct rte_ether_hdr copy;
	const struct rte_ether_hdr *h = rte_pktmbuf_read(m, 0, sizeof(copy), &copy);

	if (!h)
		return false;
	*out = (struct mr_frame){.src.len = RTE_ETHER_ADDR_LEN, .type = rte_be_to_cpu_16(h->ether_type)};
	memcpy(out->src.b, &h->src_addr, RTE_ETHER_ADDR_LEN);
	out->kind = ether_kind(nic, h);
	return true;
}

/* The version that a packet begins with, as an EtherType; 0: no packet that we know. */
static uint16_t
none_type(const struct rte_mbuf *m)
{
	uint8_t copy;
	const uint8_t *first = rte_pktmbuf_read(m, 0, 1, &copy);

	if (!first || (*first >> 4 != 4 && *first >> 4 != 6))
		return 0;
	return *first >> 4 == 4 ? MR_NET_IPV4 : MR_NET_IPV6;
}

static bool
none_look(const struct mr_nic *nic, const struct rte_mbuf *m, struct mr_frame *out)
{
	(void)nic;
	*out = (struct mr_frame){.type = none_type(m), .kind = MR_FRAME_HOST};
	return m->pkt_len > 0;
}

static void
none_push(struct mr_nic *nic, struct rte_mbuf **pkts, uint16_t n, const struct mr_lladdr *dst, uint16_t net_proto)
{
	(void)nic;
	(void)dst;
	(void)net_proto;
	for (uint16_t i = 0; i < n; i++)
		pkts[i]->l2_len = 0;
}

static const struct mr_framing ether_framing = {
	.name = "ether", .hdr_bytes = RTE_ETHER_HDR_LEN, .pull = ether_pull, .look = ether_look, .push = ether_push,
};

static const struct mr_framing none_framing = {
	.name = "none", .hdr_bytes = 0, .pull = none_pull, .look = none_look, .push = none_push,
};

RTE_INIT(ether_register)
{
	mr_framing_register(&ether_framing);
	mr_framing_register(&none_framing);
}
