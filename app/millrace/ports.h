/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the program tells of its ports: one line at the start, counters at the end.
 */
#ifndef APP_PORTS_H
#define APP_PORTS_H

#include <millrace.h>

/* Device, MAC, addresses, queues and offloads of each port. */
void ports_print(struct mr_host *h, const struct mr_config *cfg);
/* Packets received, sent and lost by each device, and by all. The devices are still open. */
void ports_print_stats(const struct mr_config *cfg);

#endif
