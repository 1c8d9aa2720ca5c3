/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The TCP probe: the fields that tell of sending (S-189 to S-195, S-206 to S-225), and what a connection counts (B-80).
 */
#include <string.h>

#include "tcp_probe.h"

/* ---- sending: S-189 to S-195, S-206 to S-225 */

START_TEST(sending)
{
	const struct mr_tcp_snd_state *snd = &st.snd;
	uint64_t sent_ns;

	t.sack = false; /* and so no tail loss probes */
	rig_tcp_listen(&t, 4);
	ck_assert_int_eq(mr_ep_setopt(t.listener, MR_OPT_SNDBUF, 100000), 0);
	connect_seen();
	look(RIG_ACK, 1, 1, 0);
	ck_assert_uint_eq(st.snd_buf_size, 100000);
	ck_assert_uint_eq(st.snd_buf_used, 0);
	ck_assert_uint_eq(snd->cwnd, 10);
	ck_assert_uint_eq(snd->ssthresh, MR_TCP_SSTHRESH_NONE);
	ck_assert_uint_eq(snd->outstanding, 0);
	ck_assert_uint_eq(snd->rtt_seq, t.irs + 1);
	ck_assert_uint_eq(snd->rtt_time_ns, 0);
	ck_assert_uint_eq(snd->last_send_ns, 0);
	/* The handshake took no time, and was measured as up to a millisecond. */
	ck_assert_uint_eq(snd->rto_ns, 201 * RIG_MS);
	ck_assert(snd->srtt_inited && snd->srtt_ns == RIG_MS);
	ck_assert_int_eq(rig_ep_send(t.ep, 0, 29200), 29200);
	rig_poll(&rig);
	sent_ns = rig.now;
	rig_advance(&rig, 7 * RIG_MS);
	/* Ten are in flight, ten wait for the window. */
	look(RIG_ACK, 1, 1 + 3 * 1460, 0);
	ck_assert_uint_eq(st.snd_buf_used, 29200);
	ck_assert_uint_eq(st.snd_buf_in_queue, 14600);
	ck_assert_uint_eq(snd->outstanding, 10);
	ck_assert_uint_eq(snd->snd_una, t.irs + 1);
	ck_assert_uint_eq(snd->snd_nxt, t.irs + 14601);
	ck_assert_uint_eq(snd->rtt_seq, t.irs + 1);
	ck_assert_uint_eq(snd->rtt_time_ns, sent_ns);
	ck_assert_uint_eq(snd->last_send_ns, sent_ns);
	look_again();
	/* Three have arrived: slow start lets six more out. */
	ck_assert_uint_eq(snd->snd_una, t.irs + 1 + 3 * 1460);
	ck_assert_uint_eq(snd->cwnd, 13);
	ck_assert_uint_eq(snd->outstanding, 13);
	ck_assert_uint_eq(st.snd_buf_used, 17 * 1460);
	ck_assert_uint_eq(st.snd_buf_in_queue, 4 * 1460);
	ck_assert_uint_eq(snd->rtt_seq, t.irs + 1 + 3 * 1460);
	ck_assert_uint_eq(snd->rtt_time_ns, sent_ns);
	ck_assert_uint_eq(snd->last_send_ns, sent_ns + 7 * RIG_MS);
	ck_assert(snd->srtt_inited);
	ck_assert_uint_eq(snd->srtt_ns, RIG_MS + (7 - 1) * RIG_MS / 8);
	ck_assert_uint_eq(snd->rttvar_ns, RIG_MS / 2 * 3 / 4 + (7 - 1) * RIG_MS / 4);
	ck_assert_uint_eq(snd->rto_ns, 200 * RIG_MS + snd->srtt_ns);
	/* A FIN is no byte of payload, whether it is sent or not. */
	ck_assert_int_eq(mr_ep_shutdown(t.ep, MR_SHUT_WR), 0);
	look_again();
	look_again();
	ck_assert(st.snd_closed && snd->closed && !st.rcv_closed);
	ck_assert_uint_eq(st.snd_buf_in_queue, 4 * 1460);
	look(RIG_ACK, 1, 1 + 13 * 1460, 0);
	look_again();
	ck_assert_uint_eq(st.snd_buf_in_queue, 0);
	ck_assert_uint_eq(snd->snd_nxt, t.irs + 29202);
	rig_discard(&rig);
}
END_TEST

/* A segment that is not full counts as one packet in flight. */
START_TEST(small_segments)
{
	connect_seen();
	ck_assert_int_eq(rig_ep_send(t.ep, 0, 1461), 1461);
	rig_poll(&rig);
	ck_assert_int_eq(rig_ep_send(t.ep, 1461, 1), 1);
	rig_poll(&rig);
	look(RIG_ACK, 1, 1, 0);
	ck_assert_uint_eq(st.snd.outstanding, 2);
	ck_assert_uint_eq(st.snd_buf_in_queue, 1); /* Nagle holds the last byte */
	ck_assert_int_eq(mr_ep_setopt(t.ep, MR_OPT_TCP_NODELAY, 1), 0);
	rig_poll(&rig);
	look_again();
	ck_assert_uint_eq(st.snd.outstanding, 2);
	ck_assert_uint_eq(st.snd_buf_in_queue, 0);
	rig_discard(&rig);
}
END_TEST

/* RTO: doubled by backoff, and cwnd is one packet. */
START_TEST(timeout)
{
	t.sack = false;
	connect_seen();
	ck_assert_int_eq(rig_ep_send(t.ep, 0, 14600), 14600);
	rig_poll(&rig);
	rig_advance(&rig, 300 * RIG_MS);
	look(RIG_ACK, 1, 1, 0, .wnd = 60000); /* no duplicate: the window is another one */
	ck_assert_uint_eq(st.snd.rto_ns, 2 * 201 * RIG_MS);
	ck_assert_uint_eq(st.snd.cwnd, 1);
	ck_assert_uint_eq(st.snd.outstanding, 1);
	ck_assert_uint_ne(st.snd.ssthresh, MR_TCP_SSTHRESH_NONE);
	ck_assert_uint_le(st.snd.ssthresh, 7);
	ck_assert_uint_ge(st.snd.ssthresh, 5);
	ck_assert(!st.snd.fr.active);
	rig_discard(&rig);
}
END_TEST

/* S-208, S-211, S-226 to S-232: by duplicate ACKs into recovery, and out of it into congestion avoidance. */
START_TEST(recovery)
{
	const struct mr_tcp_fr_state *fr = &st.snd.fr;

	t.sack = false;
	connect_seen();
	ck_assert_int_eq(rig_ep_send(t.ep, 0, 14600), 14600);
	rig_poll(&rig);
	for (unsigned i = 0; i < 4; i++) {
		look(RIG_ACK, 1, 1, 0);
		ck_assert_uint_eq(st.snd.dup_acks, i);
		ck_assert_int_eq(fr->active, i == 3);
	}
	ck_assert_uint_eq(fr->first, t.irs + 1);
	ck_assert_uint_eq(fr->last, t.irs + 14600);
	ck_assert_uint_eq(st.snd.ssthresh, 5);
	ck_assert_uint_eq(st.snd.cwnd, 8);
	ck_assert_uint_eq(fr->max_cwnd, 5 + 10 + 3);
	/* A partial one is part of it. */
	look(RIG_ACK, 1, 1461, 0);
	look(RIG_ACK, 1, 1461, 0);
	ck_assert(fr->active);
	ck_assert_uint_eq(fr->first, t.irs + 1461);
	ck_assert_uint_eq(fr->last, t.irs + 14600);
	ck_assert_uint_eq(fr->max_cwnd, 5 + 9 + 3);
	rig_discard(&rig);
	ck_assert_int_eq(rig_ep_send(t.ep, 14600, 14600), 14600);
	look(RIG_ACK, 1, 14601, 0);
	ck_assert(fr->active);
	look_again();
	ck_assert(!fr->active);
	ck_assert_uint_eq(fr->last, 0);
	ck_assert_uint_eq(st.snd.dup_acks, 0);
}
END_TEST

/* In congestion avoidance packets are gathered for one more. */
START_TEST(congestion_avoidance)
{
	uint32_t at;

	t.sack = false;
	connect_seen();
	ck_assert_int_eq(rig_ep_send(t.ep, 0, 100000), 100000);
	rig_poll(&rig);
	for (unsigned i = 0; i < 3; i++)
		look(RIG_ACK, 1, 1, 0);
	look(RIG_ACK, 1, 14601, 0);
	look_again();
	ck_assert_uint_eq(st.snd.ca_acks, 0);
	at = st.snd.ssthresh;
	ck_assert_uint_ge(at, 5);
	/* As far as ssthresh by slow start, then one by one. */
	t.rcv = 14601;
	while (st.snd.cwnd < at || st.snd.ca_acks == 0) {
		t.rcv += 1460;
		look(RIG_ACK, 1, t.rcv, 0);
		look_again();
		ck_assert_uint_lt(t.rcv, 100000);
	}
	ck_assert_uint_eq(st.snd.cwnd, at);
	ck_assert_uint_eq(st.snd.ca_acks, 1);
	for (unsigned i = 2; i < at; i++) {
		t.rcv += 1460;
		look(RIG_ACK, 1, t.rcv, 0);
		ck_assert_uint_eq(st.snd.ca_acks, i - 1);
	}
	t.rcv += 1460;
	look(RIG_ACK, 1, t.rcv, 0);
	ck_assert_uint_eq(st.snd.cwnd, at);
	ck_assert_uint_eq(st.snd.ca_acks, at - 1);
	look_again();
	ck_assert_uint_eq(st.snd.cwnd, at + 1);
	ck_assert_uint_eq(st.snd.ca_acks, 0);
	rig_discard(&rig);
}
END_TEST

static void
assert_near(double got, double want, double by)
{
	ck_assert_msg(got > want - by && got < want + by, "%g, expected %g", got, want);
}

/* S-227, S-233 to S-242, RFC 9438: ten packets were lost from; the curve begins at seven and will be at ten after K. */
START_TEST(cubic)
{
	const struct mr_tcp_cubic_state *c = &st.snd.cubic, none = {0};
	uint64_t lost_ns, begun_ns;
	double x;

	ck_assert_int_eq(mr_transproto_setopt(rig.stack, MR_TRANS_TCP, MR_OPT_TCP_CC, mr_tcp_cc_find("cubic")), 0);
	t.sack = false;
	connect_seen();
	ck_assert_int_eq(rig_ep_send(t.ep, 0, 14600), 14600);
	rig_poll(&rig);
	rig_advance(&rig, 20 * RIG_MS);
	for (unsigned i = 0; i < 3; i++)
		look(RIG_ACK, 1, 1, 0);
	ck_assert(memcmp(c, &none, sizeof(none)) == 0);
	lost_ns = rig.now;
	rig_advance(&rig, 30 * RIG_MS);
	look(RIG_ACK, 1, 14601, 0);
	ck_assert(c->c == 0.4 && c->beta == 0.7);
	ck_assert_uint_eq(c->t_ns / RIG_MS, lost_ns / RIG_MS);
	assert_near(c->w_max, 10, 0.01);
	assert_near(c->w_last_max, 0, 0.01);
	ck_assert(c->w_c == 0 && c->w_est == 0 && c->k_ns == 0 && c->since_ns == 0);
	/* Out of recovery, by slow start to ssthresh, and on to the curve. */
	ck_assert_int_eq(rig_ep_send(t.ep, 14600, 200000), 200000);
	rig_poll(&rig);
	for (t.rcv = 14601; c->w_est == 0; t.rcv += 1460) {
		look(RIG_ACK, 1, t.rcv, 0);
		ck_assert_uint_lt(t.rcv, 100000);
	}
	begun_ns = rig.now;
	assert_near((double)c->k_ns / 1e9, 1.957, 0.002); /* the cube root of 3 / 0.4 */
	assert_near(c->w_c, 7, 0.1);
	assert_near(c->w_est, 7, 0.2);
	for (unsigned i = 0; i < 5; i++) {
		rig_advance(&rig, 20 * RIG_MS);
		look(RIG_ACK, 1, t.rcv, 0);
		t.rcv += 1460;
	}
	look_again();
	assert_near((double)c->since_ns, (double)(rig.now - begun_ns), 1e6);
	x = (double)c->since_ns / 1e9 - (double)c->k_ns / 1e9;
	assert_near(c->w_c, 0.4 * x * x * x + 10, 0.02);
	ck_assert_uint_eq(c->t_ns / RIG_MS, lost_ns / RIG_MS);
	/* Another algorithm has none of it. */
	ck_assert_int_eq(mr_ep_setopt(t.ep, MR_OPT_TCP_CC, mr_tcp_cc_find("newreno")), 0);
	look_again();
	ck_assert(memcmp(c, &none, sizeof(none)) == 0);
	rig_discard(&rig);
}
END_TEST

/* S-194, S-195: what a Packet Too Big has done and has not yet made anyone send. */
START_TEST(too_big)
{
	const struct rig_frame *f;

	connect_seen();
	look(RIG_ACK, 1, 1, 0);
	ck_assert_uint_eq(st.pkt_too_big_count, 0);
	ck_assert_uint_eq(st.snd_mtu, 0);
	ck_assert_int_eq(rig_ep_send(t.ep, 0, 14600), 14600);
	f = rig_expect(&rig, RIG_TCP);
	rig_discard(&rig);
	rig_push_icmp(&rig, .type = 3, .code = 4, .rest = 1400, .data = f->b + 14, .len = 28);
	rig_push_icmp(&rig, .type = 3, .code = 4, .rest = 1000, .data = f->b + 14, .len = 28);
	look(RIG_ACK, 1, 1, 0, .wnd = 60000);
	ck_assert_uint_eq(st.pkt_too_big_count, 2);
	ck_assert_uint_eq(st.snd_mtu, 1000);
	ck_assert_uint_eq(st.snd.max_payload, 960);
	look_again();
	ck_assert_uint_eq(st.pkt_too_big_count, 0);
	ck_assert_uint_eq(st.snd_mtu, 1000);
	rig_discard(&rig);
}
END_TEST

/* ---- counters: B-80 */

/* What was established and has not ended is there. */
START_TEST(counters_balance)
{
	static const enum mr_tcp_state states[] = {MR_TCP_ESTABLISHED, MR_TCP_CLOSE_WAIT, MR_TCP_FIN_WAIT_1, MR_TCP_FIN_WAIT_2,
	                                           MR_TCP_CLOSING, MR_TCP_LAST_ACK, MR_TCP_TIME_WAIT, MR_TCP_CLOSED};
	struct mr_ep *listener = NULL, *eps[RTE_DIM(states)];
	uint64_t open, ended;

	for (unsigned i = 0; i < RTE_DIM(states); i++) {
		rig_tcp_init(&t, &rig, false);
		t.peer_port += i;
		t.listener = listener;
		eps[i] = rig_tcp_reach(&t, states[i]);
		listener = t.listener;
		ended = rig_moved(&rig, MR_CNT_TCP_CLOSED);
		ck_assert_uint_eq(rig_moved(&rig, MR_CNT_TCP_ESTABLISHED), i + 1);
		ck_assert_uint_eq(ended, states[i] == MR_TCP_TIME_WAIT ? 1 : states[i] == MR_TCP_CLOSED ? 2 : 0);
	}
	/* An open that never was established is neither. */
	rig_tcp_init(&t, &rig, false);
	t.peer_port = 9000;
	rig_tcp_start_active(&t);
	mr_ep_close(t.ep);
	ck_assert_uint_eq(rig_moved(&rig, MR_CNT_TCP_ACTIVE_OPENS), 1);
	for (unsigned i = 0; i < RTE_DIM(states); i++)
		mr_ep_abort(eps[i]);
	rig_poll(&rig);
	open = rig_moved(&rig, MR_CNT_TCP_ESTABLISHED);
	ck_assert_uint_eq(open, RTE_DIM(states));
	ck_assert_uint_eq(rig_moved(&rig, MR_CNT_TCP_CLOSED), open);
	rig_discard(&rig);
}
END_TEST

static Suite *
suite(void)
{
	Suite *s = suite_create("tcp_probe_send");
	TCase *tc = rig_case(s, "probe", setup, rig_teardown);

	tcase_add_test(tc, sending);
	tcase_add_test(tc, small_segments);
	tcase_add_test(tc, timeout);
	tcase_add_test(tc, recovery);
	tcase_add_test(tc, congestion_avoidance);
	tcase_add_test(tc, cubic);
	tcase_add_test(tc, too_big);
	tcase_add_test(tc, counters_balance);
	return s;
}

RIG_MAIN(suite)
