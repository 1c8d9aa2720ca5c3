/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The test rig: EAL once in the parent, Check forks per test, virtual time, frames in and frames out.
 */
#ifndef TESTS_RIG_H
#define TESTS_RIG_H

#include <check.h>

#include "stack/millrace.h"

/* Initialise EAL (--no-huge, unprivileged), run the suite, return the exit code. */
int rig_main(int argc, char **argv, Suite *(*make_suite)(void));

#endif
