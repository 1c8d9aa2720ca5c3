/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Values of configuration keys: from text to what the key's type and range allow, or one phrase that says what is wrong
 * and what to write instead. Pure.
 */
#include "stack/config.h"

#include <ctype.h>
#include <errno.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include <rte_common.h>

#define WORDS_MAX 32
#define NEAR_MAX 64 /* longest text that is compared */

struct unit {
	const char *name;
	int64_t factor;
};

static const struct unit size_units[] = {{"g", 1 << 30}, {"m", 1 << 20}, {"k", 1 << 10}, {"", 1}};
static const struct unit time_units[] = {{"s", 1000000000}, {"ms", 1000000}, {"us", 1000}, {"ns", 1}};

/* Where a value is parsed to, and where the reason goes if it is not. */
struct parse {
	const struct mr_config_key *k;
	struct mr_config_value *v;
	char *err;
	size_t err_size;
};

static int __attribute__((format(printf, 2, 3)))
refuse(const struct parse *p, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(p->err, p->err_size, fmt, ap);
	va_end(ap);
	return -EINVAL;
}

/* ---- words */

/* Edits (insert, remove, replace, swap neighbours) between two short texts, without regard to case. */
static unsigned
text_distance(const char *a, const char *b)
{
	unsigned d[3][NEAR_MAX + 1], la = strlen(a), lb = strlen(b);

	for (unsigned j = 0; j <= lb; j++)
		d[0][j] = j;
	for (unsigned i = 1; i <= la; i++) {
		unsigned *row = d[i % 3], *up = d[(i + 2) % 3], *up2 = d[(i + 1) % 3];

		row[0] = i;
		for (unsigned j = 1; j <= lb; j++) {
			bool same = tolower((unsigned char)a[i - 1]) == tolower((unsigned char)b[j - 1]);

			row[j] = RTE_MIN(RTE_MIN(up[j], row[j - 1]) + 1, up[j - 1] + !same);
			if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1])
				row[j] = RTE_MIN(row[j], up2[j - 2] + 1);
		}
	}
	return d[la % 3][lb];
}

const char *
mr_config_near(const char *text, const char *const *names, unsigned n)
{
	size_t len = strlen(text);
	unsigned best = len <= 3 ? 2 : 3; /* one past what is near */
	const char *found = NULL;

	if (len > NEAR_MAX)
		return NULL;
	for (unsigned i = 0; i < n; i++) {
		unsigned d;

		if (!names[i] || strlen(names[i]) > NEAR_MAX)
			continue;
		d = text_distance(text, names[i]);
		if (d < best && d < strlen(names[i])) {
			best = d;
			found = names[i];
		}
	}
	return found;
}

/* Index of a word in "a|b|c". */
static int
word_parse(const struct parse *p, const char *text)
{
	char list[256];
	const char *words[WORDS_MAX], *near;
	unsigned n = 0;
	char *save = NULL;

	snprintf(list, sizeof(list), "%s", p->k->words);
	for (char *w = strtok_r(list, "|", &save); w && n < WORDS_MAX; w = strtok_r(NULL, "|", &save)) {
		if (strcmp(text, w) == 0)
			return n;
		words[n++] = w;
	}
	near = mr_config_near(text, words, n);
	if (near)
		return refuse(p, "'%s' is not one of %s; did you mean %s?", text, p->k->words, near);
	return refuse(p, "'%s' is not one of %s; choose one of these", text, p->k->words);
}

static int
bool_parse(const struct parse *p, const char *text)
{
	static const char *const words[] = {"no", "yes", "off", "on", "false", "true", "0", "1"};

	for (unsigned i = 0; i < RTE_DIM(words); i++) {
		if (strcasecmp(text, words[i]) == 0)
			return i & 1;
	}
	return refuse(p, "'%s' is neither yes nor no; write one of these", text);
}

/* ---- numbers with units */

static void
units_of(enum mr_config_type type, const struct unit **units, unsigned *n)
{
	*units = type == MR_CONFIG_DURATION ? time_units : size_units;
	*n = type == MR_CONFIG_DURATION ? RTE_DIM(time_units) : RTE_DIM(size_units);
	if (type == MR_CONFIG_NUMBER) {
		*units += *n - 1;
		*n = 1;
	}
}

/* In the largest unit that says it exactly. */
static const char *
number_format(enum mr_config_type type, int64_t num, char *buf, size_t size)
{
	const struct unit *u;
	unsigned n;

	units_of(type, &u, &n);
	while (num == 0 ? n > 1 && type != MR_CONFIG_DURATION : num % u->factor != 0) {
		u++;
		n--;
	}
	snprintf(buf, size, "%" PRId64 "%s", num / u->factor, u->name);
	return buf;
}

static int
number_range(const struct parse *p, const char *text, int64_t num)
{
	char lo[32], hi[32];

	if (num >= p->k->min && (!p->k->max || num <= p->k->max))
		return 0;
	number_format(p->k->type, p->k->min, lo, sizeof(lo));
	if (!p->k->max)
		return refuse(p, "%s is too small; give %s or more", text, lo);
	number_format(p->k->type, p->k->max, hi, sizeof(hi));
	return refuse(p, "%s is out of range; give %s to %s", text, lo, hi);
}

static int
number_syntax(const struct parse *p, const char *text)
{
	switch (p->k->type) {
	case MR_CONFIG_DURATION:
		return refuse(p, "'%s' is no duration; write a whole number and ns, us, ms or s, like 200ms", text);
	case MR_CONFIG_SIZE:
		return refuse(p, "'%s' is no size; write a whole number, with k, m or g if you like, like 64k", text);
	default:
		return refuse(p, "'%s' is no number; write decimal digits", text);
	}
}

static int
number_parse(const struct parse *p, const char *text)
{
	const struct unit *u;
	uint64_t num;
	unsigned n;
	char *end;

	if (!isdigit((unsigned char)*text))
		return number_syntax(p, text);
	errno = 0;
	num = strtoull(text, &end, 10);
	if (errno || num > INT64_MAX)
		return refuse(p, "%s is too large", text);
	while (*end == ' ' || *end == '\t')
		end++;
	units_of(p->k->type, &u, &n);
	while (n && strcasecmp(end, u->name) != 0) {
		u++;
		n--;
	}
	if (!n && !(num == 0 && !*end))
		return number_syntax(p, text);
	if (n && num > (uint64_t)(INT64_MAX / u->factor))
		return refuse(p, "%s is too large", text);
	p->v->num = n ? (int64_t)num * u->factor : 0;
	return number_range(p, text, p->v->num);
}

/* ---- items */

static int
addr_parse(const struct parse *p, const char *text, struct mr_subnet *out)
{
	bool prefix = p->k->type == MR_CONFIG_PREFIX;

	if (!prefix && mr_addr_parse(text, &out->addr) == 0) {
		out->plen = mr_addr_is_v4(&out->addr) ? 32 : 128;
		return 0;
	}
	if (prefix && strchr(text, '/') && mr_subnet_parse(text, out) == 0)
		return 0;
	if (prefix && mr_addr_parse(text, &out->addr) == 0)
		return refuse(p, "%s lacks its prefix length; write %s/%d, or shorter than that for a network", text,
		              text, mr_addr_is_v4(&out->addr) ? 32 : 128);
	if (prefix)
		return refuse(p, "'%s' is no address prefix; write one like 10.0.0.2/24 or fd00::2/64", text);
	return refuse(p, "'%s' is no address; write one like 10.0.0.2 or fd00::2", text);
}

static int
item_add(const struct parse *p, const char *text)
{
	struct mr_config_value *v = p->v;
	struct mr_subnet addr = {0}, *addrs;
	bool is_addr = p->k->type == MR_CONFIG_ADDR || p->k->type == MR_CONFIG_PREFIX;
	char **texts;
	int r = is_addr ? addr_parse(p, text, &addr) : 0;

	if (r < 0)
		return r;
	texts = realloc(v->text, (v->n + 1) * sizeof(*texts));
	if (!texts)
		return -ENOMEM;
	v->text = texts;
	addrs = realloc(v->addr, (v->n + 1) * sizeof(*addrs));
	if (!addrs)
		return -ENOMEM;
	v->addr = addrs;
	texts[v->n] = strdup(text);
	if (!texts[v->n])
		return -ENOMEM;
	addrs[v->n++] = addr;
	return 0;
}

static int
item_parse(const struct parse *p, const char *text)
{
	int r;

	switch (p->k->type) {
	case MR_CONFIG_BOOL:
		r = bool_parse(p, text);
		break;
	case MR_CONFIG_WORD:
		r = word_parse(p, text);
		break;
	case MR_CONFIG_WORDS:
		r = word_parse(p, text);
		if (r >= 0)
			p->v->num |= INT64_C(1) << r;
		return r < 0 ? r : item_add(p, text);
	case MR_CONFIG_NUMBER:
	case MR_CONFIG_SIZE:
	case MR_CONFIG_DURATION:
		r = number_parse(p, text);
		return r < 0 ? r : item_add(p, text);
	default:
		return item_add(p, text);
	}
	if (r < 0)
		return r;
	p->v->num = r;
	return item_add(p, text);
}

static int
list_parse(const struct parse *p, const char *text)
{
	char buf[CFG_VALUE_LEN];
	char *rest = buf, *item;
	int r = 0;

	snprintf(buf, sizeof(buf), "%s", text);
	while (r == 0 && (item = strsep(&rest, ","))) {
		char *end;

		item += strspn(item, " \t");
		end = item + strlen(item);
		while (end > item && (end[-1] == ' ' || end[-1] == '\t'))
			end--;
		*end = '\0';
		r = *item ? item_parse(p, item) : refuse(p, "an item of the list is empty; remove a comma");
	}
	return r;
}

int
mr_config_value_parse(const struct mr_config_key *k, const char *text, struct mr_config_value *v, char *err,
                      size_t err_size)
{
	struct parse p = {k, v, err, err_size};

	return k->type == MR_CONFIG_WORDS || k->flags & MR_CONFIG_LIST ? list_parse(&p, text) : item_parse(&p, text);
}

void
mr_config_value_describe(const struct mr_config_key *k, char *buf, size_t size)
{
	static const char *const names[] = {
		[MR_CONFIG_BOOL] = "yes or no", [MR_CONFIG_NUMBER] = "number", [MR_CONFIG_SIZE] = "size",
		[MR_CONFIG_DURATION] = "duration", [MR_CONFIG_WORD] = "one of", [MR_CONFIG_WORDS] = "some of",
		[MR_CONFIG_TEXT] = "text", [MR_CONFIG_ADDR] = "address", [MR_CONFIG_PREFIX] = "address/length",
	};
	char lo[32], hi[32];
	int n = snprintf(buf, size, "%s%s", k->flags & MR_CONFIG_LIST ? "list of " : "", names[k->type]);

	if (k->words)
		snprintf(buf + n, size - n, " %s", k->words);
	else if (k->max)
		snprintf(buf + n, size - n, " %s to %s", number_format(k->type, k->min, lo, sizeof(lo)),
		         number_format(k->type, k->max, hi, sizeof(hi)));
}

void
mr_config_value_free(struct mr_config_value *v)
{
	for (unsigned i = 0; i < v->n; i++)
		free(v->text[i]);
	free(v->text);
	free(v->addr);
	memset(v, 0, sizeof(*v));
}
