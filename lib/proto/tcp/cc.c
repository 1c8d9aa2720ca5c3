/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The algorithms of congestion control that there are: a table, an algorithm's place in which is its number for the
 * application. A new one is a file of its own and a row here.
 */
#include "proto/tcp/tcp.h"

#include <errno.h>
#include <string.h>

#include <rte_common.h>

static const struct tcp_cc_ops *const algorithms[] = {&tcp_newreno};

const struct tcp_cc_ops *
tcp_cc_at(int64_t i)
{
	return i >= 0 && i < (int64_t)RTE_DIM(algorithms) ? algorithms[i] : NULL;
}

int
tcp_cc_index(const struct tcp_cc_ops *ops)
{
	int i = 0;

	while (algorithms[i] != ops)
		i++;
	return i;
}

void
tcp_cc_switch(struct tcp_cc *cc, const struct tcp_cc_ops *ops)
{
	uint32_t ssthresh = cc->ssthresh;

	if (cc->ops == ops)
		return;
	/* What was learned about the path stays; what the old one thought about it goes. */
	memset(cc->priv, 0, sizeof(cc->priv));
	cc->pacing_rate = 0;
	cc->ops = ops;
	ops->init(cc);
	cc->ssthresh = ssthresh;
}

const char *
mr_tcp_cc_name(unsigned i)
{
	const struct tcp_cc_ops *ops = tcp_cc_at(i);

	return ops ? ops->name : NULL;
}

int
mr_tcp_cc_find(const char *name)
{
	for (unsigned i = 0; i < RTE_DIM(algorithms); i++) {
		if (strcmp(algorithms[i]->name, name) == 0)
			return (int)i;
	}
	return -ENOENT;
}
