/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A world without real protocols for the tests of lib/stack: a link driver, a framing, two addressed network protocols
 * (in the places of IPv4 and IPv6), one without addresses, and a transport. That a stack works on these alone shows that
 * lib/stack knows no protocol. What they are asked to do they write down in `fk`.
 *
 * A frame: 14 bytes of link header as Ethernet has them, struct fk_net, two ports, payload. Time is `now`.
 */
#ifndef TESTS_FAKESTACK_H
#define TESTS_FAKESTACK_H

#include "rig/rig.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <rte_byteorder.h>
#include <rte_mempool.h>

#include "stack/nic.h"
#include "stack/link.h"
#include "stack/neigh.h"
#include "stack/route.h"
#include "stack/stack.h"

#define FK_TRANS 200
#define FK_CTL 0x88b5     /* network protocol without addresses */
#define FK_LINK_BYTES 14
#define FK_BAD 0x80       /* fk_net.flags: parse drops it */
#define FK_LOG 4096
#define FK_S 1000000000ull
#define FK_START (5 * FK_S)

struct fk_net {
	uint8_t src[16], dst[16];
	uint8_t trans, flags;
	uint16_t len_be; /* bytes behind this header */
} __attribute__((packed));

struct fk_ports {
	uint16_t sport_be, dport_be;
} __attribute__((packed));

/* A frame as the link took it. */
struct fk_frame {
	uint32_t len;
	uint16_t segs;
	uint8_t b[2048];
};

struct fk_link {
	struct mr_link link;
	struct rte_mbuf *rx[FK_LOG];
	unsigned rx_head, rx_n;
	struct fk_frame *tx; /* FK_LOG of them */
	unsigned tx_n;
	int tx_room;         /* frames it takes before it is busy; -1 no limit */
	int start_err, promisc_err, mcast_err;
	unsigned starts, stops;
	bool promisc, down, closed;
	unsigned n_mcast, mcast_calls;
	struct mr_lladdr mcast[64];
	uint64_t next_ns;
};

struct fk_request {
	uint64_t at_ns;
	struct mr_addr addr, src;
	struct mr_lladdr ll; /* len 0: multicast */
};

/* What an address was given; by the protocols' input. */
struct fk_seen {
	struct mr_netep *netep;
	struct mr_addr addr;
	uint16_t id, nic, net_proto;
	uint8_t flags, kind, tag;
};

struct fk_ep {
	struct mr_ep ep;
	struct mr_bound bound;
	unsigned rx, outputs, controls;
	enum mr_ctrl_type control;
	uint8_t tags[64];          /* first payload bytes, in order */
	uint32_t ready;
	unsigned again;            /* marks itself dirty so often in its output */
	bool out_on_rx;            /* input marks it dirty */
	void (*on_output)(struct fk_ep *e);
};

struct fk_tp {
	struct mr_transproto tp;
	struct mr_pool eps;
};

static struct {
	struct mr_stack *s;
	struct rte_mempool *rx_pool, *tx_pool;
	uint64_t now;
	struct fk_link *links[8];
	unsigned n_links;
	struct fk_request req[FK_LOG];
	unsigned n_req;
	struct fk_seen seen[FK_LOG];
	unsigned n_seen, n_input, n_ctl, n_unknown, n_tp_input;
	int opened, closed;  /* addresses */
	int joined, left;    /* groups, on a NIC that is up */
	int open_err;
	unsigned net_destroyed, trans_destroyed;
	char order[256]; /* what happened in the turn, a letter each */
	void (*on_input)(struct mr_netep *ep);
} fk __rte_unused;

static inline void
fk_log(char c)
{
	size_t n = strlen(fk.order);

	if (n + 1 < sizeof(fk.order))
		fk.order[n] = c;
}

/* ---- link */

static inline uint16_t
fk_rx_burst(struct mr_link *l, uint64_t now_ns, struct rte_mbuf **pkts, uint16_t n)
{
	struct fk_link *k = (struct fk_link *)l;
	uint16_t i;

	ck_assert_uint_eq(now_ns, fk.now);
	if (k->rx_n)
		fk_log('r');
	for (i = 0; i < n && k->rx_n > 0; i++, k->rx_n--)
		pkts[i] = k->rx[k->rx_head++ % FK_LOG];
	return i;
}

static inline uint16_t
fk_tx_burst(struct mr_link *l, uint64_t now_ns, struct rte_mbuf **pkts, uint16_t n)
{
	struct fk_link *k = (struct fk_link *)l;
	uint16_t i;

	(void)now_ns;
	fk_log('f');
	for (i = 0; i < n && k->tx_room != 0; i++) {
		struct fk_frame *f = &k->tx[k->tx_n++];

		ck_assert_uint_le(k->tx_n, FK_LOG);
		f->len = pkts[i]->pkt_len;
		f->segs = pkts[i]->nb_segs;
		ck_assert_uint_le(f->len, sizeof(f->b));
		ck_assert_ptr_nonnull(memmove(f->b, rte_pktmbuf_read(pkts[i], 0, f->len, f->b), f->len));
		rte_pktmbuf_free(pkts[i]);
		if (k->tx_room > 0)
			k->tx_room--;
	}
	return i;
}

static inline int
fk_start(struct mr_link *l)
{
	struct fk_link *k = (struct fk_link *)l;

	if (k->start_err == 0)
		k->starts++;
	return k->start_err;
}

static inline void
fk_stop(struct mr_link *l)
{
	((struct fk_link *)l)->stops++;
}

static inline int
fk_set_promisc(struct mr_link *l, bool on)
{
	struct fk_link *k = (struct fk_link *)l;

	if (k->promisc_err == 0)
		k->promisc = on;
	return k->promisc_err;
}

static inline int
fk_set_mcast(struct mr_link *l, const struct mr_lladdr *list, unsigned n)
{
	struct fk_link *k = (struct fk_link *)l;

	k->mcast_calls++;
	if (k->mcast_err)
		return k->mcast_err;
	ck_assert_uint_le(n, RTE_DIM(k->mcast));
	memcpy(k->mcast, list, n * sizeof(*list));
	k->n_mcast = n;
	return 0;
}

static inline void
fk_stats(struct mr_link *l, struct mr_link_stats *out)
{
	(void)l;
	memset(out, 0, sizeof(*out));
}

static inline bool
fk_is_up(struct mr_link *l)
{
	return !((struct fk_link *)l)->down;
}

static inline uint64_t
fk_next_ns(struct mr_link *l)
{
	return ((struct fk_link *)l)->next_ns;
}

static inline void
fk_link_close(struct mr_link *l)
{
	struct fk_link *k = (struct fk_link *)l;

	while (k->rx_n > 0) {
		rte_pktmbuf_free(k->rx[k->rx_head++ % FK_LOG]);
		k->rx_n--;
	}
	k->closed = true;
}

static const struct mr_link_ops fk_link_ops = {
	.rx_burst = fk_rx_burst, .tx_burst = fk_tx_burst, .start = fk_start, .stop = fk_stop,
	.set_promisc = fk_set_promisc, .set_mcast = fk_set_mcast, .stats = fk_stats, .is_up = fk_is_up,
	.next_ns = fk_next_ns, .close = fk_link_close,
};

static inline int
fk_open(const struct mr_link_cfg *cfg, struct mr_link **links)
{
	(void)cfg;
	for (unsigned i = 0; i < RTE_MAX(cfg->n_queues, 1); i++) {
		struct fk_link *k = calloc(1, sizeof(*k));
		unsigned nr = ++fk.n_links;

		k->tx = calloc(FK_LOG, sizeof(*k->tx));
		k->tx_room = -1;
		k->next_ns = UINT64_MAX;
		k->link = (struct mr_link){.ops = &fk_link_ops, .driver = "fk", .framing = "fk", .mtu = 1500,
		                           .caps = MR_LINK_CAP_RESOLVE | MR_LINK_CAP_TX_MULTI_SEGS,
		                           .lladdr = {.b = {2, 0, 0, 0, 0, nr}, .len = 6}};
		fk.links[nr - 1] = k;
		links[i] = &k->link;
	}
	return RTE_MAX(cfg->n_queues, 1);
}

static inline struct fk_link *
fk_link_make(void)
{
	struct mr_link_cfg cfg = {.n_queues = 1};
	struct mr_link *l;

	ck_assert_int_eq(mr_link_open("fk", &cfg, &l), 1);
	return (struct fk_link *)l;
}

/* ---- framing */

static inline uint16_t
fk_pull(struct mr_nic *nic, struct rte_mbuf **pkts, uint16_t n)
{
	uint16_t k = 0;

	for (uint16_t i = 0; i < n; i++) {
		struct mr_pkt *p = mr_pkt(pkts[i]);
		uint16_t type_be;

		if (pkts[i]->data_len < FK_LINK_BYTES) {
			mr_drop(nic->stack, pkts[i], MR_DROP_ETHER_SHORT);
			continue;
		}
		memcpy(&type_be, rte_pktmbuf_mtod_offset(pkts[i], char *, 12), 2);
		p->net_proto = rte_be_to_cpu_16(type_be);
		rte_pktmbuf_adj(pkts[i], FK_LINK_BYTES);
		p->net_off = pkts[i]->data_off;
		pkts[k++] = pkts[i];
	}
	return k;
}

static inline void
fk_push(struct mr_nic *nic, struct rte_mbuf **pkts, uint16_t n, const struct mr_lladdr *dst, uint16_t net_proto)
{
	uint16_t type_be = rte_cpu_to_be_16(net_proto);

	for (uint16_t i = 0; i < n; i++) {
		char *h = rte_pktmbuf_prepend(pkts[i], FK_LINK_BYTES);

		ck_assert_ptr_nonnull(h);
		memcpy(h, dst->b, 6);
		memcpy(h + 6, nic->lladdr.b, 6);
		memcpy(h + 12, &type_be, 2);
	}
}

static const struct mr_framing fk_framing = {.name = "fk", .hdr_bytes = FK_LINK_BYTES, .pull = fk_pull, .push = fk_push};

/* ---- network protocols */

static inline uint16_t
fk_parse(struct mr_netproto *np, struct mr_nic *nic, struct rte_mbuf **pkts, struct mr_addr *dst, uint16_t n)
{
	uint16_t k = 0;

	for (uint16_t i = 0; i < n; i++) {
		struct rte_mbuf *m = pkts[i];
		struct mr_pkt *p = mr_pkt(m);
		struct fk_net h;

		memcpy(&h, rte_pktmbuf_mtod(m, void *), sizeof(h));
		if (h.flags & FK_BAD) {
			mr_drop(np->stack, m, MR_DROP_IP_BAD_VERSION);
			continue;
		}
		ck_assert_ptr_eq(p->nic, nic);
		ck_assert_uint_eq(p->net_off, m->data_off);
		memcpy(&p->src, h.src, 16);
		memcpy(&dst[k], h.dst, 16);
		p->trans_proto = h.trans;
		p->trans_off = p->net_off + sizeof(h);
		p->trans_len = rte_be_to_cpu_16(h.len_be);
		if (mr_addr_is_multicast(&dst[k]))
			p->flags |= MR_PKT_F_NET_MULTICAST;
		else if (mr_nic_is_broadcast(nic, &dst[k]))
			p->flags |= MR_PKT_F_NET_BROADCAST;
		pkts[k++] = m;
	}
	return k;
}

static inline void
fk_input(struct mr_netproto *np, struct mr_nic *nic, struct rte_mbuf **pkts, uint16_t n)
{
	fk.n_input++;
	fk_log('i');
	for (uint16_t i = 0; i < n; i++) {
		struct mr_pkt *p = mr_pkt(pkts[i]);
		struct fk_seen *e = &fk.seen[fk.n_seen++ % FK_LOG];
		uint16_t tag_off = p->trans_off + sizeof(struct fk_ports);

		*e = (struct fk_seen){.netep = p->netep, .addr = p->netep->addr, .id = p->netep->id, .nic = nic->id,
		                      .net_proto = np->ops->number, .flags = p->flags, .kind = p->netep->kind};
		if (p->trans_len > sizeof(struct fk_ports))
			e->tag = *((uint8_t *)pkts[i]->buf_addr + tag_off);
		if (fk.on_input)
			fk.on_input(p->netep);
		rte_pktmbuf_adj(pkts[i], sizeof(struct fk_net));
	}
	for (uint16_t i = 0, end; i < n; i = end) {
		uint8_t trans = mr_pkt(pkts[i])->trans_proto;

		for (end = i; end < n && mr_pkt(pkts[end])->trans_proto == trans; end++)
			;
		if (mr_nic_deliver_transport(np->stack, trans, pkts + i, end - i))
			continue;
		for (uint16_t k = i; k < end; k++)
			mr_drop(np->stack, pkts[k], MR_DROP_TRANS_UNKNOWN_PROTO);
	}
}

static inline int
fk_output(struct mr_netproto *np, struct mr_route *r, struct rte_mbuf **pkts, uint16_t n, const struct mr_ip_params *p)
{
	for (uint16_t i = 0; i < n; i++) {
		struct fk_net h = {.trans = p->trans_proto, .len_be = rte_cpu_to_be_16(pkts[i]->pkt_len)};

		memcpy(h.src, &r->local->addr, 16);
		memcpy(h.dst, &r->remote, 16);
		memcpy(rte_pktmbuf_prepend(pkts[i], sizeof(h)), &h, sizeof(h));
		if (r->flags & MR_ROUTE_F_LOCAL)
			mr_nic_loop(r->local->nic, pkts[i], np->ops->number);
	}
	if (!(r->flags & MR_ROUTE_F_LOCAL))
		mr_nic_output_burst(r->local->nic, r->neigh, pkts, n, np->ops->number);
	return 0;
}

static inline int
fk_netep_open(struct mr_netproto *np, struct mr_netep *ep)
{
	(void)np;
	ck_assert_int_eq(ep->kind, MR_NETEP_PERMANENT);
	if (fk.open_err)
		return fk.open_err;
	fk.opened++;
	return 0;
}

static inline void
fk_netep_close(struct mr_netproto *np, struct mr_netep *ep)
{
	(void)np;
	ck_assert_int_eq(ep->kind, MR_NETEP_PERMANENT);
	fk.closed++;
}

static inline void
fk_group_join(struct mr_netproto *np, struct mr_netep *group)
{
	ck_assert(group->np == np && group->kind == MR_NETEP_GROUP && group->nic->flags & MR_NIC_F_UP);
	fk.joined++;
}

static inline void
fk_group_leave(struct mr_netproto *np, struct mr_netep *group)
{
	ck_assert(group->np == np && group->kind == MR_NETEP_GROUP && group->nic->flags & MR_NIC_F_UP);
	fk.left++;
}

static inline void
fk_net_destroy(struct mr_netproto *np)
{
	fk.net_destroyed++;
	free(np);
}

static inline void
fk_request(struct mr_netproto *np, struct mr_nic *nic, const struct mr_addr *addr, const struct mr_addr *src,
           const struct mr_lladdr *ll)
{
	(void)np, (void)nic;
	fk.req[fk.n_req++ % FK_LOG] = (struct fk_request){.at_ns = fk.now, .addr = *addr, .src = *src,
	                                                  .ll = ll ? *ll : (struct mr_lladdr){.len = 0}};
}

static inline bool
fk_resolve_static(struct mr_netproto *np, struct mr_nic *nic, const struct mr_addr *addr, struct mr_lladdr *out)
{
	(void)np;
	*out = (struct mr_lladdr){.b = {0x33, 0x33, addr->b[12], addr->b[13], addr->b[14], addr->b[15]}, .len = 6};
	if (mr_nic_is_broadcast(nic, addr))
		memset(out->b, 0xff, 6);
	return mr_addr_is_multicast(addr) || mr_nic_is_broadcast(nic, addr);
}

static inline void
fk_ctl_input(struct mr_netproto *np, struct mr_nic *nic, struct rte_mbuf **pkts, uint16_t n)
{
	(void)np, (void)nic;
	fk.n_ctl += n;
	rte_pktmbuf_free_bulk(pkts, n);
}

/* The resolver of IPv4 is another protocol, as ARP is; that of IPv6 is itself. */
static const struct mr_resolver fk_resolver4 = {
	.resolves_for = MR_NET_IPV4, .request = fk_request, .resolve_static = fk_resolve_static,
};
static const struct mr_resolver fk_resolver6 = {
	.resolves_for = MR_NET_IPV6, .request = fk_request, .resolve_static = fk_resolve_static,
};

static const struct mr_netproto_ops fk_net_ops[] = {
	{.name = "fk4", .number = MR_NET_IPV4, .min_bytes = sizeof(struct fk_net), .hdr_bytes = sizeof(struct fk_net),
	 .parse = fk_parse, .input = fk_input, .output = fk_output, .netep_open = fk_netep_open,
	 .netep_close = fk_netep_close, .group_join = fk_group_join, .group_leave = fk_group_leave,
	 .destroy = fk_net_destroy},
	{.name = "fk6", .number = MR_NET_IPV6, .min_bytes = sizeof(struct fk_net), .hdr_bytes = sizeof(struct fk_net),
	 .parse = fk_parse, .input = fk_input, .output = fk_output, .netep_open = fk_netep_open,
	 .netep_close = fk_netep_close, .destroy = fk_net_destroy, .resolver = &fk_resolver6},
	{.name = "fkctl", .number = FK_CTL, .min_bytes = 4, .input = fk_ctl_input, .destroy = fk_net_destroy,
	 .resolver = &fk_resolver4},
};

static inline int
fk_net_make(struct mr_stack *s, const struct mr_netproto_ops *ops, struct mr_netproto **out)
{
	*out = calloc(1, sizeof(**out));
	(*out)->ops = ops;
	(*out)->stack = s;
	return 0;
}

static inline int
fk4_make(struct mr_stack *s, struct mr_netproto **out)
{
	return fk_net_make(s, &fk_net_ops[0], out);
}

static inline int
fk6_make(struct mr_stack *s, struct mr_netproto **out)
{
	return fk_net_make(s, &fk_net_ops[1], out);
}

static inline int
fkctl_make(struct mr_stack *s, struct mr_netproto **out)
{
	return fk_net_make(s, &fk_net_ops[2], out);
}

/* ---- transport */

static inline uint16_t
fk_tp_parse(struct mr_transproto *tp, struct rte_mbuf **pkts, uint16_t n)
{
	uint16_t k = 0;

	for (uint16_t i = 0; i < n; i++) {
		struct mr_pkt *p = mr_pkt(pkts[i]);
		struct fk_ports h;

		if (p->trans_len < sizeof(h) || pkts[i]->data_len < sizeof(h)) {
			mr_drop(tp->stack, pkts[i], MR_DROP_UDP_MALFORMED);
			continue;
		}
		ck_assert_uint_eq(p->trans_off, pkts[i]->data_off);
		memcpy(&h, rte_pktmbuf_mtod(pkts[i], void *), sizeof(h));
		p->sport_be = h.sport_be;
		p->dport_be = h.dport_be;
		pkts[k++] = pkts[i];
	}
	return k;
}

static inline void
fk_tp_input(struct mr_transproto *tp, struct mr_flow **flows, struct rte_mbuf **pkts, uint16_t n)
{
	(void)tp;
	fk.n_tp_input++;
	for (uint16_t i = 0; i < n; i++) {
		struct fk_ep *e = (struct fk_ep *)flows[i];
		const struct fk_net *h = mr_pkt_net_hdr(pkts[i]);

		/* Headers of all layers are in place, in copies too. */
		ck_assert_mem_eq(h->src, &mr_pkt(pkts[i])->src, 16);
		ck_assert_ptr_eq(mr_pkt_trans_hdr(pkts[i]), rte_pktmbuf_mtod(pkts[i], void *));
		e->tags[e->rx++ % RTE_DIM(e->tags)] =
			pkts[i]->data_len > 4 ? *rte_pktmbuf_mtod_offset(pkts[i], uint8_t *, 4) : 0;
		mr_ep_event(&e->ep, MR_EV_IN);
		if (e->out_on_rx)
			mr_ep_mark_dirty(&e->ep);
		rte_pktmbuf_free(pkts[i]);
	}
}

static inline void
fk_tp_unknown(struct mr_transproto *tp, struct rte_mbuf *m)
{
	fk.n_unknown++;
	mr_drop(tp->stack, m, MR_DROP_UDP_NO_PORT);
}

static inline void
fk_tp_control(struct mr_transproto *tp, struct mr_flow *f, enum mr_ctrl_type type, uint32_t extra, const void *quoted,
              uint16_t quoted_bytes)
{
	struct fk_ep *e = (struct fk_ep *)f;

	(void)tp, (void)extra, (void)quoted;
	ck_assert_uint_ge(quoted_bytes, 8);
	e->controls++;
	e->control = type;
}

static inline void
fk_tp_output(struct mr_transproto *tp, struct mr_ep *ep)
{
	struct fk_ep *e = (struct fk_ep *)ep;

	(void)tp;
	fk_log('o');
	e->outputs++;
	if (e->again > 0) {
		e->again--;
		mr_ep_mark_dirty(ep);
	}
	if (e->on_output)
		e->on_output(e);
}

static inline void
fk_tp_reap(struct mr_transproto *tp)
{
	(void)tp;
	if (fk.order[0])
		fk_log('p');
}

static inline void
fk_tp_destroy(struct mr_transproto *tp)
{
	fk.trans_destroyed++;
	free(tp);
}

/* An endpoint dies at once, memory and all: nothing may touch it after its close. */
static inline void
fk_ep_close(struct mr_ep *ep, bool abort)
{
	struct fk_tp *t = (struct fk_tp *)ep->stack->transprotos[FK_TRANS];
	struct fk_ep *e = (struct fk_ep *)ep;

	(void)abort;
	mr_demux_unbind(ep->stack, &e->bound);
	mr_ep_fini(ep);
	mr_pool_put(&t->eps, e);
}

static inline int
fk_ep_bind(struct mr_ep *ep, const struct mr_sockaddr *local)
{
	struct fk_ep *e = (struct fk_ep *)ep;

	e->bound = (struct mr_bound){.ep = ep, .laddr = local->addr, .lport_be = rte_cpu_to_be_16(local->port),
	                             .nic = local->nic, .proto = FK_TRANS, .v4 = true, .v6 = true, .reuse_port = true};
	return mr_demux_bind(ep->stack, &e->bound);
}

static inline uint32_t
fk_ep_readiness(struct mr_ep *ep)
{
	return ((struct fk_ep *)ep)->ready;
}

static const struct mr_ep_ops fk_ep_ops = {.bind = fk_ep_bind, .close = fk_ep_close, .readiness = fk_ep_readiness};

static inline int
fk_ep_create(struct mr_transproto *tp, uint16_t net, struct mr_ep **out)
{
	struct fk_ep *e = mr_pool_get(&((struct fk_tp *)tp)->eps);

	(void)net;
	if (!e)
		return -ENOBUFS;
	mr_ep_init(&e->ep, tp->stack, FK_TRANS, &fk_ep_ops);
	*out = &e->ep;
	return 0;
}

static const struct mr_transproto_ops fk_tp_ops = {
	.name = "fkt", .number = FK_TRANS, .min_bytes = sizeof(struct fk_ports), .parse = fk_tp_parse, .input = fk_tp_input,
	.unknown_dst = fk_tp_unknown, .control = fk_tp_control, .output = fk_tp_output, .ep_create = fk_ep_create,
	.reap = fk_tp_reap, .destroy = fk_tp_destroy,
};

static inline int
fkt_make(struct mr_stack *s, struct mr_transproto **out)
{
	struct fk_tp *t = calloc(1, sizeof(*t));

	t->tp.ops = &fk_tp_ops;
	t->tp.stack = s;
	*out = &t->tp;
	return mr_pool_init(&t->eps, &s->arena, "fkt", sizeof(struct fk_ep), 64);
}

/* ---- set up and tear down */

static const char *const fk_nets[] = {"fk4", "fk6", "fkctl", NULL};
static const char *const fk_trans[] = {"fkt", NULL};

static inline void
fk_register(void)
{
	memset(&fk, 0, sizeof(fk));
	fk.now = FK_START;
	ck_assert_int_eq(mr_link_driver_register("fk", fk_open), 0);
	ck_assert_int_eq(mr_framing_register(&fk_framing), 0);
	ck_assert_int_eq(mr_netproto_register("fk4", fk4_make), 0);
	ck_assert_int_eq(mr_netproto_register("fk6", fk6_make), 0);
	ck_assert_int_eq(mr_netproto_register("fkctl", fkctl_make), 0);
	ck_assert_int_eq(mr_transproto_register("fkt", fkt_make), 0);
}

static inline struct mr_stack_opts
fk_opts(void)
{
	return (struct mr_stack_opts){.name = "fk", .net_protos = fk_nets, .trans_protos = fk_trans, .seed = 7,
	                              .rx_mbufs = 3072, .tx_mbufs = 2048, .max_conns = 64, .max_half_open = 64,
	                              .max_time_wait = 64, .max_endpoints = 64, .max_neighbours = 16};
}

static inline unsigned
fk_poll(void)
{
	return mr_stack_poll(fk.s, fk.now);
}

static inline void
fk_create(void)
{
	struct mr_stack_opts o = fk_opts();

	ck_assert_int_eq(mr_stack_create(&o, &fk.s), 0);
	fk.s->keep_pools = true;
	fk.rx_pool = fk.s->rx_pool;
	fk.tx_pool = fk.s->tx_pool;
	fk_poll();
}

static inline void
fk_setup(void)
{
	fk_register();
	fk_create();
}

static inline void
fk_pool_check(struct rte_mempool *mp)
{
	ck_assert_msg(rte_mempool_full(mp), "pool %s: %u of %u mbufs are missing", mp->name,
	              mp->size - rte_mempool_avail_count(mp), mp->size);
	rte_mempool_free(mp);
}

static inline void
fk_teardown(void)
{
	if (fk.s)
		mr_stack_destroy(fk.s);
	for (unsigned i = 0; i < fk.n_links; i++) {
		ck_assert_ptr_null(fk.links[i]->link.nic);
		if (!fk.links[i]->closed)
			mr_link_close(&fk.links[i]->link);
		free(fk.links[i]->tx);
		free(fk.links[i]);
	}
	fk_pool_check(fk.rx_pool);
	fk_pool_check(fk.tx_pool);
}

/* ---- verbs */

static inline struct mr_addr
fk_addr(const char *text)
{
	struct mr_addr a;

	ck_assert_int_eq(mr_addr_parse(text, &a), 0);
	return a;
}

static inline struct mr_subnet
fk_subnet(const char *text)
{
	struct mr_subnet n;

	ck_assert_int_eq(mr_subnet_parse(text, &n), 0);
	return n;
}

/* A NIC on a new link. */
static inline struct fk_link *
fk_nic(uint16_t id)
{
	struct fk_link *k = fk_link_make();

	ck_assert_int_eq(mr_nic_create(fk.s, id, "fk", &k->link), 0);
	return k;
}

static inline int
fk_add(uint16_t nic, const char *addr, enum mr_peb peb)
{
	struct mr_subnet n = fk_subnet(addr);

	return mr_addr_add(fk.s, nic, &n, peb);
}

static inline int
fk_remove(uint16_t nic, const char *addr)
{
	struct mr_addr a = fk_addr(addr);

	return mr_addr_remove(fk.s, nic, &a);
}

static inline int
fk_row(const char *dest, const char *gateway, uint16_t nic)
{
	struct mr_route_entry e = {.dest = fk_subnet(dest), .nic = nic};

	if (gateway)
		e.gateway = fk_addr(gateway);
	return mr_route_add(fk.s, &e);
}

static inline void
fk_push_raw(struct fk_link *k, uint16_t type, const void *b, uint16_t len)
{
	struct rte_mbuf *m = rte_pktmbuf_alloc(fk.s->rx_pool);
	uint16_t type_be = rte_cpu_to_be_16(type);
	char *h;

	ck_assert_ptr_nonnull(m);
	mr_pkt_init(m);
	h = rte_pktmbuf_append(m, FK_LINK_BYTES + len);
	memset(h, 0xee, FK_LINK_BYTES);
	memcpy(h + 12, &type_be, 2);
	if (len)
		memcpy(h + FK_LINK_BYTES, b, len);
	ck_assert_uint_lt(k->rx_n, FK_LOG);
	k->rx[(k->rx_head + k->rx_n++) % FK_LOG] = m;
}

/* A packet with ports and a one-byte payload. */
static inline void
fk_push_pkt(struct fk_link *k, const char *src, uint16_t sport, const char *dst, uint16_t dport, uint8_t tag)
{
	struct mr_addr from = fk_addr(src), to = fk_addr(dst);
	uint8_t b[sizeof(struct fk_net) + sizeof(struct fk_ports) + 1];
	struct fk_net h = {.trans = FK_TRANS, .len_be = rte_cpu_to_be_16(sizeof(struct fk_ports) + 1)};
	struct fk_ports p = {rte_cpu_to_be_16(sport), rte_cpu_to_be_16(dport)};

	memcpy(h.src, &from, 16);
	memcpy(h.dst, &to, 16);
	memcpy(b, &h, sizeof(h));
	memcpy(b + sizeof(h), &p, sizeof(p));
	b[sizeof(b) - 1] = tag;
	fk_push_raw(k, mr_addr_net(&to), b, sizeof(b));
}

/* Does a packet to this address come in? */
static inline bool
fk_receives(struct fk_link *k, const char *dst)
{
	unsigned seen = fk.n_seen;
	uint64_t dropped = mr_stack_counter(fk.s, MR_DROP_IP_NOT_OURS);
	bool v4 = strchr(dst, '.') != NULL;

	fk_push_pkt(k, v4 ? "10.9.9.9" : "fd00:9::9", 1, dst, 2, 0);
	fk_poll();
	ck_assert_uint_eq(fk.n_seen - seen + mr_stack_counter(fk.s, MR_DROP_IP_NOT_OURS) - dropped, 1);
	return fk.n_seen > seen;
}

static inline struct fk_ep *
fk_ep(const char *laddr, uint16_t port, uint16_t nic)
{
	struct mr_sockaddr sa = {.port = port, .nic = nic};
	struct mr_ep *ep;

	if (laddr)
		sa.addr = fk_addr(laddr);
	ck_assert_int_eq(mr_ep_create(fk.s, FK_TRANS, MR_NET_IPV4, &ep), 0);
	ck_assert_int_eq(mr_ep_bind(ep, &sa), 0);
	return (struct fk_ep *)ep;
}

static inline int
fk_find(uint16_t nic, const char *local, const char *remote, struct mr_route *r)
{
	struct mr_addr l = local ? fk_addr(local) : (struct mr_addr){0}, d = remote ? fk_addr(remote) : (struct mr_addr){0};

	memset(r, 0, sizeof(*r));
	return mr_route_find(fk.s, nic, &l, &d, MR_NET_IPV4, r);
}

/* Send one packet with a tag through a route. */
static inline int
fk_send(struct mr_route *r, uint16_t sport, uint16_t dport, uint8_t tag)
{
	struct mr_ip_params ip = {.trans_proto = FK_TRANS};
	struct rte_mbuf *m = mr_stack_tx_alloc(fk.s);
	struct fk_ports p = {rte_cpu_to_be_16(sport), rte_cpu_to_be_16(dport)};
	char *b;

	ck_assert_ptr_nonnull(m);
	b = rte_pktmbuf_append(m, sizeof(p) + 1);
	memcpy(b, &p, sizeof(p));
	b[sizeof(p)] = tag;
	return mr_route_output(r, &m, 1, &ip);
}

/* Last byte of the i-th frame that the link took, which is the tag of fk_send. */
static inline uint8_t
fk_tx_tag(const struct fk_link *k, unsigned i)
{
	ck_assert_uint_lt(i, k->tx_n);
	return k->tx[i].b[k->tx[i].len - 1];
}

static inline struct fk_net
fk_tx_net(const struct fk_link *k, unsigned i)
{
	struct fk_net h;

	ck_assert_uint_lt(i, k->tx_n);
	memcpy(&h, k->tx[i].b + FK_LINK_BYTES, sizeof(h));
	return h;
}

static inline uint64_t
fk_counter(enum mr_counter c)
{
	return mr_stack_counter(fk.s, c);
}

/* Let time pass, stopping at each deadline. */
static inline void
fk_advance(uint64_t ns)
{
	uint64_t end = fk.now + ns;

	do {
		uint64_t next = mr_stack_next_ns(fk.s);

		fk.now = RTE_MIN(end, RTE_MAX(next, fk.now));
		fk_poll();
	} while (fk.now < end || mr_stack_next_ns(fk.s) <= fk.now);
}

#define ck_assert_addr(a, text) \
	do { \
		struct mr_addr want_ = fk_addr(text); \
		char buf_[MR_ADDR_STRLEN]; \
		ck_assert_msg(mr_addr_equal((a), &want_), "%s is %s, not %s", #a, mr_addr_format((a), buf_, sizeof(buf_)), text); \
	} while (0)

static inline unsigned
fk_eps_used(void)
{
	return ((struct fk_tp *)mr_stack_transproto(fk.s, FK_TRANS))->eps.used;
}

#endif
