/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The ethdev driver and a device that connects to its other end: a memif client. Its server's socket is there as soon as the
 * device is, its port some time later; who calls between is sent away, and DPDK's driver does not call again. How often it
 * was started is counted: rte_eth_dev_start is wrapped. Not forked: memif needs EAL's interrupt thread.
 *
 * And what becomes of frames that their sender keeps, since memif is done with a frame when it has taken it.
 */
#include "ethdev.h"

#include <dlfcn.h>
#include <errno.h>
#include <pthread.h>
#include <rte_alarm.h>
#include <stdatomic.h>
#include <unistd.h>

static atomic_uint starts;
static char client_args[256], server_args[300];

int rte_eth_dev_start(uint16_t port);

int
rte_eth_dev_start(uint16_t port)
{
	int (*real)(uint16_t) = dlsym(RTLD_NEXT, "rte_eth_dev_start");
	int rc = real(port);

	atomic_fetch_add(&starts, 1);
	return rc;
}

static void
setup(void)
{
	const char *folder = getenv("TMPDIR");

	ethdev_setup();
	atomic_store(&starts, 0);
	snprintf(client_args, sizeof(client_args), "socket=%s/mr-memif-%d,socket-abstract=no", folder ? folder : "/tmp", getpid());
	snprintf(server_args, sizeof(server_args), "role=server,%s", client_args);
	ck_assert_int_eq(rte_eal_hotplug_add("vdev", "net_memif0", server_args), 0);
	ck_assert_int_eq(rte_eal_hotplug_add("vdev", "net_memif1", client_args), 0);
}

static struct mr_link *
opened(const char *name)
{
	ck_assert_int_eq(open_queues(name, 1), 1);
	return links[0];
}

static void *
start_link(void *link)
{
	struct mr_link *l = link;

	return (void *)(intptr_t)l->ops->start(l);
}

/* The client knows when it has started, its server hears of it. */
static void
connected(struct mr_link *server, struct mr_link *client)
{
	ck_assert(client->ops->is_up(client));
	while (!server->ops->is_up(server))
		usleep(1000);
}

static void
passed(void *flag)
{
	atomic_store((atomic_bool *)flag, true);
}

/* What EAL's interrupt thread is in the middle of has ended: its alarm comes after it. */
static void
interrupts_handled(void)
{
	atomic_bool flag = false;

	ck_assert_int_eq(rte_eal_alarm_set(1, passed, &flag), 0);
	while (!atomic_load(&flag))
		usleep(1000);
}

/*
 * The server's driver hears of the client's leaving in the interrupt thread, and uses what closing the server would free
 * beside it (DPDK 22.11).
 */
static void
done(struct mr_link *server, struct mr_link *client)
{
	client->ops->close(client);
	while (server->ops->is_up(server))
		usleep(1000);
	interrupts_handled();
	server->ops->close(server);
	device_gone("net_memif1");
	device_gone("net_memif0");
}

/* It was sent away once, and calls until its server takes it. */
START_TEST(client_before_its_server)
{
	struct mr_link *server = opened("net_memif0"), *client = opened("net_memif1");
	pthread_t thread;
	struct rte_mbuf *m;
	void *rc;

	ck_assert_int_eq(pthread_create(&thread, NULL, start_link, client), 0);
	while (atomic_load(&starts) < 2)
		usleep(1000);
	ck_assert(!client->ops->is_up(client));
	ck_assert_int_eq(server->ops->start(server), 0);
	ck_assert_int_eq(pthread_join(thread, &rc), 0);
	ck_assert_int_eq((intptr_t)rc, 0);
	connected(server, client);
	lf_send(client, 0, lf_frame(tx_pool, 7, 64));
	ck_assert_uint_eq(lf_rx(server, 0, &m, 1), 1);
	lf_check(m, 7, 64);
	done(server, client);
}
END_TEST

/* A server that is never started: an error, and the port can be started once more. */
START_TEST(server_that_never_starts)
{
	struct mr_link *server = opened("net_memif0"), *client = opened("net_memif1");

	ck_assert_int_eq(client->ops->start(client), -ENOLINK);
	assert_logged("ethdev net_memif1: not connected in 3000 ms: is its other end started");
	ck_assert_uint_gt(atomic_load(&starts), 1);
	ck_assert_int_eq(server->ops->start(server), 0);
	ck_assert_int_eq(client->ops->start(client), 0);
	connected(server, client);
	done(server, client);
}
END_TEST

/* A server waits for nobody. */
START_TEST(server_alone)
{
	struct mr_link *server = opened("net_memif0");

	ck_assert_int_eq(server->ops->start(server), 0);
	ck_assert(!server->ops->is_up(server));
	ck_assert_uint_eq(atomic_load(&starts), 1);
	server->ops->close(server);
	device_gone("net_memif1");
	device_gone("net_memif0");
}
END_TEST

static bool
is_held(uint32_t i)
{
	return i % 4 == 1 || i % 4 == 2;
}

/* Of four frames one is the device's alone, one kept by the sender's core and marked so, one kept by anybody, and one was kept
 * and let go again before it was sent. A full device leaves them all as they were. */
START_TEST(frames_that_are_kept)
{
	struct mr_link *server = opened("net_memif0"), *client = opened("net_memif1");
	struct rte_mbuf *p[60], *m;
	uint32_t n = 0;
	uint16_t k;

	ck_assert_int_eq(server->ops->start(server), 0);
	ck_assert_int_eq(client->ops->start(client), 0);
	connected(server, client);
	do {
		for (uint32_t i = 0; i < 60; i++) {
			p[i] = lf_frame(tx_pool, n + i, 64);
			rte_mbuf_refcnt_set(p[i], is_held(i) ? 2 : 1);
			if (i % 2)
				p[i]->port = MR_PORT_HELD;
		}
		k = lf_tx(client, 0, p, 60);
		for (uint32_t i = 0; i < 60; i++) {
			if (i < k && !is_held(i))
				continue;
			ck_assert_uint_eq(rte_mbuf_refcnt_read(p[i]), i >= k && is_held(i) ? 2 : 1);
			ck_assert_ptr_eq(p[i]->pool, tx_pool);
			rte_mbuf_refcnt_set(p[i], 1);
			lf_check(p[i], n + i, 64);
		}
		n += k;
	} while (k == 60);
	ck_assert_uint_gt(n, 60);
	ck_assert_uint_eq(rte_mempool_in_use_count(tx_pool), 0);
	for (uint32_t i = 0; i < n; i++) {
		ck_assert_uint_eq(lf_rx(server, 0, &m, 1), 1);
		lf_check(m, i, 64);
	}
	done(server, client);
}
END_TEST

static Suite *
suite(void)
{
	Suite *s = suite_create("ethdev_dial");
	TCase *t = rig_case(s, "dial", setup, ethdev_teardown);

	tcase_add_test(t, client_before_its_server);
	tcase_add_test(t, server_that_never_starts);
	tcase_add_test(t, server_alone);
	tcase_add_test(t, frames_that_are_kept);
	return s;
}

RIG_MAIN_LCORES(suite)
