/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Path MTU discovery with the help of routers (RFC 1191, 8201), and what a stack remembers of the ways to its peers.
 *
 * A router that says "too big" is believed as far as it may be (RFC 5927). What is known is asked for by new connections,
 * and after a pause by those that are. It grows old in ten minutes: then packets get larger again, and a router may say that
 * they still are too big. What a search has found (mtu_search.c), where no router tells, does not grow old in this way: there
 * larger packets would only vanish, and are tried one at a time.
 */
#include "proto/tcp/tcp.h"

#include <stdlib.h>

#include <rte_common.h>

#define WAYS 4 /* places in which a peer may be */

struct tcp_path *
tcp_paths_new(void)
{
	return calloc(TCP_PATHS, sizeof(struct tcp_path));
}

static bool
is_fresh(const struct tcp *t, const struct tcp_path *p)
{
	return p->since_ns && t->tp.stack->now_ns - p->since_ns < t->mtu_probe_ns;
}

static struct tcp_path *
path_set(const struct tcp *t, const struct mr_addr *peer)
{
	return &t->paths[siphash_words(&t->ts_key, peer->d, 2) % (TCP_PATHS / WAYS) * WAYS];
}

static struct tcp_path *
path_find(const struct tcp *t, const struct mr_addr *peer)
{
	struct tcp_path *set = path_set(t, peer);

	for (unsigned i = 0; i < WAYS; i++)
		if (set[i].since_ns && mr_addr_equal(&set[i].peer, peer) && (set[i].silent || is_fresh(t, &set[i])))
			return &set[i];
	return NULL;
}

/* The oldest makes room. */
static struct tcp_path *
path_room(const struct tcp *t, const struct mr_addr *peer)
{
	struct tcp_path *set = path_set(t, peer), *p = set;

	for (unsigned i = 1; i < WAYS; i++)
		if (set[i].since_ns < p->since_ns)
			p = &set[i];
	return p;
}

struct tcp_path *
tcp_path_own(struct tcp_conn *c)
{
	struct tcp *t = tcp_of(c->ep.stack);
	const struct mr_addr *peer = &c->ep.flow.raddr;
	struct tcp_path *p = path_find(t, peer);

	if (!p) {
		p = path_room(t, peer);
		*p = (struct tcp_path){.peer = *peer, .since_ns = t->tp.stack->now_ns, .mtu = c->pmtu ? c->pmtu : c->route.mtu};
		p->high = p->next = c->route.mtu;
		t->paths_known = true;
	}
	return p;
}

void
tcp_path_ask(struct tcp_conn *c)
{
	struct tcp *t = tcp_of(c->ep.stack);
	const struct tcp_path *p = t->paths_known ? path_find(t, &c->ep.flow.raddr) : NULL;
	uint32_t mtu = p ? p->mtu : t->mtu_probing == MR_TCP_MTU_PROBING_ALWAYS ? tcp_path_base(c) : c->route.mtu;

	c->pmtu = mtu < c->route.mtu ? (uint16_t)mtu : 0;
}

void
tcp_path_again(struct tcp_conn *c)
{
	uint16_t before = c->pmtu;

	tcp_path_ask(c);
	if (c->pmtu != before)
		tcp_mss_update(c);
}

void
tcp_path_use(struct tcp_conn *c, uint32_t mtu)
{
	c->pmtu = mtu < c->route.mtu ? (uint16_t)mtu : 0;
	tcp_mss_update(c);
}

bool
tcp_path_lower(struct tcp_conn *c, uint32_t mtu)
{
	if (mtu >= (c->pmtu ? c->pmtu : c->route.mtu))
		return false;
	tcp_path_use(c, mtu);
	return true;
}

/* A router has told. */
static void
path_learn(struct tcp_conn *c)
{
	const struct tcp *t = tcp_of(c->ep.stack);
	struct tcp_path *p = tcp_path_own(c);

	p->since_ns = t->tp.stack->now_ns;
	p->again_ns = p->since_ns + t->mtu_probe_ns;
	p->mtu = p->high = c->pmtu;
	p->next = 0;
	p->silent = false;
}

void
tcp_path_too_big(struct tcp_conn *c, uint32_t mtu)
{
	bool v4 = mr_addr_is_v4(&c->ep.flow.raddr);

	/* Over IPv6 less than the least is no such message at all. An old router does not say (PM-03). */
	if (!v4 && mtu != 0 && mtu < TCP_LEAST_V6)
		return;
	mtu = RTE_MAX(mtu, v4 ? TCP_LEAST_V4 : TCP_LEAST_V6);
	if (c->rare->mtu_probe)
		tcp_mtu_probe_too_big(c, mtu);
	if (!tcp_path_lower(c, mtu))
		return;
	path_learn(c);
	c->too_big++;
	/* What was too big is sent again in smaller pieces; the network was not congested (PM-06). */
	tcp_sendq_mark_all_lost(c);
	c->why |= TCP_WHY_RTX;
	mr_ep_mark_dirty(&c->ep);
}
