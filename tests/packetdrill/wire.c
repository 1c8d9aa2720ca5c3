/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The link between script and stack: packets without link header, as bytes in two queues. packetdrill looks at no
 * checksum of a transport, so each packet of the stack is checked here, and a wrong one fails the script.
 */
#include "pd.h"

#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>

#include <rte_icmp.h>
#include <rte_ip.h>
#include <rte_mbuf.h>

#include "stack/link.h"
#include "stack/pkt.h"

#define QUOTE_OFF (sizeof(struct rte_ipv4_hdr) + sizeof(struct rte_icmp_hdr)) /* in an ICMP error */

struct packet {
	STAILQ_ENTRY(packet) link;
	uint64_t sent_ns;
	bool answered; /* something was sent to the stack after it */
	size_t len;
	uint8_t b[];
};
STAILQ_HEAD(queue, packet);

static struct wire {
	struct mr_link link;
	struct queue to_stack, from_stack;
	struct mr_link_stats stats;
} wire = {
	.to_stack = STAILQ_HEAD_INITIALIZER(wire.to_stack),
	.from_stack = STAILQ_HEAD_INITIALIZER(wire.from_stack),
};

static struct packet *
packet_new(size_t len)
{
	struct packet *p = calloc(1, sizeof(*p) + len);

	if (!p)
		pd_die("no memory");
	p->len = len;
	return p;
}

/* ---- the stack's side */

/* Scripts send packets that no MTU would let through: those come as chains. */
static struct rte_mbuf *
to_mbuf(const struct packet *p)
{
	struct rte_mbuf *head = NULL, *m;
	size_t off = 0, n;

	do {
		m = rte_pktmbuf_alloc(mr_stack_rx_pool(pd.stack));
		if (!m)
			pd_die("no receive buffer for a packet of %zu bytes", p->len);
		n = RTE_MIN(p->len - off, (size_t)rte_pktmbuf_tailroom(m));
		memcpy(rte_pktmbuf_append(m, (uint16_t)n), p->b + off, n);
		if (!head)
			head = m;
		else if (rte_pktmbuf_chain(head, m) < 0)
			pd_die("a packet of %zu bytes is too large", p->len);
		off += n;
	} while (off < p->len);
	mr_pkt_init(head);
	return head;
}

static uint16_t
wire_rx(struct mr_link *l, uint64_t now_ns, struct rte_mbuf **pkts, uint16_t n)
{
	struct packet *p;
	uint16_t k = 0;

	(void)l, (void)now_ns;
	while (k < n && (p = STAILQ_FIRST(&wire.to_stack))) {
		STAILQ_REMOVE_HEAD(&wire.to_stack, link);
		wire.stats.rx_packets++;
		wire.stats.rx_bytes += p->len;
		pkts[k++] = to_mbuf(p);
		free(p);
	}
	return k;
}

/* TCP or UDP. */
static bool
has_ports(unsigned proto)
{
	return proto == IPPROTO_TCP || proto == IPPROTO_UDP;
}

static void
check_ipv4(const struct rte_ipv4_hdr *ip, size_t len)
{
	unsigned hdr_len = (ip->version_ihl & 15) * 4u;

	if (len < sizeof(*ip) || hdr_len < sizeof(*ip) || rte_be_to_cpu_16(ip->total_length) != len)
		pd_die("the stack has sent a malformed IPv4 packet of %zu bytes", len);
	if (rte_raw_cksum(ip, hdr_len) != 0xffff)
		pd_die("the stack has sent an IPv4 header with a wrong checksum");
	if (has_ports(ip->next_proto_id) && rte_ipv4_udptcp_cksum_verify(ip, (const char *)ip + hdr_len) != 0)
		pd_die("the stack has sent a segment with a wrong checksum");
}

static void
check_ipv6(const struct rte_ipv6_hdr *ip, size_t len)
{
	if (len < sizeof(*ip) || rte_be_to_cpu_16(ip->payload_len) + sizeof(*ip) != len)
		pd_die("the stack has sent a malformed IPv6 packet of %zu bytes", len);
	if (has_ports(ip->proto) && rte_ipv6_udptcp_cksum_verify(ip, ip + 1) != 0)
		pd_die("the stack has sent a segment with a wrong checksum");
}

static void
check(const struct packet *p)
{
	switch (p->len > 0 ? p->b[0] >> 4 : 0) {
	case 4:
		check_ipv4((const struct rte_ipv4_hdr *)p->b, p->len);
		return;
	case 6:
		check_ipv6((const struct rte_ipv6_hdr *)p->b, p->len);
		return;
	default:
		pd_die("the stack has sent something of no IP version");
	}
}

static void
take(const struct rte_mbuf *m, uint64_t now_ns)
{
	struct packet *p = packet_new(m->pkt_len);
	const void *bytes = rte_pktmbuf_read(m, 0, m->pkt_len, p->b);

	if (bytes != p->b)
		memcpy(p->b, bytes, p->len);
	p->sent_ns = now_ns;
	check(p);
	wire.stats.tx_packets++;
	wire.stats.tx_bytes += p->len;
	STAILQ_INSERT_TAIL(&wire.from_stack, p, link);
}

static uint16_t
wire_tx(struct mr_link *l, uint64_t now_ns, struct rte_mbuf **pkts, uint16_t n)
{
	(void)l;
	for (uint16_t i = 0; i < n; i++)
		take(pkts[i], now_ns);
	rte_pktmbuf_free_bulk(pkts, n);
	return n;
}

static int
wire_start(struct mr_link *l)
{
	(void)l;
	return 0;
}

static void
wire_stop(struct mr_link *l)
{
	(void)l;
}

static void
wire_stats(struct mr_link *l, struct mr_link_stats *out)
{
	(void)l;
	*out = wire.stats;
}

static bool
wire_is_up(struct mr_link *l)
{
	(void)l;
	return true;
}

static uint64_t
wire_next_ns(struct mr_link *l)
{
	(void)l;
	return STAILQ_EMPTY(&wire.to_stack) ? UINT64_MAX : 0;
}

static const struct mr_link_ops wire_ops = {
	.rx_burst = wire_rx,
	.tx_burst = wire_tx,
	.start = wire_start,
	.stop = wire_stop,
	.stats = wire_stats,
	.is_up = wire_is_up,
	.next_ns = wire_next_ns,
};

/* ---- the script's side */

struct mr_link *
pd_wire_open(uint16_t mtu)
{
	wire.link = (struct mr_link){
		.ops = &wire_ops,
		.driver = "packetdrill",
		.framing = "none",
		.caps = MR_LINK_CAP_TX_MULTI_SEGS,
		.mtu = mtu,
	};
	return &wire.link;
}

/* packetdrill leaves the checksum of the header that an ICMP error quotes empty, and the stack heeds no such error. */
static void
quote_repair(struct packet *p)
{
	struct rte_ipv4_hdr *ip = (struct rte_ipv4_hdr *)p->b, *quoted = (struct rte_ipv4_hdr *)(p->b + QUOTE_OFF);
	struct rte_icmp_hdr *icmp = (struct rte_icmp_hdr *)(ip + 1);

	if (p->len < QUOTE_OFF + sizeof(*quoted) || ip->version_ihl != RTE_IPV4_VHL_DEF || ip->next_proto_id != IPPROTO_ICMP)
		return;
	if (quoted->version_ihl != RTE_IPV4_VHL_DEF || quoted->hdr_checksum != 0)
		return;
	quoted->hdr_checksum = rte_ipv4_cksum(quoted);
	icmp->icmp_cksum = 0;
	icmp->icmp_cksum = (uint16_t)~rte_raw_cksum(icmp, p->len - sizeof(*ip));
}

void
pd_wire_push(const void *packet, size_t len)
{
	struct packet *p = packet_new(len), *sent;

	memcpy(p->b, packet, len);
	quote_repair(p);
	STAILQ_INSERT_TAIL(&wire.to_stack, p, link);
	STAILQ_FOREACH(sent, &wire.from_stack, link)
		sent->answered = true;
}

bool
pd_wire_has_packet(void)
{
	return !STAILQ_EMPTY(&wire.from_stack);
}

bool
pd_wire_pop(void *buf, size_t *len, uint64_t *sent_ns)
{
	struct packet *p = STAILQ_FIRST(&wire.from_stack);

	if (!p)
		return false;
	STAILQ_REMOVE_HEAD(&wire.from_stack, link);
	*len = RTE_MIN(*len, p->len);
	memcpy(buf, p->b, *len);
	*sent_ns = p->sent_ns;
	free(p);
	return true;
}

static void
queue_clear(struct queue *q)
{
	struct packet *p;

	while ((p = STAILQ_FIRST(q))) {
		STAILQ_REMOVE_HEAD(q, link);
		free(p);
	}
}

void
pd_wire_clear(void)
{
	queue_clear(&wire.to_stack);
	queue_clear(&wire.from_stack);
}

/* Of a transport: a host also tells routers of its groups, at times of its own. */
static bool
is_flow(const struct packet *p)
{
	return has_ports(p->b[0] >> 4 == 4 ? ((const struct rte_ipv4_hdr *)p->b)->next_proto_id
	                                      : ((const struct rte_ipv6_hdr *)p->b)->proto);
}

unsigned
pd_wire_left(void)
{
	const struct packet *p;
	unsigned n = 0;

	STAILQ_FOREACH(p, &wire.from_stack, link)
		n += p->answered && is_flow(p);
	return n;
}
