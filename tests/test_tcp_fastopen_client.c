/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Fast Open, the client's half (RFC 7413): what a SYN carries, what becomes of it, what is remembered of a peer; and two
 * stacks of ours against each other over lines that lose.
 *
 * Requirements by number: FO-n of RFC 7413.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include <rte_common.h>

#include "rig/fixture.h"

static const uint8_t cookie[16] = "0123456789abcdef";

/* An endpoint that opens with Fast Open, to the peer or another address. */
static void
connect_to(const struct mr_addr *addr)
{
	struct mr_sockaddr to = rig_peer(&rig, t.v6, t.peer_port), name;

	if (addr)
		to.addr = *addr;
	ck_assert_int_eq(mr_ep_create(rig.stack, MR_TRANS_TCP, t.v6 ? MR_NET_IPV6 : MR_NET_IPV4, &t.ep), 0);
	ck_assert_int_eq(mr_ep_setopt(t.ep, MR_OPT_TCP_FASTOPEN, 1), 0);
	ck_assert_int_eq(mr_ep_connect(t.ep, &to), -EINPROGRESS);
	ck_assert_int_eq(mr_ep_local_name(t.ep, &name), 0);
	t.port = name.port;
}

/* The same, and `len` bytes of pattern are written at once. */
static void
open_with(uint32_t len)
{
	connect_to(NULL);
	ck_assert_int_eq(rig_ep_send(t.ep, 0, len), len);
}

/* The stack's SYN, with a cookie of so many bytes (0: it asks for one; -1: no option) and so much data. */
static const struct rig_frame *
expect_syn(int fo_len, uint32_t len)
{
	const struct rig_frame *f = rig_expect(&rig, RIG_TCP);

	ck_assert_msg(f->flags == RIG_SYN && f->payload_len == len && f->has_fo == (fo_len >= 0) && (fo_len < 0 || f->fo_len == fo_len),
	              "expected SYN with %u bytes and a cookie of %d, got one of %d: %s", len, fo_len, f->has_fo ? f->fo_len : -1,
	              rig_frame_text(f));
	ck_assert_uint_eq(rig_pattern_check(f->payload, 0, len), len);
	ck_assert(fo_len <= 0 || memcmp(f->fo, cookie, (size_t)fo_len) == 0);
	t.irs = f->seq;
	return f;
}

static void
push_syn_ack(uint32_t ack, uint8_t fo_len)
{
	rig_tcp_push(&t, RIG_SYN | RIG_ACK, 0, ack, 0, .fo = fo_len ? cookie : NULL, .fo_len = fo_len);
}

/* The next connection is to another port of the peer. */
static void
another(void)
{
	uint16_t port = t.peer_port;

	mr_ep_abort(t.ep);
	rig_discard(&rig);
	rig_tcp_init(&t, &rig, t.v6);
	t.peer_port = port + 1;
}

/* The peer's cookie is known. */
static void
learn(uint8_t fo_len)
{
	open_with(0);
	expect_syn(0, 0);
	push_syn_ack(1, fo_len);
	rig_tcp_expect(&t, RIG_ACK, 1, 1, 0);
	another();
}

static void
expect_info(uint64_t acked, bool taken)
{
	struct mr_tcp_info info;

	ck_assert_int_eq(mr_tcp_info(t.ep, &info), 0);
	ck_assert_uint_eq(info.bytes_acked, acked);
	ck_assert_int_eq(info.fastopen, taken);
	ck_assert_uint_eq(info.retransmitted_segs, 0);
}

/* FO-01: who does not ask for it gets the ordinary open, and may not write before. */
START_TEST(off_by_default)
{
	learn(8);
	rig_tcp_start_active(&t);
	ck_assert_int_eq(mr_ep_send(t.ep, "x", 1), -EAGAIN);
	rig_expect_none(&rig);
}
END_TEST

/* FO-04: without a cookie one is asked for; the data waits for the handshake. With one it is in the SYN, and is not sent
 * again. */
START_TEST(cookie_then_data)
{
	static const uint8_t lens[] = {4, 8, 16};

	rig_tcp_init(&t, &rig, _i & 1);
	open_with(100);
	expect_syn(0, 0);
	push_syn_ack(1, lens[_i / 2]);
	rig_tcp_expect(&t, RIG_ACK | RIG_PSH, 1, 1, 100, .pattern = true);
	rig_tcp_push(&t, RIG_ACK, 1, 101, 0);
	rig_expect_none(&rig);
	expect_info(100, false);
	another();
	open_with(100);
	expect_syn(lens[_i / 2], 100);
	rig_advance(&rig, 7 * RIG_MS);
	push_syn_ack(101, 0);
	rig_tcp_expect(&t, RIG_ACK, 101, 1, 0);
	expect_info(100, true);
	ck_assert_uint_eq(rig_moved(&rig, MR_CNT_TCP_FASTOPEN_ACTIVE), 1);
	/* And on it goes. */
	ck_assert_int_eq(rig_ep_send(t.ep, 100, 50), 50);
	rig_tcp_expect(&t, RIG_ACK | RIG_PSH, 101, 1, 50, .pattern = true);
	rig_tcp_push(&t, RIG_ACK, 1, 151, 0);
	rig_expect_none_for(&rig, 5 * RIG_S);
	expect_info(150, true);
}
END_TEST

/* What is written after the turn waits; nothing written: the cookie alone, for a peer that speaks first. */
START_TEST(written_later)
{
	learn(8);
	open_with(0);
	expect_syn(8, 0);
	ck_assert_uint_eq(mr_ep_readiness(t.ep), MR_EV_OUT);
	ck_assert_int_eq(rig_ep_send(t.ep, 0, 100), 100);
	rig_expect_none(&rig);
	push_syn_ack(1, 0);
	rig_tcp_expect(&t, RIG_ACK | RIG_PSH, 1, 1, 100, .pattern = true);
	expect_info(0, false);
	ck_assert_uint_eq(rig_moved(&rig, MR_CNT_TCP_FASTOPEN_FAILED), 0);
}
END_TEST

/* RFC 7413 4.2.1: no more data than the peer's MSS has room for besides the options; the rest follows the handshake. */
START_TEST(more_than_a_segment)
{
	const struct rig_frame *f;
	uint32_t in_syn;

	t.mss = 1000;
	t.ts = t.ts_on = true;
	learn(8);
	t.mss = 1000;
	t.ts = t.ts_on = true;
	open_with(4000);
	f = rig_expect(&rig, RIG_TCP);
	in_syn = f->payload_len;
	t.irs = f->seq;
	ck_assert_uint_eq(in_syn + f->opts_len, 1000);
	ck_assert_uint_eq(rig_pattern_check(f->payload, 0, in_syn), in_syn);
	t.tsecr = f->tsval;
	push_syn_ack(1 + in_syn, 0);
	for (uint32_t at = 1 + in_syn; at < 4001;) {
		f = rig_tcp_next(&t);
		ck_assert_uint_eq(rig_tcp_seq(&t, f), at);
		ck_assert_uint_eq(rig_pattern_check(f->payload, at - 1, f->payload_len), f->payload_len);
		ck_assert_uint_eq(f->payload_len, RTE_MIN(4001 - at, 1000u - 12));
		at += f->payload_len;
	}
	rig_tcp_push(&t, RIG_ACK, 1, 4001, 0);
	rig_expect_none_for(&rig, 5 * RIG_S);
	expect_info(4000, true);
}
END_TEST

/* RFC 7413 4.2.1: the peer has not taken it, or only the first bytes: the rest goes with the ACK. */
START_TEST(not_or_partly_taken)
{
	uint32_t taken = _i ? 60 : 0;

	learn(8);
	open_with(100);
	expect_syn(8, 100);
	push_syn_ack(1 + taken, 0);
	rig_tcp_expect(&t, RIG_ACK | RIG_PSH, 1 + taken, 1, 100 - taken, .pattern = true);
	rig_expect_none(&rig);
	ck_assert_uint_eq(rig_moved(&rig, _i ? MR_CNT_TCP_FASTOPEN_ACTIVE : MR_CNT_TCP_FASTOPEN_FAILED), 1);
	ck_assert_uint_eq(rig_moved(&rig, _i ? MR_CNT_TCP_FASTOPEN_FAILED : MR_CNT_TCP_FASTOPEN_ACTIVE), 0);
	rig_tcp_push(&t, RIG_ACK, 1, 101, 0);
	rig_expect_none_for(&rig, 5 * RIG_S);
	another();
	/* It may have been only this time. */
	open_with(100);
	expect_syn(8, 100);
}
END_TEST

/* What was never sent cannot be acknowledged. */
START_TEST(too_much_taken)
{
	learn(8);
	open_with(100);
	expect_syn(8, 100);
	push_syn_ack(102, 0);
	rig_tcp_expect(&t, RIG_RST, 102, 0, 0);
	ck_assert_int_eq(rig_tcp_state(t.ep), MR_TCP_SYN_SENT);
	push_syn_ack(101, 0);
	rig_tcp_expect(&t, RIG_ACK, 101, 1, 0);
}
END_TEST

/* A cookie that the peer gives takes the place of the old one. */
START_TEST(cookie_renewed)
{
	learn(8);
	open_with(100);
	expect_syn(8, 100);
	push_syn_ack(101, 12);
	rig_tcp_expect(&t, RIG_ACK, 101, 1, 0);
	another();
	open_with(100);
	expect_syn(12, 100);
}
END_TEST

/* FO-04, RFC 7413 4.1.3.1: the SYN again is an ordinary one. Its answer may be that of the first. */
START_TEST(syn_lost)
{
	learn(8);
	open_with(100);
	expect_syn(8, 100);
	for (unsigned i = 0; i < 2; i++) {
		ck_assert(rig_advance_until_frame(&rig, 4 * RIG_S));
		expect_syn(-1, 0);
	}
	push_syn_ack(_i ? 101 : 1, 0);
	if (_i)
		rig_tcp_expect(&t, RIG_ACK, 101, 1, 0);
	else
		rig_tcp_expect(&t, RIG_ACK | RIG_PSH, 1, 1, 100, .pattern = true);
	rig_tcp_push(&t, RIG_ACK, 1, 101, 0);
	rig_expect_none_for(&rig, 5 * RIG_S);
	expect_info(100, _i);
}
END_TEST

/* With data in it, and the way does not let it pass. */
static void
lose_syn(void)
{
	open_with(100);
	expect_syn(8, 100);
	ck_assert(rig_advance_until_frame(&rig, 4 * RIG_S));
	expect_syn(-1, 0);
	push_syn_ack(1, 0);
	rig_tcp_expect(&t, RIG_ACK | RIG_PSH, 1, 1, 100, .pattern = true);
	another();
}

/* An ordinary open, although Fast Open is wanted. */
static void
do_without(void)
{
	open_with(100);
	expect_syn(-1, 0);
	push_syn_ack(1, 0);
	rig_tcp_expect(&t, RIG_ACK | RIG_PSH, 1, 1, 100, .pattern = true);
	another();
}

/* Lost twice in a row, then the way may not let such SYNs pass: for four minutes none is sent; then it is tried again, and if
 * that fails, too, not for eight. */
START_TEST(way_without_fast_open)
{
	learn(8);
	lose_syn();
	lose_syn();
	rig_advance(&rig, 239 * RIG_S);
	do_without();
	rig_advance(&rig, 2 * RIG_S);
	lose_syn();
	rig_advance(&rig, 479 * RIG_S);
	do_without();
	rig_advance(&rig, 2 * RIG_S);
	/* One that passes makes it good; then it takes two again. */
	open_with(100);
	expect_syn(8, 100);
	push_syn_ack(101, 0);
	rig_tcp_expect(&t, RIG_ACK, 101, 1, 0);
	another();
	lose_syn();
	lose_syn();
	do_without();
}
END_TEST

/* The same for those who only ask, so that nobody waits a second for each connection. */
START_TEST(way_without_the_option)
{
	for (unsigned i = 0; i < 2; i++) {
		open_with(100);
		expect_syn(0, 0);
		ck_assert(rig_advance_until_frame(&rig, 4 * RIG_S));
		expect_syn(-1, 0);
		push_syn_ack(1, 0);
		rig_discard(&rig);
		another();
	}
	open_with(100);
	expect_syn(-1, 0);
}
END_TEST

/* Nobody answers: so many SYNs, then the end, and what was written goes with it. */
START_TEST(nobody_answers)
{
	unsigned n = 0;

	learn(8);
	open_with(5000);
	rig_discard(&rig);
	while (rig_advance_until_frame(&rig, 200 * RIG_S)) {
		expect_syn(-1, 0);
		n++;
	}
	ck_assert_uint_eq(n, 6);
	ck_assert_int_eq(mr_ep_send(t.ep, "x", 1), -ETIMEDOUT);
	ck_assert_int_eq(rig_tcp_state(t.ep), MR_TCP_CLOSED);
}
END_TEST

START_TEST(refused)
{
	learn(8);
	open_with(100);
	expect_syn(8, 100);
	rig_tcp_push(&t, RIG_RST | RIG_ACK, 0, _i ? 101 : 1, 0, .no_opts = true);
	rig_expect_none(&rig);
	ck_assert_int_eq(mr_ep_send(t.ep, "x", 1), -ECONNREFUSED);
	ck_assert_uint_eq(rig_moved(&rig, MR_CNT_TCP_RESETS_RX), 1);
}
END_TEST

/* Both have called at once (MUST-10): the data goes when both SYNs are acknowledged, or is taken by then. */
START_TEST(simultaneous_open)
{
	learn(8);
	open_with(100);
	expect_syn(8, 100);
	rig_tcp_push(&t, RIG_SYN, 0, 0, 0);
	rig_tcp_expect(&t, RIG_SYN | RIG_ACK, 0, 1, 0);
	ck_assert_int_eq(rig_ep_send(t.ep, 100, 20), 20);
	rig_expect_none(&rig);
	rig_tcp_push(&t, RIG_SYN | RIG_ACK, 0, _i ? 101 : 1, 0);
	rig_tcp_expect(&t, RIG_ACK | RIG_PSH, _i ? 101 : 1, 1, _i ? 20 : 120, .pattern = true);
	ck_assert_int_eq(rig_tcp_state(t.ep), MR_TCP_ESTABLISHED);
	rig_tcp_push(&t, RIG_ACK, 1, 121, 0);
	rig_expect_none_for(&rig, 5 * RIG_S);
	expect_info(120, _i);
}
END_TEST

/* Written and closed before anything is known of the peer: all of it arrives, and the FIN. */
START_TEST(closed_at_once)
{
	learn(8);
	open_with(100);
	if (_i)
		ck_assert_int_eq(mr_ep_shutdown(t.ep, MR_SHUT_WR), 0);
	else
		mr_ep_close(t.ep);
	expect_syn(8, 100);
	push_syn_ack(101, 0);
	rig_tcp_expect(&t, RIG_ACK | RIG_FIN, 101, 1, 0);
	rig_tcp_push(&t, RIG_ACK | RIG_FIN, 1, 102, 0);
	rig_tcp_expect(&t, RIG_ACK, 102, 2, 0);
	if (_i)
		ck_assert_int_eq(rig_tcp_state(t.ep), MR_TCP_TIME_WAIT);
}
END_TEST

/* The same where it is not in the SYN. Nothing written: nothing is opened either. Aborted: nothing goes. */
START_TEST(closed_without_a_cookie)
{
	open_with(100);
	mr_ep_close(t.ep);
	expect_syn(0, 0);
	push_syn_ack(1, 0);
	rig_tcp_expect(&t, RIG_ACK | RIG_PSH | RIG_FIN, 1, 1, 100, .pattern = true);
	rig_tcp_push(&t, RIG_RST, 1, 0, 0);
	rig_expect_none(&rig);
	open_with(0);
	mr_ep_close(t.ep);
	rig_expect_none(&rig);
	open_with(100);
	mr_ep_abort(t.ep);
	rig_expect_none_for(&rig, 5 * RIG_S);
}
END_TEST

/* A router says that the SYN is too big: later segments are smaller, and nothing is lost. */
START_TEST(syn_too_big)
{
	const struct rig_frame *f;
	struct rig_buf b;
	uint32_t sent = 0;

	learn(8);
	open_with(3000);
	f = rig_expect(&rig, RIG_TCP);
	ck_assert_uint_gt(f->payload_len, 1400);
	t.irs = f->seq;
	rig_build_icmp(&rig, &b, &(struct rig_icmp){.type = 3, .code = 4, .rest = 1000, .data = f->b + 14, .len = 28});
	rig_push_buf(&rig, &b);
	rig_expect_none(&rig);
	ck_assert(rig_advance_until_frame(&rig, 4 * RIG_S));
	expect_syn(-1, 0);
	push_syn_ack(1, 0);
	while (sent < 3000) {
		f = rig_tcp_next(&t);
		ck_assert_uint_le(f->payload_len, 960);
		ck_assert_uint_eq(rig_tcp_seq(&t, f), 1 + sent);
		ck_assert_uint_eq(rig_pattern_check(f->payload, sent, f->payload_len), f->payload_len);
		sent += f->payload_len;
		rig_tcp_push(&t, RIG_ACK, 1, 1 + sent, 0);
	}
}
END_TEST

/* The MSS of the answer is smaller than that of the last time: what was cut for the larger one is cut anew. */
START_TEST(mss_shrinks)
{
	const struct rig_frame *f;
	uint32_t sent;

	learn(8);
	open_with(5000);
	f = rig_expect(&rig, RIG_TCP);
	sent = f->payload_len;
	t.irs = f->seq;
	t.mss = 500;
	push_syn_ack(_i ? 1 + sent : 1, 0);
	sent = _i ? sent : 0;
	while (sent < 5000) {
		f = rig_tcp_next(&t);
		ck_assert_uint_le(f->payload_len, 500);
		ck_assert_uint_eq(rig_tcp_seq(&t, f), 1 + sent);
		sent += f->payload_len;
		rig_tcp_push(&t, RIG_ACK, 1, 1 + sent, 0);
	}
}
END_TEST

/* FO-04: no more peers are remembered than there is room for; those used last stay. */
START_TEST(cache_is_bounded)
{
	struct mr_addr addr;
	const struct rig_frame *f;
	unsigned known = 0;

	rig_fini(&rig);
	rig_init(&rig, &(struct rig_opts){.gateway = true});
	rig_tcp_init(&t, &rig, false);
	for (unsigned i = 0; i < 3000; i++) {
		bool again = i >= 1500;
		char text[32];

		snprintf(text, sizeof(text), "10.1.%u.%u", i % 1500 / 250, 1 + i % 250);
		addr = rig_addr(text);
		connect_to(&addr);
		f = rig_expect(&rig, RIG_TCP);
		known += again && f->fo_len > 0;
		if (!again)
			rig_push_tcphdr(&rig, .ip.src = addr, .sport = t.peer_port, .dport = t.port, .seq = 1, .ack = f->seq + 1,
			                .flags = RIG_SYN | RIG_ACK, .wnd = 1000, .opts = "\x22\x06wxyz", .opts_len = 6);
		rig_poll(&rig);
		if (!again)
			rig_advance(&rig, RIG_MS);
		mr_ep_abort(t.ep);
		rig_discard(&rig);
	}
	ck_assert_uint_le(known, 1024);
	ck_assert_uint_ge(known, 900);
}
END_TEST

/* ---- two stacks of ours */

struct exchange {
	struct rig_duo *duo;
	struct mr_ep *listener, *ep[2];
	uint64_t asked_ns, answered_ns;
	uint32_t ask, answer;      /* bytes */
	uint32_t got[2], sent[2];
	bool eof[2];
};

static void
read_all(struct exchange *x, unsigned i)
{
	uint8_t buf[4096];
	ssize_t n;

	while ((n = mr_ep_recv(x->ep[i], buf, sizeof(buf), NULL)) > 0) {
		if (rig_pattern_check(buf, x->got[i], (size_t)n) != (size_t)n)
			ck_abort_msg("end %u: wrong byte after %u", i, x->got[i]);
		x->got[i] += (uint32_t)n;
	}
	x->eof[i] |= n == 0;
	if (n < 0 && n != -EAGAIN)
		ck_abort_msg("end %u: error %d", i, (int)n);
}

static void
write_all(struct exchange *x, unsigned i, uint32_t of)
{
	ssize_t n = x->sent[i] < of ? rig_ep_send(x->ep[i], x->sent[i], of - x->sent[i]) : 0;

	x->sent[i] += n > 0 ? (uint32_t)n : 0;
}

/* A server that answers when it has all of the request, and closes. */
static bool
exchange_done(struct rig_duo *d, void *arg)
{
	struct exchange *x = arg;

	if (!x->ep[1])
		mr_ep_accept(x->listener, &x->ep[1]);
	if (x->ep[1]) {
		read_all(x, 1);
		if (x->got[1] == x->ask && x->sent[1] < x->answer) {
			write_all(x, 1, x->answer);
			if (x->sent[1] == x->answer)
				mr_ep_shutdown(x->ep[1], MR_SHUT_WR);
		}
	}
	if (x->sent[0] < x->ask)
		write_all(x, 0, x->ask);
	read_all(x, 0);
	if (x->eof[0] && !x->answered_ns)
		x->answered_ns = d->now;
	return x->eof[0];
}

static void
exchange(struct rig_duo *d, struct mr_ep *listener, bool v6, uint32_t ask, uint32_t answer, struct exchange *x)
{
	struct mr_sockaddr to = {.addr = v6 ? d->end[1].addr6 : d->end[1].addr4, .port = 80};

	*x = (struct exchange){.duo = d, .listener = listener, .ask = ask, .answer = answer, .asked_ns = d->now};
	ck_assert_int_eq(mr_ep_create(d->end[0].stack, MR_TRANS_TCP, v6 ? MR_NET_IPV6 : MR_NET_IPV4, &x->ep[0]), 0);
	ck_assert_int_eq(mr_ep_setopt(x->ep[0], MR_OPT_TCP_FASTOPEN, 1), 0);
	ck_assert_int_eq(mr_ep_connect(x->ep[0], &to), -EINPROGRESS);
	write_all(x, 0, ask);
	ck_assert(rig_duo_run(d, 600 * RIG_S, exchange_done, x));
	ck_assert_uint_eq(x->got[0], answer);
	ck_assert_uint_eq(x->got[1], ask);
	mr_ep_close(x->ep[0]);
	mr_ep_close(x->ep[1]);
}

static void
duo_begin(struct rig_duo *d, const struct rig_duo_opts *o, bool v6, struct mr_ep **listener)
{
	struct mr_sockaddr at = {.addr = rig_addr(v6 ? "::" : "0.0.0.0"), .port = 80};

	rig_duo_init(d, o);
	ck_assert_int_eq(mr_ep_create(d->end[1].stack, MR_TRANS_TCP, v6 ? MR_NET_IPV6 : MR_NET_IPV4, listener), 0);
	ck_assert_int_eq(mr_ep_bind(*listener, &at), 0);
	ck_assert_int_eq(mr_ep_setopt(*listener, MR_OPT_TCP_FASTOPEN, 8), 0);
	ck_assert_int_eq(mr_ep_listen(*listener, 16), 0);
}

/* What it is for: a round trip less. */
START_TEST(a_round_trip_less)
{
	const struct mr_impair_cfg line = {.delay_ns = 10 * RIG_MS};
	struct rig_duo_opts o = {.impair = {&line, &line}, .neigh = true};
	struct mr_ep *listener;
	struct exchange x;
	struct rig_duo d;

	duo_begin(&d, &o, _i, &listener);
	exchange(&d, listener, _i, 200, 3000, &x);
	ck_assert_uint_ge(x.answered_ns - x.asked_ns, 40 * RIG_MS);
	exchange(&d, listener, _i, 200, 3000, &x);
	ck_assert_uint_ge(x.answered_ns - x.asked_ns, 20 * RIG_MS);
	ck_assert_uint_lt(x.answered_ns - x.asked_ns, 21 * RIG_MS);
	ck_assert_uint_eq(mr_stack_counter(d.end[0].stack, MR_CNT_TCP_FASTOPEN_ACTIVE), 1);
	ck_assert_uint_eq(mr_stack_counter(d.end[1].stack, MR_CNT_TCP_FASTOPEN_PASSIVE), 1);
	rig_duo_fini(&d);
}
END_TEST

/* Lines that lose, repeat and reorder: every byte arrives, once. */
START_TEST(bad_lines)
{
	const struct mr_impair_cfg line = {.delay_ns = 5 * RIG_MS, .jitter_ns = 4 * RIG_MS, .loss_ppm = 150000, .dup_ppm = 100000,
	                                   .seed = (uint64_t)_i + 1};
	struct rig_duo_opts o = {.impair = {&line, &line}, .neigh = true, .stack = {{.seed = (uint64_t)_i + 3}, {.seed = (uint64_t)_i + 4}}};
	struct mr_ep *listener;
	struct exchange x;
	struct rig_duo d;

	duo_begin(&d, &o, _i & 1, &listener);
	for (unsigned i = 0; i < 25; i++) {
		exchange(&d, listener, _i & 1, 1 + i * 397 % 5000, 1 + i * 7919 % 50000, &x);
		rig_duo_run(&d, 120 * RIG_S, NULL, NULL);
	}
	ck_assert_uint_gt(mr_stack_counter(d.end[0].stack, MR_CNT_TCP_FASTOPEN_ACTIVE), 5);
	rig_duo_fini(&d);
}
END_TEST

static Suite *
suite(void)
{
	Suite *s = suite_create("tcp_fastopen_client");
	TCase *tc = rig_case(s, "client", tcp_setup, rig_teardown), *two = rig_case(s, "two", NULL, NULL);

	tcase_add_test(tc, off_by_default);
	tcase_add_loop_test(tc, cookie_then_data, 0, 6);
	tcase_add_test(tc, written_later);
	tcase_add_test(tc, more_than_a_segment);
	tcase_add_loop_test(tc, not_or_partly_taken, 0, 2);
	tcase_add_test(tc, too_much_taken);
	tcase_add_test(tc, cookie_renewed);
	tcase_add_loop_test(tc, syn_lost, 0, 2);
	tcase_add_test(tc, way_without_fast_open);
	tcase_add_test(tc, way_without_the_option);
	tcase_add_test(tc, nobody_answers);
	tcase_add_loop_test(tc, refused, 0, 2);
	tcase_add_loop_test(tc, simultaneous_open, 0, 2);
	tcase_add_loop_test(tc, closed_at_once, 0, 2);
	tcase_add_test(tc, closed_without_a_cookie);
	tcase_add_test(tc, syn_too_big);
	tcase_add_loop_test(tc, mss_shrinks, 0, 2);
	tcase_add_test(tc, cache_is_bounded);
	tcase_add_loop_test(two, a_round_trip_less, 0, 2);
	tcase_add_loop_test(two, bad_lines, 0, 4);
	return s;
}

RIG_MAIN(suite)
