/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file
 * Millrace: a TCP/IP stack on DPDK. The one public header: programs include this and none of its parts.
 *
 * A `struct mr_stack` is one core's whole instance and is single-threaded. A `struct mr_host` is N such stacks that are
 * one host. Times are nanoseconds in uint64_t (suffix _ns). API calls return 0 or a positive count, or -errno, and
 * change nothing when they fail. Ports in this header are in host byte order.
 *
 * Where a call may be made from is written on it as its context:
 * - own core: the lcore that polls the stack, before and after its turns and in events (waiters, alarms, all functions
 *   that it calls back, if they do not say otherwise, and those of mr_host_call). A stack that nobody is polling yet or
 *   any more is of whoever has it.
 * - main lcore: EAL's main one, not in an event.
 * - one thread: any, as long as it is the only one with the objects at hand.
 * - any thread, at any time.
 *
 * Debug builds (RTE_ENABLE_ASSERT) check the first two, and end the program with the name of the call.
 *
 * Not here: the contracts for drivers and protocols (stack/link.h, stack/network.h, stack/transport.h).
 */
#ifndef MILLRACE_H
#define MILLRACE_H

#include "api/addr.h"
#include "api/config.h"
#include "api/counters.h"
#include "api/endpoint.h"
#include "api/forwarder.h"
#include "api/host.h"
#include "api/host_control.h"
#include "api/link.h"
#include "api/neigh.h"
#include "api/nic.h"
#include "api/port.h"
#include "api/raw.h"
#include "api/route.h"
#include "api/stack.h"
#include "api/tcp.h"
#include "api/tcp_probe.h"

#ifdef __cplusplus
extern "C" {
#endif

/** Library version, "MAJOR.MINOR.PATCH". Context: any thread. */
const char *mr_version(void);

#ifdef __cplusplus
}
#endif
#endif
