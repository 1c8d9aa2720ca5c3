/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The route table as a whole (S-44 to S-46, SS-9) and the route value as the public API has it (S-47, S-86 to S-105).
 * Who leads where is in test_route.c.
 */
#include "fakestack.h"

#include "proto/cksum.h"

static struct mr_route_entry
row(const char *dest, const char *gateway, uint16_t nic)
{
	struct mr_route_entry e = {.dest = fk_subnet(dest), .nic = nic};

	if (gateway)
		e.gateway = fk_addr(gateway);
	return e;
}

/* The table as "DEST/PLEN" each. */
static const char *
table_text(void)
{
	static char text[512];
	struct mr_route_entry rows[16];
	size_t n = mr_route_table_get(fk.s, rows, RTE_DIM(rows)), len = 0;

	ck_assert_uint_le(n, RTE_DIM(rows));
	text[0] = '\0';
	for (size_t i = 0; i < n; i++) {
		char addr[MR_ADDR_STRLEN];

		len += (size_t)snprintf(text + len, sizeof(text) - len, "%s%s/%u", i ? " " : "",
		                        mr_addr_format(&rows[i].dest.addr, addr, sizeof(addr)), rows[i].dest.plen);
	}
	return text;
}

/* NIC that a destination is reached by, or a negative errno. */
static int
leaves_at(const char *remote)
{
	struct mr_route r;
	int err = fk_find(0, NULL, remote, &r), nic = err < 0 ? err : mr_route_nic(&r);

	mr_route_release(&r);
	return nic;
}

/* ---- the table as a whole */

/* S-44, S-46: set replaces everything, sorted; get gives it back, and set takes that again. */
START_TEST(s44_set_and_get)
{
	struct mr_route_entry rows[4], again[4];
	uint32_t gen;

	fk_two_nics();
	rows[0] = row("0.0.0.0/0", "10.1.0.254", 1);
	rows[1] = row("10.9.0.0/16", "10.2.0.254", 2);
	rows[2] = row("10.9.1.7/24", "10.1.0.253", 1);
	rows[3] = row("10.9.0.0/16", "10.1.0.254", 1);
	gen = fk.s->route_gen;
	ck_assert_int_eq(mr_route_table_set(fk.s, rows, 4), 0);
	ck_assert_uint_ne(fk.s->route_gen, gen);
	/* Equal prefixes stay in order; the connected rows are gone with the rest. */
	ck_assert_str_eq(table_text(), "10.9.1.0/24 10.9.0.0/16 10.9.0.0/16 0.0.0.0/0");
	ck_assert_int_eq(leaves_at("10.9.2.2"), 2);
	ck_assert_int_eq(leaves_at("10.9.1.1"), 1);
	ck_assert_int_eq(leaves_at("10.2.0.9"), 1);
	ck_assert_uint_eq(mr_route_table_get(fk.s, rows, 4), 4);
	ck_assert_int_eq(mr_route_table_set(fk.s, rows, 4), 0);
	ck_assert_uint_eq(mr_route_table_get(fk.s, again, 4), 4);
	ck_assert_mem_eq(rows, again, sizeof(rows));
	/* Rows come and go as before. */
	ck_assert_int_eq(fk_row("10.9.0.0/20", NULL, 1), 0);
	ck_assert_int_eq(mr_route_remove(fk.s, &again[0]), 0);
	ck_assert_str_eq(table_text(), "10.9.0.0/20 10.9.0.0/16 10.9.0.0/16 0.0.0.0/0");
	ck_assert_int_eq(mr_route_table_set(fk.s, NULL, 0), 0);
	ck_assert_uint_eq(mr_route_table_get(fk.s, again, 4), 0);
	ck_assert_int_eq(leaves_at("10.9.1.1"), -EHOSTUNREACH);
	/* An address that goes after its connected row has gone. */
	ck_assert_int_eq(fk_remove(1, "10.1.0.1"), 0);
	ck_assert_int_eq(fk_row("10.9.0.0/20", NULL, 2), 0);
	ck_assert_int_eq(leaves_at("10.9.1.1"), 2);
}
END_TEST

/* S-44: all or nothing. */
START_TEST(s44_set_errors)
{
	struct mr_route_entry rows[3];

	fk_two_nics();
	rows[0] = row("0.0.0.0/0", "10.1.0.254", 1);
	rows[1] = row("10.9.0.0/16", NULL, 0);
	ck_assert_int_eq(mr_route_table_set(fk.s, rows, 2), -EINVAL);
	rows[1] = row("10.9.0.0/16", "fd00::1", 1);
	ck_assert_int_eq(mr_route_table_set(fk.s, rows, 2), -EINVAL);
	rows[1] = row("10.9.0.0/16", NULL, 1);
	rows[2] = row("10.9.7.7/16", NULL, 1);
	ck_assert_int_eq(mr_route_table_set(fk.s, rows, 3), -EEXIST);
	ck_assert_str_eq(table_text(), "10.1.0.0/16 10.2.0.0/16");
	ck_assert_int_eq(leaves_at("10.2.0.9"), 2);
}
END_TEST

/* SS-9: a row whose NIC is not there is passed over, and taken when the NIC comes; it goes with the NIC. */
START_TEST(ss9_missing_nic)
{
	struct mr_route_entry rows[2];

	fk_two_nics();
	rows[0] = row("10.9.0.0/16", NULL, 9);
	rows[1] = row("10.9.0.0/16", "10.2.0.254", 2);
	ck_assert_int_eq(mr_route_table_set(fk.s, rows, 2), 0);
	ck_assert_int_eq(leaves_at("10.9.1.1"), 2);
	ck_assert_int_eq(mr_route_remove(fk.s, &rows[0]), 0);
	ck_assert_int_eq(fk_row("10.9.1.0/24", NULL, 9), 0);
	ck_assert_int_eq(leaves_at("10.9.1.1"), 2);
	fk_nic(9);
	fk_add(9, "10.9.0.1/32", 0);
	ck_assert_int_eq(leaves_at("10.9.1.1"), 9);
	ck_assert_int_eq(mr_nic_remove(fk.s, 9), 0);
	ck_assert_int_eq(leaves_at("10.9.1.1"), 2);
	ck_assert_str_eq(table_text(), "10.9.0.0/16");
}
END_TEST

/* SS-9, B-3: as an option the reference's order, where a default route that comes first shadows all others. */
START_TEST(ss9_first_match)
{
	struct mr_stack_opts o = fk_opts();
	struct mr_stack *sorted = fk.s;
	struct mr_route_entry rows[4], again[4];

	o.routes_first_match = true;
	ck_assert_int_eq(mr_stack_create(&o, &fk.s), 0);
	fk_two_nics();
	ck_assert_str_eq(table_text(), "10.1.0.0/16 10.2.0.0/16");
	rows[0] = row("10.9.9.0/24", "10.1.0.254", 1);
	rows[1] = row("0.0.0.0/0", "10.2.0.254", 2);
	rows[2] = row("10.9.8.0/24", "10.1.0.254", 1);
	ck_assert_int_eq(mr_route_table_set(fk.s, rows, 3), 0);
	ck_assert_int_eq(leaves_at("10.9.9.1"), 1);
	ck_assert_int_eq(leaves_at("10.9.8.1"), 2);
	/* S-45: appended, and so never reached here. */
	rows[3] = row("10.9.7.0/24", "10.1.0.254", 1);
	ck_assert_int_eq(mr_route_add(fk.s, &rows[3]), 0);
	ck_assert_int_eq(leaves_at("10.9.7.1"), 2);
	ck_assert_uint_eq(mr_route_table_get(fk.s, again, 4), 4);
	ck_assert_mem_eq(rows, again, sizeof(rows));
	/* A row of a NIC that is down is passed over. */
	ck_assert_int_eq(mr_nic_disable(fk.s, 2), 0);
	ck_assert_int_eq(leaves_at("10.9.8.1"), 1);
	mr_stack_destroy(fk.s);
	fk.s = sorted;
}
END_TEST

/* ---- the value */

/* S-86 to S-98, S-105 */
START_TEST(s86_what_a_route_tells)
{
	struct mr_lladdr ll, peer = {.b = {2, 0, 0, 0, 9, 9}, .len = 6};
	struct mr_addr gw = fk_addr("10.1.0.254"), local = fk_addr("10.1.0.1"), remote = fk_addr("10.9.0.7");
	struct mr_route r;

	fk_two_nics();
	fk_row("10.9.0.0/16", "10.1.0.254", 1);
	ck_assert_int_eq(fk_find(0, NULL, "10.9.0.7", &r), 0);
	ck_assert_addr(&r.remote, "10.9.0.7");
	ck_assert_addr(&r.next_hop, "10.1.0.254");
	ck_assert_addr(mr_route_local(&r), "10.1.0.1");
	ck_assert_mem_eq(mr_route_local_ll(&r), &fk.links[0]->link.lladdr, sizeof(ll));
	ck_assert_uint_eq(mr_route_net(&r), MR_NET_IPV4);
	ck_assert_uint_eq(mr_route_nic(&r), 1);
	ck_assert_uint_eq(mr_route_mtu(&r), 1500 - sizeof(struct fk_net));
	ck_assert_uint_eq(mr_route_headroom(&r), sizeof(struct fk_net) + FK_LINK_BYTES);
	ck_assert_uint_le(mr_route_headroom(&r), MR_HEADROOM);
	ck_assert_uint_eq(mr_route_caps(&r), MR_LINK_CAP_RESOLVE | MR_LINK_CAP_TX_MULTI_SEGS);
	ck_assert_uint_eq(mr_route_phdr_sum(&r, MR_TRANS_UDP), mr_cksum_phdr(&local, &remote, MR_TRANS_UDP, 0));
	ck_assert_uint_ne(mr_route_phdr_sum(&r, MR_TRANS_UDP), mr_route_phdr_sum(&r, MR_TRANS_TCP));
	ck_assert_ptr_eq(mr_route_stats(&r), mr_stack_stats(fk.s));
	/* S-88, S-99: until somebody says where the gateway is. */
	ck_assert(mr_route_needs_resolve(&r));
	ck_assert_int_eq(mr_route_remote_ll(&r, &ll), -EHOSTUNREACH);
	ck_assert_int_eq(mr_neigh_add(fk.s, 1, &gw, &peer), 0);
	ck_assert(!mr_route_needs_resolve(&r));
	ck_assert_int_eq(mr_route_remote_ll(&r, &ll), 0);
	ck_assert_mem_eq(&ll, &peer, sizeof(ll));
	mr_route_release(&r);
	ck_assert_uint_eq(fk.n_req, 0);
}
END_TEST

/* S-88, S-91: to ourselves, to a neighbour, to a group. */
START_TEST(s88_link_addresses)
{
	struct mr_lladdr ll;
	struct mr_route r;

	fk_two_nics();
	ck_assert_int_eq(fk_find(0, NULL, "10.2.0.1", &r), 0);
	ck_assert_uint_eq(r.flags, MR_ROUTE_F_LOCAL);
	ck_assert(!mr_route_needs_resolve(&r));
	ck_assert_int_eq(mr_route_remote_ll(&r, &ll), 0);
	ck_assert_mem_eq(&ll, mr_route_local_ll(&r), sizeof(ll));
	mr_route_release(&r);
	ck_assert_int_eq(fk_find(0, NULL, "10.2.0.9", &r), 0);
	ck_assert_addr(&r.next_hop, "10.2.0.9");
	ck_assert(mr_route_needs_resolve(&r));
	/* What was known of the way is not used after the row has gone. */
	ck_assert_int_eq(mr_neigh_add(fk.s, 2, &r.remote, &(struct mr_lladdr){.b = {2}, .len = 6}), 0);
	ck_assert_int_eq(mr_route_remote_ll(&r, &ll), 0);
	ck_assert_int_eq(mr_route_table_set(fk.s, NULL, 0), 0);
	ck_assert_int_eq(mr_route_remote_ll(&r, &ll), -EHOSTUNREACH);
	ck_assert(!mr_route_needs_resolve(&r));
	mr_route_release(&r);
	ck_assert_int_eq(fk_find(2, NULL, "224.0.0.9", &r), 0);
	ck_assert_uint_eq(r.flags, MR_ROUTE_F_MULTICAST);
	ck_assert_int_eq(mr_route_remote_ll(&r, &ll), 0);
	ck_assert_uint_eq(ll.b[0], 0x33);
	mr_route_release(&r);
	/* A link that resolves nothing. */
	fk.links[0]->link.caps &= ~MR_LINK_CAP_RESOLVE;
	ck_assert_int_eq(mr_nic_remove(fk.s, 1), 0);
	ck_assert_int_eq(mr_nic_create(fk.s, 1, "none", &fk.links[0]->link), 0);
	fk_add(1, "10.1.0.1/16", 0);
	ck_assert_int_eq(fk_find(0, NULL, "10.1.0.9", &r), 0);
	ck_assert(!mr_route_needs_resolve(&r));
	ck_assert_int_eq(mr_route_remote_ll(&r, &ll), -EHOSTUNREACH);
	mr_route_release(&r);
}
END_TEST

/* S-103, S-104: a released route is empty and says so; its clone goes on. */
START_TEST(s104_release)
{
	struct mr_route a, b, empty = {0};
	struct mr_lladdr ll;
	struct rte_mbuf *m = mr_stack_tx_alloc(fk.s);

	fk_two_nics();
	ck_assert_int_eq(fk_find(0, NULL, "10.1.0.9", &a), 0);
	mr_route_clone(&b, &a);
	mr_route_release(&a);
	mr_route_release(&a);
	for (unsigned i = 0; i < 2; i++) {
		const struct mr_route *r = i ? &empty : &a;

		ck_assert_ptr_null(mr_route_local(r));
		ck_assert_ptr_null(mr_route_local_ll(r));
		ck_assert_ptr_null(mr_route_stats(r));
		ck_assert_uint_eq(mr_route_net(r) + mr_route_nic(r) + mr_route_mtu(r) + mr_route_headroom(r) +
		                  mr_route_default_ttl(r) + mr_route_caps(r) + mr_route_phdr_sum(r, 6), 0);
	}
	ck_assert(!mr_route_needs_resolve(&a));
	ck_assert_int_eq(mr_route_remote_ll(&a, &ll), -EHOSTUNREACH);
	ck_assert_int_eq(mr_route_output(&a, &m, 1, &(struct mr_ip_params){0}), -EHOSTUNREACH);
	ck_assert_addr(mr_route_local(&b), "10.1.0.1");
	ck_assert_int_eq(mr_route_check(fk.s, &b), 0);
	mr_route_release(&b);
}
END_TEST

/* SS-8, B-4, B-12: a route outlives its address and its NIC; it still sends from the address while there is a NIC. */
START_TEST(ss8_held_route)
{
	struct mr_lladdr ll = {.b = {2, 0, 0, 0, 9, 9}, .len = 6};
	struct mr_addr peer = fk_addr("10.1.0.9"), local;
	struct mr_route r, other;
	struct fk_net h;

	fk_two_nics();
	mr_neigh_add(fk.s, 1, &peer, &ll);
	ck_assert_int_eq(fk_find(0, NULL, "10.1.0.9", &r), 0);
	local = *mr_route_local(&r);
	ck_assert_int_eq(fk_remove(1, "10.1.0.1"), 0);
	ck_assert_int_eq(fk_remove(1, "10.1.0.1"), -EADDRNOTAVAIL);
	ck_assert_int_eq(fk_find(0, "10.1.0.1", "10.1.0.9", &other), -EADDRNOTAVAIL);
	ck_assert(!fk_receives(fk.links[0], "10.1.0.1"));
	/* Its connected row went too: another way is needed, and then it goes on. */
	ck_assert_int_eq(fk_send(&r, 1, 2, 0), -EHOSTUNREACH);
	fk_row("10.1.0.0/16", NULL, 1);
	ck_assert_int_eq(fk_send(&r, 1, 2, 0x5a), 0);
	fk_poll();
	h = fk_tx_net(fk.links[0], 0);
	ck_assert_mem_eq(h.src, local.b, 16);
	ck_assert_uint_eq(fk_tx_tag(fk.links[0], 0), 0x5a);
	ck_assert_int_eq(mr_nic_remove(fk.s, 1), 0);
	ck_assert_int_eq(mr_route_check(fk.s, &r), -ENODEV);
	ck_assert_int_eq(mr_route_remote_ll(&r, &ll), -ENODEV);
	ck_assert(!mr_route_needs_resolve(&r));
	ck_assert_addr(mr_route_local(&r), "10.1.0.1");
	ck_assert_uint_eq(mr_route_caps(&r), 0);
	ck_assert_uint_eq(mr_route_headroom(&r), sizeof(struct fk_net) + FK_LINK_BYTES);
	mr_route_release(&r);
	ck_assert(TAILQ_EMPTY(&fk.s->dead_nics));
}
END_TEST

/* S-96, S-102: with real protocols, a datagram by hand. */
START_TEST(s102_output)
{
	struct mr_ip_params ip = {.trans_proto = MR_TRANS_UDP};
	const uint8_t hdr[8] = {0x10, 0, 0x20, 0, 0, 10, 0, 0};
	const struct rig_frame *f;
	struct mr_route r;
	struct rte_mbuf *m;
	struct rig rig;
	uint64_t sum;
	uint16_t cksum;

	rig_init(&rig, NULL);
	ck_assert_int_eq(mr_route_find(rig.stack, 0, NULL, &rig.peer4, 0, &r), 0);
	ck_assert_uint_eq(mr_route_default_ttl(&r), 64);
	ck_assert_int_eq(mr_netproto_setopt(rig.stack, MR_NET_IPV4, MR_OPT_DEFAULT_TTL, 33), 0);
	ck_assert_uint_eq(mr_route_default_ttl(&r), 33);
	ck_assert_uint_eq(mr_route_mtu(&r), 1480);
	ck_assert_uint_eq(mr_route_headroom(&r), 34);
	for (unsigned i = 0; i < 2; i++) {
		m = rte_pktmbuf_alloc(mr_stack_tx_pool(rig.stack));
		memcpy(rte_pktmbuf_append(m, 10), hdr, 8);
		memcpy(rte_pktmbuf_mtod_offset(m, char *, 8), "hi", 2);
		sum = mr_cksum_add(mr_route_phdr_sum(&r, MR_TRANS_UDP), rte_pktmbuf_mtod(m, char *), 10);
		cksum = (uint16_t)~mr_cksum_fold(sum + rte_cpu_to_be_16(10));
		memcpy(rte_pktmbuf_mtod_offset(m, char *, 6), &cksum, 2);
		ip.ttl = i ? 9 : 0;
		ck_assert_int_eq(mr_route_output(&r, &m, 1, &ip), 0);
		f = rig_expect_udp(&rig, 0x1000, 0x2000, "hi", 2);
		ck_assert_uint_eq(f->ttl, i ? 9 : 33);
	}
	m = rte_pktmbuf_alloc(mr_stack_tx_pool(rig.stack));
	rte_pktmbuf_append(m, 1481);
	ck_assert_int_eq(mr_route_output(&r, &m, 1, &ip), -EMSGSIZE);
	rig_expect_drop(&rig, MR_DROP_IP_TOO_BIG);
	mr_route_release(&r);
	rig_fini(&rig);
}
END_TEST

static Suite *
suite(void)
{
	Suite *s = suite_create("route_value");
	TCase *tc = rig_case(s, "table", fk_setup, fk_teardown), *real;

	tcase_add_test(tc, s44_set_and_get);
	tcase_add_test(tc, s44_set_errors);
	tcase_add_test(tc, ss9_missing_nic);
	tcase_add_test(tc, ss9_first_match);
	tc = rig_case(s, "value", fk_setup, fk_teardown);
	tcase_add_test(tc, s86_what_a_route_tells);
	tcase_add_test(tc, s88_link_addresses);
	tcase_add_test(tc, s104_release);
	tcase_add_test(tc, ss8_held_route);
	real = rig_case(s, "output", NULL, NULL);
	tcase_add_test(real, s102_output);
	return s;
}

RIG_MAIN(suite)
