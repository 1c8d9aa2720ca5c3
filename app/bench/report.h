/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What people read: a line for each interval, with a bar of progress on a terminal, and the report at the end.
 */
#ifndef BENCH_REPORT_H
#define BENCH_REPORT_H

#include "app/bench/result.h"

/* One line: the interval just past of n sides, the client's first. @param at_ns end of the interval, and @param of_ns the
 * whole, 0: no end is known */
void report_interval(const char *const *roles, const struct interval *sides, unsigned n, uint64_t at_ns, uint64_t of_ns);
/* The same of a forward mode, by direction. */
struct report_ways {
	uint64_t rx_packets, rx_bytes, tx_packets, tx_bytes;
};
void report_forward(const struct report_ways *ways, const struct interval *v, uint64_t at_ns, uint64_t of_ns);
/* Take the bar away. */
void report_interval_end(void);
void report_result(const struct result *r);

#endif
