/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Connections come from slabs of their instance and go back to its free list; slabs are freed at the end. The sweep
 * keeps them in the order of its visits and looks at each four times within an idle time, so that progress costs one
 * store.
 */
#include "app/millrace/conn.h"

#include <string.h>

#include <rte_common.h>
#include <rte_malloc.h>

#define SLAB_CONNS 32u
#define GIVE_UP_NS INT64_C(10000000000)
#define VISITS 4u /* of the sweep, within an idle time */

/* ---- memory: a slab is a pointer to the next, and connections */

static size_t
conn_size(const struct instance *inst)
{
	return RTE_CACHE_LINE_ROUNDUP(inst->service->ops->conn_bytes);
}

static void
slab_add(struct instance *inst)
{
	size_t size = conn_size(inst);
	uint8_t *slab = rte_malloc("conns", RTE_CACHE_LINE_SIZE + SLAB_CONNS * size, RTE_CACHE_LINE_SIZE);

	if (!slab)
		return;
	*(void ***)slab = inst->slabs;
	inst->slabs = (void **)slab;
	for (unsigned i = 0; i < SLAB_CONNS; i++) {
		struct conn *c = (struct conn *)(slab + RTE_CACHE_LINE_SIZE + i * size);

		TAILQ_NEXT(c, link) = inst->free;
		inst->free = c;
	}
}

void
conn_slabs_free(struct instance *inst)
{
	while (inst->slabs) {
		void **slab = inst->slabs;

		inst->slabs = *slab;
		rte_free(slab);
	}
	inst->free = NULL;
}

/* ---- life */

static void
conn_event(struct mr_ep *ep, uint32_t events, void *arg)
{
	struct conn *c = arg;

	(void)ep;
	if (events & (MR_EV_HUP | MR_EV_ERR))
		conn_close(c);
	else
		c->inst->service->ops->event(c, events);
}

static void
conn_make(struct instance *inst, struct mr_ep *ep)
{
	struct conn *c;

	if (!inst->free)
		slab_add(inst);
	c = inst->free;
	if (!c || inst->core->draining) {
		inst->core->refused++;
		mr_ep_abort(ep);
		return;
	}
	inst->free = TAILQ_NEXT(c, link);
	memset(c, 0, inst->service->ops->conn_bytes);
	c->ep = ep;
	c->inst = inst;
	c->active_ns = c->visit_ns = mr_stack_now_ns(inst->core->stack);
	TAILQ_INSERT_TAIL(&inst->conns, c, link);
	inst->n_conns++;
	/* Answers are written in one piece: there is nothing to wait for. */
	mr_ep_setopt(ep, MR_OPT_TCP_NODELAY, 1);
	c->waiter = (struct mr_waiter){
		.mask = MR_EV_IN | MR_EV_OUT | MR_EV_ERR | MR_EV_HUP,
		.fn = conn_event,
		.arg = c,
	};
	mr_ep_wait(ep, &c->waiter);
	if (inst->service->ops->open)
		inst->service->ops->open(c);
}

void
conn_accept(struct mr_ep *ep, uint32_t events, void *arg)
{
	struct listener *l = arg;
	struct mr_ep *accepted;

	(void)events;
	while (mr_ep_accept(ep, &accepted) == 0)
		conn_make(l->inst, accepted);
}

static void
conn_put(struct conn *c)
{
	struct instance *inst = c->inst;

	if (inst->service->ops->fini)
		inst->service->ops->fini(c);
	TAILQ_REMOVE(&inst->conns, c, link);
	inst->n_conns--;
	TAILQ_NEXT(c, link) = inst->free;
	inst->free = c;
}

void
conn_close(struct conn *c)
{
	mr_ep_close(c->ep);
	conn_put(c);
}

void
conn_abort(struct conn *c)
{
	mr_ep_abort(c->ep);
	conn_put(c);
}

void
conn_give_up(struct conn *c)
{
	mr_ep_setopt(c->ep, MR_OPT_TCP_USER_TIMEOUT_NS, GIVE_UP_NS);
	conn_close(c);
}

/* ---- all of them */

void
conn_sweep(struct instance *inst, uint64_t now_ns)
{
	uint64_t idle_ns = inst->service->idle_ns;
	struct conn *c;

	while (idle_ns && (c = TAILQ_FIRST(&inst->conns)) && c->visit_ns + idle_ns / VISITS <= now_ns) {
		if (c->active_ns + idle_ns <= now_ns) {
			conn_give_up(c);
			continue;
		}
		c->visit_ns = now_ns;
		TAILQ_REMOVE(&inst->conns, c, link);
		TAILQ_INSERT_TAIL(&inst->conns, c, link);
	}
}

void
conn_drain_all(struct instance *inst)
{
	struct conn *c, *next;

	for (c = TAILQ_FIRST(&inst->conns); c && inst->service->ops->drain; c = next) {
		next = TAILQ_NEXT(c, link);
		inst->service->ops->drain(c);
	}
}

void
conn_abort_all(struct instance *inst)
{
	while (!TAILQ_EMPTY(&inst->conns))
		conn_abort(TAILQ_FIRST(&inst->conns));
}
