/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Ports of a host: one device, one link and one NIC for each worker.
 *
 * A device with fewer queues than there are workers: the queues go to the first workers, the others get relays
 * (relay.h) to them. Around the device's link, from inside out: relay hub, impairment, capture; a relay has the same
 * around itself, so each worker's own frames are impaired and captured once, and by that worker.
 *
 * Descriptors of a queue hold mbufs of the worker's receive pool for good. They come out of its reserve, less what a
 * turn has in its hands; ports that do not fit are refused, for otherwise full endpoint queues would starve the device.
 */
#include "stack/host.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "stack/context.h"
#include "stack/link.h"
#include "stack/log.h"
#include "stack/relay.h"
#include "stack/stack.h"

#define RX_DESC_DEFAULT_MAX 1024u
#define TURN_MBUFS (2u * MR_BURST) /* a burst in dispatch and one in the driver's hands */

static void
links_close(struct mr_link **links, unsigned n)
{
	while (n-- > 0) {
		if (links[n])
			mr_link_close(links[n]);
		links[n] = NULL;
	}
}

/* Descriptors per queue that fit the reserve beside those of the ports there are. Worker 0 has a queue on every port.
 * @return 0 if what is asked for, or any default, does not fit */
static uint16_t
port_rx_desc(const struct mr_host *h, const struct mr_host_port *p)
{
	uint32_t reserve = h->workers[0].stack->opts.rx_reserve_mbufs, used = h->workers[0].rx_desc;
	uint32_t room = reserve > used + TURN_MBUFS ? reserve - used - TURN_MBUFS : 0;
	uint32_t want = p->link.rx_desc;

	if (!want && room >= MR_BURST)
		want = rte_align32prevpow2(RTE_MIN(room, RX_DESC_DEFAULT_MAX));
	if (want && want <= room)
		return want;
	MR_LOG(ERR,
	       "port %s: %u receive descriptors (rxd of [port %s]) do not fit: of the %u mbufs that are reserved for rings "
	       "(rx_reserve_mbufs, else a quarter of rx_mbufs), other ports have %u and a turn needs %u: give all ports "
	       "together an rxd of at most %u, or raise rx_mbufs or mbufs of [host]",
	       p->name, want ? want : MR_BURST, p->name, reserve, used, TURN_MBUFS,
	       reserve > TURN_MBUFS ? reserve - TURN_MBUFS : 0);
	return 0;
}

/* Wrap a link by a decorator. `key` is the port's that asks for it. */
static int
link_decorate(struct mr_link **link, const char *decorator, const struct mr_host_port *p, const char *key,
              const char *args, unsigned worker)
{
	const struct mr_decorator *d = mr_decorator_find(decorator);
	char err[128] = "";
	int r = d ? 0 : -EPROTONOSUPPORT;

	if (r == 0 && d->check)
		r = d->check(args, err, sizeof(err));
	if (r == 0)
		r = d->wrap(*link, args, worker, link);
	if (r < 0)
		MR_LOG(ERR, "port %s: %s = %s: %s: correct the key, or remove it", p->name, key, args, *err ? err : strerror(-r));
	return r;
}

/* Links of `queues` workers are there: make those of the rest. Worker w sends through queue w mod queues. */
static int
links_add_relays(struct mr_link **links, unsigned queues, unsigned n)
{
	for (unsigned q = 0; q < queues; q++) {
		struct mr_link *relays[MR_HOST_MAX_WORKERS];
		unsigned k = 0;
		int r;

		for (unsigned w = queues + q; w < n; w += queues)
			k++;
		if (!k)
			break;
		r = mr_relay_create(links[q], k, &links[q], relays);
		if (r < 0)
			return r;
		for (unsigned i = 0; i < k; i++)
			links[queues + q + i * queues] = relays[i];
	}
	return 0;
}

/* @param rx_desc there is room for so many. @return queues, or -errno: then nothing is open */
static int
links_open(struct mr_host *h, const struct mr_host_port *p, uint16_t rx_desc, struct mr_link **links)
{
	struct rte_mempool *pools[MR_HOST_MAX_WORKERS];
	struct mr_link_cfg cfg = p->link;
	int queues, r;

	for (unsigned i = 0; i < h->n; i++)
		pools[i] = h->workers[i].rx_pool;
	cfg.rx_pools = pools;
	cfg.n_queues = cfg.n_queues ? RTE_MIN(cfg.n_queues, h->n) : h->n;
	if (!cfg.rx_desc)
		cfg.rx_desc_most = rx_desc;
	queues = mr_link_open(p->driver ? p->driver : "ethdev", &cfg, links);
	if (queues < 0)
		return queues;
	r = links_add_relays(links, queues, h->n);
	for (unsigned i = 0; i < h->n && r == 0; i++) {
		if (p->impair)
			r = link_decorate(&links[i], "impair", p, "impair", p->impair, i);
		if (p->capture && r == 0)
			r = link_decorate(&links[i], "sniffer", p, "capture", p->capture, i);
	}
	if (r == 0)
		return queues;
	links_close(links, h->n);
	return r;
}

/* ---- NICs on the links */

struct nics {
	const struct mr_host_port *p;
	struct mr_link **links;
};

static int
nic_create(struct mr_stack *s, unsigned core, void *arg)
{
	const struct nics *n = arg;

	return mr_nic_create(s, n->p->nic, n->p->name, n->links[core]);
}

static void
nic_uncreate(struct mr_stack *s, unsigned core, void *arg)
{
	const struct nics *n = arg;

	(void)core;
	mr_nic_remove(s, n->p->nic);
}

static int
nics_create(struct mr_host *h, const struct mr_host_port *p, struct mr_link **links)
{
	int r = mr_host_change(h, nic_create, nic_uncreate, &(struct nics){p, links});

	if (r < 0)
		MR_LOG(ERR, "port %s: no NIC %u on it: %s", p->name, p->nic, strerror(-r));
	return r;
}

static int
nic_remove(struct mr_stack *s, unsigned core, void *arg)
{
	(void)core;
	mr_nic_remove(s, *(const uint16_t *)arg);
	return 0;
}

/* ---- ports */

static struct mr_host_links *
port_find(struct mr_host *h, uint16_t nic)
{
	struct mr_host_links *port;

	TAILQ_FOREACH(port, &h->ports, entry) {
		if (port->nic == nic)
			return port;
	}
	return NULL;
}

/* What is said of ports: which have fewer queues than there are workers. */
static void
steering_describe(struct mr_host *h)
{
	const struct mr_host_links *port;
	size_t len = h->steering_len;

	h->steering[len] = '\0';
	TAILQ_FOREACH(port, &h->ports, entry) {
		if (port->queues == h->n || len >= sizeof(h->steering))
			continue;
		len += (size_t)snprintf(h->steering + len, sizeof(h->steering) - len, "; %s: %u of them send through %u",
		                        port->name, h->n - port->queues, port->queues);
	}
}

static void
port_insert(struct mr_host *h, struct mr_host_links *port)
{
	TAILQ_INSERT_TAIL(&h->ports, port, entry);
	for (unsigned i = 0; i < port->queues; i++)
		h->workers[i].rx_desc += port->rx_desc;
	steering_describe(h);
}

static void
port_remove(struct mr_host *h, struct mr_host_links *port)
{
	TAILQ_REMOVE(&h->ports, port, entry);
	for (unsigned i = 0; i < port->queues; i++)
		h->workers[i].rx_desc -= port->rx_desc;
	steering_describe(h);
	links_close(port->links, port->n);
	free(port);
}

int
mr_host_add_port(struct mr_host *h, const struct mr_host_port *p)
{
	struct mr_host_links *port;
	uint16_t rx_desc;
	int queues, r;

	MR_MAIN_LCORE();
	if (!p->nic || !p->name)
		return -EINVAL;
	if (port_find(h, p->nic)) {
		MR_LOG(ERR, "port %s: NIC id %u is taken: give each port its own", p->name, p->nic);
		return -EEXIST;
	}
	rx_desc = port_rx_desc(h, p);
	if (!rx_desc)
		return -ENOBUFS;
	port = calloc(1, sizeof(*port) + h->n * sizeof(port->links[0]));
	if (!port)
		return -ENOMEM;
	port->n = h->n;
	queues = r = links_open(h, p, rx_desc, port->links);
	if (r > 0)
		r = nics_create(h, p, port->links);
	if (r < 0) {
		links_close(port->links, port->n);
		free(port);
		return r;
	}
	port->nic = p->nic;
	port->queues = (unsigned)queues;
	/* Loopback devices keep no descriptors filled. */
	port->rx_desc = port->links[0]->caps & MR_LINK_CAP_LOOPBACK ? 0 : rx_desc;
	snprintf(port->name, sizeof(port->name), "%s", p->name);
	port_insert(h, port);
	return 0;
}

int
mr_host_remove_port(struct mr_host *h, uint16_t nic)
{
	struct mr_host_links *port = port_find(h, nic);

	MR_MAIN_LCORE();
	if (!port)
		return -ENODEV;
	mr_host_call(h, nic_remove, &nic);
	port_remove(h, port);
	return 0;
}

void
mr_host_close_ports(struct mr_host *h)
{
	while (!TAILQ_EMPTY(&h->ports))
		port_remove(h, TAILQ_FIRST(&h->ports));
}
