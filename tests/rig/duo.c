/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Two stacks on a wire, in virtual time.
 *
 * Each end's link is, from the stack outwards: judge (reads every frame and hashes it), sniffer if asked for, impair if
 * asked for, pair. The judge sits where the stack's frames are still as it made them.
 */
#include "rig/rig.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <rte_common.h>
#include <rte_mbuf.h>

#include "drivers/decorator.h"

#include "rig/priv.h"

struct judge {
	struct mr_link link;
	struct rig_duo *duo;
	struct rig_duo_end *end;
};

static uint64_t
hash_word(uint64_t h, uint64_t word)
{
	h = (h ^ word) * 0x9e3779b97f4a7c15u;
	return h ^ h >> 32;
}

/* Eight at a time: whole frames go through here. */
static uint64_t
hash_bytes(uint64_t h, const void *data, size_t len)
{
	const uint8_t *p = data;
	uint64_t word;

	for (; len >= sizeof(word); p += sizeof(word), len -= sizeof(word)) {
		memcpy(&word, p, sizeof(word));
		h = hash_word(h, word);
	}
	word = len;
	memcpy((uint8_t *)&word + 1, p, len);
	return hash_word(h, word);
}

/* The frame is on its way, or lost: it counts as sent either way. Consumes f. */
static void
sent(struct rig_duo *d, struct rig_duo_end *end, struct rig_frame *f)
{
	end->frames++;
	end->bytes += f->len;
	end->hash = hash_bytes(hash_bytes(end->hash, &f->time_ns, sizeof(f->time_ns)), f->b, f->len);
	if (d->on_frame)
		d->on_frame(d, end == &d->end[1], f, d->arg);
	free(f);
}

static uint16_t
judge_tx_burst(struct mr_link *l, uint64_t now_ns, struct rte_mbuf **pkts, uint16_t n)
{
	struct rig_duo_end *end = ((struct judge *)l)->end;
	struct rig_duo *d = ((struct judge *)l)->duo;
	uint16_t taken = 0;

	/* One at a time: what the inner link refuses is offered again and would be counted twice. */
	for (; taken < n; taken++) {
		char why[192];
		struct rig_frame *f = rig_judge(l, pkts[taken], why, sizeof(why));

		if (why[0])
			ck_abort_msg("stack %s sent a bad frame: %s\n\t%s", end->link->driver, why, rig_frame_text(f));
		f->time_ns = now_ns;
		if (d->loses && d->loses(d, end == &d->end[1], f, d->arg)) {
			rte_pktmbuf_free(pkts[taken]);
		} else if (l->inner->ops->tx_burst(l->inner, now_ns, &pkts[taken], 1) == 0) {
			free(f);
			break;
		}
		sent(d, end, f);
	}
	return taken;
}

static uint16_t
judge_rx_burst(struct mr_link *l, uint64_t now_ns, struct rte_mbuf **pkts, uint16_t n)
{
	return l->inner->ops->rx_burst(l->inner, now_ns, pkts, n);
}

static void
judge_close(struct mr_link *l)
{
	mr_link_close(l->inner);
	free(l);
}

static const struct mr_link_ops judge_ops = {
	.rx_burst = judge_rx_burst,
	.tx_burst = judge_tx_burst,
	.start = mr_decorator_start,
	.stop = mr_decorator_stop,
	.set_promisc = mr_decorator_set_promisc,
	.set_mcast = mr_decorator_set_mcast,
	.stats = mr_decorator_stats,
	.is_up = mr_decorator_is_up,
	.next_ns = mr_decorator_next_ns,
	.close = judge_close,
};

/* Dress the pair's end. */
static struct mr_link *
wrap(struct rig_duo *d, struct mr_link *l, const struct rig_duo_opts *o, unsigned i)
{
	struct judge *j;

	l->lladdr = (struct mr_lladdr){.b = {2, 0, 0, 0, 0, (uint8_t)(i + 1)}, .len = 6}; /* the driver counts per process */
	if (o->impair[i])
		ck_assert_int_eq(mr_impair_wrap(l, o->impair[i], &l), 0);
	if (o->capture[i])
		ck_assert_int_eq(mr_sniffer_wrap(l, o->capture[i], 0, &l), 0);
	j = calloc(1, sizeof(*j));
	ck_assert_ptr_nonnull(j);
	mr_decorator_init(&j->link, &judge_ops, i ? "b" : "a", l);
	j->duo = d;
	j->end = &d->end[i];
	return &j->link;
}

static void
end_up(struct rig_duo_end *end, struct mr_link *l)
{
	end->link = l;
	end->hash = 0xcbf29ce484222325u;
	ck_assert_int_eq(mr_nic_create(end->stack, RIG_NIC, "duo0", l), 0);
	rig_addr_add(end->stack, &end->addr4, 24);
	rig_addr_add(end->stack, &end->addr6, 64);
}

static void
add_neighbours(struct rig_duo *d)
{
	for (unsigned i = 0; i < 2; i++) {
		struct rig_duo_end *e = &d->end[i], *other = &d->end[!i];

		ck_assert_int_eq(mr_neigh_add(e->stack, RIG_NIC, &other->addr4, &other->link->lladdr), 0);
		ck_assert_int_eq(mr_neigh_add(e->stack, RIG_NIC, &other->addr6, &other->link->lladdr), 0);
	}
}

void
rig_duo_init(struct rig_duo *d, const struct rig_duo_opts *opts)
{
	static const struct rig_duo_opts none;
	const struct rig_duo_opts *o = opts ? opts : &none;
	static const char *const addr[2][2] = {{"10.0.0.1", "fd00::1"}, {"10.0.0.2", "fd00::2"}};
	struct mr_link *l[2];

	memset(d, 0, sizeof(*d));
	d->now = RIG_START_NS;
	for (unsigned i = 0; i < 2; i++) {
		struct mr_stack_opts so = rig_stack_opts(&o->stack[i], i ? "b" : "a", i + 1);

		d->end[i].addr4 = rig_addr(addr[i][0]);
		d->end[i].addr6 = rig_addr(addr[i][1]);
		ck_assert_int_eq(mr_stack_create(&so, &d->end[i].stack), 0);
		mr_stack_poll(d->end[i].stack, d->now);
	}
	ck_assert_int_eq(mr_pair_create(mr_stack_rx_pool(d->end[0].stack), mr_stack_rx_pool(d->end[1].stack), o->mtu,
	                                o->depth ? o->depth : 4096, &l[0], &l[1]), 0);
	for (unsigned i = 0; i < 2; i++)
		end_up(&d->end[i], wrap(d, l[i], o, i));
	if (o->neigh)
		add_neighbours(d);
	rig_duo_run(d, RIG_SETTLE_NS, NULL, NULL);
}

void
rig_duo_fini(struct rig_duo *d)
{
	unsigned before = rig_leaks();

	/* Links first: frames on the wire are of the receiver's pool, frames in impair of the sender's. */
	for (unsigned i = 0; i < 2; i++)
		ck_assert_int_eq(mr_nic_remove(d->end[i].stack, RIG_NIC), 0);
	for (unsigned i = 0; i < 2; i++)
		mr_link_close(d->end[i].link);
	for (unsigned i = 0; i < 2; i++)
		mr_stack_destroy(d->end[i].stack);
	ck_assert_msg(rig_leaks() == before, "%u mbufs are lost", rig_leaks() - before);
}

bool
rig_duo_inject(struct rig_duo *d, unsigned i, const struct rig_buf *b)
{
	struct mr_link *l = d->end[!i].link;
	struct rte_mbuf *m = rte_pktmbuf_alloc(mr_stack_tx_pool(d->end[!i].stack));

	if (!m || b->len > rte_pktmbuf_tailroom(m)) {
		rte_pktmbuf_free(m);
		return false;
	}
	while (l->inner)
		l = l->inner;
	memcpy(rte_pktmbuf_append(m, (uint16_t)b->len), b->b, b->len);
	if (l->ops->tx_burst(l, d->now, &m, 1) == 1)
		return true;
	rte_pktmbuf_free(m);
	return false;
}

/* The next turn of end i for which there is something to do. */
static uint64_t
next_turn(const struct rig_duo *d, unsigned i)
{
	uint64_t next = mr_stack_next_ns(d->end[i].stack), turn = d->turn_ns[i];

	return turn && next < UINT64_MAX - turn ? (RTE_MAX(next, d->now + 1) + turn - 1) / turn * turn : next;
}

/* A turn of end i, if it is its time. */
static unsigned
turn(struct rig_duo *d, unsigned i)
{
	return d->turn_ns[i] && d->now % d->turn_ns[i] ? 0 : mr_stack_poll(d->end[i].stack, d->now);
}

/* Move to the next thing that either stack does, or to `end`. @return false when there is nothing before it */
static bool
jump(struct rig_duo *d, uint64_t end)
{
	uint64_t a = next_turn(d, 0), b = next_turn(d, 1), next = a < b ? a : b;

	if (next > end) {
		d->now = end;
		return false;
	}
	d->now = next > d->now ? next : d->now + 1;
	return true;
}

bool
rig_duo_run(struct rig_duo *d, uint64_t for_ns, bool (*done)(struct rig_duo *d, void *arg), void *arg)
{
	uint64_t end = d->now + for_ns;
	unsigned turns = 0;
	bool more = true;

	for (;;) {
		uint64_t frames = d->end[0].frames + d->end[1].frames;
		unsigned work = turn(d, 0) + turn(d, 1);

		if (done && done(d, arg))
			return true;
		if (work > 0 || d->end[0].frames + d->end[1].frames != frames) {
			if (++turns >= 10 * RIG_QUIET_TURNS)
				ck_abort_msg("the stacks do not come to rest at %.9f s", (double)(d->now - RIG_START_NS) / 1e9);
			continue;
		}
		if (!more || d->now >= end)
			return false;
		more = jump(d, end);
		turns = 0;
	}
}
