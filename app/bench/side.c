/* SPDX-License-Identifier: Apache-2.0 */
/*
 * From the command line to a host. Pools, tables and queues are sized for what the run asks for, so that nothing is lost
 * for want of memory unless the run is about that.
 */
#include "app/bench/side.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include <rte_lcore.h>

#include "app/bench/flood.h"

#define NIC 1
#define MBUFS_LEAST 8192u
#define MBUFS_MOST 262144u
#define SEGMENT 1400u        /* payload of a packet, about */
#define DELAYED_MOST 65536u  /* operations whose last ACK is being delayed: 1.6 million a second */
#define CLOSING_SPARE 8192u  /* connections that are on their way out */

static int
tell(const char *what, int r)
{
	if (r < 0)
		fprintf(stderr, "millrace-bench: %s: %s\n", what, strerror(-r));
	return r;
}

/* Packets that operations may keep at once on one core: what is sent is kept until it is acknowledged, which the peer may
 * delay when an operation is not followed by the next one of its connection, and is copied by devices that pass it on by
 * pointer. */
static uint32_t
mbufs_wanted(const struct args *a, unsigned n_cores)
{
	uint64_t largest = a->request > a->response ? a->request : a->response;
	uint64_t delayed = a->mode->trans == MR_TRANS_TCP ? RTE_MIN(a->connections, DELAYED_MOST) : 0;
	uint64_t want = MBUFS_LEAST + (2 * (uint64_t)a->inflight + delayed) / n_cores * (1 + largest / SEGMENT) +
	                2 * flood_wire_frames(a) / n_cores;

	if (a->mbufs)
		return a->mbufs;
	return (uint32_t)(want < MBUFS_MOST ? want : MBUFS_MOST);
}

static void
stack_opts(const struct side *s, struct mr_stack_opts *o)
{
	const struct args *a = s->args;
	uint32_t conns = (a->connections + a->held) / s->n;

	/* At a server a hash decides which core gets a connection. */
	if (s->role == ROLE_SERVER && s->n > 1)
		conns += conns / 2;
	o->max_conns = a->services + CLOSING_SPARE + (a->mode->trans == MR_TRANS_TCP ? conns : 0);
	o->max_endpoints = 1024 + a->services + (a->mode->trans == MR_TRANS_UDP ? conns : 0);
	o->max_neighbours = 512 + a->client_addresses;
	o->rx_mbufs = o->tx_mbufs = mbufs_wanted(a, s->n);
	o->socket_id = (int)rte_lcore_to_socket_id(s->lcores[0]);
}

/* ---- on each core, before the start */

static bool
floods(const struct side *s)
{
	return s->args->mode->flags & MODE_F_FLOOD;
}

static int
addresses_add(const struct side *s, struct mr_stack *stack)
{
	struct mr_subnet a = s->args->client;
	int r = 0;

	if (s->role == ROLE_SERVER) {
		r = mr_addr_add(stack, NIC, &s->args->server, MR_PEB_CAN_BE_PRIMARY);
		return r == 0 && floods(s) ? flood_route_add(stack, s->args, NIC) : r;
	}
	for (uint32_t i = 0; i < s->args->client_addresses && r == 0; i++) {
		a.addr = args_client_address(s->args, i);
		r = mr_addr_add(stack, NIC, &a, MR_PEB_CAN_BE_PRIMARY);
	}
	return r;
}

static int
core_create(struct mr_stack *stack, unsigned core, void *arg)
{
	struct side *s = arg;
	const struct args *a = s->args;
	int r = addresses_add(s, stack);

	if (r == 0)
		r = mr_transproto_setopt(stack, MR_TRANS_TCP, MR_OPT_TCP_TIMEWAIT_NS, (int64_t)a->time_wait_ns);
	if (r < 0)
		return r;
	if (s->role == ROLE_CLIENT)
		return client_create(a, stack, core, s->n, &s->clients[core]);
	return server_create(a, stack, s->n, &s->servers[core]);
}

/* Are there lcores of EAL that have a CPU in common? Then none may keep it for itself while it has nothing to do. */
static bool
lcores_share_cpus(void)
{
	rte_cpuset_t all;
	unsigned lcore;
	int sum = 0;

	CPU_ZERO(&all);
	RTE_LCORE_FOREACH(lcore) {
		rte_cpuset_t cpus = rte_lcore_cpuset(lcore);

		sum += CPU_COUNT(&cpus);
		CPU_OR(&all, &all, &cpus);
	}
	return sum > CPU_COUNT(&all);
}

int
side_create(struct side *s, const struct args *args, const char *device)
{
	struct mr_host_opts opts = {
		.n_workers = (uint16_t)s->n,
		.lcores = s->lcores,
		.idle = lcores_share_cpus() ? MR_IDLE_YIELD : MR_IDLE_BUSY,
	};
	struct mr_host_port port = {
		.nic = NIC,
		.name = device,
		.link = {
			.device = device,
			.n_queues = (uint16_t)args->queues,
			.rx_desc = (uint16_t)args->rxd,
			.tx_desc = (uint16_t)args->txd,
		},
	};
	int r;

	s->args = args;
	stack_opts(s, &opts.stack);
	r = mr_host_create(&opts, &s->host);
	if (r < 0)
		return tell(r == -ENOMEM ? "no memory for the stack: give EAL more (-m) or lower --mbufs" : "no host", r);
	r = mr_host_add_port(s->host, &port);
	if (r < 0)
		return tell(device, r);
	return tell("set-up of the stack", mr_host_call(s->host, core_create, s));
}

static int
core_open(struct mr_stack *stack, unsigned core, void *arg)
{
	struct side *s = arg;

	(void)stack;
	return s->role == ROLE_CLIENT ? client_open(s->clients[core]) : server_open(s->servers[core]);
}

int
side_open(struct side *s)
{
	return tell(s->role == ROLE_SERVER ? "listening" : "opening connections", mr_host_call(s->host, core_open, s));
}

static int
core_close(struct mr_stack *stack, unsigned core, void *arg)
{
	struct side *s = arg;

	(void)stack;
	if (s->clients[core])
		client_stop(s->clients[core]);
	if (s->servers[core])
		server_stop(s->servers[core]);
	return 0;
}

void
side_close(struct side *s)
{
	if (s->host)
		mr_host_call(s->host, core_close, s);
}

void
side_stop(struct side *s)
{
	if (!s->host)
		return;
	/* Groups are left now, and not when the other end's packets should be back already. */
	mr_host_nic_disable(s->host, NIC);
	mr_host_stop(s->host);
}

void
side_destroy(struct side *s)
{
	mr_host_destroy(s->host);
	for (unsigned i = 0; i < s->n; i++) {
		client_destroy(s->clients[i]);
		server_destroy(s->servers[i]);
	}
}

/* ---- looking at it */

bool
side_has_main(const struct side *s)
{
	return s->lcores[0] == rte_get_main_lcore();
}

/* A number that its core writes and we read. */
static uint64_t
peek(const uint64_t *n)
{
	return __atomic_load_n(n, __ATOMIC_RELAXED);
}

/* SYNs sent, or answered; a cookie that becomes a connection is counted as an open once more. */
static void
flood_count(const struct side *s, struct side_count *out)
{
	out->honest = out->ops;
	out->ops = 0;
	for (unsigned i = 0; i < s->n && s->role == ROLE_CLIENT; i++)
		out->ops += peek(&s->clients[i]->count.syns);
	if (s->role == ROLE_SERVER)
		out->ops = mr_host_counter(s->host, MR_CNT_TCP_PASSIVE_OPENS) + mr_host_counter(s->host, MR_CNT_TCP_SYNCOOKIES_SENT) -
		           mr_host_counter(s->host, MR_CNT_TCP_SYNCOOKIES_TAKEN);
}

void
side_count(const struct side *s, struct side_count *out)
{
	memset(out, 0, sizeof(*out));
	for (unsigned i = 0; i < s->n; i++) {
		struct mr_host_load load;

		mr_host_load(s->host, i, &load);
		out->busy_tsc += load.busy_tsc;
		out->idle_tsc += load.idle_tsc;
		if (s->role == ROLE_CLIENT) {
			const struct client_count *c = &s->clients[i]->count;

			out->ops += peek(&c->ops);
			out->bytes += peek(&c->bytes);
			out->lost += peek(&c->lost);
			out->failed += peek(&c->failed);
		} else {
			const struct server_count *c = &s->servers[i]->count;

			out->ops += peek(&c->ops);
			out->bytes += peek(&c->bytes);
			out->failed += peek(&c->refused);
		}
	}
	if (floods(s))
		flood_count(s, out);
	out->rx_packets = mr_host_counter(s->host, MR_CNT_NIC_RX_PACKETS);
	out->tx_packets = mr_host_counter(s->host, MR_CNT_NIC_TX_PACKETS);
}

static int
core_memory(struct mr_stack *stack, unsigned core, void *arg)
{
	struct mr_stack_memory *m = arg;

	mr_stack_memory(stack, &m[core]);
	return 0;
}

uint64_t
side_memory(struct side *s)
{
	struct mr_stack_memory m[SIDE_MAX_CORES];
	uint64_t sum = 0;

	mr_host_call(s->host, core_memory, m);
	for (unsigned i = 0; i < s->n; i++)
		sum += m[i].used;
	return sum;
}

uint64_t
side_connections(const struct side *s)
{
	uint64_t n = 0;

	for (unsigned i = 0; i < s->n; i++)
		n += __atomic_load_n(s->role == ROLE_CLIENT ? &s->clients[i]->open : &s->servers[i]->open, __ATOMIC_RELAXED);
	return n;
}
