/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Third parties at work: two stacks on the ends of a tube that loses every fifth frame, with a network and a transport
 * protocol that the library has never heard of beside its own. Virtual time. Exits with 0 if all of it works.
 *
 * Built outside the tree against an installed library, by pkg-config (scripts/test).
 */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <millrace.h>
#include <rte_eal.h>
#include <rte_mempool.h>

#include "beacon.h"
#include "msg.h"

#define STEP_NS 1000000u
#define S_NS 1000000000u

static struct mr_stack *stacks[2];
static uint64_t now_ns;
static const char *const addrs[2][2] = {{"10.9.0.1/24", "10.9.0.2/24"}, {"fd09::1/64", "fd09::2/64"}};

#define must(cond) \
	do { \
		if (!(cond)) { \
			fprintf(stderr, "%s:%d: not so: %s\n", __FILE__, __LINE__, #cond); \
			exit(1); \
		} \
	} while (0)

static void
run(uint64_t for_ns)
{
	uint64_t end = now_ns + for_ns;

	for (; now_ns < end; now_ns += STEP_NS) {
		mr_stack_poll(stacks[0], now_ns);
		mr_stack_poll(stacks[1], now_ns);
	}
}

static struct mr_link *
make_stack(unsigned i)
{
	struct mr_stack_opts o = {.name = i ? "b" : "a", .seed = i + 1, .rx_mbufs = 1024, .tx_mbufs = 1024};
	struct mr_link_cfg cfg = {.device = "t", .args = "lose=5", .n_queues = 1};
	struct rte_mempool *pool;
	struct mr_link *l;

	must(mr_stack_create(&o, &stacks[i]) == 0);
	must(mr_stack_has_netproto(stacks[i], BEACON_ETHERTYPE) && mr_stack_has_transproto(stacks[i], MSG_PROTO));
	pool = mr_stack_rx_pool(stacks[i]);
	cfg.rx_pools = &pool;
	must(mr_link_open("tube", &cfg, &l) == 1);
	must(mr_nic_create(stacks[i], 1, "tube", l) == 0);
	for (unsigned f = 0; f < 2; f++) {
		struct mr_subnet sn;

		must(mr_subnet_parse(addrs[f][i], &sn) == 0);
		must(mr_addr_add(stacks[i], 1, &sn, MR_PEB_CAN_BE_PRIMARY) == 0);
	}
	return l;
}

static struct mr_ep *
endpoint(unsigned i, unsigned family, uint16_t port, uint16_t peer_port)
{
	struct mr_sockaddr local = {.port = port}, peer = {.port = peer_port};
	struct mr_subnet sn;
	struct mr_ep *ep;

	must(mr_subnet_parse(addrs[family][!i], &sn) == 0);
	peer.addr = sn.addr;
	must(mr_ep_create(stacks[i], MSG_PROTO, family ? MR_NET_IPV6 : MR_NET_IPV4, &ep) == 0);
	must(mr_ep_bind(ep, &local) == 0);
	must(mr_ep_connect(ep, &peer) == 0);
	return ep;
}

static unsigned events;

static void
on_event(struct mr_ep *ep, uint32_t ev, void *arg)
{
	(void)ep, (void)arg;
	events |= ev;
}

/* Twenty messages each way, one after the other: each once and in order, whatever is lost. */
static void
talk(unsigned family)
{
	struct mr_ep *a = endpoint(0, family, 100, 200), *b = endpoint(1, family, 200, 100);
	struct mr_waiter w = {.mask = MR_EV_IN | MR_EV_OUT | MR_EV_ERR, .fn = on_event};
	char out[32], in[32];

	events = 0;
	mr_ep_wait(a, &w);
	for (int i = 0; i < 20; i++) {
		int n = snprintf(out, sizeof(out), "message %d", i);

		must(mr_ep_send(i % 2 ? b : a, out, n) == n);
		must(mr_ep_send(i % 2 ? b : a, out, n) == -EAGAIN);
		run(3 * S_NS);
		must(mr_ep_readiness(i % 2 ? b : a) & MR_EV_OUT);
		must(mr_ep_recv(i % 2 ? a : b, in, sizeof(in), NULL) == n);
		must(memcmp(in, out, n) == 0);
		must(mr_ep_recv(i % 2 ? a : b, in, sizeof(in), NULL) == -EAGAIN);
	}
	must(events == (MR_EV_IN | MR_EV_OUT));
	mr_ep_close(a);
	mr_ep_close(b);
}

/* Where nobody listens, ICMP comes back. */
static void
refused(unsigned family)
{
	struct mr_ep *a = endpoint(0, family, 101, 201);
	struct mr_waiter w = {.mask = MR_EV_ERR, .fn = on_event};
	char in[8];

	events = 0;
	mr_ep_wait(a, &w);
	must(mr_ep_send(a, "x", 1) == 1);
	run(S_NS);
	must(events == MR_EV_ERR);
	must(mr_ep_recv(a, in, sizeof(in), NULL) == -ECONNREFUSED);
	mr_ep_close(a);
}

int
main(int argc, char **argv)
{
	struct mr_link *links[2];
	int64_t heard[2];

	must(rte_eal_init(argc, argv) >= 0);
	for (unsigned i = 0; i < 2; i++)
		links[i] = make_stack(i);
	for (unsigned family = 0; family < 2; family++) {
		talk(family);
		refused(family);
	}
	for (unsigned i = 0; i < 2; i++) {
		must(mr_netproto_getopt(stacks[i], BEACON_ETHERTYPE, BEACON_OPT_HEARD, &heard[i]) == 0);
		must(heard[i] > 20 && heard[i] < (int64_t)(now_ns / S_NS)); /* some were lost */
	}
	printf("%" PRIu64 " s: messages and refusals over IPv4 and IPv6, %" PRId64 " and %" PRId64 " beacons heard\n",
	       now_ns / S_NS, heard[0], heard[1]);
	for (unsigned i = 0; i < 2; i++) {
		must(rte_mempool_in_use_count(mr_stack_rx_pool(stacks[i])) + rte_mempool_in_use_count(mr_stack_tx_pool(stacks[i])) <
		     64);
		mr_stack_destroy(stacks[i]);
	}
	mr_link_close(links[0]);
	mr_link_close(links[1]);
	rte_eal_cleanup();
	return 0;
}
