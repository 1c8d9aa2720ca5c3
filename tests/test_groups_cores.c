/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Group membership: answers to the queries of routers (RFC 2236 3, RFC 2710 4), and hosts of several cores, where core 0
 * speaks for all (I-17). Each case runs for both families. Joining and leaving: test_groups.c.
 */
#include <rte_mbuf.h>
#include <rte_ring.h>

#include "stack/nic.h"
#include "stack/stack.h"
#include "stack/steer.h"
#include "groups.h"

/* ---- queries */

START_TEST(general_query)
{
	fam = &families[_i];
	settle(fam->group);
	settle(fam->other);
	query(NULL, fam->per_s * 10);
	rig_expect_none(&rig);
	rig_advance(&rig, 10 * RIG_S);
	ck_assert_uint_eq(rig_pending(&rig), _i ? 3 : 2);
	rig_expect_none_for((rig_discard(&rig), &rig), 100 * RIG_S);
	ck_assert_uint_eq(rig_moved(&rig, MR_CNT_GROUP_RX_QUERIES), 1);
	ck_assert_uint_eq(rig_moved(&rig, MR_CNT_GROUP_TX_REPORTS), _i ? 3 : 2);
	rig_expect_no_drop(&rig);
}
END_TEST

/* Nasty 24: times are random, each group's its own, all within what the querier allows. */
START_TEST(response_delays)
{
	enum { GROUPS = 40 };
	const struct rig_frame *f;
	uint64_t from, least = UINT64_MAX, most = 0, last = 0;

	fam = &families[_i];
	for (int i = 0; i < GROUPS; i++) {
		struct mr_addr a = rig_addr(fam->group);

		a.b[14] = (uint8_t)(100 + i);
		ck_assert_int_eq(mr_group_join(rig.stack, RIG_NIC, &a), 0);
	}
	rig_advance(&rig, UNSOLICITED_NS);
	rig_discard(&rig);
	query(NULL, fam->per_s * 4);
	from = rig.now;
	rig_advance(&rig, 4 * RIG_S);
	for (int i = 0; i < GROUPS + _i; i++) {
		f = rig_expect(&rig, _i ? RIG_MLD : RIG_IGMP);
		ck_assert_uint_ne(f->time_ns, last);
		last = f->time_ns;
		least = RTE_MIN(least, last - from);
		most = RTE_MAX(most, last - from);
	}
	rig_expect_none(&rig);
	ck_assert_uint_lt(least, RIG_S);
	ck_assert_uint_gt(most, 3 * RIG_S);
}
END_TEST

START_TEST(specific_query)
{
	fam = &families[_i];
	settle(fam->group);
	settle(fam->other);
	query(fam->other, fam->per_s);
	ck_assert_uint_gt(report_within(fam->other, RIG_S), 0);
	rig_expect_none_for(&rig, 10 * RIG_S);
	/* To all hosts, about a group that is not ours. */
	rig_push_group(&rig, .group = rig_addr(_i ? "ff05::99" : "239.9.9.9"), .ip.dst = rig_addr(fam->all),
	               .max_resp = fam->per_s);
	rig_expect_none_for(&rig, 10 * RIG_S);
	ck_assert_uint_eq(rig_moved(&rig, MR_CNT_GROUP_RX_QUERIES), 2);
	rig_expect_no_drop(&rig);
}
END_TEST

/* Somebody still holds what is left of a group: that is no membership. */
START_TEST(left_but_referenced)
{
	struct mr_netep *ep;
	struct mr_addr a;

	fam = &families[_i];
	a = rig_addr(fam->group);
	settle(fam->group);
	ep = mr_nic_netep_any(mr_nic_find(rig.stack, RIG_NIC), &a);
	mr_netep_hold(ep);
	ck_assert_int_eq(leave(fam->group), 0);
	rig_expect_group(&rig, fam->leave, fam->group);
	ck_assert_uint_eq(ep->report_flags, 0);
	rig_push_group(&rig, .group = a, .ip.dst = rig_addr(fam->all), .max_resp = fam->per_s);
	query(NULL, fam->per_s);
	rig_advance(&rig, 2 * RIG_S);
	if (_i)
		rig_expect_group(&rig, fam->report, SOLICITED);
	rig_expect_none(&rig);
	/* Taken up again, it is one. */
	ck_assert_int_eq(join(fam->group), 0);
	rig_expect_group(&rig, fam->report, fam->group);
	mr_netep_release(ep);
	report_within(fam->group, UNSOLICITED_NS);
}
END_TEST

/* One answer for several queries; the shortest time counts. */
START_TEST(queries_are_coalesced)
{
	fam = &families[_i];
	settle(fam->group);
	for (int i = 0; i < 5; i++)
		query(fam->group, fam->per_s * 20);
	query(fam->group, fam->per_s);
	query(fam->group, fam->per_s * 20);
	report_within(fam->group, RIG_S);
	rig_expect_none_for(&rig, 100 * RIG_S);
	/* A query with more time than is left does not put the answer off. */
	query(fam->group, fam->per_s * 2);
	for (int i = 0; i < 20; i++) {
		rig_advance(&rig, RIG_S / 10);
		if (rig_pending(&rig))
			break;
		query(fam->group, fam->per_s * 2);
	}
	rig_expect_group(&rig, fam->report, fam->group);
}
END_TEST

/* The second unsolicited report serves as an answer if it comes early enough, and is brought forward if not. */
START_TEST(query_after_joining)
{
	fam = &families[_i];
	for (int i = 0; i < 10; i++) {
		ck_assert_int_eq(join(fam->group), 0);
		rig_expect_group(&rig, fam->report, fam->group);
		query(fam->group, fam->per_s);
		report_within(fam->group, RIG_S);
		rig_expect_none_for(&rig, 20 * RIG_S);
		ck_assert_int_eq(leave(fam->group), 0);
		rig_expect_group(&rig, fam->leave, fam->group);
	}
}
END_TEST

/* All hosts are members of this one, and everybody knows. */
START_TEST(never_of_all_hosts)
{
	fam = &families[_i];
	query(fam->all, fam->per_s);
	rig_expect_none_for(&rig, 2 * RIG_S);
	query(NULL, fam->per_s);
	rig_advance(&rig, RIG_S);
	if (_i)
		rig_expect_group(&rig, fam->report, SOLICITED);
	rig_expect_none(&rig);
	ck_assert_int_eq(join(fam->all), 0);
	ck_assert_int_eq(leave(fam->all), 0);
	rig_expect_none_for(&rig, 20 * RIG_S);
}
END_TEST

/* ---- many cores: all have members, core 0 speaks */

START_TEST(other_cores_are_silent)
{
	struct rig_opts o = {.stack = {.core = 1, .n_cores = 2}};
	struct mr_ep *ep;

	fam = &families[_i];
	restart(&o);
	ck_assert_int_eq(join(fam->group), 0);
	query(NULL, fam->per_s);
	query(fam->group, fam->per_s);
	report_of_another(fam->group);
	rig_push_group(&rig, .group = rig_addr(fam->group), .ip.ttl = 7, .max_resp = 1); /* not its business either */
	rig_expect_none_for(&rig, 20 * RIG_S);
	ck_assert_int_eq(mr_ep_create(rig.stack, MR_TRANS_UDP, MR_NET_IPV6, &ep), 0);
	ck_assert_int_eq(mr_ep_bind(ep, &(struct mr_sockaddr){.port = 7}), 0);
	rig_push_udp(&rig, .ip.dst = rig_addr(fam->group), .len = 5);
	rig_poll(&rig);
	ck_assert_uint_eq(mr_ep_readiness(ep) & MR_EV_IN, MR_EV_IN);
	mr_ep_close(ep);
	ck_assert_int_eq(leave(fam->group), 0);
	ck_assert_int_eq(mr_nic_disable(rig.stack, RIG_NIC), 0);
	rig_expect_none(&rig);
	rig_expect_no_drop(&rig);
}
END_TEST

static struct mr_steer steer[2];

static struct mr_steer *const steers[2] = {&steer[0], &steer[1]};

/* The rig is core `core` of two; the other one is only the ends of the rings. */
static void
steer_up(uint16_t core)
{
	for (uint16_t i = 0; i < 2; i++)
		mr_steer_init(&steer[i], i, 2, NULL);
	ck_assert_int_eq(mr_steer_mesh_create(steers, 2), 0);
	rig.stack->steer = &steer[core];
}

static void
steer_down(void)
{
	rig_poll(&rig);
	rig.stack->steer = NULL;
	mr_steer_mesh_destroy(steers, 2);
}

/* What a core hears of groups reaches core 0, sent to a group or to us alone. */
START_TEST(core_0_is_told)
{
	struct rig_opts o = {.stack = {.core = 1, .n_cores = 2}};

	fam = &families[_i];
	restart(&o);
	ck_assert_int_eq(join(fam->group), 0);
	steer_up(1);
	query(NULL, fam->per_s);
	ck_assert_uint_eq(rte_ring_count(steer[1].out[0]), 1);
	report_of_another(fam->group);
	ck_assert_uint_eq(rte_ring_count(steer[1].out[0]), 2);
	for (uint8_t i = 1; i < 32; i++) { /* whatever the sender's address hashes to */
		struct rig_group g = {.group = rig_addr(fam->group), .ip.dst = _i ? rig.addr6 : rig.addr4};

		g.ip.src = rig_addr(_i ? "fe80::100" : "10.0.0.100");
		g.ip.src.b[15] += i;
		rig_push_group_spec(&rig, &g);
		rig_poll(&rig);
		ck_assert_uint_eq(rte_ring_count(steer[1].out[0]), 2 + i);
	}
	steer_down();
	rig_expect_none_for(&rig, 20 * RIG_S);
}
END_TEST

/* I-17: what a member here sends reaches the members on the other core, too. */
START_TEST(loop_reaches_other_cores)
{
	struct mr_sockaddr to;
	struct mr_ep *ep;

	fam = &families[_i];
	to = (struct mr_sockaddr){.addr = rig_addr(fam->group), .port = 7, .nic = RIG_NIC};
	settle(fam->group);
	steer_up(0);
	ck_assert_int_eq(mr_ep_create(rig.stack, MR_TRANS_UDP, MR_NET_IPV6, &ep), 0);
	ck_assert_int_eq(mr_ep_bind(ep, &(struct mr_sockaddr){.port = 7}), 0);
	ck_assert_int_eq(mr_ep_sendto(ep, "x", 1, &to), 1);
	rig_poll(&rig);
	ck_assert_uint_eq(rte_ring_count(steer[0].out[1]), 1);
	ck_assert_uint_eq(mr_ep_readiness(ep) & MR_EV_IN, MR_EV_IN);
	mr_ep_close(ep);
	steer_down();
}
END_TEST

static Suite *
suite(void)
{
	Suite *s = suite_create("groups_cores");
	TCase *tc = rig_case(s, "groups", setup, rig_teardown);

	tcase_add_loop_test(tc, general_query, 0, 2);
	tcase_add_loop_test(tc, response_delays, 0, 2);
	tcase_add_loop_test(tc, specific_query, 0, 2);
	tcase_add_loop_test(tc, left_but_referenced, 0, 2);
	tcase_add_loop_test(tc, queries_are_coalesced, 0, 2);
	tcase_add_loop_test(tc, query_after_joining, 0, 2);
	tcase_add_loop_test(tc, never_of_all_hosts, 0, 2);
	tcase_add_loop_test(tc, other_cores_are_silent, 0, 2);
	tcase_add_loop_test(tc, core_0_is_told, 0, 2);
	tcase_add_loop_test(tc, loop_reaches_other_cores, 0, 2);
	return s;
}

RIG_MAIN(suite)
