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
	bool post;     /* nobody waits: arg was made by mr_mail_post and is freed with the mail */
	uint32_t done; /* release-stored by the owner */
};

/* Run what has come. @return mails. */
unsigned mr_mailbox_drain(struct mr_stack *s);
/* Copy `arg` and have fn run on every other core of the host, some time soon; nobody waits. Lost when a mailbox is full:
 * only for news that will be told again (neighbours). Context: a worker. */
void mr_mailbox_tell_others(struct mr_stack *s, int (*fn)(struct mr_stack *s, unsigned core, void *arg), const void *arg,
                            size_t bytes);

#endif
