/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The flow table against a plain array: insert, remove, replace, single and burst lookup up to the capacity, with a
 * good hash and with keys that make every IPv4 tuple collide, so that everything spills.
 */
#include "rig/rig.h"

#include <errno.h>
#include <string.h>

#include <rte_common.h>

#include "stack/flow.h"
#include "stack/rng.h"

/* ck_assert writes a note to a file each time; in loops of a million only failures may. */
#define MUST(cond) do { if (!(cond)) ck_abort_msg("%s", #cond); } while (0)

static struct mr_arena arena;
static struct mr_pool pool;
static struct mr_flow_table table;
static struct mr_rng rng;

static void
setup_table(uint32_t cap, uint64_t k0, uint64_t k1, uint64_t k2)
{
	ck_assert_int_eq(mr_arena_init(&arena, (size_t)128 * 2 * cap + 4096), 0);
	ck_assert_int_eq(mr_pool_init(&pool, &arena, "flows", 128, 2 * cap), 0);
	ck_assert_int_eq(mr_flow_table_init(&table, &arena, cap, k0, k1, k2), 0);
}

static void
check_empty(void)
{
	ck_assert_uint_eq(table.n, 0);
	for (uint32_t i = 0; i <= table.mask; i++) {
		MUST(table.buckets[i].spilled == 0);
		for (int k = 0; k < 8; k++)
			MUST(table.buckets[i].tag[k] == 0);
	}
}

static struct mr_flow
key(uint32_t addr, uint16_t rport, uint16_t lport, uint16_t id, uint8_t proto)
{
	return (struct mr_flow){.raddr = mr_addr_v4(addr), .rport_be = rport, .lport_be = lport, .local_id = id,
	                        .proto = proto};
}

static struct mr_flow *
make(struct mr_flow k)
{
	struct mr_flow *f = mr_pool_get(&pool);

	ck_assert_ptr_nonnull(f);
	*f = k;
	return f;
}

START_TEST(each_field_is_part_of_the_key)
{
	struct mr_flow k = key(1, 2, 3, 4, 5), other, *f;

	setup_table(16, 11, 22, 33);
	f = make(k);
	ck_assert_ptr_null(mr_flow_lookup(&table, &k));
	ck_assert_int_eq(mr_flow_insert(&table, f), 0);
	ck_assert_ptr_eq(mr_flow_lookup(&table, &k), f);
	ck_assert(f->flags & MR_FLOW_F_INSERTED);
	ck_assert_uint_eq(f->hash, mr_flow_hash(&table, &k.raddr, 2, 3, 4, 5));
	for (unsigned byte = 0; byte < 23; byte++) { /* address, ports, local id, protocol */
		other = k;
		((uint8_t *)&other)[byte] ^= 0x10;
		ck_assert_ptr_null(mr_flow_lookup(&table, &other));
	}
	other = k; /* these are not */
	other.kind = 3;
	other.flags = 0xffff;
	other.hash = 1;
	ck_assert_ptr_eq(mr_flow_lookup(&table, &other), f);
	ck_assert_int_eq(mr_flow_insert(&table, make(other)), -EEXIST);
	mr_flow_remove(&table, f);
	ck_assert(!(f->flags & MR_FLOW_F_INSERTED));
	ck_assert_ptr_null(mr_flow_lookup(&table, &k));
	mr_flow_remove(&table, f);
	check_empty();
	mr_flow_table_fini(&table);
	ck_assert_ptr_null(table.buckets);
	mr_flow_table_fini(&table);
}
END_TEST

START_TEST(full_table_refuses)
{
	struct mr_flow *f;

	setup_table(5, 1, 2, 3);
	for (uint16_t i = 0; i < 5; i++)
		ck_assert_int_eq(mr_flow_insert(&table, make(key(1, i, 1, 1, 6))), 0);
	f = make(key(1, 5, 1, 1, 6));
	ck_assert_int_eq(mr_flow_insert(&table, f), -ENOSPC);
	ck_assert_uint_eq(f->flags, 0);
	ck_assert_uint_eq(f->hash, 0);
	ck_assert_uint_eq(table.n, 5);
	ck_assert_ptr_null(mr_flow_lookup(&table, f));
	ck_assert_int_eq(mr_flow_insert(&table, make(key(1, 4, 1, 1, 6))), -EEXIST);
}
END_TEST

START_TEST(replace_keeps_key_and_place)
{
	struct mr_flow *f, *by, k = key(0x01020304, 5, 6, 7, 6);

	setup_table(64, 0, 0, 0);
	for (uint16_t i = 0; i < 30; i++) /* all in one chain of buckets */
		ck_assert_int_eq(mr_flow_insert(&table, make(key(9, i, 1, 1, 6))), 0);
	k.flags = MR_FLOW_F_NIC;
	f = make(k);
	ck_assert_int_eq(mr_flow_insert(&table, f), 0);
	by = mr_pool_get(&pool);
	by->kind = 2;
	mr_flow_replace(&table, f, by);
	ck_assert_uint_eq(table.n, 31);
	ck_assert_ptr_eq(mr_flow_lookup(&table, &k), by);
	ck_assert_uint_eq(by->kind, 2);
	ck_assert_uint_eq(by->flags, MR_FLOW_F_INSERTED | MR_FLOW_F_NIC);
	ck_assert(mr_addr_equal(&by->raddr, &k.raddr));
	ck_assert_uint_eq(by->hash, f->hash);
	ck_assert(!(f->flags & MR_FLOW_F_INSERTED));
	mr_flow_remove(&table, f); /* is out: nothing */
	ck_assert_ptr_eq(mr_flow_lookup(&table, &k), by);
	mr_flow_remove(&table, by);
	ck_assert_ptr_null(mr_flow_lookup(&table, &k));
	ck_assert_uint_eq(table.n, 30);
}
END_TEST

/* Sequential ports of one peer, as a load generator makes them, spread like random ones. */
START_TEST(hash_spreads_sequential_tuples)
{
	uint32_t spilled = 0, other_key = 0;
	struct mr_flow_table t2 = {.key = {3, 1, 2}};

	mr_rng_seed(&rng, 42);
	setup_table(1 << 16, mr_rng_u64(&rng), mr_rng_u64(&rng), mr_rng_u64(&rng));
	for (uint32_t i = 0; i < 1 << 16; i++) {
		struct mr_flow *f = make(key(0x0a000002 + (i >> 14), (uint16_t)(16384 + (i & 0x3fff)), 80, 1, 6));

		MUST(mr_flow_insert(&table, f) == 0);
		other_key += (f->hash & 0xff) == (mr_flow_hash(&t2, &f->raddr, f->rport_be, 80, 1, 6) & 0xff);
	}
	for (uint32_t i = 0; i <= table.mask; i++)
		spilled += table.buckets[i].spilled;
	ck_assert_uint_lt(spilled, (1 << 16) / 50); /* a random function spills 0.7 % at this load */
	ck_assert_uint_lt(other_key, 2 * (1 << 16) / 256); /* and the key decides where */
}
END_TEST

/* ---- against a model */

#define MODEL_CAP 512

static struct mr_flow *model[MODEL_CAP];
static unsigned n_model;

/* From a universe not much larger than the table, so that hits are common; a third is IPv6. */
static struct mr_flow
random_key(void)
{
	struct mr_flow k = key(0x0a000001 + mr_rng_below(&rng, 4), (uint16_t)mr_rng_below(&rng, 64),
	                       (uint16_t)mr_rng_below(&rng, 2), (uint16_t)(1 + mr_rng_below(&rng, 2)),
	                       mr_rng_below(&rng, 2) ? 6 : 17);

	if (mr_rng_below(&rng, 3) == 0)
		k.raddr.d[0] = 0xb80d0120;
	return k;
}

static struct mr_flow *
model_find(const struct mr_flow *k)
{
	for (unsigned i = 0; i < n_model; i++) {
		const struct mr_flow *f = model[i];

		if (mr_addr_equal(&f->raddr, &k->raddr) && f->rport_be == k->rport_be && f->lport_be == k->lport_be &&
		    f->local_id == k->local_id && f->proto == k->proto)
			return model[i];
	}
	return NULL;
}

static void
model_insert(void)
{
	struct mr_flow k = random_key(), *f = make(k);
	int want = model_find(&k) ? -EEXIST : n_model == MODEL_CAP ? -ENOSPC : 0;

	MUST(mr_flow_insert(&table, f) == want);
	if (want == 0)
		model[n_model++] = f;
	else
		mr_pool_put(&pool, f);
}

static void
model_remove(void)
{
	unsigned i = mr_rng_below(&rng, n_model);

	mr_flow_remove(&table, model[i]);
	mr_pool_put(&pool, model[i]);
	model[i] = model[--n_model];
}

static void
model_replace(void)
{
	unsigned i = mr_rng_below(&rng, n_model);
	struct mr_flow *by = mr_pool_get(&pool);

	mr_flow_replace(&table, model[i], by);
	mr_pool_put(&pool, model[i]);
	model[i] = by;
}

static void
model_lookup(void)
{
	struct mr_flow keys[80], *out[80];
	unsigned n = 1 + mr_rng_below(&rng, 80);

	for (unsigned i = 0; i < n; i++) {
		keys[i] = random_key();
		keys[i].hash = mr_flow_hash(&table, &keys[i].raddr, keys[i].rport_be, keys[i].lport_be, keys[i].local_id,
		                            keys[i].proto);
	}
	mr_flow_find_burst(&table, keys, out, n);
	for (unsigned i = 0; i < n; i++) {
		MUST(out[i] == model_find(&keys[i]));
		MUST(mr_flow_lookup(&table, &keys[i]) == out[i]);
	}
}

START_TEST(table_against_a_model)
{
	bool collide = _i % 2;
	unsigned max = 0, spilled = 0;

	mr_rng_seed(&rng, (uint64_t)_i);
	if (collide)
		setup_table(MODEL_CAP, 0, 0, 0);
	else
		setup_table(MODEL_CAP, mr_rng_u64(&rng), mr_rng_u64(&rng), mr_rng_u64(&rng));
	n_model = 0;
	for (int step = 0; step < 60000; step++) {
		unsigned grow = step / 10000 % 2 ? 30 : 60, what = mr_rng_below(&rng, 100);

		if (what < grow)
			model_insert();
		else if (what < 90 && n_model > 0)
			model_remove();
		else if (what < 97 && n_model > 0)
			model_replace();
		else
			model_lookup();
		MUST(table.n == n_model);
		max = RTE_MAX(max, n_model);
		spilled = RTE_MAX(spilled, table.buckets[0].spilled);
	}
	ck_assert_uint_eq(max, MODEL_CAP);
	if (collide)
		ck_assert_uint_gt(spilled, MODEL_CAP / 2);
	while (n_model > 0)
		model_remove();
	check_empty();
	ck_assert_uint_eq(pool.used, 0);
}
END_TEST

static Suite *
suite(void)
{
	Suite *s = suite_create("flow");
	TCase *tc = rig_case(s, "flow", NULL, NULL);

	tcase_set_timeout(tc, 120);
	tcase_add_test(tc, each_field_is_part_of_the_key);
	tcase_add_test(tc, full_table_refuses);
	tcase_add_test(tc, replace_keeps_key_and_place);
	tcase_add_test(tc, hash_spreads_sequential_tuples);
	tcase_add_loop_test(tc, table_against_a_model, 0, 6);
	return s;
}

RIG_MAIN(suite)
