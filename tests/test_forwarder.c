/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Forwarders: what is for nobody becomes a request (S-57, B-16, I-11) on a NIC that lets foreign addresses in (S-34, S-42,
 * B-5), is bounded, and is taken, turned down or forgotten. IPv4 and IPv6. What there is of each protocol: test_forwarder_tcp.c, test_forwarder_udp.c.
 */
#include <errno.h>

#include "forwarder.h"

START_TEST(nic_goes)
{
	tcp_forwarder(false, (struct mr_forwarder_opts){0});
	push_syn();
	t.peer_port++;
	push_syn();
	ck_assert_int_eq(mr_nic_remove(rig.stack, RIG_NIC), 0);
	ck_assert_int_eq(mr_forwarder_accept(&got[0], &taken), -ENODEV);
	ck_assert_int_eq(mr_forwarder_reject(&got[0], true), 0);
	ck_assert_int_eq(mr_forwarder_reject(&got[1], false), 0);
}
END_TEST

/* ---- the forwarder itself */

START_TEST(create_errors)
{
	struct mr_forwarder_opts o = {.fn = asked, .arg = &rig};
	struct mr_forwarder *other;

	for (int i = 0; i < 2; i++) {
		uint8_t trans = i ? MR_TRANS_UDP : MR_TRANS_TCP;

		ck_assert_int_eq(mr_forwarder_create(rig.stack, trans, &(struct mr_forwarder_opts){0}, &other), -EINVAL);
		o.max_requests = UINT32_MAX;
		ck_assert_int_eq(mr_forwarder_create(rig.stack, trans, &o, &other), -EINVAL);
		o.max_requests = 0;
		o.timeout_ns = UINT64_MAX;
		ck_assert_int_eq(mr_forwarder_create(rig.stack, trans, &o, &other), -EINVAL);
		o.timeout_ns = 0;
		ck_assert_int_eq(mr_forwarder_create(rig.stack, trans, &o, &fwd), 0);
		ck_assert_int_eq(mr_forwarder_create(rig.stack, trans, &o, &other), -EBUSY);
		mr_forwarder_destroy(fwd);
		ck_assert_int_eq(mr_forwarder_create(rig.stack, trans, &o, &fwd), 0);
	}
	ck_assert_int_eq(mr_forwarder_create(rig.stack, MR_TRANS_ICMP, &o, &other), -EPROTONOSUPPORT);
	ck_assert_int_eq(mr_forwarder_create(rig.stack, 200, &o, &other), -EPROTONOSUPPORT);
	ck_assert_int_eq(forwarder(MR_TRANS_UDP, (struct mr_forwarder_opts){.rcvbuf = UINT32_MAX}), -EBUSY);
	mr_forwarder_destroy(fwd);
	ck_assert_int_eq(forwarder(MR_TRANS_UDP, (struct mr_forwarder_opts){.rcvbuf = UINT32_MAX}), -EINVAL);
}
END_TEST

/* Destroyed with requests told and untold; what is for nobody is for nobody again, and what was taken lives on. */
START_TEST(destroyed)
{
	tcp_forwarder(false, (struct mr_forwarder_opts){0});
	establish();
	t.peer_port++;
	push_syn();
	rig_mark(&rig);
	answer = DESTROY;
	t.peer_port++;
	rig_tcp_push(&t, RIG_SYN, 0, 0, 0);
	t.peer_port++;
	rig_tcp_push(&t, RIG_SYN, 0, 0, 0);
	rig_expect_none(&rig);
	ck_assert_uint_eq(n_got, 3);
	rig_expect_drops(&rig, MR_DROP_FORWARD_REFUSED, 3);
	t.irs = 0;
	rig_tcp_push(&t, RIG_SYN, 0, 0, 0);
	rig_tcp_expect(&t, RIG_RST | RIG_ACK, 0, 1, 0);
	ck_assert_int_eq(rig_ep_send(t.ep, 0, 10), 10);
	rig_expect(&rig, RIG_TCP);
}
END_TEST

/* A callback may end requests that have been told, and itself be the last to know one. */
START_TEST(answered_in_the_callback)
{
	answer = _i ? REFUSE : REFUSE_FIRST;
	tcp_forwarder(false, (struct mr_forwarder_opts){0});
	for (unsigned i = 0; i < 4; i++) {
		rig_tcp_push(&t, RIG_SYN, 0, 0, 0);
		t.peer_port++;
	}
	rig_expect_none(&rig);
	ck_assert_uint_eq(n_got, 4);
	rig_expect_drops(&rig, MR_DROP_FORWARD_REFUSED, _i ? 4 : 3);
	ck_assert_int_eq(mr_forwarder_reject(&got[3], false), _i ? -ENOENT : 0);
}
END_TEST

/* B-79: the stack's end frees what waits, half a handshake and a connection (the rig counts mbufs). */
START_TEST(stack_goes)
{
	tcp_forwarder(false, (struct mr_forwarder_opts){0});
	push_syn();
	t.peer_port++;
	push_syn();
	take();
	t.peer_port++;
	establish();
	ck_assert_int_eq(forwarder(MR_TRANS_UDP, (struct mr_forwarder_opts){0}), 0);
	rig_push_udp(&rig, .ip.dst = foreign(false), .len = 10);
	rig_poll(&rig);
	ck_assert_uint_eq(n_got, 4);
}
END_TEST

/* Requests are of the receive budget: what endpoints may hold, they may. */
START_TEST(memory_bound)
{
	unsigned n;

	rig_fini(&rig);
	rig_init(&rig, &(struct rig_opts){.stack = {.rx_mbufs = 256, .rx_reserve_mbufs = 240}});
	ck_assert_int_eq(mr_nic_set_promisc(rig.stack, RIG_NIC, true), 0);
	tcp_forwarder(false, (struct mr_forwarder_opts){.max_requests = 100});
	for (n = 0; n < 20; n++) {
		rig_tcp_push(&t, RIG_SYN, 0, 0, 0);
		t.peer_port++;
		rig_poll(&rig);
	}
	ck_assert_uint_eq(n_got, 16);
	rig_expect_drops(&rig, MR_DROP_FORWARD_FULL, 4);
	for (n = 0; n < 16; n++)
		ck_assert_int_eq(mr_forwarder_reject(&got[n], false), 0);
	push_syn();
}
END_TEST

static Suite *
suite(void)
{
	Suite *s = suite_create("forwarder");
	TCase *tc = rig_case(s, "forwarder", setup, rig_teardown);

	tcase_add_test(tc, nic_goes);
	tcase_add_test(tc, create_errors);
	tcase_add_test(tc, destroyed);
	tcase_add_loop_test(tc, answered_in_the_callback, 0, 2);
	tcase_add_test(tc, stack_goes);
	tcase_add_test(tc, memory_bound);
	return s;
}

RIG_MAIN(suite)
