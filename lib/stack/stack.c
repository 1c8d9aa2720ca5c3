/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One core's stack: making it, the turn, and taking it down.
 *
 * mr_stack_poll is the whole machine and the order of its stages is a promise (docs of mr_stack_poll). Input comes
 * before timers, so a packet that has arrived wins over a timeout that has passed; events before output, so what the
 * application writes in answer leaves in the same turn; flush before reap, so nothing that died is still to be sent.
 *
 * Not here: the stages themselves (nic.c, dispatch.c, endpoint.c, timer.c, steer.c, mailbox.c), and clocks: time is an
 * argument.
 */
#include "stack/stack.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <time.h>

#include <rte_errno.h>
#include <rte_malloc.h>
#include <rte_mempool.h>

#include "stack/context.h"
#include "stack/link.h"
#include "stack/log.h"
#include "stack/mailbox.h"
#include "stack/neigh.h"
#include "stack/packet.h"
#include "stack/port.h"
#include "stack/registry.h"
#include "stack/route.h"
#include "stack/steer.h"
#include "stack/transit.h"

#define ARENA_BYTES (32ull << 30) /* address space; memory only as it is used */
#define LARGE_SHARE 128           /* transmit packets for which there is a large one */
#define RX_BURSTS 4               /* bursts taken from one NIC in a turn, so that none can starve the rest */

_Static_assert(RTE_PKTMBUF_HEADROOM >= MR_HEADROOM, "a header stack fits in front of a fresh packet");

/* ---- the default stack */

static struct mr_stack *default_stack; /* only remembered, never used here */

struct mr_stack *
mr_stack_default(void)
{
	return __atomic_load_n(&default_stack, __ATOMIC_ACQUIRE);
}

void
mr_stack_set_default(struct mr_stack *s)
{
	__atomic_store_n(&default_stack, s, __ATOMIC_RELEASE);
}

static void
default_forget(struct mr_stack *s)
{
	__atomic_compare_exchange_n(&default_stack, &s, NULL, false, __ATOMIC_ACQ_REL, __ATOMIC_ACQUIRE);
}

/* ---- making */

static void
opts_fill(struct mr_stack_opts *o, const struct mr_stack_opts *from)
{
	*o = from ? *from : (struct mr_stack_opts){0};
#define DEFAULT(field, value) o->field = o->field ? o->field : (value)
	DEFAULT(name, "stack");
	DEFAULT(rx_mbufs, 8192);
	DEFAULT(tx_mbufs, 8192);
	DEFAULT(tx_mbuf_data_bytes, o->mbuf_data_bytes ? o->mbuf_data_bytes : 1536);
	DEFAULT(mbuf_data_bytes, 2048);
	DEFAULT(rx_reserve_mbufs, o->rx_mbufs / 4);
	DEFAULT(tx_reserve_mbufs, o->tx_mbufs / 4);
	DEFAULT(max_conns, 16384);
	DEFAULT(max_half_open, 4096);
	DEFAULT(max_time_wait, 16384);
	DEFAULT(max_endpoints, 1024);
	DEFAULT(max_neighbours, 512);
	DEFAULT(n_cores, 1);
#undef DEFAULT
}

static int
rng_init(struct mr_stack *s)
{
	bool has_secret = s->opts.secret[0] | s->opts.secret[1];
	uint64_t seed = s->opts.seed;
	struct mr_rng own;

	if (!seed && getrandom(&seed, sizeof(seed), 0) != sizeof(seed))
		return -EIO;
	mr_rng_seed(&s->rng, seed);
	mr_rng_seed(&own, ~seed);
	for (unsigned i = 0; i < RTE_DIM(s->opts.secret) && !has_secret; i++)
		s->opts.secret[i] = mr_rng_u64(&own);
	return 0;
}

/* Stacks may share a name, pools may not. */
static void
pool_name(const struct mr_stack_opts *o, const char *kind, char name[static RTE_MEMPOOL_NAMESIZE])
{
	static unsigned serial;
	unsigned nr = __atomic_fetch_add(&serial, 1, __ATOMIC_RELAXED);

	snprintf(name, RTE_MEMPOOL_NAMESIZE, "%.10s_%s_%u", o->name, kind, nr);
}

static struct rte_mempool *
pool_create(const struct mr_stack_opts *o, const char *kind, uint32_t n, uint32_t data_bytes)
{
	struct rte_mempool *mp;
	char name[RTE_MEMPOOL_NAMESIZE];

	pool_name(o, kind, name);
	mp = mr_pktpool_create(name, n, data_bytes, o->socket_id);
	if (!mp)
		MR_LOG(ERR, "stack %s: no pool of %u packets of %u bytes (%s): give EAL more memory or lower %s_mbufs", o->name,
		       n, data_bytes, rte_strerror(rte_errno), kind);
	return mp;
}

void
mr_stack_large_open(struct mr_stack *s)
{
	const struct mr_stack_opts *o = &s->opts;
	char name[RTE_MEMPOOL_NAMESIZE];
	int r;

	pool_name(o, "large", name);
	r = mr_large_open(&s->large, name, o->tx_mbufs / LARGE_SHARE, o->socket_id);
	if (r < 0)
		MR_LOG(NOTICE, "stack %s: no packets of 64 KiB for long writes (%s): these will cost more; give EAL more memory", o->name,
		       rte_strerror(-r));
}

static int
memory_init(struct mr_stack *s)
{
	const struct mr_stack_opts *o = &s->opts;
	uint64_t flows = (uint64_t)o->max_conns + o->max_half_open + o->max_time_wait + o->max_endpoints;
	uint64_t k0 = mr_rng_u64(&s->rng), k1 = mr_rng_u64(&s->rng), k2 = mr_rng_u64(&s->rng);

	if (o->rx_reserve_mbufs >= o->rx_mbufs || o->tx_reserve_mbufs >= o->tx_mbufs || flows > UINT32_MAX / 2)
		return -EINVAL;
	s->rx_held_max = o->rx_mbufs - o->rx_reserve_mbufs;
	s->tx_held_max = o->tx_mbufs - o->tx_reserve_mbufs;
	s->rx_pool = pool_create(o, "rx", o->rx_mbufs, o->mbuf_data_bytes);
	s->tx_pool = pool_create(o, "tx", o->tx_mbufs, o->tx_mbuf_data_bytes);
	s->netep_ids = calloc(MR_MAX_NETEPS + 1, sizeof(*s->netep_ids));
	if (!s->rx_pool || !s->tx_pool || !s->netep_ids || mr_arena_init(&s->arena, ARENA_BYTES) < 0)
		return -ENOMEM;
	mr_stash_init(&s->rx_stash, s->rx_pool);
	mr_stash_init(&s->tx_stash, s->tx_pool);
	if (mr_pool_init(&s->netep_pool, &s->arena, "neteps", sizeof(struct mr_netep), MR_MAX_NETEPS) < 0 ||
	    mr_flow_table_init(&s->flows, &s->arena, (uint32_t)flows, k0, k1, k2) < 0 || mr_route_table_init(s) < 0 ||
	    mr_port_table_init(s) < 0 || mr_packet_init(s) < 0)
		return -ENOMEM;
	return 0;
}

static int
netproto_add(struct mr_stack *s, mr_netproto_factory make)
{
	struct mr_netproto *np;
	int r;

	if (s->n_netprotos == MR_MAX_NETPROTOS)
		return -ENOMEM;
	r = make(s, &np);
	if (r < 0)
		return r;
	if (mr_stack_netproto(s, np->ops->number)) {
		np->ops->destroy(np);
		return -EEXIST;
	}
	s->netprotos[s->n_netprotos++] = np;
	return 0;
}

static int
transproto_add(struct mr_stack *s, mr_transproto_factory make)
{
	struct mr_transproto *tp;
	int r;

	if (s->n_transprotos == MR_MAX_TRANSPROTOS)
		return -ENOMEM;
	r = make(s, &tp);
	if (r < 0)
		return r;
	if (s->transprotos[tp->ops->number]) {
		tp->ops->destroy(tp);
		return -EEXIST;
	}
	s->transprotos[tp->ops->number] = tp;
	s->transproto_list[s->n_transprotos++] = tp;
	return 0;
}

static int
protocols_init(struct mr_stack *s)
{
	const char *const *nets = s->opts.net_protos, *const *trans = s->opts.trans_protos;
	int r = 0;

	for (unsigned i = 0; r == 0 && (nets ? nets[i] != NULL : mr_netproto_at(i) != NULL); i++) {
		mr_netproto_factory f = nets ? mr_netproto_find(nets[i]) : mr_netproto_at(i);

		r = f ? netproto_add(s, f) : -EPROTONOSUPPORT;
	}
	for (unsigned i = 0; r == 0 && (trans ? trans[i] != NULL : mr_transproto_at(i) != NULL); i++) {
		mr_transproto_factory f = trans ? mr_transproto_find(trans[i]) : mr_transproto_at(i);

		r = f ? transproto_add(s, f) : -EPROTONOSUPPORT;
	}
	return r;
}

int
mr_stack_create(const struct mr_stack_opts *opts, struct mr_stack **out)
{
	struct mr_stack *s = rte_zmalloc("mr_stack", sizeof(*s), RTE_CACHE_LINE_SIZE);
	int r;

	if (!s)
		return -ENOMEM;
	opts_fill(&s->opts, opts);
	s->counters = s->opts.counters ? s->opts.counters + (size_t)s->opts.core * MR_CNT_MAX : s->own_counters;
	s->events_tail = &s->events;
	s->starved_tail = &s->starved;
	s->dirty_tail = &s->dirty;
	s->route_gen = 1;
	TAILQ_INIT(&s->nics);
	TAILQ_INIT(&s->dead_nics);
	mr_wheel_init(&s->wheel, 0);
	mr_demux_init(&s->demux);
	r = rng_init(s);
	if (r == 0)
		r = memory_init(s);
	if (r == 0)
		r = protocols_init(s);
	if (r < 0) {
		mr_stack_destroy(s);
		return r;
	}
	mr_stack_set_default(s);
	*out = s;
	return 0;
}

/* ---- unmaking */

static void
transports_destroy(struct mr_stack *s)
{
	while (s->n_transprotos > 0) {
		struct mr_transproto *tp = s->transproto_list[--s->n_transprotos];
		uint8_t number = tp->ops->number;

		if (tp->forwarder)
			mr_forwarder_destroy(tp->forwarder);
		tp->ops->destroy(tp);
		s->transprotos[number] = NULL;
	}
}

static void
nics_destroy(struct mr_stack *s)
{
	struct mr_nic *nic;

	mr_stack_netep_turn_end(s);
	while ((nic = TAILQ_FIRST(&s->nics)))
		mr_nic_destroy(nic);
	/* Routes that the application has not released: their addresses go with the arena. */
	while ((nic = TAILQ_FIRST(&s->dead_nics))) {
		TAILQ_REMOVE(&s->dead_nics, nic, link_in_stack);
		mr_nic_free(nic);
	}
	mr_neigh_tell_nobody(s);
}

void
mr_stack_destroy(struct mr_stack *s)
{
	struct rte_mbuf *m;
	struct mr_nic *nic;

	if (!s)
		return;
	MR_OWN_CORE(s);
	MR_NO_EVENT();
	default_forget(s);
	mr_alarm_stop_all(s);
	transports_destroy(s);
	mr_packet_fini(s);
	TAILQ_FOREACH(nic, &s->nics, link_in_stack)
		mr_nic_flush(nic);
	nics_destroy(s);
	while (s->n_netprotos > 0) {
		struct mr_netproto *np = s->netprotos[--s->n_netprotos];

		np->ops->destroy(np);
	}
	while ((m = mr_pktq_pop(&s->loop)))
		rte_pktmbuf_free(m);
	mr_transit_free(s);
	mr_port_table_fini(s);
	mr_route_table_fini(s);
	mr_flow_table_fini(&s->flows);
	mr_arena_fini(&s->arena);
	free(s->netep_ids);
	mr_stash_flush(&s->rx_stash);
	mr_stash_flush(&s->tx_stash);
	mr_large_close(&s->large);
	if (!s->keep_pools) {
		rte_mempool_free(s->rx_pool);
		rte_mempool_free(s->tx_pool);
		rte_mempool_free(s->large.pool);
	}
	rte_free(s);
}

/* ---- the turn */

static void
turn_rx(struct mr_stack *s)
{
	struct rte_mbuf *pkts[MR_BURST];
	struct mr_nic *nic;

	TAILQ_FOREACH(nic, &s->nics, link_in_stack) {
		uint16_t n = MR_BURST;

		for (unsigned i = 0; i < RX_BURSTS && n == MR_BURST && nic->flags & MR_NIC_F_UP; i++) {
			n = nic->link->ops->rx_burst(nic->link, s->now_ns, pkts, nic->rx_most);
			s->work += n;
			if (n > 0)
				mr_nic_rx(nic, pkts, n);
		}
	}
	if (s->steer)
		s->work += mr_steer_in(s);
	if (s->loop.n > 0)
		s->work += mr_nic_loop_deliver(s);
}

static void
turn_reap(struct mr_stack *s)
{
	for (unsigned i = 0; i < s->n_transprotos; i++) {
		struct mr_transproto *tp = s->transproto_list[i];

		if (tp->ops->reap)
			tp->ops->reap(tp);
	}
	if (s->turn_neteps)
		mr_stack_netep_turn_end(s);
	mr_stash_settle(&s->rx_stash);
	mr_stash_settle(&s->tx_stash);
}

unsigned
mr_stack_poll(struct mr_stack *s, uint64_t now_ns)
{
	struct mr_nic *nic;
	bool entered;

	MR_OWN_CORE(s);
	MR_NO_EVENT();
	entered = mr_context_enter(s);
	s->now_ns = now_ns;
	s->polled = true;
	s->work = 0;
	turn_rx(s);
	if (s->steer)
		s->work += mr_mailbox_drain(s);
	s->work += mr_wheel_advance(&s->wheel, now_ns);
	if (unlikely(s->neigh_told))
		s->work += mr_neigh_tell(s);
	if (s->events || unlikely(s->tx_starved))
		s->work += mr_ep_tell_events(s);
	if (unlikely(s->room_wanted))
		mr_ep_give_rooms(s);
	if (s->dirty)
		s->work += mr_ep_output_dirty(s);
	TAILQ_FOREACH(nic, &s->nics, link_in_stack) {
		if (nic->txq_n > 0)
			mr_nic_flush(nic);
	}
	turn_reap(s);
	mr_context_leave(s, entered);
	return s->work;
}

uint64_t
mr_stack_next_ns(const struct mr_stack *s)
{
	uint64_t next_ns = mr_wheel_next_ns(&s->wheel);
	const struct mr_nic *nic;

	MR_OWN_CORE(s);
	if (s->loop.n > 0 || s->dirty || s->events || s->neigh_told || (s->starved && mr_stack_tx_room(s)))
		return s->now_ns;
	TAILQ_FOREACH(nic, &s->nics, link_in_stack) {
		struct mr_link *l = nic->link;

		if (nic->txq_n > 0)
			return s->now_ns;
		if (l->ops->next_ns && nic->flags & MR_NIC_F_UP)
			next_ns = RTE_MIN(next_ns, l->ops->next_ns(l));
	}
	return next_ns;
}

uint64_t
mr_stack_now_ns(const struct mr_stack *s)
{
	MR_OWN_CORE(s);
	return s->now_ns;
}

uint64_t
mr_stack_wall_ns(const struct mr_stack *s)
{
	const struct mr_clock *c = &s->opts.clock;
	struct timespec ts;

	if (c->now_ns)
		return c->now_ns(c->arg);
	clock_gettime(CLOCK_REALTIME, &ts);
	return (uint64_t)ts.tv_sec * NS_PER_S + (uint64_t)ts.tv_nsec;
}

/* ---- packets, counters, protocols */

struct rte_mempool *
mr_stack_rx_pool(struct mr_stack *s)
{
	return s->rx_pool;
}

struct rte_mempool *
mr_stack_tx_pool(struct mr_stack *s)
{
	return s->tx_pool;
}

void
mr_drop(struct mr_stack *s, struct rte_mbuf *m, enum mr_counter reason)
{
	s->counters[reason]++;
	mr_stack_free(s, m);
}

struct rte_mbuf *
mr_stack_tx_copy(struct mr_stack *s, const char *buf, size_t len)
{
	struct rte_mbuf *m = mr_stack_tx_alloc(s), *last = m;

	if (likely(m && len <= rte_pktmbuf_tailroom(m))) {
		rte_memcpy(rte_pktmbuf_mtod(m, char *), buf, len);
		m->data_len = (uint16_t)len;
		m->pkt_len = (uint32_t)len;
		return m;
	}
	while (last) {
		uint16_t k = (uint16_t)RTE_MIN(len, (size_t)rte_pktmbuf_tailroom(last));

		if (k)
			memcpy(rte_pktmbuf_mtod(last, char *), buf, k);
		last->data_len = k;
		m->pkt_len += k;
		buf += k;
		len -= k;
		if (len == 0)
			return m;
		last->next = mr_stack_tx_alloc(s);
		m->nb_segs += last->next != NULL;
		last = last->next;
	}
	rte_pktmbuf_free(m);
	return NULL;
}

void
mr_stack_memory(const struct mr_stack *s, struct mr_stack_memory *out)
{
	uint64_t table = mr_flow_table_bytes(&s->flows);

	MR_OWN_CORE(s);
	mr_arena_memory(&s->arena, &out->used, &out->most);
	out->used += table / s->flows.cap * s->flows.n;
	out->most += table;
}

uint64_t
mr_stack_counter(const struct mr_stack *s, enum mr_counter c)
{
	return (unsigned)c < MR_CNT_MAX ? s->counters[c] : 0;
}

const uint64_t *
mr_stack_stats(const struct mr_stack *s)
{
	return s->counters;
}

void
mr_stack_stats_copy(const struct mr_stack *s, uint64_t out[MR_CNT_MAX])
{
	MR_OWN_CORE(s);
	memcpy(out, s->counters, MR_CNT_MAX * sizeof(*out));
}

bool
mr_stack_has_netproto(const struct mr_stack *s, uint16_t net)
{
	for (unsigned i = 0; i < s->n_netprotos; i++) {
		if (s->netprotos[i]->ops->number == net)
			return true;
	}
	return false;
}

bool
mr_stack_has_transproto(const struct mr_stack *s, uint8_t trans)
{
	return s->transprotos[trans] != NULL;
}

int
mr_netproto_setopt(struct mr_stack *s, uint16_t net, int opt, int64_t value)
{
	struct mr_netproto *np = mr_stack_netproto(s, net);

	MR_OWN_CORE(s);
	if (!np)
		return -EPROTONOSUPPORT;
	return np->ops->setopt ? np->ops->setopt(np, opt, value) : -ENOPROTOOPT;
}

int
mr_netproto_getopt(struct mr_stack *s, uint16_t net, int opt, int64_t *value)
{
	struct mr_netproto *np = mr_stack_netproto(s, net);

	MR_OWN_CORE(s);
	if (!np)
		return -EPROTONOSUPPORT;
	return np->ops->getopt ? np->ops->getopt(np, opt, value) : -ENOPROTOOPT;
}

int
mr_transproto_setopt(struct mr_stack *s, uint8_t trans, int opt, int64_t value)
{
	struct mr_transproto *tp = mr_stack_transproto(s, trans);

	MR_OWN_CORE(s);
	if (!tp)
		return -EPROTONOSUPPORT;
	return tp->ops->setopt ? tp->ops->setopt(tp, opt, value) : -ENOPROTOOPT;
}

int
mr_transproto_getopt(struct mr_stack *s, uint8_t trans, int opt, int64_t *value)
{
	struct mr_transproto *tp = mr_stack_transproto(s, trans);

	MR_OWN_CORE(s);
	if (!tp)
		return -EPROTONOSUPPORT;
	return tp->ops->getopt ? tp->ops->getopt(tp, opt, value) : -ENOPROTOOPT;
}
