/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Packets whose next hop does not answer (RFC 1122 2.3.2.2 and 3.2.2.1, RFC 4861 7.2.2): the transport they came from is
 * told what it would hear of a router that has the same trouble, and needs no message for it.
 *
 * Not here: packets of others (a router's business), and those that went with an entry that was evicted: of their
 * neighbour nothing is known.
 */
#include "proto/ip.h"

#include <string.h>

#include <rte_byteorder.h>
#include <rte_common.h>

#include "proto/ipv4.h"

#define V4_HDR_MAX 60
#define V6_HDR_BYTES 40
#define V4_OFFSET_MASK RTE_BE16(0x1fff)
#define TRANS_BYTES 8 /* of the transport header, which name the endpoint */

/* A packet of ours, read from its header on. */
struct sent {
	struct mr_addr src, dst;
	uint8_t proto;
	uint16_t hdr_bytes; /* 0: the transport header is not here */
};

static struct sent
read_v4(const uint8_t *h)
{
	uint16_t frag;
	rte_be32_t a[2];

	memcpy(&frag, h + 6, sizeof(frag));
	memcpy(a, h + 12, sizeof(a));
	return (struct sent){.src = mr_ipv4_addr(a[0]), .dst = mr_ipv4_addr(a[1]), .proto = h[9],
	                     .hdr_bytes = frag & V4_OFFSET_MASK ? 0 : (h[0] & 0xf) * 4};
}

static struct sent
read_v6(const uint8_t *h)
{
	struct sent s = {.proto = h[6], .hdr_bytes = V6_HDR_BYTES};

	memcpy(&s.src, h + 8, sizeof(s.src));
	memcpy(&s.dst, h + 24, sizeof(s.dst));
	return s;
}

void
mr_ip_undeliverable(struct mr_netproto *np, struct mr_nic *nic, struct rte_mbuf *m)
{
	uint8_t copy[V4_HDR_MAX + TRANS_BYTES];
	uint32_t n = RTE_MIN(m->pkt_len, sizeof(copy));
	const uint8_t *h = rte_pktmbuf_read(m, 0, n, copy);
	struct sent s = np->ops->number == MR_NET_IPV4 ? read_v4(h) : read_v6(h);

	if (s.hdr_bytes && s.hdr_bytes + (uint32_t)TRANS_BYTES <= n)
		mr_ip_deliver_control(np, nic, &s.src, &s.dst, s.proto, MR_CTRL_HOST_UNREACH, 0, h + s.hdr_bytes,
		                      (uint16_t)(n - s.hdr_bytes));
	rte_pktmbuf_free(m);
}
