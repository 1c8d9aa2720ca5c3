/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Scenarios of test_counters from the link to the neighbours, steering between; see counters_rig.h.
 */
#ifndef TESTS_COUNTERS_LINK_H
#define TESTS_COUNTERS_LINK_H

#include "counters_rig.h"

#include <rte_ring.h>

#include "stack/neigh.h"
#include "stack/nic.h"
#include "stack/steer.h"

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

/* ---- what is not of this library */

static void
third_party(struct rig *r)
{
	mr_stack_drop(r->stack, mr_stack_tx_alloc(r->stack), MR_DROP_THIRD_PARTY);
}

#endif
