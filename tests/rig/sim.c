/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Flows through one bottleneck, in virtual time. The bottleneck is a's impaired link; what comes back is only delayed.
 */
#include "rig/sim.h"

#include <errno.h>
#include <string.h>

#define PORT 7000
#define CHUNK 65536
#define MSS 1448
#define FRAME (MSS + 66) /* of it with Ethernet, IPv4, TCP and its timestamps */

static void
pump_out(struct rig_sim_flow *f)
{
	static const uint8_t zeros[CHUNK];

	while (mr_ep_send(f->ep[0], zeros, sizeof(zeros)) > 0)
		;
}

static void
pump_in(struct rig_sim_flow *f)
{
	static uint8_t buf[CHUNK];
	uint64_t now_ns = f->sim->duo.now;
	ssize_t k;

	while ((k = mr_ep_recv(f->ep[1], buf, sizeof(buf), NULL)) > 0) {
		if (f->last_ns && now_ns - f->last_ns > f->gap_ns)
			f->gap_ns = now_ns - f->last_ns;
		f->last_ns = now_ns;
		f->got += (uint64_t)k;
	}
	if (k != -EAGAIN)
		ck_abort_msg("flow %u: reading gives %zd", (unsigned)(f - f->sim->flow), k);
}

static void
on_event(struct mr_ep *ep, uint32_t events, void *arg)
{
	struct rig_sim_flow *f = arg;

	if (events & (MR_EV_ERR | MR_EV_HUP))
		ck_abort_msg("flow %u ends at %.3f s with error %d", (unsigned)(f - f->sim->flow),
		             (f->sim->duo.now - f->sim->start_ns) / 1e9, mr_ep_error(ep));
	if (ep == f->ep[0])
		pump_out(f);
	else
		pump_in(f);
}

static void
flow_wait(struct rig_sim_flow *f, unsigned i)
{
	f->waiter[i] = (struct mr_waiter){.mask = MR_EV_IN | MR_EV_OUT | MR_EV_ERR | MR_EV_HUP, .fn = on_event, .arg = f};
	mr_ep_wait(f->ep[i], &f->waiter[i]);
}

static uint64_t
window(const struct rig_sim_line *line)
{
	return line->window_bytes ? line->window_bytes : rig_sim_bdp(line) + line->buffer_bytes;
}

static void
set_buffers(const struct rig_sim *sim, struct mr_ep *ep)
{
	int64_t bytes = 2 * (int64_t)window(&sim->line) + 2 * CHUNK;

	ck_assert_int_eq(mr_ep_setopt(ep, MR_OPT_SNDBUF, bytes), 0);
	if (!sim->line.rcvbuf_grows)
		ck_assert_int_eq(mr_ep_setopt(ep, MR_OPT_RCVBUF, bytes), 0);
}

static void
on_accept(struct mr_ep *listener, uint32_t events, void *arg)
{
	struct rig_sim *sim = arg;
	struct mr_sockaddr remote, local;
	struct mr_ep *ep;

	(void)events;
	while (mr_ep_accept(listener, &ep) == 0) {
		ck_assert_int_eq(mr_ep_remote_name(ep, &remote), 0);
		for (struct rig_sim_flow *f = sim->flow; f < sim->flow + sim->n; f++)
			if (f->ep[0] && mr_ep_local_name(f->ep[0], &local) == 0 && local.port == remote.port) {
				f->ep[1] = ep;
				flow_wait(f, 1);
			}
	}
}

static void
flow_start(struct rig_sim *sim, struct rig_sim_flow *f)
{
	struct mr_sockaddr sa = {.addr = sim->duo.end[1].addr4, .port = PORT};

	f->sim = sim;
	ck_assert_int_eq(mr_ep_create(sim->duo.end[0].stack, MR_TRANS_TCP, MR_NET_IPV4, &f->ep[0]), 0);
	set_buffers(sim, f->ep[0]);
	if (f->cc)
		ck_assert_int_eq(mr_ep_setopt(f->ep[0], MR_OPT_TCP_CC, mr_tcp_cc_find(f->cc)), 0);
	ck_assert_int_eq(mr_ep_connect(f->ep[0], &sa), -EINPROGRESS);
	flow_wait(f, 0);
}

uint64_t
rig_sim_bdp(const struct rig_sim_line *line)
{
	return line->rate_bps / 1000 * (line->rtt_ns / 1000) / 8000;
}

void
rig_sim_init(struct rig_sim *sim, const struct rig_sim_line *line, struct rig_sim_flow *flow, unsigned n)
{
	/* Of the pool, a quarter is in reserve; what is sent again may be on the line twice. */
	uint32_t mbufs = (uint32_t)((3 * n + 1) * (window(line) + CHUNK) / MSS) + 2048;
	struct mr_impair_cfg there = {.seed = line->seed, .rate_bps = line->rate_bps, .delay_ns = line->rtt_ns / 2,
	                              .buffer_bytes = line->buffer_bytes, .loss_ppm = line->loss_ppm, .reorder_ppm = line->reorder_ppm,
	                              .queue_frames = 1 << 20};
	struct mr_impair_cfg back = {.seed = line->seed + 1, .delay_ns = line->rtt_ns - line->rtt_ns / 2,
	                             .loss_ppm = line->ack_loss_ppm, .reorder_ppm = line->reorder_ppm, .queue_frames = 1 << 20};
	struct rig_duo_opts o = {
		.impair = {&there, &back},
		.stack = {{.seed = line->seed + 2, .tx_mbufs = mbufs}, {.seed = line->seed + 3, .rx_mbufs = mbufs}},
		.neigh = true,
	};
	struct mr_sockaddr any = {.port = PORT, .addr = rig_addr("0.0.0.0")};

	memset(sim, 0, sizeof(*sim));
	sim->line = *line;
	sim->flow = flow;
	sim->n = n;
	rig_duo_init(&sim->duo, &o);
	for (unsigned i = 0; i < 2; i++) {
		ck_assert_int_eq(mr_transproto_setopt(sim->duo.end[i].stack, MR_TRANS_TCP, MR_OPT_SNDBUF_MAX, 1 << 30), 0);
		ck_assert_int_eq(mr_transproto_setopt(sim->duo.end[i].stack, MR_TRANS_TCP, MR_OPT_RCVBUF_MAX, 1 << 30), 0);
	}
	ck_assert_int_eq(mr_ep_create(sim->duo.end[1].stack, MR_TRANS_TCP, MR_NET_IPV4, &sim->listener), 0);
	set_buffers(sim, sim->listener);
	ck_assert_int_eq(mr_ep_bind(sim->listener, &any), 0);
	ck_assert_int_eq(mr_ep_listen(sim->listener, (int)n), 0);
	sim->waiter = (struct mr_waiter){.mask = MR_EV_IN, .fn = on_accept, .arg = sim};
	mr_ep_wait(sim->listener, &sim->waiter);
	sim->start_ns = sim->duo.now;
}

void
rig_sim_run(struct rig_sim *sim, uint64_t until_ns)
{
	uint64_t now_ns;

	do {
		uint64_t next_ns = until_ns;

		now_ns = sim->duo.now - sim->start_ns;
		for (struct rig_sim_flow *f = sim->flow; f < sim->flow + sim->n; f++) {
			if (f->ep[0])
				continue;
			if (f->start_ns <= now_ns)
				flow_start(sim, f);
			else if (f->start_ns < next_ns)
				next_ns = f->start_ns;
		}
		if (now_ns < next_ns)
			rig_duo_run(&sim->duo, next_ns - now_ns, NULL, NULL);
	} while (sim->duo.now - sim->start_ns < until_ns);
}

void
rig_sim_fini(struct rig_sim *sim)
{
	for (struct rig_sim_flow *f = sim->flow; f < sim->flow + sim->n; f++)
		for (unsigned i = 0; i < 2; i++)
			if (f->ep[i]) {
				mr_ep_unwait(f->ep[i], &f->waiter[i]);
				mr_ep_abort(f->ep[i]);
			}
	mr_ep_unwait(sim->listener, &sim->waiter);
	mr_ep_close(sim->listener);
	rig_duo_fini(&sim->duo);
}

uint64_t
rig_sim_gap(const struct rig_sim_flow *flow)
{
	uint64_t open_ns = flow->last_ns ? flow->sim->duo.now - flow->last_ns : 0;

	return open_ns > flow->gap_ns ? open_ns : flow->gap_ns;
}

double
rig_sim_share(const struct rig_sim *sim, uint64_t bytes, uint64_t ns)
{
	return bytes * 8e9 / ns / (sim->line.rate_bps * (double)MSS / FRAME);
}

double
rig_sim_jain(const double *x, unsigned n)
{
	double sum = 0, squares = 0;

	for (unsigned i = 0; i < n; i++) {
		sum += x[i];
		squares += x[i] * x[i];
	}
	return sum * sum / (n * squares);
}
