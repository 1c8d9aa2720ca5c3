/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The server's iperf3: its JSON, whole and damaged.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <jansson.h>

#include "app/millrace/iperf3_control.h"
#include "rig/rig.h"

#define DIM(a) (sizeof(a) / sizeof((a)[0]))

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

static Suite *
suite(void)
{
	Suite *s = suite_create("iperf3_json");
	TCase *tc = rig_case(s, "json", NULL, NULL);

	tcase_add_test(tc, params_of_a_client);
	tcase_add_test(tc, params_missing_and_unknown);
	tcase_add_loop_test(tc, params_bad, 0, DIM(bad_params));
	tcase_add_test(tc, params_deep);
	tcase_add_test(tc, results_text);
	tcase_add_loop_test(tc, results_bad, 0, DIM(bad_results));
	tcase_add_test(tc, results_of_too_many_streams);
	tcase_add_test(tc, results_matched);
	tcase_add_test(tc, results_of_many_streams_fit);
	return s;
}

RIG_MAIN(suite)
