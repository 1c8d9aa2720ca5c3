/* SPDX-License-Identifier: Apache-2.0 */
/*
 * millrace-bench: measures Millrace, and others through it. This file is its life, from the command line to the exit code.
 */
#include <stdio.h>

#include <rte_eal.h>
#include <rte_errno.h>

#include "app/bench/args.h"
#include "app/bench/fwd.h"
#include "app/bench/run.h"

static void
on_signal(int nr)
{
	(void)nr;
	signals++;
}

static void
signals_setup(void)
{
	struct sigaction sa = {.sa_handler = on_signal, .sa_flags = SA_RESTART};

	sigaction(SIGINT, &sa, NULL);
	sigaction(SIGTERM, &sa, NULL);
	signal(SIGPIPE, SIG_IGN); /* a vhost peer that goes first */
}

int
main(int argc, char **argv)
{
	struct args args;
	int code = args_parse(argc, argv, &args);

	if (code != ARGS_RUN)
		return code;
	rte_set_application_usage_hook(args_usage);
	if (rte_eal_init(args.eal_argc, argv) < 0) {
		fprintf(stderr, "millrace-bench: EAL does not start: %s\n", rte_strerror(rte_errno));
		return 1;
	}
	signals_setup();
	code = args.mode ? run_stack(&args) : run_forward(&args);
	rte_eal_cleanup();
	return code;
}
