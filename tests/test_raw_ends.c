/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Raw endpoints: errors that come in, what making one refuses, and how they end. Where _i is the family it is v6.
 */
#include <errno.h>

#include <rte_mbuf.h>

#include "stack/nic.h"
#include "stack/stack.h"
#include "raw.h"

/* ---- errors */

START_TEST(errors)
{
	struct mr_sockaddr peer = rig_peer(&rig, _i, 0);
	struct mr_ep *ep = make(PROTO, _i), *same = make(PROTO, _i), *other = make(PROTO + 1, _i), *open = make(PROTO, _i);
	const struct rig_frame *f;

	peer.addr = rig_addr(_i ? "fd00::77" : "10.0.0.77");
	ck_assert_int_eq(mr_ep_connect(same, &peer), 0);
	peer = rig_peer(&rig, _i, 0);
	ck_assert_int_eq(mr_ep_connect(ep, &peer), 0);
	ck_assert_int_eq(mr_ep_connect(other, &peer), 0);
	ck_assert_int_eq(mr_ep_send(ep, "eight or more", 13), 13);
	f = rig_expect(&rig, RIG_IP);
	rig_push_icmp(&rig, .ip.v6 = _i, .type = _i ? 4 : 3, .code = _i ? 1 : 2, .rest = _i ? 6 : 0, .data = f->b + ETH,
	              .len = f->len - ETH);
	rig_poll(&rig);
	ck_assert_uint_eq(mr_ep_readiness(ep), MR_EV_OUT | MR_EV_ERR);
	ck_assert_int_eq(mr_ep_send(ep, "x", 1), -ECONNREFUSED);
	ck_assert_int_eq(mr_ep_error(ep), 0);
	ck_assert_int_eq(mr_ep_error(same), 0);
	ck_assert_int_eq(mr_ep_error(other), 0);
	ck_assert_int_eq(mr_ep_error(open), 0);
	ck_assert_uint_eq(rig_moved(&rig, MR_CNT_ICMP_RX_ERRORS), 1);
	rig_expect_no_drop(&rig);
	/* Nobody's any more. */
	mr_ep_close(ep);
	rig_push_icmp(&rig, .ip.v6 = _i, .type = _i ? 4 : 3, .code = _i ? 1 : 2, .rest = _i ? 6 : 0, .data = f->b + ETH,
	              .len = f->len - ETH);
	rig_expect_drop(&rig, MR_DROP_ICMP_IGNORED);
	mr_ep_close(same);
	mr_ep_close(other);
	mr_ep_close(open);
}
END_TEST

START_TEST(silent_neighbour)
{
	struct mr_sockaddr to;
	struct mr_ep *ep;

	rig_fini(&rig);
	rig_init(&rig, &(struct rig_opts){.no_neigh = true});
	to = rig_peer(&rig, _i, 0);
	ep = make(PROTO, _i);
	ck_assert_int_eq(mr_ep_connect(ep, &to), 0);
	ck_assert_int_eq(mr_ep_send(ep, "eight or more", 13), 13);
	rig_advance(&rig, 10 * RIG_S);
	rig_discard(&rig);
	ck_assert_int_eq(mr_ep_error(ep), -EHOSTUNREACH);
	mr_ep_close(ep);
}
END_TEST

/* ---- making and ending */

START_TEST(create_errors)
{
	struct rig_opts o = {.stack.trans_protos = (const char *const[]){"udp", NULL}};
	struct mr_ep *eps[256], *ep;
	unsigned n = 0;
	int64_t v;

	ck_assert_int_eq(mr_ep_create_raw(rig.stack, 0, MR_NET_IPV4, &ep), -EINVAL);
	ck_assert_int_eq(mr_ep_create_raw(rig.stack, PROTO, MR_NET_ARP, &ep), -EPROTONOSUPPORT);
	ck_assert_int_eq(mr_ep_create(rig.stack, MR_TRANS_RAW, MR_NET_IPV4, &ep), -EPROTONOSUPPORT);
	while (mr_ep_create_raw(rig.stack, PROTO, net_of(n % 2), &eps[n]) == 0)
		n++;
	ck_assert_uint_eq(n, rig.stack->opts.max_endpoints);
	ck_assert_int_eq(mr_ep_create_raw(rig.stack, PROTO, MR_NET_IPV4, &ep), -ENOBUFS);
	while (n > 0)
		mr_ep_close(eps[--n]);
	ck_assert_int_eq(mr_transproto_setopt(rig.stack, MR_TRANS_RAW, MR_OPT_RCVBUF, 5000), 0);
	ep = make(PROTO, false);
	ck_assert_int_eq(mr_ep_getopt(ep, MR_OPT_RCVBUF, &v), 0);
	ck_assert_int_eq(v, 5000);
	ck_assert_int_eq(mr_ep_listen(ep, 1), -EOPNOTSUPP);
	ck_assert_int_eq(mr_ep_shutdown(ep, MR_SHUT_RD), -ENOTCONN);
	mr_ep_close(ep);
	rig_fini(&rig);
	rig_init(&rig, &o);
	ck_assert_int_eq(mr_ep_create_raw(rig.stack, PROTO, MR_NET_IPV4, &ep), -EPROTONOSUPPORT);
}
END_TEST

/* Protocol 255 is on no wire, but it may be sent to us: nobody's unless a raw endpoint asks for it. */
START_TEST(reserved_number)
{
	struct mr_ep *ep;

	rig_push_ip(&rig, "x", 1, .v6 = _i, .proto = 255);
	rig_expect_drop(&rig, MR_DROP_TRANS_UNKNOWN_PROTO);
	ep = make(255, _i);
	rig_discard(&rig);
	rig_push_ip(&rig, "x", 1, .v6 = _i, .proto = 255);
	rig_expect_none(&rig);
	expect_packet(ep, _i, "x", 1);
	mr_ep_close(ep);
}
END_TEST

/* B-79: packets unread and unsent, connected or not; the teardown counts them. */
START_TEST(open_endpoints_go_with_the_stack)
{
	struct mr_sockaddr to = rig_peer(&rig, _i, 0);
	struct mr_ep *a = make(PROTO, _i), *b = make(PROTO, _i);

	ck_assert_int_eq(mr_ep_connect(b, &to), 0);
	rig_push_ip(&rig, "x", 1, .v6 = _i, .proto = PROTO);
	rig_poll(&rig);
	ck_assert_uint_eq(rig.stack->rx_held, 2);
	ck_assert_int_eq(mr_ep_sendto(a, "x", 1, &to), 1);
	ck_assert_int_eq(mr_ep_send(b, "x", 1), 1);
}
END_TEST

static struct mr_ep *to_close[2];
static unsigned told;

/* Closes both, each while the other may still be told. */
static void
close_both(struct mr_ep *ep, uint32_t events, void *arg)
{
	(void)ep;
	(void)arg;
	ck_assert_uint_eq(events, MR_EV_IN);
	told++;
	mr_ep_close(to_close[0]);
	mr_ep_abort(to_close[1]);
}

START_TEST(closed_in_an_event)
{
	struct mr_waiter w[2] = {{.mask = MR_EV_IN, .fn = close_both}, {.mask = MR_EV_IN, .fn = close_both}};

	for (int i = 0; i < 2; i++) {
		to_close[i] = make(PROTO, _i);
		mr_ep_wait(to_close[i], &w[i]);
	}
	rig_push_ip(&rig, "x", 1, .v6 = _i, .proto = PROTO);
	rig_poll(&rig);
	ck_assert_uint_eq(told, 1);
	ck_assert_uint_eq(rig.stack->rx_held, 0);
	rig_push_ip(&rig, "x", 1, .v6 = _i, .proto = PROTO);
	rig_expect_drop(&rig, MR_DROP_TRANS_UNKNOWN_PROTO);
}
END_TEST

static Suite *
suite(void)
{
	Suite *s = suite_create("raw_ends");
	TCase *tc = rig_case(s, "raw", rig_setup, rig_teardown);

	tcase_add_loop_test(tc, errors, 0, 2);
	tcase_add_loop_test(tc, silent_neighbour, 0, 2);
	tcase_add_test(tc, create_errors);
	tcase_add_loop_test(tc, reserved_number, 0, 2);
	tcase_add_loop_test(tc, open_endpoints_go_with_the_stack, 0, 2);
	tcase_add_loop_test(tc, closed_in_an_event, 0, 2);
	return s;
}

RIG_MAIN(suite)
