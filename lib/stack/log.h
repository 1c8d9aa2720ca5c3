/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Log lines of the library, for control paths only: type "millrace" of rte_log, each line names the thing and the fix.
 */
#ifndef MR_STACK_LOG_H
#define MR_STACK_LOG_H

#include <rte_log.h>

extern int mr_logtype;

#define MR_LOG(level, fmt, ...) rte_log(RTE_LOG_##level, mr_logtype, "millrace: " fmt "\n", ##__VA_ARGS__)

#endif
