/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Buffers that grow by themselves, until an application sets them (MR_OPT_RCVBUF, MR_OPT_SNDBUF).
 *
 * Receiving: once in a round trip the bytes that the application has read in it are looked at. A sender that may double its
 * window in that time must find room for twice as much, and for what it sends meanwhile; so the buffer, and with it the
 * window, keeps ahead of a reader that keeps up, and stays as it is before one that does not (B-72). A window is advertised
 * with a round trip's delay: the round trip is that of an ACK to the data that it has let out, by timestamps. Where there are
 * none, or in steps of a millisecond nothing to see, it is what was measured of our own data, or of the handshake.
 *
 * Sending: an application that was refused room may queue what a congestion window and the next one will let out. But a
 * window that only fills queues on the way is worth no more than the path without them: what is queued beyond that comes too
 * late for the caches. So this buffer shrinks again when the round trip grows by queues, to its default at least.
 *
 * Both grow by no more than half of what the stack's budget of buffers has left; that for receiving never shrinks. What is
 * done here is asked for when a window is worth telling or an ACK makes room: never by the exchange of small messages.
 */
#include "proto/tcp/tcp.h"

#include <rte_common.h>

#define RTT_GUESS_NS 100000000u /* when nothing is known */
#define INIT_SEGS 10            /* a peer's initial window (RFC 6928) */
#define MORE_SEGS 16            /* beside what is read in a round trip: for a small window's doublings */

static uint8_t
wscale_for(uint32_t bytes)
{
	uint8_t shift = 0;

	while (shift < TCP_MAX_WSCALE && (65535u << shift) < bytes)
		shift++;
	return shift;
}

/* What the receive buffer may come to. */
static uint32_t
rcv_buf_most(const struct tcp_conn *c)
{
	return c->flags & TCP_F_RCVBUF_SET ? c->rcv_buf : RTE_MAX(c->rcv_buf, tcp_of(c->ep.stack)->rcv_range.max);
}

uint8_t
tcp_rcv_wscale(const struct tcp_conn *c)
{
	return wscale_for(RTE_MIN(rcv_buf_most(c), c->rcv_most));
}

/* What a buffer becomes that is to have `want` bytes: not less than it has, and no more than its limit or than the budget
 * (buffers held, of those that may be) lets it. */
static uint32_t
grown(uint32_t buf, uint64_t want, uint32_t most, uint32_t held, uint32_t held_max, uint32_t mss)
{
	uint64_t budget = held < held_max ? (uint64_t)(held_max - held) / 2 * mss : 0;

	return RTE_MAX(buf, (uint32_t)RTE_MIN(RTE_MIN(want, budget), (uint64_t)most));
}

/* ---- receiving ----------------------------------------------------------------------------------------------- */

/* The round trip that the timestamp of the last data shows, less the millisecond that may be rounding. One that is old after
 * a pause of the sender moves the estimate a little, and the next one puts it right. Each is looked at once: where all data comes
 * out of order there is no next one for long. */
static void
rtt_look(struct tcp_conn *c, struct tcp_rare *r)
{
	uint32_t ms = tcp_ts_now(tcp_of(c->ep.stack), c->ts_offset) - r->rcv_tsecr, ns;

	if (!(c->flags & TCP_F_TS) || r->rcv_tsecr == 0 || c->last_rx_ns != c->ep.stack->now_ns || ms > 4000)
		return;
	r->rcv_tsecr = 0;
	ns = RTE_MAX(ms, 1u) * 1000000 - 999999;
	if (r->rcv_rtt_ns == 0 || ns < r->rcv_rtt_ns)
		r->rcv_rtt_ns = ns;
	else
		r->rcv_rtt_ns += (ns - r->rcv_rtt_ns) / 8;
}

static uint64_t
round_trip(const struct tcp_conn *c, const struct tcp_rare *r)
{
	uint64_t ns = RTE_MAX((uint64_t)r->rcv_rtt_ns, c->rtt.srtt_ns);

	return ns ? ns : RTT_GUESS_NS;
}

static void
rcv_buf_grow(struct tcp_conn *c, uint32_t read, uint32_t before)
{
	const struct mr_stack *s = c->ep.stack;
	uint64_t want = 2ull * read + MORE_SEGS * c->rcv_mss;

	/* A sender that is in slow start doubles once more before the new window has come to it. */
	want += 4ull * (read - before);
	c->rcv_buf = grown(c->rcv_buf, want, rcv_buf_most(c), s->rx_held, s->rx_held_max, c->rcv_mss);
}

void
tcp_rcv_buf_tune(struct tcp_conn *c)
{
	uint32_t read_seq = c->rcv_nxt - c->rcvq.bytes, read;
	uint64_t now_ns = c->ep.stack->now_ns;
	struct tcp_rare *r;

	/* Until an initial window has come there is nothing to watch, and most connections never have so much. */
	if ((c->flags & TCP_F_RCVBUF_SET) || c->bytes_received < INIT_SEGS * c->rcv_mss)
		return;
	r = tcp_rare_own(c);
	if (r->read_since_ns == 0) {
		r->read_before = INIT_SEGS * c->rcv_mss;
	} else {
		rtt_look(c, r);
		if (now_ns - r->read_since_ns < round_trip(c, r))
			return;
		read = read_seq - r->read_seq;
		if (read > r->read_before) {
			rcv_buf_grow(c, read, r->read_before);
			r->read_before = read;
		}
	}
	r->read_since_ns = now_ns;
	r->read_seq = read_seq;
}

/* ---- sending ------------------------------------------------------------------------------------------------- */

/* A round trip takes over twice the shortest, which stands for a path without queues. */
static bool
fills_queues(const struct tcp_conn *c)
{
	return c->rack.min_rtt_ns > 0 && c->rtt.srtt_ns > 2ull * c->rack.min_rtt_ns;
}

void
tcp_snd_buf_tune(struct tcp_conn *c)
{
	const struct mr_stack *s = c->ep.stack;
	const struct tcp_buf_range *range = &tcp_of(c->ep.stack)->snd_range;
	uint64_t want = 2 * RTE_MIN((uint64_t)c->cc.cwnd, 2ull * c->snd_buf);

	if (c->flags & TCP_F_SNDBUF_SET)
		return;
	if (fills_queues(c)) {
		/* Four times what the path holds. No more than the buffer is in flight, whatever the window. */
		want = 4ull * RTE_MIN(c->cc.cwnd, c->snd_buf) * c->rack.min_rtt_ns / c->rtt.srtt_ns;
		c->snd_buf = RTE_MIN(c->snd_buf, (uint32_t)RTE_MAX(RTE_MIN(want, (uint64_t)UINT32_MAX), (uint64_t)range->def));
	}
	c->snd_buf = grown(c->snd_buf, want, range->max, s->tx_held, s->tx_held_max, c->mss);
}
