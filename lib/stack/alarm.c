/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Alarms of applications: a periodic call from the timer stage of the turn.
 *
 * An alarm is armed again before its function runs, so the function may stop it and nothing is touched afterwards. A
 * stack that was not polled for several periods calls once and goes on from now; it does not catch up.
 */
#include "stack/millrace.h"

#include <errno.h>
#include <stdlib.h>

#include <rte_common.h>

#include "stack/context.h"
#include "stack/stack.h"

struct mr_alarm {
	struct mr_timer timer;
	struct mr_stack *stack;
	uint64_t period_ns;
	void (*fn)(struct mr_stack *s, void *arg);
	void *arg;
	struct mr_alarm *next, **pprev; /* of the stack */
};

static void
alarm_fire(struct mr_timer *t, uint64_t now_ns)
{
	struct mr_alarm *a = container_of(t, struct mr_alarm, timer);
	uint64_t next_ns = t->deadline_ns + a->period_ns;

	mr_timer_arm(&a->stack->wheel, t, next_ns > now_ns ? next_ns : now_ns + a->period_ns, alarm_fire);
	a->fn(a->stack, a->arg);
}

int
mr_alarm_start(struct mr_stack *s, uint64_t period_ns, void (*fn)(struct mr_stack *s, void *arg), void *arg,
               struct mr_alarm **out)
{
	struct mr_alarm *a = calloc(1, sizeof(*a));

	MR_OWN_CORE(s);
	if (!a)
		return -ENOMEM;
	a->stack = s;
	a->period_ns = period_ns;
	a->fn = fn;
	a->arg = arg;
	a->next = s->alarms;
	a->pprev = &s->alarms;
	if (a->next)
		a->next->pprev = &a->next;
	s->alarms = a;
	mr_timer_arm(&s->wheel, &a->timer, s->now_ns, alarm_fire);
	*out = a;
	return 0;
}

void
mr_alarm_stop(struct mr_alarm *a)
{
	MR_OWN_CORE(a->stack);
	mr_timer_cancel(&a->stack->wheel, &a->timer);
	*a->pprev = a->next;
	if (a->next)
		a->next->pprev = a->pprev;
	free(a);
}

void
mr_alarm_stop_all(struct mr_stack *s)
{
	while (s->alarms)
		mr_alarm_stop(s->alarms);
}
