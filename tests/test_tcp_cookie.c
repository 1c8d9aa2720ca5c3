/* SPDX-License-Identifier: Apache-2.0 */
/*
 * SYN cookies (RFC 4987): when they are sent, what they keep, what is done with those that come back, and that a flood
 * costs nothing else. Requirements by number: SC-n, B-n, IS-n.
 */
#include "rig/fixture.h"

#include <errno.h>
#include <string.h>

#include "proto/tcp/tcp.h"

#define SLOT_NS (1ull << 35)

static void
setup(void)
{
	rig_init(&rig, &(struct rig_opts){.gateway = true});
	rig_tcp_init(&t, &rig, false);
}

static void
option(int opt, int64_t v)
{
	ck_assert_int_eq(mr_transproto_setopt(rig.stack, MR_TRANS_TCP, opt, v), 0);
}

static void
always(void)
{
	option(MR_OPT_TCP_SYNCOOKIES, MR_TCP_SYNCOOKIES_ALWAYS);
}

static struct tcp *
tcp(void)
{
	return tcp_of(rig.stack);
}

/* SYNs from everywhere, each answered once. @return bytes sent by the stack */
static uint64_t
flood(unsigned n, uint64_t *in)
{
	static const uint8_t mss[4] = {2, 4, 5, 180};
	static uint32_t x = 12345;
	uint64_t out = 0;

	for (unsigned i = 0; i < n; i++) {
		struct mr_addr src = rig_addr("198.18.0.0");
		const struct rig_frame *f;

		x = x * 1664525 + 1013904223;
		memcpy((uint8_t *)&src + 14, (uint8_t *)&x + 2, 2);
		rig_push_tcphdr(&rig, .ip.src = src, .sport = (uint16_t)(1024 + i % 60000), .seq = x * 3, .flags = RIG_SYN,
		                .wnd = 1000, .opts = mss, .opts_len = 4);
		*in += 14 + 20 + 24;
		f = rig_expect(&rig, RIG_TCP);
		ck_assert_uint_eq(f->flags, RIG_SYN | RIG_ACK);
		ck_assert(mr_addr_equal(&f->dst, &src));
		out += f->len;
		if (i % 32 == 0)
			rig_expect_none(&rig);
	}
	return out;
}

static void
expect_refused(enum mr_counter why)
{
	const struct rig_frame *f = rig_expect(&rig, RIG_TCP);
	struct mr_ep *ep;

	ck_assert_uint_eq(f->flags, RIG_RST);
	rig_expect_drop(&rig, why);
	ck_assert_int_eq(mr_ep_accept(t.listener, &ep), -EAGAIN);
	rig_mark(&rig);
}

/* The connection works: data both ways, to the end. */
static void
exchange(void)
{
	const struct rig_frame *f;
	uint32_t n = 0;

	ck_assert_int_eq(mr_ep_setopt(t.ep, MR_OPT_TCP_NODELAY, 1), 0);
	rig_tcp_push(&t, RIG_ACK, 1, 1, 100);
	ck_assert_int_eq(rig_ep_send(t.ep, 0, 5000), 5000);
	while ((f = rig_next(&rig))) {
		ck_assert_uint_eq(rig_tcp_seq(&t, f), 1 + n);
		ck_assert_uint_eq(rig_tcp_ack(&t, f), 101);
		if (f->has_ts)
			t.tsecr = f->tsval;
		n += f->payload_len;
	}
	ck_assert_uint_eq(n, 5000);
	rig_tcp_push(&t, RIG_FIN | RIG_ACK, 101, 5001, 0);
	rig_tcp_expect(&t, RIG_ACK, 5001, 102, 0);
	rig_ep_recv(t.ep, 0, 100);
	mr_ep_close(t.ep);
	rig_tcp_expect(&t, RIG_FIN | RIG_ACK, 5001, 102, 0);
	rig_tcp_push(&t, RIG_ACK, 102, 5002, 0);
	rig_expect_none(&rig);
}

/* ---- when */

/* SC-01: not without need: a record answers again when the answer is lost. */
START_TEST(not_without_need)
{
	rig_tcp_start_passive(&t);
	ck_assert_uint_eq(rig_moved(&rig, MR_CNT_TCP_SYNCOOKIES_SENT), 0);
	ck_assert(rig_advance_until_frame(&rig, 2 * RIG_S));
	rig_tcp_expect(&t, RIG_SYN | RIG_ACK, 0, 1, 0);
	rig_tcp_push(&t, RIG_ACK, 1, 1, 0);
	rig_expect_none(&rig);
	ck_assert_uint_eq(rig_moved(&rig, MR_CNT_TCP_SYNCOOKIES_TAKEN), 0);
}
END_TEST

/* SC-01, SC-03, SC-04, nasty case 35: a flood costs a listener its share of records and no more; somebody honest gets
 * through it, with all that was offered; nothing that was sent grows on the way. */
START_TEST(flood_and_honest_peer)
{
	uint64_t in = 0, out;
	int64_t v;

	t.ts = t.sack = t.ecn = true;
	rig_tcp_listen(&t, 16);
	rig_mark(&rig);
	out = flood(2000, &in);
	ck_assert_uint_le(out, in);
	ck_assert_uint_eq(tcp()->n_syn_rcvd, 32);
	ck_assert_uint_eq(tcp()->syn_rcvds.used, 32);
	ck_assert_uint_eq(tcp()->conns.used, 1);
	ck_assert_uint_eq(rig_moved(&rig, MR_CNT_TCP_SYNCOOKIES_SENT), 2000 - 32);
	rig_expect_no_drop(&rig);
	rig_tcp_establish_passive(&t);
	ck_assert_uint_eq(rig_moved(&rig, MR_CNT_TCP_SYNCOOKIES_TAKEN), 1);
	ck_assert(t.ecn_on && t.ts_on && t.sack_on);
	ck_assert_int_eq(mr_ep_getopt(t.ep, MR_OPT_TCP_SACK, &v), 0);
	ck_assert_int_eq(v, 1);
	ck_assert_int_eq(mr_ep_getopt(t.ep, MR_OPT_TCP_WSCALE, &v), 0);
	ck_assert_int_eq(v, 1);
	ck_assert_uint_eq(tcp_conn(t.ep)->snd_wscale, t.ws);
	ck_assert_uint_eq(tcp_conn(t.ep)->snd_wnd, 65535u << t.ws);
	ck_assert_uint_eq(tcp_conn(t.ep)->peer_mss, t.mss);
	ck_assert_uint_eq(tcp_conn(t.ep)->ecn & TCP_ECN_ON, TCP_ECN_ON);
	exchange();
	/* What is half open ends by itself. */
	rig_advance(&rig, 70 * RIG_S);
	rig_discard(&rig);
	ck_assert_uint_eq(tcp()->n_syn_rcvd, 0);
}
END_TEST

/* The listener next door is not pressed, until the stack's records are all used up. */
START_TEST(pressure_is_of_a_listener)
{
	uint64_t in = 0;

	rig_tcp_listen(&t, 16);
	option(MR_OPT_TCP_SYN_BACKLOG, 10);
	flood(20, &in);
	ck_assert_uint_eq(tcp()->n_syn_rcvd, 10);
	t.port = 81;
	rig_tcp_listen(&t, 16);
	rig_mark(&rig);
	rig_tcp_start_passive(&t);
	ck_assert_uint_eq(rig_moved(&rig, MR_CNT_TCP_SYNCOOKIES_SENT), 0);
	ck_assert_uint_eq(tcp()->n_syn_rcvd, 11);
	option(MR_OPT_TCP_SYN_BACKLOG, 1000);
	flood(100, &in);
	ck_assert_uint_eq(tcp()->n_syn_rcvd, 64);
	rig_mark(&rig);
	t.peer_port++;
	rig_tcp_start_passive(&t);
	ck_assert_uint_eq(rig_moved(&rig, MR_CNT_TCP_SYNCOOKIES_SENT), 1);
	rig_discard(&rig);
}
END_TEST

/* Without cookies the oldest record gives way; the flood finds no more of them either. */
START_TEST(never)
{
	uint64_t in = 0;

	option(MR_OPT_TCP_SYNCOOKIES, MR_TCP_SYNCOOKIES_NEVER);
	rig_tcp_listen(&t, 16);
	rig_mark(&rig);
	flood(200, &in);
	ck_assert_uint_eq(tcp()->n_syn_rcvd, 64);
	rig_tcp_establish_passive(&t);
	ck_assert_uint_eq(rig_moved(&rig, MR_CNT_TCP_SYNCOOKIES_SENT), 0);
	exchange();
	rig_discard(&rig);
}
END_TEST

/* SC-03: no record, and nothing is sent again. */
START_TEST(nothing_is_kept)
{
	always();
	rig_tcp_start_passive(&t);
	ck_assert_uint_eq(tcp()->n_syn_rcvd, 0);
	ck_assert_uint_eq(tcp()->syn_rcvds.used, 0);
	rig_expect_none_for(&rig, 100 * RIG_S);
}
END_TEST

/* A SYN that opens a connection over an old one has a record: its numbers have to be beyond the old ones, and its
 * timestamps, which a cookie sets back a little (RFC 6191). */
START_TEST(over_time_wait)
{
	uint32_t old;

	always();
	t.ts = true;
	rig_tcp_reach(&t, MR_TCP_TIME_WAIT);
	old = t.irs + t.rcv;
	rig_mark(&rig);
	t.iss += 100000;
	t.tsval += 1000;
	rig_tcp_start_passive(&t);
	ck_assert_uint_eq(rig_moved(&rig, MR_CNT_TCP_TIME_WAIT_REUSED), 1);
	ck_assert_uint_eq(rig_moved(&rig, MR_CNT_TCP_SYNCOOKIES_SENT), 0);
	ck_assert(seq_gt(t.irs, old));
}
END_TEST

/* ---- what is kept */

/* SC-02: window scale, SACK and ECN in the timestamp, each by itself and all together, for both families. */
START_TEST(options_kept)
{
	t.v6 = _i & 16;
	t.ts = true;
	t.sack = _i & 1;
	t.ecn = _i & 2;
	t.ws = _i & 4 ? (_i & 8 ? 14 : 0) : -1;
	always();
	rig_tcp_establish_passive(&t);
	ck_assert(t.ts_on && t.sack_on == t.sack && t.ecn_on == t.ecn);
	ck_assert_uint_eq(rig_moved(&rig, MR_CNT_TCP_SYNCOOKIES_TAKEN), 1);
	ck_assert_uint_eq(!!(tcp_conn(t.ep)->flags & TCP_F_SACK), t.sack);
	ck_assert_uint_eq(!!(tcp_conn(t.ep)->flags & TCP_F_WS), t.ws >= 0);
	ck_assert_uint_eq(!!(tcp_conn(t.ep)->ecn & TCP_ECN_ON), t.ecn);
	ck_assert_uint_eq(tcp_conn(t.ep)->snd_wscale, t.ws < 0 ? 0 : t.ws);
	exchange();
}
END_TEST

/* Without timestamps an MSS is what there is, and that is what the answer says. */
START_TEST(without_timestamps)
{
	t.sack = t.ecn = true;
	always();
	rig_tcp_start_passive(&t);
	ck_assert(!t.sack_on && !t.ecn_on && !t.ts_on);
	ck_assert_uint_eq(t.stack_ws, 0);
	ck_assert_uint_eq(t.stack_mss, 1460);
	rig_tcp_push(&t, RIG_ACK, 1, 1, 0);
	rig_expect_none(&rig);
	ck_assert_int_eq(mr_ep_accept(t.listener, &t.ep), 0);
	ck_assert_uint_eq(tcp_conn(t.ep)->snd_wnd, 65535);
	exchange();
}
END_TEST

/* Never more than the peer's, and near it where peers are. */
START_TEST(mss_kept)
{
	static const uint16_t mss[][3] = {
		{0, 536, 1220}, {48, 48, 48}, {1, 48, 48}, {500, 48, 48}, {536, 536, 536}, {1220, 1220, 1220}, {1360, 1360, 1360},
		{1400, 1400, 1400}, {1439, 1400, 1400}, {1440, 1440, 1440}, {1452, 1440, 1440}, {1460, 1460, 1460},
		{8960, 8940, 8940}, {65535, 8940, 8940},
	};

	always();
	for (unsigned i = 0; i < RTE_DIM(mss); i++) {
		struct mr_ep *l = t.listener;

		rig_tcp_init(&t, &rig, _i);
		t.peer_port += (uint16_t)i;
		t.listener = l;
		t.mss = mss[i][0];
		rig_tcp_establish_passive(&t);
		ck_assert_uint_eq(tcp_conn(t.ep)->peer_mss, mss[i][1 + _i]);
	}
}
END_TEST

/* Timestamps never go back: what comes behind a cookie's is not smaller, and a cookie's is of now, nearly. */
START_TEST(timestamps_go_on)
{
	const struct rig_frame *f;
	uint32_t ts;

	always();
	t.ts = t.sack = true;
	for (int i = 0; i < 70; i++) {
		uint32_t clock;

		rig_tcp_establish_passive(&t);
		ts = t.tsecr;
		clock = tcp_ts_now(tcp(), tcp_conn(t.ep)->ts_offset);
		ck_assert(seq_leq(ts, clock) && clock - ts < 64);
		rig_ep_send(t.ep, 0, 10);
		f = rig_tcp_expect(&t, RIG_ACK, 1, 1, 10);
		ck_assert(seq_geq(f->tsval, ts));
		mr_ep_abort(t.ep);
		rig_discard(&rig);
		t.peer_port++;
		rig_advance(&rig, RIG_MS);
	}
}
END_TEST

/* The third segment may carry data and the end of the stream, or be data whose ACK before it was lost. */
START_TEST(data_with_the_ack)
{
	char c;

	always();
	t.ts = _i;
	rig_tcp_start_passive(&t);
	rig_tcp_push(&t, RIG_FIN | RIG_ACK, 1, 1, 500);
	rig_tcp_expect(&t, RIG_ACK, 1, 502, 0);
	ck_assert_int_eq(mr_ep_accept(t.listener, &t.ep), 0);
	rig_ep_recv(t.ep, 0, 500);
	ck_assert_int_eq(mr_ep_recv(t.ep, &c, 1, NULL), 0);
}
END_TEST

/* B-48: a full accept queue takes neither; the peer asks again, and then there may be room. */
START_TEST(accept_queue_full)
{
	struct mr_ep *first;
	struct rig_tcp o;

	always();
	rig_tcp_listen(&t, 1);
	rig_tcp_init(&o, &rig, false);
	o.listener = t.listener;
	o.peer_port++;
	rig_tcp_start_passive(&o);
	rig_tcp_start_passive(&t);
	rig_tcp_push(&t, RIG_ACK, 1, 1, 0);
	rig_expect_none(&rig);
	rig_mark(&rig);
	rig_tcp_push(&o, RIG_ACK, 1, 1, 10);
	rig_expect_none(&rig);
	rig_expect_drop(&rig, MR_DROP_TCP_BACKLOG_FULL);
	ck_assert_int_eq(mr_ep_accept(t.listener, &first), 0);
	rig_tcp_push(&o, RIG_ACK, 1, 1, 10);
	rig_poll(&rig);
	ck_assert_int_eq(mr_ep_accept(t.listener, &o.ep), 0);
	rig_ep_recv(o.ep, 0, 10);
	rig_discard(&rig);
}
END_TEST

/* ---- what comes back */

/* B-49: nothing but the segment that was asked for, from whom it was asked. */
START_TEST(forged)
{
	always();
	t.ts = _i;
	rig_tcp_start_passive(&t);
	rig_mark(&rig);
	rig_tcp_push(&t, RIG_ACK, 1, 2, 0);
	expect_refused(MR_DROP_TCP_BAD_COOKIE);
	rig_tcp_push(&t, RIG_ACK, 1, 1 + 0x01000000, 0);
	expect_refused(MR_DROP_TCP_BAD_COOKIE);
	rig_tcp_push(&t, RIG_ACK, 2, 1, 0);
	expect_refused(MR_DROP_TCP_BAD_COOKIE);
	t.peer_port++;
	rig_tcp_push(&t, RIG_ACK, 1, 1, 0);
	expect_refused(MR_DROP_TCP_BAD_COOKIE);
	t.peer_port--;
	rig_push_tcphdr(&rig, .ip.src = rig_addr("192.0.2.77"), .seq = t.iss + 1, .ack = t.irs + 1, .flags = RIG_ACK);
	expect_refused(MR_DROP_TCP_BAD_COOKIE);
	/* Timestamps that were agreed and are not there, or the other way round; options that were not. */
	if (_i)
		rig_tcp_push(&t, RIG_ACK, 1, 1, 0, .no_ts = true);
	else
		rig_push_tcphdr(&rig, .seq = t.iss + 1, .ack = t.irs + 1, .flags = RIG_ACK,
		                .opts = "\1\1\10\12\0\0\0\1\0\0\0\0", .opts_len = 12);
	expect_refused(MR_DROP_TCP_BAD_COOKIE);
	for (unsigned bit = 0; _i && bit < 6; bit++) {
		rig_tcp_push(&t, RIG_ACK, 1, 1, 0, .tsecr = t.tsecr ^ 1u << bit);
		expect_refused(MR_DROP_TCP_BAD_COOKIE);
	}
	rig_tcp_push(&t, RIG_SYN | RIG_ACK, 1, 1, 0);
	expect_refused(MR_DROP_TCP_LISTEN_IGNORED);
	/* And now it. */
	rig_tcp_push(&t, RIG_ACK, 1, 1, 0);
	rig_expect_none(&rig);
	ck_assert_int_eq(mr_ep_accept(t.listener, &t.ep), 0);
	exchange();
}
END_TEST

/* Blind guesses: each acknowledgement number that is near, and many that are not. */
START_TEST(guessed)
{
	struct mr_ep *ep;

	always();
	rig_tcp_start_passive(&t);
	rig_mark(&rig);
	for (uint32_t i = 1; i <= 3000; i++) {
		rig_tcp_push(&t, RIG_ACK, 1, 1 + (i < 1000 ? i : i * 1431655), 0);
		ck_assert_uint_eq(rig_expect(&rig, RIG_TCP)->flags, RIG_RST);
	}
	rig_expect_drops(&rig, MR_DROP_TCP_BAD_COOKIE, 3000);
	ck_assert_int_eq(mr_ep_accept(t.listener, &ep), -EAGAIN);
}
END_TEST

/* A cookie is good for a while, and no longer. */
START_TEST(age)
{
	static const uint64_t good[] = {0, SLOT_NS / 2, SLOT_NS - RIG_MS}, bad[] = {2 * SLOT_NS, 3 * SLOT_NS, 100 * SLOT_NS};
	bool old = _i >= 3;

	always();
	t.ts = true;
	rig_tcp_start_passive(&t);
	rig_mark(&rig);
	rig_advance(&rig, old ? bad[_i - 3] : good[_i]);
	/* Another one keeps the listener listening for cookies. */
	if (old && _i < 5) {
		struct rig_tcp o;

		rig_tcp_init(&o, &rig, false);
		o.listener = t.listener;
		o.peer_port += 7;
		rig_tcp_start_passive(&o);
	}
	rig_tcp_push(&t, RIG_ACK, 1, 1, 0);
	if (old) {
		expect_refused(_i < 5 ? MR_DROP_TCP_BAD_COOKIE : MR_DROP_TCP_LISTEN_IGNORED);
		return;
	}
	rig_expect_none(&rig);
	ck_assert_int_eq(mr_ep_accept(t.listener, &t.ep), 0);
}
END_TEST

/* B-49: again, while the connection is there it changes nothing; afterwards it is refused. */
START_TEST(replayed)
{
	always();
	t.ts = _i;
	rig_tcp_establish_passive(&t);
	rig_tcp_push(&t, RIG_ACK, 1, 1, 0);
	rig_expect_none(&rig);
	ck_assert_int_eq(rig_tcp_state(t.ep), MR_TCP_ESTABLISHED);
	rig_tcp_push(&t, RIG_RST | RIG_ACK, 1, 1, 0);
	rig_expect_none(&rig);
	ck_assert_int_eq(rig_tcp_state(t.ep), MR_TCP_CLOSED);
	rig_mark(&rig);
	rig_tcp_push(&t, RIG_ACK, 1, 1, 0);
	expect_refused(MR_DROP_TCP_BAD_COOKIE);
	/* Asked for anew it is another one. */
	t.iss += 5;
	rig_tcp_establish_passive(&t);
	exchange();
}
END_TEST

/* A listener that has sent none takes none, whoever has the key. */
START_TEST(of_another_listener)
{
	always();
	rig_tcp_start_passive(&t);
	mr_ep_close(t.listener);
	rig_tcp_listen(&t, 4);
	rig_mark(&rig);
	rig_tcp_push(&t, RIG_ACK, 1, 1, 0);
	expect_refused(MR_DROP_TCP_LISTEN_IGNORED);
}
END_TEST

/* A receive buffer that has changed makes another window scale than the one that was told. */
START_TEST(changed_scale)
{
	always();
	t.ts = true;
	rig_tcp_start_passive(&t);
	ck_assert_int_eq(mr_ep_setopt(t.listener, MR_OPT_RCVBUF, 4096), 0);
	rig_mark(&rig);
	rig_tcp_push(&t, RIG_ACK, 1, 1, 0);
	expect_refused(MR_DROP_TCP_BAD_COOKIE);
}
END_TEST

/* IS-01: sequence numbers of cookies tell nothing about the next one. */
START_TEST(numbers_are_apart)
{
	uint32_t last = 0;

	always();
	for (int i = 0; i < 50; i++) {
		rig_tcp_start_passive(&t);
		if (i)
			ck_assert_uint_gt(RTE_MIN(t.irs - last, last - t.irs), 1000);
		last = t.irs;
		t.peer_port++;
	}
	/* And the same SYN again in the same time has the same answer. */
	t.peer_port--;
	rig_tcp_start_passive(&t);
	ck_assert_uint_eq(t.irs, last);
}
END_TEST

/* ---- a whole stack at the other end */

static void
bulk(bool v6, bool ecn)
{
	struct rig_bulk_opts o = {.v6 = v6, .flows = 8, .bytes = {200000, 100000}, .deadline_ns = 60 * RIG_S};
	struct rig_bulk_result r;
	struct rig_duo d;

	rig_duo_init(&d, &(struct rig_duo_opts){.neigh = true});
	ck_assert_int_eq(mr_transproto_setopt(d.end[1].stack, MR_TRANS_TCP, MR_OPT_TCP_SYNCOOKIES, MR_TCP_SYNCOOKIES_ALWAYS), 0);
	if (ecn)
		ck_assert_int_eq(mr_transproto_setopt(d.end[0].stack, MR_TRANS_TCP, MR_OPT_TCP_ECN, MR_TCP_ECN_ASK), 0);
	r = rig_duo_bulk(&d, &o);
	ck_assert(r.done);
	ck_assert_int_eq(r.err, 0);
	ck_assert_uint_eq(mr_stack_counter(d.end[1].stack, MR_CNT_TCP_SYNCOOKIES_TAKEN), 8);
	ck_assert_uint_eq(mr_stack_counter(d.end[1].stack, MR_DROP_TCP_BAD_COOKIE), 0);
	rig_duo_fini(&d);
}

START_TEST(two_stacks)
{
	bulk(_i & 1, _i & 2);
}
END_TEST

static Suite *
suite(void)
{
	Suite *s = suite_create("tcp_cookie");
	TCase *c = rig_case(s, "when", setup, rig_teardown);

	tcase_add_test(c, not_without_need);
	tcase_add_test(c, flood_and_honest_peer);
	tcase_add_test(c, pressure_is_of_a_listener);
	tcase_add_test(c, never);
	tcase_add_test(c, nothing_is_kept);
	tcase_add_test(c, over_time_wait);
	c = rig_case(s, "kept", setup, rig_teardown);
	tcase_add_loop_test(c, options_kept, 0, 32);
	tcase_add_test(c, without_timestamps);
	tcase_add_loop_test(c, mss_kept, 0, 2);
	tcase_add_test(c, timestamps_go_on);
	tcase_add_loop_test(c, data_with_the_ack, 0, 2);
	tcase_add_test(c, accept_queue_full);
	c = rig_case(s, "back", setup, rig_teardown);
	tcase_add_loop_test(c, forged, 0, 2);
	tcase_add_test(c, guessed);
	tcase_add_loop_test(c, age, 0, 6);
	tcase_add_loop_test(c, replayed, 0, 2);
	tcase_add_test(c, of_another_listener);
	tcase_add_test(c, changed_scale);
	tcase_add_test(c, numbers_are_apart);
	c = rig_case(s, "duo", NULL, NULL);
	tcase_add_loop_test(c, two_stacks, 0, 4);
	return s;
}

RIG_MAIN(suite)
