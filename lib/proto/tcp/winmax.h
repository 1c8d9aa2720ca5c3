/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The maximum over a sliding window of time, in constant space: that of the present half window and that of the half
 * before it. What is older than a window never counts, what is younger than half a window always does. Time is any
 * number that does not go backwards (rounds, cycles), modulo 2^32. All zero is an empty one.
 */
#ifndef MR_PROTO_TCP_WINMAX_H
#define MR_PROTO_TCP_WINMAX_H

#include <stdint.h>

struct tcp_winmax {
	uint64_t cur, prev;
	uint32_t begin; /* of the present half */
	uint32_t half;  /* length */
};

static inline uint64_t
tcp_winmax(const struct tcp_winmax *w)
{
	return w->cur > w->prev ? w->cur : w->prev;
}

/* Let time pass and add a value. */
static inline void
tcp_winmax_add(struct tcp_winmax *w, uint32_t time, uint64_t value)
{
	uint32_t halves = (time - w->begin) / w->half;

	if (halves > 0) {
		w->prev = halves == 1 ? w->cur : 0;
		w->cur = 0;
		w->begin += halves * w->half;
	}
	if (value > w->cur)
		w->cur = value;
}

#endif
