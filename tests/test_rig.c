/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Tests of the test rig: its verbs; time and the scripted link; and that expectations which do not hold fail. For those,
 * suites that must fail are run first, silently, one test case each, and the real tests then look at how they ended.
 * Frames: test_rig_frames.c. Connections: test_rig_conns.c.
 */
#include "rig/fixture.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <rte_malloc.h>
#include <rte_mbuf.h>

/* ---- verbs */

START_TEST(three_verbs)
{
	const struct rig_frame *f;

	rig_push_icmp(&rig, .echo = true, .id = 7, .seq = 1, .len = 20);
	f = rig_expect_icmp(&rig, false, 0, 0);
	ck_assert_uint_eq(f->id, 7);
	ck_assert_uint_eq(f->payload_len, 20);
	ck_assert_uint_eq(rig_pattern_check(f->payload, 0, 20), 20);
	rig_push_icmp(&rig, .ip.v6 = true, .echo = true, .id = 8);
	rig_push_arp(&rig, .op = 1);
	ck_assert_uint_eq(rig_pending(&rig), 2);
	ck_assert_uint_eq(rig_peek(&rig)->id, 8);
	rig_expect_icmp(&rig, true, 129, 0);
	rig_expect_arp(&rig, 2);
	rig_expect_none_for(&rig, 10 * RIG_S);
	rig_push_arp(&rig, .op = 1);
	rig_discard(&rig);
	rig_expect_none(&rig);
}
END_TEST

START_TEST(what_is_pushed_together_arrives_together)
{
	uint64_t turns;

	rig_poll(&rig);
	turns = rig.turns;
	for (int i = 0; i < 5; i++)
		rig_push_arp(&rig, .op = 1);
	ck_assert_uint_ge(rig_turn(&rig), 5);
	ck_assert_uint_eq(rig.turns, turns + 1);
	ck_assert_uint_eq(rig.n_tx, rig.stats.tx_packets);
	ck_assert_uint_eq(rig_pending(&rig), 5);
}
END_TEST

static uint64_t fired_ns[100];
static unsigned n_fired;

static void
on_alarm(struct mr_stack *s, void *arg)
{
	(void)arg;
	if (n_fired < RTE_DIM(fired_ns))
		fired_ns[n_fired++] = mr_stack_now_ns(s);
}

START_TEST(time_stops_at_every_deadline)
{
	const uint64_t period = 1234567;
	struct mr_alarm *a;

	n_fired = 0;
	ck_assert_int_eq(mr_alarm_start(rig.stack, period, on_alarm, NULL, &a), 0);
	rig_advance(&rig, 50 * period);
	ck_assert_uint_ge(n_fired, 50);
	for (unsigned i = 1; i < n_fired; i++)
		ck_assert_uint_eq(fired_ns[i] - fired_ns[i - 1], period);
	mr_alarm_stop(a);
	n_fired = 0;
	rig_advance(&rig, 50 * period);
	ck_assert_uint_eq(n_fired, 0);
}
END_TEST

START_TEST(time_reaches_the_end_exactly)
{
	uint64_t start = rig.now;

	rig_advance(&rig, 3600 * RIG_S + 1);
	ck_assert_uint_eq(rig.now, start + 3600 * RIG_S + 1);
	ck_assert_uint_eq(mr_stack_now_ns(rig.stack), rig.now);
	ck_assert(!rig_advance_until_frame(&rig, 5 * RIG_S));
	ck_assert_uint_eq(rig.now, start + 3605 * RIG_S + 1);
}
END_TEST

START_TEST(time_stops_at_the_next_frame)
{
	struct mr_sockaddr to = rig_peer(&rig, false, 9);
	struct mr_ep *ep;
	uint64_t start;

	to.addr = rig_addr("10.0.0.77");
	ck_assert_int_eq(mr_ep_create(rig.stack, MR_TRANS_UDP, MR_NET_IPV4, &ep), 0);
	ck_assert_int_eq(mr_ep_sendto(ep, "x", 1, &to), 1);
	rig_expect_arp(&rig, 1);
	start = rig.now;
	ck_assert(rig_advance_until_frame(&rig, 10 * RIG_S));
	ck_assert_uint_eq(rig_expect_arp(&rig, 1)->time_ns, rig.now);
	ck_assert_uint_gt(rig.now, start);
	ck_assert_uint_lt(rig.now, start + 5 * RIG_S);
	mr_ep_close(ep);
}
END_TEST

/* ---- the scripted link */

START_TEST(link_takes_only_so_many)
{
	uint64_t before = rig.stats.tx_packets;

	rig.tx_room = 2;
	for (int i = 0; i < 5; i++)
		rig_push_arp(&rig, .op = 1);
	for (int i = 0; i < 5; i++)
		rig_turn(&rig);
	ck_assert_uint_eq(rig.stats.tx_packets, before + 2);
	rig.tx_room = -1;
	ck_assert_uint_eq(rig_pending(&rig), 5);
}
END_TEST

START_TEST(frames_come_in_pieces)
{
	static const uint16_t sizes[] = {1, 7, 14, 33, 100};
	const struct rig_frame *f;

	rig.rx_seg_bytes = sizes[_i];
	rig_push_icmp(&rig, .echo = true, .len = 300);
	f = rig_expect_icmp(&rig, false, 0, 0);
	ck_assert_uint_eq(f->payload_len, 300);
	ck_assert_uint_eq(rig_pattern_check(f->payload, 0, 300), 300);
}
END_TEST

START_TEST(without_mbufs_frames_are_missed)
{
	static struct rte_mbuf *all[4096];
	unsigned n = 0;

	while (n < RTE_DIM(all) && (all[n] = rte_pktmbuf_alloc(mr_stack_rx_pool(rig.stack))) != NULL)
		n++;
	rig_push_arp(&rig, .op = 1);
	rig_expect_none(&rig);
	ck_assert_uint_eq(rig.stats.rx_missed, 1);
	rte_pktmbuf_free_bulk(all, n);
	rig_push_arp(&rig, .op = 1);
	rig_expect_arp(&rig, 2);
}
END_TEST

START_TEST(link_hears_of_modes)
{
	ck_assert(rig.started && !rig.promisc);
	ck_assert_int_eq(mr_nic_set_promisc(rig.stack, RIG_NIC, true), 0);
	ck_assert(rig.promisc);
	ck_assert_int_eq(mr_nic_disable(rig.stack, RIG_NIC), 0);
	ck_assert(!rig.started);
	rig_expect_group(&rig, 132, "ff02::1:ff00:1");
	rig_push_arp(&rig, .op = 1);
	rig_expect_none(&rig);
	ck_assert_int_eq(mr_nic_enable(rig.stack, RIG_NIC), 0);
	rig_discard(&rig);
}
END_TEST

START_TEST(counters_since_the_mark)
{
	rig_push_arp(&rig, .hln = 7);
	rig_expect_drop(&rig, MR_DROP_ARP_MALFORMED);
	rig_mark(&rig);
	rig_expect_no_drop(&rig);
	rig_push_arp(&rig, .op = 1);
	ck_assert_uint_eq(rig_moved(&rig, MR_CNT_ARP_RX_REQUESTS), 1);
	rig_expect_no_drop(&rig);
}
END_TEST

START_TEST(options_of_the_rig)
{
	struct rig r;

	rig_init(&r, &(struct rig_opts){.mtu = 9000, .no_neigh = true, .gateway = true, .stack = {.rx_mbufs = 512}});
	ck_assert_uint_eq(mr_stack_rx_pool(r.stack)->size, 512);
	ck_assert_uint_eq(r.link.mtu, 9000);
	ck_assert_int_eq(mr_route_remove(r.stack, &(struct mr_route_entry){.gateway = r.peer6, .nic = RIG_NIC}), 0);
	rig_push_icmp(&r, .echo = true);
	rig_expect_arp(&r, 1);
	rig_fini(&r);
	rig_init(&r, &(struct rig_opts){.no_nic = true});
	ck_assert(!r.started);
	ck_assert_int_eq(mr_nic_create(r.stack, 9, "x", &r.link), 0);
	ck_assert(r.started);
	rig_fini(&r);
}
END_TEST

/* ---- each test has a heap of its own */

START_TEST(tests_do_not_share_memory)
{
	/* Three times more, over all rounds, than there is. */
	ck_assert_ptr_nonnull(rte_malloc("dirt", 100 << 20, 0));
}
END_TEST

/* ---- suites that must fail */

START_TEST(fail_none)
{
	rig_push_arp(&rig, .op = 1);
	rig_expect_none(&rig);
}
END_TEST

START_TEST(fail_missing)
{
	rig_expect(&rig, RIG_ARP);
}
END_TEST

START_TEST(fail_kind)
{
	rig_push_arp(&rig, .op = 1);
	rig_expect(&rig, RIG_TCP);
}
END_TEST

START_TEST(fail_drop)
{
	rig_push_arp(&rig, .hln = 7);
	rig_expect_no_drop(&rig);
}
END_TEST

START_TEST(fail_other_drop)
{
	rig_push_arp(&rig, .hln = 7);
	rig_push(&rig, "short", 5);
	rig_expect_drop(&rig, MR_DROP_ARP_MALFORMED);
}
END_TEST

START_TEST(fail_tcp)
{
	struct rig_tcp t;

	rig_tcp_init(&t, &rig, false);
	rig_tcp_establish_passive(&t);
	rig_tcp_push(&t, RIG_ACK | RIG_FIN, 1, 1, 0);
	rig_tcp_expect(&t, RIG_ACK, 1, 1, 0);
}
END_TEST

START_TEST(fail_stream)
{
	struct rig_tcp t;

	rig_tcp_init(&t, &rig, false);
	rig_tcp_establish_passive(&t);
	rig_tcp_push(&t, RIG_ACK, 1, 1, 3, .data = "bad");
	rig_poll(&rig);
	rig_ep_recv(t.ep, 0, 3);
}
END_TEST

START_TEST(fail_leak)
{
	ck_assert_ptr_nonnull(rte_pktmbuf_alloc(mr_stack_tx_pool(rig.stack)));
	rig_fini(&rig);
}
END_TEST

/* A stack whose link claims to fill in checksums and then forgets the claim sends frames without them. */
START_TEST(fail_bad_frame)
{
	struct rig r;

	rig_init(&r, &(struct rig_opts){.caps = MR_LINK_CAP_TX_IPV4_CKSUM});
	r.link.caps &= ~MR_LINK_CAP_TX_IPV4_CKSUM;
	rig_push_icmp(&r, .echo = true);
	rig_poll(&r);
}
END_TEST

static struct must_fail {
	const TTest *test;
	const char *word; /* of the message */
	bool failed;
	char msg[500];
} must_fail[9];

static void
run_must_fail(struct must_fail *f, const TTest *test, const char *word)
{
	Suite *s = suite_create("must fail");
	TCase *tc = rig_case(s, "must fail", rig_setup, NULL);
	SRunner *sr;
	TestResult **tr;

	f->test = test;
	f->word = word;
	tcase_add_test(tc, test);
	sr = srunner_create(s);
	srunner_run_all(sr, CK_SILENT);
	f->failed = srunner_ntests_failed(sr) == 1;
	if (f->failed) {
		tr = srunner_failures(sr);
		snprintf(f->msg, sizeof(f->msg), "%s", tr_msg(tr[0]));
		free(tr);
	}
	srunner_free(sr);
}

START_TEST(wrong_expectations_fail)
{
	ck_assert(must_fail[_i].failed);
	ck_assert_msg(strstr(must_fail[_i].msg, must_fail[_i].word), "expected \"%s\", got \"%s\"", must_fail[_i].word,
	              must_fail[_i].msg);
}
END_TEST

static Suite *
suite(void)
{
	Suite *s = suite_create("rig");
	TCase *tc = rig_case(s, "verbs", rig_setup, rig_teardown);
	unsigned n = 0;

	tcase_add_test(tc, three_verbs);
	tcase_add_test(tc, what_is_pushed_together_arrives_together);
	tcase_add_test(tc, time_stops_at_every_deadline);
	tcase_add_test(tc, time_reaches_the_end_exactly);
	tcase_add_test(tc, time_stops_at_the_next_frame);
	tcase_add_test(tc, link_takes_only_so_many);
	tcase_add_loop_test(tc, frames_come_in_pieces, 0, 5);
	tcase_add_test(tc, without_mbufs_frames_are_missed);
	tcase_add_test(tc, link_hears_of_modes);
	tcase_add_test(tc, counters_since_the_mark);
	tc = rig_case(s, "whole", NULL, NULL);
	tcase_add_test(tc, options_of_the_rig);
	tcase_add_loop_test(tc, tests_do_not_share_memory, 0, 8);
	run_must_fail(&must_fail[n++], fail_none, "expected nothing");
	run_must_fail(&must_fail[n++], fail_missing, "no frame");
	run_must_fail(&must_fail[n++], fail_kind, "expected TCP, got [");
	run_must_fail(&must_fail[n++], fail_drop, "drop_arp_malformed moved by 1");
	run_must_fail(&must_fail[n++], fail_other_drop, "drop_ether_short moved by 1");
	run_must_fail(&must_fail[n++], fail_tcp, "ack offset 2");
	run_must_fail(&must_fail[n++], fail_stream, "of the stream is wrong");
	run_must_fail(&must_fail[n++], fail_leak, "1 mbufs are lost");
	run_must_fail(&must_fail[n++], fail_bad_frame, "sent a bad frame");
	tcase_add_loop_test(tc, wrong_expectations_fail, 0, (int)n);
	return s;
}

RIG_MAIN(suite)
