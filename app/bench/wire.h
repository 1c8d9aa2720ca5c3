/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What is between the two sides.
 */
#ifndef BENCH_WIRE_H
#define BENCH_WIRE_H

#include <stddef.h>

/* Two devices that are joined in memory, with `queues` queue pairs of up to `depth` frames each way. They pass packets on
 * by pointer. @param names of the devices, room for WIRE_NAME each. @return 0, or -errno, told on stderr */
#define WIRE_NAME 64
int wire_join(unsigned queues, unsigned depth, char names[2][WIRE_NAME]);
/* Free what is on the wire; both devices have stopped. */
void wire_drain(void);
/* Driver behind a device, like "net_memif"; "none" if there is no such device. */
const char *wire_driver(const char *device);

#endif
