/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Fast Open, a listener's half (RFC 7413): who gets a cookie, whose data is taken from the SYN, what such a connection may do
 * before its handshake is complete, and how many of them there may be.
 *
 * Requirements by number: FO-n of RFC 7413, B-n of the behaviour list.
 */
#include <errno.h>
#include <string.h>

#include <rte_common.h>

#include "rig/fixture.h"

#define COOKIE 8

static uint8_t cookie[16];
static uint8_t cookie_len;

static void
fastopen(int64_t limit)
{
	ck_assert_int_eq(mr_ep_setopt(t.listener, MR_OPT_TCP_FASTOPEN, limit), 0);
}

/* A listener with Fast Open for so many. */
static void
setup_for(bool v6, int64_t limit)
{
	if (t.listener)
		mr_ep_close(t.listener);
	rig_tcp_init(&t, &rig, v6);
	rig_tcp_listen(&t, 16);
	fastopen(limit);
}

static void
setup(void)
{
	t.listener = NULL;
	rig_init(&rig, NULL);
	setup_for(false, 4);
}

/* The same with another stack. */
static void
setup_with(const struct mr_stack_opts *o)
{
	rig_fini(&rig);
	t.listener = NULL;
	rig_init(&rig, &(struct rig_opts){.stack = *o});
	setup_for(false, 4);
}

/* The next connection is of another port of the peer. */
static void
another(void)
{
	struct mr_ep *listener = t.listener;
	uint16_t port = t.peer_port;

	rig_tcp_init(&t, &rig, t.v6);
	t.listener = listener;
	t.peer_port = port + 1;
}

/* Numbers of the stack count from the SYN|ACK that comes now. */
static const struct rig_frame *
expect_syn_ack(uint32_t ack)
{
	const struct rig_frame *f = rig_expect(&rig, RIG_TCP);

	ck_assert_msg(f->flags == (RIG_SYN | RIG_ACK) && f->ack == t.iss + ack && f->dport == t.peer_port && f->payload_len == 0,
	              "expected SYN|ACK of %u, got %s", ack, rig_frame_text(f));
	t.irs = f->seq;
	t.stack_ws = f->ws;
	return f;
}

/* Have a cookie, as a client would. */
static void
learn_cookie(void)
{
	const struct rig_frame *f;

	rig_tcp_push(&t, RIG_SYN, 0, 0, 0, .ask_fo = true);
	f = expect_syn_ack(1);
	ck_assert(f->has_fo);
	cookie_len = f->fo_len;
	memcpy(cookie, f->fo, cookie_len);
	rig_tcp_push(&t, RIG_RST, 1, 0, 0);
	rig_expect_none(&rig);
	another();
}

static void
push_syn(uint32_t len)
{
	rig_tcp_push(&t, RIG_SYN, 0, 0, len, .fo = cookie, .fo_len = cookie_len);
}

/* A connection that is pending, its first data in it. */
static struct mr_ep *
begin(uint32_t len)
{
	push_syn(len);
	expect_syn_ack(1 + len);
	rig_expect_none(&rig);
	ck_assert_int_eq(mr_ep_accept(t.listener, &t.ep), 0);
	ck_assert_int_eq(rig_tcp_state(t.ep), MR_TCP_SYN_RECEIVED);
	return t.ep;
}

/* SYN with a good cookie and data, and yet an ordinary handshake. */
static void
expect_ordinary(void)
{
	struct mr_ep *ep;

	push_syn(100);
	expect_syn_ack(1);
	ck_assert_int_eq(mr_ep_accept(t.listener, &ep), -EAGAIN);
	rig_tcp_push(&t, RIG_RST, 1, 0, 0);
	rig_expect_none(&rig);
	another();
}

/* FO-01: a listener that has not asked for it gives no cookies and takes no data from SYNs. */
START_TEST(off_by_default)
{
	int64_t v;

	setup_for(true, 4);
	learn_cookie();
	ck_assert_int_eq(mr_ep_setopt(t.listener, MR_OPT_TCP_FASTOPEN, 0), 0);
	ck_assert_int_eq(mr_ep_getopt(t.listener, MR_OPT_TCP_FASTOPEN, &v), 0);
	ck_assert_int_eq(v, 0);
	rig_mark(&rig);
	rig_tcp_push(&t, RIG_SYN, 0, 0, 0, .ask_fo = true);
	ck_assert(!expect_syn_ack(1)->has_fo);
	another();
	push_syn(100);
	ck_assert(!expect_syn_ack(1)->has_fo);
	rig_tcp_push(&t, RIG_ACK, 1, 1, 100);
	rig_poll(&rig);
	ck_assert_int_eq(mr_ep_accept(t.listener, &t.ep), 0);
	rig_ep_recv(t.ep, 0, 100);
	ck_assert_uint_eq(rig_moved(&rig, MR_CNT_TCP_FASTOPEN_PASSIVE), 0);
}
END_TEST

/* FO-02: 4 to 16 bytes, the same for all ports of an address and another for each address; in a SYN|ACK only if asked for. */
START_TEST(cookie_given)
{
	uint8_t first[COOKIE];
	const struct rig_frame *f;

	setup_for(_i, 4);
	learn_cookie();
	ck_assert_uint_eq(cookie_len, COOKIE);
	memcpy(first, cookie, COOKIE);
	learn_cookie();
	ck_assert_mem_eq(first, cookie, COOKIE);
	rig_tcp_push(&t, RIG_SYN, 0, 0, 0);
	ck_assert(!expect_syn_ack(1)->has_fo);
	/* Again, as the record stands for it. */
	another();
	rig_tcp_push(&t, RIG_SYN, 0, 0, 0, .ask_fo = true);
	expect_syn_ack(1);
	rig_tcp_push(&t, RIG_SYN, 0, 0, 0, .ask_fo = true);
	f = expect_syn_ack(1);
	ck_assert(f->has_fo && memcmp(f->fo, first, COOKIE) == 0);
}
END_TEST

/* FO-02: another address has another cookie, and that of one is no good for the other. */
START_TEST(cookie_is_of_an_address)
{
	struct rig_tcphdr h = {.ip.src = rig_addr("10.0.0.3"), .sport = 7000, .dport = 80, .seq = 1, .flags = RIG_SYN, .wnd = 1000,
	                       .opts = (uint8_t[]){34, 2}, .opts_len = 2};
	struct mr_addr other = rig_addr("10.0.0.3");
	struct mr_lladdr mac = {{2, 0, 0, 0, 0, 2}, 6};
	const struct rig_frame *f;
	uint8_t opts[2 + COOKIE] = {34, 2 + COOKIE};

	ck_assert_int_eq(mr_neigh_add(rig.stack, RIG_NIC, &other, &mac), 0);
	learn_cookie();
	rig_push_tcphdr_spec(&rig, &h);
	f = rig_expect(&rig, RIG_TCP);
	ck_assert(f->has_fo && f->fo_len == COOKIE && memcmp(f->fo, cookie, COOKIE) != 0);
	h.sport++;
	h.opts = opts;
	h.opts_len = sizeof(opts);
	h.len = 10;
	memcpy(opts + 2, cookie, COOKIE);
	rig_mark(&rig);
	rig_push_tcphdr_spec(&rig, &h);
	f = rig_expect(&rig, RIG_TCP);
	ck_assert_uint_eq(f->ack, 2);
	ck_assert_uint_eq(rig_moved(&rig, MR_CNT_TCP_FASTOPEN_BAD_COOKIE), 1);
	/* It gets its own with the answer. */
	ck_assert(f->has_fo && memcmp(f->fo, cookie, COOKIE) != 0);
}
END_TEST

/* A cookie of the wrong length, or with a wrong bit, is none: the handshake is the ordinary one, and brings the right one. */
START_TEST(wrong_cookie)
{
	static const uint8_t lens[] = {4, 6, 10, 16};
	const struct rig_frame *f;
	uint8_t bad[16] = {0};

	learn_cookie();
	for (unsigned i = 0; i < RTE_DIM(lens); i++) {
		memcpy(bad, cookie, COOKIE);
		rig_tcp_push(&t, RIG_SYN, 0, 0, 100, .fo = bad, .fo_len = lens[i]);
		f = expect_syn_ack(1);
		ck_assert(f->has_fo && memcmp(f->fo, cookie, COOKIE) == 0);
		another();
	}
	for (unsigned bit = 0; bit < COOKIE * 8; bit += 7) {
		memcpy(bad, cookie, COOKIE);
		bad[bit / 8] ^= (uint8_t)(1 << bit % 8);
		rig_tcp_push(&t, RIG_SYN, 0, 0, 100, .fo = bad, .fo_len = COOKIE);
		expect_syn_ack(1);
		another();
	}
	ck_assert_uint_eq(rig_moved(&rig, MR_CNT_TCP_FASTOPEN_PASSIVE), 0);
	begin(100);
}
END_TEST

/* RFC 7413 2: an option of an impossible length is as if it were not there. */
START_TEST(impossible_length)
{
	static const uint8_t lens[] = {3, 4, 5, 7, 17, 19, 20};
	uint8_t opts[20] = {34};

	for (unsigned i = 0; i < RTE_DIM(lens); i++) {
		opts[1] = lens[i];
		rig_tcp_push(&t, RIG_SYN, 0, 0, 100, .opts = opts, .opts_len = lens[i]);
		ck_assert(!expect_syn_ack(1)->has_fo);
		another();
	}
	ck_assert_uint_eq(rig_moved(&rig, MR_CNT_TCP_FASTOPEN_BAD_COOKIE), 0);
}
END_TEST

/* RFC 7413 4.2: the data is there before the handshake is complete, and so may the answer be; then the ACK completes it. */
START_TEST(data_before_the_handshake)
{
	struct mr_tcp_info info;
	const struct rig_frame *f;

	setup_for(_i & 1, 4);
	learn_cookie();
	t.ts = t.ts_on = _i & 2;
	push_syn(1000);
	f = expect_syn_ack(1001);
	ck_assert(!f->has_fo);
	ck_assert_uint_eq(mr_ep_readiness(t.listener), MR_EV_IN);
	ck_assert_int_eq(mr_ep_accept(t.listener, &t.ep), 0);
	ck_assert_uint_eq(mr_ep_readiness(t.ep), MR_EV_IN | MR_EV_OUT);
	rig_ep_recv(t.ep, 0, 1000);
	ck_assert_int_eq(rig_ep_send(t.ep, 0, 500), 500);
	rig_tcp_expect(&t, RIG_ACK | RIG_PSH, 1, 1001, 500, .pattern = true);
	ck_assert_int_eq(rig_tcp_state(t.ep), MR_TCP_SYN_RECEIVED);
	rig_advance(&rig, 20 * RIG_MS);
	rig_tcp_push(&t, RIG_ACK, 1001, 501, 0);
	rig_expect_none(&rig);
	ck_assert_int_eq(rig_tcp_state(t.ep), MR_TCP_ESTABLISHED);
	ck_assert_int_eq(mr_tcp_info(t.ep, &info), 0);
	ck_assert(info.fastopen);
	ck_assert_uint_eq(info.bytes_received, 1000);
	ck_assert_uint_eq(info.bytes_acked, 500);
	ck_assert_uint_eq(info.min_rtt_ns, 20 * RIG_MS);
	rig_tcp_push(&t, RIG_ACK, 1001, 501, 100);
	rig_expect_none_for(&rig, RIG_MS);
	rig_ep_recv(t.ep, 1000, 100);
	rig_expect_no_drop(&rig);
}
END_TEST

/* Of the turn in which the SYN comes: accepted, read, answered and closed in events; SYN|ACK, answer and FIN leave together. */
static void
serve(struct mr_ep *listener, uint32_t events, void *arg)
{
	uint8_t buf[2000];
	struct mr_ep *ep;

	(void)events;
	(void)arg;
	if (mr_ep_accept(listener, &ep) < 0)
		return;
	ck_assert_int_eq(mr_ep_recv(ep, buf, sizeof(buf), NULL), 700);
	ck_assert_int_eq(rig_ep_send(ep, 0, 300), 300);
	mr_ep_close(ep);
}

START_TEST(all_in_one_turn)
{
	struct mr_waiter w = {.mask = MR_EV_IN, .fn = serve};

	learn_cookie();
	mr_ep_wait(t.listener, &w);
	push_syn(700);
	expect_syn_ack(701);
	rig_tcp_expect(&t, RIG_ACK | RIG_PSH | RIG_FIN, 1, 701, 300, .pattern = true);
	rig_expect_none(&rig);
	/* The peer has all, and ends as well. */
	rig_tcp_push(&t, RIG_ACK | RIG_FIN, 701, 302, 0);
	rig_tcp_expect(&t, RIG_ACK, 302, 702, 0);
	rig_expect_none_for(&rig, 5 * RIG_S);
	mr_ep_unwait(t.listener, &w);
}
END_TEST

/* The answer is bounded by the initial window, and by the window of the SYN, which is not scaled. */
START_TEST(first_windows)
{
	unsigned n = 0;

	learn_cookie();
	if (_i)
		t.wnd = 3000;
	begin(100);
	ck_assert_int_eq(rig_ep_send(t.ep, 0, 60000), 60000);
	while (rig_peek(&rig)) {
		rig_tcp_next(&t);
		n++;
	}
	ck_assert_uint_eq(n, _i ? 2 : 10);
	t.wnd = 65535;
	rig_tcp_push(&t, RIG_ACK, 101, 1, 0);
	ck_assert(rig_pending(&rig) > 0 || !_i);
	ck_assert_int_eq(rig_tcp_state(t.ep), MR_TCP_ESTABLISHED);
}
END_TEST

/* What came in the SYN takes room in the window of the SYN|ACK, and more than the window is not taken. */
START_TEST(small_buffer)
{
	const struct rig_frame *f;

	ck_assert_int_eq(mr_ep_setopt(t.listener, MR_OPT_RCVBUF, 2048), 0);
	learn_cookie();
	push_syn(1000);
	f = expect_syn_ack(1001);
	ck_assert_uint_eq(f->wnd, 1048);
	another();
	ck_assert_int_eq(mr_transproto_setopt(rig.stack, MR_TRANS_TCP, MR_OPT_RCVBUF_MIN, 500), 0);
	ck_assert_int_eq(mr_ep_setopt(t.listener, MR_OPT_RCVBUF, 500), 0);
	push_syn(1000);
	f = expect_syn_ack(501);
	ck_assert_uint_eq(f->wnd, 0);
	ck_assert_int_eq(mr_ep_accept(t.listener, &t.ep), 0);
	mr_ep_abort(t.ep);
	ck_assert_int_eq(mr_ep_accept(t.listener, &t.ep), 0);
	rig_discard(&rig);
	rig_ep_recv(t.ep, 0, 500);
}
END_TEST

/* A SYN with a good cookie and no data: who speaks first may. */
START_TEST(no_data)
{
	struct mr_tcp_info info;

	learn_cookie();
	begin(0);
	ck_assert_int_eq(mr_ep_send(t.ep, "hello", 5), 5);
	rig_tcp_expect(&t, RIG_ACK | RIG_PSH, 1, 1, 5);
	rig_tcp_push(&t, RIG_ACK, 1, 6, 0);
	rig_expect_none(&rig);
	ck_assert_int_eq(mr_tcp_info(t.ep, &info), 0);
	ck_assert(!info.fastopen);
	/* Unless it is not to be accepted without. */
	ck_assert_int_eq(mr_ep_setopt(t.listener, MR_OPT_TCP_DEFER_ACCEPT_NS, RIG_S), 0);
	another();
	push_syn(0);
	expect_syn_ack(1);
	ck_assert_int_eq(mr_ep_accept(t.listener, &t.ep), -EAGAIN);
	another();
	begin(10);
}
END_TEST

/* B-47: the SYN comes again, with its data or without. It is answered, and nothing is delivered twice (FO-05). */
START_TEST(syn_again)
{
	learn_cookie();
	push_syn(100);
	push_syn(100); /* in the same burst */
	expect_syn_ack(101);
	if (rig_peek(&rig))
		expect_syn_ack(101);
	push_syn(100);
	expect_syn_ack(101);
	rig_tcp_push(&t, RIG_SYN, 0, 0, 0);
	expect_syn_ack(101);
	rig_expect_none(&rig);
	rig_tcp_push(&t, RIG_ACK, 101, 1, 50);
	rig_expect_none(&rig);
	ck_assert_int_eq(mr_ep_accept(t.listener, &t.ep), 0);
	rig_ep_recv(t.ep, 0, 150);
	/* A late one, when all is done. */
	rig_discard(&rig);
	push_syn(100);
	rig_tcp_expect(&t, RIG_ACK, 1, 151, 0);
	ck_assert_int_eq(mr_ep_recv(t.ep, cookie, 1, NULL), -EAGAIN);
	ck_assert_int_eq(mr_ep_accept(t.listener, &t.ep), -EAGAIN);
}
END_TEST

/* The SYN|ACK is lost, and with it what followed: both go again, the data when the SYN is acknowledged. */
START_TEST(syn_ack_lost)
{
	learn_cookie();
	begin(100);
	ck_assert_int_eq(rig_ep_send(t.ep, 0, 2000), 2000);
	rig_discard(&rig);
	ck_assert(rig_advance_until_frame(&rig, 3 * RIG_S));
	expect_syn_ack(101);
	rig_expect_none_for(&rig, RIG_S);
	rig_tcp_push(&t, RIG_ACK, 101, 1, 0);
	rig_tcp_expect(&t, RIG_ACK, 1, 101, 1460, .pattern = true);
	rig_tcp_expect(&t, RIG_ACK | RIG_PSH, 1461, 101, 540, .pattern = true);
	rig_tcp_push(&t, RIG_ACK, 101, 2001, 0);
	rig_expect_none_for(&rig, 5 * RIG_S);
}
END_TEST

/* Only a lost answer: the ACK of the SYN|ACK alone, then the data again by its timer. */
START_TEST(answer_lost)
{
	learn_cookie();
	begin(100);
	ck_assert_int_eq(rig_ep_send(t.ep, 0, 100), 100);
	rig_discard(&rig);
	rig_advance(&rig, 10 * RIG_MS);
	rig_tcp_push(&t, RIG_ACK, 101, 1, 0);
	rig_expect_none(&rig);
	ck_assert(rig_advance_until_frame(&rig, RIG_S));
	rig_tcp_expect(&t, RIG_ACK | RIG_PSH, 1, 101, 100, .pattern = true);
}
END_TEST

/* The peer is gone: so many SYN|ACKs, then the end. */
START_TEST(nobody_acknowledges)
{
	unsigned n = 0;

	learn_cookie();
	begin(100);
	while (rig_advance_until_frame(&rig, 100 * RIG_S)) {
		expect_syn_ack(101);
		n++;
	}
	ck_assert_uint_eq(n, 5);
	rig_ep_recv(t.ep, 0, 100);
	ck_assert_int_eq(mr_ep_recv(t.ep, cookie, 1, NULL), -ETIMEDOUT);
	ck_assert_int_eq(rig_tcp_state(t.ep), MR_TCP_CLOSED);
	ck_assert_uint_eq(rig_moved(&rig, MR_CNT_TCP_TIMEOUTS), 1);
}
END_TEST

/* RFC 9293 3.10.7.4: an ACK of anything but our SYN and what followed it gets a reset, and changes nothing. */
START_TEST(bad_ack_in_syn_received)
{
	learn_cookie();
	begin(100);
	ck_assert_int_eq(mr_ep_send(t.ep, "abc", 3), 3);
	rig_discard(&rig);
	rig_tcp_push(&t, RIG_ACK, 101, 0, 0);
	rig_tcp_expect(&t, RIG_RST, 0, 0, 0);
	rig_tcp_push(&t, RIG_ACK, 101, 5, 0);
	rig_tcp_expect(&t, RIG_RST, 5, 0, 0);
	ck_assert_int_eq(rig_tcp_state(t.ep), MR_TCP_SYN_RECEIVED);
	rig_tcp_push(&t, RIG_ACK, 101, 4, 0);
	rig_expect_none(&rig);
	ck_assert_int_eq(rig_tcp_state(t.ep), MR_TCP_ESTABLISHED);
}
END_TEST

/* SYN, ACK and more data in one burst. */
START_TEST(one_burst)
{
	learn_cookie();
	push_syn(100);
	expect_syn_ack(101);
	ck_assert_int_eq(mr_ep_accept(t.listener, &t.ep), 0);
	rig_tcp_push(&t, RIG_ACK, 101, 1, 0);
	rig_tcp_push(&t, RIG_ACK, 101, 1, 200);
	rig_tcp_push(&t, RIG_ACK | RIG_FIN, 301, 1, 0);
	rig_tcp_expect(&t, RIG_ACK, 1, 302, 0);
	rig_ep_recv(t.ep, 0, 300);
	ck_assert_int_eq(rig_tcp_state(t.ep), MR_TCP_CLOSE_WAIT);
}
END_TEST

/* The application ends its stream before the handshake is complete: the FIN is there, the states follow. */
START_TEST(ended_before)
{
	learn_cookie();
	begin(100);
	ck_assert_int_eq(mr_ep_shutdown(t.ep, MR_SHUT_WR), 0);
	rig_tcp_expect(&t, RIG_ACK | RIG_FIN, 1, 101, 0);
	ck_assert_int_eq(mr_ep_send(t.ep, "x", 1), -EPIPE);
	ck_assert_int_eq(rig_tcp_state(t.ep), MR_TCP_SYN_RECEIVED);
	rig_tcp_push(&t, RIG_ACK, 101, _i ? 2 : 1, 0);
	rig_expect_none(&rig);
	ck_assert_int_eq(rig_tcp_state(t.ep), _i ? MR_TCP_FIN_WAIT_2 : MR_TCP_FIN_WAIT_1);
	rig_ep_recv(t.ep, 0, 100);
	if (!_i) {
		ck_assert(rig_advance_until_frame(&rig, 3 * RIG_S));
		rig_tcp_expect(&t, RIG_ACK | RIG_FIN, 1, 101, 0);
		rig_tcp_push(&t, RIG_ACK, 101, 2, 0);
	}
	rig_tcp_push(&t, RIG_ACK | RIG_FIN, 101, 2, 0);
	rig_tcp_expect(&t, RIG_ACK, 2, 102, 0);
	ck_assert_int_eq(rig_tcp_state(t.ep), MR_TCP_TIME_WAIT);
}
END_TEST

/* Closed with unread data, or aborted: a reset. */
START_TEST(closed_before)
{
	learn_cookie();
	begin(100);
	if (_i)
		mr_ep_abort(t.ep);
	else
		mr_ep_close(t.ep);
	rig_tcp_expect(&t, RIG_ACK | RIG_RST, 1, 101, 0);
	rig_tcp_push(&t, RIG_ACK, 101, 1, 0);
	rig_tcp_expect(&t, RIG_RST, 1, 0, 0);
}
END_TEST

/* A reset of the peer: the application that has it is told, in the accept queue it goes without a word. */
START_TEST(reset_by_the_peer)
{
	learn_cookie();
	begin(100);
	rig_tcp_push(&t, RIG_RST, 101, 0, 0);
	rig_expect_none(&rig);
	rig_ep_recv(t.ep, 0, 100);
	ck_assert_int_eq(mr_ep_recv(t.ep, cookie, 1, NULL), -ECONNRESET);
	another();
	push_syn(100);
	expect_syn_ack(101);
	rig_tcp_push(&t, RIG_RST, 101, 0, 0);
	rig_expect_none(&rig);
	ck_assert_int_eq(mr_ep_accept(t.listener, &t.ep), -EAGAIN);
}
END_TEST

/* FO-03: so many may be pending; the next takes the ordinary way; one that is complete makes room. */
START_TEST(limit)
{
	struct rig_tcp first;
	unsigned n = 0;

	fastopen(2);
	learn_cookie();
	begin(100);
	first = t;
	another();
	begin(100);
	another();
	rig_mark(&rig);
	expect_ordinary();
	expect_ordinary();
	ck_assert_uint_eq(rig_moved(&rig, MR_CNT_TCP_FASTOPEN_LIMITED), 2);
	rig_tcp_push(&first, RIG_ACK, 101, 1, 0);
	rig_expect_none(&rig);
	begin(100);
	another();
	expect_ordinary();
	/* A larger one, while it listens. */
	fastopen(5);
	for (n = 0; n < 3; n++) {
		begin(100);
		another();
	}
	expect_ordinary();
}
END_TEST

/* RFC 7413 5.1: one that ends without an acknowledgement, by a reset or by time, counts for a minute more. */
START_TEST(limit_after_failures)
{
	fastopen(2);
	learn_cookie();
	begin(100);
	if (_i)
		mr_ep_abort(t.ep);
	else
		rig_tcp_push(&t, RIG_RST, 101, 0, 0);
	rig_poll(&rig);
	rig_discard(&rig);
	another();
	begin(100);
	another();
	expect_ordinary();
	rig_advance(&rig, 30 * RIG_S);
	rig_discard(&rig);
	expect_ordinary();
	rig_advance(&rig, 31 * RIG_S);
	rig_discard(&rig);
	/* The second is pending still. */
	begin(100);
}
END_TEST

/* FO-02: the key is another one every day; what was good yesterday is so today, and a new one comes with the answer. */
START_TEST(key_of_the_day)
{
	uint8_t old[COOKIE];
	const struct rig_frame *f;

	learn_cookie();
	memcpy(old, cookie, COOKIE);
	rig_advance(&rig, 86400 * RIG_S);
	rig_discard(&rig);
	rig_mark(&rig);
	push_syn(100);
	f = expect_syn_ack(101);
	ck_assert(f->has_fo && f->fo_len == COOKIE && memcmp(f->fo, old, COOKIE) != 0);
	memcpy(cookie, f->fo, COOKIE);
	ck_assert_uint_eq(rig_moved(&rig, MR_CNT_TCP_FASTOPEN_PASSIVE), 1);
	another();
	push_syn(100);
	ck_assert(!expect_syn_ack(101)->has_fo);
	another();
	rig_advance(&rig, 86400 * RIG_S);
	rig_discard(&rig);
	begin(100);
	another();
	memcpy(cookie, old, COOKIE);
	expect_ordinary();
	ck_assert_uint_eq(rig_moved(&rig, MR_CNT_TCP_FASTOPEN_BAD_COOKIE), 1);
}
END_TEST

/* The stacks of a host take each other's: they have one secret. Others have not. */
START_TEST(secret)
{
	struct mr_stack_opts o = {.seed = 77, .secret = {5, 6}};
	uint8_t first[COOKIE];

	for (unsigned i = 0; i < 3; i++) {
		o.seed += i;
		o.secret[1] += i == 2;
		setup_with(&o);
		learn_cookie();
		if (i == 0)
			memcpy(first, cookie, COOKIE);
		else
			ck_assert_int_eq(memcmp(first, cookie, COOKIE) == 0, i == 1);
	}
}
END_TEST

/* The listener ends: those in its queue with it (B-53), those that were accepted live on. */
START_TEST(listener_closed)
{
	struct rig_tcp accepted;

	learn_cookie();
	begin(100);
	accepted = t;
	another();
	push_syn(100);
	expect_syn_ack(101);
	mr_ep_close(t.listener);
	rig_tcp_expect(&t, RIG_ACK | RIG_RST, 1, 101, 0);
	rig_expect_none(&rig);
	if (_i) {
		rig_tcp_push(&accepted, RIG_ACK, 101, 1, 10);
		rig_expect_none(&rig);
		ck_assert_int_eq(rig_tcp_state(accepted.ep), MR_TCP_ESTABLISHED);
		rig_ep_recv(accepted.ep, 0, 110);
	} else {
		rig_tcp_push(&accepted, RIG_RST, 101, 0, 0);
		rig_expect_none(&rig);
		ck_assert_int_eq(rig_tcp_state(accepted.ep), MR_TCP_CLOSED);
	}
}
END_TEST

/* A full accept queue takes no SYN at all. */
START_TEST(accept_queue_full)
{
	ck_assert_int_eq(mr_ep_listen(t.listener, 2), 0);
	learn_cookie();
	for (unsigned i = 0; i < 2; i++) {
		push_syn(100);
		expect_syn_ack(101);
		another();
	}
	rig_mark(&rig);
	push_syn(100);
	rig_expect_none(&rig);
	rig_expect_drop(&rig, MR_DROP_TCP_BACKLOG_FULL);
}
END_TEST

/* Without a connection record the SYN gets a half-open one. */
START_TEST(no_connection_left)
{
	setup_with(&(struct mr_stack_opts){.max_conns = 2});
	learn_cookie();
	begin(100);
	another();
	expect_ordinary();
	ck_assert_uint_eq(rig_moved(&rig, MR_CNT_TCP_FASTOPEN_PASSIVE), 1);
}
END_TEST

/* Without a receive buffer that may be kept the data is not acknowledged, and comes again. */
START_TEST(no_buffer_left)
{
	struct rig_tcp hog;
	uint32_t at = 1;

	setup_with(&(struct mr_stack_opts){.rx_mbufs = 96, .rx_reserve_mbufs = 64});
	learn_cookie();
	hog = t;
	hog.listener = t.listener;
	rig_tcp_establish_passive(&hog);
	another();
	for (unsigned i = 0; i < 40; i++, at += 1000)
		rig_tcp_push(&hog, RIG_ACK, at, 1, 1000);
	rig_discard(&rig);
	rig_mark(&rig);
	push_syn(100);
	expect_syn_ack(1);
	rig_expect_drop(&rig, MR_DROP_TCP_NO_MEMORY);
	mr_ep_abort(hog.ep);
	rig_discard(&rig);
	rig_tcp_push(&t, RIG_ACK, 1, 1, 100);
	rig_poll(&rig);
	ck_assert_int_eq(mr_ep_accept(t.listener, &t.ep), 0);
	rig_ep_recv(t.ep, 0, 100);
}
END_TEST

/* While SYNs get SYN cookies there is no Fast Open, and no cookie of it. */
START_TEST(not_with_syn_cookies)
{
	const struct rig_frame *f;

	learn_cookie();
	ck_assert_int_eq(mr_transproto_setopt(rig.stack, MR_TRANS_TCP, MR_OPT_TCP_SYNCOOKIES, MR_TCP_SYNCOOKIES_ALWAYS), 0);
	push_syn(100);
	f = expect_syn_ack(1);
	ck_assert(!f->has_fo);
	ck_assert_uint_eq(rig_moved(&rig, MR_CNT_TCP_FASTOPEN_PASSIVE), 0);
}
END_TEST

/* Two listeners, two limits; a connection does not inherit the option. */
START_TEST(limit_is_of_a_listener)
{
	struct rig_tcp other;
	int64_t v;

	fastopen(1);
	learn_cookie();
	rig_tcp_init(&other, &rig, false);
	other.port = 81;
	rig_tcp_listen(&other, 4);
	ck_assert_int_eq(mr_ep_setopt(other.listener, MR_OPT_TCP_FASTOPEN, 1), 0);
	begin(100);
	ck_assert_int_eq(mr_ep_getopt(t.ep, MR_OPT_TCP_FASTOPEN, &v), 0);
	ck_assert_int_eq(v, 0);
	another();
	expect_ordinary();
	t = other;
	begin(100);
	another();
	t.port = 81;
	expect_ordinary();
}
END_TEST

/* The stack ends with connections pending, accepted and not. */
START_TEST(stack_destroyed)
{
	learn_cookie();
	begin(100);
	ck_assert_int_eq(rig_ep_send(t.ep, 0, 5000), 5000);
	rig_discard(&rig);
	another();
	push_syn(100);
	expect_syn_ack(101);
	rig_discard(&rig);
}
END_TEST

static Suite *
suite(void)
{
	Suite *s = suite_create("tcp_fastopen");
	TCase *tc = rig_case(s, "fastopen", setup, rig_teardown);

	tcase_add_test(tc, off_by_default);
	tcase_add_loop_test(tc, cookie_given, 0, 2);
	tcase_add_test(tc, cookie_is_of_an_address);
	tcase_add_test(tc, wrong_cookie);
	tcase_add_test(tc, impossible_length);
	tcase_add_loop_test(tc, data_before_the_handshake, 0, 4);
	tcase_add_test(tc, all_in_one_turn);
	tcase_add_loop_test(tc, first_windows, 0, 2);
	tcase_add_test(tc, small_buffer);
	tcase_add_test(tc, no_data);
	tcase_add_test(tc, syn_again);
	tcase_add_test(tc, syn_ack_lost);
	tcase_add_test(tc, answer_lost);
	tcase_add_test(tc, nobody_acknowledges);
	tcase_add_test(tc, bad_ack_in_syn_received);
	tcase_add_test(tc, one_burst);
	tcase_add_loop_test(tc, ended_before, 0, 2);
	tcase_add_loop_test(tc, closed_before, 0, 2);
	tcase_add_test(tc, reset_by_the_peer);
	tcase_add_test(tc, limit);
	tcase_add_loop_test(tc, limit_after_failures, 0, 2);
	tcase_add_test(tc, key_of_the_day);
	tcase_add_test(tc, secret);
	tcase_add_loop_test(tc, listener_closed, 0, 2);
	tcase_add_test(tc, accept_queue_full);
	tcase_add_test(tc, no_connection_left);
	tcase_add_test(tc, no_buffer_left);
	tcase_add_test(tc, not_with_syn_cookies);
	tcase_add_test(tc, limit_is_of_a_listener);
	tcase_add_test(tc, stack_destroyed);
	return s;
}

RIG_MAIN(suite)
