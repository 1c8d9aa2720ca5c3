/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Scenarios of test_counters for TCP; see counters_rig.h. Most bring a scripted connection to a state, mark, and push the
 * one segment that counts.
 */
#ifndef TESTS_COUNTERS_TCP_H
#define TESTS_COUNTERS_TCP_H

#include "counters_rig.h"

static struct rig_tcp t;

static struct mr_ep *
in_state(struct rig *r, enum mr_tcp_state state)
{
	struct mr_ep *ep;

	rig_tcp_init(&t, r, false);
	ep = rig_tcp_reach(&t, state);
	rig_mark(r);
	return ep;
}

static void
tcp_segment(struct rig *r)
{
	in_state(r, MR_TCP_ESTABLISHED);
	rig_tcp_push(&t, RIG_ACK, 1, 1, 10);
}

static void
tcp_send_one(struct rig *r)
{
	ck_assert_int_eq(mr_ep_send(in_state(r, MR_TCP_ESTABLISHED), "x", 1), 1);
}

static void
tcp_tail_probe(struct rig *r)
{
	tcp_send_one(r);
	rig_discard(r);
	ck_assert(rig_advance_until_frame(r, 10 * RIG_S));
}

/* Without SACK, so that no probe comes first. */
static void
tcp_timeout_once(struct rig *r)
{
	rig_tcp_init(&t, r, false);
	t.sack = false;
	rig_tcp_reach(&t, MR_TCP_ESTABLISHED);
	rig_mark(r);
	ck_assert_int_eq(mr_ep_send(t.ep, "x", 1), 1);
	rig_discard(r);
	ck_assert(rig_advance_until_frame(r, 10 * RIG_S));
}

/* What is large is lost twice, and what was cut off it is not. */
static void
tcp_black_hole(struct rig *r)
{
	ck_assert_int_eq(rig_ep_send(in_state(r, MR_TCP_ESTABLISHED), 0, 1460), 1460);
	rig_advance(r, 2 * RIG_S);
	rig_discard(r);
	rig_tcp_push(&t, RIG_ACK, 1, 1025, 0);
	rig_poll(r);
	rig_discard(r);
}

static void
tcp_mtu_probe(struct rig *r)
{
	ck_assert_int_eq(mr_transproto_setopt(r->stack, MR_TRANS_TCP, MR_OPT_TCP_MTU_PROBING, MR_TCP_MTU_PROBING_ALWAYS), 0);
	ck_assert_int_eq(rig_ep_send(in_state(r, MR_TCP_ESTABLISHED), 0, 10000), 10000);
	rig_poll(r);
	rig_discard(r);
}

static void
tcp_mtu_probe_lost(struct rig *r)
{
	tcp_mtu_probe(r);
	rig_tcp_push(&t, RIG_ACK, 1, 1, 0, .n_sack = 1, .sack = {{1461, 1461 + 588 + 3 * 1024}});
	rig_poll(r);
	rig_discard(r);
}

static void
tcp_first_lost(struct rig *r)
{
	ck_assert_int_gt(rig_ep_send(in_state(r, MR_TCP_ESTABLISHED), 0, 10000), 8000);
	rig_discard(r);
	rig_tcp_push(&t, RIG_ACK, 1, 1, 0, .n_sack = 1, .sack = {{1461, 1 + 4 * 1460}});
}

/* It was only late: the peer has it twice. */
static void
tcp_first_not_lost(struct rig *r)
{
	tcp_first_lost(r);
	rig_discard(r);
	rig_tcp_push(&t, RIG_ACK, 1, 1 + 4 * 1460, 0, .n_sack = 1, .sack = {{1, 1461}});
}

static void
tcp_active(struct rig *r)
{
	rig_tcp_init(&t, r, false);
	rig_tcp_start_active(&t);
}

static void
tcp_passive(struct rig *r)
{
	rig_tcp_init(&t, r, false);
	rig_tcp_establish_passive(&t);
}

static void
tcp_ends(struct rig *r)
{
	in_state(r, MR_TCP_LAST_ACK);
	rig_tcp_push(&t, RIG_ACK, t.snd, t.rcv, 0);
}

static void
tcp_reset_received(struct rig *r)
{
	in_state(r, MR_TCP_ESTABLISHED);
	rig_tcp_push(&t, RIG_RST, 1, 0, 0);
}

static void
tcp_reset_sent(struct rig *r)
{
	mr_ep_abort(in_state(r, MR_TCP_ESTABLISHED));
}

static void
tcp_nobody_answers(struct rig *r)
{
	in_state(r, MR_TCP_SYN_SENT);
	rig_advance(r, 300 * RIG_S);
}

static void
tcp_syn_in_conn(struct rig *r)
{
	in_state(r, MR_TCP_ESTABLISHED);
	rig_tcp_push(&t, RIG_SYN, 1, 0, 0, .no_opts = true);
}

static void
tcp_out_of_order(struct rig *r)
{
	in_state(r, MR_TCP_ESTABLISHED);
	rig_tcp_push(&t, RIG_ACK, 101, 1, 10);
}

static void
tcp_delayed_ack(struct rig *r)
{
	tcp_segment(r);
	rig_advance(r, RIG_S);
}

static void
tcp_window_probe(struct rig *r)
{
	struct mr_ep *ep;

	rig_tcp_init(&t, r, false);
	ep = rig_tcp_reach(&t, MR_TCP_ESTABLISHED);
	rig_tcp_push(&t, RIG_ACK, 1, 1, 0, .zero_wnd = true);
	rig_poll(r);
	ck_assert_int_eq(mr_ep_send(ep, "x", 1), 1);
	rig_expect_none(r);
	ck_assert(rig_advance_until_frame(r, 10 * RIG_S));
}

static void
tcp_keepalive(struct rig *r)
{
	struct mr_ep *ep = in_state(r, MR_TCP_ESTABLISHED);

	ck_assert_int_eq(mr_ep_setopt(ep, MR_OPT_TCP_KEEPIDLE_NS, 10 * RIG_S), 0);
	ck_assert_int_eq(mr_ep_setopt(ep, MR_OPT_TCP_KEEPALIVE, 1), 0);
	ck_assert(rig_advance_until_frame(r, 20 * RIG_S));
}

static void
tcp_urgent(struct rig *r)
{
	in_state(r, MR_TCP_ESTABLISHED);
	rig_tcp_push(&t, RIG_ACK | RIG_URG, 1, 1, 10, .urg = 5);
}

static void
tcp_syn_with_cookies(struct rig *r)
{
	rig_tcp_init(&t, r, false);
	ck_assert_int_eq(
		mr_transproto_setopt(r->stack, MR_TRANS_TCP, MR_OPT_TCP_SYNCOOKIES, MR_TCP_SYNCOOKIES_ALWAYS), 0);
	rig_tcp_start_passive(&t);
}

static void
tcp_cookie_taken(struct rig *r)
{
	tcp_syn_with_cookies(r);
	rig_tcp_push(&t, RIG_ACK, 1, 1, 0);
}

static void
tcp_bad_cookie(struct rig *r)
{
	tcp_syn_with_cookies(r);
	rig_tcp_push(&t, RIG_ACK, 1, 2, 0);
	rig_tcp_expect(&t, RIG_RST, 2, 0, 0);
}

/* A SYN with data, and the cookie that a SYN before it has brought, but for a bit. */
static void
tcp_fastopen_syn(struct rig *r, uint8_t wrong)
{
	const struct rig_frame *f;
	uint8_t cookie[16], len;

	rig_tcp_push(&t, RIG_SYN, 0, 0, 0, .ask_fo = true);
	f = rig_expect(r, RIG_TCP);
	len = f->fo_len;
	memcpy(cookie, f->fo, len);
	cookie[0] ^= wrong;
	t.peer_port++;
	rig_mark(r);
	rig_tcp_push(&t, RIG_SYN, 0, 0, 10, .fo = cookie, .fo_len = len);
	rig_expect(r, RIG_TCP);
}

static void
tcp_fastopen_listen(struct rig *r)
{
	rig_tcp_init(&t, r, false);
	rig_tcp_listen(&t, 4);
	ck_assert_int_eq(mr_ep_setopt(t.listener, MR_OPT_TCP_FASTOPEN, 1), 0);
}

static void
tcp_fastopen_passive(struct rig *r)
{
	tcp_fastopen_listen(r);
	tcp_fastopen_syn(r, 0);
}

static void
tcp_fastopen_bad_cookie(struct rig *r)
{
	tcp_fastopen_listen(r);
	tcp_fastopen_syn(r, 1);
}

static void
tcp_fastopen_limited(struct rig *r)
{
	tcp_fastopen_passive(r);
	t.peer_port++;
	tcp_fastopen_syn(r, 0);
}

/* Ours goes out with what there is to send. */
static void
tcp_fastopen_connect(struct rig *r, const char *data)
{
	struct mr_sockaddr to = rig_peer(r, false, t.peer_port), name;

	ck_assert_int_eq(mr_ep_create(r->stack, MR_TRANS_TCP, MR_NET_IPV4, &t.ep), 0);
	ck_assert_int_eq(mr_ep_setopt(t.ep, MR_OPT_TCP_FASTOPEN, 1), 0);
	ck_assert_int_eq(mr_ep_connect(t.ep, &to), -EINPROGRESS);
	ck_assert_int_eq(mr_ep_send(t.ep, data, strlen(data)), (int)strlen(data));
	ck_assert_int_eq(mr_ep_local_name(t.ep, &name), 0);
	t.port = name.port;
	t.irs = rig_expect(r, RIG_TCP)->seq;
}

/* Data in our SYN, of which the peer takes so much. */
static void
tcp_fastopen_to(struct rig *r, uint32_t taken)
{
	rig_tcp_init(&t, r, false);
	tcp_fastopen_connect(r, "");
	rig_tcp_push(&t, RIG_SYN | RIG_ACK, 0, 1, 0, .fo = "abcd", .fo_len = 4);
	rig_discard(r);
	t.peer_port++;
	tcp_fastopen_connect(r, "hello");
	rig_mark(r);
	rig_tcp_push(&t, RIG_SYN | RIG_ACK, 0, 1 + taken, 0);
	rig_discard(r);
}

static void
tcp_fastopen_active(struct rig *r)
{
	tcp_fastopen_to(r, 5);
}

static void
tcp_fastopen_failed(struct rig *r)
{
	tcp_fastopen_to(r, 0);
}

static void
tcp_with_ecn(struct rig *r)
{
	rig_tcp_init(&t, r, false);
	t.ecn = true;
	rig_tcp_establish_passive(&t);
	rig_mark(r);
}

static void
tcp_ecn_mark(struct rig *r)
{
	tcp_with_ecn(r);
	rig_tcp_push(&t, RIG_ACK, 1, 1, 10, .tos = 3);
}

static void
tcp_ecn_reduction(struct rig *r)
{
	tcp_with_ecn(r);
	ck_assert_int_eq(rig_ep_send(t.ep, 0, 10000), 10000);
	rig_discard(r);
	rig_tcp_push(&t, RIG_ACK | RIG_ECE, 1, 1461, 0);
}

static void
tcp_time_wait_reused(struct rig *r)
{
	in_state(r, MR_TCP_TIME_WAIT);
	rig_tcp_push(&t, RIG_SYN, 100000, 0, 0);
}

/* One record only. */
static void
tcp_time_wait_evicted(struct rig *r)
{
	struct mr_ep *listener;

	rig_tcp_init(&t, r, false);
	rig_tcp_reach(&t, MR_TCP_TIME_WAIT);
	listener = t.listener;
	rig_tcp_init(&t, r, false);
	t.listener = listener;
	t.peer_port++;
	rig_tcp_reach(&t, MR_TCP_TIME_WAIT);
}

static void
tcp_malformed(struct rig *r)
{
	rig_push_tcphdr(r, .flags = RIG_SYN, .lie_off = 4);
}

static void
tcp_bad_cksum(struct rig *r)
{
	rig_push_tcphdr(r, .flags = RIG_SYN, .ip.spoil = RIG_SPOIL_L4_CKSUM);
}

static void
tcp_no_port(struct rig *r)
{
	rig_push_tcphdr(r, .flags = RIG_SYN);
}

static void
tcp_bad_addr(struct rig *r)
{
	rig_push_tcphdr(r, .flags = RIG_SYN, .ip.dst = rig_addr("10.0.0.255"));
}

static void
tcp_listen_ignored(struct rig *r)
{
	in_state(r, MR_TCP_LISTEN);
	rig_tcp_push(&t, RIG_RST, 1, 0, 0);
}

static void
tcp_backlog_full(struct rig *r)
{
	rig_tcp_init(&t, r, false);
	rig_tcp_listen(&t, 1);
	rig_tcp_start_passive(&t);
	rig_tcp_push(&t, RIG_ACK, 1, 1, 0);
	rig_poll(r);
	t.peer_port++;
	rig_tcp_push(&t, RIG_SYN, 0, 0, 0);
}

/* One record only, and the listener has it. */
static void
tcp_no_conn(struct rig *r)
{
	in_state(r, MR_TCP_SYN_RECEIVED);
	rig_tcp_push(&t, RIG_ACK, 1, 1, 0);
}

static void
tcp_out_of_window(struct rig *r)
{
	in_state(r, MR_TCP_ESTABLISHED);
	rig_tcp_push(&t, RIG_ACK, 0x40000000, 1, 10);
}

static void
tcp_paws(struct rig *r)
{
	rig_tcp_init(&t, r, false);
	t.ts = true;
	rig_tcp_reach(&t, MR_TCP_ESTABLISHED);
	rig_tcp_push(&t, RIG_ACK, 1, 1, 10, .tsval = t.tsval - 1);
}

static void
tcp_bad_ack(struct rig *r)
{
	in_state(r, MR_TCP_ESTABLISHED);
	rig_tcp_push(&t, RIG_ACK, 1, 1000, 10);
}

static void
tcp_bad_rst(struct rig *r)
{
	in_state(r, MR_TCP_ESTABLISHED);
	rig_tcp_push(&t, RIG_RST, 2, 0, 0);
}

static void
tcp_duplicate(struct rig *r)
{
	in_state(r, MR_TCP_ESTABLISHED);
	rig_tcp_push(&t, RIG_ACK, 101, 1, 10);
	rig_tcp_push(&t, RIG_ACK, 101, 1, 10);
}

/* Every second byte, until the stack holds no more of it. */
static void
tcp_ooo_full(struct rig *r)
{
	uint32_t held_before;
	uint32_t seq = 2;

	in_state(r, MR_TCP_ESTABLISHED);
	do {
		held_before = r->stack->rx_held;
		rig_tcp_push(&t, RIG_ACK, seq += 2, 1, 1);
		rig_poll(r);
	} while (r->stack->rx_held > held_before);
}

static void
tcp_no_memory(struct rig *r)
{
	in_state(r, MR_TCP_ESTABLISHED);
	fill_rx_budget(r);
	rig_tcp_push(&t, RIG_ACK, 1, 1, 1000);
}

static void
tcp_after_close(struct rig *r)
{
	mr_ep_close(in_state(r, MR_TCP_ESTABLISHED));
	rig_tcp_push(&t, RIG_ACK, 1, 1, 10);
}

static void
tcp_in_time_wait(struct rig *r)
{
	in_state(r, MR_TCP_TIME_WAIT);
	rig_tcp_push(&t, RIG_FIN | RIG_ACK, t.snd - 1, t.rcv, 0);
}

static void
tcp_syn_sent_ignored(struct rig *r)
{
	in_state(r, MR_TCP_SYN_SENT);
	rig_tcp_push(&t, RIG_RST, 0, 0, 0);
}

#endif
