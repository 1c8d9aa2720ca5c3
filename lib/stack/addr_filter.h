/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file
 * A quick "certainly not" for small sets of addresses that every packet is checked against: our own ones, the directed
 * broadcasts. One bit for each address; what the filter lets through is looked up for real. Addresses cannot be taken
 * out: the owner begins anew.
 */
#ifndef MR_STACK_ADDR_FILTER_H
#define MR_STACK_ADDR_FILTER_H

#include <stdbool.h>
#include <stdint.h>

#include "stack/millrace.h"

#ifdef __cplusplus
extern "C" {
#endif

#define MR_ADDR_FILTER_BITS 512 /**< a power of two; mr_addr_filter_bit knows it */

/** A filter; zero is empty. */
struct mr_addr_filter {
	uint64_t bits[MR_ADDR_FILTER_BITS / 64]; /**< private */
};

/** The bit of an address. */
static inline unsigned
mr_addr_filter_bit(const struct mr_addr *a)
{
	return (unsigned)(((a->d[0] ^ a->d[1]) * 0x9e3779b97f4a7c15u) >> 55);
}

/** Put an address in. */
static inline void
mr_addr_filter_add(struct mr_addr_filter *f, const struct mr_addr *a)
{
	unsigned bit = mr_addr_filter_bit(a);

	f->bits[bit / 64] |= 1ull << (bit % 64);
}

/** Might the address have been added? @return false: certainly not */
static inline bool
mr_addr_filter_may_have(const struct mr_addr_filter *f, const struct mr_addr *a)
{
	unsigned bit = mr_addr_filter_bit(a);

	return f->bits[bit / 64] >> (bit % 64) & 1;
}

#ifdef __cplusplus
}
#endif
#endif
