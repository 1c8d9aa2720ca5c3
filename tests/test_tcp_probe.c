/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The TCP probe: who has it (S-63 to S-65, SS-16), when it is called (B-80), and each field of what it sees (S-173 to
 * S-242), against scripts in which the numbers are known.
 */
#include "rig/fixture.h"

#include <errno.h>
#include <string.h>

/* What the probe has seen: how often, and last. */
static struct mr_tcp_ep_state st;
static unsigned calls, other_calls;
static int mark;

static void
seen(const struct mr_tcp_ep_state *state, void *arg)
{
	ck_assert_ptr_eq(arg, &mark);
	st = *state;
	calls++;
}

static void
seen_by_other(const struct mr_tcp_ep_state *state, void *arg)
{
	(void)state;
	ck_assert_ptr_null(arg);
	other_calls++;
}

static void
setup(void)
{
	tcp_setup();
	/* Whose windows can be told in advance. */
	ck_assert_int_eq(mr_transproto_setopt(rig.stack, MR_TRANS_TCP, MR_OPT_TCP_CC, mr_tcp_cc_find("newreno")), 0);
}

static void
probe(void)
{
	ck_assert_int_eq(mr_tcp_probe_add(rig.stack, seen, &mark), 0);
}

/* A connection that is seen, up to now without a segment. */
static void
connect_seen(void)
{
	probe();
	rig_tcp_establish_passive(&t);
	ck_assert_uint_eq(calls, 0);
}

/* The peer's next segment has been seen; st is what was before it. */
#define look(...) \
	do { \
		unsigned before_ = calls; \
		rig_tcp_push(&t, __VA_ARGS__); \
		rig_poll(&rig); \
		ck_assert_uint_eq(calls, before_ + 1); \
	} while (0)

/* Anything, to see how it stands now: an old ACK changes nothing. */
static void
look_again(void)
{
	look(RIG_ACK, t.snd, 1, 0, .no_ts = true);
}

/* ---- who has it */

START_TEST(add_get_remove)
{
	mr_tcp_probe_fn other = seen_by_other;
	void *arg = &calls;

	ck_assert_ptr_null(mr_tcp_probe_get(rig.stack, &arg));
	ck_assert_ptr_eq(arg, &calls);
	mr_tcp_probe_remove(rig.stack);
	ck_assert_int_eq(mr_tcp_probe_add(rig.stack, NULL, NULL), -EINVAL);
	ck_assert_ptr_null(mr_tcp_probe_get(rig.stack, NULL));
	probe();
	ck_assert(mr_tcp_probe_get(rig.stack, &arg) == seen);
	ck_assert_ptr_eq(arg, &mark);
	ck_assert_int_eq(mr_tcp_probe_add(rig.stack, NULL, NULL), -EINVAL);
	ck_assert(mr_tcp_probe_get(rig.stack, NULL) == seen);
	ck_assert_int_eq(mr_tcp_probe_add(rig.stack, other, NULL), 0);
	ck_assert(mr_tcp_probe_get(rig.stack, &arg) == other);
	ck_assert_ptr_null(arg);
	mr_tcp_probe_remove(rig.stack);
	ck_assert_ptr_null(mr_tcp_probe_get(rig.stack, NULL));
	probe(); /* left there: the stack's end is the probe's */
}
END_TEST

START_TEST(no_tcp)
{
	static const char *const only[] = {"udp", NULL};

	rig_fini(&rig);
	rig_init(&rig, &(struct rig_opts){.stack.trans_protos = only});
	ck_assert_int_eq(mr_tcp_probe_add(rig.stack, seen, NULL), -EPROTONOSUPPORT);
	ck_assert_ptr_null(mr_tcp_probe_get(rig.stack, NULL));
	mr_tcp_probe_remove(rig.stack);
}
END_TEST

/* SS-16, B-80: sampled when the endpoint is made. */
START_TEST(not_of_older_endpoints)
{
	rig_tcp_establish_passive(&t);
	probe();
	rig_tcp_push(&t, RIG_ACK, 1, 1, 10);
	rig_poll(&rig);
	ck_assert_uint_eq(calls, 0);
}
END_TEST

/* The listener is older, but what it accepts is not. The segment that makes the connection is not yet its own. */
START_TEST(of_accepted_ones)
{
	rig_tcp_listen(&t, 4);
	probe();
	rig_tcp_establish_passive(&t);
	ck_assert_uint_eq(calls, 0);
	rig_tcp_push(&t, RIG_ACK, 1, 1, 10);
	rig_poll(&rig);
	ck_assert_uint_eq(calls, 1);
}
END_TEST

/* S-65: removal is for the later ones. S-63: two probes in turn are mixed. */
START_TEST(kept)
{
	struct rig_tcp second, third;

	connect_seen();
	ck_assert_int_eq(mr_tcp_probe_add(rig.stack, seen_by_other, NULL), 0);
	rig_tcp_init(&second, &rig, false);
	second.listener = t.listener;
	second.peer_port = 6000;
	rig_tcp_establish_passive(&second);
	mr_tcp_probe_remove(rig.stack);
	rig_tcp_init(&third, &rig, false);
	third.listener = t.listener;
	third.peer_port = 7000;
	rig_tcp_establish_passive(&third);
	for (unsigned i = 1; i <= 3; i++) {
		rig_tcp_push(&t, RIG_ACK, 1, 1, 0);
		rig_tcp_push(&second, RIG_ACK, 1, 1, 0);
		rig_tcp_push(&second, RIG_ACK, 1, 1, 0);
		rig_tcp_push(&third, RIG_ACK, 1, 1, 0);
		rig_poll(&rig);
		ck_assert_uint_eq(calls, i);
		ck_assert_uint_eq(other_calls, 2 * i);
	}
	ck_assert_uint_eq(st.id.rport, 5000);
	mr_ep_close(t.ep);
	rig_discard(&rig);
}
END_TEST

/* ---- when it is called */

/* For the answer to a SYN, and before it counts. */
START_TEST(active_open)
{
	probe();
	rig_tcp_start_active(&t);
	rig_advance(&rig, 3 * RIG_MS);
	rig_tcp_push(&t, RIG_SYN | RIG_ACK, 0, 1, 0);
	rig_poll(&rig);
	ck_assert_uint_eq(calls, 1);
	ck_assert_uint_eq(st.id.lport, t.port);
	ck_assert_uint_eq(st.snd.snd_una, t.irs);
	ck_assert_uint_eq(st.snd.snd_nxt, t.irs + 1);
	ck_assert(!st.snd.srtt_inited);
	ck_assert_uint_eq(st.snd.last_send_ns, rig.now - 3 * RIG_MS);
	rig_tcp_push(&t, RIG_ACK, 1, 1, 0);
	rig_poll(&rig);
	ck_assert_uint_eq(calls, 2);
	ck_assert_uint_eq(st.snd.snd_una, t.irs + 1);
	ck_assert(st.snd.srtt_inited);
	ck_assert_uint_eq(st.snd.srtt_ns, 3 * RIG_MS);
	ck_assert_uint_eq(st.snd.rttvar_ns, 3 * RIG_MS / 2);
	ck_assert_uint_eq(st.snd.rto_ns, 203 * RIG_MS);
}
END_TEST

/* For resets too, and for what is dropped; never for the same twice, in a burst neither. */
START_TEST(each_segment_once)
{
	connect_seen();
	for (int i = 0; i < 5; i++)
		rig_tcp_push(&t, RIG_ACK, 1 + 10 * i, 1, 10);
	rig_turn(&rig);
	ck_assert_uint_eq(calls, 5);
	ck_assert_uint_eq(st.rcv.rcv_nxt, t.iss + 41);
	look(RIG_ACK, 0x40000000, 1, 10); /* out of the window */
	look(RIG_SYN, 51, 0, 0);
	look(RIG_ACK, 51, 0x40000000, 0);
	rig_discard(&rig);
	look(RIG_RST, 51, 0, 0);
	ck_assert_uint_eq(st.rcv.rcv_nxt, t.iss + 51);
	rig_tcp_push(&t, RIG_ACK, 51, 1, 10);
	rig_poll(&rig);
	ck_assert_uint_eq(calls, 9);
}
END_TEST

/* Forwarded connections are made when they are accepted. */
static struct mr_ep *forwarded;

static void
asked(const struct mr_forward_req *req, void *arg)
{
	(void)arg;
	ck_assert_int_eq(mr_forwarder_accept(req, &forwarded), 0);
}

START_TEST(forwarded_open)
{
	struct mr_forwarder *f;

	ck_assert_int_eq(mr_forwarder_create(rig.stack, MR_TRANS_TCP, &(struct mr_forwarder_opts){.fn = asked}, &f), 0);
	probe();
	rig_tcp_push(&t, RIG_SYN, 0, 0, 0);
	t.irs = rig_expect(&rig, RIG_TCP)->seq;
	ck_assert_uint_eq(calls, 0);
	rig_tcp_push(&t, RIG_ACK, 1, 1, 0);
	rig_poll(&rig);
	ck_assert_uint_eq(calls, 1);
	ck_assert_uint_eq(st.snd.snd_una, t.irs);
	ck_assert_uint_eq(st.rcv.rcv_nxt, t.iss + 1);
	mr_ep_abort(forwarded);
	rig_discard(&rig);
}
END_TEST

/* ---- what it sees: identity and options */

/* S-175 to S-181, S-185 to S-188, S-203, S-223, S-224 */
START_TEST(agreed)
{
	bool v6 = _i & 1, ts = _i & 2;
	const struct mr_tcp_ep_id *id = &st.id;
	const struct rig_frame *f;
	int64_t mss;

	rig_tcp_init(&t, &rig, v6);
	t.ts = ts;
	t.ws = 5;
	connect_seen();
	rig_advance(&rig, 1234567);
	look(RIG_ACK, 1, 1, 0);
	ck_assert(id->lport == 80 && id->rport == 5000);
	ck_assert(mr_addr_equal(&id->laddr, v6 ? &rig.addr6 : &rig.addr4));
	ck_assert(mr_addr_equal(&id->raddr, v6 ? &rig.peer6 : &rig.peer4));
	ck_assert_uint_eq(st.seg_time_ns, rig.now);
	ck_assert_int_eq(st.send_ts_ok, ts);
	ck_assert_uint_eq(st.recent_ts, ts ? t.tsval : 0);
	ck_assert_uint_eq(st.snd.snd_wscale, 5);
	ck_assert_uint_eq(st.rcv.rcv_wscale, t.stack_ws);
	ck_assert_int_eq(mr_ep_getopt(t.ep, MR_OPT_TCP_MAXSEG, &mss), 0);
	ck_assert_uint_eq(st.snd.max_payload, mss);
	ck_assert_uint_eq(st.snd.max_payload, (v6 ? 1440 : 1460) - (ts ? 12 : 0));
	ck_assert_uint_eq(st.snd.snd_wnd, 65535u << 5);
	ck_assert_int_eq(st.sack_permitted, t.sack_on);
	/* TS.Recent is of the segment before; our timestamps are the clock and the offset. */
	look_again();
	ck_assert_uint_eq(st.recent_ts, ts ? t.tsval + 1 : 0);
	if (!ts)
		return;
	ck_assert_int_eq(rig_ep_send(t.ep, 0, 1), 1);
	f = rig_expect(&rig, RIG_TCP);
	ck_assert_uint_eq(f->tsval, (uint32_t)(rig.now / RIG_MS) + st.ts_offset);
}
END_TEST

/* A peer without window scale: its windows are what they say, and so are ours. */
START_TEST(nothing_agreed)
{
	t.ws = -1;
	t.sack = false;
	connect_seen();
	look(RIG_ACK, 1, 1, 0, .wnd = 1000);
	look_again();
	ck_assert_uint_eq(st.snd.snd_wnd, 1000);
	ck_assert_uint_eq(st.snd.snd_wscale, 0);
	ck_assert_uint_eq(st.rcv.rcv_wscale, 0);
	ck_assert(!st.send_ts_ok && !st.sack_permitted && st.recent_ts == 0);
}
END_TEST

/* ---- receiving: S-182 to S-184, S-199 to S-205, S-225 */

START_TEST(receiving)
{
	const struct mr_tcp_rcv_state *rcv = &st.rcv;
	char buf[100];

	rig_tcp_listen(&t, 4);
	ck_assert_int_eq(mr_ep_setopt(t.listener, MR_OPT_RCVBUF, 10000), 0);
	connect_seen();
	look(RIG_ACK, 1, 1, 100);
	ck_assert_uint_eq(st.rcv_buf_size, 10000);
	ck_assert_uint_eq(st.rcv_buf_used, 0);
	ck_assert_uint_eq(rcv->rcv_nxt, t.iss + 1);
	ck_assert_uint_eq(rcv->rcv_acc, t.iss + 10001);
	ck_assert_uint_eq(rcv->pending_size, 10000);
	t.snd = 101;
	look_again();
	ck_assert_uint_eq(st.rcv_buf_used, 100);
	ck_assert_uint_eq(rcv->rcv_nxt, t.iss + 101);
	ck_assert_uint_eq(rcv->rcv_acc, t.iss + 10001);
	ck_assert_uint_eq(rcv->pending_size, 9900);
	/* The ACK is delayed: what we told last is older. */
	ck_assert_uint_eq(st.snd.max_sent_ack, t.iss + 1);
	rig_advance(&rig, 50 * RIG_MS);
	rig_tcp_expect(&t, RIG_ACK, 1, 101, 0);
	ck_assert_int_eq(mr_ep_recv(t.ep, buf, 60, NULL), 60);
	look_again();
	ck_assert_uint_eq(st.rcv_buf_used, 40);
	ck_assert_uint_eq(st.snd.max_sent_ack, t.iss + 101);
	ck_assert_int_eq(mr_ep_setopt(t.ep, MR_OPT_RCVBUF, 5000), 0);
	look_again();
	ck_assert_uint_eq(st.rcv_buf_size, 5000);
	ck_assert_uint_eq(rcv->rcv_acc, t.iss + 10001); /* never left */
}
END_TEST

/* Is this block at this place, as offsets in the peer's stream? */
static bool
is_block(unsigned i, uint32_t from, uint32_t to)
{
	return i < st.sack.n && st.sack.blocks[i][0] == t.iss + from && st.sack.blocks[i][1] == t.iss + to;
}

START_TEST(out_of_order)
{
	const struct mr_tcp_sack_info *sack = &st.sack;

	connect_seen();
	look(RIG_ACK, 201, 1, 100);
	ck_assert_uint_eq(st.rcv.pending_used, 0);
	ck_assert_uint_eq(sack->n, 0);
	look(RIG_ACK, 501, 1, 100);
	ck_assert_uint_eq(st.rcv.pending_used, 100);
	ck_assert_uint_eq(sack->n, 1);
	look(RIG_ACK, 301, 1, 50);
	ck_assert_uint_eq(sack->n, 2);
	ck_assert(is_block(0, 501, 601) && is_block(1, 201, 301));
	look(RIG_ACK, 1, 1, 200);
	ck_assert_uint_eq(st.rcv.pending_used, 250);
	ck_assert_uint_eq(sack->n, 2);
	ck_assert(is_block(0, 201, 351) && is_block(1, 501, 601)); /* it grew last */
	ck_assert_uint_eq(st.rcv_buf_used, 0);
	t.snd = 351;
	look_again();
	ck_assert_uint_eq(st.rcv_buf_used, 350);
	ck_assert_uint_eq(st.rcv.rcv_nxt, t.iss + 351);
	ck_assert_uint_eq(st.rcv.pending_used, 100);
	ck_assert_uint_eq(sack->n, 1);
	ck_assert(is_block(0, 501, 601));
	/* More blocks than are shown. */
	for (unsigned i = 0; i < 20; i++)
		look(RIG_ACK, 1001 + 20 * i, 1, 10);
	ck_assert_uint_eq(sack->n, MR_TCP_MAX_SACK);
	for (unsigned i = 0; i < MR_TCP_MAX_SACK; i++)
		ck_assert(is_block(i, 1361 - 20 * i, 1371 - 20 * i));
	rig_discard(&rig);
}
END_TEST

START_TEST(closed_for_reading)
{
	connect_seen();
	look(RIG_ACK, 1, 1, 0);
	ck_assert(!st.rcv_closed && !st.snd_closed && !st.snd.closed);
	if (_i == 0) {
		look(RIG_FIN | RIG_ACK, 1, 1, 0);
		ck_assert(!st.rcv_closed);
		t.snd = 2;
	} else {
		ck_assert_int_eq(mr_ep_shutdown(t.ep, MR_SHUT_RD), 0);
	}
	look_again();
	ck_assert(st.rcv_closed && !st.snd_closed);
	rig_discard(&rig);
}
END_TEST

/* ---- sending: S-189 to S-195, S-206 to S-225 */

START_TEST(sending)
{
	const struct mr_tcp_snd_state *snd = &st.snd;
	uint64_t sent_ns;

	t.sack = false; /* and so no tail loss probes */
	rig_tcp_listen(&t, 4);
	ck_assert_int_eq(mr_ep_setopt(t.listener, MR_OPT_SNDBUF, 100000), 0);
	connect_seen();
	look(RIG_ACK, 1, 1, 0);
	ck_assert_uint_eq(st.snd_buf_size, 100000);
	ck_assert_uint_eq(st.snd_buf_used, 0);
	ck_assert_uint_eq(snd->cwnd, 10);
	ck_assert_uint_eq(snd->ssthresh, MR_TCP_SSTHRESH_NONE);
	ck_assert_uint_eq(snd->outstanding, 0);
	ck_assert_uint_eq(snd->rtt_seq, t.irs + 1);
	ck_assert_uint_eq(snd->rtt_time_ns, 0);
	ck_assert_uint_eq(snd->last_send_ns, 0);
	/* The handshake took no time, and was measured as up to a millisecond. */
	ck_assert_uint_eq(snd->rto_ns, 201 * RIG_MS);
	ck_assert(snd->srtt_inited && snd->srtt_ns == RIG_MS);
	ck_assert_int_eq(rig_ep_send(t.ep, 0, 29200), 29200);
	rig_poll(&rig);
	sent_ns = rig.now;
	rig_advance(&rig, 7 * RIG_MS);
	/* Ten are in flight, ten wait for the window. */
	look(RIG_ACK, 1, 1 + 3 * 1460, 0);
	ck_assert_uint_eq(st.snd_buf_used, 29200);
	ck_assert_uint_eq(st.snd_buf_in_queue, 14600);
	ck_assert_uint_eq(snd->outstanding, 10);
	ck_assert_uint_eq(snd->snd_una, t.irs + 1);
	ck_assert_uint_eq(snd->snd_nxt, t.irs + 14601);
	ck_assert_uint_eq(snd->rtt_seq, t.irs + 1);
	ck_assert_uint_eq(snd->rtt_time_ns, sent_ns);
	ck_assert_uint_eq(snd->last_send_ns, sent_ns);
	look_again();
	/* Three have arrived: slow start lets six more out. */
	ck_assert_uint_eq(snd->snd_una, t.irs + 1 + 3 * 1460);
	ck_assert_uint_eq(snd->cwnd, 13);
	ck_assert_uint_eq(snd->outstanding, 13);
	ck_assert_uint_eq(st.snd_buf_used, 17 * 1460);
	ck_assert_uint_eq(st.snd_buf_in_queue, 4 * 1460);
	ck_assert_uint_eq(snd->rtt_seq, t.irs + 1 + 3 * 1460);
	ck_assert_uint_eq(snd->rtt_time_ns, sent_ns);
	ck_assert_uint_eq(snd->last_send_ns, sent_ns + 7 * RIG_MS);
	ck_assert(snd->srtt_inited);
	ck_assert_uint_eq(snd->srtt_ns, RIG_MS + (7 - 1) * RIG_MS / 8);
	ck_assert_uint_eq(snd->rttvar_ns, RIG_MS / 2 * 3 / 4 + (7 - 1) * RIG_MS / 4);
	ck_assert_uint_eq(snd->rto_ns, 200 * RIG_MS + snd->srtt_ns);
	/* A FIN is no byte of payload, whether it is sent or not. */
	ck_assert_int_eq(mr_ep_shutdown(t.ep, MR_SHUT_WR), 0);
	look_again();
	look_again();
	ck_assert(st.snd_closed && snd->closed && !st.rcv_closed);
	ck_assert_uint_eq(st.snd_buf_in_queue, 4 * 1460);
	look(RIG_ACK, 1, 1 + 13 * 1460, 0);
	look_again();
	ck_assert_uint_eq(st.snd_buf_in_queue, 0);
	ck_assert_uint_eq(snd->snd_nxt, t.irs + 29202);
	rig_discard(&rig);
}
END_TEST

/* A segment that is not full counts as one packet in flight. */
START_TEST(small_segments)
{
	connect_seen();
	ck_assert_int_eq(rig_ep_send(t.ep, 0, 1461), 1461);
	rig_poll(&rig);
	ck_assert_int_eq(rig_ep_send(t.ep, 1461, 1), 1);
	rig_poll(&rig);
	look(RIG_ACK, 1, 1, 0);
	ck_assert_uint_eq(st.snd.outstanding, 2);
	ck_assert_uint_eq(st.snd_buf_in_queue, 1); /* Nagle holds the last byte */
	ck_assert_int_eq(mr_ep_setopt(t.ep, MR_OPT_TCP_NODELAY, 1), 0);
	rig_poll(&rig);
	look_again();
	ck_assert_uint_eq(st.snd.outstanding, 2);
	ck_assert_uint_eq(st.snd_buf_in_queue, 0);
	rig_discard(&rig);
}
END_TEST

/* RTO: doubled by backoff, and cwnd is one packet. */
START_TEST(timeout)
{
	t.sack = false;
	connect_seen();
	ck_assert_int_eq(rig_ep_send(t.ep, 0, 14600), 14600);
	rig_poll(&rig);
	rig_advance(&rig, 300 * RIG_MS);
	look(RIG_ACK, 1, 1, 0, .wnd = 60000); /* no duplicate: the window is another one */
	ck_assert_uint_eq(st.snd.rto_ns, 2 * 201 * RIG_MS);
	ck_assert_uint_eq(st.snd.cwnd, 1);
	ck_assert_uint_eq(st.snd.outstanding, 1);
	ck_assert_uint_ne(st.snd.ssthresh, MR_TCP_SSTHRESH_NONE);
	ck_assert_uint_le(st.snd.ssthresh, 7);
	ck_assert_uint_ge(st.snd.ssthresh, 5);
	ck_assert(!st.snd.fr.active);
	rig_discard(&rig);
}
END_TEST

/* S-208, S-211, S-226 to S-232: by duplicate ACKs into recovery, and out of it into congestion avoidance. */
START_TEST(recovery)
{
	const struct mr_tcp_fr_state *fr = &st.snd.fr;

	t.sack = false;
	connect_seen();
	ck_assert_int_eq(rig_ep_send(t.ep, 0, 14600), 14600);
	rig_poll(&rig);
	for (unsigned i = 0; i < 4; i++) {
		look(RIG_ACK, 1, 1, 0);
		ck_assert_uint_eq(st.snd.dup_acks, i);
		ck_assert_int_eq(fr->active, i == 3);
	}
	ck_assert_uint_eq(fr->first, t.irs + 1);
	ck_assert_uint_eq(fr->last, t.irs + 14600);
	ck_assert_uint_eq(st.snd.ssthresh, 5);
	ck_assert_uint_eq(st.snd.cwnd, 8);
	ck_assert_uint_eq(fr->max_cwnd, 5 + 10 + 3);
	/* A partial one is part of it. */
	look(RIG_ACK, 1, 1461, 0);
	look(RIG_ACK, 1, 1461, 0);
	ck_assert(fr->active);
	ck_assert_uint_eq(fr->first, t.irs + 1461);
	ck_assert_uint_eq(fr->last, t.irs + 14600);
	ck_assert_uint_eq(fr->max_cwnd, 5 + 9 + 3);
	rig_discard(&rig);
	ck_assert_int_eq(rig_ep_send(t.ep, 14600, 14600), 14600);
	look(RIG_ACK, 1, 14601, 0);
	ck_assert(fr->active);
	look_again();
	ck_assert(!fr->active);
	ck_assert_uint_eq(fr->last, 0);
	ck_assert_uint_eq(st.snd.dup_acks, 0);
}
END_TEST

/* In congestion avoidance packets are gathered for one more. */
START_TEST(congestion_avoidance)
{
	uint32_t at;

	t.sack = false;
	connect_seen();
	ck_assert_int_eq(rig_ep_send(t.ep, 0, 100000), 100000);
	rig_poll(&rig);
	for (unsigned i = 0; i < 3; i++)
		look(RIG_ACK, 1, 1, 0);
	look(RIG_ACK, 1, 14601, 0);
	look_again();
	ck_assert_uint_eq(st.snd.ca_acks, 0);
	at = st.snd.ssthresh;
	ck_assert_uint_ge(at, 5);
	/* As far as ssthresh by slow start, then one by one. */
	t.rcv = 14601;
	while (st.snd.cwnd < at || st.snd.ca_acks == 0) {
		t.rcv += 1460;
		look(RIG_ACK, 1, t.rcv, 0);
		look_again();
		ck_assert_uint_lt(t.rcv, 100000);
	}
	ck_assert_uint_eq(st.snd.cwnd, at);
	ck_assert_uint_eq(st.snd.ca_acks, 1);
	for (unsigned i = 2; i < at; i++) {
		t.rcv += 1460;
		look(RIG_ACK, 1, t.rcv, 0);
		ck_assert_uint_eq(st.snd.ca_acks, i - 1);
	}
	t.rcv += 1460;
	look(RIG_ACK, 1, t.rcv, 0);
	ck_assert_uint_eq(st.snd.cwnd, at);
	ck_assert_uint_eq(st.snd.ca_acks, at - 1);
	look_again();
	ck_assert_uint_eq(st.snd.cwnd, at + 1);
	ck_assert_uint_eq(st.snd.ca_acks, 0);
	rig_discard(&rig);
}
END_TEST

static void
assert_near(double got, double want, double by)
{
	ck_assert_msg(got > want - by && got < want + by, "%g, expected %g", got, want);
}

/* S-227, S-233 to S-242, RFC 9438: ten packets were lost from; the curve begins at seven and will be at ten after K. */
START_TEST(cubic)
{
	const struct mr_tcp_cubic_state *c = &st.snd.cubic, none = {0};
	uint64_t lost_ns, begun_ns;
	double x;

	ck_assert_int_eq(mr_transproto_setopt(rig.stack, MR_TRANS_TCP, MR_OPT_TCP_CC, mr_tcp_cc_find("cubic")), 0);
	t.sack = false;
	connect_seen();
	ck_assert_int_eq(rig_ep_send(t.ep, 0, 14600), 14600);
	rig_poll(&rig);
	rig_advance(&rig, 20 * RIG_MS);
	for (unsigned i = 0; i < 3; i++)
		look(RIG_ACK, 1, 1, 0);
	ck_assert(memcmp(c, &none, sizeof(none)) == 0);
	lost_ns = rig.now;
	rig_advance(&rig, 30 * RIG_MS);
	look(RIG_ACK, 1, 14601, 0);
	ck_assert(c->c == 0.4 && c->beta == 0.7);
	ck_assert_uint_eq(c->t_ns / RIG_MS, lost_ns / RIG_MS);
	assert_near(c->w_max, 10, 0.01);
	assert_near(c->w_last_max, 0, 0.01);
	ck_assert(c->w_c == 0 && c->w_est == 0 && c->k_ns == 0 && c->since_ns == 0);
	/* Out of recovery, by slow start to ssthresh, and on to the curve. */
	ck_assert_int_eq(rig_ep_send(t.ep, 14600, 200000), 200000);
	rig_poll(&rig);
	for (t.rcv = 14601; c->w_est == 0; t.rcv += 1460) {
		look(RIG_ACK, 1, t.rcv, 0);
		ck_assert_uint_lt(t.rcv, 100000);
	}
	begun_ns = rig.now;
	assert_near((double)c->k_ns / 1e9, 1.957, 0.002); /* the cube root of 3 / 0.4 */
	assert_near(c->w_c, 7, 0.1);
	assert_near(c->w_est, 7, 0.2);
	for (unsigned i = 0; i < 5; i++) {
		rig_advance(&rig, 20 * RIG_MS);
		look(RIG_ACK, 1, t.rcv, 0);
		t.rcv += 1460;
	}
	look_again();
	assert_near((double)c->since_ns, (double)(rig.now - begun_ns), 1e6);
	x = (double)c->since_ns / 1e9 - (double)c->k_ns / 1e9;
	assert_near(c->w_c, 0.4 * x * x * x + 10, 0.02);
	ck_assert_uint_eq(c->t_ns / RIG_MS, lost_ns / RIG_MS);
	/* Another algorithm has none of it. */
	ck_assert_int_eq(mr_ep_setopt(t.ep, MR_OPT_TCP_CC, mr_tcp_cc_find("newreno")), 0);
	look_again();
	ck_assert(memcmp(c, &none, sizeof(none)) == 0);
	rig_discard(&rig);
}
END_TEST

/* S-194, S-195: what a Packet Too Big has done and has not yet made anyone send. */
START_TEST(too_big)
{
	const struct rig_frame *f;

	connect_seen();
	look(RIG_ACK, 1, 1, 0);
	ck_assert_uint_eq(st.pkt_too_big_count, 0);
	ck_assert_uint_eq(st.snd_mtu, 0);
	ck_assert_int_eq(rig_ep_send(t.ep, 0, 14600), 14600);
	f = rig_expect(&rig, RIG_TCP);
	rig_discard(&rig);
	rig_push_icmp(&rig, .type = 3, .code = 4, .rest = 1400, .data = f->b + 14, .len = 28);
	rig_push_icmp(&rig, .type = 3, .code = 4, .rest = 1000, .data = f->b + 14, .len = 28);
	look(RIG_ACK, 1, 1, 0, .wnd = 60000);
	ck_assert_uint_eq(st.pkt_too_big_count, 2);
	ck_assert_uint_eq(st.snd_mtu, 1000);
	ck_assert_uint_eq(st.snd.max_payload, 960);
	look_again();
	ck_assert_uint_eq(st.pkt_too_big_count, 0);
	ck_assert_uint_eq(st.snd_mtu, 1000);
	rig_discard(&rig);
}
END_TEST

/* ---- counters: B-80 */

/* What was established and has not ended is there. */
START_TEST(counters_balance)
{
	static const enum mr_tcp_state states[] = {MR_TCP_ESTABLISHED, MR_TCP_CLOSE_WAIT, MR_TCP_FIN_WAIT_1, MR_TCP_FIN_WAIT_2,
	                                           MR_TCP_CLOSING, MR_TCP_LAST_ACK, MR_TCP_TIME_WAIT, MR_TCP_CLOSED};
	struct mr_ep *listener = NULL, *eps[RTE_DIM(states)];
	uint64_t open, ended;

	for (unsigned i = 0; i < RTE_DIM(states); i++) {
		rig_tcp_init(&t, &rig, false);
		t.peer_port += i;
		t.listener = listener;
		eps[i] = rig_tcp_reach(&t, states[i]);
		listener = t.listener;
		ended = rig_moved(&rig, MR_CNT_TCP_CLOSED);
		ck_assert_uint_eq(rig_moved(&rig, MR_CNT_TCP_ESTABLISHED), i + 1);
		ck_assert_uint_eq(ended, states[i] == MR_TCP_TIME_WAIT ? 1 : states[i] == MR_TCP_CLOSED ? 2 : 0);
	}
	/* An open that never was established is neither. */
	rig_tcp_init(&t, &rig, false);
	t.peer_port = 9000;
	rig_tcp_start_active(&t);
	mr_ep_close(t.ep);
	ck_assert_uint_eq(rig_moved(&rig, MR_CNT_TCP_ACTIVE_OPENS), 1);
	for (unsigned i = 0; i < RTE_DIM(states); i++)
		mr_ep_abort(eps[i]);
	rig_poll(&rig);
	open = rig_moved(&rig, MR_CNT_TCP_ESTABLISHED);
	ck_assert_uint_eq(open, RTE_DIM(states));
	ck_assert_uint_eq(rig_moved(&rig, MR_CNT_TCP_CLOSED), open);
	rig_discard(&rig);
}
END_TEST

static Suite *
suite(void)
{
	Suite *s = suite_create("tcp_probe");
	TCase *tc = rig_case(s, "probe", setup, rig_teardown);

	tcase_add_test(tc, add_get_remove);
	tcase_add_test(tc, no_tcp);
	tcase_add_test(tc, not_of_older_endpoints);
	tcase_add_test(tc, of_accepted_ones);
	tcase_add_test(tc, kept);
	tcase_add_test(tc, active_open);
	tcase_add_test(tc, each_segment_once);
	tcase_add_test(tc, forwarded_open);
	tcase_add_loop_test(tc, agreed, 0, 4);
	tcase_add_test(tc, nothing_agreed);
	tcase_add_test(tc, receiving);
	tcase_add_test(tc, out_of_order);
	tcase_add_loop_test(tc, closed_for_reading, 0, 2);
	tcase_add_test(tc, sending);
	tcase_add_test(tc, small_segments);
	tcase_add_test(tc, timeout);
	tcase_add_test(tc, recovery);
	tcase_add_test(tc, congestion_avoidance);
	tcase_add_test(tc, cubic);
	tcase_add_test(tc, too_big);
	tcase_add_test(tc, counters_balance);
	return s;
}

RIG_MAIN(suite)
