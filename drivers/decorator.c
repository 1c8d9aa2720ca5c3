/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Operations that decorators pass on unchanged. See decorator.h. Not here: close, because each decorator has own memory
 * to free, and the bursts, because they are what a decorator is for.
 */
#include "decorator.h"

void
mr_decorator_init(struct mr_link *l, const struct mr_link_ops *ops, const char *driver, struct mr_link *inner)
{
	*l = (struct mr_link){
		.ops = ops,
		.driver = driver,
		.framing = inner->framing,
		.caps = inner->caps,
		.mtu = inner->mtu,
		.tso_segs = inner->tso_segs,
		.queue = inner->queue,
		.lladdr = inner->lladdr,
		.inner = inner,
	};
}

int
mr_decorator_start(struct mr_link *l)
{
	return l->inner->ops->start(l->inner);
}

void
mr_decorator_stop(struct mr_link *l)
{
	l->inner->ops->stop(l->inner);
}

int
mr_decorator_set_promisc(struct mr_link *l, bool on)
{
	return l->inner->ops->set_promisc ? l->inner->ops->set_promisc(l->inner, on) : 0;
}

int
mr_decorator_set_mcast(struct mr_link *l, const struct mr_lladdr *list, unsigned n)
{
	return l->inner->ops->set_mcast ? l->inner->ops->set_mcast(l->inner, list, n) : 0;
}

void
mr_decorator_stats(struct mr_link *l, struct mr_link_stats *out)
{
	l->inner->ops->stats(l->inner, out);
}

bool
mr_decorator_is_up(struct mr_link *l)
{
	return l->inner->ops->is_up(l->inner);
}

uint64_t
mr_decorator_next_ns(struct mr_link *l)
{
	return l->inner->ops->next_ns ? l->inner->ops->next_ns(l->inner) : UINT64_MAX;
}
