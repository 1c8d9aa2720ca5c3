/* SPDX-License-Identifier: Apache-2.0 */
/*
 * For the tests of forwarders: what a forwarder was asked, and a peer that opens connections to foreign addresses.
 */
#ifndef TESTS_FORWARDER_H
#define TESTS_FORWARDER_H

#include "rig/fixture.h"

#define MAX_GOT 64

static struct mr_forwarder *fwd;

/* What the application was asked, and what it does when it is asked. */
static struct mr_forward_req got[MAX_GOT];
static unsigned n_got;

static struct mr_ep *taken;

static enum { LATER, TAKE, REFUSE, DESTROY, REFUSE_FIRST } answer;

static inline void
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

static inline void
told(struct mr_ep *ep, uint32_t ev, void *arg)
{
	(void)ep;
	(void)arg;
	events |= ev;
}

static struct mr_waiter waiter = {.mask = MR_EV_IN | MR_EV_OUT | MR_EV_ERR | MR_EV_HUP, .fn = told};

static inline void
setup(void)
{
	rig_init(&rig, NULL);
	ck_assert_int_eq(mr_nic_set_promisc(rig.stack, RIG_NIC, true), 0);
}

static inline struct mr_addr
foreign(bool v6)
{
	return rig_addr(v6 ? "2001:db8::9" : "203.0.113.9");
}

static inline int
forwarder(uint8_t trans, struct mr_forwarder_opts o)
{
	o.fn = asked;
	o.arg = &rig;
	return mr_forwarder_create(rig.stack, trans, &o, &fwd);
}

static inline void
tcp_forwarder(bool v6, struct mr_forwarder_opts o)
{
	ck_assert_int_eq(forwarder(MR_TRANS_TCP, o), 0);
	rig_tcp_init(&t, &rig, v6);
	t.addr = foreign(v6);
	t.port = 443;
}

/* A SYN of the script's peer is told; nothing is sent yet. */
static inline void
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

static inline void
establish(void)
{
	push_syn();
	take();
	rig_tcp_push(&t, RIG_ACK, 1, 1, 0);
	rig_expect_none(&rig);
	ck_assert_int_eq(rig_tcp_state(t.ep), MR_TCP_ESTABLISHED);
}

#endif
