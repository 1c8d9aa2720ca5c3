/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What NICs can be asked (S-19 to S-38, S-69 to S-78), by the public calls alone, and what primary behaviours and modes do
 * to the answers.
 */
#include "fakestack.h"

/* A NIC's addresses as text: "ADDR/PLEN KIND PEB JOINS" each. */
static const char *
addresses_text(uint16_t nic)
{
	static char text[1024];
	struct mr_nic_addr a[16];
	int n = mr_nic_addresses(fk.s, nic, a, RTE_DIM(a));
	size_t len = 0;

	ck_assert_int_le(n, (int)RTE_DIM(a));
	text[0] = '\0';
	for (int i = 0; i < n; i++) {
		char addr[MR_ADDR_STRLEN];

		len += (size_t)snprintf(text + len, sizeof(text) - len, "%s%s/%u %c%c%u", i ? ", " : "",
		                        mr_addr_format(&a[i].addr.addr, addr, sizeof(addr)), a[i].addr.plen, "PGET"[a[i].kind],
		                        "cfn"[a[i].peb], a[i].joins);
	}
	return text;
}

static const char *
subnets_text(uint16_t nic)
{
	static char text[1024];
	struct mr_subnet a[16];
	int n = mr_nic_subnets(fk.s, nic, a, RTE_DIM(a));
	size_t len = 0;

	ck_assert_int_le(n, (int)RTE_DIM(a));
	text[0] = '\0';
	for (int i = 0; i < n; i++) {
		char addr[MR_ADDR_STRLEN];

		len += (size_t)snprintf(text + len, sizeof(text) - len, "%s%s/%u", i ? ", " : "",
		                        mr_addr_format(&a[i].addr, addr, sizeof(addr)), a[i].plen);
	}
	return text;
}

static int
has_subnet(uint16_t nic, const char *text)
{
	struct mr_subnet n = fk_subnet(text);

	return mr_nic_has_subnet(fk.s, nic, &n);
}

static int
add_subnet(uint16_t nic, const char *text)
{
	struct mr_subnet n = fk_subnet(text);

	return mr_subnet_add(fk.s, nic, &n);
}

static int
remove_subnet(uint16_t nic, const char *text)
{
	struct mr_subnet n = fk_subnet(text);

	return mr_subnet_remove(fk.s, nic, &n);
}

/* The main address as "ADDR/PLEN", or "-errno". */
static const char *
main_text(uint16_t nic, uint16_t net)
{
	static char text[MR_ADDR_STRLEN + 8];
	char addr[MR_ADDR_STRLEN];
	struct mr_subnet a;
	int err = mr_nic_main_address(fk.s, nic, net, &a);

	if (err < 0)
		snprintf(text, sizeof(text), "%s", strerrorname_np(-err));
	else
		snprintf(text, sizeof(text), "%s/%u", mr_addr_format(&a.addr, addr, sizeof(addr)), a.plen);
	return text;
}

/* ---- NICs */

/* S-14 to S-17, D-2: four ways to make one, and each keeps its name. */
START_TEST(s14_ways_to_make)
{
	struct fk_link *k[3] = {fk_link_make(), fk_link_make(), fk_link_make()};
	struct mr_nic_info info[4];

	ck_assert_int_eq(mr_nic_create(fk.s, 1, NULL, &k[0]->link), 0);
	ck_assert_int_eq(mr_nic_create(fk.s, 2, "named", &k[1]->link), 0);
	ck_assert_int_eq(mr_nic_create_disabled(fk.s, 3, "sleeper", &k[2]->link), 0);
	ck_assert_uint_eq(mr_stack_nics(fk.s, info, 4), 3);
	ck_assert_str_eq(info[0].name, "");
	ck_assert_str_eq(info[1].name, "named");
	ck_assert_str_eq(info[2].name, "sleeper");
	ck_assert_uint_eq(info[1].flags, MR_NIC_F_UP | MR_NIC_F_RUNNING);
	ck_assert_uint_eq(info[2].flags, 0);
	ck_assert_uint_eq(k[2]->starts, 0);
	/* S-18 */
	ck_assert_int_eq(mr_nic_enable(fk.s, 3), 0);
	ck_assert_int_eq(mr_nic_enable(fk.s, 4), -ENODEV);
	ck_assert_uint_eq(k[2]->starts, 1);
	mr_stack_nics(fk.s, info, 4);
	ck_assert_str_eq(info[2].name, "sleeper");
	ck_assert_uint_eq(info[2].flags, MR_NIC_F_UP | MR_NIC_F_RUNNING);
}
END_TEST

/* S-19, S-20 to S-30: all NICs in the order they were made; a short array gets the first of them. */
START_TEST(s19_nics)
{
	struct mr_nic_info all[4], one, few[2] = {{0}};
	struct fk_link *k;

	ck_assert_uint_eq(mr_stack_nics(fk.s, all, 4), 0);
	ck_assert_uint_eq(mr_stack_nics(fk.s, NULL, 0), 0);
	fk_nic(7);
	k = fk_nic(3);
	k->link.caps |= MR_LINK_CAP_LOOPBACK;
	fk_nic(5);
	ck_assert_int_eq(fk_add(3, "10.0.0.1/24", 0), 0);
	ck_assert_int_eq(mr_nic_set_promisc(fk.s, 3, true), 0);
	ck_assert_uint_eq(mr_stack_nics(fk.s, NULL, 0), 3);
	ck_assert_uint_eq(mr_stack_nics(fk.s, all, 4), 3);
	ck_assert_uint_eq(all[0].id, 7);
	ck_assert_uint_eq(all[1].id, 3);
	ck_assert_uint_eq(all[2].id, 5);
	ck_assert_int_eq(mr_nic_info(fk.s, 3, &one), 0);
	ck_assert_mem_eq(&all[1], &one, sizeof(one));
	ck_assert_uint_eq(one.n_addrs, 1);
	ck_assert_uint_eq(one.mtu, 1500);
	ck_assert_mem_eq(one.lladdr.b, k->link.lladdr.b, 6);
	ck_assert_uint_eq(one.flags, MR_NIC_F_UP | MR_NIC_F_RUNNING | MR_NIC_F_PROMISC);
	ck_assert_uint_eq(mr_stack_nics(fk.s, few, 1), 3);
	ck_assert_uint_eq(few[0].id, 7);
	ck_assert_uint_eq(few[1].id, 0);
	ck_assert_int_eq(mr_nic_remove(fk.s, 7), 0);
	ck_assert_uint_eq(mr_stack_nics(fk.s, all, 4), 2);
	ck_assert_uint_eq(all[0].id, 3);
}
END_TEST

/* ---- addresses */

/* S-23, S-73, S-82 to S-85: kind, prefix and primary behaviour of everything that a NIC answers to. */
START_TEST(s73_addresses)
{
	struct fk_link *k = fk_nic(1);
	struct mr_addr g = fk_addr("224.1.2.3");
	struct mr_nic_addr two[2];
	struct mr_route spoofed, held;

	ck_assert_int_eq(mr_nic_addresses(fk.s, 9, NULL, 0), -ENODEV);
	ck_assert_int_eq(mr_nic_addresses(fk.s, 1, NULL, 0), 0);
	fk_add(1, "10.0.0.9/24", MR_PEB_CAN_BE_PRIMARY);
	fk_add(1, "10.0.0.1/25", MR_PEB_FIRST_PRIMARY);
	fk_add(1, "fd00::1/64", MR_PEB_NEVER_PRIMARY);
	ck_assert_str_eq(addresses_text(1), "10.0.0.9/24 Pc0, 10.0.0.1/25 Pf0, fd00::1/64 Pn0");
	ck_assert_int_eq(mr_nic_addresses(fk.s, 1, two, 2), 3);
	ck_assert_addr(&two[1].addr.addr, "10.0.0.1");
	/* A group with two members. */
	ck_assert_int_eq(mr_group_join(fk.s, 1, &g), 0);
	ck_assert_int_eq(mr_group_join(fk.s, 1, &g), 0);
	ck_assert_str_eq(addresses_text(1), "10.0.0.9/24 Pc0, 10.0.0.1/25 Pf0, fd00::1/64 Pn0, 224.1.2.3/32 Gn2");
	mr_group_leave(fk.s, 1, &g);
	mr_group_leave(fk.s, 1, &g);
	/* Removed while a route holds it (SS-8), and temporary (SS-6, SS-7): never primary. */
	ck_assert_int_eq(fk_find(0, "10.0.0.1", "10.0.0.7", &held), 0);
	fk_remove(1, "10.0.0.1");
	ck_assert_str_eq(addresses_text(1), "10.0.0.9/24 Pc0, fd00::1/64 Pn0, 10.0.0.1/32 En0");
	mr_route_release(&held);
	mr_nic_set_spoofing(fk.s, 1, true);
	ck_assert_int_eq(fk_find(0, "10.0.0.66", "10.0.0.7", &spoofed), 0);
	fk_poll();
	ck_assert_str_eq(addresses_text(1), "10.0.0.9/24 Pc0, fd00::1/64 Pn0, 10.0.0.66/32 Tn0");
	mr_route_release(&spoofed);
	ck_assert_str_eq(addresses_text(1), "10.0.0.9/24 Pc0, fd00::1/64 Pn0");
	(void)k;
}
END_TEST

/* SS-8: added again while the old one lingers, an address is as it was asked for now. */
START_TEST(ss8_readd_updates)
{
	struct mr_route held;

	fk_nic(1);
	fk_add(1, "10.0.0.1/24", MR_PEB_FIRST_PRIMARY);
	fk_add(1, "10.0.0.2/24", MR_PEB_CAN_BE_PRIMARY);
	ck_assert_int_eq(fk_find(0, "10.0.0.1", "10.0.0.7", &held), 0);
	ck_assert_int_eq(fk_remove(1, "10.0.0.1"), 0);
	ck_assert_int_eq(fk_remove(1, "10.0.0.1"), -EADDRNOTAVAIL);
	ck_assert_int_eq(fk_add(1, "10.0.0.1/16", MR_PEB_NEVER_PRIMARY), 0);
	ck_assert_str_eq(addresses_text(1), "10.0.0.2/24 Pc0, 10.0.0.1/16 Pn0");
	ck_assert_str_eq(main_text(1, MR_NET_IPV4), "10.0.0.2/24");
	mr_route_release(&held);
	ck_assert_str_eq(addresses_text(1), "10.0.0.2/24 Pc0, 10.0.0.1/16 Pn0");
}
END_TEST

/* S-38, SS-5: the fallback is the first address added of the protocol; the prefix is the widest that has it. */
START_TEST(s38_main_address)
{
	fk_nic(1);
	ck_assert_str_eq(main_text(9, MR_NET_IPV4), "ENODEV");
	ck_assert_str_eq(main_text(1, MR_NET_IPV4), "EADDRNOTAVAIL");
	fk_add(1, "fd00::1/64", MR_PEB_CAN_BE_PRIMARY);
	ck_assert_str_eq(main_text(1, MR_NET_IPV4), "EADDRNOTAVAIL");
	fk_add(1, "10.0.0.7/24", MR_PEB_NEVER_PRIMARY);
	fk_add(1, "10.0.0.3/24", MR_PEB_NEVER_PRIMARY);
	ck_assert_str_eq(main_text(1, MR_NET_IPV4), "10.0.0.7/24");
	fk_add(1, "10.0.0.5/28", MR_PEB_CAN_BE_PRIMARY);
	ck_assert_str_eq(main_text(1, MR_NET_IPV4), "10.0.0.5/28");
	add_subnet(1, "10.0.0.0/30");
	ck_assert_str_eq(main_text(1, MR_NET_IPV4), "10.0.0.5/28");
	add_subnet(1, "10.0.0.0/16");
	add_subnet(1, "10.0.0.0/20");
	add_subnet(1, "fd00::/16");
	ck_assert_str_eq(main_text(1, MR_NET_IPV4), "10.0.0.5/16");
	ck_assert_str_eq(main_text(1, MR_NET_IPV6), "fd00::1/16");
	remove_subnet(1, "10.0.0.0/16");
	ck_assert_str_eq(main_text(1, MR_NET_IPV4), "10.0.0.5/20");
	fk_remove(1, "10.0.0.5");
	fk_remove(1, "10.0.0.7");
	ck_assert_str_eq(main_text(1, MR_NET_IPV4), "10.0.0.3/20");
}
END_TEST

/* S-41, D-14: spoofing and promiscuous modes own nothing; held temporary addresses do not either. */
START_TEST(s41_check_local_address)
{
	struct mr_addr a = fk_addr("10.0.0.1"), other = fk_addr("10.0.0.66"), g = fk_addr("224.1.2.3");
	struct mr_route r;

	fk_nic(1);
	fk_nic(2);
	fk_add(1, "10.0.0.1/24", 0);
	mr_group_join(fk.s, 1, &g);
	ck_assert_uint_eq(mr_stack_check_local_address(fk.s, 0, &a), 1);
	ck_assert_uint_eq(mr_stack_check_local_address(fk.s, 1, &a), 1);
	ck_assert_uint_eq(mr_stack_check_local_address(fk.s, 2, &a), 0);
	ck_assert_uint_eq(mr_stack_check_local_address(fk.s, 9, &a), 0);
	mr_nic_set_spoofing(fk.s, 1, true);
	mr_nic_set_promisc(fk.s, 1, true);
	add_subnet(1, "10.0.0.0/24");
	ck_assert_uint_eq(mr_stack_check_local_address(fk.s, 0, &other), 0);
	ck_assert_int_eq(fk_find(0, "10.0.0.66", "10.0.0.7", &r), 0);
	ck_assert_uint_eq(mr_stack_check_local_address(fk.s, 0, &other), 0);
	ck_assert_uint_eq(mr_stack_check_local_address(fk.s, 0, &g), 0);
	mr_route_release(&r);
	/* The same address on two NICs: the one made first, unless one is named. */
	fk_add(2, "10.0.0.1/24", 0);
	ck_assert_uint_eq(mr_stack_check_local_address(fk.s, 0, &a), 1);
	ck_assert_uint_eq(mr_stack_check_local_address(fk.s, 2, &a), 2);
	fk_remove(1, "10.0.0.1");
	ck_assert_uint_eq(mr_stack_check_local_address(fk.s, 0, &a), 2);
}
END_TEST

/* ---- subnets */

/* S-37, S-77: host prefixes first, then the subnets, in their order, as often as they were added. */
START_TEST(s77_subnets)
{
	struct mr_addr g = fk_addr("224.1.2.3");
	struct mr_subnet one;

	fk_nic(1);
	ck_assert_int_eq(mr_nic_subnets(fk.s, 9, NULL, 0), -ENODEV);
	ck_assert_str_eq(subnets_text(1), "");
	add_subnet(1, "10.5.0.77/16");
	fk_add(1, "10.0.0.1/24", 0);
	fk_add(1, "fd00::1/64", 0);
	add_subnet(1, "fd05::/16");
	add_subnet(1, "10.5.0.0/16");
	mr_group_join(fk.s, 1, &g);
	ck_assert_str_eq(subnets_text(1), "10.0.0.1/32, fd00::1/128, 10.5.0.0/16, fd05::/16, 10.5.0.0/16");
	ck_assert_int_eq(mr_nic_subnets(fk.s, 1, &one, 1), 5);
	ck_assert_addr(&one.addr, "10.0.0.1");
	/* S-35, S-75: one removal ends all equal ones, a second is no error. */
	ck_assert_int_eq(remove_subnet(1, "10.5.0.0/16"), 0);
	ck_assert_int_eq(remove_subnet(1, "10.5.0.0/16"), 0);
	ck_assert_int_eq(remove_subnet(9, "10.5.0.0/16"), -ENODEV);
	ck_assert_str_eq(subnets_text(1), "10.0.0.1/32, fd00::1/128, fd05::/16");
	fk_remove(1, "10.0.0.1");
	ck_assert_str_eq(subnets_text(1), "fd00::1/128, fd05::/16");
	/* A host prefix of an address is not a subnet that could be removed. */
	ck_assert_int_eq(remove_subnet(1, "fd00::1/128"), 0);
	ck_assert_str_eq(subnets_text(1), "fd00::1/128, fd05::/16");
}
END_TEST

/* S-36, S-76: exact membership, not containment. */
START_TEST(s36_exact_membership)
{
	struct mr_subnet bad = {.addr = fk_addr("10.0.0.1"), .plen = 33};

	fk_nic(1);
	fk_nic(2);
	fk_add(1, "10.0.0.1/24", 0);
	add_subnet(1, "10.5.0.0/16");
	ck_assert_int_eq(has_subnet(1, "10.5.0.0/16"), 1);
	ck_assert_int_eq(has_subnet(1, "10.5.9.9/16"), 1);
	ck_assert_int_eq(has_subnet(1, "10.5.0.0/17"), 0);
	ck_assert_int_eq(has_subnet(1, "10.5.0.0/15"), 0);
	ck_assert_int_eq(has_subnet(1, "10.5.0.1/32"), 0);
	ck_assert_int_eq(has_subnet(1, "10.0.0.1/32"), 1);
	ck_assert_int_eq(has_subnet(1, "10.0.0.0/24"), 0);
	ck_assert_int_eq(has_subnet(2, "10.5.0.0/16"), 0);
	ck_assert_int_eq(has_subnet(9, "10.5.0.0/16"), -ENODEV);
	ck_assert_int_eq(mr_nic_has_subnet(fk.s, 1, &bad), -EINVAL);
	remove_subnet(1, "10.5.0.0/16");
	ck_assert_int_eq(has_subnet(1, "10.5.0.0/16"), 0);
	fk_remove(1, "10.0.0.1");
	ck_assert_int_eq(has_subnet(1, "10.0.0.1/32"), 0);
}
END_TEST

/* S-34, S-74: errors; and that a subnet lets in every member and only those, also ones that overlap. */
START_TEST(s34_overlapping_subnets)
{
	const char *const four[] = {"fk4", NULL};
	struct mr_stack_opts o = fk_opts();
	struct fk_link *k = fk_nic(1);
	struct mr_stack *s;
	struct mr_subnet six = fk_subnet("fd00::/16");
	struct fk_link *k2 = fk_link_make();

	add_subnet(1, "10.5.0.0/16");
	add_subnet(1, "10.5.5.0/24");
	ck_assert(fk_receives(k, "10.5.5.5"));
	ck_assert(fk_receives(k, "10.5.4.4"));
	remove_subnet(1, "10.5.0.0/16");
	ck_assert(fk_receives(k, "10.5.5.5"));
	ck_assert(!fk_receives(k, "10.5.4.4"));
	o.net_protos = four;
	ck_assert_int_eq(mr_stack_create(&o, &s), 0);
	ck_assert_int_eq(mr_nic_create(s, 1, NULL, &k2->link), 0);
	ck_assert_int_eq(mr_subnet_add(s, 1, &six), -EPROTONOSUPPORT);
	mr_stack_destroy(s);
}
END_TEST

static Suite *
suite(void)
{
	Suite *s = suite_create("nic_info");
	TCase *tc = rig_case(s, "nics", fk_setup, fk_teardown);

	tcase_add_test(tc, s14_ways_to_make);
	tcase_add_test(tc, s19_nics);
	tc = rig_case(s, "addresses", fk_setup, fk_teardown);
	tcase_add_test(tc, s73_addresses);
	tcase_add_test(tc, ss8_readd_updates);
	tcase_add_test(tc, s38_main_address);
	tcase_add_test(tc, s41_check_local_address);
	tc = rig_case(s, "subnets", fk_setup, fk_teardown);
	tcase_add_test(tc, s77_subnets);
	tcase_add_test(tc, s36_exact_membership);
	tcase_add_test(tc, s34_overlapping_subnets);
	return s;
}

RIG_MAIN(suite)
