/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The route table and route values: who leads where, from which address, and what becomes of a route when the world
 * changes under it.
 */
#include "fakestack.h"

static void
two_nics(void)
{
	fk_two_nics();
	ck_assert_int_eq(fk_add(1, "fd01::1/64", 0), 0);
	ck_assert_int_eq(fk_add(2, "fd02::1/64", 0), 0);
}

/* What the route to `remote` is, as "nic source next-hop", or "-errno". */
static const char *
route_text(uint16_t nic, const char *local, const char *remote)
{
	static char text[160];
	char src[MR_ADDR_STRLEN], hop[MR_ADDR_STRLEN];
	struct mr_route r;
	int err = fk_find(nic, local, remote, &r);

	if (err < 0) {
		snprintf(text, sizeof(text), "%s", strerrorname_np(-err));
		return text;
	}
	snprintf(text, sizeof(text), "%u %s %s", r.local->nic->id, mr_addr_format(&r.local->addr, src, sizeof(src)),
	         mr_addr_format(&r.next_hop, hop, sizeof(hop)));
	mr_route_release(&r);
	return text;
}

#define ck_route(nic, local, remote, want) ck_assert_str_eq(route_text(nic, local, remote), want)

/* ---- table */

START_TEST(table_order)
{
	struct mr_route_entry rows[16];
	static const char *const dests[] = {"0.0.0.0/0", "10.0.0.0/8", "10.1.2.3/32", "10.128.0.0/9", "fd00::/64", "::/0"};
	static const uint8_t plens[] = {64, 32, 9, 8, 0, 0};

	fk_nic(1);
	for (unsigned i = 0; i < RTE_DIM(dests); i++)
		ck_assert_int_eq(fk_row(dests[i], NULL, 1), 0);
	ck_assert_uint_eq(mr_route_table_get(fk.s, NULL, 0), 6);
	ck_assert_uint_eq(mr_route_table_get(fk.s, rows, 2), 6);
	ck_assert_uint_eq(mr_route_table_get(fk.s, rows, 16), 6);
	for (unsigned i = 0; i < 6; i++)
		ck_assert_uint_eq(rows[i].dest.plen, plens[i]);
	ck_assert(mr_addr_is_v4(&rows[4].dest.addr));
	ck_assert(!mr_addr_is_v4(&rows[5].dest.addr));
	/* What was read can be removed. */
	for (unsigned i = 0; i < 6; i++)
		ck_assert_int_eq(mr_route_remove(fk.s, &rows[i]), 0);
	ck_assert_int_eq(mr_route_remove(fk.s, &rows[0]), -ENOENT);
	ck_assert_uint_eq(mr_route_table_get(fk.s, rows, 16), 0);
}
END_TEST

START_TEST(table_errors)
{
	struct mr_route_entry e = {.dest = fk_subnet("10.0.0.0/8"), .nic = 1};

	fk_nic(1);
	ck_assert_int_eq(fk_row("10.0.0.0/8", NULL, 0), -EINVAL);
	ck_assert_int_eq(fk_row("10.0.0.0/8", "fd00::1", 1), -EINVAL);
	ck_assert_int_eq(fk_row("10.0.0.0/8", "224.0.0.1", 1), -EINVAL);
	e.src = fk_addr("fd00::1");
	ck_assert_int_eq(mr_route_add(fk.s, &e), -EINVAL);
	e.src = (struct mr_addr){0};
	e.dest.plen = 33;
	ck_assert_int_eq(mr_route_add(fk.s, &e), -EINVAL);
	ck_assert_int_eq(mr_route_remove(fk.s, &e), -ENOENT);
	ck_assert_int_eq(fk_row("10.0.0.0/8", NULL, 1), 0);
	/* Equal: host bits do not count, and 0.0.0.0 is no gateway. */
	ck_assert_int_eq(fk_row("10.1.2.3/8", "0.0.0.0", 1), -EEXIST);
	ck_assert_int_eq(fk_row("10.0.0.0/8", "10.0.0.9", 1), 0);
	ck_assert_uint_eq(mr_route_table_get(fk.s, NULL, 0), 2);
}
END_TEST

START_TEST(table_grows)
{
	struct mr_route_entry rows[300];

	fk_nic(1);
	fk_add(1, "10.0.0.1/32", 0);
	for (unsigned i = 0; i < 300; i++) {
		struct mr_route_entry e = {.dest = {.addr = mr_addr_v4(0x0b000000 + (i << 8)), .plen = 24}, .nic = 1};

		ck_assert_int_eq(mr_route_add(fk.s, &e), 0);
	}
	ck_assert_uint_eq(mr_route_table_get(fk.s, rows, 300), 300);
	for (unsigned i = 0; i < 300; i++)
		ck_assert_uint_eq(rte_be_to_cpu_32(rows[i].dest.addr.w[3]), 0x0b000000 + (i << 8));
	ck_route(0, NULL, "11.1.43.7", "1 10.0.0.1 11.1.43.7");
	ck_route(0, NULL, "11.1.44.7", "EHOSTUNREACH");
}
END_TEST

/* The connected route comes and goes with addresses; one by hand stays. */
START_TEST(table_connected)
{
	fk_nic(1);
	ck_assert_int_eq(fk_row("10.1.0.0/16", NULL, 1), 0);
	for (unsigned i = 0; i < 2; i++) {
		ck_assert_int_eq(fk_add(1, "10.1.0.1/16", 0), 0);
		ck_assert_int_eq(fk_add(1, "10.2.0.1/16", 0), 0);
		ck_assert_int_eq(fk_add(1, "10.2.0.2/16", 0), 0);
		ck_assert_uint_eq(mr_route_table_get(fk.s, NULL, 0), 2);
		ck_assert_int_eq(fk_remove(1, i ? "10.2.0.1" : "10.2.0.2"), 0);
		ck_assert_uint_eq(mr_route_table_get(fk.s, NULL, 0), 2);
		ck_assert_int_eq(fk_remove(1, i ? "10.2.0.2" : "10.2.0.1"), 0);
		ck_assert_int_eq(fk_remove(1, "10.1.0.1"), 0);
		ck_assert_uint_eq(mr_route_table_get(fk.s, NULL, 0), 1);
	}
	ck_route(0, NULL, "10.2.0.9", "EHOSTUNREACH");
}
END_TEST

/* ---- finding */

/* B-2 */
START_TEST(b2_nic_source_gateway)
{
	two_nics();
	ck_route(0, NULL, "10.1.0.9", "1 10.1.0.1 10.1.0.9");
	ck_route(0, NULL, "10.2.0.9", "2 10.2.0.1 10.2.0.9");
	ck_route(0, NULL, "fd02::9", "2 fd02::1 fd02::9");
	ck_route(0, NULL, "10.3.0.9", "EHOSTUNREACH");
	ck_route(0, NULL, "fd03::9", "EHOSTUNREACH");
	fk_row("0.0.0.0/0", "10.2.0.254", 2);
	fk_row("::/0", "fd01::fe", 1);
	ck_route(0, NULL, "10.3.0.9", "2 10.2.0.1 10.2.0.254");
	ck_route(0, NULL, "fd03::9", "1 fd01::1 fd01::fe");
	ck_route(0, "10.2.0.1", "10.3.0.9", "2 10.2.0.1 10.2.0.254");
	/* The NIC and the source that were asked for. */
	ck_route(2, NULL, "10.1.0.9", "2 10.2.0.1 10.2.0.254");
	ck_route(1, NULL, "10.2.0.9", "EHOSTUNREACH");
	ck_route(0, "10.1.0.1", "10.3.0.9", "EHOSTUNREACH");
	ck_route(0, "10.1.0.1", "10.2.0.9", "EHOSTUNREACH");
	ck_route(9, NULL, "10.1.0.9", "ENODEV");
	ck_route(0, "10.1.0.7", "10.1.0.9", "EADDRNOTAVAIL");
	ck_route(2, "10.1.0.1", "10.1.0.9", "EADDRNOTAVAIL");
	ck_route(0, "10.1.0.1", "fd01::9", "EADDRNOTAVAIL");
	ck_assert_uint_eq(fk.links[0]->tx_n + fk.links[1]->tx_n, 0);
}
END_TEST

START_TEST(b2_row_source)
{
	struct mr_route_entry e = {.dest = fk_subnet("0.0.0.0/0"), .gateway = fk_addr("10.1.0.254"), .nic = 1};

	two_nics();
	fk_add(1, "10.1.0.2/16", MR_PEB_NEVER_PRIMARY);
	e.src = fk_addr("10.1.0.2");
	ck_assert_int_eq(mr_route_add(fk.s, &e), 0);
	ck_route(0, NULL, "10.3.0.9", "1 10.1.0.2 10.1.0.254");
	ck_route(0, "10.1.0.1", "10.3.0.9", "1 10.1.0.1 10.1.0.254");
	/* A row whose source has gone still leads there. */
	fk_remove(1, "10.1.0.2");
	ck_route(0, NULL, "10.3.0.9", "1 10.1.0.1 10.1.0.254");
}
END_TEST

/* B-3 */
START_TEST(b3_longest_prefix)
{
	two_nics();
	fk_row("0.0.0.0/0", "10.1.0.254", 1);
	fk_row("10.9.0.0/16", "10.1.0.253", 1);
	fk_row("10.9.9.0/24", "10.2.0.252", 2);
	ck_route(0, NULL, "10.9.9.9", "2 10.2.0.1 10.2.0.252");
	ck_route(0, NULL, "10.9.8.9", "1 10.1.0.1 10.1.0.253");
	ck_route(0, NULL, "10.8.8.9", "1 10.1.0.1 10.1.0.254");
	/* Among equals the first added, until it goes. */
	fk_row("10.9.9.0/24", "10.1.0.251", 1);
	ck_route(0, NULL, "10.9.9.9", "2 10.2.0.1 10.2.0.252");
	ck_route(1, NULL, "10.9.9.9", "1 10.1.0.1 10.1.0.251");
	mr_route_remove(fk.s, &(struct mr_route_entry){fk_subnet("10.9.9.0/24"), fk_addr("10.2.0.252"), .nic = 2});
	ck_route(0, NULL, "10.9.9.9", "1 10.1.0.1 10.1.0.251");
	/* A row of a NIC that is down is none (SS-9). */
	mr_nic_disable(fk.s, 1);
	ck_route(0, NULL, "10.9.9.9", "EHOSTUNREACH");
	ck_route(0, NULL, "10.1.0.1", "EHOSTUNREACH");
}
END_TEST

/* B-6, SS-7 */
START_TEST(b6_spoofing)
{
	struct fk_net h;
	struct mr_route r;
	struct fk_link *k;
	unsigned neteps;

	two_nics();
	k = fk.links[0];
	ck_route(0, "10.1.7.7", "10.1.0.9", "EADDRNOTAVAIL");
	mr_nic_set_spoofing(fk.s, 1, true);
	neteps = fk.s->netep_pool.used;
	ck_route(0, "10.1.7.7", "10.1.0.9", "1 10.1.7.7 10.1.0.9");
	ck_route(0, "10.1.7.7", "10.2.0.9", "EHOSTUNREACH");
	ck_route(2, "10.1.7.7", "10.2.0.9", "EADDRNOTAVAIL");
	ck_route(0, "10.1.0.255", "10.1.0.9", "1 10.1.0.255 10.1.0.9");
	ck_route(0, "10.1.255.255", "10.1.0.9", "EHOSTUNREACH");
	ck_route(0, "224.0.0.1", "10.1.0.9", "EHOSTUNREACH");
	/* To bind to: a route to itself. */
	ck_route(1, "10.7.7.7", NULL, "1 10.7.7.7 10.7.7.7");
	ck_assert_int_eq(fk_find(0, "10.1.7.7", "10.1.0.9", &r), 0);
	mr_neigh_add(fk.s, 1, &r.remote, &(struct mr_lladdr){.b = {1}, .len = 6});
	ck_assert_int_eq(fk_send(&r, 1, 2, 0), 0);
	fk_poll();
	h = fk_tx_net(k, 0);
	ck_assert_mem_eq(h.src, fk_addr("10.1.7.7").b, 16);
	/* The answer comes in while someone holds the address, and only in the mode. */
	ck_assert(fk_receives(k, "10.1.7.7"));
	ck_assert(!fk_receives(k, "10.1.7.8"));
	/* D-14: what is spoofed is not ours for others to ask about. */
	ck_assert_uint_eq(mr_stack_check_local_address(fk.s, 0, &r.local->addr), 0);
	mr_nic_set_spoofing(fk.s, 1, false);
	ck_assert(!fk_receives(k, "10.1.7.7"));
	ck_assert_uint_eq(fk.s->netep_pool.used, neteps + 1);
	mr_route_release(&r);
	ck_assert_uint_eq(fk.s->netep_pool.used, neteps);
}
END_TEST

/* SS-9 */
START_TEST(ss9_self_routes)
{
	struct mr_route r;
	struct mr_addr any6 = {0}, local;

	ck_route(0, NULL, NULL, "EHOSTUNREACH");
	two_nics();
	ck_route(0, NULL, NULL, "1 10.1.0.1 10.1.0.1");
	ck_route(2, NULL, NULL, "2 10.2.0.1 10.2.0.1");
	ck_route(0, "10.2.0.1", NULL, "2 10.2.0.1 10.2.0.1");
	ck_route(0, "10.2.0.1", "0.0.0.0", "2 10.2.0.1 10.2.0.1");
	ck_route(1, "10.2.0.1", NULL, "EADDRNOTAVAIL");
	ck_route(0, "10.2.0.7", NULL, "EADDRNOTAVAIL");
	ck_assert_int_eq(mr_route_find(fk.s, 2, &any6, NULL, MR_NET_IPV6, &r), 0);
	ck_assert_addr(&r.local->addr, "fd02::1");
	ck_assert_uint_eq(r.flags, MR_ROUTE_F_LOCAL);
	mr_route_release(&r);
	local = fk_addr("fd01::1");
	ck_assert_int_eq(mr_route_find(fk.s, 0, &local, NULL, MR_NET_IPV4, &r), 0);
	ck_assert_addr(&r.remote, "fd01::1");
	mr_route_release(&r);
}
END_TEST

START_TEST(local_destinations)
{
	struct mr_route r;

	two_nics();
	ck_assert_int_eq(fk_find(0, NULL, "10.2.0.1", &r), 0);
	ck_assert_uint_eq(r.flags, MR_ROUTE_F_LOCAL);
	ck_assert_ptr_null(r.neigh);
	ck_assert_uint_eq(r.mtu, 65535);
	ck_assert_uint_eq(mr_route_payload_mtu(&r), 65535 - sizeof(struct fk_net));
	ck_assert_addr(&r.local->addr, "10.2.0.1");
	ck_assert_ptr_eq(mr_route_netproto(&r), mr_stack_netproto(fk.s, MR_NET_IPV4));
	mr_route_release(&r);
	/* Whatever NIC was asked for: the packet never gets to a wire. */
	ck_route(1, NULL, "10.2.0.1", "2 10.2.0.1 10.2.0.1");
	ck_route(0, "10.1.0.1", "10.2.0.1", "1 10.1.0.1 10.2.0.1");
	ck_assert_int_eq(fk_find(0, NULL, "10.2.0.9", &r), 0);
	ck_assert_uint_eq(r.flags, 0);
	ck_assert_uint_eq(r.mtu, 1500);
	ck_assert_ptr_nonnull(r.neigh);
	ck_assert(r.neigh->in_route);
	ck_assert_uint_eq(mr_route_caps(&r), fk.links[1]->link.caps);
	mr_route_release(&r);
	ck_assert_uint_eq(fk.n_req, 0);
}
END_TEST

/* B-13 */
START_TEST(b13_no_row_needed)
{
	struct mr_route r;

	fk_nic(1);
	fk_nic(2);
	fk_add(1, "10.1.0.1/32", 0);
	fk_add(1, "fe80::1/128", 0);
	fk_add(2, "10.2.0.1/32", 0);
	fk_add(2, "fe80::2/128", 0);
	ck_assert_uint_eq(mr_route_table_get(fk.s, NULL, 0), 0);
	ck_route(2, NULL, "224.0.0.9", "2 10.2.0.1 224.0.0.9");
	ck_route(2, NULL, "255.255.255.255", "2 10.2.0.1 255.255.255.255");
	ck_route(2, NULL, "ff02::9", "2 fe80::2 ff02::9");
	ck_route(2, NULL, "fe80::9", "2 fe80::2 fe80::9");
	ck_route(0, "10.1.0.1", "224.0.0.9", "1 10.1.0.1 224.0.0.9");
	ck_route(0, "fe80::1", "fe80::9", "1 fe80::1 fe80::9");
	ck_route(0, NULL, "224.0.0.9", "EHOSTUNREACH");
	ck_route(0, NULL, "fe80::9", "EHOSTUNREACH");
	ck_route(2, NULL, "10.9.9.9", "EHOSTUNREACH");
	/* Another NIC's link-local address is a neighbour's on this link. */
	ck_route(2, NULL, "fe80::1", "2 fe80::2 fe80::1");
	ck_route(1, NULL, "fe80::1", "1 fe80::1 fe80::1");
	ck_assert_int_eq(fk_find(2, NULL, "224.0.0.9", &r), 0);
	ck_assert_uint_eq(r.flags, MR_ROUTE_F_MULTICAST);
	mr_route_release(&r);
	ck_assert_int_eq(fk_find(2, NULL, "255.255.255.255", &r), 0);
	ck_assert_uint_eq(r.flags, MR_ROUTE_F_BROADCAST);
	mr_route_release(&r);
	ck_assert_int_eq(fk_find(2, NULL, "fe80::9", &r), 0);
	ck_assert_uint_eq(r.flags, 0);
	mr_route_release(&r);
	/* Without a NIC, a row decides; a group is its own next hop even then. */
	fk_row("0.0.0.0/0", "10.1.0.254", 1);
	ck_route(0, NULL, "224.0.0.9", "1 10.1.0.1 224.0.0.9");
	ck_route(0, NULL, "255.255.255.255", "1 10.1.0.1 255.255.255.255");
	mr_nic_disable(fk.s, 2);
	ck_route(2, NULL, "224.0.0.9", "EHOSTUNREACH");
}
END_TEST

/* B-14 */
START_TEST(b14_directed_broadcast)
{
	struct mr_route r;

	fk_nic(1);
	fk_add(1, "10.1.0.1/24", 0);
	fk_row("0.0.0.0/0", "10.1.0.254", 1);
	ck_assert_int_eq(fk_find(0, NULL, "10.1.0.255", &r), 0);
	ck_assert_uint_eq(r.flags, MR_ROUTE_F_BROADCAST);
	ck_assert_int_eq(r.neigh->state, MR_NEIGH_STATIC);
	ck_assert_mem_eq(r.neigh->ll.b, "\xff\xff\xff\xff\xff\xff", 6);
	mr_route_release(&r);
	fk_add(1, "10.2.0.0/31", 0);
	ck_assert_int_eq(fk_find(0, NULL, "10.2.0.1", &r), 0);
	ck_assert_uint_eq(r.flags, 0);
	mr_route_release(&r);
}
END_TEST

/* ---- source choice (SS-4; RFC 6724 rules 1, 2, 8) */

START_TEST(source_v4)
{
	fk_nic(1);
	fk_add(1, "10.1.0.1/24", 0);
	fk_add(1, "10.2.0.1/24", 0);
	fk_add(1, "10.2.0.2/24", 0);
	fk_row("0.0.0.0/0", "10.2.0.254", 1);
	ck_route(0, NULL, "10.1.0.9", "1 10.1.0.1 10.1.0.9");
	ck_route(0, NULL, "10.2.0.9", "1 10.2.0.1 10.2.0.9");
	/* Through a gateway: an address of the gateway's subnet. */
	ck_route(0, NULL, "10.9.0.9", "1 10.2.0.1 10.2.0.254");
	fk_add(1, "10.2.0.3/24", MR_PEB_FIRST_PRIMARY);
	ck_route(0, NULL, "10.2.0.9", "1 10.2.0.3 10.2.0.9");
	fk_add(1, "10.3.0.1/24", MR_PEB_NEVER_PRIMARY);
	ck_route(0, NULL, "10.3.0.9", "1 10.2.0.3 10.3.0.9");
	fk_remove(1, "10.2.0.3");
	fk_remove(1, "10.2.0.1");
	ck_route(0, NULL, "10.9.0.9", "1 10.2.0.2 10.2.0.254");
}
END_TEST

START_TEST(source_v6)
{
	fk_nic(1);
	fk_row("::/0", "fe80::fe", 1);
	fk_add(1, "fe80::1/64", 0);
	/* A link-local source is of no use beyond the link. */
	ck_route(0, NULL, "2001:db8::9", "EHOSTUNREACH");
	fk_add(1, "fd00:1::1/64", 0);
	fk_add(1, "2001:db8:1::1/64", 0);
	fk_add(1, "2001:db8:2::1/64", 0);
	ck_route(0, NULL, "2001:db8:1::9", "1 2001:db8:1::1 2001:db8:1::9");
	ck_route(0, NULL, "2001:db8:2::9", "1 2001:db8:2::1 2001:db8:2::9");
	ck_route(0, NULL, "2001:db8:9::9", "1 2001:db8:1::1 fe80::fe");
	ck_route(0, NULL, "fd00:9::9", "1 fd00:1::1 fe80::fe");
	ck_route(1, NULL, "fe80::9", "1 fe80::1 fe80::9");
	ck_route(1, NULL, "ff02::9", "1 fe80::1 ff02::9");
	ck_route(1, NULL, "ff0e::9", "1 fd00:1::1 ff0e::9");
	/* Without a link-local one, a wider scope has to do. */
	fk_remove(1, "fe80::1");
	ck_route(1, NULL, "fe80::9", "1 fd00:1::1 fe80::9");
	ck_route(0, NULL, "2001:db8:2::1", "1 2001:db8:2::1 2001:db8:2::1");
}
END_TEST

/* ---- connected routes */

START_TEST(connected_routes)
{
	struct mr_route_entry rows[8];

	fk_nic(1);
	fk_add(1, "10.1.0.1/32", 0);
	fk_add(1, "fd01::1/128", 0);
	ck_assert_uint_eq(mr_route_table_get(fk.s, rows, 8), 0);
	fk_add(1, "10.2.0.1/24", 0);
	fk_add(1, "fd02::1/64", 0);
	ck_assert_uint_eq(mr_route_table_get(fk.s, rows, 8), 2);
	ck_assert_addr(&rows[0].dest.addr, "fd02::");
	ck_assert_uint_eq(rows[0].dest.plen, 64);
	ck_assert_addr(&rows[1].dest.addr, "10.2.0.0");
	ck_assert_uint_eq(rows[1].dest.plen, 24);
	ck_assert_uint_eq(rows[1].nic, 1);
	/* One row for all addresses of a prefix, and it goes with the last of them. */
	fk_add(1, "10.2.0.2/24", 0);
	fk_add(1, "10.2.0.3/25", 0);
	ck_assert_uint_eq(mr_route_table_get(fk.s, rows, 8), 3);
	fk_remove(1, "10.2.0.1");
	ck_assert_uint_eq(mr_route_table_get(fk.s, rows, 8), 3);
	ck_route(0, NULL, "10.2.0.200", "1 10.2.0.2 10.2.0.200");
	fk_remove(1, "10.2.0.2");
	ck_assert_uint_eq(mr_route_table_get(fk.s, rows, 8), 2);
	ck_route(0, NULL, "10.2.0.200", "EHOSTUNREACH");
	ck_route(0, NULL, "10.2.0.100", "1 10.2.0.3 10.2.0.100");
}
END_TEST

/* ---- route values */

START_TEST(check_is_cheap_until_something_changes)
{
	struct mr_route r;
	uint32_t gen;

	two_nics();
	ck_assert_int_eq(fk_find(0, NULL, "10.1.0.9", &r), 0);
	gen = fk.s->route_gen;
	ck_assert_uint_eq(r.gen, gen);
	ck_assert_int_eq(mr_route_check(fk.s, &r), 0);
	fk_poll();
	ck_assert_uint_eq(fk.s->route_gen, gen);
	fk_row("10.1.0.9/32", "10.1.0.254", 1);
	ck_assert_uint_ne(fk.s->route_gen, gen);
	ck_assert_int_eq(mr_route_check(fk.s, &r), 0);
	ck_assert_uint_eq(r.gen, fk.s->route_gen);
	ck_assert_addr(&r.next_hop, "10.1.0.254");
	ck_assert_addr(&r.neigh->addr, "10.1.0.254");
	ck_assert_addr(&r.local->addr, "10.1.0.1");
	mr_route_release(&r);
}
END_TEST

/* A route keeps its source: its flow is known by it. */
START_TEST(check_keeps_source)
{
	struct mr_route r;

	two_nics();
	ck_assert_int_eq(fk_find(0, NULL, "10.1.0.9", &r), 0);
	fk_add(1, "10.1.0.2/16", MR_PEB_FIRST_PRIMARY);
	ck_assert_int_eq(mr_route_check(fk.s, &r), 0);
	ck_assert_addr(&r.local->addr, "10.1.0.1");
	ck_route(0, NULL, "10.1.0.9", "1 10.1.0.2 10.1.0.9");
	/* Rows of another NIC would need another source. */
	fk_row("10.1.0.9/32", "10.2.0.254", 2);
	ck_assert_int_eq(mr_route_check(fk.s, &r), 0);
	ck_assert_uint_eq(r.local->nic->id, 1);
	/* Nowhere to go, and then back again. */
	mr_route_remove(fk.s, &(struct mr_route_entry){.dest = fk_subnet("10.1.0.0/16"), .nic = 1});
	ck_assert_int_eq(mr_route_check(fk.s, &r), -EHOSTUNREACH);
	ck_assert_int_eq(fk_send(&r, 1, 2, 0), -EHOSTUNREACH);
	ck_assert_uint_eq(fk_counter(MR_DROP_IP_NO_ROUTE), 1);
	ck_assert_addr(&r.local->addr, "10.1.0.1");
	fk_row("10.1.0.0/16", NULL, 1);
	ck_assert_int_eq(mr_route_check(fk.s, &r), 0);
	/* The destination has become ours. */
	fk_add(2, "10.1.0.9/32", 0);
	ck_assert_int_eq(mr_route_check(fk.s, &r), 0);
	ck_assert_uint_eq(r.flags, MR_ROUTE_F_LOCAL);
	ck_assert_addr(&r.local->addr, "10.1.0.1");
	mr_route_release(&r);
}
END_TEST

/* Found by its source alone, a route to a group stays on that source's NIC. */
START_TEST(check_group_route)
{
	struct mr_route r;

	two_nics();
	ck_assert_int_eq(fk_find(0, "10.2.0.1", "224.0.0.9", &r), 0);
	fk_row("10.9.0.0/16", NULL, 1);
	ck_assert_uint_ne(r.gen, fk.s->route_gen);
	ck_assert_int_eq(mr_route_check(fk.s, &r), 0);
	ck_assert_uint_eq(r.gen, fk.s->route_gen);
	ck_assert_uint_eq(r.flags, MR_ROUTE_F_MULTICAST);
	ck_assert_int_eq(mr_nic_disable(fk.s, 2), 0);
	ck_assert_int_eq(mr_route_check(fk.s, &r), -EHOSTUNREACH);
	mr_route_release(&r);
}
END_TEST

START_TEST(clone_and_release)
{
	struct mr_route a, b, empty = {0};
	struct rte_mbuf *m = mr_stack_tx_alloc(fk.s);
	uint32_t refs;

	two_nics();
	ck_assert_int_eq(fk_find(0, NULL, "10.1.0.9", &a), 0);
	refs = a.local->refs;
	mr_route_clone(&b, &a);
	ck_assert_uint_eq(a.local->refs, refs + 1);
	mr_route_release(&a);
	mr_route_release(&a);
	ck_assert_uint_eq(b.local->refs, refs);
	mr_route_release(&b);
	mr_route_release(&empty);
	mr_route_clone(&b, &empty);
	ck_assert_int_eq(mr_route_check(fk.s, &b), -ENODEV);
	ck_assert_int_lt(mr_route_output(&b, &m, 1, &(struct mr_ip_params){0}), 0);
}
END_TEST

static Suite *
suite(void)
{
	Suite *s = suite_create("route");
	TCase *tc = rig_case(s, "table", fk_setup, fk_teardown);

	tcase_add_test(tc, table_order);
	tcase_add_test(tc, table_errors);
	tcase_add_test(tc, table_grows);
	tcase_add_test(tc, table_connected);
	tcase_add_test(tc, connected_routes);
	tc = rig_case(s, "find", fk_setup, fk_teardown);
	tcase_add_test(tc, b2_nic_source_gateway);
	tcase_add_test(tc, b2_row_source);
	tcase_add_test(tc, b3_longest_prefix);
	tcase_add_test(tc, b6_spoofing);
	tcase_add_test(tc, ss9_self_routes);
	tcase_add_test(tc, local_destinations);
	tcase_add_test(tc, b13_no_row_needed);
	tcase_add_test(tc, b14_directed_broadcast);
	tcase_add_test(tc, source_v4);
	tcase_add_test(tc, source_v6);
	tc = rig_case(s, "values", fk_setup, fk_teardown);
	tcase_add_test(tc, check_is_cheap_until_something_changes);
	tcase_add_test(tc, check_keeps_source);
	tcase_add_test(tc, check_group_route);
	tcase_add_test(tc, clone_and_release);
	return s;
}

RIG_MAIN(suite)
