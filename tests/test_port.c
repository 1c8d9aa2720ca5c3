/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The port manager (S-13): the conflict matrix (SS-24, B-38), sharing, NICs, ephemeral ports, and random reservations
 * against a list that knows only the rule.
 */
#include "rig/rig.h"

#include <errno.h>
#include <string.h>

#include "stack/port.h"
#include "stack/stack.h"

/* ck_assert writes a note to a file each time; in loops of a million only failures may. */
#define MUST(cond) do { if (!(cond)) ck_abort_msg("%s", #cond); } while (0)

#define V4 1
#define V6 2
#define FIRST MR_PORT_EPHEMERAL_FIRST
#define LAST MR_PORT_EPHEMERAL_LAST

static struct mr_stack stack;

static void
setup(void)
{
	memset(&stack, 0, sizeof(stack));
	mr_rng_seed(&stack.rng, 1);
	ck_assert_int_eq(mr_port_table_init(&stack), 0);
}

static void
teardown(void)
{
	mr_port_table_fini(&stack);
	ck_assert_ptr_null(stack.ports);
	mr_port_table_fini(&stack);
}

/* `addr` NULL: all zero. */
static struct mr_port_req
req(const char *addr, unsigned families, uint16_t port)
{
	struct mr_port_req r = {.proto = MR_TRANS_UDP, .v4 = families & V4, .v6 = families & V6, .port = port};

	if (addr)
		ck_assert_int_eq(mr_addr_parse(addr, &r.addr), 0);
	return r;
}

static const struct {
	const char *a;
	unsigned a_families;
	const char *b;
	unsigned b_families;
	bool conflict;
} matrix[] = {
	{NULL, V4, NULL, V4, true},
	{NULL, V4, NULL, V6, false},
	{NULL, V6, NULL, V6, true},
	{NULL, V4 | V6, NULL, V4, true},
	{NULL, V4 | V6, NULL, V6, true},
	{NULL, V4 | V6, NULL, V4 | V6, true},
	{NULL, V4, "10.0.0.1", V4, true},
	{NULL, V4, "2001:db8::1", V6, false},
	{NULL, V6, "10.0.0.1", V4, false},
	{NULL, V6, "2001:db8::1", V6, true},
	{NULL, V4 | V6, "10.0.0.1", V4, true},
	{NULL, V4 | V6, "2001:db8::1", V6, true},
	{NULL, V4 | V6, "0.0.0.0", V4, true},
	{NULL, V6, "0.0.0.0", V4, false},
	{"0.0.0.0", V4, "10.0.0.1", V4, true},
	{"0.0.0.0", V4, "0.0.0.0", V4, true},
	{"0.0.0.0", V4, "2001:db8::1", V6, false},
	{"10.0.0.1", V4, "10.0.0.1", V4, true},
	{"10.0.0.1", V4, "10.0.0.2", V4, false},
	{"10.0.0.1", V4 | V6, "10.0.0.1", V4, true}, /* from a dual-stack endpoint */
	{"10.0.0.1", V6, "10.0.0.1", V4, true},
	{"10.0.0.1", V4, "2001:db8::1", V6, false},
	{"2001:db8::1", V6, "2001:db8::1", V6, true},
	{"2001:db8::1", V6, "2001:db8::2", V6, false},
};

START_TEST(conflict_matrix)
{
	struct mr_port_req a = req(matrix[_i].a, matrix[_i].a_families, 80);
	struct mr_port_req b = req(matrix[_i].b, matrix[_i].b_families, 80);

	for (int way = 0; way < 2; way++) {
		const struct mr_port_req *x = way ? &b : &a, *y = way ? &a : &b;

		ck_assert(mr_port_is_available(&stack, x));
		ck_assert_int_eq(mr_port_reserve(&stack, x), 0);
		ck_assert_int_eq(mr_port_is_available(&stack, y), !matrix[_i].conflict);
		ck_assert_int_eq(mr_port_reserve(&stack, y), matrix[_i].conflict ? -EADDRINUSE : 0);
		if (!matrix[_i].conflict)
			mr_port_release(&stack, y);
		mr_port_release(&stack, x);
		ck_assert(mr_port_is_available(&stack, y));
	}
}
END_TEST

START_TEST(ports_and_protocols_are_apart)
{
	struct mr_port_req a = req(NULL, V4 | V6, 80), b = a;

	ck_assert_int_eq(mr_port_reserve(&stack, &a), 0);
	for (uint32_t port = 1; port < 65536; port++) {
		b.port = (uint16_t)port;
		MUST(mr_port_is_available(&stack, &b) == (port != 80));
	}
	b = a;
	b.proto = MR_TRANS_TCP;
	ck_assert_int_eq(mr_port_reserve(&stack, &b), 0);
	mr_port_release(&stack, &b);
	ck_assert(!mr_port_is_available(&stack, &a));
}
END_TEST

START_TEST(port_zero_is_nobodys)
{
	struct mr_port_req a = req(NULL, V4, 0);

	ck_assert(!mr_port_is_available(&stack, &a));
	ck_assert_int_eq(mr_port_reserve(&stack, &a), -EADDRINUSE);
	mr_port_release(&stack, &a);
}
END_TEST

START_TEST(sharing_needs_all)
{
	struct mr_port_req a = req(NULL, V4, 80), b = a, c = req("10.0.0.1", V4, 80);

	a.reuse = c.reuse = true;
	ck_assert_int_eq(mr_port_reserve(&stack, &a), 0);
	ck_assert_int_eq(mr_port_reserve(&stack, &b), -EADDRINUSE);
	ck_assert_int_eq(mr_port_reserve(&stack, &a), 0);
	ck_assert_int_eq(mr_port_reserve(&stack, &c), 0);
	mr_port_release(&stack, &a);
	ck_assert_int_eq(mr_port_reserve(&stack, &b), -EADDRINUSE); /* one a and one c are left */
	mr_port_release(&stack, &a);
	ck_assert_int_eq(mr_port_reserve(&stack, &b), -EADDRINUSE);
	mr_port_release(&stack, &b); /* never reserved: takes nothing away */
	ck_assert_int_eq(mr_port_reserve(&stack, &b), -EADDRINUSE);
	mr_port_release(&stack, &c);
	ck_assert_int_eq(mr_port_reserve(&stack, &b), 0);
	ck_assert_int_eq(mr_port_reserve(&stack, &a), -EADDRINUSE);
}
END_TEST

START_TEST(nics_are_apart)
{
	struct mr_port_req a = req(NULL, V4, 80), b = a, any = a;

	a.nic = 1;
	b.nic = 2;
	ck_assert_int_eq(mr_port_reserve(&stack, &a), 0);
	ck_assert_int_eq(mr_port_reserve(&stack, &a), -EADDRINUSE);
	ck_assert_int_eq(mr_port_reserve(&stack, &b), 0);
	ck_assert_int_eq(mr_port_reserve(&stack, &any), -EADDRINUSE);
	mr_port_release(&stack, &a);
	ck_assert_int_eq(mr_port_reserve(&stack, &any), -EADDRINUSE);
	mr_port_release(&stack, &b);
	ck_assert_int_eq(mr_port_reserve(&stack, &any), 0);
	ck_assert_int_eq(mr_port_reserve(&stack, &a), -EADDRINUSE);
}
END_TEST

/* ---- ephemeral ports */

START_TEST(ephemeral_takes_every_port_once)
{
	struct mr_port_req r = req(NULL, V4, 0);
	static bool seen[65536];

	for (int i = FIRST; i <= LAST; i++) {
		MUST(mr_port_pick_ephemeral(&stack, &r, NULL, NULL) == 0);
		MUST(r.port >= FIRST && !seen[r.port]);
		seen[r.port] = true;
		MUST(mr_port_reserve(&stack, &r) == 0);
	}
	r.port = 7;
	ck_assert_int_eq(mr_port_pick_ephemeral(&stack, &r, NULL, NULL), -EAGAIN);
	ck_assert_uint_eq(r.port, 7);
	r.port = 30000;
	mr_port_release(&stack, &r);
	ck_assert_int_eq(mr_port_pick_ephemeral(&stack, &r, NULL, NULL), 0);
	ck_assert_uint_eq(r.port, 30000);
	r = req(NULL, V6, 0); /* the other family has all of them */
	ck_assert_int_eq(mr_port_pick_ephemeral(&stack, &r, NULL, NULL), 0);
}
END_TEST

static uint16_t asked[65536];
static uint32_t n_asked;

static bool
ok_nth(uint16_t port, void *arg)
{
	asked[n_asked++] = port;
	return n_asked == *(uint32_t *)arg;
}

START_TEST(ephemeral_steps_by_one_and_asks)
{
	const uint32_t all = LAST - FIRST + 1;
	struct mr_port_req r = req("10.0.0.1", V4, 0), taken = r;
	uint32_t nth = all;

	ck_assert_int_eq(mr_port_pick_ephemeral(&stack, &r, ok_nth, &nth), 0);
	ck_assert_uint_eq(n_asked, all);
	ck_assert_uint_eq(r.port, asked[all - 1]);
	for (uint32_t i = 1; i < all; i++)
		MUST(asked[i] == (asked[i - 1] == LAST ? FIRST : asked[i - 1] + 1));
	nth = all + 1;
	n_asked = 0;
	ck_assert_int_eq(mr_port_pick_ephemeral(&stack, &r, ok_nth, &nth), -EAGAIN);
	ck_assert_uint_eq(n_asked, all);
	/* A port that is not available is not offered. */
	for (taken.port = 20000; taken.port < 20100; taken.port++)
		ck_assert_int_eq(mr_port_reserve(&stack, &taken), 0);
	n_asked = 0;
	ck_assert_int_eq(mr_port_pick_ephemeral(&stack, &r, ok_nth, &nth), -EAGAIN);
	ck_assert_uint_eq(n_asked, all - 100);
	for (uint32_t i = 0; i < n_asked; i++)
		MUST(asked[i] < 20000 || asked[i] >= 20100);
}
END_TEST

/* RFC 6056 3.1: not to be guessed; but a seed gives the same ports again. */
START_TEST(ephemeral_start_is_random_and_repeatable)
{
	struct mr_port_req r = req(NULL, V4, 0);
	uint16_t first[64];
	uint32_t low = 0;

	for (int round = 0; round < 2; round++) {
		mr_rng_seed(&stack.rng, 99);
		for (int i = 0; i < 64; i++) {
			ck_assert_int_eq(mr_port_pick_ephemeral(&stack, &r, NULL, NULL), 0);
			if (round == 0)
				first[i] = r.port;
			ck_assert_uint_eq(r.port, first[i]);
			low += r.port < (FIRST + LAST) / 2;
		}
	}
	ck_assert_uint_gt(low, 32);
	ck_assert_uint_lt(low, 96);
}
END_TEST

/* ---- against the rule */

#define HELD 64

static bool
rule_conflict(const struct mr_port_req *a, const struct mr_port_req *b)
{
	bool a4 = mr_addr_is_any(&a->addr) ? a->v4 : mr_addr_is_v4(&a->addr);
	bool b4 = mr_addr_is_any(&b->addr) ? b->v4 : mr_addr_is_v4(&b->addr);
	bool a6 = mr_addr_is_any(&a->addr) ? a->v6 : !mr_addr_is_v4(&a->addr);
	bool b6 = mr_addr_is_any(&b->addr) ? b->v6 : !mr_addr_is_v4(&b->addr);

	if (a->proto != b->proto || a->port != b->port || !((a4 && b4) || (a6 && b6)))
		return false;
	if (a->nic && b->nic && a->nic != b->nic)
		return false;
	if (!mr_addr_is_any(&a->addr) && !mr_addr_is_any(&b->addr) && !mr_addr_equal(&a->addr, &b->addr))
		return false;
	return !(a->reuse && b->reuse);
}

static struct mr_port_req
random_req(struct mr_rng *r)
{
	static const char *const addrs[] = {NULL, "0.0.0.0", "10.0.0.1", "10.0.0.2", "2001:db8::1", "2001:db8::2"};
	unsigned i = mr_rng_below(r, 6);
	unsigned families = i == 0 ? 1 + mr_rng_below(r, 3) : i < 4 ? V4 : V6;
	/* ports that share a bucket with each other */
	struct mr_port_req q = req(addrs[i], families, (uint16_t)(80 + 8192 * mr_rng_below(r, 4)));

	q.proto = mr_rng_below(r, 2) ? MR_TRANS_TCP : MR_TRANS_UDP;
	q.nic = (uint16_t)mr_rng_below(r, 3);
	q.reuse = mr_rng_below(r, 2);
	return q;
}

START_TEST(table_against_the_rule)
{
	struct mr_port_req held[HELD];
	struct mr_rng r;
	unsigned n = 0, refused = 0;

	mr_rng_seed(&r, 5);
	for (int step = 0; step < 100000; step++) {
		struct mr_port_req q = random_req(&r);
		bool conflict = false;

		if (n == HELD || (n > 0 && mr_rng_below(&r, 3) == 0)) {
			unsigned k = mr_rng_below(&r, n);

			mr_port_release(&stack, &held[k]);
			held[k] = held[--n];
			continue;
		}
		for (unsigned i = 0; i < n; i++)
			conflict |= rule_conflict(&held[i], &q);
		MUST(mr_port_is_available(&stack, &q) == !conflict);
		MUST(mr_port_reserve(&stack, &q) == (conflict ? -EADDRINUSE : 0));
		refused += conflict;
		if (!conflict)
			held[n++] = q;
	}
	ck_assert_uint_gt(refused, 1000);
	while (n > 0)
		mr_port_release(&stack, &held[--n]);
	for (int i = 0; i < 1000; i++) {
		struct mr_port_req q = random_req(&r);

		MUST(mr_port_is_available(&stack, &q));
	}
}
END_TEST

static Suite *
suite(void)
{
	Suite *s = suite_create("port");
	TCase *tc = rig_case(s, "port", setup, teardown);

	tcase_add_loop_test(tc, conflict_matrix, 0, (int)(sizeof(matrix) / sizeof(matrix[0])));
	tcase_add_test(tc, ports_and_protocols_are_apart);
	tcase_add_test(tc, port_zero_is_nobodys);
	tcase_add_test(tc, sharing_needs_all);
	tcase_add_test(tc, nics_are_apart);
	tcase_add_test(tc, ephemeral_takes_every_port_once);
	tcase_add_test(tc, ephemeral_steps_by_one_and_asks);
	tcase_add_test(tc, ephemeral_start_is_random_and_repeatable);
	tcase_add_test(tc, table_against_the_rule);
	return s;
}

RIG_MAIN(suite)
