/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The server's iperf3 on two cores, from a client of our own over real connections in virtual time (iperf3_service.h): the
 * control connection on the first core, streams on both. Over UDP: test_iperf3_udp.c.
 */
#include "rig/duo.h"

#include <errno.h>

#include <jansson.h>

#include "app/millrace/conn.h"
#include "app/millrace/iperf3_control.h"
#include "app/millrace/listener.h"
#include "app/millrace/pattern.h"
#include "iperf3_service.h"

static struct mr_ep *
start_stream(unsigned i)
{
	struct mr_ep *ep = dial(i, MR_TRANS_TCP);

	say(ep, COOKIE, IPERF3_COOKIE_BYTES);
	run(RIG_MS);
	return ep;
}

/* Bytes read within a time. */
static uint64_t
read_for(struct mr_ep *const *streams, unsigned n, uint64_t ns)
{
	static uint8_t buf[65536];
	uint64_t got = 0;

	for (uint64_t t = 0; t < ns; t += RIG_MS) {
		for (unsigned i = 0; i < n; i++) {
			ssize_t k;

			while ((k = mr_ep_recv(streams[i], buf, sizeof(buf), NULL)) > 0)
				got += k;
			ck_assert_int_eq(k, -EAGAIN);
		}
		run(RIG_MS);
	}
	return got;
}

/* ---- TCP */

START_TEST(client_sends)
{
	static uint8_t data[50000];
	struct mr_ep *control = start_test("{\"tcp\":true,\"parallel\":2}"), *s[2];
	json_t *j;

	s[0] = start_stream(1);
	s[1] = start_stream(0);
	hear_running(control);
	say(s[0], data, 50000);
	say(s[1], data, 1234);
	run(20 * RIG_MS);
	j = end_test(control);
	ck_assert_int_eq(number(j, 0, "bytes"), 50000);
	ck_assert_int_eq(number(j, 1, "bytes"), 1234);
	json_decref(j);
	/* What comes late is taken, not answered by a reset. */
	say(s[0], data, 10000);
	run(10 * RIG_MS);
	ck_assert_int_eq(mr_ep_error(s[0]), 0);
	say_done(control);
	close_all(s, 2);
	expect_empty();
	ck_assert_uint_eq(mr_stack_counter(core[1].stack, MR_CNT_TCP_RESETS_TX), 0);
}
END_TEST

START_TEST(server_sends)
{
	struct mr_ep *control = start_test("{\"tcp\":true,\"parallel\":2,\"reverse\":true,\"congestion\":\"bbr\"}"),
	             *s[2];
	uint64_t got;
	json_t *j;

	s[0] = start_stream(0);
	s[1] = start_stream(1);
	hear_running(control);
	got = read_for(s, 2, 50 * RIG_MS);
	ck_assert_uint_gt(got, 1000000);
	j = end_test(control);
	/* What is not read yet has been sent as well. */
	ck_assert_int_ge(number(j, 0, "bytes") + number(j, 1, "bytes"), got);
	/* Nothing was lost: that is known, of both. */
	ck_assert_int_eq(number(j, 0, "retransmits") + number(j, 1, "retransmits"), 0);
	ck_assert_int_eq(json_integer_value(json_object_get(j, "sender_has_retransmits")), 1);
	json_decref(j);
	say_done(control);
	hear_end(s[0]);
	hear_end(s[1]);
	expect_empty();
}
END_TEST

START_TEST(server_sends_at_a_rate)
{
	struct mr_ep *control = start_test("{\"tcp\":true,\"reverse\":true,\"bandwidth\":8000000,\"len\":1000}"), *s;
	uint64_t got;
	json_t *j;

	s = start_stream(1);
	hear_running(control);
	got = read_for(&s, 1, RIG_S);
	/* A block a millisecond, and the first one at once. */
	ck_assert_uint_ge(got, 990000);
	ck_assert_uint_le(got, 1010000);
	j = end_test(control);
	json_decref(j);
	say_done(control);
	hear_end(s);
	expect_empty();
}
END_TEST

START_TEST(both_send)
{
	static uint8_t data[40000];
	struct mr_ep *control = start_test("{\"tcp\":true,\"bidirectional\":true,\"bandwidth\":8000000,\"len\":1000}"),
	             *s[2];
	uint64_t got;
	json_t *j;

	/* The stream that the client sends on comes second. */
	s[0] = start_stream(1);
	s[1] = start_stream(0);
	hear_running(control);
	ck_assert_uint_eq(read_for(s, 2, 10 * RIG_MS), 0);
	say(s[1], data, 40000);
	got = read_for(s, 1, 100 * RIG_MS);
	ck_assert_uint_ge(got, 90000);
	j = end_test(control);
	ck_assert_int_eq(number(j, 0, "bytes"), 40000);
	ck_assert_int_ge(number(j, 1, "bytes"), got);
	json_decref(j);
	say_done(control);
	close_all(s, 2);
	expect_empty();
}
END_TEST

START_TEST(writes_of_a_byte)
{
	struct mr_ep *control = start_test("{\"tcp\":true,\"reverse\":true,\"len\":1,\"nodelay\":true}"),
	             *s = start_stream(1);

	hear_running(control);
	ck_assert_uint_gt(read_for(&s, 1, 20 * RIG_MS), 1000);
	say_message(control, IPERF3_CLIENT_TERMINATE);
	hear_end(control);
	hear_end(s);
	expect_empty();
}
END_TEST

START_TEST(client_is_gone)
{
	/* The control connection by reset, by FIN, by its word; then the next client is served at once. */
	struct mr_ep *control = start_test("{\"tcp\":true,\"parallel\":2,\"reverse\":true}"), *s[2];

	s[0] = start_stream(1);
	s[1] = start_stream(0);
	hear_running(control);
	read_for(s, 2, 10 * RIG_MS);
	if (_i == 0)
		mr_ep_abort(control);
	else if (_i == 1)
		mr_ep_close(control);
	else
		say_message(control, IPERF3_CLIENT_TERMINATE);
	run(RIG_MS);
	if (_i == 2)
		mr_ep_close(control);
	control = start_test("{\"tcp\":true}");
	mr_ep_close(control);
	hear_end(s[0]);
	hear_end(s[1]);
	expect_empty();
}
END_TEST

START_TEST(stream_is_gone)
{
	static uint8_t data[1000];
	struct mr_ep *control = start_test("{\"tcp\":true,\"parallel\":2}"), *s[2];
	json_t *j;

	/* Its bytes count, and the test goes on. */
	s[0] = start_stream(1);
	s[1] = start_stream(0);
	hear_running(control);
	say(s[0], data, 1000);
	run(5 * RIG_MS);
	mr_ep_close(s[0]);
	run(5 * RIG_MS);
	say(s[1], data, 500);
	run(5 * RIG_MS);
	j = end_test(control);
	ck_assert_int_eq(number(j, 0, "bytes"), 1000);
	ck_assert_int_eq(number(j, 1, "bytes"), 500);
	json_decref(j);
	say_done(control);
	mr_ep_close(s[1]);
	expect_empty();
}
END_TEST

START_TEST(second_client)
{
	struct mr_ep *control = start_test("{\"tcp\":true}"), *other = dial(1, MR_TRANS_TCP);

	say(other, "0123456789abcdefghijklmnopqrstuvwxyz", IPERF3_COOKIE_BYTES);
	hear_message(other, IPERF3_ACCESS_DENIED);
	hear_end(other);
	mr_ep_close(control);
	expect_empty();
}
END_TEST

static int64_t
option(unsigned i, int opt)
{
	int64_t v;

	ck_assert_int_eq(mr_ep_getopt(TAILQ_FIRST(&inst[i].conns)->ep, opt, &v), 0);
	return v;
}

START_TEST(options)
{
	/* Of a stream as the client asks for them; the peer of any connection must show that it is there. */
	struct mr_ep *control =
	        start_test(_i ? "{\"tcp\":true}"
	                      : "{\"tcp\":true,\"nodelay\":true,\"congestion\":\"bbr\",\"window\":32768,"
	                        "\"TOS\":32}");
	struct mr_ep *s = start_stream(1);
	int64_t standard;

	ck_assert_int_eq(mr_transproto_getopt(core[1].stack, MR_TRANS_TCP, MR_OPT_TCP_CC, &standard), 0);
	ck_assert_int_ne(mr_tcp_cc_find("bbr"), standard);
	ck_assert_int_eq(option(1, MR_OPT_TCP_CC), _i ? standard : mr_tcp_cc_find("bbr"));
	ck_assert_int_eq(option(1, MR_OPT_TCP_NODELAY), !_i);
	ck_assert_int_eq(option(1, MR_OPT_TOS), _i ? 0 : 32);
	ck_assert(_i || option(1, MR_OPT_SNDBUF) == 32768);
	ck_assert(_i || option(1, MR_OPT_RCVBUF) == 32768);
	for (unsigned i = 0; i < CORES; i++) {
		ck_assert_int_eq(option(i, MR_OPT_TCP_KEEPALIVE), 1);
		ck_assert_int_le(option(i, MR_OPT_TCP_KEEPIDLE_NS), 10 * RIG_S);
	}
	mr_ep_close(control);
	hear_end(s);
	expect_empty();
}
END_TEST

START_TEST(long_and_quiet)
{
	struct mr_ep *control = start_test("{\"tcp\":true}"), *s = start_stream(1);

	/* A test that lasts longer than connections may be idle, and in which nothing is said yet. */
	hear_running(control);
	for (unsigned i = 0; i < 40; i++) {
		run(RIG_S);
		for (unsigned k = 0; k < CORES; k++)
			conn_sweep(&inst[k], mr_stack_now_ns(core[k].stack));
	}
	ck_assert_uint_eq(inst[0].n_conns + inst[1].n_conns, 2);
	json_decref(end_test(control));
	say_done(control);
	/* Then its streams are as others are. */
	for (unsigned i = 0; i < 40; i++) {
		run(RIG_S);
		conn_sweep(&inst[1], mr_stack_now_ns(core[1].stack));
	}
	hear_end(s);
	expect_empty();
}
END_TEST

START_TEST(silent_connection)
{
	struct mr_ep *ep = dial(1, MR_TRANS_TCP);

	/* A machine's own deadline, a little before the sweep's. */
	run(29 * RIG_S);
	ck_assert_uint_eq(inst[1].n_conns, 1);
	run(2 * RIG_S);
	ck_assert_uint_eq(inst[1].n_conns, 0);
	hear_end(ep);
	expect_empty();
}
END_TEST

START_TEST(program_ends)
{
	struct mr_ep *control = start_test("{\"tcp\":true}"), *s = start_stream(1);

	hear_running(control);
	for (unsigned i = 0; i < CORES; i++)
		conn_drain_all(&inst[i]);
	hear_message(control, IPERF3_SERVER_TERMINATE);
	hear_end(control);
	hear_end(s);
	expect_empty();
}
END_TEST

static Suite *
suite(void)
{
	Suite *s = suite_create("iperf3_service");
	TCase *tc = rig_case(s, "tcp", setup, teardown);

	tcase_add_test(tc, client_sends);
	tcase_add_test(tc, server_sends);
	tcase_add_test(tc, server_sends_at_a_rate);
	tcase_add_test(tc, both_send);
	tcase_add_test(tc, writes_of_a_byte);
	tcase_add_loop_test(tc, client_is_gone, 0, 3);
	tcase_add_test(tc, stream_is_gone);
	tcase_add_test(tc, second_client);
	tcase_add_loop_test(tc, options, 0, 2);
	tcase_add_test(tc, long_and_quiet);
	tcase_add_test(tc, silent_connection);
	tcase_add_test(tc, program_ends);
	return s;
}

RIG_MAIN(suite)
