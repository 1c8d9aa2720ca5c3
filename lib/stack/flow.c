/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The flow table: open addressing by buckets of one cache line.
 *
 * The low bits of the hash pick the bucket, the high ones make the tag, so a tag says something new. A key whose bucket
 * is full goes to the next with room; every bucket it passed counts it in `spilled`, and a lookup goes on only while
 * that is not zero. Removal leaves no tombstone: it takes the counts back.
 *
 * Not here: growing (a stack's size is fixed), ageing, ownership of the objects.
 */
#include "stack/flow.h"

#include <errno.h>

#include <rte_common.h>
#include <rte_debug.h>
#include <rte_malloc.h>
#include <rte_prefetch.h>

#ifdef __SSE2__
#include <emmintrin.h>
#endif

#define BUCKET_KEYS 8

static uint32_t
key_hash(const struct mr_flow_table *t, const struct mr_flow *f)
{
	return mr_flow_hash(t, &f->raddr, f->rport_be, f->lport_be, f->local_id, f->proto);
}

/* 0 means a free place, so no key has it. */
static inline uint16_t
hash_tag(uint32_t hash)
{
	uint16_t tag = (uint16_t)(hash >> 16);

	return tag + (tag == 0);
}

/* mr_flow_rest of a flow of any kind, and the same without the kind. */
static inline uint64_t
key_rest(const struct mr_flow *f)
{
	uint64_t rest;

	memcpy(&rest, (const char *)f + offsetof(struct mr_flow, rport_be), sizeof(rest));
	return rest & mr_flow_rest(UINT16_MAX, UINT16_MAX, UINT16_MAX, UINT8_MAX);
}

static inline bool
key_equal(const struct mr_flow *a, const struct mr_flow *b)
{
	return mr_addr_equal(&a->raddr, &b->raddr) && key_rest(a) == key_rest(b);
}

/* Places of a bucket with this tag: bit 2i is place i. */
static inline unsigned
bucket_match(const struct mr_flow_bucket *b, uint16_t tag)
{
#ifdef __SSE2__
	__m128i tags = _mm_load_si128((const __m128i *)(const void *)b->tag);

	return (unsigned)_mm_movemask_epi8(_mm_cmpeq_epi16(tags, _mm_set1_epi16((short)tag))) & 0x5555u;
#else
	unsigned m = 0;

	for (unsigned i = 0; i < BUCKET_KEYS; i++)
		m |= (unsigned)(b->tag[i] == tag) << (2 * i);
	return m;
#endif
}

static inline unsigned
match_pop(unsigned *match)
{
	unsigned i = (unsigned)__builtin_ctz(*match) / 2;

	*match &= *match - 1;
	return i;
}

static inline struct mr_flow *
bucket_obj(const struct mr_flow_table *t, const struct mr_flow_bucket *b, unsigned i)
{
	return mr_arena_obj(t->arena, b->ref[i]);
}

static struct mr_flow *
table_find(const struct mr_flow_table *t, const struct mr_flow *key, uint32_t hash)
{
	uint16_t tag = hash_tag(hash);

	for (uint32_t i = 0; i <= t->mask; i++) {
		const struct mr_flow_bucket *b = &t->buckets[(hash + i) & t->mask];
		unsigned match = bucket_match(b, tag);

		while (match) {
			struct mr_flow *f = bucket_obj(t, b, match_pop(&match));

			if (key_equal(f, key))
				return f;
		}
		if (b->spilled == 0)
			break;
	}
	return NULL;
}

/* Find where an inserted object lives: its bucket's distance from home, and its place there. */
static bool
table_locate(const struct mr_flow_table *t, const struct mr_flow *f, uint32_t *dist, unsigned *place)
{
	uint32_t ref = mr_arena_ref(t->arena, f);
	uint16_t tag = hash_tag(f->hash);

	if (!(f->flags & MR_FLOW_F_INSERTED))
		return false;
	for (*dist = 0; *dist <= t->mask; ++*dist) {
		const struct mr_flow_bucket *b = &t->buckets[(f->hash + *dist) & t->mask];
		unsigned match = bucket_match(b, tag);

		while (match) {
			*place = match_pop(&match);
			if (b->ref[*place] == ref)
				return true;
		}
	}
	RTE_ASSERT(!"marked as inserted and not in the table");
	return false;
}

int
mr_flow_table_init(struct mr_flow_table *t, const struct mr_arena *arena, uint32_t cap, uint64_t k0, uint64_t k1,
                   uint64_t k2)
{
	uint64_t n = rte_align64pow2(RTE_MAX(((uint64_t)cap * 2 + BUCKET_KEYS - 1) / BUCKET_KEYS, 1u));
	struct mr_flow_bucket *buckets = rte_zmalloc("mr_flow_table", n * sizeof(*buckets), RTE_CACHE_LINE_SIZE);

	if (!buckets)
		return -ENOMEM;
	*t = (struct mr_flow_table){.buckets = buckets, .arena = arena, .mask = (uint32_t)(n - 1), .cap = cap,
	                            .key = {k0, k1, k2}};
	return 0;
}

uint64_t
mr_flow_table_bytes(const struct mr_flow_table *t)
{
	return ((uint64_t)t->mask + 1) * sizeof(*t->buckets);
}

void
mr_flow_table_fini(struct mr_flow_table *t)
{
	rte_free(t->buckets);
	*t = (struct mr_flow_table){0};
}

int
mr_flow_insert(struct mr_flow_table *t, struct mr_flow *f)
{
	uint32_t hash = key_hash(t, f), i = 0;
	struct mr_flow_bucket *b;
	unsigned free_places, place;

	if (table_find(t, f, hash))
		return -EEXIST;
	if (t->n >= t->cap)
		return -ENOSPC;
	/* At most half of the places are taken, so this ends. */
	while (!(free_places = bucket_match(b = &t->buckets[(hash + i) & t->mask], 0))) {
		b->spilled++;
		i++;
	}
	place = match_pop(&free_places);
	b->tag[place] = hash_tag(hash);
	b->ref[place] = mr_arena_ref(t->arena, f);
	f->hash = hash;
	f->flags |= MR_FLOW_F_INSERTED;
	t->n++;
	t->n_of[f->proto]++;
	return 0;
}

void
mr_flow_remove(struct mr_flow_table *t, struct mr_flow *f)
{
	uint32_t dist;
	unsigned place;

	if (!table_locate(t, f, &dist, &place))
		return;
	t->buckets[(f->hash + dist) & t->mask].tag[place] = 0;
	t->buckets[(f->hash + dist) & t->mask].ref[place] = 0;
	while (dist-- > 0)
		t->buckets[(f->hash + dist) & t->mask].spilled--;
	f->flags &= (uint16_t)~MR_FLOW_F_INSERTED;
	t->n--;
	t->n_of[f->proto]--;
}

void
mr_flow_replace(struct mr_flow_table *t, struct mr_flow *f, struct mr_flow *by)
{
	uint32_t dist;
	unsigned place;

	if (!table_locate(t, f, &dist, &place))
		return;
	t->buckets[(f->hash + dist) & t->mask].ref[place] = mr_arena_ref(t->arena, by);
	by->raddr = f->raddr;
	by->rport_be = f->rport_be;
	by->lport_be = f->lport_be;
	by->local_id = f->local_id;
	by->proto = f->proto;
	by->hash = f->hash;
	by->flags |= f->flags & (MR_FLOW_F_INSERTED | MR_FLOW_F_NIC);
	f->flags &= (uint16_t)~MR_FLOW_F_INSERTED;
}

struct mr_flow *
mr_flow_lookup(const struct mr_flow_table *t, const struct mr_flow *key)
{
	return table_find(t, key, key_hash(t, key));
}

/* Two passes: the second waits for memory that the first has asked for, which itself waits for the caller's prefetch. */
unsigned
mr_flow_find_burst(const struct mr_flow_table *t, const struct mr_flow *keys, struct mr_flow **out, unsigned n)
{
	unsigned found = 0;

	for (unsigned i = 0; i < n; i++) {
		const struct mr_flow_bucket *b = &t->buckets[keys[i].hash & t->mask];
		unsigned match = bucket_match(b, hash_tag(keys[i].hash));

		out[i] = match ? bucket_obj(t, b, match_pop(&match)) : NULL;
		if (out[i])
			rte_prefetch0(out[i]);
	}
	for (unsigned i = 0; i < n; i++) {
		if (out[i] ? !key_equal(out[i], &keys[i]) : t->buckets[keys[i].hash & t->mask].spilled > 0)
			out[i] = table_find(t, &keys[i], keys[i].hash);
		found += out[i] != NULL;
	}
	return found;
}
