/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Options of TCP, at the protocol and at endpoints (S-55, S-56): ranges, defaults, what is copied at creation (SS-17), what
 * is asked at the SYN, and that a refused value changes nothing.
 */
#include "rig/fixture.h"

#include <errno.h>
#include <string.h>

static struct mr_ep *
tcp_ep(uint16_t net)
{
	struct mr_ep *ep;

	ck_assert_int_eq(mr_ep_create(rig.stack, MR_TRANS_TCP, net, &ep), 0);
	return ep;
}

static int
proto_set(int opt, int64_t v)
{
	return mr_transproto_setopt(rig.stack, MR_TRANS_TCP, opt, v);
}

static int64_t
proto_get(int opt)
{
	int64_t v = -12345;

	ck_assert_int_eq(mr_transproto_getopt(rig.stack, MR_TRANS_TCP, opt, &v), 0);
	return v;
}

static int64_t
ep_get(struct mr_ep *ep, int opt)
{
	int64_t v = -12345;

	ck_assert_int_eq(mr_ep_getopt(ep, opt, &v), 0);
	return v;
}

/* ---- every option: default, what it takes, what it refuses */

struct opt_case {
	int opt;
	int64_t def;
	int64_t good[3];
	int64_t bad[3];  /* while it has the default */
	bool no_bad;
};

#define MS 1000000ll
#define S 1000000000ll
#define MAX32_MS (4294967295ll * MS)
#define MAX31_MS (2147483647ll * MS)
#define SWITCH(opt, def) {opt, def, {1, 0, 1}, .no_bad = true}

static const struct opt_case proto_cases[] = {
	{MR_OPT_TCP_TIMEWAIT_NS, 60 * S, {0, S, MAX31_MS}, {-1, MAX31_MS + 1, INT64_MIN}},
	{MR_OPT_TCP_FINWAIT2_NS, 60 * S, {0, S, MAX31_MS}, {-1, MAX31_MS + 1, INT64_MAX}},
	{MR_OPT_TCP_MIN_RTO_NS, 200 * MS, {MS, S, 120 * S}, {0, MS - 1, 120 * S + 1}},
	{MR_OPT_TCP_DELACK_NS, 40 * MS, {0, MS, 500 * MS - 1}, {-1, 500 * MS, INT64_MAX}}, /* MUST-40 */
	{MR_OPT_TCP_INIT_CWND, 10, {1, 3, 1000}, {0, -1, 1001}},
	{MR_OPT_TCP_MAXSEG, 0, {48, 1000, 65495}, {47, -1, 65496}},
	{MR_OPT_TCP_MTU_PROBING, MR_TCP_MTU_PROBING_BLACK_HOLES,
	 {MR_TCP_MTU_PROBING_OFF, MR_TCP_MTU_PROBING_ALWAYS, MR_TCP_MTU_PROBING_BLACK_HOLES}, {-1, 3, 1ll << 32}},
	{MR_OPT_TCP_BASE_MSS, 1024, {48, 1220, 65495}, {47, -1, 65496}},
	{MR_OPT_TCP_MTU_PROBE_NS, 600 * S, {300 * S, 600 * S, MAX31_MS}, {0, 300 * S - 1, MAX31_MS + 1}}, /* PM-04 */
	{MR_OPT_SNDBUF, 512 << 10, {2048, 1 << 20, 4 << 20}, {2047, (4 << 20) + 1, -1}},
	{MR_OPT_RCVBUF, 512 << 10, {2048, 1 << 20, 6 << 20}, {2047, (6 << 20) + 1, 1ll << 33}},
	{MR_OPT_SNDBUF_MIN, 2048, {1, 4096, 512 << 10}, {0, -1, (512 << 10) + 1}},
	{MR_OPT_RCVBUF_MIN, 2048, {1, 4096, 512 << 10}, {0, -1, (512 << 10) + 1}},
	{MR_OPT_SNDBUF_MAX, 4 << 20, {512 << 10, 1 << 20, 1 << 30}, {0, (512 << 10) - 1, (1 << 30) + 1}},
	{MR_OPT_RCVBUF_MAX, 6 << 20, {512 << 10, 1 << 20, 1 << 30}, {0, (512 << 10) - 1, 1ll << 33}},
	{MR_OPT_TCP_CC, 0, {0, 0, 0}, {-1, 1000, 1ll << 32}},
	{MR_OPT_TCP_SYNCOOKIES, MR_TCP_SYNCOOKIES_PRESSED,
	 {MR_TCP_SYNCOOKIES_NEVER, MR_TCP_SYNCOOKIES_ALWAYS, MR_TCP_SYNCOOKIES_PRESSED}, {-1, 3, 1ll << 32}},
	{MR_OPT_TCP_SYN_BACKLOG, 32, {1, 100, UINT32_MAX}, {0, -1, 1ll << 32}},
	{MR_OPT_TCP_ECN, MR_TCP_ECN_ACCEPT, {MR_TCP_ECN_OFF, MR_TCP_ECN_ASK, MR_TCP_ECN_ACCEPT}, {-1, 3, 1ll << 32}},
	SWITCH(MR_OPT_TCP_WSCALE, 1),
	SWITCH(MR_OPT_TCP_TIMESTAMPS, 1),
	SWITCH(MR_OPT_TCP_SACK, 1),
};

static const struct opt_case ep_cases[] = {
	{MR_OPT_SNDBUF, 512 << 10, {2048, 1 << 20, 4 << 20}, {2047, (4 << 20) + 1, -1}},
	{MR_OPT_RCVBUF, 512 << 10, {2048, 1 << 20, 6 << 20}, {2047, (6 << 20) + 1, 1ll << 33}},
	{MR_OPT_TTL, 0, {1, 64, 255}, {0, -1, 256}},
	{MR_OPT_TOS, 0, {0, 4, 252}, {-1, 256, 1ll << 32}},
	{MR_OPT_BINDNIC, 0, {0, RIG_NIC, RIG_NIC}, {-1, 2, 65536 + RIG_NIC}},
	{MR_OPT_LINGER_NS, -1, {0, 5 * S, -1}, {MAX32_MS + 1, INT64_MAX, INT64_MAX}},
	{MR_OPT_TCP_DEFER_ACCEPT_NS, 0, {S, 31 * S, 3 * S}, {-1, 31 * S + 1, INT64_MAX}},
	{MR_OPT_TCP_MAXSEG, 0, {48, 1000, 65495}, {47, -1, 65496}},
	{MR_OPT_TCP_KEEPIDLE_NS, 7200 * S, {MS, S, MAX32_MS}, {0, MS - 1, MAX32_MS + 1}},
	{MR_OPT_TCP_KEEPINTVL_NS, 75 * S, {MS, S, MAX32_MS}, {0, -1, MAX32_MS + 1}},
	{MR_OPT_TCP_KEEPCNT, 9, {1, 5, 127}, {0, -1, 128}},
	{MR_OPT_TCP_USER_TIMEOUT_NS, 0, {0, S, MAX32_MS}, {-1, MAX32_MS + 1, INT64_MAX}},
	{MR_OPT_TCP_FASTOPEN, 0, {1, 65535, 0}, {-1, 65536, 1ll << 32}},
	{MR_OPT_TCP_CC, 0, {0, 0, 0}, {-1, 1000, 1ll << 32}},
	{MR_OPT_TCP_ECN, MR_TCP_ECN_ACCEPT, {MR_TCP_ECN_OFF, MR_TCP_ECN_ASK, MR_TCP_ECN_ACCEPT}, {-1, 3, 1ll << 32}},
	{MR_OPT_TCP_WINDOW_CLAMP, 1 << 30, {48, 65535, 1 << 30}, {47, -1, (1ll << 30) + 1}},
	SWITCH(MR_OPT_REUSEADDR, 0),
	SWITCH(MR_OPT_REUSEPORT, 0),
	SWITCH(MR_OPT_V6ONLY, 0),
	SWITCH(MR_OPT_TCP_NODELAY, 0),
	SWITCH(MR_OPT_TCP_CORK, 0),
	SWITCH(MR_OPT_TCP_QUICKACK, 0),
	SWITCH(MR_OPT_TCP_KEEPALIVE, 0),
	SWITCH(MR_OPT_TCP_BIND_NO_PORT, 0),
	SWITCH(MR_OPT_TCP_WSCALE, 1),
	SWITCH(MR_OPT_TCP_TIMESTAMPS, 1),
	SWITCH(MR_OPT_TCP_SACK, 1),
};

/* S-53..S-56 at the protocol. */
START_TEST(protocol_option)
{
	const struct opt_case *o = &proto_cases[_i];

	ck_assert_int_eq(proto_get(o->opt), o->def);
	for (unsigned i = 0; i < 3; i++) {
		ck_assert_int_eq(proto_set(o->opt, o->good[i]), 0);
		ck_assert_int_eq(proto_get(o->opt), o->good[i]);
	}
}
END_TEST

START_TEST(protocol_option_refused)
{
	const struct opt_case *o = &proto_cases[_i];

	for (unsigned k = 0; k < 3 && !o->no_bad; k++) {
		ck_assert_int_eq(proto_set(o->opt, o->bad[k]), -EINVAL);
		ck_assert_int_eq(proto_get(o->opt), o->def);
	}
}
END_TEST

START_TEST(endpoint_option)
{
	const struct opt_case *o = &ep_cases[_i];
	struct mr_ep *ep = tcp_ep(MR_NET_IPV6);

	ck_assert_int_eq(ep_get(ep, o->opt), o->def);
	for (unsigned i = 0; i < 3; i++) {
		ck_assert_int_eq(mr_ep_setopt(ep, o->opt, o->good[i]), 0);
		ck_assert_int_eq(ep_get(ep, o->opt), o->good[i]);
		for (unsigned k = 0; k < 3 && !o->no_bad; k++) {
			ck_assert_int_eq(mr_ep_setopt(ep, o->opt, o->bad[k]), -EINVAL);
			ck_assert_int_eq(ep_get(ep, o->opt), o->good[i]);
		}
	}
	mr_ep_close(ep);
}
END_TEST

/* Any number but 0 is "on". */
START_TEST(switches_read_as_one)
{
	struct mr_ep *ep = tcp_ep(MR_NET_IPV4);

	ck_assert_int_eq(mr_ep_setopt(ep, MR_OPT_TCP_NODELAY, 1ll << 40), 0);
	ck_assert_int_eq(ep_get(ep, MR_OPT_TCP_NODELAY), 1);
	ck_assert_int_eq(proto_set(MR_OPT_TCP_WSCALE, -7), 0);
	ck_assert_int_eq(proto_get(MR_OPT_TCP_WSCALE), 1);
	/* The ECN bits are the connection's own. */
	ck_assert_int_eq(mr_ep_setopt(ep, MR_OPT_TOS, 0xff), 0);
	ck_assert_int_eq(ep_get(ep, MR_OPT_TOS), 0xfc);
	mr_ep_close(ep);
}
END_TEST

static const int not_of_endpoints[] = {
	MR_OPT_BROADCAST, MR_OPT_MULTICAST_TTL, MR_OPT_MULTICAST_LOOP, MR_OPT_UDP_NO_CHECKSUM, MR_OPT_ICMP_ERR_RATE,
	MR_OPT_DEFAULT_TTL, MR_OPT_TCP_TIMEWAIT_NS, MR_OPT_TCP_FINWAIT2_NS, MR_OPT_TCP_MIN_RTO_NS, MR_OPT_TCP_DELACK_NS,
	MR_OPT_TCP_INIT_CWND, MR_OPT_TCP_MTU_PROBING, MR_OPT_TCP_BASE_MSS, MR_OPT_TCP_MTU_PROBE_NS, MR_OPT_TCP_SYNCOOKIES, MR_OPT_TCP_SYN_BACKLOG, MR_OPT_SNDBUF_MIN, MR_OPT_SNDBUF_MAX, MR_OPT_RCVBUF_MIN, MR_OPT_RCVBUF_MAX, 0, -1, 9999,
};
static const int not_of_the_protocol[] = {
	MR_OPT_REUSEADDR, MR_OPT_REUSEPORT, MR_OPT_V6ONLY, MR_OPT_TTL, MR_OPT_TOS, MR_OPT_BROADCAST, MR_OPT_BINDNIC,
	MR_OPT_MULTICAST_TTL, MR_OPT_LINGER_NS, MR_OPT_TCP_NODELAY, MR_OPT_TCP_CORK, MR_OPT_TCP_QUICKACK,
	MR_OPT_TCP_BIND_NO_PORT, MR_OPT_TCP_DEFER_ACCEPT_NS, MR_OPT_TCP_FASTOPEN, MR_OPT_TCP_KEEPALIVE, MR_OPT_TCP_KEEPIDLE_NS, MR_OPT_TCP_KEEPINTVL_NS,
	MR_OPT_TCP_KEEPCNT,
	MR_OPT_TCP_USER_TIMEOUT_NS, MR_OPT_TCP_STATE, MR_OPT_TCP_WINDOW_CLAMP, MR_OPT_TCP_URGENT, MR_OPT_ICMP_ERR_RATE, MR_OPT_UDP_NO_CHECKSUM, MR_OPT_DEFAULT_TTL, 0,
	-1, 9999,
};

START_TEST(options_of_others)
{
	struct mr_ep *ep = tcp_ep(MR_NET_IPV4);
	int64_t v = 77;

	for (unsigned i = 0; i < RTE_DIM(not_of_endpoints); i++) {
		ck_assert_int_eq(mr_ep_setopt(ep, not_of_endpoints[i], 1), -ENOPROTOOPT);
		ck_assert_int_eq(mr_ep_getopt(ep, not_of_endpoints[i], &v), -ENOPROTOOPT);
	}
	for (unsigned i = 0; i < RTE_DIM(not_of_the_protocol); i++) {
		ck_assert_int_eq(proto_set(not_of_the_protocol[i], 1), -ENOPROTOOPT);
		ck_assert_int_eq(mr_transproto_getopt(rig.stack, MR_TRANS_TCP, not_of_the_protocol[i], &v), -ENOPROTOOPT);
	}
	/* Read only. */
	ck_assert_int_eq(ep_get(ep, MR_OPT_TCP_STATE), MR_TCP_CLOSED);
	ck_assert_int_eq(mr_ep_setopt(ep, MR_OPT_TCP_STATE, MR_TCP_ESTABLISHED), -ENOPROTOOPT);
	ck_assert_int_eq(ep_get(ep, MR_OPT_TCP_URGENT), 0);
	ck_assert_int_eq(mr_ep_setopt(ep, MR_OPT_TCP_URGENT, 1), -ENOPROTOOPT);
	/* A protocol that is not there. */
	ck_assert_int_eq(mr_transproto_setopt(rig.stack, 200, MR_OPT_RCVBUF, 4096), -EPROTONOSUPPORT);
	ck_assert_int_eq(mr_transproto_getopt(rig.stack, 200, MR_OPT_RCVBUF, &v), -EPROTONOSUPPORT);
	ck_assert_int_eq(v, 77);
	mr_ep_close(ep);
}
END_TEST

/* Between the two tables and the lists above, no option is forgotten. */
START_TEST(every_option_is_in_a_table)
{
	struct mr_ep *ep = tcp_ep(MR_NET_IPV4);
	int64_t v;

	for (int opt = -2; opt < 200; opt++) {
		bool in_ep = opt == MR_OPT_TCP_STATE || opt == MR_OPT_TCP_URGENT, in_proto = false;

		for (unsigned i = 0; i < RTE_DIM(ep_cases); i++)
			in_ep |= ep_cases[i].opt == opt;
		for (unsigned i = 0; i < RTE_DIM(proto_cases); i++)
			in_proto |= proto_cases[i].opt == opt;
		ck_assert_msg(in_ep == (mr_ep_getopt(ep, opt, &v) == 0), "endpoint, %d", opt);
		ck_assert_msg(in_proto == (mr_transproto_getopt(rig.stack, MR_TRANS_TCP, opt, &v) == 0), "protocol, %d", opt);
	}
	mr_ep_close(ep);
}
END_TEST

/* ---- buffers */

/* B-17: 0 < min <= default <= max whatever is set in which order, and endpoints keep within. */
START_TEST(buffer_ranges)
{
	int def = _i ? MR_OPT_RCVBUF : MR_OPT_SNDBUF, min = _i ? MR_OPT_RCVBUF_MIN : MR_OPT_SNDBUF_MIN;
	int max = _i ? MR_OPT_RCVBUF_MAX : MR_OPT_SNDBUF_MAX, other = _i ? MR_OPT_SNDBUF_MAX : MR_OPT_RCVBUF_MAX;
	struct mr_ep *ep = tcp_ep(MR_NET_IPV4);

	ck_assert_int_eq(proto_set(def, 100000), 0);
	ck_assert_int_eq(proto_set(max, 99999), -EINVAL);
	ck_assert_int_eq(proto_set(max, 100000), 0);
	ck_assert_int_eq(proto_set(def, 100001), -EINVAL);
	ck_assert_int_eq(proto_set(min, 100001), -EINVAL);
	ck_assert_int_eq(proto_set(min, 100000), 0);
	ck_assert_int_eq(proto_set(def, 99999), -EINVAL);
	ck_assert_int_eq(proto_get(def), 100000);
	ck_assert_int_eq(proto_get(other), _i ? 4 << 20 : 6 << 20);
	ck_assert_int_eq(proto_set(max, 200000), 0);
	/* An endpoint that is there keeps what it has, and takes what is allowed now. */
	ck_assert_int_eq(ep_get(ep, def), 512 << 10);
	ck_assert_int_eq(mr_ep_setopt(ep, def, 200001), -EINVAL);
	ck_assert_int_eq(mr_ep_setopt(ep, def, 99999), -EINVAL);
	ck_assert_int_eq(mr_ep_setopt(ep, def, 200000), 0);
	mr_ep_close(ep);
}
END_TEST

/* SS-17: an endpoint has what the protocol had when it was made; an accepted one what its listener has. */
START_TEST(copied_at_creation)
{
	struct mr_ep *before = tcp_ep(MR_NET_IPV4), *after;

	ck_assert_int_eq(proto_set(MR_OPT_SNDBUF, 70000), 0);
	ck_assert_int_eq(proto_set(MR_OPT_RCVBUF, 80000), 0);
	after = tcp_ep(MR_NET_IPV4);
	ck_assert_int_eq(ep_get(before, MR_OPT_SNDBUF), 512 << 10);
	ck_assert_int_eq(ep_get(before, MR_OPT_RCVBUF), 512 << 10);
	ck_assert_int_eq(ep_get(after, MR_OPT_SNDBUF), 70000);
	ck_assert_int_eq(ep_get(after, MR_OPT_RCVBUF), 80000);
	mr_ep_close(before);
	mr_ep_close(after);
	rig_tcp_listen(&t, 4);
	ck_assert_int_eq(proto_set(MR_OPT_SNDBUF, 90000), 0);
	ck_assert_int_eq(mr_ep_setopt(t.listener, MR_OPT_RCVBUF, 20000), 0);
	ck_assert_int_eq(mr_ep_setopt(t.listener, MR_OPT_TCP_NODELAY, 1), 0);
	ck_assert_int_eq(mr_ep_setopt(t.listener, MR_OPT_TCP_KEEPCNT, 3), 0);
	ck_assert_int_eq(mr_ep_setopt(t.listener, MR_OPT_LINGER_NS, 2 * S), 0);
	ck_assert_int_eq(mr_ep_setopt(t.listener, MR_OPT_TTL, 9), 0);
	rig_tcp_establish_passive(&t);
	ck_assert_int_eq(ep_get(t.ep, MR_OPT_SNDBUF), 70000);
	ck_assert_int_eq(ep_get(t.ep, MR_OPT_RCVBUF), 20000);
	ck_assert_int_eq(ep_get(t.ep, MR_OPT_TCP_NODELAY), 1);
	ck_assert_int_eq(ep_get(t.ep, MR_OPT_TCP_KEEPCNT), 3);
	ck_assert_int_eq(ep_get(t.ep, MR_OPT_LINGER_NS), 2 * S);
	ck_assert_int_eq(ep_get(t.ep, MR_OPT_TTL), 9);
}
END_TEST

/* The send buffer is what bounds a write, the receive buffer what bounds the window. */
START_TEST(buffers_do_something)
{
	const struct rig_frame *f;

	rig_tcp_listen(&t, 4);
	ck_assert_int_eq(mr_ep_setopt(t.listener, MR_OPT_SNDBUF, 5000), 0);
	ck_assert_int_eq(mr_ep_setopt(t.listener, MR_OPT_RCVBUF, 3000), 0);
	rig_tcp_push(&t, RIG_SYN, 0, 0, 0);
	f = rig_expect(&rig, RIG_TCP);
	ck_assert_uint_eq(f->wnd, 3000);
	t.irs = f->seq;
	rig_tcp_push(&t, RIG_ACK, 1, 1, 0);
	rig_poll(&rig);
	ck_assert_int_eq(mr_ep_accept(t.listener, &t.ep), 0);
	ck_assert_int_eq(rig_ep_send(t.ep, 0, 20000), 5000);
	rig_discard(&rig);
}
END_TEST

/* MUST-48, MUST-49, SHLD-21, SHLD-22: on every packet of a connection, from the first on; of an accepted one they are its
 * listener's. They may change on the way. */
START_TEST(ttl_and_dscp)
{
	struct mr_sockaddr to = rig_peer(&rig, false, 5000);
	const struct rig_frame *f;
	struct mr_ep *ep = tcp_ep(MR_NET_IPV4);

	rig_tcp_listen(&t, 4);
	ck_assert_int_eq(mr_ep_setopt(t.listener, MR_OPT_TTL, 255), 0);
	ck_assert_int_eq(mr_ep_setopt(t.listener, MR_OPT_TOS, 0xb8), 0);
	rig_tcp_push(&t, RIG_SYN, 0, 0, 0);
	f = rig_expect(&rig, RIG_TCP);
	ck_assert(f->ttl == 255 && f->tos == 0xb8);
	t.irs = f->seq;
	rig_tcp_push(&t, RIG_ACK, 1, 1, 0);
	rig_poll(&rig);
	ck_assert_int_eq(mr_ep_accept(t.listener, &t.ep), 0);
	rig_ep_send(t.ep, 0, 10);
	f = rig_tcp_expect(&t, RIG_ACK, 1, 1, 10);
	ck_assert(f->ttl == 255 && f->tos == 0xb8);
	rig_tcp_push(&t, RIG_ACK, 1, 11, 0);
	ck_assert_int_eq(mr_ep_setopt(t.ep, MR_OPT_TTL, 3), 0);
	ck_assert_int_eq(mr_ep_setopt(t.ep, MR_OPT_TOS, 0x28), 0);
	rig_ep_send(t.ep, 10, 10);
	f = rig_tcp_expect(&t, RIG_ACK, 11, 1, 10);
	ck_assert(f->ttl == 3 && f->tos == 0x28);
	ck_assert_int_eq(mr_ep_setopt(ep, MR_OPT_TTL, 7), 0);
	ck_assert_int_eq(mr_ep_setopt(ep, MR_OPT_TOS, 0x48), 0);
	ck_assert_int_eq(mr_ep_connect(ep, &to), -EINPROGRESS);
	f = rig_expect(&rig, RIG_TCP);
	ck_assert(f->flags == RIG_SYN && f->ttl == 7 && f->tos == 0x48);
	mr_ep_close(ep);
}
END_TEST

/* ---- what a SYN offers */

static const struct rig_frame *
syn_of(struct mr_ep *ep)
{
	struct mr_sockaddr to = rig_peer(&rig, false, t.peer_port++);
	const struct rig_frame *f;

	ck_assert_int_eq(mr_ep_connect(ep, &to), -EINPROGRESS);
	f = rig_expect(&rig, RIG_TCP);
	ck_assert_uint_eq(f->flags, RIG_SYN);
	return f;
}

/* Of the protocol when the SYN is made, and of the endpoint; off at either is off. */
START_TEST(offers_are_read_at_the_syn)
{
	struct mr_ep *a = tcp_ep(MR_NET_IPV4), *b = tcp_ep(MR_NET_IPV4), *c = tcp_ep(MR_NET_IPV4);
	const struct rig_frame *f = syn_of(a);

	ck_assert(f->has_ts && f->has_ws);
	ck_assert_int_eq(proto_set(MR_OPT_TCP_TIMESTAMPS, 0), 0);
	ck_assert_int_eq(mr_ep_setopt(b, MR_OPT_TCP_WSCALE, 0), 0);
	ck_assert_int_eq(ep_get(b, MR_OPT_TCP_TIMESTAMPS), 0);
	ck_assert_int_eq(ep_get(b, MR_OPT_TCP_WSCALE), 0);
	f = syn_of(b);
	ck_assert(!f->has_ts && !f->has_ws);
	ck_assert_int_eq(proto_set(MR_OPT_TCP_TIMESTAMPS, 1), 0);
	ck_assert_int_eq(mr_ep_setopt(c, MR_OPT_TCP_TIMESTAMPS, 0), 0);
	f = syn_of(c);
	ck_assert(!f->has_ts && f->has_ws);
	/* Too late now. */
	ck_assert_int_eq(mr_ep_setopt(c, MR_OPT_TCP_TIMESTAMPS, 1), -EINVAL);
	mr_ep_close(a);
	mr_ep_close(b);
	mr_ep_close(c);
}
END_TEST

/* Kept in steps, never less than was asked for. */
START_TEST(defer_accept_is_rounded_up)
{
	static const int64_t ask[] = {1, S - 1, S + 1, 3 * S + 1, 7 * S, 16 * S}, got[] = {1, 1, 3, 7, 7, 31};
	struct mr_ep *ep = tcp_ep(MR_NET_IPV4);

	for (unsigned i = 0; i < RTE_DIM(ask); i++) {
		ck_assert_int_eq(mr_ep_setopt(ep, MR_OPT_TCP_DEFER_ACCEPT_NS, ask[i]), 0);
		ck_assert_int_eq(ep_get(ep, MR_OPT_TCP_DEFER_ACCEPT_NS), got[i] * S);
	}
	mr_ep_close(ep);
}
END_TEST

/* A listener's are its connections'; afterwards the option tells what was agreed. */
START_TEST(offers_of_a_listener)
{
	const struct rig_frame *f;

	t.ts = true;
	rig_tcp_listen(&t, 4);
	ck_assert_int_eq(mr_ep_setopt(t.listener, _i ? MR_OPT_TCP_WSCALE : MR_OPT_TCP_TIMESTAMPS, 0), 0);
	rig_tcp_push(&t, RIG_SYN, 0, 0, 0);
	f = rig_expect(&rig, RIG_TCP);
	ck_assert_int_eq(f->has_ts, _i == 1);
	ck_assert_int_eq(f->has_ws, _i == 0);
	t.irs = f->seq;
	t.ts_on = f->has_ts;
	t.tsecr = f->tsval;
	rig_tcp_push(&t, RIG_ACK, 1, 1, 0);
	rig_poll(&rig);
	ck_assert_int_eq(mr_ep_accept(t.listener, &t.ep), 0);
	ck_assert_int_eq(ep_get(t.ep, MR_OPT_TCP_TIMESTAMPS), _i == 1);
	ck_assert_int_eq(ep_get(t.ep, MR_OPT_TCP_WSCALE), _i == 0);
}
END_TEST

/* Agreed means by both: here the peer has nothing to offer. */
START_TEST(agreed_with_a_plain_peer)
{
	t.ws = -1;
	rig_tcp_establish_active(&t);
	ck_assert_int_eq(ep_get(t.ep, MR_OPT_TCP_WSCALE), 0);
	ck_assert_int_eq(ep_get(t.ep, MR_OPT_TCP_TIMESTAMPS), 0);
}
END_TEST

/* ---- what cannot be changed any more */

START_TEST(too_late)
{
	struct mr_ep *ep = tcp_ep(MR_NET_IPV6), *v4 = tcp_ep(MR_NET_IPV4);
	struct mr_sockaddr any = {.port = 99};

	ck_assert_int_eq(mr_ep_setopt(v4, MR_OPT_V6ONLY, 1), -EINVAL);
	ck_assert_int_eq(mr_ep_bind(ep, &any), 0);
	ck_assert_int_eq(mr_ep_setopt(ep, MR_OPT_V6ONLY, 1), -EINVAL);
	ck_assert_int_eq(mr_ep_setopt(ep, MR_OPT_REUSEPORT, 1), -EINVAL);
	ck_assert_int_eq(mr_ep_setopt(ep, MR_OPT_BINDNIC, RIG_NIC), -EINVAL);
	syn_of(v4);
	ck_assert_int_eq(mr_ep_setopt(v4, MR_OPT_BINDNIC, RIG_NIC), -EINVAL);
	ck_assert_int_eq(mr_ep_setopt(v4, MR_OPT_TCP_MAXSEG, 1000), -EINVAL);
	mr_ep_close(ep);
	mr_ep_close(v4);
}
END_TEST

/* ---- congestion control by name */

/* MUST-27, MUST-29: the idle time may change while keep-alive is on. However long the peer has been silent by then, it is
 * asked before the connection is given up. */
START_TEST(keepalive_is_set_again)
{
	rig_tcp_establish_passive(&t);
	if (_i)
		rig_advance(&rig, 3600 * RIG_S);
	ck_assert_int_eq(mr_ep_setopt(t.ep, MR_OPT_TCP_KEEPALIVE, 1), 0);
	ck_assert_int_eq(mr_ep_setopt(t.ep, MR_OPT_TCP_KEEPINTVL_NS, RIG_S), 0);
	ck_assert_int_eq(mr_ep_setopt(t.ep, MR_OPT_TCP_KEEPIDLE_NS, 10 * RIG_S), 0);
	if (!_i)
		rig_expect_none_for(&rig, 9 * RIG_S);
	ck_assert(rig_advance_until_frame(&rig, 2 * RIG_S));
	rig_tcp_expect(&t, RIG_ACK, 0, 1, 0);
	rig_tcp_push(&t, RIG_ACK, 1, 1, 0);
	rig_expect_none_for(&rig, 9 * RIG_S);
	ck_assert(rig_advance_until_frame(&rig, 2 * RIG_S));
	rig_tcp_expect(&t, RIG_ACK, 0, 1, 0);
	/* Off again, nothing more. */
	ck_assert_int_eq(mr_ep_setopt(t.ep, MR_OPT_TCP_KEEPALIVE, 0), 0);
	ck_assert_int_eq(mr_ep_setopt(t.ep, MR_OPT_TCP_KEEPIDLE_NS, RIG_S), 0);
	rig_expect_none_for(&rig, 100 * RIG_S);
}
END_TEST

START_TEST(cc_names)
{
	unsigned n = 0;

	for (; mr_tcp_cc_name(n); n++) {
		ck_assert_int_eq(mr_tcp_cc_find(mr_tcp_cc_name(n)), (int)n);
		ck_assert_int_eq(proto_set(MR_OPT_TCP_CC, n), 0);
		ck_assert_int_eq(proto_get(MR_OPT_TCP_CC), n);
	}
	ck_assert_uint_ge(n, 1);
	ck_assert_ptr_null(mr_tcp_cc_name(n + 1));
	ck_assert_ptr_null(mr_tcp_cc_name(UINT32_MAX));
	ck_assert_int_eq(proto_set(MR_OPT_TCP_CC, n), -EINVAL);
	ck_assert_int_ge(mr_tcp_cc_find("newreno"), 0);
	ck_assert_int_eq(mr_tcp_cc_find("newren"), -ENOENT);
	ck_assert_int_eq(mr_tcp_cc_find(""), -ENOENT);
}
END_TEST

/* From the protocol at creation, from the listener at accept; and a running connection may change over. */
START_TEST(cc_choice)
{
	int64_t last = 0;

	while (mr_tcp_cc_name((unsigned)last + 1))
		last++;
	ck_assert_int_eq(proto_set(MR_OPT_TCP_CC, last), 0);
	rig_tcp_listen(&t, 4);
	ck_assert_int_eq(proto_set(MR_OPT_TCP_CC, 0), 0);
	ck_assert_int_eq(ep_get(t.listener, MR_OPT_TCP_CC), last);
	rig_tcp_establish_passive(&t);
	ck_assert_int_eq(ep_get(t.ep, MR_OPT_TCP_CC), last);
	for (int64_t cc = 0; cc <= last; cc++) {
		uint32_t sent = (uint32_t)cc * 14600;

		ck_assert_int_eq(mr_ep_setopt(t.ep, MR_OPT_TCP_CC, cc), 0);
		ck_assert_int_eq(ep_get(t.ep, MR_OPT_TCP_CC), cc);
		ck_assert_int_eq(mr_ep_setopt(t.ep, MR_OPT_TCP_CC, -1), -EINVAL);
		ck_assert_int_eq(ep_get(t.ep, MR_OPT_TCP_CC), cc);
		/* The window is as large as before. */
		ck_assert_int_eq(rig_ep_send(t.ep, sent, 14600), 14600);
		for (uint32_t k = 0; k < 10; k++)
			rig_tcp_expect(&t, RIG_ACK, 1 + sent + k * 1460, 1, 1460, .pattern = true);
		rig_tcp_push(&t, RIG_ACK, 1, 1 + sent + 14600, 0);
		rig_expect_none(&rig);
	}
}
END_TEST

static Suite *
suite(void)
{
	Suite *s = suite_create("tcp_opts");
	TCase *tc = rig_case(s, "options", tcp_setup, rig_teardown);

	tcase_add_loop_test(tc, protocol_option, 0, RTE_DIM(proto_cases));
	tcase_add_loop_test(tc, protocol_option_refused, 0, RTE_DIM(proto_cases));
	tcase_add_loop_test(tc, endpoint_option, 0, RTE_DIM(ep_cases));
	tcase_add_test(tc, switches_read_as_one);
	tcase_add_test(tc, options_of_others);
	tcase_add_test(tc, every_option_is_in_a_table);
	tcase_add_loop_test(tc, buffer_ranges, 0, 2);
	tcase_add_test(tc, copied_at_creation);
	tcase_add_test(tc, buffers_do_something);
	tcase_add_test(tc, ttl_and_dscp);
	tcase_add_test(tc, offers_are_read_at_the_syn);
	tcase_add_test(tc, defer_accept_is_rounded_up);
	tcase_add_loop_test(tc, offers_of_a_listener, 0, 2);
	tcase_add_test(tc, agreed_with_a_plain_peer);
	tcase_add_test(tc, too_late);
	tcase_add_loop_test(tc, keepalive_is_set_again, 0, 2);
	tcase_add_test(tc, cc_names);
	tcase_add_test(tc, cc_choice);
	return s;
}

RIG_MAIN(suite)
