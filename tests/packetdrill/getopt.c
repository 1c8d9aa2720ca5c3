/* SPDX-License-Identifier: Apache-2.0 */
/*
 * getopt_long for EAL, which reads its options with it.
 *
 * packetdrill reads its own with it too, so the program has copies of optind and optarg, and the C library works on those.
 * But packetdrill binds us, and all that we bring along, to our own libraries first, and there the two variables are the
 * ones that nobody works on. So EAL, which looks here first, gets a function that carries them over.
 */
#include "pd.h"

#include <dlfcn.h>
#include <getopt.h>

typedef int (*getopt_long_fn)(int, char *const *, const char *, const struct option *, int *);

__attribute__((visibility("default"))) int
getopt_long(int argc, char *const *argv, const char *shorts, const struct option *longs, int *index)
{
	void *program = dlopen(NULL, RTLD_NOW);
	int *program_optind = dlsym(program, "optind");
	char **program_optarg = dlsym(program, "optarg");
	getopt_long_fn fn = (getopt_long_fn)dlsym(program, "getopt_long");
	int rc;

	if (!program_optind || !program_optarg || !fn)
		pd_die("no getopt_long in this program");
	*program_optind = optind;
	rc = fn(argc, argv, shorts, longs, index);
	optind = *program_optind;
	optarg = *program_optarg;
	dlclose(program);
	return rc;
}
