/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Of the world without real protocols (fakestack.h): two addressed network protocols, the one without addresses, their
 * resolvers, and the transport with its endpoints.
 */
#ifndef TESTS_FAKESTACK_PROTO_H
#define TESTS_FAKESTACK_PROTO_H

#include "fakestack_state.h"

#include <errno.h>
#include <stdlib.h>

#include <rte_byteorder.h>

#include "stack/neigh.h"
#include "stack/route.h"

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

#endif
