/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The command line of millrace-bench: values and their units, what the options become, and what is said about mistakes:
 * each message names the option and what to do about it.
 */
#include "rig/rig.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "app/bench/args.h"
#include "app/bench/mode.h"
#include "app/bench/value.h"

#define DIM(a) (sizeof(a) / sizeof((a)[0]))
#define SEC UINT64_C(1000000000)

/* ---- values */

typedef bool (*value_fn)(const char *text, uint64_t *out);

static const struct {
	value_fn fn;
	const char *text;
	uint64_t value;
} values[] = {
	{value_count, "0", 0},
	{value_count, "64", 64},
	{value_count, "10k", 10000},
	{value_count, "10M", 10000000},
	{value_count, "2g", UINT64_C(2000000000)},
	{value_count, "18446744073709551615", UINT64_MAX},
	{value_bytes, "1500", 1500},
	{value_bytes, "16k", 16384},
	{value_bytes, "1M", 1 << 20},
	{value_bytes, "3G", UINT64_C(3) << 30},
	{value_duration, "5", 5 * SEC},
	{value_duration, "0.5", SEC / 2},
	{value_duration, "1.25s", SEC + SEC / 4},
	{value_duration, "10ms", SEC / 100},
	{value_duration, "1.5us", 1500},
	{value_duration, "7ns", 7},
	{value_duration, "0.1234567891234s", 123456789},
};

START_TEST(value_is_read)
{
	uint64_t got = 12345;

	ck_assert_msg(values[_i].fn(values[_i].text, &got), "%s", values[_i].text);
	ck_assert_msg(got == values[_i].value, "%s: %" PRIu64, values[_i].text, got);
}
END_TEST

static const struct {
	value_fn fn;
	const char *text;
} no_values[] = {
	{value_count, ""},
	{value_count, "-1"},
	{value_count, "+1"},
	{value_count, " 1"},
	{value_count, "1 "},
	{value_count, "k"},
	{value_count, "1.5"},
	{value_count, "1.5k"},
	{value_count, "1kk"},
	{value_count, "1t"},
	{value_count, "0x10"},
	{value_count, "18446744073709551616"},
	{value_count, "18446744073709552k"},
	{value_count, "99999999999999999999999999999999999999999999"},
	{value_bytes, "1s"},
	{value_bytes, "17179869184g"},
	{value_duration, "1m"},
	{value_duration, ".5"},
	{value_duration, "1."},
	{value_duration, "1.s"},
	{value_duration, "1,5"},
	{value_duration, "18446744073.8"},
};

START_TEST(value_is_none)
{
	uint64_t got = 12345;

	ck_assert_msg(!no_values[_i].fn(no_values[_i].text, &got), "%s: %" PRIu64, no_values[_i].text, got);
	ck_assert(got == 12345);
}
END_TEST

START_TEST(value_list)
{
	uint32_t list[3];

	ck_assert_uint_eq(value_bytes_list("64", list, 3, 9000), 1);
	ck_assert_uint_eq(list[0], 64);
	ck_assert_uint_eq(value_bytes_list("64,1k,9000", list, 3, 9000), 3);
	ck_assert(list[0] == 64 && list[1] == 1024 && list[2] == 9000);
	ck_assert_uint_eq(value_bytes_list("1,2,3,4", list, 3, 9000), 0);
	ck_assert_uint_eq(value_bytes_list("9001", list, 3, 9000), 0);
	ck_assert_uint_eq(value_bytes_list("0", list, 3, 9000), 0);
	ck_assert_uint_eq(value_bytes_list("", list, 3, 9000), 0);
	ck_assert_uint_eq(value_bytes_list("1,", list, 3, 9000), 0);
	ck_assert_uint_eq(value_bytes_list("1,,2", list, 3, 9000), 0);
	ck_assert_uint_eq(value_bytes_list("123456789012345678901234", list, 3, 9000), 0);
}
END_TEST

/* ---- a command line */

/* Run the parser on words that blanks separate, behind "bench -l 0 --". What it says is in said. */
static char said[8192];
static struct args args;
static char words[1024];

static int
parse(const char *text)
{
	char *argv[64] = {(char *)"bench", (char *)"-l", (char *)"0", (char *)"--"};
	int argc = 4, code, out = dup(STDOUT_FILENO), err = dup(STDERR_FILENO);
	FILE *f = tmpfile();
	size_t n;

	snprintf(words, sizeof(words), "%s", text);
	for (char *w = strtok(words, " "); w; w = strtok(NULL, " "))
		argv[argc++] = w;
	fflush(NULL);
	dup2(fileno(f), STDOUT_FILENO);
	dup2(fileno(f), STDERR_FILENO);
	code = args_parse(argc, argv, &args);
	fflush(NULL);
	dup2(out, STDOUT_FILENO);
	dup2(err, STDERR_FILENO);
	close(out);
	close(err);
	rewind(f);
	n = fread(said, 1, sizeof(said) - 1, f);
	said[n] = 0;
	fclose(f);
	if (code == ARGS_RUN) {
		ck_assert_int_eq(args.eal_argc, 3);
		ck_assert_ptr_null(argv[3]);
		ck_assert_str_eq(said, "");
	}
	return code;
}

static const char *
text_of(const struct mr_addr *a)
{
	static char buf[MR_ADDR_STRLEN];

	return mr_addr_format(a, buf, sizeof(buf));
}

START_TEST(defaults)
{
	ck_assert_int_eq(parse("--mode tcp_rr --self"), ARGS_RUN);
	ck_assert_ptr_eq(args.mode, &tcp_rr_mode);
	ck_assert_int_eq(args.role, ROLE_SELF);
	ck_assert_uint_eq(args.connections, 1);
	ck_assert_uint_eq(args.request, 1);
	ck_assert_uint_eq(args.response, 1);
	ck_assert_uint_eq(args.pipeline, 1);
	ck_assert_uint_eq(args.inflight, 1);
	ck_assert(args.duration_ns == 5 * SEC && args.warmup_ns == SEC && args.interval_ns == SEC);
	ck_assert(args.rate == 0 && args.think_ns == 0 && args.time_wait_ns == SEC / 1000);
	ck_assert_uint_eq(args.service, 7);
	ck_assert_uint_eq(args.services, 1);
	ck_assert_str_eq(args.port, "0");
	ck_assert_str_eq(text_of(&args.server.addr), "10.0.0.2");
	ck_assert_str_eq(text_of(&args.client.addr), "10.0.0.1");
	ck_assert(args.server.plen == 24 && args.client.plen == 24 && !args.v6);
	ck_assert_ptr_null(args.json);
	ck_assert(!args.quiet);
}
END_TEST

START_TEST(everything_set)
{
	ck_assert_int_eq(parse("--server --mode=http --connections 10k --request 100 --response=1k --pipeline 4 --inflight 256 "
	                       "--rate 1m --think 10us --duration 0.5 --warmup 0 --interval 100ms --port net_memif0 "
	                       "--server-address fd00::7/48 --client-address fd00::8/48 --service 8080 --services 3 --workers 2 --client-addresses 40 "
	                       "--rxd 256 --txd 512 --mbufs 4096 --time-wait 2s --json a.json --quiet"), ARGS_RUN);
	ck_assert_ptr_eq(args.mode, &http_mode);
	ck_assert_int_eq(args.role, ROLE_SERVER);
	ck_assert_uint_eq(args.connections, 10000);
	ck_assert_uint_eq(args.request, 100);
	ck_assert_uint_eq(args.response, 1024);
	ck_assert_uint_eq(args.pipeline, 4);
	ck_assert_uint_eq(args.inflight, 256);
	ck_assert(args.rate == 1000000 && args.think_ns == 10000);
	ck_assert(args.duration_ns == SEC / 2 && args.warmup_ns == 0 && args.interval_ns == SEC / 10);
	ck_assert_str_eq(args.port, "net_memif0");
	ck_assert_str_eq(text_of(&args.server.addr), "fd00::7");
	ck_assert_str_eq(text_of(&args.client.addr), "fd00::8");
	ck_assert(args.server.plen == 48 && args.client.plen == 48 && args.v6);
	ck_assert_uint_eq(args.service, 8080);
	ck_assert_uint_eq(args.services, 3);
	ck_assert_uint_eq(args.workers, 2);
	ck_assert_uint_eq(args.client_addresses, 40);
	ck_assert(!args.find_max);
	ck_assert(args.rxd == 256 && args.txd == 512 && args.mbufs == 4096 && args.time_wait_ns == 2 * SEC);
	ck_assert_str_eq(args.json, "a.json");
	ck_assert(args.quiet);
}
END_TEST

/* What follows from other options, unless it is given. */
START_TEST(defaults_that_follow)
{
	struct mr_addr last;

	ck_assert_int_eq(parse("--mode http --self --duration 0.25 --ipv6"), ARGS_RUN);
	ck_assert_uint_eq(args.request, 34);
	ck_assert_uint_eq(args.response, 649);
	ck_assert_uint_eq(args.service, 80);
	ck_assert(args.interval_ns == SEC / 4);
	ck_assert_str_eq(text_of(&args.server.addr), "fd00::2");
	ck_assert_int_eq(parse("--mode tcp_rr --self --connections 100 --pipeline 8 --duration 0"), ARGS_RUN);
	ck_assert_uint_eq(args.inflight, 800);
	ck_assert(args.duration_ns == 0 && args.interval_ns == SEC);
	ck_assert_int_eq(parse("--mode tcp_rr --self --connections 1m"), ARGS_RUN);
	ck_assert_uint_eq(args.inflight, 4096);
	ck_assert_int_eq(parse("--mode tcp_rr --self --client-addresses 60000"), ARGS_RUN);
	ck_assert_str_eq(text_of(&args.server.addr), "10.0.0.2");
	ck_assert(args.server.plen == 8 && args.client.plen == 8);
	last = args_client_address(&args, 59999);
	ck_assert_str_eq(text_of(&last), "10.1.234.96");
	ck_assert_int_eq(parse("--mode tcp_rr --self --client-addresses 300 --ipv6"), ARGS_RUN);
	last = args_client_address(&args, 299);
	ck_assert_str_eq(text_of(&last), "fd00::1:0:12c");
	ck_assert_int_eq(parse("--mode tcp_rr --self --find-max"), ARGS_RUN);
	ck_assert(args.find_max);
	ck_assert_uint_eq(args.held, 0);
	ck_assert_int_eq(parse("--mode tcp_crr --self --held 10m"), ARGS_RUN);
	ck_assert_uint_eq(args.held, 10000000);
	/* The rate of a flood is its own. */
	ck_assert_int_eq(parse("--mode syn_flood --self"), ARGS_RUN);
	ck_assert(args.rate == 0 && args.flood_rate == 100000 && args.sources == 10000 && args.think_ns == 10 * SEC / 1000);
	ck_assert_int_eq(parse("--mode syn_flood --self --rate 5k --sources 7 --think 1ms"), ARGS_RUN);
	ck_assert(args.rate == 0 && args.flood_rate == 5000 && args.sources == 7 && args.think_ns == SEC / 1000);
	ck_assert_int_eq(parse("--mode tcp_rr --client --client"), ARGS_RUN);
	ck_assert_int_eq(args.role, ROLE_CLIENT);
}
END_TEST

static const struct {
	const char *text, *message;
} mistakes[] = {
	{"", "no mode: give --mode MODE"},
	{"--self", "no mode: give --mode MODE"},
	{"--mode tcp_rr", "no role: give --self, --server or --client"},
	{"--mode tcp_rr --self --server", "--self and --server: give one of them"},
	{"--mode tcp_xx --self", "--mode tcp_xx: there is no such mode; choose of udp_rr udp_stream tcp_rr"},
	{"--mode", "--mode: the value is missing: give MODE"},
	{"--mode=", "--mode: the value is missing: give MODE"},
	{"--mode tcp_rr --self --connections", "--connections: the value is missing: give N"},
	{"--mode tcp_rr --self --connections none", "--connections none: give a whole number, like 64, 10k or 1m"},
	{"--mode tcp_rr --self --connections 0", "--connections 0: give 1 to 100000000"},
	{"--mode tcp_rr --self --connections 100000001", "--connections 100000001: give 1 to 100000000"},
	{"--mode tcp_rr --self --request 1.5", "--request 1.5: give a number of bytes, like 64, 16k or 1m"},
	{"--mode tcp_rr --self --response 0", "--response 0: give 1 to"},
	{"--mode tcp_rr --self --duration soon", "--duration soon: give a time, like 5, 0.5s, 10ms or 50us"},
	{"--mode tcp_rr --self --interval 1us", "--interval 1us: give 1000000 ns to"},
	{"--mode tcp_rr --self --service 0", "--service 0: give 1 to 65535"},
	{"--mode tcp_rr --self --service http", "--service http: give a port number"},
	{"--mode tcp_rr --self --service 65535 --services 2", "--services: there are not so many ports"},
	{"--mode tcp_rr --self --server-address 10.0.0.2", "--server-address 10.0.0.2: give an address with its prefix"},
	{"--mode tcp_rr --self --server-address 10.0.0.2/33", "--server-address 10.0.0.2/33: give an address"},
	{"--mode tcp_rr --self --server-address 0.0.0.0/0", "--server-address 0.0.0.0/0: give an address"},
	{"--mode tcp_rr --self --client-address 224.0.0.1/24", "--client-address 224.0.0.1/24: give an address"},
	{"--mode tcp_rr --self --client-address fd00::1/64", "one is IPv4 and one IPv6"},
	{"--mode tcp_rr --self --client-address 10.0.0.2/24", "--client-address: the server's is one of them"},
	{"--mode tcp_rr --self --client-address 10.0.0.1/24 --server-address 10.0.0.9/24 --client-addresses 9",
	 "--client-address: the server's is one of them"},
	{"--mode tcp_rr --self --client-address 10.0.0.3/24 --server-address 10.0.0.2/24 --client-addresses 254",
	 "--client-addresses: there are not so many in the prefix"},
	{"--mode tcp_rr --self --ipv6 --client-address fd00::ffff:ffff/64 --client-addresses 2", "there are not so many in the prefix"},
	{"--mode tcp_rr --self --find-max --rate 5", "--find-max: it sets the rate itself"},
	{"--mode tcp_cc --self --find-max", "--find-max: it sets the rate itself"},
	{"--mode syn_flood --self --find-max", "--find-max: it sets the rate itself"},
	{"--mode udp_rr --self --held 5", "--held: for TCP modes with operations"},
	{"--mode tcp_cc --self --held 5", "--held: for TCP modes with operations"},
	{"--mode syn_flood --self --duration 0", "--duration: a flood has an end"},
	{"--mode tcp_crr --self --sources 5", "--sources: only a flood has them"},
	{"--mode tcp_rr --self --quiet=yes", "--quiet takes no value: leave out \"=yes\""},
	{"--mode tcp_rr --self --fast", "'--fast' is no option"},
	{"--mode tcp_rr --self fast", "'fast' is no option"},
	{"--mode tcp_rr --self --", "'--' is no option"},
	{"--mode tcp_rr --self --conn 5", "'--conn' is no option"},
	{"--mode tcp_crr --self --pipeline 2", "--pipeline: this mode has one operation at a time"},
	{"--mode udp_stream --self --zero-copy", "--zero-copy: this mode sends little"},
	{"--mode http --self --request 26", "--request 26: this mode takes 27 to 8000 bytes"},
	{"--mode http --self --response 20", "--response 20: this mode takes at least"},
	{"--mode udp_rr --self --request 64k", "--request 65536: this mode takes 1 to 65000 bytes"},
	{"--mode udp_rr --self --response 64k", "--response 65536: this mode takes 1 to 65000 bytes"},
};

START_TEST(mistake_is_told)
{
	ck_assert_int_eq(parse(mistakes[_i].text), 2);
	ck_assert_msg(strstr(said, mistakes[_i].message) != NULL, "%s: %s", mistakes[_i].text, said);
	ck_assert_ptr_nonnull(strstr(said, "bench: try 'bench -- --help'\n"));
}
END_TEST

START_TEST(help_and_version)
{
	static char *no_split[] = {(char *)"bench", (char *)"--mode", NULL};

	ck_assert_int_eq(parse("--mode tcp_rr --help"), 0);
	ck_assert_ptr_nonnull(strstr(said, "Usage: bench [EAL arguments] -- --mode MODE --self|--server|--client"));
	for (unsigned i = 0; modes[i]; i++)
		ck_assert_ptr_nonnull(strstr(said, modes[i]->help));
	ck_assert_ptr_nonnull(strstr(said, "--connections N"));
	ck_assert_int_eq(parse("--version"), 0);
	ck_assert_ptr_eq(strstr(said, "millrace-bench "), said);
	ck_assert_int_eq(args_parse(2, no_split, &args), 2);
}
END_TEST

static Suite *
suite(void)
{
	Suite *s = suite_create("bench_args");
	TCase *tc = rig_case(s, "args", NULL, NULL);

	tcase_add_loop_test(tc, value_is_read, 0, DIM(values));
	tcase_add_loop_test(tc, value_is_none, 0, DIM(no_values));
	tcase_add_test(tc, value_list);
	tcase_add_test(tc, defaults);
	tcase_add_test(tc, everything_set);
	tcase_add_test(tc, defaults_that_follow);
	tcase_add_loop_test(tc, mistake_is_told, 0, DIM(mistakes));
	tcase_add_test(tc, help_and_version);
	return s;
}

RIG_MAIN(suite)
