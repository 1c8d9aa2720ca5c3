/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The largest packet that the way to a peer takes (RFC 1191, 8201), and what a stack remembers of such ways for ten minutes.
 *
 * A router that says "too big" is believed as far as it may be (RFC 5927). One that only drops, a black hole, shows in
 * timeouts in a row of segments larger than nearly every path takes (RFC 4821 7.7): if that is asked for, smaller ones are
 * then tried, and that they arrive is what makes it known to others. (Not by default: a peer that is short of buffers looks
 * the same, and smaller segments cost it more of them.) What is known is asked for by new connections, and after a pause by
 * those that are; so what has grown old is tried anew: packets get larger again, and a router may say that they still are
 * too big.
 *
 * Not here: probing upwards by single larger segments while others flow (RFC 4821 7.3).
 */
#include "proto/tcp/tcp.h"

#include <stdlib.h>

#include <rte_common.h>

#define AGE_NS 600000000000ull /* RFC 8201 4: ten minutes */
#define LEAST_V4 552u          /* less is not believed */
#define LEAST_V6 1280u
#define GUESS_V4 1024u         /* what nearly every path takes */
#define WAYS 4                 /* places in which a peer may be */

/* Where it is known. */
struct tcp_path {
	struct mr_addr peer;
	uint64_t since_ns; /* 0: nobody */
	uint16_t mtu;
};

struct tcp_path *
tcp_paths_new(void)
{
	return calloc(TCP_PATHS, sizeof(struct tcp_path));
}

static bool
path_is_fresh(const struct tcp_path *p, uint64_t now_ns)
{
	return p->since_ns && now_ns - p->since_ns < AGE_NS;
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
		if (path_is_fresh(&set[i], t->tp.stack->now_ns) && mr_addr_equal(&set[i].peer, peer))
			return &set[i];
	return NULL;
}

/* The oldest makes room. */
static void
path_learn(struct tcp *t, const struct mr_addr *peer, uint16_t mtu)
{
	struct tcp_path *set = path_set(t, peer), *p = path_find(t, peer);

	for (unsigned i = 0; !p && i < WAYS; i++)
		if (!path_is_fresh(&set[i], t->tp.stack->now_ns))
			p = &set[i];
	if (!p) {
		p = set;
		for (unsigned i = 1; i < WAYS; i++)
			if (set[i].since_ns < p->since_ns)
				p = &set[i];
	}
	*p = (struct tcp_path){.peer = *peer, .since_ns = t->tp.stack->now_ns, .mtu = mtu};
	t->paths_known = true;
}

void
tcp_path_ask(struct tcp_conn *c)
{
	struct tcp *t = tcp_of(c->ep.stack);
	const struct tcp_path *p = t->paths_known ? path_find(t, &c->ep.flow.raddr) : NULL;

	c->pmtu = p ? p->mtu : 0;
}

void
tcp_path_again(struct tcp_conn *c)
{
	uint16_t before = c->pmtu;

	tcp_path_ask(c);
	if (c->pmtu != before)
		tcp_mss_update(c);
}

/* @return false: it is no news */
static bool
path_lower(struct tcp_conn *c, uint32_t mtu)
{
	if (mtu >= (c->pmtu ? c->pmtu : c->route.mtu))
		return false;
	c->pmtu = (uint16_t)mtu;
	tcp_mss_update(c);
	return true;
}

void
tcp_path_too_big(struct tcp_conn *c, uint32_t mtu)
{
	bool v4 = mr_addr_is_v4(&c->ep.flow.raddr);

	/* Over IPv6 less than the least is no such message at all. An old router does not say (PM-03). */
	if (!v4 && mtu != 0 && mtu < LEAST_V6)
		return;
	if (!path_lower(c, RTE_MAX(mtu, v4 ? LEAST_V4 : LEAST_V6)))
		return;
	path_learn(tcp_of(c->ep.stack), &c->ep.flow.raddr, c->pmtu);
	c->too_big++;
	/* What was too big is sent again in smaller pieces; the network was not congested (PM-06). */
	tcp_sendq_mark_all_lost(c);
	c->why |= TCP_WHY_RTX;
	mr_ep_mark_dirty(&c->ep);
}

void
tcp_path_timeout(struct tcp_conn *c)
{
	bool v4 = mr_addr_is_v4(&c->ep.flow.raddr);
	uint32_t mtu = !v4 ? LEAST_V6 : c->retries < 4 ? GUESS_V4 : LEAST_V4;
	const struct rte_mbuf *m = c->sendq->head;

	if (!tcp_of(c->ep.stack)->black_holes || c->retries < 2 || !m)
		return;
	if ((uint32_t)tcp_seg(m)->len + c->route.local->np->ops->hdr_bytes + TCP_HDR_BYTES <= mtu)
		return;
	if (!path_lower(c, mtu))
		return;
	tcp_rare_own(c)->black_hole = true;
	mr_count(c->ep.stack, MR_CNT_TCP_BLACK_HOLES);
}

void
tcp_path_recovered(struct tcp_conn *c)
{
	c->rare->black_hole = false;
	path_learn(tcp_of(c->ep.stack), &c->ep.flow.raddr, c->pmtu);
}
