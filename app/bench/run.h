/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A run of a stack mode: both sides or one, from their creation to the report.
 */
#ifndef BENCH_RUN_H
#define BENCH_RUN_H

#include <signal.h>

#include "app/bench/args.h"

/* Signals so far; the first ends the measurement, the second everything. */
extern volatile sig_atomic_t signals;

/* @return exit code */
int run_stack(const struct args *args);

#endif
