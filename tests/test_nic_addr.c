/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Local addresses of NICs, promiscuous and spoofing NICs, subnets, broadcast and groups, on protocols and links of the test's
 * own.
 */
#include "fakestack.h"

/* ---- addresses */

START_TEST(addr_errors)
{
	struct mr_subnet bad = {.addr = fk_addr("10.0.0.9"), .plen = 33};
	struct mr_addr a = fk_addr("10.0.0.9");

	fk_nic(1);
	ck_assert_int_eq(fk_add(9, "10.0.0.1/24", 0), -ENODEV);
	ck_assert_int_eq(fk_add(1, "0.0.0.0/24", 0), -EINVAL);
	ck_assert_int_eq(fk_add(1, "::/64", 0), -EINVAL);
	ck_assert_int_eq(fk_add(1, "224.0.0.1/24", 0), -EINVAL);
	ck_assert_int_eq(fk_add(1, "ff02::1/64", 0), -EINVAL);
	ck_assert_int_eq(fk_add(1, "255.255.255.255/32", 0), -EINVAL);
	ck_assert_int_eq(mr_addr_add(fk.s, 1, &bad, 0), -EINVAL);
	ck_assert_int_eq(fk_add(1, "10.0.0.1/24", 0), 0);
	ck_assert_int_eq(fk_add(1, "10.0.0.1/24", 0), -EEXIST);
	ck_assert_int_eq(fk_add(1, "10.0.0.1/16", 0), -EEXIST);
	ck_assert_int_eq(mr_addr_remove(fk.s, 9, &a), -ENODEV);
	ck_assert_int_eq(mr_addr_remove(fk.s, 1, &a), -EADDRNOTAVAIL);
	ck_assert_int_eq(mr_stack_check_local_address(fk.s, 0, &a), 0);
	a = fk_addr("10.0.0.1");
	ck_assert_int_eq(mr_stack_check_local_address(fk.s, 0, &a), 1);
	ck_assert_int_eq(mr_stack_check_local_address(fk.s, 1, &a), 1);
	ck_assert_int_eq(mr_stack_check_local_address(fk.s, 2, &a), 0);
}
END_TEST

START_TEST(addr_without_protocol)
{
	const char *const nets[] = {"fk4", "fkctl", NULL};
	struct mr_stack_opts o = fk_opts();
	struct fk_link *k = fk_link_make();
	struct mr_subnet six = fk_subnet("fd00::1/64"), four = fk_subnet("10.0.0.1/24");
	struct mr_addr group = fk_addr("ff02::5");
	struct mr_stack *s;

	o.net_protos = nets;
	ck_assert_int_eq(mr_stack_create(&o, &s), 0);
	ck_assert_int_eq(mr_nic_create(s, 1, "x", &k->link), 0);
	ck_assert_int_eq(mr_addr_add(s, 1, &six, 0), -EPROTONOSUPPORT);
	ck_assert_int_eq(mr_subnet_add(s, 1, &six), -EPROTONOSUPPORT);
	ck_assert_int_eq(mr_group_join(s, 1, &group), -EPROTONOSUPPORT);
	ck_assert_int_eq(mr_addr_add(s, 1, &four, 0), 0);
	mr_stack_destroy(s);
}
END_TEST

/* A protocol that does not want the address leaves nothing behind. */
START_TEST(addr_open_fails)
{
	struct fk_link *k = fk_nic(1);
	struct mr_nic_info i;
	struct mr_route_entry row;
	struct mr_addr bcast = fk_addr("10.0.0.255");

	fk.open_err = -EDOM;
	ck_assert_int_eq(fk_add(1, "10.0.0.1/24", 0), -EDOM);
	mr_nic_info(fk.s, 1, &i);
	ck_assert_uint_eq(i.n_addrs, 0);
	ck_assert_uint_eq(mr_route_table_get(fk.s, &row, 1), 0);
	ck_assert(!mr_nic_is_broadcast(mr_nic_find(fk.s, 1), &bcast));
	ck_assert(!fk_receives(k, "10.0.0.1"));
	ck_assert_uint_eq(fk.s->netep_pool.used, 0);
	fk.open_err = 0;
	ck_assert_int_eq(fk_add(1, "10.0.0.1/24", 0), 0);
	ck_assert(fk_receives(k, "10.0.0.1"));
}
END_TEST

/* B-4 */
START_TEST(b4_remove_stops_reception)
{
	struct fk_link *k = fk_nic(1);
	struct mr_route r;
	unsigned neteps;

	fk_add(1, "10.0.0.1/24", 0);
	fk_add(1, "10.0.0.2/24", 0);
	ck_assert(fk_receives(k, "10.0.0.1"));
	ck_assert_int_eq(fk_find(0, "10.0.0.1", "10.0.0.9", &r), 0);
	neteps = fk.s->netep_pool.used;
	ck_assert_int_eq(fk_remove(1, "10.0.0.1"), 0);
	ck_assert_int_eq(fk.closed, 1);
	ck_assert(!fk_receives(k, "10.0.0.1"));
	ck_assert(fk_receives(k, "10.0.0.2"));
	ck_assert_int_eq(fk_remove(1, "10.0.0.1"), -EADDRNOTAVAIL);
	ck_assert_uint_eq(fk.s->netep_pool.used, neteps);
	mr_route_release(&r);
	ck_assert_uint_eq(fk.s->netep_pool.used, neteps - 1);
	mr_route_release(&r);
}
END_TEST

/* SS-8: what flows hold drains, and is the same object when the address comes back. */
START_TEST(ss8_expired_and_promoted)
{
	struct fk_link *k = fk_nic(1);
	struct mr_route r, again;
	struct mr_subnet main_addr;
	struct fk_net h;
	uint16_t id;

	fk_add(1, "10.0.0.1/24", 0);
	fk_add(1, "10.0.0.2/24", 0);
	ck_assert_int_eq(fk_find(0, "10.0.0.1", "10.0.0.9", &r), 0);
	id = r.local->id;
	fk_remove(1, "10.0.0.1");
	ck_assert_int_eq(r.local->kind, MR_NETEP_EXPIRED);
	ck_assert_int_eq(fk_find(0, "10.0.0.1", "10.0.0.9", &again), -EADDRNOTAVAIL);
	/* Still a source for those who hold it. */
	mr_neigh_add(fk.s, 1, &r.remote, &(struct mr_lladdr){.b = {1}, .len = 6});
	ck_assert_int_eq(fk_send(&r, 1, 2, 3), 0);
	fk_poll();
	h = fk_tx_net(k, 0);
	ck_assert_mem_eq(h.src, &r.local->addr, 16);
	/* Added again: promoted, with the new place in the order of sources. */
	ck_assert_int_eq(fk_add(1, "10.0.0.1/16", MR_PEB_FIRST_PRIMARY), 0);
	ck_assert_int_eq(r.local->kind, MR_NETEP_PERMANENT);
	ck_assert_uint_eq(r.local->id, id);
	ck_assert_int_eq(mr_nic_main_address(fk.s, 1, MR_NET_IPV4, &main_addr), 0);
	ck_assert_addr(&main_addr.addr, "10.0.0.1");
	ck_assert_uint_eq(main_addr.plen, 16);
	ck_assert(fk_receives(k, "10.0.0.1"));
	ck_assert_int_eq(mr_route_check(fk.s, &r), 0);
	mr_route_release(&r);
	ck_assert(fk_receives(k, "10.0.0.1"));
}
END_TEST

/* Ids are not given to others while someone holds the address. */
START_TEST(ids_are_not_reused)
{
	struct mr_route r;
	uint16_t id;

	fk_nic(1);
	fk_add(1, "10.0.0.1/24", 0);
	ck_assert_int_eq(fk_find(0, "10.0.0.1", "10.0.0.9", &r), 0);
	id = r.local->id;
	fk_remove(1, "10.0.0.1");
	for (unsigned i = 2; i < 50; i++) {
		struct mr_subnet n = {.addr = mr_addr_v4(0x0a000000 + i), .plen = 32};

		ck_assert_int_eq(mr_addr_add(fk.s, 1, &n, 0), 0);
		ck_assert_uint_ne(mr_nic_netep_find(mr_nic_find(fk.s, 1), &n.addr)->id, id);
	}
	ck_assert_ptr_eq(mr_netep_by_id(fk.s, id), r.local);
	mr_route_release(&r);
	ck_assert_ptr_null(mr_netep_by_id(fk.s, id));
	ck_assert_ptr_null(mr_netep_by_id(fk.s, 0));
}
END_TEST

/* B-5, SS-6 */
START_TEST(b5_promiscuous)
{
	struct fk_link *k = fk_nic(1);
	unsigned neteps;
	struct mr_subnet main_addr;

	fk_add(1, "10.0.0.1/24", 0);
	neteps = fk.s->netep_pool.used;
	ck_assert(!fk_receives(k, "10.7.7.7"));
	ck_assert_int_eq(mr_nic_set_promisc(fk.s, 1, true), 0);
	ck_assert(k->promisc);
	ck_assert(fk_receives(k, "10.7.7.7"));
	ck_assert_addr(&fk.seen[fk.n_seen - 1].addr, "10.7.7.7");
	ck_assert_int_eq(fk.seen[fk.n_seen - 1].kind, MR_NETEP_TEMPORARY);
	ck_assert(fk_receives(k, "fd00::7"));
	/* Groups that nobody joined stay out, and no broadcast becomes an address. */
	ck_assert(!fk_receives(k, "224.0.0.7"));
	ck_assert(fk_receives(k, "10.0.0.255"));
	ck_assert_addr(&fk.seen[fk.n_seen - 1].addr, "10.0.0.1");
	/* Gone with the turn; never a source of choice, even meanwhile. */
	ck_assert_uint_eq(fk.s->netep_pool.used, neteps);
	ck_assert_int_eq(fk_remove(1, "10.0.0.1"), 0);
	ck_assert(fk_receives(k, "10.7.7.7"));
	ck_assert_int_eq(mr_nic_main_address(fk.s, 1, MR_NET_IPV4, &main_addr), -EADDRNOTAVAIL);
	ck_assert_int_eq(mr_nic_set_promisc(fk.s, 1, false), 0);
	ck_assert(!k->promisc);
	ck_assert(!fk_receives(k, "10.7.7.7"));
	k->promisc_err = -EIO;
	ck_assert_int_eq(mr_nic_set_promisc(fk.s, 1, true), -EIO);
	ck_assert(!fk_receives(k, "10.7.7.7"));
}
END_TEST

/* A flow that was made by a received packet holds the foreign address and answers from it. */
static struct mr_route held;

static void
hold_route(struct mr_netep *ep)
{
	struct mr_addr remote = fk_addr("10.0.0.9");

	if (held.local)
		return;
	/* As a transport does it: the address is held by the flow, and a configured one would be found. */
	held = (struct mr_route){.local = ep, .remote = remote};
	mr_netep_hold(ep);
}

START_TEST(b5_reply_from_foreign)
{
	struct fk_link *k = fk_nic(1);
	unsigned neteps;
	struct fk_net h;

	fk_add(1, "10.0.0.1/24", 0);
	neteps = fk.s->netep_pool.used;
	mr_nic_set_promisc(fk.s, 1, true);
	fk.on_input = hold_route;
	ck_assert(fk_receives(k, "10.7.7.7"));
	fk.on_input = NULL;
	ck_assert_uint_eq(fk.s->netep_pool.used, neteps + 1);
	mr_neigh_add(fk.s, 1, &held.remote, &(struct mr_lladdr){.b = {1}, .len = 6});
	ck_assert_int_eq(fk_send(&held, 1, 2, 0), 0);
	fk_poll();
	h = fk_tx_net(k, 0);
	ck_assert_mem_eq(h.src, fk_addr("10.7.7.7").b, 16);
	/* The mode goes off: held or not, nothing comes in. */
	mr_nic_set_promisc(fk.s, 1, false);
	ck_assert(!fk_receives(k, "10.7.7.7"));
	/* Made a configured address, the same object is permanent. */
	ck_assert_int_eq(fk_add(1, "10.7.7.7/32", 0), 0);
	ck_assert_int_eq(held.local->kind, MR_NETEP_PERMANENT);
	mr_route_release(&held);
	ck_assert(fk_receives(k, "10.7.7.7"));
}
END_TEST

/* B-7 */
START_TEST(b7_subnets)
{
	struct fk_link *k = fk_nic(1);
	struct mr_subnet n = fk_subnet("10.5.0.77/16"), six = fk_subnet("fd05::/16"), bad = {.addr = n.addr, .plen = 40};

	ck_assert_int_eq(mr_subnet_add(fk.s, 9, &n), -ENODEV);
	ck_assert_int_eq(mr_subnet_add(fk.s, 1, &bad), -EINVAL);
	ck_assert_int_eq(mr_subnet_add(fk.s, 1, &n), 0);
	ck_assert_int_eq(mr_subnet_add(fk.s, 1, &n), 0);
	ck_assert_int_eq(mr_subnet_add(fk.s, 1, &six), 0);
	ck_assert(fk_receives(k, "10.5.1.2"));
	ck_assert(fk_receives(k, "fd05::3"));
	ck_assert(!fk_receives(k, "10.6.1.2"));
	ck_assert(!fk_receives(k, "fd06::3"));
	ck_assert_uint_eq(fk.s->netep_pool.used, 0);
	/* Removes all equal ones; host bits do not count; absent is no error. */
	n = fk_subnet("10.5.0.0/16");
	ck_assert_int_eq(mr_subnet_remove(fk.s, 9, &n), -ENODEV);
	ck_assert_int_eq(mr_subnet_remove(fk.s, 1, &n), 0);
	ck_assert(!fk_receives(k, "10.5.1.2"));
	ck_assert(fk_receives(k, "fd05::3"));
	ck_assert_int_eq(mr_subnet_remove(fk.s, 1, &n), 0);
}
END_TEST

/* B-8, SS-4, SS-5: one that is never primary is named when there is no other, and not before. */
START_TEST(b8_main_address)
{
	struct mr_subnet a;

	fk_nic(1);
	ck_assert_int_eq(mr_nic_main_address(fk.s, 9, MR_NET_IPV4, &a), -ENODEV);
	ck_assert_int_eq(mr_nic_main_address(fk.s, 1, MR_NET_IPV4, &a), -EADDRNOTAVAIL);
	fk_add(1, "10.0.0.1/24", MR_PEB_NEVER_PRIMARY);
	fk_add(1, "fd00::1/64", MR_PEB_CAN_BE_PRIMARY);
	ck_assert_int_eq(mr_nic_main_address(fk.s, 1, MR_NET_IPV4, &a), 0);
	ck_assert_addr(&a.addr, "10.0.0.1");
	fk_add(1, "10.0.0.2/24", MR_PEB_CAN_BE_PRIMARY);
	fk_add(1, "10.0.0.3/25", MR_PEB_CAN_BE_PRIMARY);
	ck_assert_int_eq(mr_nic_main_address(fk.s, 1, MR_NET_IPV4, &a), 0);
	ck_assert_addr(&a.addr, "10.0.0.2");
	ck_assert_uint_eq(a.plen, 24);
	fk_add(1, "10.0.0.4/24", MR_PEB_FIRST_PRIMARY);
	fk_add(1, "10.0.0.5/24", MR_PEB_FIRST_PRIMARY);
	mr_nic_main_address(fk.s, 1, MR_NET_IPV4, &a);
	ck_assert_addr(&a.addr, "10.0.0.5");
	fk_remove(1, "10.0.0.5");
	mr_nic_main_address(fk.s, 1, MR_NET_IPV4, &a);
	ck_assert_addr(&a.addr, "10.0.0.4");
	fk_remove(1, "10.0.0.4");
	mr_nic_main_address(fk.s, 1, MR_NET_IPV4, &a);
	ck_assert_addr(&a.addr, "10.0.0.2");
	fk_remove(1, "10.0.0.2");
	mr_nic_main_address(fk.s, 1, MR_NET_IPV4, &a);
	ck_assert_addr(&a.addr, "10.0.0.3");
	ck_assert_uint_eq(a.plen, 25);
	fk_remove(1, "10.0.0.3");
	mr_nic_main_address(fk.s, 1, MR_NET_IPV4, &a);
	ck_assert_addr(&a.addr, "10.0.0.1");
	fk_remove(1, "10.0.0.1");
	ck_assert_int_eq(mr_nic_main_address(fk.s, 1, MR_NET_IPV4, &a), -EADDRNOTAVAIL);
	ck_assert_int_eq(mr_nic_main_address(fk.s, 1, MR_NET_IPV6, &a), 0);
	ck_assert_addr(&a.addr, "fd00::1");
}
END_TEST

/* B-14 */
START_TEST(b14_broadcast)
{
	struct fk_link *k = fk_nic(1);
	static const struct {
		const char *addr, *bcast;
		bool is;
	} rows[] = {
		{"10.0.0.1/24", "10.0.0.255", true}, {"10.1.0.1/30", "10.1.0.3", true},    {"10.2.0.0/31", "10.2.0.1", false},
		{"10.3.0.1/32", "10.3.0.1", false},  {"10.4.0.1/16", "10.4.0.255", false}, {"10.5.0.1/16", "10.5.255.255", true},
		{"10.6.0.1/9", "10.127.255.255", true},
	};
	struct mr_nic *nic = mr_nic_find(fk.s, 1);
	struct mr_addr limited = fk_addr("255.255.255.255");

	ck_assert(mr_nic_is_broadcast(nic, &limited));
	ck_assert(!fk_receives(k, "255.255.255.255"));
	for (unsigned i = 0; i < RTE_DIM(rows); i++) {
		struct mr_addr b = fk_addr(rows[i].bcast);

		ck_assert_int_eq(fk_add(1, rows[i].addr, 0), 0);
		ck_assert_int_eq(mr_nic_is_broadcast(nic, &b), rows[i].is);
	}
	ck_assert(fk_receives(k, "255.255.255.255"));
	ck_assert_addr(&fk.seen[0].addr, "10.0.0.1");
	ck_assert_uint_eq(fk.seen[0].flags, MR_PKT_F_NET_BROADCAST);
	ck_assert(fk_receives(k, "10.1.0.3"));
	ck_assert_addr(&fk.seen[1].addr, "10.1.0.1");
	ck_assert(!fk_receives(k, "10.2.0.1"));
	/* Two addresses of one subnet: it is a broadcast until both have gone. */
	fk_add(1, "10.0.0.2/24", 0);
	fk_remove(1, "10.0.0.1");
	ck_assert(fk_receives(k, "10.0.0.255"));
	fk_remove(1, "10.0.0.2");
	ck_assert(!fk_receives(k, "10.0.0.255"));
}
END_TEST

/* ---- groups */

START_TEST(groups)
{
	struct fk_link *k = fk_nic(1);
	struct mr_addr a = fk_addr("224.1.2.3"), same_ll = fk_addr("225.1.2.3"), six = fk_addr("ff02::5"), uni = fk_addr("10.0.0.1");

	ck_assert_int_eq(mr_group_join(fk.s, 9, &a), -ENODEV);
	ck_assert_int_eq(mr_group_join(fk.s, 1, &uni), -EINVAL);
	ck_assert_int_eq(mr_group_leave(fk.s, 9, &a), -ENODEV);
	ck_assert_int_eq(mr_group_leave(fk.s, 1, &a), -EADDRNOTAVAIL);
	ck_assert(!fk_receives(k, "224.1.2.3"));
	ck_assert_int_eq(mr_group_join(fk.s, 1, &a), 0);
	ck_assert_uint_eq(k->n_mcast, 1);
	ck_assert_mem_eq(k->mcast[0].b, ((uint8_t[]){0x33, 0x33, 224, 1, 2, 3}), 6);
	ck_assert_int_eq(mr_group_join(fk.s, 1, &six), 0);
	ck_assert_int_eq(mr_group_join(fk.s, 1, &same_ll), 0);
	ck_assert_uint_eq(k->n_mcast, 3);
	ck_assert(fk_receives(k, "224.1.2.3"));
	ck_assert_int_eq(fk.seen[0].kind, MR_NETEP_GROUP);
	ck_assert_addr(&fk.seen[0].addr, "224.1.2.3");
	ck_assert(fk_receives(k, "ff02::5"));
	/* Joined twice, left twice; a group is no address of ours. */
	ck_assert_int_eq(mr_group_join(fk.s, 1, &a), 0);
	ck_assert_int_eq(mr_group_leave(fk.s, 1, &a), 0);
	ck_assert(fk_receives(k, "224.1.2.3"));
	ck_assert_uint_eq(mr_stack_check_local_address(fk.s, 0, &a), 0);
	ck_assert_int_eq(mr_group_leave(fk.s, 1, &a), 0);
	ck_assert_uint_eq(k->n_mcast, 2);
	ck_assert(!fk_receives(k, "224.1.2.3"));
	ck_assert_int_eq(mr_group_leave(fk.s, 1, &a), -EADDRNOTAVAIL);
	/* A link that refuses. */
	k->mcast_err = -ENOSPC;
	ck_assert_int_eq(mr_group_join(fk.s, 1, &a), -ENOSPC);
	ck_assert(!fk_receives(k, "224.1.2.3"));
	ck_assert_uint_eq(fk.s->netep_pool.used, 2);
}
END_TEST

/* B-43: each taker gets the packet, headers and all; the rest of the burst keeps its order. */
START_TEST(group_copies)
{
	struct fk_link *k = fk_nic(1);
	struct mr_addr g = fk_addr("224.1.2.3");
	struct fk_ep *any = fk_ep(NULL, 7, 0), *on_group = fk_ep("224.1.2.3", 7, 0), *on_nic = fk_ep(NULL, 7, 1),
	             *other = fk_ep(NULL, 8, 0), *elsewhere = fk_ep("10.0.0.1", 7, 0);

	fk_add(1, "10.0.0.1/24", 0);
	mr_group_join(fk.s, 1, &g);
	fk_push_pkt(k, "10.0.0.9", 1, "10.0.0.1", 8, 1);
	fk_push_pkt(k, "10.0.0.9", 1, "224.1.2.3", 7, 2);
	fk_push_pkt(k, "10.0.0.9", 1, "10.0.0.1", 8, 3);
	fk_push_pkt(k, "10.0.0.9", 1, "224.1.2.3", 7, 4);
	fk_push_pkt(k, "10.0.0.9", 1, "224.1.2.3", 9, 5);
	fk_poll();
	for (struct fk_ep **e = (struct fk_ep *[]){any, on_group, on_nic, NULL}; *e; e++) {
		ck_assert_uint_eq((*e)->rx, 2);
		ck_assert_uint_eq((*e)->tags[0], 2);
		ck_assert_uint_eq((*e)->tags[1], 4);
	}
	ck_assert_uint_eq(other->rx, 2);
	ck_assert_uint_eq(other->tags[0], 1);
	ck_assert_uint_eq(other->tags[1], 3);
	ck_assert_uint_eq(elsewhere->rx, 0);
	ck_assert_uint_eq(fk.n_unknown, 1);
	/* Broadcast too. */
	fk_push_pkt(k, "10.0.0.9", 1, "10.0.0.255", 7, 6);
	fk_poll();
	ck_assert_uint_eq(any->rx, 3);
	ck_assert_uint_eq(on_nic->rx, 3);
	ck_assert_uint_eq(on_group->rx, 2);
	ck_assert_uint_eq(fk_counter(MR_DROP_NO_RX_MBUF), 0);
}
END_TEST

START_TEST(group_copies_no_mbuf)
{
	struct fk_link *k = fk_nic(1);
	struct fk_ep *a = fk_ep(NULL, 7, 0), *b = fk_ep(NULL, 7, 1);
	struct rte_mbuf *all[4096];
	unsigned n = 0;

	fk_add(1, "10.0.0.1/24", 0);
	fk_push_pkt(k, "10.0.0.9", 1, "10.0.0.255", 7, 6);
	while (n < RTE_DIM(all) && (all[n] = rte_pktmbuf_alloc(fk.s->rx_pool)))
		n++;
	fk_poll();
	ck_assert_uint_eq(a->rx + b->rx, 1);
	ck_assert_uint_eq(fk_counter(MR_DROP_NO_RX_MBUF), 1);
	rte_pktmbuf_free_bulk(all, n);
}
END_TEST

/* The protocol hears of groups that a NIC which is up begins or ceases to listen to (B-11); one that has nobody to tell
 * need not (fk6). */
START_TEST(groups_and_their_protocol)
{
	struct fk_link *k = fk_nic(1);
	struct mr_addr a = fk_addr("224.1.2.3"), b = fk_addr("224.1.2.4"), six = fk_addr("ff02::5");

	ck_assert_int_eq(mr_group_join(fk.s, 1, &a), 0);
	ck_assert_int_eq(mr_group_join(fk.s, 1, &a), 0);
	ck_assert_int_eq(mr_group_join(fk.s, 1, &b), 0);
	ck_assert_int_eq(mr_group_join(fk.s, 1, &six), 0);
	ck_assert(fk.joined == 2 && fk.left == 0);
	ck_assert_int_eq(mr_group_leave(fk.s, 1, &a), 0);
	ck_assert_int_eq(fk.left, 0);
	ck_assert_int_eq(mr_nic_disable(fk.s, 1), 0);
	ck_assert(fk.joined == 2 && fk.left == 2);
	/* While it is down nothing is said, and what has changed by then is not news afterwards. */
	ck_assert_int_eq(mr_group_leave(fk.s, 1, &a), 0);
	ck_assert_int_eq(mr_group_join(fk.s, 1, &a), 0);
	ck_assert_int_eq(mr_group_leave(fk.s, 1, &a), 0);
	ck_assert(fk.joined == 2 && fk.left == 2);
	ck_assert_int_eq(mr_nic_enable(fk.s, 1), 0);
	ck_assert(fk.joined == 3 && fk.left == 2);
	ck_assert_int_eq(mr_group_leave(fk.s, 1, &b), 0);
	ck_assert(fk.joined == 3 && fk.left == 3);
	/* A group that the link refuses is not joined. */
	k->mcast_err = -ENOSPC;
	ck_assert_int_eq(mr_group_join(fk.s, 1, &b), -ENOSPC);
	k->mcast_err = 0;
	ck_assert(fk.joined == 3 && fk.left == 3);
	ck_assert_int_eq(mr_group_join(fk.s, 1, &b), 0);
	ck_assert_int_eq(mr_nic_remove(fk.s, 1), 0);
	ck_assert(fk.joined == 4 && fk.left == 4);
}
END_TEST

static Suite *
suite(void)
{
	Suite *s = suite_create("nic_addr");
	TCase *tc = rig_case(s, "addresses", fk_setup, fk_teardown);

	tcase_add_test(tc, addr_errors);
	tcase_add_test(tc, addr_without_protocol);
	tcase_add_test(tc, addr_open_fails);
	tcase_add_test(tc, b4_remove_stops_reception);
	tcase_add_test(tc, ss8_expired_and_promoted);
	tcase_add_test(tc, ids_are_not_reused);
	tcase_add_test(tc, b5_promiscuous);
	tcase_add_test(tc, b5_reply_from_foreign);
	tcase_add_test(tc, b7_subnets);
	tcase_add_test(tc, b8_main_address);
	tcase_add_test(tc, b14_broadcast);
	tcase_add_test(tc, groups);
	tcase_add_test(tc, group_copies);
	tcase_add_test(tc, group_copies_no_mbuf);
	tcase_add_test(tc, groups_and_their_protocol);
	return s;
}

RIG_MAIN(suite)
