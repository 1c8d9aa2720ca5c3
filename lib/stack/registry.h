/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the registries know, for stack.c: the protocols by position and by name.
 */
#ifndef MR_STACK_REGISTRY_H
#define MR_STACK_REGISTRY_H

#include "stack/network.h"
#include "stack/transport.h"

/* The i-th registered factory; NULL behind the last one. */
mr_netproto_factory mr_netproto_at(unsigned i);
mr_transproto_factory mr_transproto_at(unsigned i);
/* By name; NULL if unknown. */
mr_netproto_factory mr_netproto_find(const char *name);
mr_transproto_factory mr_transproto_find(const char *name);

#endif
