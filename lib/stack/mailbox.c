/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The mailbox of a core. A call (mr_mailbox_send, mr_mailbox_wait) lives in its caller's memory and is answered by a
 * release store to `done`: after that store the owner never touches it again. A post carries a copy of its argument in
 * the same allocation and is freed by who runs it.
 *
 * The sender of a call waits, so it must be the control core; a worker may only post, and never waits for anyone.
 */
#include "stack/mailbox.h"

#include <sched.h>
#include <stdalign.h>
#include <stdlib.h>
#include <string.h>

#include <rte_pause.h>

#include "stack/ring.h"
#include "stack/steer.h"

#define DRAIN_BURST 16
#define PAUSES_BEFORE_YIELD 1024 /* the owner may share the processor with us */

struct post {
	struct mr_mail mail;
	alignas(max_align_t) uint8_t arg[];
};

struct rte_ring *
mr_mailbox_create(void)
{
	return mr_ring_create(MR_MAILBOX_SLOTS, RING_F_SC_DEQ);
}

void
mr_mailbox_destroy(struct rte_ring *box)
{
	struct mr_mail *mail;

	while (box && rte_ring_dequeue(box, (void **)&mail) == 0) {
		if (mail->post)
			free(mail);
	}
	mr_ring_free(box);
}

static void
relax(unsigned *turns)
{
	if (++*turns % PAUSES_BEFORE_YIELD)
		rte_pause();
	else
		sched_yield();
}

void
mr_mailbox_send(struct rte_ring *box, struct mr_mail *mail)
{
	unsigned turns = 0;

	mail->post = false;
	mail->done = 0;
	while (rte_ring_mp_enqueue(box, mail) < 0)
		relax(&turns);
}

int
mr_mailbox_wait(struct mr_mail *mail)
{
	unsigned turns = 0;

	while (!__atomic_load_n(&mail->done, __ATOMIC_ACQUIRE))
		relax(&turns);
	return mail->result;
}

static void
mail_run(struct mr_stack *s, struct mr_mail *mail)
{
	int result = mail->fn(s, s->opts.core, mail->arg);

	if (mail->post) {
		free(mail);
		return;
	}
	mail->result = result;
	__atomic_store_n(&mail->done, 1, __ATOMIC_RELEASE);
}

unsigned
mr_mailbox_drain(struct mr_stack *s)
{
	struct rte_ring *box = s->steer ? s->steer->mail : NULL;
	struct mr_mail *mails[DRAIN_BURST];
	unsigned n, total = 0;

	if (!box)
		return 0;
	/* One ringful at most: whoever keeps posting must not keep this core from its packets. */
	do {
		n = rte_ring_sc_dequeue_burst(box, (void **)mails, DRAIN_BURST, NULL);
		for (unsigned i = 0; i < n; i++)
			mail_run(s, mails[i]);
		total += n;
	} while (n == DRAIN_BURST && total < MR_MAILBOX_SLOTS);
	return total;
}

void
mr_mailbox_tell_others(struct mr_stack *s, int (*fn)(struct mr_stack *s, unsigned core, void *arg), const void *arg,
                       size_t bytes)
{
	const struct mr_steer *st = s->steer;

	for (uint16_t core = 0; st && core < st->n_cores; core++) {
		struct post *p;

		if (core == st->core)
			continue;
		p = malloc(sizeof(*p) + bytes);
		if (!p)
			return;
		if (bytes)
			memcpy(p->arg, arg, bytes);
		p->mail = (struct mr_mail){.fn = fn, .arg = p->arg, .post = true};
		if (rte_ring_mp_enqueue(st->mail_of[core], p) < 0)
			free(p);
	}
}
