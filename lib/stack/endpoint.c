/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The application's handle: public calls passed on to the transport, waiters, and the lists of endpoints that have
 * events to tell or something to send.
 *
 * A stage of the turn takes the whole list off the stack and works through it, so each endpoint is visited once: what
 * is noted meanwhile goes on a new list, for the next turn. Every list is linked both ways: an endpoint may die at any
 * time and leaves by itself.
 *
 * Invariant: a waiter is called from mr_ep_tell_events alone, never from inside an API call or from input; after a
 * callback the endpoint is touched only if stack->telling still names it.
 */
#include "stack/endpoint.h"

#include <errno.h>
#include <string.h>

#include <rte_mbuf.h>
#include <rte_prefetch.h>

#include "stack/context.h"
#include "stack/stack.h"

/* ---- for transports */

void
mr_ep_init(struct mr_ep *ep, struct mr_stack *s, uint8_t trans, const struct mr_ep_ops *ops)
{
	memset(ep, 0, sizeof(*ep));
	ep->flow.proto = trans;
	ep->flow.kind = MR_FLOW_EP;
	ep->ops = ops;
	ep->stack = s;
}

static void
event_unlink(struct mr_ep *ep)
{
	if (!(ep->flags & MR_EP_F_EVENT))
		return;
	*ep->event_pprev = ep->event_next;
	if (ep->event_next)
		ep->event_next->event_pprev = ep->event_pprev;
	else if (ep->stack->events_tail == &ep->event_next)
		ep->stack->events_tail = ep->event_pprev;
	ep->flags &= ~MR_EP_F_EVENT;
}

/* The last of its list goes: which NIC's was it? */
static void
room_tail_unlink(struct mr_ep *ep)
{
	struct mr_nic *nic;

	TAILQ_FOREACH(nic, &ep->stack->nics, link_in_stack) {
		if (nic->room_tail == &ep->dirty_next)
			nic->room_tail = ep->dirty_pprev;
	}
}

static void
dirty_unlink(struct mr_ep *ep)
{
	if (!(ep->flags & MR_EP_F_DIRTY))
		return;
	*ep->dirty_pprev = ep->dirty_next;
	if (ep->dirty_next)
		ep->dirty_next->dirty_pprev = ep->dirty_pprev;
	else if (ep->stack->dirty_tail == &ep->dirty_next)
		ep->stack->dirty_tail = ep->dirty_pprev;
	else if (unlikely(ep->stack->room_wanted))
		room_tail_unlink(ep);
	ep->flags &= ~MR_EP_F_DIRTY;
}

static void
starved_unlink(struct mr_ep *ep)
{
	*ep->event_pprev = ep->event_next;
	if (ep->event_next)
		ep->event_next->event_pprev = ep->event_pprev;
	else
		ep->stack->starved_tail = ep->event_pprev;
	ep->stack->n_starved--;
}

static void
starved_link(struct mr_ep *ep)
{
	struct mr_stack *s = ep->stack;

	ep->event_next = NULL;
	ep->event_pprev = s->starved_tail;
	*s->starved_tail = ep;
	s->starved_tail = &ep->event_next;
	s->n_starved++;
	s->tx_starved = true;
}

/* Is it on that list, of which events take it away? */
static bool
is_listed_starved(const struct mr_ep *ep)
{
	return (ep->flags & (MR_EP_F_STARVED | MR_EP_F_EVENT)) == MR_EP_F_STARVED;
}

/* No waiter of this endpoint is called any more. */
static void
ep_silence(struct mr_ep *ep)
{
	if (unlikely(is_listed_starved(ep)))
		starved_unlink(ep);
	event_unlink(ep);
	ep->flags &= ~MR_EP_F_STARVED;
	ep->events = 0;
	ep->waiters = NULL;
	if (ep->stack->telling == ep)
		ep->stack->telling = NULL;
}

void
mr_ep_fini(struct mr_ep *ep)
{
	ep_silence(ep);
	dirty_unlink(ep);
}

void
mr_ep_event(struct mr_ep *ep, uint32_t events)
{
	struct mr_stack *s = ep->stack;

	/* Nobody listens: whoever registers later is told the readiness of that time. */
	if (!ep->waiters || !events)
		return;
	ep->events |= events;
	if (ep->flags & MR_EP_F_EVENT)
		return;
	if (unlikely(ep->flags & MR_EP_F_STARVED))
		starved_unlink(ep);
	rte_prefetch0(ep->waiters); /* what the application keeps of it is likely beside its waiter */
	ep->flags |= MR_EP_F_EVENT;
	ep->event_next = NULL;
	ep->event_pprev = s->events_tail;
	*s->events_tail = ep;
	s->events_tail = &ep->event_next;
}

static void
dirty_append(struct mr_ep *ep, struct mr_ep ***tail)
{
	ep->flags |= MR_EP_F_DIRTY;
	ep->dirty_next = NULL;
	ep->dirty_pprev = *tail;
	**tail = ep;
	*tail = &ep->dirty_next;
}

/* At the end of the dirty list; it is not there yet. */
void
mr_ep_put_dirty(struct mr_ep *ep)
{
	dirty_append(ep, &ep->stack->dirty_tail);
}

void
mr_ep_await_room(struct mr_ep *ep, struct mr_nic *nic)
{
	dirty_unlink(ep);
	dirty_append(ep, &nic->room_tail);
	ep->stack->room_wanted = true;
}

void
mr_ep_starved(struct mr_ep *ep)
{
	if (ep->flags & MR_EP_F_STARVED)
		return;
	ep->flags |= MR_EP_F_STARVED;
	if (!(ep->flags & MR_EP_F_EVENT))
		starved_link(ep);
}

/* ---- stages of the turn */

/* Is there an mbuf to send with? Few are in queues, perhaps, and all others in a link that holds them. */
static bool
has_tx_room(struct mr_stack *s)
{
	struct rte_mbuf *m = mr_stack_tx_room(s) ? mr_stack_tx_alloc(s) : NULL;

	if (m)
		mr_stack_free(s, m);
	return m;
}

/* It waits for memory no longer. @return what it is to be told. Who does not listen has no turn. */
static uint32_t
ep_turn(struct mr_ep *ep)
{
	ep->flags &= ~MR_EP_F_STARVED;
	if (ep->waiters)
		ep->flags |= MR_EP_F_TURN;
	return MR_EV_OUT;
}

/* Its events are being told. It waits for memory again, or there is some since. @return what is to be told besides */
static uint32_t
starved_after_events(struct mr_ep *ep)
{
	if (has_tx_room(ep->stack))
		return ep_turn(ep);
	starved_link(ep);
	return 0;
}

static void
ep_tell(struct mr_ep *ep)
{
	struct mr_stack *s = ep->stack;
	uint32_t events = ep->events;

	event_unlink(ep);
	ep->events = 0;
	if (unlikely(ep->flags & MR_EP_F_STARVED))
		events |= starved_after_events(ep);
	s->telling = ep;
	for (struct mr_waiter *w = ep->waiters; w && s->telling == ep; w = s->telling_next) {
		s->telling_next = w->next;
		if (events & w->mask)
			w->fn(ep, events & w->mask, w->arg);
	}
	s->telling = NULL;
	s->telling_next = NULL;
}

/* Who waits for memory is told in the order of waiting, as many as there are mbufs, and before all others: those that send as
 * fast as theirs are acknowledged would take each that comes free. Who is refused again waits behind the others. Memory is
 * short until nobody waits and a quarter of it is free. */
static unsigned
tell_starved(struct mr_stack *s)
{
	uint32_t n, max = RTE_MIN(s->n_starved, s->tx_held_max - s->tx_held);

	for (n = 0; n < max && s->starved && has_tx_room(s); n++) {
		struct mr_ep *ep = s->starved;

		starved_unlink(ep);
		ep->events |= ep_turn(ep);
		ep_tell(ep);
	}
	if (!s->starved && s->tx_held + s->tx_held_max / 4 <= s->tx_held_max)
		s->tx_starved = false;
	return n;
}

unsigned
mr_ep_tell_events(struct mr_stack *s)
{
	unsigned n = unlikely(s->tx_starved) ? tell_starved(s) : 0;
	struct mr_ep *list = s->events;

	if (!list)
		return n;
	list->event_pprev = &list;
	s->events = NULL;
	s->events_tail = &s->events;
	for (; list; n++) {
		ep_tell(list);
	}
	return n;
}

void
mr_ep_room_give(struct mr_nic *nic)
{
	uint32_t n = 0;

	while (nic->room && mr_nic_tx_room(nic, ++n, MR_NIC_TXQ_BULK)) {
		struct mr_ep *ep = nic->room;

		dirty_unlink(ep);
		mr_ep_put_dirty(ep);
	}
}

void
mr_ep_give_rooms(struct mr_stack *s)
{
	struct mr_ep *younger = s->dirty, **younger_tail = s->dirty_tail;
	struct mr_nic *nic;
	bool wanted = false;

	/* Who waits goes first. */
	s->dirty = NULL;
	s->dirty_tail = &s->dirty;
	TAILQ_FOREACH(nic, &s->nics, link_in_stack) {
		mr_ep_room_give(nic);
		wanted |= nic->room != NULL;
	}
	s->room_wanted = wanted;
	if (younger) {
		*s->dirty_tail = younger;
		younger->dirty_pprev = s->dirty_tail;
		s->dirty_tail = younger_tail;
	}
}

unsigned
mr_ep_output_dirty(struct mr_stack *s)
{
	struct mr_ep *list = s->dirty;
	unsigned n = 0;

	if (!list)
		return 0;
	list->dirty_pprev = &list;
	s->dirty = NULL;
	s->dirty_tail = &s->dirty;
	for (; list; n++) {
		struct mr_ep *ep = list;
		struct mr_transproto *tp = s->transprotos[ep->flow.proto];

		if (tp->ops->output_ahead && likely(ep->dirty_next))
			tp->ops->output_ahead(ep->dirty_next);
		dirty_unlink(ep);
		tp->ops->output(tp, ep);
	}
	return n;
}

/* ---- waiters */

void
mr_ep_wait(struct mr_ep *ep, struct mr_waiter *w)
{
	MR_OWN_CORE(ep->stack);
	/* In front: a waiter that registers from inside a callback is not reached by the running round. */
	w->next = ep->waiters;
	ep->waiters = w;
	mr_ep_event(ep, mr_ep_readiness(ep) & w->mask);
}

void
mr_ep_unwait(struct mr_ep *ep, struct mr_waiter *w)
{
	struct mr_waiter **at = &ep->waiters;

	MR_OWN_CORE(ep->stack);
	while (*at && *at != w)
		at = &(*at)->next;
	if (!*at)
		return;
	*at = w->next;
	if (ep->stack->telling_next == w)
		ep->stack->telling_next = w->next;
	w->next = NULL;
}

/* ---- public calls */

int
mr_ep_create(struct mr_stack *s, uint8_t trans, uint16_t net, struct mr_ep **out)
{
	struct mr_transproto *tp = mr_stack_transproto(s, trans);

	MR_OWN_CORE(s);
	if (!tp || !tp->ops->ep_create || !mr_stack_has_netproto(s, net))
		return -EPROTONOSUPPORT;
	return tp->ops->ep_create(tp, net, out);
}

int
mr_ep_create_raw(struct mr_stack *s, uint8_t trans, uint16_t net, struct mr_ep **out)
{
	MR_OWN_CORE(s);
	for (unsigned i = 0; i < s->n_transprotos; i++) {
		struct mr_transproto *tp = s->transproto_list[i];

		if (tp->ops->raw_create)
			return tp->ops->raw_create(tp, trans, net, out);
	}
	return -EPROTONOSUPPORT;
}

int
mr_ep_bind(struct mr_ep *ep, const struct mr_sockaddr *local)
{
	MR_OWN_CORE(ep->stack);
	return ep->ops->bind ? ep->ops->bind(ep, local) : -EOPNOTSUPP;
}

int
mr_ep_listen(struct mr_ep *ep, int backlog)
{
	MR_OWN_CORE(ep->stack);
	return ep->ops->listen ? ep->ops->listen(ep, backlog) : -EOPNOTSUPP;
}

int
mr_ep_accept(struct mr_ep *ep, struct mr_ep **out)
{
	MR_OWN_CORE(ep->stack);
	return ep->ops->accept ? ep->ops->accept(ep, out) : -EOPNOTSUPP;
}

int
mr_ep_connect(struct mr_ep *ep, const struct mr_sockaddr *remote)
{
	MR_OWN_CORE(ep->stack);
	return ep->ops->connect ? ep->ops->connect(ep, remote) : -EOPNOTSUPP;
}

ssize_t
mr_ep_send(struct mr_ep *ep, const void *buf, size_t len)
{
	MR_OWN_CORE(ep->stack);
	return mr_ep_sendto(ep, buf, len, NULL);
}

ssize_t
mr_ep_sendto(struct mr_ep *ep, const void *buf, size_t len, const struct mr_sockaddr *to)
{
	MR_OWN_CORE(ep->stack);
	return ep->ops->send ? ep->ops->send(ep, buf, len, to) : -EOPNOTSUPP;
}

ssize_t
mr_ep_refuse_mbuf(struct rte_mbuf *m, int rc)
{
	rte_pktmbuf_free(m);
	return rc;
}

ssize_t
mr_ep_send_mbuf(struct mr_ep *ep, struct rte_mbuf *m, const struct mr_sockaddr *to)
{
	MR_OWN_CORE(ep->stack);
	return likely(ep->ops->send_mbuf) ? ep->ops->send_mbuf(ep, m, to) : mr_ep_refuse_mbuf(m, -EOPNOTSUPP);
}

int
mr_ep_send_burst(struct mr_ep *ep, struct rte_mbuf **pkts, const struct mr_sockaddr *to, uint16_t n)
{
	MR_OWN_CORE(ep->stack);
	return ep->ops->send_burst ? ep->ops->send_burst(ep, pkts, to, n) : -EOPNOTSUPP;
}

ssize_t
mr_ep_recv(struct mr_ep *ep, void *buf, size_t len, struct mr_sockaddr *from)
{
	MR_OWN_CORE(ep->stack);
	return ep->ops->recv ? ep->ops->recv(ep, buf, len, from, false) : -EOPNOTSUPP;
}

ssize_t
mr_ep_peek(struct mr_ep *ep, void *buf, size_t len, struct mr_sockaddr *from)
{
	MR_OWN_CORE(ep->stack);
	return ep->ops->recv ? ep->ops->recv(ep, buf, len, from, true) : -EOPNOTSUPP;
}

ssize_t
mr_ep_recv_mbuf(struct mr_ep *ep, struct rte_mbuf **out, struct mr_sockaddr *from)
{
	MR_OWN_CORE(ep->stack);
	return ep->ops->recv_mbuf ? ep->ops->recv_mbuf(ep, out, from) : -EOPNOTSUPP;
}

int
mr_ep_recv_burst(struct mr_ep *ep, struct rte_mbuf **pkts, struct mr_sockaddr *from, uint16_t n)
{
	MR_OWN_CORE(ep->stack);
	return ep->ops->recv_burst ? ep->ops->recv_burst(ep, pkts, from, n) : -EOPNOTSUPP;
}

int
mr_ep_shutdown(struct mr_ep *ep, unsigned how)
{
	MR_OWN_CORE(ep->stack);
	if (how == 0 || how & ~(MR_SHUT_RD | MR_SHUT_WR))
		return -EINVAL;
	return ep->ops->shutdown ? ep->ops->shutdown(ep, how) : -EOPNOTSUPP;
}

static void
ep_end(struct mr_ep *ep, bool abort)
{
	ep_silence(ep);
	ep->flags |= MR_EP_F_CLOSED;
	ep->ops->close(ep, abort);
}

void
mr_ep_close(struct mr_ep *ep)
{
	MR_OWN_CORE(ep->stack);
	ep_end(ep, false);
}

void
mr_ep_abort(struct mr_ep *ep)
{
	MR_OWN_CORE(ep->stack);
	ep_end(ep, true);
}

int
mr_ep_setopt(struct mr_ep *ep, int opt, int64_t value)
{
	MR_OWN_CORE(ep->stack);
	return ep->ops->setopt ? ep->ops->setopt(ep, opt, value) : -ENOPROTOOPT;
}

int
mr_ep_getopt(struct mr_ep *ep, int opt, int64_t *value)
{
	MR_OWN_CORE(ep->stack);
	return ep->ops->getopt ? ep->ops->getopt(ep, opt, value) : -ENOPROTOOPT;
}

int
mr_ep_local_name(struct mr_ep *ep, struct mr_sockaddr *out)
{
	MR_OWN_CORE(ep->stack);
	return ep->ops->name ? ep->ops->name(ep, out, false) : -EOPNOTSUPP;
}

int
mr_ep_remote_name(struct mr_ep *ep, struct mr_sockaddr *out)
{
	MR_OWN_CORE(ep->stack);
	return ep->ops->name ? ep->ops->name(ep, out, true) : -EOPNOTSUPP;
}

uint32_t
mr_ep_readiness(struct mr_ep *ep)
{
	MR_OWN_CORE(ep->stack);
	return ep->ops->readiness ? ep->ops->readiness(ep) : 0;
}

int
mr_ep_error(struct mr_ep *ep)
{
	int err = ep->err;

	MR_OWN_CORE(ep->stack);
	ep->err = 0;
	return err;
}

struct mr_stack *
mr_ep_stack(struct mr_ep *ep)
{
	return ep->stack;
}
