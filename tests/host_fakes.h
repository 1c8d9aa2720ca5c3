/* SPDX-License-Identifier: Apache-2.0 */
/*
 * For the tests of hosts on fakenet.h: a host of up to four workers, and a driver whose queues are fake links.
 */
#ifndef TESTS_HOST_FAKES_H
#define TESTS_HOST_FAKES_H

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "stack/host.h"
#include "stack/stack.h"

#include "rig/rig.h"

#include "fakenet.h"
#include "logged.h"

#define LCORES 4
#define NIC 4
#define LOCAL 0x0a000001
#define GROUP 0xe0000201

static struct mr_host *host;

/* ---- the driver's other end */

static struct fake_link *fakes[MR_LINK_MAX_QUEUES];
static struct mr_link_cfg opened; /* last configuration */

static struct rte_mempool *opened_pools[LCORES];
static unsigned device_queues = LCORES;

static int bad_queue = -1; /* has a framing that nobody knows */
static uint32_t device_caps;

static inline int
fake_open(const struct mr_link_cfg *cfg, struct mr_link **out)
{
	unsigned n = RTE_MIN(cfg->n_queues, device_queues);

	opened = *cfg;
	memcpy(opened_pools, cfg->rx_pools, cfg->n_queues * sizeof(opened_pools[0]));
	if (cfg->device && strcmp(cfg->device, "absent") == 0)
		return -ENODEV;
	for (unsigned i = 0; i < n; i++) {
		fakes[i] = fake_link_make(1024);
		fakes[i]->link.queue = i;
		if ((int)i == bad_queue)
			fakes[i]->link.framing = "no-such-framing";
		fakes[i]->link.caps |= device_caps;
		out[i] = &fakes[i]->link;
	}
	return n;
}

/* ---- the host */

static inline struct mr_host_opts
host_opts(unsigned workers)
{
	return (struct mr_host_opts){
		.stack = {.net_protos = fake_protos, .trans_protos = fake_no_protos, .seed = 5, .rx_mbufs = 2048,
		          .tx_mbufs = 1024, .rx_reserve_mbufs = 512, .max_conns = 64, .max_half_open = 64, .max_time_wait = 64,
		          .max_endpoints = 16},
		.n_workers = workers,
		.idle = MR_IDLE_YIELD,
	};
}

static inline void
host_make(unsigned workers)
{
	struct mr_host_opts o = host_opts(workers);

	ck_assert_int_eq(mr_host_create(&o, &host), 0);
}

static inline int
add_addresses(struct mr_stack *s, unsigned core, void *arg)
{
	struct mr_subnet local = {.addr = mr_addr_v4(LOCAL), .plen = 8};
	struct mr_addr group = mr_addr_v4(GROUP);
	int r = mr_addr_add(s, NIC, &local, MR_PEB_CAN_BE_PRIMARY);

	(void)core, (void)arg;
	return r < 0 ? r : mr_group_join(s, NIC, &group);
}

static const struct mr_host_port fake_port = {.nic = NIC, .name = "port", .driver = "fake"};

static inline void
host_make_with_port(unsigned workers, unsigned queues)
{
	device_queues = queues;
	host_make(workers);
	ck_assert_int_eq(mr_host_add_port(host, &fake_port), 0);
	ck_assert_int_eq(mr_host_call(host, add_addresses, NULL), 0);
}

static inline void
host_setup(void)
{
	device_queues = LCORES;
	bad_queue = -1;
	device_caps = 0;
	host = NULL;
}

/* Destroy the host. @return what it says about packets that did not come back to their pools */
static inline const char *
host_last_words(void)
{
	log_begin();
	mr_host_destroy(host);
	host = NULL;
	return log_end();
}

/* Every test ends the same way: no link stays open, and every packet is back in its pool. */
static inline void
host_end(void)
{
	if (!host)
		return;
	ck_assert_str_eq(host_last_words(), "");
	ck_assert_uint_eq(fake_links_open, 0);
}

static inline double
seconds(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return ts.tv_sec + ts.tv_nsec / 1e9;
}

static inline int
count_call(struct mr_stack *s, unsigned core, void *arg)
{
	(void)s;
	((unsigned *)arg)[core]++; /* each core has its own */
	return 0;
}

/* The test case of a suite of such tests. */
static inline TCase *
host_case(Suite *s, const char *name)
{
	TCase *tc = rig_case(s, name, host_setup, host_end);

	fake_register();
	mr_link_driver_register("fake", fake_open);
	tcase_set_timeout(tc, 120);
	return tc;
}

#endif
