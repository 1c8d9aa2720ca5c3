/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The lines of a configuration file. rte_cfgfile is the parser, but it passes over lines that it does not understand,
 * cuts names at 63 and values at 255 characters without a word, and gives up at the first error it does see. So each
 * line is looked at first; what is wrong is reported with its number, and only well-formed lines reach rte_cfgfile, in
 * a memory file. Comments start with ';' anywhere or '#' at the start of a line.
 *
 * Not here: what sections, keys and values mean.
 */
#include "stack/config.h"

#include <ctype.h>
#include <errno.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

struct line_reader {
	struct mr_config *c;
	FILE *out;
	unsigned nr;
	bool in_section;   /* a section has begun */
	bool skip_section; /* its heading was wrong: that was reported, its keys need not be */
};

static void __attribute__((format(printf, 2, 3)))
line_error(struct line_reader *r, const char *fmt, ...)
{
	char text[512];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	mr_config_error(r->c, NULL, NULL, "line %u: %s", r->nr, text);
}

static char *
text_trim(char *s)
{
	char *end;

	while (isspace((unsigned char)*s))
		s++;
	end = s + strlen(s);
	while (end > s && isspace((unsigned char)end[-1]))
		end--;
	*end = '\0';
	return s;
}

/* [KIND] or [KIND INSTANCE] */
static void
line_section(struct line_reader *r, char *line)
{
	char *end = strchr(line, ']'), *name = line + 1;

	r->in_section = true;
	r->skip_section = true;
	if (!end) {
		line_error(r, "'%s' lacks its closing bracket; write %s]", line, line);
		return;
	}
	if (end[1]) {
		line_error(r, "'%s' has text behind the bracket; move it to a line of its own", line);
		return;
	}
	*end = '\0';
	name = text_trim(name);
	if (!*name) {
		line_error(r, "[] names no section; write [host], [port NAME], ...");
	} else if (strlen(name) >= CFG_NAME_LEN) {
		line_error(r, "section name of %zu characters; use at most %d", strlen(name), CFG_NAME_LEN - 1);
	} else {
		fprintf(r->out, "[%s]\n", name);
		r->skip_section = false;
	}
}

static void
line_key(struct line_reader *r, char *line, char *equals)
{
	char *key, *value;

	*equals = '\0';
	key = text_trim(line);
	value = text_trim(equals + 1);
	if (!*key)
		line_error(r, "no key in front of '= %s'; write KEY = %s", value, value);
	else if (!*value)
		line_error(r, "%s has no value; give one, or remove the line to have the default", key);
	else if (strlen(key) >= CFG_NAME_LEN)
		line_error(r, "key of %zu characters; there is none longer than %d", strlen(key), CFG_NAME_LEN - 1);
	else if (strlen(value) >= CFG_VALUE_LEN)
		line_error(
		        r,
		        "%s has a value of %zu characters; use at most %d (a list may go on in a second '%s =' line)",
		        key, strlen(value), CFG_VALUE_LEN - 1, key);
	else if (!r->in_section)
		line_error(r, "%s stands in front of the first section; put it below a line like [host]", key);
	else if (!r->skip_section)
		fprintf(r->out, "%s=%s\n", key, value);
}

static void
line_check(struct line_reader *r, char *line, size_t len)
{
	char *comment = strchr(line, ';'), *equals;

	if (strlen(line) != len) {
		line_error(r, "a NUL byte: this is no text file");
		return;
	}
	/* A backslash would make rte_cfgfile treat the line in a way of its own. */
	if (comment && comment > line && comment[-1] == '\\') {
		line_error(r, "';' starts a comment, also behind a backslash: values cannot have one");
		return;
	}
	if (comment)
		*comment = '\0';
	line = text_trim(line);
	equals = strchr(line, '=');
	if (!*line || *line == '#')
		return;
	if (*line == '[')
		line_section(r, line);
	else if (equals)
		line_key(r, line, equals);
	else
		line_error(r, "'%.80s' is neither [section] nor key = value; an '=' may be missing", line);
}

static void
lines_check(struct line_reader *r, FILE *in)
{
	char *line = NULL;
	size_t size = 0;
	ssize_t len;

	while ((len = getline(&line, &size, in)) >= 0) {
		r->nr++;
		line_check(r, line, len);
	}
	free(line);
}

static struct rte_cfgfile *
file_parse(struct mr_config *c, FILE *in, int *err)
{
	struct line_reader r = {.c = c};
	struct rte_cfgfile *cf = NULL;
	char path[32];
	int fd = memfd_create("millrace-config", MFD_CLOEXEC);

	*err = -errno;
	if (fd < 0)
		return NULL;
	r.out = fdopen(fd, "w");
	if (!r.out) {
		*err = -errno;
		close(fd);
		return NULL;
	}
	lines_check(&r, in);
	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	if (ferror(in) || fflush(r.out))
		*err = -EIO;
	else if (!(cf = rte_cfgfile_load(path, 0)))
		*err = -ENOMEM;
	fclose(r.out);
	return cf;
}

struct rte_cfgfile *
mr_config_file_read(struct mr_config *c, int *err)
{
	struct rte_cfgfile *cf = NULL;
	FILE *in = fopen(c->file, "re");

	*err = -errno;
	if (in) {
		cf = file_parse(c, in, err);
		fclose(in);
	}
	if (!cf)
		mr_config_error(c, NULL, NULL, "cannot be read: %s", strerror(-*err));
	return cf;
}
