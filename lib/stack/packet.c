/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Packet endpoints: whole frames of NICs, in and out, below every protocol.
 *
 * Each frame is shown to each endpoint, which keeps a copy of what it wants; nothing else happens to the frame. Sending
 * passes by protocols, routes and neighbours, straight into the NIC's queue for this turn's flush.
 *
 * Not here: what a link header looks like (the framing says); packets to ourselves, which never become frames.
 * Invariant: mr_stack.packets_out counts the endpoints that want outgoing frames, so that nobody pays for asking.
 */
#include "stack/packet.h"

#include <errno.h>
#include <string.h>

#include <rte_byteorder.h>

#include "stack/context.h"
#include "stack/rxq.h"
#include "stack/stack.h"

struct mr_packet_ep {
	struct mr_ep ep;
	struct mr_rxq rxq;
	uint16_t nic;  /* 0: all */
	uint16_t type; /* 0: all */
	bool outgoing; /* hears what leaves, too */
	LIST_ENTRY(mr_packet_ep) link;
};

/* How a link address lies in that of a struct mr_sockaddr. */
struct ll_form {
	uint8_t b[6];
	uint8_t len;
	uint8_t kind; /* enum mr_frame_kind */
	uint8_t zero[8];
};
_Static_assert(sizeof(struct ll_form) == sizeof(struct mr_addr), "in the place of a network address");

static const struct mr_rxq_counters packet_counters = {
	MR_CNT_PACKET_RX_FRAMES, MR_DROP_PACKET_QUEUE_FULL, MR_DROP_PACKET_NO_MEMORY,
};

static struct mr_packet_ep *
packet_of(struct mr_ep *ep)
{
	return (struct mr_packet_ep *)ep;
}

/* ---- link addresses as transport addresses */

static struct mr_addr
ll_pack(const struct mr_lladdr *ll, enum mr_frame_kind kind)
{
	struct ll_form f = {.len = ll->len, .kind = kind};
	struct mr_addr a;

	memcpy(f.b, ll->b, sizeof(f.b));
	memcpy(&a, &f, sizeof(a));
	return a;
}

struct mr_sockaddr
mr_sockaddr_ll(const struct mr_lladdr *ll, uint16_t ether_type, uint16_t nic)
{
	return (struct mr_sockaddr){.addr = ll_pack(ll, MR_FRAME_HOST), .port = ether_type, .nic = nic};
}

enum mr_frame_kind
mr_sockaddr_get_ll(const struct mr_sockaddr *a, struct mr_lladdr *out)
{
	struct ll_form f;

	memcpy(&f, &a->addr, sizeof(f));
	*out = (struct mr_lladdr){.len = f.len};
	memcpy(out->b, f.b, sizeof(out->b));
	return f.kind;
}

/* ---- what comes in, and what goes by */

static void
hear(struct mr_packet_ep *pe, const struct mr_nic *nic, const struct rte_mbuf *m, const struct mr_frame *f)
{
	struct rte_mbuf *copy;
	struct mr_pkt *p;

	if ((pe->nic && pe->nic != nic->id) || (pe->type && pe->type != f->type))
		return;
	copy = mr_rxq_copy(&pe->rxq, pe->ep.stack, m);
	if (!copy)
		return;
	if (f->kind == MR_FRAME_OUTGOING)
		copy->ol_flags = 0; /* they were for the link */
	p = mr_pkt(copy);
	p->src = ll_pack(&f->src, f->kind);
	p->sport_be = rte_cpu_to_be_16(f->type);
	mr_rxq_put(&pe->rxq, &pe->ep, &copy, 1, nic->id);
}

void
mr_packet_hear_rx(struct mr_nic *nic, struct rte_mbuf **pkts, uint16_t n)
{
	struct mr_packet_ep *pe;

	for (uint16_t i = 0; i < n; i++) {
		struct mr_frame f;

		if (!nic->framing->look || !nic->framing->look(nic, pkts[i], &f))
			continue;
		/* A link that delivers more than was asked for is not overheard. */
		if (f.kind == MR_FRAME_OTHERHOST && !(nic->flags & MR_NIC_F_PROMISC))
			continue;
		LIST_FOREACH(pe, &nic->stack->packets, link)
			hear(pe, nic, pkts[i], &f);
	}
}

void
mr_packet_hear_tx(struct mr_nic *nic, struct rte_mbuf **pkts, uint16_t n, const struct mr_packet_ep *by)
{
	struct mr_packet_ep *pe;

	for (uint16_t i = 0; i < n; i++) {
		struct mr_frame f;

		if (!nic->framing->look || !nic->framing->look(nic, pkts[i], &f))
			continue;
		f.kind = MR_FRAME_OUTGOING;
		LIST_FOREACH(pe, &nic->stack->packets, link) {
			if (pe->outgoing && pe != by)
				hear(pe, nic, pkts[i], &f);
		}
	}
}

void
mr_packet_nic_gone(struct mr_stack *s, uint16_t nic)
{
	struct mr_packet_ep *pe;

	LIST_FOREACH(pe, &s->packets, link) {
		if (pe->nic != nic)
			continue;
		pe->ep.err = -ENODEV;
		mr_ep_event(&pe->ep, MR_EV_ERR);
	}
}

/* ---- what goes out */

/* Everything that can be wrong with a send. @param cooked the address and type are in `to`, our header comes in front
 * @return 0 or -errno; *out the NIC */
static int
send_prepare(struct mr_packet_ep *pe, size_t len, const struct mr_sockaddr *to, bool cooked, struct mr_nic **out)
{
	uint16_t id = pe->nic || !to ? pe->nic : to->nic;
	struct mr_nic *nic;
	int rc = mr_ep_error(&pe->ep);

	if (rc < 0)
		return rc;
	if (!id)
		return -EDESTADDRREQ;
	nic = mr_nic_find(pe->ep.stack, id);
	if (!nic)
		return -ENODEV;
	if (!(nic->flags & MR_NIC_F_UP))
		return -ENETDOWN;
	if (cooked && !to->port && !pe->type)
		return -EINVAL;
	if (!cooked && len < RTE_MAX(nic->framing->hdr_bytes, 1))
		return -EINVAL;
	if (len > (size_t)nic->mtu + (cooked ? 0 : nic->framing->hdr_bytes))
		return -EMSGSIZE;
	if (mr_nic_txq_others(nic) == MR_NIC_TXQ)
		mr_nic_flush(nic);
	if (mr_nic_txq_others(nic) == MR_NIC_TXQ) {
		mr_ep_starved(&pe->ep);
		return -EAGAIN;
	}
	*out = nic;
	return 0;
}

/* Is there a link address to send to, or does the frame begin with its own header? */
static bool
is_cooked(const struct mr_sockaddr *to, struct mr_lladdr *dst)
{
	if (!to)
		return false;
	mr_sockaddr_get_ll(to, dst);
	return dst->len > 0;
}

/* Consumes m. @return bytes written */
static ssize_t
send_frame(struct mr_packet_ep *pe, struct mr_nic *nic, struct rte_mbuf *m, const struct mr_lladdr *dst, uint16_t type)
{
	ssize_t len = m->pkt_len;

	if (dst)
		nic->framing->push(nic, &m, 1, dst, type);
	mr_count(pe->ep.stack, MR_CNT_PACKET_TX_FRAMES);
	mr_nic_output_frames(nic, &m, 1, pe);
	return len;
}

static ssize_t
packet_send(struct mr_ep *ep, const void *buf, size_t len, const struct mr_sockaddr *to)
{
	struct mr_packet_ep *pe = packet_of(ep);
	struct mr_lladdr dst;
	bool cooked = is_cooked(to, &dst);
	struct mr_nic *nic;
	struct rte_mbuf *m;
	int rc = send_prepare(pe, len, to, cooked, &nic);

	if (rc < 0)
		return rc;
	m = mr_stack_tx_copy(ep->stack, buf, len);
	if (!m) {
		mr_ep_starved(ep);
		return -ENOBUFS;
	}
	return send_frame(pe, nic, m, cooked ? &dst : NULL, to && to->port ? to->port : pe->type);
}

static ssize_t
packet_send_mbuf(struct mr_ep *ep, struct rte_mbuf *m, const struct mr_sockaddr *to)
{
	struct mr_packet_ep *pe = packet_of(ep);
	struct mr_lladdr dst;
	bool cooked = is_cooked(to, &dst);
	struct mr_nic *nic;
	int rc = send_prepare(pe, m->pkt_len, to, cooked, &nic);

	if (rc == 0 && !mr_pkt_is_own(m, cooked ? nic->framing->hdr_bytes : 0))
		rc = -EINVAL;
	if (rc < 0) {
		rte_pktmbuf_free(m);
		return rc;
	}
	m->ol_flags = 0;
	m->tx_offload = 0;
	return send_frame(pe, nic, m, cooked ? &dst : NULL, to && to->port ? to->port : pe->type);
}

/* ---- the rest of the handle */

static ssize_t
packet_recv(struct mr_ep *ep, void *buf, size_t len, struct mr_sockaddr *from, bool peek)
{
	return mr_rxq_recv(&packet_of(ep)->rxq, ep, buf, len, from, peek);
}

static ssize_t
packet_recv_mbuf(struct mr_ep *ep, struct rte_mbuf **out, struct mr_sockaddr *from)
{
	return mr_rxq_recv_mbuf(&packet_of(ep)->rxq, ep, out, from);
}

static void
want_outgoing(struct mr_packet_ep *pe, bool on)
{
	pe->ep.stack->packets_out += on - pe->outgoing;
	pe->outgoing = on;
}

static void
packet_close(struct mr_ep *ep, bool abort)
{
	struct mr_packet_ep *pe = packet_of(ep);

	(void)abort;
	mr_ep_fini(ep);
	mr_rxq_drain(&pe->rxq, ep->stack);
	want_outgoing(pe, false);
	LIST_REMOVE(pe, link);
	mr_pool_put(&ep->stack->packet_pool, pe);
}

static int
packet_setopt(struct mr_ep *ep, int opt, int64_t value)
{
	struct mr_packet_ep *pe = packet_of(ep);

	if (opt == MR_OPT_RCVBUF)
		return mr_rxq_set_max(&pe->rxq, value);
	if (opt != MR_OPT_PACKET_OUTGOING)
		return -ENOPROTOOPT;
	want_outgoing(pe, value != 0);
	return 0;
}

static int
packet_getopt(struct mr_ep *ep, int opt, int64_t *value)
{
	const struct mr_packet_ep *pe = packet_of(ep);

	if (opt != MR_OPT_RCVBUF && opt != MR_OPT_PACKET_OUTGOING)
		return -ENOPROTOOPT;
	*value = opt == MR_OPT_RCVBUF ? pe->rxq.max : pe->outgoing;
	return 0;
}

static int
packet_name(struct mr_ep *ep, struct mr_sockaddr *out, bool remote)
{
	const struct mr_packet_ep *pe = packet_of(ep);

	if (remote)
		return -ENOTCONN;
	*out = (struct mr_sockaddr){.port = pe->type, .nic = pe->nic};
	return 0;
}

static uint32_t
packet_readiness(struct mr_ep *ep)
{
	return MR_EV_OUT | (packet_of(ep)->rxq.pkts.n ? MR_EV_IN : 0) | (ep->err ? MR_EV_ERR : 0);
}

static const struct mr_ep_ops packet_ops = {
	.send = packet_send,
	.send_mbuf = packet_send_mbuf,
	.recv = packet_recv,
	.recv_mbuf = packet_recv_mbuf,
	.close = packet_close,
	.setopt = packet_setopt,
	.getopt = packet_getopt,
	.name = packet_name,
	.readiness = packet_readiness,
};

int
mr_ep_create_packet(struct mr_stack *s, uint16_t nic, uint16_t ether_type, struct mr_ep **out)
{
	struct mr_packet_ep *pe;

	MR_OWN_CORE(s);
	if (nic && !mr_nic_find(s, nic))
		return -ENODEV;
	pe = mr_pool_get(&s->packet_pool);
	if (!pe)
		return -ENOBUFS;
	mr_ep_init(&pe->ep, s, 0, &packet_ops);
	pe->rxq.max = MR_RXQ_DEFAULT_BYTES;
	pe->rxq.counters = &packet_counters;
	pe->nic = nic;
	pe->type = ether_type;
	LIST_INSERT_HEAD(&s->packets, pe, link);
	*out = &pe->ep;
	return 0;
}

/* ---- with the stack */

int
mr_packet_init(struct mr_stack *s)
{
	LIST_INIT(&s->packets);
	return mr_pool_init(&s->packet_pool, &s->arena, "packet", sizeof(struct mr_packet_ep), s->opts.max_endpoints);
}

void
mr_packet_fini(struct mr_stack *s)
{
	struct mr_packet_ep *pe;

	while ((pe = LIST_FIRST(&s->packets)))
		mr_ep_abort(&pe->ep);
}
