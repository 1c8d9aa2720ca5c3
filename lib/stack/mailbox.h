/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The mailbox of a core: "run this function between two turns". One writer at a time (the control core; neighbour news
 * come from the other workers), so the ring is multi-producer; the reader is the owning core.
 */
#ifndef MR_STACK_MAILBOX_H
#define MR_STACK_MAILBOX_H

#include "stack/stack.h"

#define MR_MAILBOX_SLOTS 1024

/* A call for another core. `done` is set by it, with `result`, unless `post` (then it frees the mail itself). */
struct mr_mail {
	int (*fn)(struct mr_stack *s, unsigned core, void *arg);
	void *arg;
	int result;
	bool post;     /* nobody waits: arg is part of the mail's own memory and goes with it */
	uint32_t done; /* release-stored by the owner */
};

struct rte_ring *mr_mailbox_create(void); /* NULL: no memory */
void mr_mailbox_destroy(struct rte_ring *box); /* with the posts that are still in it */
/* Send a call, waiting for a slot, and wait for its result. `mail` lives until mr_mailbox_wait has returned.
 * Context: control, never the core that owns the box. */
void mr_mailbox_send(struct rte_ring *box, struct mr_mail *mail);
int mr_mailbox_wait(struct mr_mail *mail);
/* Run what has come. @return mails. */
unsigned mr_mailbox_drain(struct mr_stack *s);
/* Copy `arg` and have fn run on every other core of the host, some time soon; nobody waits. Lost when a mailbox is full:
 * only for news that will be told again (neighbours). Context: a worker. */
void mr_mailbox_tell_others(struct mr_stack *s, int (*fn)(struct mr_stack *s, unsigned core, void *arg), const void *arg,
                            size_t bytes);

#endif
