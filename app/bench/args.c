/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Our options are looked at before EAL starts, so that a mistake in them costs nothing and says nothing about EAL.
 *
 * One table says for each option what it is, where its value goes and between which bounds; the parser and the usage are
 * made from it. What options mean to each other is in args_settle.
 */
#include "app/bench/args.h"

#include <inttypes.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <rte_byteorder.h>
#include <rte_common.h>

#include "app/bench/mode.h"
#include "app/bench/value.h"

enum kind {
	KIND_FLAG,
	KIND_COUNT,    /* uint32_t */
	KIND_COUNT64,
	KIND_BYTES,    /* uint32_t */
	KIND_DURATION, /* uint64_t, nanoseconds */
	KIND_PORT,     /* uint16_t */
	KIND_PREFIX,
	KIND_TEXT,
	KIND_MODE,
	KIND_ROLE,
};

struct option {
	const char *name;
	enum kind kind;
	size_t offset;
	uint64_t min, max;
	const char *metavar, *help;
};

#define AT(field) offsetof(struct args, field)
#define NS_PER_S UINT64_C(1000000000)
#define DAY_NS (86400 * NS_PER_S)
#define MAX_BYTES (UINT64_C(1) << 30)

static const struct option options[] = {
	{"mode", KIND_MODE, AT(mode), 0, 0, "MODE", "what is measured, see below"},
	{"self", KIND_ROLE, AT(role), ROLE_SELF, 0, NULL, "server and client in this process, on a core each; needs no device"},
	{"server", KIND_ROLE, AT(role), ROLE_SERVER, 0, NULL, "answer on --port"},
	{"client", KIND_ROLE, AT(role), ROLE_CLIENT, 0, NULL, "ask on --port"},
	{"connections", KIND_COUNT, AT(connections), 1, 100000000, "N", "of all client cores together; default 1"},
	{"request", KIND_BYTES, AT(request), 1, MAX_BYTES, "BYTES", "default: as the mode is"},
	{"response", KIND_BYTES, AT(response), 1, MAX_BYTES, "BYTES", "default: as the mode is"},
	{"pipeline", KIND_COUNT, AT(pipeline), 1, 1024, "N", "operations that a connection may have under way; default 1"},
	{"inflight", KIND_COUNT, AT(inflight), 1, 100000000, "N",
	 "operations that all may have under way; default: connections x pipeline, at most 4096"},
	{"rate", KIND_COUNT64, AT(rate), 1, 1000 * NS_PER_S, "N", "operations a second; default: as many as go"},
	{"find-max", KIND_FLAG, AT(find_max), 0, 0, NULL, "search the highest rate without loss, and measure that"},
	{"think", KIND_DURATION, AT(think_ns), 0, DAY_NS, "TIME", "pause of a connection between two operations; default 0"},
	{"duration", KIND_DURATION, AT(duration_ns), 0, 365 * DAY_NS, "TIME",
	 "what is measured; 0: until a signal; default 5"},
	{"warmup", KIND_DURATION, AT(warmup_ns), 0, DAY_NS, "TIME", "what runs before it; default 1"},
	{"interval", KIND_DURATION, AT(interval_ns), 1000000, DAY_NS, "TIME",
	 "of the samples whose median is told; default 1, at most the duration"},
	{"port", KIND_TEXT, AT(port), 0, 0, "DEVICE", "DPDK port, by name or number; default 0"},
	{"server-address", KIND_PREFIX, AT(server), 0, 0, "ADDR/LEN", "default 10.0.0.2/24, or fd00::2/64"},
	{"client-address", KIND_PREFIX, AT(client), 0, 0, "ADDR/LEN", "default 10.0.0.1/24, or fd00::1/64"},
	{"client-addresses", KIND_COUNT, AT(client_addresses), 1, 60000, "N",
	 "consecutive, from --client-address on; default 1. With more: 10.1.0.1/8, or fd00::1:0:1/64"},
	{"service", KIND_PORT, AT(service), 1, 65535, "PORT", "where the server listens; default 7, http 80"},
	{"services", KIND_COUNT, AT(services), 1, 60000, "N", "consecutive ports that it listens on; default 1"},
	{"ipv6", KIND_FLAG, AT(v6), 0, 0, NULL, "run over IPv6"},
	{"workers", KIND_COUNT, AT(workers), 1, 64, "N", "cores of each role; default: as many as EAL has for it"},
	{"rxd", KIND_COUNT, AT(rxd), 32, 32768, "N", "receive descriptors; --self: frames on the wire"},
	{"txd", KIND_COUNT, AT(txd), 32, 32768, "N", "transmit descriptors"},
	{"mbufs", KIND_COUNT, AT(mbufs), 512, 100000000, "N", "packets in each pool; default: as the run needs"},
	{"time-wait", KIND_DURATION, AT(time_wait_ns), 0, 240 * NS_PER_S, "TIME", "TIME-WAIT of connections; default 1ms"},
	{"json", KIND_TEXT, AT(json), 0, 0, "FILE", "write the result there as well"},
	{"quiet", KIND_FLAG, AT(quiet), 0, 0, NULL, "no line for each interval"},
};
#define N_OPTIONS (sizeof(options) / sizeof(options[0]))

static const char *
kind_hint(enum kind kind)
{
	switch (kind) {
	case KIND_COUNT:
	case KIND_COUNT64:
		return "a whole number, like 64, 10k or 1m";
	case KIND_BYTES:
		return "a number of bytes, like 64, 16k or 1m";
	case KIND_DURATION:
		return "a time, like 5, 0.5s, 10ms or 50us";
	case KIND_PORT:
		return "a port number";
	case KIND_PREFIX:
		return "an address with its prefix, like 10.0.0.2/24 or fd00::2/64";
	default:
		return "a value";
	}
}

/* ---- usage */

void
args_usage(const char *program)
{
	printf("Usage: %s [EAL arguments] -- --mode MODE --self|--server|--client [options]\n\n", program);
	for (unsigned i = 0; i < N_OPTIONS; i++) {
		const struct option *o = &options[i];
		int width = printf("  --%s%s%s", o->name, o->metavar ? " " : "", o->metavar ? o->metavar : "");

		printf("%*s%s\n", width < 27 ? 27 - width : 1, "", o->help);
	}
	printf("  --version\n  --help\n\nModes:\n");
	for (unsigned i = 0; modes[i]; i++)
		printf("  %-12s %s\n", modes[i]->name, modes[i]->help);
	printf("\nBoth ends of a run take the same options. The server goes first, and ends with the client.\n"
	       "Exit code: 0; 1 if EAL, a device or the run fails; 2 for wrong usage.\n");
}

static int
usage_error(const char *program)
{
	fprintf(stderr, "%s: try '%s -- --help'\n", program, program);
	return 2;
}

/* ---- one option */

static int
mode_use(const char *program, const char *text, struct args *out)
{
	char names[256] = "";

	for (unsigned i = 0; modes[i]; i++) {
		size_t len = strlen(names);

		if (strcmp(modes[i]->name, text) == 0) {
			out->mode = modes[i];
			return ARGS_RUN;
		}
		snprintf(names + len, sizeof(names) - len, " %s", modes[i]->name);
	}
	fprintf(stderr, "%s: --mode %s: there is no such mode; choose of%s\n", program, text, names);
	return usage_error(program);
}

static int
role_use(const char *program, enum role role, struct args *out)
{
	if (out->role != ROLE_NONE && out->role != role) {
		fprintf(stderr, "%s: --%s and --%s: give one of them\n", program, role_name(out->role), role_name(role));
		return usage_error(program);
	}
	out->role = role;
	return ARGS_RUN;
}

/* A value of a kind that has bounds. @return false: it is none */
static bool
number_read(const struct option *o, const char *text, uint64_t *value)
{
	switch (o->kind) {
	case KIND_DURATION:
		return value_duration(text, value);
	case KIND_BYTES:
		return value_bytes(text, value);
	default:
		return value_count(text, value);
	}
}

static int
number_use(const char *program, const struct option *o, const char *text, void *field)
{
	uint64_t value;

	if (!number_read(o, text, &value)) {
		fprintf(stderr, "%s: --%s %s: give %s\n", program, o->name, text, kind_hint(o->kind));
		return usage_error(program);
	}
	if (value < o->min || value > o->max) {
		const char *unit = o->kind == KIND_DURATION ? " ns" : "";

		fprintf(stderr, "%s: --%s %s: give %" PRIu64 "%s to %" PRIu64 "%s\n", program, o->name, text, o->min, unit,
		        o->max, unit);
		return usage_error(program);
	}
	if (o->kind == KIND_PORT)
		*(uint16_t *)field = (uint16_t)value;
	else if (o->kind == KIND_COUNT || o->kind == KIND_BYTES)
		*(uint32_t *)field = (uint32_t)value;
	else
		*(uint64_t *)field = value;
	return ARGS_RUN;
}

static int
prefix_use(const char *program, const struct option *o, const char *text, struct mr_subnet *field)
{
	if (strchr(text, '/') && mr_subnet_parse(text, field) == 0 && !mr_addr_is_any(&field->addr) &&
	    !mr_addr_is_multicast(&field->addr))
		return ARGS_RUN;
	fprintf(stderr, "%s: --%s %s: give %s\n", program, o->name, text, kind_hint(o->kind));
	return usage_error(program);
}

static int
option_use(const char *program, const struct option *o, const char *text, struct args *out)
{
	void *field = (char *)out + o->offset;

	switch (o->kind) {
	case KIND_FLAG:
		*(bool *)field = true;
		return ARGS_RUN;
	case KIND_TEXT:
		*(const char **)field = text;
		return ARGS_RUN;
	case KIND_MODE:
		return mode_use(program, text, out);
	case KIND_ROLE:
		return role_use(program, (enum role)o->min, out);
	case KIND_PREFIX:
		return prefix_use(program, o, text, field);
	default:
		return number_use(program, o, text, field);
	}
}

/* ---- all of them */

static bool
option_has_value(const struct option *o)
{
	return o->kind != KIND_FLAG && o->kind != KIND_ROLE;
}

/* The option that an argument names; *inline_value is what follows "=", or NULL. */
static const struct option *
option_find(const char *arg, const char **inline_value)
{
	size_t len = strcspn(arg, "=");

	*inline_value = arg[len] ? arg + len + 1 : NULL;
	for (unsigned i = 0; i < N_OPTIONS && strncmp(arg, "--", 2) == 0; i++) {
		if (strlen(options[i].name) == len - 2 && strncmp(options[i].name, arg + 2, len - 2) == 0)
			return &options[i];
	}
	return NULL;
}

static int
own_parse(int argc, char **argv, const char *program, struct args *out)
{
	for (int i = 0; i < argc; i++) {
		const char *value;
		const struct option *o = option_find(argv[i], &value);
		int r;

		if (strcmp(argv[i], "--help") == 0 || strcmp(argv[i], "-h") == 0) {
			args_usage(program);
			return 0;
		}
		if (strcmp(argv[i], "--version") == 0) {
			printf("millrace-bench %s\n", mr_version());
			return 0;
		}
		if (!o) {
			fprintf(stderr, "%s: '%s' is no option\n", program, argv[i]);
			return usage_error(program);
		}
		if (!option_has_value(o) && value) {
			fprintf(stderr, "%s: --%s takes no value: leave out \"=%s\"\n", program, o->name, value);
			return usage_error(program);
		}
		if (option_has_value(o) && !value)
			value = i + 1 < argc ? argv[++i] : NULL;
		if (option_has_value(o) && (!value || !*value)) {
			fprintf(stderr, "%s: --%s: the value is missing: give %s\n", program, o->name,
			        o->metavar ? o->metavar : "it");
			return usage_error(program);
		}
		r = option_use(program, o, value, out);
		if (r != ARGS_RUN)
			return r;
	}
	return ARGS_RUN;
}

/* ---- what they mean together */

static void
defaults_before(struct args *out)
{
	*out = (struct args){
		.connections = 1,
		.pipeline = 1,
		.services = 1,
		.client_addresses = 1,
		.duration_ns = 5 * NS_PER_S,
		.warmup_ns = NS_PER_S,
		.interval_ns = NS_PER_S,
		.time_wait_ns = NS_PER_S / 1000,
		.port = "0",
	};
}

static void
address_default(struct mr_subnet *s, bool v6, const char *v4_text, const char *v6_text)
{
	if (mr_addr_is_any(&s->addr))
		mr_subnet_parse(v6 ? v6_text : v4_text, s);
}

static void
defaults_after(struct args *out)
{
	uint64_t under_way = (uint64_t)out->connections * out->pipeline;

	if (!out->request)
		out->request = out->mode->request;
	if (!out->response)
		out->response = out->mode->response;
	if (!out->service)
		out->service = out->mode->service;
	if (!out->inflight)
		out->inflight = (uint32_t)(under_way < MODE_INFLIGHT_DEFAULT ? under_way : MODE_INFLIGHT_DEFAULT);
	if (out->duration_ns && out->interval_ns > out->duration_ns)
		out->interval_ns = out->duration_ns;
	if (out->client_addresses == 1) {
		address_default(&out->server, out->v6, "10.0.0.2/24", "fd00::2/64");
		address_default(&out->client, out->v6, "10.0.0.1/24", "fd00::1/64");
	} else {
		address_default(&out->server, out->v6, "10.0.0.2/8", "fd00::2/64");
		address_default(&out->client, out->v6, "10.1.0.1/8", "fd00::1:0:1/64");
	}
}

struct mr_addr
args_client_address(const struct args *a, uint32_t i)
{
	struct mr_addr addr = a->client.addr;

	addr.w[3] = rte_cpu_to_be_32(rte_be_to_cpu_32(addr.w[3]) + i);
	return addr;
}

/* What is wrong with the addresses; NULL: nothing. */
static const char *
addresses_conflict(const struct args *a)
{
	struct mr_addr last = args_client_address(a, a->client_addresses - 1);
	uint32_t server = rte_be_to_cpu_32(a->server.addr.w[3]), first = rte_be_to_cpu_32(a->client.addr.w[3]);

	if (mr_addr_is_v4(&a->server.addr) != mr_addr_is_v4(&a->client.addr))
		return "--server-address, --client-address: one is IPv4 and one IPv6; give both of one family";
	if (!mr_subnet_contains(&a->client, &last) || rte_be_to_cpu_32(last.w[3]) < first)
		return "--client-addresses: there are not so many in the prefix; lower it, or give a shorter prefix";
	if (!memcmp(&a->server.addr, &last, 12) && server - first < a->client_addresses)
		return "--client-address: the server's is one of them; give each end its own";
	return NULL;
}

/* What is wrong between options; NULL: nothing. */
static const char *
conflict(const struct args *a)
{
	if (!a->mode)
		return "no mode: give --mode MODE";
	if (a->role == ROLE_NONE)
		return "no role: give --self, --server or --client";
	if (a->find_max && (a->rate || a->mode->flags & MODE_F_HOLD))
		return "--find-max: it sets the rate itself, of operations that repeat; leave out --rate, or choose another mode";
	if (a->pipeline > 1 && !(a->mode->flags & MODE_F_PIPELINE))
		return "--pipeline: this mode has one operation at a time on a connection; leave it out";
	return NULL;
}

/* A size within the mode's bounds? @return false: told */
static bool
size_check(const char *program, const char *name, uint32_t size, uint32_t min, uint32_t max)
{
	if (size >= min && (!max || size <= max))
		return true;
	fprintf(stderr, "%s: --%s %u: this mode takes ", program, name, size);
	if (max)
		fprintf(stderr, "%u to %u bytes\n", RTE_MAX(min, 1u), max);
	else
		fprintf(stderr, "at least %u bytes\n", min);
	return false;
}

static int
args_settle(const char *program, struct args *out)
{
	const char *what = conflict(out);

	if (!what) {
		defaults_after(out);
		what = addresses_conflict(out);
		if (!what && (uint32_t)out->service + out->services - 1 > 65535)
			what = "--services: there are not so many ports from --service on; lower one of them";
	}
	if (what) {
		fprintf(stderr, "%s: %s\n", program, what);
		return usage_error(program);
	}
	if (!size_check(program, "request", out->request, out->mode->request_min, out->mode->request_max) ||
	    !size_check(program, "response", out->response, out->mode->response_min, out->mode->response_max))
		return usage_error(program);
	out->v6 = !mr_addr_is_v4(&out->server.addr);
	return ARGS_RUN;
}

int
args_parse(int argc, char **argv, struct args *out)
{
	char *program = argv[0];
	int split = 1, r;

	defaults_before(out);
	while (split < argc && strcmp(argv[split], "--") != 0)
		split++;
	if (split == argc) {
		/* Without EAL arguments these are clear enough. */
		if (argc == 2 && (strcmp(argv[1], "--version") == 0 || strcmp(argv[1], "--help") == 0 || strcmp(argv[1], "-h") == 0))
			return own_parse(1, argv + 1, program, out);
		fprintf(stderr, "%s: no '--': EAL's arguments go in front of it, the program's own behind\n", program);
		return usage_error(program);
	}
	out->eal_argc = split;
	r = own_parse(argc - split - 1, argv + split + 1, program, out);
	argv[split] = NULL;
	return r == ARGS_RUN ? args_settle(program, out) : r;
}

const char *
role_name(enum role role)
{
	static const char *const names[] = {"none", "self", "server", "client"};

	return names[role];
}
