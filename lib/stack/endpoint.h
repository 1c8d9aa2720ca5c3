/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The head that every transport endpoint starts with, and its operations: what stands behind struct mr_ep of the
 * public header. Events are noted (mr_ep_event) whenever they happen and told once a turn, in the application stage;
 * sending is asked for (mr_ep_mark_dirty) and done once a turn, in the output stage.
 */
#ifndef MR_STACK_ENDPOINT_H
#define MR_STACK_ENDPOINT_H

#include <stdint.h>

#include "stack/flow.h"
#include "stack/millrace.h"

struct mr_ep_ops {
	int (*bind)(struct mr_ep *ep, const struct mr_sockaddr *local);
	int (*listen)(struct mr_ep *ep, int backlog);
	int (*accept)(struct mr_ep *ep, struct mr_ep **out);
	int (*connect)(struct mr_ep *ep, const struct mr_sockaddr *remote);
	ssize_t (*send)(struct mr_ep *ep, const void *buf, size_t len, const struct mr_sockaddr *to);
	ssize_t (*send_mbuf)(struct mr_ep *ep, struct rte_mbuf *m, const struct mr_sockaddr *to);
	ssize_t (*recv)(struct mr_ep *ep, void *buf, size_t len, struct mr_sockaddr *from, bool peek);
	ssize_t (*recv_mbuf)(struct mr_ep *ep, struct rte_mbuf **out, struct mr_sockaddr *from);
	int (*shutdown)(struct mr_ep *ep, unsigned how);
	void (*close)(struct mr_ep *ep, bool abort);
	int (*setopt)(struct mr_ep *ep, int opt, int64_t value);
	int (*getopt)(struct mr_ep *ep, int opt, int64_t *value);
	int (*name)(struct mr_ep *ep, struct mr_sockaddr *out, bool remote);
	uint32_t (*readiness)(struct mr_ep *ep);
};

#define MR_EP_F_DIRTY (1u << 0)      /* on the stack's dirty list */
#define MR_EP_F_EVENT (1u << 1)      /* on the stack's event list */
#define MR_EP_F_CLOSED (1u << 2)     /* the application has given up the handle: no more events */
#define MR_EP_F_USER (1u << 8)       /* first of the transport's own flags */

struct mr_ep {
	struct mr_flow flow;             /* key when connected; proto always set */
	const struct mr_ep_ops *ops;
	struct mr_stack *stack;
	struct mr_waiter *waiters;
	uint32_t events;                 /* noted and not yet told */
	uint16_t flags;                  /* MR_EP_F_* */
	int16_t err;                     /* pending error, negative errno */
	/* second line */
	struct mr_ep *event_next;        /* links of the stack's lists, each with the address of what points here */
	struct mr_ep **event_pprev;
	struct mr_ep *dirty_next;
	struct mr_ep **dirty_pprev;
	struct mr_ep *starved_next;
	struct mr_ep **starved_pprev;
};

/* Fill the head. */
void mr_ep_init(struct mr_ep *ep, struct mr_stack *s, uint8_t trans, const struct mr_ep_ops *ops);
/* Leave the lists; for the transport, before it frees the memory. */
void mr_ep_fini(struct mr_ep *ep);
/* Note an event for the waiters. Context: anywhere in a turn or an API call; the waiter is never called from here. */
void mr_ep_event(struct mr_ep *ep, uint32_t events);
/* Have the transport's output called for this endpoint in the output stage of this turn (or the next). */
void mr_ep_put_dirty(struct mr_ep *ep);

static inline void
mr_ep_mark_dirty(struct mr_ep *ep)
{
	if (!(ep->flags & MR_EP_F_DIRTY))
		mr_ep_put_dirty(ep);
}

/* The endpoint was refused tx mbufs (mr_stack_tx_room, mr_stack_tx_alloc): MR_EV_OUT is noted for it when a quarter of
 * tx_held_max is free again. */
void mr_ep_starved(struct mr_ep *ep);
/* The stages of the turn: each endpoint that is on its list now, once. @return endpoints visited */
unsigned mr_ep_tell_events(struct mr_stack *s);
unsigned mr_ep_output_dirty(struct mr_stack *s);
/* Note MR_EV_OUT for the starved ones, if there is room. */
void mr_ep_wake_starved(struct mr_stack *s);

#endif
