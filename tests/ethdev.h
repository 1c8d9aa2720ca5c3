/* SPDX-License-Identifier: Apache-2.0 */
/*
 * For the tests of the ethdev driver: virtual devices that come and go, their queues opened as links, pools whose buffers
 * must be back in the end, and what is logged.
 */
#ifndef TESTS_ETHDEV_H
#define TESTS_ETHDEV_H

#include "rig/rig.h"

#include <rte_dev.h>
#include <rte_ethdev.h>

#include "link_frames.h"
#include "logged.h"
#include "stack/log.h"

static struct rte_mempool *pools[MR_LINK_MAX_QUEUES], *tx_pool;
static struct mr_link *links[MR_LINK_MAX_QUEUES];

static inline void
ethdev_setup(void)
{
	struct rte_mempool *rx = lf_pool("ethdev_rx", 4095, 2048);

	tx_pool = lf_pool("ethdev_tx", 2047, 2048);
	for (unsigned i = 0; i < MR_LINK_MAX_QUEUES; i++)
		pools[i] = rx;
	log_begin();
	rte_log_set_level(mr_logtype, RTE_LOG_INFO);
}

/* Every buffer is back where it came from. */
static inline void
ethdev_teardown(void)
{
	log_end();
	lf_pool_done(pools[0]);
	lf_pool_done(tx_pool);
}

static inline void
assert_logged(const char *text)
{
	const char *all = logged();

	ck_assert_msg(strstr(all, text) != NULL, "\"%s\" is not in \"%s\"", text, all);
}

static inline void
device(const char *name)
{
	ck_assert_int_eq(rte_eal_hotplug_add("vdev", name, ""), 0);
}

static inline void
device_gone(const char *name)
{
	rte_eal_hotplug_remove("vdev", name);
}

static inline int
open_queues(const char *name, uint16_t n)
{
	struct mr_link_cfg cfg = {.device = name, .n_queues = n, .rx_pools = pools};

	return mr_link_open("ethdev", &cfg, links);
}

static inline void
close_queues(unsigned n)
{
	for (unsigned i = 0; i < n; i++)
		links[i]->ops->close(links[i]);
}

#endif
