/* SPDX-License-Identifier: Apache-2.0 */
/*
 * How TCP connections begin: passive handshakes and their half-open records, the accept queue, active opens,
 * simultaneous opens, and what answers a segment that nobody waits for.
 *
 * Requirements by number: MUST-n, SHLD-n, T93-n, BA-n, WS-n, TS-n of RFC 9293 and its companions, B-n of the
 * behaviour list.
 */
#include "rig/fixture.h"

#include <errno.h>
#include <string.h>

#include <rte_byteorder.h>

#include "stack/stack.h"
#include "stack/steer.h"

/* A second connection to the same listener. */
static void
other_init(struct rig_tcp *o, uint16_t peer_port)
{
	rig_tcp_init(o, &rig, t.v6);
	o->peer_port = peer_port;
	o->listener = t.listener;
}

static void
expect_accept(int rc)
{
	struct mr_ep *ep;

	ck_assert_int_eq(mr_ep_accept(t.listener, &ep), rc);
	if (rc == 0)
		mr_ep_abort(ep);
	rig_discard(&rig);
}

/* ---- passive */

/* B-46, MUST-14, MUST-67, WS-02, WS-04, TS-01: the SYN-ACK offers what the SYN offered, its window is not scaled. */
START_TEST(passive_open_with_options)
{
	const struct rig_frame *f;
	struct mr_sockaddr name;

	rig_tcp_init(&t, &rig, _i);
	t.ts = true;
	rig_tcp_listen(&t, 4);
	rig_tcp_push(&t, RIG_SYN, 0, 0, 0);
	f = rig_expect(&rig, RIG_TCP);
	ck_assert_uint_eq(f->flags, RIG_SYN | RIG_ACK);
	ck_assert_uint_eq(f->ack, t.iss + 1);
	ck_assert(f->has_mss && f->mss == (_i ? 1440 : 1460));
	ck_assert(f->has_ws && f->ws <= 14);
	ck_assert_uint_eq(f->wnd, 65535);
	ck_assert(f->has_ts);
	ck_assert_uint_eq(f->tsecr, t.tsval);
	t.irs = f->seq;
	t.ts_on = true;
	t.tsecr = f->tsval;
	expect_accept(-EAGAIN);
	rig_tcp_push(&t, RIG_ACK, 1, 1, 0);
	rig_expect_none(&rig);
	ck_assert_int_eq(mr_ep_accept(t.listener, &t.ep), 0);
	ck_assert_int_eq(rig_tcp_state(t.ep), MR_TCP_ESTABLISHED);
	ck_assert_int_eq(mr_ep_remote_name(t.ep, &name), 0);
	ck_assert(mr_addr_equal(&name.addr, _i ? &rig.peer6 : &rig.peer4) && name.port == t.peer_port);
	ck_assert_uint_eq(rig_moved(&rig, MR_CNT_TCP_PASSIVE_OPENS), 1);
	ck_assert_uint_eq(rig_moved(&rig, MR_CNT_TCP_ESTABLISHED), 1);
	rig_expect_no_drop(&rig);
}
END_TEST

/* MUST-15, MUST-65, WS-01, TS-03: nothing offered, nothing agreed; the default segment size of the family. */
START_TEST(passive_open_without_options)
{
	const struct rig_frame *f;
	int64_t mss;

	rig_tcp_init(&t, &rig, _i);
	t.mss = 0;
	t.ws = -1;
	t.sack = false;
	rig_tcp_listen(&t, 4);
	rig_tcp_push(&t, RIG_SYN, 0, 0, 0);
	f = rig_expect(&rig, RIG_TCP);
	ck_assert(f->has_mss && !f->has_ws && !f->has_ts && !f->has_sackok);
	t.irs = f->seq;
	rig_tcp_push(&t, RIG_ACK, 1, 1, 0);
	rig_poll(&rig);
	ck_assert_int_eq(mr_ep_accept(t.listener, &t.ep), 0);
	ck_assert_int_eq(mr_ep_getopt(t.ep, MR_OPT_TCP_MAXSEG, &mss), 0);
	ck_assert_int_eq(mss, _i ? 1220 : 536);
	ck_assert_int_eq(rig_ep_send(t.ep, 0, 2000), 2000);
	f = rig_tcp_expect(&t, RIG_ACK, 1, 1, (uint32_t)mss, .pattern = true);
	ck_assert(!f->has_mss);
	rig_discard(&rig);
}
END_TEST

/* MUST-6, MUST-7, MUST-64: unknown, unaligned and broken options harm nothing. */
START_TEST(odd_options_are_survived)
{
	static const uint8_t odd[3][8] = {
		{254, 4, 1, 2, 2, 4, 0x05, 0xb4}, /* unknown, then MSS */
		{1, 2, 4, 0x05, 0xb4, 0, 0, 0},   /* MSS on an odd offset */
		{2, 0, 0x05, 0xb4, 1, 1, 1, 1},   /* length 0 */
	};
	int64_t mss;

	rig_tcp_listen(&t, 4);
	rig_tcp_push(&t, RIG_SYN, 0, 0, 0, .opts = odd[_i], .opts_len = 8);
	t.irs = rig_expect(&rig, RIG_TCP)->seq;
	rig_tcp_push(&t, RIG_ACK, 1, 1, 0);
	rig_poll(&rig);
	ck_assert_int_eq(mr_ep_accept(t.listener, &t.ep), 0);
	ck_assert_int_eq(mr_ep_getopt(t.ep, MR_OPT_TCP_MAXSEG, &mss), 0);
	ck_assert_int_eq(mss, _i == 2 ? 536 : 1460);
}
END_TEST

/* B-47: the same SYN gets the same SYN-ACK, also twice in one burst. */
START_TEST(syn_again_same_syn_ack)
{
	rig_tcp_start_passive(&t);
	rig_mark(&rig);
	rig_advance(&rig, 300 * RIG_MS);
	rig_tcp_push(&t, RIG_SYN, 0, 0, 0);
	rig_tcp_expect(&t, RIG_SYN | RIG_ACK, 0, 1, 0);
	rig_expect_drop(&rig, MR_DROP_TCP_DUPLICATE);
	rig_tcp_push(&t, RIG_ACK, 1, 1, 0);
	rig_expect_none(&rig);
	expect_accept(0);
	expect_accept(-EAGAIN);
}
END_TEST

START_TEST(syn_twice_in_a_burst)
{
	rig_tcp_listen(&t, 4);
	rig_mark(&rig);
	rig_tcp_push(&t, RIG_SYN, 0, 0, 0);
	rig_tcp_push(&t, RIG_SYN, 0, 0, 0);
	t.irs = rig_expect(&rig, RIG_TCP)->seq;
	rig_discard(&rig);
	rig_expect_drop(&rig, MR_DROP_TCP_DUPLICATE);
	ck_assert_uint_eq(rig_moved(&rig, MR_CNT_TCP_PASSIVE_OPENS), 1);
	rig_tcp_push(&t, RIG_ACK, 1, 1, 0);
	rig_expect_none(&rig);
	expect_accept(0);
	expect_accept(-EAGAIN);
}
END_TEST

/* MUST-22, RT-08: SYN-ACKs after 1, 2, 4, 8, 16 s; 32 s later the record is gone and the late ACK meets a listener. */
START_TEST(syn_ack_retransmission)
{
	static const uint64_t at_ms[] = {1000, 3000, 7000, 15000, 31000};
	uint64_t start;

	rig_tcp_start_passive(&t);
	start = rig.now;
	for (unsigned i = 0; i < 5; i++) {
		rig_expect_after(&rig, start, at_ms[i] * RIG_MS);
		rig_tcp_expect(&t, RIG_SYN | RIG_ACK, 0, 1, 0);
	}
	ck_assert_uint_eq(rig_moved(&rig, MR_CNT_TCP_RETRANSMITS), 5);
	rig_expect_none_for(&rig, 100 * RIG_S);
	rig_tcp_push(&t, RIG_ACK, 1, 1, 0);
	rig_tcp_expect(&t, RIG_RST, 1, 0, 0);
	expect_accept(-EAGAIN);
}
END_TEST

/* The record is there until its time is over. */
START_TEST(late_ack_completes)
{
	uint64_t start;

	rig_tcp_start_passive(&t);
	start = rig.now;
	rig_advance(&rig, 62 * RIG_S);
	rig_discard(&rig);
	ck_assert_uint_ge(rig.now, start + 62 * RIG_S);
	rig_tcp_push(&t, RIG_ACK, 1, 1, 0);
	rig_expect_none(&rig);
	expect_accept(0);
}
END_TEST

/* B-46, T93-03: an ACK of anything but ISS + 1 gets a reset, and the record stays. */
START_TEST(syn_received_wrong_ack)
{
	static const uint32_t acks[] = {0, 2, 0x80000000u};

	rig_tcp_start_passive(&t);
	rig_mark(&rig);
	rig_tcp_push(&t, RIG_ACK, 1, acks[_i], 0);
	rig_tcp_expect(&t, RIG_RST, acks[_i], 0, 0);
	rig_expect_drop(&rig, MR_DROP_TCP_BAD_ACK);
	expect_accept(-EAGAIN);
	rig_tcp_push(&t, RIG_ACK, 1, 1, 0);
	rig_expect_none(&rig);
	expect_accept(0);
}
END_TEST

/* B-46, T93-01: outside the window: an ACK, and the record stays. */
START_TEST(syn_received_out_of_window)
{
	rig_tcp_start_passive(&t);
	rig_mark(&rig);
	rig_tcp_push(&t, RIG_ACK, 1 + 65535, 1, 0);
	rig_tcp_expect(&t, RIG_ACK, 1, 1, 0);
	rig_expect_drop(&rig, MR_DROP_TCP_OUT_OF_WINDOW);
	rig_tcp_push(&t, RIG_ACK, 1, 1, 0);
	rig_expect_none(&rig);
	expect_accept(0);
}
END_TEST

/* T93-06: a reset at RCV.NXT silently returns to LISTEN. */
START_TEST(syn_received_rst)
{
	rig_tcp_start_passive(&t);
	rig_mark(&rig);
	rig_tcp_push(&t, RIG_RST, 1, 0, 0);
	rig_expect_none(&rig);
	ck_assert_uint_eq(rig_moved(&rig, MR_CNT_TCP_RESETS_RX), 1);
	rig_expect_no_drop(&rig);
	rig_expect_none_for(&rig, 2 * RIG_S);
	rig_tcp_push(&t, RIG_ACK, 1, 1, 0);
	rig_tcp_expect(&t, RIG_RST, 1, 0, 0);
	rig_tcp_establish_passive(&t);
}
END_TEST

/* BA-01, BA-05: in the window but not at its edge: a challenge; outside: nothing. The record stays. */
START_TEST(syn_received_inexact_rst)
{
	rig_tcp_start_passive(&t);
	rig_mark(&rig);
	rig_tcp_push(&t, RIG_RST, 2, 0, 0);
	rig_tcp_expect(&t, RIG_ACK, 1, 1, 0);
	rig_expect_drop(&rig, MR_DROP_TCP_BAD_RST);
	rig_mark(&rig);
	rig_tcp_push(&t, RIG_RST, 0, 0, 0);
	rig_expect_none(&rig);
	rig_expect_drop(&rig, MR_DROP_TCP_OUT_OF_WINDOW);
	rig_tcp_push(&t, RIG_ACK, 1, 1, 0);
	rig_expect_none(&rig);
	expect_accept(0);
}
END_TEST

/* BA-02, BA-05: another SYN in the window is challenged. */
START_TEST(syn_received_other_syn)
{
	rig_tcp_start_passive(&t);
	rig_mark(&rig);
	rig_tcp_push(&t, RIG_SYN, 100, 0, 0);
	rig_tcp_expect(&t, RIG_ACK, 1, 1, 0);
	rig_expect_drop(&rig, MR_DROP_TCP_SYN_IN_CONN);
}
END_TEST

/* B-48: a full accept queue takes no SYN, and completes no handshake that it could not hand over. */
START_TEST(accept_queue_full)
{
	struct rig_tcp o, p;

	rig_tcp_listen(&t, 1);
	other_init(&o, 5001);
	other_init(&p, 5002);
	rig_tcp_start_passive(&t);
	rig_tcp_start_passive(&o);
	rig_tcp_push(&t, RIG_ACK, 1, 1, 0);
	rig_expect_none(&rig);
	rig_mark(&rig);
	rig_tcp_push(&p, RIG_SYN, 0, 0, 0);
	rig_expect_none(&rig);
	rig_expect_drops(&rig, MR_DROP_TCP_BACKLOG_FULL, 1);
	rig_tcp_push(&o, RIG_ACK, 1, 1, 0);
	rig_expect_none(&rig);
	rig_expect_drops(&rig, MR_DROP_TCP_BACKLOG_FULL, 2);
	expect_accept(0);
	expect_accept(-EAGAIN);
	rig_tcp_push(&o, RIG_ACK, 1, 1, 10); /* the peer takes itself for connected and sends */
	rig_advance(&rig, 50 * RIG_MS);
	rig_tcp_expect(&o, RIG_ACK, 1, 11, 0);
	ck_assert_int_eq(mr_ep_accept(t.listener, &o.ep), 0);
	rig_ep_recv(o.ep, 0, 10);
	rig_tcp_establish_passive(&p);
}
END_TEST

/* T93-12: data on a SYN is not delivered before the handshake; it comes again. B-54: data before accept is kept. */
START_TEST(data_with_syn_and_before_accept)
{
	rig_tcp_listen(&t, 4);
	rig_tcp_push(&t, RIG_SYN, 0, 0, 10);
	t.irs = rig_expect(&rig, RIG_TCP)->seq;
	rig_tcp_push(&t, RIG_ACK | RIG_PSH, 1, 1, 10);
	rig_advance(&rig, 50 * RIG_MS);
	rig_tcp_expect(&t, RIG_ACK, 1, 11, 0);
	ck_assert_int_eq(mr_ep_accept(t.listener, &t.ep), 0);
	rig_ep_recv(t.ep, 0, 10);
}
END_TEST

/* The FIN may come with the third segment as well. */
START_TEST(fin_with_the_third_segment)
{
	char c;

	rig_tcp_start_passive(&t);
	rig_tcp_push(&t, RIG_ACK | RIG_FIN, 1, 1, 5);
	rig_tcp_expect(&t, RIG_ACK, 1, 7, 0);
	ck_assert_int_eq(mr_ep_accept(t.listener, &t.ep), 0);
	ck_assert_int_eq(rig_tcp_state(t.ep), MR_TCP_CLOSE_WAIT);
	rig_ep_recv(t.ep, 0, 5);
	ck_assert_int_eq(mr_ep_recv(t.ep, &c, 1, NULL), 0);
}
END_TEST

/* B-51, D-8: a SYN that offers ECN opens a connection like a plain one. */
START_TEST(ecn_setup_syn)
{
	rig_tcp_listen(&t, 4);
	rig_tcp_push(&t, RIG_SYN | RIG_ECE | RIG_CWR, 0, 0, 0);
	ck_assert_uint_eq(rig_expect(&rig, RIG_TCP)->flags, RIG_SYN | RIG_ACK | RIG_ECE);
}
END_TEST

/* ---- accepted when there is something to read */

static void
deferred(int64_t seconds)
{
	rig_tcp_listen(&t, 4);
	ck_assert_int_eq(mr_ep_setopt(t.listener, MR_OPT_TCP_DEFER_ACCEPT_NS, seconds * (int64_t)RIG_S), 0);
	rig_tcp_start_passive(&t);
	rig_tcp_push(&t, RIG_ACK, 1, 1, 0);
	rig_expect_none(&rig);
	ck_assert_int_eq(mr_ep_accept(t.listener, &t.ep), -EAGAIN);
	ck_assert_uint_eq(mr_ep_readiness(t.listener) & MR_EV_IN, 0);
}

/* Data makes a connection of it, or its end. */
START_TEST(defer_accept)
{
	char c;

	deferred(31);
	rig_expect_none_for(&rig, 10 * RIG_S); /* and no SYN-ACK meanwhile */
	rig_tcp_push(&t, _i ? RIG_FIN | RIG_ACK : RIG_ACK, 1, 1, _i ? 0 : 10);
	rig_poll(&rig);
	ck_assert_int_eq(mr_ep_accept(t.listener, &t.ep), 0);
	if (_i)
		ck_assert_int_eq(mr_ep_recv(t.ep, &c, 1, NULL), 0);
	else
		rig_ep_recv(t.ep, 0, 10);
	rig_discard(&rig);
	rig_expect_no_drop(&rig);
}
END_TEST

/* Data with the third segment waits for nothing. */
START_TEST(defer_accept_at_once)
{
	rig_tcp_listen(&t, 4);
	ck_assert_int_eq(mr_ep_setopt(t.listener, MR_OPT_TCP_DEFER_ACCEPT_NS, 5 * (int64_t)RIG_S), 0);
	rig_tcp_start_passive(&t);
	rig_tcp_push(&t, RIG_ACK, 1, 1, 10);
	rig_poll(&rig);
	ck_assert_int_eq(mr_ep_accept(t.listener, &t.ep), 0);
	rig_discard(&rig);
}
END_TEST

/* When the time is over the peer is asked, and if it is still there, its connection accepted without data. */
START_TEST(defer_accept_no_longer)
{
	deferred(7);
	rig_expect_none_for(&rig, 6900 * RIG_MS);
	ck_assert(rig_advance_until_frame(&rig, 200 * RIG_MS));
	rig_tcp_expect(&t, RIG_SYN | RIG_ACK, 0, 1, 0);
	if (_i) {
		/* Nobody: as any half-open connection. */
		rig_advance(&rig, 70 * RIG_S);
		rig_discard(&rig);
		ck_assert_int_eq(mr_ep_accept(t.listener, &t.ep), -EAGAIN);
		return;
	}
	rig_tcp_push(&t, RIG_ACK, 1, 1, 0);
	rig_expect_none(&rig);
	ck_assert_int_eq(mr_ep_accept(t.listener, &t.ep), 0);
	ck_assert_int_eq(rig_tcp_state(t.ep), MR_TCP_ESTABLISHED);
}
END_TEST

/* A lost SYN-ACK is sent again as ever, until the peer has answered. */
START_TEST(defer_accept_lost_answer)
{
	rig_tcp_listen(&t, 4);
	ck_assert_int_eq(mr_ep_setopt(t.listener, MR_OPT_TCP_DEFER_ACCEPT_NS, 31 * (int64_t)RIG_S), 0);
	rig_tcp_start_passive(&t);
	ck_assert(rig_advance_until_frame(&rig, 1100 * RIG_MS));
	rig_tcp_expect(&t, RIG_SYN | RIG_ACK, 0, 1, 0);
	rig_tcp_push(&t, RIG_ACK, 1, 1, 0);
	rig_expect_none_for(&rig, 25 * RIG_S);
}
END_TEST

/* B-53: closing a listener resets what was not accepted and forgets what is half open. */
START_TEST(listener_close)
{
	struct rig_tcp o;

	rig_tcp_start_passive(&t);
	other_init(&o, 5001);
	rig_tcp_start_passive(&o);
	rig_tcp_push(&t, RIG_ACK, 1, 1, 0);
	rig_expect_none(&rig);
	mr_ep_close(t.listener);
	rig_tcp_expect(&t, RIG_RST | RIG_ACK, 1, 1, 0);
	rig_expect_none_for(&rig, 2 * RIG_S);
	rig_tcp_push(&o, RIG_ACK, 1, 1, 0);
	rig_tcp_expect(&o, RIG_RST, 1, 0, 0);
	rig_tcp_push(&t, RIG_ACK, 1, 1, 0);
	rig_tcp_expect(&t, RIG_RST, 1, 0, 0);
}
END_TEST

/* ---- what a listener ignores */

/* T93-04: resets and segments without SYN vanish, SYN with FIN too; an ACK is reset. */
START_TEST(listen_ignores)
{
	static const unsigned flags[] = {RIG_RST, RIG_RST | RIG_ACK, RIG_SYN | RIG_RST, 0, RIG_FIN, RIG_PSH,
	                                 RIG_SYN | RIG_FIN};

	rig_tcp_listen(&t, 4);
	rig_mark(&rig);
	rig_tcp_push(&t, flags[_i], 0, 0, 0);
	rig_expect_none(&rig);
	rig_expect_drop(&rig, MR_DROP_TCP_LISTEN_IGNORED);
	ck_assert_uint_eq(rig_moved(&rig, MR_CNT_TCP_PASSIVE_OPENS), 0);
}
END_TEST

START_TEST(listen_resets_ack)
{
	static const unsigned flags[] = {RIG_ACK, RIG_SYN | RIG_ACK, RIG_FIN | RIG_ACK};

	rig_tcp_listen(&t, 4);
	rig_tcp_push(&t, flags[_i], t.iss, 12345, 0, .raw_seq = true);
	rig_tcp_expect(&t, RIG_RST, 12345, 0, 0, .raw_seq = true);
	rig_expect_none(&rig);
}
END_TEST

/* MUST-57, MUST-63, B-50: nothing that is broadcast opens a connection, or gets an answer. */
START_TEST(broadcast_syn)
{
	rig_tcp_listen(&t, 4);
	rig_mark(&rig);
	rig_push_tcphdr(&rig, .ip.dst = rig_addr("10.0.0.255"), .seq = 1, .flags = RIG_SYN);
	rig_push_tcphdr(&rig, .ip.dst = rig_addr("10.0.0.255"), .seq = 1, .flags = RIG_SYN, .dport = 81);
	rig_push_tcphdr(&rig, .ip.src = rig_addr("10.0.0.255"), .seq = 1, .flags = RIG_SYN);
	rig_push_tcphdr(&rig, .ip.src = rig_addr("224.0.0.1"), .seq = 1, .flags = RIG_SYN);
	rig_expect_none(&rig);
	ck_assert_uint_eq(rig_moved(&rig, MR_CNT_TCP_PASSIVE_OPENS), 0);
	ck_assert_uint_eq(rig_moved(&rig, MR_DROP_TCP_BAD_ADDR), 2);
}
END_TEST

/* ---- closed ports */

/* T93-03, B-50: a reset with sequence number 0 that acknowledges all of the segment; or at SEG.ACK. */
START_TEST(closed_port)
{
	rig_tcp_init(&t, &rig, _i);
	rig_mark(&rig);
	rig_tcp_push(&t, RIG_SYN, 0, 0, 0);
	rig_tcp_expect(&t, RIG_RST | RIG_ACK, 0, t.iss + 1, 0, .raw_seq = true);
	rig_tcp_push(&t, RIG_SYN, 0, 0, 20);
	rig_tcp_expect(&t, RIG_RST | RIG_ACK, 0, t.iss + 21, 0, .raw_seq = true);
	rig_tcp_push(&t, RIG_FIN, 0, 0, 20);
	rig_tcp_expect(&t, RIG_RST | RIG_ACK, 0, t.iss + 21, 0, .raw_seq = true);
	rig_tcp_push(&t, RIG_ACK, 0, 77, 20);
	rig_tcp_expect(&t, RIG_RST, 77, 0, 0);
	rig_expect_drops(&rig, MR_DROP_TCP_NO_PORT, 4);
	ck_assert_uint_eq(rig_moved(&rig, MR_CNT_TCP_RESETS_TX), 4);
}
END_TEST

/* T93-03, B-50: a reset is never answered. */
START_TEST(closed_port_rst)
{
	rig_tcp_init(&t, &rig, _i);
	rig_mark(&rig);
	rig_tcp_push(&t, RIG_RST, 0, 0, 0);
	rig_tcp_push(&t, RIG_RST | RIG_ACK, 0, 77, 0);
	rig_tcp_push(&t, RIG_RST | RIG_SYN, 0, 0, 0);
	rig_expect_none(&rig);
	rig_expect_drops(&rig, MR_DROP_TCP_NO_PORT, 3);
}
END_TEST

/* ---- active */

/* B-45, MUST-14, WS-02, TS-01. */
START_TEST(active_open_options)
{
	struct mr_sockaddr to;
	const struct rig_frame *f;

	rig_tcp_init(&t, &rig, _i);
	to = rig_peer(&rig, _i, 5000);
	ck_assert_int_eq(mr_ep_create(rig.stack, MR_TRANS_TCP, _i ? MR_NET_IPV6 : MR_NET_IPV4, &t.ep), 0);
	ck_assert_int_eq(mr_ep_connect(t.ep, &to), -EINPROGRESS);
	ck_assert_int_eq(mr_ep_connect(t.ep, &to), -EALREADY);
	f = rig_expect(&rig, RIG_TCP);
	ck_assert_uint_eq(f->flags, RIG_SYN);
	ck_assert_uint_eq(f->ack, 0);
	ck_assert_uint_eq(f->payload_len, 0);
	ck_assert(f->has_mss && f->mss == (_i ? 1440 : 1460));
	ck_assert(f->has_ws && f->ws <= 14);
	ck_assert(f->has_ts && f->tsecr == 0);
	ck_assert_uint_eq(f->wnd, 65535);
	ck_assert_int_eq(rig_tcp_state(t.ep), MR_TCP_SYN_SENT);
	ck_assert_uint_eq(rig_moved(&rig, MR_CNT_TCP_ACTIVE_OPENS), 1);
}
END_TEST

START_TEST(active_open)
{
	struct mr_sockaddr to = rig_peer(&rig, _i, 5000);

	rig_tcp_init(&t, &rig, _i);
	t.ts = true;
	rig_tcp_establish_active(&t);
	ck_assert(t.ts_on);
	ck_assert_uint_eq(mr_ep_readiness(t.ep), MR_EV_OUT);
	ck_assert_int_eq(mr_ep_connect(t.ep, &to), -EISCONN);
	rig_expect_no_drop(&rig);
	rig_expect_none_for(&rig, 10 * RIG_S);
}
END_TEST

/* WS-02: the window of the peer's SYN-ACK is as it stands there, the next one is scaled. */
START_TEST(window_of_a_syn_is_not_scaled)
{
	rig_tcp_start_active(&t);
	rig_tcp_push(&t, RIG_SYN | RIG_ACK, 0, 1, 0, .wnd = 1000);
	rig_tcp_expect(&t, RIG_ACK, 1, 1, 0);
	rig_ep_send(t.ep, 0, 5000);
	rig_tcp_expect(&t, RIG_ACK, 1, 1, 1000, .pattern = true);
	rig_expect_none(&rig);
	rig_tcp_push(&t, RIG_ACK, 1, 1001, 0, .wnd = 1000);
	rig_tcp_expect(&t, RIG_ACK, 1001, 1, 460, .pattern = true);
	rig_tcp_expect(&t, RIG_ACK, 1461, 1, 1460, .pattern = true);
	rig_discard(&rig);
}
END_TEST

/* Bound to an address alone: the port comes with the peer, and the same one serves for another peer. Here all ports but one
 * are taken, so there is no choice. */
START_TEST(bind_without_port)
{
	const struct mr_sockaddr local = {.addr = rig.addr4}, first = rig_peer(&rig, false, 5000);
	struct mr_sockaddr second = rig_peer(&rig, false, 5001), name;
	struct mr_port_req taken = {.proto = MR_TRANS_TCP, .v4 = true};
	struct mr_ep *ep[3];

	for (uint32_t p = MR_PORT_EPHEMERAL_FIRST; p < MR_PORT_EPHEMERAL_LAST; p++) {
		taken.port = (uint16_t)p;
		ck_assert_int_eq(mr_port_reserve(rig.stack, &taken), 0);
	}
	for (unsigned i = 0; i < 3; i++) {
		ck_assert_int_eq(mr_ep_create(rig.stack, MR_TRANS_TCP, MR_NET_IPV4, &ep[i]), 0);
		ck_assert_int_eq(mr_ep_setopt(ep[i], MR_OPT_TCP_BIND_NO_PORT, 1), 0);
		ck_assert_int_eq(mr_ep_bind(ep[i], &local), 0);
		ck_assert_int_eq(mr_ep_bind(ep[i], &local), -EINVAL);
		ck_assert_int_eq(mr_ep_local_name(ep[i], &name), 0);
		ck_assert(mr_addr_equal(&name.addr, &rig.addr4) && name.port == 0);
	}
	ck_assert_int_eq(mr_ep_connect(ep[0], &first), -EINPROGRESS);
	ck_assert_int_eq(mr_ep_connect(ep[1], &second), -EINPROGRESS);
	ck_assert_int_eq(mr_ep_connect(ep[2], &second), -EAGAIN);
	for (unsigned i = 0; i < 2; i++) {
		const struct rig_frame *f = rig_expect(&rig, RIG_TCP);

		ck_assert_uint_eq(f->sport, MR_PORT_EPHEMERAL_LAST);
		ck_assert_uint_eq(f->dport, 5000 + i);
		ck_assert(mr_addr_equal(&f->src, &rig.addr4));
	}
	mr_ep_close(ep[0]);
	/* What could not connect may listen: now it needs the port for itself. */
	ck_assert_int_eq(mr_ep_listen(ep[2], 1), 0);
	ck_assert_int_eq(mr_ep_local_name(ep[2], &name), 0);
	ck_assert_uint_eq(name.port, MR_PORT_EPHEMERAL_LAST);
	taken.port = MR_PORT_EPHEMERAL_LAST;
	ck_assert(!mr_port_is_available(rig.stack, &taken));
	mr_ep_close(ep[2]);
	mr_ep_close(ep[1]);
	ck_assert(mr_port_is_available(rig.stack, &taken));
}
END_TEST

/* A port that is named is taken as ever, whatever the option says. */
START_TEST(bind_with_port_after_all)
{
	const struct mr_sockaddr local = {.addr = rig.addr4, .port = 777};
	struct mr_port_req req = {.proto = MR_TRANS_TCP, .v4 = true, .port = 777};
	struct mr_ep *ep;

	ck_assert_int_eq(mr_ep_create(rig.stack, MR_TRANS_TCP, MR_NET_IPV4, &ep), 0);
	ck_assert_int_eq(mr_ep_setopt(ep, MR_OPT_TCP_BIND_NO_PORT, 1), 0);
	ck_assert_int_eq(mr_ep_bind(ep, &local), 0);
	ck_assert(!mr_port_is_available(rig.stack, &req));
	mr_ep_close(ep);
	ck_assert(mr_port_is_available(rig.stack, &req));
}
END_TEST

/* PO-04: of several cores, one calls from ports whose answers come back to it. */
START_TEST(ports_come_home)
{
	static struct mr_steer steer;
	struct mr_tuple back = {.src = rig.peer4, .dst = rig.addr4, .sport_be = rte_cpu_to_be_16(5000)};
	struct mr_sockaddr to = rig_peer(&rig, false, 5000), name;
	struct mr_ep *ep;

	for (uint16_t core = 0; core < 16; core++) {
		mr_steer_init(&steer, core, 16, NULL);
		ck_assert_int_eq(mr_ep_create(rig.stack, MR_TRANS_TCP, MR_NET_IPV4, &ep), 0);
		rig.stack->steer = &steer;
		ck_assert_int_eq(mr_ep_connect(ep, &to), -EINPROGRESS);
		rig.stack->steer = NULL;
		ck_assert_int_eq(mr_ep_local_name(ep, &name), 0);
		back.dport_be = rte_cpu_to_be_16(name.port);
		ck_assert_uint_eq(mr_steer_owner(&steer, &back), core);
		mr_ep_abort(ep);
	}
	rig_discard(&rig);
}
END_TEST

/* MUST-8, SHLD-1: initial sequence numbers of one tuple grow with the clock, those of different tuples are apart. */
START_TEST(initial_sequence_numbers)
{
	uint32_t first, later;

	rig_tcp_start_passive(&t);
	first = t.irs;
	rig_tcp_push(&t, RIG_RST, 1, 0, 0);
	rig_advance(&rig, 400 * RIG_MS);
	rig_tcp_start_passive(&t);
	later = t.irs;
	ck_assert_uint_ge(later - first, 400000 / 5);
	ck_assert_uint_le(later - first, 400000);
	t.peer_port++;
	rig_tcp_start_passive(&t);
	ck_assert_uint_gt(t.irs - later, 1000000);
}
END_TEST

/* B-45, MUST-22: the SYN again after 1, 2, 4 .. 32 s, then ETIMEDOUT. */
START_TEST(active_open_timeout)
{
	uint64_t start;
	char c;

	rig_tcp_start_active(&t);
	start = rig.now;
	for (unsigned i = 1; i <= 6; i++) {
		rig_expect_after(&rig, start, 1000 * ((1u << i) - 1) * RIG_MS);
		rig_tcp_expect(&t, RIG_SYN, 0, 0, 0);
	}
	rig_advance(&rig, start + 126900 * RIG_MS - rig.now);
	ck_assert_int_eq(rig_tcp_state(t.ep), MR_TCP_SYN_SENT);
	rig_expect_none_for(&rig, 200 * RIG_MS);
	ck_assert_int_eq(rig_tcp_state(t.ep), MR_TCP_CLOSED);
	ck_assert_int_eq(mr_ep_recv(t.ep, &c, 1, NULL), -ETIMEDOUT);
	ck_assert_uint_eq(rig_moved(&rig, MR_CNT_TCP_TIMEOUTS), 1);
}
END_TEST

/* T93-14: the application's own bound, at the next SYN. */
START_TEST(active_open_user_timeout)
{
	struct mr_sockaddr to = rig_peer(&rig, false, 5000);

	ck_assert_int_eq(mr_ep_create(rig.stack, MR_TRANS_TCP, MR_NET_IPV4, &t.ep), 0);
	ck_assert_int_eq(mr_ep_setopt(t.ep, MR_OPT_TCP_USER_TIMEOUT_NS, 5 * (int64_t)RIG_S), 0);
	ck_assert_int_eq(mr_ep_connect(t.ep, &to), -EINPROGRESS);
	rig_advance(&rig, 6900 * RIG_MS);
	ck_assert_int_eq(rig_tcp_state(t.ep), MR_TCP_SYN_SENT);
	rig_discard(&rig);
	rig_expect_none_for(&rig, 200 * RIG_MS);
	ck_assert_int_eq(mr_ep_error(t.ep), -ETIMEDOUT);
}
END_TEST

/* B-45, T93-05: a reset counts only with an ACK of our SYN. */
START_TEST(active_open_refused)
{
	rig_tcp_start_active(&t);
	rig_mark(&rig);
	rig_tcp_push(&t, RIG_RST, 0, 0, 0);
	rig_expect_none(&rig);
	rig_expect_drop(&rig, MR_DROP_TCP_SYN_SENT_IGNORED);
	rig_tcp_push(&t, RIG_RST | RIG_ACK, 0, 2, 0);
	rig_tcp_push(&t, RIG_RST | RIG_ACK, 0, 0, 0);
	rig_expect_none(&rig);
	ck_assert_uint_eq(rig_moved(&rig, MR_DROP_TCP_BAD_ACK), 2);
	ck_assert_int_eq(rig_tcp_state(t.ep), MR_TCP_SYN_SENT);
	rig_tcp_push(&t, RIG_RST | RIG_ACK, 0, 1, 0);
	rig_expect_none(&rig);
	ck_assert_int_eq(rig_tcp_state(t.ep), MR_TCP_CLOSED);
	ck_assert_uint_eq(mr_ep_readiness(t.ep) & (MR_EV_ERR | MR_EV_HUP), MR_EV_ERR | MR_EV_HUP);
	ck_assert_int_eq(mr_ep_error(t.ep), -ECONNREFUSED);
	rig_expect_none_for(&rig, 5 * RIG_S);
}
END_TEST

/* T93-05: an ACK of something else gets a reset at SEG.ACK; the open goes on. */
START_TEST(active_open_bad_ack)
{
	rig_tcp_start_active(&t);
	rig_tcp_push(&t, RIG_SYN | RIG_ACK, 0, 2, 0);
	rig_tcp_expect(&t, RIG_RST, 2, 0, 0);
	rig_tcp_push(&t, RIG_ACK, 0, 0, 0);
	rig_tcp_expect(&t, RIG_RST, 0, 0, 0);
	ck_assert_int_eq(rig_tcp_state(t.ep), MR_TCP_SYN_SENT);
	rig_mark(&rig);
	rig_tcp_push(&t, RIG_ACK, 0, 1, 0); /* right, but no SYN */
	rig_expect_none(&rig);
	rig_expect_drop(&rig, MR_DROP_TCP_SYN_SENT_IGNORED);
	rig_tcp_push(&t, RIG_SYN | RIG_ACK, 0, 1, 0);
	rig_tcp_expect(&t, RIG_ACK, 1, 1, 0);
	ck_assert_int_eq(rig_tcp_state(t.ep), MR_TCP_ESTABLISHED);
}
END_TEST

/* T93-12: a FIN beside the peer's SYN waits, as data would: the peer sends it again. */
START_TEST(active_open_syn_with_fin)
{
	rig_tcp_start_active(&t);
	rig_tcp_push(&t, RIG_SYN | RIG_FIN | (_i ? RIG_ACK : 0), 0, _i, 0);
	rig_tcp_expect(&t, _i ? RIG_ACK : RIG_SYN | RIG_ACK, _i, 1, 0);
	rig_tcp_push(&t, RIG_FIN | RIG_ACK, 1, 1, 0);
	rig_tcp_expect(&t, RIG_ACK, 1, 2, 0);
	ck_assert_int_eq(rig_tcp_state(t.ep), MR_TCP_CLOSE_WAIT);
}
END_TEST

/* MUST-54, B-45: an ICMP error about the SYN ends the open at once; one about something else does not. */
START_TEST(active_open_unreachable)
{
	const struct rig_frame *syn;
	uint8_t quote[28];

	rig_tcp_start_active(&t);
	ck_assert(rig_advance_until_frame(&rig, 2 * RIG_S));
	syn = rig_next(&rig);
	memcpy(quote, syn->b + 14, sizeof(quote));
	quote[27] ^= 1;
	rig_push_icmp(&rig, .type = 3, .code = 1, .data = quote, .len = sizeof(quote));
	rig_expect_none(&rig);
	ck_assert_int_eq(rig_tcp_state(t.ep), MR_TCP_SYN_SENT);
	quote[27] ^= 1;
	rig_push_icmp(&rig, .type = 3, .code = 1, .data = quote, .len = sizeof(quote));
	rig_expect_none(&rig);
	ck_assert_int_eq(rig_tcp_state(t.ep), MR_TCP_CLOSED);
	ck_assert_int_eq(mr_ep_error(t.ep), -EHOSTUNREACH);
}
END_TEST

/* MUST-46: no connection to a group or to everybody. */
START_TEST(active_open_bad_address)
{
	static const char *const to[] = {"10.0.0.255", "255.255.255.255", "224.0.0.5", "0.0.0.0"};
	struct mr_sockaddr a = {.port = 80, .addr = rig_addr(to[_i])};
	struct mr_ep *ep;

	ck_assert_int_eq(mr_ep_create(rig.stack, MR_TRANS_TCP, MR_NET_IPV4, &ep), 0);
	ck_assert_int_lt(mr_ep_connect(ep, &a), 0);
	ck_assert_int_eq(rig_tcp_state(ep), MR_TCP_CLOSED);
	rig_expect_none(&rig);
	a = rig_peer(&rig, false, 5000);
	ck_assert_int_eq(mr_ep_connect(ep, &a), -EINPROGRESS);
}
END_TEST

/* MUST-10, B-52: both call at once. The peer confirms by a plain ACK, or by its SYN-ACK. */
START_TEST(simultaneous_open)
{
	rig_tcp_start_active(&t);
	rig_tcp_push(&t, RIG_SYN, 0, 0, 0);
	rig_tcp_expect(&t, RIG_SYN | RIG_ACK, 0, 1, 0);
	ck_assert_int_eq(rig_tcp_state(t.ep), MR_TCP_SYN_RECEIVED);
	if (_i)
		rig_tcp_push(&t, RIG_SYN | RIG_ACK, 0, 1, 0);
	else
		rig_tcp_push(&t, RIG_ACK, 1, 1, 0);
	rig_poll(&rig);
	rig_discard(&rig);
	ck_assert_int_eq(rig_tcp_state(t.ep), MR_TCP_ESTABLISHED);
	rig_tcp_push(&t, RIG_ACK, 1, 1, 10);
	rig_advance(&rig, 50 * RIG_MS);
	rig_tcp_expect(&t, RIG_ACK, 1, 11, 0);
	rig_expect_none_for(&rig, 5 * RIG_S);
	rig_ep_recv(t.ep, 0, 10);
}
END_TEST

/* B-52: a connection to itself is a simultaneous open; what it says it hears. */
START_TEST(connected_to_itself)
{
	struct mr_sockaddr self = rig_local(&rig, _i, 77);

	ck_assert_int_eq(mr_ep_create(rig.stack, MR_TRANS_TCP, _i ? MR_NET_IPV6 : MR_NET_IPV4, &t.ep), 0);
	ck_assert_int_eq(mr_ep_bind(t.ep, &self), 0);
	ck_assert_int_eq(mr_ep_connect(t.ep, &self), -EINPROGRESS);
	rig_expect_none_for(&rig, 100 * RIG_MS);
	ck_assert_int_eq(rig_tcp_state(t.ep), MR_TCP_ESTABLISHED);
	ck_assert_int_eq(rig_ep_send(t.ep, 0, 5000), 5000);
	rig_expect_none_for(&rig, RIG_S);
	rig_ep_recv(t.ep, 0, 5000);
	mr_ep_close(t.ep);
	rig_expect_none_for(&rig, 10 * RIG_S);
	rig_expect_no_drop(&rig);
}
END_TEST

/* MUST-11, T93-06: SYN-RECEIVED of an active open is refused by a reset; a wrong ACK is reset. */
START_TEST(simultaneous_open_rst)
{
	rig_tcp_start_active(&t);
	rig_tcp_push(&t, RIG_SYN, 0, 0, 0);
	rig_tcp_expect(&t, RIG_SYN | RIG_ACK, 0, 1, 0);
	rig_tcp_push(&t, RIG_ACK, 1, 7, 0);
	rig_tcp_expect(&t, RIG_RST, 7, 0, 0);
	ck_assert_int_eq(rig_tcp_state(t.ep), MR_TCP_SYN_RECEIVED);
	rig_tcp_push(&t, RIG_RST, 1, 0, 0);
	rig_expect_none(&rig);
	ck_assert_int_eq(mr_ep_error(t.ep), -ECONNREFUSED);
}
END_TEST

/* The SYN-ACK of a simultaneous open is sent again as well. */
START_TEST(simultaneous_open_retransmit)
{
	uint64_t start;

	rig_tcp_start_active(&t);
	start = rig.now;
	rig_tcp_push(&t, RIG_SYN, 0, 0, 0);
	rig_tcp_expect(&t, RIG_SYN | RIG_ACK, 0, 1, 0);
	rig_expect_after(&rig, start, 1000 * RIG_MS);
	rig_tcp_expect(&t, RIG_SYN | RIG_ACK, 0, 1, 0);
}
END_TEST

/* Closing before the answer: no segment, and the late answer is reset. */
START_TEST(close_in_syn_sent)
{
	rig_tcp_start_active(&t);
	mr_ep_close(t.ep);
	rig_expect_none_for(&rig, 5 * RIG_S);
	rig_tcp_push(&t, RIG_SYN | RIG_ACK, 0, 1, 0);
	rig_tcp_expect(&t, RIG_RST, 1, 0, 0);
}
END_TEST

static Suite *
suite(void)
{
	Suite *s = suite_create("tcp_open");
	TCase *tc = rig_case(s, "open", tcp_setup, rig_teardown);

	tcase_add_loop_test(tc, passive_open_with_options, 0, 2);
	tcase_add_loop_test(tc, passive_open_without_options, 0, 2);
	tcase_add_loop_test(tc, odd_options_are_survived, 0, 3);
	tcase_add_test(tc, syn_again_same_syn_ack);
	tcase_add_test(tc, syn_twice_in_a_burst);
	tcase_add_test(tc, syn_ack_retransmission);
	tcase_add_test(tc, late_ack_completes);
	tcase_add_loop_test(tc, syn_received_wrong_ack, 0, 3);
	tcase_add_test(tc, syn_received_out_of_window);
	tcase_add_test(tc, syn_received_rst);
	tcase_add_test(tc, syn_received_inexact_rst);
	tcase_add_test(tc, syn_received_other_syn);
	tcase_add_test(tc, accept_queue_full);
	tcase_add_test(tc, data_with_syn_and_before_accept);
	tcase_add_test(tc, fin_with_the_third_segment);
	tcase_add_test(tc, ecn_setup_syn);
	tcase_add_loop_test(tc, defer_accept, 0, 2);
	tcase_add_test(tc, defer_accept_at_once);
	tcase_add_loop_test(tc, defer_accept_no_longer, 0, 2);
	tcase_add_test(tc, defer_accept_lost_answer);
	tcase_add_test(tc, listener_close);
	tcase_add_loop_test(tc, listen_ignores, 0, 7);
	tcase_add_loop_test(tc, listen_resets_ack, 0, 3);
	tcase_add_test(tc, broadcast_syn);
	tcase_add_loop_test(tc, closed_port, 0, 2);
	tcase_add_loop_test(tc, closed_port_rst, 0, 2);
	tcase_add_loop_test(tc, active_open_options, 0, 2);
	tcase_add_loop_test(tc, active_open, 0, 2);
	tcase_add_test(tc, window_of_a_syn_is_not_scaled);
	tcase_add_test(tc, ports_come_home);
	tcase_add_test(tc, initial_sequence_numbers);
	tcase_add_test(tc, active_open_timeout);
	tcase_add_test(tc, active_open_user_timeout);
	tcase_add_test(tc, active_open_refused);
	tcase_add_test(tc, active_open_bad_ack);
	tcase_add_loop_test(tc, active_open_syn_with_fin, 0, 2);
	tcase_add_test(tc, active_open_unreachable);
	tcase_add_loop_test(tc, active_open_bad_address, 0, 4);
	tcase_add_test(tc, bind_without_port);
	tcase_add_test(tc, bind_with_port_after_all);
	tcase_add_loop_test(tc, simultaneous_open, 0, 2);
	tcase_add_loop_test(tc, connected_to_itself, 0, 2);
	tcase_add_test(tc, simultaneous_open_rst);
	tcase_add_test(tc, simultaneous_open_retransmit);
	tcase_add_test(tc, close_in_syn_sent);
	return s;
}

RIG_MAIN(suite)
