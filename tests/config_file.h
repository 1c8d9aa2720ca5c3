/* SPDX-License-Identifier: Apache-2.0 */
/*
 * For the tests of configuration files: an application with sections of its own, a temporary path per test that its file
 * is written to, and what loading it has said.
 */
#ifndef TESTS_CONFIG_FILE_H
#define TESTS_CONFIG_FILE_H

#include "rig/rig.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define PORT "[port p0]\ndevice = net_tap0\naddress = 10.0.0.2/24\n"

static const struct mr_config_key echo_keys[] = {
	{"port", MR_CONFIG_NUMBER, MR_CONFIG_REQUIRED, .min = 1, .max = 65535, .help = "port number"},
	{"proto", MR_CONFIG_WORDS, .words = "tcp|udp", .def = "tcp,udp", .help = "protocols"},
	{"level", MR_CONFIG_NUMBER, .def = "5", .help = "a number"},
	{"tag", MR_CONFIG_TEXT, MR_CONFIG_LIST, .help = "some words"},
	{NULL},
};

static inline void
echo_check(struct mr_config *c, const struct mr_config_section *s)
{
	if (mr_config_int(s, "level") == 13)
		mr_config_error(c, s, "level", "%d is unlucky; take 14", 13);
}

static const struct mr_config_schema app[] = {
	{"echo", true, "echo service", echo_keys, echo_check},
	{"plain", false, "a section without a name", echo_keys, NULL},
	{NULL},
};

static char path[] = "/tmp/mr-test-config-XXXXXX";
static char *said; /* what the last load has reported, without the file name in front of each line */

static inline void
config_setup(void)
{
	int fd = mkstemp(path);

	ck_assert_int_ge(fd, 0);
	close(fd);
}

static inline void
config_teardown(void)
{
	unlink(path);
	free(said);
	said = NULL;
}

static inline void
file_write(const char *text, size_t len)
{
	FILE *f = fopen(path, "w");

	ck_assert_ptr_nonnull(f);
	ck_assert_uint_eq(fwrite(text, 1, len, f), len);
	fclose(f);
}

/* Load what is in the file; `said` gets the report, each line checked to begin with the file's name. */
static inline int
load_file(struct mr_config **out)
{
	char *report = NULL, *save = NULL, *lines;
	size_t size, prefix = strlen(path);
	FILE *err = open_memstream(&report, &size), *clean;
	int r;

	*out = NULL;
	r = mr_config_load(path, app, err, out);
	fclose(err);
	free(said);
	clean = open_memstream(&said, &size);
	lines = report;
	for (char *line = strtok_r(lines, "\n", &save); line; line = strtok_r(NULL, "\n", &save)) {
		ck_assert_msg(strncmp(line, path, prefix) == 0 && strncmp(line + prefix, ": ", 2) == 0, "%s", line);
		fprintf(clean, "%s\n", line + prefix + 2);
	}
	fclose(clean);
	free(report);
	return r;
}

static inline struct mr_config *
good(const char *text)
{
	struct mr_config *c;
	int r;

	file_write(text, strlen(text));
	r = load_file(&c);
	ck_assert_msg(r == 0, "%d: %s", r, said);
	ck_assert_str_eq(said, "");
	ck_assert_ptr_nonnull(c);
	return c;
}

#endif
