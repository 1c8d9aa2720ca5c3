/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Forwarders: what is for nobody becomes a request (S-57, B-16, I-11) on a NIC that lets foreign addresses in (S-34, S-42,
 * B-5), is bounded, and is taken, turned down or forgotten. TCP and UDP, IPv4 and IPv6.
 */
#include "rig/fixture.h"

#include <errno.h>
#include <string.h>

#define MAX_GOT 64

static struct mr_forwarder *fwd;

/* What the application was asked, and what it does when it is asked. */
static struct mr_forward_req got[MAX_GOT];
static unsigned n_got;
static struct mr_ep *taken;
static enum { LATER, TAKE, REFUSE, DESTROY, REFUSE_FIRST } answer;

static void
asked(const struct mr_forward_req *req, void *arg)
{
	ck_assert_ptr_eq(arg, &rig);
	ck_assert_ptr_eq(req->forwarder, fwd);
	ck_assert_uint_lt(n_got, MAX_GOT);
	got[n_got++] = *req;
	if (answer == TAKE)
		ck_assert_int_eq(mr_forwarder_accept(req, &taken), 0);
	else if (answer == REFUSE)
		ck_assert_int_eq(mr_forwarder_reject(req, false), 0);
	else if (answer == DESTROY)
		mr_forwarder_destroy(fwd);
	else if (answer == REFUSE_FIRST && n_got > 1)
		ck_assert_int_eq(mr_forwarder_reject(&got[n_got - 2], false), 0);
}

/* Events of the endpoint that was taken. */
static uint32_t events;

static void
told(struct mr_ep *ep, uint32_t ev, void *arg)
{
	(void)ep;
	(void)arg;
	events |= ev;
}

static struct mr_waiter waiter = {.mask = MR_EV_IN | MR_EV_OUT | MR_EV_ERR | MR_EV_HUP, .fn = told};

static void
setup(void)
{
	rig_init(&rig, NULL);
	ck_assert_int_eq(mr_nic_set_promisc(rig.stack, RIG_NIC, true), 0);
}

static struct mr_addr
foreign(bool v6)
{
	return rig_addr(v6 ? "2001:db8::9" : "203.0.113.9");
}

static int
forwarder(uint8_t trans, struct mr_forwarder_opts o)
{
	o.fn = asked;
	o.arg = &rig;
	return mr_forwarder_create(rig.stack, trans, &o, &fwd);
}

static void
tcp_forwarder(bool v6, struct mr_forwarder_opts o)
{
	ck_assert_int_eq(forwarder(MR_TRANS_TCP, o), 0);
	rig_tcp_init(&t, &rig, v6);
	t.addr = foreign(v6);
	t.port = 443;
}

/* A SYN of the script's peer is told; nothing is sent yet. */
static void
push_syn(void)
{
	unsigned before = n_got;

	rig_tcp_push(&t, RIG_SYN, 0, 0, 0);
	rig_expect_none(&rig);
	ck_assert_uint_eq(n_got, before + 1);
}

/* Take the last request; the SYN-ACK comes and is learned from. */
static const struct rig_frame *
take(void)
{
	const struct rig_frame *f;

	ck_assert_int_eq(mr_forwarder_accept(&got[n_got - 1], &t.ep), 0);
	mr_ep_wait(t.ep, &waiter);
	ck_assert_int_eq(rig_tcp_state(t.ep), MR_TCP_SYN_RECEIVED);
	f = rig_expect(&rig, RIG_TCP);
	t.ecn_on = t.ecn && f->flags & RIG_ECE;
	ck_assert_uint_eq(f->flags, RIG_SYN | RIG_ACK | (t.ecn_on ? RIG_ECE : 0));
	ck_assert_uint_eq(f->ack, t.iss + 1);
	ck_assert(mr_addr_equal(&f->src, &t.addr) && f->sport == t.port && f->dport == t.peer_port);
	t.irs = f->seq;
	t.stack_ws = f->has_ws ? f->ws : 0;
	t.ts_on = f->has_ts;
	t.tsecr = f->tsval;
	return f;
}

static void
establish(void)
{
	push_syn();
	take();
	rig_tcp_push(&t, RIG_ACK, 1, 1, 0);
	rig_expect_none(&rig);
	ck_assert_int_eq(rig_tcp_state(t.ep), MR_TCP_ESTABLISHED);
}

/* ---- TCP: from the SYN to the end */

/* The whole way, with the options of the SYN; told in the turn in which it came. D-8, B-51: also when it offers ECN, which
 * is agreed then. */
START_TEST(tcp_connection)
{
	bool v6 = _i & 1, ecn = _i & 2;
	const struct rig_frame *f;
	struct mr_sockaddr name;
	char buf[8];

	tcp_forwarder(v6, (struct mr_forwarder_opts){0});
	t.ts = true;
	t.ecn = ecn;
	rig_tcp_push(&t, ecn ? RIG_SYN | RIG_ECE | RIG_CWR : RIG_SYN, 0, 0, 0);
	rig_turn(&rig);
	ck_assert_uint_eq(n_got, 1);
	ck_assert(mr_addr_equal(&got[0].local.addr, &t.addr) && got[0].local.port == 443 && got[0].local.nic == RIG_NIC);
	ck_assert(mr_addr_equal(&got[0].remote.addr, v6 ? &rig.peer6 : &rig.peer4) && got[0].remote.port == t.peer_port);
	rig_expect_none(&rig);
	f = take();
	ck_assert(t.ecn_on == ecn);
	ck_assert(f->has_mss && f->mss == (v6 ? 1440 : 1460));
	ck_assert(f->has_ws && f->has_ts && f->tsecr == t.tsval);
	ck_assert_uint_eq(f->wnd, 65535);
	/* Not yet: neither side of the stream is there. */
	ck_assert_int_eq(mr_ep_send(t.ep, "x", 1), -EAGAIN);
	ck_assert_int_eq(mr_ep_recv(t.ep, buf, sizeof(buf), NULL), -EAGAIN);
	ck_assert_uint_eq(events, 0);
	rig_tcp_push(&t, RIG_ACK, 1, 1, 5, .data = "hello");
	rig_poll(&rig);
	ck_assert_uint_eq(events, MR_EV_IN | MR_EV_OUT);
	ck_assert_int_eq(rig_tcp_state(t.ep), MR_TCP_ESTABLISHED);
	ck_assert_int_eq(mr_ep_recv(t.ep, buf, sizeof(buf), NULL), 5);
	ck_assert(memcmp(buf, "hello", 5) == 0);
	ck_assert_int_eq(mr_ep_local_name(t.ep, &name), 0);
	ck_assert(mr_addr_equal(&name.addr, &t.addr) && name.port == 443);
	ck_assert_int_eq(mr_ep_remote_name(t.ep, &name), 0);
	ck_assert(mr_addr_equal(&name.addr, v6 ? &rig.peer6 : &rig.peer4) && name.port == t.peer_port);
	ck_assert_int_eq(rig_ep_send(t.ep, 0, 100), 100);
	rig_tcp_expect(&t, RIG_ACK, 1, 6, 100, .pattern = true);
	rig_tcp_push(&t, RIG_FIN | RIG_ACK, 6, 101, 0);
	rig_tcp_expect(&t, RIG_ACK, 101, 7, 0);
	mr_ep_close(t.ep);
	rig_tcp_expect(&t, RIG_FIN | RIG_ACK, 101, 7, 0);
	rig_tcp_push(&t, RIG_ACK, 7, 102, 0);
	rig_expect_none(&rig);
	ck_assert_uint_eq(rig_moved(&rig, MR_CNT_FORWARD_REQUESTS), 1);
	ck_assert_uint_eq(rig_moved(&rig, MR_CNT_TCP_PASSIVE_OPENS), 1);
	ck_assert_uint_eq(rig_moved(&rig, MR_CNT_TCP_ESTABLISHED), 1);
	ck_assert_uint_eq(rig_moved(&rig, MR_CNT_TCP_CLOSED), 1);
	rig_expect_no_drop(&rig);
}
END_TEST

/* Nothing offered, nothing agreed. */
START_TEST(tcp_plain_syn)
{
	const struct rig_frame *f;
	int64_t mss;

	tcp_forwarder(_i, (struct mr_forwarder_opts){0});
	t.mss = 0;
	t.ws = -1;
	t.sack = false;
	push_syn();
	f = take();
	ck_assert(f->has_mss && !f->has_ws && !f->has_ts && !f->has_sackok);
	rig_tcp_push(&t, RIG_ACK, 1, 1, 0);
	rig_poll(&rig);
	ck_assert_int_eq(mr_ep_getopt(t.ep, MR_OPT_TCP_MAXSEG, &mss), 0);
	ck_assert_int_eq(mss, _i ? 1220 : 536);
}
END_TEST

/* Also an address of our own, if nobody listens there; taken in the callback, the SYN-ACK leaves in the same turn. */
START_TEST(tcp_own_address_taken_at_once)
{
	tcp_forwarder(_i, (struct mr_forwarder_opts){0});
	t.addr = (struct mr_addr){0};
	answer = TAKE;
	rig_tcp_push(&t, RIG_SYN, 0, 0, 0);
	rig_turn(&rig);
	ck_assert_uint_eq(rig_pending(&rig), 1);
	t.irs = rig_tcp_next(&t)->seq;
	rig_tcp_push(&t, RIG_ACK, 1, 1, 0);
	rig_expect_none(&rig);
	ck_assert_int_eq(rig_tcp_state(taken), MR_TCP_ESTABLISHED);
	mr_ep_abort(taken);
	rig_tcp_expect(&t, RIG_RST | RIG_ACK, 1, 1, 0);
}
END_TEST

/* The receive window option, and its limits. */
START_TEST(tcp_window)
{
	const struct rig_frame *f;
	int64_t v;

	ck_assert_int_eq(forwarder(MR_TRANS_TCP, (struct mr_forwarder_opts){.rcvbuf = 2047}), -EINVAL);
	ck_assert_int_eq(forwarder(MR_TRANS_TCP, (struct mr_forwarder_opts){.rcvbuf = (1u << 30) + 1}), -EINVAL);
	tcp_forwarder(false, (struct mr_forwarder_opts){.rcvbuf = 5000});
	push_syn();
	f = take();
	ck_assert_uint_eq(f->wnd, 5000);
	ck_assert(f->has_ws && f->ws == 0);
	ck_assert_int_eq(mr_ep_getopt(t.ep, MR_OPT_RCVBUF, &v), 0);
	ck_assert_int_eq(v, 5000);
}
END_TEST

/* ---- TCP: turning down */

START_TEST(tcp_refused)
{
	bool v6 = _i & 1, tell = _i & 2;

	tcp_forwarder(v6, (struct mr_forwarder_opts){0});
	push_syn();
	rig_mark(&rig);
	ck_assert_int_eq(mr_forwarder_reject(&got[0], tell), 0);
	t.irs = 0;
	if (tell)
		rig_tcp_expect(&t, RIG_RST | RIG_ACK, 0, 1, 0);
	rig_expect_none_for(&rig, 100 * RIG_S);
	rig_expect_drop(&rig, tell ? MR_DROP_TCP_NO_PORT : MR_DROP_FORWARD_REFUSED);
	ck_assert_int_eq(mr_forwarder_reject(&got[0], tell), -ENOENT);
	ck_assert_int_eq(mr_forwarder_accept(&got[0], &t.ep), -ENOENT);
	/* The same tuple may ask again. */
	push_syn();
	ck_assert_uint_ne(got[0].id, got[1].id);
	take();
}
END_TEST

/* ---- TCP: what comes while a request waits */

/* A SYN again is dropped while the request waits, and answered again (B-47) once it is taken. */
START_TEST(tcp_syn_again)
{
	tcp_forwarder(false, (struct mr_forwarder_opts){0});
	rig_mark(&rig);
	rig_tcp_push(&t, RIG_SYN, 0, 0, 0);
	rig_tcp_push(&t, RIG_SYN, 0, 0, 0);
	rig_expect_none(&rig);
	ck_assert_uint_eq(n_got, 1);
	rig_expect_drop(&rig, MR_DROP_FORWARD_PENDING);
	rig_advance(&rig, RIG_S);
	rig_tcp_push(&t, RIG_SYN, 0, 0, 0);
	rig_expect_none(&rig);
	ck_assert_uint_eq(n_got, 1);
	rig_expect_drops(&rig, MR_DROP_FORWARD_PENDING, 2);
	take();
	rig_mark(&rig);
	rig_tcp_push(&t, RIG_SYN, 0, 0, 0);
	rig_tcp_expect(&t, RIG_SYN | RIG_ACK, 0, 1, 0);
	rig_expect_drop(&rig, MR_DROP_TCP_DUPLICATE);
	rig_tcp_push(&t, RIG_ACK, 1, 1, 0);
	rig_expect_none(&rig);
	ck_assert_int_eq(rig_tcp_state(t.ep), MR_TCP_ESTABLISHED);
}
END_TEST

/* B-16: what can begin nothing is for the transport's own answer, request or not. */
START_TEST(tcp_other_segments)
{
	tcp_forwarder(_i & 1, (struct mr_forwarder_opts){0});
	if (_i & 2)
		push_syn();
	n_got = 0;
	t.irs = 0;
	rig_mark(&rig);
	rig_tcp_push(&t, RIG_ACK, 1, 77, 10);
	rig_tcp_expect(&t, RIG_RST, 77, 0, 0);
	rig_tcp_push(&t, RIG_FIN, 1, 0, 0);
	rig_tcp_expect(&t, RIG_RST | RIG_ACK, 0, 2, 0);
	rig_tcp_push(&t, RIG_SYN | RIG_ACK, 0, 78, 0);
	rig_tcp_expect(&t, RIG_RST, 78, 0, 0);
	rig_tcp_push(&t, RIG_SYN | RIG_FIN, 0, 0, 0);
	rig_tcp_expect(&t, RIG_RST | RIG_ACK, 0, 2, 0);
	rig_tcp_push(&t, RIG_RST, 1, 0, 0);
	rig_expect_none(&rig);
	rig_expect_drops(&rig, MR_DROP_TCP_NO_PORT, 5);
	ck_assert_uint_eq(n_got, 0);
}
END_TEST

/* No more than max_requests wait; an answer makes room. Each tuple is one request, in the order in which they came. */
START_TEST(tcp_bound)
{
	tcp_forwarder(false, (struct mr_forwarder_opts){.max_requests = 3});
	for (unsigned i = 0; i < 5; i++) {
		rig_tcp_push(&t, RIG_SYN, 0, 0, 0);
		t.peer_port++;
	}
	rig_turn(&rig);
	ck_assert_uint_eq(n_got, 3);
	for (unsigned i = 0; i < 3; i++)
		ck_assert_uint_eq(got[i].remote.port, 5000 + i);
	rig_expect_drops(&rig, MR_DROP_FORWARD_FULL, 2);
	ck_assert_int_eq(mr_forwarder_reject(&got[1], false), 0);
	push_syn();
	ck_assert_uint_eq(got[3].remote.port, 5005);
	/* The place is the same, the request is not. */
	ck_assert_int_eq(mr_forwarder_reject(&got[1], false), -ENOENT);
	ck_assert_int_eq(mr_forwarder_reject(&got[0], false), 0);
	ck_assert_int_eq(mr_forwarder_reject(&got[2], false), 0);
	take();
}
END_TEST

/* The same ports from two peers, and to two addresses, are four requests. */
START_TEST(tcp_tuples)
{
	tcp_forwarder(false, (struct mr_forwarder_opts){0});
	for (int i = 0; i < 4; i++)
		rig_push_tcphdr(&rig, .ip.src = rig_addr(i & 1 ? "10.0.0.2" : "10.0.0.3"),
		                .ip.dst = rig_addr(i & 2 ? "203.0.113.1" : "203.0.113.2"), .flags = RIG_SYN, .seq = 1);
	rig_poll(&rig);
	ck_assert_uint_eq(n_got, 4);
	rig_expect_no_drop(&rig);
}
END_TEST

/* What a flow that is over leaves behind in one burst does not keep the next SYN from the forwarder. */
START_TEST(tcp_reset_and_syn_in_a_burst)
{
	tcp_forwarder(false, (struct mr_forwarder_opts){0});
	establish();
	rig_tcp_push(&t, RIG_RST, 1, 0, 0);
	rig_tcp_push(&t, RIG_SYN, 100, 0, 0);
	rig_expect_none(&rig);
	ck_assert_uint_eq(n_got, 2);
	ck_assert(events & MR_EV_HUP);
}
END_TEST

/* ---- TCP: time */

/* Forgotten after the timeout, without a word; the next SYN asks again. */
START_TEST(tcp_timeout)
{
	tcp_forwarder(false, (struct mr_forwarder_opts){.timeout_ns = 5 * RIG_S});
	push_syn();
	t.peer_port++;
	rig_advance(&rig, 2 * RIG_S);
	push_syn();
	rig_mark(&rig);
	rig_expect_none_for(&rig, 2900 * RIG_MS);
	rig_expect_no_drop(&rig);
	rig_expect_none_for(&rig, 200 * RIG_MS);
	rig_expect_drop(&rig, MR_DROP_FORWARD_REFUSED);
	ck_assert_int_eq(mr_forwarder_accept(&got[0], &t.ep), -ENOENT);
	/* The second is younger. */
	take();
	t.peer_port--;
	push_syn();
	ck_assert_int_eq(mr_forwarder_accept(&got[0], &taken), -ENOENT);
	rig_expect_none_for(&rig, 900 * RIG_MS);
	rig_mark(&rig);
	rig_advance(&rig, 5 * RIG_S);
	ck_assert_uint_eq(rig_moved(&rig, MR_DROP_FORWARD_REFUSED), 1);
}
END_TEST

/* The default is 30 s. */
START_TEST(tcp_default_timeout)
{
	tcp_forwarder(false, (struct mr_forwarder_opts){0});
	push_syn();
	rig_expect_none_for(&rig, 29900 * RIG_MS);
	rig_expect_no_drop(&rig);
	rig_advance(&rig, 200 * RIG_MS);
	rig_expect_drop(&rig, MR_DROP_FORWARD_REFUSED);
}
END_TEST

/* nobody completes the handshake: SYN-ACKs after 1, 2, 4, 8, 16 s, then the handle hears of it. */
START_TEST(tcp_handshake_timeout)
{
	tcp_forwarder(false, (struct mr_forwarder_opts){0});
	push_syn();
	take();
	for (unsigned i = 0; i < 5; i++) {
		ck_assert(rig_advance_until_frame(&rig, (1050ull << i) * RIG_MS));
		rig_tcp_expect(&t, RIG_SYN | RIG_ACK, 0, 1, 0);
	}
	rig_expect_none_for(&rig, 40 * RIG_S);
	ck_assert(events & MR_EV_ERR && events & MR_EV_HUP);
	ck_assert_int_eq(mr_ep_error(t.ep), -ETIMEDOUT);
	mr_ep_close(t.ep);
	t.iss += 1000;
	push_syn();
}
END_TEST

START_TEST(tcp_handshake_reset)
{
	tcp_forwarder(false, (struct mr_forwarder_opts){0});
	push_syn();
	take();
	rig_tcp_push(&t, RIG_RST, 1, 0, 0);
	rig_expect_none_for(&rig, 10 * RIG_S);
	ck_assert(events & MR_EV_ERR && events & MR_EV_HUP);
	ck_assert_int_eq(mr_ep_error(t.ep), -ECONNREFUSED);
}
END_TEST

/* RFC 6191: the tuple of a connection in TIME-WAIT asks again, and its sequence numbers begin above the old ones. */
START_TEST(tcp_over_time_wait)
{
	uint32_t old;

	tcp_forwarder(_i, (struct mr_forwarder_opts){0});
	establish();
	mr_ep_close(t.ep);
	rig_tcp_expect(&t, RIG_FIN | RIG_ACK, 1, 1, 0);
	rig_tcp_push(&t, RIG_FIN | RIG_ACK, 1, 2, 0);
	rig_tcp_expect(&t, RIG_ACK, 2, 2, 0);
	old = t.irs + 2;
	t.iss += 100000;
	push_syn();
	take();
	ck_assert_int_ge((int32_t)(t.irs - old), 65536);
}
END_TEST

/* ---- who comes first */

/* B-16: an endpoint that wants it has it. */
START_TEST(tcp_listener_first)
{
	tcp_forwarder(_i, (struct mr_forwarder_opts){0});
	rig_tcp_establish_passive(&t);
	ck_assert_uint_eq(n_got, 0);
	ck_assert_uint_eq(rig_moved(&rig, MR_CNT_FORWARD_REQUESTS), 0);
}
END_TEST

/* A listener that comes while the request waits takes the next SYN; then there is nothing left to take. */
START_TEST(tcp_listener_meanwhile)
{
	tcp_forwarder(_i, (struct mr_forwarder_opts){0});
	push_syn();
	rig_tcp_establish_passive(&t);
	ck_assert_int_eq(mr_forwarder_accept(&got[0], &taken), -EADDRINUSE);
	ck_assert_int_eq(mr_forwarder_reject(&got[0], false), 0);
	rig_tcp_push(&t, RIG_ACK, 1, 1, 10);
	rig_poll(&rig);
	rig_ep_recv(t.ep, 0, 10);
}
END_TEST

/* B-5: a wildcard listener, too, answers as whom it was asked. */
START_TEST(tcp_listener_answers_for_foreign)
{
	rig_tcp_init(&t, &rig, _i);
	t.addr = foreign(_i);
	rig_tcp_establish_passive(&t);
	ck_assert_int_eq(rig_ep_send(t.ep, 0, 10), 10);
	rig_tcp_expect(&t, RIG_ACK, 1, 1, 10, .pattern = true);
	/* And a reset has the foreign address as well. */
	t.port++;
	t.irs = 0;
	rig_tcp_push(&t, RIG_SYN, 0, 0, 0);
	rig_tcp_expect(&t, RIG_RST | RIG_ACK, 0, 1, 0);
}
END_TEST

/* ---- the NIC's modes */

/* S-42, S-43: promiscuous or not decides about new ones. A connection goes on while the NIC spoofs, and only then. */
START_TEST(tcp_modes)
{
	tcp_forwarder(_i, (struct mr_forwarder_opts){0});
	ck_assert_int_eq(mr_nic_set_promisc(rig.stack, RIG_NIC, false), 0);
	rig_tcp_push(&t, RIG_SYN, 0, 0, 0);
	rig_expect_none(&rig);
	rig_expect_drop(&rig, MR_DROP_IP_NOT_OURS);
	ck_assert_int_eq(mr_nic_set_promisc(rig.stack, RIG_NIC, true), 0);
	establish();
	ck_assert_int_eq(mr_nic_set_promisc(rig.stack, RIG_NIC, false), 0);
	ck_assert_int_eq(mr_nic_set_spoofing(rig.stack, RIG_NIC, true), 0);
	rig_tcp_push(&t, RIG_ACK, 1, 1, 10);
	rig_poll(&rig);
	rig_ep_recv(t.ep, 0, 10);
	ck_assert_int_eq(mr_nic_set_spoofing(rig.stack, RIG_NIC, false), 0);
	rig_discard(&rig);
	rig_mark(&rig);
	rig_tcp_push(&t, RIG_ACK, 11, 1, 10);
	rig_expect_drop(&rig, MR_DROP_IP_NOT_OURS);
	/* What it has to say, it still says. */
	ck_assert_int_eq(rig_ep_send(t.ep, 0, 10), 10);
	rig_tcp_expect(&t, RIG_ACK, 1, 11, 10, .pattern = true);
}
END_TEST

/* S-34: a subnet lets its members in. */
START_TEST(tcp_subnet)
{
	struct mr_subnet net;

	tcp_forwarder(_i, (struct mr_forwarder_opts){0});
	ck_assert_int_eq(mr_nic_set_promisc(rig.stack, RIG_NIC, false), 0);
	ck_assert_int_eq(mr_subnet_parse(_i ? "2001:db8::/64" : "203.0.113.0/24", &net), 0);
	ck_assert_int_eq(mr_subnet_add(rig.stack, RIG_NIC, &net), 0);
	establish();
	ck_assert_int_eq(rig_ep_send(t.ep, 0, 10), 10);
	rig_tcp_expect(&t, RIG_ACK, 1, 1, 10, .pattern = true);
}
END_TEST

/* A peer that only this link knows. */
START_TEST(tcp_link_local_peer)
{
	struct mr_addr ll = rig_addr("fe80::2");
	const struct rig_frame *f;

	tcp_forwarder(true, (struct mr_forwarder_opts){0});
	ck_assert_int_eq(mr_neigh_add(rig.stack, RIG_NIC, &ll, &(struct mr_lladdr){{2, 0, 0, 0, 0, 2}, 6}), 0);
	rig_push_tcphdr(&rig, .ip.src = ll, .ip.dst = t.addr, .flags = RIG_SYN, .seq = 1);
	rig_poll(&rig);
	ck_assert_uint_eq(n_got, 1);
	ck_assert_uint_eq(got[0].remote.nic, RIG_NIC);
	ck_assert_int_eq(mr_forwarder_accept(&got[0], &taken), 0);
	f = rig_expect(&rig, RIG_TCP);
	ck_assert(f->flags == (RIG_SYN | RIG_ACK) && mr_addr_equal(&f->dst, &ll) && mr_addr_equal(&f->src, &t.addr));
}
END_TEST

/* ---- failures of taking: the request stays */

START_TEST(tcp_no_connection_left)
{
	rig_fini(&rig);
	rig_init(&rig, &(struct rig_opts){.stack.max_conns = 1});
	ck_assert_int_eq(mr_nic_set_promisc(rig.stack, RIG_NIC, true), 0);
	tcp_forwarder(false, (struct mr_forwarder_opts){0});
	push_syn();
	ck_assert_int_eq(mr_ep_create(rig.stack, MR_TRANS_TCP, MR_NET_IPV4, &taken), 0);
	ck_assert_int_eq(mr_forwarder_accept(&got[0], &t.ep), -ENOBUFS);
	mr_ep_close(taken);
	rig_poll(&rig);
	take();
}
END_TEST

START_TEST(tcp_no_way_back)
{
	struct mr_route_entry row = {.nic = RIG_NIC};

	tcp_forwarder(false, (struct mr_forwarder_opts){0});
	rig_push_tcphdr(&rig, .ip.src = rig_addr("172.16.0.1"), .ip.dst = t.addr, .flags = RIG_SYN, .seq = 1);
	rig_poll(&rig);
	for (unsigned i = 0; i < 3; i++)
		ck_assert_int_eq(mr_forwarder_accept(&got[0], &taken), -EHOSTUNREACH);
	rig_expect_none(&rig);
	ck_assert_int_eq(mr_subnet_parse("172.16.0.0/12", &row.dest), 0);
	row.gateway = rig.peer4;
	ck_assert_int_eq(mr_route_add(rig.stack, &row), 0);
	ck_assert_int_eq(mr_forwarder_accept(&got[0], &taken), 0);
	ck_assert_uint_eq(rig_expect(&rig, RIG_TCP)->flags, RIG_SYN | RIG_ACK);
}
END_TEST

START_TEST(nic_goes)
{
	tcp_forwarder(false, (struct mr_forwarder_opts){0});
	push_syn();
	t.peer_port++;
	push_syn();
	ck_assert_int_eq(mr_nic_remove(rig.stack, RIG_NIC), 0);
	ck_assert_int_eq(mr_forwarder_accept(&got[0], &taken), -ENODEV);
	ck_assert_int_eq(mr_forwarder_reject(&got[0], true), 0);
	ck_assert_int_eq(mr_forwarder_reject(&got[1], false), 0);
}
END_TEST

/* ---- the forwarder itself */

START_TEST(create_errors)
{
	struct mr_forwarder_opts o = {.fn = asked, .arg = &rig};
	struct mr_forwarder *other;

	for (int i = 0; i < 2; i++) {
		uint8_t trans = i ? MR_TRANS_UDP : MR_TRANS_TCP;

		ck_assert_int_eq(mr_forwarder_create(rig.stack, trans, &(struct mr_forwarder_opts){0}, &other), -EINVAL);
		o.max_requests = UINT32_MAX;
		ck_assert_int_eq(mr_forwarder_create(rig.stack, trans, &o, &other), -EINVAL);
		o.max_requests = 0;
		o.timeout_ns = UINT64_MAX;
		ck_assert_int_eq(mr_forwarder_create(rig.stack, trans, &o, &other), -EINVAL);
		o.timeout_ns = 0;
		ck_assert_int_eq(mr_forwarder_create(rig.stack, trans, &o, &fwd), 0);
		ck_assert_int_eq(mr_forwarder_create(rig.stack, trans, &o, &other), -EBUSY);
		mr_forwarder_destroy(fwd);
		ck_assert_int_eq(mr_forwarder_create(rig.stack, trans, &o, &fwd), 0);
	}
	ck_assert_int_eq(mr_forwarder_create(rig.stack, MR_TRANS_ICMP, &o, &other), -EPROTONOSUPPORT);
	ck_assert_int_eq(mr_forwarder_create(rig.stack, 200, &o, &other), -EPROTONOSUPPORT);
	ck_assert_int_eq(forwarder(MR_TRANS_UDP, (struct mr_forwarder_opts){.rcvbuf = UINT32_MAX}), -EBUSY);
	mr_forwarder_destroy(fwd);
	ck_assert_int_eq(forwarder(MR_TRANS_UDP, (struct mr_forwarder_opts){.rcvbuf = UINT32_MAX}), -EINVAL);
}
END_TEST

/* Destroyed with requests told and untold; what is for nobody is for nobody again, and what was taken lives on. */
START_TEST(destroyed)
{
	tcp_forwarder(false, (struct mr_forwarder_opts){0});
	establish();
	t.peer_port++;
	push_syn();
	rig_mark(&rig);
	answer = DESTROY;
	t.peer_port++;
	rig_tcp_push(&t, RIG_SYN, 0, 0, 0);
	t.peer_port++;
	rig_tcp_push(&t, RIG_SYN, 0, 0, 0);
	rig_expect_none(&rig);
	ck_assert_uint_eq(n_got, 3);
	rig_expect_drops(&rig, MR_DROP_FORWARD_REFUSED, 3);
	t.irs = 0;
	rig_tcp_push(&t, RIG_SYN, 0, 0, 0);
	rig_tcp_expect(&t, RIG_RST | RIG_ACK, 0, 1, 0);
	ck_assert_int_eq(rig_ep_send(t.ep, 0, 10), 10);
	rig_expect(&rig, RIG_TCP);
}
END_TEST

/* A callback may end requests that have been told, and itself be the last to know one. */
START_TEST(answered_in_the_callback)
{
	answer = _i ? REFUSE : REFUSE_FIRST;
	tcp_forwarder(false, (struct mr_forwarder_opts){0});
	for (unsigned i = 0; i < 4; i++) {
		rig_tcp_push(&t, RIG_SYN, 0, 0, 0);
		t.peer_port++;
	}
	rig_expect_none(&rig);
	ck_assert_uint_eq(n_got, 4);
	rig_expect_drops(&rig, MR_DROP_FORWARD_REFUSED, _i ? 4 : 3);
	ck_assert_int_eq(mr_forwarder_reject(&got[3], false), _i ? -ENOENT : 0);
}
END_TEST

/* B-79: the stack's end frees what waits, half a handshake and a connection (the rig counts mbufs). */
START_TEST(stack_goes)
{
	tcp_forwarder(false, (struct mr_forwarder_opts){0});
	push_syn();
	t.peer_port++;
	push_syn();
	take();
	t.peer_port++;
	establish();
	ck_assert_int_eq(forwarder(MR_TRANS_UDP, (struct mr_forwarder_opts){0}), 0);
	rig_push_udp(&rig, .ip.dst = foreign(false), .len = 10);
	rig_poll(&rig);
	ck_assert_uint_eq(n_got, 4);
}
END_TEST

/* Requests are of the receive budget: what endpoints may hold, they may. */
START_TEST(memory_bound)
{
	unsigned n;

	rig_fini(&rig);
	rig_init(&rig, &(struct rig_opts){.stack = {.rx_mbufs = 256, .rx_reserve_mbufs = 240}});
	ck_assert_int_eq(mr_nic_set_promisc(rig.stack, RIG_NIC, true), 0);
	tcp_forwarder(false, (struct mr_forwarder_opts){.max_requests = 100});
	for (n = 0; n < 20; n++) {
		rig_tcp_push(&t, RIG_SYN, 0, 0, 0);
		t.peer_port++;
		rig_poll(&rig);
	}
	ck_assert_uint_eq(n_got, 16);
	rig_expect_drops(&rig, MR_DROP_FORWARD_FULL, 4);
	for (n = 0; n < 16; n++)
		ck_assert_int_eq(mr_forwarder_reject(&got[n], false), 0);
	push_syn();
}
END_TEST

/* ---- UDP */

static void
udp_forwarder(struct mr_forwarder_opts o)
{
	ck_assert_int_eq(forwarder(MR_TRANS_UDP, o), 0);
}

static void
push_udp(bool v6, const char *data)
{
	rig_push_udp(&rig, .ip.dst = foreign(v6), .dport = 53, .data = data, .len = (uint32_t)strlen(data));
}

static void
expect_read(struct mr_ep *ep, const char *data)
{
	struct mr_sockaddr from;
	char buf[64];

	ck_assert_int_eq(mr_ep_recv(ep, buf, sizeof(buf), &from), (ssize_t)strlen(data));
	ck_assert(memcmp(buf, data, strlen(data)) == 0);
	ck_assert_uint_eq(from.port, 5000);
	ck_assert_uint_eq(from.nic, RIG_NIC);
}

/* The endpoint has the datagrams that waited, in order, then all further ones; answers leave with the foreign address. */
START_TEST(udp_flow)
{
	struct mr_addr local = foreign(_i);
	const struct rig_frame *f;
	struct mr_sockaddr name;
	struct mr_ep *ep;

	udp_forwarder((struct mr_forwarder_opts){0});
	push_udp(_i, "one");
	push_udp(_i, "two");
	rig_turn(&rig);
	ck_assert_uint_eq(n_got, 1);
	ck_assert(mr_addr_equal(&got[0].local.addr, &local) && got[0].local.port == 53);
	ck_assert(mr_addr_equal(&got[0].remote.addr, _i ? &rig.peer6 : &rig.peer4) && got[0].remote.port == 5000);
	push_udp(_i, "three");
	rig_expect_none(&rig);
	ck_assert_uint_eq(n_got, 1);
	ck_assert_int_eq(mr_forwarder_accept(&got[0], &ep), 0);
	mr_ep_wait(ep, &waiter);
	push_udp(_i, "four");
	rig_poll(&rig);
	ck_assert(events & MR_EV_IN);
	expect_read(ep, "one");
	expect_read(ep, "two");
	expect_read(ep, "three");
	expect_read(ep, "four");
	ck_assert_int_eq(mr_ep_recv(ep, &name, sizeof(name), NULL), -EAGAIN);
	ck_assert_int_eq(mr_ep_local_name(ep, &name), 0);
	ck_assert(mr_addr_equal(&name.addr, &got[0].local.addr) && name.port == 53);
	ck_assert_int_eq(mr_ep_remote_name(ep, &name), 0);
	ck_assert(mr_addr_equal(&name.addr, &got[0].remote.addr) && name.port == 5000);
	ck_assert_int_eq(mr_ep_send(ep, "yes", 3), 3);
	f = rig_expect_udp(&rig, 53, 5000, "yes", 3);
	ck_assert(mr_addr_equal(&f->src, &got[0].local.addr) && mr_addr_equal(&f->dst, &got[0].remote.addr));
	/* Another port of the peer is another request. */
	rig_push_udp(&rig, .ip.dst = foreign(_i), .sport = 5001, .dport = 53, .len = 1);
	rig_poll(&rig);
	ck_assert_uint_eq(n_got, 2);
	rig_expect_no_drop(&rig);
	/* Closed: the tuple asks again. */
	mr_ep_close(ep);
	push_udp(_i, "five");
	rig_poll(&rig);
	ck_assert_uint_eq(n_got, 3);
}
END_TEST

/* Sixteen datagrams wait with a request, no more. */
START_TEST(udp_hold)
{
	struct mr_ep *ep;
	char text[2] = "a";

	udp_forwarder((struct mr_forwarder_opts){0});
	for (int i = 0; i < 20; i++, text[0]++)
		push_udp(false, text);
	rig_expect_none(&rig);
	rig_expect_drops(&rig, MR_DROP_FORWARD_PENDING, 4);
	ck_assert_uint_eq(n_got, 1);
	ck_assert_int_eq(mr_forwarder_accept(&got[0], &ep), 0);
	for (text[0] = 'a'; text[0] < 'a' + 16; text[0]++)
		expect_read(ep, text);
	ck_assert_int_eq(mr_ep_recv(ep, text, 1, NULL), -EAGAIN);
	mr_ep_close(ep);
}
END_TEST

START_TEST(udp_refused)
{
	bool v6 = _i & 1, tell = _i & 2;

	udp_forwarder((struct mr_forwarder_opts){0});
	push_udp(v6, "one");
	push_udp(v6, "two");
	rig_expect_none(&rig);
	rig_mark(&rig);
	ck_assert_int_eq(mr_forwarder_reject(&got[0], tell), 0);
	for (int i = 0; i < 2 && tell; i++) {
		const struct rig_frame *f = v6 ? rig_expect_icmp(&rig, true, 1, 4) : rig_expect_icmp(&rig, false, 3, 3);

		ck_assert(mr_addr_equal(&f->src, &got[0].local.addr));
	}
	rig_expect_none(&rig);
	rig_expect_drops(&rig, tell ? MR_DROP_UDP_NO_PORT : MR_DROP_FORWARD_REFUSED, 2);
	ck_assert_int_eq(mr_forwarder_accept(&got[0], &taken), -ENOENT);
}
END_TEST

START_TEST(udp_timeout)
{
	udp_forwarder((struct mr_forwarder_opts){.timeout_ns = RIG_S});
	push_udp(false, "one");
	push_udp(false, "two");
	rig_expect_none_for(&rig, 990 * RIG_MS);
	rig_expect_no_drop(&rig);
	rig_expect_none_for(&rig, 20 * RIG_MS);
	rig_expect_drops(&rig, MR_DROP_FORWARD_REFUSED, 2);
	push_udp(false, "three");
	rig_poll(&rig);
	ck_assert_uint_eq(n_got, 2);
}
END_TEST

/* It is its tuple for good; the port is nobody's. */
START_TEST(udp_tuple_for_good)
{
	struct mr_sockaddr to = rig_peer(&rig, false, 99), nowhere = {.nic = 0}, here = {.port = 53};
	struct mr_ep *ep, *other;

	udp_forwarder((struct mr_forwarder_opts){0});
	push_udp(false, "one");
	rig_poll(&rig);
	ck_assert_int_eq(mr_forwarder_accept(&got[0], &ep), 0);
	ck_assert_int_eq(mr_ep_connect(ep, &to), -EISCONN);
	ck_assert_int_eq(mr_ep_connect(ep, &nowhere), -EISCONN);
	ck_assert_int_eq(mr_ep_bind(ep, &here), -EINVAL);
	ck_assert_int_eq(mr_ep_create(rig.stack, MR_TRANS_UDP, MR_NET_IPV4, &other), 0);
	ck_assert_int_eq(mr_ep_bind(other, &here), 0);
	push_udp(false, "two");
	rig_poll(&rig);
	expect_read(ep, "one");
	expect_read(ep, "two");
	mr_ep_close(ep);
	push_udp(false, "three");
	rig_poll(&rig);
	expect_read(other, "three");
	ck_assert_uint_eq(n_got, 1);
	/* The port is still the other one's alone. */
	ck_assert_int_eq(mr_ep_create(rig.stack, MR_TRANS_UDP, MR_NET_IPV4, &ep), 0);
	ck_assert_int_eq(mr_ep_bind(ep, &here), -EADDRINUSE);
	mr_ep_close(ep);
	mr_ep_close(other);
}
END_TEST

/* The receive buffer bounds what the endpoint keeps, also of what waited. */
START_TEST(udp_rcvbuf)
{
	struct mr_ep *ep;

	udp_forwarder((struct mr_forwarder_opts){.rcvbuf = 2 * (3 + 256)});
	for (int i = 0; i < 3; i++)
		push_udp(false, "abc");
	rig_poll(&rig);
	ck_assert_int_eq(mr_forwarder_accept(&got[0], &ep), 0);
	rig_expect_drop(&rig, MR_DROP_UDP_QUEUE_FULL);
	expect_read(ep, "abc");
	expect_read(ep, "abc");
	mr_ep_close(ep);
}
END_TEST

/* Groups, and those who cannot be answered, are no business of a forwarder. */
START_TEST(udp_unwanted)
{
	static const char *const group[] = {"10.0.0.255", "255.255.255.255", "224.0.0.1"};

	udp_forwarder((struct mr_forwarder_opts){0});
	for (unsigned i = 0; i < 3; i++)
		rig_push_udp(&rig, .ip.dst = rig_addr(group[i]), .dport = 53, .len = 1);
	rig_expect_none(&rig);
	rig_expect_drops(&rig, MR_DROP_UDP_NO_PORT, 3);
	rig_mark(&rig);
	push_udp(false, "one");
	rig_poll(&rig);
	ck_assert_uint_eq(n_got, 1);
	rig_expect_no_drop(&rig);
}
END_TEST

START_TEST(udp_port_zero)
{
	struct rig_buf b;

	udp_forwarder((struct mr_forwarder_opts){0});
	rig_build_udp(&rig, &b, &(struct rig_udp){.ip.dst = foreign(false), .dport = 53, .len = 1});
	memset(b.b + 34, 0, 2);
	rig_fix(&b);
	rig_push_buf(&rig, &b);
	rig_expect_icmp(&rig, false, 3, 3);
	ck_assert_uint_eq(n_got, 0);
}
END_TEST

/* What ICMP says about the answers concerns the endpoint (SS-15). */
START_TEST(udp_icmp_error)
{
	const struct rig_frame *f;
	struct mr_ep *ep;

	udp_forwarder((struct mr_forwarder_opts){0});
	push_udp(false, "one");
	rig_poll(&rig);
	ck_assert_int_eq(mr_forwarder_accept(&got[0], &ep), 0);
	ck_assert_int_eq(mr_ep_send(ep, "yes", 3), 3);
	f = rig_expect(&rig, RIG_UDP);
	rig_push_icmp(&rig, .ip.dst = foreign(false), .type = 3, .code = 3, .data = f->b + 14, .len = 28);
	rig_poll(&rig);
	ck_assert_int_eq(mr_ep_error(ep), -ECONNREFUSED);
	mr_ep_close(ep);
}
END_TEST

START_TEST(udp_no_endpoint_left)
{
	struct mr_ep *eps[64], *ep;
	unsigned n = 0;

	rig_fini(&rig);
	rig_init(&rig, &(struct rig_opts){.stack.max_endpoints = 4});
	ck_assert_int_eq(mr_nic_set_promisc(rig.stack, RIG_NIC, true), 0);
	udp_forwarder((struct mr_forwarder_opts){0});
	push_udp(false, "one");
	push_udp(false, "two");
	rig_poll(&rig);
	while (mr_ep_create(rig.stack, MR_TRANS_UDP, MR_NET_IPV4, &eps[n]) == 0)
		n++;
	ck_assert_int_eq(mr_forwarder_accept(&got[0], &ep), -ENOBUFS);
	while (n > 0)
		mr_ep_close(eps[--n]);
	ck_assert_int_eq(mr_forwarder_accept(&got[0], &ep), 0);
	expect_read(ep, "one");
	expect_read(ep, "two");
	mr_ep_close(ep);
}
END_TEST

/* The tuple is connected meanwhile by an endpoint of the application's. */
START_TEST(udp_taken_meanwhile)
{
	struct mr_sockaddr local = rig_local(&rig, false, 53), peer = rig_peer(&rig, false, 5000);
	struct mr_ep *ep, *late;

	udp_forwarder((struct mr_forwarder_opts){0});
	rig_push_udp(&rig, .dport = 53, .len = 1);
	rig_poll(&rig);
	ck_assert_int_eq(mr_ep_create(rig.stack, MR_TRANS_UDP, MR_NET_IPV4, &ep), 0);
	ck_assert_int_eq(mr_ep_bind(ep, &local), 0);
	ck_assert_int_eq(mr_ep_connect(ep, &peer), 0);
	ck_assert_int_eq(mr_forwarder_accept(&got[0], &late), -EADDRINUSE);
	rig_push_udp(&rig, .dport = 53, .data = "mine", .len = 4);
	rig_poll(&rig);
	expect_read(ep, "mine");
	mr_ep_close(ep);
	ck_assert_int_eq(mr_forwarder_accept(&got[0], &late), 0);
	mr_ep_close(late);
}
END_TEST

static Suite *
suite(void)
{
	Suite *s = suite_create("forwarder");
	TCase *tc = rig_case(s, "tcp", setup, rig_teardown);
	TCase *tu = rig_case(s, "udp", setup, rig_teardown);
	TCase *tf = rig_case(s, "forwarder", setup, rig_teardown);

	tcase_add_loop_test(tc, tcp_connection, 0, 4);
	tcase_add_loop_test(tc, tcp_plain_syn, 0, 2);
	tcase_add_loop_test(tc, tcp_own_address_taken_at_once, 0, 2);
	tcase_add_test(tc, tcp_window);
	tcase_add_loop_test(tc, tcp_refused, 0, 4);
	tcase_add_test(tc, tcp_syn_again);
	tcase_add_loop_test(tc, tcp_other_segments, 0, 4);
	tcase_add_test(tc, tcp_bound);
	tcase_add_test(tc, tcp_tuples);
	tcase_add_test(tc, tcp_reset_and_syn_in_a_burst);
	tcase_add_test(tc, tcp_timeout);
	tcase_add_test(tc, tcp_default_timeout);
	tcase_add_test(tc, tcp_handshake_timeout);
	tcase_add_test(tc, tcp_handshake_reset);
	tcase_add_loop_test(tc, tcp_over_time_wait, 0, 2);
	tcase_add_loop_test(tc, tcp_listener_first, 0, 2);
	tcase_add_loop_test(tc, tcp_listener_meanwhile, 0, 2);
	tcase_add_loop_test(tc, tcp_listener_answers_for_foreign, 0, 2);
	tcase_add_loop_test(tc, tcp_modes, 0, 2);
	tcase_add_loop_test(tc, tcp_subnet, 0, 2);
	tcase_add_test(tc, tcp_link_local_peer);
	tcase_add_test(tc, tcp_no_connection_left);
	tcase_add_test(tc, tcp_no_way_back);
	tcase_add_test(tf, nic_goes);
	tcase_add_test(tf, create_errors);
	tcase_add_test(tf, destroyed);
	tcase_add_loop_test(tf, answered_in_the_callback, 0, 2);
	tcase_add_test(tf, stack_goes);
	tcase_add_test(tf, memory_bound);
	tcase_add_loop_test(tu, udp_flow, 0, 2);
	tcase_add_test(tu, udp_hold);
	tcase_add_loop_test(tu, udp_refused, 0, 4);
	tcase_add_test(tu, udp_timeout);
	tcase_add_test(tu, udp_tuple_for_good);
	tcase_add_test(tu, udp_rcvbuf);
	tcase_add_test(tu, udp_unwanted);
	tcase_add_test(tu, udp_port_zero);
	tcase_add_test(tu, udp_icmp_error);
	tcase_add_test(tu, udp_no_endpoint_left);
	tcase_add_test(tu, udp_taken_meanwhile);
	return s;
}

RIG_MAIN(suite)
