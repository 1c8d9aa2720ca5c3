/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The TCP probe: who has it (S-63 to S-65, SS-16), when it is called (B-80), and the fields of what it sees that
 * tell of the connection and of receiving (S-173 to S-242), against scripts in which the numbers are known. Those that tell
 * of sending: test_tcp_probe_send.c.
 */
#include <errno.h>

#include "tcp_probe.h"

static unsigned other_calls;

static void
seen_by_other(const struct mr_tcp_ep_state *state, void *arg)
{
	(void)state;
	ck_assert_ptr_null(arg);
	other_calls++;
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
	return s;
}

RIG_MAIN(suite)
