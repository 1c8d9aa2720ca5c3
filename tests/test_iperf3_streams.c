/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The server's iperf3: what its streams count, at which rate they send, and datagrams lost, late and of strangers.
 */
#include <string.h>

#include <jansson.h>

#include "app/millrace/iperf3_control.h"
#include "iperf3_control.h"

#define DIM(a) (sizeof(a) / sizeof((a)[0]))

/* ---- streams */

START_TEST(omitted_time)
{
	struct iperf3_control c, s;
	json_t *j;

	start_test(&c, "{\"omit\":2,\"time\":5}");
	start_stream(&s);
	hear_running(&c);
	iperf3_stream_received(&test, s.stream, 1000, NOW + 2 * RIG_S - 1);
	iperf3_stream_received(&test, s.stream, 10, NOW + 2 * RIG_S);
	iperf3_stream_received(&test, s.stream, 1, NOW + 7 * RIG_S);
	iperf3_control_input(&c, &(char){IPERF3_TEST_END}, 1, NOW + 7 * RIG_S);
	iperf3_control_leave(&s);
	j = finish(&c, NOW + 7 * RIG_S);
	ck_assert_int_eq(stream_number(j, 0, "bytes"), 11);
	ck_assert_double_eq_tol(
	        json_number_value(json_object_get(json_array_get(json_object_get(j, "streams"), 0), "end_time")), 5,
	        1e-9);
	json_decref(j);
	iperf3_control_fini(&s);
	iperf3_control_fini(&c);
}
END_TEST

/* What is sent again in the omitted time does not count, and of a stream that we receive nothing is known. */
START_TEST(retransmits)
{
	struct mr_tcp_info info = {.retransmitted_segs = 3, .snd_cwnd = 90000, .srtt_ns = 2 * RIG_MS};
	struct iperf3_control c, s;
	const char *words;
	json_t *j;

	start_test(&c, _i ? "{\"reverse\":true,\"omit\":2,\"time\":5,\"get_server_output\":1}" : "{\"omit\":2,\"time\":5}");
	start_stream(&s);
	hear_running(&c);
	iperf3_stream_connection(&test, s.stream, &info, NOW + RIG_S);
	info.snd_cwnd = 20000;
	iperf3_stream_connection(&test, s.stream, &info, NOW + 2 * RIG_S);
	info.retransmitted_segs = 8;
	info.snd_cwnd = 30000;
	iperf3_stream_connection(&test, s.stream, &info, NOW + 3 * RIG_S);
	info.snd_cwnd = 10000;
	info.srtt_ns = 0; /* the connection is over */
	iperf3_stream_connection(&test, s.stream, &info, NOW + 4 * RIG_S);
	say_message(&c, IPERF3_TEST_END);
	iperf3_control_leave(&s);
	j = finish(&c, NOW + 7 * RIG_S);
	ck_assert_int_eq(stream_number(j, 0, "retransmits"), _i ? 5 : -1);
	ck_assert_int_eq(json_integer_value(json_object_get(j, "sender_has_retransmits")), _i);
	words = json_string_value(json_object_get(j, "server_output_text"));
	ck_assert(!_i || strstr(words, ", 5 segments again, window up to 30000 bytes, round trip 2.000 ms\n"));
	json_decref(j);
	iperf3_control_fini(&s);
	iperf3_control_fini(&c);
}
END_TEST

START_TEST(omitted_time_is_all)
{
	struct iperf3_control c, s;
	json_t *j;

	/* Nothing came that counts. */
	start_test(&c, "{\"omit\":2,\"time\":5}");
	start_stream(&s);
	hear_running(&c);
	iperf3_stream_received(&test, s.stream, 1000, NOW + 1);
	iperf3_control_input(&c, &(char){IPERF3_TEST_END}, 1, NOW + 7 * RIG_S);
	iperf3_control_leave(&s);
	j = finish(&c, NOW + 7 * RIG_S);
	ck_assert_int_eq(stream_number(j, 0, "bytes"), 0);
	json_decref(j);
	iperf3_control_fini(&s);
	iperf3_control_fini(&c);
}
END_TEST

START_TEST(rate)
{
	struct iperf3_control c, s;

	/* 8,000 bit/s: a block of 100 bytes every 100 ms, the first one at once. */
	start_test(&c, "{\"reverse\":true,\"bandwidth\":8000,\"len\":100}");
	start_stream(&s);
	ck_assert(!iperf3_stream_may_send(&test, s.stream, NOW));
	hear_running(&c);
	for (unsigned i = 0; i < 50; i++) {
		uint64_t due = NOW + i * 100 * RIG_MS;

		if (i)
			ck_assert(!iperf3_stream_may_send(&test, s.stream, due - 1));
		ck_assert(iperf3_stream_may_send(&test, s.stream, due));
		iperf3_stream_sent(&test, s.stream, 100, due);
	}
	/* A core that was away for a second has ten blocks to send. */
	for (unsigned i = 0; i < 11; i++) {
		ck_assert(iperf3_stream_may_send(&test, s.stream, NOW + 60 * 100 * RIG_MS));
		iperf3_stream_sent(&test, s.stream, 100, NOW + 60 * 100 * RIG_MS);
	}
	ck_assert(!iperf3_stream_may_send(&test, s.stream, NOW + 60 * 100 * RIG_MS));
	iperf3_control_fini(&s);
	iperf3_control_fini(&c);
}
END_TEST

/* ---- datagrams */

static struct iperf3_stream *
start_udp(struct iperf3_control *c, const char *params)
{
	struct iperf3_stream *s;

	start_test(c, params);
	s = iperf3_test_join_udp(&test, &peer);
	ck_assert_ptr_nonnull(s);
	hear_running(c);
	return s;
}

static void
datagram(struct iperf3_stream *s, uint64_t number, uint64_t sent_ns, uint64_t now_ns, bool wide)
{
	struct iperf3_test sender = {.params.wide = wide};
	struct iperf3_stream as = {.packets = number - 1};
	uint8_t b[16];

	/* The header is ours both ways; that it is the client's too is for a real client to say. */
	iperf3_stream_header(&sender, &as, b, sent_ns);
	iperf3_stream_datagram(&test, s, b, wide ? 16 : 12, now_ns);
}

START_TEST(datagram_header)
{
	static const uint8_t narrow[12] = {0, 0, 0, 5, 0, 0, 0, 9, 0, 0, 1, 0};
	static const uint8_t wide[16] = {0, 0, 0, 5, 0, 0, 0, 9, 0, 0, 0, 2, 0, 0, 1, 0};
	struct iperf3_stream s = {.packets = 255};
	uint8_t b[16];

	iperf3_stream_header(&test, &s, b, 5 * RIG_S + 9999);
	ck_assert_mem_eq(b, narrow, sizeof(narrow));
	test.params.wide = true;
	s.packets = (UINT64_C(2) << 32) + 255;
	iperf3_stream_header(&test, &s, b, 5 * RIG_S + 9999);
	ck_assert_mem_eq(b, wide, sizeof(wide));
}
END_TEST

START_TEST(datagrams_lost_and_late)
{
	static const unsigned order[] = {1, 2, 5, 3, 9};
	struct iperf3_control c;
	bool wide = _i;
	struct iperf3_stream *s = start_udp(&c, wide ? "{\"udp\":true,\"udp_counters_64bit\":1,\"get_server_output\":1}"
	                                             : "{\"udp\":true,\"get_server_output\":1}");
	json_t *j;

	for (unsigned i = 0; i < DIM(order); i++)
		datagram(s, order[i], NOW, NOW, wide);
	/* Too short to be one. */
	iperf3_stream_datagram(&test, s, (const uint8_t *)COOKIE, wide ? 15 : 11, NOW);
	say_message(&c, IPERF3_TEST_END);
	datagram(s, 10, NOW, NOW, wide);
	iperf3_test_leave(&test);
	j = finish(&c, NOW);
	ck_assert_int_eq(stream_number(j, 0, "packets"), 9);
	/* 4, 6, 7 and 8; 3 was only late. */
	ck_assert_int_eq(stream_number(j, 0, "errors"), 4);
	ck_assert_int_eq(stream_number(j, 0, "bytes"), 5 * (wide ? 16 : 12));
	ck_assert_ptr_nonnull(
	        strstr(json_string_value(json_object_get(j, "server_output_text")), ", missed 4 of 9 datagrams\n"));
	json_decref(j);
	iperf3_control_fini(&c);
}
END_TEST

START_TEST(datagrams_jitter)
{
	struct iperf3_control c;
	struct iperf3_stream *s = start_udp(&c, "{\"udp\":true,\"omit\":1}");

	/* Clocks that are far from each other make none; each 16 ms of difference adds a sixteenth of itself. */
	datagram(s, 1, 900 * RIG_S, NOW, false);
	datagram(s, 2, 900 * RIG_S + 50 * RIG_MS, NOW + 50 * RIG_MS, false);
	ck_assert_double_eq_tol(s->jitter_s, 0, 1e-6);
	datagram(s, 3, 900 * RIG_S + 100 * RIG_MS, NOW + 116 * RIG_MS, false);
	ck_assert_double_eq_tol(s->jitter_s, 0.001, 1e-6);
	datagram(s, 4, 900 * RIG_S + 200 * RIG_MS, NOW + 200 * RIG_MS, false);
	ck_assert_double_eq_tol(s->jitter_s, 0.001 + (0.016 - 0.001) / 16, 1e-6);
	/* What is omitted goes by itself. */
	datagram(s, 9, 901 * RIG_S, NOW + RIG_S, false);
	ck_assert_double_eq_tol(s->jitter_s, 0, 1e-6);
	ck_assert_uint_eq(s->omitted_packets, 4);
	ck_assert_uint_eq(s->omitted_errors, 0);
	ck_assert_uint_eq(s->packets, 9);
	ck_assert_uint_eq(s->errors, 4);
	iperf3_test_leave(&test);
	iperf3_control_fini(&c);
}
END_TEST

START_TEST(datagrams_of_strangers)
{
	struct iperf3_control c;

	start_test(&c, "{\"udp\":true}");
	ck_assert_ptr_null(iperf3_test_join_udp(&test, &stranger));
	/* Nor does a connection take part in a test of datagrams. */
	ck_assert_ptr_null(iperf3_test_join(&test, COOKIE));
	ck_assert_ptr_nonnull(iperf3_test_join_udp(&test, &peer));
	ck_assert_ptr_null(iperf3_test_join_udp(&test, &peer));
	iperf3_test_leave(&test);
	iperf3_control_fini(&c);
	ck_assert(iperf3_test_left(&test));
	start_test(&c, "{}");
	ck_assert_ptr_null(iperf3_test_join_udp(&test, &peer));
	iperf3_control_fini(&c);
	ck_assert_ptr_null(iperf3_test_join(&test, COOKIE));
	ck_assert(iperf3_test_left(&test));
}
END_TEST

static Suite *
suite(void)
{
	Suite *s = suite_create("iperf3_streams");
	TCase *tc = rig_case(s, "streams", setup, NULL);

	tcase_add_test(tc, omitted_time);
	tcase_add_test(tc, omitted_time_is_all);
	tcase_add_loop_test(tc, retransmits, 0, 2);
	tcase_add_test(tc, rate);
	tcase_add_test(tc, datagram_header);
	tcase_add_loop_test(tc, datagrams_lost_and_late, 0, 2);
	tcase_add_test(tc, datagrams_jitter);
	tcase_add_test(tc, datagrams_of_strangers);
	return s;
}

RIG_MAIN(suite)
