/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Who may call: a stack and all that is in it belong to the lcore that polls it, a host to the main lcore. Debug builds
 * (RTE_ENABLE_ASSERT) hold the public calls to it: on the stack of a running host, and during the turns of one that is
 * polled by hand, a call from another lcore ends the program with the name of the function; so does a call of a host from
 * another than the main lcore, or in an event. In other builds nothing of this is left.
 */
#ifndef MR_STACK_CONTEXT_H
#define MR_STACK_CONTEXT_H

#include <rte_lcore.h>

#include "stack/stack.h"

/* From now on the stack is this lcore's; LCORE_ID_ANY: nobody's, and whoever has it may call. */
static inline void
mr_context_set(struct mr_stack *s, uint32_t lcore)
{
	__atomic_store_n(&s->owner, lcore + 1, __ATOMIC_RELAXED);
}

#ifdef RTE_ENABLE_ASSERT

void mr_context_check_core(const struct mr_stack *s, const char *call);
void mr_context_check_main(const char *call);
void mr_context_check_event(const char *call);

/* First thing in a public call, as its context says: own core, main lcore; and in what an event may not call. */
#define MR_OWN_CORE(s) mr_context_check_core(s, __func__)
#define MR_MAIN_LCORE() mr_context_check_main(__func__)
#define MR_NO_EVENT() mr_context_check_event(__func__)

/* A turn begins, or a function of mr_host_call: what is called until it ends is called in an event.
 * @return true: the stack was nobody's, and is to be again */
bool mr_context_enter(struct mr_stack *s);
void mr_context_leave(struct mr_stack *s, bool entered);

#else

#define MR_OWN_CORE(s) ((void)0)
#define MR_MAIN_LCORE() ((void)0)
#define MR_NO_EVENT() ((void)0)

static inline bool
mr_context_enter(struct mr_stack *s)
{
	(void)s;
	return false;
}

static inline void
mr_context_leave(struct mr_stack *s, bool entered)
{
	(void)s, (void)entered;
}

#endif
#endif
