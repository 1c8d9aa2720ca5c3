/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The ethdev driver over virtual devices made here: which device is opened, with how many queues, when its port runs, and
 * its filters. For frames see test_ethdev_frames.c, for what a device says of itself test_ethdev_info.c.
 */
#include "ethdev.h"

#include <errno.h>

START_TEST(unknown_device)
{
	ck_assert_int_eq(open_queues("net_ring7", 1), -ENODEV);
	assert_logged("ethdev: no device \"net_ring7\", nor any other: give EAL a --vdev, or bind a NIC");
	device("net_ring0");
	device("net_null0");
	ck_assert_int_eq(open_queues("net_ring7", 1), -ENODEV);
	assert_logged("ethdev: no device \"net_ring7\"; there are net_ring0 (0), net_null0 (1)\n");
	ck_assert_int_eq(open_queues("2", 1), -ENODEV);
	ck_assert_int_eq(open_queues("0x1", 1), -ENODEV);
	ck_assert_int_eq(open_queues("-1", 1), -ENODEV);
	ck_assert_int_eq(open_queues("99999999999999999999", 1), -ENODEV);
	ck_assert_int_eq(open_queues("", 1), -EINVAL);
	assert_logged("which device?");
	ck_assert_int_eq(open_queues(NULL, 1), -EINVAL);
	device_gone("net_null0");
	device_gone("net_ring0");
}
END_TEST

START_TEST(by_name_and_by_number)
{
	device("net_ring0");
	device("net_null0");
	ck_assert_int_eq(open_queues("1", 1), 1);
	assert_logged("ethdev net_null0 (net_null): 1 queue pairs");
	close_queues(1);
	ck_assert_int_eq(open_queues("net_ring0", 1), 1);
	ck_assert_str_eq(links[0]->driver, "ethdev");
	ck_assert_str_eq(links[0]->framing, "ether");
	ck_assert_uint_eq(links[0]->mtu, 1500);
	ck_assert_uint_eq(links[0]->caps, MR_LINK_CAP_RESOLVE | MR_LINK_CAP_TX_MULTI_SEGS);
	/* net_ring has the address 0: it gets one of ours. */
	ck_assert_uint_eq(links[0]->lladdr.len, 6);
	ck_assert_mem_eq(links[0]->lladdr.b, "\x02\x4d\x52\x01\x00\x00", 6);
	close_queues(1);
	device_gone("net_null0");
	device_gone("net_ring0");
}
END_TEST

START_TEST(own_address)
{
	struct rte_ether_addr addr;

	device("net_null0");
	ck_assert_int_eq(rte_eth_macaddr_get(0, &addr), 0);
	ck_assert(!rte_is_zero_ether_addr(&addr));
	ck_assert_int_eq(open_queues("net_null0", 1), 1);
	ck_assert_mem_eq(links[0]->lladdr.b, addr.addr_bytes, 6);
	close_queues(1);
	device_gone("net_null0");
}
END_TEST

START_TEST(open_twice)
{
	struct mr_link *first;

	device("net_ring0");
	ck_assert_int_eq(open_queues("net_ring0", 1), 1);
	first = links[0];
	ck_assert_int_eq(open_queues("0", 1), -EBUSY);
	assert_logged("ethdev net_ring0: is open already");
	ck_assert_ptr_eq(links[0], first);
	close_queues(1);
	device_gone("net_ring0");
	/* A closed one may come back. */
	device("net_ring0");
	ck_assert_int_eq(open_queues("net_ring0", 1), 1);
	close_queues(1);
	device_gone("net_ring0");
}
END_TEST

START_TEST(bad_configuration)
{
	struct rte_mempool *plain = rte_pktmbuf_pool_create("plain", 63, 0, 0, 2048, -1), *mixed[2] = {pools[0], plain};
	struct mr_link_cfg cfg = {.device = "net_ring0", .n_queues = 2, .rx_pools = mixed};

	device("net_ring0");
	ck_assert_int_eq(mr_link_open("ethdev", &cfg, links), -EINVAL);
	assert_logged("ethdev net_ring0: queue 1 needs a receive pool made with mr_pktpool_create");
	cfg.rx_pools = NULL;
	ck_assert_int_eq(mr_link_open("ethdev", &cfg, links), -EINVAL);
	cfg.rx_pools = pools;
	cfg.args = "x=1";
	ck_assert_int_eq(mr_link_open("ethdev", &cfg, links), -EINVAL);
	assert_logged("ethdev net_ring0: takes no args (\"x=1\")");
	/* None of it has left the port open. */
	cfg.args = "";
	ck_assert_int_eq(mr_link_open("ethdev", &cfg, links), 2);
	close_queues(2);
	device_gone("net_ring0");
	rte_mempool_free(plain);
}
END_TEST

/* As many as asked for, or as many as there are. */
START_TEST(queue_counts)
{
	struct mr_link *l;

	device("net_ring0");
	ck_assert_int_eq(open_queues("net_ring0", 20), 16);
	for (unsigned i = 0; i < 16; i++)
		ck_assert_uint_eq(links[i]->queue, i);
	close_queues(16);
	device_gone("net_ring0");
	device("net_ring0");
	ck_assert_int_eq(open_queues("net_ring0", 3), 3);
	for (unsigned i = 0; i < 3; i++)
		ck_assert_int_eq(links[i]->ops->start(links[i]), 0);
	/* Queue i returns to queue i. */
	lf_send(links[2], 0, lf_frame(tx_pool, 2, 64));
	lf_send(links[1], 0, lf_frame(tx_pool, 1, 64));
	for (unsigned i = 1; i < 3; i++) {
		struct rte_mbuf *m;

		l = links[i];
		ck_assert_uint_eq(lf_rx(l, 0, &m, 1), 1);
		lf_check(m, i, 64);
		ck_assert_uint_eq(lf_rx(l, 0, &m, 1), 0);
		ck_assert_uint_eq(lf_stats(l).rx_packets, 1);
		ck_assert_uint_eq(lf_stats(l).tx_packets, 1);
	}
	ck_assert_uint_eq(lf_stats(links[0]).rx_packets, 0);
	close_queues(3);
	device_gone("net_ring0");
}
END_TEST

static bool
port_started(uint16_t port)
{
	return rte_eth_dev_stop(port) == 0 && rte_eth_dev_start(port) == 0;
}

/* The port runs from the first start to the last stop: a running port refuses to be configured. */
START_TEST(first_start_last_stop)
{
	struct rte_eth_conf conf = {0};

	device("net_ring0");
	ck_assert_int_eq(open_queues("net_ring0", 2), 2);
	ck_assert_int_eq(links[1]->ops->start(links[1]), 0);
	ck_assert_int_eq(rte_eth_dev_configure(0, 2, 2, &conf), -EBUSY);
	ck_assert(links[0]->ops->is_up(links[0]));
	ck_assert_int_eq(links[0]->ops->start(links[0]), 0);
	links[1]->ops->stop(links[1]);
	ck_assert_int_eq(rte_eth_dev_configure(0, 2, 2, &conf), -EBUSY);
	links[1]->ops->stop(links[1]); /* once more is nothing */
	ck_assert_int_eq(rte_eth_dev_configure(0, 2, 2, &conf), -EBUSY);
	links[0]->ops->stop(links[0]);
	ck_assert(!links[0]->ops->is_up(links[0]));
	ck_assert_int_eq(links[0]->ops->start(links[0]), 0);
	ck_assert(port_started(0));
	/* Closing a link that runs stops it; the port is there until the last is closed. */
	links[0]->ops->close(links[0]);
	ck_assert(rte_eth_dev_is_valid_port(0));
	links[1]->ops->close(links[1]);
	ck_assert(!rte_eth_dev_is_valid_port(0));
	device_gone("net_ring0");
}
END_TEST

/* Promiscuous while any queue wants it; all multicast where single addresses cannot be set (net_ring). */
START_TEST(filters_are_the_sum_of_the_queues)
{
	struct mr_lladdr group = {.b = {0x33, 0x33, 0, 0, 0, 1}, .len = 6};
	struct mr_lladdr many[100];
	struct mr_link *x, *y;

	device("net_ring0");
	ck_assert_int_eq(open_queues("net_ring0", 2), 2);
	x = links[0];
	y = links[1];
	ck_assert_int_eq(x->ops->start(x), 0);
	ck_assert_int_eq(rte_eth_promiscuous_get(0), 0);
	ck_assert_int_eq(x->ops->set_promisc(x, true), 0);
	ck_assert_int_eq(y->ops->set_promisc(y, true), 0);
	ck_assert_int_eq(x->ops->set_promisc(x, false), 0);
	ck_assert_int_eq(rte_eth_promiscuous_get(0), 1);
	ck_assert_int_eq(y->ops->set_promisc(y, false), 0);
	ck_assert_int_eq(rte_eth_promiscuous_get(0), 0);
	ck_assert_int_eq(x->ops->set_mcast(x, &group, 1), 0);
	ck_assert_int_eq(rte_eth_allmulticast_get(0), 1);
	for (unsigned i = 0; i < 100; i++)
		many[i] = group;
	ck_assert_int_eq(x->ops->set_mcast(x, many, 100), 0);
	ck_assert_int_eq(rte_eth_allmulticast_get(0), 1);
	close_queues(2);
	device_gone("net_ring0");
}
END_TEST

START_TEST(promisc_by_configuration)
{
	struct mr_link_cfg cfg = {.device = "net_ring0", .n_queues = 1, .rx_pools = pools, .promisc = true};
	struct mr_link *l;

	device("net_ring0");
	ck_assert_int_eq(mr_link_open("ethdev", &cfg, links), 1);
	l = links[0];
	ck_assert_int_eq(l->ops->start(l), 0);
	ck_assert_int_eq(rte_eth_promiscuous_get(0), 1);
	ck_assert_int_eq(l->ops->set_promisc(l, false), 0);
	ck_assert_int_eq(rte_eth_promiscuous_get(0), 1);
	close_queues(1);
	device_gone("net_ring0");
}
END_TEST

static Suite *
suite(void)
{
	Suite *s = suite_create("ethdev");
	TCase *t = rig_case(s, "open", ethdev_setup, ethdev_teardown);

	lf_private_memory();
	tcase_add_test(t, unknown_device);
	tcase_add_test(t, by_name_and_by_number);
	tcase_add_test(t, own_address);
	tcase_add_test(t, open_twice);
	tcase_add_test(t, bad_configuration);
	tcase_add_test(t, queue_counts);
	t = rig_case(s, "run", ethdev_setup, ethdev_teardown);
	tcase_add_test(t, first_start_last_stop);
	tcase_add_test(t, filters_are_the_sum_of_the_queues);
	tcase_add_test(t, promisc_by_configuration);
	return s;
}

RIG_MAIN(suite)
