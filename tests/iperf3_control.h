/* SPDX-License-Identifier: Apache-2.0 */
/*
 * For the tests of the server's iperf3: a client that talks its control connection's conversation, without a connection.
 */
#ifndef TESTS_IPERF3_CONTROL_H
#define TESTS_IPERF3_CONTROL_H

#include <string.h>

#include <jansson.h>

#include "app/millrace/iperf3_control.h"
#include "rig/rig.h"

#define COOKIE "abcdefghijklmnopqrstuvwxyz0123456789" /* and its zero */
#define NOW (5 * RIG_S)
#define RESULTS "{\"cpu_util_total\":1,\"streams\":[]}"

static struct iperf3_test test;
static struct mr_addr peer, stranger;

static inline void
setup(void)
{
	memset(&test, 0, sizeof(test));
	ck_assert_int_eq(mr_addr_parse("10.0.0.2", &peer), 0);
	ck_assert_int_eq(mr_addr_parse("10.0.0.3", &stranger), 0);
}

/* ---- conversation */

static inline void
start(struct iperf3_control *c)
{
	iperf3_control_init(c, &test, &peer, NOW);
}

/* Byte by byte, as the worst network would bring it. */
static inline void
say(struct iperf3_control *c, const void *data, size_t len)
{
	for (size_t i = 0; i < len; i++)
		ck_assert_uint_eq(iperf3_control_input(c, (const char *)data + i, 1, NOW), 1);
}

static inline void
say_message(struct iperf3_control *c, enum iperf3_message m)
{
	say(c, &(int8_t){m}, 1);
}

static inline void
say_length(struct iperf3_control *c, uint32_t n)
{
	const uint8_t b[4] = {n >> 24, n >> 16, n >> 8, n};

	say(c, b, 4);
}

static inline void
say_json(struct iperf3_control *c, const char *text)
{
	say_length(c, strlen(text));
	say(c, text, strlen(text));
}

static inline void
hear(struct iperf3_control *c, const void *data, size_t len)
{
	ck_assert_uint_ge(c->out_len, len);
	ck_assert_mem_eq(c->out, data, len);
	iperf3_control_sent(c, len);
}

static inline void
hear_message(struct iperf3_control *c, enum iperf3_message m)
{
	hear(c, &(int8_t){m}, 1);
}

static inline void
hear_nothing(const struct iperf3_control *c)
{
	ck_assert_uint_eq(c->out_len, 0);
}

static inline json_t *
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
static inline void
start_test(struct iperf3_control *c, const char *params)
{
	start(c);
	say(c, COOKIE, IPERF3_COOKIE_BYTES);
	hear_message(c, IPERF3_PARAM_EXCHANGE);
	say_json(c, params);
	hear_message(c, IPERF3_CREATE_STREAMS);
	hear_nothing(c);
}

static inline void
start_stream(struct iperf3_control *s)
{
	start(s);
	say(s, COOKIE, IPERF3_COOKIE_BYTES);
	ck_assert_int_eq(s->state, IPERF3_CTL_STREAM);
	ck_assert_ptr_nonnull(s->stream);
	hear_nothing(s);
}

static inline void
hear_running(struct iperf3_control *c)
{
	iperf3_control_tick(c, NOW);
	hear_message(c, IPERF3_TEST_START);
	hear_message(c, IPERF3_TEST_RUNNING);
	hear_nothing(c);
	ck_assert_int_eq(iperf3_test_phase(&test), IPERF3_RUN);
}

/* From the end of the test, which all streams have left, to its results. */
static inline json_t *
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

static inline int64_t
stream_number(const json_t *results, unsigned i, const char *key)
{
	const json_t *s = json_array_get(json_object_get(results, "streams"), i);

	ck_assert(json_is_integer(json_object_get(s, key)));
	return json_integer_value(json_object_get(s, key));
}

#endif
