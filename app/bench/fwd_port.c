/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Ports for the forward modes: found, configured with as many queue pairs as there are cores for each, started, and made
 * promiscuous as far as they can.
 *
 * A port has a pool of its own: what it receives into, and what a generator on it makes.
 */
#include "app/bench/fwd.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <rte_errno.h>
#include <rte_ethdev.h>
#include <rte_lcore.h>

#define DESCRIPTORS 1024
#define CACHE 256
#define SPARE 2048

static const uint64_t l4_cksum = RTE_ETH_TX_OFFLOAD_UDP_CKSUM | RTE_ETH_TX_OFFLOAD_TCP_CKSUM;

static int
tell(const char *port, const char *what, int r)
{
	fprintf(stderr, "millrace-bench: port %s: %s (%s)\n", port, what, strerror(-r));
	return r;
}

static int
pool_make(const struct args *a, unsigned queues, struct fwd_port *p)
{
	uint32_t rxd = a->rxd ? a->rxd : DESCRIPTORS, txd = a->txd ? a->txd : DESCRIPTORS, room = RTE_MBUF_DEFAULT_DATAROOM;
	uint32_t n = a->mbufs ? a->mbufs : queues * (rxd + txd * RTE_MAX(a->n_txpkts, 1u) + SPARE);
	char name[RTE_MEMPOOL_NAMESIZE];

	for (unsigned i = 0; i < a->n_txpkts; i++)
		room = RTE_MAX(room, a->txpkts[i]);
	snprintf(name, sizeof(name), "bench_port%u", p->id);
	p->pool = rte_pktmbuf_pool_create(name, n, CACHE, 0, (uint16_t)(room + RTE_PKTMBUF_HEADROOM),
	                                  rte_eth_dev_socket_id(p->id));
	if (p->pool)
		return 0;
	return tell(p->name, "no pool of packets: give EAL more memory (-m), or lower --mbufs", -rte_errno);
}

static int
queues_make(const struct args *a, unsigned queues, struct fwd_port *p, const struct rte_eth_dev_info *info,
            const struct rte_eth_conf *conf)
{
	uint16_t rxd = (uint16_t)(a->rxd ? a->rxd : DESCRIPTORS), txd = (uint16_t)(a->txd ? a->txd : DESCRIPTORS);
	struct rte_eth_txconf tx = info->default_txconf;
	int socket = rte_eth_dev_socket_id(p->id), r;

	r = rte_eth_dev_adjust_nb_rx_tx_desc(p->id, &rxd, &txd);
	tx.offloads = conf->txmode.offloads;
	for (uint16_t q = 0; q < queues && r == 0; q++) {
		r = rte_eth_rx_queue_setup(p->id, q, rxd, socket, NULL, p->pool);
		if (r == 0)
			r = rte_eth_tx_queue_setup(p->id, q, txd, socket, &tx);
	}
	return r < 0 ? tell(p->name, "its queues cannot be set up: try fewer descriptors (--rxd, --txd)", r) : 0;
}

static int
port_configure(const struct args *a, unsigned queues, struct fwd_port *p)
{
	struct rte_eth_conf conf = {0};
	struct rte_eth_dev_info info;
	int r = rte_eth_dev_info_get(p->id, &info);

	if (r < 0)
		return tell(p->name, "it does not tell what it can", r);
	if (queues > info.max_rx_queues || queues > info.max_tx_queues)
		return tell(p->name, "it has not so many queues: lower --cores-per-port, or give the device more (queues=N)", -EINVAL);
	conf.txmode.offloads = info.tx_offload_capa & RTE_ETH_TX_OFFLOAD_MULTI_SEGS;
	if (a->n_txpkts > 1 && !conf.txmode.offloads)
		return tell(p->name, "it takes no packets of several segments: give --txpkts one length", -EINVAL);
	/* A vhost port would compute them in a packet that may be shared. */
	if ((info.tx_offload_capa & l4_cksum) == l4_cksum && strcmp(info.driver_name, "net_vhost") != 0) {
		conf.txmode.offloads |= l4_cksum;
		p->l4_offload = true;
	}
	if (queues > 1 && info.reta_size && info.flow_type_rss_offloads) {
		conf.rxmode.mq_mode = RTE_ETH_MQ_RX_RSS;
		conf.rx_adv_conf.rss_conf.rss_hf =
			info.flow_type_rss_offloads & (RTE_ETH_RSS_IP | RTE_ETH_RSS_UDP | RTE_ETH_RSS_TCP);
	}
	r = rte_eth_dev_configure(p->id, (uint16_t)queues, (uint16_t)queues, &conf);
	if (r == -ENOTSUP && conf.rxmode.mq_mode) {
		conf.rxmode.mq_mode = RTE_ETH_MQ_RX_NONE;
		memset(&conf.rx_adv_conf, 0, sizeof(conf.rx_adv_conf));
		r = rte_eth_dev_configure(p->id, (uint16_t)queues, (uint16_t)queues, &conf);
	}
	if (r < 0)
		return tell(p->name, "it cannot be configured", r);
	return queues_make(a, queues, p, &info, &conf);
}

static int
port_open(const struct args *a, unsigned queues, struct fwd_port *p)
{
	int r = pool_make(a, queues, p);

	if (r == 0)
		r = port_configure(a, queues, p);
	if (r < 0)
		return r;
	r = rte_eth_dev_start(p->id);
	if (r < 0)
		return tell(p->name, "it does not start: is its other end there? memif starts the server first", r);
	rte_eth_promiscuous_enable(p->id);
	rte_eth_macaddr_get(p->id, &p->own);
	if (rte_is_zero_ether_addr(&p->own))
		p->own = (struct rte_ether_addr){.addr_bytes = {0x02, 0x4d, 0x52, 0x02, p->id >> 8, p->id & 0xff}};
	/* As testpmd: somebody, unless told who. */
	p->peer = (struct rte_ether_addr){.addr_bytes = {0x02, 0, 0, 0, 0, (uint8_t)p->id}};
	if (a->peer_mac.len)
		memcpy(p->peer.addr_bytes, a->peer_mac.b, RTE_ETHER_ADDR_LEN);
	return 0;
}

/* A port by name or number. */
static int
port_find(const char *text, struct fwd_port *p)
{
	char *end;

	if (rte_eth_dev_get_port_by_name(text, &p->id) < 0) {
		unsigned long nr = strtoul(text, &end, 10);

		if (*text < '0' || *text > '9' || *end || nr >= RTE_MAX_ETHPORTS || !rte_eth_dev_is_valid_port((uint16_t)nr))
			return tell(text, "there is no such port: give EAL a --vdev, or allow a device with -a", -ENODEV);
		p->id = (uint16_t)nr;
	}
	return rte_eth_dev_get_name_by_port(p->id, p->name);
}

/* Ports named by --port, or all. @return how many, or -errno, told */
static int
ports_list(const struct args *a, struct fwd_port *ports)
{
	char list[512], *save = NULL;
	uint16_t id;
	int n = 0;

	if (a->port) {
		snprintf(list, sizeof(list), "%s", a->port);
		for (char *w = strtok_r(list, ",", &save); w; w = strtok_r(NULL, ",", &save)) {
			int r = n < FWD_PORTS_MOST ? port_find(w, &ports[n]) : -ENOSPC;

			if (r < 0)
				return r;
			n++;
		}
		return n;
	}
	RTE_ETH_FOREACH_DEV(id) {
		if (n == FWD_PORTS_MOST)
			break;
		ports[n].id = id;
		rte_eth_dev_get_name_by_port(id, ports[n++].name);
	}
	if (n > 0)
		return n;
	fprintf(stderr, "millrace-bench: there is no port: give EAL a --vdev, or bind a NIC and allow it with -a\n");
	return -ENODEV;
}

int
fwd_ports_open(const struct args *args, unsigned queues, struct fwd_port *ports)
{
	int n = ports_list(args, ports), r = 0;

	for (int i = 0; i < n && r == 0; i++)
		r = port_open(args, queues, &ports[i]);
	return r < 0 ? r : n;
}

void
fwd_ports_close(struct fwd_port *ports, unsigned n)
{
	for (unsigned i = 0; i < n; i++) {
		rte_eth_dev_stop(ports[i].id);
		rte_eth_dev_close(ports[i].id);
	}
	for (unsigned i = 0; i < n; i++)
		rte_mempool_free(ports[i].pool);
}
