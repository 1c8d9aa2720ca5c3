/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The states of a connection (RFC 9293 3.3.2) and their legal changes. This file is the only writer of c->state, so the
 * table below is the truth; what must happen with a state (counters, timers, events) happens here too.
 */
#include "proto/tcp/tcp.h"

#include <rte_common.h>
#include <rte_debug.h>

#define TO(s) (1u << MR_TCP_##s)

/* From a state, the states that may follow. Any state may end in CLOSED. */
static const uint16_t legal[] = {
	[MR_TCP_CLOSED] = TO(LISTEN) | TO(SYN_SENT) | TO(SYN_RECEIVED) | TO(ESTABLISHED),
	[MR_TCP_LISTEN] = TO(SYN_SENT),
	[MR_TCP_SYN_SENT] = TO(SYN_RECEIVED) | TO(ESTABLISHED),
	[MR_TCP_SYN_RECEIVED] = TO(ESTABLISHED),
	[MR_TCP_ESTABLISHED] = TO(FIN_WAIT_1) | TO(CLOSE_WAIT),
	[MR_TCP_FIN_WAIT_1] = TO(FIN_WAIT_2) | TO(CLOSING) | TO(TIME_WAIT),
	[MR_TCP_FIN_WAIT_2] = TO(TIME_WAIT),
	[MR_TCP_CLOSE_WAIT] = TO(LAST_ACK),
	[MR_TCP_CLOSING] = TO(TIME_WAIT),
	[MR_TCP_LAST_ACK] = 0,
	[MR_TCP_TIME_WAIT] = 0,
};

void
tcp_state_set(struct tcp_conn *c, enum mr_tcp_state to)
{
	struct mr_stack *s = c->ep.stack;

	bool ok = to == MR_TCP_CLOSED || (legal[c->state] & (1u << to));

	RTE_ASSERT(ok);
	RTE_SET_USED(ok);
	c->state = (uint8_t)to;
	switch (to) {
	case MR_TCP_CLOSED:
		if (unlikely(c->rare->fo_listener))
			tcp_fastopen_failed(c);
		break;
	case MR_TCP_SYN_SENT:
		mr_count(s, MR_CNT_TCP_ACTIVE_OPENS);
		break;
	case MR_TCP_ESTABLISHED:
		c->flags |= TCP_F_EVER_ESTABLISHED;
		mr_count(s, MR_CNT_TCP_ESTABLISHED);
		break;
	case MR_TCP_TIME_WAIT:
		tcp_timer_stop(c);
		tcp_time_wait_enter(c);
		mr_ep_event(&c->ep, MR_EV_HUP);
		tcp_conn_release(c);
		break;
	default:
		break;
	}
}

void
tcp_conn_end(struct tcp_conn *c, int err)
{
	if (c->state == MR_TCP_CLOSED)
		return;
	tcp_timer_stop(c);
	tcp_sendq_free(c);
	if (err)
		c->ep.err = (int16_t)err;
	tcp_state_set(c, MR_TCP_CLOSED);
	if (c->flags & TCP_F_EVER_ESTABLISHED)
		mr_count(c->ep.stack, MR_CNT_TCP_CLOSED);
	mr_ep_event(&c->ep, MR_EV_HUP | (err ? MR_EV_ERR : 0) | MR_EV_IN | MR_EV_OUT);
	tcp_conn_release(c);
}
