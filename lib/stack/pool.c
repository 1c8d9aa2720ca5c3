/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Arena and pools. The arena is one reservation of address space without memory behind it; each pool makes its part
 * usable, and the kernel gives pages as objects are first touched, so a stack sized for a million connections costs
 * what it uses, on the node of the core that uses it.
 *
 * Not here: growing, shrinking, locking. Invariants: an object is either out, on the free list, or past `fresh`; the
 * first line of the arena belongs to nobody, so that reference 0 never names an object.
 */
#include "stack/pool.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include <rte_common.h>
#include <rte_debug.h>

#define LINE 64
#define HUGE_PAGE ((size_t)2 << 20)
/* 32-bit references to lines. */
#define ARENA_MAX ((size_t)LINE << 32)

int
mr_arena_init(struct mr_arena *a, size_t bytes)
{
	size_t len, head;
	uint8_t *p;

	if (bytes > ARENA_MAX - HUGE_PAGE)
		return -ENOMEM;
	len = RTE_ALIGN_CEIL(bytes + LINE, HUGE_PAGE);
	/* Reserve one huge page more and give back what does not fit, so that the base is aligned for huge pages. */
	p = mmap(NULL, len + HUGE_PAGE, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	if (p == MAP_FAILED)
		return -ENOMEM;
	head = RTE_ALIGN_CEIL((uintptr_t)p, HUGE_PAGE) - (uintptr_t)p;
	if (head > 0)
		munmap(p, head);
	if (head < HUGE_PAGE)
		munmap(p + head + len, HUGE_PAGE - head);
	a->base = p + head;
	a->reserved = len;
	a->used = LINE;
	a->pools = NULL;
	return 0;
}

void
mr_arena_fini(struct mr_arena *a)
{
	if (!a->base)
		return;
	MR_POOL_UNPOISON(a->base, a->used);
	munmap(a->base, a->reserved);
	memset(a, 0, sizeof(*a));
}

/* Make [base, base + bytes) usable memory. Pages shared with the pool before are usable already. */
static int
arena_commit(uint8_t *base, size_t bytes)
{
	size_t page = (size_t)sysconf(_SC_PAGESIZE);
	uint8_t *from = RTE_PTR_ALIGN_FLOOR(base, page), *to = RTE_PTR_ALIGN_CEIL(base + bytes, page);

	if (mprotect(from, (size_t)(to - from), PROT_READ | PROT_WRITE) < 0)
		return -ENOMEM;
	/* Only a hint: without huge pages it works as well, with more TLB misses. */
	if (bytes >= HUGE_PAGE)
		madvise(from, (size_t)(to - from), MADV_HUGEPAGE);
	return 0;
}

int
mr_pool_init(struct mr_pool *p, struct mr_arena *a, const char *name, size_t obj_bytes, uint32_t cap)
{
	size_t room = a->reserved - a->used, bytes;

	obj_bytes = RTE_ALIGN_CEIL(obj_bytes, (size_t)LINE);
	if (obj_bytes == 0 || obj_bytes > UINT32_MAX || cap > room / obj_bytes)
		return -ENOMEM;
	bytes = obj_bytes * cap;
	if (bytes > 0 && arena_commit(a->base + a->used, bytes) < 0)
		return -ENOMEM;
	*p = (struct mr_pool){.name = name, .next = a->pools, .base = a->base + a->used, .obj_bytes = (uint32_t)obj_bytes,
	                      .cap = cap};
	a->pools = p;
	MR_POOL_POISON(p->base, bytes);
	a->used += bytes;
	return 0;
}

void
mr_arena_memory(const struct mr_arena *a, uint64_t *used, uint64_t *most)
{
	*used = *most = 0;
	for (const struct mr_pool *p = a->pools; p; p = p->next) {
		*used += (uint64_t)p->used * p->obj_bytes;
		*most += (uint64_t)p->cap * p->obj_bytes;
	}
}

void *
mr_pool_get(struct mr_pool *p)
{
	void *obj = mr_pool_take(p);

	return obj ? memset(obj, 0, p->obj_bytes) : NULL;
}

void *
mr_pool_fresh(struct mr_pool *p)
{
	void *obj;

	if (p->fresh == p->cap)
		return NULL;
	obj = p->base + (size_t)p->fresh++ * p->obj_bytes;
	MR_POOL_UNPOISON(obj, p->obj_bytes);
	p->used++;
	return obj;
}

static void *
pool_next_free(void *obj)
{
	void *next;

	MR_POOL_UNPOISON(obj, sizeof(next));
	memcpy(&next, obj, sizeof(next));
	MR_POOL_POISON(obj, sizeof(next));
	return next;
}

void
mr_pool_each(struct mr_pool *p, void (*fn)(void *obj, void *arg), void *arg)
{
	uint8_t *is_free = calloc(p->fresh ? p->fresh : 1, 1);

	/* Without memory for the list of those that are not out, nothing is known of any. */
	if (!is_free)
		return;
	for (void *obj = p->free; obj; obj = pool_next_free(obj))
		is_free[(size_t)((uint8_t *)obj - p->base) / p->obj_bytes] = 1;
	for (uint32_t i = 0; i < p->fresh; i++) {
		if (!is_free[i])
			fn(p->base + (size_t)i * p->obj_bytes, arg);
	}
	free(is_free);
}

bool
mr_pool_has(const struct mr_pool *p, const void *obj)
{
	size_t at = (size_t)((const uint8_t *)obj - p->base);

	return p->used > 0 && (const uint8_t *)obj >= p->base && at < (size_t)p->fresh * p->obj_bytes &&
	       at % p->obj_bytes == 0;
}
