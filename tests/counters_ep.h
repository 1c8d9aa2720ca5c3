/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Scenarios of test_counters for endpoints of all kinds but TCP's, and for forwarders; see counters_rig.h.
 */
#ifndef TESTS_COUNTERS_EP_H
#define TESTS_COUNTERS_EP_H

#include "counters_link.h"

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
