/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The options of TCP: of the protocol in one stack, and of its endpoints. What both have, an endpoint takes from the
 * protocol when it is made and a connection from its listener when it is accepted (SS-17); only what a SYN may offer is
 * asked of both when the SYN is sent or answered.
 *
 * Plain numbers and switches are rows of tables; what has a rule of its own has a function.
 */
#include "proto/tcp/tcp.h"

#include <errno.h>

#include <rte_common.h>

#define MS 1000000ll
#define DEFER_NS(n) ((((int64_t)1 << (n)) - 1) * (int64_t)TCP_INITIAL_RTO_NS)
#define MAXSEG_LIMIT 65495   /* 65535 without the shortest headers */

/* ---- plain numbers ------------------------------------------------------------------------------------------- */

/* A number that is kept somewhere. */
struct number {
	int opt;
	uint16_t off;
	uint8_t bytes;    /* kept in 1, 4 or 8 */
	int64_t min, max; /* as the application says it */
	int64_t unit;     /* of what is kept, in what the application says */
};

#define IN(type, field) offsetof(type, field), sizeof(((type *)NULL)->field)

static const struct number conn_numbers[] = {
	{MR_OPT_TTL, IN(struct tcp_conn, ttl), 1, 255, 1},
	{MR_OPT_TCP_ECN, IN(struct tcp_conn, ecn_mode), MR_TCP_ECN_OFF, MR_TCP_ECN_ACCEPT, 1},
};

static const struct number rare_numbers[] = {
	{MR_OPT_TCP_KEEPCNT, IN(struct tcp_rare, keepcnt), 1, 127, 1},
	{MR_OPT_TCP_KEEPIDLE_NS, IN(struct tcp_rare, keepidle_ms), MS, UINT32_MAX * MS, MS},
	{MR_OPT_TCP_KEEPINTVL_NS, IN(struct tcp_rare, keepintvl_ms), MS, UINT32_MAX * MS, MS},
	{MR_OPT_TCP_USER_TIMEOUT_NS, IN(struct tcp_rare, user_timeout_ms), 0, UINT32_MAX * MS, MS},
	{MR_OPT_TCP_FASTOPEN, IN(struct tcp_rare, fastopen), 0, UINT16_MAX, 1},
};

static const struct number proto_numbers[] = {
	{MR_OPT_TCP_TIMEWAIT_NS, IN(struct tcp, time_wait_ns), 0, INT32_MAX * MS, 1}, /* records count 32 bits of them */
	{MR_OPT_TCP_FINWAIT2_NS, IN(struct tcp, fin_wait2_ns), 0, INT32_MAX * MS, 1},
	{MR_OPT_TCP_MIN_RTO_NS, IN(struct tcp, min_rto_ns), MS, TCP_MAX_RTO_NS, 1},
	{MR_OPT_TCP_DELACK_NS, IN(struct tcp, delack_ns), 0, 500 * MS - 1, 1}, /* MUST-40 */
	{MR_OPT_TCP_INIT_CWND, IN(struct tcp, init_cwnd), 1, 1000, 1},
	{MR_OPT_TCP_MAXSEG, IN(struct tcp, user_mss), TCP_MIN_MSS, MAXSEG_LIMIT, 1},
	{MR_OPT_TCP_MTU_PROBING, IN(struct tcp, mtu_probing), MR_TCP_MTU_PROBING_OFF, MR_TCP_MTU_PROBING_ALWAYS, 1},
	{MR_OPT_TCP_BASE_MSS, IN(struct tcp, base_mss), TCP_MIN_MSS, MAXSEG_LIMIT, 1},
	{MR_OPT_TCP_MTU_PROBE_NS, IN(struct tcp, mtu_probe_ns), 300000 * MS, INT32_MAX * MS, 1}, /* PM-04 */
	{MR_OPT_TCP_SYNCOOKIES, IN(struct tcp, syncookies), MR_TCP_SYNCOOKIES_NEVER, MR_TCP_SYNCOOKIES_ALWAYS, 1},
	{MR_OPT_TCP_SYN_BACKLOG, IN(struct tcp, syn_backlog), 1, UINT32_MAX, 1},
	{MR_OPT_TCP_ECN, IN(struct tcp, ecn_mode), MR_TCP_ECN_OFF, MR_TCP_ECN_ACCEPT, 1},
};

static const struct number *
number_find(const struct number *table, unsigned n, int opt)
{
	for (unsigned i = 0; i < n; i++) {
		if (table[i].opt == opt)
			return &table[i];
	}
	return NULL;
}

static int
number_set(const struct number *o, void *obj, int64_t v)
{
	char *at = (char *)obj + o->off;

	if (v < o->min || v > o->max)
		return -EINVAL;
	v /= o->unit;
	if (o->bytes == 8)
		*(uint64_t *)at = (uint64_t)v;
	else if (o->bytes == 4)
		*(uint32_t *)at = (uint32_t)v;
	else
		*(uint8_t *)at = (uint8_t)v;
	return 0;
}

static int64_t
number_get(const struct number *o, const void *obj)
{
	const char *at = (const char *)obj + o->off;

	if (o->bytes == 8)
		return (int64_t) * (const uint64_t *)at * o->unit;
	if (o->bytes == 4)
		return *(const uint32_t *)at * o->unit;
	return *(const uint8_t *)at * o->unit;
}

/* ---- shared by both levels ----------------------------------------------------------------------------------- */

/* What a SYN may offer; 0: no such option. */
static uint8_t
offer_of(int opt)
{
	switch (opt) {
	case MR_OPT_TCP_WSCALE:
		return TCP_OPT_WS;
	case MR_OPT_TCP_TIMESTAMPS:
		return TCP_OPT_TS;
	case MR_OPT_TCP_SACK:
		return TCP_OPT_SACK_PERM;
	default:
		return 0;
	}
}

static void
offer_set(uint8_t *offers, uint8_t which, bool on)
{
	*offers = (uint8_t)(on ? *offers | which : *offers & ~which);
}

/* ---- endpoints: switches ------------------------------------------------------------------------------------- */

/* Which flag an on/off option is; 0: none. */
static uint32_t
option_flag(int opt)
{
	switch (opt) {
	case MR_OPT_REUSEADDR:
		return TCP_F_REUSEADDR;
	case MR_OPT_REUSEPORT:
		return TCP_F_REUSEPORT;
	case MR_OPT_V6ONLY:
		return TCP_F_V6ONLY;
	case MR_OPT_TCP_NODELAY:
		return TCP_F_NODELAY;
	case MR_OPT_TCP_CORK:
		return TCP_F_CORK;
	case MR_OPT_TCP_QUICKACK:
		return TCP_F_QUICKACK;
	case MR_OPT_TCP_KEEPALIVE:
		return TCP_F_KEEPALIVE;
	case MR_OPT_TCP_BIND_NO_PORT:
		return TCP_F_BIND_NO_PORT;
	default:
		return 0;
	}
}

/* Keep-alive begins, ends, or has another idle time. However long the peer has been silent, it is asked before it is given
 * up (MUST-29). */
static void
keepalive_restart(struct tcp_conn *c)
{
	uint64_t idle_ns = (uint64_t)c->rare->keepidle_ms * MS, now_ns = c->ep.stack->now_ns;

	if (!tcp_is_open(c) || c->state < MR_TCP_ESTABLISHED)
		return;
	c->idle_ns = 0;
	if (c->flags & TCP_F_KEEPALIVE) {
		if (now_ns - c->last_rx_ns > idle_ns)
			c->last_rx_ns = now_ns - idle_ns;
		c->idle_ns = c->last_rx_ns + idle_ns;
	}
	tcp_timer_update(c);
}

static void
delays_acks_set(struct tcp_conn *c, bool on)
{
	if (on != c->rare->delays_acks)
		tcp_rare_own(c)->delays_acks = on;
	if (on)
		c->rcvq.quick_segs = 0;
}

static int
flag_set(struct tcp_conn *c, uint32_t flag, bool on)
{
	/* What decides whom a registration takes cannot change under it. */
	if ((flag == TCP_F_REUSEPORT || flag == TCP_F_V6ONLY) && c->bind)
		return -EINVAL;
	if (flag == TCP_F_V6ONLY && !c->v6)
		return -EINVAL;
	c->flags = on ? c->flags | flag : c->flags & ~flag;
	/* What was held back may go now. */
	if ((flag == TCP_F_NODELAY && on) || (flag == TCP_F_CORK && !on))
		mr_ep_mark_dirty(&c->ep);
	if (flag == TCP_F_KEEPALIVE)
		keepalive_restart(c);
	if (flag == TCP_F_QUICKACK)
		delays_acks_set(c, !on);
	return 0;
}

/* ---- endpoints: options with rules --------------------------------------------------------------------------- */

/* The application knows what it wants: the buffer does not grow by itself any more. */
static int
buf_set(struct tcp_conn *c, uint32_t *buf, uint32_t flag, const struct tcp_buf_range *r, int64_t v)
{
	if (v < r->min || v > r->max)
		return -EINVAL;
	*buf = (uint32_t)v;
	c->flags |= flag;
	return 0;
}

static int
window_clamp_set(struct tcp_conn *c, int64_t v)
{
	if (v < TCP_MIN_MSS || v > TCP_WINDOW_LIMIT)
		return -EINVAL;
	c->rcv_most = (uint32_t)v;
	if (tcp_is_open(c))
		c->rcv_most = RTE_MIN(c->rcv_most, tcp_window_most(c));
	return 0;
}

static int
linger_set(struct tcp_conn *c, int64_t v)
{
	if (v > UINT32_MAX * MS)
		return -EINVAL;
	if (v < 0) {
		c->flags &= ~TCP_F_LINGER;
		return 0;
	}
	c->flags |= TCP_F_LINGER;
	tcp_rare_own(c)->linger_ms = (uint32_t)(v / MS);
	return 0;
}

/* Kept as a number of SYN-ACKs; the n-th goes out after 2^n - 1 seconds. */
static int
defer_set(struct tcp_conn *c, int64_t v)
{
	uint8_t n = 0;

	if (v < 0 || v > DEFER_NS(TCP_SYNACK_RETRIES))
		return -EINVAL;
	while (DEFER_NS(n) < v)
		n++;
	tcp_rare_own(c)->defer_accept = n;
	return 0;
}

static int
nic_set(struct tcp_conn *c, int64_t v)
{
	if (c->bind || c->state != MR_TCP_CLOSED || v < 0 || v > UINT16_MAX ||
	    (v && !mr_nic_find(c->ep.stack, (uint16_t)v)))
		return -EINVAL;
	tcp_rare_own(c)->bind_nic = (uint16_t)v;
	return 0;
}

static int
cc_set(struct tcp_conn *c, int64_t v)
{
	const struct tcp_cc_ops *ops = tcp_cc_at(v);

	if (!ops)
		return -EINVAL;
	tcp_cc_switch(c, ops);
	return 0;
}

/* Before the SYN: may it be offered? After: was it agreed? */
static bool
offer_get(const struct tcp_conn *c, uint8_t which)
{
	if (c->state <= MR_TCP_LISTEN)
		return c->rare->offers & tcp_of(c->ep.stack)->offers & which;
	return c->flags & tcp_offer_flags(which);
}

int
tcp_ep_setopt(struct mr_ep *ep, int opt, int64_t v)
{
	struct tcp_conn *c = tcp_conn(ep);
	const struct tcp *t = tcp_of(ep->stack);
	const struct number *num = number_find(conn_numbers, RTE_DIM(conn_numbers), opt);
	const struct number *rare = number_find(rare_numbers, RTE_DIM(rare_numbers), opt);

	if (num)
		return number_set(num, c, v);
	if (rare) {
		int rc = number_set(rare, tcp_rare_own(c), v);

		if (rc == 0 && opt == MR_OPT_TCP_KEEPIDLE_NS)
			keepalive_restart(c);
		return rc;
	}
	if (option_flag(opt))
		return flag_set(c, option_flag(opt), v != 0);
	if (offer_of(opt)) {
		if (c->state > MR_TCP_LISTEN)
			return -EINVAL;
		offer_set(&tcp_rare_own(c)->offers, offer_of(opt), v != 0);
		return 0;
	}
	switch (opt) {
	case MR_OPT_SNDBUF:
		return buf_set(c, &c->snd_buf, TCP_F_SNDBUF_SET, &t->snd_range, v);
	case MR_OPT_RCVBUF:
		return buf_set(c, &c->rcv_buf, TCP_F_RCVBUF_SET, &t->rcv_range, v);
	case MR_OPT_TCP_WINDOW_CLAMP:
		return window_clamp_set(c, v);
	case MR_OPT_TOS:
		if (v < 0 || v > 255)
			return -EINVAL;
		c->tos = (uint8_t)(v & ~3);
		return 0;
	case MR_OPT_BINDNIC:
		return nic_set(c, v);
	case MR_OPT_LINGER_NS:
		return linger_set(c, v);
	case MR_OPT_TCP_DEFER_ACCEPT_NS:
		return defer_set(c, v);
	case MR_OPT_TCP_MAXSEG:
		if (v < TCP_MIN_MSS || v > MAXSEG_LIMIT || c->state > MR_TCP_LISTEN)
			return -EINVAL;
		tcp_rare_own(c)->user_mss = (uint32_t)v;
		return 0;
	case MR_OPT_TCP_CC:
		return cc_set(c, v);
	default:
		return -ENOPROTOOPT;
	}
}

int
tcp_ep_getopt(struct mr_ep *ep, int opt, int64_t *v)
{
	const struct tcp_conn *c = tcp_conn(ep);
	const struct number *num = number_find(conn_numbers, RTE_DIM(conn_numbers), opt);
	const struct number *rare = number_find(rare_numbers, RTE_DIM(rare_numbers), opt);

	if (num)
		*v = number_get(num, c);
	else if (rare)
		*v = number_get(rare, c->rare);
	else if (option_flag(opt))
		*v = !!(c->flags & option_flag(opt));
	else if (offer_of(opt))
		*v = offer_get(c, offer_of(opt));
	else if (opt == MR_OPT_SNDBUF)
		*v = c->snd_buf;
	else if (opt == MR_OPT_RCVBUF)
		*v = c->rcv_buf;
	else if (opt == MR_OPT_TCP_WINDOW_CLAMP)
		*v = c->rcv_most;
	else if (opt == MR_OPT_TOS)
		*v = c->tos;
	else if (opt == MR_OPT_BINDNIC)
		*v = c->rare->bind_nic;
	else if (opt == MR_OPT_LINGER_NS)
		*v = c->flags & TCP_F_LINGER ? c->rare->linger_ms * MS : -1;
	else if (opt == MR_OPT_TCP_DEFER_ACCEPT_NS)
		*v = DEFER_NS(c->rare->defer_accept);
	else if (opt == MR_OPT_TCP_MAXSEG)
		*v = tcp_is_open(c) ? c->mss : c->rare->user_mss;
	else if (opt == MR_OPT_TCP_CC)
		*v = tcp_cc_index(c->cc.ops);
	else if (opt == MR_OPT_TCP_STATE)
		*v = c->state;
	else if (opt == MR_OPT_TCP_URGENT)
		*v = tcp_urgent_left(c);
	else
		return -ENOPROTOOPT;
	return 0;
}

/* ---- protocol ------------------------------------------------------------------------------------------------ */

/* One bound of a range or what lies between, as an option; NULL: none of them. */
static uint32_t *
range_field(struct tcp *t, int opt, struct tcp_buf_range **of)
{
	bool snd = opt == MR_OPT_SNDBUF || opt == MR_OPT_SNDBUF_MIN || opt == MR_OPT_SNDBUF_MAX;

	*of = snd ? &t->snd_range : &t->rcv_range;
	switch (opt) {
	case MR_OPT_SNDBUF:
	case MR_OPT_RCVBUF:
		return &(*of)->def;
	case MR_OPT_SNDBUF_MIN:
	case MR_OPT_RCVBUF_MIN:
		return &(*of)->min;
	case MR_OPT_SNDBUF_MAX:
	case MR_OPT_RCVBUF_MAX:
		return &(*of)->max;
	default:
		return NULL;
	}
}

/* 0 < min <= default <= max, always (B-17). */
static int
range_set(struct tcp_buf_range *r, const uint32_t *field, int64_t v)
{
	struct tcp_buf_range new = *r;

	if (v <= 0 || v > TCP_WINDOW_LIMIT)
		return -EINVAL;
	*(field == &r->def ? &new.def : field == &r->min ? &new.min : &new.max) = (uint32_t)v;
	if (new.min > new.def || new.def > new.max)
		return -EINVAL;
	*r = new;
	return 0;
}

int
tcp_setopt(struct mr_transproto *tp, int opt, int64_t v)
{
	struct tcp *t = (struct tcp *)tp;
	const struct number *num = number_find(proto_numbers, RTE_DIM(proto_numbers), opt);
	struct tcp_buf_range *range;
	uint32_t *field = range_field(t, opt, &range);

	if (num)
		return number_set(num, t, v);
	if (field)
		return range_set(range, field, v);
	if (offer_of(opt)) {
		offer_set(&t->offers, offer_of(opt), v != 0);
		return 0;
	}
	if (opt != MR_OPT_TCP_CC)
		return -ENOPROTOOPT;
	if (!tcp_cc_at(v))
		return -EINVAL;
	t->cc = tcp_cc_at(v);
	return 0;
}

int
tcp_getopt(struct mr_transproto *tp, int opt, int64_t *v)
{
	struct tcp *t = (struct tcp *)tp;
	const struct number *num = number_find(proto_numbers, RTE_DIM(proto_numbers), opt);
	struct tcp_buf_range *range;
	const uint32_t *field = range_field(t, opt, &range);

	if (num)
		*v = number_get(num, t);
	else if (field)
		*v = *field;
	else if (offer_of(opt))
		*v = !!(t->offers & offer_of(opt));
	else if (opt == MR_OPT_TCP_CC)
		*v = tcp_cc_index(t->cc);
	else
		return -ENOPROTOOPT;
	return 0;
}
