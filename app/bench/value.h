/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Text to values, as the command line writes them. Each returns false and leaves *out alone if the text is not wholly
 * such a value or does not fit.
 */
#ifndef BENCH_VALUE_H
#define BENCH_VALUE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Whole number with an optional k, m or g: powers of 1000. */
bool value_count(const char *text, uint64_t *out);
/* The same with powers of 1024: bytes. */
bool value_bytes(const char *text, uint64_t *out);
/* Seconds, or with a unit (ns, us, ms, s); a decimal fraction is allowed. In nanoseconds. */
bool value_duration(const char *text, uint64_t *out);
/* Up to `most` byte counts with commas between. @return how many, 0: not such a list */
unsigned value_bytes_list(const char *text, uint32_t *out, unsigned most, uint64_t limit);

#endif
