/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What few connections have (tcp_rare.h): made when the first of it is set, gone with the connection. There is room for one
 * for each connection, so it can always be had; memory is touched as it is used.
 */
#include "proto/tcp/tcp.h"

#include <string.h>

const struct tcp_rare tcp_rare_none = {
	.keepidle_ms = 7200000,
	.keepintvl_ms = 75000,
	.keepcnt = 9,
	.offers = TCP_OPT_WS | TCP_OPT_TS | TCP_OPT_SACK_PERM,
};

void
tcp_rare_init(struct tcp_conn *c)
{
	c->rare = (struct tcp_rare *)(uintptr_t)&tcp_rare_none;
}

struct tcp_rare *
tcp_rare_own(struct tcp_conn *c)
{
	if (c->rare == &tcp_rare_none) {
		c->rare = mr_pool_take(&tcp_of(c->ep.stack)->rares);
		*c->rare = tcp_rare_none;
	}
	return c->rare;
}

void
tcp_rare_inherit(struct tcp_conn *c, const struct tcp_conn *l)
{
	const size_t bytes = offsetof(struct tcp_rare, probe);

	if (memcmp(l->rare, c->rare, bytes) != 0)
		memcpy(tcp_rare_own(c), l->rare, bytes);
}

void
tcp_rare_free(struct tcp_conn *c)
{
	if (c->rare == &tcp_rare_none)
		return;
	mr_pool_put(&tcp_of(c->ep.stack)->rares, c->rare);
	tcp_rare_init(c);
}
