/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The port manager: a chained table of reservations by (protocol, port).
 *
 * Two reservations of one port conflict if some packet could be meant for both: their families, addresses and NICs all
 * overlap, where a wildcard overlaps with everything; and not both allow sharing. Equal reservations that share are one
 * node with a count, so that many connections of one local port stay cheap.
 *
 * Not here: who gets the packets (demux.h), and which core owns a tuple (the caller's `ok` asks steer.h).
 */
#include "stack/port.h"

#include <errno.h>
#include <stdlib.h>

#include <rte_common.h>

#include "stack/context.h"
#include "stack/stack.h"

#define PORT_BUCKETS 8192 /* ports are dense, so chains stay at eight even when all of a protocol are taken */

struct port_node {
	struct port_node *next;
	struct mr_port_req req;
	uint32_t refs; /* 1 unless shared */
};

struct mr_port_table {
	struct port_node *bucket[PORT_BUCKETS];
};

int
mr_port_table_init(struct mr_stack *s)
{
	s->ports = calloc(1, sizeof(*s->ports));
	return s->ports ? 0 : -ENOMEM;
}

void
mr_port_table_fini(struct mr_stack *s)
{
	if (!s->ports)
		return;
	for (unsigned i = 0; i < PORT_BUCKETS; i++) {
		struct port_node *n = s->ports->bucket[i], *next;

		for (; n; n = next) {
			next = n->next;
			free(n);
		}
	}
	free(s->ports);
	s->ports = NULL;
}

static struct port_node **
port_bucket(struct mr_stack *s, const struct mr_port_req *r)
{
	return &s->ports->bucket[(r->port ^ r->proto * 331u) % PORT_BUCKETS];
}

/* One form for each meaning: 0.0.0.0 as any, and the families of a specific address are its own. */
static struct mr_port_req
req_normalize(const struct mr_port_req *r)
{
	struct mr_port_req out = *r;

	if (mr_addr_is_any(&r->addr)) {
		out.addr.d[0] = out.addr.d[1] = 0;
	} else {
		out.v4 = mr_addr_is_v4(&r->addr);
		out.v6 = !out.v4;
	}
	return out;
}

static bool
addr_overlaps(const struct mr_addr *a, const struct mr_addr *b)
{
	return mr_addr_is_any(a) || mr_addr_is_any(b) || mr_addr_equal(a, b);
}

/* Both normalised. */
static bool
req_conflicts(const struct mr_port_req *a, const struct mr_port_req *b)
{
	return a->proto == b->proto && a->port == b->port && ((a->v4 && b->v4) || (a->v6 && b->v6)) &&
	       addr_overlaps(&a->addr, &b->addr) && (a->nic == b->nic || !a->nic || !b->nic) && !(a->reuse && b->reuse);
}

static bool
req_equal(const struct mr_port_req *a, const struct mr_port_req *b)
{
	return a->proto == b->proto && a->port == b->port && a->v4 == b->v4 && a->v6 == b->v6 && a->nic == b->nic &&
	       a->reuse == b->reuse && mr_addr_equal(&a->addr, &b->addr);
}

static bool
port_is_free(struct mr_stack *s, const struct mr_port_req *r)
{
	if (r->port == 0)
		return false;
	for (const struct port_node *n = *port_bucket(s, r); n; n = n->next) {
		if (req_conflicts(&n->req, r))
			return false;
	}
	return true;
}

bool
mr_port_is_available(struct mr_stack *s, const struct mr_port_req *r)
{
	struct mr_port_req req = req_normalize(r);

	MR_OWN_CORE(s);
	return port_is_free(s, &req);
}

int
mr_port_reserve(struct mr_stack *s, const struct mr_port_req *r)
{
	struct mr_port_req req = req_normalize(r);
	struct port_node **head = port_bucket(s, &req), *n;

	MR_OWN_CORE(s);
	if (!port_is_free(s, &req))
		return -EADDRINUSE;
	for (n = *head; n; n = n->next) {
		if (req_equal(&n->req, &req)) {
			n->refs++;
			return 0;
		}
	}
	n = malloc(sizeof(*n));
	if (!n)
		return -ENOMEM;
	*n = (struct port_node){.next = *head, .req = req, .refs = 1};
	*head = n;
	return 0;
}

void
mr_port_release(struct mr_stack *s, const struct mr_port_req *r)
{
	struct mr_port_req req = req_normalize(r);

	MR_OWN_CORE(s);
	for (struct port_node **at = port_bucket(s, &req); *at; at = &(*at)->next) {
		struct port_node *n = *at;

		if (!req_equal(&n->req, &req))
			continue;
		if (--n->refs == 0) {
			*at = n->next;
			free(n);
		}
		return;
	}
}

int
mr_port_pick_ephemeral(struct mr_stack *s, struct mr_port_req *r, bool (*ok)(uint16_t port, void *arg), void *arg)
{
	const uint32_t n_ports = MR_PORT_EPHEMERAL_LAST - MR_PORT_EPHEMERAL_FIRST + 1;
	struct mr_port_req req = req_normalize(r);
	uint32_t start = mr_rng_below(&s->rng, n_ports);

	MR_OWN_CORE(s);
	for (uint32_t i = 0; i < n_ports; i++) {
		req.port = (uint16_t)(MR_PORT_EPHEMERAL_FIRST + (start + i) % n_ports);
		if (port_is_free(s, &req) && (!ok || ok(req.port, arg))) {
			r->port = req.port;
			return 0;
		}
	}
	return -EAGAIN;
}
