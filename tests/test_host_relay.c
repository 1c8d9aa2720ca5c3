/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Relays alone: workers without a queue of the device send through one that has it. Threads and the real clock as in
 * test_host.c, but all in one.
 */
#include <malloc.h>
#include <sched.h>
#include <time.h>

#include <rte_cycles.h>
#include <rte_lcore.h>
#include <rte_malloc.h>
#include <rte_mempool.h>

#include "stack/host.h"
#include "stack/relay.h"

#include "rig/rig.h"

#include "fakenet.h"

#define LOCAL 0x0a000001

static struct fake_link *device;

/* ---- relay links alone */

static struct rte_mempool *relay_pool;
static struct mr_link *hub, *relays[2];

static void
relay_setup(void)
{
	relay_pool = mr_pktpool_create("relay", 4095, 256, 0);
	ck_assert_ptr_nonnull(relay_pool);
	device = fake_link_make(64);
	device->link.lladdr = (struct mr_lladdr){.b = {2, 0, 0, 0, 0, 9}, .len = 6};
	ck_assert_int_eq(mr_relay_create(&device->link, 2, &hub, relays), 0);
}

static void
relay_teardown(void)
{
	ck_assert_uint_eq(fake_links_open, 0);
	ck_assert_uint_eq(rte_mempool_in_use_count(relay_pool), 0);
	rte_mempool_free(relay_pool);
}

static void
relay_close_all(void)
{
	mr_link_close(relays[0]);
	mr_link_close(relays[1]);
	mr_link_close(hub);
}

static uint16_t
relay_send(struct mr_link *l, uint16_t n, uint32_t first)
{
	struct rte_mbuf *pkts[64];
	uint16_t taken;

	for (uint16_t i = 0; i < n; i++)
		pkts[i] = fake_pkt(relay_pool, LOCAL, 1, first + i, 0);
	taken = l->ops->tx_burst(l, 1, pkts, n);
	for (uint16_t i = taken; i < n; i++)
		rte_pktmbuf_free(pkts[i]);
	return taken;
}

/* @return serial of the next frame that the device sent, -1 if there is none */
static int
device_next(void)
{
	struct rte_mbuf *m;
	int serial;

	if (rte_ring_dequeue(device->tx, (void **)&m) < 0)
		return -1;
	serial = rte_pktmbuf_mtod(m, const struct fake_hdr *)->serial;
	rte_pktmbuf_free(m);
	return serial;
}

static void
hub_poll(void)
{
	struct rte_mbuf *pkts[MR_BURST];

	ck_assert_uint_eq(hub->ops->rx_burst(hub, 1, pkts, MR_BURST), 0);
}

START_TEST(relay_looks_like_the_device)
{
	struct rte_mbuf *m = fake_pkt(relay_pool, LOCAL, 1, 1, 0), *got[2];

	ck_assert_str_eq(relays[0]->framing, "fake");
	ck_assert_uint_eq(relays[0]->mtu, 1500);
	ck_assert_uint_eq(relays[0]->caps, device->link.caps);
	ck_assert_mem_eq(&relays[0]->lladdr, &device->link.lladdr, sizeof(struct mr_lladdr));
	ck_assert(relays[1]->ops->is_up(relays[1]));
	/* Received frames go to the queue's own worker only. */
	rte_ring_enqueue(device->rx, m);
	ck_assert_uint_eq(relays[0]->ops->rx_burst(relays[0], 1, got, 2), 0);
	ck_assert_uint_eq(hub->ops->rx_burst(hub, 1, got, 2), 1);
	ck_assert_ptr_eq(got[0], m);
	rte_pktmbuf_free(m);
	relay_close_all();
}
END_TEST

START_TEST(relay_passes_in_order)
{
	struct mr_link_stats st;

	ck_assert_uint_eq(hub->ops->next_ns(hub), UINT64_MAX);
	ck_assert_uint_eq(relay_send(relays[0], 10, 0), 10);
	ck_assert_uint_eq(relay_send(relays[1], 10, 100), 10);
	ck_assert_int_eq(device_next(), -1);
	ck_assert_uint_le(hub->ops->next_ns(hub), 1);
	hub_poll();
	ck_assert_uint_eq(hub->ops->next_ns(hub), UINT64_MAX);
	for (int i = 0; i < 20; i++)
		ck_assert_int_eq(device_next(), i < 10 ? i : 90 + i);
	ck_assert_int_eq(device_next(), -1);
	relays[0]->ops->stats(relays[0], &st);
	ck_assert_uint_eq(st.tx_packets, 10);
	ck_assert_uint_eq(st.tx_bytes, 10 * sizeof(struct fake_hdr));
	relay_close_all();
}
END_TEST

/* The device takes 63 frames, then nothing; what it did not take is offered again, once and in order. */
START_TEST(relay_pushes_back)
{
	unsigned taken = 0, next = 0;

	while (relay_send(relays[0], 32, taken) == 32)
		taken += 32;
	ck_assert_uint_eq(taken, MR_RELAY_RING - 32);
	taken += 31; /* the ring's last slots */
	ck_assert_uint_eq(relay_send(relays[0], 1, taken), 0);
	for (int i = 0; i < 5; i++)
		hub_poll();
	/* 63 in the device and one waits in front of it: two bursts have left the ring. */
	ck_assert_uint_eq(relay_send(relays[0], 64, taken), 64);
	ck_assert_uint_eq(relay_send(relays[0], 1, taken), 0);
	taken += 64;
	while (next < taken) {
		int serial;

		while ((serial = device_next()) >= 0)
			ck_assert_int_eq(serial, next++);
		hub_poll();
	}
	ck_assert_uint_eq(taken, MR_RELAY_RING - 1 + 64);
	relay_close_all();
}
END_TEST

/* A shared frame is passed itself; the sender's reference keeps it. */
START_TEST(relay_passes_shared_frames)
{
	struct rte_mbuf *m = fake_pkt(relay_pool, LOCAL, 1, 1, 0), *out;

	rte_mbuf_refcnt_update(m, 1);
	m->port = MR_PORT_HELD;
	ck_assert_uint_eq(relays[0]->ops->tx_burst(relays[0], 1, &m, 1), 1);
	hub_poll();
	ck_assert_int_eq(rte_ring_dequeue(device->tx, (void **)&out), 0);
	ck_assert_ptr_eq(out, m);
	ck_assert_uint_eq(rte_mbuf_refcnt_read(m), 2);
	ck_assert_uint_ne(m->port, MR_PORT_HELD); /* whoever keeps it is of another core now */
	rte_pktmbuf_free(out);
	rte_pktmbuf_free(m);
	relay_close_all();
}
END_TEST

START_TEST(relay_sends_the_rest_at_stop)
{
	ck_assert_uint_eq(relay_send(relays[0], 40, 0), 40);
	hub->ops->start(hub);
	hub->ops->stop(hub);
	ck_assert_uint_eq(device->started, 1);
	ck_assert_uint_eq(device->stopped, 1);
	for (int i = 0; i < 40; i++)
		ck_assert_int_eq(device_next(), i);
	relay_close_all();
}
END_TEST

/* Closed in any order with frames in the lane and in front of the device. */
START_TEST(relay_closes_in_any_order)
{
	struct mr_link *order[3][3] = {{hub, relays[0], relays[1]},
	                                {relays[0], hub, relays[1]},
	                                {relays[1], relays[0], hub}};

	for (uint32_t i = 0; i < 4; i++)
		ck_assert_uint_eq(relay_send(relays[1], 64, 0), 64);
	for (uint32_t i = 0; i < 4; i++)
		hub_poll();
	ck_assert_uint_eq(rte_mempool_in_use_count(relay_pool), 4 * 64);
	for (unsigned i = 0; i < 3; i++)
		mr_link_close(order[_i][i]);
}
END_TEST

static Suite *
suite(void)
{
	Suite *s = suite_create("host_relay");
	TCase *tc = rig_case(s, "relay", relay_setup, relay_teardown);

	tcase_add_test(tc, relay_looks_like_the_device);
	tcase_add_test(tc, relay_passes_in_order);
	tcase_add_test(tc, relay_pushes_back);
	tcase_add_test(tc, relay_passes_shared_frames);
	tcase_add_test(tc, relay_sends_the_rest_at_stop);
	tcase_add_loop_test(tc, relay_closes_in_any_order, 0, 3);
	return s;
}

RIG_MAIN_LCORES(suite)
