/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A connection and its algorithm of congestion control: which there are, the windows to begin with and to go on with after
 * an idle time, the memory of those that need more than the connection has for them.
 *
 * An algorithm's place in the table is its number for the application; the first is the default. A new one is a file of
 * its own and a row here.
 */
#include "proto/tcp/tcp.h"

#include <errno.h>
#include <string.h>

#include <rte_common.h>

#define PACE_RTT_NS 4000000u /* a few times what a paced sender sends at once */

static const struct tcp_cc_ops *const algorithms[] = {&tcp_cubic, &tcp_newreno, &tcp_bbr};

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

/* The initial window (RFC 6928 2), its bound scaled with the setting: ten segments, or 14600 bytes of larger ones. */
static uint32_t
initial_window(const struct tcp_conn *c)
{
	uint32_t segs = tcp_of(c->ep.stack)->init_cwnd;

	return RTE_MIN(segs * c->mss, RTE_MAX(2u * c->mss, segs * 1460));
}

/* There is a block for each connection, so the fallback is for the eye of the reader only. */
static void
algorithm_begin(struct tcp_conn *c)
{
	struct tcp *t = tcp_of(c->ep.stack);

	if (c->cc.ops->needs_block) {
		c->cc.block = mr_pool_get(&t->cc_blocks);
		if (c->cc.block)
			*(uint32_t *)c->cc.block = (uint32_t)mr_rng_u64(&c->ep.stack->rng);
		else
			c->cc.ops = algorithms[0];
	}
	c->cc.ops->init(&c->cc);
}

static void
algorithm_end(struct tcp_conn *c)
{
	if (c->cc.ops->needs_block && c->cc.block)
		mr_pool_put(&tcp_of(c->ep.stack)->cc_blocks, c->cc.block);
	memset(c->cc.priv, 0, sizeof(c->cc.priv));
}

void
tcp_cc_start(struct tcp_conn *c, bool syns_lost)
{
	c->cc.cwnd = syns_lost ? c->mss : initial_window(c);
	algorithm_begin(c);
}

void
tcp_cc_stop(struct tcp_conn *c)
{
	if (c->cc.cwnd)
		algorithm_end(c);
	c->cc.cwnd = 0;
}

void
tcp_cc_switch(struct tcp_conn *c, const struct tcp_cc_ops *ops)
{
	uint32_t ssthresh = c->cc.ssthresh;

	if (c->cc.ops == ops)
		return;
	if (c->cc.cwnd == 0) {
		c->cc.ops = ops;
		return;
	}
	/* What was learned about the path stays; what the old one thought about it goes. */
	algorithm_end(c);
	c->cc.ops = ops;
	c->cc.pacing_rate = 0;
	c->ecn &= (uint8_t)~TCP_ECN_PACED;
	algorithm_begin(c);
	c->cc.ssthresh = ssthresh;
	mr_ep_mark_dirty(&c->ep);
}

void
tcp_cc_restart(struct tcp_conn *c)
{
	struct tcp_cc *cc = &c->cc;
	uint64_t now = c->ep.stack->now_ns;
	bool long_ago = c->last_tx_ns && now - c->last_tx_ns > c->rtt.rto_ns;

	/* The path is not known any more; but what the window had come to is remembered as far as slow start may go. */
	if (long_ago && !cc->ops->control && cc->cwnd > initial_window(c)) {
		cc->ssthresh = RTE_MAX(cc->ssthresh, cc->cwnd - cc->cwnd / 4);
		cc->cwnd = initial_window(c);
	}
	if (long_ago)
		tcp_path_again(c);
	if (cc->ops->restart)
		cc->ops->restart(cc, now);
}

void
tcp_cc_mss_set(struct tcp_cc *cc, uint32_t mss)
{
	if (mss < cc->mss && cc->cwnd)
		cc->cwnd = RTE_MAX((uint32_t)((uint64_t)cc->cwnd * mss / cc->mss), mss);
	cc->mss = mss;
}

/*
 * Who is late with a turn has many ACKs to answer in it, and what they let out at once overflows a short queue long before
 * the path is full. On a path with a round trip to spread it over, it goes out at the rate of the window: a quarter more, so
 * that the window still is what limits it (as RFC 9002 7.7 has it); twice as much in slow start, which is about to grow so far.
 */
void
tcp_cc_pace(struct tcp_cc *cc, uint64_t srtt_ns)
{
	uint64_t bytes;

	cc->pacing_rate = 0;
	if (likely(cc->cwnd <= TCP_PACE_WINDOW_SEGS * cc->mss || srtt_ns < PACE_RTT_NS))
		return;
	bytes = cc->cwnd < cc->ssthresh ? 2ull * cc->cwnd : cc->cwnd + cc->cwnd / 4;
	cc->pacing_rate = bytes * 1000000000 / srtt_ns;
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
