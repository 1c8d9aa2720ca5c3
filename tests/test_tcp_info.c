/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What an application may ask of a connection: mr_tcp_info, in each of its states and for each of its members.
 */
#include "rig/fixture.h"

#include <errno.h>
#include <string.h>

#define MSS 1460u

static struct mr_tcp_info info;

static void
ask(struct mr_ep *ep)
{
	memset(&info, 0xff, sizeof(info));
	ck_assert_int_eq(mr_tcp_info(ep, &info), 0);
}

static void
drop_frames(void)
{
	for (const struct rig_frame *f; (f = rig_next(&rig));)
		if (f->has_ts)
			t.tsecr = f->tsval;
}

START_TEST(not_tcp)
{
	struct mr_ep *ep;

	ck_assert_int_eq(mr_ep_create(rig.stack, MR_TRANS_UDP, MR_NET_IPV4, &ep), 0);
	memset(&info, 0xff, sizeof(info));
	ck_assert_int_eq(mr_tcp_info(ep, &info), -EOPNOTSUPP);
	ck_assert_uint_eq(info.snd_mss, UINT32_MAX);
	mr_ep_close(ep);
}
END_TEST

/* Nothing is known yet. */
START_TEST(nothing)
{
	static const struct mr_tcp_info zero = {.snd_ssthresh = UINT32_MAX};
	struct mr_ep *ep;

	ck_assert_int_eq(mr_ep_create(rig.stack, MR_TRANS_TCP, MR_NET_IPV4, &ep), 0);
	ask(ep);
	ck_assert_mem_eq(&info, &zero, sizeof(info));
	mr_ep_close(ep);
}
END_TEST

START_TEST(listener)
{
	struct rig_tcp o;

	rig_tcp_listen(&t, 7);
	ask(t.listener);
	ck_assert_uint_eq(info.state, MR_TCP_LISTEN);
	ck_assert_uint_eq(info.backlog, 7);
	ck_assert_uint_eq(info.accept_queue, 0);
	ck_assert_uint_eq(info.half_open, 0);
	rig_tcp_start_passive(&t);
	rig_tcp_init(&o, &rig, false);
	o.listener = t.listener;
	o.peer_port++;
	rig_tcp_start_passive(&o);
	rig_tcp_push(&o, RIG_ACK, 1, 1, 0);
	rig_expect_none(&rig);
	ask(t.listener);
	ck_assert_uint_eq(info.accept_queue, 1);
	ck_assert_uint_eq(info.half_open, 1);
	ck_assert_int_eq(mr_ep_accept(t.listener, &o.ep), 0);
	ask(o.ep);
	ck_assert_uint_eq(info.state, MR_TCP_ESTABLISHED);
	ck_assert_uint_eq(info.backlog, 0);
}
END_TEST

/* Each option by itself. */
START_TEST(agreed)
{
	t.ts = _i & 1;
	t.sack = _i & 2;
	t.ws = _i & 4 ? 5 : -1;
	t.ecn = _i & 8;
	t.mss = 1000;
	rig_tcp_establish_passive(&t);
	ask(t.ep);
	ck_assert(info.timestamps == t.ts && info.sack == t.sack && info.wscale == (t.ws >= 0) && info.ecn == t.ecn);
	ck_assert_uint_eq(info.snd_wscale, t.ws >= 0 ? 5 : 0);
	ck_assert_uint_eq(info.rcv_wscale, t.stack_ws);
	ck_assert_uint_eq(info.snd_mss, t.ts ? 988 : 1000);
	ck_assert_uint_eq(info.peer_mss, 1000);
	ck_assert_uint_eq(info.pmtu, 1500);
	ck_assert_uint_eq(info.snd_wnd, 65535u << info.snd_wscale);
	ck_assert_uint_eq(info.rcv_wnd, 65535);
	ck_assert_uint_eq(info.snd_ssthresh, UINT32_MAX);
	ck_assert_uint_eq(info.snd_cwnd, 10 * info.snd_mss);
}
END_TEST

/* A window of data, acknowledged after 50 ms: times, counts and rate. */
START_TEST(sending)
{
	t.sack = false; /* and so no tail loss probes */
	rig_tcp_establish_passive(&t);
	ask(t.ep);
	ck_assert_uint_eq(info.srtt_ns, RIG_MS); /* a handshake of no time, measured as up to a millisecond */
	ck_assert_uint_eq(info.delivery_rate, 0);
	ck_assert_uint_eq(info.since_sent_ns, 0);
	ck_assert_int_eq(rig_ep_send(t.ep, 0, 12 * MSS), 12 * MSS);
	rig_poll(&rig);
	drop_frames();
	rig_advance(&rig, 50 * RIG_MS);
	ask(t.ep);
	ck_assert_uint_eq(info.in_flight, 10 * MSS);
	ck_assert_uint_eq(info.unsent, 2 * MSS);
	ck_assert_uint_eq(info.bytes_acked, 0);
	ck_assert_uint_eq(info.since_sent_ns / RIG_MS, 50);
	ck_assert_uint_eq(info.since_received_ns / RIG_MS, 50);
	ck_assert(!info.recovery && !info.rto_recovery);
	rig_tcp_push(&t, RIG_ACK, 1, 1 + 10 * MSS, 0);
	rig_poll(&rig);
	ask(t.ep);
	ck_assert_uint_eq(info.bytes_acked, 10 * MSS);
	ck_assert_uint_eq(info.in_flight, 2 * MSS);
	ck_assert_uint_eq(info.unsent, 0);
	ck_assert_uint_eq(info.srtt_ns / RIG_MS, (7 * 1 + 50) / 8);
	ck_assert_uint_eq(info.min_rtt_ns / RIG_MS, 50); /* the handshake's is no measure */
	ck_assert_uint_eq(info.rttvar_ns / RIG_MS, 12); /* three quarters of 0.5 and one of 49 */
	ck_assert_uint_eq(info.rto_ns / RIG_MS, 200 + 7);
	ck_assert_uint_eq(info.delivery_rate / 1000, 20 * 10 * MSS / 1000);
	ck_assert_uint_eq(info.pacing_rate, 0);
	ck_assert_uint_gt(info.snd_cwnd, 10 * MSS);
	ck_assert(info.app_limited);
	drop_frames();
	rig_tcp_push(&t, RIG_ACK, 1, 1 + 12 * MSS, 0);
	rig_poll(&rig);
	ask(t.ep);
	ck_assert_uint_eq(info.bytes_acked, 12 * MSS);
}
END_TEST

/* Counts are of payload: neither SYN nor FIN; and they go on beyond 32 bits of sequence numbers' wrap. */
START_TEST(receiving)
{
	rig_tcp_establish_passive(&t);
	rig_tcp_push(&t, RIG_ACK, 1, 1, 1000);
	rig_tcp_push(&t, RIG_ACK, 2001, 1, 500);
	rig_poll(&rig);
	drop_frames();
	ask(t.ep);
	ck_assert_uint_eq(info.bytes_received, 1000);
	ck_assert_uint_eq(info.unread, 1000);
	ck_assert_uint_eq(info.out_of_order, 500);
	ck_assert_uint_eq(info.rcv_mss, 1000);
	rig_ep_recv(t.ep, 0, 400);
	rig_tcp_push(&t, RIG_ACK, 1001, 1, 1000);
	rig_tcp_push(&t, RIG_FIN | RIG_ACK, 2501, 1, 0);
	rig_poll(&rig);
	drop_frames();
	ask(t.ep);
	ck_assert_uint_eq(info.state, MR_TCP_CLOSE_WAIT);
	ck_assert_uint_eq(info.bytes_received, 2500);
	ck_assert_uint_eq(info.unread, 2100);
	ck_assert_uint_eq(info.out_of_order, 0);
	mr_ep_shutdown(t.ep, MR_SHUT_WR);
	rig_tcp_expect(&t, RIG_FIN | RIG_ACK, 1, 2502, 0);
	ask(t.ep);
	ck_assert_uint_eq(info.state, MR_TCP_LAST_ACK);
	ck_assert_uint_eq(info.unsent, 0);
	ck_assert_uint_eq(info.bytes_acked, 0);
}
END_TEST

/* What was lost: by duplicate ACKs, and by time. */
START_TEST(losing)
{
	t.sack = false;
	rig_tcp_establish_passive(&t);
	ck_assert_int_eq(rig_ep_send(t.ep, 0, 10 * MSS), 10 * MSS);
	rig_poll(&rig);
	drop_frames();
	for (int i = 0; i < 3; i++)
		rig_tcp_push(&t, RIG_ACK, 1, 1, 0);
	rig_poll(&rig);
	drop_frames();
	ask(t.ep);
	ck_assert(info.recovery && !info.rto_recovery);
	ck_assert_uint_ge(info.retransmitted_segs, 1);
	ck_assert_uint_eq(info.snd_ssthresh, 7 * MSS);
	ck_assert_uint_eq(info.retransmits, 0);
	rig_tcp_push(&t, RIG_ACK, 1, 1 + 10 * MSS, 0);
	rig_poll(&rig);
	ask(t.ep);
	ck_assert(!info.recovery);
	ck_assert_int_eq(rig_ep_send(t.ep, 10 * MSS, 2 * MSS), 2 * MSS);
	rig_poll(&rig);
	drop_frames();
	ask(t.ep);
	ck_assert_uint_eq(info.backoff, 0);
	rig_advance(&rig, 3500 * RIG_MS);
	ask(t.ep);
	ck_assert(info.rto_recovery);
	ck_assert_uint_ge(info.retransmits, 2);
	ck_assert_uint_eq(info.backoff, info.retransmits);
	ck_assert_uint_ge(info.rto_ns, 800 * RIG_MS);
	ck_assert_uint_eq(info.snd_cwnd, MSS);
	ck_assert_uint_ge(info.lost_segs, 1);
	drop_frames();
}
END_TEST

/* When it is over, what was counted stays. */
START_TEST(over)
{
	rig_tcp_establish_passive(&t);
	rig_tcp_push(&t, RIG_ACK, 1, 1, 100);
	ck_assert_int_eq(rig_ep_send(t.ep, 0, 10), 10);
	rig_poll(&rig);
	drop_frames();
	rig_tcp_push(&t, RIG_ACK, 101, 11, 0);
	rig_tcp_push(&t, RIG_RST, 101, 0, 0);
	rig_poll(&rig);
	ask(t.ep);
	ck_assert_uint_eq(info.state, MR_TCP_CLOSED);
	ck_assert_uint_eq(info.bytes_received, 100);
	ck_assert_uint_eq(info.bytes_acked, 10);
	ck_assert_uint_eq(info.unread, 100);
	ck_assert_uint_eq(info.snd_mss, 0);
	ck_assert_uint_eq(info.snd_wnd, 0);
}
END_TEST

/* Selective ACKs: the second of two segments has come before the first. */
START_TEST(reordered)
{
	rig_tcp_establish_passive(&t);
	ck_assert_int_eq(rig_ep_send(t.ep, 0, MSS), MSS);
	rig_poll(&rig);
	rig_advance(&rig, 20 * RIG_MS);
	rig_tcp_push(&t, RIG_ACK, 1, 1 + MSS, 0);
	rig_poll(&rig);
	ask(t.ep);
	ck_assert(!info.reordering);
	ck_assert_uint_eq(info.min_rtt_ns, 20 * RIG_MS);
	ck_assert_int_eq(rig_ep_send(t.ep, MSS, 2 * MSS), 2 * MSS);
	rig_poll(&rig);
	rig_advance(&rig, 20 * RIG_MS);
	rig_tcp_push(&t, RIG_ACK, 1, 1 + MSS, 0, .n_sack = 1, .sack = {{1 + 2 * MSS, 1 + 3 * MSS}});
	rig_poll(&rig);
	drop_frames();
	rig_tcp_push(&t, RIG_ACK, 1, 1 + 3 * MSS, 0);
	rig_poll(&rig);
	ask(t.ep);
	ck_assert(info.reordering);
}
END_TEST

START_TEST(paced)
{
	rig_tcp_establish_passive(&t);
	ck_assert_int_eq(mr_ep_setopt(t.ep, MR_OPT_TCP_CC, mr_tcp_cc_find("bbr")), 0);
	ck_assert_int_eq(rig_ep_send(t.ep, 0, 10 * MSS), 10 * MSS);
	rig_poll(&rig);
	drop_frames();
	rig_advance(&rig, 20 * RIG_MS);
	rig_tcp_push(&t, RIG_ACK, 1, 1 + 10 * MSS, 0);
	rig_poll(&rig);
	ask(t.ep);
	ck_assert_uint_gt(info.pacing_rate, 0);
}
END_TEST

static Suite *
suite(void)
{
	Suite *s = suite_create("tcp_info");
	TCase *c = rig_case(s, "info", tcp_setup, rig_teardown);

	tcase_add_test(c, not_tcp);
	tcase_add_test(c, nothing);
	tcase_add_test(c, listener);
	tcase_add_loop_test(c, agreed, 0, 16);
	tcase_add_test(c, sending);
	tcase_add_test(c, receiving);
	tcase_add_test(c, losing);
	tcase_add_test(c, over);
	tcase_add_test(c, reordered);
	tcase_add_test(c, paced);
	return s;
}

RIG_MAIN(suite)
