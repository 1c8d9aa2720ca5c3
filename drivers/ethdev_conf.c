/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Driver ethdev, the half that finds a device and configures it: what the port offers of what the stack can use.
 *
 * Deliberately not used: LRO (merging is per connection in the stack), the fast free of mbufs (transmitted frames may be
 * shared), and rte_eth_tx_prepare but for segments to be cut (it writes to frames, and the stack has put the pseudo-header
 * sum where it belongs). RSS spreads flows over queues; which core owns a flow is steering's business.
 *
 * Whatever fails is logged with the name of the device and what to do about it.
 */
#include "ethdev.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <rte_kvargs.h>

#include "stack/log.h"
#include "stack/pkt.h"

#define DESCRIPTORS 1024 /* default */
/* Of virtio's receive queues. The other end has written to the packet that comes next as long ago as the ring is deep: of 1,024
 * none is in a cache then, nor the translation of its page. Its peer waits for room, as no wire does. */
#define VIRTIO_RX_DESCRIPTORS 256
/* Of its transmit queues: what was sent is freed when there is no room for more, and these still fit the cache. */
#define VIRTIO_TX_DESCRIPTORS 512
#define RSS_KEY_MAX 128
#define TSO_RING_PART 4

static const uint64_t rx_cksum = RTE_ETH_RX_OFFLOAD_IPV4_CKSUM | RTE_ETH_RX_OFFLOAD_UDP_CKSUM |
                                 RTE_ETH_RX_OFFLOAD_TCP_CKSUM;
static const uint64_t tx_l4_cksum = RTE_ETH_TX_OFFLOAD_UDP_CKSUM | RTE_ETH_TX_OFFLOAD_TCP_CKSUM;
static const uint64_t tx_wanted = RTE_ETH_TX_OFFLOAD_IPV4_CKSUM | RTE_ETH_TX_OFFLOAD_UDP_CKSUM |
                                  RTE_ETH_TX_OFFLOAD_TCP_CKSUM | RTE_ETH_TX_OFFLOAD_MULTI_SEGS |
                                  RTE_ETH_TX_OFFLOAD_TCP_TSO;
static const uint64_t tso_needs = RTE_ETH_TX_OFFLOAD_TCP_CKSUM | RTE_ETH_TX_OFFLOAD_MULTI_SEGS;

static void
log_unknown(const char *device)
{
	char list[512] = "", name[RTE_ETH_NAME_MAX_LEN];
	size_t len = 0;
	uint16_t port;

	RTE_ETH_FOREACH_DEV(port) {
		if (rte_eth_dev_get_name_by_port(port, name) || len + strlen(name) + 10 > sizeof(list))
			continue;
		len += snprintf(list + len, sizeof(list) - len, "%s%s (%u)", len ? ", " : "", name, port);
	}
	if (len)
		MR_LOG(ERR, "ethdev: no device \"%s\"; there are %s", device, list);
	else
		MR_LOG(ERR,
		       "ethdev: no device \"%s\", nor any other: give EAL a --vdev, or bind a NIC and allow it with -a",
		       device);
}

/* By name, or by number. */
int
mr_ethdev_find(struct mr_ethdev *d, const char *device)
{
	unsigned long nr;
	char *end;

	if (!device || !*device) {
		MR_LOG(ERR, "ethdev: which device? Set its name or port number");
		return -EINVAL;
	}
	if (rte_eth_dev_get_port_by_name(device, &d->port)) {
		nr = strtoul(device, &end, 10);
		if (device[0] < '0' || device[0] > '9' || *end || nr >= RTE_MAX_ETHPORTS ||
		    !rte_eth_dev_is_valid_port(nr)) {
			log_unknown(device);
			return -ENODEV;
		}
		d->port = nr;
	}
	return rte_eth_dev_get_name_by_port(d->port, d->name);
}

/* Least room for a frame in one mbuf of any queue; 0 if a pool does not serve. */
static uint32_t
pools_room(const struct mr_ethdev *d, const struct mr_link_cfg *cfg)
{
	uint32_t room = UINT32_MAX;

	for (uint16_t q = 0; q < d->n_queues; q++) {
		struct rte_mempool *mp = cfg->rx_pools ? cfg->rx_pools[q] : NULL;

		if (!mp || rte_pktmbuf_priv_size(mp) < MR_PKT_PRIV_BYTES) {
			MR_LOG(ERR, "ethdev %s: queue %u needs a receive pool made with mr_pktpool_create", d->name, q);
			return 0;
		}
		room = RTE_MIN(room, (uint32_t)rte_pktmbuf_data_room_size(mp) - RTE_PKTMBUF_HEADROOM);
	}
	return room;
}

/* Largest MTU that rte_eth_dev_configure lets pass. */
static uint32_t
mtu_limit(const struct rte_eth_dev_info *info)
{
	uint32_t overhead = RTE_ETHER_HDR_LEN + RTE_ETHER_CRC_LEN;

	if (info->max_mtu != UINT16_MAX && info->max_rx_pktlen > info->max_mtu)
		overhead = info->max_rx_pktlen - info->max_mtu;
	return RTE_MIN((uint32_t)info->max_mtu, info->max_rx_pktlen > overhead ? info->max_rx_pktlen - overhead : 0);
}

static void
rx_mode(const struct mr_ethdev *d, const struct rte_eth_dev_info *info, uint32_t room, struct rte_eth_conf *conf)
{
	uint32_t frame = (uint32_t)d->mtu + RTE_ETHER_HDR_LEN + RTE_VLAN_HLEN + RTE_ETHER_CRC_LEN;

	conf->rxmode.mtu = RTE_MIN((uint32_t)d->mtu, mtu_limit(info));
	conf->rxmode.offloads = info->rx_offload_capa & rx_cksum;
	if (frame <= room)
		return;
	conf->rxmode.offloads |= info->rx_offload_capa & RTE_ETH_RX_OFFLOAD_SCATTER;
	if (!(info->rx_offload_capa & RTE_ETH_RX_OFFLOAD_SCATTER))
		MR_LOG(NOTICE,
		       "ethdev %s: does not scatter: if frames of MTU %u get lost, set mbuf_data_bytes over %u",
		       d->name, d->mtu, room);
}

/* Symmetric Toeplitz (16 bits repeated): both directions of a flow arrive on one queue. Only where there is a RETA as
 * well as a key: some virtual devices announce hash types and do nothing. */
static void
rss_mode(const struct mr_ethdev *d, const struct rte_eth_dev_info *info, uint8_t *key, struct rte_eth_conf *conf)
{
	uint64_t types = info->flow_type_rss_offloads & (RTE_ETH_RSS_IP | RTE_ETH_RSS_TCP | RTE_ETH_RSS_UDP);

	if (d->n_queues < 2 || !info->reta_size || !info->hash_key_size || info->hash_key_size > RSS_KEY_MAX || !types)
		return;
	for (unsigned i = 0; i < info->hash_key_size; i++)
		key[i] = i & 1 ? 0x5a : 0x6d;
	conf->rxmode.mq_mode = RTE_ETH_MQ_RX_RSS;
	conf->rx_adv_conf.rss_conf.rss_key = key;
	conf->rx_adv_conf.rss_conf.rss_key_len = info->hash_key_size;
	conf->rx_adv_conf.rss_conf.rss_hf = types;
}

static void
tx_mode(const struct rte_eth_dev_info *info, struct rte_eth_conf *conf)
{
	conf->txmode.offloads = info->tx_offload_capa & tx_wanted;
	/* For a guest that does not take part, this one computes them in the frame, which may be shared. */
	if (!strcmp(info->driver_name, "net_vhost"))
		conf->txmode.offloads &= ~tx_l4_cksum;
	/* A tap cuts in software, and IPv4 only. */
	if ((conf->txmode.offloads & tso_needs) != tso_needs || !strcmp(info->driver_name, "net_tap"))
		conf->txmode.offloads &= ~RTE_ETH_TX_OFFLOAD_TCP_TSO;
}

/* Most payload mbufs of a frame that the device cuts, behind that of the headers: what it can take, and a part of the ring,
 * so that frames in it overlap. */
static uint16_t
tso_segs(const struct mr_ethdev *d, const struct rte_eth_dev_info *info)
{
	uint16_t most = info->tx_desc_lim.nb_seg_max ? info->tx_desc_lim.nb_seg_max : UINT16_MAX;

	return RTE_MAX(RTE_MIN(most, d->tx_desc / TSO_RING_PART), 2) - 1;
}

static int
port_configure(struct mr_ethdev *d, struct rte_eth_conf *conf)
{
	int rc = rte_eth_dev_configure(d->port, d->n_queues, d->n_queues, conf);

	if (rc && conf->rxmode.mq_mode == RTE_ETH_MQ_RX_RSS) {
		MR_LOG(NOTICE, "ethdev %s: RSS refused (%s); going on without", d->name, strerror(-rc));
		conf->rxmode.mq_mode = RTE_ETH_MQ_RX_NONE;
		memset(&conf->rx_adv_conf.rss_conf, 0, sizeof(conf->rx_adv_conf.rss_conf));
		rc = rte_eth_dev_configure(d->port, d->n_queues, d->n_queues, conf);
	}
	if (rc)
		MR_LOG(ERR, "ethdev %s: configuration refused (%s): %u queue pairs, MTU %u", d->name, strerror(-rc),
		       d->n_queues, conf->rxmode.mtu);
	return rc;
}

/* An MTU that was asked for is also told to the device behind the port. Devices without such a call pass what comes. */
static int
mtu_set(const struct mr_ethdev *d, const struct rte_eth_dev_info *info)
{
	int rc = rte_eth_dev_set_mtu(d->port, d->mtu);

	if (!rc || rc == -ENOTSUP)
		return 0;
	MR_LOG(ERR, "ethdev %s: MTU %u refused (%s); the device reports %u to %u", d->name, d->mtu, strerror(-rc),
	       info->min_mtu, mtu_limit(info));
	return rc;
}

static bool
is_virtio(const struct rte_eth_dev_info *info)
{
	return !strcmp(info->driver_name, "net_virtio") || !strcmp(info->driver_name, "net_virtio_user");
}

static uint16_t
rx_desc_default(const struct mr_link_cfg *cfg, const struct rte_eth_dev_info *info)
{
	uint16_t n = is_virtio(info) ? VIRTIO_RX_DESCRIPTORS : DESCRIPTORS;

	return cfg->rx_desc_most ? RTE_MIN(n, cfg->rx_desc_most) : n;
}

static int
queues_setup(struct mr_ethdev *d, const struct mr_link_cfg *cfg, const struct rte_eth_dev_info *info,
             const struct rte_eth_conf *conf)
{
	struct rte_eth_rxconf rx = info->default_rxconf;
	struct rte_eth_txconf tx = info->default_txconf;
	int socket = rte_eth_dev_socket_id(d->port), rc;

	d->rx_desc = cfg->rx_desc ? cfg->rx_desc : rx_desc_default(cfg, info);
	d->tx_desc = cfg->tx_desc ? cfg->tx_desc : is_virtio(info) ? VIRTIO_TX_DESCRIPTORS : DESCRIPTORS;
	rc = rte_eth_dev_adjust_nb_rx_tx_desc(d->port, &d->rx_desc, &d->tx_desc);
	rx.offloads = conf->rxmode.offloads;
	tx.offloads = conf->txmode.offloads;
	for (uint16_t q = 0; q < d->n_queues && !rc; q++) {
		rc = rte_eth_rx_queue_setup(d->port, q, d->rx_desc, socket, &rx, cfg->rx_pools[q]);
		if (!rc)
			rc = rte_eth_tx_queue_setup(d->port, q, d->tx_desc, socket, &tx);
	}
	if (rc)
		MR_LOG(ERR, "ethdev %s: queue setup failed (%s): try fewer descriptors (%u rx, %u tx), larger pools",
		       d->name, strerror(-rc), d->rx_desc, d->tx_desc);
	return rc;
}

static uint32_t
link_caps(const struct rte_eth_conf *conf)
{
	static const struct {
		uint64_t offload;
		uint32_t cap;
	} map[] = {
		{RTE_ETH_TX_OFFLOAD_IPV4_CKSUM, MR_LINK_CAP_TX_IPV4_CKSUM},
		{RTE_ETH_TX_OFFLOAD_TCP_CKSUM, MR_LINK_CAP_TX_TCP_CKSUM},
		{RTE_ETH_TX_OFFLOAD_UDP_CKSUM, MR_LINK_CAP_TX_UDP_CKSUM},
		{RTE_ETH_TX_OFFLOAD_MULTI_SEGS, MR_LINK_CAP_TX_MULTI_SEGS},
		{RTE_ETH_TX_OFFLOAD_TCP_TSO, MR_LINK_CAP_TX_TSO},
	};
	uint32_t caps = MR_LINK_CAP_RESOLVE;

	for (size_t i = 0; i < RTE_DIM(map); i++)
		if (conf->txmode.offloads & map[i].offload)
			caps |= map[i].cap;
	if (conf->rxmode.offloads & rx_cksum)
		caps |= MR_LINK_CAP_RX_CKSUM;
	return caps;
}

/* Some virtual devices have the address 0: give those one of ours, distinct in this process. A tap has the address of
 * the kernel's interface, which is our peer: take the one beside it, or each end would take the other for itself. */
static int
address_get(struct mr_ethdev *d)
{
	struct rte_ether_addr a;
	int rc = rte_eth_macaddr_get(d->port, &a);

	if (rc) {
		MR_LOG(ERR, "ethdev %s: has no link address (%s)", d->name, strerror(-rc));
		return rc;
	}
	if (rte_is_zero_ether_addr(&a))
		a = (struct rte_ether_addr){.addr_bytes = {0x02, 0x4d, 0x52, 0x01, d->port >> 8, d->port & 0xff}};
	if (d->kernel_mac)
		a.addr_bytes[5] ^= 1;
	d->lladdr.len = RTE_ETHER_ADDR_LEN;
	memcpy(d->lladdr.b, a.addr_bytes, RTE_ETHER_ADDR_LEN);
	return 0;
}

/* Is an argument that the device was made with one of two words? */
static bool
device_arg_is(const struct rte_eth_dev_info *info, const char *key, const char *word, const char *or_word)
{
	const struct rte_devargs *devargs = rte_dev_devargs(info->device);
	struct rte_kvargs *args = rte_kvargs_parse(devargs && devargs->args ? devargs->args : "", NULL);
	const char *value = args ? rte_kvargs_get(args, key) : NULL;
	bool is = value && (!strcmp(value, word) || !strcmp(value, or_word));

	rte_kvargs_free(args);
	return is;
}

/* How frames are given to the device. Set for one that cuts segments once that is known. */
static enum mr_ethdev_tx
tx_way(const struct rte_eth_dev_info *info)
{
	if (!strcmp(info->driver_name, "net_ring"))
		return MR_ETHDEV_TX_BY_POINTER;
	if (!strcmp(info->driver_name, "net_memif") && !device_arg_is(info, "zero-copy", "yes", "yes") && mr_ethdev_tx_park_init())
		return MR_ETHDEV_TX_AT_ONCE;
	return MR_ETHDEV_TX_AS_IS;
}

/* The device's limits: queues, MTU. */
static int
device_probe(struct mr_ethdev *d, const struct mr_link_cfg *cfg, struct rte_eth_dev_info *info)
{
	int rc = rte_eth_dev_info_get(d->port, info);

	if (rc) {
		MR_LOG(ERR, "ethdev %s: does not tell its capabilities (%s)", d->name, strerror(-rc));
		return rc;
	}
	d->n_queues = RTE_MIN(RTE_MIN(info->max_rx_queues, info->max_tx_queues),
	                      RTE_MIN(cfg->n_queues ? cfg->n_queues : 1, MR_LINK_MAX_QUEUES));
	if (!d->n_queues) {
		MR_LOG(ERR, "ethdev %s: has no queue pair (%u rx, %u tx)", d->name, info->max_rx_queues,
		       info->max_tx_queues);
		return -ENODEV;
	}
	d->mtu = cfg->mtu;
	if (!d->mtu && rte_eth_dev_get_mtu(d->port, &d->mtu))
		d->mtu = RTE_ETHER_MTU;
	d->promisc = cfg->promisc;
	d->tx = tx_way(info);
	d->kernel_mac = !strcmp(info->driver_name, "net_tap");
	/* A memif is a client unless it is told otherwise ("master" is the server's old name). */
	d->dials = !strcmp(info->driver_name, "net_memif") && !device_arg_is(info, "role", "server", "master");
	return 0;
}

int
mr_ethdev_configure(struct mr_ethdev *d, const struct mr_link_cfg *cfg)
{
	struct rte_eth_dev_info info;
	struct rte_eth_conf conf = {0};
	uint8_t key[RSS_KEY_MAX];
	uint32_t room;
	int rc = device_probe(d, cfg, &info);

	if (rc)
		return rc;
	room = pools_room(d, cfg);
	if (!room)
		return -EINVAL;
	rx_mode(d, &info, room, &conf);
	rss_mode(d, &info, key, &conf);
	tx_mode(&info, &conf);
	rc = port_configure(d, &conf);
	if (!rc && cfg->mtu)
		rc = mtu_set(d, &info);
	if (!rc)
		rc = queues_setup(d, cfg, &info, &conf);
	if (!rc)
		rc = address_get(d);
	if (rc)
		return rc;
	d->caps = link_caps(&conf);
	d->tso_segs = d->caps & MR_LINK_CAP_TX_TSO ? tso_segs(d, &info) : 0;
	if (d->tso_segs)
		d->tx = MR_ETHDEV_TX_CUT;
	MR_LOG(INFO, "ethdev %s (%s): %u queue pairs, %u rx and %u tx descriptors, MTU %u, capabilities 0x%x%s%s",
	       d->name, info.driver_name, d->n_queues, d->rx_desc, d->tx_desc, d->mtu, d->caps,
	       conf.rxmode.mq_mode == RTE_ETH_MQ_RX_RSS ? ", RSS" : "", d->tso_segs ? ", TSO" : "");
	return 0;
}
