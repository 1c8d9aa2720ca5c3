/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The scripted peer of a TCP connection: segments by offsets, and the ways into each state.
 *
 * Options go out in a fixed order (MSS, SACK-permitted, timestamps, window scale, SACK), padded with NOP. The peer
 * answers a SYN only with options that it carried, as a correct stack does; for anything else a script gives raw bytes.
 */
#include "rig/rig.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#define OPTS_MAX 40

void
rig_tcp_init(struct rig_tcp *t, struct rig *rig, bool v6)
{
	*t = (struct rig_tcp){
		.rig = rig,
		.v6 = v6,
		.peer_port = 5000,
		.port = 80,
		.iss = RIG_TCP_ISS,
		.mss = v6 ? 1440 : 1460,
		.ws = 7,
		.sack = true,
		.wnd = 65535,
		.tsval = 0xfffffff0u, /* timestamps wrap as well */
		.start_ns = rig->now,
	};
}

/* ---- push */

struct opts {
	uint8_t b[OPTS_MAX + 4];
	uint8_t n;
};

static void
opt_bytes(struct opts *o, const void *data, uint8_t len)
{
	ck_assert_uint_le(o->n + len, OPTS_MAX);
	memcpy(o->b + o->n, data, len);
	o->n += len;
}

static void
opt_u32(struct opts *o, uint32_t v)
{
	uint8_t b[4] = {v >> 24, v >> 16, v >> 8, v};

	opt_bytes(o, b, 4);
}

static void
opt_syn(struct opts *o, const struct rig_tcp *t, const struct rig_seg *x, bool ts)
{
	uint16_t mss = x->mss ? x->mss : t->mss;

	if (mss)
		opt_bytes(o, (uint8_t[]){2, 4, mss >> 8, (uint8_t)mss}, 4);
	if (t->sack)
		opt_bytes(o, (uint8_t[]){4, 2}, 2);
	if (t->ws >= 0)
		opt_bytes(o, (uint8_t[]){3, 3, (uint8_t)t->ws}, 3);
	/* Timestamps follow; alignment by NOP is the sender's courtesy. */
	while (ts && o->n % 4 != 2)
		opt_bytes(o, (uint8_t[]){1}, 1);
}

static void
opt_ts(struct opts *o, const struct rig_tcp *t, const struct rig_seg *x, bool syn)
{
	uint32_t tsval = t->tsval + (uint32_t)((t->rig->now - t->start_ns) / RIG_MS);

	opt_bytes(o, syn ? (uint8_t[]){8, 10} : (uint8_t[]){1, 1, 8, 10}, syn ? 2 : 4);
	opt_u32(o, x->tsval ? x->tsval : tsval);
	opt_u32(o, x->tsecr ? x->tsecr : t->tsecr);
}

static void
opt_sack(struct opts *o, const struct rig_tcp *t, const struct rig_seg *x)
{
	opt_bytes(o, (uint8_t[]){1, 1, 5, (uint8_t)(2 + 8 * x->n_sack)}, 4);
	for (unsigned i = 0; i < x->n_sack; i++) {
		opt_u32(o, t->irs + x->sack[i][0]);
		opt_u32(o, t->irs + x->sack[i][1]);
	}
}

static void
opt_fo(struct opts *o, const struct rig_seg *x)
{
	opt_bytes(o, (uint8_t[]){34, (uint8_t)(2 + x->fo_len)}, 2);
	if (x->fo_len)
		opt_bytes(o, x->fo, x->fo_len);
}

static void
make_opts(struct opts *o, const struct rig_tcp *t, unsigned flags, const struct rig_seg *x)
{
	bool syn = flags & RIG_SYN, ts = (syn ? t->ts : t->ts_on) && !x->no_ts;

	o->n = 0;
	if (x->opts) {
		opt_bytes(o, x->opts, x->opts_len);
		return;
	}
	if (x->no_opts)
		return;
	if (syn)
		opt_syn(o, t, x, ts);
	if (ts)
		opt_ts(o, t, x, syn);
	if (x->n_sack)
		opt_sack(o, t, x);
	if (x->ask_fo || x->fo)
		opt_fo(o, x);
}

void
rig_tcp_push_seg(struct rig_tcp *t, unsigned flags, uint32_t seq, uint32_t ack, uint32_t len, const struct rig_seg *x)
{
	struct opts o;
	struct rig_tcphdr h = {
		.ip = {.v6 = t->v6, .dst = t->addr, .tos = x->tos ? x->tos : t->tos, .spoil = x->spoil},
		.sport = t->peer_port,
		.dport = t->port,
		.seq = x->raw_seq ? seq : t->iss + seq,
		.ack = x->raw_seq ? ack : flags & RIG_ACK ? t->irs + ack : 0,
		.flags = (uint8_t)flags,
		.wnd = x->zero_wnd ? 0 : x->wnd ? x->wnd : t->wnd,
		.urg = x->urg,
		.data = x->data,
		.len = len,
		.data_off = x->raw_seq ? seq - t->iss - 1 : seq - 1,
	};

	make_opts(&o, t, flags, x);
	h.opts = o.b;
	h.opts_len = o.n;
	if (flags & RIG_SYN)
		h.data_off = 0;
	rig_push_tcphdr_spec(t->rig, &h);
}

/* ---- expect */

uint32_t
rig_tcp_seq(const struct rig_tcp *t, const struct rig_frame *f)
{
	return f->seq - t->irs;
}

uint32_t
rig_tcp_ack(const struct rig_tcp *t, const struct rig_frame *f)
{
	return f->ack - t->iss;
}

uint32_t
rig_tcp_window(const struct rig_tcp *t, const struct rig_frame *f)
{
	return (uint32_t)f->wnd << t->stack_ws;
}

static bool
is_ours(const struct rig_tcp *t, const struct rig_frame *f)
{
	const struct rig *r = t->rig;
	const struct mr_addr *addr = t->addr.d[1] ? &t->addr : t->v6 ? &r->addr6 : &r->addr4;

	return f->kind == RIG_TCP && f->sport == t->port && f->dport == t->peer_port && f->v6 == t->v6 &&
	       mr_addr_equal(&f->src, addr) && mr_addr_equal(&f->dst, t->v6 ? &r->peer6 : &r->peer4) &&
	       memcmp(f->eth_dst, r->peer_mac, 6) == 0;
}

static const char *__attribute__((format(printf, 1, 2)))
because(const char *fmt, ...)
{
	static char text[160];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	return text;
}

static const char *
mismatch_sack(const struct rig_tcp *t, const struct rig_frame *f, const struct rig_seg *x)
{
	if (x->has_sack < 0 && f->n_sack)
		return because("%u SACK blocks, expected none", f->n_sack);
	if (x->has_sack <= 0 && !x->n_sack)
		return NULL;
	if (f->n_sack != x->n_sack)
		return because("%u SACK blocks, expected %u", f->n_sack, x->n_sack);
	for (unsigned i = 0; i < x->n_sack; i++)
		if (f->sack[i][0] - t->iss != x->sack[i][0] || f->sack[i][1] - t->iss != x->sack[i][1])
			return because("SACK block %u is %u:%u, expected %u:%u", i, f->sack[i][0] - t->iss, f->sack[i][1] - t->iss,
			               x->sack[i][0], x->sack[i][1]);
	return NULL;
}

static const char *
mismatch_payload(const struct rig_tcp *t, const struct rig_frame *f, const struct rig_seg *x)
{
	size_t good;

	if (x->data && f->payload_len > 0 && memcmp(f->payload, x->data, f->payload_len) != 0)
		return "payload differs";
	if (!x->pattern)
		return NULL;
	good = rig_pattern_check(f->payload, f->seq - t->irs - 1, f->payload_len);
	return good == f->payload_len ? NULL : because("payload byte %zu is not the pattern", good);
}

static const char *
mismatch(const struct rig_tcp *t, const struct rig_frame *f, unsigned flags, uint32_t seq, uint32_t ack, uint32_t len,
         const struct rig_seg *x)
{
	unsigned ignore = x->exact || flags & RIG_PSH ? 0 : RIG_PSH;
	uint32_t base = x->raw_seq ? 0 : t->irs, base_ack = x->raw_seq ? 0 : t->iss;
	const char *why;

	if (!f)
		return "nothing was sent";
	if (!is_ours(t, f))
		return "not of this connection";
	if ((f->flags & ~ignore) != flags)
		return because("flags %s", rig_flags_text(f->flags));
	if (seq != RIG_ANY && f->seq != base + seq)
		return because("seq offset %u", f->seq - base);
	if (ack != RIG_ANY && flags & RIG_ACK && f->ack != base_ack + ack)
		return because("ack offset %u", f->ack - base_ack);
	if (len != RIG_ANY && f->payload_len != len)
		return because("%u bytes of payload", f->payload_len);
	if (x->check_wnd && f->wnd != x->wnd)
		return because("window field %u, expected %u", f->wnd, x->wnd);
	if (t->ts_on && !x->no_ts && !(flags & RIG_RST) && !f->has_ts)
		return "no timestamp";
	if (f->has_ts && !(flags & RIG_SYN) && !t->ts_on)
		return "timestamp that was not agreed";
	why = mismatch_sack(t, f, x);
	return why ? why : mismatch_payload(t, f, x);
}

/* Take the next frame and remember what later pushes echo. */
static const struct rig_frame *
take(struct rig_tcp *t)
{
	const struct rig_frame *f = rig_next(t->rig);

	if (f && is_ours(t, f) && f->has_ts && !(f->flags & RIG_RST))
		t->tsecr = f->tsval;
	return f;
}

const char *
rig_tcp_match(struct rig_tcp *t, unsigned flags, uint32_t seq, uint32_t ack, uint32_t len, const struct rig_seg *x)
{
	const char *why = mismatch(t, rig_peek(t->rig), flags, seq, ack, len, x);

	if (!why)
		take(t);
	return why;
}

static const char *
number_text(char *buf, size_t size, uint32_t v)
{
	snprintf(buf, size, v == RIG_ANY ? "any" : "%u", v);
	return buf;
}

const struct rig_frame *
rig_tcp_expect_seg(struct rig_tcp *t, unsigned flags, uint32_t seq, uint32_t ack, uint32_t len, const struct rig_seg *x,
                   const char *file, int line)
{
	const struct rig_frame *f = take(t);
	const char *why = mismatch(t, f, flags, seq, ack, len, x);
	char s[16], a[16], n[16];

	if (why)
		ck_abort_msg("%s:%d: %s\n\texpected %s seq %s ack %s len %s\n\tgot      %s\n\t(offsets: seq %u, ack %u)", file, line,
		             why, rig_flags_text(flags), number_text(s, sizeof(s), seq), number_text(a, sizeof(a), ack),
		             number_text(n, sizeof(n), len), rig_frame_text(f), f ? f->seq - t->irs : 0, f ? f->ack - t->iss : 0);
	return f;
}

const struct rig_frame *
rig_tcp_next(struct rig_tcp *t)
{
	const struct rig_frame *f = take(t);

	ck_assert_msg(f && is_ours(t, f), "expected a segment of the connection, got %s", rig_frame_text(f));
	return f;
}

/* ---- handshakes */

/* Learn from the stack's SYN or SYN|ACK. */
static void
learn_syn(struct rig_tcp *t, const struct rig_frame *f)
{
	t->irs = f->seq;
	t->stack_mss = f->mss;
	t->stack_ws = t->ws >= 0 && f->has_ws ? f->ws : 0;
	t->ts_on = t->ts && f->has_ts;
	t->sack_on = t->sack && f->has_sackok;
	if (f->has_ts)
		t->tsecr = f->tsval;
}

struct mr_ep *
rig_tcp_listen(struct rig_tcp *t, int backlog)
{
	struct mr_sockaddr any = {.port = t->port};

	/* An IPv6 endpoint is dual stack, but a script of one family shall not depend on that. */
	if (!t->v6)
		any.addr = rig_addr("0.0.0.0");
	ck_assert_int_eq(mr_ep_create(t->rig->stack, MR_TRANS_TCP, t->v6 ? MR_NET_IPV6 : MR_NET_IPV4, &t->listener), 0);
	ck_assert_int_eq(mr_ep_bind(t->listener, &any), 0);
	ck_assert_int_eq(mr_ep_listen(t->listener, backlog), 0);
	return t->listener;
}

void
rig_tcp_start_passive(struct rig_tcp *t)
{
	const struct rig_frame *f;

	if (!t->listener)
		rig_tcp_listen(t, 16);
	rig_tcp_push(t, t->ecn ? RIG_SYN | RIG_ECE | RIG_CWR : RIG_SYN, 0, 0, 0);
	f = rig_expect(t->rig, RIG_TCP);
	t->ecn_on = t->ecn && f->flags & RIG_ECE;
	ck_assert_msg(is_ours(t, f) && f->flags == (RIG_SYN | RIG_ACK | (t->ecn_on ? RIG_ECE : 0)) && f->ack == t->iss + 1,
	              "expected SYN|ACK, got %s", rig_frame_text(f));
	learn_syn(t, f);
	t->snd = t->rcv = 1;
}

struct mr_ep *
rig_tcp_establish_passive(struct rig_tcp *t)
{
	rig_tcp_start_passive(t);
	rig_tcp_push(t, RIG_ACK, 1, 1, 0);
	rig_expect_none(t->rig);
	ck_assert_int_eq(mr_ep_accept(t->listener, &t->ep), 0);
	ck_assert_int_eq(rig_tcp_state(t->ep), MR_TCP_ESTABLISHED);
	return t->ep;
}

struct mr_ep *
rig_tcp_start_active(struct rig_tcp *t)
{
	struct mr_sockaddr to = rig_peer(t->rig, t->v6, t->peer_port), name;
	const struct rig_frame *f;

	if (!t->ep)
		ck_assert_int_eq(mr_ep_create(t->rig->stack, MR_TRANS_TCP, t->v6 ? MR_NET_IPV6 : MR_NET_IPV4, &t->ep), 0);
	ck_assert_int_eq(mr_ep_connect(t->ep, &to), -EINPROGRESS);
	ck_assert_int_eq(mr_ep_local_name(t->ep, &name), 0);
	t->port = name.port;
	f = rig_expect(t->rig, RIG_TCP);
	t->ecn_on = t->ecn && f->flags & RIG_ECE;
	ck_assert_msg(is_ours(t, f) && f->flags == (RIG_SYN | (t->ecn_on ? RIG_ECE | RIG_CWR : 0)), "expected SYN, got %s",
	              rig_frame_text(f));
	t->ts = t->ts && f->has_ts;
	t->sack = t->sack && f->has_sackok;
	t->ws = f->has_ws ? t->ws : -1;
	learn_syn(t, f);
	t->snd = 0;
	t->rcv = 1;
	return t->ep;
}

struct mr_ep *
rig_tcp_establish_active(struct rig_tcp *t)
{
	rig_tcp_start_active(t);
	rig_tcp_push(t, t->ecn_on ? RIG_SYN | RIG_ACK | RIG_ECE : RIG_SYN | RIG_ACK, 0, 1, 0);
	rig_tcp_expect(t, RIG_ACK, 1, 1, 0, .exact = true);
	rig_expect_none(t->rig);
	t->snd = 1;
	ck_assert_int_eq(rig_tcp_state(t->ep), MR_TCP_ESTABLISHED);
	return t->ep;
}

/* ---- states */

enum mr_tcp_state
rig_tcp_state(struct mr_ep *ep)
{
	int64_t v;

	ck_assert_int_eq(mr_ep_getopt(ep, MR_OPT_TCP_STATE, &v), 0);
	return (enum mr_tcp_state)v;
}

/* The stack closes its direction, and its FIN comes. */
static void
stack_fin(struct rig_tcp *t)
{
	ck_assert_int_eq(mr_ep_shutdown(t->ep, MR_SHUT_WR), 0);
	rig_tcp_expect(t, RIG_FIN | RIG_ACK, t->rcv, t->snd, 0);
	t->rcv++;
}

/* The peer's FIN, which acknowledges up to `ack`, is acknowledged. */
static void
peer_fin(struct rig_tcp *t, uint32_t ack)
{
	rig_tcp_push(t, RIG_FIN | RIG_ACK, t->snd, ack, 0);
	t->snd++;
	rig_tcp_expect(t, RIG_ACK, t->rcv, t->snd, 0);
}

static void
peer_ack(struct rig_tcp *t)
{
	rig_tcp_push(t, RIG_ACK, t->snd, t->rcv, 0);
	rig_expect_none(t->rig);
}

static void
close_from_established(struct rig_tcp *t, enum mr_tcp_state state)
{
	bool peer_first = state == MR_TCP_CLOSE_WAIT || state == MR_TCP_LAST_ACK || state == MR_TCP_CLOSED;

	if (peer_first)
		peer_fin(t, t->rcv);
	if (state == MR_TCP_CLOSE_WAIT)
		return;
	stack_fin(t);
	if (state == MR_TCP_CLOSING)
		peer_fin(t, t->rcv - 1);
	if (state == MR_TCP_FIN_WAIT_2 || state == MR_TCP_TIME_WAIT || state == MR_TCP_CLOSED)
		peer_ack(t);
	if (state == MR_TCP_TIME_WAIT)
		peer_fin(t, t->rcv);
}

struct mr_ep *
rig_tcp_reach(struct rig_tcp *t, enum mr_tcp_state state)
{
	switch (state) {
	case MR_TCP_LISTEN:
		return t->listener ? t->listener : rig_tcp_listen(t, 16);
	case MR_TCP_SYN_SENT:
		rig_tcp_start_active(t);
		break;
	case MR_TCP_SYN_RECEIVED:
		rig_tcp_start_passive(t);
		return NULL;
	default:
		rig_tcp_establish_passive(t);
		if (state != MR_TCP_ESTABLISHED)
			close_from_established(t, state);
	}
	ck_assert_msg(rig_tcp_state(t->ep) == state, "state %d, expected %d", rig_tcp_state(t->ep), state);
	return t->ep;
}
