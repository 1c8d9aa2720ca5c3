/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The timer wheel.
 *
 * A timer lives where its tick first differs from the wheel's: the level is the highest differing byte, the slot that
 * byte of its tick. So a slot of an upper level always lies ahead of the wheel's own position in that level, nothing
 * wraps round, and when the wheel's position enters a slot, its timers are spread over the levels below. A deadline
 * beyond the wheel's window of 2^32 ticks parks at the window's last tick and is placed again when that has passed.
 *
 * Invariants: a timer's slot follows from the wheel's tick and its own; a bit of the bitmap is set exactly if its slot
 * holds a timer. An advance first collects all that is due, then fires: what a callback arms waits for the next one,
 * so a callback that re-arms itself in the past cannot hold the loop. Not here: clocks, and advance from a callback.
 */
#include "stack/timer.h"

#include <string.h>

#include <rte_common.h>
#include <rte_debug.h>

#define LEVEL_BITS 8
#define SLOT_MASK (MR_WHEEL_SLOTS - 1u)
#define WINDOW_MASK UINT64_C(0xffffffff)
_Static_assert(MR_WHEEL_SLOTS == 1 << LEVEL_BITS && MR_WHEEL_LEVELS * LEVEL_BITS == 32, "a byte of the tick per level");

/* Timers that are due, in order. */
struct due_list {
	struct mr_timer *head, **tail;
};

static inline uint64_t
timer_tick(const struct mr_timer *t)
{
	return t->deadline_ns >> MR_TIMER_TICK_SHIFT;
}

static inline void
list_push(struct mr_timer **head, struct mr_timer *t)
{
	t->next = *head;
	t->pprev = head;
	if (t->next)
		t->next->pprev = &t->next;
	*head = t;
}

static inline void
list_unlink(struct mr_timer *t)
{
	*t->pprev = t->next;
	if (t->next)
		t->next->pprev = t->pprev;
	t->pprev = NULL;
}

static inline void
bitmap_clear(struct mr_wheel *w, unsigned level, unsigned slot)
{
	w->bitmap[level][slot / 64] &= ~(UINT64_C(1) << (slot % 64));
}

/* First occupied slot of a level at or after `from`; MR_WHEEL_SLOTS if there is none. */
static unsigned
bitmap_next(const struct mr_wheel *w, unsigned level, unsigned from)
{
	const uint64_t *map = w->bitmap[level];
	uint64_t word;

	if (from >= MR_WHEEL_SLOTS)
		return MR_WHEEL_SLOTS;
	word = map[from / 64] & (UINT64_MAX << (from % 64));
	for (unsigned i = from / 64;; word = map[i]) {
		if (word)
			return i * 64 + (unsigned)__builtin_ctzll(word);
		if (++i == MR_WHEEL_SLOTS / 64)
			return MR_WHEEL_SLOTS;
	}
}

static void
wheel_place(struct mr_wheel *w, struct mr_timer *t)
{
	uint64_t tick = RTE_MAX(timer_tick(t), w->tick), diff;
	unsigned level, slot;

	if ((tick ^ w->tick) > WINDOW_MASK)
		tick = w->tick | WINDOW_MASK;
	diff = tick ^ w->tick;
	level = diff == 0 ? 0 : (63u - (unsigned)__builtin_clzll(diff)) / LEVEL_BITS;
	slot = (unsigned)(tick >> (level * LEVEL_BITS)) & SLOT_MASK;
	list_push(&w->slot[level][slot], t);
	w->bitmap[level][slot / 64] |= UINT64_C(1) << (slot % 64);
}

/* Take an armed timer out of whatever list it is in. */
static void
wheel_unlink(struct mr_wheel *w, struct mr_timer *t)
{
	uintptr_t at = (uintptr_t)t->pprev - (uintptr_t)w->slot;

	list_unlink(t);
	if (at < sizeof(w->slot)) {
		unsigned i = (unsigned)(at / sizeof(w->slot[0][0]));

		if (!w->slot[i / MR_WHEEL_SLOTS][i % MR_WHEEL_SLOTS])
			bitmap_clear(w, i / MR_WHEEL_SLOTS, i % MR_WHEEL_SLOTS);
	}
}

/* Place the timers of a slot again, after the wheel's tick has moved. */
static void
wheel_spread(struct mr_wheel *w, unsigned level, unsigned slot)
{
	struct mr_timer *t = w->slot[level][slot], *next;

	w->slot[level][slot] = NULL;
	bitmap_clear(w, level, slot);
	for (; t; t = next) {
		next = t->next;
		wheel_place(w, t);
	}
}

/* Move the due timers of the slot of one tick to the list. What stays is of later in the tick, or parked. */
static void
wheel_collect_slot(struct mr_wheel *w, uint64_t tick, uint64_t now_ns, struct due_list *due)
{
	struct mr_timer *t = w->slot[0][tick & SLOT_MASK], *next;

	for (; t; t = next) {
		next = t->next;
		if (t->deadline_ns > now_ns || timer_tick(t) > tick)
			continue;
		wheel_unlink(w, t);
		t->next = NULL;
		t->pprev = due->tail;
		*due->tail = t;
		due->tail = &t->next;
	}
}

/* Go to the first occupied slot of an upper level that starts at or before now_tick, and spread it.
 * @return false if there is none. */
static bool
wheel_enter_next(struct mr_wheel *w, uint64_t now_tick)
{
	for (unsigned level = 1; level < MR_WHEEL_LEVELS; level++) {
		unsigned shift = level * LEVEL_BITS;
		unsigned slot = bitmap_next(w, level, ((unsigned)(w->tick >> shift) & SLOT_MASK) + 1);
		uint64_t start;

		if (slot == MR_WHEEL_SLOTS)
			continue;
		start = (w->tick >> (shift + LEVEL_BITS) << LEVEL_BITS | slot) << shift;
		if (start > now_tick)
			return false;
		w->tick = start;
		wheel_spread(w, level, slot);
		return true;
	}
	return false;
}

/* Bring the wheel to now_tick and put all that is due on the list. */
static void
wheel_collect(struct mr_wheel *w, uint64_t now_tick, uint64_t now_ns, struct due_list *due)
{
	for (;;) {
		uint64_t last = RTE_MIN(now_tick, w->tick | SLOT_MASK);

		for (unsigned slot = (unsigned)w->tick & SLOT_MASK; slot <= (last & SLOT_MASK); slot++) {
			slot = bitmap_next(w, 0, slot);
			if (slot <= (last & SLOT_MASK))
				wheel_collect_slot(w, (w->tick & ~(uint64_t)SLOT_MASK) | slot, now_ns, due);
		}
		if (last == now_tick)
			break;
		if (w->slot[0][SLOT_MASK]) {
			/* Only parked timers outlast their slot: the window is over. */
			w->tick = last + 1;
			wheel_spread(w, 0, SLOT_MASK);
		} else if (!wheel_enter_next(w, now_tick)) {
			break;
		}
	}
	w->tick = now_tick;
}

void
mr_wheel_init(struct mr_wheel *w, uint64_t now_ns)
{
	memset(w, 0, sizeof(*w));
	w->next_ns = UINT64_MAX;
	w->tick = now_ns >> MR_TIMER_TICK_SHIFT;
}

void
mr_timer_arm(struct mr_wheel *w, struct mr_timer *t, uint64_t deadline_ns, mr_timer_fn fn)
{
	if (mr_timer_armed(t))
		wheel_unlink(w, t);
	else
		w->armed++;
	t->deadline_ns = deadline_ns;
	t->fn = fn;
	w->next_ns = RTE_MIN(w->next_ns, deadline_ns);
	wheel_place(w, t);
}

void
mr_timer_cancel(struct mr_wheel *w, struct mr_timer *t)
{
	if (!mr_timer_armed(t))
		return;
	wheel_unlink(w, t);
	w->armed--;
}

/* When the first occupied slot begins: no later than the first deadline, and found without looking at timers. */
static uint64_t
wheel_bound_ns(const struct mr_wheel *w)
{
	for (unsigned level = 0; level < MR_WHEEL_LEVELS; level++) {
		unsigned shift = level * LEVEL_BITS, here = (unsigned)(w->tick >> shift) & SLOT_MASK;
		unsigned slot = bitmap_next(w, level, level == 0 ? here : here + 1);

		if (slot < MR_WHEEL_SLOTS)
			return (w->tick >> (shift + LEVEL_BITS) << LEVEL_BITS | slot) << shift << MR_TIMER_TICK_SHIFT;
	}
	return UINT64_MAX;
}

unsigned
mr_wheel_run(struct mr_wheel *w, uint64_t now_ns)
{
	struct due_list due = {NULL, &due.head};
	uint64_t now_tick = now_ns >> MR_TIMER_TICK_SHIFT;
	unsigned fired = 0;

	wheel_collect(w, RTE_MAX(now_tick, w->tick), now_ns, &due);
	w->next_ns = wheel_bound_ns(w);
	while (due.head) {
		struct mr_timer *t = due.head;

		list_unlink(t);
		w->armed--;
		fired++;
		t->fn(t, now_ns);
	}
	return fired;
}

uint64_t
mr_wheel_next_ns(const struct mr_wheel *w)
{
	for (unsigned level = 0; level < MR_WHEEL_LEVELS; level++) {
		unsigned here = (unsigned)(w->tick >> (level * LEVEL_BITS)) & SLOT_MASK;
		unsigned slot = bitmap_next(w, level, level == 0 ? here : here + 1);
		uint64_t min = UINT64_MAX;

		if (slot == MR_WHEEL_SLOTS)
			continue;
		for (const struct mr_timer *t = w->slot[level][slot]; t; t = t->next)
			min = RTE_MIN(min, t->deadline_ns);
		return min;
	}
	return UINT64_MAX;
}
