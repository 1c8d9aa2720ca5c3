/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Packets of hosts: from the core that receives them to the one they are for, from cores without a queue of the device to
 * one that has it, and back to their pools when everything ends. Threads and the real clock as in test_host.c.
 */
#include <sched.h>
#include <string.h>

#include <rte_mempool.h>

#include "host_fakes.h"

static unsigned
in_use(void)
{
	unsigned n = 0;

	for (unsigned i = 0; i < mr_host_workers(host); i++)
		n += rte_mempool_in_use_count(mr_stack_rx_pool(mr_host_stack(host, i))) +
		     rte_mempool_in_use_count(mr_stack_tx_pool(mr_host_stack(host, i)));
	return n;
}

/* ---- packets between running cores */

static bool
wait_for(enum mr_counter c, uint64_t value)
{
	double end = seconds() + 20;

	while (seconds() < end) {
		mr_host_poll(host);
		if (mr_host_counter(host, c) >= value)
			return true;
		sched_yield();
	}
	return false;
}

/* Every packet comes in at queue 0 and is worked on once, by its owner. */
START_TEST(packets_reach_their_owner)
{
	enum { PACKETS = 3000 };
	static uint8_t seen[PACKETS];
	struct rte_mempool *pool;
	unsigned total = 0, workers = 1 + _i, calls[LCORES] = {0};

	memset(seen, 0, sizeof(seen));
	host_make_with_port(workers, 1);
	/* An own pool: the other lcores' caches of a stack's would be out of reach. */
	pool = mr_pktpool_create("inject", 8191, 256, 0);
	ck_assert_ptr_nonnull(pool);
	ck_assert_int_eq(mr_host_start(host), 0);
	for (unsigned i = 0; i < PACKETS; i++) {
		struct rte_mbuf *m;

		while (rte_ring_full(fakes[0]->rx)) {
			mr_host_poll(host);
			sched_yield();
		}
		m = fake_pkt(pool, LOCAL, 1024 + i, i, 0);
		ck_assert_int_eq(rte_ring_enqueue(fakes[0]->rx, m), 0);
	}
	ck_assert(wait_for(MR_CNT_NIC_RX_PACKETS, PACKETS));
	/* The turn that took the last ones is over when a call has been answered: now STEER_OUT stands. */
	ck_assert_int_eq(mr_host_call(host, count_call, calls), 0);
	ck_assert(wait_for(MR_CNT_STEER_IN, mr_host_counter(host, MR_CNT_STEER_OUT)));
	mr_host_stop(host);
	for (unsigned core = 0; core < workers; core++) {
		const struct fake_proto *f = fake_of(mr_host_stack(host, core));

		for (unsigned i = 0; i < f->n; i++) {
			struct mr_tuple t = {.src = mr_addr_v4(0xc0000201), .dst = mr_addr_v4(LOCAL),
			                     .dport_be = rte_cpu_to_be_16(80)};

			t.sport_be = rte_cpu_to_be_16(1024 + f->serials[i]);
			ck_assert_uint_eq(mr_steer_owner(mr_host_stack(host, core)->steer, &t), core);
			ck_assert_uint_eq(seen[f->serials[i]]++, 0);
		}
		ck_assert_uint_gt(f->n, PACKETS / workers / 2);
		total += f->n;
	}
	ck_assert_uint_eq(total + mr_host_counter(host, MR_DROP_STEER_RING_FULL), PACKETS);
	ck_assert_uint_eq(total, PACKETS);
	ck_assert_uint_eq(in_use(), 0);
	ck_assert_uint_eq(rte_mempool_in_use_count(pool), 0);
	rte_mempool_free(pool);
}
END_TEST

START_TEST(group_packets_reach_everyone)
{
	struct rte_mempool *pool;

	host_make_with_port(3, 1);
	pool = mr_stack_rx_pool(mr_host_stack(host, 0));
	ck_assert_int_eq(mr_host_start(host), 0);
	for (unsigned i = 0; i < 50; i++)
		ck_assert_int_eq(rte_ring_enqueue(fakes[0]->rx, fake_pkt(pool, GROUP, 1024 + i, i, FAKE_GROUP)), 0);
	ck_assert(wait_for(MR_CNT_STEER_IN, 100));
	mr_host_stop(host);
	for (unsigned core = 0; core < 3; core++) {
		const struct fake_proto *f = fake_of(mr_host_stack(host, core));

		ck_assert_uint_eq(f->n, 50);
		for (unsigned i = 0; i < 50; i++)
			ck_assert_uint_eq(f->serials[i], i);
	}
	ck_assert_uint_eq(in_use(), 0);
}
END_TEST

/* What the cores had under way when they stopped goes back to its pools, whichever core's they are. */
START_TEST(destroy_with_packets_everywhere)
{
	struct rte_mempool *pool;

	host_make_with_port(3, 1);
	pool = mr_stack_rx_pool(mr_host_stack(host, 0));
	for (unsigned i = 0; i < 300; i++)
		ck_assert_int_eq(rte_ring_enqueue(fakes[0]->rx, fake_pkt(pool, LOCAL, 1024 + i, i, 0)), 0);
	for (unsigned turn = 1; turn < 5; turn++)
		mr_stack_poll(mr_host_stack(host, 0), turn * 1000);
	ck_assert_uint_gt(in_use(), 150);
	ck_assert_uint_gt(mr_stack_counter(mr_host_stack(host, 0), MR_CNT_STEER_OUT), 10);
}
END_TEST

START_TEST(destroy_tells_of_leaks)
{
	host_make(2);
	ck_assert_ptr_nonnull(rte_pktmbuf_alloc(mr_stack_tx_pool(mr_host_stack(host, 1))));
	ck_assert_ptr_nonnull(strstr(host_last_words(), "1 packets of pool"));
}
END_TEST

/* ---- sending without a queue */

static unsigned sent_by[LCORES]; /* by core */

static int
send_some(struct mr_stack *s, unsigned core, void *arg)
{
	static const struct mr_lladdr ll = {.len = 6};
	struct mr_nic *nic = mr_nic_find(s, NIC);

	(void)arg;
	for (unsigned i = 0; i < 64; i++)
		mr_nic_output_ll(nic, fake_pkt(s->tx_pool, LOCAL, core, sent_by[core]++, 0), &ll, MR_NET_IPV4);
	return 0;
}

/* Take what the device was given; each core's frames are all there and in order. */
static unsigned
device_take(unsigned got[LCORES])
{
	struct rte_mbuf *m;
	unsigned n = 0;

	while (rte_ring_dequeue(fakes[0]->tx, (void **)&m) == 0) {
		const struct fake_hdr *h = rte_pktmbuf_mtod(m, const struct fake_hdr *);
		unsigned core = rte_be_to_cpu_16(h->sport_be);

		ck_assert_uint_lt(core, LCORES);
		ck_assert_uint_eq(h->serial, got[core]++);
		rte_pktmbuf_free(m);
		n++;
	}
	return n;
}

START_TEST(relays_deliver_everything)
{
	unsigned got[LCORES] = {0}, total = 0;
	double end = seconds() + 20;

	memset(sent_by, 0, sizeof(sent_by));
	host_make_with_port(LCORES, 1);
	ck_assert_str_eq(mr_host_steering(host), "software Toeplitz, 4 workers; port: 3 of them send through 1");
	ck_assert_int_eq(mr_host_start(host), 0);
	for (unsigned i = 0; i < 20; i++) {
		ck_assert_int_eq(mr_host_call(host, send_some, NULL), 0);
		/* Let it pile up first: the device's ring holds 1023. */
		while (i > 4 && total < (i - 3) * LCORES * 64 && seconds() < end) {
			mr_host_poll(host);
			total += device_take(got);
			sched_yield();
		}
	}
	while (total < 20 * LCORES * 64 && seconds() < end) {
		mr_host_poll(host);
		total += device_take(got);
		sched_yield();
	}
	for (unsigned core = 0; core < LCORES; core++)
		ck_assert_uint_eq(got[core], 20 * 64);
	ck_assert_uint_eq(mr_host_counter(host, MR_DROP_NIC_TXQ_FULL), 0);
	mr_host_stop(host);
	ck_assert_uint_eq(in_use(), 0);
}
END_TEST

/* Which of 64 frames core `core`'s own queue lets through. */
static uint64_t
survivors(unsigned core)
{
	struct rte_mbuf *m;
	uint64_t set = 0;

	sent_by[core] = 0;
	send_some(mr_host_stack(host, core), core, NULL);
	for (unsigned turn = 0; turn < 3; turn++)
		mr_stack_poll(mr_host_stack(host, core), mr_stack_now_ns(mr_host_stack(host, core)) + 1000);
	while (rte_ring_dequeue(fakes[core]->tx, (void **)&m) == 0) {
		set |= 1ull << rte_pktmbuf_mtod(m, const struct fake_hdr *)->serial;
		rte_pktmbuf_free(m);
	}
	return set;
}

START_TEST(impairment_differs_by_worker)
{
	struct mr_host_port p = fake_port;
	uint64_t set[2];

	p.impair = "loss=50%,seed=7";
	for (unsigned i = 0; i < 2; i++) {
		host_make(2);
		ck_assert_int_eq(mr_host_add_port(host, &p), 0);
		ck_assert_uint_ne(survivors(0), survivors(1));
		set[i] = survivors(1);
		ck_assert_int_gt(__builtin_popcountll(set[i]), 10);
		ck_assert_int_lt(__builtin_popcountll(set[i]), 54);
		host_end();
	}
	/* And it is the same in every run. */
	ck_assert_uint_eq(set[0], set[1]);
}
END_TEST

/* Frames of all cores are in queues, lanes and the full device when everything ends. */
START_TEST(destroy_with_frames_in_relays)
{
	memset(sent_by, 0, sizeof(sent_by));
	host_make_with_port(LCORES, 1);
	for (unsigned i = 0; i < 4; i++)
		ck_assert_int_eq(mr_host_call(host, send_some, NULL), 0);
	for (unsigned i = LCORES; i-- > 0;)
		mr_stack_poll(mr_host_stack(host, i), 1000);
	ck_assert_uint_gt(in_use(), LCORES * 4 * 64 - 1);
}
END_TEST

/* After a turn with few packets a worker that may sleep does, and that is no part of the turn; after one with a packet, or a burst,
 * it does not. */
START_TEST(sleeps_for_more)
{
	enum { TURNS = 20 };
	static const unsigned main_lcore[] = {0}, packets[] = {1, 2, 31, 32};
	uint64_t slept = rte_get_tsc_hz() / 50000 * TURNS, tsc;
	struct mr_host_opts o = host_opts(1);
	struct mr_host_load load;

	device_queues = 1;
	o.lcores = main_lcore;
	o.idle = MR_IDLE_SLEEP;
	ck_assert_int_eq(mr_host_create(&o, &host), 0);
	ck_assert_int_eq(mr_host_add_port(host, &fake_port), 0);
	ck_assert_int_eq(mr_host_call(host, add_addresses, NULL), 0);
	ck_assert_int_eq(mr_host_start(host), 0);
	tsc = rte_rdtsc();
	for (unsigned turn = 0; turn < TURNS; turn++) {
		for (unsigned i = 0; i < packets[_i]; i++)
			ck_assert_int_eq(rte_ring_enqueue(fakes[0]->rx,
			                                  fake_pkt(mr_stack_rx_pool(mr_host_stack(host, 0)), LOCAL, 1024, i, 0)), 0);
		ck_assert_uint_gt(mr_host_poll(host), 0);
	}
	tsc = rte_rdtsc() - tsc;
	mr_host_load(host, 0, &load);
	ck_assert_uint_eq(load.busy_turns, TURNS);
	ck_assert_uint_eq(load.idle_turns, 0);
	if (packets[_i] == 2 || packets[_i] == 31)
		ck_assert(load.idle_tsc >= slept && load.busy_tsc <= tsc - load.idle_tsc);
	else
		ck_assert_uint_eq(load.idle_tsc, 0);
	mr_host_stop(host);
}
END_TEST

static Suite *
suite(void)
{
	Suite *s = suite_create("host_packets");
	TCase *tc = host_case(s, "host_packets");

	tcase_add_loop_test(tc, packets_reach_their_owner, 0, LCORES);
	tcase_add_test(tc, group_packets_reach_everyone);
	tcase_add_test(tc, destroy_with_packets_everywhere);
	tcase_add_test(tc, destroy_tells_of_leaks);
	tcase_add_test(tc, relays_deliver_everything);
	tcase_add_test(tc, impairment_differs_by_worker);
	tcase_add_test(tc, destroy_with_frames_in_relays);
	tcase_add_loop_test(tc, sleeps_for_more, 0, 4);
	return s;
}

RIG_MAIN_LCORES(suite)
