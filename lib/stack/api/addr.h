/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file
 * Addresses: network and link layer, prefixes, transport addresses, their text. Part of <millrace.h>.
 */
#ifndef MR_API_ADDR_H
#define MR_API_ADDR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/**
 * An IPv4 or IPv6 address in network byte order. IPv4 is held in its v4-mapped form (RFC 4291 2.5.5.2), so one
 * 16-byte compare serves both families. All zero is the unspecified address and, in a socket address, the
 * dual-stack wildcard.
 */
struct mr_addr {
	union {
		uint8_t b[16];  /**< as bytes */
		uint32_t w[4];  /**< the same for compares */
		uint64_t d[2];  /**< the same */
	};
};

/** A link-layer address (6 bytes for Ethernet; len 0 means none). */
struct mr_lladdr {
	uint8_t b[6];  /**< the bytes in the order of the wire */
	uint8_t len;   /**< how many count; 0: there is none */
};

/** An address prefix. `plen` counts from the start of the family's own address: 0..32 or 0..128. */
struct mr_subnet {
	struct mr_addr addr;  /**< an address in it */
	uint8_t plen;         /**< bits of prefix */
};

/** A transport address. `nic` 0 means any NIC. */
struct mr_sockaddr {
	struct mr_addr addr;  /**< all zero: any */
	uint16_t port;        /**< host byte order; 0: any */
	uint16_t nic;         /**< NIC id; 0: any */
};

/** Network protocol numbers (EtherTypes) and transport protocol numbers (IANA). */
#define MR_NET_IPV4 0x0800
#define MR_NET_ARP 0x0806   /**< RFC 826 */
#define MR_NET_IPV6 0x86dd  /**< RFC 2464 */
#define MR_TRANS_ICMP 1     /**< RFC 792 */
#define MR_TRANS_TCP 6      /**< RFC 9293 */
#define MR_TRANS_UDP 17     /**< RFC 768 */
#define MR_TRANS_ICMPV6 58  /**< RFC 4443 */
#define MR_TRANS_RAW 255    /**< on no wire: raw endpoints as a whole, in mr_transproto_setopt */

/** Text buffer sizes that always suffice. */
#define MR_ADDR_STRLEN 46
#define MR_SOCKADDR_STRLEN 56  /**< with brackets and a port */

/** IPv4 address from its four bytes in host order (0x0a000001 is 10.0.0.1). Context: any thread. */
struct mr_addr mr_addr_v4(uint32_t host_order);
/** Third word of every v4-mapped address, as it lies in memory. */
#if __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
#define MR_ADDR_V4_WORD 0xffff0000u
#else
#define MR_ADDR_V4_WORD 0x0000ffffu
#endif
/** True for a v4-mapped (IPv4) address. Context: any thread. */
static inline bool
mr_addr_is_v4(const struct mr_addr *a)
{
	return a->d[0] == 0 && a->w[2] == MR_ADDR_V4_WORD;
}
/** True for ::, and for 0.0.0.0. Context: any thread. */
static inline bool
mr_addr_is_any(const struct mr_addr *a)
{
	return a->w[3] == 0 && a->d[0] == 0 && (a->w[2] == 0 || a->w[2] == MR_ADDR_V4_WORD);
}
/** True for 224.0.0.0/4 and ff00::/8. Context: any thread. */
static inline bool
mr_addr_is_multicast(const struct mr_addr *a)
{
	return mr_addr_is_v4(a) ? (a->b[12] & 0xf0) == 0xe0 : a->b[0] == 0xff;
}
/** True for fe80::/10. (169.254/16 is treated as an ordinary prefix.) Context: any thread. */
bool mr_addr_is_linklocal(const struct mr_addr *a);
/** True for 127.0.0.0/8 and ::1. Context: any thread. */
bool mr_addr_is_loopback(const struct mr_addr *a);
/** The same address? Context: any thread. */
static inline bool
mr_addr_equal(const struct mr_addr *a, const struct mr_addr *b)
{
	return a->d[0] == b->d[0] && a->d[1] == b->d[1];
}
/** MR_NET_IPV4 or MR_NET_IPV6. Context: any thread. */
static inline uint16_t
mr_addr_net(const struct mr_addr *a)
{
	return mr_addr_is_v4(a) ? MR_NET_IPV4 : MR_NET_IPV6;
}
/** Parse dotted quad or RFC 4291 text. Context: any thread. @return 0 or -EINVAL. */
int mr_addr_parse(const char *text, struct mr_addr *out);
/** RFC 5952 text. Context: any thread. @return buf. @param size at least MR_ADDR_STRLEN. */
const char *mr_addr_format(const struct mr_addr *a, char *buf, size_t size);
/** Parse "ADDR/LEN"; a bare address is a host prefix. Host bits are kept in `addr`. Context: any thread. @return 0 or
 *  -EINVAL. */
int mr_subnet_parse(const char *text, struct mr_subnet *out);
/** True if `a` is of the subnet's family and inside it. Context: any thread. */
bool mr_subnet_contains(const struct mr_subnet *s, const struct mr_addr *a);
/** Parse "aa:bb:cc:dd:ee:ff". Context: any thread. @return 0 or -EINVAL. */
int mr_lladdr_parse(const char *text, struct mr_lladdr *out);

#ifdef __cplusplus
}
#endif
#endif
