/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The server's iperf3 over UDP, on two cores; for the cores see iperf3_service.h.
 */
#include "rig/duo.h"

#include <errno.h>

#include <jansson.h>

#include "app/millrace/conn.h"
#include "app/millrace/iperf3_control.h"
#include "app/millrace/listener.h"
#include "app/millrace/pattern.h"
#include "iperf3_service.h"

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
	Suite *s = suite_create("iperf3_udp");
	TCase *tc = rig_case(s, "udp", setup, teardown);

	tcase_add_test(tc, client_sends_datagrams);
	tcase_add_test(tc, server_sends_datagrams);
	tcase_add_test(tc, server_was_kept_from_sending);
	tcase_add_test(tc, datagrams_of_nobody);
	tcase_add_test(tc, datagram_client_is_gone);
	return s;
}

RIG_MAIN(suite)
