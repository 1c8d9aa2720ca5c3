/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A world without real protocols for the tests of lib/stack: a link driver, a framing (fakestack_link.h), two addressed
 * network protocols (in the places of IPv4 and IPv6), one without addresses, and a transport (fakestack_proto.h). That a
 * stack works on these alone shows that lib/stack knows no protocol. What they are asked to do they write down in `fk`
 * (fakestack_state.h). Here: how it is set up and torn down, and the verbs of its tests.
 */
#ifndef TESTS_FAKESTACK_H
#define TESTS_FAKESTACK_H

#include "fakestack_link.h"
#include "fakestack_proto.h"

#include <stdlib.h>
#include <string.h>

#include <rte_byteorder.h>
#include <rte_mempool.h>

#include "stack/nic.h"
#include "stack/route.h"
#include "stack/stack.h"

/* ---- set up and tear down */

static const char *const fk_nets[] = {"fk4", "fk6", "fkctl", NULL};
static const char *const fk_trans[] = {"fkt", NULL};

static inline void
fk_register(void)
{
	memset(&fk, 0, sizeof(fk));
	fk.now = FK_START;
	ck_assert_int_eq(mr_link_driver_register("fk", fk_open), 0);
	ck_assert_int_eq(mr_framing_register(&fk_framing), 0);
	ck_assert_int_eq(mr_netproto_register("fk4", fk4_make), 0);
	ck_assert_int_eq(mr_netproto_register("fk6", fk6_make), 0);
	ck_assert_int_eq(mr_netproto_register("fkctl", fkctl_make), 0);
	ck_assert_int_eq(mr_transproto_register("fkt", fkt_make), 0);
}

static inline struct mr_stack_opts
fk_opts(void)
{
	return (struct mr_stack_opts){.name = "fk", .net_protos = fk_nets, .trans_protos = fk_trans, .seed = 7,
	                              .rx_mbufs = 3072, .tx_mbufs = 2048, .max_conns = 64, .max_half_open = 64,
	                              .max_time_wait = 64, .max_endpoints = 64, .max_neighbours = 16};
}

static inline unsigned
fk_poll(void)
{
	return mr_stack_poll(fk.s, fk.now);
}

static inline void
fk_create(void)
{
	struct mr_stack_opts o = fk_opts();

	ck_assert_int_eq(mr_stack_create(&o, &fk.s), 0);
	fk.s->keep_pools = true;
	fk.rx_pool = fk.s->rx_pool;
	fk.tx_pool = fk.s->tx_pool;
	fk_poll();
}

static inline void
fk_setup(void)
{
	fk_register();
	fk_create();
}

static inline void
fk_pool_check(struct rte_mempool *mp)
{
	ck_assert_msg(rte_mempool_full(mp), "pool %s: %u of %u mbufs are missing", mp->name,
	              mp->size - rte_mempool_avail_count(mp), mp->size);
	rte_mempool_free(mp);
}

static inline void
fk_teardown(void)
{
	if (fk.s)
		mr_stack_destroy(fk.s);
	for (unsigned i = 0; i < fk.n_links; i++) {
		ck_assert_ptr_null(fk.links[i]->link.nic);
		if (!fk.links[i]->closed)
			mr_link_close(&fk.links[i]->link);
		free(fk.links[i]->tx);
		free(fk.links[i]);
	}
	fk_pool_check(fk.rx_pool);
	fk_pool_check(fk.tx_pool);
}

/* ---- verbs */

static inline struct mr_addr
fk_addr(const char *text)
{
	struct mr_addr a;

	ck_assert_int_eq(mr_addr_parse(text, &a), 0);
	return a;
}

static inline struct mr_subnet
fk_subnet(const char *text)
{
	struct mr_subnet n;

	ck_assert_int_eq(mr_subnet_parse(text, &n), 0);
	return n;
}

/* A NIC on a new link. */
static inline struct fk_link *
fk_nic(uint16_t id)
{
	struct fk_link *k = fk_link_make();

	ck_assert_int_eq(mr_nic_create(fk.s, id, "fk", &k->link), 0);
	return k;
}

static inline int
fk_add(uint16_t nic, const char *addr, enum mr_peb peb)
{
	struct mr_subnet n = fk_subnet(addr);

	return mr_addr_add(fk.s, nic, &n, peb);
}

/* Two, with an address each. */
static inline void
fk_two_nics(void)
{
	fk_nic(1);
	fk_nic(2);
	ck_assert_int_eq(fk_add(1, "10.1.0.1/16", 0), 0);
	ck_assert_int_eq(fk_add(2, "10.2.0.1/16", 0), 0);
}

static inline int
fk_remove(uint16_t nic, const char *addr)
{
	struct mr_addr a = fk_addr(addr);

	return mr_addr_remove(fk.s, nic, &a);
}

static inline int
fk_row(const char *dest, const char *gateway, uint16_t nic)
{
	struct mr_route_entry e = {.dest = fk_subnet(dest), .nic = nic};

	if (gateway)
		e.gateway = fk_addr(gateway);
	return mr_route_add(fk.s, &e);
}

static inline void
fk_push_raw(struct fk_link *k, uint16_t type, const void *b, uint16_t len)
{
	struct rte_mbuf *m = rte_pktmbuf_alloc(fk.s->rx_pool);
	uint16_t type_be = rte_cpu_to_be_16(type);
	char *h;

	ck_assert_ptr_nonnull(m);
	mr_pkt_init(m);
	h = rte_pktmbuf_append(m, FK_LINK_BYTES + len);
	memset(h, 0xee, FK_LINK_BYTES);
	memcpy(h + 12, &type_be, 2);
	if (len)
		memcpy(h + FK_LINK_BYTES, b, len);
	ck_assert_uint_lt(k->rx_n, FK_LOG);
	k->rx[(k->rx_head + k->rx_n++) % FK_LOG] = m;
}

/* A packet with ports and a one-byte payload. */
static inline void
fk_push_pkt(struct fk_link *k, const char *src, uint16_t sport, const char *dst, uint16_t dport, uint8_t tag)
{
	struct mr_addr from = fk_addr(src), to = fk_addr(dst);
	uint8_t b[sizeof(struct fk_net) + sizeof(struct fk_ports) + 1];
	struct fk_net h = {.trans = FK_TRANS, .len_be = rte_cpu_to_be_16(sizeof(struct fk_ports) + 1)};
	struct fk_ports p = {rte_cpu_to_be_16(sport), rte_cpu_to_be_16(dport)};

	memcpy(h.src, &from, 16);
	memcpy(h.dst, &to, 16);
	memcpy(b, &h, sizeof(h));
	memcpy(b + sizeof(h), &p, sizeof(p));
	b[sizeof(b) - 1] = tag;
	fk_push_raw(k, mr_addr_net(&to), b, sizeof(b));
}

/* Does a packet to this address come in? */
static inline bool
fk_receives(struct fk_link *k, const char *dst)
{
	unsigned seen = fk.n_seen;
	uint64_t dropped = mr_stack_counter(fk.s, MR_DROP_IP_NOT_OURS);
	bool v4 = strchr(dst, '.') != NULL;

	fk_push_pkt(k, v4 ? "10.9.9.9" : "fd00:9::9", 1, dst, 2, 0);
	fk_poll();
	ck_assert_uint_eq(fk.n_seen - seen + mr_stack_counter(fk.s, MR_DROP_IP_NOT_OURS) - dropped, 1);
	return fk.n_seen > seen;
}

static inline struct fk_ep *
fk_ep(const char *laddr, uint16_t port, uint16_t nic)
{
	struct mr_sockaddr sa = {.port = port, .nic = nic};
	struct mr_ep *ep;

	if (laddr)
		sa.addr = fk_addr(laddr);
	ck_assert_int_eq(mr_ep_create(fk.s, FK_TRANS, MR_NET_IPV4, &ep), 0);
	ck_assert_int_eq(mr_ep_bind(ep, &sa), 0);
	return (struct fk_ep *)ep;
}

static inline int
fk_find(uint16_t nic, const char *local, const char *remote, struct mr_route *r)
{
	struct mr_addr l = local ? fk_addr(local) : (struct mr_addr){0}, d = remote ? fk_addr(remote) : (struct mr_addr){0};

	memset(r, 0, sizeof(*r));
	return mr_route_find(fk.s, nic, &l, &d, MR_NET_IPV4, r);
}

/* Send one packet with a tag through a route. */
static inline int
fk_send(struct mr_route *r, uint16_t sport, uint16_t dport, uint8_t tag)
{
	struct mr_ip_params ip = {.trans_proto = FK_TRANS};
	struct rte_mbuf *m = mr_stack_tx_alloc(fk.s);
	struct fk_ports p = {rte_cpu_to_be_16(sport), rte_cpu_to_be_16(dport)};
	char *b;

	ck_assert_ptr_nonnull(m);
	b = rte_pktmbuf_append(m, sizeof(p) + 1);
	memcpy(b, &p, sizeof(p));
	b[sizeof(p)] = tag;
	return mr_route_output(r, &m, 1, &ip);
}

/* Last byte of the i-th frame that the link took, which is the tag of fk_send. */
static inline uint8_t
fk_tx_tag(const struct fk_link *k, unsigned i)
{
	ck_assert_uint_lt(i, k->tx_n);
	return k->tx[i].b[k->tx[i].len - 1];
}

static inline struct fk_net
fk_tx_net(const struct fk_link *k, unsigned i)
{
	struct fk_net h;

	ck_assert_uint_lt(i, k->tx_n);
	memcpy(&h, k->tx[i].b + FK_LINK_BYTES, sizeof(h));
	return h;
}

static inline uint64_t
fk_counter(enum mr_counter c)
{
	return mr_stack_counter(fk.s, c);
}

/* Let time pass, stopping at each deadline. */
static inline void
fk_advance(uint64_t ns)
{
	uint64_t end = fk.now + ns;

	do {
		uint64_t next = mr_stack_next_ns(fk.s);

		fk.now = RTE_MIN(end, RTE_MAX(next, fk.now));
		fk_poll();
	} while (fk.now < end || mr_stack_next_ns(fk.s) <= fk.now);
}

#define ck_assert_addr(a, text) \
	do { \
		struct mr_addr want_ = fk_addr(text); \
		char buf_[MR_ADDR_STRLEN]; \
		ck_assert_msg(mr_addr_equal((a), &want_), "%s is %s, not %s", #a, mr_addr_format((a), buf_, sizeof(buf_)), text); \
	} while (0)

static inline unsigned
fk_eps_used(void)
{
	return ((struct fk_tp *)mr_stack_transproto(fk.s, FK_TRANS))->eps.used;
}

#endif
