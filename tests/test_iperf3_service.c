/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The server's iperf3 on two cores, from a client of our own over real connections in virtual time: the control
 * connection on the first core, streams on both. The cores are stacks of their own with a wire each, and share the
 * service, as the cores of a host do; what differs from a host is only that no two of them run at once.
 */
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

static void
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

static void
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
static void
run(uint64_t ns)
{
	for (uint64_t t = 0; t < ns; t += STEP_NS) {
		for (unsigned i = 0; i < CORES; i++)
			rig_duo_run(&duo[i], STEP_NS, NULL, NULL);
	}
}

/* ---- a client */

static struct mr_ep *
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

static void
say(struct mr_ep *ep, const void *data, size_t len)
{
	ck_assert_int_eq(mr_ep_send(ep, data, len), len);
}

static void
say_message(struct mr_ep *ep, enum iperf3_message m)
{
	say(ep, &(int8_t){m}, 1);
}

static void
say_json(struct mr_ep *ep, const char *text)
{
	uint32_t n = strlen(text);
	const uint8_t len[4] = {n >> 24, n >> 16, n >> 8, n};

	say(ep, len, 4);
	say(ep, text, n);
}

static void
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

static void
hear_message(struct mr_ep *ep, enum iperf3_message m)
{
	int8_t b;

	hear(ep, &b, 1);
	ck_assert_int_eq(b, m);
}

/* The connection ends within a while; what is still read is thrown away. */
static void
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
static struct mr_ep *
start_test(const char *params)
{
	struct mr_ep *ep = dial(0, MR_TRANS_TCP);

	say(ep, COOKIE, IPERF3_COOKIE_BYTES);
	hear_message(ep, IPERF3_PARAM_EXCHANGE);
	say_json(ep, params);
	hear_message(ep, IPERF3_CREATE_STREAMS);
	return ep;
}

static struct mr_ep *
start_stream(unsigned i)
{
	struct mr_ep *ep = dial(i, MR_TRANS_TCP);

	say(ep, COOKIE, IPERF3_COOKIE_BYTES);
	run(RIG_MS);
	return ep;
}

static void
hear_running(struct mr_ep *control)
{
	hear_message(control, IPERF3_TEST_START);
	hear_message(control, IPERF3_TEST_RUNNING);
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

/* The results of a test that is told to end. */
static json_t *
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

static void
say_done(struct mr_ep *control)
{
	say_message(control, IPERF3_DONE);
	hear_end(control);
}

static int64_t
number(const json_t *results, unsigned i, const char *key)
{
	return json_integer_value(json_object_get(json_array_get(json_object_get(results, "streams"), i), key));
}

/* Nothing is left on either core. */
static void
expect_empty(void)
{
	run(20 * RIG_MS);
	for (unsigned i = 0; i < CORES; i++)
		ck_assert_uint_eq(inst[i].n_conns, 0);
	ck_assert(iperf3_test_left(&test));
	ck_assert_int_eq(iperf3_test_phase(&test), IPERF3_IDLE);
}

static void
close_all(struct mr_ep **streams, unsigned n)
{
	for (unsigned i = 0; i < n; i++)
		mr_ep_close(streams[i]);
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

/* ---- UDP */

static struct mr_ep *
start_udp(unsigned i, bool old)
{
	static const uint8_t hello[2][4] = {"9876", {0x15, 0xcd, 0x5b, 0x07}};
	struct mr_ep *ep = dial(i, MR_TRANS_UDP);
	char answer[8];

	say(ep, hello[old], 4);
	run(RIG_MS);
	ck_assert_int_eq(mr_ep_recv(ep, answer, sizeof(answer), NULL), 4);
	ck_assert_mem_eq(answer, "6789", 4);
	return ep;
}

static void
say_datagram(struct mr_ep *ep, uint8_t n)
{
	uint8_t b[100] = {0};

	b[11] = n;
	say(ep, b, sizeof(b));
}

START_TEST(client_sends_datagrams)
{
	struct mr_ep *control = start_test("{\"udp\":true,\"parallel\":2,\"len\":100}"), *s[2];
	json_t *j;

	s[0] = start_udp(1, false);
	s[1] = start_udp(0, true);
	hear_running(control);
	for (unsigned i = 1; i <= 9; i++) {
		if (i != 4 && i != 5)
			say_datagram(s[0], i);
		say_datagram(s[1], i);
	}
	run(5 * RIG_MS);
	j = end_test(control);
	ck_assert_int_eq(number(j, 0, "bytes"), 700);
	ck_assert_int_eq(number(j, 0, "errors"), 2);
	ck_assert_int_eq(number(j, 0, "packets"), 9);
	ck_assert_int_eq(number(j, 1, "bytes"), 900);
	ck_assert_int_eq(number(j, 1, "errors"), 0);
	json_decref(j);
	/* Late ones find nobody. */
	say_datagram(s[0], 10);
	say_done(control);
	close_all(s, 2);
	expect_empty();
}
END_TEST

START_TEST(server_sends_datagrams)
{
	struct mr_ep *control = start_test("{\"udp\":true,\"reverse\":true,\"len\":500,\"bandwidth\":8000000}");
	struct mr_ep *s = start_udp(1, false);
	unsigned n = 0, most = 0;
	uint8_t b[1000];
	json_t *j;

	hear_running(control);
	for (unsigned ms = 0; ms < 1000; ms++) {
		unsigned before = n;

		while (mr_ep_recv(s, b, sizeof(b), NULL) == 500) {
			n++;
			ck_assert_uint_eq(b[8] << 24 | b[9] << 16 | b[10] << 8 | b[11], n);
		}
		most = RTE_MAX(most, n - before);
		run(RIG_MS);
	}
	/* Two a millisecond, spread over the time as even as the tick is. */
	ck_assert_uint_ge(n, 1980);
	ck_assert_uint_le(n, 2010);
	ck_assert_uint_le(most, 6);
	j = end_test(control);
	ck_assert_int_ge(number(j, 0, "packets"), n);
	ck_assert_int_eq(number(j, 0, "bytes"), 500 * number(j, 0, "packets"));
	json_decref(j);
	run(5 * RIG_MS);
	while (mr_ep_recv(s, b, sizeof(b), NULL) > 0)
		continue;
	run(50 * RIG_MS);
	ck_assert_int_eq(mr_ep_recv(s, b, sizeof(b), NULL), -EAGAIN);
	say_done(control);
	mr_ep_close(s);
	expect_empty();
}
END_TEST

/* Datagrams that have come. */
static unsigned
datagrams(struct mr_ep *s)
{
	uint8_t b[1000];
	unsigned n = 0;

	while (mr_ep_recv(s, b, sizeof(b), NULL) > 0)
		n++;
	return n;
}

START_TEST(server_was_kept_from_sending)
{
	struct mr_ep *control = start_test("{\"udp\":true,\"reverse\":true,\"len\":500,\"bandwidth\":8000000}");
	struct mr_ep *s = start_udp(1, false);
	unsigned n;

	hear_running(control);
	run(10 * RIG_MS);
	datagrams(s);
	/* For 50 ms the cores have no turn: 100 datagrams are due, and do not come all at once. */
	for (unsigned i = 0; i < CORES; i++)
		duo[i].now += 50 * RIG_MS;
	run(2 * RIG_MS);
	n = datagrams(s);
	ck_assert_uint_ge(n, 12);
	ck_assert_uint_le(n, 36);
	run(18 * RIG_MS);
	n += datagrams(s);
	ck_assert_uint_ge(n, 138);
	ck_assert_uint_le(n, 142);
	mr_ep_close(control);
	mr_ep_close(s);
	expect_empty();
}
END_TEST

START_TEST(datagrams_of_nobody)
{
	struct mr_ep *s = dial(1, MR_TRANS_UDP);
	uint8_t b[8];

	/* No test, a test of the other kind, something else than a greeting. */
	say(s, "9876", 4);
	run(RIG_MS);
	struct mr_ep *control = start_test("{\"tcp\":true}");

	say(s, "9876", 4);
	run(RIG_MS);
	mr_ep_close(control);
	control = start_test("{\"udp\":true}");
	say(s, "6789", 4);
	say(s, "98765", 5);
	run(RIG_MS);
	ck_assert_int_eq(mr_ep_recv(s, b, sizeof(b), NULL), -EAGAIN);
	ck_assert_uint_eq(atomic_load(&test.joined), 0);
	mr_ep_close(control);
	mr_ep_close(s);
	expect_empty();
}
END_TEST

START_TEST(datagram_client_is_gone)
{
	struct mr_ep *control = start_test("{\"udp\":true,\"reverse\":true,\"len\":500,\"bandwidth\":8000000}");
	struct mr_ep *s = start_udp(1, false);
	uint64_t sent;

	hear_running(control);
	run(20 * RIG_MS);
	mr_ep_abort(control);
	run(5 * RIG_MS);
	sent = mr_stack_counter(core[1].stack, MR_CNT_UDP_TX_DATAGRAMS);
	ck_assert_uint_gt(sent, 10);
	run(100 * RIG_MS);
	ck_assert_uint_eq(mr_stack_counter(core[1].stack, MR_CNT_UDP_TX_DATAGRAMS), sent);
	mr_ep_close(s);
	expect_empty();
}
END_TEST

static Suite *
suite(void)
{
	Suite *s = suite_create("iperf3_service");
	TCase *t = rig_case(s, "tcp", setup, teardown);
	TCase *u = rig_case(s, "udp", setup, teardown);

	tcase_add_test(t, client_sends);
	tcase_add_test(t, server_sends);
	tcase_add_test(t, server_sends_at_a_rate);
	tcase_add_test(t, both_send);
	tcase_add_test(t, writes_of_a_byte);
	tcase_add_loop_test(t, client_is_gone, 0, 3);
	tcase_add_test(t, stream_is_gone);
	tcase_add_test(t, second_client);
	tcase_add_loop_test(t, options, 0, 2);
	tcase_add_test(t, long_and_quiet);
	tcase_add_test(t, silent_connection);
	tcase_add_test(t, program_ends);
	tcase_add_test(u, client_sends_datagrams);
	tcase_add_test(u, server_sends_datagrams);
	tcase_add_test(u, server_was_kept_from_sending);
	tcase_add_test(u, datagrams_of_nobody);
	tcase_add_test(u, datagram_client_is_gone);
	return s;
}

RIG_MAIN(suite)
