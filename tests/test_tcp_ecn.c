/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Explicit congestion notification (RFC 3168): who agrees to it in the handshake, which packets carry the mark that they
 * may be marked, the echo, and what is done about one. Requirements by number: EC-n, CU-n, D-n, B-n.
 */
#include "rig/fixture.h"

#include <string.h>

#include "proto/tcp/tcp.h"

#define MSS 1460u
#define SETUP (RIG_ECE | RIG_CWR)
#define ECT0 2
#define CE 3

static void
setup(void)
{
	tcp_setup();
	t.sack = false; /* duplicate ACKs tell of losses, and no tail loss probe comes before a timeout */
}

static void
mode(enum mr_tcp_ecn m)
{
	ck_assert_int_eq(mr_transproto_setopt(rig.stack, MR_TRANS_TCP, MR_OPT_TCP_ECN, m), 0);
}

static struct tcp_conn *
conn(void)
{
	return tcp_conn(t.ep);
}

/* A connection with ECN, from the peer. */
static void
agreed(void)
{
	t.ecn = true;
	rig_tcp_establish_passive(&t);
	ck_assert(t.ecn_on);
}

static void
expect_segs(uint32_t first, uint32_t n, uint8_t ecn)
{
	for (uint32_t i = first; i < first + n; i++) {
		const struct rig_frame *f = rig_tcp_expect(&t, RIG_ACK, 1 + i * MSS, RIG_ANY, MSS, .pattern = true);

		ck_assert_uint_eq(f->tos, ecn);
	}
}

static void
ack_segs(uint32_t n, unsigned flags)
{
	rig_tcp_push(&t, RIG_ACK | flags, t.snd, 1 + n * MSS, 0);
}

/* ---- the handshake */

/* EC-01, EC-02, D-8, B-51: an ECN-setup SYN is answered by ECE alone, unmarked; then data may be marked. */
START_TEST(passive)
{
	const struct rig_frame *f;

	rig_tcp_listen(&t, 4);
	rig_tcp_push(&t, RIG_SYN | SETUP, 0, 0, 0);
	f = rig_tcp_expect(&t, RIG_SYN | RIG_ACK | RIG_ECE, RIG_ANY, 1, 0, .raw_seq = false);
	ck_assert_uint_eq(f->tos, 0);
}
END_TEST

/* EC-01: the SYN that asks is not marked either. */
START_TEST(active)
{
	struct mr_sockaddr to = rig_peer(&rig, false, 5000);
	const struct rig_frame *f;

	mode(MR_TCP_ECN_ASK);
	ck_assert_int_eq(mr_ep_create(rig.stack, MR_TRANS_TCP, MR_NET_IPV4, &t.ep), 0);
	ck_assert_int_eq(mr_ep_connect(t.ep, &to), -EINPROGRESS);
	f = rig_expect(&rig, RIG_TCP);
	ck_assert_uint_eq(f->flags, RIG_SYN | SETUP);
	ck_assert_uint_eq(f->tos, 0);
}
END_TEST

/* The first data of either kind of connection. EC-03: ECT(0). */
START_TEST(marks_on_data)
{
	t.v6 = _i & 1;
	t.ecn = true;
	if (_i & 2) {
		mode(MR_TCP_ECN_ASK);
		rig_tcp_establish_active(&t);
	} else {
		rig_tcp_establish_passive(&t);
	}
	ck_assert(t.ecn_on);
	rig_ep_send(t.ep, 0, 100);
	ck_assert_uint_eq(rig_tcp_expect(&t, RIG_ACK, 1, 1, 100)->tos, ECT0);
}
END_TEST

/* What the application has set stays beside the mark. */
START_TEST(other_bits_of_the_byte)
{
	agreed();
	ck_assert_int_eq(mr_ep_setopt(t.ep, MR_OPT_TOS, 0xb9), 0);
	rig_ep_send(t.ep, 0, 100);
	ck_assert_uint_eq(rig_tcp_expect(&t, RIG_ACK, 1, 1, 100)->tos, 0xb8 | ECT0);
}
END_TEST

/* By default nobody is asked, and who asks is answered. Off: neither. */
START_TEST(modes)
{
	static const struct {
		enum mr_tcp_ecn mode;
		bool asks, answers;
	} c[] = {{MR_TCP_ECN_OFF, false, false}, {MR_TCP_ECN_ASK, true, true}, {MR_TCP_ECN_ACCEPT, false, true}};
	int64_t v;

	ck_assert_int_eq(mr_transproto_getopt(rig.stack, MR_TRANS_TCP, MR_OPT_TCP_ECN, &v), 0);
	ck_assert_int_eq(v, MR_TCP_ECN_ACCEPT);
	mode(c[_i].mode);
	t.ecn = true;
	rig_tcp_establish_passive(&t);
	ck_assert(t.ecn_on == c[_i].answers);
	rig_ep_send(t.ep, 0, 100);
	ck_assert_uint_eq(rig_tcp_expect(&t, RIG_ACK, 1, 1, 100)->tos, c[_i].answers ? ECT0 : 0);
	rig_tcp_init(&t, &rig, false);
	t.peer_port++;
	t.ecn = true;
	rig_tcp_establish_active(&t);
	ck_assert(t.ecn_on == c[_i].asks);
	rig_ep_send(t.ep, 0, 100);
	ck_assert_uint_eq(rig_tcp_expect(&t, RIG_ACK, 1, 1, 100)->tos, c[_i].asks ? ECT0 : 0);
}
END_TEST

/* The choice of an endpoint goes before that of the protocol, and an accepted connection has its listener's. */
START_TEST(mode_of_an_endpoint)
{
	int64_t v;

	rig_tcp_listen(&t, 4);
	ck_assert_int_eq(mr_ep_setopt(t.listener, MR_OPT_TCP_ECN, MR_TCP_ECN_OFF), 0);
	ck_assert_int_eq(mr_ep_setopt(t.listener, MR_OPT_TCP_ECN, 3), -EINVAL);
	ck_assert_int_eq(mr_ep_setopt(t.listener, MR_OPT_TCP_ECN, -1), -EINVAL);
	t.ecn = true;
	rig_tcp_establish_passive(&t);
	ck_assert(!t.ecn_on);
	ck_assert_int_eq(mr_ep_getopt(t.ep, MR_OPT_TCP_ECN, &v), 0);
	ck_assert_int_eq(v, MR_TCP_ECN_OFF);
}
END_TEST

/* EC-02: a plain SYN-ACK, and one that merely throws our flags back, agree to nothing. */
START_TEST(not_an_ecn_setup_syn_ack)
{
	static const unsigned flags[] = {0, SETUP, RIG_CWR};

	mode(MR_TCP_ECN_ASK);
	t.ecn = true;
	rig_tcp_start_active(&t);
	ck_assert(t.ecn_on);
	rig_tcp_push(&t, RIG_SYN | RIG_ACK | flags[_i], 0, 1, 0);
	rig_tcp_expect(&t, RIG_ACK, 1, 1, 0);
	rig_ep_send(t.ep, 0, 100);
	ck_assert_uint_eq(rig_tcp_expect(&t, RIG_ACK, 1, 1, 100)->tos, 0);
	/* Nor is anything echoed. */
	rig_tcp_push(&t, RIG_ACK, 1, 101, 1000, .tos = CE);
	rig_tcp_push(&t, RIG_ACK, 1001, 101, 1000, .tos = CE);
	rig_tcp_expect(&t, RIG_ACK, 101, 2001, 0);
}
END_TEST

/* A SYN with one of the flags is no ECN-setup SYN. */
START_TEST(not_an_ecn_setup_syn)
{
	static const unsigned flags[] = {RIG_ECE, RIG_CWR};
	const struct rig_frame *f;

	rig_tcp_listen(&t, 4);
	rig_tcp_push(&t, RIG_SYN | flags[_i], 0, 0, 0);
	f = rig_expect(&rig, RIG_TCP);
	ck_assert_uint_eq(f->flags, RIG_SYN | RIG_ACK);
}
END_TEST

/* EC-07: a SYN that is not answered goes out again without the flags, and then nothing is agreed whatever the answer. */
START_TEST(plain_syn_after_silence)
{
	mode(MR_TCP_ECN_ASK);
	t.ecn = true;
	rig_tcp_start_active(&t);
	ck_assert(t.ecn_on);
	ck_assert(rig_advance_until_frame(&rig, 2 * RIG_S));
	rig_tcp_expect(&t, RIG_SYN, 0, 0, 0);
	rig_tcp_push(&t, RIG_SYN | RIG_ACK | RIG_ECE, 0, 1, 0);
	rig_tcp_expect(&t, RIG_ACK, 1, 1, 0);
	rig_ep_send(t.ep, 0, 100);
	ck_assert_uint_eq(rig_tcp_expect(&t, RIG_ACK, 1, 1, 100)->tos, 0);
}
END_TEST

/* A peer that gives up on ECN after its first SYN gets a plain answer. */
START_TEST(peer_falls_back)
{
	const struct rig_frame *f;

	t.ecn = true;
	rig_tcp_start_passive(&t);
	ck_assert(t.ecn_on);
	rig_tcp_push(&t, RIG_SYN, 0, 0, 0);
	f = rig_expect(&rig, RIG_TCP);
	ck_assert_uint_eq(f->flags, RIG_SYN | RIG_ACK);
	rig_tcp_push(&t, RIG_ACK, 1, 1, 0);
	rig_expect_none(&rig);
	ck_assert_int_eq(mr_ep_accept(t.listener, &t.ep), 0);
	rig_ep_send(t.ep, 0, 100);
	ck_assert_uint_eq(rig_tcp_expect(&t, RIG_ACK, 1, 1, 100)->tos, 0);
}
END_TEST

/* Both have called at once, both with ECN; or the peer gives up on it. */
START_TEST(simultaneous_open)
{
	mode(MR_TCP_ECN_ASK);
	t.ecn = true;
	rig_tcp_start_active(&t);
	rig_tcp_push(&t, RIG_SYN | SETUP, 0, 0, 0);
	ck_assert_uint_eq(rig_tcp_expect(&t, RIG_SYN | RIG_ACK | RIG_ECE, 0, 1, 0)->tos, 0);
	if (_i) {
		rig_tcp_push(&t, RIG_SYN, 0, 0, 0);
		rig_tcp_expect(&t, RIG_SYN | RIG_ACK, 0, 1, 0);
	}
	rig_tcp_push(&t, RIG_SYN | RIG_ACK | RIG_ECE, 0, 1, 0);
	rig_poll(&rig);
	rig_discard(&rig);
	rig_ep_send(t.ep, 0, 100);
	ck_assert_uint_eq(rig_tcp_expect(&t, RIG_ACK, 1, 1, 100)->tos, _i ? 0 : ECT0);
}
END_TEST

/* ---- which packets are marked */

/* EC-06: not an ACK, not what is sent again, not a probe of a closed window, not a FIN without data. */
START_TEST(unmarked_packets)
{
	agreed();
	rig_tcp_push(&t, RIG_ACK, 1, 1, 1000);
	rig_tcp_push(&t, RIG_ACK, 1001, 1, 1000);
	ck_assert_uint_eq(rig_tcp_expect(&t, RIG_ACK, 1, 2001, 0)->tos, 0);
	t.snd = 2001;
	rig_ep_send(t.ep, 0, MSS);
	expect_segs(0, 1, ECT0);
	ck_assert(rig_advance_until_frame(&rig, 2 * RIG_S));
	expect_segs(0, 1, 0);
	rig_tcp_push(&t, RIG_ACK, t.snd, 1 + MSS, 0, .zero_wnd = true);
	rig_ep_send(t.ep, MSS, MSS);
	ck_assert(rig_advance_until_frame(&rig, 5 * RIG_S));
	ck_assert_uint_eq(rig_tcp_next(&t)->tos, 0);
	rig_discard(&rig);
	rig_tcp_push(&t, RIG_ACK, t.snd, 1 + MSS, 0);
	rig_poll(&rig);
	ck_assert_uint_eq(rig_tcp_expect(&t, RIG_ACK | RIG_CWR, 1 + MSS, RIG_ANY, MSS)->tos, ECT0);
	ack_segs(2, 0);
	ck_assert_int_eq(mr_ep_shutdown(t.ep, MR_SHUT_WR), 0);
	ck_assert_uint_eq(rig_tcp_expect(&t, RIG_FIN | RIG_ACK, 1 + 2 * MSS, t.snd, 0)->tos, 0);
}
END_TEST

/* Both in one turn: what is lost again without, new data with the mark. */
START_TEST(mixed_turn)
{
	agreed();
	rig_ep_send(t.ep, 0, 40 * MSS);
	expect_segs(0, 10, ECT0);
	for (int i = 0; i < 3; i++)
		ack_segs(0, 0);
	rig_poll(&rig);
	for (const struct rig_frame *f; (f = rig_next(&rig));)
		ck_assert_uint_eq(f->tos, rig_tcp_seq(&t, f) == 1 ? 0 : ECT0);
}
END_TEST

/* ---- the receiver */

/* EC-04: after a mark every ACK echoes it, and data too, until the peer says that it has reduced its window. */
START_TEST(echo)
{
	agreed();
	rig_mark(&rig);
	rig_tcp_push(&t, RIG_ACK, 1, 1, 100, .tos = CE);
	rig_tcp_expect(&t, RIG_ACK | RIG_ECE, 1, 101, 0); /* at once, though one small segment need not be */
	ck_assert_uint_eq(rig_moved(&rig, MR_CNT_TCP_ECN_MARKS), 1);
	t.snd = 101;
	rig_ep_send(t.ep, 0, 10);
	rig_tcp_expect(&t, RIG_ACK | RIG_ECE, 1, 101, 10);
	rig_tcp_push(&t, RIG_ACK, 101, 11, 1000);
	rig_tcp_push(&t, RIG_ACK, 1101, 11, 1000);
	rig_tcp_expect(&t, RIG_ACK | RIG_ECE, 11, 2101, 0);
	rig_tcp_push(&t, RIG_ACK | RIG_CWR, 2101, 11, 1000);
	rig_tcp_push(&t, RIG_ACK, 3101, 11, 1000);
	rig_tcp_expect(&t, RIG_ACK, 11, 4101, 0);
	rig_tcp_push(&t, RIG_ACK | RIG_CWR, 4101, 11, 1000, .tos = CE); /* marked again itself */
	rig_tcp_expect(&t, RIG_ACK | RIG_ECE, 11, 5101, 0);
	ck_assert_uint_eq(rig_moved(&rig, MR_CNT_TCP_ECN_MARKS), 2);
}
END_TEST

/* A mark on what carries no data, or is outside the window, is not echoed: anybody could have sent it. */
START_TEST(no_echo)
{
	agreed();
	rig_tcp_push(&t, RIG_ACK, 1, 1, 0, .tos = CE);
	rig_tcp_push(&t, RIG_ACK, 0x40000000, 1, 100, .tos = CE);
	rig_tcp_expect(&t, RIG_ACK, 1, 1, 0);
	rig_tcp_push(&t, RIG_ACK, 1, 1, 1000, .tos = ECT0);
	rig_tcp_push(&t, RIG_ACK, 1001, 1, 1000, .tos = 1);
	rig_tcp_expect(&t, RIG_ACK, 1, 2001, 0);
}
END_TEST

/* ---- the sender */

/* EC-05: an echo is a loss to the window, once for a window of data; CWR goes with the next new data, and only with it. */
START_TEST(reduction)
{
	agreed();
	rig_mark(&rig);
	rig_ep_send(t.ep, 0, 100 * MSS);
	expect_segs(0, 10, ECT0);
	ack_segs(2, RIG_ECE);
	rig_expect_none(&rig);
	ck_assert_uint_eq(conn()->cc.cwnd, 7 * MSS);
	ck_assert_uint_eq(conn()->cc.ssthresh, 7 * MSS);
	ack_segs(4, RIG_ECE);
	rig_tcp_expect(&t, RIG_ACK | RIG_CWR, 1 + 10 * MSS, 1, MSS);
	for (uint32_t i = 5; i <= 10; i++) {
		ack_segs(i, RIG_ECE);
		expect_segs(6 + i, 1, ECT0);
	}
	ck_assert_uint_eq(conn()->cc.cwnd, 7 * MSS); /* and no growth */
	ck_assert_uint_eq(rig_moved(&rig, MR_CNT_TCP_ECN_REDUCTIONS), 1);
	ck_assert_uint_eq(rig_moved(&rig, MR_CNT_TCP_RETRANSMITS), 0);
	/* The next window of data: again. */
	ack_segs(11, RIG_ECE);
	rig_expect_none(&rig);
	ck_assert_uint_eq(rig_moved(&rig, MR_CNT_TCP_ECN_REDUCTIONS), 2);
	ck_assert_uint_lt(conn()->cc.cwnd, 5 * MSS);
	ck_assert_uint_ge(conn()->cc.cwnd, 4 * MSS);
	/* The echo ends: the window grows. */
	ack_segs(14, 0);
	rig_tcp_expect(&t, RIG_ACK | RIG_CWR, 1 + 17 * MSS, 1, MSS);
	rig_discard(&rig);
	ack_segs(18, 0);
	rig_poll(&rig);
	ack_segs(22, 0);
	rig_poll(&rig);
	ck_assert_uint_ge(conn()->cc.cwnd, 5 * MSS);
	rig_discard(&rig);
}
END_TEST

/* Look at the frames that are there: each tells CWR or not. @return segments sent from `first` on, the highest seen */
static uint32_t
sent_up_to(uint32_t n, unsigned *n_cwr)
{
	for (const struct rig_frame *f; (f = rig_next(&rig));) {
		n = RTE_MAX(n, (rig_tcp_seq(&t, f) - 1 + f->len) / MSS);
		*n_cwr += !!(f->flags & RIG_CWR);
	}
	return n;
}

/* An echo in recovery, and of the window that a loss has reduced, changes nothing; a loss tells CWR as well. */
START_TEST(loss_first)
{
	unsigned n_cwr = 0;
	uint32_t ssthresh, n;

	agreed();
	rig_mark(&rig);
	rig_ep_send(t.ep, 0, 100 * MSS);
	expect_segs(0, 10, ECT0);
	for (int i = 0; i < 3; i++)
		ack_segs(0, RIG_ECE * (i == 2));
	rig_poll(&rig);
	n = sent_up_to(10, &n_cwr);
	ssthresh = conn()->cc.ssthresh;
	ck_assert_uint_eq(ssthresh, 7 * MSS);
	/* All of the window, each with an echo. */
	ack_segs(5, RIG_ECE);
	rig_poll(&rig);
	n = sent_up_to(n, &n_cwr);
	ack_segs(10, RIG_ECE);
	rig_poll(&rig);
	n = sent_up_to(n, &n_cwr);
	ck_assert_uint_gt(n, 10);
	ck_assert_uint_eq(n_cwr, 1);
	ck_assert_uint_eq(conn()->cc.ssthresh, ssthresh);
	ck_assert_uint_eq(rig_moved(&rig, MR_CNT_TCP_ECN_REDUCTIONS), 0);
}
END_TEST

/* The other way round: what is lost of the window that a mark has reduced reduces it no further. */
START_TEST(mark_first)
{
	t.sack = _i;
	agreed();
	rig_ep_send(t.ep, 0, 100 * MSS);
	expect_segs(0, 10, ECT0);
	ack_segs(1, RIG_ECE);
	rig_expect_none(&rig);
	ck_assert_uint_eq(conn()->cc.ssthresh, 7 * MSS);
	if (t.sack)
		rig_tcp_push(&t, RIG_ACK | RIG_ECE, t.snd, 1 + MSS, 0, .n_sack = 1, .sack = {{1 + 2 * MSS, 1 + 5 * MSS}});
	for (int i = 0; i < 3 && !t.sack; i++)
		ack_segs(1, RIG_ECE);
	rig_poll(&rig);
	ck_assert_uint_eq(rig_moved(&rig, MR_CNT_TCP_FAST_RETRANSMITS), 1);
	ck_assert_uint_eq(conn()->cc.ssthresh, 7 * MSS);
	rig_discard(&rig);
}
END_TEST

/* After a timeout the first new data tells CWR. */
START_TEST(timeout)
{
	const struct rig_frame *f;

	agreed();
	rig_ep_send(t.ep, 0, 10 * MSS);
	expect_segs(0, 10, ECT0);
	ck_assert(rig_advance_until_frame(&rig, 2 * RIG_S));
	f = rig_tcp_next(&t);
	ck_assert_uint_eq(f->flags & RIG_CWR, 0);
	ack_segs(10, 0);
	rig_poll(&rig);
	rig_discard(&rig);
	rig_ep_send(t.ep, 10 * MSS, 2 * MSS);
	rig_tcp_expect(&t, RIG_ACK | RIG_CWR, 1 + 10 * MSS, 1, MSS);
	expect_segs(11, 1, ECT0);
}
END_TEST

/* CU-08: down to one segment, and from there to one segment in a timeout. */
START_TEST(below_one_segment)
{
	uint32_t n = 0;

	agreed();
	rig_ep_send(t.ep, 0, 200 * MSS);
	for (unsigned i = 0; i < 10 && conn()->cc.cwnd > MSS; i++) {
		uint32_t before = conn()->cc.cwnd;

		while (rig_next(&rig))
			n++;
		ack_segs(n, RIG_ECE);
		rig_poll(&rig);
		ck_assert_uint_lt(conn()->cc.cwnd, before);
	}
	ck_assert_uint_eq(conn()->cc.cwnd, MSS);
	ck_assert_uint_eq(conn()->cc.ssthresh, 2 * MSS);
	/* In a second at a round trip of nothing, with a timeout of 200 ms. */
	ck_assert_uint_eq(conn()->cc.pacing_rate, 0);
	n = 0;
	for (uint64_t end = rig.now + RIG_S; rig.now < end; rig_advance(&rig, RIG_MS)) {
		const struct rig_frame *f = rig_next(&rig);

		if (!f)
			continue;
		n++;
		rig_tcp_push(&t, RIG_ACK | RIG_ECE, t.snd, rig_tcp_seq(&t, f) + MSS, 0);
		rig_poll(&rig);
	}
	ck_assert_uint_ge(n, 4);
	ck_assert_uint_le(n, 8);
	ck_assert_uint_ne(conn()->cc.pacing_rate, 0);
	/* No more marks: no more pace. */
	ck_assert(rig_advance_until_frame(&rig, RIG_S));
	rig_tcp_push(&t, RIG_ACK, t.snd, rig_tcp_seq(&t, rig_next(&rig)) + MSS, 0);
	rig_poll(&rig);
	ck_assert_uint_eq(conn()->cc.pacing_rate, 0);
	rig_discard(&rig);
}
END_TEST

/* ---- an algorithm with a model of its own */

static unsigned n_told, n_marks;

static void
model_init(struct tcp_cc *cc)
{
	(void)cc;
}

static void
model_control(struct tcp_cc *cc, const struct tcp_cc_ack *a)
{
	(void)cc;
	n_told++;
	n_marks += a->ece;
}

static void
model_loss(struct tcp_cc *cc, uint32_t flight, uint64_t now_ns)
{
	(void)cc;
	(void)flight;
	(void)now_ns;
	ck_abort_msg("a mark is no loss to a model");
}

/* It is told of the mark, once for a window of data, and decides itself. */
START_TEST(model)
{
	static const struct tcp_cc_ops ops = {
		.name = "model", .init = model_init, .control = model_control, .loss = model_loss,
	};

	agreed();
	conn()->cc.ops = &ops;
	n_told = n_marks = 0;
	rig_ep_send(t.ep, 0, 100 * MSS);
	expect_segs(0, 10, ECT0);
	for (uint32_t i = 1; i <= 10; i++)
		ack_segs(i, RIG_ECE);
	rig_poll(&rig);
	ck_assert_uint_eq(n_told, 10);
	ck_assert_uint_eq(n_marks, 1);
	ck_assert_uint_eq(conn()->cc.cwnd, 10 * MSS);
	rig_tcp_expect(&t, RIG_ACK | RIG_CWR, 1 + 10 * MSS, 1, MSS);
	rig_discard(&rig);
}
END_TEST

static Suite *
suite(void)
{
	Suite *s = suite_create("tcp_ecn");
	TCase *c = rig_case(s, "handshake", setup, rig_teardown);

	tcase_add_test(c, passive);
	tcase_add_test(c, active);
	tcase_add_loop_test(c, marks_on_data, 0, 4);
	tcase_add_test(c, other_bits_of_the_byte);
	tcase_add_loop_test(c, modes, 0, 3);
	tcase_add_test(c, mode_of_an_endpoint);
	tcase_add_loop_test(c, not_an_ecn_setup_syn_ack, 0, 3);
	tcase_add_loop_test(c, not_an_ecn_setup_syn, 0, 2);
	tcase_add_test(c, plain_syn_after_silence);
	tcase_add_test(c, peer_falls_back);
	tcase_add_loop_test(c, simultaneous_open, 0, 2);
	c = rig_case(s, "packets", setup, rig_teardown);
	tcase_add_test(c, unmarked_packets);
	tcase_add_test(c, mixed_turn);
	c = rig_case(s, "receiver", setup, rig_teardown);
	tcase_add_test(c, echo);
	tcase_add_test(c, no_echo);
	c = rig_case(s, "sender", setup, rig_teardown);
	tcase_add_test(c, reduction);
	tcase_add_test(c, loss_first);
	tcase_add_loop_test(c, mark_first, 0, 2);
	tcase_add_test(c, timeout);
	tcase_add_test(c, below_one_segment);
	tcase_add_test(c, model);
	return s;
}

RIG_MAIN(suite)
