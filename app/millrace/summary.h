/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Figures of the stacks: a line while they run, and the summary of their whole life.
 */
#ifndef APP_SUMMARY_H
#define APP_SUMMARY_H

#include <stdint.h>

#include <millrace.h>

/* Counters at the last line of statistics. */
struct summary_mark {
	uint64_t time_ns;
	uint64_t rx_packets, rx_bytes, tx_packets, tx_bytes, opened;
};

/* A line about the time since the mark, which moves on. */
void summary_print_rates(const struct mr_host *h, struct summary_mark *mark, uint64_t now_ns);
/* Counters over all workers, drop reasons, TCP. The host has stopped. */
void summary_print(const struct mr_host *h);
/* Established connections that have not ended yet, those without an owner included. */
uint64_t summary_open_connections(const struct mr_host *h);

#endif
