/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file
 * A hierarchical timer wheel with intrusive nodes: arm, re-arm and cancel in constant time, no allocation.
 *
 * A tick is 2^13 ns (8.192 us); four levels of 256 slots reach 9.7 hours, later deadlines park at the horizon and are
 * re-armed. A timer fires at the first mr_wheel_advance whose time is at or past its deadline, never before it; timers
 * of one call fire in the order of their ticks. A callback may arm and cancel any timer, its own included.
 */
#ifndef MR_STACK_TIMER_H
#define MR_STACK_TIMER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#define MR_TIMER_TICK_SHIFT 13 /**< a tick is 2^13 ns */
#define MR_WHEEL_LEVELS 4      /**< of the wheel */
#define MR_WHEEL_SLOTS 256     /**< on each level */

struct mr_timer;
/** Called when a timer fires, which it has done: it may be armed again. @param now_ns the time of the turn */
typedef void (*mr_timer_fn)(struct mr_timer *t, uint64_t now_ns);

/** A timer; the memory is its owner's, zero before the first use, and there as long as it is armed. */
struct mr_timer {
	struct mr_timer *next;   /**< private */
	struct mr_timer **pprev; /**< private; NULL: not armed */
	uint64_t deadline_ns;    /**< when it fires; read only */
	mr_timer_fn fn;          /**< private */
};

/** A wheel. A stack has one (mr_stack_wheel), which its turns advance. */
struct mr_wheel {
	uint64_t next_ns; /**< private: nothing is due before */
	uint64_t tick;  /**< private: ticks before this one have been run */
	uint64_t bitmap[MR_WHEEL_LEVELS][MR_WHEEL_SLOTS / 64];  /**< private: slots that may hold timers */
	struct mr_timer *slot[MR_WHEEL_LEVELS][MR_WHEEL_SLOTS]; /**< private */
	uint32_t armed; /**< private: timers in the wheel */
};

/** Begin with an empty wheel. */
void mr_wheel_init(struct mr_wheel *w, uint64_t now_ns);
/** Arm, or move if armed. A deadline in the past fires in the next advance. */
void mr_timer_arm(struct mr_wheel *w, struct mr_timer *t, uint64_t deadline_ns, mr_timer_fn fn);
/** The timer does not fire any more. Nothing happens if it is not armed. */
void mr_timer_cancel(struct mr_wheel *w, struct mr_timer *t);
/** mr_wheel_advance when something may be due. */
unsigned mr_wheel_run(struct mr_wheel *w, uint64_t now_ns);

/** Run what is due. @return timers fired. */
static inline unsigned
mr_wheel_advance(struct mr_wheel *w, uint64_t now_ns)
{
	return now_ns < w->next_ns ? 0 : mr_wheel_run(w, now_ns);
}

/** Earliest deadline; UINT64_MAX if none is armed. */
uint64_t mr_wheel_next_ns(const struct mr_wheel *w);

/** Has it still to fire? */
static inline bool
mr_timer_armed(const struct mr_timer *t)
{
	return t->pprev != NULL;
}

#ifdef __cplusplus
}
#endif
#endif
