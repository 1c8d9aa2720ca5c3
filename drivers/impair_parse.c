/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The text form of struct mr_impair_cfg: "loss=1%,delay=20ms,rate=100mbit,seed=7".
 *
 * Values are decimal numbers with a unit, computed in integers: what does not come out whole in parts per million,
 * nanoseconds or bits a second is refused rather than rounded. Nothing is written to the result before all of the text
 * was good. The limits are those of mr_impair_wrap. Ports ask for impairment in this form, so the decorator is registered
 * here.
 */
#include "stack/millrace.h"

#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include <rte_common.h>

#include "stack/link.h"

struct unit {
	const char *name;
	uint64_t factor;
};

static const struct unit share_units[] = {{"%", 10000}, {"ppm", 1}, {NULL, 0}};
static const struct unit time_units[] = {{"ns", 1}, {"us", 1000}, {"ms", 1000000}, {"s", 1000000000}, {NULL, 0}};
static const struct unit rate_units[] = {
	{"bit", 1}, {"kbit", 1000}, {"mbit", 1000000}, {"gbit", 1000000000}, {NULL, 0}};
static const struct unit no_units[] = {{"", 1}, {NULL, 0}};

struct key {
	const char *name;
	const struct unit *units;
	const char *kind; /* for messages */
	uint64_t max;
	size_t offset, bytes; /* of the member */
};

#define MEMBER(m) offsetof(struct mr_impair_cfg, m), sizeof(((struct mr_impair_cfg *)0)->m)
#define SHARE share_units, "a share of 0% to 100% (like 0.1% or 500ppm)", 1000000
#define TIME time_units, "a time of at most 1 h (like 20ms or 1.5us)", 3600000000000u

static const struct key keys[] = {
	{"loss", SHARE, MEMBER(loss_ppm)},
	{"dup", SHARE, MEMBER(dup_ppm)},
	{"reorder", SHARE, MEMBER(reorder_ppm)},
	{"corrupt", SHARE, MEMBER(corrupt_ppm)},
	{"delay", TIME, MEMBER(delay_ns)},
	{"jitter", TIME, MEMBER(jitter_ns)},
	{"reorder_delay", TIME, MEMBER(reorder_ns)},
	{"rate", rate_units, "a rate of at most 10000gbit (like 100mbit)", 10000000000000u, MEMBER(rate_bps)},
	{"queue", no_units, "a number of frames, at most 16777216", 1u << 24, MEMBER(queue_frames)},
	{"buffer", no_units, "a number of bytes, at most 1099511627776", 1ull << 40, MEMBER(buffer_bytes)},
	{"seed", no_units, "a number", UINT64_MAX, MEMBER(seed)},
};
#define KEY_NAMES "loss, dup, reorder, corrupt, delay, jitter, reorder_delay, rate, queue, buffer, seed"

static const struct key *
key_find(const char *text, size_t len)
{
	for (size_t i = 0; i < RTE_DIM(keys); i++)
		if (strlen(keys[i].name) == len && !memcmp(keys[i].name, text, len))
			return &keys[i];
	return NULL;
}

/* Digits before and after the point. @return characters read, 0 if it is no number or too long. */
static size_t
number_parse(const char *text, size_t len, uint64_t *mantissa, uint64_t *divisor)
{
	size_t i = 0, digits = 0;
	bool point = false;

	*mantissa = 0;
	*divisor = 1;
	for (; i < len && (isdigit((unsigned char)text[i]) || (text[i] == '.' && !point && digits)); i++) {
		if (text[i] == '.') {
			point = true;
			continue;
		}
		if (__builtin_mul_overflow(*mantissa, 10, mantissa) ||
		    __builtin_add_overflow(*mantissa, (uint64_t)(text[i] - '0'), mantissa))
			return 0;
		if (point && __builtin_mul_overflow(*divisor, 10, divisor))
			return 0;
		digits++;
	}
	return digits && text[i - 1] != '.' ? i : 0;
}

static bool
value_parse(const struct key *k, const char *text, size_t len, uint64_t *out)
{
	uint64_t mantissa, divisor, v;
	size_t n = number_parse(text, len, &mantissa, &divisor);

	if (!n)
		return false;
	for (const struct unit *u = k->units; u->name; u++) {
		if (strlen(u->name) != len - n || memcmp(u->name, text + n, len - n))
			continue;
		if (__builtin_mul_overflow(mantissa, u->factor, &v) || v % divisor)
			return false;
		*out = v / divisor;
		return *out <= k->max;
	}
	return false;
}

static void
value_store(struct mr_impair_cfg *c, const struct key *k, uint64_t v)
{
	uint32_t v32 = (uint32_t)v;

	if (k->bytes == sizeof(v32))
		memcpy((char *)c + k->offset, &v32, sizeof(v32));
	else
		memcpy((char *)c + k->offset, &v, sizeof(v));
}

/* One "key=value". */
static int
item_parse(const char *text, size_t len, struct mr_impair_cfg *c, uint32_t *seen, char *err, size_t err_size)
{
	const char *eq = memchr(text, '=', len);
	size_t name_len = eq ? (size_t)(eq - text) : len;
	const struct key *k = key_find(text, name_len);
	uint64_t v;

	if (!k) {
		snprintf(err, err_size, "unknown key \"%.*s\"; there are " KEY_NAMES, (int)name_len, text);
		return -EINVAL;
	}
	if (!eq || !value_parse(k, eq + 1, len - name_len - 1, &v)) {
		snprintf(err, err_size, "%s: \"%.*s\" is not %s", k->name, eq ? (int)(len - name_len - 1) : 0,
		         eq ? eq + 1 : "", k->kind);
		return -EINVAL;
	}
	if (*seen & (1u << (k - keys))) {
		snprintf(err, err_size, "%s is given twice", k->name);
		return -EINVAL;
	}
	*seen |= 1u << (k - keys);
	value_store(c, k, v);
	return 0;
}

int
mr_impair_parse(const char *text, struct mr_impair_cfg *out, char *err, size_t err_size)
{
	struct mr_impair_cfg c = {0};
	uint32_t seen = 0;

	while (*text) {
		size_t len = strcspn(text, ",");
		int rc = item_parse(text, len, &c, &seen, err, err_size);

		if (rc)
			return rc;
		text += len;
		if (*text == ',' && !*++text) {
			snprintf(err, err_size, "nothing after the last comma");
			return -EINVAL;
		}
	}
	*out = c;
	return 0;
}

static int
impair_check(const char *args, char *err, size_t err_size)
{
	struct mr_impair_cfg cfg;

	return mr_impair_parse(args, &cfg, err, err_size);
}

/* Each worker's line is bad in its own way. */
static int
impair_wrap_port(struct mr_link *inner, const char *args, unsigned worker, struct mr_link **out)
{
	struct mr_impair_cfg cfg;
	char err[128];
	int r = mr_impair_parse(args, &cfg, err, sizeof(err));

	if (r < 0)
		return r;
	cfg.seed += worker;
	return mr_impair_wrap(inner, &cfg, out);
}

static const struct mr_decorator impair_decorator = {
	.name = "impair",
	.check = impair_check,
	.wrap = impair_wrap_port,
};

RTE_INIT(impair_register)
{
	mr_decorator_register(&impair_decorator);
}
