/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One scanner for all: digits, a fraction if that makes sense, then a unit from a table.
 */
#include "app/bench/value.h"

#include <stdlib.h>
#include <string.h>

#define FRACTION_DIGITS 9

struct unit {
	const char *name;
	uint64_t factor;
};

static const struct unit counts[] = {{"", 1}, {"k", 1000}, {"m", 1000000}, {"g", 1000000000}, {NULL, 0}};
static const struct unit bytes[] = {{"", 1}, {"k", 1u << 10}, {"m", 1u << 20}, {"g", 1u << 30}, {NULL, 0}};
static const struct unit durations[] = {
	{"", 1000000000}, {"ns", 1}, {"us", 1000}, {"ms", 1000000}, {"s", 1000000000}, {NULL, 0},
};

static bool
is_digit(char c)
{
	return c >= '0' && c <= '9';
}

/* Case is no matter: 64K is 64k. @return 0: no such unit */
static uint64_t
unit_factor(const struct unit *units, const char *name)
{
	for (; units->name; units++) {
		if (strcasecmp(units->name, name) == 0)
			return units->factor;
	}
	return 0;
}

/* Digits behind the point, as billionths. @return where they end */
static const char *
fraction_read(const char *text, uint64_t *billionths)
{
	unsigned digits = 0;

	for (*billionths = 0; is_digit(*text); text++) {
		if (digits++ < FRACTION_DIGITS)
			*billionths = *billionths * 10 + (uint64_t)(*text - '0');
	}
	while (digits < FRACTION_DIGITS) {
		*billionths *= 10;
		digits++;
	}
	return text;
}

static bool
scaled(const char *text, const struct unit *units, bool fraction, uint64_t *out)
{
	unsigned __int128 value = 0;
	uint64_t factor, billionths = 0;

	if (!is_digit(*text))
		return false;
	for (; is_digit(*text); text++) {
		value = value * 10 + (unsigned)(*text - '0');
		if (value > UINT64_MAX)
			return false;
	}
	if (fraction && text[0] == '.' && is_digit(text[1]))
		text = fraction_read(text + 1, &billionths);
	factor = unit_factor(units, text);
	value = value * factor + (unsigned __int128)billionths * factor / 1000000000;
	if (factor == 0 || value > UINT64_MAX)
		return false;
	*out = (uint64_t)value;
	return true;
}

bool
value_count(const char *text, uint64_t *out)
{
	return scaled(text, counts, false, out);
}

bool
value_bytes(const char *text, uint64_t *out)
{
	return scaled(text, bytes, false, out);
}

bool
value_duration(const char *text, uint64_t *out)
{
	return scaled(text, durations, true, out);
}

unsigned
value_bytes_list(const char *text, uint32_t *out, unsigned most, uint64_t limit)
{
	unsigned n = 0;

	for (;;) {
		size_t len = strcspn(text, ",");
		char item[24];
		uint64_t value;

		if (len >= sizeof(item) || n == most)
			return 0;
		memcpy(item, text, len);
		item[len] = 0;
		if (!value_bytes(item, &value) || value == 0 || value > limit)
			return 0;
		out[n++] = (uint32_t)value;
		if (text[len] == 0)
			return n;
		text += len + 1;
	}
}
