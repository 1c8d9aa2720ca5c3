/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Configuration: sections and keys of a file against the tables that say which there may be. All errors of a file are
 * reported, each as one line that ends in the fix; a section with an error is not looked at further, so that one
 * mistake makes one line.
 *
 * Not here: lines (config_file.c), values (config_value.c), what the library's own sections mean (config_host.c).
 */
#include "stack/config.h"

#include <errno.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <rte_common.h>

#define NAMES_MAX 64

/* ---- errors */

void
mr_config_error(struct mr_config *c, const struct mr_config_section *s, const char *key, const char *fmt, ...)
{
	va_list ap;

	c->errors++;
	if (s)
		((struct mr_config_section *)(uintptr_t)s)->bad = true;
	fprintf(c->err, "%s: ", c->file);
	if (s)
		fprintf(c->err, "[%s%s%s]%s", s->schema->name, *s->name ? " " : "", s->name, key ? " " : ": ");
	if (key)
		fprintf(c->err, "%s: ", key);
	va_start(ap, fmt);
	vfprintf(c->err, fmt, ap);
	va_end(ap);
	fputc('\n', c->err);
}

/* ": did you mean X?" or ": there are X, Y and Z" */
static void
names_suggest(const char *text, const char *const *names, unsigned n, char *buf, size_t size)
{
	const char *near = mr_config_near(text, names, n);
	int len;

	if (near) {
		snprintf(buf, size, "did you mean %s?", near);
		return;
	}
	len = snprintf(buf, size, "known are ");
	for (unsigned i = 0; i < n && len < (int)size; i++)
		len += snprintf(buf + len, size - len, "%s%s", i ? ", " : "", names[i]);
}

/* ---- tables */

static const struct mr_config_schema *
schema_find(const struct mr_config *c, const char *kind)
{
	for (const struct mr_config_schema *s = mr_config_own; s->name; s++) {
		if (strcmp(s->name, kind) == 0)
			return s;
	}
	for (const struct mr_config_schema *s = c->app; s && s->name; s++) {
		if (strcmp(s->name, kind) == 0)
			return s;
	}
	return NULL;
}

static void
schema_unknown(struct mr_config *c, const char *heading, const char *kind)
{
	const char *names[NAMES_MAX];
	char hint[512];
	unsigned n = 0;

	for (const struct mr_config_schema *s = mr_config_own; s->name && n < NAMES_MAX; s++)
		names[n++] = s->name;
	for (const struct mr_config_schema *s = c->app; s && s->name && n < NAMES_MAX; s++)
		names[n++] = s->name;
	names_suggest(kind, names, n, hint, sizeof(hint));
	mr_config_error(c, NULL, NULL, "[%s]: there is no section of this kind; %s", heading, hint);
}

static unsigned
keys_count(const struct mr_config_schema *s)
{
	unsigned n = 0;

	while (s->keys[n].name)
		n++;
	return n;
}

static int
key_index(const struct mr_config_schema *s, const char *key)
{
	for (int i = 0; s->keys[i].name; i++) {
		if (strcmp(s->keys[i].name, key) == 0)
			return i;
	}
	return -1;
}

static void
key_unknown(struct mr_config *c, struct mr_config_section *s, const char *key)
{
	const char *names[NAMES_MAX];
	char hint[1024];
	unsigned n = RTE_MIN(keys_count(s->schema), (unsigned)NAMES_MAX);

	for (unsigned i = 0; i < n; i++)
		names[i] = s->schema->keys[i].name;
	names_suggest(key, names, n, hint, sizeof(hint));
	mr_config_error(c, s, key, "there is no such key in this section; %s", hint);
}

/* ---- sections */

static const struct mr_config_section *
section_find(const struct mr_config *c, const struct mr_config_schema *schema, const char *name)
{
	const struct mr_config_section *s;

	TAILQ_FOREACH(s, &c->sections, link) {
		if (s->schema == schema && strcmp(s->name, name) == 0)
			return s;
	}
	return NULL;
}

/* The section of a heading; NULL if it may not be there. */
static struct mr_config_section *
section_make(struct mr_config *c, const char *heading)
{
	const struct mr_config_schema *schema;
	struct mr_config_section *s;
	char kind[CFG_NAME_LEN];
	const char *name = heading + strcspn(heading, " \t");

	snprintf(kind, sizeof(kind), "%.*s", (int)(name - heading), heading);
	name += strspn(name, " \t");
	schema = schema_find(c, kind);
	if (!schema)
		schema_unknown(c, heading, kind);
	else if (schema->instances && !*name)
		mr_config_error(c, NULL, NULL, "[%s]: this kind of section has a name; write [%s NAME]", heading, kind);
	else if (!schema->instances && *name)
		mr_config_error(c, NULL, NULL, "[%s]: this section has no name; write [%s]", heading, kind);
	else if (section_find(c, schema, name))
		mr_config_error(c, NULL, NULL, "[%s]: is there twice; %s", heading,
		                schema->instances ? "give each a name of its own" : "put all its keys into one");
	else if ((s = calloc(1, sizeof(*s) + keys_count(schema) * sizeof(s->values[0])))) {
		s->schema = schema;
		snprintf(s->name, sizeof(s->name), "%s", name);
		TAILQ_INSERT_TAIL(&c->sections, s, link);
		return s;
	} else
		c->no_memory = true;
	return NULL;
}

static void
section_set(struct mr_config *c, struct mr_config_section *s, unsigned i, const char *text)
{
	const struct mr_config_key *k = &s->schema->keys[i];
	char err[512] = "out of memory";
	int r = mr_config_value_parse(k, text, &s->values[i], err, sizeof(err));

	if (r < 0)
		mr_config_error(c, s, k->name, "%s", err);
	if (r == -ENOMEM)
		c->no_memory = true;
}

static void
section_entry(struct mr_config *c, struct mr_config_section *s, const struct rte_cfgfile_entry *e)
{
	int i = key_index(s->schema, e->name);

	if (i < 0) {
		key_unknown(c, s, e->name);
		return;
	}
	if (s->values[i].given && !(s->schema->keys[i].flags & MR_CONFIG_LIST)) {
		mr_config_error(c, s, e->name, "is there twice; remove one");
		return;
	}
	s->values[i].given = true;
	section_set(c, s, i, e->value);
}

/* Absent keys: the default, or an error if there must be one. */
static void
section_complete(struct mr_config *c, struct mr_config_section *s)
{
	char type[512];

	for (unsigned i = 0; s->schema->keys[i].name; i++) {
		const struct mr_config_key *k = &s->schema->keys[i];

		if (s->values[i].given)
			continue;
		if (k->def) {
			section_set(c, s, i, k->def);
		} else if (k->flags & MR_CONFIG_REQUIRED) {
			mr_config_value_describe(k, type, sizeof(type));
			mr_config_error(c, s, k->name, "is missing; add '%s = ' and its %s (%s)", k->name, type,
			                k->help);
		}
	}
}

static void
section_read(struct mr_config *c, struct rte_cfgfile *cf, unsigned index)
{
	char heading[CFG_NAME_LEN];
	struct rte_cfgfile_entry *entries;
	struct mr_config_section *s;
	int n;

	/* By index: by name there is only the first of two sections of one name. */
	n = rte_cfgfile_section_num_entries_by_index(cf, heading, index);
	s = section_make(c, heading);
	if (!s)
		return;
	entries = calloc(n > 0 ? n : 1, sizeof(*entries));
	if (!entries) {
		c->no_memory = true;
		return;
	}
	n = rte_cfgfile_section_entries_by_index(cf, index, heading, entries, n);
	for (int i = 0; i < n; i++)
		section_entry(c, s, &entries[i]);
	free(entries);
	section_complete(c, s);
}

/* ---- loading */

static int
config_read(struct mr_config *c)
{
	int r = 0, n;
	struct rte_cfgfile *cf = mr_config_file_read(c, &r);
	struct mr_config_section *s;

	if (!cf)
		return r;
	n = rte_cfgfile_num_sections(cf, "", 0);
	for (int i = 0; i < n; i++)
		section_read(c, cf, i);
	rte_cfgfile_close(cf);
	TAILQ_FOREACH(s, &c->sections, link) {
		if (s->schema->check && !s->bad)
			s->schema->check(c, s);
	}
	mr_config_host_build(c);
	if (c->no_memory)
		return -ENOMEM;
	return c->errors ? -EINVAL : 0;
}

int
mr_config_load(const char *file, const struct mr_config_schema *app, void *err, struct mr_config **out)
{
	struct mr_config *c = calloc(1, sizeof(*c));
	int r;

	if (!c)
		return -ENOMEM;
	TAILQ_INIT(&c->sections);
	c->app = app;
	c->err = err;
	c->file = strdup(file);
	r = c->file ? config_read(c) : -ENOMEM;
	if (r < 0)
		mr_config_free(c);
	else
		*out = c;
	return r;
}

void
mr_config_free(struct mr_config *c)
{
	struct mr_config_section *s;

	if (!c)
		return;
	while ((s = TAILQ_FIRST(&c->sections))) {
		TAILQ_REMOVE(&c->sections, s, link);
		for (unsigned i = 0; s->schema->keys[i].name; i++)
			mr_config_value_free(&s->values[i]);
		free(s);
	}
	free(c->ports);
	free(c->port_sections);
	free(c->routes);
	free(c->route_sections);
	free(c->neighs);
	free(c->opts);
	free(c->file);
	free(c);
}

/* ---- looking at it */

const struct mr_config_section *
mr_config_next(const struct mr_config *c, const char *kind, const struct mr_config_section *prev)
{
	const struct mr_config_section *s = prev ? TAILQ_NEXT(prev, link) : TAILQ_FIRST(&c->sections);

	while (s && strcmp(s->schema->name, kind) != 0)
		s = TAILQ_NEXT(s, link);
	return s;
}

const char *
mr_config_name(const struct mr_config_section *s)
{
	return s->name;
}

static const struct mr_config_value *
value_find(const struct mr_config_section *s, const char *key)
{
	static const struct mr_config_value none;
	int i = s ? key_index(s->schema, key) : -1;

	return i < 0 ? &none : &s->values[i];
}

bool
mr_config_has(const struct mr_config_section *s, const char *key)
{
	return value_find(s, key)->given;
}

int64_t
mr_config_int(const struct mr_config_section *s, const char *key)
{
	return value_find(s, key)->num;
}

const char *
mr_config_text(const struct mr_config_section *s, const char *key, unsigned i)
{
	const struct mr_config_value *v = value_find(s, key);

	return i < v->n ? v->text[i] : NULL;
}

const struct mr_subnet *
mr_config_addr(const struct mr_config_section *s, const char *key, unsigned i)
{
	const struct mr_config_value *v = value_find(s, key);

	return i < v->n ? &v->addr[i] : NULL;
}

/* ---- reference */

static void
schema_describe(const struct mr_config_schema *s, FILE *out)
{
	char type[512];

	fprintf(out, "[%s%s]  %s\n", s->name, s->instances ? " NAME" : "", s->help);
	for (const struct mr_config_key *k = s->keys; k->name; k++) {
		mr_config_value_describe(k, type, sizeof(type));
		fprintf(out, "  %-16s %s: %s", k->name, type, k->help);
		if (k->def)
			fprintf(out, "; default %s", k->def);
		if (k->flags & MR_CONFIG_REQUIRED)
			fprintf(out, "; required");
		fputc('\n', out);
	}
	fputc('\n', out);
}

void
mr_config_describe(const struct mr_config_schema *app, void *out)
{
	for (const struct mr_config_schema *s = mr_config_own; s->name; s++)
		schema_describe(s, out);
	for (const struct mr_config_schema *s = app; s && s->name; s++)
		schema_describe(s, out);
}
