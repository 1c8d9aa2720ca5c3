/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Opening connections and starting operations.
 *
 * Both begin gently, whatever is asked for: one connection until the first is open, then OPEN_WINDOW at a time; one
 * operation until the first has ended, then two more for each that ends. So neighbours are found before the crowd comes,
 * and no queue on the way is hit by a burst that a run in its steady state would never make.
 *
 * In the plain case (no rate, no think time, all connections may be busy) an operation that ends starts the next one at
 * once. Otherwise connections wait in `ready`, which is in order because all wait equally long.
 */
#include "app/bench/client.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <rte_malloc.h>

#define OPEN_WINDOW 256u
#define RETRY_NS UINT64_C(100000000)   /* before a broken connection is opened again */
#define LOSS_NS UINT64_C(500000000)    /* an answer that may be lost is waited for so long */
#define TICK_NS UINT64_C(1000000)
#define PACE_TICK_NS UINT64_C(10000)
#define FP_BITS 8                      /* of next_op_ns_fp */

/* ---- waiting in order */

static int
fifo_init(struct fifo *f, uint64_t items)
{
	uint64_t size = rte_align64pow2(items + 1);

	if (size > UINT32_MAX)
		return -EINVAL;
	f->item = malloc(size * sizeof(*f->item));
	f->mask = (uint32_t)size - 1;
	f->head = f->n = 0;
	return f->item ? 0 : -ENOMEM;
}

/* When it is full, the connection is in it already. */
static void
fifo_push(struct fifo *f, uint32_t i)
{
	if (f->n <= f->mask)
		f->item[(f->head + f->n++) & f->mask] = i;
}

static void
fifo_pop(struct fifo *f)
{
	f->head = (f->head + 1) & f->mask;
	f->n--;
}

static struct conn *
fifo_first(const struct client *cl, const struct fifo *f)
{
	return &cl->conns[f->item[f->head]];
}

static void
wait_in(struct client *cl, struct fifo *f, struct conn *c, uint64_t wait_ns)
{
	c->time_ns = mr_stack_now_ns(cl->stack) + wait_ns;
	fifo_push(f, (uint32_t)(c - cl->conns));
}

/* ---- operations */

static bool
opens_each_time(const struct client *cl)
{
	return cl->mode->flags & MODE_F_EACH;
}

/* Where the start of the operation that begins, or of the oldest under way, is kept. They end in order. */
static uint64_t *
op_stamp(struct client *cl, struct conn *c, unsigned nr)
{
	return cl->stamps ? &cl->stamps[(size_t)(c - cl->conns) * cl->args->pipeline + nr] : &c->time_ns;
}

static int conn_open(struct client *cl, struct conn *c);

static void
op_start(struct client *cl, struct conn *c, uint64_t start_ns)
{
	int r;

	*op_stamp(cl, c, c->under_way) = start_ns;
	c->under_way++;
	cl->under_way++;
	r = opens_each_time(cl) ? conn_open(cl, c) : cl->mode->client->start(cl, c);
	if (r < 0)
		client_lost(cl, c, r);
}

/* May one more start? With a rate, *start_ns is when it should have, and so what its latency counts from. */
static bool
pace_allows(struct client *cl, uint64_t now_ns, uint64_t *start_ns)
{
	uint64_t most = RTE_MIN((uint64_t)cl->inflight, 1 + 2 * (cl->count.ops + cl->count.lost));

	*start_ns = now_ns;
	if (cl->under_way >= most)
		return false;
	if (!cl->op_ns_fp)
		return true;
	if (cl->next_op_ns_fp >> FP_BITS > now_ns)
		return false;
	*start_ns = cl->next_op_ns_fp >> FP_BITS;
	cl->next_op_ns_fp += cl->op_ns_fp;
	return true;
}

static void
pace(struct client *cl)
{
	uint64_t now_ns = mr_stack_now_ns(cl->stack), start_ns;

	while (cl->running && cl->ready.n > 0) {
		struct conn *c = fifo_first(cl, &cl->ready);
		bool usable = opens_each_time(cl) ? c->state == CONN_CLOSED : c->state == CONN_OPEN;

		/* Its connection was lost meanwhile: it comes again when that is open. */
		if (!usable || c->under_way >= cl->args->pipeline) {
			fifo_pop(&cl->ready);
			continue;
		}
		if (c->time_ns > now_ns || !pace_allows(cl, now_ns, &start_ns))
			return;
		fifo_pop(&cl->ready);
		op_start(cl, c, start_ns);
	}
}

void
client_done(struct client *cl, struct conn *c, uint32_t bytes)
{
	uint64_t now_ns = mr_stack_now_ns(cl->stack), *stamp = op_stamp(cl, c, 0);

	hist_add(cl->latency, now_ns - *stamp);
	cl->count.ops++;
	cl->count.bytes += bytes;
	cl->under_way--;
	c->under_way--;
	if (cl->stamps)
		memmove(stamp, stamp + 1, c->under_way * sizeof(*stamp));
	if (opens_each_time(cl))
		client_close(cl, c);
	if (!cl->running)
		return;
	if (cl->paced)
		wait_in(cl, &cl->ready, c, cl->args->think_ns);
	else
		op_start(cl, c, now_ns);
	if (cl->ready.n > 0)
		pace(cl);
}

/* ---- connections */

static void
conn_opened(struct client *cl, struct conn *c)
{
	int r;

	c->state = CONN_OPEN;
	cl->opening--;
	cl->open++;
	cl->count.opened++;
	if (opens_each_time(cl)) {
		r = cl->mode->client->start(cl, c);
		if (r < 0)
			client_lost(cl, c, r);
		return;
	}
	for (unsigned i = 0; i < cl->args->pipeline && cl->running; i++)
		wait_in(cl, &cl->ready, c, 0);
}

static void
conn_event(struct mr_ep *ep, uint32_t events, void *arg)
{
	struct conn *c = arg;
	struct client *cl = c->client;

	if (events & (MR_EV_ERR | MR_EV_HUP)) {
		int err = mr_ep_error(ep);

		client_lost(cl, c, err ? err : -ECONNRESET);
		return;
	}
	if (c->state == CONN_OPENING && events & MR_EV_OUT)
		conn_opened(cl, c);
	if (c->state == CONN_OPEN && events & MR_EV_IN)
		cl->mode->client->input(cl, c);
}

static int
conn_open(struct client *cl, struct conn *c)
{
	struct mr_sockaddr to = {.addr = cl->args->server.addr};
	int r = mr_ep_create(cl->stack, cl->mode->trans, mr_addr_net(&to.addr), &c->ep);

	c->left = 0;
	c->state = CONN_OPENING;
	cl->opening++;
	if (r < 0) {
		c->ep = NULL;
		return r;
	}
	to.port = (uint16_t)(cl->args->service + cl->next_service++ % cl->args->services);
	/* Requests are written in one piece: there is nothing to wait for. */
	mr_ep_setopt(c->ep, MR_OPT_TCP_NODELAY, 1);
	r = mr_ep_connect(c->ep, &to);
	if (r < 0 && r != -EINPROGRESS)
		return r;
	c->waiter = (struct mr_waiter){
		.mask = MR_EV_IN | MR_EV_OUT | MR_EV_ERR | MR_EV_HUP,
		.fn = conn_event,
		.arg = c,
	};
	mr_ep_wait(c->ep, &c->waiter);
	if (r == 0)
		conn_opened(cl, c);
	return 0;
}

static void
conn_end(struct client *cl, struct conn *c, void (*end)(struct mr_ep *ep))
{
	if (c->state == CONN_OPENING)
		cl->opening--;
	else if (c->state == CONN_OPEN)
		cl->open--;
	c->state = CONN_CLOSED;
	if (c->ep)
		end(c->ep);
	c->ep = NULL;
}

void
client_close(struct client *cl, struct conn *c)
{
	conn_end(cl, c, mr_ep_close);
}

void
client_lost(struct client *cl, struct conn *c, int err)
{
	conn_end(cl, c, mr_ep_abort);
	cl->count.failed++;
	cl->count.lost += c->under_way;
	cl->under_way -= c->under_way;
	c->under_way = 0;
	cl->last_error = err;
	wait_in(cl, &cl->broken, c, RETRY_NS);
}

/* Open those that have waited long enough. */
static void
open_more(struct client *cl)
{
	uint64_t now_ns = mr_stack_now_ns(cl->stack);
	uint32_t most = cl->count.opened ? OPEN_WINDOW : 1;

	while (cl->broken.n > 0 && cl->opening < most) {
		struct conn *c = fifo_first(cl, &cl->broken);
		int r;

		if (c->time_ns > now_ns)
			return;
		fifo_pop(&cl->broken);
		if (opens_each_time(cl)) {
			wait_in(cl, &cl->ready, c, 0);
			continue;
		}
		r = conn_open(cl, c);
		if (r < 0)
			client_lost(cl, c, r);
	}
}

/* ---- ticks */

/* Give up what has had no answer for too long, and start it again. */
static void
find_losses(struct client *cl)
{
	uint64_t now_ns = mr_stack_now_ns(cl->stack);

	for (uint32_t i = 0; i < cl->n; i++) {
		struct conn *c = &cl->conns[i];

		if (c->under_way == 0 || c->time_ns + LOSS_NS > now_ns)
			continue;
		cl->count.lost++;
		cl->under_way--;
		c->under_way = 0;
		wait_in(cl, &cl->ready, c, 0);
	}
}

static void
tick(struct mr_stack *s, void *arg)
{
	struct client *cl = arg;

	open_more(cl);
	if (cl->mode->flags & MODE_F_MAY_LOSE && mr_stack_now_ns(s) >= cl->next_look_ns) {
		cl->next_look_ns = mr_stack_now_ns(s) + LOSS_NS / 4;
		find_losses(cl);
	}
	pace(cl);
}

/* ---- life */

static uint64_t
share(uint64_t total, unsigned core, unsigned n_cores)
{
	return total / n_cores + (core < total % n_cores);
}

static void
pace_init(struct client *cl, unsigned n_cores)
{
	const struct args *a = cl->args;

	cl->paced = a->rate || a->think_ns || cl->inflight < (uint64_t)cl->n * a->pipeline;
	if (a->rate)
		cl->op_ns_fp = (uint64_t)((double)n_cores * (UINT64_C(1000000000) << FP_BITS) / (double)a->rate);
}

int
client_create(const struct args *args, struct mr_stack *s, unsigned core, unsigned n_cores, struct client **out)
{
	struct client *cl = rte_zmalloc("client", sizeof(*cl), RTE_CACHE_LINE_SIZE);

	if (!cl)
		return -ENOMEM;
	*out = cl;
	cl->args = args;
	cl->mode = args->mode;
	cl->stack = s;
	cl->n = (uint32_t)share(args->connections, core, n_cores);
	cl->inflight = (uint32_t)RTE_MAX(share(args->inflight, core, n_cores), UINT64_C(1));
	cl->next_service = core;
	pace_init(cl, n_cores);
	cl->conns = aligned_alloc(RTE_CACHE_LINE_SIZE, ((size_t)cl->n + 1) * sizeof(*cl->conns));
	cl->latency = calloc(1, sizeof(*cl->latency));
	cl->measured = calloc(1, sizeof(*cl->measured));
	cl->scratch = malloc(MODE_SCRATCH);
	cl->request = calloc(1, args->request);
	if (args->pipeline > 1)
		cl->stamps = calloc((size_t)cl->n * args->pipeline, sizeof(*cl->stamps));
	if (!cl->conns || !cl->latency || !cl->measured || !cl->scratch || !cl->request || (args->pipeline > 1 && !cl->stamps) ||
	    fifo_init(&cl->ready, (uint64_t)cl->n * args->pipeline) < 0 || fifo_init(&cl->broken, cl->n) < 0)
		return -ENOMEM;
	if (cl->mode->request_build)
		cl->mode->request_build(cl->request, args->request);
	memset(cl->conns, 0, (size_t)cl->n * sizeof(*cl->conns));
	return 0;
}

void
client_destroy(struct client *cl)
{
	if (!cl)
		return;
	free(cl->conns);
	free(cl->stamps);
	free(cl->latency);
	free(cl->measured);
	free(cl->scratch);
	free(cl->request);
	free(cl->ready.item);
	free(cl->broken.item);
	rte_free(cl);
}

int
client_open(struct client *cl)
{
	uint64_t period_ns = cl->args->rate || cl->args->think_ns ? PACE_TICK_NS : TICK_NS;

	for (uint32_t i = 0; i < cl->n; i++) {
		cl->conns[i].client = cl;
		if (opens_each_time(cl))
			fifo_push(&cl->ready, i);
		else
			fifo_push(&cl->broken, i);
	}
	return mr_alarm_start(cl->stack, period_ns, tick, cl, &cl->alarm);
}

void
client_go(struct client *cl)
{
	cl->running = true;
	cl->next_op_ns_fp = mr_stack_now_ns(cl->stack) << FP_BITS;
	for (uint32_t i = 0; i < cl->n && !opens_each_time(cl); i++) {
		for (unsigned j = 0; j < cl->args->pipeline && cl->conns[i].state == CONN_OPEN; j++)
			wait_in(cl, &cl->ready, &cl->conns[i], 0);
	}
	pace(cl);
}

void
client_measure(struct client *cl)
{
	hist_reset(cl->latency);
}

void
client_measured(struct client *cl)
{
	struct hist *live = cl->measured;

	cl->measured = cl->latency;
	cl->latency = live;
}

void
client_stop(struct client *cl)
{
	cl->running = false;
	if (cl->alarm)
		mr_alarm_stop(cl->alarm);
	cl->alarm = NULL;
	for (uint32_t i = 0; i < cl->n; i++)
		conn_end(cl, &cl->conns[i], mr_ep_abort);
}
