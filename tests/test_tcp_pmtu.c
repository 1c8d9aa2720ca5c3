/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What is known of the way to a peer: MTUs that routers have shown are remembered for ten minutes and used by other
 * connections (PM-04, PM-07), and the clamp of the MSS (PM-13). What a router's news does to the connection itself is in
 * test_tcp_loss.c, ways whose routers are silent in test_tcp_mtu_search.c.
 */
#include "rig/fixture.h"

#include <string.h>

#include "proto/tcp/tcp.h"

static struct mr_ep *listener;
static uint16_t port = 5000;

static void
setup(void)
{
	rig_setup();
	listener = NULL;
}

static void
teardown(void)
{
	rig_discard(&rig);
	rig_teardown();
}

/* Another connection of the peer, or of an address. */
static void
connect_from(bool v6)
{
	rig_tcp_init(&t, &rig, v6);
	t.listener = listener;
	t.peer_port = port++;
	rig_tcp_establish_passive(&t);
	listener = t.listener;
}

static const struct rig_frame *
send_full(uint32_t off, uint32_t full)
{
	ck_assert_int_eq(rig_ep_send(t.ep, off, full), full);
	return rig_tcp_expect(&t, RIG_ACK, 1 + off, 1, full, .pattern = true);
}

static void
too_big(const struct rig_frame *f, uint32_t mtu)
{
	uint32_t ip_len = t.v6 ? 40 : 20;

	if (t.v6)
		rig_push_icmp(&rig, .ip.v6 = true, .type = 2, .rest = mtu, .data = f->b + 14, .len = ip_len + 20);
	else
		rig_push_icmp(&rig, .type = 3, .code = 4, .rest = mtu, .data = f->b + 14, .len = ip_len + 20);
	rig_poll(&rig);
}

static void
disconnect(void)
{
	mr_ep_abort(t.ep);
	rig_poll(&rig);
	rig_discard(&rig);
}

static uint32_t
pmtu(void)
{
	struct mr_tcp_info info;

	ck_assert_int_eq(mr_tcp_info(t.ep, &info), 0);
	ck_assert_uint_eq(info.snd_mss, info.pmtu - (t.v6 ? 60 : 40));
	return info.pmtu;
}

/* PM-07, PM-04: the next connection begins with it, for ten minutes from the last news. */
START_TEST(remembered)
{
	bool v6 = _i;

	connect_from(v6);
	too_big(send_full(0, v6 ? 1440 : 1460), 1400);
	ck_assert_uint_eq(pmtu(), 1400);
	disconnect();
	rig_advance(&rig, 100 * RIG_S);
	connect_from(v6);
	ck_assert_uint_eq(pmtu(), 1400);
	too_big(send_full(0, v6 ? 1340 : 1360), 1300);
	disconnect();
	rig_advance(&rig, 599 * RIG_S);
	connect_from(v6);
	ck_assert_uint_eq(pmtu(), 1300);
	/* The other family's way is another one. */
	if (v6) {
		connect_from(false);
		ck_assert_uint_eq(pmtu(), 1500);
	}
	rig_advance(&rig, 2 * RIG_S);
	connect_from(v6);
	ck_assert_uint_eq(pmtu(), 1500);
}
END_TEST

/* A connection that is there hears of it after a pause, and later that it has grown old. */
START_TEST(asked_after_a_pause)
{
	struct rig_tcp first;

	connect_from(false);
	first = t;
	connect_from(false);
	too_big(send_full(0, 1460), 1400);
	disconnect();
	t = first;
	send_full(0, 1460); /* its first */
	rig_tcp_push(&t, RIG_ACK, 1, 1461, 0);
	rig_advance(&rig, 5 * RIG_S);
	send_full(1460, 1360);
	rig_tcp_push(&t, RIG_ACK, 1, 2821, 0);
	ck_assert_uint_eq(pmtu(), 1400);
	rig_advance(&rig, 601 * RIG_S);
	send_full(2820, 1);
	ck_assert_uint_eq(pmtu(), 1500);
	rig_tcp_push(&t, RIG_ACK, 1, 2822, 0);
	send_full(2821, 1460);
}
END_TEST

/* As many peers as there is room for, and the last ones in it. */
START_TEST(bounded)
{
	struct tcp_conn *c;
	unsigned known = 0;

	connect_from(false);
	c = tcp_conn(t.ep);
	for (uint32_t i = 0; i < 3 * TCP_PATHS; i++) {
		c->ep.flow.raddr.d[1] += 1ull << 40;
		c->pmtu = 0;
		tcp_path_too_big(c, 1000);
		tcp_path_ask(c);
		ck_assert_uint_eq(c->pmtu, 1000);
		rig.stack->now_ns += RIG_MS;
	}
	for (uint32_t i = 0; i < 3 * TCP_PATHS; i++) {
		tcp_path_ask(c);
		known += c->pmtu == 1000;
		ck_assert(i >= 100 || c->pmtu == 1000 || known > 50);
		c->ep.flow.raddr.d[1] -= 1ull << 40;
	}
	ck_assert_uint_le(known, TCP_PATHS);
	ck_assert_uint_gt(known, TCP_PATHS / 2);
	ck_assert_uint_eq(tcp_conn(t.ep)->ep.flow.raddr.d[1], rig.peer4.d[1]);
}
END_TEST

/* PM-13: offered and used, of new endpoints; a peer's smaller offer counts. */
START_TEST(clamped)
{
	const struct rig_frame *f;

	ck_assert_int_eq(mr_transproto_setopt(rig.stack, MR_TRANS_TCP, MR_OPT_TCP_MAXSEG, 1200), 0);
	rig_tcp_init(&t, &rig, false);
	t.mss = _i ? 1000 : 1460;
	rig_tcp_listen(&t, 4);
	rig_tcp_push(&t, RIG_SYN, 0, 0, 0);
	f = rig_expect(&rig, RIG_TCP);
	ck_assert_uint_eq(f->mss, 1200);
	t.irs = f->seq;
	rig_tcp_push(&t, RIG_ACK, 1, 1, 0);
	rig_poll(&rig);
	ck_assert_int_eq(mr_ep_accept(t.listener, &t.ep), 0);
	send_full(0, _i ? 1000 : 1200);
	rig_tcp_init(&t, &rig, false);
	t.port = 81;
	rig_tcp_start_active(&t);
	ck_assert_uint_eq(t.stack_mss, 1200);
}
END_TEST

static Suite *
suite(void)
{
	Suite *s = suite_create("tcp_pmtu");
	TCase *c = rig_case(s, "path", setup, teardown);

	tcase_add_loop_test(c, remembered, 0, 2);
	tcase_add_test(c, asked_after_a_pause);
	tcase_add_test(c, bounded);
	tcase_add_loop_test(c, clamped, 0, 2);
	return s;
}

RIG_MAIN(suite)
