/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The size of the window: buffers that grow with what is read in a round trip and with the congestion window (B-72), what
 * holds them, and the option that clamps the window.
 */
#include "rig/fixture.h"

#include "proto/tcp/tcp.h"

#define MSS 1460u
#define DEF (512 << 10)
#define RTT (20 * RIG_MS)
#define MBPS 1000000ull

static void
setup(void)
{
	rig_init(&rig, &(struct rig_opts){.stack = {.rx_mbufs = 16384, .tx_mbufs = 16384}});
	rig_tcp_init(&t, &rig, false);
	t.ts = true;
}

static int64_t
get(struct mr_ep *ep, int opt)
{
	int64_t v;

	ck_assert_int_eq(mr_ep_getopt(ep, opt, &v), 0);
	return v;
}

/* A handshake that shows how long the path is. */
static void
connect_in_a_round_trip(uint64_t ns)
{
	rig_tcp_start_passive(&t);
	rig_advance(&rig, ns);
	rig_tcp_push(&t, RIG_ACK, 1, 1, 0);
	rig_poll(&rig);
	ck_assert_int_eq(mr_ep_accept(t.listener, &t.ep), 0);
	t.snd = 1;
}

/* Frames of the stack: the last timestamp is echoed. */
static void
drop_frames(void)
{
	for (const struct rig_frame *f; (f = rig_next(&rig));)
		if (f->has_ts)
			t.tsecr = f->tsval;
}

static uint64_t off;

/* A flight of the peer of n segments; the application reads so much of it, and its ACKs take a round trip. */
static void
flight(unsigned n, size_t read)
{
	for (unsigned i = 0; i < n; i++) {
		rig_tcp_push(&t, RIG_ACK, t.snd, 1, MSS - 12);
		t.snd += MSS - 12;
		if (i % 32 == 31 || i == n - 1) {
			size_t some = RTE_MIN(read, 32 * (size_t)(MSS - 12));

			rig_poll(&rig);
			if (some)
				rig_ep_recv(t.ep, off, some);
			off += some;
			read -= some;
		}
	}
	drop_frames();
	rig_advance(&rig, RTT);
}

/* Slow start of a peer whose data is all read, until it sends as many segments in a round trip. */
static void
ramp(unsigned to)
{
	for (unsigned n = 10; n <= to; n *= 2)
		flight(n, (size_t)n * (MSS - 12));
	/* The next one shows that the last round trip is over. */
	flight(4, 4 * (MSS - 12));
}

/* The buffer is ahead of the peer's slow start: it has room for the two doublings that come until the window is there. */
START_TEST(receive_grows_with_what_is_read)
{
	rig_tcp_establish_passive(&t);
	ck_assert_int_eq(t.stack_ws, 7); /* room for 6 MiB from the first */
	ramp(80);
	ck_assert_int_eq(get(t.ep, MR_OPT_RCVBUF), DEF);
	ramp(320);
	ck_assert_int_ge(get(t.ep, MR_OPT_RCVBUF), 4 * 320 * (MSS - 12));
	ck_assert_int_le(get(t.ep, MR_OPT_RCVBUF), 5 * 320 * (MSS - 12));
}
END_TEST

/* A steady sender gets twice what it sends, and no more with time. */
START_TEST(receive_stops_growing)
{
	int64_t before;

	rig_tcp_establish_passive(&t);
	ramp(320);
	before = get(t.ep, MR_OPT_RCVBUF);
	for (int i = 0; i < 20; i++)
		flight(320, 320 * (MSS - 12));
	ck_assert_int_eq(get(t.ep, MR_OPT_RCVBUF), before);
}
END_TEST

/* The window follows, and the edge never moves left. */
START_TEST(window_follows)
{
	const struct rig_frame *f;

	rig_tcp_establish_passive(&t);
	ramp(320);
	rig_tcp_push(&t, RIG_ACK, t.snd, 1, 100);
	rig_advance(&rig, RIG_S);
	f = rig_tcp_expect(&t, RIG_ACK, 1, t.snd + 100, 0);
	ck_assert_uint_gt(rig_tcp_window(&t, f), get(t.ep, MR_OPT_RCVBUF) - 20000);
	ck_assert_uint_le(rig_tcp_window(&t, f), get(t.ep, MR_OPT_RCVBUF));
}
END_TEST

/* B-72: an application that does not keep up gets no more. */
START_TEST(no_growth_for_a_slow_reader)
{
	rig_tcp_establish_passive(&t);
	for (unsigned n = 10; n <= 160; n *= 2)
		flight(n, 8 * (MSS - 12));
	ck_assert_int_eq(get(t.ep, MR_OPT_RCVBUF), DEF);
}
END_TEST

/* Set by hand, at the endpoint or its listener, or capped by the protocol. */
START_TEST(receive_is_held)
{
	if (_i == 0) {
		ck_assert_int_eq(mr_transproto_setopt(rig.stack, MR_TRANS_TCP, MR_OPT_RCVBUF_MAX, 600000), 0);
	} else if (_i == 1) {
		rig_tcp_listen(&t, 4);
		ck_assert_int_eq(mr_ep_setopt(t.listener, MR_OPT_RCVBUF, 600000), 0);
	}
	rig_tcp_establish_passive(&t);
	if (_i == 2)
		ck_assert_int_eq(mr_ep_setopt(t.ep, MR_OPT_RCVBUF, 600000), 0);
	else
		ck_assert_int_eq(t.stack_ws, 4);
	ramp(320);
	ck_assert_int_eq(get(t.ep, MR_OPT_RCVBUF), 600000);
}
END_TEST

/* The stack's budget is not for one: a buffer grows into half of what is left of it. */
START_TEST(receive_respects_the_budget)
{
	uint32_t held;

	rig_tcp_establish_passive(&t);
	held = rig.stack->rx_held_max - 1000;
	rig.stack->rx_held += held;
	ramp(320);
	rig.stack->rx_held -= held;
	ck_assert_int_gt(get(t.ep, MR_OPT_RCVBUF), DEF);
	ck_assert_int_le(get(t.ep, MR_OPT_RCVBUF), 500 * (MSS - 12));
}
END_TEST

/* Without timestamps the handshake has to tell what a round trip is. */
START_TEST(receive_without_timestamps)
{
	t.ts = false;
	connect_in_a_round_trip(RTT - 2 * RIG_MS); /* it is measured rather long */
	ramp(80);
	ck_assert_int_eq(get(t.ep, MR_OPT_RCVBUF), DEF);
	ramp(320);
	ck_assert_int_gt(get(t.ep, MR_OPT_RCVBUF), 3 * 320 * (MSS - 12));
	ck_assert_int_le(get(t.ep, MR_OPT_RCVBUF), 5 * 320 * MSS);
}
END_TEST

/* A round trip that has become longer than the handshake's is seen by the timestamps. */
START_TEST(round_trip_by_timestamps)
{
	const struct tcp_conn *c;

	rig_tcp_establish_passive(&t); /* in no time */
	ramp(80);
	c = tcp_conn(t.ep);
	ck_assert_uint_le(c->rtt.srtt_ns, 2 * RIG_MS);
	ck_assert_uint_gt(c->rare->rcv_rtt_ns, 18 * RIG_MS);
	ck_assert_uint_le(c->rare->rcv_rtt_ns, 20 * RIG_MS);
}
END_TEST

/* What comes after a pause of the sender echoes an ACK of before it: it moves the estimate a little. What the application reads
 * later, when nothing comes, does not move it at all. */
START_TEST(pause_of_the_sender)
{
	const struct tcp_rare *r;
	uint32_t before;

	rig_tcp_establish_passive(&t);
	ramp(80);
	r = tcp_conn(t.ep)->rare;
	before = r->rcv_rtt_ns;
	for (unsigned i = 0; i < 32; i++, t.snd += MSS - 12)
		rig_tcp_push(&t, RIG_ACK, t.snd, 1, MSS - 12);
	rig_poll(&rig);
	drop_frames();
	rig_advance(&rig, 400 * RIG_MS);
	rig_ep_recv(t.ep, off, 32 * (MSS - 12));
	off += 32 * (MSS - 12);
	drop_frames();
	ck_assert_uint_le(r->rcv_rtt_ns, before);
	rig_advance(&rig, 400 * RIG_MS);
	flight(4, 4 * (MSS - 12));
	ck_assert_uint_gt(r->rcv_rtt_ns, before + 20 * RIG_MS);
	ck_assert_uint_lt(r->rcv_rtt_ns, before + 100 * RIG_MS);
}
END_TEST

/* A sender that paces its segments over the round trip is measured by it, and not by the handshake's. */
START_TEST(receive_grows_for_a_paced_sender)
{
	rig_tcp_establish_passive(&t); /* in no time */
	ramp(80);
	ck_assert_int_eq(get(t.ep, MR_OPT_RCVBUF), DEF);
	for (unsigned ms = 0; ms < 100; ms++) {
		for (unsigned i = 0; i < 16; i++, t.snd += MSS - 12)
			rig_tcp_push(&t, RIG_ACK, t.snd, 1, MSS - 12, .tsecr = t.tsecr - (uint32_t)(RTT / RIG_MS));
		rig_poll(&rig);
		rig_ep_recv(t.ep, off, 16 * (MSS - 12));
		off += 16 * (MSS - 12);
		drop_frames();
		rig_advance(&rig, RIG_MS);
	}
	ck_assert_int_ge(get(t.ep, MR_OPT_RCVBUF), 2 * 320 * (MSS - 12));
}
END_TEST

/* What a sender's initial window brings is no growth; what comes after it is. */
START_TEST(initial_window_is_no_growth)
{
	ck_assert_int_eq(mr_transproto_setopt(rig.stack, MR_TRANS_TCP, MR_OPT_RCVBUF, 40000), 0);
	rig_tcp_establish_passive(&t);
	for (unsigned i = 0; i < 3; i++)
		flight(10, 10 * (MSS - 12));
	ck_assert_int_eq(get(t.ep, MR_OPT_RCVBUF), 40000);
	for (unsigned i = 0; i < 2; i++)
		flight(20, 20 * (MSS - 12));
	ck_assert_int_gt(get(t.ep, MR_OPT_RCVBUF), 40000);
}
END_TEST

/* Nor is there anything to watch in small messages: a connection that exchanges them takes no memory for it. */
START_TEST(small_messages_are_not_watched)
{
	struct mr_stack_memory before, after;

	rig_tcp_establish_passive(&t);
	mr_stack_memory(rig.stack, &before);
	for (unsigned i = 0; i < 40; i++) {
		rig_tcp_push(&t, RIG_ACK | RIG_PSH, t.snd, 1 + i, 100);
		rig_poll(&rig);
		rig_ep_recv(t.ep, i * 100, 100);
		ck_assert_int_eq(rig_ep_send(t.ep, i, 1), 1);
		t.snd += 100;
		rig_poll(&rig);
		drop_frames();
	}
	rig_tcp_push(&t, RIG_ACK, t.snd, 41, 0);
	rig_poll(&rig);
	mr_stack_memory(rig.stack, &after);
	ck_assert(after.used == before.used);
}
END_TEST

/* The scale is the least with which a header tells the whole buffer. */
START_TEST(scale_of_the_buffer)
{
	static const struct {
		int64_t bytes;
		int scale;
	} c[] = {{65535, 0}, {65536, 1}, {131070, 1}, {131071, 2}};

	rig_tcp_listen(&t, 4);
	ck_assert_int_eq(mr_ep_setopt(t.listener, MR_OPT_RCVBUF, c[_i].bytes), 0);
	rig_tcp_establish_passive(&t);
	ck_assert_int_eq(t.stack_ws, c[_i].scale);
}
END_TEST

/* ---- sending */

static uint64_t
fill(void)
{
	static uint64_t sent;
	ssize_t n = rig_ep_send(t.ep, sent, 100000000);

	return sent += n > 0 ? n : 0;
}

/* What only fills queues is worth nothing: the buffer goes back when the round trip shows that, to its default at least. */
START_TEST(send_shrinks_with_queues)
{
	struct tcp_conn *c;

	rig_tcp_establish_passive(&t);
	c = tcp_conn(t.ep);
	c->cc.cwnd = 8 << 20;
	c->snd_buf = 2 << 20;
	c->rack.min_rtt_ns = RIG_MS;
	c->rtt.srtt_ns = 3 * RIG_MS;
	tcp_snd_buf_tune(c);
	ck_assert_int_eq(get(t.ep, MR_OPT_SNDBUF), 4 * (2 << 20) / 3); /* of 2 MiB in flight a third is on the way: four times that */
	c->snd_buf = 2 << 20;
	c->rtt.srtt_ns = 8 * RIG_MS;
	tcp_snd_buf_tune(c);
	ck_assert_int_eq(get(t.ep, MR_OPT_SNDBUF), 1 << 20); /* an eighth is */
	c->rtt.srtt_ns = 100 * RIG_MS;
	tcp_snd_buf_tune(c);
	ck_assert_int_eq(get(t.ep, MR_OPT_SNDBUF), DEF);
	c->rtt.srtt_ns = 2 * RIG_MS;
	c->cc.cwnd = DEF;
	tcp_snd_buf_tune(c);
	ck_assert_int_eq(get(t.ep, MR_OPT_SNDBUF), 2 * DEF);
	c->cc.cwnd = DEF / 4;
	tcp_snd_buf_tune(c);
	ck_assert_int_eq(get(t.ep, MR_OPT_SNDBUF), 2 * DEF);
}
END_TEST

/* Whatever the window: it is worth no more than what the buffer has let out. */
START_TEST(send_grows_in_steps)
{
	rig_tcp_establish_passive(&t);
	tcp_conn(t.ep)->cc.cwnd = 64 << 20;
	tcp_snd_buf_tune(tcp_conn(t.ep));
	ck_assert_int_eq(get(t.ep, MR_OPT_SNDBUF), 4 * DEF);
}
END_TEST

/* As much as a congestion window and the next, once the application was refused room. */
START_TEST(send_grows_with_the_window)
{
	uint64_t queued;
	uint32_t acked = 1;

	t.ws = 8;
	connect_in_a_round_trip(RTT);
	queued = fill();
	ck_assert_uint_eq(queued, DEF);
	for (int i = 0; i < 9; i++) {
		struct mr_tcp_info info;

		rig_poll(&rig);
		drop_frames();
		rig_advance(&rig, RTT);
		acked = 1 + tcp_conn(t.ep)->snd_nxt - tcp_conn(t.ep)->iss - 1;
		rig_tcp_push(&t, RIG_ACK, 1, acked, 0);
		rig_poll(&rig);
		fill();
		ck_assert_int_eq(mr_tcp_info(t.ep, &info), 0);
		ck_assert_int_eq(get(t.ep, MR_OPT_SNDBUF), _i ? DEF : RTE_MIN(RTE_MAX(2 * (int64_t)info.snd_cwnd, DEF), 4 << 20));
		if (i == 0 && _i)
			ck_assert_int_eq(mr_ep_setopt(t.ep, MR_OPT_SNDBUF, DEF), 0);
	}
	ck_assert(_i || get(t.ep, MR_OPT_SNDBUF) > 2 * DEF);
	drop_frames();
	mr_ep_abort(t.ep);
}
END_TEST

/* One that never fills it has no need of more. */
START_TEST(send_stays_if_it_is_enough)
{
	uint64_t sent = 0;

	t.ws = 8;
	rig_tcp_establish_passive(&t);
	for (int i = 0; i < 3; i++) {
		ck_assert_int_eq(rig_ep_send(t.ep, sent, 500000), 500000);
		for (uint32_t acked = 0; acked < 500000;) {
			rig_poll(&rig);
			drop_frames();
			rig_advance(&rig, RTT);
			acked = tcp_conn(t.ep)->snd_nxt - tcp_conn(t.ep)->iss - 1 - (uint32_t)sent;
			rig_tcp_push(&t, RIG_ACK, 1, 1 + (uint32_t)sent + acked, 0);
			rig_poll(&rig);
		}
		sent += 500000;
		tcp_conn(t.ep)->cc.cwnd = 2 * DEF;
	}
	ck_assert_int_eq(get(t.ep, MR_OPT_SNDBUF), DEF);
	drop_frames();
}
END_TEST

START_TEST(send_respects_the_budget)
{
	uint32_t held;

	t.ws = 8;
	rig_tcp_establish_passive(&t);
	fill();
	held = rig.stack->tx_held_max - 1500;
	rig.stack->tx_held = held;
	tcp_conn(t.ep)->cc.cwnd = 3000000;
	tcp_snd_buf_tune(tcp_conn(t.ep));
	ck_assert_int_eq(get(t.ep, MR_OPT_SNDBUF), 750 * (MSS - 12));
	rig.stack->tx_held = tcp_conn(t.ep)->sendq->bytes / (MSS - 12) + 1;
	drop_frames();
	mr_ep_abort(t.ep);
}
END_TEST

/* ---- two stacks */

/* 200 Mbit/s over 80 ms are 2 MB in flight: four times what the buffers are at first. */
START_TEST(fills_a_long_path)
{
	struct mr_impair_cfg line = {.delay_ns = 40 * RIG_MS, .rate_bps = 200 * MBPS, .queue_frames = 4000};
	struct rig_duo_opts o = {
		.impair = {&line, &line},
		.stack = {{.rx_mbufs = 8192, .tx_mbufs = 8192}, {.rx_mbufs = 8192, .tx_mbufs = 8192}},
	};
	struct rig_bulk_opts b = {.v6 = _i & 1, .bytes = {60000000, 0}, .deadline_ns = 60 * RIG_S};
	struct rig_bulk_result r;
	struct rig_duo d;

	if (_i & 2)
		b.sndbuf = b.rcvbuf = DEF;
	rig_duo_init(&d, &o);
	r = rig_duo_bulk(&d, &b);
	ck_assert(r.done && r.err == 0);
	printf("200 Mbit/s, 80 ms, IPv%d, %s buffers: %.0f Mbit/s\n", _i & 1 ? 6 : 4, _i & 2 ? "fixed" : "growing",
	       r.bytes * 8e3 / r.duration_ns);
	if (_i & 2)
		ck_assert_uint_lt(r.bytes * 8000 / r.duration_ns, 60);
	else
		ck_assert_uint_gt(r.bytes * 8000 / r.duration_ns, 130);
	rig_duo_fini(&d);
}
END_TEST

/* ---- the clamp */

/* In the SYN, and in whatever follows; the scale of a smaller window is a smaller one. */
START_TEST(clamp)
{
	const struct rig_frame *f;

	t.ts = false;
	rig_tcp_listen(&t, 4);
	ck_assert_int_eq(mr_ep_setopt(t.listener, MR_OPT_TCP_WINDOW_CLAMP, _i ? 100000 : 5000), 0);
	rig_tcp_push(&t, RIG_SYN, 0, 0, 0);
	f = rig_expect(&rig, RIG_TCP);
	ck_assert_uint_eq(f->wnd, _i ? 65535 : 5000);
	ck_assert_uint_eq(f->ws, _i);
	t.irs = f->seq;
	t.stack_ws = f->ws;
	rig_tcp_push(&t, RIG_ACK, 1, 1, MSS);
	rig_tcp_push(&t, RIG_ACK, 1 + MSS, 1, MSS);
	rig_poll(&rig);
	ck_assert_int_eq(mr_ep_accept(t.listener, &t.ep), 0);
	rig_ep_recv(t.ep, 0, 2 * MSS);
	for (unsigned i = 2; i < 40; i++) {
		rig_tcp_push(&t, RIG_ACK, 1 + i * MSS, 1, MSS);
		rig_poll(&rig);
		rig_ep_recv(t.ep, i * MSS, MSS);
		while ((f = rig_next(&rig)))
			ck_assert_uint_le(rig_tcp_window(&t, f), _i ? 100000 : 5000);
	}
	ck_assert_int_eq(get(t.ep, MR_OPT_TCP_WINDOW_CLAMP), _i ? 100000 : 5000);
}
END_TEST

/* Of a connection: the edge that was told stays, and then comes no more than the clamp; smaller than a segment it is still a
 * window. */
START_TEST(clamp_of_a_connection)
{
	const struct rig_frame *f;
	uint32_t seq = 1, edge = 0;

	t.ts = false;
	rig_tcp_establish_passive(&t);
	ck_assert_int_eq(get(t.ep, MR_OPT_TCP_WINDOW_CLAMP), 65535 << 7);
	rig_tcp_push(&t, RIG_ACK, seq, 1, MSS);
	rig_tcp_push(&t, RIG_ACK, seq + MSS, 1, MSS);
	f = rig_tcp_expect(&t, RIG_ACK, 1, 1 + 2 * MSS, 0);
	seq += 2 * MSS;
	edge = seq + rig_tcp_window(&t, f);
	rig_ep_recv(t.ep, 0, 2 * MSS);
	drop_frames();
	ck_assert_int_eq(mr_ep_setopt(t.ep, MR_OPT_TCP_WINDOW_CLAMP, 1000), 0);
	while (seq + MSS <= edge) {
		rig_tcp_push(&t, RIG_ACK, seq, 1, MSS);
		rig_poll(&rig);
		rig_ep_recv(t.ep, seq - 1, MSS);
		seq += MSS;
		while ((f = rig_next(&rig))) {
			ck_assert_uint_ge(rig_tcp_ack(&t, f) + rig_tcp_window(&t, f), edge);
			edge = RTE_MAX(edge, rig_tcp_ack(&t, f) + rig_tcp_window(&t, f));
		}
	}
	for (int i = 0; i < 20; i++) {
		uint32_t n = RTE_MIN(edge - seq, 1000u);

		rig_tcp_push(&t, RIG_ACK, seq, 1, n);
		rig_poll(&rig);
		rig_ep_recv(t.ep, seq - 1, n);
		seq += n;
		rig_advance(&rig, 50 * RIG_MS);
		f = rig_tcp_next(&t);
		ck_assert_ptr_nonnull(f);
		while (rig_peek(&rig))
			f = rig_tcp_next(&t);
		ck_assert_uint_le(rig_tcp_window(&t, f), 1000 + 127);
		ck_assert_uint_gt(rig_tcp_window(&t, f), 0);
		edge = seq + rig_tcp_window(&t, f);
	}
}
END_TEST

static Suite *
suite(void)
{
	Suite *s = suite_create("tcp_window");
	TCase *tc = rig_case(s, "autotuning", setup, rig_teardown);

	tcase_add_test(tc, receive_grows_with_what_is_read);
	tcase_add_test(tc, receive_stops_growing);
	tcase_add_test(tc, window_follows);
	tcase_add_test(tc, no_growth_for_a_slow_reader);
	tcase_add_loop_test(tc, receive_is_held, 0, 3);
	tcase_add_test(tc, receive_respects_the_budget);
	tcase_add_test(tc, receive_without_timestamps);
	tcase_add_test(tc, round_trip_by_timestamps);
	tcase_add_test(tc, pause_of_the_sender);
	tcase_add_test(tc, receive_grows_for_a_paced_sender);
	tcase_add_test(tc, initial_window_is_no_growth);
	tcase_add_test(tc, small_messages_are_not_watched);
	tcase_add_loop_test(tc, scale_of_the_buffer, 0, 4);
	tcase_add_loop_test(tc, send_grows_with_the_window, 0, 2);
	tcase_add_test(tc, send_shrinks_with_queues);
	tcase_add_test(tc, send_grows_in_steps);
	tcase_add_test(tc, send_stays_if_it_is_enough);
	tcase_add_test(tc, send_respects_the_budget);
	tc = rig_case(s, "stacks", NULL, NULL);
	tcase_add_loop_test(tc, fills_a_long_path, 0, 4);
	tc = rig_case(s, "clamp", setup, rig_teardown);
	tcase_add_loop_test(tc, clamp, 0, 2);
	tcase_add_test(tc, clamp_of_a_connection);
	return s;
}

RIG_MAIN(suite)
