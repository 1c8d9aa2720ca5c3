/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The route table: an array of rows in the order in which they are tried. That is longest prefix first, equal prefixes as
 * they were added; or, as an option, simply as they were added (B-3, SS-9). Rows may name a NIC that is yet to come.
 *
 * A search walks it. Searches are rare, since what was found stays good until the stack's route generation moves on, so
 * the array needs no index. Every change moves it on. Not here: what a row means for a route (route.c).
 */
#include "stack/route.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <rte_common.h>

#include "stack/context.h"
#include "stack/netep.h"
#include "stack/stack.h"

struct mr_route_table {
	struct mr_route_entry *rows;
	size_t n, cap;
};

int
mr_route_table_init(struct mr_stack *s)
{
	s->routes = calloc(1, sizeof(*s->routes));
	return s->routes ? 0 : -ENOMEM;
}

void
mr_route_table_free(struct mr_route_table *t)
{
	if (t)
		free(t->rows);
	free(t);
}

void
mr_route_table_fini(struct mr_stack *s)
{
	mr_route_table_free(s->routes);
	s->routes = NULL;
}

struct mr_route_table *
mr_route_table_copy(const struct mr_stack *s)
{
	const struct mr_route_table *from = s->routes;
	struct mr_route_table *t = calloc(1, sizeof(*t));

	if (!t)
		return NULL;
	t->cap = from->n + 1;
	t->rows = calloc(t->cap, sizeof(*t->rows));
	if (!t->rows) {
		free(t);
		return NULL;
	}
	if (from->n > 0)
		memcpy(t->rows, from->rows, from->n * sizeof(*t->rows));
	t->n = from->n;
	return t;
}

void
mr_route_table_put(struct mr_stack *s, struct mr_route_table *t)
{
	mr_route_table_free(s->routes);
	s->routes = t;
	s->route_gen++;
}

static bool
addr_is_zero(const struct mr_addr *a)
{
	return mr_addr_is_any(a);
}

/* One form for each meaning. @return 0 or -EINVAL */
static int
row_normalize(const struct mr_route_entry *e, struct mr_route_entry *out)
{
	*out = *e;
	if (!e->nic || mr_subnet_normalize(&out->dest) < 0)
		return -EINVAL;
	if (addr_is_zero(&e->gateway))
		memset(&out->gateway, 0, sizeof(out->gateway));
	else if (mr_addr_net(&e->gateway) != mr_addr_net(&e->dest.addr) || mr_addr_is_multicast(&e->gateway))
		return -EINVAL;
	if (addr_is_zero(&e->src))
		memset(&out->src, 0, sizeof(out->src));
	else if (mr_addr_net(&e->src) != mr_addr_net(&e->dest.addr))
		return -EINVAL;
	return 0;
}

static struct mr_route_entry *
row_find(struct mr_route_entry *rows, size_t n, const struct mr_route_entry *e)
{
	for (size_t i = 0; i < n; i++) {
		struct mr_route_entry *r = &rows[i];

		if (r->dest.plen == e->dest.plen && r->nic == e->nic && mr_addr_equal(&r->dest.addr, &e->dest.addr) &&
		    mr_addr_equal(&r->gateway, &e->gateway) && mr_addr_equal(&r->src, &e->src))
			return r;
	}
	return NULL;
}

int
mr_route_add(struct mr_stack *s, const struct mr_route_entry *entry)
{
	struct mr_route_table *t = s->routes;
	struct mr_route_entry e;
	size_t at;

	MR_OWN_CORE(s);
	if (row_normalize(entry, &e) < 0)
		return -EINVAL;
	if (row_find(t->rows, t->n, &e))
		return -EEXIST;
	if (t->n == t->cap) {
		size_t cap = t->cap ? 2 * t->cap : 16;
		struct mr_route_entry *rows = realloc(t->rows, cap * sizeof(*rows));

		if (!rows)
			return -ENOMEM;
		t->rows = rows;
		t->cap = cap;
	}
	for (at = t->n; at > 0 && !s->opts.routes_first_match && t->rows[at - 1].dest.plen < e.dest.plen; at--)
		;
	memmove(&t->rows[at + 1], &t->rows[at], (t->n - at) * sizeof(e));
	t->rows[at] = e;
	t->n++;
	s->route_gen++;
	return 0;
}

int
mr_route_remove(struct mr_stack *s, const struct mr_route_entry *entry)
{
	struct mr_route_table *t = s->routes;
	struct mr_route_entry e, *row;

	MR_OWN_CORE(s);
	row = row_normalize(entry, &e) == 0 ? row_find(t->rows, t->n, &e) : NULL;
	if (!row)
		return -ENOENT;
	t->n--;
	memmove(row, row + 1, (size_t)(&t->rows[t->n] - row) * sizeof(e));
	s->route_gen++;
	return 0;
}

/* Check rows and bring each into its one form. @return 0 or as mr_route_add */
static int
rows_normalize(const struct mr_route_entry *from, size_t n, struct mr_route_entry *to)
{
	for (size_t i = 0; i < n; i++) {
		if (row_normalize(&from[i], &to[i]) < 0)
			return -EINVAL;
		if (row_find(to, i, &to[i]))
			return -EEXIST;
	}
	return 0;
}

static void
rows_sort(const struct mr_route_entry *from, size_t n, struct mr_route_entry *to)
{
	for (int plen = 128; plen >= 0; plen--) {
		for (size_t i = 0; i < n; i++) {
			if (from[i].dest.plen == plen)
				*to++ = from[i];
		}
	}
}

int
mr_route_table_set(struct mr_stack *s, const struct mr_route_entry *from, size_t n)
{
	struct mr_route_entry *given = calloc(n + 1, sizeof(*given)), *rows = calloc(n + 1, sizeof(*rows));
	int r = given && rows ? rows_normalize(from, n, given) : -ENOMEM;

	MR_OWN_CORE(s);
	if (r < 0) {
		free(given);
		free(rows);
		return r;
	}
	if (s->opts.routes_first_match)
		memcpy(rows, given, n * sizeof(*rows));
	else
		rows_sort(given, n, rows);
	free(given);
	free(s->routes->rows);
	*s->routes = (struct mr_route_table){.rows = rows, .n = n, .cap = n + 1};
	s->route_gen++;
	return 0;
}

size_t
mr_route_table_rows(const struct mr_stack *s, const struct mr_route_entry **rows)
{
	*rows = s->routes->rows;
	return s->routes->n;
}

const struct mr_route_entry *
mr_route_table_lookup(struct mr_stack *s, const struct mr_addr *dst, struct mr_nic **nic)
{
	const struct mr_route_table *t = s->routes;

	for (size_t i = 0; i < t->n; i++) {
		if (!mr_subnet_contains(&t->rows[i].dest, dst))
			continue;
		*nic = mr_nic_find(s, t->rows[i].nic);
		if (*nic && (*nic)->flags & MR_NIC_F_UP)
			return &t->rows[i];
	}
	return NULL;
}

size_t
mr_route_table_get(struct mr_stack *s, struct mr_route_entry *rows, size_t n)
{
	struct mr_route_table *t = s->routes;

	MR_OWN_CORE(s);
	if (n > 0 && t->n > 0)
		memcpy(rows, t->rows, RTE_MIN(n, t->n) * sizeof(*rows));
	return t->n;
}

void
mr_route_table_drop_nic(struct mr_stack *s, uint16_t nic)
{
	struct mr_route_table *t = s->routes;
	size_t k = 0;

	for (size_t i = 0; i < t->n; i++) {
		if (t->rows[i].nic != nic)
			t->rows[k++] = t->rows[i];
	}
	t->n = k;
	s->route_gen++;
}
