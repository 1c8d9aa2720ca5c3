/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The forward modes of the benchmark: what they do to packets, and what generators make. Checksums are judged by the rig's
 * own, which knows nothing of ours. Ports are net_ring, which give back what is sent.
 */
#include "rig/fixture.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <rte_bus_vdev.h>
#include <rte_cycles.h>
#include <rte_ethdev.h>
#include <rte_ip.h>
#include <rte_mbuf.h>
#include <rte_tcp.h>
#include <rte_udp.h>

#include "app/bench/fwd.h"

static struct rig_buf in, out;
static struct rte_mempool *pool;
static struct args args;
static struct fwd_stream stream;

static const struct rte_ether_addr own = {.addr_bytes = {2, 0, 0, 0, 0, 0x0a}};
static const struct rte_ether_addr peer = {.addr_bytes = {2, 0, 0, 0, 0, 0x0b}};

static void
setup(void)
{
	rig_init(&rig, NULL);
	pool = rte_pktmbuf_pool_create("fwd", 4095, 0, 0, RTE_MBUF_DEFAULT_BUF_SIZE, SOCKET_ID_ANY);
	ck_assert_ptr_nonnull(pool);
	args = (struct args){.txpkts = {64}, .n_txpkts = 1, .burst = 32, .flows = 1, .client_addresses = 1, .service = 7};
	ck_assert_int_eq(mr_subnet_parse("10.0.0.2/24", &args.server), 0);
	ck_assert_int_eq(mr_subnet_parse("10.0.0.1/24", &args.client), 0);
	stream = (struct fwd_stream){.args = &args, .own = own, .peer = peer, .pool = pool, .burst = 32};
}

static void
teardown(void)
{
	fwd_gen_destroy(stream.gen);
	rte_mempool_free(pool);
	rig_fini(&rig);
	ck_assert_uint_eq(rig_leaks(), 0);
}

/* A packet of the frame, cut into segments of so many bytes (0: one). */
static struct rte_mbuf *
packet(const struct rig_buf *b, uint32_t segment)
{
	struct rte_mbuf *m = NULL;

	segment = segment ? segment : b->len;
	for (uint32_t at = 0; at < b->len; at += segment) {
		uint32_t len = b->len - at < segment ? b->len - at : segment;
		struct rte_mbuf *seg = rte_pktmbuf_alloc(pool);

		ck_assert_ptr_nonnull(seg);
		memcpy(rte_pktmbuf_append(seg, (uint16_t)len), b->b + at, len);
		if (m)
			ck_assert_int_eq(rte_pktmbuf_chain(m, seg), 0);
		else
			m = seg;
	}
	return m;
}

/* The bytes of a packet, in `out`. Frees it. */
static void
unpack(struct rte_mbuf *m)
{
	out.len = m->pkt_len;
	memcpy(out.b, rte_pktmbuf_read(m, 0, m->pkt_len, out.b), m->pkt_len);
	rte_pktmbuf_free(m);
}

/* Run a mode on the frame in `in`. @return packets that are left, the first of them in `out` */
static unsigned
changed(const struct fwd_mode *mode, uint32_t segment)
{
	struct rte_mbuf *m = packet(&in, segment);
	unsigned n = mode->change(&stream, &m, 1);

	if (n == 1)
		unpack(m);
	return n;
}

static void
check_sums(const struct rig_buf *b)
{
	static struct rig_buf fixed;

	fixed = *b;
	rig_fix(&fixed);
	ck_assert_msg(memcmp(fixed.b, b->b, b->len) == 0, "a checksum is wrong");
}

/* ---- swapping */

/* One frame of each kind that has addresses to swap. */
static void
frame_build(unsigned kind)
{
	switch (kind) {
	case 0:
		rig_build_udp(&rig, &in, &(struct rig_udp){.len = 30});
		break;
	case 1:
		rig_build_udp(&rig, &in, &(struct rig_udp){.ip.v6 = true, .len = 31});
		break;
	case 2:
		rig_build_tcp(&rig, &in, &(struct rig_tcphdr){.flags = RIG_ACK, .len = 100});
		break;
	case 3:
		rig_build_tcp(&rig, &in, &(struct rig_tcphdr){.ip.v6 = true, .flags = RIG_SYN});
		break;
	default:
		rig_build_tcp(&rig, &in, &(struct rig_tcphdr){.ip.opts = "\1\1\1\1", .ip.opts_len = 4, .flags = RIG_ACK});
		break;
	}
}
#define KINDS 5

/* Put VLAN tags behind the addresses. */
static void
tag(struct rig_buf *b, unsigned tags)
{
	for (unsigned i = 0; i < tags; i++) {
		memmove(b->b + 16, b->b + 12, b->len - 12);
		b->b[12] = i ? 0x88 : 0x81;
		b->b[13] = i ? 0xa8 : 0x00;
		b->b[14] = 0;
		b->b[15] = (uint8_t)(5 + i);
		b->len += 4;
	}
}

START_TEST(swap_of_everything)
{
	unsigned kind = _i / 3, tags = _i % 3, l3 = 14 + 4 * tags, l4;
	bool v6 = kind == 1 || kind == 3;

	frame_build(kind);
	tag(&in, tags);
	ck_assert_uint_eq(changed(&fwd_5tswap, 0), 1);
	ck_assert_uint_eq(out.len, in.len);
	ck_assert(memcmp(out.b, in.b + 6, 6) == 0 && memcmp(out.b + 6, in.b, 6) == 0);
	l4 = l3 + (v6 ? 40 : (in.b[l3] & 15) * 4u);
	if (v6)
		ck_assert(memcmp(out.b + l3 + 8, in.b + l3 + 24, 16) == 0 && memcmp(out.b + l3 + 24, in.b + l3 + 8, 16) == 0);
	else
		ck_assert(memcmp(out.b + l3 + 12, in.b + l3 + 16, 4) == 0 && memcmp(out.b + l3 + 16, in.b + l3 + 12, 4) == 0);
	ck_assert(memcmp(out.b + l4, in.b + l4 + 2, 2) == 0 && memcmp(out.b + l4 + 2, in.b + l4, 2) == 0);
	/* Twice is not at all. */
	in = out;
	changed(&fwd_5tswap, 0);
	frame_build(kind);
	tag(&in, tags);
	ck_assert(memcmp(in.b, out.b, in.len) == 0);
	if (tags == 0)
		check_sums(&out);
}
END_TEST

START_TEST(swap_of_addresses_alone)
{
	rig_build_icmp(&rig, &in, &(struct rig_icmp){.echo = true, .len = 20});
	changed(&fwd_5tswap, 0);
	ck_assert(memcmp(out.b + 26, in.b + 30, 4) == 0 && memcmp(out.b + 34, in.b + 34, in.len - 34) == 0);
	/* A later fragment has no ports. */
	rig_build_udp(&rig, &in, &(struct rig_udp){.ip.frag = 100, .len = 20});
	changed(&fwd_5tswap, 0);
	ck_assert(memcmp(out.b + 26, in.b + 30, 4) == 0 && memcmp(out.b + 34, in.b + 34, in.len - 34) == 0);
	rig_build_arp(&rig, &in, &(struct rig_arp){0});
	changed(&fwd_5tswap, 0);
	ck_assert(memcmp(out.b, in.b + 6, 6) == 0 && memcmp(out.b + 12, in.b + 12, in.len - 12) == 0);
}
END_TEST

START_TEST(link_addresses)
{
	frame_build(0);
	ck_assert_uint_eq(changed(&fwd_macswap, 0), 1);
	ck_assert(memcmp(out.b, in.b + 6, 6) == 0 && memcmp(out.b + 6, in.b, 6) == 0);
	ck_assert(memcmp(out.b + 12, in.b + 12, in.len - 12) == 0);
	ck_assert_uint_eq(changed(&fwd_mac, 0), 1);
	ck_assert(memcmp(out.b, &peer, 6) == 0 && memcmp(out.b + 6, &own, 6) == 0);
	ck_assert(memcmp(out.b + 12, in.b + 12, in.len - 12) == 0);
	ck_assert_ptr_null(fwd_io.change);
}
END_TEST

/* A packet that ends anywhere is survived: nothing behind its end is touched. */
START_TEST(cut_off_frames)
{
	static const struct fwd_mode *const modes[] = {&fwd_macswap, &fwd_5tswap, &fwd_csum, &fwd_icmpecho};

	for (unsigned kind = 0; kind <= KINDS; kind++) {
		for (uint32_t len = 14; len < 100; len++) {
			for (unsigned i = 0; i < 4; i++) {
				struct rte_mbuf *m;
				uint8_t *end;

				if (kind < KINDS)
					frame_build(kind);
				else
					rig_build_icmp(&rig, &in, &(struct rig_icmp){.echo = true, .len = 50});
				if (len > in.len)
					continue;
				in.len = len;
				m = packet(&in, 0);
				end = rte_pktmbuf_mtod(m, uint8_t *) + len;
				memset(end, 0x5a, 64);
				if (modes[i]->change(&stream, &m, 1) == 0)
					continue;
				for (unsigned j = 0; j < 64; j++)
					ck_assert_msg(end[j] == 0x5a, "%s, %u bytes", modes[i]->name, len);
				rte_pktmbuf_free(m);
			}
		}
	}
}
END_TEST

/* ---- checksums */

/* Whatever they were, in one segment or in many, they are right: of odd lengths too, and with the headers alone in front. */
START_TEST(csum_corrects)
{
	static const uint32_t headers[KINDS] = {42, 62, 54, 74, 58};
	unsigned kind = _i / 4;
	const uint32_t segments[] = {0, 90, headers[kind], headers[kind] + 1};

	frame_build(kind);
	if (in.len > 60) {
		in.b[24] ^= (kind == 1 || kind == 3) ? 0 : 0xff; /* IPv4 header checksum */
		in.b[in.len - 1] ^= 0xff;
	}
	ck_assert_uint_eq(changed(&fwd_csum, segments[_i % 4]), 1);
	check_sums(&out);
	ck_assert(memcmp(out.b, &peer, 6) == 0 && memcmp(out.b + 6, &own, 6) == 0);
	ck_assert_uint_eq(out.b[in.len - 1], in.b[in.len - 1]);
}
END_TEST

START_TEST(csum_leaves_none)
{
	rig_build_udp(&rig, &in, &(struct rig_udp){.ip.spoil = RIG_ZERO_L4_CKSUM, .len = 20});
	changed(&fwd_csum, 0);
	ck_assert(out.b[40] == 0 && out.b[41] == 0);
	rig_build_arp(&rig, &in, &(struct rig_arp){0});
	changed(&fwd_csum, 0);
	ck_assert(memcmp(out.b + 12, in.b + 12, in.len - 12) == 0);
}
END_TEST

/* A port that computes them is given the pseudo header's sum, and told where things are. */
START_TEST(csum_by_the_port)
{
	struct rte_mbuf *m;
	bool v6 = _i & 1, tcp = _i & 2;

	stream.l4_offload = true;
	frame_build(_i);
	m = packet(&in, 0);
	m->ol_flags = RTE_MBUF_F_RX_L4_CKSUM_GOOD | RTE_MBUF_F_RX_IP_CKSUM_GOOD;
	ck_assert_uint_eq(fwd_csum.change(&stream, &m, 1), 1);
	ck_assert(m->l2_len == 14 && m->l3_len == (v6 ? 40 : 20));
	ck_assert(m->ol_flags == ((v6 ? RTE_MBUF_F_TX_IPV6 : RTE_MBUF_F_TX_IPV4) |
	                          (tcp ? RTE_MBUF_F_TX_TCP_CKSUM : RTE_MBUF_F_TX_UDP_CKSUM)));
	/* What the device does: the sum over the transport's part, the field included. */
	unpack(m);
	{
		unsigned l4 = v6 ? 54 : 34, field = l4 + (tcp ? 16 : 6);
		uint16_t sum = rig_cksum(out.b + l4, out.len - l4, 0);

		out.b[field] = (uint8_t)(sum >> 8);
		out.b[field + 1] = (uint8_t)sum;
	}
	check_sums(&out);
}
END_TEST

/* ---- answers */

START_TEST(echo_is_answered)
{
	static struct rig_buf want;

	rig_build_icmp(&rig, &in, &(struct rig_icmp){.echo = true, .id = 77, .seq = 3, .len = 33 + _i});
	ck_assert_uint_eq(changed(&fwd_icmpecho, _i ? 60 : 0), 1);
	ck_assert(memcmp(out.b, in.b + 6, 6) == 0 && memcmp(out.b + 6, in.b, 6) == 0);
	ck_assert(memcmp(out.b + 26, in.b + 30, 4) == 0 && memcmp(out.b + 30, in.b + 26, 4) == 0);
	check_sums(&out);
	want = in;
	want.b[34] = 0;
	ck_assert(memcmp(out.b + 38, want.b + 38, in.len - 38) == 0);
	ck_assert_uint_eq(out.b[34], 0);
}
END_TEST

START_TEST(arp_is_answered)
{
	rig_build_arp(&rig, &in, &(struct rig_arp){0});
	ck_assert_uint_eq(changed(&fwd_icmpecho, 0), 1);
	ck_assert(memcmp(out.b, in.b + 6, 6) == 0 && memcmp(out.b + 6, &own, 6) == 0);
	ck_assert(out.b[20] == 0 && out.b[21] == 2);
	ck_assert(memcmp(out.b + 22, &own, 6) == 0 && memcmp(out.b + 28, in.b + 38, 4) == 0);
	ck_assert(memcmp(out.b + 32, in.b + 22, 6) == 0 && memcmp(out.b + 38, in.b + 28, 4) == 0);
}
END_TEST

START_TEST(nothing_else_is_answered)
{
	struct rte_mbuf *m[3];

	frame_build(0);
	ck_assert_uint_eq(changed(&fwd_icmpecho, 0), 0);
	rig_build_icmp(&rig, &in, &(struct rig_icmp){.type = 0, .len = 20});
	ck_assert_uint_eq(changed(&fwd_icmpecho, 0), 0);
	rig_build_icmp(&rig, &in, &(struct rig_icmp){.ip.v6 = true, .echo = true, .len = 20});
	ck_assert_uint_eq(changed(&fwd_icmpecho, 0), 0);
	rig_build_arp(&rig, &in, &(struct rig_arp){.op = 2});
	ck_assert_uint_eq(changed(&fwd_icmpecho, 0), 0);
	/* Those that are answered move to the front. */
	m[0] = packet(&in, 0);
	rig_build_icmp(&rig, &in, &(struct rig_icmp){.echo = true, .len = 20});
	m[1] = packet(&in, 0);
	frame_build(0);
	m[2] = packet(&in, 0);
	ck_assert_uint_eq(fwd_icmpecho.change(&stream, m, 3), 1);
	unpack(m[0]);
	ck_assert_uint_eq(out.b[34], 0);
}
END_TEST

START_TEST(arp_of_a_range)
{
	static const struct {
		const char *asked;
		bool ours;
	} asked[] = {{"10.0.0.4", false}, {"10.0.0.5", true}, {"10.0.0.7", true}, {"10.0.0.8", false}};

	for (unsigned i = 0; i < 4; i++) {
		struct rte_mbuf *m;

		rig_build_arp(&rig, &in, &(struct rig_arp){.tpa = rig_addr(asked[i].asked)});
		m = packet(&in, 0);
		ck_assert_int_eq(fwd_arp_answer(&stream, m, 0x0a000005, 3), asked[i].ours);
		rte_pktmbuf_free(m);
	}
}
END_TEST

/* ---- over ports */

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
	Suite *s = suite_create("bench_fwd");
	TCase *tc = rig_case(s, "fwd", setup, teardown);

	tcase_add_loop_test(tc, swap_of_everything, 0, 3 * KINDS);
	tcase_add_test(tc, swap_of_addresses_alone);
	tcase_add_test(tc, link_addresses);
	tcase_add_test(tc, cut_off_frames);
	tcase_add_loop_test(tc, csum_corrects, 0, 4 * KINDS);
	tcase_add_test(tc, csum_leaves_none);
	tcase_add_loop_test(tc, csum_by_the_port, 0, 4);
	tcase_add_loop_test(tc, echo_is_answered, 0, 2);
	tcase_add_test(tc, arp_is_answered);
	tcase_add_test(tc, nothing_else_is_answered);
	tcase_add_test(tc, arp_of_a_range);
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
