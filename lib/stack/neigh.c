/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The neighbour cache of a NIC and its state machine, RFC 4861 7.3, the same for ARP.
 *
 * Entries are one array made with the NIC. The table is bounded twice: by its size, and INCOMPLETE entries by half of
 * it, so that a scan of empty addresses cannot push out the neighbours that exist (RFC 6583). Room is made by evicting
 * the least recently used entry; those a user has pinned stay.
 *
 * An entry whose resolution failed stays FAILED for one more interval, and longer if it may be in a route; the next
 * packet starts again at once (B-19). When an entry ends that is in a route, route_gen moves on.
 *
 * On a host of several cores each has a cache of its own; whoever hears news tells the others, who do not tell on.
 *
 * Not here: the messages (mr_resolver) and their checks; who waits for a link address, and the calls from outside
 * (neigh_wait.c).
 */
#include "stack/neigh.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <rte_common.h>

#include "stack/mailbox.h"
#include "stack/nic.h"
#include "stack/stack.h"

/* News for the other cores. */
struct neigh_news {
	uint16_t nic;
	bool is_advert, create;
	struct mr_addr addr;
	struct mr_neigh_advert advert; /* for learn only ll counts */
};

/* ---- table */

int
mr_neigh_table_init(struct mr_nic *nic, uint32_t cap)
{
	struct mr_neigh_table *t = calloc(1, sizeof(*t));

	if (!t)
		return -ENOMEM;
	t->cap = RTE_MAX(cap, 2u);
	t->mask = rte_align32pow2(t->cap) - 1;
	t->entries = calloc(t->cap, sizeof(*t->entries));
	t->buckets = calloc((size_t)t->mask + 1, sizeof(*t->buckets));
	t->key = mr_rng_u64(&nic->stack->rng) | 1;
	t->lru.lru_next = t->lru.lru_prev = &t->lru;
	if (!t->entries || !t->buckets) {
		free(t->entries);
		free(t->buckets);
		free(t);
		return -ENOMEM;
	}
	for (uint32_t i = t->cap; i-- > 0;) {
		t->entries[i].hash_next = t->free;
		t->free = &t->entries[i];
	}
	nic->neigh = t;
	return 0;
}

static struct mr_neigh **
bucket(struct mr_neigh_table *t, const struct mr_addr *a)
{
	uint64_t h = (a->d[0] ^ t->key) * 0x9e3779b97f4a7c15u;

	h = ((h ^ (h >> 29)) + a->d[1]) * t->key;
	return &t->buckets[(h ^ (h >> 32)) & t->mask];
}

static void
lru_unlink(struct mr_neigh *n)
{
	n->lru_prev->lru_next = n->lru_next;
	n->lru_next->lru_prev = n->lru_prev;
}

static void
lru_push(struct mr_neigh_table *t, struct mr_neigh *n)
{
	n->lru_prev = &t->lru;
	n->lru_next = t->lru.lru_next;
	n->lru_next->lru_prev = n;
	t->lru.lru_next = n;
}

static inline void
touch(struct mr_neigh *n)
{
	if (mr_neigh_is_last_used(n))
		return;
	lru_unlink(n);
	lru_push(n->nic->neigh, n);
}

/* Packets that wait may be receive buffers, forwarded or turned round: those are on their budget (stack.h). */
static bool
is_receive_mbuf(const struct mr_stack *s, const struct rte_mbuf *m)
{
	return m->pool != s->tx_pool;
}

static struct rte_mbuf *
pending_pop(struct mr_stack *s, struct mr_pktq *q)
{
	struct rte_mbuf *m = mr_pktq_pop(q);

	if (m)
		s->rx_held -= is_receive_mbuf(s, m);
	return m;
}

static void
pending_drop(struct mr_neigh *n)
{
	struct rte_mbuf *m;

	while ((m = pending_pop(n->nic->stack, &n->pending)))
		mr_drop(n->nic->stack, m, MR_DROP_NEIGH_FAILED);
}

static void
set_state(struct mr_neigh *n, enum mr_neigh_state state)
{
	struct mr_neigh_table *t = n->nic->neigh;

	t->n_unresolved -= !mr_neigh_has_ll(n);
	n->state = state;
	t->n_unresolved += !mr_neigh_has_ll(n);
	n->probes = 0;
	mr_timer_cancel(&n->nic->stack->wheel, &n->timer);
}

void
mr_neigh_end(struct mr_neigh *n, int why)
{
	struct mr_neigh_table *t = n->nic->neigh;
	struct mr_stack *s = n->nic->stack;
	struct mr_neigh **at = bucket(t, &n->addr);

	pending_drop(n);
	mr_neigh_settle(n, why);
	mr_timer_cancel(&s->wheel, &n->timer);
	t->n_unresolved -= !mr_neigh_has_ll(n);
	while (*at != n)
		at = &(*at)->hash_next;
	*at = n->hash_next;
	lru_unlink(n);
	if (n->in_route)
		s->route_gen++;
	memset(n, 0, sizeof(*n));
	n->hash_next = t->free;
	t->free = n;
}

void
mr_neigh_table_fini(struct mr_nic *nic)
{
	struct mr_neigh_table *t = nic->neigh;

	if (!t)
		return;
	while (t->lru.lru_next != &t->lru)
		mr_neigh_end(t->lru.lru_next, -ENODEV);
	free(t->entries);
	free(t->buckets);
	free(t);
	nic->neigh = NULL;
}

/* Evict the least recently used entry; only one without a link address if so asked. @return false: there is none */
static bool
evict(struct mr_nic *nic, bool unresolved)
{
	struct mr_neigh_table *t = nic->neigh;
	struct mr_neigh *n = t->lru.lru_prev;

	while (n != &t->lru && (n->pinned || (unresolved && mr_neigh_has_ll(n))))
		n = n->lru_prev;
	if (n == &t->lru) {
		mr_count(nic->stack, MR_CNT_NEIGH_TABLE_FULL);
		return false;
	}
	mr_neigh_end(n, -ECANCELED);
	mr_count(nic->stack, MR_CNT_NEIGH_EVICTED);
	return true;
}

static struct mr_neigh *
entry_new(struct mr_nic *nic, const struct mr_addr *addr, enum mr_neigh_state state)
{
	struct mr_neigh_table *t = nic->neigh;
	bool budget = state == MR_NEIGH_INCOMPLETE && t->n_unresolved >= t->cap / 2;
	struct mr_neigh *n, **at = bucket(t, addr);

	if ((budget || !t->free) && !evict(nic, budget))
		return NULL;
	n = t->free;
	t->free = n->hash_next;
	n->addr = *addr;
	n->nic = nic;
	n->state = state;
	n->confirmed_ns = nic->stack->now_ns;
	t->n_unresolved += !mr_neigh_has_ll(n);
	n->hash_next = *at;
	*at = n;
	lru_push(t, n);
	return n;
}

struct mr_neigh *
mr_neigh_lookup(struct mr_nic *nic, const struct mr_addr *addr)
{
	struct mr_neigh *n = *bucket(nic->neigh, addr);

	while (n && !mr_addr_equal(&n->addr, addr))
		n = n->hash_next;
	return n;
}

struct mr_neigh *
mr_neigh_next(struct mr_nic *nic, struct mr_neigh *prev)
{
	struct mr_neigh *n = prev ? prev->lru_next : nic->neigh->lru.lru_next;

	return n == &nic->neigh->lru ? NULL : n;
}

/* ---- asking */

struct mr_netproto *
mr_neigh_resolver(struct mr_stack *s, const struct mr_addr *addr)
{
	uint16_t net = mr_addr_net(addr);

	for (unsigned i = 0; i < s->n_netprotos; i++) {
		const struct mr_resolver *r = s->netprotos[i]->ops->resolver;

		if (r && r->resolves_for == net)
			return s->netprotos[i];
	}
	return NULL;
}

bool
mr_neigh_static(struct mr_nic *nic, const struct mr_addr *addr, struct mr_lladdr *out)
{
	struct mr_netproto *np = mr_neigh_resolver(nic->stack, addr);

	return np && np->ops->resolver->resolve_static && np->ops->resolver->resolve_static(np, nic, addr, out);
}

struct mr_neigh *
mr_neigh_use(struct mr_nic *nic, const struct mr_addr *addr)
{
	struct mr_neigh *n = mr_neigh_lookup(nic, addr);
	struct mr_lladdr ll;

	if (n) {
		touch(n);
		return n;
	}
	if (!mr_neigh_resolver(nic->stack, addr))
		return NULL;
	if (!mr_neigh_static(nic, addr, &ll))
		return entry_new(nic, addr, MR_NEIGH_INCOMPLETE);
	n = entry_new(nic, addr, MR_NEIGH_STATIC);
	if (n)
		n->ll = ll;
	return n;
}

static void neigh_timer(struct mr_timer *timer, uint64_t now_ns);

static void
arm(struct mr_neigh *n, uint64_t after_ns)
{
	struct mr_stack *s = n->nic->stack;

	mr_timer_arm(&s->wheel, &n->timer, s->now_ns + after_ns, neigh_timer);
}

/* One request, unicast if we have a link address to probe. Without an address of our own nobody could answer; the try
 * counts all the same. */
static void
send_request(struct mr_neigh *n)
{
	struct mr_nic *nic = n->nic;
	struct mr_netproto *np = mr_neigh_resolver(nic->stack, &n->addr);
	struct mr_netep *src = mr_nic_netep_find(nic, &n->pending_src);

	n->probes++;
	arm(n, MR_NEIGH_RETRANS_NS);
	if (!src)
		src = mr_nic_netep_primary(nic, &n->addr);
	if (!src || !np)
		return;
	mr_count(nic->stack, MR_CNT_NEIGH_REQUESTS);
	np->ops->resolver->request(np, nic, &n->addr, &src->addr, n->state == MR_NEIGH_PROBE ? &n->ll : NULL);
}

void
mr_neigh_ask(struct mr_neigh *n, const struct mr_addr *src)
{
	if (src && n->pending.n == 0 && !mr_addr_is_any(src))
		n->pending_src = *src;
	if (n->state == MR_NEIGH_FAILED)
		set_state(n, MR_NEIGH_INCOMPLETE);
	if (n->probes == 0)
		send_request(n);
}

/* Tell those whose packets waited in vain. */
static void
pending_undeliverable(struct mr_neigh *n)
{
	struct mr_nic *nic = n->nic;
	struct mr_pktq q = n->pending;
	struct rte_mbuf *m;

	/* Whoever is told may send again, and a new queue begins. */
	n->pending = (struct mr_pktq){0};
	mr_count_n(nic->stack, MR_DROP_NEIGH_FAILED, q.n);
	while ((m = pending_pop(nic->stack, &q))) {
		struct mr_netproto *np = mr_stack_netproto(nic->stack, mr_pkt(m)->net_proto);

		if (np && np->ops->undeliverable)
			np->ops->undeliverable(np, nic, m);
		else
			rte_pktmbuf_free(m);
	}
}

/* The neighbour does not answer. Remembered for as long as a request would have to wait for the last one anyway. */
static void
fail(struct mr_neigh *n)
{
	set_state(n, MR_NEIGH_FAILED);
	n->ll.len = 0;
	n->confirmed_ns = n->nic->stack->now_ns;
	arm(n, MR_NEIGH_RETRANS_NS);
	mr_neigh_settle(n, -EHOSTUNREACH);
	pending_undeliverable(n);
}

static void
set_reachable(struct mr_neigh *n, uint64_t now_ns)
{
	set_state(n, MR_NEIGH_REACHABLE);
	n->confirmed_ns = now_ns;
	arm(n, MR_NEIGH_REACHABLE_NS / 2 + mr_rng_below(&n->nic->stack->rng, 1000) * (MR_NEIGH_REACHABLE_NS / 1000));
}

static void
neigh_timer(struct mr_timer *timer, uint64_t now_ns)
{
	struct mr_neigh *n = container_of(timer, struct mr_neigh, timer);
	uint64_t quiet_ns = now_ns - n->confirmed_ns;

	switch (n->state) {
	case MR_NEIGH_REACHABLE:
		/* Confirmations only move confirmed_ns; the timer follows when it fires. */
		if (quiet_ns < MR_NEIGH_REACHABLE_NS / 2)
			arm(n, MR_NEIGH_REACHABLE_NS / 2 - quiet_ns +
			               mr_rng_below(&n->nic->stack->rng, 1000) * (MR_NEIGH_REACHABLE_NS / 1000));
		else
			set_state(n, MR_NEIGH_STALE);
		break;
	case MR_NEIGH_DELAY:
		set_state(n, MR_NEIGH_PROBE);
		send_request(n);
		break;
	case MR_NEIGH_PROBE:
	case MR_NEIGH_INCOMPLETE:
		if (n->probes < MR_NEIGH_PROBES)
			send_request(n);
		else
			fail(n);
		break;
	case MR_NEIGH_FAILED:
		if (!n->in_route)
			mr_neigh_end(n, -EHOSTUNREACH);
		break;
	default:
		break;
	}
}

/* ---- sending */

void
mr_neigh_used(struct mr_neigh *n)
{
	if (likely(n->state != MR_NEIGH_STALE))
		return;
	set_state(n, MR_NEIGH_DELAY);
	arm(n, MR_NEIGH_DELAY_NS);
}

/* A packet waits for the link address; the oldest gives way. */
static void
keep_pending(struct mr_neigh *n, struct rte_mbuf *m, uint16_t net_proto)
{
	struct mr_stack *s = n->nic->stack;

	if (n->pending.n == MR_NEIGH_PENDING)
		mr_drop(s, pending_pop(s, &n->pending), MR_DROP_NEIGH_QUEUE_FULL);
	if (is_receive_mbuf(s, m)) {
		if (!mr_stack_rx_room(s)) {
			mr_drop(s, m, MR_DROP_NEIGH_QUEUE_FULL);
			return;
		}
		s->rx_held++;
	}
	mr_pkt(m)->net_proto = net_proto;
	if (m->port == MR_PORT_ALONE)
		m->port = MR_PORT_HELD; /* the NIC's room for it was looked at now, not when it leaves */
	mr_pktq_push(&n->pending, m);
}

void
mr_neigh_output_burst(struct mr_neigh *n, struct rte_mbuf **pkts, uint16_t n_pkts, uint16_t net_proto)
{
	touch(n);
	if (likely(mr_neigh_has_ll(n))) {
		if (unlikely(n->state == MR_NEIGH_STALE))
			mr_neigh_used(n);
		mr_nic_output_ll_burst(n->nic, pkts, n_pkts, &n->ll, net_proto);
		return;
	}
	for (uint16_t i = 0; i < n_pkts; i++)
		keep_pending(n, pkts[i], net_proto);
	mr_neigh_ask(n, NULL);
}

/* The link address is known now: send what waited, in order, and tell who waits for it. */
static void
resolved(struct mr_neigh *n)
{
	struct rte_mbuf *m;

	while ((m = pending_pop(n->nic->stack, &n->pending)))
		mr_neigh_output(n, m, mr_pkt(m)->net_proto);
	mr_neigh_settle(n, 0);
}

/* ---- learning */

static bool
same_ll(const struct mr_lladdr *a, const struct mr_lladdr *b)
{
	return a->len == b->len && memcmp(a->b, b->b, a->len) == 0;
}

static int
hear_news(struct mr_stack *s, unsigned core, void *arg)
{
	const struct neigh_news *news = arg;
	struct mr_nic *nic = mr_nic_find(s, news->nic);

	(void)core;
	if (!nic)
		return 0;
	s->neigh_hearsay = true;
	if (news->is_advert)
		mr_neigh_advert(nic, &news->addr, &news->advert);
	else
		mr_neigh_learn(nic, &news->addr, &news->advert.ll, news->create);
	s->neigh_hearsay = false;
	return 0;
}

static void
tell_news(struct mr_nic *nic, struct neigh_news *news)
{
	struct mr_stack *s = nic->stack;

	if (!s->steer || s->neigh_hearsay)
		return;
	news->nic = nic->id;
	mr_mailbox_tell_others(s, hear_news, news, sizeof(*news));
}

void
mr_neigh_learn(struct mr_nic *nic, const struct mr_addr *addr, const struct mr_lladdr *ll, bool create)
{
	struct neigh_news news = {.addr = *addr, .create = create, .advert = {.has_ll = true, .ll = *ll}};
	struct mr_neigh *n = mr_neigh_lookup(nic, addr);

	if (!ll->len || (n && (n->state == MR_NEIGH_STATIC || same_ll(&n->ll, ll))))
		return;
	tell_news(nic, &news);
	if (!n && create)
		n = entry_new(nic, addr, MR_NEIGH_STALE);
	if (!n)
		return;
	set_state(n, MR_NEIGH_STALE);
	n->ll = *ll;
	n->confirmed_ns = nic->stack->now_ns;
	resolved(n);
}

void
mr_neigh_advert(struct mr_nic *nic, const struct mr_addr *addr, const struct mr_neigh_advert *a)
{
	struct neigh_news news = {.is_advert = true, .addr = *addr, .advert = *a};
	struct mr_neigh *n = mr_neigh_lookup(nic, addr);
	uint64_t now_ns = nic->stack->now_ns;
	bool changed;

	tell_news(nic, &news);
	if (!n || n->state == MR_NEIGH_STATIC)
		return;
	if (!mr_neigh_has_ll(n) && !a->has_ll)
		return;
	changed = a->has_ll && !same_ll(&n->ll, &a->ll);
	/* Another link address that may not replace ours only puts it in doubt. */
	if (changed && !a->override && mr_neigh_has_ll(n)) {
		if (n->state == MR_NEIGH_REACHABLE)
			set_state(n, MR_NEIGH_STALE);
		return;
	}
	if (changed) {
		n->ll = a->ll;
		n->confirmed_ns = now_ns;
	}
	n->is_router = a->router;
	if (a->solicited)
		set_reachable(n, now_ns);
	else if (changed)
		set_state(n, MR_NEIGH_STALE);
	resolved(n);
}

void
mr_neigh_confirm_other(struct mr_neigh *n, uint64_t now_ns)
{
	if (n->state == MR_NEIGH_STALE || n->state == MR_NEIGH_DELAY || n->state == MR_NEIGH_PROBE)
		set_reachable(n, now_ns);
}

void
mr_neigh_doubt(struct mr_neigh *n)
{
	if (n->state == MR_NEIGH_REACHABLE)
		set_state(n, MR_NEIGH_STALE);
}

/* ---- by hand */

int
mr_neigh_pin(struct mr_nic *nic, const struct mr_addr *addr, const struct mr_lladdr *ll)
{
	struct mr_neigh *n = mr_neigh_lookup(nic, addr);

	if (!n)
		n = entry_new(nic, addr, MR_NEIGH_STATIC);
	if (!n)
		return -ENOMEM;
	set_state(n, MR_NEIGH_STATIC);
	n->pinned = true;
	n->ll = *ll;
	n->confirmed_ns = nic->stack->now_ns;
	resolved(n);
	return 0;
}

void
mr_neigh_restore(struct mr_nic *nic, const struct mr_addr *addr, const struct mr_neigh_info *old)
{
	struct mr_neigh *n = mr_neigh_lookup(nic, addr);

	if (!n)
		return;
	if (!old->ll.len) {
		mr_neigh_end(n, -ECANCELED);
		return;
	}
	if (old->state == MR_NEIGH_REACHABLE)
		set_reachable(n, nic->stack->now_ns);
	else
		set_state(n, old->state == MR_NEIGH_STATIC ? MR_NEIGH_STATIC : MR_NEIGH_STALE);
	n->pinned = old->pinned;
	n->is_router = old->is_router;
	n->ll = old->ll;
	n->confirmed_ns = nic->stack->now_ns - old->age_ns;
}
