/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A network protocol, a framing and a driver that are as small as the contracts allow, for the tests of steering and
 * hosts: they care where a packet goes and not what is in it. The protocol takes the place of IPv4 in stacks that are
 * made with fake_protos. Its header names the tuple, says how it wants to be steered, and carries a serial number.
 */
#ifndef TESTS_FAKENET_H
#define TESTS_FAKENET_H

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <rte_byteorder.h>

#include "stack/nic.h"
#include "stack/ring.h"
#include "stack/stack.h"

#define FAKE_MAX_SERIALS 4096
#define FAKE_STAY 1  /* tuple returns false */
#define FAKE_GROUP 2 /* network multicast */

struct fake_hdr {
	struct mr_addr src, dst;
	uint16_t sport_be, dport_be;
	uint32_t serial;
	uint8_t how; /* FAKE_* */
	uint8_t pad[3];
};

/* What came in, in order. */
struct fake_proto {
	struct mr_netproto np;
	unsigned n;
	uint32_t serials[FAKE_MAX_SERIALS];
	uint16_t nics[FAKE_MAX_SERIALS];
	uint8_t flags[FAKE_MAX_SERIALS];
};

static inline uint16_t
fake_parse(struct mr_netproto *np, struct mr_nic *nic, struct rte_mbuf **pkts, struct mr_addr *dst, uint16_t n)
{
	(void)np, (void)nic;
	for (uint16_t i = 0; i < n; i++) {
		const struct fake_hdr *h = rte_pktmbuf_mtod(pkts[i], const struct fake_hdr *);
		struct mr_pkt *p = mr_pkt(pkts[i]);

		p->src = h->src;
		p->trans_proto = 253;
		p->net_off = pkts[i]->data_off;
		p->trans_off = p->net_off + sizeof(*h);
		p->trans_len = 0;
		if (h->how & FAKE_GROUP)
			p->flags |= MR_PKT_F_NET_MULTICAST;
		dst[i] = h->dst;
	}
	return n;
}

static inline bool
fake_tuple(struct mr_netproto *np, struct rte_mbuf *m, struct mr_tuple *out)
{
	const struct fake_hdr *h = rte_pktmbuf_mtod(m, const struct fake_hdr *);

	(void)np;
	*out = (struct mr_tuple){.src = h->src, .dst = h->dst, .sport_be = h->sport_be, .dport_be = h->dport_be};
	return !(h->how & FAKE_STAY);
}

static inline void
fake_input(struct mr_netproto *np, struct mr_nic *nic, struct rte_mbuf **pkts, uint16_t n)
{
	struct fake_proto *f = (struct fake_proto *)np;

	for (uint16_t i = 0; i < n; i++) {
		if (f->n < FAKE_MAX_SERIALS) {
			f->serials[f->n] = rte_pktmbuf_mtod(pkts[i], const struct fake_hdr *)->serial;
			f->nics[f->n] = nic->id;
			f->flags[f->n] = mr_pkt(pkts[i])->flags;
			f->n++;
		}
		rte_pktmbuf_free(pkts[i]);
	}
}

static inline void
fake_destroy(struct mr_netproto *np)
{
	free(np);
}

static const struct mr_netproto_ops fake_ops = {
	.name = "fake-ipv4",
	.number = MR_NET_IPV4,
	.min_bytes = sizeof(struct fake_hdr),
	.hdr_bytes = sizeof(struct fake_hdr),
	.parse = fake_parse,
	.tuple = fake_tuple,
	.input = fake_input,
	.destroy = fake_destroy,
};

static inline int
fake_proto_make(struct mr_stack *s, struct mr_netproto **out)
{
	struct fake_proto *f = calloc(1, sizeof(*f));

	if (!f)
		return -ENOMEM;
	f->np.ops = &fake_ops;
	f->np.stack = s;
	*out = &f->np;
	return 0;
}

static const char *const fake_protos[] = {"fake-ipv4", NULL};
static const char *const fake_no_protos[] = {NULL};

static inline struct fake_proto *
fake_of(struct mr_stack *s)
{
	return (struct fake_proto *)mr_stack_netproto(s, MR_NET_IPV4);
}

/* ---- framing: none at all */

static inline uint16_t
fake_pull(struct mr_nic *nic, struct rte_mbuf **pkts, uint16_t n)
{
	(void)nic;
	for (uint16_t i = 0; i < n; i++) {
		mr_pkt(pkts[i])->net_proto = MR_NET_IPV4;
		mr_pkt(pkts[i])->net_off = pkts[i]->data_off;
	}
	return n;
}

static inline void
fake_push(struct mr_nic *nic, struct rte_mbuf **pkts, uint16_t n, const struct mr_lladdr *dst, uint16_t net_proto)
{
	(void)nic, (void)pkts, (void)n, (void)dst, (void)net_proto;
}

static const struct mr_framing fake_framing = {.name = "fake", .pull = fake_pull, .push = fake_push};

/* ---- driver: two rings of mbufs that the test fills and empties, from any thread */

struct fake_link {
	struct mr_link link;
	struct rte_ring *rx, *tx;
	unsigned started, stopped;
};

static unsigned fake_links_open; /* all that are not closed */

static inline uint16_t
fake_rx_burst(struct mr_link *l, uint64_t now_ns, struct rte_mbuf **pkts, uint16_t n)
{
	(void)now_ns;
	n = rte_ring_sc_dequeue_burst(((struct fake_link *)l)->rx, (void **)pkts, n, NULL);
	for (uint16_t i = 0; i < n; i++)
		mr_pkt_init(pkts[i]);
	return n;
}

static inline uint16_t
fake_tx_burst(struct mr_link *l, uint64_t now_ns, struct rte_mbuf **pkts, uint16_t n)
{
	(void)now_ns;
	return rte_ring_sp_enqueue_burst(((struct fake_link *)l)->tx, (void **)pkts, n, NULL);
}

static inline int
fake_start(struct mr_link *l)
{
	((struct fake_link *)l)->started++;
	return 0;
}

static inline void
fake_stop(struct mr_link *l)
{
	((struct fake_link *)l)->stopped++;
}

static inline void
fake_stats(struct mr_link *l, struct mr_link_stats *out)
{
	(void)l;
	memset(out, 0, sizeof(*out));
}

static inline bool
fake_is_up(struct mr_link *l)
{
	(void)l;
	return true;
}

static inline void
fake_close(struct mr_link *l)
{
	struct fake_link *f = (struct fake_link *)l;

	mr_ring_free_pkts(f->rx);
	mr_ring_free_pkts(f->tx);
	free(f);
	fake_links_open--;
}

static const struct mr_link_ops fake_link_ops = {
	.rx_burst = fake_rx_burst,
	.tx_burst = fake_tx_burst,
	.start = fake_start,
	.stop = fake_stop,
	.stats = fake_stats,
	.is_up = fake_is_up,
	.close = fake_close,
};

/* A link with room for `slots` - 1 frames each way. */
static inline struct fake_link *
fake_link_make(unsigned slots)
{
	struct fake_link *f = calloc(1, sizeof(*f));

	if (!f)
		abort();
	f->link = (struct mr_link){.ops = &fake_link_ops, .driver = "fake", .framing = "fake", .mtu = 1500,
	                           .caps = MR_LINK_CAP_TX_MULTI_SEGS};
	f->rx = mr_ring_create(slots, 0);
	f->tx = mr_ring_create(slots, 0);
	if (!f->rx || !f->tx)
		abort();
	fake_links_open++;
	return f;
}

#define FAKE_LINK_HDR 16 /* keeps what follows aligned */

/* As received, link header stripped: a packet of the tuple 192.0.2.1:sport -> dst:80. */
static inline struct rte_mbuf *
fake_pkt(struct rte_mempool *pool, uint32_t dst, uint16_t sport, uint32_t serial, uint8_t how)
{
	struct rte_mbuf *m = rte_pktmbuf_alloc(pool);
	struct fake_hdr *h;

	if (!m)
		abort();
	mr_pkt_init(m);
	rte_pktmbuf_append(m, FAKE_LINK_HDR);
	rte_pktmbuf_adj(m, FAKE_LINK_HDR);
	h = (struct fake_hdr *)rte_pktmbuf_append(m, sizeof(*h));
	*h = (struct fake_hdr){.src = mr_addr_v4(0xc0000201), .dst = mr_addr_v4(dst), .sport_be = rte_cpu_to_be_16(sport),
	                       .dport_be = rte_cpu_to_be_16(80), .serial = serial, .how = how};
	mr_pkt(m)->net_proto = MR_NET_IPV4;
	mr_pkt(m)->net_off = m->data_off;
	return m;
}

static inline void
fake_register(void)
{
	if (mr_netproto_register("fake-ipv4", fake_proto_make) < 0 || mr_framing_register(&fake_framing) < 0)
		abort();
}

#endif
