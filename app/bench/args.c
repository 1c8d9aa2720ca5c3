/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Our options are looked at before EAL starts, so that a mistake in them costs nothing and says nothing about EAL.
 *
 * One table says for each option what it is, where its value goes and between which bounds; the parser and the usage are
 * made from it. Not here: what options mean to each other (args_settle.c).
 */
#include "app/bench/args.h"

#include <inttypes.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "app/bench/flood.h"
#include "app/bench/fwd.h"
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
	KIND_SIZES,    /* txpkts and n_txpkts */
	KIND_MAC,
	KIND_MODE,
	KIND_ROLE,
};

enum family {
	STACK = 1,
	FORWARD,
	ALL = STACK | FORWARD,
};

struct option {
	const char *name;
	enum kind kind;
	enum family family; /* of modes that it is for */
	size_t offset;
	uint64_t min, max;
	const char *metavar, *help;
};

#define AT(field) offsetof(struct args, field)
#define SECOND_NS UINT64_C(1000000000)
#define DAY_NS (86400 * SECOND_NS)
#define MAX_BYTES (UINT64_C(1) << 30)
#define MAX_SEGMENT 9600

static const struct option options[] = {
	{"mode", KIND_MODE, ALL, 0, 0, 0, "MODE", "what is measured, see below"},
	{"duration", KIND_DURATION, ALL, AT(duration_ns), 0, 365 * DAY_NS, "TIME",
	 "what is measured; 0: until a signal; default 5"},
	{"warmup", KIND_DURATION, ALL, AT(warmup_ns), 0, DAY_NS, "TIME", "what runs before it; default 1"},
	{"interval", KIND_DURATION, ALL, AT(interval_ns), 1000000, DAY_NS, "TIME",
	 "of the samples whose median is told; default 1, at most the duration"},
	{"stats-period", KIND_DURATION, ALL, AT(interval_ns), 1000000, DAY_NS, "TIME", "the same, as testpmd calls it"},
	{"rate", KIND_COUNT64, ALL, AT(rate), 1, 1000 * SECOND_NS, "N",
	 "operations, or generated packets, a second; default: as many as go, SYNs 100k"},
	{"find-max", KIND_FLAG, ALL, AT(find_max), 0, 0, NULL, "search the highest rate without loss, and measure that"},
	{"server-address", KIND_PREFIX, ALL, AT(server), 0, 0, "ADDR/LEN", "default 10.0.0.2/24, or fd00::2/64"},
	{"client-address", KIND_PREFIX, ALL, AT(client), 0, 0, "ADDR/LEN", "default 10.0.0.1/24, or fd00::1/64"},
	{"client-addresses", KIND_COUNT, ALL, AT(client_addresses), 1, 60000, "N",
	 "consecutive, from --client-address on; default 1. With more: 10.1.0.1/8, or fd00::1:0:1/64"},
	{"service", KIND_PORT, ALL, AT(service), 1, 65535, "PORT", "port number of the server; default: as the mode is"},
	{"rxd", KIND_COUNT, ALL, AT(rxd), 32, 32768, "N", "receive descriptors; --self: frames on the wire"},
	{"txd", KIND_COUNT, ALL, AT(txd), 32, 32768, "N", "transmit descriptors"},
	{"mbufs", KIND_COUNT, ALL, AT(mbufs), 512, 100000000, "N", "packets in each pool; default: as the run needs"},
	{"json", KIND_TEXT, ALL, AT(json), 0, 0, "FILE", "write the result there as well"},
	{"quiet", KIND_FLAG, ALL, AT(quiet), 0, 0, NULL, "no line for each interval"},

	{"self", KIND_ROLE, STACK, AT(role), ROLE_SELF, 0, NULL,
	 "server and client in this process, on a core each; needs no device"},
	{"server", KIND_ROLE, STACK, AT(role), ROLE_SERVER, 0, NULL, "answer on --port"},
	{"client", KIND_ROLE, STACK, AT(role), ROLE_CLIENT, 0, NULL, "ask on --port"},
	{"port", KIND_TEXT, ALL, AT(port), 0, 0, "DEVICE", "DPDK port, by name or number; default 0. Forwarding: with commas; all"},
	{"connections", KIND_COUNT, STACK, AT(connections), 1, 100000000, "N", "of all client cores together; default 1"},
	{"held", KIND_COUNT, STACK, AT(held), 1, 100000000, "N", "connections besides these that are only held open; default none"},
	{"request", KIND_BYTES, STACK, AT(request), 1, MAX_BYTES, "BYTES", "default: as the mode is"},
	{"response", KIND_BYTES, STACK, AT(response), 1, MAX_BYTES, "BYTES", "default: as the mode is"},
	{"pipeline", KIND_COUNT, STACK, AT(pipeline), 1, 1024, "N", "operations that a connection may have under way; default 1"},
	{"inflight", KIND_COUNT, STACK, AT(inflight), 1, 100000000, "N",
	 "operations that all may have under way; default: connections x pipeline, at most 4096"},
	{"think", KIND_DURATION, STACK, AT(think_ns), 0, DAY_NS, "TIME",
	 "pause of a connection between two operations; default 0"},
	{"services", KIND_COUNT, STACK, AT(services), 1, 60000, "N", "consecutive ports that the server listens on; default 1"},
	{"sources", KIND_COUNT, STACK, AT(sources), 1, FLOOD_SOURCES_MOST, "N",
	 "addresses of syn_flood, of 198.18.0.0/15 or 2001:2::/48; default 10k"},
	{"zero-copy", KIND_FLAG, STACK, AT(zero_copy), 0, 0, NULL, "senders of much lend their memory, and copy nothing"},
	{"ipv6", KIND_FLAG, STACK, AT(v6), 0, 0, NULL, "run over IPv6"},
	{"workers", KIND_COUNT, STACK, AT(workers), 1, 64, "N", "cores of each role; default: as many as EAL has for it"},
	{"queues", KIND_COUNT, STACK, AT(queues), 1, 64, "N",
	 "queue pairs of the device, as many as a memif's other end has; default: one for each worker"},
	{"time-wait", KIND_DURATION, STACK, AT(time_wait_ns), 0, 240 * SECOND_NS, "TIME",
	 "TIME-WAIT of connections; default 1ms"},

	{"txpkts", KIND_SIZES, FORWARD, AT(txpkts), 0, MAX_SEGMENT, "LIST",
	 "bytes of each segment of generated packets, with commas; default 64"},
	{"burst", KIND_COUNT, FORWARD, AT(burst), 1, 512, "N", "packets at a time; default 32"},
	{"flows", KIND_COUNT, FORWARD, AT(flows), 1, 100000000, "N", "of generated packets; default 1, flowgen 1024"},
	{"cores-per-port", KIND_COUNT, FORWARD, AT(cores_per_port), 1, 16, "N", "and queues; default 1"},
	{"peer-mac", KIND_MAC, FORWARD, AT(peer_mac), 0, 0, "MAC",
	 "who is opposite; default: generators ask by ARP, else 02:00:00:00:00:PORT"},
};
#define N_OPTIONS (sizeof(options) / sizeof(options[0]))

_Static_assert(N_OPTIONS <= 64, "which ones were given is a word");

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
	case KIND_SIZES:
		return "1 to 8 numbers of bytes up to 9600 with commas, the first at least 42, like 64 or 128,1400";
	case KIND_MAC:
		return "a link address, like 02:00:00:00:00:01";
	default:
		return "a value";
	}
}

/* ---- usage */

static void
usage_options(enum family family, const char *title)
{
	printf("\n%s\n", title);
	for (unsigned i = 0; i < N_OPTIONS; i++) {
		const struct option *o = &options[i];
		int width;

		if (o->family != family)
			continue;
		width = printf("  --%s%s%s", o->name, o->metavar ? " " : "", o->metavar ? o->metavar : "");
		printf("%*s%s\n", width < 27 ? 27 - width : 1, "", o->help);
	}
}

void
args_usage(const char *program)
{
	printf("Usage: %s [EAL arguments] -- --mode MODE --self|--server|--client [options]\n"
	       "       %s [EAL arguments] -- --mode FORWARD-MODE [options]\n\nModes of a stack:\n", program, program);
	for (unsigned i = 0; modes[i]; i++)
		printf("  %-12s %s\n", modes[i]->name, modes[i]->help);
	printf("\nForward modes, on ports without a stack:\n");
	for (unsigned i = 0; fwd_modes[i]; i++)
		printf("  %-12s %s\n", fwd_modes[i]->name, fwd_modes[i]->help);
	usage_options(ALL, "Options:");
	printf("  --version\n  --help\n");
	usage_options(STACK, "Options of stack modes:");
	usage_options(FORWARD, "Options of forward modes:");
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
	out->mode = NULL;
	out->fwd = NULL;
	for (unsigned i = 0; modes[i]; i++) {
		if (strcmp(modes[i]->name, text) == 0)
			out->mode = modes[i];
	}
	for (unsigned i = 0; fwd_modes[i]; i++) {
		if (strcmp(fwd_modes[i]->name, text) == 0)
			out->fwd = fwd_modes[i];
	}
	if (out->mode || out->fwd)
		return ARGS_RUN;
	fprintf(stderr, "%s: --mode %s: there is no such mode; choose of", program, text);
	for (unsigned i = 0; modes[i]; i++)
		fprintf(stderr, " %s", modes[i]->name);
	for (unsigned i = 0; fwd_modes[i]; i++)
		fprintf(stderr, " %s", fwd_modes[i]->name);
	fputc('\n', stderr);
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
sizes_use(const char *program, const struct option *o, const char *text, struct args *out)
{
	unsigned n = value_bytes_list(text, out->txpkts, ARGS_TXPKTS_MOST, o->max);

	if (n == 0 || out->txpkts[0] < ARGS_TXPKT_LEAST) {
		fprintf(stderr, "%s: --%s %s: give %s\n", program, o->name, text, kind_hint(o->kind));
		return usage_error(program);
	}
	out->n_txpkts = n;
	return ARGS_RUN;
}

static int
mac_use(const char *program, const struct option *o, const char *text, struct mr_lladdr *field)
{
	if (mr_lladdr_parse(text, field) == 0)
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
	case KIND_SIZES:
		return sizes_use(program, o, text, out);
	case KIND_MAC:
		return mac_use(program, o, text, field);
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
own_parse(int argc, char **argv, const char *program, struct args *out, uint64_t *given)
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
		*given |= UINT64_C(1) << (o - options);
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
		.duration_ns = 5 * SECOND_NS,
		.warmup_ns = SECOND_NS,
		.interval_ns = SECOND_NS,
		.time_wait_ns = SECOND_NS / 1000,
		.txpkts = {64},
		.n_txpkts = 1,
		.burst = 32,
		.cores_per_port = 1,
	};
}

/* An option that was given, and is not for the mode; NULL: none. */
static const struct option *
option_out_of_place(const struct args *a, uint64_t given)
{
	enum family family = a->mode ? STACK : FORWARD;

	for (unsigned i = 0; i < N_OPTIONS; i++) {
		if (given >> i & 1 && !(options[i].family & family))
			return &options[i];
	}
	return NULL;
}

static int
all_settle(const char *program, struct args *out, uint64_t given)
{
	const struct option *wrong;

	if (!out->mode && !out->fwd) {
		fprintf(stderr, "%s: no mode: give --mode MODE\n", program);
		return usage_error(program);
	}
	wrong = option_out_of_place(out, given);
	if (wrong) {
		fprintf(stderr, "%s: --%s: of no use with %s: leave it out\n", program, wrong->name,
		        out->mode ? out->mode->name : out->fwd->name);
		return usage_error(program);
	}
	return args_settle(program, out) ? ARGS_RUN : usage_error(program);
}

int
args_parse(int argc, char **argv, struct args *out)
{
	char *program = argv[0];
	uint64_t given = 0;
	int split = 1, r;

	defaults_before(out);
	while (split < argc && strcmp(argv[split], "--") != 0)
		split++;
	if (split == argc) {
		/* Without EAL arguments these are clear enough. */
		if (argc == 2 && (strcmp(argv[1], "--version") == 0 || strcmp(argv[1], "--help") == 0 || strcmp(argv[1], "-h") == 0))
			return own_parse(1, argv + 1, program, out, &given);
		fprintf(stderr, "%s: no '--': EAL's arguments go in front of it, the program's own behind\n", program);
		return usage_error(program);
	}
	out->eal_argc = split;
	r = own_parse(argc - split - 1, argv + split + 1, program, out, &given);
	argv[split] = NULL;
	return r == ARGS_RUN ? all_settle(program, out, given) : r;
}

const char *
role_name(enum role role)
{
	static const char *const names[] = {"none", "self", "server", "client"};

	return names[role];
}
