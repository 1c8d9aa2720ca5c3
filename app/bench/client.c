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

#include "app/bench/flood.h"
#include "app/bench/lend.h"
#include "app/bench/table.h"

#define OPEN_WINDOW 256u
#define RETRY_NS UINT64_C(100000000)   /* before a broken connection is opened again */
#define LOSS_NS UINT64_C(500000000)    /* an answer that may be lost is waited for so long */
#define TICK_NS UINT64_C(1000000)
#define PACE_TICK_NS UINT64_C(10000)
#define BURST_FIRST 32u
#define BURST_MOST 256u
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

static bool
is_held(const struct client *cl, const struct conn *c)
{
	return c >= cl->conns + cl->n;
}

/* Where the start of the operation that begins, or of the oldest under way, is kept. They end in order. */
static uint64_t *
op_stamp(struct client *cl, struct conn *c, unsigned nr)
{
	return cl->stamps ? &cl->stamps[(size_t)(c - cl->conns) * cl->args->pipeline + nr] : &c->time_ns;
}

static int conn_open(struct client *cl, struct conn *c);
static void open_more(struct client *cl);

static void
op_start(struct client *cl, struct conn *c, uint64_t start_ns)
{
	int r;

	/* Losses are found by when it really started. */
	c->time_ns = mr_stack_now_ns(cl->stack);
	*op_stamp(cl, c, c->under_way) = start_ns;
	c->under_way++;
	cl->under_way++;
	r = opens_each_time(cl) ? conn_open(cl, c) : cl->mode->client->start(cl, c);
	if (r < 0)
		client_lost(cl, c, r);
}

/* With a rate, *start_ns is when the operation should have started, and so what its latency counts from. */
static bool
rate_allows(struct client *cl, uint64_t now_ns, uint64_t *start_ns)
{
	*start_ns = now_ns;
	if (!cl->op_ns_fp)
		return true;
	if (cl->next_op_ns_fp >> FP_BITS > now_ns)
		return false;
	*start_ns = cl->next_op_ns_fp >> FP_BITS;
	cl->next_op_ns_fp += cl->op_ns_fp;
	return true;
}

/* May one more start? */
static bool
pace_allows(struct client *cl, uint64_t now_ns, uint64_t *start_ns)
{
	uint64_t most = RTE_MIN((uint64_t)cl->inflight, 1 + 2 * (cl->count.ops + cl->count.lost));

	return cl->under_way < most && rate_allows(cl, now_ns, start_ns);
}

static void
pace(struct client *cl)
{
	uint64_t now_ns = mr_stack_now_ns(cl->stack), start_ns;
	uint32_t budget = cl->burst ? cl->burst : UINT32_MAX;

	while (cl->running && cl->ready.n > 0 && budget-- > 0 && !cl->blocked) {
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

void
client_sent(struct client *cl, struct conn *c, ssize_t bytes)
{
	if (bytes < 0)
		cl->count.lost++;
	else
		client_progress(cl, 1, (uint64_t)bytes);
	cl->under_way--;
	c->under_way--;
	wait_in(cl, &cl->ready, c, cl->args->think_ns);
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
	if (is_held(cl, c))
		return;
	if (cl->mode->flags & MODE_F_HOLD) {
		hist_add(cl->latency, mr_stack_now_ns(cl->stack) - c->time_ns);
		client_progress(cl, 1, 0);
		return;
	}
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
	if (c->state == CONN_OPENING && events & MR_EV_OUT) {
		conn_opened(cl, c);
		if (cl->broken.n > 0 && cl->opening < OPEN_WINDOW / 2)
			open_more(cl);
	}
	if (c->state == CONN_OPEN && events & MR_EV_IN)
		cl->mode->client->input(cl, c);
	if (c->state == CONN_OPEN && events & MR_EV_OUT && c->under_way > 0 && cl->mode->client->output)
		cl->mode->client->output(cl, c);
}

/* Where from, and which service: all services from one address, then all from the next. */
static int
conn_place(struct client *cl, struct conn *c, struct mr_sockaddr *to)
{
	uint32_t i = cl->next++, services = cl->args->services, addresses = cl->args->client_addresses;
	struct mr_sockaddr from;

	to->addr = cl->args->server.addr;
	to->port = (uint16_t)(cl->args->service + i % services);
	if (addresses == 1)
		return 0;
	from = (struct mr_sockaddr){.addr = args_client_address(cl->args, i / services % addresses)};
	mr_ep_setopt(c->ep, MR_OPT_TCP_BIND_NO_PORT, 1);
	return mr_ep_bind(c->ep, &from);
}

static int
conn_open(struct client *cl, struct conn *c)
{
	int r = mr_ep_create(cl->stack, cl->mode->trans, mr_addr_net(&cl->args->server.addr), &c->ep);
	struct mr_sockaddr to = {0};

	c->left = 0;
	c->state = CONN_OPENING;
	cl->opening++;
	if (r < 0) {
		c->ep = NULL;
		return r;
	}
	/* Requests are written in one piece: there is nothing to wait for. */
	mr_ep_setopt(c->ep, MR_OPT_TCP_NODELAY, 1);
	r = conn_place(cl, c, &to);
	if (r == 0)
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
	uint64_t now_ns = mr_stack_now_ns(cl->stack), start_ns = now_ns;
	uint32_t most = cl->count.opened ? OPEN_WINDOW : 1;

	while (cl->broken.n > 0 && cl->opening < most) {
		struct conn *c = fifo_first(cl, &cl->broken);
		int r;

		if (c->time_ns > now_ns || (cl->mode->flags & MODE_F_HOLD && !rate_allows(cl, now_ns, &start_ns)))
			return;
		fifo_pop(&cl->broken);
		c->time_ns = start_ns;
		if (opens_each_time(cl) && !is_held(cl, c)) {
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

/* As much in a turn as the link takes: more as long as it keeps up, half as much when it does not. */
static void
burst_adapt(struct client *cl)
{
	uint64_t busy = mr_stack_counter(cl->stack, MR_CNT_NIC_TX_BUSY);

	cl->blocked = busy != cl->tx_busy;
	if (cl->blocked)
		cl->burst = RTE_MAX(cl->burst / 2, 1u);
	else if (cl->burst < BURST_MOST)
		cl->burst++;
	cl->tx_busy = busy;
}

static void
tick(struct mr_stack *s, void *arg)
{
	struct client *cl = arg;

	if (cl->burst)
		burst_adapt(cl);

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

void
client_set_rate(struct client *cl, double rate)
{
	cl->op_ns_fp = rate > 0 ? (uint64_t)((UINT64_C(1000000000) << FP_BITS) / rate) : 0;
	cl->next_op_ns_fp = mr_stack_now_ns(cl->stack) << FP_BITS;
}

static void
pace_init(struct client *cl, unsigned n_cores)
{
	const struct args *a = cl->args;

	cl->paced = a->rate || a->find_max || a->think_ns || cl->inflight < (uint64_t)cl->n * a->pipeline;
	client_set_rate(cl, (double)a->rate / n_cores);
	cl->burst = cl->mode->flags & MODE_F_PUSH ? BURST_FIRST : 0;
}

static uint64_t
tick_ns(const struct client *cl)
{
	if (cl->mode->flags & MODE_F_PUSH)
		return 0;
	return cl->args->rate || cl->args->find_max || cl->args->think_ns ? PACE_TICK_NS : TICK_NS;
}

int
client_create(const struct args *args, struct mr_stack *s, unsigned core, unsigned n_cores, struct client **out)
{
	struct client *cl = rte_zmalloc("client", sizeof(*cl), RTE_CACHE_LINE_SIZE);
	bool stamps;

	if (!cl)
		return -ENOMEM;
	*out = cl;
	cl->args = args;
	cl->mode = args->mode;
	cl->stack = s;
	cl->n = (uint32_t)share(args->connections, core, n_cores);
	cl->held = (uint32_t)share(args->held, core, n_cores);
	cl->inflight = (uint32_t)RTE_MAX(share(args->inflight, core, n_cores), UINT64_C(1));
	cl->next = core;
	pace_init(cl, n_cores);
	cl->conns = table_alloc((size_t)cl->n + cl->held + 1, sizeof(*cl->conns));
	cl->latency = calloc(1, sizeof(*cl->latency));
	cl->measured = calloc(1, sizeof(*cl->measured));
	cl->scratch = malloc(MODE_SCRATCH);
	cl->request = message_alloc(args->request, args->zero_copy, &cl->lend);
	stamps = args->pipeline > 1 || (cl->mode->flags & MODE_F_MAY_LOSE && (args->rate || args->find_max));
	if (stamps)
		cl->stamps = calloc((size_t)cl->n * args->pipeline, sizeof(*cl->stamps));
	if (!cl->conns || !cl->latency || !cl->measured || !cl->scratch || !cl->request || (stamps && !cl->stamps) ||
	    fifo_init(&cl->ready, (uint64_t)cl->n * args->pipeline) < 0 || fifo_init(&cl->broken, (uint64_t)cl->n + cl->held) < 0)
		return -ENOMEM;
	if (cl->mode->request_build)
		cl->mode->request_build(cl->request, args->request);
	return cl->mode->flags & MODE_F_FLOOD ? flood_create(cl, core, n_cores, &cl->flood) : 0;
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
	message_free(cl->request, cl->lend);
	free(cl->ready.item);
	free(cl->broken.item);
	flood_destroy(cl->flood);
	rte_free(cl);
}

int
client_open(struct client *cl)
{
	for (uint32_t i = 0; i < cl->n + cl->held; i++) {
		cl->conns[i].client = cl;
		if (opens_each_time(cl) && i < cl->n)
			fifo_push(&cl->ready, i);
		else
			fifo_push(&cl->broken, i);
	}
	return mr_alarm_start(cl->stack, tick_ns(cl), tick, cl, &cl->alarm);
}

void
client_go(struct client *cl)
{
	cl->running = true;
	if (cl->flood)
		flood_go(cl->flood);
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
	if (cl->flood)
		flood_stop(cl->flood);
	if (cl->alarm)
		mr_alarm_stop(cl->alarm);
	cl->alarm = NULL;
	for (uint32_t i = 0; i < cl->n + cl->held; i++)
		conn_end(cl, &cl->conns[i], mr_ep_abort);
}
