/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Results of the benchmark: medians over the intervals, who is the bottleneck, and the JSON, letter by letter.
 */
#include "rig/rig.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "app/bench/json.h"
#include "app/bench/result.h"

#define ck_assert_near(a, b) ck_assert_msg(fabs((double)(a) - (double)(b)) < 1e-6 * fabs((double)(b)) + 1e-9, "%g, not %g", (double)(a), (double)(b))

static struct result a, b;

/* ---- medians */

/* Each quantity has its median in another interval. */
START_TEST(medians)
{
	static struct interval v[] = {
		{.seconds = 1, .ops = 100, .bytes = 5000, .packets = 900, .busy_tsc = 90000, .idle_tsc = 10000},
		{.seconds = 2, .ops = 600, .bytes = 4000, .packets = 400, .busy_tsc = 60000, .idle_tsc = 40000},
		{.seconds = 1, .ops = 200, .bytes = 3000, .packets = 300, .busy_tsc = 10000, .idle_tsc = 90000},
	};
	struct intervals all = {.v = v, .n = 3};

	a = (struct result){0};
	result_rates(&a, &all);
	ck_assert_near(a.ops_per_s, 200);       /* 100, 300, 200 */
	ck_assert_near(a.gbit_per_s, 24000e-9); /* 40000, 16000, 24000 bit/s */
	ck_assert_near(a.pps, 300);             /* 900, 200, 300 */
	ck_assert_near(a.cycles_per_op, 100);   /* 900, 100, 50 */
	ck_assert_near(a.cycles_per_packet, 100); /* 100, 150, 33 */
	ck_assert_near(a.busy, 0.6);
	/* Of two, the lower one. */
	all.n = 2;
	result_rates(&a, &all);
	ck_assert_near(a.ops_per_s, 100);
	all.n = 1;
	result_rates(&a, &all);
	ck_assert_near(a.cycles_per_op, 900);
}
END_TEST

START_TEST(intervals_grow)
{
	struct intervals all = {0};

	for (unsigned i = 0; i < 1000; i++) {
		ck_assert(intervals_room(&all));
		all.v[all.n++].ops = i;
	}
	for (unsigned i = 0; i < 1000; i++)
		ck_assert_uint_eq(all.v[i].ops, i);
	free(all.v);
}
END_TEST

START_TEST(medians_of_nothing)
{
	static struct interval idle = {.seconds = 1, .idle_tsc = 1000};
	struct intervals all = {.v = &idle, .n = 1}, none = {0};

	result_rates(&a, &all);
	ck_assert(a.ops_per_s == 0 && a.cycles_per_op == 0 && a.cycles_per_packet == 0 && a.busy == 0);
	result_rates(&a, &none);
	ck_assert(a.ops_per_s == 0 && a.cycles_per_op == 0 && a.busy == 0);
}
END_TEST

static const struct {
	double client, server; /* busy; -1: not in this process */
	const char *of_client, *of_server;
} limits[] = {
	{0.5, 0.99, "server", "server"},
	{0.99, 0.5, "client", "client"},
	{0.96, 0.99, "server", "server"},
	{1.0, 0.99, "client", "client"},
	{0.5, 0.6, "wire", "wire"},
	{0.5, -1, "server", NULL},
	{0.99, -1, "client", NULL},
	{-1, 0.5, NULL, "client"},
	{-1, 0.99, NULL, "server"},
};

START_TEST(bottleneck)
{
	const struct result *client = limits[_i].client < 0 ? NULL : &a, *server = limits[_i].server < 0 ? NULL : &b;

	a = (struct result){.role = "client", .busy = limits[_i].client};
	b = (struct result){.role = "server", .busy = limits[_i].server};
	if (client)
		ck_assert_str_eq(result_limit(client, server), limits[_i].of_client);
	if (server)
		ck_assert_str_eq(result_limit(server, client), limits[_i].of_server);
}
END_TEST

START_TEST(sum_of_drops)
{
	a = (struct result){0};
	ck_assert_uint_eq(result_drops(&a), 0);
	result_drop_add(&a, "x", "", 3);
	result_drop_add(&a, "y", "", 0);
	result_drop_add(&a, "z", "", 4);
	ck_assert_uint_eq(a.n_drops, 2);
	ck_assert_uint_eq(result_drops(&a), 7);
}
END_TEST

/* ---- JSON */

static char text[4096];

static const char *
written(const struct result *results, unsigned n)
{
	FILE *f = tmpfile();
	size_t len;

	json_write(f, results, n);
	rewind(f);
	len = fread(text, 1, sizeof(text) - 1, f);
	text[len] = 0;
	fclose(f);
	return text;
}

START_TEST(json_of_nothing_known)
{
	struct result r = {.mode = "tcp_rr", .role = "server", .wire = "net_memif", .limited_by = "client"};

	ck_assert_str_eq(written(&r, 1),
		"[\n  {\"mode\": \"tcp_rr\", \"role\": \"server\", \"wire\": \"net_memif\", \"connections\": 0, "
		"\"ops_per_s\": 0.0, \"gbit_per_s\": 0.000000, \"pps\": 0.0, \"cycles_per_op\": null, "
		"\"cycles_per_packet\": null, \"busy\": 0.0000, \"latency_ns\": null, \"retransmits\": 0, "
		"\"syn_cookies\": 0, \"honest_ops\": null, \"drops\": {}, "
		"\"bytes_per_connection\": null, \"limited_by\": \"client\"}\n]\n");
}
END_TEST

START_TEST(json_of_everything)
{
	static struct result r[2];

	r[0] = r[1] = (struct result){
		.mode = "udp_rr", .role = "client", .wire = "a \"b\"\\\n", .connections = 64, .ops_per_s = 1234567.25,
		.gbit_per_s = 1.5, .pps = 2469134.5, .cycles_per_op = 600.25, .cycles_per_packet = 300.1, .busy = 0.98765,
		.retransmits = 7, .syn_cookies = 5, .honest = 3, .floods = true, .bytes_per_connection = 512, .limited_by = "wire",
	};
	for (unsigned i = 1; i <= 100; i++)
		hist_add(&r[0].latency, i);
	result_drop_add(&r[0], "drop_nic_txq_full", "", 4);
	result_drop_add(&r[0], "drop_tcp_paws", "", 3);
	written(r, 2);
	ck_assert_ptr_eq(strstr(text,
		"[\n  {\"mode\": \"udp_rr\", \"role\": \"client\", \"wire\": \"a \\\"b\\\"\\\\\\u000a\", \"connections\": 64, "
		"\"ops_per_s\": 1234567.2, \"gbit_per_s\": 1.500000, \"pps\": 2469134.5, \"cycles_per_op\": 600.2, "
		"\"cycles_per_packet\": 300.1, \"busy\": 0.9877, "
		"\"latency_ns\": {\"p50\": 50, \"p90\": 90, \"p99\": 99, \"p999\": 100, \"max\": 100}, \"retransmits\": 7, "
		"\"syn_cookies\": 5, \"honest_ops\": 3, "
		"\"drops\": {\"drop_nic_txq_full\": 4, \"drop_tcp_paws\": 3}, \"bytes_per_connection\": 512.0, "
		"\"limited_by\": \"wire\"},\n  {\"mode\""), text);
	ck_assert_str_eq(text + strlen(text) - 4, "}\n]\n");
}
END_TEST

START_TEST(json_file)
{
	char name[] = "/tmp/bench_json_XXXXXX";
	int fd = mkstemp(name);
	struct result r = {.mode = "m", .role = "r", .wire = "w", .limited_by = "l"};
	ssize_t n;

	ck_assert_int_ge(fd, 0);
	ck_assert_int_eq(json_write_file(name, &r, 1), 0);
	n = read(fd, text, sizeof(text) - 1);
	ck_assert(n > 100 && text[0] == '[' && text[n - 2] == ']');
	close(fd);
	unlink(name);
	ck_assert_int_eq(json_write_file("/no/such/folder/x.json", &r, 1), -ENOENT);
	ck_assert_int_eq(json_write_file("/dev/full", &r, 1), -ENOSPC);
}
END_TEST

static Suite *
suite(void)
{
	Suite *s = suite_create("bench_json");
	TCase *tc = rig_case(s, "json", NULL, NULL);

	tcase_add_test(tc, medians);
	tcase_add_test(tc, intervals_grow);
	tcase_add_test(tc, medians_of_nothing);
	tcase_add_loop_test(tc, bottleneck, 0, sizeof(limits) / sizeof(limits[0]));
	tcase_add_test(tc, sum_of_drops);
	tcase_add_test(tc, json_of_nothing_known);
	tcase_add_test(tc, json_of_everything);
	tcase_add_test(tc, json_file);
	return s;
}

RIG_MAIN(suite)
