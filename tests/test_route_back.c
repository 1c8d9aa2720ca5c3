/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The way back to whom a packet came from, and that what is remembered of it is what would be found.
 */
#include "fakestack.h"

/* Where packets go that answer `remote` from `local`, as "source next-hop", or "-errno". It is asked twice, for what was found is
 * remembered. */
static const char *
back_text(struct mr_netep *local, const char *remote)
{
	static char text[2][160];
	char src[MR_ADDR_STRLEN], hop[MR_ADDR_STRLEN];
	struct mr_addr to = fk_addr(remote);

	for (unsigned i = 0; i < 2; i++) {
		uint32_t refs = local->refs;
		struct mr_route r;
		int err = mr_route_back(local, &to, &r);

		snprintf(text[i], sizeof(text[i]), "%s", err < 0 ? strerrorname_np(-err) : "");
		if (err < 0)
			continue;
		snprintf(text[i], sizeof(text[i]), "%s %s", mr_addr_format(&r.local->addr, src, sizeof(src)),
		         mr_addr_format(&r.next_hop, hop, sizeof(hop)));
		ck_assert(mr_addr_equal(&r.remote, &to));
		ck_assert_uint_eq(r.gen, fk.s->route_gen);
		ck_assert_uint_eq(local->refs, refs + 1);
		mr_route_release(&r);
		ck_assert_uint_eq(local->refs, refs);
	}
	ck_assert_str_eq(text[0], text[1]);
	return text[0];
}

static struct mr_netep *
netep(uint16_t nic, const char *addr)
{
	struct mr_addr a = fk_addr(addr);

	return mr_nic_netep_find(mr_nic_find(fk.s, nic), &a);
}

/* Frames need no link address: there is no neighbour to wait for. */
static void
two_plain_nics(void)
{
	fk_two_nics();
	for (uint16_t id = 1; id <= 2; id++)
		mr_nic_find(fk.s, id)->caps &= ~MR_LINK_CAP_RESOLVE;
}

START_TEST(back_is_remembered)
{
	struct mr_netep *one, *two;
	char remote[32], want[64];

	two_plain_nics();
	one = netep(1, "10.1.0.1");
	two = netep(2, "10.2.0.1");
	ck_assert_str_eq(back_text(one, "10.9.0.7"), "EHOSTUNREACH");
	fk_row("10.9.0.0/16", "10.1.0.254", 1);
	ck_assert_str_eq(back_text(one, "10.9.0.7"), "10.1.0.1 10.1.0.254");
	/* It is one local address's, and leaves by its NIC. */
	ck_assert_str_eq(back_text(two, "10.9.0.7"), "EHOSTUNREACH");
	fk_row("10.9.0.0/24", "10.2.0.253", 2);
	ck_assert_str_eq(back_text(two, "10.9.0.7"), "10.2.0.1 10.2.0.253");
	ck_assert_str_eq(back_text(one, "10.9.0.7"), "10.1.0.1 10.1.0.254");
	/* What changes is seen at once. */
	fk_row("10.9.0.7/32", "10.1.0.252", 1);
	ck_assert_str_eq(back_text(one, "10.9.0.7"), "10.1.0.1 10.1.0.252");
	ck_assert_int_eq(mr_nic_disable(fk.s, 1), 0);
	ck_assert_str_eq(back_text(one, "10.9.0.7"), "EHOSTUNREACH");
	ck_assert_int_eq(mr_nic_enable(fk.s, 1), 0);
	ck_assert_str_eq(back_text(one, "10.9.0.7"), "10.1.0.1 10.1.0.252");
	/* Many more than are remembered. */
	for (unsigned i = 0; i < 2000; i++) {
		snprintf(remote, sizeof(remote), "10.%u.%u.9", 1 + i % 2, i * i % 200);
		snprintf(want, sizeof(want), "%s %s", i % 2 ? "10.2.0.1" : "10.1.0.1", remote);
		ck_assert_str_eq(back_text(i % 2 ? two : one, remote), want);
	}
}
END_TEST

/* An address that goes, and another one in its place in memory: nothing of the first is left. Such as are not configured come and
 * go without anybody being told. */
START_TEST(back_from_what_is_gone)
{
	struct mr_netep *first;
	struct mr_route r, back;
	uint32_t gen;

	two_plain_nics();
	mr_nic_set_spoofing(fk.s, 1, true);
	gen = fk.s->route_gen;
	ck_assert_int_eq(fk_find(1, "10.1.7.7", "10.1.0.9", &r), 0);
	first = r.local;
	ck_assert_int_eq(mr_route_back(first, &r.remote, &back), 0);
	mr_route_release(&back);
	mr_route_release(&r);
	fk_poll(); /* it was there for this turn */
	for (unsigned i = 0;; i++) {
		char addr[32];

		ck_assert_uint_lt(i, 250);
		snprintf(addr, sizeof(addr), "10.1.8.%u", i + 1);
		ck_assert_int_eq(fk_find(1, addr, "10.1.0.9", &r), 0);
		if (r.local == first)
			break;
		mr_route_release(&r);
		fk_poll();
	}
	ck_assert_uint_eq(fk.s->route_gen, gen);
	ck_assert_int_eq(mr_route_back(r.local, &r.remote, &back), 0);
	ck_assert_uint_eq(back.addr_sum, r.addr_sum);
	mr_route_release(&back);
	mr_route_release(&r);
	mr_nic_set_spoofing(fk.s, 1, false);
	/* Configured ones. */
	ck_assert_int_eq(fk_add(1, "10.1.9.9/16", 0), 0);
	ck_assert_str_eq(back_text(netep(1, "10.1.9.9"), "10.1.0.9"), "10.1.9.9 10.1.0.9");
	ck_assert_int_eq(fk_remove(1, "10.1.9.9"), 0);
	ck_assert_int_eq(fk_add(1, "10.1.9.10/16", 0), 0);
	ck_assert_str_eq(back_text(netep(1, "10.1.9.10"), "10.1.0.9"), "10.1.9.10 10.1.0.9");
}
END_TEST

/* While the next hop is not resolved, each who asks is the one that it is asked for (B-19). */
START_TEST(back_unresolved)
{
	struct mr_addr to;
	struct mr_route r;

	fk_two_nics();
	to = fk_addr("10.1.0.9");
	ck_assert_int_eq(fk_add(1, "10.1.0.2/16", 0), 0);
	for (unsigned i = 0; i < 4; i++) {
		ck_assert_int_eq(mr_route_back(netep(1, i % 2 ? "10.1.0.2" : "10.1.0.1"), &to, &r), 0);
		ck_assert(mr_addr_equal(&r.neigh->pending_src, &r.local->addr));
		mr_route_release(&r);
	}
	/* The same address, after somebody else has found its own way there. */
	ck_assert_int_eq(fk_find(0, "10.1.0.1", "10.1.0.9", &r), 0);
	mr_route_release(&r);
	ck_assert_int_eq(mr_route_back(netep(1, "10.1.0.2"), &to, &r), 0);
	ck_assert(mr_addr_equal(&r.neigh->pending_src, &r.local->addr));
	mr_route_release(&r);
}
END_TEST

static Suite *
suite(void)
{
	Suite *s = suite_create("route_back");
	TCase *tc = rig_case(s, "back", fk_setup, fk_teardown);

	tcase_add_test(tc, back_is_remembered);
	tcase_add_test(tc, back_from_what_is_gone);
	tcase_add_test(tc, back_unresolved);
	return s;
}

RIG_MAIN(suite)
