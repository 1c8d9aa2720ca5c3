/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Frames of the test rig: specifications to build them from, and the parsed form of what a stack has sent.
 *
 * A specification is a struct whose zero fields mean the default, so a test writes only what it is about:
 * rig_push_udp(rig, .dport = 53, .data = "x", .len = 1). Lengths and checksums are filled in truthfully unless `spoil`
 * says otherwise; for any other lie build into a struct rig_buf, change bytes, and call rig_fix (or not).
 *
 * Ports and numbers are in host byte order throughout. Not here: how frames reach a stack (rig.h).
 */
#ifndef TESTS_RIG_FRAME_H
#define TESTS_RIG_FRAME_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/queue.h>

#include "stack/millrace.h"

struct rig;

#define RIG_BUF_BYTES (14 + 65535 + 64)

/* A frame under construction. */
struct rig_buf {
	uint32_t len;
	uint8_t b[RIG_BUF_BYTES];
};

/* Deliberate faults. */
#define RIG_SPOIL_IP_CKSUM (1u << 0)  /* IPv4 header checksum off by one bit */
#define RIG_SPOIL_L4_CKSUM (1u << 1)  /* ICMP, UDP, TCP */
#define RIG_ZERO_L4_CKSUM (1u << 2)   /* checksum field 0: "none" for UDP over IPv4 */

/* Link and network header of a frame. */
struct rig_ip {
	bool v6;                /* family; also implied by a v6 `src` or `dst` */
	bool src_any;           /* source 0.0.0.0 or :: (all-zero `src` means the peer) */
	struct mr_addr src;     /* default: the peer */
	struct mr_addr dst;     /* default: the stack */
	uint8_t eth_src[6];     /* default: the peer's */
	uint8_t eth_dst[6];     /* default: the stack's, or the group address of a multicast or broadcast `dst` */
	uint16_t eth_type;      /* default: the family's */
	uint8_t proto;          /* default: the builder's */
	uint8_t ttl, tos;       /* default: 64 (NDP: 255), 0 */
	uint16_t id;
	uint16_t frag;          /* IPv4 flags and offset field; 0x4000 is DF, 0x2000 MF */
	const void *opts;       /* IPv4 options (padded to 4 by the rig), or IPv6 extension headers as they are */
	uint8_t opts_len;
	uint8_t next_hdr;       /* IPv6 with `opts`: type of the first extension header */
	uint16_t pad;           /* bytes of link padding behind the packet */
	unsigned spoil;         /* RIG_SPOIL_* */
};

struct rig_arp {
	uint16_t op;            /* 1 request, 2 reply; default 1 */
	uint8_t eth_src[6];     /* default: the peer's */
	uint8_t eth_dst[6];     /* default: broadcast for a request, the stack's for a reply */
	uint8_t sha[6], tha[6]; /* default: the peer's; zero for a request, the stack's for a reply */
	struct mr_addr spa, tpa; /* default: the peer's, the stack's */
	bool spa_any;           /* sender 0.0.0.0: a probe */
	uint16_t hrd, pro;      /* default 1, 0x0800 */
	uint8_t hln, pln;       /* default 6, 4 */
	uint16_t pad;
};

/* ICMP, or ICMPv6 when ip.v6. */
struct rig_icmp {
	struct rig_ip ip;
	uint8_t type, code;     /* type 0 with `echo`: echo request of the family */
	bool echo;
	uint16_t id, seq;       /* bytes 4..7 */
	uint32_t rest;          /* the same as one number, if not 0 (MTU, pointer) */
	const void *data;       /* payload; NULL: `len` bytes of pattern */
	uint32_t len;
};

/* Neighbour discovery. */
struct rig_ndp {
	struct rig_ip ip;       /* default destination: solicited-node group of the target (NS to all others: the stack) */
	uint8_t type, code;     /* 133 RS, 134 RA, 135 NS, 136 NA; default NS */
	struct mr_addr target;  /* default: the stack's for NS, the peer's for NA */
	bool router, solicited, override; /* NA flags */
	uint8_t ll_opt;         /* 1 source, 2 target link address option; 0: what fits the type; 255: none */
	uint8_t ll[6];          /* default: the peer's */
	const void *opts;       /* more options, as they are */
	uint16_t opts_len;
};

/* IGMP, or MLD when ip.v6 or the group is. */
struct rig_group {
	struct rig_ip ip;       /* default: TTL 1; source of MLD fe80::2; destination as it should be for the type and group */
	uint8_t type;           /* IGMP 0x11 query, 0x12 report of version 1, 0x16 report, 0x17 leave; MLD 130 query, 131
	                         * report, 132 done; default: query */
	uint16_t max_resp;      /* tenths of a second, or ms */
	struct mr_addr group;   /* default: none, a general query */
	bool no_alert;          /* without the Router Alert option; also if ip.opts is given */
	const void *more;       /* behind the message: what IGMPv3 and MLDv2 add */
	uint16_t more_len;
};

struct rig_udp {
	struct rig_ip ip;
	uint16_t sport, dport;  /* default 5000, 7 */
	const void *data;       /* NULL: `len` bytes of pattern */
	uint32_t len;
	uint16_t lie_len;       /* not 0: the length field */
};

#define RIG_FIN 0x01u
#define RIG_SYN 0x02u
#define RIG_RST 0x04u
#define RIG_PSH 0x08u
#define RIG_ACK 0x10u
#define RIG_URG 0x20u
#define RIG_ECE 0x40u
#define RIG_CWR 0x80u

/* A TCP segment with absolute sequence numbers (tcp.h has the relative ones). */
struct rig_tcphdr {
	struct rig_ip ip;
	uint16_t sport, dport;  /* default 5000, 80 */
	uint32_t seq, ack;
	uint8_t flags;
	uint16_t wnd, urg;
	const void *opts;       /* option bytes, padded with NOP to 4 by the rig */
	uint8_t opts_len;
	uint8_t lie_off;        /* not 0: the data offset, in words */
	const void *data;       /* NULL: `len` bytes of pattern from `data_off` on */
	uint32_t len, data_off;
};

enum rig_kind {
	RIG_OTHER,  /* EtherType that the rig does not read */
	RIG_ARP,
	RIG_IP,     /* IP with a payload that the rig does not read, or a fragment */
	RIG_ICMP,
	RIG_ICMP6,
	RIG_NDP,    /* ICMPv6 types 133 to 137 */
	RIG_UDP,
	RIG_TCP,
	RIG_IGMP,
	RIG_MLD,    /* ICMPv6 types 130 to 132 */
};

/* A frame that a stack has sent, with what the rig read in it. */
struct rig_frame {
	TAILQ_ENTRY(rig_frame) link;
	uint64_t time_ns;         /* when it was sent */
	enum rig_kind kind;
	uint32_t len;
	uint8_t eth_dst[6], eth_src[6];
	uint16_t eth_type;
	/* network; addresses also of ARP (sender, target) */
	struct mr_addr src, dst;
	uint8_t proto, ttl, tos;
	bool v6, df, mf;
	uint16_t ip_id, frag_off; /* offset in bytes */
	/* ARP */
	uint16_t arp_op;
	uint8_t arp_sha[6], arp_tha[6];
	/* ICMP, ICMPv6, NDP, IGMP, MLD */
	uint8_t type, code;
	uint16_t id, seq16;       /* bytes 4..7 */
	uint32_t rest;            /* the same as one number: MTU, pointer, NA flags */
	struct mr_addr target;    /* NDP; the group of IGMP and MLD */
	bool has_ll;              /* a link address option came along */
	uint8_t ll_opt, ll[6];
	/* UDP, TCP */
	uint16_t sport, dport;
	uint32_t seq, ack;
	uint8_t flags;            /* RIG_FIN ... */
	uint16_t wnd, urg;
	/* TCP options */
	bool has_mss, has_ws, has_sackok, has_ts;
	uint16_t mss;
	uint8_t ws;
	uint32_t tsval, tsecr;
	unsigned n_sack;
	uint32_t sack[4][2];
	bool has_fo;              /* Fast Open, with a cookie of so many bytes (0: asks for one) */
	uint8_t fo_len;
	const uint8_t *fo;
	uint8_t opts_len;         /* bytes of TCP options */
	uint8_t opts[40];
	/* behind the transport header (ICMP: behind its 8 bytes) */
	const uint8_t *payload;
	uint32_t payload_len;
	uint64_t tx_flags;        /* mbuf offload flags it was given to the link with */
	uint8_t b[];              /* the frame, with checksums that were left to the link filled in */
};

/* Byte `off` of the pattern that fills payloads; any piece of a stream can be checked alone. */
static inline uint8_t
rig_pattern(uint64_t off)
{
	return (uint8_t)(off * 167 + (off >> 8) * 13 + (off >> 16) * 7 + 1);
}

void rig_pattern_fill(void *buf, uint64_t off, size_t len);
/* Offset of the first byte that differs, or len. */
size_t rig_pattern_check(const void *buf, uint64_t off, size_t len);

/* Builders: specification -> bytes. `rig` gives the default addresses. */
void rig_build_eth(const struct rig *rig, struct rig_buf *out, const struct rig_ip *ip, const void *payload, uint32_t len);
void rig_build_arp(const struct rig *rig, struct rig_buf *out, const struct rig_arp *a);
void rig_build_ip(const struct rig *rig, struct rig_buf *out, const struct rig_ip *ip, const void *payload, uint32_t len);
void rig_build_icmp(const struct rig *rig, struct rig_buf *out, const struct rig_icmp *i);
void rig_build_ndp(const struct rig *rig, struct rig_buf *out, const struct rig_ndp *n);
void rig_build_group(const struct rig *rig, struct rig_buf *out, const struct rig_group *g);
void rig_build_udp(const struct rig *rig, struct rig_buf *out, const struct rig_udp *u);
void rig_build_tcp(const struct rig *rig, struct rig_buf *out, const struct rig_tcphdr *t);
/* Recompute every checksum of an edited frame (IPv4 header, ICMP, ICMPv6, UDP, TCP) from its bytes. */
void rig_fix(struct rig_buf *b);

/* Internet checksum of some bytes, as it is written (host order), with a start value. */
uint16_t rig_cksum(const void *data, size_t len, uint32_t start);

/*
 * Read a frame and judge it: lengths, checksums, options, addresses. `tx_flags`, l2_len and l3_len are the mbuf's:
 * checksums left to the link must have been prepared as rte_ethdev wants it and are then filled in.
 * @param why says what is wrong, "" if nothing is. @return the frame (malloc), never NULL.
 */
struct rig_frame *rig_frame_parse(const uint8_t *bytes, uint32_t len, uint64_t tx_flags, unsigned l2_len, unsigned l3_len,
                                  char *why, size_t why_size);
/* One line of text, static storage for the last four calls. */
const char *rig_frame_text(const struct rig_frame *f);
const char *rig_flags_text(unsigned flags);

#endif
