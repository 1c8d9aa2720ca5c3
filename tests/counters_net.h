/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Scenarios of test_counters below TCP: each raises one counter, on a rig that is made and judged by the table there.
 * A scenario that needs a setting calls rig_mark when it stands.
 */
#ifndef TESTS_COUNTERS_NET_H
#define TESTS_COUNTERS_NET_H

#include "rig/rig.h"

#include <errno.h>
#include <string.h>

#include <rte_mbuf.h>
#include <rte_ring.h>

#include "stack/neigh.h"
#include "stack/nic.h"
#include "stack/stack.h"
#include "stack/steer.h"

/* ---- mbufs held back by the test; given back before the rig ends */

static struct rte_mbuf *held[8192];
static unsigned n_held;

static void
hold_all(struct rte_mempool *pool)
{
	while ((held[n_held] = rte_pktmbuf_alloc(pool)) != NULL)
		n_held++;
}

static void
give_back(void)
{
	rte_pktmbuf_free_bulk(held, n_held);
	n_held = 0;
}

static struct mr_ep *
udp_ep(struct rig *r, uint16_t port)
{
	struct mr_sockaddr any = {.port = port};
	struct mr_ep *ep;

	ck_assert_int_eq(mr_ep_create(r->stack, MR_TRANS_UDP, MR_NET_IPV6, &ep), 0);
	ck_assert_int_eq(mr_ep_bind(ep, &any), 0);
	return ep;
}

static void
udp_send(struct mr_ep *ep, const char *to, uint16_t port)
{
	struct mr_sockaddr sa = {.addr = rig_addr(to), .port = port};

	ck_assert_int_eq(mr_ep_sendto(ep, "x", 1, &sa), 1);
}

/* Receive mbufs are in endpoint queues as far as they may be. */
static void
fill_rx_budget(struct rig *r)
{
	struct mr_ep *ep = udp_ep(r, 9999);

	ck_assert_int_eq(mr_ep_setopt(ep, MR_OPT_RCVBUF, INT32_MAX), 0);
	while (r->stack->rx_held < r->stack->rx_held_max) {
		rig_push_udp(r, .dport = 9999);
		rig_poll(r);
	}
}

/* ---- NIC and link */

static void
an_arp_request(struct rig *r)
{
	rig_push_arp(r, .op = 1);
}

static void
an_echo(struct rig *r)
{
	rig_push_icmp(r, .echo = true);
}

static void
tx_busy(struct rig *r)
{
	r->tx_room = 0;
	rig_push_arp(r, .op = 1);
	rig_turn(r);
	r->tx_room = -1;
}

/* Without groups of IPv6, whose leaves would be dropped, too. */
static void
nic_disabled(struct rig *r)
{
	struct mr_subnet sn = {.addr = r->addr4, .plen = 24};

	ck_assert_int_eq(mr_addr_add(r->stack, RIG_NIC, &sn, MR_PEB_CAN_BE_PRIMARY), 0);
	rig_discard(r);
	rig_mark(r);
	r->tx_room = 0;
	rig_push_arp(r, .op = 1);
	rig_turn(r);
	ck_assert_int_eq(mr_nic_disable(r->stack, RIG_NIC), 0);
}

static void
txq_full(struct rig *r)
{
	r->tx_room = 0;
	for (int i = 0; i < MR_NIC_TXQ + 1; i++)
		rig_push_arp(r, .op = 1);
	rig_poll(r);
	r->tx_room = -1;
}

static void
to_ourselves(struct rig *r)
{
	udp_send(udp_ep(r, 7), "10.0.0.1", 7);
}

static void
loop_full(struct rig *r)
{
	struct mr_ep *ep = udp_ep(r, 7);

	ck_assert_int_eq(mr_ep_setopt(ep, MR_OPT_RCVBUF, INT32_MAX), 0);
	for (int i = 0; i < MR_LOOP_QUEUE + 1; i++)
		udp_send(ep, "10.0.0.1", 7);
	udp_send(ep, "10.0.0.2", 9); /* another destination: what waited for the end of the turn goes now */
}

static void
short_frame(struct rig *r)
{
	rig_push(r, "short", 5);
}

static void
foreign_frame(struct rig *r)
{
	rig_push_icmp(r, .echo = true, .ip.eth_dst = {2, 0, 0, 0, 0, 9});
}

static void
frame_from_us(struct rig *r)
{
	rig_push_icmp(r, .echo = true, .ip.eth_src = {2, 0, 0, 0, 0, 1});
}

static void
unknown_ethertype(struct rig *r)
{
	rig_push_eth_spec(r, &(struct rig_ip){.eth_type = 0x88b5}, "0123456789012345678901234567890123456789", 40);
}

static void
short_packet(struct rig *r)
{
	rig_push_eth_spec(r, &(struct rig_ip){.eth_type = 0x0800}, "\x45", 1);
}

static void
no_rx_mbuf(struct rig *r)
{
	struct mr_ep *ep = udp_ep(r, 7);

	hold_all(r->stack->rx_pool);
	udp_send(ep, "10.0.0.1", 7);
}

static void
no_tx_mbuf(struct rig *r)
{
	mr_stash_flush(&r->stack->tx_stash);
	hold_all(r->stack->tx_pool);
	rig_push_arp(r, .op = 1);
}

/* ---- steering: a second core that owns everything, of which there is only the other end of the rings */

static struct mr_steer steer[2];
static struct mr_steer *const steers[2] = {&steer[0], &steer[1]};

static void
steer_up(struct rig *r)
{
	for (uint16_t i = 0; i < 2; i++)
		mr_steer_init(&steer[i], i, 2, NULL);
	ck_assert_int_eq(mr_steer_mesh_create(steers, 2), 0);
	for (unsigned i = 0; i < MR_STEER_RETA; i++)
		steer[0].reta[i] = 1;
	r->stack->steer = &steer[0];
}

static void
steer_down(struct rig *r)
{
	rig_poll(r);
	r->stack->steer = NULL;
	mr_steer_mesh_destroy(steers, 2);
}

static void
steer_out(struct rig *r)
{
	steer_up(r);
	rig_push_udp(r, .dport = 7);
	steer_down(r);
}

/* The other core sends back what it got. */
static void
steer_in(struct rig *r)
{
	void *m;

	udp_ep(r, 7);
	steer_up(r);
	rig_push_udp(r, .dport = 7);
	rig_poll(r);
	ck_assert_int_eq(rte_ring_dequeue(steer[0].out[1], &m), 0);
	ck_assert_int_eq(rte_ring_enqueue(steer[0].in[1], m), 0);
	steer_down(r);
}

static void
steer_ring_full(struct rig *r)
{
	struct rte_ring *small = rte_ring_create("small", 2, 0, 0), *big; /* holds one */
	void *m;

	steer_up(r);
	big = steer[0].out[1];
	steer[0].out[1] = small;
	rig_push_udp(r, .dport = 7);
	rig_push_udp(r, .dport = 7);
	rig_poll(r);
	ck_assert_int_eq(rte_ring_dequeue(small, &m), 0);
	rte_pktmbuf_free(m);
	rte_ring_free(small);
	steer[0].out[1] = big;
	steer_down(r);
}

static void
steer_no_mbuf(struct rig *r)
{
	struct mr_addr group = rig_addr("239.1.1.1");

	udp_ep(r, 7);
	ck_assert_int_eq(mr_group_join(r->stack, RIG_NIC, &group), 0);
	rig_discard(r);
	rig_mark(r);
	steer_up(r);
	hold_all(r->stack->rx_pool);
	rte_pktmbuf_free(held[--n_held]); /* the packet itself gets one */
	rig_push_udp(r, .ip.dst = group, .dport = 7);
	steer_down(r);
}

/* ---- neighbours (on a rig that knows none) */

static void
ask_for_peer(struct rig *r)
{
	udp_send(udp_ep(r, 7), "10.0.0.2", 9);
}

static void
ask_for_peer_v6(struct rig *r)
{
	udp_send(udp_ep(r, 7), "fd00::2", 9);
}

/* Strangers that ask for us are remembered; the table is small. */
static void
neigh_evicted(struct rig *r)
{
	for (uint32_t i = 0; i <= r->stack->opts.max_neighbours; i++)
		rig_push_arp(r, .op = 1, .spa = mr_addr_v4(0x0a000010 + i));
}

static void
neigh_table_full(struct rig *r)
{
	struct mr_lladdr ll = {.b = {2, 0, 0, 0, 0, 9}, .len = 6};

	for (uint32_t i = 0; i < r->stack->opts.max_neighbours; i++) {
		struct mr_addr a = mr_addr_v4(0x0a000010 + i);

		ck_assert_int_eq(mr_neigh_add(r->stack, RIG_NIC, &a, &ll), 0);
	}
	rig_push_arp(r, .op = 1);
}

static void
neigh_queue_full(struct rig *r)
{
	struct mr_ep *ep = udp_ep(r, 7);

	for (int i = 0; i < MR_NEIGH_PENDING + 1; i++)
		udp_send(ep, "10.0.0.2", 9);
}

static void
neigh_failed(struct rig *r)
{
	ask_for_peer(r);
	rig_advance(r, 10 * RIG_S);
}

/* ---- ARP */

static void
an_arp_reply(struct rig *r)
{
	rig_push_arp(r, .op = 2);
}

static void
arp_conflict(struct rig *r)
{
	rig_push_arp(r, .op = 2, .spa = r->addr4, .eth_dst = {255, 255, 255, 255, 255, 255});
}

static void
arp_malformed(struct rig *r)
{
	rig_push_arp(r, .hln = 7);
}

/* ---- IP */

static void
edited(struct rig *r, bool v6, uint16_t at, uint8_t value)
{
	struct rig_buf b;

	rig_build_icmp(r, &b, &(struct rig_icmp){.ip = {.v6 = v6}, .echo = true, .len = 64});
	b.b[at] = value;
	rig_fix(&b);
	rig_push_buf(r, &b);
}

static void
ip_bad_version(struct rig *r)
{
	edited(r, true, 14, 0x40);
}

static void
ip_bad_length(struct rig *r)
{
	edited(r, false, 16, 1);
}

static void
ip_bad_cksum(struct rig *r)
{
	rig_push_icmp(r, .echo = true, .ip.spoil = RIG_SPOIL_IP_CKSUM);
}

static void
ip_bad_options(struct rig *r)
{
	rig_push_icmp(r, .echo = true, .ip.opts = "\x07\x01\x04\x00", .ip.opts_len = 4);
}

static void
ip_unknown_option(struct rig *r)
{
	rig_push_icmp(r, .echo = true, .ip = {.v6 = true, .opts = "\x3a\x00\x5e\x04\x00\x00\x00\x00", .opts_len = 8});
}

static void
ip_source_route(struct rig *r)
{
	rig_push_icmp(r, .echo = true, .ip.opts = "\x83\x03\x04\x00", .ip.opts_len = 4);
}

static void
ip_bad_src(struct rig *r)
{
	rig_push_icmp(r, .echo = true, .ip.src = rig_addr("224.0.0.1"));
}

static void
ip_bad_dst(struct rig *r)
{
	rig_push_icmp(r, .echo = true, .ip.dst = rig_addr("127.0.0.1"));
}

static void
ip_not_ours(struct rig *r)
{
	rig_push_icmp(r, .echo = true, .ip.dst = rig_addr("10.0.0.99"));
}

static void
ip_fragment(struct rig *r)
{
	rig_push_icmp(r, .echo = true, .ip.frag = 0x2000, .len = 64);
}

static void
ip_ext_hdr(struct rig *r)
{
	rig_push_udp(r, .ip.v6 = true, .ip.next_hdr = 60, .ip.opts = "\x11\x00\x01\x04\x00\x00\x00\x00", .ip.opts_len = 8);
}

/* A frame larger than the link's MTU came in; its echo cannot go out. */
static void
ip_too_big(struct rig *r)
{
	rig_push_icmp(r, .echo = true, .len = 1600);
}

static void
ip_no_route(struct rig *r)
{
	rig_push_icmp(r, .echo = true, .ip.src = rig_addr("192.0.2.1"));
}

static void
ip_link_bcast(struct rig *r)
{
	rig_push_icmp(r, .echo = true, .ip.eth_dst = {255, 255, 255, 255, 255, 255});
}

static void
unknown_transport(struct rig *r)
{
	rig_push_ip(r, "0123456789", 10, .proto = 99);
}

/* ---- ICMP and neighbour discovery */

static void
icmp_rx_error(struct rig *r)
{
	struct mr_sockaddr to = rig_peer(r, false, 9);
	struct mr_ep *ep = udp_ep(r, 7);
	const struct rig_frame *f;

	ck_assert_int_eq(mr_ep_connect(ep, &to), 0);
	ck_assert_int_eq(mr_ep_send(ep, "x", 1), 1);
	f = rig_expect(r, RIG_UDP);
	rig_push_icmp(r, .type = 3, .code = 3, .data = f->b + 14, .len = 28);
}

static void
udp_no_port(struct rig *r)
{
	rig_push_udp(r, .dport = 4444);
}

static void
icmp_limited(struct rig *r)
{
	ck_assert_int_eq(mr_netproto_setopt(r->stack, MR_NET_IPV4, MR_OPT_ICMP_ERR_RATE, 0), 0);
	rig_push_udp(r, .dport = 4444);
}

static void
icmp_malformed(struct rig *r)
{
	rig_push_ip(r, "\x08\x00\xf7\xff", 4, .proto = 1);
}

static void
icmp_bad_cksum(struct rig *r)
{
	rig_push_icmp(r, .echo = true, .ip.spoil = RIG_SPOIL_L4_CKSUM);
}

static void
icmp_ignored(struct rig *r)
{
	rig_push_icmp(r, .type = 13, .len = 12);
}

static void
a_solicitation(struct rig *r)
{
	rig_push_ndp(r, .type = 135);
}

static void
an_advertisement(struct rig *r)
{
	rig_push_ndp(r, .type = 136, .solicited = true);
}

static void
ndp_invalid(struct rig *r)
{
	rig_push_ndp(r, .type = 135, .ip.ttl = 254);
}

/* ---- ping endpoints */

static struct mr_ep *
ping_ep(struct rig *r, uint16_t id)
{
	struct mr_sockaddr any = {.port = id};
	struct mr_ep *ep;

	ck_assert_int_eq(mr_ep_create(r->stack, MR_TRANS_ICMP, MR_NET_IPV4, &ep), 0);
	ck_assert_int_eq(mr_ep_bind(ep, &any), 0);
	return ep;
}

static void
ping_reply(struct rig *r)
{
	ping_ep(r, 9);
	rig_push_icmp(r, .type = 0, .id = 9);
}

static void
ping_request(struct rig *r)
{
	struct mr_sockaddr to = rig_peer(r, false, 0);

	ck_assert_int_eq(mr_ep_sendto(ping_ep(r, 9), "\x08\0\0\0\0\0\0\0", 8, &to), 8);
}

static void
ping_queue_full(struct rig *r)
{
	ck_assert_int_eq(mr_ep_setopt(ping_ep(r, 9), MR_OPT_RCVBUF, 1), 0);
	rig_push_icmp(r, .type = 0, .id = 9);
}

static void
ping_no_memory(struct rig *r)
{
	fill_rx_budget(r);
	ping_ep(r, 9);
	rig_push_icmp(r, .type = 0, .id = 9);
}

/* ---- multicast groups */

static void
a_group_query(struct rig *r)
{
	rig_push_group(r, .max_resp = 10);
}

static void
a_group_report(struct rig *r)
{
	rig_push_group(r, .type = 131, .group = rig_addr("ff02::1:ff00:1"));
}

static void
group_joined(struct rig *r)
{
	struct mr_addr a = rig_addr("239.1.1.1");

	ck_assert_int_eq(mr_group_join(r->stack, RIG_NIC, &a), 0);
}

static void
group_left(struct rig *r)
{
	struct mr_addr a = rig_addr("239.1.1.1");

	group_joined(r);
	ck_assert_int_eq(mr_group_leave(r->stack, RIG_NIC, &a), 0);
}

static void
group_invalid(struct rig *r)
{
	rig_push_group(r, .max_resp = 10, .ip.ttl = 2);
}

static void
igmp_bad_cksum(struct rig *r)
{
	rig_push_group(r, .max_resp = 10, .ip.spoil = RIG_SPOIL_L4_CKSUM);
}

static void
igmp_ignored(struct rig *r)
{
	rig_push_group(r, .type = 0x13);
}

/* ---- forwarders: one that has room for one request */

static void
forward_asked(const struct mr_forward_req *req, void *arg)
{
	*(struct mr_forward_req *)arg = *req;
}

static void
forward_request(struct rig *r)
{
	static struct mr_forward_req req;
	struct mr_forwarder_opts o = {.fn = forward_asked, .arg = &req, .max_requests = 1};
	struct mr_forwarder *f;

	ck_assert_int_eq(mr_forwarder_create(r->stack, MR_TRANS_TCP, &o, &f), 0);
	rig_push_tcphdr(r, .flags = RIG_SYN);
	rig_poll(r);
	ck_assert_ptr_eq(req.forwarder, f);
}

static void
forward_full(struct rig *r)
{
	forward_request(r);
	rig_push_tcphdr(r, .flags = RIG_SYN, .sport = 5001);
}

static void
forward_pending(struct rig *r)
{
	forward_request(r);
	rig_push_tcphdr(r, .flags = RIG_SYN);
}

static void
forward_refused(struct rig *r)
{
	forward_request(r);
	rig_advance(r, 40 * RIG_S);
}

/* ---- raw endpoints */

static struct mr_ep *
raw_ep(struct rig *r)
{
	struct mr_ep *ep;

	ck_assert_int_eq(mr_ep_create_raw(r->stack, 99, MR_NET_IPV4, &ep), 0);
	return ep;
}

static void
raw_received(struct rig *r)
{
	raw_ep(r);
	rig_push_ip(r, "x", 1, .proto = 99);
}

static void
raw_sent(struct rig *r)
{
	struct mr_sockaddr to = rig_peer(r, false, 0);

	ck_assert_int_eq(mr_ep_sendto(raw_ep(r), "x", 1, &to), 1);
}

static void
raw_queue_full(struct rig *r)
{
	ck_assert_int_eq(mr_ep_setopt(raw_ep(r), MR_OPT_RCVBUF, 1), 0);
	rig_push_ip(r, "x", 1, .proto = 99);
}

static void
raw_no_memory(struct rig *r)
{
	fill_rx_budget(r);
	raw_ep(r);
	rig_push_ip(r, "x", 1, .proto = 99);
}

/* ---- packet endpoints */

static struct mr_ep *
packet_ep(struct rig *r)
{
	struct mr_ep *ep;

	ck_assert_int_eq(mr_ep_create_packet(r->stack, RIG_NIC, MR_NET_ARP, &ep), 0);
	return ep;
}

static void
packet_received(struct rig *r)
{
	packet_ep(r);
	an_arp_request(r);
}

static void
packet_sent(struct rig *r)
{
	ck_assert_int_eq(mr_ep_send(packet_ep(r), "\2\0\0\0\0\2\2\0\0\0\0\1\x88\xb5", 14), 14);
}

static void
packet_queue_full(struct rig *r)
{
	ck_assert_int_eq(mr_ep_setopt(packet_ep(r), MR_OPT_RCVBUF, 1), 0);
	an_arp_request(r);
}

static void
packet_no_memory(struct rig *r)
{
	fill_rx_budget(r);
	packet_ep(r);
	an_arp_request(r);
}

/* ---- what is not of this library */

static void
third_party(struct rig *r)
{
	mr_stack_drop(r->stack, mr_stack_tx_alloc(r->stack), MR_DROP_THIRD_PARTY);
}

/* ---- UDP */

static void
udp_received(struct rig *r)
{
	udp_ep(r, 7);
	rig_push_udp(r, .dport = 7);
}

static void
udp_sent(struct rig *r)
{
	udp_send(udp_ep(r, 7), "10.0.0.2", 9);
}

static void
udp_malformed(struct rig *r)
{
	rig_push_udp(r, .lie_len = 7, .len = 20);
}

static void
udp_bad_cksum(struct rig *r)
{
	udp_ep(r, 7);
	rig_push_udp(r, .dport = 7, .ip.spoil = RIG_SPOIL_L4_CKSUM);
}

static void
udp_queue_full(struct rig *r)
{
	ck_assert_int_eq(mr_ep_setopt(udp_ep(r, 7), MR_OPT_RCVBUF, 1), 0);
	rig_push_udp(r, .dport = 7, .len = 100);
}

static void
udp_no_memory(struct rig *r)
{
	fill_rx_budget(r);
	udp_ep(r, 7);
	rig_push_udp(r, .dport = 7);
}

#endif
