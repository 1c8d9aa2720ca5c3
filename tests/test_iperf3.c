/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The server's iperf3, without a connection: its JSON whole and damaged, the conversation of each kind of test byte by
 * byte, a client that goes, stays silent or talks nonsense in every state, two cores that share a test, the counting of
 * datagrams, and rates.
 */
#include "rig/rig.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <jansson.h>

#include "app/millrace/iperf3_control.h"

#define DIM(a) (sizeof(a) / sizeof((a)[0]))
#define COOKIE "abcdefghijklmnopqrstuvwxyz0123456789" /* and its zero */
#define COOKIE2 "0123456789abcdefghijklmnopqrstuvwxyz"
#define NOW (5 * RIG_S)
#define RESULTS "{\"cpu_util_total\":1,\"streams\":[]}"

static struct iperf3_test test;
static struct mr_addr peer, stranger;

static void
setup(void)
{
	memset(&test, 0, sizeof(test));
	ck_assert_int_eq(mr_addr_parse("10.0.0.2", &peer), 0);
	ck_assert_int_eq(mr_addr_parse("10.0.0.3", &stranger), 0);
}

/* ---- JSON */

static enum iperf3_error
parse(const char *text, struct iperf3_params *p)
{
	/* Exactly these bytes: reading past them is an error that a sanitizer sees. */
	size_t len = strlen(text);
	char *copy = malloc(len);
	enum iperf3_error e;

	memcpy(copy, text, len);
	e = iperf3_params_parse(copy, len, p);
	free(copy);
	return e;
}

START_TEST(params_of_a_client)
{
	struct iperf3_params p;

	ck_assert_int_eq(
	        parse("{\"tcp\":true,\"omit\":1,\"time\":10,\"num\":0,\"blockcount\":0,\"parallel\":4,\"nodelay\":true,"
	              "\"reverse\":true,\"window\":65536,\"len\":131072,\"bandwidth\":1000000,\"TOS\":16,"
	              "\"congestion\":\"cubic\",\"pacing_timer\":1000,\"client_version\":\"3.12\"}",
	              &p),
	        IPERF3_OK);
	ck_assert(!p.udp && p.reverse && !p.bidir && p.nodelay && !p.wide && !p.server_output);
	ck_assert_uint_eq(p.omit_s, 1);
	ck_assert_uint_eq(p.duration_s, 10);
	ck_assert_uint_eq(p.parallel, 4);
	ck_assert_uint_eq(p.window, 65536);
	ck_assert_uint_eq(p.block, 131072);
	ck_assert_uint_eq(p.rate, 1000000);
	ck_assert_uint_eq(p.tos, 16);
	ck_assert_str_eq(p.congestion, "cubic");
}
END_TEST

START_TEST(params_missing_and_unknown)
{
	struct iperf3_params p;

	ck_assert_int_eq(parse("{}", &p), IPERF3_OK);
	ck_assert_uint_eq(p.parallel, 1);
	ck_assert_uint_eq(p.block, 131072);
	ck_assert_uint_eq(p.duration_s, 0);
	ck_assert_uint_eq(p.rate, 0);
	ck_assert_int_eq(parse("{\"udp\":true,\"future\":{\"a\":[1,null]},\"len\":0}", &p), IPERF3_OK);
	ck_assert(p.udp);
	ck_assert_uint_eq(p.block, 1460);
	/* Numbers as other versions write them, and a title in Latin-1. */
	ck_assert_int_eq(parse("{\"parallel\":2.0,\"time\":1e1,\"num\":1e18,\"blockcount\":99999999999999999999,"
	                       "\"udp_counters_64bit\":1,\"get_server_output\":1,\"title\":\"gr\xfc\xdf dich\"}",
	                       &p),
	                 IPERF3_OK);
	ck_assert(p.wide && p.server_output);
	ck_assert_uint_eq(p.parallel, 2);
	ck_assert_uint_eq(p.duration_s, 10);
	/* Both directions at once are one thing, whatever else is said; the lower rate is the limit. */
	ck_assert_int_eq(parse("{\"reverse\":true,\"bidirectional\":true,\"bandwidth\":9,\"fqrate\":8}", &p),
	                 IPERF3_OK);
	ck_assert(p.bidir && !p.reverse);
	ck_assert_uint_eq(p.rate, 8);
	ck_assert_uint_eq(iperf3_params_streams(&p), 2);
	ck_assert_int_eq(parse("{\"congestion\":\"reno\"}", &p), IPERF3_OK);
	ck_assert_str_eq(p.congestion, "newreno");
	/* Too long a name is none of ours. */
	ck_assert_int_eq(parse("{\"congestion\":\"0123456789abcdef\"}", &p), IPERF3_OK);
	ck_assert_str_eq(p.congestion, "");
	ck_assert_int_eq(parse("{\"congestion\":\"0123456789abcde\"}", &p), IPERF3_OK);
	ck_assert_str_eq(p.congestion, "0123456789abcde");
}
END_TEST

static const struct bad_params {
	const char *text;
	enum iperf3_error e;
} bad_params[] = {
        {"{", IPERF3_ERR_PARAMS},
        {"[]", IPERF3_ERR_PARAMS},
        {"null", IPERF3_ERR_PARAMS},
        {"{} x", IPERF3_ERR_PARAMS},
        {"{\"bandwidth\":-1}", IPERF3_ERR_PARAMS},
        {"{\"bandwidth\":1e16}", IPERF3_ERR_PARAMS},
        {"{\"sctp\":true}", IPERF3_ERR_SCTP},
        {"{\"parallel\":0}", IPERF3_ERR_STREAMS},
        {"{\"parallel\":129}", IPERF3_ERR_STREAMS},
        {"{\"parallel\":-1}", IPERF3_ERR_STREAMS},
        {"{\"omit\":601}", IPERF3_ERR_OMIT},
        {"{\"time\":86401}", IPERF3_ERR_DURATION},
        {"{\"window\":536870913}", IPERF3_ERR_WINDOW},
        {"{\"TOS\":256}", IPERF3_ERR_TOS},
        {"{\"len\":1048577}", IPERF3_ERR_BLOCK},
        {"{\"len\":-1}", IPERF3_ERR_BLOCK},
        {"{\"udp\":true,\"len\":11}", IPERF3_ERR_UDP_BLOCK},
        {"{\"udp\":true,\"udp_counters_64bit\":1,\"len\":15}", IPERF3_ERR_UDP_BLOCK},
        {"{\"udp\":true,\"len\":65508}", IPERF3_ERR_UDP_BLOCK},
};

START_TEST(params_bad)
{
	struct iperf3_params p;

	ck_assert_int_eq(parse(bad_params[_i].text, &p), bad_params[_i].e);
}
END_TEST

START_TEST(params_deep)
{
	char text[IPERF3_PARAMS_BYTES_MAX + 1];
	struct iperf3_params p;

	/* As deep as it can be said in what we take: no stack may end before. */
	memset(text, '[', sizeof(text) - 1);
	memcpy(text, "{\"a\":", 5);
	text[sizeof(text) - 1] = '\0';
	ck_assert_int_eq(parse(text, &p), IPERF3_ERR_PARAMS);
}
END_TEST

START_TEST(results_text)
{
	const struct iperf3_stream_result s[2] = {
	        {.id = 1, .bytes = UINT64_C(5000000000), .jitter_s = 0.25, .packets = 7, .errors = 3, .seconds = 2.5,
	         .retransmits = -1},
	        {.id = 3, .sender = true, .bytes = 9, .retransmits = UINT32_MAX},
	};
	struct iperf3_results r = {.cpu_total = 12.5, .streams = s, .n = 2, .output = "words"};
	char *text = iperf3_results_format(&r);
	struct iperf3_client_results client;
	json_t *j = json_loads(text, 0, NULL), *one;

	ck_assert_ptr_nonnull(j);
	one = json_array_get(json_object_get(j, "streams"), 0);
	ck_assert_uint_eq(json_array_size(json_object_get(j, "streams")), 2);
	ck_assert_int_eq(json_integer_value(json_object_get(one, "bytes")), 5000000000);
	ck_assert_double_eq(json_number_value(json_object_get(one, "jitter")), 0.25);
	ck_assert_double_eq(json_number_value(json_object_get(one, "end_time")), 2.5);
	ck_assert_int_eq(json_integer_value(json_object_get(one, "errors")), 3);
	ck_assert_int_eq(json_integer_value(json_object_get(one, "packets")), 7);
	ck_assert_int_eq(json_integer_value(json_object_get(one, "retransmits")), -1);
	one = json_array_get(json_object_get(j, "streams"), 1);
	ck_assert_int_eq(json_integer_value(json_object_get(one, "retransmits")), UINT32_MAX);
	ck_assert_int_eq(json_integer_value(json_object_get(j, "sender_has_retransmits")), 1);
	ck_assert_double_eq(json_number_value(json_object_get(j, "cpu_util_total")), 12.5);
	ck_assert_str_eq(json_string_value(json_object_get(j, "server_output_text")), "words");
	ck_assert_ptr_null(json_object_get(j, "congestion_used"));
	/* A client's look like ours. */
	ck_assert(iperf3_results_parse(text, strlen(text), &client));
	ck_assert_uint_eq(client.n, 2);
	ck_assert_uint_eq(client.streams[0].id, 1);
	ck_assert_double_eq(client.streams[0].bytes, 5e9);
	ck_assert_uint_eq(client.streams[1].id, 3);
	json_decref(j);
	free(text);
}
END_TEST

static const char *const bad_results[] = {
        "", "{}", "[]", "{\"streams\":7}", "{\"streams\":[1]}", "{\"streams\":[{}]}", "{\"streams\":[{\"id\":-1}]}",
};

START_TEST(results_bad)
{
	struct iperf3_client_results client;

	ck_assert(!iperf3_results_parse(bad_results[_i], strlen(bad_results[_i]), &client));
}
END_TEST

START_TEST(results_of_too_many_streams)
{
	struct iperf3_client_results client;
	char text[IPERF3_STREAMS_MAX * 9 + 64];
	size_t len = sprintf(text, "{\"streams\":[{\"id\":9}");

	for (unsigned i = 1; i < IPERF3_STREAMS_MAX; i++)
		len += sprintf(text + len, ",{\"id\":9}");
	strcpy(text + len, "]}");
	ck_assert(iperf3_results_parse(text, len + 2, &client));
	ck_assert_uint_eq(client.n, IPERF3_STREAMS_MAX);
	strcpy(text + len, ",{\"id\":9}]}");
	ck_assert(!iperf3_results_parse(text, strlen(text), &client));
}
END_TEST

START_TEST(results_matched)
{
	/* Two that we receive and three that we send, by rank; a stream more or less, and nobody knows. */
	struct iperf3_stream_result s[5] = {
	        {.id = 1, .bytes = 900},
	        {.id = 3, .bytes = 100},
	        {.id = 4, .sender = true, .bytes = 50},
	        {.id = 5, .sender = true, .bytes = 70},
	        {.id = 6, .sender = true, .bytes = 60},
	};
	struct iperf3_client_results client = {
	        .n = 5,
	        .streams = {{1, 150}, {3, 950}, {4, 69}, {5, 49}, {6, 59}},
	};
	const struct {
		uint32_t id;
		uint64_t bytes;
	} want[] = {{1, 100}, {3, 900}, {5, 50}, {6, 60}, {4, 70}};

	iperf3_results_match(s, 4, &client);
	ck_assert_uint_eq(s[0].bytes, 900);
	ck_assert_uint_eq(s[0].id, 1);
	iperf3_results_match(s, 5, &client);
	for (unsigned i = 0; i < 5; i++) {
		ck_assert_uint_eq(s[i].id, want[i].id);
		ck_assert_uint_eq(s[i].bytes, want[i].bytes);
	}
}
END_TEST

START_TEST(results_of_many_streams_fit)
{
	static struct iperf3_stream_result s[IPERF3_STREAMS_MAX];
	struct iperf3_results r = {.streams = s, .n = IPERF3_STREAMS_MAX};
	char *text;

	/* What we send at most is what we take at most: a client's results look like ours. */
	for (unsigned i = 0; i < IPERF3_STREAMS_MAX; i++)
		s[i] = (struct iperf3_stream_result){.id = 257,
		                                     .bytes = 999999999999,
		                                     .jitter_s = 1.0 / 3,
		                                     .packets = 99999999,
		                                     .errors = 99999999,
		                                     .omitted_packets = 9999999,
		                                     .omitted_errors = 9999999,
		                                     .seconds = 86400 + 1.0 / 3};
	text = iperf3_results_format(&r);
	ck_assert_uint_le(strlen(text), IPERF3_RESULTS_BYTES_MAX);
	free(text);
}
END_TEST

/* ---- conversation */

static void
start_on(struct iperf3_control *c, const void *core)
{
	iperf3_control_init(c, &test, &peer, core, NOW);
}

static void
start(struct iperf3_control *c)
{
	start_on(c, NULL);
}

/* Byte by byte, as the worst network would bring it. */
static void
say(struct iperf3_control *c, const void *data, size_t len)
{
	for (size_t i = 0; i < len; i++)
		ck_assert_uint_eq(iperf3_control_input(c, (const char *)data + i, 1, NOW), 1);
}

static void
say_message(struct iperf3_control *c, enum iperf3_message m)
{
	say(c, &(int8_t){m}, 1);
}

static void
say_length(struct iperf3_control *c, uint32_t n)
{
	const uint8_t b[4] = {n >> 24, n >> 16, n >> 8, n};

	say(c, b, 4);
}

static void
say_json(struct iperf3_control *c, const char *text)
{
	say_length(c, strlen(text));
	say(c, text, strlen(text));
}

static void
hear(struct iperf3_control *c, const void *data, size_t len)
{
	ck_assert_uint_ge(c->out_len, len);
	ck_assert_mem_eq(c->out, data, len);
	iperf3_control_sent(c, len);
}

static void
hear_message(struct iperf3_control *c, enum iperf3_message m)
{
	hear(c, &(int8_t){m}, 1);
}

static void
hear_nothing(const struct iperf3_control *c)
{
	ck_assert_uint_eq(c->out_len, 0);
}

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

static json_t *
hear_json(struct iperf3_control *c)
{
	const uint8_t *b = (const uint8_t *)c->out;
	uint32_t len;
	json_t *j;

	ck_assert_uint_ge(c->out_len, 4);
	len = (uint32_t)b[0] << 24 | b[1] << 16 | b[2] << 8 | b[3];
	ck_assert_uint_ge(c->out_len, 4 + len);
	j = json_loadb(c->out + 4, len, 0, NULL);
	ck_assert_ptr_nonnull(j);
	iperf3_control_sent(c, 4 + len);
	return j;
}

/* To the point where the client makes its streams. */
static void
start_test(struct iperf3_control *c, const char *params)
{
	start(c);
	say(c, COOKIE, IPERF3_COOKIE_BYTES);
	hear_message(c, IPERF3_PARAM_EXCHANGE);
	say_json(c, params);
	hear_message(c, IPERF3_CREATE_STREAMS);
	hear_nothing(c);
}

static void
start_stream(struct iperf3_control *s)
{
	start(s);
	say(s, COOKIE, IPERF3_COOKIE_BYTES);
	ck_assert_int_eq(s->state, IPERF3_CTL_STREAM);
	ck_assert_ptr_nonnull(s->stream);
	hear_nothing(s);
}

static void
hear_running(struct iperf3_control *c)
{
	iperf3_control_tick(c, NOW);
	hear_message(c, IPERF3_TEST_START);
	hear_message(c, IPERF3_TEST_RUNNING);
	hear_nothing(c);
	ck_assert_int_eq(iperf3_test_phase(&test), IPERF3_RUN);
}

/* From the end of the test, which all streams have left, to its results. */
static json_t *
finish(struct iperf3_control *c, uint64_t end_ns)
{
	json_t *j;

	iperf3_control_tick(c, end_ns);
	hear_message(c, IPERF3_EXCHANGE_RESULTS);
	hear_nothing(c);
	say_json(c, RESULTS);
	j = hear_json(c);
	hear_message(c, IPERF3_DISPLAY_RESULTS);
	hear_nothing(c);
	/* Free before the client knows that it is over. */
	ck_assert_int_eq(iperf3_test_phase(&test), IPERF3_IDLE);
	say_message(c, IPERF3_DONE);
	ck_assert_int_eq(c->state, IPERF3_CTL_OVER);
	hear_nothing(c);
	return j;
}

static int64_t
stream_number(const json_t *results, unsigned i, const char *key)
{
	const json_t *s = json_array_get(json_object_get(results, "streams"), i);

	ck_assert(json_is_integer(json_object_get(s, key)));
	return json_integer_value(json_object_get(s, key));
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

START_TEST(streams_of_two_cores)
{
	/* Seen by two cores in another order than made: the bytes tell. By one core, the order does. */
	static const char *const cores[] = {"a", "b"};
	struct iperf3_control c, s[2];
	json_t *j;

	start_test(&c, "{\"parallel\":2}");
	for (unsigned i = 0; i < 2; i++) {
		start_on(&s[i], cores[_i ? i : 0]);
		say(&s[i], COOKIE, IPERF3_COOKIE_BYTES);
	}
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
		ck_assert_int_eq(stream_number(j, i, "bytes"), (stream_number(j, i, "id") == 1) == !_i ? 1000 : 5);
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
	s = iperf3_test_join_udp(&test, &peer, NULL);
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
	ck_assert_ptr_null(iperf3_test_join_udp(&test, &stranger, NULL));
	/* Nor does a connection take part in a test of datagrams. */
	ck_assert_ptr_null(iperf3_test_join(&test, COOKIE, NULL));
	ck_assert_ptr_nonnull(iperf3_test_join_udp(&test, &peer, NULL));
	ck_assert_ptr_null(iperf3_test_join_udp(&test, &peer, NULL));
	iperf3_test_leave(&test);
	iperf3_control_fini(&c);
	ck_assert(iperf3_test_left(&test));
	start_test(&c, "{}");
	ck_assert_ptr_null(iperf3_test_join_udp(&test, &peer, NULL));
	iperf3_control_fini(&c);
	ck_assert_ptr_null(iperf3_test_join(&test, COOKIE, NULL));
	ck_assert(iperf3_test_left(&test));
}
END_TEST

static Suite *
suite(void)
{
	Suite *s = suite_create("iperf3");
	TCase *json = rig_case(s, "json", NULL, NULL);
	TCase *talk = rig_case(s, "conversation", setup, NULL);
	TCase *streams = rig_case(s, "streams", setup, NULL);

	tcase_add_test(json, params_of_a_client);
	tcase_add_test(json, params_missing_and_unknown);
	tcase_add_loop_test(json, params_bad, 0, DIM(bad_params));
	tcase_add_test(json, params_deep);
	tcase_add_test(json, results_text);
	tcase_add_loop_test(json, results_bad, 0, DIM(bad_results));
	tcase_add_test(json, results_of_too_many_streams);
	tcase_add_test(json, results_matched);
	tcase_add_test(json, results_of_many_streams_fit);
	tcase_add_test(talk, a_whole_test);
	tcase_add_test(talk, one_after_another);
	tcase_add_test(talk, both_ways);
	tcase_add_loop_test(talk, streams_of_two_cores, 0, 2);
	tcase_add_test(talk, busy);
	tcase_add_test(talk, next_client_waits_for_the_last_one);
	tcase_add_loop_test(talk, client_dies, 0, DIM(states));
	tcase_add_loop_test(talk, client_terminates, 0, DIM(states));
	tcase_add_loop_test(talk, client_falls_silent, 0, DIM(states));
	tcase_add_test(talk, nothing_moves);
	tcase_add_test(talk, lengths_of_json);
	tcase_add_test(talk, nonsense);
	tcase_add_test(talk, all_in_one_piece);
	tcase_add_loop_test(talk, program_ends, 0, DIM(states));
	tcase_add_test(streams, omitted_time);
	tcase_add_test(streams, omitted_time_is_all);
	tcase_add_loop_test(streams, retransmits, 0, 2);
	tcase_add_test(streams, rate);
	tcase_add_test(streams, datagram_header);
	tcase_add_loop_test(streams, datagrams_lost_and_late, 0, 2);
	tcase_add_test(streams, datagrams_jitter);
	tcase_add_test(streams, datagrams_of_strangers);
	return s;
}

RIG_MAIN(suite)
