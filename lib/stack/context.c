/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The checks of debug builds that a stack is called by its own lcore alone, and a host by the main one.
 */
#include "stack/context.h"

#ifdef RTE_ENABLE_ASSERT

#include <rte_debug.h>

static __thread const struct mr_stack *running; /* whose turn this thread is in */

void
mr_context_check_core(const struct mr_stack *s, const char *call)
{
	uint32_t owner = __atomic_load_n(&s->owner, __ATOMIC_RELAXED) - 1, caller = rte_lcore_id();

	if (owner != LCORE_ID_ANY && owner != caller)
		rte_panic("%s: called on lcore %d, but lcore %u polls stack %s: call it there, by mr_host_call or in an event\n",
		          call, (int)caller, owner, s->opts.name);
}

void
mr_context_check_event(const char *call)
{
	if (running)
		rte_panic("%s: called in an event of stack %s: call it between two turns\n", call, running->opts.name);
}

void
mr_context_check_main(const char *call)
{
	uint32_t caller = rte_lcore_id();

	if (caller != rte_get_main_lcore())
		rte_panic("%s: called on lcore %d, but it is for the main lcore, %u: call it there\n", call, (int)caller,
		          rte_get_main_lcore());
	mr_context_check_event(call);
}

bool
mr_context_enter(struct mr_stack *s)
{
	bool entered = !s->owner;

	if (entered)
		mr_context_set(s, rte_lcore_id());
	running = s;
	return entered;
}

void
mr_context_leave(struct mr_stack *s, bool entered)
{
	running = NULL;
	if (entered)
		mr_context_set(s, LCORE_ID_ANY);
}

#endif
