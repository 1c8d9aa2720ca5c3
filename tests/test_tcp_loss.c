/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What TCP does about loss when the peer has no SACK: the retransmission timer, fast retransmit and NewReno recovery; and
 * the congestion window, and packets that are too big for the path. With SACK: test_tcp_rack.
 *
 * Requirements by number: MUST-n, SHLD-n, CC-n, RT-n, PM-n of RFC 9293 and its companions, B-n of the behaviour list.
 */
#include "rig/fixture.h"

#include <errno.h>
#include <string.h>

#include "proto/tcp/tcp.h"

#define MSS 1460u
#define RTO_MS 201u /* after a handshake of no time, which a passive open measures as up to a millisecond */

static void
setup(void)
{
	tcp_setup();
	t.sack = false;
}

/* The n next full segments of the stream, from segment `first` on, and nothing else. */
static void
expect_segs(uint32_t first, uint32_t n)
{
	for (uint32_t i = first; i < first + n; i++)
		rig_tcp_expect(&t, RIG_ACK, 1 + i * MSS, 1, MSS, .pattern = true);
	rig_expect_none(&rig);
}

/* The peer acknowledges n segments in all, or says so again. */
static void
ack_segs(uint32_t n)
{
	rig_tcp_push(&t, RIG_ACK, 1, 1 + n * MSS, 0);
}

/* ---- the timer */

/* RT-01, RT-08, RT-09, MUST-18, MUST-19, B-66: the SYN-ACK was sent again after a second, so nothing was measured: three
 * seconds, then doubling. */
START_TEST(rto_without_sample)
{
	uint64_t start;

	rig_tcp_init(&t, &rig, _i & 1);
	rig_tcp_start_passive(&t);
	rig_expect_after(&rig, rig.now, 1000 * RIG_MS);
	rig_tcp_expect(&t, RIG_SYN | RIG_ACK, 0, 1, 0);
	if (_i & 2)
		rig_advance(&rig, 1500 * RIG_MS); /* whichever of the two is answered */
	rig_tcp_push(&t, RIG_ACK, 1, 1, 0);
	rig_expect_none(&rig);
	ck_assert_int_eq(mr_ep_accept(t.listener, &t.ep), 0);
	rig_mark(&rig);
	rig_ep_send(t.ep, 0, 100);
	rig_tcp_expect(&t, RIG_ACK, 1, 1, 100, .pattern = true);
	start = rig.now;
	for (unsigned i = 1; i <= 4; i++) {
		rig_expect_after(&rig, start, 3000 * ((1u << i) - 1) * RIG_MS);
		rig_tcp_expect(&t, RIG_ACK, 1, 1, 100, .pattern = true);
	}
	ck_assert_uint_eq(rig_moved(&rig, MR_CNT_TCP_RTO), 4);
	ck_assert_uint_eq(rig_moved(&rig, MR_CNT_TCP_RETRANSMITS), 4);
	rig_tcp_push(&t, RIG_ACK, 1, 101, 0);
	rig_expect_none_for(&rig, 100 * RIG_S);
}
END_TEST

/* RT-03, B-66: the floor of 200 ms; RT-01: SRTT + 4 RTTVAR above it. The handshake is a sample for both ends. */
START_TEST(rto_after_sample)
{
	static const uint64_t rtt_ms[] = {0, 100, 0, 100}, rto_ms[] = {200, 300, 201, 303};
	uint64_t start;

	if (_i < 2) {
		rig_tcp_start_active(&t);
		rig_advance(&rig, rtt_ms[_i] * RIG_MS);
		rig_tcp_push(&t, RIG_SYN | RIG_ACK, 0, 1, 0);
		rig_tcp_expect(&t, RIG_ACK, 1, 1, 0);
	} else {
		rig_tcp_start_passive(&t);
		rig_advance(&rig, rtt_ms[_i] * RIG_MS);
		rig_tcp_push(&t, RIG_ACK, 1, 1, 0);
		rig_expect_none(&rig);
		ck_assert_int_eq(mr_ep_accept(t.listener, &t.ep), 0);
	}
	rig_ep_send(t.ep, 0, 100);
	rig_tcp_expect(&t, RIG_ACK, 1, 1, 100);
	start = rig.now;
	rig_expect_after(&rig, start, rto_ms[_i] * RIG_MS);
	rig_tcp_expect(&t, RIG_ACK, 1, 1, 100);
	rig_expect_after(&rig, start, 3 * rto_ms[_i] * RIG_MS);
	rig_tcp_expect(&t, RIG_ACK, 1, 1, 100);
}
END_TEST

/* RT-05: the ACK of what was sent twice is no sample (Karn), and the backoff stays until there is one; unless timestamps tell
 * which it was. */
START_TEST(karn)
{
	uint64_t start;

	t.ts = _i;
	rig_tcp_establish_passive(&t);
	rig_ep_send(t.ep, 0, 100);
	rig_tcp_expect(&t, RIG_ACK, 1, 1, 100);
	rig_expect_after(&rig, rig.now, RTO_MS * RIG_MS);
	rig_tcp_expect(&t, RIG_ACK, 1, 1, 100);
	rig_advance(&rig, 100 * RIG_MS);
	rig_tcp_push(&t, RIG_ACK, 1, 101, 0);
	rig_expect_none(&rig);
	rig_ep_send(t.ep, 100, 100);
	rig_tcp_expect(&t, RIG_ACK, 101, 1, 100);
	start = rig.now;
	rig_expect_after(&rig, start, _i ? 200 * RIG_MS + (7 * RIG_MS + 100 * RIG_MS) / 8 : 2 * RTO_MS * RIG_MS); /* SRTT has moved by an eighth, or not at all */
	rig_tcp_expect(&t, RIG_ACK, 101, 1, 100);
}
END_TEST

/* RT-09: the SYN timed out and nothing was measured: 3 s. */
START_TEST(rto_after_lost_syn)
{
	rig_tcp_start_active(&t);
	rig_expect_after(&rig, rig.now, 1000 * RIG_MS);
	rig_tcp_expect(&t, RIG_SYN, 0, 0, 0);
	rig_tcp_push(&t, RIG_SYN | RIG_ACK, 0, 1, 0);
	rig_tcp_expect(&t, RIG_ACK, 1, 1, 0);
	rig_ep_send(t.ep, 0, 100);
	rig_tcp_expect(&t, RIG_ACK, 1, 1, 100);
	rig_expect_after(&rig, rig.now, 3000 * RIG_MS);
	rig_tcp_expect(&t, RIG_ACK, 1, 1, 100);
}
END_TEST

/* CC-22, RT-07: each ACK of new data starts the timer again. */
START_TEST(timer_restarts)
{
	rig_tcp_establish_active(&t);
	rig_ep_send(t.ep, 0, 2 * MSS);
	expect_segs(0, 2);
	rig_advance(&rig, 150 * RIG_MS);
	rig_expect_none(&rig);
	ack_segs(1);
	rig_expect_none_for(&rig, 200 * RIG_MS);
	ck_assert(rig_advance_until_frame(&rig, 100 * RIG_MS));
	expect_segs(1, 1);
}
END_TEST

/* MUST-20, SHLD-11, B-66: 15 times, never more than 120 s apart, then ETIMEDOUT and silence. */
START_TEST(gives_up)
{
	uint64_t start, last, gap = 0;
	char c;

	rig_tcp_establish_passive(&t);
	rig_ep_send(t.ep, 0, 100);
	rig_tcp_expect(&t, RIG_ACK, 1, 1, 100);
	start = last = rig.now;
	for (unsigned i = 0; i < 15; i++) {
		ck_assert(rig_advance_until_frame(&rig, 121 * RIG_S));
		rig_tcp_expect(&t, RIG_ACK, 1, 1, 100, .pattern = true);
		ck_assert_uint_ge(rig.now - last, RTE_MIN(2 * gap, 120 * RIG_S) - 5 * RIG_MS * (i > 0));
		gap = rig.now - last;
		last = rig.now;
	}
	ck_assert_uint_ge(rig.now - start, 100 * RIG_S);
	rig_expect_none_for(&rig, 121 * RIG_S);
	ck_assert_int_eq(rig_tcp_state(t.ep), MR_TCP_CLOSED);
	ck_assert_int_eq(mr_ep_recv(t.ep, &c, 1, NULL), -ETIMEDOUT);
	ck_assert_uint_eq(rig_moved(&rig, MR_CNT_TCP_TIMEOUTS), 1);
}
END_TEST

/* MUST-21, T93-14: the application's own bound. */
START_TEST(user_timeout)
{
	rig_tcp_establish_passive(&t);
	ck_assert_int_eq(mr_ep_setopt(t.ep, MR_OPT_TCP_USER_TIMEOUT_NS, 5 * (int64_t)RIG_S), 0);
	rig_ep_send(t.ep, 0, 100);
	rig_advance(&rig, 4900 * RIG_MS);
	ck_assert_int_eq(rig_tcp_state(t.ep), MR_TCP_ESTABLISHED);
	rig_advance(&rig, 3 * RIG_S);
	ck_assert_int_eq(mr_ep_error(t.ep), -ETIMEDOUT);
	rig_discard(&rig);
}
END_TEST

/* CC-10: after the timeout one segment, then slow start over what was lost. */
START_TEST(rto_recovery)
{
	rig_tcp_establish_passive(&t);
	rig_ep_send(t.ep, 0, 10 * MSS);
	expect_segs(0, 10);
	rig_expect_after(&rig, rig.now, RTO_MS * RIG_MS);
	expect_segs(0, 1);
	ack_segs(1);
	expect_segs(1, 2);
	ack_segs(3);
	expect_segs(3, 4);
	ack_segs(10); /* the rest had arrived */
	rig_expect_none_for(&rig, 10 * RIG_S);
	ck_assert_uint_eq(rig_moved(&rig, MR_CNT_TCP_RTO), 1);
}
END_TEST

/* CC-14, RFC 6582 3.2: duplicate ACKs for what the timeout resends start no fast recovery. */
START_TEST(no_fast_retransmit_after_rto)
{
	rig_tcp_establish_passive(&t);
	rig_ep_send(t.ep, 0, 10 * MSS);
	expect_segs(0, 10);
	rig_expect_after(&rig, rig.now, RTO_MS * RIG_MS);
	expect_segs(0, 1);
	for (int i = 0; i < 4; i++)
		ack_segs(0);
	rig_poll(&rig);
	ck_assert_uint_eq(rig_moved(&rig, MR_CNT_TCP_FAST_RETRANSMITS), 0);
	rig_discard(&rig);
}
END_TEST

/* ---- the congestion window */

/* CC-03, CC-04, CC-08, B-67: ten segments, doubling while all is acknowledged. */
START_TEST(slow_start)
{
	rig_tcp_establish_passive(&t);
	rig_ep_send(t.ep, 0, 100 * MSS);
	expect_segs(0, 10);
	ack_segs(10);
	expect_segs(10, 20);
	ack_segs(20);
	expect_segs(30, 20);
}
END_TEST

/* CC-05: more than one SYN was lost: one segment. */
START_TEST(initial_window_after_lost_syns)
{
	rig_tcp_start_active(&t);
	rig_expect_after(&rig, rig.now, 1000 * RIG_MS);
	rig_tcp_expect(&t, RIG_SYN, 0, 0, 0);
	rig_expect_after(&rig, rig.now, 2000 * RIG_MS);
	rig_tcp_expect(&t, RIG_SYN, 0, 0, 0);
	rig_tcp_push(&t, RIG_SYN | RIG_ACK, 0, 1, 0);
	rig_tcp_expect(&t, RIG_ACK, 1, 1, 0);
	rig_ep_send(t.ep, 0, 10 * MSS);
	expect_segs(0, 1);
}
END_TEST

/* The same of a passive open, whose SYN-ACK was lost. Before anything is lost, duplicates may tell of any loss (RFC 6582 3.2). */
START_TEST(initial_window_after_lost_syn_acks)
{
	rig_tcp_start_passive(&t);
	for (int i = 0; i < _i; i++) {
		rig_expect_after(&rig, rig.now, (i + 1) * RIG_S);
		rig_tcp_expect(&t, RIG_SYN | RIG_ACK, 0, 1, 0);
	}
	rig_tcp_push(&t, RIG_ACK, 1, 1, 0);
	rig_poll(&rig);
	ck_assert_int_eq(mr_ep_accept(t.listener, &t.ep), 0);
	ck_assert_uint_eq(tcp_conn(t.ep)->recover, tcp_conn(t.ep)->iss);
	rig_ep_send(t.ep, 0, 10 * MSS);
	expect_segs(0, _i < 2 ? 10 : 1);
}
END_TEST

/* CC-15: after an idle time the initial window again. */
START_TEST(restart_after_idle)
{
	rig_tcp_establish_passive(&t);
	rig_ep_send(t.ep, 0, 30 * MSS);
	expect_segs(0, 10);
	ack_segs(10);
	expect_segs(10, 20);
	ack_segs(30);
	rig_advance(&rig, 10 * RIG_S);
	rig_ep_send(t.ep, 30 * MSS, 30 * MSS);
	expect_segs(30, 10);
}
END_TEST

/* RFC 2861: three quarters of what the window had come to are where slow start ends again, unless it would later. */
START_TEST(idle_remembers_the_window)
{
	struct tcp_cc *cc;

	rig_tcp_establish_passive(&t);
	cc = &tcp_conn(t.ep)->cc;
	rig_ep_send(t.ep, 0, 10 * MSS);
	expect_segs(0, 10);
	ack_segs(10);
	rig_poll(&rig);
	cc->cwnd = 40 * MSS;
	cc->ssthresh = (_i ? 35 : 5) * MSS;
	rig_advance(&rig, 10 * RIG_S);
	rig_ep_send(t.ep, 10 * MSS, MSS);
	expect_segs(10, 1);
	ck_assert_uint_eq(cc->cwnd, 10 * MSS);
	ck_assert_uint_eq(cc->ssthresh, (_i ? 35 : 30) * MSS);
}
END_TEST

/* ---- duplicate ACKs */

/* CC-12, CC-19, B-68: two new segments, the first again. CC-18: a partial ACK, the next hole; the full ACK ends it. */
START_TEST(fast_recovery)
{
	rig_tcp_establish_passive(&t);
	rig_ep_send(t.ep, 0, 40 * MSS);
	expect_segs(0, 10);
	ack_segs(0);
	expect_segs(10, 1);
	ack_segs(0);
	expect_segs(11, 1);
	ack_segs(0);
	expect_segs(0, 1);
	ck_assert_uint_eq(rig_moved(&rig, MR_CNT_TCP_FAST_RETRANSMITS), 1);
	ck_assert_uint_eq(tcp_conn(t.ep)->cc.cwnd, tcp_conn(t.ep)->cc.ssthresh + 3 * MSS);
	ack_segs(5);
	expect_segs(5, 1);
	ck_assert_uint_eq(tcp_conn(t.ep)->cc.cwnd, tcp_conn(t.ep)->cc.ssthresh + 3 * MSS - 5 * MSS + MSS);
	ack_segs(12);
	expect_segs(12, 2); /* RFC 6582: what is in flight, and one more: no burst */
	ck_assert_uint_eq(rig_moved(&rig, MR_CNT_TCP_FAST_RETRANSMITS), 1);
	ck_assert_uint_eq(rig_moved(&rig, MR_CNT_TCP_RTO), 0);
}
END_TEST

/* RFC 6582 3.2 step 1: duplicates for all that was sent until a recovery began are of what it has sent again, and begin no
 * other; those for the next segment may. */
START_TEST(no_recovery_for_the_last_one)
{
	rig_tcp_establish_passive(&t);
	rig_ep_send(t.ep, 0, 10 * MSS);
	expect_segs(0, 10);
	for (int i = 0; i < 3; i++)
		ack_segs(0);
	expect_segs(0, 1);
	ack_segs(10);
	rig_ep_send(t.ep, 10 * MSS, 5 * MSS);
	rig_poll(&rig);
	rig_discard(&rig);
	for (int i = 0; i < 4; i++)
		ack_segs(10);
	rig_poll(&rig);
	ck_assert_uint_eq(rig_moved(&rig, MR_CNT_TCP_FAST_RETRANSMITS), 1);
	for (int i = 0; i < 4; i++)
		ack_segs(11);
	rig_poll(&rig);
	ck_assert_uint_eq(rig_moved(&rig, MR_CNT_TCP_FAST_RETRANSMITS), 2);
	rig_discard(&rig);
}
END_TEST

/* CC-13, B-68: each further duplicate lets one new segment out once half of the window has left the network. */
START_TEST(window_inflation)
{
	rig_tcp_establish_passive(&t);
	rig_ep_send(t.ep, 0, 60 * MSS);
	expect_segs(0, 10);
	for (int i = 0; i < 3; i++)
		ack_segs(0);
	rig_poll(&rig);
	rig_discard(&rig);
	rig_mark(&rig);
	for (int i = 0; i < 200; i++)
		ack_segs(0);
	rig_poll(&rig);
	ck_assert_uint_ge(rig_pending(&rig), 1);
	ck_assert_uint_le(rig_pending(&rig), 20); /* forged ones do not open it without end */
	ck_assert_uint_eq(rig_moved(&rig, MR_CNT_TCP_RETRANSMITS), 0);
	rig_discard(&rig);
}
END_TEST

/* CC-12: an ACK that moves the window, or carries data, is no duplicate. */
START_TEST(not_a_duplicate)
{
	rig_tcp_establish_passive(&t);
	rig_ep_send(t.ep, 0, 10 * MSS);
	expect_segs(0, 10);
	for (unsigned i = 0; i < 6; i++) {
		if (_i)
			rig_tcp_push(&t, RIG_ACK, 1 + i * 10, 1, 10);
		else
			rig_tcp_push(&t, RIG_ACK, 1, 1, 0, .wnd = (uint16_t)(60000 + i));
	}
	rig_poll(&rig);
	ck_assert_uint_eq(rig_moved(&rig, MR_CNT_TCP_FAST_RETRANSMITS), 0);
	ck_assert_uint_eq(rig_moved(&rig, MR_CNT_TCP_RETRANSMITS), 0);
	rig_discard(&rig);
}
END_TEST

/* ---- the path */

/* An ICMP error that quotes the beginning of a segment of the stack, its sequence number moved by `off`. */
static void
push_too_big(const struct rig_frame *f, uint32_t mtu, uint32_t off)
{
	uint32_t ip_len = t.v6 ? 40 : 20, seq = f->seq + off;
	uint8_t quote[60];

	memcpy(quote, f->b + 14, ip_len + 20);
	for (int i = 0; i < 4; i++)
		quote[ip_len + 4 + i] = (uint8_t)(seq >> (24 - 8 * i));
	if (t.v6)
		rig_push_icmp(&rig, .ip.v6 = true, .type = 2, .rest = mtu, .data = quote, .len = ip_len + 20);
	else
		rig_push_icmp(&rig, .type = 3, .code = 4, .rest = mtu, .data = quote, .len = ip_len + 20);
}

/* PM-01, PM-06, MUST-54, B-62: smaller at once, without a penalty; and all that follows. */
START_TEST(packet_too_big)
{
	static const struct {
		bool v6;
		uint32_t mtu, full, part;
	} c[] = {{false, 1000, 1460, 960}, {true, 1300, 1440, 1240}, {false, 100, 1460, 512}, {false, 0, 1460, 512}};
	uint32_t full = c[_i].full, part = c[_i].part, seq = 1;
	const struct rig_frame *f;

	rig_tcp_init(&t, &rig, c[_i].v6);
	rig_tcp_establish_passive(&t);
	rig_ep_send(t.ep, 0, 2 * full);
	f = rig_tcp_expect(&t, RIG_ACK, 1, 1, full);
	ck_assert(t.v6 || f->df);
	rig_tcp_expect(&t, RIG_ACK, 1 + full, 1, full);
	push_too_big(f, c[_i].mtu, 0);
	while (seq < 1 + 2 * full) {
		f = rig_tcp_expect(&t, RIG_ACK, seq, 1, RIG_ANY, .pattern = true);
		ck_assert_uint_le(f->payload_len, part);
		ck_assert_uint_gt(f->payload_len, 0);
		if (seq == 1)
			ck_assert_uint_eq(f->payload_len, part);
		seq += f->payload_len;
	}
	rig_expect_none(&rig);
	rig_tcp_push(&t, RIG_ACK, 1, seq, 0);
	rig_ep_send(t.ep, seq - 1, 2 * part);
	rig_tcp_expect(&t, RIG_ACK, seq, 1, part, .pattern = true);
	rig_tcp_expect(&t, RIG_ACK, seq + part, 1, part, .pattern = true);
	rig_expect_none(&rig);
}
END_TEST

/* PM-02, PM-05, B-62: about what is not in flight, larger than now, or below the least that IPv6 allows: ignored. */
START_TEST(bogus_packet_too_big)
{
	static const struct {
		bool v6;
		uint32_t mtu, off;
	} c[] = {{false, 1000, 5000}, {false, 1000, 0xffffff00u}, {false, 1500, 0}, {false, 9000, 0}, {true, 1279, 0},
	         {true, 1300, 5000}};
	const struct rig_frame *f;
	uint32_t full;

	rig_tcp_init(&t, &rig, c[_i].v6);
	full = t.v6 ? 1440 : 1460;
	rig_tcp_establish_passive(&t);
	rig_ep_send(t.ep, 0, full);
	f = rig_tcp_expect(&t, RIG_ACK, 1, 1, full);
	push_too_big(f, c[_i].mtu, c[_i].off);
	rig_expect_none(&rig);
	rig_tcp_push(&t, RIG_ACK, 1, 1 + full, 0);
	rig_ep_send(t.ep, full, full);
	rig_tcp_expect(&t, RIG_ACK, 1 + full, 1, full, .pattern = true);
}
END_TEST

/* MUST-55, MUST-56, SHLD-26: whatever ICMP says of a connection that stands is only a hint: unreachable of every code, time
 * exceeded, parameter problem. Source quench is nothing (RFC 6633). */
START_TEST(soft_errors)
{
	static const struct {
		bool v6;
		uint8_t type, codes;
	} errors[] = {{false, 3, 16}, {false, 4, 1}, {false, 11, 2}, {false, 12, 3}, {true, 1, 7}, {true, 3, 2}, {true, 4, 3}};
	const struct rig_frame *f;
	uint32_t cwnd;

	rig_tcp_init(&t, &rig, errors[_i].v6);
	t.sack = false;
	rig_tcp_establish_passive(&t);
	rig_ep_send(t.ep, 0, 100);
	f = rig_tcp_expect(&t, RIG_ACK, 1, 1, 100);
	cwnd = tcp_conn(t.ep)->cc.cwnd;
	for (uint8_t code = 0; code < errors[_i].codes; code++)
		if (errors[_i].type != 3 || t.v6 || code != 4)
			rig_push_icmp(&rig, .ip.v6 = t.v6, .type = errors[_i].type, .code = code, .data = f->b + 14,
			              .len = t.v6 ? 60 : 40);
	rig_expect_none(&rig);
	ck_assert_int_eq(rig_tcp_state(t.ep), MR_TCP_ESTABLISHED);
	ck_assert_uint_eq(tcp_conn(t.ep)->cc.cwnd, cwnd);
	rig_tcp_push(&t, RIG_ACK, 1, 101, 0);
	rig_expect_none(&rig);
	ck_assert_int_eq(mr_ep_error(t.ep), 0);
}
END_TEST

/* MUST-47, SHLD-25: the application can ask for the hint, and it is the reason if the connection times out. An answer of the
 * peer makes it untrue. */
START_TEST(soft_error_is_told)
{
	const struct rig_frame *f;
	struct mr_tcp_info info;
	char c;

	rig_tcp_establish_passive(&t);
	rig_ep_send(t.ep, 0, 100);
	f = rig_tcp_expect(&t, RIG_ACK, 1, 1, 100);
	rig_push_icmp(&rig, .type = 3, .code = _i ? 0 : 1, .data = f->b + 14, .len = 40);
	rig_poll(&rig);
	ck_assert_int_eq(mr_tcp_info(t.ep, &info), 0);
	ck_assert_int_eq(info.soft_error, _i ? -ENETUNREACH : -EHOSTUNREACH);
	ck_assert_int_eq(mr_ep_error(t.ep), 0);
	if (_i) {
		rig_tcp_push(&t, RIG_ACK, 1, 101, 0);
		rig_expect_none(&rig);
		ck_assert_int_eq(mr_tcp_info(t.ep, &info), 0);
		ck_assert_int_eq(info.soft_error, 0);
		rig_ep_send(t.ep, 100, 100);
	}
	rig_advance(&rig, 2000 * RIG_S);
	rig_discard(&rig);
	ck_assert_int_eq(mr_ep_recv(t.ep, &c, 1, NULL), _i ? -ETIMEDOUT : -EHOSTUNREACH);
}
END_TEST

/* MUST-20, SHLD-10: after three transmissions without an answer the neighbour is doubted, and asked. */
START_TEST(neighbour_is_doubted)
{
	const struct rig_frame *f;
	unsigned sent = 0, asked = 0;

	rig_fini(&rig);
	rig_init(&rig, &(struct rig_opts){.no_neigh = true});
	rig_tcp_init(&t, &rig, false);
	t.sack = false;
	rig_push_arp(&rig, .op = 1); /* it is known by what it asks, */
	rig_poll(&rig);
	rig_discard(&rig);
	rig_tcp_establish_passive(&t);
	rig_ep_send(t.ep, 0, 100);
	rig_tcp_expect(&t, RIG_ACK, 1, 1, 100);
	rig_tcp_push(&t, RIG_ACK, 1, 101, 0); /* and reachable by what it answers */
	rig_expect_none(&rig);
	rig_ep_send(t.ep, 100, 100);
	for (uint64_t end = rig.now + 9 * RIG_S; rig.now < end; rig_advance(&rig, 100 * RIG_MS))
		while ((f = rig_next(&rig))) {
			sent += f->kind == RIG_TCP;
			asked += f->kind == RIG_ARP;
			ck_assert(!asked || sent > 3);
		}
	ck_assert_uint_ge(asked, 1);
}
END_TEST

static Suite *
suite(void)
{
	Suite *s = suite_create("tcp_loss");
	TCase *tc = rig_case(s, "loss", setup, rig_teardown);

	tcase_add_loop_test(tc, rto_without_sample, 0, 4);
	tcase_add_loop_test(tc, rto_after_sample, 0, 4);
	tcase_add_loop_test(tc, karn, 0, 2);
	tcase_add_test(tc, rto_after_lost_syn);
	tcase_add_test(tc, timer_restarts);
	tcase_add_test(tc, gives_up);
	tcase_add_test(tc, user_timeout);
	tcase_add_test(tc, rto_recovery);
	tcase_add_test(tc, no_fast_retransmit_after_rto);
	tcase_add_test(tc, slow_start);
	tcase_add_test(tc, initial_window_after_lost_syns);
	tcase_add_loop_test(tc, initial_window_after_lost_syn_acks, 0, 3);
	tcase_add_test(tc, restart_after_idle);
	tcase_add_loop_test(tc, idle_remembers_the_window, 0, 2);
	tcase_add_test(tc, fast_recovery);
	tcase_add_test(tc, no_recovery_for_the_last_one);
	tcase_add_test(tc, window_inflation);
	tcase_add_loop_test(tc, not_a_duplicate, 0, 2);
	tcase_add_loop_test(tc, packet_too_big, 0, 4);
	tcase_add_loop_test(tc, bogus_packet_too_big, 0, 6);
	tcase_add_loop_test(tc, soft_errors, 0, 7);
	tcase_add_loop_test(tc, soft_error_is_told, 0, 2);
	tcase_add_test(tc, neighbour_is_doubted);
	return s;
}

RIG_MAIN(suite)
