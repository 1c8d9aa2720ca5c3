/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What every decorator of a link has in common: it shows the properties of the link it wraps and passes on the
 * operations that it does not change itself. Operations that the inner link leaves out stay without effect.
 */
#ifndef DRIVERS_DECORATOR_H
#define DRIVERS_DECORATOR_H

#include "stack/link.h"

/* Make `l` look like `inner`. `driver` is the decorator's own name. */
void mr_decorator_init(struct mr_link *l, const struct mr_link_ops *ops, const char *driver, struct mr_link *inner);

/* For struct mr_link_ops: the same operation of l->inner. */
int mr_decorator_start(struct mr_link *l);
void mr_decorator_stop(struct mr_link *l);
int mr_decorator_set_promisc(struct mr_link *l, bool on);
int mr_decorator_set_mcast(struct mr_link *l, const struct mr_lladdr *list, unsigned n);
void mr_decorator_stats(struct mr_link *l, struct mr_link_stats *out);
bool mr_decorator_is_up(struct mr_link *l);
uint64_t mr_decorator_next_ns(struct mr_link *l);

#endif
