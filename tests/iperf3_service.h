/* SPDX-License-Identifier: Apache-2.0 */
/*
 * For the tests of the server's iperf3 over real connections: two cores, which are stacks of their own with a wire each and
 * share the service, as the cores of a host do, and a client that speaks to it. Nothing runs at once.
 */
#ifndef TESTS_IPERF3_SERVICE_H
#define TESTS_IPERF3_SERVICE_H

#include "rig/duo.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <jansson.h>

#include "app/millrace/conn.h"
#include "app/millrace/iperf3_control.h"
#include "app/millrace/listener.h"
#include "app/millrace/pattern.h"

#define CORES 2
#define PORT 5201
#define COOKIE "abcdefghijklmnopqrstuvwxyz0123456789"
#define STEP_NS (RIG_MS / 4) /* the cores take turns this often */

static struct rig_duo duo[CORES];
static struct iperf3_test test;

static struct service service = {
        .name = "iperf3", .ops = &iperf3_ops, .port = PORT, .backlog = 64, .idle_ns = 30 * RIG_S, .shared = &test};
static struct core core[CORES];
static struct instance inst[CORES];

static struct listener tcp[CORES], udp[CORES];

static inline void
setup(void)
{
	static const char *const names[CORES][2] = {{"client0", "server0"}, {"client1", "server1"}};

	pattern_init();
	for (unsigned i = 0; i < CORES; i++) {
		struct rig_duo_opts o = {.neigh = true};
		struct mr_sockaddr sa = {.port = PORT};

		o.stack[0].name = names[i][0];
		o.stack[1].name = names[i][1];
		rig_duo_init(&duo[i], &o);
		core[i].stack = duo[i].end[1].stack;
		inst[i].service = &service;
		inst[i].core = &core[i];
		inst[i].local = calloc(1, iperf3_ops.local_bytes);
		TAILQ_INIT(&inst[i].conns);
		ck_assert_int_eq(listener_open(&tcp[i], &inst[i], SERVICE_TCP, &sa), 0);
		ck_assert_int_eq(listener_open(&udp[i], &inst[i], SERVICE_UDP, &sa), 0);
	}
}

static inline void
teardown(void)
{
	for (unsigned i = 0; i < CORES; i++) {
		conn_abort_all(&inst[i]);
		rig_duo_fini(&duo[i]);
		conn_slabs_free(&inst[i]);
		free(inst[i].local);
	}
}

/* Both cores, turn by turn. */
static inline void
run(uint64_t ns)
{
	for (uint64_t t = 0; t < ns; t += STEP_NS) {
		for (unsigned i = 0; i < CORES; i++)
			rig_duo_run(&duo[i], STEP_NS, NULL, NULL);
	}
}

/* ---- a client */

static inline struct mr_ep *
dial(unsigned i, uint8_t trans)
{
	struct mr_sockaddr to = {.addr = duo[i].end[1].addr4, .port = PORT};
	struct mr_ep *ep;
	int r;

	ck_assert_int_eq(mr_ep_create(duo[i].end[0].stack, trans, MR_NET_IPV4, &ep), 0);
	r = mr_ep_connect(ep, &to);
	ck_assert(r == 0 || r == -EINPROGRESS);
	run(2 * RIG_MS);
	return ep;
}

static inline void
say(struct mr_ep *ep, const void *data, size_t len)
{
	ck_assert_int_eq(mr_ep_send(ep, data, len), len);
}

static inline void
say_message(struct mr_ep *ep, enum iperf3_message m)
{
	say(ep, &(int8_t){m}, 1);
}

static inline void
say_json(struct mr_ep *ep, const char *text)
{
	uint32_t n = strlen(text);
	const uint8_t len[4] = {n >> 24, n >> 16, n >> 8, n};

	say(ep, len, 4);
	say(ep, text, n);
}

static inline void
hear(struct mr_ep *ep, void *out, size_t len)
{
	size_t got = 0;

	for (unsigned i = 0; i < 1000 && got < len; i++) {
		ssize_t n = mr_ep_recv(ep, (char *)out + got, len - got, NULL);

		if (n > 0)
			got += n;
		else
			run(RIG_MS);
	}
	ck_assert_uint_eq(got, len);
}

static inline void
hear_message(struct mr_ep *ep, enum iperf3_message m)
{
	int8_t b;

	hear(ep, &b, 1);
	ck_assert_int_eq(b, m);
}

/* The connection ends within a while; what is still read is thrown away. */
static inline void
hear_end(struct mr_ep *ep)
{
	static uint8_t buf[65536];
	ssize_t n = -EAGAIN;

	for (unsigned i = 0; i < 100 && (n > 0 || n == -EAGAIN); i++) {
		n = mr_ep_recv(ep, buf, sizeof(buf), NULL);
		if (n == -EAGAIN)
			run(RIG_MS);
	}
	ck_assert(n == 0 || n == -ECONNRESET);
	mr_ep_close(ep);
}

/* The control connection, to the point where streams may come. */
static inline struct mr_ep *
start_test(const char *params)
{
	struct mr_ep *ep = dial(0, MR_TRANS_TCP);

	say(ep, COOKIE, IPERF3_COOKIE_BYTES);
	hear_message(ep, IPERF3_PARAM_EXCHANGE);
	say_json(ep, params);
	hear_message(ep, IPERF3_CREATE_STREAMS);
	return ep;
}

static inline void
hear_running(struct mr_ep *control)
{
	hear_message(control, IPERF3_TEST_START);
	hear_message(control, IPERF3_TEST_RUNNING);
}

/* The results of a test that is told to end. */
static inline json_t *
end_test(struct mr_ep *control)
{
	uint8_t len[4];
	uint32_t n;
	char *text;
	json_t *j;

	say_message(control, IPERF3_TEST_END);
	hear_message(control, IPERF3_EXCHANGE_RESULTS);
	say_json(control, "{\"streams\":[]}");
	hear(control, len, 4);
	n = (uint32_t)len[0] << 24 | len[1] << 16 | len[2] << 8 | len[3];
	text = malloc(n);
	hear(control, text, n);
	j = json_loadb(text, n, 0, NULL);
	ck_assert_ptr_nonnull(j);
	free(text);
	hear_message(control, IPERF3_DISPLAY_RESULTS);
	return j;
}

static inline void
say_done(struct mr_ep *control)
{
	say_message(control, IPERF3_DONE);
	hear_end(control);
}

static inline int64_t
number(const json_t *results, unsigned i, const char *key)
{
	return json_integer_value(json_object_get(json_array_get(json_object_get(results, "streams"), i), key));
}

/* Nothing is left on either core. */
static inline void
expect_empty(void)
{
	run(20 * RIG_MS);
	for (unsigned i = 0; i < CORES; i++)
		ck_assert_uint_eq(inst[i].n_conns, 0);
	ck_assert(iperf3_test_left(&test));
	ck_assert_int_eq(iperf3_test_phase(&test), IPERF3_IDLE);
}

static inline void
close_all(struct mr_ep **streams, unsigned n)
{
	for (unsigned i = 0; i < n; i++)
		mr_ep_close(streams[i]);
}

#endif
