/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The pattern is one table that all cores read: a period, and its beginning again so that no piece is cut.
 */
#include "app/millrace/pattern.h"

#include <string.h>

#include <rte_byteorder.h>

static uint8_t table[PATTERN_PERIOD + PATTERN_CHUNK];

void
pattern_init(void)
{
	for (uint64_t w = 1; w <= PATTERN_WORDS; w++) {
		uint64_t v = w * UINT64_C(0x9E3779B97F4A7C15);
		rte_le64_t le = rte_cpu_to_le_64(v ^ (v >> 32));

		memcpy(table + 8 * (w - 1), &le, sizeof(le));
	}
	memcpy(table + PATTERN_PERIOD, table, PATTERN_CHUNK);
}

const uint8_t *
pattern_at(uint64_t offset)
{
	return table + offset % PATTERN_PERIOD;
}
