/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Ping endpoints (SS-14, S-58, IC-11, RFC 792, RFC 4443 4.1): requests out, replies and errors in, limits;
 * and echo's own policy, which they have no part in (B-32, R-9). Most tests run for both families: _i is v6.
 */
#include <errno.h>
#include <string.h>

#include <rte_mbuf.h>

#include "stack/port.h"
#include "stack/stack.h"
#include "stack/steer.h"
#include "ping.h"

#define ETH 14

/* ---- requests */

/* Byte for byte: type, code and data are the application's, identifier and checksum ours. */
START_TEST(request_bytes)
{
	static const uint8_t want[] = {8, 0, 0x6d, 0x60, 0xab, 0xcd, 0, 1, 'p', 'i', 'n', 'g'};
	static const uint8_t req[] = {8, 0, 1, 2, 3, 4, 0, 1, 'p', 'i', 'n', 'g'};
	struct mr_sockaddr to = rig_peer(&rig, false, 77); /* peers have no port */
	struct mr_ep *ep = bound(false, 0xabcd);
	const struct rig_frame *f;

	ck_assert_int_eq(mr_ep_sendto(ep, req, sizeof(req), &to), sizeof(req));
	f = rig_expect_icmp(&rig, false, 8, 0);
	ck_assert_uint_eq(f->len, ETH + 20 + sizeof(want));
	ck_assert_mem_eq(f->b + ETH + 20, want, sizeof(want));
	ck_assert_uint_eq(f->proto, MR_TRANS_ICMP);
	ck_assert(mr_addr_equal(&f->src, &rig.addr4) && mr_addr_equal(&f->dst, &rig.peer4));
	ck_assert_uint_eq(rig_moved(&rig, MR_CNT_PING_TX_REQUESTS), 1);
	rig_expect_no_drop(&rig);
	mr_ep_close(ep);
}
END_TEST

START_TEST(request_sizes)
{
	static const uint32_t lens[] = {0, 1, 55, 1400, 1452};
	struct mr_ep *ep = connected(_i, 500);
	const struct rig_frame *f;

	for (unsigned i = 0; i < RTE_DIM(lens); i++) {
		ck_assert_int_eq(request(ep, _i, (uint16_t)i, lens[i], NULL), HDR + lens[i]);
		f = rig_expect_icmp(&rig, _i, _i ? 128 : 8, 0);
		ck_assert_uint_eq(f->id, 500);
		ck_assert_uint_eq(f->seq16, i);
		ck_assert_uint_eq(f->payload_len, lens[i]);
		ck_assert_uint_eq(rig_pattern_check(f->payload, 0, lens[i]), lens[i]);
	}
	mr_ep_close(ep);
}
END_TEST

/* Nothing but an echo request goes out, and a refusal changes nothing: no identifier is taken. */
START_TEST(not_a_request)
{
	uint8_t req = _i ? 128 : 8, reply = _i ? 129 : 0, other = _i ? 8 : 128;
	const uint8_t bad[][HDR] = {{reply}, {other}, {13}, {req, 1}, {_i ? 135 : 5}};
	struct mr_sockaddr to = rig_peer(&rig, _i, 0), name;
	struct mr_ep *ep = make(_i);

	for (unsigned i = 0; i < RTE_DIM(bad); i++)
		ck_assert_int_eq(mr_ep_sendto(ep, bad[i], HDR, &to), -EINVAL);
	for (unsigned len = 0; len < HDR; len++)
		ck_assert_int_eq(mr_ep_sendto(ep, (const uint8_t[HDR]){req}, len, &to), -EINVAL);
	ck_assert_int_eq(mr_ep_local_name(ep, &name), -ENOTCONN);
	rig_expect_none(&rig);
	rig_expect_no_drop(&rig);
	mr_ep_close(ep);
}
END_TEST

START_TEST(send_errors)
{
	struct mr_sockaddr to = rig_peer(&rig, _i, 0), other = rig_peer(&rig, !_i, 0);
	struct mr_ep *ep = make(_i);

	ck_assert_int_eq(request(ep, _i, 1, 4, NULL), -EDESTADDRREQ);
	ck_assert_int_eq(request(ep, _i, 1, 4, &other), -EINVAL); /* no echo crosses families */
	ck_assert_int_eq(mr_ep_connect(ep, &other), -EINVAL);
	to.addr = rig_addr(_i ? "2001:db8::1" : "192.0.2.1");
	ck_assert_int_eq(request(ep, _i, 1, 4, &to), -EHOSTUNREACH);
	ck_assert_int_eq(mr_ep_connect(ep, &to), -EHOSTUNREACH);
	to = rig_peer(&rig, _i, 0);
	ck_assert_int_eq(request(ep, _i, 1, 1500, &to), -EMSGSIZE);
	if (!_i) {
		to.addr = rig_addr("10.0.0.255");
		ck_assert_int_eq(request(ep, false, 1, 4, &to), -EACCES);
		ck_assert_int_eq(mr_ep_setopt(ep, MR_OPT_BROADCAST, 1), 0);
		ck_assert_int_eq(request(ep, false, 1, 4, &to), HDR + 4);
		rig_expect_icmp(&rig, false, 8, 0);
	}
	ck_assert_int_eq(mr_ep_listen(ep, 1), -EOPNOTSUPP);
	rig_expect_none(&rig);
	mr_ep_close(ep);
}
END_TEST

START_TEST(send_mbuf)
{
	struct mr_sockaddr to = rig_peer(&rig, _i, 0);
	struct mr_ep *ep = bound(_i, 9);
	struct rte_mbuf *m = rte_pktmbuf_alloc(rig.stack->tx_pool), *more = rte_pktmbuf_alloc(rig.stack->tx_pool);
	uint8_t *h = (uint8_t *)rte_pktmbuf_append(m, 3);

	/* The header may lie across segments. */
	memcpy(h, (const uint8_t[]){_i ? 128 : 8, 0, 0}, 3);
	memset(rte_pktmbuf_append(more, 6), 7, 6);
	ck_assert_int_eq(rte_pktmbuf_chain(m, more), 0);
	ck_assert_int_eq(mr_ep_send_mbuf(ep, m, &to), 9);
	ck_assert_uint_eq(rig_expect_icmp(&rig, _i, _i ? 128 : 8, 0)->id, 9);
	m = rte_pktmbuf_alloc(rig.stack->tx_pool);
	memset(rte_pktmbuf_append(m, 20), 0xff, 20);
	ck_assert_int_eq(mr_ep_send_mbuf(ep, m, &to), -EINVAL);
	rig_expect_none(&rig);
	mr_ep_close(ep);
}
END_TEST

START_TEST(options)
{
	struct mr_ep *ep = connected(_i, 9);
	const struct rig_frame *f;
	int64_t v;

	ck_assert_int_eq(mr_ep_setopt(ep, MR_OPT_TTL, 3), 0);
	ck_assert_int_eq(mr_ep_setopt(ep, MR_OPT_TOS, 0x28), 0);
	ck_assert_int_eq(request(ep, _i, 1, 4, NULL), HDR + 4);
	f = rig_expect_icmp(&rig, _i, _i ? 128 : 8, 0);
	ck_assert_uint_eq(f->ttl, 3);
	ck_assert_uint_eq(f->tos, 0x28);
	ck_assert_int_eq(mr_ep_setopt(ep, MR_OPT_TTL, 0), -EINVAL);
	ck_assert_int_eq(mr_ep_setopt(ep, MR_OPT_UDP_NO_CHECKSUM, 1), -ENOPROTOOPT);
	ck_assert_int_eq(mr_ep_setopt(ep, MR_OPT_V6ONLY, 0), -ENOPROTOOPT);
	ck_assert_int_eq(mr_ep_getopt(ep, MR_OPT_V6ONLY, &v), -ENOPROTOOPT);
	ck_assert_int_eq(mr_transproto_setopt(rig.stack, trans(_i), MR_OPT_RCVBUF, 5000), 0);
	mr_ep_close(ep);
	ep = make(_i);
	ck_assert_int_eq(mr_ep_getopt(ep, MR_OPT_RCVBUF, &v), 0);
	ck_assert_int_eq(v, 5000);
	mr_ep_close(ep);
}
END_TEST

/* To a group: hosts answer from their own addresses. */
START_TEST(request_to_a_group)
{
	struct mr_sockaddr to = {.addr = rig_addr(_i ? "ff02::1" : "224.0.0.1"), .nic = RIG_NIC}, from;
	struct mr_ep *ep = bound(_i, 9);
	const struct rig_frame *f;
	uint8_t buf[64];

	ck_assert_int_eq(mr_ep_setopt(ep, MR_OPT_MULTICAST_LOOP, 0), 0);
	ck_assert_int_eq(request(ep, _i, 1, 4, &to), HDR + 4);
	f = rig_expect_icmp(&rig, _i, _i ? 128 : 8, 0);
	ck_assert_uint_eq(f->ttl, 1);
	push_reply(_i, 9, 1, 4);
	rig_poll(&rig);
	ck_assert_int_eq(mr_ep_recv(ep, buf, sizeof(buf), &from), HDR + 4);
	ck_assert(mr_addr_equal(&from.addr, _i ? &rig.peer6 : &rig.peer4));
	mr_ep_close(ep);
}
END_TEST

/* ---- replies */

START_TEST(receive)
{
	struct mr_ep *ep = bound(_i, 9);
	struct mr_sockaddr from;
	uint8_t buf[64];

	push_reply(_i, 9, 7, 20);
	push_reply(_i, 9, 8, 0);
	rig_poll(&rig);
	ck_assert_uint_eq(mr_ep_readiness(ep), MR_EV_IN | MR_EV_OUT);
	ck_assert_int_eq(mr_ep_peek(ep, buf, sizeof(buf), NULL), HDR + 20);
	ck_assert_int_eq(mr_ep_recv(ep, buf, sizeof(buf), &from), HDR + 20);
	ck_assert_uint_eq(buf[0], _i ? 129 : 0);
	ck_assert_mem_eq(buf + 4, "\0\x09\0\x07", 4);
	ck_assert_uint_eq(rig_pattern_check(buf + HDR, 0, 20), 20);
	ck_assert(mr_addr_equal(&from.addr, _i ? &rig.peer6 : &rig.peer4));
	ck_assert_uint_eq(from.port, 0);
	ck_assert_uint_eq(from.nic, RIG_NIC);
	ck_assert_int_eq(mr_ep_recv(ep, buf, sizeof(buf), &from), HDR);
	ck_assert_int_eq(mr_ep_recv(ep, buf, sizeof(buf), &from), -EAGAIN);
	ck_assert_uint_eq(rig_moved(&rig, MR_CNT_PING_RX_REPLIES), 2);
	rig_expect_no_drop(&rig);
	mr_ep_close(ep);
}
END_TEST

START_TEST(receive_chains)
{
	static const uint16_t segs[] = {1, 2, 39, 41, 58, 100};
	struct mr_ep *ep = bound(_i % 2, 9);
	struct rte_mbuf *m;
	uint8_t buf[300];

	rig.rx_seg_bytes = segs[_i / 2];
	push_reply(_i % 2, 9, 7, 150);
	push_reply(_i % 2, 9, 8, 150);
	rig_poll(&rig);
	ck_assert_int_eq(mr_ep_recv(ep, buf, sizeof(buf), NULL), HDR + 150);
	ck_assert_uint_eq(rig_pattern_check(buf + HDR, 0, 150), 150);
	ck_assert_int_eq(mr_ep_recv_mbuf(ep, &m, NULL), HDR + 150);
	ck_assert_uint_eq(m->pkt_len, HDR + 150);
	ck_assert_uint_eq(rig.stack->rx_held, 0);
	rte_pktmbuf_free(m);
	rig_expect_no_drop(&rig);
	mr_ep_close(ep);
}
END_TEST

/* A reply is for the endpoint of its identifier, and for no other type of endpoint (SS-14). */
START_TEST(by_identifier)
{
	struct mr_ep *a = bound(_i, 9), *b = bound(_i, 10), *udp;
	uint8_t buf[64];

	ck_assert_int_eq(mr_ep_create(rig.stack, MR_TRANS_UDP, MR_NET_IPV6, &udp), 0);
	ck_assert_int_eq(mr_ep_bind(udp, &(struct mr_sockaddr){.port = 10}), 0);
	push_reply(_i, 10, 1, 4);
	push_reply(_i, 11, 2, 4);
	rig_push_icmp(&rig, .ip.v6 = _i, .ip.spoil = RIG_SPOIL_L4_CKSUM, .type = _i ? 129 : 0, .id = 10);
	rig_push_icmp(&rig, .ip.v6 = _i, .echo = true, .id = 9); /* a request is answered, not delivered */
	rig_poll(&rig);
	ck_assert_uint_eq(rig_moved(&rig, MR_DROP_ICMP_IGNORED), 1);
	ck_assert_uint_eq(rig_moved(&rig, MR_DROP_ICMP_BAD_CKSUM), 1);
	ck_assert_int_eq(mr_ep_recv(a, buf, sizeof(buf), NULL), -EAGAIN);
	ck_assert_int_eq(mr_ep_recv(b, buf, sizeof(buf), NULL), HDR + 4);
	ck_assert_int_eq(mr_ep_recv(b, buf, sizeof(buf), NULL), -EAGAIN);
	ck_assert_int_eq(mr_ep_recv(udp, buf, sizeof(buf), NULL), -EAGAIN);
	rig_expect_icmp(&rig, _i, _i ? 129 : 0, 0);
	rig_expect_none(&rig);
	mr_ep_close(a);
	mr_ep_close(b);
	mr_ep_close(udp);
}
END_TEST

/* The families are two protocols: one number, two endpoints. */
START_TEST(families_are_apart)
{
	struct mr_ep *v4 = bound(false, 9), *v6 = bound(true, 9);
	uint8_t buf[64];

	push_reply(true, 9, 1, 4);
	rig_poll(&rig);
	ck_assert_int_eq(mr_ep_recv(v4, buf, sizeof(buf), NULL), -EAGAIN);
	ck_assert_int_eq(mr_ep_recv(v6, buf, sizeof(buf), NULL), HDR + 4);
	mr_ep_close(v4);
	mr_ep_close(v6);
}
END_TEST

/* ICMP over IPv6, and ICMPv6 over IPv4, are protocols that nobody here speaks. */
START_TEST(other_familys_number)
{
	struct mr_ep *ep = bound(_i, 9);

	rig_push_ip(&rig, _i ? "\x81\0\0\0\0\x09\0\x01" : "\0\0\0\0\0\x09\0\x01", 8, .v6 = !_i, .proto = trans(_i));
	rig_expect_drop(&rig, MR_DROP_TRANS_UNKNOWN_PROTO);
	rig_expect_icmp(&rig, !_i, _i ? 3 : 4, _i ? 2 : 1);
	ck_assert_uint_eq(mr_ep_readiness(ep), MR_EV_OUT);
	mr_ep_close(ep);
}
END_TEST

/* A reply to a group is nobody's answer. */
START_TEST(reply_to_a_group)
{
	struct mr_ep *ep = bound(_i, 9);

	rig_push_icmp(&rig, .ip.v6 = _i, .ip.dst = rig_addr(_i ? "ff02::1" : "10.0.0.255"), .type = _i ? 129 : 0, .id = 9);
	rig_expect_drop(&rig, MR_DROP_ICMP_IGNORED);
	ck_assert_uint_eq(mr_ep_readiness(ep), MR_EV_OUT);
	mr_ep_close(ep);
}
END_TEST

START_TEST(connected_hears_its_peer)
{
	struct mr_ep *ep = connected(_i, 9);
	struct mr_sockaddr peer = rig_peer(&rig, _i, 0), name;
	uint8_t buf[64];

	ck_assert_int_eq(mr_ep_remote_name(ep, &name), 0);
	ck_assert(mr_addr_equal(&name.addr, &peer.addr));
	ck_assert_uint_eq(name.port, 0);
	rig_push_icmp(&rig, .ip.src = rig_addr(_i ? "fd00::77" : "10.0.0.77"), .type = _i ? 129 : 0, .id = 9);
	rig_expect_drop(&rig, MR_DROP_ICMP_IGNORED);
	push_reply(_i, 9, 1, 0);
	rig_poll(&rig);
	ck_assert_int_eq(mr_ep_recv(ep, buf, sizeof(buf), NULL), HDR);
	/* Connecting to nowhere lets it hear everybody again. */
	ck_assert_int_eq(mr_ep_connect(ep, &(struct mr_sockaddr){.port = 5}), 0);
	ck_assert_int_eq(mr_ep_remote_name(ep, &name), -ENOTCONN);
	rig_push_icmp(&rig, .ip.src = rig_addr(_i ? "fd00::77" : "10.0.0.77"), .type = _i ? 129 : 0, .id = 9);
	rig_poll(&rig);
	ck_assert_int_eq(mr_ep_recv(ep, buf, sizeof(buf), NULL), HDR);
	mr_ep_close(ep);
}
END_TEST

/* A request to ourselves is answered by ourselves; nothing is on the wire. */
START_TEST(ping_ourselves)
{
	struct mr_sockaddr to = rig_local(&rig, _i, 0), from;
	struct mr_ep *ep = make(_i);
	uint8_t buf[64];

	ck_assert_int_eq(request(ep, _i, 3, 20, &to), HDR + 20);
	rig_expect_none(&rig);
	ck_assert_int_eq(mr_ep_recv(ep, buf, sizeof(buf), &from), HDR + 20);
	ck_assert_uint_eq(buf[0], _i ? 129 : 0);
	ck_assert_uint_eq(buf[4] << 8 | buf[5], id_of(ep));
	ck_assert_uint_eq(rig_pattern_check(buf + HDR, 0, 20), 20);
	ck_assert(mr_addr_equal(&from.addr, &to.addr));
	rig_expect_no_drop(&rig);
	mr_ep_close(ep);
}
END_TEST

/* B-44: bounded in bytes and in packets, and freed again. */
START_TEST(receive_buffer)
{
	struct mr_ep *ep = bound(_i, 9), *udp;
	uint8_t buf[64];

	ck_assert_int_eq(mr_ep_setopt(ep, MR_OPT_RCVBUF, 2 * (HDR + 10 + 256)), 0);
	for (uint16_t i = 0; i < 5; i++)
		push_reply(_i, 9, i, 10);
	rig_expect_drops(&rig, MR_DROP_PING_QUEUE_FULL, 3);
	ck_assert_uint_eq(rig.stack->rx_held, 2);
	ck_assert_int_eq(mr_ep_recv(ep, buf, sizeof(buf), NULL), HDR + 10);
	ck_assert_uint_eq(buf[7], 0); /* the oldest is kept */
	rig_mark(&rig);
	ck_assert_int_eq(mr_ep_create(rig.stack, MR_TRANS_UDP, MR_NET_IPV4, &udp), 0);
	ck_assert_int_eq(mr_ep_bind(udp, &(struct mr_sockaddr){.port = 7}), 0);
	rig.stack->rx_held_max = 2;
	rig_push_udp(&rig, .dport = 7);
	push_reply(_i, 9, 6, 1);
	rig_expect_drop(&rig, MR_DROP_PING_NO_MEMORY);
	mr_ep_close(ep);
	mr_ep_close(udp);
	ck_assert_uint_eq(rig.stack->rx_held, 0);
}
END_TEST

static unsigned told;
static uint32_t told_events;

static void
on_event(struct mr_ep *ep, uint32_t events, void *arg)
{
	(void)ep;
	(void)arg;
	told++;
	told_events |= events;
}

START_TEST(events)
{
	struct mr_waiter w = {.mask = MR_EV_IN | MR_EV_ERR, .fn = on_event};
	struct mr_ep *ep = connected(_i, 9);
	uint8_t buf[64];

	told = told_events = 0;
	mr_ep_wait(ep, &w);
	push_reply(_i, 9, 1, 0);
	push_reply(_i, 9, 2, 0);
	rig_poll(&rig);
	ck_assert_uint_eq(told, 1);
	ck_assert_uint_eq(told_events, MR_EV_IN);
	ck_assert_int_eq(mr_ep_shutdown(ep, MR_SHUT_RD | MR_SHUT_WR), 0);
	ck_assert_int_eq(request(ep, _i, 1, 1, NULL), -EPIPE);
	ck_assert_int_eq(mr_ep_recv(ep, buf, sizeof(buf), NULL), HDR);
	ck_assert_int_eq(mr_ep_recv(ep, buf, sizeof(buf), NULL), HDR);
	ck_assert_int_eq(mr_ep_recv(ep, buf, sizeof(buf), NULL), 0); /* the end */
	ck_assert_uint_eq(mr_ep_readiness(ep), MR_EV_IN);
	push_reply(_i, 9, 3, 0);
	rig_expect_drop(&rig, MR_DROP_PING_QUEUE_FULL);
	mr_ep_close(ep);
}
END_TEST

/* ---- errors */

static const struct error_case {
	bool v6;
	uint8_t type, code;
	int err;
} error_cases[] = {
	{false, 3, 0, -ENETUNREACH}, {false, 3, 1, -EHOSTUNREACH}, {false, 3, 2, -ECONNREFUSED},
	{false, 3, 3, -ECONNREFUSED}, {false, 3, 13, -EHOSTUNREACH}, {false, 11, 0, -EHOSTUNREACH}, {false, 12, 0, -EPROTO},
	{true, 1, 0, -ENETUNREACH}, {true, 1, 1, -EHOSTUNREACH}, {true, 1, 3, -EHOSTUNREACH}, {true, 1, 4, -ECONNREFUSED},
	{true, 3, 0, -EHOSTUNREACH}, {true, 4, 0, -EPROTO}, {true, 4, 1, -ECONNREFUSED},
};

/* The request that the endpoint sent, as a router quotes it. */
static void
push_error(const struct error_case *c, const struct rig_frame *f)
{
	rig_push_icmp(&rig, .ip.src = rig_addr(c->v6 ? "fd00::99" : "10.0.0.99"), .type = c->type, .code = c->code,
	              .data = f->b + ETH, .len = f->len - ETH);
}

/* IC-04, IC-10, I6-07: connected or not, the endpoint of the quoted identifier is told. */
START_TEST(errors_reach_the_endpoint)
{
	const struct error_case *c = &error_cases[_i / 2];
	struct mr_ep *ep = _i % 2 ? connected(c->v6, 9) : bound(c->v6, 9), *other = bound(c->v6, 10);
	struct mr_sockaddr to = rig_peer(&rig, c->v6, 0);

	ck_assert_int_eq(request(ep, c->v6, 1, 10, _i % 2 ? NULL : &to), HDR + 10);
	push_error(c, rig_expect_icmp(&rig, c->v6, c->v6 ? 128 : 8, 0));
	rig_poll(&rig);
	ck_assert_uint_eq(rig_moved(&rig, MR_CNT_ICMP_RX_ERRORS), 1);
	ck_assert_uint_eq(mr_ep_readiness(ep), MR_EV_OUT | MR_EV_ERR);
	ck_assert_int_eq(mr_ep_error(ep), c->err);
	ck_assert_int_eq(mr_ep_error(ep), 0);
	ck_assert_int_eq(mr_ep_error(other), 0);
	rig_expect_no_drop(&rig);
	mr_ep_close(ep);
	mr_ep_close(other);
}
END_TEST

/* What is quoted must be a request, of an identifier of ours, to the peer if there is one. */
START_TEST(errors_about_others)
{
	static const struct error_case unreach[] = {{false, 3, 1, 0}, {true, 1, 3, 0}};
	struct mr_ep *ep = connected(_i, 9);
	uint8_t quote[128];
	const struct rig_frame *f;
	uint32_t ip = _i ? 40 : 20;

	ck_assert_int_eq(request(ep, _i, 1, 10, NULL), HDR + 10);
	f = rig_expect_icmp(&rig, _i, _i ? 128 : 8, 0);
	for (int lie = 0; lie < 4; lie++) {
		memcpy(quote, f->b + ETH, f->len - ETH);
		if (lie == 0)
			quote[ip] = _i ? 129 : 0;      /* a reply */
		else if (lie == 1)
			quote[ip + 1] = 1;             /* no such code */
		else if (lie == 2)
			quote[ip + 5] ^= 1;            /* another identifier */
		else
			quote[ip - 1] ^= 0x40;         /* another destination */
		if (!_i && lie == 3) {             /* the header's own checksum must still be right */
			uint16_t sum = (uint16_t)(quote[10] << 8 | quote[11]);

			sum += (uint16_t)((f->b[ETH + 19] - quote[19]));
			quote[10] = (uint8_t)(sum >> 8);
			quote[11] = (uint8_t)sum;
		}
		rig_push_icmp(&rig, .ip.v6 = _i, .type = unreach[_i].type, .code = unreach[_i].code, .data = quote,
		              .len = f->len - ETH);
		rig_expect_drops(&rig, MR_DROP_ICMP_IGNORED, lie + 1);
	}
	ck_assert_int_eq(mr_ep_error(ep), 0);
	mr_ep_close(ep);
}
END_TEST

/* PTB: the connected endpoint learns, over IPv6 alone. */
START_TEST(packet_too_big)
{
	struct mr_ep *ep = connected(true, 9);
	const struct rig_frame *f;

	ck_assert_int_eq(request(ep, true, 1, 1400, NULL), HDR + 1400);
	f = rig_expect_icmp(&rig, true, 128, 0);
	rig_push_icmp(&rig, .ip.v6 = true, .type = 2, .rest = 1300, .data = f->b + ETH, .len = 1000);
	rig_poll(&rig);
	ck_assert_int_eq(request(ep, true, 1, 1253, NULL), -EMSGSIZE); /* the error, once */
	ck_assert_int_eq(request(ep, true, 1, 1253, NULL), -EMSGSIZE);
	ck_assert_int_eq(request(ep, true, 1, 1252, NULL), HDR + 1252);
	rig_expect_icmp(&rig, true, 128, 0);
	mr_ep_close(ep);
}
END_TEST

START_TEST(silent_neighbour)
{
	struct mr_sockaddr to;
	struct mr_ep *ep;

	rig_fini(&rig);
	rig_init(&rig, &(struct rig_opts){.no_neigh = true});
	to = rig_peer(&rig, _i, 0);
	ep = bound(_i, 9);
	ck_assert_int_eq(request(ep, _i, 1, 4, &to), HDR + 4);
	rig_advance(&rig, 10 * RIG_S);
	rig_discard(&rig);
	ck_assert_int_eq(mr_ep_error(ep), -EHOSTUNREACH);
	mr_ep_close(ep);
}
END_TEST

static Suite *
suite(void)
{
	Suite *s = suite_create("ping");
	TCase *tc = rig_case(s, "ping", rig_setup, rig_teardown);

	tcase_add_test(tc, request_bytes);
	tcase_add_loop_test(tc, request_sizes, 0, 2);
	tcase_add_loop_test(tc, not_a_request, 0, 2);
	tcase_add_loop_test(tc, send_errors, 0, 2);
	tcase_add_loop_test(tc, send_mbuf, 0, 2);
	tcase_add_loop_test(tc, options, 0, 2);
	tcase_add_loop_test(tc, request_to_a_group, 0, 2);
	tcase_add_loop_test(tc, receive, 0, 2);
	tcase_add_loop_test(tc, receive_chains, 0, 12);
	tcase_add_loop_test(tc, by_identifier, 0, 2);
	tcase_add_test(tc, families_are_apart);
	tcase_add_loop_test(tc, other_familys_number, 0, 2);
	tcase_add_loop_test(tc, reply_to_a_group, 0, 2);
	tcase_add_loop_test(tc, connected_hears_its_peer, 0, 2);
	tcase_add_loop_test(tc, ping_ourselves, 0, 2);
	tcase_add_loop_test(tc, receive_buffer, 0, 2);
	tcase_add_loop_test(tc, events, 0, 2);
	tcase_add_loop_test(tc, errors_reach_the_endpoint, 0, 2 * (int)RTE_DIM(error_cases));
	tcase_add_loop_test(tc, errors_about_others, 0, 2);
	tcase_add_test(tc, packet_too_big);
	tcase_add_loop_test(tc, silent_neighbour, 0, 2);
	return s;
}

RIG_MAIN(suite)
