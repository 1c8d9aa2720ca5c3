/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Alarms: when they ring, how they end, and that they may end themselves; and calls that an endpoint's protocol does not have.
 * The endpoints are the test's own.
 */
#include "fakestack.h"

/* ---- the public calls */

static struct mr_ep_ops no_ops;

START_TEST(unsupported_calls)
{
	struct fk_ep *e = fk_ep(NULL, 7, 0);
	const struct mr_ep_ops *ops = e->ep.ops;
	struct mr_ep *ep = &e->ep, *out;
	struct mr_sockaddr sa = {0};
	struct rte_mbuf *m = mr_stack_tx_alloc(fk.s);
	int64_t v;

	ep->ops = &no_ops;
	ck_assert_int_eq(mr_ep_bind(ep, &sa), -EOPNOTSUPP);
	ck_assert_int_eq(mr_ep_listen(ep, 1), -EOPNOTSUPP);
	ck_assert_int_eq(mr_ep_accept(ep, &out), -EOPNOTSUPP);
	ck_assert_int_eq(mr_ep_connect(ep, &sa), -EOPNOTSUPP);
	ck_assert_int_eq(mr_ep_send(ep, "x", 1), -EOPNOTSUPP);
	ck_assert_int_eq(mr_ep_sendto(ep, "x", 1, &sa), -EOPNOTSUPP);
	ck_assert_int_eq(mr_ep_send_mbuf(ep, m, &sa), -EOPNOTSUPP); /* consumed: the pools are checked */
	ck_assert_int_eq(mr_ep_recv(ep, &v, 1, &sa), -EOPNOTSUPP);
	ck_assert_int_eq(mr_ep_peek(ep, &v, 1, &sa), -EOPNOTSUPP);
	ck_assert_int_eq(mr_ep_recv_mbuf(ep, &m, &sa), -EOPNOTSUPP);
	ck_assert_int_eq(mr_ep_shutdown(ep, MR_SHUT_RD), -EOPNOTSUPP);
	ck_assert_int_eq(mr_ep_shutdown(ep, 0), -EINVAL);
	ck_assert_int_eq(mr_ep_shutdown(ep, 4), -EINVAL);
	ck_assert_int_eq(mr_ep_setopt(ep, MR_OPT_TTL, 1), -ENOPROTOOPT);
	ck_assert_int_eq(mr_ep_getopt(ep, MR_OPT_TTL, &v), -ENOPROTOOPT);
	ck_assert_int_eq(mr_ep_local_name(ep, &sa), -EOPNOTSUPP);
	ck_assert_int_eq(mr_ep_remote_name(ep, &sa), -EOPNOTSUPP);
	ck_assert_uint_eq(mr_ep_readiness(ep), 0);
	ep->ops = ops;
}
END_TEST

START_TEST(create_and_error)
{
	struct mr_ep *ep, *eps[64];

	ck_assert_int_eq(mr_ep_create(fk.s, MR_TRANS_TCP, MR_NET_IPV4, &ep), -EPROTONOSUPPORT);
	ck_assert_int_eq(mr_ep_create(fk.s, FK_TRANS, MR_NET_ARP, &ep), -EPROTONOSUPPORT);
	for (unsigned i = 0; i < 64; i++)
		ck_assert_int_eq(mr_ep_create(fk.s, FK_TRANS, MR_NET_IPV6, &eps[i]), 0);
	ck_assert_int_eq(mr_ep_create(fk.s, FK_TRANS, MR_NET_IPV6, &ep), -ENOBUFS);
	ck_assert_ptr_eq(mr_ep_stack(eps[0]), fk.s);
	ck_assert_int_eq(mr_ep_error(eps[0]), 0);
	eps[0]->err = -ECONNRESET;
	ck_assert_int_eq(mr_ep_error(eps[0]), -ECONNRESET);
	ck_assert_int_eq(mr_ep_error(eps[0]), 0);
	for (unsigned i = 0; i < 64; i++)
		mr_ep_close(eps[i]);
	ck_assert_uint_eq(fk_eps_used(), 0);
}
END_TEST

/* ---- alarms */

static struct mr_alarm *alarms[4];
static unsigned rung[4];

static void
ring(struct mr_stack *s, void *arg)
{
	ck_assert_ptr_eq(s, fk.s);
	rung[(uintptr_t)arg]++;
}

static void
ring_and_stop(struct mr_stack *s, void *arg)
{
	ring(s, arg);
	mr_alarm_stop(alarms[(uintptr_t)arg]);
}

static void
ring_and_stop_next(struct mr_stack *s, void *arg)
{
	ring_and_stop(s, arg);
	mr_alarm_stop(alarms[(uintptr_t)arg + 1]);
}

START_TEST(alarm_rings)
{
	ck_assert_int_eq(mr_alarm_start(fk.s, FK_S, ring, (void *)0, &alarms[0]), 0);
	ck_assert_uint_eq(rung[0], 0);
	fk.now += 100;
	fk_poll();
	ck_assert_uint_eq(rung[0], 1); /* in the next turn */
	for (unsigned i = 2; i < 10; i++) {
		fk.now = mr_stack_next_ns(fk.s);
		ck_assert_uint_eq(fk.now, FK_START + (i - 1) * FK_S);
		fk_poll();
		ck_assert_uint_eq(rung[0], i);
	}
	/* It does not catch up what it missed. */
	fk.now += 100 * FK_S;
	fk_poll();
	ck_assert_uint_eq(rung[0], 10);
	ck_assert_uint_eq(mr_stack_next_ns(fk.s), fk.now + FK_S);
	mr_alarm_stop(alarms[0]);
	ck_assert_uint_eq(mr_stack_next_ns(fk.s), UINT64_MAX);
}
END_TEST

START_TEST(alarm_stops_itself)
{
	mr_alarm_start(fk.s, FK_S, ring_and_stop, (void *)0, &alarms[0]);
	mr_alarm_start(fk.s, FK_S, ring, (void *)3, &alarms[3]);
	fk_advance(10 * FK_S);
	ck_assert_uint_eq(rung[0], 1);
	ck_assert_uint_ge(rung[3], 10);
	/* And another that is due in the same turn. */
	mr_alarm_start(fk.s, FK_S, ring_and_stop_next, (void *)1, &alarms[1]);
	fk.now += FK_S;
	mr_alarm_start(fk.s, FK_S, ring, (void *)2, &alarms[2]);
	fk_advance(5 * FK_S);
	ck_assert_uint_eq(rung[1], 1);
	ck_assert_uint_le(rung[2], 1);
	/* One is left, for the stack to end. */
}
END_TEST

static Suite *
suite(void)
{
	Suite *s = suite_create("alarms");
	TCase *tc = rig_case(s, "calls", fk_setup, fk_teardown);

	tcase_add_test(tc, unsupported_calls);
	tcase_add_test(tc, create_and_error);
	tc = rig_case(s, "alarms", fk_setup, fk_teardown);
	tcase_add_test(tc, alarm_rings);
	tcase_add_test(tc, alarm_stops_itself);
	return s;
}

RIG_MAIN(suite)
