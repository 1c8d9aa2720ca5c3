/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The ethdev driver over virtual devices made here: net_ring (returns what is sent, by pointer) and net_null. What they
 * do not have (limits, offloads, RSS, another driver's name) is put into their device info on its way to the driver
 * under test and to ethdev's own checks: rte_eth_dev_info_get is wrapped.
 */
#include "rig/rig.h"

#include <dlfcn.h>
#include <errno.h>
#include <stdio.h>
#include <unistd.h>

#include <rte_dev.h>
#include <rte_ethdev.h>

#include "link_frames.h"
#include "stack/log.h"

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

static struct rte_mempool *pools[MR_LINK_MAX_QUEUES], *tx_pool;
static struct mr_link *links[MR_LINK_MAX_QUEUES];
static FILE *log_file;
static char log_text[4096];

static void
setup(void)
{
	struct rte_mempool *rx = lf_pool("ethdev_rx", 4095, 2048);

	tx_pool = lf_pool("ethdev_tx", 2047, 2048);
	for (unsigned i = 0; i < MR_LINK_MAX_QUEUES; i++)
		pools[i] = rx;
	log_file = tmpfile();
	ck_assert_ptr_nonnull(log_file);
	rte_openlog_stream(log_file);
	rte_log_set_level(mr_logtype, RTE_LOG_INFO);
}

/* Every buffer is back where it came from. */
static void
teardown(void)
{
	pretend = NULL;
	rte_openlog_stream(NULL);
	fclose(log_file);
	lf_pool_done(pools[0]);
	lf_pool_done(tx_pool);
}

/* What was logged since the last call. */
static const char *
logged(void)
{
	size_t n;

	fflush(log_file);
	rewind(log_file);
	n = fread(log_text, 1, sizeof(log_text) - 1, log_file);
	log_text[n] = '\0';
	rewind(log_file);
	ck_assert_int_eq(ftruncate(fileno(log_file), 0), 0);
	return log_text;
}

static void
assert_logged(const char *text)
{
	const char *all = logged();

	ck_assert_msg(strstr(all, text) != NULL, "\"%s\" is not in \"%s\"", text, all);
}

static void
device(const char *name)
{
	ck_assert_int_eq(rte_eal_hotplug_add("vdev", name, ""), 0);
}

static void
device_gone(const char *name)
{
	rte_eal_hotplug_remove("vdev", name);
}

static int
open_queues(const char *name, uint16_t n)
{
	struct mr_link_cfg cfg = {.device = name, .n_queues = n, .rx_pools = pools};

	return mr_link_open("ethdev", &cfg, links);
}

static void
close_queues(unsigned n)
{
	for (unsigned i = 0; i < n; i++)
		links[i]->ops->close(links[i]);
}

/* A ring port, opened and started. */
static struct mr_link *
ring_open(void)
{
	device("net_ring0");
	ck_assert_int_eq(open_queues("net_ring0", 1), 1);
	ck_assert_int_eq(links[0]->ops->start(links[0]), 0);
	return links[0];
}

static void
ring_close(void)
{
	struct rte_mbuf *m;

	while (lf_rx(links[0], 0, &m, 1))
		rte_pktmbuf_free(m);
	close_queues(1);
	device_gone("net_ring0");
}

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

START_TEST(received_frames_have_clean_facts)
{
	struct mr_link *l = ring_open();
	struct rte_mbuf *m = lf_frame(tx_pool, 1, 64), *r[8];

	memset(rte_mbuf_to_priv(m), 0xff, MR_PKT_PRIV_BYTES);
	m->ol_flags |= RTE_MBUF_F_RX_L4_CKSUM_GOOD; /* a received buffer that is sent on vouches for nothing */
	lf_send(l, 0, m);
	for (uint32_t i = 2; i < 8; i++)
		lf_send(l, 0, lf_frame(tx_pool, i, 64));
	ck_assert_uint_eq(lf_rx(l, 0, r, 8), 7);
	ck_assert_ptr_eq(r[0], m); /* not shared: passed by pointer */
	ck_assert_uint_eq(r[0]->ol_flags, 0);
	for (uint32_t i = 0; i < 7; i++) {
		ck_assert_uint_eq(mr_pkt(r[i])->flags, 0);
		ck_assert_ptr_null(mr_pkt(r[i])->netep);
		ck_assert_ptr_null(mr_pkt(r[i])->nic);
		lf_check(r[i], i + 1, 64);
	}
	ring_close();
}
END_TEST

/* A receiver in this process may write to what it gets: a frame that the sender keeps is copied. */
START_TEST(shared_frames_are_copied)
{
	struct mr_link *l = ring_open();
	struct rte_mbuf *m = lf_frame_segs(tx_pool, 1, 80, 40), *payload = m->next, *r;

	rte_mbuf_refcnt_update(payload, 1); /* only the payload is shared */
	lf_send(l, 0, m);
	m = lf_frame(tx_pool, 2, 64);
	rte_pktmbuf_refcnt_update(m, 1);
	lf_send(l, 0, m);
	ck_assert_uint_eq(lf_rx(l, 0, &r, 1), 1);
	for (struct rte_mbuf *seg = r; seg; seg = seg->next)
		memset(rte_pktmbuf_mtod(seg, void *), ~lf_expect(1, 40), seg->data_len);
	rte_pktmbuf_free(r);
	ck_assert_uint_eq(lf_rx(l, 0, &r, 1), 1);
	ck_assert_ptr_ne(r, m);
	lf_check(r, 2, 64);
	lf_check(m, 2, 64);
	ck_assert_uint_eq(rte_mempool_in_use_count(tx_pool), 1);
	ck_assert_uint_eq(rte_mbuf_refcnt_read(payload), 1);
	ck_assert_uint_eq(*rte_pktmbuf_mtod(payload, uint8_t *), lf_expect(1, 40));
	rte_pktmbuf_free(payload);
	ring_close();
}
END_TEST

START_TEST(shared_frames_and_a_full_device)
{
	struct mr_link *l = ring_open();
	struct rte_mbuf *p[40], *m;
	uint32_t n = 0, got = 0;
	uint16_t k;

	/* 1023 fit into the ring; copies of what it refuses are not leaked, and the caller keeps its frames. */
	do {
		for (uint32_t i = 0; i < 40; i++) {
			p[i] = lf_frame(tx_pool, n + i, 64);
			if (i % 2)
				rte_pktmbuf_refcnt_update(p[i], 1);
		}
		k = lf_tx(l, 0, p, 40);
		for (uint32_t i = 1; i < 40; i += 2)
			ck_assert_uint_eq(rte_mbuf_refcnt_read(p[i]), i < k ? 1 : 2);
		for (uint32_t i = k; i < 40; i++)
			rte_pktmbuf_free(p[i]);
		for (uint32_t i = 1; i < 40; i += 2)
			rte_pktmbuf_free(p[i]);
		n += k;
	} while (k == 40);
	ck_assert_uint_eq(n, 1023);
	ck_assert_uint_eq(rte_mempool_in_use_count(tx_pool), 1023);
	for (; lf_rx(l, 0, &m, 1); got++)
		lf_check(m, got, 64);
	ck_assert_uint_eq(got, 1023);
	ring_close();
}
END_TEST

START_TEST(no_buffer_for_a_copy)
{
	struct mr_link *l = ring_open();
	struct rte_mbuf *p[3], *rest[2044], *m;

	for (uint32_t i = 0; i < 3; i++)
		p[i] = lf_frame(tx_pool, i, 64);
	rte_pktmbuf_refcnt_update(p[1], 1);
	ck_assert_int_eq(rte_pktmbuf_alloc_bulk(tx_pool, rest, 2044), 0);
	ck_assert_uint_eq(lf_tx(l, 0, p, 3), 1);
	ck_assert_uint_eq(rte_mbuf_refcnt_read(p[1]), 2);
	rte_pktmbuf_free_bulk(rest, 2044);
	ck_assert_uint_eq(lf_tx(l, 0, p + 1, 2), 2);
	for (uint32_t i = 0; i < 3; i++) {
		ck_assert_uint_eq(lf_rx(l, 0, &m, 1), 1);
		lf_check(m, i, 64);
	}
	rte_pktmbuf_free(p[1]);
	ring_close();
}
END_TEST

/* Another program part may put any mbuf into the ring: without room for the facts it is no packet for us. */
START_TEST(foreign_buffers)
{
	struct rte_mempool *plain = rte_pktmbuf_pool_create("plain", 63, 0, 0, 2048, -1);
	struct mr_link *l = ring_open();
	struct rte_mbuf *p[3], *r[3];

	p[0] = lf_frame(plain, 0, 64);
	p[1] = lf_frame(tx_pool, 1, 64);
	p[2] = lf_frame(plain, 2, 64);
	ck_assert_uint_eq(lf_tx(l, 0, p, 3), 3);
	ck_assert_uint_eq(lf_rx(l, 0, r, 3), 1);
	lf_check(r[0], 1, 64);
	ck_assert_uint_eq(lf_stats(l).rx_errors, 2);
	lf_pool_done(plain);
	ring_close();
}
END_TEST

START_TEST(null_device_takes_and_makes_frames)
{
	struct rte_mbuf *p[64];
	struct mr_link *l;
	uint16_t n;

	device("net_null0");
	ck_assert_int_eq(open_queues("net_null0", 1), 1);
	l = links[0];
	ck_assert_int_eq(l->ops->start(l), 0);
	for (uint32_t i = 0; i < 64; i++)
		p[i] = lf_frame(tx_pool, i, 64);
	ck_assert_uint_eq(lf_tx(l, 0, p, 64), 64);
	ck_assert_uint_eq(rte_mempool_in_use_count(tx_pool), 0);
	n = lf_rx(l, 0, p, 64);
	ck_assert_uint_gt(n, 0);
	ck_assert_ptr_eq(p[0]->pool, pools[0]);
	rte_pktmbuf_free_bulk(p, n);
	ck_assert_uint_eq(lf_stats(l).tx_packets, 64);
	ck_assert_uint_eq(lf_stats(l).rx_packets, n);
	ck_assert_uint_eq(lf_stats(l).rx_missed + lf_stats(l).rx_errors + lf_stats(l).tx_errors, 0);
	/* Filters that a device does not have are as good as set. */
	ck_assert_int_eq(l->ops->set_promisc(l, true), 0);
	ck_assert_int_eq(l->ops->set_mcast(l, NULL, 0), 0);
	close_queues(1);
	device_gone("net_null0");
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

static struct rte_eth_conf
port_conf(void)
{
	struct rte_eth_conf conf;

	ck_assert_int_eq(rte_eth_dev_conf_get(0, &conf), 0);
	return conf;
}

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
	Suite *s = suite_create("ethdev");
	TCase *t = rig_case(s, "open", setup, teardown);

	lf_private_memory();
	tcase_add_test(t, unknown_device);
	tcase_add_test(t, by_name_and_by_number);
	tcase_add_test(t, own_address);
	tcase_add_test(t, tap_address);
	tcase_add_test(t, open_twice);
	tcase_add_test(t, bad_configuration);
	tcase_add_test(t, queue_counts);
	tcase_add_test(t, mtu);
	tcase_add_test(t, mtu_refused);
	tcase_add_loop_test(t, descriptors_are_clamped, 0, RTE_DIM(descriptors));
	tcase_add_test(t, offloads);
	tcase_add_loop_test(t, tso, 0, RTE_DIM(cutters));
	tcase_add_test(t, frames_to_be_cut);
	tcase_add_test(t, rss);
	tcase_add_test(t, no_queue_pair);
	t = rig_case(s, "run", setup, teardown);
	tcase_add_test(t, first_start_last_stop);
	tcase_add_test(t, received_frames_have_clean_facts);
	tcase_add_test(t, shared_frames_are_copied);
	tcase_add_test(t, shared_frames_and_a_full_device);
	tcase_add_test(t, no_buffer_for_a_copy);
	tcase_add_test(t, foreign_buffers);
	tcase_add_test(t, null_device_takes_and_makes_frames);
	tcase_add_test(t, filters_are_the_sum_of_the_queues);
	tcase_add_test(t, promisc_by_configuration);
	return s;
}

RIG_MAIN(suite)
