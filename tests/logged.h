/* SPDX-License-Identifier: Apache-2.0 */
/*
 * For tests that look at what is logged: the log goes to a file of theirs until they end that.
 */
#ifndef TESTS_LOGGED_H
#define TESTS_LOGGED_H

#include <check.h>
#include <stdio.h>
#include <unistd.h>

#include <rte_log.h>

static FILE *log_file;
static char log_text[4096]; /* what was read last */

static inline void
log_begin(void)
{
	log_file = tmpfile();
	ck_assert_ptr_nonnull(log_file);
	rte_openlog_stream(log_file);
}

/* What was logged since the last call, or since the beginning. */
static inline const char *
logged(void)
{
	size_t n;

	fflush(log_file);
	rewind(log_file);
	n = fread(log_text, 1, sizeof(log_text) - 1, log_file);
	log_text[n] = '\0';
	rewind(log_file);
	ck_assert_int_eq(ftruncate(fileno(log_file), 0), 0);
	return log_text;
}

/* @return as logged */
static inline const char *
log_end(void)
{
	logged();
	rte_openlog_stream(NULL);
	fclose(log_file);
	return log_text;
}

#endif
