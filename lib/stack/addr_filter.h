/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file
 * A quick "certainly not" for small sets of addresses that every packet is checked against: our own ones, the directed
 * broadcasts. One place for each address, a byte, so that nothing needs to be shifted; what the filter lets through is
 * looked up for real. Addresses cannot be taken out: the owner begins anew.
 */
#ifndef MR_STACK_ADDR_FILTER_H
#define MR_STACK_ADDR_FILTER_H

#include <stdbool.h>
#include <stdint.h>

#include "stack/addr_slot.h"
#include "stack/millrace.h"

#ifdef __cplusplus
extern "C" {
#endif

#define MR_ADDR_FILTER_BITS 9 /**< of a place */

/** A filter; zero is empty. */
struct mr_addr_filter {
	uint8_t taken[1 << MR_ADDR_FILTER_BITS]; /**< private */
};

/** Put an address in. */
static inline void
mr_addr_filter_add(struct mr_addr_filter *f, const struct mr_addr *a)
{
	f->taken[mr_addr_slot(a, MR_ADDR_FILTER_BITS)] = 1;
}

/** Might the address have been added? @return 0: certainly not; or 1 */
static inline unsigned
mr_addr_filter_may_have(const struct mr_addr_filter *f, const struct mr_addr *a)
{
	return f->taken[mr_addr_slot(a, MR_ADDR_FILTER_BITS)];
}

#ifdef __cplusplus
}
#endif
#endif
