/* SPDX-License-Identifier: Apache-2.0 */
/*
 * UDP: copies for all members of a group, ports shared, and endpoints whose NIC, address or route changes (UD-, B-43, SS-).
 */
#include <errno.h>

#include <rte_mbuf.h>

#include "stack/nic.h"
#include "stack/port.h"
#include "stack/stack.h"
#include "udp_peer.h"

/* ---- groups */

/* Join, and be past the reports of it. */
static void
join(const struct mr_addr *group)
{
	ck_assert_int_eq(mr_group_join(rig.stack, RIG_NIC, group), 0);
	rig_advance(&rig, 10 * RIG_S);
	rig_discard(&rig);
}

/* B-43: one datagram, a copy for each who can take it, whole and apart from each other. */
START_TEST(copies_for_everybody)
{
	const char *group = _i == 0 ? "224.1.2.3" : _i == 1 ? "10.0.0.255" : "ff02::1:3";
	struct mr_addr dst = rig_addr(group);
	struct mr_ep *ep[3], *other = bound(_i == 2, 8);
	uint8_t buf[256];

	if (_i != 1)
		join(&dst);
	for (int i = 0; i < 3; i++) {
		ep[i] = make(_i == 2);
		ck_assert_int_eq(mr_ep_setopt(ep[i], MR_OPT_REUSEADDR, 1), 0);
		ck_assert_int_eq(mr_ep_bind(ep[i], &(struct mr_sockaddr){.port = 7}), 0);
	}
	rig.rx_seg_bytes = 60;
	rig_push_udp(&rig, .ip.dst = dst, .len = 100);
	rig_poll(&rig);
	for (int i = 0; i < 3; i++) {
		ck_assert_int_eq(mr_ep_recv(ep[i], buf, sizeof(buf), NULL), 100);
		ck_assert_uint_eq(rig_pattern_check(buf, 0, 100), 100);
		ck_assert_int_eq(mr_ep_recv(ep[i], buf, sizeof(buf), NULL), -EAGAIN);
		mr_ep_close(ep[i]);
	}
	ck_assert_int_eq(mr_ep_recv(other, buf, sizeof(buf), NULL), -EAGAIN);
	ck_assert_uint_eq(rig_moved(&rig, MR_CNT_UDP_RX_DATAGRAMS), 3);
	mr_ep_close(other);
	rig_expect_no_drop(&rig);
	rig_expect_none(&rig);
}
END_TEST

/* Bound to the group itself: its datagrams and no others, and it is no source. */
START_TEST(bound_to_a_group)
{
	struct mr_sockaddr group = {.addr = rig_addr("224.1.2.3"), .port = 7}, to = rig_peer(&rig, false, 9);
	struct mr_ep *ep = make(false);

	join(&group.addr);
	ck_assert_int_eq(mr_ep_bind(ep, &group), 0);
	rig_push_udp(&rig, .len = 1);
	rig_expect_icmp(&rig, false, 3, 3);
	rig_push_udp(&rig, .ip.dst = group.addr, .len = 1);
	rig_poll(&rig);
	ck_assert_uint_eq(mr_ep_readiness(ep) & MR_EV_IN, MR_EV_IN);
	ck_assert_int_eq(mr_ep_sendto(ep, "x", 1, &to), 1);
	ck_assert(mr_addr_equal(&rig_expect(&rig, RIG_UDP)->src, &rig.addr4));
	mr_ep_close(ep);
}
END_TEST

/* B-43: TTL 1 unless said otherwise, and members here hear it, unless they are not to. */
START_TEST(multicast_options)
{
	struct mr_sockaddr group = {.addr = rig_addr(_i ? "ff05::77" : "239.1.2.3"), .port = 7, .nic = RIG_NIC};
	struct mr_ep *ep = bound(_i, 4000), *member = bound(_i, 7);
	struct mr_sockaddr from;
	char buf[8];

	ck_assert_int_eq(mr_ep_sendto(ep, "0", 1, &group), 1);
	ck_assert_uint_eq(rig_expect(&rig, RIG_UDP)->ttl, 1);
	ck_assert_int_eq(mr_ep_recv(member, buf, sizeof(buf), NULL), -EAGAIN); /* not joined */
	join(&group.addr);
	ck_assert_int_eq(mr_ep_setopt(ep, MR_OPT_MULTICAST_TTL, 5), 0);
	ck_assert_int_eq(mr_ep_setopt(ep, MR_OPT_TTL, 99), 0);
	ck_assert_int_eq(mr_ep_sendto(ep, "1", 1, &group), 1);
	ck_assert_uint_eq(rig_expect_udp(&rig, 4000, 7, "1", 1)->ttl, 5);
	ck_assert_int_eq(mr_ep_recv(member, buf, sizeof(buf), &from), 1);
	ck_assert(mr_addr_equal(&from.addr, _i ? &rig.addr6 : &rig.addr4) && from.port == 4000);
	ck_assert_int_eq(mr_ep_setopt(ep, MR_OPT_MULTICAST_LOOP, 0), 0);
	ck_assert_int_eq(mr_ep_sendto(ep, "2", 1, &group), 1);
	rig_expect_udp(&rig, 4000, 7, "2", 1);
	ck_assert_int_eq(mr_ep_recv(member, buf, sizeof(buf), &from), -EAGAIN);
	/* TTL 0 stays on this host. */
	ck_assert_int_eq(mr_ep_setopt(ep, MR_OPT_MULTICAST_LOOP, 1), 0);
	ck_assert_int_eq(mr_ep_setopt(ep, MR_OPT_MULTICAST_TTL, 0), 0);
	ck_assert_int_eq(mr_ep_sendto(ep, "3", 1, &group), 1);
	rig_expect_none(&rig);
	ck_assert_int_eq(mr_ep_recv(member, buf, sizeof(buf), &from), 1);
	rig_expect_no_drop(&rig);
	mr_ep_close(ep);
	mr_ep_close(member);
}
END_TEST

/* B-10: endpoints that share a port spread the tuples, each tuple to one of them. */
START_TEST(reuse_port)
{
	struct mr_ep *ep[2], *third = make(false);
	unsigned got[2] = {0};
	char buf[8];

	for (int i = 0; i < 2; i++) {
		ep[i] = make(false);
		ck_assert_int_eq(mr_ep_setopt(ep[i], MR_OPT_REUSEPORT, 1), 0);
		ck_assert_int_eq(mr_ep_bind(ep[i], &(struct mr_sockaddr){.port = 7}), 0);
		ck_assert_int_eq(mr_ep_setopt(ep[i], MR_OPT_REUSEPORT, 0), -EINVAL);
	}
	ck_assert_int_eq(mr_ep_bind(third, &(struct mr_sockaddr){.port = 7}), -EADDRINUSE);
	for (uint16_t i = 0; i < 64; i++) {
		int who = -1;

		rig_push_udp(&rig, .sport = 1000 + i, .len = 1);
		rig_push_udp(&rig, .sport = 1000 + i, .len = 1);
		rig_poll(&rig);
		for (int k = 0; k < 2; k++) {
			if (mr_ep_recv(ep[k], buf, sizeof(buf), NULL) != 1)
				continue;
			ck_assert_int_eq(who, -1);
			who = k;
			ck_assert_int_eq(mr_ep_recv(ep[k], buf, sizeof(buf), NULL), 1);
		}
		ck_assert_int_ge(who, 0);
		got[who]++;
	}
	ck_assert_uint_gt(got[0], 16);
	ck_assert_uint_gt(got[1], 16);
	mr_ep_close(ep[0]);
	mr_ep_close(ep[1]);
	mr_ep_close(third);
}
END_TEST

/* B-9, SS-1: who is bound to a NIC has its datagrams before who is not, a connected one of no NIC included. */
START_TEST(bound_to_a_nic)
{
	struct mr_ep *global = make(false), *nic = make(false), *wrong = make(false);
	struct mr_link *a, *b;
	char buf[8];

	ck_assert_int_eq(mr_pair_create(rig.stack->rx_pool, rig.stack->rx_pool, 1500, 16, &a, &b), 0);
	ck_assert_int_eq(mr_nic_create(rig.stack, 2, "other", a), 0);
	ck_assert_int_eq(mr_ep_setopt(nic, MR_OPT_BINDNIC, 9), -EINVAL);
	ck_assert_int_eq(mr_ep_setopt(nic, MR_OPT_BINDNIC, RIG_NIC), 0);
	ck_assert_int_eq(mr_ep_setopt(wrong, MR_OPT_BINDNIC, 2), 0);
	ck_assert_int_eq(mr_ep_setopt(global, MR_OPT_REUSEPORT, 1), 0);
	ck_assert_int_eq(mr_ep_setopt(nic, MR_OPT_REUSEPORT, 1), 0);
	ck_assert_int_eq(mr_ep_setopt(wrong, MR_OPT_REUSEPORT, 1), 0);
	ck_assert_int_eq(mr_ep_bind(global, &(struct mr_sockaddr){.port = 7}), 0);
	ck_assert_int_eq(mr_ep_bind(nic, &(struct mr_sockaddr){.port = 7}), 0);
	ck_assert_int_eq(mr_ep_bind(wrong, &(struct mr_sockaddr){.port = 7}), 0);
	ck_assert_int_eq(mr_ep_setopt(nic, MR_OPT_BINDNIC, 0), -EINVAL);
	for (uint16_t i = 0; i < 8; i++)
		rig_push_udp(&rig, .sport = 100 + i, .len = 1);
	rig_poll(&rig);
	for (int i = 0; i < 8; i++)
		ck_assert_int_eq(mr_ep_recv(nic, buf, sizeof(buf), NULL), 1);
	mr_ep_close(nic);
	rig_push_udp(&rig, .len = 1);
	rig_poll(&rig);
	ck_assert_int_eq(mr_ep_recv(global, buf, sizeof(buf), NULL), 1);
	ck_assert_int_eq(mr_ep_recv(wrong, buf, sizeof(buf), NULL), -EAGAIN);
	mr_ep_close(global);
	mr_ep_close(wrong);
	ck_assert_int_eq(mr_nic_remove(rig.stack, 2), 0);
	mr_link_close(a);
	mr_link_close(b);
}
END_TEST

/* ---- routes that change */

/* A removed address is not a source any more, a removed NIC no way: clean errors, nothing lost twice. */
START_TEST(address_removed)
{
	struct mr_subnet second = {.addr = rig_addr("10.0.0.8"), .plen = 24};
	struct mr_sockaddr to = rig_peer(&rig, false, 9);
	struct mr_ep *ep = make(false), *con = connected(false, 4000, 9);

	ck_assert_int_eq(mr_addr_add(rig.stack, RIG_NIC, &second, MR_PEB_CAN_BE_PRIMARY), 0);
	rig_discard(&rig);
	ck_assert_int_eq(mr_ep_sendto(ep, "x", 1, &to), 1);
	ck_assert(mr_addr_equal(&rig_expect(&rig, RIG_UDP)->src, &rig.addr4));
	ck_assert_int_eq(mr_addr_remove(rig.stack, RIG_NIC, &rig.addr4), 0);
	ck_assert_int_eq(mr_ep_sendto(ep, "x", 1, &to), 1);
	ck_assert(mr_addr_equal(&rig_expect(&rig, RIG_UDP)->src, &second.addr));
	/* The connected one keeps its own until it is closed (SS-8). */
	ck_assert_int_eq(mr_ep_send(con, "x", 1), 1);
	ck_assert(mr_addr_equal(&rig_expect(&rig, RIG_UDP)->src, &rig.addr4));
	mr_ep_close(ep);
	mr_ep_close(con);
}
END_TEST

START_TEST(nic_removed)
{
	struct mr_ep *ep = connected(_i, 4000, 9);
	struct mr_sockaddr to = rig_peer(&rig, _i, 9), name;

	ck_assert_int_eq(mr_ep_send(ep, "x", 1), 1);
	ck_assert_int_eq(mr_nic_remove(rig.stack, RIG_NIC), 0);
	rig_poll(&rig); /* what waited is dropped with a reason */
	ck_assert_uint_eq(rig_moved(&rig, MR_DROP_IP_NO_ROUTE), 1);
	ck_assert_int_lt(mr_ep_send(ep, "x", 1), 0);
	ck_assert_int_lt(mr_ep_sendto(ep, "x", 1, &to), 0);
	ck_assert_int_eq(mr_ep_local_name(ep, &name), 0);
	mr_ep_close(ep);
}
END_TEST

static Suite *
suite(void)
{
	Suite *s = suite_create("udp_groups");
	TCase *tc = rig_case(s, "udp", rig_setup, rig_teardown);

	tcase_add_loop_test(tc, copies_for_everybody, 0, 3);
	tcase_add_test(tc, bound_to_a_group);
	tcase_add_loop_test(tc, multicast_options, 0, 2);
	tcase_add_test(tc, reuse_port);
	tcase_add_test(tc, bound_to_a_nic);
	tcase_add_test(tc, address_removed);
	tcase_add_loop_test(tc, nic_removed, 0, 2);
	return s;
}

RIG_MAIN(suite)
