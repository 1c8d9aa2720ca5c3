/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the library can tell about itself: its version, its log type, and the names of the counters.
 *
 * The counters themselves are a plain array in each stack (stack.h); nothing here touches them. The table is made
 * from counters.def, in the order of enum mr_counter.
 */
#include "stack/millrace.h"

#include <rte_common.h>

#include "stack/log.h"

RTE_LOG_REGISTER(mr_logtype, millrace, NOTICE);

static const struct {
	const char *name, *help;
	bool is_drop;
} counters[] = {
#define MR_COUNTER(id, name, help) {name, help, false},
#define MR_DROP(id, name, help) {name, help, true},
#include "stack/counters.def"
#undef MR_COUNTER
#undef MR_DROP
};
_Static_assert(RTE_DIM(counters) == MR_CNT_MAX, "one row per counter");

const char *
mr_version(void)
{
	return MR_VERSION;
}

const char *
mr_counter_name(enum mr_counter c)
{
	return (unsigned)c < MR_CNT_MAX ? counters[c].name : NULL;
}

const char *
mr_counter_help(enum mr_counter c)
{
	return (unsigned)c < MR_CNT_MAX ? counters[c].help : NULL;
}

bool
mr_counter_is_drop(enum mr_counter c)
{
	return (unsigned)c < MR_CNT_MAX && counters[c].is_drop;
}
