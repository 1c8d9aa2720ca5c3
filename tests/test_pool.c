/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The arena and its pools against a model, and packet pools: private area, queues, the linear-header rule.
 */
#include "rig/rig.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <rte_errno.h>

#include "stack/pkt.h"
#include "stack/pool.h"
#include "stack/rng.h"

#ifdef __SANITIZE_ADDRESS__
#include <sanitizer/asan_interface.h>
#endif

START_TEST(references_name_objects)
{
	struct mr_arena a;
	struct mr_pool p, q;

	ck_assert_int_eq(mr_arena_init(&a, 1 << 20), 0);
	ck_assert_int_eq(mr_pool_init(&p, &a, "p", 65, 10), 0);
	ck_assert_int_eq(mr_pool_init(&q, &a, "q", 64, 10), 0);
	ck_assert_uint_eq(p.obj_bytes, 128);
	ck_assert_uint_eq(q.obj_bytes, 64);
	for (int i = 0; i < 10; i++) {
		void *x = mr_pool_get(&p), *y = mr_pool_get(&q);

		ck_assert_uint_eq((uintptr_t)x % 64, 0);
		ck_assert_uint_eq((uintptr_t)y % 64, 0);
		ck_assert_uint_ne(mr_arena_ref(&a, x), 0);
		ck_assert_uint_ne(mr_arena_ref(&a, x), mr_arena_ref(&a, y));
		ck_assert_ptr_eq(mr_arena_obj(&a, mr_arena_ref(&a, x)), x);
		ck_assert_ptr_eq(mr_arena_obj(&a, mr_arena_ref(&a, y)), y);
	}
	ck_assert_ptr_null(mr_pool_get(&p));
	ck_assert_ptr_null(mr_pool_get(&q));
	ck_assert_uint_eq(p.used, 10);
	mr_arena_fini(&a);
	mr_arena_fini(&a);
}
END_TEST

START_TEST(objects_come_zeroed)
{
	static const uint8_t zero[192];
	struct mr_arena a;
	struct mr_pool p;
	void *x;

	ck_assert_int_eq(mr_arena_init(&a, 4096), 0);
	ck_assert_int_eq(mr_pool_init(&p, &a, "p", 192, 3), 0);
	for (int i = 0; i < 7; i++) {
		x = mr_pool_get(&p);
		ck_assert_mem_eq(x, zero, sizeof(zero));
		memset(x, 0xa5, sizeof(zero));
		if (i % 3 != 0)
			mr_pool_put(&p, x);
	}
	ck_assert_uint_eq(p.used, 3);
	ck_assert_ptr_null(mr_pool_get(&p));
	mr_pool_put(&p, x = (uint8_t *)p.base);
	ck_assert_ptr_eq(mr_pool_get(&p), x);
	mr_arena_fini(&a);
}
END_TEST

static void
visit(void *obj, void *arg)
{
	uint64_t *sum = arg;

	*sum += *(uint64_t *)obj;
}

/* Each that is out is visited once; what is taken back is as it was left, but for its first word. */
START_TEST(visited_and_taken)
{
	struct mr_arena a;
	struct mr_pool p;
	uint64_t *x[5], sum = 0;

	ck_assert_int_eq(mr_arena_init(&a, 4096), 0);
	ck_assert_int_eq(mr_pool_init(&p, &a, "p", 64, 6), 0);
	mr_pool_each(&p, visit, &sum);
	ck_assert_uint_eq(sum, 0);
	for (unsigned i = 0; i < 5; i++) {
		x[i] = mr_pool_take(&p);
		ck_assert_uint_eq(x[i][0] | x[i][7], 0);
		x[i][0] = 1u << i;
		x[i][7] = i;
	}
	mr_pool_put(&p, x[1]);
	mr_pool_put(&p, x[3]);
	mr_pool_each(&p, visit, &sum);
	ck_assert_uint_eq(sum, 1 + 4 + 16);
	ck_assert_ptr_eq(mr_pool_take(&p), x[3]);
	ck_assert_uint_eq(x[3][7], 3);
	x[3][0] = 64;
	sum = 0;
	mr_pool_each(&p, visit, &sum);
	ck_assert_uint_eq(sum, 1 + 4 + 16 + 64);
	mr_arena_fini(&a);
}
END_TEST

START_TEST(arena_is_bounded)
{
	struct mr_arena a;
	struct mr_pool p, untouched;
	size_t used;

	ck_assert_int_eq(mr_arena_init(&a, 100 * 64), 0);
	memset(&p, 0x11, sizeof(p));
	untouched = p;
	used = a.used;
	ck_assert_int_eq(mr_pool_init(&p, &a, "p", 64, UINT32_MAX), -ENOMEM);
	ck_assert_int_eq(mr_pool_init(&p, &a, "p", SIZE_MAX / 2, 2), -ENOMEM);
	ck_assert_int_eq(mr_pool_init(&p, &a, "p", SIZE_MAX, 1), -ENOMEM);
	ck_assert_int_eq(mr_pool_init(&p, &a, "p", 0, 1), -ENOMEM);
	ck_assert_mem_eq(&p, &untouched, sizeof(p));
	ck_assert_uint_eq(a.used, used);
	ck_assert_int_eq(mr_pool_init(&p, &a, "p", 64, 0), 0);
	ck_assert_ptr_null(mr_pool_get(&p));
	ck_assert_int_eq(mr_pool_init(&p, &a, "p", 64, 100), 0); /* what was asked for always fits */
	mr_arena_fini(&a);
	ck_assert_int_eq(mr_arena_init(&a, (size_t)1 << 40), -ENOMEM); /* more than references can name */
}
END_TEST

/* A reservation costs address space only. */
START_TEST(large_arena_costs_nothing_until_used)
{
	struct mr_arena a;
	struct mr_pool p;
	uint8_t *x;

	ck_assert_int_eq(mr_arena_init(&a, (size_t)4 << 30), 0);
	ck_assert_int_eq(mr_pool_init(&p, &a, "p", 512, 1 << 20), 0);
	x = mr_pool_get(&p);
	x[511] = 1;
	ck_assert_uint_eq(mr_arena_ref(&a, x), 1);
	mr_arena_fini(&a);
}
END_TEST

START_TEST(memory_of_all_pools)
{
	struct mr_arena a;
	struct mr_pool p, q;
	uint64_t used, most;
	void *x;

	ck_assert_int_eq(mr_arena_init(&a, 1 << 20), 0);
	mr_arena_memory(&a, &used, &most);
	ck_assert(used == 0 && most == 0);
	ck_assert_int_eq(mr_pool_init(&p, &a, "p", 100, 10), 0);
	ck_assert_int_eq(mr_pool_init(&q, &a, "q", 64, 5), 0);
	x = mr_pool_get(&p);
	mr_pool_get(&p);
	mr_pool_get(&q);
	mr_arena_memory(&a, &used, &most);
	ck_assert_uint_eq(used, 2 * 128 + 64);
	ck_assert_uint_eq(most, 10 * 128 + 5 * 64);
	mr_pool_put(&p, x);
	mr_arena_memory(&a, &used, &most);
	ck_assert_uint_eq(used, 128 + 64);
	mr_arena_fini(&a);
}
END_TEST

/* ck_assert writes a note to a file each time; in loops of a million only failures may. */
#define MUST(cond) do { if (!(cond)) ck_abort_msg("%s", #cond); } while (0)

#define CAP 200

START_TEST(pool_against_a_model)
{
	struct mr_arena a;
	struct mr_pool p;
	struct mr_rng r;
	uint64_t *out[CAP];
	unsigned n = 0;

	mr_rng_seed(&r, 7);
	ck_assert_int_eq(mr_arena_init(&a, CAP * 128), 0);
	ck_assert_int_eq(mr_pool_init(&p, &a, "p", 128, CAP), 0);
	for (uint64_t i = 0; i < 200000; i++) {
		if (mr_rng_below(&r, 1000) < (i / 20000 % 2 ? 400 : 600)) {
			uint64_t *x = mr_pool_get(&p);

			MUST((x != NULL) == (n < CAP));
			if (!x)
				continue;
			for (int k = 0; k < 16; k++)
				MUST(x[k] == 0);
			for (int k = 0; k < 16; k++)
				x[k] = (uint64_t)(uintptr_t)x + (uint64_t)k;
			out[n++] = x;
		} else if (n > 0) {
			unsigned k = mr_rng_below(&r, n);

			for (int j = 0; j < 16; j++)
				MUST(out[k][j] == (uint64_t)(uintptr_t)out[k] + (uint64_t)j);
			mr_pool_put(&p, out[k]);
			out[k] = out[--n];
		}
		MUST(p.used == n);
	}
	mr_arena_fini(&a);
}
END_TEST

#ifdef __SANITIZE_ADDRESS__
START_TEST(free_objects_are_poisoned)
{
	struct mr_arena a;
	struct mr_pool p;
	uint8_t *x;

	ck_assert_int_eq(mr_arena_init(&a, 4096), 0);
	ck_assert_int_eq(mr_pool_init(&p, &a, "p", 64, 4), 0);
	ck_assert(__asan_address_is_poisoned(p.base));
	x = mr_pool_get(&p);
	ck_assert(!__asan_address_is_poisoned(x + 63));
	ck_assert(__asan_address_is_poisoned(x + 64));
	mr_pool_put(&p, x);
	ck_assert(__asan_address_is_poisoned(x));
	mr_arena_fini(&a);
}
END_TEST
#endif

static struct rte_mempool *
pktpool(void)
{
	struct rte_mempool *mp = mr_pktpool_create("test", 64, 2048, 0);

	ck_assert_ptr_nonnull(mp);
	return mp;
}

START_TEST(packet_pools)
{
	struct rte_mempool *mp = pktpool();
	struct rte_mbuf *m = rte_pktmbuf_alloc(mp);

	ck_assert_uint_eq(rte_pktmbuf_priv_size(mp), MR_PKT_PRIV_BYTES);
	ck_assert_uint_eq(rte_pktmbuf_tailroom(m), 2048);
	ck_assert_uint_eq((uintptr_t)mr_pkt(m) % 8, 0);
	memset(mr_pkt(m), 0xff, sizeof(struct mr_pkt));
	mr_pkt_init(m);
	ck_assert_ptr_null(mr_pkt(m)->netep);
	ck_assert_uint_eq(mr_pkt(m)->flags, 0);
	ck_assert_ptr_eq((void *)(mr_pkt_dst(m) + 1), (void *)((char *)mr_pkt(m) + 80));
	rte_pktmbuf_free(m);
	ck_assert_uint_eq(rte_mempool_avail_count(mp), 64);

	ck_assert_ptr_null(mr_pktpool_create("test", 64, 2048, 0));
	ck_assert_int_eq(rte_errno, EEXIST);
	ck_assert_ptr_null(mr_pktpool_create("huge", 64, 65536, 0));
	ck_assert_int_eq(rte_errno, EINVAL);
	rte_mempool_free(mp);
	mp = mr_pktpool_create("tiny", 1, 64, 0);
	ck_assert_ptr_nonnull(mp);
	m = rte_pktmbuf_alloc(mp);
	ck_assert_ptr_nonnull(m);
	rte_pktmbuf_free(m);
	ck_assert_ptr_eq(rte_pktmbuf_alloc(mp), m);
}
END_TEST

START_TEST(packet_queues_are_fifos)
{
	struct rte_mempool *mp = pktpool();
	struct rte_mbuf *m[3];
	struct mr_pktq q = {0};

	ck_assert_ptr_null(mr_pktq_pop(&q));
	for (int round = 0; round < 2; round++) {
		for (int i = 0; i < 3; i++) {
			m[i] = rte_pktmbuf_alloc(mp);
			mr_pktq_push(&q, m[i]);
		}
		ck_assert_uint_eq(q.n, 3);
		for (int i = 0; i < 3; i++) {
			ck_assert_ptr_eq(mr_pktq_pop(&q), m[i]);
			rte_pktmbuf_free(m[i]);
		}
		ck_assert_ptr_null(mr_pktq_pop(&q));
	}
}
END_TEST

/* A chain whose bytes count up from 0. */
static struct rte_mbuf *
chain(struct rte_mempool *mp, const uint16_t *lens, unsigned n)
{
	struct rte_mbuf *head = NULL;
	uint8_t byte = 0;

	for (unsigned i = 0; i < n; i++) {
		struct rte_mbuf *m = rte_pktmbuf_alloc(mp);

		for (uint16_t k = 0; k < lens[i]; k++)
			*(uint8_t *)rte_pktmbuf_append(m, 1) = byte++;
		if (!head)
			head = m;
		else
			ck_assert_int_eq(rte_pktmbuf_chain(head, m), 0);
	}
	return head;
}

static void
check_bytes(const struct rte_mbuf *m, uint32_t len)
{
	const char *why;
	uint8_t b;

	ck_assert_msg(rte_mbuf_check(m, 1, &why) == 0, "%s", why);
	ck_assert_uint_eq(m->pkt_len, len);
	for (uint32_t i = 0; i < len; i++)
		MUST(*(const uint8_t *)rte_pktmbuf_read(m, i, 1, &b) == (uint8_t)i);
}

/* SS-18 */
START_TEST(linear_headers)
{
	static const uint16_t lens[] = {14, 1, 0, 20, 0, 30, 100};
	struct rte_mempool *mp = pktpool();

	for (uint32_t len = 0; len <= 165; len++) {
		struct rte_mbuf *m = chain(mp, lens, 7);
		uint16_t segs;

		ck_assert(mr_pkt_linear(m, len));
		ck_assert_uint_ge(m->data_len, len);
		ck_assert_uint_eq(m->data_len, RTE_MAX(len, 14u));
		check_bytes(m, 165);
		segs = m->nb_segs;
		ck_assert(mr_pkt_linear(m, len / 2));
		ck_assert_uint_eq(m->nb_segs, segs);
		ck_assert(!mr_pkt_linear(m, 166));
		check_bytes(m, 165);
		rte_pktmbuf_free(m);
		ck_assert_uint_eq(rte_mempool_avail_count(mp), 64);
	}
}
END_TEST

START_TEST(linear_needs_room)
{
	static const uint16_t lens[] = {2040, 30};
	struct rte_mempool *mp = pktpool();
	struct rte_mbuf *m = chain(mp, lens, 2);

	ck_assert(!mr_pkt_linear(m, 2049));
	ck_assert_uint_eq(m->data_len, 2040);
	ck_assert(mr_pkt_linear(m, 2048));
	check_bytes(m, 2070);
	rte_pktmbuf_free(m);
	ck_assert_uint_eq(rte_mempool_avail_count(mp), 64);
}
END_TEST

static Suite *
suite(void)
{
	Suite *s = suite_create("pool");
	TCase *tc = rig_case(s, "pool", NULL, NULL);

	tcase_add_test(tc, references_name_objects);
	tcase_add_test(tc, objects_come_zeroed);
	tcase_add_test(tc, visited_and_taken);
	tcase_add_test(tc, arena_is_bounded);
	tcase_add_test(tc, large_arena_costs_nothing_until_used);
	tcase_add_test(tc, memory_of_all_pools);
	tcase_add_test(tc, pool_against_a_model);
#ifdef __SANITIZE_ADDRESS__
	tcase_add_test(tc, free_objects_are_poisoned);
#endif
	tc = rig_case(s, "pkt", NULL, NULL);
	tcase_add_test(tc, packet_pools);
	tcase_add_test(tc, packet_queues_are_fifos);
	tcase_add_test(tc, linear_headers);
	tcase_add_test(tc, linear_needs_room);
	return s;
}

RIG_MAIN(suite)
