/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Bulk transfer between the two stacks of a duo: an event-driven program on each end of each connection. It reads and
 * writes until the stack says "again" and then waits for the event, so a lost event is a transfer that never ends.
 */
#include "rig/rig.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define PORT 7000
#define CHUNK 16384

struct bulk {
	struct rig_duo *duo;
	uint64_t start_ns;
	const struct rig_bulk_opts *o;
	struct mr_ep *listener;
	struct mr_waiter accept_waiter;
	struct rig_flow *flows;
	unsigned n, accepted;
	bool stalled;
	struct mr_alarm *alarm; /* ends the stall */
};

static unsigned
end_of(const struct rig_flow *f, const struct mr_ep *ep)
{
	return f->ep[1] == ep;
}

static void
note_error(struct rig_flow *f, unsigned i, ssize_t err)
{
	if (err != -EAGAIN && err != -ENOTCONN && !f->err[i])
		f->err[i] = (int)err;
}

static void
pump_out(struct rig_flow *f, unsigned i)
{
	uint8_t buf[CHUNK];

	while (f->sent[i] < f->to_send[i]) {
		size_t n = f->to_send[i] - f->sent[i] < sizeof(buf) ? f->to_send[i] - f->sent[i] : sizeof(buf);
		ssize_t k;

		rig_pattern_fill(buf, f->seed + f->sent[i], n);
		k = mr_ep_send(f->ep[i], buf, n);
		if (k <= 0) {
			note_error(f, i, k);
			return;
		}
		f->sent[i] += (uint64_t)k;
	}
	if (!f->shut[i] && mr_ep_shutdown(f->ep[i], MR_SHUT_WR) == 0)
		f->shut[i] = true;
}

static void
pump_in(struct rig_flow *f, unsigned i)
{
	uint8_t buf[CHUNK];
	ssize_t k;

	if (i == 1 && f->stalled && *f->stalled)
		return;
	while (!f->eof[i] && (k = mr_ep_recv(f->ep[i], buf, sizeof(buf), NULL)) != -EAGAIN) {
		size_t good;

		if (k < 0) {
			note_error(f, i, k);
			return;
		}
		f->last_ns = f->duo->now;
		f->eof[i] = k == 0;
		good = rig_pattern_check(buf, f->seed + f->got[i], (size_t)k);
		if (good != (size_t)k)
			ck_abort_msg("byte %llu of the stream to end %u is wrong", (unsigned long long)(f->got[i] + good), i);
		f->got[i] += (uint64_t)k;
	}
}

static void
on_event(struct mr_ep *ep, uint32_t events, void *arg)
{
	struct rig_flow *f = arg;
	unsigned i = end_of(f, ep);

	f->events[i]++;
	if (events & MR_EV_ERR)
		note_error(f, i, mr_ep_error(ep));
	if (events & MR_EV_HUP)
		f->over[i] = true;
	pump_in(f, i);
	pump_out(f, i);
}

static void
wait_on(struct rig_flow *f, unsigned i)
{
	f->waiter[i] = (struct mr_waiter){.mask = MR_EV_IN | MR_EV_OUT | MR_EV_ERR | MR_EV_HUP, .fn = on_event, .arg = f};
	mr_ep_wait(f->ep[i], &f->waiter[i]);
}

static void
set_buffers(const struct bulk *b, struct mr_ep *ep)
{
	if (b->o->sndbuf)
		ck_assert_int_eq(mr_ep_setopt(ep, MR_OPT_SNDBUF, b->o->sndbuf), 0);
	if (b->o->rcvbuf)
		ck_assert_int_eq(mr_ep_setopt(ep, MR_OPT_RCVBUF, b->o->rcvbuf), 0);
}

/* The flow of an accepted connection is known by the port it comes from. */
static void
on_accept(struct mr_ep *listener, uint32_t events, void *arg)
{
	struct bulk *b = arg;
	struct mr_sockaddr remote, local;
	struct mr_ep *ep;

	(void)events;
	while (mr_ep_accept(listener, &ep) == 0) {
		ck_assert_int_eq(mr_ep_remote_name(ep, &remote), 0);
		for (unsigned i = 0; i < b->n; i++) {
			if (mr_ep_local_name(b->flows[i].ep[0], &local) < 0 || local.port != remote.port)
				continue;
			b->flows[i].ep[1] = ep;
			set_buffers(b, ep);
			wait_on(&b->flows[i], 1);
			b->accepted++;
			break;
		}
	}
}

static void
bulk_listen(struct bulk *b)
{
	struct mr_sockaddr any = {.port = PORT};
	struct mr_stack *s = b->duo->end[1].stack;

	if (!b->o->v6)
		any.addr = rig_addr("0.0.0.0");
	ck_assert_int_eq(mr_ep_create(s, MR_TRANS_TCP, b->o->v6 ? MR_NET_IPV6 : MR_NET_IPV4, &b->listener), 0);
	set_buffers(b, b->listener);
	ck_assert_int_eq(mr_ep_bind(b->listener, &any), 0);
	ck_assert_int_eq(mr_ep_listen(b->listener, (int)b->n + 1), 0);
	b->accept_waiter = (struct mr_waiter){.mask = MR_EV_IN, .fn = on_accept, .arg = b};
	mr_ep_wait(b->listener, &b->accept_waiter);
}

static void
bulk_connect(struct bulk *b, struct rig_flow *f)
{
	const struct rig_duo_end *to = &b->duo->end[1];
	struct mr_sockaddr sa = {.addr = b->o->v6 ? to->addr6 : to->addr4, .port = PORT};
	struct mr_stack *s = b->duo->end[0].stack;

	f->duo = b->duo;
	f->stalled = &b->stalled;
	f->seed = (unsigned)(f - b->flows) * 1000;
	f->to_send[0] = b->o->bytes[0];
	f->to_send[1] = b->o->bytes[1];
	ck_assert_int_eq(mr_ep_create(s, MR_TRANS_TCP, b->o->v6 ? MR_NET_IPV6 : MR_NET_IPV4, &f->ep[0]), 0);
	set_buffers(b, f->ep[0]);
	ck_assert_int_eq(mr_ep_connect(f->ep[0], &sa), -EINPROGRESS);
	wait_on(f, 0);
}

/* The readers wake up. */
static void
on_alarm(struct mr_stack *s, void *arg)
{
	struct bulk *b = arg;

	(void)s;
	if (!b->stalled || b->duo->now < b->start_ns + b->o->stall_ns)
		return;
	b->stalled = false;
	for (unsigned i = 0; i < b->n; i++)
		if (b->flows[i].ep[1])
			pump_in(&b->flows[i], 1);
}

static bool
bulk_done(struct rig_duo *d, void *arg)
{
	struct bulk *b = arg;

	if (b->o->beside)
		b->o->beside(d, b->o->arg);
	for (unsigned i = 0; i < b->n; i++) {
		const struct rig_flow *f = &b->flows[i];

		if (f->err[0] || f->err[1])
			return true;
		if (!f->eof[0] || !f->eof[1])
			return false;
	}
	return true;
}

static void
bulk_sum(const struct bulk *b, struct rig_bulk_result *r)
{
	r->done = true;
	for (unsigned i = 0; i < b->n; i++) {
		const struct rig_flow *f = &b->flows[i];

		if (!r->err)
			r->err = f->err[0] ? f->err[0] : f->err[1];
		r->done = r->done && f->eof[0] && f->eof[1] && f->got[0] == f->to_send[1] && f->got[1] == f->to_send[0];
		r->bytes += f->got[0] + f->got[1];
		if (f->last_ns > b->start_ns && f->last_ns - b->start_ns > r->duration_ns)
			r->duration_ns = f->last_ns - b->start_ns;
	}
}

struct rig_bulk_result
rig_duo_bulk(struct rig_duo *d, const struct rig_bulk_opts *o)
{
	struct bulk b = {.duo = d, .start_ns = d->now, .o = o, .n = o->flows ? o->flows : 1, .stalled = o->stall_ns > 0};
	struct rig_bulk_result r = {0};

	b.flows = calloc(b.n, sizeof(*b.flows));
	ck_assert_ptr_nonnull(b.flows);
	bulk_listen(&b);
	for (unsigned i = 0; i < b.n; i++)
		bulk_connect(&b, &b.flows[i]);
	if (b.stalled)
		ck_assert_int_eq(mr_alarm_start(d->end[1].stack, o->stall_ns, on_alarm, &b, &b.alarm), 0);
	rig_duo_run(d, o->deadline_ns, bulk_done, &b);
	if (b.alarm)
		mr_alarm_stop(b.alarm);
	bulk_sum(&b, &r);
	for (unsigned i = 0; i < b.n; i++)
		for (unsigned e = 0; e < 2; e++)
			if (b.flows[i].ep[e]) {
				mr_ep_unwait(b.flows[i].ep[e], &b.flows[i].waiter[e]);
				mr_ep_close(b.flows[i].ep[e]);
			}
	mr_ep_unwait(b.listener, &b.accept_waiter);
	mr_ep_close(b.listener);
	free(b.flows);
	return r;
}
