/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Devices are asked through ethdev; a port of another driver has only what its NIC knows.
 */
#include "app/millrace/ports.h"

#include <ctype.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <rte_ethdev.h>

/* @return false: no DPDK port */
static bool
port_find(const struct mr_host_port *p, uint16_t *id)
{
	const char *device = p->link.device;

	if (strcmp(p->driver, "ethdev") != 0 || !device)
		return false;
	if (rte_eth_dev_get_port_by_name(device, id) == 0)
		return true;
	*id = isdigit((unsigned char)*device) ? atoi(device) : RTE_MAX_ETHPORTS;
	return rte_eth_dev_is_valid_port(*id);
}

static void
offloads_print(uint64_t rx, uint64_t tx)
{
	const char *sep = "";

	printf(", offloads ");
	for (unsigned i = 0; i < 64; i++) {
		if (rx & RTE_BIT64(i)) {
			printf("%sRX_%s", sep, rte_eth_dev_rx_offload_name(RTE_BIT64(i)));
			sep = " ";
		}
	}
	for (unsigned i = 0; i < 64; i++) {
		if (tx & RTE_BIT64(i)) {
			printf("%sTX_%s", sep, rte_eth_dev_tx_offload_name(RTE_BIT64(i)));
			sep = " ";
		}
	}
	if (!*sep)
		printf("none");
}

static void
device_print(const struct mr_host_port *p)
{
	struct rte_eth_dev_info info;
	struct rte_eth_conf conf;
	uint16_t id;

	if (!port_find(p, &id) || rte_eth_dev_info_get(id, &info) || rte_eth_dev_conf_get(id, &conf))
		return;
	printf(", %s, queues %u", info.driver_name, info.nb_rx_queues);
	offloads_print(conf.rxmode.offloads, conf.txmode.offloads);
}

/* Core 0 tells about a NIC; all have the same. */
static int
nic_ask(struct mr_stack *s, unsigned core, void *arg)
{
	struct mr_nic_info *nic = arg;

	return core == 0 ? mr_nic_info(s, nic->id, nic) : 0;
}

void
ports_print(struct mr_host *h, const struct mr_config *cfg)
{
	const struct mr_config_port *ports;
	unsigned n = mr_config_ports(cfg, &ports);

	for (unsigned i = 0; i < n; i++) {
		const struct mr_config_port *p = &ports[i];
		char text[MR_ADDR_STRLEN];
		struct mr_nic_info nic = {.id = p->port.nic};

		mr_host_call(h, nic_ask, &nic);
		printf("Port %s: %s", p->port.name, p->port.link.device ? p->port.link.device : p->port.driver);
		if (nic.lladdr.len)
			printf(", MAC %02x:%02x:%02x:%02x:%02x:%02x", nic.lladdr.b[0], nic.lladdr.b[1], nic.lladdr.b[2],
			       nic.lladdr.b[3], nic.lladdr.b[4], nic.lladdr.b[5]);
		printf(", MTU %u, addresses", nic.mtu);
		for (unsigned j = 0; j < p->n_addrs; j++)
			printf(" %s/%u", mr_addr_format(&p->addrs[j].addr, text, sizeof(text)), p->addrs[j].plen);
		device_print(&p->port);
		if (p->port.impair)
			printf(", impaired: %s", p->port.impair);
		if (p->port.capture)
			printf(", captured in %s", p->port.capture);
		putchar('\n');
	}
}

static void
stats_print(const struct rte_eth_stats *s)
{
	uint64_t rx_lost = s->imissed + s->rx_nombuf + s->ierrors;

	printf("  RX-packets: %-14" PRIu64 " RX-dropped: %-13" PRIu64 " RX-total: %" PRIu64 "\n", s->ipackets, rx_lost,
	       s->ipackets + rx_lost);
	printf("  TX-packets: %-14" PRIu64 " TX-dropped: %-13" PRIu64 " TX-total: %" PRIu64 "\n", s->opackets,
	       s->oerrors, s->opackets + s->oerrors);
}

void
ports_print_stats(const struct mr_config *cfg)
{
	const struct mr_config_port *ports;
	unsigned n = mr_config_ports(cfg, &ports);
	struct rte_eth_stats sum = {0}, s;
	uint16_t id;

	for (unsigned i = 0; i < n; i++) {
		if (!port_find(&ports[i].port, &id) || rte_eth_stats_get(id, &s))
			continue;
		printf("\n  ---------------------- Statistics for port %s ----------------------\n",
		       ports[i].port.name);
		stats_print(&s);
		sum.ipackets += s.ipackets;
		sum.opackets += s.opackets;
		sum.imissed += s.imissed;
		sum.rx_nombuf += s.rx_nombuf;
		sum.ierrors += s.ierrors;
		sum.oerrors += s.oerrors;
	}
	printf("\n  +++++++++++++++ Accumulated statistics for all ports +++++++++++++++\n");
	stats_print(&sum);
}
