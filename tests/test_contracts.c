/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The contracts as a third party uses them: registering with the demuxer (S-59, S-60), default handlers (S-57), the
 * ways in of packets and errors (S-79 to S-81, S-140, S-157 to S-159), and what a stack offers (services.h).
 */
#include "fakestack.h"

static struct fk_link *wire;
static struct mr_nic *nic;

static void
nic_make(void)
{
	wire = fk_nic(1);
	nic = mr_nic_find(fk.s, 1);
	ck_assert_int_eq(fk_add(1, "10.0.0.1/24", 0), 0);
	ck_assert_int_eq(fk_add(1, "fd00::1/64", 0), 0);
}

static void
setup(void)
{
	fk_setup();
	nic_make();
}

/* ---- protocols of a third party */

#define OWN_NET 0x88b6
#define OWN_TRANS 201

/* What the protocol was last told, and what it tells. */
static struct {
	void *of;
	int opt;
	int64_t value;
} own;

static int
own_setopt(void *of, int opt, int64_t value)
{
	own.of = of;
	own.opt = opt;
	own.value = value;
	return value < 0 ? -EINVAL : 0;
}

static int
own_getopt(void *of, int opt, int64_t *value)
{
	own.of = of;
	own.opt = opt;
	*value = own.value;
	return 0;
}

static int
own_net_setopt(struct mr_netproto *np, int opt, int64_t value)
{
	return own_setopt(np, opt, value);
}

static int
own_net_getopt(struct mr_netproto *np, int opt, int64_t *value)
{
	return own_getopt(np, opt, value);
}

static int
own_trans_setopt(struct mr_transproto *tp, int opt, int64_t value)
{
	return own_setopt(tp, opt, value);
}

static int
own_trans_getopt(struct mr_transproto *tp, int opt, int64_t *value)
{
	return own_getopt(tp, opt, value);
}

static const struct mr_netproto_ops own_net_ops = {
	.name = "own-net", .number = OWN_NET, .min_bytes = 4, .input = fk_ctl_input, .setopt = own_net_setopt,
	.getopt = own_net_getopt, .destroy = fk_net_destroy,
};
static const struct mr_transproto_ops own_trans_ops = {
	.name = "own-trans", .number = OWN_TRANS, .min_bytes = 4, .parse = fk_tp_parse, .input = fk_tp_input,
	.unknown_dst = fk_tp_unknown, .setopt = own_trans_setopt, .getopt = own_trans_getopt, .destroy = fk_tp_destroy,
};

static int
own_net_make(struct mr_stack *s, struct mr_netproto **out)
{
	return fk_net_make(s, &own_net_ops, out);
}

static int
own_trans_make(struct mr_stack *s, struct mr_transproto **out)
{
	*out = calloc(1, sizeof(**out));
	(*out)->ops = &own_trans_ops;
	(*out)->stack = s;
	return 0;
}

static int
own_trans_refuse(struct mr_stack *s, struct mr_transproto **out)
{
	(void)s, (void)out;
	return -EDOM;
}

/* A stack of the two alone. */
static int
own_stack(struct mr_stack **out)
{
	static const char *const nets[] = {"own-net", NULL}, *const transports[] = {"own-trans", NULL};
	struct mr_stack_opts o = fk_opts();

	o.net_protos = nets;
	o.trans_protos = transports;
	return mr_stack_create(&o, out);
}

/* S-3 to S-6, S-120, S-121, S-141, S-142: made by name, found by number, the last registration of a name counts. */
START_TEST(s4_factories)
{
	mr_netproto_factory net = own_net_make;
	mr_transproto_factory trans = own_trans_make, refuse = own_trans_refuse;
	unsigned nets = fk.net_destroyed, transports = fk.trans_destroyed;
	const struct mr_netproto *np;
	const struct mr_transproto *tp;
	struct mr_stack *s;

	ck_assert_int_eq(mr_netproto_register("own-net", net), 0);
	ck_assert_int_eq(own_stack(&s), -EPROTONOSUPPORT);
	ck_assert_int_eq(mr_transproto_register("own-trans", refuse), 0);
	ck_assert_int_eq(own_stack(&s), -EDOM);
	ck_assert_uint_eq(fk.net_destroyed, nets + 2);
	ck_assert_int_eq(mr_transproto_register("own-trans", trans), 0);
	ck_assert_int_eq(mr_transproto_register("", trans), -EINVAL);
	ck_assert_int_eq(mr_transproto_register("own-trans", NULL), -EINVAL);
	ck_assert_int_eq(own_stack(&s), 0);
	np = mr_stack_netproto(s, OWN_NET);
	tp = mr_stack_transproto(s, OWN_TRANS);
	ck_assert(np->stack == s && np->ops->number == OWN_NET && np->ops == &own_net_ops);
	ck_assert(tp->stack == s && tp->ops->number == OWN_TRANS && tp->ops == &own_trans_ops);
	ck_assert_ptr_null(mr_stack_netproto(s, MR_NET_IPV4));
	mr_stack_destroy(s);
	ck_assert_uint_eq(fk.net_destroyed, nets + 3);
	ck_assert_uint_eq(fk.trans_destroyed, transports + 1);
}
END_TEST

/* S-125, S-126, S-147, S-148: options are the protocol's alone, values and answers are passed on as they are. */
START_TEST(s125_options_of_protocols)
{
	struct mr_stack *s;
	int64_t v;

	ck_assert_int_eq(mr_netproto_register("own-net", own_net_make), 0);
	ck_assert_int_eq(mr_transproto_register("own-trans", own_trans_make), 0);
	ck_assert_int_eq(own_stack(&s), 0);
	ck_assert_int_eq(mr_netproto_setopt(s, OWN_NET, 12345, INT64_MAX), 0);
	ck_assert(own.of == mr_stack_netproto(s, OWN_NET) && own.opt == 12345 && own.value == INT64_MAX);
	ck_assert_int_eq(mr_netproto_getopt(s, OWN_NET, 54321, &v), 0);
	ck_assert(own.opt == 54321 && v == INT64_MAX);
	ck_assert_int_eq(mr_netproto_setopt(s, OWN_NET, 1, -1), -EINVAL);
	ck_assert_int_eq(mr_transproto_setopt(s, OWN_TRANS, 777, 8), 0);
	ck_assert(own.of == mr_stack_transproto(s, OWN_TRANS) && own.opt == 777 && own.value == 8);
	ck_assert_int_eq(mr_transproto_getopt(s, OWN_TRANS, 778, &v), 0);
	ck_assert(own.opt == 778 && v == 8);
	ck_assert_int_eq(mr_transproto_setopt(s, OWN_TRANS, 1, -1), -EINVAL);
	mr_stack_destroy(s);
	/* One that has none. */
	ck_assert_int_eq(mr_netproto_setopt(fk.s, FK_CTL, 1, 1), -ENOPROTOOPT);
	ck_assert_int_eq(mr_netproto_getopt(fk.s, FK_CTL, 1, &v), -ENOPROTOOPT);
	ck_assert_int_eq(mr_transproto_setopt(fk.s, FK_TRANS, 1, 1), -ENOPROTOOPT);
	ck_assert_int_eq(mr_transproto_getopt(fk.s, FK_TRANS, 1, &v), -ENOPROTOOPT);
}
END_TEST

/* ---- registering */

/* An endpoint that is not bound: the test registers it. */
static struct fk_ep *
unbound(void)
{
	struct mr_ep *ep;

	ck_assert_int_eq(mr_ep_create(fk.s, FK_TRANS, MR_NET_IPV4, &ep), 0);
	return (struct fk_ep *)ep;
}

static struct mr_bound
taking(struct fk_ep *e, uint16_t port, uint16_t nic_id, bool v4, bool v6)
{
	return (struct mr_bound){.ep = &e->ep, .lport_be = rte_cpu_to_be_16(port), .nic = nic_id, .proto = FK_TRANS, .v4 = v4,
	                         .v6 = v6};
}

static void
push(const char *src, const char *dst, uint16_t dport)
{
	fk_push_pkt(wire, src, 1, dst, dport, 0);
	fk_poll();
}

START_TEST(s59_register_errors)
{
	struct fk_ep *e = unbound();
	struct mr_bound b = taking(e, 7, 9, true, true);

	ck_assert_int_eq(mr_transep_register(fk.s, &b), -ENODEV);
	b.nic = 0;
	b.v4 = b.v6 = false;
	ck_assert_int_eq(mr_transep_register(fk.s, &b), -EINVAL);
	b.v4 = true;
	b.ep = NULL;
	ck_assert_int_eq(mr_transep_register(fk.s, &b), -EINVAL);
	b.ep = &e->ep;
	ck_assert_int_eq(mr_transep_register(fk.s, &b), 0);
	ck_assert_int_eq(mr_transep_register(fk.s, &b), -EINVAL); /* twice */
	mr_transep_unregister(fk.s, &b);
	mr_transep_unregister(fk.s, &b); /* S-60: silent */
	ck_assert_int_eq(mr_transep_register(fk.s, &b), 0);
	mr_transep_unregister(fk.s, &b);
}
END_TEST

/* All families or none: one that is taken keeps the other free. */
START_TEST(s59_all_or_nothing)
{
	struct fk_ep *a = unbound(), *b = unbound(), *c = unbound();
	struct mr_bound v6 = taking(a, 7, 0, false, true), both = taking(b, 7, 0, true, true);
	struct mr_bound v4 = taking(c, 7, 0, true, false);

	ck_assert_int_eq(mr_transep_register(fk.s, &v6), 0);
	ck_assert_int_eq(mr_transep_register(fk.s, &both), -EADDRINUSE);
	push("10.0.0.9", "10.0.0.1", 7);
	ck_assert_uint_eq(fk.n_unknown, 1);
	push("fd00::9", "fd00::1", 7);
	ck_assert_uint_eq(a->rx, 1);
	ck_assert_int_eq(mr_transep_register(fk.s, &v4), 0);
	push("10.0.0.9", "10.0.0.1", 7);
	ck_assert_uint_eq(c->rx, 1);
	ck_assert_uint_eq(b->rx, 0);
	mr_transep_unregister(fk.s, &v6);
	mr_transep_unregister(fk.s, &v4);
	ck_assert_int_eq(mr_transep_register(fk.s, &both), 0);
	push("10.0.0.9", "10.0.0.1", 7);
	push("fd00::9", "fd00::1", 7);
	ck_assert_uint_eq(b->rx, 2);
	mr_transep_unregister(fk.s, &both);
}
END_TEST

/* SS-1, B-9: that of the NIC comes first, even if the global one knows the peer. */
START_TEST(b9_nic_before_global)
{
	struct fk_ep *a = unbound(), *b = unbound();
	struct mr_bound whole = taking(a, 7, 0, true, true), port = taking(b, 7, 1, true, true);

	whole.laddr = fk_addr("10.0.0.1");
	whole.raddr = fk_addr("10.0.0.9");
	whole.rport_be = rte_cpu_to_be_16(1);
	ck_assert_int_eq(mr_transep_register(fk.s, &whole), 0);
	push("10.0.0.9", "10.0.0.1", 7);
	ck_assert_uint_eq(a->rx, 1);
	ck_assert_int_eq(mr_transep_register(fk.s, &port), 0);
	push("10.0.0.9", "10.0.0.1", 7);
	ck_assert_uint_eq(a->rx, 1);
	ck_assert_uint_eq(b->rx, 1);
	mr_transep_unregister(fk.s, &port);
	push("10.0.0.9", "10.0.0.1", 7);
	ck_assert_uint_eq(a->rx, 2);
	mr_transep_unregister(fk.s, &whole);
}
END_TEST

/* B-10: of those that share, each tuple has its own, and all get some. */
START_TEST(b10_shared)
{
	struct fk_ep *e[4];
	struct mr_bound b[4];
	unsigned total = 0;

	for (unsigned i = 0; i < 4; i++) {
		e[i] = unbound();
		b[i] = taking(e[i], 7, 0, true, true);
		b[i].reuse_port = true;
		ck_assert_int_eq(mr_transep_register(fk.s, &b[i]), 0);
	}
	for (unsigned i = 0; i < 64; i++) {
		unsigned first[4];

		for (unsigned k = 0; k < 4; k++)
			first[k] = e[k]->rx;
		for (unsigned again = 0; again < 3; again++)
			fk_push_pkt(wire, "10.0.0.9", 1000 + i, "10.0.0.1", 7, 0);
		fk_poll();
		for (unsigned k = 0; k < 4; k++) {
			ck_assert_uint_eq((e[k]->rx - first[k]) % 3, 0);
			total += e[k]->rx - first[k];
		}
	}
	ck_assert_uint_eq(total, 3 * 64);
	for (unsigned i = 0; i < 4; i++) {
		ck_assert_uint_gt(e[i]->rx, 3 * 4);
		mr_transep_unregister(fk.s, &b[i]);
	}
}
END_TEST

/* SS-23: for a transport that is not there, silently. */
START_TEST(ss23_unknown_transport)
{
	struct fk_ep *e = unbound();
	struct mr_bound b = taking(e, 7, 0, true, true);

	b.proto = 77;
	ck_assert_int_eq(mr_transep_register(fk.s, &b), 0);
	push("10.0.0.9", "10.0.0.1", 7);
	ck_assert_uint_eq(fk.n_unknown, 1);
	ck_assert_uint_eq(e->rx, 0);
	mr_transep_unregister(fk.s, &b);
}
END_TEST

/* ---- default handlers */

static unsigned handled;
static bool handler_takes;

static bool
handler(struct mr_transproto *tp, struct rte_mbuf *m, void *arg)
{
	ck_assert_ptr_eq(arg, &handled);
	ck_assert_ptr_eq(tp->stack, fk.s);
	ck_assert_uint_eq(mr_pkt(m)->dport_be, rte_cpu_to_be_16(8));
	ck_assert_ptr_eq(rte_pktmbuf_mtod(m, void *), mr_pkt_trans_hdr(m));
	handled++;
	if (handler_takes)
		mr_stack_drop(fk.s, m, MR_DROP_THIRD_PARTY);
	return handler_takes;
}

/* A stack that has made no turn. */
static void
setup_fresh(void)
{
	struct mr_stack_opts o = fk_opts();

	fk_register();
	ck_assert_int_eq(mr_stack_create(&o, &fk.s), 0);
	fk.s->keep_pools = true;
	fk.rx_pool = fk.s->rx_pool;
	fk.tx_pool = fk.s->tx_pool;
	nic_make();
	handled = 0;
}

/* S-57, SS-2, B-16: asked when both demuxers have missed; what it does not take has no destination. */
START_TEST(b16_default_handler)
{
	struct fk_ep *e;

	ck_assert_int_eq(mr_transproto_set_handler(fk.s, 77, handler, &handled), -EPROTONOSUPPORT);
	ck_assert_int_eq(mr_transproto_set_handler(fk.s, FK_TRANS, handler, NULL), 0);
	ck_assert_int_eq(mr_transproto_set_handler(fk.s, FK_TRANS, handler, &handled), 0);
	e = fk_ep(NULL, 7, 0);
	handler_takes = true;
	fk_push_pkt(wire, "10.0.0.9", 1, "10.0.0.1", 8, 0);
	fk_push_pkt(wire, "10.0.0.9", 1, "10.0.0.1", 7, 0);
	fk_poll();
	ck_assert_uint_eq(handled, 1);
	ck_assert_uint_eq(fk.n_unknown, 0);
	ck_assert_uint_eq(e->rx, 1);
	ck_assert_uint_eq(fk_counter(MR_DROP_THIRD_PARTY), 1);
	handler_takes = false;
	fk_push_pkt(wire, "10.0.0.9", 1, "10.0.0.1", 8, 0);
	fk_poll();
	ck_assert_uint_eq(handled, 2);
	ck_assert_uint_eq(fk.n_unknown, 1);
	ck_assert_uint_eq(fk_counter(MR_DROP_UDP_NO_PORT), 1);
}
END_TEST

/* SS-3: once the stack runs, it stays. */
START_TEST(ss3_handler_before_the_first_turn)
{
	ck_assert_int_eq(mr_transproto_set_handler(fk.s, FK_TRANS, handler, &handled), 0);
	fk_poll();
	ck_assert_int_eq(mr_transproto_set_handler(fk.s, FK_TRANS, NULL, NULL), -EBUSY);
	ck_assert_int_eq(mr_transproto_set_handler(fk.s, 77, NULL, NULL), -EPROTONOSUPPORT);
	push("10.0.0.9", "10.0.0.1", 8);
	ck_assert_uint_eq(handled, 1);
}
END_TEST

/* ---- the ways in */

/* A packet as something that is no link would hand it over: network header first. */
static struct rte_mbuf *
packet(const char *dst, uint8_t trans, uint16_t dport, uint8_t tag)
{
	struct fk_net h = {.trans = trans, .len_be = rte_cpu_to_be_16(sizeof(struct fk_ports) + 1)};
	struct fk_ports p = {rte_cpu_to_be_16(1), rte_cpu_to_be_16(dport)};
	struct rte_mbuf *m = rte_pktmbuf_alloc(fk.s->rx_pool);
	struct mr_addr from = fk_addr("10.0.0.9"), to = fk_addr(dst);
	char *b = rte_pktmbuf_append(m, sizeof(h) + sizeof(p) + 1);

	memcpy(h.src, &from, 16);
	memcpy(h.dst, &to, 16);
	memcpy(b, &h, sizeof(h));
	memcpy(b + sizeof(h), &p, sizeof(p));
	b[sizeof(h) + sizeof(p)] = tag;
	mr_pkt_init(m);
	mr_pkt(m)->net_proto = MR_NET_IPV4;
	mr_pkt(m)->net_off = m->data_off;
	return m;
}

/* S-79, S-140: consumed on every path (the pools are checked), bursts of any length, in order. */
START_TEST(s79_deliver_network)
{
	struct fk_ep *e = fk_ep(NULL, 7, 0);
	struct rte_mbuf *m[3 * MR_BURST];

	for (unsigned i = 0; i < RTE_DIM(m); i++)
		m[i] = packet("10.0.0.1", FK_TRANS, 7, i);
	mr_nic_deliver_network(nic, MR_NET_IPV4, m, RTE_DIM(m));
	ck_assert_uint_eq(e->rx, RTE_DIM(m));
	for (unsigned i = RTE_DIM(m) - RTE_DIM(e->tags); i < RTE_DIM(m); i++)
		ck_assert_uint_eq(e->tags[i % RTE_DIM(e->tags)], i);
	m[0] = packet("10.0.0.77", FK_TRANS, 7, 0);
	mr_nic_deliver_network(nic, MR_NET_IPV4, m, 1);
	ck_assert_uint_eq(fk_counter(MR_DROP_IP_NOT_OURS), 1);
	m[0] = packet("10.0.0.1", FK_TRANS, 7, 0);
	mr_nic_deliver_network(nic, 0x1234, m, 1);
	ck_assert_uint_eq(fk_counter(MR_DROP_NET_UNKNOWN_PROTO), 1);
	m[0] = packet("10.0.0.1", FK_TRANS, 7, 0);
	rte_pktmbuf_trim(m[0], m[0]->pkt_len - sizeof(struct fk_net) + 1);
	mr_nic_deliver_network(nic, MR_NET_IPV4, m, 1);
	ck_assert_uint_eq(fk_counter(MR_DROP_NET_SHORT), 1);
	ck_assert_uint_eq(e->rx, RTE_DIM(m));
}
END_TEST

/* S-80, S-158: facts set, data at the transport header. What has no transport is not consumed. */
START_TEST(s80_deliver_transport)
{
	struct mr_addr local = fk_addr("10.0.0.1");
	struct fk_ep *e = fk_ep(NULL, 7, 0);
	struct rte_mbuf *m[2] = {packet("10.0.0.1", FK_TRANS, 7, 5), packet("10.0.0.1", FK_TRANS, 8, 6)};

	for (unsigned i = 0; i < 2; i++) {
		struct mr_pkt *p = mr_pkt(m[i]);

		p->src = fk_addr("10.0.0.9");
		p->netep = mr_nic_netep_rx(nic, &local);
		p->nic = nic;
		p->trans_proto = FK_TRANS;
		p->trans_off = p->net_off + sizeof(struct fk_net);
		p->trans_len = sizeof(struct fk_ports) + 1;
		rte_pktmbuf_adj(m[i], sizeof(struct fk_net));
	}
	ck_assert(!mr_nic_deliver_transport(fk.s, 77, m, 2));
	ck_assert(mr_nic_deliver_transport(fk.s, FK_TRANS, m, 2));
	ck_assert_uint_eq(e->rx, 1);
	ck_assert_uint_eq(e->tags[0], 5);
	ck_assert_uint_eq(fk.n_unknown, 1);
}
END_TEST

/* S-81, S-159, B-15: to the endpoint of the quoted tuple, with its kind; local is the quoted source. */
START_TEST(s81_deliver_control)
{
	static const enum mr_ctrl_type kinds[] = {MR_CTRL_PKT_TOO_BIG, MR_CTRL_PORT_UNREACH, MR_CTRL_HOST_UNREACH,
	                                          MR_CTRL_UNKNOWN};
	struct mr_addr local = fk_addr("10.0.0.1"), remote = fk_addr("10.0.0.9"), foreign = fk_addr("10.0.0.3");
	uint16_t quoted[4] = {rte_cpu_to_be_16(7), rte_cpu_to_be_16(1)};
	struct fk_ep *e = fk_ep(NULL, 7, 0), *other = fk_ep(NULL, 1, 0);

	for (unsigned i = 0; i < RTE_DIM(kinds); i++) {
		ck_assert(mr_nic_deliver_control(fk.s, nic, &local, &remote, FK_TRANS, kinds[i], 1280, quoted, 8));
		ck_assert_uint_eq(e->controls, i + 1);
		ck_assert_int_eq(e->control, kinds[i]);
	}
	ck_assert(!mr_nic_deliver_control(fk.s, nic, &local, &remote, FK_TRANS, MR_CTRL_PORT_UNREACH, 0, quoted, 7));
	ck_assert(!mr_nic_deliver_control(fk.s, nic, &foreign, &remote, FK_TRANS, MR_CTRL_PORT_UNREACH, 0, quoted, 8));
	ck_assert(!mr_nic_deliver_control(fk.s, nic, &local, &remote, 77, MR_CTRL_PORT_UNREACH, 0, quoted, 8));
	quoted[0] = rte_cpu_to_be_16(8);
	ck_assert(!mr_nic_deliver_control(fk.s, nic, &local, &remote, FK_TRANS, MR_CTRL_PORT_UNREACH, 0, quoted, 8));
	ck_assert_uint_eq(e->controls, RTE_DIM(kinds));
	ck_assert_uint_eq(other->controls, 0);
}
END_TEST

/* ---- services */

START_TEST(budgets)
{
	uint32_t rx = fk.s->rx_held_max, tx = fk.s->tx_held_max;

	ck_assert(mr_stack_rx_hold(fk.s, rx - 1));
	ck_assert(!mr_stack_rx_hold(fk.s, 2));
	ck_assert(!mr_stack_rx_hold(fk.s, UINT32_MAX));
	ck_assert(mr_stack_rx_hold(fk.s, 1));
	ck_assert(!mr_stack_rx_hold(fk.s, 1));
	ck_assert(!mr_stack_rx_room(fk.s));
	ck_assert(mr_stack_tx_hold(fk.s, tx)); /* a budget of its own */
	ck_assert(!mr_stack_tx_hold(fk.s, 1));
	mr_stack_rx_release(fk.s, rx);
	mr_stack_tx_release(fk.s, tx);
	ck_assert(mr_stack_rx_hold(fk.s, rx));
	mr_stack_rx_release(fk.s, rx);
}
END_TEST

static uint64_t fired_ns;

static void
fire(struct mr_timer *t, uint64_t now_ns)
{
	(void)t;
	fired_ns = now_ns;
}

START_TEST(services)
{
	struct mr_tuple t = {.src = fk_addr("10.0.0.9"), .dst = fk_addr("10.0.0.1")};
	struct mr_timer timer = {0};

	ck_assert_ptr_eq(mr_stack_netproto(fk.s, MR_NET_IPV6)->ops, &fk_net_ops[1]);
	ck_assert_ptr_null(mr_stack_netproto(fk.s, MR_NET_ARP));
	ck_assert_ptr_eq(mr_stack_transproto(fk.s, FK_TRANS)->ops, &fk_tp_ops);
	ck_assert_ptr_null(mr_stack_transproto(fk.s, MR_TRANS_TCP));
	mr_stack_count(fk.s, MR_CNT_LOOP_PACKETS, 3);
	ck_assert_uint_eq(fk_counter(MR_CNT_LOOP_PACKETS), 3);
	mr_timer_arm(mr_stack_wheel(fk.s), &timer, fk.now + FK_S, fire);
	fk_advance(2 * FK_S);
	ck_assert_uint_eq(fired_ns, FK_START + FK_S);
	ck_assert_ptr_eq(mr_stack_rng(fk.s), &fk.s->rng);
	ck_assert(mr_stack_owns(fk.s, &t));
}
END_TEST

static Suite *
suite(void)
{
	Suite *s = suite_create("contracts");
	TCase *tc = rig_case(s, "stack", setup, fk_teardown);

	tcase_add_test(tc, s4_factories);
	tcase_add_test(tc, s125_options_of_protocols);
	tcase_add_test(tc, s59_register_errors);
	tcase_add_test(tc, s59_all_or_nothing);
	tcase_add_test(tc, b9_nic_before_global);
	tcase_add_test(tc, b10_shared);
	tcase_add_test(tc, ss23_unknown_transport);
	tcase_add_test(tc, s79_deliver_network);
	tcase_add_test(tc, s80_deliver_transport);
	tcase_add_test(tc, s81_deliver_control);
	tcase_add_test(tc, budgets);
	tcase_add_test(tc, services);
	tc = rig_case(s, "fresh stack", setup_fresh, fk_teardown);
	tcase_add_test(tc, b16_default_handler);
	tcase_add_test(tc, ss3_handler_before_the_first_turn);
	return s;
}

RIG_MAIN(suite)
