/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Fixed-size objects in one address range, so that any of them has a 32-bit name.
 *
 * The arena reserves address space and gives it out to pools, each sized at start; memory is touched as objects are
 * first used. An object's reference is its distance from the arena's base in cache lines; 0 is nobody. Objects are
 * cache-line aligned and come zeroed. Under AddressSanitizer, free objects are poisoned.
 */
#ifndef MR_STACK_POOL_H
#define MR_STACK_POOL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <rte_branch_prediction.h>
#include <rte_debug.h>

#if defined(__SANITIZE_ADDRESS__)
#define MR_POOL_ASAN 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define MR_POOL_ASAN 1
#endif
#endif
#ifdef MR_POOL_ASAN
#include <sanitizer/asan_interface.h>
#define MR_POOL_POISON(addr, size) ASAN_POISON_MEMORY_REGION(addr, size)
#define MR_POOL_UNPOISON(addr, size) ASAN_UNPOISON_MEMORY_REGION(addr, size)
#else
#define MR_POOL_POISON(addr, size) ((void)(addr), (void)(size))
#define MR_POOL_UNPOISON(addr, size) ((void)(addr), (void)(size))
#endif

struct mr_pool;

struct mr_arena {
	uint8_t *base;
	size_t reserved, used; /* bytes */
	struct mr_pool *pools;
};

/* Stays where it is until the arena goes. */
struct mr_pool {
	const char *name;
	struct mr_pool *next; /* of the arena */
	uint8_t *base;
	void *free;        /* LIFO of returned objects */
	uint32_t obj_bytes; /* multiple of 64 */
	uint32_t cap, used, fresh; /* objects: most, out now, never used from this one on */
};

int mr_arena_init(struct mr_arena *a, size_t bytes);
void mr_arena_fini(struct mr_arena *a);
/* Bytes of the objects that are out, of all pools, and of as many as may be. */
void mr_arena_memory(const struct mr_arena *a, uint64_t *used, uint64_t *most);
/* @return 0 or -ENOMEM */
int mr_pool_init(struct mr_pool *p, struct mr_arena *a, const char *name, size_t obj_bytes, uint32_t cap);
/* A zeroed object; NULL when all are out. */
void *mr_pool_get(struct mr_pool *p);
/* Call for each object that is out; none may be taken or put back meanwhile. For the end of things: it takes its time. */
void mr_pool_each(struct mr_pool *p, void (*fn)(void *obj, void *arg), void *arg);
/* The first of those that were never out. */
void *mr_pool_fresh(struct mr_pool *p);
/* Is it out? For assertions, as far as they can know. */
bool mr_pool_has(const struct mr_pool *p, const void *obj);

/* An object as it was put back, but for its first eight bytes, which are anything; or zeroed. NULL when all are out. */
static inline void *
mr_pool_take(struct mr_pool *p)
{
	void *obj = p->free;

	if (unlikely(!obj))
		return mr_pool_fresh(p);
	MR_POOL_UNPOISON(obj, p->obj_bytes);
	memcpy(&p->free, obj, sizeof(p->free));
	p->used++;
	return obj;
}

static inline void
mr_pool_put(struct mr_pool *p, void *obj)
{
	RTE_ASSERT(mr_pool_has(p, obj));
	memcpy(obj, &p->free, sizeof(p->free));
	p->free = obj;
	p->used--;
	MR_POOL_POISON(obj, p->obj_bytes);
}

static inline uint32_t
mr_arena_ref(const struct mr_arena *a, const void *obj)
{
	return (uint32_t)(((uintptr_t)obj - (uintptr_t)a->base) >> 6);
}

static inline void *
mr_arena_obj(const struct mr_arena *a, uint32_t ref)
{
	return a->base + ((size_t)ref << 6);
}

#endif
