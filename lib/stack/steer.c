/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Software steering: Toeplitz hash of the tuple, RETA, and bounded SPSC rings from each core to each other one.
 *
 * The default key repeats one 16-bit pattern: a bit of the source and the same bit of the destination then meet the
 * same 32 key bits, so a tuple and its reverse hash equal. Ports of 0 add nothing: a fragment hashes as its addresses
 * do.
 *
 * A packet passes with its facts beside it. Only the pointer to its NIC cannot pass, it belongs to the sender's stack:
 * the NIC's id travels in `hash`, which nothing uses before demux. The destination, which parse returns apart from the
 * facts, travels in the second line of the private area.
 *
 * Not here: who is a member of a group. Every core gets a copy and finds out by itself.
 */
#include "stack/steer.h"

#include <errno.h>
#include <string.h>

#include <rte_byteorder.h>
#include <rte_thash.h>

#include "stack/mailbox.h"
#include "stack/nic.h"
#include "stack/ring.h"
#include "stack/stack.h"

#define STEER_IN_BURSTS 4 /* bursts taken from one ring in a turn, so that no neighbour can starve the own queues */

/* What a burst sends to each core. */
struct outbox {
	uint16_t n[RTE_DIM(((struct mr_steer *)0)->out)];
	struct rte_mbuf *pkts[RTE_DIM(((struct mr_steer *)0)->out)][MR_BURST];
};

void
mr_steer_init(struct mr_steer *st, uint16_t core, uint16_t n_cores, const uint8_t rss_key[MR_STEER_KEY_BYTES])
{
	uint32_t key[MR_STEER_KEY_BYTES / 4];

	memset(st, 0, sizeof(*st));
	st->core = core;
	st->n_cores = n_cores;
	for (unsigned i = 0; i < RTE_DIM(key); i++)
		key[i] = rte_cpu_to_be_32(0x6d5a6d5a);
	if (rss_key)
		memcpy(key, rss_key, sizeof(key));
	rte_convert_rss_key(key, st->key, sizeof(key));
	for (unsigned i = 0; i < MR_STEER_RETA; i++)
		st->reta[i] = i % n_cores;
}

static int
mesh_connect(struct mr_steer *const *st, uint16_t from, uint16_t to)
{
	struct rte_ring *r = mr_ring_create(MR_STEER_RING, RING_F_SP_ENQ | RING_F_SC_DEQ);

	if (!r)
		return -ENOMEM;
	st[from]->out[to] = r;
	st[to]->in[from] = r;
	return 0;
}

int
mr_steer_mesh_create(struct mr_steer *const *st, uint16_t n)
{
	for (uint16_t i = 0; i < n; i++) {
		st[i]->mail = mr_mailbox_create();
		if (!st[i]->mail)
			goto fail;
		for (uint16_t j = 0; j < n; j++) {
			st[j]->mail_of[i] = st[i]->mail;
			if (i != j && mesh_connect(st, i, j) < 0)
				goto fail;
		}
	}
	return 0;
fail:
	mr_steer_mesh_destroy(st, n);
	return -ENOMEM;
}

void
mr_steer_mesh_destroy(struct mr_steer *const *st, uint16_t n)
{
	for (uint16_t i = 0; i < n; i++) {
		for (uint16_t j = 0; j < n; j++) {
			mr_ring_free_pkts(st[i]->in[j]);
			st[i]->in[j] = NULL;
			st[j]->out[i] = NULL;
			st[j]->mail_of[i] = NULL;
		}
		mr_mailbox_destroy(st[i]->mail);
		st[i]->mail = NULL;
	}
}

uint32_t
mr_steer_hash(const struct mr_steer *st, const struct mr_tuple *t)
{
	bool v4 = mr_addr_is_v4(&t->src) && mr_addr_is_v4(&t->dst);
	unsigned per_addr = v4 ? 1 : 4, n = 0;
	uint32_t in[9];

	for (unsigned i = 4 - per_addr; i < 4; i++, n++) {
		in[n] = rte_be_to_cpu_32(t->src.w[i]);
		in[n + per_addr] = rte_be_to_cpu_32(t->dst.w[i]);
	}
	n += per_addr;
	in[n++] = (uint32_t)rte_be_to_cpu_16(t->sport_be) << 16 | rte_be_to_cpu_16(t->dport_be);
	return rte_softrss_be(in, n, (const uint8_t *)st->key);
}

uint16_t
mr_steer_owner(const struct mr_steer *st, const struct mr_tuple *t)
{
	return st->reta[mr_steer_hash(st, t) % MR_STEER_RETA];
}

static void
outbox_put(struct outbox *box, uint16_t core, struct rte_mbuf *m, const struct mr_addr *dst)
{
	struct mr_pkt *p = mr_pkt(m);

	*mr_pkt_dst(m) = *dst;
	p->hash = p->nic->id;
	p->nic = NULL;
	p->flags |= MR_PKT_F_STEERED;
	box->pkts[core][box->n[core]++] = m;
}

/* A copy with its facts. Offsets are counted from the buffer's start, and a copy's data starts elsewhere than that of a
 * packet whose link header was stripped. NULL: no memory */
static struct rte_mbuf *
packet_copy(struct mr_stack *s, struct rte_mbuf *m)
{
	struct rte_mbuf *copy = rte_pktmbuf_copy(m, s->rx_pool, 0, UINT32_MAX);
	struct mr_pkt *p;

	if (!copy)
		return NULL;
	p = mr_pkt(copy);
	*p = *mr_pkt(m);
	p->net_off += copy->data_off - m->data_off;
	p->trans_off += copy->data_off - m->data_off;
	return copy;
}

/* A group packet concerns every core that has members: the others get copies, for the original will be written to. */
static void
outbox_put_copies(struct mr_stack *s, struct outbox *box, struct rte_mbuf *m, const struct mr_addr *dst)
{
	const struct mr_steer *st = s->steer;

	for (uint16_t core = 0; core < st->n_cores; core++) {
		struct rte_mbuf *copy;

		if (core == st->core)
			continue;
		copy = packet_copy(s, m);
		if (copy)
			outbox_put(box, core, copy, dst);
		else
			mr_count(s, MR_DROP_STEER_NO_MBUF);
	}
}

static void
outbox_send(struct mr_stack *s, struct outbox *box)
{
	const struct mr_steer *st = s->steer;

	for (uint16_t core = 0; core < st->n_cores; core++) {
		uint16_t sent;

		if (!box->n[core])
			continue;
		sent = rte_ring_sp_enqueue_burst(st->out[core], (void **)box->pkts[core], box->n[core], NULL);
		mr_count_n(s, MR_CNT_STEER_OUT, sent);
		for (uint16_t i = sent; i < box->n[core]; i++)
			mr_drop(s, box->pkts[core][i], MR_DROP_STEER_RING_FULL);
	}
}

/* @return true if the packet stays on this core */
static bool
steer_one(struct mr_stack *s, struct mr_netproto *np, struct outbox *box, struct rte_mbuf *m, const struct mr_addr *dst)
{
	struct mr_tuple t;
	uint16_t owner;

	if (!np->ops->tuple(np, m, &t))
		return true;
	if (mr_pkt(m)->flags & (MR_PKT_F_NET_MULTICAST | MR_PKT_F_NET_BROADCAST)) {
		outbox_put_copies(s, box, m, dst);
		return true;
	}
	owner = mr_steer_owner(s->steer, &t);
	if (owner == s->steer->core)
		return true;
	outbox_put(box, owner, m, dst);
	return false;
}

uint16_t
mr_steer_out(struct mr_stack *s, struct mr_netproto *np, struct rte_mbuf **pkts, struct mr_addr *dst, uint16_t n)
{
	uint16_t stay = 0;
	struct outbox box;

	if (s->steer->n_cores == 1 || !np->ops->tuple)
		return n;
	for (uint16_t done = 0; done < n;) {
		uint16_t end = RTE_MIN(n, done + MR_BURST);

		memset(box.n, 0, s->steer->n_cores * sizeof(box.n[0]));
		for (; done < end; done++) {
			struct rte_mbuf *m = pkts[done];
			struct mr_addr d = dst[done];

			if (!steer_one(s, np, &box, m, &d))
				continue;
			pkts[stay] = m;
			dst[stay++] = d;
		}
		outbox_send(s, &box);
	}
	return stay;
}

/* Deliver packets that came together: one call for each run of one NIC and protocol. */
static void
steer_deliver(struct mr_stack *s, struct rte_mbuf **pkts, uint16_t n)
{
	struct mr_addr dst[MR_BURST];
	uint16_t end;

	for (uint16_t i = 0; i < n; i = end) {
		uint32_t id = mr_pkt(pkts[i])->hash;
		uint16_t net = mr_pkt(pkts[i])->net_proto;
		struct mr_nic *nic = mr_nic_find(s, id);

		for (end = i; end < n && mr_pkt(pkts[end])->hash == id && mr_pkt(pkts[end])->net_proto == net; end++)
			dst[end] = *mr_pkt_dst(pkts[end]);
		for (uint16_t k = i; k < end; k++) {
			mr_pkt(pkts[k])->nic = nic;
			mr_pkt(pkts[k])->hash = 0;
			if (!nic || !(nic->flags & MR_NIC_F_UP))
				mr_drop(s, pkts[k], MR_DROP_NIC_DISABLED);
		}
		if (nic && nic->flags & MR_NIC_F_UP)
			mr_nic_deliver_parsed(nic, net, pkts + i, dst + i, end - i);
	}
}

unsigned
mr_steer_in(struct mr_stack *s)
{
	struct mr_steer *st = s->steer;
	unsigned total = 0;

	for (uint16_t core = 0; core < st->n_cores; core++) {
		struct rte_mbuf *pkts[MR_BURST];
		unsigned n = MR_BURST;

		for (unsigned i = 0; st->in[core] && n == MR_BURST && i < STEER_IN_BURSTS; i++) {
			n = rte_ring_sc_dequeue_burst(st->in[core], (void **)pkts, MR_BURST, NULL);
			mr_count_n(s, MR_CNT_STEER_IN, n);
			steer_deliver(s, pkts, n);
			total += n;
		}
	}
	return total;
}
