/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Memory for tables of millions of records that are looked at in any order: in huge pages, if the kernel has some.
 */
#ifndef BENCH_TABLE_H
#define BENCH_TABLE_H

#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include <rte_common.h>

/* n zeroed records, the first at the beginning of a cache line. NULL: no memory; ends with free. */
static inline void *
table_alloc(size_t n, size_t bytes)
{
	const size_t huge = (size_t)2 << 20;
	size_t size = RTE_ALIGN_CEIL(n * bytes, n * bytes < huge ? (size_t)RTE_CACHE_LINE_SIZE : huge);
	void *p = aligned_alloc(size < huge ? RTE_CACHE_LINE_SIZE : huge, size);

	if (!p)
		return NULL;
	if (size >= huge)
		madvise(p, size, MADV_HUGEPAGE);
	/* What was freed before may come back; and each page is there before anything is measured. */
	return memset(p, 0, size);
}

#endif
