/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the ethdev driver makes of what a device says of itself. What the virtual devices do not have (limits, offloads,
 * RSS, another driver's name) is put into their device info on its way to the driver under test and to ethdev's own
 * checks: rte_eth_dev_info_get is wrapped.
 */
#include "ethdev.h"

#include <dlfcn.h>
#include <errno.h>

static void (*pretend)(struct rte_eth_dev_info *info); /* NULL: the truth */

int rte_eth_dev_info_get(uint16_t port, struct rte_eth_dev_info *info);

int
rte_eth_dev_info_get(uint16_t port, struct rte_eth_dev_info *info)
{
	int (*real)(uint16_t, struct rte_eth_dev_info *) = dlsym(RTLD_NEXT, "rte_eth_dev_info_get");
	int rc = real(port, info);

	if (!rc && pretend)
		pretend(info);
	return rc;
}

static void
teardown(void)
{
	pretend = NULL;
	ethdev_teardown();
}

static struct rte_eth_conf
port_conf(void)
{
	struct rte_eth_conf conf;

	ck_assert_int_eq(rte_eth_dev_conf_get(0, &conf), 0);
	return conf;
}

static void
as_tap(struct rte_eth_dev_info *info)
{
	info->driver_name = "net_tap";
}

/* A tap shows the address of the kernel's interface: that is the peer's. */
START_TEST(tap_address)
{
	struct rte_ether_addr addr;

	device("net_null0");
	ck_assert_int_eq(rte_eth_macaddr_get(0, &addr), 0);
	pretend = as_tap;
	ck_assert_int_eq(open_queues("net_null0", 1), 1);
	ck_assert_mem_eq(links[0]->lladdr.b, addr.addr_bytes, 5);
	ck_assert_uint_eq(links[0]->lladdr.b[5], addr.addr_bytes[5] ^ 1);
	close_queues(1);
	device_gone("net_null0");
}
END_TEST

static int
open_mtu(const char *name, uint16_t mtu)
{
	struct mr_link_cfg cfg = {.device = name, .n_queues = 1, .rx_pools = pools, .mtu = mtu};

	return mr_link_open("ethdev", &cfg, links);
}

/* An MTU that does not fit one buffer is scattered; a device that cannot be told (net_ring) takes any. */
START_TEST(mtu)
{
	uint16_t mtu;

	device("net_ring0");
	ck_assert_int_eq(open_mtu("net_ring0", 9000), 1);
	ck_assert_uint_eq(links[0]->mtu, 9000);
	ck_assert_uint_eq(port_conf().rxmode.offloads, RTE_ETH_RX_OFFLOAD_SCATTER);
	close_queues(1);
	device_gone("net_ring0");
	device("net_ring0");
	ck_assert_int_eq(open_mtu("net_ring0", 2048 - 22), 1); /* with the headers exactly one buffer */
	ck_assert_uint_eq(port_conf().rxmode.offloads, 0);
	close_queues(1);
	device_gone("net_ring0");
	device("net_null0");
	ck_assert_int_eq(open_mtu("net_null0", 1400), 1);
	ck_assert_int_eq(rte_eth_dev_get_mtu(0, &mtu), 0);
	ck_assert_uint_eq(mtu, 1400);
	ck_assert_uint_eq(links[0]->mtu, 1400);
	close_queues(1);
	device_gone("net_null0");
	device("net_null0");
	logged();
	ck_assert_int_eq(open_mtu("net_null0", 9000), 1);
	assert_logged("ethdev net_null0: does not scatter: if frames of MTU 9000 get lost, "
	              "set mbuf_data_bytes over 2048");
	close_queues(1);
	device_gone("net_null0");
}
END_TEST

static void
limit_mtu(struct rte_eth_dev_info *info)
{
	info->max_mtu = 2000;
	info->max_rx_pktlen = 2022;
}

static void
limit_tight(struct rte_eth_dev_info *info)
{
	info->max_mtu = 1500;
	info->max_rx_pktlen = 1514; /* does not count the checksum */
}

static void
limit_pktlen(struct rte_eth_dev_info *info)
{
	info->max_rx_pktlen = 1518;
}

START_TEST(mtu_refused)
{
	device("net_null0");
	ck_assert_int_eq(open_mtu("net_null0", 40), -EINVAL);
	assert_logged("ethdev net_null0: configuration refused (Invalid argument): 1 queue pairs, MTU 40");
	pretend = limit_mtu;
	ck_assert_int_eq(open_mtu("net_null0", 2001), -EINVAL);
	assert_logged("ethdev net_null0: MTU 2001 refused (Invalid argument); the device reports 46 to 2000");
	ck_assert_int_eq(open_mtu("net_null0", 2000), 1);
	ck_assert_uint_eq(links[0]->mtu, 2000);
	close_queues(1);
	device_gone("net_null0");
	/* The device's own MTU is not cut by a headroom that it does not have. */
	pretend = limit_tight;
	device("net_null0");
	ck_assert_int_eq(open_queues("net_null0", 1), 1);
	ck_assert_uint_eq(port_conf().rxmode.mtu, 1500);
	close_queues(1);
	device_gone("net_null0");
	/* A device that reports a frame length it does not keep to, and cannot be told otherwise (memif does that). */
	pretend = limit_pktlen;
	device("net_ring0");
	ck_assert_int_eq(open_mtu("net_ring0", 9000), 1);
	ck_assert_uint_eq(links[0]->mtu, 9000);
	close_queues(1);
	device_gone("net_ring0");
}
END_TEST

static void
limit_descriptors(struct rte_eth_dev_info *info)
{
	info->rx_desc_lim = (struct rte_eth_desc_lim){.nb_min = 64, .nb_max = 512, .nb_align = 32};
	info->tx_desc_lim = (struct rte_eth_desc_lim){.nb_min = 64, .nb_max = 256, .nb_align = 32};
}

static const struct {
	uint16_t rx, tx;
	const char *got;
} descriptors[] = {
	{0, 0, "512 rx and 256 tx descriptors"}, /* the default is over the limits */
	{2000, 2000, "512 rx and 256 tx descriptors"},
	{1, 1, "64 rx and 64 tx descriptors"},
	{100, 128, "128 rx and 128 tx descriptors"},
};

START_TEST(descriptors_are_clamped)
{
	struct mr_link_cfg cfg = {.device = "net_null0", .n_queues = 1, .rx_pools = pools,
	                          .rx_desc = descriptors[_i].rx, .tx_desc = descriptors[_i].tx};

	device("net_null0");
	pretend = limit_descriptors;
	ck_assert_int_eq(mr_link_open("ethdev", &cfg, links), 1);
	assert_logged(descriptors[_i].got);
	close_queues(1);
	device_gone("net_null0");
}
END_TEST

static void
be_virtio(struct rte_eth_dev_info *info)
{
	info->driver_name = "net_virtio_user";
}

/* Unless it is told otherwise. */
START_TEST(virtio_has_few)
{
	struct mr_link_cfg cfg = {.device = "net_null0", .n_queues = 1, .rx_pools = pools,
	                          .rx_desc = _i == 1 ? 512 : 0, .rx_desc_most = _i == 2 ? 128 : 0,
	                          .tx_desc = _i == 3 ? 256 : 0};
	static const char *const has[] = {"256 rx and 512 tx descriptors", "512 rx and 512 tx", "128 rx and 512 tx", "256 rx and 256 tx"};

	device("net_null0");
	pretend = be_virtio;
	ck_assert_int_eq(mr_link_open("ethdev", &cfg, links), 1);
	assert_logged(has[_i]);
	close_queues(1);
	device_gone("net_null0");
}
END_TEST

static void
offer_everything(struct rte_eth_dev_info *info)
{
	info->rx_offload_capa = UINT64_MAX;
	info->tx_offload_capa = UINT64_MAX;
}

static void
offer_everything_as_vhost(struct rte_eth_dev_info *info)
{
	offer_everything(info);
	info->driver_name = "net_vhost";
}

/* Of what there is, only what the stack uses is switched on: no LRO, no fast free of shared mbufs. */
START_TEST(offloads)
{
	const uint64_t rx = RTE_ETH_RX_OFFLOAD_IPV4_CKSUM | RTE_ETH_RX_OFFLOAD_UDP_CKSUM | RTE_ETH_RX_OFFLOAD_TCP_CKSUM;
	const uint64_t tx = RTE_ETH_TX_OFFLOAD_IPV4_CKSUM | RTE_ETH_TX_OFFLOAD_MULTI_SEGS;
	const uint64_t tx_l4 = RTE_ETH_TX_OFFLOAD_UDP_CKSUM | RTE_ETH_TX_OFFLOAD_TCP_CKSUM | RTE_ETH_TX_OFFLOAD_TCP_TSO;
	const uint32_t caps = MR_LINK_CAP_RESOLVE | MR_LINK_CAP_RX_CKSUM | MR_LINK_CAP_TX_IPV4_CKSUM |
	                      MR_LINK_CAP_TX_MULTI_SEGS;

	device("net_null0");
	pretend = offer_everything;
	ck_assert_int_eq(open_queues("net_null0", 1), 1);
	ck_assert_uint_eq(port_conf().rxmode.offloads, rx);
	ck_assert_uint_eq(port_conf().txmode.offloads, tx | tx_l4);
	ck_assert_uint_eq(links[0]->caps,
	                  caps | MR_LINK_CAP_TX_TCP_CKSUM | MR_LINK_CAP_TX_UDP_CKSUM | MR_LINK_CAP_TX_TSO);
	close_queues(1);
	device_gone("net_null0");
	/* vhost computes what its guest will not, in the frame: not with shared frames. */
	device("net_null0");
	pretend = offer_everything_as_vhost;
	ck_assert_int_eq(open_queues("net_null0", 1), 1);
	ck_assert_uint_eq(port_conf().txmode.offloads, tx);
	ck_assert_uint_eq(links[0]->caps, caps);
	close_queues(1);
	device_gone("net_null0");
}
END_TEST

static void
offer_everything_as_tap(struct rte_eth_dev_info *info)
{
	offer_everything(info);
	info->driver_name = "net_tap";
}

static void
offer_tso_alone(struct rte_eth_dev_info *info)
{
	info->tx_offload_capa = RTE_ETH_TX_OFFLOAD_TCP_TSO | RTE_ETH_TX_OFFLOAD_TCP_CKSUM;
}

static void
offer_small_tso(struct rte_eth_dev_info *info)
{
	offer_everything(info);
	info->tx_desc_lim.nb_seg_max = 40;
}

static const struct {
	void (*pretend)(struct rte_eth_dev_info *info);
	uint16_t desc, segs;
} cutters[] = {
	{offer_everything, 0, 1024 / 4 - 1},
	{offer_everything, 128, 128 / 4 - 1}, /* a quarter of the ring */
	{offer_small_tso, 0, 39},             /* one is that of the headers */
	{offer_everything_as_vhost, 0, 0},
	{offer_everything_as_tap, 0, 0},
	{offer_tso_alone, 0, 0},
};

/* How much a device may be given to cut at a time; nothing, if it takes no chains, does it in software, or for a guest. */
START_TEST(tso)
{
	struct mr_link_cfg cfg = {.device = "net_null0", .n_queues = 1, .rx_pools = pools, .tx_desc = cutters[_i].desc};

	device("net_null0");
	pretend = cutters[_i].pretend;
	ck_assert_int_eq(mr_link_open("ethdev", &cfg, links), 1);
	ck_assert_uint_eq(links[0]->tso_segs, cutters[_i].segs);
	ck_assert_uint_eq(!!(links[0]->caps & MR_LINK_CAP_TX_TSO), cutters[_i].segs > 0);
	ck_assert_uint_eq(!!(port_conf().txmode.offloads & RTE_ETH_TX_OFFLOAD_TCP_TSO), cutters[_i].segs > 0);
	close_queues(1);
	device_gone("net_null0");
}
END_TEST

static unsigned prepared;

/* Of a device that cannot cut frames of 7 bytes a piece. */
static uint16_t
prepare(void *queue, struct rte_mbuf **pkts, uint16_t n)
{
	(void)queue;
	ck_assert_uint_eq(n, 1);
	prepared++;
	return pkts[0]->tso_segsz != 7;
}

/* Frames to be cut, and no others, are shown to the device's driver; what it refuses is lost and counted, and the frames
 * behind it go on. */
START_TEST(frames_to_be_cut)
{
	struct rte_mbuf *m[6];
	struct mr_link_stats st;
	uint16_t port;

	device("net_null0");
	pretend = offer_everything;
	ck_assert_int_eq(open_queues("net_null0", 1), 1);
	ck_assert_int_eq(links[0]->ops->start(links[0]), 0);
	ck_assert_int_eq(rte_eth_dev_get_port_by_name("net_null0", &port), 0);
	rte_eth_fp_ops[port].tx_pkt_prepare = prepare;
	for (unsigned i = 0; i < RTE_DIM(m); i++) {
		m[i] = rte_pktmbuf_alloc(pools[0]);
		ck_assert_ptr_nonnull(m[i]);
		rte_pktmbuf_append(m[i], 100);
		if (i > 0)
			m[i]->ol_flags = RTE_MBUF_F_TX_TCP_SEG;
		m[i]->tso_segsz = i == 2 || i == 5 ? 7 : 10;
	}
	ck_assert_uint_eq(links[0]->ops->tx_burst(links[0], 0, m, RTE_DIM(m)), RTE_DIM(m));
	ck_assert_uint_eq(prepared, 5);
	links[0]->ops->stats(links[0], &st);
	ck_assert_uint_eq(st.tx_packets, 4);
	ck_assert_uint_eq(st.tx_errors, 2);
	close_queues(1);
	device_gone("net_null0");
}
END_TEST

static void
offer_rss(struct rte_eth_dev_info *info)
{
	info->reta_size = 128;
	info->hash_key_size = 40;
	info->flow_type_rss_offloads = RTE_ETH_RSS_IPV4 | RTE_ETH_RSS_NONFRAG_IPV4_TCP | RTE_ETH_RSS_ESP;
}

static void
offer_rss_without_reta(struct rte_eth_dev_info *info)
{
	offer_rss(info);
	info->reta_size = 0;
}

/* RSS only with several queues, a key and a table; of the hash types only those of TCP, UDP and IP. */
START_TEST(rss)
{
	device("net_null0");
	pretend = offer_rss;
	ck_assert_int_eq(open_queues("net_null0", 2), 2);
	assert_logged(", RSS\n");
	ck_assert_uint_eq(port_conf().rxmode.mq_mode, RTE_ETH_MQ_RX_RSS);
	ck_assert_uint_eq(port_conf().rx_adv_conf.rss_conf.rss_key_len, 40);
	ck_assert_uint_eq(port_conf().rx_adv_conf.rss_conf.rss_hf, RTE_ETH_RSS_IPV4 | RTE_ETH_RSS_NONFRAG_IPV4_TCP);
	close_queues(2);
	device_gone("net_null0");
	device("net_null0");
	ck_assert_int_eq(open_queues("net_null0", 1), 1);
	ck_assert_uint_eq(port_conf().rxmode.mq_mode, RTE_ETH_MQ_RX_NONE);
	close_queues(1);
	device_gone("net_null0");
	device("net_null0");
	pretend = offer_rss_without_reta;
	ck_assert_int_eq(open_queues("net_null0", 2), 2);
	ck_assert_uint_eq(port_conf().rxmode.mq_mode, RTE_ETH_MQ_RX_NONE);
	close_queues(2);
	device_gone("net_null0");
}
END_TEST

static void
no_queues(struct rte_eth_dev_info *info)
{
	info->max_tx_queues = 0;
}

START_TEST(no_queue_pair)
{
	device("net_null0");
	pretend = no_queues;
	ck_assert_int_eq(open_queues("net_null0", 1), -ENODEV);
	assert_logged("ethdev net_null0: has no queue pair (1024 rx, 0 tx)");
	pretend = NULL;
	device_gone("net_null0");
}
END_TEST

static Suite *
suite(void)
{
	Suite *s = suite_create("ethdev_info");
	TCase *t = rig_case(s, "open", ethdev_setup, teardown);

	lf_private_memory();
	tcase_add_test(t, tap_address);
	tcase_add_test(t, mtu);
	tcase_add_test(t, mtu_refused);
	tcase_add_loop_test(t, descriptors_are_clamped, 0, RTE_DIM(descriptors));
	tcase_add_loop_test(t, virtio_has_few, 0, 4);
	tcase_add_test(t, offloads);
	tcase_add_loop_test(t, tso, 0, RTE_DIM(cutters));
	tcase_add_test(t, frames_to_be_cut);
	tcase_add_test(t, rss);
	tcase_add_test(t, no_queue_pair);
	return s;
}

RIG_MAIN(suite)
