/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The program behind scripts/instructions: N operations between two stacks that are joined by `pair` in one thread, in
 * virtual time and from fixed seeds, so that two runs execute the same instructions. Run under callgrind with two
 * values of N; the difference is the price of the operations alone.
 *
 *   udp_rr   64 bytes there and back
 *   tcp_rr   the same on a connection that stays open
 *   tcp_crr  connect, the same, close (by the client, which keeps the TIME-WAIT record)
 *   tcp_stream  a megabyte from the client to the server, on a connection that stays open
 *
 * One after another, which makes each operation pay for whole turns; or, with CONNECTIONS more than 1, so many side by
 * side, as on a busy core. Each pair of turns takes 10 us. TIME-WAIT is set so short that every operation also pays for the end
 * of an older record. Not a test: nothing is judged here but that all operations took place.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <rte_common.h>
#include <rte_eal.h>

#include "stack/millrace.h"

#define MESSAGE_BYTES 64
#define WRITE_BYTES 16384
#define STREAM_OP_BYTES 1000000ul
#define PORT 7
#define TURN_NS 10000ull
#define TIME_WAIT_NS 5000000
#define MAX_TURNS_PER_OP 1000 /* far more than any operation takes: something is stuck */

enum scenario { UDP_RR, TCP_RR, TCP_CRR, TCP_STREAM };

static const char *const scenarios[] = {"udp_rr", "tcp_rr", "tcp_crr", "tcp_stream"};

#define MAX_CONNECTIONS 1024

/* Whom the counts belong to. */
#ifdef __clang__
#define COMPILER "clang " RTE_STR(__clang_major__) " " RTE_STR(RTE_ARCH)
#else
#define COMPILER "gcc " RTE_STR(__GNUC__) " " RTE_STR(RTE_ARCH)
#endif

struct bench;

struct end {
	struct mr_stack *stack;
	struct mr_link *link;
	struct mr_addr addr;
};

/* One connection (or datagram endpoint) of one side; on the client's it is opened again and again. */
struct conn {
	struct bench *bench;
	struct mr_ep *ep;
	struct mr_waiter waiter;
	bool connected;
	struct conn *next; /* free ones of the server */
};

struct bench {
	enum scenario scenario;
	uint16_t net;
	unsigned long wanted, started, done; /* operations */
	unsigned long sent, received;        /* bytes of TCP_STREAM */
	unsigned n_conns;
	struct end client, server;
	struct conn clients[MAX_CONNECTIONS], servers[2 * MAX_CONNECTIONS], *free_servers;
	struct mr_ep *listener;
	struct mr_waiter accepting;
	uint64_t now_ns;
};

static void
die(const char *what, long rc)
{
	fprintf(stderr, "cost: %s: %s\n", what, rc < 0 ? strerror((int)-rc) : "unexpected");
	exit(1);
}

static void
check(long rc, const char *what)
{
	if (rc < 0)
		die(what, rc);
}

/* ---- two hosts ---------------------------------------------------------------------------------------------- */

static void
end_create(struct end *e, const char *name, uint64_t seed)
{
	struct mr_stack_opts opts = {
		.name = name,
		.seed = seed,
		.rx_mbufs = 2048,
		.tx_mbufs = 2048,
		.max_conns = 4 * MAX_CONNECTIONS,
		.max_half_open = 2 * MAX_CONNECTIONS,
		.max_time_wait = 16384,
		.max_endpoints = 2 * MAX_CONNECTIONS,
		.max_neighbours = 64,
	};

	check(mr_stack_create(&opts, &e->stack), "mr_stack_create");
	check(mr_transproto_setopt(e->stack, MR_TRANS_TCP, MR_OPT_TCP_TIMEWAIT_NS, TIME_WAIT_NS), "MR_OPT_TCP_TIMEWAIT_NS");
}

/* NIC 1 with its address, and the other end as a neighbour. The links are Ethernet with addresses of their own. */
static void
end_attach(struct end *e, const char *addr, const char *other, const struct mr_nic_info *other_nic)
{
	struct mr_subnet subnet;
	struct mr_addr peer;

	check(mr_subnet_parse(addr, &subnet), addr);
	check(mr_addr_parse(other, &peer), other);
	e->addr = subnet.addr;
	check(mr_addr_add(e->stack, 1, &subnet, MR_PEB_CAN_BE_PRIMARY), "mr_addr_add");
	check(mr_neigh_add(e->stack, 1, &peer, &other_nic->lladdr), "mr_neigh_add");
}

static void
bench_join(struct bench *b)
{
	bool v6 = b->net == MR_NET_IPV6;
	struct mr_nic_info client, server;

	end_create(&b->client, "client", 1);
	end_create(&b->server, "server", 2);
	check(mr_pair_create(mr_stack_rx_pool(b->client.stack), mr_stack_rx_pool(b->server.stack), 1500, 1024, &b->client.link,
	                     &b->server.link), "mr_pair_create");
	check(mr_nic_create(b->client.stack, 1, "pair", b->client.link), "mr_nic_create");
	check(mr_nic_create(b->server.stack, 1, "pair", b->server.link), "mr_nic_create");
	check(mr_nic_info(b->client.stack, 1, &client), "mr_nic_info");
	check(mr_nic_info(b->server.stack, 1, &server), "mr_nic_info");
	end_attach(&b->client, v6 ? "fd00::1/64" : "10.0.0.1/24", v6 ? "fd00::2" : "10.0.0.2", &server);
	end_attach(&b->server, v6 ? "fd00::2/64" : "10.0.0.2/24", v6 ? "fd00::1" : "10.0.0.1", &client);
}

static void
end_destroy(struct end *e)
{
	check(mr_nic_remove(e->stack, 1), "mr_nic_remove");
	mr_link_close(e->link);
}

/* ---- what the two programs do ------------------------------------------------------------------------------- */

static void
message_send(struct mr_ep *ep, const char *buf)
{
	if (mr_ep_send(ep, buf, MESSAGE_BYTES) != MESSAGE_BYTES)
		die("send", 0);
}

/* Send back what came; end when the peer has. */
static void
server_echo(struct mr_ep *ep, uint32_t events, void *arg)
{
	struct conn *c = arg;
	struct bench *b = c->bench;
	struct mr_sockaddr from;
	char buf[2 * MESSAGE_BYTES];
	ssize_t n;

	(void)events;
	while ((n = mr_ep_recv(ep, buf, sizeof(buf), &from)) > 0)
		check(b->scenario == UDP_RR ? mr_ep_sendto(ep, buf, (size_t)n, &from) : mr_ep_send(ep, buf, (size_t)n), "echo");
	if (n == 0) {
		c->next = b->free_servers;
		b->free_servers = c;
		mr_ep_close(ep);
	} else if (n != -EAGAIN) {
		die("server's recv", n);
	}
}

static void
server_sink(struct mr_ep *ep, uint32_t events, void *arg)
{
	struct conn *c = arg;
	static char buf[WRITE_BYTES];
	ssize_t n;

	(void)events;
	while ((n = mr_ep_recv(ep, buf, sizeof(buf), NULL)) > 0)
		c->bench->received += (unsigned long)n;
	c->bench->done = c->bench->received / STREAM_OP_BYTES;
	if (n == 0)
		mr_ep_close(ep);
	else if (n != -EAGAIN)
		die("server's recv", n);
}

static void
server_accept(struct mr_ep *listener, uint32_t events, void *arg)
{
	struct bench *b = arg;
	struct mr_ep *ep;

	(void)events;
	while (mr_ep_accept(listener, &ep) == 0) {
		struct conn *c = b->free_servers;

		if (!c)
			die("accept", 0);
		b->free_servers = c->next;
		c->waiter = (struct mr_waiter){.mask = MR_EV_IN, .arg = c};
		c->waiter.fn = b->scenario == TCP_STREAM ? server_sink : server_echo;
		mr_ep_wait(ep, &c->waiter);
	}
}

static void
client_request(struct conn *c)
{
	static const char request[MESSAGE_BYTES] = "request";

	if (c->bench->started == c->bench->wanted)
		return;
	c->bench->started++;
	message_send(c->ep, request);
}

/* As much as there is room for; more when there is more. */
static void
client_push(struct conn *c)
{
	static const char data[WRITE_BYTES];
	struct bench *b = c->bench;
	unsigned long left = b->wanted * STREAM_OP_BYTES - b->sent;
	ssize_t n;

	for (; left > 0; left -= (unsigned long)n, b->sent += (unsigned long)n) {
		n = mr_ep_send(c->ep, data, RTE_MIN(left, sizeof(data)));
		if (n == -EAGAIN)
			return;
		check(n, "send");
	}
}

static void
client_event(struct mr_ep *ep, uint32_t events, void *arg)
{
	struct conn *c = arg;
	char buf[2 * MESSAGE_BYTES];

	if (events & MR_EV_ERR)
		die("client", mr_ep_error(ep));
	if (c->bench->scenario == TCP_STREAM) {
		client_push(c);
		return;
	}
	if (!c->connected) {
		c->connected = true;
		client_request(c);
		return;
	}
	if (!(events & MR_EV_IN))
		return;
	if (mr_ep_recv(ep, buf, sizeof(buf), NULL) != MESSAGE_BYTES)
		die("response", 0);
	c->bench->done++;
	if (c->bench->scenario == TCP_CRR) {
		c->ep = NULL;
		c->connected = false;
		mr_ep_close(ep);
	} else {
		client_request(c);
	}
}

static void
client_open(struct conn *c)
{
	struct bench *b = c->bench;
	uint8_t trans = b->scenario == UDP_RR ? MR_TRANS_UDP : MR_TRANS_TCP;
	struct mr_sockaddr to = {.addr = b->server.addr, .port = PORT};
	int rc;

	check(mr_ep_create(b->client.stack, trans, b->net, &c->ep), "mr_ep_create");
	rc = mr_ep_connect(c->ep, &to);
	if (rc != -EINPROGRESS)
		check(rc, "mr_ep_connect");
	c->waiter = (struct mr_waiter){.mask = MR_EV_IN | MR_EV_OUT | MR_EV_ERR, .fn = client_event, .arg = c};
	mr_ep_wait(c->ep, &c->waiter);
}

static void
server_open(struct bench *b)
{
	uint8_t trans = b->scenario == UDP_RR ? MR_TRANS_UDP : MR_TRANS_TCP;
	struct mr_sockaddr at = {.addr = b->server.addr, .port = PORT};

	for (unsigned i = 0; i < RTE_DIM(b->servers); i++) {
		b->servers[i].bench = b;
		b->servers[i].next = b->free_servers;
		b->free_servers = &b->servers[i];
	}
	check(mr_ep_create(b->server.stack, trans, b->net, &b->listener), "mr_ep_create");
	check(mr_ep_bind(b->listener, &at), "mr_ep_bind");
	b->accepting = (struct mr_waiter){.mask = MR_EV_IN, .fn = server_accept, .arg = b};
	if (b->scenario == UDP_RR) {
		b->accepting.fn = server_echo;
		b->accepting.arg = b->free_servers;
	} else {
		check(mr_ep_listen(b->listener, 2 * MAX_CONNECTIONS), "mr_ep_listen");
	}
	mr_ep_wait(b->listener, &b->accepting);
}

/* ---- the run ------------------------------------------------------------------------------------------------ */

/* Functions of their own, so that the price of each end can be read off the profile. */
static __attribute__((noinline)) unsigned
client_turn(struct bench *b)
{
	return mr_stack_poll(b->client.stack, b->now_ns);
}

static __attribute__((noinline)) unsigned
server_turn(struct bench *b)
{
	return mr_stack_poll(b->server.stack, b->now_ns);
}

static unsigned
turns(struct bench *b)
{
	unsigned work = client_turn(b);

	work += server_turn(b);
	b->now_ns += TURN_NS;
	return work;
}

/* Has the server seen the end of everything the client has closed? */
static bool
all_closed(const struct bench *b)
{
	return mr_stack_counter(b->server.stack, MR_CNT_TCP_CLOSED) == b->done;
}

static bool
finished(const struct bench *b)
{
	return b->done == b->wanted && (b->scenario != TCP_CRR || all_closed(b));
}

static void
run(struct bench *b)
{
	unsigned long done = 0, idle = 0;

	while (!finished(b)) {
		for (unsigned i = 0; i < b->n_conns; i++) {
			/* Alone, an operation begins when the one before it has wholly ended. */
			if (!b->clients[i].ep && b->started < b->wanted && (b->n_conns > 1 || all_closed(b)))
				client_open(&b->clients[i]);
		}
		turns(b);
		idle = b->done == done ? idle + 1 : 0;
		done = b->done;
		if (idle == MAX_TURNS_PER_OP)
			die("stuck", 0);
	}
}

static void
bench_end(struct bench *b)
{
	unsigned left = MAX_TURNS_PER_OP;

	for (unsigned i = 0; i < b->n_conns; i++) {
		if (b->clients[i].ep)
			mr_ep_close(b->clients[i].ep);
	}
	while (turns(b) > 0 && --left > 0)
		;
	mr_ep_close(b->listener);
	end_destroy(&b->client);
	end_destroy(&b->server);
	mr_stack_destroy(b->client.stack);
	mr_stack_destroy(b->server.stack);
}

static bool
bench_parse(struct bench *b, int argc, char **argv)
{
	char *end;
	unsigned i = 0;

	if (argc < 4 || argc > 5)
		return false;
	b->n_conns = argc == 5 ? (unsigned)strtoul(argv[4], NULL, 10) : 1;
	if (b->n_conns < 1 || b->n_conns > MAX_CONNECTIONS)
		return false;
	for (unsigned k = 0; k < b->n_conns; k++)
		b->clients[k].bench = b;
	while (i < RTE_DIM(scenarios) && strcmp(argv[1], scenarios[i]) != 0)
		i++;
	b->scenario = (enum scenario)i;
	b->net = strcmp(argv[2], "6") == 0 ? MR_NET_IPV6 : MR_NET_IPV4;
	b->wanted = strtoul(argv[3], &end, 10);
	return i < RTE_DIM(scenarios) && (!strcmp(argv[2], "4") || !strcmp(argv[2], "6")) && b->wanted > 0 && *end == '\0';
}

int
main(int argc, char **argv)
{
	static struct bench b = {.now_ns = 1000000000};
	char *eal[] = {argv[0], "--no-huge", "--no-shconf", "--no-pci", "--no-telemetry", "-m", "128",
	               "--log-level=lib.eal:4", "--lcores=0", NULL};

	if (argc == 2 && strcmp(argv[1], "--compiler") == 0) {
		puts(COMPILER);
		return 0;
	}
	if (!bench_parse(&b, argc, argv)) {
		fprintf(stderr, "usage: cost udp_rr|tcp_rr|tcp_crr|tcp_stream 4|6 OPERATIONS [CONNECTIONS]\n"
		                "       cost --compiler\n");
		return 2;
	}
	if (rte_eal_init(9, eal) < 0)
		return 1;
	bench_join(&b);
	server_open(&b);
	run(&b);
	bench_end(&b);
	rte_eal_cleanup();
	printf("%lu\n", b.done);
	return 0;
}
