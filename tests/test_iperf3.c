/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The server's iperf3, without a connection: the conversation of each kind of test byte by byte, a client that goes, stays
 * silent or talks nonsense in every state, two cores that share a test. JSON and streams have suites of their own.
 */
#include <string.h>

#include <jansson.h>

#include "app/millrace/iperf3_control.h"
#include "iperf3_control.h"

#define DIM(a) (sizeof(a) / sizeof((a)[0]))

#define COOKIE2 "0123456789abcdefghijklmnopqrstuvwxyz"

/* An error, and nothing else; the connection is to be closed and the test is free. */
static void
hear_error(struct iperf3_control *c, enum iperf3_error e)
{
	const uint8_t b[8] = {0, 0, 0, e};

	hear_message(c, IPERF3_SERVER_ERROR);
	hear(c, b, 8);
	hear_nothing(c);
	ck_assert_int_eq(c->state, IPERF3_CTL_OVER);
	ck_assert_int_eq(iperf3_test_phase(&test), IPERF3_IDLE);
}

START_TEST(a_whole_test)
{
	struct iperf3_control c, s[2];
	json_t *j;

	start_test(&c, "{\"tcp\":true,\"parallel\":2,\"time\":1,\"get_server_output\":1}");
	start_stream(&s[0]);
	iperf3_control_tick(&c, NOW);
	hear_nothing(&c);
	start_stream(&s[1]);
	hear_running(&c);
	iperf3_stream_received(&test, s[0].stream, 1000, NOW + 1);
	iperf3_stream_received(&test, s[1].stream, 30, NOW + 1);
	iperf3_stream_received(&test, s[1].stream, 1, NOW + 2);
	ck_assert(!iperf3_test_over(&test));
	ck_assert_uint_eq(iperf3_control_input(&c, &(char){IPERF3_TEST_END}, 1, NOW + 2 * RIG_S), 1);
	ck_assert(iperf3_test_over(&test));
	/* What is on its way still does not count, and there are no results while a stream may count. */
	iperf3_stream_received(&test, s[1].stream, 500, NOW + 2 * RIG_S);
	iperf3_control_leave(&s[0]);
	iperf3_control_tick(&c, NOW + 2 * RIG_S);
	hear_nothing(&c);
	iperf3_control_leave(&s[1]);
	j = finish(&c, NOW + 2 * RIG_S);
	ck_assert_int_eq(stream_number(j, 0, "id"), 1);
	ck_assert_int_eq(stream_number(j, 0, "bytes"), 1000);
	ck_assert_int_eq(stream_number(j, 1, "id"), 3);
	ck_assert_int_eq(stream_number(j, 1, "bytes"), 31);
	ck_assert_ptr_nonnull(strstr(json_string_value(json_object_get(j, "server_output_text")),
	                             "TCP, 2 stream(s), 2.000 s, received 1031 bytes, sent 0 bytes\n"));
	json_decref(j);
	for (unsigned i = 0; i < 2; i++)
		iperf3_control_fini(&s[i]);
	iperf3_control_fini(&c);
}
END_TEST

START_TEST(one_after_another)
{
	for (unsigned i = 0; i < 3; i++) {
		struct iperf3_control c, s;

		start_test(&c, "{\"reverse\":true}");
		start_stream(&s);
		hear_running(&c);
		ck_assert(iperf3_stream_may_send(&test, s.stream, NOW));
		iperf3_stream_sent(&test, s.stream, 77, NOW);
		say_message(&c, IPERF3_TEST_END);
		ck_assert(!iperf3_stream_may_send(&test, s.stream, NOW));
		iperf3_control_leave(&s);
		json_t *j = finish(&c, NOW);

		/* Nothing of the test before. */
		ck_assert_int_eq(stream_number(j, 0, "bytes"), 77);
		json_decref(j);
		iperf3_control_fini(&s);
		iperf3_control_fini(&c);
	}
}
END_TEST

START_TEST(both_ways)
{
	static const int ids[] = {1, 3, 4, 5}, bytes[] = {11, 33, 111, 222};
	struct iperf3_control c, s[4];
	json_t *j;

	start_test(&c, "{\"bidirectional\":true,\"parallel\":2}");
	for (unsigned i = 0; i < 4; i++)
		start_stream(&s[i]);
	hear_running(&c);
	/* Joined in another order than made: the client's own are the first and the last one. Nothing is sent before
	 * that is known. */
	for (unsigned i = 0; i < 4; i++)
		ck_assert(!iperf3_stream_may_send(&test, s[i].stream, NOW));
	iperf3_stream_received(&test, s[3].stream, 33, NOW);
	ck_assert(!iperf3_stream_may_send(&test, s[1].stream, NOW));
	iperf3_stream_received(&test, s[0].stream, 10, NOW);
	iperf3_stream_received(&test, s[0].stream, 1, NOW);
	for (unsigned i = 0; i < 4; i++)
		ck_assert(iperf3_stream_may_send(&test, s[i].stream, NOW) == (i == 1 || i == 2));
	iperf3_stream_sent(&test, s[1].stream, 111, NOW);
	iperf3_stream_sent(&test, s[2].stream, 222, NOW);
	/* Not a byte of what comes on a stream that is ours. */
	iperf3_stream_received(&test, s[2].stream, 5, NOW);
	say_message(&c, IPERF3_TEST_END);
	for (unsigned i = 0; i < 4; i++)
		iperf3_control_leave(&s[i]);
	j = finish(&c, NOW);
	for (unsigned i = 0; i < 4; i++) {
		ck_assert_int_eq(stream_number(j, i, "id"), ids[i]);
		ck_assert_int_eq(stream_number(j, i, "bytes"), bytes[i]);
	}
	json_decref(j);
	for (unsigned i = 0; i < 4; i++)
		iperf3_control_fini(&s[i]);
	iperf3_control_fini(&c);
}
END_TEST

START_TEST(cookies_that_overtake)
{
	/* Seen in another order than made, by one core or by two: the bytes tell. */
	struct iperf3_control c, s[2];
	json_t *j;

	start_test(&c, "{\"parallel\":2}");
	for (unsigned i = 0; i < 2; i++)
		start_stream(&s[i]);
	hear_running(&c);
	iperf3_stream_received(&test, s[0].stream, 1000, NOW);
	iperf3_stream_received(&test, s[1].stream, 5, NOW);
	say_message(&c, IPERF3_TEST_END);
	for (unsigned i = 0; i < 2; i++)
		iperf3_control_leave(&s[i]);
	iperf3_control_tick(&c, NOW);
	hear_message(&c, IPERF3_EXCHANGE_RESULTS);
	say_json(&c, "{\"streams\":[{\"id\":1,\"bytes\":20},{\"id\":3,\"bytes\":1020}]}");
	j = hear_json(&c);
	for (unsigned i = 0; i < 2; i++)
		ck_assert_int_eq(stream_number(j, i, "bytes"), stream_number(j, i, "id") == 3 ? 1000 : 5);
	json_decref(j);
	for (unsigned i = 0; i < 2; i++)
		iperf3_control_fini(&s[i]);
	iperf3_control_fini(&c);
}
END_TEST

START_TEST(busy)
{
	struct iperf3_control c, s, other;

	start_test(&c, "{}");
	for (unsigned i = 0; i < 2; i++) {
		/* While streams may come, and while the test runs. */
		start(&other);
		say(&other, COOKIE2, IPERF3_COOKIE_BYTES);
		iperf3_control_tick(&other, NOW + 500 * RIG_MS - 1);
		hear_nothing(&other);
		iperf3_control_tick(&other, NOW + 500 * RIG_MS);
		hear_message(&other, IPERF3_ACCESS_DENIED);
		hear_nothing(&other);
		ck_assert_int_eq(other.state, IPERF3_CTL_OVER);
		iperf3_control_fini(&other);
		if (i == 0) {
			start_stream(&s);
			hear_running(&c);
		}
	}
	/* A stream too many. */
	start(&other);
	say(&other, COOKIE, IPERF3_COOKIE_BYTES);
	iperf3_control_tick(&other, NOW + 500 * RIG_MS);
	hear_message(&other, IPERF3_ACCESS_DENIED);
	iperf3_control_fini(&other);
	ck_assert_int_eq(iperf3_test_phase(&test), IPERF3_RUN);
	iperf3_control_fini(&s);
	iperf3_control_fini(&c);
}
END_TEST

START_TEST(next_client_waits_for_the_last_one)
{
	struct iperf3_control c, s, next;

	start_test(&c, "{}");
	start_stream(&s);
	hear_running(&c);
	/* The client is gone, as its core does not know yet; then the core of the stream does not. */
	start(&next);
	say(&next, COOKIE2, IPERF3_COOKIE_BYTES);
	iperf3_control_tick(&next, NOW);
	hear_nothing(&next);
	iperf3_control_fini(&c);
	ck_assert(iperf3_test_over(&test));
	ck_assert_int_eq(next.state, IPERF3_CTL_WAIT);
	iperf3_control_tick(&next, NOW);
	hear_nothing(&next);
	iperf3_control_leave(&s);
	iperf3_control_tick(&next, NOW);
	hear_message(&next, IPERF3_PARAM_EXCHANGE);
	say_json(&next, "{}");
	hear_message(&next, IPERF3_CREATE_STREAMS);
	iperf3_control_fini(&s);
	ck_assert_int_eq(iperf3_test_phase(&test), IPERF3_JOIN);
	iperf3_control_fini(&next);
	ck_assert_int_eq(iperf3_test_phase(&test), IPERF3_IDLE);
}
END_TEST

/* Into one of the states that a client can be in. */
static void
drive(struct iperf3_control *c, struct iperf3_control *s, enum iperf3_control_state state)
{
	memset(s, 0, sizeof(*s));
	if (state == IPERF3_CTL_COOKIE) {
		start(c);
		say(c, COOKIE, IPERF3_COOKIE_BYTES - 1);
	} else if (state == IPERF3_CTL_PARAMS) {
		start(c);
		say(c, COOKIE, IPERF3_COOKIE_BYTES);
		hear_message(c, IPERF3_PARAM_EXCHANGE);
		say_length(c, 2);
		say(c, "{", 1);
	} else {
		start_test(c, "{\"time\":7,\"omit\":3}");
	}
	if (state >= IPERF3_CTL_RUN) {
		start_stream(s);
		hear_running(c);
	}
	if (state >= IPERF3_CTL_STOP)
		say_message(c, IPERF3_TEST_END);
	if (state >= IPERF3_CTL_RESULTS) {
		iperf3_control_leave(s);
		iperf3_control_tick(c, NOW);
		hear_message(c, IPERF3_EXCHANGE_RESULTS);
	}
	if (state == IPERF3_CTL_SHOWN) {
		say_json(c, RESULTS);
		iperf3_control_sent(c, c->out_len);
	}
	ck_assert_int_eq(c->state, state);
}

static const enum iperf3_control_state states[] = {IPERF3_CTL_COOKIE, IPERF3_CTL_PARAMS, IPERF3_CTL_JOIN,
                                                   IPERF3_CTL_RUN,    IPERF3_CTL_STOP,   IPERF3_CTL_RESULTS,
                                                   IPERF3_CTL_SHOWN};

START_TEST(client_dies)
{
	struct iperf3_control c, s;

	drive(&c, &s, states[_i]);
	iperf3_control_fini(&c);
	ck_assert_int_eq(iperf3_test_phase(&test), IPERF3_IDLE);
	ck_assert(!s.stream || iperf3_test_over(&test));
	if (s.test)
		iperf3_control_fini(&s);
	/* The next one finds everything in order. */
	start_test(&c, "{}");
	iperf3_control_fini(&c);
}
END_TEST

START_TEST(client_terminates)
{
	struct iperf3_control c, s;
	enum iperf3_control_state state = states[_i];

	if (state == IPERF3_CTL_COOKIE || state == IPERF3_CTL_PARAMS || state == IPERF3_CTL_RESULTS)
		return;
	drive(&c, &s, state);
	say_message(&c, IPERF3_CLIENT_TERMINATE);
	hear_nothing(&c);
	ck_assert_int_eq(c.state, IPERF3_CTL_OVER);
	ck_assert_int_eq(iperf3_test_phase(&test), IPERF3_IDLE);
	if (s.test)
		iperf3_control_fini(&s);
	iperf3_control_fini(&c);
}
END_TEST

START_TEST(client_falls_silent)
{
	struct iperf3_control c, s;
	enum iperf3_control_state state = states[_i];
	/* A test of 3 and 7 seconds has 40 more to come to its end. */
	uint64_t limit = state == IPERF3_CTL_RUN ? 50 * RIG_S : 30 * RIG_S;

	drive(&c, &s, state);
	iperf3_control_tick(&c, NOW + limit - 1);
	ck_assert_int_eq(c.state, state);
	iperf3_control_tick(&c, NOW + limit);
	if (state == IPERF3_CTL_COOKIE || state == IPERF3_CTL_SHOWN)
		hear_nothing(&c);
	else
		hear_error(&c, state == IPERF3_CTL_RUN ? IPERF3_ERR_EXPIRED : IPERF3_ERR_STUCK);
	ck_assert_int_eq(c.state, IPERF3_CTL_OVER);
	if (s.test)
		iperf3_control_fini(&s);
	iperf3_control_fini(&c);
	ck_assert_int_eq(iperf3_test_phase(&test), IPERF3_IDLE);
}
END_TEST

START_TEST(nothing_moves)
{
	struct iperf3_control c, s;

	/* A test by bytes has no length in time: it goes on while something moves. */
	start_test(&c, "{\"num\":1000000}");
	start_stream(&s);
	hear_running(&c);
	iperf3_stream_received(&test, s.stream, 1, NOW + 100 * RIG_S);
	iperf3_control_tick(&c, NOW + 220 * RIG_S - 1);
	ck_assert_int_eq(c.state, IPERF3_CTL_RUN);
	iperf3_control_tick(&c, NOW + 220 * RIG_S);
	hear_error(&c, IPERF3_ERR_STUCK);
	iperf3_control_fini(&s);
	iperf3_control_fini(&c);
}
END_TEST

START_TEST(lengths_of_json)
{
	static const uint32_t bad[] = {0, IPERF3_PARAMS_BYTES_MAX + 1, INT32_MAX, UINT32_MAX};
	struct iperf3_control c, s;

	for (unsigned i = 0; i < DIM(bad); i++) {
		start(&c);
		say(&c, COOKIE, IPERF3_COOKIE_BYTES);
		hear_message(&c, IPERF3_PARAM_EXCHANGE);
		say_length(&c, bad[i]);
		hear_error(&c, IPERF3_ERR_PARAMS);
		iperf3_control_fini(&c);
	}
	/* The longest there may be. */
	start(&c);
	say(&c, COOKIE, IPERF3_COOKIE_BYTES);
	hear_message(&c, IPERF3_PARAM_EXCHANGE);
	say_length(&c, IPERF3_PARAMS_BYTES_MAX);
	for (unsigned i = 0; i < IPERF3_PARAMS_BYTES_MAX - 2; i++)
		say(&c, " ", 1);
	say(&c, "{}", 2);
	hear_message(&c, IPERF3_CREATE_STREAMS);
	iperf3_control_fini(&c);
	drive(&c, &s, IPERF3_CTL_RESULTS);
	say_length(&c, IPERF3_RESULTS_BYTES_MAX + 1);
	hear_error(&c, IPERF3_ERR_RESULTS);
	iperf3_control_fini(&s);
	iperf3_control_fini(&c);
}
END_TEST

START_TEST(nonsense)
{
	struct iperf3_control c, s;

	start(&c);
	say(&c, COOKIE, IPERF3_COOKIE_BYTES);
	hear_message(&c, IPERF3_PARAM_EXCHANGE);
	say_json(&c, "{\"parallel\":1000}");
	hear_error(&c, IPERF3_ERR_STREAMS);
	/* What follows an error is not looked at. */
	ck_assert_uint_eq(iperf3_control_input(&c, "anything", 8, NOW), 8);
	hear_nothing(&c);
	iperf3_control_fini(&c);

	/* A message that is none, and one that does not belong there. */
	drive(&c, &s, IPERF3_CTL_RUN);
	say(&c, "?", 1);
	hear_error(&c, IPERF3_ERR_MESSAGE);
	iperf3_control_fini(&s);
	iperf3_control_fini(&c);
	drive(&c, &s, IPERF3_CTL_JOIN);
	say_message(&c, IPERF3_TEST_END);
	hear_error(&c, IPERF3_ERR_MESSAGE);
	iperf3_control_fini(&c);

	drive(&c, &s, IPERF3_CTL_RESULTS);
	say_json(&c, "{\"streams\":7}");
	hear_error(&c, IPERF3_ERR_RESULTS);
	iperf3_control_fini(&s);
	iperf3_control_fini(&c);
}
END_TEST

START_TEST(all_in_one_piece)
{
	static const char params[] = "\0\0\0\x02{}";
	char text[IPERF3_COOKIE_BYTES + 6];
	struct iperf3_control c;

	memcpy(text, COOKIE, IPERF3_COOKIE_BYTES);
	memcpy(text + IPERF3_COOKIE_BYTES, params, 6);
	start(&c);
	ck_assert_uint_eq(iperf3_control_input(&c, text, sizeof(text), NOW), sizeof(text));
	hear_message(&c, IPERF3_PARAM_EXCHANGE);
	hear_message(&c, IPERF3_CREATE_STREAMS);
	/* A stream's data behind its cookie is left for whom it is meant. */
	struct iperf3_control s;

	start(&s);
	ck_assert_uint_eq(iperf3_control_input(&s, text, sizeof(text), NOW), IPERF3_COOKIE_BYTES);
	ck_assert_int_eq(s.state, IPERF3_CTL_STREAM);
	iperf3_control_fini(&s);
	iperf3_control_fini(&c);
}
END_TEST

START_TEST(program_ends)
{
	struct iperf3_control c, s;

	drive(&c, &s, states[_i]);
	iperf3_control_drain(&c);
	if (states[_i] != IPERF3_CTL_COOKIE && states[_i] != IPERF3_CTL_SHOWN)
		hear_message(&c, IPERF3_SERVER_TERMINATE);
	hear_nothing(&c);
	ck_assert_int_eq(c.state, IPERF3_CTL_OVER);
	if (s.test)
		iperf3_control_fini(&s);
	iperf3_control_fini(&c);
}
END_TEST

static Suite *
suite(void)
{
	Suite *s = suite_create("iperf3");
	TCase *tc = rig_case(s, "conversation", setup, NULL);

	tcase_add_test(tc, a_whole_test);
	tcase_add_test(tc, one_after_another);
	tcase_add_test(tc, both_ways);
	tcase_add_test(tc, cookies_that_overtake);
	tcase_add_test(tc, busy);
	tcase_add_test(tc, next_client_waits_for_the_last_one);
	tcase_add_loop_test(tc, client_dies, 0, DIM(states));
	tcase_add_loop_test(tc, client_terminates, 0, DIM(states));
	tcase_add_loop_test(tc, client_falls_silent, 0, DIM(states));
	tcase_add_test(tc, nothing_moves);
	tcase_add_test(tc, lengths_of_json);
	tcase_add_test(tc, nonsense);
	tcase_add_test(tc, all_in_one_piece);
	tcase_add_loop_test(tc, program_ends, 0, DIM(states));
	return s;
}

RIG_MAIN(suite)
