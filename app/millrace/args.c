/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Our options are looked at before EAL starts, so that a mistake in them costs nothing and says nothing about EAL.
 */
#include "app/millrace/args.h"

#include <errno.h>
#include <getopt.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <millrace.h>

#include "app/millrace/service.h"

enum {
	OPT_CHECK = 256,
	OPT_STRICT,
	OPT_STATS,
	OPT_DURATION,
	OPT_HELP_CONFIG,
};

static const struct option options[] = {
	{"config", required_argument, NULL, 'c'},
	{"check-config", no_argument, NULL, OPT_CHECK},
	{"stats-period", required_argument, NULL, OPT_STATS},
	{"duration", required_argument, NULL, OPT_DURATION},
	{"strict-leaks", no_argument, NULL, OPT_STRICT},
	{"help-config", no_argument, NULL, OPT_HELP_CONFIG},
	{"version", no_argument, NULL, 'V'},
	{"help", no_argument, NULL, 'h'},
	{NULL, 0, NULL, 0},
};

void
args_usage(const char *program)
{
	printf("Usage: %s [EAL arguments] -- -c FILE [options]\n"
	       "\n"
	       "  -c, --config FILE    ports, addresses, routes, services (see --help-config)\n"
	       "  --check-config       look at the file, report what is wrong, and end\n"
	       "  --stats-period SEC   print a line of statistics every SEC seconds\n"
	       "  --duration SEC       end after SEC seconds\n"
	       "  --strict-leaks       exit with 1 if packets were leaked\n"
	       "  --help-config        all sections and keys of the file\n"
	       "  -V, --version\n"
	       "  -h, --help\n"
	       "\n"
	       "SIGINT and SIGTERM end it: connections have 2 seconds to finish, a second signal ends at once.\n"
	       "Exit code: 0; 1 if EAL or a device fails; 2 for wrong usage or configuration.\n",
	       program);
}

static int
usage_error(const char *program)
{
	fprintf(stderr, "%s: try '%s -- --help'\n", program, program);
	return 2;
}

static bool
seconds_parse(const char *program, const char *name, const char *text, unsigned *out)
{
	char *end;
	unsigned long n;

	errno = 0;
	n = strtoul(text, &end, 10);
	if (*text < '0' || *text > '9' || *end || errno || n == 0 || n > INT_MAX) {
		fprintf(stderr, "%s: --%s %s: give a whole number of seconds, 1 or more\n", program, name, text);
		return false;
	}
	*out = n;
	return true;
}

static int
option_use(int opt, const char *program, struct args *out)
{
	switch (opt) {
	case 'c':
		out->config = optarg;
		return ARGS_RUN;
	case OPT_CHECK:
		out->check_config = true;
		return ARGS_RUN;
	case OPT_STRICT:
		out->strict_leaks = true;
		return ARGS_RUN;
	case OPT_STATS:
		return seconds_parse(program, "stats-period", optarg, &out->stats_s) ? ARGS_RUN : usage_error(program);
	case OPT_DURATION:
		return seconds_parse(program, "duration", optarg, &out->duration_s) ? ARGS_RUN : usage_error(program);
	case OPT_HELP_CONFIG:
		mr_config_describe(service_schema, stdout);
		return 0;
	case 'V':
		printf("millrace %s\n", mr_version());
		return 0;
	case 'h':
		args_usage(program);
		return 0;
	default:
		return usage_error(program);
	}
}

static int
own_parse(int argc, char **argv, const char *program, struct args *out)
{
	int opt, r;

	optind = 1;
	while ((opt = getopt_long(argc, argv, "c:Vh", options, NULL)) != -1) {
		r = option_use(opt, program, out);
		if (r != ARGS_RUN)
			return r;
	}
	if (optind < argc) {
		fprintf(stderr, "%s: '%s' is no option\n", program, argv[optind]);
		return usage_error(program);
	}
	if (!out->config) {
		fprintf(stderr, "%s: no configuration; give -c FILE\n", program);
		return usage_error(program);
	}
	return ARGS_RUN;
}

int
args_parse(int argc, char **argv, struct args *out)
{
	char *program = argv[0];
	int split = 1, r;

	*out = (struct args){0};
	while (split < argc && strcmp(argv[split], "--") != 0)
		split++;
	if (split == argc) {
		/* Without EAL arguments these are clear enough. */
		if (argc == 2 && strcmp(argv[1], "--version") == 0)
			return option_use('V', program, out);
		if (argc == 2 && (strcmp(argv[1], "--help") == 0 || strcmp(argv[1], "-h") == 0))
			return option_use('h', program, out);
		fprintf(stderr, "%s: no '--': EAL's arguments go in front of it, the program's own behind\n", program);
		return usage_error(program);
	}
	out->eal_argc = split;
	/* getopt wants the program's name in front: it stands in for the "--" meanwhile. */
	argv[split] = program;
	r = own_parse(argc - split, argv + split, program, out);
	argv[split] = NULL;
	/* EAL's parser uses the same globals. */
	optind = 1;
	return r;
}
