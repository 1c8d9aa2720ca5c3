/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A router for tests: the rig's stack with its NIC 1 (10.0.0.1/24, fd00::1/64, the "near" side), and a NIC 2 on a pair
 * (10.2.0.1/24, fd02::1/64, the "far" side) whose other end the test holds. On either side there is a peer, .2 and ::2,
 * whose link address is known; the far one's is 02:00:00:00:02:02. Forwarding is on.
 */
#ifndef TESTS_ROUTER_H
#define TESTS_ROUTER_H

#include "rig/rig.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <rte_byteorder.h>
#include <rte_mempool.h>

#include "stack/neigh.h"
#include "stack/nic.h"
#include "stack/pkt.h"
#include "stack/stack.h"
#include "stack/transit.h"

#define FAR_NIC 2

static const struct mr_lladdr far_peer_ll = {.b = {2, 0, 0, 0, 2, 2}, .len = 6};

struct router {
	struct rig rig;
	struct mr_link *near, *far; /* NIC 2's link, and the end that the test holds */
	struct rte_mempool *pool;   /* what the far end receives into */
	struct mr_lladdr far_ll;    /* of NIC 2 */
	struct rig_frame *seen[4096];
	unsigned n_seen;
};

struct router_opts {
	struct rig_opts rig;
	uint16_t far_mtu;
	bool no_neigh, no_addr, off, no_resolve; /* of the far side, but `off`: forwarding */
};

static inline void
router_addr(struct router *r, uint16_t nic, const char *text)
{
	struct mr_subnet n;

	ck_assert_int_eq(mr_subnet_parse(text, &n), 0);
	ck_assert_int_eq(mr_addr_add(r->rig.stack, nic, &n, MR_PEB_CAN_BE_PRIMARY), 0);
}

static inline void
router_neigh(struct router *r, uint16_t nic, const char *addr, const struct mr_lladdr *ll)
{
	struct mr_addr a = rig_addr(addr);

	ck_assert_int_eq(mr_neigh_add(r->rig.stack, nic, &a, ll), 0);
}

static inline struct mr_route_entry
router_row(const char *dest, const char *gateway, uint16_t nic)
{
	struct mr_route_entry e = {.nic = nic};

	ck_assert_int_eq(mr_subnet_parse(dest, &e.dest), 0);
	if (gateway)
		e.gateway = rig_addr(gateway);
	return e;
}

static inline void
router_route(struct router *r, const char *dest, const char *gateway, uint16_t nic)
{
	struct mr_route_entry e = router_row(dest, gateway, nic);

	ck_assert_int_eq(mr_route_add(r->rig.stack, &e), 0);
}

/* Next frame that left at NIC 2, judged; NULL: none. Reports of the stack's groups come when chance has it, and do not
 * count. */
static inline const struct rig_frame *
far_next(struct router *r)
{
	struct rig_frame *f;
	struct rte_mbuf *m;
	char why[192];

	do {
		rig_poll(&r->rig);
		if (r->far->ops->rx_burst(r->far, r->rig.now, &m, 1) == 0)
			return NULL;
		f = rig_frame_parse(rte_pktmbuf_mtod(m, uint8_t *), m->pkt_len, 0, 0, 0, why, sizeof(why));
		ck_assert_msg(why[0] == '\0', "bad frame at the far side: %s\n\t%s", why, rig_frame_text(f));
		ck_assert_uint_lt(r->n_seen, RTE_DIM(r->seen));
		r->seen[r->n_seen++] = f;
		rte_pktmbuf_free(m);
	} while (f->kind == RIG_MLD || f->kind == RIG_IGMP);
	return f;
}

/* What has been seen is not needed any more. */
static inline void
far_forget(struct router *r)
{
	while (r->n_seen > 0)
		free(r->seen[--r->n_seen]);
}

static inline void
far_discard(struct router *r)
{
	while (far_next(r))
		;
}

#define far_expect_none(r) ck_assert_ptr_null(far_next(r))

static inline const struct rig_frame *
far_expect_at(struct router *r, enum rig_kind kind, int line)
{
	const struct rig_frame *f = far_next(r);

	ck_assert_msg(f && f->kind == kind, "line %d: far side got %s", line, f ? rig_frame_text(f) : "nothing");
	return f;
}
#define far_expect(r, kind) far_expect_at(r, kind, __LINE__)

/* A frame comes in at NIC 2. */
static inline void
far_push(struct router *r, const struct rig_buf *b)
{
	struct rte_mbuf *m = rte_pktmbuf_alloc(r->pool);

	ck_assert_ptr_nonnull(m);
	memcpy(rte_pktmbuf_append(m, (uint16_t)b->len), b->b, b->len);
	memcpy(rte_pktmbuf_mtod(m, void *), r->far_ll.b, 6);
	ck_assert_uint_eq(r->far->ops->tx_burst(r->far, r->rig.now, &m, 1), 1);
}

static inline void
router_init(struct router *r, const struct router_opts *opts)
{
	static const struct router_opts none;
	const struct router_opts *o = opts ? opts : &none;
	struct mr_nic_info info;

	memset(r, 0, sizeof(*r));
	rig_init(&r->rig, &o->rig);
	r->pool = mr_pktpool_create("far", 2048, 2048, 0);
	ck_assert_ptr_nonnull(r->pool);
	ck_assert_int_eq(mr_pair_create(mr_stack_rx_pool(r->rig.stack), r->pool, o->far_mtu, 2048, &r->near, &r->far), 0);
	if (o->no_resolve)
		r->near->caps &= ~MR_LINK_CAP_RESOLVE;
	ck_assert_int_eq(r->far->ops->start(r->far), 0);
	ck_assert_int_eq(mr_nic_create(r->rig.stack, FAR_NIC, "far", r->near), 0);
	mr_nic_info(r->rig.stack, FAR_NIC, &info);
	r->far_ll = info.lladdr;
	if (!o->no_addr) {
		router_addr(r, FAR_NIC, "10.2.0.1/24");
		router_addr(r, FAR_NIC, "fd02::1/64");
	}
	if (!o->no_neigh && !o->no_addr) {
		router_neigh(r, FAR_NIC, "10.2.0.2", &far_peer_ll);
		router_neigh(r, FAR_NIC, "fd02::2", &far_peer_ll);
	}
	if (!o->off)
		ck_assert_int_eq(mr_stack_set_forwarding(r->rig.stack, true), 0);
	rig_advance(&r->rig, 3 * RIG_S);
	rig_discard(&r->rig);
	far_discard(r);
	rig_mark(&r->rig);
}

static inline void
router_fini(struct router *r)
{
	rig_fini(&r->rig);
	r->far->ops->stop(r->far);
	mr_link_close(r->near);
	mr_link_close(r->far);
	far_forget(r);
	rte_mempool_free(r->pool);
}

#endif
