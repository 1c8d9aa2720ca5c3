/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The flow table: 4-tuple -> object, for connected endpoints and for the small records that stand for them.
 *
 * One cache line per bucket: eight 16-bit tags and eight 32-bit references. The key itself is only in the object,
 * whose first member is a struct mr_flow (endpoint.h). Size is fixed at creation; a full neighbourhood spills into
 * the next bucket and is counted there, so that a lookup knows when to stop. The hash is keyed: tuples cannot be
 * chosen to collide.
 */
#ifndef MR_STACK_FLOW_H
#define MR_STACK_FLOW_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <rte_byteorder.h>
#include <rte_prefetch.h>

#include "stack/endpoint.h"
#include "stack/pool.h"

struct mr_flow_bucket {
	uint16_t tag[8];   /* 0: free */
	uint32_t ref[8];   /* mr_arena_ref */
	uint32_t spilled;  /* keys whose home is at or before this bucket and that live after it */
	uint32_t pad[3];
};
_Static_assert(sizeof(struct mr_flow_bucket) == 64, "one cache line");

struct mr_flow_table {
	struct mr_flow_bucket *buckets;
	const struct mr_arena *arena;
	uint32_t mask;   /* buckets - 1 */
	uint32_t n, cap; /* entries: now, most */
	uint32_t n_of[UINT8_MAX + 1]; /* by transport protocol: of one that has none, nothing needs to be looked up */
	uint64_t key[3]; /* of the hash */
};

/* @param cap entries that must fit; the table is made for a load of a half. @return 0 or -ENOMEM */
int mr_flow_table_init(struct mr_flow_table *t, const struct mr_arena *arena, uint32_t cap, uint64_t k0, uint64_t k1,
                       uint64_t k2);
/* Bytes of the whole table. */
uint64_t mr_flow_table_bytes(const struct mr_flow_table *t);
void mr_flow_table_fini(struct mr_flow_table *t);
/* @return 0, -EEXIST, -ENOSPC */
int mr_flow_insert(struct mr_flow_table *t, struct mr_flow *f);
void mr_flow_remove(struct mr_flow_table *t, struct mr_flow *f);
/* Put `by` in the place of `f` under the same key (a connection becomes its TIME-WAIT record). */
void mr_flow_replace(struct mr_flow_table *t, struct mr_flow *f, struct mr_flow *by);
struct mr_flow *mr_flow_lookup(const struct mr_flow_table *t, const struct mr_flow *key);
/* Look n keys up, whose hashes are set: best some time after mr_flow_prefetch of each. out[i] NULL if absent.
 * @return how many are there */
unsigned mr_flow_find_burst(const struct mr_flow_table *t, const struct mr_flow *keys, struct mr_flow **out, unsigned n);

/* What a key has beside the address, in one word: as it lies in struct mr_flow from rport_be on, with a kind of 0. */
static inline uint64_t
mr_flow_rest(uint16_t rport_be, uint16_t lport_be, uint16_t local_id, uint8_t proto)
{
#if RTE_BYTE_ORDER == RTE_LITTLE_ENDIAN
	return rport_be | (uint64_t)lport_be << 16 | (uint64_t)local_id << 32 | (uint64_t)proto << 48;
#else
	return (uint64_t)rport_be << 48 | (uint64_t)lport_be << 32 | (uint64_t)local_id << 16 | (uint64_t)proto << 8;
#endif
}

/* Fold of the full product: both halves depend on all bits of both factors. */
static inline uint64_t
mr_flow_mix(uint64_t a, uint64_t b)
{
	return (uint64_t)((unsigned __int128)a * b >> 64) ^ a * b;
}

static inline uint32_t
mr_flow_hash_rest(const struct mr_flow_table *t, const struct mr_addr *raddr, uint64_t rest)
{
	uint64_t h = mr_flow_mix(raddr->d[0] ^ t->key[0], raddr->d[1] ^ t->key[1]);

	h = mr_flow_mix(h ^ t->key[2], rest ^ t->key[0]);
	return (uint32_t)(h ^ h >> 32);
}

static inline uint32_t
mr_flow_hash(const struct mr_flow_table *t, const struct mr_addr *raddr, uint16_t rport_be, uint16_t lport_be,
             uint16_t local_id, uint8_t proto)
{
	return mr_flow_hash_rest(t, raddr, mr_flow_rest(rport_be, lport_be, local_id, proto));
}

/* A key to look up, with its hash. The rest is stored as the word as which it will be read. */
static inline void
mr_flow_key_set(const struct mr_flow_table *t, struct mr_flow *key, const struct mr_addr *raddr, uint64_t rest)
{
	key->raddr = *raddr;
	memcpy((char *)key + offsetof(struct mr_flow, rport_be), &rest, sizeof(rest));
	key->hash = mr_flow_hash_rest(t, raddr, rest);
}

static inline void
mr_flow_prefetch(const struct mr_flow_table *t, uint32_t hash)
{
	rte_prefetch0(&t->buckets[hash & t->mask]);
}

#endif
