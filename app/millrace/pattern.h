/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The bytes of GET /bytes/N. Word w (w = 1, 2, ... 131071) is v ^ (v >> 32) with v = w * 0x9E3779B97F4A7C15 mod 2^64,
 * written as 8 bytes, little endian; the 1,048,568 bytes of these words repeat for ever. The period is 8 times a prime,
 * so a block that is lost, doubled or moved shows at any block size. In Python:
 *
 *   b''.join(((v := w * 0x9E3779B97F4A7C15 % 2**64) ^ v >> 32).to_bytes(8, 'little') for w in range(1, 131072))
 */
#ifndef APP_PATTERN_H
#define APP_PATTERN_H

#include <stddef.h>
#include <stdint.h>

#define PATTERN_WORDS 131071u
#define PATTERN_PERIOD (8u * PATTERN_WORDS)
#define PATTERN_CHUNK 65536u /* bytes that are there in one piece from any offset */

/* Make the table; once, before any pattern_at. */
void pattern_init(void);
/* PATTERN_CHUNK bytes of the pattern from an offset. */
const uint8_t *pattern_at(uint64_t offset);

#endif
