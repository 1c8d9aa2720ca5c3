/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The forward modes of the benchmark over ports: what generators make, and what goes from port to port. Ports are net_ring,
 * which give back what is sent.
 */
#include "fwd_stream.h"

#include <rte_bus_vdev.h>
#include <rte_cycles.h>
#include <rte_ethdev.h>

static uint16_t
port_make(const char *name)
{
	struct rte_eth_conf conf = {0};
	uint16_t id;

	ck_assert_int_eq(rte_vdev_init(name, NULL), 0);
	ck_assert_int_eq(rte_eth_dev_get_port_by_name(name, &id), 0);
	ck_assert_int_eq(rte_eth_dev_configure(id, 1, 1, &conf), 0);
	ck_assert_int_eq(rte_eth_rx_queue_setup(id, 0, 1024, SOCKET_ID_ANY, NULL, pool), 0);
	ck_assert_int_eq(rte_eth_tx_queue_setup(id, 0, 1024, SOCKET_ID_ANY, NULL), 0);
	ck_assert_int_eq(rte_eth_dev_start(id), 0);
	return id;
}

/* Free what is on the wire. */
static void
port_drain(uint16_t id)
{
	struct rte_mbuf *m;

	while (rte_eth_rx_burst(id, 0, &m, 1) == 1)
		rte_pktmbuf_free(m);
	rte_eth_dev_stop(id);
	rte_eth_dev_close(id);
}

static void
generator_make(const struct fwd_mode *mode)
{
	stream.mode = mode;
	stream.rx_port = stream.tx_port = port_make("net_ring0");
	ck_assert_int_eq(fwd_gen_create(&stream), 0);
}

static const struct {
	uint32_t txpkts[3], n, flows, addresses;
} generated[] = {
	{{64}, 1, 1, 1}, {{42}, 1, 100, 1}, {{58}, 1, 50, 3}, {{1400}, 1, 1000, 7}, {{64, 100, 33}, 3, 10, 1},
};

/* Every frame is right, and there are as many flows as asked for, in turn. */
START_TEST(generated_frames)
{
	uint8_t seen[70000] = {0}; /* by address and port, folded */
	uint32_t bytes = 0, flows = 0, n = 0;
	struct rte_mbuf *m;

	memcpy(args.txpkts, generated[_i].txpkts, sizeof(generated[_i].txpkts));
	args.n_txpkts = generated[_i].n;
	args.flows = generated[_i].flows;
	args.client_addresses = generated[_i].addresses;
	for (unsigned i = 0; i < args.n_txpkts; i++)
		bytes += args.txpkts[i];
	generator_make(&fwd_txonly);
	while (n < args.flows + 32) {
		ck_assert_uint_eq(fwd_txonly.turn(&stream), 32);
		for (; rte_eth_rx_burst(stream.tx_port, 0, &m, 1) == 1; n++) {
			uint32_t key;

			ck_assert_uint_eq(m->nb_segs, args.n_txpkts);
			ck_assert_uint_eq(m->pkt_len, bytes);
			unpack(m);
			check_sums(&out);
			ck_assert(memcmp(out.b, &peer, 6) == 0 && memcmp(out.b + 6, &own, 6) == 0);
			ck_assert(memcmp(out.b + 30, &args.server.addr.b[12], 4) == 0 && out.b[36] == 0 && out.b[37] == 7);
			ck_assert(out.b[29] >= 1 && out.b[29] < 1 + args.client_addresses);
			key = (uint32_t)(out.b[34] << 8 | out.b[35]) + out.b[29] * 8192u;
			flows += n < args.flows && !seen[key % 70000];
			seen[key % 70000] = 1;
		}
	}
	ck_assert_uint_eq(flows, args.flows);
	ck_assert(stream.count.tx_packets >= n && stream.count.tx_bytes == stream.count.tx_packets * bytes);
	port_drain(stream.tx_port);
}
END_TEST

/* What the port does not take is offered again. */
START_TEST(generator_loses_nothing)
{
	unsigned sent = 0, n;
	struct rte_mbuf *m;

	generator_make(&fwd_txonly);
	while ((n = fwd_txonly.turn(&stream)) > 0)
		sent += n;
	ck_assert_uint_ge(sent, 1000);
	for (unsigned i = 0; i < 5; i++)
		ck_assert_uint_eq(fwd_txonly.turn(&stream), 0);
	for (unsigned i = 0; i < 10; i++) {
		ck_assert_uint_eq(rte_eth_rx_burst(stream.tx_port, 0, &m, 1), 1);
		rte_pktmbuf_free(m);
	}
	ck_assert_uint_eq(fwd_txonly.turn(&stream), 10);
	ck_assert_uint_eq(stream.count.tx_packets, sent + 10);
	ck_assert_uint_eq(stream.count.tx_full, 0);
	port_drain(stream.tx_port);
}
END_TEST

/* What comes back is known, and timed; strangers are counted, and ARP for our addresses is answered. */
START_TEST(flowgen_takes_in)
{
	struct rte_mbuf *m;

	generator_make(&fwd_flowgen);
	for (unsigned i = 0; i < 100; i++)
		ck_assert_uint_ge(fwd_flowgen.turn(&stream), 32);
	ck_assert_uint_ge(stream.count.rx_packets, 99 * 32);
	ck_assert(fwd_gen_latency(stream.gen)->n == stream.count.rx_packets);
	ck_assert_uint_eq(stream.count.unwanted, 0);

	fwd_gen_set_rate(stream.gen, 1e-9);
	while (fwd_flowgen.turn(&stream) > 0)
		;
	frame_build(0);
	m = packet(&in, 0);
	ck_assert_uint_eq(rte_eth_tx_burst(stream.tx_port, 0, &m, 1), 1);
	fwd_flowgen.turn(&stream);
	ck_assert_uint_eq(stream.count.unwanted, 1);
	rig_build_arp(&rig, &in, &(struct rig_arp){.tpa = args.client.addr});
	m = packet(&in, 0);
	ck_assert_uint_eq(rte_eth_tx_burst(stream.tx_port, 0, &m, 1), 1);
	fwd_flowgen.turn(&stream);
	ck_assert_uint_eq(stream.count.unwanted, 1);
	ck_assert_uint_eq(rte_eth_rx_burst(stream.tx_port, 0, &m, 1), 1);
	unpack(m);
	ck_assert(out.b[20] == 0 && out.b[21] == 2 && memcmp(out.b + 22, &own, 6) == 0);

	fwd_gen_forget(stream.gen);
	fwd_flowgen.turn(&stream);
	ck_assert(fwd_gen_latency(stream.gen)->n == 0);
	port_drain(stream.tx_port);
}
END_TEST

/* Never more than the rate, whatever the machine does meanwhile. */
START_TEST(generator_keeps_the_rate)
{
	uint64_t start, end, hz = rte_get_tsc_hz();

	generator_make(&fwd_flowgen);
	fwd_gen_set_rate(stream.gen, 100000);
	start = rte_rdtsc();
	do {
		fwd_flowgen.turn(&stream);
		end = rte_rdtsc();
	} while (end - start < hz / 10);
	ck_assert_uint_gt(stream.count.tx_packets, 0);
	ck_assert_uint_le(stream.count.tx_packets, (end - start) * 100000 / hz + 1);
	port_drain(stream.tx_port);
}
END_TEST

/* Burst in, changed, burst out to the other port; what does not fit there is counted. */
START_TEST(turn_from_port_to_port)
{
	uint16_t a = port_make("net_ring0"), b = port_make("net_ring1");
	struct rte_mbuf *m;

	stream.mode = &fwd_macswap;
	stream.rx_port = a;
	stream.tx_port = b;
	ck_assert_uint_eq(fwd_turn(&stream), 0);
	for (unsigned i = 0; i < 40; i++) {
		frame_build(i % KINDS);
		m = packet(&in, 0);
		ck_assert_uint_eq(rte_eth_tx_burst(a, 0, &m, 1), 1);
	}
	ck_assert_uint_eq(fwd_turn(&stream), 32);
	ck_assert_uint_eq(fwd_turn(&stream), 8);
	ck_assert(stream.count.rx_packets == 40 && stream.count.tx_packets == 40);
	ck_assert(stream.count.rx_bytes == stream.count.tx_bytes && stream.count.rx_bytes > 40 * 54);
	ck_assert_uint_eq(rte_eth_rx_burst(b, 0, &m, 1), 1);
	unpack(m);
	frame_build(0);
	ck_assert(memcmp(out.b, in.b + 6, 6) == 0);

	do
		m = packet(&in, 0);
	while (rte_eth_tx_burst(b, 0, &m, 1) == 1);
	ck_assert_uint_eq(rte_eth_tx_burst(a, 0, &m, 1), 1);
	ck_assert_uint_eq(fwd_turn(&stream), 1);
	ck_assert_uint_eq(stream.count.tx_full, 1);
	ck_assert_uint_eq(stream.count.tx_packets, 40);
	port_drain(a);
	port_drain(b);
}
END_TEST

START_TEST(receive_only)
{
	struct rte_mbuf *m;

	stream.mode = &fwd_rxonly;
	stream.rx_port = stream.tx_port = port_make("net_ring0");
	frame_build(2);
	m = packet(&in, 0);
	ck_assert_uint_eq(rte_eth_tx_burst(stream.tx_port, 0, &m, 1), 1);
	ck_assert_uint_eq(fwd_rxonly.turn(&stream), 1);
	ck_assert(stream.count.rx_packets == 1 && stream.count.rx_bytes == in.len && stream.count.tx_packets == 0);
	ck_assert_uint_eq(fwd_rxonly.turn(&stream), 0);
	port_drain(stream.rx_port);
}
END_TEST

/* Two ports that find each other: each asks, and icmpecho answers. */
START_TEST(arp_finds_nobody_but_itself)
{
	struct rte_ether_addr found = {0};

	stream.rx_port = stream.tx_port = port_make("net_ring0");
	/* The port gives our own request back to us, which is one for another address. */
	ck_assert(!fwd_arp_resolve(&stream, 0x0a000001, 0x0a000002, &found));
	ck_assert(rte_is_zero_ether_addr(&found));
	/* And this one asks for us. */
	ck_assert(fwd_arp_resolve(&stream, 0x0a000001, 0x0a000001, &found));
	ck_assert(rte_is_same_ether_addr(&found, &own));
	port_drain(stream.rx_port);
}
END_TEST

static Suite *
suite(void)
{
	Suite *s = suite_create("bench_fwd_ports");
	TCase *tc = rig_case(s, "fwd", fwd_setup, fwd_teardown);

	tcase_add_loop_test(tc, generated_frames, 0, 5);
	tcase_add_test(tc, generator_loses_nothing);
	tcase_add_test(tc, flowgen_takes_in);
	tcase_add_test(tc, generator_keeps_the_rate);
	tcase_add_test(tc, turn_from_port_to_port);
	tcase_add_test(tc, receive_only);
	tcase_add_test(tc, arp_finds_nobody_but_itself);
	return s;
}

RIG_MAIN(suite)
