/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The timer wheel: exact to the nanosecond at every level, and against a plain array over random arms, moves, cancels
 * and advances from nanoseconds to weeks.
 */
#include "rig/rig.h"

#include <string.h>

#include <rte_common.h>

#include "stack/rng.h"
#include "stack/timer.h"

#define TICK_NS (UINT64_C(1) << MR_TIMER_TICK_SHIFT)
#define WINDOW_NS (TICK_NS << 32)
#define SEC UINT64_C(1000000000)

/* ck_assert writes a note to a file each time; in loops of a million only failures may. */
#define MUST(cond) do { if (!(cond)) ck_abort_msg("%s", #cond); } while (0)

struct probe {
	struct mr_timer t;
	unsigned fired;
	uint64_t at_ns;
	struct mr_wheel *w;
	struct probe *victim;
	uint64_t again_ns;
};

static void
on_fire(struct mr_timer *t, uint64_t now_ns)
{
	struct probe *p = (struct probe *)t;

	ck_assert(!mr_timer_armed(t));
	p->fired++;
	p->at_ns = now_ns;
	if (p->victim)
		mr_timer_cancel(p->w, &p->victim->t);
	if (p->again_ns)
		mr_timer_arm(p->w, t, p->again_ns, on_fire);
}

static struct mr_wheel w;

/* One timer, from any start, on both sides of every boundary of the levels, and far beyond the horizon. */
START_TEST(fires_exactly_at_its_deadline)
{
	static const uint64_t starts[] = {0, 1, TICK_NS - 1, 255 * TICK_NS, 1234567890123, WINDOW_NS - 1,
	                                  WINDOW_NS - 3 * TICK_NS, 7 * WINDOW_NS + 12345};

	for (size_t s = 0; s < sizeof(starts) / sizeof(starts[0]); s++) {
		for (unsigned bit = 0; bit < 52; bit++) {
			for (int off = -1; off <= 1; off++) {
				uint64_t at = starts[s] + (UINT64_C(1) << bit) + (uint64_t)off;
				struct probe p = {0};

				mr_wheel_init(&w, starts[s]);
				MUST(mr_wheel_next_ns(&w) == UINT64_MAX);
				mr_timer_arm(&w, &p.t, at, on_fire);
				MUST(mr_timer_armed(&p.t));
				MUST(w.armed == 1);
				MUST(mr_wheel_next_ns(&w) == at);
				if (at > starts[s]) {
					MUST(mr_wheel_advance(&w, at - 1) == 0);
					MUST(mr_wheel_next_ns(&w) == at);
				}
				MUST(mr_wheel_advance(&w, at) == 1);
				MUST(p.fired == 1);
				MUST(p.at_ns == at);
				MUST(w.armed == 0);
				MUST(mr_wheel_next_ns(&w) == UINT64_MAX);
			}
		}
	}
}
END_TEST

START_TEST(past_deadline_fires_in_the_next_advance)
{
	struct probe p = {0};

	mr_wheel_init(&w, 100 * SEC);
	mr_timer_arm(&w, &p.t, 3, on_fire);
	ck_assert_uint_eq(mr_wheel_next_ns(&w), 3);
	ck_assert_uint_eq(mr_wheel_advance(&w, 100 * SEC), 1);
}
END_TEST

START_TEST(arm_moves_and_cancel_disarms)
{
	struct probe p = {0};

	mr_wheel_init(&w, 0);
	mr_timer_cancel(&w, &p.t);
	mr_timer_arm(&w, &p.t, SEC, on_fire);
	mr_timer_arm(&w, &p.t, 5 * SEC, on_fire);
	ck_assert_uint_eq(w.armed, 1);
	ck_assert_uint_eq(mr_wheel_advance(&w, 5 * SEC - 1), 0);
	mr_timer_arm(&w, &p.t, 6 * SEC, on_fire);
	ck_assert_uint_eq(mr_wheel_advance(&w, 5 * SEC), 0);
	mr_timer_cancel(&w, &p.t);
	mr_timer_cancel(&w, &p.t);
	ck_assert(!mr_timer_armed(&p.t));
	ck_assert_uint_eq(w.armed, 0);
	ck_assert_uint_eq(mr_wheel_next_ns(&w), UINT64_MAX);
	ck_assert_uint_eq(mr_wheel_advance(&w, 100 * SEC), 0);
}
END_TEST

/* Two that are due in one batch, each of which cancels the other: exactly one fires. */
START_TEST(callback_cancels_one_of_its_batch)
{
	for (int same_tick = 0; same_tick < 2; same_tick++) {
		struct probe a = {.w = &w}, b = {.w = &w};

		a.victim = &b;
		b.victim = &a;
		mr_wheel_init(&w, 0);
		mr_timer_arm(&w, &a.t, 1000, on_fire);
		mr_timer_arm(&w, &b.t, same_tick ? 1001 : 50 * TICK_NS, on_fire);
		ck_assert_uint_eq(mr_wheel_advance(&w, SEC), 1);
		ck_assert_uint_eq(a.fired + b.fired, 1);
		ck_assert_uint_eq(w.armed, 0);
		if (!same_tick)
			ck_assert_uint_eq(a.fired, 1);
	}
}
END_TEST

/* A callback that re-arms itself in the past does not hold the loop. */
START_TEST(rearm_in_the_past_waits_for_the_next_advance)
{
	struct probe p = {.w = &w, .again_ns = 1};

	mr_wheel_init(&w, 0);
	mr_timer_arm(&w, &p.t, 1, on_fire);
	for (unsigned i = 1; i < 5; i++) {
		ck_assert_uint_eq(mr_wheel_advance(&w, SEC), 1);
		ck_assert_uint_eq(p.fired, i);
		ck_assert_uint_eq(mr_wheel_next_ns(&w), 1);
	}
}
END_TEST

START_TEST(latest_deadline_never_fires_early)
{
	struct probe p = {0}, q = {0};

	mr_wheel_init(&w, 0);
	mr_timer_arm(&w, &p.t, UINT64_MAX, on_fire);
	mr_timer_arm(&w, &q.t, UINT64_MAX - 1, on_fire);
	for (uint64_t now = 0; now < 20 * WINDOW_NS; now += WINDOW_NS / 3)
		ck_assert_uint_eq(mr_wheel_advance(&w, now), 0);
	ck_assert_uint_eq(mr_wheel_next_ns(&w), UINT64_MAX - 1);
	mr_timer_cancel(&w, &p.t);
	mr_timer_cancel(&w, &q.t);
}
END_TEST

/* Parked timers of several windows, one advance over all: still in the order of time. */
static uint64_t last_deadline;
static void
on_ordered(struct mr_timer *t, uint64_t now_ns)
{
	ck_assert_uint_le(t->deadline_ns, now_ns);
	ck_assert_uint_ge(t->deadline_ns >> MR_TIMER_TICK_SHIFT, last_deadline >> MR_TIMER_TICK_SHIFT);
	last_deadline = t->deadline_ns;
}

START_TEST(one_call_fires_in_order_of_ticks)
{
	static struct mr_timer t[1000];
	struct mr_rng r;

	mr_rng_seed(&r, 3);
	mr_wheel_init(&w, 5);
	for (int i = 0; i < 1000; i++)
		mr_timer_arm(&w, &t[i], 5 + (mr_rng_u64(&r) >> (11 + mr_rng_below(&r, 50))), on_ordered);
	last_deadline = 0;
	ck_assert_uint_eq(mr_wheel_advance(&w, UINT64_MAX / 2), 1000);
	ck_assert_uint_eq(w.armed, 0);
}
END_TEST

/* ---- against a model */

#define TIMERS 300

static struct model {
	struct mr_timer t;
	bool armed;
	bool old; /* armed before the running advance */
} model[TIMERS];
static struct mr_rng rng;
static uint64_t now;
static unsigned fired;

static void model_fire(struct mr_timer *t, uint64_t now_ns);

/* Mostly ahead, sometimes in the past; any order of magnitude up to two weeks. */
static uint64_t
random_deadline(void)
{
	uint64_t dist = mr_rng_u64(&rng) >> (14 + mr_rng_below(&rng, 50));

	return mr_rng_below(&rng, 20) == 0 ? now - RTE_MIN(now, dist) : now + dist;
}

static void
model_arm(struct model *m)
{
	mr_timer_arm(&w, &m->t, random_deadline(), model_fire);
	m->armed = true;
	m->old = false;
}

static void
model_cancel(struct model *m)
{
	mr_timer_cancel(&w, &m->t);
	m->armed = false;
}

static void
model_fire(struct mr_timer *t, uint64_t now_ns)
{
	struct model *m = (struct model *)t;

	MUST(m->armed && m->old);
	MUST(now_ns == now);
	MUST(t->deadline_ns <= now);
	MUST(!mr_timer_armed(t));
	m->armed = false;
	fired++;
	switch (mr_rng_below(&rng, 6)) {
	case 0:
		model_arm(m);
		break;
	case 1:
		model_cancel(&model[mr_rng_below(&rng, TIMERS)]);
		break;
	case 2:
		model_arm(&model[mr_rng_below(&rng, TIMERS)]);
		break;
	}
}

static uint64_t
model_next(void)
{
	uint64_t min = UINT64_MAX;

	for (int i = 0; i < TIMERS; i++) {
		MUST(mr_timer_armed(&model[i].t) == model[i].armed);
		if (model[i].armed)
			min = RTE_MIN(min, model[i].t.deadline_ns);
	}
	return min;
}

static void
model_advance(void)
{
	uint64_t next = mr_wheel_next_ns(&w);
	unsigned n;

	MUST(next == model_next());
	switch (mr_rng_below(&rng, 3)) {
	case 0: /* one before, then exactly at the next deadline */
		if (next == UINT64_MAX || next <= now)
			break;
		now = next - 1;
		MUST(mr_wheel_advance(&w, now) == 0);
		now = next;
		break;
	case 1:
		now += mr_rng_u64(&rng) >> (14 + mr_rng_below(&rng, 50));
		break;
	}
	for (int i = 0; i < TIMERS; i++)
		model[i].old = true;
	fired = 0;
	n = mr_wheel_advance(&w, now);
	MUST(n == fired);
	for (int i = 0; i < TIMERS; i++)
		MUST(!model[i].armed || !model[i].old || model[i].t.deadline_ns > now);
}

START_TEST(wheel_against_a_model)
{
	unsigned total = 0, armed;

	mr_rng_seed(&rng, (uint64_t)_i);
	now = _i % 2 ? mr_rng_u64(&rng) >> 10 : 3 * WINDOW_NS - 100 * TICK_NS;
	memset(model, 0, sizeof(model));
	mr_wheel_init(&w, now);
	for (int step = 0; step < 100000; step++) {
		struct model *m = &model[mr_rng_below(&rng, TIMERS)];
		unsigned what = mr_rng_below(&rng, 10);

		if (what < 6) {
			model_arm(m);
		} else if (what < 8) {
			model_cancel(m);
		} else {
			model_advance();
			total += fired;
		}
		MUST(now < UINT64_MAX / 2);
	}
	MUST(total > 5000);
	armed = 0;
	for (int i = 0; i < TIMERS; i++)
		armed += model[i].armed;
	MUST(w.armed == armed);
	for (int i = 0; i < TIMERS; i++)
		model_cancel(&model[i]);
	for (int l = 0; l < MR_WHEEL_LEVELS; l++)
		for (int i = 0; i < MR_WHEEL_SLOTS / 64; i++)
			MUST(w.bitmap[l][i] == 0);
}
END_TEST

static Suite *
suite(void)
{
	Suite *s = suite_create("timer");
	TCase *tc = rig_case(s, "timer", NULL, NULL);

	tcase_set_timeout(tc, 120);
	tcase_add_test(tc, fires_exactly_at_its_deadline);
	tcase_add_test(tc, past_deadline_fires_in_the_next_advance);
	tcase_add_test(tc, arm_moves_and_cancel_disarms);
	tcase_add_test(tc, callback_cancels_one_of_its_batch);
	tcase_add_test(tc, rearm_in_the_past_waits_for_the_next_advance);
	tcase_add_test(tc, latest_deadline_never_fires_early);
	tcase_add_test(tc, one_call_fires_in_order_of_ticks);
	tcase_add_loop_test(tc, wheel_against_a_model, 0, 4);
	return s;
}

RIG_MAIN(suite)
