/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file
 * Counters and drop reasons. Part of <millrace.h>.
 */
#ifndef MR_API_COUNTERS_H
#define MR_API_COUNTERS_H

#include <stdbool.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

struct mr_stack;

/** Every counter and drop reason; the list is lib/stack/counters.def. */
enum mr_counter {
#define MR_COUNTER(id, name, help) MR_CNT_##id,
#define MR_DROP(id, name, help) MR_DROP_##id,
#include "../counters.def"
#undef MR_COUNTER
#undef MR_DROP
	MR_CNT_MAX
};
/** Name of a counter ("tcp_rx_segments"), and whether it is a drop reason. Context: any thread. */
const char *mr_counter_name(enum mr_counter c);
/** What a counter counts, in a line. Context: any thread. */
const char *mr_counter_help(enum mr_counter c);
/** Is it a reason for which packets are dropped? Context: any thread. */
bool mr_counter_is_drop(enum mr_counter c);
/** Value of a counter; 0 for one that does not exist. Context: any thread. */
uint64_t mr_stack_counter(const struct mr_stack *s, enum mr_counter c);
/** The living counters, by enum mr_counter (S-62). Another core may read them too; each is then a moment old.
 *  Context: any thread. */
const uint64_t *mr_stack_stats(const struct mr_stack *s);
/** Copy them all, as they are between two turns: they fit together (D-13). Context: own core. */
void mr_stack_stats_copy(const struct mr_stack *s, uint64_t out[MR_CNT_MAX]);

#ifdef __cplusplus
}
#endif
#endif
