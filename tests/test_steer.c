/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Steering: the hash against published vectors, its symmetry, and the passage of packets between two stacks that one
 * thread polls by turns.
 */
#include "rig/rig.h"

#include <errno.h>

#include "stack/mailbox.h"
#include "stack/steer.h"

#include "fakenet.h"

#define NIC_A 7
#define NIC_B 300 /* more than a byte */
#define LOCAL 0x0a000001
#define GROUP 0xe0000201
#define RX_MBUFS 5120

static struct mr_stack *stacks[2];
static struct mr_steer *steers[2];
static struct fake_link *links[2][2];

static void
stack_setup(unsigned core)
{
	char name[8];
	struct mr_stack_opts o = {.name = name, .net_protos = fake_protos, .trans_protos = fake_no_protos, .seed = 1 + core,
	                          .rx_mbufs = RX_MBUFS, .tx_mbufs = 256, .max_conns = 64, .max_half_open = 64,
	                          .max_time_wait = 64, .core = core, .n_cores = 2};
	struct mr_subnet local = {.addr = mr_addr_v4(LOCAL), .plen = 8};
	struct mr_addr group = mr_addr_v4(GROUP);

	snprintf(name, sizeof(name), "s%u", core);
	ck_assert_int_eq(mr_stack_create(&o, &stacks[core]), 0);
	for (unsigned i = 0; i < 2; i++) {
		uint16_t id = i ? NIC_B : NIC_A;

		links[core][i] = fake_link_make(8192);
		ck_assert_int_eq(mr_nic_create(stacks[core], id, i ? "b" : "a", &links[core][i]->link), 0);
		ck_assert_int_eq(mr_addr_add(stacks[core], id, &local, MR_PEB_CAN_BE_PRIMARY), 0);
		ck_assert_int_eq(mr_group_join(stacks[core], id, &group), 0);
	}
	steers[core] = malloc(sizeof(*steers[core]));
	mr_steer_init(steers[core], core, 2, NULL);
}

static void
setup(void)
{
	fake_register();
	stack_setup(0);
	stack_setup(1);
	ck_assert_int_eq(mr_steer_mesh_create(steers, 2), 0);
	stacks[0]->steer = steers[0];
	stacks[1]->steer = steers[1];
}

static unsigned
free_mbufs(unsigned core)
{
	return mr_stash_avail(&stacks[core]->rx_stash);
}

static void
teardown(void)
{
	struct rte_mempool *pools[2][2];

	for (unsigned i = 0; i < 2; i++) {
		pools[i][0] = stacks[i]->rx_pool;
		pools[i][1] = stacks[i]->tx_pool;
		stacks[i]->keep_pools = true;
		mr_stack_destroy(stacks[i]);
	}
	mr_steer_mesh_destroy(steers, 2);
	for (unsigned i = 0; i < 2; i++) {
		for (unsigned j = 0; j < 2; j++) {
			mr_link_close(&links[i][j]->link);
			ck_assert_uint_eq(rte_mempool_in_use_count(pools[i][j]), 0);
			rte_mempool_free(pools[i][j]);
		}
		free(steers[i]);
	}
	ck_assert_uint_eq(fake_links_open, 0);
}

/* A source port whose packets to `dst` belong to `core`: the n-th of them. */
static uint16_t
port_to(uint32_t dst, uint16_t core, unsigned n)
{
	struct mr_tuple t = {.src = mr_addr_v4(0xc0000201), .dst = mr_addr_v4(dst), .dport_be = rte_cpu_to_be_16(80)};

	for (uint16_t port = 1024; port; port++) {
		t.sport_be = rte_cpu_to_be_16(port);
		if (mr_steer_owner(steers[0], &t) == core && n-- == 0)
			return port;
	}
	ck_abort_msg("no port for core %u", core);
}

static uint16_t
port_of(uint16_t core, unsigned n)
{
	return port_to(LOCAL, core, n);
}

/* Parse as the NIC does and pass through mr_steer_out on core 0. @return how many stay, at the front of pkts */
static uint16_t
steer_out(struct rte_mbuf **pkts, struct mr_addr *dst, uint16_t n, uint16_t nic)
{
	struct mr_stack *s = stacks[0];
	struct mr_netproto *np = mr_stack_netproto(s, MR_NET_IPV4);

	for (uint16_t i = 0; i < n; i++)
		mr_pkt(pkts[i])->nic = mr_nic_find(s, nic);
	fake_parse(np, mr_nic_find(s, nic), pkts, dst, n);
	return mr_steer_out(s, np, pkts, dst, n);
}

static uint32_t
serial_of(const struct rte_mbuf *m)
{
	return rte_pktmbuf_mtod(m, const struct fake_hdr *)->serial;
}

/* ---- the hash */

static const uint8_t ms_key[MR_STEER_KEY_BYTES] = {
	0x6d, 0x5a, 0x56, 0xda, 0x25, 0x5b, 0x0e, 0xc2, 0x41, 0x67, 0x25, 0x3d, 0x43, 0xa3, 0x8f, 0xb0,
	0xd0, 0xca, 0x2b, 0xcb, 0xae, 0x7b, 0x30, 0xb4, 0x77, 0xcb, 0x2d, 0xa3, 0x80, 0x30, 0xf2, 0x0c,
	0x6a, 0x42, 0xb7, 0x3b, 0xbe, 0xac, 0x01, 0xfa,
};

/* Microsoft, "Verifying the RSS hash calculation". */
static const struct {
	const char *dst, *src;
	uint16_t dport, sport;
	uint32_t addrs, ports;
} vectors[] = {
	{"161.142.100.80", "66.9.149.187", 1766, 2794, 0x323e8fc2, 0x51ccc178},
	{"65.69.140.83", "199.92.111.2", 4739, 14230, 0xd718262a, 0xc626b0ea},
	{"12.22.207.184", "24.19.198.95", 38024, 12898, 0xd2d0a5de, 0x5c2b394a},
	{"209.142.163.6", "38.27.205.30", 2217, 48228, 0x82989176, 0xafc7327f},
	{"202.188.127.2", "153.39.163.191", 1303, 44251, 0x5d1809c5, 0x10e828a2},
	{"3ffe:2501:200:3::1", "3ffe:2501:200:1fff::7", 1766, 2794, 0x2cc18cd5, 0x40207d3d},
	{"ff02::1", "3ffe:501:8::260:97ff:fe40:efab", 4739, 14230, 0x0f0c461c, 0xdde51bbf},
	{"fe80::200:f8ff:fe21:67cf", "3ffe:1900:4545:3:200:f8ff:fe21:67cf", 38024, 44251, 0x4b61e985, 0x02d1feef},
};

static struct mr_tuple
vector_tuple(int i, bool ports)
{
	struct mr_tuple t = {0};

	ck_assert_int_eq(mr_addr_parse(vectors[i].src, &t.src), 0);
	ck_assert_int_eq(mr_addr_parse(vectors[i].dst, &t.dst), 0);
	if (ports) {
		t.sport_be = rte_cpu_to_be_16(vectors[i].sport);
		t.dport_be = rte_cpu_to_be_16(vectors[i].dport);
	}
	return t;
}

START_TEST(hash_vectors)
{
	struct mr_tuple addrs = vector_tuple(_i, false), ports = vector_tuple(_i, true);
	struct mr_steer st;

	mr_steer_init(&st, 0, 4, ms_key);
	ck_assert_uint_eq(mr_steer_hash(&st, &addrs), vectors[_i].addrs);
	ck_assert_uint_eq(mr_steer_hash(&st, &ports), vectors[_i].ports);
	ck_assert_uint_eq(mr_steer_owner(&st, &ports), vectors[_i].ports % 128 % 4);
}
END_TEST

/* The default key is symmetric; the published one is not, so the test can tell. */
START_TEST(hash_symmetric)
{
	struct mr_tuple t = vector_tuple(_i, true);
	struct mr_tuple back = {.src = t.dst, .dst = t.src, .sport_be = t.dport_be, .dport_be = t.sport_be};
	struct mr_steer st;

	mr_steer_init(&st, 0, 64, ms_key);
	ck_assert_uint_ne(mr_steer_hash(&st, &t), mr_steer_hash(&st, &back));
	mr_steer_init(&st, 0, 64, NULL);
	ck_assert_uint_eq(mr_steer_hash(&st, &t), mr_steer_hash(&st, &back));
	ck_assert_uint_eq(mr_steer_owner(&st, &t), mr_steer_owner(&st, &back));
	ck_assert_uint_ne(mr_steer_hash(&st, &t), 0);
}
END_TEST

START_TEST(owners_are_even_and_everywhere)
{
	struct mr_tuple t = {.src = mr_addr_v4(0xc0000201), .dst = mr_addr_v4(LOCAL), .dport_be = rte_cpu_to_be_16(80)};
	unsigned owned[3] = {0};
	struct mr_steer st[3];

	for (uint16_t i = 0; i < 3; i++)
		mr_steer_init(&st[i], i, 3, NULL);
	for (unsigned i = 0; i < MR_STEER_RETA; i++)
		ck_assert_uint_eq(st[0].reta[i], i % 3);
	for (uint16_t port = 20000; port < 26000; port++) {
		uint16_t owner;

		t.sport_be = rte_cpu_to_be_16(port);
		owner = mr_steer_owner(&st[0], &t);
		owned[owner]++;
		ck_assert_uint_eq(mr_steer_owner(&st[1], &t), owner);
		ck_assert_uint_eq(mr_steer_owner(&st[2], &t), owner);
	}
	for (unsigned i = 0; i < 3; i++)
		ck_assert_uint_gt(owned[i], 6000 / 3 * 8 / 10);
}
END_TEST

/* ---- out */

START_TEST(out_keeps_its_own_in_order)
{
	struct rte_mbuf *pkts[100];
	struct mr_addr dst[100];
	uint16_t n = 0;

	/* More than one burst, so that the chunks join; every third belongs to core 1. */
	for (unsigned i = 0; i < 100; i++)
		pkts[i] = fake_pkt(stacks[0]->rx_pool, LOCAL + i, port_to(LOCAL + i, i % 3 == 2, 0), i, 0);
	ck_assert_uint_eq(steer_out(pkts, dst, 100, NIC_B), 67);
	for (unsigned i = 0; i < 100; i++) {
		struct mr_addr local = mr_addr_v4(LOCAL + i);

		if (i % 3 == 2)
			continue;
		ck_assert_uint_eq(serial_of(pkts[n]), i);
		ck_assert(mr_addr_equal(&dst[n], &local));
		ck_assert_ptr_eq(mr_pkt(pkts[n])->nic, mr_nic_find(stacks[0], NIC_B));
		ck_assert_uint_eq(mr_pkt(pkts[n])->flags & MR_PKT_F_STEERED, 0);
		rte_pktmbuf_free(pkts[n++]);
	}
	ck_assert_uint_eq(mr_stack_counter(stacks[0], MR_CNT_STEER_OUT), 33);
	for (unsigned i = 2; i < 100; i += 3) {
		struct mr_addr local = mr_addr_v4(LOCAL + i);
		struct rte_mbuf *m = NULL;

		ck_assert_int_eq(rte_ring_dequeue(steers[1]->in[0], (void **)&m), 0);
		ck_assert_uint_eq(serial_of(m), i);
		ck_assert(mr_addr_equal(mr_pkt_dst(m), &local));
		ck_assert_uint_eq(mr_pkt(m)->hash, NIC_B);
		ck_assert_uint_ne(mr_pkt(m)->flags & MR_PKT_F_STEERED, 0);
		rte_pktmbuf_free(m);
	}
	ck_assert(rte_ring_empty(steers[1]->in[0]));
}
END_TEST

START_TEST(out_ring_full)
{
	struct rte_mbuf *pkts[MR_BURST];
	struct mr_addr dst[MR_BURST];
	unsigned sent = 0, over = 3 * MR_BURST;

	while (sent < MR_STEER_RING + over) {
		for (unsigned i = 0; i < MR_BURST; i++)
			pkts[i] = fake_pkt(stacks[0]->rx_pool, LOCAL, port_of(1, 0), sent++, 0);
		ck_assert_uint_eq(steer_out(pkts, dst, MR_BURST, NIC_A), 0);
	}
	ck_assert_uint_eq(mr_stack_counter(stacks[0], MR_CNT_STEER_OUT), MR_STEER_RING - 1);
	ck_assert_uint_eq(mr_stack_counter(stacks[0], MR_DROP_STEER_RING_FULL), over + 1);
	ck_assert_uint_eq(free_mbufs(0), RX_MBUFS - (MR_STEER_RING - 1));
	/* What is in the ring goes with it: see teardown. */
}
END_TEST

START_TEST(out_group_goes_to_all)
{
	struct rte_mbuf *m = fake_pkt(stacks[0]->rx_pool, GROUP, port_of(1, 0), 5, FAKE_GROUP), *copy;
	struct rte_mbuf *orig = m;
	struct mr_addr dst, group = mr_addr_v4(GROUP);

	ck_assert_uint_eq(steer_out(&m, &dst, 1, NIC_A), 1);
	ck_assert_ptr_eq(m, orig);
	ck_assert_uint_eq(mr_pkt(m)->flags & MR_PKT_F_STEERED, 0);
	ck_assert_ptr_eq(mr_pkt(m)->nic, mr_nic_find(stacks[0], NIC_A));
	ck_assert_int_eq(rte_ring_dequeue(steers[1]->in[0], (void **)&copy), 0);
	ck_assert(rte_ring_empty(steers[1]->in[0]));
	ck_assert_ptr_ne(copy->buf_addr, m->buf_addr);
	ck_assert_uint_eq(serial_of(copy), 5);
	ck_assert_uint_eq(rte_pktmbuf_pkt_len(copy), sizeof(struct fake_hdr));
	ck_assert_ptr_eq(mr_pkt_net_hdr(copy), rte_pktmbuf_mtod(copy, void *));
	ck_assert_ptr_eq(mr_pkt_trans_hdr(copy), rte_pktmbuf_mtod_offset(copy, void *, sizeof(struct fake_hdr)));
	ck_assert_uint_eq(mr_pkt(copy)->trans_proto, mr_pkt(m)->trans_proto);
	ck_assert_uint_eq(mr_pkt(copy)->flags, MR_PKT_F_STEERED | MR_PKT_F_NET_MULTICAST);
	ck_assert(mr_addr_equal(mr_pkt_dst(copy), &group));
	ck_assert_uint_eq(mr_stack_counter(stacks[0], MR_CNT_STEER_OUT), 1);
	rte_pktmbuf_free(copy);
	rte_pktmbuf_free(m);
}
END_TEST

START_TEST(out_group_without_a_tuple_stays)
{
	struct rte_mbuf *m = fake_pkt(stacks[0]->rx_pool, GROUP, port_of(1, 0), 5, FAKE_GROUP | FAKE_STAY);
	struct mr_addr dst;

	ck_assert_uint_eq(steer_out(&m, &dst, 1, NIC_A), 1);
	ck_assert(rte_ring_empty(steers[1]->in[0]));
	rte_pktmbuf_free(m);
	m = fake_pkt(stacks[0]->rx_pool, LOCAL, port_of(1, 0), 6, FAKE_STAY);
	ck_assert_uint_eq(steer_out(&m, &dst, 1, NIC_A), 1);
	ck_assert(rte_ring_empty(steers[1]->in[0]));
	rte_pktmbuf_free(m);
	ck_assert_uint_eq(mr_stack_counter(stacks[0], MR_CNT_STEER_OUT), 0);
}
END_TEST

START_TEST(out_group_without_mbufs)
{
	static struct rte_mbuf *all[RX_MBUFS];
	struct rte_mbuf *m = fake_pkt(stacks[0]->rx_pool, GROUP, 1, 5, FAKE_GROUP);
	struct mr_addr dst;

	ck_assert_int_eq(rte_pktmbuf_alloc_bulk(stacks[0]->rx_pool, all, RX_MBUFS - 1), 0);
	ck_assert_uint_eq(steer_out(&m, &dst, 1, NIC_A), 1);
	ck_assert_uint_eq(mr_stack_counter(stacks[0], MR_DROP_STEER_NO_MBUF), 1);
	ck_assert_uint_eq(mr_stack_counter(stacks[0], MR_CNT_STEER_OUT), 0);
	ck_assert(rte_ring_empty(steers[1]->in[0]));
	rte_pktmbuf_free(m);
	rte_pktmbuf_free_bulk(all, RX_MBUFS - 1);
}
END_TEST

START_TEST(out_alone)
{
	struct rte_mbuf *pkts[2] = {fake_pkt(stacks[0]->rx_pool, LOCAL, port_of(1, 0), 0, 0),
	                            fake_pkt(stacks[0]->rx_pool, GROUP, 1, 1, FAKE_GROUP)};
	struct mr_addr dst[2];
	struct mr_steer alone;

	mr_steer_init(&alone, 0, 1, NULL);
	stacks[0]->steer = &alone;
	ck_assert_uint_eq(steer_out(pkts, dst, 2, NIC_A), 2);
	stacks[0]->steer = steers[0];
	ck_assert_uint_eq(mr_stack_counter(stacks[0], MR_CNT_STEER_OUT), 0);
	rte_pktmbuf_free_bulk(pkts, 2);
}
END_TEST

/* ---- in */

/* The whole way: a link of core 0 delivers, and each core's protocol gets exactly its own. */
START_TEST(in_reaches_the_owner)
{
	struct fake_proto *f[2] = {fake_of(stacks[0]), fake_of(stacks[1])};

	for (unsigned i = 0; i < 60; i++) {
		struct rte_mbuf *m = fake_pkt(stacks[0]->rx_pool, LOCAL, port_of(i % 2, i), i, 0);

		/* Two NICs, so that what passes the ring comes in several runs. */
		ck_assert_int_eq(rte_ring_enqueue(links[0][i / 10 % 2]->rx, m), 0);
	}
	for (uint64_t now = 1000; now < 5000; now += 1000) {
		mr_stack_poll(stacks[0], now);
		mr_stack_poll(stacks[1], now);
	}
	for (unsigned core = 0; core < 2; core++) {
		uint64_t seen = 0;

		ck_assert_uint_eq(f[core]->n, 30);
		for (unsigned i = 0; i < 30; i++) {
			uint32_t serial = f[core]->serials[i];

			ck_assert_uint_eq(serial % 2, core);
			ck_assert_uint_eq(f[core]->nics[i], serial / 10 % 2 ? NIC_B : NIC_A);
			ck_assert_uint_eq(f[core]->flags[i] & MR_PKT_F_STEERED, core ? MR_PKT_F_STEERED : 0);
			seen |= 1ull << serial;
		}
		ck_assert_uint_eq(__builtin_popcountll(seen), 30);
	}
	ck_assert_uint_eq(mr_stack_counter(stacks[0], MR_CNT_STEER_OUT), 30);
	ck_assert_uint_eq(mr_stack_counter(stacks[1], MR_CNT_STEER_IN), 30);
	ck_assert_uint_eq(mr_stack_counter(stacks[0], MR_CNT_STEER_IN), 0);
	ck_assert_uint_eq(mr_stack_counter(stacks[1], MR_CNT_STEER_OUT), 0);
}
END_TEST

START_TEST(in_group_reaches_all_once)
{
	struct fake_proto *f[2] = {fake_of(stacks[0]), fake_of(stacks[1])};

	rte_ring_enqueue(links[0][0]->rx, fake_pkt(stacks[0]->rx_pool, GROUP, port_of(1, 0), 9, FAKE_GROUP));
	for (uint64_t now = 1000; now < 5000; now += 1000) {
		mr_stack_poll(stacks[0], now);
		mr_stack_poll(stacks[1], now);
	}
	for (unsigned core = 0; core < 2; core++) {
		ck_assert_uint_eq(f[core]->n, 1);
		ck_assert_uint_eq(f[core]->serials[0], 9);
	}
}
END_TEST

/* The NIC went while its packets were on the way; those of the other NIC still arrive. */
START_TEST(in_without_the_nic)
{
	struct fake_proto *f = fake_of(stacks[1]);
	struct rte_mbuf *pkts[4];
	struct mr_addr dst[4];

	for (unsigned i = 0; i < 4; i++)
		pkts[i] = fake_pkt(stacks[0]->rx_pool, LOCAL, port_of(1, i), i, 0);
	ck_assert_uint_eq(steer_out(pkts, dst, 1, NIC_A), 0);
	ck_assert_uint_eq(steer_out(pkts + 1, dst, 2, NIC_B), 0);
	ck_assert_uint_eq(steer_out(pkts + 3, dst, 1, NIC_A), 0);
	if (_i)
		ck_assert_int_eq(mr_nic_remove(stacks[1], NIC_A), 0);
	else
		ck_assert_int_eq(mr_nic_disable(stacks[1], NIC_A), 0);
	ck_assert_uint_eq(mr_steer_in(stacks[1]), 4);
	ck_assert_uint_eq(f->n, 2);
	ck_assert_uint_eq(f->serials[0], 1);
	ck_assert_uint_eq(f->serials[1], 2);
	ck_assert_uint_eq(mr_stack_counter(stacks[1], MR_DROP_NIC_DISABLED), 2);
	ck_assert_uint_eq(free_mbufs(0), RX_MBUFS);
}
END_TEST

START_TEST(in_is_bounded_by_turn)
{
	struct rte_mbuf *pkts[200];
	struct mr_addr dst[200];

	for (unsigned i = 0; i < 200; i++)
		pkts[i] = fake_pkt(stacks[0]->rx_pool, LOCAL, port_of(1, i), i, 0);
	ck_assert_uint_eq(steer_out(pkts, dst, 200, NIC_A), 0);
	ck_assert_uint_eq(mr_steer_in(stacks[1]), 4 * MR_BURST);
	ck_assert_uint_eq(mr_steer_in(stacks[1]), 200 - 4 * MR_BURST);
	ck_assert_uint_eq(mr_steer_in(stacks[1]), 0);
	ck_assert_uint_eq(fake_of(stacks[1])->n, 200);
	for (unsigned i = 0; i < 200; i++)
		ck_assert_uint_eq(fake_of(stacks[1])->serials[i], i);
}
END_TEST

/* ---- mailbox */

static unsigned told[2];

static int
note_news(struct mr_stack *s, unsigned core, void *arg)
{
	ck_assert_ptr_eq(s, stacks[core]);
	told[core] += *(const uint16_t *)arg;
	return 0;
}

START_TEST(mailbox_tells_the_others)
{
	uint16_t news = 3;

	mr_mailbox_tell_others(stacks[0], note_news, &news, sizeof(news));
	news = 100; /* it was copied */
	ck_assert_uint_eq(mr_mailbox_drain(stacks[0]), 0);
	ck_assert_uint_eq(mr_mailbox_drain(stacks[1]), 1);
	ck_assert_uint_eq(mr_mailbox_drain(stacks[1]), 0);
	ck_assert_uint_eq(told[0], 0);
	ck_assert_uint_eq(told[1], 3);
}
END_TEST

START_TEST(mailbox_full_loses_news)
{
	uint16_t news = 1;

	for (unsigned i = 0; i < MR_MAILBOX_SLOTS + 50; i++)
		mr_mailbox_tell_others(stacks[1], note_news, &news, sizeof(news));
	mr_stack_poll(stacks[0], 1000);
	ck_assert_uint_eq(told[0], MR_MAILBOX_SLOTS - 1);
	/* News that nobody reads go with the mailbox. */
	mr_mailbox_tell_others(stacks[1], note_news, &news, sizeof(news));
}
END_TEST

static Suite *
suite(void)
{
	Suite *s = suite_create("steer");
	TCase *tc = rig_case(s, "hash", NULL, NULL);

	tcase_add_loop_test(tc, hash_vectors, 0, RTE_DIM(vectors));
	tcase_add_loop_test(tc, hash_symmetric, 0, RTE_DIM(vectors));
	tcase_add_test(tc, owners_are_even_and_everywhere);

	tc = rig_case(s, "passage", setup, teardown);
	tcase_add_test(tc, out_keeps_its_own_in_order);
	tcase_add_test(tc, out_ring_full);
	tcase_add_test(tc, out_group_goes_to_all);
	tcase_add_test(tc, out_group_without_a_tuple_stays);
	tcase_add_test(tc, out_group_without_mbufs);
	tcase_add_test(tc, out_alone);
	tcase_add_test(tc, in_reaches_the_owner);
	tcase_add_test(tc, in_group_reaches_all_once);
	tcase_add_loop_test(tc, in_without_the_nic, 0, 2);
	tcase_add_test(tc, in_is_bounded_by_turn);

	tc = rig_case(s, "mailbox", setup, teardown);
	tcase_add_test(tc, mailbox_tells_the_others);
	tcase_add_test(tc, mailbox_full_loses_news);
	return s;
}

RIG_MAIN(suite)
