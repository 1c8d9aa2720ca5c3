/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The command line: millrace [EAL arguments] -- -c FILE [options].
 */
#ifndef APP_ARGS_H
#define APP_ARGS_H

#include <stdbool.h>

struct args {
	const char *config;
	bool check_config;   /* look at the file and end */
	bool strict_leaks;   /* packets that never came back make the exit code 1 */
	unsigned stats_s;    /* 0: no statistics while running */
	unsigned duration_s; /* 0: until a signal */
	int eal_argc;        /* arguments that belong to EAL, the program's name in front */
};

#define ARGS_RUN (-1)

/* @return ARGS_RUN, or the exit code of a program that has said all there is to say: 0, or 2 for wrong usage */
int args_parse(int argc, char **argv, struct args *out);
/* Usage, on stdout. */
void args_usage(const char *program);

#endif
