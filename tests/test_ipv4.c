/* SPDX-License-Identifier: Apache-2.0 */
/*
 * IPv4: what may come in, by which reason the rest is dropped, and the header that goes out (IP-, BC-, B-numbers, nasty
 * cases 1, 2, 6, 12). An echo request is the probe for "accepted".
 */
#include "rig/fixture.h"

#include <errno.h>
#include <string.h>

#include <rte_mbuf.h>

#include "stack/nic.h"
#include "stack/stack.h"

#define ETH 14

static void
build_echo(struct rig_buf *b, const struct rig_ip *ip)
{
	struct rig_icmp i = {.echo = true, .id = 1, .seq = 2, .len = 30};

	if (ip)
		i.ip = *ip;
	rig_build_icmp(&rig, b, &i);
}

static struct mr_ep *
udp_ep(void)
{
	struct mr_ep *ep;

	ck_assert_int_eq(mr_ep_create(rig.stack, MR_TRANS_UDP, MR_NET_IPV4, &ep), 0);
	return ep;
}

/* Faults made by hand: what is written where, and whether the header checksum is put right again. */
static const struct bad_header {
	const char *what;
	uint16_t off; /* from the network header */
	uint8_t n, bytes[4];
	bool fix;
	uint32_t len; /* not 0: of the frame */
	enum mr_counter drop;
} bad_headers[] = {
	{"version 5", 0, 1, {0x55}, true, 0, MR_DROP_IP_BAD_VERSION},
	{"version 6", 0, 1, {0x65}, true, 0, MR_DROP_IP_BAD_VERSION},
	{"IHL 0", 0, 1, {0x40}, false, 0, MR_DROP_IP_BAD_LENGTH},
	{"IHL 4", 0, 1, {0x44}, false, 0, MR_DROP_IP_BAD_LENGTH},
	{"IHL beyond the total length", 0, 4, {0x4f, 0, 0, 58}, false, 0, MR_DROP_IP_BAD_LENGTH},
	{"IHL beyond the frame", 0, 4, {0x4f, 0, 0, 59}, false, ETH + 59, MR_DROP_IP_BAD_LENGTH},
	{"total length 0", 2, 2, {0, 0}, true, 0, MR_DROP_IP_BAD_LENGTH},
	{"total length 19", 2, 2, {0, 19}, true, 0, MR_DROP_IP_BAD_LENGTH},
	{"total length beyond the frame", 2, 2, {0, 59}, true, 0, MR_DROP_IP_BAD_LENGTH},
	{"total length 65535", 2, 2, {255, 255}, true, 0, MR_DROP_IP_BAD_LENGTH},
	{"frame cut by a byte", 0, 0, {0}, false, ETH + 57, MR_DROP_IP_BAD_LENGTH},
	{"checksum 0", 10, 2, {0, 0}, false, 0, MR_DROP_IP_BAD_CKSUM},
	{"checksum 0xffff", 10, 2, {255, 255}, false, 0, MR_DROP_IP_BAD_CKSUM},
	{"a changed byte", 8, 1, {63}, false, 0, MR_DROP_IP_BAD_CKSUM},
	{"19 bytes", 0, 0, {0}, false, ETH + 19, MR_DROP_NET_SHORT},
	{"nothing", 0, 0, {0}, false, ETH, MR_DROP_NET_SHORT},
};

START_TEST(header_sanity)
{
	const struct bad_header *c = &bad_headers[_i / 2];
	struct rig_buf b;

	build_echo(&b, NULL);
	memcpy(b.b + ETH + c->off, c->bytes, c->n);
	if (c->fix)
		rig_fix(&b);
	if (c->len)
		b.len = c->len;
	rig.rx_seg_bytes = _i % 2;
	rig_push_buf(&rig, &b);
	rig_expect_drop(&rig, c->drop);
	rig_expect_none(&rig);
}
END_TEST

/* A NIC that vouches for the header is believed, one that does not is not; "bad" needs no look. */
START_TEST(header_checksum_flags)
{
	rig.rx_ol_flags = RTE_MBUF_F_RX_IP_CKSUM_GOOD;
	rig_push_icmp(&rig, .ip.spoil = RIG_SPOIL_IP_CKSUM, .echo = true);
	rig_expect_icmp(&rig, false, 0, 0);
	rig.rx_ol_flags = RTE_MBUF_F_RX_IP_CKSUM_BAD;
	rig_push_icmp(&rig, .echo = true);
	rig_expect_drop(&rig, MR_DROP_IP_BAD_CKSUM);
	rig.rx_ol_flags = RTE_MBUF_F_RX_IP_CKSUM_NONE;
	rig_push_icmp(&rig, .ip.spoil = RIG_SPOIL_IP_CKSUM, .echo = true);
	rig_expect_drops(&rig, MR_DROP_IP_BAD_CKSUM, 2);
}
END_TEST

/* IP-03: whatever the link adds is gone before anybody counts payload. */
START_TEST(link_padding)
{
	const struct rig_frame *f;

	rig.rx_seg_bytes = (uint16_t)_i;
	rig_push_icmp(&rig, .ip.pad = 37, .echo = true, .len = 5);
	f = rig_expect_icmp(&rig, false, 0, 0);
	ck_assert_uint_eq(f->payload_len, 5);
	ck_assert_uint_eq(f->len, ETH + 20 + 8 + 5);
	rig_expect_no_drop(&rig);
}
END_TEST

/* B-26, B-34, nasty 12; none of them is answered. */
static const struct bad_addr {
	const char *src, *dst;
	enum mr_counter drop;
} bad_addrs[] = {
	{"224.0.0.1", NULL, MR_DROP_IP_BAD_SRC},
	{"239.255.255.255", NULL, MR_DROP_IP_BAD_SRC},
	{"255.255.255.255", NULL, MR_DROP_IP_BAD_SRC},
	{"10.0.0.255", NULL, MR_DROP_IP_BAD_SRC},
	{"127.0.0.1", NULL, MR_DROP_IP_BAD_SRC},
	{"127.255.255.254", NULL, MR_DROP_IP_BAD_SRC},
	{"0.0.0.0", NULL, MR_DROP_IP_BAD_SRC},
	{"0.1.2.3", NULL, MR_DROP_IP_BAD_SRC},
	{"10.0.0.1", NULL, MR_DROP_IP_BAD_SRC},
	{"10.0.0.1", "10.0.0.255", MR_DROP_IP_BAD_SRC},
	{"10.0.0.2", "127.0.0.1", MR_DROP_IP_BAD_DST},
	{"10.0.0.2", "0.0.0.0", MR_DROP_IP_BAD_DST},
	{"10.0.0.2", "10.0.0.3", MR_DROP_IP_NOT_OURS},
	{"10.0.0.2", "224.0.0.9", MR_DROP_IP_NOT_OURS},
	{"10.0.0.2", "192.168.1.255", MR_DROP_IP_NOT_OURS},
};

START_TEST(addresses)
{
	const struct bad_addr *c = &bad_addrs[_i];
	struct rig_ip ip = {.src = rig_addr(c->src)};

	if (c->dst)
		ip.dst = rig_addr(c->dst);
	rig_push_icmp(&rig, .ip = ip, .echo = true);
	rig_expect_drop(&rig, c->drop);
	rig_expect_none(&rig);
	rig_mark(&rig);
	rig_push_udp(&rig, .ip = ip, .len = 3);
	rig_expect_drop(&rig, c->drop);
	rig_mark(&rig);
	rig_push_tcphdr(&rig, .ip = ip, .flags = RIG_SYN, .sport = 80, .dport = 80);
	rig_expect_drop(&rig, c->drop);
	rig_expect_none(&rig);
}
END_TEST

/* Of another NIC of this host, too. */
START_TEST(source_of_our_other_nic)
{
	struct mr_subnet sn = {.addr = rig_addr("192.168.7.1"), .plen = 24};
	struct mr_link *a, *b;

	ck_assert_int_eq(mr_pair_create(rig.stack->rx_pool, rig.stack->rx_pool, 1500, 16, &a, &b), 0);
	ck_assert_int_eq(mr_nic_create(rig.stack, 2, "other", a), 0);
	ck_assert_int_eq(mr_addr_add(rig.stack, 2, &sn, MR_PEB_CAN_BE_PRIMARY), 0);
	rig_push_icmp(&rig, .ip.src = sn.addr, .echo = true);
	rig_expect_drop(&rig, MR_DROP_IP_BAD_SRC);
	ck_assert_int_eq(mr_nic_remove(rig.stack, 2), 0);
	mr_link_close(a);
	mr_link_close(b);
}
END_TEST

/* IP-08: the hop count of what has arrived is nobody's business. */
START_TEST(ttl_of_arrivals)
{
	struct rig_buf b;

	build_echo(&b, NULL);
	b.b[ETH + 8] = (uint8_t)_i;
	rig_fix(&b);
	rig_push_buf(&rig, &b);
	rig_expect_icmp(&rig, false, 0, 0);
}
END_TEST

/* Nasty 2, IP-10: options that fit are ignored, the others are told apart. */
static const struct options {
	uint8_t n, bytes[40];
	enum mr_counter drop; /* MR_CNT_MAX: accepted */
} options[] = {
	{4, {1, 1, 1, 1}, MR_CNT_MAX},
	{4, {0, 0xff, 0xff, 0xff}, MR_CNT_MAX},                 /* nothing counts behind the end */
	{4, {148, 4, 0, 0}, MR_CNT_MAX},                        /* router alert */
	{8, {7, 7, 4, 0, 0, 0, 0, 0}, MR_CNT_MAX},              /* record route */
	{4, {0x9e, 2, 1, 1}, MR_CNT_MAX},                       /* unknown */
	{40, {68, 40, 5, 0}, MR_CNT_MAX},
	{4, {7, 0, 0, 0}, MR_DROP_IP_BAD_OPTIONS},              /* length 0 */
	{4, {7, 1, 0, 0}, MR_DROP_IP_BAD_OPTIONS},              /* length 1 */
	{4, {7, 5, 4, 0}, MR_DROP_IP_BAD_OPTIONS},              /* beyond the header */
	{4, {1, 1, 1, 7}, MR_DROP_IP_BAD_OPTIONS},              /* no length */
	{4, {7, 255, 4, 0}, MR_DROP_IP_BAD_OPTIONS},
	{8, {131, 7, 4, 10, 0, 0, 9, 0}, MR_DROP_IP_SOURCE_ROUTE},
	{8, {1, 137, 7, 4, 10, 0, 0, 9}, MR_DROP_IP_SOURCE_ROUTE},
	{4, {131, 9, 4, 0}, MR_DROP_IP_BAD_OPTIONS},
};

START_TEST(header_options)
{
	const struct options *c = &options[_i / 2];

	rig.rx_seg_bytes = _i % 2;
	rig_push_icmp(&rig, .ip.opts = c->bytes, .ip.opts_len = c->n, .echo = true, .len = 9);
	if (c->drop == MR_CNT_MAX) {
		ck_assert_uint_eq(rig_expect_icmp(&rig, false, 0, 0)->payload_len, 9);
		rig_expect_no_drop(&rig);
	} else {
		rig_expect_drop(&rig, c->drop);
		rig_expect_none(&rig);
	}
}
END_TEST

/* Nasty 3, 4, 6: no part of a datagram is taken for a whole one. */
START_TEST(fragments)
{
	static const uint16_t fields[] = {0x2000, 0x2001, 0x0001, 0x1fff, 0x3fff, 0x6000, 0xa000};
	struct rig_buf b;

	for (unsigned i = 0; i < RTE_DIM(fields); i++) {
		build_echo(&b, &(struct rig_ip){.frag = fields[i], .id = 7});
		rig_push_buf(&rig, &b);
	}
	rig_expect_drops(&rig, MR_DROP_IP_FRAGMENT, RTE_DIM(fields));
	rig_expect_none(&rig);
	rig_push_icmp(&rig, .ip.frag = 0x4000, .echo = true);
	rig_expect_icmp(&rig, false, 0, 0);
}
END_TEST

START_TEST(counters_of_the_good_ones)
{
	for (int i = 0; i < 3; i++)
		rig_push_icmp(&rig, .echo = true, .seq = (uint16_t)i);
	rig_push_icmp(&rig, .ip.dst = rig_addr("10.0.0.3"), .echo = true);
	ck_assert_uint_eq(rig_pending(&rig), 3);
	ck_assert_uint_eq(rig_moved(&rig, MR_CNT_IP_RX_PACKETS), 4);
	ck_assert_uint_eq(rig_moved(&rig, MR_CNT_IP_RX_DELIVERED), 3);
	ck_assert_uint_eq(rig_moved(&rig, MR_CNT_IP_TX_PACKETS), 3);
	for (uint16_t i = 0; i < 3; i++)
		ck_assert_uint_eq(rig_expect_icmp(&rig, false, 0, 0)->seq16, i);
}
END_TEST

START_TEST(unknown_protocol)
{
	const struct rig_frame *f;

	rig_push_ip(&rig, "hello, protocol 99", 18, .proto = 99);
	f = rig_expect_icmp(&rig, false, 3, 2);
	ck_assert_uint_eq(f->payload_len, 20 + 18);
	ck_assert_mem_eq(f->payload + 20, "hello, protocol 99", 18);
	rig_expect_drop(&rig, MR_DROP_TRANS_UNKNOWN_PROTO);
	ck_assert_uint_eq(rig_moved(&rig, MR_CNT_IP_RX_DELIVERED), 0);
	rig_push_ip(&rig, "group", 5, .proto = 99, .dst = rig_addr("224.0.0.1"));
	rig_expect_none(&rig);
	rig_expect_drops(&rig, MR_DROP_TRANS_UNKNOWN_PROTO, 2);
}
END_TEST

/* ---- out */

START_TEST(header_out)
{
	struct mr_sockaddr to = rig_peer(&rig, false, 9);
	struct mr_ep *ep = udp_ep();
	const struct rig_frame *f;
	uint16_t id;

	ck_assert_int_eq(mr_ep_sendto(ep, "abc", 3, &to), 3);
	f = rig_expect(&rig, RIG_UDP);
	ck_assert_uint_eq(f->len, ETH + 20 + 8 + 3);
	ck_assert_uint_eq(f->b[ETH], 0x45);
	ck_assert_uint_eq(f->ttl, 64);
	ck_assert_uint_eq(f->tos, 0);
	ck_assert(!f->df && !f->mf && f->frag_off == 0);
	id = f->ip_id;
	/* Datagrams that may be fragmented have numbers of their own. */
	ck_assert_int_eq(mr_ep_setopt(ep, MR_OPT_TTL, 3), 0);
	ck_assert_int_eq(mr_ep_setopt(ep, MR_OPT_TOS, 0xb8), 0);
	ck_assert_int_eq(mr_ep_sendto(ep, "abc", 3, &to), 3);
	f = rig_expect(&rig, RIG_UDP);
	ck_assert_uint_eq(f->ip_id, (uint16_t)(id + 1));
	ck_assert_uint_eq(f->ttl, 3);
	ck_assert_uint_eq(f->tos, 0xb8);
	ck_assert_uint_eq(f->tx_flags, 0);
	mr_ep_close(ep);
}
END_TEST

/* IP-15, RFC 6864: TCP may not be fragmented, so its number says nothing. */
START_TEST(atomic_datagrams_have_no_id)
{
	const struct rig_frame *f;

	rig_push_tcphdr(&rig, .flags = RIG_SYN, .dport = 999);
	f = rig_expect(&rig, RIG_TCP);
	ck_assert(f->df);
	ck_assert_uint_eq(f->ip_id, 0);
}
END_TEST

START_TEST(options_of_the_protocol)
{
	struct mr_stack *s = rig.stack;
	int64_t v;

	ck_assert_int_eq(mr_netproto_getopt(s, MR_NET_IPV4, MR_OPT_DEFAULT_TTL, &v), 0);
	ck_assert_int_eq(v, 64);
	ck_assert_int_eq(mr_netproto_getopt(s, MR_NET_IPV4, MR_OPT_ICMP_ERR_RATE, &v), 0);
	ck_assert_int_eq(v, 1000);
	ck_assert_int_eq(mr_netproto_setopt(s, MR_NET_IPV4, MR_OPT_DEFAULT_TTL, 0), -EINVAL);
	ck_assert_int_eq(mr_netproto_setopt(s, MR_NET_IPV4, MR_OPT_DEFAULT_TTL, 256), -EINVAL);
	ck_assert_int_eq(mr_netproto_setopt(s, MR_NET_IPV4, MR_OPT_ICMP_ERR_RATE, -1), -EINVAL);
	ck_assert_int_eq(mr_netproto_setopt(s, MR_NET_IPV4, MR_OPT_RCVBUF, 1), -ENOPROTOOPT);
	ck_assert_int_eq(mr_netproto_getopt(s, MR_NET_IPV4, MR_OPT_RCVBUF, &v), -ENOPROTOOPT);
	ck_assert_int_eq(mr_netproto_setopt(s, MR_NET_IPV4, MR_OPT_DEFAULT_TTL, 17), 0);
	rig_push_icmp(&rig, .echo = true);
	ck_assert_uint_eq(rig_expect_icmp(&rig, false, 0, 0)->ttl, 17);
	rig_push_icmp(&rig, .ip.v6 = true, .echo = true);
	ck_assert_uint_eq(rig_expect_icmp(&rig, true, 129, 0)->ttl, 64);
}
END_TEST

START_TEST(checksums_left_to_the_link)
{
	struct rig_opts o = {.caps = MR_LINK_CAP_TX_IPV4_CKSUM | MR_LINK_CAP_TX_UDP_CKSUM};
	struct mr_sockaddr to = rig_peer(&rig, false, 9);
	const struct rig_frame *f;
	struct mr_ep *ep;

	if (_i == 1)
		o.caps = MR_LINK_CAP_TX_IPV4_CKSUM;
	if (_i == 2)
		o.caps = MR_LINK_CAP_TX_UDP_CKSUM;
	rig_fini(&rig);
	rig_init(&rig, &o);
	ep = udp_ep();
	ck_assert_int_eq(mr_ep_sendto(ep, "abc", 3, &to), 3);
	f = rig_expect(&rig, RIG_UDP); /* which also judges what was prepared for the link */
	ck_assert(!(f->tx_flags & RTE_MBUF_F_TX_IP_CKSUM) == !(o.caps & MR_LINK_CAP_TX_IPV4_CKSUM));
	ck_assert(((f->tx_flags & RTE_MBUF_F_TX_L4_MASK) == RTE_MBUF_F_TX_UDP_CKSUM) ==
	          !!(o.caps & MR_LINK_CAP_TX_UDP_CKSUM));
	ck_assert_mem_eq(f->payload, "abc", 3);
	mr_ep_close(ep);
}
END_TEST

START_TEST(mtu)
{
	static char big[1500];
	struct mr_sockaddr to = rig_peer(&rig, false, 9);
	struct mr_ep *ep = udp_ep();

	ck_assert_int_eq(mr_ep_sendto(ep, big, 1472, &to), 1472);
	ck_assert_uint_eq(rig_expect(&rig, RIG_UDP)->len, ETH + 1500);
	ck_assert_int_eq(mr_ep_sendto(ep, big, 1473, &to), -EMSGSIZE);
	rig_expect_none(&rig);
	mr_ep_close(ep);
}
END_TEST

/* What a caller gets past the transport's own check: the answer to an echo request that came over a larger MTU. */
START_TEST(output_over_the_mtu)
{
	struct mr_nic *nic = mr_nic_find(rig.stack, RIG_NIC);

	nic->mtu = 576;
	rig.stack->route_gen++;
	rig_push_icmp(&rig, .echo = true, .len = 600);
	rig_expect_drop(&rig, MR_DROP_IP_TOO_BIG);
	rig_expect_none(&rig);
	ck_assert_uint_eq(rig_moved(&rig, MR_CNT_ICMP_TX_ECHO_REPLY), 0);
}
END_TEST

/* SS-20, SS-21: to ourselves, without the link and with no checksum left out of order. */
START_TEST(to_ourselves)
{
	struct mr_sockaddr to = rig_local(&rig, false, 7777), from;
	struct mr_ep *ep = udp_ep(), *peer = udp_ep();
	char buf[8];

	ck_assert_int_eq(mr_ep_bind(peer, &to), 0);
	ck_assert_int_eq(mr_ep_sendto(ep, "loop", 4, &to), 4);
	rig_expect_none(&rig);
	ck_assert_int_eq(mr_ep_recv(peer, buf, sizeof(buf), &from), 4);
	ck_assert(mr_addr_equal(&from.addr, &rig.addr4));
	ck_assert_uint_eq(rig_moved(&rig, MR_CNT_LOOP_PACKETS), 1);
	rig_expect_no_drop(&rig);
	mr_ep_close(ep);
	mr_ep_close(peer);
}
END_TEST

/* MC-01: the group of all hosts, as long as there is an address. */
START_TEST(all_hosts_group)
{
	static const uint8_t mac[6] = {1, 0, 0x5e, 0, 0, 1};
	bool told = false;

	for (unsigned i = 0; i < rig.n_mcast; i++)
		told |= memcmp(rig.mcast[i].b, mac, 6) == 0;
	ck_assert(told);
	ck_assert_int_eq(mr_group_leave(rig.stack, RIG_NIC, &(struct mr_addr){.b = {[10] = 255, 255, 224, 0, 0, 1}}), 0);
	ck_assert_int_eq(mr_group_leave(rig.stack, RIG_NIC, &(struct mr_addr){.b = {[10] = 255, 255, 224, 0, 0, 1}}),
	                 -EADDRNOTAVAIL); /* there was one member: the address */
}
END_TEST

START_TEST(all_hosts_group_goes_with_the_last_address)
{
	struct mr_addr group = rig_addr("224.0.0.1");
	struct mr_nic *nic = mr_nic_find(rig.stack, RIG_NIC);
	struct mr_subnet sn = {.addr = rig_addr("10.0.0.9"), .plen = 24};

	ck_assert_int_eq(mr_addr_add(rig.stack, RIG_NIC, &sn, MR_PEB_CAN_BE_PRIMARY), 0);
	ck_assert_int_eq(mr_addr_remove(rig.stack, RIG_NIC, &rig.addr4), 0);
	ck_assert_ptr_nonnull(mr_nic_netep_any(nic, &group));
	ck_assert_int_eq(mr_addr_remove(rig.stack, RIG_NIC, &sn.addr), 0);
	ck_assert_ptr_null(mr_nic_netep_any(nic, &group));
	/* Disabling and enabling changes nothing of that. */
	ck_assert_int_eq(mr_addr_add(rig.stack, RIG_NIC, &sn, MR_PEB_CAN_BE_PRIMARY), 0);
	ck_assert_int_eq(mr_nic_disable(rig.stack, RIG_NIC), 0);
	ck_assert_ptr_null(mr_nic_netep_any(nic, &group));
	ck_assert_int_eq(mr_nic_enable(rig.stack, RIG_NIC), 0);
	ck_assert_uint_eq(mr_nic_netep_any(nic, &group)->joins, 1);
}
END_TEST

/* What steering is told (an address and port pair; no ports where there are none; of an error, the connection's, so that a
 * router's word on the path MTU comes to its core; of an echo reply, and of an error about a request, the identifier for our
 * port). */
START_TEST(tuples)
{
	struct mr_netproto *np = mr_stack_netproto(rig.stack, MR_NET_IPV4);
	struct mr_nic *nic = mr_nic_find(rig.stack, RIG_NIC);
	static const uint8_t quote[] = {
		0x45, 0, 0, 40, 0, 0, 0x40, 0, 64, 6, 0x26, 0xce, 10, 0, 0, 1, 10, 0, 0, 2, 0x1f, 0x90, 0x00, 0x50, 1, 2, 3, 4,
	};
	static const uint8_t ping[] = {
		0x45, 0, 0, 28, 0, 0, 0x40, 0, 64, 1, 0x26, 0xdf, 10, 0, 0, 1, 10, 0, 0, 2, 8, 0, 0, 0, 0x10, 0x92, 0, 1,
	};
	static const uint16_t sport[] = {1000, 0, 80, 0, 0, 0}, dport[] = {2000, 0, 8080, 0, 4242, 4242};
	static struct rig_buf b[6];
	struct mr_tuple t;
	struct mr_addr dst;
	struct rte_mbuf *m;

	rig_build_udp(&rig, &b[0], &(struct rig_udp){.sport = 1000, .dport = 2000, .len = 4});
	rig_build_ip(&rig, &b[1], &(struct rig_ip){.proto = 99}, "abcdefgh", 8);
	rig_build_icmp(&rig, &b[2], &(struct rig_icmp){.ip.src = rig_addr("10.0.0.99"), .type = 3, .code = 4, .data = quote,
	                                               .len = sizeof(quote)});
	rig_build_icmp(&rig, &b[3], &(struct rig_icmp){.echo = true});
	rig_build_icmp(&rig, &b[4], &(struct rig_icmp){.type = 0, .id = 4242});
	rig_build_icmp(&rig, &b[5], &(struct rig_icmp){.ip.src = rig_addr("10.0.0.99"), .type = 11, .data = ping,
	                                               .len = sizeof(ping)});
	for (int i = 0; i < 6; i++) {
		bool steered;

		m = rte_pktmbuf_alloc(rig.stack->rx_pool);
		memcpy(rte_pktmbuf_append(m, (uint16_t)(b[i].len - ETH)), b[i].b + ETH, b[i].len - ETH);
		mr_pkt_init(m);
		mr_pkt(m)->net_off = m->data_off;
		ck_assert_uint_eq(np->ops->parse(np, nic, &m, &dst, 1), 1);
		steered = np->ops->tuple(np, m, &t);
		ck_assert(steered == (i != 3)); /* an echo is answered where it is */
		if (steered) {
			ck_assert(mr_addr_equal(&t.src, &rig.peer4) && mr_addr_equal(&t.dst, &rig.addr4));
			ck_assert_uint_eq(rte_be_to_cpu_16(t.sport_be), sport[i]);
			ck_assert_uint_eq(rte_be_to_cpu_16(t.dport_be), dport[i]);
		}
		rte_pktmbuf_free(m);
	}
}
END_TEST

static Suite *
suite(void)
{
	Suite *s = suite_create("ipv4");
	TCase *tc = rig_case(s, "ipv4", rig_setup, rig_teardown);

	tcase_add_loop_test(tc, header_sanity, 0, 2 * (int)RTE_DIM(bad_headers));
	tcase_add_test(tc, header_checksum_flags);
	tcase_add_loop_test(tc, link_padding, 0, 3);
	tcase_add_loop_test(tc, addresses, 0, (int)RTE_DIM(bad_addrs));
	tcase_add_test(tc, source_of_our_other_nic);
	tcase_add_loop_test(tc, ttl_of_arrivals, 0, 3);
	tcase_add_loop_test(tc, header_options, 0, 2 * (int)RTE_DIM(options));
	tcase_add_test(tc, fragments);
	tcase_add_test(tc, counters_of_the_good_ones);
	tcase_add_test(tc, unknown_protocol);
	tcase_add_test(tc, header_out);
	tcase_add_test(tc, atomic_datagrams_have_no_id);
	tcase_add_test(tc, options_of_the_protocol);
	tcase_add_loop_test(tc, checksums_left_to_the_link, 0, 3);
	tcase_add_test(tc, mtu);
	tcase_add_test(tc, output_over_the_mtu);
	tcase_add_test(tc, to_ourselves);
	tcase_add_test(tc, all_hosts_group);
	tcase_add_test(tc, all_hosts_group_goes_with_the_last_address);
	tcase_add_test(tc, tuples);
	return s;
}

RIG_MAIN(suite)
