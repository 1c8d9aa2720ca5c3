/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Results as JSON.
 */
#ifndef BENCH_JSON_H
#define BENCH_JSON_H

#include <stdio.h>

#include "app/bench/result.h"

/* An array with one object for each result. */
void json_write(FILE *f, const struct result *results, unsigned n);
/* The same to a file. @return 0 or -errno */
int json_write_file(const char *file, const struct result *results, unsigned n);

#endif
