/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file
 * A place for an address in a small table where a wrong one costs nothing but a search: no secret is in it, so whoever
 * chooses addresses may have all of them in one place.
 */
#ifndef MR_STACK_ADDR_SLOT_H
#define MR_STACK_ADDR_SLOT_H

#include "stack/millrace.h"

#ifdef __cplusplus
extern "C" {
#endif

/** @return 0 to 2^bits - 1; `bits` is 1 to 31 */
static inline unsigned
mr_addr_slot(const struct mr_addr *a, unsigned bits)
{
	return (unsigned)(((a->d[0] ^ a->d[1]) * 0x9e3779b97f4a7c15u) >> (64 - bits));
}

#ifdef __cplusplus
}
#endif
#endif
