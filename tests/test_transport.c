/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The transport contract as somebody else's transport sees it: what its endpoints are given over IPv4 and IPv6 (S-149,
 * S-150, S-157, S-158), how a registration names them (S-152 to S-156), and what ICMP comes to (S-151, S-159 to S-163).
 *
 * The transport here has four bytes of header, the two ports, and no checksum.
 */
#include "rig/fixture.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "proto/mbuf.h"
#include "stack/demux.h"
#include "stack/pool.h"
#include "stack/stack.h"
#include "stack/transport.h"

#define EXP 253 /* for experiments (RFC 3692) */
#define HDR 4

struct exp_ep {
	struct mr_ep ep;
	struct mr_bound bound;
	unsigned packets, controls;
	/* the last of each */
	struct mr_pkt pkt;
	char data[8];
	enum mr_ctrl_type type;
	uint32_t extra;
	uint8_t quoted[8];
};

struct exp {
	struct mr_transproto tp;
	struct mr_pool eps;
	unsigned unknown;
};

static struct exp *
exp_of(struct mr_stack *s)
{
	return (struct exp *)mr_stack_transproto(s, EXP);
}

static uint16_t
exp_parse(struct mr_transproto *tp, struct rte_mbuf **pkts, uint16_t n)
{
	(void)tp;
	for (uint16_t i = 0; i < n; i++) {
		struct mr_pkt *p = mr_pkt(pkts[i]);

		memcpy(&p->sport_be, rte_pktmbuf_mtod(pkts[i], char *), 2);
		memcpy(&p->dport_be, rte_pktmbuf_mtod_offset(pkts[i], char *, 2), 2);
		p->trans_hdr_len = HDR;
	}
	return n;
}

static void
exp_input(struct mr_transproto *tp, struct mr_flow **flows, struct rte_mbuf **pkts, uint16_t n)
{
	(void)tp;
	for (uint16_t i = 0; i < n; i++) {
		struct exp_ep *e = (struct exp_ep *)flows[i];

		e->packets++;
		e->pkt = *mr_pkt(pkts[i]);
		mr_mbuf_copy_out(pkts[i], HDR, e->data, RTE_MIN(pkts[i]->pkt_len - HDR, (uint32_t)sizeof(e->data)));
		rte_pktmbuf_free(pkts[i]);
	}
}

static void
exp_unknown(struct mr_transproto *tp, struct rte_mbuf *m)
{
	((struct exp *)tp)->unknown++;
	rte_pktmbuf_free(m);
}

static void
exp_control(struct mr_transproto *tp, struct mr_flow *f, enum mr_ctrl_type type, uint32_t extra, const void *quoted,
            uint16_t quoted_bytes)
{
	struct exp_ep *e = (struct exp_ep *)f;

	(void)tp;
	ck_assert_uint_ge(quoted_bytes, 8);
	e->controls++;
	e->type = type;
	e->extra = extra;
	memcpy(e->quoted, quoted, 8);
}

static void
exp_close(struct mr_ep *ep, bool abort)
{
	(void)abort;
	mr_demux_unbind(ep->stack, &((struct exp_ep *)ep)->bound);
	mr_ep_fini(ep);
	mr_pool_put(&exp_of(ep->stack)->eps, ep);
}

static const struct mr_ep_ops exp_ep_ops = {.close = exp_close};

static int
exp_ep_create(struct mr_transproto *tp, uint16_t net, struct mr_ep **out)
{
	struct exp_ep *e = mr_pool_get(&((struct exp *)tp)->eps);

	(void)net;
	if (!e)
		return -ENOBUFS;
	mr_ep_init(&e->ep, tp->stack, EXP, &exp_ep_ops);
	*out = &e->ep;
	return 0;
}

static void
exp_destroy(struct mr_transproto *tp)
{
	free(tp);
}

static const struct mr_transproto_ops exp_ops = {
	.name = "exp", .number = EXP, .min_bytes = HDR, .parse = exp_parse, .input = exp_input, .unknown_dst = exp_unknown,
	.control = exp_control, .ep_create = exp_ep_create, .destroy = exp_destroy,
};

static int
exp_create(struct mr_stack *s, struct mr_transproto **out)
{
	struct exp *x = calloc(1, sizeof(*x));

	if (!x)
		return -ENOMEM;
	x->tp.ops = &exp_ops;
	x->tp.stack = s;
	*out = &x->tp;
	return mr_pool_init(&x->eps, &s->arena, "exp", sizeof(struct exp_ep), 16);
}

/* ---- rig */

/* An endpoint with a registration: NULL and 0 are wildcards. */
static struct exp_ep *
registered(const char *laddr, uint16_t lport, const char *raddr, uint16_t rport, uint16_t nic)
{
	struct mr_ep *ep;
	struct exp_ep *e;

	ck_assert_int_eq(mr_ep_create(rig.stack, EXP, MR_NET_IPV4, &ep), 0);
	e = (struct exp_ep *)ep;
	e->bound = (struct mr_bound){.ep = ep, .lport_be = rte_cpu_to_be_16(lport), .rport_be = rte_cpu_to_be_16(rport),
	                             .nic = nic, .proto = EXP, .v4 = true, .v6 = true};
	if (laddr)
		e->bound.laddr = rig_addr(laddr);
	if (raddr)
		e->bound.raddr = rig_addr(raddr);
	ck_assert_int_eq(mr_demux_bind(rig.stack, &e->bound), 0);
	return e;
}

static void
push(bool v6, const char *src, uint16_t sport, uint16_t dport, const char *data)
{
	const struct mr_addr none = {0};
	uint8_t b[64] = {sport >> 8, (uint8_t)sport, dport >> 8, (uint8_t)dport};
	size_t n = strlen(data);

	memcpy(b + HDR, data, n);
	rig_push_ip(&rig, b, (uint32_t)(HDR + n), .proto = EXP, .v6 = v6, .src = src ? rig_addr(src) : none);
	rig_poll(&rig);
}

/* ---- packets */

/* S-149, S-150, S-157, S-158, S-143, S-58: the packet and who it is from and for. */
START_TEST(packet)
{
	struct exp_ep *e = registered(NULL, 700, NULL, 0, 0);

	push(_i, NULL, 900, 700, "hello");
	ck_assert_uint_eq(e->packets, 1);
	ck_assert(memcmp(e->data, "hello", 5) == 0);
	ck_assert(mr_addr_equal(&e->pkt.src, _i ? &rig.peer6 : &rig.peer4));
	ck_assert(mr_addr_equal(&e->pkt.netep->addr, _i ? &rig.addr6 : &rig.addr4));
	ck_assert_uint_eq(e->pkt.net_proto, _i ? MR_NET_IPV6 : MR_NET_IPV4);
	ck_assert_uint_eq(e->pkt.trans_proto, EXP);
	ck_assert_uint_eq(e->pkt.trans_len, HDR + 5);
	ck_assert_uint_eq(rte_be_to_cpu_16(e->pkt.sport_be), 900);
	push(_i, NULL, 900, 701, "nobody");
	ck_assert_uint_eq(e->packets, 1);
	ck_assert_uint_eq(exp_of(rig.stack)->unknown, 1);
	mr_ep_close(&e->ep);
}
END_TEST

/* A protocol that no transport has: the network layer answers. */
START_TEST(no_such_transport)
{
	rig_push_ip(&rig, "01234567", 8, .v6 = _i, .proto = 252);
	if (_i)
		rig_expect_icmp(&rig, true, 4, 1);
	else
		rig_expect_icmp(&rig, false, 3, 2);
	rig_expect_drop(&rig, MR_DROP_TRANS_UNKNOWN_PROTO);
}
END_TEST

/* S-152 to S-156: each part of the id says who, or that it does not matter; the more it says the sooner it is asked. */
START_TEST(ids)
{
	struct exp_ep *all = registered(NULL, 700, NULL, 0, 0);                     /* LocalPort (S-153) */
	struct exp_ep *local = registered("10.0.0.1", 700, NULL, 0, 0);             /* LocalAddress (S-154) */
	struct exp_ep *remote = registered(NULL, 700, "10.0.0.2", 900, 0);          /* RemoteAddress, RemotePort (S-155, S-156) */
	struct exp_ep *whole = registered("10.0.0.1", 700, "10.0.0.2", 901, 0);     /* all four (S-152) */

	push(false, "10.0.0.2", 901, 700, "");
	ck_assert_uint_eq(whole->packets, 1);
	push(false, "10.0.0.2", 900, 700, "");
	ck_assert_uint_eq(remote->packets, 1);
	push(false, "10.0.0.3", 901, 700, "");
	ck_assert_uint_eq(local->packets, 1);
	push(false, "10.0.0.2", 902, 700, "");
	ck_assert_uint_eq(local->packets, 2);
	push(true, NULL, 901, 700, "");
	ck_assert_uint_eq(all->packets, 1);
	push(false, "10.0.0.2", 901, 699, "");
	ck_assert_uint_eq(exp_of(rig.stack)->unknown, 1);
	ck_assert_uint_eq(whole->packets + remote->packets + local->packets + all->packets, 5);
	mr_ep_close(&all->ep);
	mr_ep_close(&local->ep);
	mr_ep_close(&remote->ep);
	mr_ep_close(&whole->ep);
}
END_TEST

/* ---- control */

static const struct control_case {
	bool v6;
	uint8_t type, code;
	uint32_t rest;
	enum mr_ctrl_type is;
	uint32_t extra;
} control_cases[] = {
	{false, 3, 4, 1400, MR_CTRL_PKT_TOO_BIG, 1400},  /* S-161 */
	{false, 3, 4, 0, MR_CTRL_PKT_TOO_BIG, 0},        /* a router that does not say */
	{true, 2, 0, 1300, MR_CTRL_PKT_TOO_BIG, 1300},
	{false, 3, 3, 0, MR_CTRL_PORT_UNREACH, 0},       /* S-162 */
	{true, 1, 4, 0, MR_CTRL_PORT_UNREACH, 0},
	{false, 3, 0, 0, MR_CTRL_NET_UNREACH, 0},
	{true, 1, 0, 0, MR_CTRL_NET_UNREACH, 0},
	{false, 3, 1, 0, MR_CTRL_HOST_UNREACH, 0},
	{true, 1, 3, 0, MR_CTRL_HOST_UNREACH, 0},
	{false, 3, 2, 0, MR_CTRL_PROTO_UNREACH, 0},
	{true, 4, 1, 6, MR_CTRL_PROTO_UNREACH, 6},
	{false, 3, 13, 0, MR_CTRL_ADMIN_PROHIBITED, 0},
	{true, 1, 1, 0, MR_CTRL_ADMIN_PROHIBITED, 0},
	{false, 11, 0, 0, MR_CTRL_TIME_EXCEEDED, 0},
	{true, 3, 0, 0, MR_CTRL_TIME_EXCEEDED, 0},
	{false, 12, 0, 20u << 24, MR_CTRL_PARAM_PROBLEM, 20},
	{true, 4, 0, 40, MR_CTRL_PARAM_PROBLEM, 40},
	{false, 3, 5, 0, MR_CTRL_UNKNOWN, 0},            /* S-163 */
	{false, 3, 200, 0, MR_CTRL_UNKNOWN, 0},
	{true, 1, 200, 0, MR_CTRL_UNKNOWN, 0},
};

/* S-151, S-159, S-160, SS-15: by the header that is quoted, with what the message tells besides. */
START_TEST(control)
{
	static const uint8_t sent[8] = {700 >> 8, 700 & 255, 900 >> 8, 900 & 255, 'd', 'a', 't', 'a'};
	const struct control_case *c = &control_cases[_i];
	struct exp_ep *e = registered(NULL, 700, NULL, 0, 0), *other = registered(NULL, 900, NULL, 0, 0);
	uint32_t ip = c->v6 ? 40 : 20;
	struct rig_buf b;

	/* A packet of ours, as whoever complains about it has seen it. */
	rig_build_ip(&rig, &b, &(struct rig_ip){.proto = EXP, .src = c->v6 ? rig.addr6 : rig.addr4,
	                                        .dst = c->v6 ? rig.peer6 : rig.peer4}, sent, sizeof(sent));
	rig_push_icmp(&rig, .ip.v6 = c->v6, .type = c->type, .code = c->code, .rest = c->rest, .data = b.b + 14, .len = ip + 8);
	rig_expect_none(&rig);
	ck_assert_uint_eq(e->controls, 1);
	ck_assert_uint_eq(other->controls, 0);
	ck_assert_int_eq(e->type, c->is);
	ck_assert_uint_eq(e->extra, c->extra);
	ck_assert(memcmp(e->quoted, sent, 8) == 0);
	ck_assert_uint_eq(rig_moved(&rig, MR_CNT_ICMP_RX_ERRORS), 1);
	rig_expect_no_drop(&rig);
	mr_ep_close(&e->ep);
	mr_ep_close(&other->ep);
}
END_TEST

static Suite *
suite(void)
{
	Suite *s = suite_create("transport");
	TCase *tc = rig_case(s, "contract", rig_setup, rig_teardown);

	mr_transproto_register("exp", exp_create);
	tcase_add_loop_test(tc, packet, 0, 2);
	tcase_add_loop_test(tc, no_such_transport, 0, 2);
	tcase_add_test(tc, ids);
	tcase_add_loop_test(tc, control, 0, RTE_DIM(control_cases));
	return s;
}

RIG_MAIN(suite)
