/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Short writes into an empty send queue have no packet of their own: a copy goes out, and is sent again from what the
 * connection keeps. What the wire sees is the same; nothing of the pool waits for an ACK.
 */
#include "rig/fixture.h"

#include "proto/tcp/tcp.h"

#define SMALL ((uint32_t)TCP_SMALL_BYTES)
#define MSS 1460u

static uint32_t written;

static void
setup(void)
{
	tcp_setup();
	rig_tcp_establish_passive(&t);
	rig_mark(&rig);
	written = 0;
}

/* Transmit mbufs that are somewhere. */
static unsigned
out(void)
{
	return rig.stack->tx_pool->size - mr_stash_avail(&rig.stack->tx_stash);
}

static void
put(uint32_t len)
{
	ck_assert_int_eq(rig_ep_send(t.ep, written, len), len);
	written += len;
}

static void
expect_seg(uint32_t off, uint32_t len)
{
	rig_tcp_expect(&t, RIG_ACK | (off + len == written ? RIG_PSH : 0), 1 + off, 1, len, .pattern = true);
}

static void
take_ack(uint32_t upto)
{
	rig_tcp_push(&t, RIG_ACK, 1, 1 + upto, 0);
	rig_poll(&rig);
}

/* The pool is empty until they are given back. */
static struct rte_mbuf *taken[16384];
static unsigned n_taken;

static void
take_all(void)
{
	n_taken = 0;
	while (n_taken < RTE_DIM(taken) && (taken[n_taken] = mr_stack_tx_alloc(rig.stack)))
		n_taken++;
}

static void
give_back(void)
{
	rte_pktmbuf_free_bulk(taken, n_taken);
}

/* ---- what is kept where */

START_TEST(nothing_waits_for_the_ack)
{
	static const uint32_t len[] = {1, 2, SMALL - 1, SMALL, SMALL + 1};
	unsigned before = out();

	put(len[_i]);
	ck_assert_uint_eq(out(), before + (len[_i] > SMALL));
	rig_poll(&rig);
	expect_seg(0, len[_i]);
	rig_expect_none(&rig);
	ck_assert_uint_eq(out(), before + (len[_i] > SMALL));
	ck_assert_uint_eq(rig.stack->tx_held, len[_i] > SMALL);
	take_ack(len[_i]);
	ck_assert_uint_eq(out(), before);
	ck_assert_uint_eq(tcp_conn(t.ep)->bytes_acked, len[_i]);
}
END_TEST

/* A segment of the connection's is no longer than its MSS. */
START_TEST(longer_than_the_mss)
{
	tcp_setup();
	t.mss = TCP_MIN_MSS;
	rig_tcp_establish_passive(&t);
	written = 0;
	put(SMALL);
	rig_poll(&rig);
	expect_seg(0, TCP_MIN_MSS);
	take_ack(TCP_MIN_MSS);
	expect_seg(TCP_MIN_MSS, SMALL - TCP_MIN_MSS);
	rig_teardown();
}
END_TEST

/* Writes of one turn are one segment, however long they come to be. */
START_TEST(grows)
{
	static const struct {
		uint32_t first, second;
		unsigned mbufs;
	} w[] = {{10, 10, 0}, {10, SMALL - 10, 0}, {10, SMALL - 9, 1}, {SMALL, 1, 1}, {1, MSS - 1, 1}, {SMALL, MSS, 2}};
	uint32_t sum = w[_i].first + w[_i].second;

	put(w[_i].first);
	put(w[_i].second);
	ck_assert_uint_eq(rig.stack->tx_held, w[_i].mbufs);
	rig_poll(&rig);
	expect_seg(0, RTE_MIN(sum, MSS));
	if (sum > MSS)
		take_ack(MSS), expect_seg(MSS, sum - MSS);
	rig_expect_none(&rig);
	take_ack(sum);
	ck_assert_uint_eq(rig.stack->tx_held, 0);
}
END_TEST

/* What was sent does not grow; what follows has packets. */
START_TEST(followed_while_in_flight)
{
	ck_assert_int_eq(mr_ep_setopt(t.ep, MR_OPT_TCP_NODELAY, 1), 0);
	put(5);
	rig_poll(&rig);
	expect_seg(0, 5);
	put(7);
	put(SMALL + 3);
	rig_poll(&rig);
	expect_seg(5, SMALL + 10);
	ck_assert_uint_eq(rig.stack->tx_held, 1);
	take_ack(SMALL + 15);
	rig_expect_none(&rig);
	put(3);
	rig_poll(&rig);
	expect_seg(SMALL + 15, 3);
	ck_assert_uint_eq(rig.stack->tx_held, 0);
}
END_TEST

/* The application's memory behind it fills its segment first. */
static void
no_more(void *addr, void *arg)
{
	(void)addr, (void)arg;
}

START_TEST(grows_by_lent_memory)
{
	static struct rte_mbuf_ext_shared_info info = {.free_cb = no_more};
	static uint8_t b[2 * MSS];
	struct rte_mbuf *m = rte_pktmbuf_alloc(mr_stack_tx_pool(rig.stack));

	rig_pattern_fill(b, 10, sizeof(b));
	rte_mbuf_ext_refcnt_set(&info, 1);
	rte_pktmbuf_attach_extbuf(m, b, 0, sizeof(b), &info);
	m->pkt_len = m->data_len = sizeof(b);
	put(10);
	ck_assert_int_eq(mr_ep_send_mbuf(t.ep, m, NULL), sizeof(b));
	rig_poll(&rig);
	rig_tcp_expect(&t, RIG_ACK, 1, 1, MSS, .pattern = true);
	rig_tcp_expect(&t, RIG_ACK, 1 + MSS, 1, MSS, .pattern = true);
	take_ack(2 * MSS);
	rig_tcp_expect(&t, RIG_ACK | RIG_PSH, 1 + 2 * MSS, 1, 10, .pattern = true);
	take_ack(2 * MSS + 10);
}
END_TEST

/* An application's packet behind it is a segment of its own, as behind any. */
static void
packet_behind(void)
{
	struct rte_mbuf *m = rte_pktmbuf_alloc(mr_stack_tx_pool(rig.stack));

	ck_assert_int_eq(mr_ep_setopt(t.ep, MR_OPT_TCP_NODELAY, 1), 0);
	put(5);
	rig_pattern_fill(rte_pktmbuf_append(m, 200), 5, 200);
	ck_assert_int_eq(mr_ep_send_mbuf(t.ep, m, NULL), 200);
	written += 200;
	rig_poll(&rig);
	rig_tcp_expect(&t, RIG_ACK | RIG_PSH, 1, 1, 5, .pattern = true);
	expect_seg(5, 200);
	take_ack(205);
}

START_TEST(followed_by_a_packet)
{
	packet_behind();
}
END_TEST

/* It is in no frame of several. */
START_TEST(link_that_cuts)
{
	rig_teardown();
	rig_init(&rig, &(struct rig_opts){
		.caps = MR_LINK_CAP_TX_TSO | MR_LINK_CAP_TX_TCP_CKSUM | MR_LINK_CAP_TX_IPV4_CKSUM, .tso_segs = 8});
	rig_tcp_init(&t, &rig, false);
	rig_tcp_establish_passive(&t);
	packet_behind();
}
END_TEST

/* ---- sent again */

START_TEST(sent_again)
{
	ck_assert_int_eq(rig_ep_send(t.ep, 0, 40), 40);
	rig_poll(&rig);
	rig_tcp_expect(&t, RIG_ACK | RIG_PSH, 1, 1, 40, .pattern = true);
	for (int i = 0; i < 3; i++) {
		ck_assert(rig_advance_until_frame(&rig, 10 * RIG_S));
		rig_tcp_expect(&t, RIG_ACK | RIG_PSH, 1, 1, 40, .pattern = true);
	}
	/* Of what was acknowledged in part, the rest. */
	take_ack(15);
	ck_assert(rig_advance_until_frame(&rig, 10 * RIG_S));
	rig_tcp_expect(&t, RIG_ACK | RIG_PSH, 16, 1, 25, .pattern = true);
	take_ack(40);
	rig_expect_none_for(&rig, 10 * RIG_S);
	ck_assert_uint_eq(rig.stack->tx_held, 0);
}
END_TEST

/* The first of several is the one that is lost. */
START_TEST(lost_before_others)
{
	ck_assert_int_eq(mr_ep_setopt(t.ep, MR_OPT_TCP_NODELAY, 1), 0);
	put(30);
	rig_poll(&rig);
	expect_seg(0, 30);
	for (uint32_t i = 0; i < 4; i++) {
		put(MSS);
		rig_poll(&rig);
		expect_seg(30 + i * MSS, MSS);
	}
	rig_advance(&rig, RIG_MS);
	rig_tcp_push(&t, RIG_ACK, 1, 1, 0, .n_sack = 1, .sack = {{31, 31 + 4 * MSS}});
	rig_poll(&rig);
	ck_assert(rig_pending(&rig) > 0 || rig_advance_until_frame(&rig, 10 * RIG_MS));
	rig_tcp_expect(&t, RIG_ACK | RIG_PSH, 1, 1, 30, .pattern = true);
	take_ack(written);
	rig_expect_none_for(&rig, 10 * RIG_S);
	ck_assert_uint_eq(rig.stack->tx_held, 0);
}
END_TEST

/* A window that takes only a part of it cuts it. */
START_TEST(cut_by_the_window)
{
	tcp_setup();
	t.ws = -1;
	t.wnd = 20;
	rig_tcp_establish_passive(&t);
	written = 0;
	put(40);
	rig_poll(&rig);
	expect_seg(0, 20);
	rig_expect_none(&rig);
	take_ack(20);
	expect_seg(20, 20);
	take_ack(40);
	rig_expect_none_for(&rig, 10 * RIG_S);
	rig_teardown();
}
END_TEST

/* ---- the end of the stream */

START_TEST(fin)
{
	bool data = _i;

	if (data)
		put(20);
	ck_assert_int_eq(mr_ep_shutdown(t.ep, MR_SHUT_WR), 0);
	rig_poll(&rig);
	for (int i = 0; i < 2; i++) {
		rig_tcp_expect(&t, RIG_FIN | RIG_ACK, 1, 1, data ? 20 : 0, .pattern = true);
		ck_assert_uint_eq(rig.stack->tx_held, 0);
		ck_assert(rig_advance_until_frame(&rig, 10 * RIG_S));
	}
	rig_discard(&rig);
	take_ack(data ? 21 : 1);
	ck_assert_int_eq(rig_tcp_state(t.ep), MR_TCP_FIN_WAIT_2);
	rig_expect_none_for(&rig, 10 * RIG_S);
}
END_TEST

/* ---- no memory */

/* What was taken is sent when there is something to send it in. */
START_TEST(no_mbuf_to_send)
{
	take_all();
	put(10);
	rig_expect_none_for(&rig, 5 * RIG_S);
	rig_expect_no_drop(&rig);
	give_back();
	rig_advance(&rig, 2 * RIG_MS);
	expect_seg(0, 10);
	take_ack(10);
	rig_expect_none_for(&rig, 10 * RIG_S);
}
END_TEST

/* What it would grow by is refused, and told of when there is memory again. */
START_TEST(no_mbuf_to_grow)
{
	char b[100];

	take_all();
	put(10);
	ck_assert_int_eq(mr_ep_send(t.ep, b, sizeof(b)), -EAGAIN);
	put(SMALL - 10);
	give_back();
	rig_advance(&rig, 2 * RIG_MS);
	expect_seg(0, SMALL);
	put(100);
	rig_poll(&rig);
	take_ack(SMALL);
	expect_seg(SMALL, 100);
	take_ack(SMALL + 100);
	rig_expect_none_for(&rig, 10 * RIG_S);
}
END_TEST

/* Nor is anything lost when it is to be sent again. */
START_TEST(no_mbuf_to_send_again)
{
	put(10);
	rig_poll(&rig);
	expect_seg(0, 10);
	take_all();
	rig_expect_none_for(&rig, 5 * RIG_S);
	give_back();
	ck_assert(rig_advance_until_frame(&rig, 10 * RIG_S));
	expect_seg(0, 10);
	rig_discard(&rig);
	take_ack(10);
	rig_expect_none_for(&rig, 10 * RIG_S);
}
END_TEST

static Suite *
suite(void)
{
	Suite *s = suite_create("tcp_small");
	TCase *tc = rig_case(s, "kept", setup, rig_teardown);

	tcase_add_loop_test(tc, nothing_waits_for_the_ack, 0, 5);
	tcase_add_loop_test(tc, grows, 0, 6);
	tcase_add_test(tc, grows_by_lent_memory);
	tcase_add_test(tc, followed_while_in_flight);
	tcase_add_test(tc, followed_by_a_packet);
	tcase_add_test(tc, link_that_cuts);
	tc = rig_case(s, "cut", NULL, NULL);
	tcase_add_test(tc, longer_than_the_mss);
	tcase_add_test(tc, cut_by_the_window);
	tc = rig_case(s, "again", setup, rig_teardown);
	tcase_add_test(tc, sent_again);
	tcase_add_test(tc, lost_before_others);
	tcase_add_loop_test(tc, fin, 0, 2);
	tc = rig_case(s, "no memory", setup, rig_teardown);
	tcase_add_test(tc, no_mbuf_to_send);
	tcase_add_test(tc, no_mbuf_to_grow);
	tcase_add_test(tc, no_mbuf_to_send_again);
	return s;
}

RIG_MAIN(suite)
