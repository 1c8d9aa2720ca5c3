/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Group membership as routers and members see it: when reports and leaves are sent, the same for IGMP and MLD (B-11,
 * B-36; RFC 2236 6, RFC 2710 5), and who on this host hears a group (B-43). Queries, and several cores: test_groups_cores.c.
 * Messages and their checks are in test_igmp.c and test_mld.c.
 *
 * Each case runs for both families; the rig's solicited-node group has been reported before it begins.
 */
#include <errno.h>

#include <rte_mbuf.h>
#include <rte_ring.h>

#include "stack/nic.h"
#include "stack/stack.h"
#include "stack/steer.h"
#include "groups.h"

/* ---- joining and leaving */

START_TEST(joining_is_reported_twice)
{
	uint64_t took;

	fam = &families[_i];
	ck_assert_int_eq(join(fam->group), 0);
	rig_expect_group(&rig, fam->report, fam->group);
	rig_expect_none(&rig);
	took = report_within(fam->group, UNSOLICITED_NS);
	ck_assert_uint_gt(took, 0);
	rig_expect_none_for(&rig, 1000 * RIG_S);
	ck_assert_uint_eq(rig_moved(&rig, MR_CNT_GROUP_TX_REPORTS), 2);
	rig_expect_no_drop(&rig);
}
END_TEST

/* The second report's time is chosen from all of the ten seconds. */
START_TEST(unsolicited_delay)
{
	uint64_t least = UINT64_MAX, most = 0;

	fam = &families[_i];
	for (int i = 0; i < 40; i++) {
		uint64_t took;

		ck_assert_int_eq(join(fam->group), 0);
		rig_expect_group(&rig, fam->report, fam->group);
		took = report_within(fam->group, UNSOLICITED_NS);
		least = RTE_MIN(least, took);
		most = RTE_MAX(most, took);
		ck_assert_int_eq(leave(fam->group), 0);
		rig_expect_group(&rig, fam->leave, fam->group);
	}
	ck_assert_uint_lt(least, 2 * RIG_S);
	ck_assert_uint_gt(most, 8 * RIG_S);
}
END_TEST

START_TEST(members_are_counted)
{
	fam = &families[_i];
	settle(fam->group);
	ck_assert_int_eq(join(fam->group), 0);
	rig_expect_none_for(&rig, UNSOLICITED_NS);
	ck_assert_int_eq(leave(fam->group), 0);
	rig_expect_none(&rig);
	ck_assert_int_eq(leave(fam->group), 0);
	rig_expect_group(&rig, fam->leave, fam->group);
	ck_assert_int_eq(leave(fam->group), -EADDRNOTAVAIL);
	rig_expect_none_for(&rig, 1000 * RIG_S);
	ck_assert_uint_eq(rig_moved(&rig, MR_CNT_GROUP_TX_LEAVES), 1);
}
END_TEST

/* The report that is still to come is not sent by one who is gone. */
START_TEST(leaving_at_once)
{
	fam = &families[_i];
	ck_assert_int_eq(join(fam->group), 0);
	rig_expect_group(&rig, fam->report, fam->group);
	ck_assert_int_eq(leave(fam->group), 0);
	rig_expect_group(&rig, fam->leave, fam->group);
	rig_expect_none_for(&rig, 1000 * RIG_S);
}
END_TEST

/* Joined again: as if for the first time. */
START_TEST(joining_again)
{
	fam = &families[_i];
	settle(fam->group);
	ck_assert_int_eq(leave(fam->group), 0);
	rig_expect_group(&rig, fam->leave, fam->group);
	ck_assert_int_eq(join(fam->group), 0);
	rig_expect_group(&rig, fam->report, fam->group);
	report_within(fam->group, UNSOLICITED_NS);
}
END_TEST

/* ---- other members */

START_TEST(another_member_reports)
{
	fam = &families[_i];
	/* While we wait with our report: it is not needed, and the last one was not ours. Bytes behind mean nothing. */
	ck_assert_int_eq(join(fam->group), 0);
	rig_expect_group(&rig, fam->report, fam->group);
	rig_push_group(&rig, .type = fam->report, .group = rig_addr(fam->group), .more = "\0", .more_len = 1);
	rig_expect_none_for(&rig, UNSOLICITED_NS);
	ck_assert_int_eq(leave(fam->group), 0);
	rig_expect_none_for(&rig, UNSOLICITED_NS);
	ck_assert_uint_eq(rig_moved(&rig, MR_CNT_GROUP_RX_REPORTS), 1);
	/* While we do not wait: nothing changes (RFC 2236 6). */
	settle(fam->group);
	report_of_another(fam->group);
	ck_assert_int_eq(leave(fam->group), 0);
	rig_expect_group(&rig, fam->leave, fam->group);
	rig_expect_no_drop(&rig);
}
END_TEST

START_TEST(suppression_is_by_group)
{
	fam = &families[_i];
	settle(fam->group);
	settle(fam->other);
	query(fam->group, fam->per_s * 5);
	query(fam->other, fam->per_s * 5);
	report_of_another(fam->other);
	rig_advance(&rig, 5 * RIG_S);
	rig_expect_group(&rig, fam->report, fam->group);
	rig_expect_none(&rig);
	/* Who was silenced once answers the next query. */
	query(fam->other, fam->per_s);
	report_within(fam->other, RIG_S);
}
END_TEST

/* ---- with the NIC (B-11) */

START_TEST(nic_down_and_up)
{
	fam = &families[_i];
	settle(fam->group);
	query(fam->group, fam->per_s * 10);
	ck_assert_int_eq(mr_nic_disable(rig.stack, RIG_NIC), 0);
	rig_expect_group(&rig, 132, SOLICITED);
	rig_expect_group(&rig, fam->leave, fam->group);
	rig_expect_none_for(&rig, 20 * RIG_S);
	ck_assert_int_eq(mr_nic_enable(rig.stack, RIG_NIC), 0);
	rig_advance(&rig, UNSOLICITED_NS);
	rig_discard(&rig);
	ck_assert_uint_eq(rig_moved(&rig, MR_CNT_GROUP_TX_REPORTS), 4); /* of both groups, twice */
	query(fam->group, fam->per_s);
	report_within(fam->group, RIG_S);
	/* Disabled twice is disabled. */
	ck_assert_int_eq(mr_nic_disable(rig.stack, RIG_NIC), 0);
	ck_assert_int_eq(mr_nic_disable(rig.stack, RIG_NIC), 0);
	ck_assert_uint_eq(rig_moved(&rig, MR_CNT_GROUP_TX_LEAVES), 4);
	rig_expect_no_drop(&rig);
}
END_TEST

START_TEST(changes_while_the_nic_is_down)
{
	fam = &families[_i];
	settle(fam->group);
	ck_assert_int_eq(mr_nic_disable(rig.stack, RIG_NIC), 0);
	rig_discard(&rig);
	ck_assert_int_eq(leave(fam->group), 0);
	ck_assert_int_eq(join(fam->other), 0);
	rig_expect_none_for(&rig, 20 * RIG_S);
	rig_expect_no_drop(&rig);
	ck_assert_int_eq(mr_nic_enable(rig.stack, RIG_NIC), 0);
	rig_expect_group(&rig, fam->report, fam->other);
	rig_advance(&rig, UNSOLICITED_NS);
	rig_discard(&rig);
	query(fam->group, fam->per_s);
	rig_expect_none_for(&rig, RIG_S);
}
END_TEST

/* Its timers go with it. */
static int
refuse(struct mr_link *l, const struct mr_lladdr *list, unsigned n)
{
	(void)l, (void)list, (void)n;
	return -EIO;
}

/* A NIC whose addresses cannot be opened stays down, and its groups as if nothing had been. */
START_TEST(nic_refused)
{
	const struct mr_link_ops *good = rig.link.ops;
	struct mr_link_ops bad = *good;
	struct mr_nic_info info;

	fam = &families[_i];
	settle(fam->group);
	ck_assert_int_eq(mr_nic_disable(rig.stack, RIG_NIC), 0);
	rig_discard(&rig);
	bad.set_mcast = refuse;
	rig.link.ops = &bad;
	ck_assert_int_eq(mr_nic_enable(rig.stack, RIG_NIC), -EIO);
	rig_mark(&rig);
	ck_assert_int_eq(mr_nic_info(rig.stack, RIG_NIC, &info), 0);
	ck_assert_uint_eq(info.flags & MR_NIC_F_UP, 0);
	ck_assert(!rig.started);
	rig_expect_none_for(&rig, 20 * RIG_S);
	rig_expect_no_drop(&rig);
	rig.link.ops = good;
	ck_assert_int_eq(mr_nic_enable(rig.stack, RIG_NIC), 0);
	rig_expect_group(&rig, fam->report, fam->group);
}
END_TEST

START_TEST(nic_removed)
{
	fam = &families[_i];
	ck_assert_int_eq(join(fam->group), 0);
	ck_assert_int_eq(mr_nic_remove(rig.stack, RIG_NIC), 0);
	rig_discard(&rig);
	rig_expect_none_for(&rig, 20 * RIG_S);
}
END_TEST

START_TEST(nothing_of_a_loopback_nic)
{
	struct rig_opts o = {.caps = MR_LINK_CAP_LOOPBACK, .no_addr = true};
	struct mr_subnet sn = {.addr = _i ? rig.addr6 : rig.addr4, .plen = _i ? 64 : 24};

	fam = &families[_i];
	restart(&o);
	ck_assert_int_eq(mr_addr_add(rig.stack, RIG_NIC, &sn, MR_PEB_CAN_BE_PRIMARY), 0);
	ck_assert_int_eq(join(fam->group), 0);
	query(NULL, fam->per_s);
	ck_assert_int_eq(leave(fam->group), 0);
	rig_advance(&rig, 20 * RIG_S);
	while (rig_peek(&rig))
		ck_assert_msg(rig_peek(&rig)->kind != RIG_IGMP && rig_next(&rig)->kind != RIG_MLD, "reported");
	ck_assert_uint_eq(rig_moved(&rig, MR_CNT_GROUP_TX_REPORTS), 0);
	ck_assert_uint_eq(rig_moved(&rig, MR_CNT_GROUP_TX_LEAVES), 0);
}
END_TEST

/* Out of packets: lost, counted, and said again at the next occasion. */
START_TEST(no_packets_left)
{
	static struct rte_mbuf *all[4096];
	unsigned n;

	fam = &families[_i];
	mr_stash_flush(&rig.stack->tx_stash);
	n = rte_mempool_avail_count(rig.stack->tx_pool);
	ck_assert_int_eq(rte_pktmbuf_alloc_bulk(rig.stack->tx_pool, all, n), 0);
	ck_assert_int_eq(join(fam->group), 0);
	rig_expect_drop(&rig, MR_DROP_NO_TX_MBUF);
	ck_assert_uint_eq(rig_moved(&rig, MR_CNT_GROUP_TX_REPORTS), 0);
	rte_pktmbuf_free_bulk(all, n);
	report_within(fam->group, UNSOLICITED_NS);
}
END_TEST

/* Without a protocol that knows the link addresses of IPv4 groups nothing can be sent to one; IPv6 brings its own. */
START_TEST(no_resolver)
{
	static const char *const nets[] = {"ipv4", "ipv6", NULL};
	struct rig_opts o = {.stack.net_protos = nets, .no_addr = true};

	restart(&o);
	fam = &families[1];
	ck_assert_int_eq(join(families[0].group), 0);
	rig_expect_drop(&rig, MR_DROP_NEIGH_FAILED);
	rig_expect_none(&rig);
	ck_assert_int_eq(join(fam->group), 0);
	rig_expect_group(&rig, fam->report, fam->group);
}
END_TEST

/* ---- members on this host (B-43) */

struct member {
	struct mr_sockaddr bind;
	int64_t nic;      /* MR_OPT_BINDNIC */
	bool connected;   /* to somebody: hears nobody else */
	unsigned hears;   /* of the four datagrams */
	struct mr_ep *ep;
};

static void
member_up(struct member *m, bool v6)
{
	struct mr_sockaddr peer = rig_peer(&rig, v6, 9);

	ck_assert_int_eq(mr_ep_create(rig.stack, MR_TRANS_UDP, v6 ? MR_NET_IPV6 : MR_NET_IPV4, &m->ep), 0);
	ck_assert_int_eq(mr_ep_setopt(m->ep, MR_OPT_REUSEADDR, 1), 0);
	ck_assert_int_eq(mr_ep_setopt(m->ep, MR_OPT_BINDNIC, m->nic), 0);
	m->bind.port = m->bind.port ? m->bind.port : 7;
	ck_assert_int_eq(mr_ep_bind(m->ep, &m->bind), 0);
	if (m->connected)
		ck_assert_int_eq(mr_ep_connect(m->ep, &peer), 0);
}

static void
member_down(struct member *m, unsigned i)
{
	unsigned n = 0;
	char buf[16];

	while (mr_ep_recv(m->ep, buf, sizeof(buf), NULL) > 0)
		n++;
	ck_assert_msg(n == m->hears, "member %u heard %u datagrams, not %u", i, n, m->hears);
	mr_ep_close(m->ep);
}

/* Two datagrams from the wire and two of our own, of each one to the group and one to another joined group. */
START_TEST(every_member_hears)
{
	struct mr_sockaddr to, to_other;
	struct mr_ep *sender;

	fam = &families[_i];
	settle(fam->group);
	settle(fam->other);
	to = (struct mr_sockaddr){.addr = rig_addr(fam->group), .port = 7, .nic = RIG_NIC};
	to_other = (struct mr_sockaddr){.addr = rig_addr(fam->other), .port = 7, .nic = RIG_NIC};
	struct member members[] = {
		{.hears = 4},
		{.hears = 4, .nic = RIG_NIC},
		{.bind.addr = to.addr, .hears = 2},
		{.bind.addr = to.addr, .hears = 2, .nic = RIG_NIC},
		{.bind.addr = to_other.addr, .hears = 2},
		{.bind.addr = _i ? rig.addr6 : rig.addr4, .hears = 0},
		{.bind.port = 8, .hears = 0},
		{.connected = true, .hears = 0},
	};
	for (unsigned i = 0; i < RTE_DIM(members); i++)
		member_up(&members[i], _i);
	rig_push_udp(&rig, .ip.dst = to.addr, .len = 3);
	rig_push_udp(&rig, .ip.dst = to_other.addr, .len = 3);
	/* Bound to the port itself, it hears its own words, unless it does not want to: then nobody here does. */
	sender = members[0].ep;
	ck_assert_int_eq(mr_ep_sendto(sender, "loop", 4, &to), 4);
	ck_assert_int_eq(mr_ep_sendto(sender, "loop", 4, &to_other), 4);
	ck_assert_int_eq(mr_ep_setopt(sender, MR_OPT_MULTICAST_LOOP, 0), 0);
	ck_assert_int_eq(mr_ep_sendto(sender, "wire", 4, &to), 4);
	rig_expect_udp(&rig, 7, 7, "loop", 4);
	rig_expect_udp(&rig, 7, 7, "loop", 4);
	rig_expect_udp(&rig, 7, 7, "wire", 4);
	rig_expect_none(&rig);
	for (unsigned i = 0; i < RTE_DIM(members); i++)
		member_down(&members[i], i);
	rig_expect_no_drop(&rig);
}
END_TEST

/* A group is joined on a NIC: what is sent to it on another one, or after leaving, reaches nobody. */
START_TEST(nobody_hears)
{
	struct member m = {.hears = 0};
	struct mr_sockaddr to;

	fam = &families[_i];
	to = (struct mr_sockaddr){.addr = rig_addr(fam->group), .port = 7, .nic = RIG_NIC};
	member_up(&m, _i);
	settle(fam->group);
	ck_assert_int_eq(leave(fam->group), 0);
	rig_discard(&rig);
	rig_push_udp(&rig, .ip.dst = to.addr, .len = 3);
	rig_expect_drop(&rig, MR_DROP_IP_NOT_OURS);
	ck_assert_int_eq(mr_ep_sendto(m.ep, "x", 1, &to), 1);
	rig_expect_udp(&rig, 7, 7, "x", 1);
	member_down(&m, 0);
	rig_expect_drop(&rig, MR_DROP_IP_NOT_OURS);
}
END_TEST

static Suite *
suite(void)
{
	Suite *s = suite_create("groups");
	TCase *tc = rig_case(s, "groups", setup, rig_teardown);

	tcase_add_loop_test(tc, joining_is_reported_twice, 0, 2);
	tcase_add_loop_test(tc, unsolicited_delay, 0, 2);
	tcase_add_loop_test(tc, members_are_counted, 0, 2);
	tcase_add_loop_test(tc, leaving_at_once, 0, 2);
	tcase_add_loop_test(tc, joining_again, 0, 2);
	tcase_add_loop_test(tc, another_member_reports, 0, 2);
	tcase_add_loop_test(tc, suppression_is_by_group, 0, 2);
	tcase_add_loop_test(tc, nic_down_and_up, 0, 2);
	tcase_add_loop_test(tc, changes_while_the_nic_is_down, 0, 2);
	tcase_add_loop_test(tc, nic_refused, 0, 2);
	tcase_add_loop_test(tc, nic_removed, 0, 2);
	tcase_add_loop_test(tc, nothing_of_a_loopback_nic, 0, 2);
	tcase_add_loop_test(tc, no_packets_left, 0, 2);
	tcase_add_test(tc, no_resolver);
	tcase_add_loop_test(tc, every_member_hears, 0, 2);
	tcase_add_loop_test(tc, nobody_hears, 0, 2);
	return s;
}

RIG_MAIN(suite)
